//! By which index each list finds its rows, with and without SQLite's statistics.

mod support {
    #[expect(dead_code, reason = "what it costs is told elsewhere")]
    pub(crate) mod trace;
}

use std::path::Path;

use chrono::{DateTime, Utc};
use convio_core::appointment::AppointmentFilter;
use convio_core::contact::ContactFilter;
use convio_core::conversion::ConversionFilter;
use convio_core::delivery::DeliveryFilter;
use convio_core::lead::LeadFilter;
use convio_core::service::Atomicity;
use convio_core::{
    AppointmentId, ContactId, ContactOf, Convio, EndpointId, LeadId, Need, Needs, NewConversion,
    NewWorkspace, PageRequest, RawLead, Schedule, WorkspaceHandle,
};
use convio_store_sqlite::SqliteStore;
use pollster::block_on;
use rusqlite::Connection;
use support::trace::Trace;

#[test]
fn leads_are_found_by_id_or_by_contact() {
    let trace = Trace::start();
    let world = World::new();
    let of_contact = ["SEARCH lead USING INDEX lead_contact_ix (contact_id=? AND id>?)"];
    let by_id = ["SEARCH lead USING INDEX sqlite_autoindex_lead_1 (workspace_id=? AND id>?)"];
    world.check(&trace, &by_id, |acme, page| {
        let mut filter = LeadFilter::default();
        filter.received_before = Some(at(9));
        block_on(acme.leads(&filter, page)).unwrap();
    });
    world.check(&trace, &of_contact, |acme, page| {
        block_on(acme.leads(&LeadFilter::of_contact(world.contact), page)).unwrap();
    });
}

#[test]
fn contacts_are_found_by_id_by_phone_or_by_the_time_they_were_made() {
    let trace = Trace::start();
    let world = World::new();
    let phone = ["SEARCH contact USING INDEX contact_phone_ix (phone=? AND workspace_id=? AND id>?)"];
    world.check(&trace, &by_id("contact"), |acme, page| {
        block_on(acme.contacts(&ContactFilter::with_several_leads(), page)).unwrap();
    });
    world.check(&trace, &phone, |acme, page| {
        let mut filter = created(Some(at(0)), None);
        filter.phone = Some("+13105550001".to_owned());
        block_on(acme.contacts(&filter, page)).unwrap();
    });
    for filter in [created(Some(at(0)), Some(at(9))), created(None, Some(at(9)))] {
        world.check(&trace, &by_range("contact", "contact_created_ix", "created_at"), |acme, page| {
            block_on(acme.contacts(&filter, page)).unwrap();
        });
    }
}

#[test]
fn appointments_are_found_by_id_by_lead_by_contact_or_by_their_start() {
    let trace = Trace::start();
    let world = World::new();
    let between = AppointmentFilter::between(at(0), at(9));
    let (mut unrouted, mut of_lead, mut of_contact) =
        (AppointmentFilter::default(), between.clone(), between.clone());
    unrouted.unrouted = true;
    of_lead.lead = Some(world.lead);
    of_contact.contact = Some(world.contact);
    for (filter, plan) in [
        (unrouted, by_id("appointment")),
        (of_lead, by("appointment", "lead")),
        (of_contact, by("appointment", "contact")),
        (between, by_range("appointment", "appointment_starts_ix", "starts_at")),
    ] {
        world.check(&trace, &plan, |acme, page| {
            block_on(acme.appointments(&filter, page)).unwrap();
        });
    }
}

#[test]
fn conversions_are_found_by_id_by_lead_or_by_contact() {
    let trace = Trace::start();
    let world = World::new();
    for (filter, plan) in [
        (ConversionFilter::default(), by_id("conversion")),
        (ConversionFilter::of_lead(world.lead), by("conversion", "lead")),
        (ConversionFilter::of_contact(world.contact), by("conversion", "contact")),
    ] {
        world.check(&trace, &plan, |acme, page| {
            block_on(acme.conversions(&filter, page)).unwrap();
        });
    }
}

#[test]
fn deliveries_are_found_by_id_by_endpoint_by_lead_or_by_appointment() {
    let trace = Trace::start();
    let world = World::new();
    let endpoint = EndpointId::from_uuid(world.acme.id().uuid());
    for (filter, plan) in [
        (DeliveryFilter::default(), by_id("delivery")),
        (DeliveryFilter::to_endpoint(endpoint), by("delivery", "endpoint")),
        (DeliveryFilter::of_lead(world.lead), by("delivery", "lead")),
        (DeliveryFilter::of_appointment(world.appointment), by("delivery", "appointment")),
    ] {
        world.check(&trace, &plan, |acme, page| {
            block_on(acme.deliveries(&filter, page)).unwrap();
        });
    }
    // What is due first comes first, by the index alone.
    let next = [
        "SEARCH delivery USING INDEX delivery_next_ix (workspace_id=? AND endpoint_id=? AND next_attempt_at>?)",
    ];
    world.check(&trace, &next, |acme, _| {
        block_on(world.convio.store().next_deliveries(acme.id(), &[endpoint], 9)).unwrap();
    });
}

