//! Schemas of every release with their rows, kept in `tests/databases`: this one opens them, reads all that they hold, and works
//! on.
//!
//! The file of the version that is worked on is written by
//! `CONVIO_UPDATE_SNAPSHOTS=1 cargo test -p convio-store-postgres --test releases`.

mod support {
    pub(crate) mod dump;
    pub(crate) mod in_schema;
    #[path = "mod.rs"]
    mod places;
    pub(crate) use places::*;
}

use convio_conformance::past::{self, Releases};
use convio_conformance::{Snapshot, World};
use convio_core::store::StoreError;
use support::dump::{dump, restore};
use support::in_schema::InSchema;
use support::{Place, run};

#[test]
fn what_is_stored_is_what_the_file_of_this_version_has() {
    let subject = InSchema::new();
    run(async {
        let world = World::of(&subject);
        past::travel(&world).await;
        let seen = past::look(&*world.store()).await.expect("all of it hangs together");
        assert_eq!(past::kinds_missing(&seen), [] as [&str; 0], "give them a step in `conformance/src/past`");
        let place = subject.place();
        let tables = "SELECT tablename::text FROM pg_catalog.pg_tables WHERE schemaname = '{s}'";
        for table in place.column::<String>(tables).await {
            let rows = place.count(&format!("SELECT count(*) FROM {{s}}.{table}")).await;
            assert_ne!(rows, 0, "`{table}` has no row: give it one in `conformance/src/past`");
        }
        let dump = dump(place).await;
        assert!(
            dump.len() < DUMP_BYTES_MAX,
            "{} bytes are too many to be kept for every release",
            dump.len()
        );
        releases().settle(&dump);
    });
}

#[test]
fn a_schema_of_each_release_is_opened_read_and_worked_on() {
    for (version, sql) in releases().all() {
        let subject = InSchema::of(run(restore(&sql)));
        run(async {
            let store = subject.place().store();
            // The schema of this version is there already; an earlier one is brought up to it.
            if !Releases::is_current(version) {
                store.migrate().await.unwrap_or_else(|error| panic!("{version}: {error}"));
            }
            store.check().await.unwrap_or_else(|error| panic!("{version}: {error}"));
            let world = World::of(&subject);
            let seen = past::look(&*world.store()).await.unwrap_or_else(|wrong| panic!("{version}: {wrong}"));
            assert!(seen.iter().all(|snapshot| !snapshot.feed.is_empty()), "{version}");
            past::go_on(&world).await;
        });
    }
}

#[test]
fn the_schema_of_this_version_shows_what_was_made() {
    let (made, kept) = (InSchema::new(), run(restore(&releases().current())));
    run(async {
        let world = World::of(&made);
        past::travel(&world).await;
        for workspace in [past::ACME, past::OTHER] {
            let made = Snapshot::of(&*world.store(), workspace, 100).await.expect("reads");
            let kept = Snapshot::of(&kept.store(), workspace, 100).await.expect("reads");
            assert_eq!(made.difference(&kept), None);
        }
    });
}

#[test]
fn what_is_wrong_in_a_schema_is_noticed() {
    let place = run(restore(&releases().current()));
    run(async {
        // Each on top of those before it: an event that can't be read hides what comes after.
        for (wrong, says) in [
            ("UPDATE {s}.rollup SET n0 = n0 + 1 WHERE cube = 0", "rollups equal a recount"),
            ("UPDATE {s}.lead SET owner = 'nobody'", "no change without its event"),
            ("DELETE FROM {s}.event WHERE position = 3", "the feed has no gap"),
            (
                "UPDATE {s}.event SET facts = '{\"form\":2}' WHERE position = 5",
                "is of form 2, and this version knows",
            ),
            (
                "UPDATE {s}.event SET kind = 'lead.teleported' WHERE position = 4",
                "unknown kind of event `lead.teleported`",
            ),
        ] {
            place.execute(wrong).await;
            let told = past::look(&place.store()).await.expect_err(wrong);
            assert!(told.contains(says), "{wrong}: {told}");
        }
    });
}

#[test]
fn an_event_that_can_not_be_read_is_a_corrupt_row() {
    let place: Place = run(restore(&releases().current()));
    run(async {
        place.execute("UPDATE {s}.event SET kind = 'lead.teleported' WHERE position = 3").await;
        let read = convio_conformance::feed(&place.store(), past::ACME, 100).await;
        let error = read.expect_err("is not read");
        let StoreError::Corrupt { table, id, fault, .. } = &error else { panic!("{error:?}") };
        assert_eq!((*table, id.as_str()), ("event", format!("{}/3", past::ACME).as_str()));
        assert_eq!(fault.to_string(), "unknown kind of event `lead.teleported`");
    });
}

fn releases() -> Releases {
    Releases::of(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/databases"), "convio-store-postgres", "releases")
}

/// Small enough that one per release does not weigh on the repository.
const DUMP_BYTES_MAX: usize = 300_000;
