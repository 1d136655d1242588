//! What holds in every schema, whatever was done to it, asked of Postgres itself and not of the store: recounts in SQL that share
//! nothing with the statements that wrote the rows.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use convio_core::{NumberSeries, WorkspaceId};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row};

/// Every law that is broken, by name. A sound schema breaks none.
pub(crate) async fn broken_laws(conn: &mut PgConnection, schema: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for (law, exceptions) in LAWS {
        let sql = exceptions.replace("{s}", schema);
        let exceptions = sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).fetch_one(&mut *conn).await;
        match exceptions.unwrap_or_else(|error| panic!("{law}: {error}")) {
            0 => {}
            n => broken.push(format!("{law}: {n} times not")),
        }
    }
    for (workspace, made, mut found) in numbers(conn, schema).await {
        let series = NumberSeries::of(workspace);
        let mut wanted: Vec<u64> = (0..made).map(|n| series.nth(n).as_u64()).collect();
        wanted.sort_unstable();
        found.sort_unstable();
        if wanted != found {
            broken.push(format!("contacts have the first {made} numbers: {} have others", found.len()));
        }
    }
    broken
}

/// Per workspace: contacts ever made, and the numbers that contacts have.
async fn numbers(conn: &mut PgConnection, schema: &str) -> Vec<(WorkspaceId, u64, Vec<u64>)> {
    let sql = "SELECT h.workspace_id, h.contacts, array(SELECT number FROM {s}.contact c WHERE c.workspace_id = h.workspace_id)
        FROM {s}.head h";
    let rows = sqlx::query(AssertSqlSafe(sql.replace("{s}", schema))).fetch_all(conn).await.expect("reads");
    let number = |n: i64| n.cast_unsigned();
    rows.iter()
        .map(|row| {
            let found: Vec<i64> = row.get(2);
            let workspace = WorkspaceId::from_uuid(row.get(0));
            (workspace, number(row.get(1)), found.into_iter().map(number).collect())
        })
        .collect()
}

