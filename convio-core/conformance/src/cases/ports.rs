use convio_core::change_set::{ContactWrite, GateLost, Mention, NewEvent, Write};
use convio_core::event::{EventBody, Position, StreamRef};
use convio_core::record::fetch_record;
use convio_core::{
    ChangeSet, CommitError, NewConversion, NewWebhook, NumberSeries, Outcome, RawLead, Schedule,
    Subject as Aggregate, Version, WorkspaceId,
};
use uuid::Uuid;

use super::events::eventful;
use crate::plans::{Plans, commit, conflicts};
use crate::{Snapshot, Subject, World, check_invariants, created, lead, linked, phone, rejected};

pub(crate) async fn a_batch_is_answered_in_its_order_and_number(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, other) = (world.acme().await, world.acme().await);
    let (plans, theirs) = (Plans::of(&world, acme.id()).await, Plans::of(&world, other.id()).await);
    let first = plans.ingest(lead(1));
    let second = theirs.ingest(lead(1));
    let third = plans.ingest(lead(3));
    let mut stale = plans.ingest(lead(4)).changes;
    stale.config = stale.config.map(|config| convio_core::ConfigVersion(config.0 + 1));
    let mut misuse = plans.ingest(lead(5)).changes;
    misuse.events.clear();
    let batch = vec![
        first.changes,
        stale,
        second.changes,
        plans.record("absent", 4, Some(3)),
        misuse,
        third.changes,
        plans.ingest(lead(1)).changes,
    ];
    let answers = world.store().commit(batch).await;
    assert_eq!(answers.len(), 7);
    let contacts = |n: usize| &answers[n].as_ref().unwrap().contacts;
    assert_eq!(contacts(0)[0].number, NumberSeries::of(acme.id()).nth(0));
    assert!(
        matches!(answers[1], Err(CommitError::GateLost(GateLost::Config { current: Some(_) }))),
        "{:?}",
        answers[1]
    );
    assert_eq!(contacts(2)[0].number, NumberSeries::of(other.id()).nth(0));
    assert!(conflicts(&answers[3]), "{:?}", answers[3]);
    assert!(matches!(answers[4], Err(CommitError::Misuse(_))), "{:?}", answers[4]);
    assert_eq!(contacts(5)[0].number, NumberSeries::of(acme.id()).nth(1));
    // The last one links to the contact that the first one made.
    assert_eq!((contacts(6)[0].id, contacts(6)[0].created), (contacts(0)[0].id, false));
    for (handle, leads) in [(&acme, 3), (&other, 1)] {
        let snapshot = Snapshot::of(&*world.store(), handle.id(), 100).await.unwrap();
        check_invariants(&snapshot).unwrap();
        assert_eq!(snapshot.leads.len(), leads);
    }
}

pub(crate) async fn a_receipt_tells_what_the_commit_decided(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let known = created(acme.ingest(lead(1)).await);
    let plans = Plans::of(&world, acme.id()).await;
    let (again, new, twice) = (plans.ingest(lead(1)), plans.ingest(lead(2)), plans.ingest(lead(2)));
    let candidates: Vec<_> = [&again, &new, &twice].map(|plan| plan.changes.leads[0].row().contact).to_vec();
    let leads = [again.intake.lead(), new.intake.lead(), twice.intake.lead()];
    let mut whole = again.changes;
    whole.absorb(new.changes);
    whole.absorb(twice.changes);
    let receipt = commit(&*world.store(), whole).await.unwrap();
    let merged: Vec<_> =
        receipt.contacts.iter().map(|m| (m.candidate, m.id, m.created, m.version.0)).collect();
    let expected = [
        (candidates[0], known.contact, false, 2),
        (candidates[1], candidates[1], true, 1),
        (candidates[2], candidates[1], false, 2),
    ];
    assert_eq!(merged, expected);
    assert_eq!(receipt.contacts[0].number, known.number);
    assert_eq!(receipt.contacts[2].number, receipt.contacts[1].number);
    let repeats: Vec<_> = receipt.repeats.iter().map(|repeat| (repeat.lead, repeat.of)).collect();
    assert_eq!(repeats, [(leads[0], Some(known.lead)), (leads[1], None), (leads[2], Some(leads[1]))]);
    assert_eq!(receipt.position, Position(6));
    // A mention of a candidate means the contact that it became.
    let rows = world.store().fetch_leads(acme.id(), &leads).await.unwrap();
    let contacts: Vec<_> = rows.into_iter().map(|row| row.unwrap().contact).collect();
    assert_eq!(contacts, [known.contact, candidates[1], candidates[1]]);
}

