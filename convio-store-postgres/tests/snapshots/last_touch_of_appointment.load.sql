-- uuid, uuid, timestamp with time zone
(SELECT 13::int2 AS set, ROW(x.id, x.source, x.received_at) AS cells FROM convio.lead AS x
             WHERE x.contact_id = (SELECT o.contact_id FROM convio.appointment AS o WHERE o.workspace_id = $1 AND o.id = $2) AND x.workspace_id = $1 AND x.received_at <= $3
              AND NOT x.test AND x.deleted_at IS NULL ORDER BY x.received_at DESC, x.id DESC LIMIT 1)
