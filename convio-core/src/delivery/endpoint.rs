use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    EventFilter, Guard, OVERLAP_HOURS, PayloadKind, ResponseMapping, RetrySchedule, SecretSource, Signing,
    SigningSecret, TargetUrl,
};
use crate::change_set::Version;
use crate::error::{Error, Reason};
use crate::id::{EndpointId, Ids, WorkspaceId};

/// A URL that a workspace's events go out to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Who it is.
    pub id: EndpointId,
    /// Its workspace.
    pub workspace: WorkspaceId,
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

/// What can be set on an endpoint. Serialised settings of an older version read with the defaults of the newer one. No secret is
/// among them; what its URL has behind the host may be one, and is not shown by `Debug`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EndpointSettings {
    /// Where deliveries go.
    pub url: TargetUrl,
    /// Which events go there. None until some are named.
    pub events: EventFilter,
    /// How much of an event is told.
    pub payload: PayloadKind,
    /// How many seconds the receiver has to answer.
    pub timeout_seconds: u16,
    /// When a delivery is tried again.
    pub retry: RetrySchedule,
    /// What answers mean.
    #[serde(skip_serializing_if = "is_default")]
    pub mapping: ResponseMapping,
    /// After how many hours in which every attempt failed it is disabled; `None`: never.
    pub disable_after_hours: Option<u32>,
    /// To an inactive endpoint nothing is sent.
    pub active: bool,
}

/// Since when and why an endpoint is disabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Since when.
    pub at: DateTime<Utc>,
    /// Why.
    pub why: DisabledWhy,
}

/// Why an endpoint was disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledWhy {
    /// Its receiver said that it is gone for good (410).
    Gone,
    /// Every attempt failed for longer than its settings allow.
    Failing {
        /// Since when.
        since: DateTime<Utc>,
    },
}

impl Default for EndpointSettings {
    fn default() -> Self {
        Self {
            url: TargetUrl::default(),
            events: EventFilter::Only(Vec::new()),
            payload: PayloadKind::Thin,
            timeout_seconds: TIMEOUT_SECONDS,
            retry: RetrySchedule::default(),
            mapping: ResponseMapping::default(),
            disable_after_hours: Some(DISABLE_AFTER_HOURS),
            active: true,
        }
    }
}

impl EndpointSettings {
    /// Every setting that is wrong, its URL by this guard.
    pub fn check(&self, guard: &Guard) -> Vec<Reason> {
        let mut reasons = guard.judge(&self.url).err().unwrap_or_default();
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

    /// Whether an event of this kind is to be delivered to it.
    pub fn takes(&self, kind: &str) -> bool {
        self.refusal().is_none() && self.settings.events.takes(kind)
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
    settings: EndpointSettings,
    secret: Option<SecretSource>,
}

impl NewEndpoint {
    /// One at this URL, with default settings: it takes no event until some are named.
    pub fn to(url: impl Into<String>) -> Self {
        let settings = EndpointSettings { url: TargetUrl::new(url), ..EndpointSettings::default() };
        Self { settings, secret: None }
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
        let url = guard.judge(&self.settings.url).map_err(Error::invalid)?;
        let secret = self.secret.unwrap_or_else(|| SecretSource::Value(SigningSecret::new(ids)));
        Ok(Endpoint {
            id: EndpointId::new(ids, now),
            workspace,
            settings: EndpointSettings { url, ..self.settings },
            signing: Signing::by(secret),
            disabled: None,
            created_at: now,
            deleted_at: None,
            version: Version(1),
        })
    }
}

fn is_default(mapping: &ResponseMapping) -> bool {
    mapping.rules.is_empty()
}

/// Seconds that a receiver has to answer by default: Standard Webhooks has 15 to 30.
pub const TIMEOUT_SECONDS: u16 = 15;
/// The longest timeout: whoever works longer than that answers first and works then.
pub const TIMEOUT_SECONDS_MAX: u16 = 30;
/// Hours of nothing but failures after which an endpoint is disabled by default: five days.
pub const DISABLE_AFTER_HOURS: u32 = 120;
/// The longest such time: 90 days.
pub const DISABLE_AFTER_HOURS_MAX: u32 = 2_160;
