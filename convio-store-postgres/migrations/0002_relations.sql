-- The relations that people query by hand: see docs/relations.md. Each is a view over the tables of 0001_init.sql, and keeps
-- their keys as they are, so that joins by id, contact_id, lead_id ... use the tables' indexes.
--
-- Ids are uuid, with their text beside them, times are timestamptz, days of the workspace are dates, amounts are numeric with
-- the decimals of their currency, with the same amount in minor units beside them, and JSON is json. Nothing here is newer
-- than PostgreSQL 14, and nothing needs a function, an extension or a collation of a library.
--
-- No locale of Postgres that is everywhere compares without regard to case: sources are shown in lower case, so that they
-- group, and as they were written at the end of the relation. COLLATE "C" lowers A to Z alone, whatever the database's locale.
--
-- The factors below make units of minor units (ISO 4217: 1 for yen, 0.001 for Kuwaiti dinars, 0.01 for most), and a product
-- has as many decimals as its factor.
--
-- Where a join shows nothing, it is there because Postgres lets people write to a view over one table alone: whoever deletes a
-- row here would break sums and events. The planner drops a join that a query does not show. Each of the first four
-- relations joins two tables and not more, so that a query over all four still has its order chosen (join_collapse_limit is 8).
-- {schema} is the schema that they live in. A semicolon ends a statement and stands nowhere else, comments included.

-- Whoever joins to a contact by its id alone finds it by this.
CREATE INDEX contact_id_ix ON {schema}.contact USING hash (id);

-- People. Those who went into others are left out: contact_events tells them.
CREATE VIEW {schema}.contacts AS SELECT
    c.id, c.id::text AS uuid, c.number, c.workspace_id, c.workspace_id::text AS workspace_uuid,
    c.first_name, c.last_name, c.phone, c.phone_ext AS phone_extension, c.phone_validity, c.email,
    nullif(concat_ws(', ', c.street, c.street2, c.city, nullif(concat_ws(' ', c.state, c.postal_code), ''), c.country), '')
        AS address,
    c.street, c.street2, c.city, c.state, c.postal_code, c.country, c.leads AS lead_count, c.conversions AS conversion_count,
    coalesce((c.lifetime ->> w.currency)::bigint, 0) * CASE
        WHEN w.currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV',
            'XAF', 'XOF', 'XPF') THEN 1
        WHEN w.currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 0.001
        WHEN w.currency IN ('CLF', 'UYW') THEN 0.0001
        ELSE 0.01 END AS lifetime_value,
    coalesce((c.lifetime ->> w.currency)::bigint, 0) AS lifetime_value_minor,
    w.currency,
    (SELECT coalesce(json_object_agg(code, (minor::bigint * CASE
            WHEN code IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV',
                'XAF', 'XOF', 'XPF') THEN 1
            WHEN code IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 0.001
            WHEN code IN ('CLF', 'UYW') THEN 0.0001
            ELSE 0.01 END)::text ORDER BY code), '{}')
        FROM json_each_text(c.lifetime) AS sum (code, minor) WHERE code <> w.currency) AS other_lifetime_value,
    c.customer_since, lower(c.first_source COLLATE "C") AS first_source, c.first_lead AS first_lead_id,
    c.first_at AS first_lead_at, c.created_at, c.version,
    c.first_source AS first_source_as_written
FROM {schema}.contact AS c
LEFT JOIN {schema}.workspace AS w ON w.workspace_id = c.workspace_id
WHERE c.merged_into IS NULL;

