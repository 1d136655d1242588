//! Calendars: records of the configuration; and holds, which take time of them.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `set_calendar` | nothing | 1 | 2 |
//! | `hold` | nothing | 1 | 2 |
//! | `end_hold` | nothing | 1 | 2 |

use chrono::TimeDelta;

use super::{Context, Plan, UseCase};
use crate::api_key::Permission;
use crate::calendar::{
    CALENDARS_MAX, Calendar, CalendarSettings, Hold, NewHold, Resource, Seats, Take, Taken,
};
use crate::change_set::{Booking, NewEvent, Version};
use crate::error::{Error, Reason};
use crate::event::{EventBody, Subject};
use crate::id::WorkspaceId;
use crate::record::Keeps;
use crate::store::{Loaded, Needs};

/// Makes a resource's calendar, or gives it other settings. One commit.
#[derive(Debug, Clone)]
pub struct SetCalendar {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Whose it is.
    pub resource: Resource,
    /// All its settings.
    pub settings: CalendarSettings,
}

impl UseCase for SetCalendar {
    type Answer = Calendar;

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn plan(&self, _: &Loaded, context: &Context<'_>) -> Result<Plan<Calendar>, Error> {
        let calendars = &context.config()?.calendars;
        let reasons: Vec<Reason> = self.settings.check().into_iter().chain(self.resource.reason()).collect();
        if !reasons.is_empty() {
            return Err(Error::invalid(reasons));
        }
        let before = calendars.get(&self.resource);
        if before.is_none() && calendars.iter().len() >= CALENDARS_MAX {
            return Err(Error::conflict(format!("a workspace has at most {CALENDARS_MAX} calendars")));
        }
        let row = Calendar {
            id: Calendar::id_of(self.workspace, &self.resource),
            workspace: self.workspace,
            resource: self.resource.clone(),
            settings: self.settings.clone(),
            created_at: before.map_or(context.at, |before| before.created_at),
            version: before.map_or(Version::ZERO, |before| before.version).next(),
        };
        let body = EventBody::CalendarSet { resource: row.resource.clone(), settings: row.settings.clone() };
        let mut changes = context.changes(self.workspace);
        changes.events.push(NewEvent::about(Subject::Calendar(row.id), body));
        changes.records.push(row.keep()?);
        Ok(Plan { changes, answer: row })
    }
}

/// Keeps a time free for someone who has not booked yet. One commit.
#[derive(Debug, Clone)]
pub struct HoldTime {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// What is held, and how long.
    pub new: NewHold,
}

impl UseCase for HoldTime {
    type Answer = Hold;

    fn permission(&self) -> Permission {
        Permission::Update
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn plan(&self, _: &Loaded, context: &Context<'_>) -> Result<Plan<Hold>, Error> {
        let config = context.open()?;
        self.new.check()?;
        let NewHold { schedule, minutes, of, is_anytime } = &self.new;
        let takes = config.calendars.wanted(of)?;
        let time = schedule.kept().time();
        let seats = Seats::new(config.calendars.clone(), time, None).with(takes).anytime(*is_anytime);
        let takes: Vec<Taken> = seats.takes(None);
        seats.check(&takes)?;
        let until = context.at + TimeDelta::minutes((*minutes).into());
        let hold = Hold { id: context.ids.next(context.at), time, takes, until };
        let wanted: Vec<Take> = seats.wanted(None);
        let mut changes = context.changes(self.workspace);
        changes.bookings.push(Booking {
            by: hold.mark(),
            until: Some(until),
            is_settled: false,
            time,
            takes: wanted,
        });
        Ok(Plan { changes, answer: hold })
    }
}

/// Gives back what is held, before the hold ends by itself. One commit.
#[derive(Debug, Clone)]
pub struct EndHold {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// What is held.
    pub hold: Hold,
}

impl UseCase for EndHold {
    type Answer = ();

    fn permission(&self) -> Permission {
        Permission::Update
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn plan(&self, _: &Loaded, context: &Context<'_>) -> Result<Plan<()>, Error> {
        context.open()?;
        let reasons = self.hold.reasons();
        if !reasons.is_empty() {
            return Err(Error::invalid(reasons));
        }
        let mut changes = context.changes(self.workspace);
        changes.given_back.push(self.hold.given_back());
        Ok(Plan { changes, answer: () })
    }
}
