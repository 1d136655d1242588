//! The journey of the example's leads: rules are published once; then each lead that the rules choose is booked, routed, and
//! goes the way that the rules say.
//!
//! What is left to do is decided from what is stored, so a run that was cut short is picked up by the next one.

use std::collections::HashMap;

use convio_core::appointment::AppointmentFilter;
use convio_core::lead::LeadFilter;
use convio_core::{
    Appointment, AppointmentStatus, Completion, Lead, LeadId, NewAppointment, Party, WorkspaceHandle,
};

use crate::Failure;
use crate::calls;
use crate::pages::all;
use crate::rules::{self, Fate, RecId};

/// Takes every lead as far as the rules say.
pub(crate) async fn run(workspace: &WorkspaceHandle<'static>, at_once: usize) -> Result<(), Failure> {
    if workspace.rules().await?.version.0 == 0 {
        workspace.publish_rules(rules::routing()).await?;
    }
    let due = due(workspace).await?;
    let calls = due.into_iter().map(|step| step.take(workspace.clone())).collect();
    calls::all("appointments", calls, at_once, |()| {}).await
}

/// What is left to do with a lead.
struct Step {
    lead: LeadId,
    n: RecId,
    is_called: bool,
    /// The appointment that stands last in its row.
    appointment: Option<Appointment>,
}

impl Step {
    async fn take(self, workspace: WorkspaceHandle<'static>) -> Result<(), Failure> {
        let n = self.n;
        let mut visit = match self.appointment {
            Some(visit) => visit,
            None => {
                if !self.is_called {
                    workspace.record_attempt(self.lead, n.call()?).await?;
                }
                let new = NewAppointment::at(n.schedule()?)
                    .booked_at(n.booked_at()?)
                    .external_id(format!("visit-{n}"));
                workspace.book(self.lead, new).await?
            }
        };
        match n.fate() {
            Fate::Cancelled => {
                workspace.cancel(visit.id, Party::Customer, Some("changed their mind".to_owned())).await?;
                return Ok(());
            }
            Fate::NoShow => {
                workspace.no_show(visit.id, Party::Customer).await?;
                return Ok(());
            }
            Fate::Moved if visit.rescheduled_from.is_none() => {
                visit = workspace.reschedule(visit.id, n.moved_schedule()?, Party::Customer, None).await?;
            }
            Fate::Confirmed if visit.status == AppointmentStatus::Booked => {
                visit = workspace.confirm(visit.id).await?;
            }
            Fate::Moved | Fate::Confirmed | Fate::Plain => {}
        }
        if let Some(outcome) = n.outcome()? {
            let done = Completion::from(outcome).completed_at(visit.schedule.ends_at());
            workspace.complete(visit.id, done.external_id(format!("sale-{n}"))).await?;
        }
        Ok(())
    }

    /// Whether anything is left.
    fn is_due(&self) -> Result<bool, Failure> {
        let Some(visit) = &self.appointment else { return Ok(self.n.is_booked()) };
        let goes_on = match self.n.fate() {
            Fate::Cancelled | Fate::NoShow => true,
            Fate::Moved => visit.rescheduled_from.is_none() || self.n.outcome()?.is_some(),
            Fate::Confirmed => visit.status == AppointmentStatus::Booked || self.n.outcome()?.is_some(),
            Fate::Plain => self.n.outcome()?.is_some(),
        };
        Ok(visit.status.is_open() && goes_on)
    }
}

/// The leads with something left to do, in the order in which they came.
async fn due(workspace: &WorkspaceHandle<'_>) -> Result<Vec<Step>, Failure> {
    let filter = AppointmentFilter::default();
    let booked = all(async |page| workspace.appointments(&filter, &page).await).await?;
    let last = booked.into_iter().filter(|visit| visit.rescheduled_to.is_none());
    let mut last: HashMap<LeadId, Appointment> = last.map(|visit| (visit.lead, visit)).collect();
    let filter = LeadFilter::default();
    let leads = all(async |page| workspace.leads(&filter, &page).await).await?;
    let mut due = Vec::new();
    for lead in &leads {
        let Some(n) = rec_id(lead) else { continue };
        let step =
            Step { lead: lead.id, n, is_called: lead.attempts.count > 0, appointment: last.remove(&lead.id) };
        if step.is_due()? {
            due.push(step);
        }
    }
    Ok(due)
}

/// The record that the lead was; `None` for a lead that someone else put into the file.
fn rec_id(lead: &Lead) -> Option<RecId> {
    lead.interest.external_id.as_deref()?.parse().ok()
}
