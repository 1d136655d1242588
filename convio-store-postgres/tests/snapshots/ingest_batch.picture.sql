-- uuid[], uuid[], uuid[], smallint[], text[], uuid[], uuid[], smallint[], text[], uuid[], uuid[], smallint[], text[], bytea[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], smallint[], date[], text[], text[], text[]
(SELECT 40::int2 AS set, ROW(x.workspace_id, x.feed, x.contacts, x.config, x.commits) AS cells FROM unnest((SELECT $1::uuid[])) AS n (workspace_id)
    CROSS JOIN LATERAL (SELECT * FROM convio.head AS t WHERE t.workspace_id = n.workspace_id LIMIT 1) AS x)
UNION ALL (SELECT 43::int2 AS set, ROW(x.workspace_id, x.scope, x.kind, x.value, x.contact_id) AS cells FROM unnest((SELECT $2::uuid[]), (SELECT $3::uuid[]), (SELECT $4::int2[]), (SELECT $5::text[])) AS n (workspace_id, scope, kind, value)
    CROSS JOIN LATERAL (SELECT * FROM convio.contact_key AS t WHERE t.workspace_id = n.workspace_id AND t.scope = n.scope
        AND t.kind = n.kind AND t.value = n.value LIMIT 1) AS x)
UNION ALL (SELECT 44::int2 AS set, ROW(x.workspace_id, x.id, x.number, x.first_name, x.last_name, x.email, x.phone, x.phone_validity, x.phone_ext, x.street, x.street2, x.city, x.state, x.postal_code, x.country, x.stamps, x.first_source, x.first_lead, x.first_at, x.leads, x.customer_since, x.conversions, x.lifetime::text, x.merged_into, x.created_at, x.version) AS cells FROM unnest((SELECT $6::uuid[]), (SELECT $7::uuid[]), (SELECT $8::int2[]), (SELECT $9::text[])) AS n (workspace_id, scope, kind, value)
    CROSS JOIN LATERAL (SELECT t.contact_id FROM convio.contact_key AS t WHERE t.workspace_id = n.workspace_id AND t.scope = n.scope
        AND t.kind = n.kind AND t.value = n.value LIMIT 1) AS k
    CROSS JOIN LATERAL (SELECT * FROM convio.contact AS t WHERE t.workspace_id = n.workspace_id AND t.id = k.contact_id LIMIT 1) AS x)
UNION ALL (SELECT 45::int2 AS set, ROW(x.workspace_id, x.contact_id, x.key, x.last_at, x.last_lead) AS cells FROM unnest((SELECT $10::uuid[]), (SELECT $11::uuid[]), (SELECT $12::int2[]), (SELECT $13::text[]), (SELECT $14::bytea[])) AS n (workspace_id, scope, kind, value, key)
    CROSS JOIN LATERAL (SELECT t.contact_id FROM convio.contact_key AS t WHERE t.workspace_id = n.workspace_id AND t.scope = n.scope
        AND t.kind = n.kind AND t.value = n.value LIMIT 1) AS k
    CROSS JOIN LATERAL (SELECT * FROM convio.repeat_window AS t WHERE t.workspace_id = n.workspace_id AND t.contact_id = k.contact_id
        AND t.key = n.key LIMIT 1) AS x)
UNION ALL (SELECT 50::int2 AS set, ROW(n.workspace_id, x.id, x.version) AS cells FROM unnest((SELECT $15::uuid[]), (SELECT $16::uuid[])) AS n (workspace_id, id)
    CROSS JOIN LATERAL (SELECT t.id, t.version FROM convio.contact AS t WHERE t.workspace_id = n.workspace_id AND t.id = n.id LIMIT 1) AS x)
UNION ALL (SELECT 51::int2 AS set, ROW(n.workspace_id, x.id, x.version) AS cells FROM unnest((SELECT $17::uuid[]), (SELECT $18::uuid[])) AS n (workspace_id, id)
    CROSS JOIN LATERAL (SELECT t.id, t.version FROM convio.lead AS t WHERE t.workspace_id = n.workspace_id AND t.id = n.id LIMIT 1) AS x)
UNION ALL (SELECT 56::int2 AS set, ROW(n.workspace_id, x.id) AS cells FROM unnest((SELECT $19::uuid[]), (SELECT $20::uuid[])) AS n (workspace_id, id)
    CROSS JOIN LATERAL (SELECT t.id FROM convio.payload AS t WHERE t.workspace_id = n.workspace_id AND t.id = n.id LIMIT 1) AS x)
UNION ALL (SELECT 57::int2 AS set, ROW(x.workspace_id, x.cube, x.day, x.d1, x.d2, x.d3, x.n0, x.n1, x.n2, x.n3, x.n4, x.n5, x.last_at) AS cells FROM unnest((SELECT $21::uuid[]), (SELECT $22::int2[]), (SELECT $23::date[]), (SELECT $24::text[]), (SELECT $25::text[]), (SELECT $26::text[])) AS n (workspace_id, cube, day, d1, d2, d3)
    CROSS JOIN LATERAL (SELECT * FROM convio.rollup AS t WHERE t.workspace_id = n.workspace_id AND t.cube = n.cube AND t.day = n.day
        AND t.d1 = n.d1 AND t.d2 = n.d2 AND t.d3 = n.d3 LIMIT 1) AS x)
