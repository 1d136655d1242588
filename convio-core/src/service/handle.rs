//! What can be done with the configuration of a workspace, its appointments and its conversions.

use super::WorkspaceHandle;
use super::drive::Permit;
use crate::api_key::Permission;
use crate::appointment::{Appointment, AppointmentFilter, Completion, NewAppointment, Party, Schedule};
use crate::attribution::NewTouch;
use crate::change_set::{ClaimKind, ClaimName, GateLost, RowRef, Version};
use crate::conversion::{Conversion, NewAdjustment, NewConversion};
use crate::error::{Error, ErrorKind, Reason};
use crate::id::{AppointmentId, ConversionId, IntakeId, LeadId, TouchpointId};
use crate::page::{Page, PageRequest};
use crate::provider::{Provider, ProviderSettings};
use crate::rejection::{Corrections, Rejection};
use crate::routing::{Draft, RuleSet, Target};
use crate::store::CommitError;
use crate::use_case::{
    Adjust, AppointmentChange, Book, ChangeAppointment, ChangeWebhook, ChangeWorkspace, Complete, Completed,
    Convert, Correct, CreateWebhook, PublishRules, Reschedule, SetProvider, Track, UseCase, Void,
    WebhookChange, WorkspaceChange,
};
use crate::webhook::{NewWebhook, Webhook, WebhookSettings};
use crate::workspace::{Workspace, WorkspaceSettings};

