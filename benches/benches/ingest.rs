//! Ingest beside a bare insert.
//!
//!     cargo bench -p convio-benches
//!
//! Subject: full leads (1 kB payload, contact, key, window, event, rollup) in batches of 1,000 through the public face.
//! Floor: one row of the same bytes per lead through a cached `INSERT`, in transactions of 1,000, the same durability.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use convio_benches::{Ratio, cpu_seconds};
use convio_core::service::Atomicity;
use convio_core::{Convio, NewWebhook, NewWorkspace, RawLead, Store, WorkspaceHandle};
use convio_store_memory::MemoryStore;
use convio_store_sqlite::SqliteStore;
use rusqlite::{Connection, params};

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut sqlite, mut memory, mut floor) = (
        subject(SqliteStore::open(folder.path().join("leads.db")).expect("a store")),
        subject(MemoryStore::new()),
        {
            let conn = Connection::open(folder.path().join("floor.db")).expect("a file");
            conn.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE lead (id BLOB PRIMARY KEY, phone TEXT, body BLOB) STRICT, WITHOUT ROWID;",
            )
            .expect("a table");
            Floor { conn, next: 0 }
        },
    );
    let (mut to_floor, mut to_memory) = (Ratio::default(), Ratio::default());
    let mut per_lead = Vec::new();
    for round in 0..=ROUNDS {
        let floor = timed(|| floor.run());
        let sqlite = timed(|| sqlite.run());
        let memory = timed(|| memory.run());
        if round > 0 {
            // The first round compiles the phone patterns and fills the caches.
            to_floor.round(sqlite, floor);
            to_memory.round(sqlite, memory);
            per_lead.push((sqlite, memory, floor));
        }
    }
    per_lead.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (sqlite, memory, floor) = per_lead[per_lead.len() / 2];
    let micros = |seconds: f64| seconds * 1e6 / LEADS as f64;
    println!("processor time per lead, batches of {BATCH}, {LEADS} leads a round, contacts all new");
    println!("  SQLite, full lead against bare insert: {to_floor}");
    println!("  SQLite against memory, both with reading and planning: {to_memory}");
    println!(
        "  median round: SQLite {:.1} us, memory {:.1} us, bare insert {:.1} us",
        micros(sqlite),
        micros(memory),
        micros(floor)
    );
}

struct Subject {
    workspace: WorkspaceHandle<'static>,
    next: u64,
}

fn subject(store: impl Store + 'static) -> Subject {
    pollster::block_on(async {
        let convio = Convio::new(store);
        let workspace = convio.create_workspace(NewWorkspace::named("bench")).await.expect("a workspace");
        let region = |settings: &mut convio_core::WebhookSettings| settings.region = "US".parse().ok();
        workspace.create_webhook(NewWebhook::named("web").with(region)).await.expect("a webhook");
        Subject { workspace, next: 0 }
    })
}

impl Subject {
    fn run(&mut self) {
        for _ in 0..LEADS / BATCH {
            let rows = (0..BATCH).map(|_| RawLead::json(body(&mut self.next)).webhook("web")).collect();
            let batch = self.workspace.ingest_batch(rows, Atomicity::PerRow);
            let answer = pollster::block_on(batch).expect("a batch");
            assert!(answer.rows.iter().all(|row| row.as_ref().is_ok_and(|row| row.accepted().is_ok())));
        }
    }
}

struct Floor {
    conn: Connection,
    next: u64,
}

impl Floor {
    fn run(&mut self) {
        for _ in 0..LEADS / BATCH {
            let tx = self.conn.transaction().expect("a transaction");
            {
                let mut insert =
                    tx.prepare_cached("INSERT INTO lead VALUES (?1, ?2, ?3)").expect("a statement");
                for _ in 0..BATCH {
                    let body = body(&mut self.next);
                    let mut id = [0u8; 16];
                    id[..8].copy_from_slice(&self.next.to_be_bytes());
                    insert.execute(params![id, phone(self.next), body]).expect("a row");
                }
            }
            tx.commit().expect("a commit");
        }
    }
}

/// A lead of 1 kB with a phone of its own.
fn body(next: &mut u64) -> Vec<u8> {
    *next += 1;
    let phone = phone(*next);
    let head = format!(
        r#"{{"firstName":"John","lastName":"Doe","phone":"{phone}","email":"john.doe{next}@example.com","street":"1 Main Street","city":"Springfield","state":"CA","zip":"90210","product":"Solar","campaign":"spring","utm_source":"google","roof":"tile","bill":180,"notes":""#
    );
    let mut body = head.into_bytes();
    body.resize(1_000, b'x');
    body.extend(br#""}"#);
    body
}

fn phone(n: u64) -> String {
    format!("+1{:03}{:03}{:04}", 201 + n / 8_000_000 % 700, 200 + n / 10_000 % 800, n % 10_000)
}

fn timed(work: impl FnOnce()) -> f64 {
    let before = cpu_seconds();
    work();
    cpu_seconds() - before
}

const BATCH: usize = 1_000;
const LEADS: usize = 10_000;
const ROUNDS: usize = 7;
