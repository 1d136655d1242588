//! The properties that must hold after any list of operations, one function each.

use std::collections::BTreeMap;

use convio_core::event::EventBody;
use convio_core::lead::LeadFilter;
use convio_core::routing::{Decision, How, RoutingRequest, RuleTable};
use convio_core::store::OWNER_ROWS_MAX;
use convio_core::{
    Appointment, AppointmentId, AppointmentStatus, Contact, Event, Ingested, Lead, PageRequest,
    RejectionState, StreamRef, Subject,
};

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
                // It may be another contact's by now.
                let came_in = played.snapshot.feed.iter().find(|event| {
                    let is_own = event.lead_id() == Some(accepted.lead);
                    is_own && matches!(event.body, EventBody::LeadReceived(_))
                });
                let of = came_in.and_then(Event::contact_id);
                let kept = row.is_some_and(|lead| {
                    let found = (of, lead.duplicate_of, &lead.flags);
                    found == (Some(accepted.contact), accepted.duplicate_of, &accepted.flags)
                });
                let visit = accepted.appointment;
                let booked = visit.is_none_or(|id| {
                    let visits = &mut played.snapshot.appointments.iter();
                    visits.any(|row| row.id == id && row.lead == accepted.lead)
                });
                if !kept || !booked {
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

/// Every appointment went where its caller said, or where the rules of that moment send what was known at that moment; one
/// that was moved went where it had been.
pub(crate) fn routing(played: &Played) -> Result<(), String> {
    let Snapshot { feed, leads, .. } = &played.snapshot;
    let mut places: BTreeMap<AppointmentId, Decision> = BTreeMap::new();
    let mut starts = BTreeMap::new();
    for event in feed {
        let Some(Subject::Appointment(id)) = event.subject() else { continue };
        if let (EventBody::AppointmentSeated { takes }, Some(place)) = (&event.body, places.get_mut(&id)) {
            place.takes.clone_from(takes);
        }
        let Some(routing) = event.body.routing() else { continue };
        let moved_from = match &event.body {
            EventBody::AppointmentBooked(booked) => {
                starts.insert(id, booked.schedule.starts_at);
                booked.rescheduled_from
            }
            _ => None,
        };
        let expected = match (routing, moved_from) {
            // What it takes is by the calendars of then.
            (_, Some(from)) => {
                let place = places.get(&from).cloned();
                place.map(|place| Decision { takes: routing.takes.clone(), ..place })
            }
            (Decision { how: How::Direct, target: Some(target), .. }, None) => {
                Some(Decision { takes: routing.takes.clone(), ..Decision::direct(target.clone()) })
            }
            (Decision { how: How::Hand, target: Some(target), .. }, None) => {
                Some(Decision { takes: routing.takes.clone(), ..Decision::by_hand(target.clone()) })
            }
            _ => {
                let before = || feed.iter().filter(|other| other.position < event.position);
                let rules = before().rev().find_map(|other| match &other.body {
                    EventBody::RulesPublished(rules) => Some(rules.clone()),
                    _ => None,
                });
                let lead = leads.iter().find(|lead| Some(lead.id) == event.lead_id());
                let stream = lead.map(|lead| StreamRef::Lead(lead.id));
                let then = |other: &&Event| stream.is_some_and(|stream| other.version_in(stream).is_some());
                // As it was then: its owner may be another one by now.
                let lead = Lead::fold(before().filter(then)).ok_or_else(|| format!("{id} has no lead"))?;
                let stream = StreamRef::Contact(lead.contact);
                let contact = Contact::fold(before().filter(|other| other.version_in(stream).is_some()));
                let postal = contact.and_then(|contact| contact.person.postal_code);
                // What comes with its lead is routed before it is known whose it is.
                let with_lead = lead.id.uuid() == id.uuid() && event.body.kind() == "appointment.booked";
                let known = postal.filter(|_| !with_lead);
                let responsible = owner_before(&played.snapshot, event, &lead, id).filter(|_| !with_lead);
                let request = RoutingRequest {
                    owner: lead.owner.clone().or(responsible),
                    product: lead.interest.product.clone(),
                    postal_code: lead.postal_code.clone().or(known),
                    starts_at: starts.get(&id).copied(),
                    ..RoutingRequest::of(&lead, event.at)
                };
                RuleTable::new(rules.unwrap_or_default()).replay(&request, routing)
            }
        };
        if expected.as_ref() != Some(routing) {
            return Err(format!("{id} was routed as {routing:?}, not as {expected:?}"));
        }
        places.insert(id, routing.clone());
    }
    let lost = played.snapshot.appointments.iter().find(|row| places.get(&row.id) != Some(&row.routing));
    lost.map_or(Ok(()), |row| Err(format!("{} forgot where it was routed", row.id)))
}

/// Who was responsible for the contact of a lead before an event that routed this appointment.
fn owner_before(shown: &Snapshot, event: &Event, lead: &Lead, visit: AppointmentId) -> Option<String> {
    let before = || shown.feed.iter().filter(|other| other.position < event.position);
    let then = |stream| before().filter(move |other| other.version_in(stream).is_some());
    let lead_then = |id| Lead::fold(then(StreamRef::Lead(id)));
    let visit_then = |id| Appointment::fold(then(StreamRef::Subject(Subject::Appointment(id))));
    // The rows stand by their ids. Whose they were then they may be no more: contacts are merged.
    let leads = shown.leads.iter().rev().filter_map(|row| lead_then(row.id));
    let leads = leads.filter(|then| then.contact == lead.contact).take(OWNER_ROWS_MAX);
    let counts = |lead: &Lead| !lead.test && lead.deleted_at.is_none();
    let visits = shown.appointments.iter().rev().filter_map(|row| visit_then(row.id));
    let visits = visits.filter(|then| then.contact == lead.contact && then.id != visit).take(OWNER_ROWS_MAX);
    let mut kept = visits.filter(|visit| {
        visit.status != AppointmentStatus::Rescheduled && lead_then(visit.lead).is_some_and(|it| counts(&it))
    });
    leads.filter(counts).find_map(|lead| lead.owner).or_else(|| kept.find_map(|visit| visit.staff))
}

/// What came in is kept byte for byte, and every rejection has its reasons.
pub(crate) fn kept(played: &Played) -> Result<(), String> {
    for (intake, body) in &played.play.sent {
        let payload = played.snapshot.payloads.iter().flatten().find(|payload| payload.id == *intake);
        let payload = payload.ok_or_else(|| format!("what came in as {intake} is not kept"))?;
        if body.as_ref().is_some_and(|body| body.as_bytes() != *payload.body) {
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
        for filter in [LeadFilter::default(), LeadFilter::with_deleted()] {
            let matching = played.snapshot.leads.iter().filter(|lead| filter.matches(lead));
            let expected: Vec<&Lead> = matching.collect();
            let page = PageRequest::first(size);
            let rows = pollster::block_on(store.list_leads(workspace.id, &filter, &page));
            let rows = rows.map_err(|error| error.to_string())?;
            let first = expected.iter().take(size).copied();
            if !rows.items.iter().eq(first) || rows.next.is_some() != (expected.len() > size) {
                return Err(format!("a page of {size} has {} of {} leads", rows.items.len(), expected.len()));
            }
        }
        let again = pollster::block_on(Snapshot::of(&**store, workspace.id, size))
            .map_err(|error| error.to_string())?;
        if let Some(difference) = again.difference(&played.snapshot) {
            return Err(format!("by pages of {size}: {difference}"));
        }
    }
    Ok(())
}
