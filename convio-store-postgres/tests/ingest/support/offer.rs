//! One lead as the planner would send it: every parameter of the statement, with defaults.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use convio_store_postgres::INGEST_ONE;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::number::{A, B};
use super::outcome::Outcome;

/// Everything that one lead binds.
#[derive(Clone)]
pub(crate) struct Offer {
    pub(crate) workspace: Uuid,
    pub(crate) config: i64,
    pub(crate) now: DateTime<Utc>,
    pub(crate) webhook: Uuid,
    pub(crate) lead: Uuid,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) body: Vec<u8>,
    pub(crate) key: Option<String>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) external_id: Option<String>,
    pub(crate) phone: String,
    pub(crate) contact: Uuid,
    pub(crate) window: Option<Window>,
    /// One per stamp, in the order of [`FIELDS`].
    pub(crate) offered: Vec<Option<Offered>>,
    pub(crate) source: String,
    pub(crate) custom: Option<String>,
    pub(crate) flags: String,
    pub(crate) test: bool,
}

/// A value offered for one field; `None` clears it.
#[derive(Clone)]
pub(crate) struct Offered {
    pub(crate) rank: u8,
    pub(crate) value: Option<String>,
}

/// The duplicate key of the lead, and the times between which an earlier lead makes it a duplicate.
#[derive(Clone)]
pub(crate) struct Window {
    pub(crate) key: Vec<u8>,
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
}

impl Offer {
    pub(crate) fn new(workspace: Uuid, phone: &str) -> Self {
        let mut offered = vec![None; FIELDS.len()];
        offered[3] = Some(Offered { rank: 1, value: Some(phone.to_owned()) });
        Self {
            workspace,
            config: 1,
            now: at(0),
            webhook: WEBHOOK,
            lead: next_id(),
            received_at: at(0),
            body: br#"{"phone": "as typed"}"#.to_vec(),
            key: None,
            expires_at: None,
            external_id: None,
            phone: phone.to_owned(),
            contact: next_id(),
            window: None,
            offered,
            source: "google".to_owned(),
            custom: None,
            flags: "[]".to_owned(),
            test: false,
        }
    }

    /// Received `seconds` after [`BASE`].
    pub(crate) fn received(mut self, seconds: i64) -> Self {
        self.received_at = at(seconds);
        self
    }

    /// Under the idempotency key `key`, which lives for 72 hours from `now`.
    pub(crate) fn keyed(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self.expires_at = Some(self.now + TimeDelta::hours(72));
        self
    }

    /// With an external id.
    pub(crate) fn external(mut self, external_id: &str) -> Self {
        self.external_id = Some(external_id.to_owned());
        self
    }

    /// A duplicate when another lead with the same duplicate key is within an hour of it.
    pub(crate) fn windowed(mut self) -> Self {
        let hour = TimeDelta::hours(1);
        self.window = Some(Window {
            key: b"campaign".to_vec(),
            from: self.received_at - hour,
            until: self.received_at + hour,
        });
        self
    }

    /// Offers `value` for `field` under `rank`.
    pub(crate) fn with(mut self, field: &str, rank: u8, value: &str) -> Self {
        self.offered[position(field)] = Some(Offered { rank, value: Some(value.to_owned()) });
        self
    }

    /// Offers that `field` is empty.
    pub(crate) fn without(mut self, field: &str, rank: u8) -> Self {
        self.offered[position(field)] = Some(Offered { rank, value: None });
        self
    }

    /// The same lead sent once more, as a caller does that lost the answer: same key and body, new candidate ids.
    pub(crate) fn again(&self) -> Self {
        Self { lead: next_id(), contact: next_id(), ..self.clone() }
    }

    /// The digest of the body. Any function of it serves the statement; this one needs no hash.
    pub(crate) fn fingerprint(&self) -> Vec<u8> {
        let mut digest = [0u8; 32];
        for (index, byte) in self.body.iter().enumerate() {
            digest[index % 32] = digest[index % 32].wrapping_mul(31).wrapping_add(*byte);
        }
        digest.to_vec()
    }

    /// The day that the lead counts for.
    pub(crate) fn day(&self) -> NaiveDate {
        self.received_at.date_naive()
    }

    fn stamp(&self, field: usize) -> Vec<u8> {
        let Some(offered) = &self.offered[field] else {
            return Vec::new();
        };
        let mut stamp = vec![offered.rank];
        stamp.extend(stamp_time(self.received_at));
        stamp.extend(self.lead.as_bytes());
        stamp
    }

    fn value(&self, field: usize) -> Option<&str> {
        self.offered[field].as_ref().and_then(|offered| offered.value.as_deref())
    }

