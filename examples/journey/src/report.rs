use comfy_table::{CellAlignment, Table, presets};
use convio_core::intake::{DryRunReport, ImportReport, Problem};
use serde::{Serialize, Serializer};

use crate::Failure;
use crate::database::Database;
use crate::figures::{Counted, Credit, Day, Ends, Figures, Revenue, SourceFigures};
use crate::sales::SalesReport;

/// What a run did, and what everything in the database came to.
#[derive(Serialize)]
pub(crate) struct Run {
    pub(crate) import: ImportReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sales: Option<SalesReport>,
    /// Events of this run.
    pub(crate) new_events: u64,
    /// Events in all.
    pub(crate) events: u64,
    #[serde(flatten)]
    pub(crate) figures: Figures,
    #[serde(serialize_with = "named")]
    pub(crate) database: Database,
}

impl Run {
    /// All of it as one JSON object.
    pub(crate) fn json(&self) -> Result<String, Failure> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// All of it as readable tables, with the place of the database.
    pub(crate) fn tables(&self) -> String {
        let figures = &self.figures;
        let mut parts = vec![self.said(), titled("this run's file", imported(&self.import))];
        parts.extend(problems(
            "rows that were not taken",
            &self.import.problems.first,
            self.import.problems.rows,
        ));
        if let Some(sales) = &self.sales {
            let rows = [("rows", sales.rows), ("recorded", sales.recorded), ("not recorded", sales.failed)];
            parts.push(titled("this run's sales", counts(rows)));
            parts.extend(problems("sales that were not recorded", &sales.problems, sales.failed));
        }
        parts.push(titled("people", people(figures)));
        let by_reason = [
            ("rejected, by reason", &figures.rejected_by_reason),
            ("taken with a doubt, by reason", &figures.flagged_by_reason),
        ];
        parts.extend(
            by_reason
                .map(|(title, counts)| (!counts.is_empty()).then(|| titled(title, reasons(counts))))
                .into_iter()
                .flatten(),
        );
        parts.push(titled("funnel: leads that came so far", funnel(figures)));
        if figures.appointments != Ends::default() {
            parts.push(titled("appointments by target", targets(figures)));
        }
        parts.push(titled("sales", sales(figures)));
        parts.push(titled("sources: leads, and who is credited with the sales", sources(figures)));
        parts.push(titled("daily statistics", days(&figures.days)));
        parts.push(self.place());
        parts.join("\n\n")
    }

    fn said(&self) -> String {
        match self.new_events {
            0 => format!(
                "nothing new: all was in the database before, the last event is still number {}",
                self.events
            ),
            new => format!("new: {new} events, {} in all", self.events),
        }
    }

    fn place(&self) -> String {
        format!("the database: {}\nlook into it:  {}", self.database, self.database.look())
    }
}

/// What would become of a file.
pub(crate) fn foretold(report: &DryRunReport, json: bool) -> Result<String, Failure> {
    if json {
        return Ok(serde_json::to_string_pretty(report)?);
    }
    let columns = report.columns.iter().map(|reading| {
        [reading.column.clone(), reading.field.unwrap_or("kept with the lead as it is").to_owned()]
    });
    let mut read = table(["column", "read as"], columns);
    if let Some(column) = read.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Left);
    }
    let rows = [
        ("rows", report.rows),
        ("would be taken, unless they came before", report.taken),
        ("would be rejected, and kept with every reason", report.rejected),
        ("can't be read", report.bad),
        ("would be refused", report.failed),
        ("blank rows, left out", report.blank),
    ];
    let mut parts = vec![
        "a dry run: nothing was written".to_owned(),
        titled("columns", read),
        titled("rows", counts(rows)),
    ];
    for (title, counts) in [
        ("what is wrong, by reason", &report.problems.reasons),
        ("taken with a doubt, by reason", &report.doubts),
    ] {
        let rows: Vec<_> = counts.iter().map(|(field, code, rows)| reason(field, code, rows)).collect();
        if !rows.is_empty() {
            parts.push(titled(title, table(["reason", "rows"], rows)));
        }
    }
    parts.extend(problems("rows that would not be taken", &report.problems.first, report.problems.rows));
    Ok(parts.join("\n\n"))
}

pub(crate) fn named<S: Serializer>(database: &Database, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(database)
}

fn imported(report: &ImportReport) -> Table {
    counts([
        ("rows", report.rows),
        ("leads that made their contact", report.created),
        ("leads of a known contact", report.linked),
        ("came before", report.replayed),
        ("rejected, and kept with every reason", report.rejected),
        ("rejected as repeats", report.duplicate),
        ("can't be read", report.bad),
        ("refused", report.failed),
        ("blank rows, left out", report.blank),
    ])
}

pub(crate) fn problems(title: &str, first: &[Problem], rows: u64) -> Option<String> {
    if first.is_empty() {
        return None;
    }
    let mut lines: Vec<String> = first.iter().take(PROBLEMS_SHOWN).map(Problem::to_string).collect();
    if rows > lines.len() as u64 {
        lines.push(format!("and {} more", grouped(&(rows - lines.len() as u64).to_string())));
    }
    Some(format!("{title}\n{}", lines.join("\n")))
}

fn people(figures: &Figures) -> Table {
    let rows = [
        ("rows", figures.rows),
        ("rejected", figures.rejected),
        ("leads", figures.leads),
        ("contacts", figures.contacts),
        ("linked duplicates (leads of a known contact)", figures.linked_duplicates),
        ("of them repeats (same product within 30 days)", figures.repeats),
        ("customers", figures.customers),
    ];
    table(["", "count"], rows.map(|(what, count)| [what.to_owned(), number(count)]))
}

