//! The sums of the relations are those of the typed reports.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use convio_core::service::{Attribution, DailyConversions, DailyWebhook};
use convio_core::{Money, WorkspaceHandle};
use pollster::block_on;
use rusqlite::Connection;

use super::program::Cell;
use super::world::World;

#[test]
fn the_days_of_webhooks_are_those_of_the_report() {
    let world = World::new();
    for (of, days) in [(&world.acme, 4), (&world.bolt, 1)] {
        let currency = block_on(of.workspace()).unwrap().unwrap().settings.currency;
        let row = |day: &DailyWebhook| {
            let (own, others): (Vec<Money>, Vec<Money>) =
                day.revenue.iter().partition(|money| money.currency() == currency);
            let own = own.first().copied().unwrap_or(Money::from_minor(0, currency));
            let mut row =
                vec![day.day.into(), day.webhook.to_string().into(), day.leads.into(), day.converted.into()];
            row.extend([day.rate().into(), day.conversions.into(), own.minor().into(), own.decimal().into()]);
            row.extend([Cell::from(object(&others)), day.average_seconds().into()]);
            row
        };
        let typed: Vec<Vec<Cell>> =
            block_on(of.daily_webhooks(NaiveDate::MIN, NaiveDate::MAX)).unwrap().iter().map(row).collect();
        assert!(typed.len() >= days, "{typed:?}");
        // The report leaves out a day that has nothing but bookings or rejections; the relation shows it.
        let shown = ask(
            &world,
            of,
            "day, webhook_uuid, leads, converted, conversion_rate, conversions, revenue_minor, revenue, other_revenue,
             average_seconds_to_convert",
            "lead_analytics",
            "AND (leads <> 0 OR converted <> 0 OR conversions <> 0) ORDER BY day, webhook_uuid",
        );
        assert_eq!(shown, typed);
    }
}

#[test]
fn what_became_of_leads_is_counted_as_in_the_report() {
    let world = World::new();
    for of in [&world.acme, &world.bolt] {
        let mut days: BTreeMap<(String, String), [i64; 4]> = BTreeMap::new();
        for row in block_on(of.daily_leads(NaiveDate::MIN, NaiveDate::MAX)).unwrap() {
            let sums = days.entry((row.day.to_string(), row.webhook.to_string())).or_default();
            for (sum, n) in sums.iter_mut().zip([row.contacts, row.repeats, row.rejected, row.booked]) {
                *sum += n;
            }
        }
        let typed: Vec<Vec<Cell>> = days
            .into_iter()
            .filter(|(_, sums)| sums.iter().any(|n| *n != 0))
            .map(|((day, webhook), sums)| {
                [vec![day.into(), webhook.into()], sums.map(Cell::from).to_vec()].concat()
            })
            .collect();
        let shown = ask(
            &world,
            of,
            "day, webhook_uuid, contacts_made, repeats, rejected, appointments_booked",
            "lead_analytics",
            "AND contacts_made + repeats + rejected + appointments_booked <> 0 ORDER BY day, webhook_uuid",
        );
        assert_eq!(shown, typed);

        let webhooks = ask(&world, of, "DISTINCT webhook", "lead_analytics", "");
        for webhook in webhooks {
            let [Cell::Text(name)] = &webhook[..] else { panic!("{webhook:?}") };
            let id = block_on(of.webhook(name)).unwrap().unwrap().id;
            let funnel = block_on(of.funnel(Some(id), NaiveDate::MIN, NaiveDate::MAX)).unwrap();
            let activity = block_on(of.webhook_activity(id)).unwrap();
            let shown = ask(
                &world,
                of,
                "sum(leads), sum(contacted), sum(scheduled), sum(met), sum(converted), sum(lost), max(last_lead_at)",
                "lead_analytics",
                &format!("AND webhook = '{name}'"),
            );
            let steps =
                [funnel.received, funnel.contacted, funnel.scheduled, funnel.met, funnel.won, funnel.lost];
            let typed = [steps.map(Cell::from).to_vec(), vec![activity.last_lead_at.into()]].concat();
            assert_eq!(shown, [typed]);
            assert_eq!(activity.leads, funnel.received);
        }
    }
}

