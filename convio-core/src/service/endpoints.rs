//! Endpoints, and what is on its way to them.

use super::WorkspaceHandle;
use super::drive::Permit;
use crate::api_key::Permission;
use crate::change_set::{ChangeSet, Write};
use crate::clock::micros;
use crate::consumer::ConsumerSettings;
use crate::delivery::{
    Cause, Delivery, DeliveryFilter, Endpoint, EndpointSettings, Guard, Health, LEADS_KIND, NewEndpoint,
    SecretSource,
};
use crate::error::{Error, ErrorKind};
use crate::event::Position;
use crate::id::{DeliveryId, LeadId};
use crate::page::{Page, PageRequest};
use crate::record::{HEALTH_KIND, fetch_record};
use crate::service::TRIES_MAX;
use crate::store::CommitError;
use crate::use_case::{ChangeEndpoint, CreateEndpoint, EndpointChange};

/// The consumer that reads the feed for what is to be delivered. Pause it, and nothing new goes out.
pub const DELIVERIES_CONSUMER: &str = "convio.deliveries";

impl WorkspaceHandle<'_> {
    /// Creates an endpoint. From now on what it takes is delivered to it, once a [courier](WorkspaceHandle::courier) is at work. Its secret
    /// is in the answer, for whoever runs the receiver.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) names every wrong setting; [`Conflict`](crate::ErrorKind::Conflict) when there is one of
    /// this name, or there are too many.
    pub async fn create_endpoint(&self, new: NewEndpoint, guard: &Guard) -> Result<Endpoint, Error> {
        let permit = self.permit(Permission::Admin).await?;
        new.check(guard).map_err(Error::invalid)?;
        self.ensure_consumer(permit).await?;
        self.run(&CreateEndpoint { workspace: self.id(), new, guard: guard.clone() }).await
    }

    /// All endpoints, by id, deleted ones included.
    pub async fn endpoints(&self) -> Result<Vec<Endpoint>, Error> {
        self.permit(Permission::Admin).await?;
        Ok(self.current_config().await?.endpoints.clone())
    }

    /// Gives an endpoint other settings, all of them.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Invalid`](crate::ErrorKind::Invalid) names every wrong setting;
    /// [`Conflict`](crate::ErrorKind::Conflict) when it is deleted.
    pub async fn configure_endpoint(
        &self,
        name: &str,
        settings: EndpointSettings,
        guard: &Guard,
    ) -> Result<Endpoint, Error> {
        self.change_endpoint(name, EndpointChange::Configure(Box::new(settings), guard.clone())).await
    }

    /// Signs an endpoint's deliveries by another secret from now on, and by the one until now for so many hours more:
    /// [`OVERLAP_HOURS`](crate::delivery::OVERLAP_HOURS) where none are named, and none after a leak.
    ///
    /// # Errors
    /// Those of [`Signing::rotated`](crate::delivery::Signing::rotated); [`NotFound`](crate::ErrorKind::NotFound);
    /// [`Conflict`](crate::ErrorKind::Conflict) when it is deleted.
    pub async fn sign_endpoint(
        &self,
        name: &str,
        secret: SecretSource,
        overlap_hours: Option<u32>,
    ) -> Result<Endpoint, Error> {
        self.change_endpoint(name, EndpointChange::Sign(secret, overlap_hours)).await
    }

    /// Sends to an endpoint again that was disabled. What waits for it goes out.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) when it is deleted.
    pub async fn enable_endpoint(&self, name: &str) -> Result<Endpoint, Error> {
        self.change_endpoint(name, EndpointChange::Enable).await
    }

    /// Deletes an endpoint: nothing is sent to it any more, and a [`Courier`](super::Courier) calls off what waits for it.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn delete_endpoint(&self, name: &str) -> Result<Endpoint, Error> {
        self.change_endpoint(name, EndpointChange::Delete).await
    }

    /// How an endpoint does.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    pub async fn endpoint_health(&self, name: &str) -> Result<Health, Error> {
        let permit = self.permit(Permission::Read).await?;
        let config = self.current_config().await?;
        let name = &config.endpoint(name)?.name;
        let record = fetch_record(self.store(permit), self.id(), HEALTH_KIND, name).await?;
        Ok(record.map(|record| record.read()).transpose()?.unwrap_or_default())
    }

    /// A delivery.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, Error> {
        let found = self.reader().await?.fetch_deliveries(self.id(), &[id]).await?;
        Ok(found.into_iter().next().flatten())
    }

    /// Deliveries, by when that came about which they deliver: those of a lead or an appointment tell how far it is forwarded.
    pub async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<Delivery>, Error> {
        Ok(self.reader().await?.list_deliveries(self.id(), filter, page).await?)
    }

    /// Sends a lead to an endpoint, whatever rules say. It goes there once: where it was sent before, that delivery is the answer.
    /// An appointment goes to an endpoint by [`assign`](WorkspaceHandle::assign).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) for the lead or the endpoint; [`Conflict`](crate::ErrorKind::Conflict) for a deleted lead
    /// or an endpoint that takes nothing.
    pub async fn forward_lead(&self, lead: LeadId, endpoint: &str) -> Result<Delivery, Error> {
        let permit = self.open_permit().await?;
        let config = self.current_config().await?;
        let found = self.store(permit).fetch_leads(self.id(), &[lead]).await?;
        let row = found.into_iter().next().flatten().ok_or_else(|| Error::not_found("lead", lead))?;
        if row.deleted_at.is_some() {
            return Err(Error::conflict(format!("lead `{lead}` is deleted")));
        }
        let endpoint = config.endpoint(endpoint)?;
        if !endpoint.is_open() {
            return Err(endpoint
                .refusal()
                .map_or_else(|| Error::bug("an open endpoint refused"), Error::taken));
        }
        let delivery = routed(Cause::Lead(lead), LEADS_KIND, endpoint, self.now());
        if let Some(there) = self.delivery_of(permit, delivery.id).await? {
            return Ok(there);
        }
        let mut changes = self.changes();
        changes.deliveries.push(Write::Insert(delivery.clone()));
        match self.commit_one(changes).await {
            Ok(_) => Ok(delivery),
            Err(CommitError::Conflict { .. }) => {
                let there = self.delivery_of(permit, delivery.id).await?;
                there.ok_or_else(|| Error::conflict("the lead is being forwarded by someone else"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a delivery again that came to its end, under the same `webhook-id` and by the schedule from its start.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) for one that is pending.
    pub async fn replay_delivery(&self, id: DeliveryId) -> Result<Delivery, Error> {
        let permit = self.open_permit().await?;
        self.change_delivery(permit, id, |delivery, now| delivery.replay(now)).await
    }

    /// Sends those deliveries of a page again that came to their end, such as all that failed within a time. Answers them, and where the
    /// next page begins.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn replay_deliveries(
        &self,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<Delivery>, Error> {
        let permit = self.open_permit().await?;
        let found = self.store(permit).list_deliveries(self.id(), filter, page).await?;
        let mut items = Vec::new();
        for delivery in found.items {
            match self.change_delivery(permit, delivery.id, |delivery, now| delivery.replay(now)).await {
                Ok(replayed) => items.push(replayed),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Page { items, next: found.next })
    }

    /// Calls a delivery off. What is being sent may arrive all the same.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`Conflict`](crate::ErrorKind::Conflict) for one that came to its end.
    pub async fn cancel_delivery(&self, id: DeliveryId) -> Result<Delivery, Error> {
        let permit = self.open_permit().await?;
        self.change_delivery(permit, id, |delivery, now| delivery.cancel(now)).await
    }

    /// For who may change what is on its way, in a workspace that is neither inactive nor deleted.
    async fn open_permit(&self) -> Result<Permit, Error> {
        let permit = self.permit(Permission::Update).await?;
        let refusal = self.current_config().await?.workspace.refusal();
        refusal.map_or(Ok(permit), |refusal| Err(Error::denied(refusal)))
    }

    async fn change_endpoint(&self, name: &str, change: EndpointChange) -> Result<Endpoint, Error> {
        self.run(&ChangeEndpoint { workspace: self.id(), name: name.to_owned(), change }).await
    }

    /// Changes a delivery, and again on what is there now when someone else was faster.
    pub(super) async fn change_delivery(
        &self,
        permit: Permit,
        id: DeliveryId,
        change: impl Fn(&Delivery, chrono::DateTime<chrono::Utc>) -> Result<Delivery, Error>,
    ) -> Result<Delivery, Error> {
        for _ in 0..TRIES_MAX {
            let found = self.delivery_of(permit, id).await?;
            let found = found.ok_or_else(|| Error::not_found("delivery", id))?;
            let mut changes = self.changes();
            let next = change(&found, changes.at)?;
            if next == found {
                return Ok(next);
            }
            let next = update(&mut changes, &found, next);
            match self.commit_one(changes).await {
                Ok(_) => return Ok(next),
                Err(CommitError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::conflict(format!("delivery `{id}` was changed by someone else again and again")))
    }

    pub(super) async fn delivery_of(
        &self,
        permit: Permit,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, Error> {
        let found = self.store(permit).fetch_deliveries(self.id(), &[id]).await?;
        Ok(found.into_iter().next().flatten())
    }

    /// Makes the consumer that deliveries are made by, if there is none: from here on, or from the start where others may have been granted to
    /// deliver here before.
    pub(super) async fn ensure_consumer(&self, permit: Permit) -> Result<(), Error> {
        if self.names(permit).await?.0.iter().any(|name| name == DELIVERIES_CONSUMER) {
            return Ok(());
        }
        let config = self.current_config().await?;
        let after = match config.workspace.settings.policy.grants.is_empty() {
            true => self.store(permit).head(self.id()).await?.map_or(Position(0), |head| head.feed),
            false => Position(0),
        };
        match self.create_consumer(DELIVERIES_CONSUMER, ConsumerSettings::new(), after).await {
            // Someone else was faster.
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            made => made,
        }
    }
}

/// A delivery of something that was routed to an endpoint. When that came about its id tells, so that there is one however it came about.
pub(super) fn routed(
    cause: Cause,
    kind: &str,
    endpoint: &Endpoint,
    now: chrono::DateTime<chrono::Utc>,
) -> Delivery {
    let uuid = match cause {
        Cause::Lead(id) => id.uuid(),
        Cause::Appointment(id) => id.uuid(),
        Cause::Event(_) => uuid::Uuid::nil(),
    };
    let at = uuid.get_timestamp().and_then(|time| {
        let (seconds, nanos) = time.to_unix();
        chrono::DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
    });
    Delivery::new(cause, kind, endpoint, micros(at.unwrap_or_default()), now)
}

/// Writes a delivery over the one that was found.
pub(super) fn update(changes: &mut ChangeSet, found: &Delivery, next: Delivery) -> Delivery {
    let row = Delivery { version: found.version.next(), ..next };
    changes.deliveries.push(Write::Update { row: row.clone(), at: found.version });
    row
}
