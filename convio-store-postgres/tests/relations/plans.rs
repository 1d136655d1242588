//! How the queries find their rows among many leads: by the tables' indexes, whether the plan is made for a phone or for any.

use super::mission;
use super::program::{Program, cells, with_place};

#[test]
fn rows_are_found_by_indexes_among_many() {
    with_place(async |place| {
        let program = &mut Program::on(place).await;
        program.run(MANY).await;
        assert_eq!(program.row("SELECT count(*) FROM leads").await, cells!(120_000));
        program.run(ANALYZE).await;
        query_3(program).await;
        query_5(program).await;
        query_6(program).await;
        joins_by_id(program).await;
        the_rows_of_one_client(program).await;
        what_was_delivered(program).await;
    });
}

async fn query_3(program: &mut Program) {
    let query = mission::queries()[2].replace(PHONE, "+15550001234");
    assert_eq!(program.rows(&query).await.len(), 6, "two clients know the phone");
    let any = query.replace("'+15550001234'", "$1");
    program.run(&format!("PREPARE leads_of (text) AS {any}")).await;
    program.run("SET plan_cache_mode = force_generic_plan").await;
    for plan in [plan(program, &query).await, plan(program, "EXECUTE leads_of ('+15550001234')").await] {
        goes_by(&plan, "contact_phone_ix", "Index Cond: (phone = ");
        goes_by(&plan, "lead_contact_ix", "Index Cond: (contact_id = ");
        scans_no(&plan, &["lead", "contact", "webhook"]);
    }
    program.run("RESET plan_cache_mode").await;
}

async fn query_5(program: &mut Program) {
    let plan = plan(program, &mission::queries()[4]).await;
    goes_by(&plan, "rollup_pk", "Index Cond: ((workspace_id = w.workspace_id) AND (cube = 8)");
    scans_no(&plan, &["rollup", "event", "record"]);
}

/// What no column is asked of is not joined.
async fn query_6(program: &mut Program) {
    let plan = plan(program, &mission::queries()[5]).await;
    for table in ["workspace", "webhook", "record"] {
        assert!(!plan.iter().any(|step| step.contains(&format!(" on {table} "))), "{plan:#?}");
    }
}

async fn joins_by_id(program: &mut Program) {
    let by_contact = format!(
        "SELECT c.phone FROM appointments a JOIN contacts c ON c.id = a.contact_id
         WHERE a.workspace_id = {CLIENT} AND a.id = md5('l40')::uuid"
    );
    let plan_of = plan(program, &by_contact).await;
    goes_by(&plan_of, "contact_id_ix", "Index Cond: (id = a.contact_id)");
    scans_no(&plan_of, &["contact", "appointment"]);
    // The journey of a sale: the last relation that is joined is what the others are found by.
    let journey = format!(
        "SELECT * FROM contacts c JOIN leads l ON l.contact_id = c.id
         JOIN appointments a ON a.lead_id = l.id AND a.workspace_id = l.workspace_id
         JOIN conversions v ON v.lead_id = l.id AND v.workspace_id = l.workspace_id
         WHERE v.workspace_id = {CLIENT} AND v.id = md5('v40')::uuid"
    );
    scans_no(&plan(program, &journey).await, &["contact", "lead", "appointment"]);
}

async fn the_rows_of_one_client(program: &mut Program) {
    let events =
        format!("SELECT kind FROM lead_events WHERE workspace_id = {CLIENT} AND lead_id = md5('l40')::uuid");
    let plan_of = plan(program, &format!("{events} ORDER BY number")).await;
    goes_by(&plan_of, "event_lead_uq", "Index Cond: ((workspace_id = ");
    for relation in ["lead_analytics", "conversion_analytics", "provider_usage_log", "lead_source_providers"]
    {
        let plan = plan(program, &format!("SELECT * FROM {relation} WHERE workspace_id = {CLIENT}")).await;
        goes_by(&plan, "rollup_pk", "Index Cond: ((workspace_id = ");
        scans_no(&plan, &["rollup", "event"]);
    }
    for relation in ["contacts", "leads", "appointments"] {
        let row = format!("SELECT * FROM {relation} WHERE workspace_id = {CLIENT} AND id = md5('l40')::uuid");
        scans_no(&plan(program, &row).await, &["contact", "lead", "appointment"]);
    }
}

/// By the endpoint, lead or appointment that it is of, and not at all where nobody asks.
async fn what_was_delivered(program: &mut Program) {
    for (column, index) in [
        ("endpoint_id", "delivery_endpoint_ix"),
        ("lead_id", "delivery_lead_ix"),
        ("appointment_id", "delivery_appointment_ix"),
    ] {
        let rows =
            format!("SELECT * FROM deliveries WHERE workspace_id = {CLIENT} AND {column} = md5('x')::uuid");
        let plan_of = plan(program, &rows).await;
        goes_by(&plan_of, index, "Index Cond: ((workspace_id = ");
        scans_no(&plan_of, &["delivery", "record"]);
    }
    let row = format!("SELECT * FROM deliveries WHERE workspace_id = {CLIENT} AND id = md5('d40.1')::uuid");
    scans_no(&plan(program, &row).await, &["delivery", "record"]);
    for (relation, index) in [("appointments", "delivery_appointment_ix"), ("leads", "delivery_lead_ix")] {
        let of_one =
            format!("FROM {relation} WHERE workspace_id = md5('w0')::uuid AND id = md5('l40')::uuid");
        let told = format!("SELECT forward_status, forward_attempts, forward_response {of_one}");
        let plan_of = plan(program, &told).await;
        goes_by(&plan_of, index, "Index Cond: ((workspace_id = ");
        scans_no(&plan_of, &["delivery", "record"]);
        let plan_of = plan(program, &format!("SELECT status {of_one}")).await;
        assert!(!plan_of.iter().any(|step| step.contains("delivery")), "{plan_of:#?}");
    }
    let told = "SELECT forward_status, forward_attempts FROM appointments WHERE workspace_id = md5('w0')::uuid AND id = md5('l40')::uuid";
    assert_eq!(program.row(told).await, cells!("success", 1));
}

/// The steps of a plan.
async fn plan(program: &mut Program, sql: &str) -> Vec<String> {
    program.texts(&format!("EXPLAIN (COSTS OFF) {sql}")).await
}

/// A step uses the index, and the next line says by what it looks there.
#[track_caller]
fn goes_by(plan: &[String], index: &str, condition: &str) {
    let used = |lines: &[String]| lines[0].contains(index) && lines[1].trim_start().starts_with(condition);
    assert!(plan.windows(2).any(used), "{index} by {condition}: {plan:#?}");
}

#[track_caller]
fn scans_no(plan: &[String], tables: &[&str]) {
    for table in tables {
        let scan = format!("Seq Scan on {table} ");
        assert!(!plan.iter().any(|step| step.contains(&scan)), "{table} is scanned: {plan:#?}");
    }
}

const PHONE: &str = "+15551234567";
const CLIENT: &str = "md5('w1')::uuid";
/// 120,000 leads of 40,000 contacts of 20 clients.
const MANY: &str = include_str!("many.sql");
/// The tables that are filled, and no others: tests run beside each other.
const ANALYZE: &str = "ANALYZE workspace, head, webhook, record, contact, lead, event, appointment, conversion, delivery, rollup";
