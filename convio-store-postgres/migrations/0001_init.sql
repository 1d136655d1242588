-- Convio's tables. Rules that every table keeps, so that one schema works from a laptop to a sharded cluster:
--   workspace_id leads every primary key and every unique index. Every constraint and index has a name of at most 45
--   bytes. No trigger, rule, sequence or foreign key. Instants and JSON are bound by the caller, instants in whole microseconds.
--   Text that is looked up or ordered by compares as bytes (COLLATE "C"): no index depends on the host's collation library.
--   JSON is `json`, not `jsonb`: kept as written, and an escaped NUL in it ends no transaction.
-- {schema} is the schema that the tables live in. A semicolon ends a statement and stands nowhere else, comments included.

-- The gate of every commit: one row per workspace, locked first. What a commit reads under it is the newest truth, and what
-- it read before still is if `commits` is what it was then.
CREATE TABLE {schema}.head (
    workspace_id uuid NOT NULL,
    feed bigint NOT NULL,               -- the position of the last event
    contacts bigint NOT NULL,           -- contacts ever made: gives the next contact its number
    config bigint NOT NULL,             -- the version of the configuration
    commits bigint NOT NULL,            -- how often anything of the workspace was committed
    CONSTRAINT head_pk PRIMARY KEY (workspace_id)
) WITH (fillfactor = 50);

CREATE TABLE {schema}.workspace (
    workspace_id uuid NOT NULL,
    name text NOT NULL,
    zone text NOT NULL,
    currency text NOT NULL,
    active boolean NOT NULL,
    policy json NOT NULL,               -- the statuses of leads and the moves between them, limits of time
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    version bigint NOT NULL,
    CONSTRAINT workspace_pk PRIMARY KEY (workspace_id)
);

CREATE TABLE {schema}.webhook (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    settings json NOT NULL,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    version bigint NOT NULL,
    CONSTRAINT webhook_pk PRIMARY KEY (workspace_id, id),
    CONSTRAINT webhook_name_uq UNIQUE (workspace_id, name)
);

-- What is counted against a limit, such as the leads of a webhook in an hour.
CREATE TABLE {schema}.counter (
    workspace_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    window_at timestamptz NOT NULL,     -- when the window starts that is counted in
    used bigint NOT NULL,
    CONSTRAINT counter_pk PRIMARY KEY (workspace_id, key, window_at)
) WITH (fillfactor = 70);

-- Reservations: idempotency keys (kind 0), external ids of leads (1), of appointments (2), of conversions (3),
-- of touches (4).
-- webhook_id is nil where the name counts in the whole workspace.
CREATE TABLE {schema}.claim (
    workspace_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    kind smallint NOT NULL,
    value text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    holder_id uuid NOT NULL,            -- the lead or rejection, the appointment, the conversion, the touch
    expires_at timestamptz,             -- from then on it may be taken over (null: never)
    yields boolean NOT NULL,            -- whether it gives way to another body
    CONSTRAINT claim_pk PRIMARY KEY (workspace_id, webhook_id, kind, value)
);

-- What contacts are recognised by: phone (kind 0), digits (1), email (2), external (3), visitor (4).
-- scope is the webhook's id, or nil for the whole workspace.
CREATE TABLE {schema}.contact_key (
    workspace_id uuid NOT NULL,
    scope uuid NOT NULL,
    kind smallint NOT NULL,
    value text COLLATE "C" NOT NULL,
    contact_id uuid NOT NULL,
    CONSTRAINT contact_key_pk PRIMARY KEY (workspace_id, scope, kind, value)
);
CREATE INDEX contact_key_contact_ix ON {schema}.contact_key (workspace_id, contact_id);

