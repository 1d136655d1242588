//! How a consumer is kept: a record for what it is, and one for each of its shards.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ConsumerSettings, SHARDS_MAX, Shard};
use crate::change_set::{ChangeSet, Version};
use crate::error::{Error, Reason};
use crate::event::Position;
use crate::record::{CONSUMER_KIND, Record, write_of};
use crate::store::StoreError;

/// Refuses what is no name of a consumer: it is part of keys.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.chars().all(is_part) {
        return Ok(());
    }
    let message = format!("a consumer's name has 1 to {NAME_BYTES_MAX} of a-z, 0-9, `.`, `_` and `-`");
    Err(Error::invalid(vec![Reason::new("name", "invalid", message)]))
}

/// What a consumer is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Definition {
    pub(crate) settings: ConsumerSettings,
    pub(crate) created_at: DateTime<Utc>,
    /// When it was removed. Its records stay: the numbers of its leases must not be given out again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) removed_at: Option<DateTime<Utc>>,
}

/// A shard as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeptShard {
    pub(crate) shard: Shard,
    pub(crate) version: Version,
}

/// A consumer as it was read, with some or all of its shards, by index.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) definition: Definition,
    pub(crate) version: Version,
    pub(crate) shards: Vec<KeptShard>,
}

impl Group {
    /// One that there was none of before.
    pub(crate) fn new(
        name: &str,
        settings: ConsumerSettings,
        cursor: Position,
        created_at: DateTime<Utc>,
    ) -> Self {
        let shards = (0..settings.shards).map(|index| KeptShard {
            shard: Shard::new(index, settings.shards, cursor),
            version: Version::ZERO,
        });
        Self {
            shards: shards.collect(),
            name: name.to_owned(),
            definition: Definition { settings, created_at, removed_at: None },
            version: Version::ZERO,
        }
    }

    /// The keys of its record and of those of so many shards.
    pub(crate) fn keys(name: &str, shards: u16) -> Vec<String> {
        std::iter::once(name.to_owned()).chain((0..shards).map(|index| shard_key(name, index))).collect()
    }

    /// The consumer that these records keep; `None` where there is none, or none any more.
    pub(crate) fn of(name: &str, records: &[Record]) -> Result<Option<Self>, StoreError> {
        Ok(Self::ever_of(name, records)?.filter(|group| group.definition.removed_at.is_none()))
    }

    /// The same, with one that was removed.
    pub(crate) fn ever_of(name: &str, records: &[Record]) -> Result<Option<Self>, StoreError> {
        let Some(record) = records.iter().find(|record| record.key == name) else { return Ok(None) };
        let shards = records.iter().filter(|record| record.key != name);
        let kept = |record: &Record| {
            let version = record.version;
            record.read().map(|shard| KeptShard { shard, version })
        };
        let mut shards = shards.map(kept).collect::<Result<Vec<_>, _>>()?;
        shards.sort_by_key(|kept| kept.shard.index);
        let (name, version) = (name.to_owned(), record.version);
        Ok(Some(Self { name, definition: record.read()?, version, shards }))
    }

    /// The shards that have something to do.
    pub(crate) fn active(&self) -> impl Iterator<Item = &KeptShard> {
        self.shards.iter().filter(|kept| kept.shard.index < kept.shard.of)
    }

    /// All shards, to be changed.
    pub(crate) fn shards_mut(&mut self) -> impl Iterator<Item = &mut Shard> {
        self.shards.iter_mut().map(|kept| &mut kept.shard)
    }

    /// Takes other settings. With another number of shards whoever has one loses it, and all of them go on from where the last one was.
    pub(crate) fn configure(&mut self, settings: ConsumerSettings) {
        let shards = settings.shards;
        if shards != self.definition.settings.shards {
            let last = self.active().map(|kept| kept.shard.cursor).min().unwrap_or_default();
            let paused = self.active().any(|kept| kept.shard.paused);
            let again: Vec<_> =
                self.shards_mut().flat_map(|shard| std::mem::take(&mut shard.again)).collect();
            let known = u16::try_from(self.shards.len()).unwrap_or(SHARDS_MAX);
            self.shards.extend(
                (known..shards).map(|index| KeptShard {
                    shard: Shard::new(index, shards, last),
                    version: Version::ZERO,
                }),
            );
            for shard in self.shards_mut() {
                shard.rewind(last);
                (shard.of, shard.paused) = (shards, paused);
            }
            if let Some(first) = self.shards_mut().next() {
                first.again = again;
            }
        }
        self.definition.settings = settings;
    }

    /// Begins anew, after it was removed: with everything up to `cursor` behind it. Its shards count their leases on, so that whoever had one
    /// before is not listened to.
    pub(crate) fn begin_again(&mut self, settings: ConsumerSettings, cursor: Position, at: DateTime<Utc>) {
        let fresh = Self::new(&self.name, settings, cursor, at);
        for kept in &mut self.shards {
            let of = fresh.definition.settings.shards;
            kept.shard = Shard { leases: kept.shard.leases, ..Shard::new(kept.shard.index, of, cursor) };
        }
        self.shards.extend(fresh.shards.into_iter().skip(self.shards.len()));
        self.definition = fresh.definition;
    }

    /// Takes it from everyone, for good: nothing of it is handed out or acknowledged any more.
    pub(crate) fn remove(&mut self, at: DateTime<Utc>) {
        self.definition.removed_at = Some(at);
        for shard in self.shards_mut() {
            shard.fence();
            (shard.of, shard.failing) = (0, None);
            shard.again.clear();
        }
    }

    /// Wants all that is not as it was before.
    pub(crate) fn keep(&self, before: Option<&Self>, changes: &mut ChangeSet) -> Result<(), Error> {
        if before.is_none_or(|before| before.definition != self.definition) {
            let key = (CONSUMER_KIND, self.name.clone());
            changes.records.push(write_of(changes.workspace, key, &self.definition, self.version.next())?);
        }
        for (place, kept) in self.shards.iter().enumerate() {
            if before.is_none_or(|before| before.shards.get(place) != Some(kept)) {
                kept.keep(&self.name, changes)?;
            }
        }
        Ok(())
    }
}

impl KeptShard {
    /// Wants it to be as it is now.
    pub(crate) fn keep(&self, name: &str, changes: &mut ChangeSet) -> Result<(), Error> {
        let key = (CONSUMER_KIND, shard_key(name, self.shard.index));
        changes.records.push(write_of(changes.workspace, key, &self.shard, self.version.next())?);
        Ok(())
    }
}

/// The key of the records of a shard.
pub(crate) fn shard_key(name: &str, index: u16) -> String {
    format!("{name}/{index}")
}

/// Longest name of a consumer.
const NAME_BYTES_MAX: usize = 100;
