//! Two writers at once. The first has done its work in a transaction that is still open; the second is seen to wait for it, so it
//! has looked at the database before; only then the first commits or rolls back. What follows must be as if one had come after
//! the other.
//!
//! Each race is run in every way a lead can be taken: as the one statement, as a change set of the general kind, as a batch, and
//! with plain statements. The second writer works over a pool, and in a transaction of its own.

mod support;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use convio_conformance::{
    ManualClock, Shared, Snapshot, check_invariants, codes, created, lead, lead_with, linked, rejected,
    replayed, taken,
};
use convio_core::change_set::Write;
use convio_core::chrono::{DateTime, TimeDelta};
use convio_core::contact::ContactRef;
use convio_core::event::{EventLog, Origin};
use convio_core::record::{Record, fetch_record};
use convio_core::service::{Atomicity, RandomIds};
use convio_core::{
    ChangeSet, CommitError, Convio, Error, ErrorKind, Ingested, NewConversion, NewWebhook, NewWorkspace,
    PageRequest, Position, RawLead, Schedule, Store, StreamRef, Version, WebhookSettings, WorkspaceHandle,
    WorkspaceId,
};
use convio_store_postgres::{Options, PgStore};
use serde_json::json;
use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor};
use support::{Place, connect, run, runtime, server};

// R1
#[test]
fn a_known_contact_is_merged_on_its_newest_row() {
    each(async |world, race| {
        let known = created(world.take(&world.acme, lead(1)).await);
        let (city, state) = (lead_with(1, json!({"city": "Reno"})), lead_with(1, json!({"state": "NV"})));
        let (first, second) = race.run(city, state, "COMMIT").await;
        let (first, second) = (linked(first), linked(second));
        assert_eq!((first.contact, second.contact), (known.contact, known.contact));
        // The lead that came last before it, which was not committed when it set out.
        assert_eq!(second.duplicate_of, Some(first.lead));
        let contact = world.acme.contact(ContactRef::Id(known.contact)).await.unwrap().unwrap();
        assert_eq!((contact.version, contact.leads), (Version(3), 3));
        assert_eq!(contact.person.city.as_deref(), Some("Reno"));
        assert_eq!(contact.person.state.as_deref(), Some("NV"));
    });
}

// R2
#[test]
fn a_new_contact_of_two_writers_is_made_once() {
    each(async |world, race| {
        let (first, second) = race.run(lead(1), lead(1), "COMMIT").await;
        let (first, second) = (created(first), linked(second));
        assert_eq!((second.contact, second.number), (first.contact, first.number));
        assert_eq!(world.head().await.contacts, 1 + world.fillers());
    });
}

// R3
#[test]
fn the_second_makes_the_contact_when_the_first_rolls_back() {
    each(async |world, race| {
        let (first, second) =
            race.run(lead(1).idempotency_key("a"), lead(1).idempotency_key("a"), "ROLLBACK").await;
        let (first, second) = (created(first), created(second));
        assert_eq!(second.duplicate_of, None);
        // Its number was not handed out.
        assert_eq!(second.number, first.number);
        assert_eq!(world.acme.lead(first.lead).await.unwrap(), None);
    });
}

// R4
#[test]
fn a_key_in_flight_is_waited_for_and_replayed() {
    for named in [
        |raw: RawLead| raw.idempotency_key("a"),
        |raw: RawLead| raw.external_id("b"),
        |raw: RawLead| raw.idempotency_key("a").external_id("b"),
    ] {
        each(async |world, race| {
            let (first, second) = race.run(named(lead(1)), named(lead(1)), "COMMIT").await;
            assert_eq!(*replayed(second).accepted().unwrap(), created(first));
            assert_eq!(world.count("lead").await, 1 + world.fillers() as i64);
        });
    }
}

// R4
#[test]
fn a_key_in_flight_with_another_body_is_a_conflict_once_it_is_there() {
    each(async |_, race| {
        let other = lead_with(1, json!({"city": "Reno"})).idempotency_key("a");
        let (first, second) = race.run(lead(1).idempotency_key("a"), other, "COMMIT").await;
        created(first);
        assert_eq!(kind(second), ErrorKind::Conflict);
        let other = lead_with(2, json!({"city": "Reno"})).idempotency_key("b");
        let (first, second) = race.run(lead(2).idempotency_key("b"), other, "ROLLBACK").await;
        created(first);
        created(second);
    });
}

