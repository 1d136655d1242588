//! What one lead costs, in statements: no more, no less, and none that goes through a table row by row.
//!
//! These are facts of the store. Where a change makes one of them another, look why, and write the new one down here and
//! in the table of `writer.rs`.

mod support {
    pub(crate) mod trace;
}

use std::path::Path;

use convio_core::service::Atomicity;
use convio_core::{Convio, Error, Ingested, NewWebhook, NewWorkspace, RawLead, WorkspaceHandle, WorkspaceId};
use convio_store_sqlite::SqliteStore;
use rusqlite::Connection;
use support::trace::{Statement, Trace};
use tempfile::TempDir;

#[test]
fn a_lead_that_makes_a_contact_costs_17_statements() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let (answer, cost) = world.ingest(lead(1));
    assert!(matches!(answer, Ok(Ingested::Created(_))), "{answer:?}");
    assert_eq!(gists(&cost, WRITER), in_group(&[GATE, NEW_CONTACT, LEAD]));
    assert_eq!(cost.len(), 17);
}

#[test]
fn a_lead_of_a_known_contact_costs_16_statements() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let _ = world.ingest(lead(1));
    let (answer, cost) = world.ingest(lead(1));
    assert!(matches!(answer, Ok(Ingested::Linked(_))), "{answer:?}");
    assert_eq!(gists(&cost, WRITER), in_group(&[GATE, KNOWN_CONTACT, LEAD]));
    assert_eq!(cost.len(), 16);
}

#[test]
fn an_idempotency_key_costs_2_statements_more() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let (answer, cost) = world.ingest(lead(1).idempotency_key("k"));
    assert!(matches!(answer, Ok(Ingested::Created(_))), "{answer:?}");
    assert_eq!(gists(&cost, WRITER), in_group(&[GATE, &["SELECT claim", "INSERT claim"], NEW_CONTACT, LEAD]));
    assert_eq!(cost.len(), 19);
}

#[test]
fn an_external_id_costs_2_statements_more() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let (answer, cost) = world.ingest(lead(1).external_id("x").idempotency_key("k"));
    assert!(matches!(answer, Ok(Ingested::Created(_))), "{answer:?}");
    let claims = ["SELECT claim", "INSERT claim"].repeat(2);
    assert_eq!(gists(&cost, WRITER), in_group(&[GATE, &claims, NEW_CONTACT, LEAD]));
    assert_eq!(cost.len(), 21);
}

#[test]
fn a_limit_costs_2_statements_more() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let slow = NewWebhook::named("slow").with(|settings| settings.leads_per_hour_max = Some(9));
    pollster::block_on(world.acme.create_webhook(slow)).unwrap();
    assert!(pollster::block_on(world.acme.webhook("slow")).unwrap().is_some());
    for used in 0..2 {
        trace.take();
        let (answer, cost) = world.ingest(lead(used).webhook("slow"));
        assert!(matches!(answer, Ok(Ingested::Created(_))), "{answer:?}");
        let counter = ["SELECT counter", "INSERT counter"];
        assert_eq!(gists(&cost, WRITER), in_group(&[GATE, &counter, NEW_CONTACT, LEAD]));
        assert_eq!(cost.len(), 19);
    }
}

#[test]
fn a_replay_writes_nothing_and_costs_11_statements() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let _ = world.ingest(lead(1).idempotency_key("k"));
    let (answer, cost) = world.ingest(lead(1).idempotency_key("k"));
    assert!(matches!(answer, Ok(Ingested::Replayed(_))), "{answer:?}");
    assert_eq!(gists(&cost, WRITER), in_group(&[GATE, &["SELECT claim", "ROLLBACK TO"]]));
    let answer = ["SELECT rejection", "SELECT lead", "SELECT contact", "SELECT appointment"];
    assert_eq!(gists(&cost, READER), answer);
    assert_eq!(cost.len(), 11);
}

#[test]
fn a_rejected_lead_costs_11_statements() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let (answer, cost) = world.ingest(RawLead::json(r#"{"phone":"12"}"#));
    assert!(matches!(answer, Ok(Ingested::Rejected(_))), "{answer:?}");
    let kept = [
        "INSERT payload",
        "SELECT rejection",
        "INSERT rejection",
        "INSERT event",
        "INSERT rollup",
        "INSERT head",
    ];
    assert_eq!(gists(&cost, WRITER), in_group(&[GATE, &kept]));
    assert_eq!(cost.len(), 11);
}

#[test]
fn a_batch_begins_and_commits_once() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let raws = (0..100).map(lead).collect();
    let answer = pollster::block_on(world.acme.ingest_batch(raws, Atomicity::PerRow)).unwrap();
    assert!(answer.rows.iter().all(|row| matches!(row, Ok(Ingested::Created(_)))));
    let cost = gists(&trace.take(), WRITER);
    let times = |gist: &str| cost.iter().filter(|found| *found == gist).count();
    assert_eq!((times("BEGIN"), times("COMMIT"), times("SAVEPOINT convio")), (1, 1, 100));
    assert_eq!(cost.len(), 2 + 100 * 15);
}

