#![cfg(feature = "service")]

use async_trait::async_trait;

use super::Workspace;
use crate::id::WorkspaceId;
use crate::store::StoreError;

/// Reads workspaces.
#[async_trait]
pub trait WorkspaceRepository: Send + Sync {
    /// The workspaces with these ids, in the same order and number; `None` where there is none.
    async fn fetch_workspaces(&self, ids: &[WorkspaceId]) -> Result<Vec<Option<Workspace>>, StoreError>;
}
