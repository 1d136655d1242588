-- What the rollups should be, counted from events and rows. day_of(at, zone) is the civil day, fold(text) the folded name,
-- target(routing) whom it went to: the test makes them.
WITH
zoned AS (
    SELECT e.*, (
        SELECT w.facts ->> 'zone' FROM event w
        WHERE w.workspace_id = e.workspace_id AND w.kind IN ('workspace.created', 'workspace.configured')
          AND w.position <= e.position
        ORDER BY w.position DESC LIMIT 1
    ) AS zone
    FROM event e
),
taken AS (
    SELECT e.workspace_id, l.id, day_of(l.received_at, e.zone) AS day, l.webhook_id, l.provider_id, fold(l.source) AS source,
           (e.contact_number IS NOT NULL)::int AS made, (e.duplicate_of IS NOT NULL)::int AS again
    FROM zoned e JOIN lead l ON l.workspace_id = e.workspace_id AND l.id = e.lead_id
    WHERE e.kind = 'lead.received' AND NOT l.test
),
refused AS (
    SELECT e.workspace_id, day_of(r.received_at, e.zone) AS day, r.webhook_id, r.provider_id, (
        SELECT fold(coalesce(w.facts #>> '{settings,source}', (
            SELECT name FROM webhook h WHERE h.workspace_id = r.workspace_id AND h.id = r.webhook_id
        )))
        FROM event w
        WHERE w.workspace_id = e.workspace_id AND w.subject_kind = 'webhook' AND w.subject_id = r.webhook_id
          AND w.kind IN ('webhook.created', 'webhook.configured') AND w.position < e.position
        ORDER BY w.position DESC LIMIT 1
    ) AS source
    FROM zoned e JOIN rejection r ON r.workspace_id = e.workspace_id AND r.id = e.subject_id
    WHERE e.kind = 'lead.rejected' AND e.subject_kind = 'rejection' AND NOT r.test
),
booked AS (
    SELECT e.workspace_id, l.webhook_id, fold(l.source) AS source, day_of(a.booked_at, e.zone) AS day, e.facts
    FROM zoned e
    JOIN appointment a ON a.workspace_id = e.workspace_id AND a.id = e.subject_id
    JOIN lead l ON l.workspace_id = a.workspace_id AND l.id = a.lead_id
    WHERE e.kind = 'appointment.booked' AND a.rescheduled_from IS NULL AND NOT l.test
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
    WHERE NOT l.test AND e.kind IN ('appointment.completed', 'appointment.cancelled', 'appointment.no_show',
                                    'appointment.rescheduled')
),
sold AS (
    SELECT c.workspace_id, c.id, c.day, c.currency, c.net_minor AS minor, l.webhook_id, fold(l.source) AS source,
           fold(c.first_source) AS first_source, fold(c.last_source) AS last_source, fold(c.type) AS type,
           greatest(c.seconds_to_convert, 0) AS seconds, (c.seconds_to_convert >= 0)::int AS timed
    FROM conversion c JOIN lead l ON l.workspace_id = c.workspace_id AND l.id = c.lead_id
    WHERE c.voided_at IS NULL
),
steps (bit, slot) AS (VALUES (1, 0), (2, 1), (4, 2), (8, 3)),
reached AS (
    -- Per lead and step, the first event of the lead that knows of it.
    SELECT e.workspace_id, e.lead_id, s.slot, min(e.lead_seq) AS seq
    FROM event e CROSS JOIN steps s
    WHERE e.lead_seq IS NOT NULL AND coalesce((e.facts #>> '{progress,reached}')::int, 0) & s.bit <> 0
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
    JOIN lead l ON l.workspace_id = r.workspace_id AND l.id = r.lead_id AND NOT l.test
    JOIN zoned e ON e.workspace_id = r.workspace_id AND e.lead_id = r.lead_id AND e.lead_seq = r.seq
    LEFT JOIN appointment came ON came.workspace_id = r.workspace_id AND came.id = r.lead_id
    LEFT JOIN appointment a ON a.workspace_id = e.workspace_id AND a.id = e.subject_id
    LEFT JOIN conversion c ON c.workspace_id = e.workspace_id AND c.id = e.subject_id
),
counted (workspace_id, cube, day, d1, d2, d3, n0, n1, n2, n3, n4, n5) AS (
    SELECT workspace_id, 0, day, webhook_id::text, source, '', 1, made, again, 0, 0, 0 FROM taken
    UNION ALL
    SELECT workspace_id, 0, day, webhook_id::text, source, '', 0, 0, 0, 1, 0, 0 FROM refused
    UNION ALL
    SELECT workspace_id, 0, day, webhook_id::text, source, '', 0, 0, 0, 0, 1, 0 FROM booked
    UNION ALL
    SELECT s.workspace_id, 0, s.day, s.webhook_id::text, s.source, '', 0, 0, 0, 0, 0, 1
    FROM sold s JOIN lead l ON l.workspace_id = s.workspace_id AND l.conversion_id = s.id
    UNION ALL
    SELECT workspace_id, 1, day, target(facts -> 'routing'), '', '', 1, 0, 0, 0, 0, 0 FROM booked
    UNION ALL
    SELECT workspace_id, 1, day, target(facts -> 'routing'), '', '', 0, (kind = 'appointment.completed')::int,
           (kind = 'appointment.completed' AND conversion_id IS NOT NULL)::int, (kind = 'appointment.cancelled')::int,
           (kind = 'appointment.no_show')::int, (kind = 'appointment.rescheduled')::int
    FROM ended
    UNION ALL
    SELECT workspace_id, 2, day, source, type, currency, 1, minor, seconds, timed, 0, 0 FROM sold
    UNION ALL
    SELECT workspace_id, 3, day, first_source, type, currency, 1, minor, seconds, timed, 0, 0 FROM sold
    UNION ALL
    SELECT workspace_id, 4, day, last_source, type, currency, 1, minor, seconds, timed, 0, 0 FROM sold
    UNION ALL
    SELECT workspace_id, 5, day, webhook_id::text, currency, '', 1, minor, seconds, timed, 0, 0 FROM sold
    UNION ALL
    SELECT workspace_id, 6, day, webhook_id::text, source, '', (slot = 0)::int, (slot = 1)::int, (slot = 2)::int,
           (slot = 3)::int, 0, 0 FROM stepped
    UNION ALL
    SELECT workspace_id, 7, day, provider_id::text, webhook_id::text, '', 1, again, 0, 0, 0, 0 FROM taken
    WHERE provider_id IS NOT NULL
    UNION ALL
    SELECT workspace_id, 7, day, provider_id::text, webhook_id::text, '', 0, 0, 1, 0, 0, 0 FROM refused
    WHERE provider_id IS NOT NULL
    UNION ALL
    SELECT workspace_id, 8, '1970-01-01', currency, '', '', 1, minor, 0, 0, 0, 0 FROM sold
    UNION ALL
    SELECT k.workspace_id, 9, c.day, k.model,
           CASE WHEN k.source IS NULL THEN '' ELSE jsonb_build_array(fold(k.source), coalesce(fold(k.medium), ''),
               coalesce(fold(k.campaign), ''), fold(k.channel), coalesce(k.provider_uuid, ''),
               coalesce(k.webhook_uuid, ''))::text END,
           k.currency || '>' || coalesce(k.reported_currency, '') || ' ' || k.booked_on, k.conversion_millionths, k.credit_minor,
           coalesce(k.reported_minor, 0), 0, 0, 0
    FROM conversion_credits k JOIN conversion c ON c.workspace_id = k.workspace_id AND c.id = k.conversion_uuid::uuid
),
recount AS (
    SELECT workspace_id, cube, day, d1, d2, d3, sum(n0) AS n0, sum(n1) AS n1, sum(n2) AS n2, sum(n3) AS n3, sum(n4) AS n4,
           sum(n5) AS n5
    FROM counted GROUP BY workspace_id, cube, day, d1, d2, d3
    HAVING cube <> 9 OR sum(n0) <> 0 OR sum(n1) <> 0 OR sum(n2) <> 0
),
kept AS (
    SELECT workspace_id, cube, day, d1, CASE WHEN cube = 9 AND d2 <> '' THEN d2::jsonb::text ELSE d2 END AS d2, d3, n0, n1, n2,
           n3, n4, n5
    FROM rollup WHERE n0 <> 0 OR n1 <> 0 OR n2 <> 0 OR n3 <> 0 OR n4 <> 0 OR n5 <> 0
),
differences (what, difference) AS (
    SELECT 'counted, not kept', missing FROM (SELECT * FROM recount EXCEPT SELECT * FROM kept) missing
    UNION ALL
    SELECT 'kept, not counted', extra FROM (SELECT * FROM kept EXCEPT SELECT * FROM recount) extra
)
SELECT what || ': ' || difference::text FROM differences ORDER BY difference::text, what;
