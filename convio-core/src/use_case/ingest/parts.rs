//! The parts of a change set that taking and rejecting a lead have in common: limits, names, sums, the payload.

use std::sync::Arc;

use chrono::{DateTime, Datelike, DurationRound, TimeDelta, Utc};

use super::Arrival;
use crate::analytics::{Cube, Measure, RollupDelta, When};
use crate::change_set::{ChangeSet, Claim, ClaimKind, CounterAdd};
use crate::lead::{Payload, RawLead};
use crate::provider::ProviderSettings;
use crate::use_case::Context;

impl Arrival<'_> {
    pub(super) fn changes(&self, context: &Context<'_>) -> ChangeSet {
        let mut changes = context.changes(self.config.workspace.id);
        changes.config = Some(self.config.version);
        if self.released {
            return changes;
        }
        let hour = context.at.duration_trunc(TimeDelta::hours(1)).unwrap_or(context.at);
        let mut count = |key: std::fmt::Arguments<'_>, window, at_most: Option<u32>| {
            let add = |at_most| CounterAdd { key: key.to_string(), window, n: 1, at_most };
            changes.counters.extend(at_most.map(i64::from).map(add));
        };
        count(
            format_args!("webhook:{}:hour", self.webhook.id),
            hour,
            self.webhook.settings.leads_per_hour_max,
        );
        if let Some(provider) = self.provider.and_then(|id| self.config.provider_by_id(id)) {
            let ProviderSettings { leads_per_hour_max, leads_per_day_max, leads_per_month_max, .. } =
                provider.settings;
            let today = self.config.workspace.settings.zone.day_of(context.at);
            let first = today.with_day(1).unwrap_or(today);
            let (day, month) = (midnight(today), midnight(first));
            count(format_args!("provider:{}:hour", provider.id), hour, Some(leads_per_hour_max));
            count(format_args!("provider:{}:day", provider.id), day, leads_per_day_max);
            count(format_args!("provider:{}:month", provider.id), month, leads_per_month_max);
        }
        changes
    }

    pub(super) fn claim(&self, kind: ClaimKind, value: Option<&str>, context: &Context<'_>) -> Option<Claim> {
        let hours = TimeDelta::hours(self.webhook.settings.idempotency_hours.into());
        Some(Claim {
            webhook: Some(self.webhook.id),
            kind,
            value: value?.to_owned(),
            fingerprint: self.fingerprint,
            holder: self.intake.uuid(),
            expires_at: match kind {
                // From now on, whenever the lead was received: a retry comes after this call.
                ClaimKind::IdempotencyKey => context.at.checked_add_signed(hours),
                _ => None,
            },
            yields: false,
        })
    }

    /// What is added for the source, last at `at`, and what is added to the use of the provider, if there is one.
    pub(super) fn rollups(
        &self,
        source: &str,
        add: &[(Measure, i64, When)],
        at: Option<DateTime<Utc>>,
        used: &[(Measure, i64, When)],
    ) -> Vec<RollupDelta> {
        if self.test {
            return Vec::new();
        }
        let day = self.config.workspace.settings.zone.day_of(self.received_at);
        let webhook = || self.webhook.id.to_string();
        let delta = |cube, dims, add: &[_], at| RollupDelta {
            cube,
            day,
            dims,
            add: add.to_vec(),
            at,
            lead: Some(self.intake.lead()),
            appointment: None,
        };
        let dims = [webhook(), source.to_owned(), String::new()];
        let mut rollups = vec![delta(Cube::Leads, dims, add, at)];
        if let Some(provider) = self.provider {
            let dims = [provider.to_string(), webhook(), String::new()];
            rollups.push(delta(Cube::Usage, dims, used, Some(self.received_at)));
        }
        rollups
    }

    pub(super) fn payload(&self, raw: &RawLead) -> Payload {
        Payload {
            id: self.intake,
            workspace: self.config.workspace.id,
            webhook: self.webhook.id,
            format: raw.format,
            body: Arc::clone(&raw.body),
            headers: raw.headers.clone(),
            fingerprint: self.fingerprint,
            received_at: self.received_at,
        }
    }
}

/// A civil day as the window of a counter: its name only, whatever the zone.
fn midnight(day: chrono::NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}
