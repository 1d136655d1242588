use chrono::{DateTime, Utc};
use convio_core::CommitError;
use convio_core::change_set::{Claim, CounterAdd, GateLost, Repeat, RepeatWindow, Route};
use convio_core::routing::Decision;

use super::Model;
use super::apply::Known;
use super::tenant::{Compared, Tenant};
use crate::broken::Bug;

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
    ) -> Result<Decision, CommitError> {
        let known = route.counters();
        let decision = route.decide(|key, window| {
            assert!(known.iter().any(|(of, at)| of == key && *at == window), "`{key}` was not named before");
            let same = |other: &&CounterAdd| other.key == key && other.window == window;
            let sum = |adds: &[CounterAdd]| adds.iter().filter(same).map(|other| other.n).sum::<i64>();
            Ok(sum(&tenant.counted) - sum(unseen))
        })?;
        if self.makes(Bug::CountsNoRoute) {
            return Ok(decision);
        }
        for it in decision.counted.iter().filter(|it| it.n != 0) {
            let (key, window, n) = (it.key.clone(), it.window, it.n);
            tenant.counted.push(CounterAdd { key, window, n, at_most: i64::MAX });
        }
        Ok(decision)
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
