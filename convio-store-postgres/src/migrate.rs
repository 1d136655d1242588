//! Migrations: each in a transaction of its own, under a lock that ends with it, so that two processes that start at once run
//! each one once, and a failed one holds nobody up.

use convio_core::store::{Fault, StoreError};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row};

use crate::error::read_failed;
use crate::schema::Schema;

/// A step of the schema. In its statements `{schema}` stands for the schema's name.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its place: 1, 2, 3 ...
    pub version: u32,
    sql: &'static str,
}

impl Migration {
    /// Its statements for this schema, each of which is to be run by itself: all in one transaction.
    pub fn statements(&self, schema: &Schema) -> Vec<String> {
        let is_code = |line: &&str| !line.trim_start().starts_with("--");
        let code = self.sql.lines().filter(is_code).collect::<Vec<_>>().join("\n");
        let statements = code.split(';').map(str::trim).filter(|statement| !statement.is_empty());
        statements.map(|statement| statement.replace("{schema}", &schema.to_string())).collect()
    }
}

/// All steps, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, sql: include_str!("../migrations/0001_init.sql") },
    Migration { version: 2, sql: include_str!("../migrations/0002_relations.sql") },
];

/// All that [`PgStore::migrate`](crate::PgStore::migrate) would run on an empty database, to be run by a tool of your own.
///
/// ```
/// let sql = convio_store_postgres::migrations_sql(&convio_store_postgres::Schema::named("leads")?);
/// assert!(sql.contains(r#"CREATE TABLE "leads".contact ("#));
/// # Ok::<(), convio_core::store::StoreError>(())
/// ```
pub fn migrations_sql(schema: &Schema) -> String {
    let mut sql = format!("CREATE SCHEMA IF NOT EXISTS {schema};\n{};\n", table_of_versions(schema));
    for migration in MIGRATIONS {
        sql.push_str("\nBEGIN;\n");
        for statement in migration.statements(schema) {
            sql.push_str(&statement);
            sql.push_str(";\n");
        }
        sql.push_str(&format!("{};\nCOMMIT;\n", note(schema, migration.version)));
    }
    sql
}

/// Takes the steps that are missing. Where none is, it changes nothing, and asks for no right but to look.
pub(crate) async fn migrate(conn: &mut PgConnection, schema: &Schema) -> Result<(), StoreError> {
    let applied_before = applied(conn, schema).await?;
    refuse_newer(applied_before)?;
    if applied_before == newest() {
        return Ok(());
    }
    transaction(conn, schema, None).await?;
    for migration in MIGRATIONS {
        transaction(conn, schema, Some(migration)).await?;
    }
    refuse_newer(applied(conn, schema).await?)
}

/// Refuses a schema that is not that of this version. Changes nothing.
pub(crate) async fn check(conn: &mut PgConnection, schema: &Schema) -> Result<(), StoreError> {
    let (applied, needed) = (applied(conn, schema).await?, newest());
    refuse_newer(applied)?;
    if applied < needed {
        let found = match applied {
            0 => "has no tables of Convio's".to_owned(),
            applied => format!("is at version {applied}, and version {needed} is needed"),
        };
        return Err(refused(format!("the schema {schema} {found}: call migrate()")));
    }
    Ok(())
}

/// The version that the schema is at; 0 where it does not exist.
pub(crate) async fn applied(conn: &mut PgConnection, schema: &Schema) -> Result<u32, StoreError> {
    let known = format!(
        "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = {} AND tablename = 'convio_migration'",
        literal(schema)
    );
    if ask(conn, known).await?.is_none() {
        return Ok(0);
    }
    let newest = format!("SELECT coalesce(max(version), 0) FROM {schema}.convio_migration");
    let newest =
        ask(conn, newest).await?.map_or(Ok(0), |row| row.try_get::<i32, _>(0)).map_err(read_failed)?;
    Ok(u32::try_from(newest).unwrap_or_default())
}

/// One step, unless it was taken; without a step, the schema and the table of steps themselves.
async fn transaction(
    conn: &mut PgConnection,
    schema: &Schema,
    migration: Option<&Migration>,
) -> Result<(), StoreError> {
    run(conn, BEGIN.to_owned()).await?;
    let done = within(conn, schema, migration).await;
    match &done {
        Ok(()) => run(conn, "COMMIT".to_owned()).await?,
        // The lock goes with the transaction, and that with the connection if it is lost.
        Err(_) => drop(run(conn, "ROLLBACK".to_owned()).await),
    }
    done
}

async fn within(
    conn: &mut PgConnection,
    schema: &Schema,
    migration: Option<&Migration>,
) -> Result<(), StoreError> {
    // Another process may be faster: under the lock its work is seen.
    let lock =
        "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('convio migration of ' ||";
    run(conn, format!("{lock} {}, 0))", literal(schema))).await?;
    let Some(migration) = migration else {
        // Who may not create schemas may still use one that is there.
        let there = format!("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = {}", literal(schema));
        if ask(conn, there).await?.is_none() {
            run(conn, format!("CREATE SCHEMA {schema}")).await?;
        }
        return run(conn, table_of_versions(schema)).await;
    };
    let done = format!("SELECT 1 FROM {schema}.convio_migration WHERE version = {}", migration.version);
    if ask(conn, done).await?.is_some() {
        return Ok(());
    }
    for statement in migration.statements(schema) {
        run(conn, statement).await?;
    }
    run(conn, note(schema, migration.version)).await
}

async fn run(conn: &mut PgConnection, text: String) -> Result<(), StoreError> {
    sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *conn).await.map(drop).map_err(read_failed)
}

/// The first row of an answer. Asked without a prepared statement, in one message: behind a transaction pooler a second one may
/// reach another server process.
async fn ask(conn: &mut PgConnection, text: String) -> Result<Option<PgRow>, StoreError> {
    sqlx::raw_sql(AssertSqlSafe(text)).fetch_optional(&mut *conn).await.map_err(read_failed)
}

/// The schema's name as a value, whatever `standard_conforming_strings` says.
fn literal(schema: &Schema) -> String {
    format!("E'{}'", schema.name().replace('\\', "\\\\").replace('\'', "''"))
}

fn table_of_versions(schema: &Schema) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {schema}.convio_migration (version int NOT NULL, applied_at timestamptz NOT NULL, \
         CONSTRAINT convio_migration_pk PRIMARY KEY (version))"
    )
}

fn note(schema: &Schema, version: u32) -> String {
    format!("INSERT INTO {schema}.convio_migration (version, applied_at) VALUES ({version}, now())")
}

fn newest() -> u32 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

fn refuse_newer(applied: u32) -> Result<(), StoreError> {
    let newest = newest();
    if applied > newest {
        return Err(refused(format!(
            "the schema is at version {applied}, this version of the store knows {newest}"
        )));
    }
    Ok(())
}

fn refused(message: String) -> StoreError {
    StoreError::Unavailable(Fault::new(message))
}

/// Under a default of REPEATABLE READ a step would look at the schema as it was before it got the lock.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
