//! The webhook: a named entry point of a workspace. Every lead came through one.

mod fold;
mod forwarding;
mod repository;
mod secret;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::change_set::Version;
use crate::contact::{KeyKind, KeyScope};
use crate::error::Reason;
use crate::id::{WebhookId, WorkspaceId};
use crate::phone::Region;
use crate::text::{LeadType, Source};

pub use forwarding::{FORWARD_RULES_MAX, Forwarding};
#[cfg(feature = "service")]
pub use repository::WebhookRepository;
pub use secret::WebhookSecret;

/// A named entry point of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Who it is.
    pub id: WebhookId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// What callers name it by: unique in the workspace, also among the deleted ones.
    pub name: String,
    /// What can be set.
    pub settings: WebhookSettings,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was deleted. A deleted webhook refuses leads, keeps its history and can be restored.
    pub deleted_at: Option<DateTime<Utc>>,
    /// How many events it has had.
    pub version: Version,
}

/// What can be set on a webhook. Serialised settings of an older version read with the defaults of the newer one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct WebhookSettings {
    /// The type of its leads where they name none.
    pub lead_type: LeadType,
    /// The source of its leads where they name none; the webhook's name when `None`.
    pub source: Option<Source>,
    /// What the sender's names of fields mean, where Convio would not know or mean something else: per name of a JSON field,
    /// form field or column the field that it is read into (`phone`, `last_name`, `source`, `external_id` ...), or empty
    /// text for none: it is then kept as it is. A field that is given a name here is looked for under no other.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// The region that national phone numbers are read in.
    pub region: Option<Region>,
    /// Where its contacts are looked for.
    pub scope: DedupScope,
    /// Which keys may identify a contact; the first that a lead offers is the one.
    pub keys: Vec<KeyKind>,
    /// Which phone numbers count as one.
    pub phone: PhonePolicy,
    /// What happens to a lead that repeats one of the same contact, product and campaign.
    pub repeat: RepeatPolicy,
    /// Whether a lead is rejected for any failing field, also where a key was found without it.
    pub strict: bool,
    /// Whether every lead must carry an idempotency key.
    pub idempotency_required: bool,
    /// How many hours an idempotency key is remembered.
    pub idempotency_hours: u32,
    /// How far its leads are trusted: in a contact, the field of the higher rank wins, then the newer one.
    pub rank: u8,
    /// Most leads in a clock hour; `None` sets no limit.
    pub leads_per_hour_max: Option<u32>,
    /// What its senders must show; `None` asks for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<WebhookSecret>,
    /// Which of its leads go on to endpoints.
    #[serde(skip_serializing_if = "Forwarding::is_default")]
    pub forwarding: Forwarding,
    /// An inactive webhook refuses leads.
    pub active: bool,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            lead_type: LeadType::standard(),
            source: None,
            fields: BTreeMap::new(),
            region: None,
            scope: DedupScope::Workspace,
            keys: vec![KeyKind::Phone],
            phone: PhonePolicy::Possible,
            repeat: RepeatPolicy::default(),
            strict: false,
            idempotency_required: false,
            idempotency_hours: IDEMPOTENCY_HOURS,
            rank: RANK_DEFAULT,
            leads_per_hour_max: None,
            secret: None,
            forwarding: Forwarding::default(),
            active: true,
        }
    }
}

impl Webhook {
    /// The source of a lead that names none.
    pub fn default_source(&self) -> Source {
        let named = self.settings.source.clone();
        named.or_else(|| Source::new(&self.name).ok()).unwrap_or_else(Source::unknown)
    }

    /// Where contacts of its leads are looked for.
    pub fn key_scope(&self) -> KeyScope {
        match self.settings.scope {
            DedupScope::Workspace => KeyScope::Workspace,
            DedupScope::Webhook => KeyScope::Webhook(self.id),
        }
    }

    /// Why it refuses leads, if it does.
    pub fn refusal(&self) -> Option<Reason> {
        if self.deleted_at.is_some() {
            return Some(Reason::new("webhook", "deleted", format!("webhook `{}` is deleted", self.name)));
        }
        let inactive = !self.settings.active;
        inactive.then(|| Reason::new("webhook", "inactive", format!("webhook `{}` is inactive", self.name)))
    }
}

/// Within which bounds a key means one contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DedupScope {
    /// One contact per key in the whole workspace.
    Workspace,
    /// One contact per key and webhook.
    Webhook,
}

/// Which phone numbers are taken as phone keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhonePolicy {
    /// Every number of a possible length; one in an unassigned range is flagged.
    Possible,
    /// Assigned numbers only.
    Valid,
}

