-- uuid, uuid, bigint, uuid, uuid, text, text, timestamp with time zone, timestamp with time zone, boolean
SELECT 0::int2 AS set, ROW(x.workspace_id, x.id, x.contact_id, x.webhook_id, x.provider_id, x.source, x.lead_type, x.campaign, x.product, x.external_id, x.utm::text, x.custom::text, x.postal_code, x.flags::text, x.test, x.status, x.stage, x.reason, x.open_appointments, x.reached, x.conversion_id, x.owner, x.follow_up_at, x.priority, x.attempts, x.first_attempt_at, x.last_attempt_at, x.duplicate_of, x.opened_contact, x.received_at, x.created_at, x.deleted_at, x.version) AS cells FROM convio.lead AS x WHERE x.workspace_id = $1 AND x.id > $2 AND $4::uuid IS NULL AND ($5::uuid IS NULL OR x.webhook_id = $5) AND ($6::text IS NULL OR x.stage = $6)
              AND ($7::text IS NULL OR x.owner = $7) AND ($8::timestamptz IS NULL OR x.follow_up_at <= $8)
              AND ($9::timestamptz IS NULL OR x.received_at < $9) AND ($10 OR x.deleted_at IS NULL)
              ORDER BY x.id LIMIT $3
