//! Appointments as iCalendar files (RFC 5545, RFC 5546): invitations, cancellations, and calendars to subscribe to.
//!
//! | what is sent | call | `METHOD` |
//! |---|---|---|
//! | an appointment was booked, moved, confirmed, or its text has changed | [`invite`] | `REQUEST` |
//! | it was called off | [`cancellation`] | `CANCEL` |
//! | the calendar behind a URL | [`feed`] | `PUBLISH` |
//!
//! **One meeting, one UID.** A moved appointment is a row of its own, so these take a [`Chain`], which
//! [`appointment_chain`](crate::WorkspaceHandle::appointment_chain) reads. The `UID` is the id of its first appointment; `SEQUENCE`
//! is [`Chain::revision`], which grows with each event, so a calendar moves the meeting that it has, and an older message that comes
//! later changes nothing.
//!
//! **Times are in UTC.** The stored instant is what holds, and every reader shows it in the zone of who looks. A time with `TZID`
//! would be worked out again by each reader's own rules, and can't say the second of two equal times. The zone that people agreed on
//! is named for the whole calendar (`X-WR-TIMEZONE`), where all of it has one: some readers show times in it.
//!
//! **Nothing personal comes from the row**: names, places and addresses are what [`Details`] give. The same values make the same
//! bytes, whenever.
//!
//! ```
//! # pollster::block_on(async {
//! use convio_core::appointment::ics::{self, Details, Mailbox};
//! # use convio_core::{Convio, NewWorkspace, Party, RawLead, Schedule};
//! # use convio_store_memory::MemoryStore;
//! # let convio = Convio::new(MemoryStore::new());
//! # let acme = convio.create_workspace(NewWorkspace::named("Acme")).await?;
//! # let lead = acme.ingest(RawLead::json(r#"{"phone":"+13105550123"}"#)).await?.into_accepted()?.lead;
//!
//! let visit = acme.book(lead, Schedule::local("2027-03-02T10:00", "America/Denver")?).await?;
//! let chain = acme.appointment_chain(visit.id).await?.unwrap();
//! let us = Mailbox::new("visits@acme.example".parse()?).name("Acme Solar");
//! let details = Details::new("Solar consultation")
//!     .location("12 Main St, Denver")
//!     .attendee(Mailbox::new("ana@example.com".parse()?).name("Ana Lima"));
//! let file = ics::invite(&chain, &us, &details)?;
//! assert!(file.contains("\r\nMETHOD:REQUEST\r\n"));
//! assert!(file.contains("\r\nDTSTART:20270302T170000Z\r\n"));
//! assert!(file.contains("\r\nLOCATION:12 Main St\\, Denver\r\n"));
//! assert!(file.contains(&format!("\r\nUID:{}\r\n", visit.id)));
//!
//! acme.cancel(&visit, Party::Customer, None).await?;
//! let chain = acme.appointment_chain(visit.id).await?.unwrap();
//! let file = ics::cancellation(&chain, &us, &details)?;
//! assert!(file.contains("\r\nMETHOD:CANCEL\r\n") && file.contains("\r\nSTATUS:CANCELLED\r\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod details;

use std::collections::HashSet;

use chrono::{DateTime, Datelike, Utc};
use icalendar::{Calendar, Component, Event, EventLike, EventStatus, Property};

use super::{Appointment, AppointmentStatus, Chain, text_reason};
use crate::error::{Error, Reason};
use crate::id::AppointmentId;
use crate::zone::Zone;
use details::clean;

pub use details::{Details, Mailbox};

/// The file that asks people to an appointment, or tells those who were asked of its new time (`METHOD:REQUEST`).
///
/// # Errors
/// [`Invalid`](crate::ErrorKind::Invalid) names every wrong field, and `attendees` where nobody is asked;
/// [`Conflict`](crate::ErrorKind::Conflict) for an appointment that is not to take place, or was moved since.
pub fn invite(chain: &Chain, organizer: &Mailbox, details: &Details) -> Result<String, Error> {
    let last = chain.last();
    if !last.status.is_open() {
        let message = format!("nobody is asked to an appointment that is `{}`", last.status.code());
        return Err(Error::conflict(message));
    }
    let nobody = details.attendees.is_empty().then(|| Reason::missing("attendees"));
    check([organizer.reasons("organizer"), details.reasons(), reasons(last), nobody.into_iter().collect()])?;
    Ok(write(Method::Request, None, organizer, &[(chain, details)]))
}

