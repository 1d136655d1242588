//! What must be read before change sets can be applied.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use convio_core::WorkspaceId;
use convio_core::analytics::Cube;
use convio_core::availability::Interval;
use convio_core::calendar::{BusyDay, Resource};
use convio_core::canonical::Fingerprint;
use convio_core::change_set::{ChangeSet, ClaimKind, ContactWrite, Version, Write};
use convio_core::contact::ContactKey;
use convio_core::store::StoreError;
use convio_core::{
    AppointmentId, ContactId, ConversionId, DeliveryId, IntakeId, LeadId, TouchpointId, WebhookId,
};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::cells::{Cells as RowCells, set_of};
use crate::contact::keys_args;
use crate::known::{Known, VersionKey};
use crate::reading::{Cells, Lookup, Reading, Scope};
use crate::table::{Args, Table};
use crate::{analytics, contact, event, gates, record, webhook};

/// The version of a row with an id.
macro_rules! lookup_by_id {
    ($table:literal) => {{
        static LOOKUP: Lookup = Lookup {
            names: &[("id", "uuid")],
            rows: concat!(
                "CROSS JOIN LATERAL (SELECT t.id, t.version FROM {s}.",
                $table,
                " AS t WHERE t.workspace_id = {w} AND t.id = n.id LIMIT 1) AS x"
            ),
        };
        &LOOKUP
    }};
}
/// The rows that a group of change sets asks for, each once, by workspace.
#[derive(Default)]
pub(crate) struct Wanted<'c> {
    workspaces: Keys<()>,
    claims: Keys<Name<'c>>,
    counters: Keys<(&'c str, DateTime<Utc>)>,
    keys: Keys<&'c ContactKey>,
    /// Contacts that are not found by a key: candidates, which should not exist, and those that are written whole.
    contacts: Keys<ContactId>,
    /// Windows of the contact that a key points to.
    windows_by_key: Keys<(&'c ContactKey, Fingerprint)>,
    windows: Keys<(ContactId, Fingerprint)>,
    names: Keys<&'c str>,
    own: Keys<()>,
    webhooks: Keys<WebhookId>,
    leads: Keys<LeadId>,
    rejections: Keys<IntakeId>,
    payloads: Keys<IntakeId>,
    appointments: Keys<AppointmentId>,
    conversions: Keys<ConversionId>,
    touches: Keys<TouchpointId>,
    deliveries: Keys<DeliveryId>,
    records: Keys<(&'c str, &'c str)>,
    sums: Keys<(Cube, NaiveDate, &'c [String; 3])>,
    /// The keys of the records of days of calendars.
    days: Keys<String>,
}

type Keys<K> = BTreeSet<(WorkspaceId, K)>;
/// The days of a calendar that a time lies in.
fn days(
    workspace: WorkspaceId,
    of: &Resource,
    time: Interval,
) -> impl Iterator<Item = (WorkspaceId, String)> {
    BusyDay::days(time).map(move |day| (workspace, BusyDay::key(of, day)))
}

/// The name of a claim.
type Name<'c> = (Option<WebhookId>, ClaimKind, &'c str);

impl<'c> Wanted<'c> {
    pub(crate) fn by(group: &'c [ChangeSet]) -> Self {
        let mut wanted = Self::default();
        group.iter().for_each(|changes| wanted.add(changes));
        wanted
    }

    fn add(&mut self, changes: &'c ChangeSet) {
        let ChangeSet {
            workspace,
            at: _,
            origin: _,
            config: _,
            counters,
            claims,
            given_back,
            bookings,
            routes,
            workspaces,
            webhooks,
            contacts,
            keys,
            moved_keys,
            moved_windows,
            windows,
            leads,
            rejections,
            payloads,
            touches,
            appointments,
            conversions,
            deliveries,
            records,
            events: _,
            rollups,
        } = changes;
        let w = *workspace;
        self.workspaces.insert((w, ()));
        self.counters.extend(counters.iter().map(|add| (w, (add.key.as_str(), add.window))));
        for back in given_back {
            self.days.extend(back.takes.iter().flat_map(|(of, time)| days(w, of, *time)));
        }
        for booking in bookings {
            self.days.extend(booking.takes.iter().flat_map(|take| days(w, &take.resource, take.time)));
        }
        for route in routes {
            self.days.extend(route.takes().iter().flat_map(|take| days(w, &take.resource, take.time)));
            self.counters.extend(route.counters().iter().map(|(key, at)| (w, (key.as_str(), *at))));
        }
        self.claims.extend(claims.iter().map(|claim| (w, (claim.webhook, claim.kind, claim.value.as_str()))));
        self.own.extend(workspaces.iter().map(|_| (w, ())));
        for row in webhooks.iter().map(Write::row) {
            self.webhooks.insert((w, row.id));
            self.names.insert((w, row.name.as_str()));
        }
        let mut candidates = Vec::new();
        for write in contacts {
            match write {
                ContactWrite::Merge(merge) => {
                    self.keys.insert((w, &merge.key));
                    self.contacts.insert((w, merge.candidate));
                    candidates.push((merge.candidate, &merge.key));
                }
                ContactWrite::Update { row, .. } => {
                    self.contacts.insert((w, row.id));
                }
            }
        }
        self.keys.extend(keys.iter().map(|(key, _)| (w, key)));
        self.keys.extend(moved_keys.iter().map(|moved| (w, &moved.key)));
        self.windows.extend(moved_windows.iter().map(|moved| (w, (moved.contact, moved.key))));
        candidates.sort_unstable_by_key(|(candidate, _)| *candidate);
        for window in windows {
            match candidates.binary_search_by_key(&window.contact, |(candidate, _)| *candidate) {
                Ok(at) => self.windows_by_key.insert((w, (candidates[at].1, window.key))),
                Err(_) => self.windows.insert((w, (window.contact, window.key))),
            };
        }
        self.leads.extend(leads.iter().map(|write| (w, write.row().id)));
        self.rejections.extend(rejections.iter().map(|write| (w, write.row().id)));
        self.payloads.extend(payloads.iter().map(|row| (w, row.id)));
        self.appointments.extend(appointments.iter().map(|write| (w, write.row().id)));
        self.conversions.extend(conversions.iter().map(|write| (w, write.row().id)));
        self.touches.extend(touches.iter().map(|row| (w, row.touch.id())));
        self.deliveries.extend(deliveries.iter().map(|write| (w, write.row().id)));
        let records = records.iter().map(Write::row);
        self.records.extend(records.map(|row| (w, (row.kind.as_str(), row.key.as_str()))));
        self.sums.extend(rollups.iter().map(|delta| (w, (delta.cube, delta.day, &delta.dims))));
    }

    /// The statement that reads all of it.
    pub(crate) fn reading(&self, scope: Scope) -> Reading<'_> {
        let mut reading = Reading::of(scope);
        reading.look_up(HEADS, Cells::Of(&event::HEAD), &HEAD_OF, &self.workspaces, |_, _| {});
        reading.look_up(CLAIMS, Cells::Of(&gates::CLAIM), &CLAIM_OF, &self.claims, |args, names| {
            args.add(
                names
                    .iter()
                    .map(|(webhook, ..)| webhook.map_or(Uuid::nil(), WebhookId::uuid))
                    .collect::<Vec<_>>(),
            );
            args.add(names.iter().map(|(_, kind, _)| i16::from(kind.code())).collect::<Vec<_>>());
            args.add(names.iter().map(|(.., value)| *value).collect::<Vec<_>>());
        });
        reading.look_up(COUNTERS, Cells::Of(&gates::COUNTER), &COUNTER_OF, &self.counters, |args, names| {
            args.add(names.iter().map(|(key, _)| *key).collect::<Vec<_>>());
            args.add(names.iter().map(|(_, window)| *window).collect::<Vec<_>>());
        });
        let keys = |args: &mut Args, keys: &[&&ContactKey]| {
            add_all(args, |args| keys_args(args, keys.iter().map(|key| **key)));
        };
        reading.look_up(KEYS, Cells::Of(&gates::CONTACT_KEY), &KEY_OF, &self.keys, keys);
        reading.look_up(CONTACTS, Cells::Of(&contact::CONTACT), &CONTACT_OF_KEY, &self.keys, keys);
        let windows = Cells::Of(&gates::WINDOW);
        reading.look_up(WINDOWS_BY_KEY, windows, &WINDOW_OF_KEY, &self.windows_by_key, |args, names| {
            add_all(args, |args| keys_args(args, names.iter().map(|(key, _)| *key)));
            args.add(names.iter().map(|(_, key)| key.as_bytes().as_slice()).collect::<Vec<_>>());
        });
        reading.look_up(WINDOWS, windows, &WINDOW_OF, &self.windows, |args, names| {
            args.add(names.iter().map(|(contact, _)| contact.uuid()).collect::<Vec<_>>());
            args.add(names.iter().map(|(_, key)| key.as_bytes().as_slice()).collect::<Vec<_>>());
        });
        reading.look_up(NAMES, Cells::Of(&webhook::WEBHOOK), &WEBHOOK_NAMED, &self.names, |args, names| {
            args.add(names.iter().map(|name| **name).collect::<Vec<_>>());
        });
        reading.look_up(OWN, Cells::These("{w}, x.workspace_id, x.version"), &OWN_OF, &self.own, |_, _| {});
        versions(&mut reading, WEBHOOKS, lookup_by_id!("webhook"), &self.webhooks, |id| id.uuid());
        versions(&mut reading, CONTACT_VERSIONS, lookup_by_id!("contact"), &self.contacts, |id| id.uuid());
        versions(&mut reading, LEADS, lookup_by_id!("lead"), &self.leads, |id| id.uuid());
        versions(&mut reading, REJECTIONS, lookup_by_id!("rejection"), &self.rejections, |id| id.uuid());
        versions(&mut reading, APPOINTMENTS, lookup_by_id!("appointment"), &self.appointments, |id| {
            id.uuid()
        });
        versions(&mut reading, CONVERSIONS, lookup_by_id!("conversion"), &self.conversions, |id| id.uuid());
        versions(&mut reading, DELIVERIES, lookup_by_id!("delivery"), &self.deliveries, |id| id.uuid());
        reading.look_up(PAYLOADS, Cells::These("{w}, x.id"), &PAYLOAD_OF, &self.payloads, |args, ids| {
            args.add(ids.iter().map(|id| id.uuid()).collect::<Vec<_>>());
        });
        reading.look_up(TOUCHES, Cells::These("{w}, x.id"), &TOUCH_OF, &self.touches, |args, ids| {
            args.add(ids.iter().map(|id| id.uuid()).collect::<Vec<_>>());
        });
        let records = Cells::These("{w}, x.kind, x.key, x.version");
        reading.look_up(RECORDS, records, &RECORD_OF, &self.records, |args, names| {
            args.add(names.iter().map(|(kind, _)| *kind).collect::<Vec<_>>());
            args.add(names.iter().map(|(_, key)| *key).collect::<Vec<_>>());
        });
        reading.look_up(DAYS, Cells::Of(&record::RECORD), &DAY_OF, &self.days, |args, keys| {
            args.add(keys.iter().map(|key| key.as_str()).collect::<Vec<_>>());
        });
        reading.look_up(SUMS, Cells::Of(&analytics::ROLLUP), &SUMS_OF, &self.sums, |args, keys| {
            args.add(keys.iter().map(|(cube, ..)| i16::from(cube.code())).collect::<Vec<_>>());
            args.add(keys.iter().map(|(_, day, _)| *day).collect::<Vec<_>>());
            for at in 0..3 {
                args.add(keys.iter().map(|(_, _, dims)| dims[at].as_str()).collect::<Vec<_>>());
            }
        });
        reading
    }
}

