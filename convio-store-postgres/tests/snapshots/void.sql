-- uuid, text, text[]
SELECT 0::int2 AS set, ROW(x.workspace_id, x.kind, x.key, x.body::text, x.version) AS cells FROM unnest($3::text[]) AS n (key)
    CROSS JOIN LATERAL (SELECT * FROM convio.record AS t WHERE t.workspace_id = $1 AND t.kind = $2 AND t.key = n.key LIMIT 1) AS x
