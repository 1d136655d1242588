use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::contact::Touch;
use crate::error::{Error, Reason};
use crate::id::{LeadId, ProviderId, TouchpointId, WebhookId};
use crate::lead::{Lead, Utm};
use crate::money::Money;
use crate::text::{Campaign, MarketingChannel, Medium, Source, trim_blanks};

/// Something that brought a person nearer: a lead, or a click, call or visit beside it.
///
/// ```
/// use convio_core::attribution::{TouchKind, Touchpoint, Who};
/// use convio_core::text::{MarketingChannel, Medium, Source};
/// use convio_core::{Ids, SequentialIds, TouchpointId};
/// let at = "2026-03-02T10:00:00Z".parse()?;
/// let id = TouchpointId::new(&SequentialIds::seeded(1), at);
/// let who = Who::Other { id, kind: TouchKind::Click };
/// let click = Touchpoint {
///     medium: Some(Medium::new("cpc")?),
///     ..Touchpoint::new(who, Source::new("Google")?, MarketingChannel::new("Paid Search")?, at)
/// };
/// assert_eq!((click.id(), click.lead()), (id, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touchpoint {
    /// The lead, or what else it is.
    pub who: Who,
    /// Where it came from.
    pub source: Source,
    /// By what kind of means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medium: Option<Medium>,
    /// By which campaign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<Campaign>,
    /// What it is grouped by.
    pub channel: MarketingChannel,
    /// The ids of the click that led to it.
    #[serde(default, skip_serializing_if = "ClickIds::is_empty")]
    pub click_ids: ClickIds,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// The webhook that the lead came through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookId>,
    /// The provider that sent the lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// When it happened; of a lead, when it was received.
    pub at: DateTime<Utc>,
}

/// What a touch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// This lead.
    Lead(LeadId),
    /// Something that is no lead.
    Other {
        /// Which one: unique among all touches, and the same for ever, since it orders touches of one instant.
        id: TouchpointId,
        /// What kind of touch it is.
        kind: TouchKind,
    },
}

/// The kinds of touches that are no leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TouchKind {
    /// A click on an advertisement or a link.
    Click,
    /// A call.
    Call,
    /// A visit of a site or a place.
    Visit,
    /// A form that made no lead.
    Form,
    /// An e-mail that was opened or answered.
    Email,
    /// An advertisement that was shown.
    Impression,
}

impl TouchKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Click, Self::Call, Self::Visit, Self::Form, Self::Email, Self::Impression];

    /// The kind as stores keep it.
    ///
    /// ```
    /// use convio_core::attribution::TouchKind;
    /// assert_eq!(TouchKind::Click.code(), "click");
    /// assert_eq!(TouchKind::from_code("call"), Some(TouchKind::Call));
    /// ```
    pub const fn code(self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Call => "call",
            Self::Visit => "visit",
            Self::Form => "form",
            Self::Email => "email",
            Self::Impression => "impression",
        }
    }

    /// The kind that stores keep as `code`.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

impl Touchpoint {
    /// A touch of which no more is known.
    pub fn new(who: Who, source: Source, channel: MarketingChannel, at: DateTime<Utc>) -> Self {
        Self {
            who,
            source,
            medium: None,
            campaign: None,
            channel,
            click_ids: ClickIds::default(),
            cost: None,
            webhook: None,
            provider: None,
            at,
        }
    }

    /// A lead as the touch of a channel, with its source and campaign. A `utm_medium` that is no name is left out.
    ///
    /// ```no_run
    /// # fn of(lead: &convio_core::Lead) -> Result<(), convio_core::text::NameError> {
    /// use convio_core::attribution::Touchpoint;
    /// let touch = Touchpoint::of_lead(lead, convio_core::text::MarketingChannel::new("Paid Search")?);
    /// assert_eq!(touch.lead(), Some(lead.id));
    /// # Ok(())
    /// # }
    /// ```
    pub fn of_lead(lead: &Lead, channel: MarketingChannel) -> Self {
        LeadTouch::of(lead).touchpoint(channel)
    }

    /// A contact's touch as the touch of a channel.
    ///
    /// ```
    /// use convio_core::attribution::Touchpoint;
    /// use convio_core::contact::Touch;
    /// use convio_core::text::{MarketingChannel, Source};
    /// use convio_core::{LeadId, SequentialIds};
    /// let at = "2026-03-02T10:00:00Z".parse()?;
    /// let lead = LeadId::new(&SequentialIds::seeded(1), at);
    /// let touch = Touch { source: Source::unknown(), lead, at };
    /// assert_eq!(Touchpoint::of_touch(&touch, MarketingChannel::direct()).id(), lead.touchpoint());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_touch(touch: &Touch, channel: MarketingChannel) -> Self {
        Self::new(Who::Lead(touch.lead), touch.source.clone(), channel, touch.at)
    }

    /// Which one it is.
    pub fn id(&self) -> TouchpointId {
        match self.who {
            Who::Lead(lead) => lead.touchpoint(),
            Who::Other { id, .. } => id,
        }
    }

    /// The lead that it is.
    pub fn lead(&self) -> Option<LeadId> {
        match self.who {
            Who::Lead(lead) => Some(lead),
            Who::Other { .. } => None,
        }
    }

    /// Touches are ordered by time, then by id, as [`Touch::order`] has it: equal times have one order too.
    pub fn order(&self) -> (DateTime<Utc>, TouchpointId) {
        (self.at, self.id())
    }
}

