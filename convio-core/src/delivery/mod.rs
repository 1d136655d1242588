//! Deliveries: how events, leads and appointments reach a URL of somebody else's, by the rules of [Standard Webhooks] 1.0.0.
//!
//! ```text
//! Event -> Endpoint (filter) -> Delivery -- begin --> request (signed, guarded) -- Transport --> Outcome
//!                                  ^                                                               |
//!                                  +----- later, by the schedule and Retry-After ---- answered <---+
//!                                                                                        |
//!                       success | rejected | duplicate | failed, health, disable, notices
//! ```
//!
//! Nothing is sent, read or kept here: a [`Delivery`] is a value, and each step is a function of what it is given. Whoever drives it
//! keeps what a step gives before the next one, and sends by a `Transport` of its own (with the feature `service`). A delivery
//! arrives at least once, always under the same `webhook-id`.
//!
//! ```
//! use convio_core::delivery::{
//!     Cause, Delivery, DeliveryStatus, EventFilter, Guard, Health, NewEndpoint, Response, SignedHeaders, Verifier,
//! };
//! # use convio_core::delivery::SecretSource;
//! use convio_core::{Position, SequentialIds, WorkspaceId};
//! let now = "2027-03-02T10:00:00Z".parse()?;
//! # let ids = SequentialIds::seeded(1);
//! # let acme = WorkspaceId::new(&ids, now);
//! let guard = Guard::new();
//! let endpoint = NewEndpoint::to("https://hooks.example.com/in")
//!     .with(|settings| settings.events = EventFilter::only(["lead."]))
//!     .create(acme, now, &ids, &guard)?;
//! let health = Health::default();
//!
//! let delivery = Delivery::new(Cause::Event(Position(7)), "lead.received", &endpoint, now, now);
//! let delivery = delivery.begin(now, &endpoint, &health)?;
//! let keys = endpoint.signing.keys(now, &|_| None)?;
//! let request = delivery.request(now, &endpoint, &keys, &guard, b"{}".to_vec())?;
//! # let SecretSource::Value(secret) = endpoint.signing.secret.clone() else { panic!() };
//! let signed = SignedHeaders::read(|name| request.header(name))?;
//! assert!(Verifier::of(secret).verify(&signed, &request.body, now).is_ok());
//!
//! // The receiver has too much to do, and says for how long.
//! let busy = Ok(Response::new(503).retry_after("120"));
//! let answered = delivery.answered(now, &busy, &endpoint, &health)?;
//! let wait = answered.delivery.next_attempt_at.expect("it is tried again") - now;
//! assert!((120..=132).contains(&wait.num_seconds()));
//! assert_eq!(answered.delivery.status, DeliveryStatus::Pending);
//! assert!(answered.health.is_throttled(now));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

mod attempt;
mod cause;
#[cfg(feature = "delivery")]
mod endpoint;
mod filter;
#[cfg(feature = "delivery")]
mod guard;
mod health;
#[cfg(feature = "delivery")]
mod machine;
mod mapping;
mod notice;
#[cfg(feature = "delivery")]
mod payload;
mod payload_kind;
mod report;
mod repository;
#[cfg(feature = "delivery")]
mod request;
mod response;
mod retry;
#[cfg(feature = "delivery")]
mod retry_after;
#[cfg(feature = "delivery")]
mod routed;
mod settings;
#[cfg(feature = "delivery")]
mod signature;
#[cfg(feature = "delivery")]
mod signing;
mod state;
mod status;
mod target_url;
#[cfg(all(test, feature = "delivery"))]
mod tests;
#[cfg(feature = "delivery")]
mod told;
#[cfg(all(feature = "delivery", feature = "service"))]
mod transport;

pub use attempt::{Attempt, AttemptResult};
pub use cause::Cause;
#[cfg(feature = "delivery")]
pub(crate) use endpoint::all as endpoints_of;
#[cfg(feature = "delivery")]
pub use endpoint::{ENDPOINTS_MAX, Endpoint, NewEndpoint};
pub use filter::{EventFilter, KIND_BYTES_MAX, KINDS_MAX};
#[cfg(feature = "delivery")]
pub use guard::{AddressRefused, Cidr, CidrError, Guard, URL_BYTES_MAX};
pub use health::Health;
#[cfg(feature = "delivery")]
pub use machine::{Answered, LEASE_SECONDS, THROTTLE_SECONDS};
pub use mapping::{BODY_IS_BYTES_MAX, BodyIs, RULES_MAX, ResponseMapping, ResponseRule, Verdict};
pub use notice::{Notice, Noticed};
#[cfg(feature = "delivery")]
pub use payload::event_body;
pub use payload_kind::PayloadKind;
pub use report::{Delivered, REPORTS_KEPT_MAX, Report, Reported};
#[cfg(feature = "service")]
pub use repository::{DeliveryFilter, DeliveryRepository};
#[cfg(feature = "delivery")]
pub use request::{BODY_BYTES_MAX, Request};
pub use response::{KeptResponse, Outcome, RESPONSE_BYTES_MAX, RESPONSE_KEPT_BYTES_MAX, Response, SendError};
pub use retry::{ATTEMPTS_MAX, DELAY_SECONDS_MAX, JITTER_PERCENT_MAX, RetrySchedule};
#[cfg(feature = "delivery")]
pub use retry_after::{RETRY_AFTER_SECONDS_MAX, retry_after_seconds};
#[cfg(all(feature = "delivery", feature = "service"))]
pub(crate) use routed::person_fields;
#[cfg(feature = "delivery")]
pub use routed::{APPOINTMENTS_KIND, LEADS_KIND, routed_body};
pub use settings::{
    DISABLE_AFTER_HOURS, DISABLE_AFTER_HOURS_MAX, Destination, Disabled, DisabledWhy, EndpointSettings,
    TIMEOUT_SECONDS, TIMEOUT_SECONDS_MAX,
};
#[cfg(feature = "delivery")]
pub use signature::{
    SECRET_BYTES_MAX, SECRET_BYTES_MIN, SIGNATURES_MAX, SecretError, SignatureError, SignedHeaders,
    SigningKeys, SigningSecret, TOLERANCE_SECONDS, Verifier,
};
#[cfg(feature = "delivery")]
pub use signing::{
    OVERLAP_HOURS, OVERLAP_HOURS_MAX, REFERENCE_BYTES_MAX, RetiredSecret, SECRETS_MAX, SecretMissing,
    SecretSource, Signing,
};
pub use state::{ATTEMPTS_KEPT_MAX, Delivery, DeliveryFailure};
pub use status::DeliveryStatus;
pub use target_url::TargetUrl;
#[cfg(feature = "delivery")]
pub use told::ToldEndpoint;
#[cfg(all(feature = "delivery", feature = "service"))]
pub use transport::Transport;
