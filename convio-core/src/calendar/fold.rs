use super::Calendar;
use crate::event::{Event, EventBody, Subject};

impl Calendar {
    /// The calendar as its events tell it; `None` when there is none that sets it.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<Self> {
        let mut calendar: Option<Self> = None;
        for event in events {
            let (Some(Subject::Calendar(id)), EventBody::CalendarSet { resource, settings }) =
                (event.subject(), &event.body)
            else {
                continue;
            };
            let created_at = calendar.map_or(event.at, |before| before.created_at);
            calendar = Some(Self {
                id,
                workspace: event.workspace,
                resource: resource.clone(),
                settings: settings.clone(),
                created_at,
                version: event.subject_version()?,
            });
        }
        calendar
    }
}