/// What was read, by workspace.
pub(crate) fn known(rows: &[PgRow]) -> Result<BTreeMap<WorkspaceId, Known>, StoreError> {
    let mut all = BTreeMap::<WorkspaceId, Known>::new();
    for row in rows {
        // Of whatever table: the workspace is the first cell of each.
        let workspace = WorkspaceId::from_uuid(RowCells::of(&event::HEAD, row)?.uuid()?);
        let known = all.entry(workspace).or_default();
        match set_of(row)? {
            HEADS => known.head = Some(event::read_head(row)?),
            CLAIMS => known.claims.extend([gates::read_claim(row)?]),
            COUNTERS => known.counters.extend([gates::read_counter(row)?]),
            KEYS => known.keys.extend([gates::read_key(row)?]),
            CONTACTS => {
                let contact = contact::read(row)?;
                known.contacts.insert(contact.id, contact);
            }
            WINDOWS | WINDOWS_BY_KEY => known.windows.extend([gates::read_window(row)?]),
            NAMES => {
                let webhook = webhook::read(row)?;
                known.names.insert(webhook.name, webhook.id);
            }
            PAYLOADS => {
                let mut cells = RowCells::of(&crate::payload::PAYLOAD, row)?;
                let _ = cells.uuid()?;
                known.payloads.insert(IntakeId::from_uuid(cells.uuid()?));
            }
            TOUCHES => {
                let mut cells = RowCells::of(&crate::touch::TOUCHPOINT, row)?;
                let _ = cells.uuid()?;
                let key = VersionKey::Touchpoint(TouchpointId::from_uuid(cells.uuid()?));
                known.versions.insert(key, Version::ZERO.next());
            }
            SUMS => {
                let row = analytics::read(row)?;
                known.sums.insert((row.cube, row.day, row.dims), row.n);
            }
            DAYS => {
                let day = record::read(row)?;
                known.days.insert(day.key.clone(), day);
            }
            RECORDS => {
                let mut cells = RowCells::of(&crate::record::RECORD, row)?;
                let _ = cells.uuid()?;
                let key = VersionKey::Record(cells.get()?, cells.get()?);
                known.versions.insert(key, Version(cells.count()?));
            }
            set => {
                let (table, key): (&'static Table, fn(Uuid) -> VersionKey) = match set {
                    OWN => (&crate::workspace::WORKSPACE, |_| VersionKey::Workspace),
                    WEBHOOKS => (&webhook::WEBHOOK, |id| VersionKey::Webhook(WebhookId::from_uuid(id))),
                    CONTACT_VERSIONS => {
                        (&contact::CONTACT, |id| VersionKey::Contact(ContactId::from_uuid(id)))
                    }
                    LEADS => (&crate::lead::LEAD, |id| VersionKey::Lead(LeadId::from_uuid(id))),
                    REJECTIONS => {
                        (&crate::rejection::REJECTION, |id| VersionKey::Rejection(IntakeId::from_uuid(id)))
                    }
                    APPOINTMENTS => (&crate::appointment::APPOINTMENT, |id| {
                        VersionKey::Appointment(AppointmentId::from_uuid(id))
                    }),
                    CONVERSIONS => (&crate::conversion::CONVERSION, |id| {
                        VersionKey::Conversion(ConversionId::from_uuid(id))
                    }),
                    DELIVERIES => {
                        (&crate::delivery::DELIVERY, |id| VersionKey::Delivery(DeliveryId::from_uuid(id)))
                    }
                    other => return Err(StoreError::Misuse(format!("nobody asked for set {other}"))),
                };
                let mut cells = RowCells::of(table, row)?;
                let _ = cells.uuid()?;
                let key = key(cells.uuid()?);
                known.versions.insert(key, Version(cells.count()?));
            }
        }
    }
    Ok(all)
}