// R5a: where a row is made unless it is there, the one who lost does not miss the winner's.
#[test]
fn a_workspace_that_two_make_is_made_once() {
    let place = Arc::new(Place::new());
    for end in ["COMMIT", "ROLLBACK"] {
        for options in [Options::new(), Options::new().plain_statements()] {
            let world = World::new(&place, Way::One, options);
            run(async {
                let id = WorkspaceId::new(&RandomIds::default(), DateTime::UNIX_EPOCH);
                let mut holder = Holder::begin().await;
                let inside = world.convio.within(world.store.within(&mut holder.conn));
                inside.create_workspace_with_id(id, NewWorkspace::named("First")).await.unwrap();
                drop(inside);
                let second = world.convio.create_workspace_with_id(id, NewWorkspace::named("Second"));
                let (second, ()) = tokio::join!(second, holder.end_once_it_is_waited_for(end));
                let name = world.convio.workspace(id).workspace().await.unwrap().unwrap().settings.name;
                match end {
                    "COMMIT" => {
                        assert_eq!((kind(second), name.as_str()), (ErrorKind::Conflict, "First"));
                    }
                    _ => {
                        second.unwrap();
                        assert_eq!(name, "Second");
                    }
                }
                world.assert_sound(id).await;
            });
        }
    }
}

// R5b
#[test]
fn one_contact_under_many_writers_numbers_its_events_without_a_gap() {
    let place = Arc::new(Place::new());
    for (way, options) in ways() {
        let world = World::new(&place, way, options);
        run(async {
            let writers: Vec<_> = (0..6)
                .map(|_| {
                    let (acme, way) = (world.acme.clone(), world.way);
                    tokio::spawn(async move {
                        for _ in 0..8 {
                            taken(way.take(&acme, lead(1)).await);
                        }
                    })
                })
                .collect();
            for writer in writers {
                writer.await.unwrap();
            }
            let contact = taken(world.take(&world.acme, lead(1)).await).contact;
            let page = PageRequest::first(100);
            let history = world.acme.history(StreamRef::Contact(contact), &page).await.unwrap();
            let versions: Vec<_> = history
                .items
                .iter()
                .filter_map(|event| event.version_in(StreamRef::Contact(contact)))
                .collect();
            assert_eq!(versions, (1..=49).map(Version).collect::<Vec<_>>());
            world.assert_sound(world.acme.id()).await;
        });
    }
}

// R6
#[test]
fn above_read_committed_a_commit_that_was_overtaken_is_to_be_run_again() {
    let place = Arc::new(Place::new());
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        for (way, options) in ways() {
            for savepoints in [false, true] {
                let options = if savepoints { options.clone().savepoints() } else { options.clone() };
                let world = World::new(&place, way, options);
                run(async {
                    taken(world.take(&world.acme, lead(1)).await);
                    let mut conn = connect().await;
                    let begin = format!("BEGIN ISOLATION LEVEL {level}");
                    conn.execute(AssertSqlSafe(begin)).await.unwrap();
                    // Takes its snapshot.
                    let snapshot = format!("SELECT count(*) FROM {}.lead", world.place.schema);
                    conn.execute(AssertSqlSafe(snapshot.clone())).await.unwrap();
                    taken(world.take(&world.acme, lead(1)).await);
                    let head = world.head().await;
                    let inside = world.acme.within(world.store.within(&mut conn));
                    let error = world.take(&inside, lead(2)).await.unwrap_err();
                    assert!(error.is_retryable(), "{level}, {way:?}: {error}");
                    drop(inside);
                    // The server has ended the transaction, or the savepoint.
                    assert_eq!(
                        conn.execute(AssertSqlSafe(snapshot)).await.is_ok(),
                        savepoints,
                        "{level}, {way:?}"
                    );
                    conn.execute("ROLLBACK").await.unwrap();
                    assert_eq!(world.head().await, head);
                    assert_eq!(world.count("contact").await, 1 + world.fillers() as i64);
                    conn.close().await.unwrap();
                    world.assert_sound(world.acme.id()).await;
                });
            }
        }
    }
}

// R6
#[test]
fn above_read_committed_all_is_well_while_nobody_else_writes() {
    let place = Arc::new(Place::new());
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        for (way, options) in ways() {
            let world = World::new(&place, way, options);
            run(async {
                let mut conn = connect().await;
                conn.execute(AssertSqlSafe(format!("BEGIN ISOLATION LEVEL {level}"))).await.unwrap();
                let inside = world.acme.within(world.store.within(&mut conn));
                let first = created(world.take(&inside, lead(1)).await);
                assert_eq!(linked(world.take(&inside, lead(1)).await).contact, first.contact);
                drop(inside);
                conn.execute("COMMIT").await.unwrap();
                conn.close().await.unwrap();
                world.assert_sound(world.acme.id()).await;
            });
        }
    }
}

