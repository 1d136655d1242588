//! What comes after a sale: a lead that comes back, and what others earn by it.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `return_lead` | the conversion; then it again with its lead, contact and appointment, and its credits | 1 | 5 |
//! | `owe_commission` | the conversion, its lead and contact | 1 | 3 |
//!
//! What becomes of a commission then costs what owing it does.

use chrono::{DateTime, Utc};

use super::{Context, Plan, UseCase, book, convert};
use crate::api_key::Permission;
use crate::appointment::{AppointmentStatus, text_reason};
use crate::change_set::{Mention, NewEvent, RowRef, Write};
use crate::conversion::{
    COMMISSIONS_MAX, Commission, Conversion, NewAdjustment, NewCommission, NewReturn, Remedy, Returned,
};
use crate::error::{Error, Reason};
use crate::event::{ConversionReturned, EventBody, Subject};
use crate::id::{AppointmentId, CommissionId, ConversionId, LeadId, WorkspaceId};
use crate::lead::Lead;
use crate::money::Money;
use crate::record::CREDITS_KIND;
use crate::store::{Loaded, Need, Needs};

/// Records that a lead which was sold came back: the buyer gets the money or another lead, caps get room, and commissions end.
/// One commit.
#[derive(Debug, Clone)]
pub struct ReturnLead {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The conversion.
    pub conversion: RowRef<ConversionId>,
    /// The appointment that it came from.
    pub appointment: Option<AppointmentId>,
    /// What is recorded.
    pub new: NewReturn,
}

impl UseCase for ReturnLead {
    type Answer = Conversion;

    fn permission(&self) -> Permission {
        Permission::Convert
    }

    fn needs(&self) -> Needs {
        let replacement = match self.new.remedy {
            Remedy::Replacement(Some(lead)) => Some(Need::Lead(lead)),
            _ => None,
        };
        let items = [Need::Conversion(self.conversion.id)];
        let others = self.appointment.map(Need::Appointment).into_iter().chain(replacement);
        Needs::of(self.workspace, items.into_iter().chain(others))
    }

