//! A commit that several callers share, and what each of them holds of it.

use std::collections::HashSet;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use super::queue::{Queue, Seat};
use super::{Results, lock};
use crate::change_set::Receipt;
use crate::id::WorkspaceId;
use crate::store::{CommitError, Fault};

pub(super) type Commit = Pin<Box<dyn Future<Output = Results> + Send>>;

/// A commit of the inner store that is under way.
pub(super) struct Flight {
    commit: Mutex<Option<Commit>>,
    seats: Vec<Seat>,
    workspaces: HashSet<WorkspaceId>,
    bell: Arc<Bell>,
}

/// Rings when the commit can be moved on. All passengers hear it, and some of those that wait: the passengers may be such as nobody
/// polls.
struct Bell {
    rung: AtomicBool,
    passengers: Vec<Arc<Ticket>>,
    queue: Weak<Mutex<Queue>>,
}

impl Flight {
    pub(super) fn new(
        commit: Commit,
        seats: Vec<Seat>,
        workspaces: HashSet<WorkspaceId>,
        queue: Weak<Mutex<Queue>>,
    ) -> Self {
        let mut passengers: Vec<Arc<Ticket>> = Vec::new();
        for seat in &seats {
            // Those of one call sit together, but for calls of several workspaces: to wake such a one twice is no harm.
            if passengers.last().is_none_or(|last| !Arc::ptr_eq(last, &seat.ticket)) {
                passengers.push(seat.ticket.clone());
            }
        }
        let bell = Bell { rung: AtomicBool::new(true), passengers, queue };
        Self { commit: Mutex::new(Some(commit)), seats, workspaces, bell: Arc::new(bell) }
    }

    pub(super) fn carries(&self, workspace: WorkspaceId) -> bool {
        self.workspaces.contains(&workspace)
    }

    pub(super) fn passengers(&self) -> &[Arc<Ticket>] {
        &self.bell.passengers
    }

    /// Whether all its passengers went away.
    pub(super) fn is_abandoned(&self) -> bool {
        self.passengers().iter().all(|ticket| ticket.is_forgotten())
    }

    /// Moves the commit on, if it can be. Answers whether it is done.
    pub(super) fn move_on(&self) -> bool {
        // Who holds the commit looks at the bell once more after letting go: no ring is missed.
        while self.bell.rung.load(Ordering::SeqCst) {
            let mut commit = match self.commit.try_lock() {
                Ok(commit) => commit,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return false,
            };
            if !self.bell.rung.swap(false, Ordering::SeqCst) {
                continue;
            }
            let Some(running) = commit.as_mut() else { return false };
            let waker = Waker::from(self.bell.clone());
            let mut context = Context::from_waker(&waker);
            // Whoever moves it on need not be a passenger: a panic of the store's is an answer to those who are.
            let results = match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(&mut context))) {
                Ok(Poll::Pending) => continue,
                Ok(Poll::Ready(results)) => results,
                Err(_) => {
                    self.seats.iter().map(|_| Err(CommitError::Unknown(Fault::new(PANICKED)))).collect()
                }
            };
            *commit = None;
            drop(commit);
            self.land(results);
            return true;
        }
        false
    }

    fn land(&self, results: Results) {
        let mut wakers = Vec::with_capacity(self.passengers().len());
        let answered = results.len();
        let missing = || Err(CommitError::Misuse(format!("the store answered {answered} change sets")));
        let results = results.into_iter().chain(std::iter::repeat_with(missing));
        for (seat, result) in self.seats.iter().zip(results) {
            wakers.extend(seat.ticket.answer(seat.place, result));
        }
        // Passengers first: they may come again before the next flight takes off.
        if let Some(queue) = self.bell.queue.upgrade() {
            wakers.extend(lock(&queue).land(self, self.passengers().len()));
        }
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        let mut wakers: Vec<Waker> = self.passengers.iter().filter_map(|ticket| ticket.waker()).collect();
        if let Some(queue) = self.queue.upgrade() {
            let queue = lock(&queue);
            wakers.extend(if wakers.is_empty() { queue.wakers() } else { queue.others() });
        }
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// What a call holds: its answers, as far as they are there, and whom to wake.
pub(super) struct Ticket {
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    answers: Vec<Option<Result<Receipt, CommitError>>>,
    missing: usize,
    waker: Option<Waker>,
    has_asked: bool,
    is_forgotten: bool,
    is_done: bool,
}

impl Ticket {
    pub(super) fn for_changes(wanted: usize) -> Arc<Self> {
        let slot = Slot { answers: (0..wanted).map(|_| None).collect(), missing: wanted, ..Slot::default() };
        Arc::new(Self { slot: Mutex::new(slot) })
    }

    /// For one who only waits.
    pub(super) fn for_nothing() -> Arc<Self> {
        Self::for_changes(0)
    }

    /// Wakes this one from now on.
    pub(super) fn wait(&self, waker: &Waker) {
        let mut slot = self.slot();
        match &mut slot.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    pub(super) fn waker(&self) -> Option<Waker> {
        self.slot().waker.clone()
    }

    /// Whether it had not asked yet.
    pub(super) fn is_asking_first(&self) -> bool {
        !std::mem::replace(&mut self.slot().has_asked, true)
    }

    /// Notes an answer; whom to wake, if it was the last.
    fn answer(&self, place: usize, result: Result<Receipt, CommitError>) -> Option<Waker> {
        let mut slot = self.slot();
        slot.answers[place] = Some(result);
        slot.missing -= 1;
        if slot.missing == 0 { slot.waker.take() } else { None }
    }

    /// The answers, once all are there.
    pub(super) fn arrived(&self) -> Option<Results> {
        let mut slot = self.slot();
        if slot.missing > 0 {
            return None;
        }
        slot.is_done = true;
        Some(std::mem::take(&mut slot.answers).into_iter().flatten().collect())
    }

    pub(super) fn is_done(&self) -> bool {
        self.slot().is_done
    }

    /// Whoever held it went away.
    pub(super) fn forget(&self) {
        let mut slot = self.slot();
        (slot.is_forgotten, slot.waker) = (true, None);
    }

    pub(super) fn is_forgotten(&self) -> bool {
        self.slot().is_forgotten
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const PANICKED: &str = "the store panicked while it committed";
