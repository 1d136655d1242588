//! The relations that people query by hand (docs/relations.md), asked through the `sqlite3` program: the six queries of the
//! mission document beside their typed calls, a row of every relation beside the typed values, sums beside the reports.

mod relations {
    mod delivered;
    mod deliveries;
    #[allow(dead_code, reason = "the mission's own tests use the rest")]
    pub(crate) mod mission;
    mod money;
    mod plans;
    pub(crate) mod program;
    mod rows;
    mod sums;
    pub(crate) mod world;
}

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use convio_core::appointment::AppointmentFilter;
use convio_core::contact::ContactFilter;
use convio_core::{Appointment, Contact, Lead, LeadId, PageRequest, Phone, WorkspaceHandle};
use pollster::block_on;
use relations::mission;
use relations::program::{Answer, Cell, row};
use relations::world::World;

#[test]
fn query_1_finds_the_contacts_made_today() {
    let world = world_of_today();
    let answer = world.program().ask(&query(1));
    // The query's day is that of UTC, which is Acme's; Bolt's days are those of Tokyo.
    let acme = block_on(world.acme.contacts_created_on(world.now.date_naive(), &all())).unwrap().items;
    let until = world.midnight() + TimeDelta::days(1);
    let today = ContactFilter::created_between(world.midnight(), until);
    let bolt = block_on(world.bolt.contacts(&today, &all())).unwrap().items;
    assert_eq!((acme.len(), bolt.len()), (2, 1));
    assert_eq!(
        ids(&answer),
        sorted([acme, bolt].concat().iter().map(|contact: &Contact| contact.id.to_string()))
    );
}

#[test]
fn query_2_finds_the_appointments_of_seven_days() {
    let world = world_of_today();
    let answer = world.program().ask(&query(2));
    // As texts, today's midnight comes after today's date, and so does that of the last day: it is left out.
    let week = AppointmentFilter::between(world.midnight(), world.midnight() + TimeDelta::days(7));
    let typed = both(&world, |of| block_on(of.appointments(&week, &all())).unwrap().items);
    assert_eq!(ids(&answer), sorted(typed.iter().map(|found: &Appointment| found.id.to_string())));
    let last = world.midnight().date_naive() + TimeDelta::days(6);
    let acme = block_on(world.acme.appointments_on(world.now.date_naive(), last, &all())).unwrap().items;
    assert_eq!((acme.len(), typed.len()), (5, 6));
    assert!(acme.iter().all(|appointment| typed.contains(appointment)));
}

#[test]
fn query_3_finds_the_leads_of_a_phone() {
    let world = World::new();
    let answer = world.program().ask(&query(3));
    let phone = Phone::parse("+15551234567", None).unwrap().phone;
    let typed = both(&world, |of| block_on(of.leads_of_phone(&phone)).unwrap());
    assert_eq!(ids(&answer), sorted(typed.iter().map(|lead: &Lead| lead.id.to_string())));
    let found: Vec<LeadId> = typed.iter().map(|lead| lead.id).collect();
    assert!([world.solar.lead, world.hvac.lead, world.same.lead].iter().all(|lead| found.contains(lead)));
    assert_eq!(found.len(), 4);
    // Both have the number 123456, or whichever it is: the join goes by id and keeps the clients apart.
    assert_eq!(world.solar.number, world.same.number);
    let [uuid, webhook] =
        ["uuid", "webhook"].map(|name| answer.columns.iter().position(|n| n == name).unwrap());
    let hvac = Cell::from(world.hvac.lead.to_string());
    let hvac = answer.rows.iter().find(|row| row[uuid] == hvac).unwrap();
    assert_eq!(hvac[webhook], "facebook-hvac".into());
}

#[test]
fn query_4_counts_leads_and_sold_ones_by_source() {
    let world = World::new();
    let answer = world.program().ask(&query(4));
    assert_eq!(answer.columns, ["source", "leads", "converted"]);
    let mut found = BTreeMap::new();
    for row in answer.rows {
        let [Cell::Text(source), Cell::Integer(leads), Cell::Integer(converted)] = &row[..] else {
            panic!("{row:?}")
        };
        found.insert(source.to_lowercase(), (*leads, *converted));
    }
    let mut typed: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for rate in both(&world, |of| block_on(of.conversion_rates(NaiveDate::MIN, NaiveDate::MAX)).unwrap()) {
        let sums = typed.entry(rate.source).or_default();
        *sums = (sums.0 + rate.leads, sums.1 + rate.converted);
    }
    // `Google` and `GOOGLE` are one source. What came in stays in analytics when it is deleted, and tests never count there;
    // the relation has the leads that are there now, tests included.
    assert_eq!(typed["google"], (2, 1));
    assert_eq!(typed.get("test page"), None);
    typed.insert("test page".into(), (1, 0));
    assert_eq!(typed["facebook"], (2, 1));
    typed.insert("facebook".into(), (1, 1));
    assert_eq!(found, typed);
}

