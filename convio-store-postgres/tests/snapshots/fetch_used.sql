-- uuid, text[], timestamp with time zone[]
SELECT 0::int2 AS set, ROW(x.workspace_id, x.key, x.window_at, x.used) AS cells
    FROM unnest($2::text[], $3::timestamptz[]) AS n (key, window_at)
    CROSS JOIN LATERAL (SELECT * FROM convio.counter AS t WHERE t.workspace_id = $1 AND t.key = n.key
        AND t.window_at = n.window_at LIMIT 1) AS x