pub(crate) async fn a_change_set_that_fails_in_its_last_part_leaves_nothing(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    created(acme.ingest(lead(1)).await);
    let plans = Plans::of(&world, acme.id()).await;
    let before = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    // A known contact, a new one, names, a window and a counter; and at its end a record that is not there.
    let everything = |fails: bool| {
        let mut whole = plans.ingest(lead(1)).changes;
        whole.absorb(plans.ingest(lead(2).idempotency_key("a").external_id("x")).changes);
        whole.counters.push(plans.counter("c", 1, 1));
        whole.records.push(plans.write_record("new", 1, None));
        if fails {
            whole.records.push(plans.write_record("absent", 4, Some(3)));
        }
        whole
    };
    let (good, bad) = (everything(false), everything(true));
    assert!(conflicts(&commit(&*world.store(), bad).await));
    let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    assert_eq!(before.difference(&after), None);
    assert_eq!(fetch_record(&*world.store(), acme.id(), "test", "new").await.unwrap(), None);
    // Names, window, counter and number are free: the same again is taken.
    let receipt = commit(&*world.store(), good).await.unwrap();
    assert_eq!(receipt.contacts[1].number, NumberSeries::of(acme.id()).nth(1));
    assert_eq!(receipt.repeats[1].of, None);
    let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    check_invariants(&after).unwrap();
}

pub(crate) async fn a_failing_change_set_leaves_its_neighbours_alone(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let plans = Plans::of(&world, acme.id()).await;
    let fails = || {
        let mut changes = plans.ingest(lead(2)).changes;
        changes.records.push(plans.write_record("absent", 4, Some(3)));
        changes
    };
    let batch = vec![
        fails(),
        plans.ingest(lead(1)).changes,
        fails(),
        fails(),
        plans.ingest(lead(2)).changes,
        plans.ingest(lead(1)).changes,
        fails(),
    ];
    let answers = world.store().commit(batch).await;
    assert_eq!(
        answers.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [false, true, false, false, true, true, false]
    );
    let snapshot = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    check_invariants(&snapshot).unwrap();
    assert_eq!(snapshot.contacts.iter().map(|contact| contact.leads).collect::<Vec<_>>(), [2, 1]);
    let numbers: Vec<_> = answers.iter().flatten().map(|receipt| receipt.contacts[0].number).collect();
    let series = NumberSeries::of(acme.id());
    assert_eq!(numbers, [series.nth(0), series.nth(1), series.nth(0)]);
}

pub(crate) async fn change_sets_of_a_batch_see_those_before_them(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let plans = Plans::of(&world, acme.id()).await;
    let batch = vec![
        plans.record("r", 2, Some(1)), // nothing there yet
        plans.record("r", 1, None),
        plans.record("r", 1, None), // there already
        plans.record("r", 2, Some(1)),
        plans.record("r", 2, Some(1)), // another version by now
        plans.record("r", 3, Some(2)),
    ];
    let answers = world.store().commit(batch).await;
    assert_eq!(answers.iter().map(conflicts).collect::<Vec<_>>(), [true, false, true, false, true, false]);
    let record = fetch_record(&*world.store(), acme.id(), "test", "r").await.unwrap().unwrap();
    assert_eq!((record.version, record.body), (Version(3), serde_json::json!({"version": 3})));
}

