use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::WorkspaceHandle;
use crate::analytics::{Cube, Measure, ReportQuery, Rollup};
use crate::appointment::{Appointment, AppointmentFilter};
use crate::contact::{Contact, ContactFilter, ContactKey, ContactRef};
use crate::conversion::{Conversion, ConversionFilter};
use crate::error::Error;
use crate::event::{Event, Head, Position, StreamRef};
use crate::id::{ContactId, IntakeId, LeadId, WebhookId};
use crate::lead::{Lead, LeadFilter, Payload};
use crate::page::{Page, PageRequest};
use crate::rejection::{Rejection, RejectionFilter};
use crate::use_case::{RULES_KEY, RULES_KIND, rules_of};
use crate::webhook::Webhook;
use crate::workspace::Workspace;

/// One day of a webhook and source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DailyLeads {
    /// The day, in the workspace's zone.
    pub day: NaiveDate,
    /// The webhook.
    pub webhook: WebhookId,
    /// The source, folded.
    pub source: String,
    /// Leads taken.
    pub leads: i64,
    /// Contacts made.
    pub contacts: i64,
    /// Leads that repeat another one.
    pub repeats: i64,
    /// Leads rejected when they came in.
    pub rejected: i64,
    /// Appointments booked.
    pub booked: i64,
    /// Leads sold for the first time.
    pub converted: i64,
}

/// What came through a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookActivity {
    /// Leads taken, tests apart.
    pub leads: i64,
    /// When the last of them was received.
    pub last_lead_at: Option<DateTime<Utc>>,
}

/// How many leads of a source were sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRate {
    /// The source, folded.
    pub source: String,
    /// Leads taken.
    pub leads: i64,
    /// Leads sold for the first time.
    pub converted: i64,
}

impl SourceRate {
    /// Sold leads per lead; `None` where there are none.
    ///
    /// ```
    /// use convio_core::service::SourceRate;
    /// let rate = |leads, converted| SourceRate { source: "google".into(), leads, converted }.rate();
    /// assert_eq!(rate(8, 2), Some(0.25));
    /// assert_eq!(rate(0, 0), None);
    /// ```
    pub fn rate(&self) -> Option<f64> {
        (self.leads > 0).then(|| self.converted as f64 / self.leads as f64)
    }
}

