//! The store behind PgBouncer in transaction mode, as Debian has it: three server connections for any number of callers, another
//! one for each transaction, and nothing that is prepared on one of them is there on the next.

mod support {
    pub(crate) mod audit;
    pub(crate) mod journey;
    #[path = "mod.rs"]
    mod places;
    pub(crate) use places::*;
}

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use convio_core::service::Atomicity;
use convio_core::{Convio, ErrorKind, Ingested};
use convio_store_postgres::{Options, PgStore, PgTx};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use support::audit::broken_laws;
use support::journey::{PHONE, is_there, lead, taken, travel, workspace};
use support::{Place, connect, run};

#[test]
fn a_journey_goes_through_a_transaction_pooler() {
    let (place, bouncer) = (Place::new(), Bouncer::start());
    run(async {
        let store = bouncer.store(&place);
        store.check().await.expect("is up to date");
        let acme = workspace(&Convio::new(store)).await;
        let left = travel(&acme).await;
        is_there(&Convio::new(place.store()).workspace(acme.id()), &left).await;
    });
}

#[test]
fn migrations_go_through_a_transaction_pooler() {
    let (place, bouncer) = (Place::empty(), Bouncer::start());
    run(async {
        let store = bouncer.store(&place);
        assert!(store.check().await.is_err());
        let migrating = (0..4).map(|_| {
            let store = bouncer.store(&place);
            tokio::spawn(async move { store.migrate().await })
        });
        for migrating in migrating.collect::<Vec<_>>() {
            migrating.await.expect("no panic").expect("migrates");
        }
        store.check().await.expect("is up to date");
        travel(&workspace(&Convio::new(store)).await).await;
    });
}

