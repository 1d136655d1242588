use super::Webhook;
use crate::event::{Event, EventBody, Subject};

impl Webhook {
    /// The webhook as its events tell it; `None` when they do not start with its creation.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<Self> {
        let mut webhook: Option<Self> = None;
        for event in events {
            let Some(Subject::Webhook(id)) = event.subject() else {
                continue;
            };
            if let EventBody::WebhookCreated { name, settings } = &event.body {
                webhook = Some(Self {
                    id,
                    workspace: event.workspace,
                    name: name.clone(),
                    settings: settings.clone(),
                    created_at: event.at,
                    deleted_at: None,
                    version: event.subject_version()?,
                });
                continue;
            }
            let row = webhook.as_mut()?;
            match &event.body {
                EventBody::WebhookConfigured { settings } => row.settings = settings.clone(),
                EventBody::WebhookDeleted => row.deleted_at = Some(event.at),
                EventBody::WebhookRestored => row.deleted_at = None,
                _ => continue,
            }
            row.version = event.subject_version()?;
        }
        webhook
    }
}
