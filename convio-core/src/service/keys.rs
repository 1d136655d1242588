//! Who comes with an API key.

use chrono::{DateTime, TimeDelta, Utc};

use super::drive::standing_key;
use super::{Convio, WorkspaceHandle};
use crate::api_key::{ApiKey, ApiToken, NewApiKey, Permission};
use crate::change_set::{ChangeSet, Write};
use crate::error::{Error, ErrorKind};
use crate::event::Origin;
use crate::id::ApiKeyId;
use crate::record::{Record, fetch_record};
use crate::use_case::{CreateApiKey, CreatedApiKey, RevokeApiKey};

impl<'s> Convio<'s> {
    /// The handle of the workspace that an API key is of, narrowed to what the key permits. A key that is revoked, expired
    /// or of an inactive workspace is refused at once, here and by every later call of the handle.
    ///
    /// Reads the workspace's head, and the configuration where that is another one than at hand. Once an hour it notes that
    /// the key was used.
    ///
    /// # Errors
    /// [`Denied`](crate::ErrorKind::Denied), with one and the same message for whatever is no valid key.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::{Convio, ErrorKind, NewApiKey, NewWorkspace, Permission, RawLead, lead::LeadFilter};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let convio = Convio::new(MemoryStore::new());
    /// let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await?;
    /// let created = acme.create_api_key(NewApiKey::named("landing page").may([Permission::Ingest])).await?;
    ///
    /// let page = convio.authenticate(created.token.expose()).await?;
    /// let _ = page.ingest(RawLead::json(r#"{"phone":"+12125550123"}"#)).await?;
    /// let denied = page.leads(&LeadFilter::default(), &Default::default()).await.unwrap_err();
    /// assert_eq!(denied.to_string(), "the API key does not permit to `read`");
    /// assert_eq!(convio.authenticate("cvk_").await.unwrap_err().kind(), ErrorKind::Denied);
    /// # Ok(()) }) }
    /// ```
    pub async fn authenticate(&self, token: &str) -> Result<WorkspaceHandle<'s>, Error> {
        let invalid = || Error::denied("the API key is not valid");
        let token: ApiToken = token.parse().map_err(|_| invalid())?;
        let handle = self.workspace(token.workspace());
        let config = handle.current_config().await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => invalid(),
            _ => error,
        })?;
        let known = config.api_key(token.id()).filter(|key| token.is_of(key)).ok_or_else(invalid)?;
        standing_key(&config, known.id, handle.now())?;
        handle.note_use(known.id).await;
        Ok(handle.narrowed(token.id()))
    }
}

impl WorkspaceHandle<'_> {
    /// Creates an API key. Its token is in the answer, and nowhere else ever again.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every wrong field; [`Conflict`](crate::ErrorKind::Conflict) when the
    /// workspace has as many as it may.
    pub async fn create_api_key(&self, new: NewApiKey) -> Result<CreatedApiKey, Error> {
        self.run(&CreateApiKey { workspace: self.id(), new }).await
    }

    /// Revokes an API key: it is refused from the next call on, in every process.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) when it is revoked already.
    pub async fn revoke_api_key(&self, id: ApiKeyId) -> Result<ApiKey, Error> {
        self.run(&RevokeApiKey { workspace: self.id(), id }).await
    }

    /// All API keys, by id, revoked ones included. Asks for [`Permission::Admin`].
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, Error> {
        self.permit(Permission::Admin).await?;
        Ok(self.current_config().await?.api_keys.clone())
    }

    /// When an API key was last used, to the hour; `None` while it was not. Asks for [`Permission::Admin`].
    pub async fn api_key_last_used(&self, id: ApiKeyId) -> Result<Option<DateTime<Utc>>, Error> {
        let permit = self.permit(Permission::Admin).await?;
        let record = fetch_record(self.store(permit), self.id(), USES_KIND, &id.to_string()).await?;
        Ok(record.map(|record| record.read()).transpose()?)
    }

    /// Notes that a key was used, if that was not noted within the hour. What goes wrong with it is no reason to refuse the
    /// caller.
    async fn note_use(&self, id: ApiKeyId) {
        let now = self.now();
        if !self.is_worth_noting(id, now) {
            return;
        }
        let Ok(permit) = self.permit(Permission::Admin).await else { return };
        let key = id.to_string();
        let Ok(found) = fetch_record(self.store(permit), self.id(), USES_KIND, &key).await else { return };
        let noted = found.as_ref().and_then(|record| record.read::<DateTime<Utc>>().ok());
        let (Some(body), true) =
            (serde_json::to_value(now).ok(), noted.is_none_or(|at| now - at >= NOTED_EVERY))
        else {
            return;
        };
        let at = found.map(|record| record.version);
        let version = at.unwrap_or_default().next();
        let row = Record { workspace: self.id(), kind: USES_KIND.to_owned(), key, body, version };
        let mut changes = ChangeSet::new(self.id(), now, Origin::default());
        changes.records.push(match at {
            None => Write::Insert(row),
            Some(at) => Write::Update { row, at },
        });
        let _ = self.commit_one(changes).await; // someone else noting the same at once is as good
    }
}

/// The kind of records that keep when an API key was last used. Operational: they have no events.
const USES_KIND: &str = "api_key.used";
/// How exactly the last use of a key is known: often enough to find the unused ones, seldom enough to cost nothing.
pub(super) const NOTED_EVERY: TimeDelta = TimeDelta::hours(1);
