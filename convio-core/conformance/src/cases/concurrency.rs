use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use chrono::{DateTime, TimeDelta, Utc};
use convio_core::contact::ContactRef;
use convio_core::event::{EventBody, Position};
use convio_core::service::Atomicity;
use convio_core::{
    Coalesced, Corrections, DedupScope, Error, ErrorKind, Ingested, NewConversion, NewWebhook, Outcome,
    RawLead, RepeatAction, Schedule, WebhookSettings, WorkspaceHandle,
};
use pollster::block_on;
use serde_json::json;

use super::keys::{SPELLINGS, in_region, spelt};
use crate::dice::Dice;
use crate::{
    Snapshot, Subject, World, check_invariants, codes, created, lead, lead_with, phone, rejected, taken,
};

pub(crate) async fn one_call_from_fifty_threads_makes_one_lead(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let answers = at_once(&world, &acme, 50, |handle, _| {
        block_on(handle.ingest(lead(1).idempotency_key("a"))).unwrap()
    });
    let (first, rest): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|one| matches!(one, Ingested::Created(_)));
    assert_eq!((first.len(), rest.len()), (1, 49));
    let expected = Ingested::Replayed(Box::new(first[0].clone()));
    assert!(rest.iter().all(|answer| *answer == expected), "{rest:?}");
    let snapshot = in_order(&world, &acme).await;
    assert_eq!((snapshot.leads.len(), snapshot.contacts.len()), (1, 1));
}

pub(crate) async fn many_spellings_of_a_new_number_at_once_are_one_contact(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    in_region(&acme, "US").await;
    let answers = at_once(&world, &acme, 64, |handle, n| {
        block_on(handle.ingest(spelt(SPELLINGS[n % SPELLINGS.len()]))).unwrap()
    });
    let created = answers.iter().filter(|answer| matches!(answer, Ingested::Created(_))).count();
    assert_eq!(created, 1);
    let mut contacts: Vec<_> = answers.iter().map(|answer| answer.accepted().unwrap().contact).collect();
    contacts.dedup();
    assert_eq!(contacts.len(), 1);
    let snapshot = in_order(&world, &acme).await;
    assert_eq!((snapshot.contacts.len(), snapshot.contacts[0].leads), (1, 64));
}

pub(crate) async fn many_spellings_at_once_are_one_contact_of_each_webhook(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    for name in ["one", "two"] {
        let apart = NewWebhook::named(name).with(|settings| {
            settings.region = "US".parse().ok();
            settings.scope = DedupScope::Webhook;
        });
        acme.create_webhook(apart).await.unwrap();
    }
    let answers = at_once(&world, &acme, 64, |handle, n| {
        let raw = spelt(SPELLINGS[n % SPELLINGS.len()]).webhook(["one", "two"][n / 32]);
        block_on(handle.ingest(raw)).unwrap()
    });
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Ingested::Created(_))).count(), 2);
    let snapshot = in_order(&world, &acme).await;
    let leads: Vec<u32> = snapshot.contacts.iter().map(|contact| contact.leads).collect();
    assert_eq!(leads, [32, 32]);
}

pub(crate) async fn no_conversion_of_a_lead_is_lost(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    at_once(&world, &acme, 16, |handle, n| {
        for cent in 0..3 {
            let value = convio_core::Money::from_minor((n * 3 + cent) as i64, "USD".parse().unwrap());
            // Losing every race of a bounded number of tries is an answer too, and must then have left nothing.
            loop {
                match block_on(handle.convert(NewConversion::sale(accepted.lead, value))) {
                    Ok(_) => break,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
                }
            }
        }
    });
    let contact = acme.contact(ContactRef::Id(accepted.contact)).await.unwrap().unwrap();
    assert_eq!((contact.conversions, contact.version.0), (48, 49));
    assert_eq!(contact.lifetime.iter().next().unwrap().minor(), (0..48).sum::<i64>());
    in_order(&world, &acme).await;
}

