use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use convio_core::event::{
    AppointmentEnded, ConversionAdjusted, ConversionRecorded, EventBody, LeadReceived, LeadRejected,
};
use convio_core::{
    AppointmentStatus, ConversionId, Cube, Event, Lead, LeadId, Measure, Rollup, Source, Stage, Subject,
    Target, WebhookSettings, Zone,
};

use convio_core::attribution::{Portion, Touchpoint};

use super::{hold, settings_at};
use crate::Snapshot;

/// Every row of every cube is what the events and rows come to, counted one by one.
pub(super) fn rollups_equal_a_recount(snapshot: &Snapshot) -> Result<(), String> {
    let recount = recount(snapshot)?;
    let pairs = snapshot.rollups.iter().zip(&recount);
    if let Some((kept, counted)) = pairs.into_iter().find(|(kept, counted)| kept != counted) {
        return Err(format!("kept as {kept:?}, counted as {counted:?}"));
    }
    if snapshot.rollups.len() != recount.len() {
        return Err(format!("{} rows are kept, {} counted", snapshot.rollups.len(), recount.len()));
    }
    Ok(())
}

/// Goes through the feed with the zone that was in force at each event, and counts what it says.
fn recount(snapshot: &Snapshot) -> Result<Vec<Rollup>, String> {
    let leads = snapshot.leads.iter().map(|lead| (lead.id, lead)).collect();
    let mut recount = Recount { leads, ..Recount::default() };
    for (event, settings) in settings_at(snapshot) {
        recount.event(event, &settings.zone)?;
    }
    for credits in &snapshot.credits {
        let to = credits.rate.as_ref().map(|rate| rate.to.to_string()).unwrap_or_default();
        for model in &credits.models {
            let before = model.before.iter().map(|edition| (&edition.steps, &edition.bookings));
            let editions = before.chain([(&model.steps, &model.bookings)]);
            for (steps, booking) in editions.flat_map(|(steps, all)| all.iter().map(move |it| (steps, it))) {
                let booked = format!("{}>{to} {}", credits.currency, booking.day);
                let mut add = |touch: Option<&Touchpoint>, of: &dyn Fn(&Portion) -> i64| {
                    let dims = [model.name.clone(), touch.map(key).unwrap_or_default(), booked.clone()];
                    let n = [
                        (Measure::Credited, of(&booking.count)),
                        (Measure::CreditMinor, of(&booking.value)),
                        (Measure::ReportedMinor, booking.reported.as_ref().map_or(0, of)),
                    ];
                    recount.add(Cube::Credits, credits.day, dims, &n, None);
                };
                for (place, step) in steps.iter().enumerate() {
                    add(credits.touches.get(*step), &|portion| portion.each[place]);
                }
                if steps.is_empty() {
                    add(None, &|portion| portion.sum);
                }
            }
        }
    }
    let rows = recount.rows.into_iter().filter(|(_, (n, _))| *n != [0; Measure::SLOTS]);
    Ok(rows.map(|((cube, day, dims), (n, last_at))| Rollup { cube, day, dims, n, last_at }).collect())
}

/// The row of a cube that something counts in.
type Place = (Cube, NaiveDate, [String; 3]);
/// The sums of a row, and when the last of it happened.
type Sums = ([i64; Measure::SLOTS], Option<DateTime<Utc>>);

#[derive(Default)]
struct Recount<'s> {
    rows: BTreeMap<Place, Sums>,
    leads: HashMap<LeadId, &'s Lead>,
    /// Per webhook, the source of leads that name none.
    sources: HashMap<Subject, (String, Option<Source>)>,
    /// Where each appointment goes at the moment; nothing for those that go to no one.
    targets: HashMap<Subject, String>,
    /// Which steps of the funnel each lead has come to.
    reached: BTreeSet<(LeadId, usize)>,
    /// What stands of each lead, and which of it counts as its first.
    sold: HashMap<LeadId, Sold<'s>>,
}

