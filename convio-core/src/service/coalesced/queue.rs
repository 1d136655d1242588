//! What waits, whose turn it is, and what is under way.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, Weak};
use std::task::Waker;

use super::closed;
use super::flight::{Commit, Flight, Ticket};
use crate::change_set::ChangeSet;
use crate::id::WorkspaceId;
use crate::store::CommitError;

/// What waits, by workspace, and what is under way.
pub(super) struct Queue {
    /// Itself, as flights know it.
    own: Weak<Mutex<Queue>>,
    bounds: Bounds,
    waiting: HashMap<WorkspaceId, VecDeque<Waiting>>,
    /// The workspaces that have something waiting, the one whose turn it is first.
    turns: VecDeque<WorkspaceId>,
    waiting_count: usize,
    flights: Vec<Arc<Flight>>,
    /// Whether the last flight had more than one passenger: some of them may be about to come again.
    was_shared: bool,
    is_closed: bool,
    /// Who waits for the end of it all.
    watchers: Vec<Weak<Ticket>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) flights_max: usize,
    pub(super) changes_max: usize,
    pub(super) waiting_max: Option<usize>,
}

/// A change set that waits.
struct Waiting {
    changes: ChangeSet,
    seat: Seat,
}

/// Whose change set it is, and which of the call's.
pub(super) struct Seat {
    pub(super) ticket: Arc<Ticket>,
    pub(super) place: usize,
}

pub(super) enum Boarding {
    /// A flight has taken off.
    Off,
    /// One will, as soon as those who are about to come have come: ask again.
    Soon,
    /// Nothing can.
    Nobody,
}

impl Queue {
    pub(super) fn new(own: Weak<Mutex<Self>>) -> Self {
        Self {
            own,
            bounds: Bounds { flights_max: FLIGHTS_MAX, changes_max: CHANGES_MAX, waiting_max: None },
            waiting: HashMap::new(),
            turns: VecDeque::new(),
            waiting_count: 0,
            flights: Vec::new(),
            was_shared: false,
            is_closed: false,
            watchers: Vec::new(),
        }
    }

