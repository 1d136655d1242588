//! Consumers as those who run them see them. Everything here asks for [`Permission::Admin`](crate::Permission::Admin), but what only reads
//! how they stand.

use chrono::{DateTime, TimeDelta, Utc};

use crate::api_key::Permission;
use crate::change_set::Version;
use crate::consumer::{
    ConsumerSettings, DeadLetter, DeadLetters, Group, SHARDS_MAX, Shard, check_name, shard_key, shard_of,
};
use crate::error::{Error, Reason};
use crate::event::Position;
use crate::record::{
    CONSUMER_KIND, CONSUMERS_KEY, CONSUMERS_KIND, DEAD_LETTERS_KIND, fetch_record, write_of,
};
use crate::service::drive::Permit;
use crate::service::{TRIES_MAX, WorkspaceHandle};
use crate::store::CommitError;

/// How a consumer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerState {
    /// Its name.
    pub name: String,
    /// How it works.
    pub settings: ConsumerSettings,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// Whether nothing is handed out.
    pub paused: bool,
    /// Its shards, by index.
    pub shards: Vec<ShardState>,
    /// How many events wait to be handled, as [`ShardState::lag`] tells, in all shards.
    pub lag: u64,
    /// How many dead letters there are.
    pub dead_letters: usize,
}

/// How a shard stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardState {
    /// The shard.
    pub shard: Shard,
    /// How many of its events wait to be handled: counted, where they are among the [`LAG_COUNTED_MAX`] that come after the cursor of the last
    /// shard; and otherwise the share of what is behind those that one shard of so many has.
    pub lag: u64,
}

/// Where a consumer begins again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewind {
    /// After this position; 0 is before the first event.
    To(Position),
    /// With what happened at this time, and after it. Clocks of processes may differ by [`REWIND_MARGIN`]: it begins so much earlier, and
    /// leaves out nothing.
    Since(DateTime<Utc>),
}

