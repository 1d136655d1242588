//! Commits that travel together: how many trips they make, and what becomes of them when others are faster.

#[path = "support/proxy.rs"]
mod proxy;
mod support;

use std::future::{Future, poll_fn};
use std::task::Poll;

use convio_conformance::{created, lead, taken};
use convio_core::{Coalesced, Convio, EventBody, NewWorkspace, Position, WorkspaceHandle};
use convio_store_postgres::{Options, PgStore};
use proxy::{Count, Proxy};
use sqlx::Connection;
use sqlx::postgres::PgPoolOptions;
use support::{Place, connect, run, runtime, server};

/// One statement that reads and one that writes, whatever their workspaces. (The first time one goes alone, at once, and what is
/// sent is prepared.)
#[test]
fn those_who_wait_share_two_round_trips() {
    for workspaces in [1, 10] {
        let world = World::new(workspaces, Options::new());
        run(async {
            world.ingest(0).await;
            for round in 1..4 {
                assert_eq!(world.trips(world.ingest(round)).await, 2, "{workspaces} workspaces");
            }
            assert_eq!(world.inner.retries(), 0);
        });
    }
}

/// Where the server or a cluster knows one workspace at a time, each has a transaction of its own.
#[test]
fn under_row_security_each_workspace_has_its_own_transaction() {
    let world = World::new(3, Options::new().row_security());
    run(async {
        world.ingest(0).await;
        // BEGIN, what is read, what is written, COMMIT.
        assert_eq!(world.trips(world.ingest(1)).await, 3 * 4);
    });
}

/// A workspace that someone else writes to is waited for, and no row of any workspace is written before: then all is done again
/// under the locks of all.
#[test]
fn when_one_workspace_was_committed_to_meanwhile_all_are_done_again() {
    let world = World::new(3, Options::new());
    run(async {
        world.ingest(0).await;
        let mut conn = connect().await;
        let mut held = conn.begin().await.unwrap();
        let inside = world.workspaces[1].within(world.inner.within(&mut held));
        created(inside.ingest(lead(900)).await);
        drop(inside);
        let release = async {
            // Both flights wait by then, or will find the workspace changed: the answer is the same.
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            held.commit().await.unwrap();
        };
        tokio::join!(world.ingest(1), release);
        for (n, workspace) in world.workspaces.iter().enumerate() {
            let feed = workspace.feed(Position(0), 1_000).await.unwrap();
            let leads = feed.iter().filter(|event| matches!(event.body, EventBody::LeadReceived(_))).count();
            assert_eq!(leads, world.sent(n, 2) + usize::from(n == 1));
            let dense = feed.iter().zip(1..).all(|(event, position)| event.position == Position(position));
            assert!(dense, "{feed:?}");
        }
        assert!(world.inner.retries() > 0, "nobody was overtaken");
    });
}

/// Workspaces of one store behind a proxy that counts, and over a pool of one connection.
struct World {
    inner: PgStore,
    workspaces: Vec<WorkspaceHandle<'static>>,
    proxy: Proxy,
    place: Place,
}

impl World {
    fn new(workspaces: u32, options: Options) -> Self {
        let place = Place::new();
        let _runtime = runtime().enter();
        let proxy = Proxy::to(&server());
        let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
        let pool = pool.connect_lazy_with(proxy.options.clone());
        let inner = PgStore::with(pool, options.schema(&place.schema).unwrap().hold(1));
        let convio = Convio::new(Coalesced::new(inner.clone()).flights(1));
        let workspaces = run(async {
            let mut made = Vec::new();
            for n in 0..workspaces {
                let new = NewWorkspace::named(format!("Workspace {n}"));
                let workspace = convio.create_workspace(new).await.unwrap();
                taken(workspace.ingest(lead(999)).await);
                made.push(workspace);
            }
            made
        });
        let world = Self { inner, workspaces, proxy, place };
        assert!(!world.place.schema.is_empty());
        world
    }

    /// Thirty at once, of all workspaces in turns; on one task, so that who comes first is certain.
    async fn ingest(&self, round: u32) {
        let call = |n: u32| {
            let workspace = &self.workspaces[n as usize % self.workspaces.len()];
            Some(Box::pin(workspace.ingest(lead(round * CALLS + n))))
        };
        let mut calls: Vec<_> = (0..CALLS).map(call).collect();
        poll_fn(|context| {
            for call in &mut calls {
                if let Some(Poll::Ready(answer)) = call.as_mut().map(|call| call.as_mut().poll(context)) {
                    taken(answer);
                    *call = None;
                }
            }
            if calls.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// How many leads a workspace was sent in this many rounds, and when it was made.
    fn sent(&self, workspace: usize, rounds: usize) -> usize {
        let of_a_round = (0..CALLS as usize).filter(|n| n % self.workspaces.len() == workspace).count();
        1 + rounds * of_a_round
    }

    async fn trips(&self, calls: impl Future<Output = ()>) -> u64 {
        let before = self.proxy.count();
        calls.await;
        let Count { trips, statements } = self.proxy.count() - before;
        assert_eq!(trips, statements);
        trips
    }
}

const CALLS: u32 = 30;
