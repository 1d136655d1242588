//! Records conversions, and takes them back.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `convert` | the lead, its contact, their touches | 1 | 3 |
//! | `adjust` | the conversion, its lead, its contact; its credits | 1 | 4 |
//! | `reattribute` | the conversion; then it again with its contact's touches and its appointment, and its credits | 1, or none where nothing is otherwise | 5 |
//! | `void` | all conversions of the contact, the lead and the contact; its credits | 1 | 4 |

use chrono::{DateTime, TimeDelta, Utc};

use super::{Context, Plan, UseCase, book, leads, rollups};
use crate::analytics::{Cube, Measure};
use crate::api_key::Permission;
use crate::appointment::{id_reason, text_reason};
use crate::attribution::{Adjustment, AttributionSettings, History, KeptCredits, Milestone, Touchpoint};
use crate::canonical::fingerprint;
use crate::change_set::{
    ChangeSet, Claim, ClaimKind, ContactWrite, Mention, NewEvent, RowRef, Version, Write,
};
use crate::conversion::{
    ADJUSTMENTS_MAX, Adjusted, Commission, Conversion, NewAdjustment, NewConversion, Voided,
};
use crate::error::{Error, Reason};
use crate::event::{ConversionAdjusted, ConversionRecorded, ConversionVoided, EventBody, Subject};
use crate::id::{AdjustmentId, AppointmentId, ContactId, ConversionId, TouchpointId, WorkspaceId};
use crate::lead::Progress;
use crate::money::Money;
use crate::record::{CREDITS_KIND, Keeps};
use crate::store::{ContactOf, Loaded, Need, Needs};

/// Records a conversion: on the lead, on its contact, in the rollups, with who earned it, in one commit. Reads the lead, the
/// contact's touches and the appointment that it came from.
#[derive(Debug, Clone)]
pub struct Convert {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// What is recorded.
    pub new: NewConversion,
}

impl UseCase for Convert {
    type Answer = Conversion;

    fn permission(&self) -> Permission {
        Permission::Convert
    }

