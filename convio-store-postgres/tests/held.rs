//! A caller's transaction that stays open: who waits for it, and who does not.
//!
//! `CONVIO_TEST_HOLD_SECONDS=3 cargo test -p convio-store-postgres --test held -- --nocapture` holds one for that long, and prints
//! what it costs; see `docs/adr/0012-a-callers-transaction-holds-its-workspace.md`.

#![expect(clippy::print_stdout, reason = "what waiting costs is worth reading")]

#[path = "support/audit.rs"]
mod audit;
mod support;

use std::sync::Arc;
use std::time::Duration;

use audit::broken_laws;
use chrono::NaiveDate;
use convio_conformance::Shared;
use convio_core::contact::{ContactFilter, ContactRef};
use convio_core::lead::LeadFilter;
use convio_core::service::Atomicity;
use convio_core::{
    Accepted, Convio, Error, ErrorKind, Ingested, NewWebhook, NewWorkspace, PageRequest, Position, RawLead,
    StreamRef, WorkspaceHandle,
};
use convio_store_postgres::PgStore;
use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor};
use support::{Place, connect, run, server};
use tokio::task::JoinHandle;
use tokio::time::Instant;

#[test]
fn a_held_transaction_delays_writers_of_its_own_workspace_and_nobody_else() {
    run(async {
        let world = World::make().await;
        let World { acme, beta, .. } = &world;
        let before = taken(acme.ingest(lead(0)).await);
        let hold = std::env::var("CONVIO_TEST_HOLD_SECONDS").ok();
        let hold = hold.map(|told| Duration::from_secs(told.parse().expect("whole seconds")));
        if let Some(long) = hold {
            world.measure("not held", long).await;
        }
        let mut conn = connect().await;
        let mut tx = conn.begin().await.unwrap();
        let inside = acme.within(world.store.within(&mut tx));
        let held = taken(inside.ingest(lead(1)).await);
        drop(inside);

        let waiting = world.three_writers();
        world.until_blocked(3).await;
        // Another workspace goes on, whatever is written.
        for n in 0..20 {
            taken(beta.ingest(lead(n)).await);
        }
        assert!(
            beta.ingest_batch((0..20).map(lead).collect(), Atomicity::AllOrNothing).await.unwrap().applied
        );
        beta.create_webhook(NewWebhook::named("page")).await.unwrap();
        // Readers of this one do too: they see what is committed.
        reads(acme, before, &held).await;
        assert_eq!(world.blocked().await, 3, "they wait until the transaction ends");
        if let Some(long) = hold {
            world.measure("held", long).await;
        }
        let waited = Instant::now();
        tx.commit().await.unwrap();
        for writer in waiting {
            writer.await.unwrap();
        }
        println!("after the commit, the three writers took {:?}", waited.elapsed());
        conn.close().await.unwrap();

        assert_eq!(acme.lead(held.lead).await.unwrap().map(|lead| lead.contact), Some(held.contact));
        let feed = acme.feed(Position(0), 100).await.unwrap();
        // The workspace, its webhook, the lead before, the one that was held, and the seven that waited.
        assert_eq!(feed.len(), 11);
        assert_eq!(feed[3].lead_id(), Some(held.lead), "it was first");
        assert_eq!(world.laws().await, [""; 0]);
    });
}

#[test]
fn after_a_rollback_those_who_waited_find_nothing_of_it() {
    run(async {
        let world = World::make().await;
        let mut conn = connect().await;
        let mut tx = conn.begin().await.unwrap();
        let inside = world.acme.within(world.store.within(&mut tx));
        let held = taken(inside.ingest(lead(1)).await);
        drop(inside);
        let waiting = world.three_writers();
        world.until_blocked(3).await;
        tx.rollback().await.unwrap();
        for writer in waiting {
            writer.await.unwrap();
        }
        conn.close().await.unwrap();
        assert_eq!(world.acme.lead(held.lead).await.unwrap(), None);
        // Its number went to the first who came after it.
        let by_number = world.acme.contact(ContactRef::Number(held.number)).await.unwrap().unwrap();
        assert_ne!(by_number.id, held.contact);
        assert_eq!(world.acme.feed(Position(0), 100).await.unwrap().len(), 9);
        assert_eq!(world.laws().await, [""; 0]);
    });
}

#[test]
fn a_transaction_that_has_only_read_delays_nobody() {
    run(async {
        let world = World::make().await;
        let before = taken(world.acme.ingest(lead(0)).await);
        let mut conn = connect().await;
        let mut tx = conn.begin().await.unwrap();
        let inside = world.acme.within(world.store.within(&mut tx));
        reads(&inside, before, &accepted_nowhere()).await;
        drop(inside);
        for writer in world.three_writers() {
            writer.await.unwrap();
        }
        tx.rollback().await.unwrap();
        conn.close().await.unwrap();
        assert_eq!(world.laws().await, [""; 0]);
    });
}

