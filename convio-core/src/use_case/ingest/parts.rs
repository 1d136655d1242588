//! The parts of a change set that taking and rejecting a lead have in common: limits, names, sums, the payload.

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
        let mut count = |key: String, window, at_most: Option<u32>| {
            let at_most = at_most.map(i64::from);
            changes.counters.extend(at_most.map(|at_most| CounterAdd { key, window, n: 1, at_most }));
        };
        count(format!("webhook:{}:hour", self.webhook.id), hour, self.webhook.settings.leads_per_hour_max);
        if let Some(provider) = self.provider.and_then(|id| self.config.provider_by_id(id)) {
            let ProviderSettings { leads_per_hour_max, leads_per_day_max, leads_per_month_max, .. } =
                provider.settings;
            let today = self.config.workspace.settings.zone.day_of(context.at);
            let first = today.with_day(1).unwrap_or(today);
            let (day, month) = (midnight(today), midnight(first));
            count(format!("provider:{}:hour", provider.id), hour, Some(leads_per_hour_max));
            count(format!("provider:{}:day", provider.id), day, leads_per_day_max);
            count(format!("provider:{}:month", provider.id), month, leads_per_month_max);
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

    pub(super) fn rollup(
        &self,
        source: String,
        add: Vec<(Measure, i64, When)>,
        at: Option<DateTime<Utc>>,
    ) -> Option<RollupDelta> {
        let day = self.config.workspace.settings.zone.day_of(self.received_at);
        let dims = [self.webhook.id.to_string(), source, String::new()];
        (!self.test).then_some(RollupDelta {
            cube: Cube::Leads,
            day,
            dims,
            add,
            at,
            lead: Some(self.intake.lead()),
        })
    }

    pub(super) fn usage(&self, add: Vec<(Measure, i64, When)>) -> Option<RollupDelta> {
        let dims = [self.provider?.to_string(), self.webhook.id.to_string(), String::new()];
        let day = self.config.workspace.settings.zone.day_of(self.received_at);
        let (at, lead) = (Some(self.received_at), Some(self.intake.lead()));
        (!self.test).then_some(RollupDelta { cube: Cube::Usage, day, dims, add, at, lead })
    }

    pub(super) fn payload(&self, raw: &RawLead) -> Payload {
        Payload {
            id: self.intake,
            workspace: self.config.workspace.id,
            webhook: self.webhook.id,
            format: raw.format,
            body: raw.body.clone(),
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
