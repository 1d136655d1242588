//! Events as releases keep them, in `vectors/events.jsonl`: what was written by any of them is read by this one.
//!
//! The file is only ever added to. `CONVIO_UPDATE_SNAPSHOTS=1 cargo test -p convio-conformance --test vectors` appends what
//! this release writes and no line has yet: a kind, a form of a kind, or what an older form is written as today.

use std::collections::BTreeSet;
use std::path::PathBuf;

use convio_conformance::model::{Model, Modelled};
use convio_conformance::{Snapshot, World, check_invariants, past};
use convio_core::{Event, EventBody};
use pollster::block_on;
use serde_json::{Map, Value, json};

#[test]
fn every_kind_and_every_form_of_it_has_a_vector() {
    let kept = std::fs::read_to_string(file()).unwrap_or_default();
    let missing = missing(&vectors(&kept), &written_today());
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(file(), appended(&kept, &missing)).unwrap();
        return;
    }
    let kinds: Vec<&str> = missing.iter().map(|vector| vector.kind.as_str()).collect();
    assert!(
        missing.is_empty(),
        "events are written in forms that `vectors/events.jsonl` has no line of: {kinds:?}. If that is meant, run\n    {UPDATE}=1 \
         cargo test -p convio-conformance --test vectors\nwhich adds lines and changes none, and look at them before they are \
         committed. The first: {:?}",
        missing[0]
    );
    let named: BTreeSet<String> = vectors(&kept).into_iter().map(|vector| vector.kind).collect();
    let without: Vec<_> = EventBody::KINDS.iter().filter(|kind| !named.contains(**kind)).collect();
    assert!(
        without.is_empty(),
        "no vector of {without:?}: give them a step in `src/past`, and run the above"
    );
}

#[test]
fn every_vector_is_read_and_written_back() {
    let kept = vectors(&std::fs::read_to_string(file()).unwrap());
    for (n, vector) in (1..).zip(&kept) {
        let body = vector.read().unwrap_or_else(|wrong| panic!("{}", unreadable(n, vector, &wrong)));
        let again = Vector::of(&body);
        assert_eq!(again.read().as_ref(), Ok(&body), "line {n} is read otherwise once it is written again");
        // An old form is written in today's, which is a vector of its own.
        assert!(kept.contains(&again), "line {n} is written back as {again:?}, of which there is no line");
    }
}

#[test]
fn what_an_erasure_takes_away_is_not_needed_to_read_the_rest() {
    for vector in vectors(&std::fs::read_to_string(file()).unwrap()) {
        let erased = Vector { personal: None, ..vector };
        let body = erased.read().unwrap_or_else(|wrong| panic!("{erased:?}: {wrong}"));
        assert_eq!(body.personal().unwrap(), None);
    }
}

#[test]
fn a_history_that_went_through_its_stored_form_folds_to_the_rows() {
    for mut snapshot in history() {
        let kept = |event: &mut Event| event.body = Vector::of(&event.body).read().unwrap();
        snapshot.feed.iter_mut().for_each(kept);
        snapshot.histories.iter_mut().flat_map(|(_, events)| events).for_each(kept);
        check_invariants(&snapshot).unwrap();
    }
}

#[test]
fn every_kind_happens_in_the_history() {
    assert_eq!(past::kinds_missing(&history()), [] as [&str; 0]);
}

#[test]
fn lines_are_added_and_none_is_changed() {
    let kept = std::fs::read_to_string(file()).unwrap();
    let without: Vec<Vector> =
        vectors(&kept).into_iter().filter(|vector| vector.kind != "lead.noted").collect();
    let missing = missing(&without, &written_today());
    assert!(missing.len() > 1 && missing.iter().all(|vector| vector.kind == "lead.noted"), "{missing:?}");
    let more = appended(&kept, &missing);
    assert!(more.starts_with(&kept));
    assert_eq!(vectors(&more).len(), vectors(&kept).len() + missing.len());
    // A form that no release wrote is noticed too.
    let mut other = missing[0].clone();
    other.facts.insert("new".to_owned(), json!(1));
    assert_eq!(crate::missing(&vectors(&kept), std::slice::from_ref(&other)), [other]);
}

/// A stored event, as one line.
#[derive(Debug, Clone, PartialEq)]
struct Vector {
    kind: String,
    facts: Map<String, Value>,
    personal: Option<Value>,
}

