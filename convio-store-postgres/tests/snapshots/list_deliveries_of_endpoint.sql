-- uuid, uuid, bigint, uuid, uuid, uuid, text, timestamp with time zone, timestamp with time zone
SELECT 0::int2 AS set, ROW(x.workspace_id, x.id, x.body::text) AS cells FROM convio.delivery AS x WHERE x.workspace_id = $1 AND x.id > $2 AND x.endpoint_id = $6 AND $4::uuid IS NULL AND $5::uuid IS NULL AND ($7::text IS NULL OR x.status = $7) AND ($8::timestamptz IS NULL OR x.created_at >= $8)
            AND ($9::timestamptz IS NULL OR x.created_at < $9) ORDER BY x.id LIMIT $3
