use serde::{Deserialize, Serialize};

use crate::error::Reason;

/// Which events go to an endpoint.
///
/// ```
/// use convio_core::delivery::EventFilter;
/// let filter = EventFilter::only(["lead.received", "appointment."]);
/// assert!(filter.takes("lead.received") && filter.takes("appointment.booked"));
/// assert!(!filter.takes("lead.rejected") && !filter.takes("lead.received.again"));
/// assert!(EventFilter::Any.takes("lead.rejected"));
/// assert_eq!(serde_json::to_string(&EventFilter::Any)?, r#""any""#);
/// assert_eq!(serde_json::to_string(&filter)?, r#"{"only":["lead.received","appointment."]}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventFilter {
    /// All of them, those of later versions too.
    Any,
    /// None: what is routed there is all that goes there.
    None,
    /// Those of these kinds. One that ends in a full stop is all kinds that begin with it.
    Only(Vec<String>),
}

impl EventFilter {
    /// Those of these kinds, as [`EventBody::kind`](crate::EventBody::kind) names them; `appointment.` is all that begin with it.
    pub fn only<T: Into<String>>(kinds: impl IntoIterator<Item = T>) -> Self {
        Self::Only(kinds.into_iter().map(Into::into).collect())
    }

    /// Whether events of this kind go there.
    pub fn takes(&self, kind: &str) -> bool {
        match self {
            Self::Any => true,
            Self::None => false,
            Self::Only(kinds) => kinds.iter().any(|only| match only.ends_with('.') {
                true => kind.starts_with(only.as_str()),
                false => kind == only,
            }),
        }
    }

    /// Everything that is wrong with it. A kind that no event has yet is not wrong.
    ///
    /// ```
    /// use convio_core::delivery::EventFilter;
    /// let reasons = EventFilter::only(["lead.received", "Lead.*", "."]).check();
    /// let fields: Vec<&str> = reasons.iter().map(|reason| reason.field.as_str()).collect();
    /// assert_eq!(fields, ["events[1]", "events[2]"]);
    /// assert_eq!(EventFilter::Only(vec![]).check()[0].code, "empty");
    /// ```
    pub fn check(&self) -> Vec<Reason> {
        let Self::Only(kinds) = self else { return Vec::new() };
        let mut reasons = Vec::new();
        if kinds.is_empty() {
            let message = "name the kinds of events, or say `any` or `none`";
            reasons.push(Reason::new("events", "empty", message));
        }
        if kinds.len() > KINDS_MAX {
            reasons.push(Reason::new(
                "events",
                "too_many",
                format!("a filter names at most {KINDS_MAX} kinds"),
            ));
        }
        for (n, kind) in kinds.iter().enumerate().filter(|(_, kind)| !is_kind(kind)) {
            let code = if kind.len() > KIND_BYTES_MAX { "too_long" } else { "invalid" };
            let message = "a kind is words of a-z, 0-9 and _ with full stops between them, as in `lead.received` or `lead.`";
            reasons.push(Reason::new(format!("events[{n}]"), code, message));
        }
        reasons
    }
}

fn is_kind(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = text.strip_suffix('.').unwrap_or(text);
    text.len() <= KIND_BYTES_MAX && words.split('.').all(|word| !word.is_empty() && word.chars().all(plain))
}

/// The most kinds that a filter names: more than there are.
pub const KINDS_MAX: usize = 100;
/// The longest kind.
pub const KIND_BYTES_MAX: usize = 64;
