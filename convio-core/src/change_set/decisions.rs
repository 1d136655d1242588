use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{MergedContact, NewEvent, Receipt, Repeat, Version};
use crate::analytics::{Measure, RollupDelta};
use crate::appointment::Appointment;
use crate::event::{Event, Link, Origin, Position, StreamRef, Subject};
use crate::id::{AppointmentId, ContactId, LeadId, WorkspaceId};
use crate::lead::Lead;
use crate::routing::Decision;

/// What a store found out while it applied a change set, and what follows from it: the part of applying that is the same
/// in every store.
#[derive(Debug, Default)]
pub struct Decisions {
    merges: Vec<(LeadId, MergedContact)>,
    repeats: Vec<Repeat>,
    routes: Vec<(AppointmentId, Decision)>,
    versions: HashMap<StreamRef, Version>,
}

impl Decisions {
    /// A merge was applied, for this lead.
    pub fn merged(&mut self, lead: LeadId, contact: MergedContact) {
        self.merges.push((lead, contact));
    }

    /// A window was applied.
    pub fn repeated(&mut self, lead: LeadId, of: Option<LeadId>) {
        self.repeats.push(Repeat { lead, of });
    }

    /// A route was decided.
    pub fn routed(&mut self, appointment: AppointmentId, decision: Decision) {
        self.routes.push((appointment, decision));
    }

    /// A row was written, and has this version now. Not needed for merges.
    pub fn wrote(&mut self, aggregate: StreamRef, version: Version) {
        self.versions.insert(aggregate, version);
    }

    /// The contact that an id of the change set means: what a candidate became, or itself.
    pub fn contact(&self, id: ContactId) -> ContactId {
        self.merge_of(id).map_or(id, |merged| merged.id)
    }

    /// Fills in what only the commit knows of a new lead.
    pub fn complete_lead(&self, lead: &mut Lead) {
        if let Some(merged) = self.merge_of(lead.contact) {
            lead.opened_contact = merged.created;
            lead.contact = merged.id;
        }
        if let Some(of) = self.repeat_of(lead.id) {
            lead.duplicate_of = Some(of);
        }
    }

    /// Fills in what only the commit knows of an appointment: the contact of a lead that came in with it, and who gets it.
    pub fn complete_appointment(&self, appointment: &mut Appointment) {
        appointment.contact = self.contact(appointment.contact);
        if let Some(decision) = self.route_of(appointment.id) {
            appointment.route(decision);
        }
    }

    /// Fills in the target that a rollup of an appointment is for.
    pub fn complete_dims(&self, appointment: Option<AppointmentId>, dims: &mut [String; 3]) {
        if let Some(decision) = appointment.and_then(|id| self.route_of(id)) {
            dims[0] = decision.target.as_ref().map(ToString::to_string).unwrap_or_default();
        }
    }

    fn route_of(&self, appointment: AppointmentId) -> Option<&Decision> {
        self.routes.iter().find(|(id, _)| *id == appointment).map(|(_, decision)| decision)
    }

    /// The event, numbered in every stream that it changes.
    pub fn number(
        &self,
        workspace: WorkspaceId,
        at: DateTime<Utc>,
        origin: &Origin,
        position: Position,
        new: NewEvent,
    ) -> Event {
        let NewEvent { mut body, contact, lead, subject, duplicate_of } = new;
        if let Some(Subject::Appointment(id)) = subject
            && let Some(decision) = self.route_of(id)
        {
            body.route(decision);
        }
        // What only speaks of a contact or lead says nothing of how they came in.
        let merged = contact.filter(|mention| mention.changes).and_then(|mention| self.merge_of(mention.id));
        let contact = contact.map(|mention| Link {
            id: self.contact(mention.id),
            version: mention.changes.then(|| {
                merged.map_or_else(|| self.version(StreamRef::Contact(mention.id)), |merged| merged.version)
            }),
        });
        let duplicate_of =
            duplicate_of.or_else(|| self.repeat_of(lead.filter(|mention| mention.changes)?.id));
        let lead = lead.map(|mention| Link {
            id: mention.id,
            version: mention.changes.then(|| self.version(StreamRef::Lead(mention.id))),
        });
        let about = subject.map(|subject| (subject, self.version(StreamRef::Subject(subject))));
        let contact_number = merged.filter(|merged| merged.created).map(|merged| merged.number);
        Event {
            workspace,
            position,
            at,
            origin: origin.clone(),
            body,
            contact,
            lead,
            about,
            contact_number,
            duplicate_of,
        }
    }

    /// The sums that a delta adds.
    pub fn sums(&self, delta: &RollupDelta) -> [i64; Measure::SLOTS] {
        let merged = self.merges.iter().find(|(lead, _)| Some(*lead) == delta.lead);
        let repeat = delta.lead.and_then(|lead| self.repeat_of(lead));
        delta.resolve(merged.is_some_and(|(_, merged)| merged.created), repeat.is_some())
    }

    /// The receipt.
    pub fn receipt(self, position: Position) -> Receipt {
        let contacts = self.merges.into_iter().map(|(_, merged)| merged).collect();
        Receipt { contacts, repeats: self.repeats, routes: self.routes, position }
    }

    fn merge_of(&self, candidate: ContactId) -> Option<&MergedContact> {
        self.merges.iter().map(|(_, merged)| merged).find(|merged| merged.candidate == candidate)
    }

    fn repeat_of(&self, lead: LeadId) -> Option<LeadId> {
        self.repeats.iter().find(|repeat| repeat.lead == lead)?.of
    }

    fn version(&self, aggregate: StreamRef) -> Version {
        self.versions.get(&aggregate).copied().unwrap_or_default()
    }
}
