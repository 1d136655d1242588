//! The program, twice on one file.

use std::path::Path;
use std::process::Command;

#[test]
fn an_order_is_there_with_its_conversion_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("shop.db");
    assert_eq!(
        without_ids(&told(&db)),
        "\
contact asks for solar
    orders: 0, kits left: 10, conversions: 0, revenue: 0.00 USD
committed: 1 voucher, and how far its events were dealt with
committed: order of 1 kit, conversion of 2500.00 USD
    orders: 1, kits left: 9, conversions: 1, revenue: 2500.00 USD
rolled back: order of 1000 kits: CHECK constraint failed: kits >= 0
    orders: 1, kits left: 9, conversions: 1, revenue: 2500.00 USD
rolled back: order of 1 kit: lead `` is deleted
    orders: 1, kits left: 9, conversions: 1, revenue: 2500.00 USD
"
    );
    let second = told(&db);
    assert!(second.contains("orders: 2, kits left: 8, conversions: 2, revenue: 5000.00 USD"), "{second}");
}

fn told(db: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_within-sqlite")).arg(db).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What stands in backticks is another one each time.
fn without_ids(text: &str) -> String {
    text.split('`').enumerate().map(|(n, part)| if n % 2 == 0 { part } else { "``" }).collect()
}
