use serde::{Deserialize, Serialize};

use chrono::{DateTime, NaiveDate, Utc};

use crate::api_key::ApiKeySettings;
use crate::appointment::{AppointmentStatus, Ended, NewAppointment, NextStep, Outcome, Schedule};
use crate::attribution::{AttributionSettings, Touchpoint};
use crate::calendar::{CalendarSettings, Resource, Taken};
use crate::contact::{ContactKey, ContactState, Person, Touch};
use crate::conversion::{Adjusted, Commission, Returned};
use crate::delivery::{Disabled, EndpointSettings};
use crate::error::Reason;
use crate::id::{AppointmentId, ContactId, ConversionId, LeadId, ProviderId, WebhookId};
use crate::lead::{ContactAttempt, Custom, Interest, Priority, Progress};
use crate::money::{ExchangeRate, Money, Rates};
use crate::postal::PostalCode;
use crate::provider::ProviderSettings;
use crate::rejection::Corrections;
use crate::routing::{Decision, RuleSet};
use crate::text::{AppointmentType, ConversionType, Private};
use crate::webhook::WebhookSettings;
use crate::workspace::WorkspaceSettings;

/// What happened. Each is kept as facts, which stay for ever, and a personal part, which an erasure takes away.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum EventBody {
    /// A workspace was created.
    WorkspaceCreated(WorkspaceSettings),
    /// A workspace got new settings: these are all of them.
    WorkspaceConfigured(WorkspaceSettings),
    /// A workspace was deleted.
    WorkspaceDeleted,
    /// A deleted workspace was restored.
    WorkspaceRestored,
    /// A webhook was created.
    WebhookCreated {
        /// Its name.
        name: String,
        /// Its settings.
        settings: WebhookSettings,
    },
    /// A webhook got new settings.
    WebhookConfigured {
        /// All of them.
        settings: WebhookSettings,
    },
    /// A webhook was deleted.
    WebhookDeleted,
    /// A deleted webhook was restored.
    WebhookRestored,
    /// A provider was created.
    ProviderCreated {
        /// Its name.
        name: String,
        /// Its settings.
        settings: ProviderSettings,
    },
    /// A provider got new settings.
    ProviderConfigured {
        /// All of them.
        settings: ProviderSettings,
    },
    /// An endpoint was created.
    EndpointCreated(Box<EndpointCreated>),
    /// An endpoint got new settings: these are all of them.
    EndpointConfigured(Box<EndpointSettings>),
    /// An endpoint's deliveries are signed by another secret.
    EndpointSigned {
        /// What may be shown of it.
        by: String,
    },
    /// Nothing is sent to an endpoint any more, since it failed for too long or is gone.
    EndpointDisabled(Disabled),
    /// A disabled endpoint is sent to again.
    EndpointEnabled,
    /// An endpoint was deleted.
    EndpointDeleted,
    /// An API key was created.
    ApiKeyCreated(ApiKeySettings),
    /// An API key was revoked.
    ApiKeyRevoked,
    /// A calendar was made, or got other settings.
    CalendarSet {
        /// Whose it is.
        resource: Resource,
        /// All settings.
        settings: CalendarSettings,
    },
    /// Conversions are attributed by other settings: these are all of them.
    AttributionSet(Box<AttributionSettings>),
    /// There are other exchange rates: these are all of them.
    RatesSet(Box<Rates>),
    /// A touch that is no lead was recorded.
    TouchRecorded(Box<TouchRecorded>),
    /// A visitor turned out to be a contact.
    ContactIdentified {
        /// The id of the visitor; personal.
        visitor: Option<Private>,
    },
    /// A contact took over all that another one was: both are one person.
    ContactMerged(Box<ContactMerged>),
    /// A contact went into another one.
    ContactMergedInto(Box<ContactMerged>),
    /// A merge was undone: said of both contacts.
    ContactUnmerged(Box<ContactMerged>),
    /// A lead, an appointment or a conversion is another contact's, since contacts were merged or that was undone.
    Reparented {
        /// Whose it was.
        from: ContactId,
    },
    /// A lead was taken; its contact was made, or took what the lead offered.
    LeadReceived(Box<LeadReceived>),
    /// A lead could not be taken, and is kept.
    LeadRejected(Box<LeadRejected>),
    /// A lead got another status, by hand.
    LeadMoved {
        /// How far it has come.
        progress: Progress,
    },
    /// Someone else is responsible for a lead, or no one.
    LeadAssigned {
        /// Who.
        owner: Option<String>,
    },
    /// A lead is to be looked at again at another time, or not.
    LeadFollowUpSet {
        /// When.
        at: Option<DateTime<Utc>>,
    },
    /// A lead is more or less urgent.
    LeadPrioritised {
        /// How urgent.
        priority: Priority,
    },
    /// Something was noted of a lead.
    LeadNoted {
        /// What; personal.
        text: Option<Private>,
    },
    /// Someone tried to reach the person.
    LeadAttempted {
        /// How, when, with what success.
        attempt: ContactAttempt,
        /// How far the lead has come.
        progress: Progress,
    },
    /// A lead was deleted.
    LeadDeleted,
    /// A deleted lead was restored.
    LeadRestored,
    /// Fields of a rejected lead were set right.
    RejectionCorrected {
        /// All corrections; personal.
        corrections: Option<Corrections>,
    },
    /// A lead was made of a rejected one.
    RejectionReleased,
    /// Routing rules were published.
    RulesPublished(RuleSet),
    /// An appointment was booked and routed.
    AppointmentBooked(Box<AppointmentBooked>),
    /// An appointment was confirmed by the customer.
    AppointmentConfirmed,
    /// An appointment was given to someone else, by hand.
    AppointmentAssigned {
        /// Whom it went to.
        routing: Box<Decision>,
        /// Who of them keeps it.
        staff: Option<String>,
    },
    /// The rules were asked again: whoever had the appointment declined it, or nobody had it.
    AppointmentRouted {
        /// Whom it went to.
        routing: Box<Decision>,
        /// Who of them keeps it.
        staff: Option<String>,
    },
    /// An appointment took its time of calendars that were made or changed after it was booked.
    AppointmentSeated {
        /// All that it takes.
        takes: Vec<Taken>,
    },
    /// An appointment was moved: another one stands in its place.
    AppointmentRescheduled {
        /// The one that stands in its place.
        to: AppointmentId,
        /// When and by whom it was moved.
        at: Ended,
    },
    /// An appointment took place, was cancelled or missed.
    AppointmentEnded(Box<AppointmentEnded>),
    /// A lead was sold.
    ConversionRecorded(Box<ConversionRecorded>),
    /// What a conversion is worth changed: money went back, or it was stated anew.
    ConversionAdjusted(ConversionAdjusted),
    /// Who earned a conversion was worked out anew, by what is known since.
    ConversionReattributed,
    /// A lead that was sold came back.
    ConversionReturned(Box<ConversionReturned>),
    /// What somebody earns by a conversion is due, cancelled, paid or clawed back: this is the whole of it.
    CommissionChanged(Box<Commission>),
    /// A conversion should not have been, and counts no more.
    ConversionVoided(ConversionVoided),
}

