//! Reads what a use case needs: one statement, and so as of one moment, however much it is.

use convio_core::attribution::Touchpoint;
use convio_core::record::CONFIG_KINDS;
use convio_core::store::{ContactOf, Loaded, Need, Needs, StoreError};
use convio_core::{AppointmentId, LeadId};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::cells::set_of;
use crate::error::read_failed;
use crate::reading::{Reading, Scope};
use crate::session::Session;
use crate::table::{Args, Table};
use crate::{
    appointment, contact, conversion, event, lead, payload, record, rejection, touch, webhook, workspace,
};

/// Rows of a table by their id, or what such a row leads to: its lead, the contact of that.
macro_rules! of {
    ($table:literal) => {
        concat!("{s}.", $table, " AS x WHERE x.workspace_id = $1 AND x.id = {0}")
    };
    ($table:literal, $next:literal) => {
        concat!(
            "{s}.",
            $table,
            " AS o JOIN {s}.",
            $next,
            " AS x ON x.workspace_id = o.workspace_id AND x.id = o.",
            $next,
            "_id WHERE o.workspace_id = $1 AND o.id = {0}"
        )
    };
    ($table:literal, $next:literal, $last:literal) => {
        concat!(
            "{s}.",
            $table,
            " AS o JOIN {s}.",
            $next,
            " AS n ON n.workspace_id = o.workspace_id AND n.id = o.",
            $next,
            "_id JOIN {s}.",
            $last,
            " AS x ON x.workspace_id = n.workspace_id AND x.id = n.",
            $last,
            "_id WHERE o.workspace_id = $1 AND o.id = {0}"
        )
    };
}

impl Session<'_> {
    pub(crate) async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        let mut reading = Reading::of(Scope::One(needs.workspace));
        for need in &needs.items {
            ask(&mut reading, *need)?;
        }
        let mut loaded = Loaded::default();
        if reading.is_empty() {
            return Ok(loaded);
        }
        let rows = match self.load_once(needs, &reading).await {
            Err(error) if self.may_reconnect(&error) => {
                self.drop_held();
                self.load_once(needs, &reading).await
            }
            rows => rows,
        };
        let rows = rows.map_err(read_failed)?;
        for row in &rows {
            match set_of(row)? {
                HEAD => loaded.config = Some(event::read_head(row)?.0.config),
                WORKSPACE => loaded.workspace = Some(workspace::read(row)?),
                WEBHOOK => loaded.webhooks.push(webhook::read(row)?),
                RECORD => loaded.records.push(record::read(row)?),
                LEAD | LEAD_OF_APPOINTMENT | LEAD_OF_CONVERSION => loaded.leads.push(lead::read(row)?),
                CONTACT | CONTACT_OF_LEAD | CONTACT_OF_APPOINTMENT | CONTACT_OF_CONVERSION => {
                    loaded.contacts.push(contact::read(row)?);
                }
                APPOINTMENT => loaded.appointments.push(appointment::read(row)?),
                CONVERSIONS => loaded.conversions.push(conversion::read(row)?),
                LEADS_BY_LEAD | LEADS_BY_APPOINTMENT | LEADS_OF_CONTACT => {
                    loaded.lead_touches.push(lead::read_touch(row)?);
                }
                TOUCHES_BY_LEAD | TOUCHES_BY_APPOINTMENT | TOUCHES_OF_CONTACT => {
                    loaded.touches.push(touch::read(row)?);
                }
                set @ (OWNER_BY_LEAD | OWNER_BY_APPOINTMENT) => {
                    let (id, owner) = lead::read_owner(row)?;
                    let of = match set {
                        OWNER_BY_LEAD => ContactOf::Lead(LeadId::from_uuid(id)),
                        _ => ContactOf::Appointment(AppointmentId::from_uuid(id)),
                    };
                    loaded.owners.extend(owner.map(|owner| (of, owner)));
                }
                REJECTION => loaded.rejections.push(rejection::read(row)?),
                PAYLOAD => loaded.payloads.push(payload::read(row)?),
                other => return Err(StoreError::Misuse(format!("nobody asked for set {other}"))),
            }
        }
        loaded.webhooks.sort_by_key(|row| row.id);
        loaded.records.sort_by(|a, b| (&a.kind, &a.key).cmp(&(&b.kind, &b.key)));
        loaded.conversions.sort_by_key(|row| row.id);
        loaded.lead_touches.sort_by_key(|touch| (touch.at, touch.lead));
        loaded.touches.sort_by_key(Touchpoint::order);
        Ok(loaded)
    }

    async fn load_once(&self, needs: &Needs, reading: &Reading<'_>) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut lease = self.lease(&[needs.workspace]).await?;
        let rows = reading.run(&mut lease, self).await?;
        lease.finish().await?;
        Ok(rows)
    }
}

