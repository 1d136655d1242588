use crate::contact::ContactNumber;
use crate::error::Reason;
use crate::id::{AppointmentId, ContactId, IntakeId, LeadId};

/// What became of a raw lead: always an answer with an id, whether it was taken or not. Errors are for our troubles.
#[must_use = "a lead may have been rejected"]
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The rejection that keeps it.
    pub id: IntakeId,
    /// Every failing field.
    pub reasons: Vec<Reason>,
    /// The lead that it repeats, where that is why.
    pub duplicate_of: Option<LeadId>,
}

impl Ingested {
    /// The lead, if it was taken now or when the same call came first; otherwise why not.
    pub fn accepted(&self) -> Result<&Accepted, &Refused> {
        match self {
            Self::Created(accepted) | Self::Linked(accepted) => Ok(accepted),
            Self::Replayed(first) => first.accepted(),
            Self::Duplicate(refused) | Self::Rejected(refused) => Err(refused),
        }
    }

    /// What was not taken, as the answer that says so.
    pub fn refused(refused: Refused) -> Self {
        if refused.duplicate_of.is_some() { Self::Duplicate(refused) } else { Self::Rejected(refused) }
    }
}
