//! Webhooks.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `create_webhook` | nothing | 1 | 2 |
//! | `configure_webhook` | nothing | 1 | 2 |

use super::{Context, Plan, UseCase};
use crate::api_key::Permission;
use crate::change_set::{ChangeSet, NewEvent, Version, Write};
use crate::error::{Error, Reason};
use crate::event::{EventBody, Subject};
use crate::id::{WebhookId, WorkspaceId};
use crate::store::{Loaded, Needs};
use crate::webhook::{DIRECT, NewWebhook, Webhook, WebhookSettings};

/// Creates a webhook. One commit.
#[derive(Debug, Clone)]
pub struct CreateWebhook {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// What it shall be.
    pub new: NewWebhook,
}

impl UseCase for CreateWebhook {
    type Answer = Webhook;

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn plan(&self, _: &Loaded, context: &Context<'_>) -> Result<Plan<Webhook>, Error> {
        self.new.check().map_err(Error::invalid)?;
        known(&self.new.settings, context)?;
        if context.config()?.webhook(&self.new.name).is_ok() {
            let message = format!("there is a webhook `{}` already", self.new.name);
            return Err(Error::taken(Reason::new("name", "taken", message)));
        }
        let mut changes = context.changes(self.workspace);
        let webhook = insert(&mut changes, &self.new, context);
        Ok(Plan { changes, answer: webhook })
    }
}

/// Changes a webhook. One commit.
#[derive(Debug, Clone)]
pub struct ChangeWebhook {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// What is changed.
    pub change: WebhookChange,
}

/// What is changed of a webhook.
#[derive(Debug, Clone)]
pub enum WebhookChange {
    /// Its settings, all of them.
    Configure(Box<WebhookSettings>),
    /// It is deleted: it refuses leads, and keeps its history.
    Delete,
    /// It is no longer deleted.
    Restore,
}

impl UseCase for ChangeWebhook {
    type Answer = Webhook;

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn plan(&self, _: &Loaded, context: &Context<'_>) -> Result<Plan<Webhook>, Error> {
        let found = context.config()?.webhook(&self.name)?;
        let mut row = found.clone();
        row.version = found.version.next();
        let body = match &self.change {
            WebhookChange::Configure(settings) => {
                let reasons = settings.check();
                if !reasons.is_empty() {
                    return Err(Error::invalid(reasons));
                }
                known(settings, context)?;
                row.settings = (**settings).clone();
                EventBody::WebhookConfigured { settings: (**settings).clone() }
            }
            WebhookChange::Delete if row.name == DIRECT => {
                return Err(Error::conflict("the webhook `direct` always exists"));
            }
            WebhookChange::Delete if row.deleted_at.is_some() => {
                return Err(Error::conflict(format!("webhook `{}` is deleted already", row.name)));
            }
            WebhookChange::Delete => {
                row.deleted_at = Some(context.at);
                EventBody::WebhookDeleted
            }
            WebhookChange::Restore if row.deleted_at.is_none() => {
                return Err(Error::conflict(format!("webhook `{}` is not deleted", row.name)));
            }
            WebhookChange::Restore => {
                row.deleted_at = None;
                EventBody::WebhookRestored
            }
        };
        let mut changes = context.changes(self.workspace);
        changes.events.push(NewEvent::about(Subject::Webhook(row.id), body));
        changes.webhooks.push(Write::Update { row: row.clone(), at: found.version });
        Ok(Plan { changes, answer: row })
    }
}

/// Whether there are the endpoints that a webhook forwards to.
fn known(settings: &WebhookSettings, context: &Context<'_>) -> Result<(), Error> {
    let config = context.config()?;
    let targets = settings.forwarding.rules.iter().flat_map(|rule| &rule.to).map(|share| &share.target);
    let unknown: Vec<Reason> = targets.filter_map(|target| config.target_reason(target)).collect();
    if unknown.is_empty() { Ok(()) } else { Err(Error::invalid(unknown)) }
}

pub(super) fn insert(changes: &mut ChangeSet, new: &NewWebhook, context: &Context<'_>) -> Webhook {
    let webhook = Webhook {
        id: WebhookId::new(context.ids, context.at),
        workspace: changes.workspace,
        name: new.name.clone(),
        settings: new.settings.clone(),
        created_at: context.at,
        deleted_at: None,
        version: Version::ZERO.next(),
    };
    let body = EventBody::WebhookCreated { name: new.name.clone(), settings: new.settings.clone() };
    changes.events.push(NewEvent::about(Subject::Webhook(webhook.id), body));
    changes.webhooks.push(Write::Insert(webhook.clone()));
    webhook
}
