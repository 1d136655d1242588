//! The figures, all read back from the store: sums by the typed reports, which every commit kept up; rows page by page; and
//! the two checked against each other.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use convio_core::appointment::AppointmentFilter;
use convio_core::contact::ContactFilter;
use convio_core::conversion::ConversionFilter;
use convio_core::lead::LeadFilter;
use convio_core::rejection::RejectionFilter;
use convio_core::service::{Attribution, DailyConversions};
use convio_core::{
    Appointment, AppointmentStatus, Conversion, Cube, Error, Measure, Money, Outcome, Reason, ReportQuery,
    WorkspaceHandle,
};
use serde::Serialize;

use crate::Failure;
use crate::pages::each;

/// What the whole journey came to.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Figures {
    /// Leads and rejections.
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
    pub(crate) funnel: FunnelFigures,
    pub(crate) appointments: Ends,
    pub(crate) appointments_by_target: BTreeMap<String, Ends>,
    pub(crate) unrouted: Ends,
    pub(crate) conversions: i64,
    /// Those among them that happened before their lead came in.
    pub(crate) conversions_before_their_lead: i64,
    /// Per currency, as a decimal.
    pub(crate) revenue: Revenue,
    pub(crate) sources: Vec<SourceFigures>,
    pub(crate) days: Vec<Day>,
}

/// Decimals by currency. Sums of different currencies are never added.
pub(crate) type Revenue = BTreeMap<String, String>;

/// How many of something there are for one reason.
#[derive(Debug, Serialize)]
pub(crate) struct Counted {
    pub(crate) field: String,
    pub(crate) reason: String,
    pub(crate) rows: i64,
}

/// Leads by the steps that they came to.
#[derive(Debug, Default, Serialize)]
pub(crate) struct FunnelFigures {
    pub(crate) received: i64,
    pub(crate) contacted: i64,
    pub(crate) scheduled: i64,
    pub(crate) met: i64,
    pub(crate) won: i64,
    pub(crate) lost: i64,
}

/// How appointments ended. One that was moved counts once, as booked and as moved, and ends as the one in its place does.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Ends {
    pub(crate) booked: i64,
    pub(crate) moved: i64,
    pub(crate) cancelled: i64,
    pub(crate) missed: i64,
    pub(crate) completed: i64,
    pub(crate) sold: i64,
}

/// What a source brought.
#[derive(Debug, Default, Serialize)]
pub(crate) struct SourceFigures {
    pub(crate) source: String,
    pub(crate) leads: i64,
    pub(crate) converted: i64,
    /// Converted leads per lead.
    pub(crate) rate: Option<f64>,
    /// Conversions of its own leads.
    pub(crate) own: Credit,
    /// Conversions of contacts whose first lead came from it.
    pub(crate) first_touch: Credit,
    /// Conversions of contacts whose last lead before came from it.
    pub(crate) last_touch: Credit,
}

/// Conversions that are credited to a source.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Credit {
    pub(crate) conversions: i64,
    pub(crate) revenue: Revenue,
}

/// What happened on a day of the workspace's zone.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Day {
    pub(crate) day: NaiveDate,
    pub(crate) leads: i64,
    pub(crate) contacts: i64,
    pub(crate) repeats: i64,
    pub(crate) rejected: i64,
    pub(crate) booked: i64,
    pub(crate) converted: i64,
    pub(crate) revenue: Revenue,
}

