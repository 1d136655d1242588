//! The world of the mission document in a schema, asked in SQL: its six queries as they are written (but for the dates of the
//! second one), its key fields, the tables of its diagram. Two clients are in the schema, who know the same person by the same
//! phone and the same number, and no query names a client: each finds the rows of both, and never takes the one for the other.

mod relations {
    #![allow(dead_code, unused_imports, unused_macros, reason = "they serve the tests of the relations too")]

    #[path = "../../../convio-store-sqlite/tests/relations/mission.rs"]
    pub(crate) mod mission;
    pub(crate) mod program;
}
mod support;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use convio_conformance::created;
use convio_conformance::mission::{Mission, WEBHOOKS, world};
use convio_core::service::{RandomIds, SystemClock};
use convio_core::{Clock, Convio, FixedClock, NumberSeries, PageRequest, Phone, RawLead, Zone};
use relations::mission::{key_fields, queries};
use relations::program::{Answer, Cell, Program, amount, cells, pick, sorted, with_place};
use serde_json::json;
use support::Place;

#[test]
fn query_1_contacts_created_today() {
    with_world_of_today(async |world| {
        let mission = &world.mission;
        let [acme, other] = [mission.acme.id(), mission.other.id()].map(|id| id.uuid());
        let jane = NumberSeries::of(mission.acme.id()).nth(1).as_u64();
        let mut expected = vec![
            cells!(acme, mission.john.uuid(), 123_456, PHONE, "John", "Doe", "john@email.com", 3),
            cells!(acme, mission.jane.uuid(), jane, "+12122000001", "Jane", "Roe", Cell::Null, 1),
            cells!(other, mission.johnny.uuid(), 123_456, PHONE, "Johnny", "Doe", "johnny@home.example", 2),
        ];
        expected.sort_by_key(|row| format!("{row:?}"));
        // Someone who came the day before yesterday is not among them.
        let before = FixedClock(mission.now - TimeDelta::days(2));
        let before =
            Convio::with(world.place.store(), before, RandomIds::default()).workspace(mission.acme.id());
        let old = before.ingest(RawLead::json(r#"{"name": "Old Hand", "phone": "+12122000002"}"#)).await;
        let old = created(old).contact;
        let found = world.program.ask(&queries()[0]).await;
        let columns =
            ["workspace_id", "id", "number", "phone", "first_name", "last_name", "email", "lead_count"];
        let found = sorted(pick(&found, &columns));
        let all = world.program.rows("SELECT id FROM contacts").await;
        assert!(all.contains(&cells!(old.uuid())));
        assert_eq!(all.len(), 4);

        let day = Zone::UTC.day_of(mission.now);
        let typed = mission.acme.contacts_created_on(day, &PageRequest::default()).await.unwrap().items;
        let typed: Vec<_> = typed.into_iter().map(|contact| contact.id).collect();
        assert_eq!(typed, [mission.john, mission.jane]);
        assert_eq!(found, expected);
    });
}

/// Only the dates are written in another way. A date is its first instant there, so that the last of the seven days is left
/// out, where the typed call takes it whole.
#[test]
fn query_2_appointments_of_the_next_week() {
    with_world_of_today(async |world| {
        let query = query_2();
        let mission = &world.mission;
        let columns =
            ["id", "workspace_id", "contact_id", "type", "scheduled_at", "duration_minutes", "status"];
        let columns =
            [&columns[..], &["location", "assigned_to", "routed_to", "routed_by", "outcome"]].concat();
        let found = pick(&world.program.ask(&query).await, &columns);
        let mut expected = cells!(
            mission.estimate.uuid(),
            mission.acme.id().uuid(),
            mission.john.uuid(),
            "HVAC Estimate",
            mission.now + TimeDelta::days(3),
            45,
            "booked"
        );
        expected.extend(cells!("123 Main St, basement", "bob", "hvac-crew", "rule", Cell::Null));

        let page = PageRequest::default();
        let last = mission.now + TimeDelta::days(7);
        let days = Zone::UTC.day_of(mission.now)..=Zone::UTC.day_of(last);
        let typed = mission.acme.appointments_on(*days.start(), *days.end(), &page).await.unwrap().items;
        assert_eq!(typed.iter().map(|row| row.id).collect::<Vec<_>>(), [mission.estimate]);
        let zone = Zone::parse("America/Los_Angeles").unwrap();
        let days = zone.day_of(mission.now)..=zone.day_of(last);
        let typed = mission.other.appointments_on(*days.start(), *days.end(), &page).await.unwrap().items;
        let visit = typed.iter().map(|row| (row.appointment_type.as_str(), row.schedule.starts_at));
        assert_eq!(visit.collect::<Vec<_>>(), [("Gutter Visit", last)]);
        assert_eq!(world.program.rows("SELECT id FROM appointments").await.len(), 3);
        assert_eq!(found, [expected]);
    });
}

/// The first instant of a day belongs to it, wherever the session is.
#[test]
fn query_2_ends_with_the_first_instant_of_the_last_day() {
    with_world_of_today(async |world| {
        let set = |at: &str| format!("UPDATE appointment SET starts_at = {at} WHERE type = 'HVAC Estimate'");
        let query = query_2().replace('*', "type");
        for zone in ["UTC", "America/Los_Angeles", "Asia/Tokyo"] {
            // Within a transaction it stays the same day.
            world.program.run(&format!("BEGIN; SET LOCAL TimeZone = '{zone}'")).await;
            for (at, found) in [
                ("current_date::timestamptz - interval '1 microsecond'", false),
                ("current_date::timestamptz", true),
                ("(current_date + 7)::timestamptz", true),
                ("(current_date + 7)::timestamptz + interval '1 microsecond'", false),
            ] {
                world.program.run(&set(at)).await;
                let types = world.program.texts(&query).await;
                assert_eq!(types.iter().any(|kind| kind == "HVAC Estimate"), found, "{at} in {zone}");
            }
            world.program.run("ROLLBACK").await;
        }
    });
}

/// The phone is that of a contact of each client: the leads of both are found, each by the contact of its own client.
#[test]
fn query_3_leads_of_a_contact() {
    with_world(async |world| {
        let mission = &world.mission;
        let columns = [
            "received_at",
            "workspace_id",
            "contact_id",
            "webhook",
            "source",
            "lead_type",
            "campaign_id",
            "status",
        ];
        let days = |days| mission.now - TimeDelta::days(days);
        let of = |webhook: usize| WEBHOOKS[webhook];
        let acme = |at: DateTime<Utc>, (webhook, kind, source): (&str, &str, &str), status: &str| {
            let (source, campaign) = (source.to_lowercase(), format!("{kind} Campaign"));
            cells!(at, mission.acme.id().uuid(), mission.john.uuid(), webhook, source, kind, campaign, status)
        };
        let other = |at: DateTime<Utc>, source: &str, status: &str| {
            let client = mission.other.id().uuid();
            cells!(at, client, mission.johnny.uuid(), "direct", source, "Roofing", Cell::Null, status)
        };
        let expected = vec![
            acme(days(10), of(0), "won"),
            acme(days(6), of(1), "scheduled"),
            other(days(5), "google ads", "won"),
            other(days(3), "referral", "scheduled"),
            acme(days(2), of(2), "new"),
        ];
        assert_eq!(sorted(pick(&world.program.ask(&queries()[2]).await, &columns)), expected);
        let phone = "SELECT DISTINCT number FROM contacts WHERE phone = '+15551234567'";
        let numbers = world.program.rows(phone).await;
        assert_eq!(numbers, [cells!(123_456)], "only the ids tell both contacts apart");

        let phone = Phone::parse(PHONE, None).unwrap().phone;
        let typed = mission.acme.leads_of_phone(&phone).await.unwrap().len()
            + mission.other.leads_of_phone(&phone).await.unwrap().len();
        assert_eq!(typed, expected.len());
    });
}

/// The sources of both clients are counted together.
#[test]
fn query_4_conversion_rates_by_source() {
    with_world(async |world| {
        let answer = world.program.ask(&queries()[3]).await;
        assert_eq!(answer.columns, ["source", "leads", "converted"]);
        let expected = [
            cells!("facebook", 1, 0),
            cells!("google ads", 3, 2),
            cells!("leadco portal", 1, 0),
            cells!("referral", 1, 0),
        ];
        assert_eq!(sorted(answer.rows), expected);
    });
}

#[test]
fn query_5_workspace_statistics() {
    with_world(async |world| {
        let answer = world.program.ask(&queries()[4]).await;
        assert_eq!(answer.columns, ["name", "total_conversions", "total_revenue"]);
        let expected =
            [cells!("Acme Home", 1, amount("5000.00")), cells!("Zenith Roofs", 1, amount("1200.00"))];
        assert_eq!(sorted(answer.rows), expected);
        for (of, name) in [(&world.mission.acme, "Acme Home"), (&world.mission.other, "Zenith Roofs")] {
            let totals = of.totals().await.unwrap();
            let sql =
                format!("SELECT total_conversions, total_revenue FROM workspaces WHERE name = '{name}'");
            let typed = cells!(totals.conversions, amount(totals.revenue.decimal()));
            assert_eq!(world.program.row(&sql).await, typed);
        }
    });
}

/// John Doe is one row per client; Jane Roe has a single lead.
#[test]
fn query_6_contacts_with_several_leads() {
    with_world(async |world| {
        let answer = world.program.ask(&queries()[5]).await;
        assert_eq!(answer.columns, ["phone", "first_name", "last_name", "lead_count"]);
        let expected = [cells!(PHONE, "John", "Doe", 3), cells!(PHONE, "Johnny", "Doe", 2)];
        assert_eq!(sorted(answer.rows), expected);
    });
}

#[test]
fn every_key_field_can_be_selected() {
    with_world(async |world| {
        let mission = &world.mission;
        let webhook = mission.acme.webhook("google-solar").await.unwrap().unwrap();
        let keys = mission.acme.api_keys().await.unwrap();
        let sold_at = mission.now - TimeDelta::hours(22);
        let rows = [
            ("contacts", mission.john.uuid(), cells!(PHONE, "John", "Doe", "john@email.com")),
            (
                "leads",
                mission.leads.solar.uuid(),
                cells!("google ads", "Solar", "Solar Campaign", webhook.id.uuid()),
            ),
            (
                "appointments",
                mission.estimate.uuid(),
                cells!(mission.now + TimeDelta::days(3), "booked", "bob"),
            ),
            ("conversions", mission.sale.uuid(), cells!(amount("5000.00"), sold_at, "Solar Sale")),
            // Of the keys that stand: the mask of the newest one, and what they permit together.
            (
                "workspaces",
                mission.acme.id().uuid(),
                cells!("Acme Home", keys[2].masked(), "read, ingest, update, convert"),
            ),
        ];
        let fields = key_fields();
        assert_eq!(fields.len(), rows.len());
        for ((table, id, expected), (named, fields)) in rows.into_iter().zip(fields) {
            assert_eq!(table, named);
            let sql = format!("SELECT {} FROM {table} WHERE id = '{id}'", fields.join(", "));
            let answer = world.program.ask(&sql).await;
            assert_eq!((answer.columns, answer.rows), (fields, vec![expected]), "{table}");
        }
    });
}

/// Each node of the diagram is a relation, and holds what happened to John Doe.
#[test]
fn every_table_of_the_diagram_can_be_asked() {
    with_world(async |world| {
        for (table, rows) in
            [("contacts", 2), ("leads", 4), ("appointments", 2), ("conversions", 1), ("workspaces", 1)]
        {
            assert_eq!(
                world.of_acme(&format!("SELECT count(*) FROM {table}")).await,
                [cells!(rows)],
                "{table}"
            );
        }
        let solar = format!(
            "SELECT number, kind, status FROM lead_events WHERE lead_id = '{}'",
            world.mission.leads.solar
        );
        let steps = [
            cells!(1, "lead.received", "new"),
            cells!(2, "appointment.booked", "scheduled"),
            cells!(3, "conversion.recorded", "won"),
        ];
        assert_eq!(world.of_acme(&solar).await, steps);
        let visit = world.mission.consultation;
        let visit = format!("SELECT number, kind FROM appointment_events WHERE appointment_id = '{visit}'");
        let steps = [cells!(1, "appointment.booked"), cells!(2, "appointment.completed")];
        assert_eq!(world.of_acme(&visit).await, steps);
        let events = world.of_acme("SELECT number, kind, conversion_id FROM conversion_events").await;
        assert_eq!(events, [cells!(1, "conversion.recorded", world.mission.sale.uuid())]);
        let john = format!("SELECT count(*) FROM contact_events WHERE contact_id = '{}'", world.mission.john);
        assert_ne!(world.of_acme(&john).await, [cells!(0)]);

        let now = world.mission.now;
        let day = |days: i64| Zone::UTC.day_of(now - TimeDelta::days(days));
        let sold_on = Zone::UTC.day_of(now - TimeDelta::hours(22));
        let mut expected = vec![
            cells!(day(10), "google-solar", 1, amount("0.00")),
            cells!(day(6), "facebook-hvac", 1, amount("0.00")),
            cells!(day(2), "insurance-portal", 1, amount("0.00")),
        ];
        match sold_on == day(1) {
            true => expected.push(cells!(sold_on, "google-solar", 1, amount("5000.00"))),
            false => expected.extend([
                cells!(day(1), "google-solar", 1, amount("0.00")),
                cells!(sold_on, "google-solar", 0, amount("5000.00")),
            ]),
        }
        let rows = "SELECT day, webhook, leads, revenue FROM lead_analytics WHERE leads + conversions > 0";
        assert_eq!(world.of_acme(rows).await, expected);
        let rows = "SELECT day, source, type, conversions, revenue, average_value FROM conversion_analytics";
        let expected = cells!(sold_on, "google ads", "solar sale", 1, amount("5000.00"), amount("5000.00"));
        assert_eq!(world.of_acme(rows).await, [expected]);
        let rows = "SELECT name, is_active, allowed_webhooks, leads_per_hour_max FROM lead_source_providers";
        assert_eq!(world.of_acme(rows).await, [cells!("LeadCo", true, json!(["insurance-portal"]), 100)]);
        let rows = "SELECT day, provider, webhook, leads_taken, leads_rejected FROM provider_usage_log";
        assert_eq!(world.of_acme(rows).await, [cells!(day(2), "LeadCo", "insurance-portal", 1, 0)]);
        let rows = "SELECT number, name, product_types, zip_codes, routes_to FROM appointment_routing_rules";
        let expected = [
            cells!(1, "solar", json!(["solar"]), json!(["90012", "90210"]), "solar-west"),
            cells!(2, "hvac", json!(["hvac"]), json!(["90012"]), "hvac-crew"),
        ];
        assert_eq!(world.of_acme(rows).await, expected);
    });
}

/// The world in a database of its own.
struct World<'p> {
    mission: Mission<'static>,
    program: Program,
    place: &'p Place,
}

impl World<'_> {
    /// The answer for one client.
    async fn of_acme(&mut self, select: &str) -> Vec<Vec<Cell>> {
        let and = if select.contains("WHERE") { "AND" } else { "WHERE" };
        let sql = format!("{select} {and} workspace_id = '{}'", self.mission.acme.id());
        let Answer { rows, .. } = self.program.ask(&sql).await;
        sorted(rows)
    }
}

fn with_world(body: impl AsyncFnOnce(&mut World<'_>)) {
    with_place(async |place| {
        let now = SystemClock.now();
        let convio = Convio::new(place.store());
        let mission = world(&convio, now).await;
        body(&mut World { mission, program: Program::on(place).await, place }).await;
    });
}

/// A world that is made and asked on one and the same day.
fn with_world_of_today(body: impl AsyncFnOnce(&mut World<'_>)) {
    let now = SystemClock.now();
    let midnight = (now + TimeDelta::days(1)).date_naive().and_time(NaiveTime::MIN).and_utc();
    if midnight - now < TimeDelta::minutes(1) {
        std::thread::sleep(std::time::Duration::from_secs(61));
    }
    with_world(body);
}

fn query_2() -> String {
    let query = queries()[1].clone();
    let dates = ["date('now') AND date('now', '+7 days')", "current_date AND current_date + 7"];
    assert!(query.contains(dates[0]));
    query.replace(dates[0], dates[1])
}

const PHONE: &str = "+15551234567";
