use chrono::TimeDelta;
use convio_core::contact::ContactFilter;
use convio_core::lead::LeadFilter;
use convio_core::{
    Channel, Clock, ErrorKind, LeadId, NewConversion, Outcome, PageRequest, Party, Phone, Priority, Stage,
    Target, Version, WorkspaceHandle,
};

use super::lead_work::{attempt, contact, in_order, row, schedule};
use super::pipeline::lead_at;
use crate::{Subject, World, codes, created, lead, linked, phone, replayed};

pub(crate) async fn a_deleted_lead_is_left_out_of_lists_and_counts(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let first = created(acme.ingest(lead(1)).await);
    let second = linked(acme.ingest(lead(1)).await);
    let phone = Phone::parse(&phone(1), None).unwrap().phone;
    let before = in_order(&world, &acme).await;
    let deleted = world.elsewhere(&acme).delete_lead(first.lead).await.unwrap();
    assert_eq!((deleted.deleted_at, deleted.version), (Some(world.clock.now()), Version(2)));

    assert_eq!(ids(&acme, &LeadFilter::default()).await, [second.lead]);
    assert_eq!(ids(&acme, &LeadFilter::of_contact(first.contact)).await, [second.lead]);
    assert_eq!(ids(&acme, &LeadFilter::with_deleted()).await, [first.lead, second.lead]);
    let of_phone = acme.leads_of_phone(&phone).await.unwrap();
    assert_eq!(of_phone.iter().map(|lead| lead.id).collect::<Vec<_>>(), [second.lead]);
    assert_eq!(row(&acme, first.lead).await, deleted, "whoever knows its id still sees it");
    let contact = contact(&acme, first.contact).await;
    assert_eq!((contact.leads, contact.version, contact.first_touch.lead), (1, Version(3), first.lead));
    let several = ContactFilter::with_several_leads();
    assert_eq!(acme.contacts(&several, &PageRequest::default()).await.unwrap().items, []);
    let after = in_order(&world, &acme).await;
    assert_eq!(after.rollups, before.rollups, "what it came to stays in analytics");

    let restored = acme.restore_lead(first.lead).await.unwrap();
    assert_eq!((restored.deleted_at, restored.version), (None, Version(3)));
    assert_eq!(ids(&acme, &LeadFilter::default()).await, [first.lead, second.lead]);
    assert_eq!(acme.contacts(&several, &PageRequest::default()).await.unwrap().items[0].leads, 2);
    let error = acme.restore_lead(first.lead).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    // One more lead of the contact counts beside a deleted one.
    acme.delete_lead(&restored).await.unwrap();
    linked(acme.ingest(lead(1)).await);
    in_order(&world, &acme).await;
}

pub(crate) async fn nothing_is_done_with_a_deleted_lead(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let visit = acme.book(id, schedule()).await.unwrap();
    acme.delete_lead(id).await.unwrap();
    world.clock.advance(TimeDelta::days(30));
    let before = in_order(&world, &acme).await;
    let sale = || NewConversion::sale(id, "5 USD".parse().unwrap());
    let now = world.clock.now();
    for handle in [&acme, &world.elsewhere(&acme)] {
        let refused = [
            handle.move_lead(id, "contacted", None).await.err(),
            handle.assign_lead(id, Some("maria".into())).await.err(),
            handle.follow_up(id, None).await.err(),
            handle.prioritise(id, Priority::High).await.err(),
            handle.note(id, "note").await.err(),
            handle.record_attempt(id, attempt(Channel::Call, true, now)).await.err(),
            handle.delete_lead(id).await.err(),
            handle.book(id, schedule()).await.err(),
            handle.convert(sale()).await.err(),
            handle.convert(sale().from_appointment(visit.id)).await.err(),
            handle.confirm(visit.id).await.err(),
            handle.assign(visit.id, Target::team("west"), None).await.err(),
            handle.cancel(visit.id, Party::Customer, None).await.err(),
            handle.no_show(visit.id, Party::Customer).await.err(),
            handle.reschedule(visit.id, schedule(), Party::Staff, None).await.err(),
            handle.complete(visit.id, Outcome::NotSold).await.err(),
            handle.complete(visit.id, Outcome::Sold("5 USD".parse().unwrap())).await.err(),
        ];
        for (n, error) in refused.into_iter().enumerate() {
            let error = error.unwrap_or_else(|| panic!("the {n}-th change of a deleted lead was taken"));
            assert_eq!(error.kind(), ErrorKind::Conflict, "{n}: {error}");
            assert_eq!(error.to_string(), format!("lead `{id}` is deleted"), "{n}");
        }
    }
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    acme.restore_lead(id).await.unwrap();
    acme.complete(visit.id, Outcome::Sold("5 USD".parse().unwrap())).await.unwrap();
    in_order(&world, &acme).await;
}

