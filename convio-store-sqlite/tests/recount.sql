-- What the rollups should be, counted from events and rows. day_of(micros, zone) is the civil day, fold(text) the folded name.
WITH
zoned AS (
    SELECT e.*, (
        SELECT json_extract(w.facts, '$.zone') FROM event w
        WHERE w.workspace_id = e.workspace_id AND w.kind IN ('workspace.created', 'workspace.configured')
          AND w.position <= e.position
        ORDER BY w.position DESC LIMIT 1
    ) AS zone
    FROM event e
),
taken AS (
    SELECT e.workspace_id, l.id, day_of(l.received_at, e.zone) AS day, l.webhook_id, l.provider_id, fold(l.source) AS source,
           e.contact_number IS NOT NULL AS made, e.duplicate_of IS NOT NULL AS again
    FROM zoned e JOIN lead l ON l.workspace_id = e.workspace_id AND l.id = e.lead_id
    WHERE e.kind = 'lead.received' AND l.test = 0
),
refused AS (
    SELECT e.workspace_id, day_of(r.received_at, e.zone) AS day, r.webhook_id, r.provider_id, (
        SELECT coalesce(json_extract(w.facts, '$.settings.source'), (
            SELECT name FROM webhook h WHERE h.workspace_id = r.workspace_id AND h.id = r.webhook_id
        ))
        FROM event w
        WHERE w.workspace_id = e.workspace_id AND w.subject_kind = 'webhook' AND w.subject_id = r.webhook_id
          AND w.kind IN ('webhook.created', 'webhook.configured') AND w.position < e.position
        ORDER BY w.position DESC LIMIT 1
    ) AS source
    FROM zoned e JOIN rejection r ON r.workspace_id = e.workspace_id AND r.id = e.subject_id
    WHERE e.kind = 'lead.rejected' AND e.subject_kind = 'rejection' AND r.test = 0
),
booked AS (
    SELECT e.workspace_id, l.id AS lead_id, l.webhook_id, fold(l.source) AS source, day_of(a.booked_at, e.zone) AS day,
           e.facts
    FROM zoned e
    JOIN appointment a ON a.workspace_id = e.workspace_id AND a.id = e.subject_id
    JOIN lead l ON l.workspace_id = a.workspace_id AND l.id = a.lead_id
    WHERE e.kind = 'appointment.booked' AND a.rescheduled_from IS NULL AND l.test = 0
),
ended AS (
    SELECT e.workspace_id, e.kind, day_of(a.ended_at, e.zone) AS day, a.conversion_id, (
        SELECT w.facts FROM event w
        WHERE w.workspace_id = e.workspace_id AND w.subject_kind = 'appointment' AND w.subject_id = e.subject_id
          AND w.kind IN ('appointment.booked', 'appointment.assigned', 'appointment.routed') AND w.position < e.position
        ORDER BY w.position DESC LIMIT 1
    ) AS facts
    FROM zoned e
    JOIN appointment a ON a.workspace_id = e.workspace_id AND a.id = e.subject_id
    JOIN lead l ON l.workspace_id = a.workspace_id AND l.id = a.lead_id
    WHERE l.test = 0 AND e.kind IN ('appointment.completed', 'appointment.cancelled', 'appointment.no_show',
                                    'appointment.rescheduled')
),
sold AS (
    SELECT c.*, l.webhook_id, fold(l.source) AS source, c.seconds_to_convert >= 0 AS timed
    FROM conversion c JOIN lead l ON l.workspace_id = c.workspace_id AND l.id = c.lead_id
    WHERE c.voided_at IS NULL
),
steps (bit, slot) AS (VALUES (1, 0), (2, 1), (4, 2), (8, 3)),
reached AS (
    -- Per lead and step, the first event of the lead that knows of it.
    SELECT e.workspace_id, e.lead_id, s.slot, min(e.lead_seq) AS seq
    FROM event e, steps s
    WHERE e.lead_seq IS NOT NULL AND coalesce(json_extract(e.facts, '$.progress.reached'), 0) & s.bit
    GROUP BY e.workspace_id, e.lead_id, s.slot
),
stepped AS (
    SELECT r.workspace_id, l.webhook_id, fold(l.source) AS source, r.slot,
           CASE
               WHEN e.kind = 'conversion.recorded' THEN c.day
               WHEN e.kind = 'lead.received' THEN day_of(came.booked_at, e.zone)
               WHEN e.kind = 'appointment.booked' THEN day_of(a.booked_at, e.zone)
               WHEN e.kind LIKE 'appointment.%' THEN day_of(a.ended_at, e.zone)
               ELSE day_of(e.at, e.zone)
           END AS day
    FROM reached r
    JOIN lead l ON l.workspace_id = r.workspace_id AND l.id = r.lead_id AND l.test = 0
    JOIN zoned e ON e.workspace_id = r.workspace_id AND e.lead_id = r.lead_id AND e.lead_seq = r.seq
    LEFT JOIN appointment came ON came.workspace_id = r.workspace_id AND came.id = r.lead_id
    LEFT JOIN appointment a ON a.workspace_id = e.workspace_id AND a.id = e.subject_id
    LEFT JOIN conversion c ON c.workspace_id = e.workspace_id AND c.id = e.subject_id
),
counted (workspace_id, cube, day, d1, d2, d3, n0, n1, n2, n3, n4, n5) AS (
    SELECT workspace_id, 0, day, hex(webhook_id), source, '', 1, made, again, 0, 0, 0 FROM taken
    UNION ALL
    SELECT workspace_id, 0, day, hex(webhook_id), fold(source), '', 0, 0, 0, 1, 0, 0 FROM refused
    UNION ALL
    SELECT workspace_id, 0, day, hex(webhook_id), source, '', 0, 0, 0, 0, 1, 0 FROM booked
    UNION ALL
    SELECT s.workspace_id, 0, s.day, hex(s.webhook_id), s.source, '', 0, 0, 0, 0, 0, 1
    FROM sold s JOIN lead l ON l.workspace_id = s.workspace_id AND l.conversion_id = s.id
    UNION ALL
    SELECT workspace_id, 1, day, target(json_extract(facts, '$.routing.target')), '', '', 1, 0, 0, 0, 0, 0 FROM booked
    UNION ALL
    SELECT workspace_id, 1, day, target(json_extract(facts, '$.routing.target')), '', '', 0, kind = 'appointment.completed',
           kind = 'appointment.completed' AND conversion_id IS NOT NULL, kind = 'appointment.cancelled',
           kind = 'appointment.no_show', kind = 'appointment.rescheduled'
    FROM ended
    UNION ALL
    SELECT workspace_id, 2, day, source, fold(type), currency, 1, net_minor, timed * seconds_to_convert, timed, 0, 0 FROM sold
    UNION ALL
    SELECT workspace_id, 3, day, fold(first_source), fold(type), currency, 1, net_minor, timed * seconds_to_convert, timed,
           0, 0 FROM sold
    UNION ALL
    SELECT workspace_id, 4, day, fold(last_source), fold(type), currency, 1, net_minor, timed * seconds_to_convert, timed,
           0, 0 FROM sold
    UNION ALL
    SELECT workspace_id, 5, day, hex(webhook_id), currency, '', 1, net_minor, timed * seconds_to_convert, timed, 0, 0 FROM sold
    UNION ALL
    SELECT workspace_id, 6, day, hex(webhook_id), source, '', slot = 0, slot = 1, slot = 2, slot = 3, 0, 0 FROM stepped
    UNION ALL
    SELECT workspace_id, 7, day, hex(provider_id), hex(webhook_id), '', 1, again, 0, 0, 0, 0 FROM taken
    WHERE provider_id IS NOT NULL
    UNION ALL
    SELECT workspace_id, 7, day, hex(provider_id), hex(webhook_id), '', 0, 0, 1, 0, 0, 0 FROM refused
    WHERE provider_id IS NOT NULL
    UNION ALL
    SELECT workspace_id, 8, 0, currency, '', '', 1, net_minor, 0, 0, 0, 0 FROM sold
    UNION ALL
    SELECT k.workspace_id, 9, c.day, k.model,
           CASE WHEN k.source IS NULL THEN '' ELSE json_array(fold(k.source), fold(coalesce(k.medium, '')),
               fold(coalesce(k.campaign, '')), fold(k.channel), coalesce(k.provider_uuid, ''), coalesce(k.webhook_uuid, '')) END,
           k.currency || '>' || coalesce(k.reported_currency, '') || ' ' || k.booked_on, k.conversion_millionths, k.credit_minor,
           coalesce(k.reported_minor, 0), 0, 0, 0
    FROM conversion_credits k
    JOIN conversion c ON c.workspace_id = k.workspace_id AND hex(c.id) = upper(replace(k.conversion_uuid, '-', ''))
),
recount AS (
    SELECT workspace_id, cube, day, d1, d2, d3, sum(n0) AS n0, sum(n1) AS n1, sum(n2) AS n2, sum(n3) AS n3, sum(n4) AS n4,
           sum(n5) AS n5
    FROM counted GROUP BY workspace_id, cube, day, d1, d2, d3
    HAVING cube <> 9 OR sum(n0) <> 0 OR sum(n1) <> 0 OR sum(n2) <> 0
),
kept AS (
    -- Ids as the recount has them.
    SELECT workspace_id, cube, day, CASE WHEN cube IN (0, 5, 6, 7) THEN upper(replace(d1, '-', '')) ELSE d1 END AS d1,
           CASE WHEN cube = 7 THEN upper(replace(d2, '-', '')) ELSE d2 END AS d2, d3, n0, n1, n2, n3, n4, n5
    FROM rollup WHERE n0 <> 0 OR n1 <> 0 OR n2 <> 0 OR n3 <> 0 OR n4 <> 0 OR n5 <> 0
)
SELECT 'counted, not kept' AS what, * FROM (SELECT * FROM recount EXCEPT SELECT * FROM kept)
UNION ALL
SELECT 'kept, not counted', * FROM (SELECT * FROM kept EXCEPT SELECT * FROM recount)
ORDER BY 2, 3, 4, 5, 6, 7, 1;
