use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Period, Target};
use crate::money::Money;
use crate::zone::Zone;

/// A target that a rule may choose, and its part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The target.
    pub target: Target,
    /// Its part, beside the parts of the others.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: u32,
    /// What it pays, if that is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
}

/// The time after which a ledger of [`Strategy::Fair`] begins anew.
///
/// ```
/// use convio_core::routing::{Ledger, Period};
/// assert_eq!(Ledger::default(), Ledger { per: Period::Month, zone: convio_core::Zone::UTC });
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The period.
    pub per: Period,
    /// By whose clocks.
    pub zone: Zone,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { per: Period::Month, zone: Zone::UTC }
    }
}

impl Ledger {
    /// When the period began that this time is in.
    pub(super) fn window(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        self.per.start(&self.zone, at)
    }

    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How a rule chooses among its targets. Those that declined, are inactive, away or full are left out first; the parts of the others stay
/// as they are to each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The first, in the order in which they were given.
    #[default]
    First,
    /// Each in its turn, by their parts: in every round each comes as often as its part says, spread as evenly as can be. With
    /// equal parts it is a plain round robin. Whoever is left out takes no turn.
    Rotate,
    /// By a number made of the lead's id: the same lead goes to the same target, and many leads are spread by the parts. Counts
    /// nothing.
    Percentage,
    /// Whoever has the fewest open appointments for their part of those that rules gave them; of several the first.
    LeastLoaded,
    /// Whoever's level is lowest for their part; of several the first. A level is what the rule gave them in the period of its
    /// [`Ledger`], less what was cancelled, missed or went to someone else since. Whoever is new to it, or was inactive or away, begins at
    /// the lowest level of the others, if they have less, and need not catch up on what came before; whoever was full or declined does.
    Fair,
    /// Whoever pays most; of several the first.
    Price,
    /// All of them. The first keeps the appointment.
    Broadcast,
}

impl Strategy {
    /// The strategy's name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Rotate => "rotate",
            Self::Percentage => "percentage",
            Self::LeastLoaded => "least_loaded",
            Self::Fair => "fair",
            Self::Price => "price",
            Self::Broadcast => "broadcast",
        }
    }
}

/// The order of a smooth weighted round: in so many turns as the weights sum up to, each comes exactly as often as its weight says, spread
/// as evenly as can be. At every turn each gains its weight, the one with the most is served and pays the sum; of several the first.
///
/// Source: the smooth weighted balancing of nginx 1.3.1 (`ngx_http_upstream_round_robin`).
///
/// ```
/// use convio_core::routing::smooth_round;
/// assert_eq!(smooth_round(&[5, 1, 1]), [0, 0, 1, 0, 2, 0, 0]);
/// assert_eq!(smooth_round(&[2, 2]), [0, 1]); // the least round of the same parts
/// ```
pub fn smooth_round(weights: &[u32]) -> Vec<u16> {
    let common = weights.iter().fold(0, |common, weight| gcd(common, *weight)).max(1);
    let weights: Vec<i64> = weights.iter().map(|weight| i64::from(weight / common)).collect();
    let sum: i64 = weights.iter().sum();
    let mut gained = vec![0; weights.len()];
    let mut round = Vec::new();
    for _ in 0..sum {
        let mut served = 0;
        for (n, weight) in weights.iter().enumerate() {
            gained[n] += weight;
            if gained[n] > gained[served] {
                served = n;
            }
        }
        gained[served] -= sum;
        round.push(served as u16);
    }
    round
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn one() -> u32 {
    1
}

fn is_one(n: &u32) -> bool {
    *n == 1
}

/// Most targets of one rule.
pub const SHARES_MAX: usize = 64;
/// The most that the weights of one rule may sum up to.
pub const WEIGHTS_MAX: u32 = 10_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn five_three_two_in_smooth_order() {
        assert_eq!(smooth_round(&[5, 3, 2]), [0, 1, 2, 0, 0, 1, 0, 2, 1, 0]);
    }

    proptest! {
        #[test]
        fn a_round_serves_each_by_its_weight_and_evenly(weights in prop::collection::vec(1_u32..40, 1..8)) {
            let round = smooth_round(&weights);
            let sum: u32 = weights.iter().sum();
            let rounds = sum as usize / round.len();
            for (n, weight) in weights.iter().enumerate() {
                let served = round.iter().filter(|served| usize::from(**served) == n).count();
                prop_assert_eq!(served * rounds, *weight as usize);
                // At no time is anyone a whole turn per other target away from its part.
                let mut so_far = 0.0;
                for (turn, at) in (1..).zip(&round) {
                    so_far += f64::from(u8::from(usize::from(*at) == n));
                    let part = f64::from(*weight) / f64::from(sum) * f64::from(turn);
                    prop_assert!((so_far - part).abs() < weights.len() as f64);
                }
            }
        }
    }
}
