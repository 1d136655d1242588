//! Analytics from rollups: sums that every commit keeps up, one row per day, never a scan. And what they cost: spend, and what came of
//! it.

mod economics;
mod ratio;
mod repository;
mod rollup;
mod spend;

use chrono::NaiveDate;

pub use economics::Economics;
pub use ratio::Ratio;
#[cfg(feature = "service")]
pub use repository::AnalyticsRepository;
pub use rollup::{Cube, Measure, Rollup, RollupDelta, When};
pub use spend::{SPEND_COUNT_MAX, SPEND_DAYS_MAX, SPEND_ROWS_MAX, Spend, SpendDay, Spent};

/// Which rollups are asked for: one cube over some days, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportQuery {
    /// The cube.
    pub cube: Cube,
    /// The first day, in the workspace's zone.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
}

impl ReportQuery {
    /// The whole history of a cube.
    pub fn all(cube: Cube) -> Self {
        Self { cube, from: NaiveDate::MIN, to: NaiveDate::MAX }
    }
}
