#![cfg(feature = "service")]

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Cause, Delivery, DeliveryStatus};
use crate::id::{AppointmentId, DeliveryId, EndpointId, LeadId, WorkspaceId};
use crate::page::{Page, PageRequest};
use crate::store::StoreError;

/// Which deliveries are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryFilter {
    /// Only deliveries to this endpoint.
    pub endpoint: Option<EndpointId>,
    /// Only deliveries that are about this lead: of the lead, its appointments, its events.
    pub lead: Option<LeadId>,
    /// Only deliveries of this appointment.
    pub appointment: Option<AppointmentId>,
    /// Only deliveries that have come so far.
    pub status: Option<DeliveryStatus>,
    /// Only deliveries that were made at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Only deliveries that were made before this time.
    pub until: Option<DateTime<Utc>>,
}

impl DeliveryFilter {
    /// The deliveries to one endpoint.
    pub fn to_endpoint(endpoint: EndpointId) -> Self {
        Self { endpoint: Some(endpoint), ..Self::default() }
    }

    /// The deliveries that are about one lead.
    pub fn of_lead(lead: LeadId) -> Self {
        Self { lead: Some(lead), ..Self::default() }
    }

    /// The deliveries of one appointment.
    pub fn of_appointment(appointment: AppointmentId) -> Self {
        Self { appointment: Some(appointment), ..Self::default() }
    }

    /// Those of them that have come so far.
    #[must_use]
    pub fn with_status(self, status: DeliveryStatus) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Those of them that were made from one time on and before another.
    #[must_use]
    pub fn made(self, from: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self { from: Some(from), until: Some(until), ..self }
    }

    /// Whether the delivery is one of those listed.
    pub fn matches(&self, delivery: &Delivery) -> bool {
        self.endpoint.is_none_or(|endpoint| endpoint == delivery.endpoint)
            && self.lead.is_none_or(|lead| Some(lead) == delivery.lead)
            && self.appointment.is_none_or(|id| delivery.cause == Cause::Appointment(id))
            && self.status.is_none_or(|status| status == delivery.status)
            && self.from.is_none_or(|from| delivery.created_at >= from)
            && self.until.is_none_or(|until| delivery.created_at < until)
    }
}

/// Reads deliveries.
#[async_trait]
pub trait DeliveryRepository: Send + Sync {
    /// The deliveries with these ids, in the same order and number; `None` where there is none.
    async fn fetch_deliveries(
        &self,
        workspace: WorkspaceId,
        ids: &[DeliveryId],
    ) -> Result<Vec<Option<Delivery>>, StoreError>;

    /// The deliveries that the filter matches, by id ascending: by when that came about which they deliver.
    async fn list_deliveries(
        &self,
        workspace: WorkspaceId,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<Delivery>, StoreError>;

    /// Of each of these endpoints the first `limit` deliveries that are to be looked at again, by when they are, and by id; the endpoints in
    /// any order. Those that came to their end are none of them.
    async fn next_deliveries(
        &self,
        workspace: WorkspaceId,
        endpoints: &[EndpointId],
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError>;
}