pub(crate) async fn leads_and_conversions_of_one_contact_do_not_lose_each_other(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    at_once(&world, &acme, 12, |handle, n| {
        for _ in 0..4 {
            if n % 2 == 0 {
                taken(block_on(handle.ingest(lead(1))));
                continue;
            }
            let sale = || NewConversion::sale(accepted.lead, "1 USD".parse().unwrap());
            while let Err(error) = block_on(handle.convert(sale())) {
                assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
            }
        }
    });
    let contact = acme.contact(ContactRef::Id(accepted.contact)).await.unwrap().unwrap();
    assert_eq!((contact.leads, contact.conversions, contact.version.0), (25, 24, 49));
    in_order(&world, &acme).await;
}

pub(crate) async fn of_racing_completions_one_wins(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    let visit = acme.book(accepted.lead, Schedule::local("2027-03-02T10:00", "UTC").unwrap()).await.unwrap();
    let sold = Outcome::Sold("5 USD".parse().unwrap());
    let answers = at_once(&world, &acme, 8, |handle, _| block_on(handle.complete(visit.id, sold)));
    one_wins(answers);
    assert_eq!(in_order(&world, &acme).await.conversions.len(), 1);
}

pub(crate) async fn of_racing_creators_of_one_name_one_wins(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let answers =
        at_once(&world, &acme, 8, |handle, _| block_on(handle.create_webhook(NewWebhook::named("google"))));
    for error in one_wins(answers) {
        assert_eq!(codes(error.reasons()), ["name/taken"]);
    }
    assert_eq!(in_order(&world, &acme).await.webhooks.len(), 2);
}

pub(crate) async fn of_racing_releases_one_makes_the_lead(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let refused = rejected(acme.ingest(convio_core::RawLead::json("{}")).await);
    acme.correct(refused.id, Corrections::default().set("phone", phone(1))).await.unwrap();
    let answers = at_once(&world, &acme, 8, |handle, _| block_on(handle.release(refused.id)).unwrap());
    let created = answers.iter().filter(|answer| matches!(answer, Ingested::Created(_))).count();
    let replayed = answers.iter().filter(|answer| matches!(answer, Ingested::Replayed(_))).count();
    assert_eq!((created, replayed), (1, 7));
    assert_eq!(in_order(&world, &acme).await.leads.len(), 1);
}

pub(crate) async fn of_racing_repeats_one_is_taken(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut settings = WebhookSettings::default();
    settings.repeat.action = RepeatAction::Reject;
    acme.configure_webhook("direct", settings).await.unwrap();
    let answers = at_once(&world, &acme, 16, |handle, _| block_on(handle.ingest(lead(1))).unwrap());
    let taken: Vec<_> = answers.iter().filter_map(|answer| Some(answer.accepted().ok()?.lead)).collect();
    assert_eq!(taken.len(), 1);
    let repeats =
        answers.iter().filter(|answer| answer.accepted().is_err_and(|no| no.duplicate_of == Some(taken[0])));
    assert_eq!(repeats.count(), 15);
    let snapshot = in_order(&world, &acme).await;
    assert_eq!((snapshot.leads.len(), snapshot.rejections.len()), (1, 15));
}

pub(crate) async fn a_limit_holds_under_any_race(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut settings = WebhookSettings::default();
    settings.leads_per_hour_max = Some(5);
    acme.configure_webhook("direct", settings).await.unwrap();
    let answers = at_once(&world, &acme, 20, |handle, n| block_on(handle.ingest(lead(n as u32))));
    let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
    let refused: Vec<_> = refused.map(Error::kind).collect();
    assert_eq!(refused, [ErrorKind::Overloaded; 15]);
    assert_eq!(in_order(&world, &acme).await.leads.len(), 5);
}

