//! What must be read before change sets can be applied.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use convio_core::WorkspaceId;
use convio_core::canonical::Fingerprint;
use convio_core::change_set::{ChangeSet, ClaimName, ContactWrite, Version, Write};
use convio_core::contact::ContactKey;
use convio_core::store::StoreError;
use convio_core::{AppointmentId, ContactId, ConversionId, IntakeId, LeadId, WebhookId};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::cells::{Cells, set_of};
use crate::contact::keys_args;
use crate::gates::names_args;
use crate::picture::{Picture, RollupKey, Rowset, VersionKey};
use crate::reading::Reading;
use crate::table::{Args, Table};
use crate::{analytics, contact, event, gates, webhook};

// Each row is looked up by itself: a subquery with a `LIMIT` is neither joined by a hash of the whole workspace nor read in
// parallel. That the arrays are selected hides their length from the planner: the plan is the same for one row and for a thousand,
// the server keeps it from the sixth time on, and no long list makes it compile the statement.
macro_rules! versions_of {
    ($table:literal) => {
        concat!(
            "unnest((SELECT {0}::uuid[])) AS n (id)
    CROSS JOIN LATERAL (SELECT t.id, t.version FROM {s}.",
            $table,
            " AS t WHERE t.workspace_id = $1 AND t.id = n.id LIMIT 1) AS x"
        )
    };
}

/// The rows that a group of change sets asks for, each once.
#[derive(Default)]
pub(crate) struct Wanted {
    claims: BTreeSet<ClaimName>,
    counters: BTreeSet<(String, DateTime<Utc>)>,
    keys: BTreeSet<ContactKey>,
    /// Contacts that are not found by a key: candidates, which should not exist, and those that are written whole.
    contacts: BTreeSet<ContactId>,
    /// Windows of the contact that a key points to.
    windows_by_key: BTreeSet<(ContactKey, Fingerprint)>,
    windows: BTreeSet<(ContactId, Fingerprint)>,
    names: BTreeSet<String>,
    workspace: bool,
    webhooks: BTreeSet<WebhookId>,
    leads: BTreeSet<LeadId>,
    rejections: BTreeSet<IntakeId>,
    payloads: BTreeSet<IntakeId>,
    appointments: BTreeSet<AppointmentId>,
    conversions: BTreeSet<ConversionId>,
    records: BTreeSet<(String, String)>,
    rollups: BTreeSet<RollupKey>,
}

impl Wanted {
    pub(crate) fn by(group: &[ChangeSet]) -> Self {
        let mut wanted = Self::default();
        group.iter().for_each(|changes| wanted.add(changes));
        wanted
    }

    fn add(&mut self, changes: &ChangeSet) {
        let ChangeSet {
            workspace: _,
            at: _,
            origin: _,
            config: _,
            counters,
            claims,
            workspaces,
            webhooks,
            contacts,
            windows,
            leads,
            rejections,
            payloads,
            appointments,
            conversions,
            records,
            events: _,
            rollups,
        } = changes;
        self.counters.extend(counters.iter().map(|add| (add.key.clone(), add.window)));
        self.claims.extend(claims.iter().map(|claim| ClaimName {
            webhook: claim.webhook,
            kind: claim.kind,
            value: claim.value.clone(),
        }));
        self.workspace |= !workspaces.is_empty();
        for row in webhooks.iter().map(Write::row) {
            self.webhooks.insert(row.id);
            self.names.insert(row.name.clone());
        }
        let mut candidates = Vec::new();
        for write in contacts {
            match write {
                ContactWrite::Merge(merge) => {
                    self.keys.insert(merge.key.clone());
                    self.contacts.insert(merge.candidate);
                    candidates.push((merge.candidate, &merge.key));
                }
                ContactWrite::Update { row, .. } => {
                    self.contacts.insert(row.id);
                }
            }
        }
        for window in windows {
            match candidates.iter().find(|(candidate, _)| *candidate == window.contact) {
                Some((_, key)) => self.windows_by_key.insert(((*key).clone(), window.key)),
                None => self.windows.insert((window.contact, window.key)),
            };
        }
        self.leads.extend(leads.iter().map(|write| write.row().id));
        self.rejections.extend(rejections.iter().map(|write| write.row().id));
        self.payloads.extend(payloads.iter().map(|row| row.id));
        self.appointments.extend(appointments.iter().map(|write| write.row().id));
        self.conversions.extend(conversions.iter().map(|write| write.row().id));
        let records = records.iter().map(Write::row);
        self.records.extend(records.map(|row| (row.kind.clone(), row.key.clone())));
        self.rollups.extend(rollups.iter().map(|delta| (delta.cube, delta.day, delta.dims.clone())));
    }

    /// The statement that reads all of it.
    pub(crate) fn reading(&self, workspace: WorkspaceId) -> Reading<'_> {
        let mut reading = Reading::of(workspace);
        reading.rows(HEAD, &event::HEAD, "{s}.head AS x WHERE x.workspace_id = $1", 0, |_| {});
        if !self.claims.is_empty() {
            reading.rows(CLAIMS, &gates::CLAIM, BY_NAME, 3, |args| {
                add_all(args, |args| names_args(args, self.claims.iter()))
            });
        }
        if !self.counters.is_empty() {
            reading.rows(COUNTERS, &gates::COUNTER, BY_WINDOW, 2, |args| {
                args.add(self.counters.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>());
                args.add(self.counters.iter().map(|(_, window)| *window).collect::<Vec<_>>());
            });
        }
        if !self.keys.is_empty() {
            let keys = |args: &mut Args| add_all(args, |args| keys_args(args, self.keys.iter()));
            reading.rows(KEYS, &gates::CONTACT_KEY, BY_KEY, 3, keys);
            reading.rows(CONTACTS, &contact::CONTACT, CONTACT_BY_KEY, 3, keys);
        }
        if !self.windows_by_key.is_empty() {
            reading.rows(WINDOWS_BY_KEY, &gates::WINDOW, WINDOW_BY_KEY, 4, |args| {
                add_all(args, |args| keys_args(args, self.windows_by_key.iter().map(|(key, _)| key)));
                args.add(
                    self.windows_by_key.iter().map(|(_, key)| key.as_bytes().as_slice()).collect::<Vec<_>>(),
                );
            });
        }
        if !self.windows.is_empty() {
            reading.rows(WINDOWS, &gates::WINDOW, WINDOW_BY_CONTACT, 2, |args| {
                args.add(self.windows.iter().map(|(contact, _)| contact.uuid()).collect::<Vec<_>>());
                args.add(self.windows.iter().map(|(_, key)| key.as_bytes().as_slice()).collect::<Vec<_>>());
            });
        }
        if !self.names.is_empty() {
            reading.rows(
                NAMES,
                &webhook::WEBHOOK,
                "{s}.webhook AS x WHERE x.workspace_id = $1 AND x.name = ANY({0})",
                1,
                |args| {
                    args.add(self.names.iter().map(String::as_str).collect::<Vec<_>>());
                },
            );
        }
        if self.workspace {
            let own = "{s}.workspace AS x WHERE x.workspace_id = $1";
            reading.cells(WORKSPACE, "x.workspace_id, x.version", own, 0, |_| {});
        }
        versions(&mut reading, WEBHOOKS, versions_of!("webhook"), self.webhooks.iter().map(|id| id.uuid()));
        versions(
            &mut reading,
            CONTACT_VERSIONS,
            versions_of!("contact"),
            self.contacts.iter().map(|id| id.uuid()),
        );
        versions(&mut reading, LEADS, versions_of!("lead"), self.leads.iter().map(|id| id.uuid()));
        versions(
            &mut reading,
            REJECTIONS,
            versions_of!("rejection"),
            self.rejections.iter().map(|id| id.uuid()),
        );
        versions(
            &mut reading,
            APPOINTMENTS,
            versions_of!("appointment"),
            self.appointments.iter().map(|id| id.uuid()),
        );
        versions(
            &mut reading,
            CONVERSIONS,
            versions_of!("conversion"),
            self.conversions.iter().map(|id| id.uuid()),
        );
        if !self.payloads.is_empty() {
            reading.cells(PAYLOADS, "x.id, 1::int8", PAYLOAD_BY_ID, 1, |args| {
                args.add(self.payloads.iter().map(|id| id.uuid()).collect::<Vec<_>>());
            });
        }
        if !self.records.is_empty() {
            reading.cells(RECORDS, "x.kind, x.key, x.version", BY_RECORD_KEY, 2, |args| {
                args.add(self.records.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>());
                args.add(self.records.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>());
            });
        }
        if !self.rollups.is_empty() {
            reading.rows(ROLLUPS, &analytics::ROLLUP, BY_DIMENSIONS, 5, |args| {
                args.add(self.rollups.iter().map(|(cube, ..)| i16::from(cube.code())).collect::<Vec<_>>());
                args.add(self.rollups.iter().map(|(_, day, _)| *day).collect::<Vec<_>>());
                for at in 0..3 {
                    args.add(self.rollups.iter().map(|(_, _, dims)| dims[at].as_str()).collect::<Vec<_>>());
                }
            });
        }
        reading
    }
}

