//! Two processes on one database.
//!
//! The second process is this binary again, started for its ignored test `second_process`; here there are two of them,
//! and the tests themselves only look at what they did.

#[path = "support/audit.rs"]
mod audit;
mod support;

use std::sync::Arc;

use audit::broken_laws;
use convio_conformance::bookers;
use convio_conformance::dice::Dice;
use convio_conformance::process::{Process, hear, order, say};
use convio_core::clock::FixedClock;
use convio_core::contact::{ContactFilter, ContactRef};
use convio_core::lead::LeadFilter;
use convio_core::service::RandomIds;
use convio_core::{
    Actor, Contact, Convio, DedupScope, Error, ErrorKind, Ingested, Lead, NewWebhook, NewWorkspace,
    PageRequest, Position, RawLead, Region, StreamRef, WorkspaceHandle, WorkspaceId,
};
use convio_store_postgres::{Options, PgStore};
use support::{Place, pool, run};
use tokio::sync::Barrier;

#[test]
fn six_spellings_of_a_new_number_are_one_contact_of_the_workspace() {
    let place = Place::new();
    let mut pair = Pair::start("spellings", &place.schema);
    for round in 0..ROUNDS {
        let acme = workspace(&place, DedupScope::Workspace, None);
        let answers = pair.ingest(acme.id(), round);
        let (contacts, leads) = stored(&acme);
        let contact = only(&contacts);
        assert_eq!(contact.leads, 64);
        assert_eq!(contact.version.0, 64);
        assert_eq!(contact.person.phone.as_ref().unwrap().phone.e164(), e164(round));
        check_answers(&answers, &contacts, &leads);
        check_events(&acme, &contacts, leads.len());
    }
    pair.finish();
    assert_eq!(laws(&place), [""; 0]);
}

#[test]
fn six_spellings_of_a_new_number_are_one_contact_per_webhook_where_webhooks_are_apart() {
    let place = Place::new();
    let mut pair = Pair::start("spellings", &place.schema);
    for round in 0..ROUNDS {
        let acme = workspace(&place, DedupScope::Webhook, None);
        let answers = pair.ingest(acme.id(), round);
        let (contacts, leads) = stored(&acme);
        assert_eq!(contacts.iter().map(|contact| contact.leads).collect::<Vec<_>>(), [32, 32]);
        for contact in &contacts {
            let own = leads.iter().filter(|lead| lead.contact == contact.id);
            let mut webhooks: Vec<_> = own.map(|lead| lead.webhook).collect();
            webhooks.dedup();
            assert_eq!(webhooks.len(), 1, "a contact has leads of one webhook only");
        }
        check_answers(&answers, &contacts, &leads);
        check_events(&acme, &contacts, leads.len());
    }
    pair.finish();
}

#[test]
fn one_key_posted_64_times_is_one_lead_and_63_replays_of_it() {
    let place = Place::new();
    let mut pair = Pair::start("same_call", &place.schema);
    for round in 0..ROUNDS {
        let acme = workspace(&place, DedupScope::Workspace, None);
        let mut answers = pair.ingest(acme.id(), round);
        let (contacts, leads) = stored(&acme);
        let (contact, lead) = (only(&contacts), only(&leads));
        let told = format!("{} {} {}", lead.id, contact.id, contact.number);
        let mut wanted = vec![format!("replayed {told}"); 63];
        wanted.insert(0, format!("created {told}"));
        answers.sort();
        assert_eq!(answers, wanted);
        check_events(&acme, &contacts, leads.len());
    }
    pair.finish();
    assert_eq!(laws(&place), [""; 0]);
}

#[test]
fn of_64_leads_in_an_hour_a_webhook_takes_exactly_as_many_as_its_limit_says() {
    let place = Place::new();
    let mut pair = Pair::start("limit", &place.schema);
    for round in 0..ROUNDS {
        let acme = workspace(&place, DedupScope::Workspace, Some(LIMIT));
        let mut answers = pair.ingest(acme.id(), round);
        answers.retain(|answer| answer != "overloaded");
        let (contacts, leads) = stored(&acme);
        assert_eq!((answers.len(), leads.len()), (LIMIT as usize, LIMIT as usize), "{answers:?}");
        for lead in &leads {
            assert_eq!(answers.iter().filter(|answer| answer.contains(&lead.id.to_string())).count(), 1);
        }
        check_events(&acme, &contacts, leads.len());
        let used = "SELECT sum(used)::int8 FROM {s}.counter WHERE workspace_id = ";
        assert_eq!(run(place.count(&format!("{used}'{}'", acme.id()))), i64::from(LIMIT));
    }
    pair.finish();
    assert_eq!(laws(&place), [""; 0]);
}

