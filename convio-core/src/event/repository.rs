#![cfg(feature = "service")]

use async_trait::async_trait;

use super::{Event, FeedHead, Head, Position, StreamRef};
use crate::id::WorkspaceId;
use crate::page::{Page, PageRequest};
use crate::store::{StoreError, Tick};

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

    /// Where the feeds of all workspaces end, by id: up to `limit` of those after `after`. For whoever reads all feeds, to find those that
    /// moved on; it shows nothing else of a workspace.
    ///
    /// To be correct, an implementation
    /// - shows every workspace that there is, deleted ones included;
    /// - shows none at an earlier position than a call before was shown an event at.
    async fn heads(&self, after: Option<WorkspaceId>, limit: usize) -> Result<Vec<FeedHead>, StoreError>;

    /// Waits until there may be a new event in some workspace, of which `seen` does not know. [`Tick::default`] knows nothing, and is
    /// answered at once.
    ///
    /// To be correct, an implementation
    /// - answers at once where it has committed an event since it gave out `seen`;
    /// - answers whoever waits once it commits one.
    ///
    /// It may answer for nothing, and need not hear of what others commit to the same database: whoever waits looks again after some time
    /// in any case. A [`Bell`](crate::store::Bell) does it.
    async fn wait(&self, seen: Tick) -> Result<Tick, StoreError>;
}
