use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{DeadLetter, REASON_BYTES_MAX, Retry};
use crate::event::Position;

/// A part of a consumer: how far its events are handled, and who has it.
///
/// ```
/// use chrono::{DateTime, TimeDelta};
/// use convio_core::Position;
/// use convio_core::consumer::{Shard, Work};
/// use uuid::Uuid;
///
/// let (now, minute) = (DateTime::UNIX_EPOCH, TimeDelta::minutes(1));
/// let (jane, joe) = (Uuid::from_u128(1), Uuid::from_u128(2));
/// let mut shard = Shard::new(0, 1, Position(0));
/// let first = shard.lease(jane, now, minute).unwrap();
/// assert!(shard.lease(joe, now, minute).is_err()); // one at a time
///
/// let later = now + minute;
/// let second = shard.lease(joe, later, minute).unwrap(); // Jane has not been heard of
/// assert!(shard.ack(first, Work::Through(Position(7)), later, minute).is_err()); // and is not listened to any more
/// shard.ack(second, Work::Through(Position(7)), later, minute).unwrap();
/// assert_eq!(shard.cursor, Position(7));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which one it is, from 0.
    pub index: u16,
    /// Of how many. One that is beyond them was given up, and has nothing to do.
    pub of: u16,
    /// All of its events up to here are handled, or dead letters.
    pub cursor: Position,
    /// Whether nobody gets it for the time being.
    pub paused: bool,
    /// Who has it.
    pub lease: Option<Lease>,
    /// How many leases there were: the token of the last one.
    pub leases: u64,
    /// The next event, if it has failed.
    pub failing: Option<Failing>,
    /// Dead letters that shall be tried again, before anything else.
    pub again: Vec<Again>,
}

/// That a worker has a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// What tells it from all other leases of the shard.
    pub token: Token,
    /// The worker.
    pub worker: Uuid,
    /// From when on someone else may have the shard.
    pub until: DateTime<Utc>,
}

/// Which lease of a shard, by number: greater than those of all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub u64);

/// An event that has failed and is tried again. `Debug` does not show the reason, which may say anything.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// The event.
    pub position: Position,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again.
    pub retry_at: DateTime<Utc>,
    /// Why it failed the last time.
    pub reason: String,
}

/// A dead letter that is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// The event.
    pub position: Position,
    /// How often it was tried before.
    pub tries: u32,
}

/// What a worker got to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// The events of the feed up to here, none of which is left out.
    Through(Position),
    /// A dead letter, once more.
    Again(Position),
}

/// What becomes of an event that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is tried again at this time; its shard waits for it.
    Retry(DateTime<Utc>),
    /// It was tried often enough: it is laid aside, and the shard goes on.
    Dead(DeadLetter),
}

/// Why a worker does not get a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFree {
    /// It was given up: the consumer has fewer shards now.
    GivenUp,
    /// The consumer is paused.
    Paused,
    /// Someone else has it until then.
    Leased(DateTime<Utc>),
    /// Its next event has failed, and is tried again then.
    Waiting(DateTime<Utc>),
}

/// That a worker no longer has the shard: its lease ran out and someone else got it, or the consumer was rewound or configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lease was lost: what was handled is handed out again")]
pub struct Fenced;

/// Why a batch is not answered so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The lease was lost.
    #[error(transparent)]
    Fenced(#[from] Fenced),
    /// The event is none of the batch.
    #[error("the event at {} is none of this batch", .0.0)]
    NoneOfIt(Position),
}

impl Shard {
    /// The shard of this index, of so many, with everything up to `cursor` behind it.
    pub fn new(index: u16, of: u16, cursor: Position) -> Self {
        let (lease, failing, again) = (None, None, Vec::new());
        Self { index, of, cursor, paused: false, lease, leases: 0, failing, again }
    }

    /// Whether a worker may have it now; it may, if it has it already.
    ///
    /// # Errors
    /// Why not.
    pub fn is_free(&self, worker: Uuid, now: DateTime<Utc>) -> Result<(), NotFree> {
        if self.index >= self.of {
            return Err(NotFree::GivenUp);
        }
        if self.paused {
            return Err(NotFree::Paused);
        }
        if let Some(lease) = self.lease.filter(|lease| lease.worker != worker && lease.until > now) {
            return Err(NotFree::Leased(lease.until));
        }
        match self.failing.as_ref().filter(|failing| failing.retry_at > now && self.again.is_empty()) {
            Some(failing) => Err(NotFree::Waiting(failing.retry_at)),
            None => Ok(()),
        }
    }

