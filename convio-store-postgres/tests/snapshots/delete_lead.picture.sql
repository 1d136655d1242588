-- uuid, uuid[], uuid[]
(SELECT 40::int2 AS set, ROW(x.workspace_id, x.feed, x.contacts, x.config, x.commits) AS cells FROM convio.head AS x WHERE x.workspace_id = $1)
UNION ALL (SELECT 50::int2 AS set, ROW(x.id, x.version) AS cells FROM convio.contact AS x WHERE x.workspace_id = $1 AND x.id = ANY($2))
UNION ALL (SELECT 51::int2 AS set, ROW(x.id, x.version) AS cells FROM convio.lead AS x WHERE x.workspace_id = $1 AND x.id = ANY($3))
