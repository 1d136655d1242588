//! Rows that name each other.

use std::collections::{BTreeMap, BTreeSet};

use convio_core::record::{API_KEYS_KIND, PROVIDERS_KIND};
use convio_core::{
    ApiKey, Appointment, AppointmentStatus, ContactId, Conversion, EventBody, Lead, LeadId, Outcome,
    ProviderId, RejectionState,
};

use super::hold;
use crate::Snapshot;

/// What one row says of another one is what that one says.
pub(super) fn links_agree(snapshot: &Snapshot) -> Result<(), String> {
    let providers = providers(snapshot);
    repeats_are_of_one_contact(snapshot)?;
    for row in &snapshot.leads {
        lead(snapshot, row)?;
        hold!(row.provider.is_none_or(|id| providers.contains(&id)), "lead {} has no provider", row.id);
    }
    for row in &snapshot.rejections {
        let became = find(snapshot, row.id.lead()).is_some();
        let released = row.state == RejectionState::Released;
        hold!(became == released, "rejection {} is {:?}, and its lead is there: {became}", row.id, row.state);
        hold!(row.provider.is_none_or(|id| providers.contains(&id)), "rejection {} has no provider", row.id);
        let same = find(snapshot, row.id.lead()).is_none_or(|lead| {
            let said = (row.webhook, row.provider, row.test, row.received_at);
            (lead.webhook, lead.provider, lead.test, lead.received_at) == said
        });
        hold!(same, "the lead that rejection {} became came another way", row.id);
    }
    for record in snapshot.records.iter().filter(|record| record.kind == API_KEYS_KIND) {
        let key: ApiKey = record.read().map_err(|error| error.to_string())?;
        let known = key.settings.provider.is_none_or(|id| providers.contains(&id));
        hold!(known, "API key {} has no provider", key.id);
    }
    for row in &snapshot.appointments {
        appointment(snapshot, row)?;
    }
    for row in &snapshot.conversions {
        conversion(snapshot, row)?;
    }
    let visits = snapshot.appointments.iter().filter_map(|row| row.external_id.as_ref());
    hold!(unique(visits), "two appointments have one external id");
    let sales = snapshot.conversions.iter().filter_map(|row| row.external_id.as_ref());
    hold!(unique(sales), "two conversions have one external id");
    Ok(())
}

/// What a lead repeats was its contact's own when it came in.
fn repeats_are_of_one_contact(snapshot: &Snapshot) -> Result<(), String> {
    let mut whose: BTreeMap<LeadId, Option<ContactId>> = BTreeMap::new();
    for event in &snapshot.feed {
        let Some(lead) = event.lead_id() else { continue };
        match event.body {
            EventBody::LeadReceived(_) => {
                if let Some(of) = event.duplicate_of {
                    let owner = whose.get(&of).copied().flatten();
                    hold!(owner == event.contact_id(), "lead {lead} repeats {of}, which is {owner:?}'s");
                }
                whose.insert(lead, event.contact_id());
            }
            EventBody::Reparented { .. } if event.lead_version().is_some() => {
                whose.insert(lead, event.contact_id());
            }
            _ => {}
        }
    }
    Ok(())
}

fn lead(snapshot: &Snapshot, row: &Lead) -> Result<(), String> {
    let Lead { id, contact, webhook, duplicate_of, .. } = row;
    hold!(snapshot.contacts.iter().any(|row| row.id == *contact), "lead {id} has no contact");
    hold!(snapshot.webhooks.iter().any(|row| row.id == *webhook), "lead {id} has no webhook");
    if let Some(of) = *duplicate_of {
        let other = find(snapshot, of).is_some_and(|first| first.id != *id);
        hold!(other, "lead {id} repeats {of}, which is no other lead");
        hold!(!row.test, "test lead {id} repeats one");
    }
    Ok(())
}

fn appointment(snapshot: &Snapshot, row: &Appointment) -> Result<(), String> {
    let id = row.id;
    let of_lead = find(snapshot, row.lead).is_some_and(|lead| lead.contact == row.contact);
    hold!(of_lead, "appointment {id} is astray");
    let completed = row.status == AppointmentStatus::Completed;
    hold!(row.outcome.is_some() == completed, "{id} is {:?} with {:?}", row.status, row.outcome);
    hold!(row.ended.is_some() != row.status.is_open(), "{id} is {:?}, ended {:?}", row.status, row.ended);
    let sold = match row.outcome {
        Some(Outcome::Sold(value)) => Some(value),
        _ => None,
    };
    let of = snapshot.conversions.iter().find(|conversion| Some(conversion.id) == row.conversion);
    hold!(of.is_some() == row.conversion.is_some(), "{id} names a conversion that is not there");
    hold!(of.map(|conversion| conversion.value) == sold, "{id} was sold for {sold:?}, by {of:?}");
    let back = of.is_none_or(|sold| sold.appointment == Some(id) && sold.lead == row.lead);
    hold!(back, "the conversion of {id} names another appointment");

    let other = |id| snapshot.appointments.iter().find(|other| other.id == id);
    let moved = row.status == AppointmentStatus::Rescheduled;
    hold!(moved == row.rescheduled_to.is_some(), "{id} is {:?}, to {:?}", row.status, row.rescheduled_to);
    if let Some(to) = row.rescheduled_to {
        let other = other(to).ok_or_else(|| format!("{id} was moved to {to}, which is not there"))?;
        hold!(other.rescheduled_from == Some(id), "{to} does not say that it stands for {id}");
        let what = |row: &Appointment| {
            (row.lead, row.contact, row.appointment_type.as_str().to_owned(), row.location.clone())
        };
        hold!(what(row) == what(other), "{id} was moved, and became another appointment");
    }
    if let Some(from) = row.rescheduled_from {
        let back = other(from).is_some_and(|other| other.rescheduled_to == Some(id));
        hold!(back, "{from} does not say that {id} stands for it");
    }
    Ok(())
}

fn conversion(snapshot: &Snapshot, row: &Conversion) -> Result<(), String> {
    let id = row.id;
    let lead = find(snapshot, row.lead).filter(|lead| lead.contact == row.contact);
    let lead = lead.ok_or_else(|| format!("conversion {id} is astray"))?;
    hold!(!lead.test, "{id} is the sale of a test");
    if let Some(visit) = row.appointment {
        let of = snapshot.appointments.iter().find(|other| other.id == visit);
        hold!(
            of.is_some_and(|other| other.lead == row.lead),
            "{id} came from an appointment of another lead"
        );
    }
    let seconds = (row.occurred_at - lead.received_at).num_seconds();
    hold!(seconds == row.seconds_to_convert, "{id} took {} seconds, not {seconds}", row.seconds_to_convert);
    Ok(())
}

fn find(snapshot: &Snapshot, id: LeadId) -> Option<&Lead> {
    snapshot.leads.iter().find(|lead| lead.id == id)
}

fn providers(snapshot: &Snapshot) -> BTreeSet<ProviderId> {
    let own = snapshot.records.iter().filter(|record| record.kind == PROVIDERS_KIND);
    own.filter_map(|record| record.key.parse().ok()).collect()
}

fn unique<'i>(mut ids: impl Iterator<Item = &'i String>) -> bool {
    let mut seen = BTreeSet::new();
    ids.all(|id| seen.insert(id))
}
