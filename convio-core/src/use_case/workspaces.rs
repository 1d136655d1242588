use super::{Context, Plan, UseCase};
use crate::change_set::{NewEvent, Version, Write};
use crate::error::Error;
use crate::event::{EventBody, Subject};
use crate::id::WorkspaceId;
use crate::store::{Loaded, Needs};
use crate::webhook::{DIRECT, NewWebhook};
use crate::workspace::{NewWorkspace, Workspace};

/// Creates a workspace and its `direct` webhook. One commit, nothing is read.
#[derive(Debug, Clone)]
pub struct CreateWorkspace {
    /// The id that it gets.
    pub id: WorkspaceId,
    /// What it shall be.
    pub new: NewWorkspace,
}

impl UseCase for CreateWorkspace {
    type Answer = Workspace;

    fn needs(&self) -> Needs {
        Needs::of(self.id, [])
    }

    fn plan(&self, _: &Loaded, context: &Context<'_>) -> Result<Plan<Workspace>, Error> {
        let settings = self.new.settings().map_err(Error::invalid)?;
        let workspace =
            Workspace { id: self.id, settings, created_at: context.at, version: Version::ZERO.next() };
        let mut changes = context.changes(self.id);
        changes.events.push(NewEvent::about(
            Subject::Workspace(self.id),
            EventBody::WorkspaceCreated(workspace.settings.clone()),
        ));
        changes.workspaces.push(Write::Insert(workspace.clone()));
        super::webhooks::insert(&mut changes, &NewWebhook::named(DIRECT), context);
        Ok(Plan { changes, answer: workspace })
    }
}
