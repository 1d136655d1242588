-- uuid, bigint, timestamp with time zone, uuid, uuid, smallint, text, uuid, bigint, bigint, bytea, timestamp with time zone, timestamp with time zone, timestamp with time zone, boolean, text, text, text, text, text, text, text, text, text, text, text, text, bytea, text, timestamp with time zone, uuid, uuid, text, text, text, text, text, text, text, text, text, boolean, text, text, text, smallint, text, timestamp with time zone, uuid, text, bytea, text, bytea, timestamp with time zone, text, text, text, text, text, text, integer[], smallint[], date[], text[], text[], text[], bigint[], bigint[], bigint[], timestamp with time zone[], uuid[], smallint[], text[], bytea[], uuid[], timestamp with time zone[], boolean[], text[], timestamp with time zone[], bigint[], bigint[]
-- One lead in one statement: `seen` is the head as the statement's picture of the database has it, `gate` is the head under its
-- lock. If both count the same commits, nothing of the workspace has changed since the picture was taken and nothing can: all
-- that the statement reads is the newest truth. If not, it writes nothing and says so.
-- Rows that arrays name are looked up one by one: a subquery with a LIMIT is never joined by a hash of the whole workspace.
-- Between --{ and --}: what a lead has only if it has a name (an idempotency key, an external id) or counts against a limit.
-- A lead without any is sent without it: every part of a statement costs the server before a row is touched.
WITH
seen AS MATERIALIZED (
    SELECT commits FROM convio.head WHERE workspace_id = $1
),
gate AS MATERIALIZED (
    SELECT feed, contacts, config, commits FROM convio.head WHERE workspace_id = $1 FOR NO KEY UPDATE
),
held AS MATERIALIZED (
    SELECT c.kind, c.holder_id, c.fingerprint = n.fingerprint AS same_body
    FROM unnest($71::uuid[], $72::int2[], $73::text[], $74::bytea[], $75::uuid[]) WITH ORDINALITY
        AS n (webhook_id, kind, value, fingerprint, holder_id, place)
    CROSS JOIN LATERAL (SELECT * FROM convio.claim AS t WHERE t.workspace_id = $1 AND t.webhook_id = n.webhook_id
        AND t.kind = n.kind AND t.value = n.value LIMIT 1) AS c
    WHERE (c.expires_at IS NULL OR c.expires_at > $3) AND c.holder_id <> n.holder_id
        AND (NOT c.yields OR c.fingerprint = n.fingerprint)
    ORDER BY n.place LIMIT 1
),
counted AS MATERIALIZED (
    SELECT n.key, n.window_at, coalesce(c.used, 0) + n.n AS used, n.at_most, n.place
    FROM unnest($78::text[], $79::timestamptz[], $80::int8[], $81::int8[]) WITH ORDINALITY
        AS n (key, window_at, n, at_most, place)
    LEFT JOIN LATERAL (SELECT used FROM convio.counter AS t WHERE t.workspace_id = $1 AND t.key = n.key
        AND t.window_at = n.window_at LIMIT 1) AS c ON true
),
known AS MATERIALIZED (
    SELECT contact_id FROM convio.contact_key WHERE workspace_id = $1 AND scope = $5 AND kind = $6 AND value = $7
),
last AS MATERIALIZED (
    SELECT w.last_at, w.last_lead, w.last_at > $13 AND w.last_at < $14 AS repeats
    FROM known JOIN convio.repeat_window AS w
        ON w.workspace_id = $1 AND w.contact_id = known.contact_id AND w.key = $11
),
asked AS MATERIALIZED (
    SELECT gate.feed, gate.contacts, gate.config, known.contact_id, known.contact_id IS NULL AS is_new,
        CASE WHEN last.repeats THEN last.last_lead END AS duplicate_of,
        CASE
            WHEN seen.commits IS DISTINCT FROM gate.commits THEN 1
            WHEN gate.config <> $2 THEN 2
            WHEN held.holder_id IS NOT NULL THEN 3
            WHEN EXISTS (SELECT FROM counted WHERE used > at_most) THEN 4
            WHEN EXISTS (SELECT FROM convio.contact AS c WHERE c.workspace_id = $1 AND c.id = coalesce(known.contact_id, $8))
                = (known.contact_id IS NULL) THEN 5
            WHEN last.repeats AND $15 THEN 6
            WHEN EXISTS (SELECT FROM convio.lead WHERE workspace_id = $1 AND id = $4) THEN 7
            ELSE 0
        END AS verdict,
        CASE WHEN gate.contacts < 900000 THEN 100000
             WHEN gate.contacts < 9900000 THEN 1000000
             WHEN gate.contacts < 99900000 THEN 10000000
             WHEN gate.contacts < 999900000 THEN 100000000
             ELSE 1000000000 END::int8 AS least
    FROM gate LEFT JOIN seen ON true LEFT JOIN known ON true LEFT JOIN last ON true
    LEFT JOIN held ON true
),
won AS MATERIALIZED (
    SELECT feed, is_new, duplicate_of, coalesce(contact_id, $8) AS contact_id,
        least + ($9 * (contacts + 100000 - least) + $10) % (9 * least) AS number
    FROM asked WHERE verdict = 0
),
in_claim AS (
    INSERT INTO convio.claim (workspace_id, webhook_id, kind, value, fingerprint, holder_id, expires_at, yields)
    SELECT $1, n.*
    FROM won CROSS JOIN unnest($71::uuid[], $72::int2[], $73::text[], $74::bytea[], $75::uuid[], $76::timestamptz[], $77::bool[]) AS n
    ON CONFLICT (workspace_id, webhook_id, kind, value) DO UPDATE SET fingerprint = excluded.fingerprint,
        holder_id = excluded.holder_id, expires_at = excluded.expires_at, yields = excluded.yields
),
in_counter AS (
    INSERT INTO convio.counter (workspace_id, key, window_at, used)
    SELECT $1, counted.key, counted.window_at, counted.used FROM won CROSS JOIN counted
    ON CONFLICT (workspace_id, key, window_at) DO UPDATE SET used = excluded.used
),
in_contact_key AS (
    INSERT INTO convio.contact_key (workspace_id, scope, kind, value, contact_id)
    SELECT $1, $5, $6, $7, won.contact_id FROM won WHERE won.is_new
),
in_contact AS (
    INSERT INTO convio.contact AS c (workspace_id, id, number, first_name, last_name, email, phone, phone_validity, phone_ext,
        street, street2, city, state, postal_code, country, stamps, first_source, first_lead, first_at, leads, conversions,
        lifetime, created_at, version)
    SELECT $1, won.contact_id, won.number, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $4, $30, 1, 0,
        '{}'::json, $3, 1
    FROM won
    ON CONFLICT (workspace_id, id) DO UPDATE SET
        first_name = CASE WHEN substr(excluded.stamps, 1, 25) > substr(c.stamps, 1, 25) THEN excluded.first_name ELSE c.first_name END,
        last_name = CASE WHEN substr(excluded.stamps, 26, 25) > substr(c.stamps, 26, 25) THEN excluded.last_name ELSE c.last_name END,
        email = CASE WHEN substr(excluded.stamps, 51, 25) > substr(c.stamps, 51, 25) THEN excluded.email ELSE c.email END,
        phone = CASE WHEN substr(excluded.stamps, 76, 25) > substr(c.stamps, 76, 25) THEN excluded.phone ELSE c.phone END,
        phone_validity = CASE WHEN substr(excluded.stamps, 76, 25) > substr(c.stamps, 76, 25) THEN excluded.phone_validity ELSE c.phone_validity END,
        phone_ext = CASE WHEN substr(excluded.stamps, 76, 25) > substr(c.stamps, 76, 25) THEN excluded.phone_ext ELSE c.phone_ext END,
        street = CASE WHEN substr(excluded.stamps, 101, 25) > substr(c.stamps, 101, 25) THEN excluded.street ELSE c.street END,
        street2 = CASE WHEN substr(excluded.stamps, 126, 25) > substr(c.stamps, 126, 25) THEN excluded.street2 ELSE c.street2 END,
        city = CASE WHEN substr(excluded.stamps, 151, 25) > substr(c.stamps, 151, 25) THEN excluded.city ELSE c.city END,
        state = CASE WHEN substr(excluded.stamps, 176, 25) > substr(c.stamps, 176, 25) THEN excluded.state ELSE c.state END,
        postal_code = CASE WHEN substr(excluded.stamps, 201, 25) > substr(c.stamps, 201, 25) THEN excluded.postal_code ELSE c.postal_code END,
        country = CASE WHEN substr(excluded.stamps, 226, 25) > substr(c.stamps, 226, 25) THEN excluded.country ELSE c.country END,
        stamps = GREATEST(substr(c.stamps, 1, 25), substr(excluded.stamps, 1, 25)) || GREATEST(substr(c.stamps, 26, 25), substr(excluded.stamps, 26, 25)) || GREATEST(substr(c.stamps, 51, 25), substr(excluded.stamps, 51, 25)) || GREATEST(substr(c.stamps, 76, 25), substr(excluded.stamps, 76, 25)) || GREATEST(substr(c.stamps, 101, 25), substr(excluded.stamps, 101, 25)) || GREATEST(substr(c.stamps, 126, 25), substr(excluded.stamps, 126, 25)) || GREATEST(substr(c.stamps, 151, 25), substr(excluded.stamps, 151, 25)) || GREATEST(substr(c.stamps, 176, 25), substr(excluded.stamps, 176, 25)) || GREATEST(substr(c.stamps, 201, 25), substr(excluded.stamps, 201, 25)) || GREATEST(substr(c.stamps, 226, 25), substr(excluded.stamps, 226, 25)),
        first_source = CASE WHEN (excluded.first_at, excluded.first_lead) < (c.first_at, c.first_lead)
            THEN excluded.first_source ELSE c.first_source END,
        first_lead = CASE WHEN (excluded.first_at, excluded.first_lead) < (c.first_at, c.first_lead)
            THEN excluded.first_lead ELSE c.first_lead END,
        first_at = LEAST(c.first_at, excluded.first_at),
        leads = c.leads + 1,
        version = c.version + 1
    RETURNING id, number, version
),
in_window AS (
    INSERT INTO convio.repeat_window AS w (workspace_id, contact_id, key, last_at, last_lead)
    SELECT $1, won.contact_id, $11, $12, $4 FROM won WHERE $11 IS NOT NULL
    ON CONFLICT (workspace_id, contact_id, key) DO UPDATE SET last_at = excluded.last_at, last_lead = excluded.last_lead
    WHERE (excluded.last_at, excluded.last_lead) > (w.last_at, w.last_lead)
),
done AS MATERIALIZED (
    SELECT won.feed + 1 AS position, won.is_new, won.duplicate_of, in_contact.id AS contact_id, in_contact.number,
        in_contact.version
    FROM won CROSS JOIN in_contact
),
in_lead AS (
    INSERT INTO convio.lead (workspace_id, id, contact_id, webhook_id, provider_id, source, lead_type, campaign, product,
        external_id, utm, custom, postal_code, flags, test, status, stage, reason, open_appointments, reached, priority,
        attempts, duplicate_of, opened_contact, received_at, created_at, version)
    SELECT $1, $4, done.contact_id, $31, $32, $33, $34, $35, $36, $37, $38::json, $39::json, $40, $41::json, $42, $43, $44,
        $45, 0, $46, $47, 0, done.duplicate_of, done.is_new, $48, $3, 1
    FROM done
),
in_payload AS (
    INSERT INTO convio.payload (workspace_id, id, webhook_id, format, body, headers, fingerprint, received_at)
    SELECT $1, $4, $49, $50, $51, $52::json, $53, $54 FROM done
),
in_event AS (
    INSERT INTO convio.event (workspace_id, position, at, kind, contact_id, contact_seq, lead_id, lead_seq, contact_number,
        duplicate_of, actor, request, causation, facts, personal)
    SELECT $1, done.position, $3, $55, done.contact_id, done.version, $4, 1, CASE WHEN done.is_new THEN done.number END,
        done.duplicate_of, $56, $57, $58, $59::json, $60::json
    FROM done
),
in_rollup AS (
    INSERT INTO convio.rollup AS r (workspace_id, cube, day, d1, d2, d3, n0, n1, n2, n3, n4, n5, last_at)
    SELECT $1, n.cube, n.day, n.d1, n.d2, n.d3, n.n0, n.n1, n.n2, 0, 0, 0, n.last_at
    FROM done CROSS JOIN (SELECT unnest($61::int4[]) AS variant, unnest($62::int2[]) AS cube, unnest($63::date[]) AS day,
        unnest($64::text[]) AS d1, unnest($65::text[]) AS d2, unnest($66::text[]) AS d3, unnest($67::int8[]) AS n0,
        unnest($68::int8[]) AS n1, unnest($69::int8[]) AS n2, unnest($70::timestamptz[]) AS last_at) AS n
    WHERE n.variant = done.is_new::int4 + 2 * (done.duplicate_of IS NOT NULL)::int4
    ON CONFLICT (workspace_id, cube, day, d1, d2, d3) DO UPDATE SET n0 = r.n0 + excluded.n0, n1 = r.n1 + excluded.n1,
        n2 = r.n2 + excluded.n2, last_at = GREATEST(r.last_at, excluded.last_at)
),
moved AS (
    UPDATE convio.head AS h SET feed = done.position, contacts = h.contacts + done.is_new::int4, commits = h.commits + 1
    FROM done WHERE h.workspace_id = $1
)
SELECT asked.verdict, asked.config, asked.duplicate_of,
    held.kind, held.holder_id, held.same_body,
    (SELECT key FROM counted WHERE used > at_most ORDER BY place LIMIT 1) AS full_counter,
    done.position, coalesce(done.contact_id, asked.contact_id) AS contact_id, done.number, done.version, done.is_new
FROM asked LEFT JOIN done ON true
LEFT JOIN held ON true
