use async_trait::async_trait;
use convio_core::change_set::Version;
use convio_core::contact::{
    Contact, ContactFilter, ContactKey, ContactNumber, ContactRef, ContactRepository, KeyKind, KeyScope,
    Person, Stamps, Touch,
};
use convio_core::email::Email;
use convio_core::page::{Page, PageRequest};
use convio_core::phone::{ParsedPhone, Phone, Validity};
use convio_core::store::{CommitError, StoreError};
use convio_core::{ContactId, LeadId, PostalCode, Source, WorkspaceId};
use rusqlite::{Connection, Row, params};

use crate::Sqlite;
use crate::access::Access;
use crate::cells::{Cells, Id, int, micros, range, to_json};
use crate::put::{Put, Sql};
use crate::readers::{query_all, query_one, query_page};

#[async_trait]
impl<A: Access> ContactRepository for Sqlite<A> {
    async fn fetch_contacts(
        &self,
        workspace: WorkspaceId,
        refs: &[ContactRef],
    ) -> Result<Vec<Option<Contact>>, StoreError> {
        let refs = refs.to_vec();
        self.access
            .read(move |conn| {
                let one = |contact: &ContactRef| match contact {
                    ContactRef::Id(id) => fetch(conn, workspace, *id),
                    ContactRef::Number(number) => {
                        let values = params![Id(workspace.uuid()), int(number.as_u64())];
                        query_one(conn, BY_NUMBER, values, read)
                    }
                    ContactRef::Key(key) => match by_key(conn, workspace, key)? {
                        Some(id) => fetch(conn, workspace, id),
                        None => Ok(None),
                    },
                };
                refs.iter().map(one).collect()
            })
            .await
    }

    async fn list_contacts(
        &self,
        workspace: WorkspaceId,
        filter: &ContactFilter,
        page: &PageRequest,
    ) -> Result<Page<Contact>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.access.read(move |conn| list(conn, workspace, &filter, &page)).await
    }

    async fn contact_keys(
        &self,
        workspace: WorkspaceId,
        contact: ContactId,
    ) -> Result<Vec<ContactKey>, StoreError> {
        let sql = "SELECT workspace_id, contact_id, scope, kind, value FROM contact_key
                   WHERE workspace_id = ?1 AND contact_id = ?2 ORDER BY scope, kind, value";
        let read = |row: &Row<'_>| {
            let mut cells = Cells::of("contact_key", row);
            let _ = (cells.uuid()?, cells.uuid()?);
            Ok(ContactKey {
                scope: KeyScope::from_code(cells.uuid()?),
                kind: cells.map(|code: u8| KeyKind::from_code(code).ok_or("no kind of key"))?,
                value: cells.get()?,
            })
        };
        let key = [Id(workspace.uuid()), Id(contact.uuid())];
        self.access.read(move |conn| query_all(conn, sql, key, read)).await
    }
}

pub(crate) fn fetch(
    conn: &Connection,
    workspace: WorkspaceId,
    id: ContactId,
) -> Result<Option<Contact>, StoreError> {
    query_one(conn, BY_ID, [Id(workspace.uuid()), Id(id.uuid())], read)
}

fn list(
    conn: &Connection,
    workspace: WorkspaceId,
    filter: &ContactFilter,
    page: &PageRequest,
) -> Result<Page<Contact>, StoreError> {
    let (from, until) = range(filter.created_from, filter.created_until);
    let sql = match (&filter.phone, filter.created_from.or(filter.created_until)) {
        (Some(_), _) => LIST_OF_PHONE,
        (None, Some(_)) => LIST_OF_RANGE,
        (None, None) => LIST,
    };
    let values = params![filter.phone, from, until, filter.leads_min, filter.with_merged];
    query_page(conn, sql, workspace, page, values, read, |row| row.id.uuid())
}

/// The contact that a key points to.
pub(crate) fn by_key(
    conn: &Connection,
    workspace: WorkspaceId,
    key: &ContactKey,
) -> Result<Option<ContactId>, StoreError> {
    let sql = "SELECT contact_id FROM contact_key WHERE workspace_id = ?1 AND scope = ?2 AND kind = ?3 AND value = ?4";
    let values = params![Id(workspace.uuid()), Id(key.scope.code()), key.kind.code(), key.value];
    let id = query_one(conn, sql, values, |row| Cells::of("contact_key", row).uuid())?;
    Ok(id.map(ContactId::from_uuid))
}

/// 1 statement.
pub(crate) fn put_key(
    put: &mut Put<'_>,
    workspace: WorkspaceId,
    key: &ContactKey,
    contact: ContactId,
) -> Result<(), CommitError> {
    put.row(params![
        Id(workspace.uuid()),
        Id(key.scope.code()),
        key.kind.code(),
        key.value,
        Id(contact.uuid())
    ])
}

