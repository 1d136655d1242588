//! What errors of a real server are to a caller: what kind, whether the same call may succeed later, and that neither a person's
//! data nor a secret is in any message. Postgres' own `DETAIL` holds whole rows.
//!
//! A full disk is not made here: a file system that is small enough is not to be had everywhere. The server is made to say that it
//! has one, and other things that it seldom says, by a trigger.

mod support {
    pub(crate) mod journey;
    #[path = "mod.rs"]
    mod places;
    pub(crate) use places::*;
}

use std::error::Error as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use convio_core::store::{CommitError, Fault, StoreError};
use convio_core::{Convio, Error, ErrorKind, Ingested, NewWebhook, NewWorkspace, WorkspaceHandle};
use convio_store_postgres::{PgStore, PgTx};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{AssertSqlSafe, Connection, Executor};
use support::journey::{PHONE, lead, taken, workspace};
use support::{Place, connect, run, server};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;

#[test]
fn what_the_server_says_is_sorted_and_its_details_are_kept_back() {
    let place = Place::new();
    run(async {
        let acme = workspace(&Convio::new(place.store())).await;
        place.execute("CREATE TABLE {s}.own_error (code text)").await;
        for statement in RAISING {
            place.execute(statement).await;
        }
        for (code, kind) in SORTED {
            place.execute("DELETE FROM {s}.own_error").await;
            place.execute(&format!("INSERT INTO {{s}}.own_error VALUES ('{code}')")).await;
            let error = acme.ingest(lead(PHONE)).await.expect_err(code);
            assert_eq!(
                (error.kind(), error.is_retryable()),
                (*kind, *kind == ErrorKind::Unavailable),
                "{code}"
            );
            holds_nothing_personal(&error);
            assert!(error.source().is_some(), "{code}");
            match *kind {
                ErrorKind::Unavailable => assert_eq!(code_of(&error).as_deref(), Some(*code)),
                ErrorKind::Corrupt | ErrorKind::Bug => assert!(error.to_string().contains(code), "{error}"),
                _ => {}
            }
        }
        // Nothing of them was kept, and all works again.
        place.execute("DELETE FROM {s}.own_error").await;
        assert_eq!(place.count("SELECT count(*) FROM {s}.contact").await, 0);
        taken(acme.ingest(lead(PHONE)).await);
    });
}

#[test]
fn a_webhook_that_another_program_makes_at_the_same_time_is_a_conflict() {
    let place = Place::new();
    run(async {
        let acme = workspace(&Convio::new(named(&place).store(&place))).await;
        // It does not take the head, as another program may not: the constraint is all that is left.
        let mut other = connect().await;
        other.execute("BEGIN").await.expect("begins");
        let copy = format!(
            "INSERT INTO {0}.webhook SELECT workspace_id, gen_random_uuid(), 'google-solar', settings, created_at, deleted_at, \
             version FROM {0}.webhook",
            place.schema
        );
        other.execute(AssertSqlSafe(copy)).await.expect("inserts");
        let creating = acme.clone();
        let creating =
            tokio::spawn(async move { creating.create_webhook(NewWebhook::named("google-solar")).await });
        until_waiting(&place, 1).await;
        other.execute("COMMIT").await.expect("commits");
        let error = creating.await.expect("no panic").expect_err("is taken");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Conflict, false));
        assert!(error.source().is_some() || !error.reasons().is_empty());
        assert_eq!(place.count("SELECT count(*) FROM {s}.webhook").await, 2);
        taken(acme.ingest(lead(PHONE)).await);
    });
}

#[test]
fn a_transaction_above_read_committed_that_was_slower_may_be_run_again() {
    let place = Place::new();
    run(async {
        let acme = workspace(&Convio::new(place.store())).await;
        let mut conn = connect().await;
        conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.expect("begins");
        conn.execute(AssertSqlSafe(format!("SELECT FROM {}.head", place.schema))).await.expect("looks");
        taken(acme.ingest(lead(PHONE)).await);
        let inside = acme.within(PgTx::with(&mut conn, place.options()));
        let error = inside.ingest(lead(PHONE)).await.expect_err("was slower");
        drop(inside);
        may_be_retried(&error, "40001");
        conn.execute("ROLLBACK").await.expect("ends");
        conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.expect("begins");
        taken(acme.within(PgTx::with(&mut conn, place.options())).ingest(lead(PHONE)).await);
        conn.execute("COMMIT").await.expect("ends");
        assert_eq!(place.count("SELECT count(*) FROM {s}.lead").await, 2);
    });
}