#[test]
fn thirty_two_bookers_take_exactly_what_the_caps_allow() {
    let place = Place::new();
    let mut pair = Pair::start("book", &place.schema);
    let acme = workspace(&place, DedupScope::Workspace, None);
    run(acme.publish_rules(bookers::rules())).unwrap();
    let booked = pair.both(&acme.id().to_string(), BOOKERS);
    assert_eq!(booked, vec![BOOKINGS.to_string(); 2 * BOOKERS]);
    pair.finish();
    let store = PgStore::with(pool(), options(&place.schema));
    run(bookers::check(&store, &acme));
}

#[test]
fn of_a_hundred_who_want_one_time_as_many_get_it_as_there_is_room() {
    let place = Place::new();
    let mut pair = Pair::start("crew", &place.schema);
    let mut retries = 0;
    for _ in 0..ROUNDS {
        let acme = workspace(&place, DedupScope::Workspace, None);
        let lead = run(bookers::set_up_crew(&acme));
        let mut answers = pair.both(&format!("{} {lead}", acme.id()), WANTING + 1);
        answers.retain(|answer| match answer.strip_prefix("retries ") {
            Some(n) => {
                retries += n.parse::<u64>().unwrap();
                false
            }
            None => true,
        });
        let store = PgStore::with(pool(), options(&place.schema));
        run(bookers::check_crew(&store, &acme, &answers));
    }
    pair.finish();
    // Two processes that write to one workspace meet now and then, and none of it is lost.
    assert!(retries > 0);
}

#[test]
fn two_processes_migrate_a_new_schema_at_once() {
    let mut pair = Pair::start("migrate", "");
    for round in 0..ROUNDS {
        let place = Place::empty();
        let answers = pair.both(&format!("{} {round}", place.schema), 1);
        assert_eq!(answers, ["created", "created"], "round {round}");
        assert_eq!(run(place.count("SELECT count(*) FROM {s}.lead")), 2);
        assert_eq!(
            run(place.count("SELECT count(*) FROM {s}.convio_migration")),
            i64::try_from(convio_store_postgres::MIGRATIONS.len()).unwrap()
        );
        assert_eq!(laws(&place), [""; 0]);
    }
    pair.finish();
}

/// The second process; the first one says which.
#[test]
#[ignore = "the tests of this file start it"]
fn second_process() {
    let Some(order) = order() else { return };
    let [what, half, schema] = order.as_slice() else { panic!("an order is three words") };
    run(async {
        match what.as_str() {
            "migrate" => migrate_schemas().await,
            "book" => book(half, schema).await,
            "crew" => want_crew(schema).await,
            what => ingest_rounds(what, half, schema).await,
        }
    });
}

/// Two processes that do the same at the same time.
struct Pair([Process; 2]);

impl Pair {
    fn start(what: &str, schema: &str) -> Self {
        let pair = Self(["one", "two"].map(|half| Process::start(&[what, half, schema])));
        for process in &pair.0 {
            assert_eq!(process.line(), "ready");
        }
        pair
    }

    /// Sets off both, and hears what all tasks of both were answered.
    fn ingest(&mut self, workspace: WorkspaceId, round: usize) -> Vec<String> {
        self.both(&format!("{workspace} {round}"), TASKS)
    }

    fn both(&mut self, go: &str, lines: usize) -> Vec<String> {
        for process in &mut self.0 {
            process.tell(go);
        }
        self.0.iter().flat_map(|process| (0..lines).map(|_| process.line())).collect()
    }

    fn finish(self) {
        for process in self.0 {
            process.finish();
        }
    }
}

fn options(schema: &str) -> Options {
    Options::new().schema(schema).unwrap().hold(8)
}

