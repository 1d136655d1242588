use chrono::{DateTime, Utc};

use super::{SignatureError, SigningSecret};

/// The three headers of a signed delivery, as Standard Webhooks names them.
///
/// ```
/// use convio_core::delivery::{SignedHeaders, SigningKeys};
/// let keys = SigningKeys::of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?);
/// let at = "2021-02-25T15:02:10Z".parse()?;
/// let headers = keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#);
/// assert_eq!(headers.timestamp, "1614265330");
/// assert_eq!(headers.signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeaders {
    /// `webhook-id`: the same for each attempt, so that who gets it twice can tell.
    pub id: String,
    /// `webhook-timestamp`: when this attempt was made, in unix seconds.
    pub timestamp: String,
    /// `webhook-signature`: one signature or several with a space between them, of which one must hold.
    pub signature: String,
}

impl SignedHeaders {
    /// The headers of what came in, by their names in lower case.
    ///
    /// # Errors
    /// The header that is missing.
    pub fn read<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Result<Self, SignatureError> {
        let read = |name| {
            header(name).filter(|text| !text.is_empty()).ok_or(SignatureError::Missing { header: name })
        };
        Ok(Self {
            id: read(ID_HEADER)?.to_owned(),
            timestamp: read(TIMESTAMP_HEADER)?.to_owned(),
            signature: read(SIGNATURE_HEADER)?.to_owned(),
        })
    }

    /// Each with its name.
    pub fn each(&self) -> [(&'static str, &str); 3] {
        [(ID_HEADER, &self.id), (TIMESTAMP_HEADER, &self.timestamp), (SIGNATURE_HEADER, &self.signature)]
    }
}

/// The secrets that a delivery is signed with: the present one, and those that it took the place of, as long as they sign too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeys {
    current: SigningSecret,
    others: Vec<SigningSecret>,
}

impl SigningKeys {
    /// One secret alone.
    pub fn of(current: SigningSecret) -> Self {
        Self { current, others: Vec::new() }
    }

    /// And this one, after those before it.
    #[must_use]
    pub fn and(mut self, other: SigningSecret) -> Self {
        self.others.push(other);
        self
    }

    /// The headers of an attempt at this time, with a signature by each.
    pub fn sign(&self, id: &str, at: DateTime<Utc>, body: &[u8]) -> SignedHeaders {
        let timestamp = at.timestamp();
        let each = std::iter::once(&self.current).chain(&self.others);
        let signatures: Vec<String> = each.map(|secret| secret.sign(id, timestamp, body)).collect();
        SignedHeaders { id: id.to_owned(), timestamp: timestamp.to_string(), signature: signatures.join(" ") }
    }
}

pub(super) const ID_HEADER: &str = "webhook-id";
pub(super) const TIMESTAMP_HEADER: &str = "webhook-timestamp";
pub(super) const SIGNATURE_HEADER: &str = "webhook-signature";