/// Of [`EventBody::EndpointCreated`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointCreated {
    /// Its name.
    pub name: String,
    /// Its settings.
    pub settings: EndpointSettings,
    /// What may be shown of the secret that its deliveries are signed by.
    pub signed_by: String,
}

/// Of [`EventBody::ContactMerged`] and what undoes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactMerged {
    /// The other contact.
    pub other: ContactId,
    /// What the contact is since.
    pub state: ContactState,
}

/// Of [`EventBody::LeadReceived`]: everything of the lead but what the commit decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeadReceived {
    /// The webhook that it came through.
    pub webhook: WebhookId,
    /// The provider that sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// How far it has come: it just came in, with an appointment or without.
    #[serde(default, skip_serializing_if = "Progress::is_default")]
    pub progress: Progress,
    /// What it is an interest in.
    pub interest: Interest,
    /// What is doubtful in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Reason>,
    /// Whether it is a test.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// How far its source is trusted.
    pub rank: u8,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// What it says of the person; `None` once erased.
    #[serde(skip)]
    pub personal: Option<LeadPersonal>,
}

impl LeadReceived {
    /// The lead as a touch of its contact.
    pub fn touch(&self, lead: LeadId) -> Touch {
        Touch { source: self.interest.source.clone(), lead, at: self.received_at }
    }

    /// What it says of the person, whether the contact took it or not; `None` once erased.
    pub fn person(&self) -> Option<&Person> {
        self.personal.as_ref().map(|personal| &personal.person)
    }
}

/// The personal part of [`LeadReceived`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeadPersonal {
    /// What the lead says of the person.
    pub person: Person,
    /// The key that the contact was found or made by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<ContactKey>,
    /// The lead's postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<PostalCode>,
    /// The fields that have no other place.
    pub custom: Custom,
}

