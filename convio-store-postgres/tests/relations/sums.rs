//! The sums of the relations are those of the typed reports.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use convio_core::service::{Attribution, DailyConversions, DailyUsage, DailyWebhook};
use convio_core::{Money, WorkspaceHandle};
use serde_json::{Map, json};

use super::program::{Cell, Program, amount, cells, with_place};
use super::world::{fill, now};

#[test]
fn the_days_of_webhooks_are_those_of_the_report() {
    with_clients(async |of, program| {
        let currency = of.workspace().await.unwrap().unwrap().settings.currency;
        let row = |day: &DailyWebhook| {
            let (own, others): (Vec<Money>, Vec<Money>) =
                day.revenue.iter().partition(|money| money.currency() == currency);
            let own = own.first().copied().unwrap_or(Money::from_minor(0, currency));
            let mut row = cells!(day.day, day.webhook.to_string(), day.leads, day.converted, day.rate());
            row.extend(cells!(
                day.conversions,
                own.minor(),
                amount(own.decimal()),
                object(&others),
                day.average_seconds()
            ));
            row
        };
        let typed = of.daily_webhooks(NaiveDate::MIN, NaiveDate::MAX).await.unwrap();
        assert!(!typed.is_empty());
        // The report leaves out a day that has nothing but bookings or rejections: the relation shows it.
        let shown = ask(
            program,
            of,
            "day, webhook_uuid, leads, converted, conversion_rate, conversions, revenue_minor, revenue, other_revenue,
             average_seconds_to_convert",
            "lead_analytics",
            "AND (leads <> 0 OR converted <> 0 OR conversions <> 0) ORDER BY day, webhook_uuid COLLATE \"C\"",
        );
        assert_eq!(shown.await, typed.iter().map(row).collect::<Vec<_>>());
    });
}

#[test]
fn what_became_of_leads_is_counted_as_in_the_report() {
    with_clients(async |of, program| {
        let mut days: BTreeMap<(NaiveDate, String), [i64; 4]> = BTreeMap::new();
        for row in of.daily_leads(NaiveDate::MIN, NaiveDate::MAX).await.unwrap() {
            let sums = days.entry((row.day, row.webhook.to_string())).or_default();
            for (sum, n) in sums.iter_mut().zip([row.contacts, row.repeats, row.rejected, row.booked]) {
                *sum += n;
            }
        }
        let typed = days
            .into_iter()
            .filter(|(_, sums)| sums.iter().any(|n| *n != 0))
            .map(|((day, webhook), sums)| [cells!(day, webhook), sums.map(Cell::from).to_vec()].concat());
        let shown = ask(
            program,
            of,
            "day, webhook_uuid, contacts_made, repeats, rejected, appointments_booked",
            "lead_analytics",
            "AND contacts_made + repeats + rejected + appointments_booked <> 0 ORDER BY day, webhook_uuid COLLATE \"C\"",
        );
        assert_eq!(shown.await, typed.collect::<Vec<_>>());

        for webhook in ask(program, of, "DISTINCT webhook", "lead_analytics", "").await {
            let [Cell::Text(name)] = &webhook[..] else { panic!("{webhook:?}") };
            let id = of.webhook(name).await.unwrap().unwrap().id;
            let funnel = of.funnel(Some(id), NaiveDate::MIN, NaiveDate::MAX).await.unwrap();
            let last = of.webhook_activity(id).await.unwrap().last_lead_at;
            let shown = ask(
                program,
                of,
                "sum(leads)::bigint, sum(contacted)::bigint, sum(scheduled)::bigint, sum(met)::bigint,
                 sum(converted)::bigint, sum(lost)::bigint, max(last_lead_at)",
                "lead_analytics",
                &format!("AND webhook = '{name}'"),
            )
            .await;
            let steps =
                [funnel.received, funnel.contacted, funnel.scheduled, funnel.met, funnel.won, funnel.lost];
            assert_eq!(shown, [[steps.map(Cell::from).to_vec(), cells!(last)].concat()]);
        }
    });
}

