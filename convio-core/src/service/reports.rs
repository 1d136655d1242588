//! Typed reports, all from rollups: no call here scans leads.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::WorkspaceHandle;
use crate::analytics::{Cube, Measure, ReportQuery, Rollup};
use crate::error::Error;
use crate::id::{ProviderId, WebhookId};
use crate::money::{Currency, Money};

/// One day of a webhook and source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DailyLeads {
    /// The day, in the workspace's zone.
    pub day: NaiveDate,
    /// The webhook.
    pub webhook: WebhookId,
    /// The source, folded.
    pub source: String,
    /// Leads taken.
    pub leads: i64,
    /// Contacts made.
    pub contacts: i64,
    /// Leads that repeat another one.
    pub repeats: i64,
    /// Leads rejected when they came in.
    pub rejected: i64,
    /// Appointments booked.
    pub booked: i64,
    /// Leads sold for the first time.
    pub converted: i64,
}

/// One day of a webhook: the lead analytics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DailyWebhook {
    /// The day, in the workspace's zone.
    pub day: NaiveDate,
    /// The webhook.
    pub webhook: WebhookId,
    /// Leads taken that day.
    pub leads: i64,
    /// Leads sold for the first time that day, whenever they came in.
    pub converted: i64,
    /// Conversions of that day, first or not.
    pub conversions: i64,
    /// What they are worth, one sum per currency.
    pub revenue: Vec<Money>,
    seconds: i64,
    timed: i64,
}

/// One day of conversions of a source, type and currency: the conversion analytics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DailyConversions {
    /// The day, in the workspace's zone.
    pub day: NaiveDate,
    /// The source, folded.
    pub source: String,
    /// The type, folded.
    pub conversion_type: String,
    /// How many.
    pub conversions: i64,
    /// What they are worth.
    pub value: Money,
    seconds: i64,
    timed: i64,
}

/// Whose source a conversion counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attribution {
    /// That of the sold lead.
    Lead,
    /// That of the contact's first lead.
    FirstTouch,
    /// That of the contact's last lead before the conversion.
    LastTouch,
}

/// Leads by the steps that they came to, each lead once per step, on the day that it came to it for the first time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Funnel {
    /// Taken.
    pub received: i64,
    /// Their person was reached.
    pub contacted: i64,
    /// They had an appointment booked.
    pub scheduled: i64,
    /// They had an appointment that took place.
    pub met: i64,
    /// They were sold, and the sale stands.
    pub won: i64,
    /// They were lost, for good or for a while.
    pub lost: i64,
}

/// One day of a provider on a webhook: the usage log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DailyUsage {
    /// The day, in the workspace's zone.
    pub day: NaiveDate,
    /// The provider.
    pub provider: ProviderId,
    /// The webhook.
    pub webhook: WebhookId,
    /// Leads taken.
    pub taken: i64,
    /// Those among them that repeat another one.
    pub repeats: i64,
    /// Leads rejected.
    pub rejected: i64,
    /// When the last of them was received.
    pub last_at: Option<DateTime<Utc>>,
}

/// All conversions of a workspace that stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// How many, in all currencies.
    pub conversions: i64,
    /// What those in the workspace's currency are worth.
    pub revenue: Money,
    /// What the others are worth, one sum per currency: sums of different currencies are never added.
    pub other_revenue: Vec<Money>,
    /// When anything last happened in the workspace.
    pub last_activity_at: Option<DateTime<Utc>>,
}

/// What came through a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookActivity {
    /// Leads taken, tests apart.
    pub leads: i64,
    /// When the last of them was received.
    pub last_lead_at: Option<DateTime<Utc>>,
}

/// How many leads of a source were sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRate {
    /// The source, folded.
    pub source: String,
    /// Leads taken.
    pub leads: i64,
    /// Leads sold for the first time.
    pub converted: i64,
}

impl SourceRate {
    /// Sold leads per lead; `None` where there are none.
    ///
    /// ```
    /// use convio_core::service::SourceRate;
    /// let rate = |leads, converted| SourceRate { source: "google".into(), leads, converted }.rate();
    /// assert_eq!(rate(8, 2), Some(0.25));
    /// assert_eq!(rate(0, 0), None);
    /// ```
    pub fn rate(&self) -> Option<f64> {
        ratio(self.converted, self.leads)
    }
}

impl DailyWebhook {
    /// Sold leads per lead of the day; `None` where none came in.
    pub fn rate(&self) -> Option<f64> {
        ratio(self.converted, self.leads)
    }

    /// The average time from lead to conversion, in seconds; `None` without conversions. Those before their lead are left out.
    pub fn average_seconds(&self) -> Option<f64> {
        ratio(self.seconds, self.timed)
    }
}

