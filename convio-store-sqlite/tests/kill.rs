//! `kill -9` under load: what was acknowledged is there, nothing is there twice, and what was not acknowledged can be
//! sent again.
//!
//! The process that is killed is this binary again, started for its ignored test `second_process`.
#![expect(clippy::print_stdout, reason = "what was killed, and when, is worth reading")]

mod support {
    pub(crate) mod acked;
    pub(crate) mod audit;
}

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use convio_conformance::dice::Dice;
use convio_conformance::process::{Process, order, say};
use convio_core::service::Atomicity;
use convio_core::{Convio, Ingested, LeadId, NewWorkspace, RawLead, WorkspaceHandle};
use convio_store_sqlite::SqliteStore;
use rusqlite::Connection;
use support::acked::{Acked, missing};
use support::audit::broken_laws;

#[test]
fn twenty_kills_under_load_lose_nothing_acknowledged_and_double_nothing() {
    let mut dice = Dice::of_this_run();
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("leads.db");
    let new = NewWorkspace::named("Acme Solar");
    let convio = Convio::new(SqliteStore::open(&path).unwrap());
    let acme = pollster::block_on(convio.create_workspace(new)).unwrap().id();
    drop(convio);
    let mut all = Vec::new();
    let (mut open, mut replayed) = (0, 0);
    for run in 0..KILLS {
        let mut process = Process::start(&[&path.display().to_string(), &acme.to_string(), &run.to_string()]);
        let acks = 1 + dice.below(ACKS_MAX);
        let mut lines: Vec<_> = (0..acks).map(|_| process.line()).collect();
        std::thread::sleep(Duration::from_micros(dice.below(PAUSE_MICROS)));
        process.kill();
        lines.extend(process.rest());
        let acked: HashMap<Key, Acked> = lines.iter().map(|line| ack(line)).collect();

        // The store is the first to open what is left.
        let convio = Convio::new(SqliteStore::open(&path).unwrap());
        let acme = convio.workspace(acme);
        assert_eq!(broken_laws(&path), [""; 0], "run {run}");
        let before = stored(&path);
        let mut sent = Vec::new();
        for key in open_keys(run, &acked) {
            open += 1;
            let answer = pollster::block_on(acme.ingest(raw(&key))).unwrap();
            let lead = answer.accepted().unwrap().lead;
            match (before.get(&key), &answer) {
                (Some(stored), Ingested::Replayed(_)) => {
                    assert_eq!(lead, *stored, "{key:?}");
                    replayed += 1;
                }
                (None, Ingested::Created(_) | Ingested::Linked(_)) => {}
                (stored, answer) => panic!("{key:?}: before {stored:?}, now {answer:?}"),
            }
            sent.push((key, lead));
        }
        let after = stored(&path);
        assert!(sent.iter().all(|(key, lead)| after.get(key) == Some(lead)), "run {run}");
        let acked: Vec<_> = acked.into_values().collect();
        let lost = missing(&acme, &acked);
        assert!(lost.is_empty(), "run {run}: {lost:?}");
        all.extend(acked);
    }
    let convio = Convio::new(SqliteStore::open(&path).unwrap());
    let lost = missing(&convio.workspace(acme), &all);
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(broken_laws(&path), [""; 0]);
    println!("{} acknowledged, {open} sent again, of which {replayed} were there", all.len());
    assert!(all.len() >= KILLS && open >= KILLS);
}

#[test]
fn the_audit_sees_what_is_broken() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("leads.db");
    let convio = Convio::new(SqliteStore::open(&path).unwrap());
    pollster::block_on(async {
        let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await.unwrap();
        for step in [0, 1, 700] {
            let _ = acme.ingest(raw(&Key { run: 0, task: 0, step, row: 0 })).await.unwrap();
        }
    });
    drop(convio);
    assert_eq!(broken_laws(&path), [""; 0]);
    for (damage, law) in DAMAGE {
        let copy = home.path().join("copy.db");
        std::fs::copy(&path, &copy).unwrap();
        let conn = Connection::open(&copy).unwrap();
        conn.execute_batch(damage).unwrap();
        let broken = broken_laws(&copy);
        assert!(broken.iter().any(|broken| broken.starts_with(law)), "{damage}: {broken:?}");
    }
}