-- Interests of people. Deleted ones are left out, tests are not.
CREATE VIEW {schema}.leads AS SELECT
    l.id, l.id::text AS uuid, l.workspace_id, l.workspace_id::text AS workspace_uuid,
    l.contact_id, l.webhook_id, h.name AS webhook, l.provider_id,
    (SELECT p.body ->> 'name' FROM {schema}.record AS p
        WHERE p.workspace_id = l.workspace_id AND p.kind = 'provider' AND p.key = l.provider_id::text) AS provider,
    lower(l.source COLLATE "C") AS source, l.lead_type, l.campaign AS campaign_id, l.product,
    l.utm ->> 'source' AS utm_source,
    l.utm ->> 'medium' AS utm_medium,
    l.utm ->> 'campaign' AS utm_campaign,
    l.utm ->> 'term' AS utm_term,
    l.utm ->> 'content' AS utm_content,
    l.custom AS custom_fields, l.postal_code, l.external_id, l.status, l.stage, l.reason AS status_reason,
    l.conversion_id, l.owner, l.priority, l.follow_up_at,
    l.attempts AS attempt_count, l.first_attempt_at, l.last_attempt_at, l.open_appointments,
    (l.reached & 1) <> 0 AS was_contacted,
    (l.reached & 2) <> 0 AS was_scheduled,
    (l.reached & 4) <> 0 AS was_met,
    (l.reached & 8) <> 0 AS was_lost,
    l.duplicate_of, l.opened_contact AS made_contact, l.test AS is_test, l.flags, l.received_at, l.created_at, l.version,
    (SELECT d.status FROM {schema}.delivery AS d
        WHERE d.workspace_id = l.workspace_id AND d.lead_id = l.id AND d.appointment_id IS NULL AND d.position IS NULL
        ORDER BY d.created_at DESC, d.id DESC LIMIT 1) AS forward_status,
    (SELECT d.attempts FROM {schema}.delivery AS d
        WHERE d.workspace_id = l.workspace_id AND d.lead_id = l.id AND d.appointment_id IS NULL AND d.position IS NULL
        ORDER BY d.created_at DESC, d.id DESC LIMIT 1) AS forward_attempts,
    (SELECT d.response_status FROM {schema}.delivery AS d
        WHERE d.workspace_id = l.workspace_id AND d.lead_id = l.id AND d.appointment_id IS NULL AND d.position IS NULL
        ORDER BY d.created_at DESC, d.id DESC LIMIT 1) AS forward_response,
    l.source AS source_as_written
FROM {schema}.lead AS l
LEFT JOIN {schema}.webhook AS h ON h.workspace_id = l.workspace_id AND h.id = l.webhook_id
WHERE l.deleted_at IS NULL;

-- Meetings, those that were called off or moved included.
CREATE VIEW {schema}.appointments AS SELECT
    a.id, a.id::text AS uuid, a.workspace_id, a.workspace_id::text AS workspace_uuid,
    a.contact_id, a.lead_id, a.type,
    a.starts_at AS scheduled_at, a.starts_at + a.minutes * interval '1 minute' AS ends_at, a.minutes AS duration_minutes,
    a.zone AS time_zone, a.wall AS local_time, a.shifted AS clock_change, a.status, a.location,
    a.staff AS assigned_to,
    (SELECT value FROM json_each_text(CASE json_typeof(a.routing -> 'target') WHEN 'object' THEN a.routing -> 'target' END))
        AS routed_to,
    (SELECT key FROM json_each_text(CASE json_typeof(a.routing -> 'target') WHEN 'object' THEN a.routing -> 'target' END))
        AS routed_to_kind,
    a.how AS routed_by,
    a.routing ->> 'rule' AS routing_rule,
    (a.routing ->> 'rules_version')::bigint AS routing_rules_version,
    CASE json_typeof(a.outcome) WHEN 'object' THEN 'sold' ELSE a.outcome #>> '{}' END AS outcome,
    a.next_step, a.next_step_at, a.ended_at, a.ended_by, a.ended_reason, a.ended_late, a.conversion_id,
    a.rescheduled_from AS rescheduled_from_id, a.rescheduled_to AS rescheduled_to_id, a.external_id, a.booked_at,
    a.created_at, a.version,
    CASE WHEN a.target IS NULL THEN 'unrouted'
        WHEN a.routing #>> '{target,endpoint}' IS NOT NULL THEN coalesce((SELECT d.status FROM {schema}.delivery AS d
            WHERE d.workspace_id = a.workspace_id AND d.appointment_id = a.id
            AND (SELECT r.body ->> 'name' FROM {schema}.record AS r
                WHERE r.workspace_id = d.workspace_id AND r.kind = 'endpoint' AND r.key = d.endpoint_id::text)
                = a.routing #>> '{target,endpoint}'
            ORDER BY d.created_at DESC, d.id DESC LIMIT 1), 'pending') END AS forward_status,
    CASE WHEN a.routing #>> '{target,endpoint}' IS NOT NULL THEN coalesce((SELECT d.attempts FROM {schema}.delivery AS d
            WHERE d.workspace_id = a.workspace_id AND d.appointment_id = a.id
            AND (SELECT r.body ->> 'name' FROM {schema}.record AS r
                WHERE r.workspace_id = d.workspace_id AND r.kind = 'endpoint' AND r.key = d.endpoint_id::text)
                = a.routing #>> '{target,endpoint}'
            ORDER BY d.created_at DESC, d.id DESC LIMIT 1), 0) END AS forward_attempts,
    CASE WHEN a.routing #>> '{target,endpoint}' IS NOT NULL THEN
        (SELECT d.response_status FROM {schema}.delivery AS d
            WHERE d.workspace_id = a.workspace_id AND d.appointment_id = a.id
            AND (SELECT r.body ->> 'name' FROM {schema}.record AS r
                WHERE r.workspace_id = d.workspace_id AND r.kind = 'endpoint' AND r.key = d.endpoint_id::text)
                = a.routing #>> '{target,endpoint}'
            ORDER BY d.created_at DESC, d.id DESC LIMIT 1) END AS forward_response
