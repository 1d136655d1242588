//! A web service that takes leads by webhook, books and completes their appointments, and shows what became of a contact.
//!
//! | request | answer |
//! |---|---|
//! | `POST /hooks/{webhook}` with a lead, `Idempotency-Key` if you have one | 201 new contact, 200 known contact or the same call again, 409 duplicate, 422 with every failing field, 429 |
//! | `POST /leads/{id}/appointments` `{"at": "2027-03-02T10:00", "zone": "America/Los_Angeles"}` | 201 the appointment, routed |
//! | `POST /appointments/{id}/outcome` `{"sold": "5000.00 USD"}` or `{}` | 200 the appointment and its conversion |
//! | `GET /contacts/{number}` | 200 the contact with its leads, appointments and conversions |
//!
//! Each asks for an API key in `Authorization: Bearer cvk_...`. What goes wrong is `application/problem+json`.

use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path};
use axum::http::{StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use convio_core::appointment::AppointmentFilter;
use convio_core::contact::{ContactNumber, ContactRef};
use convio_core::conversion::ConversionFilter;
use convio_core::lead::LeadFilter;
use convio_core::{
    AppointmentId, Convio, Error, ErrorKind, LeadId, Money, Outcome, PageRequest, RawLead, Reason, Schedule,
    WorkspaceHandle,
};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// The service over `convio`.
pub fn service(convio: Convio<'static>) -> Router {
    Router::new()
        .route("/hooks/{webhook}", post(take))
        .route("/leads/{lead}/appointments", post(book))
        .route("/appointments/{appointment}/outcome", post(complete))
        .route("/contacts/{number}", get(contact))
        .with_state(convio)
}

async fn take(Caller(acme): Caller, Path(webhook): Path<String>, head: Head, body: Bytes) -> Answer {
    let mut raw = if head.is_form { RawLead::form(body) } else { RawLead::json(body) }.webhook(webhook);
    if let Some(key) = head.idempotency_key {
        raw = raw.idempotency_key(key);
    }
    let taken = acme.ingest(raw).await?;
    let status = StatusCode::from_u16(taken.http_status()).unwrap_or(StatusCode::OK);
    match taken.accepted() {
        Ok(accepted) => Ok((status, Json(json!(accepted))).into_response()),
        Err(refused) => {
            Ok(problem(status, "the lead is kept, and was not taken", &refused.reasons, json!(refused.id)))
        }
    }
}

#[derive(Deserialize)]
struct Visit {
    at: String,
    zone: String,
}

async fn book(Caller(acme): Caller, Path(lead): Path<String>, body: Bytes) -> Answer {
    let (lead, visit): (LeadId, Visit) = (named("lead", &lead)?, read(&body)?);
    let visit = acme.book(lead, Schedule::local(&visit.at, &visit.zone)?).await?;
    Ok((StatusCode::CREATED, Json(json!(visit))).into_response())
}

#[derive(Deserialize)]
struct End {
    #[serde(default, deserialize_with = "amount")]
    sold: Option<Money>,
}

async fn complete(Caller(acme): Caller, Path(id): Path<String>, body: Bytes) -> Answer {
    let (id, end): (AppointmentId, End) = (named("appointment", &id)?, read(&body)?);
    let outcome = end.sold.map_or(Outcome::NotSold, Outcome::Sold);
    let done = acme.complete(id, outcome).await?;
    Ok(Json(json!({"appointment": done.appointment, "conversion": done.conversion})).into_response())
}

async fn contact(Caller(acme): Caller, Path(number): Path<String>) -> Answer {
    let number: ContactNumber = named("contact", &number)?;
    let found = acme.contact(ContactRef::Number(number)).await?;
    let contact = found.ok_or_else(|| Error::not_found("contact", number))?;
    let page = PageRequest::default();
    Ok(Json(json!({
        "leads": acme.leads(&LeadFilter::of_contact(contact.id), &page).await?.items,
        "appointments": acme.appointments(&AppointmentFilter::of_contact(contact.id), &page).await?.items,
        "conversions": acme.conversions(&ConversionFilter::of_contact(contact.id), &page).await?.items,
        "contact": contact,
    }))
    .into_response())
}

/// What the path names, if it can be the name of such a thing.
fn named<T: FromStr>(what: &str, name: &str) -> Result<T, Error> {
    name.parse().map_err(|_| Error::not_found(what, name))
}

/// The body, or what is wrong with it.
fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Error> {
    let unreadable = |error: serde_json::Error| Reason::new("body", "unreadable", error.to_string());
    serde_json::from_slice(body).map_err(|error| Error::invalid(vec![unreadable(error)]))
}

/// Money as people write it: `5000.00 USD`.
fn amount<'d, D: Deserializer<'d>>(from: D) -> Result<Option<Money>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

/// Who calls: the workspace of the key, narrowed to what the key permits.
struct Caller(WorkspaceHandle<'static>);

impl FromRequestParts<Convio<'static>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, convio: &Convio<'static>) -> Result<Self, Problem> {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let key = header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let handle = convio.authenticate(key).await.map_err(|error| match error.kind() {
            ErrorKind::Denied => Problem(StatusCode::UNAUTHORIZED, error),
            _ => error.into(),
        })?;
        let request = parts.headers.get("x-request-id").and_then(|value| value.to_str().ok());
        Ok(Self(request.map_or(handle.clone(), |id| handle.in_request(id))))
    }
}

/// What the headers of a webhook call say.
struct Head {
    is_form: bool,
    idempotency_key: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Head {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let is_form =
            text("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        Ok(Self { is_form, idempotency_key: text("idempotency-key").map(str::to_owned) })
    }
}

type Answer = Result<Response, Problem>;

/// An error on its way to the caller.
struct Problem(StatusCode, Error);

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = StatusCode::from_u16(error.kind().http_status());
        Self(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        problem(self.0, &self.1.to_string(), self.1.reasons(), Value::Null)
    }
}

/// A problem as RFC 9457 has it, with every failing field.
fn problem(status: StatusCode, detail: &str, errors: &[Reason], instance: Value) -> Response {
    let body = json!({
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
        "instance": instance,
        "errors": errors,
    });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}
