use uuid::Uuid;

use super::{Consumer, Found};
use crate::api_key::Permission;
use crate::change_set::Version;
use crate::consumer::{
    ConsumerSettings, DeadLetters, KeptShard, Refusal, Shard, Token, Verdict, Work, shard_key,
};
use crate::error::{Error, Reason};
use crate::event::{Event, Position};
use crate::record::{CONSUMER_KIND, DEAD_LETTERS_KIND, fetch_record, write_of};
use crate::service::{TRIES_MAX, WorkspaceHandle};
use crate::store::CommitError;

/// Events of one shard to be handled, in order. Answer it before its lease ends ([`Batch::renew`] makes that later): after that another
/// worker may have the shard, and the answer is a [`Conflict`](crate::ErrorKind::Conflict).
#[must_use = "a batch that is not answered is handed out again"]
pub struct Batch<'w, 's> {
    worker: &'w mut Consumer<'s>,
    settings: ConsumerSettings,
    kept: KeptShard,
    token: Token,
    work: Work,
    events: Vec<Event>,
}

impl<'w, 's> Batch<'w, 's> {
    pub(super) fn of(worker: &'w mut Consumer<'s>, found: Found) -> Self {
        let Found { kept, settings, token, work, events } = found;
        Self { worker, settings, kept, token, work, events }
    }

    /// The events, by position.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The shard that they are of.
    pub fn shard(&self) -> u16 {
        self.kept.shard.index
    }

    /// The lease, by its number in the shard: greater than that of whoever had the shard before. Whoever is told it with each effect can refuse
    /// those of a worker that is behind.
    pub fn token(&self) -> Token {
        self.token
    }

    /// The worker that has it.
    pub fn worker(&self) -> Uuid {
        self.worker.worker
    }

    /// Whether it is a dead letter that is tried again.
    pub fn is_again(&self) -> bool {
        matches!(self.work, Work::Again(_))
    }

    /// How often the first of the events was tried before.
    pub fn tries(&self) -> u32 {
        match (self.work, self.events.first()) {
            (Work::Again(position), _) => {
                let again = self.kept.shard.again.iter().find(|again| again.position == position);
                again.map_or(0, |again| again.tries)
            }
            (Work::Through(_), Some(event)) => self.kept.shard.tries_of(event.position),
            (Work::Through(_), None) => 0,
        }
    }

    /// All of them are handled. The worker keeps the shard for another lease. One commit, which makes no event.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when the lease was lost: they are handed out again, to whoever has the shard now.
    pub async fn ack(self) -> Result<(), Error> {
        let acme = self.worker.acme.clone();
        self.ack_within(&acme).await
    }

    /// The same in a transaction of yours: the events are handled if it is committed, together with whatever the handler wrote in it, and
    /// otherwise not. So each has its effect once.
    ///
    /// `inside` is the handle of the same workspace in that transaction: see [`WorkspaceHandle::within`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::consumer::ConsumerSettings;
    /// use convio_core::{Convio, NewWorkspace, Position};
    /// use convio_store_memory::MemoryStore;
    /// use std::sync::Arc;
    ///
    /// let store = Arc::new(MemoryStore::new());
    /// let acme = Convio::new(store.clone()).create_workspace(NewWorkspace::named("Acme Solar")).await?;
    /// acme.create_consumer("crm", ConsumerSettings::new(), Position(0)).await?;
    /// let mut worker = acme.consumer("crm");
    /// let batch = worker.poll().await?.unwrap();
    /// let inside = acme.within(store); // stands for a store inside of a transaction
    /// batch.ack_within(&inside).await?;
    /// assert!(worker.poll().await?.is_none());
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when the lease was lost: roll back. [`Invalid`](crate::ErrorKind::Invalid) for the handle of another
    /// workspace.
    pub async fn ack_within(self, inside: &WorkspaceHandle<'_>) -> Result<(), Error> {
        let (token, work, lasting) = (self.token, self.work, self.settings.lease());
        self.settle(inside, |shard, now| Ok(shard.ack(token, work, now, lasting)?)).await.map(drop)
    }

    /// The event at this position can't be handled, for this reason; all before it are handled. It is tried again after a while, with what
    /// comes after it in its shard, or it is laid aside, if it was tried often enough. One commit. The shard is free again.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when the lease was lost; [`Invalid`](crate::ErrorKind::Invalid) when it is no event of the batch.
    pub async fn nack(self, failed: Position, reason: &str) -> Result<Verdict, Error> {
        let acme = self.worker.acme.clone();
        self.nack_within(&acme, failed, reason).await
    }

