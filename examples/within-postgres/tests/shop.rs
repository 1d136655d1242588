//! The program, twice on one database, which is made for it on the server that `CONVIO_TEST_POSTGRES_URL` names.

use std::process::Command;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

#[test]
fn an_order_is_there_with_its_conversion_or_not_at_all() {
    let database = Database::new();
    assert_eq!(
        alike(&told(&database)),
        r#"contact asks for solar
    orders: 0, kits left: 10, conversions: 0, revenue: 0.00 USD
committed: 1 voucher, and how far its events were dealt with
committed: order of 1 kit, conversion of 2500.00 USD
    orders: 1, kits left: 9, conversions: 1, revenue: 2500.00 USD
rolled back: order of 1000 kits: error returned from database: new row for relation "stock" violates check constraint "stock_kits_check"
    orders: 1, kits left: 9, conversions: 1, revenue: 2500.00 USD
rolled back: order of 1 kit: lead `` is deleted
    orders: 1, kits left: 9, conversions: 1, revenue: 2500.00 USD
committed: order of 1 kit, no conversion
    orders: 2, kits left: 8, conversions: 1, revenue: 2500.00 USD
"#
    );
    let second = told(&database);
    assert!(second.contains("orders: 3, kits left: 7, conversions: 2, revenue: 5000.00 USD"), "{second}");
    assert!(second.ends_with("orders: 4, kits left: 6, conversions: 2, revenue: 5000.00 USD\n"), "{second}");
}

fn told(database: &Database) -> String {
    let program = env!("CARGO_BIN_EXE_within-postgres");
    let output = Command::new(program).arg(database.url()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Without what is another one each time: ids, which stand in backticks, and the place in the server's source.
fn alike(text: &str) -> String {
    let text: String =
        text.split('`').enumerate().map(|(n, part)| if n % 2 == 0 { part } else { "``" }).collect();
    text.lines().map(|line| line.split(" at line ").next().unwrap_or_default().to_owned() + "\n").collect()
}

/// A database, dropped with the test.
struct Database(String);

impl Database {
    fn new() -> Self {
        let name = format!("convio_shop_{}", std::process::id());
        on_server(&format!("CREATE DATABASE {name}"));
        Self(name)
    }

    /// In English: the program's output shows a message of the server's.
    fn url(&self) -> String {
        server().database(&self.0).options([("lc_messages", "C")]).to_url_lossy().to_string()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        on_server(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.0));
    }
}

fn server() -> PgConnectOptions {
    let url = std::env::var(URL).unwrap_or_else(|_| {
        panic!("`{URL}` is not set: run `scripts/test`, which starts a server of its own, or name one whose user may create databases")
    });
    PgConnectOptions::from_str(&url).unwrap_or_else(|error| panic!("`{URL}` is not a Postgres URL: {error}"))
}

fn on_server(sql: &str) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let mut conn = PgConnection::connect_with(&server()).await.expect("connects");
        conn.execute(AssertSqlSafe(sql)).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        conn.close().await.expect("closes");
    });
}

const URL: &str = "CONVIO_TEST_POSTGRES_URL";
