//! Convio inside a transaction of a service that has tables of its own.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::time::Duration;

use chrono::DateTime;
use convio_core::change_set::Write;
use convio_core::contact::ContactRef;
use convio_core::event::{Actor, EventLog, Origin};
use convio_core::record::{Record, fetch_record};
use convio_core::service::Atomicity;
use convio_core::store::{CommitError, Durability, StoreError};
use convio_core::{
    Accepted, ChangeSet, Convio, Error, ErrorKind, Ingested, NewApiKey, NewConversion, NewWorkspace,
    PageRequest, Permission, Position, RawLead, Store, StreamRef, Version, WebhookSettings, WorkspaceHandle,
    WorkspaceId,
};
use convio_store_sqlite::{SqliteStore, TxStore, run};
use pollster::block_on;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tempfile::TempDir;
use tokio::sync::oneshot;

#[test]
fn own_rows_and_convio_s_are_committed_together() {
    let mut service = Service::new();
    let acme = service.acme.clone();
    let tx = service.begin();
    order(&tx, 1);
    let (accepted, conversion) = run(&tx, async |store| {
        assert_eq!(store.durability(), Durability::CallerCommits);
        let inside = acme.within(store);
        let accepted = taken(inside.ingest(lead(1)).await);
        // What was written is read, by the next call as well.
        assert_eq!(inside.lead(accepted.lead).await.unwrap().unwrap().contact, accepted.contact);
        let sale = NewConversion::sale(accepted.lead, "5 USD".parse().unwrap());
        (accepted, inside.convert(sale).await.unwrap())
    });
    // Outside nothing is seen before the commit.
    assert_eq!(block_on(acme.lead(accepted.lead)).unwrap(), None);
    tx.commit().unwrap();
    assert_eq!(service.orders(), 1);
    assert_eq!(block_on(acme.conversion(conversion.id)).unwrap(), Some(conversion));
    let contact = block_on(acme.contact(ContactRef::Id(accepted.contact))).unwrap().unwrap();
    assert_eq!((contact.leads, contact.conversions), (1, 1));
}

#[test]
fn own_rows_and_convio_s_are_rolled_back_together() {
    let mut service = Service::new();
    let acme = service.acme.clone();
    let before = block_on(acme.head()).unwrap();
    let tx = service.begin();
    order(&tx, 1);
    let gone = run(&tx, async |store| taken(acme.within(store).ingest(lead(1).idempotency_key("a")).await));
    drop(tx);
    assert_eq!(service.orders(), 0);
    assert_eq!(block_on(acme.head()).unwrap(), before);
    assert_eq!(block_on(acme.lead(gone.lead)).unwrap(), None);
    // Its key is free again, and so is its number.
    let accepted = taken(block_on(acme.ingest(lead(2).idempotency_key("a"))));
    assert_eq!(accepted.number, gone.number);
}

#[test]
fn a_lost_gate_leaves_the_transaction_as_it_was() {
    let mut service = Service::new();
    let acme = service.acme.clone();
    let mut limited = WebhookSettings::default();
    limited.leads_per_hour_max = Some(2);
    block_on(acme.configure_webhook("direct", limited)).unwrap();
    let tx = service.begin();
    order(&tx, 1);
    run(&tx, async |store| {
        let inside = acme.within(store);
        let first = taken(inside.ingest(lead(1).idempotency_key("a")).await);
        let replayed = inside.ingest(lead(1).idempotency_key("a")).await.unwrap();
        assert_eq!(replayed, Ingested::Replayed(Box::new(Ingested::Created(first))));
        let other = inside.ingest(lead(2).idempotency_key("a")).await;
        assert_eq!(kind(other), ErrorKind::Conflict);
        taken(inside.ingest(lead(3)).await);
        let head = inside.head().await.unwrap();
        assert_eq!(kind(inside.ingest(lead(4)).await), ErrorKind::Overloaded);
        assert_eq!(inside.head().await.unwrap(), head);
    });
    order(&tx, 2);
    tx.commit().unwrap();
    assert_eq!((service.orders(), service.count("lead"), service.count("contact")), (2, 2, 2));
}

