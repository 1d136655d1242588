//! The relations are for reading, and enough for a reader.

use super::program::{Program, cells, with_place};
use super::world::{fill, now};

const RELATIONS: [&str; 17] = [
    "contacts",
    "leads",
    "appointments",
    "conversions",
    "conversion_credits",
    "touchpoints",
    "deliveries",
    "workspaces",
    "lead_events",
    "contact_events",
    "appointment_events",
    "conversion_events",
    "lead_analytics",
    "conversion_analytics",
    "lead_source_providers",
    "provider_usage_log",
    "appointment_routing_rules",
];

/// Not even their owner, who may do everything.
#[test]
fn no_one_writes_to_a_relation() {
    with_place(async |place| {
        let program = &mut Program::on(place).await;
        for relation in RELATIONS {
            for sql in [
                format!("DELETE FROM {relation}"),
                format!("UPDATE {relation} SET workspace_id = workspace_id"),
                format!("INSERT INTO {relation} (workspace_id) VALUES (gen_random_uuid())"),
            ] {
                let refused = program.attempt(&sql).await.unwrap_err();
                let code = refused.as_database_error().and_then(|error| error.code());
                assert_eq!(code.as_deref(), Some("55000"), "{sql}: {refused}");
            }
        }
    });
}

/// Whoever may read relations needs no right on the tables, and gets none.
#[test]
fn a_reader_needs_no_right_on_the_tables() {
    with_place(async |place| {
        fill(place.store(), now()).await;
        let program = &mut Program::on(place).await;
        let all = RELATIONS
            .map(|relation| format!("SELECT '{relation}', count(*) FROM {relation}"))
            .join(" UNION ALL ");
        let counts = program.rows(&all).await;
        // A role is the server's, not the database's: it is gone with the transaction.
        let usage = format!("GRANT USAGE ON SCHEMA {} TO convio_reader", place.schema);
        program.run(&format!("BEGIN; CREATE ROLE convio_reader; {usage}")).await;
        program.run(&format!("GRANT SELECT ON {} TO convio_reader", RELATIONS.join(", "))).await;
        program.run("SET LOCAL ROLE convio_reader").await;
        assert_eq!(program.rows(&all).await, counts);
        let refused = program.attempt("SELECT count(*) FROM payload").await.unwrap_err();
        assert_eq!(
            refused.as_database_error().and_then(|error| error.code()).as_deref(),
            Some("42501"),
            "{refused}"
        );
        program.run("ROLLBACK").await;
    });
}

/// Relations are read with the rights of their owner: where row security applies to that one, it applies to them.
#[test]
fn with_row_security_a_relation_shows_the_workspace_of_the_session() {
    with_place(async |place| {
        let mission = fill(place.store(), now()).await;
        let program = &mut Program::on(place).await;
        let mut setup = vec!["BEGIN".to_owned(), "CREATE ROLE convio_owner".to_owned()];
        setup.push(format!("GRANT USAGE, CREATE ON SCHEMA {} TO convio_owner", place.schema));
        setup.push(format!("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO convio_owner", place.schema));
        setup.extend(RELATIONS.map(|relation| format!("ALTER VIEW {relation} OWNER TO convio_owner")));
        setup.extend(place.store().row_security_sql());
        program.run(&setup.join("; ")).await;
        // Who asks is a superuser here, whom row security would not hold.
        let seen = "SELECT count(DISTINCT workspace_id) FROM ";
        let rows: Vec<_> = RELATIONS.iter().map(|relation| format!("{seen}{relation}")).collect();
        for sql in &rows {
            assert_eq!(program.row(sql).await, cells!(0), "{sql}");
        }
        program.run(&format!("SET LOCAL convio.workspace_id = '{}'", mission.acme.id())).await;
        for (relation, sql) in RELATIONS.iter().zip(&rows) {
            assert_eq!(program.row(sql).await, cells!(1), "{sql}");
            let own = format!("SELECT workspace_id FROM {relation} LIMIT 1");
            assert_eq!(program.row(&own).await, cells!(mission.acme.id().uuid()), "{relation}");
        }
        program.run("ROLLBACK").await;
    });
}

/// Sources that only their case tells apart are one, and what was written is not lost.
#[test]
fn sources_are_grouped_without_regard_to_case() {
    with_place(async |place| {
        fill(place.store(), now()).await;
        let program = &mut Program::on(place).await;
        // Beyond A to Z, letters stay as they were written.
        let sql = "SELECT source, source_as_written FROM leads WHERE source LIKE 'google Ä%'";
        assert_eq!(program.rows(sql).await, [cells!("google Ädś", "GOOGLE Ädś")]);
        program.run("UPDATE lead SET source = 'GOOGLE ADS' WHERE source = 'GOOGLE Ädś'").await;
        let sql = "SELECT source, count(*), count(DISTINCT source_as_written) FROM leads
            WHERE source = 'google ads' GROUP BY source";
        assert_eq!(program.row(sql).await, cells!("google ads", 4, 2));
    });
}
