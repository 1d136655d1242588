//! Many writers at once over few phones: nothing deadlocks, nothing is lost, nothing is twice, and readers of the feed miss nothing.
//!
//! The work is bounded, the time is not. `CONVIO_TEST_LOAD` sets how many leads each test sends.

#![expect(clippy::print_stdout, reason = "how often commits were run again is worth reading")]

#[path = "support/audit.rs"]
mod audit;
mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use audit::broken_laws;
use convio_conformance::Shared;
use convio_conformance::dice::Dice;
use convio_core::change_set::{ClaimKind, GateLost};
use convio_core::clock::Clock;
use convio_core::service::{RandomIds, SystemClock};
use convio_core::use_case::ingest::plan;
use convio_core::use_case::{ConfigSnapshot, Context};
use convio_core::{
    ChangeSet, Coalesced, CommitError, Convio, Ingested, Need, Needs, NewWorkspace, Origin, Position,
    RawLead, Receipt, Store, WorkspaceHandle, WorkspaceId,
};
use convio_store_postgres::PgStore;
use sqlx::postgres::{PgConnection, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use support::{Place, connect, run, server};
use tokio::task::JoinHandle;
use uuid::Uuid;

#[test]
fn eight_writers_of_batches_leave_one_workspace_sound_and_never_deadlock() {
    run(batches_of(1));
}

#[test]
fn eight_writers_of_batches_that_mix_three_workspaces_leave_them_sound_and_never_deadlock() {
    run(batches_of(3));
}

#[test]
fn eight_writers_that_ingest_one_by_one_leave_a_workspace_sound_and_never_deadlock() {
    run(one_by_one(1, |store| store));
}

/// As two processes would: both stores write to the same workspaces, each its own callers' leads together.
#[test]
fn eight_writers_whose_leads_travel_together_leave_three_workspaces_sound_and_never_deadlock() {
    run(one_by_one(3, |store| Arc::new(Coalesced::new(store).changes_per_flight(5))));
}

async fn one_by_one(workspaces: usize, wrap: impl Fn(Arc<dyn Store>) -> Arc<dyn Store>) {
    let own = Own::make().await;
    let mut dice = Dice::of_this_run();
    let world = Arc::new(World::make(&own, workspaces, sent_max(ONE_BY_ONE)).await);
    let processes =
        [wrap(own.store.clone()), wrap(own.store.clone())].map(|store| Convio::new(Shared(store)));
    let done = Arc::new(AtomicBool::new(false));
    let readers = readers(&own, &world, &done).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| tokio::spawn(write_one_by_one(world.clone(), processes[n % 2].clone(), dice.fork())))
        .collect();
    finish(own, world, writers, readers, done).await;
}

