use convio_core::attribution::{TouchKind, TouchOf, Touchpoint, Tracked, Who};
use convio_core::store::StoreError;
use convio_core::{Campaign, Currency, MarketingChannel, Medium, Money, Source, TouchpointId};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::cells::{Cells, to_json};
use crate::table::table;

table! {
    TOUCHPOINT, bind: "touchpoint" ["id"] Refused, |row| &Tracked {
        "id" uuid = row.touch.id().uuid();
        "contact_id" uuid = owner(row).0;
        "visitor" text = owner(row).1;
        "at" timestamptz = row.touch.at;
        "kind" text = kind(row);
        "source" text = row.touch.source.as_str();
        "medium" text = row.touch.medium.as_ref().map(Medium::as_str);
        "campaign" text = row.touch.campaign.as_ref().map(Campaign::as_str);
        "channel" text = row.touch.channel.as_str();
        "click_ids" json = to_json(&row.touch.click_ids)?;
        "cost_minor" int8 = row.touch.cost.map(|cost| cost.minor());
        "cost_currency" text = row.touch.cost.as_ref().map(|cost| cost.currency().code());
        "created_at" timestamptz = row.created_at;
    }
}

/// The contact and the visitor whose it is: one of both, the other one is nil or empty.
fn owner(row: &Tracked) -> (Uuid, &str) {
    match &row.of {
        TouchOf::Contact(id) => (id.uuid(), ""),
        TouchOf::Visitor(id) => (Uuid::nil(), id),
    }
}

/// Of a lead, which is kept as a lead, there is none: the table takes no empty kind.
fn kind(row: &Tracked) -> &'static str {
    match row.touch.who {
        Who::Other { kind, .. } => kind.code(),
        Who::Lead(_) => "",
    }
}

pub(crate) fn read(row: &PgRow) -> Result<Touchpoint, StoreError> {
    let mut cells = Cells::of(&TOUCHPOINT, row)?;
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

// The contact's own and those of each visitor and merged contact that it is, the newest of each, and the newest of all. The limit is
// `JOURNEY_ROWS_MAX`.
macro_rules! touches {
    ($contact:literal) => {
        concat!(
            "(SELECT ",
            $contact,
            " AS contact_id, '' AS visitor
              UNION ALL SELECT '00000000-0000-0000-0000-000000000000'::uuid, k.value FROM {s}.contact_key AS k
              WHERE k.workspace_id = $1 AND k.contact_id = ",
            $contact,
            " AND k.kind = 4
              UNION ALL SELECT k.value::uuid, '' FROM {s}.contact_key AS k
              WHERE k.workspace_id = $1 AND k.contact_id = ",
            $contact,
            " AND k.kind = 5 AND k.value <> k.contact_id::text) AS v
             CROSS JOIN LATERAL (SELECT * FROM {s}.touchpoint AS t WHERE t.workspace_id = $1 AND t.contact_id = v.contact_id
                 AND t.visitor = v.visitor AND t.at <= {1} ORDER BY t.at DESC, t.id DESC LIMIT 1000) AS x
             ORDER BY x.at DESC, x.id DESC LIMIT 1000"
        )
    };
}

pub(crate) const TOUCHES_OF_LEAD: &str =
    touches!("(SELECT o.contact_id FROM {s}.lead AS o WHERE o.workspace_id = $1 AND o.id = {0})");
pub(crate) const TOUCHES_OF_APPOINTMENT: &str =
    touches!("(SELECT o.contact_id FROM {s}.appointment AS o WHERE o.workspace_id = $1 AND o.id = {0})");
pub(crate) const TOUCHES_OF_CONTACT: &str = touches!("{0}");
