-- uuid[], bigint[], bigint[], bigint[], bigint[], uuid[], text[], text[], text[], bigint[]
WITH locked AS MATERIALIZED (
    SELECT h.workspace_id FROM unnest($1::uuid[], $2::int8[]) AS n (workspace_id, commits)
    CROSS JOIN LATERAL (SELECT t.workspace_id FROM convio.head AS t WHERE t.workspace_id = n.workspace_id AND t.commits = n.commits
        LIMIT 1 FOR NO KEY UPDATE) AS h
),
gate AS MATERIALIZED (SELECT 1 FROM locked HAVING count(*) = cardinality($1::uuid[])),
in_record AS (INSERT INTO convio.record (workspace_id, kind, key, body, version) SELECT t.workspace_id, t.kind, t.key, t.body::json, t.version FROM gate CROSS JOIN (SELECT unnest($6::uuid[]) AS workspace_id, unnest($7::text[]) AS kind, unnest($8::text[]) AS key, unnest($9::text[]) AS body, unnest($10::int8[]) AS version) AS t ON CONFLICT (workspace_id, kind, key) DO UPDATE SET body = excluded.body, version = excluded.version),
moved AS (
    UPDATE convio.head AS h SET feed = n.feed, contacts = n.contacts, config = n.config, commits = n.commits + 1
    FROM gate CROSS JOIN unnest($1::uuid[], $2::int8[], $3::int8[], $4::int8[], $5::int8[])
        AS n (workspace_id, commits, feed, contacts, config)
    WHERE h.workspace_id = n.workspace_id
)
SELECT 1 FROM gate
