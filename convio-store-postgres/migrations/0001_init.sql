-- What one ingested lead writes. Rules that every table keeps:
--   workspace_id leads every key. Every constraint and index has a name of at most 45 bytes. No trigger, sequence or
--   foreign key. Instants are bound by the caller, in whole microseconds. Text that is looked up by equality compares
--   as bytes (COLLATE "C"), so no index depends on the collation library of the host.
-- A semicolon ends a statement and stands nowhere else, comments included.

CREATE SCHEMA IF NOT EXISTS convio;

-- The gate of a workspace. Every commit locks this row first, so what a commit reads here is the newest truth.
-- `feed` = position of the last event, `contacts` = contacts ever made (the next one is number n = contacts),
-- `config` = version of the configuration that a commit must have been planned with.
CREATE TABLE convio.head (
    workspace_id uuid   NOT NULL,
    feed         bigint NOT NULL DEFAULT 0,
    contacts     bigint NOT NULL DEFAULT 0,
    config       bigint NOT NULL,
    CONSTRAINT head_pkey PRIMARY KEY (workspace_id)
) WITH (fillfactor = 50);

-- What may happen once. kind 0 = idempotency key (expires), 1 = external id of the webhook (for ever).
-- `hits` = 1 exactly when the last writer of the row won it. `external_id`, on kind 0 only: the external id that came
-- with the key. What such a key names is what that external id (claim of kind 1) names, whatever its own `intake_id` says.
-- `intake_id` = a lead, or a rejection: it holds its claims under the id that it would have as a lead.
CREATE TABLE convio.claim (
    workspace_id uuid     NOT NULL,
    webhook_id   uuid     NOT NULL,
    kind         smallint NOT NULL,
    value        text     COLLATE "C" NOT NULL,
    fingerprint  bytea    NOT NULL,
    intake_id    uuid     NOT NULL,
    external_id  text     COLLATE "C",
    expires_at   timestamptz,
    hits         bigint   NOT NULL,
    CONSTRAINT claim_pkey PRIMARY KEY (workspace_id, webhook_id, kind, value)
);

-- Who is who. scope = nil for the workspace, else the webhook that keeps its contacts apart.
-- kind 0 = phone (E.164), 1 = digits, 2 = email, 3 = external id.
CREATE TABLE convio.contact_key (
    workspace_id uuid     NOT NULL,
    scope        uuid     NOT NULL,
    kind         smallint NOT NULL,
    value        text     COLLATE "C" NOT NULL,
    contact_id   uuid     NOT NULL,
    hits         bigint   NOT NULL,
    CONSTRAINT contact_key_pkey PRIMARY KEY (workspace_id, scope, kind, value)
) WITH (fillfactor = 90);

CREATE INDEX contact_key_contact_idx ON convio.contact_key (workspace_id, contact_id);

-- `stamps`: one per mergeable field, in the order first_name, last_name, email, phone, street, street2, city, state,
-- postal_code, country. The phone, its validity and its extension are one field. A stamp is rank (1 byte) || received_at
-- in microseconds since 1970, XOR the least bigint, big-endian (8 bytes: times before 1970 sort rightly) || lead id
-- (16 bytes), and empty, never null, for a field that nobody has offered: stamps compare as bytes.
-- `leads` counts the contact's leads. `base_version` = the version before the last write: 0 means that this write made
-- the row.
CREATE TABLE convio.contact (
    workspace_id   uuid        NOT NULL,
    id             uuid        NOT NULL,
    number         bigint      NOT NULL,
    first_name     text,
    last_name      text,
    email          text,
    phone          text,
    phone_validity text,
    phone_ext      text,
    street         text,
    street2        text,
    city           text,
    state          text,
    postal_code    text,
    country        text,
    stamps         bytea[]     NOT NULL,
    first_source   text        NOT NULL,
    first_lead     uuid        NOT NULL,
    first_at       timestamptz NOT NULL,
    leads          int         NOT NULL,
    customer_since timestamptz,
    conversions    int         NOT NULL DEFAULT 0,
    lifetime       jsonb       NOT NULL DEFAULT '{}',
    created_at     timestamptz NOT NULL,
    version        bigint      NOT NULL,
    base_version   bigint      NOT NULL,
    CONSTRAINT contact_pkey PRIMARY KEY (workspace_id, id),
    CONSTRAINT contact_number_key UNIQUE (workspace_id, number),
    CONSTRAINT contact_stamps_check CHECK (cardinality(stamps) = 10)
) WITH (fillfactor = 85);

