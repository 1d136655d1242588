//! Where everything is kept: one SQLite file, or a schema of a Postgres database.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use convio_store_postgres::{Options, PgStore, Schema, migrations_sql};
use convio_store_sqlite::SqliteStore;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection};
use tokio::runtime::{Builder, Runtime};
use url::Url;

use crate::Failure;
use crate::arguments::Arguments;

/// The database that was asked for.
pub(crate) enum Database {
    Sqlite(File),
    Postgres(Box<Server>),
}

pub(crate) struct File(PathBuf);

pub(crate) struct Server {
    url: Url,
    /// What the URL says, and where it says nothing, the environment.
    options: PgConnectOptions,
    schema: Schema,
}

impl Database {
    /// The one of `--db`. It need not be there.
    pub(crate) fn of(arguments: &Arguments) -> Result<Self, Failure> {
        let scheme = arguments.db.to_str().and_then(|db| db.split_once("://"));
        match scheme {
            None if arguments.schema.is_some() => Err("--schema is for a Postgres database".into()),
            None => Ok(Self::Sqlite(File(arguments.db.clone()))),
            Some(("postgres" | "postgresql", _)) => {
                let url = arguments.db.to_str().unwrap_or_default();
                Ok(Self::Postgres(Box::new(Server::of(url, arguments.schema.as_deref())?)))
            }
            // Not told in full: a password may be in it.
            Some((scheme, _)) => {
                Err(format!("--db: `{scheme}://` is no database: say the path of a file, or postgres://...")
                    .into())
            }
        }
    }

    /// What its store runs on: that of Postgres waits for the network, that of SQLite for nothing but the disk.
    pub(crate) fn runtime(&self) -> io::Result<Runtime> {
        match self {
            Self::Sqlite(_) => Builder::new_current_thread().build(),
            Self::Postgres(_) => Builder::new_multi_thread().enable_all().build(),
        }
    }

    /// A line for those who want to see for themselves.
    pub(crate) fn look(&self) -> String {
        match self {
            Self::Sqlite(_) => format!("sqlite3 '{self}' '{}'", query("lead")),
            Self::Postgres(server) => {
                format!("psql '{self}' -c '{}'", query(&format!("{}.lead", server.schema)))
            }
        }
    }
}

/// The path, or the URL without its password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(File(path)) => {
                fs::canonicalize(path).unwrap_or_else(|_| path.clone()).display().fmt(f)
            }
            Self::Postgres(server) => without_password(&server.url).fmt(f),
        }
    }
}

impl File {
    pub(crate) fn open(&self, fresh: bool) -> Result<SqliteStore, Failure> {
        if fresh {
            delete(&self.0)?;
        }
        Ok(SqliteStore::open(&self.0)?)
    }
}

impl Server {
    fn of(url: &str, schema: Option<&str>) -> Result<Self, Failure> {
        let unreadable = |error: &dyn fmt::Display| format!("the URL of --db can't be read: {error}");
        Ok(Self {
            url: url.parse().map_err(|error| unreadable(&error))?,
            options: url.parse().map_err(|error| unreadable(&error))?,
            schema: schema.map(Schema::named).transpose()?.unwrap_or_default(),
        })
    }

    pub(crate) async fn open(&self, fresh: bool) -> Result<PgStore, Failure> {
        // A pool waits for a server to come up. Whoever types a command wants to be told at once that there is none.
        let mut conn = self.connect().await.map_err(|error| self.failed("connect to", &*error))?;
        if fresh {
            drop_tables(&mut conn, &self.schema).await.map_err(|error| self.failed("delete from", &error))?;
        }
        conn.close().await.map_err(|error| self.failed("use", &error))?;
        let options = Options::new().schema(self.schema.name())?.hold(HELD_CONNECTIONS);
        let store = PgStore::connect_with(self.url.as_str(), options).await;
        store.map_err(|error| self.failed("make tables in", &error))
    }

    async fn connect(&self) -> Result<PgConnection, Failure> {
        Ok(tokio::time::timeout(PATIENCE, PgConnection::connect_with(&self.options))
            .await
            .map_err(|_| format!("no answer within {} seconds", PATIENCE.as_secs()))??)
    }

    fn failed(&self, what: &str, error: &dyn fmt::Display) -> Failure {
        format!("can't {what} `{}`: {error}", without_password(&self.url)).into()
    }
}

