//! Providers and API keys: records of the configuration.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `create_provider` | nothing | 1 | 2 |
//!
//! So do changes of a provider, and making and revoking a key.

use super::{Context, Plan, UseCase};
use crate::api_key::{API_KEYS_MAX, ApiKey, ApiKeySettings, ApiToken, NewApiKey, Permission};
use crate::change_set::{NewEvent, Version};
use crate::error::{Error, Reason};
use crate::event::{EventBody, Subject};
use crate::id::{ApiKeyId, ProviderId, WorkspaceId};
use crate::provider::{PROVIDERS_MAX, Provider, ProviderSettings};
use crate::record::Keeps;
use crate::store::{Loaded, Needs};
use crate::text::fold_blanks;
use crate::use_case::ConfigSnapshot;

/// Creates a provider, or gives one other settings. One commit.
#[derive(Debug, Clone)]
pub struct SetProvider {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// All its settings.
    pub settings: ProviderSettings,
    /// Whether it is to be created: it must not be there yet, and else it must.
    pub create: bool,
}

impl UseCase for SetProvider {
    type Answer = Provider;

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn plan(&self, _: &Loaded, context: &Context<'_>) -> Result<Plan<Provider>, Error> {
        let config = context.config()?;
        let name = fold_blanks(&self.name);
        self.check(&name, config)?;
        let mut changes = context.changes(self.workspace);
        let (row, body) = if self.create {
            let row = Provider {
                id: ProviderId::new(context.ids, context.at),
                workspace: self.workspace,
                name: name.clone(),
                settings: self.settings.clone(),
                created_at: context.at,
                version: Version::ZERO.next(),
            };
            (row, EventBody::ProviderCreated { name, settings: self.settings.clone() })
        } else {
            let mut row = config.provider(&name)?.clone();
            row.settings = self.settings.clone();
            row.version = row.version.next();
            (row, EventBody::ProviderConfigured { settings: self.settings.clone() })
        };
        changes.events.push(NewEvent::about(Subject::Provider(row.id), body));
        changes.records.push(row.keep()?);
        Ok(Plan { changes, answer: row })
    }
}

impl SetProvider {
    fn check(&self, name: &str, config: &ConfigSnapshot) -> Result<(), Error> {
        let mut reasons = self.settings.check();
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            let message = format!("a provider's name has 1 to {NAME_BYTES_MAX} bytes");
            reasons.push(Reason::new("name", "invalid", message));
        }
        for webhook in self.settings.webhooks.iter().flatten() {
            if config.webhook_by_id(*webhook).is_none() {
                let message = format!("no webhook `{webhook}` in this workspace");
                reasons.push(Reason::new("webhooks", "unknown", message));
            }
        }
        if !reasons.is_empty() {
            return Err(Error::invalid(reasons));
        }
        if self.create && config.providers.iter().any(|other| other.name == name) {
            let message = format!("there is a provider `{name}` already");
            return Err(Error::taken(Reason::new("name", "taken", message)));
        }
        if self.create && config.providers.len() >= PROVIDERS_MAX {
            return Err(Error::conflict(format!("a workspace has at most {PROVIDERS_MAX} providers")));
        }
        Ok(())
    }
}

/// Creates an API key. One commit.
#[derive(Debug, Clone)]
pub struct CreateApiKey {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// What it shall be.
    pub new: NewApiKey,
}

/// A new API key, with the token that is shown this once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedApiKey {
    /// The key.
    pub key: ApiKey,
    /// What its client shows. It is kept nowhere: whoever loses it needs another key.
    pub token: ApiToken,
}

impl UseCase for CreateApiKey {
    type Answer = CreatedApiKey;

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn plan(&self, _: &Loaded, context: &Context<'_>) -> Result<Plan<CreatedApiKey>, Error> {
        let config = context.config()?;
        let mut reasons = self.new.check().err().unwrap_or_default();
        if let Some(id) = self.new.provider.filter(|id| config.provider_by_id(*id).is_none()) {
            let message = format!("no provider `{id}` in this workspace");
            reasons.push(Reason::new("provider", "unknown", message));
        }
        if !reasons.is_empty() {
            return Err(Error::invalid(reasons));
        }
        if config.api_keys.len() >= API_KEYS_MAX {
            return Err(Error::conflict(format!("a workspace has at most {API_KEYS_MAX} API keys")));
        }
        let id = ApiKeyId::new(context.ids, context.at);
        let token = ApiToken::new(self.workspace, id, context.ids.secret());
        let NewApiKey { name, permissions, provider, expires_at } = &self.new;
        let settings = ApiKeySettings {
            name: fold_blanks(name),
            permissions: permissions.clone(),
            provider: *provider,
            expires_at: expires_at.map(crate::clock::micros),
            hash: token.hash(),
        };
        let key = ApiKey {
            id,
            workspace: self.workspace,
            settings: settings.clone(),
            created_at: context.at,
            revoked_at: None,
            version: Version::ZERO.next(),
        };
        let mut changes = context.changes(self.workspace);
        changes.events.push(NewEvent::about(Subject::ApiKey(id), EventBody::ApiKeyCreated(settings)));
        changes.records.push(key.keep()?);
        Ok(Plan { changes, answer: CreatedApiKey { key, token } })
    }
}

/// Revokes an API key: it is refused from the next call on, in every process. One commit.
#[derive(Debug, Clone)]
pub struct RevokeApiKey {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The key.
    pub id: ApiKeyId,
}

impl UseCase for RevokeApiKey {
    type Answer = ApiKey;

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn plan(&self, _: &Loaded, context: &Context<'_>) -> Result<Plan<ApiKey>, Error> {
        let config = context.config()?;
        let found = config.api_key(self.id).ok_or_else(|| Error::not_found("API key", self.id))?;
        if found.revoked_at.is_some() {
            return Err(Error::conflict(format!("API key `{}` is revoked already", self.id)));
        }
        let mut row = found.clone();
        row.revoked_at = Some(context.at);
        row.version = found.version.next();
        let mut changes = context.changes(self.workspace);
        changes.events.push(NewEvent::about(Subject::ApiKey(self.id), EventBody::ApiKeyRevoked));
        changes.records.push(row.keep()?);
        Ok(Plan { changes, answer: row })
    }
}

/// Longest name of a provider: it travels in requests.
const NAME_BYTES_MAX: usize = 200;
