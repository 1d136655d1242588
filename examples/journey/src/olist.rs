//! Olist's marketing funnel: its leads imported, its deals recorded, and who is credited with them.
//!
//! The files name no person. Each lead is a person of its own, known by `mql_id`: the external id of the lead, and the key of its
//! contact. So a contact has one lead, and first and last touch are the same one.

use std::collections::BTreeMap;

use convio_core::conversion::ConversionFilter;
use convio_core::intake::ImportReport;
use convio_core::{Conversion, NewWorkspace, WorkspaceHandle};
use serde::Serialize;

use crate::Failure;
use crate::arguments::{Arguments, Olist, OwnFile, Sales};
use crate::database::Database;
use crate::figures::{Credit, Figures, Revenue};
use crate::importing;
use crate::job::Job;
use crate::pages::each;
use crate::report::{amounts, named, number, percent, problems, table, titled};
use crate::sales::{self, SalesReport};

/// Imports the leads, records the deals, and prints what each origin is credited with.
pub(crate) async fn run(files: &Olist, arguments: &Arguments, database: Database) -> Result<(), Failure> {
    if arguments.own.input.is_some() || arguments.dry_run || arguments.acks {
        return Err("olist takes its files by --mql and --deals, and neither --dry-run nor --acks".into());
    }
    let asked = asked(files);
    let mut job = Job::of(&asked)?;
    job.workspace = WORKSPACE.parse()?;
    job.new = NewWorkspace::named("Olist").zone(ZONE).currency(CURRENCY);
    let (convio, before) = crate::open(&database, &job, arguments).await?;
    let workspace = importing::prepare(&convio, &job).await?;
    let import = importing::run(&workspace, &mut job, false).await?;
    let deals = sales::run(&workspace, WEBHOOK, &files.deals, &asked, crate::at_once(arguments)).await?;
    let figures = Figures::read(&workspace).await?;
    let times = Times::read(&workspace).await?;
    let events = crate::last_event(&workspace).await?;
    let told =
        Told::of(figures, times, Run { import, deals, new_events: events - before, events, database })?;
    crate::print(&if arguments.json { serde_json::to_string_pretty(&told)? } else { told.tables() })
}

/// How the two files are read.
fn asked(files: &Olist) -> Arguments {
    let pairs = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(column, field)| ((*column).to_owned(), (*field).to_owned())).collect()
    };
    let own = OwnFile {
        input: Some(files.mql.clone()),
        map: pairs(&[("mql_id", "external_id"), ("origin", "source")]),
        webhook: Some(WEBHOOK.to_owned()),
        source: Some(BLANK.to_owned()),
        key: vec!["external".to_owned()],
        person_per_row: true,
        received_at: Some("first_contact_date".to_owned()),
        zone: ZONE.to_owned(),
        currency: CURRENCY.to_owned(),
        ..OwnFile::default()
    };
    let sales_map = pairs(&[
        ("mql_id", "id"),
        ("mql_id", "lead"),
        ("won_date", "at"),
        ("declared_monthly_revenue", "value"),
        ("lead_type", "type"),
    ]);
    Arguments { own, sales: Sales { sales: Some(files.deals.clone()), sales_map }, ..Arguments::default() }
}

/// What a run did.
#[derive(Serialize)]
struct Run {
    import: ImportReport,
    deals: SalesReport,
    /// Events of this run.
    new_events: u64,
    /// Events in all.
    events: u64,
    #[serde(serialize_with = "named")]
    database: Database,
}

/// What is told at the end.
#[derive(Serialize)]
struct Told {
    leads: i64,
    contacts: i64,
    conversions: i64,
    /// Those among them that happened before their lead came in: their times are left out.
    conversions_before_their_lead: i64,
    /// Those whose deal declares no revenue.
    conversions_without_revenue: usize,
    revenue: Revenue,
    #[serde(flatten)]
    times: TimeFigures,
    origins: Vec<Origin>,
    #[serde(flatten)]
    run: Run,
}

