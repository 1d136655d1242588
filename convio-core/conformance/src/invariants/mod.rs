//! What must hold of a workspace whatever was done to it, told from what its store shows. Each invariant is a function of
//! its own that says what is broken.

mod attribution;
mod calendars;
mod contacts;
mod counters;
mod links;
mod progress;
mod rollups;
mod rows;
mod statuses;
mod streams;
mod touches;

use convio_core::event::EventBody;
use convio_core::{Event, WorkspaceSettings};

use crate::Snapshot;

/// Checks all of them.
///
/// # Errors
/// Says which one is broken, and by what.
pub fn check_invariants(snapshot: &Snapshot) -> Result<(), String> {
    for (name, check) in INVARIANTS {
        check(snapshot).map_err(|broken| format!("{name}: {broken}"))?;
    }
    Ok(())
}

/// One invariant: its name, and the function that says what breaks it.
pub type Invariant = (&'static str, fn(&Snapshot) -> Result<(), String>);

/// All invariants.
pub const INVARIANTS: &[Invariant] = &[
    ("one contact per key", contacts::one_contact_per_key),
    ("numbers are the workspace's series", contacts::numbers_follow_the_series),
    ("a contact is what its leads and conversions say", contacts::contacts_are_what_happened),
    ("a person is the merge of all offers in any order", contacts::persons_are_merged_in_any_order),
    ("the feed has no gap", streams::feed_is_dense),
    ("every stream has no gap", streams::streams_are_dense),
    ("histories are parts of the feed", streams::histories_are_the_feed),
    ("no change without its event, no event without its change", streams::events_fold_to_rows),
    ("every change of a status is legal", statuses::transitions_are_legal),
    ("a lead is where what happened to it leads", progress::progress_is_what_happened),
    ("every row belongs to the workspace", rows::rows_belong_to_the_workspace),
    ("what came in is kept", rows::payloads_are_kept),
    ("rows that name each other agree", links::links_agree),
    ("a conversion names its touches", touches::conversions_name_their_touches),
    ("lists are sorted", rows::lists_are_sorted),
    ("a conversion is worth what its adjustments leave", attribution::adjustments_add_up),
    ("credits are the net value", attribution::credits_are_the_net_value),
    ("touches are those of their contact", attribution::touches_are_those_of_their_contact),
    ("decisions follow each other", counters::decisions_follow_each_other),
    ("nobody is booked beyond their capacity", calendars::nobody_is_booked_beyond_capacity),
    ("what is taken is what visits take", calendars::what_is_taken_is_what_visits_take),
    ("rollups equal a recount", rollups::rollups_equal_a_recount),
];

/// The events from the workspace's creation on, each with the settings that were in force when it happened.
fn settings_at(snapshot: &Snapshot) -> impl Iterator<Item = (&Event, &WorkspaceSettings)> {
    let mut current = None;
    snapshot.feed.iter().filter_map(move |event| {
        if let EventBody::WorkspaceCreated(settings) | EventBody::WorkspaceConfigured(settings) = &event.body
        {
            current = Some(settings);
        }
        Some((event, current?))
    })
}

macro_rules! hold {
    ($holds:expr, $($say:tt)+) => {
        if !$holds {
            return Err(format!($($say)+));
        }
    };
}
use hold;
