//! Records: versioned documents that nobody queries by column, such as rule sets.

use serde_json::Value;

use crate::change_set::Version;
use crate::id::WorkspaceId;

/// A versioned document of a workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// What kind of document it is, such as `routing.rules`.
    pub kind: String,
    /// Which one of that kind.
    pub key: String,
    /// The document.
    pub body: Value,
    /// How often it was written.
    pub version: Version,
}

/// Reads records.
#[cfg(feature = "service")]
#[async_trait::async_trait]
pub trait Records: Send + Sync {
    /// The record of this kind and key; `None` where there is none.
    async fn fetch_record(
        &self,
        workspace: WorkspaceId,
        kind: &str,
        key: &str,
    ) -> Result<Option<Record>, crate::store::StoreError>;
}
