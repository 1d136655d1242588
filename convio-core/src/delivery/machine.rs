use chrono::{DateTime, TimeDelta, Utc};

use super::{
    ATTEMPTS_KEPT_MAX, Attempt, AttemptResult, Cause, Delivery, DeliveryFailure, DeliveryStatus, Destination,
    Disabled, DisabledWhy, Endpoint, Guard, Health, Notice, Noticed, Outcome, Request, SigningKeys, Verdict,
    retry_after_seconds,
};
use crate::change_set::Version;
use crate::clock::END_OF_TIME;
use crate::error::{Error, Reason};
use crate::id::LeadId;

/// What an answer made of a delivery. All of it is to be kept together.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Answered {
    /// The delivery.
    pub delivery: Delivery,
    /// How its endpoint does.
    pub health: Health,
    /// That its endpoint is to be disabled, if so: [`Endpoint::disable`].
    pub disable: Option<Disabled>,
    /// What the workspace is to be told by another way.
    pub notices: Vec<Notice>,
}

impl Delivery {
    /// A delivery of this to an endpoint. `at` is when the cause came about: it makes the id ([`Cause::delivery`]).
    pub fn new(
        cause: Cause,
        kind: impl Into<String>,
        endpoint: &Endpoint,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        let id = cause.delivery(endpoint.workspace, endpoint.id, at);
        Self {
            id,
            workspace: endpoint.workspace,
            endpoint: endpoint.id,
            cause,
            lead: cause.lead(),
            kind: kind.into(),
            status: DeliveryStatus::Pending,
            failure: None,
            next_attempt_at: Some(endpoint.settings.retry.at(0, now, 0, id, 0).unwrap_or(now)),
            sending_since: None,
            tried: 0,
            attempts_made: 0,
            replays: 0,
            attempts: Vec::new(),
            delivered: None,
            reports: Vec::new(),
            created_at: now,
            ended_at: None,
            version: Version::ZERO.next(),
        }
    }

    /// The same, about this lead.
    #[must_use]
    pub fn about(self, lead: Option<LeadId>) -> Self {
        Self { lead, ..self }
    }

