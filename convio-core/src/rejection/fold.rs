use super::{Corrections, Rejection, RejectionState};
use crate::event::{Event, EventBody, Subject};

impl Rejection {
    /// The rejection as its events tell it; `None` when they do not start with it.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<Self> {
        let mut rejection: Option<Self> = None;
        for event in events {
            let Some(Subject::Rejection(id)) = event.subject() else {
                continue;
            };
            match &event.body {
                EventBody::LeadRejected(rejected) => {
                    rejection = Some(Self {
                        id,
                        workspace: event.workspace,
                        webhook: rejected.webhook,
                        reasons: rejected.reasons.clone(),
                        duplicate_of: event.duplicate_of,
                        external_id: rejected.external_id.clone(),
                        provider: rejected.provider,
                        appointment: rejected.appointment.clone(),
                        test: rejected.test,
                        corrections: Corrections::default(),
                        state: RejectionState::Held,
                        received_at: rejected.received_at,
                        created_at: event.at,
                        version: event.subject_version()?,
                    });
                    continue;
                }
                EventBody::RejectionCorrected { corrections } => {
                    rejection.as_mut()?.corrections = corrections.clone().unwrap_or_default();
                }
                EventBody::RejectionReleased => rejection.as_mut()?.state = RejectionState::Released,
                _ => continue,
            }
            rejection.as_mut()?.version = event.subject_version()?;
        }
        rejection
    }
}