    fn needs(&self) -> Needs {
        let until = self.new.occurred_at.unwrap_or(crate::clock::END_OF_TIME);
        let lead = self.new.lead;
        let items = [Need::Lead(lead), Need::Touches(ContactOf::Lead(lead), until)];
        Needs::of(self.workspace, items.into_iter().chain(self.new.appointment.map(Need::Appointment)))
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Conversion>, Error> {
        let lead = loaded.lead(self.new.lead).ok_or_else(|| Error::not_found("lead", self.new.lead))?;
        if let Some(id) = self.new.appointment {
            let found = loaded.appointment(id).ok_or_else(|| Error::not_found("appointment", id))?;
            if found.lead != lead.id {
                let message = format!("appointment `{id}` is one of another lead");
                return Err(Error::invalid(vec![Reason::new("appointment", "of_another_lead", message)]));
            }
        }
        let mut changes = context.changes(self.workspace);
        let conversion = record(&mut changes, loaded, context, &self.new, lead.progress.clone())?;
        Ok(Plan { changes, answer: conversion })
    }
}

/// Adds to `changes` all that recording `new` takes. `progress` is that of the lead just before.
pub(super) fn record(
    changes: &mut ChangeSet,
    loaded: &Loaded,
    context: &Context<'_>,
    new: &NewConversion,
    mut progress: Progress,
) -> Result<Conversion, Error> {
    let config = context.open()?;
    let lead = loaded.lead(new.lead).ok_or_else(|| Error::not_found("lead", new.lead))?;
    let contact = loaded.contact(lead.contact).ok_or_else(|| Error::not_found("contact", lead.contact))?;
    leads::stands(lead)?;
    let mut reasons: Vec<Reason> = id_reason(new.external_id.as_deref()).into_iter().collect();
    reasons.extend(text_reason("sold_by", new.sold_by.as_deref()));
    if new.value.minor() < 0 {
        reasons.push(Reason::new("value", "negative", "a conversion is worth nothing or more"));
    }
    if !reasons.is_empty() {
        return Err(Error::invalid(reasons));
    }
    if lead.test {
        return Err(Error::conflict(format!("lead `{}` is a test and can't be sold", lead.id)));
    }
    let occurred_at = book::past(new.occurred_at, context);
    let zone = &config.workspace.settings.zone;
    let conversion = Conversion {
        id: ConversionId::new(context.ids, context.at),
        workspace: changes.workspace,
        lead: lead.id,
        contact: contact.id,
        appointment: new.appointment,
        conversion_type: new.conversion_type.clone(),
        value: new.value,
        net: new.value,
        adjustments: Vec::new(),
        rate: config.rate(new.value.currency(), zone.day_of(occurred_at)),
        first_touch: contact.first_touch.clone(),
        last_touch: loaded.last_touch(occurred_at).unwrap_or_else(|| lead.touch()),
        sold_by: new.sold_by.clone(),
        external_id: new.external_id.clone(),
        metadata: new.metadata.clone(),
        occurred_at,
        day: zone.day_of(occurred_at),
        seconds_to_convert: (occurred_at - lead.received_at).num_seconds(),
        returned: None,
        commissions: Vec::new(),
        voided: None,
        created_at: context.at,
        version: Version::ZERO.next(),
    };
    changes.claims.extend(claim(&conversion, new));
    progress.sold(conversion.id, config.pipeline());

    let mut row = contact.clone();
    row.convert(conversion.value, occurred_at).map_err(overflow)?;
    changes.contacts.push(ContactWrite::Update { row: Box::new(row), at: contact.version });

    let mut row = lead.clone();
    row.progress = progress.clone();
    row.version = lead.version.next();
    changes.leads.push(Write::Update { row, at: lead.version });

    let recorded = ConversionRecorded {
        appointment: conversion.appointment,
        conversion_type: conversion.conversion_type.clone(),
        value: conversion.value,
        first_touch: conversion.first_touch.clone(),
        last_touch: conversion.last_touch.clone(),
        sold_by: conversion.sold_by.clone(),
        external_id: conversion.external_id.clone(),
        occurred_at,
        day: conversion.day,
        seconds_to_convert: conversion.seconds_to_convert,
        progress: progress.clone(),
        rate: conversion.rate.clone(),
        metadata: (!conversion.metadata.0.is_empty()).then(|| conversion.metadata.clone()),
    };
    changes.events.push(NewEvent {
        contact: Some(Mention::changed(contact.id)),
        lead: Some(Mention::changed(lead.id)),
        ..NewEvent::about(
            Subject::Conversion(conversion.id),
            EventBody::ConversionRecorded(Box::new(recorded)),
        )
    });
    rollups::conversion(changes, lead, &conversion, 1);
    changes.rollups.extend(rollups::funnel(lead, &progress, conversion.day));
    if lead.progress.conversion.is_none() {
        let add = vec![(Measure::Converted, 1)];
        changes.rollups.push(rollups::of_lead(Cube::Leads, lead, conversion.day, add));
    }
    if !config.attribution.models.is_empty() {
        let credits = credits(loaded, context, &conversion)?;
        changes.rollups.extend(credits.rollups());
        changes.records.push(credits.keep()?);
    }
    changes.conversions.push(Write::Insert(conversion.clone()));
    Ok(conversion)
}

/// Who earned it, by all models that the workspace keeps.
fn credits(loaded: &Loaded, context: &Context<'_>, conversion: &Conversion) -> Result<KeptCredits, Error> {
    let config = context.config()?;
    let (touches, milestones) = touched(loaded, &config.attribution, conversion);
    let day = config.workspace.settings.zone.day_of(context.at);
    let now = (conversion.created_at, day);
    KeptCredits::record(conversion, &config.attribution, touches, &milestones, now)
}

/// The touches of the conversion's contact, and those that mark its way.
fn touched(
    loaded: &Loaded,
    settings: &AttributionSettings,
    conversion: &Conversion,
) -> (Vec<Touchpoint>, Vec<(Milestone, TouchpointId)>) {
    let of_leads = loaded.lead_touches.iter().map(|touch| settings.channels.of_lead_touch(touch));
    let touches: Vec<Touchpoint> = of_leads.chain(loaded.touches.iter().cloned()).collect();
    let mut milestones = vec![(Milestone::Lead, conversion.lead.touchpoint())];
    // The last touch by the time that the appointment was booked.
    if let Some(visit) = conversion.appointment.and_then(|id| loaded.appointment(id)) {
        let before = touches.iter().filter(|touch| touch.at <= visit.booked_at);
        let last = before.max_by_key(|touch| touch.order());
        milestones.extend(last.map(|touch| (Milestone::Opportunity, touch.id())));
    }
    (touches, milestones)
}

/// Works out anew who earned a conversion, by what is known of its contact by now: touches that were told late, or of a visitor or a contact
/// who turned out to be the same person. What was believed before stays. One commit, or none where nothing is otherwise.
#[derive(Debug, Clone)]
pub struct Reattribute {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The conversion.
    pub conversion: RowRef<ConversionId>,
    /// Its contact.
    pub contact: ContactId,
    /// The appointment that it came from.
    pub appointment: Option<AppointmentId>,
    /// When it happened: what came later touches it no more.
    pub occurred_at: DateTime<Utc>,
}

impl UseCase for Reattribute {
    type Answer = Option<KeptCredits>;

