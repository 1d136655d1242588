//! The clock and the random numbers of the system: the only place of the crate that reads either.

use std::sync::Mutex;
use std::sync::PoisonError;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock::{Clock, micros};
use crate::id::{Ids, uuid_v7};

/// The clock of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the system's clock comes in")]
    fn now(&self) -> DateTime<Utc> {
        micros(DateTime::from(std::time::SystemTime::now()))
    }
}

/// Version 7 ids with the random numbers of the operating system, ascending within this source also when two fall into the
/// same millisecond or the clock goes back.
#[derive(Debug, Default)]
pub struct RandomIds {
    last: Mutex<u128>,
}

impl Ids for RandomIds {
    /// # Panics
    /// When the operating system gives no random numbers: no id made without them would be safe.
    fn next(&self, at: DateTime<Utc>) -> Uuid {
        let mut bytes = [0; 10];
        getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = uuid_v7(at, bytes).as_u128();
        // A step up in the random part keeps the order; the low 62 bits are far from full.
        let next = if fresh > *last { fresh } else { *last + 1 };
        *last = next;
        Uuid::from_u128(next)
    }

    /// # Panics
    /// When the operating system gives no random numbers.
    fn secret(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ids_ascend_when_the_clock_goes_back() {
        let ids = RandomIds::default();
        let mut last = Uuid::nil();
        for n in 0..10_000 {
            let at = DateTime::from_timestamp_millis(1_700_000_000_000 - n % 50).unwrap();
            let next = ids.next(at);
            assert!(next > last);
            assert_eq!(next.get_version_num(), 7);
            last = next;
        }
    }
}
