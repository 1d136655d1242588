//! What rules would do: nothing here writes anything.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::WorkspaceHandle;
use crate::appointment::{Appointment, AppointmentFilter, AppointmentStatus};
use crate::change_set::Version;
use crate::error::Error;
use crate::id::{AppointmentId, ContactId, LeadId};
use crate::lead::Lead;
use crate::page::PageRequest;
use crate::routing::{Decision, Draft, End, How, RoutingRequest, RuleSet, Simulation, Target};
use crate::store::{ContactOf, KnownOwner, Loaded, Need, Needs};
use crate::use_case::routing_request;

/// What rules would have made of appointments that were booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The appointments that were decided again: those that the rules of their time were asked for.
    pub decided: usize,
    /// Those that would have gone to someone else, in the order in which they were booked.
    pub changed: Vec<Rerouted>,
    /// Whether there were more than [`REPLAY_MAX`], and the later ones were left out.
    pub more: bool,
}

/// An appointment that would have gone to someone else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rerouted {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Who has it, or had it in the end; `None`: nobody.
    pub was: Option<Target>,
    /// Where it would have gone, and why.
    pub would: Decision,
}

impl WorkspaceHandle<'_> {
    /// Where rules would send these leads, each booked at a time after the one before, and why; counted from what caps and turns have
    /// come to now. Whoever would keep one is responsible for its contact from then on.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names what is wrong with the rules; [`NotFound`](crate::ErrorKind::NotFound) for a lead that
    /// is not there.
    pub async fn simulate(
        &self,
        draft: impl Into<Draft>,
        leads: &[LeadId],
        at: DateTime<Utc>,
    ) -> Result<Vec<Decision>, Error> {
        let store = self.reader().await?;
        let simulation = self.of_draft(draft.into()).await?;
        let mut keepers = Keepers::of(&simulation);
        let mut asked = Vec::with_capacity(leads.len());
        for chunk in leads.chunks(CHUNK) {
            let rows = chunk.iter().map(|id| Need::Lead(*id));
            let owners = chunk.iter().filter_map(|id| keepers.need(ContactOf::Lead(*id)));
            let loaded = store.load(&Needs::of(self.id(), rows.chain(owners))).await?;
            for id in chunk {
                let lead = loaded.lead(*id).ok_or_else(|| Error::not_found("lead", id))?;
                let person = loaded.contact(lead.contact).map(|contact| &contact.person);
                let known = loaded.owner(ContactOf::Lead(*id));
                keepers.learn(lead.contact, known);
                asked.push(Asked::of(lead, routing_request(lead, person, of_lead(known), None, None, at)));
            }
        }
        let named = asked.iter().flat_map(|asked| simulation.table().counters(&asked.request, &[]));
        let named: Vec<_> = named.collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        let mut counted = Vec::with_capacity(named.len());
        for chunk in named.chunks(CHUNK) {
            counted.extend(store.fetch_used(self.id(), chunk).await?);
        }
        let nothing = Decision::none(How::Unrouted, Version::ZERO);
        let mut simulation = simulation.counted(named.into_iter().zip(counted));
        Ok(asked.iter().map(|asked| keepers.decide(&mut simulation, asked, &nothing)).collect())
    }

    /// What rules would have made of the appointments that were booked since a time, beside what happened: each is decided again as of
    /// when it was stored, past those who declined it, with nothing counted before; what was cancelled or came to its end gives back what it
    /// took when it did. Leads and contacts are looked at as they are now; whoever would have kept an appointment is responsible for its
    /// contact in those booked after it, and nobody is for having kept one before. Appointments that were booked directly are left out,
    /// those that were assigned by hand since are not; one that was moved counts once, and what becomes of it then is not followed.
    /// Whom calendars were asked about has time or not as they said then; anyone else has.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names what is wrong with the rules.
    pub async fn replay_rules(&self, draft: impl Into<Draft>, since: DateTime<Utc>) -> Result<Replay, Error> {
        let mut simulation = self.of_draft(draft.into()).await?;
        let mut keepers = Keepers::of(&simulation);
        let (asked, more) = self.asked_since(since, &keepers).await?;
        // What happened, in order: at one moment what ends before what begins.
        let mut moments = BTreeMap::new();
        for (n, (appointment, _)) in asked.iter().enumerate() {
            moments.insert((appointment.created_at, 1, n), None);
            let Some((ended, end)) = appointment.ended.as_ref().zip(end_of(appointment.status)) else {
                continue;
            };
            // One that is said to have ended before it was stored does so right after.
            let (at, order) = match ended.at > appointment.created_at {
                true => (ended.at, 0),
                false => (appointment.created_at, 2),
            };
            moments.insert((at, order, n), Some(end));
        }
        let mut decided: Vec<Option<Decision>> = vec![None; asked.len()];
        for ((_, _, n), end) in moments {
            let (appointment, asked) = &asked[n];
            match (end, &decided[n]) {
                (None, _) => {
                    decided[n] = Some(keepers.decide(&mut simulation, asked, &appointment.routing));
                }
                (Some(end), Some(decision)) => simulation.give_back(decision, end),
                (Some(_), None) => {}
            }
        }
        let rerouted = asked.iter().zip(decided).filter_map(|((appointment, _), would)| {
            let would = would.filter(|would| would.target != appointment.routing.target)?;
            Some(Rerouted { appointment: appointment.id, was: appointment.routing.target.clone(), would })
        });
        Ok(Replay { decided: asked.len(), changed: rerouted.collect(), more })
    }

    async fn of_draft(&self, draft: Draft) -> Result<Simulation, Error> {
        let next = self.current_config().await?.rules.rules().version.next();
        Ok(Simulation::of(RuleSet::publish(next.0, draft).map_err(Error::invalid)?))
    }

    /// The appointments that rules were asked for since a time, each with what they were asked.
    async fn asked_since(
        &self,
        since: DateTime<Utc>,
        keepers: &Keepers,
    ) -> Result<(Vec<(Appointment, Asked)>, bool), Error> {
        let store = self.reader().await?;
        let mut page = PageRequest::first(CHUNK);
        let mut asked = Vec::new();
        loop {
            let found = store.list_appointments(self.id(), &AppointmentFilter::default(), &page).await?;
            let by_rules = |it: &Appointment| {
                it.created_at >= since && it.rescheduled_from.is_none() && it.routing.how != How::Direct
            };
            let these: Vec<Appointment> = found.items.into_iter().filter(by_rules).collect();
            let rows = these.iter().map(|appointment| Need::Appointment(appointment.id));
            let owners = these.iter().filter_map(|it| keepers.need(ContactOf::Appointment(it.id)));
            let loaded = match these.is_empty() {
                true => Loaded::default(),
                false => store.load(&Needs::of(self.id(), rows.chain(owners))).await?,
            };
            for appointment in these {
                let Some(lead) = loaded.lead(appointment.lead) else { continue };
                let person = loaded.contact(lead.contact).map(|contact| &contact.person);
                let (starts_at, value) = (Some(appointment.schedule.starts_at), appointment.routing.value);
                // One that came in with its lead was routed before it was known whose it is.
                let came_with_lead = appointment.id.uuid() == lead.id.uuid();
                let knows_contact = !came_with_lead || !appointment.routing.declined.is_empty();
                let known = loaded.owner(ContactOf::Appointment(appointment.id));
                let known = of_lead(known).filter(|_| knows_contact);
                let request = routing_request(lead, person, known, starts_at, value, appointment.created_at);
                let asked_then = Asked { knows_contact, ..Asked::of(lead, request) };
                asked.push((appointment, asked_then));
            }
            match found.next {
                Some(_) if asked.len() >= REPLAY_MAX => return Ok((asked, true)),
                Some(next) => page = PageRequest::after(next, CHUNK),
                None => return Ok((asked, false)),
            }
        }
    }
}