-- stamps: per field of the person, in the order first_name, last_name, email, phone, street, street2, city, state,
-- postal_code, country, 25 bytes that sort as stamps do (rank, microseconds since 1970 with a bias of 2^63 big-endian, lead
-- id), or 25 zero bytes where nobody has said anything. Phone, validity and extension are one field.
CREATE TABLE {schema}.contact (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL,             -- the short one that people use
    first_name text,
    last_name text,
    email text,
    phone text COLLATE "C",             -- E.164
    phone_validity text,
    phone_ext text,
    street text,
    street2 text,
    city text,
    state text,
    postal_code text,
    country text,
    stamps bytea NOT NULL,
    first_source text NOT NULL,         -- of its first lead
    first_lead uuid NOT NULL,
    first_at timestamptz NOT NULL,
    leads bigint NOT NULL,              -- deleted ones left out
    customer_since timestamptz,
    conversions bigint NOT NULL,        -- those that stand
    lifetime json NOT NULL,             -- minor units per currency
    merged_into uuid,                   -- the contact that it became: it has nothing any more
    created_at timestamptz NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT contact_pk PRIMARY KEY (workspace_id, id),
    CONSTRAINT contact_number_uq UNIQUE (workspace_id, number),
    CONSTRAINT contact_stamps_ck CHECK (length(stamps) = 250)
) WITH (fillfactor = 85);
CREATE INDEX contact_phone_ix ON {schema}.contact (phone, workspace_id, id);
CREATE INDEX contact_created_ix ON {schema}.contact (workspace_id, created_at);

-- The last accepted lead per contact and what a repeat must share.
CREATE TABLE {schema}.repeat_window (
    workspace_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    key bytea NOT NULL,
    last_at timestamptz NOT NULL,
    last_lead uuid NOT NULL,
    CONSTRAINT repeat_window_pk PRIMARY KEY (workspace_id, contact_id, key)
) WITH (fillfactor = 85);

CREATE TABLE {schema}.lead (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    contact_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    provider_id uuid,
    source text NOT NULL,
    lead_type text NOT NULL,
    campaign text,
    product text,
    external_id text COLLATE "C",
    utm json NOT NULL,
    custom json NOT NULL,
    postal_code text,
    flags json NOT NULL,                -- what is doubtful in it
    test boolean NOT NULL,
    status text NOT NULL,               -- the workspace's own word
    stage text NOT NULL,                -- what it means: new, contacted, qualified, scheduled, won, lost, rejected
    reason text,                        -- why it is lost or rejected
    open_appointments bigint NOT NULL,
    reached smallint NOT NULL,          -- ever contacted (1), scheduled (2), met (4), lost (8): a sum of these
    conversion_id uuid,                 -- the first one that stands
    owner text,                         -- who is responsible for it
    follow_up_at timestamptz,
    priority text NOT NULL,             -- low, normal, high, urgent
    attempts bigint NOT NULL,           -- to reach the person
    first_attempt_at timestamptz,
    last_attempt_at timestamptz,
    duplicate_of uuid,
    opened_contact boolean NOT NULL,
    received_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    version bigint NOT NULL,
    CONSTRAINT lead_pk PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 90);
CREATE INDEX lead_contact_ix ON {schema}.lead (contact_id, workspace_id, id);

CREATE TABLE {schema}.rejection (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    reasons json NOT NULL,
    duplicate_of uuid,
    external_id text COLLATE "C",
    provider_id uuid,
    appointment json,                   -- what was to be booked with it
    test boolean NOT NULL,
    corrections json NOT NULL,
    state text NOT NULL,                -- held, released
    received_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT rejection_pk PRIMARY KEY (workspace_id, id)
);

-- What came in, byte for byte.
CREATE TABLE {schema}.payload (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    format text NOT NULL,
    body bytea NOT NULL,
    headers json NOT NULL,
    fingerprint bytea NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT payload_pk PRIMARY KEY (workspace_id, id)
);

-- Touches that are no leads: clicks, calls, visits. They are a contact's, or a visitor's: then contact_id is nil, and a
-- contact_key of kind 4 tells whose they are once that is known.
CREATE TABLE {schema}.touchpoint (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    contact_id uuid NOT NULL,
    visitor text COLLATE "C" NOT NULL,  -- empty where the contact is known
    at timestamptz NOT NULL,
    kind text NOT NULL,                 -- click, call, visit, form, email, impression
    source text NOT NULL,
    medium text,
    campaign text,
    channel text NOT NULL,
    click_ids json NOT NULL,
    cost_minor bigint,
    cost_currency text,
    created_at timestamptz NOT NULL,
    CONSTRAINT touchpoint_pk PRIMARY KEY (workspace_id, id),
    CONSTRAINT touchpoint_kind_ck CHECK (kind <> '')
);
CREATE INDEX touchpoint_of_ix ON {schema}.touchpoint (workspace_id, contact_id, visitor, at, id);