pub(crate) async fn a_tailing_reader_misses_no_position(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let done = AtomicBool::new(false);
    let seen = std::thread::scope(|threads| {
        let tail = threads.spawn(|| {
            let _held = subject.enter();
            let (store, mut seen, mut polls) = (world.store(), Vec::new(), 0);
            loop {
                // Asked before the read: what is committed by then must be in it.
                let last = done.load(Ordering::SeqCst);
                let after = seen.last().copied().unwrap_or(Position(0));
                let events = block_on(store.feed(acme.id(), after, 7)).unwrap();
                world.goes_on();
                seen.extend(events.iter().map(|event| event.position));
                polls += 1;
                if last && events.is_empty() {
                    return (seen, polls);
                }
            }
        });
        at_once(&world, &acme, 6, |handle, n| {
            for row in 0..15 {
                taken(block_on(handle.ingest(lead((n * 100 + row) as u32 % 40))));
            }
        });
        done.store(true, Ordering::SeqCst);
        tail.join().unwrap()
    });
    let (seen, polls) = seen;
    let expected: Vec<Position> = (1..=2 + 6 * 15).map(Position).collect();
    assert_eq!(seen, expected, "after {polls} reads");
    in_order(&world, &acme).await;
}

pub(crate) async fn writers_of_several_workspaces_do_not_disturb_each_other(subject: &dyn Subject) {
    let world = World::of(subject);
    let handles = [world.acme().await, world.acme().await, world.acme().await];
    at_once(&world, &handles[0], 9, |_, n| {
        let handle = world.elsewhere(&handles[n % 3]);
        for row in 0..10 {
            taken(block_on(handle.ingest(lead(row % 4).idempotency_key(format!("{n}-{row}")))));
        }
    });
    for handle in &handles {
        let snapshot = in_order(&world, handle).await;
        assert_eq!((snapshot.leads.len(), snapshot.contacts.len()), (30, 4));
    }
}

pub(crate) async fn a_deleted_webhook_takes_nothing_more_whoever_races(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let webhook = acme.create_webhook(NewWebhook::named("google")).await.unwrap();
    let posted = AtomicUsize::new(0);
    at_once(&world, &acme, 6, |handle, n| {
        if n == 0 {
            while posted.load(Ordering::SeqCst) < 10 {
                world.goes_on();
            }
            block_on(handle.delete_webhook("google")).unwrap();
            return;
        }
        for row in 0..1_000 {
            let answer = block_on(handle.ingest(lead((n * 1_000 + row) as u32).webhook("google"))).unwrap();
            posted.fetch_add(1, Ordering::SeqCst);
            if answer.accepted().is_err() {
                return;
            }
        }
        panic!("a thousand leads, and the webhook is still not deleted");
    });
    let snapshot = in_order(&world, &acme).await;
    let deleted =
        snapshot.feed.iter().find(|event| event.body == EventBody::WebhookDeleted).unwrap().position;
    let late = snapshot.feed.iter().filter(|event| event.position > deleted).find(
        |event| matches!(&event.body, EventBody::LeadReceived(received) if received.webhook == webhook.id),
    );
    assert_eq!(late, None);
}

/// The same leads, in any order and company: what is left is the same.
pub(crate) async fn one_by_one_batched_and_coalesced_come_to_the_same(subject: &dyn Subject) {
    let world = World::of(subject);
    let mut dice = Dice::of_this_run();
    let rows: Vec<u32> = (0..60).collect();
    let shuffled = |dice: &mut Dice| {
        let mut rows = rows.clone();
        dice.shuffle(&mut rows);
        rows
    };
    let one_by_one = world.acme().await;
    for row in shuffled(&mut dice) {
        taken(one_by_one.ingest(one_of_few(row)).await);
    }
    let batched = world.acme().await;
    let mut open = shuffled(&mut dice);
    while !open.is_empty() {
        let batch = open.split_off(open.len().saturating_sub(1 + dice.index(17)));
        let batch = batch.into_iter().map(one_of_few).collect();
        let answer = batched.ingest_batch(batch, Atomicity::PerRow).await.unwrap();
        answer.rows.into_iter().for_each(|row| drop(taken(row)));
    }
    let coalesced = world.acme().await;
    let together = Coalesced::new(world.store()).changes_per_flight(1 + dice.index(20));
    let handle = world.convio_on(Arc::new(together)).workspace(coalesced.id());
    let shares: Vec<Vec<u32>> = shuffled(&mut dice).chunks(8).map(<[u32]>::to_vec).collect();
    at_once(&world, &handle, shares.len(), |_, n| {
        for row in &shares[n] {
            taken(block_on(handle.ingest(one_of_few(*row))));
        }
    });
    let expected = what_is_left(&in_order(&world, &one_by_one).await);
    for (how, workspace) in [("batched", &batched), ("coalesced", &coalesced)] {
        let left = what_is_left(&in_order(&world, workspace).await);
        let more: Vec<_> = left.iter().filter(|line| !expected.contains(line)).collect();
        let less: Vec<_> = expected.iter().filter(|line| !left.contains(line)).collect();
        assert!(left == expected, "{how}: more {more:?}, less {less:?}");
    }
    assert_eq!(expected.iter().filter(|line| line.starts_with("contact")).count(), 12);
}

