use std::collections::HashMap;

use crate::change_set::ConfigVersion;
use crate::error::Error;
use crate::id::{WebhookId, WorkspaceId};
use crate::store::Loaded;
use crate::webhook::Webhook;
use crate::workspace::Workspace;

/// The configuration of a workspace at one version: what ingest goes by without reading it before each lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigSnapshot {
    /// The version.
    pub version: ConfigVersion,
    /// The workspace.
    pub workspace: Workspace,
    webhooks: HashMap<String, Webhook>,
}

impl ConfigSnapshot {
    /// The configuration that was read; an error when there is no such workspace.
    pub fn of(loaded: Loaded, id: WorkspaceId) -> Result<Self, Error> {
        let (Some(version), Some(workspace)) = (loaded.config, loaded.workspace) else {
            return Err(Error::not_found("workspace", id));
        };
        let webhooks = loaded.webhooks.into_iter().map(|webhook| (webhook.name.clone(), webhook)).collect();
        Ok(Self { version, workspace, webhooks })
    }

    /// The webhook of this id, deleted ones included.
    pub fn webhook_by_id(&self, id: WebhookId) -> Option<&Webhook> {
        self.webhooks.values().find(|webhook| webhook.id == id)
    }

    /// The webhook of this name, deleted ones included.
    pub fn webhook(&self, name: &str) -> Result<&Webhook, Error> {
        self.webhooks.get(name).ok_or_else(|| Error::not_found("webhook", name))
    }
}
