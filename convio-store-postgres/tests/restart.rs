//! Connections are ended and the server crashes while writers are at it: what was acknowledged is there, nothing is there twice,
//! and what was not acknowledged can be sent again under its idempotency key.
//!
//! The server is one of its own, started by `scripts/with-postgres`, since it goes down for everybody who is connected.

#![expect(clippy::print_stdout, reason = "what broke, and what callers were told, is worth reading")]

#[path = "support/audit.rs"]
mod audit;
mod support;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use audit::broken_laws;
use convio_conformance::Shared;
use convio_conformance::dice::Dice;
use convio_core::service::Atomicity;
use convio_core::{Convio, Error, ErrorKind, Ingested, NewWorkspace, Position, RawLead, WorkspaceHandle};
use convio_store_postgres::{Options, PgStore};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{Connection, Row};
use support::run;
use uuid::Uuid;

#[test]
fn ended_connections_and_crashes_under_load_lose_nothing_acknowledged_and_double_nothing() {
    let server = Server::start();
    let dice = Dice::of_this_run();
    run(under_load(&server, dice));
}

async fn under_load(server: &Server, mut dice: Dice) {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS_MAX).test_before_acquire(false);
    let pool = pool.connect_lazy_with(server.options());
    let store = Arc::new(PgStore::with(pool, Options::new().hold(HELD)));
    store.migrate().await.expect("migrates");
    let convio = Convio::new(Shared(store.clone()));
    let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await.expect("a workspace");
    let work = Arc::new(Work::default());
    let readers: Vec<_> = (0..2).map(|_| tokio::spawn(follow(acme.clone(), work.clone()))).collect();
    let writers: Vec<_> =
        (0..WRITERS).map(|_| tokio::spawn(write(acme.clone(), work.clone(), dice.fork()))).collect();

    let (mut ended, mut crashed) = (0, 0);
    for n in 1..=BLOWS {
        // Somewhere between two of as many equal parts of the work.
        let at = LEADS * n / (BLOWS + 2) + dice.index(LEADS / (BLOWS + 2));
        while work.acked.lock().expect("no panic").len() < at {
            assert!(!writers.iter().any(|writer| writer.is_finished()), "a writer ended early");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if n % CRASH_EVERY == 0 {
            server.crash();
            crashed += 1;
        } else {
            ended += end_a_connection(server, &mut dice).await;
        }
    }
    for writer in writers {
        writer.await.expect("the writer");
    }
    work.is_done.store(true, Ordering::SeqCst);
    let mut conn = PgConnection::connect_with(&server.options()).await.expect("connects");
    let feed: i64 =
        sqlx::query_scalar("SELECT feed FROM convio.head").fetch_one(&mut conn).await.expect("reads");
    for reader in readers {
        assert_eq!(
            reader.await.expect("the reader"),
            feed.cast_unsigned(),
            "a reader missed the end of the feed"
        );
    }

    let acked = std::mem::take(&mut *work.acked.lock().expect("no panic"));
    assert_eq!(acked.len(), LEADS);
    assert_eq!(stored(&mut conn).await, acked, "acknowledged and stored differ");
    assert_eq!(broken_laws(&mut conn, "convio").await, [""; 0]);
    // Every call that is made once more is told what it was told.
    for n in (0..LEADS).step_by(17) {
        match acme.ingest(raw(n)).await {
            Ok(Ingested::Replayed(first)) => {
                assert_eq!(answered(&first), acked[&key(n)], "{n}");
            }
            other => panic!("{n}: {other:?}"),
        }
    }
    conn.close().await.expect("closes");
    println!(
        "{LEADS} leads, {ended} connections ended, {crashed} crashes; callers were told: unavailable {}, unknown {}, of which {} were \
         found stored when they were sent again; readers: unavailable {}; {} commits run again",
        work.unavailable.load(Ordering::SeqCst),
        work.unknown.load(Ordering::SeqCst),
        work.found.load(Ordering::SeqCst),
        work.reads_failed.load(Ordering::SeqCst),
        store.retries(),
    );
    assert_eq!((ended, crashed), (BLOWS - BLOWS / CRASH_EVERY, BLOWS / CRASH_EVERY));
}

