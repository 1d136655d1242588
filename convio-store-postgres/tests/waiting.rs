//! More calls at once than there are connections: all of them get one, in their turn.

mod support;

use convio_core::Convio;
use convio_core::workspace::NewWorkspace;
use convio_store_postgres::PgStore;
use sqlx::postgres::PgPoolOptions;
use support::{Place, run, server};
use tokio::task::JoinSet;

#[test]
fn calls_that_wait_for_a_held_connection_get_it() {
    let place = Place::new();
    run(async {
        // Held, none of them ever comes back to the pool of itself.
        let pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(server());
        let convio = Convio::new(PgStore::with(pool.clone(), place.options().hold(2)));
        let acme = convio.create_workspace(NewWorkspace::named("Acme")).await.expect("creates");
        let mut callers = JoinSet::new();
        for _ in 0..16 {
            let acme = acme.clone();
            callers.spawn(async move {
                for _ in 0..20 {
                    acme.totals().await.expect("reads");
                }
            });
        }
        while let Some(done) = callers.join_next().await {
            done.expect("no caller is left without a connection");
        }
    });
}
