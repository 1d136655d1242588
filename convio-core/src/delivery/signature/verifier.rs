use chrono::{DateTime, TimeDelta, Utc};

use super::headers::TIMESTAMP_HEADER;
use super::{SignedHeaders, SigningSecret};

/// Verifies signed deliveries: of who gets some, and of tests. One of several secrets must have signed, and the attempt may not be
/// farther from now than a tolerance, or what was caught on its way could be sent again for ever.
///
/// Whoever verifies also remembers the ids for as long: within the tolerance a delivery can come twice.
///
/// ```
/// use convio_core::delivery::{SignatureError, SignedHeaders, SigningKeys, SigningSecret, Verifier};
/// let secret: SigningSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?;
/// let at = "2027-03-02T10:00:00Z".parse()?;
/// let headers = SigningKeys::of(secret.clone()).sign("018f", at, b"{}");
/// let verifier = Verifier::of(secret);
/// assert_eq!(verifier.verify(&headers, b"{}", at), Ok(at));
/// assert_eq!(verifier.verify(&headers, b"[]", at), Err(SignatureError::NoMatch));
/// let later = at + chrono::TimeDelta::seconds(301);
/// assert_eq!(verifier.verify(&headers, b"{}", later), Err(SignatureError::TooOld));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Verifier {
    secrets: Vec<SigningSecret>,
    tolerance_seconds: u32,
}

impl Verifier {
    /// By this secret, within five minutes.
    pub fn of(secret: SigningSecret) -> Self {
        Self { secrets: vec![secret], tolerance_seconds: TOLERANCE_SECONDS }
    }

    /// Or by this one.
    #[must_use]
    pub fn or(mut self, secret: SigningSecret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// Within so many seconds, before now or after.
    #[must_use]
    pub fn tolerance_seconds(self, seconds: u32) -> Self {
        Self { tolerance_seconds: seconds, ..self }
    }

    /// When the attempt was made, by its sender, if it is one of theirs. `body` is what came in, byte for byte.
    ///
    /// # Errors
    /// Why it is not.
    pub fn verify(
        &self,
        headers: &SignedHeaders,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, SignatureError> {
        let at = read_timestamp(&headers.timestamp).ok_or(SignatureError::Timestamp)?;
        let tolerance = TimeDelta::seconds(self.tolerance_seconds.into());
        if now - at > tolerance {
            return Err(SignatureError::TooOld);
        }
        if at - now > tolerance {
            return Err(SignatureError::TooNew);
        }
        let each = headers.signature.split(' ').filter(|text| !text.is_empty());
        let mut signatures = each.take(SIGNATURES_MAX);
        let holds = |signature: &str| {
            let by = |secret: &SigningSecret| secret.signed(signature, &headers.id, &headers.timestamp, body);
            self.secrets.iter().any(by)
        };
        // A full stop would let one content be read as another one.
        let is_plain = !headers.id.is_empty() && !headers.id.contains('.');
        if is_plain && signatures.any(holds) { Ok(at) } else { Err(SignatureError::NoMatch) }
    }
}

/// Digits alone: what `webhook-timestamp` may be.
fn read_timestamp(text: &str) -> Option<DateTime<Utc>> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    DateTime::from_timestamp(text.parse().ok().filter(|_| digits)?, 0)
}

/// Why a delivery is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is missing or empty.
    #[error("the header `{header}` is missing")]
    Missing {
        /// Its name.
        header: &'static str,
    },
    /// Its timestamp is no time.
    #[error("`{TIMESTAMP_HEADER}` is not in unix seconds")]
    Timestamp,
    /// It was made longer ago than is believed.
    #[error("the attempt was made too long ago")]
    TooOld,
    /// It was made later than is believed: a clock is wrong.
    #[error("the attempt is in the future")]
    TooNew,
    /// No signature is by any of the secrets.
    #[error("no signature holds")]
    NoMatch,
}

/// How far from now an attempt may be, by default: what the libraries of Standard Webhooks take.
pub const TOLERANCE_SECONDS: u32 = 300;
/// How many signatures are looked at, so that nobody makes a receiver work for a header: more than any rotation has.
pub const SIGNATURES_MAX: usize = 16;
