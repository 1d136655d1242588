use super::ApiKey;
use crate::event::{Event, EventBody, Subject};

impl ApiKey {
    /// The key as its events tell it; `None` when they do not start with its creation.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<Self> {
        let mut key: Option<Self> = None;
        for event in events {
            let Some(Subject::ApiKey(id)) = event.subject() else {
                continue;
            };
            match &event.body {
                EventBody::ApiKeyCreated(settings) => {
                    key = Some(Self {
                        id,
                        workspace: event.workspace,
                        settings: settings.clone(),
                        created_at: event.at,
                        revoked_at: None,
                        version: event.subject_version()?,
                    });
                }
                EventBody::ApiKeyRevoked => {
                    let row = key.as_mut()?;
                    row.revoked_at = Some(event.at);
                    row.version = event.subject_version()?;
                }
                _ => {}
            }
        }
        key
    }
}
