//! The figures, all read back from the store: rows by page, sums from the rollups, and the two checked against each other.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use convio_core::appointment::AppointmentFilter;
use convio_core::contact::ContactFilter;
use convio_core::conversion::ConversionFilter;
use convio_core::lead::LeadFilter;
use convio_core::rejection::RejectionFilter;
use convio_core::{
    AppointmentStatus, Cube, Error, Measure, Money, Outcome, Page, PageRequest, ReportQuery, Rollup,
    WorkspaceHandle,
};
use serde::Serialize;

use crate::Failure;

/// What the whole journey came to.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    /// Rows of the file that are leads or rejections.
    pub(crate) rows: i64,
    pub(crate) leads: i64,
    pub(crate) contacts: i64,
    /// Leads that were linked to a contact which another lead had made.
    pub(crate) linked_duplicates: i64,
    /// Leads of the same contact, product and campaign as one of the 30 days before.
    pub(crate) repeats: i64,
    pub(crate) customers: i64,
    pub(crate) rejected: i64,
    pub(crate) rejected_by_reason: Vec<Counted>,
    /// Leads that were taken with something doubtful in them.
    pub(crate) flagged_by_reason: Vec<Counted>,
    pub(crate) appointments: Ends,
    pub(crate) appointments_by_target: BTreeMap<String, Ends>,
    pub(crate) unrouted: Ends,
    pub(crate) conversions: i64,
    /// Per currency, as a decimal.
    pub(crate) revenue: BTreeMap<String, String>,
    pub(crate) sources: Vec<SourceFigures>,
    pub(crate) days: Vec<Day>,
}

/// How many of something there are for one reason.
#[derive(Debug, Serialize)]
pub(crate) struct Counted {
    pub(crate) field: String,
    pub(crate) reason: String,
    pub(crate) rows: i64,
}

/// How appointments ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Ends {
    pub(crate) booked: i64,
    pub(crate) completed: i64,
    pub(crate) sold: i64,
}

/// What a source brought.
#[derive(Debug, Serialize)]
pub(crate) struct SourceFigures {
    pub(crate) source: String,
    pub(crate) leads: i64,
    pub(crate) converted: i64,
    /// Converted leads per lead.
    pub(crate) rate: Option<f64>,
    /// Of conversions of contacts whose first lead came from it, per currency.
    pub(crate) first_touch_revenue: BTreeMap<String, String>,
}

/// What happened on a day of the workspace's zone.
#[derive(Debug, Serialize)]
pub(crate) struct Day {
    pub(crate) day: NaiveDate,
    pub(crate) leads: i64,
    pub(crate) contacts: i64,
    pub(crate) repeats: i64,
    pub(crate) rejected: i64,
    pub(crate) booked: i64,
    pub(crate) converted: i64,
}

impl Figures {
    /// Reads all figures; an error where sums and rows tell different things.
    pub(crate) async fn read(workspace: &WorkspaceHandle<'_>) -> Result<Self, Failure> {
        let mut figures = Self::of_rows(workspace).await?;
        figures.days = days(workspace).await?;
        figures.sources = sources(workspace).await?;
        figures.repeats = figures.days.iter().map(|day| day.repeats).sum();
        figures.check(workspace).await?;
        Ok(figures)
    }

    async fn of_rows(workspace: &WorkspaceHandle<'_>) -> Result<Self, Failure> {
        let contacts = all(async |page| workspace.contacts(&ContactFilter::default(), &page).await).await?;
        let leads = all(async |page| workspace.leads(&LeadFilter::default(), &page).await).await?;
        let rejections =
            all(async |page| workspace.rejections(&RejectionFilter::default(), &page).await).await?;
        let conversions =
            all(async |page| workspace.conversions(&ConversionFilter::default(), &page).await).await?;
        let filter = AppointmentFilter::default();
        let booked = all(async |page| workspace.appointments(&filter, &page).await).await?;

        let mut appointments = Ends::default();
        let mut unrouted = Ends::default();
        let mut by_target: BTreeMap<String, Ends> = BTreeMap::new();
        for appointment in &booked {
            let end = Ends {
                booked: 1,
                completed: i64::from(appointment.status == AppointmentStatus::Completed),
                sold: i64::from(matches!(appointment.outcome, Some(Outcome::Sold(_)))),
            };
            appointments.add(end);
            match &appointment.routing.target {
                Some(target) => by_target.entry(target.to_string().replace('`', "")).or_default().add(end),
                None => unrouted.add(end),
            }
        }
        let mut revenue: BTreeMap<String, Money> = BTreeMap::new();
        for conversion in &conversions {
            let currency = conversion.value.currency();
            let sum = revenue.entry(currency.to_string()).or_insert(Money::zero(currency));
            *sum = sum.checked_add(conversion.value)?;
        }
        Ok(Self {
            rows: count(&leads) + count(&rejections),
            leads: count(&leads),
            contacts: count(&contacts),
            linked_duplicates: count(leads.iter().filter(|lead| !lead.opened_contact)),
            repeats: 0,
            customers: count(contacts.iter().filter(|contact| contact.customer_since.is_some())),
            rejected: count(&rejections),
            rejected_by_reason: counted(rejections.iter().flat_map(|rejection| &rejection.reasons)),
            flagged_by_reason: counted(leads.iter().flat_map(|lead| &lead.flags)),
            appointments,
            appointments_by_target: by_target,
            unrouted,
            conversions: count(&conversions),
            revenue: revenue.into_iter().map(|(currency, sum)| (currency, sum.decimal())).collect(),
            sources: Vec::new(),
            days: Vec::new(),
        })
    }

