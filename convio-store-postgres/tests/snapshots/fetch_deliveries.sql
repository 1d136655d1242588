-- uuid, uuid[]
SELECT 0::int2 AS set, ROW(x.workspace_id, x.id, x.body::text) AS cells FROM convio.delivery AS x WHERE x.workspace_id = $1 AND x.id = ANY($2)
