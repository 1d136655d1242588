//! Queries 3 and 6 of docs/mission.md on a million leads, beside joins written by hand over the tables.
//!
//!     cargo bench -p convio-benches --bench relations [-- file]
//!
//! The file is filled through the public face, in batches, and stays where it is named: a second run measures it again.
//! Filling commits with `Synchronous::Normal`, which is quicker and has no part in what is measured: the queries only read.
//! Each round opens the file anew, so that SQLite has cached nothing of it; the operating system has.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(clippy::disallowed_methods, reason = "a bench takes the time")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use convio_benches::Ratio;
use convio_core::service::Atomicity;
use convio_core::{Convio, NewWebhook, NewWorkspace, RawLead, WebhookSettings};
use convio_store_sqlite::{Options, Synchronous};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let named = std::env::args().skip(1).find(|arg| !arg.starts_with("--")).map(PathBuf::from);
    let file = named.unwrap_or_else(|| folder.path().join("leads.db"));
    if !file.exists() {
        let before = Instant::now();
        fill(&file);
        println!("filled in {:.0} s", before.elapsed().as_secs_f64());
    }
    let megabytes = std::fs::metadata(&file).expect("a file").len() / 1_000_000;
    let count = |table: &str| ask(&open(&file), &format!("SELECT count(*) FROM {table}"))[0][0].clone();
    let (leads, contacts) = (count("leads"), count("contacts"));
    println!(
        "{leads:?} leads, {contacts:?} contacts, 2 workspaces, {megabytes} MB, SQLite {}",
        rusqlite::version()
    );
    query_3(&file);
    query_6(&file);
}

/// Each round asks for other phones, of leads from all over the file.
fn query_3(file: &Path) {
    let query = |n: u64| queries()[2].replace("+15551234567", &phone(n));
    let (mut first, mut again, mut rows) = (Vec::new(), Vec::new(), 0);
    for round in 0..ROUNDS {
        let conn = open(file);
        for n in 0..PHONES {
            let sql = query(mixed(1 + (round * PHONES + n) * 4_999) % PEOPLE);
            let (seconds, found) = timed(|| ask(&conn, &sql));
            first.push(seconds);
            rows += found.len();
            let (seconds, repeated) = timed(|| ask(&conn, &sql));
            again.push(seconds);
            assert!(found == repeated && !found.is_empty());
        }
    }
    println!(
        "query 3, {} phones with {:.1} leads each on average:",
        first.len(),
        rows as f64 / first.len() as f64
    );
    let slow = first.iter().filter(|seconds| **seconds > 5e-3).count();
    println!("  asked for the first time: {}, {slow} of them above 5 ms", spread(first));
    println!("  asked again: {}", spread(again));
    let mut busiest = Vec::new();
    for _ in 0..ROUNDS {
        let (seconds, found) = timed(|| ask(&open(file), &query(0)));
        busiest.push(seconds);
        rows = found.len();
    }
    println!("  the busiest phone, {rows} leads, connection and all: {}", spread(busiest));
}

/// The query and its rivals take turns, each with all of its rows read.
fn query_6(file: &Path) {
    let query = &queries()[5];
    let mut seconds: Vec<Vec<f64>> = vec![Vec::new(); 1 + BY_HAND.len()];
    let mut rows = 0;
    for round in 0..=ROUNDS {
        let mut answers = Vec::new();
        for (sql, seconds) in
            std::iter::once(query.as_str()).chain(BY_HAND.iter().map(|(_, sql)| *sql)).zip(&mut seconds)
        {
            let conn = open(file);
            let (taken, mut found) = timed(|| ask(&conn, sql));
            if round > 0 {
                // The first round brings the file into the operating system's cache.
                seconds.push(taken);
            } else {
                found.sort_by_cached_key(|row| format!("{row:?}"));
            }
            answers.push(found);
        }
        rows = answers[0].len();
        match round {
            0 => assert!(answers.iter().all(|found| *found == answers[0]), "they answer alike"),
            _ => assert!(answers.iter().all(|found| found.len() == rows)),
        }
    }
    println!("query 6, {rows} contacts with several leads: {}", spread(seconds[0].clone()));
    for ((name, _), by_hand) in BY_HAND.iter().zip(&seconds[1..]) {
        let mut ratio = Ratio::default();
        seconds[0].iter().zip(by_hand).for_each(|(subject, floor)| ratio.round(*subject, *floor));
        println!("  {ratio} of {name}: {}", spread(by_hand.clone()));
    }
}

