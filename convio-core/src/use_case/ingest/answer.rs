use std::fmt;

use serde::Serialize;

use crate::contact::ContactNumber;
use crate::error::Reason;
use crate::id::{AppointmentId, ContactId, IntakeId, LeadId};

/// What became of a raw lead: always an answer with an id, whether it was taken or not. Errors are for our troubles.
#[must_use = "a lead may have been rejected"]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ingested {
    /// Taken, and its contact was made by it.
    Created(Accepted),
    /// Taken, and it belongs to a contact that was known.
    Linked(Accepted),
    /// The same call came before: this is what was answered then.
    Replayed(Box<Ingested>),
    /// Not taken, since it repeats another lead; kept as a rejection.
    Duplicate(Refused),
    /// Not taken; kept as a rejection.
    Rejected(Refused),
}

/// A lead that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// The lead.
    pub lead: LeadId,
    /// Its contact.
    pub contact: ContactId,
    /// The contact's number.
    pub number: ContactNumber,
    /// The lead that it repeats.
    pub duplicate_of: Option<LeadId>,
    /// What is doubtful in it.
    pub flags: Vec<Reason>,
    /// The appointment that came with it, booked.
    pub appointment: Option<AppointmentId>,
}

/// A lead that was not taken, and is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The rejection that keeps it.
    pub id: IntakeId,
    /// Every failing field.
    pub reasons: Vec<Reason>,
    /// The lead that it repeats, where that is why.
    pub duplicate_of: Option<LeadId>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons: Vec<String> = self.reasons.iter().map(Reason::to_string).collect();
        write!(f, "the lead was not taken, and is kept as `{}`: {}", self.id, reasons.join("; "))
    }
}

impl std::error::Error for Refused {}

impl Ingested {
    /// The lead, if it was taken now or when the same call came first; otherwise why not.
    pub fn accepted(&self) -> Result<&Accepted, &Refused> {
        match self {
            Self::Created(accepted) | Self::Linked(accepted) => Ok(accepted),
            Self::Replayed(first) => first.accepted(),
            Self::Duplicate(refused) | Self::Rejected(refused) => Err(refused),
        }
    }

    /// The same, taken out: `?` on it hands a refusal on as an error.
    pub fn into_accepted(self) -> Result<Accepted, Refused> {
        match self {
            Self::Created(accepted) | Self::Linked(accepted) => Ok(accepted),
            Self::Replayed(first) => first.into_accepted(),
            Self::Duplicate(refused) | Self::Rejected(refused) => Err(refused),
        }
    }

    /// The HTTP status that says the same: a lead that made its contact was created, a duplicate is a conflict, a rejected
    /// one is unprocessable until it is corrected. A replay is answered by the status of success or by that of its first
    /// answer.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::Created(_) => 201,
            Self::Linked(_) => 200,
            Self::Duplicate(_) => 409,
            Self::Rejected(_) => 422,
            Self::Replayed(first) => match first.http_status() {
                201 => 200,
                status => status,
            },
        }
    }

    /// What was not taken, as the answer that says so.
    pub fn refused(refused: Refused) -> Self {
        if refused.duplicate_of.is_some() { Self::Duplicate(refused) } else { Self::Rejected(refused) }
    }
}
