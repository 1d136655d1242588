-- Convio's tables. Ids are UUIDs as 16 bytes, times are microseconds since 1970 in UTC, money is minor units.
-- workspace_id leads every key: a workspace is a range of every table.

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

CREATE TABLE counter (
    workspace_id BLOB NOT NULL,
    key TEXT NOT NULL,
    window_at INTEGER NOT NULL,
    used INTEGER NOT NULL,
    CONSTRAINT counter_pk PRIMARY KEY (workspace_id, key, window_at)
) STRICT, WITHOUT ROWID;

-- Reservations: idempotency keys (kind 0), external ids (kind 1).
CREATE TABLE claim (
    workspace_id BLOB NOT NULL,
    webhook_id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    intake_id BLOB NOT NULL,
    expires_at INTEGER,
    CONSTRAINT claim_pk PRIMARY KEY (workspace_id, webhook_id, kind, value)
) STRICT, WITHOUT ROWID;

-- What contacts are recognised by: phone (kind 0), digits (1), email (2), external (3).
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
    number INTEGER NOT NULL,
    first_name TEXT,
    last_name TEXT,
    email TEXT,
    phone TEXT,
    phone_validity TEXT,
    phone_ext TEXT,
    street TEXT,
    street2 TEXT,
    city TEXT,
    state TEXT,
    postal_code TEXT,
    country TEXT,
    stamps BLOB NOT NULL,           -- per field, where its value comes from
    first_source TEXT NOT NULL,
    first_lead BLOB NOT NULL,
    first_at INTEGER NOT NULL,
    leads INTEGER NOT NULL,
    customer_since INTEGER,
    conversions INTEGER NOT NULL,
    lifetime TEXT NOT NULL,         -- JSON: minor units per currency
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT contact_pk PRIMARY KEY (workspace_id, id),
    CONSTRAINT contact_number_uq UNIQUE (workspace_id, number)
) STRICT, WITHOUT ROWID;

-- The last accepted lead per contact and what a repeat must share.
CREATE TABLE repeat_window (
    workspace_id BLOB NOT NULL,
    contact_id BLOB NOT NULL,
    key BLOB NOT NULL,
    last_at INTEGER NOT NULL,
    last_lead BLOB NOT NULL,
    CONSTRAINT repeat_window_pk PRIMARY KEY (workspace_id, contact_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE lead (
    workspace_id BLOB NOT NULL,
    id BLOB NOT NULL,
    contact_id BLOB NOT NULL,
    webhook_id BLOB NOT NULL,
    source TEXT NOT NULL,
    lead_type TEXT NOT NULL,
    campaign TEXT,
    product TEXT,
    external_id TEXT,
    utm TEXT NOT NULL,              -- JSON
    custom TEXT NOT NULL,           -- JSON
    postal_code TEXT,
    flags TEXT NOT NULL,            -- JSON
    test INTEGER NOT NULL,
    status TEXT NOT NULL,
    stage TEXT NOT NULL,
    duplicate_of BLOB,
    opened_contact INTEGER NOT NULL,
    conversion_id BLOB,
    received_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT lead_pk PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX lead_contact_ix ON lead (workspace_id, contact_id, id);

CREATE TABLE rejection (
    workspace_id BLOB NOT NULL,
    id BLOB NOT NULL,
    webhook_id BLOB NOT NULL,
    reasons TEXT NOT NULL,          -- JSON
    duplicate_of BLOB,
    external_id TEXT,
    test INTEGER NOT NULL,
    corrections TEXT NOT NULL,      -- JSON
    state TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT rejection_pk PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;

-- What came in, byte for byte. With a rowid: long rows do not fit the pages of a key-ordered table.
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

CREATE TABLE appointment (
    workspace_id BLOB NOT NULL,
    id BLOB NOT NULL,
    lead_id BLOB NOT NULL,
    contact_id BLOB NOT NULL,
    starts_at INTEGER NOT NULL,
    zone TEXT NOT NULL,
    wall TEXT NOT NULL,
    minutes INTEGER NOT NULL,
    target TEXT,
    routing TEXT NOT NULL,          -- JSON: the decision
    status TEXT NOT NULL,
    outcome TEXT,                   -- JSON
    conversion_id BLOB,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT appointment_pk PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX appointment_lead_ix ON appointment (workspace_id, lead_id, id);
CREATE INDEX appointment_contact_ix ON appointment (workspace_id, contact_id, id);

CREATE TABLE conversion (
    workspace_id BLOB NOT NULL,
    id BLOB NOT NULL,
    lead_id BLOB NOT NULL,
    contact_id BLOB NOT NULL,
    appointment_id BLOB,
    type TEXT NOT NULL,
    value_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    first_touch TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT conversion_pk PRIMARY KEY (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX conversion_lead_ix ON conversion (workspace_id, lead_id, id);
CREATE INDEX conversion_contact_ix ON conversion (workspace_id, contact_id, id);

-- Versioned documents that nobody queries by column.
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
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX event_contact_uq ON event (workspace_id, contact_id, contact_seq) WHERE contact_seq IS NOT NULL;
CREATE UNIQUE INDEX event_lead_uq ON event (workspace_id, lead_id, lead_seq) WHERE lead_seq IS NOT NULL;
CREATE UNIQUE INDEX event_subject_uq ON event (workspace_id, subject_kind, subject_id, subject_seq)
    WHERE subject_seq IS NOT NULL;

-- Sums per day. cube: leads (0; d1 webhook, d2 source), appointments (1; d1 target), conversions (2; d1 source, d2 type,
-- d3 currency). day: days since 1970 in the workspace's zone. n0 .. n5: see the readers of each cube.
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
    last_at INTEGER,                -- of the last lead, appointment, conversion
    CONSTRAINT rollup_pk PRIMARY KEY (workspace_id, cube, day, d1, d2, d3)
) STRICT, WITHOUT ROWID;