impl WorkspaceHandle<'_> {
    /// Gives the workspace other settings. They hold from the next call on, in every process.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every wrong setting; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn configure(&self, settings: WorkspaceSettings) -> Result<Workspace, Error> {
        self.run(&ChangeWorkspace { id: self.id(), change: WorkspaceChange::Configure(settings) }).await
    }

    /// Deletes the workspace: it takes nothing from now on, keeps all it has, and can be restored.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when it is deleted already; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn delete(&self) -> Result<Workspace, Error> {
        self.run(&ChangeWorkspace { id: self.id(), change: WorkspaceChange::Delete }).await
    }

    /// Restores the deleted workspace.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when it is not deleted; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn restore(&self) -> Result<Workspace, Error> {
        self.run(&ChangeWorkspace { id: self.id(), change: WorkspaceChange::Restore }).await
    }

    /// Creates a webhook.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every wrong field; [`Conflict`](crate::ErrorKind::Conflict) when the
    /// name is taken, also by a deleted one.
    pub async fn create_webhook(&self, new: NewWebhook) -> Result<Webhook, Error> {
        self.run(&CreateWebhook { workspace: self.id(), new }).await
    }

    /// Gives a webhook other settings. They hold from the next lead on, in every process.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every wrong setting; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn configure_webhook(&self, name: &str, settings: WebhookSettings) -> Result<Webhook, Error> {
        self.change_webhook(name, WebhookChange::Configure(Box::new(settings))).await
    }

    /// Deletes a webhook: from now on its leads are rejected, kept, and can be released once it is restored.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) for `direct` and for one that is deleted; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn delete_webhook(&self, name: &str) -> Result<Webhook, Error> {
        self.change_webhook(name, WebhookChange::Delete).await
    }

    /// Restores a deleted webhook.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) for one that is not deleted; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn restore_webhook(&self, name: &str) -> Result<Webhook, Error> {
        self.change_webhook(name, WebhookChange::Restore).await
    }

    /// Creates a provider: a company that sends leads.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every wrong setting; [`Conflict`](crate::ErrorKind::Conflict) when the
    /// name is taken.
    pub async fn create_provider(&self, name: &str, settings: ProviderSettings) -> Result<Provider, Error> {
        let name = name.to_owned();
        self.run(&SetProvider { workspace: self.id(), name, settings, create: true }).await
    }

    /// Gives a provider other settings. They hold from the next lead on, in every process.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every wrong setting; [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn configure_provider(
        &self,
        name: &str,
        settings: ProviderSettings,
    ) -> Result<Provider, Error> {
        let name = name.to_owned();
        self.run(&SetProvider { workspace: self.id(), name, settings, create: false }).await
    }

    /// Publishes routing rules in place of those before, all at once, or from a time on ([`Draft::effective`]): until then those in force
    /// stay so, and what else was to come never does. Earlier publications can be read again by [`WorkspaceHandle::rules_at`].
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every rule that asks for nothing, and what the analysis finds where the draft asks for
    /// it ([`Draft::sound`]).
    pub async fn publish_rules(&self, draft: impl Into<Draft>) -> Result<RuleSet, Error> {
        let draft = draft.into();
        self.run(&PublishRules { workspace: self.id(), draft, copy_of: None, drafted: None }).await
    }

    /// Publishes the rules of an earlier publication again, as a new one.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) where there was no such publication.
    pub async fn roll_back_rules(&self, to: Version) -> Result<RuleSet, Error> {
        let permit = self.permit(Permission::Admin).await?;
        let rules = self.publication(permit, to).await?;
        let rules = rules.ok_or_else(|| Error::not_found("publication of rules", to))?;
        let draft = rules.into();
        let publish = PublishRules { workspace: self.id(), draft, copy_of: Some(to), drafted: None };
        self.run(&publish).await
    }

    /// Sets fields of a rejected lead right. It stays rejected until [`WorkspaceHandle::release`].
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid) names fields that do not exist;
    /// [`Conflict`](crate::ErrorKind::Conflict) when it is released already.
    pub async fn correct(&self, rejection: IntakeId, corrections: Corrections) -> Result<Rejection, Error> {
        self.run(&Correct { workspace: self.id(), id: rejection, corrections }).await
    }

    /// Books an appointment from a lead. It goes to the target that the caller names, or else is routed by the rules in
    /// force; no rule matching, it is booked all the same, unrouted. The same call under the same external id gives the
    /// same appointment. A rule that is [sticky](crate::Rule::sticky) gives it to whoever is responsible for the contact already.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid) names every wrong field;
    /// [`Conflict`](crate::ErrorKind::Conflict) for a deleted lead, for an external id that is another appointment's, and, with a
    /// [`clash`](Error::clash), where its time can't be had.
    pub async fn book(&self, lead: LeadId, new: impl Into<NewAppointment>) -> Result<Appointment, Error> {
        let book = Book { workspace: self.id(), lead, new: new.into() };
        match self.once(&book, ClaimKind::Appointment, book.new.external_id.as_deref()).await? {
            Once::Now(appointment) => Ok(appointment),
            Once::Before(permit, holder, refused) => {
                let ids = [AppointmentId::from_uuid(holder)];
                let found = self.store(permit).fetch_appointments(self.id(), &ids).await?;
                let same = |row: &Appointment| row.lead == lead && row.schedule == book.new.schedule.kept();
                first_answer(found, refused, same)
            }
        }
    }

    /// Notes that the customer confirmed an appointment.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) when it is not just booked, or
    /// not as the caller saw it.
    pub async fn confirm(&self, appointment: impl Into<RowRef<AppointmentId>>) -> Result<Appointment, Error> {
        self.change_appointment(appointment.into(), AppointmentChange::Confirm).await
    }

    /// Gives an appointment to a target by hand, routed or not, and to a person of theirs.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) when it came to its end, is not as
    /// the caller saw it, or, with a [`clash`](Error::clash), where they have no time for it. Their hours are not asked: who assigns it
    /// knows them.
    pub async fn assign(
        &self,
        appointment: impl Into<RowRef<AppointmentId>>,
        target: Target,
        staff: Option<String>,
    ) -> Result<Appointment, Error> {
        self.change_appointment(appointment.into(), AppointmentChange::Assign { target, staff }).await
    }

    /// Takes an appointment from whoever has it and does not want it, and asks the rules again, past all who declined it. What it
    /// took of caps is given back. Where nobody is left it is unrouted.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) when nobody has it, it came to its end,
    /// or is not as the caller saw it.
    pub async fn decline(
        &self,
        appointment: impl Into<RowRef<AppointmentId>>,
        reason: Option<String>,
    ) -> Result<Appointment, Error> {
        self.change_appointment(appointment.into(), AppointmentChange::Decline { reason }).await
    }

    /// Asks the rules again for an appointment that nobody has.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) when they have nobody for it, and says why;
    /// when somebody has it, it came to its end, or is not as the caller saw it.
    pub async fn route(&self, appointment: impl Into<RowRef<AppointmentId>>) -> Result<Appointment, Error> {
        self.change_appointment(appointment.into(), AppointmentChange::Route).await
    }

    /// Asks the rules again for the appointments that nobody has and that are still to take place, in the order in which they came:
    /// once rules were published, a period began, or somebody gave an appointment back. The page counts those that are looked
    /// at; the answer has those that somebody has now, and where to go on.
    ///
    /// # Errors
    /// [`Denied`](crate::ErrorKind::Denied) where the workspace takes nothing; those of the store. What was routed until then stays routed.
    pub async fn route_waiting(&self, page: &PageRequest) -> Result<Page<Appointment>, Error> {
        let permit = self.permit(Permission::Update).await?;
        if let Some(refusal) = self.current_config().await?.workspace.refusal() {
            return Err(Error::denied(refusal));
        }
        let filter = AppointmentFilter { unrouted: true, ..AppointmentFilter::default() };
        let waiting = self.store(permit).list_appointments(self.id(), &filter, page).await?;
        let mut routed = Vec::new();
        for appointment in waiting.items.iter().filter(|appointment| appointment.status.is_open()) {
            match self.route(appointment).await {
                Ok(appointment) => routed.push(appointment),
                // Nobody takes it yet, or something else was faster: others may be luckier.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Page { items: routed, next: waiting.next })
    }

    /// Calls an appointment off. Shortly before its start, by the workspace's policy, it counts as late.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) when it came to its end, or is not
    /// as the caller saw it.
    pub async fn cancel(
        &self,
        appointment: impl Into<RowRef<AppointmentId>>,
        by: Party,
        reason: Option<String>,
    ) -> Result<Appointment, Error> {
        self.change_appointment(appointment.into(), AppointmentChange::Cancel { by, reason }).await
    }

    /// Notes that someone did not come to an appointment.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) before its start, when it came to
    /// its end, or is not as the caller saw it.
    pub async fn no_show(
        &self,
        appointment: impl Into<RowRef<AppointmentId>>,
        by: Party,
    ) -> Result<Appointment, Error> {
        self.change_appointment(appointment.into(), AppointmentChange::NoShow { by }).await
    }

    /// Moves an appointment to another time. The answer is the new one, which has the target, person, type and place of the
    /// old one, and takes as much of calendars; each names the other. Counters of routing see nothing of it.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid);
    /// [`Conflict`](crate::ErrorKind::Conflict) when it came to its end, is not as the caller saw it, or, with a
    /// [`clash`](Error::clash), where the new time can't be had: then it stays where it is.
    pub async fn reschedule(
        &self,
        appointment: impl Into<RowRef<AppointmentId>>,
        schedule: Schedule,
        by: Party,
        reason: Option<String>,
    ) -> Result<Appointment, Error> {
        let appointment = appointment.into();
        self.run(&Reschedule { workspace: self.id(), appointment, schedule, by, reason }).await
    }

    /// Completes an appointment. One that was sold records its conversion in the same commit; one that was not sold loses
    /// its lead, if it was the last that was open.
    ///
    /// Asks for [`Permission::Convert`](crate::Permission::Convert) where it was sold, and else for
    /// [`Permission::Update`](crate::Permission::Update).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid) names every wrong field;
    /// [`Conflict`](crate::ErrorKind::Conflict) when it came to its end, is not as the caller saw it, or the external id is
    /// another conversion's.
    pub async fn complete(
        &self,
        appointment: impl Into<RowRef<AppointmentId>>,
        completion: impl Into<Completion>,
    ) -> Result<Completed, Error> {
        let (appointment, completion) = (appointment.into(), completion.into());
        let complete = Complete { workspace: self.id(), appointment, completion };
        match self.run_to_claim(&complete).await? {
            Ok(completed) => Ok(completed),
            Err(GateLost::Claim { kind, .. }) => Err(reused(kind)),
            Err(lost) => Err(CommitError::GateLost(lost).into()),
        }
    }

    /// Records a conversion: on its lead, on the contact, in the totals and rollups, in one commit. The same call under the
    /// same external id gives the same conversion.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid) names every wrong field;
    /// [`Conflict`](crate::ErrorKind::Conflict) for a test lead or a deleted one, and for an external id that is another
    /// conversion's.
    pub async fn convert(&self, new: NewConversion) -> Result<Conversion, Error> {
        let convert = Convert { workspace: self.id(), new };
        match self.once(&convert, ClaimKind::Conversion, convert.new.external_id.as_deref()).await? {
            Once::Now(conversion) => Ok(conversion),
            Once::Before(permit, holder, refused) => {
                let ids = [ConversionId::from_uuid(holder)];
                let found = self.store(permit).fetch_conversions(self.id(), &ids).await?;
                let NewConversion { lead, value, conversion_type, .. } = &convert.new;
                let said = (*lead, *value, conversion_type);
                first_answer(found, refused, |row| (row.lead, row.value, &row.conversion_type) == said)
            }
        }
    }

    /// Voids a conversion that should not have been: its lead, contact, totals and rollups are as if it had never happened.
    /// It stays readable, with its history.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid) without a reason;
    /// [`Conflict`](crate::ErrorKind::Conflict) when it is voided already, or not as the caller saw it.
    pub async fn void(
        &self,
        conversion: impl Into<RowRef<ConversionId>>,
        reason: impl Into<String>,
    ) -> Result<Conversion, Error> {
        let void = Void { workspace: self.id(), conversion: conversion.into(), reason: reason.into() };
        self.run(&void).await
    }

    /// Records that a conversion is worth something else: money was paid back, charged back, given back, or its value is stated
    /// anew. What was booked for those who earned it is divided as the sale was; nothing that was booked before is changed.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::conversion::NewAdjustment;
    /// use convio_core::{Convio, NewConversion, NewWorkspace, RawLead};
    /// use convio_store_memory::MemoryStore;
    ///
    /// let convio = Convio::new(MemoryStore::new());
    /// let acme = convio.create_workspace(NewWorkspace::named("Acme Solar").currency("USD")).await?;
    /// let lead = acme.ingest(RawLead::json(r#"{"phone":"+12125550123"}"#)).await?.into_accepted()?.lead;
    /// let sold = acme.convert(NewConversion::sale(lead, "100.00 USD".parse()?)).await?;
    /// let refund = NewAdjustment::refund("25.00 USD".parse()?).external_id("re_1");
    /// let sold = acme.adjust(sold.id, refund.clone()).await?;
    /// assert_eq!((sold.value, sold.net), ("100 USD".parse()?, "75 USD".parse()?));
    /// assert_eq!(acme.adjust(sold.id, refund).await?, sold); // the same refund, told again
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid) names what is wrong: what would take the net
    /// value below zero, an amount that is not above zero or of another currency, a reversal of no chargeback;
    /// [`Conflict`](crate::ErrorKind::Conflict) for a voided conversion, one that is not as the caller saw it, and an external id
    /// that is another adjustment's.
    pub async fn adjust(
        &self,
        conversion: impl Into<RowRef<ConversionId>>,
        new: NewAdjustment,
    ) -> Result<Conversion, Error> {
        self.run(&Adjust { workspace: self.id(), conversion: conversion.into(), new }).await
    }

    /// Records a touch that is no lead: a click, a call, a visit. The same call under the same external id gives the same touch.
    /// What was attributed before stays as it was.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) for the contact; [`Invalid`](crate::ErrorKind::Invalid) names every wrong field;
    /// [`Conflict`](crate::ErrorKind::Conflict) for an external id that is another touch's.
    pub async fn track(&self, new: NewTouch) -> Result<TouchpointId, Error> {
        let track = Track { workspace: self.id(), new };
        match self.once(&track, ClaimKind::Touchpoint, track.new.external_id.as_deref()).await? {
            Once::Now(id) => Ok(id),
            Once::Before(_, holder, None) => Ok(TouchpointId::from_uuid(holder)),
            Once::Before(_, _, Some(refused)) => Err(refused),
        }
    }

    /// Does what the caller has an own id for, unless it was done under that id before. What was answered once is answered
    /// so again, also where it could not be done any more, as when its lead was deleted since.
    async fn once<U: UseCase>(
        &self,
        use_case: &U,
        kind: ClaimKind,
        id: Option<&str>,
    ) -> Result<Once<U::Answer>, Error> {
        let done = self.run_to_claim(use_case).await;
        let permit = match &done {
            Ok(Ok(_)) => None,
            _ => Some(self.permit(use_case.permission()).await?),
        };
        match (done, id, permit) {
            (Ok(Ok(answer)), ..) => Ok(Once::Now(answer)),
            (Ok(Err(lost)), _, Some(permit)) => Ok(Once::Before(permit, held(lost)?, None)),
            (Err(error), Some(id), Some(permit)) if error.kind() == ErrorKind::Conflict => {
                let name = ClaimName { webhook: None, kind, value: id.to_owned() };
                let holders = self.store(permit).fetch_holders(self.id(), &[name]).await?;
                match holders.into_iter().next().flatten() {
                    Some(holder) => Ok(Once::Before(permit, holder, Some(error))),
                    None => Err(error),
                }
            }
            (Err(error), ..) => Err(error),
            (Ok(Err(lost)), ..) => Err(CommitError::GateLost(lost).into()),
        }
    }

    async fn change_webhook(&self, name: &str, change: WebhookChange) -> Result<Webhook, Error> {
        self.run(&ChangeWebhook { workspace: self.id(), name: name.to_owned(), change }).await
    }

    pub(super) async fn change_appointment(
        &self,
        appointment: RowRef<AppointmentId>,
        change: AppointmentChange,
    ) -> Result<Appointment, Error> {
        self.run(&ChangeAppointment { workspace: self.id(), appointment, change }).await
    }
}

