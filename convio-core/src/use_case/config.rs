use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::de::DeserializeOwned;

use crate::api_key::{self, ApiKey};
use crate::attribution::{AttributionRules, AttributionSettings, ReportingRates};
use crate::calendar::Calendars;
use crate::change_set::{ConfigVersion, Version};
use crate::contact::KeyScope;
use crate::error::{Error, Reason};
use crate::id::{ApiKeyId, ProviderId, WebhookId, WorkspaceId};
use crate::lead::Pipeline;
use crate::money::{Currency, ExchangeRate, Rates};
use crate::provider::{self, Provider};
use crate::record::{ATTRIBUTION_KIND, ENDPOINTS_KIND, RATES_KIND, RULES_KIND, Record};
use crate::routing::{RuleSet, RuleTable, Target};
use crate::store::Loaded;
use crate::webhook::Webhook;
use crate::workspace::Workspace;

/// The configuration of a workspace at one version: what use cases go by without reading it each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigSnapshot {
    /// The version.
    pub version: ConfigVersion,
    /// The workspace.
    pub workspace: Workspace,
    /// The routing rules that were published last; version 0 when none were.
    pub rules: Arc<RuleTable>,
    /// The rules that are in force as long as those published last are not.
    pub rules_until_then: Option<Arc<RuleTable>>,
    /// The providers, by id.
    pub providers: Vec<Provider>,
    /// The endpoints, by id, deleted ones included.
    #[cfg(feature = "delivery")]
    pub endpoints: Vec<crate::delivery::Endpoint>,
    /// The calendars.
    pub calendars: Arc<Calendars>,
    /// How conversions are attributed; version 0 where nothing was set.
    pub attribution: Arc<AttributionSettings>,
    /// The version of that, and of the exchange rates.
    pub set: (Version, Version),
    /// The exchange rates, where there are any.
    pub rates: Option<Arc<Rates>>,
    /// The API keys, by id, revoked ones included.
    pub api_keys: Vec<ApiKey>,
    webhooks: HashMap<String, Webhook>,
    /// The names of the endpoints that are not deleted.
    endpoint_names: BTreeSet<String>,
}

impl ConfigSnapshot {
    /// The configuration that was read; an error when there is no such workspace.
    pub fn of(loaded: Loaded, id: WorkspaceId) -> Result<Self, Error> {
        Self::after(None, loaded, id)
    }

    /// The same, given an earlier one: rules that were not published again since are not compiled again.
    pub fn after(before: Option<&Self>, loaded: Loaded, id: WorkspaceId) -> Result<Self, Error> {
        let (Some(version), Some(workspace)) = (loaded.config, loaded.workspace) else {
            return Err(Error::not_found("workspace", id));
        };
        let rules = loaded.records.iter().find(|record| record.kind == RULES_KIND);
        let published = rules.map_or(Version::ZERO, |record| record.version);
        let (rules, rules_until_then) = match before.filter(|it| it.rules.rules().version == published) {
            Some(before) => (before.rules.clone(), before.rules_until_then.clone()),
            None => {
                let mut rules: RuleSet = rules.map(Record::read).transpose()?.unwrap_or_default();
                let until_then = rules.until_then.take();
                // Those that were published before are compiled already, where this process has seen them.
                let known = |version| {
                    let tables =
                        before.into_iter().flat_map(|it| [Some(&it.rules), it.rules_until_then.as_ref()]);
                    tables.flatten().find(|table| table.rules().version == version).cloned()
                };
                let table =
                    |set: Box<RuleSet>| known(set.version).unwrap_or_else(|| Arc::new(RuleTable::new(*set)));
                (Arc::new(RuleTable::new(rules)), until_then.map(table))
            }
        };
        let attribution = kept::<AttributionRules>(&loaded.records, ATTRIBUTION_KIND)?;
        let rates = kept::<ReportingRates>(&loaded.records, RATES_KIND)?;
        let version_of = |version: Option<Version>| version.unwrap_or(Version::ZERO);
        Ok(Self {
            set: (
                version_of(attribution.as_ref().map(|it| it.version)),
                version_of(rates.as_ref().map(|it| it.version)),
            ),
            attribution: Arc::new(attribution.map(|it| it.settings).unwrap_or_default()),
            rates: rates.map(|it| Arc::new(it.rates)),
            version,
            workspace,
            rules,
            rules_until_then,
            providers: provider::all(&loaded.records)?,
            #[cfg(feature = "delivery")]
            endpoints: crate::delivery::endpoints_of(&loaded.records)?,
            calendars: Arc::new(Calendars::of(&loaded.records)?),
            api_keys: api_key::all(&loaded.records)?,
            endpoint_names: endpoint_names(&loaded.records),
            webhooks: loaded.webhooks.into_iter().map(|webhook| (webhook.name.clone(), webhook)).collect(),
        })
    }

