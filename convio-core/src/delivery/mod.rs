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
mod endpoint;
mod filter;
mod guard;
mod health;
mod mapping;
mod notice;
mod payload;
mod request;
mod response;
mod retry;
mod retry_after;
mod signature;
mod signing;
mod state;
mod status;
#[cfg(test)]
mod tests;
#[cfg(feature = "service")]
mod transport;

pub use attempt::{Attempt, AttemptResult};
pub use cause::Cause;
pub use endpoint::{
    DISABLE_AFTER_HOURS, DISABLE_AFTER_HOURS_MAX, Disabled, DisabledWhy, Endpoint, EndpointSettings,
    NewEndpoint, TIMEOUT_SECONDS, TIMEOUT_SECONDS_MAX,
};
pub use filter::{EventFilter, KIND_BYTES_MAX, KINDS_MAX};
pub use guard::{AddressRefused, Cidr, CidrError, Guard, TargetUrl, URL_BYTES_MAX};
pub use health::Health;
pub use mapping::{BODY_IS_BYTES_MAX, BodyIs, RULES_MAX, ResponseMapping, ResponseRule, Verdict};
pub use notice::{Notice, Noticed};
pub use payload::{PayloadKind, event_body};
pub use request::{BODY_BYTES_MAX, Request};
pub use response::{KeptResponse, Outcome, RESPONSE_BYTES_MAX, RESPONSE_KEPT_BYTES_MAX, Response, SendError};
pub use retry::{ATTEMPTS_MAX, DELAY_SECONDS_MAX, JITTER_PERCENT_MAX, RetrySchedule};
pub use retry_after::{RETRY_AFTER_SECONDS_MAX, retry_after_seconds};
pub use signature::{
    SECRET_BYTES_MAX, SECRET_BYTES_MIN, SIGNATURES_MAX, SecretError, SignatureError, SignedHeaders,
    SigningKeys, SigningSecret, TOLERANCE_SECONDS, Verifier,
};
pub use signing::{
    OVERLAP_HOURS, OVERLAP_HOURS_MAX, REFERENCE_BYTES_MAX, RetiredSecret, SECRETS_MAX, SecretMissing,
    SecretSource, Signing,
};
pub use state::{ATTEMPTS_KEPT_MAX, Answered, Delivery, DeliveryFailure, LEASE_SECONDS, THROTTLE_SECONDS};
pub use status::DeliveryStatus;
#[cfg(feature = "service")]
pub use transport::Transport;
