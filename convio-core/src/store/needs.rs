use crate::appointment::Appointment;
use crate::change_set::ConfigVersion;
use crate::contact::Contact;
use crate::id::{AppointmentId, ContactId, IntakeId, LeadId, WorkspaceId};
use crate::lead::{Lead, Payload};
use crate::rejection::Rejection;
use crate::routing::RuleSet;
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
    /// The workspace, all its webhooks, and the version of both.
    Config,
    /// The routing rules.
    Rules,
    /// A lead and its contact.
    Lead(LeadId),
    /// An appointment, its lead and its contact.
    Appointment(AppointmentId),
    /// A rejection and its payload.
    Rejection(IntakeId),
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
    /// The routing rules, where they were asked for; version 0 when none were published.
    pub rules: Option<RuleSet>,
    /// Contacts.
    pub contacts: Vec<Contact>,
    /// Leads.
    pub leads: Vec<Lead>,
    /// Appointments.
    pub appointments: Vec<Appointment>,
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

    /// The rejection of this id with its payload, if both were read.
    pub fn rejection(&self, id: IntakeId) -> Option<(&Rejection, &Payload)> {
        let rejection = self.rejections.iter().find(|rejection| rejection.id == id)?;
        Some((rejection, self.payloads.iter().find(|payload| payload.id == id)?))
    }
}