impl WorkspaceHandle<'_> {
    /// Gives a consumer other settings. With another number of shards all workers lose what they have, and all shards go on from where the
    /// last one was: what the others were ahead is handed out again.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names everything that is wrong; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn configure_consumer(&self, name: &str, settings: ConsumerSettings) -> Result<(), Error> {
        let permit = self.permit(Permission::Admin).await?;
        check(None, &settings)?;
        self.change_consumer(permit, name, |group| group.configure(settings.clone())).await
    }

    /// The names of all consumers, in order.
    pub async fn consumers(&self) -> Result<Vec<String>, Error> {
        let permit = self.permit(Permission::Read).await?;
        let list = fetch_record(self.store(permit), self.id(), CONSUMERS_KIND, CONSUMERS_KEY).await?;
        Ok(list.map(|list| list.read()).transpose()?.unwrap_or_default())
    }

    /// How a consumer stands; `None` where there is none of this name.
    pub async fn consumer_state(&self, name: &str) -> Result<Option<ConsumerState>, Error> {
        let permit = self.permit(Permission::Read).await?;
        let Some(group) = self.group(permit, name).await? else { return Ok(None) };
        let head = self.store(permit).head(self.id()).await?.map_or(Position(0), |head| head.feed);
        let from = group.active().map(|kept| kept.shard.cursor).min().unwrap_or_default();
        let next = self.store(permit).feed(self.id(), from, LAG_COUNTED_MAX).await?;
        let counted = next.last().map_or(from, |event| event.position);
        let of = group.definition.settings.shards;
        let state = |shard: &Shard| {
            let is_own = |position: Position, index| position > shard.cursor && index == shard.index;
            let own = next.iter().filter(|event| is_own(event.position, shard_of(event, of))).count() as u64;
            let behind = head.0.saturating_sub(counted.0.max(shard.cursor.0));
            ShardState { shard: shard.clone(), lag: own + behind.div_ceil(of.max(1).into()) }
        };
        let shards: Vec<ShardState> = group.active().map(|kept| state(&kept.shard)).collect();
        Ok(Some(ConsumerState {
            lag: shards.iter().map(|shard| shard.lag).sum(),
            paused: shards.iter().any(|it| it.shard.paused),
            dead_letters: self
                .letters(permit, name)
                .await?
                .iter()
                .map(|(_, _, letters)| letters.0.len())
                .sum(),
            shards,
            created_at: group.definition.created_at,
            settings: group.definition.settings,
            name: group.name,
        }))
    }

    /// Hands out nothing until it is resumed. A batch that is out may still be answered.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn pause_consumer(&self, name: &str) -> Result<(), Error> {
        let permit = self.permit(Permission::Admin).await?;
        self.change_consumer(permit, name, |group| group.shards_mut().for_each(|shard| shard.paused = true))
            .await
    }

    /// Goes on.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn resume_consumer(&self, name: &str) -> Result<(), Error> {
        let permit = self.permit(Permission::Admin).await?;
        self.change_consumer(permit, name, |group| group.shards_mut().for_each(|shard| shard.paused = false))
            .await
    }

    /// Begins again elsewhere: all workers lose what they have, and events from there on are handed out, again or for the first time. Dead
    /// letters stay. To a later position it leaves out what is between.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid) for a position that the feed has not come to.
    pub async fn rewind_consumer(&self, name: &str, to: Rewind) -> Result<(), Error> {
        let permit = self.permit(Permission::Admin).await?;
        let cursor = match to {
            Rewind::To(position) => {
                self.check_position(permit, position).await?;
                position
            }
            Rewind::Since(at) => self.before(permit, at - REWIND_MARGIN).await?,
        };
        self.change_consumer(permit, name, |group| group.shards_mut().for_each(|shard| shard.rewind(cursor)))
            .await
    }

    /// The events that could not be handled, by position.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn dead_letters(&self, name: &str) -> Result<Vec<DeadLetter>, Error> {
        let permit = self.permit(Permission::Admin).await?;
        let letters = self.letters(permit, name).await?;
        let mut letters: Vec<_> = letters.into_iter().flat_map(|(_, _, letters)| letters.0).collect();
        letters.sort_by_key(|letter| letter.position);
        Ok(letters)
    }

    /// Has a dead letter tried once more, before anything else: out of order, since what came after it was handled meanwhile.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) where there is no such consumer or dead letter.
    pub async fn retry_dead_letter(&self, name: &str, position: Position) -> Result<(), Error> {
        self.take_dead_letter(name, position, true).await
    }

    /// Throws a dead letter away.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) where there is no such consumer or dead letter.
    pub async fn discard_dead_letter(&self, name: &str, position: Position) -> Result<(), Error> {
        self.take_dead_letter(name, position, false).await
    }
}