pub(crate) async fn an_update_of_another_version_is_a_conflict(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    let refused = rejected(acme.ingest(RawLead::json("{}")).await);
    let visit = acme.book(accepted.lead, Schedule::local("2027-03-02T10:00", "UTC").unwrap()).await.unwrap();
    acme.complete(visit.id, Outcome::Sold("5 USD".parse().unwrap())).await.unwrap();
    acme.convert(NewConversion::sale(accepted.lead, "5 USD".parse().unwrap())).await.unwrap();
    let plans = Plans::of(&world, acme.id()).await;
    let before = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    let rejection = before.rejections.iter().find(|row| row.id == refused.id).unwrap();

    // Every aggregate, at a version before the present one, at one to come, and one that is not there at all.
    let mut stale = Vec::new();
    macro_rules! stale {
        ($rows:ident, $row:expr, |$id:ident| $about:expr) => {
            for (by, unknown) in [(-1i64, false), (1, false), (0, true)] {
                let mut row = $row.clone();
                if unknown {
                    row.id = serde_json::from_value(serde_json::json!(Uuid::from_u128(77))).unwrap();
                }
                let at = Version(row.version.0.wrapping_add_signed(by));
                row.version = at.next();
                let $id = row.id;
                let mut changes = plans.empty();
                changes.events.push($about);
                changes.$rows.push(Write::Update { row, at });
                stale.push(changes);
            }
        };
    }
    let about = |subject: Aggregate| NewEvent::about(subject, EventBody::WebhookRestored);
    stale!(webhooks, before.webhooks[0], |id| about(Aggregate::Webhook(id)));
    stale!(rejections, rejection, |id| about(Aggregate::Rejection(id)));
    stale!(appointments, before.appointments[0], |id| about(Aggregate::Appointment(id)));
    stale!(conversions, before.conversions[0], |id| about(Aggregate::Conversion(id)));
    let mentions = |lead| NewEvent {
        lead: Some(Mention::changed(lead)),
        subject: None,
        ..about(Aggregate::Workspace(acme.id()))
    };
    stale!(leads, before.leads[0], |id| mentions(id));
    for by in [-1i64, 1] {
        let mut row = before.contacts[0].clone();
        let at = Version(row.version.0.wrapping_add_signed(by));
        row.version = at.next();
        let mut changes = plans.empty();
        let event = NewEvent { contact: Some(Mention::changed(row.id)), ..mentions(accepted.lead) };
        changes.events.push(NewEvent { lead: None, ..event });
        changes.contacts.push(ContactWrite::Update { row: Box::new(row), at });
        stale.push(changes);
        let mut row = before.workspace.clone().unwrap();
        let at = Version(row.version.0.wrapping_add_signed(by));
        row.version = at.next();
        let mut changes = plans.empty();
        changes.events.push(about(Aggregate::Workspace(row.id)));
        changes.workspaces.push(Write::Update { row, at });
        stale.push(changes);
    }
    let wanted = stale.len();
    let answers = world.store().commit(stale).await;
    let wrong: Vec<_> = answers.iter().filter(|answer| !conflicts(answer)).collect();
    assert!(wrong.is_empty() && answers.len() == wanted, "{wrong:?}");
    let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    assert_eq!(before.difference(&after), None);
}

pub(crate) async fn an_insert_of_what_exists_is_a_conflict(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    eventful_once(&acme).await;
    let plans = Plans::of(&world, acme.id()).await;
    let before = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    let mut twice = Vec::new();
    macro_rules! insert {
        ($rows:ident, $row:expr, $aggregate:ident) => {
            let mut row = $row.clone();
            row.version = Version(1);
            let mut changes = plans.empty();
            changes.events.push(NewEvent::about(Aggregate::$aggregate(row.id), EventBody::WebhookRestored));
            changes.$rows.push(Write::Insert(row));
            twice.push(changes);
        };
    }
    insert!(webhooks, before.webhooks[0], Webhook);
    insert!(rejections, before.rejections[0], Rejection);
    insert!(appointments, before.appointments[0], Appointment);
    insert!(conversions, before.conversions[0], Conversion);
    // A new webhook of a name that is taken.
    let mut namesake = before.webhooks[1].clone();
    namesake.id = convio_core::WebhookId::from_uuid(Uuid::from_u128(77));
    insert!(webhooks, namesake, Webhook);
    // Two new ones of one name.
    namesake.name = "twins".to_owned();
    insert!(webhooks, namesake, Webhook);
    namesake.id = convio_core::WebhookId::from_uuid(Uuid::from_u128(78));
    insert!(webhooks, namesake, Webhook);
    let twin = twice.pop().unwrap();
    twice.last_mut().unwrap().absorb(twin);
    // A lead, and a payload, that are there.
    let mut changes = plans.ingest(lead(50)).changes;
    changes.payloads[0].id = before.leads[0].id.intake();
    twice.push(changes);
    let mut changes = plans.ingest(lead(51)).changes;
    if let Write::Insert(row) = &mut changes.leads[0] {
        row.id = before.leads[0].id;
    }
    changes.events[0].lead = Some(Mention::changed(before.leads[0].id));
    twice.push(changes);
    let wanted = twice.len();
    let answers = world.store().commit(twice).await;
    let wrong: Vec<_> = answers.iter().filter(|answer| !conflicts(answer)).collect();
    assert!(wrong.is_empty() && answers.len() == wanted, "{wrong:?}");
    let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    assert_eq!(before.difference(&after), None);
}

