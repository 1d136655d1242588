use chrono::TimeDelta;
use convio_core::NewAppointment;
use convio_core::routing::{Cap, Draft, Period, Strategy, TargetSettings};
use convio_core::store::OWNER_ROWS_MAX;
use convio_core::{
    Appointment, Clock, ContactOf, KnownOwner, LeadId, Need, Needs, NewWorkspace, Outcome, Party, Rule,
    Target, WorkspaceHandle,
};
use serde_json::json;

use super::lead_work::{in_order, schedule};
use crate::{Subject, World, created, lead, lead_with, linked, phone, taken};

pub(crate) async fn a_known_contact_goes_to_its_owner(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = acme(&world).await;
    let first = created(acme.ingest(lead(1)).await);
    acme.assign_lead(first.lead, Some("c".to_owned())).await.unwrap();
    // The same number in another writing is the same contact.
    let digits = &phone(1)[2..];
    let written = format!("+1 ({}) {}-{}", &digits[..3], &digits[3..6], &digits[6..]);
    let again = linked(acme.ingest(lead_with(1, json!({"phone": written}))).await);
    assert_eq!(again.contact, first.contact);
    let visit = world.elsewhere(&acme).book(again.lead, schedule()).await.unwrap();
    assert_eq!((name(&visit), visit.staff.as_deref()), ("c", Some("c")));
    assert!(visit.routing.explain().contains("not person `a` of `r`: the owner goes before"));
    // The owner of the newest lead counts, and the lead's own owner before all.
    let third = linked(acme.ingest(lead(1)).await).lead;
    acme.assign_lead(third, Some("b".to_owned())).await.unwrap();
    assert_eq!(booked(&acme, again.lead).await, "b");
    assert_eq!(booked(&acme, first.lead).await, "c");
    acme.assign_lead(third, None).await.unwrap();
    assert_eq!(booked(&acme, third).await, "c");
    // Of anyone else nothing is known: neither of another contact, nor of this one in another workspace.
    let stranger = created(acme.ingest(lead(2)).await).lead;
    assert_eq!(booked(&acme, stranger).await, "a");
    let other = world.convio().create_workspace(NewWorkspace::named("Other")).await.unwrap();
    other.publish_rules([rule()]).await.unwrap();
    let theirs = created(other.ingest(lead(1)).await).lead;
    assert_eq!(booked(&other, theirs).await, "a");
    let kept = Some(KnownOwner::OfAppointment("a".to_owned()));
    assert_eq!(owner(&world, &other, ContactOf::Lead(theirs)).await, kept);
    assert_eq!(owner(&world, &other, ContactOf::Lead(again.lead)).await, None);
    // A rule that is not sticky goes by its turns.
    acme.publish_rules([Rule { sticky: false, ..rule() }]).await.unwrap();
    assert_eq!(booked(&acme, again.lead).await, "b");
    in_order(&world, &acme).await;
}

pub(crate) async fn who_kept_the_newest_visit_is_responsible(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = acme(&world).await;
    let first = created(acme.ingest(lead(1)).await).lead;
    assert_eq!(booked(&acme, first).await, "a");
    // Whoever got another contact's in between.
    let stranger = created(acme.ingest(lead(2)).await).lead;
    assert_eq!(booked(&acme, stranger).await, "b");
    let second = linked(acme.ingest(lead(1)).await).lead;
    assert_eq!(booked(&acme, second).await, "a");
    // Booked directly or assigned by hand, what counts is who keeps it.
    acme.book(second, direct(Target::team("west")).staff("c")).await.unwrap();
    let kept = acme.book(first, schedule()).await.unwrap();
    assert_eq!(name(&kept), "c");
    acme.assign(&kept, Target::person("b"), None).await.unwrap();
    assert_eq!(booked(&acme, second).await, "b");
    acme.book(first, direct(Target::team("west"))).await.unwrap();
    assert_eq!(booked(&acme, first).await, "b", "nobody keeps the newest");
    // One that was called off or held tells who knows the contact, and one that was moved tells nothing.
    let visit = acme.book(first, direct(Target::person("c"))).await.unwrap();
    acme.cancel(&visit, Party::Staff, None).await.unwrap();
    assert_eq!(booked(&acme, second).await, "c");
    let visit = acme.book(first, direct(Target::person("b"))).await.unwrap();
    acme.complete(&visit, Outcome::NotSold).await.unwrap();
    assert_eq!(booked(&acme, second).await, "b");
    let visit = acme.book(first, direct(Target::person("c"))).await.unwrap();
    let moved = acme.reschedule(&visit, schedule(), Party::Customer, None).await.unwrap();
    acme.assign(&moved, Target::team("west"), None).await.unwrap();
    assert_eq!(booked(&acme, second).await, "b");
    in_order(&world, &acme).await;
}

