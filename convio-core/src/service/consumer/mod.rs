//! Named consumers: workers that handle a workspace's events, at least once and in order.
//!
//! | call | reads | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `poll` that finds nothing | the consumer with its shards; the feed | 0 | 2 |
//! | `poll` that takes a shard | the same | 1 | 4 |
//! | `poll` of who has the shard for some time yet | the same | 0 | 2 |
//! | `ack`, `nack`, `renew`, `release` | nothing | 1 | 2 |
//! | `nack` of an event that was tried often enough | the dead letters | 1 | 3 |
//! | `pause_consumer` and other changes | the consumer with its shards | 1 | 3 |
//! | `create_consumer` | where the feed ends; the names; one of the name that was removed | 1 | 5 |
//! | `remove_consumer` | the consumer with its shards; its dead letters; the names | 1 | 5 |
//!
//! A commit here is of records alone: it makes no event, and leaves the configuration's version as it is.

mod batch;
mod life;
mod manage;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::WorkspaceHandle;
use super::drive::Permit;
use crate::api_key::Permission;
use crate::change_set::ChangeSet;
use crate::consumer::{
    BATCH_EVENTS_MAX, ConsumerSettings, Group, KeptShard, NotFree, SHARDS_MAX, Token, Work, check_name,
    shard_of,
};
use crate::error::Error;
use crate::event::{Event, Position};
use crate::record::CONSUMER_KIND;
use crate::store::{CommitError, Tick};

pub use batch::Batch;
pub use manage::{ConsumerState, LAG_COUNTED_MAX, REWIND_MARGIN, Rewind, ShardState};

/// One worker of a named consumer of a workspace: it takes what is to be handled, batch by batch. Any number of workers, in any number of
/// processes, may work for one consumer; each takes shards that nobody else has.
///
/// Events are handed out at least once, those of one contact in order and to one worker at a time. A worker that dies is replaced when its
/// lease ends, and whatever it had not acknowledged is handed out again. Two clocks that differ by more than a lease let two workers
/// have one shard for a moment: then only the newer one's answer counts.
///
/// What a handler writes and that it did can be one transaction: see [`Batch::ack_within`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
/// use convio_core::consumer::ConsumerSettings;
/// use convio_core::{Convio, NewWorkspace, Position, RawLead};
/// use convio_store_memory::MemoryStore;
///
/// let convio = Convio::new(MemoryStore::new());
/// let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await?;
/// acme.ingest(RawLead::json(r#"{"phone":"+12125550123"}"#)).await?;
/// acme.create_consumer("crm", ConsumerSettings::new(), Position(0)).await?;
///
/// let mut worker = acme.consumer("crm");
/// let mut handled = 0;
/// while let Some(batch) = worker.poll().await? {
///     handled += batch.events().len(); // tell the CRM of each
///     batch.ack().await?;
/// }
/// assert_eq!(handled, 3); // the workspace, its webhook, and the lead
/// assert_eq!(acme.consumer_state("crm").await?.unwrap().lag, 0);
/// # Ok(()) }) }
/// ```
pub struct Consumer<'s> {
    acme: WorkspaceHandle<'s>,
    name: String,
    worker: Uuid,
    events_max: usize,
    /// How many shards there were when it was last looked at.
    shards: u16,
    /// The shard that has its turn.
    turn: u16,
    due: Option<DateTime<Utc>>,
    /// What the store had told before the last poll.
    tick: Tick,
}

/// What a poll found.
struct Found {
    kept: KeptShard,
    settings: ConsumerSettings,
    token: Token,
    work: Work,
    events: Vec<Event>,
}

impl<'s> WorkspaceHandle<'s> {
    /// A new worker of the consumer of this name. Reads nothing: whether there is such a consumer shows at the first poll.
    pub fn consumer(&self, name: impl Into<String>) -> Consumer<'s> {
        Consumer {
            acme: self.clone(),
            name: name.into(),
            worker: self.new_id(),
            events_max: EVENTS_PER_BATCH,
            shards: SHARDS_MAX,
            turn: 0,
            due: None,
            tick: Tick::default(),
        }
    }
}

impl<'s> Consumer<'s> {
    /// The same worker, with batches of at most so many events, from 1 to [`BATCH_EVENTS_MAX`]. A hundred where nothing is said.
    #[must_use]
    pub fn events_per_batch(mut self, events: usize) -> Self {
        self.events_max = events.clamp(1, BATCH_EVENTS_MAX);
        self
    }

    /// The name of the consumer.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What tells this worker from all others.
    pub fn worker(&self) -> Uuid {
        self.worker
    }

