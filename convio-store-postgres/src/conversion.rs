use convio_core::change_set::Version;
use convio_core::contact::Touch;
use convio_core::conversion::{Conversion, ConversionFilter, Voided};
use convio_core::page::{Cursor, Page, PageRequest};
use convio_core::store::StoreError;
use convio_core::{
    AppointmentId, ContactId, ConversionId, ConversionType, Currency, LeadId, Money, Source, WorkspaceId,
};
use sqlx::postgres::PgRow;

use crate::cells::{Cells, int, to_json};
use crate::rows::{in_order, read_all};
use crate::session::{Session, page_args};
use crate::table::{Args, table};

table! {
    CONVERSION, bind: "conversion" ["id"] Replaced, |row| &Conversion {
        "id" uuid = row.id.uuid();
        "lead_id" uuid = row.lead.uuid();
        "contact_id" uuid = row.contact.uuid();
        "appointment_id" uuid = row.appointment.map(AppointmentId::uuid);
        "type" text = row.conversion_type.as_str();
        "value_minor" int8 = row.value.minor();
        "net_minor" int8 = row.net.minor();
        "currency" text = row.value.currency().code();
        "adjustments" json = to_json(&row.adjustments)?;
        "rate" json = row.rate.as_ref().map(to_json).transpose()?;
        "first_source" text = row.first_touch.source.as_str();
        "first_lead" uuid = row.first_touch.lead.uuid();
        "first_at" timestamptz = row.first_touch.at;
        "last_source" text = row.last_touch.source.as_str();
        "last_lead" uuid = row.last_touch.lead.uuid();
        "last_at" timestamptz = row.last_touch.at;
        "sold_by" text = row.sold_by.as_deref();
        "external_id" text = row.external_id.as_deref();
        "metadata" json = to_json(&row.metadata)?;
        "occurred_at" timestamptz = row.occurred_at;
        "day" date = row.day;
        "seconds_to_convert" int8 = row.seconds_to_convert;
        "returned" json = row.returned.as_ref().map(to_json).transpose()?;
        "commissions" json = to_json(&row.commissions)?;
        "voided_at" timestamptz = row.voided.as_ref().map(|voided| voided.at);
        "void_reason" text = row.voided.as_ref().map(|voided| voided.reason.as_str());
        "created_at" timestamptz = row.created_at;
        "version" int8 = int(row.version.0);
    }
}

impl Session<'_> {
    pub(crate) async fn fetch_conversions(
        &self,
        workspace: WorkspaceId,
        ids: &[ConversionId],
    ) -> Result<Vec<Option<Conversion>>, StoreError> {
        let keys: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
        let args = Args::default().with(workspace.uuid()).with(keys);
        let rows = self.read(workspace, self.sql().select(&CONVERSION, BY_IDS), args).await?;
        in_order(ids, read_all(&rows, read)?, |row| row.id)
    }

    pub(crate) async fn list_conversions(
        &self,
        workspace: WorkspaceId,
        filter: &ConversionFilter,
        page: &PageRequest,
    ) -> Result<Page<Conversion>, StoreError> {
        let rest = match (filter.lead, filter.contact) {
            (Some(_), _) => LIST_OF_LEAD,
            (None, Some(_)) => LIST_OF_CONTACT,
            (None, None) => LIST,
        };
        let args = page_args(workspace, page)
            .with(filter.lead.map(LeadId::uuid))
            .with(filter.contact.map(ContactId::uuid))
            .with(filter.standing);
        let rows = self.read(workspace, self.sql().select(&CONVERSION, rest), args).await?;
        Ok(Page::of(read_all(&rows, read)?, page.size(), |row| Cursor::id(row.id.uuid())))
    }
}

pub(crate) fn read(row: &PgRow) -> Result<Conversion, StoreError> {
    let mut cells = Cells::of(&CONVERSION, row)?;
    let workspace = WorkspaceId::from_uuid(cells.uuid()?);
    let id = ConversionId::from_uuid(cells.uuid()?);
    let lead = LeadId::from_uuid(cells.uuid()?);
    let contact = ContactId::from_uuid(cells.uuid()?);
    let appointment = cells.get::<Option<_>>()?.map(AppointmentId::from_uuid);
    let conversion_type = cells.map(|text: String| ConversionType::new(&text))?;
    let (value, net) = (cells.get()?, cells.get()?);
    let currency = cells.map(|code: String| code.parse::<Currency>())?;
    Ok(Conversion {
        workspace,
        id,
        lead,
        contact,
        appointment,
        conversion_type,
        value: Money::from_minor(value, currency),
        net: Money::from_minor(net, currency),
        adjustments: cells.json()?,
        rate: cells.opt_json()?,
        first_touch: touch(&mut cells)?,
        last_touch: touch(&mut cells)?,
        sold_by: cells.get()?,
        external_id: cells.get()?,
        metadata: cells.json()?,
        occurred_at: cells.time()?,
        day: cells.day()?,
        seconds_to_convert: cells.get()?,
        returned: cells.opt_json()?,
        commissions: cells.json()?,
        voided: {
            let at = cells.opt_time()?;
            let reason: Option<String> = cells.get()?;
            at.map(|at| Voided { at, reason: reason.unwrap_or_default() })
        },
        created_at: cells.time()?,
        version: Version(cells.count()?),
    })
}

fn touch(cells: &mut Cells<'_>) -> Result<Touch, StoreError> {
    Ok(Touch {
        source: cells.map(|text: String| Source::new(&text))?,
        lead: LeadId::from_uuid(cells.uuid()?),
        at: cells.time()?,
    })
}

macro_rules! list {
    ($of:literal) => {
        concat!(
            "x.workspace_id = $1 AND x.id > $2 AND ",
            $of,
            " AND (NOT $6 OR x.voided_at IS NULL) ORDER BY x.id LIMIT $3"
        )
    };
}

const BY_IDS: &str = "x.workspace_id = $1 AND x.id = ANY($2)";
const LIST: &str = list!("$4::uuid IS NULL AND $5::uuid IS NULL");
const LIST_OF_LEAD: &str = list!("x.lead_id = $4 AND ($5::uuid IS NULL OR x.contact_id = $5)");
const LIST_OF_CONTACT: &str = list!("x.contact_id = $5 AND $4::uuid IS NULL");
