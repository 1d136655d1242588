-- uuid, uuid[], uuid[], uuid[], uuid[], smallint[], date[], text[], text[], text[]
(SELECT 40::int2 AS set, ROW(x.workspace_id, x.feed, x.contacts, x.config, x.commits) AS cells FROM convio.head AS x WHERE x.workspace_id = $1)
UNION ALL (SELECT 50::int2 AS set, ROW(x.id, x.version) AS cells FROM convio.contact AS x WHERE x.workspace_id = $1 AND x.id = ANY($2))
UNION ALL (SELECT 51::int2 AS set, ROW(x.id, x.version) AS cells FROM convio.lead AS x WHERE x.workspace_id = $1 AND x.id = ANY($3))
UNION ALL (SELECT 53::int2 AS set, ROW(x.id, x.version) AS cells FROM convio.appointment AS x WHERE x.workspace_id = $1 AND x.id = ANY($4))
UNION ALL (SELECT 54::int2 AS set, ROW(x.id, x.version) AS cells FROM convio.conversion AS x WHERE x.workspace_id = $1 AND x.id = ANY($5))
UNION ALL (SELECT 57::int2 AS set, ROW(x.workspace_id, x.cube, x.day, x.d1, x.d2, x.d3, x.n0, x.n1, x.n2, x.n3, x.n4, x.n5, x.last_at) AS cells FROM unnest($6::int2[], $7::date[], $8::text[], $9::text[], $10::text[]) AS n (cube, day, d1, d2, d3)
    JOIN convio.rollup AS x ON x.workspace_id = $1 AND x.cube = n.cube AND x.day = n.day AND x.d1 = n.d1 AND x.d2 = n.d2
    AND x.d3 = n.d3)
