//! Runs that repeat byte for byte: ids from a seed, and a clock that stands still.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use convio_core::canonical::Fingerprint;
use convio_core::id::uuid_v7;
use convio_core::service::{RandomIds, SystemClock};
use convio_core::{Clock, FixedClock, Ids};
use uuid::Uuid;

/// The clock: the system's, or one that stands at a time.
pub(crate) enum Time {
    System(SystemClock),
    Fixed(FixedClock),
}

impl Time {
    pub(crate) fn at(now: Option<DateTime<Utc>>) -> Self {
        now.map_or(Self::System(SystemClock), |now| Self::Fixed(FixedClock(now)))
    }
}

impl Clock for Time {
    fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System(clock) => clock.now(),
            Self::Fixed(clock) => clock.now(),
        }
    }
}

/// Where ids come from: random ones, or such as count up from a seed.
pub(crate) enum IdSource {
    Random(RandomIds),
    Seeded { seed: u16, next: AtomicU64 },
}

impl IdSource {
    /// Ids of this seed. They start where a database of so many events leaves off, so that a run that goes on draws none
    /// that an earlier one drew: between two events far fewer are drawn than lie between two starts.
    pub(crate) fn of(seed: Option<u16>, events: u64) -> Self {
        match seed {
            None => Self::Random(RandomIds::default()),
            Some(seed) => Self::Seeded { seed, next: AtomicU64::new(events << IDS_PER_EVENT_BITS) },
        }
    }
}

impl Ids for IdSource {
    fn next(&self, at: DateTime<Utc>) -> Uuid {
        match self {
            Self::Random(ids) => ids.next(at),
            Self::Seeded { seed, next } => {
                let mut bytes = [0; 10];
                bytes[..2].copy_from_slice(&seed.to_be_bytes());
                bytes[2..].copy_from_slice(&next.fetch_add(1, Ordering::Relaxed).to_be_bytes());
                uuid_v7(at, bytes)
            }
        }
    }

    /// Of a seed, no secret at all: the example keeps none.
    fn secret(&self) -> [u8; 32] {
        match self {
            Self::Random(ids) => ids.secret(),
            Self::Seeded { .. } => {
                *Fingerprint::of_bytes(self.next(DateTime::UNIX_EPOCH).as_bytes()).as_bytes()
            }
        }
    }
}

/// A million ids: a run draws two per row it meets, most of which store nothing when it is run again.
const IDS_PER_EVENT_BITS: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_ids_and_a_later_start_none_of_them() {
        let drawn = |seed, events| {
            let ids = IdSource::of(Some(seed), events);
            (0..1_000).map(|_| ids.next(DateTime::UNIX_EPOCH)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(1, 0), drawn(1, 0));
        assert!(drawn(1, 0).is_sorted());
        let all = [drawn(1, 0), drawn(2, 0), drawn(1, 1), drawn(1, 2_000_000)].concat();
        let mut apart = all.clone();
        apart.sort_unstable();
        apart.dedup();
        assert_eq!(apart.len(), all.len());
    }
}