CREATE TABLE {schema}.appointment (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    lead_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    type text NOT NULL,
    starts_at timestamptz NOT NULL,
    zone text NOT NULL,                 -- the one that people agreed on the time in
    wall text NOT NULL,                 -- what its clocks show then
    minutes bigint NOT NULL,
    shifted text,                       -- the clocks change just then: gap, fold
    location text,
    routing json NOT NULL,              -- whom it went to, and why
    target text,                        -- of the routing (null: it went to no one)
    how text NOT NULL,                  -- of the routing: direct, rule, hand, unrouted
    staff text,                         -- who keeps it
    status text NOT NULL,               -- booked, confirmed, completed, cancelled, rescheduled, no_show
    outcome json,                       -- if it took place
    next_step text,
    next_step_at timestamptz,
    ended_at timestamptz,               -- completed, called off, moved or missed
    ended_by text,                      -- who called it off or did not come: customer, staff
    ended_reason text,
    ended_late boolean,                 -- whether it was called off too shortly before
    conversion_id uuid,
    rescheduled_from uuid,
    rescheduled_to uuid,
    external_id text COLLATE "C",
    booked_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT appointment_pk PRIMARY KEY (workspace_id, id)
) WITH (fillfactor = 85);
CREATE INDEX appointment_lead_ix ON {schema}.appointment (workspace_id, lead_id, id);
CREATE INDEX appointment_contact_ix ON {schema}.appointment (workspace_id, contact_id, id);
CREATE INDEX appointment_starts_ix ON {schema}.appointment (workspace_id, starts_at, id);

CREATE TABLE {schema}.conversion (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    lead_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    appointment_id uuid,
    type text NOT NULL,
    value_minor bigint NOT NULL,        -- when it was recorded
    net_minor bigint NOT NULL,          -- after all adjustments
    currency text NOT NULL,
    adjustments json NOT NULL,          -- what changed its worth, in order
    rate json,                          -- what it is reported by
    first_source text NOT NULL,         -- of the contact's first lead
    first_lead uuid NOT NULL,
    first_at timestamptz NOT NULL,
    last_source text NOT NULL,          -- of its last lead before the conversion
    last_lead uuid NOT NULL,
    last_at timestamptz NOT NULL,
    sold_by text,
    external_id text COLLATE "C",
    metadata json NOT NULL,
    occurred_at timestamptz NOT NULL,
    day date NOT NULL,                  -- the one that it counts on
    seconds_to_convert bigint NOT NULL, -- since its lead was received (negative where it happened before)
    returned json,                      -- that the lead came back
    commissions json NOT NULL,          -- what others earn by it, in order
    voided_at timestamptz,              -- from then on it counts nowhere
    void_reason text,
    created_at timestamptz NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT conversion_pk PRIMARY KEY (workspace_id, id)
);
CREATE INDEX conversion_lead_ix ON {schema}.conversion (workspace_id, lead_id, id);
CREATE INDEX conversion_contact_ix ON {schema}.conversion (workspace_id, contact_id, id);

