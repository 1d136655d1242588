//! Distribution over a Citus cluster: by workspace, all tables side by side.

use convio_core::store::StoreError;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use crate::error::read_failed;
use crate::schema::Schema;
use crate::write::tables;

/// Statements that distribute the tables of a schema: the head first, and all others beside it.
pub(crate) fn distribution_sql(schema: &Schema) -> Vec<String> {
    let literal = |table: &str| format!("{schema}.{table}").replace('\'', "''");
    let head = literal("head");
    let distribute = |table: &str| {
        let beside = if table == "head" { "none".to_owned() } else { head.clone() };
        let table = literal(table);
        format!("SELECT create_distributed_table('{table}', 'workspace_id', colocate_with => '{beside}')")
    };
    let others = tables().filter(|table| *table != "head");
    std::iter::once("head").chain(others).map(distribute).collect()
}

/// Runs them.
pub(crate) async fn distribute(conn: &mut PgConnection, schema: &Schema) -> Result<(), StoreError> {
    let citus = "SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'citus'";
    let citus = sqlx::query(citus).persistent(false).fetch_optional(&mut *conn).await.map_err(read_failed)?;
    if citus.is_none() {
        let message = "this database is not a Citus cluster: the extension `citus` is not installed in it";
        return Err(StoreError::Misuse(message.to_owned()));
    }
    for statement in distribution_sql(schema) {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *conn).await.map_err(read_failed)?;
    }
    Ok(())
}
