use std::sync::Mutex;

use convio_core::record::{DRAFT_KIND, DRAFTS_KEY, DRAFTS_KIND, fetch_record};
use convio_core::routing::{Cap, Condition, DRAFTS_MAX, Draft, DraftRef, Period, SavedDraft, TargetSettings};
use convio_core::{Actor, Clock, Error, ErrorKind, Need, Needs, Rule, Target, Version, WorkspaceHandle};
use pollster::block_on;

use super::concurrency::at_once;
use super::lead_work::in_order;
use crate::{Subject, World, codes};

fn to(name: &str) -> Rule {
    Rule::to(Target::team(name)).named(name).any_product().any_zip()
}

/// With everything that drafts may have, some of it wrong.
fn unfinished() -> Draft {
    let cap = Cap::count(3, Period::Minute).when(Condition::zips(["902*", "9021.0"]));
    let at = "2027-01-01T00:00:00Z".parse().unwrap();
    let none = Rule { to: Vec::new(), ..Rule::to(Target::team("x")) };
    Draft::of([to("west").zips(["90210", "1..22"]), none, to("west").cap(cap)])
        .target(TargetSettings::of(Target::team("west")).away(at, at))
        .effective(at)
        .sound()
}

async fn names(acme: &WorkspaceHandle<'_>) -> Vec<(String, u64, usize)> {
    let listed = acme.drafts().await.unwrap();
    listed.into_iter().map(|it| (it.name, it.version.0, it.rules)).collect()
}

fn kind<T>(answer: Result<T, Error>) -> Option<ErrorKind> {
    answer.err().map(|error| error.kind())
}

pub(crate) async fn a_draft_is_kept_as_it_was_saved_until_it_is_published(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await.acting_as(Actor::user("jane"));
    let other = world.elsewhere(&acme);
    acme.publish_rules([to("before")]).await.unwrap();
    let head = acme.head().await.unwrap();
    let saved = acme.save_draft(" spring  2027", unfinished(), None).await.unwrap();
    let expected = SavedDraft {
        name: "spring 2027".to_owned(),
        draft: unfinished(),
        version: Version(1),
        saved_at: world.clock.now(),
        saved_by: Actor::user("jane"),
    };
    assert_eq!(saved, expected);
    assert_eq!(other.draft("spring 2027").await.unwrap(), Some(expected));
    assert_eq!(names(&other).await, [("spring 2027".to_owned(), 1, 3)]);
    // Nobody goes by it, and nothing is read again for it.
    assert_eq!(acme.head().await.unwrap(), head);
    assert_eq!(other.rules().await.unwrap().version, Version(1));
    let loaded = world.store().load(&Needs::of(acme.id(), [Need::Config])).await.unwrap();
    assert!(loaded.records.iter().all(|row| row.kind != DRAFT_KIND && row.kind != DRAFTS_KIND));
    // It is published with all that is wrong told at once, and stays what it is.
    let refused = other.publish_draft("spring 2027", saved.version).await.unwrap_err();
    let mut found = codes(refused.reasons());
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "away/empty",
            "name/duplicate",
            "products/empty",
            "to/invalid",
            "when/invalid",
            "zips/empty",
            "zips/malformed"
        ]
    );
    assert_eq!(other.draft("spring 2027").await.unwrap(), Some(saved.clone()));

    let good = Draft::of([to("west")]);
    let saved = other.save_draft("spring 2027", good, Some(saved.version)).await.unwrap();
    assert_eq!((saved.version, saved.saved_by), (Version(2), Actor::default()));
    let rules = acme.publish_draft("spring 2027", saved.version).await.unwrap();
    let drafted = Some(DraftRef { name: "spring 2027".to_owned(), version: Version(2) });
    assert_eq!((rules.version, &rules.drafted), (Version(2), &drafted));
    assert_eq!(other.rules().await.unwrap(), rules);
    assert_eq!(other.rules_at(Version(2)).await.unwrap(), Some(rules));
    assert_eq!((names(&acme).await, other.draft("spring 2027").await.unwrap()), (vec![], None));
    let error = acme.publish_draft("spring 2027", Version(2)).await.unwrap_err();
    assert_eq!(error.to_string(), "no draft of rules `spring 2027` in this workspace");
    // The name is free, and its versions go on: what was seen before is told from it.
    assert_eq!(acme.save_draft("spring 2027", [], None).await.unwrap().version, Version(4));
    in_order(&world, &acme).await;
}

