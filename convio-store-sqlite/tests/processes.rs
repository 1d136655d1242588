//! Two processes on one file.
//!
//! The second process is this binary again, started for its ignored test `second_process`; here there are two of them,
//! and the test itself only looks at what they did.

mod support {
    pub(crate) mod audit;
}

use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use convio_conformance::bookers;
use convio_conformance::dice::Dice;
use convio_conformance::process::{Process, hear, order, say};
use convio_core::contact::{ContactFilter, ContactRef};
use convio_core::lead::LeadFilter;
use convio_core::{
    Actor, Contact, Convio, DedupScope, Ingested, Lead, NewWebhook, NewWorkspace, PageRequest, Position,
    RawLead, Region, StreamRef, WorkspaceHandle, WorkspaceId,
};
use convio_store_sqlite::{MIGRATIONS, SqliteStore};
use support::audit::broken_laws;
use tokio::sync::Barrier;

#[test]
fn six_spellings_of_a_new_number_are_one_contact_of_the_workspace() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("leads.db");
    let mut pair = Pair::start("spellings", &path);
    for round in 0..ROUNDS {
        let acme = workspace(&path, DedupScope::Workspace);
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
    assert_eq!(broken_laws(&path), [""; 0]);
}

#[test]
fn six_spellings_of_a_new_number_are_one_contact_per_webhook_where_webhooks_are_apart() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("leads.db");
    let mut pair = Pair::start("spellings", &path);
    for round in 0..ROUNDS {
        let acme = workspace(&path, DedupScope::Webhook);
        let answers = pair.ingest(acme.id(), round);
        let (contacts, leads) = stored(&acme);
        assert_eq!(contacts.iter().map(|contact| contact.leads).collect::<Vec<_>>(), [32, 32]);
        for contact in &contacts {
            let mut webhooks: Vec<_> =
                leads.iter().filter(|lead| lead.contact == contact.id).map(|lead| lead.webhook).collect();
            webhooks.dedup();
            assert_eq!(webhooks.len(), 1, "a contact has leads of one webhook only");
        }
        check_answers(&answers, &contacts, &leads);
        check_events(&acme, &contacts, leads.len());
    }
    pair.finish();
    assert_eq!(broken_laws(&path), [""; 0]);
}

#[test]
fn one_key_posted_64_times_is_one_lead_and_63_replays_of_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("leads.db");
    let mut pair = Pair::start("same_call", &path);
    for round in 0..ROUNDS {
        let acme = workspace(&path, DedupScope::Workspace);
        let answers = pair.ingest(acme.id(), round);
        let (contacts, leads) = stored(&acme);
        let (contact, lead) = (only(&contacts), only(&leads));
        let told = format!("{} {} {}", lead.id, contact.id, contact.number);
        let mut wanted = vec![format!("replayed {told}"); 63];
        wanted.insert(0, format!("created {told}"));
        let mut answers = answers;
        answers.sort();
        assert_eq!(answers, wanted);
        check_events(&acme, &contacts, leads.len());
    }
    pair.finish();
    assert_eq!(broken_laws(&path), [""; 0]);
}

#[test]
fn two_processes_open_a_new_file_at_once() {
    let home = tempfile::tempdir().unwrap();
    let mut pair = Pair::start("open", home.path());
    for n in 0..20 {
        let path = home.path().join(format!("{n}.db"));
        let answers = pair.both(&path.display().to_string(), 1);
        assert_eq!(answers, ["created", "created"], "file {n}");
        assert_eq!(broken_laws(&path), [""; 0]);
        let conn = rusqlite::Connection::open(&path).unwrap();
        let count = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM convio_migration"), MIGRATIONS.len() as i64);
        assert_eq!(count("SELECT count(*) FROM lead"), 2);
    }
    pair.finish();
}

#[test]
fn thirty_two_bookers_take_exactly_what_the_caps_allow() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("leads.db");
    let mut pair = Pair::start("book", &path);
    let acme = workspace(&path, DedupScope::Workspace);
    pollster::block_on(acme.publish_rules(bookers::rules())).unwrap();
    let booked = pair.both(&acme.id().to_string(), BOOKERS);
    assert_eq!(booked, vec![BOOKINGS.to_string(); 2 * BOOKERS]);
    pair.finish();
    let store = SqliteStore::open(&path).unwrap();
    pollster::block_on(bookers::check(&store, &acme));
    assert_eq!(broken_laws(&path), [""; 0]);
}

#[test]
fn of_a_hundred_who_want_one_time_as_many_get_it_as_there_is_room() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("leads.db");
    let mut pair = Pair::start("crew", &path);
    for _ in 0..ROUNDS {
        let acme = workspace(&path, DedupScope::Workspace);
        let lead = pollster::block_on(bookers::set_up_crew(&acme));
        let answers = pair.both(&format!("{} {lead}", acme.id()), WANTING);
        let store = SqliteStore::open(&path).unwrap();
        pollster::block_on(bookers::check_crew(&store, &acme, &answers));
    }
    pair.finish();
    assert_eq!(broken_laws(&path), [""; 0]);
}