impl WorkspaceHandle<'_> {
    /// The consumer with all shards that it ever had.
    pub(super) async fn group(&self, permit: Permit, name: &str) -> Result<Option<Group>, Error> {
        Ok(self.group_ever(permit, name).await?.filter(|group| group.definition.removed_at.is_none()))
    }

    /// The same, with one that was removed.
    pub(super) async fn group_ever(&self, permit: Permit, name: &str) -> Result<Option<Group>, Error> {
        check_name(name)?;
        let keys = Group::keys(name, SHARDS_MAX);
        let records = self.store(permit).fetch_records(self.id(), CONSUMER_KIND, &keys).await?;
        Ok(Group::ever_of(name, &records)?)
    }

    /// Reads a consumer, has it changed, and writes what is not as it was; again when someone else was faster.
    async fn change_consumer(
        &self,
        permit: Permit,
        name: &str,
        change: impl Fn(&mut Group),
    ) -> Result<(), Error> {
        for _ in 0..TRIES_MAX {
            let group = self.group(permit, name).await?.ok_or_else(|| Error::not_found("consumer", name))?;
            let (mut changed, mut changes) = (group.clone(), self.changes());
            change(&mut changed);
            changed.keep(Some(&group), &mut changes)?;
            if changes.records.is_empty() {
                return Ok(());
            }
            match self.commit_one(changes).await {
                Err(CommitError::Conflict { .. }) => {}
                done => return done.map(drop).map_err(Error::from),
            }
        }
        Err(overtaken(name))
    }

    async fn take_dead_letter(&self, name: &str, position: Position, again: bool) -> Result<(), Error> {
        let permit = self.permit(Permission::Admin).await?;
        for _ in 0..TRIES_MAX {
            let group = self.group(permit, name).await?.ok_or_else(|| Error::not_found("consumer", name))?;
            let (mut changed, mut changes) = (group.clone(), self.changes());
            let found =
                self.letters(permit, name).await?.into_iter().find_map(|(index, version, mut letters)| {
                    let letter = letters.take(position)?;
                    Some((index, version, letters, letter))
                });
            let (index, version, letters, letter) =
                found.ok_or_else(|| Error::not_found("dead letter", position.0))?;
            let key = (DEAD_LETTERS_KIND, shard_key(name, index));
            changes.records.push(write_of(self.id(), key, &letters, version.next())?);
            if again {
                // That of a shard which was given up is the first one's.
                let index = if index < changed.definition.settings.shards { index } else { 0 };
                changed
                    .shards_mut()
                    .filter(|shard| shard.index == index)
                    .for_each(|it| it.try_again(&letter));
                changed.keep(Some(&group), &mut changes)?;
            }
            match self.commit_one(changes).await {
                Err(CommitError::Conflict { .. }) => {}
                done => return done.map(drop).map_err(Error::from),
            }
        }
        Err(overtaken(name))
    }

    /// The dead letters of all shards that there ever were, with the versions of their records.
    pub(super) async fn letters(
        &self,
        permit: Permit,
        name: &str,
    ) -> Result<Vec<(u16, Version, DeadLetters)>, Error> {
        check_name(name)?;
        let keys: Vec<String> = (0..SHARDS_MAX).map(|index| shard_key(name, index)).collect();
        let records = self.store(permit).fetch_records(self.id(), DEAD_LETTERS_KIND, &keys).await?;
        let mut letters = Vec::with_capacity(records.len());
        for record in records {
            let index =
                keys.iter().zip(0..).find(|(key, _)| **key == record.key).map_or(0, |(_, index)| index);
            letters.push((index, record.version, record.read()?));
        }
        letters.sort_by_key(|(index, ..)| *index);
        Ok(letters)
    }

    pub(super) async fn check_position(&self, permit: Permit, position: Position) -> Result<(), Error> {
        let head = self.store(permit).head(self.id()).await?;
        let head = head.ok_or_else(|| Error::not_found("workspace", self.id()))?.feed;
        if position <= head {
            return Ok(());
        }
        let message = format!("the feed has come to {} only", head.0);
        Err(Error::invalid(vec![Reason::new("position", "not_there_yet", message)]))
    }

    /// A position before which nothing happened at this time or later, if clocks are no further apart than the margin that was taken off it.
    /// Some twenty reads of one event each: their times ascend but for that.
    async fn before(&self, permit: Permit, at: DateTime<Utc>) -> Result<Position, Error> {
        let head = self.store(permit).head(self.id()).await?.map_or(0, |head| head.feed.0);
        let (mut earlier, mut later) = (0, head + 1);
        while later - earlier > 1 {
            let middle = earlier + (later - earlier) / 2;
            let event = self.store(permit).feed(self.id(), Position(middle - 1), 1).await?;
            match event.first().is_some_and(|event| event.at < at) {
                true => earlier = middle,
                false => later = middle,
            }
        }
        Ok(Position(earlier))
    }
}

pub(super) fn check(name: Option<&str>, settings: &ConsumerSettings) -> Result<(), Error> {
    let mut reasons = settings.check();
    if let Some(Err(error)) = name.map(check_name) {
        reasons.extend_from_slice(error.reasons());
    }
    if reasons.is_empty() { Ok(()) } else { Err(Error::invalid(reasons)) }
}

pub(super) fn overtaken(name: &str) -> Error {
    Error::conflict(format!("consumer `{name}` was changed by someone else again and again"))
}

/// Events that are counted for a lag at most: one read.
pub const LAG_COUNTED_MAX: usize = 1_000;
/// How far the clocks of two processes are apart at most: far more than they are where time is kept by a server.
pub const REWIND_MARGIN: TimeDelta = TimeDelta::minutes(5);
