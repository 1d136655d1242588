//! How the queries find their rows: by the tables' indexes, with and without SQLite's statistics, in the SQLite that is
//! compiled in and in that of the program.

use rusqlite::Connection;

use super::mission;
use super::program::Cell;
use super::world::World;

#[test]
fn query_3_reads_the_leads_of_one_phone_and_no_other() {
    each_plan(&mission::queries()[2], |plan| {
        assert!(
            plan.iter().any(|step| step.starts_with("SEARCH contact USING")
                && step.contains("contact_phone_ix (phone=?)"))
        );
        assert!(plan.iter().any(|step| step == "SEARCH lead USING INDEX lead_contact_ix (contact_id=?)"));
        assert!(!plan.iter().any(|step| step.starts_with("SCAN")));
        // All columns are asked for: the deliveries of each lead alone are put in order.
        let sorts =
            |steps: &[String]| steps[1].contains("TEMP B-TREE") && !steps[0].contains(" delivery_lead_ix ");
        assert!(!plan.windows(2).any(sorts), "{plan:#?}");
    });
}

#[test]
fn query_6_counts_leads_in_their_index_and_sorts_nothing() {
    each_plan(&mission::queries()[5], |plan| {
        let steps = [
            "SCAN contact USING INDEX contact_id_uq",
            "SEARCH lead USING COVERING INDEX lead_contact_ix (contact_id=?)",
        ];
        assert_eq!(plan, steps);
    });
}

#[test]
fn a_row_is_found_by_its_id_and_its_contact_s() {
    let found = "SELECT c.phone FROM appointments a JOIN contacts c ON c.id = a.contact_id WHERE a.workspace_id = X'00' AND a.id = X'01'";
    each_plan(found, |plan| {
        assert!(plan[0].starts_with("SEARCH appointment USING PRIMARY KEY (workspace_id=? AND id=?)"));
        assert!(plan[1].starts_with("SEARCH contact USING INDEX contact_id_uq (id=?)"));
    });
    for relation in ["contacts", "leads", "appointments", "conversions", "workspaces"] {
        each_plan(
            &format!("SELECT uuid FROM {relation} WHERE workspace_id = X'00' AND id = X'01'"),
            |plan| {
                assert!(plan.iter().all(|step| step.starts_with("SEARCH")));
            },
        );
    }
}

#[test]
fn the_events_and_sums_of_a_client_are_read_without_those_of_others() {
    for relation in ["lead_events", "contact_events", "appointment_events", "conversion_events"] {
        each_plan(&format!("SELECT kind FROM {relation} WHERE workspace_id = X'00'"), |plan| {
            assert!(plan.iter().all(|step| step.starts_with("SEARCH event USING")));
        });
    }
    let of_lead =
        "SELECT kind FROM lead_events WHERE workspace_id = X'00' AND lead_id = X'01' ORDER BY number";
    each_plan(of_lead, |plan| {
        assert_eq!(plan.len(), 1);
        assert!(plan[0].starts_with("SEARCH event USING INDEX event_lead_uq (workspace_id=? AND lead_id=?"));
    });
    each_plan("SELECT revenue FROM conversion_analytics WHERE workspace_id = X'00'", |plan| {
        assert!(!plan.iter().any(|step| step.starts_with("SCAN rollup") || step.starts_with("SCAN t")));
    });
}

#[test]
fn deliveries_are_found_by_what_they_are_of_once_sqlite_has_counted_them() {
    let world = World::new();
    let conn = Connection::open(&world.file).unwrap();
    conn.execute_batch(MANY_DELIVERIES).unwrap();
    for (column, found) in [
        ("id", "PRIMARY KEY (workspace_id=? AND id=?)"),
        ("endpoint_id", "INDEX delivery_endpoint_ix (workspace_id=? AND endpoint_id=?)"),
        ("lead_id", "INDEX delivery_lead_ix (workspace_id=? AND lead_id=?)"),
        ("appointment_id", "INDEX delivery_appointment_ix (workspace_id=? AND appointment_id=?)"),
    ] {
        let sql = format!("SELECT * FROM deliveries WHERE workspace_id = X'00' AND {column} = X'01'");
        for plan in plans(&world, &conn, &sql) {
            assert_eq!(plan[0], format!("SEARCH delivery USING {found}"));
            let by_key = "SEARCH r USING PRIMARY KEY (workspace_id=? AND kind=? AND key=?)";
            assert!(plan.iter().any(|step| step == by_key), "{plan:#?}");
        }
    }
}

#[test]
fn the_deliveries_of_a_lead_are_looked_for_among_its_own_and_not_where_nobody_asks() {
    for (relation, owner) in [("leads", "lead"), ("appointments", "appointment")] {
        for column in ["forward_status", "forward_attempts", "forward_response"] {
            each_plan(&format!("SELECT {column} FROM {relation} WHERE workspace_id = X'00'"), |plan| {
                let found =
                    format!("SEARCH d USING INDEX delivery_{owner}_ix (workspace_id=? AND {owner}_id=?)");
                assert!(plan.contains(&found), "{plan:#?}");
                assert!(!plan.iter().any(|step| step.starts_with("SCAN d")), "{plan:#?}");
            });
        }
        each_plan(&format!("SELECT status FROM {relation} WHERE workspace_id = X'00'"), |plan| {
            assert_eq!(plan.len(), 1, "{plan:#?}");
        });
    }
}

/// Looks at the plan of a query before and after SQLite has counted what is there.
#[track_caller]
fn each_plan(sql: &str, look: impl Fn(&[String])) {
    let world = World::new();
    let conn = Connection::open(&world.file).unwrap();
    for statistics in [false, true] {
        if statistics {
            conn.execute_batch("ANALYZE").unwrap();
        }
        for plan in plans(&world, &conn, sql) {
            look(&plan);
        }
    }
}

/// The plan of the SQLite that is compiled in, and that of the program.
#[track_caller]
fn plans(world: &World, conn: &Connection, sql: &str) -> [Vec<String>; 2] {
    let explain = format!("EXPLAIN QUERY PLAN {sql}");
    let mut statement = conn.prepare(&explain).unwrap();
    let own = statement.query_map([], |row| row.get("detail")).unwrap().collect::<Result<Vec<String>, _>>();
    let step = |row: &Vec<Cell>| match row.last() {
        Some(Cell::Text(detail)) => detail.clone(),
        other => panic!("{other:?} is no step"),
    };
    [own.unwrap(), world.program().ask(&explain).rows.iter().map(step).collect()]
}

/// Three thousand of one client, to three endpoints.
const MANY_DELIVERIES: &str = "
    WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 2999)
    INSERT INTO delivery (workspace_id, id, endpoint_id, lead_id, appointment_id, kind, status, attempts, created_at, version, body)
    SELECT X'00', CAST(n AS BLOB), CAST(n % 3 AS BLOB), CAST(n / 2 AS BLOB), CAST(n / 2 AS BLOB), 'lead.forwarded', 'success', 1, 0, 1, '{}'
    FROM n;
    ANALYZE";
