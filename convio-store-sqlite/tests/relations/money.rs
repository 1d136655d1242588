//! Amounts as decimals.

use convio_core::{Currency, Money};
use rusqlite::{Connection, params};

use super::program::Cell;
use super::world::World;

#[test]
fn every_amount_of_every_currency_is_shown_as_core_shows_it() {
    let world = World::new();
    let conn = Connection::open(&world.file).unwrap();
    conn.execute_batch(
        "CREATE TEMP TABLE template AS SELECT * FROM conversion WHERE voided_at IS NULL LIMIT 1",
    )
    .unwrap();
    let mut wanted = Vec::new();
    for currency in currencies() {
        for minor in [0, 5, -5, 99, 100, -12_345, 500_000, i64::MAX, i64::MIN] {
            let id = u128::try_from(wanted.len()).unwrap().to_be_bytes();
            let set = "UPDATE template SET id = ?1, currency = ?2, net_minor = ?3";
            conn.execute(set, params![id, currency.code(), minor]).unwrap();
            conn.execute("INSERT INTO conversion SELECT * FROM template", []).unwrap();
            let money = Money::from_minor(minor, currency);
            wanted.push(vec![currency.code().into(), minor.into(), Cell::from(money.decimal())]);
        }
    }
    assert!(wanted.len() > 150 * 9);
    let shown = world.program().ask(
        "SELECT currency, conversion_value_minor, conversion_value FROM conversions
         WHERE id < X'00000000000000000000000001000000' ORDER BY id",
    );
    assert_eq!(shown.rows, wanted);
}

#[test]
fn sums_and_comparisons_go_by_minor_units() {
    let world = World::new();
    let program = world.program();
    let sql = "SELECT sum(conversion_value_minor) FROM conversions WHERE currency = 'USD'";
    assert_eq!(program.cell(sql), 500_000.into());
    let sql = "SELECT currency FROM conversions WHERE conversion_value_minor > 80000";
    assert_eq!(program.texts(sql), ["JPY", "USD"]);
    // What docs/relations.md warns of: as texts, 90 is more than 5000.00.
    let sql = "SELECT max(conversion_value) FROM conversions WHERE currency IN ('USD', 'JPY')";
    assert_eq!(program.cell(sql), "90000".into());
    let sql = "SELECT currency FROM conversions ORDER BY conversion_value DESC LIMIT 1";
    assert_eq!(program.texts(sql), ["JPY"]);
}

fn currencies() -> Vec<Currency> {
    let letters = || 'A'..='Z';
    let codes =
        letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| format!("{a}{b}{c}"))));
    codes.filter_map(|code| code.parse().ok()).collect()
}
