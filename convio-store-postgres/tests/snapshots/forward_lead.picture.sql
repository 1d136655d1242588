-- uuid[], uuid[], uuid[]
(SELECT 40::int2 AS set, ROW(x.workspace_id, x.feed, x.contacts, x.config, x.commits) AS cells FROM unnest((SELECT $1::uuid[])) AS n (workspace_id)
    CROSS JOIN LATERAL (SELECT * FROM convio.head AS t WHERE t.workspace_id = n.workspace_id LIMIT 1) AS x)
UNION ALL (SELECT 60::int2 AS set, ROW(n.workspace_id, x.id, x.version) AS cells FROM unnest((SELECT $2::uuid[]), (SELECT $3::uuid[])) AS n (workspace_id, id)
    CROSS JOIN LATERAL (SELECT t.id, t.version FROM convio.delivery AS t WHERE t.workspace_id = n.workspace_id AND t.id = n.id LIMIT 1) AS x)
