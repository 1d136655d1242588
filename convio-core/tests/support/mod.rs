//! A store that fails on demand.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::sync::Mutex;

use async_trait::async_trait;
use convio_core::change_set::{ChangeSet, Receipt};
use convio_core::store::{CommitError, Durability, Fault, Loaded, Needs, Store, StoreError};
use convio_store_memory::MemoryStore;

/// What happens to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It is done.
    Fine,
    /// It is not done, and said to be.
    Unavailable,
    /// It is done, and the answer is lost.
    Unknown,
    /// It is not done, and nobody can tell.
    Nowhere,
    /// Of its change sets only the even ones are done.
    Half,
}

/// A store in memory that fails as it is told, and keeps how many change sets each commit had.
pub(crate) struct Moody {
    inner: MemoryStore,
    moods: Mutex<Vec<Mood>>,
    last: Mutex<Mood>,
    commits: Mutex<Vec<usize>>,
}

impl Moody {
    pub(crate) fn new() -> Self {
        Self {
            inner: MemoryStore::new(),
            moods: Mutex::default(),
            last: Mutex::new(Mood::Fine),
            commits: Mutex::default(),
        }
    }

    /// From the next commit on: these, and then the last one for ever.
    pub(crate) fn be(&self, moods: &[Mood]) {
        *self.moods.lock().unwrap() = moods.iter().rev().copied().collect();
    }

    /// How many change sets each commit had since the last time that this was asked.
    pub(crate) fn commits(&self) -> Vec<usize> {
        std::mem::take(&mut self.commits.lock().unwrap())
    }

    fn mood(&self) -> Mood {
        let mut last = self.last.lock().unwrap();
        if let Some(mood) = self.moods.lock().unwrap().pop() {
            *last = mood;
        }
        *last
    }
}

#[async_trait]
impl Store for &'static Moody {
    fn durability(&self) -> Durability {
        self.inner.durability()
    }

    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        self.inner.load(needs).await
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        self.commits.lock().unwrap().push(batch.len());
        let fault = || Fault::new("a bad mood");
        match self.mood() {
            Mood::Fine => self.inner.commit(batch).await,
            Mood::Unavailable => batch.iter().map(|_| Err(CommitError::Unavailable(fault()))).collect(),
            Mood::Nowhere => batch.iter().map(|_| Err(CommitError::Unknown(fault()))).collect(),
            Mood::Unknown => {
                let done = self.inner.commit(batch).await;
                done.into_iter().map(|done| done.and_then(|_| Err(CommitError::Unknown(fault())))).collect()
            }
            Mood::Half => {
                let mut answers = Vec::new();
                for (n, changes) in batch.into_iter().enumerate() {
                    match n % 2 {
                        0 => answers.extend(self.inner.commit(vec![changes]).await),
                        _ => answers.push(Err(CommitError::Unavailable(fault()))),
                    }
                }
                answers
            }
        }
    }
}

convio_core::pass_on_reads!([] &'static Moody, |store| store.inner);
