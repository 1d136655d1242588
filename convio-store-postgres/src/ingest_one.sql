WITH
gate AS MATERIALIZED (
    SELECT feed, contacts, config
    FROM convio.head
    WHERE workspace_id = $1
    FOR NO KEY UPDATE
),
by_key AS (
    INSERT INTO convio.claim AS c
        (workspace_id, webhook_id, kind, value, fingerprint, intake_id, external_id, expires_at, hits)
    SELECT $1, $4, 0, $8, $7, $5, $10, $9, 1
    FROM gate
    WHERE gate.config = $2 AND $8 IS NOT NULL
    ON CONFLICT (workspace_id, webhook_id, kind, value) DO UPDATE SET
        hits        = CASE WHEN c.expires_at <= $3 THEN 1 ELSE c.hits + 1 END,
        fingerprint = CASE WHEN c.expires_at <= $3 THEN excluded.fingerprint ELSE c.fingerprint END,
        intake_id   = CASE WHEN c.expires_at <= $3 THEN excluded.intake_id ELSE c.intake_id END,
        external_id = CASE WHEN c.expires_at <= $3 THEN excluded.external_id ELSE c.external_id END,
        expires_at  = CASE WHEN c.expires_at <= $3 THEN excluded.expires_at ELSE c.expires_at END
    RETURNING hits, intake_id, external_id, fingerprint
),
-- Claimed only by the winner of the key. A replay that names the external id of its key touches it too, to learn its intake.
by_external_id AS (
    INSERT INTO convio.claim AS c
        (workspace_id, webhook_id, kind, value, fingerprint, intake_id, external_id, expires_at, hits)
    SELECT $1, $4, 1, $10, $7, CASE WHEN by_key.hits > 1 THEN by_key.intake_id ELSE $5 END, NULL, NULL, 1
    FROM gate LEFT JOIN by_key ON true
    WHERE gate.config = $2 AND $10 IS NOT NULL AND ($8 IS NULL OR by_key.hits = 1 OR by_key.external_id = $10)
    ON CONFLICT (workspace_id, webhook_id, kind, value) DO UPDATE SET hits = c.hits + 1
    RETURNING hits, intake_id, fingerprint
),
asked AS MATERIALIZED (
    SELECT gate.feed, gate.contacts, gate.config, by_key.hits AS key_hits, by_external_id.hits AS external_hits,
        coalesce(by_external_id.intake_id, by_key.intake_id) AS intake_id,
        CASE WHEN by_key.hits > 1 THEN by_key.fingerprint ELSE by_external_id.fingerprint END = $7 AS same_body,
        gate.config = $2 AND ($8 IS NULL OR by_key.hits = 1) AND ($10 IS NULL OR by_external_id.hits = 1) AS won,
        CASE WHEN gate.contacts < 900000 THEN 100000
             WHEN gate.contacts < 9900000 THEN 1000000
             WHEN gate.contacts < 99900000 THEN 10000000
             WHEN gate.contacts < 999900000 THEN 100000000
             ELSE 1000000000 END::bigint AS least
    FROM gate LEFT JOIN by_key ON true LEFT JOIN by_external_id ON true
),
person AS (
    INSERT INTO convio.contact_key AS k (workspace_id, scope, kind, value, contact_id, hits)
    SELECT $1, $11, $12, $13, $14, 1
    FROM asked
    WHERE asked.won
    ON CONFLICT (workspace_id, scope, kind, value) DO UPDATE SET hits = k.hits + 1
    RETURNING contact_id
),
seen AS (
    INSERT INTO convio.repeat_window AS w (workspace_id, contact_id, key, last_at, last_lead)
    SELECT $1, person.contact_id, $17, $6, $5
    FROM person
    WHERE $17 IS NOT NULL
    ON CONFLICT (workspace_id, contact_id, key) DO UPDATE SET
        prev_at   = w.last_at,
        prev_lead = w.last_lead,
        last_at   = GREATEST(w.last_at, excluded.last_at),
        last_lead = CASE WHEN (excluded.last_at, excluded.last_lead) > (w.last_at, w.last_lead)
                         THEN excluded.last_lead ELSE w.last_lead END
    RETURNING prev_at, prev_lead
),
found AS MATERIALIZED (
    SELECT asked.feed, person.contact_id,
        asked.least + ($15 * (asked.contacts + 100000 - asked.least) + $16) % (9 * asked.least) AS number,
        CASE WHEN seen.prev_at > $18 AND seen.prev_at < $19 THEN seen.prev_lead END AS duplicate_of
    FROM asked CROSS JOIN person LEFT JOIN seen ON true
),
merged AS (
    INSERT INTO convio.contact AS c
        (workspace_id, id, number, first_name, last_name, email, phone, phone_validity, phone_ext,
         street, street2, city, state, postal_code, country, stamps,
         first_source, first_lead, first_at, leads, created_at, version, base_version)
    SELECT $1, found.contact_id, found.number, $20, $21, $22, $23, $24, $25,
         $26, $27, $28, $29, $30, $31, $32,
         $33, $5, $6, 1, $3, 1, 0
    FROM found
    ON CONFLICT (workspace_id, id) DO UPDATE SET
        first_name     = CASE WHEN excluded.stamps[1] > c.stamps[1] THEN excluded.first_name ELSE c.first_name END,
        last_name      = CASE WHEN excluded.stamps[2] > c.stamps[2] THEN excluded.last_name ELSE c.last_name END,
        email          = CASE WHEN excluded.stamps[3] > c.stamps[3] THEN excluded.email ELSE c.email END,
        phone          = CASE WHEN excluded.stamps[4] > c.stamps[4] THEN excluded.phone ELSE c.phone END,
        phone_validity = CASE WHEN excluded.stamps[4] > c.stamps[4] THEN excluded.phone_validity ELSE c.phone_validity END,
        phone_ext      = CASE WHEN excluded.stamps[4] > c.stamps[4] THEN excluded.phone_ext ELSE c.phone_ext END,
        street         = CASE WHEN excluded.stamps[5] > c.stamps[5] THEN excluded.street ELSE c.street END,
        street2        = CASE WHEN excluded.stamps[6] > c.stamps[6] THEN excluded.street2 ELSE c.street2 END,
        city           = CASE WHEN excluded.stamps[7] > c.stamps[7] THEN excluded.city ELSE c.city END,
        state          = CASE WHEN excluded.stamps[8] > c.stamps[8] THEN excluded.state ELSE c.state END,
        postal_code    = CASE WHEN excluded.stamps[9] > c.stamps[9] THEN excluded.postal_code ELSE c.postal_code END,
        country        = CASE WHEN excluded.stamps[10] > c.stamps[10] THEN excluded.country ELSE c.country END,
        stamps         = ARRAY[
            GREATEST(c.stamps[1], excluded.stamps[1]), GREATEST(c.stamps[2], excluded.stamps[2]),
            GREATEST(c.stamps[3], excluded.stamps[3]), GREATEST(c.stamps[4], excluded.stamps[4]),
            GREATEST(c.stamps[5], excluded.stamps[5]), GREATEST(c.stamps[6], excluded.stamps[6]),
            GREATEST(c.stamps[7], excluded.stamps[7]), GREATEST(c.stamps[8], excluded.stamps[8]),
            GREATEST(c.stamps[9], excluded.stamps[9]), GREATEST(c.stamps[10], excluded.stamps[10])],
        first_source   = CASE WHEN (excluded.first_at, excluded.first_lead) < (c.first_at, c.first_lead)
                              THEN excluded.first_source ELSE c.first_source END,
        first_lead     = CASE WHEN (excluded.first_at, excluded.first_lead) < (c.first_at, c.first_lead)
                              THEN excluded.first_lead ELSE c.first_lead END,
        first_at       = LEAST(c.first_at, excluded.first_at),
        leads          = c.leads + 1,
        version        = c.version + 1,
        base_version   = c.version
    RETURNING id, number, version, base_version
),
done AS MATERIALIZED (
    SELECT found.feed + 1 AS position, found.duplicate_of,
        merged.id AS contact_id, merged.number, merged.version, merged.base_version = 0 AS created
    FROM found CROSS JOIN merged
),
leads AS (
    INSERT INTO convio.lead
        (workspace_id, id, contact_id, webhook_id, source, lead_type, campaign, product, external_id, utm, custom,
         postal_code, flags, stage, status, duplicate_of, opened_contact, test, received_at, created_at, version)
    SELECT $1, $5, done.contact_id, $4, $33, $35, $36, $37, $10, $38::json, $39::json,
         $30, $52::json, $40, $41, done.duplicate_of, done.created, $42, $6, $3, 1
    FROM done
),
payloads AS (
    INSERT INTO convio.payload (workspace_id, id, webhook_id, format, body, headers, fingerprint, received_at)
    SELECT $1, $5, $4, $43, $44, $45::json, $7, $6
    FROM done
),
events AS (
    INSERT INTO convio.event
        (workspace_id, position, at, kind, contact_id, contact_seq, lead_id, lead_seq, contact_number, duplicate_of,
         actor, request, causation, facts, personal)
    SELECT $1, done.position, $3, 'lead.received', done.contact_id, done.version, $5, 1,
         CASE WHEN done.created THEN done.number END, done.duplicate_of,
         $46, $47, $48, $49::json, $50::json
    FROM done
),
rollups AS (
    INSERT INTO convio.rollup AS r (workspace_id, cube, day, d1, d2, d3, n0, n1, n2, last_at)
    SELECT $1, 0, $51, $4::text, $34, '', 1, done.created::int, (done.duplicate_of IS NOT NULL)::int, $6
    FROM done
    WHERE NOT $42
    ON CONFLICT (workspace_id, cube, day, d1, d2, d3) DO UPDATE SET
        n0 = r.n0 + excluded.n0, n1 = r.n1 + excluded.n1, n2 = r.n2 + excluded.n2,
        last_at = GREATEST(r.last_at, excluded.last_at)
),
-- The gate's own row, which exists: an upsert reaches its newest version by the index, where an UPDATE would start from
-- the version of the snapshot and, after a wait, set up the whole statement once more to check it again.
moved AS (
    INSERT INTO convio.head AS h (workspace_id, feed, contacts, config)
    SELECT $1, done.position, done.created::int, $2
    FROM done
    ON CONFLICT (workspace_id) DO UPDATE SET feed = h.feed + 1, contacts = h.contacts + excluded.contacts
)
SELECT asked.config, done.position, done.contact_id, done.number, done.version, done.created, done.duplicate_of,
    asked.key_hits, asked.external_hits, CASE WHEN asked.won THEN $5 ELSE asked.intake_id END AS intake_id, asked.same_body
FROM asked LEFT JOIN done ON true