/// What one origin brought.
#[derive(Serialize)]
struct Origin {
    origin: String,
    leads: i64,
    first_touch: Credit,
    last_touch: Credit,
    #[serde(flatten)]
    times: TimeFigures,
}

/// Times from the first contact to the deal.
#[derive(Serialize)]
struct TimeFigures {
    median_seconds_to_convert: Option<f64>,
    average_seconds_to_convert: Option<f64>,
}

/// The seconds to convert of all conversions, by the source of their first touch.
#[derive(Default)]
struct Times {
    by_origin: BTreeMap<String, Vec<i64>>,
    without_revenue: usize,
}

impl Times {
    async fn read(workspace: &WorkspaceHandle<'_>) -> Result<Self, Failure> {
        let mut times = Self::default();
        each(
            async |page| workspace.conversions(&ConversionFilter::default(), &page).await,
            |conversion| times.add(&conversion),
        )
        .await?;
        Ok(times)
    }

    fn add(&mut self, conversion: &Conversion) {
        if !conversion.stands() {
            return;
        }
        self.without_revenue += usize::from(conversion.value.minor() == 0);
        let of = self.by_origin.entry(conversion.first_touch.source.key().to_owned()).or_default();
        // One before its lead took no time: averages of the library leave it out as well.
        of.extend(Some(conversion.seconds_to_convert).filter(|seconds| *seconds >= 0));
    }
}

impl TimeFigures {
    fn of(mut seconds: Vec<i64>) -> Self {
        seconds.sort_unstable();
        let (count, sum) = (seconds.len(), seconds.iter().sum::<i64>());
        let median = || (seconds[(count - 1) / 2] + seconds[count / 2]) as f64 / 2.0;
        Self {
            median_seconds_to_convert: (count > 0).then(median),
            average_seconds_to_convert: (count > 0).then(|| sum as f64 / count as f64),
        }
    }

    fn days(&self) -> [String; 2] {
        [self.median_seconds_to_convert, self.average_seconds_to_convert].map(|seconds| {
            seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{:.1}", seconds / SECONDS_OF_A_DAY))
        })
    }
}

impl Told {
    /// Fails where what origins have together is not what all conversions are.
    fn of(figures: Figures, mut times: Times, run: Run) -> Result<Self, Failure> {
        let all = times.by_origin.values().flatten().copied().collect();
        let origins: Vec<Origin> = figures
            .sources
            .into_iter()
            .map(|source| Origin {
                times: TimeFigures::of(times.by_origin.remove(&source.source).unwrap_or_default()),
                origin: source.source,
                leads: source.leads,
                first_touch: source.first_touch,
                last_touch: source.last_touch,
            })
            .collect();
        let touches: [fn(&Origin) -> &Credit; 2] =
            [|origin| &origin.first_touch, |origin| &origin.last_touch];
        for touch in touches {
            let conversions: i64 = origins.iter().map(|origin| touch(origin).conversions).sum();
            let revenue = sum(origins.iter().map(|origin| &touch(origin).revenue))?;
            if (conversions, &revenue) != (figures.conversions, &figures.revenue) {
                return Err("the origins are credited with something else than all conversions".into());
            }
        }
        Ok(Self {
            leads: figures.leads,
            contacts: figures.contacts,
            conversions: figures.conversions,
            conversions_before_their_lead: figures.conversions_before_their_lead,
            conversions_without_revenue: times.without_revenue,
            revenue: figures.revenue,
            times: TimeFigures::of(all),
            origins,
            run,
        })
    }

