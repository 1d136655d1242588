-- uuid, uuid, uuid
(SELECT 14::int2 AS set, ROW(x.workspace_id, x.id, x.webhook_id, x.reasons::text, x.duplicate_of, x.external_id, x.provider_id, x.appointment::text, x.test, x.corrections::text, x.state, x.received_at, x.created_at, x.version) AS cells FROM convio.rejection AS x WHERE x.workspace_id = $1 AND x.id = $2)
UNION ALL (SELECT 15::int2 AS set, ROW(x.workspace_id, x.id, x.webhook_id, x.format, x.body, x.headers::text, x.fingerprint, x.received_at) AS cells FROM convio.payload AS x WHERE x.workspace_id = $1 AND x.id = $3)
