-- uuid, uuid[], bigint
SELECT 0::int2 AS set, ROW(x.workspace_id, x.id, x.body::text) AS cells FROM convio.delivery AS x WHERE x.workspace_id = $1 AND x.id IN (
    SELECT n.id FROM unnest($2::uuid[]) AS e (id) CROSS JOIN LATERAL (
        SELECT d.id FROM convio.delivery AS d
        WHERE d.workspace_id = $1 AND d.endpoint_id = e.id AND d.next_attempt_at IS NOT NULL
        ORDER BY d.next_attempt_at, d.id LIMIT $3) AS n)
    ORDER BY x.endpoint_id, x.next_attempt_at, x.id
