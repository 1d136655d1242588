//! What one lead costs, in statements: no more, no less, and none that goes through a table row by row.
//!
//! These are facts of the store. Where a change makes one of them another, look why, and write the new one down here and
//! in the table of `writer.rs`.

mod support {
    pub(crate) mod trace;
}

use std::path::Path;

use convio_core::consumer::ConsumerSettings;
use convio_core::delivery::{EventFilter, Guard, NewEndpoint, Outcome, Request, Response, Transport};
use convio_core::service::{Atomicity, Step};
use convio_core::{
    Convio, Error, Ingested, NewWebhook, NewWorkspace, Position, RawLead, WorkspaceHandle, WorkspaceId,
};
use convio_store_sqlite::SqliteStore;
use rusqlite::Connection;
use support::trace::{Statement, Trace};
use tempfile::TempDir;

#[test]
fn a_lead_that_makes_a_contact_costs_12_statements() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let (answer, cost) = world.ingest(lead(1));
    assert!(matches!(answer, Ok(Ingested::Created(_))), "{answer:?}");
    assert_eq!(gists(&cost, WRITER), in_group(&[GATE, NEW_CONTACT, PUT_NEW_CONTACT, LEAD, SUMS]));
    assert_eq!(cost.len(), 12);
}

#[test]
fn a_lead_of_a_known_contact_costs_13_statements() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let _ = world.ingest(lead(1));
    let (answer, cost) = world.ingest(lead(1));
    assert!(matches!(answer, Ok(Ingested::Linked(_))), "{answer:?}");
    assert_eq!(gists(&cost, WRITER), in_group(&[GATE, KNOWN_CONTACT, PUT_KNOWN_CONTACT, LEAD, SUMS]));
    assert_eq!(cost.len(), 13);
}

#[test]
fn an_idempotency_key_costs_2_statements_more() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let (answer, cost) = world.ingest(lead(1).idempotency_key("k"));
    assert!(matches!(answer, Ok(Ingested::Created(_))), "{answer:?}");
    let (read, put) = (["SELECT claim"], ["INSERT claim"]);
    assert_eq!(
        gists(&cost, WRITER),
        in_group(&[GATE, &read, NEW_CONTACT, &put, PUT_NEW_CONTACT, LEAD, SUMS])
    );
    assert_eq!(cost.len(), 14);
}

#[test]
fn an_external_id_costs_2_statements_more() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let (answer, cost) = world.ingest(lead(1).external_id("x").idempotency_key("k"));
    assert!(matches!(answer, Ok(Ingested::Created(_))), "{answer:?}");
    let (read, put) = (["SELECT claim"; 2], ["INSERT claim"; 2]);
    assert_eq!(
        gists(&cost, WRITER),
        in_group(&[GATE, &read, NEW_CONTACT, &put, PUT_NEW_CONTACT, LEAD, SUMS])
    );
    assert_eq!(cost.len(), 16);
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
        let (read, put) = (["SELECT counter"], ["INSERT counter"]);
        assert_eq!(
            gists(&cost, WRITER),
            in_group(&[GATE, &read, NEW_CONTACT, &put, PUT_NEW_CONTACT, LEAD, SUMS])
        );
        assert_eq!(cost.len(), 14);
    }
}

#[test]
fn a_replay_writes_nothing_and_costs_8_statements() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let _ = world.ingest(lead(1).idempotency_key("k"));
    let (answer, cost) = world.ingest(lead(1).idempotency_key("k"));
    assert!(matches!(answer, Ok(Ingested::Replayed(_))), "{answer:?}");
    assert_eq!(gists(&cost, WRITER), in_group(&[GATE, &["SELECT claim"]]));
    let answer = ["SELECT rejection", "SELECT lead", "SELECT contact", "SELECT appointment"];
    assert_eq!(gists(&cost, READER), answer);
    assert_eq!(cost.len(), 8);
}