#[test]
fn conversions_are_those_of_the_report_and_averages_round_alike() {
    let world = World::new();
    // Sums that do not divide: halves go away from zero.
    let conn = Connection::open(&world.file).unwrap();
    for (n, (conversions, minor)) in (0i64..).zip(AVERAGES) {
        conn.execute(
            "INSERT INTO rollup VALUES (?1, 2, ?2, 'a', 'b', 'USD', ?3, ?4, 7, 2, 0, 0, -1)",
            (world.acme.id().uuid().as_bytes(), n, conversions, minor),
        )
        .unwrap();
    }
    for (of, rows) in [(&world.acme, 2 + AVERAGES.len()), (&world.bolt, 2)] {
        let row = |day: &DailyConversions| {
            let average = day.average().unwrap();
            let mut row = vec![day.day.into(), day.source.clone().into(), day.conversion_type.clone().into()];
            row.extend([Cell::from(day.value.currency().code()), day.conversions.into()]);
            row.extend([day.value.minor().into(), day.value.decimal().into()]);
            row.extend([average.minor().into(), average.decimal().into(), day.average_seconds().into()]);
            row
        };
        let typed =
            block_on(of.daily_conversions(Attribution::Lead, NaiveDate::MIN, NaiveDate::MAX)).unwrap();
        assert_eq!(typed.len(), rows, "the voided one is in none");
        let shown = ask(
            &world,
            of,
            "day, source, type, currency, conversions, revenue_minor, revenue, average_value_minor, average_value,
             average_seconds_to_convert",
            "conversion_analytics",
            "ORDER BY day, source, type, currency",
        );
        assert_eq!(shown, typed.iter().map(row).collect::<Vec<_>>());
    }
}

#[test]
fn the_use_by_providers_is_that_of_the_report() {
    let world = World::new();
    let of = &world.acme;
    let typed = block_on(of.provider_usage(NaiveDate::MIN, NaiveDate::MAX)).unwrap();
    assert_eq!(typed.len(), 3);
    let rows = typed.iter().map(|day| {
        let mut row = vec![day.day.into(), day.provider.to_string().into(), day.webhook.to_string().into()];
        row.extend([day.taken + day.rejected, day.taken, day.repeats, day.rejected].map(Cell::from));
        row.push(day.last_at.into());
        row
    });
    let columns = "day, provider_uuid, webhook_uuid, requests, leads_taken, leads_repeated, leads_rejected, last_used_at";
    let shown = ask(&world, of, columns, "provider_usage_log", "ORDER BY day, provider_uuid, webhook_uuid");
    assert_eq!(shown, rows.collect::<Vec<_>>());

    let last = block_on(of.provider_last_used(world.leadco.id)).unwrap();
    let (taken, rejected) =
        typed.iter().fold((0, 0), |sums, day| (sums.0 + day.taken, sums.1 + day.rejected));
    let shown = ask(&world, of, "leads_taken, leads_rejected, last_used_at", "lead_source_providers", "");
    assert_eq!(shown, [vec![taken.into(), rejected.into(), last.into()]]);
}

#[test]
fn the_totals_of_a_workspace_are_those_of_the_report() {
    let world = World::new();
    let columns = "total_conversions, total_revenue, total_revenue_minor, other_revenue, last_activity_at";
    for of in [&world.acme, &world.bolt] {
        let totals = block_on(of.totals()).unwrap();
        let mut typed =
            vec![totals.conversions.into(), totals.revenue.decimal().into(), totals.revenue.minor().into()];
        typed.extend([Cell::from(object(&totals.other_revenue)), totals.last_activity_at.into()]);
        assert_eq!(ask(&world, of, columns, "workspaces", ""), [typed]);
        // No cent is counted that no standing conversion has.
        let minor =
            "sum(conversion_value_minor) FILTER (WHERE currency = (SELECT currency FROM workspaces AS w
            WHERE w.workspace_id = conversions.workspace_id)) AS minor";
        let shown = ask(&world, of, &format!("count(*), {minor}"), "conversions", "");
        assert_eq!(shown, [vec![totals.conversions.into(), totals.revenue.minor().into()]]);
    }
}

/// The rows of one client.
#[track_caller]
fn ask(world: &World, of: &WorkspaceHandle<'_>, columns: &str, relation: &str, rest: &str) -> Vec<Vec<Cell>> {
    let sql = format!("SELECT {columns} FROM {relation} WHERE workspace_uuid = '{}' {rest}", of.id());
    world.program().ask(&sql).rows
}

/// Sums of several currencies, as the relations show them.
fn object(sums: &[Money]) -> String {
    let sums = sums.iter().map(|money| format!(r#""{}":"{}""#, money.currency().code(), money.decimal()));
    format!("{{{}}}", sums.collect::<Vec<_>>().join(","))
}

/// Conversions, and what they are worth together.
const AVERAGES: [(i64, i64); 9] =
    [(3, 100), (3, -100), (3, 200), (3, -200), (2, 5), (2, -5), (4, 2), (4, -2), (7, 0)];
