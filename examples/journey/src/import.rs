//! Import: rows of a file, as they are, in batches.
//!
//! Nothing is remembered beside the database. A row has claimed its external id, whether it became a lead or a rejection, and
//! comes back as a replay.

use std::collections::HashSet;

use convio_core::rejection::RejectionFilter;
use convio_core::service::Atomicity;
use convio_core::{KeyKind, NewWebhook, RawLead, WorkspaceHandle};
use csv::StringRecord;

use crate::Failure;
use crate::figures::all;
use crate::progress::Progress;
use crate::rules::RecId;

/// Imports the file; rows that were imported before are left as they are.
pub(crate) async fn run(workspace: &WorkspaceHandle<'_>) -> Result<(), Failure> {
    webhook(workspace).await?;
    let (columns, records) = read()?;
    let kept = rejected(workspace).await?;
    let mut progress = Progress::of("import", records.len());
    for chunk in records.chunks(BATCH_ROWS) {
        let rows = chunk.iter().map(|record| lead(&columns, record)).collect::<Result<Vec<_>, _>>()?;
        let (ids, leads): (Vec<String>, Vec<RawLead>) =
            rows.into_iter().filter(|(id, _)| !kept.contains(id)).unzip();
        let answer = workspace.ingest_batch(leads, Atomicity::PerRow).await?;
        for (id, row) in ids.iter().zip(answer.rows) {
            // Taken, rejected or a replay: all are kept, and read back when the figures are made.
            let _kept = row.map_err(|error| format!("row with rec_id `{id}`: {error}"))?;
        }
        progress.add(chunk.len());
    }
    progress.finish();
    Ok(())
}

/// The entry point of the file: Australian numbers, and a digits key for those that are none.
async fn webhook(workspace: &WorkspaceHandle<'_>) -> Result<(), Failure> {
    if workspace.webhook(WEBHOOK).await?.is_none() {
        let region = "AU".parse()?;
        let new = NewWebhook::named(WEBHOOK).with(|settings| {
            settings.region = Some(region);
            settings.keys = vec![KeyKind::Phone, KeyKind::Digits];
        });
        workspace.create_webhook(new).await?;
    }
    Ok(())
}

fn read() -> Result<(StringRecord, Vec<StringRecord>), Failure> {
    let mut reader = csv::Reader::from_path(FILE).map_err(|error| format!("can't read `{FILE}`: {error}"))?;
    let columns = reader.headers()?.clone();
    for column in WITHHELD {
        if !columns.iter().any(|name| name == column) {
            return Err(format!("`{FILE}` has no column `{column}`: is it another file?").into());
        }
    }
    let records = reader.records().collect::<Result<_, _>>()?;
    Ok((columns, records))
}

/// The external ids of all rows that are kept as rejections.
async fn rejected(workspace: &WorkspaceHandle<'_>) -> Result<HashSet<String>, Failure> {
    let filter = RejectionFilter::default();
    let rejections = all(async |page| workspace.rejections(&filter, &page).await).await?;
    Ok(rejections.into_iter().filter_map(|rejection| rejection.external_id).collect())
}

/// A row as it is sent, with its external id.
fn lead(columns: &StringRecord, record: &StringRecord) -> Result<(String, RawLead), Failure> {
    let at = columns.iter().position(|name| name == REC_ID);
    let id = at.and_then(|at| record.get(at)).ok_or("a row has no rec_id")?;
    let n: RecId = id.parse()?;
    let raw = RawLead::row(cells(columns, record, n))
        .webhook(WEBHOOK)
        .external_id(id)
        .received_at(n.received_at()?);
    Ok((id.to_owned(), raw))
}

/// The cells that are sent: those of the file under its own column names, without what would give the truth away, and
/// what the rules add.
fn cells<'r>(
    columns: &'r StringRecord,
    record: &'r StringRecord,
    n: RecId,
) -> impl Iterator<Item = (&'r str, &'r str)> {
    let sent = columns.iter().zip(record).filter(|(name, _)| !WITHHELD.contains(name));
    sent.chain([("product", n.product())]).chain(n.source().map(|source| ("source", source)))
}

/// The name of the webhook that the file comes through.
const WEBHOOK: &str = "febrl";
/// Rows of one commit.
const BATCH_ROWS: usize = 1_000;
/// The file. It travels with the example's sources.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/febrl_a.csv");
const REC_ID: &str = "rec_id";
/// Columns that are not sent: the record's number (it is the external id), and those that name the person behind it.
const WITHHELD: [&str; 4] = [REC_ID, "entity_id", "soc_sec_id", "blocking_number"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_truth_is_not_sent() {
        let (columns, records) = read().unwrap();
        assert_eq!(records.len(), 10_000);
        let n: RecId = records[0].get(0).unwrap().parse().unwrap();
        let sent: Vec<&str> = cells(&columns, &records[0], n).map(|(name, _)| name).collect();
        assert_eq!(
            sent,
            [
                "given_name",
                "surname",
                "street_number",
                "address_1",
                "address_2",
                "suburb",
                "postcode",
                "state",
                "date_of_birth",
                "age",
                "phone_number",
                "product",
                "source"
            ]
        );
    }
}
