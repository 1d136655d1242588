use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::canonical::Fingerprint;
use crate::event::Position;
use crate::id::{AppointmentId, DeliveryId, EndpointId, LeadId, WorkspaceId, uuid_v7};

/// What is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// An event of the workspace's feed.
    Event(Position),
    /// A lead that was routed to the endpoint.
    Lead(LeadId),
    /// An appointment that was routed to the endpoint.
    Appointment(AppointmentId),
}

impl Cause {
    /// The event, if it is one.
    pub const fn position(self) -> Option<Position> {
        match self {
            Self::Event(position) => Some(position),
            Self::Lead(_) | Self::Appointment(_) => None,
        }
    }

    /// The lead, if it is one.
    pub const fn lead(self) -> Option<LeadId> {
        match self {
            Self::Lead(id) => Some(id),
            Self::Event(_) | Self::Appointment(_) => None,
        }
    }

    /// The appointment, if it is one.
    pub const fn appointment(self) -> Option<AppointmentId> {
        match self {
            Self::Appointment(id) => Some(id),
            Self::Event(_) | Self::Lead(_) => None,
        }
    }

    /// The cause that stores keep as these: an event, else an appointment, else a lead. `None` where there is none of them.
    pub fn of(
        position: Option<Position>,
        lead: Option<LeadId>,
        appointment: Option<AppointmentId>,
    ) -> Option<Self> {
        let appointment = || appointment.map(Self::Appointment);
        position.map(Self::Event).or_else(appointment).or(lead.map(Self::Lead))
    }

    /// The id of its delivery to this endpoint: always the same, so that there is one, whoever makes it and however often. `at` is when
    /// the cause came about, and never another time.
    ///
    /// ```
    /// use convio_core::delivery::Cause;
    /// use convio_core::{EndpointId, Position, SequentialIds, WorkspaceId};
    /// let ids = SequentialIds::seeded(1);
    /// let at = "2027-03-02T10:00:00Z".parse()?;
    /// let (acme, here, there) = (WorkspaceId::new(&ids, at), EndpointId::new(&ids, at), EndpointId::new(&ids, at));
    /// let id = Cause::Event(Position(7)).delivery(acme, here, at);
    /// assert_eq!(Cause::Event(Position(7)).delivery(acme, here, at), id);
    /// assert_ne!(Cause::Event(Position(7)).delivery(acme, there, at), id);
    /// assert_ne!(Cause::Event(Position(8)).delivery(acme, here, at), id);
    /// # Ok::<(), chrono::ParseError>(())
    /// ```
    pub fn delivery(self, workspace: WorkspaceId, endpoint: EndpointId, at: DateTime<Utc>) -> DeliveryId {
        let what = match self {
            Self::Event(position) => format!("event/{}", position.0),
            Self::Lead(id) => format!("lead/{id}"),
            Self::Appointment(id) => format!("appointment/{id}"),
        };
        let digest = Fingerprint::of_bytes(format!("{workspace}/{endpoint}/{what}").as_bytes());
        let mut bytes = [0; 10];
        bytes.copy_from_slice(&digest.as_bytes()[..10]);
        DeliveryId::from_uuid(uuid_v7(at, bytes))
    }
}
