//! A comparison, its target, and whether the target is met.

use serde::{Deserialize, Serialize};

use crate::stats::{Ratio, Spread};

/// What subject and other came to, round by round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figure {
    /// As targets are numbered.
    pub id: String,
    /// Of which lead, or how many rules or paths, and what else sets it apart from other figures of this number.
    pub case: String,
    /// What is measured.
    pub subject: String,
    /// What it is compared with.
    pub other: String,
    /// Of both.
    pub unit: Unit,
    /// Per round: of the subject, of the other.
    pub rounds: Vec<(f64, f64)>,
    /// Milliseconds that a sync took in the same rounds, where the target depends on it.
    pub sync_millis: Option<f64>,
    /// What it should come to.
    pub target: Option<Target>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Processor time per lead.
    CpuMicros,
    /// Time per lead.
    Micros,
    /// Processor time per decision or touch.
    Nanos,
    /// Time per call.
    Millis,
    /// Leads per second.
    PerSecond,
    /// Leads per second of processor time.
    PerCpuSecond,
}

/// What a figure should come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// In words.
    pub text: String,
    /// All of those that apply must hold.
    pub bounds: Vec<Bound>,
}

/// A bound of a figure's median.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// When it applies.
    pub when: When,
    /// What is bounded.
    pub of: Of,
    /// How.
    pub limit: Limit,
}

/// When a bound applies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum When {
    /// Always.
    Always,
    /// Where a sync takes at least so many milliseconds.
    SyncAtLeast(f64),
    /// Where a sync takes at most so many milliseconds.
    SyncAtMost(f64),
}

/// What is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Of {
    /// Subject / other.
    Ratio,
    /// The subject itself, in its unit.
    Subject,
}

/// How something is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Limit {
    /// From below.
    AtLeast(f64),
    /// From above.
    AtMost(f64),
}

/// Whether a target is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every bound that applies holds.
    Met,
    /// One does not.
    Missed,
    /// None applies at the speed of this disk.
    NoBound,
}

impl Figure {
    /// Of the subject.
    pub fn subject(&self) -> Spread {
        Spread::of(self.rounds.iter().map(|round| round.0))
    }

    /// Of the other.
    pub fn other(&self) -> Spread {
        Spread::of(self.rounds.iter().map(|round| round.1))
    }

    /// Subject / other, per round.
    pub fn ratio(&self) -> Spread {
        Ratio::of(&self.rounds).spread()
    }

    /// What the target bounds, as it came out.
    pub fn bounded(&self) -> String {
        let of_subject = |target: &Target| target.bounds.iter().any(|bound| bound.of == Of::Subject);
        match &self.target {
            Some(target) if of_subject(target) => self.unit.show(self.subject().median),
            _ => format!("{:.2}x", self.ratio().median),
        }
    }

    /// Whether the target is met; `None` without one.
    pub fn verdict(&self) -> Option<Verdict> {
        let target = self.target.as_ref()?;
        let sync_millis = self.sync_millis.unwrap_or(f64::NAN);
        let applies = |bound: &&Bound| match bound.when {
            When::Always => true,
            When::SyncAtLeast(millis) => sync_millis >= millis,
            When::SyncAtMost(millis) => sync_millis <= millis,
        };
        let holds = |bound: &Bound| {
            let value = match bound.of {
                Of::Ratio => self.ratio().median,
                Of::Subject => self.subject().median,
            };
            match bound.limit {
                Limit::AtLeast(least) => value >= least,
                Limit::AtMost(most) => value <= most,
            }
        };
        let mut verdict = Verdict::NoBound;
        for bound in target.bounds.iter().filter(applies) {
            if !holds(bound) {
                return Some(Verdict::Missed);
            }
            verdict = Verdict::Met;
        }
        Some(verdict)
    }
}

impl Target {
    /// A bound of the ratio.
    pub fn ratio(text: &str, limit: Limit) -> Self {
        Self::of(text, [Bound { when: When::Always, of: Of::Ratio, limit }])
    }

    /// A bound of the subject.
    pub fn subject(text: &str, limit: Limit) -> Self {
        Self::of(text, [Bound { when: When::Always, of: Of::Subject, limit }])
    }