FROM {schema}.appointment AS a
LEFT JOIN {schema}.workspace AS w ON w.workspace_id = a.workspace_id;

-- Sales that stand, at what they are worth after all adjustments. Voided ones are left out: conversion_events tells them.
CREATE VIEW {schema}.conversions AS SELECT
    v.id, v.id::text AS uuid, v.workspace_id, v.workspace_id::text AS workspace_uuid,
    v.contact_id, v.lead_id, v.appointment_id, v.type,
    v.net_minor * CASE
        WHEN v.currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV',
            'XAF', 'XOF', 'XPF') THEN 1
        WHEN v.currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 0.001
        WHEN v.currency IN ('CLF', 'UYW') THEN 0.0001
        ELSE 0.01 END AS conversion_value,
    v.net_minor AS conversion_value_minor, v.currency, v.occurred_at AS converted_at, v.day, v.seconds_to_convert,
    lower(v.first_source COLLATE "C") AS first_touch_source, v.first_lead AS first_touch_lead_id,
    v.first_at AS first_touch_at,
    lower(v.last_source COLLATE "C") AS last_touch_source, v.last_lead AS last_touch_lead_id, v.last_at AS last_touch_at,
    v.sold_by, v.external_id, v.metadata, v.created_at, v.version,
    v.first_source AS first_touch_source_as_written, v.last_source AS last_touch_source_as_written
FROM {schema}.conversion AS v
LEFT JOIN {schema}.workspace AS w ON w.workspace_id = v.workspace_id
WHERE v.voided_at IS NULL;

-- Clients, deleted ones included. A key stands while it is neither revoked nor expired.
CREATE VIEW {schema}.workspaces AS SELECT
    w.workspace_id AS id, w.workspace_id::text AS uuid, w.workspace_id, w.workspace_id::text AS workspace_uuid,
    w.name, standing.api_key, standing.permissions, w.active AS is_active, w.zone AS time_zone, w.currency,
    totals.conversions AS total_conversions,
    totals.minor * CASE
        WHEN w.currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV',
            'XAF', 'XOF', 'XPF') THEN 1
        WHEN w.currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 0.001
        WHEN w.currency IN ('CLF', 'UYW') THEN 0.0001
        ELSE 0.01 END AS total_revenue,
    totals.minor AS total_revenue_minor,
    totals.others AS other_revenue,
    last.at AS last_activity_at,
    w.policy, w.created_at, w.deleted_at, w.version