#[test]
fn of_two_transactions_in_a_deadlock_one_may_be_run_again() {
    let place = Place::new();
    run(async {
        let convio = Convio::new(place.store());
        let acme = [workspace(&convio).await, workspace(&convio).await];
        let mut conns = [named(&place).connect().await, named(&place).connect().await];
        for (conn, acme) in conns.iter_mut().zip(&acme) {
            conn.execute("BEGIN").await.expect("begins");
            taken(acme.within(PgTx::with(conn, place.options())).ingest(lead(PHONE)).await);
        }
        let [one, two] = &mut conns;
        let crossing = async |conn: &mut PgConnection, acme: &WorkspaceHandle<'_>| {
            let answer = acme.within(PgTx::with(conn, place.options())).ingest(lead(PHONE)).await;
            // The other one waits for this end.
            conn.execute(if answer.is_ok() { "COMMIT" } else { "ROLLBACK" }).await.expect("ends");
            answer
        };
        let (one, two) = tokio::join!(crossing(one, &acme[1]), crossing(two, &acme[0]));
        let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
        taken(won);
        may_be_retried(&lost.expect_err("one of them"), "40P01");
        assert_eq!(place.count("SELECT count(*) FROM {s}.lead").await, 2);
    });
}

#[test]
fn who_waits_for_too_long_may_try_again() {
    let place = Place::new();
    run(async {
        let acme = workspace(&Convio::new(place.store())).await;
        for (setting, code) in [("statement_timeout", "57014"), ("lock_timeout", "55P03")] {
            let impatient = named(&place).with(setting, "200ms").store(&place);
            let impatient = Convio::new(impatient).workspace(acme.id());
            impatient.webhook("direct").await.expect("reads");
            let mut held = hold_head(&place).await;
            let error = impatient.ingest(lead(PHONE)).await.expect_err("waits for too long");
            may_be_retried(&error, code);
            held.execute("ROLLBACK").await.expect("ends");
            taken(impatient.ingest(lead(PHONE)).await);
        }
        assert_eq!(place.count("SELECT count(*) FROM {s}.lead").await, 2);
    });
}

#[test]
fn a_server_that_takes_no_writes_is_another_one_s_turn() {
    let place = Place::new();
    run(async {
        let acme = workspace(&Convio::new(place.store())).await;
        taken(acme.ingest(lead(PHONE)).await);
        let standby = named(&place).with("default_transaction_read_only", "on").store(&place);
        standby.check().await.expect("reads");
        standby.migrate().await.expect("has nothing to do");
        let standby = Convio::new(standby).workspace(acme.id());
        assert!(standby.webhook("direct").await.expect("reads").is_some());
        let before = backends(&place).await;
        let error = standby.ingest(lead(PHONE)).await.expect_err("takes no writes");
        may_be_retried(&error, "25006");
        // The connection is not kept: after a failover another server takes the writes.
        standby.webhook("direct").await.expect("reads");
        // Closed here, it is gone there soon.
        let before: Vec<String> = before.iter().map(i32::to_string).collect();
        until_gone(&place, &format!("pid IN ({})", before.join(", "))).await;
        assert_eq!(place.count("SELECT count(*) FROM {s}.lead").await, 1);
    });
}

/// The server says that it ends the connection, before it has answered: it did nothing. That is tried once more, as it is what a
/// connection says as well that died while it was held.
#[test]
fn a_commit_whose_connection_the_server_ends_was_not_applied() {
    let place = Place::new();
    run(async {
        let acme = workspace(&Convio::new(named(&place).store(&place))).await;
        let mut held = hold_head(&place).await;
        let waiting = acme.clone();
        let waiting = tokio::spawn(async move { waiting.ingest(lead(PHONE).idempotency_key("a")).await });
        let first = until_waiting(&place, 1).await;
        end(&first).await;
        let second = until_waiting(&place, 1).await;
        assert_ne!(first, second, "on another connection");
        end(&second).await;
        let error = waiting.await.expect("no panic").expect_err("it was ended twice");
        may_be_retried(&error, "57P01");
        held.execute("ROLLBACK").await.expect("ends");
        assert_eq!(place.count("SELECT count(*) FROM {s}.lead").await, 0);
        // Ended once, nobody hears of it.
        let mut held = hold_head(&place).await;
        let waiting = acme.clone();
        let waiting = tokio::spawn(async move { waiting.ingest(lead(PHONE).idempotency_key("a")).await });
        end(&until_waiting(&place, 1).await).await;
        until_waiting(&place, 1).await;
        held.execute("ROLLBACK").await.expect("ends");
        taken(waiting.await.expect("no panic"));
        assert_eq!(place.count("SELECT count(*) FROM {s}.lead").await, 1);
    });
}

