use std::sync::Arc;

use async_trait::async_trait;

use super::{CommitError, Loaded, Needs, StoreError};
use crate::analytics::AnalyticsRepository;
use crate::appointment::AppointmentRepository;
use crate::change_set::{ChangeSet, Receipt};
use crate::contact::ContactRepository;
use crate::conversion::ConversionRepository;
use crate::delivery::DeliveryRepository;
use crate::event::EventLog;
use crate::lead::LeadRepository;
use crate::record::Records;
use crate::rejection::RejectionRepository;
use crate::webhook::WebhookRepository;
use crate::workspace::WorkspaceRepository;

/// Keeps everything: the readers of all aggregates, and the one way to write.
///
/// To be correct, an implementation
/// - shows a row to no workspace but its own, by whatever id it is asked;
/// - applies each change set whole or not at all, in the order of [`crate::change_set`];
/// - shows to every call that starts after a commit was answered what that commit wrote.
#[async_trait]
pub trait Store:
    WorkspaceRepository
    + WebhookRepository
    + ContactRepository
    + LeadRepository
    + RejectionRepository
    + AppointmentRepository
    + ConversionRepository
    + DeliveryRepository
    + EventLog
    + AnalyticsRepository
    + Records
{
    /// What an `Ok` of [`Store::commit`] means.
    fn durability(&self) -> Durability;

    /// Reads what a use case needs, as of one moment.
    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError>;

    /// Applies change sets, each whole or not at all: one failing leaves its neighbours alone.
    ///
    /// To be correct, an implementation
    /// - answers as many results as there are change sets, in their order;
    /// - applies them as if one after the other, in their order;
    /// - answers `Ok` only once [`Store::durability`] holds, and then for ever;
    /// - never applies one twice;
    /// - applies nothing of one that it answers with an error, save perhaps [`CommitError::Unknown`].
    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>>;
}

/// What an acknowledged commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Durability {
    /// Nothing beyond the process.
    Process,
    /// What the caller's transaction survives, once the caller commits it.
    CallerCommits,
    /// The loss of power: it is synced to the disk.
    Synced,
}

/// A store that is shared: what keeps a part of it outside of [`Convio`](crate::Convio), to shut it down or to look at it.
#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    fn durability(&self) -> Durability {
        self.as_ref().durability()
    }

    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        self.as_ref().load(needs).await
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        self.as_ref().commit(batch).await
    }
}
crate::pass_on_reads!([S: Store + ?Sized] Arc<S>, |store| store.as_ref());