/// A lead as far as it is a touch: what a journey reads of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadTouch {
    /// The lead.
    pub lead: LeadId,
    /// The webhook that it came through.
    pub webhook: WebhookId,
    /// The provider that sent it.
    pub provider: Option<ProviderId>,
    /// Where it came from.
    pub source: Source,
    /// By which campaign.
    pub campaign: Option<Campaign>,
    /// The parameters of the link that led to it.
    pub utm: Utm,
    /// The ids of the click that led to it.
    pub click_ids: ClickIds,
    /// When it was received.
    pub at: DateTime<Utc>,
}

impl LeadTouch {
    /// That of a lead.
    pub fn of(lead: &Lead) -> Self {
        let interest = &lead.interest;
        Self {
            lead: lead.id,
            webhook: lead.webhook,
            provider: lead.provider,
            source: interest.source.clone(),
            campaign: interest.campaign.clone(),
            utm: interest.utm.clone(),
            click_ids: ClickIds::of_custom(&lead.custom),
            at: lead.received_at,
        }
    }

    /// By what kind of means it came; `None` where its `utm_medium` is no name.
    pub fn medium(&self) -> Option<Medium> {
        self.utm.medium.as_deref().and_then(|text| Medium::new(text).ok())
    }

    /// By which campaign it came, or else what its `utm_campaign` says.
    pub fn campaign(&self) -> Option<Campaign> {
        let utm = || self.utm.campaign.as_deref().and_then(|text| Campaign::new(text).ok());
        self.campaign.clone().or_else(utm)
    }

    /// The lead as the touch of a channel.
    pub fn touchpoint(&self, channel: MarketingChannel) -> Touchpoint {
        Touchpoint {
            medium: self.medium(),
            campaign: self.campaign(),
            click_ids: self.click_ids.clone(),
            webhook: Some(self.webhook),
            provider: self.provider,
            ..Touchpoint::new(Who::Lead(self.lead), self.source.clone(), channel, self.at)
        }
    }

    /// As a contact's touch.
    pub fn touch(&self) -> Touch {
        Touch { source: self.source.clone(), lead: self.lead, at: self.at }
    }
}

/// The kinds of ids that networks give to clicks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClickIdKind {
    /// Google Ads.
    Gclid,
    /// Google Ads, from an app to the web.
    Gbraid,
    /// Google Ads, from the web to an app.
    Wbraid,
    /// Meta.
    Fbclid,
    /// Meta's cookie of the click.
    Fbc,
    /// Meta's cookie of the browser.
    Fbp,
    /// Microsoft Advertising.
    Msclkid,
    /// TikTok.
    Ttclid,
}

impl ClickIdKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Gclid,
        Self::Gbraid,
        Self::Wbraid,
        Self::Fbclid,
        Self::Fbc,
        Self::Fbp,
        Self::Msclkid,
        Self::Ttclid,
    ];

    /// The name of the parameter.
    ///
    /// ```
    /// use convio_core::attribution::ClickIdKind;
    /// assert_eq!(ClickIdKind::Gclid.code(), "gclid");
    /// ```
    pub const fn code(self) -> &'static str {
        match self {
            Self::Gclid => "gclid",
            Self::Gbraid => "gbraid",
            Self::Wbraid => "wbraid",
            Self::Fbclid => "fbclid",
            Self::Fbc => "fbc",
            Self::Fbp => "fbp",
            Self::Msclkid => "msclkid",
            Self::Ttclid => "ttclid",
        }
    }
}

/// The ids of a click, by kind. Personal: `Debug` shows the kinds only.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClickIds(BTreeMap<ClickIdKind, String>);

impl ClickIds {
    /// These ids, without blanks around them; blank ones are left out, and of several of one kind the last counts.
    ///
    /// Fails, naming each, for ids of more than [`CLICK_ID_BYTES_MAX`] bytes.
    ///
    /// ```
    /// use convio_core::attribution::{ClickIdKind, ClickIds};
    /// let ids = ClickIds::parse([(ClickIdKind::Gclid, " EAIaIQ "), (ClickIdKind::Fbclid, "")])?;
    /// assert_eq!((ids.of(ClickIdKind::Gclid), ids.of(ClickIdKind::Fbclid)), (Some("EAIaIQ"), None));
    /// assert_eq!(format!("{ids:?}"), "{Gclid}");
    /// let long = "x".repeat(2_000);
    /// let refused = ClickIds::parse([(ClickIdKind::Gclid, &*long), (ClickIdKind::Fbc, &*long)]).unwrap_err();
    /// assert_eq!(refused.reasons().len(), 2);
    /// # Ok::<(), convio_core::Error>(())
    /// ```
    pub fn parse<'t>(ids: impl IntoIterator<Item = (ClickIdKind, &'t str)>) -> Result<Self, Error> {
        let (mut kept, mut reasons) = (BTreeMap::new(), Vec::new());
        for (kind, text) in ids {
            let text = trim_blanks(text);
            if text.len() > CLICK_ID_BYTES_MAX {
                let message =
                    format!("the click id has {} bytes, more than {CLICK_ID_BYTES_MAX}", text.len());
                reasons.push(Reason::new(kind.code(), "too_long", message));
            } else if !text.is_empty() {
                kept.insert(kind, text.to_owned());
            }
        }
        if reasons.is_empty() { Ok(Self(kept)) } else { Err(Error::invalid(reasons)) }
    }

    /// The one of a kind.
    pub fn of(&self, kind: ClickIdKind) -> Option<&str> {
        self.0.get(&kind).map(String::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for ClickIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The longest id of a click, in bytes: those seen have some 60 to 250, and it is kept with every touch.
pub const CLICK_ID_BYTES_MAX: usize = 1_000;
