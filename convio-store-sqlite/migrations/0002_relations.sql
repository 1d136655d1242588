-- The relations that people query by hand: see docs/relations.md. Each is a view over the tables of 0001_init.sql, and keeps
-- their keys as they are, so that joins by id, contact_id, lead_id ... use the tables' indexes.
--
-- Ids are 16 bytes, with their text as uuid beside them; times are text in UTC with microseconds; amounts are decimals as
-- text, with the same amount in minor units beside them; flags are 0 or 1. Names of open sets, such as a source, are compared
-- without regard to case. Nothing here is newer than SQLite 3.38, and no view names what the table below it does not have.

-- Whoever joins to a contact by its id alone finds it by this. That it is unique also tells SQLite that leads grouped by
-- contact need no sorting.
CREATE UNIQUE INDEX contact_id_uq ON contact (id);

-- How many minor units make one unit of a currency (ISO 4217), where that is not 100.
CREATE TABLE currency_unit (
    code TEXT NOT NULL,
    minor_units INTEGER NOT NULL,
    CONSTRAINT currency_unit_pk PRIMARY KEY (code)
) STRICT, WITHOUT ROWID;
INSERT INTO currency_unit (code, minor_units) VALUES
    ('BIF', 1), ('CLP', 1), ('DJF', 1), ('GNF', 1), ('ISK', 1), ('JPY', 1), ('KMF', 1), ('KRW', 1), ('PYG', 1),
    ('RWF', 1), ('UGX', 1), ('UYI', 1), ('VND', 1), ('VUV', 1), ('XAF', 1), ('XOF', 1), ('XPF', 1),
    ('BHD', 1000), ('IQD', 1000), ('JOD', 1000), ('KWD', 1000), ('LYD', 1000), ('OMR', 1000), ('TND', 1000),
    ('CLF', 10000), ('UYW', 10000);