/// psql asks for what is missing.
fn without_password(url: &Url) -> Url {
    let mut shown = url.clone();
    // Refused only where there is no host, and so no password before it.
    let _ = shown.set_password(None);
    if url.query_pairs().any(|(key, _)| key == "password") {
        let kept = url.query_pairs().filter(|(key, _)| key != "password");
        shown.query_pairs_mut().clear().extend_pairs(kept);
    }
    shown
}

/// Deletes the file with those that SQLite keeps beside it.
fn delete(db: &Path) -> Result<(), Failure> {
    for suffix in ["", "-wal", "-shm"] {
        let mut file = db.as_os_str().to_owned();
        file.push(suffix);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(format!("can't delete `{}`: {error}", file.display()).into());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Drops Convio's tables and views. The schema may hold others' as well, which stay; what others made of ours stops it.
async fn drop_tables(conn: &mut PgConnection, schema: &Schema) -> Result<(), sqlx::Error> {
    let drop = |(kind, name): &(String, String)| format!("DROP {kind} IF EXISTS {schema}.{name};\n");
    let drops: String = made().iter().rev().map(drop).collect();
    sqlx::raw_sql(AssertSqlSafe(drops)).execute(conn).await.map(|_| ())
}

/// What Convio makes in its schema, in this order: `TABLE` or `VIEW`, and its name.
fn made() -> Vec<(String, String)> {
    let schema = Schema::default();
    let of_line = |line: &str| {
        let (made, rest) = line.strip_prefix("CREATE ")?.split_once(&format!("{schema}."))?;
        let kind = ["TABLE", "VIEW"].into_iter().find(|kind| made.starts_with(kind))?;
        Some((kind.to_owned(), rest.split_once(' ')?.0.to_owned()))
    };
    migrations_sql(&schema).lines().filter_map(of_line).collect()
}

fn query(lead: &str) -> String {
    format!("SELECT source, product, count(*) FROM {lead} GROUP BY 1, 2")
}

/// As many as the store's pool has.
const HELD_CONNECTIONS: usize = 8;
/// How long a server may take to answer: one that sleeps while unused wakes up within it.
const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn database(db: &str, schema: Option<&str>) -> Result<Database, Failure> {
        let schema = schema.map(str::to_owned);
        Database::of(&Arguments { db: db.into(), schema, ..Arguments::default() })
    }

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://me:hidden@db:5433/leads", "postgres://me@db:5433/leads"),
            (
                "postgresql://me:hid%40den@db/leads?sslmode=disable",
                "postgresql://me@db/leads?sslmode=disable",
            ),
            ("postgres://db/leads?password=hidden&user=me", "postgres://db/leads?user=me"),
            ("postgres:///leads?host=/run/pg&password=hidden", "postgres:///leads?host=%2Frun%2Fpg"),
            ("postgres://me@%2Frun%2Fpg/leads", "postgres://me@%2Frun%2Fpg/leads"),
        ] {
            let database = database(url, None).unwrap();
            assert_eq!(database.to_string(), shown);
            assert_eq!(
                database.look(),
                format!(
                    r#"psql '{shown}' -c 'SELECT source, product, count(*) FROM "convio".lead GROUP BY 1, 2'"#
                )
            );
        }
        for wrong in ["postgres://me:hidden@db:port/leads", "mysql://me:hidden@db/leads"] {
            let said = database(wrong, None).err().unwrap().to_string();
            assert!(said.contains("--db") && !said.contains("hidden"), "{said}");
        }
    }

    #[test]
    fn a_schema_is_of_postgres() {
        assert!(database("leads.db", Some("crm")).is_err());
        assert!(database("postgres://db/leads", Some("")).is_err());
        let look = database("postgres://db/leads", Some("CRM leads")).unwrap().look();
        assert!(look.contains(r#"FROM "CRM leads".lead "#), "{look}");
    }

    #[test]
    fn all_that_is_made_is_known_by_name() {
        let made = made();
        for (kind, name) in
            [("TABLE", "convio_migration"), ("TABLE", "lead"), ("TABLE", "rollup"), ("VIEW", "leads")]
        {
            assert!(made.contains(&(kind.to_owned(), name.to_owned())), "{name} is not in {made:?}");
        }
        let sql = migrations_sql(&Schema::default());
        let count = |what: &str| sql.matches(what).count();
        // Indexes go with their tables.
        let others =
            ["CREATE SCHEMA", "CREATE INDEX", "CREATE UNIQUE INDEX"].map(count).iter().sum::<usize>();
        assert_eq!(made.len() + others, count("CREATE "));
    }
}
