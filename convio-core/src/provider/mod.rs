//! The provider: a company that sends leads.

mod fold;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::change_set::Version;
use crate::error::Reason;
use crate::id::{ProviderId, WebhookId, WorkspaceId};
use crate::record::{Keeps, Record};

/// A company that sends leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Who it is.
    pub id: ProviderId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// What callers name it by: unique in the workspace.
    pub name: String,
    /// What can be set.
    pub settings: ProviderSettings,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// How many events it has had.
    pub version: Version,
}

/// What can be set on a provider. Settings stored by an older version read with the defaults of the newer one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ProviderSettings {
    /// An inactive provider is refused at once.
    pub active: bool,
    /// The webhooks that it may use; `None`: all of them.
    pub webhooks: Option<BTreeSet<WebhookId>>,
    /// Most leads in a clock hour, rejected ones included.
    pub leads_per_hour_max: u32,
    /// Most leads in a day of the workspace's zone; `None` sets no quota.
    pub leads_per_day_max: Option<u32>,
    /// Most leads in a month of the workspace's zone; `None` sets no quota.
    pub leads_per_month_max: Option<u32>,
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self {
            active: true,
            webhooks: None,
            leads_per_hour_max: LEADS_PER_HOUR_MAX,
            leads_per_day_max: None,
            leads_per_month_max: None,
        }
    }
}

impl ProviderSettings {
    /// Every setting that is wrong.
    ///
    /// ```
    /// use convio_core::provider::ProviderSettings;
    /// let mut settings = ProviderSettings::default();
    /// assert!(settings.check().is_empty());
    /// (settings.leads_per_hour_max, settings.webhooks) = (0, Some([].into()));
    /// assert_eq!(settings.check().len(), 2);
    /// ```
    pub fn check(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let limits = [
            ("leads_per_hour_max", Some(self.leads_per_hour_max)),
            ("leads_per_day_max", self.leads_per_day_max),
            ("leads_per_month_max", self.leads_per_month_max),
        ];
        for (field, _) in limits.into_iter().filter(|(_, limit)| *limit == Some(0)) {
            reasons.push(Reason::new(field, "out_of_range", "a limit of 0 leads is said by `active: false`"));
        }
        if self.webhooks.as_ref().is_some_and(BTreeSet::is_empty) {
            let message = "a provider that may use no webhook is said by `active: false`";
            reasons.push(Reason::new("webhooks", "empty", message));
        }
        reasons
    }
}

impl Provider {
    /// Why it may not send leads through this webhook, if so.
    pub fn refusal(&self, webhook: WebhookId) -> Option<String> {
        if !self.settings.active {
            return Some(format!("provider `{}` is inactive", self.name));
        }
        let allowed = self.settings.webhooks.as_ref().is_none_or(|webhooks| webhooks.contains(&webhook));
        (!allowed).then(|| format!("provider `{}` may not use this webhook", self.name))
    }
}

impl Keeps for Provider {
    const KIND: &'static str = "provider";

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

/// Every provider of these records.
pub(crate) fn all(records: &[Record]) -> Result<Vec<Provider>, crate::store::StoreError> {
    records.iter().filter(|record| record.kind == Provider::KIND).map(Record::read).collect()
}

/// Leads that a provider may send in an hour until told otherwise.
pub const LEADS_PER_HOUR_MAX: u32 = 1_000;
/// Most providers of a workspace: they travel with its configuration.
pub const PROVIDERS_MAX: usize = 1_000;
