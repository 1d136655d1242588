//! The program on Postgres: what it comes to on SQLite, and what it says when it can't.
//!
//! Each test makes a database of its own on the server that `CONVIO_TEST_POSTGRES_URL` names.

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use support::{Folder, failure, figures, journey, open, text};
use url::Url;

#[test]
fn a_seed_and_a_time_give_the_same_on_postgres_as_on_sqlite() {
    let (folder, database) = (Folder::new(), Database::new());
    let seeded = ["--seed", "7", "--now", "2026-01-15T09:00:00Z"];
    let (on_sqlite, on_postgres) = both(&folder.db(), &database, |db| text(&mut journey(db, &seeded)));
    assert!(on_sqlite.contains("new: 19369 events, 19369 in all"), "{on_sqlite}");
    assert_eq!(without_place(&on_sqlite, "sqlite3 "), without_place(&on_postgres, "psql "));
    assert!(on_postgres.contains(&*format!("the database: {}", database.url)), "{on_postgres}");

    let events = database
        .column(&events("(extract(epoch FROM at) * 1000000)::bigint", "encode(uuid_send({}), 'hex')"));
    assert_eq!(events.len(), 19_369);
    assert_eq!(sqlite_column(&folder.db(), &self::events("at", "lower(hex({}))")), events);

    // Again, and nothing is added to either.
    let (on_sqlite, on_postgres) = both(&folder.db(), &database, |db| figures(db, &seeded));
    let without_place = |mut figures: Value| {
        figures["database"].take();
        figures
    };
    let (on_sqlite, on_postgres) = (without_place(on_sqlite), without_place(on_postgres));
    assert_eq!(on_sqlite, on_postgres);
    assert_eq!((&on_postgres["new_events"], &on_postgres["events"]), (&json!(0), &json!(19_369)));
    assert_eq!(
        (&on_postgres["conversions"], &on_postgres["revenue"]["AUD"]),
        (&json!(651), &json!("3504380.00"))
    );
    assert_eq!(database.number("SELECT count(*) FROM convio.event"), 19_369);
}

#[test]
fn many_calls_at_once_come_to_the_same_sums() {
    let database = Database::new();
    let figures = figures(database.db(), &[]);
    assert_eq!((&figures["new_events"], &figures["conversions"]), (&json!(19_369), &json!(651)));
    assert_eq!(figures["revenue"], json!({"AUD": "3504380.00"}));
    assert_eq!(figures["import"]["created"], 5_007);
}

