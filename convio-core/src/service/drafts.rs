//! Drafts of routing rules that a workspace keeps. Everything here asks for [`Permission::Admin`](crate::Permission::Admin).

use super::WorkspaceHandle;
use crate::api_key::Permission;
use crate::change_set::Version;
use crate::error::Error;
use crate::record::{DRAFT_KIND, DRAFTS_KEY, DRAFTS_KIND, fetch_record};
use crate::routing::{Draft, DraftSummary, RuleSet, SavedDraft};
use crate::text::fold_blanks;
use crate::use_case::{DiscardDraft, PublishDraft, SaveDraft, list_of, saved_of};

impl WorkspaceHandle<'_> {
    /// Saves a draft of routing rules under a name, in place of the version of it that was seen; `None`: there must be none yet. It need
    /// not be fit to be published, and routes nothing.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for a name that is none, and where it has more rules or targets than a publication may;
    /// [`Conflict`](crate::ErrorKind::Conflict) when it is not as the caller saw it, and when the workspace has as many as it may;
    /// [`NotFound`](crate::ErrorKind::NotFound) when one was seen and there is none any more.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::{Convio, ErrorKind, NewWorkspace, Rule, Target, Version};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let convio = Convio::new(MemoryStore::new());
    /// let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await?;
    /// let west = Rule::to(Target::team("west")).products(["Solar"]);
    /// let saved = acme.save_draft("spring", [west.clone()], None).await?; // it does not say for which postal codes
    /// let refused = acme.publish_draft("spring", saved.version).await.unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::Invalid);
    ///
    /// let saved = acme.save_draft("spring", [west.zips(["902*"])], Some(saved.version)).await?;
    /// assert_eq!(acme.draft("spring").await?.as_ref(), Some(&saved));
    /// let rules = acme.publish_draft("spring", saved.version).await?;
    /// assert_eq!((rules.version, acme.drafts().await?.len()), (Version(1), 0));
    /// # Ok(()) }) }
    /// ```
    pub async fn save_draft(
        &self,
        name: &str,
        draft: impl Into<Draft>,
        seen: Option<Version>,
    ) -> Result<SavedDraft, Error> {
        let (name, draft) = (name.to_owned(), draft.into());
        self.run(&SaveDraft { workspace: self.id(), name, draft, seen }).await
    }

    /// The draft of this name; `None` where there is none, or it was published or discarded.
    pub async fn draft(&self, name: &str) -> Result<Option<SavedDraft>, Error> {
        let permit = self.permit(Permission::Admin).await?;
        let found = fetch_record(self.store(permit), self.id(), DRAFT_KIND, &fold_blanks(name)).await?;
        Ok(found.as_ref().map(saved_of).transpose()?.flatten())
    }

    /// All drafts, by name, without their rules.
    pub async fn drafts(&self) -> Result<Vec<DraftSummary>, Error> {
        let permit = self.permit(Permission::Admin).await?;
        Ok(list_of(fetch_record(self.store(permit), self.id(), DRAFTS_KIND, DRAFTS_KEY).await?)?)
    }

    /// Publishes the draft of this name, as [`WorkspaceHandle::publish_rules`] does, and keeps it as a draft no longer: both at once, and
    /// only if it still has the version that was seen. The publication names it ([`RuleSet::drafted`]).
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names everything that keeps it from being published; it stays a draft then.
    /// [`Conflict`](crate::ErrorKind::Conflict) when it is not as the caller saw it; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn publish_draft(&self, name: &str, seen: Version) -> Result<RuleSet, Error> {
        self.run(&PublishDraft { workspace: self.id(), name: name.to_owned(), seen }).await
    }

    /// Discards the draft of this name.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when it is not as the caller saw it; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn discard_draft(&self, name: &str, seen: Version) -> Result<(), Error> {
        self.run(&DiscardDraft { workspace: self.id(), name: name.to_owned(), seen }).await
    }
}