pub(crate) async fn a_call_is_answered_again_although_its_lead_was_deleted(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let calls = [lead(1).idempotency_key("a"), lead(2).external_id("x"), lead(1).idempotency_key("b")];
    for raw in calls {
        let first = acme.ingest(raw.clone()).await.unwrap();
        acme.delete_lead(first.accepted().unwrap().lead).await.unwrap();
        let before = in_order(&world, &acme).await;
        assert_eq!(replayed(world.elsewhere(&acme).ingest(raw).await), first);
        assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    }
}

pub(crate) async fn leads_expire_after_their_days_unless_a_visit_is_open(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    set_age(&acme, Some(10)).await;
    let old = world.clock.now();
    let mut waiting = Vec::new();
    for (n, stage) in (10..).zip(Stage::ALL) {
        let id = lead_at(&acme, n, stage).await;
        if matches!(stage, Stage::New | Stage::Contacted | Stage::Qualified) {
            waiting.push(id);
        }
    }
    let called_off = lead_at(&acme, 20, Stage::Scheduled).await;
    let visits = acme.appointments(&Default::default(), &PageRequest::default()).await.unwrap().items;
    let visit = visits.iter().find(|visit| visit.lead == called_off).unwrap();
    acme.cancel(visit.id, Party::Customer, None).await.unwrap();
    waiting.push(called_off);
    let deleted = created(acme.ingest(lead(21)).await).lead;
    acme.delete_lead(deleted).await.unwrap();
    world.clock.advance(TimeDelta::days(10));
    let young = created(acme.ingest(lead(22)).await).lead;
    let came_late = created(acme.ingest(lead(23).received_at(old - TimeDelta::days(1))).await).lead;
    // To the microsecond of ten days they may wait; only the one that came late is past it.
    let expired = world.elsewhere(&acme).expire_leads(100).await.unwrap();
    assert_eq!((expired.leads, expired.more), (vec![came_late], false));

    world.clock.advance(TimeDelta::microseconds(1));
    let before = in_order(&world, &acme).await;
    let none = acme.expire_leads(0).await.unwrap();
    assert_eq!((none.leads.len(), none.more), (0, true));
    let mut lost = Vec::new();
    for (limit, more) in [(3, true), (1, false)] {
        let expired = acme.expire_leads(limit).await.unwrap();
        assert_eq!((expired.leads.len(), expired.more), (limit, more));
        lost.extend(expired.leads);
    }
    lost.sort();
    waiting.sort();
    assert_eq!(lost, waiting);
    let again = acme.expire_leads(1).await.unwrap();
    assert_eq!((again.leads.len(), again.more), (0, false));
    for id in waiting {
        let lead = row(&acme, id).await;
        let told = (lead.progress.status.stage, lead.progress.reason.as_deref());
        assert_eq!(told, (Stage::Lost, Some("expired")));
    }
    let after = in_order(&world, &acme).await;
    let touched = after.leads.iter().zip(&before.leads).filter(|(now, then)| now != then);
    assert_eq!(touched.count(), 4, "a lead that may wait was changed");
    assert_eq!(row(&acme, young).await.progress.status.stage, Stage::New);
    assert_eq!(row(&acme, deleted).await.progress.status.stage, Stage::New);
}

pub(crate) async fn without_an_age_no_lead_expires(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1).received_at(world.clock.now() - TimeDelta::days(4_000))).await).lead;
    let error = acme.expire_leads(10).await.unwrap_err();
    let missing = (ErrorKind::Invalid, vec!["lead_days_max/missing".to_owned()]);
    assert_eq!((error.kind(), codes(error.reasons())), missing);
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.policy.lead_days_max = Some(0);
    let error = acme.configure(settings).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["lead_days_max/out_of_range"]);
    // An age set elsewhere holds at once, and one taken away does no more.
    let other = world.elsewhere(&acme);
    set_age(&other, Some(u32::MAX)).await;
    assert_eq!(acme.expire_leads(10).await.unwrap().leads, []);
    set_age(&other, None).await;
    assert_eq!(codes(acme.expire_leads(10).await.unwrap_err().reasons()), missing.1);
    set_age(&other, Some(1)).await;
    assert_eq!(acme.expire_leads(10).await.unwrap().leads, [id]);
}

async fn set_age(acme: &WorkspaceHandle<'_>, days: Option<u32>) {
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.policy.lead_days_max = days;
    acme.configure(settings).await.unwrap();
}

async fn ids(acme: &WorkspaceHandle<'_>, filter: &LeadFilter) -> Vec<LeadId> {
    let listed = acme.leads(filter, &PageRequest::default()).await.unwrap();
    listed.items.iter().map(|lead| lead.id).collect()
}
