-- uuid, uuid[]
SELECT 0::int2 AS set, ROW(x.workspace_id, x.id, x.webhook_id, x.reasons::text, x.duplicate_of, x.external_id, x.provider_id, x.appointment::text, x.test, x.corrections::text, x.state, x.received_at, x.created_at, x.version) AS cells FROM convio.rejection AS x WHERE x.workspace_id = $1 AND x.id = ANY($2)