fn ask(reading: &mut Reading<'_>, need: Need) -> Result<(), StoreError> {
    match need {
        Need::Config => {
            reading.rows(HEAD, &event::HEAD, "{s}.head AS x WHERE x.workspace_id = $1", 0, |_| {});
            let workspace = "{s}.workspace AS x WHERE x.workspace_id = $1";
            reading.rows(WORKSPACE, &workspace::WORKSPACE, workspace, 0, |_| {});
            reading.rows(WEBHOOK, &webhook::WEBHOOK, "{s}.webhook AS x WHERE x.workspace_id = $1", 0, |_| {});
            let of_kinds = "{s}.record AS x WHERE x.workspace_id = $1 AND x.kind = ANY({0})";
            reading.rows(RECORD, &record::RECORD, of_kinds, 1, |args| args.add(CONFIG_KINDS.to_vec()));
        }
        Need::Lead(id) => {
            by_id(reading, LEAD, &lead::LEAD, of!("lead"), id.uuid());
            by_id(reading, CONTACT_OF_LEAD, &contact::CONTACT, of!("lead", "contact"), id.uuid());
        }
        Need::Appointment(id) => {
            by_id(reading, APPOINTMENT, &appointment::APPOINTMENT, of!("appointment"), id.uuid());
            by_id(reading, LEAD_OF_APPOINTMENT, &lead::LEAD, of!("appointment", "lead"), id.uuid());
            let contact = of!("appointment", "lead", "contact");
            by_id(reading, CONTACT_OF_APPOINTMENT, &contact::CONTACT, contact, id.uuid());
        }
        Need::Conversion(id) => {
            by_id(reading, CONVERSIONS, &conversion::CONVERSION, CONVERSIONS_OF_CONTACT, id.uuid());
            by_id(reading, LEAD_OF_CONVERSION, &lead::LEAD, of!("conversion", "lead"), id.uuid());
            let contact = of!("conversion", "lead", "contact");
            by_id(reading, CONTACT_OF_CONVERSION, &contact::CONTACT, contact, id.uuid());
        }
        Need::Contact(id) => by_id(reading, CONTACT, &contact::CONTACT, of!("contact"), id.uuid()),
        Need::Touches(of, at) => {
            let (leads, others, id) = match of {
                ContactOf::Lead(id) => (
                    (LEADS_BY_LEAD, lead::TOUCHES_OF_LEAD),
                    (TOUCHES_BY_LEAD, touch::TOUCHES_OF_LEAD),
                    id.uuid(),
                ),
                ContactOf::Appointment(id) => (
                    (LEADS_BY_APPOINTMENT, lead::TOUCHES_OF_APPOINTMENT),
                    (TOUCHES_BY_APPOINTMENT, touch::TOUCHES_OF_APPOINTMENT),
                    id.uuid(),
                ),
                ContactOf::Itself(id) => (
                    (LEADS_OF_CONTACT, lead::TOUCHES_OF_CONTACT),
                    (TOUCHES_OF_CONTACT, touch::TOUCHES_OF_CONTACT),
                    id.uuid(),
                ),
            };
            let asked = move |args: &mut Args| {
                args.add(id);
                args.add(at);
            };
            reading.cells(leads.0, lead::TOUCH_CELLS, leads.1, 2, asked);
            reading.rows(others.0, &touch::TOUCHPOINT, others.1, 2, asked);
        }
        Need::Owner(ContactOf::Itself(_)) => {}
        Need::Owner(ContactOf::Lead(id)) => {
            let (cells, from) = (lead::OWNER_BY_LEAD_CELLS, lead::OWNER_BY_LEAD);
            reading.cells(OWNER_BY_LEAD, cells, from, 1, move |args| args.add(id.uuid()));
        }
        Need::Owner(ContactOf::Appointment(id)) => {
            let (cells, from) = (lead::OWNER_BY_APPOINTMENT_CELLS, lead::OWNER_BY_APPOINTMENT);
            reading.cells(OWNER_BY_APPOINTMENT, cells, from, 1, move |args| args.add(id.uuid()));
        }
        Need::Rejection(id) => {
            by_id(reading, REJECTION, &rejection::REJECTION, of!("rejection"), id.uuid());
            by_id(reading, PAYLOAD, &payload::PAYLOAD, of!("payload"), id.uuid());
        }
        need => {
            return Err(StoreError::Misuse(format!("this version of the store can't read {need:?}")));
        }
    }
    Ok(())
}

fn by_id(reading: &mut Reading<'_>, set: u8, table: &'static Table, from: &'static str, id: Uuid) {
    reading.rows(set, table, from, 1, move |args| args.add(id));
}

const CONVERSIONS_OF_CONTACT: &str = "{s}.conversion AS o JOIN {s}.conversion AS x
    ON x.workspace_id = o.workspace_id AND x.contact_id = o.contact_id WHERE o.workspace_id = $1 AND o.id = {0}";

// Which rows are which in the answer: a text is known by the numbers of its sets, so those of `commit` go on after these.
const HEAD: u8 = 0;
const WORKSPACE: u8 = 1;
const WEBHOOK: u8 = 2;
const RECORD: u8 = 3;
const LEAD: u8 = 4;
const CONTACT_OF_LEAD: u8 = 5;
const APPOINTMENT: u8 = 6;
const LEAD_OF_APPOINTMENT: u8 = 7;
const CONTACT_OF_APPOINTMENT: u8 = 8;
const CONVERSIONS: u8 = 9;
const LEAD_OF_CONVERSION: u8 = 10;
const CONTACT_OF_CONVERSION: u8 = 11;
const LEADS_BY_LEAD: u8 = 12;
const LEADS_BY_APPOINTMENT: u8 = 13;
const REJECTION: u8 = 14;
const PAYLOAD: u8 = 15;
const OWNER_BY_LEAD: u8 = 16;
const OWNER_BY_APPOINTMENT: u8 = 17;
const LEADS_OF_CONTACT: u8 = 18;
const TOUCHES_BY_LEAD: u8 = 19;
const TOUCHES_BY_APPOINTMENT: u8 = 20;
const TOUCHES_OF_CONTACT: u8 = 21;
const CONTACT: u8 = 22;
