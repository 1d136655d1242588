//! What was acknowledged is there.

use convio_core::contact::ContactRef;
use convio_core::event::EventBody;
use convio_core::{ContactId, LeadId, PageRequest, StreamRef, WorkspaceHandle};

/// A lead that somebody was told of.
#[derive(Debug, Clone)]
pub(crate) struct Acked {
    pub(crate) lead: LeadId,
    pub(crate) contact: ContactId,
    pub(crate) body: String,
}

/// Those that are not there whole: the lead with its contact, its payload and its event.
pub(crate) fn missing(acme: &WorkspaceHandle<'_>, acked: &[Acked]) -> Vec<Acked> {
    pollster::block_on(async {
        let mut missing = Vec::new();
        for ack in acked {
            if !is_whole(acme, ack).await {
                missing.push(ack.clone());
            }
        }
        missing
    })
}

async fn is_whole(acme: &WorkspaceHandle<'_>, ack: &Acked) -> bool {
    let lead = acme.lead(ack.lead).await.unwrap();
    let contact = acme.contact(ContactRef::Id(ack.contact)).await.unwrap();
    let payload = acme.payload(ack.lead.intake()).await.unwrap();
    let events = acme.history(StreamRef::Lead(ack.lead), &PageRequest::default()).await.unwrap().items;
    lead.is_some_and(|lead| lead.contact == ack.contact)
        && contact.is_some()
        && payload.is_some_and(|payload| *payload.body == ack.body.as_bytes())
        && matches!(events.as_slice(), [event] if event.contact_id() == Some(ack.contact)
            && matches!(event.body, EventBody::LeadReceived(_)))
}
