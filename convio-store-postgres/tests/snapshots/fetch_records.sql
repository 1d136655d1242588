-- uuid, text, text[]
SELECT 0::int2 AS set, ROW(x.workspace_id, x.kind, x.key, x.body::text, x.version) AS cells FROM convio.record AS x WHERE x.workspace_id = $1 AND x.kind = $2 AND x.key = ANY($3)