/// Two clients who know the same people.
fn fill(file: &Path) {
    pollster::block_on(async {
        let store = Options::new().synchronous(Synchronous::Normal).open(file).expect("a store");
        let convio = Convio::new(store);
        for workspace in 0..WORKSPACES {
            let new = NewWorkspace::named(format!("client {workspace}"));
            let workspace = convio.create_workspace(new).await.expect("a workspace");
            let region = |settings: &mut WebhookSettings| settings.region = "US".parse().ok();
            workspace.create_webhook(NewWebhook::named("web").with(region)).await.expect("a webhook");
            for batch in 0..LEADS / WORKSPACES / BATCH {
                let lead = |n: u64| RawLead::json(body(batch * BATCH + n)).webhook("web");
                let answer = workspace.ingest_batch((0..BATCH).map(lead).collect(), Atomicity::PerRow);
                let answer = answer.await.expect("a batch");
                assert!(answer.rows.iter().all(|row| row.as_ref().is_ok_and(|row| row.accepted().is_ok())));
            }
        }
    });
}

/// A lead of one of the people, who come back in no order; the first of them comes back all the time.
fn body(n: u64) -> Vec<u8> {
    let person = if n.is_multiple_of(2_500) { 0 } else { mixed(n) % PEOPLE };
    let (phone, product) =
        (phone(person), ["Solar", "HVAC", "Insurance", "Roofing"][(mixed(n) >> 40) as usize % 4]);
    format!(
        r#"{{"firstName":"John","lastName":"Doe {person}","phone":"{phone}","email":"john.doe{person}@example.com","street":"{n} Main Street","city":"Springfield","state":"CA","zip":"90210","product":"{product}","campaign":"spring-{}","utm_source":"google","utm_medium":"cpc","roof":"tile","bill":{}}}"#,
        n % 12,
        n % 400
    )
    .into_bytes()
}

fn phone(n: u64) -> String {
    format!("+1{:03}{:03}{:04}", 201 + n / 8_000_000 % 700, 200 + n / 10_000 % 800, n % 10_000)
}

/// The output of SplitMix64 for this state.
fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// The queries as they are written in the document.
fn queries() -> Vec<String> {
    let sections = include_str!("../../docs/mission.md").split("```sql\n").skip(1);
    sections.map(|section| section.split("```").next().unwrap_or_default().trim().to_owned()).collect()
}

fn open(file: &Path) -> Connection {
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a file")
}

/// Every cell of every row, read.
fn ask(conn: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = conn.prepare(sql).expect("a query");
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect());
    rows.expect("an answer").collect::<Result<_, _>>().expect("rows")
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let before = Instant::now();
    let done = work();
    (before.elapsed().as_secs_f64(), done)
}

fn spread(mut seconds: Vec<f64>) -> String {
    seconds.sort_by(f64::total_cmp);
    let [low, median, high] = [0, seconds.len() / 2, seconds.len() - 1].map(|at| seconds[at] * 1e3);
    format!("{median:.2} ms ({low:.2} to {high:.2}, {} times)", seconds.len())
}

const BATCH: u64 = 10_000;
const LEADS: u64 = 1_000_000;
const WORKSPACES: u64 = 2;
/// Of each client: about 300,000 contacts in all.
const PEOPLE: u64 = 155_000;
/// Per round.
const PHONES: u64 = 8;
const ROUNDS: u64 = 9;

/// Query 6 as one would write it over the tables.
const BY_HAND: [(&str, &str); 3] = [
    (
        "the same join over the tables",
        "SELECT c.phone, c.first_name, c.last_name, COUNT(l.id) AS lead_count
         FROM contact c JOIN lead l ON c.id = l.contact_id AND l.deleted_at IS NULL
         GROUP BY c.id, c.phone, c.first_name, c.last_name HAVING COUNT(l.id) > 1",
    ),
    (
        "the join by the contacts' key",
        "SELECT c.phone, c.first_name, c.last_name, count(*) AS lead_count
         FROM contact c JOIN lead l ON l.workspace_id = c.workspace_id AND l.contact_id = c.id AND l.deleted_at IS NULL
         GROUP BY c.workspace_id, c.id HAVING count(*) > 1",
    ),
    (
        "counting first, then joining",
        "SELECT c.phone, c.first_name, c.last_name, lead_count
         FROM (SELECT workspace_id, contact_id, count(*) AS lead_count FROM lead WHERE deleted_at IS NULL
             GROUP BY contact_id, workspace_id HAVING count(*) > 1) AS l
         JOIN contact c ON c.workspace_id = l.workspace_id AND c.id = l.contact_id",
    ),
];
