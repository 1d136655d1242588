use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Format;
use crate::canonical::Fingerprint;
use crate::id::{IntakeId, WebhookId, WorkspaceId};

/// What came in, byte for byte, whether a lead or a rejection was made of it. `Debug` shows its size only.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    /// The intake: the lead or the rejection of the same id.
    pub id: IntakeId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The webhook that it came through.
    pub webhook: WebhookId,
    /// How it is written.
    pub format: Format,
    /// The bytes, in the memory that they came in: whoever holds the payload shares them.
    pub body: Arc<Vec<u8>>,
    /// Those headers that the caller wanted kept.
    pub headers: Vec<(String, String)>,
    /// What its content comes down to, however it is spelt.
    pub fingerprint: Fingerprint,
    /// When it was received.
    pub received_at: DateTime<Utc>,
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({}, {:?}, {} bytes)", self.id, self.format, self.body.len())
    }
}
