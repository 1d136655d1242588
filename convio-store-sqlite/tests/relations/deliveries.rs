//! What is delivered, beside the typed values, and what appointments and leads tell of it.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use convio_core::delivery::{AttemptResult, Cause, DeliveryFilter};
use convio_core::{EndpointId, LeadId, PageRequest, Schedule, Zone};
use pollster::block_on;

use super::delivered::{Delivered, deliver};
use super::program::{Cell, row};
use super::world::World;

#[test]
fn a_delivery() {
    let (world, _) = made();
    let acme = &world.acme;
    let endpoints = block_on(acme.endpoints()).unwrap().into_iter();
    let names: BTreeMap<EndpointId, String> = endpoints.map(|it| (it.id, it.name)).collect();
    let typed = block_on(acme.deliveries(&DeliveryFilter::default(), &PageRequest::first(1_000))).unwrap();
    let mut told = Vec::new();
    for it in &typed.items {
        let result = it.attempts.last().map(|attempt| &attempt.result);
        let (response, error) = match result {
            Some(AttemptResult::Answered(kept)) => {
                (Some(&kept.body).filter(|body| !body.is_empty()), Cell::Null)
            }
            Some(AttemptResult::Failed(error)) => (None, name_of(error).into()),
            None => (None, Cell::Null),
        };
        let report = it.reports.last().map(|report| report.what.code());
        let expected = row!(
            id: it.id.uuid(), uuid: it.id.to_string(), workspace_id: acme.id().uuid(), workspace_uuid: acme.id().to_string(),
            endpoint_id: it.endpoint.uuid(), endpoint: &names[&it.endpoint], kind: &it.kind,
            lead_id: it.lead.map(LeadId::uuid), appointment_id: it.cause.appointment().map(|id| id.uuid()),
            event_position: it.cause.position().map(|position| position.0), status: it.status.code(),
            attempt_count: it.attempts_made, response_status: it.response_status().map(u32::from), response: response,
            last_error: error.clone(), last_report: report, next_attempt_at: it.next_attempt_at, created_at: it.created_at,
            ended_at: it.ended_at, version: it.version.0,
        );
        let id = it.id.uuid();
        let found = world.program().row(&format!("SELECT * FROM deliveries WHERE id = X'{}'", id.simple()));
        assert_eq!(found, expected);
        let cause = match it.cause {
            Cause::Event(_) => "event",
            Cause::Lead(_) => "lead",
            Cause::Appointment(_) => "appointment",
        };
        let answer = response.map_or("", |text| text.split('"').next().unwrap_or_default());
        told.push(format!(
            "{cause} to {}: {} after {}, {:?} {answer} {error:?} {report:?}",
            names[&it.endpoint],
            it.status.code(),
            it.attempts_made,
            it.response_status(),
        ));
    }
    told.sort_unstable();
    let wanted = [
        r#"appointment to bright: success after 1, Some(201) { Null Some("booked")"#,
        r#"appointment to bright: success after 1, Some(201) { Null Some("sold")"#,
        r#"appointment to west: rejected after 1, Some(422) no  Null None"#,
        r#"event to crm: success after 1, Some(200)  Null None"#,
        r#"lead to bright: success after 1, Some(201) { Null Some("booked")"#,
        r#"lead to gone: failed after 1, Some(410) closed for good Null None"#,
        r#"lead to west: cancelled after 0, None  Null None"#,
        // Its answer was `busy` before.
        r#"lead to west: pending after 2, None  Text("timeout") None"#,
    ];
    told.dedup_by(|one, other| one == other && one.starts_with("event"));
    assert_eq!(told, wanted);
    let all = world.program().cell("SELECT count(*) FROM deliveries");
    assert_eq!(all, Cell::Integer(typed.items.len().try_into().unwrap()));
}

#[test]
fn appointments_tell_what_became_of_them_at_their_endpoint() {
    let (world, visits) = made();
    let of = |id| {
        let sql = format!(
            "SELECT forward_status, forward_attempts, forward_response FROM appointments WHERE uuid = '{id}'"
        );
        world.program().row(&sql).into_iter().map(|(_, cell)| cell).collect::<Vec<_>>()
    };
    // What an endpoint that had it before said of it is no matter.
    assert_eq!(of(visits.reassigned), ["success".into(), 1.into(), 201.into()]);
    assert_eq!(of(visits.sold), ["success".into(), 1.into(), 201.into()]);
    assert_eq!(of(visits.waiting), ["pending".into(), 0.into(), Cell::Null]);
    // A person has this one, and no one the other.
    assert_eq!(of(world.moved.id), [Cell::Null, Cell::Null, Cell::Null]);
    let nobody = "SELECT forward_status, forward_attempts, forward_response, count(*) FROM appointments WHERE routed_by = 'unrouted'
        GROUP BY 1, 2, 3";
    let found = world.program().ask(nobody).rows;
    assert_eq!(
        found.iter().map(|row| &row[..3]).collect::<Vec<_>>(),
        [["unrouted".into(), Cell::Null, Cell::Null]]
    );
}

#[test]
fn leads_tell_what_became_of_them_where_they_were_forwarded_last() {
    let (world, _) = made();
    let of = |id| {
        let sql = format!(
            "SELECT forward_status, forward_attempts, forward_response FROM leads WHERE uuid = '{id}'"
        );
        world.program().row(&sql).into_iter().map(|(_, cell)| cell).collect::<Vec<_>>()
    };
    let [first, second, third] = leads(&world);
    assert_eq!(of(first), ["success".into(), 1.into(), 201.into()]);
    // Its appointment was taken; that is another delivery.
    assert_eq!(of(second), ["failed".into(), 1.into(), 410.into()]);
    assert_eq!(of(third), ["cancelled".into(), 0.into(), Cell::Null]);
    assert_eq!(of(world.solar.lead), [Cell::Null, Cell::Null, Cell::Null]);
}

fn made() -> (World, Delivered) {
    let world = World::new();
    let at = Schedule::at(world.now + TimeDelta::days(20), &Zone::UTC);
    let wait = |by: TimeDelta| world.clock.set(world.now + by);
    let visits = block_on(deliver(&world.acme, &world.bolt, leads(&world), at, wait));
    (world, visits)
}

fn leads(world: &World) -> [LeadId; 3] {
    [world.hvac.lead, world.old.lead, world.test.lead]
}

/// Its name, as deliveries keep it.
fn name_of(error: &convio_core::delivery::SendError) -> String {
    format!("{error:?}").to_lowercase()
}
