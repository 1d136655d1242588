use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// What a store's [`wait`](crate::event::EventLog::wait) has told so far. The default has been told nothing. It means something to the
/// store object that it came from only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(u64);

/// Wakes whoever waits for something to happen, in this process and without a runtime: what stores answer
/// [`wait`](crate::event::EventLog::wait) by.
///
/// ```
/// use convio_core::store::{Bell, Tick};
///
/// # pollster::block_on(async {
/// let bell = Bell::new();
/// let seen = bell.wait(Tick::default()).await; // whoever has heard nothing does not wait
/// bell.ring();
/// assert_ne!(bell.wait(seen).await, seen); // nor who has not heard of the last one
/// # });
/// ```
#[derive(Debug, Default)]
pub struct Bell {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rung: u64,
    waiting: Vec<(u64, Waker)>,
    waits: u64,
}

impl Bell {
    /// A bell that nobody has heard.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes everyone.
    pub fn ring(&self) {
        let waiting = {
            let mut state = self.state();
            state.rung += 1;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Waits until it has rung since `seen`.
    pub fn wait(&self, seen: Tick) -> impl Future<Output = Tick> + Send + '_ {
        Wait { bell: self, seen, place: None }
    }

    /// Whether anyone waits.
    pub fn is_awaited(&self) -> bool {
        !self.state().waiting.is_empty()
    }

    /// Wakers are taken out before they are called: a panic of one leaves the state whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Wait<'b> {
    bell: &'b Bell,
    seen: Tick,
    /// Its number among those that wait.
    place: Option<u64>,
}

impl Future for Wait<'_> {
    type Output = Tick;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Tick> {
        let mut state = self.bell.state();
        // The first ring is that of its making: who has heard nothing has not heard that.
        let now = Tick(state.rung + 1);
        let place = self.place.unwrap_or(state.waits);
        state.waiting.retain(|(other, _)| *other != place);
        if now != self.seen {
            drop(state);
            self.place = None;
            return Poll::Ready(now);
        }
        state.waiting.push((place, context.waker().clone()));
        state.waits = state.waits.max(place + 1);
        drop(state);
        self.place = Some(place);
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.bell.state().waiting.retain(|(other, _)| *other != place);
        }
    }
}
