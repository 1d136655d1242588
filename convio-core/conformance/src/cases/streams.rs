use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use convio_core::event::Position;
use convio_core::service::{EventStream, STREAM_EVENTS_MAX};
use convio_core::store::{Fault, async_trait};
use convio_core::{
    ChangeSet, CommitError, Durability, ErrorKind, Event, Loaded, Needs, NewApiKey, Permission, Receipt,
    Store, StoreError,
};
use futures_util::{Stream, StreamExt};
use pollster::block_on;

use super::concurrency::at_once;
use crate::{Subject, World, lead, taken};

pub(crate) async fn a_slow_reader_of_a_stream_sees_every_event_in_order(subject: &dyn Subject) {
    let world = World::of(subject);
    let handles = [world.acme().await, world.acme().await];
    // Far more than it has at hand, and more come while it reads.
    let (written, each) = (AtomicUsize::new(0), STREAM_EVENTS_MAX);
    let seen = std::thread::scope(|threads| {
        let readers: Vec<_> = (0..3)
            .map(|of| {
                threads.spawn({
                    let (world, handles, written) = (&world, &handles, &written);
                    move || {
                        let _held = subject.enter();
                        let stream = match handles.get(of) {
                            Some(acme) => world.elsewhere(acme).stream(Position(0), soon),
                            None => world.convio().feeds([]).stream(soon),
                        };
                        let wanted = if of < 2 { each + 2 } else { 2 * (each + 2) };
                        block_on(slowly(world, stream, wanted, written))
                    }
                })
            })
            .collect();
        at_once(&world, &handles[0], 4, |_, n| {
            let handle = world.elsewhere(&handles[n % 2]);
            for row in 0..each / 2 {
                taken(block_on(handle.ingest(lead((n * 100 + row) as u32 % 30))));
                written.fetch_add(1, Ordering::SeqCst);
            }
        });
        readers.into_iter().map(|reader| reader.join().unwrap()).collect::<Vec<_>>()
    });
    for (acme, own) in handles.iter().zip(&seen) {
        let feed = [
            acme.feed(Position(0), each).await.unwrap(),
            acme.feed(Position(each as u64), each).await.unwrap(),
        ];
        assert_eq!(own, &feed.concat());
        let among: Vec<_> = seen[2].iter().filter(|event| event.workspace == acme.id()).cloned().collect();
        assert_eq!(own, &among);
    }
}

pub(crate) async fn a_stream_waits_until_it_is_woken_or_its_pause_ends(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    for of_all in [false, true] {
        let end = acme.head().await.unwrap().unwrap().feed;
        let stream = match of_all {
            false => acme.stream(end, std::future::pending::<()>),
            true => world.convio().feeds([(acme.id(), end)]).stream(std::future::pending::<()>),
        };
        let stream = Mutex::new(stream);
        // The reader sleeps by the time that the writer comes, as a rule; by no pause, so that nothing but news wakes it.
        at_once(&world, &acme, 2, |handle, n| match n {
            0 => {
                let flag = Arc::new(Flag::default());
                let event = loop {
                    match polled(&mut stream.lock().unwrap(), &flag) {
                        Poll::Ready(event) => break event.unwrap().unwrap(),
                        Poll::Pending => woken(&world, &flag),
                    }
                };
                assert_eq!(event.position, Position(end.0 + 1));
            }
            _ => {
                (0..100).for_each(|_| std::thread::yield_now());
                taken(block_on(handle.ingest(lead(1))));
            }
        });
    }
    // Whatever nobody tells of is found when the pause is over: it looks each time.
    let store = Arc::new(Flaky::of(world.store()));
    let convio = world.convio_on(store.clone());
    let end = acme.head().await.unwrap().unwrap().feed;
    for of_all in [false, true] {
        let mut stream = match of_all {
            false => convio.workspace(acme.id()).stream(end, soon),
            true => convio.feeds([(acme.id(), end)]).stream(soon),
        };
        let flag = Arc::new(Flag::default());
        let looked = store.asked.load(Ordering::SeqCst) + 20;
        while store.asked.load(Ordering::SeqCst) < looked {
            assert!(matches!(polled(&mut stream, &flag), Poll::Pending), "there is nothing new");
            std::thread::yield_now();
        }
    }
}