/// What was read.
pub(crate) fn picture(rows: &[PgRow]) -> Result<Picture, StoreError> {
    let mut picture = Picture::default();
    for row in rows {
        match set_of(row)? {
            HEAD => picture.head = Some(event::read_head(row)?),
            CLAIMS => note(&mut picture.claims, gates::read_claim(row)?),
            COUNTERS => note(&mut picture.counters, gates::read_counter(row)?),
            KEYS => note(&mut picture.keys, gates::read_key(row)?),
            CONTACTS => {
                let contact = contact::read(row)?;
                picture.contacts.know(contact.id, contact);
            }
            WINDOWS | WINDOWS_BY_KEY => note(&mut picture.windows, gates::read_window(row)?),
            NAMES => {
                let webhook = webhook::read(row)?;
                picture.names.know(webhook.name, webhook.id);
            }
            RECORDS => {
                let mut cells = Cells::of(&crate::record::RECORD, row)?;
                let key = VersionKey::Record(cells.get()?, cells.get()?);
                picture.versions.know(key, Version(cells.count()?));
            }
            ROLLUPS => {
                let row = analytics::read(row)?;
                picture.rollups.know((row.cube, row.day, row.dims.clone()), row);
            }
            PAYLOADS => {
                let (id, _) = id_and_version(&crate::payload::PAYLOAD, row)?;
                picture.known_payloads.insert(IntakeId::from_uuid(id));
            }
            set => {
                let (table, key): (&'static Table, fn(Uuid) -> VersionKey) = match set {
                    WORKSPACE => (&crate::workspace::WORKSPACE, |_| VersionKey::Workspace),
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
                    other => return Err(StoreError::Misuse(format!("nobody asked for set {other}"))),
                };
                let (id, version) = id_and_version(table, row)?;
                picture.versions.know(key(id), version);
            }
        }
    }
    Ok(picture)
}