#[test]
fn the_audit_sees_what_is_broken() {
    run(async {
        let place = Place::make().await;
        let convio = Convio::new(place.store());
        let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await.unwrap();
        for (n, phone) in [0, 1, 1, 2].into_iter().enumerate() {
            let raw = RawLead::json(format!(r#"{{"phone":"{}","ref":"{n}"}}"#, e164(phone)));
            let raw = raw.idempotency_key(format!("key {n}")).external_id(format!("external {n}"));
            let _ = acme.ingest(raw).await.unwrap();
        }
        let _ = acme.ingest(RawLead::json(r#"{"name":"nobody"}"#)).await.unwrap();
        assert_eq!(laws(&place).await, [""; 0]);
        for (damage, law) in DAMAGE {
            let mut tx = place.pool.begin().await.unwrap();
            // On the connection of the damage alone, which is then rolled back.
            tx.execute(AssertSqlSafe(damage.replace("{s}", &place.schema))).await.unwrap();
            let broken = broken_laws(&mut tx, &place.schema).await;
            assert!(broken.iter().any(|broken| broken.starts_with(law)), "{damage}: {broken:?}");
            tx.rollback().await.unwrap();
        }
    });
}

/// Eight writers of overlapping batches on this many workspaces.
async fn batches_of(workspaces: usize) {
    let own = Own::make().await;
    let mut dice = Dice::of_this_run();
    let world = Arc::new(World::make(&own, workspaces, sent_max(BATCHED)).await);
    let done = Arc::new(AtomicBool::new(false));
    let readers = readers(&own, &world, &done).await;
    let writers: Vec<_> =
        (0..WRITERS).map(|_| tokio::spawn(write_batches(world.clone(), dice.fork()))).collect();
    finish(own, world, writers, readers, done).await;
}

/// Waits for the writers and the readers, and compares what they were told with what is stored.
async fn finish(
    own: Own,
    world: Arc<World>,
    writers: Vec<JoinHandle<Told>>,
    readers: Vec<JoinHandle<Vec<i64>>>,
    done: Arc<AtomicBool>,
) {
    let mut told = Told::default();
    for writer in writers {
        told.add(writer.await.expect("the writer"));
    }
    done.store(true, Ordering::SeqCst);
    let place = &own.place;
    let mut heads = Vec::new();
    for acme in &world.workspaces {
        heads.push(
            place.count(&format!("SELECT feed FROM {{s}}.head WHERE workspace_id = '{}'", acme.id())).await,
        );
    }
    for reader in readers {
        assert_eq!(reader.await.expect("the reader"), heads, "a reader missed the end of a feed");
    }

    assert_eq!(stored(place).await, told.acked, "acknowledged and stored differ");
    let claims = "SELECT workspace_id, value, holder_id FROM {s}.claim WHERE kind = 0";
    let held: BTreeMap<(Uuid, String), Uuid> =
        rows(place, claims).await.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect();
    // A call that lost its external id took nothing, and so its key is nobody's.
    assert_eq!(held, told.keys, "keys that were answered with and keys that are held differ");
    assert_eq!(laws(place).await, [""; 0]);

    let contacts = place.count("SELECT count(*) FROM {s}.contact").await;
    let repeats = place.count("SELECT count(*) FROM {s}.lead WHERE duplicate_of IS NOT NULL").await;
    println!(
        "{} sent: {} stored ({contacts} contacts, {repeats} repeats, {} rejected), {} replays, {} other bodies under a key, {} \
         lost external ids; {} commits run again",
        world.sent_max,
        told.acked.len(),
        told.rejected,
        told.replays,
        told.conflicts,
        told.external,
        own.store.retries(),
    );
    // So that what was shown means something.
    for (what, n) in
        [("replays", told.replays), ("conflicts", told.conflicts), ("external ids", told.external)]
    {
        assert!(n >= 5, "only {n} {what}");
    }
    assert!(told.rejected >= 5 && repeats >= 5, "{} rejected, {repeats} repeats", told.rejected);
    drop(world);
    own.saw_no_deadlock().await;
}

/// A database of its own: the server counts deadlocks per database.
struct Own {
    name: String,
    place: Place,
    store: Arc<PgStore>,
}

impl Own {
    async fn make() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("convio_load_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let mut admin = connect().await;
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("makes a database");
        admin.close().await.expect("closes");
        let options = PgPoolOptions::new().max_connections(CONNECTIONS_MAX).test_before_acquire(false);
        let pool = options.connect_lazy_with(server().database(&name));
        // The schema's name is that of the database, so that nobody's is removed with it elsewhere.
        let place = Place { pool, schema: name.clone() };
        let store = Arc::new(place.store());
        store.migrate().await.expect("migrates");
        Self { name, place, store }
    }

    /// The server counted no deadlock in this database; and it would have: one that is made on purpose is the first.
    async fn saw_no_deadlock(self) {
        self.store.release().await;
        self.place.pool.close().await;
        let mut admin = connect().await;
        // A backend's counts are in by its end.
        let backends = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{}'", self.name);
        until(&mut admin, &backends, |n| n == 0).await;
        deadlock(&server().database(&self.name)).await;
        let counted = format!("SELECT deadlocks FROM pg_stat_database WHERE datname = '{}'", self.name);
        assert_eq!(until(&mut admin, &counted, |n| n > 0).await, 1, "deadlocks, and one of them on purpose");
        admin.close().await.expect("closes");
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // On a thread of its own: a test may end inside of the runtime.
        let dropped = std::thread::spawn(move || {
            run(async { connect().await.execute(AssertSqlSafe(drop)).await.map(std::mem::drop) })
        });
        if !std::thread::panicking() {
            dropped.join().expect("no panic").expect("drops the database");
        }
    }
}

/// Two transactions, each of which waits for the other.
async fn deadlock(server: &sqlx::postgres::PgConnectOptions) {
    let mut one = PgConnection::connect_with(server).await.expect("connects");
    let mut two = PgConnection::connect_with(server).await.expect("connects");
    one.execute("BEGIN; SELECT pg_advisory_xact_lock(1)").await.expect("locks");
    two.execute("BEGIN; SELECT pg_advisory_xact_lock(2)").await.expect("locks");
    let waiting = tokio::spawn(async move {
        let waited = one.execute("SELECT pg_advisory_xact_lock(2)").await.map(drop);
        one.close().await.expect("closes");
        waited
    });
    let blocked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    until(&mut two, blocked, |n| n == 1).await;
    let waited = two.execute("SELECT pg_advisory_xact_lock(1)").await.map(drop);
    two.close().await.expect("closes");
    let both = [waited, waiting.await.expect("no panic")];
    assert_eq!(both.iter().filter(|waited| waited.is_err()).count(), 1, "one of both ends: {both:?}");
}

/// Asks until the answer is right.
async fn until(conn: &mut PgConnection, sql: &str, is_right: fn(i64) -> bool) -> i64 {
    for _ in 0..POLLS_MAX {
        let n = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *conn).await.expect("reads");
        if is_right(n) {
            return n;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never came: {sql}");
}

/// Workspaces, and what has been sent to them.
struct World {
    workspaces: Vec<WorkspaceHandle<'static>>,
    plans: Vec<ConfigSnapshot>,
    store: Arc<PgStore>,
    ids: RandomIds,
    /// Offers that some writer has sent, or is sending.
    sent: Mutex<Vec<Offer>>,
    /// How many leads have been given to writers, and how many there are.
    given: AtomicUsize,
    sent_max: usize,
}

impl World {
    async fn make(own: &Own, workspaces: usize, sent_max: usize) -> Self {
        let convio = Convio::new(Shared(own.store.clone()));
        let (mut handles, mut plans) = (Vec::new(), Vec::new());
        for n in 0..workspaces {
            let new = NewWorkspace::named(format!("Acme {n}")).zone("America/New_York");
            let acme = convio.create_workspace(new).await.expect("a workspace");
            let loaded = own.store.load(&Needs::of(acme.id(), [Need::Config])).await.expect("loads");
            plans.push(ConfigSnapshot::of(loaded, acme.id()).expect("a configuration"));
            handles.push(acme);
        }
        Self {
            workspaces: handles,
            plans,
            store: own.store.clone(),
            ids: RandomIds::default(),
            sent: Mutex::default(),
            given: AtomicUsize::new(0),
            sent_max,
        }
    }

    /// Takes up to this many of the leads that are still to be sent.
    fn take(&self, wanted: usize) -> usize {
        let before = self.given.fetch_add(wanted, Ordering::SeqCst);
        wanted.min(self.sent_max.saturating_sub(before))
    }

    /// A new offer, or one that some writer has sent or is sending: as it was, or with another body.
    fn offer(&self, dice: &mut Dice) -> Offer {
        let mut sent = self.sent.lock().expect("nobody panics with it");
        if dice.chance(15) && !sent.is_empty() {
            // Mostly of the newest, which may be in flight.
            let back = if dice.chance(70) { dice.index(40) } else { dice.index(500) };
            let mut again = sent[sent.len() - 1 - back.min(sent.len() - 1)].clone();
            if dice.chance(25) {
                again.body.insert_str(1, r#""more":"!","#);
            }
            return again;
        }
        let phone = e164(dice.index(PHONES));
        let body = match dice.chance(4) {
            true => format!(r#"{{"name":"Pat {}"}}"#, sent.len()),
            false => {
                let source = ["Google", "google", "bing", "direct"][dice.index(4)];
                format!(r#"{{"name":"Pat {}","phone":"{phone}","source":"{source}"}}"#, sent.len())
            }
        };
        let external =
            (body.contains("phone") && dice.chance(8)).then(|| format!("external {}", dice.below(20)));
        let workspace = dice.index(self.workspaces.len());
        let offer = Offer { workspace, key: format!("key {}", sent.len()), external, body };
        sent.push(offer.clone());
        offer
    }
}

/// A raw lead under an idempotency key.
#[derive(Debug, Clone)]
struct Offer {
    workspace: usize,
    key: String,
    external: Option<String>,
    body: String,
}

impl Offer {
    /// As a raw lead that was received some time of the last weeks.
    fn raw(&self, dice: &mut Dice) -> RawLead {
        let minutes = i64::try_from(dice.below(60 * 24 * 60)).expect("a few weeks");
        let raw = RawLead::json(self.body.clone()).idempotency_key(&self.key);
        let raw = raw.received_at(SystemClock.now() - convio_core::chrono::TimeDelta::minutes(minutes));
        match &self.external {
            Some(id) => raw.external_id(id),
            None => raw,
        }
    }
}

/// What writers were told.
#[derive(Default)]
struct Told {
    /// Per lead or rejection: its workspace, and of a lead the contact and the number.
    acked: BTreeMap<Uuid, (Uuid, Option<(Uuid, i64)>)>,
    /// What holds each key, by every answer that told of it.
    keys: BTreeMap<(Uuid, String), Uuid>,
    replays: usize,
    conflicts: usize,
    external: usize,
    rejected: usize,
}

impl Told {
    fn ack(&mut self, workspace: WorkspaceId, intake: Uuid, contact: Option<(Uuid, i64)>) {
        let before = self.acked.insert(intake, (workspace.uuid(), contact));
        assert_eq!(before, None, "{intake} was taken twice");
        self.rejected += usize::from(contact.is_none());
    }

    fn key(&mut self, workspace: WorkspaceId, key: &str, holder: Uuid) {
        let held = *self.keys.entry((workspace.uuid(), key.to_owned())).or_insert(holder);
        assert_eq!(held, holder, "`{key}` was answered with two leads");
    }

    fn add(&mut self, other: Self) {
        for (intake, (workspace, contact)) in other.acked {
            self.ack(WorkspaceId::from_uuid(workspace), intake, contact);
        }
        for ((workspace, key), holder) in other.keys {
            self.key(WorkspaceId::from_uuid(workspace), &key, holder);
        }
        self.replays += other.replays;
        self.conflicts += other.conflicts;
        self.external += other.external;
    }
}

/// Sends batches of 1 to 60, a good part of them of one, each row to any of the workspaces.
async fn write_batches(world: Arc<World>, mut dice: Dice) -> Told {
    let mut told = Told::default();
    loop {
        let wanted = if dice.chance(30) { 1 } else { 1 + dice.index(BATCH_MAX) };
        let size = world.take(wanted);
        if size == 0 {
            return told;
        }
        let mut offers: Vec<Offer> = (0..size).map(|_| world.offer(&mut dice)).collect();
        if size > 1 && dice.chance(30) {
            // The same call twice in one batch.
            let (from, to) = (dice.index(size), dice.index(size));
            offers[to] = offers[from].clone();
        }
        dice.shuffle(&mut offers);
        let batch: Vec<_> = offers.iter().map(|offer| change_set(&world, offer, &mut dice)).collect();
        let (intakes, batch): (Vec<Uuid>, Vec<ChangeSet>) = batch.into_iter().unzip();
        let answers = world.store.commit(batch).await;
        assert_eq!(answers.len(), size);
        for ((offer, intake), answer) in offers.iter().zip(intakes).zip(answers) {
            hear(&mut told, world.workspaces[offer.workspace].id(), offer, intake, answer);
        }
    }
}

fn change_set(world: &World, offer: &Offer, dice: &mut Dice) -> (Uuid, ChangeSet) {
    let context = Context {
        at: SystemClock.now(),
        ids: &world.ids,
        origin: &Origin::default(),
        provider: None,
        config: Some(&world.plans[offer.workspace]),
    };
    let plan = plan(&offer.raw(dice), &world.plans[offer.workspace], &context).expect("a plan");
    (plan.intake.uuid(), plan.changes)
}

fn hear(
    told: &mut Told,
    workspace: WorkspaceId,
    offer: &Offer,
    intake: Uuid,
    answer: Result<Receipt, CommitError>,
) {
    match answer {
        Ok(receipt) => {
            let contact = receipt.contacts.first();
            told.ack(
                workspace,
                intake,
                contact.map(|merged| (merged.id.uuid(), number(merged.number.as_u64()))),
            );
            told.key(workspace, &offer.key, intake);
        }
        Err(CommitError::GateLost(GateLost::Claim { claimant, kind, holder, same_body })) => {
            assert_eq!(claimant, intake);
            match (kind, same_body) {
                (ClaimKind::IdempotencyKey, true) => told.replays += 1,
                (ClaimKind::IdempotencyKey, false) => told.conflicts += 1,
                (ClaimKind::ExternalId, _) => told.external += 1,
                other => panic!("{other:?}"),
            }
            if kind == ClaimKind::IdempotencyKey {
                told.key(workspace, &offer.key, holder);
            }
        }
        Err(error) => panic!("{offer:?}: {error}"),
    }
}

/// Sends leads one by one.
async fn write_one_by_one(world: Arc<World>, convio: Convio<'static>, mut dice: Dice) -> Told {
    let mut told = Told::default();
    while world.take(1) == 1 {
        let offer = world.offer(&mut dice);
        let acme = convio.workspace(world.workspaces[offer.workspace].id());
        match acme.ingest(offer.raw(&mut dice)).await {
            Ok(Ingested::Created(taken) | Ingested::Linked(taken)) => {
                let contact = (taken.contact.uuid(), number(taken.number.as_u64()));
                told.ack(acme.id(), taken.lead.uuid(), Some(contact));
                told.key(acme.id(), &offer.key, taken.lead.uuid());
            }
            Ok(Ingested::Rejected(refused)) => {
                told.ack(acme.id(), refused.id.uuid(), None);
                told.key(acme.id(), &offer.key, refused.id.uuid());
            }
            // The first answer may be that of another call with the same external id and body.
            Ok(Ingested::Replayed(_)) => told.replays += 1,
            Ok(answer) => panic!("{offer:?}: {answer:?}"),
            Err(error) => match error.reasons().first().map(|reason| reason.field.as_str()) {
                Some("idempotency_key") => told.conflicts += 1,
                Some("external_id") => told.external += 1,
                _ => panic!("{offer:?}: {error}"),
            },
        }
    }
    told
}

/// Two that follow the feeds while they are written, one through the store and one that asks the server.
async fn readers(own: &Own, world: &Arc<World>, done: &Arc<AtomicBool>) -> Vec<JoinHandle<Vec<i64>>> {
    let mut conn = PgConnection::connect_with(&server().database(&own.name)).await.expect("connects");
    let sql = format!(
        "SELECT position FROM {}.event WHERE workspace_id = $1 AND position > $2 ORDER BY position",
        own.name
    );
    let (one, two) = (world.clone(), world.clone());
    let (done_one, done_two) = (done.clone(), done.clone());
    vec![
        tokio::spawn(async move {
            let mut last = vec![0i64; one.workspaces.len()];
            loop {
                let ending = done_one.load(Ordering::SeqCst);
                let mut is_new = false;
                for (acme, last) in one.workspaces.iter().zip(&mut last) {
                    let feed = acme.feed(Position(last.cast_unsigned()), 500).await.expect("reads");
                    is_new |= follow_on(last, feed.iter().map(|event| number(event.position.0)));
                }
                if ending && !is_new {
                    return last;
                }
            }
        }),
        tokio::spawn(async move {
            let mut last = vec![0; two.workspaces.len()];
            loop {
                let ending = done_two.load(Ordering::SeqCst);
                let mut is_new = false;
                for (acme, last) in two.workspaces.iter().zip(&mut last) {
                    let query =
                        sqlx::query_scalar(AssertSqlSafe(sql.clone())).bind(acme.id().uuid()).bind(*last);
                    let feed: Vec<i64> = query.fetch_all(&mut conn).await.expect("reads");
                    is_new |= follow_on(last, feed.into_iter());
                }
                if ending && !is_new {
                    conn.close().await.expect("closes");
                    return last;
                }
            }
        }),
    ]
}

/// Goes on to these positions, each of which must be the one after the last.
fn follow_on(last: &mut i64, positions: impl Iterator<Item = i64>) -> bool {
    let before = *last;
    for position in positions {
        assert_eq!(position, *last + 1, "a reader missed an event");
        *last = position;
    }
    *last != before
}

/// Per lead or rejection that is stored: its workspace, and of a lead the contact and the number.
async fn stored(place: &Place) -> BTreeMap<Uuid, (Uuid, Option<(Uuid, i64)>)> {
    let sql = "SELECT l.id, l.workspace_id, c.id, c.number FROM {s}.lead l
        LEFT JOIN {s}.contact c ON c.workspace_id = l.workspace_id AND c.id = l.contact_id
        UNION ALL SELECT id, workspace_id, NULL, NULL FROM {s}.rejection";
    let contact = |row: &PgRow| Some((row.get::<Option<Uuid>, _>(2)?, row.get(3)));
    rows(place, sql).await.iter().map(|row| (row.get(0), (row.get(1), contact(row)))).collect()
}

async fn rows(place: &Place, sql: &str) -> Vec<PgRow> {
    let sql = sql.replace("{s}", &place.schema);
    sqlx::query(AssertSqlSafe(sql)).fetch_all(&place.pool).await.expect("reads")
}

async fn laws(place: &Place) -> Vec<String> {
    let mut conn = place.pool.acquire().await.expect("a connection");
    broken_laws(&mut conn, &place.schema).await
}

fn e164(line: usize) -> String {
    format!("+1310555{line:04}")
}

fn number(n: u64) -> i64 {
    i64::try_from(n).expect("as Postgres keeps it")
}

/// How many leads a test sends.
fn sent_max(unless_told: usize) -> usize {
    let told = std::env::var("CONVIO_TEST_LOAD").ok();
    told.map_or(unless_told, |told| told.parse().expect("CONVIO_TEST_LOAD is a whole number"))
}

/// What may happen to a schema, and the law that it breaks.
const DAMAGE: &[(&str, &str)] = &[
    ("DELETE FROM {s}.event WHERE position = 3", "a feed is"),
    ("UPDATE {s}.event SET position = position + 100 WHERE position = 5", "a feed is"),
    ("UPDATE {s}.head SET feed = feed + 1", "a feed is"),
    ("DELETE FROM {s}.head", "an event is of a workspace"),
    ("UPDATE {s}.contact SET version = version + 1", "a contact's version"),
    ("UPDATE {s}.event SET contact_seq = 9 WHERE position = 3", "a contact's stream is"),
    ("UPDATE {s}.lead SET version = 2", "a lead's stream is"),
    ("UPDATE {s}.event SET contact_seq = NULL WHERE position = 3", "a lead was received once"),
    ("UPDATE {s}.event SET contact_number = 7 WHERE position = 4", "the event that made a contact"),
    ("UPDATE {s}.contact SET leads = leads + 1", "a contact counts its leads"),
    ("UPDATE {s}.lead SET opened_contact = true", "a contact was opened"),
    ("UPDATE {s}.contact SET first_at = now()", "a contact's first touch"),
    ("UPDATE {s}.lead SET contact_id = gen_random_uuid()", "a lead has a contact"),
    ("DELETE FROM {s}.contact_key", "a contact has its phone"),
    ("UPDATE {s}.contact_key SET contact_id = gen_random_uuid()", "a contact has its phone"),
    ("UPDATE {s}.contact SET phone = '+13105550000'", "a phone is one contact"),
    ("DELETE FROM {s}.payload", "a lead or a rejection has its payload"),
    ("DELETE FROM {s}.rejection", "a lead or a rejection has its payload"),
    ("DELETE FROM {s}.payload", "a claim is held by"),
    ("UPDATE {s}.claim SET holder_id = (SELECT min(id::text)::uuid FROM {s}.lead)", "an intake holds no two"),
    ("DELETE FROM {s}.claim WHERE kind = 1", "a lead holds its external id"),
    ("DELETE FROM {s}.repeat_window", "a window remembers"),
    ("UPDATE {s}.rollup SET n0 = n0 + 1", "the daily sums"),
    ("UPDATE {s}.rollup SET n3 = n3 + 1", "the daily sums"),
    ("DELETE FROM {s}.rollup", "the daily sums"),
    ("UPDATE {s}.contact SET number = number + 1 WHERE leads = 1", "contacts have the first 3 numbers"),
    ("UPDATE {s}.head SET contacts = contacts + 1", "contacts have the first 4 numbers"),
];
/// Writers of a test.
const WRITERS: usize = 8;
/// Those, two readers, and one to look.
const CONNECTIONS_MAX: u32 = 12;
/// Rows of a batch.
const BATCH_MAX: usize = 60;
/// Persons: fewer than leads, so that they meet.
const PHONES: usize = 2_000;
/// Leads of a test that sends batches.
const BATCHED: usize = 3_000;
/// Leads of the test that sends them one by one.
const ONE_BY_ONE: usize = 1_000;
/// How often something is looked for: a minute and more.
const POLLS_MAX: usize = 20_000;