/// Each with a query that counts its exceptions. They are of workspaces in which leads came in and nothing else was done with
/// them, by webhooks that know contacts by phone in the whole workspace.
const LAWS: &[(&str, &str)] = &[
    (
        "a phone is one contact",
        "SELECT count(*) FROM (SELECT FROM {s}.contact GROUP BY workspace_id, phone HAVING count(*) > 1) twice",
    ),
    (
        "a number is one contact",
        "SELECT count(*) FROM (SELECT FROM {s}.contact GROUP BY workspace_id, number HAVING count(*) > 1) twice",
    ),
    (
        "a contact has its phone as its one key",
        "SELECT count(*) FROM {s}.contact c FULL JOIN {s}.contact_key k
         ON k.workspace_id = c.workspace_id AND k.contact_id = c.id AND k.value = c.phone WHERE c.id IS NULL OR k.value IS NULL",
    ),
    (
        "a feed is 1, 2, 3 ... up to its head",
        "SELECT count(*) FROM {s}.head h WHERE (h.feed, h.feed, 1::int8) IS DISTINCT FROM (SELECT (count(*), max(position), min(position))
         FROM {s}.event e WHERE e.workspace_id = h.workspace_id)",
    ),
    (
        "an event is of a workspace with a head",
        "SELECT count(*) FROM {s}.event e WHERE NOT EXISTS (SELECT FROM {s}.head h WHERE h.workspace_id = e.workspace_id)",
    ),
    (
        "a contact's stream is 1, 2, 3 ... in the order of the feed",
        "SELECT count(*) FROM (SELECT contact_seq, row_number() OVER (PARTITION BY workspace_id, contact_id ORDER BY position) AS due
         FROM {s}.event WHERE contact_seq IS NOT NULL) e WHERE contact_seq <> due",
    ),
    (
        "a contact's version is the number of its events",
        "SELECT count(*) FROM {s}.contact c FULL JOIN (SELECT workspace_id, contact_id AS id, count(*) AS n FROM {s}.event
         WHERE contact_seq IS NOT NULL GROUP BY workspace_id, contact_id) e USING (workspace_id, id)
         WHERE e.n IS DISTINCT FROM c.version",
    ),
    (
        "a lead's stream is 1, 2, 3 ... up to its version",
        "SELECT count(*) FROM {s}.lead l FULL JOIN (SELECT workspace_id, lead_id AS id, count(*) AS n, max(lead_seq) AS last
         FROM {s}.event WHERE lead_seq IS NOT NULL GROUP BY workspace_id, lead_id) e USING (workspace_id, id)
         WHERE e.n IS DISTINCT FROM l.version OR e.last IS DISTINCT FROM l.version",
    ),
    (
        "a lead was received once, by its contact",
        "SELECT count(*) FROM {s}.lead l WHERE 1 <> (SELECT count(*) FROM {s}.event e WHERE e.workspace_id = l.workspace_id
         AND e.lead_id = l.id AND e.kind = 'lead.received' AND e.lead_seq = 1 AND e.contact_id = l.contact_id
         AND e.duplicate_of IS NOT DISTINCT FROM l.duplicate_of AND (e.contact_seq = 1) = l.opened_contact)",
    ),
    (
        "the event that made a contact tells its number",
        "SELECT count(*) FROM {s}.event e JOIN {s}.contact c ON c.workspace_id = e.workspace_id AND c.id = e.contact_id
         WHERE e.contact_number IS DISTINCT FROM CASE WHEN e.contact_seq = 1 THEN c.number END",
    ),
    (
        "a contact counts its leads",
        "SELECT count(*) FROM {s}.contact c WHERE leads <> (SELECT count(*) FROM {s}.lead l
         WHERE l.workspace_id = c.workspace_id AND l.contact_id = c.id)",
    ),
    (
        "a contact was opened by one of its leads",
        "SELECT count(*) FROM {s}.contact c WHERE 1 <> (SELECT count(*) FROM {s}.lead l
         WHERE l.workspace_id = c.workspace_id AND l.contact_id = c.id AND l.opened_contact)",
    ),
    (
        "a contact's first touch is its earliest lead",
        "SELECT count(*) FROM {s}.contact c WHERE (first_at, first_lead, first_source) IS DISTINCT FROM
         (SELECT (received_at, id, source) FROM {s}.lead l WHERE l.workspace_id = c.workspace_id AND l.contact_id = c.id
          ORDER BY received_at, id LIMIT 1)",
    ),
    (
        "a lead has a contact",
        "SELECT count(*) FROM {s}.lead l WHERE NOT EXISTS
         (SELECT FROM {s}.contact c WHERE c.workspace_id = l.workspace_id AND c.id = l.contact_id)",
    ),
    (
        "a lead or a rejection has its payload, and no other has one",
        "SELECT count(*) FROM (SELECT workspace_id, id FROM {s}.lead UNION ALL SELECT workspace_id, id FROM {s}.rejection) i
         FULL JOIN {s}.payload p USING (workspace_id, id) WHERE i IS NULL OR p IS NULL",
    ),
    (
        "a claim is held by a lead or a rejection",
        "SELECT count(*) FROM {s}.claim k WHERE NOT EXISTS
         (SELECT FROM {s}.payload p WHERE p.workspace_id = k.workspace_id AND p.id = k.holder_id)",
    ),
    (
        "an intake holds no two idempotency keys",
        "SELECT count(*) FROM (SELECT FROM {s}.claim WHERE kind = 0 GROUP BY workspace_id, holder_id HAVING count(*) > 1) twice",
    ),
    (
        "a lead holds its external id",
        "SELECT count(*) FROM {s}.lead l FULL JOIN (SELECT * FROM {s}.claim WHERE kind = 1 AND NOT yields) k
         ON k.workspace_id = l.workspace_id AND k.webhook_id = l.webhook_id AND k.value = l.external_id AND k.holder_id = l.id
         WHERE (l.external_id IS NULL) <> (k.value IS NULL)",
    ),
    (
        "a window remembers the latest lead of its contact",
        "SELECT count(*) FROM {s}.contact c LEFT JOIN {s}.repeat_window w
         ON w.workspace_id = c.workspace_id AND w.contact_id = c.id
         WHERE (w.last_at, w.last_lead) IS DISTINCT FROM (SELECT (received_at, id) FROM {s}.lead l
         WHERE l.workspace_id = c.workspace_id AND l.contact_id = c.id ORDER BY received_at DESC, id DESC LIMIT 1)",
    ),
    (
        "the daily sums are a recount",
        "WITH came AS (
           SELECT workspace_id, webhook_id, received_at, lower(source) AS source, 1 AS n0, opened_contact::int AS n1,
             (duplicate_of IS NOT NULL)::int AS n2, 0 AS n3, received_at AS last_at FROM {s}.lead
           UNION ALL
           SELECT r.workspace_id, r.webhook_id, r.received_at, lower(h.name), 0, 0, 0, 1, NULL FROM {s}.rejection r
           JOIN {s}.webhook h ON h.workspace_id = r.workspace_id AND h.id = r.webhook_id),
         recount AS (
           SELECT workspace_id, 0 AS cube, (received_at AT TIME ZONE w.zone)::date AS day, webhook_id::text AS d1, source AS d2,
             '' AS d3, sum(n0) AS n0, sum(n1) AS n1, sum(n2) AS n2, sum(n3) AS n3, max(last_at) AS last_at
           FROM came JOIN {s}.workspace w USING (workspace_id) GROUP BY 1, 2, 3, 4, 5, 6)
         SELECT count(*) FROM recount n FULL JOIN {s}.rollup r USING (workspace_id, cube, day, d1, d2, d3)
         WHERE (n.n0, n.n1, n.n2, n.n3, 0, 0, n.last_at) IS DISTINCT FROM (r.n0, r.n1, r.n2, r.n3, r.n4, r.n5, r.last_at)",
    ),
];