impl Vector {
    fn of(body: &EventBody) -> Self {
        let personal = body.personal().unwrap();
        Self {
            kind: body.kind().to_owned(),
            // Facts are objects: a form has a place among them.
            facts: serde_json::from_str(&body.facts().unwrap()).unwrap(),
            personal: personal.map(|personal| serde_json::from_str(&personal).unwrap()),
        }
    }

    fn read(&self) -> Result<EventBody, String> {
        let facts = serde_json::to_string(&self.facts).unwrap();
        let personal = self.personal.as_ref().map(|personal| personal.to_string());
        EventBody::from_parts(&self.kind, &facts, personal.as_deref()).map_err(|wrong| wrong.to_string())
    }

    /// Its kind, and which fields of which type it has: forms are told apart by it.
    fn form(&self) -> (String, BTreeSet<String>) {
        let mut fields = BTreeSet::new();
        self.facts.iter().for_each(|(name, value)| shape(&format!("facts.{name}"), value, &mut fields));
        self.personal.iter().for_each(|value| shape("personal", value, &mut fields));
        (self.kind.clone(), fields)
    }

    fn line(&self) -> String {
        let Self { kind, facts, personal } = self;
        json!({"since": RELEASE, "kind": kind, "facts": facts, "personal": personal}).to_string()
    }
}

fn shape(path: &str, value: &Value, fields: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            fields.insert(format!("{path}{{}}"));
            object.iter().for_each(|(name, value)| shape(&format!("{path}.{name}"), value, fields));
        }
        Value::Array(items) => {
            fields.insert(format!("{path}[]"));
            items.iter().for_each(|value| shape(&format!("{path}[]"), value, fields));
        }
        Value::Null => drop(fields.insert(format!("{path}: null"))),
        Value::Bool(_) => drop(fields.insert(format!("{path}: bool"))),
        Value::Number(_) => drop(fields.insert(format!("{path}: number"))),
        Value::String(_) => drop(fields.insert(format!("{path}: text"))),
    }
}

fn vectors(file: &str) -> Vec<Vector> {
    let lines = file.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    lines
        .map(|line| Vector {
            kind: line["kind"].as_str().expect("a kind").to_owned(),
            facts: line["facts"].as_object().expect("facts").clone(),
            personal: Some(line["personal"].clone()).filter(|personal| !personal.is_null()),
        })
        .collect()
}

/// What is written in a form that no vector has, once per form; and what vectors of older forms are written back as.
fn missing(kept: &[Vector], written: &[Vector]) -> Vec<Vector> {
    let mut forms: BTreeSet<_> = kept.iter().map(Vector::form).collect();
    let mut missing: Vec<Vector> =
        written.iter().filter(|vector| forms.insert(vector.form())).cloned().collect();
    let again = kept.iter().filter_map(|vector| vector.read().ok()).map(|body| Vector::of(&body));
    for again in again {
        if !kept.contains(&again) && !missing.contains(&again) {
            missing.push(again);
        }
    }
    missing
}

fn appended(kept: &str, missing: &[Vector]) -> String {
    let lines = missing.iter().map(|vector| vector.line() + "\n");
    lines.fold(kept.to_owned(), |file, line| file + &line)
}

/// The events of the history, each as it is and with its personal part erased.
fn written_today() -> Vec<Vector> {
    let events = history().into_iter().flat_map(|snapshot| snapshot.feed);
    let vectors = events.map(|event| Vector::of(&event.body));
    vectors.flat_map(|vector| [vector.clone(), Vector { personal: None, ..vector }]).collect()
}

fn history() -> Vec<Snapshot> {
    let subject = Modelled::new(Model::volatile());
    let world = World::of(&subject);
    block_on(past::travel(&world));
    block_on(past::look(&*world.store())).unwrap()
}

fn unreadable(line: usize, vector: &Vector, wrong: &str) -> String {
    format!(
        "line {line} of `vectors/events.jsonl` is read no more: {wrong}\n{vector:?}\nIf a release wrote it, add an upcaster: see \
         `docs/adr/0024-old-events.md`. If none did yet, take the lines of `{}` out, and add them anew by\n    {UPDATE}=1 cargo test -p \
         convio-conformance --test vectors",
        vector.kind
    )
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/events.jsonl")
}

const UPDATE: &str = "CONVIO_UPDATE_SNAPSHOTS";
/// Which release a line was added in.
const RELEASE: &str = env!("CARGO_PKG_VERSION");
