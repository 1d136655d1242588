//! The schema: brought up to date once, whoever comes, or only looked at.
//!
//! Databases of earlier versions are opened by `releases.rs`.

mod support {
    pub(crate) mod journey;
    #[path = "mod.rs"]
    mod places;
    pub(crate) use places::*;
}

use std::collections::BTreeMap;

use convio_core::Convio;
use convio_core::contact::ContactRef;
use convio_core::store::StoreError;
use convio_store_postgres::{MIGRATIONS, Options, PgStore, Schema, migrations_sql};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use support::journey::{PHONE, is_there, lead, taken, travel, workspace};
use support::{Place, connect, pool, run, server};

#[test]
fn an_empty_database_is_migrated() {
    let place = Place::empty();
    run(async {
        let store = place.store();
        store.migrate().await.expect("migrates");
        store.check().await.expect("is up to date");
        assert_eq!(applied(&place).await, every_version());
        travel(&workspace(&Convio::new(store)).await).await;
    });
}

#[test]
fn a_filled_database_is_migrated_again_and_nothing_changes() {
    let place = Place::new();
    run(async {
        let acme = workspace(&Convio::new(place.store())).await;
        let left = travel(&acme).await;
        let before = (catalog(&place).await, rows(&place).await);
        // Every table has rows: nothing is compared with nothing.
        assert!(before.1.values().all(|(rows, _)| *rows > 0), "{:?}", before.1);
        for _ in 0..2 {
            let store = place.store();
            store.migrate().await.expect("migrates");
            store.check().await.expect("is up to date");
            assert_eq!((catalog(&place).await, rows(&place).await), before);
        }
        is_there(&acme, &left).await;
    });
}

