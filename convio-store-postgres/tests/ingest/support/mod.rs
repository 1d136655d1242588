//! A database per test, and what every test needs to post leads and to look at what they left.

mod checks;
mod dice;
mod number;
mod offer;
mod outcome;
mod proxy;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use convio_store_postgres::MIGRATION_0001;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row};
use uuid::Uuid;

pub(crate) use checks::assert_sound;
pub(crate) use dice::Dice;
pub(crate) use number::number;
pub(crate) use offer::{FIELDS, Offer, at, ingest, next_id, stamp_time};
pub(crate) use outcome::{Claim, Outcome};
pub(crate) use proxy::Proxy;

/// A database of one test, with the schema in it and one workspace at configuration 1.
pub(crate) struct Database {
    pub(crate) options: PgConnectOptions,
    pub(crate) workspace: Uuid,
}

impl Database {
    /// A connection whose statements give up after [`STATEMENT_TIMEOUT`] instead of hanging the test.
    pub(crate) async fn connect(&self) -> PgConnection {
        connect(&self.options).await
    }

    /// A lead of this database's workspace for `phone`, with everything else at its default.
    pub(crate) fn offer(&self, phone: &str) -> Offer {
        Offer::new(self.workspace, phone)
    }

    /// Adds a workspace at configuration 1.
    pub(crate) async fn add_workspace(&self, workspace: Uuid) {
        self.execute(&format!("INSERT INTO convio.head (workspace_id, config) VALUES ('{workspace}', 1)"))
            .await;
    }

    /// Runs `sql` on a connection of its own.
    pub(crate) async fn execute(&self, sql: &str) {
        self.connect()
            .await
            .execute(AssertSqlSafe(sql))
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The one number that `sql` answers with.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        self.column::<i64>(sql).await.first().copied().unwrap_or_else(|| panic!("no row: {sql}"))
    }

    /// The first column of every row of `sql`.
    pub(crate) async fn column<T>(&self, sql: &str) -> Vec<T>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut self.connect().await).await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}")).iter().map(|row| row.get(0)).collect()
    }

    /// Rows of every table that a lead may write, in one line: two equal lines mean that nothing was written.
    pub(crate) async fn census(&self) -> String {
        let mut line = String::new();
        for table in TABLES {
            line +=
                &format!("{table} {} ", self.count(&format!("SELECT count(*) FROM convio.{table}")).await);
        }
        let heads =
            "SELECT format('feed %s contacts %s', feed, contacts) FROM convio.head ORDER BY workspace_id";
        line + &self.column::<String>(heads).await.join(", ")
    }

    /// Returns once the backend `pid` waits for a lock.
    pub(crate) async fn until_blocked(&self, pid: i32) {
        let mut watcher = self.connect().await;
        for _ in 0..BLOCKED_POLLS {
            let waits =
                sqlx::query("SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'")
                    .bind(pid)
                    .fetch_optional(&mut watcher)
                    .await;
            if waits.expect("reads the activity").is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("backend {pid} never waited for a lock");
    }
}

/// Runs `body` on a new database and drops the database afterwards, whether it passed or not.
pub(crate) fn with_database(body: impl AsyncFnOnce(&Database)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("builds a runtime");
    let server = server();
    let name = format!("convio_test_{}_{}", std::process::id(), NAMES.fetch_add(1, Ordering::Relaxed));
    let database = Database { options: server.clone().database(&name), workspace: next_id() };
    runtime.block_on(async {
        let mut admin = connect(&server).await;
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        admin.execute(AssertSqlSafe(create)).await.expect("creates a database");
        sqlx::raw_sql(MIGRATION_0001).execute(&mut database.connect().await).await.expect("migrates");
        database.add_workspace(database.workspace).await;
    });
    let verdict = catch_unwind(AssertUnwindSafe(|| runtime.block_on(body(&database))));
    runtime.block_on(async {
        let mut admin = connect(&server).await;
        admin
            .execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)")))
            .await
            .expect("drops the database");
    });
    if let Err(panic) = verdict {
        resume_unwind(panic);
    }
}

/// The backend that serves `connection`.
pub(crate) async fn pid(connection: &mut PgConnection) -> i32 {
    sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(connection).await.expect("names the backend")
}

/// The SQLSTATE of a database error.
pub(crate) fn code(error: &sqlx::Error) -> String {
    let error = error.as_database_error().unwrap_or_else(|| panic!("not a database error: {error}"));
    error.code().expect("has a code").into_owned()
}

async fn connect(options: &PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(options).await.expect("connects")
}

fn server() -> PgConnectOptions {
    let url = std::env::var(URL).unwrap_or_else(|_| {
        panic!(
            "`{URL}` is not set: these tests need a Postgres server on which they may create databases, \
                for example `postgres://postgres@%2Fvar%2Frun%2Fpostgresql/postgres`"
        )
    });
    PgConnectOptions::from_str(&url)
        .unwrap_or_else(|error| panic!("`{URL}` is not a Postgres URL: {error}"))
        .options([("statement_timeout", STATEMENT_TIMEOUT), ("client_connection_check_interval", "1s")])
        .disable_statement_logging()
}

/// Where the tests find their server.
const URL: &str = "CONVIO_TEST_POSTGRES_URL";

/// Long enough for a loaded machine, short enough that a deadlock the server does not see fails the test.
const STATEMENT_TIMEOUT: &str = "30s";

/// Polls of 5 ms before a race that never blocks fails.
const BLOCKED_POLLS: u32 = 4_000;

const TABLES: [&str; 8] =
    ["claim", "contact_key", "contact", "repeat_window", "lead", "payload", "event", "rollup"];

static NAMES: AtomicU64 = AtomicU64::new(0);
