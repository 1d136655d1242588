-- uuid, uuid, bigint
SELECT 0::int2 AS set, ROW(x.workspace_id, x.id, x.name, x.settings::text, x.created_at, x.deleted_at, x.version) AS cells FROM convio.webhook AS x WHERE x.workspace_id = $1 AND x.id > $2 ORDER BY x.id LIMIT $3