/// Newest first, by the index alone.
const TOUCHES: &str =
    "SEARCH touchpoint USING INDEX touchpoint_of_ix (workspace_id=? AND contact_id=? AND visitor=? AND at<?)";

#[test]
fn touches_are_looked_for_among_those_of_their_contact() {
    let trace = Trace::start();
    let world = World::new();
    let of_contact = [
        vec!["SEARCH lead USING INDEX lead_contact_ix (contact_id=?)", "USE TEMP B-TREE FOR ORDER BY"],
        vec![
            "SEARCH contact_key USING COVERING INDEX contact_key_contact_ix (workspace_id=? AND contact_id=?)",
        ],
        vec![TOUCHES],
    ];
    for (of, whose) in [
        (
            ContactOf::Lead(world.lead),
            Some("SEARCH lead USING INDEX sqlite_autoindex_lead_1 (workspace_id=? AND id=?)"),
        ),
        (
            ContactOf::Appointment(world.appointment),
            Some("SEARCH appointment USING PRIMARY KEY (workspace_id=? AND id=?)"),
        ),
        (ContactOf::Itself(world.contact), None),
    ] {
        let plans: Vec<Vec<&str>> =
            whose.into_iter().map(|whose| vec![whose]).chain(of_contact.clone()).collect();
        world.check_each(&trace, &plans, |acme, _| {
            let needs = Needs::of(acme.id(), [Need::Touches(of, at(9))]);
            let loaded = block_on(world.convio.store().load(&needs)).unwrap();
            assert_eq!(loaded.last_touch(at(9)).unwrap().lead, world.lead);
        });
    }
}

#[test]
fn who_was_responsible_is_looked_for_among_the_newest_leads_and_appointments_of_the_contact() {
    let trace = Trace::start();
    let world = World::new();
    // The newest first, by the index: nothing is sorted, and the first who is found ends it.
    let owner = [
        "CORRELATED SCALAR SUBQUERY 2",
        "CO-ROUTINE (subquery-1)",
        "SEARCH lead USING INDEX lead_contact_ix (contact_id=?)",
        "SCAN (subquery-1)",
    ];
    let by_lead = "SEARCH o USING INDEX sqlite_autoindex_lead_1 (workspace_id=? AND id=?)";
    let by_appointment =
        ["SCALAR SUBQUERY 3", "SEARCH appointment USING PRIMARY KEY (workspace_id=? AND id=?)"];
    let keeper = vec![
        "CO-ROUTINE a",
        "SEARCH appointment USING INDEX appointment_contact_ix (workspace_id=? AND contact_id=?)",
        "SCAN a",
        "SEARCH l EXISTS USING INDEX sqlite_autoindex_lead_1 (workspace_id=? AND id=?)",
    ];
    for of in [ContactOf::Lead(world.lead), ContactOf::Appointment(world.appointment)] {
        let whose = match of {
            ContactOf::Lead(_) => &[][..],
            _ => &by_appointment,
        };
        let owner = [&[by_lead], whose, &owner].concat();
        world.check_each(&trace, &[owner, keeper.clone()], |acme, _| {
            let needs = Needs::of(acme.id(), [Need::Owner(of)]);
            assert_eq!(block_on(world.convio.store().load(&needs)).unwrap().owner(of), None);
        });
    }
}

/// People name no workspace.
#[test]
fn queries_by_hand_find_a_phone_number_and_the_leads_of_its_contact() {
    let _alone = Trace::start(); // what its connections read is none of the other tests' statements
    let world = World::new();
    for conn in &world.connections {
        let sql =
            "SELECT l.* FROM lead l JOIN contact c ON l.contact_id = c.id WHERE c.phone = '+13105550001'
                   AND l.deleted_at IS NULL";
        let plan = [
            "SEARCH c USING COVERING INDEX contact_phone_ix (phone=?)",
            "SEARCH l USING INDEX lead_contact_ix (contact_id=?)",
        ];
        assert_eq!(plan_of(conn, sql), plan);
        let sql = "SELECT c.id, count(l.id) FROM contact c JOIN lead l ON c.id = l.contact_id
                   WHERE l.deleted_at IS NULL GROUP BY c.workspace_id, c.id HAVING count(l.id) > 1";
        let plan = plan_of(conn, sql);
        assert!(
            plan.contains(&"SEARCH l USING COVERING INDEX lead_contact_ix (contact_id=?)".to_owned()),
            "{plan:?}"
        );
    }
}

