-- uuid, uuid[], smallint[], text[], uuid[], smallint[], text[], uuid[], smallint[], text[], bytea[], uuid[], uuid[], uuid[], uuid[], smallint[], date[], text[], text[], text[]
(SELECT 40::int2 AS set, ROW(x.workspace_id, x.feed, x.contacts, x.config, x.commits) AS cells FROM convio.head AS x WHERE x.workspace_id = $1)
UNION ALL (SELECT 43::int2 AS set, ROW(x.workspace_id, x.scope, x.kind, x.value, x.contact_id) AS cells FROM unnest($2::uuid[], $3::int2[], $4::text[]) AS n (scope, kind, value)
    JOIN convio.contact_key AS x ON x.workspace_id = $1 AND x.scope = n.scope AND x.kind = n.kind AND x.value = n.value)
UNION ALL (SELECT 44::int2 AS set, ROW(x.workspace_id, x.id, x.number, x.first_name, x.last_name, x.email, x.phone, x.phone_validity, x.phone_ext, x.street, x.street2, x.city, x.state, x.postal_code, x.country, x.stamps, x.first_source, x.first_lead, x.first_at, x.leads, x.customer_since, x.conversions, x.lifetime::text, x.created_at, x.version) AS cells FROM unnest($5::uuid[], $6::int2[], $7::text[]) AS n (scope, kind, value)
    JOIN convio.contact_key AS k ON k.workspace_id = $1 AND k.scope = n.scope AND k.kind = n.kind AND k.value = n.value
    JOIN convio.contact AS x ON x.workspace_id = $1 AND x.id = k.contact_id)
UNION ALL (SELECT 45::int2 AS set, ROW(x.workspace_id, x.contact_id, x.key, x.last_at, x.last_lead) AS cells FROM unnest($8::uuid[], $9::int2[], $10::text[], $11::bytea[]) AS n (scope, kind, value, key)
    JOIN convio.contact_key AS k ON k.workspace_id = $1 AND k.scope = n.scope AND k.kind = n.kind AND k.value = n.value
    JOIN convio.repeat_window AS x ON x.workspace_id = $1 AND x.contact_id = k.contact_id AND x.key = n.key)
UNION ALL (SELECT 50::int2 AS set, ROW(x.id, x.version) AS cells FROM convio.contact AS x WHERE x.workspace_id = $1 AND x.id = ANY($12))
UNION ALL (SELECT 51::int2 AS set, ROW(x.id, x.version) AS cells FROM convio.lead AS x WHERE x.workspace_id = $1 AND x.id = ANY($13))
UNION ALL (SELECT 53::int2 AS set, ROW(x.id, x.version) AS cells FROM convio.appointment AS x WHERE x.workspace_id = $1 AND x.id = ANY($14))
UNION ALL (SELECT 56::int2 AS set, ROW(x.id, 1::int8) AS cells FROM convio.payload AS x WHERE x.workspace_id = $1 AND x.id = ANY($15))
UNION ALL (SELECT 57::int2 AS set, ROW(x.workspace_id, x.cube, x.day, x.d1, x.d2, x.d3, x.n0, x.n1, x.n2, x.n3, x.n4, x.n5, x.last_at) AS cells FROM unnest($16::int2[], $17::date[], $18::text[], $19::text[], $20::text[]) AS n (cube, day, d1, d2, d3)
    JOIN convio.rollup AS x ON x.workspace_id = $1 AND x.cube = n.cube AND x.day = n.day AND x.d1 = n.d1 AND x.d2 = n.d2
    AND x.d3 = n.d3)