    /// The same in a transaction of yours, with the effects of the events before it.
    ///
    /// # Errors
    /// Those of [`Batch::nack`] and [`Batch::ack_within`].
    pub async fn nack_within(
        self,
        inside: &WorkspaceHandle<'_>,
        failed: Position,
        reason: &str,
    ) -> Result<Verdict, Error> {
        self.check(inside)?;
        if self.events.iter().all(|event| event.position != failed) {
            return Err(refused(Refusal::NoneOfIt(failed)));
        }
        let permit = inside.permit(Permission::Admin).await?;
        let (workspace, key) = (inside.id(), shard_key(&self.worker.name, self.shard()));
        let retry = &self.settings.retry;
        let mut kept = self.kept.clone();
        for _ in 0..TRIES_MAX {
            let is_last = self.is_again() || kept.shard.tries_of(failed) + 1 >= retry.tries_max;
            let record = match is_last {
                true => fetch_record(inside.store(permit), workspace, DEAD_LETTERS_KIND, &key).await?,
                false => None,
            };
            let version = record.as_ref().map_or(Version::ZERO, |record| record.version);
            let mut letters: DeadLetters =
                record.map(|record| record.read()).transpose()?.unwrap_or_default();
            let has_room = letters.has_room(kept.shard.again.len());
            let mut changes = inside.changes();
            let (of, now) = ((self.work, failed), changes.at);
            let verdict = kept.shard.nack(self.token, of, reason, now, (retry, has_room)).map_err(refused)?;
            kept.keep(&self.worker.name, &mut changes)?;
            if let Verdict::Dead(letter) = &verdict {
                letters.lay(letter.clone());
                let name = (DEAD_LETTERS_KIND, key.clone());
                changes.records.push(write_of(workspace, name, &letters, version.next())?);
            }
            match inside.commit_one(changes).await {
                Ok(_) => return Ok(verdict),
                Err(CommitError::Conflict { .. }) => {
                    kept = read_shard(inside, &self.worker.name, &kept).await?
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(too_many_tries())
    }

    /// Keeps the shard for another lease, while they are being handled. One commit.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when the lease was lost: stop.
    pub async fn renew(&mut self) -> Result<(), Error> {
        let acme = self.worker.acme.clone();
        let (token, lasting) = (self.token, self.settings.lease());
        self.kept = self.settle(&acme, |shard, now| Ok(shard.renew(token, now, lasting)?)).await?;
        Ok(())
    }

    /// Gives the shard back with nothing handled: another worker may have it at once. One commit.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when the lease was lost.
    pub async fn release(self) -> Result<(), Error> {
        let (acme, token) = (self.worker.acme.clone(), self.token);
        self.settle(&acme, |shard, _| Ok(shard.release(token)?)).await.map(drop)
    }

    /// Changes the shard and writes it; again on what is there now, when someone else changed it in between and left the lease.
    async fn settle(
        &self,
        inside: &WorkspaceHandle<'_>,
        change: impl Fn(&mut Shard, chrono::DateTime<chrono::Utc>) -> Result<(), Refusal>,
    ) -> Result<KeptShard, Error> {
        self.check(inside)?;
        inside.permit(Permission::Admin).await?;
        let mut kept = self.kept.clone();
        for _ in 0..TRIES_MAX {
            let mut changes = inside.changes();
            change(&mut kept.shard, changes.at).map_err(refused)?;
            kept.keep(&self.worker.name, &mut changes)?;
            match inside.commit_one(changes).await {
                Ok(_) => return Ok(KeptShard { version: kept.version.next(), ..kept }),
                Err(CommitError::Conflict { .. }) => {
                    kept = read_shard(inside, &self.worker.name, &kept).await?
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(too_many_tries())
    }

    fn check(&self, inside: &WorkspaceHandle<'_>) -> Result<(), Error> {
        if inside.id() == self.worker.acme.id() {
            return Ok(());
        }
        let message = "the handle is of another workspace than the batch";
        Err(Error::invalid(vec![Reason::new("inside", "other_workspace", message)]))
    }
}

impl std::fmt::Debug for Batch<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Batch({} events of shard {} of {})", self.events.len(), self.shard(), self.worker.name)
    }
}

/// The shard as it is now.
async fn read_shard(acme: &WorkspaceHandle<'_>, name: &str, kept: &KeptShard) -> Result<KeptShard, Error> {
    let permit = acme.permit(Permission::Admin).await?;
    let key = shard_key(name, kept.shard.index);
    let record = fetch_record(acme.store(permit), acme.id(), CONSUMER_KIND, &key).await?;
    let record = record.ok_or_else(|| Error::not_found("consumer", name))?;
    Ok(KeptShard { shard: record.read()?, version: record.version })
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Fenced(fenced) => Error::conflict(fenced.to_string()),
        Refusal::NoneOfIt(_) => {
            Error::invalid(vec![Reason::new("failed", "none_of_it", refusal.to_string())])
        }
    }
}

fn too_many_tries() -> Error {
    Error::conflict("the shard was changed by someone else again and again")
}