    fn permission(&self) -> Permission {
        Permission::Update
    }

    fn needs(&self) -> Needs {
        let touches = Need::Touches(ContactOf::Itself(self.contact), self.occurred_at);
        let items = [Need::Conversion(self.conversion.id), touches];
        Needs::of(self.workspace, items.into_iter().chain(self.appointment.map(Need::Appointment)))
    }

    fn records(&self) -> Vec<(&'static str, String)> {
        vec![(CREDITS_KIND, self.conversion.id.to_string())]
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Self::Answer>, Error> {
        let config = context.open()?;
        let id = self.conversion.id;
        let found = loaded.conversion(id).ok_or_else(|| Error::not_found("conversion", id))?;
        self.conversion.check("conversion", found.version)?;
        if found.contact != self.contact {
            return Err(Error::conflict(format!("conversion `{id}` is another contact's by now")));
        }
        if !found.stands() {
            return Err(Error::conflict(format!("conversion `{id}` is voided")));
        }
        let mut changes = context.changes(self.workspace);
        let settings = &config.attribution;
        let (touches, milestones) = touched(loaded, settings, found);
        let day = config.workspace.settings.zone.day_of(context.at);
        let record = loaded.records.iter().find(|record| record.kind == CREDITS_KIND);
        let (credits, deltas) = match record {
            None if settings.models.is_empty() => return Ok(Plan { changes, answer: None }),
            None => {
                let now = (context.at, day);
                let credits = KeptCredits::record(found, settings, touches, &milestones, now)?;
                let deltas = credits.rollups();
                (credits, deltas)
            }
            Some(record) => {
                let mut credits: KeptCredits = record.read()?;
                let now = (context.at, day);
                let Some(deltas) = credits.anew(found, settings, touches, &milestones, now)? else {
                    return Ok(Plan { changes, answer: Some(credits) });
                };
                credits.version = credits.version.next();
                (credits, deltas)
            }
        };
        changes.rollups.extend(deltas);
        changes.records.push(credits.keep()?);
        changes.events.push(NewEvent {
            contact: Some(Mention::only(found.contact)),
            lead: Some(Mention::only(found.lead)),
            ..NewEvent::about(Subject::Conversion(id), EventBody::ConversionReattributed)
        });
        let row = Conversion { version: found.version.next(), ..found.clone() };
        changes.conversions.push(Write::Update { row, at: found.version });
        Ok(Plan { changes, answer: Some(credits) })
    }
}

/// Changes what a conversion is worth, and what that means for its contact, the rollups and who earned it. One commit.
#[derive(Debug, Clone)]
pub struct Adjust {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The conversion.
    pub conversion: RowRef<ConversionId>,
    /// What is recorded.
    pub new: NewAdjustment,
}

impl UseCase for Adjust {
    type Answer = Conversion;

    fn permission(&self) -> Permission {
        Permission::Convert
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [Need::Conversion(self.conversion.id)])
    }

