//! Amounts as decimals: of every currency, wherever a relation shows one.

use convio_core::{Currency, Money};
use serde_json::{Map, json};

use super::program::{Cell, Program, amount, cells, with_place};

#[test]
fn every_amount_of_every_currency_is_shown_as_core_shows_it() {
    with_place(async |place| {
        let program = &mut Program::on(place).await;
        let currencies = currencies();
        assert!(currencies.len() > 150);
        // One client per currency, who has sold for these sums.
        for (client, currency) in currencies.iter().enumerate() {
            let sold = MINOR.map(|minor| format!("({minor})")).join(", ");
            program.run(&client_of(client, currency.code(), &format!("(VALUES {sold}) sold (minor)"))).await;
        }
        let shown = program
            .rows("SELECT currency, conversion_value_minor, conversion_value FROM conversions ORDER BY currency, 2")
            .await;
        let typed = currencies.iter().flat_map(|currency| {
            let row =
                |minor| cells!(currency.code(), minor, amount(Money::from_minor(minor, *currency).decimal()));
            MINOR.map(row)
        });
        assert_eq!(shown, typed.collect::<Vec<_>>());

        let one = |currency: &Currency| {
            let sum = amount(Money::from_minor(12_345, *currency).decimal());
            cells!(currency.code(), sum.clone(), sum.clone(), sum.clone(), sum.clone(), sum)
        };
        let shown = program
            .rows(
                "SELECT w.currency, w.total_revenue, c.lifetime_value, l.revenue, s.revenue, s.average_value
                 FROM workspaces w JOIN contacts c USING (workspace_id) JOIN lead_analytics l USING (workspace_id)
                 JOIN conversion_analytics s USING (workspace_id) ORDER BY 1",
            )
            .await;
        assert_eq!(shown, currencies.iter().map(one).collect::<Vec<_>>());
    });
}

#[test]
fn sums_in_other_currencies_are_an_object() {
    with_place(async |place| {
        let program = &mut Program::on(place).await;
        let currencies = currencies();
        program.run(&client_of(0, "USD", "(VALUES (1)) sold (minor)")).await;
        let list = currencies
            .iter()
            .map(|currency| format!("('{}')", currency.code()))
            .collect::<Vec<_>>()
            .join(", ");
        let others = format!("(VALUES {list}) other (code) WHERE code <> 'USD'");
        let rollup = |cube: i32, day: &str, d1: &str, d2: &str| {
            format!(
                "INSERT INTO rollup SELECT '{}', {cube}, '{day}', {d1}, {d2}, '', 1, 12345, 0, 0, 0, 0 FROM {others};",
                id(0)
            )
        };
        let lifetime: Map<_, _> =
            currencies.iter().map(|currency| (currency.code().to_owned(), json!(12_345))).collect();
        program.run(&rollup(8, "1970-01-01", "code", "''")).await;
        program.run(&rollup(5, "2026-03-01", &format!("'{}'", id(0)), "code")).await;
        program.run(&format!("UPDATE contact SET lifetime = '{}'", json!(lifetime))).await;
        let typed: Map<_, _> = currencies
            .iter()
            .filter(|currency| currency.code() != "USD")
            .map(|currency| {
                (currency.code().to_owned(), json!(Money::from_minor(12_345, *currency).decimal()))
            })
            .collect();
        let typed = Cell::Json(typed.into());
        for shown in [
            "SELECT other_revenue FROM workspaces",
            "SELECT other_lifetime_value FROM contacts",
            "SELECT other_revenue FROM lead_analytics",
        ] {
            assert_eq!(program.row(shown).await, std::slice::from_ref(&typed), "{shown}");
        }
    });
}

/// They are numbers: sums, comparisons and order go by their values.
#[test]
fn amounts_are_compared_as_numbers() {
    with_place(async |place| {
        let program = &mut Program::on(place).await;
        program.run(&client_of(0, "USD", "(VALUES (500000), (9000)) sold (minor)")).await;
        let sql = "SELECT sum(conversion_value), max(conversion_value) FROM conversions WHERE conversion_value > 89.99";
        assert_eq!(program.row(sql).await, [amount("5090.00"), amount("5000.00")]);
    });
}

/// Rows of a client with one contact, and what it has sold in its currency: single sales, and 12,345 minor units in all sums.
fn client_of(client: usize, currency: &str, sold: &str) -> String {
    let id = id(client);
    let sums = [
        "8, '1970-01-01', '{currency}', '', ''",
        "5, '2026-03-01', '{id}', '{currency}', ''",
        "2, '2026-03-01', 'a', 'b', '{currency}'",
    ]
    .map(|key| format!("INSERT INTO rollup SELECT '{{id}}', {key}, 1, 12345, 0, 0, 0, 0;"))
    .concat();
    let sql = "
        INSERT INTO workspace (workspace_id, name, zone, currency, active, policy, created_at, version)
        SELECT '{id}', '', 'UTC', '{currency}', true, '{}', now(), 1;
        INSERT INTO contact (workspace_id, id, number, stamps, first_source, first_lead, first_at, leads, conversions, lifetime,
            created_at, version)
        SELECT '{id}', '{id}', 100000, decode(repeat('00', 250), 'hex'), 'Google', '{id}', now(), 1, 1, '{\"{currency}\": 12345}',
            now(), 1;
        INSERT INTO conversion (workspace_id, id, lead_id, contact_id, type, value_minor, net_minor, currency, adjustments, commissions, first_source, first_lead,
            first_at, last_source, last_lead, last_at, metadata, occurred_at, day, seconds_to_convert, created_at, version)
        SELECT '{id}', gen_random_uuid(), '{id}', '{id}', 'Sale', minor, minor, '{currency}', '[]', '[]', 'Google', '{id}', now(), 'Google', '{id}',
            now(), '{}', now(), current_date, 0, now(), 1 FROM ";
    format!("{sql}{sold};{sums}").replace("{id}", &id).replace("{currency}", currency)
}

fn id(client: usize) -> String {
    uuid::Uuid::from_u128(client as u128).to_string()
}

/// By code.
fn currencies() -> Vec<Currency> {
    let letters = || 'A'..='Z';
    let codes =
        letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| format!("{a}{b}{c}"))));
    codes.filter_map(|code| code.parse().ok()).collect()
}

const MINOR: [i64; 9] = [i64::MIN, -12_345, -5, 0, 5, 99, 100, 500_000, i64::MAX];
