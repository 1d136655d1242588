//! A row of every relation, in its full width, beside the typed values.

use chrono::{DateTime, TimeDelta, Utc};
use convio_core::contact::ContactRef;
use convio_core::{Event, PageRequest, StreamRef};
use pollster::block_on;
use rusqlite::Connection;
use uuid::Uuid;

use super::program::{Cell, row};
use super::world::World;

#[test]
fn a_contact() {
    let world = World::new();
    let john = block_on(world.acme.contact(ContactRef::Id(world.solar.contact))).unwrap().unwrap();
    let expected = row!(
        id: john.id.uuid(), uuid: john.id.to_string(), number: world.solar.number.as_u64(),
        workspace_id: world.acme.id().uuid(), workspace_uuid: world.acme.id().to_string(),
        first_name: "John", last_name: "O'Neil", phone: "+15551234567", phone_extension: Cell::Null,
        phone_validity: "possible", email: "John@example.com",
        address: "1 Main St, Apt 2, Los Angeles, CA 90210, USA", street: "1 Main St", street2: "Apt 2",
        city: "Los Angeles", state: "CA", postal_code: "90210", country: "USA", lead_count: 2, conversion_count: 2,
        lifetime_value: "5000.00", lifetime_value_minor: 500_000, currency: "USD",
        other_lifetime_value: r#"{"JPY":"90000"}"#, customer_since: sold_at(&world), first_source: "Google",
        first_lead_id: world.solar.lead.uuid(), first_lead_at: solar_at(&world), created_at: solar_at(&world),
        version: john.version.0,
    );
    // His second lead told the phone anew, without the extension.
    assert_eq!(john.person.phone.unwrap().extension, None);
    assert_eq!(shown(&world, "contacts", john.id.uuid()), expected);
    let sql = "SELECT phone, phone_extension, email, address, customer_since FROM contacts WHERE last_name = 'Test'";
    let expected = row!(
        phone: "+13105550124", phone_extension: "7", email: Cell::Null, address: Cell::Null,
        customer_since: Cell::Null,
    );
    assert_eq!(world.program().row(sql), expected);
}

#[test]
fn a_lead() {
    let world = World::new();
    let lead = block_on(world.acme.lead(world.solar.lead)).unwrap().unwrap();
    let flags = r#"[{"field":"phone","code":"possible","message":"the number's range is not assigned"}]"#;
    let expected = row!(
        id: lead.id.uuid(), uuid: lead.id.to_string(),
        workspace_id: world.acme.id().uuid(), workspace_uuid: world.acme.id().to_string(),
        contact_id: world.solar.contact.uuid(), webhook_id: world.google.id.uuid(), webhook: "google-solar",
        provider_id: world.leadco.id.uuid(), provider: "LeadCo", source: "Google", lead_type: "Solar",
        campaign_id: "spring", product: "Solar", utm_source: "google", utm_medium: "cpc", utm_campaign: "spring-sale",
        utm_term: "panels", utm_content: "ad-1", custom_fields: r#"{"bill":180,"roof":"tile"}"#,
        postal_code: "90210", external_id: "g-1", status: "won", stage: "won", status_reason: Cell::Null,
        conversion_id: world.sale.conversion.as_ref().map(|sale| sale.id.uuid()), owner: Cell::Null,
        priority: "normal", follow_up_at: Cell::Null, attempt_count: 0, first_attempt_at: Cell::Null,
        last_attempt_at: Cell::Null, open_appointments: 0, was_contacted: 0, was_scheduled: 1, was_met: 1,
        was_lost: 0, duplicate_of: Cell::Null, made_contact: 1, is_test: 0, flags: flags,
        received_at: solar_at(&world), created_at: solar_at(&world), version: lead.version.0,
        forward_status: Cell::Null, forward_attempts: Cell::Null, forward_response: Cell::Null,
    );
    assert_eq!(shown(&world, "leads", lead.id.uuid()), expected);

    let sql = format!(
        "SELECT conversion_id, owner, attempt_count, last_attempt_at, was_contacted, open_appointments FROM leads
         WHERE uuid = '{}'",
        world.hvac.lead
    );
    let hvac = row!(
        conversion_id: world.yen.id.uuid(), owner: "sam", attempt_count: 1, last_attempt_at: world.now,
        was_contacted: 1, open_appointments: 6,
    );
    assert_eq!(world.program().row(&sql), hvac);
}

