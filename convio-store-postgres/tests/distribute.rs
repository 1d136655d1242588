//! The steps that distribute the tables over a Citus cluster, on a server that is none.

mod support;

use convio_core::StoreError;
use support::{Place, run};

#[test]
fn every_table_is_distributed_by_workspace_beside_the_head() {
    run(async {
        let place = Place::make().await;
        let steps = place.store().distribution_sql();
        assert!(steps[0].contains(".head'") && steps[0].contains("colocate_with => 'none'"), "{}", steps[0]);
        let beside = format!("colocate_with => '\"{}\".head')", place.schema);
        assert!(steps[1..].iter().all(|step| step.ends_with(&beside) && step.contains("'workspace_id'")));
        let tables =
            "SELECT count(*) FROM pg_tables WHERE schemaname = '{s}' AND tablename <> 'convio_migration'";
        assert_eq!(steps.len() as i64, place.count(tables).await);
    });
}

#[test]
fn a_server_without_citus_is_left_as_it_is() {
    run(async {
        let place = Place::make().await;
        let error = place.store().distribute().await.unwrap_err();
        assert!(matches!(&error, StoreError::Misuse(message) if message.contains("citus")), "{error}");
        place.store().check().await.unwrap();
    });
}
