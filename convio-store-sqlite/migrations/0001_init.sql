-- Convio's tables. Ids are UUIDs as 16 bytes, times are microseconds since 1970 in UTC, days are days since 1970, money is
-- minor units, flags are 0 or 1. workspace_id leads every key: a workspace is a range of every table. Two indexes start
-- with something else, so that queries written by hand, which name no workspace, find their rows by them too.

-- The gate of every commit: one row per workspace, taken first.
CREATE TABLE head (
    workspace_id BLOB NOT NULL,
    feed INTEGER NOT NULL,          -- the position of the last event
    contacts INTEGER NOT NULL,      -- contacts ever made: gives the next contact its number
    config INTEGER NOT NULL,        -- the version of the configuration
    CONSTRAINT head_pk PRIMARY KEY (workspace_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE workspace (
    workspace_id BLOB NOT NULL,
    name TEXT NOT NULL,
    zone TEXT NOT NULL,
    currency TEXT NOT NULL,
    active INTEGER NOT NULL,
    policy TEXT NOT NULL,           -- JSON: the statuses of leads and the moves between them, limits of time
    created_at INTEGER NOT NULL,
    deleted_at INTEGER,
    version INTEGER NOT NULL,
    CONSTRAINT workspace_pk PRIMARY KEY (workspace_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook (
    workspace_id BLOB NOT NULL,
    id BLOB NOT NULL,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,         -- JSON
    created_at INTEGER NOT NULL,
    deleted_at INTEGER,
    version INTEGER NOT NULL,
    CONSTRAINT webhook_pk PRIMARY KEY (workspace_id, id),
    CONSTRAINT webhook_name_uq UNIQUE (workspace_id, name)
) STRICT, WITHOUT ROWID;

-- What is counted against a limit, such as the leads of a webhook in an hour.
CREATE TABLE counter (
    workspace_id BLOB NOT NULL,
    key TEXT NOT NULL,
    window_at INTEGER NOT NULL,     -- when the window starts that is counted in
    used INTEGER NOT NULL,
    CONSTRAINT counter_pk PRIMARY KEY (workspace_id, key, window_at)
) STRICT, WITHOUT ROWID;

-- Reservations: idempotency keys (kind 0), external ids of leads (1), of appointments (2), of conversions (3),
-- of touches (4).
-- webhook_id is 16 zero bytes where the name counts in the whole workspace.
CREATE TABLE claim (
    workspace_id BLOB NOT NULL,
    webhook_id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    holder_id BLOB NOT NULL,        -- the lead or rejection, the appointment, the conversion, the touch
    expires_at INTEGER,             -- from then on it may be taken over; null: never
    yields INTEGER NOT NULL,        -- whether it gives way to another body
    CONSTRAINT claim_pk PRIMARY KEY (workspace_id, webhook_id, kind, value)
) STRICT, WITHOUT ROWID;

-- What contacts are recognised by: phone (kind 0), digits (1), email (2), external (3), visitor (4).
-- scope is the webhook's id, or 16 zero bytes for the whole workspace.
CREATE TABLE contact_key (
    workspace_id BLOB NOT NULL,
    scope BLOB NOT NULL,
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    contact_id BLOB NOT NULL,
    CONSTRAINT contact_key_pk PRIMARY KEY (workspace_id, scope, kind, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_key_contact_ix ON contact_key (workspace_id, contact_id);

CREATE TABLE contact (
    workspace_id BLOB NOT NULL,
    id BLOB NOT NULL,
    number INTEGER NOT NULL,        -- the short one that people use
    first_name TEXT,
    last_name TEXT,
    email TEXT,
    phone TEXT,                     -- E.164
    phone_validity TEXT,
    phone_ext TEXT,
    street TEXT,
    street2 TEXT,
    city TEXT,
    state TEXT,
    postal_code TEXT,
    country TEXT,
    stamps BLOB NOT NULL,           -- per field, where its value comes from
    first_source TEXT NOT NULL,     -- of its first lead
    first_lead BLOB NOT NULL,
    first_at INTEGER NOT NULL,
    leads INTEGER NOT NULL,         -- deleted ones left out
    customer_since INTEGER,
    conversions INTEGER NOT NULL,   -- those that stand
    lifetime TEXT NOT NULL,         -- JSON: minor units per currency
    merged_into BLOB,               -- the contact that it became: it has nothing any more
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT contact_pk PRIMARY KEY (workspace_id, id),
    CONSTRAINT contact_number_uq UNIQUE (workspace_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_phone_ix ON contact (phone, workspace_id, id, merged_into);
CREATE INDEX contact_created_ix ON contact (workspace_id, created_at);

-- The last accepted lead per contact and what a repeat must share.
CREATE TABLE repeat_window (
    workspace_id BLOB NOT NULL,
    contact_id BLOB NOT NULL,
    key BLOB NOT NULL,
    last_at INTEGER NOT NULL,
    last_lead BLOB NOT NULL,
    CONSTRAINT repeat_window_pk PRIMARY KEY (workspace_id, contact_id, key)
) STRICT, WITHOUT ROWID;

-- With a rowid, as events and payloads: a row of more than a quarter of a page does not fit the pages of a key-ordered table, and
-- rows that come in the order of their keys leave those half empty.
CREATE TABLE lead (
    workspace_id BLOB NOT NULL,
    id BLOB NOT NULL,
    contact_id BLOB NOT NULL,
    webhook_id BLOB NOT NULL,
    provider_id BLOB,
    source TEXT NOT NULL,
    lead_type TEXT NOT NULL,
    campaign TEXT,
    product TEXT,
    external_id TEXT,
    utm TEXT NOT NULL,              -- JSON
    custom TEXT NOT NULL,           -- JSON
    postal_code TEXT,
    flags TEXT NOT NULL,            -- JSON: what is doubtful in it
    test INTEGER NOT NULL,
    status TEXT NOT NULL,           -- the workspace's own word
    stage TEXT NOT NULL,            -- what it means: new, contacted, qualified, scheduled, won, lost, rejected
    reason TEXT,                    -- why it is lost or rejected
    open_appointments INTEGER NOT NULL,
    reached INTEGER NOT NULL,       -- ever contacted (1), scheduled (2), met (4), lost (8): a sum of these
    conversion_id BLOB,             -- the first one that stands
    owner TEXT,                     -- who is responsible for it
    follow_up_at INTEGER,
    priority TEXT NOT NULL,         -- low, normal, high, urgent
    attempts INTEGER NOT NULL,      -- to reach the person
    first_attempt_at INTEGER,
    last_attempt_at INTEGER,
    duplicate_of BLOB,
    opened_contact INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER,
    version INTEGER NOT NULL,
    CONSTRAINT lead_pk PRIMARY KEY (workspace_id, id)
) STRICT;
-- Enough to count a contact's leads.
CREATE INDEX lead_contact_ix ON lead (contact_id, id, deleted_at);

CREATE TABLE rejection (
    workspace_id BLOB NOT NULL,
    id BLOB NOT NULL,
    webhook_id BLOB NOT NULL,
    reasons TEXT NOT NULL,          -- JSON
    duplicate_of BLOB,
    external_id TEXT,
    provider_id BLOB,
    appointment TEXT,               -- JSON: what was to be booked with it
    test INTEGER NOT NULL,
    corrections TEXT NOT NULL,      -- JSON
    state TEXT NOT NULL,            -- held, released
    received_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT rejection_pk PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;

-- What came in, byte for byte.
CREATE TABLE payload (
    workspace_id BLOB NOT NULL,
    id BLOB NOT NULL,
    webhook_id BLOB NOT NULL,
    format TEXT NOT NULL,
    body BLOB NOT NULL,
    headers TEXT NOT NULL,          -- JSON
    fingerprint BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    CONSTRAINT payload_uq UNIQUE (workspace_id, id)
) STRICT;

-- Touches that are no leads: clicks, calls, visits. They are a contact's, or a visitor's: then contact_id is 16 zero bytes, and a
-- contact_key of kind 4 tells whose they are once that is known.
CREATE TABLE touchpoint (
    workspace_id BLOB NOT NULL,
    id BLOB NOT NULL,
    contact_id BLOB NOT NULL,
    visitor TEXT NOT NULL,          -- empty where the contact is known
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,             -- click, call, visit, form, email, impression
    source TEXT NOT NULL,
    medium TEXT,
    campaign TEXT,
    channel TEXT NOT NULL,
    click_ids TEXT NOT NULL,        -- JSON
    cost_minor INTEGER,
    cost_currency TEXT,
    created_at INTEGER NOT NULL,
    CONSTRAINT touchpoint_pk PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX touchpoint_of_ix ON touchpoint (workspace_id, contact_id, visitor, at, id);

CREATE TABLE appointment (
    workspace_id BLOB NOT NULL,
    id BLOB NOT NULL,
    lead_id BLOB NOT NULL,
    contact_id BLOB NOT NULL,
    type TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    zone TEXT NOT NULL,             -- the one that people agreed on the time in
    wall TEXT NOT NULL,             -- what its clocks show then
    minutes INTEGER NOT NULL,
    shifted TEXT,                   -- the clocks change just then: gap, fold
    location TEXT,
    routing TEXT NOT NULL,          -- JSON: whom it went to, and why
    target TEXT,                    -- of the routing; null: it went to no one
    how TEXT NOT NULL,              -- of the routing: direct, rule, hand, unrouted
    staff TEXT,                     -- who keeps it
    status TEXT NOT NULL,           -- booked, confirmed, completed, cancelled, rescheduled, no_show
    outcome TEXT,                   -- JSON, if it took place
    next_step TEXT,
    next_step_at INTEGER,
    ended_at INTEGER,               -- completed, called off, moved or missed
    ended_by TEXT,                  -- who called it off or did not come: customer, staff
    ended_reason TEXT,
    ended_late INTEGER,             -- whether it was called off too shortly before
    conversion_id BLOB,
    rescheduled_from BLOB,
    rescheduled_to BLOB,
    external_id TEXT,
    booked_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT appointment_pk PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX appointment_lead_ix ON appointment (workspace_id, lead_id, id);
CREATE INDEX appointment_contact_ix ON appointment (workspace_id, contact_id, id);
CREATE INDEX appointment_starts_ix ON appointment (workspace_id, starts_at);

CREATE TABLE conversion (
    workspace_id BLOB NOT NULL,
    id BLOB NOT NULL,
    lead_id BLOB NOT NULL,
    contact_id BLOB NOT NULL,
    appointment_id BLOB,
    type TEXT NOT NULL,
    value_minor INTEGER NOT NULL,   -- when it was recorded
    net_minor INTEGER NOT NULL,     -- after all adjustments
    currency TEXT NOT NULL,
    adjustments TEXT NOT NULL,      -- JSON: what changed its worth, in order
    rate TEXT,                      -- JSON: what it is reported by
    first_source TEXT NOT NULL,     -- of the contact's first lead
    first_lead BLOB NOT NULL,
    first_at INTEGER NOT NULL,
    last_source TEXT NOT NULL,      -- of its last lead before the conversion
    last_lead BLOB NOT NULL,
    last_at INTEGER NOT NULL,
    sold_by TEXT,
    external_id TEXT,
    metadata TEXT NOT NULL,         -- JSON
    occurred_at INTEGER NOT NULL,
    day INTEGER NOT NULL,           -- the one that it counts on
    seconds_to_convert INTEGER NOT NULL, -- since its lead was received; negative where it happened before
    returned TEXT,                  -- JSON: that the lead came back
    commissions TEXT NOT NULL,      -- JSON: what others earn by it, in order
    voided_at INTEGER,              -- from then on it counts nowhere
    void_reason TEXT,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT conversion_pk PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX conversion_lead_ix ON conversion (workspace_id, lead_id, id);
CREATE INDEX conversion_contact_ix ON conversion (workspace_id, contact_id, id);

-- What is on its way to an endpoint, or came to its end there. body is the whole of it; the other columns are there to be queried by:
-- what it delivers is the event at position, else the appointment, else the lead.
CREATE TABLE delivery (
    workspace_id BLOB NOT NULL,
    id BLOB NOT NULL,
    endpoint_id BLOB NOT NULL,
    position INTEGER,
    lead_id BLOB,                   -- that it is about
    appointment_id BLOB,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    next_attempt_at INTEGER,        -- null at its end
    attempts INTEGER NOT NULL,
    response_status INTEGER,        -- of the last attempt, where one came
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,             -- JSON
    CONSTRAINT delivery_pk PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_next_ix ON delivery (workspace_id, endpoint_id, next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX delivery_endpoint_ix ON delivery (workspace_id, endpoint_id, id);
CREATE INDEX delivery_lead_ix ON delivery (workspace_id, lead_id, id) WHERE lead_id IS NOT NULL;
CREATE INDEX delivery_appointment_ix ON delivery (workspace_id, appointment_id, id) WHERE appointment_id IS NOT NULL;

-- Versioned documents that nobody queries by column. Kinds of the configuration, read whole with the workspace:
-- routing.rules, attribution and rates (key current), provider, api_key, calendar and endpoint (key: its id). Others are read by their keys:
-- calendar.busy, what is taken of a calendar on a day of UTC (key: person/ann/2027-03-02); conversion.credits, who earned a
-- conversion (key: its id); spend, what was spent on a day (key: the day); contact.merge, what undoes a merge
-- (key: the id of the contact that went into another); endpoint.health, how an endpoint does (key: its name).
CREATE TABLE record (
    workspace_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,             -- JSON
    version INTEGER NOT NULL,
    CONSTRAINT record_pk PRIMARY KEY (workspace_id, kind, key)
) STRICT, WITHOUT ROWID;

-- What happened. One row serves every stream that it belongs to: *_seq is its number there, null where it is only named.
CREATE TABLE event (
    workspace_id BLOB NOT NULL,
    position INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    contact_id BLOB,
    contact_seq INTEGER,
    lead_id BLOB,
    lead_seq INTEGER,
    subject_kind TEXT,
    subject_id BLOB,
    subject_seq INTEGER,
    contact_number INTEGER,         -- of the contact that it made
    duplicate_of BLOB,
    actor TEXT NOT NULL,
    request TEXT,
    causation TEXT,
    facts TEXT NOT NULL,            -- JSON: stays for ever
    personal TEXT,                  -- JSON: an erasure takes it away
    CONSTRAINT event_pk PRIMARY KEY (workspace_id, position)
) STRICT;
CREATE UNIQUE INDEX event_contact_uq ON event (workspace_id, contact_id, contact_seq) WHERE contact_seq IS NOT NULL;
CREATE UNIQUE INDEX event_lead_uq ON event (workspace_id, lead_id, lead_seq) WHERE lead_seq IS NOT NULL;
CREATE UNIQUE INDEX event_subject_uq ON event (workspace_id, subject_kind, subject_id, subject_seq)
    WHERE subject_seq IS NOT NULL;

-- Sums per day of the workspace's zone. Sources and types are folded; webhooks and providers are ids as text.
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
--   8 totals, on day 0  currency  -        -         conversions  value_minor  -        -          -        -
--   9 credits           model     dims     booked    millionths   value_minor  reported -          -        -
--
-- dims of 9: JSON, an array of source, medium, campaign, channel, provider, webhook; empty for what no touch has. booked:
-- `EUR>USD 2026-11-28`, the currency, the one of reports (whose minor units n2 has) and the day of the booking.
-- seconds: from lead to conversion, of the conversions that timed counts. A dimension that is not there is empty text, a
-- measure 0.
CREATE TABLE rollup (
    workspace_id BLOB NOT NULL,
    cube INTEGER NOT NULL,
    day INTEGER NOT NULL,
    d1 TEXT NOT NULL,
    d2 TEXT NOT NULL,
    d3 TEXT NOT NULL,
    n0 INTEGER NOT NULL,
    n1 INTEGER NOT NULL,
    n2 INTEGER NOT NULL,
    n3 INTEGER NOT NULL,
    n4 INTEGER NOT NULL,
    n5 INTEGER NOT NULL,
    last_at INTEGER,                -- of the last lead, appointment, conversion, whichever the cube counts
    CONSTRAINT rollup_pk PRIMARY KEY (workspace_id, cube, day, d1, d2, d3)
) STRICT, WITHOUT ROWID;
