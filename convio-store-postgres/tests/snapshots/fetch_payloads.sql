-- uuid, uuid[]
SELECT 0::int2 AS set, ROW(x.workspace_id, x.id, x.webhook_id, x.format, x.body, x.headers::text, x.fingerprint, x.received_at) AS cells FROM convio.payload AS x WHERE x.workspace_id = $1 AND x.id = ANY($2)