    /// From when on there may be more than the last poll found, though nothing new happens: an event that failed is due then, or the lease of
    /// another worker ends.
    pub fn due(&self) -> Option<DateTime<Utc>> {
        self.due
    }

    /// Waits until there may be more than the last poll found, in this workspace or another. It hears of what is committed through the same
    /// store, and of what other processes commit as far as the store says so; never of time: wait no longer than you can be late, and no longer
    /// than until [`due`](Self::due), and poll in any case.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn wait(&mut self) -> Result<(), Error> {
        let permit = self.acme.permit(Permission::Admin).await?;
        self.tick = self.acme.store(permit).wait(self.tick).await?;
        Ok(())
    }

    /// Takes what is to be handled next; `None` where there is nothing now: nothing new, or others have all that is new.
    ///
    /// A batch that is dropped is handed out again: to this worker by its next poll, to others once the lease ends.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) where there is no such consumer; those of the store.
    pub async fn poll(&mut self) -> Result<Option<Batch<'_, 's>>, Error> {
        let permit = self.acme.permit(Permission::Admin).await?;
        check_name(&self.name)?;
        // Asked before the look: whatever happens after it is waited for no longer.
        self.tick = self.acme.store(permit).wait(Tick::default()).await?;
        let mut overtaken = 0;
        let found = loop {
            match self.look(permit).await {
                Ok(found) => break found,
                Err(Lost::Further) => {}
                Err(Lost::Overtaken) if overtaken < OVERTAKEN_MAX => overtaken += 1,
                Err(Lost::Overtaken) => break None,
                Err(Lost::Failed(error)) => return Err(error),
            }
        };
        let Some(found) = found else { return Ok(None) };
        self.turn = found.kept.shard.index + 1;
        Ok(Some(Batch::of(self, found)))
    }

    /// Looks for work once.
    async fn look(&mut self, permit: Permit) -> Result<Option<Found>, Lost> {
        let group = self.read(permit).await?;
        let now = self.acme.now();
        let busy = group.active().filter_map(|kept| match kept.shard.is_free(self.worker, now) {
            Err(NotFree::Leased(until) | NotFree::Waiting(until)) => Some(until),
            _ => None,
        });
        self.due = busy.min();
        let mut free: Vec<&KeptShard> =
            group.active().filter(|kept| kept.shard.is_free(self.worker, now).is_ok()).collect();
        let (turn, of) = (self.turn, group.definition.settings.shards.max(1));
        free.sort_by_key(|kept| (kept.shard.index + of - turn % of) % of);
        for kept in &free {
            let Some(again) = kept.shard.again.first() else { continue };
            let events = self.feed(permit, Position(again.position.0.saturating_sub(1)), 1).await?;
            return self.take(&group, kept, Work::Again(again.position), events).await.map(Some);
        }
        self.look_at_the_feed(permit, &group, &free).await
    }

    /// Looks through the feed from where the last of these shards is, for events of any of them.
    async fn look_at_the_feed(
        &self,
        permit: Permit,
        group: &Group,
        free: &[&KeptShard],
    ) -> Result<Option<Found>, Lost> {
        let of = group.definition.settings.shards;
        let Some(mut from) = free.iter().map(|kept| kept.shard.cursor).min() else { return Ok(None) };
        // Of so many shards one has about a part of what is read; where that has none of its events, many more may be others'.
        let mut window = self.events_max.saturating_mul(of.into()).min(BATCH_EVENTS_MAX);
        let mut is_at_end = false;
        for _ in 0..WINDOWS {
            let events = self.feed(permit, from, window).await?;
            let end = events.last().map_or(from, |event| event.position);
            for kept in free {
                let is_own = |event: &&Event| {
                    event.position > kept.shard.cursor && shard_of(event, of) == kept.shard.index
                };
                let own: Vec<Event> = events.iter().filter(is_own).take(self.events_max).cloned().collect();
                let Some(last) = own.last() else { continue };
                // What is left of the window is some other shard's.
                let is_whole = !events.iter().filter(is_own).any(|event| event.position > last.position);
                let through = if is_whole { end } else { last.position };
                return self.take(group, kept, Work::Through(through), own).await.map(Some);
            }
            from = end;
            if events.len() < window {
                is_at_end = true;
                break;
            }
            window = (window * WINDOW_GROWTH).min(BATCH_EVENTS_MAX);
        }
        self.skip(group, free, from).await?;
        if is_at_end { Ok(None) } else { Err(Lost::Further) }
    }

    /// Takes a shard, unless this worker has it for some time yet.
    async fn take(
        &self,
        group: &Group,
        kept: &KeptShard,
        work: Work,
        events: Vec<Event>,
    ) -> Result<Found, Lost> {
        let settings = group.definition.settings.clone();
        let (mut kept, now) = (kept.clone(), self.acme.now());
        let own = kept.shard.lease.filter(|lease| lease.worker == self.worker);
        if let Some(lease) = own.filter(|lease| lease.until - now > settings.lease() / 2) {
            return Ok(Found { kept, settings, token: lease.token, work, events });
        }
        let lasting = settings.lease();
        let token = kept.shard.lease(self.worker, now, lasting).map_err(|_| Lost::Overtaken)?;
        let mut changes = self.acme.changes();
        kept.keep(&self.name, &mut changes)?;
        self.commit(changes).await?;
        kept.version = kept.version.next();
        Ok(Found { kept, settings, token, work, events })
    }

    /// Notes that these shards have nothing up to `end`, where that spares the next one some reading.
    async fn skip(&self, group: &Group, free: &[&KeptShard], end: Position) -> Result<(), Lost> {
        let mut changes = self.acme.changes();
        let (now, lasting) = (self.acme.now(), TimeDelta::zero());
        for kept in free.iter().filter(|kept| end.0 - kept.shard.cursor.0.min(end.0) >= SKIPPED_MIN) {
            let mut kept = KeptShard::clone(kept);
            let token = kept.shard.lease(self.worker, now, lasting).map_err(|_| Lost::Overtaken)?;
            kept.shard.ack(token, Work::Through(end), now, lasting).map_err(|_| Lost::Overtaken)?;
            kept.shard.release(token).map_err(|_| Lost::Overtaken)?;
            kept.keep(&group.name, &mut changes)?;
        }
        if changes.records.is_empty() {
            return Ok(());
        }
        match self.commit(changes).await {
            // Then someone else has done so, or is at it.
            Err(Lost::Overtaken) => Ok(()),
            done => done,
        }
    }

    async fn commit(&self, changes: ChangeSet) -> Result<(), Lost> {
        match self.acme.commit_one(changes).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict { .. }) => Err(Lost::Overtaken),
            Err(error) => Err(Lost::Failed(error.into())),
        }
    }

    /// The consumer with its shards.
    async fn read(&mut self, permit: Permit) -> Result<Group, Error> {
        loop {
            let keys = Group::keys(&self.name, self.shards);
            let records = self.acme.store(permit).fetch_records(self.acme.id(), CONSUMER_KIND, &keys).await?;
            let group = Group::of(&self.name, &records)?;
            let group = group.ok_or_else(|| Error::not_found("consumer", &self.name))?;
            let (known, shards) = (self.shards, group.definition.settings.shards.min(SHARDS_MAX));
            self.shards = shards;
            // Shards that were given up do no harm.
            if shards <= known {
                return Ok(group);
            }
        }
    }

    async fn feed(&self, permit: Permit, after: Position, limit: usize) -> Result<Vec<Event>, Error> {
        Ok(self.acme.store(permit).feed(self.acme.id(), after, limit).await?)
    }
}

