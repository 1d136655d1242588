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
