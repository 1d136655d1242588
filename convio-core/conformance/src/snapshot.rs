use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use convio_core::appointment::AppointmentFilter;
use convio_core::attribution::{KeptCredits, Touchpoint};
use convio_core::availability::Interval;
use convio_core::calendar::{Busy, BusyDay};
use convio_core::contact::{ContactFilter, ContactRef};
use convio_core::conversion::ConversionFilter;
use convio_core::event::Head;
use convio_core::lead::{LeadFilter, Payload};
use convio_core::record::{BUSY_KIND, CREDITS_KIND, Record, fetch_record};
use convio_core::rejection::RejectionFilter;
use convio_core::{
    Appointment, AppointmentId, Contact, ContactId, ContactKey, ContactOf, Conversion, Cube, Event,
    EventBody, IntakeId, Lead, Measure, Need, Needs, Page, PageRequest, Position, Rejection, ReportQuery,
    Resource, Rollup, Store, StoreError, StreamRef, Subject, Webhook, Workspace, WorkspaceId,
};

/// Everything that a store shows of one workspace, read by its public methods only.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Where it stands.
    pub head: Option<Head>,
    /// The workspace.
    pub workspace: Option<Workspace>,
    /// All webhooks.
    pub webhooks: Vec<Webhook>,
    /// All contacts.
    pub contacts: Vec<Contact>,
    /// The keys of each contact, in the order of `contacts`.
    pub keys: Vec<(ContactId, Vec<ContactKey>)>,
    /// Which contacts are found by the keys and the number of each, in the order of `contacts`.
    pub found: Vec<Option<ContactId>>,
    /// All leads, deleted ones included.
    pub leads: Vec<Lead>,
    /// All rejections.
    pub rejections: Vec<Rejection>,
    /// The payloads of all leads and rejections, by id.
    pub payloads: Vec<Option<Payload>>,
    /// All appointments.
    pub appointments: Vec<Appointment>,
    /// All conversions.
    pub conversions: Vec<Conversion>,
    /// All records of the configuration: routing rules, API keys, providers.
    pub records: Vec<Record>,
    /// Who earned each conversion, of those of which it is kept, in the order of `conversions`.
    pub credits: Vec<KeptCredits>,
    /// The touches of each contact, in the order of `contacts`.
    pub journeys: Vec<Vec<Touchpoint>>,
    /// What is noted as taken of calendars, on all days on which an appointment ever took any.
    pub busy: Vec<(Resource, Busy)>,
    /// The feed.
    pub feed: Vec<Event>,
    /// The history of every aggregate that the feed mentions.
    pub histories: Vec<(StreamRef, Vec<Event>)>,
    /// The rows of every cube that are not all zero.
    pub rollups: Vec<Rollup>,
}

impl Snapshot {
    /// Reads all of it, by pages of `page` rows.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of(store: &dyn Store, workspace: WorkspaceId, page: usize) -> Result<Self, StoreError> {
        macro_rules! all {
            (|$request:ident| $list:expr) => {{
                let mut $request = PageRequest::first(page);
                let mut rows = Vec::new();
                loop {
                    let Page { items, next } = $list.await?;
                    rows.extend(items);
                    // A list that goes round in circles is left, and then found to differ.
                    let next = next.filter(|next| Some(*next) != $request.after);
                    let Some(next) = next.filter(|_| rows.len() < ROWS_MAX) else {
                        break rows;
                    };
                    $request.after = Some(next);
                }
            }};
        }
        let webhooks = all!(|page| store.list_webhooks(workspace, &page));
        let contacts = all!(|page| store.list_contacts(workspace, &ContactFilter::with_merged(), &page));
        let leads = all!(|page| store.list_leads(workspace, &LeadFilter::with_deleted(), &page));
        let rejections = all!(|page| store.list_rejections(workspace, &RejectionFilter::default(), &page));
        let appointments =
            all!(|page| store.list_appointments(workspace, &AppointmentFilter::default(), &page));
        let conversions = all!(|page| store.list_conversions(workspace, &ConversionFilter::default(), &page));
        let mut keys = Vec::new();
        for contact in &contacts {
            keys.push((contact.id, store.contact_keys(workspace, contact.id).await?));
        }
        let mut refs: Vec<ContactRef> = Vec::new();
        for (contact, (_, keys)) in contacts.iter().zip(&keys) {
            refs.push(ContactRef::Number(contact.number));
            refs.extend(keys.iter().cloned().map(ContactRef::Key));
        }
        let found = store.fetch_contacts(workspace, &refs).await?;
        let found = found.into_iter().map(|contact| contact.map(|contact| contact.id)).collect();
        let mut intakes: Vec<IntakeId> = leads.iter().map(|lead: &Lead| lead.id.intake()).collect();
        intakes.extend(rejections.iter().map(|rejection| rejection.id));
        intakes.sort_unstable();
        intakes.dedup();
        let payloads = store.fetch_payloads(workspace, &intakes).await?;
        let feed = feed(store, workspace, page).await?;
        let mut histories = Vec::new();
        for stream in streams(&feed) {
            histories.push((stream, all!(|page| store.history(workspace, stream, &page))));
        }
        let mut credits = Vec::new();
        for conversion in &conversions {
            let key = conversion.id.to_string();
            let record = fetch_record(store, workspace, CREDITS_KIND, &key).await?;
            credits.extend(record.map(|record| record.read()).transpose()?);
        }
        let mut journeys = Vec::new();
        for contact in &contacts {
            let need = Need::Touches(ContactOf::Itself(contact.id), DateTime::<Utc>::MAX_UTC);
            journeys.push(store.load(&Needs::of(workspace, [need])).await?.touches);
        }
        let busy = busy(store, workspace, &feed).await?;
        let mut rollups = Vec::new();
        for cube in Cube::ALL {
            let rows = store.report(workspace, &ReportQuery::all(cube)).await?;
            rollups.extend(rows.into_iter().filter(|row| row.n != [0; Measure::SLOTS]));
        }
        Ok(Self {
            head: store.head(workspace).await?,
            workspace: store.fetch_workspaces(&[workspace]).await?.into_iter().next().flatten(),
            webhooks,
            contacts,
            keys,
            found,
            leads,
            rejections,
            payloads,
            appointments,
            conversions,
            records: store.load(&Needs::of(workspace, [Need::Config])).await?.records,
            credits,
            journeys,
            busy,
            feed,
            histories,
            rollups,
        })
    }

    /// The first part in which two snapshots differ, with both sides; `None` when they are equal. Of a list, the first rows
    /// that differ.
    pub fn difference(&self, other: &Self) -> Option<String> {
        macro_rules! parts {
            ($($list:ident),+; $($part:ident),+) => {
                let Self { $($list: _,)+ $($part: _),+ } = self;
                $(if self.$list != other.$list {
                    let n = (0..).find(|n| self.$list.get(*n) != other.$list.get(*n)).unwrap_or_default();
                    let (one, two) = (self.$list.get(n), other.$list.get(n));
                    return Some(format!("the {n}-th of {} differ:\n  {one:?}\n  {two:?}", stringify!($list)));
                })+
                $(if self.$part != other.$part {
                    let (one, two) = (&self.$part, &other.$part);
                    return Some(format!("{} differ:\n  {one:?}\n  {two:?}", stringify!($part)));
                })+
            };
        }
        parts!(
            webhooks, contacts, keys, found, leads, rejections, payloads, appointments, conversions, records,
            credits, journeys, busy, feed, histories, rollups; workspace, head
        );
        None
    }

    /// The history of one aggregate.
    pub fn history(&self, stream: StreamRef) -> &[Event] {
        let found = self.histories.iter().find(|(other, _)| *other == stream);
        found.map_or(&[], |(_, events)| events)
    }
}