/// The file that calls an appointment off for those who were asked to it (`METHOD:CANCEL`).
///
/// # Errors
/// [`Invalid`](crate::ErrorKind::Invalid) names every wrong field; [`Conflict`](crate::ErrorKind::Conflict) for an appointment that
/// is not cancelled.
pub fn cancellation(chain: &Chain, organizer: &Mailbox, details: &Details) -> Result<String, Error> {
    let last = chain.last();
    if last.status != AppointmentStatus::Cancelled {
        let message = format!("an appointment that is `{}` is not called off", last.status.code());
        return Err(Error::conflict(message));
    }
    check([organizer.reasons("organizer"), details.reasons(), reasons(last)])?;
    Ok(write(Method::Cancel, None, organizer, &[(chain, details)]))
}

/// A calendar of this name to subscribe to (`METHOD:PUBLISH`): serve it as `text/calendar; charset=utf-8`.
///
/// Whatever became of an appointment, it is shown: open or held as it is, called off as such. One that was moved is left out, since
/// the one that it was moved to stands for it; so is one that was given before. Attendees are never in a feed.
///
/// ```
/// # pollster::block_on(async {
/// use convio_core::appointment::AppointmentFilter;
/// use convio_core::appointment::ics::{self, Details, Mailbox};
/// # use convio_core::{Convio, NewWorkspace, PageRequest, RawLead, Schedule};
/// # use convio_store_memory::MemoryStore;
/// # let convio = Convio::new(MemoryStore::new());
/// # let acme = convio.create_workspace(NewWorkspace::named("Acme")).await?;
/// # let lead = acme.ingest(RawLead::json(r#"{"phone":"+13105550123"}"#)).await?.into_accepted()?.lead;
/// # acme.book(lead, Schedule::local("2027-03-02T10:00", "America/Denver")?).await?;
///
/// let page = acme.appointments(&AppointmentFilter::default(), &PageRequest::default()).await?;
/// let ids: Vec<_> = page.items.iter().map(|visit| visit.id).collect();
/// let chains = acme.appointment_chains(&ids).await?;
/// let entries: Vec<_> = chains.iter().flatten().map(|chain| (chain, Details::new("Visit"))).collect();
/// let us = Mailbox::new("visits@acme.example".parse()?);
/// let file = ics::feed("Visits of Acme", &us, entries.iter().map(|(chain, details)| (*chain, details)))?;
/// assert_eq!(file.matches("BEGIN:VEVENT").count(), page.items.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// [`Invalid`](crate::ErrorKind::Invalid) names every wrong field, those of an entry with its place: `entries[3].summary`.
pub fn feed<'a>(
    name: &str,
    organizer: &Mailbox,
    entries: impl IntoIterator<Item = (&'a Chain, &'a Details)>,
) -> Result<String, Error> {
    let mut wrong = organizer.reasons("organizer");
    wrong.extend(text_reason("name", Some(name)));
    let mut seen: HashSet<AppointmentId> = HashSet::new();
    let mut shown = Vec::new();
    for (n, (chain, details)) in entries.into_iter().enumerate() {
        let of_entry = details.reasons().into_iter().chain(reasons(chain.last()));
        wrong.extend(
            of_entry.map(|reason| Reason { field: format!("entries[{n}].{}", reason.field), ..reason }),
        );
        if chain.last().status != AppointmentStatus::Rescheduled && seen.insert(chain.first().id) {
            shown.push((chain, details));
        }
    }
    check([wrong])?;
    Ok(write(Method::Publish, Some(name), organizer, &shown))
}

fn check<const N: usize>(reasons: [Vec<Reason>; N]) -> Result<(), Error> {
    let reasons = reasons.concat();
    if reasons.is_empty() { Ok(()) } else { Err(Error::invalid(reasons)) }
}

/// A year in iCalendar has four digits.
fn reasons(appointment: &Appointment) -> Vec<Reason> {
    let fits = |at: DateTime<Utc>| (1..=9999).contains(&at.year());
    let schedule = &appointment.schedule;
    if fits(schedule.starts_at) && fits(schedule.ends_at()) {
        return Vec::new();
    }
    vec![Reason::new("schedule", "out_of_range", "a calendar has years of four digits")]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Request,
    Cancel,
    Publish,
}

