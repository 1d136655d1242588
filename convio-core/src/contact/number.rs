use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::canonical::Fingerprint;
use crate::id::WorkspaceId;

/// The short number of a contact: six digits until a workspace has used all 900,000 of them, then seven, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContactNumber(u64);

impl ContactNumber {
    /// The number that a store kept; `None` below six digits.
    pub fn from_stored(number: u64) -> Option<Self> {
        (number >= 100_000).then_some(Self(number))
    }

    /// The number.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ContactNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ContactNumber {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.parse().ok().and_then(Self::from_stored);
        number.ok_or_else(|| format!("`{text}` is no contact number: six digits or more"))
    }
}

/// The order in which a workspace gives out its numbers: every six-digit number once, scattered, then every seven-digit
/// one. The n-th number is computed, so the last costs what the first costs and none is ever tried twice.
///
/// ```
/// use convio_core::{NumberSeries, WorkspaceId};
/// let series = NumberSeries::of(WorkspaceId::from_uuid(uuid::Uuid::from_u128(1)));
/// assert_eq!(series.nth(0).to_string().len(), 6);
/// assert_eq!(series.nth(899_999).to_string().len(), 6);
/// assert_eq!(series.nth(900_000).to_string().len(), 7);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberSeries {
    factor: u64,
    offset: u64,
}

impl NumberSeries {
    /// The series of a workspace: it follows from the workspace's id, so nothing of it needs to be stored.
    pub fn of(workspace: WorkspaceId) -> Self {
        let hash = Fingerprint::of_bytes(workspace.uuid().as_bytes());
        let part = |from: usize| {
            hash.as_bytes()[from..from + 8].iter().fold(0u64, |number, byte| (number << 8) | u64::from(*byte))
        };
        // A factor without a common divisor with 9 * 10^k (that is, not divisible by 2, 3 or 5) makes a permutation.
        let mut factor = part(0) % 800_000 + 50_000;
        while factor % 2 == 0 || factor % 3 == 0 || factor % 5 == 0 {
            factor += 1;
        }
        Self { factor, offset: part(8) % 900_000 }
    }

    /// The number of the contact that is made as the `n`-th, counted from 0.
    pub fn nth(&self, n: u64) -> ContactNumber {
        let (mut first, mut start) = (FIRST_NUMBER, 0);
        // Each width holds nine times its smallest number; 14 widths fit u64.
        while n - start >= 9 * first {
            start += 9 * first;
            first *= 10;
        }
        let size = 9 * first;
        let scattered = u128::from(self.factor) * u128::from(n - start) + u128::from(self.offset);
        ContactNumber(first + (scattered % u128::from(size)) as u64)
    }

    /// `a` and `b` of `(a * n + b) mod size`, for a store that computes the number in its own language.
    pub const fn coefficients(&self) -> (u64, u64) {
        (self.factor, self.offset)
    }
}

const FIRST_NUMBER: u64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_six_digit_number_comes_once_and_then_the_seven_digit_ones() {
        for seed in [1u128, 77, 0xDEAD_BEEF] {
            let series = NumberSeries::of(WorkspaceId::from_uuid(uuid::Uuid::from_u128(seed)));
            let mut seen = vec![false; 10_000_000];
            for n in 0..1_000_000 {
                let number = series.nth(n).as_u64() as usize;
                assert!(!std::mem::replace(&mut seen[number], true), "number {number} came twice at n = {n}");
                assert_eq!(number >= 1_000_000, n >= 900_000);
            }
            assert!(seen[100_000..1_000_000].iter().all(|used| *used));
        }
    }
}