#[test]
fn sixteen_callers_share_three_server_connections() {
    let (place, bouncer) = (Place::new(), Bouncer::start());
    run(async {
        let convio = Convio::new(bouncer.store(&place));
        let acme = workspace(&convio).await;
        let callers = (0..CALLERS).map(|caller| {
            let acme = acme.clone();
            tokio::spawn(async move {
                for n in 0..LEADS {
                    taken(acme.ingest(lead(&phone(caller + n)).external_id(format!("{caller}-{n}"))).await);
                }
                let batch =
                    (0..BATCH).map(|n| lead(&phone(caller + n)).external_id(format!("{caller}-b{n}")));
                let answer = acme.ingest_batch(batch.collect(), Atomicity::PerRow).await.expect("an answer");
                answer.rows.into_iter().for_each(|row| drop(taken(row)));
                // What was answered once is answered so again.
                let again = acme.ingest(lead(&phone(caller)).external_id(format!("{caller}-0"))).await;
                assert!(matches!(again, Ok(Ingested::Replayed(_))), "{again:?}");
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.expect("no panic");
        }
        let leads = i64::try_from(CALLERS * (LEADS + BATCH)).expect("fits");
        let counts = "SELECT count(*) FROM {s}.lead UNION ALL SELECT count(*) FROM {s}.payload
            UNION ALL SELECT count(*) FROM {s}.claim UNION ALL SELECT count(*) FROM {s}.event WHERE kind = 'lead.received'";
        assert_eq!(place.column::<i64>(counts).await, [leads; 4]);
        assert_eq!(
            place.count("SELECT count(*) FROM {s}.contact").await,
            i64::try_from(PHONES).expect("fits")
        );
        let mut conn = connect().await;
        assert_eq!(broken_laws(&mut conn, &place.schema).await, [""; 0]);
        let backends = bouncer.backends(&mut conn).await;
        assert!((1..=SERVER_CONNECTIONS).contains(&backends), "{backends} server connections");
    });
}

#[test]
fn a_caller_s_transaction_goes_through_a_transaction_pooler() {
    let (place, bouncer) = (Place::new(), Bouncer::start());
    run(async {
        place.execute("CREATE TABLE {s}.own_order (id int PRIMARY KEY)").await;
        let pool = bouncer.pool(4);
        let options = options(&place);
        let acme = workspace(&Convio::new(PgStore::with(pool.clone(), options.clone()))).await;
        let order = |n: i32| AssertSqlSafe(format!("INSERT INTO {}.own_order VALUES ({n})", place.schema));
        let both = "SELECT (SELECT count(*) FROM {s}.own_order) * 1000 + (SELECT count(*) FROM {s}.lead)";

        let mut tx = pool.begin().await.expect("begins");
        tx.execute(order(1)).await.expect("inserts");
        let left = travel(&acme.within(PgTx::with(&mut tx, options.clone()))).await;
        tx.execute(order(2)).await.expect("inserts");
        // Others use the pooler meanwhile, and see nothing of it.
        assert_eq!(place.count(both).await, 0);
        assert_eq!(acme.webhook("google-solar").await.expect("reads"), None);
        tx.commit().await.expect("commits");
        assert_eq!(place.count(both).await, 2_002);
        is_there(&acme, &left).await;

        let mut tx = pool.begin().await.expect("begins");
        tx.execute(order(3)).await.expect("inserts");
        let inside = acme.within(PgTx::with(&mut tx, options.clone().savepoints()));
        taken(inside.ingest(lead(PHONE)).await);
        drop(inside);
        tx.rollback().await.expect("rolls back");
        assert_eq!(place.count(both).await, 2_002);
        is_there(&acme, &left).await;
    });
}

/// Why the option is there. A store that keeps its statements prepared works until another caller has the server connection that
/// they were prepared on.
#[test]
fn without_the_option_a_prepared_statement_is_not_where_it_was() {
    let (place, bouncer) = (Place::new(), Bouncer::start());
    run(async {
        let store =
            PgStore::with(bouncer.pool(1), Options::new().schema(&place.schema).expect("a name").hold(1));
        let acme = workspace(&Convio::new(store)).await;
        // One caller, one server connection: prepared, and used again.
        taken(acme.ingest(lead(PHONE)).await);
        taken(acme.ingest(lead(PHONE)).await);
        let mut other = PgConnection::connect_with(&bouncer.to).await.expect("connects");
        other.execute("BEGIN").await.expect("begins");
        let error = acme.ingest(lead(PHONE)).await.expect_err("is not prepared there");
        other.execute("ROLLBACK").await.expect("ends");
        assert_eq!(error.kind(), ErrorKind::Bug);
        let message = error.to_string();
        assert!(message.contains("prepared statement") && message.contains("does not exist"), "{message}");
        assert!(message.contains("behind_transaction_pooler"), "{message}");
        assert_eq!(place.count("SELECT count(*) FROM {s}.lead").await, 2);
    });
}

/// A PgBouncer of one test, in front of the tests' server. It listens on a socket in a directory of its own.
struct Bouncer {
    process: Child,
    home: PathBuf,
    to: PgConnectOptions,
    name: String,
}

impl Bouncer {
    fn start() -> Self {
        let program = std::env::var(PROGRAM).unwrap_or_else(|_| {
            panic!(
                "`{PROGRAM}` is not set: run `scripts/test`, which finds or installs PgBouncer, or set it to the path of the \
                 program, for example `/usr/sbin/pgbouncer`"
            )
        });
        static BOUNCERS: AtomicU64 = AtomicU64::new(0);
        let name =
            format!("convio_pgbouncer_{}_{}", std::process::id(), BOUNCERS.fetch_add(1, Ordering::Relaxed));
        let home = std::env::temp_dir().join(&name);
        std::fs::create_dir(&home).expect("makes a directory");
        let upstream = Upstream::of_tests();
        let (ini, users) = (home.join("pgbouncer.ini"), home.join("users"));
        std::fs::write(&users, upstream.users()).expect("writes");
        std::fs::write(&ini, upstream.ini(&home, &users)).expect("writes");
        let log = std::fs::File::create(home.join("log")).expect("makes a file");
        let mut command = Command::new(&program);
        command.arg("-q").arg(&ini).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        // PgBouncer refuses root: it runs as who may use the server's socket.
        if std::fs::metadata(&home).expect("is there").uid() == 0 {
            let (user, group) = upstream.owner();
            for path in [&home, &ini, &users] {
                chown(path, Some(user), Some(group)).expect("gives it away");
            }
            command.uid(user).gid(group);
        }
        let process = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
        let to = PgConnectOptions::new_without_pgpass()
            .socket(&home)
            .port(PORT)
            .username(upstream.server.get_username())
            .database(upstream.database())
            .ssl_mode(PgSslMode::Disable)
            .application_name(&name)
            .disable_statement_logging();
        let mut bouncer = Self { process, home, to, name };
        run(bouncer.until_it_listens());
        bouncer
    }

    async fn until_it_listens(&mut self) {
        for _ in 0..POLLS_MAX {
            let ended = self.process.try_wait().expect("can be asked");
            match PgConnection::connect_with(&self.to).await {
                Ok(conn) => return conn.close().await.expect("closes"),
                Err(error) if ended.is_some() => {
                    let log = std::fs::read_to_string(self.home.join("log")).unwrap_or_default();
                    panic!("PgBouncer ended: {ended:?}, {error}, {log}");
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
        let log = std::fs::read_to_string(self.home.join("log")).unwrap_or_default();
        panic!("PgBouncer does not listen: {log}");
    }

    fn pool(&self, max: u32) -> PgPool {
        PgPoolOptions::new().max_connections(max).connect_lazy_with(self.to.clone())
    }

    fn store(&self, place: &Place) -> PgStore {
        let max = u32::try_from(CALLERS).expect("fits");
        PgStore::with(self.pool(max), options(place).hold(CALLERS))
    }

    /// Connections that it has to the server.
    async fn backends(&self, conn: &mut PgConnection) -> i64 {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
        sqlx::query_scalar(count).bind(&self.name).fetch_one(conn).await.expect("reads")
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        // By its own handle, and waited for: nothing of a test is left running.
        let killed = self.process.kill();
        let ended = self.process.wait();
        let removed = std::fs::remove_dir_all(&self.home);
        if !std::thread::panicking() {
            killed.expect("kills it");
            ended.expect("has ended");
            removed.expect("removes its directory");
        }
    }
}

/// The tests' server, as PgBouncer is to reach it.
struct Upstream {
    server: PgConnectOptions,
    password: String,
}

impl Upstream {
    fn of_tests() -> Self {
        let url = std::env::var("CONVIO_TEST_POSTGRES_URL").expect("as for every test");
        let server = PgConnectOptions::from_str(&url).expect("a URL");
        let user = url.split_once("://").and_then(|(_, rest)| rest.split_once('@'));
        let password = user.and_then(|(user, _)| user.split_once(':')).map_or("", |(_, password)| password);
        Self { server, password: decoded(password) }
    }

    fn database(&self) -> &str {
        self.server.get_database().unwrap_or_else(|| self.server.get_username())
    }

    /// The directory of its socket, if it has one.
    fn socket(&self) -> Option<&Path> {
        let host = Path::new(self.server.get_host());
        self.server.get_socket().map(PathBuf::as_path).or_else(|| host.is_absolute().then_some(host))
    }

    fn users(&self) -> String {
        let quoted = |text: &str| text.replace('"', "\"\"");
        format!("\"{}\" \"{}\"\n", quoted(self.server.get_username()), quoted(&self.password))
    }

    fn ini(&self, home: &Path, users: &Path) -> String {
        let (home, users) = (home.display(), users.display());
        let host =
            self.socket().map_or_else(|| self.server.get_host().to_owned(), |dir| dir.display().to_string());
        let port = self.server.get_port();
        format!(
            "[databases]\n* = host={host} port={port}\n\n[pgbouncer]\npool_mode = transaction\n\
             default_pool_size = {SERVER_CONNECTIONS}\nmax_client_conn = 100\nlisten_port = {PORT}\n\
             unix_socket_dir = {home}\nauth_type = trust\nauth_file = {users}\n\
             ignore_startup_parameters = extra_float_digits\n"
        )
    }

    /// Who may use its socket; `nobody` where it has none.
    fn owner(&self) -> (u32, u32) {
        let owner =
            self.socket().and_then(|dir| std::fs::metadata(dir).ok()).map(|dir| (dir.uid(), dir.gid()));
        owner.filter(|(user, _)| *user != 0).unwrap_or((NOBODY, NOBODY))
    }
}

/// A part of a URL without its escapes.
fn decoded(part: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = part.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if *first == b'%' => (bytes.push(byte), rest = &tail[2..]),
            _ => (bytes.push(*first), rest = tail),
        };
    }
    String::from_utf8(bytes).expect("a password in UTF-8")
}

fn options(place: &Place) -> Options {
    Options::new().schema(&place.schema).expect("a name").behind_transaction_pooler()
}

fn phone(n: usize) -> String {
    format!("+1310555{:04}", 100 + n % PHONES)
}

/// Where the tests find PgBouncer.
const PROGRAM: &str = "CONVIO_TEST_PGBOUNCER";
/// In the name of its socket, which is in a directory of its own.
const PORT: u16 = 6432;
/// Less than callers, so that each transaction is likely to be on another one than the one before.
const SERVER_CONNECTIONS: i64 = 3;
const CALLERS: usize = 16;
const LEADS: usize = 6;
const BATCH: usize = 10;
const PHONES: usize = 7;
/// The user without rights, by the number that Linux gives it.
const NOBODY: u32 = 65_534;
/// A minute.
const POLLS_MAX: usize = 6_000;
