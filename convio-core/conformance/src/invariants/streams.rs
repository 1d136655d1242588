use convio_core::attribution::{AttributionRules, ReportingRates};
use convio_core::delivery::{Endpoint, ToldEndpoint};
use convio_core::event::EventBody;
use convio_core::record::{ATTRIBUTION_KEY, RULES_KEY, Record};
use convio_core::{
    ApiKey, Appointment, Calendar, Contact, Conversion, Event, Lead, Position, Provider, Rejection, RuleSet,
    StreamRef, Subject, Webhook, Workspace,
};

use super::hold;
use crate::{Snapshot, streams};

/// What the record of an aggregate keeps: under its own key, at its own version, and nothing beside it.
macro_rules! kept {
    ($snapshot:expr, $subject:expr, $type:ty, $key:expr) => {
        match record_of($snapshot, $subject)? {
            None => None,
            Some(record) => {
                let row: $type = record.read().map_err(|error| error.to_string())?;
                let again = serde_json::to_value(&row).map_err(|error| error.to_string())?;
                hold!(again == record.body, "the record of {:?} says more than its row", $subject);
                hold!(record.key == $key, "{:?} is kept under `{}`", $subject, record.key);
                hold!(row.version == record.version, "the record of {:?} has a version of its own", $subject);
                Some(row)
            }
        }
    };
}

/// Positions run 1, 2, 3 ... up to the head, and all events are the workspace's.
pub(super) fn feed_is_dense(snapshot: &Snapshot) -> Result<(), String> {
    for (n, event) in (1..).zip(&snapshot.feed) {
        hold!(event.position == Position(n), "the {n}-th event of the feed is at {}", event.position.0);
    }
    let head = snapshot.head.map_or(Position(0), |head| head.feed);
    let last = snapshot.feed.last().map_or(Position(0), |event| event.position);
    hold!(head == last, "the head is at {}, the last event at {}", head.0, last.0);
    Ok(())
}

/// Versions of each stream run 1, 2, 3 ... in the order of the feed.
pub(super) fn streams_are_dense(snapshot: &Snapshot) -> Result<(), String> {
    for stream in streams(&snapshot.feed) {
        let versions = snapshot.feed.iter().filter_map(|event| event.version_in(stream));
        for (n, version) in (1..).zip(versions) {
            hold!(version.0 == n, "the {n}-th event of {stream:?} has version {version}");
        }
    }
    Ok(())
}

/// The history of an aggregate is what the feed holds of it.
pub(super) fn histories_are_the_feed(snapshot: &Snapshot) -> Result<(), String> {
    for (stream, history) in &snapshot.histories {
        let own: Vec<&Event> =
            snapshot.feed.iter().filter(|event| event.version_in(*stream).is_some()).collect();
        hold!(own.len() == history.len(), "{stream:?} has {} events, the feed {}", history.len(), own.len());
        let differs = own.iter().zip(history).find(|(in_feed, event)| **in_feed != *event);
        hold!(differs.is_none(), "{stream:?} differs from the feed: {differs:?}");
    }
    Ok(())
}

