-- uuid, uuid, uuid, uuid
(SELECT 4::int2 AS set, ROW(x.workspace_id, x.id, x.contact_id, x.webhook_id, x.provider_id, x.source, x.lead_type, x.campaign, x.product, x.external_id, x.utm::text, x.custom::text, x.postal_code, x.flags::text, x.test, x.status, x.stage, x.reason, x.open_appointments, x.reached, x.conversion_id, x.owner, x.follow_up_at, x.priority, x.attempts, x.first_attempt_at, x.last_attempt_at, x.duplicate_of, x.opened_contact, x.received_at, x.created_at, x.deleted_at, x.version) AS cells FROM convio.lead AS x WHERE x.workspace_id = $1 AND x.id = $2)
UNION ALL (SELECT 5::int2 AS set, ROW(x.workspace_id, x.id, x.number, x.first_name, x.last_name, x.email, x.phone, x.phone_validity, x.phone_ext, x.street, x.street2, x.city, x.state, x.postal_code, x.country, x.stamps, x.first_source, x.first_lead, x.first_at, x.leads, x.customer_since, x.conversions, x.lifetime::text, x.merged_into, x.created_at, x.version) AS cells FROM convio.lead AS o JOIN convio.contact AS x ON x.workspace_id = o.workspace_id AND x.id = o.contact_id WHERE o.workspace_id = $1 AND o.id = $3)
UNION ALL (SELECT 16::int2 AS set, ROW(o.id, known.owner, kept.staff) AS cells FROM convio.lead AS o LEFT JOIN LATERAL (SELECT n.owner
                  FROM (SELECT l.id, l.owner, l.test, l.deleted_at FROM convio.lead AS l
                        WHERE l.contact_id = o.contact_id AND l.workspace_id = $1 ORDER BY l.id DESC LIMIT 20) AS n
                  WHERE n.owner IS NOT NULL AND NOT n.test AND n.deleted_at IS NULL ORDER BY n.id DESC LIMIT 1) AS known ON true
             LEFT JOIN LATERAL (SELECT n.staff
                  FROM (SELECT a.id, a.lead_id, a.staff, a.status FROM convio.appointment AS a
                        WHERE a.workspace_id = $1 AND a.contact_id = o.contact_id AND true ORDER BY a.id DESC LIMIT 20) AS n
                  WHERE known.owner IS NULL AND n.staff IS NOT NULL AND n.status <> 'rescheduled' AND EXISTS (
                      SELECT FROM convio.lead AS l WHERE l.workspace_id = $1 AND l.id = n.lead_id AND NOT l.test
                      AND l.deleted_at IS NULL)
                  ORDER BY n.id DESC LIMIT 1) AS kept ON true
             WHERE o.workspace_id = $1 AND o.owner IS NULL AND o.id = $4)
