use chrono::{DateTime, NaiveDate, Utc};
use convio_core::attribution::{LeadTouch, TouchOf, Touchpoint, Tracked};
use convio_core::calendar::Busy;
use convio_core::change_set::{Claim, ConfigVersion, CounterAdd};
use convio_core::contact::{Stamp, Touch};
use convio_core::delivery::Delivery;
use convio_core::lead::Payload;
use convio_core::record::{API_KEYS_KIND, CONFIG_KINDS, Record};
use convio_core::store::{JOURNEY_ROWS_MAX, OWNER_ROWS_MAX};
use convio_core::{
    Appointment, AppointmentStatus, Contact, ContactId, ContactKey, ContactOf, Conversion, Cube, Event,
    Fingerprint, KeyKind, KnownOwner, Lead, LeadId, Loaded, Measure, Need, Person, Rejection, Resource,
    Webhook, Workspace, WorkspaceId,
};

use crate::broken::Bug;

/// Everything of one workspace, in the order in which it came.
#[derive(Clone)]
pub(super) struct Tenant {
    pub(super) id: WorkspaceId,
    pub(super) workspaces: Vec<Workspace>,
    pub(super) config: ConfigVersion,
    pub(super) counted: Vec<CounterAdd>,
    /// What is taken of calendars, expired or not.
    pub(super) taken: Vec<(Resource, Busy)>,
    pub(super) claims: Vec<Claim>,
    pub(super) webhooks: Vec<Webhook>,
    pub(super) contacts: Vec<Contact>,
    pub(super) keys: Vec<(ContactKey, ContactId)>,
    pub(super) offers: Vec<Offered>,
    pub(super) windows: Vec<Compared>,
    pub(super) leads: Vec<Lead>,
    pub(super) payloads: Vec<Payload>,
    pub(super) rejections: Vec<Rejection>,
    pub(super) touches: Vec<Tracked>,
    pub(super) appointments: Vec<Appointment>,
    pub(super) conversions: Vec<Conversion>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) records: Vec<Record>,
    pub(super) events: Vec<Event>,
    pub(super) counts: Vec<Counted>,
    /// Numbers that were given to contacts that never came to be: none, unless by mistake.
    pub(super) wasted: u64,
}

/// What a lead said of a contact.
#[derive(Clone)]
pub(super) struct Offered {
    pub(super) contact: ContactId,
    pub(super) stamp: Stamp,
    pub(super) person: Person,
    pub(super) touch: Touch,
}

/// A lead that others may repeat.
#[derive(Clone)]
pub(super) struct Compared {
    pub(super) contact: ContactId,
    pub(super) key: Fingerprint,
    pub(super) at: DateTime<Utc>,
    pub(super) lead: LeadId,
}

/// One addition to a row of a cube.
#[derive(Clone)]
pub(super) struct Counted {
    pub(super) cube: Cube,
    pub(super) day: NaiveDate,
    pub(super) dims: [String; 3],
    pub(super) n: [i64; Measure::SLOTS],
    pub(super) at: Option<DateTime<Utc>>,
}

impl Tenant {
    pub(super) fn new(id: WorkspaceId) -> Self {
        Self {
            id,
            workspaces: Vec::new(),
            config: ConfigVersion(0),
            counted: Vec::new(),
            taken: Vec::new(),
            claims: Vec::new(),
            webhooks: Vec::new(),
            contacts: Vec::new(),
            keys: Vec::new(),
            offers: Vec::new(),
            windows: Vec::new(),
            leads: Vec::new(),
            payloads: Vec::new(),
            rejections: Vec::new(),
            touches: Vec::new(),
            appointments: Vec::new(),
            conversions: Vec::new(),
            deliveries: Vec::new(),
            records: Vec::new(),
            events: Vec::new(),
            counts: Vec::new(),
            wasted: 0,
        }
    }

    pub(super) fn load(&self, need: Need, loaded: &mut Loaded, bug: Option<Bug>) {
        match need {
            Need::Config => {
                loaded.config = Some(self.config);
                loaded.workspace = self.workspaces.first().cloned();
                loaded.webhooks = self.webhooks.clone();
                loaded.webhooks.sort_by_key(|row| row.id);
                let of_config = self.records.iter().filter(|row| {
                    let forgotten = bug == Some(Bug::LoadsNoKeys) && row.kind == API_KEYS_KIND;
                    CONFIG_KINDS.contains(&row.kind.as_str()) && !forgotten
                });
                loaded.records = of_config.cloned().collect();
                loaded.records.sort_by_key(|row| (row.kind.clone(), row.key.clone()));
            }
            Need::Lead(id) => self.load_lead(id, loaded, false),
            Need::Appointment(id) => {
                for visit in self.appointments.iter().filter(|visit| visit.id == id) {
                    self.load_lead(visit.lead, loaded, bug == Some(Bug::LoadsTooLittle));
                    loaded.appointments.push(visit.clone());
                }
            }
            Need::Conversion(id) => {
                for sold in self.conversions.iter().filter(|sold| sold.id == id) {
                    self.load_lead(sold.lead, loaded, false);
                    let of_contact = self.conversions.iter().filter(|other| {
                        let alone = bug == Some(Bug::LoadsOneConversion);
                        other.contact == sold.contact && (other.id == id || !alone)
                    });
                    loaded.conversions.extend(of_contact.cloned());
                    loaded.conversions.sort_by_key(|other| other.id);
                    loaded.conversions.dedup_by_key(|other| other.id);
                }
            }
            Need::Contact(id) => {
                loaded.contacts.extend(self.contacts.iter().filter(|row| row.id == id).cloned());
            }
            Need::Touches(of, at) => self.load_touches(of, at, loaded, bug),
            Need::Owner(of) => loaded.owners.extend(self.owner(of, bug).map(|owner| (of, owner))),
            Need::Rejection(id) => {
                loaded.rejections.extend(self.rejections.iter().filter(|row| row.id == id).cloned());
                loaded.payloads.extend(self.payloads.iter().filter(|row| row.id == id).cloned());
            }
            other => panic!("the model does not know how to load {other:?}"),
        }
    }

