use chrono::{DateTime, Utc};

use super::{Disabled, Endpoint, EndpointSettings};
use crate::change_set::Version;
use crate::event::{Event, EventBody, Subject};
use crate::id::EndpointId;

/// An endpoint as its events tell it: all but what signs its deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldEndpoint {
    /// Who it is.
    pub id: EndpointId,
    /// Its name.
    pub name: String,
    /// Its settings.
    pub settings: EndpointSettings,
    /// What may be shown of the secret.
    pub signed_by: String,
    /// Since when and why it is disabled.
    pub disabled: Option<Disabled>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was deleted.
    pub deleted_at: Option<DateTime<Utc>>,
    /// How many events it has had.
    pub version: Version,
}

impl ToldEndpoint {
    /// The endpoint as its events tell it; `None` when they do not start with its creation.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<Self> {
        let mut endpoint: Option<Self> = None;
        for event in events {
            let Some(Subject::Endpoint(id)) = event.subject() else { continue };
            let version = event.subject_version()?;
            if let EventBody::EndpointCreated(created) = &event.body {
                endpoint = Some(Self {
                    id,
                    name: created.name.clone(),
                    settings: created.settings.clone(),
                    signed_by: created.signed_by.clone(),
                    disabled: None,
                    created_at: event.at,
                    deleted_at: None,
                    version,
                });
                continue;
            }
            let row = endpoint.as_mut()?;
            row.version = version;
            match &event.body {
                EventBody::EndpointConfigured(settings) => row.settings = EndpointSettings::clone(settings),
                EventBody::EndpointSigned { by } => row.signed_by.clone_from(by),
                EventBody::EndpointDisabled(disabled) => row.disabled = Some(disabled.clone()),
                EventBody::EndpointEnabled => row.disabled = None,
                EventBody::EndpointDeleted => row.deleted_at = Some(event.at),
                _ => {}
            }
        }
        endpoint
    }
}

impl Endpoint {
    /// What its events tell of it.
    pub fn told(&self) -> ToldEndpoint {
        ToldEndpoint {
            id: self.id,
            name: self.name.clone(),
            settings: self.settings.clone(),
            signed_by: self.signing.secret.hint(),
            disabled: self.disabled.clone(),
            created_at: self.created_at,
            deleted_at: self.deleted_at,
            version: self.version,
        }
    }
}
