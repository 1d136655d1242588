use std::ops::{BitAnd, BitOr, Not};

use chrono::{DateTime, Datelike, Timelike, Utc, Weekday};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::zip_pattern::ZipSet;
use super::{RoutingRequest, TextSet};
use crate::error::Reason;
use crate::money::Money;
use crate::phone::AreaCode;
use crate::text::match_key;
use crate::zone::Zone;

/// What a rule asks for beside products, postal codes, states and sources; put together by `&`, `|` and `!`.
///
/// Texts are compared without regard to case and blanks. A field that is missing holds for no test but `!`.
///
/// ```
/// use convio_core::routing::{Condition, RoutingRequest};
/// use convio_core::{Campaign, LeadType};
/// let asks = Condition::lead_types(["Solar"]) & !Condition::campaigns(["Spring"]);
/// let mut request = RoutingRequest { lead_type: Some(LeadType::new("solar")?), ..Default::default() };
/// assert!(asks.holds(&request));
/// request.campaign = Some(Campaign::new("SPRING")?);
/// assert!(!asks.holds(&request));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Condition {
    /// Holds for everything.
    #[default]
    Always,
    /// The product is one of these.
    Products(TextSet),
    /// The postal code is one of these.
    Zips(ZipSet),
    /// The state or province is one of these.
    States(TextSet),
    /// The source is one of these.
    Sources(TextSet),
    /// The campaign is one of these.
    Campaigns(TextSet),
    /// The type of the lead is one of these.
    LeadTypes(TextSet),
    /// The area code of the phone number, as [`AreaCode`] has it, is one of these.
    AreaCodes(TextSet),
    /// A custom field passes a test.
    Field {
        /// Its name, as it was sent.
        name: String,
        /// The test.
        is: FieldTest,
    },
    /// What it is worth is in this currency, at least the one and less than the other.
    Value {
        /// At least this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_least: Option<Money>,
        /// Less than this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<Money>,
    },
    /// One of [`CONSENT_FIELDS`] says that the person consents to be contacted.
    Consent,
    /// It is a certain time of the week somewhere.
    During(Window),
    /// All of these hold.
    All(Vec<Condition>),
    /// One of these holds.
    Either(Vec<Condition>),
    /// This does not hold.
    Not(Box<Condition>),
}

/// What a custom field must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FieldTest {
    /// Anything but missing, null or blank.
    Present,
    /// One of these texts; numbers and truth values are compared as they are written.
    OneOf(TextSet),
    /// A whole number, or a text that is one, at least the first and at most the second.
    Between(i64, i64),
}

/// A time of the week on the clocks of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Which time is looked at.
    pub moment: Moment,
    /// The days of the week, Monday first; a window that goes past midnight belongs to the day on which it begins.
    pub days: [bool; 7],
    /// The minute of the day at which it begins, from 0 to 1439.
    pub from: u16,
    /// The minute of the day before which it ends, from 1 to 1440. At or before `from`: on the next day.
    pub to: u16,
    /// Whose clocks.
    pub zone: Zone,
}

/// The time that a [`Window`] looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// When it is decided.
    Now,
    /// When the appointment starts.
    Start,
}

impl Window {
    /// Any time of these days.
    ///
    /// ```
    /// use chrono::Weekday;
    /// use convio_core::routing::{Moment, Window};
    /// let office = Window::on(Moment::Now, [Weekday::Mon, Weekday::Fri], "America/New_York".parse()?).minutes(9 * 60, 17 * 60);
    /// assert!(office.holds("2026-03-02T14:00:00Z".parse()?)); // Monday, 9:00
    /// assert!(!office.holds("2026-03-02T22:00:00Z".parse()?)); // 17:00
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on(moment: Moment, days: impl IntoIterator<Item = Weekday>, zone: Zone) -> Self {
        let mut window = Self { moment, days: [false; 7], from: 0, to: DAY, zone };
        for day in days {
            window.days[day.num_days_from_monday() as usize] = true;
        }
        window
    }

    /// From one minute of the day to before another; on the next day, where that is not later.
    #[must_use]
    pub fn minutes(self, from: u16, to: u16) -> Self {
        Self { from, to, ..self }
    }

    /// Whether it is open at a time.
    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        let wall = self.zone.wall(at);
        let minute = (wall.hour() * 60 + wall.minute()) as u16;
        let today = self.days[wall.weekday().num_days_from_monday() as usize];
        let yesterday = self.days[wall.weekday().pred().num_days_from_monday() as usize];
        match self.from < self.to {
            true => today && (self.from..self.to).contains(&minute),
            false => (today && minute >= self.from) || (yesterday && minute < self.to),
        }
    }
}

impl Condition {
    /// The product is one of these.
    pub fn products<T: AsRef<str>>(of: impl IntoIterator<Item = T>) -> Self {
        Self::Products(TextSet::of(of))
    }

