//! The handle of a workspace, and the driver: read, plan, commit; again when something else was faster.
//!
//! Only this module reaches the store. Everyone else needs a [`Permit`], which only a check of permissions gives out.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};

use super::{Convio, TRIES_MAX};
use crate::api_key::{ApiKey, Permission};
use crate::change_set::{ChangeSet, GateLost, Receipt, Version, Witness};
use crate::contact::ContactRef;
use crate::error::Error;
use crate::event::{Actor, Event, Origin, StreamRef};
use crate::id::{ApiKeyId, ProviderId, WorkspaceId};
use crate::page::{Cursor, PageRequest};
use crate::record::fetch_record;
use crate::store::{CommitError, Loaded, Need, Needs, Store};
use crate::text::without_nul;
use crate::use_case::{ConfigSnapshot, Context, UseCase};

/// A workspace, who acts in it, and what they may do there. Cheap to clone; it sees its own workspace only.
#[derive(Clone)]
pub struct WorkspaceHandle<'s> {
    convio: Convio<'s>,
    id: WorkspaceId,
    origin: Origin,
    access: Access,
}

/// What a handle may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Everything: it is the embedding service's own.
    Full,
    /// What this key permits.
    Key(ApiKeyId),
}

/// That a call was found to be permitted.
#[derive(Clone, Copy)]
pub(super) struct Permit(());

impl<'s> WorkspaceHandle<'s> {
    pub(super) fn new(convio: Convio<'s>, id: WorkspaceId) -> Self {
        Self { convio, id, origin: Origin::default(), access: Access::Full }
    }

    /// The handle narrowed to what a key permits; events name the key.
    pub(super) fn narrowed(mut self, key: ApiKeyId) -> Self {
        self.access = Access::Key(key);
        self.origin.actor = Actor::api_key(key);
        self
    }

    /// Another workspace of the same store, for what goes from one to the other as that one grants.
    #[cfg(feature = "delivery")]
    pub(super) fn neighbour(&self, id: WorkspaceId) -> Self {
        Self::new(self.convio.clone(), id)
    }

    /// The workspace's id.
    pub fn id(&self) -> WorkspaceId {
        self.id
    }

    /// The API key that it was made by, if it was.
    pub fn api_key_id(&self) -> Option<ApiKeyId> {
        match self.access {
            Access::Full => None,
            Access::Key(key) => Some(key),
        }
    }

    /// The same workspace, for another actor: events name who did it. What it may do stays the same.
    #[must_use]
    pub fn acting_as(mut self, actor: Actor) -> Self {
        self.origin.actor = actor;
        self
    }

    /// The same workspace, for one request: events name it.
    #[must_use]
    pub fn in_request(mut self, request: impl Into<String>) -> Self {
        self.origin.request = Some(without_nul(request));
        self
    }

    /// The same workspace, for what follows from something: events name it.
    #[must_use]
    pub fn caused_by(mut self, causation: impl Into<String>) -> Self {
        self.origin.causation = Some(without_nul(causation));
        self
    }

