use chrono::{DateTime, TimeDelta, Utc};
use convio_core::contact::ContactRef;
use convio_core::event::{EventBody, StreamRef};
use convio_core::lead::{LeadFilter, Span};
use convio_core::{
    Actor, Channel, Clock, Contact, ContactAttempt, ContactId, Error, ErrorKind, Lead, LeadId, LeadStatus,
    NewWebhook, Outcome, PageRequest, Priority, RowRef, Schedule, Stage, Version, WorkspaceHandle,
};
use uuid::Uuid;

use super::pipeline::lead_at;
use crate::{Snapshot, Subject, World, check_invariants, codes, created, lead};

pub(crate) async fn an_owner_is_set_taken_away_and_remembered(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await.acting_as(Actor::user("boss"));
    let id = created(acme.ingest(lead(1)).await).lead;
    let start = world.clock.now();
    for owner in [Some("maria"), Some("maria"), Some("Łukasz 7"), None, Some("maria")] {
        world.clock.advance(TimeDelta::hours(1));
        let changed = acme.assign_lead(id, owner.map(str::to_owned)).await.unwrap();
        assert_eq!((changed.owner.as_deref(), &changed), (owner, &row(&acme, id).await));
    }
    for (owner, what) in [(" ".to_owned(), "blank"), ("x".repeat(8 * 1024 + 1), "too long")] {
        let error = acme.assign_lead(id, Some(owner)).await.unwrap_err();
        assert_eq!((error.kind(), codes(error.reasons())), invalid("owner"), "{what}");
    }
    // The second `maria` is not a change of hands.
    let owners = world.elsewhere(&acme).lead_owners(id).await.unwrap();
    let hours = |n| start + TimeDelta::hours(n);
    let expected = [
        (None, hours(0), Some(hours(1))),
        (Some("maria"), hours(1), Some(hours(3))),
        (Some("Łukasz 7"), hours(3), Some(hours(4))),
        (None, hours(4), Some(hours(5))),
        (Some("maria"), hours(5), None),
    ];
    let told: Vec<_> = owners.iter().map(|span| (span.value.as_deref(), span.from, span.until)).collect();
    assert_eq!(told, expected);
    assert!(owners.iter().all(|span| span.by == Actor::user("boss")));
    assert_eq!(row(&acme, id).await.version, Version(6));
    in_order(&world, &acme).await;
}

pub(crate) async fn a_follow_up_is_listed_once_it_is_due(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let due = world.clock.now() + TimeDelta::days(3);
    let early = created(acme.ingest(lead(1)).await).lead;
    let late = created(acme.ingest(lead(2)).await).lead;
    created(acme.ingest(lead(3)).await); // never to be looked at
    let changed = acme.follow_up(early, Some(due + TimeDelta::nanoseconds(999))).await.unwrap();
    assert_eq!(changed.follow_up_at, Some(due), "times are kept in whole microseconds");
    acme.follow_up(late, Some(due + TimeDelta::microseconds(1))).await.unwrap();
    let listed = async |by: DateTime<Utc>| {
        let mut filter = LeadFilter::default();
        filter.follow_up_by = Some(by);
        ids(&world.elsewhere(&acme), &filter).await
    };
    assert_eq!(listed(due - TimeDelta::microseconds(1)).await, []);
    assert_eq!(listed(due).await, [early]);
    assert_eq!(listed(due + TimeDelta::microseconds(1)).await, [early, late]);
    let changed = acme.follow_up(early, None).await.unwrap();
    assert_eq!((changed.follow_up_at, changed.version), (None, Version(3)));
    assert_eq!(listed(due).await, []);
    in_order(&world, &acme).await;
}

