//! What became of what others delivered here, told to them.

use super::local::{came_by, grant_to, tells};
use crate::appointment::AppointmentStatus;
use crate::delivery::{Delivery, Destination, Report, Reported};
use crate::error::{Error, ErrorKind};
use crate::event::{Event, EventBody};
use crate::lead::Lead;
use crate::service::WorkspaceHandle;
use crate::service::drive::Permit;
use crate::use_case::ConfigSnapshot;
use crate::workspace::{Grant, Told};

impl WorkspaceHandle<'_> {
    /// Tells an event to whoever delivered the lead that it is about, as far as this workspace grants that.
    pub(super) async fn tell(
        &self,
        permit: Permit,
        config: &ConfigSnapshot,
        event: &Event,
        lead: &Lead,
    ) -> Result<(), Error> {
        let Some(what) = reported(&event.body) else { return Ok(()) };
        let Some((owner, id)) = came_by(lead) else { return Ok(()) };
        let Some(grant) = grant_to(config, owner).filter(|grant| tells(grant)) else { return Ok(()) };
        let report = Report { position: event.position, at: event.at, what: as_granted(what, grant) };
        let there = self.neighbour(owner);
        let theirs = match there.current_config().await {
            Ok(theirs) => theirs,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        // Whoever sends leads names their external ids: what counts is that the delivery went here, and became this lead.
        let is_here = |delivery: &Delivery| {
            let endpoint = theirs.endpoints.iter().find(|endpoint| endpoint.id == delivery.endpoint);
            let leads_here =
                endpoint.is_some_and(|endpoint| endpoint.settings.to == Destination::Workspace(self.id()));
            leads_here && delivery.delivered.is_none_or(|delivered| delivered.lead == lead.id)
        };
        let noted = there.change_delivery(permit, id, |delivery, _| {
            let next = if is_here(delivery) { delivery.reported(report.clone()) } else { None };
            Ok(next.unwrap_or_else(|| delivery.clone()))
        });
        match noted.await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            noted => noted.map(drop),
        }
    }
}

/// Whether an event may be one to tell whoever delivered its lead.
pub(super) fn is_told(config: &ConfigSnapshot, event: &Event) -> bool {
    config.workspace.settings.policy.grants.iter().any(tells) && reported(&event.body).is_some()
}

fn reported(body: &EventBody) -> Option<Reported> {
    Some(match body {
        EventBody::AppointmentBooked(_) => Reported::Booked,
        EventBody::AppointmentConfirmed => Reported::Confirmed,
        EventBody::AppointmentEnded(ended) => match ended.status {
            AppointmentStatus::Completed => Reported::Held,
            AppointmentStatus::NoShow => Reported::NoShow,
            AppointmentStatus::Cancelled => Reported::Cancelled,
            _ => return None,
        },
        EventBody::ConversionRecorded(recorded) => Reported::Sold { value: Some(recorded.value) },
        EventBody::ConversionVoided(_) => Reported::Voided,
        EventBody::ConversionReturned(returned) => {
            Reported::Returned { reason: returned.returned.reason.clone() }
        }
        _ => return None,
    })
}

fn as_granted(what: Reported, grant: &Grant) -> Reported {
    match what {
        Reported::Sold { .. } if grant.told < Told::Values => Reported::Sold { value: None },
        what => what,
    }
}
