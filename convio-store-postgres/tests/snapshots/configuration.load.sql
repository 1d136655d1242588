-- uuid, text[]
(SELECT 0::int2 AS set, ROW(x.workspace_id, x.feed, x.contacts, x.config, x.commits) AS cells FROM convio.head AS x WHERE x.workspace_id = $1)
UNION ALL (SELECT 1::int2 AS set, ROW(x.workspace_id, x.name, x.zone, x.currency, x.active, x.policy::text, x.created_at, x.deleted_at, x.version) AS cells FROM convio.workspace AS x WHERE x.workspace_id = $1)
UNION ALL (SELECT 2::int2 AS set, ROW(x.workspace_id, x.id, x.name, x.settings::text, x.created_at, x.deleted_at, x.version) AS cells FROM convio.webhook AS x WHERE x.workspace_id = $1)
UNION ALL (SELECT 3::int2 AS set, ROW(x.workspace_id, x.kind, x.key, x.body::text, x.version) AS cells FROM convio.record AS x WHERE x.workspace_id = $1 AND x.kind = ANY($2))
