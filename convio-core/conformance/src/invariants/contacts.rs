use std::collections::{BTreeMap, BTreeSet};

use convio_core::contact::Stamp;
use convio_core::event::{EventBody, LeadReceived};
use convio_core::{Contact, Event, KeyKind, NumberSeries, Person};

use super::hold;
use crate::{Snapshot, naive};

/// Every key leads to one contact, every contact has one, and every lead went where its key leads.
pub(super) fn one_contact_per_key(snapshot: &Snapshot) -> Result<(), String> {
    let mut owners = BTreeMap::new();
    for (contact, keys) in &snapshot.keys {
        let is_gone = snapshot.contacts.iter().any(|row| row.id == *contact && row.merged_into.is_some());
        hold!(keys.is_empty() == is_gone, "{contact} has {} keys", keys.len());
        hold!(keys.windows(2).all(|pair| pair[0] < pair[1]), "the keys of {contact} are not in order");
        for key in keys {
            let other = owners.insert(key, *contact);
            hold!(other.is_none(), "{key:?} leads to {contact} and {other:?}");
        }
    }
    for (key, owner) in &owners {
        // Its id leads to whoever it went into, and that one, and so on.
        let Some(mut id) = (key.kind == KeyKind::Contact).then(|| key.value.parse().ok()).flatten() else {
            continue;
        };
        let of = |id| snapshot.contacts.iter().find(|row| row.id == id).and_then(|row| row.merged_into);
        while let Some(into) = of(id) {
            id = into;
        }
        hold!(*owner == id, "{key:?} leads to {owner}, and it went into {id}");
    }
    let expected =
        snapshot.keys.iter().flat_map(|(contact, keys)| std::iter::repeat_n(Some(*contact), keys.len() + 1));
    hold!(
        expected.eq(snapshot.found.iter().copied()),
        "keys and numbers lead elsewhere: {:?}",
        snapshot.found
    );
    for (event, received) in received(snapshot) {
        let key = received.personal.as_ref().and_then(|personal| personal.key.as_ref());
        let Some(key) = key else { continue };
        let owner = owners.get(key).copied();
        let row = snapshot.leads.iter().find(|lead| Some(lead.id) == event.lead_id());
        let of = row.map(|lead| lead.contact);
        hold!(owner == of, "{key:?} leads to {owner:?}, and its lead to {of:?}");
    }
    Ok(())
}

/// The n-th contact has the n-th number of the series: so none is given twice, and none is wasted.
pub(super) fn numbers_follow_the_series(snapshot: &Snapshot) -> Result<(), String> {
    let Some(workspace) = &snapshot.workspace else {
        return Ok(());
    };
    let series = NumberSeries::of(workspace.id);
    let made = snapshot.feed.iter().filter_map(|event| Some((event.contact_id()?, event.contact_number?)));
    let mut n = 0;
    for (contact, number) in made {
        hold!(
            number == series.nth(n),
            "{contact} was made with {number}, the {n}-th number is {}",
            series.nth(n)
        );
        let row = snapshot.contacts.iter().find(|row| row.id == contact);
        hold!(row.is_some_and(|row| row.number == number), "{contact} does not have the number {number}");
        n += 1;
    }
    let rows = snapshot.contacts.len() as u64;
    hold!(rows == n, "{n} contacts were made, and there are {rows}");
    let counted = snapshot.head.map(|head| head.contacts);
    hold!(counted == Some(n), "{n} contacts were made, and the head counts {counted:?}");
    let numbers: BTreeSet<_> = snapshot.contacts.iter().map(|row| row.number).collect();
    hold!(numbers.len() == snapshot.contacts.len(), "a number was given twice");
    Ok(())
}

