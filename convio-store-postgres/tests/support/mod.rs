//! A schema per test on the server that the tests are given, removed when its test ends.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::future::Future;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use convio_store_postgres::{Options, PgStore};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tokio::runtime::Runtime;

/// The runtime of all tests of a binary.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
    })
}

/// Runs a test's future.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    runtime().block_on(test)
}

/// The server.
pub(crate) fn server() -> PgConnectOptions {
    let url = std::env::var(URL).unwrap_or_else(|_| {
        panic!(
            "`{URL}` is not set: run `scripts/test`, which starts a server of its own, or name one on which schemas may be \
             created, for example `postgres://postgres@%2Fvar%2Frun%2Fpostgresql/postgres`"
        )
    });
    PgConnectOptions::from_str(&url)
        .unwrap_or_else(|error| panic!("`{URL}` is not a Postgres URL: {error}"))
        .options([("statement_timeout", STATEMENT_TIMEOUT), ("client_connection_check_interval", "1s")])
        .disable_statement_logging()
}

/// A connection.
pub(crate) async fn connect() -> PgConnection {
    PgConnection::connect_with(&server()).await.expect("connects")
}

/// A schema of one test, with Convio's tables in it, and a pool to the server.
pub(crate) struct Place {
    pub(crate) pool: PgPool,
    pub(crate) schema: String,
}

impl Place {
    /// A new one.
    pub(crate) fn new() -> Self {
        run(Self::make())
    }

    /// A new one, inside the runtime.
    pub(crate) async fn make() -> Self {
        let place = Self::empty();
        place.store().migrate().await.expect("migrates");
        place
    }

    /// A new one without tables.
    pub(crate) fn empty() -> Self {
        let _runtime = runtime().enter();
        let schema = format!("convio_test_{}_{}", std::process::id(), PLACES.fetch_add(1, Ordering::Relaxed));
        Self { pool: pool(), schema }
    }

    /// Options for this schema.
    pub(crate) fn options(&self) -> Options {
        Options::new().schema(&self.schema).expect("a name")
    }

    /// A store over the pool, which holds connections.
    pub(crate) fn store(&self) -> PgStore {
        PgStore::with(self.pool.clone(), self.options().hold(8))
    }

    /// Runs SQL in which `{s}` is the schema.
    pub(crate) async fn execute(&self, sql: &str) {
        let sql = sql.replace("{s}", &self.schema);
        self.pool.execute(AssertSqlSafe(sql.as_str())).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The first column of every row.
    pub(crate) async fn column<T>(&self, sql: &str) -> Vec<T>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        let sql = sql.replace("{s}", &self.schema);
        let rows = sqlx::query_scalar(AssertSqlSafe(sql.as_str())).fetch_all(&self.pool).await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The one number that SQL answers with.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        self.column::<i64>(sql).await.first().copied().unwrap_or_else(|| panic!("no row: {sql}"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let drop = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema);
        // On a thread of its own: a test may end inside of the runtime.
        let dropped = std::thread::spawn(move || {
            run(async {
                let mut conn = connect().await;
                conn.execute(AssertSqlSafe(drop)).await.map(std::mem::drop)
            })
        });
        // Waited for in any case: nothing of a test that failed is left behind either.
        let dropped = dropped.join();
        if !std::thread::panicking() {
            dropped.expect("no panic").expect("drops the schema");
        }
    }
}

/// A pool to the server.
pub(crate) fn pool() -> PgPool {
    let _runtime = runtime().enter();
    PgPoolOptions::new().max_connections(POOL_MAX).test_before_acquire(false).connect_lazy_with(server())
}

/// Where the tests find their server.
const URL: &str = "CONVIO_TEST_POSTGRES_URL";
/// Long enough for a loaded machine, short enough that a deadlock which the server does not see fails the test.
const STATEMENT_TIMEOUT: &str = "60s";
/// Writers of one test at the same time; some tests run beside each other, and a server has a hundred connections.
const POOL_MAX: u32 = 12;

static PLACES: AtomicU64 = AtomicU64::new(0);
