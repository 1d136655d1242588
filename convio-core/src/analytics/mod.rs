//! Analytics from rollups: sums that every commit keeps up, one row per day, never a scan.

mod repository;
mod rollup;

use chrono::NaiveDate;

#[cfg(feature = "service")]
pub use repository::AnalyticsRepository;
pub use rollup::{Cube, Measure, Rollup, RollupDelta, When};

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
