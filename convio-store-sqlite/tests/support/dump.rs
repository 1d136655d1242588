//! A database as SQL text: the same text for the same rows.

use std::fmt::Write;

use rusqlite::Connection;

/// All tables with their rows, then what is made over them.
pub(crate) fn dump(conn: &Connection) -> String {
    let mut sql = String::from("BEGIN;\n");
    let tables = texts(conn, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid");
    for statement in texts(conn, "SELECT sql FROM sqlite_master WHERE type = 'table' ORDER BY rowid") {
        writeln!(sql, "{statement};").expect("writes");
    }
    for table in tables {
        let columns = texts(conn, &format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid"));
        let quoted: Vec<_> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
        let order: Vec<_> = (1..=columns.len()).map(|n| n.to_string()).collect();
        let (cells, order) = (quoted.join(" || ', ' || "), order.join(", "));
        // By the cells themselves: an order of the texts would tell numbers apart by their first digit.
        let rows = format!("SELECT {cells} FROM (SELECT * FROM \"{table}\" ORDER BY {order})");
        let rows = texts(conn, &rows);
        if !rows.is_empty() {
            writeln!(sql, "INSERT INTO \"{table}\" VALUES\n({});", rows.join("),\n(")).expect("writes");
        }
    }
    let rest = "SELECT sql FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL ORDER BY rowid";
    for statement in texts(conn, rest) {
        writeln!(sql, "{statement};").expect("writes");
    }
    sql + "COMMIT;\n"
}

/// The first column of every row.
pub(crate) fn texts(conn: &Connection, sql: &str) -> Vec<String> {
    let mut statement = conn.prepare(sql).expect("a statement");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<rusqlite::Result<_>>().expect("texts")
}
