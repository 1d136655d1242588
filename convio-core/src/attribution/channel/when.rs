use serde::{Deserialize, Serialize};

use super::TouchFacts;
use crate::attribution::{ClickIdKind, ClickIds, TouchKind};
use crate::error::Reason;
use crate::text::{NAME_CHARS_MAX, match_key};

/// Which touches a rule is for: all parts that are given hold. A list that is empty is not given; at least one part must be.
///
/// Texts are compared without regard to case and blanks around them, as names are.
///
/// ```
/// use convio_core::attribution::{AnyTouchKind, ChannelWhen};
/// let calls_of_partners: ChannelWhen =
///     serde_json::from_str(r#"{"source_contains":["partner"],"kinds":["call","lead"]}"#)?;
/// assert_eq!(calls_of_partners.kinds, [AnyTouchKind::Call, AnyTouchKind::Lead]);
/// assert!(serde_json::from_str::<ChannelWhen>(r#"{"source_contain":["partner"]}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelWhen {
    /// The source is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// The source contains one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_contains: Vec<String>,
    /// The medium is one of these; one that is missing is `(none)`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mediums: Vec<String>,
    /// The medium is there and contains one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub medium_contains: Vec<String>,
    /// The campaign is there and contains one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub campaign_contains: Vec<String>,
    /// It has a click id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub click_ids: Option<ClickIdsWhen>,
    /// It is of one of these kinds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<AnyTouchKind>,
}

/// Which click ids a touch must have.
///
/// ```
/// use convio_core::attribution::{ClickIdKind, ClickIdsWhen};
/// let google = ClickIdsWhen::AnyOf(vec![ClickIdKind::Gclid, ClickIdKind::Gbraid]);
/// assert_eq!(serde_json::to_string(&google)?, r#"{"any_of":["gclid","gbraid"]}"#);
/// assert_eq!(serde_json::to_string(&ClickIdsWhen::Any)?, r#""any""#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClickIdsWhen {
    /// One, of whatever kind.
    Any,
    /// One of these kinds.
    AnyOf(Vec<ClickIdKind>),
}

/// The kinds of touches, leads among them.
///
/// ```
/// use convio_core::attribution::{AnyTouchKind, TouchKind};
/// assert_eq!(AnyTouchKind::from(Some(TouchKind::Call)), AnyTouchKind::Call);
/// assert_eq!(AnyTouchKind::from(None), AnyTouchKind::Lead);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnyTouchKind {
    /// A lead.
    Lead,
    /// [`TouchKind::Click`]
    Click,
    /// [`TouchKind::Call`]
    Call,
    /// [`TouchKind::Visit`]
    Visit,
    /// [`TouchKind::Form`]
    Form,
    /// [`TouchKind::Email`]
    Email,
    /// [`TouchKind::Impression`]
    Impression,
}

impl From<Option<TouchKind>> for AnyTouchKind {
    fn from(kind: Option<TouchKind>) -> Self {
        match kind {
            None => Self::Lead,
            Some(TouchKind::Click) => Self::Click,
            Some(TouchKind::Call) => Self::Call,
            Some(TouchKind::Visit) => Self::Visit,
            Some(TouchKind::Form) => Self::Form,
            Some(TouchKind::Email) => Self::Email,
            Some(TouchKind::Impression) => Self::Impression,
        }
    }
}

impl ChannelWhen {
    /// Whether all given parts hold. Its texts are folded.
    pub(super) fn holds(&self, touch: &TouchFacts<'_>) -> bool {
        let medium = touch.medium.map(|medium| medium.key());
        let campaign = touch.campaign.map(|campaign| campaign.key());
        is_one_of(&self.sources, touch.source.key())
            && contains_one_of(&self.source_contains, Some(touch.source.key()))
            && is_one_of(&self.mediums, medium.unwrap_or(NO_MEDIUM))
            && contains_one_of(&self.medium_contains, medium)
            && contains_one_of(&self.campaign_contains, campaign)
            && self.click_ids.as_ref().is_none_or(|when| when.holds(touch.click_ids))
            && (self.kinds.is_empty() || self.kinds.contains(&touch.kind.into()))
    }