/// What became of something that the caller has an own id for.
enum Once<A> {
    /// It was done now.
    Now(A),
    /// It, or something else, was done under that id before: by what, and why it can't be done now, if that was found out.
    Before(Permit, uuid::Uuid, Option<Error>),
}

/// What was done before. Where it was not compared yet, it must be what is wanted now.
fn first_answer<T>(
    found: Vec<Option<T>>,
    refused: Option<Error>,
    same: impl FnOnce(&T) -> bool,
) -> Result<T, Error> {
    let found = found.into_iter().next().flatten();
    let found = found.ok_or_else(|| Error::bug("a claim is held by nothing"))?;
    match refused {
        Some(error) if !same(&found) => Err(error),
        _ => Ok(found),
    }
}

/// What holds a lost claim, if the same was said under it before.
fn held(lost: GateLost) -> Result<uuid::Uuid, Error> {
    match lost {
        GateLost::Claim { holder, same_body: true, .. } => Ok(holder),
        GateLost::Claim { kind, .. } => Err(reused(kind)),
        lost => Err(CommitError::GateLost(lost).into()),
    }
}

fn reused(kind: ClaimKind) -> Error {
    let what = match kind {
        ClaimKind::Appointment => "appointment",
        ClaimKind::Touchpoint => "touch",
        _ => "conversion",
    };
    let message = format!("this external id is that of another {what}");
    Error::taken(Reason::new("external_id", "reused", message))
}
