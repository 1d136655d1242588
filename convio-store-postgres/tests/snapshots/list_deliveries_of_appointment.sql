-- uuid, uuid, bigint, uuid, uuid, uuid, text, timestamp with time zone, timestamp with time zone
SELECT 0::int2 AS set, ROW(x.workspace_id, x.id, x.body::text) AS cells FROM convio.delivery AS x WHERE x.workspace_id = $1 AND x.id > $2 AND x.appointment_id = $4 AND ($5::uuid IS NULL OR x.lead_id = $5) AND ($6::uuid IS NULL OR x.endpoint_id = $6) AND ($7::text IS NULL OR x.status = $7) AND ($8::timestamptz IS NULL OR x.created_at >= $8)
            AND ($9::timestamptz IS NULL OR x.created_at < $9) ORDER BY x.id LIMIT $3
