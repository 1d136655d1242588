use std::time::Duration;

use convio_core::delivery::{
    Attempt, Cause, Delivery, DeliveryStatus, Endpoint, Guard, Health, SendError, Transport, event_body,
};
use convio_core::{Clock, ErrorKind, Event, WorkspaceHandle};
use tokio::time::sleep;

/// What goes wrong with the driving itself, and not with a receiver.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// An attempt that ended, as it is told to whoever watches.
#[derive(Debug)]
pub struct Attempted<'a> {
    /// The delivery after it.
    pub delivery: &'a Delivery,
    /// The attempt.
    pub attempt: &'a Attempt,
}

/// What came of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Events that the endpoint takes.
    pub deliveries: u32,
    /// Those of them that it has.
    pub delivered: u32,
    /// How often something was sent.
    pub attempts: u32,
}

/// Takes events off the feed as a named consumer and delivers them to one endpoint, one after the other, each to its end.
///
/// It keeps nothing: a delivery is made anew of its event, under the same id, and an event is acknowledged once its delivery is at its
/// end. Whoever stops it in between sends some event again, and the receiver can tell. For the same reason one delivery that fails for
/// days holds up those behind it, longer than the consumer's lease.
pub struct Driver<'a, 's> {
    /// Whose events.
    pub acme: WorkspaceHandle<'s>,
    /// Where they go. It is disabled here once the state machine says so.
    pub endpoint: Endpoint,
    /// How it does.
    pub health: Health,
    /// What they are sent by.
    pub transport: &'a dyn Transport,
    /// Where they may go.
    pub guard: &'a Guard,
    /// What tells the time.
    pub clock: &'a dyn Clock,
    /// Told of each attempt.
    pub tell: &'a (dyn Fn(&Attempted<'_>) + Sync),
}

impl Driver<'_, '_> {
    /// Delivers what the consumer of this name has not handled yet, until there is no more.
    ///
    /// # Errors
    /// Those of the store, and that the endpoint takes nothing any more: what was not delivered is handed out again later.
    pub async fn run(&mut self, consumer: &str) -> Result<Summary, Failure> {
        let mut worker = self.acme.consumer(consumer);
        let mut summary = Summary::default();
        while let Some(batch) = worker.poll().await? {
            for event in batch.events() {
                if !self.endpoint.settings.events.takes(event.body.kind()) {
                    continue;
                }
                let done = self.deliver(event).await?;
                summary.deliveries += 1;
                summary.delivered += u32::from(done.status == DeliveryStatus::Success);
                summary.attempts += done.attempts_made;
            }
            batch.ack().await?;
        }
        Ok(summary)
    }

    /// One delivery from its first attempt to its end.
    async fn deliver(&mut self, event: &Event) -> Result<Delivery, Failure> {
        let cause = Cause::Event(event.position);
        let mut delivery =
            Delivery::new(cause, event.body.kind(), &self.endpoint, event.at, self.clock.now());
        while !delivery.status.is_final() {
            let due = delivery.next_attempt_at.max(self.health.throttled_until);
            let wait = due.and_then(|due| (due - self.clock.now()).to_std().ok());
            sleep(wait.unwrap_or(Duration::ZERO)).await;
            let now = self.clock.now();
            match delivery.begin(now, &self.endpoint, &self.health) {
                Ok(sending) => delivery = self.attempt(&sending, event).await?,
                // Timers of systems are early by less than they show.
                Err(_) if due.is_some_and(|due| now < due) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
        Ok(delivery)
    }

    /// One attempt. A store that keeps deliveries keeps what `begin` gave before this, and what `answered` gives after it.
    async fn attempt(&mut self, sending: &Delivery, event: &Event) -> Result<Delivery, Failure> {
        let now = self.clock.now();
        let keys = self.endpoint.signing.keys(now, &|_| None)?;
        let body = event_body(event, self.endpoint.settings.payload)?;
        let outcome = match sending.request(now, &self.endpoint, &keys, self.guard, body) {
            Ok(request) => self.transport.send(&request).await,
            Err(error) if error.kind() == ErrorKind::Invalid => Err(SendError::Refused),
            Err(error) => return Err(error.into()),
        };
        let answered = sending.answered(self.clock.now(), &outcome, &self.endpoint, &self.health)?;
        self.health = answered.health;
        if let Some(disabled) = answered.disable {
            self.endpoint = self.endpoint.disable(disabled);
        }
        if let Some(attempt) = answered.delivery.attempts.last() {
            (self.tell)(&Attempted { delivery: &answered.delivery, attempt });
        }
        Ok(answered.delivery)
    }
}
