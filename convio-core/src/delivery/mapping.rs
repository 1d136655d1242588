use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Response;
use crate::error::Reason;

/// What a receiver's answers mean: rules in order, of which the first that holds decides. Where none does, a status of 200 to 299 is
/// [`Accepted`](Verdict::Accepted) and everything else is to be tried again.
///
/// Buyers of leads say that they refused one in ways of their own, most of them with status 200.
///
/// ```
/// use convio_core::delivery::{Response, ResponseMapping, ResponseRule, Verdict};
/// let mapping = ResponseMapping::of([
///     ResponseRule::then(Verdict::Duplicate).body_contains("already exists"),
///     ResponseRule::then(Verdict::Rejected).status(400, 499),
///     ResponseRule::then(Verdict::Rejected).json("/result/status", "declined"),
/// ]);
/// let says = |status: u16, body: &str| mapping.verdict(&Response::new(status).body(body));
/// assert_eq!(says(200, r#"{"result":{"status":"bought"}}"#), Verdict::Accepted);
/// assert_eq!(says(200, r#"{"result":{"status":"declined"}}"#), Verdict::Rejected);
/// assert_eq!(says(422, "Lead Already Exists"), Verdict::Duplicate);
/// assert_eq!(says(503, ""), Verdict::Retry);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResponseMapping {
    /// The rules.
    pub rules: Vec<ResponseRule>,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The receiver has it.
    Accepted,
    /// The receiver does not want it, now or later.
    Rejected,
    /// The receiver had it already.
    Duplicate,
    /// The receiver could not take it: to be tried again.
    Retry,
}

/// One rule: it holds for an answer of which all holds that it asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseRule {
    /// Statuses from the first to the second, both of them too; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<(u16, u16)>,
    /// What the body must be; `None`: anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyIs>,
    /// What it then means.
    pub then: Verdict,
}

/// What the body of an answer must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyIs {
    /// It has this in it, whatever the case of its letters.
    Containing(String),
    /// It is this, but for blanks before and after.
    Exactly(String),
    /// It is JSON, and has this value where this pointer (RFC 6901) leads. Texts are the same in the same case; `1` is not `1.0`.
    Json {
        /// The pointer: `/result/status`, or empty for the whole.
        pointer: String,
        /// The value.
        is: Value,
    },
}

impl ResponseMapping {
    /// These rules, in this order.
    pub fn of(rules: impl IntoIterator<Item = ResponseRule>) -> Self {
        Self { rules: rules.into_iter().collect() }
    }

    /// What this response means. Of a body that is longer than [`RESPONSE_BYTES_MAX`](super::RESPONSE_BYTES_MAX) the begin is looked
    /// at, which is no JSON then.
    pub fn verdict(&self, response: &Response) -> Verdict {
        let answer = Answer::of(response, &self.rules);
        let found = self.rules.iter().find(|rule| rule.holds(&answer));
        match found {
            Some(rule) => rule.then,
            None if response.is_success() => Verdict::Accepted,
            None => Verdict::Retry,
        }
    }

    /// Every rule that is wrong.
    ///
    /// ```
    /// use convio_core::delivery::{ResponseMapping, ResponseRule, Verdict};
    /// let mapping = ResponseMapping::of([
    ///     ResponseRule::then(Verdict::Accepted),
    ///     ResponseRule::then(Verdict::Rejected).status(499, 400),
    ///     ResponseRule::then(Verdict::Rejected).json("result", true),
    /// ]);
    /// let fields: Vec<String> = mapping.check().into_iter().map(|reason| reason.field).collect();
    /// assert_eq!(fields, ["mapping[0]", "mapping[1].status", "mapping[2].body"]);
    /// ```
    pub fn check(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.rules.len() > RULES_MAX {
            let message = format!("answers are read by at most {RULES_MAX} rules");
            reasons.push(Reason::new("mapping", "too_many", message));
        }
        for (n, rule) in self.rules.iter().enumerate() {
            if rule.status.is_none() && rule.body.is_none() {
                let message = "a rule asks for a status, a body or both";
                reasons.push(Reason::new(format!("mapping[{n}]"), "empty", message));
            }
            if rule
                .status
                .is_some_and(|(first, last)| first < STATUS_MIN || last > STATUS_MAX || first > last)
            {
                let message = format!("statuses go from {STATUS_MIN} to {STATUS_MAX}, the lower one first");
                reasons.push(Reason::new(format!("mapping[{n}].status"), "out_of_range", message));
            }
            if let Some((code, message)) = rule.body.as_ref().and_then(BodyIs::wrong) {
                reasons.push(Reason::new(format!("mapping[{n}].body"), code, message));
            }
        }
        reasons
    }
}

