//! Reads what a use case needs, as of one moment.

use convio_core::store::{Loaded, Need, Needs, StoreError};
use convio_core::{LeadId, WorkspaceId};
use rusqlite::Connection;

use crate::readers::snapshot;
use crate::{
    appointment, contact, conversion, event, lead, payload, record, rejection, touch, webhook, workspace,
};

pub(crate) fn load(conn: &Connection, needs: &Needs) -> Result<Loaded, StoreError> {
    snapshot(conn, |conn| {
        let mut loaded = Loaded::default();
        for need in &needs.items {
            read(conn, needs.workspace, *need, &mut loaded)?;
        }
        Ok(loaded)
    })
}

fn read(conn: &Connection, id: WorkspaceId, need: Need, loaded: &mut Loaded) -> Result<(), StoreError> {
    match need {
        Need::Config => {
            loaded.config = event::head(conn, id)?.map(|head| head.config);
            loaded.workspace = workspace::fetch(conn, id)?;
            loaded.webhooks = webhook::all(conn, id)?;
            loaded.records = record::of_config(conn, id)?;
        }
        Need::Lead(lead) => read_lead(conn, id, lead, loaded)?,
        Need::Appointment(appointment) => {
            if let Some(appointment) = appointment::fetch(conn, id, appointment)? {
                read_lead(conn, id, appointment.lead, loaded)?;
                loaded.appointments.push(appointment);
            }
        }
        Need::Conversion(conversion) => {
            if let Some(conversion) = conversion::fetch(conn, id, conversion)? {
                read_lead(conn, id, conversion.lead, loaded)?;
                loaded.conversions.extend(conversion::of_contact(conn, id, conversion.contact)?);
            }
        }
        Need::Contact(contact) => loaded.contacts.extend(contact::fetch(conn, id, contact)?),
        Need::Touches(of, at) => {
            if let Some(contact) = lead::contact_of(conn, id, of)? {
                loaded.lead_touches = lead::touches(conn, id, contact, at)?;
                loaded.touches = touch::of_contact(conn, id, contact, at)?;
            }
        }
        Need::Owner(of) => loaded.owners.extend(lead::owner(conn, id, of)?.map(|owner| (of, owner))),
        Need::Rejection(intake) => {
            loaded.rejections.extend(rejection::fetch(conn, id, intake)?);
            loaded.payloads.extend(payload::fetch(conn, id, intake)?);
        }
        need => {
            return Err(StoreError::Misuse(format!("this version of the store can't read {need:?}")));
        }
    }
    Ok(())
}

fn read_lead(
    conn: &Connection,
    id: WorkspaceId,
    lead: LeadId,
    loaded: &mut Loaded,
) -> Result<(), StoreError> {
    if let Some(lead) = lead::fetch(conn, id, lead)? {
        loaded.contacts.extend(contact::fetch(conn, id, lead.contact)?);
        loaded.leads.push(lead);
    }
    Ok(())
}