pub(crate) async fn an_owner_who_is_out_full_or_declined_makes_way(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = acme(&world).await;
    let first = created(acme.ingest(lead(1)).await).lead;
    acme.assign_lead(first, Some("b".to_owned())).await.unwrap();
    let id = linked(acme.ingest(lead(1)).await).lead;
    let visit = acme.book(id, schedule()).await.unwrap();
    assert_eq!(name(&visit), "b");
    assert_eq!(name(&world.elsewhere(&acme).decline(&visit, None).await.unwrap()), "a");
    let b = || TargetSettings::of(Target::person("b"));
    let full = b().cap(Cap::count(1, Period::Day));
    acme.publish_rules(Draft::of([rule()]).target(full)).await.unwrap();
    assert_eq!((booked(&acme, id).await, booked(&acme, id).await), ("b".to_owned(), "c".to_owned()));
    acme.publish_rules(Draft::of([rule()]).target(b().inactive())).await.unwrap();
    assert_eq!(booked(&acme, id).await, "a");
    acme.assign_lead(first, Some("of no rule".to_owned())).await.unwrap();
    assert_eq!(booked(&acme, id).await, "c");
    in_order(&world, &acme).await;
}

pub(crate) async fn tests_and_deleted_leads_make_nobody_responsible(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = acme(&world).await;
    let c = || Some("c".to_owned());
    let test = created(acme.ingest(lead(1).test()).await).lead;
    acme.assign_lead(test, c()).await.unwrap();
    let real = linked(acme.ingest(lead(1)).await).lead;
    assert_eq!(booked(&acme, real).await, "a");
    // A test goes where the contact's own would go.
    let test = linked(acme.ingest(lead(1).test()).await).lead;
    assert_eq!(booked(&acme, test).await, "a");
    let deleted = created(acme.ingest(lead(2)).await).lead;
    acme.assign_lead(deleted, c()).await.unwrap();
    acme.delete_lead(deleted).await.unwrap();
    let real = linked(acme.ingest(lead(2)).await).lead;
    assert_eq!(booked(&acme, real).await, "b");
    let test = created(acme.ingest(lead(3).test()).await).lead;
    acme.book(test, direct(Target::person("a"))).await.unwrap();
    let real = linked(acme.ingest(lead(3)).await).lead;
    assert_eq!(booked(&acme, real).await, "c");
    let deleted = created(acme.ingest(lead(4)).await).lead;
    let visit = acme.book(deleted, direct(Target::person("b"))).await.unwrap();
    acme.cancel(&visit, Party::Customer, None).await.unwrap();
    acme.delete_lead(deleted).await.unwrap();
    let real = linked(acme.ingest(lead(4)).await).lead;
    let visit = acme.book(real, schedule()).await.unwrap();
    assert_eq!(name(&visit), "a");
    acme.restore_lead(deleted).await.unwrap();
    assert_eq!(name(&acme.decline(&visit, None).await.unwrap()), "b");
    in_order(&world, &acme).await;
}

pub(crate) async fn the_newest_rows_are_looked_at_and_no_more(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = acme(&world).await;
    let first = created(acme.ingest(lead(1)).await).lead;
    acme.assign_lead(first, Some("c".to_owned())).await.unwrap();
    let mut newest = first;
    for _ in 1..OWNER_ROWS_MAX {
        newest = linked(acme.ingest(lead(1)).await).lead;
    }
    let of_lead = Some(KnownOwner::OfLead("c".to_owned()));
    assert_eq!(owner(&world, &acme, ContactOf::Lead(newest)).await, of_lead);
    newest = linked(acme.ingest(lead(1)).await).lead;
    assert_eq!(owner(&world, &acme, ContactOf::Lead(newest)).await, None);
    // It is told by itself, and nobody else is asked for then.
    assert_eq!(owner(&world, &acme, ContactOf::Lead(first)).await, None);
    let kept = acme.book(newest, direct(Target::person("b"))).await.unwrap();
    for _ in 1..OWNER_ROWS_MAX {
        acme.book(newest, direct(Target::team("west"))).await.unwrap();
    }
    let of_visit = Some(KnownOwner::OfAppointment("b".to_owned()));
    assert_eq!(owner(&world, &acme, ContactOf::Lead(newest)).await, of_visit);
    let visit = acme.book(newest, direct(Target::team("west"))).await.unwrap();
    assert_eq!(owner(&world, &acme, ContactOf::Lead(newest)).await, None);
    assert_eq!(
        owner(&world, &acme, ContactOf::Appointment(visit.id)).await,
        of_visit,
        "it is not one of them"
    );
    assert_eq!(owner(&world, &acme, ContactOf::Appointment(kept.id)).await, None);
    in_order(&world, &acme).await;
}

