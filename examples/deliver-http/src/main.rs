//! Shows deliveries whole, with nothing but this process: `cargo run -p deliver-http`.
//!
//! A receiver listens on a free port of this machine, and fails the first time. Leads come in, and each event about one goes out to it: by
//! HTTP, since both ends are here. The run succeeds if the receiver has each event once.

#![expect(clippy::print_stdout, reason = "a program that talks to its user")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use convio_core::consumer::ConsumerSettings;
use convio_core::delivery::{
    AttemptResult, EventFilter, Guard, Health, NewEndpoint, SecretSource, SigningSecret, Verifier,
};
use convio_core::service::{RandomIds, SystemClock};
use convio_core::{Clock, Convio, NewWebhook, NewWorkspace, Position, RawLead};
use convio_store_memory::MemoryStore;
use deliver_http::{Attempted, Driver, Failure, HttpTransport, RootCertStore, receiver};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (ids, clock) = (RandomIds::default(), SystemClock);
    let secret = SigningSecret::new(&ids);

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
    acme.create_consumer("deliveries", ConsumerSettings::new(), Position(0)).await?;
    for n in 0..LEADS {
        acme.ingest(RawLead::json(format!(r#"{{"phone":"+1310555012{n}"}}"#)).webhook("solar"))
            .await?
            .into_accepted()?;
    }

    // The port and the loopback are allowed because the receiver is here: a service that sends to others allows neither.
    let guard = Guard::new().allow_http().allow_port(port).allow_network("127.0.0.0/8".parse()?);
    let endpoint = NewEndpoint::to(format!("http://127.0.0.1:{port}/in?do=500&times=1"))
        .signed_by(SecretSource::Value(secret))
        .with(|settings| {
            settings.events = EventFilter::only(["lead."]);
            settings.retry.delays_seconds = vec![0, 1, 1];
        })
        .create(acme.id(), clock.now(), &ids, &guard)?;
    // Without TLS no certificate is verified. With others than ourselves: `system_roots()?`.
    let transport = HttpTransport::new(guard.clone(), RootCertStore::empty());
    let mut driver = Driver {
        acme: acme.clone(),
        endpoint,
        health: Health::default(),
        transport: &transport,
        guard: &guard,
        clock: &clock,
        tell: &tell,
    };
    let summary = driver.run("deliveries").await?;
    drop(stop);
    served.await??;

    let events = acme.feed(Position(0), 1_000).await?;
    let about_leads = events.iter().filter(|event| event.body.kind().starts_with("lead."));
    let expected: BTreeMap<u64, u32> = about_leads.map(|event| (event.position.0, 1)).collect();
    let lag = acme.consumer_state("deliveries").await?.map(|state| state.lag);
    println!(
        "{} events, {} delivered in {} attempts; behind by {} events",
        summary.deliveries,
        summary.delivered,
        summary.attempts,
        lag.unwrap_or_default()
    );
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    match *heard == expected && expected.len() >= LEADS && lag == Some(0) {
        true => Ok(()),
        false => Err("the receiver does not have each event once".into()),
    }
}

fn tell(attempted: &Attempted<'_>) {
    let Attempted { delivery, attempt } = attempted;
    let what = match &attempt.result {
        AttemptResult::Answered(response) => response.status.to_string(),
        AttemptResult::Failed(error) => error.to_string(),
    };
    println!(
        "{} {}, attempt {}: {what} in {} ms, {}",
        delivery.id,
        delivery.kind,
        attempt.number,
        attempt.duration_ms,
        delivery.status.code()
    );
}

const LEADS: usize = 3;
