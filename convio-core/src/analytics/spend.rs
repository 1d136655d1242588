use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::change_set::Version;
use crate::error::{Error, Reason};
use crate::id::WorkspaceId;
use crate::money::{ExchangeRate, Money};
use crate::record::{Keeps, SPEND_KIND};
use crate::text::{Campaign, Source};

/// What a source, or one campaign of it, cost on a day: a row of what advertising networks export.
///
/// Checked when it is read from what was serialised.
///
/// ```
/// use convio_core::analytics::Spend;
/// let row = r#"{"day":"2026-03-02","source":"Google","cost":{"minor":12550,"currency":"USD"},"clicks":310}"#;
/// let spend: Spend = serde_json::from_str(row)?;
/// assert_eq!((spend.cost.to_string(), spend.clicks), ("125.50 USD".to_owned(), Some(310)));
/// assert_eq!(serde_json::to_string(&spend)?, row);
/// let refused = serde_json::from_str::<Spend>(&row.replace("12550", "-1")).unwrap_err();
/// assert_eq!(refused.to_string(), "cost: the cost is below zero");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Given")]
pub struct Spend {
    /// The day, in the workspace's zone.
    pub day: NaiveDate,
    /// What it was spent on.
    pub source: Source,
    /// The campaign; nothing for all that the source cost apart from campaigns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<Campaign>,
    /// What it cost, zero or more.
    pub cost: Money,
    /// How often its advertisements were clicked, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clicks: Option<u64>,
    /// How often they were shown, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impressions: Option<u64>,
}

impl Spend {
    /// What is wrong with it: a cost below zero, or more clicks or impressions than stores count
    /// ([`SPEND_COUNT_MAX`]).
    ///
    /// ```
    /// use convio_core::analytics::Spend;
    /// use convio_core::text::Source;
    /// let spend = Spend {
    ///     day: "2026-03-02".parse()?,
    ///     source: Source::new("Google")?,
    ///     campaign: None,
    ///     cost: "-0.01 USD".parse()?,
    ///     clicks: Some(u64::MAX),
    ///     impressions: None,
    /// };
    /// let fields: Vec<String> = spend.check().into_iter().map(|reason| reason.field).collect();
    /// assert_eq!(fields, ["cost", "clicks"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.cost.minor() < 0 {
            reasons.push(Reason::new("cost", "below_zero", "the cost is below zero"));
        }
        for (field, count) in [("clicks", self.clicks), ("impressions", self.impressions)] {
            if count.is_some_and(|count| count > SPEND_COUNT_MAX) {
                let message = format!("{field} are more than {SPEND_COUNT_MAX}");
                reasons.push(Reason::new(field, "too_large", message));
            }
        }
        reasons
    }
}

/// What was spent on a day, as a workspace keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendDay {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The day, in its zone.
    pub day: NaiveDate,
    /// What was spent, by source and campaign.
    pub rows: Vec<Spent>,
    /// How often it was noted.
    pub version: Version,
}

/// What was spent, and what it is reported by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// What was spent.
    pub spend: Spend,
    /// The rate into the workspace's currency on that day, as it was known when it was noted: what conversions are reported by too. `None`
    /// where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<ExchangeRate>,
}

impl Keeps for SpendDay {
    const KIND: &'static str = SPEND_KIND;

    fn record_key(&self) -> String {
        self.day.to_string()
    }

    fn record_version(&self) -> Version {
        self.version
    }

    fn record_workspace(&self) -> WorkspaceId {
        self.workspace
    }
}

/// Spend as it was written, before it is checked.
#[derive(Deserialize)]
struct Given {
    day: NaiveDate,
    source: Source,
    #[serde(default)]
    campaign: Option<Campaign>,
    cost: Money,
    #[serde(default)]
    clicks: Option<u64>,
    #[serde(default)]
    impressions: Option<u64>,
}

impl TryFrom<Given> for Spend {
    type Error = Error;

    fn try_from(given: Given) -> Result<Self, Error> {
        let Given { day, source, campaign, cost, clicks, impressions } = given;
        let spend = Self { day, source, campaign, cost, clicks, impressions };
        let reasons = spend.check();
        if reasons.is_empty() { Ok(spend) } else { Err(Error::invalid(reasons)) }
    }
}

/// Most clicks or impressions of a row: what fits the signed 64 bits that databases count in.
pub const SPEND_COUNT_MAX: u64 = i64::MAX as u64;

/// Most rows of a day.
pub const SPEND_ROWS_MAX: usize = 2_000;
/// Most days of one import, and of one report.
pub const SPEND_DAYS_MAX: usize = 366;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::USD)
    }

    #[test]
    fn every_failing_field_is_named() {
        let good = Spend {
            day: "2026-03-02".parse().unwrap(),
            source: Source::new("Google").unwrap(),
            campaign: Some(Campaign::new("Spring").unwrap()),
            cost: usd(0),
            clicks: Some(SPEND_COUNT_MAX),
            impressions: Some(0),
        };
        assert!(good.check().is_empty());
        let json = serde_json::to_string(&good).unwrap();
        assert_eq!(serde_json::from_str::<Spend>(&json).unwrap(), good);
        let more = Some(SPEND_COUNT_MAX + 1);
        let bad = Spend { cost: usd(-1), clicks: more, impressions: more, ..good };
        let found: Vec<(String, String)> = bad.check().into_iter().map(|it| (it.field, it.code)).collect();
        let expected = [("cost", "below_zero"), ("clicks", "too_large"), ("impressions", "too_large")];
        assert_eq!(found, expected.map(|(field, code)| (field.to_owned(), code.to_owned())));
        assert!(serde_json::from_value::<Spend>(serde_json::to_value(&bad).unwrap()).is_err());
    }
}