pub(crate) async fn what_is_not_as_it_was_seen_is_a_conflict(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let other = world.elsewhere(&acme);
    let first = acme.save_draft("one", [to("a")], None).await.unwrap().version;
    assert_eq!(kind(other.save_draft("one", [to("b")], None).await), Some(ErrorKind::Conflict));
    let second = other.save_draft("one", [to("b")], Some(first)).await.unwrap();
    for refused in [
        kind(acme.save_draft("one", [to("c")], Some(first)).await),
        kind(acme.publish_draft("one", first).await),
        kind(acme.discard_draft("one", first).await),
    ] {
        assert_eq!(refused, Some(ErrorKind::Conflict));
    }
    assert_eq!(acme.draft("one").await.unwrap().as_ref(), Some(&second));
    assert_eq!(acme.rules().await.unwrap().version, Version(0));
    acme.discard_draft("one", second.version).await.unwrap();
    for refused in [
        kind(other.save_draft("one", [to("c")], Some(second.version)).await),
        kind(other.publish_draft("one", second.version).await),
        kind(other.discard_draft("one", second.version).await),
        kind(other.discard_draft("two", second.version).await),
    ] {
        assert_eq!(refused, Some(ErrorKind::NotFound));
    }
    assert_eq!((acme.draft("one").await.unwrap(), names(&acme).await), (None, vec![]));
    let nobodys = world.convio().workspace(convio_core::WorkspaceId::from_uuid(uuid::Uuid::from_u128(7)));
    assert_eq!(kind(nobodys.save_draft("one", [], None).await), Some(ErrorKind::NotFound));
    in_order(&world, &acme).await;
}

pub(crate) async fn of_those_who_save_or_publish_one_at_once_one_does(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let seen = acme.save_draft("shared", [to("a")], None).await.unwrap().version;
    let done = Mutex::new(Vec::new());
    at_once(&world, &acme, 8, |handle, n| {
        // Each has one of its own beside the shared one.
        block_on(handle.save_draft(&format!("own {n}"), [to("x")], None)).unwrap();
        let answer = match n % 2 {
            0 => block_on(handle.publish_draft("shared", seen)).map(|_| true),
            _ => block_on(handle.save_draft("shared", [to("b")], Some(seen))).map(|_| false),
        };
        match answer {
            Ok(published) => done.lock().unwrap().push(published),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound), "{error}")
            }
        }
    });
    let done = done.into_inner().unwrap();
    assert_eq!(done.len(), 1, "{done:?}");
    assert_eq!(acme.rules().await.unwrap().version.0, u64::from(done[0]));
    let left = acme.draft("shared").await.unwrap().map(|draft| draft.version.0);
    assert_eq!(left, if done[0] { None } else { Some(2) });
    let own = names(&acme).await.into_iter().filter(|(name, ..)| name.starts_with("own")).count();
    assert_eq!(own, 8);
    in_order(&world, &acme).await;
}

pub(crate) async fn drafts_have_names_and_a_bound_and_one_workspace(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, other) = (world.acme().await, world.acme().await);
    for name in ["", "  ", &"x".repeat(201)] {
        let refused = acme.save_draft(name, [to("a")], None).await.unwrap_err();
        assert_eq!(codes(refused.reasons()), ["name/invalid"], "{name}");
    }
    for n in 0..DRAFTS_MAX {
        acme.save_draft(&format!("{n:03}"), [to("a")], None).await.unwrap();
    }
    let error = acme.save_draft("one more", [to("a")], None).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Conflict, "a workspace keeps at most 100 drafts")
    );
    // One that is there is saved again, and one that is gone makes room.
    acme.save_draft("000", [to("b")], Some(Version(1))).await.unwrap();
    acme.discard_draft("001", Version(1)).await.unwrap();
    acme.save_draft("one more", [], None).await.unwrap();
    let listed = names(&acme).await;
    assert_eq!((listed.len(), listed[0].clone()), (DRAFTS_MAX, ("000".to_owned(), 2, 1)));
    assert!(listed.is_sorted());
    assert_eq!((names(&other).await, other.draft("000").await.unwrap()), (vec![], None));
    for (kind, key) in [(DRAFT_KIND, "000"), (DRAFTS_KIND, DRAFTS_KEY)] {
        assert_eq!(fetch_record(&*world.store(), other.id(), kind, key).await.unwrap(), None);
    }
}
