//! Typed ids, and where new ones come from.
//!
//! Every id is a UUID; a new one is version 7, made from the injected time and bytes of an [`Ids`], so that a plan made
//! twice from the same inputs is the same plan.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A source of new ids.
///
/// To be correct, an implementation
/// - never returns the same id twice, in this process or in another one on the same database;
/// - returns ids that sort roughly by `at` (UUID version 7 does), because rows are stored in id order.
pub trait Ids: Send + Sync {
    /// A new id for something that happens at `at`.
    fn next(&self, at: DateTime<Utc>) -> Uuid;

    /// Bytes that nobody can guess, for a secret such as an API key.
    fn secret(&self) -> [u8; 32];
}

/// Ids that count up from a seed: the same seed gives the same ids, for tests and repeatable runs.
///
/// ```
/// use convio_core::{Ids, SequentialIds};
/// let (a, b) = (SequentialIds::seeded(7), SequentialIds::seeded(7));
/// let at = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
/// let first = a.next(at);
/// assert_eq!(first, b.next(at));
/// assert_ne!(first, a.next(at));
/// assert_eq!(first.get_version_num(), 7);
/// ```
#[derive(Debug)]
pub struct SequentialIds {
    seed: u16,
    count: AtomicU64,
}

impl SequentialIds {
    /// Ids that belong to `seed`; two sources with different seeds below 4,096 never collide (12 bits of it are kept).
    pub fn seeded(seed: u16) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }
}

impl Ids for SequentialIds {
    fn next(&self, at: DateTime<Utc>) -> Uuid {
        let n = self.count.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        bytes[8..].copy_from_slice(&self.seed.to_be_bytes());
        // The first bytes share space with version and variant bits, so the count sits where no bit is overwritten.
        bytes.rotate_right(2);
        uuid_v7(at, bytes)
    }

    /// As repeatable as the ids, and so no secret at all outside of tests.
    fn secret(&self) -> [u8; 32] {
        let n = self.count.fetch_add(1, Ordering::Relaxed);
        *crate::canonical::Fingerprint::of_bytes(format!("{}/{n}", self.seed).as_bytes()).as_bytes()
    }
}

/// A version 7 UUID from a time and ten bytes (of which 74 bits survive).
pub fn uuid_v7(at: DateTime<Utc>, bytes: [u8; 10]) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id for something that happens at `at`.
            pub fn new(ids: &dyn Ids, at: DateTime<Utc>) -> Self {
                Self(ids.next(at))
            }

            /// The id that this UUID is.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID behind the id.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// A workspace: the tenant that every row belongs to.
    WorkspaceId,
    /// A webhook: a named entry point of a workspace.
    WebhookId,
    /// A contact: a person.
    ContactId,
    /// What came in once: a raw payload, and the lead or the rejection that was made of it.
    IntakeId,
    /// A lead: one interest of one contact. Its UUID is that of the intake that it was made of.
    LeadId,
    /// An appointment.
    AppointmentId,
    /// A conversion.
    ConversionId,
    /// A commission that somebody earns by a conversion.
    CommissionId,
    /// A provider: a company that sends leads.
    ProviderId,
    /// An API key.
    ApiKeyId,
    /// The calendar of a resource.
    CalendarId,
    /// A touch of a contact. That of a lead has the lead's UUID.
    TouchpointId,
    /// A change of what a conversion is worth.
    AdjustmentId,
    /// An endpoint: a URL that a workspace's events go out to.
    EndpointId,
    /// A delivery of something to an endpoint.
    DeliveryId,
}

impl IntakeId {
    /// The lead that is made of this intake when it is accepted.
    pub const fn lead(self) -> LeadId {
        LeadId(self.0)
    }

    /// The appointment that came in with it, once it is booked.
    pub const fn appointment(self) -> AppointmentId {
        AppointmentId(self.0)
    }
}

impl LeadId {
    /// The intake that this lead was made of.
    pub const fn intake(self) -> IntakeId {
        IntakeId(self.0)
    }

    /// The lead as a touch.
    pub const fn touchpoint(self) -> TouchpointId {
        TouchpointId(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequential_ids_ascend_within_a_millisecond_and_never_repeat() {
        let ids = SequentialIds::seeded(9);
        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let all: Vec<Uuid> = (0..70_000).map(|_| ids.next(at)).collect();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn ids_read_back_from_their_text() {
        let id = LeadId::new(&SequentialIds::seeded(1), DateTime::UNIX_EPOCH);
        assert_eq!(id.to_string().parse::<LeadId>().unwrap(), id);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{id}\""));
        assert_eq!(id.intake().lead(), id);
    }
}
