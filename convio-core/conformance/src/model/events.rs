use chrono::{DateTime, Utc};
use convio_core::change_set::NewEvent;
use convio_core::event::{Link, Origin};
use convio_core::{Event, EventBody, Position, StreamRef, Subject, Version};

use super::apply::Known;
use super::tenant::Tenant;
use super::{Model, mangle};
use crate::broken::Bug;

impl Model {
    /// Appends an event, numbered by counting those before it.
    pub(super) fn append(
        &self,
        tenant: &mut Tenant,
        known: &Known,
        at: DateTime<Utc>,
        origin: &Origin,
        new: NewEvent,
    ) {
        if self.makes(Bug::DropsAnEvent) && new.body.kind() == "conversion.recorded" {
            return;
        }
        let NewEvent { mut body, contact, lead, subject, duplicate_of } = new;
        if let Some(Subject::Appointment(id)) = subject
            && let Some(decision) = known.route_of(id)
        {
            let (routing, staff) = match &mut body {
                EventBody::AppointmentBooked(booked) => (&mut booked.routing, &mut booked.staff),
                EventBody::AppointmentRouted { routing, staff } => (&mut **routing, staff),
                other => panic!("`{}` routes nothing", other.kind()),
            };
            routing.clone_from(decision);
            *staff = staff.take().or_else(|| decision.keeper());
        }
        // What was made or repeated is said by the event that changed it, not by those that only mention it.
        let changed = contact.filter(|mention| mention.changes);
        let merged = changed.and_then(|mention| known.merge_of(mention.id));
        let mentions = self.makes(Bug::CountsMentions);
        let contact = contact.map(|mention| {
            let id = known.contact(mention.id);
            let version = self.next_version(tenant, StreamRef::Contact(id));
            Link { id, version: (mention.changes || mentions).then_some(version) }
        });
        let changed = lead.filter(|mention| mention.changes);
        let repeats = changed.and_then(|mention| known.repeat_of(mention.id));
        let lead = lead.map(|mention| {
            let version = self.next_version(tenant, StreamRef::Lead(mention.id));
            Link { id: mention.id, version: (mention.changes || mentions).then_some(version) }
        });
        let about = subject.map(|subject| (subject, self.next_version(tenant, StreamRef::Subject(subject))));
        let n = tenant.events.len() as u64 + 1;
        let position = match n {
            n if n > 3 && self.makes(Bug::LeavesAGapInTheFeed) => Position(n + 1),
            n if n > 3 && self.makes(Bug::ReusesAPosition) => Position(n - 1),
            n => Position(n),
        };
        let mut event = Event {
            workspace: tenant.id,
            position,
            at,
            origin: origin.clone(),
            body,
            contact,
            lead,
            about,
            contact_number: merged.filter(|merged| merged.created).map(|merged| merged.number),
            duplicate_of: duplicate_of.or(repeats),
        };
        mangle::event(self.bug, &mut event);
        tenant.events.push(event);
    }

    /// One more than there are events of the stream.
    fn next_version(&self, tenant: &Tenant, stream: StreamRef) -> Version {
        let same = |event: &&Event| {
            if self.makes(Bug::NumbersByIdAlone) {
                return ids(event).contains(&Some(id(stream)));
            }
            event.version_in(stream).is_some()
        };
        let n = tenant.events.iter().filter(same).count() as u64;
        let gap = self.makes(Bug::LeavesAGapInAStream) && n > 0;
        Version(n + 1 + u64::from(gap))
    }
}

fn ids(event: &Event) -> [Option<uuid::Uuid>; 3] {
    [
        event.contact_id().map(|id| id.uuid()),
        event.lead_id().map(|id| id.uuid()),
        event.subject().map(Subject::uuid),
    ]
}

fn id(stream: StreamRef) -> uuid::Uuid {
    match stream {
        StreamRef::Contact(id) => id.uuid(),
        StreamRef::Lead(id) => id.uuid(),
        StreamRef::Subject(subject) => subject.uuid(),
    }
}