    fn tables(&self) -> String {
        let Run { import, deals, new_events, database, .. } = &self.run;
        let mut parts = vec![format!(
            "{STATED}of {} deals {} are recorded, {} of them without revenue and {} before their lead\n{new_events} new events",
            deals.rows, deals.recorded, self.conversions_without_revenue, self.conversions_before_their_lead
        )];
        parts.extend(problems("leads that were not taken", &import.problems.first, import.problems.rows));
        parts.extend(problems("deals that were not recorded", &deals.problems, deals.failed));
        let row = |name: &str, leads: i64, [first, last]: [(i64, &Revenue); 2], times: &TimeFigures| {
            let [median, average] = times.days();
            let rate = if leads > 0 { percent(first.0 as f64 / leads as f64) } else { "-".to_owned() };
            [
                name.to_owned(),
                number(leads),
                number(first.0),
                rate,
                amounts(first.1),
                number(last.0),
                amounts(last.1),
                median,
                average,
            ]
        };
        let credit = |credit: &Credit| (credit.conversions, credit.revenue.clone());
        let mut rows: Vec<_> = self
            .origins
            .iter()
            .map(|origin| {
                let [first, last] = [credit(&origin.first_touch), credit(&origin.last_touch)];
                let credits = [(first.0, &first.1), (last.0, &last.1)];
                row(&origin.origin, origin.leads, credits, &origin.times)
            })
            .collect();
        let all = (self.conversions, &self.revenue);
        rows.push(row("all", self.leads, [all, all], &self.times));
        let header = [
            "origin",
            "leads",
            "first touch",
            "rate",
            "revenue",
            "last touch",
            "revenue",
            "median days",
            "average days",
        ];
        parts.push(titled("conversions by origin, and the days from lead to deal", table(header, rows)));
        parts.push(format!("the database: {database}\nlook into it:  {}", database.look()));
        parts.join("\n\n")
    }
}

/// Sums by currency.
fn sum<'r>(revenues: impl Iterator<Item = &'r Revenue>) -> Result<Revenue, Failure> {
    let mut sums: BTreeMap<&str, convio_core::Money> = BTreeMap::new();
    for (currency, amount) in revenues.flatten() {
        let amount = convio_core::Money::from_decimal(amount, currency.parse()?)?;
        match sums.get_mut(currency.as_str()) {
            Some(sum) => *sum = sum.checked_add(amount)?,
            None => {
                sums.insert(currency, amount);
            }
        }
    }
    Ok(sums.into_iter().map(|(currency, sum)| (currency.to_owned(), sum.decimal())).collect())
}

/// Its workspace: a UUID that was drawn once.
const WORKSPACE: &str = "0199a1c5-5c02-7f3a-a1d4-0b7c92e46d58";
const WEBHOOK: &str = "olist";
/// Where Olist is at home.
const ZONE: &str = "America/Sao_Paulo";
const CURRENCY: &str = "BRL";
/// What leads without an origin are counted under.
const BLANK: &str = "(blank)";
const SECONDS_OF_A_DAY: f64 = 86_400.0;
/// For the reader.
const STATED: &str = "\
The files name no person: each lead is a person, known by its mql_id (the external id of the lead, and the key of its contact). So
a contact has one lead, and first and last touch name the same origin.
  received     the day of first_contact_date, 0:00 in America/Sao_Paulo; won_date is read in that zone as well
  source       origin; `(blank)` where there is none
  conversion   each deal, under its mql_id; its type is lead_type
  value        declared_monthly_revenue in BRL; a deal that declares none counts as a conversion, and adds no revenue
  days         from lead to deal; deals won before their lead came in are left out of them
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_averages() {
        let figures = |seconds: &[i64]| {
            let TimeFigures { median_seconds_to_convert: median, average_seconds_to_convert: average } =
                TimeFigures::of(seconds.to_vec());
            (median, average)
        };
        assert_eq!(figures(&[]), (None, None));
        assert_eq!(figures(&[5]), (Some(5.0), Some(5.0)));
        assert_eq!(figures(&[9, 1, 2]), (Some(2.0), Some(4.0)));
        assert_eq!(figures(&[9, 1, 2, 4]), (Some(3.0), Some(4.0)));
    }
}
