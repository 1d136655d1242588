use super::Workspace;
use crate::event::{Event, EventBody};

impl Workspace {
    /// The workspace as its events tell it; `None` when they do not start with its creation.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<Self> {
        let mut workspace: Option<Self> = None;
        for event in events {
            let EventBody::WorkspaceCreated(settings) = &event.body else { continue };
            workspace = Some(Self {
                id: event.workspace,
                settings: settings.clone(),
                created_at: event.at,
                version: event.subject_version()?,
            });
        }
        workspace
    }
}
