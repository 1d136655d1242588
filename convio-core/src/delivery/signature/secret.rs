use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::canonical::Fingerprint;
use crate::id::Ids;

/// A secret that deliveries are signed with, of 24 to 64 bytes. As text it is `whsec_` and base64, which is how its receiver is given
/// it. `Debug` shows nothing of it, and it is serialised as a part of [`SecretSource`](crate::delivery::SecretSource) alone.
///
/// ```
/// use convio_core::delivery::SigningSecret;
/// let secret: SigningSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?;
/// assert_eq!(secret.expose(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
/// assert_eq!(format!("{secret:?}"), "SigningSecret");
/// assert!("whsec_dG9vIHNob3J0".parse::<SigningSecret>().is_err());
/// # Ok::<(), convio_core::delivery::SecretError>(())
/// ```
#[derive(Clone)]
pub struct SigningSecret {
    /// Zeros behind the secret, which is just what HMAC makes of a shorter key.
    bytes: [u8; SECRET_BYTES_MAX],
    len: usize,
}

impl SigningSecret {
    /// A new secret of 32 bytes that nobody can guess.
    pub fn new(ids: &dyn Ids) -> Self {
        let secret = ids.secret();
        let mut bytes = [0; SECRET_BYTES_MAX];
        bytes[..secret.len()].copy_from_slice(&secret);
        Self { bytes, len: secret.len() }
    }

    /// The secret of these bytes.
    ///
    /// # Errors
    /// Fewer than 24 bytes, or more than 64.
    pub fn from_bytes(secret: &[u8]) -> Result<Self, SecretError> {
        if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&secret.len()) {
            return Err(SecretError::Length);
        }
        let mut bytes = [0; SECRET_BYTES_MAX];
        bytes[..secret.len()].copy_from_slice(secret);
        Ok(Self { bytes, len: secret.len() })
    }

    /// The secret itself, to be given to its receiver.
    pub fn expose(&self) -> String {
        format!("{PREFIX}{}", BASE64.encode(&self.bytes[..self.len]))
    }

    /// Eight digits that tell it from other secrets and nothing about it, to be shown where people must know which one it is.
    ///
    /// ```
    /// use convio_core::delivery::SigningSecret;
    /// let secret: SigningSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?;
    /// assert_eq!(secret.hint(), "f74e1720");
    /// # Ok::<(), convio_core::delivery::SecretError>(())
    /// ```
    pub fn hint(&self) -> String {
        let mut hex = self.digest().to_hex();
        hex.truncate(HINT_DIGITS);
        hex
    }

    /// The signature of one attempt, as in `v1,g0hM...`: HMAC-SHA256 of `id.timestamp.body`, the timestamp in unix seconds.
    ///
    /// Neither the id nor the timestamp may have a full stop in it, or other content would have the same signature.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mac = self.mac(id, &timestamp.to_string(), body).finalize().into_bytes();
        format!("{VERSION}{}", BASE64.encode(mac))
    }

    /// Whether this is a signature of it by this secret. Takes the same time wherever it differs.
    pub(super) fn signed(&self, signature: &str, id: &str, timestamp: &str, body: &[u8]) -> bool {
        let Some(mac) = signature.strip_prefix(VERSION) else { return false };
        let Ok(mac) = STRICT.decode(mac) else { return false };
        self.mac(id, timestamp, body).verify_slice(&mac).is_ok()
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&self.bytes.into());
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }

    fn digest(&self) -> Fingerprint {
        Fingerprint::of_bytes(&self.bytes[..self.len])
    }
}

impl FromStr for SigningSecret {
    type Err = SecretError;

    /// Reads `whsec_` and base64, with its padding or without.
    fn from_str(text: &str) -> Result<Self, SecretError> {
        let digits = text.strip_prefix(PREFIX).ok_or(SecretError::Form)?;
        Self::from_bytes(&BASE64.decode(digits).map_err(|_| SecretError::Form)?)
    }
}

impl PartialEq for SigningSecret {
    /// Takes the same time wherever they differ.
    fn eq(&self, other: &Self) -> bool {
        self.digest().same(&other.digest())
    }
}

impl Eq for SigningSecret {}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret")
    }
}

/// Why a text is no signing secret. Shows nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It is not `whsec_` and base64.
    #[error("a signing secret is `whsec_` and base64")]
    Form,
    /// It is too short to be safe, or too long.
    #[error("a signing secret has {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes")]
    Length,
}

/// The shortest secret, as Standard Webhooks has it: 192 bits.
pub const SECRET_BYTES_MIN: usize = 24;
/// The longest one: 512 bits, a block of SHA-256.
pub const SECRET_BYTES_MAX: usize = 64;
/// What every secret starts with, so that scanners find those that leak.
const PREFIX: &str = "whsec_";
/// What every signature by such a secret starts with.
const VERSION: &str = "v1,";
const HINT_DIGITS: usize = 8;
/// Secrets come from people and from other programs, some of which leave the padding away.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// A signature has one spelling.
const STRICT: GeneralPurpose = base64::engine::general_purpose::STANDARD;
