use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::time::sleep;

/// What the receiver is told to do instead of its work.
#[derive(Deserialize)]
pub(super) struct Manners {
    #[serde(rename = "do")]
    pub(super) what: Option<String>,
    /// How often it does so before it behaves.
    pub(super) times: Option<u32>,
    /// What `Retry-After` says.
    after: Option<String>,
}

impl Manners {
    pub(super) async fn misbehave(&self, what: &str) -> Response {
        match what {
            "slow" => {
                sleep(SLOW).await;
                StatusCode::OK.into_response()
            }
            "drip" => Body::from_stream(stream::unfold((), |()| async {
                sleep(DRIP).await;
                Some((Ok::<_, Infallible>(Bytes::from_static(b".")), ()))
            }))
            .into_response(),
            "huge" => {
                Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&PIECE))))
                    .into_response()
            }
            "break" => {
                let pieces = [Ok(Bytes::from_static(b"{")), Err(io::Error::other("told to break off"))];
                Body::from_stream(stream::iter(pieces)).into_response()
            }
            status => self.answer(status),
        }
    }

    fn answer(&self, status: &str) -> Response {
        let Some(status) = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok()) else {
            return (StatusCode::BAD_REQUEST, "`do` is a status, slow, drip, huge or break\n")
                .into_response();
        };
        let after = self.after.as_deref().unwrap_or("1").to_owned();
        match status.as_u16() {
            300..=399 => (status, [(header::LOCATION, METADATA)]).into_response(),
            429 | 503 => (status, [(header::RETRY_AFTER, after)]).into_response(),
            _ => (status, format!("told to answer {status}\n")).into_response(),
        }
    }
}

/// Longer than any sender waits.
const SLOW: Duration = Duration::from_secs(60);
const DRIP: Duration = Duration::from_secs(1);
static PIECE: [u8; 16_384] = [b'x'; 16_384];
/// Where a redirect leads that nobody must follow: the metadata of a cloud.
const METADATA: &str = "http://169.254.169.254/latest/meta-data/";