impl DailyConversions {
    /// What one of them is worth on average, rounded half away from zero to the minor unit; `None` where there are none.
    pub fn average(&self) -> Option<Money> {
        let (sum, n) = (i128::from(self.value.minor()), i128::from(self.conversions));
        let rounded = (n > 0).then(|| (sum * 2 + n * sum.signum()) / (n * 2))?;
        Some(Money::from_minor(i64::try_from(rounded).ok()?, self.value.currency()))
    }

    /// The average time from lead to conversion, in seconds; `None` without any. Those before their lead are left out.
    pub fn average_seconds(&self) -> Option<f64> {
        ratio(self.seconds, self.timed)
    }
}

impl WorkspaceHandle<'_> {
    /// The rows of a cube that are not all zero.
    pub async fn report(&self, query: &ReportQuery) -> Result<Vec<Rollup>, Error> {
        let mut rows = self.reader().await?.report(self.id(), query).await?;
        rows.retain(|row| row.n != [0; Measure::SLOTS]); // what was voided leaves such rows
        Ok(rows)
    }

    /// Leads and what became of them, per day, webhook and source; each thing on the day that it happened.
    pub async fn daily_leads(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<DailyLeads>, Error> {
        let rows = self.report(&ReportQuery { cube: Cube::Leads, from, to }).await?;
        let daily = |row: Rollup| {
            Ok(DailyLeads {
                day: row.day,
                webhook: id(&row, 0)?,
                source: row.dims[1].clone(),
                leads: row.get(Measure::Leads),
                contacts: row.get(Measure::Contacts),
                repeats: row.get(Measure::Repeats),
                rejected: row.get(Measure::Rejected),
                booked: row.get(Measure::Booked),
                converted: row.get(Measure::Converted),
            })
        };
        rows.into_iter().map(daily).collect()
    }

    /// Leads, sold leads, revenue and time to conversion, per day and webhook.
    pub async fn daily_webhooks(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<DailyWebhook>, Error> {
        let mut days: BTreeMap<(NaiveDate, WebhookId), DailyWebhook> = BTreeMap::new();
        for cube in [Cube::Leads, Cube::Sales] {
            for row in self.report(&ReportQuery { cube, from, to }).await? {
                let webhook = id(&row, 0)?;
                let day = days.entry((row.day, webhook)).or_insert_with(|| DailyWebhook {
                    day: row.day,
                    webhook,
                    leads: 0,
                    converted: 0,
                    conversions: 0,
                    revenue: Vec::new(),
                    seconds: 0,
                    timed: 0,
                });
                if cube == Cube::Leads {
                    day.leads += row.get(Measure::Leads);
                    day.converted += row.get(Measure::Converted);
                    continue;
                }
                day.conversions += row.get(Measure::Conversions);
                day.seconds += row.get(Measure::Seconds);
                day.timed += row.get(Measure::Timed);
                if row.get(Measure::ValueMinor) != 0 {
                    day.revenue.push(Money::from_minor(row.get(Measure::ValueMinor), currency(&row, 1)?));
                }
            }
        }
        // A day may have nothing but bookings or rejections.
        let says = |day: &DailyWebhook| day.leads != 0 || day.converted != 0 || day.conversions != 0;
        Ok(days.into_values().filter(says).collect())
    }

    /// Conversions, revenue and time to conversion, per day, source, type and currency.
    pub async fn daily_conversions(
        &self,
        by: Attribution,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<DailyConversions>, Error> {
        let cube = match by {
            Attribution::Lead => Cube::Conversions,
            Attribution::FirstTouch => Cube::FirstTouch,
            Attribution::LastTouch => Cube::LastTouch,
        };
        let rows = self.report(&ReportQuery { cube, from, to }).await?;
        let daily = |row: Rollup| {
            Ok(DailyConversions {
                day: row.day,
                source: row.dims[0].clone(),
                conversion_type: row.dims[1].clone(),
                conversions: row.get(Measure::Conversions),
                value: Money::from_minor(row.get(Measure::ValueMinor), currency(&row, 2)?),
                seconds: row.get(Measure::Seconds),
                timed: row.get(Measure::Timed),
            })
        };
        rows.into_iter().filter(|row| row.get(Measure::Conversions) != 0).map(daily).collect()
    }

    /// How far leads came over these days, of one webhook or of all.
    pub async fn funnel(
        &self,
        webhook: Option<WebhookId>,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Funnel, Error> {
        let name = webhook.map(|webhook| webhook.to_string());
        let mut funnel = Funnel::default();
        for cube in [Cube::Leads, Cube::Funnel] {
            let rows = self.report(&ReportQuery { cube, from, to }).await?;
            for row in rows.iter().filter(|row| name.as_ref().is_none_or(|name| *name == row.dims[0])) {
                if cube == Cube::Leads {
                    funnel.received += row.get(Measure::Leads);
                    funnel.won += row.get(Measure::Converted);
                    continue;
                }
                funnel.contacted += row.get(Measure::Contacted);
                funnel.scheduled += row.get(Measure::Scheduled);
                funnel.met += row.get(Measure::Met);
                funnel.lost += row.get(Measure::Lost);
            }
        }
        Ok(funnel)
    }

    /// What providers sent, per day and webhook.
    pub async fn provider_usage(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<DailyUsage>, Error> {
        let rows = self.report(&ReportQuery { cube: Cube::Usage, from, to }).await?;
        let daily = |row: Rollup| {
            Ok(DailyUsage {
                day: row.day,
                provider: id(&row, 0)?,
                webhook: id(&row, 1)?,
                taken: row.get(Measure::Taken),
                repeats: row.get(Measure::TakenAgain),
                rejected: row.get(Measure::Refused),
                last_at: row.last_at,
            })
        };
        rows.into_iter().map(daily).collect()
    }

    /// When a provider last sent a lead; `None` while it did not.
    pub async fn provider_last_used(&self, provider: ProviderId) -> Result<Option<DateTime<Utc>>, Error> {
        let name = provider.to_string();
        let rows = self.report(&ReportQuery::all(Cube::Usage)).await?;
        Ok(rows.iter().filter(|row| row.dims[0] == name).filter_map(|row| row.last_at).max())
    }

    /// All conversions that stand, and when anything last happened.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound): no such workspace.
    pub async fn totals(&self) -> Result<Totals, Error> {
        let rows = self.report(&ReportQuery::all(Cube::Totals)).await?;
        let store = self.reader().await?;
        let config = self.current_config().await?;
        let own = config.workspace.settings.currency;
        let mut totals = Totals {
            conversions: 0,
            revenue: Money::from_minor(0, own),
            other_revenue: Vec::new(),
            last_activity_at: None,
        };
        for row in rows {
            totals.conversions += row.get(Measure::Conversions);
            let sum = Money::from_minor(row.get(Measure::ValueMinor), currency(&row, 0)?);
            match sum.currency() == own {
                true => totals.revenue = sum,
                false if sum.minor() != 0 => totals.other_revenue.push(sum),
                false => {}
            }
        }
        if let Some(head) = store.head(self.id()).await? {
            let before = crate::event::Position(head.feed.0.saturating_sub(1));
            let last = store.feed(self.id(), before, 1).await?;
            totals.last_activity_at = last.last().map(|event| event.at);
        }
        Ok(totals)
    }

    /// How many leads came through a webhook, and when the last one did.
    pub async fn webhook_activity(&self, webhook: WebhookId) -> Result<WebhookActivity, Error> {
        let mut activity = WebhookActivity { leads: 0, last_lead_at: None };
        let name = webhook.to_string();
        for row in self.report(&ReportQuery::all(Cube::Leads)).await?.iter().filter(|row| row.dims[0] == name)
        {
            activity.leads += row.get(Measure::Leads);
            activity.last_lead_at = activity.last_lead_at.max(row.last_at);
        }
        Ok(activity)
    }

    /// Sold leads by source over these days.
    pub async fn conversion_rates(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<SourceRate>, Error> {
        let mut rates: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for row in self.report(&ReportQuery { cube: Cube::Leads, from, to }).await? {
            let [_, source, _] = row.dims.clone();
            let sums = rates.entry(source).or_default();
            sums.0 += row.get(Measure::Leads);
            sums.1 += row.get(Measure::Converted);
        }
        // A source may have nothing but bookings or rejections in these days.
        rates.retain(|_, sums| *sums != (0, 0));
        let rate = |(source, (leads, converted))| SourceRate { source, leads, converted };
        Ok(rates.into_iter().map(rate).collect())
    }
}

fn ratio(part: i64, of: i64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

fn id<I: std::str::FromStr<Err = uuid::Error>>(row: &Rollup, dim: usize) -> Result<I, Error> {
    row.dims[dim].parse().map_err(|error| Error::bug(format!("a row of {:?} names no id: {error}", row.cube)))
}

fn currency(row: &Rollup, dim: usize) -> Result<Currency, Error> {
    let code = &row.dims[dim];
    code.parse().map_err(|error| Error::bug(format!("a row of {:?} names no currency: {error}", row.cube)))
}