-- People. Those who went into others are left out: contact_events tells them.
CREATE VIEW contacts AS SELECT
    id,
    lower(hex(substr(id, 1, 4)) || '-' || hex(substr(id, 5, 2)) || '-' || hex(substr(id, 7, 2))
        || '-' || hex(substr(id, 9, 2)) || '-' || hex(substr(id, 11))) AS uuid,
    number, workspace_id,
    lower(hex(substr(workspace_id, 1, 4)) || '-' || hex(substr(workspace_id, 5, 2)) || '-' || hex(substr(workspace_id, 7, 2))
        || '-' || hex(substr(workspace_id, 9, 2)) || '-' || hex(substr(workspace_id, 11))) AS workspace_uuid,
    first_name, last_name, phone, phone_ext AS phone_extension, phone_validity, email,
    nullif(substr(coalesce(', ' || street, '') || coalesce(', ' || street2, '') || coalesce(', ' || city, '')
        || coalesce(', ' || state || ' ' || postal_code, ', ' || state, ', ' || postal_code, '')
        || coalesce(', ' || country, ''), 3), '') AS address,
    street, street2, city, state, postal_code, country, leads AS lead_count, conversions AS conversion_count,
    (SELECT iif(minor < 0, '-', '') || ltrim(minor / unit, '-') || iif(unit = 1, '', '.')
        || substr(unit + abs(minor % unit), 2)
        FROM (SELECT coalesce(json_extract(contact.lifetime, '$.' || w.currency), 0) AS minor,
            coalesce((SELECT minor_units FROM currency_unit WHERE code = w.currency), 100) AS unit
            FROM workspace AS w WHERE w.workspace_id = contact.workspace_id)) AS lifetime_value,
    (SELECT coalesce(json_extract(contact.lifetime, '$.' || w.currency), 0)
        FROM workspace AS w WHERE w.workspace_id = contact.workspace_id) AS lifetime_value_minor,
    (SELECT w.currency FROM workspace AS w WHERE w.workspace_id = contact.workspace_id) AS currency,
    (SELECT json_group_object(code, iif(minor < 0, '-', '') || ltrim(minor / unit, '-') || iif(unit = 1, '', '.')
        || substr(unit + abs(minor % unit), 2))
        FROM (SELECT sum.key AS code, sum.value AS minor,
            coalesce((SELECT minor_units FROM currency_unit WHERE code = sum.key), 100) AS unit
            FROM workspace AS w, json_each(contact.lifetime) AS sum
            WHERE w.workspace_id = contact.workspace_id AND sum.key <> w.currency)) AS other_lifetime_value,
    strftime('%Y-%m-%dT%H:%M:%S', customer_since / 1000000 - (customer_since % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (customer_since % 1000000 + 1000000) % 1000000) AS customer_since,
    first_source COLLATE NOCASE AS first_source, first_lead AS first_lead_id,
    strftime('%Y-%m-%dT%H:%M:%S', first_at / 1000000 - (first_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (first_at % 1000000 + 1000000) % 1000000) AS first_lead_at,
    strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000000 - (created_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (created_at % 1000000 + 1000000) % 1000000) AS created_at,
    version
FROM contact
WHERE merged_into IS NULL;

-- Interests of people. Deleted ones are left out, tests are not. Without statistics SQLite would look for their
-- deliveries among all of the workspace: so the index is named, here and for appointments.
CREATE VIEW leads AS SELECT
    id,
    lower(hex(substr(id, 1, 4)) || '-' || hex(substr(id, 5, 2)) || '-' || hex(substr(id, 7, 2))
        || '-' || hex(substr(id, 9, 2)) || '-' || hex(substr(id, 11))) AS uuid,
    workspace_id,
    lower(hex(substr(workspace_id, 1, 4)) || '-' || hex(substr(workspace_id, 5, 2)) || '-' || hex(substr(workspace_id, 7, 2))
        || '-' || hex(substr(workspace_id, 9, 2)) || '-' || hex(substr(workspace_id, 11))) AS workspace_uuid,
    contact_id, webhook_id,
    (SELECT h.name FROM webhook AS h WHERE h.workspace_id = lead.workspace_id AND h.id = lead.webhook_id) AS webhook,
    provider_id,
    (SELECT json_extract(p.body, '$.name') FROM record AS p
        WHERE p.workspace_id = lead.workspace_id AND p.kind = 'provider'
        AND p.key = lower(hex(substr(provider_id, 1, 4)) || '-' || hex(substr(provider_id, 5, 2)) || '-' || hex(substr(provider_id, 7, 2))
        || '-' || hex(substr(provider_id, 9, 2)) || '-' || hex(substr(provider_id, 11)))) AS provider,
    source COLLATE NOCASE AS source, lead_type COLLATE NOCASE AS lead_type, campaign COLLATE NOCASE AS campaign_id,
    product COLLATE NOCASE AS product,
    json_extract(utm, '$.source') AS utm_source,
    json_extract(utm, '$.medium') AS utm_medium,
    json_extract(utm, '$.campaign') AS utm_campaign,
    json_extract(utm, '$.term') AS utm_term,
    json_extract(utm, '$.content') AS utm_content,
    custom AS custom_fields, postal_code, external_id, status, stage, reason AS status_reason, conversion_id, owner,
    priority,
    strftime('%Y-%m-%dT%H:%M:%S', follow_up_at / 1000000 - (follow_up_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (follow_up_at % 1000000 + 1000000) % 1000000) AS follow_up_at,
    attempts AS attempt_count,
    strftime('%Y-%m-%dT%H:%M:%S', first_attempt_at / 1000000 - (first_attempt_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (first_attempt_at % 1000000 + 1000000) % 1000000) AS first_attempt_at,
    strftime('%Y-%m-%dT%H:%M:%S', last_attempt_at / 1000000 - (last_attempt_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (last_attempt_at % 1000000 + 1000000) % 1000000) AS last_attempt_at,
    open_appointments,
    (reached & 1) <> 0 AS was_contacted,
    (reached & 2) <> 0 AS was_scheduled,
    (reached & 4) <> 0 AS was_met,
    (reached & 8) <> 0 AS was_lost,
    duplicate_of, opened_contact AS made_contact, test AS is_test, flags,
    strftime('%Y-%m-%dT%H:%M:%S', received_at / 1000000 - (received_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (received_at % 1000000 + 1000000) % 1000000) AS received_at,
    strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000000 - (created_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (created_at % 1000000 + 1000000) % 1000000) AS created_at,
    version,
    (SELECT d.status FROM delivery AS d INDEXED BY delivery_lead_ix
        WHERE d.workspace_id = lead.workspace_id AND d.lead_id = lead.id AND d.appointment_id IS NULL AND d.position IS NULL
        ORDER BY d.created_at DESC, d.id DESC LIMIT 1) AS forward_status,
    (SELECT d.attempts FROM delivery AS d INDEXED BY delivery_lead_ix
        WHERE d.workspace_id = lead.workspace_id AND d.lead_id = lead.id AND d.appointment_id IS NULL AND d.position IS NULL
        ORDER BY d.created_at DESC, d.id DESC LIMIT 1) AS forward_attempts,
    (SELECT d.response_status FROM delivery AS d INDEXED BY delivery_lead_ix
        WHERE d.workspace_id = lead.workspace_id AND d.lead_id = lead.id AND d.appointment_id IS NULL AND d.position IS NULL
        ORDER BY d.created_at DESC, d.id DESC LIMIT 1) AS forward_response
FROM lead
WHERE deleted_at IS NULL;

-- Meetings, those that were called off or moved included.
CREATE VIEW appointments AS SELECT
    id,
    lower(hex(substr(id, 1, 4)) || '-' || hex(substr(id, 5, 2)) || '-' || hex(substr(id, 7, 2))
        || '-' || hex(substr(id, 9, 2)) || '-' || hex(substr(id, 11))) AS uuid,
    workspace_id,
    lower(hex(substr(workspace_id, 1, 4)) || '-' || hex(substr(workspace_id, 5, 2)) || '-' || hex(substr(workspace_id, 7, 2))
        || '-' || hex(substr(workspace_id, 9, 2)) || '-' || hex(substr(workspace_id, 11))) AS workspace_uuid,
    contact_id, lead_id, type COLLATE NOCASE AS type,
    strftime('%Y-%m-%dT%H:%M:%S', starts_at / 1000000 - (starts_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (starts_at % 1000000 + 1000000) % 1000000) AS scheduled_at,
    strftime('%Y-%m-%dT%H:%M:%S', ends_at / 1000000 - (ends_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (ends_at % 1000000 + 1000000) % 1000000) AS ends_at,
    minutes AS duration_minutes, zone AS time_zone, wall AS local_time, shifted AS clock_change, status, location,
    staff AS assigned_to,
    (SELECT atom FROM json_each(routing, '$.target')) AS routed_to,
    (SELECT key FROM json_each(routing, '$.target')) AS routed_to_kind,
    how AS routed_by,
    json_extract(routing, '$.rule') AS routing_rule,
    json_extract(routing, '$.rules_version') AS routing_rules_version,
    CASE json_type(outcome) WHEN 'object' THEN 'sold' ELSE json_extract(outcome, '$') END AS outcome,
    next_step,
    strftime('%Y-%m-%dT%H:%M:%S', next_step_at / 1000000 - (next_step_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (next_step_at % 1000000 + 1000000) % 1000000) AS next_step_at,
    strftime('%Y-%m-%dT%H:%M:%S', ended_at / 1000000 - (ended_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (ended_at % 1000000 + 1000000) % 1000000) AS ended_at,
    ended_by, ended_reason, ended_late, conversion_id, rescheduled_from AS rescheduled_from_id,
    rescheduled_to AS rescheduled_to_id, external_id,
    strftime('%Y-%m-%dT%H:%M:%S', booked_at / 1000000 - (booked_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (booked_at % 1000000 + 1000000) % 1000000) AS booked_at,
    strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000000 - (created_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (created_at % 1000000 + 1000000) % 1000000) AS created_at,
    version,
    CASE WHEN a.target IS NULL THEN 'unrouted'
        WHEN json_extract(a.routing, '$.target.endpoint') IS NOT NULL THEN coalesce((SELECT d.status FROM delivery AS d INDEXED BY delivery_appointment_ix
            WHERE d.workspace_id = a.workspace_id AND d.appointment_id = a.id
            AND (SELECT json_extract(r.body, '$.name') FROM record AS r
                WHERE r.workspace_id = d.workspace_id AND r.kind = 'endpoint'
                AND r.key = lower(hex(substr(d.endpoint_id, 1, 4)) || '-' || hex(substr(d.endpoint_id, 5, 2)) || '-' || hex(substr(d.endpoint_id, 7, 2))
                || '-' || hex(substr(d.endpoint_id, 9, 2)) || '-' || hex(substr(d.endpoint_id, 11))))
                = json_extract(a.routing, '$.target.endpoint')
            ORDER BY d.created_at DESC, d.id DESC LIMIT 1), 'pending') END AS forward_status,
    CASE WHEN json_extract(a.routing, '$.target.endpoint') IS NOT NULL THEN coalesce((SELECT d.attempts FROM delivery AS d INDEXED BY delivery_appointment_ix
            WHERE d.workspace_id = a.workspace_id AND d.appointment_id = a.id
            AND (SELECT json_extract(r.body, '$.name') FROM record AS r
                WHERE r.workspace_id = d.workspace_id AND r.kind = 'endpoint'
                AND r.key = lower(hex(substr(d.endpoint_id, 1, 4)) || '-' || hex(substr(d.endpoint_id, 5, 2)) || '-' || hex(substr(d.endpoint_id, 7, 2))
                || '-' || hex(substr(d.endpoint_id, 9, 2)) || '-' || hex(substr(d.endpoint_id, 11))))
                = json_extract(a.routing, '$.target.endpoint')
            ORDER BY d.created_at DESC, d.id DESC LIMIT 1), 0) END AS forward_attempts,
    CASE WHEN json_extract(a.routing, '$.target.endpoint') IS NOT NULL THEN
        (SELECT d.response_status FROM delivery AS d INDEXED BY delivery_appointment_ix
            WHERE d.workspace_id = a.workspace_id AND d.appointment_id = a.id
            AND (SELECT json_extract(r.body, '$.name') FROM record AS r
                WHERE r.workspace_id = d.workspace_id AND r.kind = 'endpoint'
                AND r.key = lower(hex(substr(d.endpoint_id, 1, 4)) || '-' || hex(substr(d.endpoint_id, 5, 2)) || '-' || hex(substr(d.endpoint_id, 7, 2))
                || '-' || hex(substr(d.endpoint_id, 9, 2)) || '-' || hex(substr(d.endpoint_id, 11))))
                = json_extract(a.routing, '$.target.endpoint')
            ORDER BY d.created_at DESC, d.id DESC LIMIT 1) END AS forward_response
FROM (SELECT *, starts_at + minutes * 60000000 AS ends_at FROM appointment) AS a;

-- Sales that stand, at what they are worth after all adjustments. Voided ones are left out: conversion_events tells them.
CREATE VIEW conversions AS SELECT
    id,
    lower(hex(substr(id, 1, 4)) || '-' || hex(substr(id, 5, 2)) || '-' || hex(substr(id, 7, 2))
        || '-' || hex(substr(id, 9, 2)) || '-' || hex(substr(id, 11))) AS uuid,
    workspace_id,
    lower(hex(substr(workspace_id, 1, 4)) || '-' || hex(substr(workspace_id, 5, 2)) || '-' || hex(substr(workspace_id, 7, 2))
        || '-' || hex(substr(workspace_id, 9, 2)) || '-' || hex(substr(workspace_id, 11))) AS workspace_uuid,
    contact_id, lead_id, appointment_id, type COLLATE NOCASE AS type,
    iif(net_minor < 0, '-', '') || ltrim(net_minor / unit, '-') || iif(unit = 1, '', '.')
        || substr(unit + abs(net_minor % unit), 2) AS conversion_value,
    net_minor AS conversion_value_minor, currency,
    strftime('%Y-%m-%dT%H:%M:%S', occurred_at / 1000000 - (occurred_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (occurred_at % 1000000 + 1000000) % 1000000) AS converted_at,
    date(day * 86400, 'unixepoch') AS day,
    seconds_to_convert, first_source COLLATE NOCASE AS first_touch_source, first_lead AS first_touch_lead_id,
    strftime('%Y-%m-%dT%H:%M:%S', first_at / 1000000 - (first_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (first_at % 1000000 + 1000000) % 1000000) AS first_touch_at,
    last_source COLLATE NOCASE AS last_touch_source, last_lead AS last_touch_lead_id,
    strftime('%Y-%m-%dT%H:%M:%S', last_at / 1000000 - (last_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (last_at % 1000000 + 1000000) % 1000000) AS last_touch_at,
    sold_by, external_id, metadata,
    strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000000 - (created_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (created_at % 1000000 + 1000000) % 1000000) AS created_at,
    version
FROM (SELECT *, coalesce((SELECT minor_units FROM currency_unit WHERE code = currency), 100) AS unit FROM conversion)
WHERE voided_at IS NULL;

-- Clients, deleted ones included. A key stands while it is neither revoked nor expired.
CREATE VIEW workspaces AS SELECT
    workspace_id AS id,
    lower(hex(substr(workspace_id, 1, 4)) || '-' || hex(substr(workspace_id, 5, 2)) || '-' || hex(substr(workspace_id, 7, 2))
        || '-' || hex(substr(workspace_id, 9, 2)) || '-' || hex(substr(workspace_id, 11))) AS uuid,
    workspace_id,
    lower(hex(substr(workspace_id, 1, 4)) || '-' || hex(substr(workspace_id, 5, 2)) || '-' || hex(substr(workspace_id, 7, 2))
        || '-' || hex(substr(workspace_id, 9, 2)) || '-' || hex(substr(workspace_id, 11))) AS workspace_uuid,
    name,
    (SELECT 'cvk_***' || substr(k.key, -8) FROM record AS k
        WHERE k.workspace_id = w.workspace_id AND k.kind = 'api_key' AND json_extract(k.body, '$.revoked_at') IS NULL
        AND coalesce(julianday(json_extract(k.body, '$.expires_at')) > julianday('now'), 1)
        ORDER BY julianday(json_extract(k.body, '$.created_at')) DESC, k.key DESC LIMIT 1) AS api_key,
    (SELECT group_concat(permission.value, ', ')
        FROM json_each('["read","ingest","update","convert","admin"]') AS permission
        WHERE EXISTS (SELECT 1 FROM record AS k, json_each(k.body, '$.permissions') AS given
            WHERE k.workspace_id = w.workspace_id AND k.kind = 'api_key' AND given.value = permission.value
            AND json_extract(k.body, '$.revoked_at') IS NULL
            AND coalesce(julianday(json_extract(k.body, '$.expires_at')) > julianday('now'), 1))) AS permissions,
    active AS is_active, zone AS time_zone, currency,
    (SELECT coalesce(sum(t.n0), 0) FROM rollup AS t
        WHERE t.workspace_id = w.workspace_id AND t.cube = 8 AND t.day = 0) AS total_conversions,
    iif(minor < 0, '-', '') || ltrim(minor / unit, '-') || iif(unit = 1, '', '.')
        || substr(unit + abs(minor % unit), 2) AS total_revenue,
    minor AS total_revenue_minor,
    (SELECT json_group_object(code, iif(sum < 0, '-', '') || ltrim(sum / each, '-') || iif(each = 1, '', '.')
        || substr(each + abs(sum % each), 2))
        FROM (SELECT t.d1 AS code, t.n1 AS sum,
            coalesce((SELECT minor_units FROM currency_unit WHERE code = t.d1), 100) AS each FROM rollup AS t
            WHERE t.workspace_id = w.workspace_id AND t.cube = 8 AND t.day = 0 AND t.d1 <> w.currency AND t.n1 <> 0))
        AS other_revenue,
    (SELECT strftime('%Y-%m-%dT%H:%M:%S', e.at / 1000000 - (e.at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (e.at % 1000000 + 1000000) % 1000000) FROM event AS e
        WHERE e.workspace_id = w.workspace_id ORDER BY e.position DESC LIMIT 1) AS last_activity_at,
    policy,
    strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000000 - (created_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (created_at % 1000000 + 1000000) % 1000000) AS created_at,
    strftime('%Y-%m-%dT%H:%M:%S', deleted_at / 1000000 - (deleted_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (deleted_at % 1000000 + 1000000) % 1000000) AS deleted_at,
    version
FROM (SELECT *, coalesce((SELECT minor_units FROM currency_unit WHERE code = workspace.currency), 100) AS unit,
    coalesce((SELECT t.n1 FROM rollup AS t WHERE t.workspace_id = workspace.workspace_id AND t.cube = 8 AND t.day = 0
        AND t.d1 = workspace.currency AND t.d2 = '' AND t.d3 = ''), 0) AS minor FROM workspace) AS w;

-- What happened to a lead: number counts the events of the lead. The facts of a received one leave the usual start out, which is
-- `new`.
CREATE VIEW lead_events AS SELECT
    workspace_id,
    lower(hex(substr(workspace_id, 1, 4)) || '-' || hex(substr(workspace_id, 5, 2)) || '-' || hex(substr(workspace_id, 7, 2))
        || '-' || hex(substr(workspace_id, 9, 2)) || '-' || hex(substr(workspace_id, 11))) AS workspace_uuid,
    lead_id,
    lower(hex(substr(lead_id, 1, 4)) || '-' || hex(substr(lead_id, 5, 2)) || '-' || hex(substr(lead_id, 7, 2))
        || '-' || hex(substr(lead_id, 9, 2)) || '-' || hex(substr(lead_id, 11))) AS lead_uuid,
    contact_id, lead_seq AS number, position, kind,
    strftime('%Y-%m-%dT%H:%M:%S', at / 1000000 - (at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (at % 1000000 + 1000000) % 1000000) AS at,
    coalesce(json_extract(facts, '$.progress.status.key'), iif(kind = 'lead.received', 'new', NULL)) AS status,
    coalesce(json_extract(facts, '$.progress.status.stage'), iif(kind = 'lead.received', 'new', NULL)) AS stage,
    json_extract(facts, '$.progress.reason') AS status_reason,
    duplicate_of, actor, request, causation, facts,
    personal
FROM event
WHERE lead_seq IS NOT NULL;

-- What happened to a contact.
CREATE VIEW contact_events AS SELECT
    workspace_id,
    lower(hex(substr(workspace_id, 1, 4)) || '-' || hex(substr(workspace_id, 5, 2)) || '-' || hex(substr(workspace_id, 7, 2))
        || '-' || hex(substr(workspace_id, 9, 2)) || '-' || hex(substr(workspace_id, 11))) AS workspace_uuid,
    contact_id,
    lower(hex(substr(contact_id, 1, 4)) || '-' || hex(substr(contact_id, 5, 2)) || '-' || hex(substr(contact_id, 7, 2))
        || '-' || hex(substr(contact_id, 9, 2)) || '-' || hex(substr(contact_id, 11))) AS contact_uuid,
    lead_id, contact_seq AS number, position, kind,
    strftime('%Y-%m-%dT%H:%M:%S', at / 1000000 - (at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (at % 1000000 + 1000000) % 1000000) AS at,
    contact_number, actor, request, causation, facts,
    personal
FROM event
WHERE contact_seq IS NOT NULL;

-- What happened to an appointment.
CREATE VIEW appointment_events AS SELECT
    workspace_id,
    lower(hex(substr(workspace_id, 1, 4)) || '-' || hex(substr(workspace_id, 5, 2)) || '-' || hex(substr(workspace_id, 7, 2))
        || '-' || hex(substr(workspace_id, 9, 2)) || '-' || hex(substr(workspace_id, 11))) AS workspace_uuid,
    subject_id AS appointment_id,
    lower(hex(substr(subject_id, 1, 4)) || '-' || hex(substr(subject_id, 5, 2)) || '-' || hex(substr(subject_id, 7, 2))
        || '-' || hex(substr(subject_id, 9, 2)) || '-' || hex(substr(subject_id, 11))) AS appointment_uuid,
    contact_id, lead_id, subject_seq AS number, position, kind,
    strftime('%Y-%m-%dT%H:%M:%S', at / 1000000 - (at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (at % 1000000 + 1000000) % 1000000) AS at,
    actor, request, causation, facts,
    personal
FROM event
WHERE subject_kind = 'appointment' AND subject_seq IS NOT NULL;

-- What each touch has of a conversion: a row for each record of its history, model and touch, to be summed. Where no touch has
-- anything the touch is null. Worked out anew, what was booked before is taken back by rows of its own.
CREATE VIEW conversion_credits AS SELECT
    workspace_id,
    lower(hex(substr(workspace_id, 1, 4)) || '-' || hex(substr(workspace_id, 5, 2)) || '-' || hex(substr(workspace_id, 7, 2))
        || '-' || hex(substr(workspace_id, 9, 2)) || '-' || hex(substr(workspace_id, 11))) AS workspace_uuid,
    key AS conversion_uuid,
    json_extract(model, '$.name') AS model,
    json_extract(booking, '$.adjustment') AS adjustment_uuid,
    json_extract(booking, '$.recorded_at') AS booked_at, json_extract(booking, '$.day') AS booked_on,
    json_extract(touch, '$.who.lead') AS lead_uuid, json_extract(touch, '$.who.other.id') AS touchpoint_uuid,
    json_extract(touch, '$.at') AS touched_at, json_extract(touch, '$.source') COLLATE NOCASE AS source,
    json_extract(touch, '$.medium') COLLATE NOCASE AS medium, json_extract(touch, '$.campaign') COLLATE NOCASE AS campaign,
    json_extract(touch, '$.channel') COLLATE NOCASE AS channel,
    json_extract(touch, '$.provider') AS provider_uuid, json_extract(touch, '$.webhook') AS webhook_uuid,
    coalesce(part, json_extract(booking, '$.value.sum')) AS credit_minor, json_extract(body, '$.currency') AS currency,
    coalesce(json_extract(booking, '$.reported.each[' || place || ']'), json_extract(booking, '$.reported.sum'))
        AS reported_minor,
    json_extract(body, '$.rate.to') AS reported_currency,
    coalesce(json_extract(booking, '$.count.each[' || place || ']'), json_extract(booking, '$.count.sum'))
        AS conversion_millionths
FROM (
    SELECT r.workspace_id, r.key, r.body, m.value AS model, b.value AS booking, v.value AS part, v.key AS place,
        json_extract(r.body, '$.touches[' || json_extract(e.value, '$.steps[' || v.key || ']') || ']') AS touch
    FROM record AS r
    JOIN json_each(r.body, '$.models') AS m
    JOIN json_each(json_insert(coalesce(json_extract(m.value, '$.before'), '[]'), '$[#]', json(m.value))) AS e
    JOIN json_each(e.value, '$.bookings') AS b
    LEFT JOIN json_each(b.value, '$.value.each') AS v
    WHERE r.kind = 'conversion.credits'
);

-- Touches that are no leads.
CREATE VIEW touchpoints AS SELECT
    t.id,
    lower(hex(substr(t.id, 1, 4)) || '-' || hex(substr(t.id, 5, 2)) || '-' || hex(substr(t.id, 7, 2))
        || '-' || hex(substr(t.id, 9, 2)) || '-' || hex(substr(t.id, 11))) AS uuid,
    t.workspace_id,
    lower(hex(substr(t.workspace_id, 1, 4)) || '-' || hex(substr(t.workspace_id, 5, 2)) || '-' || hex(substr(t.workspace_id, 7, 2))
        || '-' || hex(substr(t.workspace_id, 9, 2)) || '-' || hex(substr(t.workspace_id, 11))) AS workspace_uuid,
    coalesce(k.contact_id, m.contact_id, nullif(t.contact_id, zeroblob(16))) AS contact_id, nullif(t.visitor, '') AS visitor,
    strftime('%Y-%m-%dT%H:%M:%S', t.at / 1000000 - (t.at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (t.at % 1000000 + 1000000) % 1000000) AS touched_at,
    t.kind, t.source COLLATE NOCASE AS source, t.medium COLLATE NOCASE AS medium, t.campaign COLLATE NOCASE AS campaign,
    t.channel COLLATE NOCASE AS channel, t.click_ids, t.cost_minor, t.cost_currency,
    strftime('%Y-%m-%dT%H:%M:%S', t.created_at / 1000000 - (t.created_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (t.created_at % 1000000 + 1000000) % 1000000) AS created_at
FROM touchpoint AS t
LEFT JOIN contact_key AS k ON k.workspace_id = t.workspace_id AND k.scope = zeroblob(16) AND k.kind = 4
    AND k.value = t.visitor AND t.visitor <> ''
LEFT JOIN contact_key AS m ON m.workspace_id = t.workspace_id AND m.scope = zeroblob(16) AND m.kind = 5
    AND m.value = lower(hex(substr(t.contact_id, 1, 4)) || '-' || hex(substr(t.contact_id, 5, 2)) || '-'
        || hex(substr(t.contact_id, 7, 2)) || '-' || hex(substr(t.contact_id, 9, 2)) || '-' || hex(substr(t.contact_id, 11)));

-- What is on its way to endpoints, and what was. What came back is the last attempt's.
CREATE VIEW deliveries AS SELECT
    id,
    lower(hex(substr(id, 1, 4)) || '-' || hex(substr(id, 5, 2)) || '-' || hex(substr(id, 7, 2))
        || '-' || hex(substr(id, 9, 2)) || '-' || hex(substr(id, 11))) AS uuid,
    workspace_id,
    lower(hex(substr(workspace_id, 1, 4)) || '-' || hex(substr(workspace_id, 5, 2)) || '-' || hex(substr(workspace_id, 7, 2))
        || '-' || hex(substr(workspace_id, 9, 2)) || '-' || hex(substr(workspace_id, 11))) AS workspace_uuid,
    endpoint_id,
    (SELECT json_extract(r.body, '$.name') FROM record AS r
        WHERE r.workspace_id = delivery.workspace_id AND r.kind = 'endpoint'
        AND r.key = lower(hex(substr(endpoint_id, 1, 4)) || '-' || hex(substr(endpoint_id, 5, 2)) || '-' || hex(substr(endpoint_id, 7, 2))
        || '-' || hex(substr(endpoint_id, 9, 2)) || '-' || hex(substr(endpoint_id, 11)))) AS endpoint,
    kind, lead_id, appointment_id, position AS event_position, status, attempts AS attempt_count, response_status,
    nullif(json_extract(body, '$.attempts[#-1].result.answered.body'), '') AS response,
    json_extract(body, '$.attempts[#-1].result.failed') AS last_error,
    CASE json_type(body, '$.reports[#-1].what')
        WHEN 'object' THEN (SELECT key FROM json_each(body, '$.reports[#-1].what'))
        ELSE json_extract(body, '$.reports[#-1].what') END AS last_report,
    strftime('%Y-%m-%dT%H:%M:%S', next_attempt_at / 1000000 - (next_attempt_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (next_attempt_at % 1000000 + 1000000) % 1000000) AS next_attempt_at,
    strftime('%Y-%m-%dT%H:%M:%S', created_at / 1000000 - (created_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (created_at % 1000000 + 1000000) % 1000000) AS created_at,
    strftime('%Y-%m-%dT%H:%M:%S', ended_at / 1000000 - (ended_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (ended_at % 1000000 + 1000000) % 1000000) AS ended_at,
    version
FROM delivery;

-- What happened to a conversion.
CREATE VIEW conversion_events AS SELECT
    workspace_id,
    lower(hex(substr(workspace_id, 1, 4)) || '-' || hex(substr(workspace_id, 5, 2)) || '-' || hex(substr(workspace_id, 7, 2))
        || '-' || hex(substr(workspace_id, 9, 2)) || '-' || hex(substr(workspace_id, 11))) AS workspace_uuid,
    subject_id AS conversion_id,
    lower(hex(substr(subject_id, 1, 4)) || '-' || hex(substr(subject_id, 5, 2)) || '-' || hex(substr(subject_id, 7, 2))
        || '-' || hex(substr(subject_id, 9, 2)) || '-' || hex(substr(subject_id, 11))) AS conversion_uuid,
    contact_id, lead_id, subject_seq AS number, position, kind,
    strftime('%Y-%m-%dT%H:%M:%S', at / 1000000 - (at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (at % 1000000 + 1000000) % 1000000) AS at,
    actor, request, causation, facts,
    personal
FROM event
WHERE subject_kind = 'conversion' AND subject_seq IS NOT NULL;

-- Leads and what became of them, per day of the workspace's zone and webhook; each thing on the day that it happened.
CREATE VIEW lead_analytics AS
WITH named AS MATERIALIZED (
    SELECT workspace_id, id, name, lower(hex(substr(id, 1, 4)) || '-' || hex(substr(id, 5, 2)) || '-' || hex(substr(id, 7, 2))
        || '-' || hex(substr(id, 9, 2)) || '-' || hex(substr(id, 11))) AS uuid FROM webhook)
SELECT
    r.workspace_id,
    lower(hex(substr(r.workspace_id, 1, 4)) || '-' || hex(substr(r.workspace_id, 5, 2)) || '-' || hex(substr(r.workspace_id, 7, 2))
        || '-' || hex(substr(r.workspace_id, 9, 2)) || '-' || hex(substr(r.workspace_id, 11))) AS workspace_uuid,
    date(r.day * 86400, 'unixepoch') AS day,
    named.id AS webhook_id,
    r.webhook_uuid,
    named.name AS webhook,
    r.leads, r.contacts_made, r.repeats, r.rejected, r.contacted, r.scheduled, r.met, r.lost, r.appointments_booked,
    r.converted,
    iif(r.leads > 0, r.converted * 1.0 / r.leads, NULL) AS conversion_rate,
    r.conversions,
    iif(r.minor < 0, '-', '') || ltrim(r.minor / r.unit, '-') || iif(r.unit = 1, '', '.')
        || substr(r.unit + abs(r.minor % r.unit), 2) AS revenue,
    r.minor AS revenue_minor, r.currency, r.other_revenue,
    iif(r.timed > 0, r.seconds * 1.0 / r.timed, NULL) AS average_seconds_to_convert,
    strftime('%Y-%m-%dT%H:%M:%S', r.last_at / 1000000 - (r.last_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (r.last_at % 1000000 + 1000000) % 1000000) AS last_lead_at
FROM (SELECT t.workspace_id, t.day, t.d1 AS webhook_uuid, w.currency,
        coalesce(sum(n0) FILTER (WHERE cube = 0), 0) AS leads,
        coalesce(sum(n1) FILTER (WHERE cube = 0), 0) AS contacts_made,
        coalesce(sum(n2) FILTER (WHERE cube = 0), 0) AS repeats,
        coalesce(sum(n3) FILTER (WHERE cube = 0), 0) AS rejected,
        coalesce(sum(n4) FILTER (WHERE cube = 0), 0) AS appointments_booked,
        coalesce(sum(n5) FILTER (WHERE cube = 0), 0) AS converted,
        coalesce(sum(n0) FILTER (WHERE cube = 5), 0) AS conversions,
        coalesce(sum(n1) FILTER (WHERE cube = 5 AND d2 = w.currency), 0) AS minor,
        json_group_object(d2, iif(n1 < 0, '-', '') || ltrim(n1 / unit, '-') || iif(unit = 1, '', '.')
        || substr(unit + abs(n1 % unit), 2))
            FILTER (WHERE cube = 5 AND d2 <> w.currency AND n1 <> 0) AS other_revenue,
        coalesce((SELECT minor_units FROM currency_unit WHERE code = w.currency), 100) AS unit,
        coalesce(sum(n2) FILTER (WHERE cube = 5), 0) AS seconds,
        coalesce(sum(n3) FILTER (WHERE cube = 5), 0) AS timed,
        coalesce(sum(n0) FILTER (WHERE cube = 6), 0) AS contacted,
        coalesce(sum(n1) FILTER (WHERE cube = 6), 0) AS scheduled,
        coalesce(sum(n2) FILTER (WHERE cube = 6), 0) AS met,
        coalesce(sum(n3) FILTER (WHERE cube = 6), 0) AS lost,
        max(t.last_at) FILTER (WHERE cube = 0) AS last_at
    FROM workspace AS w
    CROSS JOIN (SELECT *, coalesce((SELECT minor_units FROM currency_unit WHERE code = d2), 100) AS unit FROM rollup) AS t
        ON t.workspace_id = w.workspace_id AND t.cube IN (0, 5, 6)
    GROUP BY t.workspace_id, t.day, t.d1) AS r
LEFT JOIN named ON named.workspace_id = r.workspace_id AND named.uuid = r.webhook_uuid;

-- Sales and revenue per day of the workspace's zone, source of the sold lead, type and currency.
CREATE VIEW conversion_analytics AS SELECT
    workspace_id,
    lower(hex(substr(workspace_id, 1, 4)) || '-' || hex(substr(workspace_id, 5, 2)) || '-' || hex(substr(workspace_id, 7, 2))
        || '-' || hex(substr(workspace_id, 9, 2)) || '-' || hex(substr(workspace_id, 11))) AS workspace_uuid,
    date(day * 86400, 'unixepoch') AS day,
    d1 COLLATE NOCASE AS source, d2 COLLATE NOCASE AS type, n0 AS conversions,
    iif(n1 < 0, '-', '') || ltrim(n1 / unit, '-') || iif(unit = 1, '', '.')
        || substr(unit + abs(n1 % unit), 2) AS revenue,
    n1 AS revenue_minor,
    iif(average < 0, '-', '') || ltrim(average / unit, '-') || iif(unit = 1, '', '.')
        || substr(unit + abs(average % unit), 2) AS average_value,
    average AS average_value_minor, d3 AS currency,
    iif(n3 > 0, n2 * 1.0 / n3, NULL) AS average_seconds_to_convert,
    strftime('%Y-%m-%dT%H:%M:%S', last_at / 1000000 - (last_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (last_at % 1000000 + 1000000) % 1000000) AS last_converted_at
FROM (SELECT t.*, coalesce((SELECT minor_units FROM currency_unit WHERE code = t.d3), 100) AS unit,
    t.n1 / t.n0 + iif(abs(t.n1 % t.n0) * 2 >= t.n0, iif(t.n1 < 0, -1, 1), 0) AS average
    FROM workspace AS w CROSS JOIN rollup AS t ON t.workspace_id = w.workspace_id AND t.cube = 2 AND t.n0 <> 0);

-- Companies that send leads.
CREATE VIEW lead_source_providers AS
WITH made AS MATERIALIZED (
    SELECT w.workspace_id, subject_id AS id,
    lower(hex(substr(subject_id, 1, 4)) || '-' || hex(substr(subject_id, 5, 2)) || '-' || hex(substr(subject_id, 7, 2))
        || '-' || hex(substr(subject_id, 9, 2)) || '-' || hex(substr(subject_id, 11))) AS uuid, at
    FROM workspace AS w CROSS JOIN event AS e
        ON e.workspace_id = w.workspace_id AND e.subject_kind = 'provider' AND e.subject_seq = 1),
used AS MATERIALIZED (
    SELECT t.workspace_id, t.d1 AS uuid, sum(t.n0) AS taken, sum(t.n2) AS refused, max(t.last_at) AS last_at
    FROM workspace AS w CROSS JOIN rollup AS t ON t.workspace_id = w.workspace_id AND t.cube = 7
    GROUP BY t.workspace_id, t.d1)
SELECT
    made.id,
    r.key AS uuid, r.workspace_id,
    lower(hex(substr(r.workspace_id, 1, 4)) || '-' || hex(substr(r.workspace_id, 5, 2)) || '-' || hex(substr(r.workspace_id, 7, 2))
        || '-' || hex(substr(r.workspace_id, 9, 2)) || '-' || hex(substr(r.workspace_id, 11))) AS workspace_uuid,
    json_extract(r.body, '$.name') AS name,
    json_extract(r.body, '$.settings.active') AS is_active,
    CASE json_type(r.body, '$.settings.webhooks') WHEN 'array' THEN
        (SELECT json_group_array(h.name) FROM json_each(r.body, '$.settings.webhooks') AS allowed, webhook AS h
            WHERE h.workspace_id = r.workspace_id
            AND lower(hex(substr(h.id, 1, 4)) || '-' || hex(substr(h.id, 5, 2)) || '-' || hex(substr(h.id, 7, 2))
        || '-' || hex(substr(h.id, 9, 2)) || '-' || hex(substr(h.id, 11))) = allowed.value) END AS allowed_webhooks,
    json_extract(r.body, '$.settings.leads_per_hour_max') AS leads_per_hour_max,
    json_extract(r.body, '$.settings.leads_per_day_max') AS leads_per_day_max,
    json_extract(r.body, '$.settings.leads_per_month_max') AS leads_per_month_max,
    coalesce(used.taken, 0) AS leads_taken,
    coalesce(used.refused, 0) AS leads_rejected,
    strftime('%Y-%m-%dT%H:%M:%S', used.last_at / 1000000 - (used.last_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (used.last_at % 1000000 + 1000000) % 1000000) AS last_used_at,
    strftime('%Y-%m-%dT%H:%M:%S', made.at / 1000000 - (made.at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (made.at % 1000000 + 1000000) % 1000000) AS created_at,
    r.version
FROM record AS r
LEFT JOIN made ON made.workspace_id = r.workspace_id AND made.uuid = r.key
LEFT JOIN used ON used.workspace_id = r.workspace_id AND used.uuid = r.key
WHERE r.kind = 'provider';

-- What they sent, per day of the workspace's zone and webhook.
CREATE VIEW provider_usage_log AS
WITH made AS MATERIALIZED (
    SELECT w.workspace_id, subject_id AS id,
    lower(hex(substr(subject_id, 1, 4)) || '-' || hex(substr(subject_id, 5, 2)) || '-' || hex(substr(subject_id, 7, 2))
        || '-' || hex(substr(subject_id, 9, 2)) || '-' || hex(substr(subject_id, 11))) AS uuid
    FROM workspace AS w CROSS JOIN event AS e
        ON e.workspace_id = w.workspace_id AND e.subject_kind = 'provider' AND e.subject_seq = 1),
named AS MATERIALIZED (
    SELECT workspace_id, id, name, lower(hex(substr(id, 1, 4)) || '-' || hex(substr(id, 5, 2)) || '-' || hex(substr(id, 7, 2))
        || '-' || hex(substr(id, 9, 2)) || '-' || hex(substr(id, 11))) AS uuid FROM webhook)
SELECT
    r.workspace_id,
    lower(hex(substr(r.workspace_id, 1, 4)) || '-' || hex(substr(r.workspace_id, 5, 2)) || '-' || hex(substr(r.workspace_id, 7, 2))
        || '-' || hex(substr(r.workspace_id, 9, 2)) || '-' || hex(substr(r.workspace_id, 11))) AS workspace_uuid,
    date(r.day * 86400, 'unixepoch') AS day,
    made.id AS provider_id,
    r.d1 AS provider_uuid,
    (SELECT json_extract(p.body, '$.name') FROM record AS p
        WHERE p.workspace_id = r.workspace_id AND p.kind = 'provider' AND p.key = r.d1) AS provider,
    named.id AS webhook_id,
    r.d2 AS webhook_uuid,
    named.name AS webhook,
    r.n0 + r.n2 AS requests,
    r.n0 AS leads_taken, r.n1 AS leads_repeated, r.n2 AS leads_rejected,
    strftime('%Y-%m-%dT%H:%M:%S', r.last_at / 1000000 - (r.last_at % 1000000 < 0), 'unixepoch')
        || printf('.%06dZ', (r.last_at % 1000000 + 1000000) % 1000000) AS last_used_at
FROM workspace AS w
CROSS JOIN rollup AS r ON r.workspace_id = w.workspace_id AND r.cube = 7
LEFT JOIN made ON made.workspace_id = r.workspace_id AND made.uuid = r.d1
LEFT JOIN named ON named.workspace_id = r.workspace_id AND named.uuid = r.d2;

-- The rules in force, numbered as they were given. They are tried by priority, then number.
CREATE VIEW appointment_routing_rules AS SELECT
    r.workspace_id,
    lower(hex(substr(r.workspace_id, 1, 4)) || '-' || hex(substr(r.workspace_id, 5, 2)) || '-' || hex(substr(r.workspace_id, 7, 2))
        || '-' || hex(substr(r.workspace_id, 9, 2)) || '-' || hex(substr(r.workspace_id, 11))) AS workspace_uuid,
    CASE WHEN datetime(json_extract(r.body, '$.effective_from')) > datetime('now') THEN json_extract(r.body, '$.until_then.version')
        ELSE json_extract(r.body, '$.version') END AS rules_version,
    rule.key + 1 AS number,
    json_extract(rule.value, '$.name') AS name,
    json_extract(rule.value, '$.priority') AS priority,
    json_extract(rule.value, '$.active') AS is_active,
    (SELECT atom FROM json_each(rule.value, '$.to[0].target')) AS routes_to,
    (SELECT key FROM json_each(rule.value, '$.to[0].target')) AS routes_to_kind,
    coalesce(json_extract(rule.value, '$.strategy'), 'first') AS strategy,
    json_extract(rule.value, '$.to') AS targets,
    json_extract(rule.value, '$.products') = 'any' AS any_product,
    json_extract(rule.value, '$.products.of') AS product_types,
    json_extract(rule.value, '$.zips') = 'any' AS any_zip_code,
    json_extract(rule.value, '$.zips.of') AS zip_codes
FROM record AS r, json_each(r.body, CASE
    WHEN datetime(json_extract(r.body, '$.effective_from')) > datetime('now') THEN '$.until_then.rules' ELSE '$.rules'
END) AS rule
WHERE r.kind = 'routing.rules' AND r.key = 'current';
