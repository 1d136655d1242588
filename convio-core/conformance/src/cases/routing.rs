use std::sync::Mutex;

use chrono::{DateTime, TimeDelta};
use convio_core::appointment::AppointmentFilter;
use convio_core::event::EventBody;
use convio_core::routing::{
    Cap, Condition, Declined, Draft, How, Period, RoutingRequest, RuleTable, Strategy, TargetSettings, Why,
};
use convio_core::{
    Appointment, AppointmentStatus, Clock, Cube, ErrorKind, LeadId, Measure, NewAppointment, Outcome,
    PageRequest, Party, ReportQuery, Rule, Schedule, StreamRef, Target, Version, WorkspaceHandle,
};
use pollster::block_on;
use serde_json::json;

use super::concurrency::at_once;
use super::lead_work::{in_order, schedule};
use crate::dice::Dice;
use crate::{Subject, World, codes, created, lead, lead_with};

fn among(strategy: Strategy, parts: &[(&str, u32)]) -> Rule {
    let parts = parts.iter().map(|(name, weight)| (Target::person(*name), *weight));
    Rule::among(strategy, parts).named("r").any_product().any_zip()
}

fn to(name: &str) -> Rule {
    Rule::to(Target::person(name)).named(name).any_product().any_zip()
}

async fn some_lead(acme: &WorkspaceHandle<'_>) -> LeadId {
    created(acme.ingest(lead(1)).await).lead
}

async fn book(acme: &WorkspaceHandle<'_>, lead: LeadId) -> Appointment {
    acme.book(lead, schedule()).await.unwrap()
}

fn name(visit: &Appointment) -> &str {
    visit.routing.target.as_ref().map_or("nobody", Target::name)
}

async fn listed(acme: &WorkspaceHandle<'_>) -> Vec<Appointment> {
    acme.appointments(&AppointmentFilter::default(), &PageRequest::first(1_000)).await.unwrap().items
}

pub(crate) async fn turns_are_taken_in_smooth_order(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = some_lead(&acme).await;
    acme.publish_rules([among(Strategy::Rotate, &[("a", 5), ("b", 3), ("c", 2)])]).await.unwrap();
    let other = world.elsewhere(&acme);
    let mut visits = Vec::new();
    for n in 0..20 {
        let visit = book(if n % 3 == 0 { &other } else { &acme }, id).await;
        assert_eq!(visit.staff.as_deref(), Some(name(&visit)));
        assert_eq!(acme.appointment(visit.id).await.unwrap().as_ref(), Some(&visit));
        visits.push(visit);
    }
    let names: String = visits.iter().map(name).collect();
    assert_eq!(names, "abcaabacba".repeat(2));
    // Why the others did not get it, and by which turn, stands in the visit and in its event.
    let third = &visits[2].routing;
    assert_eq!((third.counted.len(), third.counted[0].used, third.counted[0].n), (1, 2, 1));
    assert!(third.passed.iter().all(|passed| passed.why == Why::Turn { turn: 2 }) && third.passed.len() == 2);
    let told = "rule `r` of rules version 1 routes to person `c`; not person `a` of `r`: turn 2 is another's; \
                not person `b` of `r`: turn 2 is another's";
    assert_eq!(third.explain(), told);
    in_order(&world, &acme).await;
}