/// Of [`EventBody::LeadRejected`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadRejected {
    /// The webhook that it came through.
    pub webhook: WebhookId,
    /// The provider that sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// Everything that was wrong.
    pub reasons: Vec<Reason>,
    /// The sender's own id of the lead, as the transport gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Whether it is a test.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// The appointment that came with it; `None` also once erased.
    #[serde(skip)]
    pub appointment: Option<NewAppointment>,
}

/// Of [`EventBody::AppointmentBooked`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentBooked {
    /// What kind of appointment it is.
    pub appointment_type: AppointmentType,
    /// When it takes place.
    pub schedule: Schedule,
    /// Whom it went to, and why.
    pub routing: Decision,
    /// Who of them keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
    /// The appointment that it was moved from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescheduled_from: Option<AppointmentId>,
    /// The caller's own id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// When it was booked.
    pub booked_at: DateTime<Utc>,
    /// How far the lead has come with it; `None` where it is no step for the lead, as when an appointment is moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Where it takes place; personal.
    #[serde(skip)]
    pub location: Option<Private>,
}

/// Of [`EventBody::AppointmentEnded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentEnded {
    /// Completed, cancelled or missed.
    pub status: AppointmentStatus,
    /// How it ended, if it took place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// When, by whom, why.
    pub ended: Ended,
    /// The conversion that it ended in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<ConversionId>,
    /// How far the lead has come with it; `None` where the conversion's event says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// What is to be done next; personal.
    #[serde(skip)]
    pub next_step: Option<NextStep>,
}

/// Of [`EventBody::ConversionRecorded`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConversionRecorded {
    /// The appointment that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appointment: Option<AppointmentId>,
    /// Its type.
    pub conversion_type: ConversionType,
    /// Its value.
    pub value: Money,
    /// The contact's first lead.
    pub first_touch: Touch,
    /// The contact's last lead before it.
    pub last_touch: Touch,
    /// Who sold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sold_by: Option<String>,
    /// The caller's own id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The day that it counts on.
    pub day: NaiveDate,
    /// The time from the lead's receipt to it.
    pub seconds_to_convert: i64,
    /// How far the lead has come with it.
    pub progress: Progress,
    /// What its value is reported by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<ExchangeRate>,
    /// What else is kept with it; personal.
    #[serde(skip)]
    pub metadata: Option<Custom>,
}

/// Of [`EventBody::ConversionAdjusted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionAdjusted {
    /// What changed, and why.
    pub adjusted: Adjusted,
    /// What it was worth before.
    pub before: Money,
    /// What it is worth since.
    pub net: Money,
}

/// Of [`EventBody::TouchRecorded`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TouchRecorded {
    /// What it is.
    pub touch: Touchpoint,
    /// The id of the visitor whose it is, where it is no contact's yet; personal.
    #[serde(skip)]
    pub visitor: Option<Private>,
}

/// Of [`EventBody::ConversionVoided`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionVoided {
    /// Why.
    pub reason: String,
    /// What it was worth last.
    pub value: Money,
    /// Since when the contact is a customer, by the conversions that stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_since: Option<DateTime<Utc>>,
    /// How far the lead has come without it.
    pub progress: Progress,
    /// What others earned by it, where that ended: as it is since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commissions: Vec<Commission>,
}

/// Of [`EventBody::ConversionReturned`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionReturned {
    /// Why, when, and what the buyer gets for it.
    pub returned: Returned,
    /// What it changed of the conversion's worth, where the buyer gets the money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjusted: Option<ConversionAdjusted>,
    /// What others earned by it, where that ended: as it is since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commissions: Vec<Commission>,
}

/// Makes of one list how a body's kind is named and which kinds there are: no kind can be left out of either.
macro_rules! kinds {
    ({ $($body:pat $(if $is:expr)? => $kind:literal,)+ }) => {
        /// All kinds, as stores name them: those of this release.
        ///
        /// ```
        /// use convio_core::EventBody;
        /// assert!(EventBody::KINDS.contains(&EventBody::LeadDeleted.kind()));
        /// ```
        pub const KINDS: &'static [&'static str] = &[$($kind),+];

        /// The kind, as stores name it.
        pub const fn kind(&self) -> &'static str {
            match self {
                $($body $(if $is)? => $kind,)+
            }
        }
    };
}

impl EventBody {
    /// How far the lead has come with it, where it moves the lead.
    pub fn progress(&self) -> Option<&Progress> {
        match self {
            Self::LeadReceived(received) => Some(&received.progress),
            Self::LeadMoved { progress } | Self::LeadAttempted { progress, .. } => Some(progress),
            Self::AppointmentBooked(booked) => booked.progress.as_ref(),
            Self::AppointmentEnded(ended) => ended.progress.as_ref(),
            Self::ConversionRecorded(recorded) => Some(&recorded.progress),
            Self::ConversionVoided(voided) => Some(&voided.progress),
            _ => None,
        }
    }