    /// Whether it is to be tried now.
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.sending_since.is_none() && self.is_up(now)
    }

    /// Whether whoever sent it had the time to tell what came of it and did not. It is to be answered with
    /// [`SendError::Lost`](super::SendError::Lost).
    pub fn is_lost(&self, now: DateTime<Utc>) -> bool {
        self.sending_since.is_some() && self.is_up(now)
    }

    /// The same, being sent: once it is kept, nobody else sends it until it is answered, or lost after the timeout and
    /// [`LEASE_SECONDS`] more.
    ///
    /// # Errors
    /// - [`Conflict`](crate::ErrorKind::Conflict): it is not due, or its endpoint takes nothing.
    /// - [`Overloaded`](crate::ErrorKind::Overloaded): its receiver has too much to do; see [`Health::throttled_until`].
    pub fn begin(&self, now: DateTime<Utc>, endpoint: &Endpoint, health: &Health) -> Result<Self, Error> {
        self.belongs_to(endpoint)?;
        if let Some(refusal) = endpoint.refusal() {
            return Err(Error::taken(refusal));
        }
        if !self.is_due(now) {
            let message = match (self.status, self.sending_since) {
                (DeliveryStatus::Pending, Some(_)) => {
                    "a delivery that is being sent can't be sent".to_owned()
                }
                (DeliveryStatus::Pending, None) => "a delivery can't be sent before its time".to_owned(),
                (status, _) => format!("a delivery can't be sent after `{}`", status.code()),
            };
            return Err(Error::conflict(message));
        }
        if health.is_throttled(now) {
            return Err(Error::overloaded("the receiver has too much to do"));
        }
        let lease = i64::from(endpoint.settings.timeout_seconds) + LEASE_SECONDS;
        let until = now.checked_add_signed(TimeDelta::seconds(lease)).unwrap_or(END_OF_TIME);
        Ok(Self { sending_since: Some(now), next_attempt_at: Some(until), ..self.clone() })
    }

    /// What is to be sent, for a delivery that is being sent. `body` is what it delivers: [`event_body`](super::event_body), or JSON of
    /// the caller's own. The timestamp is `now`, so that a later attempt has another signature.
    ///
    /// # Errors
    /// - [`Conflict`](crate::ErrorKind::Conflict): it is not being sent.
    /// - [`Invalid`](crate::ErrorKind::Invalid): the guard refuses its URL, or the body is too long. It is to be answered with
    ///   [`SendError::Refused`](super::SendError::Refused).
    pub fn request(
        &self,
        now: DateTime<Utc>,
        endpoint: &Endpoint,
        keys: &SigningKeys,
        guard: &Guard,
        body: Vec<u8>,
    ) -> Result<Request, Error> {
        self.belongs_to(endpoint)?;
        self.sending()?;
        let Destination::Url(url) = &endpoint.settings.to else {
            return Err(Error::bug("nothing is sent to a workspace by a request"));
        };
        let mut reasons = Vec::new();
        let url = guard.judge(url).unwrap_or_else(|wrong| {
            reasons.extend(wrong);
            super::TargetUrl::default()
        });
        if body.len() > super::BODY_BYTES_MAX {
            let message = format!("a delivery has at most {} bytes", super::BODY_BYTES_MAX);
            reasons.push(Reason::new("body", "too_long", message));
        }
        if !reasons.is_empty() {
            return Err(Error::invalid(reasons));
        }
        let headers = keys.sign(&self.id.to_string(), now, &body);
        Ok(Request::new(url, &headers, endpoint.settings.timeout_seconds, body))
    }

    /// What an attempt that ended `now` makes of it.
    ///
    /// - Accepted, rejected or duplicate by the endpoint's mapping: that is its end.
    /// - Anything else: it is tried again by the schedule, no earlier than the receiver asked (`Retry-After`), and after 429, 502, 503
    ///   or 504 no earlier than in [`THROTTLE_SECONDS`]; after the last attempt it failed.
    /// - 410 disables the endpoint whatever the mapping says, and a delivery that the mapping does not end has failed.
    /// - An endpoint of which every attempt failed for `disable_after_hours` is disabled. What is pending waits until it is enabled.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict): it is not being sent. An answer that comes after it was given up as lost, or cancelled,
    /// changes nothing.
    pub fn answered(
        &self,
        now: DateTime<Utc>,
        outcome: &Outcome,
        endpoint: &Endpoint,
        health: &Health,
    ) -> Result<Answered, Error> {
        self.belongs_to(endpoint)?;
        let began = self.sending()?;
        let verdict = match outcome {
            Ok(response) => endpoint.settings.verdict(response),
            Err(_) => Verdict::Retry,
        };
        let wait_seconds = wait_seconds(outcome, now);
        let health = health.after(now, outcome, verdict, wait_seconds);
        let is_gone = outcome.as_ref().is_ok_and(super::Response::is_gone);

        let mut next = Self { sending_since: None, tried: self.tried.saturating_add(1), ..self.clone() };
        next.note(began, now, outcome, verdict);
        let again = endpoint.settings.retry.at(self.tries(), now, wait_seconds, self.id, next.attempts_made);
        let end = match verdict {
            Verdict::Accepted => Some((DeliveryStatus::Success, None)),
            Verdict::Rejected => Some((DeliveryStatus::Rejected, None)),
            Verdict::Duplicate => Some((DeliveryStatus::Duplicate, None)),
            Verdict::Retry if is_gone => Some((DeliveryStatus::Failed, Some(DeliveryFailure::Gone))),
            Verdict::Retry if again.is_none() => {
                Some((DeliveryStatus::Failed, Some(DeliveryFailure::Exhausted)))
            }
            Verdict::Retry => None,
        };
        match end {
            Some((status, failure)) => next.end(now, status, failure)?,
            None => next.next_attempt_at = again,
        }

        let why = if is_gone { Some(DisabledWhy::Gone) } else { health.too_long(now, outcome, endpoint) };
        let disable = why.filter(|_| endpoint.disabled.is_none()).map(|why| Disabled { at: now, why });
        let mut noticed = Vec::new();
        noticed.extend(next.failure.map(|failure| Noticed::DeliveryFailed { delivery: self.id, failure }));
        noticed.extend(disable.as_ref().map(|disabled| Noticed::EndpointDisabled { why: disabled.why }));
        let notice = |what| Notice { workspace: self.workspace, endpoint: self.endpoint, at: now, what };
        let notices = noticed.into_iter().map(notice).collect();
        Ok(Answered { delivery: next, health, disable, notices })
    }

    /// The same, tried no earlier than `at`: while its receiver has too much to do ([`Health::throttled_until`]), it need not be looked
    /// at again and again. No attempt is counted.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict): it is being sent, or came to its end.
    pub fn postpone(&self, at: DateTime<Utc>) -> Result<Self, Error> {
        let waits = self.next_attempt_at.filter(|_| self.sending_since.is_none());
        let next = waits.ok_or_else(|| Error::conflict("the delivery does not wait"))?;
        Ok(Self { next_attempt_at: Some(next.max(at)), ..self.clone() })
    }

    /// The same, called off. What is being sent may arrive all the same.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict): it came to its end.
    pub fn cancel(&self, now: DateTime<Utc>) -> Result<Self, Error> {
        let mut next = Self { sending_since: None, ..self.clone() };
        next.end(now, DeliveryStatus::Cancelled, None)?;
        Ok(next)
    }

    /// The same, to be tried again from the start of the schedule, now and under the same `webhook-id`: a receiver that has it already
    /// can tell.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict): it is pending.
    pub fn replay(&self, now: DateTime<Utc>) -> Result<Self, Error> {
        Ok(Self {
            status: self.status.transition(DeliveryStatus::Pending)?,
            failure: None,
            ended_at: None,
            next_attempt_at: Some(now),
            tried: 0,
            replays: self.replays.saturating_add(1),
            ..self.clone()
        })
    }

    /// The same without what receivers sent back, which may be personal.
    #[must_use]
    pub fn without_bodies(&self) -> Self {
        let mut next = self.clone();
        for attempt in &mut next.attempts {
            if let AttemptResult::Answered(response) = &mut attempt.result {
                response.cut |= !response.body.is_empty();
                response.body.clear();
            }
        }
        next
    }

    fn end(
        &mut self,
        now: DateTime<Utc>,
        to: DeliveryStatus,
        failure: Option<DeliveryFailure>,
    ) -> Result<(), Error> {
        self.status = self.status.transition(to)?;
        self.failure = failure;
        self.ended_at = Some(now);
        self.next_attempt_at = None;
        Ok(())
    }

    /// Adds an attempt to those that are kept.
    fn note(&mut self, began: DateTime<Utc>, now: DateTime<Utc>, outcome: &Outcome, verdict: Verdict) {
        self.attempts_made = self.attempts_made.saturating_add(1);
        let millis = (now - began).num_milliseconds().max(0);
        self.attempts.push(Attempt {
            number: self.attempts_made,
            at: began,
            duration_ms: u32::try_from(millis).unwrap_or(u32::MAX),
            result: outcome.into(),
            verdict,
        });
        let over = self.attempts.len().saturating_sub(ATTEMPTS_KEPT_MAX);
        self.attempts.drain(..over);
    }

    /// How many attempts there were with the one that just ended: the place of the next one in the schedule.
    fn tries(&self) -> usize {
        usize::try_from(self.tried).unwrap_or(usize::MAX).saturating_add(1)
    }

    fn is_up(&self, now: DateTime<Utc>) -> bool {
        !self.status.is_final() && self.next_attempt_at.is_some_and(|at| at <= now)
    }

    fn sending(&self) -> Result<DateTime<Utc>, Error> {
        let is_sent = self.sending_since.filter(|_| !self.status.is_final());
        is_sent.ok_or_else(|| Error::conflict("the delivery is not being sent"))
    }

    fn belongs_to(&self, endpoint: &Endpoint) -> Result<(), Error> {
        let is_its = (self.workspace, self.endpoint) == (endpoint.workspace, endpoint.id);
        if is_its { Ok(()) } else { Err(Error::bug("a delivery was given another endpoint than its own")) }
    }
}

/// How many seconds pass at least until another attempt.
fn wait_seconds(outcome: &Outcome, now: DateTime<Utc>) -> u32 {
    let Ok(response) = outcome else { return 0 };
    let asked = response.retry_after.as_deref().and_then(|header| retry_after_seconds(header, now));
    let throttled = if response.is_throttle() { THROTTLE_SECONDS } else { 0 };
    asked.unwrap_or(0).max(throttled)
}

/// Seconds after a timeout in which whoever sent tells what came of it.
pub const LEASE_SECONDS: i64 = 30;
/// Seconds in which nothing is sent to a receiver that has too much to do, where it does not say how long.
pub const THROTTLE_SECONDS: u32 = 60;
