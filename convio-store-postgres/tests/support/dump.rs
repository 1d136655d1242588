//! A schema as SQL text: the same text for the same rows, whatever the server's collation.

use convio_store_postgres::{Schema, migrations_sql};
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::support::{Place, connect};

/// The statements that make the schema, and all rows but those that note the migrations. The schema has the name [`SCHEMA`].
pub(crate) async fn dump(place: &Place) -> String {
    let mut sql = migrations_sql(&Schema::named(SCHEMA).expect("a name"));
    let tables = "SELECT tablename::text FROM pg_catalog.pg_tables WHERE schemaname = '{s}' AND tablename <> 'convio_migration'
                  ORDER BY tablename COLLATE \"C\"";
    for table in place.column::<String>(tables).await {
        let names = columns(place, &table).await;
        let cells: Vec<_> = names.iter().map(|name| format!("quote_nullable({name}::text)")).collect();
        let mut order = key(place, &table).await;
        // Tables without a key: the cells in their order tell rows apart.
        if order.is_empty() {
            order = names.iter().map(|name| format!("{name}::text COLLATE \"C\"")).collect();
        }
        let rows = format!(
            "SELECT concat_ws(', ', {}) FROM {{s}}.{table} ORDER BY {}",
            cells.join(", "),
            order.join(", ")
        );
        let rows = place.column::<String>(&rows).await;
        if !rows.is_empty() {
            let (names, rows) = (names.join(", "), rows.join("),\n("));
            sql.push_str(&format!("\nINSERT INTO \"{SCHEMA}\".{table} ({names}) VALUES\n({rows});\n"));
        }
    }
    sql
}

/// Makes a schema of this dump, in a place that has none.
pub(crate) async fn restore(sql: &str) -> Place {
    let place = Place::empty();
    let sql = sql.replace(&format!("\"{SCHEMA}\""), &format!("\"{}\"", place.schema));
    let mut conn = connect().await;
    conn.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.unwrap_or_else(|error| panic!("the dump: {error}"));
    conn.close().await.expect("closes");
    place
}

/// The columns of a table.
async fn columns(place: &Place, table: &str) -> Vec<String> {
    place
        .column(&format!(
            "SELECT quote_ident(a.attname) FROM pg_catalog.pg_attribute a WHERE a.attrelid = '{{s}}.{table}'::regclass
             AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        ))
        .await
}

/// What a table's rows are sorted by: its primary key, texts by their bytes.
async fn key(place: &Place, table: &str) -> Vec<String> {
    place
        .column(&format!(
            "SELECT quote_ident(a.attname) || CASE WHEN a.attcollation <> 0 THEN ' COLLATE \"C\"' ELSE '' END
             FROM pg_catalog.pg_index i
             JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
             WHERE i.indrelid = '{{s}}.{table}'::regclass AND i.indisprimary
             ORDER BY array_position(i.indkey::int2[], a.attnum)"
        ))
        .await
}

/// What the schema is called in a dump.
const SCHEMA: &str = "convio_of_a_release";
