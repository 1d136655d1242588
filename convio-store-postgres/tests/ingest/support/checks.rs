//! What must hold in a database after any sequence of leads, recounted in SQL that shares nothing with the statement.

use super::number::number;
use super::{Database, FIELDS};

/// Panics with the name of every check that fails.
pub(crate) async fn assert_sound(database: &Database) {
    let mut failed = Vec::new();
    for (name, sql) in CHECKS {
        let wrong = database.count(&sql.replace("$fields", &fields())).await;
        if wrong != 0 {
            failed.push(format!("{name}: {wrong} rows"));
        }
    }
    for workspace in database.column::<uuid::Uuid>("SELECT workspace_id FROM convio.head").await {
        let of = format!("WHERE workspace_id = '{workspace}'");
        let mut stored = database.column::<i64>(&format!("SELECT number FROM convio.contact {of}")).await;
        let mut due: Vec<i64> = (0..stored.len()).map(|n| number(i64::try_from(n).expect("fits"))).collect();
        stored.sort_unstable();
        due.sort_unstable();
        if stored != due {
            failed.push(format!("numbers of {workspace} are not those of its first {} contacts", due.len()));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

fn fields() -> String {
    format!("ARRAY['{}']", FIELDS.join("','"))
}

/// Name, and a query that counts the rows which break the rule.
const CHECKS: [(&str, &str); 19] = [
    (
        "one contact per key",
        "SELECT count(*) FROM (SELECT FROM convio.event GROUP BY workspace_id, personal->'phone'->>'value'
           HAVING count(DISTINCT contact_id) > 1) broken",
    ),
    (
        "one key per contact, and its hits count its leads",
        "SELECT count(*) FROM convio.contact c WHERE (SELECT array_agg(k.hits) FROM convio.contact_key k
             WHERE k.workspace_id = c.workspace_id AND k.contact_id = c.id) IS DISTINCT FROM
           ARRAY[(SELECT count(*) FROM convio.lead l WHERE l.workspace_id = c.workspace_id AND l.contact_id = c.id)]",
    ),
    (
        "no key without its contact",
        "SELECT count(*) FROM convio.contact_key k LEFT JOIN convio.contact c
           ON c.workspace_id = k.workspace_id AND c.id = k.contact_id WHERE c.id IS NULL",
    ),
    (
        "the head counts contacts and events",
        "SELECT count(*) FROM convio.head h WHERE (h.contacts, h.feed) IS DISTINCT FROM
           ((SELECT count(*) FROM convio.contact c WHERE c.workspace_id = h.workspace_id),
            (SELECT count(*) FROM convio.event e WHERE e.workspace_id = h.workspace_id))",
    ),
    (
        "the feed has no hole",
        "SELECT count(*) FROM (SELECT FROM convio.event GROUP BY workspace_id
           HAVING (min(position), max(position)) <> (1, count(*))) broken",
    ),
    (
        "the stream of a contact has no hole and follows the feed",
        "SELECT count(*) FROM (SELECT contact_seq,
             row_number() OVER (PARTITION BY workspace_id, contact_id ORDER BY position) AS due
           FROM convio.event) stream WHERE contact_seq IS DISTINCT FROM due",
    ),
    (
        "a contact's version is the number of its events",
        "WITH told AS (SELECT workspace_id, contact_id AS id, count(*) AS events FROM convio.event GROUP BY 1, 2)
         SELECT count(*) FROM convio.contact c FULL JOIN told t USING (workspace_id, id)
         WHERE (c.version, c.base_version) IS DISTINCT FROM (t.events, t.events - 1)",
    ),
    (
        "a lead has its one event, its payload and its contact",
        "SELECT count(*) FROM convio.lead l
           FULL JOIN convio.event e ON e.workspace_id = l.workspace_id AND e.lead_id = l.id AND e.lead_seq = 1
           FULL JOIN convio.payload p ON p.workspace_id = l.workspace_id AND p.id = l.id
           LEFT JOIN convio.contact c ON c.workspace_id = l.workspace_id AND c.id = l.contact_id
         WHERE l.id IS NULL OR e.lead_id IS NULL OR p.id IS NULL OR c.id IS NULL OR e.contact_id <> l.contact_id",
    ),
    (
        "a contact was opened by its first event, once",
        "SELECT count(*) FROM convio.lead l JOIN convio.event e ON e.workspace_id = l.workspace_id AND e.lead_id = l.id
         WHERE l.opened_contact <> (e.contact_seq = 1)",
    ),
    (
        "the row of a contact is the fold of what was offered",
        "WITH offer AS (
           SELECT e.workspace_id, e.contact_id, o.key AS field, o.value->>'value' AS value,
             set_byte('\\x00'::bytea, 0, (o.value->>'rank')::int) || int8send((e.facts->>'received_at')::bigint # (-9223372036854775808)::bigint)
               || uuid_send(e.lead_id) AS stamp
           FROM convio.event e CROSS JOIN LATERAL json_each(e.personal) o),
         best AS (SELECT DISTINCT ON (workspace_id, contact_id, field) * FROM offer
           ORDER BY workspace_id, contact_id, field, stamp DESC)
         SELECT count(*) FROM convio.contact c CROSS JOIN unnest($fields) WITH ORDINALITY f (field, at)
           LEFT JOIN best b ON b.workspace_id = c.workspace_id AND b.contact_id = c.id AND b.field = f.field
         WHERE (c.stamps[f.at], to_jsonb(c)->>f.field) IS DISTINCT FROM (coalesce(b.stamp, ''), b.value)",
    ),
    (
        "the validity and the extension of a phone go with the phone",
        "SELECT count(*) FROM convio.contact WHERE (phone_validity, phone_ext) IS DISTINCT FROM
           (CASE WHEN ascii(right(phone, 1)) % 2 = 0 THEN 'valid' WHEN phone IS NOT NULL THEN 'possible' END,
            CASE WHEN ascii(right(phone, 1)) % 3 = 0 THEN right(phone, 1) END)",
    ),
    (
        "a contact counts its leads",
        "SELECT count(*) FROM convio.contact c WHERE c.leads IS DISTINCT FROM
           (SELECT count(*) FROM convio.lead l WHERE l.workspace_id = c.workspace_id AND l.contact_id = c.id)",
    ),
    (
        "an event names the contact that it made and the lead that its own repeats",
        "SELECT count(*) FROM convio.event e
           JOIN convio.contact c ON c.workspace_id = e.workspace_id AND c.id = e.contact_id
           JOIN convio.lead l ON l.workspace_id = e.workspace_id AND l.id = e.lead_id
         WHERE (e.contact_number, e.duplicate_of) IS DISTINCT FROM
           (CASE WHEN e.contact_seq = 1 THEN c.number END, l.duplicate_of)",
    ),
    (
        "the first touch is the earliest lead",
        "SELECT count(*) FROM convio.contact c WHERE (c.first_at, c.first_lead, c.first_source) IS DISTINCT FROM
           (SELECT (l.received_at, l.id, l.source) FROM convio.lead l
            WHERE l.workspace_id = c.workspace_id AND l.contact_id = c.id ORDER BY l.received_at, l.id LIMIT 1)",
    ),
    (
        "the rollup is a recount",
        "WITH recount AS (
           SELECT l.workspace_id, 0::smallint AS cube, (l.received_at AT TIME ZONE 'UTC')::date AS day,
             l.webhook_id::text AS d1, lower(l.source) AS d2, '' AS d3,
             count(*) AS n0, count(*) FILTER (WHERE opened_contact) AS n1,
             count(*) FILTER (WHERE duplicate_of IS NOT NULL) AS n2, max(received_at) AS last_at
           FROM convio.lead l WHERE NOT test GROUP BY 1, 2, 3, 4, 5)
         SELECT count(*) FROM recount n FULL JOIN convio.rollup r USING (workspace_id, cube, day, d1, d2, d3)
         WHERE (n.n0, n.n1, n.n2, 0, n.last_at) IS DISTINCT FROM
           (r.n0, r.n1, r.n2, r.n3 + r.n4 + r.n5, r.last_at)",
    ),
    (
        "a duplicate names an earlier lead of its contact within the hour",
        "SELECT count(*) FROM convio.lead l LEFT JOIN convio.lead d
           ON d.workspace_id = l.workspace_id AND d.id = l.duplicate_of AND d.contact_id = l.contact_id
         WHERE l.duplicate_of IS NOT NULL AND (d.id IS NULL OR d.id = l.id
           OR abs(extract(epoch FROM l.received_at - d.received_at)) >= 3600)",
    ),
    (
        "a window remembers its latest lead",
        "WITH latest AS (
           SELECT DISTINCT ON (1, 2, 3) l.workspace_id, l.contact_id, convert_to(e.facts->>'window', 'UTF8') AS key,
             l.received_at, l.id
           FROM convio.lead l JOIN convio.event e ON e.workspace_id = l.workspace_id AND e.lead_id = l.id
           WHERE e.facts->>'window' IS NOT NULL ORDER BY 1, 2, 3, l.received_at DESC, l.id DESC)
         SELECT count(*) FROM convio.repeat_window w FULL JOIN latest t USING (workspace_id, contact_id, key)
         WHERE (w.last_at, w.last_lead) IS DISTINCT FROM (t.received_at, t.id)",
    ),
    (
        "an external id names the stored lead that came with it",
        "SELECT count(*) FROM convio.claim c LEFT JOIN convio.lead l ON l.workspace_id = c.workspace_id AND l.id = c.intake_id
         WHERE c.kind = 1 AND l.external_id IS DISTINCT FROM c.value",
    ),
    (
        "an idempotency key names a stored lead, by way of its external id where it has one",
        "SELECT count(*) FROM convio.claim c LEFT JOIN convio.claim x ON x.workspace_id = c.workspace_id
             AND x.webhook_id = c.webhook_id AND x.kind = 1 AND x.value = c.external_id
           LEFT JOIN convio.lead l ON l.workspace_id = c.workspace_id
             AND l.id = CASE WHEN c.external_id IS NULL THEN c.intake_id ELSE x.intake_id END
         WHERE c.kind = 0 AND l.id IS NULL",
    ),
];