#[test]
fn a_conflict_leaves_the_transaction_as_it_was() {
    let mut service = Service::new();
    let acme = service.acme.clone();
    let tx = service.begin();
    let (first, twice) = run(&tx, async |store| {
        let note = |body: &str, at: Option<Version>| noted(acme.id(), body, at);
        // Of one batch: what is there already keeps itself out, and nothing else.
        let batch = vec![note("one", None), note("two", None), note("three", Some(Version(1)))];
        let mut results = store.commit(batch).await;
        results.truncate(2);
        let twice = results.pop().unwrap().unwrap_err();
        let found = fetch_record(&store, acme.id(), "note", "a").await.unwrap().unwrap();
        assert_eq!((found.body, found.version), ("three".into(), Version(2)));
        (results.pop().unwrap(), twice)
    });
    assert!(first.is_ok());
    assert!(matches!(twice, CommitError::Conflict { .. }), "{twice}");
    order(&tx, 1);
    tx.commit().unwrap();
    assert_eq!((service.orders(), service.count("record WHERE kind = 'note'")), (1, 1));
}

#[test]
fn an_id_that_is_taken_leaves_the_transaction_as_it_was() {
    let mut service = Service::new();
    let (acme, convio) = (service.acme.clone(), service.convio.clone());
    let tx = service.begin();
    let fresh = run(&tx, async |store| {
        let inside = convio.within(store);
        let new = || NewWorkspace::named("Other");
        let again = inside.create_workspace_with_id(acme.id(), new()).await.map(drop);
        assert_eq!(kind(again), ErrorKind::Conflict);
        inside.create_workspace(new()).await.unwrap().id()
    });
    tx.commit().unwrap();
    assert_eq!(block_on(convio.workspace(fresh).workspace()).unwrap().unwrap().settings.name, "Other");
    assert_eq!(block_on(acme.workspace()).unwrap().unwrap().settings.name, "Acme Solar");
}

#[test]
fn a_rejected_lead_is_kept_with_the_rest() {
    let mut service = Service::new();
    let acme = service.acme.clone();
    let tx = service.begin();
    let refused = run(&tx, async |store| {
        let inside = acme.within(store);
        let refused = inside.ingest(RawLead::json("{}")).await.unwrap().accepted().unwrap_err().clone();
        // A batch that is kept out whole leaves nothing, and the transaction goes on.
        let rows = vec![lead(1), RawLead::json("{}")];
        let kept_out = inside.ingest_batch(rows, Atomicity::AllOrNothing).await.unwrap();
        assert!(!kept_out.applied);
        taken(inside.ingest(lead(2)).await);
        refused
    });
    tx.commit().unwrap();
    assert!(block_on(acme.rejection(refused.id)).unwrap().is_some());
    assert_eq!((service.count("lead"), service.count("rejection")), (1, 1));
}

#[test]
fn a_configuration_that_is_rolled_back_never_gets_out() {
    let mut service = Service::new();
    let acme = service.acme.clone();
    let configured = |max| {
        let mut settings = WebhookSettings::default();
        settings.leads_per_hour_max = Some(max);
        settings
    };
    let limit = |handle: WorkspaceHandle<'static>| async move {
        handle.webhook("direct").await.unwrap().unwrap().settings.leads_per_hour_max
    };
    let tx = service.begin();
    let inside = run(&tx, async |store| {
        let inside = acme.within(store);
        inside.configure_webhook("direct", configured(7)).await.unwrap();
        taken(inside.ingest(lead(1)).await);
        limit(inside).await
    });
    assert_eq!(inside, Some(7));
    tx.rollback().unwrap();
    // The same version, another configuration: a cache that both use would take the one for the other.
    block_on(acme.configure_webhook("direct", configured(1))).unwrap();
    taken(block_on(acme.ingest(lead(1))));
    assert_eq!(kind(block_on(acme.ingest(lead(2)))), ErrorKind::Overloaded);
    assert_eq!(block_on(limit(acme.clone())), Some(1));

    // One that is committed is found by those outside, and one from outside by those within.
    let tx = service.begin();
    run(&tx, async |store| acme.within(store).configure_webhook("direct", configured(2)).await.unwrap());
    tx.commit().unwrap();
    taken(block_on(acme.ingest(lead(2))));
    assert_eq!(block_on(limit(acme.clone())), Some(2));
    block_on(service.elsewhere().configure_webhook("direct", configured(3))).unwrap();
    let tx = service.begin();
    run(&tx, async |store| taken(acme.within(store).ingest(lead(3)).await));
    tx.commit().unwrap();
    assert_eq!(service.count("lead"), 3);
}

