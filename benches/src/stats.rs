//! Medians and spreads.

use std::fmt;

/// What several rounds measured, each as subject and floor.
#[derive(Debug, Default)]
pub struct Ratio {
    rounds: Vec<(f64, f64)>,
}

/// The middle of several values, and how far they lie apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The least.
    pub low: f64,
    /// The middle one; of an even number the mean of the middle two.
    pub median: f64,
    /// The greatest.
    pub high: f64,
    /// How many there are.
    pub rounds: usize,
}

impl Ratio {
    /// Those of these rounds.
    pub fn of(rounds: &[(f64, f64)]) -> Self {
        Self { rounds: rounds.to_vec() }
    }

    /// Adds a round.
    pub fn round(&mut self, subject: f64, floor: f64) {
        self.rounds.push((subject, floor));
    }

    /// The median of subject / floor; 0 without rounds.
    pub fn median(&self) -> f64 {
        self.spread().median
    }

    /// The ratios of the rounds, not the ratio of the medians: what slows one round down hits both sides of it.
    pub fn spread(&self) -> Spread {
        Spread::of(self.rounds.iter().map(|(subject, floor)| subject / floor))
    }
}

impl Spread {
    /// That of these values; zeros where there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |n: usize| sorted.get(n).copied().unwrap_or_default();
        let last = sorted.len().saturating_sub(1);
        Self {
            low: at(0),
            median: f64::midpoint(at(last / 2), at(last.div_ceil(2))),
            high: at(last),
            rounds: sorted.len(),
        }
    }
}

/// The value that this share of the values does not exceed; 0 without values.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (share * values.len() as f64).ceil() as usize;
    values.get(place.saturating_sub(1).min(values.len().saturating_sub(1))).copied().unwrap_or_default()
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spread { low, median, high, rounds } = self.spread();
        write!(f, "{median:.2}x ({low:.2} to {high:.2}, {rounds} rounds)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_that_of_the_ratios() {
        let mut ratio = Ratio::default();
        for (subject, floor) in [(10.0, 1.0), (4.0, 2.0), (9.0, 3.0)] {
            ratio.round(subject, floor);
        }
        assert_eq!(ratio.median(), 3.0);
        assert_eq!(ratio.to_string(), "3.00x (2.00 to 10.00, 3 rounds)");
    }

    #[test]
    fn an_even_number_has_its_median_between_the_middle_two() {
        let spread = Spread::of([4.0, 1.0, 2.0, 10.0]);
        assert_eq!(spread, Spread { low: 1.0, median: 3.0, high: 10.0, rounds: 4 });
    }

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(Spread::of([]), Spread { low: 0.0, median: 0.0, high: 0.0, rounds: 0 });
        assert_eq!(percentile(&mut [], 0.5), 0.0);
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let mut values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut values, 0.5), 100.0);
        assert_eq!(percentile(&mut values, 0.99), 198.0);
        assert_eq!(percentile(&mut values, 1.0), 200.0);
        assert_eq!(percentile(&mut values, 0.0), 1.0);
    }
}