/// The process that is killed.
#[test]
#[ignore = "the test of this file starts it"]
fn second_process() {
    let Some(order) = order() else { return };
    let [path, workspace, run] = order.as_slice() else { panic!("an order is three words") };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    runtime.block_on(async {
        let convio = Convio::new(SqliteStore::open(path).unwrap());
        let acme = convio.workspace(workspace.parse().unwrap());
        let run = run.parse().unwrap();
        let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(ingest(acme.clone(), run, task))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// Step by step: each is a lead, or a batch of leads, and is said once it is acknowledged.
async fn ingest(acme: WorkspaceHandle<'static>, run: usize, task: usize) {
    for step in 0..STEPS_MAX {
        let keys = keys(run, task, step);
        let answers = match keys.as_slice() {
            [key] => vec![acme.ingest(raw(key)).await],
            keys => acme.ingest_batch(keys.iter().map(raw).collect(), Atomicity::PerRow).await.unwrap().rows,
        };
        for (key, answer) in keys.iter().zip(answers) {
            let answer = answer.unwrap();
            let accepted = answer.accepted().unwrap();
            say(&format!("{} {} {}", key.text(), accepted.lead, accepted.contact));
        }
    }
}

/// One raw lead of a run: what it holds follows from its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    run: usize,
    task: usize,
    step: usize,
    row: usize,
}

impl Key {
    fn text(&self) -> String {
        format!("{}-{}-{}-{}", self.run, self.task, self.step, self.row)
    }

    fn read(text: &str) -> Self {
        let parts: Vec<usize> = text.split('-').map(|part| part.parse().unwrap()).collect();
        let [run, task, step, row] = parts[..] else { panic!("no key: {text}") };
        Self { run, task, step, row }
    }
}

/// The keys of a step. Every fourth one is a batch.
fn keys(run: usize, task: usize, step: usize) -> Vec<Key> {
    let rows = if (task + step).is_multiple_of(4) { 5 } else { 1 };
    (0..rows).map(|row| Key { run, task, step, row }).collect()
}

fn raw(key: &Key) -> RawLead {
    RawLead::json(body(key)).idempotency_key(key.text())
}

/// Contacts are shared by tasks and runs: 700 persons, each with one number.
fn body(key: &Key) -> String {
    let person = (key.run * 131 + key.task * 37 + key.step * 11 + key.row) % 700;
    format!(r#"{{"name":"Pat {person}","phone":"+1310555{person:04}","ref":"{}"}}"#, key.text())
}

fn ack(line: &str) -> (Key, Acked) {
    let [key, lead, contact] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("no ack: {line}") };
    let key = Key::read(key);
    (key, Acked { lead: lead.parse().unwrap(), contact: contact.parse().unwrap(), body: body(&key) })
}

/// What may have been under way: of each task the first step that was not acknowledged whole.
fn open_keys(run: usize, acked: &HashMap<Key, Acked>) -> Vec<Key> {
    let is_open = |key: &Key| !acked.contains_key(key);
    let first_open =
        |task| (0..=STEPS_MAX).map(|step| keys(run, task, step)).find(|keys| keys.iter().any(is_open));
    (0..TASKS).filter_map(first_open).flatten().filter(is_open).collect()
}

/// The leads, by the key that their payload names. No two have the same one.
fn stored(path: &Path) -> HashMap<Key, LeadId> {
    let conn = Connection::open(path).unwrap();
    let sql = "SELECT CAST(body AS TEXT) ->> 'ref', id FROM payload";
    let mut payloads = conn.prepare(sql).unwrap();
    let rows =
        payloads.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, [u8; 16]>(1)?))).unwrap();
    let mut stored = HashMap::new();
    for (key, id) in rows.map(Result::unwrap) {
        let lead = LeadId::from_uuid(uuid::Uuid::from_bytes(id));
        assert_eq!(stored.insert(Key::read(&key), lead), None, "key {key} has two leads");
    }
    stored
}

/// What may happen to a file, and the law that it breaks.
const DAMAGE: &[(&str, &str)] = &[
    ("DELETE FROM event WHERE position = 3", "a feed is 1, 2, 3 ... up to its head"),
    ("UPDATE event SET position = position + 1 WHERE position = 5", "a feed is 1, 2, 3 ... up to its head"),
    ("UPDATE head SET feed = feed + 1", "a feed is 1, 2, 3 ... up to its head"),
    ("DELETE FROM head", "an event is of a workspace with a head"),
    ("UPDATE contact SET version = version + 1", "a contact's stream is 1, 2, 3 ... up to its version"),
    (
        "UPDATE event SET contact_seq = 9 WHERE position = 3",
        "a contact's stream is 1, 2, 3 ... up to its version",
    ),
    ("UPDATE lead SET version = 2", "a lead's stream is 1, 2, 3 ... up to its version"),
    (
        "UPDATE event SET contact_id = zeroblob(16) WHERE position = 3",
        "a stream belongs to a contact that exists",
    ),
    ("UPDATE event SET lead_id = zeroblob(16) WHERE position = 3", "a stream belongs to a lead that exists"),
    ("UPDATE event SET contact_seq = NULL WHERE position = 3", "a lead was received once, by its contact"),
    ("UPDATE contact SET leads = leads + 1", "a contact counts its leads"),
    ("UPDATE lead SET opened_contact = 1", "a contact was opened by one of its leads"),
    ("UPDATE lead SET contact_id = zeroblob(16)", "a lead has a contact"),
    ("DELETE FROM contact_key", "a contact has a key"),
    ("UPDATE contact_key SET contact_id = zeroblob(16)", "a key leads to a contact"),
    ("DELETE FROM payload", "a lead has its payload"),
    ("DELETE FROM lead", "a payload is of a lead or a rejection"),
    ("DELETE FROM payload", "a claim is held by a lead or a rejection"),
    ("UPDATE rollup SET n0 = n0 + 1", "the daily sums count the leads and the contacts that they opened"),
    ("UPDATE rollup SET n1 = n1 + 1", "the daily sums count the leads and the contacts that they opened"),
    ("UPDATE contact SET number = number + 1 WHERE leads = 1", "contacts have the first 2 numbers"),
    ("UPDATE head SET contacts = contacts + 1", "contacts have the first 3 numbers"),
];
/// How often it is killed.
const KILLS: usize = 20;
/// Tasks of a process.
const TASKS: usize = 16;
/// Leads acknowledged before the kill, at most.
const ACKS_MAX: u64 = 200;
/// The kill comes this much later at most: in the middle of the next group.
const PAUSE_MICROS: u64 = 5_000;
/// More than a process comes to before it is killed.
const STEPS_MAX: usize = 100_000;
