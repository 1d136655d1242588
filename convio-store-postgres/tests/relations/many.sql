-- 20 clients with 2,000 contacts each, who have three leads each. 5,000 phones are those of two contacts. Every second lead was
-- met, every tenth sold. 1,000 days of sums.
INSERT INTO workspace (workspace_id, name, zone, currency, active, policy, created_at, version)
SELECT md5('w' || w)::uuid, 'Client ' || w, 'UTC', 'USD', true, '{}', now(), 1 FROM generate_series(0, 19) w;
INSERT INTO head (workspace_id, feed, contacts, config, commits)
SELECT md5('w' || w)::uuid, 6000, 2000, 1, 1 FROM generate_series(0, 19) w;
INSERT INTO webhook (workspace_id, id, name, settings, created_at, version)
SELECT md5('w' || w)::uuid, md5('h' || w || '.' || n)::uuid, 'hook ' || n, '{}', now(), 1
FROM generate_series(0, 19) w, generate_series(0, 19) n;
INSERT INTO record (workspace_id, kind, key, body, version)
SELECT md5('w' || w)::uuid, kind, md5(kind || w || '.' || n)::uuid::text, '{"name": "LeadCo"}', 1
FROM generate_series(0, 19) w, generate_series(0, 19) n, unnest(ARRAY['provider', 'api_key']) kind;
INSERT INTO contact (workspace_id, id, number, first_name, phone, stamps, first_source, first_lead, first_at, leads, conversions,
    lifetime, created_at, version)
SELECT md5('w' || n % 20)::uuid, md5('c' || n)::uuid, 100000 + n, 'John', '+1555' || lpad((n % 35000)::text, 7, '0'),
    decode(repeat('00', 250), 'hex'), 'Google', md5('l' || n)::uuid, now(), 3, 0, '{}', now(), 1
FROM generate_series(0, 39999) n;
INSERT INTO lead (workspace_id, id, contact_id, webhook_id, provider_id, source, lead_type, utm, custom, flags, test, status,
    stage, open_appointments, reached, priority, attempts, opened_contact, received_at, created_at, version)
SELECT md5('w' || n % 20)::uuid, md5('l' || n)::uuid, md5('c' || n % 40000)::uuid,
    md5('h' || n % 20 || '.' || n / 20 % 20)::uuid, md5('provider' || n % 20 || '.' || n / 20 % 20)::uuid,
    (ARRAY['Google', 'Facebook', 'GOOGLE', 'Radio'])[n % 4 + 1], 'Solar', '{}', '{}', '[]', false, 'new', 'new', 0, 0,
    'normal', 0, n < 40000, now(), now(), 1
FROM generate_series(0, 119999) n;
INSERT INTO event (workspace_id, position, at, kind, contact_id, contact_seq, lead_id, lead_seq, actor, facts)
SELECT workspace_id, row_number() OVER (PARTITION BY workspace_id ORDER BY id), now(), 'lead.received', contact_id,
    row_number() OVER (PARTITION BY workspace_id, contact_id ORDER BY id), id, 1, 'system', '{}' FROM lead;
INSERT INTO appointment (workspace_id, id, lead_id, contact_id, type, starts_at, zone, wall, minutes, routing, target, how, status,
    booked_at, created_at, version)
SELECT md5('w' || n % 20)::uuid, md5('l' || n)::uuid, md5('l' || n)::uuid, md5('c' || n % 40000)::uuid, 'Visit', now(), 'UTC', '',
    45, '{"target": {"endpoint": "buyer 1"}}', 'endpoint:buyer 1', 'rule', 'booked', now(), now(), 1
FROM generate_series(0, 119999, 2) n;
INSERT INTO conversion (workspace_id, id, lead_id, contact_id, type, value_minor, net_minor, currency, adjustments, commissions, first_source, first_lead, first_at,
    last_source, last_lead, last_at, metadata, occurred_at, day, seconds_to_convert, created_at, version)
SELECT md5('w' || n % 20)::uuid, md5('v' || n)::uuid, md5('l' || n)::uuid, md5('c' || n % 40000)::uuid, 'Sale', 1000, 1000, 'USD', '[]', '[]', 'Google',
    md5('l' || n)::uuid, now(), 'Google', md5('l' || n)::uuid, now(), '{}', now(), current_date, 60, now(), 1
FROM generate_series(0, 119999, 10) n;
INSERT INTO record (workspace_id, kind, key, body, version)
SELECT md5('w' || w)::uuid, 'endpoint', md5('e' || n)::uuid::text, json_build_object('name', 'buyer ' || n), 1
FROM generate_series(0, 19) w, generate_series(0, 2) n;
INSERT INTO delivery (workspace_id, id, endpoint_id, position, lead_id, appointment_id, kind, status, attempts, created_at, version, body)
SELECT md5('w' || n % 20)::uuid, md5('d' || n || '.' || e)::uuid, md5('e' || e)::uuid, NULL, md5('l' || n)::uuid,
    CASE WHEN n % 4 = 0 THEN md5('l' || n)::uuid END, 'lead.forwarded', 'success', 1, now(), 1, '{"attempts": []}'
FROM generate_series(0, 119999, 2) n, generate_series(0, 1) e;
INSERT INTO rollup (workspace_id, cube, day, d1, d2, d3, n0, n1, n2, n3, n4, n5)
SELECT md5('w' || w)::uuid, cube, date '2020-01-01' + day, md5(cube || '.' || w)::uuid::text,
    CASE cube WHEN 5 THEN 'USD' WHEN 7 THEN md5('h' || w)::uuid::text ELSE 'google' END, '', 1, 1, 1, 1, 0, 0
FROM generate_series(0, 19) w, generate_series(0, 999) day, generate_series(0, 7) cube
UNION ALL
SELECT md5('w' || w)::uuid, 8, '1970-01-01', 'USD', '', '', 1000, 1000, 0, 0, 0, 0 FROM generate_series(0, 19) w;