impl ResponseRule {
    /// A rule that means this, and asks for nothing yet.
    pub fn then(verdict: Verdict) -> Self {
        Self { status: None, body: None, then: verdict }
    }

    /// For statuses from the first to the last, both of them too.
    #[must_use]
    pub fn status(self, first: u16, last: u16) -> Self {
        Self { status: Some((first, last)), ..self }
    }

    /// For a body that has this in it, whatever the case of its letters.
    #[must_use]
    pub fn body_contains(self, keyword: impl Into<String>) -> Self {
        Self { body: Some(BodyIs::Containing(keyword.into())), ..self }
    }

    /// For a body that is this, but for blanks before and after.
    #[must_use]
    pub fn body_is(self, text: impl Into<String>) -> Self {
        Self { body: Some(BodyIs::Exactly(text.into())), ..self }
    }

    /// For a body of JSON that has this value where the pointer leads.
    #[must_use]
    pub fn json(self, pointer: impl Into<String>, is: impl Into<Value>) -> Self {
        Self { body: Some(BodyIs::Json { pointer: pointer.into(), is: is.into() }), ..self }
    }

    fn holds(&self, answer: &Answer<'_>) -> bool {
        let by_status = self.status.is_none_or(|(first, last)| (first..=last).contains(&answer.status));
        by_status && self.body.as_ref().is_none_or(|body| body.holds(answer))
    }
}

impl BodyIs {
    fn holds(&self, answer: &Answer<'_>) -> bool {
        match self {
            Self::Containing(keyword) => answer.folded.contains(&keyword.to_lowercase()),
            Self::Exactly(text) => answer.text.trim() == text.trim(),
            Self::Json { pointer, is } => {
                answer.json.as_ref().and_then(|json| json.pointer(pointer)).is_some_and(|found| found == is)
            }
        }
    }

    fn wrong(&self) -> Option<(&'static str, String)> {
        let bytes = match self {
            Self::Containing(text) | Self::Exactly(text) => text.len(),
            Self::Json { pointer, is } => pointer.len() + is.to_string().len(),
        };
        if bytes > BODY_IS_BYTES_MAX {
            return Some((
                "too_long",
                format!("what a body is compared with has at most {BODY_IS_BYTES_MAX} bytes"),
            ));
        }
        match self {
            Self::Containing(text) if text.is_empty() => {
                Some(("empty", "every body has nothing in it: name a keyword".to_owned()))
            }
            Self::Json { pointer, .. } if !is_pointer(pointer) => {
                Some(("pointer", "a JSON pointer is empty or begins with `/`; `~` is `~0` in it".to_owned()))
            }
            _ => None,
        }
    }
}

/// A response, with its body read once in each way that a rule needs it.
struct Answer<'a> {
    status: u16,
    text: Cow<'a, str>,
    folded: String,
    json: Option<Value>,
}

impl<'a> Answer<'a> {
    fn of(response: &'a Response, rules: &[ResponseRule]) -> Self {
        let asks = |kind: fn(&BodyIs) -> bool| rules.iter().any(|rule| rule.body.as_ref().is_some_and(kind));
        let text = String::from_utf8_lossy(&response.body);
        let folded = if asks(|body| matches!(body, BodyIs::Containing(_))) {
            text.to_lowercase()
        } else {
            String::new()
        };
        let is_json = !response.cut && asks(|body| matches!(body, BodyIs::Json { .. }));
        let json = if is_json { serde_json::from_slice(&response.body).ok() } else { None };
        Self { status: response.status, text, folded, json }
    }
}

/// Whether it is a pointer of RFC 6901.
fn is_pointer(text: &str) -> bool {
    let escapes_well = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && escapes_well
}

/// The most rules that read an answer.
pub const RULES_MAX: usize = 50;
/// The longest text, or pointer and value, that a body is compared with.
pub const BODY_IS_BYTES_MAX: usize = 1_000;
const STATUS_MIN: u16 = 100;
const STATUS_MAX: u16 = 599;