#[test]
fn the_first_lead_of_a_process_reads_the_configuration_and_no_other_does() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let world = world.reopened(&trace);
    let (_, cost) = world.ingest(lead(1));
    assert_eq!(
        gists(&cost, READER),
        ["BEGIN", "SELECT head", "SELECT workspace", "SELECT webhook", "SELECT record", "ROLLBACK"]
    );
    let (_, cost) = world.ingest(lead(2));
    assert_eq!(gists(&cost, READER), [""; 0]);
}

#[test]
fn nothing_is_scanned_however_many_leads_there_are() {
    let trace = Trace::start();
    let mut world = World::new(&trace);
    for round in 0..2 {
        let raws = (0..500).map(|n| lead(round * 500 + n)).collect();
        let _ = pollster::block_on(world.acme.ingest_batch(raws, Atomicity::PerRow)).unwrap();
        let _ = world.ingest(lead(1).idempotency_key(format!("k{round}")));
        let _ = world.ingest(lead(1).idempotency_key(format!("k{round}")));
        let _ = world.ingest(RawLead::json(r#"{"phone":"12"}"#));
        trace.take();
        let calls =
            [lead(1), lead(9_000 + round), RawLead::json("{}"), lead(1).idempotency_key(format!("k{round}"))];
        for raw in calls {
            let (_, cost) = world.ingest(raw);
            let scans: Vec<_> = cost.iter().filter(|statement| statement.scanned > 0).collect();
            assert!(scans.is_empty(), "{scans:?}");
        }
        // An orderly end may leave statistics behind: the plans must hold with them too.
        world = world.reopened(&trace);
    }
    // What is scanned would be seen.
    let conn = Connection::open(world.home.path().join("leads.db")).unwrap();
    let leads: i64 =
        conn.query_row("SELECT count(*) FROM lead WHERE source = 'other'", [], |row| row.get(0)).unwrap();
    assert_eq!(leads, 0);
    assert!(trace.take().iter().any(|statement| statement.scanned > 1_000));
}

/// A workspace that a store has at hand.
struct World<'t> {
    trace: &'t Trace,
    acme: WorkspaceHandle<'static>,
    home: TempDir,
}

impl<'t> World<'t> {
    fn new(trace: &'t Trace) -> Self {
        let home = tempfile::tempdir().unwrap();
        let convio = open(home.path());
        let acme = pollster::block_on(convio.create_workspace(NewWorkspace::named("Acme Solar"))).unwrap();
        // The configuration is at hand from now on.
        assert!(pollster::block_on(acme.webhook("direct")).unwrap().is_some());
        trace.take();
        Self { trace, acme, home }
    }

    /// The same in a new process.
    fn reopened(self, trace: &'t Trace) -> Self {
        let (home, id): (TempDir, WorkspaceId) = (self.home, self.acme.id());
        drop(self.acme);
        let acme = open(home.path()).workspace(id);
        trace.take();
        Self { trace, acme, home }
    }

    fn ingest(&self, raw: RawLead) -> (Result<Ingested, Error>, Vec<Statement>) {
        let answer = pollster::block_on(self.acme.ingest(raw));
        (answer, self.trace.take())
    }
}

fn open(home: &Path) -> Convio<'static> {
    Convio::new(SqliteStore::open(home.join("leads.db")).unwrap())
}

fn lead(n: usize) -> RawLead {
    RawLead::json(format!(r#"{{"name":"Pat {n}","phone":"+1310555{n:04}"}}"#))
}

/// What a thread did.
fn gists(cost: &[Statement], thread: &str) -> Vec<String> {
    cost.iter().filter(|statement| statement.thread == thread).map(Statement::gist).collect()
}

/// A group of one change set with these parts.
fn in_group(parts: &[&[&str]]) -> Vec<String> {
    let parts = parts.concat();
    [&["BEGIN", "SAVEPOINT convio"], parts.as_slice(), &["RELEASE convio", "COMMIT"]]
        .concat()
        .iter()
        .map(|s| (*s).to_owned())
        .collect()
}

const WRITER: &str = "convio-sqlite-write";
const READER: &str = "convio-sqlite-read";
/// The workspace's row: its feed, its contacts, its configuration.
const GATE: &[&str] = &["SELECT head"];
/// By key; then the candidate, which must not be there.
const NEW_CONTACT: &[&str] =
    &["SELECT contact_key", "SELECT contact", "INSERT contact_key", "INSERT contact"];
const KNOWN_CONTACT: &[&str] = &["SELECT contact_key", "SELECT contact", "UPDATE contact"];
/// Repeats, the lead, its payload, its event, the day's sums, the head.
const LEAD: &[&str] = &[
    "SELECT repeat_window",
    "INSERT repeat_window",
    "SELECT lead",
    "INSERT lead",
    "INSERT payload",
    "INSERT event",
    "INSERT rollup",
    "INSERT head",
];