pub(crate) async fn a_stream_goes_on_where_it_was_after_an_error(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    for n in 0..4 {
        taken(acme.ingest(lead(n)).await);
    }
    let store = Arc::new(Flaky::of(world.store()));
    let convio = world.convio_on(store.clone());
    for of_all in [false, true] {
        let mut stream = match of_all {
            false => convio.workspace(acme.id()).stream(Position(0), soon),
            true => convio.feeds([]).stream(soon),
        };
        let last = acme.head().await.unwrap().unwrap().feed.0 + 1;
        for expected in 1..=last {
            // What is at hand already is told first.
            if expected == 1 || expected == last {
                for _ in 0..3 {
                    store.failing.store(1, Ordering::SeqCst);
                    let error = stream.next().await.unwrap().unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Unavailable);
                }
            }
            if expected == last {
                taken(acme.ingest(lead(5)).await);
            }
            let event = stream.next().await.unwrap().unwrap();
            assert_eq!((event.workspace, event.position), (acme.id(), Position(expected)));
        }
    }

    // Who may read no more is told so, at the next page.
    let key = acme.create_api_key(NewApiKey::named("one").may([Permission::Read])).await.unwrap();
    let reader = world.convio().authenticate(key.token.expose()).await.unwrap();
    let end = acme.head().await.unwrap().unwrap().feed;
    let mut stream = reader.stream(Position(end.0 - 1), soon);
    assert_eq!(stream.next().await.unwrap().unwrap().position, end);
    acme.revoke_api_key(key.key.id).await.unwrap();
    for _ in 0..2 {
        assert_eq!(stream.next().await.unwrap().unwrap_err().kind(), ErrorKind::Denied);
    }
}

pub(crate) async fn a_stream_that_is_dropped_has_taken_nothing_with_it(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    for n in 0..8 {
        taken(acme.ingest(lead(n)).await);
    }
    let mut done = Position(0);
    let mut seen = Vec::new();
    for polls in 0.. {
        // In the middle of a page, of a read, of a wait: wherever it is after so many polls.
        let mut stream = match polls % 2 {
            0 => acme.stream(done, soon),
            _ => world.convio().feeds([(acme.id(), done)]).stream(soon),
        };
        let flag = Arc::new(Flag::default());
        for _ in 0..polls {
            if let Poll::Ready(event) = polled(&mut stream, &flag) {
                done = event.unwrap().unwrap().position;
                seen.push(done.0);
                break;
            }
            woken(&world, &flag);
        }
        if done == Position(10) {
            break;
        }
        assert!(polls < 1_000, "it gets nowhere");
    }
    assert_eq!(seen, (1..=10).collect::<Vec<_>>());
}

/// So many events of a stream, by a reader who is slower than the writers.
async fn slowly(
    world: &World<'_>,
    mut stream: EventStream<'_>,
    wanted: usize,
    written: &AtomicUsize,
) -> Vec<Event> {
    let mut seen = Vec::new();
    while seen.len() < wanted {
        // Half of all is written before it reads on at all.
        while written.load(Ordering::SeqCst) < STREAM_EVENTS_MAX && seen.len() == 1 {
            world.goes_on();
        }
        seen.push(stream.next().await.unwrap().unwrap());
    }
    seen
}

/// A pause that is over at the next poll.
fn soon() -> impl Future<Output = ()> + Send {
    let mut is_over = false;
    std::future::poll_fn(move |context| {
        if std::mem::replace(&mut is_over, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

fn polled(stream: &mut EventStream<'_>, flag: &Arc<Flag>) -> Poll<Option<Result<Event, convio_core::Error>>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(&Waker::from(flag.clone())))
}

/// Returns once whoever waits has been woken.
fn woken(world: &World<'_>, flag: &Flag) {
    while !flag.0.swap(false, Ordering::SeqCst) {
        world.goes_on();
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A store that fails so many times, and counts what it is asked to read.
struct Flaky {
    inner: Arc<dyn Store>,
    failing: AtomicUsize,
    asked: AtomicUsize,
}

impl Flaky {
    fn of(inner: Arc<dyn Store>) -> Self {
        Self { inner, failing: AtomicUsize::new(0), asked: AtomicUsize::new(0) }
    }

    fn up(&self) -> Result<&dyn Store, StoreError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Err(StoreError::Unavailable(Fault::new("it was told to fail"))),
            Err(_) => Ok(&*self.inner),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Flaky {
    fn durability(&self) -> Durability {
        self.inner.durability()
    }

    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        self.up()?.load(needs).await
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        self.inner.commit(batch).await
    }
}
convio_core::pass_on_reads!([] Flaky, |store| store.up()?);
