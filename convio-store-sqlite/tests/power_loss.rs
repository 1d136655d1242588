//! What is acknowledged is synced: syncs are counted, and the power is lost.
//!
//! The store runs on a disk that forgets what was not synced ([`support::disk`]), put beneath SQLite by a VFS
//! ([`support::shim`]). The same on a store that does not sync its commits loses leads, so the disk does forget.
#![expect(clippy::print_stdout, reason = "the counts are what these tests are read for")]

mod support {
    pub(crate) mod acked;
    pub(crate) mod audit;
    pub(crate) mod disk;
    pub(crate) mod shim;
}

use std::path::Path;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use convio_conformance::dice::Dice;
use convio_core::service::Atomicity;
use convio_core::{Convio, Error, ErrorKind, Ingested, NewWorkspace, RawLead, WorkspaceHandle, WorkspaceId};
use convio_store_sqlite::{Options, SqliteStore, Synchronous};
use support::acked::{Acked, missing};
use support::audit::broken_laws;
use support::disk::{Disk, Syncs};
use support::shim;
use tempfile::TempDir;

#[test]
fn one_caller_pays_one_sync_of_the_log_per_lead() {
    let world = World::new("one-caller", Synchronous::Full);
    let (leads, began) = (300, world.disk.syncs());
    for n in 0..leads {
        let before = world.disk.syncs();
        taken(pollster::block_on(world.acme.ingest(lead(n))));
        assert_eq!(world.disk.syncs().commits, before.commits + 1, "lead {n}");
    }
    let spent = world.spent(began);
    println!("{leads} leads, one after the other: {spent:?}");
    assert_eq!(spent.commits, leads);
    // The log was copied into the database meanwhile, and began anew: counted apart. The writer did nothing of the first.
    assert!(spent.checkpoints > 0 && spent.restarts > 0);
    assert!(spent.restarts <= spent.checkpoints && spent.checkpoints <= spent.rechecks, "{spent:?}");
    assert_eq!(spent.checkpoints_of_writer, 0, "{spent:?}");

    let _ = pollster::block_on(world.acme.ingest(lead(leads).idempotency_key("k"))).unwrap();
    let before = world.disk.syncs();
    let replayed = pollster::block_on(world.acme.ingest(lead(leads).idempotency_key("k")));
    assert!(matches!(replayed, Ok(Ingested::Replayed(_))), "{replayed:?}");
    // A checkpoint of what came before may still go on beside it, on its own thread.
    let of_writer =
        |it: support::disk::Syncs| (it.commits, it.restarts, it.checkpoints_of_writer, it.log_pages);
    let told = "a replay writes nothing, and syncs nothing";
    assert_eq!(of_writer(world.disk.syncs()), of_writer(before), "{told}");
}

#[test]
fn callers_that_wait_at_the_same_time_share_a_sync_and_none_is_answered_before_it() {
    let world = World::new("shared-sync", Synchronous::Full);
    let began = world.disk.syncs();
    let mut calls: Vec<_> = (0..64).map(|n| Box::pin(world.acme.ingest(lead(n)))).collect();
    let held = world.disk.hold_syncs();
    assert!(calls.iter_mut().all(is_pending), "handed over");
    world.disk.wait_for_held_sync();
    // The first group is written, and waits for the disk; the others wait for the first group.
    assert!(calls.iter_mut().all(is_pending), "answered before the sync");
    drop(held);
    for call in calls {
        taken(pollster::block_on(call));
    }
    let spent = world.spent(began);
    println!("64 leads at the same time: {spent:?}");
    assert!((1..=2).contains(&spent.commits), "{spent:?}");
}