/// The second process; the first one says which.
#[test]
#[ignore = "the tests of this file start it"]
fn second_process() {
    let Some(order) = order() else { return };
    let [what, half, path] = order.as_slice() else { panic!("an order is three words") };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    runtime.block_on(async {
        match what.as_str() {
            "open" => open_files().await,
            "book" => book(half, Path::new(path)).await,
            "crew" => want_crew(Path::new(path)).await,
            what => ingest_rounds(what, half, Path::new(path)).await,
        }
    });
}

/// Two processes that do the same at the same time.
struct Pair([Process; 2]);

impl Pair {
    fn start(what: &str, path: &Path) -> Self {
        let path = path.display().to_string();
        let pair = Self(["one", "two"].map(|half| Process::start(&[what, half, &path])));
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

async fn open_files() {
    say("ready");
    while let Some(path) = hear() {
        let answer = match SqliteStore::open(&path) {
            Err(error) => error.to_string(),
            Ok(store) => {
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

/// Bookers who set off together.
async fn book(half: &str, path: &Path) {
    let convio = Convio::new(SqliteStore::open(path).unwrap());
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

/// Fifty who set off together, each round anew.
async fn want_crew(path: &Path) {
    let convio = Convio::new(SqliteStore::open(path).unwrap());
    say("ready");
    while let Some(go) = hear() {
        let (workspace, lead) = go.split_once(' ').unwrap();
        let (acme, lead) = (convio.workspace(workspace.parse().unwrap()), lead.parse().unwrap());
        let mut dice = Dice::of_this_run();
        together(WANTING, |_| {
            let (acme, mut dice) = (acme.clone(), dice.fork());
            async move { bookers::want_crew(&acme, lead, &mut dice).await }
        })
        .await;
    }
}

/// 32 tasks that set off together, each round anew.
async fn ingest_rounds(what: &str, half: &str, path: &Path) {
    let convio = Convio::new(SqliteStore::open(path).unwrap());
    say("ready");
    while let Some(go) = hear() {
        let (workspace, round) = go.split_once(' ').unwrap();
        let acme = convio.workspace(workspace.parse().unwrap());
        together(TASKS, |task| {
            let acme = acme.clone();
            let raw = match what {
                "same_call" => same_call(round.parse().unwrap()),
                _ => spelling(round.parse().unwrap(), task),
            };
            // Both processes use both webhooks, each for half of their tasks.
            let raw = raw.webhook(if what == "same_call" || task % 2 == 0 { "one" } else { "two" });
            let raw = raw.header("x-process", half);
            async move { told(&acme.ingest(raw).await) }
        })
        .await;
    }
}

fn told(answer: &Result<Ingested, convio_core::Error>) -> String {
    let word = match answer {
        Ok(Ingested::Created(_)) => "created",
        Ok(Ingested::Linked(_)) => "linked",
        Ok(Ingested::Replayed(_)) => "replayed",
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
fn workspace(path: &Path, scope: DedupScope) -> WorkspaceHandle<'static> {
    pollster::block_on(async {
        let convio = Convio::new(SqliteStore::open(path).unwrap());
        let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await.unwrap();
        for name in ["one", "two"] {
            let new = NewWebhook::named(name).with(|settings| {
                settings.region = Some("US".parse::<Region>().unwrap());
                settings.scope = scope;
            });
            acme.create_webhook(new).await.unwrap();
        }
        acme
    })
}

fn stored(acme: &WorkspaceHandle<'_>) -> (Vec<Contact>, Vec<Lead>) {
    let all = PageRequest::first(1_000);
    pollster::block_on(async {
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
        let created: Vec<_> = own.iter().filter(|lead| lead.opened_contact).collect();
        assert_eq!(created.len(), 1);
        assert_eq!(
            contact.first_touch.lead,
            own.iter().map(|lead| (lead.received_at, lead.id)).min().unwrap().1
        );
        for lead in own {
            let word = if lead.opened_contact { "created" } else { "linked" };
            assert_eq!(
                answers.iter().filter(|answer| **answer == told(word, lead)).count(),
                1,
                "{}",
                told(word, lead)
            );
            // Each but the first repeats another one.
            assert_eq!(lead.duplicate_of.is_none(), lead.opened_contact);
        }
    }
}

/// The feed is dense, and so is each contact's stream; the daily sums are right.
fn check_events(acme: &WorkspaceHandle<'_>, contacts: &[Contact], leads: usize) {
    pollster::block_on(async {
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
            assert_eq!(stream[0].contact_number, Some(contact.number));
            let found = acme.contact(ContactRef::Number(contact.number)).await.unwrap();
            assert_eq!(found.as_ref(), Some(contact));
        }
        let days = acme.daily_leads(NaiveDate::MIN, NaiveDate::MAX).await.unwrap();
        let sum = |n: fn(&convio_core::service::DailyLeads) -> i64| days.iter().map(n).sum::<i64>();
        assert_eq!(sum(|day| day.leads), leads as i64);
        assert_eq!(sum(|day| day.contacts), contacts.len() as i64);
        assert_eq!(sum(|day| day.repeats), (leads - contacts.len()) as i64);
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