    fn records(&self) -> Vec<(&'static str, String)> {
        vec![(CREDITS_KIND, self.conversion.id.to_string())]
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Conversion>, Error> {
        context.open()?;
        let id = self.conversion.id;
        let found = loaded.conversion(id).ok_or_else(|| Error::not_found("conversion", id))?;
        let NewAdjustment { change, external_id, .. } = &self.new;
        let reasons = self.new.check();
        if !reasons.is_empty() {
            return Err(Error::invalid(reasons));
        }
        let mut changes = context.changes(self.workspace);
        let same_id = |before: &&Adjusted| external_id.is_some() && before.external_id == *external_id;
        if let Some(before) = found.adjustments.iter().find(same_id) {
            if before.adjustment.change != *change {
                let message = "this external id is that of another adjustment";
                return Err(Error::taken(Reason::new("external_id", "reused", message)));
            }
            return Ok(Plan { changes, answer: found.clone() });
        }
        self.conversion.check("conversion", found.version)?;
        if !found.stands() {
            return Err(Error::conflict(format!("conversion `{id}` is voided")));
        }
        let (mut row, adjusted) = revalue(&mut changes, loaded, context, found, &self.new)?;
        row.version = found.version.next();
        changes.events.push(NewEvent {
            contact: Some(Mention::changed(found.contact)),
            lead: Some(Mention::only(found.lead)),
            ..NewEvent::about(Subject::Conversion(id), EventBody::ConversionAdjusted(adjusted))
        });
        changes.conversions.push(Write::Update { row: row.clone(), at: found.version });
        Ok(Plan { changes, answer: row })
    }
}

/// Adds to `changes` what a new adjustment takes, but the conversion itself and its event: those are given back, the version as it was.
pub(super) fn revalue(
    changes: &mut ChangeSet,
    loaded: &Loaded,
    context: &Context<'_>,
    found: &Conversion,
    new: &NewAdjustment,
) -> Result<(Conversion, ConversionAdjusted), Error> {
    let NewAdjustment { change, reason, external_id } = new;
    if found.adjustments.len() >= ADJUSTMENTS_MAX {
        let message = format!("a conversion has at most {ADJUSTMENTS_MAX} adjustments");
        return Err(Error::invalid(vec![Reason::new("change", "too_many", message)]));
    }
    let recorded = found.adjustments.iter().map(|before| before.adjustment);
    // They are ordered by time. Each is later than the one before, also where two processes have one time and ids that do not
    // follow, or a clock that was set back.
    let after = recorded.clone().next_back().map(|last| last.recorded_at + TimeDelta::microseconds(1));
    let recorded_at = context.at.max(after.unwrap_or(found.created_at));
    let adjustment =
        Adjustment { id: AdjustmentId::new(context.ids, recorded_at), change: *change, recorded_at };
    let history = History::new(found.value, found.created_at, recorded.chain([adjustment])).map_err(own)?;
    let (before, net) = (found.net, history.net());
    let added = net.checked_sub(before).map_err(overflow)?;
    let lead = loaded.lead(found.lead).ok_or_else(|| Error::not_found("lead", found.lead))?;
    let contact = loaded.contact(found.contact);
    let contact = contact.ok_or_else(|| Error::not_found("contact", found.contact))?;

    let mut row = contact.clone();
    row.adjust(before, net).map_err(overflow)?;
    changes.contacts.push(ContactWrite::Update { row: Box::new(row), at: contact.version });
    if added.minor() != 0 {
        rollups::value(changes, lead, found, added.minor());
    }
    book(changes, loaded, context, Some(adjustment.id), recorded_at, net, true)?;
    let adjusted = Adjusted { adjustment, reason: reason.clone(), external_id: external_id.clone() };
    let mut row = found.clone();
    row.net = net;
    row.adjustments.push(adjusted.clone());
    Ok((row, ConversionAdjusted { adjusted, before, net }))
}

/// Ends what others earn by a conversion that is undone: those commissions that end by it, as they are since.
pub(super) fn reverse_commissions(row: &mut Conversion, at: DateTime<Utc>, reason: &str) -> Vec<Commission> {
    row.commissions.iter_mut().filter_map(|it| it.reverse(at, reason).then(|| it.clone())).collect()
}

/// Books what a conversion is worth since then for whoever earned it, where that is kept.
fn book(
    changes: &mut ChangeSet,
    loaded: &Loaded,
    context: &Context<'_>,
    adjustment: Option<AdjustmentId>,
    recorded_at: DateTime<Utc>,
    net: Money,
    counts: bool,
) -> Result<(), Error> {
    let Some(record) = loaded.records.iter().find(|record| record.kind == CREDITS_KIND) else {
        return Ok(()); // recorded under settings without models
    };
    let mut credits: KeptCredits = record.read()?;
    let day = context.config()?.workspace.settings.zone.day_of(recorded_at);
    credits.book(adjustment, recorded_at, day, net, counts)?;
    credits.version = credits.version.next();
    changes.rollups.extend(credits.rollups());
    changes.records.push(credits.keep()?);
    Ok(())
}

/// What is wrong with the last of a history's adjustments, which is the caller's.
fn own(error: Error) -> Error {
    let of = |reason: &Reason| {
        let field = reason.field.rsplit('.').next().unwrap_or("change").to_owned();
        Reason::new(field, &reason.code, &reason.message)
    };
    Error::invalid(error.reasons().iter().map(of).collect())
}

/// Voids a conversion that should not have been: lead, contact, totals and rollups are as if it had never happened, and its
/// history stays. Reads the conversion, its lead, its contact and all conversions of that contact; one commit.
#[derive(Debug, Clone)]
pub struct Void {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The conversion.
    pub conversion: RowRef<ConversionId>,
    /// Why.
    pub reason: String,
}

impl UseCase for Void {
    type Answer = Conversion;