impl Figures {
    /// Reads all figures; an error where sums and rows tell different things.
    pub(crate) async fn read(workspace: &WorkspaceHandle<'_>) -> Result<Self, Failure> {
        let rows = Rows::read(workspace).await?;
        let days = days(workspace).await?;
        let sum = |of: fn(&Day) -> i64| days.iter().map(of).sum::<i64>();
        let funnel = workspace.funnel(None, NaiveDate::MIN, NaiveDate::MAX).await?;
        let totals = workspace.totals().await?;
        let (appointments_by_target, unrouted) = targets(workspace).await?;
        let mut appointments = unrouted;
        appointments_by_target.values().for_each(|ends| appointments.add(*ends));
        let mut revenue: Revenue = totals.other_revenue.iter().map(decimal).collect();
        if totals.revenue.minor() != 0 {
            revenue.extend([decimal(&totals.revenue)]);
        }
        let figures = Self {
            rows: sum(|day| day.leads + day.rejected),
            leads: sum(|day| day.leads),
            contacts: sum(|day| day.contacts),
            linked_duplicates: sum(|day| day.leads - day.contacts),
            repeats: sum(|day| day.repeats),
            customers: rows.customers,
            rejected: sum(|day| day.rejected),
            rejected_by_reason: counted(&rows.rejected_by_reason),
            flagged_by_reason: counted(&rows.flagged_by_reason),
            funnel: FunnelFigures {
                received: funnel.received,
                contacted: funnel.contacted,
                scheduled: funnel.scheduled,
                met: funnel.met,
                won: funnel.won,
                lost: funnel.lost,
            },
            appointments,
            appointments_by_target,
            unrouted,
            conversions: totals.conversions,
            conversions_before_their_lead: rows.before_their_lead,
            revenue,
            sources: sources(workspace).await?,
            days,
        };
        figures.check(&rows)?;
        Ok(figures)
    }

    /// The reports were kept up by every commit, the rows were read one by one: both must say the same.
    fn check(&self, rows: &Rows) -> Result<(), Failure> {
        let of_days = |of: fn(&Day) -> i64| self.days.iter().map(of).sum::<i64>();
        let credits =
            |of: fn(&SourceFigures) -> &Credit| self.sources.iter().map(|s| of(s).conversions).sum::<i64>();
        for (what, by_rows, by_reports) in [
            ("leads", rows.leads, self.leads),
            ("received leads", rows.leads, self.funnel.received),
            ("contacts", rows.contacts, self.contacts),
            ("linked duplicates", rows.linked, self.linked_duplicates),
            ("rejected leads", rows.rejected, self.rejected),
            ("booked appointments", rows.appointments.booked, of_days(|day| day.booked)),
            ("booked appointments by target", rows.appointments.booked, self.appointments.booked),
            ("unrouted appointments", rows.unrouted, self.unrouted.booked),
            ("moved appointments", rows.appointments.moved, self.appointments.moved),
            ("cancelled appointments", rows.appointments.cancelled, self.appointments.cancelled),
            ("missed appointments", rows.appointments.missed, self.appointments.missed),
            ("completed appointments", rows.appointments.completed, self.appointments.completed),
            ("sold appointments", rows.appointments.sold, self.appointments.sold),
            ("sold leads", rows.sold_leads, self.funnel.won),
            ("sold leads by day", rows.sold_leads, of_days(|day| day.converted)),
            ("conversions", rows.conversions, self.conversions),
            ("conversions by their leads' source", rows.conversions, credits(|source| &source.own)),
            ("conversions by first touch", rows.conversions, credits(|source| &source.first_touch)),
            ("conversions by last touch", rows.conversions, credits(|source| &source.last_touch)),
        ] {
            if by_rows != by_reports {
                return Err(format!("{what}: {by_rows} by the rows, {by_reports} by the reports").into());
            }
        }
        let by_rows: Revenue = rows.revenue.values().filter(|sum| sum.minor() != 0).map(decimal).collect();
        if by_rows != self.revenue {
            return Err(format!("revenue: {by_rows:?} by the rows, {:?} by the reports", self.revenue).into());
        }
        Ok(())
    }
}

impl Ends {
    fn add(&mut self, other: Self) {
        self.booked += other.booked;
        self.moved += other.moved;
        self.cancelled += other.cancelled;
        self.missed += other.missed;
        self.completed += other.completed;
        self.sold += other.sold;
    }

