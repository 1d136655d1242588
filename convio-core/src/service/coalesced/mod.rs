//! A store whose concurrent commits travel together.

mod flight;
mod queue;

use std::collections::BTreeSet;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::change_set::{ChangeSet, Receipt};
use crate::id::WorkspaceId;
use crate::store::{CommitError, Durability, Fault, Loaded, Needs, Store, StoreError, async_trait};

use flight::Ticket;
use queue::{Boarding, Bounds, Queue};

type Results = Vec<Result<Receipt, CommitError>>;

/// A store whose concurrent commits travel together: while one commit of the inner store is under way, a *flight*, all that is
/// asked for meanwhile waits and goes with the next one. Many callers then share a round trip, a transaction and a sync.
///
/// - Who finds nothing under way goes at once, and pays nothing for the wrapper.
/// - Nothing is spawned and no runtime is asked for: whoever waits moves the flight on, its own or one that it waits for. A caller
///   that goes away, or is not polled for a while, stops nobody.
/// - A workspace is on one flight at a time, so that its commits never wait for each other in the database, and its change
///   sets are applied in the order in which they came.
/// - Workspaces board in turns: a thousand leads of one do not keep another one's lead waiting.
/// - Each change set is applied whole or not at all, and one that fails leaves its neighbours alone, as in any store. A caller that
///   goes away takes back what has not taken off; what has is applied or not, but whole.
/// - [`Coalesced::refuse_above`] bounds what waits; without it callers wait for as long as it takes, each with its own change set in
///   hand.
/// - Before the process ends, [`Coalesced::drain`] brings all that waits home.
///
/// It reads as the inner store does. Worth its while over a store that is reached by a network; a `SqliteStore` does the same in its
/// writer. Cheap to clone; clones share everything.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
/// use convio_core::{Coalesced, Convio, NewWorkspace, RawLead};
/// use convio_store_memory::MemoryStore;
///
/// let store = Coalesced::new(MemoryStore::new()).refuse_above(10_000);
/// let convio = Convio::new(store.clone());
/// let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await?;
/// acme.ingest(RawLead::json(r#"{"name":"John","phone":"+15551234567"}"#)).await?;
///
/// store.drain().await;
/// let late = acme.ingest(RawLead::json(r#"{"name":"Jane","phone":"+15551234568"}"#)).await;
/// assert!(late.is_err_and(|error| error.is_retryable()));
/// # Ok(()) }) }
/// ```
pub struct Coalesced<S> {
    shared: Arc<Shared<S>>,
}

struct Shared<S> {
    store: Arc<S>,
    queue: Arc<Mutex<Queue>>,
}

impl<S: Store + 'static> Coalesced<S> {
    /// Two flights at a time, a thousand change sets on each, and nobody is refused.
    pub fn new(store: S) -> Self {
        let queue = Arc::new_cyclic(|queue| Mutex::new(Queue::new(queue.clone())));
        Self { shared: Arc::new(Shared { store: Arc::new(store), queue }) }
    }

    /// How many flights are under way at once, at least one: each of other workspaces, and each on a connection of its own.
    #[must_use]
    pub fn flights(self, at_once: usize) -> Self {
        self.bound(|bounds| bounds.flights_max = at_once.max(1))
    }

    /// How many change sets a flight has at most, at least one.
    #[must_use]
    pub fn changes_per_flight(self, changes: usize) -> Self {
        self.bound(|bounds| bounds.changes_max = changes.max(1))
    }

    /// Refuses what comes while too much waits, as [`CommitError::Overloaded`]: of this many places one workspace has at most as many
    /// as are left free, so that one which floods the queue leaves room for the others. A call that finds nothing of its workspace
    /// waiting is taken however large it is.
    #[must_use]
    pub fn refuse_above(self, waiting: usize) -> Self {
        self.bound(|bounds| bounds.waiting_max = Some(waiting))
    }

    /// How many change sets wait for a flight.
    pub fn waiting(&self) -> usize {
        self.queue().waiting()
    }

    /// The inner store.
    pub fn inner(&self) -> &S {
        &self.shared.store
    }

    /// Takes no more commits, which are answered as unavailable from now on, and waits until all that was taken is answered.
    /// Reads go on.
    pub async fn drain(&self) {
        self.queue().close();
        let ticket = Ticket::for_nothing();
        poll_fn(|context| {
            ticket.wait(context.waker());
            self.queue().watch(&ticket);
            self.move_on(&ticket, context);
            if self.queue().is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn bound(self, change: impl FnOnce(&mut Bounds)) -> Self {
        change(self.queue().bounds_mut());
        self
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.shared.queue)
    }

    /// Moves all flights on that have something to do, and lets the next one take off.
    fn move_on(&self, ticket: &Arc<Ticket>, context: &Context<'_>) {
        loop {
            let under_way = self.queue().under_way();
            let landed = under_way.iter().filter(|flight| flight.move_on()).count();
            let boarding = self.queue().board(ticket, |changes| {
                let store = self.shared.store.clone();
                Box::pin(async move { store.commit(changes).await })
            });
            match boarding {
                Boarding::Off => {}
                Boarding::Soon => return context.waker().wake_by_ref(),
                Boarding::Nobody if landed == 0 => return,
                Boarding::Nobody => {}
            }
        }
    }
}

#[async_trait]
impl<S: Store + 'static> Store for Coalesced<S> {
    fn durability(&self) -> Durability {
        self.shared.store.durability()
    }

    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        self.shared.store.load(needs).await
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Results {
        let wanted = batch.len();
        if wanted == 0 {
            return Vec::new();
        }
        let ticket = Ticket::for_changes(wanted);
        let workspaces = batch.iter().map(|changes| changes.workspace).collect();
        if let Err(error) = self.queue().join(&ticket, batch) {
            return vec![Err(error); wanted];
        }
        Trip { store: self, ticket, workspaces }.await
    }
}
crate::pass_on_reads!([S: Store + 'static] Coalesced<S>, |store| store.shared.store);

/// A call on its way.
struct Trip<'c, S: Store + 'static> {
    store: &'c Coalesced<S>,
    ticket: Arc<Ticket>,
    workspaces: BTreeSet<WorkspaceId>,
}

impl<S: Store + 'static> Future for Trip<'_, S> {
    type Output = Results;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Results> {
        // Before a flight is looked at: what happens to it after that rings.
        self.ticket.wait(context.waker());
        self.store.move_on(&self.ticket, context);
        self.ticket.arrived().map_or(Poll::Pending, Poll::Ready)
    }
}

impl<S: Store + 'static> Drop for Trip<'_, S> {
    fn drop(&mut self) {
        if self.ticket.is_done() {
            return;
        }
        // Whoever waits behind moves on what this one would have.
        let (dropped, abandoned, wakers) = self.store.queue().leave(&self.ticket, &self.workspaces);
        drop((dropped, abandoned));
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl<S> Clone for Coalesced<S> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<S> fmt::Debug for Coalesced<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coalesced")
            .field("waiting", &lock(&self.shared.queue).waiting())
            .finish_non_exhaustive()
    }
}

/// A panic leaves what is behind a lock of this module whole: it is not held while anything of others runs.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a commit is answered with that came after the last one.
fn closed() -> CommitError {
    CommitError::Unavailable(Fault::new("the store is being shut down"))
}
