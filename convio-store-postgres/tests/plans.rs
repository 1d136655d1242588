//! The plans of all that is sent, on a large database: what a statement reads grows with what it is asked for, not with the
//! workspace.
//!
//! The texts are those of `tests/snapshots`, which `sql_texts.rs` compares with what is sent. `--nocapture` shows the plans.

mod support;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;

use convio_conformance::lead;
use convio_core::service::Atomicity;
use convio_core::{Convio, NewWorkspace};
use convio_store_postgres::PgStore;
use serde_json::Value;
use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor, Row};
use support::{Place, connect, run, server};

/// One test, since filling the database is what takes its time.
#[test]
fn what_a_statement_reads_does_not_grow_with_the_workspace() {
    let place = Place::new();
    let texts = texts();
    let wrong = run(async {
        place.fill().await;
        let mut conn = connect().await;
        let mut wrong = generic_plans_enter_every_table_by_a_key(&place, &texts, &mut conn).await;
        wrong.extend(long_batches_do_so_too_and_compile_nothing(&place, &texts, &mut conn).await);
        wrong.extend(pages_read_little_more_than_they_show(&place, &texts, &mut conn).await);
        wrong.extend(the_server_settles_on_the_generic_plan_by_itself(&place).await);
        wrong
    });
    // Before it fails: a test that panics may leave its schema, and this one is large.
    drop(place);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What is sent again and again is planned once, for any values.
async fn generic_plans_enter_every_table_by_a_key(
    place: &Place,
    texts: &BTreeMap<String, Text>,
    conn: &mut PgConnection,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut table = String::new();
    for (name, text) in texts {
        let nulls = vec!["NULL"; text.types.len()].join(", ");
        let plan = place.explain(conn, "force_generic_plan", "", text, &nulls).await;
        let _ = writeln!(table, "{name:<42} {:>9} {}", plan.cost, plan.indexes().join(" "));
        wrong.extend(plan.faults(name));
        for (_, index) in INDEXES.iter().filter(|(of, _)| of == name) {
            if !plan.indexes().contains(index) {
                wrong.push(format!("{name} does not use {index}: {plan}"));
            }
        }
    }
    for (name, _) in INDEXES.iter().filter(|(name, _)| !texts.contains_key(*name)) {
        wrong.push(format!("{name} is not among the snapshots"));
    }
    show(&table);
    wrong
}

/// The first times a statement is planned for the very values that it comes with, a thousand of each here.
async fn long_batches_do_so_too_and_compile_nothing(
    place: &Place,
    texts: &BTreeMap<String, Text>,
    conn: &mut PgConnection,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let written =
        |name: &str| name.ends_with(".picture") || name.ends_with(".write") || name.starts_with("ingest_one");
    for (name, text) in texts.iter().filter(|(name, _)| written(name)) {
        let values: Vec<String> = text.types.iter().map(|sql_type| place.many(sql_type, 1_000)).collect();
        let plan = place.explain(conn, "force_custom_plan", "", text, &values.join(", ")).await;
        wrong.extend(plan.faults(&format!("{name} for a thousand rows")));
        if plan.compiles {
            wrong.push(format!("{name} for a thousand rows is compiled first: {plan}"));
        }
    }
    wrong
}

/// Read for real, from the largest workspace.
async fn pages_read_little_more_than_they_show(
    place: &Place,
    texts: &BTreeMap<String, Text>,
    conn: &mut PgConnection,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut table = String::new();
    for (name, args, answers, reads_max) in PAGES {
        let text = &texts[*name];
        let args = args.replace("{s}", &place.schema);
        let plan = place.explain(conn, "force_generic_plan", ", ANALYZE, TIMING OFF", text, &args).await;
        let _ = writeln!(table, "{name:<32} answers {:>4}, reads {:>4}", plan.answers, plan.reads());
        if plan.answers != *answers || plan.reads() > *reads_max {
            wrong.push(format!(
                "{name} ({args}) answers {} rows, not {answers}, or reads {} rows, more than {reads_max}: {plan}",
                plan.answers,
                plan.reads()
            ));
        }
    }
    show(&table);
    wrong
}

/// By itself: no setting asks for it. To plan the statement takes as long as to run it.
async fn the_server_settles_on_the_generic_plan_by_itself(place: &Place) -> Vec<String> {
    let pool =
        PgPoolOptions::new().max_connections(1).test_before_acquire(false).connect_with(server()).await;
    let pool = pool.expect("connects");
    let convio = Convio::new(PgStore::with(pool.clone(), place.options()));
    let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await.expect("is made");
    for n in 0..12 {
        assert!(acme.ingest(lead(n)).await.is_ok());
        let rows = (0..3).map(|k| lead(100 + 3 * n + k)).collect();
        assert!(acme.ingest_batch(rows, Atomicity::PerRow).await.is_ok());
    }
    let sql = "SELECT left(statement, 60), custom_plans, generic_plans FROM pg_prepared_statements
        WHERE statement LIKE '%seen AS MATERIALIZED%' OR statement LIKE '(SELECT 40::int2 AS set%' AND generic_plans + custom_plans > 9";
    let rows = sqlx::raw_sql(sql).fetch_all(&pool).await.expect("lists what is prepared");
    let plans: Vec<(String, i64, i64)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    pool.close().await;
    let settled = plans.len() == 2 && plans.iter().all(|(_, custom, generic)| (*custom, *generic) == (5, 7));
    if settled {
        Vec::new()
    } else {
        vec![format!("planned anew each time (text, custom, generic): {plans:?}")]
    }
}

/// A statement.
struct Text {
    types: Vec<String>,
    sql: String,
}

/// What is said of a plan.
struct Plan {
    cost: String,
    scans: Vec<Scan>,
    sorts: usize,
    answers: u64,
    compiles: bool,
}

/// A table that is read.
struct Scan {
    node: String,
    table: String,
    index: String,
    condition: String,
    read: u64,
}

impl Plan {
    fn of(explained: &Value) -> Self {
        let top = &explained[0]["Plan"];
        let mut plan = Self {
            cost: top["Total Cost"].to_string(),
            scans: Vec::new(),
            sorts: 0,
            answers: top["Actual Rows"].as_f64().unwrap_or_default() as u64,
            compiles: !explained[0]["JIT"].is_null(),
        };
        plan.add(top, "");
        plan
    }

    fn add(&mut self, node: &Value, table: &str) {
        let text = |key: &str| node[key].as_str().unwrap_or_default().to_owned();
        let count = |key: &str| node[key].as_f64().unwrap_or_default();
        let (kind, named) = (text("Node Type"), text("Relation Name"));
        let table = if named.is_empty() { table.to_owned() } else { named };
        let is_write = kind == "ModifyTable";
        if kind.contains("Scan") && !table.is_empty() && !is_write {
            let read = count("Actual Rows")
                + count("Rows Removed by Filter")
                + count("Rows Removed by Index Recheck");
            self.scans.push(Scan {
                node: kind.clone(),
                table: table.clone(),
                index: text("Index Name"),
                condition: text("Index Cond"),
                read: (read * count("Actual Loops")) as u64,
            });
        }
        self.sorts += usize::from(kind.contains("Sort"));
        // The index of a bitmap does not name its table.
        let table = if kind == "Bitmap Heap Scan" { table.as_str() } else { "" };
        for inner in node["Plans"].as_array().into_iter().flatten() {
            self.add(inner, table);
        }
    }

    /// Tables that are read whole, or as far as they are the workspace's, and sorts of pages.
    fn faults(&self, name: &str) -> Vec<String> {
        let mut faults = Vec::new();
        for scan in &self.scans {
            let is_heap = scan.node == "Bitmap Heap Scan";
            // An id is a key by itself.
            let by_key = scan.condition.contains(" AND ") || scan.condition.starts_with("(id = ");
            let by_key = !scan.index.is_empty() && by_key;
            let of_workspace =
                scan.condition.contains("workspace_id = ") && PER_WORKSPACE.contains(&&*scan.table);
            if !is_heap && !by_key && !of_workspace {
                faults.push(format!("{name} reads more of `{}` than is asked for: {self}", scan.table));
            }
        }
        let may_sort = SORTS.iter().any(|of| name.starts_with(of));
        if self.sorts > 0 && !may_sort {
            faults.push(format!("{name} sorts: {self}"));
        }
        faults
    }

    fn indexes(&self) -> Vec<&str> {
        self.scans.iter().map(|scan| scan.index.as_str()).filter(|index| !index.is_empty()).collect()
    }

    fn reads(&self) -> u64 {
        self.scans.iter().filter(|scan| scan.node != "Bitmap Index Scan").map(|scan| scan.read).sum()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Scan { node, table, index, condition, read } in &self.scans {
            write!(f, "\n    {node} on {table} by {index} {condition}, reads {read}")?;
        }
        write!(f, "\n    {} sorts", self.sorts)
    }
}

impl Place {
    async fn fill(&self) {
        let sql = FILL.replace("{s}", &self.schema);
        let mut conn = connect().await;
        conn.execute("SET synchronous_commit = off; SET statement_timeout = 0").await.expect("sets");
        conn.execute(AssertSqlSafe(sql)).await.expect("fills the schema");
    }

    /// The plan that a prepared statement gets.
    async fn explain(
        &self,
        conn: &mut PgConnection,
        mode: &str,
        options: &str,
        text: &Text,
        args: &str,
    ) -> Plan {
        let (types, sql) = (text.types.join(", "), text.sql.replace("convio.", &format!("{}.", self.schema)));
        let all = format!(
            "SET plan_cache_mode = {mode}; PREPARE p ({types}) AS {sql};
             EXPLAIN (FORMAT JSON{options}) EXECUTE p ({args}); DEALLOCATE p"
        );
        let row = sqlx::raw_sql(AssertSqlSafe(all.as_str())).fetch_one(conn).await;
        let row = row.unwrap_or_else(|error| panic!("{all}: {error}"));
        let json: String = row.try_get_unchecked(0).expect("a text");
        Plan::of(&serde_json::from_str(&json).expect("is JSON"))
    }

    /// A value of this type: as many of them where it is an array.
    fn many(&self, sql_type: &str, n: usize) -> String {
        let value = match sql_type.trim_end_matches("[]") {
            "uuid" => format!("{}.the_workspace(0)", self.schema),
            "text" => "'{}'".to_owned(),
            "date" => "'2026-01-01'".to_owned(),
            "timestamp with time zone" => "'2026-01-05'".to_owned(),
            "bytea" => "'x'".to_owned(),
            "boolean" => "false".to_owned(),
            _ => "1".to_owned(),
        };
        match sql_type.strip_suffix("[]") {
            Some(of) => format!("array_fill({value}::{of}, ARRAY[{n}])"),
            None => value,
        }
    }
}

/// The snapshots, by name.
fn texts() -> BTreeMap<String, Text> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let files = std::fs::read_dir(dir).expect("`sql_texts.rs` has written snapshots");
    let read = |path: &Path| {
        let text = std::fs::read_to_string(path).expect("reads");
        let (types, sql) = text.split_once('\n').expect("types and a text");
        let types = types.trim_start_matches("-- ").split(", ").map(str::to_owned).collect();
        Text { types, sql: sql.trim_end().to_owned() }
    };
    let name = |path: &Path| path.file_stem().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
    files.map(|file| file.expect("a file").path()).map(|path| (name(&path), read(&path))).collect()
}

