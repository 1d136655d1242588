use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use convio_core::change_set::{ContactMerge, MergedContact};
use convio_core::contact::{Lifetime, Stamp, Stamps};
use convio_core::{CommitError, Contact, ContactKey, LeadId, NumberSeries, Person, Version};

use super::Model;
use super::apply::conflict;
use super::tenant::{Offered, Tenant};
use crate::broken::Bug;
use crate::naive;

impl Model {
    /// Finds the contact of a key, or makes it; then makes the person anew, of all that leads ever said.
    pub(super) fn merge(
        &self,
        tenant: &mut Tenant,
        merge: ContactMerge,
        at: DateTime<Utc>,
        made_before: u64,
    ) -> Result<MergedContact, CommitError> {
        let ContactMerge { candidate, key, offer, touch } = merge;
        let owner = tenant.keys.iter().find(|(other, _)| self.same_key(other, &key)).map(|(_, owner)| *owner);
        if owner.is_some() && self.makes(Bug::LosesTheRowOfTheWinner) {
            return Err(conflict("contact", candidate));
        }
        let id = owner.unwrap_or(candidate);
        let mut stamp = offer.stamp;
        if self.makes(Bug::StampsInMilliseconds) {
            stamp.at = stamp.at.duration_trunc(TimeDelta::milliseconds(1)).unwrap_or(stamp.at);
        }
        tenant.offers.push(Offered { contact: id, stamp, person: offer.person, touch: touch.clone() });
        if owner.is_none() {
            if tenant.contacts.iter().any(|contact| contact.id == candidate) {
                return Err(conflict("contact", candidate));
            }
            let n =
                if self.makes(Bug::GivesOneNumberTwice) { made_before } else { tenant.contacts.len() as u64 };
            tenant.keys.push((key, candidate));
            tenant.contacts.push(Contact {
                id,
                workspace: tenant.id,
                number: NumberSeries::of(tenant.id).nth(n + tenant.wasted),
                person: Person::default(),
                stamps: Stamps::default(),
                first_touch: touch,
                leads: 0,
                customer_since: None,
                conversions: 0,
                lifetime: Lifetime::default(),
                merged_into: None,
                created_at: at,
                version: Version(0),
            });
        }
        let own: Vec<Offered> =
            tenant.offers.iter().filter(|offered| offered.contact == id).cloned().collect();
        let Some(contact) = tenant.contacts.iter_mut().find(|contact| contact.id == id) else {
            return Err(conflict("contact", id));
        };
        (contact.person, contact.stamps) = naive::person_of(&self.offers(&own));
        if !self.makes(Bug::TouchesByArrival) {
            let first = own.iter().min_by_key(|offered| (offered.touch.at, offered.touch.lead));
            contact.first_touch =
                first.map_or_else(|| contact.first_touch.clone(), |first| first.touch.clone());
        }
        let deleted =
            |lead: LeadId| tenant.leads.iter().any(|row| row.id == lead && row.deleted_at.is_some());
        let counted = own.iter().filter(|offered| !deleted(offered.touch.lead)).count();
        contact.leads = if self.makes(Bug::ForgetsLeads) { 1 } else { counted as u32 };
        contact.version = contact.version.next();
        let (number, version) = (contact.number, contact.version);
        Ok(MergedContact { candidate, id, number, version, created: owner.is_none() })
    }

    fn same_key(&self, one: &ContactKey, other: &ContactKey) -> bool {
        let values = if self.makes(Bug::FoldsKeys) {
            one.value.to_lowercase() == other.value.to_lowercase()
        } else {
            one.value == other.value
        };
        values
            && (one.scope == other.scope || self.makes(Bug::IgnoresScopes))
            && (one.kind == other.kind || self.makes(Bug::IgnoresKindsOfKeys))
    }

    /// What leads said, with the stamps that decide: their own, unless by mistake.
    fn offers(&self, own: &[Offered]) -> Vec<(Stamp, Person)> {
        let last = own.len() as i64;
        let from = if self.makes(Bug::ErasesWhatIsNotSaid) { own.len() - 1 } else { 0 };
        let offers = (0..last).zip(own).skip(from).map(|(n, offered)| {
            let mut stamp = offered.stamp;
            if self.makes(Bug::MergesByArrival) {
                (stamp.rank, stamp.at) = (0, DateTime::UNIX_EPOCH + TimeDelta::seconds(n));
            }
            if self.makes(Bug::IgnoresRanks) {
                stamp.rank = 0;
            }
            if self.makes(Bug::BreaksNoTies) {
                stamp.at -= TimeDelta::nanoseconds(n);
            }
            (stamp, offered.person.clone())
        });
        offers.collect()
    }
}