    fn of(appointment: &Appointment) -> Self {
        let is = |status| i64::from(appointment.status == status);
        Self {
            booked: i64::from(appointment.rescheduled_from.is_none()),
            moved: is(AppointmentStatus::Rescheduled),
            cancelled: is(AppointmentStatus::Cancelled),
            missed: is(AppointmentStatus::NoShow),
            completed: is(AppointmentStatus::Completed),
            sold: i64::from(matches!(appointment.outcome, Some(Outcome::Sold(_)))),
        }
    }
}

/// What the rows come to, read one by one.
#[derive(Default)]
struct Rows {
    leads: i64,
    linked: i64,
    contacts: i64,
    customers: i64,
    rejected: i64,
    appointments: Ends,
    unrouted: i64,
    conversions: i64,
    before_their_lead: i64,
    sold_leads: i64,
    revenue: BTreeMap<&'static str, Money>,
    rejected_by_reason: BTreeMap<(String, String), i64>,
    flagged_by_reason: BTreeMap<(String, String), i64>,
}

impl Rows {
    async fn read(workspace: &WorkspaceHandle<'_>) -> Result<Self, Failure> {
        let mut rows = Self::default();
        each(
            async |page| workspace.contacts(&ContactFilter::default(), &page).await,
            |contact| {
                rows.contacts += 1;
                rows.customers += i64::from(contact.customer_since.is_some());
            },
        )
        .await?;
        each(
            async |page| workspace.leads(&LeadFilter::default(), &page).await,
            |lead| {
                rows.leads += 1;
                rows.linked += i64::from(!lead.opened_contact);
                rows.sold_leads += i64::from(lead.progress.conversion.is_some());
                count(&mut rows.flagged_by_reason, &lead.flags);
            },
        )
        .await?;
        each(
            async |page| workspace.rejections(&RejectionFilter::default(), &page).await,
            |rejection| {
                rows.rejected += 1;
                count(&mut rows.rejected_by_reason, &rejection.reasons);
            },
        )
        .await?;
        each(
            async |page| workspace.appointments(&AppointmentFilter::default(), &page).await,
            |appointment| {
                let ends = Ends::of(&appointment);
                rows.appointments.add(ends);
                rows.unrouted += if appointment.routing.target.is_none() { ends.booked } else { 0 };
            },
        )
        .await?;
        let mut sums = Ok(());
        each(
            async |page| workspace.conversions(&ConversionFilter::default(), &page).await,
            |conversion| sums = std::mem::replace(&mut sums, Ok(())).and_then(|()| rows.add(&conversion)),
        )
        .await?;
        sums?;
        Ok(rows)
    }

    fn add(&mut self, conversion: &Conversion) -> Result<(), Failure> {
        if conversion.stands() {
            self.conversions += 1;
            self.before_their_lead += i64::from(conversion.seconds_to_convert < 0);
            let currency = conversion.value.currency();
            let sum = self.revenue.entry(currency.code()).or_insert(Money::zero(currency));
            *sum = sum.checked_add(conversion.value)?;
        }
        Ok(())
    }
}

async fn days(workspace: &WorkspaceHandle<'_>) -> Result<Vec<Day>, Failure> {
    let mut days: BTreeMap<NaiveDate, Day> = BTreeMap::new();
    for row in workspace.daily_leads(NaiveDate::MIN, NaiveDate::MAX).await? {
        let day = days.entry(row.day).or_default();
        day.leads += row.leads;
        day.contacts += row.contacts;
        day.repeats += row.repeats;
        day.rejected += row.rejected;
        day.booked += row.booked;
        day.converted += row.converted;
    }
    let mut revenue: BTreeMap<(NaiveDate, &str), Money> = BTreeMap::new();
    for row in workspace.daily_webhooks(NaiveDate::MIN, NaiveDate::MAX).await? {
        days.entry(row.day).or_default();
        for sum in row.revenue {
            let all = revenue.entry((row.day, sum.currency().code())).or_insert(Money::zero(sum.currency()));
            *all = all.checked_add(sum)?;
        }
    }
    for ((day, _), sum) in revenue {
        days.entry(day).or_default().revenue.extend([decimal(&sum)]);
    }
    Ok(days.into_iter().map(|(day, figures)| Day { day, ..figures }).collect())
}

