//! Which channel a touch belongs to: rules of a workspace's own, or the standard ones.

mod facts;
mod standard;
#[cfg(test)]
mod tests;
mod when;

use serde::{Deserialize, Serialize};

use super::{LeadTouch, Touchpoint};
use crate::error::{Error, Reason};
use crate::lead::Lead;
use crate::text::MarketingChannel;

pub use facts::TouchFacts;
pub use when::{AnyTouchKind, CHANNEL_ENTRIES_MAX, CHANNEL_ENTRY_BYTES_MAX, ChannelWhen, ClickIdsWhen};

/// Which channel a touch belongs to: the first rule that holds says so, and where none does, it is `otherwise`.
///
/// Checked when it is made and when it is read from what was serialised. All texts are kept folded by
/// [`match_key`](crate::text::match_key), as they are compared.
///
/// ```
/// use convio_core::attribution::{ChannelRule, ChannelRules, ChannelWhen, ClickIds, TouchFacts};
/// use convio_core::text::{MarketingChannel, Medium, Source};
/// let channel = |name| MarketingChannel::new(name);
/// let when = ChannelWhen { sources: vec!["Google".into()], mediums: vec!["CPC".into()], ..Default::default() };
/// let rules = ChannelRules::new([ChannelRule { channel: channel("Paid Search")?, when }], channel("Other")?)?;
///
/// let (google, cpc, click_ids) = (Source::new("google")?, Medium::new("cpc")?, ClickIds::default());
/// let mut touch =
///     TouchFacts { kind: None, source: &google, medium: Some(&cpc), campaign: None, click_ids: &click_ids };
/// assert_eq!(rules.classify(&touch).as_str(), "Paid Search");
/// touch.medium = None;
/// assert_eq!(rules.classify(&touch).as_str(), "Other");
///
/// let kept = serde_json::to_string(&rules)?;
/// assert_eq!(serde_json::from_str::<ChannelRules>(&kept)?, rules);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Given")]
pub struct ChannelRules {
    rules: Vec<ChannelRule>,
    otherwise: MarketingChannel,
}

/// A rule: touches that this holds for belong to this channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelRule {
    /// The channel.
    pub channel: MarketingChannel,
    /// Which touches.
    pub when: ChannelWhen,
}

/// Rules as they were written, before they are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    rules: Vec<ChannelRule>,
    otherwise: MarketingChannel,
}

impl ChannelRules {
    /// These rules in this order, and the channel of what none of them holds for. No rules at all are fine.
    ///
    /// Fails, naming each field by its place (`rules[3].when.sources[1]`), for more than [`CHANNEL_RULES_MAX`] rules, for
    /// a condition that says nothing or has an empty list of click ids, for a list of more than [`CHANNEL_ENTRIES_MAX`]
    /// entries, for an entry that is blank or has more than [`CHANNEL_ENTRY_BYTES_MAX`] bytes, and for entries of more than
    /// [`CHANNEL_RULES_BYTES_MAX`] bytes together.
    ///
    /// ```
    /// use convio_core::attribution::{ChannelRule, ChannelRules, ChannelWhen};
    /// use convio_core::text::MarketingChannel;
    /// let rule = |when| ChannelRule { channel: MarketingChannel::direct(), when };
    /// let blank = ChannelWhen { sources: vec!["fax".into(), " ".into()], ..Default::default() };
    /// let refused = ChannelRules::new([rule(ChannelWhen::default()), rule(blank)], MarketingChannel::direct());
    /// let reasons = refused.unwrap_err();
    /// let fields: Vec<&str> = reasons.reasons().iter().map(|reason| reason.field.as_str()).collect();
    /// assert_eq!(fields, ["rules[0].when", "rules[1].when.sources[1]"]);
    /// ```
    pub fn new(
        rules: impl IntoIterator<Item = ChannelRule>,
        otherwise: MarketingChannel,
    ) -> Result<Self, Error> {
        let mut rules: Vec<ChannelRule> = rules.into_iter().collect();
        if rules.len() > CHANNEL_RULES_MAX {
            let message = format!("{} rules are more than {CHANNEL_RULES_MAX}", rules.len());
            return Err(Error::invalid(vec![Reason::new("rules", "too_many", message)]));
        }
        let mut reasons = Vec::new();
        for (place, rule) in rules.iter_mut().enumerate() {
            rule.when.fold();
            rule.when.check(&format!("rules[{place}].when"), &mut reasons);
        }
        let bytes: usize = rules.iter().map(|rule| rule.when.bytes()).sum();
        if bytes > CHANNEL_RULES_BYTES_MAX {
            let message = format!("the entries have {bytes} bytes, more than {CHANNEL_RULES_BYTES_MAX}");
            reasons.push(Reason::new("rules", "too_large", message));
        }
        if reasons.is_empty() { Ok(Self { rules, otherwise }) } else { Err(Error::invalid(reasons)) }
    }