/// The connection is gone without a word while the server is at it. It goes on, and commits.
#[test]
fn a_commit_whose_connection_is_lost_is_unknown() {
    let place = Place::new();
    run(async {
        let line = Line::to(&server());
        // The server is not to look whether somebody still listens.
        let through = Named(line.options.clone().application_name(&place.schema));
        let store = through.with("client_connection_check_interval", "0").store(&place);
        let acme = workspace(&Convio::new(store)).await;
        let mut held = hold_head(&place).await;
        let waiting = acme.clone();
        let raw = || lead(PHONE).idempotency_key("a");
        let waiting = tokio::spawn(async move { waiting.ingest(raw()).await });
        until_waiting(&place, 1).await;
        line.cut();
        let error = waiting.await.expect("no panic").expect_err("nobody knows");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unknown, false));
        holds_nothing_personal(&error);
        assert!(matches!(commit_error(&error), Some(CommitError::Unknown(_))), "{error}");
        held.execute("ROLLBACK").await.expect("ends");
        until_gone(&place, "state = 'active'").await;
        assert_eq!(place.count("SELECT count(*) FROM {s}.lead").await, 1);
        // Sent again under its key it is the same one.
        assert!(matches!(acme.ingest(raw()).await, Ok(Ingested::Replayed(_))));
    });
}

#[test]
fn connections_that_died_while_they_were_held_are_replaced() {
    let place = Place::new();
    run(async {
        let acme = workspace(&Convio::new(named(&place).store(&place))).await;
        for round in 0..3 {
            // Several are held: they waited for each other.
            let mut held = hold_head(&place).await;
            let callers: Vec<_> = (0..4)
                .map(|_| {
                    let acme = acme.clone();
                    tokio::spawn(async move { acme.ingest(lead(PHONE)).await })
                })
                .collect();
            until_waiting(&place, 4).await;
            held.execute("ROLLBACK").await.expect("ends");
            for caller in callers {
                taken(caller.await.expect("no panic"));
            }
            let all = backends(&place).await;
            assert!(all.len() >= 4, "{all:?}");
            end(&all).await;
            match round {
                0 => drop(taken(acme.ingest(lead(PHONE)).await)),
                1 => drop(acme.contacts(&Default::default(), &Default::default()).await.expect("reads")),
                _ => drop(acme.create_webhook(NewWebhook::named("google-solar")).await.expect("is made")),
            }
        }
        assert_eq!(place.count("SELECT count(*) FROM {s}.lead").await, 13);
    });
}

#[test]
fn a_caller_s_transaction_that_the_server_ends_may_be_run_again() {
    let place = Place::new();
    run(async {
        let acme = workspace(&Convio::new(place.store())).await;
        let mut conn = named(&place).connect().await;
        conn.execute("BEGIN").await.expect("begins");
        taken(acme.within(PgTx::with(&mut conn, place.options())).ingest(lead(PHONE)).await);
        end(&backends(&place).await).await;
        let error = acme.within(PgTx::with(&mut conn, place.options())).ingest(lead(PHONE)).await;
        let error = error.expect_err("is ended");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true));
        holds_nothing_personal(&error);
        assert_eq!(place.count("SELECT count(*) FROM {s}.lead").await, 0);
    });
}

#[test]
fn a_pool_without_a_free_connection_is_unavailable() {
    let place = Place::new();
    run(async {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_millis(200))
            .connect_lazy_with(server());
        let acme = workspace(&Convio::new(PgStore::with(pool.clone(), place.options()))).await;
        let taken_away = pool.acquire().await.expect("is free");
        let error = acme.ingest(lead(PHONE)).await.expect_err("none is free");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true));
        holds_nothing_personal(&error);
        assert!(error.to_string().contains("timed out"), "{error}");
        drop(taken_away);
        taken(acme.ingest(lead(PHONE)).await);
    });
}

