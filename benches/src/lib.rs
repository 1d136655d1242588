//! Measuring Convio beside its floors: subject and floor take turns in one run, and what is published is the ratio, as its
//! median and spread. This machine's other work then hits both.

use std::fmt;
use std::fs;

/// What several rounds measured, each as subject and floor.
#[derive(Debug, Default)]
pub struct Ratio {
    rounds: Vec<(f64, f64)>,
}

impl Ratio {
    /// Adds a round.
    pub fn round(&mut self, subject: f64, floor: f64) {
        self.rounds.push((subject, floor));
    }

    /// The median of subject / floor; 0 without rounds.
    pub fn median(&self) -> f64 {
        self.sorted().get(self.rounds.len() / 2).copied().unwrap_or_default()
    }

    fn sorted(&self) -> Vec<f64> {
        let mut ratios: Vec<f64> = self.rounds.iter().map(|(subject, floor)| subject / floor).collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sorted = self.sorted();
        let (low, high) =
            (sorted.first().copied().unwrap_or_default(), sorted.last().copied().unwrap_or_default());
        write!(f, "{:.2}x ({low:.2} to {high:.2}, {} rounds)", self.median(), sorted.len())
    }
}

/// Processor seconds that this process has used, all threads together. Linux only: 0 elsewhere.
pub fn cpu_seconds() -> f64 {
    let Ok(stat) = fs::read_to_string("/proc/self/schedstat") else {
        return 0.0;
    };
    // The first number is the nanoseconds of the main thread; the other threads have files of their own.
    let own = stat.split(' ').next().and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    let Ok(threads) = fs::read_dir("/proc/self/task") else {
        return own / 1e9;
    };
    let nanos =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok());
    nanos.filter_map(|stat| stat.split(' ').next()?.parse::<f64>().ok()).sum::<f64>() / 1e9
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
}