#[test]
fn conversions_are_those_of_the_report_and_averages_round_alike() {
    with_clients(async |of, program| {
        // Sums that do not divide: halves go away from zero.
        for (n, (conversions, minor)) in (1..).zip(AVERAGES) {
            let row = format!(
                "'{}', 2, '2000-01-01'::date + {n}, 'a', 'b', 'USD', {conversions}, {minor}",
                of.id()
            );
            program.run(&format!("INSERT INTO rollup SELECT {row}, 7, 2, 0, 0, now()")).await;
        }
        let row = |day: &DailyConversions| {
            let average = day.average().unwrap();
            let mut row = cells!(
                day.day,
                &day.source,
                &day.conversion_type,
                day.value.currency().code(),
                day.conversions
            );
            row.extend(cells!(day.value.minor(), amount(day.value.decimal()), average.minor()));
            row.extend(cells!(amount(average.decimal()), day.average_seconds()));
            row
        };
        let typed = of.daily_conversions(Attribution::Lead, NaiveDate::MIN, NaiveDate::MAX).await.unwrap();
        assert!(typed.len() > AVERAGES.len());
        let shown = ask(
            program,
            of,
            "day, source, type, currency, conversions, revenue_minor, revenue, average_value_minor, average_value,
             average_seconds_to_convert",
            "conversion_analytics",
            "ORDER BY day, source, type, currency",
        );
        assert_eq!(shown.await, typed.iter().map(row).collect::<Vec<_>>());
    });
}

#[test]
fn the_use_by_providers_is_that_of_the_report() {
    with_clients(async |of, program| {
        let typed = of.provider_usage(NaiveDate::MIN, NaiveDate::MAX).await.unwrap();
        let row = |day: &DailyUsage| {
            let mut row = cells!(day.day, day.provider.to_string(), day.webhook.to_string());
            row.extend(cells!(day.taken + day.rejected, day.taken, day.repeats, day.rejected, day.last_at));
            row
        };
        let columns = "day, provider_uuid, webhook_uuid, requests, leads_taken, leads_repeated, leads_rejected, last_used_at";
        let order = "ORDER BY day, provider_uuid COLLATE \"C\", webhook_uuid COLLATE \"C\"";
        let shown = ask(program, of, columns, "provider_usage_log", order).await;
        assert_eq!(shown, typed.iter().map(row).collect::<Vec<_>>());

        for provider in of.providers().await.unwrap() {
            let last = of.provider_last_used(provider.id).await.unwrap();
            let days = typed.iter().filter(|day| day.provider == provider.id);
            let sums = days.fold((0, 0), |sums, day| (sums.0 + day.taken, sums.1 + day.rejected));
            let columns = "leads_taken, leads_rejected, last_used_at";
            let shown =
                ask(program, of, columns, "lead_source_providers", &format!("AND id = '{}'", provider.id))
                    .await;
            assert_eq!(shown, [cells!(sums.0, sums.1, last)]);
        }
    });
}

#[test]
fn the_totals_of_a_workspace_are_those_of_the_report() {
    with_clients(async |of, program| {
        let columns =
            "total_conversions, total_revenue, total_revenue_minor, other_revenue, last_activity_at";
        let totals = of.totals().await.unwrap();
        let mut typed = cells!(totals.conversions, amount(totals.revenue.decimal()), totals.revenue.minor());
        typed.extend(cells!(object(&totals.other_revenue), totals.last_activity_at));
        assert_eq!(ask(program, of, columns, "workspaces", "").await, [typed]);
        // No cent is counted that no standing conversion has.
        let minor =
            "sum(conversion_value_minor) FILTER (WHERE currency = (SELECT currency FROM workspaces AS w
            WHERE w.workspace_id = conversions.workspace_id))::bigint";
        let shown = ask(program, of, &format!("count(*), {minor}"), "conversions", "").await;
        assert_eq!(shown, [cells!(totals.conversions, totals.revenue.minor())]);
    });
}

/// Does the same for each client of the world.
fn with_clients(check: impl AsyncFn(&WorkspaceHandle<'_>, &mut Program)) {
    with_place(async |place| {
        let mission = fill(place.store(), now()).await;
        let mut program = Program::on(place).await;
        for of in [&mission.acme, &mission.other] {
            check(of, &mut program).await;
        }
    });
}

/// The rows of one client.
async fn ask(
    program: &mut Program,
    of: &WorkspaceHandle<'_>,
    columns: &str,
    relation: &str,
    rest: &str,
) -> Vec<Vec<Cell>> {
    program.rows(&format!("SELECT {columns} FROM {relation} WHERE workspace_id = '{}' {rest}", of.id())).await
}

/// Sums of several currencies, as the relations show them.
fn object(sums: &[Money]) -> Cell {
    let sums = sums.iter().map(|money| (money.currency().code().to_owned(), json!(money.decimal())));
    Cell::Json(sums.collect::<Map<_, _>>().into())
}

/// Conversions, and what they are worth together.
const AVERAGES: [(i64, i64); 10] = [
    (3, 100),
    (3, -100),
    (3, 200),
    (3, -200),
    (2, 5),
    (2, -5),
    (4, 2),
    (4, -2),
    (7, 0),
    // To the places that Postgres divides to, this is a half; it is less.
    (1_000_000, 1_234_567_890_123_499_996),
];