/// What is to be done, and what came of it.
#[derive(Default)]
struct Work {
    given: AtomicUsize,
    /// Per idempotency key the lead, its contact and the contact's number.
    acked: Mutex<BTreeMap<String, Answer>>,
    is_done: AtomicBool,
    unavailable: AtomicUsize,
    unknown: AtomicUsize,
    found: AtomicUsize,
    reads_failed: AtomicUsize,
}

type Answer = (Uuid, Uuid, i64);

impl Work {
    /// Notes an answer; tells whether the lead is to be sent again.
    fn hear(&self, n: usize, is_again: bool, answer: Result<Ingested, Error>) -> bool {
        let taken = match answer {
            Ok(taken) => taken,
            // What is unknown may be sent again because of its idempotency key only.
            Err(error) => {
                match error.kind() {
                    ErrorKind::Unavailable => assert!(error.is_retryable()),
                    ErrorKind::Unknown => assert!(!error.is_retryable()),
                    kind => panic!("lead {n}: {kind:?}: {error}"),
                };
                let count = if error.is_retryable() { &self.unavailable } else { &self.unknown };
                count.fetch_add(1, Ordering::SeqCst);
                return true;
            }
        };
        if let Ingested::Replayed(_) = taken {
            assert!(is_again, "lead {n} was sent once, and is there already");
            self.found.fetch_add(1, Ordering::SeqCst);
        }
        let before = self.acked.lock().expect("no panic").insert(key(n), answered(&taken));
        assert_eq!(before, None);
        false
    }
}