#[test]
fn check_says_what_an_empty_schema_lacks_and_changes_nothing() {
    let place = Place::empty();
    run(async {
        // No such schema, and one that holds somebody else's table.
        for made in ["", "CREATE SCHEMA {s}; CREATE TABLE {s}.other (a int)"] {
            if !made.is_empty() {
                for statement in made.split("; ") {
                    place.execute(statement).await;
                }
            }
            let before = (schemas(&place).await, catalog(&place).await);
            let message = refusal(place.store().check().await);
            let missing =
                format!(r#"the schema "{}" has no tables of Convio's: call migrate()"#, place.schema);
            assert!(message.contains(&missing), "{message}");
            assert_eq!((schemas(&place).await, catalog(&place).await), before);
        }
        place.store().migrate().await.expect("migrates beside the other table");
    });
}

#[test]
fn a_newer_schema_is_refused_and_left_as_it_is() {
    let place = Place::new();
    run(async {
        let future = newest() + 1;
        place
            .execute(&format!(
                "INSERT INTO {{s}}.convio_migration (version, applied_at) VALUES ({future}, now())"
            ))
            .await;
        place.execute("DROP TABLE {s}.counter").await;
        let before = (catalog(&place).await, rows(&place).await);
        let store = place.store();
        for refused in [store.migrate().await, store.check().await] {
            let message = refusal(refused);
            let says = format!("at version {future}, this version of the store knows {}", newest());
            assert!(message.contains(&says), "{message}");
        }
        assert_eq!((catalog(&place).await, rows(&place).await), before);
    });
}

#[test]
fn eight_that_migrate_a_new_schema_at_once_take_each_step_once() {
    // Under the second default whoever waited for the lock would see the schema as it was before.
    for isolation in ["read committed", "serializable"] {
        let place = Place::empty();
        run(async {
            // All of them get as far as the lock before the first one gets it.
            let mut first = connect().await;
            first.execute("BEGIN").await.expect("begins");
            first.execute(AssertSqlSafe(format!("SELECT {}", lock(&place.schema)))).await.expect("locks");
            let migrating = (0..8).map(|_| {
                let (schema, defaults) = (place.schema.clone(), ("default_transaction_isolation", isolation));
                let to = server().application_name(&schema).options([defaults]);
                let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(to);
                tokio::spawn(async move {
                    let store = PgStore::with(pool.clone(), Options::new().schema(schema).expect("a name"));
                    let done = store.migrate().await;
                    pool.close().await;
                    done
                })
            });
            let migrating: Vec<_> = migrating.collect();
            until_waiting(&place, 8).await;
            first.execute("COMMIT").await.expect("commits");
            for migrating in migrating {
                migrating.await.expect("no panic").unwrap_or_else(|error| panic!("{isolation}: {error}"));
            }
            assert_eq!(applied(&place).await, every_version());
            place.store().check().await.expect("is up to date");
        });
    }
}

#[test]
fn a_migration_that_fails_leaves_nothing_and_its_lock_goes() {
    let place = Place::empty();
    run(async {
        // A table of this name is in the way of the last statements of the first migration.
        place.execute("CREATE SCHEMA {s}").await;
        place.execute("CREATE TABLE {s}.rollup (a int)").await;
        let store = place.store();
        let error = store.migrate().await.expect_err("is in the way").to_string();
        assert!(error.contains("rollup"), "{error}");
        assert_eq!(tables(&place).await, ["convio_migration", "rollup"]);
        let free = lock(&place.schema).replace("pg_advisory", "pg_try_advisory");
        assert_eq!(place.column::<bool>(&format!("SELECT {free}")).await, [true]);
        place.execute("DROP TABLE {s}.rollup").await;
        let second = PgStore::with(pool(), place.options());
        second.migrate().await.expect("goes through");
        store.check().await.expect("the first one sees it too");
        assert_eq!(applied(&place).await, every_version());
    });
}

#[test]
fn installs_in_one_database_know_nothing_of_each_other() {
    let places = [
        Named::new(format!("a {}", std::process::id())),
        Named::new(format!("b {}", std::process::id())),
        Named::new(format!(r#"crm leads "eu" '{}\"#, std::process::id())),
    ];
    run(async {
        let mut travelled = Vec::new();
        for place in &places {
            let store = PgStore::with(place.pool.clone(), place.options());
            store.migrate().await.expect("migrates");
            store.migrate().await.expect("migrates again");
            store.check().await.expect("is up to date");
            let convio = Convio::new(store);
            let acme = workspace(&convio).await;
            let left = travel(&acme).await;
            travelled.push((convio, acme, left));
        }
        for (convio, acme, left) in &travelled {
            is_there(acme, left).await;
            for (_, other, of_other) in travelled.iter().filter(|(_, other, _)| other.id() != acme.id()) {
                let other = convio.workspace(other.id());
                assert_eq!(other.workspace().await.expect("reads"), None);
                assert_eq!(other.contact(ContactRef::Id(of_other.contact)).await.expect("reads"), None);
                assert_eq!(other.head().await.expect("reads"), None);
                // The same id in both installs is two workspaces.
                let again =
                    convio.create_workspace_with_id(other.id(), convio_core::NewWorkspace::named("Twin"));
                let twin = again.await.expect("is free here");
                assert_eq!(twin.contact(ContactRef::Id(of_other.contact)).await.expect("reads"), None);
                taken(twin.ingest(lead(PHONE)).await);
            }
        }
        for (_, acme, left) in &travelled {
            is_there(acme, left).await;
        }
    });
}

#[test]
fn the_text_for_other_tools_makes_the_same_schema() {
    let (place, by_hand) = (Place::new(), Place::empty());
    run(async {
        let sql = migrations_sql(&Schema::named(&by_hand.schema).expect("a name"));
        let mut conn = connect().await;
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.expect("runs");
        let wanted = catalog(&place).await;
        assert!(wanted.len() > 200, "{} lines", wanted.len());
        assert_eq!(catalog(&by_hand).await, wanted);
        let store = by_hand.store();
        store.check().await.expect("is up to date");
        store.migrate().await.expect("nothing to do");
        assert_eq!(applied(&by_hand).await, every_version());
        travel(&workspace(&Convio::new(store)).await).await;
    });
}

#[test]
fn each_statement_of_a_migration_is_one() {
    let place = Place::empty();
    run(async {
        place.execute("CREATE SCHEMA {s}").await;
        let schema = Schema::named(&place.schema).expect("a name");
        let mut conn = connect().await;
        for migration in MIGRATIONS {
            let statements = migration.statements(&schema);
            assert!(!statements.is_empty());
            for statement in statements {
                // As a prepared statement: Postgres takes no two in one.
                let done = sqlx::query(AssertSqlSafe(statement.as_str())).execute(&mut conn).await;
                done.unwrap_or_else(|error| panic!("{statement}: {error}"));
            }
        }
        let mut made = tables(&place).await;
        made.push("convio_migration".to_owned());
        made.sort();
        assert_eq!(made, tables(&Place::make().await).await);
    });
}

#[test]
fn the_table_of_sqlx_is_left_alone() {
    let place = Place::empty();
    run(async {
        // A service that runs its own migrations, with the schema of Convio's in its search path.
        place.execute("CREATE SCHEMA {s}").await;
        place.execute("CREATE TABLE {s}._sqlx_migrations (version bigint PRIMARY KEY)").await;
        place.execute("INSERT INTO {s}._sqlx_migrations VALUES (1), (7)").await;
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(server().options([("search_path", place.schema.as_str())]));
        PgStore::with(pool, place.options()).migrate().await.expect("migrates");
        let versions = "SELECT version FROM {s}._sqlx_migrations ORDER BY version";
        assert_eq!(place.column::<i64>(versions).await, [1, 7]);
        assert_eq!(applied(&place).await, every_version());
        assert!(tables(&place).await.contains(&"convio_migration".to_owned()));
    });
}

#[test]
fn who_owns_the_schema_migrates_it_and_who_uses_it_need_not() {
    let place = Place::empty();
    let (owner, user) = (Role::new("owner"), Role::new("user"));
    run(async {
        place.execute(&format!("CREATE SCHEMA {{s}} AUTHORIZATION {}", owner.name)).await;
        let rights = format!("SELECT has_database_privilege('{}', current_database(), 'CREATE')", owner.name);
        assert_eq!(place.column::<bool>(&rights).await, [false]);
        let as_owner = PgStore::with(owner.pool(), place.options());
        as_owner.migrate().await.expect("owns the schema");
        as_owner.check().await.expect("is up to date");

        let as_user = PgStore::with(user.pool(), place.options());
        for grant in [
            "GRANT USAGE ON SCHEMA {s} TO {r}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {s} TO {r}",
        ] {
            place.execute(&grant.replace("{r}", &user.name)).await;
        }
        as_user.migrate().await.expect("there is nothing to do");
        travel(&workspace(&Convio::new(as_user)).await).await;

        // Somebody who may not make the schema is told so, and nothing is made.
        let elsewhere = Place::empty();
        let error = PgStore::with(user.pool(), elsewhere.options()).migrate().await.expect_err("may not");
        assert!(matches!(error, StoreError::Misuse(_)), "{error}");
        assert!(error.to_string().contains("42501"), "{error}");
        assert!(schemas(&elsewhere).await.is_empty());
    });
}

#[test]
fn the_schema_keeps_its_rules() {
    let place = Place::new();
    run(async {
        let exceptions = |sql: &str| {
            let sql = sql.replace("{n}", "n.nspname = '{s}'");
            let place = &place;
            async move { place.column::<String>(&sql).await }
        };
        let long = exceptions(
            "SELECT relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE {n} AND octet_length(relname) > 45
             UNION ALL SELECT conname::text FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
             WHERE {n} AND octet_length(conname) > 45",
        );
        assert_eq!(long.await, [""; 0], "names of more than 45 bytes");
        let keys = "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {n} AND c.relname <> 'convio_migration' AND i.indisunique";
        let first =
            "(SELECT attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0])";
        assert!(exceptions(keys).await.len() >= 19);
        let others = exceptions(&format!("{keys} AND {first} IS DISTINCT FROM 'workspace_id'"));
        assert_eq!(others.await, [""; 0], "unique, and workspace_id is not first");
        let without_key = exceptions(
            "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE {n} AND c.relkind = 'r' AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)",
        );
        assert_eq!(without_key.await, [""; 0], "tables without a primary key");
        for (what, sql) in [
            (
                "triggers",
                "SELECT t.tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                 JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {n}",
            ),
            (
                "sequences, and columns that count by themselves",
                "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE {n} AND c.relkind = 'S'",
            ),
            (
                "foreign keys",
                "SELECT k.conname::text FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
                 WHERE {n} AND k.contype = 'f'",
            ),
            (
                "rules, other than that of a view",
                "SELECT r.rulename::text FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
                 JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {n} AND NOT (c.relkind = 'v' AND r.rulename = '_RETURN')",
            ),
            (
                "functions",
                "SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {n}",
            ),
            (
                "defaults, which a column that the store forgets would hide behind",
                "SELECT c.relname::text FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid
                 JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {n}",
            ),
        ] {
            assert_eq!(exceptions(sql).await, [""; 0], "{what}");
        }
    });
}

/// A schema of any name.
struct Named {
    pool: PgPool,
    name: String,
    /// Removes it.
    _place: Place,
}

impl Named {
    fn new(name: String) -> Self {
        let schema = Schema::named(&name).expect("a name").to_string();
        let pool = pool();
        Self { pool: pool.clone(), name, _place: Place { pool, schema } }
    }

    fn options(&self) -> Options {
        Options::new().schema(&self.name).expect("a name").hold(2)
    }
}

/// A role of one test, without any right.
struct Role {
    name: String,
}

impl Role {
    fn new(what: &str) -> Self {
        let name = format!("convio_test_{}_{what}", std::process::id());
        run(async {
            let mut conn = connect().await;
            let make = format!("CREATE ROLE {name}");
            conn.execute(AssertSqlSafe(make)).await.expect("the tests' user may create roles");
        });
        Self { name }
    }

    /// Acts as the role.
    fn pool(&self) -> PgPool {
        let to: PgConnectOptions = server().options([("role", self.name.as_str())]);
        PgPoolOptions::new().max_connections(2).connect_lazy_with(to.disable_statement_logging())
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let drop = format!("DROP OWNED BY {0} CASCADE; DROP ROLE {0}", self.name);
        let dropped = std::thread::spawn(move || {
            run(async {
                let mut conn = connect().await;
                let dropped = conn.execute(AssertSqlSafe(drop)).await.map(std::mem::drop);
                conn.close().await.expect("closes");
                dropped
            })
        });
        if !std::thread::panicking() {
            dropped.join().expect("no panic").expect("drops the role");
        }
    }
}

#[track_caller]
fn refusal(done: Result<(), StoreError>) -> String {
    match done {
        Err(error @ StoreError::Unavailable(_)) => error.to_string(),
        other => panic!("the schema was not refused: {other:?}"),
    }
}

fn newest() -> u32 {
    MIGRATIONS.last().expect("a migration").version
}

fn every_version() -> Vec<i32> {
    (1..=newest()).map(u32::cast_signed).collect()
}

async fn applied(place: &Place) -> Vec<i32> {
    place.column("SELECT version FROM {s}.convio_migration ORDER BY version").await
}

async fn schemas(place: &Place) -> Vec<String> {
    place.column("SELECT nspname::text FROM pg_namespace WHERE nspname = '{s}'").await
}

async fn tables(place: &Place) -> Vec<String> {
    place.column("SELECT tablename::text FROM pg_tables WHERE schemaname = '{s}' ORDER BY tablename").await
}

/// The call that takes the lock of a schema's migrations.
fn lock(schema: &str) -> String {
    format!("pg_advisory_xact_lock(hashtextextended('convio migration of ' || '{schema}', 0))")
}

/// Waits until so many connections that are named like the schema wait for a lock.
async fn until_waiting(place: &Place, wanted: i64) {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{s}' AND wait_event_type = 'Lock'";
    for _ in 0..POLLS_MAX {
        if place.count(waiting).await == wanted {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{wanted} never waited for a lock");
}

/// All that the catalog says of a schema, with the schema's own name left out.
async fn catalog(place: &Place) -> Vec<String> {
    let mut lines = Vec::new();
    for sql in [
        "SELECT format('%s %s persistence %s options %s security %s', c.relkind, c.relname, c.relpersistence, c.reloptions,
           c.relrowsecurity)
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{s}'",
        "SELECT format('column %s.%s %s: %s not null %s collation %s', c.relname, a.attnum, a.attname,
           format_type(a.atttypid, a.atttypmod), a.attnotnull, k.collname)
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN pg_collation k ON k.oid = a.attcollation
         WHERE n.nspname = '{s}' AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped",
        "SELECT format('constraint %s of %s: %s', k.conname, c.relname, pg_get_constraintdef(k.oid))
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = k.connamespace
         WHERE n.nspname = '{s}'",
        "SELECT format('view %s: %s', c.relname, pg_get_viewdef(c.oid))
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{s}' AND c.relkind = 'v'",
        "SELECT pg_get_indexdef(i.indexrelid)
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = '{s}'",
    ] {
        lines.extend(place.column::<String>(sql).await);
    }
    let mut lines: Vec<String> = lines.into_iter().map(|line| line.replace(&place.schema, "{s}")).collect();
    lines.sort();
    lines
}

/// Per table, how many rows it has and a digest of them.
async fn rows(place: &Place) -> BTreeMap<String, (i64, Option<String>)> {
    let mut rows = BTreeMap::new();
    for table in tables(place).await {
        let count = place.count(&format!("SELECT count(*) FROM {{s}}.{table}")).await;
        let digest = format!("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {{s}}.{table} t");
        let digest = place.column::<Option<String>>(&digest).await.pop().flatten();
        rows.insert(table, (count, digest));
    }
    rows
}

/// A minute: what is waited for comes, on a slow machine later.
const POLLS_MAX: usize = 6_000;
