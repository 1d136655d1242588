use chrono::{DateTime, Utc};

use crate::appointment::Appointment;
use crate::change_set::ConfigVersion;
use crate::contact::{Contact, Touch};
use crate::conversion::Conversion;
use crate::id::{AppointmentId, ContactId, ConversionId, IntakeId, LeadId, WorkspaceId};
use crate::lead::{Lead, Payload};
use crate::record::Record;
use crate::rejection::Rejection;
use crate::webhook::Webhook;
use crate::workspace::Workspace;

/// What a use case must read before it can plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// The one workspace that it reads.
    pub workspace: WorkspaceId,
    /// What it reads there.
    pub items: Vec<Need>,
}

impl Needs {
    /// These, of this workspace.
    pub fn of(workspace: WorkspaceId, items: impl IntoIterator<Item = Need>) -> Self {
        Self { workspace, items: items.into_iter().collect() }
    }
}

/// One thing that must be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// The configuration and its version: the workspace, all its webhooks, and all records of
    /// [`CONFIG_KINDS`](crate::record::CONFIG_KINDS).
    Config,
    /// A lead and its contact.
    Lead(LeadId),
    /// An appointment, its lead and its contact.
    Appointment(AppointmentId),
    /// A conversion, its lead, its contact, and all conversions of that contact.
    Conversion(ConversionId),
    /// The last touch of a contact at or before a time: the greatest by time and id of its leads that are neither tests
    /// nor deleted.
    LastTouch(TouchOf, DateTime<Utc>),
    /// A rejection and its payload.
    Rejection(IntakeId),
}

/// Whose touch is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TouchOf {
    /// That of this lead's contact.
    Lead(LeadId),
    /// That of this appointment's contact.
    Appointment(AppointmentId),
}

/// What was read, at one moment. What does not exist is not in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    /// The version of the configuration, where it was asked for.
    pub config: Option<ConfigVersion>,
    /// The workspace, where the configuration was asked for.
    pub workspace: Option<Workspace>,
    /// Its webhooks, where the configuration was asked for.
    pub webhooks: Vec<Webhook>,
    /// The records of the configuration, where it was asked for, by kind and key; then those that a use case names.
    pub records: Vec<Record>,
    /// Contacts.
    pub contacts: Vec<Contact>,
    /// Leads.
    pub leads: Vec<Lead>,
    /// Appointments.
    pub appointments: Vec<Appointment>,
    /// Conversions, by id.
    pub conversions: Vec<Conversion>,
    /// The touch that was asked for, if there is one.
    pub last_touch: Option<Touch>,
    /// Rejections.
    pub rejections: Vec<Rejection>,
    /// Payloads.
    pub payloads: Vec<Payload>,
}

impl Loaded {
    /// The contact of this id, if it was read.
    pub fn contact(&self, id: ContactId) -> Option<&Contact> {
        self.contacts.iter().find(|contact| contact.id == id)
    }

    /// The lead of this id, if it was read.
    pub fn lead(&self, id: LeadId) -> Option<&Lead> {
        self.leads.iter().find(|lead| lead.id == id)
    }

    /// The appointment of this id, if it was read.
    pub fn appointment(&self, id: AppointmentId) -> Option<&Appointment> {
        self.appointments.iter().find(|appointment| appointment.id == id)
    }

    /// The conversion of this id, if it was read.
    pub fn conversion(&self, id: ConversionId) -> Option<&Conversion> {
        self.conversions.iter().find(|conversion| conversion.id == id)
    }

    /// The rejection of this id with its payload, if both were read.
    pub fn rejection(&self, id: IntakeId) -> Option<(&Rejection, &Payload)> {
        let rejection = self.rejections.iter().find(|rejection| rejection.id == id)?;
        Some((rejection, self.payloads.iter().find(|payload| payload.id == id)?))
    }
}