    fn permission(&self) -> Permission {
        Permission::Convert
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [Need::Conversion(self.conversion.id)])
    }

    fn records(&self) -> Vec<(&'static str, String)> {
        vec![(CREDITS_KIND, self.conversion.id.to_string())]
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<Conversion>, Error> {
        let config = context.open()?;
        let id = self.conversion.id;
        let found = loaded.conversion(id).ok_or_else(|| Error::not_found("conversion", id))?;
        self.conversion.check("conversion", found.version)?;
        if let Some(reason) = text_reason("reason", Some(&self.reason)) {
            return Err(Error::invalid(vec![reason]));
        }
        if !found.stands() {
            return Err(Error::conflict(format!("conversion `{id}` is voided already")));
        }
        let lead = loaded.lead(found.lead).ok_or_else(|| Error::not_found("lead", found.lead))?;
        let contact = loaded.contact(found.contact);
        let contact = contact.ok_or_else(|| Error::not_found("contact", found.contact))?;
        let others = || loaded.conversions.iter().filter(|other| other.stands() && other.id != id);
        let customer_since = others().map(|other| other.occurred_at).min();
        let mut changes = context.changes(self.workspace);

        let mut row = contact.clone();
        row.unconvert(found.net, customer_since).map_err(overflow)?;
        changes.contacts.push(ContactWrite::Update { row: Box::new(row), at: contact.version });

        let mut progress = lead.progress.clone();
        if lead.progress.conversion == Some(id) {
            let of_lead = others().filter(|other| other.lead == lead.id);
            let next = of_lead.min_by_key(|other| (other.created_at, other.id));
            progress.voided(next.map(|next| next.id), config.pipeline());
            let less = vec![(Measure::Converted, -1)];
            changes.rollups.push(rollups::of_lead(Cube::Leads, lead, found.day, less));
            changes.rollups.extend(
                next.map(|next| rollups::of_lead(Cube::Leads, lead, next.day, vec![(Measure::Converted, 1)])),
            );
        }
        let moved = leads::write_progress(&mut changes, lead, &progress);
        rollups::conversion(&mut changes, lead, found, -1);
        let nothing = Money::zero(found.net.currency());
        book(&mut changes, loaded, context, None, context.at, nothing, false)?;

        let mut row = found.clone();
        row.voided = Some(Voided { at: context.at, reason: self.reason.clone() });
        let commissions = reverse_commissions(&mut row, context.at, &self.reason);
        row.version = found.version.next();
        let (reason, value) = (self.reason.clone(), found.net);
        let voided = ConversionVoided { reason, value, customer_since, progress, commissions };
        changes.events.push(NewEvent {
            contact: Some(Mention::changed(contact.id)),
            lead: leads::mention(lead, moved),
            ..NewEvent::about(Subject::Conversion(id), EventBody::ConversionVoided(voided))
        });
        changes.conversions.push(Write::Update { row: row.clone(), at: found.version });
        Ok(Plan { changes, answer: row })
    }
}

/// The claim of the caller's own id of it, if there is one. The time counts only where the caller gave it.
fn claim(conversion: &Conversion, new: &NewConversion) -> Option<Claim> {
    let at = new.occurred_at.map(crate::clock::micros);
    let body = serde_json::json!([
        new.lead,
        new.value,
        new.conversion_type.key(),
        at.filter(|_| new.appointment.is_none()),
        new.appointment,
    ]);
    Some(Claim {
        webhook: None,
        kind: ClaimKind::Conversion,
        value: new.external_id.clone()?,
        fingerprint: fingerprint(&body),
        holder: conversion.id.uuid(),
        expires_at: None,
        yields: false,
    })
}

fn overflow(error: crate::money::MoneyError) -> Error {
    Error::invalid(vec![Reason::new("value", "overflow", error.to_string())])
}
