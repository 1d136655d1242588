//! What the statement costs, in counts: its plan, its planning and its round trips.

use convio_store_postgres::INGEST_ONE;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor, Row};

use crate::support::{Database, Outcome, Proxy, ingest, next_id, with_database};

/// Leads of 3,000 contacts, heads of 3,000 workspaces, and statistics on all of it.
async fn filled(db: &Database) {
    let mut conn = db.connect().await;
    conn.execute("INSERT INTO convio.head (workspace_id, config) SELECT gen_random_uuid(), 1 FROM generate_series(1, 3000)")
        .await
        .expect("adds workspaces");
    conn.execute("SET synchronous_commit = off").await.expect("is a test");
    for nth in 0..3_000 {
        let offer =
            db.offer(&format!("+1555{nth:04}")).keyed(&nth.to_string()).external(&nth.to_string()).windowed();
        ingest(&mut conn, &offer).await.expect("runs").taken();
    }
    conn.execute("ANALYZE").await.expect("analyzes");
}

/// The generic plan of the statement, line by line.
async fn generic_plan(conn: &mut PgConnection) -> Vec<String> {
    conn.execute("SET plan_cache_mode = force_generic_plan").await.expect("sets");
    let prepare = format!("PREPARE one ({}) AS {INGEST_ONE}", TYPES.join(", "));
    conn.execute(AssertSqlSafe(prepare)).await.expect("prepares");
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE one ({})", vec!["NULL"; TYPES.len()].join(", "));
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(conn).await.expect("explains");
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn the_generic_plan_scans_no_table() {
    with_database(async |db| {
        filled(db).await;
        let plan = generic_plan(&mut db.connect().await).await;
        let text = plan.join("\n");
        assert!(!text.contains("Seq Scan"), "{text}");
        let scans: Vec<_> =
            plan.iter().filter(|line| line.contains(" Scan") && !line.contains("CTE Scan")).collect();
        assert!(scans.iter().all(|line| line.contains("Index Scan using head_pkey on head")), "{text}");
        for arbiter in ["claim_pkey", "contact_key_pkey", "repeat_window_pkey", "contact_pkey", "rollup_pkey"]
        {
            assert!(text.contains(&format!("Conflict Arbiter Indexes: {arbiter}")), "{arbiter}\n{text}");
        }
    });
}

#[test]
fn the_server_settles_on_the_generic_plan_by_itself() {
    with_database(async |db| {
        filled(db).await;
        let mut conn = db.connect().await;
        for nth in 0..12 {
            ingest(&mut conn, &db.offer(&format!("+1666{nth:04}")).windowed()).await.expect("runs").taken();
        }
        let sql = "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement = $1";
        let row = sqlx::query(sql).bind(INGEST_ONE).fetch_one(&mut conn).await.expect("is prepared");
        assert_eq!((row.get::<i64, _>(0), row.get::<i64, _>(1)), (5, 7));
    });
}

#[test]
fn every_outcome_is_one_round_trip() {
    with_database(async |db| {
        let proxy = Proxy::to(&db.options).await;
        let mut conn = PgConnection::connect_with(&proxy.options).await.expect("connects");
        let first = db.offer("+15550100").keyed("k").external("x").windowed();
        let (mut stale, mut missing) = (first.again(), first.again());
        (stale.config, missing.workspace) = (2, next_id());
        ingest(&mut conn, &missing).await.expect("prepares");
        for (name, offer) in [
            ("created", &first),
            ("linked", &db.offer("+15550100").windowed()),
            ("replayed", &first.again()),
            ("stale", &stale),
            ("missing", &missing),
        ] {
            let before = proxy.trips();
            let outcome = ingest(&mut conn, offer).await.expect("runs");
            assert_eq!(proxy.trips() - before, 1, "{name}");
            assert_eq!(matches!(outcome, Outcome::Taken(_)), matches!(name, "created" | "linked"), "{name}");
        }
    });
}

/// The type of every parameter, in order.
const TYPES: [&str; 52] = [
    "uuid",
    "bigint",
    "timestamptz",
    "uuid",
    "uuid",
    "timestamptz",
    "bytea",
    "text",
    "timestamptz",
    "text",
    "uuid",
    "smallint",
    "text",
    "uuid",
    "bigint",
    "bigint",
    "bytea",
    "timestamptz",
    "timestamptz",
    "text",
    "text",
    "text",
    "text",
    "text",
    "text",
    "text",
    "text",
    "text",
    "text",
    "text",
    "text",
    "bytea[]",
    "text",
    "text",
    "text",
    "text",
    "text",
    "text",
    "text",
    "text",
    "text",
    "boolean",
    "text",
    "bytea",
    "text",
    "text",
    "text",
    "text",
    "text",
    "text",
    "date",
    "text",
];
