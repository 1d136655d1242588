use chrono::{DateTime, Utc};

use super::{ChangeSet, ContactWrite, MergedContact, Receipt, Repeat, Version};
use crate::contact::ContactNumber;
use crate::event::{Event, Origin, Position, StreamRef, Subject};
use crate::id::{ContactId, LeadId, WorkspaceId};

/// What tells afterwards whether a change set was applied, where the store could not say: the ids that it carries itself, and
/// the event that it must have left under them.
#[derive(Debug, Clone)]
pub(crate) struct Witness {
    pub(crate) workspace: WorkspaceId,
    /// A stream that the change set adds to, and the number of its event there.
    pub(crate) stream: StreamRef,
    pub(crate) version: Version,
    /// Its place among the events of the change set, and how many these are.
    place: u64,
    events: u64,
    at: DateTime<Utc>,
    origin: Origin,
    kind: &'static str,
    /// Per merge its lead and its candidate; per window its lead.
    pub(crate) merges: Vec<(LeadId, ContactId)>,
    windows: Vec<LeadId>,
}

impl Witness {
    /// `None` for a change set that leaves no event under an id which is known before it is applied.
    pub(crate) fn of(changes: &ChangeSet) -> Option<Self> {
        let (place, stream, version) = changes.events.iter().zip(0..).find_map(|(event, place)| {
            let lead = event.lead.filter(|mention| mention.changes).map(|mention| mention.id);
            let stream = event.subject.map(StreamRef::Subject).or_else(|| lead.map(StreamRef::Lead))?;
            Some((place, stream, changes.version_of(stream)?))
        })?;
        let merge = |write: &ContactWrite| match write {
            ContactWrite::Merge(merge) => Some((merge.touch.lead, merge.candidate)),
            ContactWrite::Update { .. } => None,
        };
        Some(Self {
            workspace: changes.workspace,
            stream,
            version,
            place,
            events: changes.events.len() as u64,
            at: changes.at,
            origin: changes.origin.clone(),
            kind: changes.events[place as usize].body.kind(),
            merges: changes.contacts.iter().filter_map(merge).collect(),
            windows: changes.windows.iter().map(|window| window.lead).collect(),
        })
    }

    /// Whether this event, found where the change set's own must be, is that one: another process may have made another.
    pub(crate) fn is(&self, event: &Event) -> bool {
        event.version_in(self.stream) == Some(self.version)
            && event.at == self.at
            && event.origin == self.origin
            && event.body.kind() == self.kind
    }

    /// The receipt of the change set, from its event and from the first events of its leads, with the numbers of their
    /// contacts, in the order of `merges`.
    pub(crate) fn receipt(&self, event: &Event, leads: &[(Event, ContactNumber)]) -> Receipt {
        let merged = |((_, candidate), (event, number)): (&(LeadId, ContactId), &(Event, ContactNumber))| {
            let contact = event.contact?;
            Some(MergedContact {
                candidate: *candidate,
                id: contact.id,
                number: *number,
                version: contact.version?,
                created: event.contact_number.is_some(),
            })
        };
        let of =
            |lead: LeadId| leads.iter().find(|(event, _)| event.lead.is_some_and(|link| link.id == lead));
        Receipt {
            contacts: self.merges.iter().zip(leads).filter_map(merged).collect(),
            repeats: self
                .windows
                .iter()
                .map(|lead| Repeat { lead: *lead, of: of(*lead).and_then(|(event, _)| event.duplicate_of) })
                .collect(),
            routes: event
                .body
                .routing()
                .into_iter()
                .filter_map(|decision| match self.stream {
                    StreamRef::Subject(Subject::Appointment(id)) => Some((id, decision.clone())),
                    _ => None,
                })
                .collect(),
            position: Position(event.position.0 - self.place + self.events - 1),
        }
    }
}

impl ChangeSet {
    /// The version that the change set gives to a row, where it is known before it is applied.
    fn version_of(&self, stream: StreamRef) -> Option<Version> {
        macro_rules! of {
            ($rows:ident, $id:expr) => {
                self.$rows.iter().map(|write| write.row()).find(|row| row.id == $id).map(|row| row.version)
            };
        }
        match stream {
            StreamRef::Contact(_) => None,
            StreamRef::Lead(id) => of!(leads, id),
            StreamRef::Subject(subject) => match subject {
                Subject::Workspace(id) => of!(workspaces, id),
                Subject::Webhook(id) => of!(webhooks, id),
                Subject::Rejection(id) => of!(rejections, id),
                Subject::Appointment(id) => of!(appointments, id),
                Subject::Conversion(id) => of!(conversions, id),
                Subject::Touchpoint(id) => {
                    let row = self.touches.iter().find(|row| row.touch.id() == id);
                    row.map(|_| Version::ZERO.next())
                }
                Subject::Rules(_)
                | Subject::ApiKey(_)
                | Subject::Provider(_)
                | Subject::Calendar(_)
                | Subject::Attribution(_)
                | Subject::Rates(_)
                | Subject::Endpoint(_) => {
                    let records = self.records.iter().map(|write| write.row());
                    records.filter(|row| row.subject() == Some(subject)).map(|row| row.version).next()
                }
            },
        }
    }
}
