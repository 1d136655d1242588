//! Work on leads.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `move_lead` | the lead and its contact | 1 | 3 |
//!
//! All other changes of a lead cost the same.

use super::{Context, Plan, UseCase, rollups};
use crate::api_key::Permission;
use crate::appointment::text_reason;
use crate::change_set::{ChangeSet, ContactWrite, Mention, NewEvent, RowRef, Write};
use crate::error::{Error, Reason};
use crate::event::EventBody;
use crate::id::{LeadId, WorkspaceId};
use crate::lead::{Lead, LeadChange, Progress, Stage};
use crate::store::{Loaded, Need, Needs};
use crate::text::Private;

/// Changes a lead. Reads the lead; one commit.
#[derive(Debug, Clone)]
pub struct ChangeLead {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The lead.
    pub lead: RowRef<LeadId>,
    /// What is changed.
    pub change: LeadChange,
}

impl UseCase for ChangeLead {
    type Answer = Lead;

    fn permission(&self) -> Permission {
        Permission::Update
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [Need::Lead(self.lead.id)])
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Lead>, Error> {
        let config = context.open()?;
        let lead = loaded.lead(self.lead.id).ok_or_else(|| Error::not_found("lead", self.lead.id))?;
        self.lead.check("lead", lead.version)?;
        if !matches!(self.change, LeadChange::Restore) {
            stands(lead)?;
        }
        let pipeline = config.pipeline();
        let mut changes = context.changes(self.workspace);
        let mut row = lead.clone();
        let mut contact = Mention::only(lead.contact);
        let body = match &self.change {
            LeadChange::Move { to, reason } => {
                let status = pipeline.step(&lead.progress.status, to)?;
                check_text("reason", reason.as_deref())?;
                if status.stage.needs_reason() && reason.is_none() {
                    return Err(Error::invalid(vec![Reason::missing("reason")]));
                }
                row.progress.enter(status, reason.clone());
                EventBody::LeadMoved { progress: row.progress.clone() }
            }
            LeadChange::Expire => {
                let days = config.workspace.settings.policy.lead_days_max;
                if !lead.has_expired(days, context.at) {
                    return Err(Error::conflict(format!("lead `{}` has not expired", lead.id)));
                }
                row.progress.enter(pipeline.entry(Stage::Lost), Some(EXPIRED.to_owned()));
                EventBody::LeadMoved { progress: row.progress.clone() }
            }
            LeadChange::Assign(owner) => {
                check_text("owner", owner.as_deref())?;
                row.owner.clone_from(owner);
                EventBody::LeadAssigned { owner: owner.clone() }
            }
            LeadChange::FollowUp(at) => {
                let at = at.map(crate::clock::micros);
                row.follow_up_at = at;
                EventBody::LeadFollowUpSet { at }
            }
            LeadChange::Prioritise(priority) => {
                row.priority = *priority;
                EventBody::LeadPrioritised { priority: *priority }
            }
            LeadChange::Note(text) => {
                check_text("note", Some(text))?;
                EventBody::LeadNoted { text: Some(Private(text.clone())) }
            }
            LeadChange::Attempt(attempt) => {
                let mut attempt = attempt.clone();
                attempt.at = crate::clock::micros(attempt.at.min(context.at));
                row.attempts.add(attempt.at);
                if attempt.reached && lead.progress.status.stage == Stage::New {
                    row.progress.enter(pipeline.entry(Stage::Contacted), None);
                }
                EventBody::LeadAttempted { attempt, progress: row.progress.clone() }
            }
            LeadChange::Delete => {
                row.deleted_at = Some(context.at);
                EventBody::LeadDeleted
            }
            LeadChange::Restore => {
                if lead.deleted_at.is_none() {
                    return Err(Error::conflict(format!("lead `{}` is not deleted", lead.id)));
                }
                row.deleted_at = None;
                EventBody::LeadRestored
            }
        };
        if matches!(self.change, LeadChange::Delete | LeadChange::Restore) {
            let found = loaded.contact(lead.contact);
            let found = found.ok_or_else(|| Error::not_found("contact", lead.contact))?;
            let mut row = found.clone();
            row.count_lead(lead.deleted_at.is_some());
            changes.contacts.push(ContactWrite::Update { row: Box::new(row), at: found.version });
            contact = Mention::changed(lead.contact);
        }
        let day = config.workspace.settings.zone.day_of(context.at);
        changes.rollups.extend(rollups::funnel(lead, &row.progress, day));
        row.version = lead.version.next();
        changes.events.push(NewEvent {
            body,
            contact: Some(contact),
            lead: Some(Mention::changed(lead.id)),
            subject: None,
            duplicate_of: None,
        });
        changes.leads.push(Write::Update { row: row.clone(), at: lead.version });
        Ok(Plan { changes, answer: row })
    }
}

/// Refuses a deleted lead.
pub(super) fn stands(lead: &Lead) -> Result<(), Error> {
    match lead.deleted_at {
        None => Ok(()),
        Some(_) => Err(Error::conflict(format!("lead `{}` is deleted", lead.id))),
    }
}

/// Writes the lead with this progress, if it is another one. Says whether it is.
pub(super) fn write_progress(changes: &mut ChangeSet, lead: &Lead, progress: &Progress) -> bool {
    let moves = *progress != lead.progress;
    if moves {
        let mut row = lead.clone();
        row.progress = progress.clone();
        row.version = lead.version.next();
        changes.leads.push(Write::Update { row, at: lead.version });
    }
    moves
}

/// The lead of an event that may change it.
pub(super) fn mention(lead: &Lead, changed: bool) -> Option<Mention<LeadId>> {
    Some(if changed { Mention::changed(lead.id) } else { Mention::only(lead.id) })
}

/// Refuses a text that is nothing but blanks, or too long.
pub(super) fn check_text(field: &str, text: Option<&str>) -> Result<(), Error> {
    match text_reason(field, text) {
        None => Ok(()),
        Some(reason) => Err(Error::invalid(vec![reason])),
    }
}

/// Why an expired lead is lost.
const EXPIRED: &str = "expired";
