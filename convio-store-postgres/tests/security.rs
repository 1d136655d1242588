//! Row-level security as a second lock: what it shows, and that nothing of it leaks through a pool.

mod support;

use std::sync::Arc;

use convio_conformance::{Case, Held, Subject, lead, taken};
use convio_core::event::EventLog;
use convio_core::lead::LeadFilter;
use convio_core::{Convio, NewWorkspace, PageRequest, Store, StoreError};
use convio_store_postgres::{Options, PgStore, PgTx};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor};
use support::{Place, run, runtime, server};

/// A schema with row-level security, and a pool of a role that is neither its owner nor a superuser.
struct Secured {
    role: String,
    pool: PgPool,
    place: Place,
}

impl Secured {
    async fn make(connections: u32) -> Self {
        let place = Place::make().await;
        let role = format!("{}_app", place.schema);
        for statement in place.store().row_security_sql() {
            place.execute(&statement).await;
        }
        place.execute(&format!("CREATE ROLE {role} LOGIN")).await;
        place.execute(&format!("GRANT USAGE ON SCHEMA {{s}} TO {role}")).await;
        let rights = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {s} TO";
        place.execute(&format!("{rights} {role}")).await;
        let options = server().username(&role);
        let pool = PgPoolOptions::new().max_connections(connections).test_before_acquire(false);
        Self { role, pool: pool.connect_lazy_with(options), place }
    }

    fn options(&self) -> Options {
        self.place.options().row_security()
    }

    fn store(&self) -> PgStore {
        PgStore::with(self.pool.clone(), self.options())
    }

    async fn rows_seen(&self, conn: &mut sqlx::PgConnection) -> i64 {
        let sql = format!("SELECT count(*) FROM {}.lead", self.place.schema);
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(conn).await.expect("counts")
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        let (role, admin) = (self.role.clone(), self.place.pool.clone());
        let dropped = std::thread::spawn(move || {
            run(async {
                let sql = format!("DROP OWNED BY {role}; DROP ROLE {role}");
                admin.execute(AssertSqlSafe(sql)).await.map(drop)
            })
        });
        if !std::thread::panicking() {
            dropped.join().expect("no panic").expect("drops the role");
        }
    }
}

#[test]
fn a_statement_that_names_no_workspace_sees_nothing_and_another_one_only_its_own() {
    run(async {
        let secured = Secured::make(1).await;
        let convio = Convio::new(secured.store());
        let acme = convio.create_workspace(NewWorkspace::named("Acme")).await.unwrap();
        let other = convio.create_workspace(NewWorkspace::named("Other")).await.unwrap();
        for n in 0..3 {
            taken(acme.ingest(lead(n)).await);
        }
        taken(other.ingest(lead(0)).await);
        assert_eq!(acme.leads(&LeadFilter::default(), &PageRequest::default()).await.unwrap().items.len(), 3);
        // The same connection, which all of this went through, is left without a workspace.
        let mut conn = secured.pool.acquire().await.unwrap();
        assert_eq!(secured.rows_seen(&mut conn).await, 0);
        let forged = format!(
            "INSERT INTO {}.head (workspace_id, feed, contacts, config, commits) VALUES ('{}', 0, 0, 0, 0)",
            secured.place.schema,
            uuid::Uuid::nil()
        );
        assert!(conn.execute(AssertSqlSafe(forged.as_str())).await.is_err());
        for (workspace, leads) in [(&acme, 3), (&other, 1)] {
            let mut tx = conn.begin().await.unwrap();
            let set = format!("SET LOCAL convio.workspace_id = '{}'", workspace.id());
            tx.execute(AssertSqlSafe(set)).await.unwrap();
            assert_eq!(secured.rows_seen(&mut tx).await, leads);
            tx.rollback().await.unwrap();
        }
        assert_eq!(secured.rows_seen(&mut conn).await, 0);
    });
}

#[test]
fn where_all_feeds_end_is_not_answered_none() {
    run(async {
        let secured = Secured::make(1).await;
        Convio::new(secured.store()).create_workspace(NewWorkspace::named("Acme")).await.unwrap();
        let refused = secured.store().heads(None, 10).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Misuse(why) if why.contains("BYPASSRLS")), "{refused}");
        // The server shows all of them to a role that may pass by its policies.
        assert_eq!(secured.place.store().heads(None, 10).await.unwrap().len(), 1);
    });
}

#[test]
fn callers_that_share_connections_never_see_each_other() {
    run(async {
        let secured = Secured::make(2).await;
        let store: &'static PgStore = Box::leak(Box::new(secured.store()));
        let convio = Convio::new(convio_conformance::Shared(Arc::new(secured.store())));
        let mut tasks = Vec::new();
        for client in 0..6_u32 {
            let convio = convio.clone();
            tasks.push(tokio::spawn(async move {
                let acme =
                    convio.create_workspace(NewWorkspace::named(format!("Client {client}"))).await.unwrap();
                for n in 0..=client {
                    taken(acme.ingest(lead(n)).await);
                }
                assert_eq!(
                    acme.leads(&LeadFilter::default(), &PageRequest::default()).await.unwrap().items.len(),
                    client as usize + 1
                );
                acme.id()
            }));
        }
        for task in tasks {
            let id = task.await.unwrap();
            assert!(store.head(id).await.unwrap().is_some());
        }
    });
}

#[test]
fn a_callers_transaction_names_the_workspace_too() {
    run(async {
        let secured = Secured::make(1).await;
        let convio = Convio::new(secured.store());
        let acme = convio.create_workspace(NewWorkspace::named("Acme")).await.unwrap();
        let mut tx = secured.pool.begin().await.unwrap();
        taken(acme.within(PgTx::with(&mut tx, secured.options())).ingest(lead(1)).await);
        tx.commit().await.unwrap();
        assert_eq!(acme.leads(&LeadFilter::default(), &PageRequest::default()).await.unwrap().items.len(), 1);
    });
}

/// Without the option nothing is seen: the lock is real.
#[test]
fn a_store_that_does_not_name_the_workspace_finds_none() {
    run(async {
        let secured = Secured::make(1).await;
        let acme = Convio::new(secured.store()).create_workspace(NewWorkspace::named("Acme")).await.unwrap();
        let careless = Convio::new(PgStore::with(secured.pool.clone(), secured.place.options()));
        let error = careless.workspace(acme.id()).ingest(lead(1)).await.unwrap_err();
        assert_eq!(error.kind(), convio_core::ErrorKind::NotFound);
    });
}

/// Cases of the suite that touch everything, with the second lock on.
#[test]
fn the_suites_widest_cases_hold_with_it() {
    for name in [
        "random::operations_match_the_model",
        "access::no_call_shows_or_changes_anything_of_another_workspace",
        "concurrency::one_call_from_fifty_threads_makes_one_lead",
    ] {
        let case = Case::named(name).expect("the case");
        let secured = run(Secured::make(4));
        case.run(&Subjected { store: Arc::new(secured.store()), secured });
    }
}

struct Subjected {
    store: Arc<PgStore>,
    secured: Secured,
}

impl Subject for Subjected {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    fn reopen(&self) -> Option<Arc<dyn Store>> {
        Some(Arc::new(self.secured.store()))
    }

    fn enter(&self) -> Box<dyn Held + '_> {
        Box::new(runtime().enter())
    }
}