async fn migrate_schemas() {
    say("ready");
    while let Some(go) = hear() {
        let (schema, _) = go.split_once(' ').unwrap();
        let store = PgStore::with(pool(), options(schema));
        let answer = match store.migrate().await {
            Err(error) => error.to_string(),
            Ok(()) => {
                let acme =
                    Convio::new(store).create_workspace(NewWorkspace::named("Acme Solar")).await.unwrap();
                match acme.ingest(RawLead::json(r#"{"phone":"+13105550123"}"#)).await {
                    Ok(Ingested::Created(_)) => "created".to_owned(),
                    other => format!("{other:?}"),
                }
            }
        };
        say(&answer);
    }
}

/// 32 tasks that set off together, each round anew.
async fn ingest_rounds(what: &str, half: &str, schema: &str) {
    // One instant, so that no hour ends in between.
    let clock = FixedClock("2026-03-04T05:06:07Z".parse().unwrap());
    let convio = Convio::with(PgStore::with(pool(), options(schema)), clock, RandomIds::default());
    say("ready");
    while let Some(go) = hear() {
        let (workspace, round) = go.split_once(' ').unwrap();
        let round = round.parse().unwrap();
        let acme = convio.workspace(workspace.parse().unwrap());
        together(TASKS, |task| {
            let acme = acme.clone();
            let raw = match what {
                "same_call" => same_call(round),
                "limit" => RawLead::json(format!(r#"{{"phone":"{}"}}"#, e164(task % 7))),
                _ => spelling(round, task),
            };
            // Both processes use both webhooks, each for half of their tasks.
            let raw = raw.webhook(if what != "spellings" || task % 2 == 0 { "one" } else { "two" });
            let raw = raw.header("x-process", half);
            async move { told(&acme.ingest(raw).await) }
        })
        .await;
    }
}

/// Says what each of so many who set off together is answered.
async fn together<F>(tasks: usize, mut what: impl FnMut(usize) -> F)
where
    F: Future<Output = String> + Send + 'static,
{
    let start = Arc::new(Barrier::new(tasks));
    let task = |n| {
        let (start, what) = (start.clone(), what(n));
        tokio::spawn(async move {
            start.wait().await;
            what.await
        })
    };
    let running: Vec<_> = (0..tasks).map(task).collect();
    for task in running {
        say(&task.await.unwrap());
    }
}

/// Fifty who set off together, each round anew; then how often a commit was run again.
async fn want_crew(schema: &str) {
    let store = PgStore::with(pool(), options(schema));
    let convio = Convio::new(store.clone());
    say("ready");
    while let Some(go) = hear() {
        let (workspace, lead) = go.split_once(' ').unwrap();
        let (acme, lead) = (convio.workspace(workspace.parse().unwrap()), lead.parse().unwrap());
        let mut dice = Dice::of_this_run();
        let before = store.retries();
        together(WANTING, |_| {
            let (acme, mut dice) = (acme.clone(), dice.fork());
            async move { bookers::want_crew(&acme, lead, &mut dice).await }
        })
        .await;
        say(&format!("retries {}", store.retries() - before));
    }
}

/// Bookers who set off together.
async fn book(half: &str, schema: &str) {
    let convio = Convio::new(PgStore::with(pool(), options(schema)));
    say("ready");
    while let Some(workspace) = hear() {
        let acme = convio.workspace(workspace.parse().unwrap());
        let mut dice = Dice::of_this_run();
        together(BOOKERS, |task| {
            let acme = acme.clone().acting_as(Actor::user(format!("{half} {task}")));
            let mut dice = dice.fork();
            async move { bookers::book(&acme, BOOKINGS, &mut dice).await.to_string() }
        })
        .await;
    }
}

fn told(answer: &Result<Ingested, Error>) -> String {
    let word = match answer {
        Ok(Ingested::Created(_)) => "created",
        Ok(Ingested::Linked(_)) => "linked",
        Ok(Ingested::Replayed(_)) => "replayed",
        Err(error) if error.kind() == ErrorKind::Overloaded => return "overloaded".to_owned(),
        other => return format!("{other:?}"),
    };
    let accepted = answer.as_ref().unwrap().accepted().unwrap();
    format!("{word} {} {} {}", accepted.lead, accepted.contact, accepted.number)
}

/// The round's number, as the task writes it: in one of six ways.
fn spelling(round: usize, task: usize) -> RawLead {
    let line = LINE + round;
    let spellings = [
        format!("+1 (310) 555-{line:04}"),
        format!("310-555-{line:04}"),
        format!("1-310-555-{line:04}"),
        format!("(310) 555 {line:04}"),
        format!("310555{line:04}"),
        format!("tel:+1310555{line:04}"),
    ];
    RawLead::json(format!(r#"{{"name":"Pat {task}","phone":"{}"}}"#, spellings[task / 2 % spellings.len()]))
}

fn same_call(round: usize) -> RawLead {
    RawLead::json(format!(r#"{{"name":"Pat","phone":"{}"}}"#, e164(round))).idempotency_key("the-only-one")
}

fn e164(round: usize) -> String {
    format!("+1310555{:04}", LINE + round)
}

/// A workspace with two webhooks that read national numbers as American ones.
fn workspace(place: &Place, scope: DedupScope, limit: Option<u32>) -> WorkspaceHandle<'static> {
    run(async {
        let convio = Convio::new(place.store());
        let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await.unwrap();
        for name in ["one", "two"] {
            let new = NewWebhook::named(name).with(|settings| {
                settings.region = Some("US".parse::<Region>().unwrap());
                settings.scope = scope;
                settings.leads_per_hour_max = limit;
            });
            acme.create_webhook(new).await.unwrap();
        }
        acme
    })
}

fn laws(place: &Place) -> Vec<String> {
    run(async {
        let mut conn = place.pool.acquire().await.unwrap();
        broken_laws(&mut conn, &place.schema).await
    })
}

fn stored(acme: &WorkspaceHandle<'_>) -> (Vec<Contact>, Vec<Lead>) {
    let all = PageRequest::first(1_000);
    run(async {
        let contacts = acme.contacts(&ContactFilter::default(), &all).await.unwrap();
        let leads = acme.leads(&LeadFilter::default(), &all).await.unwrap();
        (contacts.items, leads.items)
    })
}

/// 64 answers, each of a lead of its own; each contact was created by one of them and linked by the others.
fn check_answers(answers: &[String], contacts: &[Contact], leads: &[Lead]) {
    assert_eq!((answers.len(), leads.len()), (64, 64));
    for contact in contacts {
        let told = |word, lead: &Lead| format!("{word} {} {} {}", lead.id, contact.id, contact.number);
        let own: Vec<_> = leads.iter().filter(|lead| lead.contact == contact.id).collect();
        assert_eq!(own.iter().filter(|lead| lead.opened_contact).count(), 1);
        let earliest = own.iter().map(|lead| (lead.received_at, lead.id)).min().unwrap().1;
        assert_eq!(contact.first_touch.lead, earliest);
        for lead in own {
            let told = told(if lead.opened_contact { "created" } else { "linked" }, lead);
            assert_eq!(answers.iter().filter(|answer| **answer == told).count(), 1, "{told}");
            // Each but the first repeats another one.
            assert_eq!(lead.duplicate_of.is_none(), lead.opened_contact);
        }
    }
}

/// The feed is dense, and so is each contact's stream.
fn check_events(acme: &WorkspaceHandle<'_>, contacts: &[Contact], leads: usize) {
    run(async {
        let feed = acme.feed(Position(0), 1_000).await.unwrap();
        let positions: Vec<u64> = feed.iter().map(|event| event.position.0).collect();
        // Before the leads: the workspace, its `direct` webhook and two more.
        assert_eq!(positions, (1..=leads as u64 + 4).collect::<Vec<_>>());
        for contact in contacts {
            let stream =
                acme.history(StreamRef::Contact(contact.id), &PageRequest::first(1_000)).await.unwrap().items;
            let versions: Vec<u64> = stream.iter().map(|event| event.contact_version().unwrap().0).collect();
            assert_eq!(versions, (1..=u64::from(contact.leads)).collect::<Vec<_>>());
            let made: Vec<_> = stream.iter().filter_map(|event| event.contact_number).collect();
            assert_eq!(made, [contact.number], "the number is told once, by the event that made the contact");
            let found = acme.contact(ContactRef::Number(contact.number)).await.unwrap();
            assert_eq!(found.as_ref(), Some(contact));
        }
    });
}

#[track_caller]
fn only<T>(rows: &[T]) -> &T {
    assert_eq!(rows.len(), 1);
    &rows[0]
}

/// Tasks of one process.
const TASKS: usize = 32;
/// Bookers of one process, and how often each of them books.
const BOOKERS: usize = 16;
const BOOKINGS: usize = 10;
/// Who want one time in one process.
const WANTING: usize = 50;
/// Each with a number that is new.
const ROUNDS: usize = 5;
/// Last digits of the first number.
const LINE: usize = 123;
/// Leads that a webhook with a limit takes in an hour: more than one process sends.
const LIMIT: u32 = 41;