/// The whole feed, by steps of `page` events.
///
/// # Errors
/// Those of the store.
pub async fn feed(store: &dyn Store, workspace: WorkspaceId, page: usize) -> Result<Vec<Event>, StoreError> {
    let mut events: Vec<Event> = Vec::new();
    loop {
        let after = events.last().map_or(Position(0), |event| event.position);
        let more = store.feed(workspace, after, page).await?;
        let circles = more.last().is_some_and(|event| event.position <= after);
        if more.is_empty() || circles || events.len() >= ROWS_MAX {
            return Ok(events);
        }
        events.extend(more);
    }
}

/// What is noted as taken on the days that these events speak of.
async fn busy(
    store: &dyn Store,
    workspace: WorkspaceId,
    feed: &[Event],
) -> Result<Vec<(Resource, Busy)>, StoreError> {
    let mut times: HashMap<AppointmentId, Interval> = HashMap::new();
    let mut days: BTreeMap<String, Resource> = BTreeMap::new();
    for event in feed {
        let Some(Subject::Appointment(id)) = event.subject() else { continue };
        if let EventBody::AppointmentBooked(booked) = &event.body {
            times.insert(id, booked.schedule.time());
        }
        let takes = match &event.body {
            EventBody::AppointmentSeated { takes } => &takes[..],
            body => body.routing().map_or(&[][..], |decision| &decision.takes),
        };
        for (taken, time) in takes.iter().zip(times.get(&id).into_iter().cycle()) {
            let of = BusyDay::days(taken.around(*time));
            days.extend(of.map(|day| (BusyDay::key(&taken.resource, day), taken.resource.clone())));
        }
    }
    let keys: Vec<String> = days.keys().cloned().collect();
    let mut busy = Vec::new();
    for record in store.fetch_records(workspace, BUSY_KIND, &keys).await? {
        let day: BusyDay = record.read()?;
        let of = days.get(&record.key);
        busy.extend(day.into_iter().zip(of.into_iter().cycle()).map(|(busy, of)| (of.clone(), busy)));
    }
    busy.sort_by(|one, two| (&one.0, one.1.time, one.1.by).cmp(&(&two.0, two.1.time, two.1.by)));
    Ok(busy)
}

/// Every aggregate that these events mention, in order.
pub fn streams(events: &[Event]) -> Vec<StreamRef> {
    let mut streams: Vec<StreamRef> = events
        .iter()
        .flat_map(|event| {
            let contact = event.contact_id().map(StreamRef::Contact);
            let lead = event.lead_id().map(StreamRef::Lead);
            [contact, lead, event.subject().map(StreamRef::Subject)].into_iter().flatten()
        })
        .collect();
    streams.sort_unstable();
    streams.dedup();
    streams
}

/// More rows than any case makes: a list that does not end is stopped here, and then found to differ.
const ROWS_MAX: usize = 100_000;
