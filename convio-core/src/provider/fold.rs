use super::Provider;
use crate::event::{Event, EventBody, Subject};

impl Provider {
    /// The provider as its events tell it; `None` when they do not start with its creation.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<Self> {
        let mut provider: Option<Self> = None;
        for event in events {
            let Some(Subject::Provider(id)) = event.subject() else {
                continue;
            };
            match &event.body {
                EventBody::ProviderCreated { name, settings } => {
                    provider = Some(Self {
                        id,
                        workspace: event.workspace,
                        name: name.clone(),
                        settings: settings.clone(),
                        created_at: event.at,
                        version: event.subject_version()?,
                    });
                }
                EventBody::ProviderConfigured { settings } => {
                    let row = provider.as_mut()?;
                    row.settings = settings.clone();
                    row.version = event.subject_version()?;
                }
                _ => {}
            }
        }
        provider
    }
}