pub(crate) async fn every_priority_is_kept(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    assert_eq!(row(&acme, id).await.priority, Priority::Normal);
    for priority in Priority::ALL.into_iter().rev() {
        let changed = acme.prioritise(id, priority).await.unwrap();
        assert_eq!((changed.priority, &changed), (priority, &row(&acme, id).await));
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn a_note_is_in_the_history_and_in_no_log(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await.acting_as(Actor::user("jane"));
    let id = created(acme.ingest(lead(1)).await).lead;
    let texts = ["hunter2 lives next door", "Zażółć \u{1F680}\n\t\"quoted\"", "hunter2 again"];
    for text in texts {
        world.clock.advance(TimeDelta::minutes(1));
        acme.note(id, text).await.unwrap();
    }
    for (text, what) in [("", "empty"), (" \n", "blank"), (&*"x".repeat(8 * 1024 + 1), "too long")] {
        let error = acme.note(id, text).await.unwrap_err();
        assert_eq!((error.kind(), codes(error.reasons())), invalid("note"), "{what}");
    }
    let notes = world.elsewhere(&acme).lead_notes(id).await.unwrap();
    let told: Vec<_> = notes.iter().map(|note| note.text.as_deref().unwrap()).collect();
    assert_eq!(told, texts);
    assert!(notes.iter().all(|note| note.by == Actor::user("jane")));
    assert_eq!(notes[2].at, world.clock.now());
    // A note changes nothing but the lead's version.
    let lead = row(&acme, id).await;
    assert_eq!((lead.progress.status.stage, lead.version), (Stage::New, Version(4)));
    let history = acme.history(StreamRef::Lead(id), &PageRequest::default()).await.unwrap().items;
    assert!(matches!(&history[1].body, EventBody::LeadNoted { text: Some(text) } if text.0 == texts[0]));
    let shown = format!("{notes:?} {lead:?} {history:?} {:?}", in_order(&world, &acme).await);
    assert!(!shown.contains("hunter2"), "a note stands in what is logged");
}

pub(crate) async fn the_first_success_of_an_attempt_contacts_a_new_lead(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    world.clock.advance(TimeDelta::seconds(90));
    let now = world.clock.now();
    let tried = acme.record_attempt(id, attempt(Channel::Sms, false, now)).await.unwrap();
    assert_eq!((tried.progress.status.stage, tried.attempts.count), (Stage::New, 1));
    assert_eq!(tried.seconds_to_contact(), Some(90));
    let reached = acme.record_attempt(id, attempt(Channel::Call, true, now)).await.unwrap();
    assert_eq!((reached.progress.status.stage, reached.attempts.count), (Stage::Contacted, 2));
    assert_eq!(reached, row(&acme, id).await);
    // Whoever is further stays there, and who was given up is not opened again by it.
    for stage in Stage::ALL.into_iter().filter(|stage| *stage != Stage::New) {
        let id = lead_at(&acme, 10 + stage as u32, stage).await;
        let after = acme.record_attempt(id, attempt(Channel::Visit, true, now)).await.unwrap();
        assert_eq!((after.progress.status.stage, after.attempts.count), (stage, 1));
    }
    let history = acme.history(StreamRef::Lead(id), &PageRequest::default()).await.unwrap().items;
    let kept = |event: &EventBody| match event {
        EventBody::LeadAttempted { attempt, .. } => {
            Some((attempt.channel, attempt.reached, attempt.automated))
        }
        _ => None,
    };
    let kept: Vec<_> = history.iter().filter_map(|event| kept(&event.body)).collect();
    assert_eq!(kept, [(Channel::Sms, false, false), (Channel::Call, true, false)]);
    in_order(&world, &acme).await;
}

pub(crate) async fn attempts_are_told_in_any_order_and_none_is_to_come(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    assert_eq!(row(&acme, id).await.seconds_to_contact(), None);
    let received = world.clock.now();
    world.clock.advance(TimeDelta::hours(5));
    let tell = async |at: DateTime<Utc>| {
        let machine = ContactAttempt { automated: true, ..attempt(Channel::Email, false, at) };
        let attempts = acme.record_attempt(id, machine).await.unwrap().attempts;
        (attempts.count, attempts.first_at.unwrap() - received, attempts.last_at.unwrap() - received)
    };
    let hours = TimeDelta::hours;
    assert_eq!(tell(received + hours(3)).await, (1, hours(3), hours(3)));
    assert_eq!(tell(received + hours(1)).await, (2, hours(1), hours(3)));
    assert_eq!(tell(received + hours(2)).await, (3, hours(1), hours(3)));
    assert_eq!(tell(received + hours(99)).await, (4, hours(1), hours(5)), "a time to come counts as now");
    // Someone called before the lead was told of: the time to contact is negative, not lost.
    assert_eq!(tell(received - hours(1)).await, (5, hours(-1), hours(5)));
    assert_eq!(row(&acme, id).await.seconds_to_contact(), Some(-3_600));
    in_order(&world, &acme).await;
}

pub(crate) async fn a_lead_tells_when_it_entered_and_left_each_status(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let start = world.clock.now();
    let hour = || world.clock.advance(TimeDelta::hours(1));
    let jane = acme.clone().acting_as(Actor::user("jane"));
    hour();
    jane.record_attempt(id, attempt(Channel::Call, true, world.clock.now())).await.unwrap();
    hour();
    acme.record_attempt(id, attempt(Channel::Call, true, world.clock.now())).await.unwrap(); // no new status
    hour();
    let visit = jane.book(id, schedule()).await.unwrap();
    hour();
    acme.book(id, schedule()).await.unwrap(); // still scheduled
    hour();
    let sold = acme.complete(visit.id, Outcome::Sold("5 USD".parse().unwrap())).await.unwrap();
    hour();
    jane.void(sold.conversion.unwrap().id, "a mistake").await.unwrap(); // the other visit is still open
    let spans = world.elsewhere(&acme).lead_statuses(id).await.unwrap();
    let told = |span: &Span<LeadStatus>| {
        let until = span.until.map(|until| (until - start).num_hours());
        (span.value.key.clone(), (span.from - start).num_hours(), until, span.by.as_str().to_owned())
    };
    let told: Vec<_> = spans.iter().map(told).collect();
    let expected = [
        ("new", 0, Some(1), "system"),
        ("contacted", 1, Some(3), "user:jane"),
        ("scheduled", 3, Some(5), "user:jane"),
        ("won", 5, Some(6), "system"),
        ("scheduled", 6, None, "user:jane"),
    ];
    assert_eq!(told, expected.map(|(key, from, until, by)| (key.to_owned(), from, until, by.to_owned())));
    in_order(&world, &acme).await;
}

pub(crate) async fn a_stale_row_is_refused_and_its_id_is_not(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let mut seen = row(&acme, id).await;
    for n in 0..8 {
        // Someone else changes the lead, by its visits as well as by itself.
        match n % 2 {
            0 => drop(world.elsewhere(&acme).prioritise(id, Priority::ALL[n / 2]).await.unwrap()),
            _ => drop(world.elsewhere(&acme).book(id, schedule()).await.unwrap()),
        }
        let before = in_order(&world, &acme).await;
        let error = change(&acme, n, &seen).await.unwrap_err();
        let told = (error.kind(), error.to_string());
        assert_eq!(told, (ErrorKind::Conflict, format!("lead `{id}` was changed by someone else")));
        assert_eq!(before.difference(&in_order(&world, &acme).await), None);
        let by_id = change(&acme, n, id).await.unwrap();
        // What was just answered is what is there: it may be changed by it.
        seen = match by_id.deleted_at {
            None => acme.follow_up(&by_id, None).await.unwrap(),
            Some(_) => acme.restore_lead(&by_id).await.unwrap(),
        };
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn filters_list_what_matches_and_nothing_else(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let webhook = acme.create_webhook(NewWebhook::named("google")).await.unwrap().id;
    for (n, stage) in (0..28).zip(Stage::ALL.into_iter().cycle()) {
        world.clock.advance(TimeDelta::minutes(1));
        let id = lead_at(&acme, n, stage).await;
        if n % 3 == 0 {
            let owner = ["maria", "Maria", "m%"][n as usize % 9 / 3];
            acme.assign_lead(id, Some(owner.into())).await.unwrap();
        }
        if n % 4 == 0 {
            acme.follow_up(id, Some(world.clock.now())).await.unwrap();
        }
        if n % 5 == 0 {
            acme.delete_lead(id).await.unwrap();
        }
        created(acme.ingest(lead(100 + n).webhook("google")).await);
    }
    let all = acme.leads(&LeadFilter::with_deleted(), &PageRequest::first(1_000)).await.unwrap().items;
    assert_eq!(all.len(), 56);
    let middle = all[30].received_at;
    let mut filters = vec![LeadFilter::default()];
    let mut both_ways = |set: &dyn Fn(&mut LeadFilter)| {
        let more: Vec<LeadFilter> =
            filters.iter().cloned().map(|mut filter| (set(&mut filter), filter).1).collect();
        filters.extend(more);
    };
    both_ways(&|filter| filter.with_deleted = true);
    both_ways(&|filter| filter.webhook = Some(webhook));
    both_ways(&|filter| filter.received_before = Some(middle));
    both_ways(&|filter| filter.follow_up_by = Some(middle));
    both_ways(&|filter| filter.owner = Some("maria".into()));
    both_ways(&|filter| filter.stage = Some(Stage::New));
    both_ways(&|filter| filter.contact = Some(all[10].contact));
    for stage in Stage::ALL {
        let mut filter = LeadFilter::default();
        filter.stage = Some(stage);
        filters.push(filter);
    }
    let mut hits = 0;
    for filter in filters {
        let wanted = |lead: &&Lead| -> bool {
            let wrong = [
                !filter.with_deleted && lead.deleted_at.is_some(),
                filter.webhook.is_some_and(|webhook| lead.webhook != webhook),
                filter.received_before.is_some_and(|before| lead.received_at >= before),
                filter.follow_up_by.is_some_and(|by| lead.follow_up_at.is_none_or(|at| at > by)),
                filter.owner.is_some() && lead.owner != filter.owner,
                filter.stage.is_some_and(|stage| lead.progress.status.stage != stage),
                filter.contact.is_some_and(|contact| lead.contact != contact),
            ];
            !wrong.contains(&true)
        };
        let expected: Vec<LeadId> = all.iter().filter(wanted).map(|lead| lead.id).collect();
        hits += usize::from(!expected.is_empty());
        assert_eq!(ids(&acme, &filter).await, expected, "{filter:?}");
    }
    assert!(hits > 40, "{hits} of the filters list anything");
}

pub(crate) async fn a_lead_of_another_workspace_is_not_there(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, other) = (world.acme().await, world.acme().await);
    let theirs = created(other.ingest(lead(1)).await).lead;
    let before = in_order(&world, &other).await;
    for id in [theirs, LeadId::from_uuid(Uuid::from_u128(7))] {
        for n in 0..8 {
            let error = change(&acme, n, id).await.unwrap_err();
            let told = (error.kind(), error.to_string());
            assert_eq!(told, (ErrorKind::NotFound, format!("no lead `{id}` in this workspace")));
        }
        assert_eq!(acme.restore_lead(id).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(acme.lead_statuses(id).await.unwrap(), []);
        assert_eq!(acme.lead_owners(id).await.unwrap(), []);
        assert_eq!(acme.lead_notes(id).await.unwrap(), []);
    }
    assert_eq!(before.difference(&in_order(&world, &other).await), None);
}

/// The `n`-th of eight changes of a lead, each legal while it is worked on.
pub(super) async fn change(
    acme: &WorkspaceHandle<'_>,
    n: usize,
    lead: impl Into<RowRef<LeadId>>,
) -> Result<Lead, Error> {
    let at = DateTime::UNIX_EPOCH;
    match n {
        0 => acme.assign_lead(lead, Some("maria".to_owned())).await,
        1 => acme.follow_up(lead, Some(at)).await,
        2 => acme.prioritise(lead, Priority::Urgent).await,
        3 => acme.note(lead, "note").await,
        4 => acme.record_attempt(lead, attempt(Channel::Chat, false, at)).await,
        5 => acme.assign_lead(lead, None).await,
        6 => acme.delete_lead(lead).await,
        _ => acme.move_lead(lead, "lost", Some("no".to_owned())).await,
    }
}

/// Everything that a workspace shows, found to hang together.
pub(super) async fn in_order(world: &World<'_>, acme: &WorkspaceHandle<'_>) -> Snapshot {
    let snapshot = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    check_invariants(&snapshot).unwrap();
    snapshot
}

/// A lead that is there.
pub(super) async fn row(acme: &WorkspaceHandle<'_>, id: LeadId) -> Lead {
    acme.lead(id).await.unwrap().unwrap()
}

/// A contact that is there.
pub(super) async fn contact(acme: &WorkspaceHandle<'_>, id: ContactId) -> Contact {
    acme.contact(ContactRef::Id(id)).await.unwrap().unwrap()
}

/// Ten in the morning of a day soon, in Los Angeles.
pub(super) fn schedule() -> Schedule {
    Schedule::local("2027-03-10T10:00", "America/Los_Angeles").unwrap()
}

async fn ids(acme: &WorkspaceHandle<'_>, filter: &LeadFilter) -> Vec<LeadId> {
    let listed = acme.leads(filter, &PageRequest::first(1_000)).await.unwrap();
    listed.items.iter().map(|lead| lead.id).collect()
}

/// An attempt by a person.
pub(super) fn attempt(channel: Channel, reached: bool, at: DateTime<Utc>) -> ContactAttempt {
    ContactAttempt { channel, reached, automated: false, at }
}

fn invalid(field: &str) -> (ErrorKind, Vec<String>) {
    (ErrorKind::Invalid, vec![format!("{field}/invalid")])
}
