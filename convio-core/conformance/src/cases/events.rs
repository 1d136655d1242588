use convio_core::event::{EventBody, Position};
use convio_core::{
    Channel, ContactAttempt, Corrections, LeadId, NewApiKey, NewConversion, NewWebhook, Outcome, PageRequest,
    Party, Permission, Priority, ProviderSettings, RawLead, Rule, Schedule, StreamRef, Subject as Aggregate,
    Target, WorkspaceHandle,
};
use serde_json::json;

use crate::{
    Snapshot, Subject, World, check_invariants, created, feed, lead, lead_with, linked, phone, rejected,
    taken,
};

pub(crate) async fn every_history_is_dense_and_folds_to_its_row(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    eventful(&acme).await;
    for page in [2, 100] {
        let snapshot = Snapshot::of(&*world.store(), acme.id(), page).await.unwrap();
        check_invariants(&snapshot).unwrap();
        let mut kinds: Vec<&str> = snapshot.feed.iter().map(|event| event.body.kind()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        // Every kind of event that there is was made.
        let expected = [
            "api_key.created",
            "api_key.revoked",
            "appointment.assigned",
            "appointment.booked",
            "appointment.cancelled",
            "appointment.completed",
            "appointment.confirmed",
            "appointment.no_show",
            "appointment.rescheduled",
            "conversion.recorded",
            "conversion.voided",
            "lead.assigned",
            "lead.attempted",
            "lead.deleted",
            "lead.follow_up_set",
            "lead.moved",
            "lead.noted",
            "lead.prioritised",
            "lead.received",
            "lead.rejected",
            "lead.restored",
            "provider.configured",
            "provider.created",
            "rejection.corrected",
            "rejection.released",
            "rules.published",
            "webhook.configured",
            "webhook.created",
            "webhook.deleted",
            "webhook.restored",
            "workspace.configured",
            "workspace.created",
            "workspace.deleted",
            "workspace.restored",
        ];
        assert_eq!(kinds, expected);
    }
}

pub(crate) async fn the_feed_has_no_gap_whatever_its_steps(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    eventful(&acme).await;
    let store = world.store();
    let whole = store.feed(acme.id(), Position(0), 1_000).await.unwrap();
    let head = store.head(acme.id()).await.unwrap().unwrap();
    assert_eq!(head.feed, whole.last().unwrap().position);
    assert!((1..).zip(&whole).all(|(n, event)| event.position == Position(n)));
    for step in [1, 2, 3, 7] {
        assert_eq!(feed(&*store, acme.id(), step).await.unwrap(), whole);
    }
    for after in [head.feed, Position(head.feed.0 + 1), Position(i64::MAX as u64), Position(u64::MAX)] {
        assert_eq!(store.feed(acme.id(), after, 10).await.unwrap(), []);
    }
    assert_eq!(store.feed(acme.id(), Position(3), 2).await.unwrap(), whole[3..5]);
}

pub(crate) async fn a_lead_and_its_contact_share_one_event(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let first = created(acme.ingest(lead(1)).await);
    let second = linked(acme.ingest(lead(1)).await);
    let page = PageRequest::default();
    let of_contact = acme.history(StreamRef::Contact(first.contact), &page).await.unwrap().items;
    let of_lead = acme.history(StreamRef::Lead(second.lead), &page).await.unwrap().items;
    assert_eq!(of_lead, of_contact[1..]);
    assert_eq!(of_lead[0].lead_version().unwrap().0, 1);
    assert_eq!(of_lead[0].contact_version().unwrap().0, 2);
    assert_eq!(of_lead[0].duplicate_of, Some(first.lead));
}

pub(crate) async fn what_is_only_mentioned_is_not_in_the_history(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    let schedule = || Schedule::local("2027-03-02T10:00", "UTC").unwrap();
    let first = acme.book(accepted.lead, schedule()).await.unwrap();
    acme.confirm(first.id).await.unwrap();
    acme.reschedule(first.id, schedule(), Party::Customer, None).await.unwrap();
    let page = PageRequest::default();
    // Only the booking moved the lead; nothing touched the contact.
    assert_eq!(acme.history(StreamRef::Lead(accepted.lead), &page).await.unwrap().items.len(), 2);
    assert_eq!(acme.history(StreamRef::Contact(accepted.contact), &page).await.unwrap().items.len(), 1);
    let visit = StreamRef::Subject(Aggregate::Appointment(first.id));
    let events = acme.history(visit, &page).await.unwrap().items;
    assert_eq!(events.len(), 3);
    for event in &events {
        assert_eq!((event.lead_id(), event.contact_id()), (Some(accepted.lead), Some(accepted.contact)));
    }
    for event in &events[1..] {
        assert_eq!((event.lead_version(), event.contact_version()), (None, None));
    }
}

pub(crate) async fn events_keep_all_that_was_said(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let raw =
        lead_with(1, json!({"zip": "02134", "city": "Ümlaut 🏠", "big": u64::MAX, "n": 0.1, "list": [null]}));
    let accepted = taken(acme.ingest(raw).await);
    let refused = rejected(acme.ingest(RawLead::json(r#"{"phone":"12"}"#)).await);
    acme.correct(refused.id, Corrections::default().set("phone", phone(2))).await.unwrap();
    let events = acme.feed(Position(2), 10).await.unwrap();
    let EventBody::LeadReceived(received) = &events[0].body else { panic!("{events:?}") };
    let personal = received.personal.as_ref().unwrap();
    assert_eq!(personal.key.as_ref().unwrap().value, phone(1));
    assert_eq!(personal.postal_code.as_ref().unwrap().as_str(), "02134");
    assert_eq!(personal.person.city.as_deref(), Some("Ümlaut 🏠"));
    assert_eq!(*personal.custom.0, *json!({"big": u64::MAX, "n": 0.1, "list": [null]}).as_object().unwrap());
    assert_eq!(events[0].contact_number, Some(accepted.number));
    let EventBody::LeadRejected(rejected) = &events[1].body else { panic!("{events:?}") };
    assert_eq!(rejected.reasons, refused.reasons);
    let expected = Some(Corrections::default().set("phone", phone(2)));
    assert_eq!(events[2].body, EventBody::RejectionCorrected { corrections: expected });
}

pub(crate) async fn an_unknown_stream_has_no_history(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    let page = PageRequest::default();
    // The same id under another kind is another aggregate.
    let uuid = accepted.lead.uuid();
    for stream in [
        StreamRef::Contact(convio_core::ContactId::from_uuid(uuid)),
        StreamRef::Lead(convio_core::LeadId::from_uuid(accepted.contact.uuid())),
        StreamRef::Subject(Aggregate::Rejection(accepted.lead.intake())),
        StreamRef::Subject(Aggregate::Rules(acme.id())),
        StreamRef::Subject(Aggregate::Conversion(convio_core::ConversionId::from_uuid(uuid))),
    ] {
        let history = acme.history(stream, &page).await.unwrap();
        assert_eq!((history.items, history.next), (vec![], None), "{stream:?}");
    }
}

pub(crate) async fn rules_and_their_workspace_have_histories_of_their_own(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    for n in 1..=3 {
        acme.publish_rules([Rule::to(Target::team("west")).any_product().any_zip().priority(n)])
            .await
            .unwrap();
    }
    let page = PageRequest::default();
    let rules = acme.history(StreamRef::Subject(Aggregate::Rules(acme.id())), &page).await.unwrap().items;
    let versions: Vec<u64> = rules.iter().map(|event| event.subject_version().unwrap().0).collect();
    assert_eq!(versions, [1, 2, 3]);
    let workspace =
        acme.history(StreamRef::Subject(Aggregate::Workspace(acme.id())), &page).await.unwrap().items;
    assert_eq!(workspace.len(), 1);
}

/// Does everything that makes an event, most of it more than once.
pub(crate) async fn eventful(acme: &WorkspaceHandle<'_>) {
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    acme.configure_webhook("google", Default::default()).await.unwrap();
    acme.publish_rules([Rule::to(Target::team("west")).any_product().zips(["02134"])]).await.unwrap();
    let first = taken(acme.ingest(lead_with(1, json!({"zip": "02134"}))).await);
    linked(acme.ingest(lead(1).webhook("google")).await);
    let other = created(acme.ingest(lead(2).external_id("second")).await);
    let refused = rejected(acme.ingest(RawLead::json("{}")).await);
    acme.correct(refused.id, Corrections::default().set("phone", phone(1))).await.unwrap();
    linked(acme.release(refused.id).await);
    acme.delete_webhook("google").await.unwrap();
    rejected(acme.ingest(lead(3).webhook("google")).await);
    acme.restore_webhook("google").await.unwrap();
    let visit = Schedule::local("2027-03-02T10:00", "America/Los_Angeles").unwrap();
    let sold = acme.book(first.lead, visit.clone()).await.unwrap();
    let lost = acme.book(other.lead, visit.clone()).await.unwrap();
    acme.book(other.lead, visit).await.unwrap();
    acme.complete(sold.id, Outcome::Sold("5000.00 USD".parse().unwrap())).await.unwrap();
    acme.complete(lost.id, Outcome::NotSold).await.unwrap();
    acme.convert(NewConversion::sale(first.lead, "7 JPY".parse().unwrap())).await.unwrap();
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.name = "Acme".to_owned();
    acme.configure(settings).await.unwrap();
    acme.delete().await.unwrap();
    acme.restore().await.unwrap();
    provided(acme).await;
    worked_on(acme, other.lead).await;
    taken(acme.ingest(lead(4)).await);
}

/// Providers, their keys, their leads, and those that are not taken.
async fn provided(acme: &WorkspaceHandle<'_>) {
    let mut settings = ProviderSettings::default();
    let provider = acme.create_provider("Leads Inc", settings.clone()).await.unwrap();
    settings.leads_per_day_max = Some(100);
    acme.configure_provider("Leads Inc", settings).await.unwrap();
    let new = NewApiKey::named("Leads Inc").may([Permission::Ingest]).of_provider(provider.id);
    acme.create_api_key(new).await.unwrap();
    let old = acme.create_api_key(NewApiKey::named("old").may(Permission::ALL)).await.unwrap();
    acme.revoke_api_key(old.key.id).await.unwrap();
    for n in [1, 5, 5] {
        taken(acme.ingest(lead(n).provider("Leads Inc")).await);
    }
    rejected(acme.ingest(RawLead::json("{}").provider("Leads Inc")).await);
}

/// All that happens to leads and their appointments besides.
async fn worked_on(acme: &WorkspaceHandle<'_>, lead_id: LeadId) {
    let visit = |wall: &str| Schedule::local(wall, "America/Los_Angeles").unwrap();
    let came = acme.receive(lead(6), visit("2027-03-03T10:00")).await.unwrap();
    let lead = created(Ok(came.taken)).lead;
    let moved =
        acme.reschedule(came.appointment.unwrap().id, visit("2027-03-04T10:00"), Party::Customer, None).await;
    acme.confirm(&moved.unwrap()).await.unwrap();
    let missed = acme.book(lead, visit("2027-03-01T06:00")).await.unwrap();
    acme.no_show(missed.id, Party::Customer).await.unwrap();
    let off = acme.book(lead_id, visit("2027-03-05T10:00")).await.unwrap();
    acme.assign(off.id, Target::person("maria"), None).await.unwrap();
    acme.cancel(off.id, Party::Staff, Some("ill".to_owned())).await.unwrap();
    let at = off.created_at;
    let attempt = ContactAttempt { channel: Channel::Call, reached: true, automated: false, at };
    acme.record_attempt(lead_id, attempt).await.unwrap();
    acme.move_lead(lead_id, "contacted", None).await.unwrap();
    acme.assign_lead(lead_id, Some("maria".to_owned())).await.unwrap();
    acme.follow_up(lead_id, Some(at)).await.unwrap();
    acme.prioritise(lead_id, Priority::Urgent).await.unwrap();
    acme.note(lead_id, "wants to think it over").await.unwrap();
    let sale = acme.convert(NewConversion::sale(lead_id, "9 USD".parse().unwrap())).await.unwrap();
    acme.void(sale.id, "entered by mistake").await.unwrap();
    acme.delete_lead(lead_id).await.unwrap();
    acme.restore_lead(lead_id).await.unwrap();
    acme.delete_lead(lead).await.unwrap();
}