fn reasons(reasons: &[Counted]) -> Table {
    let row = |counted: &Counted| reason(&counted.field, &counted.reason, counted.rows.unsigned_abs());
    table(["reason", "rows"], reasons.iter().map(row))
}

fn reason(field: &str, code: &str, rows: u64) -> [String; 2] {
    [format!("{field}: {}", code.replace('_', " ")), grouped(&rows.to_string())]
}

fn funnel(figures: &Figures) -> Table {
    let funnel = &figures.funnel;
    let steps = [
        ("received", funnel.received),
        ("contacted", funnel.contacted),
        ("scheduled", funnel.scheduled),
        ("met", funnel.met),
        ("won", funnel.won),
        ("lost", funnel.lost),
    ];
    let share = |n: i64| match funnel.received {
        0 => "-".to_owned(),
        all => percent(n as f64 / all as f64),
    };
    table(["step", "leads", "of all"], steps.map(|(step, n)| [step.to_owned(), number(n), share(n)]))
}

fn targets(figures: &Figures) -> Table {
    let row = |target: &str, ends: &Ends| {
        let Ends { booked, moved, cancelled, missed, completed, sold } = *ends;
        let [booked, moved, cancelled, missed, completed, sold] =
            [booked, moved, cancelled, missed, completed, sold].map(number);
        [target.to_owned(), booked, moved, cancelled, missed, completed, sold]
    };
    let mut rows: Vec<_> =
        figures.appointments_by_target.iter().map(|(target, ends)| row(target, ends)).collect();
    rows.push(row("unrouted", &figures.unrouted));
    rows.push(row("all", &figures.appointments));
    table(["target", "booked", "moved", "cancelled", "missed", "completed", "sold"], rows)
}

fn sales(figures: &Figures) -> Table {
    let mut rows = vec![["conversions".to_owned(), number(figures.conversions)]];
    if figures.conversions_before_their_lead != 0 {
        let before = number(figures.conversions_before_their_lead);
        rows.push(["of them before their lead came in".to_owned(), before]);
    }
    rows.extend(figures.revenue.iter().map(|(currency, sum)| [format!("revenue, {currency}"), grouped(sum)]));
    table(["", "sum"], rows)
}

fn sources(figures: &Figures) -> Table {
    let credit = |credit: &Credit| {
        let mut text = number(credit.conversions);
        if !credit.revenue.is_empty() {
            text = format!("{text}: {}", amounts(&credit.revenue));
        }
        text
    };
    let row = |source: &SourceFigures| {
        let rate = source.rate.map_or_else(|| "-".to_owned(), percent);
        let credits = [credit(&source.own), credit(&source.first_touch), credit(&source.last_touch)];
        let [own, first, last] = credits;
        [source.source.clone(), number(source.leads), number(source.converted), rate, own, first, last]
    };
    let header = ["source", "leads", "converted", "rate", "of its leads", "first touch", "last touch"];
    table(header, figures.sources.iter().map(row))
}

/// The first days, a row for those between, the last day, and all of them.
fn days(days: &[Day]) -> Table {
    let row = |name: String, days: &[Day]| {
        let sum = |of: fn(&Day) -> i64| number(days.iter().map(of).sum());
        let revenue = match days {
            [day] => amounts(&day.revenue),
            _ => String::new(),
        };
        [
            name,
            sum(|day| day.leads),
            sum(|day| day.contacts),
            sum(|day| day.repeats),
            sum(|day| day.rejected),
            sum(|day| day.booked),
            sum(|day| day.converted),
            revenue,
        ]
    };
    let single = |day: &Day| row(day.day.to_string(), std::slice::from_ref(day));
    let mut rows: Vec<_> = days.iter().take(DAYS_SHOWN).map(single).collect();
    if let Some((last, between)) = days.get(DAYS_SHOWN..).and_then(<[Day]>::split_last) {
        if !between.is_empty() {
            rows.push(row(format!("{} more days", between.len()), between));
        }
        rows.push(single(last));
    }
    rows.push(row("all".to_owned(), days));
    table(["day", "leads", "contacts", "repeats", "rejected", "booked", "converted", "revenue"], rows)
}

pub(crate) fn titled(title: &str, table: Table) -> String {
    format!("{title}\n{table}")
}

fn counts<const N: usize>(rows: [(&str, u64); N]) -> Table {
    let shown = rows.into_iter().filter(|(what, count)| *count > 0 || *what == "rows");
    table(["", "rows"], shown.map(|(what, count)| [what.to_owned(), grouped(&count.to_string())]))
}

/// A table whose first column is text and whose others are numbers.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header).add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

pub(crate) fn amounts(revenue: &Revenue) -> String {
    let amount = |(currency, sum): (&String, &String)| format!("{} {currency}", grouped(sum));
    revenue.iter().map(amount).collect::<Vec<_>>().join(", ")
}

pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

pub(crate) fn number(n: i64) -> String {
    grouped(&n.to_string())
}

/// A decimal with its thousands set apart.
fn grouped(decimal: &str) -> String {
    let (whole, rest) = decimal.split_at(decimal.find('.').unwrap_or(decimal.len()));
    let mut grouped = String::new();
    for (n, digit) in whole.chars().enumerate() {
        let left = whole.len() - n;
        if n > 0 && left % 3 == 0 && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

/// Days of the table before it is cut short.
const DAYS_SHOWN: usize = 7;
/// Problems that are printed: the JSON has more.
const PROBLEMS_SHOWN: usize = 10;

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_set_apart() {
        for (decimal, shown) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("1234567.50", "1,234,567.50"),
            ("-123456", "-123,456"),
        ] {
            assert_eq!(grouped(decimal), shown);
        }
    }
}
