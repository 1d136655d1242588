-- uuid, uuid[], smallint[], text[]
SELECT 0::int2 AS set, ROW(x.workspace_id, x.webhook_id, x.kind, x.value, x.fingerprint, x.holder_id, x.expires_at, x.yields) AS cells FROM convio.claim AS x WHERE x.workspace_id = $1 AND EXISTS (SELECT FROM unnest($2::uuid[], $3::int2[], $4::text[])
    AS n (webhook_id, kind, value) WHERE n.webhook_id = x.webhook_id AND n.kind = x.kind AND n.value = x.value)