/// Sends leads, one by one and in batches, each until it is acknowledged.
async fn write(acme: WorkspaceHandle<'static>, work: Arc<Work>, mut dice: Dice) {
    loop {
        let wanted = if dice.chance(60) { 1 } else { 2 + dice.index(BATCH_MAX - 1) };
        let from = work.given.fetch_add(wanted, Ordering::SeqCst);
        let mut open: Vec<usize> = (from..(from + wanted).min(LEADS)).collect();
        if open.is_empty() {
            return;
        }
        for tries in 0.. {
            assert!(tries < TRIES_MAX, "{open:?} are never taken");
            let answers = match open.as_slice() {
                [one] => vec![acme.ingest(raw(*one)).await],
                more => {
                    let rows = more.iter().map(|n| raw(*n)).collect();
                    acme.ingest_batch(rows, Atomicity::PerRow).await.expect("is not too large").rows
                }
            };
            let answers = open.into_iter().zip(answers);
            open = answers.filter_map(|(n, answer)| work.hear(n, tries > 0, answer).then_some(n)).collect();
            if open.is_empty() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Follows the feed until the work is done; tells how far it came, having seen n + 1 after n, always.
async fn follow(acme: WorkspaceHandle<'static>, work: Arc<Work>) -> u64 {
    let mut last = 0;
    let mut failed = 0;
    loop {
        let is_ending = work.is_done.load(Ordering::SeqCst);
        let feed = match acme.feed(Position(last), 500).await {
            Ok(feed) => feed,
            Err(error) => {
                assert!(error.is_retryable(), "{error}");
                work.reads_failed.fetch_add(1, Ordering::SeqCst);
                failed += 1;
                assert!(failed < TRIES_MAX, "the feed is never read");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        failed = 0;
        for event in &feed {
            assert_eq!(event.position.0, last + 1, "a reader missed an event");
            last = event.position.0;
        }
        match feed.is_empty() {
            true if is_ending => return last,
            true => tokio::time::sleep(Duration::from_millis(1)).await,
            false => {}
        }
    }
}

/// Ends a connection, at best one that is in the middle of something.
async fn end_a_connection(server: &Server, dice: &mut Dice) -> usize {
    let mut conn = PgConnection::connect_with(&server.options()).await.expect("connects");
    let busy = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
        AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle' LIMIT 1";
    let any = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
        AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY random() LIMIT 1";
    for tries in 0..TRIES_MAX {
        let sql = if tries < 20 && dice.chance(80) { busy } else { any };
        let ended: Option<bool> = sqlx::query_scalar(sql).fetch_optional(&mut conn).await.expect("ends");
        if ended == Some(true) {
            conn.close().await.expect("closes");
            return 1;
        }
    }
    panic!("nobody is connected");
}

/// Per idempotency key its lead, the contact and the number, by the rows.
async fn stored(conn: &mut PgConnection) -> BTreeMap<String, Answer> {
    let sql = "SELECT k.value, l.id, c.id, c.number FROM convio.lead l
        JOIN convio.contact c ON c.workspace_id = l.workspace_id AND c.id = l.contact_id
        LEFT JOIN convio.claim k ON k.workspace_id = l.workspace_id AND k.kind = 0 AND k.holder_id = l.id";
    let rows = sqlx::query(sql).fetch_all(&mut *conn).await.expect("reads");
    let leads = rows.len();
    let stored: BTreeMap<_, _> =
        rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2), row.get(3)))).collect();
    assert_eq!(stored.len(), leads, "a key has two leads");
    stored
}

fn answered(answer: &Ingested) -> Answer {
    let taken = answer.accepted().expect("is taken");
    (taken.lead.uuid(), taken.contact.uuid(), i64::try_from(taken.number.as_u64()).expect("a short number"))
}

fn key(n: usize) -> String {
    format!("key-{n}")
}

fn raw(n: usize) -> RawLead {
    let person = n * 131 % PERSONS;
    RawLead::json(format!(r#"{{"name":"Pat {n}","phone":"+1310555{person:04}"}}"#)).idempotency_key(key(n))
}

/// A server of its own, which is removed with all it has when this goes out of scope, or when the test's process ends.
struct Server {
    script: Child,
    url: String,
    home: PathBuf,
}

impl Server {
    fn start() -> Self {
        // The server lives as long as its command does, and that as long as its input is open.
        let command = ["sh", "-c", r#"echo "$CONVIO_TEST_POSTGRES_URL"; exec cat >/dev/null"#];
        let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/with-postgres"))
            .args(command)
            .env_remove("CONVIO_TEST_POSTGRES_URL")
            .env("CONVIO_POSTGRES_FSYNC", "on")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut url = String::new();
        let output = script.stdout.take().expect("is piped");
        BufReader::new(output).read_line(&mut url).expect("is text");
        let url = url.trim().to_owned();
        let home =
            url.split_once("?host=").expect("`scripts/with-postgres` tells of a server with a socket").1;
        Self { script, home: home.into(), url }
    }

    fn options(&self) -> PgConnectOptions {
        let options = PgConnectOptions::from_str(&self.url).expect("a URL");
        options.options([("statement_timeout", "60s")])
    }

    /// Stops the server at once, as a crash would, and starts it again: it recovers from its log.
    fn crash(&self) {
        let data = self.home.join("data");
        // What it was started by, each argument in quotes behind the program.
        let started = std::fs::read_to_string(data.join("postmaster.opts")).expect("its command line");
        let program = started.split(" \"").next().expect("a program");
        let log = File::create(self.home.join("restart.log")).expect("a log");
        let status = Command::new(Path::new(program.trim()).with_file_name("pg_ctl"))
            .args(["restart", "-m", "immediate", "-w", "-t", "60", "-D"])
            .arg(&data)
            .arg("-l")
            .arg(self.home.join("server.log"))
            .uid(data.metadata().expect("its data").uid())
            .current_dir(&self.home)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .status()
            .expect("runs");
        let said = std::fs::read_to_string(self.home.join("restart.log")).expect("a log");
        assert!(status.success(), "the server does not start again: {said}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        let status = self.script.wait();
        if !std::thread::panicking() {
            assert!(status.expect("ends").success(), "the server was not removed");
        }
    }
}

/// Leads in all.
const LEADS: usize = 2_000;
/// Persons, who send several each.
const PERSONS: usize = 400;
/// Writers at the same time.
const WRITERS: usize = 8;
/// Rows of a batch.
const BATCH_MAX: usize = 20;
/// How often something breaks.
const BLOWS: usize = 12;
/// Every so many times it is the server that does.
const CRASH_EVERY: usize = 6;
/// Writers and readers.
const CONNECTIONS_MAX: u32 = 12;
/// Connections that are kept between calls, and so found broken.
const HELD: usize = 8;
/// Before something is sent again.
const PAUSE: Duration = Duration::from_millis(10);
/// How often something is sent: a server that stays away fails the test.
const TRIES_MAX: usize = 5_000;
