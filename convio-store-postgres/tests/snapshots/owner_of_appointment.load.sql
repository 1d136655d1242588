-- uuid, uuid
(SELECT 17::int2 AS set, ROW(v.id, known.owner, kept.staff) AS cells FROM convio.appointment AS v JOIN convio.lead AS o ON o.workspace_id = $1 AND o.id = v.lead_id LEFT JOIN LATERAL (SELECT n.owner
                  FROM (SELECT l.id, l.owner, l.test, l.deleted_at FROM convio.lead AS l
                        WHERE l.contact_id = o.contact_id AND l.workspace_id = $1 ORDER BY l.id DESC LIMIT 20) AS n
                  WHERE n.owner IS NOT NULL AND NOT n.test AND n.deleted_at IS NULL ORDER BY n.id DESC LIMIT 1) AS known ON true
             LEFT JOIN LATERAL (SELECT n.staff
                  FROM (SELECT a.id, a.lead_id, a.staff, a.status FROM convio.appointment AS a
                        WHERE a.workspace_id = $1 AND a.contact_id = o.contact_id AND a.id <> v.id ORDER BY a.id DESC LIMIT 20) AS n
                  WHERE known.owner IS NULL AND n.staff IS NOT NULL AND n.status <> 'rescheduled' AND EXISTS (
                      SELECT FROM convio.lead AS l WHERE l.workspace_id = $1 AND l.id = n.lead_id AND NOT l.test
                      AND l.deleted_at IS NULL)
                  ORDER BY n.id DESC LIMIT 1) AS kept ON true
             WHERE o.workspace_id = $1 AND o.owner IS NULL AND v.workspace_id = $1 AND v.id = $2)
