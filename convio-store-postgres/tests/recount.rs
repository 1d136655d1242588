//! The rollups are what SQL counts from events and rows: written apart from the code that keeps them, and from the conformance
//! kit's own recount.

mod relations {
    #![allow(dead_code, unused_imports, unused_macros, reason = "they serve the tests of the relations too")]

    pub(crate) mod program;
}
mod support;

use std::sync::Arc;

use convio_conformance::{Case, Held, Subject};
use convio_core::Store;
use convio_store_postgres::PgStore;
use relations::program::{Program, cells, with_place};

#[test]
fn rollups_equal_a_recount_in_sql() {
    with_random_lists(async |program| {
        assert_eq!(differences(program).await, [] as [String; 0]);
        let cubes = program.rows("SELECT DISTINCT cube FROM rollup ORDER BY cube").await;
        assert_eq!(program.texts(UNEVEN_CREDITS).await, [] as [String; 0]);
        let credited =
            program.rows("SELECT count(*) > 0 FROM conversion_credits WHERE credit_minor < 0").await;
        assert_eq!(credited, [cells!(true)], "something was paid back");
        assert_eq!(cubes, (0..10).map(|cube| cells!(cube)).collect::<Vec<_>>(), "the lists touch every cube");
    });
}

#[test]
fn the_recount_notices_a_sum_that_is_off() {
    with_random_lists(async |program| {
        for cube in 0..10 {
            program.run("BEGIN").await;
            program.run(&ADD_ONE.replace("$1", &cube.to_string())).await;
            assert!(!differences(program).await.is_empty(), "cube {cube}");
            program.run("ROLLBACK").await;
        }
    });
}

/// Every row that is kept and not counted, or counted and not kept.
async fn differences(program: &mut Program) -> Vec<String> {
    program.texts(include_str!("recount.sql")).await
}

/// A database in which the lists of the conformance kit were done.
fn with_random_lists(look: impl AsyncFnOnce(&mut Program)) {
    with_place(async |place| {
        let subject = OnServer { store: Arc::new(place.store()), runtime: tokio::runtime::Handle::current() };
        let case = Case::named("random::operations_match_the_model").expect("the case");
        // The suite drives futures by itself.
        tokio::task::spawn_blocking(move || case.run(&subject)).await.expect("the case passes");
        let program = &mut Program::on(place).await;
        make_functions(program).await;
        look(program).await;
    });
}

/// What the recount asks for. A database folds texts as its locale does: here they are folded as Rust does.
async fn make_functions(program: &mut Program) {
    program.run(FUNCTIONS).await;
    let written = "SELECT source FROM lead UNION SELECT type FROM conversion UNION SELECT first_source FROM conversion
        UNION SELECT source FROM conversion_credits WHERE source IS NOT NULL UNION SELECT channel FROM conversion_credits
        WHERE channel IS NOT NULL UNION SELECT medium FROM conversion_credits WHERE medium IS NOT NULL
        UNION SELECT campaign FROM conversion_credits WHERE campaign IS NOT NULL UNION SELECT last_source FROM conversion UNION SELECT name FROM webhook
        UNION SELECT facts #>> '{settings,source}' FROM event
        WHERE kind IN ('webhook.created', 'webhook.configured') AND facts #>> '{settings,source}' IS NOT NULL";
    for written in program.texts(written).await {
        let [written, folded] =
            [written.clone(), written.to_lowercase()].map(|text| text.replace('\'', "''"));
        program.run(&format!("INSERT INTO name VALUES ('{written}', '{folded}')")).await;
    }
}

struct OnServer {
    store: Arc<PgStore>,
    runtime: tokio::runtime::Handle,
}

impl Subject for OnServer {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    fn reopen(&self) -> Option<Arc<dyn Store>> {
        None
    }

    fn enter(&self) -> Box<dyn Held + '_> {
        Box::new(self.runtime.enter())
    }
}

const FUNCTIONS: &str = r#"
CREATE TABLE name (written text COLLATE "C" PRIMARY KEY, folded text NOT NULL);
CREATE FUNCTION fold(text) RETURNS text LANGUAGE sql AS 'SELECT folded FROM name WHERE written = $1';
CREATE FUNCTION day_of(timestamptz, text) RETURNS date LANGUAGE sql AS 'SELECT ($1 AT TIME ZONE $2)::date';
CREATE FUNCTION target(json) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT format('%s `%s`', key, value) FROM json_each_text(
        CASE json_typeof($1 -> 'target') WHEN 'object' THEN $1 -> 'target' END)), '')
$$;"#;
/// Conversions whose credits are not what they are worth, by some model: nothing, where they were voided.
const UNEVEN_CREDITS: &str = "SELECT k.conversion_uuid || ' ' || k.model || ' ' || sum(k.credit_minor)
    FROM conversion_credits k JOIN conversion c ON c.workspace_id = k.workspace_id AND c.id = k.conversion_uuid::uuid
    GROUP BY k.conversion_uuid, k.model, c.net_minor, c.voided_at
    HAVING sum(k.credit_minor) <> CASE WHEN c.voided_at IS NULL THEN c.net_minor ELSE 0 END
        OR sum(k.conversion_millionths) <> CASE WHEN c.voided_at IS NULL THEN 1000000 ELSE 0 END";
/// Makes one row of a cube wrong.
const ADD_ONE: &str = "UPDATE rollup SET n0 = n0 + 1 WHERE (workspace_id, cube, day, d1, d2, d3) =
    (SELECT workspace_id, cube, day, d1, d2, d3 FROM rollup WHERE cube = $1 LIMIT 1)";