pub(crate) async fn a_change_set_that_breaks_the_rules_is_misuse(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, other) = (world.acme().await, world.acme().await);
    eventful(&acme).await;
    let plans = Plans::of(&world, acme.id()).await;
    let before = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    let broken: [fn(&mut ChangeSet, WorkspaceId); 6] = [
        |changes, _| changes.events.clear(),
        |changes, _| changes.leads.clear(),
        |changes, _| changes.contacts.clear(),
        |changes, other| changes.payloads[0].workspace = other,
        |changes, other| {
            if let Write::Insert(row) = &mut changes.leads[0] {
                row.workspace = other;
            }
        },
        |changes, _| {
            if let Write::Insert(row) = &mut changes.leads[0] {
                row.version = Version(2);
            }
        },
    ];
    for (n, break_it) in broken.into_iter().enumerate() {
        let mut changes = plans.ingest(lead(60)).changes;
        break_it(&mut changes, other.id());
        let answer = commit(&*world.store(), changes).await;
        assert!(matches!(answer, Err(CommitError::Misuse(_))), "the {n}-th was answered with {answer:?}");
    }
    let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    assert_eq!(before.difference(&after), None);
}

pub(crate) async fn a_change_set_that_changes_nothing_is_applied(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let plans = Plans::of(&world, acme.id()).await;
    let head = world.store().head(acme.id()).await.unwrap().unwrap();
    let receipt = commit(&*world.store(), plans.empty()).await.unwrap();
    assert_eq!((receipt.contacts.len(), receipt.repeats.len(), receipt.position), (0, 0, head.feed));
    assert_eq!(world.store().head(acme.id()).await.unwrap(), Some(head));
}

pub(crate) async fn an_id_means_an_aggregate_only_together_with_its_kind(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    // A released rejection and its lead share one id, and are written in one commit.
    created(acme.ingest(lead(1)).await);
    let refused = rejected(acme.ingest(RawLead::json("{}")).await);
    let corrections = convio_core::Corrections::default().set("phone", phone(1));
    for _ in 0..3 {
        acme.correct(refused.id, corrections.clone()).await.unwrap();
    }
    let released = linked(acme.release(refused.id).await);
    let page = Default::default();
    let of_lead = acme.history(StreamRef::Lead(released.lead), &page).await.unwrap().items;
    let of_rejection =
        acme.history(StreamRef::Subject(Aggregate::Rejection(refused.id)), &page).await.unwrap().items;
    assert_eq!((of_lead.len(), of_rejection.len()), (1, 5));
    assert_eq!(of_lead[0].lead_version(), Some(Version(1)));
    assert_eq!(of_rejection[4].subject_version(), Some(Version(5)));
}

async fn eventful_once(acme: &convio_core::WorkspaceHandle<'_>) {
    let accepted = created(acme.ingest(lead(1)).await);
    rejected(acme.ingest(RawLead::json("{}")).await);
    let visit = acme.book(accepted.lead, Schedule::local("2027-03-02T10:00", "UTC").unwrap()).await.unwrap();
    acme.complete(visit.id, Outcome::Sold("5 USD".parse().unwrap())).await.unwrap();
}
