use super::Conversion;
use crate::event::{Event, EventBody, Subject};

impl Conversion {
    /// The conversion as its events tell it; `None` when they do not hold its recording.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<Self> {
        let mut conversion = None;
        for event in events {
            let (Some(Subject::Conversion(id)), EventBody::ConversionRecorded(recorded)) =
                (event.subject(), &event.body)
            else {
                continue;
            };
            conversion = Some(Self {
                id,
                workspace: event.workspace,
                lead: event.lead_id()?,
                contact: event.contact_id()?,
                appointment: recorded.appointment,
                conversion_type: recorded.conversion_type.clone(),
                value: recorded.value,
                first_touch: recorded.first_touch.clone(),
                occurred_at: recorded.occurred_at,
                created_at: event.at,
                version: event.subject_version()?,
            });
        }
        conversion
    }
}