#[expect(clippy::print_stdout, reason = "for who wants to see the plans")]
fn show(table: &str) {
    println!("{table}");
}

/// Of these a workspace has one row or a handful, which are read together.
const PER_WORKSPACE: [&str; 4] = ["head", "workspace", "webhook", "record"];
/// What sorts: the keys of one contact, the leads of one contact, the rows of some days, the counters of one lead,
/// what is next of some endpoints.
const SORTS: [&str; 10] = [
    "contact_keys",
    "convert.load",
    "complete.load",
    "touches_of_",
    "list_contacts_of_days",
    "list_appointments_of_days",
    "report",
    "ingest_one",
    "configuration.load",
    "next_deliveries",
];
/// Indexes that are there for one text.
const INDEXES: [(&str, &str); 36] = [
    ("list_leads", "lead_pk"),
    ("list_leads_of_contact", "lead_contact_ix"),
    ("touches_of_lead.load", "lead_contact_ix"),
    ("touches_of_lead.load", "touchpoint_of_ix"),
    ("touches_of_appointment.load", "lead_contact_ix"),
    ("touches_of_appointment.load", "touchpoint_of_ix"),
    ("touches_of_contact.load", "touchpoint_of_ix"),
    ("owner_of_lead.load", "lead_contact_ix"),
    ("owner_of_lead.load", "appointment_contact_ix"),
    ("owner_of_appointment.load", "lead_contact_ix"),
    ("owner_of_appointment.load", "appointment_contact_ix"),
    ("book.load", "appointment_contact_ix"),
    ("convert.load", "lead_contact_ix"),
    ("list_contacts", "contact_pk"),
    ("list_contacts_of_phone", "contact_phone_ix"),
    ("list_contacts_of_days", "contact_created_ix"),
    ("contact_keys", "contact_key_contact_ix"),
    ("fetch_contacts_by_number", "contact_number_uq"),
    ("fetch_contacts_by_key", "contact_key_pk"),
    ("list_appointments", "appointment_pk"),
    ("list_appointments_of_lead", "appointment_lead_ix"),
    ("list_appointments_of_contact", "appointment_contact_ix"),
    ("list_appointments_of_days", "appointment_starts_ix"),
    ("list_conversions", "conversion_pk"),
    ("list_conversions_of_lead", "conversion_lead_ix"),
    ("list_conversions_of_contact", "conversion_contact_ix"),
    ("feed", "event_pk"),
    ("history_of_contact", "event_contact_uq"),
    ("history_of_lead", "event_lead_uq"),
    ("history_of_subject", "event_subject_uq"),
    ("fetch_deliveries", "delivery_pk"),
    ("list_deliveries", "delivery_pk"),
    ("list_deliveries_of_endpoint", "delivery_endpoint_ix"),
    ("list_deliveries_of_lead", "delivery_lead_ix"),
    ("list_deliveries_of_appointment", "delivery_appointment_ix"),
    ("next_deliveries", "delivery_next_ix"),
];
/// Pages of the largest workspace: a text, its parameters, the rows that it answers with, and how many it may read for them.
/// Contact 1 and its leads 2 and 3 are there.
const PAGES: &[(&str, &str, u64, u64)] = &[
    ("list_leads", "{s}.the_workspace(0), {s}.nil(), 51, NULL, NULL, NULL, NULL, NULL, NULL, false", 51, 51),
    // From the middle on.
    (
        "list_leads",
        "{s}.the_workspace(0), {s}.the_id(2, 60000), 51, NULL, NULL, NULL, NULL, NULL, NULL, false",
        51,
        51,
    ),
    // One stage of four.
    (
        "list_leads",
        "{s}.the_workspace(0), {s}.nil(), 51, NULL, NULL, 'won', NULL, NULL, NULL, false",
        51,
        310,
    ),
    (
        "list_leads_of_contact",
        "{s}.the_workspace(0), {s}.nil(), 51, {s}.the_id(1, 1), NULL, NULL, NULL, NULL, NULL, false",
        2,
        2,
    ),
    ("list_contacts", "{s}.the_workspace(0), {s}.the_id(1, 30000), 51, NULL, NULL, NULL, 0, false", 51, 51),
    (
        "list_contacts_of_phone",
        "{s}.the_workspace(0), {s}.nil(), 51, '+12122000001', NULL, NULL, 0, false",
        1,
        1,
    ),
    // A day: 180 contacts of 240.
    (
        "list_contacts_of_days",
        "{s}.the_workspace(0), {s}.nil(), 51, NULL, '2026-03-01', '2026-03-02', 0, false",
        51,
        140,
    ),
    ("fetch_contacts_by_key", "{s}.the_workspace(0), {s}.nil(), 0::int2, '+12122000001'", 1, 2),
    ("contact_keys", "{s}.the_workspace(0), {s}.the_id(1, 1)", 1, 1),
    (
        "list_appointments",
        "{s}.the_workspace(0), {s}.the_id(5, 60000), 51, NULL, NULL, NULL, NULL, NULL, false",
        51,
        51,
    ),
    (
        "list_appointments_of_lead",
        "{s}.the_workspace(0), {s}.nil(), 51, {s}.the_id(2, 3), NULL, NULL, NULL, NULL, false",
        1,
        1,
    ),
    (
        "list_appointments_of_contact",
        "{s}.the_workspace(0), {s}.nil(), 51, NULL, {s}.the_id(1, 1), NULL, NULL, NULL, false",
        1,
        1,
    ),
    // A day.
    (
        "list_appointments_of_days",
        "{s}.the_workspace(0), {s}.nil(), 51, NULL, NULL, '2026-05-01', '2026-05-02', NULL, false",
        51,
        140,
    ),
    ("list_conversions", "{s}.the_workspace(0), {s}.the_id(6, 60000), 51, NULL, NULL, true", 51, 51),
    ("list_conversions_of_lead", "{s}.the_workspace(0), {s}.nil(), 51, {s}.the_id(2, 12), NULL, true", 1, 1),
    (
        "list_conversions_of_contact",
        "{s}.the_workspace(0), {s}.nil(), 51, NULL, {s}.the_id(1, 6), true",
        1,
        1,
    ),
    ("list_rejections", "{s}.the_workspace(0), {s}.nil(), 51, 'held'", 51, 120),
    ("list_webhooks", "{s}.the_workspace(0), {s}.nil(), 51", 3, 3),
    ("feed", "{s}.the_workspace(0), 180000, 100", 100, 100),
    ("history_of_contact", "{s}.the_workspace(0), {s}.the_id(1, 1), 0, 51", 2, 2),
    ("history_of_lead", "{s}.the_workspace(0), {s}.the_id(2, 2), 0, 51", 3, 3),
    ("history_of_subject", "{s}.the_workspace(0), {s}.the_id(5, 2), 0, 51, 'appointment'", 1, 1),
    // A month of two rows a day.
    ("report", "{s}.the_workspace(0), 0::int2, '2026-03-01', '2026-03-30'", 60, 60),
    (
        "touches_of_lead.load",
        "{s}.the_workspace(0), {s}.the_id(2, 12), '2027-01-01', {s}.the_id(2, 12), '2027-01-01'",
        3,
        9,
    ),
    ("owner_of_lead.load", "{s}.the_workspace(0), {s}.the_id(2, 2)", 1, 4),
    (
        "list_deliveries",
        "{s}.the_workspace(0), {s}.the_id(7, 60000), 51, NULL, NULL, NULL, NULL, NULL, NULL",
        51,
        51,
    ),
    (
        "list_deliveries_of_endpoint",
        "{s}.the_workspace(0), {s}.the_id(7, 60000), 51, NULL, NULL, {s}.the_id(8, 1), NULL, NULL, NULL",
        51,
        51,
    ),
    (
        "list_deliveries_of_lead",
        "{s}.the_workspace(0), {s}.nil(), 51, NULL, {s}.the_id(2, 2), NULL, NULL, NULL, NULL",
        1,
        1,
    ),
    (
        "list_deliveries_of_appointment",
        "{s}.the_workspace(0), {s}.nil(), 51, {s}.the_id(5, 3), NULL, NULL, NULL, NULL, NULL",
        1,
        1,
    ),
    // Of two endpoints that have thousands each, and as many again that are done.
    ("next_deliveries", "{s}.the_workspace(0), ARRAY[{s}.the_id(8, 0), {s}.the_id(8, 1)], 16", 32, 64),
];
/// A workspace with 90,000 leads, six with 5,000 each, and 3,000 of whose rows there are a few. A contact has two leads, a lead has
/// three events.
const FILL: &str = "
CREATE FUNCTION {s}.the_workspace(n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS
    $$ SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
CREATE FUNCTION {s}.the_id(kind int, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS
    $$ SELECT (lpad(to_hex(n), 8, '0') || '-0000-7000-800' || kind || '-' || lpad(to_hex((n * 7919::bigint) % 1000003), 12, '0'))::uuid $$;
CREATE FUNCTION {s}.the_day(n int) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS
    $$ SELECT '2026-01-01 00:00Z'::timestamptz + n * interval '4 minutes' $$;
CREATE FUNCTION {s}.the_print(n int) RETURNS bytea IMMUTABLE LANGUAGE sql AS $$ SELECT sha256(n::text::bytea) $$;
CREATE FUNCTION {s}.nil() RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT '00000000-0000-0000-0000-000000000000'::uuid $$;
-- Rows come in faster when they are neither logged nor, beside the primary keys, indexed one by one.
CREATE TEMP TABLE made_later AS SELECT i.indexrelid::regclass AS index, pg_get_indexdef(i.indexrelid) AS text
    FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
    WHERE t.relnamespace = '{s}'::regnamespace AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid);
DO $$ DECLARE r record; BEGIN
    FOR r IN SELECT oid::regclass AS name FROM pg_class WHERE relnamespace = '{s}'::regnamespace AND relkind = 'r'
        LOOP EXECUTE format('ALTER TABLE %s SET UNLOGGED', r.name); END LOOP;
    FOR r IN SELECT * FROM made_later LOOP EXECUTE format('DROP INDEX %s', r.index); END LOOP;
END $$;
CREATE TEMP TABLE c AS SELECT i, {s}.the_workspace(CASE WHEN i % 4 < 3 THEN 0 ELSE 1 + i / 4 % 6 END) AS w, {s}.the_id(1, i) AS id,
    {s}.the_day(2 * i) AS at FROM generate_series(0, 59999) AS i;
CREATE TEMP TABLE l AS SELECT 2 * i + k AS n, w, c.id AS contact, i, {s}.the_id(2, 2 * i + k) AS id, {s}.the_day(2 * i + k) AS at,
    {s}.the_workspace(CASE WHEN i % 4 < 3 THEN 0 ELSE 1 + i / 4 % 6 END) AS hook FROM c, generate_series(0, 1) AS k;
INSERT INTO {s}.head SELECT {s}.the_workspace(n), 360000, 60000, 2, 1000 FROM generate_series(0, 2999) AS n;
INSERT INTO {s}.workspace SELECT {s}.the_workspace(n), 'Acme', 'UTC', 'USD', true, '{}', now(), NULL, 1 FROM generate_series(0, 2999) AS n;
INSERT INTO {s}.webhook SELECT {s}.the_workspace(n), {s}.the_id(3, k), 'hook' || k, '{}', now(), NULL, 1
    FROM generate_series(0, 2999) AS n, generate_series(0, 2) AS k;
INSERT INTO {s}.record SELECT {s}.the_workspace(n), kind, 'current', '{}', 1
    FROM generate_series(0, 2999) AS n, unnest(ARRAY['routing.rules', 'provider', 'note']) AS kind;
INSERT INTO {s}.counter SELECT {s}.the_workspace(n), 'webhook/' || {s}.the_id(3, 0), {s}.the_day(15 * k), 7
    FROM generate_series(0, 2999) AS n, generate_series(0, 9) AS k;
INSERT INTO {s}.contact (workspace_id, id, number, first_name, phone, phone_validity, stamps, first_source, first_lead, first_at,
    leads, conversions, lifetime, created_at, version)
    SELECT w, id, 100000 + i, 'Given', '+1212' || 2000000 + i, 'valid', decode(repeat('00', 250), 'hex'), 'site',
    {s}.the_id(2, 2 * i), at, 2, 0, '{}', at, 2 FROM c;
INSERT INTO {s}.contact_key SELECT w, '00000000-0000-0000-0000-000000000000', 0, '+1212' || 2000000 + i, id FROM c;
INSERT INTO {s}.repeat_window SELECT w, id, {s}.the_print(i), at, {s}.the_id(2, 2 * i) FROM c;
INSERT INTO {s}.lead (workspace_id, id, contact_id, webhook_id, source, lead_type, external_id, utm, custom, flags, test, status, stage,
    open_appointments, reached, owner, follow_up_at, priority, attempts, opened_contact, received_at, created_at, version)
    SELECT w, id, contact, {s}.the_id(3, n % 3), 'site', 'standard', 'x' || n, '{}', '{}', '[]', false, 'new',
    (ARRAY['new', 'contacted', 'won', 'lost'])[1 + n % 4], 0, 0, CASE WHEN n % 3 = 0 THEN 'owner' || n % 30 END,
    CASE WHEN n % 5 = 0 THEN at + interval '7 days' END, 'normal', 0, n % 2 = 0, at, at, 1 FROM l;
INSERT INTO {s}.claim SELECT w, {s}.the_id(3, n % 3), n % 2, 'x' || n, {s}.the_print(i), id, NULL, false FROM l;
INSERT INTO {s}.payload SELECT w, id, {s}.the_id(3, n % 3), 'json', '{}', '[]', {s}.the_print(i), at FROM l;
INSERT INTO {s}.rejection (workspace_id, id, webhook_id, reasons, test, corrections, state, received_at, created_at, version)
    SELECT w, {s}.the_id(4, n), {s}.the_id(3, 0), '[]', false, '{}', CASE WHEN n % 10 = 0 THEN 'held' ELSE 'released' END, at, at, 1
    FROM l WHERE n % 10 < 2;
INSERT INTO {s}.event (workspace_id, position, at, kind, contact_id, contact_seq, lead_id, lead_seq, subject_kind, subject_id,
    subject_seq, actor, facts)
    SELECT w, 3 * n + k, at, 'lead.received', contact, CASE WHEN k = 1 THEN 1 + n % 2 END, id, k,
    CASE WHEN k = 3 THEN 'appointment' END, CASE WHEN k = 3 THEN {s}.the_id(5, n) END, CASE WHEN k = 3 THEN 1 END, 'system', '{}'
    FROM l, generate_series(1, 3) AS k;
INSERT INTO {s}.appointment (workspace_id, id, lead_id, contact_id, type, starts_at, zone, wall, minutes, routing, target, how, status,
    booked_at, created_at, version)
    SELECT w, {s}.the_id(5, n), id, contact, 'visit', at + interval '1 day' * (n * 7919 % 60), 'UTC', '2026-01-01T00:00:00', 60, '{}',
    CASE WHEN n % 50 > 0 THEN 'team:one' END, 'rule', (ARRAY['booked', 'completed', 'cancelled'])[1 + n / 3 % 3], at, at, 1
    FROM l WHERE n % 3 = 0;
INSERT INTO {s}.conversion (workspace_id, id, lead_id, contact_id, type, value_minor, net_minor, currency, adjustments, commissions, first_source, first_lead, first_at,
    last_source, last_lead, last_at, metadata, occurred_at, day, seconds_to_convert, created_at, version)
    SELECT w, {s}.the_id(6, n), id, contact, 'sale', 100, 100, 'USD', '[]', '[]', 'site', id, at, 'site', id, at, '{}', at, at::date, 60, at, 1
    FROM l WHERE n % 6 = 0;
INSERT INTO {s}.touchpoint (workspace_id, id, contact_id, visitor, at, kind, source, channel, click_ids, created_at)
    SELECT w, {s}.the_id(9, n), CASE WHEN n % 2 = 0 THEN contact ELSE '00000000-0000-0000-0000-000000000000' END,
    CASE WHEN n % 2 = 0 THEN '' ELSE 'visitor-' || n END, at, 'visit', 'site', 'direct', '{}', at FROM l WHERE n % 3 = 0;
INSERT INTO {s}.delivery (workspace_id, id, endpoint_id, position, lead_id, appointment_id, kind, status, next_attempt_at, attempts,
    created_at, version, body)
    SELECT w, {s}.the_id(7, n), {s}.the_id(8, n / 2 % 3), NULL, id, CASE WHEN n % 3 = 0 THEN {s}.the_id(5, n) END, 'lead.forwarded',
    CASE WHEN n % 2 = 0 THEN 'pending' ELSE 'success' END, CASE WHEN n % 2 = 0 THEN at END, 0, at, 1, '{}' FROM l;
INSERT INTO {s}.rollup SELECT {s}.the_workspace(n), cube, '2026-01-01'::date + day, 'd' || d, 'x', '', 1, 1, 1, 0, 0, 0, NULL
    FROM generate_series(0, 6) AS n, generate_series(0, 8) AS cube, generate_series(0, 329) AS day, generate_series(0, 1) AS d;
DO $$ DECLARE r record; BEGIN
    FOR r IN SELECT * FROM made_later LOOP EXECUTE r.text; END LOOP;
END $$;
DROP TABLE c, l, made_later;
ANALYZE {s}.head, {s}.workspace, {s}.webhook, {s}.record, {s}.counter, {s}.contact, {s}.contact_key, {s}.repeat_window, {s}.touchpoint, {s}.lead,
    {s}.claim, {s}.payload, {s}.rejection, {s}.event, {s}.appointment, {s}.conversion, {s}.delivery, {s}.rollup;
";
