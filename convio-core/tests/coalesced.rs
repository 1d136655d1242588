//! What travels together, who goes first, and what becomes of those who go away: told by hand, without a runtime.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use convio_core::change_set::{ChangeSet, Receipt};
use convio_core::event::EventLog;
use convio_core::store::{Durability, Needs, async_trait};
use convio_core::{
    Coalesced, CommitError, Convio, Error, ErrorKind, FixedClock, Ingested, Loaded, NewWorkspace, RawLead,
    SequentialIds, Store, StoreError, WorkspaceHandle, WorkspaceId,
};
use convio_store_memory::MemoryStore;
use pollster::block_on;

#[test]
fn who_is_alone_goes_at_once_and_who_waits_goes_together() {
    let world = World::new(1);
    let mut calls: Vec<_> = (0..10).map(|n| world.call(0, n)).collect();
    calls.iter_mut().for_each(Call::step);
    assert_eq!(world.slow.begun(), [1]);
    world.slow.let_go();
    assert!(run(&mut calls).into_iter().all(|answer| matches!(answer, Ok(Ingested::Created(_)))));
    assert_eq!(world.slow.begun(), [1, 9]);
}

#[test]
fn callers_that_come_one_after_the_other_never_wait() {
    let world = World::new(1);
    world.slow.let_go();
    for n in 0..5 {
        let mut calls = [world.call(0, n)];
        calls[0].step();
        assert!(calls[0].answer.is_some(), "polled once");
    }
    assert_eq!(world.slow.begun(), [1; 5]);
}

#[test]
fn who_has_just_landed_goes_with_the_next_flight() {
    let world = World::new(1);
    let mut first: Vec<_> = (0..4).map(|n| world.call(0, n)).collect();
    first.iter_mut().for_each(Call::step);
    world.slow.let_go();
    run(&mut first);
    assert_eq!(world.slow.begun(), [1, 3]);
    // The last flight was shared: the first to come waits for its turn once, and the others come meanwhile.
    let mut again: Vec<_> = (10..14).map(|n| world.call(0, n)).collect();
    again.iter_mut().for_each(Call::step);
    run(&mut again);
    assert_eq!(world.slow.begun(), [1, 3, 4]);
}

#[test]
fn workspaces_board_in_turns() {
    let world = World::with(2, |store| store.flights(1).changes_per_flight(40));
    let mut calls: Vec<_> = (0..200).map(|n| world.call(0, n)).collect();
    calls.push(world.call(1, 0));
    calls.iter_mut().for_each(Call::step);
    world.slow.let_go();
    run(&mut calls);
    let flights = world.slow.flights();
    assert_eq!(
        flights[1].get(&world.workspaces[1].id()),
        Some(&1),
        "with the first flight that it could take"
    );
    assert_eq!(flights.iter().map(|flight| flight.values().sum::<usize>()).sum::<usize>(), 201);
}

#[test]
fn a_workspace_is_on_one_flight_at_a_time_and_others_fly_meanwhile() {
    let world = World::new(3);
    let mut calls: Vec<_> = [0, 0, 1, 2, 1].into_iter().zip(0..).map(|(of, n)| world.call(of, n)).collect();
    calls.iter_mut().for_each(Call::step);
    // Two at once: the first of the first workspace, the first of the second.
    assert_eq!(world.slow.begun(), [1, 1]);
    assert_eq!(world.slow.most_of_one_workspace(), 1);
    world.slow.let_go();
    run(&mut calls);
    assert_eq!(world.slow.most_of_one_workspace(), 1);
}

#[test]
fn change_sets_of_a_workspace_are_applied_in_the_order_in_which_they_came() {
    let world = World::with(1, |store| store.changes_per_flight(3));
    let mut calls: Vec<_> = (0..20).map(|n| world.call(0, n)).collect();
    calls.iter_mut().for_each(Call::step);
    world.slow.let_go();
    let answers = run(&mut calls);
    let numbers = convio_core::NumberSeries::of(world.workspaces[0].id());
    for (n, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.unwrap().accepted().unwrap().number, numbers.nth(n as u64));
    }
}

