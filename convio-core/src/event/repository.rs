#![cfg(feature = "service")]

use async_trait::async_trait;

use super::{Event, Head, Position, StreamRef};
use crate::id::WorkspaceId;
use crate::page::{Page, PageRequest};
use crate::store::StoreError;

/// Reads events.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// The events of one aggregate, oldest first. Cursors hold versions.
    async fn history(
        &self,
        workspace: WorkspaceId,
        stream: StreamRef,
        page: &PageRequest,
    ) -> Result<Page<Event>, StoreError>;

    /// Up to `limit` events of the workspace after `after`, by position.
    ///
    /// To be correct, an implementation
    /// - never shows position n + 1 to a reader to whom it would not have shown n, whatever commits at the same time;
    /// - leaves no position out.
    async fn feed(
        &self,
        workspace: WorkspaceId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError>;

    /// Where the workspace stands; `None` when there is no such workspace.
    async fn head(&self, workspace: WorkspaceId) -> Result<Option<Head>, StoreError>;
}
