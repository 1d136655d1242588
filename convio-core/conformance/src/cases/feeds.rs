use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use convio_core::event::{FeedHead, Position};
use convio_core::service::Feeds;
use convio_core::store::Tick;
use convio_core::{Event, WorkspaceId};
use pollster::block_on;

use super::concurrency::at_once;
use crate::{Subject, World, lead, rejected, taken};

pub(crate) async fn every_workspace_shows_where_its_feed_ends(subject: &dyn Subject) {
    let world = World::of(subject);
    let store = world.store();
    assert_eq!(store.heads(None, 10).await.unwrap(), []);
    // Ids of several processes: they do not come to be in their order.
    let (late, early) = (world.convio(), world.convio());
    let mut made = Vec::new();
    for n in 0..5_u32 {
        let new = convio_core::NewWorkspace::named(format!("{n}"));
        let id = WorkspaceId::from_uuid(uuid::Uuid::from_u128(u128::from(7 + (n * 3) % 5)));
        let convio = if n % 2 == 0 { &late } else { &early };
        made.push(convio.create_workspace_with_id(id, new).await.unwrap());
    }
    for (n, acme) in made.iter().enumerate() {
        for row in 0..n {
            taken(acme.ingest(lead(row as u32)).await);
            let head = acme.head().await.unwrap().unwrap();
            let shown = store.heads(None, 10).await.unwrap();
            let expected = FeedHead { workspace: acme.id(), feed: head.feed };
            assert!(shown.contains(&expected), "{shown:?}");
        }
    }
    made[1].delete().await.unwrap();
    let mut expected = Vec::new();
    for acme in &made {
        expected.push(FeedHead { workspace: acme.id(), feed: acme.head().await.unwrap().unwrap().feed });
    }
    expected.sort_by_key(|head| head.workspace);
    for step in [1, 2, 4, 5, 100] {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let heads = store.heads(after, step).await.unwrap();
            all.extend(heads.iter().copied());
            after = heads.last().map(|head| head.workspace);
            if heads.len() < step || all.len() > expected.len() {
                break;
            }
        }
        assert_eq!(all, expected, "in steps of {step}");
    }
}

pub(crate) async fn whoever_waits_is_woken_by_an_event(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, other) = (world.acme().await, world.acme().await);
    let store = world.store();
    let mut seen = store.wait(Tick::default()).await.unwrap();
    for handle in [&acme, &other] {
        let flag = Arc::new(Flag::default());
        // A store may answer for nothing; in the end it waits.
        for tries in 0.. {
            let mut wait = store.wait(seen);
            match polled(&mut wait, &flag) {
                Poll::Ready(tick) => seen = tick.unwrap(),
                Poll::Pending => {
                    rejected(handle.ingest(convio_core::RawLead::json("{}")).await);
                    assert!(flag.0.load(Ordering::SeqCst), "nobody was woken");
                    seen = wait.await.unwrap();
                    break;
                }
            }
            assert!(tries < 10_000, "it never waits");
        }
    }
}

pub(crate) async fn what_has_happened_since_is_not_waited_for(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let store = world.store();
    let flag = Arc::new(Flag::default());
    for n in 0..3 {
        let Poll::Ready(seen) = polled(&mut store.wait(Tick::default()), &flag) else {
            panic!("who knows nothing waits");
        };
        taken(acme.ingest(lead(n)).await);
        let Poll::Ready(now) = polled(&mut store.wait(seen.clone().unwrap()), &flag) else {
            panic!("what has happened is waited for");
        };
        assert_ne!(now.unwrap(), seen.unwrap());
    }
}