#[test]
fn deleted_leads_are_left_out_and_tests_are_not() {
    let world = World::new();
    let count = |sql: &str| world.program().cell(&format!("SELECT count(*) FROM {sql}"));
    let deleted = world.deleted;
    assert_eq!(count(&format!("leads WHERE uuid = '{deleted}'")), 0.into());
    assert_eq!(count("lead WHERE deleted_at IS NOT NULL"), 1.into());
    let events = format!("SELECT kind FROM lead_events WHERE lead_uuid = '{deleted}'");
    assert_eq!(world.program().texts(&events), ["lead.deleted", "lead.received"]);
    let tests = world.program().texts("SELECT uuid FROM leads WHERE is_test");
    assert_eq!(tests, [world.test.lead.to_string()]);
}

#[test]
fn an_appointment() {
    let world = World::new();
    let visit = &world.sale.appointment;
    let local = (world.now - TimeDelta::days(1)).format("%Y-%m-%dT10:00:00").to_string();
    let starts_at = visit.schedule.starts_at;
    let expected = row!(
        id: visit.id.uuid(), uuid: visit.id.to_string(),
        workspace_id: world.acme.id().uuid(), workspace_uuid: world.acme.id().to_string(),
        contact_id: world.solar.contact.uuid(), lead_id: world.solar.lead.uuid(), type: "Solar Consultation",
        scheduled_at: starts_at, ends_at: starts_at + TimeDelta::minutes(45), duration_minutes: 45,
        time_zone: "America/Los_Angeles", local_time: local, clock_change: Cell::Null, status: "completed",
        location: "1 Main St, O'Fallon", assigned_to: "sam", routed_to: "solar-west", routed_to_kind: "team",
        routed_by: "rule", routing_rule: "west", routing_rules_version: 1, outcome: "sold", next_step: "install",
        next_step_at: world.now + TimeDelta::days(9), ended_at: sold_at(&world), ended_by: Cell::Null,
        ended_reason: Cell::Null, ended_late: 0,
        conversion_id: world.sale.conversion.as_ref().map(|sale| sale.id.uuid()), rescheduled_from_id: Cell::Null,
        rescheduled_to_id: Cell::Null, external_id: "cal-1", booked_at: solar_at(&world),
        created_at: solar_at(&world), version: 2,
        forward_status: Cell::Null, forward_attempts: Cell::Null, forward_response: Cell::Null,
    );
    assert_eq!(shown(&world, "appointments", visit.id.uuid()), expected);

    let moved = &world.moved;
    let sql = format!(
        "SELECT status, routed_to, routed_to_kind, routed_by, ended_by, ended_reason, rescheduled_to_id
         FROM appointments WHERE uuid = '{}'",
        moved.id
    );
    let expected = row!(
        status: "rescheduled", routed_to: "maria", routed_to_kind: "person", routed_by: "direct",
        ended_by: "customer", ended_reason: "ill", rescheduled_to_id: moved.rescheduled_to.map(|to| to.uuid()),
    );
    assert_eq!(world.program().row(&sql), expected);
    let sql =
        format!("SELECT uuid FROM appointments WHERE rescheduled_from_id = X'{}'", moved.id.uuid().simple());
    assert_eq!(world.program().texts(&sql), [moved.rescheduled_to.unwrap().to_string()]);
}

#[test]
fn a_conversion() {
    let world = World::new();
    let sale = world.sale.conversion.as_ref().unwrap();
    let lead = world.solar.lead.uuid();
    let expected = row!(
        id: sale.id.uuid(), uuid: sale.id.to_string(),
        workspace_id: world.acme.id().uuid(), workspace_uuid: world.acme.id().to_string(),
        contact_id: world.solar.contact.uuid(), lead_id: lead, appointment_id: world.sale.appointment.id.uuid(),
        type: "sale", conversion_value: "5000.00", conversion_value_minor: 500_000, currency: "USD",
        converted_at: sold_at(&world), day: sold_at(&world).date_naive(),
        seconds_to_convert: (sold_at(&world) - solar_at(&world)).num_seconds(),
        first_touch_source: "Google", first_touch_lead_id: lead, first_touch_at: solar_at(&world),
        last_touch_source: "Google", last_touch_lead_id: lead, last_touch_at: solar_at(&world),
        sold_by: "sam", external_id: "inv-1", metadata: r#"{"panels":12}"#, created_at: world.now, version: 1,
    );
    assert_eq!(shown(&world, "conversions", sale.id.uuid()), expected);
    let sql = "SELECT currency || ' ' || conversion_value FROM conversions";
    assert_eq!(world.program().texts(sql), ["JPY 90", "JPY 90000", "KWD 1.250", "USD 5000.00"]);
}

