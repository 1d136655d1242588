//! The contact: a person, found by one of their keys or made.

mod fold;
mod key;
mod merged;
mod number;
mod person;
mod repository;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::change_set::Version;
use crate::id::{ContactId, LeadId, WorkspaceId};
use crate::money::{Currency, Money, MoneyError};
use crate::text::Source;

pub use key::{ContactKey, KeyKind, KeyScope};
pub use merged::{ContactState, MERGE_ROWS_MAX, Merge};
pub use number::{ContactNumber, NumberSeries};
pub use person::{FIELDS, Field, Offer, Person, Stamp, Stamps};
#[cfg(feature = "service")]
pub use repository::{ContactFilter, ContactRef, ContactRepository};

/// A person, as all leads together tell them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// Who it is.
    pub id: ContactId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The short number that people use: unique in the workspace.
    pub number: ContactNumber,
    /// Name, phone, e-mail, address: per field the best that any lead said.
    pub person: Person,
    /// Where each field of `person` comes from. Not serialised.
    #[serde(skip)]
    pub stamps: Stamps,
    /// The first lead, by time received.
    pub first_touch: Touch,
    /// How many leads it has, deleted ones left out.
    pub leads: u32,
    /// When its first conversion happened.
    pub customer_since: Option<DateTime<Utc>>,
    /// How many conversions it has.
    pub conversions: u32,
    /// What its conversions are worth, per currency.
    pub lifetime: Lifetime,
    /// The contact that it was merged into: it has nothing any more, and its keys lead there.
    pub merged_into: Option<ContactId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// How many events it has had.
    pub version: Version,
}

impl Contact {
    /// The contact that a first lead makes.
    pub fn opened(
        workspace: WorkspaceId,
        id: ContactId,
        number: ContactNumber,
        offer: Offer,
        touch: Touch,
        at: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            workspace,
            number,
            stamps: Stamps::first(&offer),
            person: offer.person,
            first_touch: touch,
            leads: 1,
            customer_since: None,
            conversions: 0,
            lifetime: Lifetime::default(),
            merged_into: None,
            created_at: at,
            version: Version::ZERO.next(),
        }
    }

    /// Takes what one more lead says: per field the greatest stamp wins, the earliest touch stays the first.
    ///
    /// Whatever the order in which leads arrive, the person that comes out is the same: this is the merge rule.
    pub fn take(&mut self, offer: &Offer, touch: &Touch) {
        self.stamps.merge(&mut self.person, offer);
        if touch.order() < self.first_touch.order() {
            self.first_touch = touch.clone();
        }
        self.leads += 1;
        self.version = self.version.next();
    }

    /// Counts one conversion more: the person is a customer since the earliest one.
    ///
    /// Fails when the value of all conversions in one currency no longer fits.
    pub fn convert(&mut self, value: Money, occurred_at: DateTime<Utc>) -> Result<(), MoneyError> {
        self.lifetime.add(value)?;
        self.conversions += 1;
        self.customer_since = Some(self.customer_since.map_or(occurred_at, |since| since.min(occurred_at)));
        self.version = self.version.next();
        Ok(())
    }

    /// Takes back one conversion of this value: the earliest that still stands happened at `customer_since`.
    ///
    /// Fails when the sum of all others does not fit.
    pub fn unconvert(
        &mut self,
        value: Money,
        customer_since: Option<DateTime<Utc>>,
    ) -> Result<(), MoneyError> {
        self.lifetime.remove(value)?;
        self.conversions = self.conversions.saturating_sub(1);
        self.customer_since = customer_since;
        self.version = self.version.next();
        Ok(())
    }

    /// One of its conversions is worth something else: this before, that since.
    ///
    /// Fails when the value of all conversions no longer fits.
    pub fn adjust(&mut self, before: Money, net: Money) -> Result<(), MoneyError> {
        self.lifetime.remove(before)?;
        self.lifetime.add(net)?;
        self.version = self.version.next();
        Ok(())
    }

    /// A visitor turned out to be this contact: the key says which.
    pub fn identify(&mut self) {
        self.version = self.version.next();
    }

    /// Counts one lead less, since it was deleted, or one more, since it was restored.
    pub fn count_lead(&mut self, restored: bool) {
        self.leads = if restored { self.leads + 1 } else { self.leads.saturating_sub(1) };
        self.version = self.version.next();
    }
}

/// One lead, as the source of a person's interest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// Where the lead came from.
    pub source: Source,
    /// The lead.
    pub lead: LeadId,
    /// When it was received.
    pub at: DateTime<Utc>,
}

impl Touch {
    /// Touches are ordered by time, then by lead: equal times have one order too.
    pub fn order(&self) -> (DateTime<Utc>, LeadId) {
        (self.at, self.lead)
    }
}

/// Money per currency: sums of different currencies are never added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lifetime(BTreeMap<Currency, i64>);

impl Lifetime {
    /// Adds `value` to the sum of its currency; a sum that comes to nothing is left out.
    pub fn add(&mut self, value: Money) -> Result<(), MoneyError> {
        let sum = Money::from_minor(self.0.get(&value.currency()).copied().unwrap_or(0), value.currency());
        let sum = sum.checked_add(value)?;
        match sum.minor() {
            0 => self.0.remove(&value.currency()),
            minor => self.0.insert(value.currency(), minor),
        };
        Ok(())
    }

    /// Takes `value` off the sum of its currency.
    pub fn remove(&mut self, value: Money) -> Result<(), MoneyError> {
        let minor = value.minor().checked_neg().ok_or(MoneyError::Overflow)?;
        self.add(Money::from_minor(minor, value.currency()))
    }

    /// The sum in one currency; nothing of it is zero.
    pub fn of(&self, currency: Currency) -> Money {
        Money::from_minor(self.0.get(&currency).copied().unwrap_or(0), currency)
    }

    /// The sums, one per currency.
    pub fn iter(&self) -> impl Iterator<Item = Money> + '_ {
        self.0.iter().map(|(currency, minor)| Money::from_minor(*minor, *currency))
    }
}