FROM {schema}.workspace AS w
LEFT JOIN {schema}.head AS h ON h.workspace_id = w.workspace_id
LEFT JOIN {schema}.event AS last ON last.workspace_id = h.workspace_id AND last.position = h.feed
CROSS JOIN LATERAL (SELECT
    (array_agg('cvk_***' || right(k.key, 8) ORDER BY (k.body ->> 'created_at')::timestamptz DESC, k.key DESC))[1] AS api_key,
    nullif(concat_ws(', ',
        CASE WHEN bool_or(k.body ->> 'permissions' LIKE '%"read"%') THEN 'read' END,
        CASE WHEN bool_or(k.body ->> 'permissions' LIKE '%"ingest"%') THEN 'ingest' END,
        CASE WHEN bool_or(k.body ->> 'permissions' LIKE '%"update"%') THEN 'update' END,
        CASE WHEN bool_or(k.body ->> 'permissions' LIKE '%"convert"%') THEN 'convert' END,
        CASE WHEN bool_or(k.body ->> 'permissions' LIKE '%"admin"%') THEN 'admin' END), '') AS permissions
    FROM {schema}.record AS k
    WHERE k.workspace_id = w.workspace_id AND k.kind = 'api_key' AND k.body ->> 'revoked_at' IS NULL
    AND coalesce((k.body ->> 'expires_at')::timestamptz > now(), true)) AS standing
CROSS JOIN LATERAL (SELECT
    coalesce(sum(t.n0), 0)::bigint AS conversions,
    coalesce(sum(t.n1) FILTER (WHERE t.d1 = w.currency), 0)::bigint AS minor,
    coalesce(json_object_agg(t.d1, (t.n1 * CASE
            WHEN t.d1 IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV',
                'XAF', 'XOF', 'XPF') THEN 1
            WHEN t.d1 IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 0.001
            WHEN t.d1 IN ('CLF', 'UYW') THEN 0.0001
            ELSE 0.01 END)::text ORDER BY t.d1)
        FILTER (WHERE t.d1 <> w.currency AND t.n1 <> 0), '{}') AS others
    FROM {schema}.rollup AS t
    WHERE t.workspace_id = w.workspace_id AND t.cube = 8 AND t.day = '1970-01-01') AS totals;

