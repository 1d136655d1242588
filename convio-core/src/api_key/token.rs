use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::ApiKey;
use crate::canonical::Fingerprint;
use crate::id::{ApiKeyId, WorkspaceId};

/// An API key as its client holds it: `cvk_`, its workspace, its id and 256 bits of secret, all in hexadecimal. It is shown
/// once, when it is created. It names its workspace itself, so that no index over all workspaces is needed to find it.
///
/// `Debug` shows nothing of the secret.
///
/// ```
/// use convio_core::api_key::ApiToken;
/// let text = format!("cvk_{}{}{}", "0".repeat(31) + "1", "0".repeat(31) + "2", "ab".repeat(32));
/// let token: ApiToken = text.parse()?;
/// assert_eq!(token.expose(), text);
/// assert!(!format!("{token:?}").contains("abab"));
/// assert!("cvk_123".parse::<ApiToken>().is_err());
/// # Ok::<(), convio_core::api_key::ApiTokenError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken {
    workspace: WorkspaceId,
    id: ApiKeyId,
    text: String,
}

impl ApiToken {
    /// The token of a new key.
    pub(crate) fn new(workspace: WorkspaceId, id: ApiKeyId, secret: [u8; 32]) -> Self {
        let text = format!(
            "{PREFIX}{}{}{}",
            workspace.uuid().simple(),
            id.uuid().simple(),
            Fingerprint::from_bytes(secret).to_hex()
        );
        Self { workspace, id, text }
    }

    /// The token itself, to be given to the client.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The workspace that it is for.
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// The key that it is of.
    pub fn id(&self) -> ApiKeyId {
        self.id
    }

    /// What is kept of it.
    pub(crate) fn hash(&self) -> Fingerprint {
        Fingerprint::of_bytes(self.text.as_bytes())
    }

    /// Whether it is the token of this key. Takes the same time wherever the hashes differ.
    pub fn is_of(&self, key: &ApiKey) -> bool {
        self.hash().same(&key.settings.hash)
    }
}

impl FromStr for ApiToken {
    type Err = ApiTokenError;

    fn from_str(text: &str) -> Result<Self, ApiTokenError> {
        let digits = text.strip_prefix(PREFIX).ok_or(ApiTokenError)?;
        let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if digits.len() != DIGITS || !digits.bytes().all(lower) {
            return Err(ApiTokenError);
        }
        let uuid = |from: usize| Uuid::try_parse(&digits[from..from + 32]).map_err(|_| ApiTokenError);
        Ok(Self {
            workspace: WorkspaceId::from_uuid(uuid(0)?),
            id: ApiKeyId::from_uuid(uuid(32)?),
            text: text.to_owned(),
        })
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiToken({} of {})", self.id, self.workspace)
    }
}

/// Not the form of an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no API key")]
pub struct ApiTokenError;

/// What every key starts with, so that scanners find those that leak.
pub(super) const PREFIX: &str = "cvk_";
/// Hexadecimal digits after the prefix: two UUIDs and the secret.
const DIGITS: usize = 32 + 32 + 64;
