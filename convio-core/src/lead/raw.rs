use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::appointment::NewAppointment;
use crate::webhook::DIRECT;

/// A lead as it comes in: bytes, and what the transport knows of them. Nothing is read before it is ingested, so what
/// can't be read is kept too. `Debug` shows no content.
///
/// ```
/// use convio_core::RawLead;
/// let raw = RawLead::json(r#"{"firstName":"John","phone":"+15551234567"}"#)
///     .webhook("google-solar")
///     .idempotency_key("req-1");
/// assert_eq!(raw.webhook_name(), "google-solar");
/// assert!(!format!("{raw:?}").contains("John"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RawLead {
    pub(crate) body: Arc<Vec<u8>>,
    pub(crate) format: Format,
    pub(crate) webhook: String,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) received_at: Option<DateTime<Utc>>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) test: bool,
    pub(crate) secret: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) appointment: Option<NewAppointment>,
    /// It came in before, was rejected, and is read again.
    pub(crate) released: bool,
}

/// How a raw lead is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A JSON object.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// A row of a table, kept as the JSON object of its columns.
    Row,
}

impl Format {
    /// The format as stores name it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Form => "form",
            Self::Row => "row",
        }
    }

    /// The format of this name.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Json, Self::Form, Self::Row].into_iter().find(|format| format.code() == code)
    }
}

impl RawLead {
    /// A lead sent as a JSON object.
    pub fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::new(body.into(), Format::Json)
    }

    /// A lead sent as form fields.
    pub fn form(body: impl Into<Vec<u8>>) -> Self {
        Self::new(body.into(), Format::Form)
    }

    /// A lead that is a row of a table: column names with their values. Of two columns with one name the first counts
    /// and the others are kept under `name#2`, `name#3` ...
    pub fn row<N: Into<String>, V: Into<String>>(cells: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut object = Map::new();
        for (name, value) in cells {
            let name = name.into();
            let mut free = name.clone();
            let mut n = 1;
            while object.contains_key(&free) {
                n += 1;
                free = format!("{name}#{n}");
            }
            object.insert(free, Value::String(value.into()));
        }
        Self::new(Value::Object(object).to_string().into_bytes(), Format::Row)
    }

    /// The webhook that it came through; the workspace's `direct` one until told otherwise.
    #[must_use]
    pub fn webhook(mut self, name: impl Into<String>) -> Self {
        self.webhook = name.into();
        self
    }

    /// The key under which a repeated call is the same call: chosen by the sender, the same over its retries.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// The sender's own id of the lead: unique per webhook, for ever.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// When it was received, where that is not now. A time to come counts as now.
    #[must_use]
    pub fn received_at(mut self, at: DateTime<Utc>) -> Self {
        self.received_at = Some(at);
        self
    }

    /// Keeps a header of the request with the payload. Give no secrets: what is kept is kept as it is.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The secret that came with it, for a webhook that asks for one. It is compared, and kept nowhere.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// The provider that sent it, by name. Where the caller came with an API key of a provider, it is that one.
    #[must_use]
    pub fn provider(mut self, name: impl Into<String>) -> Self {
        self.provider = Some(name.into());
        self
    }

    /// An appointment that came with it: booked and routed in the commit that stores the lead. Where the lead can't be
    /// taken, it is kept with the rejection and booked when that is released.
    #[must_use]
    pub fn appointment(mut self, new: impl Into<NewAppointment>) -> Self {
        self.appointment = Some(new.into());
        self
    }

    /// Marks it as a test: stored and shown, never compared, in no analytics.
    #[must_use]
    pub fn test(mut self) -> Self {
        self.test = true;
        self
    }

    /// The name of the webhook that it came through.
    pub fn webhook_name(&self) -> &str {
        &self.webhook
    }

    fn new(body: Vec<u8>, format: Format) -> Self {
        Self {
            body: Arc::new(body),
            format,
            webhook: DIRECT.to_owned(),
            idempotency_key: None,
            external_id: None,
            received_at: None,
            headers: Vec::new(),
            test: false,
            secret: None,
            provider: None,
            appointment: None,
            released: false,
        }
    }
}

impl fmt::Debug for RawLead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawLead({:?}, {} bytes, webhook {})", self.format, self.body.len(), self.webhook)
    }
}
