//! What was spent, and what came of it.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::{CreditQuery, CreditRow, Dimension, WorkspaceHandle};
use crate::analytics::{Economics, SPEND_DAYS_MAX, Spend, SpendDay};
use crate::error::{Error, Reason};
use crate::money::{Currency, Money};
use crate::record::SPEND_KIND;
use crate::use_case::ImportSpend;

/// What was spent on a source, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceEconomics {
    /// The source, folded.
    pub source: String,
    /// Costs and returns, in the currency of reports.
    pub economics: Economics,
    /// What was spent and is not in them, since no rate was known on its day: one sum per currency.
    pub other_spend: Vec<Money>,
    /// What was earned and is not in them, for the same reason.
    pub other_revenue: Vec<Money>,
}

/// What was spent, and what came of it, by source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EconomicsReport {
    /// By source, in order.
    pub sources: Vec<SourceEconomics>,
    /// All of it, with what no source is credited for. Its source is empty.
    pub total: SourceEconomics,
}

/// What is added up for a source.
#[derive(Default)]
struct Sums {
    spend: i128,
    other_spend: BTreeMap<Currency, i128>,
    leads: i64,
    earned: CreditRow,
}

impl WorkspaceHandle<'_> {
    /// Notes what sources cost, by day and campaign, as networks tell it. A row takes the place of an earlier one of its day, source and
    /// campaign: the same file can be imported again, and a corrected one too. All rows or none are noted; answers the days.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::analytics::Spend;
    /// use convio_core::{Convio, NewConversion, NewWorkspace, RawLead};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let convio = Convio::new(MemoryStore::new());
    /// let acme = convio.create_workspace(NewWorkspace::named("Acme Solar").currency("USD")).await?;
    /// let lead = RawLead::json(r#"{"phone":"+12125550123","source":"Google"}"#);
    /// let lead = acme.ingest(lead).await?.into_accepted()?.lead;
    /// let day = acme.convert(NewConversion::sale(lead, "500.00 USD".parse()?)).await?.day;
    /// let row = format!(r#"{{"day":"{day}","source":"google","cost":{{"minor":12500,"currency":"USD"}}}}"#);
    /// let spend: Spend = serde_json::from_str(&row)?;
    /// acme.import_spend(vec![spend]).await?;
    ///
    /// let report = acme.economics("first_touch", day, day).await?;
    /// let google = &report.sources[0].economics;
    /// assert_eq!((google.cpl(), google.cpa()), (Some("125 USD".parse()?), Some("125 USD".parse()?)));
    /// assert_eq!(google.roas().map(|roas| roas.to_string()), Some("4.0000".to_owned()));
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every wrong field of every row, rows that come twice, and too many rows or days.
    pub async fn import_spend(&self, rows: Vec<Spend>) -> Result<Vec<SpendDay>, Error> {
        self.run(&ImportSpend { workspace: self.id(), rows }).await
    }

    /// What was spent on these days, both included: of days of which nothing was noted nothing is told.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for more than [`SPEND_DAYS_MAX`] days.
    pub async fn spend(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<SpendDay>, Error> {
        let store = self.reader().await?;
        let days = to.signed_duration_since(from).num_days() + 1;
        if days > SPEND_DAYS_MAX as i64 {
            let message = format!("at most {SPEND_DAYS_MAX} days are looked at");
            return Err(Error::invalid(vec![Reason::new("to", "out_of_range", message)]));
        }
        let keys: Vec<String> = (0..days.max(0) as u64)
            .filter_map(|n| from.checked_add_days(Days::new(n)))
            .map(|day| day.to_string())
            .collect();
        let records = store.fetch_records(self.id(), SPEND_KIND, &keys).await?;
        let mut days: Vec<SpendDay> = records.iter().map(|record| record.read()).collect::<Result<_, _>>()?;
        days.sort_by_key(|day| day.day);
        Ok(days)
    }

    /// Costs per lead and conversion, and returns on what was spent, by source: leads that came in on these days, conversions of these
    /// days as a model credits them, and what was spent. Both sides are in the workspace's currency, each by the rate of its own day;
    /// of what no rate was known is told apart.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for more than [`SPEND_DAYS_MAX`] days, and for sums that do not fit.
    pub async fn economics(
        &self,
        model: &str,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<EconomicsReport, Error> {
        let spent = self.spend(from, to).await?;
        let credits = self.credits(&CreditQuery::new(model, Dimension::Source, from, to)).await?;
        let leads = self.daily_leads(from, to).await?;
        let currency = self.current_config().await?.workspace.settings.currency;
        let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
        for row in spent.iter().flat_map(|day| &day.rows) {
            let of = sums.entry(row.spend.source.key().to_owned()).or_default();
            match row.rate.as_ref().filter(|rate| rate.to == currency) {
                Some(rate) => {
                    let cost = rate.convert(row.spend.cost);
                    let cost = cost.map_err(|error| too_large(error.code()))?;
                    of.spend += i128::from(cost.minor());
                }
                None => {
                    let cost = row.spend.cost;
                    *of.other_spend.entry(cost.currency()).or_default() += i128::from(cost.minor());
                }
            }
        }
        for row in leads {
            sums.entry(row.source).or_default().leads += row.leads;
        }
        for (source, row) in &credits.rows {
            sums.entry(source.clone()).or_default().earned.add(row);
        }
        let mut total = Sums::default();
        total.earned.add(&credits.unattributed);
        for of in sums.values() {
            total.spend += of.spend;
            total.leads += of.leads;
            total.earned.add(&of.earned);
            for (currency, sum) in &of.other_spend {
                *total.other_spend.entry(*currency).or_default() += sum;
            }
        }
        let all = sums.into_iter().map(|(source, sums)| sums.tell(source, currency));
        Ok(EconomicsReport {
            sources: all.collect::<Result<_, _>>()?,
            total: total.tell(String::new(), currency)?,
        })
    }
}

impl Sums {
    fn tell(self, source: String, currency: Currency) -> Result<SourceEconomics, Error> {
        let money = |minor: i128, currency| {
            let minor = i64::try_from(minor).map_err(|_| too_large("amount_overflow"))?;
            Ok::<Money, Error>(Money::from_minor(minor, currency))
        };
        let others = |sums: BTreeMap<Currency, i128>| {
            let some = sums.into_iter().filter(|(_, sum)| *sum != 0);
            some.map(|(currency, sum)| money(sum, currency)).collect::<Result<Vec<Money>, Error>>()
        };
        let Self { spend, other_spend, leads, earned } = self;
        let CreditRow { millionths, value: _, mut reported, mut unreported } = earned;
        let revenue = reported.remove(&currency).unwrap_or(0);
        // What was recorded while the workspace reported in another currency.
        for (currency, sum) in reported {
            *unreported.entry(currency).or_default() += sum;
        }
        let leads = u64::try_from(leads).unwrap_or(0);
        Ok(SourceEconomics {
            source,
            economics: Economics::new(money(spend, currency)?, leads, millionths, money(revenue, currency)?)?,
            other_spend: others(other_spend)?,
            other_revenue: others(unreported)?,
        })
    }
}

fn too_large(code: &str) -> Error {
    Error::invalid(vec![Reason::new("value", code, "a sum does not fit 64 bits")])
}
