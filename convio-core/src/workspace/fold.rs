use super::Workspace;
use crate::event::{Event, EventBody, Subject};

impl Workspace {
    /// The workspace as its events tell it; `None` when they do not start with its creation.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<Self> {
        let mut workspace: Option<Self> = None;
        for event in events {
            let Some(Subject::Workspace(id)) = event.subject() else {
                continue;
            };
            match &event.body {
                EventBody::WorkspaceCreated(settings) => {
                    workspace = Some(Self {
                        id,
                        settings: settings.clone(),
                        created_at: event.at,
                        deleted_at: None,
                        version: event.subject_version()?,
                    });
                    continue;
                }
                EventBody::WorkspaceConfigured(settings) => workspace.as_mut()?.settings = settings.clone(),
                EventBody::WorkspaceDeleted => workspace.as_mut()?.deleted_at = Some(event.at),
                EventBody::WorkspaceRestored => workspace.as_mut()?.deleted_at = None,
                _ => continue,
            }
            workspace.as_mut()?.version = event.subject_version()?;
        }
        workspace
    }
}
