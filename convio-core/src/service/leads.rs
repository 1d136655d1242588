//! What can be done with leads, and what their histories tell.

use chrono::{DateTime, TimeDelta, Utc};

use super::WorkspaceHandle;
use crate::api_key::Permission;
use crate::change_set::RowRef;
use crate::error::{Error, ErrorKind, Reason};
use crate::event::{Event, StreamRef};
use crate::id::LeadId;
use crate::lead::{
    ContactAttempt, Lead, LeadChange, LeadFilter, LeadStatus, Note, Priority, Span, notes, owners, statuses,
};
use crate::page::{PAGE_ITEMS_MAX, PageRequest};
use crate::use_case::ChangeLead;

/// What a sweep of expired leads came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// The leads that are lost now.
    pub leads: Vec<LeadId>,
    /// Whether there may be more.
    pub more: bool,
}

impl WorkspaceHandle<'_> {
    /// Gives a lead another status of the workspace's pipeline. A lost or rejected one needs a reason.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) for the lead and the status; [`Invalid`](crate::ErrorKind::Invalid) without
    /// a reason where one is needed; [`Conflict`](crate::ErrorKind::Conflict) for an illegal transition, a deleted lead, and
    /// one that is not as the caller saw it.
    pub async fn move_lead(
        &self,
        lead: impl Into<RowRef<LeadId>>,
        to: impl Into<String>,
        reason: Option<String>,
    ) -> Result<Lead, Error> {
        self.change_lead(lead.into(), LeadChange::Move { to: to.into(), reason }).await
    }

    /// Makes someone responsible for a lead, or no one: a name or id of yours.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) for a deleted lead and one that is
    /// not as the caller saw it.
    pub async fn assign_lead(
        &self,
        lead: impl Into<RowRef<LeadId>>,
        owner: Option<String>,
    ) -> Result<Lead, Error> {
        self.change_lead(lead.into(), LeadChange::Assign(owner)).await
    }

    /// Sets when a lead is to be looked at again; `None`: not.
    ///
    /// # Errors
    /// Those of [`WorkspaceHandle::assign_lead`].
    pub async fn follow_up(
        &self,
        lead: impl Into<RowRef<LeadId>>,
        at: Option<DateTime<Utc>>,
    ) -> Result<Lead, Error> {
        self.change_lead(lead.into(), LeadChange::FollowUp(at)).await
    }

    /// Sets how urgent a lead is.
    ///
    /// # Errors
    /// Those of [`WorkspaceHandle::assign_lead`].
    pub async fn prioritise(
        &self,
        lead: impl Into<RowRef<LeadId>>,
        priority: Priority,
    ) -> Result<Lead, Error> {
        self.change_lead(lead.into(), LeadChange::Prioritise(priority)).await
    }

    /// Notes something of a lead. Notes are personal data, read by [`WorkspaceHandle::lead_notes`].
    ///
    /// # Errors
    /// Those of [`WorkspaceHandle::assign_lead`]; [`Invalid`](crate::ErrorKind::Invalid) for an empty note.
    pub async fn note(
        &self,
        lead: impl Into<RowRef<LeadId>>,
        text: impl Into<String>,
    ) -> Result<Lead, Error> {
        self.change_lead(lead.into(), LeadChange::Note(text.into())).await
    }

    /// Records that someone tried to reach the person. The first success makes a new lead a contacted one.
    ///
    /// # Errors
    /// Those of [`WorkspaceHandle::assign_lead`].
    pub async fn record_attempt(
        &self,
        lead: impl Into<RowRef<LeadId>>,
        attempt: ContactAttempt,
    ) -> Result<Lead, Error> {
        self.change_lead(lead.into(), LeadChange::Attempt(attempt)).await
    }

    /// Deletes a lead: lists leave it out, and nothing is done with it until it is restored. It is not erased.
    ///
    /// # Errors
    /// Those of [`WorkspaceHandle::assign_lead`].
    pub async fn delete_lead(&self, lead: impl Into<RowRef<LeadId>>) -> Result<Lead, Error> {
        self.change_lead(lead.into(), LeadChange::Delete).await
    }

    /// Restores a deleted lead.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) for one that is not deleted or not
    /// as the caller saw it.
    pub async fn restore_lead(&self, lead: impl Into<RowRef<LeadId>>) -> Result<Lead, Error> {
        self.change_lead(lead.into(), LeadChange::Restore).await
    }

    /// Loses leads that are older than the workspace's policy lets them be, with the reason `expired`: those still worked
    /// on, without an open appointment. At most `limit` in one call: call again while there are more.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) where the workspace sets no age.
    pub async fn expire_leads(&self, limit: usize) -> Result<Expired, Error> {
        let permit = self.permit(Permission::Update).await?;
        let days = self.current_config().await?.workspace.settings.policy.lead_days_max;
        let Some(age) = days else {
            let message = "the workspace sets no age at which leads expire";
            return Err(Error::invalid(vec![Reason::new("lead_days_max", "missing", message)]));
        };
        let now = self.now();
        let received_before = now.checked_sub_signed(TimeDelta::days(age.into()));
        let filter = LeadFilter { received_before, ..LeadFilter::default() };
        let mut page = PageRequest::first(PAGE_ITEMS_MAX);
        let mut leads = Vec::new();
        loop {
            let found = self.store(permit).list_leads(self.id(), &filter, &page).await?;
            for lead in found.items.iter().filter(|lead| lead.has_expired(days, now)) {
                if leads.len() == limit {
                    return Ok(Expired { leads, more: true });
                }
                match self.change_lead(lead.id.into(), LeadChange::Expire).await {
                    Ok(lead) => leads.push(lead.id),
                    Err(error) if error.kind() == ErrorKind::Conflict => {} // someone took care of it meanwhile
                    Err(error) => return Err(error),
                }
            }
            match found.next {
                Some(next) => page.after = Some(next),
                None => return Ok(Expired { leads, more: false }),
            }
        }
    }

    /// The statuses of a lead over time, each with when it was entered and left, and by whom.
    pub async fn lead_statuses(&self, lead: LeadId) -> Result<Vec<Span<LeadStatus>>, Error> {
        Ok(statuses(&self.lead_history(lead).await?))
    }

    /// Who was responsible for a lead over time; `None` while no one was.
    pub async fn lead_owners(&self, lead: LeadId) -> Result<Vec<Span<Option<String>>>, Error> {
        Ok(owners(&self.lead_history(lead).await?))
    }

    /// What was noted of a lead, oldest first.
    pub async fn lead_notes(&self, lead: LeadId) -> Result<Vec<Note>, Error> {
        Ok(notes(&self.lead_history(lead).await?))
    }

    async fn lead_history(&self, lead: LeadId) -> Result<Vec<Event>, Error> {
        let permit = self.permit(Permission::Read).await?;
        let mut page = PageRequest::first(PAGE_ITEMS_MAX);
        let mut events = Vec::new();
        loop {
            let found = self.store(permit).history(self.id(), StreamRef::Lead(lead), &page).await?;
            events.extend(found.items);
            match found.next {
                Some(next) => page.after = Some(next),
                None => return Ok(events),
            }
        }
    }

    async fn change_lead(&self, lead: RowRef<LeadId>, change: LeadChange) -> Result<Lead, Error> {
        self.run(&ChangeLead { workspace: self.id(), lead, change }).await
    }
}