#[test]
fn under_a_lock_timeout_a_writer_that_waits_is_told_to_come_again() {
    run(async {
        let world = World::over(PgPoolOptions::new().max_connections(6), &[("lock_timeout", "100ms")]).await;
        let mut conn = connect().await;
        let mut tx = conn.begin().await.unwrap();
        taken(world.acme.within(world.store.within(&mut tx)).ingest(lead(1)).await);
        let error = world.acme.ingest(lead(2)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true), "{error}");
        tx.commit().await.unwrap();
        taken(world.acme.ingest(lead(2)).await);
        conn.close().await.unwrap();
        assert_eq!(world.laws().await, [""; 0]);
    });
}

#[test]
fn under_a_timeout_of_idle_transactions_one_that_is_forgotten_ends_and_the_others_go_on() {
    run(async {
        let world = World::make().await;
        let mut conn = connect().await;
        let mut tx = conn.begin().await.unwrap();
        let held = taken(world.acme.within(world.store.within(&mut tx)).ingest(lead(1)).await);
        let waiting = world.three_writers();
        world.until_blocked(3).await;
        tx.execute("SET LOCAL idle_in_transaction_session_timeout = '50ms'").await.unwrap();
        for writer in waiting {
            writer.await.unwrap();
        }
        assert!(tx.commit().await.is_err(), "the server has ended it");
        assert_eq!(world.acme.lead(held.lead).await.unwrap(), None);
        assert_eq!(world.laws().await, [""; 0]);
    });
}

#[test]
fn writers_that_wait_can_use_up_a_pool_which_then_has_nothing_for_anybody() {
    run(async {
        let pool = PgPoolOptions::new().max_connections(3).acquire_timeout(ACQUIRE_TIMEOUT);
        let world = World::over(pool, &[]).await;
        let mut conn = connect().await;
        let mut tx = conn.begin().await.unwrap();
        taken(world.acme.within(world.store.within(&mut tx)).ingest(lead(1)).await);
        let waiting = world.three_writers();
        world.until_blocked(3).await;
        let error = world.beta.ingest(lead(1)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true), "{error}");
        tx.commit().await.unwrap();
        for writer in waiting {
            writer.await.unwrap();
        }
        taken(world.beta.ingest(lead(1)).await);
        conn.close().await.unwrap();
        assert_eq!(world.laws().await, [""; 0]);
    });
}

#[test]
fn rows_that_a_caller_locks_before_the_head_can_deadlock_which_is_why_commits_take_it_first() {
    run(async {
        let world = World::make().await;
        let known = taken(world.acme.ingest(lead(0)).await);
        let mut conn = connect().await;
        let mut tx = conn.begin().await.unwrap();
        // As a commit would that takes the head last: the contact first.
        let lock =
            format!("SELECT 1 FROM {}.contact WHERE id = '{}' FOR UPDATE", world.place.schema, known.contact);
        tx.execute(AssertSqlSafe(lock)).await.unwrap();
        // This one has the head, and waits for the contact.
        let acme = world.acme.clone();
        let other = tokio::spawn(async move { acme.ingest(lead(0)).await });
        world.until_blocked(1).await;
        // And here the transaction waits for the head: the server ends one of both.
        let inside = world.acme.within(world.store.within(&mut tx));
        let mine = inside.ingest(lead(1)).await;
        drop(inside);
        let i_was_ended = match &mine {
            Ok(_) => false,
            Err(error) => {
                assert!(error.is_retryable(), "{error}");
                true
            }
        };
        if i_was_ended {
            tx.rollback().await.unwrap()
        } else {
            tx.commit().await.unwrap()
        }
        // The other one is run again by the store, or was never ended.
        taken(other.await.unwrap());
        assert_eq!(world.store.retries() > 0, !i_was_ended);
        println!(
            "ended: the {}",
            if i_was_ended { "caller's transaction" } else { "store's commit, which ran again" }
        );
        conn.close().await.unwrap();
        assert_eq!(world.laws().await, [""; 0]);
    });
}

/// Two workspaces, and connections that are known by their name.
struct World {
    place: Place,
    store: Arc<PgStore>,
    acme: WorkspaceHandle<'static>,
    beta: WorkspaceHandle<'static>,
}

impl World {
    async fn make() -> Self {
        Self::over(PgPoolOptions::new().max_connections(6), &[]).await
    }

    /// With a pool like this, and settings of its connections.
    async fn over(pool: PgPoolOptions, settings: &[(&str, &str)]) -> Self {
        let place = Place::make().await;
        let options = server().application_name(&place.schema).options(settings.iter().copied());
        let pool = pool.test_before_acquire(false).connect_lazy_with(options);
        let store = Arc::new(PgStore::with(pool, place.options().hold(6)));
        let convio = Convio::new(Shared(store.clone()));
        let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await.unwrap();
        let beta = convio.create_workspace(NewWorkspace::named("Beta Solar")).await.unwrap();
        // Read the configuration now: nothing below shall wait for anything but the lock.
        for workspace in [&acme, &beta] {
            workspace.preview(&[lead(0)]).await.unwrap();
        }
        Self { place, store, acme, beta }
    }

