use chrono::{DateTime, TimeDelta, Utc};
use convio_core::calendar::{Busy, BusyDay, Take};
use convio_core::change_set::{
    Booking, Claim, CounterAdd, GateLost, GiveBack, Repeat, RepeatWindow, Route, Standing,
};
use convio_core::record::{BUSY_KIND, Record};
use convio_core::routing::Decision;
use convio_core::{CommitError, Resource, Version};

use super::Model;
use super::apply::Known;
use super::tenant::{Compared, Tenant};
use crate::broken::Bug;

/// What a route looks at: what it has named before.
struct Seen<'m> {
    model: &'m Model,
    tenant: &'m Tenant,
    route: &'m Route,
    /// What was counted and is not looked at.
    unseen: &'m [CounterAdd],
    at: DateTime<Utc>,
}

impl Standing for Seen<'_> {
    fn used(&mut self, key: &str, window: DateTime<Utc>) -> Result<i64, CommitError> {
        let is_named = self.route.counters().iter().any(|(of, at)| of == key && *at == window);
        assert!(is_named, "`{key}` was not named before");
        let same = |other: &&CounterAdd| other.key == key && other.window == window;
        let sum = |adds: &[CounterAdd]| adds.iter().filter(same).map(|other| other.n).sum::<i64>();
        Ok(sum(&self.tenant.counted) - sum(self.unseen))
    }

    fn has_room(&mut self, take: &Take) -> Result<bool, CommitError> {
        assert!(self.route.takes().contains(take), "{take:?} was not named before");
        Ok(self.model.makes(Bug::RoutesToTheBusy) || self.model.has_room(self.tenant, take, self.at))
    }
}

impl Model {
    /// Counters: what was counted so far, and this, is no more than the limit.
    pub(super) fn count(&self, tenant: &mut Tenant, add: CounterAdd) -> Result<(), CommitError> {
        let same = |other: &&CounterAdd| {
            (other.key == add.key || self.makes(Bug::CountsEverythingTogether))
                && (other.window == add.window || self.makes(Bug::CountsOverAllWindows))
        };
        let so_far: i64 = tenant.counted.iter().filter(same).map(|other| other.n).sum();
        let at_most = add.at_most + i64::from(self.makes(Bug::CountsOneTooMany));
        if so_far + add.n > at_most {
            return Err(CommitError::GateLost(GateLost::Counter { key: add.key }));
        }
        tenant.counted.push(add);
        Ok(())
    }

    /// Routes: decided by what was counted so far, and counted. `unseen` was counted but is not looked at.
    pub(super) fn route(
        &self,
        tenant: &mut Tenant,
        route: &Route,
        unseen: &[CounterAdd],
        at: DateTime<Utc>,
    ) -> Result<Decision, CommitError> {
        let decision = route.decide(&mut Seen { model: self, tenant, route, unseen, at })?;
        if self.makes(Bug::CountsNoRoute) {
            return Ok(decision);
        }
        for it in decision.counted.iter().filter(|it| it.n != 0) {
            let (key, window, n) = (it.key.clone(), it.window, it.n);
            tenant.counted.push(CounterAdd { key, window, n, at_most: i64::MAX });
        }
        Ok(decision)
    }

    /// Calendars: what this took is taken no more.
    pub(super) fn give_back(&self, tenant: &mut Tenant, back: &GiveBack) {
        if self.makes(Bug::GivesNoTimeBack) {
            return;
        }
        let is_of = |of: &Resource| back.takes.iter().any(|(other, _)| other == of);
        tenant.taken.retain(|(of, busy)| busy.by != back.by || !is_of(of));
    }

    /// Calendars: all of it, where there is room for each.
    pub(super) fn book(
        &self,
        tenant: &mut Tenant,
        booking: &Booking,
        at: DateTime<Utc>,
    ) -> Result<(), CommitError> {
        for take in &booking.takes {
            let is_settled = booking.is_settled && !self.makes(Bug::RefusesWhatIsSettled);
            let has_room = is_settled || self.has_room(tenant, take, at);
            if !has_room && !self.makes(Bug::TakesWhatIsTaken) {
                return Err(CommitError::GateLost(booking.clash(take)));
            }
            let busy = Busy { by: booking.by, time: take.time, units: take.units, until: booking.until };
            tenant.taken.push((take.resource.clone(), busy));
        }
        Ok(())
    }