    /// A lead and its contact, unless another need brought them already.
    fn load_lead(&self, id: LeadId, loaded: &mut Loaded, without_contact: bool) {
        for lead in self.leads.iter().filter(|lead| lead.id == id) {
            let contacts = self.contacts.iter().filter(|contact| {
                contact.id == lead.contact && !without_contact && loaded.contact(contact.id).is_none()
            });
            let contacts: Vec<Contact> = contacts.cloned().collect();
            loaded.contacts.extend(contacts);
            if loaded.lead(id).is_none() {
                loaded.leads.push(lead.clone());
            }
        }
    }

    /// The owner of the newest other lead, or who keeps the newest other appointment.
    fn owner(&self, of: ContactOf, bug: Option<Bug>) -> Option<KnownOwner> {
        let makes = |mistake| bug == Some(mistake);
        let (lead, but) = match of {
            ContactOf::Lead(id) => (id, None),
            ContactOf::Appointment(id) => {
                (self.appointments.iter().find(|visit| visit.id == id)?.lead, Some(id))
            }
            ContactOf::Itself(_) => return None,
        };
        let lead = self.leads.iter().find(|row| row.id == lead && row.owner.is_none())?;
        let rows_max = if makes(Bug::LooksAtEveryRow) { usize::MAX } else { OWNER_ROWS_MAX };
        let mut leads: Vec<&Lead> = self.leads.iter().filter(|row| row.contact == lead.contact).collect();
        let mut visits: Vec<&Appointment> = self.appointments.iter().collect();
        visits.retain(|visit| visit.contact == lead.contact && Some(visit.id) != but);
        leads.sort_by_key(|row| std::cmp::Reverse(row.id));
        visits.sort_by_key(|row| std::cmp::Reverse(row.id));
        let counts = |id: LeadId| {
            let row = self.leads.iter().find(|row| row.id == id);
            row.is_some_and(|row| (!row.test && row.deleted_at.is_none()) || makes(Bug::OwnsByTests))
        };
        let owner =
            leads.iter().take(rows_max).filter(|row| counts(row.id)).find_map(|row| row.owner.clone());
        let mut kept = visits.iter().take(rows_max).filter(|visit| {
            let moved = visit.status == AppointmentStatus::Rescheduled;
            (!moved || makes(Bug::KeepsWhatWasMoved)) && counts(visit.lead)
        });
        let mut keeper = || kept.find_map(|visit| visit.staff.clone());
        owner.map(KnownOwner::OfLead).or_else(|| keeper().map(KnownOwner::OfAppointment))
    }

    /// All touches of a contact by then: its leads that count, and what was recorded for it and for the visitors that it is.
    fn load_touches(&self, of: ContactOf, at: DateTime<Utc>, loaded: &mut Loaded, bug: Option<Bug>) {
        let makes = |mistake| bug == Some(mistake);
        let contact = match of {
            ContactOf::Lead(id) => self.leads.iter().find(|lead| lead.id == id).map(|lead| lead.contact),
            ContactOf::Appointment(id) => {
                self.appointments.iter().find(|visit| visit.id == id).map(|visit| visit.contact)
            }
            ContactOf::Itself(id) => Some(id),
        };
        let rows_max = if makes(Bug::LooksAtEveryRow) { usize::MAX } else { JOURNEY_ROWS_MAX };
        let mut own: Vec<&Lead> = self.leads.iter().filter(|lead| Some(lead.contact) == contact).collect();
        own.retain(|lead| lead.received_at <= at || makes(Bug::TouchesAfterwards));
        own.retain(|lead| !lead.test || makes(Bug::TouchesByTests));
        own.retain(|lead| lead.deleted_at.is_none() || makes(Bug::TouchesByDeletedLeads));
        own.sort_by_key(|lead| (lead.received_at, lead.id));
        loaded.lead_touches = own.iter().rev().take(rows_max).rev().map(|lead| LeadTouch::of(lead)).collect();

        let is_own = |of: &TouchOf| match of {
            TouchOf::Contact(id) => {
                let merged = ContactKey::of_merged(*id);
                Some(*id) == contact
                    || self.keys.iter().any(|(key, holder)| {
                        *key == merged && Some(*holder) == contact && !makes(Bug::KnowsNoMergedContacts)
                    })
            }
            TouchOf::Visitor(visitor) => self.keys.iter().any(|(key, holder)| {
                key.kind == KeyKind::Visitor
                    && key.value == *visitor
                    && Some(*holder) == contact
                    && !makes(Bug::KnowsNoVisitors)
            }),
        };
        let rows = self.touches.iter().filter(|row| is_own(&row.of));
        let rows = rows.filter(|row| row.touch.at <= at || makes(Bug::TouchesAfterwards));
        let mut touches: Vec<Touchpoint> = rows.map(|row| row.touch.clone()).collect();
        touches.sort_by_key(|touch| (touch.at, touch.id()));
        loaded.touches = touches.split_off(touches.len().saturating_sub(rows_max));
    }
}
