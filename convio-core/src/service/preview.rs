use super::WorkspaceHandle;
use crate::api_key::Permission;
use crate::error::Error;
use crate::lead::RawLead;
use crate::use_case::ingest::{self, Verdict};
#[cfg(feature = "intake")]
use crate::webhook::Webhook;

impl WorkspaceHandle<'_> {
    /// What raw leads come to under the configuration of now, each for itself: what would be taken and with what doubts,
    /// what would be rejected and why. Nothing is written. What only the store knows is left open: whether the contact is
    /// known, whether the lead repeats another one, whether its ids came before, whether a limit is reached. The ids in
    /// the answers belong to nothing.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::use_case::ingest::Verdict;
    /// use convio_core::{Convio, NewWorkspace, RawLead};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let acme = Convio::new(MemoryStore::new()).create_workspace(NewWorkspace::named("Acme Solar")).await?;
    /// let rows = [RawLead::json(r#"{"phone":"+15551234567"}"#), RawLead::json(r#"{"name":"Ann"}"#)];
    /// let verdicts = acme.preview(&rows).await?;
    /// assert!(matches!(&verdicts[0], Ok(Verdict::Take(_))));
    /// assert!(matches!(&verdicts[1], Ok(Verdict::Reject(refused)) if refused.reasons[0].field == "phone"));
    /// assert!(acme.contacts(&Default::default(), &Default::default()).await?.items.is_empty());
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound): no such workspace; [`Denied`](crate::ErrorKind::Denied) without the
    /// permission to ingest. What fails with single rows is in the answer, each with the errors of
    /// [`WorkspaceHandle::ingest`].
    pub async fn preview(&self, rows: &[RawLead]) -> Result<Vec<Result<Verdict, Error>>, Error> {
        let config = self.current_config().await?;
        self.check(Permission::Ingest, Some(&*config))?;
        let context = self.context(Some(&*config));
        let verdict = |raw| ingest::plan(raw, &config, &context).map(|plan| plan.verdict);
        Ok(rows.iter().map(verdict).collect())
    }

    /// The webhook of this name, for who may send leads through it.
    #[cfg(feature = "intake")]
    pub(crate) async fn entry_point(&self, webhook: &str) -> Result<Webhook, Error> {
        let config = self.current_config().await?;
        self.check(Permission::Ingest, Some(&*config))?;
        config.webhook(webhook).cloned()
    }
}
