use std::borrow::Cow;
use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::Failure;
use crate::figures::{Counted, Day, Ends, Figures};

/// The figures as readable tables, with the place of the database.
pub(crate) fn tables(figures: &Figures, database: &Path) -> String {
    let parts = [
        titled("the file", people(figures)),
        titled("rejected, by reason", reasons(&figures.rejected_by_reason)),
        titled("taken with a doubt, by reason", reasons(&figures.flagged_by_reason)),
        titled("appointments by target", targets(figures)),
        titled("sales", sales(figures)),
        titled("conversion rate by source", sources(figures)),
        titled("daily statistics", days(&figures.days)),
        place(database),
    ];
    parts.join("\n\n")
}

/// The figures as one JSON object.
pub(crate) fn json(figures: &Figures, database: &Path) -> Result<String, Failure> {
    let whole = Whole { figures, database: database.to_string_lossy() };
    Ok(serde_json::to_string_pretty(&whole)?)
}

#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    figures: &'a Figures,
    database: Cow<'a, str>,
}

fn people(figures: &Figures) -> Table {
    let rows = [
        ("rows", figures.rows),
        ("rejected", figures.rejected),
        ("leads", figures.leads),
        ("contacts", figures.contacts),
        ("linked duplicates (leads of a known contact)", figures.linked_duplicates),
        ("of them repeats (same product within 30 days)", figures.repeats),
    ];
    table(["", "count"], rows.map(|(what, count)| [what.to_owned(), number(count)]))
}

fn reasons(reasons: &[Counted]) -> Table {
    let rows = reasons.iter().map(|counted| {
        [format!("{}: {}", counted.field, counted.reason.replace('_', " ")), number(counted.rows)]
    });
    table(["reason", "rows"], rows)
}

fn targets(figures: &Figures) -> Table {
    let row = |target: &str, ends: &Ends| {
        [target.to_owned(), number(ends.booked), number(ends.completed), number(ends.sold)]
    };
    let mut rows: Vec<_> =
        figures.appointments_by_target.iter().map(|(target, ends)| row(target, ends)).collect();
    rows.push(row("unrouted", &figures.unrouted));
    rows.push(row("all", &figures.appointments));
    table(["target", "booked", "completed", "sold"], rows)
}

fn sales(figures: &Figures) -> Table {
    let mut rows = vec![
        ["conversions".to_owned(), number(figures.conversions)],
        ["customers".to_owned(), number(figures.customers)],
    ];
    rows.extend(figures.revenue.iter().map(|(currency, sum)| [format!("revenue, {currency}"), grouped(sum)]));
    table(["", "sum"], rows)
}

fn sources(figures: &Figures) -> Table {
    let rows = figures.sources.iter().map(|source| {
        let rate = source.rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.1} %", rate * 100.0));
        let revenue: Vec<String> = source
            .first_touch_revenue
            .iter()
            .map(|(currency, sum)| format!("{} {currency}", grouped(sum)))
            .collect();
        [source.source.clone(), number(source.leads), number(source.converted), rate, revenue.join(", ")]
    });
    table(["source", "leads", "converted", "rate", "revenue by first touch"], rows)
}

/// The first days, a row for those between, the last day, and all of them.
fn days(days: &[Day]) -> Table {
    let row = |name: String, days: &[Day]| {
        let sum = |of: fn(&Day) -> i64| number(days.iter().map(of).sum());
        [
            name,
            sum(|day| day.leads),
            sum(|day| day.contacts),
            sum(|day| day.repeats),
            sum(|day| day.rejected),
            sum(|day| day.booked),
            sum(|day| day.converted),
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
    table(["day", "leads", "contacts", "repeats", "rejected", "booked", "converted"], rows)
}

fn place(database: &Path) -> String {
    let path = database.display();
    format!("the database: {path}\nlook into it:  sqlite3 '{path}' '{QUERY}'")
}

fn titled(title: &str, table: Table) -> String {
    format!("{title}\n{table}")
}

/// A table whose first column is text and whose others are numbers.
fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header).add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn number(n: i64) -> String {
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
const QUERY: &str = "SELECT source, product, count(*) FROM lead GROUP BY 1, 2";

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
