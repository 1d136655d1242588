//! Row-level security: a second lock behind the workspace that every statement names.

use crate::schema::Schema;
use crate::session::WORKSPACE_SETTING;
use crate::write::tables;

/// Statements that make the server itself check the workspace of every row, also for the owner of the tables.
pub(crate) fn row_security_sql(schema: &Schema) -> Vec<String> {
    let mut statements = Vec::new();
    for table in tables() {
        let table = format!("{schema}.{table}");
        // Where no workspace is set the setting is empty or missing, and no row is seen.
        let own = format!("workspace_id = nullif(current_setting('{WORKSPACE_SETTING}', true), '')::uuid");
        statements.push(format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"));
        statements.push(format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY"));
        statements.push(format!("DROP POLICY IF EXISTS convio_workspace ON {table}"));
        statements
            .push(format!("CREATE POLICY convio_workspace ON {table} USING ({own}) WITH CHECK ({own})"));
    }
    statements
}