#[test]
fn one_that_fails_leaves_its_neighbours_alone() {
    let world = World::new(1);
    let mut calls = vec![world.call(0, 0)];
    for n in [1, 2, 1, 3] {
        let raw = lead(n).idempotency_key("same");
        calls.push(Call::of(world.workspaces[0].clone(), if n == 1 { raw } else { lead(n) }));
    }
    calls.push(Call::of(world.workspaces[0].clone(), lead(9).idempotency_key("same")));
    calls.iter_mut().for_each(Call::step);
    world.slow.let_go();
    let answers = run(&mut calls);
    assert_eq!(world.slow.begun()[..2], [1, 5]);
    assert!(matches!(answers[1], Ok(Ingested::Created(_))));
    assert!(matches!(answers[3], Ok(Ingested::Replayed(_))));
    assert_eq!(answers[5].as_ref().unwrap_err().kind(), ErrorKind::Conflict);
    assert!([0, 2, 4].iter().all(|n| matches!(answers[*n], Ok(Ingested::Created(_)))));
}

#[test]
fn a_passenger_who_goes_away_stops_nobody_and_its_lead_arrives() {
    let world = World::new(1);
    let mut calls: Vec<_> = (0..3).map(|n| world.call(0, n)).collect();
    calls.iter_mut().for_each(Call::step);
    drop(calls.remove(0)); // in the air, alone
    world.slow.let_go();
    assert_eq!(run(&mut calls).len(), 2);
    assert_eq!(world.leads(0), 3);
}

#[test]
fn who_goes_away_before_take_off_leaves_nothing_behind() {
    let world = World::new(1);
    let mut calls: Vec<_> = (0..4).map(|n| world.call(0, n)).collect();
    calls.iter_mut().for_each(Call::step);
    assert_eq!(world.store.waiting(), 3);
    drop(calls.remove(2));
    assert_eq!(world.store.waiting(), 2);
    world.slow.let_go();
    run(&mut calls);
    assert_eq!(world.leads(0), 3);
}

#[test]
fn a_flight_without_anybody_left_ends_and_the_next_one_goes() {
    let world = World::new(1);
    let mut call = world.call(0, 0);
    call.step();
    drop(call);
    assert_eq!(world.slow.given_up(), 1);
    let mut calls = vec![world.call(0, 1)];
    calls[0].step();
    assert_eq!(world.slow.begun(), [1, 1]);
    world.slow.let_go();
    run(&mut calls);
    assert_eq!(world.leads(0), 1);
}

#[test]
fn a_passenger_whom_nobody_polls_stops_nobody() {
    let world = World::new(1);
    let mut calls: Vec<_> = (0..4).map(|n| world.call(0, n)).collect();
    calls.iter_mut().for_each(Call::step);
    let mut asleep = calls.remove(0); // the only passenger of the first flight
    world.slow.let_go();
    run(&mut calls);
    assert_eq!(world.leads(0), 4);
    asleep.step();
    assert!(matches!(asleep.answer, Some(Ok(Ingested::Created(_)))));
}

#[test]
fn a_store_that_panics_is_an_answer_to_its_passengers_alone() {
    let world = World::new(2);
    let mut calls = vec![world.call(0, 0), world.call(0, 1), world.call(1, 0)];
    calls.iter_mut().for_each(Call::step);
    world.slow.panic_at(0);
    world.slow.let_go();
    let answers = run(&mut calls);
    assert_eq!(answers[0].as_ref().unwrap_err().kind(), ErrorKind::Unknown);
    assert!(answers[1..].iter().all(|answer| matches!(answer, Ok(Ingested::Created(_)))));
}

#[test]
fn what_floods_the_queue_is_refused_and_leaves_room_for_others() {
    let world = World::with(3, |store| store.refuse_above(10));
    let mut calls: Vec<_> = (0..20).map(|n| world.call(0, n)).collect();
    calls.iter_mut().for_each(Call::step);
    // One in the air, five of ten places; the others were refused at once.
    assert_eq!(world.store.waiting(), 5);
    let mut refused = calls.split_off(6);
    for answer in run(&mut refused) {
        let error = answer.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Overloaded, true));
        assert_eq!(error.to_string(), "5 changes wait to be stored already");
    }
    calls.extend([world.call(1, 0), world.call(1, 1), world.call(1, 2), world.call(2, 0)]);
    calls.iter_mut().for_each(Call::step);
    world.slow.let_go();
    let answers = run(&mut calls);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Ingested::Created(_)))), "{answers:?}");
    assert_eq!((world.leads(0), world.leads(1), world.leads(2)), (6, 3, 1));
}

