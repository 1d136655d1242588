use super::Appointment;
use crate::error::{Error, Reason};

/// An appointment with all those that it was moved from, the first one first: what is one meeting to the people who keep it.
///
/// ```
/// # pollster::block_on(async {
/// use convio_core::{Convio, NewWorkspace, Party, RawLead, Schedule};
/// use convio_store_memory::MemoryStore;
///
/// let convio = Convio::new(MemoryStore::new());
/// let acme = convio.create_workspace(NewWorkspace::named("Acme")).await?;
/// let lead = acme.ingest(RawLead::json(r#"{"phone":"+13105550123"}"#)).await?.into_accepted()?.lead;
/// let first = acme.book(lead, Schedule::local("2027-03-02T10:00", "America/Denver")?).await?;
/// let later = Schedule::local("2027-03-03T10:00", "America/Denver")?;
/// let moved = acme.reschedule(&first, later, Party::Customer, None).await?;
///
/// let chain = acme.appointment_chain(moved.id).await?.unwrap();
/// assert_eq!((chain.first().id, chain.last()), (first.id, &moved));
/// assert_eq!((chain.moves(), chain.revision()), (1, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    earlier: Vec<Appointment>,
    last: Appointment,
}

impl Chain {
    /// The chain of these appointments, the first one first: each was moved to the next.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) where there are none, the first one was moved from another, or two that follow
    /// each other do not name each other.
    pub fn of(mut appointments: Vec<Appointment>) -> Result<Self, Error> {
        let broken = |message| Error::invalid(vec![Reason::new("appointments", "broken", message)]);
        let last = appointments.pop().ok_or_else(|| broken("a chain has an appointment"))?;
        let chain = Self { earlier: appointments, last };
        if chain.first().rescheduled_from.is_some() {
            return Err(broken("a chain starts with an appointment that was moved from no other"));
        }
        let next = chain.earlier.iter().skip(1).chain([&chain.last]);
        let linked = |(one, next): (&Appointment, &Appointment)| {
            one.workspace == next.workspace
                && one.rescheduled_to == Some(next.id)
                && next.rescheduled_from == Some(one.id)
        };
        if !chain.earlier.iter().zip(next).all(linked) {
            return Err(broken("each appointment of a chain was moved to the next one"));
        }
        Ok(chain)
    }

    /// The appointment as it was booked first: its id is that of the whole.
    pub fn first(&self) -> &Appointment {
        self.earlier.first().unwrap_or(&self.last)
    }

    /// The appointment that the others were moved to.
    pub fn last(&self) -> &Appointment {
        &self.last
    }

    /// How often it was moved.
    pub fn moves(&self) -> usize {
        self.earlier.len()
    }

    /// How often anything of it has changed since it was booked: 0 at first, and greater after every event, moves included.
    pub fn revision(&self) -> u64 {
        let events: u64 = self.earlier.iter().chain([&self.last]).map(|row| row.version.0).sum();
        events.saturating_sub(1)
    }
}

/// Most moves of an appointment whose chain is read: each is a read.
pub const MOVES_MAX: usize = 100;