fn id_and_version(table: &'static Table, row: &PgRow) -> Result<(Uuid, Version), StoreError> {
    let mut cells = Cells::of(table, row)?;
    Ok((cells.uuid()?, Version(cells.count()?)))
}

fn note<K: Ord + std::hash::Hash + Clone, V>(rows: &mut Rowset<K, V>, (key, row): (K, V)) {
    rows.know(key, row);
}

fn add_all(args: &mut Args, add: impl FnOnce(Args) -> Args) {
    *args = add(std::mem::take(args));
}

fn versions<'a>(
    reading: &mut Reading<'a>,
    set: u8,
    from: &'static str,
    ids: impl ExactSizeIterator<Item = Uuid> + Clone + Send + Sync + 'a,
) {
    if ids.len() > 0 {
        reading.cells(set, "x.id, x.version", from, 1, move |args| args.add(ids.clone().collect::<Vec<_>>()));
    }
}

const BY_NAME: &str =
    "unnest((SELECT {0}::uuid[]), (SELECT {1}::int2[]), (SELECT {2}::text[])) AS n (webhook_id, kind, value)
    CROSS JOIN LATERAL (SELECT * FROM {s}.claim AS t WHERE t.workspace_id = $1 AND t.webhook_id = n.webhook_id
        AND t.kind = n.kind AND t.value = n.value LIMIT 1) AS x";
const BY_WINDOW: &str = "unnest((SELECT {0}::text[]), (SELECT {1}::timestamptz[])) AS n (key, window_at)
    CROSS JOIN LATERAL (SELECT * FROM {s}.counter AS t WHERE t.workspace_id = $1 AND t.key = n.key
        AND t.window_at = n.window_at LIMIT 1) AS x";