/// Leads, conversions, first touch, customer since, lifetime value: what the rows of leads and conversions come to.
pub(super) fn contacts_are_what_happened(snapshot: &Snapshot) -> Result<(), String> {
    let mut merges = BTreeSet::new();
    for event in &snapshot.feed {
        if let EventBody::ContactMerged(with) | EventBody::ContactUnmerged(with) = &event.body {
            merges.extend(event.contact_id());
            merges.insert(with.other);
        }
    }
    for contact in &snapshot.contacts {
        let Contact { id, first_touch, leads, customer_since, conversions, lifetime, version, .. } = contact;
        let own: Vec<_> = snapshot.leads.iter().filter(|lead| lead.contact == *id).collect();
        let counted = own.iter().filter(|lead| lead.deleted_at.is_none()).count();
        hold!(counted == *leads as usize, "{id} counts {leads} leads and has {counted}");
        if contact.merged_into.is_some() {
            let is_empty = own.is_empty() && !snapshot.conversions.iter().any(|row| row.contact == *id);
            let counts_nothing = (leads, conversions, customer_since) == (&0, &0, &None);
            let has_nothing = lifetime.iter().count() == 0 && counts_nothing;
            hold!(is_empty && has_nothing, "{id} went into another contact, and has something still");
            continue;
        }
        let first = own.iter().min_by_key(|lead| (lead.received_at, lead.id));
        let Some(first) = first else {
            return Err(format!("{id} has no lead"));
        };
        let touched = (first_touch.lead, first_touch.at, &first_touch.source);
        hold!(
            touched == (first.id, first.received_at, &first.interest.source),
            "the first touch of {id} is {touched:?}, its first lead {}",
            first.id
        );
        let openers = own.iter().filter(|lead| lead.opened_contact).count();
        hold!(openers == 1 || merges.contains(id), "{openers} leads made {id}");
        let sold: Vec<_> = snapshot.conversions.iter().filter(|row| row.contact == *id).collect();
        let standing: Vec<_> = sold.iter().filter(|row| row.voided.is_none()).collect();
        hold!(
            standing.len() == *conversions as usize,
            "{id} counts {conversions} conversions and has {} that stand",
            standing.len()
        );
        let since = standing.iter().map(|row| row.occurred_at).min();
        hold!(
            since == *customer_since,
            "{id} is a customer since {customer_since:?}, its first sale {since:?}"
        );
        let mut sums: BTreeMap<_, i128> = BTreeMap::new();
        for row in &standing {
            *sums.entry(row.net.currency()).or_default() += i128::from(row.net.minor());
        }
        sums.retain(|_, minor| *minor != 0);
        let worth = lifetime.iter().map(|sum| (sum.currency(), i128::from(sum.minor())));
        hold!(worth.eq(sums.clone()), "{id} is worth {lifetime:?}, its conversions {sums:?}");
        if merges.contains(id) {
            continue; // what changed it was in part another's: its events fold to it
        }
        let deleted = snapshot.feed.iter().filter(|event| {
            let body = &event.body;
            let counts = matches!(body, EventBody::LeadDeleted | EventBody::LeadRestored);
            counts && own.iter().any(|lead| event.lead_id() == Some(lead.id))
        });
        let adjusted: usize = sold.iter().map(|row| row.adjustments.len()).sum();
        let identified = snapshot.feed.iter().filter(|event| {
            event.contact_id() == Some(*id) && matches!(event.body, EventBody::ContactIdentified { .. })
        });
        let changes = own.len()
            + sold.len()
            + (sold.len() - standing.len())
            + deleted.count()
            + adjusted
            + identified.count();
        hold!(version.0 == changes as u64, "{id} has version {version} after {changes} changes");
    }
    Ok(())
}

/// Per field, what the greatest stamp said: also said by the events, in whatever order they came.
pub(super) fn persons_are_merged_in_any_order(snapshot: &Snapshot) -> Result<(), String> {
    for contact in &snapshot.contacts {
        if contact.merged_into.is_some() {
            continue; // it keeps what was known when it went
        }
        let of = |id| snapshot.leads.iter().find(|lead| Some(lead.id) == id).map(|lead| lead.contact);
        let own = received(snapshot).filter(|(event, _)| of(event.lead_id()) == Some(contact.id));
        let offers: Vec<(Stamp, Person)> = own
            .filter_map(|(event, received)| {
                let stamp = Stamp { rank: received.rank, at: received.received_at, lead: event.lead_id()? };
                Some((stamp, received.person()?.clone()))
            })
            .collect();
        let (person, stamps) = naive::person_of(&offers);
        hold!(person == contact.person, "{} is not what the greatest stamps say", contact.id);
        hold!(stamps == contact.stamps, "the stamps of {} are others: {:?}", contact.id, contact.stamps);
    }
    Ok(())
}

fn received(snapshot: &Snapshot) -> impl Iterator<Item = (&Event, &LeadReceived)> {
    snapshot.feed.iter().filter_map(|event| match &event.body {
        EventBody::LeadReceived(received) => Some((event, &**received)),
        _ => None,
    })
}
