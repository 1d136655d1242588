-- uuid, uuid
SELECT 0::int2 AS set, ROW(x.workspace_id, x.scope, x.kind, x.value, x.contact_id) AS cells FROM convio.contact_key AS x WHERE x.workspace_id = $1 AND x.contact_id = $2 ORDER BY x.scope, x.kind, x.value