#[derive(Default)]
struct Sold<'s> {
    first: Option<ConversionId>,
    /// With what it is worth after its adjustments.
    standing: BTreeMap<ConversionId, (DateTime<Utc>, &'s ConversionRecorded, i64)>,
}

impl<'s> Recount<'s> {
    fn event(&mut self, event: &'s Event, zone: &Zone) -> Result<(), String> {
        // Tests are counted nowhere.
        let lead = event.lead_id().and_then(|id| self.leads.get(&id).copied()).filter(|lead| !lead.test);
        let today = zone.day_of(event.at);
        match (&event.body, event.subject(), lead) {
            (EventBody::WebhookCreated { name, settings }, Some(id), _) => {
                self.sources.insert(id, (name.clone(), settings.source.clone()));
            }
            (EventBody::WebhookConfigured { settings: WebhookSettings { source, .. } }, Some(id), _) => {
                if let Some(webhook) = self.sources.get_mut(&id) {
                    webhook.1.clone_from(source);
                }
            }
            (EventBody::LeadReceived(received), _, Some(_)) => self.received(event, received, zone),
            (EventBody::LeadRejected(rejected), _, _) if !rejected.test => self.rejected(rejected, zone),
            (
                EventBody::LeadMoved { progress } | EventBody::LeadAttempted { progress, .. },
                _,
                Some(lead),
            ) => match progress.status.stage {
                Stage::Contacted => self.step(lead, Measure::Contacted, today),
                Stage::Lost => self.step(lead, Measure::Lost, today),
                _ => {}
            },
            (EventBody::AppointmentBooked(booked), Some(visit), lead) => {
                self.targets.insert(visit, name(booked.routing.target.as_ref()));
                if let (Some(lead), None) = (lead, booked.rescheduled_from) {
                    let day = zone.day_of(booked.booked_at);
                    self.of_lead(Cube::Leads, lead, day, Measure::Booked, 1);
                    self.of_target(visit, day, Measure::Routed, Some(booked.booked_at));
                    self.step(lead, Measure::Scheduled, day);
                }
            }
            (
                EventBody::AppointmentAssigned { routing, .. } | EventBody::AppointmentRouted { routing, .. },
                Some(visit),
                _,
            ) => {
                self.targets.insert(visit, name(routing.target.as_ref()));
            }
            (EventBody::AppointmentRescheduled { .. }, Some(visit), Some(_)) => {
                self.of_target(visit, today, Measure::Rescheduled, None);
            }
            (EventBody::AppointmentEnded(ended), Some(visit), Some(lead)) => {
                self.ended(visit, lead, ended, zone.day_of(ended.ended.at));
            }
            (EventBody::ConversionRecorded(recorded), Some(Subject::Conversion(id)), Some(lead)) => {
                let day = zone.day_of(recorded.occurred_at);
                hold!(recorded.day == day, "{id} counts on {}, and happened on {day}", recorded.day);
                self.sold(id, lead, recorded, event.at);
            }
            (EventBody::ConversionVoided(_), Some(Subject::Conversion(id)), Some(lead)) => {
                self.voided(id, lead)?;
            }
            (EventBody::ConversionAdjusted(adjusted), Some(Subject::Conversion(id)), Some(lead)) => {
                self.adjusted(id, lead, adjusted)?;
            }
            (EventBody::ConversionReturned(back), Some(Subject::Conversion(id)), Some(lead)) => {
                back.adjusted.iter().try_for_each(|adjusted| self.adjusted(id, lead, adjusted))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn adjusted(
        &mut self,
        id: ConversionId,
        lead: &Lead,
        adjusted: &ConversionAdjusted,
    ) -> Result<(), String> {
        let sold = self.sold.entry(lead.id).or_default();
        let (_, recorded, net) = sold.standing.get_mut(&id).ok_or_else(|| format!("{id} does not stand"))?;
        let more = adjusted.net.minor() - *net;
        *net += more;
        let recorded = *recorded;
        self.conversion(lead, recorded, &[(Measure::ValueMinor, more)], &[], None);
        Ok(())
    }

    fn received(&mut self, event: &Event, received: &LeadReceived, zone: &Zone) {
        let LeadReceived { webhook, provider, interest, received_at, .. } = received;
        let (day, at) = (zone.day_of(*received_at), Some(*received_at));
        let made = i64::from(event.contact_number.is_some());
        let repeats = i64::from(event.duplicate_of.is_some());
        let dims = [webhook.to_string(), interest.source.key().to_owned(), String::new()];
        let n = [(Measure::Leads, 1), (Measure::Contacts, made), (Measure::Repeats, repeats)];
        self.add(Cube::Leads, day, dims, &n, at);
        if let Some(provider) = provider {
            let dims = [provider.to_string(), webhook.to_string(), String::new()];
            self.add(Cube::Usage, day, dims, &[(Measure::Taken, 1), (Measure::TakenAgain, repeats)], at);
        }
    }

    fn rejected(&mut self, rejected: &LeadRejected, zone: &Zone) {
        let LeadRejected { webhook, provider, received_at, .. } = rejected;
        let day = zone.day_of(*received_at);
        if let Some((name, source)) = self.sources.get(&Subject::Webhook(*webhook)) {
            let source = source.as_ref().map_or(name.to_lowercase(), |source| source.key().to_owned());
            let dims = [webhook.to_string(), source, String::new()];
            self.add(Cube::Leads, day, dims, &[(Measure::Rejected, 1)], None);
        }
        if let Some(provider) = provider {
            let dims = [provider.to_string(), webhook.to_string(), String::new()];
            self.add(Cube::Usage, day, dims, &[(Measure::Refused, 1)], Some(*received_at));
        }
    }

    fn ended(&mut self, visit: Subject, lead: &Lead, ended: &AppointmentEnded, day: NaiveDate) {
        let measure = match ended.status {
            AppointmentStatus::Cancelled => Measure::Cancelled,
            AppointmentStatus::NoShow => Measure::NoShow,
            _ => Measure::Completed,
        };
        self.of_target(visit, day, measure, None);
        if ended.conversion.is_some() {
            self.of_target(visit, day, Measure::Sold, None);
        }
        if measure == Measure::Completed {
            self.step(lead, Measure::Met, day);
        }
        if ended.progress.as_ref().is_some_and(|progress| progress.status.stage == Stage::Lost) {
            self.step(lead, Measure::Lost, day);
        }
    }

    fn sold(&mut self, id: ConversionId, lead: &Lead, recorded: &'s ConversionRecorded, at: DateTime<Utc>) {
        self.counted(lead, recorded, 1, recorded.value.minor());
        let sold = self.sold.entry(lead.id).or_default();
        sold.standing.insert(id, (at, recorded, recorded.value.minor()));
        if sold.first.is_none() {
            sold.first = Some(id);
            self.of_lead(Cube::Leads, lead, recorded.day, Measure::Converted, 1);
        }
    }

    fn voided(&mut self, id: ConversionId, lead: &Lead) -> Result<(), String> {
        let sold = self.sold.entry(lead.id).or_default();
        let (_, gone, net) =
            sold.standing.remove(&id).ok_or_else(|| format!("{id} was voided, and never stood"))?;
        let mut moved = None;
        if sold.first == Some(id) {
            let next = sold.standing.iter().min_by_key(|(id, (at, ..))| (*at, **id));
            sold.first = next.map(|(id, _)| *id);
            moved = Some(next.map(|(_, (_, next, _))| next.day));
        }
        self.counted(lead, gone, -1, net);
        if let Some(next) = moved {
            self.of_lead(Cube::Leads, lead, gone.day, Measure::Converted, -1);
            if let Some(day) = next {
                self.of_lead(Cube::Leads, lead, day, Measure::Converted, 1);
            }
        }
        Ok(())
    }

    /// A conversion in all its cubes. What is taken back leaves the time of the last one as it was.
    fn counted(&mut self, lead: &Lead, recorded: &ConversionRecorded, sign: i64, minor: i64) {
        let at = Some(recorded.occurred_at).filter(|_| sign > 0);
        let sums = [(Measure::Conversions, sign), (Measure::ValueMinor, sign * minor)];
        let seconds = recorded.seconds_to_convert;
        let timed = if seconds < 0 { 0 } else { sign };
        let times = [(Measure::Seconds, timed * seconds), (Measure::Timed, timed)];
        self.conversion(lead, recorded, &sums, &times, at);
    }

    fn conversion(
        &mut self,
        lead: &Lead,
        recorded: &ConversionRecorded,
        sums: &[(Measure, i64)],
        times: &[(Measure, i64)],
        at: Option<DateTime<Utc>>,
    ) {
        let currency = recorded.value.currency().to_string();
        let kind = recorded.conversion_type.key().to_owned();
        let all = [sums, times].concat();
        for (cube, source) in [
            (Cube::Conversions, &lead.interest.source),
            (Cube::FirstTouch, &recorded.first_touch.source),
            (Cube::LastTouch, &recorded.last_touch.source),
        ] {
            let dims = [source.key().to_owned(), kind.clone(), currency.clone()];
            self.add(cube, recorded.day, dims, &all, at);
        }
        let dims = [lead.webhook.to_string(), currency.clone(), String::new()];
        self.add(Cube::Sales, recorded.day, dims, &all, at);
        let dims = [currency, String::new(), String::new()];
        self.add(Cube::Totals, Cube::NO_DAY, dims, sums, at);
    }

    /// A step of the funnel counts when a lead comes to it for the first time.
    fn step(&mut self, lead: &Lead, measure: Measure, day: NaiveDate) {
        if self.reached.insert((lead.id, measure.slot())) {
            self.of_lead(Cube::Funnel, lead, day, measure, 1);
        }
    }

    fn of_lead(&mut self, cube: Cube, lead: &Lead, day: NaiveDate, measure: Measure, n: i64) {
        let dims = [lead.webhook.to_string(), lead.interest.source.key().to_owned(), String::new()];
        self.add(cube, day, dims, &[(measure, n)], None);
    }

    fn of_target(&mut self, visit: Subject, day: NaiveDate, measure: Measure, at: Option<DateTime<Utc>>) {
        let target = self.targets.get(&visit).cloned().unwrap_or_default();
        self.add(Cube::Appointments, day, [target, String::new(), String::new()], &[(measure, 1)], at);
    }

    fn add(
        &mut self,
        cube: Cube,
        day: NaiveDate,
        dims: [String; 3],
        add: &[(Measure, i64)],
        at: Option<DateTime<Utc>>,
    ) {
        let (sums, last_at) = self.rows.entry((cube, day, dims)).or_default();
        for (measure, n) in add {
            sums[measure.slot()] += n;
        }
        *last_at = (*last_at).max(at);
    }
}

fn name(target: Option<&Target>) -> String {
    target.map(ToString::to_string).unwrap_or_default()
}

/// What credits of a touch are grouped by.
fn key(touch: &Touchpoint) -> String {
    let name = |name: Option<&str>| name.unwrap_or_default().to_owned();
    let fields = [
        touch.source.key().to_owned(),
        name(touch.medium.as_ref().map(|it| it.key())),
        name(touch.campaign.as_ref().map(|it| it.key())),
        touch.channel.key().to_owned(),
        touch.provider.map(|id| id.to_string()).unwrap_or_default(),
        touch.webhook.map(|id| id.to_string()).unwrap_or_default(),
    ];
    serde_json::to_string(&fields).unwrap_or_default()
}
