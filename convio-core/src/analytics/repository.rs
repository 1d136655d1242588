#![cfg(feature = "service")]

use async_trait::async_trait;

use super::{ReportQuery, Rollup};
use crate::id::WorkspaceId;
use crate::store::StoreError;

/// Reads rollups.
#[async_trait]
pub trait AnalyticsRepository: Send + Sync {
    /// The rows of the cube, by day and then by dimensions, ascending. Rows whose measures are all zero may be left out.
    async fn report(&self, workspace: WorkspaceId, query: &ReportQuery) -> Result<Vec<Rollup>, StoreError>;
}
