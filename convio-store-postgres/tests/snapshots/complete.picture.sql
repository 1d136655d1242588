-- uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], text[], text[], uuid[], smallint[], date[], text[], text[], text[]
(SELECT 40::int2 AS set, ROW(x.workspace_id, x.feed, x.contacts, x.config, x.commits) AS cells FROM unnest((SELECT $1::uuid[])) AS n (workspace_id)
    CROSS JOIN LATERAL (SELECT * FROM convio.head AS t WHERE t.workspace_id = n.workspace_id LIMIT 1) AS x)
UNION ALL (SELECT 50::int2 AS set, ROW(n.workspace_id, x.id, x.version) AS cells FROM unnest((SELECT $2::uuid[]), (SELECT $3::uuid[])) AS n (workspace_id, id)
    CROSS JOIN LATERAL (SELECT t.id, t.version FROM convio.contact AS t WHERE t.workspace_id = n.workspace_id AND t.id = n.id LIMIT 1) AS x)
UNION ALL (SELECT 51::int2 AS set, ROW(n.workspace_id, x.id, x.version) AS cells FROM unnest((SELECT $4::uuid[]), (SELECT $5::uuid[])) AS n (workspace_id, id)
    CROSS JOIN LATERAL (SELECT t.id, t.version FROM convio.lead AS t WHERE t.workspace_id = n.workspace_id AND t.id = n.id LIMIT 1) AS x)
UNION ALL (SELECT 53::int2 AS set, ROW(n.workspace_id, x.id, x.version) AS cells FROM unnest((SELECT $6::uuid[]), (SELECT $7::uuid[])) AS n (workspace_id, id)
    CROSS JOIN LATERAL (SELECT t.id, t.version FROM convio.appointment AS t WHERE t.workspace_id = n.workspace_id AND t.id = n.id LIMIT 1) AS x)
UNION ALL (SELECT 54::int2 AS set, ROW(n.workspace_id, x.id, x.version) AS cells FROM unnest((SELECT $8::uuid[]), (SELECT $9::uuid[])) AS n (workspace_id, id)
    CROSS JOIN LATERAL (SELECT t.id, t.version FROM convio.conversion AS t WHERE t.workspace_id = n.workspace_id AND t.id = n.id LIMIT 1) AS x)
UNION ALL (SELECT 55::int2 AS set, ROW(n.workspace_id, x.kind, x.key, x.version) AS cells FROM unnest((SELECT $10::uuid[]), (SELECT $11::text[]), (SELECT $12::text[])) AS n (workspace_id, kind, key)
    CROSS JOIN LATERAL (SELECT * FROM convio.record AS t WHERE t.workspace_id = n.workspace_id AND t.kind = n.kind AND t.key = n.key
        LIMIT 1) AS x)
UNION ALL (SELECT 57::int2 AS set, ROW(x.workspace_id, x.cube, x.day, x.d1, x.d2, x.d3, x.n0, x.n1, x.n2, x.n3, x.n4, x.n5, x.last_at) AS cells FROM unnest((SELECT $13::uuid[]), (SELECT $14::int2[]), (SELECT $15::date[]), (SELECT $16::text[]), (SELECT $17::text[]), (SELECT $18::text[])) AS n (workspace_id, cube, day, d1, d2, d3)
    CROSS JOIN LATERAL (SELECT * FROM convio.rollup AS t WHERE t.workspace_id = n.workspace_id AND t.cube = n.cube AND t.day = n.day
        AND t.d1 = n.d1 AND t.d2 = n.d2 AND t.d3 = n.d3 LIMIT 1) AS x)
