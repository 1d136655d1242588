//! The lead journey as pure decisions.
//!
//! ```text
//! raw lead -> checked and normalised -> contact (found or made) -> lead -> appointment (routed) -> conversion
//!    |                  |                        |                   |           |                      |
//! RawLead        use_case::ingest        contact, ContactKey       Lead   Appointment, routing     Conversion
//!                                                 \________ events, rollups ________/
//! ```
//!
//! **Core decides, stores apply.** A use case says what it must read ([`Needs`]) and plans what shall be true
//! ([`ChangeSet`]); a [`store`] reads the one and applies the other, whole or not at all. Nothing here does I/O, reads a
//! clock or draws a random number: time and ids come in from outside.
//!
//! | feature | brings |
//! |---|---|
//! | `service` (default) | the store traits and [`Convio`], the asynchronous face; no runtime |
//! | `stream` | what is new, of one workspace or of all, as a `Stream`; no runtime and no timer |
//! | `phone` (default) | reading phone numbers as people write them |
//! | `intake` | reading files: leads as CSV in any encoding, and their import; lists of postal codes |
//! | `ics` | appointments as iCalendar files: invitations, cancellations, calendars to subscribe to |
//! | `delivery` | deliveries to URLs: signatures, retries, what answers mean, which addresses are refused |
//! | `attribution-data` | attribution by data: Markov chains and Shapley values |
//! | `us-zips` | the ZIP codes of the United States: which there are, and which within a radius, for rules |
//!
//! Without features all of it is synchronous: types, plans, merge, routing, folds, change sets.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod analytics;
pub mod api_key;
pub mod appointment;
pub mod attribution;
pub mod availability;
pub mod calendar;
pub mod canonical;
pub mod change_set;
pub mod clock;
pub mod consumer;
pub mod contact;
pub mod conversion;
pub mod delivery;
pub mod email;
mod error;
pub mod event;
pub mod id;
#[cfg(feature = "intake")]
pub mod intake;
pub mod lead;
pub mod money;
pub mod page;
pub mod phone;
pub mod postal;
pub mod provider;
pub mod record;
pub mod rejection;
pub mod routing;
#[cfg(feature = "service")]
pub mod service;
pub mod store;
pub mod text;
pub mod use_case;
pub mod webhook;
pub mod workspace;
pub mod zone;

/// Dates and times of the public face.
pub use chrono;

pub use analytics::{Cube, Measure, ReportQuery, Rollup};
pub use api_key::{ApiKey, ApiToken, NewApiKey, Permission};
pub use appointment::{Appointment, AppointmentStatus, Completion, NewAppointment, Outcome, Party, Schedule};
pub use calendar::{Calendar, CalendarSettings, Hold, NewHold, Resource};
pub use canonical::Fingerprint;
pub use change_set::{ChangeSet, ConfigVersion, Receipt, RowRef, Version};
pub use clock::{Clock, FixedClock};
pub use contact::{Contact, ContactKey, ContactNumber, KeyKind, KeyScope, NumberSeries, Person};
pub use conversion::{Conversion, NewConversion};
pub use email::Email;
pub use error::{Error, ErrorKind, Reason};
pub use event::{Actor, Event, EventBody, Origin, Position, StreamRef, Subject};
pub use id::{
    AdjustmentId, ApiKeyId, AppointmentId, CalendarId, CommissionId, ContactId, ConversionId, DeliveryId,
    EndpointId, Ids, IntakeId, LeadId, ProviderId, SequentialIds, TouchpointId, WebhookId, WorkspaceId,
};
pub use lead::{
    Channel, ContactAttempt, Custom, Lead, LeadChange, LeadStatus, Payload, Pipeline, Priority, Progress,
    RawLead, Stage,
};
pub use money::{Currency, Money};
pub use page::{Cursor, Page, PageRequest};
pub use phone::{AreaCode, Phone, Region, Validity};
pub use postal::PostalCode;
pub use provider::{Provider, ProviderSettings};
pub use rejection::{Corrections, Rejection, RejectionState};
pub use routing::{Rule, RuleSet, Target};
#[cfg(feature = "service")]
pub use service::{Attribution, Coalesced, Convio, WorkspaceHandle};
pub use store::{CommitError, ContactOf, KnownOwner, Loaded, Need, Needs, StoreError};
#[cfg(feature = "service")]
pub use store::{Durability, Store};
pub use text::{
    AppointmentType, Campaign, ConversionType, LeadType, MarketingChannel, Medium, Product, Source, State,
};
pub use use_case::ingest::{Accepted, Ingested, Refused};
pub use webhook::{
    DIRECT, DedupScope, NewWebhook, PhonePolicy, RepeatAction, RepeatPolicy, Webhook, WebhookSettings,
};
pub use workspace::{NewWorkspace, Policy, Workspace, WorkspaceSettings};
pub use zone::Zone;