/// A lead of one of twelve contacts, each received at a time of its own and repeating no other: nothing of it depends on which
/// one is stored first.
fn one_of_few(row: u32) -> RawLead {
    let more = json!({"product": format!("P{row}"), "city": format!("City {row}"), "zip": row.is_multiple_of(5).then_some("90210")});
    lead_with(row % 12, more).received_at(at(row))
}

fn at(row: u32) -> DateTime<Utc> {
    "2027-02-27T15:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(i64::from(row) * 10)
}

/// Rows, events and sums, without what the order of arrival gives: ids, numbers, positions.
fn what_is_left(snapshot: &Snapshot) -> Vec<String> {
    let phone_of = |id| {
        let contact = snapshot.contacts.iter().find(|contact| contact.id == id);
        contact.and_then(|contact| contact.person.phone.as_ref()).map(|parsed| parsed.phone.e164().to_owned())
    };
    let contacts = snapshot.contacts.iter().map(|row| {
        let person = serde_json::to_string(&row.person).unwrap();
        format!("contact {person} {} {:?} {}", row.leads, row.first_touch.at, row.version.0)
    });
    let leads = snapshot.leads.iter().map(|row| {
        let (phone, product, status) = (phone_of(row.contact), &row.interest.product, &row.progress.status);
        format!("lead {phone:?} {product:?} {:?} {status:?} {:?}", row.received_at, row.postal_code)
    });
    let events = snapshot.feed.iter().filter_map(|event| {
        let (contact, lead) = (event.contact?, event.lead?);
        Some(format!("{} {:?} {:?}", event.body.kind(), phone_of(contact.id), lead.version))
    });
    // The first dimension of some is the webhook's id.
    let sums = snapshot
        .rollups
        .iter()
        .map(|row| format!("{:?} {} {:?} {:?} {:?}", row.cube, row.day, &row.dims[1..], row.n, row.last_at));
    let mut lines: Vec<String> = contacts.chain(leads).chain(events).chain(sums).collect();
    lines.sort();
    lines
}

/// Does `what` on so many threads at the same moment, each as a process of its own, and collects what they got.
pub(super) fn at_once<T: Send>(
    world: &World<'_>,
    acme: &WorkspaceHandle<'_>,
    threads: usize,
    what: impl Fn(&WorkspaceHandle<'_>, usize) -> T + Sync,
) -> Vec<T> {
    let start = Barrier::new(threads);
    let run = |n: usize| {
        let _held = world.subject.enter();
        // Half of them share a process with another one, and so its cache.
        let handle = if n.is_multiple_of(2) { world.elsewhere(acme) } else { acme.clone() };
        start.wait();
        let _thread = world.thread();
        what(&handle, n)
    };
    let run = &run;
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|n| scope.spawn(move || run(n))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// One answer is `Ok`, the others are conflicts.
#[track_caller]
pub(super) fn one_wins<T: std::fmt::Debug>(answers: Vec<Result<T, Error>>) -> Vec<Error> {
    let wanted = answers.len() - 1;
    let lost: Vec<Error> = answers.into_iter().filter_map(Result::err).collect();
    assert_eq!(lost.len(), wanted);
    assert!(lost.iter().all(|error| error.kind() == ErrorKind::Conflict), "{lost:?}");
    lost
}

async fn in_order(world: &World<'_>, acme: &WorkspaceHandle<'_>) -> Snapshot {
    let snapshot = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    check_invariants(&snapshot).unwrap();
    snapshot
}