-- The last lead of a contact under one duplicate key, and the one before the last write.
CREATE TABLE convio.repeat_window (
    workspace_id uuid        NOT NULL,
    contact_id   uuid        NOT NULL,
    key          bytea       NOT NULL,
    last_at      timestamptz NOT NULL,
    last_lead    uuid        NOT NULL,
    prev_at      timestamptz,
    prev_lead    uuid,
    CONSTRAINT repeat_window_pkey PRIMARY KEY (workspace_id, contact_id, key)
) WITH (fillfactor = 85);

CREATE TABLE convio.lead (
    workspace_id   uuid        NOT NULL,
    id             uuid        NOT NULL,
    contact_id     uuid        NOT NULL,
    webhook_id     uuid        NOT NULL,
    source         text        NOT NULL,
    lead_type      text        NOT NULL,
    campaign       text,
    product        text,
    external_id    text        COLLATE "C",
    utm            json,
    custom         json,
    postal_code    text,
    flags          json        NOT NULL,
    stage          text        NOT NULL,
    status         text        NOT NULL,
    duplicate_of   uuid,
    opened_contact boolean     NOT NULL,
    test           boolean     NOT NULL,
    conversion_id  uuid,
    received_at    timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    version        bigint      NOT NULL,
    CONSTRAINT lead_pkey PRIMARY KEY (workspace_id, id)
);

CREATE INDEX lead_contact_idx ON convio.lead (workspace_id, contact_id, id);

-- What arrived, byte for byte. The id is the lead's.
CREATE TABLE convio.payload (
    workspace_id uuid        NOT NULL,
    id           uuid        NOT NULL,
    webhook_id   uuid        NOT NULL,
    format       text        NOT NULL,
    body         bytea       NOT NULL,
    headers      json,
    fingerprint  bytea       NOT NULL,
    received_at  timestamptz NOT NULL,
    CONSTRAINT payload_pkey PRIMARY KEY (workspace_id, id)
);

-- The history. One row can stand in several streams: contact, lead, and one more aggregate (`subject`).
-- A `..._seq` numbers its stream from 1 without a gap. An id without its seq is a reference only.
-- `contact_number`: of the contact that the event made, else null. `duplicate_of`: the lead that the received one repeats.
CREATE TABLE convio.event (
    workspace_id   uuid        NOT NULL,
    position       bigint      NOT NULL,
    at             timestamptz NOT NULL,
    kind           text        NOT NULL,
    contact_id     uuid,
    contact_seq    bigint,
    lead_id        uuid,
    lead_seq       bigint,
    subject_kind   text        COLLATE "C",
    subject_id     uuid,
    subject_seq    bigint,
    contact_number bigint,
    duplicate_of   uuid,
    actor          text        NOT NULL,
    request        text,
    causation      text,
    facts          json        NOT NULL,
    personal       json,
    CONSTRAINT event_pkey PRIMARY KEY (workspace_id, position)
);

CREATE UNIQUE INDEX event_contact_key ON convio.event (workspace_id, contact_id, contact_seq) WHERE contact_seq IS NOT NULL;
CREATE UNIQUE INDEX event_lead_key ON convio.event (workspace_id, lead_id, lead_seq) WHERE lead_seq IS NOT NULL;
CREATE UNIQUE INDEX event_subject_key ON convio.event (workspace_id, subject_kind, subject_id, subject_seq) WHERE subject_seq IS NOT NULL;

-- Folds of events per local day of the workspace. cube 0 = leads: d1 webhook id, d2 source as matched, d3 empty,
-- n0 leads, n1 new contacts, n2 duplicates, n3 rejected, n4 booked, n5 converted. cube 1 = appointments: d1 target, n0 routed,
-- n1 completed, n2 sold. cube 2 = conversions: d1 source, d2 type, d3 currency, n0 count, n1 value in minor units.
-- Test leads count nowhere. `last_at` = of the last lead, appointment or conversion.
CREATE TABLE convio.rollup (
    workspace_id uuid        NOT NULL,
    cube         smallint    NOT NULL,
    day          date        NOT NULL,
    d1           text        COLLATE "C" NOT NULL,
    d2           text        COLLATE "C" NOT NULL,
    d3           text        COLLATE "C" NOT NULL,
    n0           bigint      NOT NULL DEFAULT 0,
    n1           bigint      NOT NULL DEFAULT 0,
    n2           bigint      NOT NULL DEFAULT 0,
    n3           bigint      NOT NULL DEFAULT 0,
    n4           bigint      NOT NULL DEFAULT 0,
    n5           bigint      NOT NULL DEFAULT 0,
    last_at      timestamptz,
    CONSTRAINT rollup_pkey PRIMARY KEY (workspace_id, cube, day, d1, d2, d3)
) WITH (fillfactor = 70);