pub(crate) async fn a_reader_of_all_workspaces_goes_on_where_it_was(subject: &dyn Subject) {
    let world = World::of(subject);
    let convio = world.convio();
    let (acme, other) = (world.acme().await, world.acme().await);
    let mut feeds = convio.feeds([]);
    let seen = all_of(&mut feeds, 1).await;
    assert_eq!(seen[&acme.id()].len() + seen[&other.id()].len(), 4);
    assert!(feeds.next(10).await.unwrap().is_empty());
    taken(acme.ingest(lead(1)).await);
    feeds.wait().await.unwrap();
    let next = feeds.next(10).await.unwrap();
    assert_eq!(
        next.iter().map(|event| (event.workspace, event.position)).collect::<Vec<_>>(),
        [(acme.id(), Position(3))]
    );

    // Another process goes on from what this one noted.
    let noted: Vec<_> = feeds.positions().collect();
    taken(other.ingest(lead(1)).await);
    let mut feeds = world.convio().feeds(noted);
    assert_eq!(feeds.position(acme.id()), Position(3));
    let next = all_of(&mut feeds, 10).await;
    assert_eq!(next.keys().collect::<Vec<_>>(), [&other.id()]);
    assert_eq!(next[&other.id()], other.feed(Position(2), 10).await.unwrap());
}

pub(crate) async fn a_reader_of_all_workspaces_misses_nothing(subject: &dyn Subject) {
    let world = World::of(subject);
    let handles = [world.acme().await, world.acme().await, world.acme().await];
    let done = AtomicBool::new(false);
    let seen = std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let _held = subject.enter();
            let mut feeds = world.convio().feeds([]);
            let mut seen = BTreeMap::<WorkspaceId, Vec<Event>>::new();
            loop {
                // Asked before the read: what is committed by then must be found.
                let last = done.load(Ordering::SeqCst);
                let events = block_on(feeds.next(5)).unwrap();
                world.goes_on();
                if last && events.is_empty() {
                    return seen;
                }
                for event in events {
                    seen.entry(event.workspace).or_default().push(event);
                }
            }
        });
        at_once(&world, &handles[0], 6, |_, n| {
            let handle = world.elsewhere(&handles[n % 3]);
            for row in 0..15 {
                taken(block_on(handle.ingest(lead((n * 100 + row) as u32 % 40))));
            }
        });
        done.store(true, Ordering::SeqCst);
        reader.join().unwrap()
    });
    for acme in &handles {
        assert_eq!(seen[&acme.id()], acme.feed(Position(0), 1_000).await.unwrap());
        assert_eq!(seen[&acme.id()].len(), 2 + 2 * 15);
    }
}

pub(crate) async fn a_feed_that_ends_with_a_page_hides_no_other(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut feeds = world.convio().feeds([]);
    assert_eq!(feeds.next(2).await.unwrap(), acme.feed(Position(0), 100).await.unwrap());
    // It does not know yet that this was the last page there.
    let other = world.acme().await;
    assert_eq!(feeds.next(2).await.unwrap(), other.feed(Position(0), 100).await.unwrap());
    assert_eq!(feeds.next(2).await.unwrap(), []);
}

pub(crate) async fn a_busy_workspace_keeps_no_other_waiting(subject: &dyn Subject) {
    let world = World::of(subject);
    let (busy, other) = (world.acme().await, world.acme().await);
    for n in 0..20 {
        taken(busy.ingest(lead(n)).await);
    }
    let mut feeds = world.convio().feeds([]);
    let mut turns = Vec::new();
    for _ in 0..4 {
        turns.extend(feeds.next(2).await.unwrap().first().map(|event| event.workspace));
    }
    assert!(turns.contains(&other.id()), "{turns:?}");
}

/// All that is new, by workspace, in the order in which it came.
async fn all_of(feeds: &mut Feeds<'_>, limit: usize) -> BTreeMap<WorkspaceId, Vec<Event>> {
    let mut seen = BTreeMap::<WorkspaceId, Vec<Event>>::new();
    loop {
        let events = feeds.next(limit).await.unwrap();
        assert!(events.len() <= limit);
        if events.is_empty() {
            return seen;
        }
        for event in events {
            seen.entry(event.workspace).or_default().push(event);
        }
    }
}

/// Whether it was woken.
#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn polled<F: Future + Unpin>(future: &mut F, flag: &Arc<Flag>) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(&Waker::from(flag.clone())))
}
