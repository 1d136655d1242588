use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    DISABLE_AFTER_HOURS_MAX, Destination, Disabled, DisabledWhy, EndpointSettings, EventFilter, Guard,
    OVERLAP_HOURS, SecretSource, Signing, SigningSecret, TIMEOUT_SECONDS_MAX, TargetUrl,
};
use crate::change_set::Version;
use crate::error::{Error, Reason};
use crate::id::{EndpointId, Ids, WorkspaceId};
use crate::record::{ENDPOINTS_KIND, Keeps, Record};
use crate::store::StoreError;

/// Where a workspace's events, leads and appointments go out to: a URL, or another workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Who it is.
    pub id: EndpointId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its name, unique in the workspace: what rules route to. It stays for good.
    pub name: String,
    /// What can be set.
    pub settings: EndpointSettings,
    /// What its deliveries are signed with. It may hold secrets, and so is no part of the settings, which events tell.
    pub signing: Signing,
    /// Since when and why nothing is sent to it, if that came about by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<DateTime<Utc>>,
    /// How many events it has had.
    pub version: Version,
}

impl EndpointSettings {
    /// Every setting that is wrong, its URL by this guard.
    pub fn check(&self, guard: &Guard) -> Vec<Reason> {
        let mut reasons = match &self.to {
            Destination::Url(url) => guard.judge(url).err().unwrap_or_default(),
            Destination::Workspace(_) if self.events != EventFilter::None => {
                let message = "a workspace takes what is routed to it, and no events";
                vec![Reason::new("events", "not_for_workspaces", message)]
            }
            Destination::Workspace(_) => Vec::new(),
        };
        reasons.extend(self.events.check());
        if self.timeout_seconds == 0 || self.timeout_seconds > TIMEOUT_SECONDS_MAX {
            let message = format!("a receiver has 1 to {TIMEOUT_SECONDS_MAX} seconds to answer");
            reasons.push(Reason::new("timeout_seconds", "out_of_range", message));
        }
        reasons.extend(self.retry.check());
        reasons.extend(self.mapping.check());
        if self.disable_after_hours.is_some_and(|hours| hours == 0 || hours > DISABLE_AFTER_HOURS_MAX) {
            let message =
                format!("an endpoint that fails is disabled after 1 to {DISABLE_AFTER_HOURS_MAX} hours");
            reasons.push(Reason::new("disable_after_hours", "out_of_range", message));
        }
        reasons
    }
}

impl Endpoint {
    /// Why nothing is sent to it, if so.
    pub fn refusal(&self) -> Option<Reason> {
        let (code, message) = match self {
            Self { deleted_at: Some(_), .. } => ("deleted", "the endpoint is deleted"),
            Self { settings: EndpointSettings { active: false, .. }, .. } => {
                ("inactive", "the endpoint is inactive")
            }
            Self { disabled: Some(Disabled { why: DisabledWhy::Gone, .. }), .. } => {
                ("disabled", "the endpoint is disabled: its receiver said that it is gone")
            }
            Self { disabled: Some(_), .. } => ("disabled", "the endpoint is disabled: every attempt failed"),
            _ => return None,
        };
        Some(Reason::new("endpoint", code, message))
    }

    /// Whether anything new is to be delivered to it. To one that was disabled it is: it waits there until somebody enables it.
    pub fn is_open(&self) -> bool {
        self.deleted_at.is_none() && self.settings.active
    }

    /// Whether an event of this kind is to be delivered to it.
    pub fn takes(&self, kind: &str) -> bool {
        self.is_open() && self.settings.events.takes(kind)
    }

    /// The same, deleted: nothing is sent to it any more, and its name is taken for good.
    #[must_use]
    pub fn delete(&self, now: DateTime<Utc>) -> Self {
        Self { deleted_at: self.deleted_at.or(Some(now)), ..self.clone() }
    }

    /// The same, disabled. One that is disabled already stays so, since when and why it was.
    #[must_use]
    pub fn disable(&self, disabled: Disabled) -> Self {
        Self { disabled: self.disabled.clone().or(Some(disabled)), ..self.clone() }
    }

    /// The same, disabled no more. What waited for it is due; its [`Health`](super::Health) begins anew.
    #[must_use]
    pub fn enable(&self) -> Self {
        Self { disabled: None, ..self.clone() }
    }

    /// The same, signing by this secret. The one until now signs too for so many hours, [`OVERLAP_HOURS`] where none are named.
    ///
    /// # Errors
    /// Those of [`Signing::rotated`].
    pub fn rotate(
        &self,
        secret: SecretSource,
        now: DateTime<Utc>,
        hours: Option<u32>,
    ) -> Result<Self, Error> {
        let signing = self.signing.rotated(secret, now, hours.unwrap_or(OVERLAP_HOURS))?;
        Ok(Self { signing, ..self.clone() })
    }
}