const BY_KEY: &str =
    "unnest((SELECT {0}::uuid[]), (SELECT {1}::int2[]), (SELECT {2}::text[])) AS n (scope, kind, value)
    CROSS JOIN LATERAL (SELECT * FROM {s}.contact_key AS t WHERE t.workspace_id = $1 AND t.scope = n.scope
        AND t.kind = n.kind AND t.value = n.value LIMIT 1) AS x";
const CONTACT_BY_KEY: &str = "unnest((SELECT {0}::uuid[]), (SELECT {1}::int2[]), (SELECT {2}::text[])) AS n (scope, kind, value)
    CROSS JOIN LATERAL (SELECT t.contact_id FROM {s}.contact_key AS t WHERE t.workspace_id = $1 AND t.scope = n.scope
        AND t.kind = n.kind AND t.value = n.value LIMIT 1) AS k
    CROSS JOIN LATERAL (SELECT * FROM {s}.contact AS t WHERE t.workspace_id = $1 AND t.id = k.contact_id LIMIT 1) AS x";
const WINDOW_BY_KEY: &str =
    "unnest((SELECT {0}::uuid[]), (SELECT {1}::int2[]), (SELECT {2}::text[]), (SELECT {3}::bytea[])) AS n (scope, kind, value, key)
    CROSS JOIN LATERAL (SELECT t.contact_id FROM {s}.contact_key AS t WHERE t.workspace_id = $1 AND t.scope = n.scope
        AND t.kind = n.kind AND t.value = n.value LIMIT 1) AS k
    CROSS JOIN LATERAL (SELECT * FROM {s}.repeat_window AS t WHERE t.workspace_id = $1 AND t.contact_id = k.contact_id
        AND t.key = n.key LIMIT 1) AS x";
const WINDOW_BY_CONTACT: &str = "unnest((SELECT {0}::uuid[]), (SELECT {1}::bytea[])) AS n (contact_id, key)
    CROSS JOIN LATERAL (SELECT * FROM {s}.repeat_window AS t WHERE t.workspace_id = $1 AND t.contact_id = n.contact_id
        AND t.key = n.key LIMIT 1) AS x";
const PAYLOAD_BY_ID: &str = "unnest((SELECT {0}::uuid[])) AS n (id)
    CROSS JOIN LATERAL (SELECT t.id FROM {s}.payload AS t WHERE t.workspace_id = $1 AND t.id = n.id LIMIT 1) AS x";
const BY_RECORD_KEY: &str = "unnest((SELECT {0}::text[]), (SELECT {1}::text[])) AS n (kind, key)
    CROSS JOIN LATERAL (SELECT * FROM {s}.record AS t WHERE t.workspace_id = $1 AND t.kind = n.kind AND t.key = n.key
        LIMIT 1) AS x";
const BY_DIMENSIONS: &str = "unnest((SELECT {0}::int2[]), (SELECT {1}::date[]), (SELECT {2}::text[]), (SELECT {3}::text[]),
        (SELECT {4}::text[])) AS n (cube, day, d1, d2, d3)
    CROSS JOIN LATERAL (SELECT * FROM {s}.rollup AS t WHERE t.workspace_id = $1 AND t.cube = n.cube AND t.day = n.day
        AND t.d1 = n.d1 AND t.d2 = n.d2 AND t.d3 = n.d3 LIMIT 1) AS x";

// Which rows are which in the answer: they go on after those of `load`, since a text is known by them.
const HEAD: u8 = 40;
const CLAIMS: u8 = 41;
const COUNTERS: u8 = 42;
const KEYS: u8 = 43;
const CONTACTS: u8 = 44;
const WINDOWS_BY_KEY: u8 = 45;
const WINDOWS: u8 = 46;
const NAMES: u8 = 47;
const WORKSPACE: u8 = 48;
const WEBHOOKS: u8 = 49;
const CONTACT_VERSIONS: u8 = 50;
const LEADS: u8 = 51;
const REJECTIONS: u8 = 52;
const APPOINTMENTS: u8 = 53;
const CONVERSIONS: u8 = 54;
const RECORDS: u8 = 55;
const PAYLOADS: u8 = 56;
const ROLLUPS: u8 = 57;
