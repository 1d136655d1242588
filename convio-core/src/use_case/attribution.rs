//! Attribution: its settings and exchange rates, which are records of the configuration; touches, and whose they are.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `set_attribution` | nothing | 1 | 2 |
//! | `set_rates` | nothing | 1 | 2 |
//! | `track`, for a contact | the contact | 1 | 3 |
//! | `track`, for a visitor | nothing | 1 | 2 |
//! | `identify` | its keys, then the contact | 1 | 4 |

use super::{Context, Plan, UseCase, book};
use crate::api_key::Permission;
use crate::attribution::{
    AttributionRules, AttributionSettings, NewTouch, ReportingRates, TouchFacts, TouchOf, Touchpoint,
    Tracked, Who, visitor_reason,
};
use crate::canonical::fingerprint;
use crate::change_set::{Claim, ClaimKind, ContactWrite, Mention, NewEvent};
use crate::contact::{ContactKey, KeyKind, KeyScope};
use crate::error::Error;
use crate::event::{EventBody, Subject, TouchRecorded};
use crate::id::{ContactId, TouchpointId, WorkspaceId};
use crate::money::Rates;
use crate::record::Keeps;
use crate::store::{Loaded, Need, Needs};
use crate::text::Private;

/// Sets how a workspace attributes its conversions. One commit.
#[derive(Debug, Clone)]
pub struct SetAttribution {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// All settings.
    pub settings: AttributionSettings,
}

impl UseCase for SetAttribution {
    type Answer = AttributionRules;

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn plan(&self, _: &Loaded, context: &Context<'_>) -> Result<Plan<AttributionRules>, Error> {
        let reasons = self.settings.check();
        if !reasons.is_empty() {
            return Err(Error::invalid(reasons));
        }
        let version = context.config()?.set.0.next();
        let row = AttributionRules { workspace: self.workspace, settings: self.settings.clone(), version };
        let mut changes = context.changes(self.workspace);
        let body = EventBody::AttributionSet(Box::new(self.settings.clone()));
        changes.events.push(NewEvent::about(Subject::Attribution(self.workspace), body));
        changes.records.push(row.keep()?);
        Ok(Plan { changes, answer: row })
    }
}

/// Sets the exchange rates into a workspace's currency. One commit.
#[derive(Debug, Clone)]
pub struct SetRates {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// All rates.
    pub rates: Rates,
}

impl UseCase for SetRates {
    type Answer = ReportingRates;

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn plan(&self, _: &Loaded, context: &Context<'_>) -> Result<Plan<ReportingRates>, Error> {
        let config = context.config()?;
        let currency = config.workspace.settings.currency;
        if self.rates.to() != currency {
            let message = format!("the workspace reports in {currency}");
            return Err(Error::invalid(vec![crate::error::Reason::new("to", "other_currency", message)]));
        }
        let version = config.set.1.next();
        let row = ReportingRates { workspace: self.workspace, rates: self.rates.clone(), version };
        let mut changes = context.changes(self.workspace);
        let body = EventBody::RatesSet(Box::new(self.rates.clone()));
        changes.events.push(NewEvent::about(Subject::Rates(self.workspace), body));
        changes.records.push(row.keep()?);
        Ok(Plan { changes, answer: row })
    }
}

/// Records a touch that is no lead. One commit.
#[derive(Debug, Clone)]
pub struct Track {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// What is recorded.
    pub new: NewTouch,
}

impl UseCase for Track {
    type Answer = TouchpointId;

    fn permission(&self) -> Permission {
        Permission::Ingest
    }

    fn needs(&self) -> Needs {
        let contact = match &self.new.of {
            TouchOf::Contact(id) => Some(Need::Contact(*id)),
            TouchOf::Visitor(_) => None,
        };
        Needs::of(self.workspace, contact)
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<TouchpointId>, Error> {
        let config = context.open()?;
        let reasons = self.new.check();
        if !reasons.is_empty() {
            return Err(Error::invalid(reasons));
        }
        let NewTouch { of, kind, source, medium, campaign, channel, click_ids, cost, at, external_id } =
            &self.new;
        let contact = match of {
            TouchOf::Contact(id) => Some(loaded.contact(*id).ok_or_else(|| Error::not_found("contact", id))?),
            TouchOf::Visitor(_) => None,
        };
        let happened_at = book::past(*at, context);
        let id = TouchpointId::new(context.ids, context.at);
        let facts = TouchFacts {
            kind: Some(*kind),
            source,
            medium: medium.as_ref(),
            campaign: campaign.as_ref(),
            click_ids,
        };
        let channel = channel.clone().unwrap_or_else(|| config.attribution.channels.classify(&facts).clone());
        let touch = Touchpoint {
            medium: medium.clone(),
            campaign: campaign.clone(),
            click_ids: click_ids.clone(),
            cost: *cost,
            ..Touchpoint::new(Who::Other { id, kind: *kind }, source.clone(), channel, happened_at)
        };
        let visitor = match of {
            TouchOf::Visitor(id) => Some(id.clone()),
            TouchOf::Contact(_) => None,
        };
        let mut changes = context.changes(self.workspace);
        changes.claims.extend(external_id.clone().map(|value| Claim {
            webhook: None,
            kind: ClaimKind::Touchpoint,
            value,
            fingerprint: fingerprint(&serde_json::json!([
                contact.map(|contact| contact.id),
                visitor,
                kind,
                source.key(),
                at.map(crate::clock::micros),
            ])),
            holder: id.uuid(),
            expires_at: None,
            yields: false,
        }));
        let body = EventBody::TouchRecorded(Box::new(TouchRecorded {
            touch: touch.clone(),
            visitor: visitor.map(Private),
        }));
        changes.events.push(NewEvent {
            contact: contact.map(|contact| Mention::only(contact.id)),
            ..NewEvent::about(Subject::Touchpoint(id), body)
        });
        let row = Tracked { workspace: self.workspace, of: of.clone(), touch, created_at: context.at };
        changes.touches.push(row);
        Ok(Plan { changes, answer: id })
    }
}

/// Says that a visitor is a contact: all touches of that visitor are the contact's. One commit.
#[derive(Debug, Clone)]
pub struct Identify {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The contact.
    pub contact: ContactId,
    /// The id of the visitor.
    pub visitor: String,
}

impl UseCase for Identify {
    type Answer = ();

    fn permission(&self) -> Permission {
        Permission::Ingest
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [Need::Contact(self.contact)])
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<()>, Error> {
        context.open()?;
        if let Some(reason) = visitor_reason(&self.visitor) {
            return Err(Error::invalid(vec![reason]));
        }
        let id = self.contact;
        let contact = loaded.contact(id).ok_or_else(|| Error::not_found("contact", id))?;
        if let Some(other) = contact.merged_into {
            return Err(Error::conflict(format!("contact `{id}` was merged into `{other}`")));
        }
        let mut row = contact.clone();
        row.identify();
        let mut changes = context.changes(self.workspace);
        let value = self.visitor.clone();
        changes.keys.push((ContactKey { scope: KeyScope::Workspace, kind: KeyKind::Visitor, value }, id));
        changes.contacts.push(ContactWrite::Update { row: Box::new(row), at: contact.version });
        let visitor = Some(Private(self.visitor.clone()));
        changes.events.push(NewEvent {
            body: EventBody::ContactIdentified { visitor },
            contact: Some(Mention::changed(id)),
            lead: None,
            subject: None,
            duplicate_of: None,
        });
        Ok(Plan { changes, answer: () })
    }
}
