//! What is done with settings, leads, appointments and conversions.

use chrono::TimeDelta;
use convio_core::change_set::RowRef;
use convio_core::conversion::{NewAdjustment, NewCommission, NewReturn};
use convio_core::use_case::Completed;
use convio_core::{
    ApiKeyId, Appointment, Channel, Clock, Completion, ContactAttempt, ContactId, Conversion, ConversionType,
    Custom, Error, Lead, LeadId, Money, NewApiKey, NewConversion, NewWebhook, Outcome, Party, Permission,
    Priority, ProviderSettings, Resource, Schedule, WorkspaceHandle, Zone,
};
use serde_json::json;

use super::ops::{Change, Sale, Sender, Setting, Turn};
use super::play::{Answer, Play, pick};
use super::words;

type Acme = WorkspaceHandle<'static>;

impl Play {
    pub(super) async fn set(&mut self, acme: &Acme, setting: &Setting) -> Result<Answer, Error> {
        Ok(match setting {
            Setting::CreateWebhook(name, settings) => {
                let set = words::settings(settings);
                let new = NewWebhook::named(words::webhook(*name)).with(|settings| *settings = set);
                Answer::Webhook(acme.create_webhook(new).await?)
            }
            Setting::ConfigureWebhook(name, settings) => {
                let settings = words::settings(settings);
                Answer::Webhook(acme.configure_webhook(words::webhook(*name), settings).await?)
            }
            Setting::DeleteWebhook(name) => {
                Answer::Webhook(acme.delete_webhook(words::webhook(*name)).await?)
            }
            Setting::RestoreWebhook(name) => {
                Answer::Webhook(acme.restore_webhook(words::webhook(*name)).await?)
            }
            Setting::Workspace(zone, active, pipeline, days) => {
                let Some(workspace) = acme.workspace().await? else { return Ok(Answer::Nothing) };
                let mut settings = workspace.settings;
                settings.zone = Zone::parse(words::zone(*zone)).expect("a zone");
                settings.active = *active;
                settings.policy.pipeline = words::pipeline(*pipeline);
                settings.policy.lead_days_max = days.map(u32::from);
                Answer::Workspace(acme.configure(settings).await?)
            }
            Setting::Provider(name, sender, new) => self.provider(acme, *name, sender, *new).await?,
            Setting::CreateKey(permissions, provider) => {
                let may = Permission::ALL.into_iter().take((*permissions).into());
                let mut new = NewApiKey::named(format!("key {permissions}")).may(may);
                if let Some(provider) = provider.and_then(|nth| pick(&self.providers, nth)) {
                    new = new.of_provider(provider);
                }
                let created = acme.create_api_key(new).await?;
                self.keys.push(created.key.id);
                Answer::Key(created)
            }
            Setting::RevokeKey(nth) => {
                let id: Option<ApiKeyId> = pick(&self.keys, *nth);
                let Some(id) = id else { return Ok(Answer::Nothing) };
                Answer::Revoked(acme.revoke_api_key(id).await?)
            }
            Setting::Calendar(target, how) => {
                let resource = Resource::of(&words::target(*target)).unwrap();
                Answer::Calendar(Box::new(acme.set_calendar(resource, words::calendar(*how)).await?))
            }
            Setting::Attribution(models, days) => {
                Answer::Attribution(acme.set_attribution(words::attribution(*models, *days)).await?)
            }
            Setting::Rates(tenths) => Answer::Rates(acme.set_rates(words::rates(*tenths)).await?),
            Setting::Publish(rules) => {
                Answer::Rules(acme.publish_rules(words::rules(rules, self.clock.now())).await?)
            }
        })
    }

    async fn provider(&mut self, acme: &Acme, name: u8, of: &Sender, new: bool) -> Result<Answer, Error> {
        let mut settings = ProviderSettings::default();
        settings.active = !of.inactive;
        if let Some(n) = of.webhook {
            let webhook = acme.webhook(words::webhook(n)).await?;
            settings.webhooks = webhook.map(|webhook| [webhook.id].into());
        }
        settings.leads_per_hour_max = of.per_hour.map_or(settings.leads_per_hour_max, u32::from);
        settings.leads_per_day_max = of.per_day.map(u32::from);
        let name = words::provider(name);
        if !new {
            return Ok(Answer::Provider(acme.configure_provider(name, settings).await?));
        }
        let provider = acme.create_provider(name, settings).await?;
        self.providers.push(provider.id);
        Ok(Answer::Provider(provider))
    }