async fn sources(workspace: &WorkspaceHandle<'_>) -> Result<Vec<SourceFigures>, Failure> {
    let (from, to) = (NaiveDate::MIN, NaiveDate::MAX);
    let mut sources: BTreeMap<String, SourceFigures> = BTreeMap::new();
    for rate in workspace.conversion_rates(from, to).await? {
        let source = sources.entry(rate.source.clone()).or_default();
        source.rate = rate.rate();
        source.leads = rate.leads;
        source.converted = rate.converted;
    }
    type Field = fn(&mut SourceFigures) -> &mut Credit;
    let fields: [(Attribution, Field); 3] = [
        (Attribution::Lead, |source| &mut source.own),
        (Attribution::FirstTouch, |source| &mut source.first_touch),
        (Attribution::LastTouch, |source| &mut source.last_touch),
    ];
    for (by, field) in fields {
        for (source, credit) in credits(&workspace.daily_conversions(by, from, to).await?)? {
            *field(sources.entry(source).or_default()) = credit;
        }
    }
    let named = |(source, figures)| SourceFigures { source, ..figures };
    Ok(sources.into_iter().map(named).collect())
}

fn credits(rows: &[DailyConversions]) -> Result<BTreeMap<String, Credit>, Error> {
    let mut credits: BTreeMap<String, Credit> = BTreeMap::new();
    let mut revenue: BTreeMap<(&str, &str), Money> = BTreeMap::new();
    for row in rows {
        credits.entry(row.source.clone()).or_default().conversions += row.conversions;
        let currency = row.value.currency();
        let sum = revenue.entry((&row.source, currency.code())).or_insert(Money::zero(currency));
        *sum = sum.checked_add(row.value).map_err(|error| Error::bug(error.to_string()))?;
    }
    for ((source, _), sum) in revenue.into_iter().filter(|(_, sum)| sum.minor() != 0) {
        credits.entry(source.to_owned()).or_default().revenue.extend([decimal(&sum)]);
    }
    Ok(credits)
}

/// Appointments by target, and those of no one.
async fn targets(workspace: &WorkspaceHandle<'_>) -> Result<(BTreeMap<String, Ends>, Ends), Failure> {
    let mut targets: BTreeMap<String, Ends> = BTreeMap::new();
    for row in workspace.report(&ReportQuery::all(Cube::Appointments)).await? {
        targets.entry(row.dims[0].replace('`', "")).or_default().add(Ends {
            booked: row.get(Measure::Routed),
            moved: row.get(Measure::Rescheduled),
            cancelled: row.get(Measure::Cancelled),
            missed: row.get(Measure::NoShow),
            completed: row.get(Measure::Completed),
            sold: row.get(Measure::Sold),
        });
    }
    let unrouted = targets.remove("").unwrap_or_default();
    Ok((targets, unrouted))
}

fn decimal(sum: &Money) -> (String, String) {
    (sum.currency().to_string(), sum.decimal())
}

fn count(counts: &mut BTreeMap<(String, String), i64>, reasons: &[Reason]) {
    for reason in reasons {
        *counts.entry((reason.field.clone(), reason.code.clone())).or_default() += 1;
    }
}

fn counted(counts: &BTreeMap<(String, String), i64>) -> Vec<Counted> {
    let counted = |((field, reason), rows): (&(String, String), &i64)| Counted {
        field: field.clone(),
        reason: reason.clone(),
        rows: *rows,
    };
    counts.iter().map(counted).collect()
}
