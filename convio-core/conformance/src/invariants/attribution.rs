use std::collections::BTreeSet;

use convio_core::attribution::{History, KeptBooking, MILLION, Portion, Touchpoint};
use convio_core::{ContactKey, ConversionId, EventBody, KeyKind, Subject};

use super::hold;
use crate::Snapshot;

/// The net value of a conversion is what its history comes to.
pub(super) fn adjustments_add_up(snapshot: &Snapshot) -> Result<(), String> {
    for row in &snapshot.conversions {
        let adjustments = row.adjustments.iter().map(|adjusted| adjusted.adjustment);
        let history = History::new(row.value, row.created_at, adjustments);
        let history = history.map_err(|error| format!("{} has a history that can't be: {error}", row.id))?;
        for commission in &row.commissions {
            let id = commission.id;
            hold!(commission.paid.is_none() || commission.cancelled.is_none(), "{id} was paid and cancelled");
            hold!(
                commission.paid.is_some() || commission.clawed_back.is_empty(),
                "{id} was taken and not given"
            );
            hold!(commission.kept().minor() >= 0, "{id} was clawed back beyond what was paid");
            let ended = commission.cancelled.is_some() || commission.kept().minor() == 0;
            hold!(row.stands() || ended, "{id} outlives its sale");
        }
        hold!(history.net() == row.net, "{} is worth {}, not {}", row.id, row.net, history.net());
    }
    Ok(())
}

/// By every model, what touches have and what none has are together the net value: in the conversion's own currency and in that of reports,
/// after each record of its history. Of what was voided nothing is left. And a conversion is counted once, or not at all.
pub(super) fn credits_are_the_net_value(snapshot: &Snapshot) -> Result<(), String> {
    let always_kept = !snapshot.feed.iter().any(|event| matches!(event.body, EventBody::AttributionSet(_)));
    let kept: BTreeSet<_> = snapshot.credits.iter().map(|credits| credits.conversion).collect();
    let without = snapshot.conversions.iter().find(|row| !kept.contains(&row.id));
    if let (true, Some(row)) = (always_kept, without) {
        return Err(format!("nobody is credited for {}", row.id));
    }
    // Those that were worked out anew, since when other records are booked.
    let again = snapshot.feed.iter().filter(|event| event.body == EventBody::ConversionReattributed);
    let anew: BTreeSet<ConversionId> = again
        .filter_map(|event| match event.subject() {
            Some(Subject::Conversion(id)) => Some(id),
            _ => None,
        })
        .collect();
    for credits in &snapshot.credits {
        let id = credits.conversion;
        let row = snapshot.conversions.iter().find(|row| row.id == id).ok_or("credits of no conversion")?;
        let records = 1 + row.adjustments.len() + usize::from(row.voided.is_some());
        let stands = row.voided.is_none();
        let net = if stands { row.net.minor() } else { 0 };
        let reported = match (&credits.rate, stands) {
            (Some(rate), true) => Some(rate.convert(row.net).map_err(|error| error.to_string())?.minor()),
            (Some(_), false) => Some(0),
            (None, _) => None,
        };
        hold!(credits.rate == row.rate, "{id} is reported by one rate and credited by another");
        for model in &credits.models {
            let name = &model.name;
            // Each edition but the last one books all of it once more, and takes it back.
            let editions = model.before.iter().map(|edition| (&edition.steps, &edition.bookings, true));
            let editions: Vec<_> = editions.chain([(&model.steps, &model.bookings, false)]).collect();
            let booked: usize = editions.iter().map(|(_, bookings, _)| bookings.len()).sum();
            let kept_at_once = !anew.contains(&id);
            hold!(
                !kept_at_once || booked == records,
                "{id}, {name}: {records} records, and {booked} bookings"
            );
            for (steps, bookings, is_over) in editions {
                let sums = added(id, name, steps.len(), bookings)?;
                let expected = if is_over { [0; 3] } else { [net, reported.unwrap_or(0), count(stands)] };
                hold!(sums == expected, "{id}, {name}: {sums:?} are booked of {expected:?}");
            }
            let given = model.booked();
            hold!(
                given.each.iter().all(|minor| *minor >= 0),
                "{id}, {name}: a touch has less than nothing: {given:?}"
            );
        }
    }
    Ok(())
}

/// What bookings come to: value, reported value, count. Each gives all of it to its touches, where there are any.
fn added(id: ConversionId, name: &str, steps: usize, bookings: &[KeptBooking]) -> Result<[i64; 3], String> {
    let mut sums = [0; 3];
    for booking in bookings {
        let none = Portion::default();
        let parts = [&booking.value, booking.reported.as_ref().unwrap_or(&none), &booking.count];
        for (sum, part) in sums.iter_mut().zip(parts) {
            let each: i64 = part.each.iter().sum();
            hold!(steps == 0 || each == part.sum, "{id}, {name}: {each} of {} is given", part.sum);
            *sum += part.sum;
        }
        hold!(
            booking.value.each.len() == steps && booking.count.each.len() == steps,
            "{id}, {name}: parts for others than its {steps} touches"
        );
    }
    Ok(sums)
}

fn count(stands: bool) -> i64 {
    if stands { MILLION } else { 0 }
}

/// What a contact is shown to have done is what was recorded for it, and for the visitors whose key points to it.
pub(super) fn touches_are_those_of_their_contact(snapshot: &Snapshot) -> Result<(), String> {
    for (contact, journey) in snapshot.contacts.iter().zip(&snapshot.journeys) {
        let keys = snapshot.keys.iter().filter(|(id, _)| *id == contact.id).flat_map(|(_, keys)| keys);
        let merged: BTreeSet<&ContactKey> = keys.clone().filter(|key| key.kind == KeyKind::Contact).collect();
        let visitors: BTreeSet<&str> =
            keys.filter(|key| key.kind == KeyKind::Visitor).map(|key| key.value.as_str()).collect();
        let mut recorded: Vec<&Touchpoint> = Vec::new();
        for event in &snapshot.feed {
            let EventBody::TouchRecorded(touch) = &event.body else { continue };
            let of = event.contact_id();
            let is_own = of == Some(contact.id)
                || of.is_some_and(|id| merged.contains(&ContactKey::of_merged(id)))
                || touch.visitor.as_ref().is_some_and(|visitor| visitors.contains(visitor.0.as_str()));
            if is_own {
                recorded.push(&touch.touch);
            }
        }
        recorded.sort_by_key(|touch| (touch.at, touch.id()));
        hold!(recorded.iter().copied().eq(journey), "{} did {recorded:?}, and has {journey:?}", contact.id);
    }
    Ok(())
}