    pub(super) fn bounds_mut(&mut self) -> &mut Bounds {
        &mut self.bounds
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting_count
    }

    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting_count == 0 && self.flights.is_empty()
    }

    /// Wakes this one, too, when something happens.
    pub(super) fn watch(&mut self, ticket: &Arc<Ticket>) {
        self.watchers.retain(|known| known.strong_count() > 0 && !std::ptr::eq(known.as_ptr(), &**ticket));
        self.watchers.push(Arc::downgrade(ticket));
    }

    /// Takes in the change sets of a call, or none of them.
    pub(super) fn join(&mut self, ticket: &Arc<Ticket>, batch: Vec<ChangeSet>) -> Result<(), CommitError> {
        if self.is_closed {
            return Err(closed());
        }
        self.check_room(&batch)?;
        self.waiting_count += batch.len();
        for (place, changes) in batch.into_iter().enumerate() {
            let workspace = changes.workspace;
            let own = self.waiting.entry(workspace).or_default();
            if own.is_empty() {
                self.turns.push_back(workspace);
            }
            own.push_back(Waiting { changes, seat: Seat { ticket: ticket.clone(), place } });
        }
        Ok(())
    }

    fn check_room(&self, batch: &[ChangeSet]) -> Result<(), CommitError> {
        let Some(waiting_max) = self.bounds.waiting_max else { return Ok(()) };
        let free = waiting_max.saturating_sub(self.waiting_count);
        let own = |changes: &ChangeSet| self.waiting.get(&changes.workspace).map_or(0, VecDeque::len);
        let has_room = batch.iter().all(|changes| match own(changes) {
            0 => true,
            own => own + batch.len() <= free,
        });
        if has_room { Ok(()) } else { Err(CommitError::Overloaded { waiting: self.waiting_count }) }
    }

    /// Takes back what a call that went away has waiting. Answers that and the flights that end with it, to be dropped without the
    /// lock, and who is to be woken in its place.
    pub(super) fn leave(
        &mut self,
        ticket: &Arc<Ticket>,
        workspaces: &BTreeSet<WorkspaceId>,
    ) -> (Vec<ChangeSet>, Vec<Arc<Flight>>, Vec<Waker>) {
        ticket.forget();
        let mut left = Vec::new();
        for workspace in workspaces {
            let Some(own) = self.waiting.get_mut(workspace) else { continue };
            for waiting in std::mem::take(own) {
                if Arc::ptr_eq(&waiting.seat.ticket, ticket) {
                    left.push(waiting.changes);
                } else {
                    own.push_back(waiting);
                }
            }
        }
        self.waiting_count -= left.len();
        self.forget_idle();
        // Where nobody is left to bring them home, flights end as any commit does whose caller goes away.
        let is_deserted = self.waiting_count == 0
            && self.watchers().next().is_none()
            && self.flights.iter().all(|flight| flight.is_abandoned());
        let abandoned = if is_deserted { std::mem::take(&mut self.flights) } else { Vec::new() };
        (left, abandoned, self.wakers())
    }

    fn forget_idle(&mut self) {
        self.waiting.retain(|_, own| !own.is_empty());
        let waiting = &self.waiting;
        self.turns.retain(|workspace| waiting.contains_key(workspace));
    }

    pub(super) fn under_way(&self) -> Vec<Arc<Flight>> {
        self.flights.clone()
    }

    /// Lets a flight take off, if there is room in the air, with those whose workspace is not there already, in turns.
    ///
    /// After a flight with several passengers, each who asks is told once to come again: those who have just landed come first,
    /// and go with the next flight instead of missing it by a hair.
    pub(super) fn board(&mut self, who: &Ticket, commit: impl FnOnce(Vec<ChangeSet>) -> Commit) -> Boarding {
        let has_room = self.flights.len() < self.bounds.flights_max;
        if !has_room || !self.turns.iter().any(|workspace| !self.is_in_the_air(*workspace)) {
            return Boarding::Nobody;
        }
        if self.was_shared && who.is_asking_first() {
            return Boarding::Soon;
        }
        let (mut batch, mut seats, mut workspaces, mut bytes) = (Vec::new(), Vec::new(), HashSet::new(), 0);
        let mut passed_by = VecDeque::new();
        while batch.len() < self.bounds.changes_max && bytes < BYTES_MAX {
            let Some(workspace) = self.turns.pop_front() else { break };
            if self.is_in_the_air(workspace) {
                passed_by.push_back(workspace);
                continue;
            }
            let Some(own) = self.waiting.get_mut(&workspace) else { continue };
            workspaces.insert(workspace);
            let room = self.bounds.changes_max - batch.len();
            for Waiting { changes, seat } in own.drain(..own.len().min(room).min(TURN)) {
                bytes += changes.payloads.iter().map(|payload| payload.body.len()).sum::<usize>();
                batch.push(changes);
                seats.push(seat);
            }
            if own.is_empty() {
                self.waiting.remove(&workspace);
            } else {
                self.turns.push_back(workspace);
            }
        }
        // Who is in the air keeps the place in front.
        passed_by.append(&mut self.turns);
        self.turns = passed_by;
        self.waiting_count -= batch.len();
        self.flights.push(Arc::new(Flight::new(commit(batch), seats, workspaces, self.own.clone())));
        Boarding::Off
    }

    fn is_in_the_air(&self, workspace: WorkspaceId) -> bool {
        self.flights.iter().any(|flight| flight.carries(workspace))
    }

    /// A flight has landed. Answers who is to be woken for that: all that wait, one of whom lets the next one take off.
    pub(super) fn land(&mut self, flight: &Flight, passengers: usize) -> Vec<Waker> {
        self.flights.retain(|other| !std::ptr::eq(&**other, flight));
        self.was_shared = passengers > 1;
        self.waiting_wakers(usize::MAX)
    }

    /// Whoever can move a flight on besides its passengers: all who watch, and some of those that wait.
    pub(super) fn others(&self) -> Vec<Waker> {
        self.waiting_wakers(WOKEN)
    }

    /// Everyone.
    pub(super) fn wakers(&self) -> Vec<Waker> {
        let passengers = self.flights.iter().flat_map(|flight| flight.passengers());
        let mut wakers: Vec<Waker> = passengers.filter_map(|ticket| ticket.waker()).collect();
        wakers.extend(self.waiting_wakers(usize::MAX));
        wakers
    }

    fn waiting_wakers(&self, most: usize) -> Vec<Waker> {
        let waiting = self.turns.iter().filter_map(|workspace| self.waiting.get(workspace)).flatten();
        let mut wakers: Vec<Waker> = Vec::new();
        let mut last: *const Ticket = std::ptr::null();
        for Waiting { seat, .. } in waiting {
            // The change sets of one call wait together.
            if wakers.len() < most && !std::ptr::eq(last, &*seat.ticket) {
                last = &*seat.ticket;
                wakers.extend(seat.ticket.waker());
            }
        }
        wakers.extend(self.watchers().filter_map(|ticket| ticket.waker()));
        wakers
    }

    fn watchers(&self) -> impl Iterator<Item = Arc<Ticket>> {
        self.watchers.iter().filter_map(Weak::upgrade)
    }
}

/// Flights at once: while one waits for the disk, another one of other workspaces uses the processor.
const FLIGHTS_MAX: usize = 2;
/// Change sets of a flight: as many as a store takes in one transaction.
const CHANGES_MAX: usize = 1_000;
/// Bytes of payloads after which a flight is full.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// Change sets that a workspace boards before it is the next one's turn.
const TURN: usize = 32;
/// Of those that wait how many are woken whenever a flight can be moved on: many enough that one of them is polled should none of
/// its passengers be.
const WOKEN: usize = 32;