fn add_all(args: &mut Args, add: impl FnOnce(Args) -> Args) {
    *args = add(std::mem::take(args));
}

fn versions<'a, I: Copy + Sync>(
    reading: &mut Reading<'a>,
    set: u8,
    lookup: &'static Lookup,
    ids: &'a Keys<I>,
    uuid: fn(I) -> Uuid,
) {
    reading.look_up(set, Cells::These("{w}, x.id, x.version"), lookup, ids, move |args, ids| {
        args.add(ids.iter().map(|id| uuid(**id)).collect::<Vec<_>>());
    });
}

static HEAD_OF: Lookup = Lookup {
    names: &[],
    rows: "CROSS JOIN LATERAL (SELECT * FROM {s}.head AS t WHERE t.workspace_id = {w} LIMIT 1) AS x",
};
static CLAIM_OF: Lookup = Lookup {
    names: &[("webhook_id", "uuid"), ("kind", "int2"), ("value", "text")],
    rows: "CROSS JOIN LATERAL (SELECT * FROM {s}.claim AS t WHERE t.workspace_id = {w} AND t.webhook_id = n.webhook_id
        AND t.kind = n.kind AND t.value = n.value LIMIT 1) AS x",
};
static COUNTER_OF: Lookup = Lookup {
    names: &[("key", "text"), ("window_at", "timestamptz")],
    rows: "CROSS JOIN LATERAL (SELECT * FROM {s}.counter AS t WHERE t.workspace_id = {w} AND t.key = n.key
        AND t.window_at = n.window_at LIMIT 1) AS x",
};
static KEY_OF: Lookup = Lookup {
    names: KEY,
    rows: "CROSS JOIN LATERAL (SELECT * FROM {s}.contact_key AS t WHERE t.workspace_id = {w} AND t.scope = n.scope
        AND t.kind = n.kind AND t.value = n.value LIMIT 1) AS x",
};
static CONTACT_OF_KEY: Lookup = Lookup {
    names: KEY,
    rows: "CROSS JOIN LATERAL (SELECT t.contact_id FROM {s}.contact_key AS t WHERE t.workspace_id = {w} AND t.scope = n.scope
        AND t.kind = n.kind AND t.value = n.value LIMIT 1) AS k
    CROSS JOIN LATERAL (SELECT * FROM {s}.contact AS t WHERE t.workspace_id = {w} AND t.id = k.contact_id LIMIT 1) AS x",
};
static WINDOW_OF_KEY: Lookup = Lookup {
    names: &[("scope", "uuid"), ("kind", "int2"), ("value", "text"), ("key", "bytea")],
    rows: "CROSS JOIN LATERAL (SELECT t.contact_id FROM {s}.contact_key AS t WHERE t.workspace_id = {w} AND t.scope = n.scope
        AND t.kind = n.kind AND t.value = n.value LIMIT 1) AS k
    CROSS JOIN LATERAL (SELECT * FROM {s}.repeat_window AS t WHERE t.workspace_id = {w} AND t.contact_id = k.contact_id
        AND t.key = n.key LIMIT 1) AS x",
};
static WINDOW_OF: Lookup = Lookup {
    names: &[("contact_id", "uuid"), ("key", "bytea")],
    rows: "CROSS JOIN LATERAL (SELECT * FROM {s}.repeat_window AS t WHERE t.workspace_id = {w} AND t.contact_id = n.contact_id
        AND t.key = n.key LIMIT 1) AS x",
};
static WEBHOOK_NAMED: Lookup = Lookup {
    names: &[("name", "text")],
    rows: "CROSS JOIN LATERAL (SELECT * FROM {s}.webhook AS t WHERE t.workspace_id = {w} AND t.name = n.name LIMIT 1) AS x",
};
static OWN_OF: Lookup = Lookup {
    names: &[],
    rows: "CROSS JOIN LATERAL (SELECT * FROM {s}.workspace AS t WHERE t.workspace_id = {w} LIMIT 1) AS x",
};
static PAYLOAD_OF: Lookup = Lookup {
    names: &[("id", "uuid")],
    rows: "CROSS JOIN LATERAL (SELECT t.id FROM {s}.payload AS t WHERE t.workspace_id = {w} AND t.id = n.id LIMIT 1) AS x",
};
static TOUCH_OF: Lookup = Lookup {
    names: &[("id", "uuid")],
    rows: "CROSS JOIN LATERAL (SELECT t.id FROM {s}.touchpoint AS t WHERE t.workspace_id = {w} AND t.id = n.id LIMIT 1) AS x",
};
static RECORD_OF: Lookup = Lookup {
    names: &[("kind", "text"), ("key", "text")],
    rows: "CROSS JOIN LATERAL (SELECT * FROM {s}.record AS t WHERE t.workspace_id = {w} AND t.kind = n.kind AND t.key = n.key
        LIMIT 1) AS x",
};
static DAY_OF: Lookup = Lookup {
    names: &[("key", "text")],
    rows: "CROSS JOIN LATERAL (SELECT * FROM {s}.record AS t WHERE t.workspace_id = {w} AND t.kind = 'calendar.busy'
        AND t.key = n.key LIMIT 1) AS x",
};
static SUMS_OF: Lookup = Lookup {
    names: &[("cube", "int2"), ("day", "date"), ("d1", "text"), ("d2", "text"), ("d3", "text")],
    rows: "CROSS JOIN LATERAL (SELECT * FROM {s}.rollup AS t WHERE t.workspace_id = {w} AND t.cube = n.cube AND t.day = n.day
        AND t.d1 = n.d1 AND t.d2 = n.d2 AND t.d3 = n.d3 LIMIT 1) AS x",
};
const KEY: &[(&str, &str)] = &[("scope", "uuid"), ("kind", "int2"), ("value", "text")];

// Which rows are which in the answer: they go on after those of `load`, since a text is known by them.
const HEADS: u8 = 40;
const CLAIMS: u8 = 41;
const COUNTERS: u8 = 42;
const KEYS: u8 = 43;
const CONTACTS: u8 = 44;
const WINDOWS_BY_KEY: u8 = 45;
const WINDOWS: u8 = 46;
const NAMES: u8 = 47;
const OWN: u8 = 48;
const WEBHOOKS: u8 = 49;
const CONTACT_VERSIONS: u8 = 50;
const LEADS: u8 = 51;
const REJECTIONS: u8 = 52;
const APPOINTMENTS: u8 = 53;
const CONVERSIONS: u8 = 54;
const RECORDS: u8 = 55;
const PAYLOADS: u8 = 56;
const SUMS: u8 = 57;
const DAYS: u8 = 58;
const TOUCHES: u8 = 59;
const DELIVERIES: u8 = 60;
