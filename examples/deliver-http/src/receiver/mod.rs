//! A receiver to try deliveries with. It does what the specification asks of one, or whatever it is told to do instead.

mod manners;
mod seen;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use convio_core::Clock;
use convio_core::delivery::{BODY_BYTES_MAX, SignedHeaders, Verifier};
use manners::Manners;
use seen::Seen;
use serde_json::{Value, json};

pub use seen::IDS_MAX;

/// An event that came in, signed by who it should be. Nothing of it is personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Its `webhook-id`.
    pub id: String,
    /// What it tells, as in `lead.received`; empty where it has no `type`.
    pub kind: String,
    /// Its place in the feed, where it has one.
    pub position: Option<u64>,
    /// Whether it came before.
    pub is_duplicate: bool,
}

/// A receiver on every path: it believes what is signed, remembers the ids, and tells `hear` of each event.
///
/// | `POST` | answer |
/// |---|---|
/// | signed, and new | 200 `{"status":"taken"}` |
/// | with a `webhook-id` that it has had | 200 `{"status":"duplicate"}` |
/// | not signed, or not by this secret, or too old | 401, and why |
/// | signed, with `?do=500`, or another status | that status, and it does not remember the id; 3xx lead to a private address, 429 and 503 say when to come back, in seconds or by a date: `&after=5` |
/// | `?do=slow` | nothing for a minute |
/// | `?do=drip` | 200, and a byte of a body each second for ever |
/// | `?do=huge` | 200, and a body without an end |
/// | `?do=break` | 200, and a body that breaks off |
///
/// With `&times=2` it behaves again once it has misbehaved twice.
pub fn receiver(
    verifier: Verifier,
    clock: impl Clock + 'static,
    hear: impl Fn(&Heard) + Send + Sync + 'static,
) -> Router {
    let receiver = Receiver {
        verifier,
        clock: Box::new(clock),
        hear: Box::new(hear),
        seen: Mutex::default(),
        misbehaved: AtomicU32::new(0),
    };
    Router::new()
        .route("/", post(take))
        .route("/{*path}", post(take))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Arc::new(receiver))
}

struct Receiver {
    verifier: Verifier,
    clock: Box<dyn Clock>,
    hear: Box<dyn Fn(&Heard) + Send + Sync>,
    seen: Mutex<Seen>,
    misbehaved: AtomicU32,
}

async fn take(
    State(receiver): State<Arc<Receiver>>,
    Query(manners): Query<Manners>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signed = SignedHeaders::read(header).and_then(|signed| {
        receiver.verifier.verify(&signed, &body, receiver.clock.now())?;
        Ok(signed)
    });
    let signed = match signed {
        Ok(signed) => signed,
        Err(error) => return (StatusCode::UNAUTHORIZED, format!("{error}\n")).into_response(),
    };
    if let Some(what) = manners.what.as_deref().filter(|_| receiver.misbehaves(manners.times)) {
        return manners.misbehave(what).await;
    }
    let is_duplicate = receiver.seen.lock().unwrap_or_else(PoisonError::into_inner).is_known(&signed.id);
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    let kind = event["type"].as_str().unwrap_or_default().to_owned();
    let position = event["data"]["position"].as_u64();
    (receiver.hear)(&Heard { id: signed.id, kind, position, is_duplicate });
    axum::Json(json!({"status": if is_duplicate { "duplicate" } else { "taken" }})).into_response()
}

impl Receiver {
    /// Whether it misbehaves this time too, and notes it.
    fn misbehaves(&self, times: Option<u32>) -> bool {
        let before = self.misbehaved.fetch_add(1, Ordering::Relaxed);
        times.is_none_or(|times| before < times)
    }
}