fn write(method: Method, name: Option<&str>, organizer: &Mailbox, entries: &[(&Chain, &Details)]) -> String {
    let mut calendar = Calendar::empty();
    calendar.append_property(("VERSION", "2.0"));
    calendar.append_property(("PRODID", "-//Convio//Convio//EN"));
    calendar.append_property(("CALSCALE", "GREGORIAN"));
    let code = match method {
        Method::Request => "REQUEST",
        Method::Cancel => "CANCEL",
        Method::Publish => "PUBLISH",
    };
    calendar.append_property(("METHOD", code));
    if let Some(name) = name {
        let name = clean(name);
        // The crate escapes no `NAME` that does not say that it is text.
        calendar.append_property(Property::new("NAME", &name).add_parameter("VALUE", "TEXT").done());
        calendar.append_property(("X-WR-CALNAME", name.as_str()));
    }
    if let Some(zone) = common_zone(entries) {
        calendar.append_property(("X-WR-TIMEZONE", zone.name()));
    }
    for (chain, details) in entries {
        calendar.push(event(method, chain, organizer, details));
    }
    fold(&calendar.to_string())
}

/// Folds content lines by octets, between letters. The crate's own last piece of a line can be an octet too long.
fn fold(content: &str) -> String {
    let unfolded = content.replace("\r\n ", "");
    let mut folded = String::with_capacity(content.len());
    for line in unfolded.split_terminator("\r\n") {
        let mut octets = 0;
        for c in line.chars() {
            if octets + c.len_utf8() > LINE_OCTETS_MAX {
                folded.push_str("\r\n ");
                octets = 1;
            }
            folded.push(c);
            octets += c.len_utf8();
        }
        folded.push_str("\r\n");
    }
    folded
}

fn common_zone<'a>(entries: &[(&'a Chain, &Details)]) -> Option<&'a Zone> {
    let mut zones = entries.iter().map(|(chain, _)| &chain.last().schedule.zone);
    let first = zones.next()?;
    zones.all(|zone| zone == first).then_some(first)
}

fn event(method: Method, chain: &Chain, organizer: &Mailbox, details: &Details) -> Event {
    let last = chain.last();
    let mut event = Event::new();
    event
        .uid(&chain.first().id.to_string())
        .timestamp(details.stamped_at.unwrap_or(stored_at(last)))
        .starts(last.schedule.starts_at)
        .ends(last.schedule.ends_at())
        // `sequence` takes a `u32`, and the standard an `i32`.
        .sequence(i32::try_from(chain.revision()).unwrap_or(i32::MAX).unsigned_abs())
        .summary(&clean(&details.summary))
        .append_property(organizer.property("ORGANIZER"));
    event.status(status(last.status));
    if let Some(description) = &details.description {
        event.description(&clean(description));
    }
    if let Some(location) = &details.location {
        event.location(&clean(location));
    }
    for attendee in details.attendees.iter().filter(|_| method != Method::Publish) {
        let mut attendee = attendee.property("ATTENDEE");
        if method == Method::Request {
            attendee.add_parameter("ROLE", "REQ-PARTICIPANT");
            attendee.add_parameter("PARTSTAT", "NEEDS-ACTION");
            attendee.add_parameter("RSVP", "TRUE");
        }
        event.append_multi_property(attendee);
    }
    event
}

/// Tentative until the customer says so; what was held or missed has taken its time.
fn status(status: AppointmentStatus) -> EventStatus {
    match status {
        AppointmentStatus::Booked => EventStatus::Tentative,
        AppointmentStatus::Confirmed | AppointmentStatus::Completed | AppointmentStatus::NoShow => {
            EventStatus::Confirmed
        }
        AppointmentStatus::Cancelled | AppointmentStatus::Rescheduled => EventStatus::Cancelled,
    }
}

/// When the row was last known to change. Some events leave no time on it: they show in the sequence.
fn stored_at(appointment: &Appointment) -> DateTime<Utc> {
    let ended = appointment.ended.as_ref().map(|ended| ended.at);
    ended.map_or(appointment.created_at, |at| at.max(appointment.created_at))
}

/// Longest line without its end (RFC 5545, section 3.1).
const LINE_OCTETS_MAX: usize = 75;
