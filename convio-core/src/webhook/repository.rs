#![cfg(feature = "service")]

use async_trait::async_trait;

use super::Webhook;
use crate::id::{WebhookId, WorkspaceId};
use crate::page::{Page, PageRequest};
use crate::store::StoreError;

/// Reads webhooks.
#[async_trait]
pub trait WebhookRepository: Send + Sync {
    /// The webhooks with these ids, in the same order and number, deleted ones included; `None` where there is none.
    async fn fetch_webhooks(
        &self,
        workspace: WorkspaceId,
        ids: &[WebhookId],
    ) -> Result<Vec<Option<Webhook>>, StoreError>;

    /// All webhooks of the workspace, deleted ones included, by id ascending.
    async fn list_webhooks(
        &self,
        workspace: WorkspaceId,
        page: &PageRequest,
    ) -> Result<Page<Webhook>, StoreError>;
}
