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
        assert!(!plan.iter().any(|step| step.starts_with("SCAN") || step.contains("TEMP B-TREE")));
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

/// Looks at the plan of a query before and after SQLite has counted what is there.
#[track_caller]
fn each_plan(sql: &str, look: impl Fn(&[String])) {
    let world = World::new();
    let conn = Connection::open(&world.file).unwrap();
    let explain = format!("EXPLAIN QUERY PLAN {sql}");
    for statistics in [false, true] {
        if statistics {
            conn.execute_batch("ANALYZE").unwrap();
        }
        let mut statement = conn.prepare(&explain).unwrap();
        let own =
            statement.query_map([], |row| row.get("detail")).unwrap().collect::<Result<Vec<String>, _>>();
        let step = |row: &Vec<Cell>| match row.last() {
            Some(Cell::Text(detail)) => detail.clone(),
            other => panic!("{other:?} is no step"),
        };
        let program = world.program().ask(&explain).rows.iter().map(step).collect();
        for plan in [own.unwrap(), program] {
            look(&plan);
        }
    }
}