/// Writes a row whose version was checked, or one that was taken to be new: 1 statement.
pub(crate) fn put(put: &mut Put<'_>, row: &Contact, new: bool) -> Result<(), CommitError> {
    let Contact {
        id,
        workspace,
        number,
        person,
        stamps,
        first_touch,
        leads,
        customer_since,
        conversions,
        lifetime,
        merged_into,
        created_at,
        version,
    } = row;
    let Person { first_name, last_name, email, phone, street, street2, city, state, postal_code, country } =
        person;
    let Touch { source, lead, at: first_at } = first_touch;
    let phone = phone.as_ref();
    let lifetime = to_json(lifetime)?;
    let values = params![
        Id(workspace.uuid()),
        Id(id.uuid()),
        int(number.as_u64()),
        first_name,
        last_name,
        email.as_ref().map(Email::as_str),
        phone.map(|parsed| parsed.phone.e164()),
        phone.map(|parsed| parsed.phone.validity().as_str()),
        phone.and_then(|parsed| parsed.extension.as_deref()),
        street,
        street2,
        city,
        state,
        postal_code.as_ref().map(PostalCode::as_str),
        country,
        stamps.to_bytes(),
        source.as_str(),
        Id(lead.uuid()),
        micros(*first_at),
        leads,
        customer_since.map(micros),
        conversions,
        lifetime,
        merged_into.map(|id| Id(id.uuid())),
        micros(*created_at),
        int(version.0),
    ];
    if new { put.new_row(values, || format!("contact `{id}`")) } else { put.row(values) }
}

fn read(row: &Row<'_>) -> Result<Contact, StoreError> {
    let mut cells = Cells::of("contact", row);
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
        stamps: cells.map(|bytes: Vec<u8>| Stamps::from_bytes(&bytes).ok_or("no stamps"))?,
        first_touch: Touch {
            source: cells.map(|text: String| Source::new(&text))?,
            lead: LeadId::from_uuid(cells.uuid()?),
            at: cells.time()?,
        },
        leads: cells.small()?,
        customer_since: cells.opt_time()?,
        conversions: cells.small()?,
        lifetime: cells.json()?,
        merged_into: cells.opt_uuid()?.map(ContactId::from_uuid),
        created_at: cells.time()?,
        version: Version(cells.count()?),
    })
}

macro_rules! select {
    ($rest:literal) => {
        select!("contact", $rest)
    };
    ($from:literal, $rest:literal) => {
        concat!(
            "SELECT workspace_id, id, number, first_name, last_name, email, phone, phone_validity, phone_ext, street,
             street2, city, state, postal_code, country, stamps, first_source, first_lead, first_at, leads,
             customer_since, conversions, lifetime, merged_into, created_at, version FROM ",
            $from,
            " WHERE workspace_id = ?1 AND ",
            $rest
        )
    };
}

const BY_ID: &str = select!("id = ?2");
const BY_NUMBER: &str = select!("number = ?2");
const LIST: &str = select!("id > ?2 AND leads >= ?7 AND (?8 OR merged_into IS NULL) ORDER BY id LIMIT ?3");
const LIST_OF_PHONE: &str = select!(
    "contact INDEXED BY contact_phone_ix",
    "phone = ?4 AND id > ?2 AND created_at >= ?5 AND created_at < ?6 AND leads >= ?7
     AND (?8 OR merged_into IS NULL) ORDER BY id LIMIT ?3"
);
// The index gives the ids of the range, and these the rows in their order: no row outside of it is read, and none is sorted.
const LIST_OF_RANGE: &str = select!(
    "id IN (SELECT id FROM contact INDEXED BY contact_created_ix
            WHERE workspace_id = ?1 AND created_at >= ?5 AND created_at < ?6 AND id > ?2)
     AND leads >= ?7 AND (?8 OR merged_into IS NULL) ORDER BY id LIMIT ?3"
);
/// Writes a key, over the one that is there.
pub(crate) const PUT_KEY: Sql = Sql {
    head: "INSERT OR REPLACE INTO contact_key (workspace_id, scope, kind, value, contact_id) VALUES",
    values: 5,
    tail: "",
};
/// Writes a contact, unless there is one.
pub(crate) const INSERT: Sql = Sql {
    head: "INSERT OR FAIL INTO contact (workspace_id, id, number, first_name, last_name, email, phone, phone_validity,
           phone_ext, street, street2, city, state, postal_code, country, stamps, first_source, first_lead, first_at, leads,
           customer_since, conversions, lifetime, merged_into, created_at, version) VALUES",
    values: 26,
    tail: "ON CONFLICT (workspace_id, id) DO NOTHING",
};
/// Writes a contact over the one that is there. Number and time of creation never change: set again, each would be taken out of
/// its index and put back.
pub(crate) const UPDATE: Sql = Sql {
    head: "UPDATE contact SET first_name = ?4, last_name = ?5, email = ?6, phone = ?7,
    phone_validity = ?8, phone_ext = ?9, street = ?10, street2 = ?11, city = ?12, state = ?13, postal_code = ?14,
    country = ?15, stamps = ?16, first_source = ?17, first_lead = ?18, first_at = ?19, leads = ?20, customer_since = ?21,
    conversions = ?22, lifetime = ?23, merged_into = ?24, version = ?26
    WHERE workspace_id = ?1 AND id = ?2",
    values: 0,
    tail: "",
};