/// What happens to a lead of the same contact, product and campaign as one not long before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatPolicy {
    /// What is done.
    pub action: RepeatAction,
    /// How many days lie between the two at most; `None` sets no bound.
    pub window_days: Option<u32>,
}

impl RepeatPolicy {
    /// Between which instants, both left out, another lead must have been received to be repeated by one received at
    /// `received_at`: within the window before it or after it, since leads may come in late.
    pub fn bounds(&self, received_at: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let window = self.window_days.map(|days| TimeDelta::days(days.into()));
        let cutoff = window.and_then(|window| received_at.checked_sub_signed(window));
        let until = window.and_then(|window| received_at.checked_add_signed(window));
        (cutoff.unwrap_or(START_OF_TIME), until.unwrap_or(crate::clock::END_OF_TIME))
    }
}

impl Default for RepeatPolicy {
    fn default() -> Self {
        Self { action: RepeatAction::Flag, window_days: Some(REPEAT_WINDOW_DAYS) }
    }
}

/// What is done with a repeated lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepeatAction {
    /// Taken like any other; nothing is remembered.
    Accept,
    /// Taken, and marked with the lead that it repeats.
    Flag,
    /// Rejected, kept with its payload and the lead that it repeats.
    Reject,
}

/// A webhook to be created.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    pub(crate) name: String,
    pub(crate) settings: WebhookSettings,
}

impl NewWebhook {
    /// A webhook with this name and default settings.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), settings: WebhookSettings::default() }
    }

    /// With these settings instead.
    ///
    /// ```
    /// use convio_core::{KeyKind, NewWebhook};
    /// let new = NewWebhook::named("google-solar").with(|settings| settings.keys = vec![KeyKind::Phone, KeyKind::Email]);
    /// assert!(new.check().is_ok());
    /// let wrong = NewWebhook::named("a b").with(|settings| settings.keys.clear()).check().unwrap_err();
    /// assert_eq!(wrong.iter().map(|r| r.field.as_str()).collect::<Vec<_>>(), ["name", "keys"]);
    /// ```
    #[must_use]
    pub fn with(mut self, set: impl FnOnce(&mut WebhookSettings)) -> Self {
        set(&mut self.settings);
        self
    }

    /// Every field that is wrong.
    pub fn check(&self) -> Result<(), Vec<Reason>> {
        let mut reasons = Vec::new();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.len() > NAME_BYTES_MAX || !self.name.chars().all(allowed) {
            let message =
                format!("a webhook's name is 1 to {NAME_BYTES_MAX} of letters, digits, `-`, `_`, `.`");
            reasons.push(Reason::new("name", "invalid", message));
        }
        reasons.extend(self.settings.check());
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }
}

impl WebhookSettings {
    /// Every setting that is wrong.
    pub fn check(&self) -> Vec<Reason> {
        let mut reasons = crate::use_case::check_names(&self.fields);
        if self.keys.is_empty() {
            reasons.push(Reason::new("keys", "empty", "a webhook needs at least one kind of key"));
        }
        if self.keys.iter().any(|kind| matches!(kind, KeyKind::Visitor | KeyKind::Contact)) {
            reasons.push(Reason::new("keys", "visitor", "no lead is recognised by the id of a visitor"));
        }
        if self.idempotency_hours == 0 || self.idempotency_hours > IDEMPOTENCY_HOURS_MAX {
            let message = format!("idempotency keys are kept 1 to {IDEMPOTENCY_HOURS_MAX} hours");
            reasons.push(Reason::new("idempotency_hours", "out_of_range", message));
        }
        reasons.extend(self.forwarding.check());
        if self.leads_per_hour_max == Some(0) {
            let message = "a limit of 0 leads is said by `active: false`";
            reasons.push(Reason::new("leads_per_hour_max", "out_of_range", message));
        }
        reasons
    }
}

/// The webhook that every workspace has, for leads that come through no other.
pub const DIRECT: &str = "direct";
/// Hours that an idempotency key is remembered by default: retries of the field's senders end well before three days.
pub const IDEMPOTENCY_HOURS: u32 = 72;
/// Longest life of an idempotency key: a quarter; what must hold for ever is an external id.
pub const IDEMPOTENCY_HOURS_MAX: u32 = 2_208;
/// Days that a lead repeats another one by default (the recommended window of the field).
pub const REPEAT_WINDOW_DAYS: u32 = 30;
/// Rank of a webhook that was given none: half way, so that there is room on both sides.
pub const RANK_DEFAULT: u8 = 100;
/// Longest name of a webhook: it travels in URLs.
pub const NAME_BYTES_MAX: usize = 64;
/// Before every lead; stores keep it in microseconds since 1970.
pub(crate) const START_OF_TIME: DateTime<Utc> =
    DateTime::from_timestamp(-62_135_596_800, 0).expect("the year 1");