#[test]
fn within_a_transaction_a_handle_is_who_it_was() {
    let mut service = Service::new();
    let new = NewApiKey::named("page").may([Permission::Ingest, Permission::Read]);
    let key = block_on(service.acme.create_api_key(new)).unwrap();
    let page = block_on(service.convio.authenticate(key.token.expose())).unwrap();
    let page = page.in_request("r-1").caused_by("c-1");
    let tx = service.begin();
    let accepted = run(&tx, async |store| {
        let inside = page.within(store);
        assert_eq!(inside.api_key_id(), page.api_key_id());
        assert_eq!(kind(inside.delete().await), ErrorKind::Denied);
        taken(inside.ingest(lead(1)).await)
    });
    tx.commit().unwrap();
    let history = block_on(page.history(StreamRef::Lead(accepted.lead), &PageRequest::default())).unwrap();
    let origin = &history.items[0].origin;
    assert_eq!(origin.actor, Actor::api_key(key.key.id));
    assert_eq!((origin.request.as_deref(), origin.causation.as_deref()), (Some("r-1"), Some("c-1")));
}

#[test]
fn what_else_the_work_awaits_is_waited_for() {
    let mut service = Service::new();
    let acme = service.acme.clone();
    let tx = service.begin();
    let (ask, asked) = mpsc::channel::<oneshot::Sender<u32>>();
    std::thread::scope(|threads| {
        threads.spawn(move || {
            for answer in asked {
                std::thread::sleep(Duration::from_millis(20));
                answer.send(1).unwrap();
            }
        });
        run(&tx, async |store| {
            let inside = acme.within(store);
            for _ in 0..3 {
                let (answer, answered) = oneshot::channel();
                ask.send(answer).unwrap();
                taken(inside.ingest(lead(answered.await.unwrap())).await);
            }
        });
        drop(ask);
    });
    tx.commit().unwrap();
    assert_eq!((service.count("lead"), service.count("contact")), (3, 1));
}

#[test]
fn other_threads_may_ask_while_the_work_goes_on() {
    let mut service = Service::new();
    let acme = service.acme.clone();
    let tx = service.begin();
    std::thread::scope(|threads| {
        run(&tx, async |store| {
            let mut done = Vec::new();
            for n in 0..4 {
                let (inside, (tell, told)) = (acme.within(store.clone()), oneshot::channel());
                threads.spawn(move || {
                    (0..5).for_each(|row| drop(taken(block_on(inside.ingest(lead(n * 5 + row))))));
                    tell.send(()).unwrap();
                });
                done.push(told);
            }
            drop(store);
            for told in done {
                told.await.unwrap();
            }
        });
    });
    tx.commit().unwrap();
    assert_eq!(service.count("lead"), 20);
}

#[test]
fn a_store_that_outlives_its_work_is_answered_at_once() {
    let mut service = Service::new();
    let acme = service.acme.id();
    let tx = service.begin();
    let store = run(&tx, async |store| store);
    unavailable(&store, acme);
    tx.commit().unwrap();
    unavailable(&store, acme);
    // Also when the work ended by a panic.
    let tx = service.begin();
    let mut smuggled = None;
    let work = || {
        run(&tx, async |store| {
            smuggled = Some(store);
            panic!("of the caller");
        })
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_err();
    unavailable(&smuggled.unwrap(), acme);
}

#[test]
fn who_asks_while_the_work_ends_is_answered() {
    let mut service = Service::new();
    let acme = service.acme.id();
    for _ in 0..200 {
        let tx = service.begin();
        std::thread::scope(|threads| {
            run(&tx, async |store| {
                for _ in 0..2 {
                    let (store, (tell, told)) = (store.clone(), oneshot::channel());
                    threads.spawn(move || {
                        let mut tell = Some(tell);
                        while block_on(store.head(acme)).is_ok() {
                            tell.take().map(|tell| tell.send(()));
                        }
                    });
                    told.await.unwrap();
                }
            });
        });
    }
}

#[test]
fn a_call_that_is_dropped_before_its_turn_does_nothing() {
    let mut service = Service::new();
    let acme = service.acme.id();
    let tx = service.begin();
    run(&tx, async |store| {
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(store.commit(vec![noted(acme, "dropped", None)])).poll(&mut context).is_pending());
        assert_eq!(fetch_record(&store, acme, "note", "a").await.unwrap(), None);
    });
}

