//! Shows deliveries whole, with nothing but this process: `cargo run -p deliver-http`.
//!
//! A receiver listens on a free port of this machine, and fails the first time. Leads come in, and each event about one goes out to it: by
//! HTTP, since both ends are here. The run succeeds if the receiver has each event once.

#![expect(clippy::print_stdout, reason = "a program that talks to its user")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use convio_core::delivery::{
    AttemptResult, DeliveryFilter, DeliveryStatus, EventFilter, Guard, NewEndpoint, SecretSource,
    SigningSecret, Verifier,
};
use convio_core::service::{RandomIds, Sent, SystemClock};
use convio_core::{Convio, NewWebhook, NewWorkspace, PageRequest, Position, RawLead};
use convio_store_memory::MemoryStore;
use deliver_http::{Failure, HttpTransport, RootCertStore, drive, receiver};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let clock = SystemClock;
    let secret = SigningSecret::new(&RandomIds::default());

    let heard: Arc<Mutex<BTreeMap<u64, u32>>> = Arc::default();
    let hear = {
        let heard = heard.clone();
        move |event: &deliver_http::Heard| {
            println!("  receiver: {} {}, duplicate: {}", event.id, event.kind, event.is_duplicate);
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            *heard.entry(event.position.unwrap_or_default()).or_default() += 1;
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let (stop, stopped) = oneshot::channel::<()>();
    let router = receiver(Verifier::of(secret.clone()), clock, hear);
    let served = tokio::spawn(
        axum::serve(listener, router).with_graceful_shutdown(async { drop(stopped.await) }).into_future(),
    );

    let convio = Convio::new(MemoryStore::new());
    let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await?;
    acme.create_webhook(NewWebhook::named("solar")).await?;
    // The port and the loopback are allowed because the receiver is here: a service that sends to others allows neither.
    let guard = Guard::new().allow_http().allow_port(port).allow_network("127.0.0.0/8".parse()?);
    let endpoint = NewEndpoint::to(format!("http://127.0.0.1:{port}/in?do=500&times=1")).named("demo");
    let endpoint = endpoint.signed_by(SecretSource::Value(secret)).with(|settings| {
        settings.events = EventFilter::only(["lead."]);
        settings.retry.delays_seconds = vec![0, 1, 1];
    });
    acme.create_endpoint(endpoint, &guard).await?;
    for n in 0..LEADS {
        acme.ingest(RawLead::json(format!(r#"{{"phone":"+1310555012{n}"}}"#)).webhook("solar"))
            .await?
            .into_accepted()?;
    }

    // Without TLS no certificate is verified. With others than ourselves: `system_roots()?`.
    let transport = HttpTransport::new(guard.clone(), RootCertStore::empty());
    let mut courier = acme.courier(transport, guard);
    let mut arrived = 0;
    let summary = drive(&mut courier, &clock, |sent| {
        tell(sent);
        arrived += usize::from(sent.delivery.status.is_final());
        arrived < LEADS
    });
    let summary = summary.await?;
    drop(stop);
    served.await??;

    let events = acme.feed(Position(0), 1_000).await?;
    let about_leads = events.iter().filter(|event| event.body.kind().starts_with("lead."));
    let expected: BTreeMap<u64, u32> = about_leads.map(|event| (event.position.0, 1)).collect();
    let kept = acme.deliveries(&DeliveryFilter::default(), &PageRequest::default()).await?.items;
    println!("{} deliveries, {} arrived in {} attempts", summary.made, summary.delivered, summary.attempts);
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    let all_kept = kept.len() == LEADS && kept.iter().all(|it| it.status == DeliveryStatus::Success);
    match *heard == expected && expected.len() == LEADS && all_kept {
        true => Ok(()),
        false => Err("the receiver does not have each event once".into()),
    }
}

fn tell(sent: &Sent) {
    let Some(attempt) = sent.delivery.attempts.last() else { return };
    let what = match &attempt.result {
        AttemptResult::Answered(response) => response.status.to_string(),
        AttemptResult::Failed(error) => error.to_string(),
    };
    println!(
        "{} {}, attempt {}: {what} in {} ms, {}",
        sent.delivery.id,
        sent.delivery.kind,
        attempt.number,
        attempt.duration_ms,
        sent.delivery.status.code()
    );
}

const LEADS: usize = 3;
