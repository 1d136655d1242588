use convio_core::contact::ContactRef;
use convio_core::event::Position;
use convio_core::record::{RULES_KEY, RULES_KIND, Record, fetch_record};
use convio_core::{
    ContactId, ContactKey, KeyKind, KeyScope, LeadId, Need, Needs, NewConversion, Outcome, RawLead, Rule,
    RuleSet, Schedule, Target, WorkspaceHandle, WorkspaceId,
};
use uuid::Uuid;

use crate::{Subject, World, created, lead, phone, rejected};

pub(crate) async fn fetches_answer_in_the_order_and_number_asked_for(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let store = world.store();
    let (one, two) = (created(acme.ingest(lead(1)).await), created(acme.ingest(lead(2)).await));
    let refused = rejected(acme.ingest(RawLead::json("{}")).await);
    let unknown = LeadId::from_uuid(Uuid::from_u128(7));

    let asked = [two.lead, unknown, one.lead, two.lead];
    let leads = store.fetch_leads(acme.id(), &asked).await.unwrap();
    let ids: Vec<_> = leads.iter().map(|row| row.as_ref().map(|row| row.id)).collect();
    assert_eq!(ids, [Some(two.lead), None, Some(one.lead), Some(two.lead)]);

    let asked = [refused.id, two.lead.intake(), unknown.intake(), refused.id];
    let payloads = store.fetch_payloads(acme.id(), &asked).await.unwrap();
    let ids: Vec<_> = payloads.iter().map(|row| row.as_ref().map(|row| row.id)).collect();
    assert_eq!(ids, [Some(refused.id), Some(two.lead.intake()), None, Some(refused.id)]);
    let rejections = store.fetch_rejections(acme.id(), &asked).await.unwrap();
    let found: Vec<_> = rejections.iter().map(Option::is_some).collect();
    assert_eq!(found, [true, false, false, true]);

    let key = |n| ContactKey { scope: KeyScope::Workspace, kind: KeyKind::Phone, value: phone(n) };
    let asked = [
        ContactRef::Key(key(2)),
        ContactRef::Id(one.contact),
        ContactRef::Number(two.number),
        ContactRef::Key(key(3)),
        ContactRef::Id(ContactId::from_uuid(Uuid::from_u128(7))),
        ContactRef::Key(key(2)),
    ];
    let contacts = store.fetch_contacts(acme.id(), &asked).await.unwrap();
    let ids: Vec<_> = contacts.iter().map(|row| row.as_ref().map(|row| row.id)).collect();
    assert_eq!(ids, [Some(two.contact), Some(one.contact), Some(two.contact), None, None, Some(two.contact)]);

    assert!(store.fetch_leads(acme.id(), &[]).await.unwrap().is_empty());
    assert!(store.fetch_contacts(acme.id(), &[]).await.unwrap().is_empty());
    assert!(store.fetch_workspaces(&[]).await.unwrap().is_empty());
}

pub(crate) async fn a_fetch_of_many_answers_each(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let known = created(acme.ingest(lead(1)).await);
    // More than most databases bind in one statement.
    let mut ids: Vec<LeadId> = (1..=2_500).map(|n| LeadId::from_uuid(Uuid::from_u128(n))).collect();
    ids[1_234] = known.lead;
    let leads = world.store().fetch_leads(acme.id(), &ids).await.unwrap();
    let found: Vec<usize> = (0..leads.len()).filter(|n| leads[*n].is_some()).collect();
    assert_eq!((leads.len(), found), (2_500, vec![1_234]));
}

pub(crate) async fn every_row_is_found_by_its_id(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let store = world.store();
    let sold = sold(&acme).await;
    let visits = store.fetch_appointments(acme.id(), &[sold.appointment.id]).await.unwrap();
    assert_eq!(visits, [Some(sold.appointment.clone())]);
    let conversion = sold.conversion.unwrap();
    let conversions = store.fetch_conversions(acme.id(), &[conversion.id]).await.unwrap();
    assert_eq!(conversions, [Some(conversion)]);
    let webhooks = acme.webhooks(&Default::default()).await.unwrap().items;
    let fetched = store.fetch_webhooks(acme.id(), &[webhooks[0].id]).await.unwrap();
    assert_eq!(fetched, [Some(webhooks[0].clone())]);
    let workspace = acme.workspace().await.unwrap();
    assert_eq!(
        store.fetch_workspaces(&[acme.id(), acme.id()]).await.unwrap(),
        [workspace.clone(), workspace]
    );
}