pub(crate) async fn no_turn_is_served_twice_whoever_books_at_once(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = some_lead(&acme).await;
    acme.publish_rules([among(Strategy::Rotate, &[("a", 5), ("b", 3), ("c", 2)])]).await.unwrap();
    at_once(&world, &acme, 8, |handle, _| {
        for _ in 0..5 {
            block_on(book(handle, id));
        }
    });
    let visits = in_order(&world, &acme).await.appointments;
    let of = |who| visits.iter().filter(|visit| name(visit) == who).count();
    assert_eq!((of("a"), of("b"), of("c")), (20, 12, 8));
    let mut turns: Vec<i64> = visits.iter().map(|visit| visit.routing.counted[0].used).collect();
    turns.sort_unstable();
    assert_eq!(turns, (0..40).collect::<Vec<_>>());
    // The target's totals went where the visits went.
    let rows = acme.report(&ReportQuery::all(Cube::Appointments)).await.unwrap();
    let routed = |who: &str| {
        let dims = Target::person(who).to_string();
        rows.iter().find(|row| row.dims[0] == dims).map(|row| row.get(Measure::Routed))
    };
    assert_eq!((routed("a"), routed("b"), routed("c")), (Some(20), Some(12), Some(8)));
}

pub(crate) async fn a_cap_is_never_overshot_with_declines_and_cancellations_between(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = some_lead(&acme).await;
    let full = |name: &str| TargetSettings::of(Target::person(name)).cap(Cap::count(9, Period::Day));
    let draft = Draft::of([among(Strategy::Rotate, &[("a", 1), ("b", 1)]).cap(Cap::count(15, Period::Week))]);
    acme.publish_rules(draft.target(full("a")).target(full("b"))).await.unwrap();
    let dice = Mutex::new(Dice::of_this_run());
    at_once(&world, &acme, 8, |handle, _| {
        let mut dice = dice.lock().unwrap().fork();
        for _ in 0..6 {
            let visit = block_on(book(handle, id));
            // A race that is lost leaves the visit as it is.
            match dice.below(4) {
                0 => drop(block_on(handle.decline(visit.id, Some("busy".into())))),
                1 => drop(block_on(handle.cancel(visit.id, Party::Customer, None))),
                _ => {}
            }
        }
    });
    let has = |visits: &[Appointment], who: Option<&str>| {
        let of = |visit: &&Appointment| {
            visit.status == AppointmentStatus::Booked
                && visit.routing.target.as_ref().is_some_and(|it| who.is_none_or(|who| it.name() == who))
        };
        visits.iter().filter(of).count()
    };
    let visits = in_order(&world, &acme).await.appointments;
    assert!(has(&visits, Some("a")) <= 9 && has(&visits, Some("b")) <= 9 && has(&visits, None) <= 15);
    // What is left of the caps is given out to the last place, and not beyond.
    for _ in 0..20 {
        book(&acme, id).await;
    }
    let last = book(&acme, id).await.routing;
    let visits = in_order(&world, &acme).await.appointments;
    assert_eq!(has(&visits, None), 15);
    assert_eq!((last.how, last.target.as_ref()), (How::Unrouted, None));
    assert!(last.explain().ends_with("not by `r`: 15 of 15 per week (UTC) are taken"), "{}", last.explain());
}

pub(crate) async fn a_cap_with_a_condition_counts_what_it_holds_for(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let of = async |n, source: &str| created(acme.ingest(lead_with(n, json!({"source": source}))).await).lead;
    let (fax, mail) = (of(1, "Fax").await, of(2, "Mail").await);
    let by_fax = Cap::count(1, Period::Minute).when(Condition::sources(["Fax"]));
    let rule = to("a").cap(Cap::count(4, Period::Minute)).cap(by_fax);
    acme.publish_rules([rule, to("b").priority(1)]).await.unwrap();
    let other = world.elsewhere(&acme);
    let mut names = Vec::new();
    let mut visits = Vec::new();
    for (n, lead) in [fax, mail, fax, mail, fax].into_iter().enumerate() {
        let visit = book(if n % 2 == 0 { &acme } else { &other }, lead).await;
        names.push(name(&visit).to_owned());
        visits.push(visit);
    }
    assert_eq!(names, ["a", "a", "b", "a", "b"]);
    assert!(
        visits[2].routing.explain().contains("1 of 1 per minute (UTC) where its condition holds are taken")
    );
    // What is given back is there for the next one, of its kind.
    acme.cancel(&visits[0], Party::Customer, None).await.unwrap();
    assert_eq!((name(&book(&acme, fax).await), name(&book(&acme, fax).await)), ("a", "b"));
    // The next minute has places of its own.
    world.clock.advance(TimeDelta::minutes(1));
    assert_eq!((name(&book(&acme, fax).await), name(&book(&acme, fax).await)), ("a", "b"));
    in_order(&world, &acme).await;
}

