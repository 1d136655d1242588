use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::EventBody;
use crate::lead::Priority;
use crate::text::Private;
use crate::webhook::WebhookSettings;

/// Steps of releases that never were. `lead.assigned` was reshaped twice; `lead.urgency` was reshaped, became
/// `lead.prioritised`, and was reshaped under its new name; what is personal of `lead.noted` was reshaped.
const STEPS: &[Upcaster] = &[
    Upcaster { kind: "lead.assigned", step: Step::Reshaped(|old| rename(old, "who", "responsible")) },
    Upcaster { kind: "lead.urgency", step: Step::Reshaped(|old| rename(old, "urgent", "level")) },
    Upcaster { kind: "lead.urgency", step: Step::Renamed("lead.prioritised") },
    Upcaster { kind: "lead.noted", step: Step::Reshaped(unwrap_note) },
    Upcaster { kind: "lead.assigned", step: Step::Reshaped(|old| rename(old, "responsible", "owner")) },
    Upcaster { kind: "lead.prioritised", step: Step::Reshaped(|old| rename(old, "level", "priority")) },
];

fn rename(old: &mut OldEvent, from: &str, to: &str) -> Result<(), &'static str> {
    let value = old.facts.remove(from).ok_or("the field is not there")?;
    old.facts.insert(to.to_owned(), value);
    Ok(())
}

fn unwrap_note(old: &mut OldEvent) -> Result<(), &'static str> {
    if let Some(personal) = &mut old.personal {
        *personal = personal.get("text").cloned().ok_or("no text")?;
    }
    Ok(())
}

fn read(kind: &str, facts: &str) -> Result<EventBody, UnreadableEvent> {
    EventBody::from_parts_with(STEPS, kind, facts, None)
}

fn assigned() -> EventBody {
    EventBody::LeadAssigned { owner: Some("bob".to_owned()) }
}