// R7
#[test]
fn a_callers_transaction_lives_on_after_every_answer() {
    let place = Arc::new(Place::new());
    for (way, options) in ways() {
        let world = World::new(&place, way, options);
        run(async {
            let limited = NewWebhook::named("full").with(|settings| settings.leads_per_hour_max = Some(1));
            world.acme.create_webhook(limited).await.unwrap();
            world.place.execute("CREATE TABLE IF NOT EXISTS {s}.orders (workspace_id uuid)").await;
            let mut conn = connect().await;
            conn.execute("BEGIN").await.unwrap();
            let inside = world.acme.within(world.store.within(&mut conn));
            let first = created(world.take(&inside, lead(1).idempotency_key("a")).await);
            linked(world.take(&inside, lead(1)).await);
            let again = replayed(world.take(&inside, lead(1).idempotency_key("a")).await);
            assert_eq!(*again.accepted().unwrap(), first);
            let other = world.take(&inside, lead(2).idempotency_key("a")).await;
            assert_eq!(kind(other), ErrorKind::Conflict);
            created(world.take(&inside, lead(3).webhook("full")).await);
            assert_eq!(kind(world.take(&inside, lead(4).webhook("full")).await), ErrorKind::Overloaded);
            assert!(world.take(&inside, RawLead::json("{}")).await.unwrap().accepted().is_err());
            drop(inside);
            let order = format!("INSERT INTO {}.orders VALUES ('{}')", world.place.schema, world.acme.id());
            conn.execute(AssertSqlSafe(order)).await.unwrap();
            conn.execute("COMMIT").await.unwrap();
            conn.close().await.unwrap();
            assert_eq!(world.count("orders").await, 1);
            assert_eq!(world.acme.lead(first.lead).await.unwrap().unwrap().contact, first.contact);
            world.assert_sound(world.acme.id()).await;
        });
    }
}

// R7b
#[test]
fn a_number_that_is_taken_is_a_conflict_and_ends_a_transaction_without_savepoints() {
    let place = Arc::new(Place::new());
    for (way, options) in ways() {
        for savepoints in [false, true] {
            let options = if savepoints { options.clone().savepoints() } else { options.clone() };
            let world = World::new(&place, way, options);
            run(async {
                created(world.take(&world.acme, lead(1)).await);
                // As after a restore that lost the head, but no contact.
                world.place.execute(&format!("UPDATE {{s}}.head SET contacts = 0 {}", world.its())).await;
                let head = world.head().await;
                assert_eq!(kind(world.take(&world.acme, lead(2)).await), ErrorKind::Conflict);
                let mut conn = connect().await;
                conn.execute("BEGIN").await.unwrap();
                let inside = world.acme.within(world.store.within(&mut conn));
                assert_eq!(kind(world.take(&inside, lead(2)).await), ErrorKind::Conflict);
                let known = world.take(&inside, lead(1)).await;
                assert_eq!(known.is_ok(), savepoints, "{way:?}: {known:?}");
                drop(inside);
                conn.execute("ROLLBACK").await.unwrap();
                conn.close().await.unwrap();
                assert_eq!(world.head().await, head);
                assert_eq!(world.count("lead").await, 1 + world.fillers() as i64);
            });
        }
    }
}

// R8
#[test]
fn numbers_of_a_transaction_that_was_rolled_back_are_handed_out_once() {
    let place = Arc::new(Place::new());
    for (way, options) in ways() {
        let world = World::new(&place, way, options);
        run(async {
            let mut conn = connect().await;
            conn.execute("BEGIN").await.unwrap();
            let inside = world.acme.within(world.store.within(&mut conn));
            let mut lost = Vec::new();
            for n in 1..=3 {
                lost.push(created(world.take(&inside, lead(n)).await).number);
            }
            drop(inside);
            conn.execute("ROLLBACK").await.unwrap();
            conn.close().await.unwrap();
            let mut numbers = Vec::new();
            for n in 1..=6 {
                numbers.push(created(world.take(&world.acme, lead(n)).await).number);
            }
            assert_eq!(numbers[..3], lost);
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), 6);
            world.assert_sound(world.acme.id()).await;
        });
    }
}