    pub(super) async fn change(
        &mut self,
        acme: &Acme,
        nth: u8,
        seen: bool,
        change: &Change,
    ) -> Result<Answer, Error> {
        let mut of = self.leads.clone();
        if let (Change::Restore, false) = (change, nth.is_multiple_of(8)) {
            // Nearly always one that is there to be restored.
            of.retain(|id| self.seen.iter().any(|lead| lead.id == *id && lead.deleted_at.is_some()));
        }
        let Some(id) = pick(&of, nth) else { return Ok(Answer::Nothing) };
        let now = self.clock.now();
        let last: Option<&Lead> = self.seen.iter().find(|lead| lead.id == id).filter(|_| seen);
        let lead: RowRef<LeadId> = last.map_or(id.into(), RowRef::from);
        let row = match change {
            Change::Move(to, why) => {
                let why = why.map(|n| words::reason(n).to_owned());
                acme.move_lead(lead, words::status(*to), why).await?
            }
            Change::Assign(to) => acme.assign_lead(lead, to.map(|n| words::person(n).to_owned())).await?,
            Change::FollowUp(hours) => {
                let at =
                    hours.map(|hours| now + TimeDelta::hours(hours.into()) + TimeDelta::nanoseconds(300));
                acme.follow_up(lead, at).await?
            }
            Change::Prioritise(n) => acme.prioritise(lead, Priority::ALL[usize::from(*n) % 4]).await?,
            Change::Note(n) => acme.note(lead, words::note(*n)).await?,
            Change::Attempt(reached, hours) => {
                let at = now - TimeDelta::hours((*hours).into());
                let attempt =
                    ContactAttempt { channel: Channel::Call, reached: *reached, automated: false, at };
                acme.record_attempt(lead, attempt).await?
            }
            Change::Delete => acme.delete_lead(lead).await?,
            Change::Restore => acme.restore_lead(lead).await?,
        };
        self.seen.retain(|lead| lead.id != id);
        self.seen.push(row.clone());
        Ok(Answer::Lead(Box::new(row)))
    }

    pub(super) async fn turn(
        &mut self,
        acme: &Acme,
        nth: u8,
        seen: bool,
        turn: &Turn,
    ) -> Result<Answer, Error> {
        let Some(last): Option<Appointment> = pick(&self.appointments, nth) else {
            return Ok(Answer::Nothing);
        };
        let visit: RowRef<_> = if seen { (&last).into() } else { last.id.into() };
        let now = self.clock.now();
        let party = |customer: bool| if customer { Party::Customer } else { Party::Staff };
        let row = match turn {
            Turn::Confirm => acme.confirm(visit).await?,
            Turn::Assign(n) => {
                let staff = (*n > 2).then(|| words::person(n % 2).to_owned());
                acme.assign(visit, words::target(*n), staff).await?
            }
            Turn::Decline(why) => acme.decline(visit, why.map(|n| words::reason(n).to_owned())).await?,
            Turn::Route => acme.route(visit).await?,
            Turn::Cancel(customer, why) => {
                let why = why.map(|n| words::reason(n).to_owned());
                acme.cancel(visit, party(*customer), why).await?
            }
            Turn::NoShow => acme.no_show(visit, Party::Customer).await?,
            Turn::Reschedule(hours) => {
                let schedule =
                    Schedule::at(now + TimeDelta::hours((*hours).into()), &last.schedule.zone).minutes(45);
                acme.reschedule(visit, schedule, Party::Customer, None).await?
            }
            Turn::Complete(how, value, external, ago) => {
                let completion = completion(*how, *value, *external);
                let completion = match ago {
                    Some(hours) => completion.completed_at(now - TimeDelta::hours((*hours).into())),
                    None => completion,
                };
                let Completed { appointment, conversion } = acme.complete(visit, completion).await?;
                self.conversions.extend(conversion.clone());
                self.visited(appointment.clone());
                return Ok(Answer::Completed(Box::new(Completed { appointment, conversion })));
            }
        };
        Ok(self.visited(row))
    }

    /// Remembers an appointment as it is now.
    pub(super) fn visited(&mut self, row: Appointment) -> Answer {
        match self.appointments.iter_mut().find(|other| other.id == row.id) {
            Some(known) => *known = row.clone(),
            None => self.appointments.push(row.clone()),
        }
        Answer::Appointment(Box::new(row))
    }

    pub(super) async fn convert(&mut self, acme: &Acme, sale: &Sale) -> Result<Answer, Error> {
        let Sale { lead, value, kind, external, hours_ago, visit } = sale;
        let visit: Option<Appointment> = visit.and_then(|nth| pick(&self.appointments, nth));
        let lead = match &visit {
            // Now and then of another lead.
            Some(visit) if *lead < 200 => visit.lead,
            _ => match pick(&self.leads, *lead) {
                Some(lead) => lead,
                None => return Ok(Answer::Nothing),
            },
        };
        let mut new = NewConversion::sale(lead, words::value(*value).parse().expect("money"));
        if *kind > 0 {
            new = new.of_type(ConversionType::new("Up-sell").expect("a type")).sold_by("maria");
        }
        if let Some(id) = external {
            new = new.external_id(format!("sale-{id}"));
        }
        if let Some(hours) = hours_ago {
            new = new.occurred_at(self.clock.now() - TimeDelta::hours((*hours).into()));
        }
        if let Some(visit) = visit {
            new = new.from_appointment(visit.id).metadata(metadata());
        }
        let sold = acme.convert(new).await?;
        if !self.conversions.iter().any(|known| known.id == sold.id) {
            self.conversions.push(sold.clone());
        }
        Ok(Answer::Conversion(sold))
    }

