use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::attribution::{CLICK_ID_BYTES_MAX, ClickIdKind, ClickIds, LeadTouch, TouchKind, Touchpoint, Who};
use crate::lead::Custom;
use crate::text::{Campaign, Medium, Source, trim_blanks};

/// What the channel of a touch goes by.
///
/// ```
/// use convio_core::attribution::{ChannelRules, ClickIdKind, ClickIds, TouchFacts, TouchKind};
/// use convio_core::text::{Medium, Source};
/// let (source, medium) = (Source::new("partner.example")?, Medium::new("referral")?);
/// let click_ids = ClickIds::parse([(ClickIdKind::Msclkid, "5f1c")])?;
/// let facts = TouchFacts {
///     kind: Some(TouchKind::Visit),
///     source: &source,
///     medium: Some(&medium),
///     campaign: None,
///     click_ids: &click_ids,
/// };
/// assert_eq!(ChannelRules::standard().classify(&facts).as_str(), "paid search");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TouchFacts<'t> {
    /// What kind of touch it is; nothing for a lead.
    pub kind: Option<TouchKind>,
    /// Where it came from.
    pub source: &'t Source,
    /// By what kind of means.
    pub medium: Option<&'t Medium>,
    /// By which campaign.
    pub campaign: Option<&'t Campaign>,
    /// The ids of the click that led to it.
    pub click_ids: &'t ClickIds,
}

impl<'t> TouchFacts<'t> {
    /// Those of a touch, whatever channel it has: to classify it anew by other rules.
    ///
    /// ```
    /// use convio_core::attribution::{ChannelRules, TouchFacts, TouchKind, Touchpoint, Who};
    /// use convio_core::text::{MarketingChannel, Source};
    /// use convio_core::{SequentialIds, TouchpointId};
    /// let at = "2026-03-02T10:00:00Z".parse()?;
    /// let who = Who::Other { id: TouchpointId::new(&SequentialIds::seeded(1), at), kind: TouchKind::Click };
    /// let touch = Touchpoint::new(who, Source::new("bing.com")?, MarketingChannel::direct(), at);
    /// assert_eq!(ChannelRules::standard().classify(&TouchFacts::of(&touch)).as_str(), "organic search");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(touch: &'t Touchpoint) -> Self {
        Self {
            kind: match touch.who {
                Who::Lead(_) => None,
                Who::Other { kind, .. } => Some(kind),
            },
            source: &touch.source,
            medium: touch.medium.as_ref(),
            campaign: touch.campaign.as_ref(),
            click_ids: &touch.click_ids,
        }
    }
}

/// What a lead brought of the page that its person landed on, and what it says itself where that says nothing.
pub(super) struct Landing {
    source: Source,
    medium: Option<Medium>,
    campaign: Option<Campaign>,
    pub(super) click_ids: ClickIds,
}

impl Landing {
    pub(super) fn of(lead: &LeadTouch) -> Self {
        let utm = &lead.utm;
        let source = utm.source.as_deref().and_then(|text| Source::new(text).ok());
        let campaign = utm.campaign.as_deref().and_then(|text| Campaign::new(text).ok());
        Self {
            source: source.unwrap_or_else(|| lead.source.clone()),
            medium: lead.medium(),
            campaign: campaign.or_else(|| lead.campaign.clone()),
            click_ids: lead.click_ids.clone(),
        }
    }

    pub(super) fn facts(&self) -> TouchFacts<'_> {
        TouchFacts {
            kind: None,
            source: &self.source,
            medium: self.medium.as_ref(),
            campaign: self.campaign.as_ref(),
            click_ids: &self.click_ids,
        }
    }
}

impl ClickIds {
    /// The click ids among the custom fields of a lead, where those are kept that came in with it.
    ///
    /// A field is one by its name without case and punctuation (`gclid`, `GCLID`, `_fbc`), also in objects inside, up to
    /// four deep; of several of one kind the outermost counts, then the first by name. Left out are values that are no
    /// text, that forms write for nothing (`null`, `undefined`), and that have more than
    /// [`CLICK_ID_BYTES_MAX`] bytes.
    ///
    /// ```
    /// use convio_core::Custom;
    /// use convio_core::attribution::{ClickIdKind, ClickIds};
    /// let custom: Custom = serde_json::from_str(
    ///     r#"{"roof":"tile","gclid":"null","tracking":{"GCLID":"EAIaIQ","_fbc":"fb.1.1554763741205.AbCd"}}"#,
    /// )?;
    /// let ids = ClickIds::of_custom(&custom);
    /// assert_eq!(ids.of(ClickIdKind::Gclid), Some("EAIaIQ"));
    /// assert_eq!(ids.of(ClickIdKind::Fbc), Some("fb.1.1554763741205.AbCd"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn of_custom(custom: &Custom) -> Self {
        let mut found = BTreeMap::new();
        for depth in 0..=DEPTH_MAX {
            collect(&custom.0, depth, &mut found);
        }
        // None is too long, so none is refused.
        Self::parse(found).unwrap_or_default()
    }
}

/// The click ids of the objects that are so deep inside.
fn collect<'c>(fields: &'c Map<String, Value>, depth: usize, found: &mut BTreeMap<ClickIdKind, &'c str>) {
    for (name, value) in fields {
        match value {
            Value::Object(inner) if depth > 0 => collect(inner, depth - 1, found),
            Value::String(text) if depth == 0 => {
                let text = trim_blanks(text);
                let is_id = !text.is_empty()
                    && text.len() <= CLICK_ID_BYTES_MAX
                    && !NOTHING.iter().any(|nothing| text.eq_ignore_ascii_case(nothing));
                if let Some(kind) = kind_of(name).filter(|_| is_id) {
                    found.entry(kind).or_insert(text);
                }
            }
            _ => {}
        }
    }
}

fn kind_of(name: &str) -> Option<ClickIdKind> {
    let plain = || name.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase());
    ClickIdKind::ALL.into_iter().find(|kind| plain().eq(kind.code().chars()))
}

/// What forms write where there is no click id.
const NOTHING: [&str; 8] = ["null", "undefined", "none", "n/a", "nan", "false", "0", "-"];
/// How deep the fields of a lead are looked for when it is read.
const DEPTH_MAX: usize = 4;
