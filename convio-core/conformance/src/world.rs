use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU16, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use convio_core::{
    Accepted, Clock, Convio, Ingested, NewWorkspace, RawLead, Reason, Refused, SequentialIds, Store,
    WorkspaceHandle,
};
use serde_json::{Value, json};

use crate::{Shared, Subject};

/// What a case plays in: a store, a clock that it sets, and as many processes as it wants.
pub struct World<'s> {
    /// The store's subject.
    pub subject: &'s dyn Subject,
    /// The clock of every process.
    pub clock: ManualClock,
    processes: AtomicU16,
    /// Whether a thread of the case has panicked.
    failed: AtomicBool,
}

/// A thread of a case, for as long as it is at work.
pub(crate) struct Thread<'w>(&'w AtomicBool);

impl Drop for Thread<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

impl<'s> World<'s> {
    /// A world with this store, at a moment of no meaning: 2027-03-01, three in the afternoon in London.
    pub fn of(subject: &'s dyn Subject) -> Self {
        Self::starting(subject, START)
    }

    /// A world that starts at another moment, in microseconds since 1970.
    pub fn starting(subject: &'s dyn Subject, micros: i64) -> Self {
        Self {
            subject,
            clock: ManualClock::at(micros),
            processes: AtomicU16::new(0),
            failed: AtomicBool::new(false),
        }
    }

    /// One more thread of the case. Held to its end, so that others need not wait for it if it fails.
    pub(crate) fn thread(&self) -> Thread<'_> {
        Thread(&self.failed)
    }

    /// Called by a thread again and again while it waits for another one.
    ///
    /// # Panics
    /// When a thread of the case has failed: what is waited for would never come, and nobody be told of the failure.
    #[track_caller]
    pub(crate) fn goes_on(&self) {
        assert!(!self.failed.load(Ordering::SeqCst), "another thread of this case has failed");
        std::thread::yield_now();
    }

    /// The store.
    pub fn store(&self) -> Arc<dyn Store> {
        self.subject.store()
    }

    /// One more process on the store: with a cache and ids of its own, and the clock of all.
    pub fn convio(&self) -> Convio<'static> {
        self.convio_on(self.store())
    }

    /// One more process on another store.
    pub fn convio_on(&self, store: Arc<dyn Store>) -> Convio<'static> {
        Convio::with(Shared(store), self.clock.clone(), self.ids())
    }

    /// Ids of one more process: they are never those of another one.
    pub fn ids(&self) -> SequentialIds {
        SequentialIds::seeded(self.processes.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// A new workspace in Los Angeles, seen by a process of its own.
    pub async fn acme(&self) -> WorkspaceHandle<'static> {
        let new = NewWorkspace::named("Acme Solar").zone("America/Los_Angeles").currency("USD");
        self.convio().create_workspace(new).await.unwrap()
    }

    /// The same workspace, seen by another process.
    pub fn elsewhere(&self, acme: &WorkspaceHandle<'_>) -> WorkspaceHandle<'static> {
        self.convio().workspace(acme.id())
    }
}

impl std::fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// A clock that stands still until it is told otherwise. Clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows this many microseconds since 1970.
    pub fn at(micros: i64) -> Self {
        Self(Arc::new(AtomicI64::new(micros)))
    }

    /// Moves it on.
    pub fn advance(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap_or_default()
    }
}

/// A lead with the `n`-th phone number, and a name to it.
pub fn lead(n: u32) -> RawLead {
    lead_with(n, json!({}))
}

/// The `n`-th lead with more fields, or others.
pub fn lead_with(n: u32, more: Value) -> RawLead {
    RawLead::json(body_of(n, more))
}

/// The body of the `n`-th lead with more fields, or others; a field that is null is left out.
pub fn body_of(n: u32, more: Value) -> String {
    let mut body = json!({"firstName": format!("Given{n}"), "lastName": "Family", "phone": phone(n)});
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
        body.retain(|_, value| !value.is_null());
    }
    body.to_string()
}

/// The `n`-th of ten million phone numbers, all assigned.
pub fn phone(n: u32) -> String {
    format!("+1{}{:07}", ["212", "213", "312"][(n / 7_000_000) as usize % 3], 2_000_000 + n % 7_000_000)
}

/// The lead that was taken by this very call.
#[track_caller]
pub fn taken(answer: Result<Ingested, convio_core::Error>) -> Accepted {
    match answer {
        Ok(Ingested::Created(accepted) | Ingested::Linked(accepted)) => accepted,
        other => panic!("the lead was not taken: {other:?}"),
    }
}

/// The lead that made its contact.
#[track_caller]
pub fn created(answer: Result<Ingested, convio_core::Error>) -> Accepted {
    match answer {
        Ok(Ingested::Created(accepted)) => accepted,
        other => panic!("the lead made no contact: {other:?}"),
    }
}

/// The lead that was linked to a known contact.
#[track_caller]
pub fn linked(answer: Result<Ingested, convio_core::Error>) -> Accepted {
    match answer {
        Ok(Ingested::Linked(accepted)) => accepted,
        other => panic!("the lead was not linked: {other:?}"),
    }
}

/// The lead that was rejected by this very call.
#[track_caller]
pub fn rejected(answer: Result<Ingested, convio_core::Error>) -> Refused {
    match answer {
        Ok(Ingested::Rejected(refused)) => refused,
        other => panic!("the lead was not rejected: {other:?}"),
    }
}

/// The lead that was not taken since it repeats another one.
#[track_caller]
pub fn duplicate(answer: Result<Ingested, convio_core::Error>) -> Refused {
    match answer {
        Ok(Ingested::Duplicate(refused)) => refused,
        other => panic!("the lead was not found to repeat another one: {other:?}"),
    }
}

/// What was answered when the same call came first.
#[track_caller]
pub fn replayed(answer: Result<Ingested, convio_core::Error>) -> Ingested {
    match answer {
        Ok(Ingested::Replayed(first)) => *first,
        other => panic!("the call was not replayed: {other:?}"),
    }
}

/// The fields and codes of reasons, as `field/code`.
pub fn codes(reasons: &[Reason]) -> Vec<String> {
    reasons.iter().map(|reason| format!("{}/{}", reason.field, reason.code)).collect()
}

/// 2027-03-01T15:00:00Z: seven in the morning in Los Angeles.
const START: i64 = 1_803_913_200_000_000;
