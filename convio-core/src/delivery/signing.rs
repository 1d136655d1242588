use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{SigningKeys, SigningSecret};
use crate::error::{Error, Reason};

/// Where a secret is found: here, or in a vault of the embedding service by a name.
///
/// Serialised, a secret that is here stands in the clear: what keeps it keeps it as it keeps passwords, and it belongs in no event.
///
/// ```
/// use convio_core::delivery::SecretSource;
/// let here = SecretSource::Value("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?);
/// assert_eq!(format!("{here:?}"), "Value(f74e1720)");
/// let there = SecretSource::reference("vault/acme/hooks");
/// assert_eq!(serde_json::to_string(&there)?, r#"{"reference":"vault/acme/hooks"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// The secret itself.
    #[serde(serialize_with = "expose", deserialize_with = "read")]
    Value(SigningSecret),
    /// A name that the embedding service knows the secret by.
    Reference(String),
}

impl SecretSource {
    /// What may be shown of it: a secret's [hint](SigningSecret::hint), or the name that it is kept under elsewhere.
    pub fn hint(&self) -> String {
        match self {
            Self::Value(secret) => secret.hint(),
            Self::Reference(name) => name.clone(),
        }
    }

    /// The secret that the embedding service knows by this name.
    pub fn reference(name: impl Into<String>) -> Self {
        Self::Reference(name.into())
    }

    fn find(&self, vault: &dyn Fn(&str) -> Option<SigningSecret>) -> Option<SigningSecret> {
        match self {
            Self::Value(secret) => Some(secret.clone()),
            Self::Reference(name) => vault(name),
        }
    }

    pub(super) fn reason(&self) -> Option<Reason> {
        let Self::Reference(name) = self else { return None };
        let is_wrong = name.trim().is_empty() || name.len() > REFERENCE_BYTES_MAX || name.contains('\0');
        let message = format!(
            "a secret's name has 1 to {REFERENCE_BYTES_MAX} bytes, not all of them blanks, and no NUL"
        );
        is_wrong.then(|| Reason::new("secret", "invalid", message))
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(secret) => write!(f, "Value({})", secret.hint()),
            Self::Reference(name) => write!(f, "Reference({name:?})"),
        }
    }
}

fn expose<S: Serializer>(secret: &SigningSecret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&secret.expose())
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SigningSecret, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

/// What an endpoint's deliveries are signed with.
///
/// A secret that another one took the place of goes on signing for a while, so that its receiver can change over at leisure: both
/// signatures are sent, and one of them holds.
///
/// ```
/// use convio_core::delivery::{SecretSource, Signing, SigningSecret};
/// use convio_core::SequentialIds;
/// let ids = SequentialIds::seeded(1);
/// let new = || SecretSource::Value(SigningSecret::new(&ids));
/// let now = "2027-03-02T10:00:00Z".parse()?;
/// let signing = Signing::by(new()).rotated(new(), now, 24)?;
/// let signatures = |at| signing.keys(at, &|_| None).map(|keys| keys.sign("018f", at, b"{}").signature.split(' ').count());
/// assert_eq!(signatures(now)?, 2);
/// assert_eq!(signatures("2027-03-03T10:00:00Z".parse()?)?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signing {
    /// The secret.
    pub secret: SecretSource,
    /// Those before it, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<RetiredSecret>,
}

/// A secret that another one took the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiredSecret {
    /// The secret.
    pub secret: SecretSource,
    /// Until when it signs too.
    pub until: DateTime<Utc>,
}

impl Signing {
    /// By this secret.
    pub fn by(secret: SecretSource) -> Self {
        Self { secret, retired: Vec::new() }
    }

    /// By this secret instead, the one until now signing too for so many hours. What has ended already goes. After a leak the hours are
    /// 0: nothing is signed by a secret that others know, and none that it signed is believed.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid): a name that can't be one, too many hours, or too many secrets that still sign.
    pub fn rotated(&self, secret: SecretSource, now: DateTime<Utc>, hours: u32) -> Result<Self, Error> {
        let mut reasons: Vec<Reason> = secret.reason().into_iter().collect();
        if hours > OVERLAP_HOURS_MAX {
            let message =
                format!("a secret signs for at most {OVERLAP_HOURS_MAX} hours after another one came");
            reasons.push(Reason::new("overlap_hours", "out_of_range", message));
        }
        if secret == self.secret {
            reasons.push(Reason::new("secret", "repeated", "this is the secret until now"));
        }
        let until = now.checked_add_signed(TimeDelta::hours(hours.into())).unwrap_or(now);
        let last = RetiredSecret { secret: self.secret.clone(), until };
        let mut retired = vec![last];
        // Without an overlap nothing but the new one signs: what leaked may have been any of them.
        retired.extend(self.retired.iter().filter(|_| hours > 0).cloned());
        retired.retain(|old| old.until > now);
        if retired.len() >= SECRETS_MAX {
            let message = format!("at most {SECRETS_MAX} secrets sign at once: let one of them end");
            reasons.push(Reason::new("secret", "too_many", message));
        }
        if reasons.is_empty() { Ok(Self { secret, retired }) } else { Err(Error::invalid(reasons)) }
    }

    /// What signs at this time. `vault` gives the secrets that are kept elsewhere, by their names; an old one that it has no more signs
    /// no more.
    ///
    /// # Errors
    /// The vault has no secret of the name that signs now.
    pub fn keys(
        &self,
        at: DateTime<Utc>,
        vault: &dyn Fn(&str) -> Option<SigningSecret>,
    ) -> Result<SigningKeys, SecretMissing> {
        let current = self.secret.find(vault).ok_or(SecretMissing)?;
        let old = self.retired.iter().filter(|old| old.until > at).filter_map(|old| old.secret.find(vault));
        Ok(old.fold(SigningKeys::of(current), SigningKeys::and))
    }
}

/// The vault has no secret of the name that an endpoint's deliveries are signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret of this endpoint is not where it should be")]
pub struct SecretMissing;

/// Hours that an old secret signs too, as it is common.
pub const OVERLAP_HOURS: u32 = 24;
/// The longest overlap: 30 days.
pub const OVERLAP_HOURS_MAX: u32 = 720;
/// The most secrets that sign at once: each is a signature in a header.
pub const SECRETS_MAX: usize = 4;
/// The longest name of a secret.
pub const REFERENCE_BYTES_MAX: usize = 500;