/// What rules are asked of a lead.
struct Asked {
    request: RoutingRequest,
    contact: ContactId,
    /// Whether it is known whose it is.
    knows_contact: bool,
    /// Whether who gets it is responsible from then on.
    counts: bool,
}

impl Asked {
    fn of(lead: &Lead, request: RoutingRequest) -> Self {
        let counts = !lead.test && lead.deleted_at.is_none();
        Self { request, contact: lead.contact, knows_contact: true, counts }
    }
}

/// Who keeps the newest appointment of each contact, as one is decided after the other.
struct Keepers {
    is_asked_for: bool,
    of: HashMap<ContactId, String>,
}

impl Keepers {
    fn of(simulation: &Simulation) -> Self {
        let is_asked_for = simulation.table().rules().rules.iter().any(|rule| rule.sticky);
        Self { is_asked_for, of: HashMap::new() }
    }

    fn need(&self, of: ContactOf) -> Option<Need> {
        self.is_asked_for.then_some(Need::Owner(of))
    }

    /// Takes over who kept appointments before.
    fn learn(&mut self, contact: ContactId, known: Option<&KnownOwner>) {
        if let Some(KnownOwner::OfAppointment(name)) = known {
            self.of.insert(contact, name.clone());
        }
    }

    /// Past those who declined it, and with the calendars of those whom an earlier decision noted.
    fn decide(&mut self, simulation: &mut Simulation, asked: &Asked, before: &Decision) -> Decision {
        let mut request = Cow::Borrowed(&asked.request);
        let keeper = self.of.get(&asked.contact).filter(|_| asked.knows_contact);
        if let (None, Some(keeper)) = (&request.owner, keeper) {
            request.to_mut().owner = Some(keeper.clone());
        }
        let decision = simulation.decide_with(&request, &before.declined, &before.seats);
        let keeper = decision.keeper().filter(|_| self.is_asked_for && asked.counts);
        self.of.extend(keeper.map(|keeper| (asked.contact, keeper)));
        decision
    }
}

/// The owner of another lead: who keeps appointments comes of the decisions themselves.
fn of_lead(known: Option<&KnownOwner>) -> Option<&KnownOwner> {
    known.filter(|known| matches!(known, KnownOwner::OfLead(_)))
}

/// What an end gives back; `None` while it is open, and where another appointment stands in its place.
fn end_of(status: AppointmentStatus) -> Option<End> {
    match status {
        AppointmentStatus::Booked | AppointmentStatus::Confirmed | AppointmentStatus::Rescheduled => None,
        AppointmentStatus::Cancelled => Some(End::Cancelled),
        AppointmentStatus::Completed => Some(End::Completed),
        AppointmentStatus::NoShow => Some(End::Missed),
    }
}

/// Most appointments of one replay.
pub const REPLAY_MAX: usize = 100_000;
/// Rows that are read at once.
const CHUNK: usize = 200;
