use convio_core::change_set::Version;
use convio_core::contact::{
    Contact, ContactFilter, ContactKey, ContactNumber, ContactRef, FIELDS, Person, Stamp, Stamps, Touch,
};
use convio_core::email::Email;
use convio_core::page::{Cursor, Page, PageRequest};
use convio_core::phone::{ParsedPhone, Phone, Validity};
use convio_core::store::StoreError;
use convio_core::{ContactId, LeadId, PostalCode, Source, WorkspaceId};
use sqlx::postgres::PgRow;

use crate::cells::{Cells, int, micros_up, to_json};
use crate::rows::read_all;
use crate::session::{Session, page_args};
use crate::table::{Args, table};

table! {
    CONTACT, bind: "contact" ["id"] Replaced, |(row, _)| &(Contact, Option<Version>) {
        "id" uuid = row.id.uuid();
        "number" int8 = int(row.number.as_u64());
        "first_name" text = row.person.first_name.as_deref();
        "last_name" text = row.person.last_name.as_deref();
        "email" text = row.person.email.as_ref().map(Email::as_str);
        "phone" text = row.person.phone.as_ref().map(|parsed| parsed.phone.e164());
        "phone_validity" text = row.person.phone.as_ref().map(|parsed| parsed.phone.validity().as_str());
        "phone_ext" text = row.person.phone.as_ref().and_then(|parsed| parsed.extension.as_deref());
        "street" text = row.person.street.as_deref();
        "street2" text = row.person.street2.as_deref();
        "city" text = row.person.city.as_deref();
        "state" text = row.person.state.as_deref();
        "postal_code" text = row.person.postal_code.as_ref().map(PostalCode::as_str);
        "country" text = row.person.country.as_deref();
        "stamps" bytea = stamps_bytes(&row.stamps);
        "first_source" text = row.first_touch.source.as_str();
        "first_lead" uuid = row.first_touch.lead.uuid();
        "first_at" timestamptz = row.first_touch.at;
        "leads" int8 = i64::from(row.leads);
        "customer_since" timestamptz = row.customer_since;
        "conversions" int8 = i64::from(row.conversions);
        "lifetime" json = to_json(&row.lifetime)?;
        "merged_into" uuid = row.merged_into.map(ContactId::uuid);
        "created_at" timestamptz = row.created_at;
        "version" int8 = int(row.version.0);
    }
}

impl Session<'_> {
    /// One statement per way of naming contacts.
    pub(crate) async fn fetch_contacts(
        &self,
        workspace: WorkspaceId,
        refs: &[ContactRef],
    ) -> Result<Vec<Option<Contact>>, StoreError> {
        let (mut ids, mut numbers, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for contact in refs {
            match contact {
                ContactRef::Id(id) => ids.push(id.uuid()),
                ContactRef::Number(number) => numbers.push(int(number.as_u64())),
                ContactRef::Key(key) => keys.push(key),
            }
        }
        let mut found: Vec<Contact> = Vec::new();
        if !ids.is_empty() {
            let args = Args::default().with(workspace.uuid()).with(ids);
            let rows = self.read(workspace, self.sql().select(&CONTACT, BY_IDS), args).await?;
            found.extend(read_all(&rows, read)?);
        }
        if !numbers.is_empty() {
            let args = Args::default().with(workspace.uuid()).with(numbers);
            let rows = self.read(workspace, self.sql().select(&CONTACT, BY_NUMBERS), args).await?;
            found.extend(read_all(&rows, read)?);
        }
        let mut by_key: Vec<(&ContactKey, Contact)> = Vec::new();
        for key in keys {
            let args = Args::default().with(workspace.uuid()).with(key.scope.code());
            let args = args.with(i16::from(key.kind.code())).with(key.value.as_str());
            let rows = self.read(workspace, self.sql().select(&CONTACT, BY_KEY), args).await?;
            by_key.extend(rows.first().map(read).transpose()?.map(|contact| (key, contact)));
        }
        let one = |wanted: &ContactRef| match wanted {
            ContactRef::Id(id) => found.iter().find(|contact| contact.id == *id).cloned(),
            ContactRef::Number(number) => found.iter().find(|contact| contact.number == *number).cloned(),
            ContactRef::Key(key) => {
                by_key.iter().find(|(found, _)| *found == key).map(|(_, row)| row.clone())
            }
        };
        Ok(refs.iter().map(one).collect())
    }

    pub(crate) async fn list_contacts(
        &self,
        workspace: WorkspaceId,
        filter: &ContactFilter,
        page: &PageRequest,
    ) -> Result<Page<Contact>, StoreError> {
        let rest = match (&filter.phone, filter.created_from.or(filter.created_until)) {
            (Some(_), _) => LIST_OF_PHONE,
            (None, Some(_)) => LIST_OF_RANGE,
            (None, None) => LIST,
        };
        let args = page_args(workspace, page)
            .with(filter.phone.as_deref())
            .with(filter.created_from.map(micros_up))
            .with(filter.created_until.map(micros_up))
            .with(i64::from(filter.leads_min))
            .with(filter.with_merged);
        let rows = self.read(workspace, self.sql().select(&CONTACT, rest), args).await?;
        Ok(Page::of(read_all(&rows, read)?, page.size(), |row| Cursor::id(row.id.uuid())))
    }
}

