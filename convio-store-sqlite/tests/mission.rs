//! The world of the mission document in a file, asked through the `sqlite3` program: its six queries as they are written, its
//! key fields, the tables of its diagram. Two clients are in the file, who know the same person by the same phone and the same
//! number, and no query names a client: each finds the rows of both, and never takes the one for the other.

mod relations {
    #![allow(dead_code, unused_imports, unused_macros, reason = "they serve the tests of the relations too")]

    pub(crate) mod mission;
    pub(crate) mod program;
}

use std::path::PathBuf;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use convio_conformance::created;
use convio_conformance::mission::{Mission, WEBHOOKS, world};
use convio_core::service::{RandomIds, SystemClock};
use convio_core::{Clock, Convio, FixedClock, NumberSeries, PageRequest, RawLead, Zone};
use convio_store_sqlite::SqliteStore;
use pollster::block_on;
use relations::mission::{MISSION, key_fields, queries};
use relations::program::{Answer, Cell, Program};
use tempfile::TempDir;

#[test]
fn query_1_contacts_created_today() {
    let world = World::of_today();
    let columns =
        ["workspace_uuid", "uuid", "number", "phone", "first_name", "last_name", "email", "lead_count"];
    let mission = &world.mission;
    let [acme, other] = [mission.acme.id(), mission.other.id()].map(|id| id.to_string());
    let jane = NumberSeries::of(mission.acme.id()).nth(1).as_u64();
    let mut expected = vec![
        cells!(&acme, mission.john.to_string(), 123_456, PHONE, "John", "Doe", "john@email.com", 3),
        cells!(&acme, mission.jane.to_string(), jane, "+12122000001", "Jane", "Roe", Cell::Null, 1),
        cells!(&other, mission.johnny.to_string(), 123_456, PHONE, "Johnny", "Doe", "johnny@home.example", 2),
    ];
    expected.sort_by_key(|row| format!("{row:?}"));
    // Someone who came the day before yesterday is not among them.
    let before = world.convio_at(mission.now - TimeDelta::days(2)).workspace(mission.acme.id());
    let old = block_on(before.ingest(RawLead::json(r#"{"name": "Old Hand", "phone": "+12122000002"}"#)));
    let old = created(old).contact;
    let found = sorted(pick(&world.ask(1), &columns));
    let all = world.program().ask("SELECT uuid FROM contacts");
    assert!(all.rows.contains(&cells!(old.to_string())));
    assert_eq!(all.rows.len(), 4);

    let day = Zone::UTC.day_of(mission.now);
    let typed = block_on(mission.acme.contacts_created_on(day, &PageRequest::default())).unwrap().items;
    let typed: Vec<_> = typed.into_iter().map(|contact| contact.id).collect();
    assert_eq!(typed, [mission.john, mission.jane]);
    assert_eq!(found, expected);
}

/// As text, what starts on the last of the seven days comes after that day's date: the query leaves it out, where the typed
/// call takes the day whole.
#[test]
fn query_2_appointments_of_the_next_week() {
    let world = World::of_today();
    let columns =
        ["uuid", "workspace_uuid", "contact_id", "type", "scheduled_at", "duration_minutes", "status"];
    let mission = &world.mission;
    let columns = [&columns[..], &["location", "assigned_to", "routed_to", "routed_by", "outcome"]].concat();
    let found = pick(&world.ask(2), &columns);
    let mut expected = cells!(
        mission.estimate.to_string(),
        mission.acme.id().to_string(),
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
    let typed = block_on(mission.acme.appointments_on(*days.start(), *days.end(), &page)).unwrap().items;
    assert_eq!(typed.iter().map(|row| row.id).collect::<Vec<_>>(), [mission.estimate]);
    let zone = Zone::parse("America/Los_Angeles").unwrap();
    let days = zone.day_of(mission.now)..=zone.day_of(last);
    let typed = block_on(mission.other.appointments_on(*days.start(), *days.end(), &page)).unwrap().items;
    let visit = typed.iter().map(|row| (row.appointment_type.as_str(), row.schedule.starts_at));
    assert_eq!(visit.collect::<Vec<_>>(), [("Gutter Visit", last)]);
    assert_eq!(world.program().ask("SELECT uuid FROM appointments").rows.len(), 3);
    assert_eq!(found, [expected]);
}

/// The phone is that of a contact of each client: the leads of both are found, each by the contact of its own client.
#[test]
fn query_3_leads_of_a_contact() {
    let world = World::new();
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
        let campaign = format!("{kind} Campaign");
        cells!(at, mission.acme.id().uuid(), mission.john.uuid(), webhook, source, kind, campaign, status)
    };
    let other = |at: DateTime<Utc>, source: &str, status: &str| {
        let client = mission.other.id().uuid();
        cells!(at, client, mission.johnny.uuid(), "direct", source, "Roofing", Cell::Null, status)
    };
    let expected = vec![
        acme(days(10), of(0), "won"),
        acme(days(6), of(1), "scheduled"),
        other(days(5), "Google Ads", "won"),
        other(days(3), "Referral", "scheduled"),
        acme(days(2), of(2), "new"),
    ];
    assert_eq!(sorted(pick(&world.ask(3), &columns)), expected);
    // Both contacts have the number 123456: only the ids tell them apart.
    let numbers = world.program().ask("SELECT DISTINCT number FROM contacts WHERE phone = '+15551234567'");
    assert_eq!(numbers.rows, [cells!(123_456)]);
}

/// The sources of both clients are counted together.
#[test]
fn query_4_conversion_rates_by_source() {
    let world = World::new();
    let answer = world.ask(4);
    assert_eq!(answer.columns, ["source", "leads", "converted"]);
    let expected = [
        cells!("Facebook", 1, 0),
        cells!("Google Ads", 3, 2),
        cells!("LeadCo Portal", 1, 0),
        cells!("Referral", 1, 0),
    ];
    assert_eq!(sorted(answer.rows), expected);
}

#[test]
fn query_5_workspace_statistics() {
    let world = World::new();
    let answer = world.ask(5);
    assert_eq!(answer.columns, ["name", "total_conversions", "total_revenue"]);
    let expected = [cells!("Acme Home", 1, "5000.00"), cells!("Zenith Roofs", 1, "1200.00")];
    assert_eq!(sorted(answer.rows), expected);
}

/// John Doe is one row per client; Jane Roe has a single lead.
#[test]
fn query_6_contacts_with_several_leads() {
    let world = World::new();
    let answer = world.ask(6);
    assert_eq!(answer.columns, ["phone", "first_name", "last_name", "lead_count"]);
    let expected = [cells!(PHONE, "John", "Doe", 3), cells!(PHONE, "Johnny", "Doe", 2)];
    assert_eq!(sorted(answer.rows), expected);
}

#[test]
fn every_key_field_can_be_selected() {
    let world = World::new();
    let mission = &world.mission;
    let webhook = block_on(mission.acme.webhook("google-solar")).unwrap().unwrap();
    let keys = block_on(mission.acme.api_keys()).unwrap();
    let sold_at = mission.now - TimeDelta::hours(22);
    let rows = [
        ("contacts", mission.john.uuid(), cells!(PHONE, "John", "Doe", "john@email.com")),
        (
            "leads",
            mission.leads.solar.uuid(),
            cells!("Google Ads", "Solar", "Solar Campaign", webhook.id.uuid()),
        ),
        ("appointments", mission.estimate.uuid(), cells!(mission.now + TimeDelta::days(3), "booked", "bob")),
        ("conversions", mission.sale.uuid(), cells!("5000.00", sold_at, "Solar Sale")),
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
        let sql = format!("SELECT {} FROM {table} WHERE uuid = '{id}'", fields.join(", "));
        let answer = world.program().ask(&sql);
        assert_eq!((answer.columns, answer.rows), (fields, vec![expected]), "{table}");
    }
}

/// Each node of the diagram is a relation, and holds what happened to John Doe.
#[test]
fn every_table_of_the_diagram_can_be_asked() {
    let world = World::new();
    let mission = &world.mission;
    let of_acme = |select: &str| {
        let sql = format!(
            "{select} {} '{}'",
            if select.contains("WHERE") { "AND workspace_uuid =" } else { "WHERE workspace_uuid =" },
            mission.acme.id()
        );
        sorted(world.program().ask(&sql).rows)
    };
    for (table, rows) in
        [("contacts", 2), ("leads", 4), ("appointments", 2), ("conversions", 1), ("workspaces", 1)]
    {
        assert_eq!(of_acme(&format!("SELECT COUNT(*) FROM {table}")), [cells!(rows)], "{table}");
    }
    let solar = format!("WHERE lead_uuid = '{}'", mission.leads.solar);
    let events = of_acme(&format!("SELECT number, kind, status FROM lead_events {solar}"));
    let steps = [
        ("lead.received", Cell::from("new")),
        ("appointment.booked", "scheduled".into()),
        ("conversion.recorded", "won".into()),
    ];
    assert_eq!(
        events,
        (1..).zip(steps).map(|(n, (kind, status))| cells!(n, kind, status)).collect::<Vec<_>>()
    );
    let visit = format!("WHERE appointment_uuid = '{}'", mission.consultation);
    let events = of_acme(&format!("SELECT number, kind FROM appointment_events {visit}"));
    assert_eq!(events, [cells!(1, "appointment.booked"), cells!(2, "appointment.completed")]);
    let events = of_acme("SELECT number, kind, conversion_uuid FROM conversion_events");
    assert_eq!(events, [cells!(1, "conversion.recorded", mission.sale.to_string())]);

    let day = |days: i64| Zone::UTC.day_of(mission.now - TimeDelta::days(days));
    let sold_on = Zone::UTC.day_of(mission.now - TimeDelta::hours(22));
    let rows =
        of_acme("SELECT day, webhook, leads, revenue FROM lead_analytics WHERE leads + conversions > 0");
    let mut expected = vec![
        cells!(day(10), "google-solar", 1, "0.00"),
        cells!(day(6), "facebook-hvac", 1, "0.00"),
        cells!(day(2), "insurance-portal", 1, "0.00"),
    ];
    match sold_on == day(1) {
        true => expected.push(cells!(sold_on, "google-solar", 1, "5000.00")),
        false => expected.extend([
            cells!(day(1), "google-solar", 1, "0.00"),
            cells!(sold_on, "google-solar", 0, "5000.00"),
        ]),
    }
    assert_eq!(rows, expected);
    let rows =
        of_acme("SELECT day, source, type, conversions, revenue, average_value FROM conversion_analytics");
    assert_eq!(rows, [cells!(sold_on, "google ads", "solar sale", 1, "5000.00", "5000.00")]);
    let rows =
        of_acme("SELECT name, is_active, allowed_webhooks, leads_per_hour_max FROM lead_source_providers");
    assert_eq!(rows, [cells!("LeadCo", 1, r#"["insurance-portal"]"#, 100)]);
    let rows = of_acme("SELECT day, provider, webhook, leads_taken, leads_rejected FROM provider_usage_log");
    assert_eq!(rows, [cells!(day(2), "LeadCo", "insurance-portal", 1, 0)]);
    let rows =
        of_acme("SELECT number, name, product_types, zip_codes, routes_to FROM appointment_routing_rules");
    let expected = [
        cells!(1, "solar", r#"["solar"]"#, r#"["90012","90210"]"#, "solar-west"),
        cells!(2, "hvac", r#"["hvac"]"#, r#"["90012"]"#, "hvac-crew"),
    ];
    assert_eq!(rows, expected);
}

/// What the queries are taken from is the document, and what is asked is part of it to the byte.
#[test]
fn the_queries_are_those_of_the_document() {
    let queries = queries();
    assert_eq!(queries.len(), 6);
    for query in &queries {
        assert!(MISSION.contains(query.as_str()) && query.ends_with(';'), "{query}");
    }
}

/// The world in a file of its own.
struct World {
    mission: Mission<'static>,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let convio = Convio::new(SqliteStore::open(folder.path().join(FILE)).unwrap());
        let mission = block_on(world(&convio, SystemClock.now()));
        Self { mission, folder }
    }

    /// A world that is made and asked on one and the same day.
    fn of_today() -> Self {
        let now = SystemClock.now();
        let midnight = (now + TimeDelta::days(1)).date_naive().and_time(NaiveTime::MIN).and_utc();
        if midnight - now < TimeDelta::minutes(1) {
            std::thread::sleep(std::time::Duration::from_secs(61));
        }
        Self::new()
    }

    /// The answer to the `n`-th query of the document.
    fn ask(&self, n: usize) -> Answer {
        self.program().ask(&queries()[n - 1])
    }

    fn program(&self) -> Program {
        Program::on(&self.file())
    }

    /// Another process on the file, whose clock stands at this time.
    fn convio_at(&self, at: DateTime<Utc>) -> Convio<'static> {
        Convio::with(SqliteStore::open(self.file()).unwrap(), FixedClock(at), RandomIds::default())
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }
}

/// These columns of the answer.
#[track_caller]
fn pick(answer: &Answer, columns: &[&str]) -> Vec<Vec<Cell>> {
    let at = |name: &&str| answer.columns.iter().position(|column| column == name).expect(name);
    let at: Vec<usize> = columns.iter().map(at).collect();
    answer.rows.iter().map(|row| at.iter().map(|at| row[*at].clone()).collect()).collect()
}

/// The rows in an order of their own: the queries ask for none.
fn sorted(mut rows: Vec<Vec<Cell>>) -> Vec<Vec<Cell>> {
    rows.sort_by_key(|row| format!("{row:?}"));
    rows
}

/// A row as SQLite has it.
macro_rules! cells {
    ($($cell:expr),+ $(,)?) => {
        vec![$(Cell::from($cell)),+]
    };
}
use cells;

const FILE: &str = "leads.db";
const PHONE: &str = "+15551234567";
