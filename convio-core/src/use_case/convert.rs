use chrono::NaiveDate;

use super::{Context, Plan, UseCase};
use crate::analytics::{Cube, Measure, RollupDelta, When};
use crate::appointment::Appointment;
use crate::change_set::{ChangeSet, ContactWrite, Mention, NewEvent, Version, Write};
use crate::conversion::{Conversion, NewConversion};
use crate::error::{Error, Reason};
use crate::event::{ConversionRecorded, EventBody, Subject};
use crate::id::{ConversionId, WorkspaceId};
use crate::lead::{Lead, LeadStatus, Stage};
use crate::store::{Loaded, Need, Needs};

/// Records a conversion: on the lead, on its contact, in the rollups, in one commit. Reads the configuration and the lead.
#[derive(Debug, Clone)]
pub struct Convert {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// What is recorded.
    pub new: NewConversion,
}

impl UseCase for Convert {
    type Answer = Conversion;

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [Need::Config, Need::Lead(self.new.lead)])
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Conversion>, Error> {
        let mut changes = context.changes(self.workspace);
        changes.config = loaded.config; // the day that it counts on follows from the zone
        let conversion = record(&mut changes, loaded, context, &self.new, None)?;
        Ok(Plan { changes, answer: conversion })
    }
}

/// Adds to `changes` all that recording `new` takes.
pub(super) fn record(
    changes: &mut ChangeSet,
    loaded: &Loaded,
    context: &Context<'_>,
    new: &NewConversion,
    appointment: Option<&Appointment>,
) -> Result<Conversion, Error> {
    let lead = loaded.lead(new.lead).ok_or_else(|| Error::not_found("lead", new.lead))?;
    let contact = loaded.contact(lead.contact).ok_or_else(|| Error::not_found("contact", lead.contact))?;
    let workspace =
        loaded.workspace.as_ref().ok_or_else(|| Error::not_found("workspace", changes.workspace))?;
    if new.value.minor() < 0 {
        let reason = Reason::new("value", "negative", "a conversion is worth nothing or more");
        return Err(Error::invalid(vec![reason]));
    }
    if lead.test {
        return Err(Error::conflict(format!("lead `{}` is a test and can't be sold", lead.id)));
    }
    let conversion = Conversion {
        id: ConversionId::new(context.ids, context.at),
        workspace: changes.workspace,
        lead: lead.id,
        contact: contact.id,
        appointment: appointment.map(|appointment| appointment.id),
        conversion_type: new.conversion_type.clone(),
        value: new.value,
        first_touch: contact.first_touch.source.clone(),
        occurred_at: crate::clock::micros(new.occurred_at.unwrap_or(context.at)),
        created_at: context.at,
        version: Version::ZERO.next(),
    };
    let status = match lead.status.stage {
        Stage::Won => lead.status.clone(),
        stage => LeadStatus::of(stage.transition(Stage::Won)?),
    };

    let mut row = contact.clone();
    let overflow = |error| Error::invalid(vec![Reason::new("value", "overflow", format!("{error}"))]);
    row.convert(conversion.value, conversion.occurred_at).map_err(overflow)?;
    changes.contacts.push(ContactWrite::Update { row: Box::new(row), at: contact.version });

    let mut row = lead.clone();
    row.status = status.clone();
    row.conversion = lead.conversion.or(Some(conversion.id));
    row.version = lead.version.next();
    changes.leads.push(Write::Update { row, at: lead.version });

    let recorded = ConversionRecorded {
        conversion: conversion.id,
        appointment: conversion.appointment,
        conversion_type: conversion.conversion_type.clone(),
        value: conversion.value,
        occurred_at: conversion.occurred_at,
        first_touch: conversion.first_touch.clone(),
        lead_status: status,
    };
    changes.events.push(NewEvent {
        contact: Some(Mention::changed(contact.id)),
        lead: Some(Mention::changed(lead.id)),
        ..NewEvent::about(Subject::Conversion(conversion.id), EventBody::ConversionRecorded(recorded))
    });

    let day = workspace.settings.zone.day_of(conversion.occurred_at);
    changes.rollups.push(RollupDelta {
        cube: Cube::Conversions,
        day,
        dims: [
            conversion.first_touch.key().to_owned(),
            conversion.conversion_type.key().to_owned(),
            conversion.value.currency().to_string(),
        ],
        add: vec![
            (Measure::Conversions, 1, When::Always),
            (Measure::ValueMinor, conversion.value.minor(), When::Always),
        ],
        at: Some(conversion.occurred_at),
        lead: None,
    });
    if lead.conversion.is_none() {
        changes.rollups.push(of_lead(lead, day, Measure::Converted));
    }
    changes.conversions.push(Write::Insert(conversion.clone()));
    Ok(conversion)
}

/// One more of `measure` for the lead's webhook and source.
pub(super) fn of_lead(lead: &Lead, day: NaiveDate, measure: Measure) -> RollupDelta {
    RollupDelta {
        cube: Cube::Leads,
        day,
        dims: [lead.webhook.to_string(), lead.interest.source.key().to_owned(), String::new()],
        add: vec![(measure, 1, When::Always)],
        at: None,
        lead: None,
    }
}