pub(crate) async fn what_is_asked_again_or_simulated_knows_the_owner(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let first = created(acme.ingest(lead(1)).await).lead;
    acme.assign_lead(first, Some("c".to_owned())).await.unwrap();
    let again = linked(acme.ingest(lead(1)).await).lead;
    let waiting = acme.book(again, schedule()).await.unwrap();
    assert_eq!(name(&waiting), "nobody");
    acme.publish_rules([rule()]).await.unwrap();
    assert_eq!(name(&world.elsewhere(&acme).route(&waiting).await.unwrap()), "c");
    // What comes in with its lead is routed before it is known whose it is; then it is known.
    let came = acme.receive(lead(1), schedule()).await.unwrap().appointment.unwrap();
    assert_eq!(name(&came), "a");
    assert_eq!(name(&acme.decline(&came, None).await.unwrap()), "c");
    let stranger = created(acme.ingest(lead(2)).await).lead;
    let same = linked(acme.ingest(lead(2)).await).lead;
    let kept = created(acme.ingest(lead(3)).await).lead;
    acme.book(kept, direct(Target::person("a"))).await.unwrap();
    let before = in_order(&world, &acme).await;
    let leads = [again, stranger, same, kept];
    let told = acme.simulate([rule()], &leads, world.clock.now()).await.unwrap();
    let told: Vec<_> = told.iter().map(|it| it.target.as_ref().map(Target::name)).collect();
    assert_eq!(told, [Some("c"), Some("b"), Some("b"), Some("a")]);
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    for (lead, told) in leads.into_iter().zip(told) {
        assert_eq!(Some(booked(&acme, lead).await.as_str()), told);
    }
    // Booked again by the same rules, everything goes where it went.
    world.clock.advance(TimeDelta::minutes(1));
    let since = world.clock.now();
    let mut visits = Vec::new();
    for n in [4, 4, 5] {
        let id = taken(acme.ingest(lead(n)).await).lead;
        visits.push(acme.book(id, schedule()).await.unwrap());
        world.clock.advance(TimeDelta::minutes(1));
    }
    let names: Vec<&str> = visits.iter().map(name).collect();
    assert_eq!(names, ["c", "c", "a"]);
    let replayed = async |rule: Rule| {
        let replay = acme.replay_rules([rule], since).await.unwrap();
        assert_eq!(replay.decided, 3);
        let to = |it: &convio_core::service::Rerouted| {
            (it.appointment, it.would.target.as_ref().map(|to| to.name().to_owned()))
        };
        replay.changed.iter().map(to).collect::<Vec<_>>()
    };
    let to = |n: usize, name: &str| (visits[n].id, Some(name.to_owned()));
    // Its turns begin anew.
    assert_eq!(replayed(rule()).await, [to(0, "a"), to(1, "a"), to(2, "b")]);
    let turns = Rule { sticky: false, ..rule() };
    assert_eq!(replayed(turns).await, [to(0, "a"), to(1, "b"), to(2, "c")]);
    in_order(&world, &acme).await;
}

async fn acme(world: &World<'_>) -> WorkspaceHandle<'static> {
    let acme = world.acme().await;
    acme.publish_rules([rule()]).await.unwrap();
    acme
}

fn rule() -> Rule {
    let parts = ["a", "b", "c"].map(|name| (Target::person(name), 1));
    Rule::among(Strategy::Rotate, parts).named("r").any_product().any_zip().sticky()
}

fn direct(target: Target) -> NewAppointment {
    NewAppointment::at(schedule()).direct(target)
}

async fn booked(acme: &WorkspaceHandle<'_>, lead: LeadId) -> String {
    name(&acme.book(lead, schedule()).await.unwrap()).to_owned()
}

fn name(visit: &Appointment) -> &str {
    visit.routing.target.as_ref().map_or("nobody", Target::name)
}

async fn owner(world: &World<'_>, acme: &WorkspaceHandle<'_>, of: ContactOf) -> Option<KnownOwner> {
    let loaded = world.store().load(&Needs::of(acme.id(), [Need::Owner(of)])).await.unwrap();
    loaded.owner(of).cloned()
}