pub(crate) async fn who_is_away_gets_nothing_that_starts_then(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = some_lead(&acme).await;
    let start = schedule().starts_at;
    let away = TargetSettings::of(Target::person("a")).away(start, start + TimeDelta::minutes(30));
    let draft =
        Draft::of([to("a").named("alone").priority(1), among(Strategy::First, &[("a", 1), ("b", 1)])]);
    let reversed = TargetSettings::of(Target::person("a")).away(start, start - TimeDelta::minutes(30));
    let error = acme.publish_rules(draft.clone().target(reversed)).await.unwrap_err();
    assert_eq!((error.kind(), error.reasons()[0].code.as_str()), (ErrorKind::Invalid, "reversed"));
    acme.publish_rules(draft.target(away.clone())).await.unwrap();
    let other = world.elsewhere(&acme);
    let at = async |minutes| {
        let schedule = Schedule::at(start + TimeDelta::minutes(minutes), &schedule().zone);
        other.book(id, schedule).await.unwrap()
    };
    let visits = [at(-1).await, at(0).await, at(29).await, at(30).await];
    assert_eq!(visits.each_ref().map(name), ["a", "b", "b", "a"]);
    let until = start + TimeDelta::minutes(30);
    assert_eq!(visits[1].routing.passed[0].why, Why::Away { until });
    assert!(visits[1].routing.explain().ends_with(&format!(
        "not person `a` of `r`: away until {}",
        until.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
    )));
    // What is moved there stays with whom it was; given back, it goes to who is there.
    let moved = acme.reschedule(&visits[0], schedule(), Party::Customer, None).await.unwrap();
    assert_eq!(name(&moved), "a");
    assert_eq!(name(&acme.decline(&moved, None).await.unwrap()), "b");
    let nobody = acme.decline(&visits[1], None).await.unwrap();
    assert_eq!((name(&nobody), nobody.routing.passed.len()), ("nobody", 3));
    // Where no start is known, it is now that counts.
    let explained =
        async || acme.explain(&RoutingRequest { at: world.clock.now(), ..Default::default() }).await.unwrap();
    assert_eq!(explained().await.target, Some(Target::person("a")));
    // A decision by times alone is made again, like any other.
    let rules = acme.rules_at(Version(1)).await.unwrap().unwrap();
    let table = RuleTable::new(rules);
    let lead = acme.lead(id).await.unwrap().unwrap();
    for visit in &visits {
        let starts_at = Some(visit.schedule.starts_at);
        let request = RoutingRequest { starts_at, ..RoutingRequest::of(&lead, visit.created_at) };
        assert_eq!(table.replay(&request, &visit.routing).as_ref(), Some(&visit.routing));
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn whoever_declines_makes_way_for_the_next(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = some_lead(&acme).await;
    let one = Cap::count(1, Period::Total);
    acme.publish_rules([to("a").cap(one.clone()), to("b").priority(1)]).await.unwrap();
    let visit = book(&acme, id).await;
    assert_eq!((name(&visit), name(&book(&acme, id).await)), ("a", "b"));
    let declined = world.elsewhere(&acme).decline(&visit, Some("too far".into())).await.unwrap();
    assert_eq!((name(&declined), declined.staff.as_deref(), declined.version.0), ("b", Some("b"), 2));
    let reason = Some("too far".to_owned());
    assert_eq!(declined.routing.declined, [Declined { target: Target::person("a"), reason }]);
    assert!(declined.routing.explain().contains("not person `a` of `a`: declined (too far)"));
    // The place that was given back is there for the next one.
    assert_eq!(name(&book(&acme, id).await), "a");
    let nobody = acme.decline(declined.id, None).await.unwrap();
    assert_eq!((nobody.routing.how, name(&nobody), &nobody.staff), (How::Unrouted, "nobody", &None));
    assert_eq!(nobody.routing.declined.len(), 2);
    let error = acme.decline(nobody.id, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(acme.decline(&visit, None).await.unwrap_err().kind(), ErrorKind::Conflict, "as it was seen");
    acme.cancel(nobody.id, Party::Staff, None).await.unwrap();
    let error = acme.decline(nobody.id, None).await.unwrap_err();
    assert_eq!(error.to_string(), "an appointment that is `cancelled` goes to no one");
    let stream = StreamRef::Subject(convio_core::Subject::Appointment(visit.id));
    let events = acme.history(stream, &PageRequest::default()).await.unwrap().items;
    let kinds: Vec<&str> = events.iter().map(|event| event.body.kind()).collect();
    assert_eq!(
        kinds,
        ["appointment.booked", "appointment.routed", "appointment.routed", "appointment.cancelled"]
    );
    in_order(&world, &acme).await;
}

pub(crate) async fn a_ledger_gives_back_what_came_to_nothing(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = some_lead(&acme).await;
    let other = world.elsewhere(&acme);
    acme.publish_rules([among(Strategy::Fair, &[("a", 1), ("b", 1), ("c", 2)])]).await.unwrap();
    let mut visits = Vec::new();
    for n in 0..8 {
        let starts = Schedule::at(world.clock.now() + TimeDelta::hours(1), &schedule().zone);
        visits.push(if n % 2 == 0 { &acme } else { &other }.book(id, starts).await.unwrap());
    }
    assert_eq!(visits.iter().map(name).collect::<String>(), "abccabcc");
    world.clock.advance(TimeDelta::hours(2));
    acme.no_show(visits[0].id, Party::Customer).await.unwrap(); // of a
    acme.cancel(visits[1].id, Party::Customer, None).await.unwrap(); // of b
    acme.complete(visits[2].id, Outcome::NotSold).await.unwrap(); // of c: it took place
    assert_eq!(name(&book(&acme, id).await), "a");
    assert_eq!(name(&book(&other, id).await), "b");
    // All are even again. What a declines goes to b, and a is one behind.
    let declined = book(&acme, id).await;
    assert_eq!(name(&declined), "a");
    assert_eq!(name(&acme.decline(declined.id, None).await.unwrap()), "b");
    assert_eq!(["a", "c", "c"].map(str::to_owned), {
        let mut next = Vec::new();
        for _ in 0..3 {
            next.push(name(&book(&acme, id).await).to_owned());
        }
        <[String; 3]>::try_from(next).unwrap()
    });
    // Whoever is new begins where the others are, in another process too.
    let shares = [("a", 1), ("b", 1), ("c", 2), ("new", 1)];
    other.publish_rules([among(Strategy::Fair, &shares)]).await.unwrap();
    let mut names = Vec::new();
    for _ in 0..5 {
        names.push(name(&book(&acme, id).await).to_owned());
    }
    assert_eq!(names, ["a", "b", "c", "new", "c"]);
    // A month later all begin anew.
    world.clock.advance(TimeDelta::days(31));
    assert_eq!(name(&book(&acme, id).await), "a");
    in_order(&world, &acme).await;
}

pub(crate) async fn whoever_pays_most_gets_it(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = some_lead(&acme).await;
    let bid = |name: &str, price: &str| (Target::team(name), price.parse().unwrap());
    let rule = Rule::bids([bid("low", "40 USD"), bid("high", "45 USD")]).any_product().any_zip();
    let most = Cap::count(1, Period::Day);
    acme.publish_rules(Draft::of([rule]).target(TargetSettings::of(Target::team("high")).cap(most)))
        .await
        .unwrap();
    let (first, second) = (book(&acme, id).await, book(&acme, id).await);
    let paid = |visit: &Appointment| visit.routing.price.map(|price| price.to_string());
    assert_eq!((name(&first), paid(&first)), ("high", Some("45.00 USD".to_owned())));
    assert_eq!((name(&second), paid(&second)), ("low", Some("40.00 USD".to_owned())));
    assert_eq!(acme.appointment(second.id).await.unwrap(), Some(second));
    in_order(&world, &acme).await;
}

pub(crate) async fn who_waits_is_routed_in_order_of_arrival(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = some_lead(&acme).await;
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(book(&acme, id).await.id);
    }
    acme.cancel(waiting.remove(1), Party::Customer, None).await.unwrap();
    let drain = async || {
        let page = acme.route_waiting(&PageRequest::default()).await.unwrap();
        assert_eq!(page.next, None);
        page.items.into_iter().map(|visit| (visit.id, name(&visit).to_owned())).collect::<Vec<_>>()
    };
    let expect = |ids: &[_], name: &str| ids.iter().map(|id| (*id, name.to_owned())).collect::<Vec<_>>();
    assert_eq!(drain().await, []);
    let versions = async || listed(&acme).await.iter().map(|visit| visit.version.0).collect::<Vec<_>>();
    assert_eq!(versions().await, [1, 2, 1, 1, 1], "asked in vain, a visit stays as it is");
    let error = acme.route(waiting[0]).await.unwrap_err();
    assert_eq!(error.to_string(), "no rule of rules version 0 matches: unrouted");
    // A rule appears, with room for two; then one of them is cancelled; then there is room for all.
    let two = Cap::count(2, Period::Day);
    acme.publish_rules([to("a").cap(two)]).await.unwrap();
    assert_eq!(drain().await, expect(&waiting[..2], "a"));
    assert_eq!(drain().await, []);
    let error = acme.route(waiting[2]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("2 of 2 per day (UTC) are taken"), "{error}");
    acme.cancel(waiting[0], Party::Customer, None).await.unwrap();
    assert_eq!(drain().await, expect(&waiting[2..3], "a"));
    acme.publish_rules([to("b")]).await.unwrap();
    assert_eq!(drain().await, expect(&waiting[3..], "b"));
    let error = acme.route(waiting[3]).await.unwrap_err();
    assert_eq!(error.to_string(), "the appointment is routed already, to person `b`");
    in_order(&world, &acme).await;
}

pub(crate) async fn what_ends_or_moves_gives_back_what_it_took(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = some_lead(&acme).await;
    acme.publish_rules([to("a").cap(Cap::count(1, Period::Total)), to("rest").priority(1)]).await.unwrap();
    let next = async || name(&book(&acme, id).await).to_owned();
    let visit = book(&acme, id).await;
    // Moved to another time, it is the same one for the cap.
    let moved = acme.reschedule(&visit, schedule().minutes(30), Party::Customer, None).await.unwrap();
    assert_eq!((name(&moved), next().await.as_str()), ("a", "rest"));
    acme.cancel(&moved, Party::Customer, None).await.unwrap();
    let visit = book(&acme, id).await;
    assert_eq!((name(&visit), next().await.as_str()), ("a", "rest"));
    // Given to someone else by hand it is theirs no more; done or missed it was theirs.
    acme.assign(&visit, Target::team("west"), None).await.unwrap();
    let visit = book(&acme, id).await;
    assert_eq!((name(&visit), next().await.as_str()), ("a", "rest"));
    acme.complete(&visit, Outcome::NotSold).await.unwrap();
    assert_eq!(next().await, "rest");
    // Who goes by what is open counts every end.
    let other = created(acme.ingest(lead(2)).await).lead;
    acme.publish_rules([among(Strategy::LeastLoaded, &[("x", 1), ("y", 1)])]).await.unwrap();
    let next = async || book(&acme, other).await;
    let (first, second) = (next().await, next().await);
    assert_eq!((name(&first), name(&second)), ("x", "y"));
    acme.complete(&second, Outcome::Undecided).await.unwrap();
    assert_eq!(name(&next().await), "y");
    acme.cancel(&first, Party::Staff, None).await.unwrap();
    assert_eq!((name(&next().await), name(&next().await)), ("x", "x"));
    in_order(&world, &acme).await;
}

pub(crate) async fn a_visit_that_comes_with_its_lead_takes_its_turn(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let rule = among(Strategy::Rotate, &[("a", 1), ("b", 1)]).cap(Cap::count(3, Period::Total));
    acme.publish_rules([rule]).await.unwrap();
    let mut names = Vec::new();
    for n in 0..4 {
        let received = acme.receive(lead_with(n, json!({"zip": "90210"})), schedule()).await.unwrap();
        let visit = received.appointment.unwrap();
        assert_eq!(acme.appointment(visit.id).await.unwrap().as_ref(), Some(&visit));
        names.push(name(&visit).to_owned());
    }
    assert_eq!(names, ["a", "b", "a", "nobody"]);
    in_order(&world, &acme).await;
}

pub(crate) async fn the_area_code_is_that_of_the_persons_phone(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let of = |name: &str, code: &str| to(name).when(Condition::area_codes([code]));
    let rules = [of("east", "212"), of("west", "213")];
    acme.publish_rules(rules.clone()).await.unwrap();
    let mut leads = Vec::new();
    for (n, who) in [(1, "east"), (7_000_001, "west"), (14_000_001, "nobody")] {
        let received = acme.receive(lead(n), schedule()).await.unwrap();
        assert_eq!(name(&received.appointment.unwrap()), who);
        let id = created(acme.ingest(lead(n + 1)).await).lead;
        assert_eq!(name(&book(&acme, id).await), who);
        leads.push(id);
    }
    let abroad = json!({"phone": "+442079460018"});
    leads.push(created(acme.ingest(lead_with(9, abroad)).await).lead);
    assert_eq!(name(&book(&acme, leads[3]).await), "nobody");
    let told = acme.simulate(rules, &leads, world.clock.now()).await.unwrap();
    let told: Vec<_> = told.iter().map(|it| it.target.as_ref().map(Target::name)).collect();
    assert_eq!(told, [Some("east"), Some("west"), None, None]);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_decision_is_made_again_from_what_it_noted(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let solar = json!({"product": "Solar", "zip": "90210", "source": "Google", "roof": "tile"});
    let id = created(acme.ingest(lead_with(1, solar)).await).lead;
    let money = |text: &str| text.parse().unwrap();
    let west = among(Strategy::Rotate, &[("a", 2), ("b", 1)])
        .products(["solar"])
        .zips(["902*"])
        .cap(Cap::money(money("100 USD"), Period::Month));
    let rest = among(Strategy::LeastLoaded, &[("c", 1), ("d", 1)]).named("rest").priority(1);
    acme.publish_rules([west, rest]).await.unwrap();
    let mut visits = Vec::new();
    for value in ["30 USD", "80 USD", "70 USD", "1 USD"] {
        visits.push(acme.book(id, NewAppointment::at(schedule()).worth(money(value))).await.unwrap().id);
    }
    acme.decline(visits[0], None).await.unwrap();
    acme.publish_rules([to("later")]).await.unwrap();
    // Long after: the lead, the rules of that time, and the events.
    let snapshot = in_order(&world, &acme).await;
    let lead = &snapshot.leads[0];
    let mut names = Vec::new();
    for event in &snapshot.feed {
        let Some(decision) = event.body.routing() else { continue };
        let rules = acme.rules_at(decision.rules_version).await.unwrap().unwrap();
        let request = RoutingRequest {
            value: decision.value,
            starts_at: Some(schedule().starts_at),
            ..RoutingRequest::of(lead, event.at)
        };
        assert_eq!(RuleTable::new(rules).replay(&request, decision).as_ref(), Some(decision));
        assert!(matches!(event.body, EventBody::AppointmentBooked(_) | EventBody::AppointmentRouted { .. }));
        names.push(decision.target.as_ref().unwrap().name());
    }
    assert_eq!(names, ["a", "c", "b", "d", "b"]);
}

pub(crate) async fn a_publication_takes_effect_when_it_says(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = some_lead(&acme).await;
    let other = world.elsewhere(&acme);
    acme.publish_rules([to("a")]).await.unwrap();
    let soon = world.clock.now() + TimeDelta::hours(2);
    let published = acme.publish_rules(Draft::of([to("b")]).effective(soon)).await.unwrap();
    assert_eq!((published.version.0, published.effective_from), (2, Some(soon)));
    assert_eq!(published.until_then.as_ref().map(|rules| rules.version.0), Some(1));
    // Until then the first ones are in force, in every process; at that moment the others, without another word.
    let in_force = async || {
        let visits = [book(&acme, id).await, book(&other, id).await];
        let names = visits.each_ref().map(|visit| name(visit).to_owned());
        assert_eq!(names[0], names[1]);
        let version = visits[0].routing.rules_version;
        assert_eq!(other.rules().await.unwrap().version, version);
        let explained = acme.explain(&RoutingRequest::default()).await.unwrap();
        assert_eq!((explained.rules_version, explained.target), (version, visits[1].routing.target.clone()));
        (names[0].clone(), version.0)
    };
    assert_eq!(in_force().await, ("a".to_owned(), 1));
    world.clock.advance(TimeDelta::hours(2) - TimeDelta::microseconds(1));
    assert_eq!(in_force().await, ("a".to_owned(), 1));
    world.clock.advance(TimeDelta::microseconds(1));
    assert_eq!(in_force().await, ("b".to_owned(), 2));
    // What was to come and is replaced before never is in force.
    let later = world.clock.now() + TimeDelta::days(1);
    acme.publish_rules(Draft::of([to("c")]).effective(later)).await.unwrap();
    let again = acme.publish_rules(Draft::of([to("d")]).effective(later)).await.unwrap();
    assert_eq!(again.until_then.as_ref().map(|rules| rules.version.0), Some(2));
    assert_eq!(in_force().await, ("b".to_owned(), 2));
    world.clock.advance(TimeDelta::days(1));
    assert_eq!(in_force().await, ("d".to_owned(), 4));
    // A time that has passed is now.
    let past = acme.publish_rules(Draft::of([to("e")]).effective(soon)).await.unwrap();
    assert_eq!((past.effective_from, past.until_then), (None, None));
    assert_eq!(in_force().await, ("e".to_owned(), 5));
    in_order(&world, &acme).await;
}

pub(crate) async fn rules_are_rolled_back_to_an_earlier_publication(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = some_lead(&acme).await;
    let capped = TargetSettings::of(Target::person("a")).cap(Cap::count(2, Period::Day));
    acme.publish_rules(Draft::of([to("a")]).target(capped)).await.unwrap();
    assert_eq!(name(&book(&acme, id).await), "a");
    acme.publish_rules([to("b")]).await.unwrap();
    assert_eq!(name(&book(&acme, id).await), "b");
    let back = world.elsewhere(&acme).roll_back_rules(Version(1)).await.unwrap();
    assert_eq!((back.version, back.copy_of), (Version(3), Some(Version(1))));
    let first = acme.rules_at(Version(1)).await.unwrap().unwrap();
    assert_eq!((&back.rules, &back.targets), (&first.rules, &first.targets));
    // One that asks to be sound and is not is refused with every finding.
    let draft = Draft::of([to("all"), to("never").priority(1), to("nor").zips(["90210"]).priority(2)]);
    let error = acme.publish_rules(draft.clone().sound()).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["rules/unreachable", "rules/unreachable"]);
    // What its caps counted meanwhile they still know.
    assert_eq!((name(&book(&acme, id).await), name(&book(&acme, id).await)), ("a", "nobody"));
    let error = acme.roll_back_rules(Version(9)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    in_order(&world, &acme).await;
}

pub(crate) async fn what_rules_would_do_is_told_and_leaves_no_trace(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut leads = Vec::new();
    for n in 0..4 {
        let zip = if n == 3 { "10001" } else { "90210" };
        leads.push(created(acme.ingest(lead_with(n, json!({"zip": zip, "product": "Solar"}))).await).lead);
    }
    let west = || to("west").products(["Solar"]).zips(["902*"]).cap(Cap::count(2, Period::Total));
    acme.publish_rules([west()]).await.unwrap();
    let first = book(&acme, leads[0]).await;
    let before = in_order(&world, &acme).await;
    let told = async |leads: &[LeadId]| {
        let draft = [west(), to("rest").priority(1)];
        let told = world.elsewhere(&acme).simulate(draft, leads, world.clock.now()).await.unwrap();
        told.into_iter().map(|it| it.target.unwrap().name().to_owned()).collect::<Vec<_>>()
    };
    // One place was taken, one is left.
    assert_eq!(told(&leads[1..]).await, ["west", "rest", "rest"]);
    assert_eq!(told(&leads[1..2]).await, ["west"]);
    let request = RoutingRequest::of(&before.leads[1], world.clock.now());
    assert_eq!(acme.explain(&request).await.unwrap().counted[0].used, 1);
    let empty = acme.simulate([to("a").products([""])], &leads, world.clock.now()).await.unwrap_err();
    assert_eq!(codes(empty.reasons()), ["products/empty"]);
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
    // What was booked, beside what other rules would have made of it.
    world.clock.advance(TimeDelta::minutes(1));
    let since = world.clock.now();
    let second = book(&acme, leads[1]).await;
    let third = book(&acme, leads[2]).await;
    let far = book(&acme, leads[3]).await;
    let direct = NewAppointment::at(schedule()).direct(Target::team("x"));
    acme.book(leads[3], direct).await.unwrap();
    let one = async |draft: Draft, since| {
        let replay = acme.replay_rules(draft, since).await.unwrap();
        let to = |it: &convio_core::service::Rerouted| {
            (it.appointment, it.was.is_some(), it.would.target.as_ref().map(|to| to.name().to_owned()))
        };
        (replay.decided, replay.changed.iter().map(to).collect::<Vec<_>>(), replay.more)
    };
    let all = DateTime::UNIX_EPOCH;
    let same = Draft::of([west()]);
    assert_eq!(one(same.clone(), all).await, (4, vec![], false));
    // Asked since a moment, nothing was counted before it.
    let expected = vec![(third.id, false, Some("west".to_owned()))];
    assert_eq!(one(same, since).await, (3, expected, false));
    let rest = Draft::of([west(), to("rest").priority(1)]);
    let rest_of = |ids: &[_]| ids.iter().map(|id| (*id, false, Some("rest".to_owned()))).collect::<Vec<_>>();
    assert_eq!(one(rest, all).await, (4, rest_of(&[third.id, far.id]), false));
    let nobody = Draft::of([to("east").zips(["1*"])]);
    let expected =
        vec![(first.id, true, None), (second.id, true, None), (far.id, false, Some("east".to_owned()))];
    assert_eq!(one(nobody, all).await, (4, expected, false));
    // One that was cancelled gives back its place when it was, so that a later one has it.
    world.clock.advance(TimeDelta::minutes(1));
    acme.cancel(&first, Party::Customer, None).await.unwrap();
    world.clock.advance(TimeDelta::minutes(1));
    let fourth = book(&acme, leads[0]).await;
    assert_eq!(name(&fourth), "west");
    assert_eq!(one(Draft::of([west()]), all).await, (5, vec![], false));
}
