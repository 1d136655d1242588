use chrono::{DateTime, Utc};
use convio_core::attribution::{TouchKind, TouchOf, Touchpoint, Tracked, Who};
use convio_core::store::{CommitError, JOURNEY_ROWS_MAX, StoreError};
use convio_core::{
    Campaign, ContactId, Currency, KeyKind, MarketingChannel, Medium, Money, Source, TouchpointId,
    WorkspaceId,
};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use crate::cells::{Cells, Id, micros, to_json};
use crate::put::{Put, Sql};
use crate::readers::query_all;

/// The columns, in the order in which they are written and read.
macro_rules! columns {
    () => {
        "workspace_id, id, contact_id, visitor, at, kind, source, medium, campaign, channel, click_ids, cost_minor,
         cost_currency, created_at"
    };
}

/// The newest touches of a contact, and of the visitors and contacts that it is, at or before a time, by time and id: 2 statements, and
/// one for each visitor and merged contact.
pub(crate) fn of_contact(
    conn: &Connection,
    workspace: WorkspaceId,
    contact: ContactId,
    at: DateTime<Utc>,
) -> Result<Vec<Touchpoint>, StoreError> {
    let kinds = [KeyKind::Visitor, KeyKind::Contact].map(KeyKind::code);
    let key = params![Id(workspace.uuid()), Id(contact.uuid()), kinds[0], kinds[1]];
    let others: Vec<(Uuid, String)> = query_all(conn, OTHERS, key, |row| {
        let mut cells = Cells::of("contact_key", row);
        let kind: u8 = cells.get()?;
        match kind == kinds[0] {
            true => Ok((Uuid::nil(), cells.get()?)),
            false => Ok((cells.map(|id: String| id.parse())?, String::new())),
        }
    })?;
    let mut touches = Vec::new();
    // Its own id is among them where it was merged once, and is no more.
    let others = others.into_iter().filter(|(id, _)| *id != contact.uuid());
    for (contact, visitor) in others.chain([(contact.uuid(), String::new())]) {
        let owner = params![Id(workspace.uuid()), Id(contact), visitor, micros(at)];
        touches.extend(query_all(conn, NEWEST, owner, read)?);
    }
    touches.sort_by_key(Touchpoint::order);
    touches.drain(..touches.len().saturating_sub(JOURNEY_ROWS_MAX));
    Ok(touches)
}

/// Writes a row that is not there: 1 statement.
pub(crate) fn put(put: &mut Put<'_>, row: &Tracked) -> Result<(), CommitError> {
    let Tracked { workspace, of, touch, created_at } = row;
    let Touchpoint { who, source, medium, campaign, channel, click_ids, cost, webhook: _, provider: _, at } =
        touch;
    let Who::Other { id, kind } = who else {
        return Err(CommitError::Misuse("a lead is kept as a lead, not as another touch".to_owned()));
    };
    let (contact, visitor) = match of {
        TouchOf::Contact(id) => (id.uuid(), ""),
        TouchOf::Visitor(id) => (Uuid::nil(), id.as_str()),
    };
    put.row(params![
        Id(workspace.uuid()),
        Id(id.uuid()),
        Id(contact),
        visitor,
        micros(*at),
        kind.code(),
        source.as_str(),
        medium.as_ref().map(Medium::as_str),
        campaign.as_ref().map(Campaign::as_str),
        channel.as_str(),
        to_json(click_ids)?,
        cost.map(|cost| cost.minor()),
        cost.as_ref().map(|cost| cost.currency().code()),
        micros(*created_at),
    ])
}

fn read(row: &Row<'_>) -> Result<Touchpoint, StoreError> {
    let mut cells = Cells::of("touchpoint", row);
    let _ = cells.uuid()?;
    let id = TouchpointId::from_uuid(cells.uuid()?);
    let _ = cells.uuid()?;
    let _: String = cells.get()?;
    let at = cells.time()?;
    let kind = cells.map(|code: String| TouchKind::from_code(&code).ok_or("no kind of touch"))?;
    let source = cells.map(|text: String| Source::new(&text))?;
    let medium = cells.map_opt(|text: String| Medium::new(&text))?;
    let campaign = cells.map_opt(|text: String| Campaign::new(&text))?;
    let channel = cells.map(|text: String| MarketingChannel::new(&text))?;
    let click_ids = cells.json()?;
    let minor: Option<i64> = cells.get()?;
    let currency = cells.map_opt(|code: String| code.parse::<Currency>())?;
    Ok(Touchpoint {
        medium,
        campaign,
        click_ids,
        cost: minor.zip(currency).map(|(minor, currency)| Money::from_minor(minor, currency)),
        ..Touchpoint::new(Who::Other { id, kind }, source, channel, at)
    })
}

const OTHERS: &str = "SELECT kind, value FROM contact_key INDEXED BY contact_key_contact_ix
     WHERE workspace_id = ?1 AND contact_id = ?2 AND kind IN (?3, ?4)";
// The limit is `JOURNEY_ROWS_MAX`.
const NEWEST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM touchpoint INDEXED BY touchpoint_of_ix WHERE workspace_id = ?1 AND contact_id = ?2 AND visitor = ?3 AND at <= ?4
      ORDER BY at DESC, id DESC LIMIT 1000"
);

/// Writes a row.
pub(crate) const PUT: Sql = Sql {
    head: concat!("INSERT OR REPLACE INTO touchpoint (", columns!(), ") VALUES"),
    values: 14,
    tail: "",
};