    /// Brings all texts into the form in which they are compared.
    pub(super) fn fold(&mut self) {
        let texts = [
            &mut self.sources,
            &mut self.source_contains,
            &mut self.mediums,
            &mut self.medium_contains,
            &mut self.campaign_contains,
        ];
        for text in texts.into_iter().flatten() {
            *text = match_key(text);
        }
    }

    /// Adds all that is wrong with it, under the name that it goes by.
    pub(super) fn check(&self, name: &str, reasons: &mut Vec<Reason>) {
        if *self == Self::default() {
            let message = "a condition says at least one thing: what holds for every touch is `otherwise`";
            reasons.push(Reason::new(name, "empty", message));
        }
        if matches!(&self.click_ids, Some(ClickIdsWhen::AnyOf(kinds)) if kinds.is_empty()) {
            let message = "no touch has a click id of no kind";
            reasons.push(Reason::new(format!("{name}.click_ids"), "empty", message));
        }
        let kinds = match &self.click_ids {
            Some(ClickIdsWhen::AnyOf(kinds)) => kinds.len(),
            _ => 0,
        };
        for (list, entries) in [("click_ids", kinds), ("kinds", self.kinds.len())] {
            reasons.extend(too_many(format!("{name}.{list}"), entries));
        }
        for (list, texts) in self.texts() {
            if let Some(reason) = too_many(format!("{name}.{list}"), texts.len()) {
                reasons.push(reason);
                continue;
            }
            for (place, text) in texts.iter().enumerate() {
                let (code, message) = match text.len() {
                    0 => ("blank", "the entry is blank".to_owned()),
                    1..=CHANNEL_ENTRY_BYTES_MAX => continue,
                    bytes => (
                        "too_long",
                        format!("the entry has {bytes} bytes, more than {CHANNEL_ENTRY_BYTES_MAX}"),
                    ),
                };
                reasons.push(Reason::new(format!("{name}.{list}[{place}]"), code, message));
            }
        }
    }

    /// How many bytes its texts have.
    pub(super) fn bytes(&self) -> usize {
        self.texts().iter().flat_map(|(_, texts)| texts.iter()).map(String::len).sum()
    }

    fn texts(&self) -> [(&'static str, &[String]); 5] {
        [
            ("sources", &self.sources),
            ("source_contains", &self.source_contains),
            ("mediums", &self.mediums),
            ("medium_contains", &self.medium_contains),
            ("campaign_contains", &self.campaign_contains),
        ]
    }
}

impl ClickIdsWhen {
    fn holds(&self, ids: &ClickIds) -> bool {
        match self {
            Self::Any => !ids.is_empty(),
            Self::AnyOf(kinds) => kinds.iter().any(|kind| ids.of(*kind).is_some()),
        }
    }
}

fn is_one_of(list: &[String], key: &str) -> bool {
    list.is_empty() || list.iter().any(|entry| entry == key)
}

fn contains_one_of(list: &[String], key: Option<&str>) -> bool {
    list.is_empty() || key.is_some_and(|key| list.iter().any(|entry| key.contains(entry.as_str())))
}

fn too_many(list: String, entries: usize) -> Option<Reason> {
    let message = || format!("{entries} entries are more than {CHANNEL_ENTRIES_MAX}");
    (entries > CHANNEL_ENTRIES_MAX).then(|| Reason::new(list, "too_many", message()))
}

/// What a medium that is missing goes by, as analytics tools write it.
const NO_MEDIUM: &str = "(none)";
/// Most entries of one list: a long list of partners, each with its sites.
pub const CHANNEL_ENTRIES_MAX: usize = 500;
/// The longest entry, in bytes as it is kept: no longer than the longest name that it is compared with.
pub const CHANNEL_ENTRY_BYTES_MAX: usize = 4 * NAME_CHARS_MAX;
