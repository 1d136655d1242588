use std::collections::BTreeMap;

use convio_core::contact::Touch;
use convio_core::event::EventBody;
use convio_core::{ContactId, Event, LeadId};

use super::hold;
use crate::Snapshot;

/// A conversion names its contact's first lead, and the last one that counts and came before it, as far as was known when
/// it was recorded; the sold lead where there was none before it.
pub(super) fn conversions_name_their_touches(snapshot: &Snapshot) -> Result<(), String> {
    for (n, event) in snapshot.feed.iter().enumerate() {
        let EventBody::ConversionRecorded(recorded) = &event.body else { continue };
        let known = known(&snapshot.feed[..n], event);
        let order = |known: &&Known| (known.touch.at, known.touch.lead);
        let first = known.values().min_by_key(order).map(|known| &known.touch);
        hold!(
            first.is_some_and(|first| same(first, &recorded.first_touch)),
            "{:?} names {:?} first, not {first:?}",
            event.subject(),
            recorded.first_touch
        );
        let before = |known: &&Known| known.counts && known.touch.at <= recorded.occurred_at;
        let last = known.values().filter(before).max_by_key(order);
        let last = last.or_else(|| known.get(&event.lead_id()?)).map(|known| &known.touch);
        hold!(
            last.is_some_and(|last| same(last, &recorded.last_touch)),
            "{:?} names {:?} last, not {last:?}",
            event.subject(),
            recorded.last_touch
        );
    }
    Ok(())
}

/// A lead of the contact, and whether it counts: neither a test nor deleted.
struct Known {
    touch: Touch,
    test: bool,
    counts: bool,
}

/// The leads of the event's contact, as they were its own by then.
fn known(before: &[Event], of: &Event) -> BTreeMap<LeadId, Known> {
    let mut known: BTreeMap<LeadId, (Option<ContactId>, Known)> = BTreeMap::new();
    for event in before {
        let Some(lead) = event.lead_id() else { continue };
        if let EventBody::LeadReceived(received) = &event.body {
            let touch = Touch { source: received.interest.source.clone(), lead, at: received.received_at };
            let row = Known { touch, test: received.test, counts: !received.test };
            known.insert(lead, (event.contact_id(), row));
        }
        if let Some((contact, known)) = known.get_mut(&lead) {
            match event.body {
                EventBody::LeadDeleted => known.counts = false,
                EventBody::LeadRestored => known.counts = !known.test,
                EventBody::Reparented { .. } => *contact = event.contact_id(),
                _ => {}
            }
        }
    }
    let own = known.into_iter().filter(|(_, (contact, _))| *contact == of.contact_id());
    own.map(|(lead, (_, known))| (lead, known)).collect()
}

/// Equal as written: sources are compared without regard to case elsewhere.
fn same(one: &Touch, other: &Touch) -> bool {
    one == other && one.source.as_str() == other.source.as_str()
}