-- What happened to a lead: number counts the events of the lead. The facts of a received one leave out the
-- usual start, which is `new`.
CREATE VIEW {schema}.lead_events AS SELECT
    e.workspace_id, e.workspace_id::text AS workspace_uuid,
    e.lead_id, e.lead_id::text AS lead_uuid,
    e.contact_id, e.lead_seq AS number, e.position, e.kind, e.at,
    coalesce(e.facts #>> '{progress,status,key}', CASE e.kind WHEN 'lead.received' THEN 'new' END) AS status,
    coalesce(e.facts #>> '{progress,status,stage}', CASE e.kind WHEN 'lead.received' THEN 'new' END) AS stage,
    e.facts #>> '{progress,reason}' AS status_reason,
    e.duplicate_of, e.actor, e.request, e.causation, e.facts, e.personal
FROM {schema}.event AS e
LEFT JOIN {schema}.workspace AS w ON w.workspace_id = e.workspace_id
WHERE e.lead_seq IS NOT NULL;

-- What happened to a contact.
CREATE VIEW {schema}.contact_events AS SELECT
    e.workspace_id, e.workspace_id::text AS workspace_uuid,
    e.contact_id, e.contact_id::text AS contact_uuid,
    e.lead_id, e.contact_seq AS number, e.position, e.kind, e.at,
    e.contact_number, e.actor, e.request, e.causation, e.facts, e.personal
FROM {schema}.event AS e
LEFT JOIN {schema}.workspace AS w ON w.workspace_id = e.workspace_id
WHERE e.contact_seq IS NOT NULL;

-- What happened to an appointment.
CREATE VIEW {schema}.appointment_events AS SELECT
    e.workspace_id, e.workspace_id::text AS workspace_uuid,
    e.subject_id AS appointment_id, e.subject_id::text AS appointment_uuid,
    e.contact_id, e.lead_id, e.subject_seq AS number, e.position, e.kind, e.at,
    e.actor, e.request, e.causation, e.facts, e.personal
FROM {schema}.event AS e
LEFT JOIN {schema}.workspace AS w ON w.workspace_id = e.workspace_id
WHERE e.subject_kind = 'appointment' AND e.subject_seq IS NOT NULL;

-- What each touch has of a conversion: a row for each record of its history, model and touch, to be summed. Where no touch has
-- anything the touch is null.
CREATE VIEW {schema}.conversion_credits AS SELECT
    r.workspace_id, r.workspace_id::text AS workspace_uuid,
    r.key AS conversion_uuid,
    m.model ->> 'name' AS model,
    b.booking ->> 'adjustment' AS adjustment_uuid,
    (b.booking ->> 'recorded_at')::timestamptz AS booked_at, (b.booking ->> 'day')::date AS booked_on,
    t.touch -> 'who' ->> 'lead' AS lead_uuid, t.touch -> 'who' -> 'other' ->> 'id' AS touchpoint_uuid,
    (t.touch ->> 'at')::timestamptz AS touched_at,
    lower(t.touch ->> 'source' COLLATE "C") AS source, t.touch ->> 'medium' AS medium,
    t.touch ->> 'campaign' AS campaign, t.touch ->> 'channel' AS channel,
    t.touch ->> 'provider' AS provider_uuid, t.touch ->> 'webhook' AS webhook_uuid,
    coalesce(v.part::bigint, (b.booking -> 'value' ->> 'sum')::bigint) AS credit_minor, r.body ->> 'currency' AS currency,
    coalesce((b.booking -> 'reported' -> 'each' ->> (v.place::int - 1))::bigint,
        (b.booking -> 'reported' ->> 'sum')::bigint) AS reported_minor,
    r.body -> 'rate' ->> 'to' AS reported_currency,
    coalesce((b.booking -> 'count' -> 'each' ->> (v.place::int - 1))::bigint,
        (b.booking -> 'count' ->> 'sum')::bigint) AS conversion_millionths,
    t.touch ->> 'source' AS source_as_written
FROM {schema}.record AS r
CROSS JOIN LATERAL json_array_elements(r.body -> 'models') AS m (model)
CROSS JOIN LATERAL (SELECT m.model UNION ALL SELECT * FROM json_array_elements(m.model -> 'before')) AS e (edition)
CROSS JOIN LATERAL json_array_elements(e.edition -> 'bookings') AS b (booking)
LEFT JOIN LATERAL json_array_elements_text(b.booking -> 'value' -> 'each') WITH ORDINALITY AS v (part, place) ON true
LEFT JOIN LATERAL (SELECT r.body -> 'touches' -> (e.edition -> 'steps' ->> (v.place::int - 1))::int) AS t (touch) ON true
WHERE r.kind = 'conversion.credits';

-- Touches that are no leads.
CREATE VIEW {schema}.touchpoints AS SELECT
    t.id, t.id::text AS uuid, t.workspace_id, t.workspace_id::text AS workspace_uuid,
    coalesce(k.contact_id, m.contact_id, nullif(t.contact_id, '00000000-0000-0000-0000-000000000000'::uuid)) AS contact_id,
    nullif(t.visitor, '') AS visitor, t.at AS touched_at, t.kind,
    lower(t.source COLLATE "C") AS source, t.medium, t.campaign, t.channel, t.click_ids,
    t.cost_minor, t.cost_currency, t.created_at, t.source AS source_as_written
FROM {schema}.touchpoint AS t
LEFT JOIN {schema}.contact_key AS k ON k.workspace_id = t.workspace_id
    AND k.scope = '00000000-0000-0000-0000-000000000000'::uuid AND k.kind = 4 AND k.value = t.visitor AND t.visitor <> ''
LEFT JOIN {schema}.contact_key AS m ON m.workspace_id = t.workspace_id
    AND m.scope = '00000000-0000-0000-0000-000000000000'::uuid AND m.kind = 5 AND m.value = t.contact_id::text;

-- What is on its way to endpoints, and what was. What came back is the last attempt's. Postgres counts a path's negative
-- place in json from the end of whatever array comes first there: so the last ones are taken step by step.
CREATE VIEW {schema}.deliveries AS SELECT
    d.id, d.id::text AS uuid, d.workspace_id, d.workspace_id::text AS workspace_uuid, d.endpoint_id,
    (SELECT r.body ->> 'name' FROM {schema}.record AS r
        WHERE r.workspace_id = d.workspace_id AND r.kind = 'endpoint' AND r.key = d.endpoint_id::text) AS endpoint,
    d.kind, d.lead_id, d.appointment_id, d.position AS event_position, d.status, d.attempts AS attempt_count,
    d.response_status,
    nullif(d.body -> 'attempts' -> -1 #>> '{result,answered,body}', '') AS response,
    d.body -> 'attempts' -> -1 #>> '{result,failed}' AS last_error,
    CASE json_typeof(d.body -> 'reports' -> -1 -> 'what')
        WHEN 'object' THEN (SELECT key FROM json_each_text(d.body -> 'reports' -> -1 -> 'what'))
        ELSE d.body -> 'reports' -> -1 ->> 'what' END AS last_report,
    d.next_attempt_at, d.created_at, d.ended_at, d.version
FROM {schema}.delivery AS d
LEFT JOIN {schema}.workspace AS w ON w.workspace_id = d.workspace_id;

-- What happened to a conversion.
CREATE VIEW {schema}.conversion_events AS SELECT
    e.workspace_id, e.workspace_id::text AS workspace_uuid,
    e.subject_id AS conversion_id, e.subject_id::text AS conversion_uuid,
    e.contact_id, e.lead_id, e.subject_seq AS number, e.position, e.kind, e.at,
    e.actor, e.request, e.causation, e.facts, e.personal
FROM {schema}.event AS e
LEFT JOIN {schema}.workspace AS w ON w.workspace_id = e.workspace_id
WHERE e.subject_kind = 'conversion' AND e.subject_seq IS NOT NULL;

-- Leads and what became of them, per day of the workspace's zone and webhook, each thing on the day that it happened.
CREATE VIEW {schema}.lead_analytics AS SELECT
    r.workspace_id, r.workspace_id::text AS workspace_uuid, r.day, h.id AS webhook_id, r.d1 AS webhook_uuid, h.name AS webhook,
    r.leads, r.contacts_made, r.repeats, r.rejected, r.contacted, r.scheduled, r.met, r.lost, r.appointments_booked,
    r.converted,
    r.converted::double precision / nullif(r.leads, 0) AS conversion_rate,
    r.conversions,
    r.minor * CASE
        WHEN r.currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV',
            'XAF', 'XOF', 'XPF') THEN 1
        WHEN r.currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 0.001
        WHEN r.currency IN ('CLF', 'UYW') THEN 0.0001
        ELSE 0.01 END AS revenue,
    r.minor AS revenue_minor, r.currency, r.other_revenue,
    r.seconds::double precision / nullif(r.timed, 0) AS average_seconds_to_convert,
    r.last_at AS last_lead_at
FROM (SELECT t.workspace_id, t.day, t.d1, w.currency,
        coalesce(sum(t.n0) FILTER (WHERE t.cube = 0), 0)::bigint AS leads,
        coalesce(sum(t.n1) FILTER (WHERE t.cube = 0), 0)::bigint AS contacts_made,
        coalesce(sum(t.n2) FILTER (WHERE t.cube = 0), 0)::bigint AS repeats,
        coalesce(sum(t.n3) FILTER (WHERE t.cube = 0), 0)::bigint AS rejected,
        coalesce(sum(t.n4) FILTER (WHERE t.cube = 0), 0)::bigint AS appointments_booked,
        coalesce(sum(t.n5) FILTER (WHERE t.cube = 0), 0)::bigint AS converted,
        coalesce(sum(t.n0) FILTER (WHERE t.cube = 5), 0)::bigint AS conversions,
        coalesce(sum(t.n1) FILTER (WHERE t.cube = 5 AND t.d2 = w.currency), 0)::bigint AS minor,
        coalesce(json_object_agg(t.d2, (t.n1 * CASE
                WHEN t.d2 IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV',
                    'XAF', 'XOF', 'XPF') THEN 1
                WHEN t.d2 IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 0.001
                WHEN t.d2 IN ('CLF', 'UYW') THEN 0.0001
                ELSE 0.01 END)::text ORDER BY t.d2)
            FILTER (WHERE t.cube = 5 AND t.d2 <> w.currency AND t.n1 <> 0), '{}') AS other_revenue,
        coalesce(sum(t.n2) FILTER (WHERE t.cube = 5), 0)::bigint AS seconds,
        coalesce(sum(t.n3) FILTER (WHERE t.cube = 5), 0)::bigint AS timed,
        coalesce(sum(t.n0) FILTER (WHERE t.cube = 6), 0)::bigint AS contacted,
        coalesce(sum(t.n1) FILTER (WHERE t.cube = 6), 0)::bigint AS scheduled,
        coalesce(sum(t.n2) FILTER (WHERE t.cube = 6), 0)::bigint AS met,
        coalesce(sum(t.n3) FILTER (WHERE t.cube = 6), 0)::bigint AS lost,
        max(t.last_at) FILTER (WHERE t.cube = 0) AS last_at
    FROM {schema}.rollup AS t
    JOIN {schema}.workspace AS w ON w.workspace_id = t.workspace_id
    WHERE t.cube IN (0, 5, 6)
    GROUP BY t.workspace_id, t.day, t.d1, w.currency) AS r
LEFT JOIN {schema}.webhook AS h ON h.workspace_id = r.workspace_id AND h.id = nullif(r.d1, '')::uuid;

-- Sales and revenue per day of the workspace's zone, source of the sold lead, type and currency. Averages are rounded to minor
-- units, halves away from zero.
CREATE VIEW {schema}.conversion_analytics AS SELECT
    r.workspace_id, r.workspace_id::text AS workspace_uuid, r.day, r.source, r.type, r.conversions,
    r.minor * r.unit AS revenue,
    r.minor AS revenue_minor,
    r.average * r.unit AS average_value,
    r.average AS average_value_minor, r.currency,
    r.seconds::double precision / nullif(r.timed, 0) AS average_seconds_to_convert,
    r.last_at AS last_converted_at
FROM (SELECT t.workspace_id, t.day, t.d1 AS source, t.d2 AS type, t.d3 AS currency,
        t.n0 AS conversions, t.n1 AS minor, t.n2 AS seconds, t.n3 AS timed, t.last_at,
        CASE WHEN t.n0 <> 0 THEN
            t.n1 / t.n0 + CASE WHEN abs(t.n1 % t.n0) * 2 < t.n0 THEN 0 WHEN t.n1 < 0 THEN -1 ELSE 1 END END AS average,
        CASE
            WHEN t.d3 IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV',
                'XAF', 'XOF', 'XPF') THEN 1
            WHEN t.d3 IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 0.001
            WHEN t.d3 IN ('CLF', 'UYW') THEN 0.0001
            ELSE 0.01 END AS unit
    FROM {schema}.rollup AS t
    JOIN {schema}.workspace AS w ON w.workspace_id = t.workspace_id
    WHERE t.cube = 2 AND t.n0 <> 0) AS r;