    /// The offered patch, whether it will change anything or not.
    fn personal(&self) -> String {
        let patch = FIELDS.iter().zip(&self.offered).filter_map(|(field, offered)| {
            offered
                .as_ref()
                .map(|o| ((*field).to_owned(), serde_json::json!({"rank": o.rank, "value": o.value})))
        });
        serde_json::Value::Object(patch.collect()).to_string()
    }

    fn facts(&self) -> String {
        serde_json::json!({
            "received_at": self.received_at.timestamp_micros(),
            "window": self.window.as_ref().map(|window| String::from_utf8_lossy(&window.key)),
        })
        .to_string()
    }
}

/// Sends the statement and reads its answer.
pub(crate) async fn ingest(connection: &mut PgConnection, offer: &Offer) -> Result<Outcome, sqlx::Error> {
    let query = sqlx::query(INGEST_ONE)
        .bind(offer.workspace)
        .bind(offer.config)
        .bind(offer.now)
        .bind(offer.webhook)
        .bind(offer.lead)
        .bind(offer.received_at)
        .bind(offer.fingerprint())
        .bind(&offer.key)
        .bind(offer.expires_at)
        .bind(&offer.external_id)
        .bind(Uuid::nil())
        .bind(0_i16)
        .bind(&offer.phone)
        .bind(offer.contact)
        .bind(A)
        .bind(B)
        .bind(offer.window.as_ref().map(|window| window.key.as_slice()))
        .bind(offer.window.as_ref().map(|window| window.from))
        .bind(offer.window.as_ref().map(|window| window.until))
        .bind(offer.value(0))
        .bind(offer.value(1))
        .bind(offer.value(2))
        .bind(offer.value(3))
        .bind(offer.value(3).map(validity))
        .bind(offer.value(3).and_then(extension))
        .bind(offer.value(4))
        .bind(offer.value(5))
        .bind(offer.value(6))
        .bind(offer.value(7))
        .bind(offer.value(8))
        .bind(offer.value(9))
        .bind((0..FIELDS.len()).map(|field| offer.stamp(field)).collect::<Vec<_>>())
        .bind(&offer.source)
        .bind(offer.source.to_lowercase())
        .bind("web")
        .bind(Some("spring"))
        .bind(Some("solar"))
        .bind(Some(r#"{"medium":"cpc"}"#))
        .bind(&offer.custom)
        .bind("open")
        .bind("new")
        .bind(offer.test)
        .bind("json")
        .bind(&offer.body)
        .bind(Some(r#"{"user-agent":"test"}"#))
        .bind("webhook:google-solar")
        .bind(Some("request-1"))
        .bind(Some("cause-1"))
        .bind(offer.facts())
        .bind(offer.personal())
        .bind(offer.day())
        .bind(&offer.flags);
    let row = query.fetch_optional(connection).await?;
    Ok(Outcome::read(row.as_ref(), offer.config))
}

/// `seconds` after [`BASE`].
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    BASE.and_utc() + TimeDelta::seconds(seconds)
}

/// The time of a stamp: bytes that sort as times do, before 1970 too.
pub(crate) fn stamp_time(at: DateTime<Utc>) -> [u8; 8] {
    (at.timestamp_micros() ^ i64::MIN).to_be_bytes()
}

/// A new id, greater than every id before it.
pub(crate) fn next_id() -> Uuid {
    let count = u128::from(IDS.fetch_add(1, Ordering::Relaxed));
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | (count << 80) | count)
}

/// A stand-in that tells the phones of a test apart: `valid` where the last byte is even.
fn validity(phone: &str) -> &'static str {
    if phone.ends_with(|last| u32::from(last).is_multiple_of(2)) { "valid" } else { "possible" }
}

/// A stand-in for the extension: the last digit, where three divides its code, else none.
fn extension(phone: &str) -> Option<&str> {
    let last = phone.char_indices().next_back()?;
    u32::from(last.1).is_multiple_of(3).then(|| &phone[last.0..])
}

fn position(field: &str) -> usize {
    FIELDS.iter().position(|name| *name == field).unwrap_or_else(|| panic!("no field `{field}`"))
}

/// The first moment of every test.
pub(crate) const BASE: chrono::NaiveDateTime =
    NaiveDate::from_ymd_opt(2026, 11, 2).expect("a day").and_hms_opt(9, 0, 0).expect("a time");

/// The mergeable fields in the order of their stamps.
pub(crate) const FIELDS: [&str; 10] = [
    "first_name",
    "last_name",
    "email",
    "phone",
    "street",
    "street2",
    "city",
    "state",
    "postal_code",
    "country",
];

const WEBHOOK: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_00aa);

static IDS: AtomicU64 = AtomicU64::new(1);