    /// The rollups were kept up by every commit, the rows were read one by one: both must say the same.
    async fn check(&self, workspace: &WorkspaceHandle<'_>) -> Result<(), Failure> {
        let sum = |of: fn(&Day) -> i64| self.days.iter().map(of).sum::<i64>();
        let targets = workspace.report(&ReportQuery::all(Cube::Appointments)).await?;
        let sold = workspace.report(&ReportQuery::all(Cube::Conversions)).await?;
        let total = |rows: &[Rollup], measure| rows.iter().map(|row| row.get(measure)).sum::<i64>();
        let unrouted =
            targets.iter().filter(|row| row.dims[0].is_empty()).map(|row| row.get(Measure::Routed)).sum();
        for (what, rows, rollups) in [
            ("leads", self.leads, sum(|day| day.leads)),
            ("contacts", self.contacts, sum(|day| day.contacts)),
            ("linked duplicates", self.linked_duplicates, self.leads - self.contacts),
            ("rejected leads", self.rejected, sum(|day| day.rejected)),
            ("booked leads", self.appointments.booked, sum(|day| day.booked)),
            ("appointments", self.appointments.booked, total(&targets, Measure::Routed)),
            ("unrouted appointments", self.unrouted.booked, unrouted),
            ("completed appointments", self.appointments.completed, total(&targets, Measure::Completed)),
            ("sold appointments", self.appointments.sold, total(&targets, Measure::Sold)),
            ("converted leads", self.conversions, sum(|day| day.converted)),
            ("conversions", self.conversions, total(&sold, Measure::Conversions)),
        ] {
            if rows != rollups {
                return Err(format!("{what}: {rows} by the rows, {rollups} by the rollups").into());
            }
        }
        let by_rollups = revenue_of(&sold)?;
        if self.revenue != by_rollups {
            return Err(
                format!("revenue: {:?} by the rows, {by_rollups:?} by the rollups", self.revenue).into()
            );
        }
        Ok(())
    }
}

impl Ends {
    fn add(&mut self, other: Self) {
        self.booked += other.booked;
        self.completed += other.completed;
        self.sold += other.sold;
    }
}

/// Every item of a list, page after page.
pub(crate) async fn all<T>(
    list: impl AsyncFn(PageRequest) -> Result<Page<T>, Error>,
) -> Result<Vec<T>, Error> {
    let mut items = Vec::new();
    let mut request = PageRequest::first(PAGE_ITEMS);
    loop {
        let page = list(request).await?;
        items.extend(page.items);
        match page.next {
            Some(cursor) => request = PageRequest::after(cursor, PAGE_ITEMS),
            None => return Ok(items),
        }
    }
}

async fn days(workspace: &WorkspaceHandle<'_>) -> Result<Vec<Day>, Failure> {
    let mut days: BTreeMap<NaiveDate, Day> = BTreeMap::new();
    for row in workspace.daily_leads(NaiveDate::MIN, NaiveDate::MAX).await? {
        let day = days.entry(row.day).or_insert(Day {
            day: row.day,
            leads: 0,
            contacts: 0,
            repeats: 0,
            rejected: 0,
            booked: 0,
            converted: 0,
        });
        day.leads += row.leads;
        day.contacts += row.contacts;
        day.repeats += row.repeats;
        day.rejected += row.rejected;
        day.booked += row.booked;
        day.converted += row.converted;
    }
    Ok(days.into_values().collect())
}

async fn sources(workspace: &WorkspaceHandle<'_>) -> Result<Vec<SourceFigures>, Failure> {
    let sold = workspace.report(&ReportQuery::all(Cube::Conversions)).await?;
    let rates = workspace.conversion_rates(NaiveDate::MIN, NaiveDate::MAX).await?;
    let source = |rate: convio_core::service::SourceRate| {
        let of_source: Vec<Rollup> = sold.iter().filter(|row| row.dims[0] == rate.source).cloned().collect();
        Ok(SourceFigures {
            leads: rate.leads,
            converted: rate.converted,
            rate: rate.rate(),
            first_touch_revenue: revenue_of(&of_source)?,
            source: rate.source,
        })
    };
    rates.into_iter().map(source).collect()
}

/// What rows of the cube of conversions are worth, per currency.
fn revenue_of(rows: &[Rollup]) -> Result<BTreeMap<String, String>, Failure> {
    let currencies: BTreeSet<&str> = rows.iter().map(|row| row.dims[2].as_str()).collect();
    let sum = |currency: &str| {
        let of_currency = rows.iter().filter(|row| row.dims[2] == currency);
        let minor = of_currency.map(|row| row.get(Measure::ValueMinor)).sum();
        Ok((currency.to_owned(), Money::from_minor(minor, currency.parse()?).decimal()))
    };
    currencies.into_iter().map(sum).collect()
}

fn counted<'r>(reasons: impl Iterator<Item = &'r convio_core::Reason>) -> Vec<Counted> {
    let mut counts: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for reason in reasons {
        *counts.entry((&reason.field, &reason.code)).or_default() += 1;
    }
    let counted = |((field, reason), rows): ((&str, &str), i64)| Counted {
        field: field.to_owned(),
        reason: reason.to_owned(),
        rows,
    };
    counts.into_iter().map(counted).collect()
}

fn count<T>(items: impl IntoIterator<Item = T>) -> i64 {
    items.into_iter().fold(0, |count, _| count + 1)
}

/// As many as a page may hold.
const PAGE_ITEMS: usize = convio_core::page::PAGE_ITEMS_MAX;
