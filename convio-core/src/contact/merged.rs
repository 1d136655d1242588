use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Contact, ContactKey, Lifetime, Offer, Person, Stamps, Touch};
use crate::change_set::Version;
use crate::conversion::Conversion;
use crate::id::{ContactId, LeadId, WorkspaceId};
use crate::lead::Lead;
use crate::money::MoneyError;
use crate::record::{Keeps, MERGE_KIND};

/// All that a merge, or its undoing, changes of a contact, as it is after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactState {
    /// The first lead.
    pub first_touch: Touch,
    /// How many leads it has.
    pub leads: u32,
    /// When its first conversion happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_since: Option<DateTime<Utc>>,
    /// How many conversions it has.
    pub conversions: u32,
    /// What these are worth.
    pub lifetime: Lifetime,
    /// The contact that it was merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<ContactId>,
    /// What is known of the person, and where it comes from; `None` once erased.
    #[serde(skip)]
    pub personal: Option<(Person, Stamps)>,
}

impl Contact {
    pub(crate) fn state(&self) -> ContactState {
        ContactState {
            first_touch: self.first_touch.clone(),
            leads: self.leads,
            customer_since: self.customer_since,
            conversions: self.conversions,
            lifetime: self.lifetime.clone(),
            merged_into: self.merged_into,
            personal: Some((self.person.clone(), self.stamps)),
        }
    }

    /// Is as a merge or its undoing left it.
    pub(crate) fn enter(&mut self, state: &ContactState) {
        let ContactState { first_touch, leads, customer_since, conversions, lifetime, merged_into, personal } =
            state.clone();
        (self.first_touch, self.leads, self.customer_since) = (first_touch, leads, customer_since);
        (self.conversions, self.lifetime, self.merged_into) = (conversions, lifetime, merged_into);
        (self.person, self.stamps) = personal.unwrap_or_default();
        self.version = self.version.next();
    }

    /// Takes over all that another contact is: both are one person.
    ///
    /// Fails when the value of all conversions no longer fits.
    pub(crate) fn absorb(&mut self, other: &Self) -> Result<(), MoneyError> {
        self.stamps.absorb(&mut self.person, &other.person, &other.stamps);
        if other.first_touch.order() < self.first_touch.order() {
            self.first_touch = other.first_touch.clone();
        }
        for sum in other.lifetime.iter() {
            self.lifetime.add(sum)?;
        }
        self.leads += other.leads;
        self.conversions += other.conversions;
        let since = [self.customer_since, other.customer_since];
        self.customer_since = since.into_iter().flatten().min();
        self.version = self.version.next();
        Ok(())
    }

    /// Goes: another contact has all that it had. What is known of the person stays with it.
    pub(crate) fn merge_into(&mut self, into: ContactId) {
        (self.leads, self.conversions) = (0, 0);
        (self.customer_since, self.lifetime) = (None, Lifetime::default());
        self.merged_into = Some(into);
        self.version = self.version.next();
    }

    /// Is what these leads and conversions say, and nothing else: as if it had never been merged with another one. Offers are what the
    /// leads said of the person.
    ///
    /// Fails when the value of all conversions does not fit.
    pub(crate) fn rebuild<'r>(
        &mut self,
        leads: impl IntoIterator<Item = (&'r Lead, Option<&'r Offer>)>,
        conversions: impl IntoIterator<Item = &'r Conversion>,
    ) -> Result<(), MoneyError> {
        (self.person, self.stamps, self.leads) = (Person::default(), Stamps::default(), 0);
        let mut first: Option<Touch> = None;
        for (lead, offer) in leads {
            if let Some(offer) = offer {
                self.stamps.merge(&mut self.person, offer);
            }
            let touch = lead.touch();
            if first.as_ref().is_none_or(|first| touch.order() < first.order()) {
                first = Some(touch);
            }
            self.leads += u32::from(lead.deleted_at.is_none());
        }
        self.first_touch = first.unwrap_or_else(|| self.first_touch.clone());
        (self.conversions, self.customer_since) = (0, None);
        self.lifetime = Lifetime::default();
        for sold in conversions.into_iter().filter(|sold| sold.stands()) {
            self.lifetime.add(sold.net)?;
            self.conversions += 1;
            let since = [self.customer_since, Some(sold.occurred_at)];
            self.customer_since = since.into_iter().flatten().min();
        }
        self.merged_into = None;
        self.version = self.version.next();
        Ok(())
    }
}

/// What is needed to undo a merge: a record by the id of the contact that was merged into another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The contact that was merged.
    pub contact: ContactId,
    /// The contact that it was merged into.
    pub into: ContactId,
    /// When.
    pub at: DateTime<Utc>,
    /// Its leads.
    pub leads: Vec<LeadId>,
    /// Its keys. A lead that comes in under one of them after the merge goes with it, too.
    pub keys: Vec<ContactKey>,
    /// How often it was written.
    pub version: Version,
}

impl Keeps for Merge {
    const KIND: &'static str = MERGE_KIND;

    fn record_key(&self) -> String {
        self.contact.to_string()
    }

    fn record_version(&self) -> Version {
        self.version
    }

    fn record_workspace(&self) -> WorkspaceId {
        self.workspace
    }
}

/// Most leads, appointments and conversions, each, of a contact that is merged or taken out again: all of them go in one commit.
pub const MERGE_ROWS_MAX: usize = 1_000;