// R9
#[test]
fn two_leads_of_a_transaction_around_another_writer_do_not_deadlock() {
    let place = Arc::new(Place::new());
    for (way, options) in ways() {
        for second_in_transaction in [false, true] {
            let world = World::new(&place, way, options.clone());
            run(async {
                let known = [lead(1), lead(2)];
                for raw in known {
                    created(world.take(&world.acme, raw).await);
                }
                let mut holder = Holder::begin().await;
                let pid = holder.pid;
                let inside = world.acme.within(world.store.within(&mut holder.conn));
                linked(world.take(&inside, lead(1)).await);
                let first = async {
                    until_blocked(pid).await;
                    linked(world.take(&inside, lead(2)).await)
                };
                // The second writer is still waiting when the first is done, and goes on when it commits.
                let mut second = pin!(world.second(lead(2), second_in_transaction));
                let first = tokio::select! {
                    answer = &mut second => panic!("the second did not wait: {answer:?}"),
                    first = first => first,
                };
                drop(inside);
                let (second, _) = tokio::join!(second, holder.end("COMMIT"));
                let second = linked(second);
                assert_eq!((second.contact, second.duplicate_of), (first.contact, Some(first.lead)));
                let contact = world.acme.contact(ContactRef::Id(first.contact)).await.unwrap().unwrap();
                assert_eq!(contact.version, Version(3));
                world.assert_sound(world.acme.id()).await;
            });
        }
    }
}

// R11
#[test]
fn without_its_head_a_workspace_takes_nothing() {
    let place = Arc::new(Place::new());
    for (way, options) in ways() {
        let world = World::new(&place, way, options);
        run(async {
            let before = world.census().await;
            world.place.execute(&format!("DELETE FROM {{s}}.head {}", world.its())).await;
            assert_eq!(kind(world.take(&world.acme, lead(1)).await), ErrorKind::NotFound);
            assert_eq!(world.census().await, before);
        });
    }
}

// R11
#[test]
fn a_head_that_goes_while_a_lead_waits_is_missed() {
    let place = Arc::new(Place::new());
    for (way, options) in ways() {
        let world = World::new(&place, way, options);
        run(async {
            let before = world.census().await;
            let mut holder = Holder::begin().await;
            let gone = format!("DELETE FROM {}.head {}", world.place.schema, world.its());
            holder.conn.execute(AssertSqlSafe(gone)).await.unwrap();
            let late = world.take(&world.acme, lead(1));
            let (answer, ()) = tokio::join!(late, holder.end_once_it_is_waited_for("COMMIT"));
            assert_eq!(kind(answer), ErrorKind::NotFound);
            assert_eq!(world.census().await, before);
        });
    }
}

// R12
#[test]
fn a_change_set_of_two_rows_is_applied_whole_or_not_at_all() {
    let place = Arc::new(Place::new());
    for end in ["COMMIT", "ROLLBACK"] {
        for (options, batch) in
            [(Options::new(), 1), (Options::new(), 2), (Options::new().plain_statements(), 1)]
        {
            let world = World::new(&place, Way::One, options);
            run(async {
                let acme = world.acme.id();
                let made = world.store.commit(vec![notes(acme, &["a", "b"], "old", None)]).await;
                assert!(made.iter().all(Result::is_ok), "{made:?}");
                let mut holder = Holder::begin().await;
                let tx = world.store.within(&mut holder.conn);
                let changed = tx.commit(vec![notes(acme, &["b"], "first", Some(Version(1)))]).await;
                assert!(changed.iter().all(Result::is_ok), "{changed:?}");
                drop(tx);
                let mut changes = vec![notes(acme, &["a", "b"], "second", Some(Version(1)))];
                if batch == 2 {
                    changes.push(notes(acme, &["c"], "second", None));
                }
                let second = world.store.commit(changes);
                let (results, ()) = tokio::join!(second, holder.end_once_it_is_waited_for(end));
                let mut bodies = Vec::new();
                for key in ["a", "b"] {
                    let found = fetch_record(&world.store, acme, "note", key).await.unwrap().unwrap();
                    bodies.push((found.body, found.version));
                }
                let row = |body: &str, version| (body.into(), Version(version));
                match end {
                    "COMMIT" => {
                        assert!(matches!(results[0], Err(CommitError::Conflict { .. })), "{results:?}");
                        assert_eq!(bodies, [row("old", 1), row("first", 2)]);
                    }
                    _ => {
                        assert!(results[0].is_ok(), "{results:?}");
                        assert_eq!(bodies, [row("second", 2), row("second", 2)]);
                    }
                }
                // Another change set of the batch does not suffer for it.
                assert!(results[1..].iter().all(Result::is_ok), "{results:?}");
            });
        }
    }
}