#[test]
fn a_server_without_a_free_connection_is_unavailable() {
    let place = Place::new();
    let role = Role::new("LOGIN CONNECTION LIMIT 0 PASSWORD 'hunter2'");
    run(async {
        let to = server().username(&role.0).password("hunter2");
        let pool =
            PgPoolOptions::new().acquire_timeout(Duration::from_millis(200)).connect_lazy_with(to.clone());
        let error = create(PgStore::with(pool, place.options())).await.expect_err("takes none");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true));
        holds_nothing_personal(&error);
        // The pool asks again until its time is up; this is what it hears.
        let said = PgConnection::connect_with(&to).await.expect_err("takes none");
        let code = said.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
        assert_eq!(code.as_deref(), Some("53300"), "{said}");
    });
}

#[test]
fn a_schema_that_is_not_there_says_what_to_do() {
    let place = Place::empty();
    run(async {
        let error = create(place.store()).await.expect_err("is not there");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Bug, false));
        let message = error.to_string();
        assert!(message.contains("42P01") && message.contains("migrate()"), "{message}");
        assert!(error.source().is_some());
    });
}

#[test]
fn a_user_without_rights_is_told_what_it_may_not() {
    let place = Place::new();
    let role = Role::new("NOLOGIN");
    run(async {
        place.execute(&format!("GRANT USAGE ON SCHEMA {{s}} TO {}", role.0)).await;
        place.execute(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA {{s}} TO {}", role.0)).await;
        let acme = workspace(&Convio::new(place.store())).await;
        let reader = Convio::new(named(&place).with("role", &role.0).store(&place)).workspace(acme.id());
        assert!(reader.webhook("direct").await.expect("may read").is_some());
        let error = reader.ingest(lead(PHONE)).await.expect_err("may not write");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Bug, false));
        holds_nothing_personal(&error);
        assert!(error.to_string().contains("42501: permission denied for table"), "{error}");
    });
}

#[test]
fn a_secret_of_a_url_is_in_no_message() {
    let _runtime = support::runtime().enter();
    run(async {
        for url in [
            "postgres://convio:hunter2@localhost:1/convio?host=/nonexistent",
            "postgres://convio:hunter2@127.0.0.1:1/convio",
            "postgres://convio:hunter2@127.0.0.1:port/convio",
            "postgres://convio:hunter2@127.0.0.1/convio?sslmode=hunter3",
            "convio:hunter2@127.0.0.1",
        ] {
            let pool = PgPoolOptions::new().acquire_timeout(Duration::from_millis(200));
            if let Ok(to) = url.parse::<PgConnectOptions>() {
                let store = PgStore::new(pool.connect_lazy_with(to));
                let error = create(store).await.expect_err("is nowhere");
                assert_eq!(
                    (error.kind(), error.is_retryable()),
                    (ErrorKind::Unavailable, true),
                    "{url}: {error}"
                );
                holds_nothing_personal(&error);
            } else {
                let error: Error = PgStore::connect(url).await.expect_err("is no URL").into();
                holds_nothing_personal(&error);
            }
        }
    });
}

/// Options whose connections are named like the schema, so that they are found among all of the server.
struct Named(PgConnectOptions);

fn named(place: &Place) -> Named {
    Named(server().application_name(&place.schema))
}

impl Named {
    fn with(self, setting: &str, value: &str) -> Self {
        Self(self.0.options([(setting, value)]))
    }

    fn pool(&self) -> PgPool {
        PgPoolOptions::new().max_connections(6).connect_lazy_with(self.0.clone())
    }

    fn store(&self, place: &Place) -> PgStore {
        PgStore::with(self.pool(), place.options().hold(6))
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect_with(&self.0).await.expect("connects")
    }
}

/// A line to the server that can be cut: the server hears nothing of it but the end of what it was sent.
struct Line {
    options: PgConnectOptions,
    cut: watch::Sender<()>,
    home: PathBuf,
}

