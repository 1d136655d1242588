//! Deliveries in all their states: what another workspace took and told of, what is tried again, what failed, was refused or called
//! off, and what is not made yet.

use async_trait::async_trait;
use chrono::TimeDelta;
use convio_core::delivery::{
    APPOINTMENTS_KIND, EventFilter, Guard, LEADS_KIND, NewEndpoint, Outcome, Request, Response,
    ResponseMapping, ResponseRule, SendError, Transport, Verdict,
};
use convio_core::service::{Courier, Step};
use convio_core::workspace::{Grant, Told};
use convio_core::{AppointmentId, LeadId, NewAppointment, NewConversion, Schedule, Target, WorkspaceHandle};

/// The appointments that were booked for this.
pub(crate) struct Delivered {
    /// Refused by `west`, then handed to `bright`, which took it.
    pub(crate) reassigned: AppointmentId,
    /// Taken by `bright`, and sold there.
    pub(crate) sold: AppointmentId,
    /// For `bright`, which no courier has heard of yet.
    pub(crate) waiting: AppointmentId,
}

/// Delivers leads and appointments of a workspace that has not delivered anything. `wait` moves the clock.
pub(crate) async fn deliver(
    acme: &WorkspaceHandle<'_>,
    other: &WorkspaceHandle<'_>,
    leads: [LeadId; 3],
    at: Schedule,
    mut wait: impl FnMut(TimeDelta),
) -> Delivered {
    let mut settings = other.workspace().await.unwrap().unwrap().settings;
    settings.policy.grants = vec![Grant::to(acme.id()).telling(Told::Values)];
    other.configure(settings).await.unwrap();
    endpoints(acme, other).await;
    let visit = |to: &str| NewAppointment::at(at.clone()).direct(Target::endpoint(to));
    let (mut ours, mut theirs) =
        (acme.courier(Receivers, Guard::new()), other.courier(Receivers, Guard::new()));

    let [first, second, third] = leads;
    let reassigned = acme.book(first, visit("west")).await.unwrap().id;
    let sold = acme.book(second, visit("bright")).await.unwrap().id;
    run(&mut ours).await;
    acme.assign(reassigned, Target::endpoint("bright"), None).await.unwrap();
    for (lead, to) in [(first, "west"), (second, "gone")] {
        acme.forward_lead(lead, to).await.unwrap();
    }
    run(&mut ours).await;
    run(&mut theirs).await;

    wait(TimeDelta::hours(1));
    run(&mut ours).await;
    let off = acme.forward_lead(third, "west").await.unwrap();
    acme.cancel_delivery(off.id).await.unwrap();
    let forwarded = acme.forward_lead(first, "bright").await.unwrap().id;
    run(&mut ours).await;
    let there = acme.delivery(forwarded).await.unwrap().unwrap().delivered.unwrap().lead;
    other.book(there, at.clone()).await.unwrap();
    let filter = convio_core::delivery::DeliveryFilter::of_appointment(sold);
    let taken = acme.deliveries(&filter, &Default::default()).await.unwrap().items.remove(0);
    let sale = NewConversion::sale(taken.delivered.unwrap().lead, "9 JPY".parse().unwrap());
    other.convert(sale).await.unwrap();
    run(&mut theirs).await;
    let waiting = acme.book(third, visit("bright")).await.unwrap().id;
    Delivered { reassigned, sold, waiting }
}

async fn endpoints(acme: &WorkspaceHandle<'_>, other: &WorkspaceHandle<'_>) {
    let url = |name: &str, events| {
        let new = NewEndpoint::to(format!("https://{name}.example.com/in")).named(name);
        new.with(|settings| settings.events = events)
    };
    let refuses = ResponseMapping::of([ResponseRule::then(Verdict::Rejected).status(400, 499)]);
    let west = url("west", EventFilter::None).with(|settings| settings.mapping = refuses);
    // What it is told of is that it was made.
    let crm = url("crm", EventFilter::only(["endpoint.created"]));
    let bright = NewEndpoint::to_workspace(other.id()).named("bright");
    for new in [bright, west, url("gone", EventFilter::None), crm] {
        acme.create_endpoint(new, &Guard::new()).await.unwrap();
    }
}

async fn run(courier: &mut Courier<'_>) {
    while courier.step().await.unwrap() != Step::Idle {}
}

/// The receivers of all URLs.
struct Receivers;

#[async_trait]
impl Transport for Receivers {
    async fn send(&self, request: &Request) -> Outcome {
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        let at = request.header("webhook-timestamp").unwrap().parse::<i64>().unwrap();
        match (request.url.expose(), body["type"].as_str().unwrap()) {
            ("https://west.example.com/in", APPOINTMENTS_KIND) => Ok(Response::new(422).body("no \"room\"")),
            // It is too slow when it is asked again.
            ("https://west.example.com/in", LEADS_KIND) => {
                let made = body["timestamp"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>();
                match at - made.unwrap().timestamp() < 60 {
                    true => Ok(Response::new(503).body("busy")),
                    false => Err(SendError::Timeout),
                }
            }
            ("https://gone.example.com/in", LEADS_KIND) => Ok(Response::new(410).body("closed for good")),
            ("https://crm.example.com/in", "endpoint.created") => Ok(Response::new(200)),
            other => panic!("{other:?}"),
        }
    }
}
