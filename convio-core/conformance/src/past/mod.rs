//! A history in which everything happens: what the databases and the events of a release are kept of.
//!
//! [`travel`] makes it, always the same one. [`look`] says whether a store still has it as it was left, and [`go_on`]
//! whether a later release can work on it. A kind of event, a table or a part of the journey that is new gets its step in
//! [`travel`]: the tests of what is kept fail until it has one.

mod people;
mod releases;
mod sales;
mod setup;
mod visits;

use chrono::TimeDelta;
use convio_core::{Accepted, EventBody, Store, StreamRef, WorkspaceHandle, WorkspaceId};
use serde_json::json;
use uuid::Uuid;

pub use releases::{RELEASED, Releases};

use crate::{Snapshot, World, check_invariants, lead_with, linked};

/// The workspace in which everything happens.
pub const ACME: WorkspaceId = WorkspaceId::from_uuid(Uuid::from_u128(0x_ac4e));
/// A second one, deleted and restored, with one lead of somebody whom the first one knows too.
pub const OTHER: WorkspaceId = WorkspaceId::from_uuid(Uuid::from_u128(0x_07e4));

/// Makes the history: the workspaces, and what happened in them in a few days.
///
/// # Panics
/// Where the store does not take all of it.
pub async fn travel(world: &World<'_>) {
    let acme = setup::workspaces(world).await;
    let people = people::come(world, &acme).await;
    visits::happen(world, &acme, &people).await;
    let sold = sales::are_made(world, &acme, &people).await;
    people::turn_out_to_be_one(world, &acme, &people, sold).await;
    setup::what_reads_the_feed(&acme).await;
}

/// The leads of the history that its parts go on with, each of another person but the second.
struct People {
    john: Accepted,
    /// Another one of John's.
    again: Accepted,
    jane: Accepted,
    ann: Accepted,
    /// Of somebody who turns out to be Ann.
    annie: Accepted,
}

/// All that both workspaces show, as every invariant asks for it.
///
/// # Errors
/// Says which invariant is broken, or what can't be read.
pub async fn look(store: &dyn Store) -> Result<Vec<Snapshot>, String> {
    let mut seen = Vec::new();
    for workspace in [ACME, OTHER] {
        let snapshot = Snapshot::of(store, workspace, 100).await.map_err(|error| error.to_string())?;
        check_invariants(&snapshot)?;
        seen.push(snapshot);
    }
    Ok(seen)
}

/// The kinds of event of this release that these workspaces have none of.
pub fn kinds_missing(seen: &[Snapshot]) -> Vec<&'static str> {
    let has =
        |kind: &str| seen.iter().any(|snapshot| snapshot.feed.iter().any(|event| event.body.kind() == kind));
    EventBody::KINDS.iter().filter(|kind| !has(kind)).copied().collect()
}

/// Works on: a lead of somebody who is known is linked to them, in the feed right after the last event, and whatever is
/// worked on hangs together as before.
///
/// # Panics
/// Where one of it is not so.
pub async fn go_on(world: &World<'_>) {
    let store = world.store();
    let before = look(&*store).await.unwrap();
    world.clock.advance(TimeDelta::days(200));
    for (workspace, before) in [ACME, OTHER].into_iter().zip(before) {
        let acme = later(world, workspace);
        let known = before.leads.iter().find(|lead| lead.deleted_at.is_none()).unwrap();
        let phone = before.contacts.iter().find(|row| row.id == known.contact).unwrap().person.phone.clone();
        let raw = lead_with(1, json!({"phone": phone.unwrap().phone.e164(), "source": "Later"}));
        let accepted = linked(acme.ingest(raw).await);
        assert_eq!(accepted.contact, known.contact);
        let feed = acme.feed(before.head.unwrap().feed, 10).await.unwrap();
        assert_eq!(feed.len(), 1);
        assert_eq!(feed[0].position.0, before.head.unwrap().feed.0 + 1);
        let versions = |snapshot: &Snapshot| snapshot.history(StreamRef::Contact(known.contact)).len();
        acme.move_lead(accepted.lead, "contacted", None).await.unwrap();
        acme.convert(sales::sale(accepted.lead, "40 USD")).await.unwrap();
        let after = Snapshot::of(&*store, workspace, 100).await.unwrap();
        check_invariants(&after).unwrap();
        assert!(versions(&after) > versions(&before));
        assert_eq!(after.feed[..before.feed.len()], before.feed[..], "what happened stays as it was");
    }
}

/// A later process: with ids that no earlier one gave.
fn later(world: &World<'_>, workspace: WorkspaceId) -> WorkspaceHandle<'static> {
    let ids = convio_core::SequentialIds::seeded(LATER);
    convio_core::Convio::with(crate::Shared(world.store()), world.clock.clone(), ids).workspace(workspace)
}

/// A process of this number is none of those that made the history.
const LATER: u16 = 9_000;
