-- uuid, uuid[], uuid[]
(SELECT 40::int2 AS set, ROW(x.workspace_id, x.feed, x.contacts, x.config, x.commits) AS cells FROM convio.head AS x WHERE x.workspace_id = $1)
UNION ALL (SELECT 50::int2 AS set, ROW(x.id, x.version) AS cells FROM unnest((SELECT $2::uuid[])) AS n (id)
    CROSS JOIN LATERAL (SELECT t.id, t.version FROM convio.contact AS t WHERE t.workspace_id = $1 AND t.id = n.id LIMIT 1) AS x)
UNION ALL (SELECT 51::int2 AS set, ROW(x.id, x.version) AS cells FROM unnest((SELECT $3::uuid[])) AS n (id)
    CROSS JOIN LATERAL (SELECT t.id, t.version FROM convio.lead AS t WHERE t.workspace_id = $1 AND t.id = n.id LIMIT 1) AS x)
