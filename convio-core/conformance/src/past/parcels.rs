use async_trait::async_trait;
use convio_core::delivery::{
    EventFilter, Guard, NewEndpoint, Outcome, Request, Response, SecretSource, Transport,
};
use convio_core::service::Step;
use convio_core::{Target, WorkspaceHandle};

use super::People;
use super::setup::hours_later;
use crate::World;

/// Takes what it is sent, until it is gone.
struct Receiver;

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, request: &Request) -> Outcome {
        let is_gone = request.url.expose().contains("gone");
        Ok(Response::new(if is_gone { 410 } else { 200 }).body("thanks"))
    }
}

/// Endpoints, with all that can become of one, and deliveries to them: one that arrived, one that failed, one that waits.
pub(super) async fn go_out(world: &World<'_>, acme: &WorkspaceHandle<'static>, people: &People) {
    let guard = Guard::new();
    let to = |name: &str| NewEndpoint::to(format!("https://{name}.example.com/in")).named(name);
    let endpoint = |name: &str, events| to(name).with(|settings| settings.events = events);
    acme.create_endpoint(endpoint("partner", EventFilter::None), &guard).await.unwrap();
    let gone =
        acme.create_endpoint(endpoint("gone", EventFilter::only(["lead.noted"])), &guard).await.unwrap();
    acme.create_endpoint(endpoint("old", EventFilter::Any), &guard).await.unwrap();
    acme.delete_endpoint("old").await.unwrap();
    let mut settings = gone.settings;
    settings.timeout_seconds = 5;
    acme.configure_endpoint("gone", settings, &guard).await.unwrap();
    acme.note(people.jane.lead, "call back").await.unwrap();
    let visit = acme.book(people.jane.lead, hours_later(world, 48)).await.unwrap();
    acme.assign(visit.id, Target::endpoint("partner"), None).await.unwrap();
    let mut courier = acme.courier(Receiver, guard);
    while courier.step().await.unwrap() != Step::Idle {}
    acme.enable_endpoint("gone").await.unwrap();
    acme.sign_endpoint("gone", SecretSource::reference("vault/gone"), None).await.unwrap();
    acme.forward_lead(people.ann.lead, "gone").await.unwrap();
}