    /// The rules, in their order.
    ///
    /// ```
    /// use convio_core::attribution::ChannelRules;
    /// let rules = ChannelRules::standard();
    /// assert_eq!(rules.rules()[0].channel.as_str(), "cross-network");
    /// assert_eq!(rules.otherwise().as_str(), "unassigned");
    /// ```
    pub fn rules(&self) -> &[ChannelRule] {
        &self.rules
    }

    /// The channel of what no rule holds for.
    pub fn otherwise(&self) -> &MarketingChannel {
        &self.otherwise
    }

    /// The channel of a touch. Nothing is allocated.
    ///
    /// ```
    /// use convio_core::attribution::{ChannelRules, ClickIds, TouchFacts, TouchKind};
    /// use convio_core::text::Source;
    /// let (unknown, none) = (Source::unknown(), ClickIds::default());
    /// let call = TouchFacts {
    ///     kind: Some(TouchKind::Call),
    ///     source: &unknown,
    ///     medium: None,
    ///     campaign: None,
    ///     click_ids: &none,
    /// };
    /// let rules = ChannelRules::standard();
    /// assert_eq!(rules.classify(&call).as_str(), "phone");
    /// assert!(rules.classify(&TouchFacts { kind: Some(TouchKind::Visit), ..call }).is_direct());
    /// ```
    pub fn classify(&self, touch: &TouchFacts<'_>) -> &MarketingChannel {
        let first = self.rules.iter().find(|rule| rule.when.holds(touch));
        first.map_or(&self.otherwise, |rule| &rule.channel)
    }

    /// A lead as a touch of the channel that it belongs to, with the click ids that it brought.
    ///
    /// Its channel goes by what its landing says: `utm_source` and `utm_campaign` where they are names, in place of the
    /// source and campaign of the lead, which may be no more than the name of its webhook; `utm_medium`; and its
    /// [click ids](super::ClickIds::of_custom). The touch itself has the source and campaign of the lead, as
    /// [`Touchpoint::of_lead`] has.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::attribution::{ChannelRules, ClickIdKind};
    /// use convio_core::{Convio, NewWebhook, NewWorkspace, RawLead};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let acme = Convio::new(MemoryStore::new()).create_workspace(NewWorkspace::named("Acme Solar")).await?;
    /// acme.create_webhook(NewWebhook::named("landing-page")).await?;
    /// let sent = r#"{"phone":"+12125550123","utm_source":"google","utm_medium":"cpc","gclid":"EAIaIQ"}"#;
    /// let taken = acme.ingest(RawLead::json(sent).webhook("landing-page")).await?;
    /// let id = taken.accepted().expect("the number is one").lead;
    /// let lead = acme.lead(id).await?.expect("it was just taken");
    ///
    /// let touch = ChannelRules::standard().of_lead(&lead);
    /// assert_eq!((touch.source.as_str(), touch.channel.as_str()), ("landing-page", "paid search"));
    /// assert_eq!(touch.click_ids.of(ClickIdKind::Gclid), Some("EAIaIQ"));
    /// # Ok(()) }) }
    /// ```
    pub fn of_lead(&self, lead: &Lead) -> Touchpoint {
        self.of_lead_touch(&LeadTouch::of(lead))
    }

    /// The same, of what was read of a lead as a touch.
    pub fn of_lead_touch(&self, lead: &LeadTouch) -> Touchpoint {
        lead.touchpoint(self.classify(&facts::Landing::of(lead).facts()).clone())
    }
}

impl TryFrom<Given> for ChannelRules {
    type Error = Error;

    fn try_from(given: Given) -> Result<Self, Error> {
        Self::new(given.rules, given.otherwise)
    }
}

/// Most rules: the groups that analytics tools let people write have up to 50, and each touch looks at all of them.
pub const CHANNEL_RULES_MAX: usize = 200;
/// Most bytes that all entries have together: rules are one record of a workspace.
pub const CHANNEL_RULES_BYTES_MAX: usize = 256 * 1024;