impl Line {
    fn to(server: &PgConnectOptions) -> Self {
        static LINES: AtomicU64 = AtomicU64::new(0);
        let nth = LINES.fetch_add(1, Ordering::Relaxed);
        let home = std::env::temp_dir().join(format!("convio_line_{}_{nth}", std::process::id()));
        std::fs::create_dir_all(&home).expect("makes a directory");
        let path = home.join(format!(".s.PGSQL.{}", server.get_port()));
        let listener = UnixListener::bind(path).expect("listens");
        let (cut, is_cut) = watch::channel(());
        let upstream = server.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Cuts from now on are its own.
                let mut is_cut = is_cut.clone();
                is_cut.borrow_and_update();
                tokio::spawn(forward(client, upstream.clone(), is_cut));
            }
        });
        let options = server.clone().socket(&home).ssl_mode(PgSslMode::Disable);
        Self { options, cut, home }
    }

    /// Cuts all that is connected now. Later connections are not.
    fn cut(&self) {
        self.cut.send(()).expect("somebody is connected");
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let removed = std::fs::remove_dir_all(&self.home);
        if !std::thread::panicking() {
            removed.expect("removes its directory");
        }
    }
}

async fn forward(mut client: UnixStream, server: PgConnectOptions, is_cut: watch::Receiver<()>) {
    let host = PathBuf::from(server.get_host());
    let socket = server.get_socket().cloned().or_else(|| host.is_absolute().then_some(host));
    match socket {
        Some(home) => {
            let path = home.join(format!(".s.PGSQL.{}", server.get_port()));
            until_cut(&mut client, UnixStream::connect(path).await.expect("connects"), is_cut).await;
        }
        None => {
            let to = (server.get_host(), server.get_port());
            until_cut(&mut client, TcpStream::connect(to).await.expect("connects"), is_cut).await;
        }
    }
}

async fn until_cut(
    client: &mut UnixStream,
    mut server: impl AsyncRead + AsyncWrite + Unpin,
    mut is_cut: watch::Receiver<()>,
) {
    tokio::select! {
        ended = copy_bidirectional(client, &mut server) => drop(ended),
        _ = is_cut.changed() => {}
    }
}

/// A role of one test.
struct Role(String);

impl Role {
    fn new(attributes: &str) -> Self {
        static ROLES: AtomicU64 = AtomicU64::new(0);
        let nth = ROLES.fetch_add(1, Ordering::Relaxed);
        let name = format!("convio_test_error_{}_{nth}", std::process::id());
        run(async {
            let make = format!("CREATE ROLE {name} {attributes}");
            connect().await.execute(AssertSqlSafe(make)).await.expect("the tests' user may create roles");
        });
        Self(name)
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let drop = format!("DROP OWNED BY {0}; DROP ROLE {0}", self.0);
        let dropped = std::thread::spawn(move || {
            run(async { connect().await.execute(AssertSqlSafe(drop)).await.map(std::mem::drop) })
        });
        if !std::thread::panicking() {
            dropped.join().expect("no panic").expect("drops the role");
        }
    }
}

async fn create(store: PgStore) -> Result<(), Error> {
    Convio::new(store).create_workspace(NewWorkspace::named("Acme Solar")).await.map(drop)
}

/// Holds the heads of all workspaces: whoever commits waits.
async fn hold_head(place: &Place) -> PgConnection {
    let mut conn = connect().await;
    conn.execute("BEGIN").await.expect("begins");
    let hold = format!("SELECT FROM {}.head FOR UPDATE", place.schema);
    conn.execute(AssertSqlSafe(hold)).await.expect("holds");
    conn
}