    /// Whether there is room at each instant: that changes only where something begins.
    fn has_room(&self, tenant: &Tenant, take: &Take, at: DateTime<Utc>) -> bool {
        let stands = |busy: &&Busy| match busy.until {
            _ if self.makes(Bug::LetsNoHoldEnd) => true,
            None => true,
            Some(until) => at < until,
        };
        let of = tenant.taken.iter().filter(|(of, _)| *of == take.resource);
        let busy: Vec<&Busy> = of.map(|(_, busy)| busy).filter(stands).collect();
        let instants = busy.iter().map(|busy| busy.time.start).chain([take.time.start]);
        let mut within = instants.filter(|at| take.time.start <= *at && *at < take.time.end);
        within.all(|at| {
            let end = |busy: &Busy| match self.makes(Bug::LetsNeighboursClash) {
                true => busy.time.end + TimeDelta::microseconds(1),
                false => busy.time.end,
            };
            let there = busy.iter().filter(|busy| busy.time.start <= at && at < end(busy));
            let units: u32 =
                there.map(|busy| if self.makes(Bug::CountsUnitsOnce) { 1 } else { busy.units }).sum();
            units + take.units <= take.capacity
        })
    }

    /// The days of calendars, as stores keep them.
    pub(super) fn busy_day(tenant: &Tenant, key: &str) -> Option<Record> {
        let on_it =
            |(of, busy): &&(Resource, Busy)| BusyDay::days(busy.time).any(|day| BusyDay::key(of, day) == key);
        let busy: Vec<Busy> = tenant.taken.iter().filter(on_it).map(|(_, busy)| busy.clone()).collect();
        let record = |body| Record {
            workspace: tenant.id,
            kind: BUSY_KIND.to_owned(),
            key: key.to_owned(),
            body,
            version: Version(1),
        };
        let day = (!busy.is_empty()).then(|| BusyDay::from_iter(busy))?;
        serde_json::to_value(day).map(record).ok()
    }

    /// Claims: the last one of this name, in this webhook or in the whole workspace, holds it, unless it has expired.
    pub(super) fn claim(
        &self,
        tenant: &mut Tenant,
        claim: Claim,
        at: DateTime<Utc>,
    ) -> Result<(), CommitError> {
        if self.makes(Bug::AppliesRetriesTwice) {
            return Ok(());
        }
        if claim.webhook.is_none() && self.makes(Bug::ForgetsClaimsOfTheWorkspace) {
            return Ok(());
        }
        let same = |other: &&Claim| {
            (other.webhook == claim.webhook || self.makes(Bug::MixesWebhooksOfClaims))
                && (other.kind == claim.kind || self.makes(Bug::MixesKindsOfClaims))
                && if self.makes(Bug::FoldsNames) {
                    other.value.to_lowercase() == claim.value.to_lowercase()
                } else {
                    other.value == claim.value
                }
        };
        let last = tenant.claims.iter().rev().find(same);
        let holder = last.filter(|held| match held.expires_at {
            _ if self.makes(Bug::LetsNoClaimExpire) => true,
            None => !self.makes(Bug::ForgetsClaimsWithoutEnd),
            Some(end) => end > at || (end == at && self.makes(Bug::ExpiresOneMomentLate)),
        });
        let holder = holder.filter(|held| held.holder != claim.holder);
        let holder = holder.filter(|held| {
            !held.yields || held.fingerprint == claim.fingerprint || self.makes(Bug::YieldsToNothing)
        });
        if let Some(held) = holder {
            let same_body = held.fingerprint == claim.fingerprint || self.makes(Bug::ForgetsTheFingerprint);
            let lost =
                GateLost::Claim { claimant: claim.holder, kind: claim.kind, holder: held.holder, same_body };
            return Err(CommitError::GateLost(lost));
        }
        if last.is_none() || !self.makes(Bug::KeepsTheFirstHolder) {
            tenant.claims.push(claim);
        }
        Ok(())
    }

    /// Windows: of all leads compared so far, the one received last, if it was received after the cutoff.
    pub(super) fn compare(
        &self,
        tenant: &mut Tenant,
        window: RepeatWindow,
        known: &Known,
    ) -> Result<Repeat, CommitError> {
        let RepeatWindow { contact, key, lead, received_at, cutoff, until, reject } = window;
        let contact = known.contact(contact);
        let comparable = tenant.windows.iter().filter(|other| {
            (other.contact == contact || self.makes(Bug::ComparesAllContacts))
                && (other.key == key || self.makes(Bug::ComparesNoProduct))
        });
        let last = if self.makes(Bug::KeepsTheLastToArrive) {
            comparable.last()
        } else {
            comparable.max_by_key(|other| (other.at, other.lead))
        };
        let at_the_end = |other: &Compared| other.at == cutoff && self.makes(Bug::EndsWindowsOneMomentLate);
        let of = last
            .filter(|other| (other.at > cutoff && other.at < until) || at_the_end(other))
            .map(|other| other.lead);
        if let (Some(of), true, false) = (of, reject, self.makes(Bug::TakesRepeats)) {
            return Err(CommitError::GateLost(GateLost::Repeat { lead, of }));
        }
        tenant.windows.push(Compared { contact, key, at: received_at, lead });
        Ok(Repeat { lead, of })
    }
}
