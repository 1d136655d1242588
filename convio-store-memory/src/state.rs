use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use convio_core::analytics::Measure;
use convio_core::attribution::{LeadTouch, TouchOf, Touchpoint, Tracked};
use convio_core::canonical::Fingerprint;
use convio_core::change_set::{ClaimName, ConfigVersion, Held, Last, RollupKey};
use convio_core::delivery::Delivery;
use convio_core::event::{Event, Head, Position};
use convio_core::lead::Payload;
use convio_core::record::{CONFIG_KINDS, Record};
use convio_core::rejection::Rejection;
use convio_core::store::{JOURNEY_ROWS_MAX, OWNER_ROWS_MAX, StoreError};
use convio_core::{
    Appointment, AppointmentId, AppointmentStatus, Contact, ContactId, ContactKey, ContactNumber, ContactOf,
    Conversion, ConversionId, DeliveryId, EndpointId, IntakeId, KeyKind, KeyScope, KnownOwner, Lead, LeadId,
    Loaded, Need, Needs, StreamRef, TouchpointId, Version, Webhook, WebhookId, Workspace,
};
use uuid::Uuid;

use crate::table::{Lookup, Table};

macro_rules! tenant {
    ($($(#[$doc:meta])* $name:ident: $table:ty),+ $(,)?) => {
        /// All rows of one workspace.
        #[derive(Default)]
        pub(crate) struct Tenant {
            pub(crate) workspace: Option<Arc<Workspace>>,
            pub(crate) contacts_made: u64,
            pub(crate) config: ConfigVersion,
            /// By position, the first at 1.
            pub(crate) events: Vec<Arc<Event>>,
            settled: (Option<Arc<Workspace>>, u64, ConfigVersion, usize),
            $($(#[$doc])* pub(crate) $name: $table,)+
        }

        impl Tenant {
            /// Keeps what was changed.
            pub(crate) fn settle(&mut self) {
                self.settled = (self.workspace.clone(), self.contacts_made, self.config, self.events.len());
                $(self.$name.settle();)+
            }

            /// Whether it was never settled with a workspace in it: nobody knows of it.
            pub(crate) fn is_new(&self) -> bool {
                self.settled.0.is_none()
            }

            /// Takes back what was changed since it was last settled.
            pub(crate) fn roll_back(&mut self) {
                let (workspace, contacts_made, config, events) = self.settled.clone();
                (self.workspace, self.contacts_made, self.config) = (workspace, contacts_made, config);
                self.events.truncate(events);
                $(self.$name.roll_back();)+
            }
        }
    };
}

tenant! {
    counters: Table<(String, DateTime<Utc>), i64>,
    claims: Lookup<ClaimName, Held>,
    webhooks: Table<WebhookId, Webhook>,
    webhook_names: Table<String, WebhookId>,
    keys: Lookup<Arc<ContactKey>, ContactId>,
    keys_of: Table<(ContactId, Arc<ContactKey>), ()>,
    /// Large rows stand apart from their tree, which then takes less room and is quicker to add to.
    contacts: Table<ContactId, Box<Contact>>,
    numbers: Lookup<ContactNumber, ContactId>,
    /// Who has or had a phone number, by its digits: who no longer has it stays.
    phones: Table<(u64, ContactId), ()>,
    windows: Table<(ContactId, Fingerprint), Last>,
    leads: Table<LeadId, Box<Lead>>,
    leads_of: Table<(ContactId, LeadId), ()>,
    rejections: Table<IntakeId, Rejection>,
    payloads: Table<IntakeId, Payload>,
    touches: Table<TouchpointId, Tracked>,
    touches_of: Table<(TouchOf, (DateTime<Utc>, TouchpointId)), ()>,
    appointments: Table<AppointmentId, Appointment>,
    appointments_of: Table<(Owner, AppointmentId), ()>,
    conversions: Table<ConversionId, Conversion>,
    conversions_of: Table<(Owner, ConversionId), ()>,
    deliveries: Table<DeliveryId, Box<Delivery>>,
    /// Those that are to be looked at again, by when.
    deliveries_next: Table<(EndpointId, (DateTime<Utc>, DeliveryId)), ()>,
    records: Table<(String, String), Record>,
    streams: Table<(StreamRef, Version), Position>,
    rollups: Table<Arc<RollupKey>, Sums>,
}

/// What a row of a cube has come to: its measures, and when the last of what it counts happened.
pub(crate) type Sums = ([i64; Measure::SLOTS], Option<DateTime<Utc>>);

/// The digits of a phone number in E.164, which are 15 at most and start with no zero; `None` for any other text.
pub(crate) fn digits(e164: &str) -> Option<u64> {
    e164.strip_prefix('+')?.parse().ok()
}

/// Whose an appointment or a conversion is: it is found by its lead and by its contact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    Lead(LeadId),
    Contact(ContactId),
}

impl Tenant {
    pub(crate) fn head(&self) -> Head {
        Head { feed: Position(self.events.len() as u64), contacts: self.contacts_made, config: self.config }
    }

    pub(crate) fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded::default();
        for need in &needs.items {
            match *need {
                Need::Config => {
                    loaded.config = Some(self.config);
                    loaded.workspace = self.workspace.as_deref().cloned();
                    loaded.webhooks = self.webhooks.rows().values().cloned().collect();
                    loaded.records = self.config_records();
                }
                Need::Lead(id) => self.load_lead(id, &mut loaded),
                Need::Appointment(id) => {
                    if let Some(appointment) = self.appointments.get(&id) {
                        self.load_lead(appointment.lead, &mut loaded);
                        loaded.appointments.push(appointment.clone());
                    }
                }
                Need::Conversion(id) => {
                    if let Some(conversion) = self.conversions.get(&id) {
                        self.load_lead(conversion.lead, &mut loaded);
                        let contact = Owner::Contact(conversion.contact);
                        let own = self.conversions_of.of(contact, ConversionId::from_uuid(Uuid::nil()));
                        loaded.conversions.extend(own.filter_map(|id| self.conversions.get(id)).cloned());
                    }
                }
                Need::Contact(id) => {
                    loaded.contacts.extend(self.contacts.get(&id).map(|row| Contact::clone(row)));
                }
                Need::Touches(of, at) => self.load_touches(of, at, &mut loaded),
                Need::Owner(of) => loaded.owners.extend(self.owner(of).map(|owner| (of, owner))),
                Need::Rejection(id) => {
                    loaded.rejections.extend(self.rejections.get(&id).cloned());
                    loaded.payloads.extend(self.payloads.get(&id).cloned());
                }
                need => {
                    return Err(StoreError::Misuse(format!("this version of the store can't read {need:?}")));
                }
            }
        }
        Ok(loaded)
    }

    fn config_records(&self) -> Vec<Record> {
        let mut kinds = CONFIG_KINDS;
        kinds.sort_unstable();
        let of_kind = |kind: &'static str| {
            let from = self.records.rows().range((kind.to_owned(), String::new())..);
            from.map(|(_, record)| record).take_while(move |record| record.kind == kind)
        };
        kinds.into_iter().flat_map(of_kind).cloned().collect()
    }

    fn owner(&self, of: ContactOf) -> Option<KnownOwner> {
        let (lead, but) = match of {
            ContactOf::Lead(id) => (id, None),
            ContactOf::Appointment(id) => (self.appointments.get(&id)?.lead, Some(id)),
            ContactOf::Itself(_) => return None,
        };
        let Lead { contact, owner: None, .. } = **self.leads.get(&lead)? else { return None };
        let counts = |id: &LeadId| self.leads.get(id).is_some_and(|it| !it.test && it.deleted_at.is_none());
        let last = LeadId::from_uuid(Uuid::max());
        let leads = self.leads_of.newest(contact, last).take(OWNER_ROWS_MAX).filter(|id| counts(id));
        let mut owners = leads.filter_map(|id| self.leads.get(id)?.owner.clone());
        if let Some(owner) = owners.next() {
            return Some(KnownOwner::OfLead(owner));
        }
        let last = AppointmentId::from_uuid(Uuid::max());
        let others =
            self.appointments_of.newest(Owner::Contact(contact), last).filter(|id| Some(**id) != but);
        let others = others.take(OWNER_ROWS_MAX).filter_map(|id| self.appointments.get(id));
        let mut kept = others.filter(|it| it.status != AppointmentStatus::Rescheduled && counts(&it.lead));
        kept.find_map(|it| it.staff.clone()).map(KnownOwner::OfAppointment)
    }

    fn load_touches(&self, whose: ContactOf, at: DateTime<Utc>, loaded: &mut Loaded) {
        let contact = match whose {
            ContactOf::Lead(id) => self.leads.get(&id).map(|row| row.contact),
            ContactOf::Appointment(id) => self.appointments.get(&id).map(|row| row.contact),
            ContactOf::Itself(id) => Some(id),
        };
        let Some(contact) = contact else { return };
        let own = self.leads_of.of(contact, LeadId::from_uuid(Uuid::nil()));
        let leads = own.filter_map(|id| self.leads.get(id).map(|lead| &**lead));
        let counted = leads.filter(|lead| lead.received_at <= at && !lead.test && lead.deleted_at.is_none());
        let mut leads: Vec<LeadTouch> = counted.map(LeadTouch::of).collect();
        leads.sort_by_key(|touch| (touch.at, touch.lead));
        leads.drain(..leads.len().saturating_sub(JOURNEY_ROWS_MAX));
        loaded.lead_touches = leads;

        let of_key = |key: ContactKey| match key.kind {
            KeyKind::Visitor => Some(TouchOf::Visitor(key.value)),
            KeyKind::Contact => key.value.parse().ok().map(TouchOf::Contact),
            _ => None,
        };
        // Its own id is a key of it where it was merged once, and is no more.
        let keys = keys_of(self, contact).into_iter().filter_map(of_key);
        let owners: BTreeSet<TouchOf> = keys.chain([TouchOf::Contact(contact)]).collect();
        let last = (at, TouchpointId::from_uuid(Uuid::max()));
        let newest = |of: TouchOf| self.touches_of.newest(of, last).take(JOURNEY_ROWS_MAX);
        let rows = owners.into_iter().flat_map(newest).filter_map(|(_, id)| self.touches.get(id));
        let mut touches: Vec<Touchpoint> = rows.map(|row| row.touch.clone()).collect();
        touches.sort_by_key(Touchpoint::order);
        touches.drain(..touches.len().saturating_sub(JOURNEY_ROWS_MAX));
        loaded.touches = touches;
    }

    fn load_lead(&self, id: LeadId, loaded: &mut Loaded) {
        if let Some(lead) = self.leads.get(&id) {
            loaded.contacts.extend(self.contacts.get(&lead.contact).map(|row| Contact::clone(row)));
            loaded.leads.push(Lead::clone(lead));
        }
    }
}

/// The keys of a contact.
pub(crate) fn keys_of(tenant: &Tenant, contact: ContactId) -> Vec<ContactKey> {
    let least = ContactKey { scope: KeyScope::Workspace, kind: KeyKind::Phone, value: String::new() };
    let own = tenant.keys_of.rows().range((contact, Arc::new(least))..);
    own.take_while(|((owner, _), ())| *owner == contact)
        .map(|((_, key), ())| ContactKey::clone(key))
        .collect()
}
