-- uuid[], bigint[], bigint[], bigint[], bigint[], uuid[], text[], text[], text[], bigint[], uuid[], bigint[], timestamp with time zone[], text[], uuid[], bigint[], uuid[], bigint[], text[], uuid[], bigint[], bigint[], uuid[], text[], text[], text[], text[], text[]
WITH locked AS MATERIALIZED (
    SELECT h.workspace_id FROM unnest($1::uuid[], $2::int8[]) AS n (workspace_id, commits)
    CROSS JOIN LATERAL (SELECT t.workspace_id FROM convio.head AS t WHERE t.workspace_id = n.workspace_id AND t.commits = n.commits
        LIMIT 1 FOR NO KEY UPDATE) AS h
),
gate AS MATERIALIZED (SELECT 1 FROM locked HAVING count(*) = cardinality($1::uuid[])),
in_record AS (INSERT INTO convio.record (workspace_id, kind, key, body, version) SELECT t.workspace_id, t.kind, t.key, t.body::json, t.version FROM gate CROSS JOIN (SELECT unnest($6::uuid[]) AS workspace_id, unnest($7::text[]) AS kind, unnest($8::text[]) AS key, unnest($9::text[]) AS body, unnest($10::int8[]) AS version) AS t ON CONFLICT (workspace_id, kind, key) DO UPDATE SET body = excluded.body, version = excluded.version),
in_event AS (INSERT INTO convio.event (workspace_id, position, at, kind, contact_id, contact_seq, lead_id, lead_seq, subject_kind, subject_id, subject_seq, contact_number, duplicate_of, actor, request, causation, facts, personal) SELECT t.workspace_id, t.position, t.at, t.kind, t.contact_id, t.contact_seq, t.lead_id, t.lead_seq, t.subject_kind, t.subject_id, t.subject_seq, t.contact_number, t.duplicate_of, t.actor, t.request, t.causation, t.facts::json, t.personal::json FROM gate CROSS JOIN (SELECT unnest($11::uuid[]) AS workspace_id, unnest($12::int8[]) AS position, unnest($13::timestamptz[]) AS at, unnest($14::text[]) AS kind, unnest($15::uuid[]) AS contact_id, unnest($16::int8[]) AS contact_seq, unnest($17::uuid[]) AS lead_id, unnest($18::int8[]) AS lead_seq, unnest($19::text[]) AS subject_kind, unnest($20::uuid[]) AS subject_id, unnest($21::int8[]) AS subject_seq, unnest($22::int8[]) AS contact_number, unnest($23::uuid[]) AS duplicate_of, unnest($24::text[]) AS actor, unnest($25::text[]) AS request, unnest($26::text[]) AS causation, unnest($27::text[]) AS facts, unnest($28::text[]) AS personal) AS t),
moved AS (
    UPDATE convio.head AS h SET feed = n.feed, contacts = n.contacts, config = n.config, commits = n.commits + 1
    FROM gate CROSS JOIN unnest($1::uuid[], $2::int8[], $3::int8[], $4::int8[], $5::int8[])
        AS n (workspace_id, commits, feed, contacts, config)
    WHERE h.workspace_id = n.workspace_id
)
SELECT 1 FROM gate
