use chrono::{DateTime, Utc};

use crate::appointment::Appointment;
use crate::attribution::{LeadTouch, Touchpoint};
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
    /// A contact.
    Contact(ContactId),
    /// The touches of a contact at or before a time: of its leads that are neither tests nor deleted the [`JOURNEY_ROWS_MAX`] newest
    /// by time and id, and as many of the touches that were recorded for it, for a visitor who turned out to be it
    /// ([`KeyKind::Visitor`](crate::KeyKind::Visitor)), or for a contact that was merged into it
    /// ([`KeyKind::Contact`](crate::KeyKind::Contact)).
    Touches(ContactOf, DateTime<Utc>),
    /// Who was responsible for a contact before ([`ContactOf::Itself`] is no question: nobody), where the lead in question has no owner of its own: the owner of the
    /// newest of its leads that has one, or else who keeps the newest of its other appointments that somebody keeps.
    ///
    /// - The newest is the one of the greatest id. The [`OWNER_ROWS_MAX`] newest leads are looked at, and as many appointments.
    /// - Leads that are tests or deleted do not count, nor do their appointments.
    /// - An appointment counts whatever came of it: who knows the contact still does after a sale, a cancellation or a
    ///   no-show. One that was moved does not: another one stands in its place. Whoever declined one no longer keeps it.
    Owner(ContactOf),
    /// A rejection and its payload.
    Rejection(IntakeId),
}

/// Which contact is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactOf {
    /// That of this lead.
    Lead(LeadId),
    /// That of this appointment.
    Appointment(AppointmentId),
    /// This one.
    Itself(ContactId),
}

/// Who was responsible for a contact before.
///
/// ```
/// use convio_core::KnownOwner;
/// let owner = KnownOwner::OfLead("Ann".to_owned());
/// assert_eq!(owner.name(), "Ann");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownOwner {
    /// The owner of another lead of it.
    OfLead(String),
    /// Who keeps another appointment of it.
    OfAppointment(String),
}

impl KnownOwner {
    /// Their name.
    pub fn name(&self) -> &str {
        let (Self::OfLead(name) | Self::OfAppointment(name)) = self;
        name
    }
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
    /// The leads of a contact as touches, where those were asked for, by time and id.
    pub lead_touches: Vec<LeadTouch>,
    /// Its other touches, by time and id.
    pub touches: Vec<Touchpoint>,
    /// Who was responsible before, of those asked for where anybody was.
    pub owners: Vec<(ContactOf, KnownOwner)>,
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

    /// Who was responsible for this contact before, if it was read and anybody was.
    pub fn owner(&self, of: ContactOf) -> Option<&KnownOwner> {
        self.owners.iter().find(|(it, _)| *it == of).map(|(_, owner)| owner)
    }

    /// The last lead of the touches that were read, at or before a time.
    pub fn last_touch(&self, at: DateTime<Utc>) -> Option<Touch> {
        let touches = self.lead_touches.iter().filter(|touch| touch.at <= at);
        touches.max_by_key(|touch| (touch.at, touch.lead)).map(LeadTouch::touch)
    }

    /// The rejection of this id with its payload, if both were read.
    pub fn rejection(&self, id: IntakeId) -> Option<(&Rejection, &Payload)> {
        let rejection = self.rejections.iter().find(|rejection| rejection.id == id)?;
        Some((rejection, self.payloads.iter().find(|payload| payload.id == id)?))
    }
}

/// Most leads of a contact, and most of its other touches, that a journey is made of: the newest.
pub const JOURNEY_ROWS_MAX: usize = 1_000;
/// Most leads of a contact, and most appointments, that are looked at for who was responsible for it: a contact may have
/// thousands, and whoever comes after these is long gone.
pub const OWNER_ROWS_MAX: usize = 20;
