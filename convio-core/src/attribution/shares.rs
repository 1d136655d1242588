use serde::{Deserialize, Serialize};

use super::path::MILESTONES;
use super::{Milestone, Path};

/// The shares of named touches, and the one that all others have together: a model by position or milestones.
///
/// Only their proportions count: 40, 20, 40 is the same as 2, 1, 2.
///
/// - A touch that holds several names has the sum of their shares.
/// - Where a milestone is missing, its share goes to the named ones that are there, in proportion: the named ones together have
///   as much as ever.
/// - The others have equal parts of theirs. Where there are none, the named ones have all; where no named one is there, the
///   others have all.
/// - Where no touch has a share at all, all have the same: nothing is lost while there is a touch.
///
/// ```
/// use convio_core::attribution::Shares;
/// let mine = Shares { first: 50, lead: 25, others: 25, ..Shares::NONE };
/// assert_eq!(mine.named(), 75);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shares {
    /// Of the first touch.
    pub first: u16,
    /// Of the touch that made the lead.
    pub lead: u16,
    /// Of the touch that made it an opportunity.
    pub opportunity: u16,
    /// Of the touch that closed the sale.
    pub close: u16,
    /// Of the last touch.
    pub last: u16,
    /// Of all other touches together.
    pub others: u16,
}

impl Shares {
    /// No share for anything.
    pub const NONE: Self = Self { first: 0, lead: 0, opportunity: 0, close: 0, last: 0, others: 0 };

    /// Position: 40 for the first touch, 40 for the last, 20 for those between.
    pub const POSITION: Self = Self { first: 40, last: 40, others: 20, ..Self::NONE };

    /// U: 40 for the first touch, 40 for the one that made the lead, 20 for the others.
    pub const U: Self = Self { first: 40, lead: 40, others: 20, ..Self::NONE };

    /// W: 30 for the first touch, 30 for the one that made the lead, 30 for the one that made the opportunity, 10 for the others.
    pub const W: Self = Self { first: 30, lead: 30, opportunity: 30, others: 10, ..Self::NONE };

    /// Full path: 22.5 each for the first touch and those of lead, opportunity and close, 10 for the others.
    pub const FULL_PATH: Self =
        Self { first: 45, lead: 45, opportunity: 45, close: 45, others: 20, ..Self::NONE };

    /// J: 20 for the first touch, 60 for the last, 20 for those between.
    pub const J: Self = Self { first: 20, last: 60, others: 20, ..Self::NONE };

    /// Inverse J: 60 for the first touch, 20 for the last, 20 for those between.
    pub const INVERSE_J: Self = Self { first: 60, last: 20, others: 20, ..Self::NONE };

    /// What all named touches have together.
    pub const fn named(self) -> u64 {
        self.first as u64 + self.lead as u64 + self.opportunity as u64 + self.close as u64 + self.last as u64
    }

    /// Weighs the touches of a path: whole numbers in exactly these proportions.
    pub(super) fn weigh(self, path: &Path<'_>, weights: &mut Vec<u64>) {
        let touches = path.steps().len();
        weights.clear();
        weights.resize(touches, 0);
        for (place, share) in self.places(path) {
            weights[place] += u64::from(share);
        }
        let present: u64 = weights.iter().sum();
        let others = weights.iter().filter(|weight| **weight == 0).count() as u64;
        if present == 0 {
            weights.fill(1);
        } else if others > 0 {
            // The named have `share / present` of what is named, the others `1 / others` of theirs: both times what makes
            // them whole. The greatest sum, of 10,000 touches and the greatest shares, has 51 bits.
            for weight in weights {
                *weight = match *weight {
                    0 => u64::from(self.others) * present,
                    share => share * self.named() * others,
                };
            }
        }
    }

    /// The named touches that are there, with their shares. The path is not empty.
    fn places(self, path: &Path<'_>) -> impl Iterator<Item = (usize, u16)> {
        let milestones: [(Milestone, u16); MILESTONES] = [
            (Milestone::Lead, self.lead),
            (Milestone::Opportunity, self.opportunity),
            (Milestone::Close, self.close),
        ];
        let ends = [(0, self.first), (path.steps().len().saturating_sub(1), self.last)];
        let there = |(milestone, share)| path.place(milestone).map(|place| (place, share));
        milestones.map(there).into_iter().flatten().chain(ends).filter(|_| !path.steps().is_empty())
    }
}