#[test]
fn a_rejected_lead_costs_8_statements() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let (answer, cost) = world.ingest(RawLead::json(r#"{"phone":"12"}"#));
    assert!(matches!(answer, Ok(Ingested::Rejected(_))), "{answer:?}");
    let kept = ["INSERT payload", "INSERT rejection", "INSERT event"];
    assert_eq!(gists(&cost, WRITER), in_group(&[GATE, &kept, SUMS]));
    assert_eq!(cost.len(), 8);
}

#[test]
fn a_lead_of_a_batch_costs_a_read_and_16_of_them_6_statements_more() {
    let trace = Trace::start();
    let world = World::new(&trace);
    for (n, leads) in [(0, 15), (1, 16), (2, 100), (3, 1_000)] {
        let raws = (0..leads).map(|lead_n| lead(n * 1_000 + lead_n)).collect();
        let answer = pollster::block_on(world.acme.ingest_batch(raws, Atomicity::PerRow)).unwrap();
        assert!(answer.rows.iter().all(|row| matches!(row, Ok(Ingested::Created(_)))));
        let cost = gists(&trace.take(), WRITER);
        let times = |gist: &str| cost.iter().filter(|found| *found == gist).count();
        for once in ["BEGIN", "SELECT head", "INSERT rollup", "INSERT head", "COMMIT"] {
            assert_eq!(times(once), 1, "{once}");
        }
        assert_eq!(times("SELECT contact_key"), leads);
        for put in [PUT_NEW_CONTACT, LEAD].concat() {
            assert_eq!(times(put), leads / 16 + leads % 16, "{put}");
        }
        assert_eq!(cost.len(), 5 + leads + (leads / 16 + leads % 16) * 6);
    }
}

/// A row is read before the group is written, and what is written is what came of it in the end.
#[test]
fn leads_of_one_person_in_a_batch_write_their_contact_once() {
    let trace = Trace::start();
    let world = World::new(&trace);
    for _ in 0..2 {
        let raws = (0..50).map(|_| lead(1)).collect();
        let _ = pollster::block_on(world.acme.ingest_batch(raws, Atomicity::PerRow)).unwrap();
        let cost = gists(&trace.take(), WRITER);
        let puts = ["INSERT contact_key", "INSERT contact", "UPDATE contact", "INSERT repeat_window"];
        let written = cost.iter().filter(|gist| puts.contains(&gist.as_str())).count();
        assert!((2..=3).contains(&written), "{cost:?}");
    }
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
fn an_acknowledgement_costs_6_statements() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let _ = world.ingest(lead(1));
    let crm = world.acme.create_consumer("crm", ConsumerSettings::new(), Position(0));
    pollster::block_on(crm).unwrap();
    let mut worker = world.acme.consumer("crm").events_per_batch(1);
    for is_held in [false, true] {
        trace.take();
        let batch = pollster::block_on(worker.poll()).unwrap().unwrap();
        let cost = trace.take();
        // Whoever has the shard takes it no second time.
        let takes = if is_held { Vec::new() } else { in_group(&[GATE, ACK]) };
        assert_eq!(gists(&cost, WRITER), takes);
        pollster::block_on(batch.ack()).unwrap();
        let cost = trace.take();
        assert_eq!(gists(&cost, WRITER), in_group(&[GATE, ACK]));
        assert_eq!(cost.len(), 6);
    }
    // As many reads as there are shards, one for the consumer, one for the feed.
    assert!(pollster::block_on(worker.poll()).unwrap().is_some());
    let reads = gists(&trace.take(), READER);
    let reads = reads.iter().filter(|gist| gist.starts_with("SELECT")).collect::<Vec<_>>();
    assert_eq!(reads, ["SELECT record", "SELECT record", "SELECT event"]);
}

#[test]
fn a_delivery_costs_2_groups_to_make_and_2_to_send() {
    let trace = Trace::start();
    let world = World::new(&trace);
    let crm = NewEndpoint::to("https://crm.example.com/in").named("crm");
    let crm = crm.with(|settings| settings.events = EventFilter::only(["lead.received"]));
    pollster::block_on(world.acme.create_endpoint(crm, &Guard::new())).unwrap();
    // Its consumer comes first.
    let consumer = in_group(&[GATE, &["SELECT record"; 3], &["INSERT record"; 3], &["INSERT head"]]);
    let endpoint = in_group(&[GATE, &["SELECT record", "INSERT record", "INSERT event", "INSERT head"]]);
    assert_eq!(gists(&trace.take(), WRITER), [consumer, endpoint].concat());
    let mut courier = world.acme.courier(Receiver, Guard::new());
    let mut step = || {
        let step = pollster::block_on(courier.step()).unwrap();
        let cost = trace.take();
        (step, gists(&cost, READER), gists(&cost, WRITER))
    };
    while step().0 != Step::Idle {}

    let consumer = ["SELECT head", "BEGIN", "SELECT record", "SELECT record", "ROLLBACK", "SELECT event"];
    let health = ["BEGIN", "SELECT record", "ROLLBACK"];
    let next = [&health[..], &["BEGIN", "SELECT delivery", "ROLLBACK"]].concat();
    let (idle, reads, writes) = step();
    assert_eq!((idle, reads), (Step::Idle, owned(&[&consumer, &next])));
    assert_eq!(writes, [""; 0]);

    // It has its shard already: nothing is written to take it.
    let _ = world.ingest(lead(1));
    let (made, reads, writes) = step();
    assert_eq!((made, reads), (Step::Made(1), owned(&[&consumer, &["SELECT delivery"]])));
    let put = in_group(&[GATE, &["SELECT delivery", "INSERT delivery", "INSERT head"]]);
    assert_eq!(writes, [put.clone(), in_group(&[GATE, ACK])].concat());

    let (sent, reads, writes) = step();
    assert!(matches!(sent, Step::Sent(_)), "{sent:?}");
    assert_eq!(reads, owned(&[&consumer, &next, &["SELECT event", "SELECT head"], &health]));
    let rows = ["SELECT delivery", "SELECT record", "INSERT delivery", "INSERT record", "INSERT head"];
    assert_eq!(writes, [put, in_group(&[GATE, &rows])].concat());
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

/// A receiver that takes everything.
struct Receiver;

#[async_trait::async_trait]
impl Transport for Receiver {
    async fn send(&self, _: &Request) -> Outcome {
        Ok(Response::new(200))
    }
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

/// A shard, and the workspace's row.
const ACK: &[&str] = &["SELECT record", "INSERT record", "INSERT head"];

/// What a thread did.
fn gists(cost: &[Statement], thread: &str) -> Vec<String> {
    cost.iter().filter(|statement| statement.thread == thread).map(Statement::gist).collect()
}

/// A group of one change set with these parts.
fn in_group(parts: &[&[&str]]) -> Vec<String> {
    owned(&[&["BEGIN"], parts.concat().as_slice(), &["COMMIT"]])
}

fn owned(parts: &[&[&str]]) -> Vec<String> {
    parts.concat().into_iter().map(str::to_owned).collect()
}

const WRITER: &str = "convio-sqlite-write";
const READER: &str = "convio-sqlite-read";
/// The workspace's row: its feed, its contacts, its configuration.
const GATE: &[&str] = &["SELECT head"];
/// By key: whether the candidate is there, its insert finds out, and it has no window.
const NEW_CONTACT: &[&str] = &["SELECT contact_key"];
const PUT_NEW_CONTACT: &[&str] = &["INSERT contact_key", "INSERT contact"];
const KNOWN_CONTACT: &[&str] = &["SELECT contact_key", "SELECT contact", "SELECT repeat_window"];
const PUT_KNOWN_CONTACT: &[&str] = &["UPDATE contact"];
/// Its place among repeats, the lead, its payload, its event.
const LEAD: &[&str] = &["INSERT repeat_window", "INSERT lead", "INSERT payload", "INSERT event"];
/// The day's sums, the head.
const SUMS: &[&str] = &["INSERT rollup", "INSERT head"];