-- What is on its way to an endpoint, or came to its end there. body is the whole of it; the other columns are there to be queried by:
-- what it delivers is the event at position, else the appointment, else the lead.
CREATE TABLE {schema}.delivery (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    position bigint,
    lead_id uuid,                       -- that it is about
    appointment_id uuid,
    kind text NOT NULL,
    status text NOT NULL,
    next_attempt_at timestamptz,        -- null at its end
    attempts bigint NOT NULL,
    response_status bigint,             -- of the last attempt, where one came
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    version bigint NOT NULL,
    body json NOT NULL,
    CONSTRAINT delivery_pk PRIMARY KEY (workspace_id, id)
);
CREATE INDEX delivery_next_ix ON {schema}.delivery (workspace_id, endpoint_id, next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX delivery_endpoint_ix ON {schema}.delivery (workspace_id, endpoint_id, id);
CREATE INDEX delivery_lead_ix ON {schema}.delivery (workspace_id, lead_id, id) WHERE lead_id IS NOT NULL;
CREATE INDEX delivery_appointment_ix ON {schema}.delivery (workspace_id, appointment_id, id) WHERE appointment_id IS NOT NULL;

-- Versioned documents that nobody queries by column. Kinds of the configuration, read whole with the workspace:
-- routing.rules, attribution and rates (key current), provider, api_key, calendar and endpoint (key: its id). Others are read by their keys:
-- calendar.busy, what is taken of a calendar on a day of UTC (key: person/ann/2027-03-02), conversion.credits, who earned a
-- conversion (key: its id), spend, what was spent on a day (key: the day); contact.merge, what undoes a merge
-- (key: the id of the contact that went into another); endpoint.health, how an endpoint does (key: its name).
CREATE TABLE {schema}.record (
    workspace_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    body json NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT record_pk PRIMARY KEY (workspace_id, kind, key)
);

-- What happened. One row serves every stream that it belongs to: *_seq is its number there, null where it is only named.
CREATE TABLE {schema}.event (
    workspace_id uuid NOT NULL,
    position bigint NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    contact_id uuid,
    contact_seq bigint,
    lead_id uuid,
    lead_seq bigint,
    subject_kind text COLLATE "C",
    subject_id uuid,
    subject_seq bigint,
    contact_number bigint,              -- of the contact that it made
    duplicate_of uuid,
    actor text NOT NULL,
    request text,
    causation text,
    facts json NOT NULL,                -- stays for ever
    personal json,                      -- an erasure takes it away
    CONSTRAINT event_pk PRIMARY KEY (workspace_id, position)
);
CREATE UNIQUE INDEX event_contact_uq ON {schema}.event (workspace_id, contact_id, contact_seq)
    WHERE contact_seq IS NOT NULL;
CREATE UNIQUE INDEX event_lead_uq ON {schema}.event (workspace_id, lead_id, lead_seq) WHERE lead_seq IS NOT NULL;
CREATE UNIQUE INDEX event_subject_uq ON {schema}.event (workspace_id, subject_kind, subject_id, subject_seq)
    WHERE subject_seq IS NOT NULL;

-- Sums per day of the workspace's zone. Sources and types are folded, webhooks and providers are ids as text.
--
--   cube                d1        d2       d3        n0           n1           n2       n3         n4       n5
--   0 leads             webhook   source   -         leads        contacts     repeats  rejected   booked   converted
--   1 appointments      target    -        -         routed       completed    sold     cancelled  no_show  rescheduled
--   2 conversions       source    type     currency  conversions  value_minor  seconds  timed      -        -
--   3 by first touch    source    type     currency  conversions  value_minor  seconds  timed      -        -
--   4 by last touch     source    type     currency  conversions  value_minor  seconds  timed      -        -
--   5 sales             webhook   currency -         conversions  value_minor  seconds  timed      -        -
--   6 funnel            webhook   source   -         contacted    scheduled    met      lost       -        -
--   7 usage             provider  webhook  -         taken        taken_again  refused  -          -        -
--   8 totals, 1970-01-01 currency -        -         conversions  value_minor  -        -          -        -
--   9 credits           model     dims     booked    millionths   value_minor  reported -          -        -
--
-- dims of 9: JSON, an array of source, medium, campaign, channel, provider, webhook, or empty for what no touch has. booked:
-- `EUR>USD 2026-11-28`, the currency, the one of reports (whose minor units n2 has) and the day of the booking.
-- seconds: from lead to conversion, of the conversions that timed counts. A dimension that is not there is empty text, a
-- measure 0.
CREATE TABLE {schema}.rollup (
    workspace_id uuid NOT NULL,
    cube smallint NOT NULL,
    day date NOT NULL,
    d1 text COLLATE "C" NOT NULL,
    d2 text COLLATE "C" NOT NULL,
    d3 text COLLATE "C" NOT NULL,
    n0 bigint NOT NULL,
    n1 bigint NOT NULL,
    n2 bigint NOT NULL,
    n3 bigint NOT NULL,
    n4 bigint NOT NULL,
    n5 bigint NOT NULL,
    last_at timestamptz,                -- of the last lead, appointment, conversion, whichever the cube counts
    CONSTRAINT rollup_pk PRIMARY KEY (workspace_id, cube, day, d1, d2, d3)
) WITH (fillfactor = 70);