    kinds! {
        // Each kind once, and for each body its kind.
        {
            Self::WorkspaceCreated(_) => "workspace.created",
            Self::WorkspaceConfigured(_) => "workspace.configured",
            Self::WorkspaceDeleted => "workspace.deleted",
            Self::WorkspaceRestored => "workspace.restored",
            Self::WebhookCreated { .. } => "webhook.created",
            Self::WebhookConfigured { .. } => "webhook.configured",
            Self::WebhookDeleted => "webhook.deleted",
            Self::WebhookRestored => "webhook.restored",
            Self::ProviderCreated { .. } => "provider.created",
            Self::ProviderConfigured { .. } => "provider.configured",
            Self::EndpointCreated(_) => "endpoint.created",
            Self::EndpointConfigured(_) => "endpoint.configured",
            Self::EndpointSigned { .. } => "endpoint.signed",
            Self::EndpointDisabled(_) => "endpoint.disabled",
            Self::EndpointEnabled => "endpoint.enabled",
            Self::EndpointDeleted => "endpoint.deleted",
            Self::ApiKeyCreated(_) => "api_key.created",
            Self::ApiKeyRevoked => "api_key.revoked",
            Self::CalendarSet { .. } => "calendar.set",
            Self::LeadReceived(_) => "lead.received",
            Self::LeadRejected(_) => "lead.rejected",
            Self::LeadMoved { .. } => "lead.moved",
            Self::LeadAssigned { .. } => "lead.assigned",
            Self::LeadFollowUpSet { .. } => "lead.follow_up_set",
            Self::LeadPrioritised { .. } => "lead.prioritised",
            Self::LeadNoted { .. } => "lead.noted",
            Self::LeadAttempted { .. } => "lead.attempted",
            Self::LeadDeleted => "lead.deleted",
            Self::LeadRestored => "lead.restored",
            Self::RejectionCorrected { .. } => "rejection.corrected",
            Self::RejectionReleased => "rejection.released",
            Self::RulesPublished(_) => "rules.published",
            Self::AppointmentBooked(_) => "appointment.booked",
            Self::AppointmentConfirmed => "appointment.confirmed",
            Self::AppointmentAssigned { .. } => "appointment.assigned",
            Self::AppointmentRouted { .. } => "appointment.routed",
            Self::AppointmentSeated { .. } => "appointment.seated",
            Self::AppointmentRescheduled { .. } => "appointment.rescheduled",
            Self::AppointmentEnded(end) if matches!(end.status, AppointmentStatus::Cancelled) => "appointment.cancelled",
            Self::AppointmentEnded(end) if matches!(end.status, AppointmentStatus::NoShow) => "appointment.no_show",
            Self::AppointmentEnded(_) => "appointment.completed",
            Self::ConversionRecorded(_) => "conversion.recorded",
            Self::ConversionReattributed => "conversion.reattributed",
            Self::ConversionReturned(_) => "conversion.returned",
            Self::CommissionChanged(_) => "conversion.commission_changed",
            Self::ConversionVoided(_) => "conversion.voided",
            Self::ConversionAdjusted(_) => "conversion.adjusted",
            Self::AttributionSet(_) => "attribution.set",
            Self::RatesSet(_) => "rates.set",
            Self::TouchRecorded(_) => "touchpoint.recorded",
            Self::ContactIdentified { .. } => "contact.identified",
            Self::ContactMerged(_) => "contact.merged",
            Self::ContactMergedInto(_) => "contact.merged_into",
            Self::ContactUnmerged(_) => "contact.unmerged",
            Self::Reparented { .. } => "contact.reparented",
        }
    }

    /// Whom it says that an appointment goes to.
    pub fn routing(&self) -> Option<&Decision> {
        match self {
            Self::AppointmentBooked(booked) => Some(&booked.routing),
            Self::AppointmentAssigned { routing, .. } | Self::AppointmentRouted { routing, .. } => {
                Some(routing)
            }
            _ => None,
        }
    }

    /// Takes what was decided: who gets the appointment, and where nobody keeps it yet, who of them does.
    pub(crate) fn route(&mut self, decision: &Decision) {
        let (routing, staff) = match self {
            Self::AppointmentBooked(booked) => (&mut booked.routing, &mut booked.staff),
            Self::AppointmentRouted { routing, staff } => (&mut **routing, staff),
            _ => return,
        };
        routing.clone_from(decision);
        if staff.is_none() {
            *staff = decision.keeper();
        }
    }
}
