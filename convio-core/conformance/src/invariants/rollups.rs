use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use convio_core::event::EventBody;
use convio_core::{Appointment, Cube, Lead, Measure, Rollup, Subject, Webhook, Zone};

use crate::Snapshot;

/// Every row of every cube is what the events and rows come to, counted one by one.
pub(super) fn rollups_equal_a_recount(snapshot: &Snapshot) -> Result<(), String> {
    let recount = recount(snapshot);
    let pairs = snapshot.rollups.iter().zip(&recount);
    if let Some((kept, counted)) = pairs.into_iter().find(|(kept, counted)| kept != counted) {
        return Err(format!("kept as {kept:?}, counted as {counted:?}"));
    }
    if snapshot.rollups.len() != recount.len() {
        return Err(format!("{} rows are kept, {} counted", snapshot.rollups.len(), recount.len()));
    }
    Ok(())
}

/// The row of a cube that something counts in.
type Place = (Cube, NaiveDate, [String; 3]);
/// The sums of a row, and when the last of it happened.
type Sums = ([i64; Measure::SLOTS], Option<DateTime<Utc>>);

#[derive(Default)]
struct Recount {
    rows: BTreeMap<Place, Sums>,
}

impl Recount {
    fn add(
        &mut self,
        cube: Cube,
        day: NaiveDate,
        dims: [&str; 3],
        measure: Measure,
        n: i64,
        at: Option<DateTime<Utc>>,
    ) {
        let (sums, last_at) = self.rows.entry((cube, day, dims.map(str::to_owned))).or_default();
        sums[measure.slot()] += n;
        *last_at = (*last_at).max(at);
    }
}

/// Goes through the feed with the zone and the webhooks as they were at each event.
fn recount(snapshot: &Snapshot) -> Vec<Rollup> {
    let mut count = Recount::default();
    let mut zone: Option<Zone> = None;
    let mut webhooks: HashMap<String, Webhook> = HashMap::new();
    let mut sold: HashSet<convio_core::LeadId> = HashSet::new();
    let leads: HashMap<_, &Lead> = snapshot.leads.iter().map(|lead| (lead.id, lead)).collect();
    let visits: HashMap<_, &Appointment> =
        snapshot.appointments.iter().map(|visit| (visit.id, visit)).collect();
    for event in &snapshot.feed {
        let day = |at| zone.as_ref().map(|zone| zone.day_of(at)).unwrap_or_default();
        let lead = event.lead_id().and_then(|id| leads.get(&id).copied());
        let counted = lead.filter(|lead| !lead.test);
        let visit = match event.subject() {
            Some(Subject::Appointment(id)) => visits.get(&id).copied(),
            _ => None,
        };
        let target = visit
            .and_then(|visit| visit.routing.target.as_ref())
            .map(ToString::to_string)
            .unwrap_or_default();
        match &event.body {
            EventBody::WorkspaceCreated(settings) | EventBody::WorkspaceConfigured(settings) => {
                zone = Some(settings.zone.clone());
            }
            EventBody::WebhookCreated { .. } | EventBody::WebhookConfigured { .. } => {
                let Some(Subject::Webhook(id)) = event.subject() else {
                    continue;
                };
                let until_now = snapshot.feed.iter().take_while(|other| other.position <= event.position);
                let own = until_now.filter(|other| other.subject() == event.subject());
                webhooks.extend(Webhook::fold(own).map(|webhook| (id.to_string(), webhook)));
            }
            EventBody::LeadReceived(received) if !received.test => {
                let webhook = received.webhook.to_string();
                let dims = [webhook.as_str(), received.interest.source.key(), ""];
                let (day, at) = (day(received.received_at), Some(received.received_at));
                count.add(Cube::Leads, day, dims, Measure::Leads, 1, at);
                let made = i64::from(event.contact_number.is_some());
                count.add(Cube::Leads, day, dims, Measure::Contacts, made, None);
                let repeats = i64::from(event.duplicate_of.is_some());
                count.add(Cube::Leads, day, dims, Measure::Repeats, repeats, None);
            }
            EventBody::LeadRejected(rejected) if !rejected.test => {
                let webhook = rejected.webhook.to_string();
                let Some(source) = webhooks.get(&webhook).map(Webhook::default_source) else {
                    continue;
                };
                let dims = [webhook.as_str(), source.key(), ""];
                count.add(Cube::Leads, day(rejected.received_at), dims, Measure::Rejected, 1, None);
            }
            EventBody::AppointmentBooked(_) => {
                let Some(lead) = counted else { continue };
                let webhook = lead.webhook.to_string();
                let dims = [webhook.as_str(), lead.interest.source.key(), ""];
                count.add(Cube::Leads, day(event.at), dims, Measure::Booked, 1, None);
                let dims = [target.as_str(), "", ""];
                count.add(Cube::Appointments, day(event.at), dims, Measure::Routed, 1, Some(event.at));
            }
            EventBody::AppointmentCompleted(completed) if counted.is_some() => {
                let dims = [target.as_str(), "", ""];
                count.add(Cube::Appointments, day(event.at), dims, Measure::Completed, 1, None);
                let sold = i64::from(completed.conversion.is_some());
                count.add(Cube::Appointments, day(event.at), dims, Measure::Sold, sold, None);
            }
            EventBody::ConversionRecorded(recorded) => {
                let currency = recorded.value.currency().to_string();
                let dims = [recorded.first_touch.key(), recorded.conversion_type.key(), currency.as_str()];
                let (day, at) = (day(recorded.occurred_at), Some(recorded.occurred_at));
                count.add(Cube::Conversions, day, dims, Measure::Conversions, 1, at);
                count.add(Cube::Conversions, day, dims, Measure::ValueMinor, recorded.value.minor(), None);
                let Some(lead) = counted.filter(|lead| sold.insert(lead.id)) else {
                    continue;
                };
                let webhook = lead.webhook.to_string();
                let dims = [webhook.as_str(), lead.interest.source.key(), ""];
                count.add(Cube::Leads, day, dims, Measure::Converted, 1, None);
            }
            _ => {}
        }
    }
    let rows = count.rows.into_iter().filter(|(_, (n, _))| *n != [0; Measure::SLOTS]);
    rows.map(|((cube, day, dims), (n, last_at))| Rollup { cube, day, dims, n, last_at }).collect()
}