/// Waits until so many connections that are named like the schema wait for a lock. Answers their backends.
async fn until_waiting(place: &Place, wanted: usize) -> Vec<i32> {
    let waiting =
        "SELECT pid FROM pg_stat_activity WHERE application_name = '{s}' AND wait_event_type = 'Lock'";
    for _ in 0..POLLS_MAX {
        let found = place.column::<i32>(waiting).await;
        if found.len() == wanted {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{wanted} never waited for a lock");
}

/// Backends of connections that are named like the schema.
async fn backends(place: &Place) -> Vec<i32> {
    place.column("SELECT pid FROM pg_stat_activity WHERE application_name = '{s}'").await
}

/// Waits until no backend of a connection that is named like the schema is like this.
async fn until_gone(place: &Place, like: &str) {
    let count = format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{{s}}' AND {like}");
    for _ in 0..POLLS_MAX {
        if place.count(&count).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{like} forever");
}

/// Ends backends, and waits until they are gone.
async fn end(backends: &[i32]) {
    let mut conn = connect().await;
    for pid in backends {
        // The server itself waits, for as long as a test may take.
        let ended = sqlx::query_scalar("SELECT pg_terminate_backend($1, 60000)").bind(pid);
        let ended: bool = ended.fetch_one(&mut conn).await.expect("may do so");
        assert!(ended, "backend {pid} goes on");
    }
}

#[track_caller]
fn may_be_retried(error: &Error, code: &str) {
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true), "{error}");
    holds_nothing_personal(error);
    assert_eq!(code_of(error).as_deref(), Some(code), "{error}");
}

/// In no message, of the error or of what it stems from.
#[track_caller]
fn holds_nothing_personal(error: &Error) {
    let mut texts = vec![format!("{error:?}")];
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        texts.push(format!("{error} {error:?}"));
        next = error.source();
    }
    for text in texts {
        for secret in [PHONE, "3105550123", "John", "Doe", "hunter2"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

fn commit_error(error: &Error) -> Option<&CommitError> {
    error.source().and_then(|source| source.downcast_ref())
}

/// What a store gives as the cause.
fn fault(error: &Error) -> Option<&Fault> {
    match commit_error(error) {
        Some(CommitError::Unavailable(fault) | CommitError::Unknown(fault) | CommitError::Corrupt(fault)) => {
            Some(fault)
        }
        _ => match error.source().and_then(|source| source.downcast_ref()) {
            Some(StoreError::Unavailable(fault) | StoreError::Corrupt { fault, .. }) => Some(fault),
            _ => None,
        },
    }
}

/// The server's own code: the error keeps the server's own error, for who looks for it.
fn code_of(error: &Error) -> Option<String> {
    let cause = fault(error)?.source()?.downcast_ref::<sqlx::Error>()?;
    Some(cause.as_database_error()?.code()?.into_owned())
}

/// A trigger that fails with the code of the table `own_error`, and says all that it knows, as the server does.
const RAISING: [&str; 2] = [
    "CREATE FUNCTION {s}.own_error() RETURNS trigger LANGUAGE plpgsql AS $$
     DECLARE wanted text := (SELECT code FROM {s}.own_error);
     BEGIN
       IF wanted IS NULL THEN RETURN NEW; END IF;
       RAISE EXCEPTION USING ERRCODE = wanted,
         MESSAGE = CASE WHEN wanted LIKE '22%' THEN format('invalid input: \"%s\"', NEW.phone)
           WHEN wanted = '23505' THEN 'duplicate key value violates unique constraint \"webhook_name_uq_102018\"'
           ELSE 'it failed' END,
         DETAIL = format('Failing row contains (%s, %s, %s)', NEW.phone, NEW.first_name, NEW.last_name),
         HINT = NEW.last_name;
     END $$",
    "CREATE TRIGGER own_error BEFORE INSERT ON {s}.contact FOR EACH ROW EXECUTE FUNCTION {s}.own_error()",
];

/// What the server may say, and what it is.
const SORTED: &[(&str, ErrorKind)] = &[
    // Full disk, out of memory, too many connections, a limit of the configuration, files that can't be read.
    ("53100", ErrorKind::Unavailable),
    ("53200", ErrorKind::Unavailable),
    ("53300", ErrorKind::Unavailable),
    ("53400", ErrorKind::Unavailable),
    ("58030", ErrorKind::Unavailable),
    // Lost to others every time.
    ("40001", ErrorKind::Unavailable),
    ("40P01", ErrorKind::Unavailable),
    // Cancelled, locked.
    ("57014", ErrorKind::Unavailable),
    ("55P03", ErrorKind::Unavailable),
    // Read-only.
    ("25006", ErrorKind::Unavailable),
    // A unique constraint that is named in the message only.
    ("23505", ErrorKind::Conflict),
    // What should not have been sent.
    ("23502", ErrorKind::Bug),
    ("23514", ErrorKind::Bug),
    ("22003", ErrorKind::Bug),
    ("22P02", ErrorKind::Bug),
    ("42501", ErrorKind::Bug),
    ("0A000", ErrorKind::Bug),
    // Damaged pages.
    ("XX001", ErrorKind::Corrupt),
    ("XX002", ErrorKind::Corrupt),
];
/// A minute: what is waited for comes, on a slow machine later.
const POLLS_MAX: usize = 6_000;
