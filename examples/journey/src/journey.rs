//! The journey: rules are published once; then each lead that the rules choose is booked, routed and completed.
//!
//! What is left to do is decided from what is stored, so a run that was cut short is picked up by the next one.

use std::collections::HashMap;

use convio_core::appointment::AppointmentFilter;
use convio_core::lead::LeadFilter;
use convio_core::{Appointment, AppointmentStatus, Lead, LeadId, WorkspaceHandle};
use tokio::task::JoinSet;

use crate::Failure;
use crate::figures::all;
use crate::progress::Progress;
use crate::rules::{self, RecId};

/// Takes every lead as far as the rules say.
pub(crate) async fn run(workspace: &WorkspaceHandle<'static>) -> Result<(), Failure> {
    if workspace.rules().await?.version.0 == 0 {
        workspace.publish_rules(rules::routing()).await?;
    }
    let mut due = due(workspace).await?;
    let mut progress = Progress::of("appointments", due.len());
    // Calls that wait at the same time share a sync to the disk.
    let mut running: JoinSet<Result<(), Failure>> = JoinSet::new();
    while !due.is_empty() || !running.is_empty() {
        while running.len() < CALLS_AT_ONCE
            && let Some(step) = due.pop()
        {
            running.spawn(step.take(workspace.clone()));
        }
        if let Some(done) = running.join_next().await {
            done??;
            progress.add(1);
        }
    }
    progress.finish();
    Ok(())
}

/// What is left to do with a lead.
struct Step {
    lead: LeadId,
    n: RecId,
    appointment: Option<Appointment>,
}

impl Step {
    async fn take(self, workspace: WorkspaceHandle<'static>) -> Result<(), Failure> {
        let appointment = match self.appointment {
            Some(appointment) => appointment,
            None => workspace.book(self.lead, self.n.schedule()?).await?,
        };
        if let Some(outcome) = self.n.outcome()? {
            workspace.complete(appointment.id, outcome).await?;
        }
        Ok(())
    }
}

/// The leads with something left to do, the last one first.
async fn due(workspace: &WorkspaceHandle<'_>) -> Result<Vec<Step>, Failure> {
    let filter = AppointmentFilter::default();
    let booked = all(async |page| workspace.appointments(&filter, &page).await).await?;
    let mut booked: HashMap<LeadId, Appointment> =
        booked.into_iter().map(|appointment| (appointment.lead, appointment)).collect();
    let filter = LeadFilter::default();
    let leads = all(async |page| workspace.leads(&filter, &page).await).await?;
    let mut due = Vec::new();
    for lead in leads.iter().rev() {
        let Some(n) = rec_id(lead) else { continue };
        let appointment = booked.remove(&lead.id);
        let left = match &appointment {
            None => n.is_booked(),
            Some(booked) => booked.status == AppointmentStatus::Booked && n.outcome()?.is_some(),
        };
        if left {
            due.push(Step { lead: lead.id, n, appointment });
        }
    }
    Ok(due)
}

/// The record that the lead was; `None` for a lead that someone else put into the file.
fn rec_id(lead: &Lead) -> Option<RecId> {
    lead.interest.external_id.as_deref()?.parse().ok()
}

/// Enough to keep the disk busy; each is a commit of its own.
const CALLS_AT_ONCE: usize = 64;
