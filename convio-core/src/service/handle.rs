use std::fmt;

use super::Convio;
use crate::appointment::{Appointment, Outcome, Schedule};
use crate::conversion::{Conversion, NewConversion};
use crate::error::Error;
use crate::event::{Actor, Origin};
use crate::id::{AppointmentId, IntakeId, LeadId, WorkspaceId};
use crate::rejection::{Corrections, Rejection};
use crate::routing::{Rule, RuleSet};
use crate::use_case::{
    Book, ChangeWebhook, ChangeWorkspace, Complete, Completed, Convert, Correct, CreateWebhook, PublishRules,
    WebhookChange, WorkspaceChange,
};
use crate::webhook::{NewWebhook, Webhook, WebhookSettings};
use crate::workspace::{Workspace, WorkspaceSettings};

/// A workspace and who acts in it. Cheap to clone; it sees its own workspace only.
#[derive(Clone)]
pub struct WorkspaceHandle<'s> {
    pub(super) convio: Convio<'s>,
    pub(super) id: WorkspaceId,
    pub(super) origin: Origin,
}

impl<'s> WorkspaceHandle<'s> {
    /// The workspace's id.
    pub fn id(&self) -> WorkspaceId {
        self.id
    }

    /// The same workspace, for another actor: events name who did it.
    #[must_use]
    pub fn acting_as(mut self, actor: Actor) -> Self {
        self.origin.actor = actor;
        self
    }

    /// The same workspace, for one request: events name it.
    #[must_use]
    pub fn in_request(mut self, request: impl Into<String>) -> Self {
        self.origin.request = Some(request.into());
        self
    }

    /// The same workspace, for what follows from something: events name it.
    #[must_use]
    pub fn caused_by(mut self, causation: impl Into<String>) -> Self {
        self.origin.causation = Some(causation.into());
        self
    }

    /// Gives the workspace other settings. They hold from the next call on, in every process.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) without a name; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn configure(&self, settings: WorkspaceSettings) -> Result<Workspace, Error> {
        self.run(&ChangeWorkspace { id: self.id, change: WorkspaceChange::Configure(settings) }).await
    }

    /// Deletes the workspace: it takes no leads from now on, keeps all it has, and can be restored.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when it is deleted already; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn delete(&self) -> Result<Workspace, Error> {
        self.run(&ChangeWorkspace { id: self.id, change: WorkspaceChange::Delete }).await
    }

    /// Restores the deleted workspace.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when it is not deleted; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn restore(&self) -> Result<Workspace, Error> {
        self.run(&ChangeWorkspace { id: self.id, change: WorkspaceChange::Restore }).await
    }

    /// Creates a webhook.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every wrong field; [`Conflict`](crate::ErrorKind::Conflict) when the
    /// name is taken, also by a deleted one.
    pub async fn create_webhook(&self, new: NewWebhook) -> Result<Webhook, Error> {
        self.run(&CreateWebhook { workspace: self.id, new }).await
    }

    /// Gives a webhook other settings. They hold from the next lead on, in every process.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every wrong setting; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn configure_webhook(&self, name: &str, settings: WebhookSettings) -> Result<Webhook, Error> {
        self.change_webhook(name, WebhookChange::Configure(Box::new(settings))).await
    }

    /// Deletes a webhook: from now on its leads are rejected, kept, and can be released once it is restored.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) for `direct` and for one that is deleted; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn delete_webhook(&self, name: &str) -> Result<Webhook, Error> {
        self.change_webhook(name, WebhookChange::Delete).await
    }

    /// Restores a deleted webhook.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) for one that is not deleted; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn restore_webhook(&self, name: &str) -> Result<Webhook, Error> {
        self.change_webhook(name, WebhookChange::Restore).await
    }

    /// Publishes routing rules in place of those before, all at once.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every rule that asks for nothing.
    pub async fn publish_rules(&self, rules: impl IntoIterator<Item = Rule>) -> Result<RuleSet, Error> {
        self.run(&PublishRules { workspace: self.id, rules: rules.into_iter().collect() }).await
    }

    /// Books an appointment from a lead and routes it by the rules in force. No rule matching, it is booked all the same,
    /// unrouted.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid).
    pub async fn book(&self, lead: LeadId, schedule: Schedule) -> Result<Appointment, Error> {
        self.run(&Book { workspace: self.id, lead, schedule }).await
    }

    /// Completes an appointment. One that was sold records its conversion in the same commit.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) when it is completed already.
    pub async fn complete(&self, appointment: AppointmentId, outcome: Outcome) -> Result<Completed, Error> {
        self.run(&Complete { workspace: self.id, appointment, outcome }).await
    }

    /// Records a conversion: on its lead, on the contact, in the rollups, in one commit.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid) for a negative value;
    /// [`Conflict`](crate::ErrorKind::Conflict) for a test lead.
    pub async fn convert(&self, new: NewConversion) -> Result<Conversion, Error> {
        self.run(&Convert { workspace: self.id, new }).await
    }

    /// Sets fields of a rejected lead right. It stays rejected until [`WorkspaceHandle::release`].
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid) names fields that do not exist;
    /// [`Conflict`](crate::ErrorKind::Conflict) when it is released already.
    pub async fn correct(&self, rejection: IntakeId, corrections: Corrections) -> Result<Rejection, Error> {
        self.run(&Correct { workspace: self.id, id: rejection, corrections }).await
    }

    async fn change_webhook(&self, name: &str, change: WebhookChange) -> Result<Webhook, Error> {
        self.run(&ChangeWebhook { workspace: self.id, name: name.to_owned(), change }).await
    }
}

impl fmt::Debug for WorkspaceHandle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WorkspaceHandle({}, {})", self.id, self.origin.actor.as_str())
    }
}