    fn records(&self) -> Vec<(&'static str, String)> {
        vec![(CREDITS_KIND, self.conversion.id.to_string())]
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Conversion>, Error> {
        let policy = &context.open()?.workspace.settings.policy.returns;
        let id = self.conversion.id;
        let found = loaded.conversion(id).ok_or_else(|| Error::not_found("conversion", id))?;
        let NewReturn { reason, remedy, at, keeps_commissions } = &self.new;
        if found.returned.as_ref().is_some_and(|it| (&it.reason, it.remedy) == (reason, *remedy)) {
            return Ok(Plan { changes: context.changes(self.workspace), answer: found.clone() }); // told again
        }
        self.conversion.check("conversion", found.version)?;
        let mut reasons = self.new.check();
        // It is owed a lead already, and now it is known which one that is.
        let is_owed = |before: &&Returned| before.remedy == Remedy::Replacement(None) && remedy.is_given();
        let owed = found.returned.as_ref().filter(is_owed).filter(|before| before.reason == *reason);
        if reasons.is_empty() && owed.is_none() && !policy.reasons.contains(reason) {
            let message = format!("no lead comes back for `{reason}` in this workspace");
            reasons.push(Reason::new("reason", "unknown", message));
        }
        if let Remedy::Replacement(Some(lead)) = remedy {
            reasons.extend(replaces(loaded, found, *lead)?);
        }
        if !reasons.is_empty() {
            return Err(Error::invalid(reasons));
        }
        if !found.stands() {
            return Err(Error::conflict(format!("conversion `{id}` is voided")));
        }
        let mut changes = context.changes(self.workspace);
        let (mut row, mut adjusted, mut commissions) = (found.clone(), None, Vec::new());
        let returned = match (owed, &found.returned) {
            (Some(before), _) => Returned { remedy: *remedy, ..before.clone() },
            (None, Some(_)) => {
                return Err(Error::conflict(format!("the lead of conversion `{id}` came back already")));
            }
            (None, None) => {
                let at = book::past(*at, context);
                let until = policy.until(found.occurred_at);
                if policy.hours == 0 || at > until {
                    let message = format!("it could come back until {}", until.to_rfc3339());
                    return Err(Error::invalid(vec![Reason::new("at", "too_late", message)]));
                }
                if at < found.occurred_at {
                    let message = "it was not sold yet";
                    return Err(Error::invalid(vec![Reason::new("at", "too_early", message)]));
                }
                if *remedy == Remedy::Credit {
                    let refund = NewAdjustment::full_refund().because(reason);
                    let (credited, how) = convert::revalue(&mut changes, loaded, context, found, &refund)?;
                    (row, adjusted) = (credited, Some(how));
                }
                if !keeps_commissions {
                    commissions = convert::reverse_commissions(&mut row, context.at, reason);
                }
                let visit = found.appointment.and_then(|id| loaded.appointment(id));
                // One that is still open, or was called off, counts or gives its place back by itself.
                let took_place =
                    |status| matches!(status, AppointmentStatus::Completed | AppointmentStatus::NoShow);
                // And it gives it back once, whatever is sold from it again.
                let gave_back = |other: &&Conversion| {
                    other.appointment == found.appointment
                        && other.returned.as_ref().is_some_and(|returned| returned.caps_freed)
                };
                let gave_back = loaded.conversions.iter().any(|other| gave_back(&other));
                let visit = visit.filter(|visit| took_place(visit.status) && !gave_back);
                changes.counters.extend(visit.into_iter().flat_map(|visit| visit.routing.returned()));
                let caps_freed = !changes.counters.is_empty();
                Returned { at, reason: reason.clone(), remedy: *remedy, caps_freed }
            }
        };
        row.returned = Some(returned.clone());
        row.version = found.version.next();
        let contact = match adjusted {
            Some(_) => Mention::changed(found.contact),
            None => Mention::only(found.contact),
        };
        // Of two returns at once that would give one place back, one comes first: both change the lead.
        let lead = match found.returned.is_none() && returned.caps_freed {
            true => {
                let before = loaded.lead(found.lead).ok_or_else(|| Error::not_found("lead", found.lead))?;
                let row = Lead { version: before.version.next(), ..before.clone() };
                changes.leads.push(Write::Update { row, at: before.version });
                Mention::changed(found.lead)
            }
            false => Mention::only(found.lead),
        };
        let body = ConversionReturned { returned, adjusted, commissions };
        changes.events.push(NewEvent {
            contact: Some(contact),
            lead: Some(lead),
            ..NewEvent::about(Subject::Conversion(id), EventBody::ConversionReturned(Box::new(body)))
        });
        changes.conversions.push(Write::Update { row: row.clone(), at: found.version });
        Ok(Plan { changes, answer: row })
    }
}

/// What is wrong with a lead that is given for the one of a conversion.
fn replaces(loaded: &Loaded, found: &Conversion, lead: LeadId) -> Result<Option<Reason>, Error> {
    let given = loaded.lead(lead).ok_or_else(|| Error::not_found("lead", lead))?;
    let wrong = if given.id == found.lead {
        Some(("same", "it is the lead that came back"))
    } else if given.deleted_at.is_some() {
        Some(("deleted", "the lead is deleted"))
    } else if given.test {
        Some(("test", "the lead is a test"))
    } else if given.progress.conversion.is_some() {
        Some(("sold", "the lead was sold already"))
    } else {
        None
    };
    Ok(wrong.map(|(code, message)| Reason::new("replacement", code, message)))
}

/// Changes what somebody earns by a conversion. Reads the conversion; one commit.
#[derive(Debug, Clone)]
pub struct ChangeCommission {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The conversion.
    pub conversion: RowRef<ConversionId>,
    /// What changes.
    pub change: CommissionChange,
}

/// What becomes of a commission.
#[derive(Debug, Clone)]
pub enum CommissionChange {
    /// It is due.
    Owe(NewCommission),
    /// It is paid.
    Pay {
        /// Which one.
        id: CommissionId,
        /// When; `None`: now.
        at: Option<DateTime<Utc>>,
        /// The payer's id of the payment.
        reference: Option<String>,
    },
    /// It is cancelled before it is paid.
    Cancel {
        /// Which one.
        id: CommissionId,
        /// Why.
        reason: String,
    },
    /// What was paid is taken back.
    ClawBack {
        /// Which one.
        id: CommissionId,
        /// How much; `None`: all that is left.
        amount: Option<Money>,
        /// Why.
        reason: String,
    },
}

impl UseCase for ChangeCommission {
    type Answer = Conversion;

