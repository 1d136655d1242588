//! Calendars: who can be booked when, what is taken, and what is free.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::WorkspaceHandle;
use super::drive::Permit;
use crate::api_key::Permission;
use crate::appointment::{Appointment, AppointmentFilter, MINUTES_MAX};
use crate::availability::{Bookable, Interval, SlotQuery, next_slots};
use crate::calendar::{
    Busy, BusyDay, Calendar, CalendarSettings, Calendars, Clash, FreeSlot, Hold, NewHold, Resource,
    SLOT_DAYS_MAX, SlotRequest, Taken,
};
use crate::error::{Error, ErrorKind, Reason};
use crate::page::{PAGE_ITEMS_MAX, Page, PageRequest};
use crate::record::BUSY_KIND;
use crate::use_case::{AppointmentChange, EndHold, HoldTime, SetCalendar, settled_seats};

impl WorkspaceHandle<'_> {
    /// Makes the calendar of a person, a team or a thing, or gives it other settings. From then on nobody books it twice at once, nor
    /// beyond its capacity, nor out of its hours. What was booked before stays; its time is taken by [`seat_appointments`](Self::seat_appointments).
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every wrong setting; [`Conflict`](crate::ErrorKind::Conflict) beyond
    /// [`CALENDARS_MAX`](crate::calendar::CALENDARS_MAX) calendars.
    pub async fn set_calendar(
        &self,
        resource: Resource,
        settings: CalendarSettings,
    ) -> Result<Calendar, Error> {
        self.run(&SetCalendar { workspace: self.id(), resource, settings }).await
    }

    /// Takes the time of appointments that are still to take place and were booked before there was a calendar, or before it got other
    /// minutes before and after: to be called, page by page, once calendars are made in a workspace that has appointments. They are
    /// settled: they take their time whether there is room or not. What they take by name, and the appointments of deleted leads, stay
    /// as they are. The page counts the appointments that are looked at, all that start from a day ago on, by id; the answer has those that were seated, and where to go on.
    ///
    /// # Errors
    /// Those of the store. What was seated before stays so.
    pub async fn seat_appointments(&self, page: &PageRequest) -> Result<Page<Appointment>, Error> {
        let now = self.now();
        // One that began before may still go on.
        let from = now.checked_sub_signed(TimeDelta::minutes(MINUTES_MAX.into()));
        let filter = AppointmentFilter { from, ..AppointmentFilter::default() };
        let permit = self.permit(Permission::Update).await?;
        let config = self.current_config().await?;
        if let Some(refusal) = config.workspace.refusal() {
            return Err(Error::denied(refusal));
        }
        let Page { items, next } = self.store(permit).list_appointments(self.id(), &filter, page).await?;
        let mut seated = Vec::new();
        for row in items.into_iter().filter(|row| row.status.is_open() && row.schedule.ends_at() > now) {
            let seats = settled_seats(&row, &config);
            if !row.is_unseated(&seats) {
                continue;
            }
            match self.change_appointment((&row).into(), AppointmentChange::Seat).await {
                Ok(row) => seated.push(row),
                // Someone else has seated, moved or ended it meanwhile.
                Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Page { items: seated, next })
    }

    /// The calendar of a resource; `None` where it has none.
    pub async fn calendar(&self, resource: &Resource) -> Result<Option<Calendar>, Error> {
        self.permit(Permission::Read).await?;
        Ok(self.current_config().await?.calendars.get(resource).cloned())
    }

    /// All calendars, in the order of their resources.
    pub async fn calendars(&self) -> Result<Vec<Calendar>, Error> {
        self.permit(Permission::Read).await?;
        Ok(self.current_config().await?.calendars.iter().cloned().collect())
    }

    /// Keeps a time free for some minutes, for someone who has not booked yet: all that is asked for, or nothing. Book with
    /// [`NewAppointment::holding`](crate::NewAppointment::holding), or give it back with [`end_hold`](Self::end_hold); else it ends by
    /// itself.
    ///
    /// ```
    /// # pollster::block_on(async {
    /// use convio_core::availability::Hours;
    /// use convio_core::{CalendarSettings, Convio, NewAppointment, NewHold, NewWorkspace, RawLead, Resource, Schedule, Target, Zone};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let convio = Convio::new(MemoryStore::new());
    /// let acme = convio.create_workspace(NewWorkspace::named("Acme")).await?;
    /// let ann = Resource::person("ann");
    /// acme.set_calendar(ann.clone(), CalendarSettings::open(Hours::always(Zone::UTC))).await?;
    /// let time = Schedule::local("2027-03-02T10:00", "UTC")?;
    /// let hold = acme.hold(NewHold::at(time.clone(), 15).of(ann, 1)).await?;
    ///
    /// let lead = acme.ingest(RawLead::json(r#"{"phone":"+13105550123"}"#)).await?.into_accepted()?.lead;
    /// let visit = NewAppointment::at(time).direct(Target::person("ann"));
    /// assert!(acme.book(lead, visit.clone()).await.unwrap_err().clash().is_some()); // it is held
    /// acme.book(lead, visit.holding(hold)).await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every wrong field, and resources without calendars;
    /// [`Conflict`](crate::ErrorKind::Conflict) with a [`Clash`] where the time can't be had.
    pub async fn hold(&self, new: NewHold) -> Result<Hold, Error> {
        self.run(&HoldTime { workspace: self.id(), new }).await
    }

    /// Gives back what is held. Nothing happens where it has ended, was booked, or never was.
    pub async fn end_hold(&self, hold: Hold) -> Result<(), Error> {
        self.run(&EndHold { workspace: self.id(), hold }).await
    }

    /// What is taken of a resource's calendar within a time, by appointments and holds, in the order of their starts.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) for more than [`SLOT_DAYS_MAX`] days.
    pub async fn busy(&self, resource: &Resource, within: Interval) -> Result<Vec<Busy>, Error> {
        let permit = self.permit(Permission::Read).await?;
        if within.end - within.start > TimeDelta::days(SLOT_DAYS_MAX.into()) {
            let message = format!("at most {SLOT_DAYS_MAX} days are looked at");
            return Err(Error::invalid(vec![Reason::new("within", "out_of_range", message)]));
        }
        let asked = [(resource, within)];
        let mut busy = self.taken(permit, &asked).await?.pop().unwrap_or_default();
        busy.retain(|it| it.time.meets(within));
        busy.sort_by_key(|it| (it.time, it.by));
        Ok(busy)
    }

    /// The next times that are free: with anyone of those that are asked about, and with all that is needed beside them. What is free
    /// now may be taken by someone else before it is booked: a booking with one of them says so then, and one that rules route goes to
    /// whoever else has time, or to nobody yet.
    ///
    /// ```
    /// # pollster::block_on(async {
    /// use chrono::Weekday;
    /// use convio_core::availability::Hours;
    /// use convio_core::calendar::SlotRequest;
    /// use convio_core::{CalendarSettings, Convio, NewWorkspace, Resource};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let convio = Convio::new(MemoryStore::new());
    /// let acme = convio.create_workspace(NewWorkspace::named("Acme")).await?;
    /// let hours = Hours::of("America/New_York".parse()?).each([Weekday::Mon], 9 * 60, 11 * 60);
    /// acme.set_calendar(Resource::person("ann"), CalendarSettings::open(hours)).await?;
    ///
    /// let request = SlotRequest::of([Resource::person("ann")], 60, "America/Denver".parse()?)
    ///     .from("2027-03-01T00:00:00Z".parse()?)
    ///     .every(60)
    ///     .days(1);
    /// let free = acme.next_slots(&request).await?;
    /// let walls: Vec<String> = free.iter().map(|slot| slot.schedule.wall.to_string()).collect();
    /// assert_eq!(walls, ["2027-03-01 07:00:00", "2027-03-01 08:00:00"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every wrong field, and resources without calendars.
    pub async fn next_slots(&self, request: &SlotRequest) -> Result<Vec<FreeSlot>, Error> {
        let permit = self.permit(Permission::Read).await?;
        request.check()?;
        let config = self.current_config().await?;
        let of: Vec<(Resource, u32)> = request.of.iter().map(|resource| (resource.clone(), 1)).collect();
        let asked = Asked {
            of: config.calendars.wanted(&of)?,
            with: config.calendars.wanted(&request.with)?,
            query: SlotQuery::of(request.within(self.now()), request.minutes)
                .every(request.every)
                .first(request.limit),
        };
        let slots = self.free(permit, &config.calendars, &asked).await?;
        let slot = |(time, who): (Interval, Vec<usize>)| FreeSlot {
            schedule: crate::appointment::Schedule::at(time.start, &request.zone).minutes(request.minutes),
            of: who.into_iter().map(|n| request.of[n].clone()).collect(),
        };
        Ok(slots.into_iter().map(slot).collect())
    }

    /// The same error, with the next times at which all that was asked for is free.
    pub(super) async fn with_next(&self, permit: Permit, error: Error) -> Error {
        let Some(clash) = error.clash() else { return error };
        match self.next_of(permit, clash).await {
            Ok(next) => error.with_next(next),
            Err(_) => error, // what is wrong is the time that was asked for
        }
    }

    async fn next_of(&self, permit: Permit, clash: &Clash) -> Result<Vec<Interval>, Error> {
        let config = self.config(false).await?;
        let Some((first, rest)) = clash.takes.split_first() else { return Ok(Vec::new()) };
        let from = clash.time.start.max(self.now());
        let minutes = (clash.time.end - clash.time.start).num_minutes();
        let until = from.checked_add_signed(TimeDelta::days(CLASH_DAYS));
        let within = Interval::new(from, until.unwrap_or(DateTime::<Utc>::MAX_UTC));
        let query = SlotQuery::of(within, u32::try_from(minutes).unwrap_or(u32::MAX)).first(CLASH_SLOTS);
        let asked = Asked { of: vec![first.clone()], with: rest.to_vec(), query };
        let slots = self.free(permit, &config.calendars, &asked).await?;
        Ok(slots.into_iter().map(|(time, _)| time).collect())
    }

    /// Times that are free, each with the places of those who are. Most who ask want the first few: the first days are looked at
    /// alone, and all of them only where that is not enough.
    async fn free(
        &self,
        permit: Permit,
        calendars: &Calendars,
        asked: &Asked,
    ) -> Result<Vec<(Interval, Vec<usize>)>, Error> {
        let whole = asked.query.within;
        let soon = whole.start.checked_add_signed(TimeDelta::days(FIRST_DAYS)).unwrap_or(whole.end);
        let soon = Interval::new(whole.start, whole.end.min(soon));
        let slots = self.free_within(soon, permit, calendars, asked).await?;
        // Whatever begins later comes after them.
        if slots.len() >= asked.query.limit || soon == whole {
            return Ok(slots);
        }
        self.free_within(whole, permit, calendars, asked).await
    }

    async fn free_within(
        &self,
        within: Interval,
        permit: Permit,
        calendars: &Calendars,
        asked: &Asked,
    ) -> Result<Vec<(Interval, Vec<usize>)>, Error> {
        let all = || asked.of.iter().chain(&asked.with);
        let times: Vec<_> = all().map(|taken| (&taken.resource, taken.around(within))).collect();
        let busy = self.taken(permit, &times).await?;
        let busy: Vec<Vec<(Interval, u32)>> =
            busy.into_iter().map(|of| of.into_iter().map(|it| (it.time, it.units)).collect()).collect();
        let bookables = all().zip(&busy).map(|(taken, busy)| {
            let settings = calendars.active(&taken.resource);
            let settings = settings.ok_or_else(|| Error::not_found("calendar", &taken.resource))?;
            let Taken { resource: _, units, before, after, named: _ } = *taken;
            let (hours, capacity) = (&settings.hours, settings.capacity);
            Ok(Bookable { hours, taken: busy, capacity, units, before, after })
        });
        let bookables: Vec<Bookable<'_>> = bookables.collect::<Result<_, Error>>()?;
        let (of, with) = bookables.split_at(asked.of.len());
        let slots = next_slots(of, with, &SlotQuery { within, ..asked.query });
        Ok(slots.into_iter().map(|slot| (slot.time, slot.who)).collect())
    }

    /// What is taken of each of these on the days of its time, whatever else of those days it is.
    async fn taken(&self, permit: Permit, asked: &[(&Resource, Interval)]) -> Result<Vec<Vec<Busy>>, Error> {
        let mut places = Vec::new();
        let mut keys = Vec::new();
        for (n, (resource, time)) in asked.iter().enumerate() {
            for day in BusyDay::days(*time) {
                places.push((n, day));
                keys.push(BusyDay::key(resource, day));
            }
        }
        let places: HashMap<&str, (usize, NaiveDate)> =
            keys.iter().map(String::as_str).zip(places.iter().copied()).collect();
        let now: DateTime<Utc> = self.now();
        let mut taken = vec![Vec::new(); asked.len()];
        for keys in keys.chunks(PAGE_ITEMS_MAX) {
            for record in self.store(permit).fetch_records(self.id(), BUSY_KIND, keys).await? {
                let Some((n, day)) = places.get(record.key.as_str()).copied() else { continue };
                let busy: BusyDay = record.read()?;
                let first_day = asked[n].1.start.date_naive();
                // What goes on into another day stands in both.
                let begins = |it: &Busy| it.time.start.date_naive().max(first_day) == day;
                taken[n].extend(busy.into_iter().filter(|it| it.stands(now) && begins(it)));
            }
        }
        Ok(taken)
    }
}

/// What must be free: any of some, and all of others.
struct Asked {
    of: Vec<Taken>,
    with: Vec<Taken>,
    query: SlotQuery,
}

/// How many days are looked at first.
const FIRST_DAYS: i64 = 3;
/// How many days a clash looks ahead for free times.
const CLASH_DAYS: i64 = 14;
/// How many of these it names.
const CLASH_SLOTS: usize = 5;