    /// The same workspace, actor and request, with the same rights, clock and ids, over another store: one that works inside
    /// a transaction of yours, so that what Convio does is committed together with your own rows, or not at all.
    ///
    /// What such a store acknowledges is not durable yet ([`CallerCommits`](crate::Durability::CallerCommits)):
    ///
    /// - Nothing of it is seen outside before you commit. Tell nobody before the commit has succeeded.
    /// - A rollback undoes all of it, numbers of contacts, positions of events, uses of limits and held ids included, as if
    ///   it had never been asked for. Answers that you got by then are of rows that do not exist.
    /// - A change that fails leaves nothing behind and the transaction usable: whether the rest is committed is up to you.
    /// - From the first change on, the workspace is locked until you end the transaction: other writers to it wait. Keep it
    ///   short, and write through no other handle meanwhile: it would wait for you.
    ///
    /// The handle starts with the configuration that this one has at hand, and keeps what it reads or changes of it to
    /// itself: a version that is rolled back never gets out. After a commit, this handle finds the new version by itself, as
    /// it does after a change by another process. Take a new handle for each transaction, and after a rollback to a
    /// savepoint of your own.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::{Convio, ErrorKind, NewApiKey, NewWorkspace, Permission, RawLead};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let convio = Convio::new(MemoryStore::new());
    /// let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await?;
    /// let key = acme.create_api_key(NewApiKey::named("page").may([Permission::Ingest])).await?;
    /// let page = convio.authenticate(key.token.expose()).await?;
    ///
    /// let elsewhere = MemoryStore::new(); // stands for a store inside of a transaction
    /// let inside = page.within(elsewhere);
    /// assert_eq!((inside.id(), inside.api_key_id()), (page.id(), page.api_key_id()));
    /// // It asks the other store: there is no such workspace.
    /// let refused = inside.ingest(RawLead::json(r#"{"phone":"+12125550123"}"#)).await.unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::NotFound);
    /// # Ok(()) }) }
    /// ```
    pub fn within<'t>(&self, store: impl Store + 't) -> WorkspaceHandle<'t> {
        let convio = self.convio.within(store);
        if let Some(config) = self.convio.inner.cached(self.id) {
            convio.inner.cache(self.id, config);
        }
        WorkspaceHandle { convio, id: self.id, origin: self.origin.clone(), access: self.access }
    }

    /// Runs a use case: reads what it needs, plans, commits, and plans again when a row or the configuration was changed
    /// in between, a bounded number of times.
    ///
    /// # Errors
    /// Those of the plan; [`Denied`](crate::ErrorKind::Denied) without its permission;
    /// [`Conflict`](crate::ErrorKind::Conflict) when the bound is reached; those of the store.
    pub async fn run<U: UseCase>(&self, use_case: &U) -> Result<U::Answer, Error> {
        self.run_to_claim(use_case).await?.map_err(|lost| CommitError::GateLost(lost).into())
    }

    /// The same, with a claim or counter that was lost as an answer.
    pub(super) async fn run_to_claim<U: UseCase>(
        &self,
        use_case: &U,
    ) -> Result<Result<U::Answer, GateLost>, Error> {
        let mut known: Option<Arc<ConfigSnapshot>> = None;
        let mut last = None;
        for _ in 0..TRIES_MAX {
            let config = match known.take() {
                _ if !use_case.is_configured() => None,
                Some(config) => Some(config),
                None => Some(self.config(false).await?),
            };
            let planned = match self.check(use_case.permission(), config.as_deref()) {
                Ok(permit) => self.plan(permit, use_case, config.as_deref()).await,
                Err(error) => Err(error),
            };
            let plan = match planned {
                Ok(plan) => plan,
                // No commit will tell that the configuration at hand is too old for this answer.
                Err(error) => match self.newer(config.as_deref()).await? {
                    Some(newer) => {
                        known = Some(newer);
                        last = Some(error);
                        continue;
                    }
                    None if error.clash().is_some() => {
                        let permit = self.check(use_case.permission(), config.as_deref())?;
                        return Err(self.with_next(permit, error).await);
                    }
                    None => return Err(error),
                },
            };
            match self.commit_one(plan.changes).await {
                Ok(receipt) => {
                    let mut answer = plan.answer;
                    use_case.complete(&mut answer, &receipt);
                    return Ok(Ok(answer));
                }
                Err(error @ CommitError::Conflict { .. }) => last = Some(error.into()),
                Err(CommitError::GateLost(GateLost::Config { current: None })) => {
                    return Err(Error::not_found("workspace", self.id));
                }
                Err(error @ CommitError::GateLost(GateLost::Config { .. })) => {
                    known = Some(self.config(true).await?);
                    last = Some(error.into());
                }
                Err(error @ CommitError::GateLost(GateLost::Clash { .. })) => {
                    let permit = self.check(use_case.permission(), config.as_deref())?;
                    return Err(self.with_next(permit, error.into()).await);
                }
                Err(CommitError::GateLost(lost)) => return Ok(Err(lost)),
                Err(error) => return Err(error.into()),
            }
        }
        Err(last.unwrap_or_else(|| Error::bug("no try was made")))
    }

    /// The same once: for what was read beforehand, and has to be read again where something else was faster.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) where it was.
    pub(super) async fn run_once<U: UseCase>(&self, use_case: &U) -> Result<U::Answer, Error> {
        let config = self.config(false).await?;
        let permit = self.check(use_case.permission(), Some(&config))?;
        let plan = self.plan(permit, use_case, Some(&config)).await?;
        match self.commit_one(plan.changes).await {
            Ok(receipt) => {
                let mut answer = plan.answer;
                use_case.complete(&mut answer, &receipt);
                Ok(answer)
            }
            Err(CommitError::GateLost(GateLost::Config { current: Some(_) })) => {
                self.config(true).await?;
                Err(Error::conflict("the configuration is another one by now"))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn plan<U: UseCase>(
        &self,
        permit: Permit,
        use_case: &U,
        config: Option<&ConfigSnapshot>,
    ) -> Result<crate::use_case::Plan<U::Answer>, Error> {
        let needs = use_case.needs();
        let mut loaded = match needs.items.is_empty() {
            true => Loaded::default(),
            false => self.store(permit).load(&needs).await?,
        };
        for (kind, key) in use_case.records() {
            loaded.records.extend(fetch_record(self.store(permit), self.id(), kind, &key).await?);
        }
        use_case.plan(&loaded, &self.context(config))
    }

    /// Commits one change set.
    pub(super) async fn commit_one(&self, changes: ChangeSet) -> Result<Receipt, CommitError> {
        let mut results = self.commit(vec![changes]).await;
        results.pop().unwrap_or_else(|| Err(CommitError::Misuse("the store answered nothing".to_owned())))
    }

    /// Commits change sets, and checks that the store answers each. What the store could not tell is looked up by the ids that
    /// the change set carries.
    pub(super) async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        let wanted = batch.len();
        if batch.iter().any(ChangeSet::changes_config) {
            self.convio.inner.outdate(self.id);
        }
        let witnesses: Vec<_> = batch.iter().map(Witness::of).collect();
        let mut results = self.convio.store().commit(batch).await;
        if results.len() == wanted {
            for (result, witness) in results.iter_mut().zip(witnesses) {
                if let (Err(CommitError::Unknown(_)), Some(witness)) = (&*result, witness)
                    && let Ok(Some(receipt)) = self.look_up(&witness).await
                {
                    *result = Ok(receipt);
                }
            }
            return results;
        }
        let message = format!("the store answered {} of {wanted} change sets", results.len());
        vec![Err(CommitError::Misuse(message)); wanted]
    }

    /// The receipt of a change set, if it is found to have been applied. Not finding it proves nothing: the server may still be
    /// at it.
    async fn look_up(&self, witness: &Witness) -> Result<Option<Receipt>, Error> {
        let Some(event) = self.event_at(witness.stream, witness.version).await? else { return Ok(None) };
        if !witness.is(&event) {
            return Ok(None);
        }
        let mut leads = Vec::with_capacity(witness.merges.len());
        for (lead, _) in &witness.merges {
            let first = self.event_at(StreamRef::Lead(*lead), Version::ZERO.next()).await?;
            let first = first.ok_or_else(|| Error::bug(format!("lead `{lead}` has no first event")))?;
            let number = match (first.contact_number, first.contact) {
                (Some(number), _) => Some(number),
                (None, Some(contact)) => {
                    let found = [ContactRef::Id(contact.id)];
                    let found = self.convio.store().fetch_contacts(witness.workspace, &found).await?;
                    found.into_iter().next().flatten().map(|contact| contact.number)
                }
                (None, None) => None,
            };
            let number = number.ok_or_else(|| Error::bug(format!("lead `{lead}` has no contact")))?;
            leads.push((first, number));
        }
        Ok(Some(witness.receipt(&event, &leads)))
    }

    async fn event_at(&self, stream: StreamRef, version: Version) -> Result<Option<Event>, Error> {
        let page = PageRequest::after(Cursor::number(version.0.saturating_sub(1)), 1);
        let page = self.convio.store().history(self.id, stream, &page).await?;
        Ok(page.items.into_iter().next())
    }

    /// The configuration: the one at hand, or a fresh one.
    pub(super) async fn config(&self, fresh: bool) -> Result<Arc<ConfigSnapshot>, Error> {
        let inner = &self.convio.inner;
        if let Some(config) = inner.cached(self.id).filter(|_| !fresh) {
            return Ok(config);
        }
        let loaded = inner.store.load(&Needs::of(self.id, [Need::Config])).await?;
        let before = inner.cached_before(self.id);
        let config = Arc::new(ConfigSnapshot::after(before.as_deref(), loaded, self.id)?);
        inner.cache(self.id, config.clone());
        Ok(config)
    }

    /// The configuration as it was read last, if it was.
    pub(super) fn config_at_hand(&self) -> Option<Arc<ConfigSnapshot>> {
        self.convio.inner.cached(self.id)
    }

    /// The configuration, if it is another one than this by now. Reads the workspace's head.
    pub(super) async fn newer(
        &self,
        config: Option<&ConfigSnapshot>,
    ) -> Result<Option<Arc<ConfigSnapshot>>, Error> {
        let Some(config) = config else { return Ok(None) };
        let head = self.convio.store().head(self.id).await?;
        match head.is_some_and(|head| head.config == config.version) {
            true => Ok(None),
            false => self.config(true).await.map(Some),
        }
    }

    /// The configuration as it is now, seldom read whole.
    pub(super) async fn current_config(&self) -> Result<Arc<ConfigSnapshot>, Error> {
        let config = self.config(false).await?;
        Ok(self.newer(Some(&config)).await?.unwrap_or(config))
    }

    /// Whether the caller may do this, under the configuration as it is now.
    pub(super) async fn permit(&self, permission: Permission) -> Result<Permit, Error> {
        match self.access {
            Access::Full => Ok(Permit(())),
            Access::Key(_) => self.check(permission, Some(&*self.current_config().await?)),
        }
    }

    /// Whether the caller may do this under this configuration.
    pub(super) fn check(
        &self,
        permission: Permission,
        config: Option<&ConfigSnapshot>,
    ) -> Result<Permit, Error> {
        let Access::Key(id) = self.access else { return Ok(Permit(())) };
        let config = config.ok_or_else(|| Error::denied("an API key creates no workspace"))?;
        let key = standing_key(config, id, self.now())?;
        if key.settings.permissions.contains(&permission) {
            return Ok(Permit(()));
        }
        Err(Error::denied(format!("the API key does not permit to `{}`", permission.code())))
    }

    /// The store, for who was found to be permitted.
    pub(super) fn store(&self, _: Permit) -> &(dyn Store + 's) {
        self.convio.store()
    }

    /// When uses of API keys were last noted by this process.
    pub(super) fn key_uses(&self) -> &Mutex<HashMap<ApiKeyId, DateTime<Utc>>> {
        &self.convio.inner.key_uses
    }

    /// A new id that no row has.
    pub(super) fn new_id(&self) -> uuid::Uuid {
        self.convio.inner.ids.next(self.now())
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        crate::clock::micros(self.convio.inner.clock.now())
    }

    pub(super) fn context<'c>(&'c self, config: Option<&'c ConfigSnapshot>) -> Context<'c> {
        Context {
            at: self.now(),
            ids: &*self.convio.inner.ids,
            origin: &self.origin,
            provider: self.provider_of_key(config),
            config,
        }
    }

    /// The provider whose key the caller has.
    fn provider_of_key(&self, config: Option<&ConfigSnapshot>) -> Option<ProviderId> {
        let Access::Key(id) = self.access else { return None };
        config?.api_key(id)?.settings.provider
    }
}

/// The key of this id, if it works at this time and its workspace takes anything.
pub(super) fn standing_key(
    config: &ConfigSnapshot,
    id: ApiKeyId,
    at: DateTime<Utc>,
) -> Result<&ApiKey, Error> {
    if let Some(refusal) = config.workspace.refusal() {
        return Err(Error::denied(refusal));
    }
    let key = config.api_key(id).filter(|key| key.stands(at));
    key.ok_or_else(|| Error::denied("the API key is not valid"))
}

impl fmt::Debug for WorkspaceHandle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WorkspaceHandle({}, {})", self.id, self.origin.actor.as_str())
    }
}
