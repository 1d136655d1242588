//! Sets fields of a rejected lead right.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `correct` | the rejection and its payload | 1 | 3 |

use super::{Context, Plan, UseCase};
use crate::api_key::Permission;
use crate::change_set::{NewEvent, Write};
use crate::error::Error;
use crate::event::{EventBody, Subject};
use crate::id::{IntakeId, WorkspaceId};
use crate::rejection::{Corrections, Rejection, RejectionState};
use crate::store::{Loaded, Need, Needs};

/// Sets fields of a rejected lead right; it stays rejected until it is released. Reads the rejection; one commit.
#[derive(Debug, Clone)]
pub struct Correct {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The rejection.
    pub id: IntakeId,
    /// The fields that are set right; those corrected before stay so.
    pub corrections: Corrections,
}

impl UseCase for Correct {
    type Answer = Rejection;

    fn permission(&self) -> Permission {
        Permission::Update
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [Need::Rejection(self.id)])
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Rejection>, Error> {
        let (found, _) = loaded.rejection(self.id).ok_or_else(|| Error::not_found("rejection", self.id))?;
        if found.state != RejectionState::Held {
            return Err(Error::conflict(format!("rejection `{}` is released already", self.id)));
        }
        super::ingest::check_corrections(&self.corrections)?;
        let mut row = found.clone();
        row.corrections.0.extend(self.corrections.0.clone());
        row.version = found.version.next();
        let mut changes = context.changes(self.workspace);
        let body = EventBody::RejectionCorrected { corrections: Some(row.corrections.clone()) };
        changes.events.push(NewEvent::about(Subject::Rejection(self.id), body));
        changes.rejections.push(Write::Update { row: row.clone(), at: found.version });
        Ok(Plan { changes, answer: row })
    }
}
