use super::{Conversion, Voided};
use crate::event::{Event, EventBody, Subject};

impl Conversion {
    /// The conversion as its events tell it; `None` when they do not hold its recording.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<Self> {
        let mut conversion: Option<Self> = None;
        for event in events {
            let Some(Subject::Conversion(id)) = event.subject() else {
                continue;
            };
            match &event.body {
                EventBody::ConversionRecorded(recorded) => {
                    conversion = Some(Self {
                        id,
                        workspace: event.workspace,
                        lead: event.lead_id()?,
                        contact: event.contact_id()?,
                        appointment: recorded.appointment,
                        conversion_type: recorded.conversion_type.clone(),
                        value: recorded.value,
                        net: recorded.value,
                        adjustments: Vec::new(),
                        rate: recorded.rate.clone(),
                        first_touch: recorded.first_touch.clone(),
                        last_touch: recorded.last_touch.clone(),
                        sold_by: recorded.sold_by.clone(),
                        external_id: recorded.external_id.clone(),
                        metadata: recorded.metadata.clone().unwrap_or_default(),
                        occurred_at: recorded.occurred_at,
                        day: recorded.day,
                        seconds_to_convert: recorded.seconds_to_convert,
                        returned: None,
                        commissions: Vec::new(),
                        voided: None,
                        created_at: event.at,
                        version: event.subject_version()?,
                    });
                }
                EventBody::ConversionAdjusted(adjusted) => {
                    let row = conversion.as_mut()?;
                    row.net = adjusted.net;
                    row.adjustments.push(adjusted.adjusted.clone());
                    row.version = event.subject_version()?;
                }
                EventBody::ConversionReturned(back) => {
                    let row = conversion.as_mut()?;
                    row.returned = Some(back.returned.clone());
                    if let Some(adjusted) = &back.adjusted {
                        row.net = adjusted.net;
                        row.adjustments.push(adjusted.adjusted.clone());
                    }
                    row.set_commissions(&back.commissions);
                    row.version = event.subject_version()?;
                }
                EventBody::Reparented { .. } => {
                    let row = conversion.as_mut()?;
                    row.contact = event.contact_id()?;
                    row.version = event.subject_version()?;
                }
                EventBody::ConversionReattributed => {
                    conversion.as_mut()?.version = event.subject_version()?
                }
                EventBody::CommissionChanged(commission) => {
                    let row = conversion.as_mut()?;
                    row.set_commissions(std::slice::from_ref(commission));
                    row.version = event.subject_version()?;
                }
                EventBody::ConversionVoided(voided) => {
                    let row = conversion.as_mut()?;
                    row.set_commissions(&voided.commissions);
                    row.voided = Some(Voided { at: event.at, reason: voided.reason.clone() });
                    row.version = event.subject_version()?;
                }
                _ => {}
            }
        }
        conversion
    }
}