    fn permission(&self) -> Permission {
        Permission::Convert
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [Need::Conversion(self.conversion.id)])
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Conversion>, Error> {
        context.open()?;
        let id = self.conversion.id;
        let found = loaded.conversion(id).ok_or_else(|| Error::not_found("conversion", id))?;
        let mut changes = context.changes(self.workspace);
        let mut row = found.clone();
        let changed = match &self.change {
            CommissionChange::Owe(new) => {
                let reasons = new.check();
                if !reasons.is_empty() {
                    return Err(Error::invalid(reasons));
                }
                let same_id =
                    |known: &&Commission| new.external_id.is_some() && known.external_id == new.external_id;
                if let Some(known) = found.commissions.iter().find(same_id) {
                    if (&known.to, known.amount) != (&new.to, new.amount) {
                        let message = "this external id is that of another commission";
                        return Err(Error::taken(Reason::new("external_id", "reused", message)));
                    }
                    return Ok(Plan { changes, answer: row });
                }
                if !found.stands() {
                    return Err(Error::conflict(format!("conversion `{id}` is voided")));
                }
                if found.commissions.len() >= COMMISSIONS_MAX {
                    let message = format!("a conversion has at most {COMMISSIONS_MAX} commissions");
                    return Err(Error::invalid(vec![Reason::new("commissions", "too_many", message)]));
                }
                Commission {
                    id: CommissionId::new(context.ids, context.at),
                    to: new.to.clone(),
                    amount: new.amount,
                    external_id: new.external_id.clone(),
                    due_at: context.at,
                    paid: None,
                    cancelled: None,
                    clawed_back: Vec::new(),
                }
            }
            CommissionChange::Pay { id, at, reference } => {
                let wrong = text_reason("reference", reference.as_deref());
                changed(found, *id, wrong, |it| it.pay(book::past(*at, context), reference.clone()))?
            }
            CommissionChange::Cancel { id, reason } => {
                let wrong = text_reason("reason", Some(reason));
                changed(found, *id, wrong, |it| it.cancel(context.at, reason.clone()))?
            }
            CommissionChange::ClawBack { id, amount, reason } => {
                let wrong = text_reason("reason", Some(reason));
                changed(found, *id, wrong, |it| it.claw_back(context.at, *amount, reason.clone()))?
            }
        };
        if found.commission(changed.id) == Some(&changed) {
            return Ok(Plan { changes, answer: row }); // told again
        }
        self.conversion.check("conversion", found.version)?;
        row.set_commissions(std::slice::from_ref(&changed));
        row.version = found.version.next();
        changes.events.push(NewEvent {
            contact: Some(Mention::only(found.contact)),
            lead: Some(Mention::only(found.lead)),
            ..NewEvent::about(Subject::Conversion(id), EventBody::CommissionChanged(Box::new(changed)))
        });
        changes.conversions.push(Write::Update { row: row.clone(), at: found.version });
        Ok(Plan { changes, answer: row })
    }
}

/// A commission of the conversion, after a change.
fn changed(
    found: &Conversion,
    id: CommissionId,
    wrong: Option<Reason>,
    change: impl FnOnce(&mut Commission) -> Result<(), Error>,
) -> Result<Commission, Error> {
    let mut commission = found.commission(id).ok_or_else(|| Error::not_found("commission", id))?.clone();
    if let Some(reason) = wrong {
        return Err(Error::invalid(vec![reason]));
    }
    change(&mut commission)?;
    Ok(commission)
}