    /// The postal code is of one of these patterns.
    pub fn zips<T: AsRef<str>>(of: impl IntoIterator<Item = T>) -> Self {
        Self::Zips(ZipSet::of(of))
    }

    /// The state or province is one of these.
    pub fn states<T: AsRef<str>>(of: impl IntoIterator<Item = T>) -> Self {
        Self::States(TextSet::of(of))
    }

    /// The source is one of these.
    pub fn sources<T: AsRef<str>>(of: impl IntoIterator<Item = T>) -> Self {
        Self::Sources(TextSet::of(of))
    }

    /// The campaign is one of these.
    pub fn campaigns<T: AsRef<str>>(of: impl IntoIterator<Item = T>) -> Self {
        Self::Campaigns(TextSet::of(of))
    }

    /// The type of the lead is one of these.
    pub fn lead_types<T: AsRef<str>>(of: impl IntoIterator<Item = T>) -> Self {
        Self::LeadTypes(TextSet::of(of))
    }

    /// The phone number is of one of these area codes of the North American Numbering Plan: `+1` and then one of them.
    ///
    /// ```
    /// use convio_core::routing::{Condition, RoutingRequest};
    /// let los_angeles = Condition::area_codes(["213", "310", "323"]);
    /// let request = RoutingRequest { area_code: Some("310".parse()?), ..Default::default() };
    /// assert!(los_angeles.holds(&request) && !los_angeles.holds(&RoutingRequest::default()));
    /// # Ok::<(), convio_core::phone::NoAreaCode>(())
    /// ```
    pub fn area_codes<T: AsRef<str>>(of: impl IntoIterator<Item = T>) -> Self {
        Self::AreaCodes(TextSet::of(of))
    }

    /// The custom field of this name is one of these.
    pub fn field<T: AsRef<str>>(name: impl Into<String>, of: impl IntoIterator<Item = T>) -> Self {
        Self::Field { name: name.into(), is: FieldTest::OneOf(TextSet::of(of)) }
    }

    /// The custom field of this name is there.
    pub fn field_present(name: impl Into<String>) -> Self {
        Self::Field { name: name.into(), is: FieldTest::Present }
    }

    /// The custom field of this name is a whole number between these, both included.
    pub fn field_between(name: impl Into<String>, least: i64, most: i64) -> Self {
        Self::Field { name: name.into(), is: FieldTest::Between(least, most) }
    }

    /// It is worth at least this, in this currency.
    pub fn worth(at_least: Money) -> Self {
        Self::Value { at_least: Some(at_least), below: None }
    }

    /// The window is open.
    pub fn during(window: Window) -> Self {
        Self::During(window)
    }

    /// Whether it holds for a request.
    pub fn holds(&self, request: &RoutingRequest) -> bool {
        let one_of = |set: &TextSet, key: Option<&str>| key.is_some_and(|key| set.contains(key));
        match self {
            Self::Always => true,
            Self::Products(set) => one_of(set, request.product.as_ref().map(|it| it.key())),
            Self::Zips(set) => request.postal_code.as_ref().is_some_and(|code| set.holds(code)),
            Self::States(set) => one_of(set, request.state.as_ref().map(|it| it.key())),
            Self::Sources(set) => one_of(set, request.source.as_ref().map(|it| it.key())),
            Self::Campaigns(set) => one_of(set, request.campaign.as_ref().map(|it| it.key())),
            Self::LeadTypes(set) => one_of(set, request.lead_type.as_ref().map(|it| it.key())),
            Self::AreaCodes(set) => one_of(set, request.area_code.as_ref().map(|it| it.as_str())),
            Self::Field { name, is } => {
                request.custom.0.get(name).and_then(field_text).is_some_and(|text| is.passes(&text))
            }
            Self::Value { at_least, below } => request.value.is_some_and(|value| {
                let same = |bound: &Money| bound.currency() == value.currency();
                let reaches = |least: &Money| same(least) && value.minor() >= least.minor();
                let is_below = |most: &Money| same(most) && value.minor() < most.minor();
                at_least.as_ref().is_none_or(reaches) && below.as_ref().is_none_or(is_below)
            }),
            Self::Consent => consents(request),
            Self::During(window) => match window.moment {
                Moment::Now => window.holds(request.at),
                Moment::Start => request.starts_at.is_some_and(|at| window.holds(at)),
            },
            Self::All(all) => all.iter().all(|condition| condition.holds(request)),
            Self::Either(either) => either.iter().any(|condition| condition.holds(request)),
            Self::Not(not) => !not.holds(request),
        }
    }

