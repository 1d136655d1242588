//! Workers that are dropped at any point: each event is handled at least once, those of a contact in order.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use chrono::TimeDelta;
use convio_conformance::dice::Dice;
use convio_conformance::killed::{APART, LEADS, check_at_least_once, clock_of, set_up};
use convio_core::service::{Consumer, RandomIds};
use convio_core::store::async_trait;
use convio_core::{
    ChangeSet, CommitError, Convio, Durability, Loaded, Needs, NewWorkspace, Receipt, Store, StoreError,
};
use convio_store_memory::MemoryStore;
use pollster::block_on;

#[test]
fn workers_that_are_dropped_handle_each_event_at_least_once() {
    let clock = clock_of(0);
    let convio = Convio::with(Arc::new(Stops(MemoryStore::new())), clock.clone(), RandomIds::default());
    let acme = block_on(convio.create_workspace(NewWorkspace::named("Acme Solar"))).unwrap();
    block_on(set_up(&acme, LEADS));
    let effects = Mutex::new(Vec::new());
    let mut dice = Dice::of_this_run();
    for _ in 0..DROPS {
        let mut worker = acme.consumer(APART).events_per_batch(3);
        let mut working = pin!(work(&mut worker, &effects));
        for _ in 0..=dice.index(POLLS_MAX) {
            let polled = working.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(polled, Poll::Pending, "it came to the end");
        }
        // What the worker has is its own until the lease ends.
        clock.advance(TimeDelta::minutes(2));
    }
    let handled = effects.lock().unwrap().len();
    assert!(handled > DROPS, "{handled}");
    block_on(work(&mut acme.consumer(APART), &effects));
    let again = block_on(check_at_least_once(&acme, &effects.into_inner().unwrap()));
    assert!(again > 0, "nobody was dropped between an effect and its acknowledgement");
    assert_eq!(block_on(acme.consumer_state(APART)).unwrap().unwrap().lag, 0);
}

/// Handles all there is, and notes each event as it does.
async fn work(worker: &mut Consumer<'_>, effects: &Mutex<Vec<i64>>) {
    while let Some(batch) = worker.poll().await.unwrap() {
        for event in batch.events() {
            stop().await;
            effects.lock().unwrap().push(event.position.0 as i64);
        }
        batch.ack().await.unwrap();
    }
}

/// A store whose commits can be stopped at, before they are made and after.
#[derive(Debug)]
struct Stops(MemoryStore);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Stops {
    fn durability(&self) -> Durability {
        self.0.durability()
    }

    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        self.0.load(needs).await
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        stop().await;
        let answers = self.0.commit(batch).await;
        stop().await;
        answers
    }
}
convio_core::pass_on_reads!([] Stops, |store| store.0);

/// Answers at its second poll.
async fn stop() {
    let mut is_over = false;
    poll_fn(|context| {
        if std::mem::replace(&mut is_over, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

const DROPS: usize = 200;
/// Polls of two batches and more: one has three events and an acknowledgement, which is five, and its shard is taken before, which is two.
const POLLS_MAX: usize = 14;