    pub(super) async fn adjust(
        &mut self,
        acme: &Acme,
        nth: u8,
        seen: bool,
        (how, value, id): (u8, u8, Option<u8>),
    ) -> Result<Answer, Error> {
        let Some(last): Option<Conversion> = pick(&self.conversions, nth) else { return Ok(Answer::Nothing) };
        let conversion: RowRef<_> = if seen { (&last).into() } else { last.id.into() };
        let part = Money::from_minor(last.net.minor() / (i64::from(value) + 1), last.net.currency());
        let mut new = match how {
            0 => NewAdjustment::refund(part),
            1 => NewAdjustment::chargeback(part),
            2 => NewAdjustment::restatement(words::value(value).parse().expect("money")),
            3 => match last.adjustments.last() {
                Some(before) => NewAdjustment::chargeback_reversal(before.adjustment.id),
                None => NewAdjustment::full_refund(),
            },
            _ => NewAdjustment::full_refund().because("never paid"),
        };
        if let Some(id) = id {
            new = new.external_id(format!("change-{id}"));
        }
        Ok(self.sold(acme.adjust(conversion, new).await?))
    }

    fn sold(&mut self, row: Conversion) -> Answer {
        if let Some(known) = self.conversions.iter_mut().find(|known| known.id == row.id) {
            known.clone_from(&row);
        }
        Answer::Conversion(row)
    }

    pub(super) async fn return_lead(
        &mut self,
        acme: &Acme,
        nth: u8,
        seen: bool,
        how: u8,
    ) -> Result<Answer, Error> {
        let Some(last): Option<Conversion> = pick(&self.conversions, nth) else { return Ok(Answer::Nothing) };
        let conversion: RowRef<_> = if seen { (&last).into() } else { last.id.into() };
        let mut new = match how {
            0 => NewReturn::credit("bought nothing"),
            1 => NewReturn::replacement("duplicate"),
            2 | 3 => {
                let Some(lead) = pick(&self.leads, how) else { return Ok(Answer::Nothing) };
                NewReturn::replacement("duplicate").replaced_by(lead)
            }
            _ => NewReturn::credit("bad_number"),
        };
        if how % 2 == 1 {
            new = new.keep_commissions();
        }
        if how > 4 {
            new = new.at(last.occurred_at + TimeDelta::hours(how.into()));
        }
        Ok(self.sold(acme.return_lead(conversion, new).await?))
    }

    pub(super) async fn commission(
        &mut self,
        acme: &Acme,
        nth: u8,
        seen: bool,
        which: u8,
        what: u8,
    ) -> Result<Answer, Error> {
        let Some(last): Option<Conversion> = pick(&self.conversions, nth) else { return Ok(Answer::Nothing) };
        let conversion: RowRef<_> = if seen { (&last).into() } else { last.id.into() };
        let known = last.commissions.get(usize::from(which));
        let row = match (known, what) {
            (Some(known), 0 | 1) => acme.pay_commission(conversion, known.id, None, None).await?,
            (Some(known), 2) => acme.cancel_commission(conversion, known.id, "not theirs").await?,
            (Some(known), 3) => acme.claw_back(conversion, known.id, None, "refunded").await?,
            (Some(known), 4) => {
                let part = Money::from_minor(known.amount.minor() / 2, known.amount.currency());
                acme.claw_back(conversion, known.id, Some(part), "refunded").await?
            }
            _ => {
                let value = words::value(what).parse().expect("money");
                let new = NewCommission::to("partner", value).external_id(format!("com-{which}"));
                acme.owe_commission(conversion, new).await?
            }
        };
        Ok(self.sold(row))
    }

    pub(super) async fn contact_of(&mut self, acme: &Acme, nth: u8) -> Result<Option<ContactId>, Error> {
        let Some(lead) = pick(&self.leads, nth) else { return Ok(None) };
        Ok(acme.lead(lead).await?.map(|lead| lead.contact))
    }

    pub(super) async fn void(&mut self, acme: &Acme, nth: u8, seen: bool) -> Result<Answer, Error> {
        let Some(last): Option<Conversion> = pick(&self.conversions, nth) else { return Ok(Answer::Nothing) };
        let conversion: RowRef<_> = if seen { (&last).into() } else { last.id.into() };
        Ok(Answer::Conversion(acme.void(conversion, "entered by mistake").await?))
    }
}

fn completion(how: u8, value: u8, external: Option<u8>) -> Completion {
    let sold = Outcome::Sold(words::value(value).parse().expect("money"));
    match how {
        0 => Completion::from(Outcome::NotSold).reason("no budget"),
        1 => Completion::from(Outcome::NotSold).next_step(words::note(value), None),
        2 => Completion::from(Outcome::Undecided).next_step(words::note(value), None),
        _ => {
            let completion = Completion::from(sold).metadata(metadata());
            match external {
                Some(id) => completion.external_id(format!("sale-{id}")),
                None => completion,
            }
        }
    }
}

/// What is kept with a conversion, and personal.
fn metadata() -> Custom {
    let fields = json!({ "roof": words::place(1), "modules": 18 });
    fields.as_object().cloned().unwrap_or_default().into()
}