/// A workspace with many leads of few contacts each, one appointment and one conversion.
struct World {
    _home: tempfile::TempDir,
    /// One that knows nothing of the rows, and one that knows how many there are.
    connections: [Connection; 2],
    convio: Convio<'static>,
    acme: WorkspaceHandle<'static>,
    contact: ContactId,
    lead: LeadId,
    appointment: AppointmentId,
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let convio = Convio::new(SqliteStore::open(file(home.path())).unwrap());
        block_on(async {
            let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await.unwrap();
            let raws = (0..300).map(|n| RawLead::json(format!(r#"{{"phone":"+1310555{:04}"}}"#, n % 100)));
            let answer = acme.ingest_batch(raws.collect(), Atomicity::AllOrNothing).await.unwrap();
            let last = answer.rows.last().unwrap().as_ref().unwrap().accepted().unwrap();
            let (contact, lead) = (last.contact, last.lead);
            let visit = acme.book(lead, Schedule::at(at(5), &convio_core::Zone::UTC)).await.unwrap();
            acme.convert(NewConversion::sale(lead, "5000 USD".parse().unwrap())).await.unwrap();
            let plain = Connection::open(file(home.path())).unwrap();
            let copy = home.path().join("copy.db");
            plain.execute("VACUUM INTO ?1", [copy.to_str()]).unwrap();
            let informed = Connection::open(copy).unwrap();
            informed.execute_batch("ANALYZE").unwrap();
            let connections = [plain, informed];
            Self { _home: home, connections, convio, acme, contact, lead, appointment: visit.id }
        })
    }

    /// Reads, and looks how SQLite finds what is read.
    fn check(
        &self,
        trace: &Trace,
        plan: &[impl AsRef<str>],
        read: impl Fn(&WorkspaceHandle<'_>, &PageRequest),
    ) {
        self.check_each(trace, &[plan.iter().map(AsRef::as_ref).collect()], read);
    }

    /// The same, of several statements.
    fn check_each(
        &self,
        trace: &Trace,
        plans: &[Vec<&str>],
        read: impl Fn(&WorkspaceHandle<'_>, &PageRequest),
    ) {
        block_on(self.acme.webhook("direct")).unwrap(); // so that the configuration is at hand
        trace.take();
        read(&self.acme, &PageRequest::first(10));
        let kept = |sql: &String| sql.starts_with("SELECT") && !sql.contains("FROM head");
        let read: Vec<String> =
            trace.take().into_iter().map(|statement| statement.sql).filter(kept).collect();
        assert_eq!(read.len(), plans.len(), "{read:?}");
        for (sql, plan) in read.iter().zip(plans) {
            for conn in &self.connections {
                assert_eq!(plan_of(conn, sql), *plan, "{sql}");
            }
        }
    }
}

fn plan_of(conn: &Connection, sql: &str) -> Vec<String> {
    let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = statement.raw_query();
    let mut plan: Vec<String> = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        plan.push(row.get("detail").unwrap());
    }
    // A filter before an index changes nothing of what is read.
    plan.retain(|step| step != "CREATE BLOOM FILTER");
    plan
}

fn by_id(table: &str) -> Vec<String> {
    vec![format!("SEARCH {table} USING PRIMARY KEY (workspace_id=? AND id>?)")]
}

fn by(table: &str, owner: &str) -> Vec<String> {
    vec![format!("SEARCH {table} USING INDEX {table}_{owner}_ix (workspace_id=? AND {owner}_id=? AND id>?)")]
}

fn by_range(table: &str, index: &str, column: &str) -> Vec<String> {
    vec![
        format!("SEARCH {table} USING PRIMARY KEY (workspace_id=? AND id=?)"),
        "LIST SUBQUERY 1".to_owned(),
        format!("SEARCH {table} USING COVERING INDEX {index} (workspace_id=? AND {column}>? AND {column}<?)"),
    ]
}

fn created(from: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) -> ContactFilter {
    let mut filter = ContactFilter::default();
    (filter.created_from, filter.created_until) = (from, until);
    filter
}

/// A time long after every lead.
fn at(days: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(4_000_000_000 + days * 86_400, 0).unwrap()
}

fn file(home: &Path) -> std::path::PathBuf {
    home.join("leads.db")
}
