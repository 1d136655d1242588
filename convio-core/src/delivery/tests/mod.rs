mod endpoint;
mod guard;
mod machine;
mod mapping;
mod payload;
mod retry;
mod signatures;
mod steps;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::event::Position;
use crate::id::{SequentialIds, WorkspaceId};

fn start() -> DateTime<Utc> {
    "2027-03-02T10:00:00Z".parse().unwrap()
}

fn url(text: &str) -> Destination {
    Destination::Url(TargetUrl::new(text))
}

fn after(seconds: i64) -> DateTime<Utc> {
    start() + TimeDelta::seconds(seconds)
}

fn endpoint_with(set: impl FnOnce(&mut EndpointSettings)) -> Endpoint {
    let ids = SequentialIds::seeded(3);
    let acme = WorkspaceId::new(&ids, start());
    let new =
        NewEndpoint::to("https://hooks.example.com/in").with(|settings| settings.events = EventFilter::Any);
    new.with(set).create(acme, start(), &ids, &Guard::new()).unwrap()
}

fn delivery_to(endpoint: &Endpoint) -> Delivery {
    Delivery::new(Cause::Event(Position(7)), "lead.received", endpoint, start(), start())
}

/// Sent at this time, and answered so a second later.
fn sent(
    delivery: &Delivery,
    now: DateTime<Utc>,
    outcome: &Outcome,
    endpoint: &Endpoint,
    health: &Health,
) -> Answered {
    let sent = delivery.begin(now, endpoint, health).unwrap();
    sent.answered(now + TimeDelta::seconds(1), outcome, endpoint, health).unwrap()
}
