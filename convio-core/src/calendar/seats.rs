use std::sync::Arc;

use uuid::Uuid;

use super::{CalendarSettings, Calendars, Clash, ClashWhy, Resource, Take, Taken};
use crate::availability::Interval;
use crate::change_set::Booking;
use crate::error::Error;
use crate::routing::{Decision, Seat, Target};

/// What an appointment takes of calendars, depending on who gets it.
#[derive(Debug, Clone)]
pub struct Seats {
    calendars: Arc<Calendars>,
    time: Interval,
    staff: Option<String>,
    with: Vec<Taken>,
    /// What it takes at this time already.
    kept: Vec<Taken>,
    is_anytime: bool,
}

impl Seats {
    /// Of an appointment at this time, kept by this person of the target's.
    pub fn new(calendars: Arc<Calendars>, time: Interval, staff: Option<String>) -> Self {
        Self { calendars, time, staff, with: Vec::new(), kept: Vec::new(), is_anytime: false }
    }

    /// With all of these, whoever gets it.
    #[must_use]
    pub fn with(mut self, with: impl IntoIterator<Item = Taken>) -> Self {
        self.with.extend(with);
        self
    }

    /// That has these at this time already: what it goes on to take of them is neither given back nor taken again.
    #[must_use]
    pub fn keeping(mut self, kept: impl IntoIterator<Item = Taken>) -> Self {
        self.kept.extend(kept);
        self
    }

    /// Whether it has this already.
    pub(crate) fn keeps(&self, taken: &Taken) -> bool {
        self.kept.contains(taken)
    }

    /// Whether calendars are open or not.
    #[must_use]
    pub fn anytime(self, is_anytime: bool) -> Self {
        Self { is_anytime, ..self }
    }

    /// The time.
    pub fn time(&self) -> Interval {
        self.time
    }

    /// Whether any calendar counts.
    pub fn asks(&self) -> bool {
        !self.calendars.is_empty()
    }

    /// What it takes if it goes there: of the target, of who keeps it, and what else was asked for, of each once.
    pub fn takes(&self, target: Option<&Target>) -> Vec<Taken> {
        if !self.asks() && self.with.is_empty() && self.kept.is_empty() {
            return Vec::new();
        }
        let keeper = self.staff.clone().map(Resource::Person);
        let of_people = target.and_then(Resource::of).into_iter().chain(keeper).filter_map(|it| self.of(it));
        let mut takes: Vec<Taken> = Vec::new();
        for taken in of_people.chain(self.with.iter().cloned()) {
            if takes.iter().all(|it| it.resource != taken.resource) {
                takes.push(taken);
            }
        }
        takes
    }

    /// What it takes of one of its people: as it has it, as it was asked for by name, or as their calendar says, if it counts.
    fn of(&self, resource: Resource) -> Option<Taken> {
        let mut known = self.kept.iter().chain(&self.with);
        let known = known.find(|it| it.resource == resource).cloned();
        known.or_else(|| Some(Taken::one_of(resource.clone(), self.calendars.active(&resource)?)))
    }

    /// The booking of what a decision takes and was not had before, under this id; `None` where that is nothing.
    pub fn booking(&self, by: Uuid, decision: &Decision) -> Option<Booking> {
        let new = decision.takes.iter().filter(|taken| !self.keeps(taken));
        let takes: Vec<Take> = new.map(|taken| self.take(taken)).collect();
        (!takes.is_empty()).then_some(Booking { by, until: None, is_settled: false, time: self.time, takes })
    }

    /// The times that are wanted of calendars where it goes there.
    pub fn wanted(&self, target: Option<&Target>) -> Vec<Take> {
        self.takes(target).iter().map(|taken| self.take(taken)).collect()
    }

    /// Refuses what is not open.
    pub(crate) fn check(&self, takes: &[Taken]) -> Result<(), Error> {
        let settings = |taken: &Taken| self.calendars.active(&taken.resource);
        let is_closed = |taken: &&Taken| settings(taken).is_some_and(|it| !self.is_open(it));
        match takes.iter().find(is_closed) {
            None => Ok(()),
            Some(taken) => Err(Error::clash_of(Clash {
                resource: taken.resource.clone(),
                time: self.time,
                why: ClashWhy::Closed,
                takes: takes.to_vec(),
                next: Vec::new(),
            })),
        }
    }

    /// What a target's calendar wants, if it has one that counts.
    pub fn of_target(&self, target: &Target) -> Option<Take> {
        let resource = Resource::of(target)?;
        self.calendars.active(&resource)?;
        self.of(resource).map(|taken| self.take(&taken))
    }

    /// Whether a target can be booked; `None` where that does not depend on calendars.
    pub(crate) fn seat<E>(
        &self,
        target: &Target,
        is_free: impl FnOnce(&Take) -> Result<bool, E>,
    ) -> Result<Option<Seat>, E> {
        let Some(take) = self.of_target(target) else {
            // A team need not have a calendar of its own.
            let is_missing = self.asks() && matches!(target, Target::Person(_));
            return Ok(is_missing.then_some(Seat::Missing));
        };
        let is_closed = self.calendars.active(&take.resource).is_some_and(|it| !self.is_open(it));
        Ok(Some(match is_closed {
            true => Seat::Closed,
            false if is_free(&take)? => Seat::Free,
            false => Seat::Taken,
        }))
    }

    fn is_open(&self, settings: &CalendarSettings) -> bool {
        self.is_anytime || settings.is_open(self.time)
    }

    /// A calendar that does not count any more, of which an appointment had something, refuses nothing.
    fn take(&self, taken: &Taken) -> Take {
        let capacity = self.calendars.active(&taken.resource).map_or(u32::MAX, |settings| settings.capacity);
        let time = taken.around(self.time);
        Take { resource: taken.resource.clone(), time, units: taken.units, capacity }
    }
}