#[test]
fn an_event_goes_through_all_steps_after_its_form() {
    for kept in [r#"{"who":"bob"}"#, r#"{"form":2,"responsible":"bob"}"#, r#"{"form":3,"owner":"bob"}"#] {
        assert_eq!(read("lead.assigned", kept).unwrap(), assigned(), "{kept}");
    }
    // Wherever the form stands among the facts.
    assert_eq!(read("lead.assigned", r#"{"responsible":"bob", "form": 2}"#).unwrap(), assigned());
    assert_eq!(assigned().facts_with(STEPS).unwrap(), r#"{"form":3,"owner":"bob"}"#);
}

#[test]
fn a_kind_that_got_another_name_is_read_by_each_of_them() {
    let urgent = EventBody::LeadPrioritised { priority: Priority::Urgent };
    for (kind, kept) in [
        ("lead.urgency", r#"{"urgent":"urgent"}"#),
        ("lead.urgency", r#"{"form":2,"level":"urgent"}"#),
        ("lead.prioritised", r#"{"level":"urgent"}"#),
        ("lead.prioritised", r#"{"form":2,"priority":"urgent"}"#),
    ] {
        let body = read(kind, kept).unwrap();
        assert_eq!((&body, body.kind()), (&urgent, "lead.prioritised"), "{kind} {kept}");
    }
    assert_eq!(urgent.facts_with(STEPS).unwrap(), r#"{"form":2,"priority":"urgent"}"#);
}

#[test]
fn what_is_personal_is_brought_up_or_stays_erased() {
    let noted = |facts, personal| EventBody::from_parts_with(STEPS, "lead.noted", facts, personal).unwrap();
    let call = EventBody::LeadNoted { text: Some(Private("call back".to_owned())) };
    assert_eq!(noted("{}", Some(r#"{"text":"call back"}"#)), call);
    assert_eq!(noted(r#"{"form":2}"#, Some(r#""call back""#)), call);
    assert_eq!(noted("{}", None), EventBody::LeadNoted { text: None });
    assert_eq!(call.facts_with(STEPS).unwrap(), r#"{"form":2}"#);
}

#[test]
fn what_is_read_and_written_is_of_todays_form() {
    for (kind, kept) in [("lead.assigned", r#"{"who":"bob"}"#), ("lead.urgency", r#"{"urgent":"low"}"#)] {
        let body = read(kind, kept).unwrap();
        let facts = body.facts_with(STEPS).unwrap();
        let again = read(body.kind(), &facts).unwrap();
        assert_eq!((&again, again.facts_with(STEPS).unwrap()), (&body, facts));
    }
}

#[test]
fn kinds_without_a_step_are_passed_on_as_they_are() {
    let facts = r#"{ "at" : null }"#;
    let current = upcast(STEPS, "lead.follow_up_set", facts, Some("not read")).unwrap();
    assert!(matches!(current.facts, Cow::Borrowed(same) if std::ptr::eq(same, facts)));
    assert!(matches!(current.personal, Some(Cow::Borrowed("not read"))));
    assert_eq!(marked(STEPS, "lead.follow_up_set", facts.to_owned()), facts);
}

#[test]
fn what_can_not_be_read_says_why_and_shows_nothing_personal() {
    let says = |kind, facts, personal| {
        EventBody::from_parts_with(STEPS, kind, facts, personal).unwrap_err().to_string()
    };
    assert_eq!(says("lead.teleported", "{}", None), "unknown kind of event `lead.teleported`");
    let newer = "an event `lead.assigned` is of form 4, and this version knows forms up to 3";
    assert_eq!(says("lead.assigned", r#"{"form":4,"owners":["bob"]}"#, None), newer);
    // Also where this release knows of no second form.
    let newer = "an event `lead.moved` is of form 2, and this version knows forms up to 1";
    assert_eq!(says("lead.moved", r#"{"form":2,"progress":{}}"#, None), newer);
    let failed = "an event `lead.assigned` can't be brought to form 2: the field is not there";
    assert_eq!(says("lead.assigned", r#"{"owner":"bob"}"#, None), failed);
    assert!(says("lead.moved", "[", None).starts_with("the facts of an event `lead.moved`: "));
    let personal = says("contact.identified", "{}", Some(r#"{"Jane Roe":1}"#));
    assert!(personal.starts_with("the personal part of an event `contact.identified` is not readable"));
    assert!(!personal.contains("Jane"));
}

#[test]
fn facts_that_this_release_does_not_know_are_left_out() {
    let body = read("contact.reparented", r#"{"from":"00000000-0000-0000-0000-000000000007","by":"x"}"#);
    let facts: Value = serde_json::from_str(&body.unwrap().facts().unwrap()).unwrap();
    assert_eq!(facts, json!({"from": "00000000-0000-0000-0000-000000000007"}));
}

#[test]
fn every_kind_is_read_by_its_name() {
    for kind in EventBody::KINDS {
        let read = EventBody::from_parts(kind, "{}", None);
        assert!(!matches!(read, Err(UnreadableEvent::UnknownKind { .. })), "{kind}");
        if let Ok(body) = read {
            assert_eq!(body.kind(), *kind);
        }
    }
    let mut kinds = EventBody::KINDS.to_vec();
    kinds.sort_unstable();
    assert!(kinds.windows(2).all(|two| two[0] != two[1]), "a kind is named twice");
}

#[test]
fn the_steps_are_in_order() {
    assert_eq!(disorder(UPCASTERS), None);
    assert_eq!(disorder(STEPS), None);
    let renamed = |kind, to| Upcaster { kind, step: Step::Renamed(to) };
    let reshaped = |kind| Upcaster { kind, step: Step::Reshaped(|_| Ok(())) };
    for (steps, wrong) in [
        (&[renamed("lead.old", "lead.older")][..], "`lead.older` is no kind"),
        (&[reshaped("lead.old")], "`lead.old` is no kind"),
        (&[renamed("lead.moved", "lead.noted")], "`lead.moved` has another name, and is a kind"),
        (
            &[renamed("lead.old", "lead.moved"), reshaped("lead.old")],
            "`lead.old` has a step after its name went",
        ),
        (&[renamed("lead.old", "lead.moved"), renamed("x", "lead.old")], "`lead.old` is used again"),
    ] {
        assert_eq!(disorder(steps).as_deref(), Some(wrong));
    }
}

/// What is wrong with a list of steps: a name that went comes back, or a step leads to no kind of this release.
fn disorder(steps: &[Upcaster]) -> Option<String> {
    let mut gone: Vec<&str> = Vec::new();
    for Upcaster { kind, step } in steps {
        if gone.contains(kind) {
            return Some(format!("`{kind}` has a step after its name went"));
        }
        if let Step::Renamed(to) = step {
            if EventBody::KINDS.contains(kind) {
                return Some(format!("`{kind}` has another name, and is a kind"));
            }
            gone.push(kind);
            if gone.contains(to) {
                return Some(format!("`{to}` is used again"));
            }
        }
    }
    let ends = steps.iter().map(|upcaster| match upcaster.step {
        Step::Renamed(to) => to,
        Step::Reshaped(_) => upcaster.kind,
    });
    let mut ends = ends.filter(|end| !gone.contains(end) && !EventBody::KINDS.contains(end));
    ends.next().map(|end| format!("`{end}` is no kind"))
}

/// Texts, and those that look like a form.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{1,40}", Just(r#"{"form":7}"#.to_owned()), Just(r#"","form":7,"x":""#.to_owned())]
}

fn body() -> impl Strategy<Value = EventBody> {
    prop_oneof![
        prop::option::of(text()).prop_map(|owner| EventBody::LeadAssigned { owner }),
        prop::option::of(text()).prop_map(|text| EventBody::LeadNoted { text: text.map(Private) }),
        (text(), any::<bool>()).prop_map(|(name, strict)| {
            let settings = WebhookSettings { strict, ..WebhookSettings::default() };
            EventBody::WebhookCreated { name, settings }
        }),
        Just(EventBody::LeadDeleted),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn events_of_today_are_what_they_were(body in body()) {
        let (facts, personal) = (body.facts().unwrap(), body.personal().unwrap());
        let current = upcast(UPCASTERS, body.kind(), &facts, personal.as_deref()).unwrap();
        prop_assert_eq!(current.kind, body.kind());
        prop_assert_eq!(current.personal.as_deref(), personal.as_deref());
        let same: Value = serde_json::from_str(&current.facts).unwrap();
        let mut kept: Map<String, Value> = serde_json::from_str(&facts).unwrap();
        kept.remove(FORM);
        prop_assert_eq!(same, Value::Object(kept));
        prop_assert_eq!(EventBody::from_parts(body.kind(), &facts, personal.as_deref()).unwrap(), body);
    }
}