    /// The routing rules that are in force at a time.
    pub fn rules_at(&self, at: DateTime<Utc>) -> &Arc<RuleTable> {
        match (self.rules.rules().effective_from, &self.rules_until_then) {
            (Some(from), Some(before)) if at < from => before,
            _ => &self.rules,
        }
    }

    /// The rate into the workspace's currency on a day; `None` where none is known.
    pub fn rate(&self, from: Currency, day: NaiveDate) -> Option<ExchangeRate> {
        let to = self.workspace.settings.currency;
        match &self.rates {
            _ if from == to => Some(ExchangeRate::identity(to, day)),
            Some(rates) if rates.to() == to => rates.on(from, day),
            _ => None,
        }
    }

    /// The webhook of this id, deleted ones included.
    pub fn webhook_by_id(&self, id: WebhookId) -> Option<&Webhook> {
        self.webhooks.values().find(|webhook| webhook.id == id)
    }

    /// The bounds within which keys mean one contact, each once.
    pub fn key_scopes(&self) -> BTreeSet<KeyScope> {
        self.webhooks.values().map(Webhook::key_scope).collect()
    }

    /// The webhook of this name, deleted ones included.
    pub fn webhook(&self, name: &str) -> Result<&Webhook, Error> {
        self.webhooks.get(name).ok_or_else(|| Error::not_found("webhook", name))
    }

    /// The provider of this name.
    pub fn provider(&self, name: &str) -> Result<&Provider, Error> {
        let folded = crate::text::fold_blanks(name); // as it is kept
        let found = self.providers.iter().find(|provider| provider.name == folded);
        found.ok_or_else(|| Error::not_found("provider", name))
    }

    /// The provider of this id.
    pub fn provider_by_id(&self, id: ProviderId) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.id == id)
    }

    /// What is wrong with a target: its name, or that there is no such endpoint.
    pub(crate) fn target_reason(&self, target: &Target) -> Option<Reason> {
        let unknown = || match target {
            Target::Endpoint(name) if !self.endpoint_names.contains(name) => {
                Some(Reason::new("target", "unknown", format!("no endpoint `{name}` in this workspace")))
            }
            _ => None,
        };
        target.reason().or_else(unknown)
    }

    /// The endpoint of this name, deleted ones included.
    #[cfg(feature = "delivery")]
    pub fn endpoint(&self, name: &str) -> Result<&crate::delivery::Endpoint, Error> {
        let found = self.endpoints.iter().find(|endpoint| endpoint.name == name);
        found.ok_or_else(|| Error::not_found("endpoint", name))
    }

    /// The API key of this id, revoked ones included.
    pub fn api_key(&self, id: ApiKeyId) -> Option<&ApiKey> {
        self.api_keys.iter().find(|key| key.id == id)
    }

    /// The statuses of leads.
    pub fn pipeline(&self) -> &Pipeline {
        &self.workspace.settings.policy.pipeline
    }
}

/// Names alone: what an endpoint is the feature `delivery` knows.
fn endpoint_names(records: &[Record]) -> BTreeSet<String> {
    let standing = |record: &&Record| record.kind == ENDPOINTS_KIND && record.body["deleted_at"].is_null();
    let name = |record: &Record| record.body["name"].as_str().map(str::to_owned);
    records.iter().filter(standing).filter_map(name).collect()
}

/// What the record of this kind keeps; `None` where there is none.
fn kept<T: DeserializeOwned>(records: &[Record], kind: &str) -> Result<Option<T>, Error> {
    let record = records.iter().find(|record| record.kind == kind);
    Ok(record.map(Record::read).transpose()?)
}