pub(crate) async fn a_load_reads_what_is_needed_and_no_more(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let store = world.store();
    acme.publish_rules([Rule::to(Target::team("west")).any_product().any_zip()]).await.unwrap();
    let sold = sold(&acme).await;
    let refused = rejected(acme.ingest(RawLead::json("{}")).await);
    let visit = sold.appointment;

    let nothing = store.load(&Needs::of(acme.id(), [])).await.unwrap();
    assert_eq!(nothing, Default::default());

    let loaded = store.load(&Needs::of(acme.id(), [Need::Config])).await.unwrap();
    assert_eq!(loaded.config, store.head(acme.id()).await.unwrap().map(|head| head.config));
    assert_eq!(loaded.workspace, acme.workspace().await.unwrap());
    assert_eq!(loaded.webhooks, acme.webhooks(&Default::default()).await.unwrap().items);
    let kept: Vec<_> = loaded.records.iter().map(|row| (row.kind.as_str(), row.key.as_str())).collect();
    assert!(loaded.leads.is_empty() && kept == [(RULES_KIND, RULES_KEY)], "{kept:?}");
    assert_eq!(loaded.records[0].read::<RuleSet>().unwrap(), acme.rules().await.unwrap());

    let loaded = store.load(&Needs::of(acme.id(), [Need::Lead(visit.lead)])).await.unwrap();
    assert_eq!((loaded.leads.len(), loaded.contacts.len(), loaded.appointments.len()), (1, 1, 0));
    assert_eq!(loaded.lead(visit.lead), acme.lead(visit.lead).await.unwrap().as_ref());
    assert_eq!(loaded.contact(visit.contact).unwrap().id, visit.contact);
    assert!(loaded.workspace.is_none() && loaded.config.is_none());

    let needs = [Need::Config, Need::Appointment(visit.id), Need::Rejection(refused.id)];
    let loaded = store.load(&Needs::of(acme.id(), needs)).await.unwrap();
    assert_eq!(loaded.appointment(visit.id), Some(&visit));
    assert!(loaded.lead(visit.lead).is_some() && loaded.contact(visit.contact).is_some());
    assert_eq!((loaded.records.len(), loaded.webhooks.len()), (1, 1));
    let (rejection, payload) = loaded.rejection(refused.id).unwrap();
    assert_eq!((rejection.id, payload.body.as_slice()), (refused.id, b"{}".as_slice()));
}

pub(crate) async fn a_load_of_what_is_not_there_is_empty(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let store = world.store();
    let lead = LeadId::from_uuid(Uuid::from_u128(7));
    let needs = [
        Need::Lead(lead),
        Need::Rejection(lead.intake()),
        Need::Appointment(convio_core::AppointmentId::from_uuid(lead.uuid())),
    ];
    assert_eq!(store.load(&Needs::of(acme.id(), needs)).await.unwrap(), Default::default());
    assert_eq!(store.load(&Needs::of(acme.id(), [Need::Config])).await.unwrap().records, []);
    let nobody = WorkspaceId::from_uuid(Uuid::from_u128(7));
    let loaded = store.load(&Needs::of(nobody, [Need::Config])).await.unwrap();
    assert_eq!((loaded.config, loaded.workspace, loaded.webhooks.len()), (None, None, 0));
}

pub(crate) async fn a_record_reads_back_as_written(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let store = world.store();
    let found =
        async || -> Option<Record> { fetch_record(&*store, acme.id(), RULES_KIND, RULES_KEY).await.unwrap() };
    assert_eq!(found().await, None);
    for n in 1..=2 {
        let rule =
            Rule::to(Target::person("Zoë")).named("all").products(["Solär", "b"]).zips(["02134"]).priority(n);
        let rules = acme.publish_rules([rule]).await.unwrap();
        let record = found().await.unwrap();
        assert_eq!(
            (record.kind.as_str(), record.key.as_str(), record.version),
            (RULES_KIND, RULES_KEY, rules.version)
        );
        assert_eq!(record.body, serde_json::to_value(&rules).unwrap());
        assert_eq!(acme.rules().await.unwrap(), rules);
    }
    for (kind, key) in [(RULES_KIND, "CURRENT"), ("routing", RULES_KEY), ("", "")] {
        assert_eq!(fetch_record(&*store, acme.id(), kind, key).await.unwrap(), None);
    }
}

pub(crate) async fn what_was_committed_is_shown_to_the_next_call(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let there = world.elsewhere(&acme);
    for n in 0..20 {
        let accepted = created(acme.ingest(lead(n)).await);
        assert!(there.lead(accepted.lead).await.unwrap().is_some());
        assert_eq!(there.feed(Position(u64::from(n) + 2), 10).await.unwrap().len(), 1);
    }
}

async fn sold(acme: &WorkspaceHandle<'_>) -> convio_core::use_case::Completed {
    let lead = created(acme.ingest(lead(1)).await).lead;
    let visit =
        acme.book(lead, Schedule::local("2027-03-02T10:00", "America/Los_Angeles").unwrap()).await.unwrap();
    acme.convert(NewConversion::sale(lead, "1 USD".parse().unwrap())).await.unwrap();
    acme.complete(visit.id, Outcome::Sold("5000.00 USD".parse().unwrap())).await.unwrap()
}