impl WorkspaceHandle<'_> {
    /// A change set that goes by no configuration.
    pub(in crate::service) fn changes(&self) -> ChangeSet {
        let context = self.context(None);
        ChangeSet::new(self.id(), context.at, context.origin.clone())
    }
}

impl std::fmt::Debug for Consumer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Consumer({} of {}, {})", self.name, self.acme.id(), self.worker)
    }
}

/// Why a look came to nothing.
enum Lost {
    /// Someone else was faster.
    Overtaken,
    /// There is more of the feed than it looked through, and the shards have noted how far that was.
    Further,
    Failed(Error),
}

impl From<Error> for Lost {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Events of a batch where nothing else is said: a second or so of work for most handlers, far from the end of a lease.
const EVENTS_PER_BATCH: usize = 100;
/// How often a poll looks again when others are faster: then they have what there is.
const OVERTAKEN_MAX: usize = 8;
/// Windows of the feed that a look looks through; the next one goes on from there.
const WINDOWS: u32 = 6;
/// How many times as large as the one before each window is.
const WINDOW_GROWTH: usize = 4;
/// Positions without an event of its own before a shard notes them: fewer are read again at little cost, where a note is a commit.
const SKIPPED_MIN: u64 = 1_000;
// Whoever comes to the last window has something to note: the next look would else be at the same events, and so on for ever.
const _: () =
    assert!(WINDOW_GROWTH.pow(WINDOWS - 1) as u64 >= SKIPPED_MIN && BATCH_EVENTS_MAX as u64 >= SKIPPED_MIN);