-- Companies that send leads.
CREATE VIEW {schema}.lead_source_providers AS SELECT
    p.id, p.uuid, p.workspace_id, p.workspace_id::text AS workspace_uuid,
    p.body ->> 'name' AS name,
    (p.body #>> '{settings,active}')::boolean AS is_active,
    CASE json_typeof(p.body #> '{settings,webhooks}') WHEN 'array' THEN
        (SELECT coalesce(json_agg(h.name ORDER BY allowed.place), '[]')
            FROM json_array_elements_text(p.body #> '{settings,webhooks}') WITH ORDINALITY AS allowed (id, place)
            JOIN {schema}.webhook AS h ON h.workspace_id = p.workspace_id AND h.id = allowed.id::uuid) END
        AS allowed_webhooks,
    (p.body #>> '{settings,leads_per_hour_max}')::bigint AS leads_per_hour_max,
    (p.body #>> '{settings,leads_per_day_max}')::bigint AS leads_per_day_max,
    (p.body #>> '{settings,leads_per_month_max}')::bigint AS leads_per_month_max,
    coalesce(used.taken, 0) AS leads_taken,
    coalesce(used.refused, 0) AS leads_rejected,
    used.last_at AS last_used_at, made.at AS created_at, p.version
-- Only a provider's key is an id: a filter on the id must not try the others.
FROM (SELECT r.*, CASE r.kind WHEN 'provider' THEN r.key::uuid END AS id, r.key AS uuid
    FROM {schema}.record AS r WHERE r.kind = 'provider') AS p
LEFT JOIN {schema}.event AS made ON made.workspace_id = p.workspace_id
    AND made.subject_kind = 'provider' AND made.subject_id = p.id AND made.subject_seq = 1
LEFT JOIN (SELECT t.workspace_id, t.d1,
        sum(t.n0)::bigint AS taken, sum(t.n2)::bigint AS refused, max(t.last_at) AS last_at
    FROM {schema}.rollup AS t WHERE t.cube = 7 GROUP BY t.workspace_id, t.d1) AS used
    ON used.workspace_id = p.workspace_id AND used.d1 = p.uuid;

-- What they sent, per day of the workspace's zone and webhook.
CREATE VIEW {schema}.provider_usage_log AS SELECT
    t.workspace_id, t.workspace_id::text AS workspace_uuid, t.day,
    CASE t.cube WHEN 7 THEN t.d1::uuid END AS provider_id, t.d1 AS provider_uuid, p.body ->> 'name' AS provider,
    h.id AS webhook_id, t.d2 AS webhook_uuid, h.name AS webhook,
    t.n0 + t.n2 AS requests,
    t.n0 AS leads_taken, t.n1 AS leads_repeated, t.n2 AS leads_rejected, t.last_at AS last_used_at
FROM {schema}.rollup AS t
JOIN {schema}.workspace AS w ON w.workspace_id = t.workspace_id
LEFT JOIN {schema}.record AS p ON p.workspace_id = t.workspace_id AND p.kind = 'provider' AND p.key = t.d1
LEFT JOIN {schema}.webhook AS h ON h.workspace_id = t.workspace_id AND h.id = nullif(t.d2, '')::uuid
WHERE t.cube = 7;

-- The rules in force, numbered as they were given. They are tried by priority, then number.
CREATE VIEW {schema}.appointment_routing_rules AS SELECT
    r.workspace_id, r.workspace_id::text AS workspace_uuid,
    (f.body ->> 'version')::bigint AS rules_version,
    rule.number,
    rule.body ->> 'name' AS name,
    (rule.body ->> 'priority')::bigint AS priority,
    (rule.body ->> 'active')::boolean AS is_active,
    (SELECT value FROM json_each_text(rule.body #> '{to,0,target}')) AS routes_to,
    (SELECT key FROM json_each_text(rule.body #> '{to,0,target}')) AS routes_to_kind,
    coalesce(rule.body ->> 'strategy', 'first') AS strategy,
    rule.body -> 'to' AS targets,
    rule.body ->> 'products' = 'any' AS any_product,
    rule.body #> '{products,of}' AS product_types,
    rule.body ->> 'zips' = 'any' AS any_zip_code,
    rule.body #> '{zips,of}' AS zip_codes
FROM {schema}.record AS r
CROSS JOIN LATERAL (SELECT CASE
    WHEN (r.body ->> 'effective_from')::timestamptz > now() THEN r.body -> 'until_then' ELSE r.body
END AS body) AS f
CROSS JOIN LATERAL json_array_elements(f.body -> 'rules') WITH ORDINALITY AS rule (body, number)
WHERE r.kind = 'routing.rules' AND r.key = 'current';