#[test]
fn a_schema_is_an_install_of_its_own_and_fresh_leaves_what_others_keep_in_it() {
    let (folder, database) = (Folder::new(), Database::new());
    let leads = folder.write("leads.csv", "phone\n+12125550123\n+12125550124\n");
    let run = |more: &[&str]| {
        let mut arguments = vec!["--input", leads.to_str().unwrap()];
        arguments.extend(more);
        journey(database.db(), &arguments)
    };
    let new_events = |more: &[&str]| {
        serde_json::from_str::<Value>(&text(run(more).arg("--json"))).unwrap()["new_events"].as_i64().unwrap()
    };
    let first = new_events(&["--schema", "CRM leads"]);
    assert!(first > 0);
    assert_eq!(new_events(&["--schema", "CRM leads"]), 0);
    assert_eq!(new_events(&["--schema", "public"]), first);
    database.execute("CREATE TABLE public.theirs AS SELECT 1 AS n");
    assert_eq!(new_events(&["--schema", "public", "--fresh"]), first);
    assert_eq!(new_events(&["--schema", "CRM leads"]), 0);
    assert_eq!(database.number("SELECT count(*) FROM public.theirs"), 1);

    database.execute("CREATE VIEW public.phones AS SELECT phone FROM public.contact");
    let said = failure(&mut run(&["--schema", "public", "--fresh"]));
    assert!(said.contains("can't delete from") && said.contains("other objects depend"), "{said}");
    assert_eq!(database.number("SELECT count(*) FROM public.phones"), 2);
    let tables = text(&mut run(&["--schema", "CRM leads"]));
    assert!(tables.contains(r#"FROM "CRM leads".lead"#), "{tables}");
}

#[test]
fn what_is_wrong_with_a_database_is_said_without_its_password() {
    let database = Database::new();
    let url = |change: fn(&mut Url)| {
        let mut url = database.url.clone();
        change(&mut url);
        url.query_pairs_mut().append_pair("password", "hidden");
        url.to_string()
    };
    // Nobody listens on port 1. Postgres' own words depend on the server's language: its errors are told by what we say.
    for (db, said) in [
        (
            "postgres://me:hidden@127.0.0.1:1/leads".to_owned(),
            "can't connect to `postgres://me@127.0.0.1:1/leads`: ",
        ),
        (
            "postgres://me:hidden@127.0.0.1:port/leads".to_owned(),
            "the URL of --db can't be read: invalid port number",
        ),
        ("mysql://me:hidden@127.0.0.1/leads".to_owned(), "`mysql://` is no database"),
        (url(|url| url.set_path("/convio_nobody_made_this")), "can't connect to `postgres"),
        // One who may read everything, and make nothing.
        (
            url(|url| {
                url.query_pairs_mut().append_pair("options", "-c role=pg_read_all_data");
            }),
            "postgres 42501: ",
        ),
    ] {
        let told = failure(&mut journey(Path::new(&db), &[]));
        assert!(told.starts_with("journey: ") && told.contains(said), "{db}: {told}");
        assert!(!told.contains("hidden"), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
    assert_eq!(database.number("SELECT count(*) FROM pg_namespace WHERE nspname = 'convio'"), 0);
}

/// The same on both at the same time.
fn both<T: Send>(sqlite: &Path, postgres: &Database, run: impl Fn(&Path) -> T + Sync) -> (T, T) {
    std::thread::scope(|scope| {
        let on_sqlite = scope.spawn(|| run(sqlite));
        let on_postgres = run(postgres.db());
        (on_sqlite.join().unwrap(), on_postgres)
    })
}

/// What is printed, but for where the database is.
fn without_place<'t>(printed: &'t str, command: &str) -> &'t str {
    let (figures, place) = printed.split_once("the database: ").unwrap();
    assert_eq!(place.lines().count(), 2, "{place}");
    assert!(place.contains(&format!("\nlook into it:  {command}")), "{place}");
    figures
}

/// Every event with all that is stored of it: its ids are those of all rows.
fn events(at: &str, id: &str) -> String {
    let id = |column: &str| format!("coalesce({}, '')", id.replace("{}", column));
    let text = |column: &str| format!("coalesce(CAST({column} AS text), '')");
    let cells = [
        text("position"),
        text(at),
        text("kind"),
        id("contact_id"),
        text("contact_seq"),
        id("lead_id"),
        text("lead_seq"),
        text("subject_kind"),
        id("subject_id"),
        text("subject_seq"),
        text("contact_number"),
        id("duplicate_of"),
        text("actor"),
        text("request"),
        text("causation"),
        text("facts"),
        text("personal"),
    ];
    let schema = if at == "at" { "" } else { "convio." };
    format!("SELECT {} FROM {schema}event ORDER BY position", cells.join(" || '|' || "))
}

fn sqlite_column(db: &Path, query: &str) -> Vec<String> {
    let conn = open(db);
    let mut rows = conn.prepare(query).unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// A database of one test, dropped with it.
struct Database {
    name: String,
    url: Url,
    path: String,
}

impl Database {
    fn new() -> Self {
        let name = format!("convio_journey_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        on(&server(), format!("CREATE DATABASE {name}"));
        let mut url = server();
        url.set_path(&name);
        Self { name, path: url.to_string(), url }
    }

    /// As `--db` takes it.
    fn db(&self) -> &Path {
        Path::new(&self.path)
    }

    fn execute(&self, sql: &str) {
        on(&self.url, sql.to_owned());
    }

    fn column(&self, query: &str) -> Vec<String> {
        let query = AssertSqlSafe(query);
        run(async {
            let mut conn = connect(&self.url).await;
            let rows = sqlx::query_scalar(query).fetch_all(&mut conn).await.unwrap();
            conn.close().await.unwrap();
            rows
        })
    }

    fn number(&self, query: &str) -> i64 {
        self.column(&format!("SELECT CAST(({query}) AS text)"))[0].parse().unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        on(&server(), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

fn server() -> Url {
    let url = std::env::var(URL).unwrap_or_else(|_| {
        panic!("`{URL}` is not set: run `scripts/test`, which starts a server of its own, or name one whose user may create databases")
    });
    url.parse().unwrap_or_else(|error| panic!("`{URL}` is no URL: {error}"))
}

fn on(url: &Url, sql: String) {
    run(async {
        let mut conn = connect(url).await;
        conn.execute(AssertSqlSafe(sql.as_str())).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        conn.close().await.unwrap();
    });
}

async fn connect(url: &Url) -> PgConnection {
    PgConnection::connect(url.as_str()).await.expect("connects")
}

fn run<T>(done: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(done)
}

const URL: &str = "CONVIO_TEST_POSTGRES_URL";
static MADE: AtomicU32 = AtomicU32::new(0);