#[test]
fn a_configuration_that_is_changed_while_a_lead_waits_holds_for_it() {
    each(async |world, race| {
        let mut closed = WebhookSettings::default();
        closed.active = false;
        for end in ["ROLLBACK", "COMMIT"] {
            let mut holder = Holder::begin().await;
            let inside = world.acme.within(world.store.within(&mut holder.conn));
            inside.configure_webhook("direct", closed.clone()).await.unwrap();
            drop(inside);
            let late = world.second(lead(1), race.second_in_transaction);
            let (answer, ()) = tokio::join!(late, holder.end_once_it_is_waited_for(end));
            match end {
                "ROLLBACK" => drop(created(answer)),
                _ => assert_eq!(codes(&rejected(answer).reasons), ["webhook/inactive"]),
            }
        }
        assert_eq!(world.count("lead").await, 1 + world.fillers() as i64);
    });
}

#[test]
fn a_row_that_the_caller_saw_before_it_was_changed_is_a_conflict() {
    let place = Arc::new(Place::new());
    for options in [Options::new(), Options::new().plain_statements()] {
        for end in ["COMMIT", "ROLLBACK"] {
            let world = World::new(&place, Way::One, options.clone());
            run(async {
                let id = created(world.take(&world.acme, lead(1)).await).lead;
                let seen = world.acme.lead(id).await.unwrap().unwrap();
                let mut holder = Holder::begin().await;
                let inside = world.acme.within(world.store.within(&mut holder.conn));
                inside.move_lead(&seen, "contacted", None).await.unwrap();
                drop(inside);
                let second = world.acme.move_lead(&seen, "qualified", None);
                let (second, ()) = tokio::join!(second, holder.end_once_it_is_waited_for(end));
                match end {
                    "COMMIT" => assert_eq!(kind(second), ErrorKind::Conflict),
                    _ => assert_eq!(second.unwrap().version, Version(2)),
                }
                world.assert_sound(world.acme.id()).await;
            });
        }
    }
}

#[test]
fn a_change_that_does_not_say_what_it_saw_comes_after_the_other() {
    let place = Arc::new(Place::new());
    for options in [Options::new(), Options::new().plain_statements()] {
        let world = World::new(&place, Way::One, options);
        run(async {
            let id = created(world.take(&world.acme, lead(1)).await).lead;
            let mut holder = Holder::begin().await;
            let inside = world.acme.within(world.store.within(&mut holder.conn));
            inside.move_lead(id, "contacted", None).await.unwrap();
            drop(inside);
            let second = world.acme.move_lead(id, "qualified", None);
            let (second, ()) = tokio::join!(second, holder.end_once_it_is_waited_for("COMMIT"));
            let second = second.unwrap();
            assert_eq!((second.version, second.progress.status.key.as_str()), (Version(3), "qualified"));
            world.assert_sound(world.acme.id()).await;
        });
    }
}

#[test]
fn a_sale_that_two_record_under_one_id_is_recorded_once() {
    let place = Arc::new(Place::new());
    for options in [Options::new(), Options::new().plain_statements()] {
        let world = World::new(&place, Way::One, options);
        run(async {
            let id = created(world.take(&world.acme, lead(1)).await).lead;
            let sale = || NewConversion::sale(id, "5 USD".parse().unwrap()).external_id("invoice");
            let mut holder = Holder::begin().await;
            let inside = world.acme.within(world.store.within(&mut holder.conn));
            let first = inside.convert(sale()).await.unwrap();
            drop(inside);
            let second = world.acme.convert(sale());
            let (second, ()) = tokio::join!(second, holder.end_once_it_is_waited_for("COMMIT"));
            assert_eq!(second.unwrap().id, first.id);
            assert_eq!(world.count("conversion").await, 1);
            world.assert_sound(world.acme.id()).await;
        });
    }
}

#[test]
fn a_write_that_was_overtaken_is_done_again_under_the_lock_and_counted() {
    let place = Arc::new(Place::new());
    for (way, options) in ways() {
        let world = World::new(&place, way, options);
        run(async {
            // Nobody is faster: nothing is done again.
            created(world.take(&world.acme, lead(1)).await);
            linked(world.take(&world.acme, lead(1)).await);
            assert_eq!(world.store.retries(), 0);
            for (n, second_in_transaction) in [(1, false), (2, true)] {
                let race = Race { world: &world, second_in_transaction };
                let (first, second) = race.run(lead(1), lead(1), "COMMIT").await;
                linked(first);
                linked(second);
                // Plain statements take the lock at once, and are never overtaken.
                assert_eq!(world.store.retries(), if way.is_optimistic() { n } else { 0 }, "{way:?}");
            }
        });
    }
}