    /// Of a known contact, of a new one, and five at once.
    fn three_writers(&self) -> Vec<JoinHandle<()>> {
        let (one, two, three) = (self.acme.clone(), self.acme.clone(), self.acme.clone());
        vec![
            tokio::spawn(async move { drop(taken(one.ingest(lead(1)).await)) }),
            tokio::spawn(async move { drop(taken(two.ingest(lead(2)).await)) }),
            tokio::spawn(async move {
                let rows = (10..15).map(lead).collect();
                let answer = three.ingest_batch(rows, Atomicity::AllOrNothing).await.unwrap();
                assert!(answer.applied);
            }),
        ]
    }

    /// How many connections of the store wait for a lock.
    async fn blocked(&self) -> i64 {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{s}' AND wait_event_type = 'Lock'";
        self.place.count(waiting).await
    }

    async fn until_blocked(&self, n: i64) {
        for _ in 0..POLLS_MAX {
            if self.blocked().await == n {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{n} never waited");
    }

    async fn laws(&self) -> Vec<String> {
        let mut conn: PgConnection = connect().await;
        let broken = broken_laws(&mut conn, &self.place.schema).await;
        conn.close().await.unwrap();
        broken
    }

    /// What others feel of it for so long.
    async fn measure(&self, what: &str, long: Duration) {
        let start = Instant::now();
        let mut rounds = Vec::new();
        while start.elapsed() < long {
            let one = Instant::now();
            taken(self.beta.ingest(lead(3)).await);
            let write = one.elapsed();
            let one = Instant::now();
            self.acme.feed(Position(0), 100).await.unwrap();
            rounds.push((write, one.elapsed()));
        }
        let tenth = (rounds.len() / 10).max(1);
        let p50 = |of: &[(Duration, Duration)], which: fn(&(Duration, Duration)) -> Duration| {
            let mut of: Vec<_> = of.iter().map(which).collect();
            of.sort();
            of[of.len() / 2]
        };
        let (first, last) = (&rounds[..tenth], &rounds[rounds.len() - tenth..]);
        println!("{what} for {:?}: {} leads to another workspace, one by one", start.elapsed(), rounds.len());
        println!("  a lead there, p50: {:?} at first, {:?} at last", p50(first, |r| r.0), p50(last, |r| r.0));
        println!("  a read here, p50: {:?} at first, {:?} at last", p50(first, |r| r.1), p50(last, |r| r.1));
        println!("  waiting here: {}", self.blocked().await);
    }
}

/// Reads of every kind, which know of `before`, and nothing of `held`.
async fn reads(acme: &WorkspaceHandle<'_>, before: Accepted, held: &Accepted) {
    let page = PageRequest::default();
    assert_eq!(acme.feed(Position(0), 100).await.unwrap().len(), 3);
    assert_eq!(acme.head().await.unwrap().unwrap().feed, Position(3));
    assert_eq!(acme.leads(&LeadFilter::default(), &page).await.unwrap().items.len(), 1);
    assert_eq!(acme.contacts(&ContactFilter::default(), &page).await.unwrap().items.len(), 1);
    assert!(acme.lead(before.lead).await.unwrap().is_some());
    assert_eq!(acme.lead(held.lead).await.unwrap(), None);
    assert!(acme.contact(ContactRef::Number(before.number)).await.unwrap().is_some());
    assert_eq!(acme.contact(ContactRef::Id(held.contact)).await.unwrap(), None);
    assert!(acme.payload(before.lead.intake()).await.unwrap().is_some());
    assert_eq!(acme.history(StreamRef::Lead(before.lead), &page).await.unwrap().items.len(), 1);
    assert_eq!(acme.daily_leads(NaiveDate::MIN, NaiveDate::MAX).await.unwrap().len(), 1);
    assert_eq!(acme.webhooks(&page).await.unwrap().items.len(), 1);
    assert!(acme.totals().await.unwrap().last_activity_at.is_some());
}

fn taken(answer: Result<Ingested, Error>) -> Accepted {
    answer.unwrap().into_accepted().unwrap()
}

/// Ids of nothing.
fn accepted_nowhere() -> Accepted {
    Accepted {
        lead: convio_core::LeadId::from_uuid(uuid::Uuid::from_u128(1)),
        contact: convio_core::ContactId::from_uuid(uuid::Uuid::from_u128(1)),
        number: convio_core::ContactNumber::from_stored(100_000).unwrap(),
        duplicate_of: None,
        flags: Vec::new(),
        appointment: None,
    }
}

fn lead(person: usize) -> RawLead {
    RawLead::json(format!(r#"{{"name":"Pat","phone":"+1310555{person:04}"}}"#))
}

/// How often a lock is looked for: a minute and more.
const POLLS_MAX: usize = 20_000;
/// For a call that waits for a connection in vain: long enough to make one, on a loaded machine too.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
