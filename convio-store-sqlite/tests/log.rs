//! What leads write to the log, and that it stays so while the file grows. Counts, not times.
//!
//! The leads are whole: a payload of a kilobyte, a new contact each, phone numbers in no order.
#![expect(clippy::print_stdout, reason = "the counts are what these tests are read for")]

mod support {
    #[expect(dead_code, reason = "the power stays on here")]
    pub(crate) mod disk;
    pub(crate) mod shim;
    #[expect(dead_code, reason = "which statements there are is told elsewhere")]
    pub(crate) mod trace;
}

use std::path::PathBuf;

use chrono::DateTime;
use convio_core::service::Atomicity;
use convio_core::{Convio, FixedClock, NewWorkspace, RawLead, SequentialIds, WorkspaceHandle};
use convio_store_sqlite::Options;
use rusqlite::Connection;
use support::disk::{Disk, Syncs};
use support::shim;
use support::trace::Trace;
use tempfile::TempDir;

#[test]
fn a_lead_alone_writes_two_dozen_pages_and_one_of_a_thousand_less_than_two() {
    let _alone = Trace::start(); // what this reads is none of the other tests' statements
    let world = World::new("log-pages", LOG_PAGES_MAX);
    world.ingest_batch(0, 1_000);
    let began = world.disk.syncs();
    (0..LEADS_ALONE).for_each(|n| world.ingest(1_000 + n));
    let alone = world.disk.syncs().since(began);
    let began = world.disk.syncs();
    world.ingest_batch(2_000, 1_000);
    let together = world.disk.syncs().since(began);
    println!("{LEADS_ALONE} leads one by one: {alone:?}; 1,000 in a batch: {together:?}");
    assert_eq!((alone.commits, together.commits), (LEADS_ALONE, 1));
    // One page of each b-tree, and now and then one that is split.
    assert!((22 * LEADS_ALONE..26 * LEADS_ALONE).contains(&alone.log_pages), "{alone:?}");
    assert!((1_000..2_000).contains(&together.log_pages), "{together:?}");
}

#[test]
fn a_lead_costs_the_same_however_many_there_are() {
    let trace = Trace::start();
    let world = World::new("log-growth", LOG_PAGES_MAX);
    let cost = |first: usize| {
        let began = world.disk.syncs();
        trace.take();
        world.ingest_batch(first, 1_000);
        let statements = trace.take();
        let steps: i32 = statements.iter().map(|statement| statement.steps).sum();
        (statements.len(), steps, world.disk.syncs().since(began))
    };
    world.ingest_batch(0, 1_000);
    let young = cost(1_000);
    (2..BATCHES).for_each(|batch| world.ingest_batch(batch * 1_000, 1_000));
    let old = cost(BATCHES * 1_000);
    println!("leads 1,001 to 2,000: {young:?}; the thousand after {BATCHES},000: {old:?}");
    assert_eq!(young.0, old.0);
    // Every step costs the same, whatever is there: an index of a thousand times the rows is two pages deeper.
    assert!((young.1 - old.1).abs() < young.1 / 100);
    // Keys, numbers and phones come in no order: at worst each is on a page of its own, of three b-trees.
    assert!(old.2.log_pages <= young.2.log_pages + 3_000, "{young:?} {old:?}");
}

#[test]
fn a_long_read_lets_the_log_grow_and_holds_nobody_up() {
    let pages_max = 200;
    let _alone = Trace::start(); // what this reads is none of the other tests' statements
    let world = World::new("log-reader", pages_max);
    let began = world.disk.syncs();
    let reader = Connection::open(&world.file).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM lead").unwrap();
    (0..50).for_each(|n| world.ingest(n));
    let spent = world.disk.syncs().since(began);
    assert!(spent.log_pages > 2 * pages_max as usize && spent.restarts == 0, "{spent:?}");
    reader.execute_batch("COMMIT").unwrap();
    // It is begun anew at the next occasion.
    let mut n = 50;
    while world.disk.syncs().since(began).restarts == 0 {
        world.ingest(n);
        n += 1;
        assert!(n < 2_000, "{:?}", world.disk.syncs().since(began));
    }
    assert_eq!(world.disk.syncs().since(began).checkpoints_of_writer, 0);
}

#[test]
fn a_log_is_no_larger_than_it_may_be() {
    let _alone = Trace::start(); // what this reads is none of the other tests' statements
    let world = World::new("log-bound", 500);
    for n in 0..200 {
        world.ingest(n);
        let log = std::fs::metadata(world.file.with_extension("db-wal")).unwrap().len();
        // What one group writes comes on top of it.
        assert!(log < (500 + 40) * PAGE_BYTES, "{log} bytes after {n} leads");
    }
    let spent: Syncs = world.disk.syncs();
    assert!(spent.restarts > 0 && spent.checkpoints_of_writer == 0, "{spent:?}");
}

/// A workspace on a disk that counts.
struct World {
    disk: &'static Disk,
    file: PathBuf,
    acme: WorkspaceHandle<'static>,
    _home: TempDir,
}

impl World {
    fn new(name: &str, log_pages_max: u32) -> Self {
        let disk = shim::register(name);
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("leads.db");
        let store = Options::new().vfs(name).log_pages_max(log_pages_max).open(&file).unwrap();
        let clock = FixedClock(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let convio = Convio::with(store, clock, SequentialIds::seeded(1));
        let acme = pollster::block_on(convio.create_workspace(NewWorkspace::named("Acme Solar"))).unwrap();
        assert!(pollster::block_on(acme.webhook("direct")).unwrap().is_some());
        Self { disk, file, acme, _home: home }
    }

    fn ingest(&self, n: usize) {
        assert!(pollster::block_on(self.acme.ingest(lead(n))).unwrap().accepted().is_ok());
    }

    fn ingest_batch(&self, first: usize, leads: usize) {
        let raws = (first..first + leads).map(lead).collect();
        let batch = pollster::block_on(self.acme.ingest_batch(raws, Atomicity::PerRow)).unwrap();
        assert!(batch.rows.iter().all(|row| row.as_ref().is_ok_and(|row| row.accepted().is_ok())));
    }
}

fn lead(n: usize) -> RawLead {
    // A step that has no divisor in common with the million numbers: each comes once.
    let line = n * 618_033 % 1_000_000;
    let phone = format!("+1{}555{:04}", 212 + line / 10_000, line % 10_000);
    let notes = "x".repeat(650);
    RawLead::json(format!(
        r#"{{"firstName":"John","lastName":"Doe","phone":"{phone}","email":"john.doe{n}@example.com","street":"1 Main Street",
        "city":"Springfield","state":"CA","zip":"90210","product":"Solar","campaign":"spring","utm_source":"google",
        "roof":"tile","bill":180,"notes":"{notes}"}}"#
    ))
}

/// More than these tests write.
const LOG_PAGES_MAX: u32 = 1_000_000;
/// Leads that come one by one.
const LEADS_ALONE: usize = 50;
/// Batches of a thousand before the last one.
const BATCHES: usize = 12;
const PAGE_BYTES: u64 = 4_096 + 24;