#[test]
fn a_call_that_is_dropped_while_it_waits_leaves_nothing_behind() {
    let place = Arc::new(Place::new());
    for (way, options) in ways() {
        let world = World::new(&place, way, options);
        run(async {
            created(world.take(&world.acme, lead(1)).await);
            let mut holder = Holder::begin().await;
            let inside = world.acme.within(world.store.within(&mut holder.conn));
            linked(world.take(&inside, lead(1)).await);
            drop(inside);
            tokio::select! {
                answer = world.take(&world.acme, lead(2)) => panic!("it did not wait: {answer:?}"),
                () = until_blocked(holder.pid) => {}
            }
            // The server hears that its client went away: the tests ask it to look every second.
            until_nobody_is_blocked(holder.pid).await;
            holder.end("COMMIT").await;
            // No lock is held, and nothing of the lead is there.
            created(world.take(&world.acme, lead(2)).await);
            assert_eq!(world.head().await.contacts, 2 + world.fillers());
            world.assert_sound(world.acme.id()).await;
        });
    }
}

#[test]
fn a_call_that_is_dropped_at_any_point_is_done_whole_or_not_at_all() {
    let place = Arc::new(Place::new());
    for (way, options) in ways() {
        let world = World::new(&place, way, options);
        run(async {
            created(world.take(&world.acme, lead(1)).await);
            let (mut polls, mut keys, mut dropped) = (0, 0, 0);
            while dropped == 0 || polls > 0 {
                polls += 1;
                keys += 1;
                let raw = lead(2).idempotency_key(format!("key {keys}"));
                if let Some(answer) = up_to(polls, world.take(&world.acme, raw.clone())).await {
                    taken(answer);
                    // A machine that is busy elsewhere may have the answer there at the first look: then once more.
                    polls = 0;
                    assert!(keys < 1_000, "no call was ever dropped");
                    continue;
                }
                // What became of it is found out by saying it again; this waits for what may still be under way.
                let again = world.take(&world.acme, raw).await.unwrap();
                assert!(again.accepted().is_ok(), "{again:?}");
                dropped += 1;
            }
            assert_eq!(world.head().await.contacts, 2 + world.fillers());
            // Every key is one lead.
            let leads = world.count("lead").await;
            let expected = 1 + keys as i64 + world.fillers() as i64;
            assert!(
                if way == Way::Batch { leads >= expected } else { leads == expected },
                "{way:?}: {leads}"
            );
            world.assert_sound(world.acme.id()).await;
        });
    }
}

#[test]
fn a_call_that_is_dropped_in_a_callers_transaction_goes_with_its_rollback() {
    let place = Arc::new(Place::new());
    for (way, options) in ways() {
        let world = World::new(&place, way, options);
        run(async {
            created(world.take(&world.acme, lead(1)).await);
            let head = world.head().await;
            let mut conn = connect().await;
            for polls in 1..12 {
                conn.execute("BEGIN").await.unwrap();
                let inside = world.acme.within(world.store.within(&mut conn));
                let _ = up_to(polls, world.take(&inside, lead(2))).await;
                drop(inside);
                conn.execute("ROLLBACK").await.unwrap();
                assert_eq!(world.head().await, head);
            }
            // The connection is as good as before.
            conn.execute("BEGIN").await.unwrap();
            created(world.take(&world.acme.within(world.store.within(&mut conn)), lead(2)).await);
            conn.execute("COMMIT").await.unwrap();
            conn.close().await.unwrap();
            world.assert_sound(world.acme.id()).await;
        });
    }
}

