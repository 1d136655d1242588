//! Workspaces.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `create_workspace` | nothing | 1 | 2 |
//! | `configure` | nothing | 1 | 2 |

use super::{Context, Plan, UseCase};
use crate::api_key::Permission;
use crate::change_set::{NewEvent, Version, Write};
use crate::error::Error;
use crate::event::{EventBody, Subject};
use crate::id::WorkspaceId;
use crate::store::{Loaded, Needs};
use crate::webhook::{DIRECT, NewWebhook};
use crate::workspace::{NewWorkspace, Workspace, WorkspaceSettings};

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

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn is_configured(&self) -> bool {
        false
    }

    fn needs(&self) -> Needs {
        Needs::of(self.id, [])
    }

    fn plan(&self, _: &Loaded, context: &Context<'_>) -> Result<Plan<Workspace>, Error> {
        let settings = self.new.settings().map_err(Error::invalid)?;
        let workspace = Workspace {
            id: self.id,
            settings,
            created_at: context.at,
            deleted_at: None,
            version: Version::ZERO.next(),
        };
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

/// Changes a workspace. One commit.
#[derive(Debug, Clone)]
pub struct ChangeWorkspace {
    /// The workspace.
    pub id: WorkspaceId,
    /// What is changed.
    pub change: WorkspaceChange,
}

/// What is changed of a workspace.
#[derive(Debug, Clone)]
pub enum WorkspaceChange {
    /// Its settings, all of them.
    Configure(WorkspaceSettings),
    /// It is deleted: it takes no leads, and keeps all it has.
    Delete,
    /// It is no longer deleted.
    Restore,
}

impl UseCase for ChangeWorkspace {
    type Answer = Workspace;

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn needs(&self) -> Needs {
        Needs::of(self.id, [])
    }

    fn plan(&self, _: &Loaded, context: &Context<'_>) -> Result<Plan<Workspace>, Error> {
        let found = &context.config()?.workspace;
        let mut row = found.clone();
        row.version = found.version.next();
        let body = match &self.change {
            WorkspaceChange::Configure(settings) => {
                let reasons = settings.check();
                if !reasons.is_empty() {
                    return Err(Error::invalid(reasons));
                }
                row.settings = settings.clone();
                row.settings.name = crate::text::fold_blanks(&settings.name);
                EventBody::WorkspaceConfigured(row.settings.clone())
            }
            WorkspaceChange::Delete if row.deleted_at.is_some() => {
                return Err(Error::conflict("the workspace is deleted already"));
            }
            WorkspaceChange::Delete => {
                row.deleted_at = Some(context.at);
                EventBody::WorkspaceDeleted
            }
            WorkspaceChange::Restore if row.deleted_at.is_none() => {
                return Err(Error::conflict("the workspace is not deleted"));
            }
            WorkspaceChange::Restore => {
                row.deleted_at = None;
                EventBody::WorkspaceRestored
            }
        };
        let mut changes = context.changes(self.id);
        changes.events.push(NewEvent::about(Subject::Workspace(self.id), body));
        changes.workspaces.push(Write::Update { row: row.clone(), at: found.version });
        Ok(Plan { changes, answer: row })
    }
}
