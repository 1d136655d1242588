use chrono::{DateTime, Utc};

use super::{ClickIds, TouchKind, Touchpoint};
use crate::error::Reason;
use crate::id::{ContactId, WorkspaceId};
use crate::money::Money;
use crate::text::{Campaign, MarketingChannel, Medium, Source};

/// Whose touch it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TouchOf {
    /// This contact's.
    Contact(ContactId),
    /// Someone's who is not known yet: the id that your site gave to the visitor. Once they are found to be a contact
    /// (`identify`), all touches of the id, earlier and later ones, are that contact's.
    Visitor(String),
}

/// A touch that is no lead, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracked {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Whose it is.
    pub of: TouchOf,
    /// What it is.
    pub touch: Touchpoint,
    /// When it was stored.
    pub created_at: DateTime<Utc>,
}

/// A touch to be recorded: a click, a call, a visit. Leads are touches by themselves.
///
/// ```
/// use convio_core::attribution::{NewTouch, TouchKind, TouchOf};
/// use convio_core::text::Source;
/// let visitor = TouchOf::Visitor("a81f".to_owned());
/// let click = NewTouch::new(visitor, TouchKind::Click, Source::new("Google")?).medium("cpc".parse()?);
/// assert!(click.check().is_empty());
/// # Ok::<(), convio_core::text::NameError>(())
/// ```
#[derive(Debug, Clone)]
pub struct NewTouch {
    pub(crate) of: TouchOf,
    pub(crate) kind: TouchKind,
    pub(crate) source: Source,
    pub(crate) medium: Option<Medium>,
    pub(crate) campaign: Option<Campaign>,
    pub(crate) channel: Option<MarketingChannel>,
    pub(crate) click_ids: ClickIds,
    pub(crate) cost: Option<Money>,
    pub(crate) at: Option<DateTime<Utc>>,
    pub(crate) external_id: Option<String>,
}

impl NewTouch {
    /// One of this kind, from this source, now.
    pub fn new(of: TouchOf, kind: TouchKind, source: Source) -> Self {
        Self {
            of,
            kind,
            source,
            medium: None,
            campaign: None,
            channel: None,
            click_ids: ClickIds::default(),
            cost: None,
            at: None,
            external_id: None,
        }
    }

    /// By this kind of means.
    #[must_use]
    pub fn medium(self, medium: Medium) -> Self {
        Self { medium: Some(medium), ..self }
    }

    /// By this campaign.
    #[must_use]
    pub fn campaign(self, campaign: Campaign) -> Self {
        Self { campaign: Some(campaign), ..self }
    }

    /// Of this channel, whatever the rules of the workspace say.
    #[must_use]
    pub fn channel(self, channel: MarketingChannel) -> Self {
        Self { channel: Some(channel), ..self }
    }

    /// With the ids of the click that led to it.
    #[must_use]
    pub fn click_ids(self, click_ids: ClickIds) -> Self {
        Self { click_ids, ..self }
    }

    /// That cost this.
    #[must_use]
    pub fn cost(self, cost: Money) -> Self {
        Self { cost: Some(cost), ..self }
    }

    /// That happened at this time. A time to come counts as now.
    #[must_use]
    pub fn at(self, at: DateTime<Utc>) -> Self {
        Self { at: Some(at), ..self }
    }

    /// Your own id of it: the same one again is the same touch.
    #[must_use]
    pub fn external_id(self, id: impl Into<String>) -> Self {
        Self { external_id: Some(id.into()), ..self }
    }

    /// Every field that is wrong.
    pub fn check(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if let TouchOf::Visitor(id) = &self.of {
            reasons.extend(visitor_reason(id));
        }
        reasons.extend(crate::appointment::id_reason(self.external_id.as_deref()));
        if self.cost.is_some_and(|cost| cost.minor() < 0) {
            reasons.push(Reason::new("cost", "negative", "a touch costs nothing or more"));
        }
        reasons
    }
}

/// What is wrong with the id of a visitor.
pub(crate) fn visitor_reason(id: &str) -> Option<Reason> {
    let (code, message) = match id {
        id if id.trim().is_empty() => ("blank", "the id of a visitor is blank".to_owned()),
        id if id.len() > VISITOR_BYTES_MAX => {
            ("too_long", format!("the id of a visitor has more than {VISITOR_BYTES_MAX} bytes"))
        }
        id if id.contains('\0') => ("nul", "the id of a visitor has a NUL in it".to_owned()),
        _ => return None,
    };
    Some(Reason::new("visitor", code, message))
}

/// The longest id of a visitor.
pub const VISITOR_BYTES_MAX: usize = 200;