    /// Whatever is wrong with it.
    pub(super) fn check(&self, of: &str, depth: usize, reasons: &mut Vec<Reason>) {
        let mut wrong = |message: String| {
            reasons.push(Reason::new("when", "invalid", format!("{of}: {message}")));
        };
        match self {
            Self::All(_) | Self::Either(_) | Self::Not(_) if depth >= DEPTH_MAX => {
                wrong(format!("conditions are nested more than {DEPTH_MAX} deep"));
            }
            Self::All(list) | Self::Either(list) => {
                list.iter().for_each(|condition| condition.check(of, depth + 1, reasons));
            }
            Self::Not(condition) => condition.check(of, depth + 1, reasons),
            Self::Zips(set) => {
                set.refused().iter().for_each(|(text, error)| wrong(format!("`{text}` {error}")));
            }
            Self::AreaCodes(set) => {
                for text in set.iter() {
                    if let Err(error) = text.parse::<AreaCode>() {
                        wrong(format!("`{}` {error}", text.chars().take(SHOWN).collect::<String>()));
                    }
                }
            }
            Self::During(window) if window.from >= DAY || window.to == 0 || window.to > DAY => {
                wrong(format!("a time window begins at minute 0 to {} and ends at 1 to {DAY}", DAY - 1));
            }
            Self::Value { at_least: Some(least), below: Some(below) }
                if least.currency() != below.currency() =>
            {
                wrong("the bounds of a value have different currencies".to_owned());
            }
            _ => {}
        }
    }
}

impl FieldTest {
    fn passes(&self, text: &str) -> bool {
        match self {
            Self::Present => true,
            Self::OneOf(set) => set.contains(text),
            Self::Between(least, most) => text.parse().is_ok_and(|n: i64| *least <= n && n <= *most),
        }
    }
}

/// A custom field as it is compared; `None` for what is missing, null, blank, a list or an object.
fn field_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => match_key(text),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn consents(request: &RoutingRequest) -> bool {
    request.custom.0.iter().any(|(name, value)| {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let says = |text: String| !matches!(text.as_str(), "false" | "no" | "0" | "off" | "n");
        CONSENT_FIELDS.contains(&plain.to_ascii_lowercase().as_str()) && field_text(value).is_some_and(says)
    })
}

impl BitAnd for Condition {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, it) | (it, Self::Always) => it,
            (Self::All(mut all), other) => {
                all.push(other);
                Self::All(all)
            }
            (one, other) => Self::All(vec![one, other]),
        }
    }
}

impl BitOr for Condition {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        match (self, other) {
            (Self::Either(mut either), other) => {
                either.push(other);
                Self::Either(either)
            }
            (one, other) => Self::Either(vec![one, other]),
        }
    }
}

impl Not for Condition {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Not(not) => *not,
            it => Self::Not(Box::new(it)),
        }
    }
}

/// The custom fields by which a lead says that the person consents to be contacted, as letters and digits in lower case: consents under
/// the TCPA, and certificates of TrustedForm and Jornaya. `no`, `false`, `off` and `0` deny it.
pub const CONSENT_FIELDS: [&str; 10] = [
    "consent",
    "tcpaconsent",
    "tcpa",
    "optin",
    "marketingconsent",
    "trustedform",
    "trustedformcerturl",
    "xxtrustedformcerturl",
    "jornayaleadid",
    "leadidtoken",
];

/// How deep conditions may be nested.
pub const DEPTH_MAX: usize = 16;

/// How much of a text that is no area code a reason repeats.
const SHOWN: usize = 40;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::{Rule, RuleSet, Target};

    #[test]
    fn texts_that_are_no_area_codes_are_refused() {
        let refused = |codes: &[&str]| {
            let when = !Condition::area_codes(codes);
            let rule = Rule::to(Target::team("a")).named("a").any_product().any_zip().when(when);
            RuleSet::publish(1, [rule]).err().unwrap_or_default()
        };
        assert_eq!(refused(&["212", " 310 ", ""]), []);
        let reasons = refused(&["212", "(310)", "123"]);
        let told: Vec<&str> = reasons.iter().map(|reason| reason.message.as_str()).collect();
        let of = "is no area code of the North American Numbering Plan: three digits, the first from 2 to 9";
        assert_eq!(told, [format!("rule `a`: `(310)` {of}"), format!("rule `a`: `123` {of}")]);
        assert!(
            reasons.iter().all(|reason| (reason.field.as_str(), reason.code.as_str()) == ("when", "invalid"))
        );
    }

    #[test]
    fn an_area_code_is_kept_as_text() {
        let kept = serde_json::to_value(Condition::area_codes(["310", "213"])).unwrap();
        assert_eq!(kept, serde_json::json!({"area_codes": ["213", "310"]}));
        let request: RoutingRequest =
            serde_json::from_str(r#"{"custom":{},"at":"2026-03-01T00:00:00Z"}"#).unwrap();
        assert_eq!(request.area_code, None);
        let request = RoutingRequest { area_code: "310".parse().ok(), ..request };
        assert_eq!(serde_json::to_value(&request).unwrap()["area_code"], "310");
    }
}