#[test]
fn a_voided_conversion_is_told_by_its_events_alone() {
    let world = World::new();
    let voided = world.voided.id;
    let sql = format!("SELECT count(*) FROM conversions WHERE uuid = '{voided}'");
    assert_eq!(world.program().cell(&sql), 0.into());
    let sql =
        format!("SELECT kind FROM conversion_events WHERE conversion_uuid = '{voided}' ORDER BY number");
    assert_eq!(
        world.program().ask(&sql).rows,
        [[Cell::from("conversion.recorded")], ["conversion.voided".into()]]
    );
    let sql = format!("SELECT status, conversion_id FROM leads WHERE uuid = '{}'", world.old.lead);
    assert_eq!(world.program().row(&sql)[1], ("conversion_id".to_owned(), Cell::Null));
    let sql =
        format!("SELECT lifetime_value, conversion_count FROM contacts WHERE uuid = '{}'", world.old.contact);
    assert_eq!(world.program().row(&sql), row!(lifetime_value: "0.00", conversion_count: 0));
}

#[test]
fn a_workspace() {
    let world = World::new();
    let (id, bolt) = (world.acme.id().uuid(), world.bolt.id().uuid());
    let expected = row!(
        id: id, uuid: id.to_string(), workspace_id: id, workspace_uuid: id.to_string(), name: "Acme Solar",
        // Of the keys that stand, the newest: neither the one that expired nor the one that was revoked.
        api_key: world.key.masked(), permissions: "read, ingest, convert", is_active: 1, time_zone: "UTC",
        currency: "USD", total_conversions: 2, total_revenue: "5000.00", total_revenue_minor: 500_000,
        other_revenue: r#"{"JPY":"90000"}"#, last_activity_at: world.now, policy: base(&world, "policy FROM workspace", id),
        created_at: world.now - TimeDelta::days(3), deleted_at: Cell::Null, version: 1,
    );
    assert_eq!(shown(&world, "workspaces", id), expected);
    let sql = format!(
        "SELECT name, api_key, permissions, total_revenue, other_revenue FROM workspaces WHERE uuid = '{bolt}'"
    );
    let expected = row!(
        name: "Bolt & Co's", api_key: Cell::Null, permissions: Cell::Null, total_revenue: "90",
        other_revenue: r#"{"KWD":"1.250"}"#,
    );
    assert_eq!(world.program().row(&sql), expected);
}

