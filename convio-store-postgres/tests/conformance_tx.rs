//! The store inside a caller's transaction does what every store must do: each case in one transaction from its beginning to its
//! end. Nothing that a case does, no conflict, no lost gate, no rejected lead, may make it unusable.

mod support;

use std::sync::Arc;

use convio_conformance::{Held, Subject};
use convio_core::Store;
use convio_store_postgres::PgTx;
use sqlx::Executor;
use sqlx::postgres::PgConnection;
use support::{Place, connect, run, runtime};

convio_conformance::conformance!(InTransaction::new);

/// A store in a transaction of its own.
struct InTransaction {
    store: Arc<PgTx<'static>>,
    place: Place,
}

impl InTransaction {
    fn new() -> Self {
        let place = Place::new();
        let conn: &'static mut PgConnection = run(async {
            let mut conn = connect().await;
            conn.execute("BEGIN").await.expect("begins");
            Box::leak(Box::new(conn))
        });
        Self { store: Arc::new(PgTx::with(conn, place.options())), place }
    }

    async fn end(&self, how: &'static str) {
        self.store.connection().await.execute(how).await.expect("ends");
    }
}

impl Subject for InTransaction {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// The caller commits, and another process finds all of it.
    fn reopen(&self) -> Option<Arc<dyn Store>> {
        pollster::block_on(self.end("COMMIT"));
        Some(Arc::new(self.place.store()))
    }

    fn enter(&self) -> Box<dyn Held + '_> {
        Box::new(runtime().enter())
    }
}

impl Drop for InTransaction {
    fn drop(&mut self) {
        // Its locks would keep the schema from being removed. The connection is leaked: the server ends it.
        let _runtime = runtime().enter();
        pollster::block_on(async {
            self.end("ROLLBACK").await;
            let end = "SELECT pg_terminate_backend(pg_backend_pid())";
            assert!(self.store.connection().await.execute(end).await.is_err());
        });
    }
}
