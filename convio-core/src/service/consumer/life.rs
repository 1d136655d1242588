//! How consumers come to be, and how they end. Their records stay in any case: see [`Group::remove`].

use super::manage::{check, overtaken};
use crate::api_key::Permission;
use crate::change_set::Version;
use crate::consumer::{CONSUMERS_MAX, ConsumerSettings, DeadLetters, Group, shard_key};
use crate::error::{Error, Reason};
use crate::event::Position;
use crate::record::{CONSUMERS_KEY, CONSUMERS_KIND, DEAD_LETTERS_KIND, fetch_record, write_of};
use crate::service::drive::Permit;
use crate::service::{TRIES_MAX, WorkspaceHandle};
use crate::store::CommitError;

impl WorkspaceHandle<'_> {
    /// Creates a consumer that handles what comes after a position: `Position(0)` for all that ever happened, the head's for what is new. The name
    /// of one that was removed can be had again; nothing else of it is.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names everything that is wrong; [`Conflict`](crate::ErrorKind::Conflict) where there is one of this
    /// name already, and when the workspace has as many as it may.
    pub async fn create_consumer(
        &self,
        name: &str,
        settings: ConsumerSettings,
        after: Position,
    ) -> Result<(), Error> {
        let permit = self.permit(Permission::Admin).await?;
        check(Some(name), &settings)?;
        for _ in 0..TRIES_MAX {
            self.check_position(permit, after).await?;
            let (mut names, version) = self.names(permit).await?;
            if names.iter().any(|other| other == name) {
                let message = format!("there is a consumer `{name}` already");
                return Err(Error::taken(Reason::new("name", "taken", message)));
            }
            if names.len() >= CONSUMERS_MAX {
                return Err(Error::conflict(format!("a workspace has at most {CONSUMERS_MAX} consumers")));
            }
            names.push(name.to_owned());
            names.sort_unstable();
            let mut changes = self.changes();
            match self.group_ever(permit, name).await? {
                Some(before) => {
                    let mut group = before.clone();
                    group.begin_again(settings.clone(), after, changes.at);
                    group.keep(Some(&before), &mut changes)?;
                }
                None => Group::new(name, settings.clone(), after, changes.at).keep(None, &mut changes)?,
            }
            let key = (CONSUMERS_KIND, CONSUMERS_KEY.to_owned());
            changes.records.push(write_of(self.id(), key, &names, version.next())?);
            match self.commit_one(changes).await {
                Err(CommitError::Conflict { .. }) => {}
                done => return done.map(drop).map_err(Error::from),
            }
        }
        Err(overtaken(name))
    }

    /// Removes a consumer: its name is no consumer's any more, and its workers, wherever they are, lose what they have. What they
    /// acknowledge afterwards is refused, and so are their effects in the same transaction, even when there is another consumer of the name by then.
    /// What was not handled by now is handled by nobody.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::consumer::ConsumerSettings;
    /// use convio_core::{Convio, ErrorKind, NewWorkspace, Position};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let acme = Convio::new(MemoryStore::new()).create_workspace(NewWorkspace::named("Acme Solar")).await?;
    /// acme.create_consumer("crm", ConsumerSettings::new(), Position(0)).await?;
    /// let mut worker = acme.consumer("crm");
    /// let late = worker.poll().await?.unwrap();
    /// acme.remove_consumer("crm").await?;
    /// acme.create_consumer("crm", ConsumerSettings::new(), Position(1)).await?;
    /// assert_eq!(late.ack().await.unwrap_err().kind(), ErrorKind::Conflict);
    /// assert_eq!(worker.poll().await?.unwrap().events()[0].position, Position(2));
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) while there are dead letters, those that are tried again
    /// among them.
    pub async fn remove_consumer(&self, name: &str) -> Result<(), Error> {
        self.remove(name, false).await
    }

    /// The same, even with dead letters: they are thrown away.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn remove_consumer_with_dead_letters(&self, name: &str) -> Result<(), Error> {
        self.remove(name, true).await
    }
}

impl WorkspaceHandle<'_> {
    async fn remove(&self, name: &str, with_dead_letters: bool) -> Result<(), Error> {
        let permit = self.permit(Permission::Admin).await?;
        for _ in 0..TRIES_MAX {
            let group = self.group(permit, name).await?.ok_or_else(|| Error::not_found("consumer", name))?;
            let mut letters = self.letters(permit, name).await?;
            letters.retain(|(_, _, letters)| !letters.0.is_empty());
            let dead: usize = letters.iter().map(|(_, _, letters)| letters.0.len()).sum();
            let dead = dead + group.shards.iter().map(|kept| kept.shard.again.len()).sum::<usize>();
            if dead > 0 && !with_dead_letters {
                return Err(Error::conflict(format!("consumer `{name}` has dead letters: {dead}")));
            }
            let (mut names, version) = self.names(permit).await?;
            names.retain(|other| other != name);
            let (mut removed, mut changes) = (group.clone(), self.changes());
            removed.remove(changes.at);
            // All shards are written: whoever lays a dead letter aside meanwhile writes one too, and one of the two comes first.
            removed.keep(Some(&group), &mut changes)?;
            let key = (CONSUMERS_KIND, CONSUMERS_KEY.to_owned());
            changes.records.push(write_of(self.id(), key, &names, version.next())?);
            for (index, version, _) in letters {
                let key = (DEAD_LETTERS_KIND, shard_key(name, index));
                changes.records.push(write_of(self.id(), key, &DeadLetters::default(), version.next())?);
            }
            match self.commit_one(changes).await {
                Err(CommitError::Conflict { .. }) => {}
                done => return done.map(drop).map_err(Error::from),
            }
        }
        Err(overtaken(name))
    }

    /// The names of all consumers, and the version of the record that lists them.
    pub(in crate::service) async fn names(&self, permit: Permit) -> Result<(Vec<String>, Version), Error> {
        let list = fetch_record(self.store(permit), self.id(), CONSUMERS_KIND, CONSUMERS_KEY).await?;
        let version = list.as_ref().map_or(Version::ZERO, |list| list.version);
        Ok((list.map(|list| list.read()).transpose()?.unwrap_or_default(), version))
    }
}