/// Three arrays: scopes, kinds, values.
pub(crate) fn keys_args<'k>(args: Args, keys: impl Iterator<Item = &'k ContactKey> + Clone) -> Args {
    args.with(keys.clone().map(|key| key.scope.code()).collect::<Vec<_>>())
        .with(keys.clone().map(|key| i16::from(key.kind.code())).collect::<Vec<_>>())
        .with(keys.map(|key| key.value.as_str()).collect::<Vec<_>>())
}

pub(crate) fn read(row: &PgRow) -> Result<Contact, StoreError> {
    let mut cells = Cells::of(&CONTACT, row)?;
    let workspace = WorkspaceId::from_uuid(cells.uuid()?);
    let id = ContactId::from_uuid(cells.uuid()?);
    let number = cells.map(|n: i64| {
        u64::try_from(n).ok().and_then(ContactNumber::from_stored).ok_or("no contact number")
    })?;
    let (first_name, last_name) = (cells.get()?, cells.get()?);
    let email = cells.map_opt(|text: String| Email::parse(&text))?;
    let number_text: Option<String> = cells.get()?;
    let validity = cells.map_opt(|text: String| text.parse::<Validity>())?.unwrap_or(Validity::Possible);
    let extension: Option<String> = cells.get()?;
    let phone = number_text.map(|text| Phone::from_e164(&text, validity)).transpose();
    let phone = phone.map_err(|error| StoreError::Corrupt {
        table: "contact",
        column: "phone".to_owned(),
        id: format!("{workspace}/{id}"),
        fault: convio_core::store::Fault::new(error),
    })?;
    let person = Person {
        first_name,
        last_name,
        email,
        phone: phone.map(|phone| ParsedPhone { phone, extension }),
        street: cells.get()?,
        street2: cells.get()?,
        city: cells.get()?,
        state: cells.get()?,
        postal_code: cells.map_opt(|text: String| PostalCode::parse(&text))?,
        country: cells.get()?,
    };
    Ok(Contact {
        id,
        workspace,
        number,
        person,
        stamps: cells.map(|bytes: Vec<u8>| stamps_from_bytes(&bytes).ok_or("no stamps"))?,
        first_touch: Touch {
            source: cells.map(|text: String| Source::new(&text))?,
            lead: LeadId::from_uuid(cells.uuid()?),
            at: cells.time()?,
        },
        leads: cells.small()?,
        customer_since: cells.opt_time()?,
        conversions: cells.small()?,
        lifetime: cells.json()?,
        merged_into: cells.get::<Option<_>>()?.map(ContactId::from_uuid),
        created_at: cells.time()?,
        version: Version(cells.count()?),
    })
}

/// The stamps at a fixed width, so that SQL can compare each by its place: no stamp is all zeros, which sort first.
fn stamps_bytes(stamps: &Stamps) -> Vec<u8> {
    FIELDS.iter().flat_map(|field| stamps.of(*field).map_or([0; STAMP_BYTES], Stamp::to_bytes)).collect()
}

/// The stamp of every field that is offered, at a fixed width.
pub(crate) fn offered_bytes(person: &Person, stamp: Stamp) -> Vec<u8> {
    FIELDS
        .iter()
        .flat_map(|field| if person.has(*field) { stamp.to_bytes() } else { [0; STAMP_BYTES] })
        .collect()
}

fn stamps_from_bytes(bytes: &[u8]) -> Option<Stamps> {
    let mut packed = Vec::with_capacity(bytes.len() + FIELDS.len());
    let mut stamps = bytes.chunks_exact(STAMP_BYTES);
    for stamp in stamps.by_ref() {
        if stamp.iter().all(|byte| *byte == 0) {
            packed.push(0);
        } else {
            packed.push(STAMP_BYTES as u8);
            packed.extend_from_slice(stamp);
        }
    }
    if !stamps.remainder().is_empty() { None } else { Stamps::from_bytes(&packed) }
}

const STAMP_BYTES: usize = 25;
const BY_IDS: &str = "x.workspace_id = $1 AND x.id = ANY($2)";
const BY_NUMBERS: &str = "x.workspace_id = $1 AND x.number = ANY($2)";
const BY_KEY: &str = "x.workspace_id = $1 AND x.id = (SELECT k.contact_id FROM {s}.contact_key AS k
    WHERE k.workspace_id = $1 AND k.scope = $2 AND k.kind = $3 AND k.value = $4)";
const LIST: &str = "x.workspace_id = $1 AND x.id > $2 AND $4::text IS NULL AND $5::timestamptz IS NULL
    AND $6::timestamptz IS NULL AND x.leads >= $7 AND ($8 OR x.merged_into IS NULL) ORDER BY x.id LIMIT $3";
const LIST_OF_PHONE: &str = "x.workspace_id = $1 AND x.phone = $4 AND x.id > $2 AND x.leads >= $7
    AND x.created_at >= coalesce($5::timestamptz, '-infinity') AND x.created_at < coalesce($6::timestamptz, 'infinity')
    AND ($8 OR x.merged_into IS NULL) ORDER BY x.id LIMIT $3";
const LIST_OF_RANGE: &str = "x.workspace_id = $1 AND $4::text IS NULL AND x.id > $2 AND x.leads >= $7
    AND x.created_at >= coalesce($5::timestamptz, '-infinity') AND x.created_at < coalesce($6::timestamptz, 'infinity')
    AND ($8 OR x.merged_into IS NULL) ORDER BY x.id LIMIT $3";
