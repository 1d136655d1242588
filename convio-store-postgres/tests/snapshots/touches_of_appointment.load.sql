-- uuid, uuid, timestamp with time zone, uuid, timestamp with time zone
(SELECT 13::int2 AS set, ROW(x.id, x.webhook_id, x.provider_id, x.source, x.campaign, x.utm::text, x.custom::text, x.received_at) AS cells FROM convio.lead AS x
             WHERE x.contact_id = (SELECT o.contact_id FROM convio.appointment AS o WHERE o.workspace_id = $1 AND o.id = $2) AND x.workspace_id = $1 AND x.received_at <= $3 AND NOT x.test AND x.deleted_at IS NULL
             ORDER BY x.received_at DESC, x.id DESC LIMIT 1000)
UNION ALL (SELECT 20::int2 AS set, ROW(x.workspace_id, x.id, x.contact_id, x.visitor, x.at, x.kind, x.source, x.medium, x.campaign, x.channel, x.click_ids::text, x.cost_minor, x.cost_currency, x.created_at) AS cells FROM (SELECT (SELECT o.contact_id FROM convio.appointment AS o WHERE o.workspace_id = $1 AND o.id = $4) AS contact_id, '' AS visitor
              UNION ALL SELECT '00000000-0000-0000-0000-000000000000'::uuid, k.value FROM convio.contact_key AS k
              WHERE k.workspace_id = $1 AND k.contact_id = (SELECT o.contact_id FROM convio.appointment AS o WHERE o.workspace_id = $1 AND o.id = $4) AND k.kind = 4
              UNION ALL SELECT k.value::uuid, '' FROM convio.contact_key AS k
              WHERE k.workspace_id = $1 AND k.contact_id = (SELECT o.contact_id FROM convio.appointment AS o WHERE o.workspace_id = $1 AND o.id = $4) AND k.kind = 5 AND k.value <> k.contact_id::text) AS v
             CROSS JOIN LATERAL (SELECT * FROM convio.touchpoint AS t WHERE t.workspace_id = $1 AND t.contact_id = v.contact_id
                 AND t.visitor = v.visitor AND t.at <= $5 ORDER BY t.at DESC, t.id DESC LIMIT 1000) AS x
             ORDER BY x.at DESC, x.id DESC LIMIT 1000)
