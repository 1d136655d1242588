//! The appointment: a meeting that a lead leads to, routed to who keeps it.

mod chain;
mod fold;
#[cfg(feature = "ics")]
pub mod ics;
mod new;
mod repository;
mod schedule;
mod status;

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::calendar::{Seats, Taken};
use crate::change_set::{GiveBack, Version};
use crate::id::{AppointmentId, ContactId, ConversionId, LeadId, WorkspaceId};
use crate::money::Money;
use crate::routing::Decision;
use crate::text::AppointmentType;

pub use chain::{Chain, MOVES_MAX};
pub use new::{Completion, NewAppointment};
pub(crate) use new::{id_reason, text_reason};
#[cfg(feature = "service")]
pub use repository::{AppointmentFilter, AppointmentRepository};
pub(crate) use schedule::MINUTES_MAX;
pub use schedule::{Drift, Schedule};
pub use status::AppointmentStatus;

/// A meeting that a lead leads to. `Debug` shows neither place nor next step.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Appointment {
    /// Who it is.
    pub id: AppointmentId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The lead that it was booked from.
    pub lead: LeadId,
    /// The lead's contact.
    pub contact: ContactId,
    /// What kind of appointment it is.
    pub appointment_type: AppointmentType,
    /// When it takes place.
    pub schedule: Schedule,
    /// Where it takes place. Personal.
    pub location: Option<String>,
    /// Whom it went to, and why.
    pub routing: Decision,
    /// Who of them keeps it: a name or id of the embedder's.
    pub staff: Option<String>,
    /// How far it has come.
    pub status: AppointmentStatus,
    /// How it ended, if it took place.
    pub outcome: Option<Outcome>,
    /// What is to be done next. Personal.
    pub next_step: Option<NextStep>,
    /// When and by whom it was completed, cancelled or missed.
    pub ended: Option<Ended>,
    /// The conversion that it ended in.
    pub conversion: Option<ConversionId>,
    /// The appointment that this one was moved from.
    pub rescheduled_from: Option<AppointmentId>,
    /// The appointment that this one was moved to.
    pub rescheduled_to: Option<AppointmentId>,
    /// The caller's own id of it: unique in the workspace, for ever.
    pub external_id: Option<String>,
    /// When it was booked.
    pub booked_at: DateTime<Utc>,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
    /// How many events it has had.
    pub version: Version,
}

impl Appointment {
    /// What gives back what it takes of calendars.
    pub(crate) fn given_back(&self) -> GiveBack {
        self.given_back_but(|_| false)
    }

    /// The same, without what it goes on to take.
    pub(crate) fn given_back_but(&self, stays: impl Fn(&Taken) -> bool) -> GiveBack {
        let time = self.schedule.time();
        let takes = self.routing.takes.iter().filter(|taken| !stays(taken));
        let takes = takes.map(|taken| (taken.resource.clone(), taken.around(time)));
        GiveBack { by: self.id.uuid(), takes: takes.collect() }
    }

    /// Whether it takes other times of calendars than these say.
    pub(crate) fn is_unseated(&self, seats: &Seats) -> bool {
        seats.takes(self.routing.target.as_ref()) != self.routing.takes
    }

    /// What it takes whoever has it.
    pub(crate) fn takes_by_name(&self) -> impl Iterator<Item = &Taken> {
        self.routing.takes.iter().filter(|taken| taken.named)
    }

    /// Takes what was decided: who gets it, and where nobody keeps it yet, who of them does.
    pub(crate) fn route(&mut self, decision: &Decision) {
        self.routing.clone_from(decision);
        if self.staff.is_none() {
            self.staff = decision.keeper();
        }
    }
}

impl fmt::Debug for Appointment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appointment")
            .field("id", &self.id)
            .field("lead", &self.lead)
            .field("contact", &self.contact)
            .field("type", &self.appointment_type)
            .field("schedule", &self.schedule)
            .field("routing", &self.routing)
            .field("staff", &self.staff)
            .field("status", &self.status)
            .field("outcome", &self.outcome)
            .field("ended", &self.ended)
            .field("conversion", &self.conversion)
            .field("rescheduled_from", &self.rescheduled_from)
            .field("rescheduled_to", &self.rescheduled_to)
            .field("booked_at", &self.booked_at)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// How an appointment that took place ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was sold for this.
    Sold(Money),
    /// It was not sold.
    NotSold,
    /// Nothing is decided yet.
    Undecided,
}

/// What is to be done after an appointment. Personal: `Debug` shows the date only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextStep {
    /// What.
    pub what: String,
    /// By when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
}

impl fmt::Debug for NextStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NextStep({:?})", self.at)
    }
}

/// The end of an appointment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: DateTime<Utc>,
    /// Who called it off, or did not come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Party>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it was called off so shortly before that the time was lost, by the workspace's threshold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

/// The two sides of an appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The contact.
    Customer,
    /// Who keeps the appointment.
    Staff,
}
