use super::{Contact, Offer, Stamp};
use crate::event::{Event, EventBody};

impl Contact {
    /// The contact as its events tell it, by the same merge rule that stores apply; `None` when they do not start with
    /// the lead that made it, or when they hold what can't have happened.
    pub fn fold<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<Self> {
        let mut contact: Option<Self> = None;
        for event in events {
            let (Some(id), Some(version)) = (event.contact_id(), event.contact_version()) else {
                continue;
            };
            match &event.body {
                EventBody::LeadReceived(received) => {
                    let touch = received.touch(event.lead_id()?);
                    let stamp = Stamp { rank: received.rank, at: received.received_at, lead: touch.lead };
                    let offer = Offer { person: received.person().cloned().unwrap_or_default(), stamp };
                    match &mut contact {
                        Some(contact) => contact.take(&offer, &touch),
                        None => {
                            let number = event.contact_number?;
                            contact = Some(Self::opened(event.workspace, id, number, offer, touch, event.at));
                        }
                    }
                }
                EventBody::ConversionRecorded(recorded) => {
                    contact.as_mut()?.convert(recorded.value, recorded.occurred_at).ok()?;
                }
                EventBody::ConversionVoided(voided) => {
                    contact.as_mut()?.unconvert(voided.value, voided.customer_since).ok()?;
                }
                EventBody::ConversionAdjusted(adjusted) => {
                    contact.as_mut()?.adjust(adjusted.before, adjusted.net).ok()?;
                }
                EventBody::ConversionReturned(back) => {
                    let adjusted = back.adjusted.as_ref()?;
                    contact.as_mut()?.adjust(adjusted.before, adjusted.net).ok()?;
                }
                EventBody::ContactMerged(merged)
                | EventBody::ContactMergedInto(merged)
                | EventBody::ContactUnmerged(merged) => contact.as_mut()?.enter(&merged.state),
                EventBody::ContactIdentified { .. } => contact.as_mut()?.identify(),
                EventBody::LeadDeleted => contact.as_mut()?.count_lead(false),
                EventBody::LeadRestored => contact.as_mut()?.count_lead(true),
                _ => continue,
            }
            if contact.as_ref()?.version != version {
                return None;
            }
        }
        contact
    }
}
