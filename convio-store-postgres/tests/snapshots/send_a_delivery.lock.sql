-- uuid[], bigint[], bigint[], bigint[], bigint[], uuid[], uuid[], text[], uuid[], bigint[], uuid[], uuid[], text[], text[], timestamp with time zone[], bigint[], bigint[], timestamp with time zone[], timestamp with time zone[], bigint[], uuid[], text[], text[], text[], bigint[]
WITH locked AS MATERIALIZED (
    SELECT h.workspace_id FROM unnest($1::uuid[], $2::int8[]) AS n (workspace_id, commits)
    CROSS JOIN LATERAL (SELECT t.workspace_id FROM convio.head AS t WHERE t.workspace_id = n.workspace_id AND t.commits = n.commits
        LIMIT 1 FOR NO KEY UPDATE) AS h
),
gate AS MATERIALIZED (SELECT 1 FROM locked HAVING count(*) = cardinality($1::uuid[])),
in_delivery AS (INSERT INTO convio.delivery (workspace_id, id, body, endpoint_id, position, lead_id, appointment_id, kind, status, next_attempt_at, attempts, response_status, created_at, ended_at, version) SELECT t.workspace_id, t.id, t.body::json, t.endpoint_id, t.position, t.lead_id, t.appointment_id, t.kind, t.status, t.next_attempt_at, t.attempts, t.response_status, t.created_at, t.ended_at, t.version FROM gate CROSS JOIN (SELECT unnest($6::uuid[]) AS workspace_id, unnest($7::uuid[]) AS id, unnest($8::text[]) AS body, unnest($9::uuid[]) AS endpoint_id, unnest($10::int8[]) AS position, unnest($11::uuid[]) AS lead_id, unnest($12::uuid[]) AS appointment_id, unnest($13::text[]) AS kind, unnest($14::text[]) AS status, unnest($15::timestamptz[]) AS next_attempt_at, unnest($16::int8[]) AS attempts, unnest($17::int8[]) AS response_status, unnest($18::timestamptz[]) AS created_at, unnest($19::timestamptz[]) AS ended_at, unnest($20::int8[]) AS version) AS t ON CONFLICT (workspace_id, id) DO UPDATE SET body = excluded.body, endpoint_id = excluded.endpoint_id, position = excluded.position, lead_id = excluded.lead_id, appointment_id = excluded.appointment_id, kind = excluded.kind, status = excluded.status, next_attempt_at = excluded.next_attempt_at, attempts = excluded.attempts, response_status = excluded.response_status, created_at = excluded.created_at, ended_at = excluded.ended_at, version = excluded.version),
in_record AS (INSERT INTO convio.record (workspace_id, kind, key, body, version) SELECT t.workspace_id, t.kind, t.key, t.body::json, t.version FROM gate CROSS JOIN (SELECT unnest($21::uuid[]) AS workspace_id, unnest($22::text[]) AS kind, unnest($23::text[]) AS key, unnest($24::text[]) AS body, unnest($25::int8[]) AS version) AS t ON CONFLICT (workspace_id, kind, key) DO UPDATE SET body = excluded.body, version = excluded.version),
moved AS (
    UPDATE convio.head AS h SET feed = n.feed, contacts = n.contacts, config = n.config, commits = n.commits + 1
    FROM gate CROSS JOIN unnest($1::uuid[], $2::int8[], $3::int8[], $4::int8[], $5::int8[])
        AS n (workspace_id, commits, feed, contacts, config)
    WHERE h.workspace_id = n.workspace_id
)
SELECT 1 FROM gate
