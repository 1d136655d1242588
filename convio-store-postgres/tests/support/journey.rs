//! A small journey that every table has a part in, and what must be found after it.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use convio_core::attribution::{NewTouch, TouchKind, TouchOf};
use convio_core::contact::ContactRef;
use convio_core::delivery::{EventFilter, Guard, NewEndpoint};
use convio_core::event::StreamRef;
use convio_core::{
    Accepted, ContactId, Convio, Error, Ingested, NewWebhook, NewWorkspace, Outcome, PageRequest, RawLead,
    Rule, Schedule, Source, Target, WorkspaceHandle,
};

/// What a journey left.
#[derive(Debug, Clone)]
pub(crate) struct Left {
    pub(crate) contact: ContactId,
    events: usize,
}

/// A workspace in which nothing happened yet.
pub(crate) async fn workspace<'s>(convio: &Convio<'s>) -> WorkspaceHandle<'s> {
    convio.create_workspace(NewWorkspace::named("Acme Solar")).await.expect("a workspace")
}

/// A lead of somebody with this phone.
pub(crate) fn lead(phone: &str) -> RawLead {
    RawLead::json(format!(
        r#"{{"firstName":"John","lastName":"Doe","phone":"{phone}","source":"Google Ads"}}"#
    ))
}

/// The lead was taken.
#[track_caller]
pub(crate) fn taken(answer: Result<Ingested, Error>) -> Accepted {
    answer.expect("an answer").into_accepted().expect("taken")
}

/// Webhook, rules, leads, a rejected one, one that is forwarded, an appointment, its sale.
pub(crate) async fn travel(acme: &WorkspaceHandle<'_>) -> Left {
    let limited = NewWebhook::named("google-solar").with(|settings| settings.leads_per_hour_max = Some(100));
    acme.create_webhook(limited).await.expect("a webhook");
    acme.publish_rules([Rule::to(Target::team("west")).any_product().any_zip()]).await.expect("rules");
    let raw = || lead(PHONE).webhook("google-solar").idempotency_key("a").external_id("ext-1");
    let first = taken(acme.ingest(raw()).await);
    assert!(matches!(acme.ingest(raw()).await, Ok(Ingested::Replayed(_))));
    assert_eq!(taken(acme.ingest(lead(PHONE)).await).contact, first.contact);
    acme.ingest(RawLead::json("{}")).await.expect("an answer").into_accepted().expect_err("rejected");
    let schedule = Schedule::local("2027-03-02T10:00", "America/Los_Angeles").expect("a schedule");
    let visit = acme.book(first.lead, schedule).await.expect("booked");
    acme.confirm(visit.id).await.expect("confirmed");
    let call = NewTouch::new(TouchOf::Contact(first.contact), TouchKind::Call, Source::unknown());
    acme.track(call).await.expect("recorded");
    acme.complete(visit.id, Outcome::Sold("5 USD".parse().expect("money"))).await.expect("completed");
    let crm = NewEndpoint::to("https://crm.example.com/in").named("crm");
    let crm = crm.with(|settings| settings.events = EventFilter::None);
    acme.create_endpoint(crm, &Guard::new()).await.expect("an endpoint");
    acme.forward_lead(first.lead, "crm").await.expect("a delivery");
    let events = history(acme, first.contact).await;
    let left = Left { contact: first.contact, events };
    is_there(acme, &left).await;
    left
}

/// Panics unless the journey is there, whole and once.
pub(crate) async fn is_there(acme: &WorkspaceHandle<'_>, left: &Left) {
    let contact = acme.contact(ContactRef::Id(left.contact)).await.expect("reads").expect("a contact");
    assert_eq!((contact.leads, contact.conversions), (2, 1));
    let totals = acme.totals().await.expect("totals");
    assert_eq!((totals.conversions, totals.revenue), (1, "5 USD".parse().expect("money")));
    assert_eq!(history(acme, left.contact).await, left.events);
}

async fn history(acme: &WorkspaceHandle<'_>, contact: ContactId) -> usize {
    let page = acme.history(StreamRef::Contact(contact), &PageRequest::default()).await.expect("a history");
    page.items.len()
}

/// Of whom the journey is.
pub(crate) const PHONE: &str = "+13105550123";