#[test]
fn draining_brings_all_home_and_takes_no_more() {
    let world = World::new(2);
    let mut calls: Vec<_> = (0..6).map(|n| world.call(n as usize % 2, n)).collect();
    calls.iter_mut().for_each(Call::step);
    let mut drain = Box::pin(world.store.drain());
    assert!(poll_once(drain.as_mut()).is_pending());
    let mut late = vec![world.call(0, 9)];
    let error = run(&mut late).pop().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true));
    // Nobody polls the callers: the one who drains moves their flights on.
    world.slow.let_go();
    block_on(drain);
    assert_eq!((world.leads(0), world.leads(1)), (3, 3));
    assert!(run(&mut calls).into_iter().all(|answer| matches!(answer, Ok(Ingested::Created(_)))));
}

#[test]
fn draining_what_is_idle_is_done_at_once() {
    let world = World::new(1);
    assert!(poll_once(Box::pin(world.store.drain()).as_mut()).is_ready());
}

#[test]
fn a_batch_is_answered_in_its_order_whatever_flights_it_took() {
    let world = World::with(1, |store| store.changes_per_flight(7));
    world.slow.let_go();
    let rows = (0..50).map(lead).collect();
    let batch = world.workspaces[0].ingest_batch(rows, convio_core::service::Atomicity::PerRow);
    let answer = block_on(batch).unwrap();
    let leads: Vec<_> =
        answer.rows.iter().map(|row| row.as_ref().unwrap().accepted().unwrap().lead).collect();
    assert!(leads.is_sorted());
    assert_eq!(world.slow.begun(), [7, 7, 7, 7, 7, 7, 7, 1]);
}