impl WorkspaceHandle<'_> {
    /// The workspace; `None` where there is none.
    pub async fn workspace(&self) -> Result<Option<Workspace>, Error> {
        Ok(one(self.convio.store().fetch_workspaces(&[self.id]).await?))
    }

    /// The webhook of this name, deleted ones included.
    pub async fn webhook(&self, name: &str) -> Result<Option<Webhook>, Error> {
        let config = self.config(true).await?;
        Ok(config.webhook(name).ok().cloned())
    }

    /// All webhooks, deleted ones included, by id.
    pub async fn webhooks(&self, page: &PageRequest) -> Result<Page<Webhook>, Error> {
        Ok(self.convio.store().list_webhooks(self.id, page).await?)
    }

    /// A contact, by id, number or key.
    pub async fn contact(&self, contact: ContactRef) -> Result<Option<Contact>, Error> {
        Ok(one(self.convio.store().fetch_contacts(self.id, &[contact]).await?))
    }

    /// Contacts, by id.
    pub async fn contacts(&self, filter: &ContactFilter, page: &PageRequest) -> Result<Page<Contact>, Error> {
        Ok(self.convio.store().list_contacts(self.id, filter, page).await?)
    }

    /// The keys of a contact.
    pub async fn contact_keys(&self, contact: ContactId) -> Result<Vec<ContactKey>, Error> {
        Ok(self.convio.store().contact_keys(self.id, contact).await?)
    }

    /// A lead.
    pub async fn lead(&self, lead: LeadId) -> Result<Option<Lead>, Error> {
        Ok(one(self.convio.store().fetch_leads(self.id, &[lead]).await?))
    }

    /// Leads, by id.
    pub async fn leads(&self, filter: &LeadFilter, page: &PageRequest) -> Result<Page<Lead>, Error> {
        Ok(self.convio.store().list_leads(self.id, filter, page).await?)
    }

    /// What came in, byte for byte, whether it became a lead or a rejection.
    pub async fn payload(&self, intake: IntakeId) -> Result<Option<Payload>, Error> {
        Ok(one(self.convio.store().fetch_payloads(self.id, &[intake]).await?))
    }

    /// A rejection.
    pub async fn rejection(&self, id: IntakeId) -> Result<Option<Rejection>, Error> {
        Ok(one(self.convio.store().fetch_rejections(self.id, &[id]).await?))
    }

    /// Rejections, by id.
    pub async fn rejections(
        &self,
        filter: &RejectionFilter,
        page: &PageRequest,
    ) -> Result<Page<Rejection>, Error> {
        Ok(self.convio.store().list_rejections(self.id, filter, page).await?)
    }

    /// Appointments, by id.
    pub async fn appointments(
        &self,
        filter: &AppointmentFilter,
        page: &PageRequest,
    ) -> Result<Page<Appointment>, Error> {
        Ok(self.convio.store().list_appointments(self.id, filter, page).await?)
    }

    /// Conversions, by id.
    pub async fn conversions(
        &self,
        filter: &ConversionFilter,
        page: &PageRequest,
    ) -> Result<Page<Conversion>, Error> {
        Ok(self.convio.store().list_conversions(self.id, filter, page).await?)
    }

    /// The routing rules in force; version 0 when none were published.
    pub async fn rules(&self) -> Result<crate::routing::RuleSet, Error> {
        let record = self.convio.store().fetch_record(self.id, RULES_KIND, RULES_KEY).await?;
        rules_of(record).map_err(|error| Error::bug(format!("stored rules can't be read: {error}")))
    }

    /// The events of one aggregate, oldest first.
    pub async fn history(&self, stream: StreamRef, page: &PageRequest) -> Result<Page<Event>, Error> {
        Ok(self.convio.store().history(self.id, stream, page).await?)
    }

    /// The workspace's events after a position, in order and without a gap. Keep the position of the last one you have
    /// dealt with, and ask again from there: each event is seen at least once, and none is missed.
    pub async fn feed(&self, after: Position, limit: usize) -> Result<Vec<Event>, Error> {
        Ok(self.convio.store().feed(self.id, after, PageRequest::first(limit).size()).await?)
    }

    /// Where the workspace stands: the position of its last event tells whether anything happened. `None` where there is no
    /// such workspace.
    pub async fn head(&self) -> Result<Option<Head>, Error> {
        Ok(self.convio.store().head(self.id).await?)
    }

    /// The rows of a cube.
    pub async fn report(&self, query: &ReportQuery) -> Result<Vec<Rollup>, Error> {
        Ok(self.convio.store().report(self.id, query).await?)
    }

    /// Leads and what became of them, per day, webhook and source; each thing on the day that it happened.
    pub async fn daily_leads(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<DailyLeads>, Error> {
        let rows = self.report(&ReportQuery { cube: Cube::Leads, from, to }).await?;
        rows.into_iter().map(daily).collect()
    }

    /// How many leads came through a webhook, and when the last one did.
    pub async fn webhook_activity(&self, webhook: WebhookId) -> Result<WebhookActivity, Error> {
        let mut activity = WebhookActivity { leads: 0, last_lead_at: None };
        let name = webhook.to_string();
        for row in self.report(&ReportQuery::all(Cube::Leads)).await?.iter().filter(|row| row.dims[0] == name)
        {
            activity.leads += row.get(Measure::Leads);
            activity.last_lead_at = activity.last_lead_at.max(row.last_at);
        }
        Ok(activity)
    }

    /// Sold leads by source over these days.
    pub async fn conversion_rates(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<SourceRate>, Error> {
        let mut rates: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for row in self.report(&ReportQuery { cube: Cube::Leads, from, to }).await? {
            let [_, source, _] = row.dims.clone();
            let sums = rates.entry(source).or_default();
            sums.0 += row.get(Measure::Leads);
            sums.1 += row.get(Measure::Converted);
        }
        let rate = |(source, (leads, converted))| SourceRate { source, leads, converted };
        Ok(rates.into_iter().map(rate).collect())
    }
}

fn daily(row: Rollup) -> Result<DailyLeads, Error> {
    let webhook =
        row.dims[0].parse().map_err(|error| Error::bug(format!("a rollup names no webhook: {error}")))?;
    Ok(DailyLeads {
        day: row.day,
        webhook,
        source: row.dims[1].clone(),
        leads: row.get(Measure::Leads),
        contacts: row.get(Measure::Contacts),
        repeats: row.get(Measure::Repeats),
        rejected: row.get(Measure::Rejected),
        booked: row.get(Measure::Booked),
        converted: row.get(Measure::Converted),
    })
}

fn one<T>(rows: Vec<Option<T>>) -> Option<T> {
    rows.into_iter().next().flatten()
}