    /// Bounds of the ratio that depend on the disk: on a slow one, on a quick one.
    pub fn by_sync(text: &str, bounds: impl IntoIterator<Item = (When, Limit)>) -> Self {
        Self::of(text, bounds.into_iter().map(|(when, limit)| Bound { when, of: Of::Ratio, limit }))
    }

    fn of(text: &str, bounds: impl IntoIterator<Item = Bound>) -> Self {
        Self { text: text.to_owned(), bounds: bounds.into_iter().collect() }
    }
}

impl Unit {
    /// A value with its unit.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::CpuMicros => format!("{} us CPU", digits(value)),
            Self::Micros => format!("{} us", digits(value)),
            Self::Nanos => format!("{} ns CPU", digits(value)),
            Self::Millis => format!("{value:.3} ms"),
            Self::PerSecond => format!("{}/s", digits(value)),
            Self::PerCpuSecond => format!("{}/s of CPU", digits(value)),
        }
    }
}

impl Verdict {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "**missed**",
            Self::NoBound => "no bound at this fsync",
        }
    }
}

/// A number as people read it: with one decimal below a hundred, with thousands apart above.
pub fn digits(value: f64) -> String {
    if value.abs() < 99.95 {
        return format!("{value:.1}");
    }
    let plain = format!("{value:.0}");
    let (sign, plain) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
    let mut apart = String::new();
    for (n, digit) in plain.chars().enumerate() {
        if n > 0 && (plain.len() - n).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    format!("{sign}{apart}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(target: Target) -> Figure {
        Figure {
            id: "S2".to_owned(),
            case: "full".to_owned(),
            subject: "one caller".to_owned(),
            other: "bare".to_owned(),
            unit: Unit::PerSecond,
            rounds: vec![(80.0, 100.0), (70.0, 100.0), (90.0, 100.0)],
            sync_millis: None,
            target: Some(target),
        }
    }

    #[test]
    fn a_bound_holds_or_not() {
        let verdict = |limit| figure(Target::ratio("", limit)).verdict();
        assert_eq!(verdict(Limit::AtLeast(0.8)), Some(Verdict::Met));
        assert_eq!(verdict(Limit::AtLeast(0.81)), Some(Verdict::Missed));
        assert_eq!(verdict(Limit::AtMost(0.8)), Some(Verdict::Met));
        assert_eq!(verdict(Limit::AtMost(0.79)), Some(Verdict::Missed));
        let of_subject = figure(Target::subject("", Limit::AtMost(80.0)));
        assert_eq!(of_subject.verdict(), Some(Verdict::Met));
        assert_eq!(Figure { target: None, ..of_subject }.verdict(), None);
    }

    #[test]
    fn a_bound_for_slow_disks_says_nothing_of_a_quick_one() {
        let slow_and_quick =
            [(When::SyncAtLeast(2.0), Limit::AtLeast(0.85)), (When::SyncAtMost(0.25), Limit::AtLeast(0.6))];
        let at =
            |sync_millis| Figure { sync_millis, ..figure(Target::by_sync("", slow_and_quick)) }.verdict();
        assert_eq!(at(Some(2.0)), Some(Verdict::Missed));
        assert_eq!(at(Some(0.2)), Some(Verdict::Met));
        assert_eq!(at(Some(1.0)), Some(Verdict::NoBound));
        assert_eq!(at(None), Some(Verdict::NoBound));
    }

    #[test]
    fn numbers_are_shown_as_people_read_them() {
        assert_eq!(digits(0.04), "0.0");
        assert_eq!(digits(99.94), "99.9");
        assert_eq!(digits(99.96), "100");
        assert_eq!(digits(1234.5), "1,234");
        assert_eq!(digits(1_234_567.0), "1,234,567");
        assert_eq!(digits(-1234.6), "-1,235");
        assert_eq!(Unit::Millis.show(0.3456), "0.346 ms");
        assert_eq!(Unit::CpuMicros.show(12.34), "12.3 us CPU");
        assert_eq!(Unit::Nanos.show(12.34), "12.3 ns CPU");
    }
}