#[test]
fn a_store_may_be_dropped_where_there_is_no_runtime() {
    let place = Place::new();
    let store = {
        let _runtime = runtime().enter();
        let pool = PgPoolOptions::new().max_connections(2).test_before_acquire(false);
        Arc::new(PgStore::with(pool.connect_lazy_with(server()), place.options().hold(2)))
    };
    let acme = run(async {
        let acme = process(&store).create_workspace(NewWorkspace::named("Acme Solar")).await.unwrap();
        created(acme.ingest(lead(1)).await);
        acme
    });
    // A call that has its connection, and gets no further.
    let mut holder = run(Holder::begin());
    let tx = acme.within(store.within(&mut holder.conn));
    linked(run(tx.ingest(lead(1))));
    drop(tx);
    let mut call = Box::pin(acme.ingest(lead(1)));
    run(async {
        tokio::select! {
            answer = &mut call => panic!("it did not wait: {answer:?}"),
            () = until_blocked(holder.pid) => {}
        }
    });
    assert!(tokio::runtime::Handle::try_current().is_err());
    drop(call);
    drop((acme, store));
    run(holder.end("COMMIT"));
}

/// How a lead is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In one statement.
    One,
    /// With an appointment: a change set of the general kind.
    Received,
    /// In a batch, of which it is the first: under the lock from the beginning.
    Batch,
    /// In plain statements.
    Plain,
}

fn ways() -> [(Way, Options); 4] {
    let options = Options::new;
    [
        (Way::One, options()),
        (Way::Received, options()),
        (Way::Batch, options()),
        (Way::Plain, options().plain_statements()),
    ]
}

impl Way {
    async fn take(self, acme: &WorkspaceHandle<'_>, raw: RawLead) -> Result<Ingested, Error> {
        match self {
            Self::One | Self::Plain => acme.ingest(raw).await,
            Self::Received => {
                let at = Schedule::local("2027-03-02T10:00", "America/Los_Angeles")?;
                Ok(acme.receive(raw, at).await?.taken)
            }
            Self::Batch => {
                let rows = vec![raw, lead(FILLER).idempotency_key("filler")];
                acme.ingest_batch(rows, Atomicity::PerRow).await?.rows.swap_remove(0)
            }
        }
    }

    /// Whether it first tries without the lock.
    fn is_optimistic(self) -> bool {
        matches!(self, Self::One | Self::Received | Self::Batch)
    }
}

/// A workspace of its own, in the schema of a test.
struct World {
    way: Way,
    store: Arc<PgStore>,
    convio: Convio<'static>,
    acme: WorkspaceHandle<'static>,
    clock: ManualClock,
    place: Arc<Place>,
}

impl World {
    fn new(place: &Arc<Place>, way: Way, options: Options) -> Self {
        let place = place.clone();
        let options = options.schema(&place.schema).expect("a name").hold(8);
        let store = Arc::new(PgStore::with(place.pool.clone(), options));
        let clock = ManualClock::at(NOON);
        let convio = Convio::with(Shared(store.clone()), clock.clone(), RandomIds::default());
        let acme = run(async {
            let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await.unwrap();
            assert!(acme.webhook("direct").await.unwrap().is_some());
            acme
        });
        Self { way, store, convio, acme, clock, place }
    }

    async fn take(&self, acme: &WorkspaceHandle<'_>, raw: RawLead) -> Result<Ingested, Error> {
        self.clock.advance(TimeDelta::seconds(1));
        self.way.take(acme, raw).await
    }

    /// Takes a lead over the pool, or in a transaction of its own.
    async fn second(&self, raw: RawLead, in_transaction: bool) -> Result<Ingested, Error> {
        if !in_transaction {
            return self.take(&self.acme, raw).await;
        }
        let mut conn = connect().await;
        conn.execute("BEGIN").await.unwrap();
        let answer = self.take(&self.acme.within(self.store.within(&mut conn)), raw).await;
        conn.execute("COMMIT").await.unwrap();
        conn.close().await.unwrap();
        answer
    }

    async fn head(&self) -> convio_core::event::Head {
        self.acme.head().await.unwrap().unwrap()
    }

    /// Leads, each of a contact of its own, that batches take besides.
    fn fillers(&self) -> u64 {
        u64::from(self.way == Way::Batch)
    }

    /// Its rows.
    fn its(&self) -> String {
        format!("WHERE workspace_id = '{}'", self.acme.id())
    }

    async fn count(&self, table: &str) -> i64 {
        self.place.count(&format!("SELECT count(*) FROM {{s}}.{table} {}", self.its())).await
    }

    /// How many rows each table has, but for the head.
    async fn census(&self) -> Vec<(String, i64)> {
        let tables = "SELECT table_name::text FROM information_schema.columns WHERE table_schema = '{s}' \
                      AND column_name = 'workspace_id' AND table_name <> 'head' ORDER BY 1";
        let mut census = Vec::new();
        for table in self.place.column::<String>(tables).await {
            let rows = self.count(&table).await;
            census.push((table, rows));
        }
        census
    }