#[test]
fn many_calls_at_once_are_all_answered() {
    let mut service = Service::new();
    let acme = service.acme.id();
    let tx = service.begin();
    run(&tx, async |store| {
        let mut calls: Vec<_> = (0..3_000).map(|_| store.head(acme)).collect();
        // All are on their way before the first is answered: more than may wait.
        std::future::poll_fn(|context| {
            calls.retain_mut(|call| call.as_mut().poll(context).is_pending());
            if calls.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    });
}

#[test]
fn a_transaction_that_is_over_takes_nothing() {
    let mut service = Service::new();
    let acme = service.acme.clone();
    let tx = service.begin();
    tx.execute_batch("ROLLBACK").unwrap();
    run(&tx, async |store| {
        unavailable_now(store.head(acme.id()).await);
        assert_eq!(kind(acme.within(store).ingest(lead(1)).await), ErrorKind::Unavailable);
    });
    drop(tx);
    assert_eq!(service.count("lead"), 0);
}

/// Tokio tells a task that did much to give way, by futures that are never ready. Nobody can give way in here.
#[tokio::test]
async fn a_task_of_a_runtime_may_do_much_in_it() {
    let mut service = Service::new();
    let acme = service.acme.clone();
    let tx = service.begin();
    run(&tx, async |store| {
        let inside = acme.within(store);
        for _ in 0..500 {
            inside.head().await.unwrap();
        }
    });
}

/// A service with a table of its own in Convio's file.
struct Service {
    conn: Connection,
    convio: Convio<'static>,
    acme: WorkspaceHandle<'static>,
    path: PathBuf,
    _folder: TempDir,
}

impl Service {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("service.db");
        let convio = Convio::new(SqliteStore::open(&path).unwrap());
        let acme = block_on(convio.create_workspace(NewWorkspace::named("Acme Solar"))).unwrap();
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY)").unwrap();
        Self { conn, convio, acme, path, _folder: folder }
    }

    fn begin(&mut self) -> Transaction<'_> {
        self.conn.transaction_with_behavior(TransactionBehavior::Immediate).unwrap()
    }

    /// The workspace, seen by another process.
    fn elsewhere(&self) -> WorkspaceHandle<'static> {
        Convio::new(SqliteStore::open(&self.path).unwrap()).workspace(self.acme.id())
    }

    fn orders(&self) -> i64 {
        self.count("orders")
    }

    fn count(&self, of: &str) -> i64 {
        self.conn.query_row(&format!("SELECT count(*) FROM {of}"), [], |row| row.get(0)).unwrap()
    }
}

fn order(tx: &Transaction<'_>, id: i64) {
    tx.execute("INSERT INTO orders (id) VALUES (?1)", [id]).unwrap();
}

fn lead(n: u32) -> RawLead {
    RawLead::json(format!(r#"{{"phone":"+1310555{n:04}"}}"#))
}

#[track_caller]
fn taken(answer: Result<Ingested, Error>) -> Accepted {
    answer.unwrap().accepted().unwrap().clone()
}

#[track_caller]
fn kind<T: std::fmt::Debug>(answer: Result<T, Error>) -> ErrorKind {
    answer.unwrap_err().kind()
}

/// A change set that writes one row.
fn noted(workspace: WorkspaceId, body: &str, at: Option<Version>) -> ChangeSet {
    let (kind, key) = ("note".to_owned(), "a".to_owned());
    let row = Record { workspace, kind, key, body: body.into(), version: at.unwrap_or_default().next() };
    let mut changes = ChangeSet::new(workspace, DateTime::UNIX_EPOCH, Origin::default());
    changes.records.push(match at {
        None => Write::Insert(row),
        Some(at) => Write::Update { row, at },
    });
    changes
}

#[track_caller]
fn unavailable(store: &TxStore, workspace: WorkspaceId) {
    unavailable_now(block_on(store.feed(workspace, Position(0), 10)));
    let results =
        block_on(store.commit(vec![noted(workspace, "late", None), noted(workspace, "late", None)]));
    assert!(matches!(results[..], [Err(CommitError::Unavailable(_)), Err(CommitError::Unavailable(_))]));
}

#[track_caller]
fn unavailable_now<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
}