#[test]
fn an_event_of_each_kind_of_row() {
    let world = World::new();
    let (id, contact, lead) = (world.acme.id().uuid(), world.solar.contact.uuid(), world.solar.lead.uuid());
    let visit = world.sale.appointment.id.uuid();
    let sale = world.sale.conversion.as_ref().unwrap().id.uuid();
    let program = world.program();
    let nth = |relation: &str, column: &str, of: Uuid, number: u64| {
        program.row(&format!("SELECT * FROM {relation} WHERE {column} = '{of}' AND number = {number}"))
    };
    let fact = |column: &str, position: &Cell| {
        let Cell::Integer(position) = position else { panic!("{position:?}") };
        base(&world, &format!("{column} FROM (SELECT * FROM event WHERE position = {position})"), id)
    };

    let found = nth("lead_events", "lead_uuid", lead, 2);
    let position = found[6].1.clone();
    let expected = row!(
        workspace_id: id, workspace_uuid: id.to_string(), lead_id: lead, lead_uuid: lead.to_string(),
        contact_id: contact, number: 2, position: position.clone(), kind: "appointment.booked", at: solar_at(&world),
        status: "scheduled", stage: "scheduled", status_reason: Cell::Null, duplicate_of: Cell::Null,
        actor: "system", request: Cell::Null, causation: Cell::Null, facts: fact("facts", &position),
        personal: r#""1 Main St, O'Fallon""#,
    );
    assert_eq!(found, expected);
    let found = nth("contact_events", "contact_uuid", contact, 1);
    let position = found[6].1.clone();
    let expected = row!(
        workspace_id: id, workspace_uuid: id.to_string(), contact_id: contact, contact_uuid: contact.to_string(),
        lead_id: lead, number: 1, position: position.clone(), kind: "lead.received", at: solar_at(&world),
        contact_number: world.solar.number.as_u64(), actor: "system", request: Cell::Null, causation: Cell::Null,
        facts: fact("facts", &position), personal: fact("personal", &position),
    );
    assert_eq!(found, expected);
    let found = nth("appointment_events", "appointment_uuid", visit, 2);
    let position = found[7].1.clone();
    let next = (world.now + TimeDelta::days(9)).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    let expected = row!(
        workspace_id: id, workspace_uuid: id.to_string(), appointment_id: visit, appointment_uuid: visit.to_string(),
        contact_id: contact, lead_id: lead, number: 2, position: position.clone(), kind: "appointment.completed",
        at: world.now, actor: "system", request: Cell::Null, causation: Cell::Null,
        facts: fact("facts", &position), personal: format!(r#"{{"what":"install","at":"{next}"}}"#),
    );
    assert_eq!(found, expected);
    let found = nth("conversion_events", "conversion_uuid", sale, 1);
    let position = found[7].1.clone();
    let expected = row!(
        workspace_id: id, workspace_uuid: id.to_string(), conversion_id: sale, conversion_uuid: sale.to_string(),
        contact_id: contact, lead_id: lead, number: 1, position: position.clone(), kind: "conversion.recorded",
        at: world.now, actor: "system", request: Cell::Null, causation: Cell::Null,
        facts: fact("facts", &position), personal: r#"{"panels":12}"#,
    );
    assert_eq!(found, expected);
}

#[test]
fn every_event_of_a_lead_shows_the_status_that_it_left_it_in() {
    let world = World::new();
    for lead in [world.solar.lead, world.hvac.lead, world.old.lead] {
        let page = PageRequest::first(1_000);
        let events = block_on(world.acme.history(StreamRef::Lead(lead), &page)).unwrap().items;
        let status = |event: &Event| {
            let progress = event.body.progress();
            let status = progress.map(|progress| &progress.status);
            let reason = progress.and_then(|progress| progress.reason.as_ref());
            vec![
                Cell::from(event.body.kind()),
                status.map(|status| &status.key).into(),
                status.map(|status| status.stage.code()).into(),
                reason.into(),
            ]
        };
        let typed: Vec<_> = events.iter().map(status).collect();
        assert_eq!(typed[0][..2], ["lead.received".into(), "new".into()]);
        let sql = format!(
            "SELECT kind, status, stage, status_reason FROM lead_events WHERE lead_uuid = '{lead}' ORDER BY number"
        );
        assert_eq!(world.program().ask(&sql).rows, typed);
    }
}

#[test]
fn a_day_of_a_webhook_of_a_source_and_of_a_provider() {
    let world = World::new();
    let (id, webhook, provider) = (world.acme.id().uuid(), world.facebook.id.uuid(), world.leadco.id.uuid());
    let today = world.now.date_naive();
    let expected = row!(
        workspace_id: id, workspace_uuid: id.to_string(), day: today, webhook_id: webhook,
        webhook_uuid: webhook.to_string(), webhook: "facebook-hvac", leads: 2, contacts_made: 0, repeats: 1,
        rejected: 0, contacted: 1, scheduled: 1, met: 0, lost: 0, appointments_booked: 6, converted: 1,
        conversion_rate: 0.5, conversions: 1, revenue: "0.00", revenue_minor: 0, currency: "USD",
        other_revenue: r#"{"JPY":"90000"}"#, average_seconds_to_convert: 0.0, last_lead_at: world.now,
    );
    let sql = "SELECT * FROM lead_analytics WHERE webhook = 'facebook-hvac'";
    assert_eq!(world.program().row(sql), expected);
    let expected = row!(
        workspace_id: id, workspace_uuid: id.to_string(), day: today, source: "facebook", type: "upsell",
        conversions: 1, revenue: "90000", revenue_minor: 90_000, average_value: "90000", average_value_minor: 90_000,
        currency: "JPY", average_seconds_to_convert: 0.0, last_converted_at: world.now,
    );
    let sql = "SELECT * FROM conversion_analytics WHERE type = 'Upsell'";
    assert_eq!(world.program().row(sql), expected);
    let webhook = world.google.id.uuid();
    let expected = row!(
        workspace_id: id, workspace_uuid: id.to_string(), day: "1969-12-31", provider_id: provider,
        provider_uuid: provider.to_string(), provider: "LeadCo", webhook_id: webhook, webhook_uuid: webhook.to_string(),
        webhook: "google-solar", requests: 1, leads_taken: 1, leads_repeated: 0, leads_rejected: 0,
        last_used_at: "1969-12-31T23:59:59.999999Z",
    );
    let sql = "SELECT * FROM provider_usage_log WHERE day < '1970-01-01'";
    assert_eq!(world.program().row(sql), expected);
}

#[test]
fn a_provider_and_a_rule() {
    let world = World::new();
    let (id, provider) = (world.acme.id().uuid(), world.leadco.id.uuid());
    let expected = row!(
        id: provider, uuid: provider.to_string(), workspace_id: id, workspace_uuid: id.to_string(), name: "LeadCo",
        is_active: 1, allowed_webhooks: r#"["google-solar"]"#, leads_per_hour_max: 1_000, leads_per_day_max: 50,
        leads_per_month_max: Cell::Null, leads_taken: 2, leads_rejected: 1, last_used_at: world.now,
        created_at: world.now - TimeDelta::days(3), version: 1,
    );
    assert_eq!(shown(&world, "lead_source_providers", provider), expected);
    let rule = |number: u64| {
        let sql = format!("SELECT * FROM appointment_routing_rules WHERE number = {number}");
        world.program().row(&sql)
    };
    let expected = row!(
        workspace_id: id, workspace_uuid: id.to_string(), rules_version: 1, number: 1, name: "west", priority: 1,
        is_active: 1, routes_to: "solar-west", routes_to_kind: "team", strategy: "first",
        targets: r#"[{"target":{"team":"solar-west"}}]"#, any_product: 0, product_types: r#"["solar"]"#,
        any_zip_code: 0, zip_codes: r#"["90210","90211"]"#,
    );
    assert_eq!(rule(1), expected);
    let expected = row!(
        workspace_id: id, workspace_uuid: id.to_string(), rules_version: 1, number: 2, name: "rest", priority: 9,
        is_active: 0, routes_to: "maria", routes_to_kind: "person", strategy: "first",
        targets: r#"[{"target":{"person":"maria"}}]"#, any_product: 1, product_types: Cell::Null,
        any_zip_code: 1, zip_codes: Cell::Null,
    );
    assert_eq!(rule(2), expected);
}

#[test]
fn two_clients_with_the_same_phone_and_number_stay_apart() {
    let world = World::new();
    let sql = "SELECT workspace_uuid, uuid, phone, first_name, lead_count, lifetime_value FROM contacts
        WHERE number = (SELECT number FROM contacts GROUP BY number HAVING count(*) > 1) ORDER BY workspace_uuid";
    let found = world.program().ask(sql).rows;
    let row = |of: String, contact: String, name: &str, sum: &str| -> Vec<Cell> {
        vec![of.into(), contact.into(), "+15551234567".into(), name.into(), 2.into(), sum.into()]
    };
    let expected = [
        row(world.acme.id().to_string(), world.solar.contact.to_string(), "John", "5000.00"),
        row(world.bolt.id().to_string(), world.same.contact.to_string(), "Taro", "90"),
    ];
    assert_eq!(found, expected);
    // What is joined by the id of the contact alone never leaves its client.
    let sql = "SELECT count(*) FROM contacts c JOIN leads l ON l.contact_id = c.id WHERE l.workspace_id <> c.workspace_id";
    assert_eq!(world.program().cell(sql), 0.into());
}

#[test]
fn times_before_1970_are_shown_to_the_microsecond() {
    let world = World::new();
    let conn = Connection::open(&world.file).unwrap();
    let sql = format!("SELECT received_at FROM leads WHERE uuid = '{}'", world.old.lead);
    for micros in
        [0, -1, -999_999, -1_000_000, -1_000_001, 999_999, -62_135_596_800_000_000, 253_402_300_799_999_999]
    {
        conn.execute(
            "UPDATE lead SET received_at = ?1 WHERE id = ?2",
            (micros, world.old.lead.uuid().as_bytes()),
        )
        .unwrap();
        let at = DateTime::<Utc>::from_timestamp_micros(micros).unwrap();
        assert_eq!(world.program().cell(&sql), at.into());
    }
}

/// The row with this id.
#[track_caller]
fn shown(world: &World, relation: &str, id: Uuid) -> Vec<(String, Cell)> {
    let found = world.program().row(&format!("SELECT * FROM {relation} WHERE uuid = '{id}'"));
    let by_id = world.program().row(&format!("SELECT * FROM {relation} WHERE id = X'{}'", id.simple()));
    assert_eq!(found, by_id);
    found
}

/// A text of a table of the workspace.
fn base(world: &World, select: &str, workspace: Uuid) -> String {
    let conn = Connection::open(&world.file).unwrap();
    let sql = format!("SELECT {select} WHERE workspace_id = ?1");
    conn.query_row(&sql, [workspace.as_bytes()], |row| row.get(0)).unwrap()
}

/// When the solar lead came in.
fn solar_at(world: &World) -> DateTime<Utc> {
    world.now - TimeDelta::days(2) + TimeDelta::microseconds(1)
}

/// When it was sold.
fn sold_at(world: &World) -> DateTime<Utc> {
    world.now - TimeDelta::hours(1)
}