    async fn assert_sound(&self, workspace: WorkspaceId) {
        let snapshot = Snapshot::of(&*self.store, workspace, 100).await.unwrap();
        check_invariants(&snapshot).unwrap_or_else(|broken| panic!("{:?}: {broken}", self.way));
        // What is numbered is numbered without a gap, and the head says how far.
        let feed = self.store.feed(workspace, Position(0), 1_000).await.unwrap();
        assert_eq!(self.store.head(workspace).await.unwrap().unwrap().feed, Position(feed.len() as u64));
    }
}

/// Two writers.
struct Race<'w> {
    world: &'w World,
    second_in_transaction: bool,
}

impl Race<'_> {
    /// The first takes a lead in a transaction; the second takes one, and waits; the first ends its transaction.
    async fn run(
        &self,
        first: RawLead,
        second: RawLead,
        end: &'static str,
    ) -> (Result<Ingested, Error>, Result<Ingested, Error>) {
        let world = self.world;
        let mut holder = Holder::begin().await;
        let inside = world.acme.within(world.store.within(&mut holder.conn));
        let first = world.take(&inside, first).await;
        drop(inside);
        let second = world.second(second, self.second_in_transaction);
        let (second, ()) = tokio::join!(second, holder.end_once_it_is_waited_for(end));
        (first, second)
    }
}

/// Runs a race in every way, and checks what it left.
fn each(race: impl AsyncFn(&World, &Race<'_>)) {
    let place = Arc::new(Place::new());
    for (way, options) in ways() {
        for second_in_transaction in [false, true] {
            let world = World::new(&place, way, options.clone());
            run(async {
                race(&world, &Race { world: &world, second_in_transaction }).await;
                world.assert_sound(world.acme.id()).await;
            });
        }
    }
}

/// A connection with a transaction that others wait for.
struct Holder {
    conn: PgConnection,
    pid: i32,
}

impl Holder {
    async fn begin() -> Self {
        let mut conn = connect().await;
        conn.execute("BEGIN").await.unwrap();
        let pid = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut conn).await.unwrap();
        Self { conn, pid }
    }

    async fn end_once_it_is_waited_for(self, how: &'static str) {
        until_blocked(self.pid).await;
        self.end(how).await;
    }

    async fn end(mut self, how: &'static str) {
        self.conn.execute(how).await.unwrap();
        self.conn.close().await.unwrap();
    }
}

/// Returns once a backend waits for this one.
async fn until_blocked(holder: i32) {
    until(holder, |waiting| waiting > 0).await;
}

async fn until_nobody_is_blocked(holder: i32) {
    until(holder, |waiting| waiting == 0).await;
}

async fn until(holder: i32, is_so: impl Fn(i64) -> bool) {
    let mut watcher = connect().await;
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))";
    for _ in 0..POLLS_MAX {
        let waiting = sqlx::query_scalar(waits).bind(holder).fetch_one(&mut watcher).await.unwrap();
        if is_so(waiting) {
            return watcher.close().await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came to that");
}

/// Polls a future so many times at most; `None` where it was not done by then, and is dropped.
async fn up_to<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut left) = (pin!(future), polls);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => {
            left -= 1;
            if left == 0 { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}

/// A process over a store.
fn process(store: &Arc<PgStore>) -> Convio<'static> {
    Convio::with(Shared(store.clone()), ManualClock::at(NOON), RandomIds::default())
}

/// A change set that writes rows with a version.
fn notes(workspace: WorkspaceId, keys: &[&str], body: &str, at: Option<Version>) -> ChangeSet {
    let mut changes = ChangeSet::new(workspace, DateTime::UNIX_EPOCH, Origin::default());
    for key in keys {
        let (kind, key, version) = ("note".to_owned(), (*key).to_owned(), at.unwrap_or_default().next());
        let row = Record { workspace, kind, key, body: body.into(), version };
        changes.records.push(match at {
            None => Write::Insert(row),
            Some(at) => Write::Update { row, at },
        });
    }
    changes
}

#[track_caller]
fn kind<T: std::fmt::Debug>(answer: Result<T, Error>) -> ErrorKind {
    answer.unwrap_err().kind()
}

/// A moment of no meaning, in microseconds since 1970.
const NOON: i64 = 1_803_990_000_000_000;
/// The phone number of the lead that a batch takes besides.
const FILLER: u32 = 9_999;
/// Polls of 5 ms before a race that never blocks fails.
const POLLS_MAX: u32 = 6_000;