/// Real threads, callers that go away at random: each lead is there whole or not at all, and no answer is wrong.
#[test]
fn callers_that_go_away_at_random_leave_whole_leads_or_none() {
    let store = Coalesced::new(MemoryStore::new()).changes_per_flight(5);
    let convio = Convio::new(store.clone());
    let acme = block_on(convio.create_workspace(NewWorkspace::named("Acme"))).unwrap();
    let told = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for thread in 0..8_u32 {
            let (acme, told) = (acme.clone(), &told);
            threads.spawn(move || {
                for n in 0..200_u32 {
                    let mut call = Box::pin(acme.ingest(lead(thread * 1_000 + n)));
                    if n % 3 == 0 {
                        // Polled a few times at most, then dropped.
                        let polls = (0..n % 4).find_map(|_| match poll_once(call.as_mut()) {
                            Poll::Ready(answer) => Some(answer),
                            Poll::Pending => None,
                        });
                        told.fetch_add(polls.into_iter().filter(Result::is_ok).count(), Ordering::SeqCst);
                    } else {
                        assert!(block_on(call).is_ok());
                        told.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    block_on(store.drain());
    let head = block_on(store.head(acme.id())).unwrap().unwrap();
    // Each lead is one event and one contact.
    let leads = head.feed.0 - EVENTS_OF_A_WORKSPACE;
    assert_eq!(head.contacts, leads);
    assert!(leads >= told.load(Ordering::SeqCst) as u64, "what was told is there");
}

/// Workspaces over a store that commits when it is let.
struct World {
    slow: Arc<Slow>,
    store: Coalesced<Arc<Slow>>,
    workspaces: Vec<WorkspaceHandle<'static>>,
}

impl World {
    fn new(workspaces: usize) -> Self {
        Self::with(workspaces, |store| store)
    }

    fn with(workspaces: usize, options: impl Fn(Coalesced<Arc<Slow>>) -> Coalesced<Arc<Slow>>) -> Self {
        let slow = Arc::new(Slow::default());
        let store = options(Coalesced::new(slow.clone()));
        let clock = FixedClock("2027-03-01T15:00:00Z".parse().unwrap());
        let convio = Convio::with(store.clone(), clock, SequentialIds::seeded(1));
        slow.let_go();
        let make =
            |n| block_on(convio.create_workspace(NewWorkspace::named(format!("Workspace {n}")))).unwrap();
        let workspaces: Vec<_> = (0..workspaces).map(make).collect();
        for workspace in &workspaces {
            block_on(workspace.totals()).unwrap();
        }
        slow.hold();
        Self { slow, store, workspaces }
    }

    fn call(&self, workspace: usize, n: u32) -> Call {
        Call::of(self.workspaces[workspace].clone(), lead(n))
    }

    fn leads(&self, workspace: usize) -> u64 {
        let head = block_on(self.store.head(self.workspaces[workspace].id())).unwrap().unwrap();
        head.feed.0 - EVENTS_OF_A_WORKSPACE
    }
}

/// A call that is polled by hand, and only when it was woken.
struct Call {
    future: Pin<Box<dyn Future<Output = Result<Ingested, Error>>>>,
    woken: Arc<Woken>,
    answer: Option<Result<Ingested, Error>>,
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Call {
    fn of(workspace: WorkspaceHandle<'static>, raw: RawLead) -> Self {
        let future = Box::pin(async move { workspace.ingest(raw).await });
        let woken = Arc::new(Woken(AtomicUsize::new(1)));
        Self { future, woken, answer: None }
    }

    /// Polls it once, if it was woken.
    fn step(&mut self) {
        if self.answer.is_some() || self.woken.0.swap(0, Ordering::SeqCst) == 0 {
            return;
        }
        let waker = Waker::from(self.woken.clone());
        if let Poll::Ready(answer) = self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.answer = Some(answer);
        }
    }
}

/// Polls whoever is woken, in turns, until all have their answers.
fn run(calls: &mut [Call]) -> Vec<Result<Ingested, Error>> {
    while calls.iter().any(|call| call.answer.is_none()) {
        let woken = calls.iter().any(|call| call.answer.is_none() && call.woken.0.load(Ordering::SeqCst) > 0);
        assert!(woken, "everybody sleeps, and some have no answer");
        calls.iter_mut().for_each(Call::step);
    }
    calls.iter_mut().filter_map(|call| call.answer.take()).collect()
}

fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A store in memory whose commits end when they are let.
#[derive(Default)]
struct Slow {
    inner: MemoryStore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_held: bool,
    /// How many change sets of which workspace each commit had, since it is held.
    flights: Vec<HashMap<WorkspaceId, usize>>,
    in_the_air: Vec<Vec<WorkspaceId>>,
    most_of_one_workspace: usize,
    given_up: usize,
    panics_at: Option<usize>,
    wakers: Vec<Waker>,
}

impl Slow {
    fn hold(&self) {
        *self.state.lock().unwrap() = State { is_held: true, ..State::default() };
    }

    fn let_go(&self) {
        let mut state = self.state.lock().unwrap();
        state.is_held = false;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn panic_at(&self, flight: usize) {
        self.state.lock().unwrap().panics_at = Some(flight);
    }

    fn flights(&self) -> Vec<HashMap<WorkspaceId, usize>> {
        self.state.lock().unwrap().flights.clone()
    }

    fn begun(&self) -> Vec<usize> {
        self.flights().iter().map(|flight| flight.values().sum()).collect()
    }

    fn most_of_one_workspace(&self) -> usize {
        self.state.lock().unwrap().most_of_one_workspace
    }

    fn given_up(&self) -> usize {
        self.state.lock().unwrap().given_up
    }
}

/// A commit that has not ended.
struct InTheAir<'s>(&'s Slow, Vec<WorkspaceId>, bool);

impl Drop for InTheAir<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap();
        if let Some(at) = state.in_the_air.iter().position(|workspaces| *workspaces == self.1) {
            state.in_the_air.remove(at);
        }
        state.given_up += usize::from(!self.2);
    }
}

#[async_trait]
impl Store for Slow {
    fn durability(&self) -> Durability {
        self.inner.durability()
    }

    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        self.inner.load(needs).await
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        let mut flight = HashMap::new();
        batch.iter().for_each(|changes| *flight.entry(changes.workspace).or_default() += 1);
        let mut workspaces: Vec<_> = flight.keys().copied().collect();
        workspaces.sort();
        let number = {
            let mut state = self.state.lock().unwrap();
            state.in_the_air.push(workspaces.clone());
            let flown: Vec<_> = state.in_the_air.concat();
            let most = flown.iter().map(|id| flown.iter().filter(|other| *other == id).count()).max();
            state.most_of_one_workspace = state.most_of_one_workspace.max(most.unwrap_or(0));
            state.flights.push(flight);
            state.flights.len() - 1
        };
        let mut in_the_air = InTheAir(self, workspaces, false);
        poll_fn(|context| {
            let mut state = self.state.lock().unwrap();
            if state.is_held {
                state.wakers.push(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
        let panics = self.state.lock().unwrap().panics_at == Some(number);
        assert!(!panics, "a broken store");
        let results = self.inner.commit(batch).await;
        in_the_air.2 = true;
        results
    }
}
convio_core::pass_on_reads!([] Slow, |store| store.inner);

fn lead(n: u32) -> RawLead {
    RawLead::json(format!(r#"{{"name":"Jo {n}","phone":"+1212{:07}"}}"#, 2_000_000 + n))
}

/// It is created, and so is its webhook.
const EVENTS_OF_A_WORKSPACE: u64 = 2;
