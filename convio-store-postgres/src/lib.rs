//! The Postgres side of Convio: for now its schema and the statement that ingests one lead, both tried by tests against a
//! real server. There is no `Store` here yet; the adapter will be written over these two texts.
//!
//! # One lead, one round trip
//!
//! [`INGEST_ONE`] is one statement. It reads no table that it writes: whatever it needs to know is what an upsert
//! returned, so it stays right when another writer commits after its snapshot. Each step is fed by the one before:
//!
//! | step | table | form | answers |
//! |---|---|---|---|
//! | gate | `head` | lock one row | the workspace exists; its configuration; the next position; the next contact number |
//! | by_key, by_external_id | `claim` | upsert, where given | `hits = 1`: won; else the intake that has it, and whether the body is the same |
//! | person | `contact_key` | upsert | whose key it is: the candidate's, or an earlier contact's |
//! | seen | `repeat_window` | upsert, where given | the lead before this one under the same duplicate key |
//! | merged | `contact` | upsert | `version`; `base_version = 0`: made by this lead |
//! | leads, payloads, events | `lead`, `payload`, `event` | insert | |
//! | rollups | `rollup` | upsert, unless a test | |
//! | moved | `head` | upsert of the locked row | |
//!
//! - **The gate comes first**, so commits of one workspace follow each other, and a caller's transaction that ingests
//!   twice cannot deadlock with another writer. It also holds the gate, and with it all ingest of the workspace, until
//!   it ends.
//! - **The contact number is drawn in the commit that makes the contact**, from the count of contacts in the gate's row:
//!   number n is `least + (a * k + b) % (9 * least)`, where `least` is the smallest number with as many digits as
//!   n + 100,000 and `k = n + 100,000 - least`. A lead that makes no contact draws none, and a rollback gives it back.
//! - **A test lead** counts in no rollup, and repeats nothing: the caller gives it no duplicate key (`$17` null).
//! - **Isolation** must be READ COMMITTED. Above it, a writer in between is error 40001.
//! - **Duplicate policies** `accept` (`$18` in the far future), `flag` and `off` (`$17` null) are this statement's. Policy
//!   `reject` is not: by the time the window answers, the claims are written. It takes plain statements in a savepoint.
//!
//! # Claims
//!
//! Both an idempotency key and an external id may come with a lead; it is stored when it wins all that came.
//!
//! | key | external id | then |
//! |---|---|---|
//! | won | won, or none came | stored |
//! | lost | any | nothing stored. A new external id is not claimed: it stays free |
//! | won | lost | nothing stored. The key is bound to the external id: from now on it answers with that id's intake |
//! | none came | lost | nothing stored |
//!
//! "Nothing" is: no row but the claims' own `hits`. A key that has expired (`expires_at <= $3`) is taken over and counts
//! as won. An external id never expires. A claim names an intake: a lead, or a rejection, which has the id that it would
//! have as a lead.
//!
//! # Parameters of [`INGEST_ONE`]
//!
//! | | type | |
//! |---|---|---|
//! | 1, 2, 3 | uuid, bigint, timestamptz | workspace; version of the configuration planned with; now |
//! | 4, 5, 6, 7 | uuid, uuid, timestamptz, bytea | webhook; lead; received at; fingerprint of the body |
//! | 8, 9, 10 | text?, timestamptz?, text? | idempotency key and its end; external id |
//! | 11, 12, 13, 14 | uuid, smallint, text, uuid | scope, kind and value of the contact key; id of the contact if it is new |
//! | 15, 16 | bigint, bigint | a (coprime to 30, below 900,000) and b (from 0) of the workspace's numbers |
//! | 17, 18, 19 | bytea?, timestamptz?, timestamptz? | duplicate key; an earlier lead after the one and before the other makes this a duplicate |
//! | 20 to 31 | text? | first name, last name, email, phone, phone validity, phone extension, street, street 2, city, state, postal code, country |
//! | 32 | bytea\[10\] | their stamps, one for the phone with its validity and extension: see `contact.stamps` in the schema |
//! | 33, 34 | text, text | source as written; source as matched |
//! | 35, 36, 37 | text, text?, text? | lead type, campaign, product |
//! | 38, 39 | text?, text? | UTM and custom fields as JSON |
//! | 40, 41, 42 | text, text, boolean | stage, status, test |
//! | 43, 44, 45 | text, bytea, text? | payload: format, body, headers as JSON |
//! | 46, 47, 48 | text, text?, text? | actor, request, causation |
//! | 49, 50 | text, text? | facts and personal part of the event as JSON; the latter carries the offered patch |
//! | 51 | date | the day of the lead in the workspace's zone |
//! | 52 | text | flags as JSON |
//!
//! Instants are whole microseconds. What the server would refuse must not get here, as an error ends the caller's
//! transaction: a NUL in text (22021), a claim or contact key too long for an index (54000; 500 bytes are safe), text
//! that is not JSON where JSON is due (22P02), a lead id that is stored already (23505).
//!
//! # Its answer
//!
//! No row: the workspace is unknown. Else one row:
//!
//! | column | |
//! |---|---|
//! | config | the configuration now. Other than `$2`: nothing was applied, plan again |
//! | position | of the event; null when nothing was stored |
//! | contact_id, number, version, created, duplicate_of | of the stored lead's contact; null when nothing was stored |
//! | key_hits, external_hits | above 1: that claim was lost |
//! | intake_id | the stored lead, or the intake that has the claim |
//! | same_body | whether the lost claim came with the same fingerprint |

/// The first migration: schema `convio`, one DDL statement per `;`.
///
/// ```
/// let statements: Vec<&str> = convio_store_postgres::MIGRATION_0001
///     .split(';')
///     .map(|text| text.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().concat())
///     .filter(|text| !text.is_empty())
///     .map(|text| if text.starts_with("CREATE ") { "create" } else { "something else" })
///     .collect();
/// assert_eq!(statements, ["create"; 15]);
/// ```
pub const MIGRATION_0001: &str = include_str!("../migrations/0001_init.sql");

/// Ingests one lead: 52 parameters, at most one row, one round trip. See the crate's documentation for both.
///
/// ```
/// let text = convio_store_postgres::INGEST_ONE;
/// assert!(text.contains("$52") && !text.contains("$53"));
/// ```
pub const INGEST_ONE: &str = include_str!("ingest_one.sql");