/// Replaying the history of an aggregate gives its row; every row has a history, and every history a row.
pub(super) fn events_fold_to_rows(snapshot: &Snapshot) -> Result<(), String> {
    let mut changed = 0;
    for (stream, history) in snapshot.histories.iter().filter(|(_, history)| !history.is_empty()) {
        changed += 1;
        macro_rules! folds {
            ($type:ty, $row:expr) => {{
                let folded = <$type>::fold(history);
                let row = $row;
                hold!(folded.as_ref() == row, "{stream:?} folds to {folded:?}, and its row is {row:?}");
                hold!(
                    row.is_some_and(|row| row.version.0 == history.len() as u64),
                    "{stream:?} misses an event"
                );
            }};
        }
        macro_rules! row {
            ($rows:ident, $id:expr) => {
                snapshot.$rows.iter().find(|row| row.id == *$id)
            };
        }
        match stream {
            StreamRef::Contact(id) => folds!(Contact, row!(contacts, id)),
            StreamRef::Lead(id) => folds!(Lead, row!(leads, id)),
            StreamRef::Subject(subject) => match subject {
                Subject::Workspace(_) => folds!(Workspace, snapshot.workspace.as_ref()),
                Subject::Webhook(id) => folds!(Webhook, row!(webhooks, id)),
                Subject::Rejection(id) => folds!(Rejection, row!(rejections, id)),
                Subject::Appointment(id) => folds!(Appointment, row!(appointments, id)),
                Subject::Conversion(id) => folds!(Conversion, row!(conversions, id)),
                Subject::Provider(id) => {
                    let row: Option<Provider> = kept!(snapshot, *subject, Provider, id.to_string());
                    folds!(Provider, row.as_ref());
                }
                Subject::Endpoint(id) => {
                    let row: Option<Endpoint> = kept!(snapshot, *subject, Endpoint, id.to_string());
                    let row = row.map(|row| row.told());
                    folds!(ToldEndpoint, row.as_ref());
                }
                Subject::Calendar(id) => {
                    let row: Option<Calendar> = kept!(snapshot, *subject, Calendar, id.to_string());
                    folds!(Calendar, row.as_ref());
                }
                Subject::ApiKey(id) => {
                    let row: Option<ApiKey> = kept!(snapshot, *subject, ApiKey, id.to_string());
                    folds!(ApiKey, row.as_ref());
                }
                Subject::Attribution(_) => {
                    let set = history.iter().rev().find_map(|event| match &event.body {
                        EventBody::AttributionSet(settings) => Some(&**settings),
                        _ => None,
                    });
                    let row: Option<AttributionRules> =
                        kept!(snapshot, *subject, AttributionRules, ATTRIBUTION_KEY);
                    hold!(
                        set == row.as_ref().map(|row| &row.settings),
                        "the settings are not those last set"
                    );
                    let version = row.map(|row| row.version.0);
                    hold!(version == Some(history.len() as u64), "a change of the settings has no event");
                }
                Subject::Rates(_) => {
                    let set = history.iter().rev().find_map(|event| match &event.body {
                        EventBody::RatesSet(rates) => Some(&**rates),
                        _ => None,
                    });
                    let row: Option<ReportingRates> =
                        kept!(snapshot, *subject, ReportingRates, ATTRIBUTION_KEY);
                    hold!(set == row.as_ref().map(|row| &row.rates), "the rates are not those last set");
                    let version = row.map(|row| row.version.0);
                    hold!(version == Some(history.len() as u64), "a change of the rates has no event");
                }
                // Rows of touches are looked at where contacts have them.
                Subject::Touchpoint(id) => {
                    hold!(history.len() == 1, "touch {id} was recorded {} times", history.len());
                    changed -= 1;
                }
                Subject::Rules(_) => {
                    let published = history.iter().rev().find_map(|event| match &event.body {
                        EventBody::RulesPublished(rules) => Some(rules),
                        _ => None,
                    });
                    let rules: Option<RuleSet> = kept!(snapshot, *subject, RuleSet, RULES_KEY);
                    hold!(published == rules.as_ref(), "the rules in force are not those last published");
                    let version = rules.map(|rules| rules.version.0);
                    hold!(version == Some(history.len() as u64), "a publication of rules has no event");
                }
            },
        }
    }
    let rows = usize::from(snapshot.workspace.is_some())
        + snapshot.webhooks.len()
        + snapshot.contacts.len()
        + snapshot.leads.len()
        + snapshot.rejections.len()
        + snapshot.appointments.len()
        + snapshot.conversions.len()
        + snapshot.records.len();
    hold!(rows == changed, "{rows} rows stand beside {changed} histories");
    Ok(())
}

/// The one record that keeps this aggregate.
fn record_of(snapshot: &Snapshot, subject: Subject) -> Result<Option<&Record>, String> {
    let own: Vec<&Record> = snapshot.records.iter().filter(|row| row.subject() == Some(subject)).collect();
    hold!(own.len() <= 1, "{subject:?} is kept {} times", own.len());
    Ok(own.first().copied())
}