#[test]
fn callers_that_come_as_they_like_share_syncs_and_each_has_one_after_its_call() {
    let world = World::new("free-callers", Synchronous::Full);
    let began = world.disk.syncs();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    runtime.block_on(async {
        let call = |task: usize| {
            let (acme, disk) = (world.acme.clone(), world.disk);
            tokio::spawn(async move {
                for step in 0..10 {
                    let before = disk.syncs().commits;
                    taken(acme.ingest(lead(task * 10 + step)).await);
                    assert!(disk.syncs().commits > before);
                }
            })
        };
        for task in (0..64).map(call).collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
    let spent = world.spent(began);
    println!("640 leads of 64 callers: {spent:?}");
    assert!((10..=640).contains(&spent.commits), "{spent:?}");
}

#[test]
fn lost_power_loses_nothing_acknowledged() {
    let mut dice = Dice::of_this_run();
    let world = World::new("power", Synchronous::Full);
    world.disk.lose_power_often(dice.fork());
    let began = world.disk.syncs();
    let enough = || world.disk.losses() >= LOSSES && world.spent(began).checkpoints >= 2;
    let acked = world.ingest_until(enough);
    let (mut told, mut unsynced, mut within, mut extra) = (0, 0, 0, 0);
    let losses = world.disk.take_losses();
    for (n, loss) in losses.iter().enumerate() {
        told = told.max(loss.told());
        unsynced += loss.unsynced();
        within += usize::from(loss.is_within_checkpoint());
        for torn in [false, true] {
            let home = tempfile::tempdir().unwrap();
            if torn {
                loss.restore_torn(home.path(), &mut dice);
            } else {
                loss.restore(home.path());
            }
            let lost = lost(home.path(), world.acme.id(), &acked[..loss.told()]);
            assert!(lost.is_empty(), "loss {n}, torn {torn}: {lost:?}");
            extra += leads(home.path()) - LEADS_BEFORE - loss.told();
        }
    }
    println!(
        "{} losses of power, {within} of them within a checkpoint, up to {told} leads acknowledged, {unsynced} bytes dropped in all: none of the leads is \
         missing; {extra} that were not acknowledged yet were there",
        losses.len(),
    );
    assert!(told > 0 && unsynced > 0 && within > 0, "nothing was at stake");
}

/// The test above can fail: where commits are not synced, leads are lost.
#[test]
fn lost_power_loses_leads_where_commits_are_not_synced() {
    let world = World::new("power-normal", Synchronous::Normal);
    let mut calls = 0;
    let acked = world.ingest_until(|| {
        calls += 1;
        calls > 40
    });
    let home = tempfile::tempdir().unwrap();
    world.disk.lose_power().restore(home.path());
    let lost = lost(home.path(), world.acme.id(), &acked);
    println!("not synced: {} of {} acknowledged leads are missing", lost.len(), acked.len());
    assert!(!lost.is_empty());
}

#[test]
fn a_sync_that_fails_is_no_acknowledgement() {
    let world = World::new("failing-sync", Synchronous::Full);
    let raw = || lead(1).idempotency_key("k");
    world.disk.fail_sync_after(0);
    let failed = pollster::block_on(world.acme.ingest(raw()));
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Unknown);
    // The caller does as it is told: it looks whether it happened, by the same call again.
    let again = pollster::block_on(world.acme.ingest(raw())).unwrap();
    let accepted = again.accepted().unwrap();
    let acked = [Acked { lead: accepted.lead, contact: accepted.contact, body: body(1) }];
    let home = tempfile::tempdir().unwrap();
    world.disk.lose_power().restore(home.path());
    assert!(lost(home.path(), world.acme.id(), &acked).is_empty());
    assert_eq!(leads(home.path()), LEADS_BEFORE + 1);
}

#[test]
fn who_lost_a_gate_to_a_call_that_failed_has_failed_too() {
    let world = World::new("failing-group", Synchronous::Full);
    let call = |n| Box::pin(world.acme.ingest(lead(n).idempotency_key(format!("key {}", n / 2))));
    // While the first one is held, two calls with one key come into one group, whose sync then fails.
    let (mut first, mut second, mut third) = (call(0), call(2), call(2));
    let held = world.disk.hold_syncs();
    assert!(is_pending(&mut first));
    world.disk.wait_for_held_sync();
    assert!(is_pending(&mut second) && is_pending(&mut third));
    world.disk.fail_sync_after(1);
    drop(held);
    taken(pollster::block_on(first));
    for call in [second, third] {
        assert_eq!(pollster::block_on(call).unwrap_err().kind(), ErrorKind::Unknown);
    }
    taken(pollster::block_on(call(2)));
}

#[test]
fn a_group_is_one_sync_however_many_leads_it_is_of() {
    let world = World::new("group-sync", Synchronous::Full);
    for leads in [1, 10, 1_000] {
        let began = world.disk.syncs();
        let raws = (0..leads).map(|n| lead(n * 7)).collect();
        let batch = pollster::block_on(world.acme.ingest_batch(raws, Atomicity::PerRow)).unwrap();
        assert!(batch.rows.iter().all(Result::is_ok));
        let spent = world.spent(began);
        assert_eq!((spent.commits, spent.checkpoints_of_writer), (1, 0), "{leads} leads: {spent:?}");
    }
}

/// A workspace on a disk that forgets, with a first lead.
struct World {
    disk: &'static Disk,
    acme: WorkspaceHandle<'static>,
    _home: TempDir,
}

impl World {
    fn new(name: &str, synchronous: Synchronous) -> Self {
        let disk = shim::register(name);
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE);
        let open = |synchronous| {
            Options::new()
                .vfs(name)
                .synchronous(synchronous)
                .log_pages_max(LOG_PAGES_MAX)
                .open(&path)
                .unwrap()
        };
        // The workspace is always synced: it is the leads that are at stake.
        let convio = Convio::new(open(Synchronous::Full));
        let acme =
            pollster::block_on(convio.create_workspace(NewWorkspace::named("Acme Solar"))).unwrap().id();
        drop(convio);
        let acme = Convio::new(open(synchronous)).workspace(acme);
        // With a lead the configuration is at hand and the log begun: what comes then is all alike.
        taken(pollster::block_on(acme.ingest(RawLead::json(r#"{"phone":"+12125550100"}"#))));
        Self { disk, acme, _home: home }
    }

    fn spent(&self, began: Syncs) -> Syncs {
        self.disk.syncs().since(began)
    }

    /// Eight callers, single leads and batches, until it is enough; all that was acknowledged, in the order in which
    /// the world was told.
    fn ingest_until(&self, enough: impl FnMut() -> bool + Send) -> Vec<Acked> {
        let (acked, enough, next) = (Mutex::new(Vec::new()), Mutex::new(enough), AtomicUsize::new(0));
        let ingest = || {
            while !enough.lock().unwrap()() {
                let rows = if next.load(Ordering::Relaxed).is_multiple_of(3) { 4 } else { 1 };
                let first = next.fetch_add(rows, Ordering::Relaxed);
                let raws = (first..first + rows).map(lead).collect();
                let batch = pollster::block_on(self.acme.ingest_batch(raws, Atomicity::PerRow)).unwrap();
                for (n, answer) in (first..).zip(batch.rows) {
                    let answer = answer.unwrap();
                    let accepted = answer.accepted().unwrap();
                    let ack = Acked { lead: accepted.lead, contact: accepted.contact, body: body(n) };
                    // Kept first, so that who counts what was told finds it.
                    let mut acked = acked.lock().unwrap();
                    acked.push(ack);
                    self.disk.tell();
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(ingest);
            }
        });
        acked.into_inner().unwrap()
    }
}

/// Opens what is left in a folder as any other file, and gives the leads that are missing in it.
fn lost(folder: &Path, acme: WorkspaceId, acked: &[Acked]) -> Vec<Acked> {
    let path = folder.join(FILE);
    let convio = Convio::new(SqliteStore::open(&path).unwrap());
    let lost = missing(&convio.workspace(acme), acked);
    drop(convio);
    assert_eq!(broken_laws(&path), [""; 0]);
    lost
}

fn leads(folder: &Path) -> usize {
    let conn = rusqlite::Connection::open(folder.join(FILE)).unwrap();
    let leads: i64 = conn.query_row("SELECT count(*) FROM lead", [], |row| row.get(0)).unwrap();
    usize::try_from(leads).unwrap()
}

#[track_caller]
fn taken(answer: Result<Ingested, Error>) {
    assert!(matches!(answer, Ok(Ingested::Created(_) | Ingested::Linked(_))), "{answer:?}");
}

/// Polls once.
fn is_pending<F: Future>(call: &mut Pin<Box<F>>) -> bool {
    matches!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending)
}

/// Leads of 500 persons.
fn lead(n: usize) -> RawLead {
    RawLead::json(body(n))
}

fn body(n: usize) -> String {
    format!(r#"{{"name":"Pat {n}","phone":"+1310555{:04}"}}"#, n % 500)
}

const FILE: &str = "leads.db";
/// A small log, so that it begins anew often enough.
const LOG_PAGES_MAX: u32 = 1_500;
/// What each world begins with.
const LEADS_BEFORE: usize = 1;
/// Losses of power in one run.
const LOSSES: usize = 24;