#[test]
fn query_5_tells_each_workspace_s_totals() {
    let world = World::new();
    let answer = world.program().ask(&query(5));
    assert_eq!(answer.columns, ["name", "total_conversions", "total_revenue"]);
    let of = |of: &WorkspaceHandle<'_>| {
        let (workspace, totals) =
            (block_on(of.workspace()).unwrap().unwrap(), block_on(of.totals()).unwrap());
        vec![workspace.settings.name.into(), totals.conversions.into(), totals.revenue.decimal().into()]
    };
    assert_eq!(answer.rows, [of(&world.acme), of(&world.bolt)]);
    let said = [["Acme Solar", "5000.00"], ["Bolt & Co's", "90"]];
    assert_eq!(answer.rows, said.map(|[name, sum]| vec![name.into(), 2.into(), sum.into()]));
}

#[test]
fn query_6_finds_the_contacts_with_several_leads() {
    let world = World::new();
    let answer = world.program().ask(&query(6));
    assert_eq!(answer.columns, ["phone", "first_name", "last_name", "lead_count"]);
    let several = ContactFilter::with_several_leads();
    let typed = both(&world, |of| block_on(of.contacts(&several, &all())).unwrap().items);
    let row = |contact: &Contact| {
        let person = &contact.person;
        let phone = person.phone.as_ref().map(|parsed| parsed.phone.e164());
        let names = [person.first_name.as_ref(), person.last_name.as_ref()].map(Cell::from);
        [vec![Cell::from(phone)], names.to_vec(), vec![Cell::from(contact.leads)]].concat()
    };
    let mut typed: Vec<_> = typed.iter().map(row).collect();
    let mut found = answer.rows;
    typed.sort_by_key(|row| format!("{row:?}"));
    found.sort_by_key(|row| format!("{row:?}"));
    assert_eq!(found, typed);
    let said = [["John", "O'Neil"], ["Taro", "Ito"]];
    let said = said.map(|[first, last]| vec!["+15551234567".into(), first.into(), last.into(), 2.into()]);
    assert_eq!(found, said);
}

#[test]
fn the_program_answers_as_it_is_read_here() {
    let world = World::new();
    let sql =
        "SELECT NULL AS none, -1 AS one, 0.5 AS half, 'it''s, ''' AS text, X'00FF' AS bytes, '' AS empty";
    let read = row!(
        none: Cell::Null, one: -1, half: 0.5, text: "it's, '", bytes: Cell::Blob(vec![0, 255]), empty: ""
    );
    assert_eq!(world.program().row(sql), read);
    assert_eq!(world.program().ask("SELECT 1 WHERE 0"), Answer::default());
}

/// A world that the queries of today find as it was made: at midnight another one is made.
fn world_of_today() -> World {
    let world = World::new();
    if world.is_of_today() && world.now + TimeDelta::minutes(2) < world.midnight() + TimeDelta::days(1) {
        return world;
    }
    drop(world);
    std::thread::sleep(std::time::Duration::from_secs(125));
    World::new()
}

fn query(n: usize) -> String {
    let queries = mission::queries();
    assert_eq!(queries.len(), 6);
    queries[n - 1].clone()
}

/// What both clients are told, Acme first.
fn both<T>(world: &World, ask: impl Fn(&WorkspaceHandle<'_>) -> Vec<T>) -> Vec<T> {
    let mut answers = ask(&world.acme);
    answers.extend(ask(&world.bolt));
    answers
}

#[track_caller]
fn ids(answer: &Answer) -> Vec<String> {
    let at = answer.columns.iter().position(|name| name == "uuid").unwrap();
    sorted(answer.rows.iter().map(|row| match &row[at] {
        Cell::Text(uuid) => uuid.clone(),
        other => panic!("{other:?} is no text"),
    }))
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort_unstable();
    texts
}

fn all() -> PageRequest {
    PageRequest::first(1_000)
}
