//! The user's own sales: conversions of the leads that were imported, by the leads' external ids.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use convio_core::intake::{Line, Problem, Row, TimeFormat};
use convio_core::text::ConversionType;
use convio_core::{Currency, Error, Money, NewConversion, Reason, WorkspaceHandle, Zone};
use serde::Serialize;

use crate::Failure;
use crate::arguments::Arguments;
use crate::calls;
use crate::job::{columns_exist, options};

/// What became of the rows of a file of sales.
#[derive(Debug, Default, Serialize)]
pub(crate) struct SalesReport {
    pub(crate) rows: u64,
    /// Rows whose conversion stands, recorded now or before.
    pub(crate) recorded: u64,
    /// Rows that could not be recorded; the first of them by line.
    pub(crate) failed: u64,
    pub(crate) problems: Vec<Problem>,
}

/// Records every row of the file as a conversion. Each has an id, that of its column or its place in the file, under which
/// it is recorded once.
pub(crate) async fn run(
    workspace: &WorkspaceHandle<'static>,
    webhook: &str,
    path: &Path,
    arguments: &Arguments,
    at_once: usize,
) -> Result<SalesReport, Failure> {
    let mut file = options(&arguments.own)?.open(path)?;
    let columns = Arc::new(Columns::of(arguments)?);
    columns_exist(&file, columns.by_field.values())?;
    let ids: Vec<(Line, String)> = {
        let lines: Vec<Line> = file.rows()?.collect::<Result<_, _>>()?;
        lines
            .into_iter()
            .map(|line| {
                let id = file.row_id(line.number());
                (line, id)
            })
            .collect()
    };
    let mut report = SalesReport { rows: ids.len() as u64, ..SalesReport::default() };
    let calls = ids.into_iter().map(|(line, id)| {
        let (workspace, columns, webhook) = (workspace.clone(), columns.clone(), webhook.to_owned());
        async move {
            let number = line.number();
            let recorded = match line {
                Line::Bad(bad) => Err(vec![bad.reason]),
                Line::Row(row) => record(&workspace, &webhook, &columns, &row, id).await?,
            };
            Ok((number, recorded))
        }
    });
    let mut problems = BTreeMap::new();
    calls::all("sales", calls.collect(), at_once, |(line, recorded)| match recorded {
        Ok(()) => report.recorded += 1,
        Err(reasons) => {
            problems.insert(line, reasons);
        }
    })
    .await?;
    report.failed = problems.len() as u64;
    let problem = |(line, reasons)| Problem { line, outcome: "failed", reasons };
    report.problems = problems.into_iter().map(problem).take(PROBLEMS_SHOWN).collect();
    Ok(report)
}

/// Records one; the inner error is the row's.
async fn record(
    workspace: &WorkspaceHandle<'_>,
    webhook: &str,
    columns: &Columns,
    row: &Row,
    row_id: String,
) -> Result<Result<(), Vec<Reason>>, Failure> {
    let sale = match columns.sale(row) {
        Ok(sale) => sale,
        Err(reason) => return Ok(Err(vec![reason])),
    };
    let Some(lead) = workspace.lead_by_external_id(webhook, &sale.lead).await? else {
        let reason =
            Reason::new("lead", "unknown", "no lead has this external id, or it waits as a rejection");
        return Ok(Err(vec![reason]));
    };
    let mut new = NewConversion::sale(lead.id, sale.value).external_id(sale.id.unwrap_or(row_id));
    if let Some(at) = sale.at {
        new = new.occurred_at(at);
    }
    if let Some(kind) = sale.kind {
        new = new.of_type(kind);
    }
    match workspace.convert(new).await {
        Ok(_) => Ok(Ok(())),
        Err(error) if is_of_row(&error) => Ok(Err(match error.reasons() {
            [] => vec![Reason::new("sale", "failed", error.to_string())],
            reasons => reasons.to_vec(),
        })),
        Err(error) => Err(error.into()),
    }
}

fn is_of_row(error: &Error) -> bool {
    use convio_core::ErrorKind::{Conflict, Invalid, NotFound};
    matches!(error.kind(), Conflict | Invalid | NotFound)
}

/// Which columns say what.
struct Columns {
    by_field: BTreeMap<String, String>,
    currency: Currency,
    times: Vec<TimeFormat>,
}

/// What a row says.
struct Sale {
    lead: String,
    value: Money,
    at: Option<DateTime<Utc>>,
    kind: Option<ConversionType>,
    id: Option<String>,
}

impl Columns {
    fn of(arguments: &Arguments) -> Result<Self, Failure> {
        let mut by_field = BTreeMap::new();
        for (column, field) in &arguments.sales.sales_map {
            if !FIELDS.contains(&field.as_str()) {
                return Err(format!("a sale has no `{field}`: say {}", FIELDS.join(", ")).into());
            }
            if by_field.insert(field.clone(), column.clone()).is_some() {
                return Err(format!("two columns are read as `{field}`").into());
            }
        }
        if !by_field.contains_key("lead") {
            return Err("say by --sales-map COLUMN=lead which column has the leads' external ids".into());
        }
        let zone = Zone::parse(&arguments.own.zone)?;
        let told = arguments.own.time_format.as_ref();
        let told = told.map(|pattern| TimeFormat::pattern(pattern, zone.clone())).transpose()?;
        // The two files of a sender need not write times alike.
        let times = told.into_iter().chain([TimeFormat::iso(zone)]).collect();
        Ok(Self { by_field, currency: arguments.own.currency.parse()?, times })
    }

    fn sale(&self, row: &Row) -> Result<Sale, Reason> {
        let said = |field: &str| {
            let cell = row.get(self.by_field.get(field)?)?.trim();
            (!cell.is_empty()).then(|| cell.to_owned())
        };
        let wrong =
            |field: &str, error: &dyn std::error::Error| Reason::new(field, "invalid", error.to_string());
        let currency = match said("currency") {
            Some(code) => code.parse().map_err(|error| wrong("currency", &error))?,
            None => self.currency,
        };
        let value = match said("value") {
            Some(text) => Money::from_decimal(&text, currency).map_err(|error| wrong("value", &error))?,
            None => Money::zero(currency),
        };
        let at = match said("at") {
            None => None,
            Some(text) => match self.times.iter().find_map(|format| format.read(&text).ok()) {
                None => return Err(Reason::new("at", "unreadable", format!("`{text}` is no time"))),
                at => at,
            },
        };
        let kind = said("type").map(|text| ConversionType::new(&text)).transpose();
        Ok(Sale {
            lead: said("lead").ok_or_else(|| Reason::missing("lead"))?,
            value,
            at,
            kind: kind.map_err(|error| wrong("type", &error))?,
            id: said("id"),
        })
    }
}

/// What a sale is told by.
const FIELDS: [&str; 6] = ["lead", "value", "currency", "at", "type", "id"];
/// Problems that are shown one by one.
const PROBLEMS_SHOWN: usize = convio_core::intake::PROBLEMS_SHOWN;
