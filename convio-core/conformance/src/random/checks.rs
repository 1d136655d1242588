//! The properties that must hold after any list of operations, one function each.

use convio_core::event::EventBody;
use convio_core::routing::RoutingRequest;
use convio_core::{Contact, Ingested, PageRequest, RejectionState, RuleSet, StreamRef};

use super::play::Answer;
use super::{Played, words};
use crate::{INVARIANTS, Snapshot};

/// The invariant of this name holds.
pub(crate) fn invariant(name: &str) -> impl Fn(&Played) -> Result<(), String> {
    let (_, check) = INVARIANTS.iter().find(|(other, _)| *other == name).expect("an invariant of this name");
    move |played| check(&played.snapshot)
}

/// Every lead and rejection that was answered is there, and what was replayed was answered before.
pub(crate) fn acknowledged(played: &Played) -> Result<(), String> {
    let mut first = Vec::new();
    let singles = played.play.answers.iter().flat_map(|answer| match answer {
        Answer::Ingested(answer) => vec![answer.clone()],
        Answer::Batch { applied: true, rows } => rows.iter().filter_map(|row| row.clone().ok()).collect(),
        _ => Vec::new(),
    });
    for answer in singles {
        match answer {
            Ingested::Created(accepted) | Ingested::Linked(accepted) => {
                let row = played.snapshot.leads.iter().find(|lead| lead.id == accepted.lead);
                let kept = row.is_some_and(|lead| {
                    (lead.contact, lead.duplicate_of) == (accepted.contact, accepted.duplicate_of)
                        && lead.flags == accepted.flags
                });
                if !kept {
                    return Err(format!("{accepted:?} was answered, and is not there"));
                }
                first.push(accepted.lead.intake());
            }
            Ingested::Duplicate(refused) | Ingested::Rejected(refused) => {
                if !played.snapshot.rejections.iter().any(|row| row.id == refused.id) {
                    return Err(format!("{refused:?} was answered, and is not there"));
                }
                first.push(refused.id);
            }
            Ingested::Replayed(before) => {
                let id =
                    before.accepted().map_or_else(|refused| refused.id, |accepted| accepted.lead.intake());
                if !first.contains(&id) {
                    return Err(format!("{before:?} was replayed, and never answered before"));
                }
            }
        }
    }
    let rows = played.snapshot.leads.len() + played.snapshot.rejections.len();
    let released =
        played.snapshot.rejections.iter().filter(|row| row.state == RejectionState::Released).count();
    let intakes = played.play.sent.len();
    if rows - released != intakes {
        return Err(format!("{intakes} were taken in, and {rows} stand there, {released} of them released"));
    }
    Ok(())
}

/// Who stands by sees nothing of it.
pub(crate) fn bystander(played: &Played) -> Result<(), String> {
    let (before, after) = &played.bystander;
    before.difference(after).map_or(Ok(()), |difference| Err(format!("the bystander: {difference}")))
}

/// Every appointment went where the rules of that moment send what was known at that moment.
pub(crate) fn routing(played: &Played) -> Result<(), String> {
    let Snapshot { feed, leads, appointments, .. } = &played.snapshot;
    for event in feed {
        let EventBody::AppointmentBooked(booked) = &event.body else { continue };
        let before = || feed.iter().filter(|other| other.position < event.position);
        let rules = before().rev().find_map(|other| match &other.body {
            EventBody::RulesPublished(rules) => Some(rules.clone()),
            _ => None,
        });
        let lead = leads.iter().find(|lead| Some(lead.id) == event.lead_id());
        let lead = lead.ok_or_else(|| format!("{:?} has no lead", event.subject()))?;
        let stream = StreamRef::Contact(lead.contact);
        let contact = Contact::fold(before().filter(|other| other.version_in(stream).is_some()));
        let postal = contact.and_then(|contact| contact.person.postal_code);
        let request = RoutingRequest {
            product: lead.interest.product.clone(),
            postal_code: lead.postal_code.clone().or(postal),
        };
        let decision = RuleSet::decide(&rules.unwrap_or_default(), &request);
        if decision != booked.routing {
            return Err(format!("routed as {:?}, the rules say {decision:?}", booked.routing));
        }
        let row = appointments
            .iter()
            .find(|row| Some(convio_core::Subject::Appointment(row.id)) == event.subject());
        if row.is_none_or(|row| row.routing != decision) {
            return Err(format!("{:?} forgot where it was routed", event.subject()));
        }
    }
    Ok(())
}

/// What came in is kept byte for byte, and every rejection has its reasons.
pub(crate) fn kept(played: &Played) -> Result<(), String> {
    for (intake, body) in &played.play.sent {
        let payload = played.snapshot.payloads.iter().flatten().find(|payload| payload.id == *intake);
        let payload = payload.ok_or_else(|| format!("what came in as {intake} is not kept"))?;
        if body.as_ref().is_some_and(|body| body.as_bytes() != payload.body) {
            return Err(format!("{payload:?} is not what came in"));
        }
    }
    let without = played.snapshot.rejections.iter().find(|row| row.reasons.is_empty());
    without.map_or(Ok(()), |row| Err(format!("{row:?} has no reason")))
}

/// No answer and no row shows a personal word.
pub(crate) fn private(played: &Played) -> Result<(), String> {
    let shown = format!("{:?} {:?}", played.play.answers, played.snapshot);
    let word = words::personal().find(|word| shown.contains(word));
    word.map_or(Ok(()), |word| Err(format!("`{word}` is shown")))
}

/// Every page is as long as was asked for, or the last.
pub(crate) fn pages(played: &Played) -> Result<(), String> {
    let store = &played.play.store;
    let Some(workspace) = &played.snapshot.workspace else { return Ok(()) };
    for size in [1, 2, 5] {
        let page = PageRequest::first(size);
        let rows = pollster::block_on(store.list_leads(workspace.id, &Default::default(), &page));
        let rows = rows.map_err(|error| error.to_string())?;
        let expected = played.snapshot.leads.iter().take(size);
        if !rows.items.iter().eq(expected) || rows.next.is_some() != (played.snapshot.leads.len() > size) {
            return Err(format!(
                "a page of {size} has {} of {} leads",
                rows.items.len(),
                played.snapshot.leads.len()
            ));
        }
        let again = pollster::block_on(Snapshot::of(&**store, workspace.id, size))
            .map_err(|error| error.to_string())?;
        if let Some(difference) = again.difference(&played.snapshot) {
            return Err(format!("by pages of {size}: {difference}"));
        }
    }
    Ok(())
}
