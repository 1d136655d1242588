//! How much is measured.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::leads::Kind;

/// How long a run may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effort {
    /// Seconds: shows that everything still runs. Its figures mean nothing.
    Smoke,
    /// Some minutes: a first impression.
    Quick,
    /// What is published.
    Normal,
    /// The same, and stores of millions of leads.
    Long,
}

impl Effort {
    /// As in the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Quick => "quick",
            Self::Normal => "normal",
            Self::Long => "long",
        }
    }

    /// Which leads.
    pub fn kinds(self) -> impl Iterator<Item = Kind> {
        Kind::BOTH.into_iter().take(if self == Self::Smoke { 1 } else { 2 })
    }

    /// Measured rounds; one that warms up comes before.
    pub fn rounds(self) -> usize {
        match self {
            Self::Smoke => 1,
            Self::Quick => 3,
            Self::Normal | Self::Long => 7,
        }
    }

    /// How long callers call, each time that it is their turn.
    pub fn window(self) -> Duration {
        match self {
            Self::Smoke => Duration::from_millis(50),
            Self::Quick => Duration::from_secs(1),
            Self::Normal | Self::Long => Duration::from_secs(3),
        }
    }

    /// How many batches are taken in a turn.
    pub fn batches(self) -> usize {
        match self {
            Self::Smoke => 1,
            Self::Quick => 5,
            Self::Normal | Self::Long => 10,
        }
    }

    /// Rows of a batch: a thousand wherever figures mean anything.
    pub fn rows(self) -> usize {
        match self {
            Self::Smoke => 100,
            Self::Quick | Self::Normal | Self::Long => 1_000,
        }
    }

    /// Syncs that are timed before and after a section: well under a second of them on a quick disk, two on a slow one.
    pub fn syncs(self) -> u64 {
        match self {
            Self::Smoke => 10,
            Self::Quick | Self::Normal | Self::Long => 500,
        }
    }

    /// How many single leads are taken in a turn where each is timed.
    pub fn singles(self) -> usize {
        match self {
            Self::Smoke => 20,
            Self::Quick => 300,
            Self::Normal | Self::Long => 1_000,
        }
    }

    /// How many appointments there are when free times are asked for.
    pub fn appointments(self) -> [usize; 3] {
        match self {
            Self::Smoke => [0, 50, 200],
            Self::Quick | Self::Normal | Self::Long => [0, 1_000, 10_000],
        }
    }

    /// How often free times are asked for in a turn.
    pub fn asked(self) -> usize {
        match self {
            Self::Smoke => 1,
            Self::Quick => 5,
            Self::Normal | Self::Long => 15,
        }
    }

    /// How many visits are booked one after the other in a turn.
    pub fn visits(self) -> usize {
        match self {
            Self::Smoke => 5,
            Self::Quick => 50,
            Self::Normal | Self::Long => 150,
        }
    }

    /// How long leads arrive at a fixed rate.
    pub fn arrivals(self) -> Duration {
        match self {
            Self::Smoke => Duration::from_millis(300),
            Self::Quick => Duration::from_secs(10),
            Self::Normal | Self::Long => Duration::from_secs(60),
        }
    }

    /// How many rules there are when a decision is measured.
    pub fn rules(self) -> &'static [usize] {
        match self {
            Self::Smoke => &[10, 1_000],
            Self::Quick | Self::Normal | Self::Long => &[10, 1_000, 100_000],
        }
    }

    /// How many of them peers are given: what we read in a second takes them half a minute, and gigabytes.
    pub fn rules_of_peers(self) -> usize {
        match self {
            Self::Smoke | Self::Quick => 1_000,
            Self::Normal | Self::Long => 100_000,
        }
    }

    /// How long decisions are made, or paths weighed, each time that it is their turn.
    pub fn deciding(self) -> Duration {
        match self {
            Self::Smoke => Duration::from_millis(5),
            Self::Quick => Duration::from_millis(100),
            Self::Normal | Self::Long => Duration::from_millis(500),
        }
    }

    /// How many paths are weighed: some, and many.
    pub fn paths(self) -> [usize; 2] {
        match self {
            Self::Smoke => [200, 1_000],
            Self::Quick => [10_000, 100_000],
            Self::Normal | Self::Long => [10_000, 1_000_000],
        }
    }

    /// How many touches all paths of a length have together.
    pub fn touches(self) -> usize {
        match self {
            Self::Smoke => 2_000,
            Self::Quick | Self::Normal | Self::Long => 200_000,
        }
    }

    /// The most channels whose values by rate are worked out: every set of them is looked at.
    pub fn channels(self) -> usize {
        match self {
            Self::Smoke => 8,
            Self::Quick | Self::Normal | Self::Long => convio_core::attribution::SHAPLEY_CHANNELS_MAX,
        }
    }

    /// How many leads a store holds when the cost of more is measured.
    pub fn stored(self) -> &'static [u64] {
        match self {
            Self::Smoke => &[200, 1_200],
            Self::Quick | Self::Normal => &[10_000, 100_000],
            Self::Long => &[10_000, 1_000_000, 5_000_000],
        }
    }
}