impl Keeps for Endpoint {
    const KIND: &'static str = ENDPOINTS_KIND;

    fn record_key(&self) -> String {
        self.id.to_string()
    }

    fn record_version(&self) -> Version {
        self.version
    }

    fn record_workspace(&self) -> WorkspaceId {
        self.workspace
    }
}

/// Every endpoint of these records.
pub(crate) fn all(records: &[Record]) -> Result<Vec<Endpoint>, StoreError> {
    records.iter().filter(|record| record.kind == ENDPOINTS_KIND).map(Record::read).collect()
}

/// An endpoint to be created.
///
/// ```
/// use convio_core::delivery::{EventFilter, Guard, NewEndpoint};
/// use convio_core::{SequentialIds, WorkspaceId};
/// let now = "2027-03-02T10:00:00Z".parse()?;
/// let ids = SequentialIds::seeded(1);
/// let acme = WorkspaceId::new(&ids, now);
/// let new = NewEndpoint::to("https://hooks.example.com/in").with(|settings| settings.events = EventFilter::only(["lead."]));
/// let endpoint = new.create(acme, now, &ids, &Guard::new())?;
/// assert!(endpoint.takes("lead.received") && !endpoint.takes("conversion.recorded"));
///
/// let wrong = NewEndpoint::to("http://localhost").with(|settings| settings.timeout_seconds = 0);
/// let reasons = wrong.check(&Guard::new()).unwrap_err();
/// let fields: Vec<&str> = reasons.iter().map(|reason| reason.field.as_str()).collect();
/// assert_eq!(fields, ["url", "url", "url", "events", "timeout_seconds"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    name: Option<String>,
    settings: EndpointSettings,
    secret: Option<SecretSource>,
}

impl NewEndpoint {
    /// One at this URL, with default settings: it takes no event until some are named.
    pub fn to(url: impl Into<String>) -> Self {
        let to = Destination::Url(TargetUrl::new(url));
        Self { name: None, settings: EndpointSettings { to, ..EndpointSettings::default() }, secret: None }
    }

    /// One that is another workspace: it takes the leads and appointments that are routed to it, if it [grants](crate::workspace::Grant) so,
    /// and no events.
    pub fn to_workspace(id: WorkspaceId) -> Self {
        let (to, events) = (Destination::Workspace(id), EventFilter::None);
        Self {
            name: None,
            settings: EndpointSettings { to, events, ..EndpointSettings::default() },
            secret: None,
        }
    }

    /// With this name, of letters, digits, `-`, `_` and `.`; one that is given none is named by its id.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// With these settings instead.
    #[must_use]
    pub fn with(mut self, set: impl FnOnce(&mut EndpointSettings)) -> Self {
        set(&mut self.settings);
        self
    }

    /// Signed by this secret; else by a new one.
    #[must_use]
    pub fn signed_by(self, secret: SecretSource) -> Self {
        Self { secret: Some(secret), ..self }
    }

    /// Whether it can be created.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn check(&self, guard: &Guard) -> Result<(), Vec<Reason>> {
        let mut reasons = self.settings.check(guard);
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name =
            |name: &String| !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(allowed);
        if self.name.as_ref().is_some_and(|name| !is_name(name)) {
            let message =
                format!("an endpoint's name is 1 to {NAME_BYTES_MAX} of letters, digits, `-`, `_`, `.`");
            reasons.push(Reason::new("name", "invalid", message));
        }
        reasons.extend(self.secret.as_ref().and_then(SecretSource::reason));
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }

    /// The endpoint, its URL as the guard reads it.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid).
    pub fn create(
        self,
        workspace: WorkspaceId,
        now: DateTime<Utc>,
        ids: &dyn Ids,
        guard: &Guard,
    ) -> Result<Endpoint, Error> {
        self.check(guard).map_err(Error::invalid)?;
        let to = match self.settings.to {
            Destination::Url(url) => Destination::Url(guard.judge(&url).map_err(Error::invalid)?),
            Destination::Workspace(id) if id == workspace => {
                let message = "a workspace is no endpoint of its own";
                return Err(Error::invalid(vec![Reason::new("to", "itself", message)]));
            }
            to @ Destination::Workspace(_) => to,
        };
        let id = EndpointId::new(ids, now);
        let secret = self.secret.unwrap_or_else(|| SecretSource::Value(SigningSecret::new(ids)));
        Ok(Endpoint {
            id,
            workspace,
            name: self.name.unwrap_or_else(|| id.to_string()),
            settings: EndpointSettings { to, ..self.settings },
            signing: Signing::by(secret),
            disabled: None,
            created_at: now,
            deleted_at: None,
            version: Version(1),
        })
    }
}

/// The most endpoints of a workspace, deleted ones too: each is looked at for each event.
pub const ENDPOINTS_MAX: usize = 100;
/// The longest name.
const NAME_BYTES_MAX: usize = 64;
