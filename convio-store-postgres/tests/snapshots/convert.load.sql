-- uuid, uuid, uuid, uuid, timestamp with time zone, uuid, timestamp with time zone
(SELECT 4::int2 AS set, ROW(x.workspace_id, x.id, x.contact_id, x.webhook_id, x.provider_id, x.source, x.lead_type, x.campaign, x.product, x.external_id, x.utm::text, x.custom::text, x.postal_code, x.flags::text, x.test, x.status, x.stage, x.reason, x.open_appointments, x.reached, x.conversion_id, x.owner, x.follow_up_at, x.priority, x.attempts, x.first_attempt_at, x.last_attempt_at, x.duplicate_of, x.opened_contact, x.received_at, x.created_at, x.deleted_at, x.version) AS cells FROM convio.lead AS x WHERE x.workspace_id = $1 AND x.id = $2)
UNION ALL (SELECT 5::int2 AS set, ROW(x.workspace_id, x.id, x.number, x.first_name, x.last_name, x.email, x.phone, x.phone_validity, x.phone_ext, x.street, x.street2, x.city, x.state, x.postal_code, x.country, x.stamps, x.first_source, x.first_lead, x.first_at, x.leads, x.customer_since, x.conversions, x.lifetime::text, x.merged_into, x.created_at, x.version) AS cells FROM convio.lead AS o JOIN convio.contact AS x ON x.workspace_id = o.workspace_id AND x.id = o.contact_id WHERE o.workspace_id = $1 AND o.id = $3)
UNION ALL (SELECT 12::int2 AS set, ROW(x.id, x.webhook_id, x.provider_id, x.source, x.campaign, x.utm::text, x.custom::text, x.received_at) AS cells FROM convio.lead AS x
             WHERE x.contact_id = (SELECT o.contact_id FROM convio.lead AS o WHERE o.workspace_id = $1 AND o.id = $4) AND x.workspace_id = $1 AND x.received_at <= $5 AND NOT x.test AND x.deleted_at IS NULL
             ORDER BY x.received_at DESC, x.id DESC LIMIT 1000)
UNION ALL (SELECT 19::int2 AS set, ROW(x.workspace_id, x.id, x.contact_id, x.visitor, x.at, x.kind, x.source, x.medium, x.campaign, x.channel, x.click_ids::text, x.cost_minor, x.cost_currency, x.created_at) AS cells FROM (SELECT (SELECT o.contact_id FROM convio.lead AS o WHERE o.workspace_id = $1 AND o.id = $6) AS contact_id, '' AS visitor
              UNION ALL SELECT '00000000-0000-0000-0000-000000000000'::uuid, k.value FROM convio.contact_key AS k
              WHERE k.workspace_id = $1 AND k.contact_id = (SELECT o.contact_id FROM convio.lead AS o WHERE o.workspace_id = $1 AND o.id = $6) AND k.kind = 4
              UNION ALL SELECT k.value::uuid, '' FROM convio.contact_key AS k
              WHERE k.workspace_id = $1 AND k.contact_id = (SELECT o.contact_id FROM convio.lead AS o WHERE o.workspace_id = $1 AND o.id = $6) AND k.kind = 5 AND k.value <> k.contact_id::text) AS v
             CROSS JOIN LATERAL (SELECT * FROM convio.touchpoint AS t WHERE t.workspace_id = $1 AND t.contact_id = v.contact_id
                 AND t.visitor = v.visitor AND t.at <= $7 ORDER BY t.at DESC, t.id DESC LIMIT 1000) AS x
             ORDER BY x.at DESC, x.id DESC LIMIT 1000)