    /// Gives it to a worker. One that has it already keeps its token, and has it for longer.
    ///
    /// # Errors
    /// Why not.
    pub fn lease(&mut self, worker: Uuid, now: DateTime<Utc>, lasting: TimeDelta) -> Result<Token, NotFree> {
        self.is_free(worker, now)?;
        let own = self.lease.filter(|lease| lease.worker == worker && lease.until > now);
        let token = own.map_or_else(|| self.next_token(), |lease| lease.token);
        self.lease = Some(Lease { token, worker, until: now + lasting });
        Ok(token)
    }

    /// Keeps it for longer.
    ///
    /// # Errors
    /// The lease was lost. One that ran out and was given to nobody else goes on.
    pub fn renew(&mut self, token: Token, now: DateTime<Utc>, lasting: TimeDelta) -> Result<(), Fenced> {
        let lease = self.lease.as_mut().filter(|lease| lease.token == token).ok_or(Fenced)?;
        lease.until = lease.until.max(now + lasting);
        Ok(())
    }

    /// Gives it back.
    ///
    /// # Errors
    /// The lease was lost.
    pub fn release(&mut self, token: Token) -> Result<(), Fenced> {
        self.lease.take_if(|lease| lease.token == token).map(drop).ok_or(Fenced)
    }

    /// What was given out is handled. The worker keeps the shard.
    ///
    /// # Errors
    /// The lease was lost: nothing of it counts.
    pub fn ack(
        &mut self,
        token: Token,
        work: Work,
        now: DateTime<Utc>,
        lasting: TimeDelta,
    ) -> Result<(), Fenced> {
        self.renew(token, now, lasting)?;
        match work {
            Work::Through(position) => self.pass(position),
            Work::Again(position) => self.again.retain(|it| it.position != position),
        }
        Ok(())
    }

    /// An event of what was given out failed, and all before it are handled. The shard is free again. `has_room`: whether there is room for
    /// one more dead letter; without it the event is tried again, however often it was. A dead letter that is tried again has kept its place.
    ///
    /// # Errors
    /// The lease was lost: nothing of it counts. The event is none of what was given out.
    pub fn nack(
        &mut self,
        token: Token,
        (work, failed): (Work, Position),
        reason: &str,
        now: DateTime<Utc>,
        (retry, has_room): (&Retry, bool),
    ) -> Result<Verdict, Refusal> {
        if self.lease.is_none_or(|lease| lease.token != token) {
            return Err(Fenced.into());
        }
        let before = match work {
            Work::Through(last) if failed > self.cursor && failed <= last => self.tries_of(failed),
            Work::Again(position) if failed == position => self.again_of(position).ok_or(Fenced)?.tries,
            _ => return Err(Refusal::NoneOfIt(failed)),
        };
        self.lease = None;
        let (tries, reason) = (before.saturating_add(1), cut(reason));
        match work {
            Work::Again(position) => self.again.retain(|it| it.position != position),
            Work::Through(_) if tries >= retry.tries_max && has_room => self.pass(failed),
            Work::Through(_) => {
                let retry_at = now + retry.wait(tries);
                self.pass(Position(failed.0 - 1));
                self.failing = Some(Failing { position: failed, tries, retry_at, reason });
                return Ok(Verdict::Retry(retry_at));
            }
        }
        Ok(Verdict::Dead(DeadLetter { position: failed, tries, reason, at: now }))
    }

    /// Hands out from after `cursor` on, to whoever comes next. Whoever has it now has lost it.
    pub fn rewind(&mut self, cursor: Position) {
        self.fence();
        (self.cursor, self.failing) = (cursor, None);
    }

    /// Takes it from whoever has it.
    pub fn fence(&mut self) {
        self.lease = None;
        self.next_token();
    }

    /// Has a dead letter tried again.
    pub fn try_again(&mut self, letter: &DeadLetter) {
        self.again.retain(|it| it.position != letter.position);
        self.again.push(Again { position: letter.position, tries: letter.tries });
    }

    /// How often an event was tried before.
    pub fn tries_of(&self, position: Position) -> u32 {
        self.failing
            .as_ref()
            .filter(|failing| failing.position == position)
            .map_or(0, |failing| failing.tries)
    }

    fn again_of(&self, position: Position) -> Option<&Again> {
        self.again.iter().find(|it| it.position == position)
    }

    fn next_token(&mut self) -> Token {
        self.leases += 1;
        Token(self.leases)
    }

    /// Events up to here are dealt with.
    fn pass(&mut self, position: Position) {
        self.cursor = self.cursor.max(position);
        let cursor = self.cursor;
        self.failing.take_if(|failing| failing.position <= cursor);
    }
}

impl fmt::Debug for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failing({} after {} tries, until {})", self.position.0, self.tries, self.retry_at)
    }
}

fn cut(reason: &str) -> String {
    let reason = crate::text::without_nul(reason);
    let end = (0..=REASON_BYTES_MAX.min(reason.len())).rev().find(|end| reason.is_char_boundary(*end));
    reason[..end.unwrap_or(0)].to_owned()
}
