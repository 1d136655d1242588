use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use convio_core::analytics::Rollup;
use convio_core::canonical::Fingerprint;
use convio_core::change_set::{ClaimKind, ConfigVersion};
use convio_core::event::{Event, Head, Position};
use convio_core::lead::Payload;
use convio_core::record::Record;
use convio_core::rejection::Rejection;
use convio_core::store::{Fault, StoreError};
use convio_core::use_case::{RULES_KEY, RULES_KIND, rules_of};
use convio_core::{
    Appointment, AppointmentId, Contact, ContactId, ContactKey, ContactNumber, Conversion, ConversionId,
    Cube, IntakeId, Lead, LeadId, Loaded, Need, Needs, StreamRef, Version, Webhook, WebhookId, Workspace,
};

use crate::table::Table;

macro_rules! tenant {
    ($($(#[$doc:meta])* $name:ident: $key:ty => $value:ty),+ $(,)?) => {
        /// All rows of one workspace.
        #[derive(Default)]
        pub(crate) struct Tenant {
            pub(crate) workspace: Option<Workspace>,
            pub(crate) contacts_made: u64,
            pub(crate) config: ConfigVersion,
            /// By position, the first at 1.
            pub(crate) events: Vec<Arc<Event>>,
            settled: (Option<Workspace>, u64, ConfigVersion, usize),
            $($(#[$doc])* pub(crate) $name: Table<$key, $value>,)+
        }

        impl Tenant {
            /// Keeps what was changed.
            pub(crate) fn settle(&mut self) {
                self.settled = (self.workspace.clone(), self.contacts_made, self.config, self.events.len());
                $(self.$name.settle();)+
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
    counters: (String, DateTime<Utc>) => i64,
    claims: (WebhookId, ClaimKind, String) => Held,
    webhooks: WebhookId => Webhook,
    webhook_names: String => WebhookId,
    keys: ContactKey => ContactId,
    keys_of: (ContactId, ContactKey) => (),
    contacts: ContactId => Contact,
    numbers: ContactNumber => ContactId,
    windows: (ContactId, Fingerprint) => (DateTime<Utc>, LeadId),
    leads: LeadId => Lead,
    leads_of: (ContactId, LeadId) => (),
    rejections: IntakeId => Rejection,
    payloads: IntakeId => Payload,
    appointments: AppointmentId => Appointment,
    conversions: ConversionId => Conversion,
    records: (String, String) => Record,
    streams: (StreamRef, Version) => Position,
    rollups: (Cube, NaiveDate, [String; 3]) => Rollup,
}

/// What a claim holds.
pub(crate) struct Held {
    pub(crate) intake: IntakeId,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) expires_at: Option<DateTime<Utc>>,
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
                    loaded.workspace.clone_from(&self.workspace);
                    loaded.webhooks = self.webhooks.rows().values().cloned().collect();
                }
                Need::Rules => {
                    let record = self.records.get(&(RULES_KIND.to_owned(), RULES_KEY.to_owned())).cloned();
                    loaded.rules = Some(rules_of(record).map_err(|error| StoreError::Corrupt {
                        table: "record",
                        column: "body".to_owned(),
                        id: format!("{}/{RULES_KIND}/{RULES_KEY}", needs.workspace),
                        fault: Fault::new(error),
                    })?);
                }
                Need::Lead(id) => self.load_lead(id, &mut loaded),
                Need::Appointment(id) => {
                    if let Some(appointment) = self.appointments.get(&id) {
                        self.load_lead(appointment.lead, &mut loaded);
                        loaded.appointments.push(appointment.clone());
                    }
                }
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

    fn load_lead(&self, id: LeadId, loaded: &mut Loaded) {
        if let Some(lead) = self.leads.get(&id) {
            loaded.contacts.extend(self.contacts.get(&lead.contact).cloned());
            loaded.leads.push(lead.clone());
        }
    }
}
