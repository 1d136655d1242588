use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::{Delivery, PayloadKind};
use crate::appointment::Appointment;
use crate::contact::{Contact, Person};
use crate::email::Email;
use crate::lead::Lead;

/// The `type` of a delivery that brings a lead.
pub const LEADS_KIND: &str = "lead.forwarded";
/// The `type` of a delivery that brings an appointment, with its lead.
pub const APPOINTMENTS_KIND: &str = "appointment.forwarded";

/// The body that brings a lead, or an appointment with its lead, to an endpoint: JSON of a `type`, a `timestamp` (when the delivery was made) and
/// `data`.
///
/// | in `data` | | thin | facts | full |
/// |---|---|---|---|---|
/// | `payload`, `workspace`, `delivery` | how much is told, whose it is, and which delivery | yes | yes | yes |
/// | `lead` | its `id` | yes | yes | yes |
/// | | `received_at`, `source`, `lead_type`, `product`, `campaign`, `utm`, `external_id` | | yes | yes |
/// | | `postal_code`, `custom` | | | yes |
/// | `appointment` | its `id` | yes | yes | yes |
/// | | `starts_at`, `ends_at`, `zone`, `type`, `status` | | yes | yes |
/// | | `location` | | | yes |
/// | `person` | name, `email`, `phone` in E.164, address | | | yes |
pub fn routed_body(
    delivery: &Delivery,
    (lead, contact): (&Lead, &Contact),
    appointment: Option<&Appointment>,
    payload: PayloadKind,
) -> serde_json::Result<Vec<u8>> {
    let (has_facts, is_full) = (payload != PayloadKind::Thin, payload == PayloadKind::Full);
    let mut of_lead = Map::from_iter([("id".to_owned(), json!(lead.id))]);
    if has_facts {
        of_lead.insert("received_at".to_owned(), time(lead.received_at));
        if let Value::Object(interest) = serde_json::to_value(&lead.interest)? {
            of_lead.extend(interest);
        }
    }
    if is_full {
        of_lead.extend(lead.postal_code.as_ref().map(|code| ("postal_code".to_owned(), json!(code))));
        of_lead.insert("custom".to_owned(), json!(lead.custom));
    }
    let mut data = Map::from_iter([
        ("payload".to_owned(), json!(payload)),
        ("workspace".to_owned(), json!(delivery.workspace)),
        ("delivery".to_owned(), json!(delivery.id)),
        ("lead".to_owned(), Value::Object(of_lead)),
    ]);
    if let Some(row) = appointment {
        let mut it = Map::from_iter([("id".to_owned(), json!(row.id))]);
        if has_facts {
            it.insert("starts_at".to_owned(), time(row.schedule.starts_at));
            it.insert("ends_at".to_owned(), time(row.schedule.ends_at()));
            it.insert("zone".to_owned(), json!(row.schedule.zone));
            it.insert("type".to_owned(), json!(row.appointment_type));
            it.insert("status".to_owned(), json!(row.status));
        }
        if is_full {
            it.extend(row.location.as_ref().map(|location| ("location".to_owned(), json!(location))));
        }
        data.insert("appointment".to_owned(), Value::Object(it));
    }
    if is_full {
        data.insert("person".to_owned(), Value::Object(person_fields(&contact.person)));
    }
    let body = json!({ "type": delivery.kind, "timestamp": time(delivery.created_at), "data": data });
    serde_json::to_vec(&body)
}

/// What is known of a person, by the names that a lead's fields have, as texts.
pub(crate) fn person_fields(person: &Person) -> Map<String, Value> {
    let Person { first_name, last_name, email, phone, street, street2, city, state, postal_code, country } =
        person;
    let fields = [
        ("first_name", first_name.clone()),
        ("last_name", last_name.clone()),
        ("email", email.as_ref().map(|email: &Email| email.as_str().to_owned())),
        ("phone", phone.as_ref().map(|parsed| parsed.phone.e164().to_owned())),
        ("street", street.clone()),
        ("street2", street2.clone()),
        ("city", city.clone()),
        ("state", state.clone()),
        ("postal_code", postal_code.as_ref().map(|code| code.as_str().to_owned())),
        ("country", country.clone()),
    ];
    let known = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
    known.collect()
}

fn time(at: DateTime<Utc>) -> Value {
    Value::String(at.to_rfc3339_opts(SecondsFormat::Micros, true))
}
