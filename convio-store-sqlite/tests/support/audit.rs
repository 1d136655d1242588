//! What holds in every file, whatever was done to it, asked of SQLite itself and not of the store.

use std::path::Path;

use convio_core::{NumberSeries, WorkspaceId};
use rusqlite::Connection;

/// Every law that is broken, by name. An intact file breaks none.
pub(crate) fn broken_laws(path: &Path) -> Vec<String> {
    let conn = Connection::open(path).unwrap();
    let mut broken = Vec::new();
    let integrity: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    if integrity != "ok" {
        return vec![format!("integrity_check: {integrity}")];
    }
    for (law, exceptions) in LAWS {
        let exceptions: i64 = conn.query_row(exceptions, [], |row| row.get(0)).unwrap();
        if exceptions != 0 {
            broken.push(format!("{law}: {exceptions} times not"));
        }
    }
    for (workspace, made) in heads(&conn) {
        let numbers: Vec<u64> = {
            let mut numbers = conn.prepare("SELECT number FROM contact WHERE workspace_id = ?1").unwrap();
            let numbers =
                numbers.query_map([workspace.uuid().as_bytes()], |row| row.get::<_, i64>(0)).unwrap();
            numbers.map(|number| number.unwrap().cast_unsigned()).collect()
        };
        let series = NumberSeries::of(workspace);
        let mut wanted: Vec<u64> = (0..made).map(|n| series.nth(n).as_u64()).collect();
        let mut found = numbers;
        wanted.sort_unstable();
        found.sort_unstable();
        if wanted != found {
            broken.push(format!("contacts have the first {made} numbers: {} have others", found.len()));
        }
    }
    broken
}

fn heads(conn: &Connection) -> Vec<(WorkspaceId, u64)> {
    let mut heads = conn.prepare("SELECT workspace_id, contacts FROM head").unwrap();
    let heads = heads.query_map([], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, i64>(1)?))).unwrap();
    heads
        .map(|head| {
            let (id, contacts) = head.unwrap();
            (WorkspaceId::from_uuid(uuid::Uuid::from_bytes(id)), contacts.cast_unsigned())
        })
        .collect()
}

/// Each with a query that counts its exceptions.
const LAWS: &[(&str, &str)] = &[
    (
        "a feed is 1, 2, 3 ... up to its head",
        "SELECT count(*) FROM head h WHERE feed <> (SELECT count(*) FROM event e WHERE e.workspace_id = h.workspace_id)
         OR feed <> (SELECT max(position) FROM event e WHERE e.workspace_id = h.workspace_id)",
    ),
    (
        "an event is of a workspace with a head",
        "SELECT count(*) FROM event e WHERE NOT EXISTS (SELECT 1 FROM head h WHERE h.workspace_id = e.workspace_id)",
    ),
    (
        "a contact's stream is 1, 2, 3 ... up to its version",
        "SELECT count(*) FROM contact c
         LEFT JOIN (SELECT workspace_id, contact_id, count(*) n, max(contact_seq) last FROM event
                    WHERE contact_seq IS NOT NULL GROUP BY workspace_id, contact_id) e
         ON e.workspace_id = c.workspace_id AND e.contact_id = c.id
         WHERE e.n IS NOT c.version OR e.last IS NOT c.version",
    ),
    (
        "a lead's stream is 1, 2, 3 ... up to its version",
        "SELECT count(*) FROM lead l
         LEFT JOIN (SELECT workspace_id, lead_id, count(*) n, max(lead_seq) last FROM event
                    WHERE lead_seq IS NOT NULL GROUP BY workspace_id, lead_id) e
         ON e.workspace_id = l.workspace_id AND e.lead_id = l.id
         WHERE e.n IS NOT l.version OR e.last IS NOT l.version",
    ),
    (
        "a stream belongs to a contact that exists",
        "SELECT count(*) FROM event e WHERE contact_seq IS NOT NULL AND NOT EXISTS
         (SELECT 1 FROM contact c WHERE c.workspace_id = e.workspace_id AND c.id = e.contact_id)",
    ),
    (
        "a stream belongs to a lead that exists",
        "SELECT count(*) FROM event e WHERE lead_seq IS NOT NULL AND NOT EXISTS
         (SELECT 1 FROM lead l WHERE l.workspace_id = e.workspace_id AND l.id = e.lead_id)",
    ),
    (
        "a lead was received once, by its contact",
        "SELECT count(*) FROM lead l WHERE 1 <> (SELECT count(*) FROM event e WHERE e.workspace_id = l.workspace_id
         AND e.lead_id = l.id AND e.kind = 'lead.received' AND e.lead_seq = 1 AND e.contact_id = l.contact_id
         AND e.contact_seq IS NOT NULL)",
    ),
    (
        "a contact counts its leads",
        "SELECT count(*) FROM contact c WHERE leads <> (SELECT count(*) FROM lead l
         WHERE l.workspace_id = c.workspace_id AND l.contact_id = c.id AND l.deleted_at IS NULL)",
    ),
    (
        "a contact was opened by one of its leads",
        "SELECT count(*) FROM contact c WHERE 1 <> (SELECT count(*) FROM lead l
         WHERE l.workspace_id = c.workspace_id AND l.contact_id = c.id AND l.opened_contact)",
    ),
    (
        "a lead has a contact",
        "SELECT count(*) FROM lead l WHERE NOT EXISTS
         (SELECT 1 FROM contact c WHERE c.workspace_id = l.workspace_id AND c.id = l.contact_id)",
    ),
    (
        "a contact has a key",
        "SELECT count(*) FROM contact c WHERE NOT EXISTS
         (SELECT 1 FROM contact_key k WHERE k.workspace_id = c.workspace_id AND k.contact_id = c.id)",
    ),
    (
        "a key leads to a contact",
        "SELECT count(*) FROM contact_key k WHERE NOT EXISTS
         (SELECT 1 FROM contact c WHERE c.workspace_id = k.workspace_id AND c.id = k.contact_id)",
    ),
    (
        "a lead has its payload",
        "SELECT count(*) FROM lead l WHERE NOT EXISTS
         (SELECT 1 FROM payload p WHERE p.workspace_id = l.workspace_id AND p.id = l.id)",
    ),
    (
        "a payload is of a lead or a rejection",
        "SELECT count(*) FROM payload p WHERE NOT EXISTS
         (SELECT 1 FROM lead l WHERE l.workspace_id = p.workspace_id AND l.id = p.id) AND NOT EXISTS
         (SELECT 1 FROM rejection r WHERE r.workspace_id = p.workspace_id AND r.id = p.id)",
    ),
    (
        "a claim is held by a lead or a rejection",
        "SELECT count(*) FROM claim k WHERE kind < 2 AND NOT EXISTS
         (SELECT 1 FROM payload p WHERE p.workspace_id = k.workspace_id AND p.id = k.holder_id)",
    ),
    (
        "the daily sums count the leads and the contacts that they opened",
        "SELECT count(*) FROM head h WHERE
         (SELECT coalesce(sum(n0), 0) FROM rollup r WHERE r.workspace_id = h.workspace_id AND r.cube = 0)
         <> (SELECT count(*) FROM lead l WHERE l.workspace_id = h.workspace_id AND NOT l.test)
         OR (SELECT coalesce(sum(n1), 0) FROM rollup r WHERE r.workspace_id = h.workspace_id AND r.cube = 0)
         <> (SELECT count(*) FROM lead l WHERE l.workspace_id = h.workspace_id AND NOT l.test AND l.opened_contact)",
    ),
];
