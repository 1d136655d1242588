-- uuid
SELECT 0::int2 AS set, ROW(x.workspace_id, x.name, x.zone, x.currency, x.active, x.policy::text, x.created_at, x.deleted_at, x.version) AS cells FROM convio.workspace AS x WHERE x.workspace_id = $1
