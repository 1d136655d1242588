//! The receiver as the transport sees it, well-behaved and not.

use std::sync::{Arc, Mutex};

use convio_core::chrono::TimeDelta;
use convio_core::delivery::{
    Cause, Delivery, Endpoint, EventFilter, Guard, Health, NewEndpoint, Outcome, RESPONSE_BYTES_MAX, Request,
    SecretSource, SendError, SigningKeys, SigningSecret, TIMEOUT_SECONDS_MAX, Transport, Verifier,
};
use convio_core::{FixedClock, Position, SequentialIds, WorkspaceId};
use deliver_http::{Heard, HttpTransport, RootCertStore, receiver};
use tokio::net::TcpListener;

/// A receiver, and an endpoint for it.
struct Pair {
    transport: HttpTransport,
    guard: Guard,
    port: u16,
    secret: SigningSecret,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Pair {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let secret = SigningSecret::new(&SequentialIds::seeded(7));
        let heard = Arc::<Mutex<Vec<Heard>>>::default();
        let hear = {
            let heard = heard.clone();
            move |event: &Heard| heard.lock().unwrap().push(event.clone())
        };
        let router = receiver(Verifier::of(secret.clone()), FixedClock(NOW.parse().unwrap()), hear);
        tokio::spawn(axum::serve(listener, router).into_future());
        let guard = Guard::new().allow_http().allow_port(port).allow_network("127.0.0.1/32".parse().unwrap());
        let transport = HttpTransport::new(guard.clone(), RootCertStore::empty());
        Self { transport, guard, port, secret, heard }
    }

    fn endpoint(&self, path: &str, timeout_seconds: u16) -> Endpoint {
        let ids = SequentialIds::seeded(1);
        let (now, acme) = (NOW.parse().unwrap(), WorkspaceId::new(&ids, NOW.parse().unwrap()));
        let new = NewEndpoint::to(format!("http://127.0.0.1:{}{path}", self.port));
        let new = new.signed_by(SecretSource::Value(self.secret.clone())).with(|settings| {
            settings.events = EventFilter::Any;
            settings.timeout_seconds = timeout_seconds;
        });
        new.create(acme, now, &ids, &self.guard).unwrap()
    }

    fn request(&self, endpoint: &Endpoint, position: u64, secret: &SigningSecret, late: i64) -> Request {
        let now = NOW.parse().unwrap();
        let delivery = Delivery::new(Cause::Event(Position(position)), "lead.received", endpoint, now, now);
        let delivery = delivery.begin(now, endpoint, &Health::default()).unwrap();
        let body = format!(r#"{{"type":"lead.received","data":{{"position":{position}}}}}"#);
        let (at, keys) = (now + TimeDelta::seconds(late), SigningKeys::of(secret.clone()));
        delivery.request(at, endpoint, &keys, &self.guard, body.into()).unwrap()
    }

    async fn send(&self, path: &str, position: u64, timeout_seconds: u16) -> Outcome {
        let endpoint = self.endpoint(path, timeout_seconds);
        self.transport.send(&self.request(&endpoint, position, &self.secret, 0)).await
    }
}

#[tokio::test]
async fn what_comes_twice_is_a_duplicate() {
    let pair = Pair::start().await;
    for (position, status) in [(1, "taken"), (2, "taken"), (1, "duplicate")] {
        let answer = pair.send("/in", position, TIMEOUT_SECONDS_MAX).await.unwrap();
        let body = String::from_utf8(answer.body).unwrap();
        assert_eq!((answer.status, body), (200, format!(r#"{{"status":"{status}"}}"#)));
    }
    let heard = pair.heard.lock().unwrap();
    let told: Vec<_> = heard.iter().map(|heard| (heard.position, heard.is_duplicate)).collect();
    assert_eq!(told, [(Some(1), false), (Some(2), false), (Some(1), true)]);
    assert!(heard.iter().all(|heard| heard.kind == "lead.received") && heard[0].id == heard[2].id);
}

#[tokio::test]
async fn what_is_not_signed_is_not_heard() {
    let pair = Pair::start().await;
    let endpoint = pair.endpoint("/in", TIMEOUT_SECONDS_MAX);
    let stranger = SigningSecret::new(&SequentialIds::seeded(8));
    let mut tampered = pair.request(&endpoint, 1, &pair.secret, 0);
    tampered.body.push(b' ');
    let mut bare = pair.request(&endpoint, 1, &pair.secret, 0);
    bare.headers.retain(|(name, _)| *name != "webhook-signature");
    for (request, why) in [
        (pair.request(&endpoint, 1, &stranger, 0), "no signature holds"),
        (tampered, "no signature holds"),
        (bare, "the header `webhook-signature` is missing"),
        (pair.request(&endpoint, 1, &pair.secret, -301), "the attempt was made too long ago"),
        (pair.request(&endpoint, 1, &pair.secret, 301), "the attempt is in the future"),
    ] {
        let answer = pair.transport.send(&request).await.unwrap();
        assert_eq!((answer.status, answer.body), (401, format!("{why}\n").into_bytes()));
    }
    assert_eq!(*pair.heard.lock().unwrap(), []);
}

#[tokio::test]
async fn it_misbehaves_as_it_is_told() {
    let pair = Pair::start().await;
    for status in [204, 302, 404, 410, 429, 500, 503] {
        let answer = pair.send(&format!("/in?do={status}&after=7"), 1, TIMEOUT_SECONDS_MAX).await.unwrap();
        let after = matches!(status, 429 | 503).then(|| "7".to_owned());
        assert_eq!((answer.status, answer.retry_after), (status, after));
    }
    let huge = pair.send("/in?do=huge", 1, TIMEOUT_SECONDS_MAX).await.unwrap();
    assert_eq!((huge.status, huge.body.len(), huge.cut), (200, RESPONSE_BYTES_MAX, true));
    assert_eq!(pair.send("/in?do=break", 1, TIMEOUT_SECONDS_MAX).await, Err(SendError::Interrupted));
    for patience in ["slow", "drip"] {
        assert_eq!(pair.send(&format!("/in?do={patience}"), 1, 1).await, Err(SendError::Timeout));
    }
    assert_eq!(pair.send("/in?do=nonsense", 1, TIMEOUT_SECONDS_MAX).await.unwrap().status, 400);
    assert_eq!(*pair.heard.lock().unwrap(), [], "nothing of it was taken");
}

#[tokio::test]
async fn it_behaves_after_so_many_times() {
    let pair = Pair::start().await;
    for status in [500, 500, 200, 200] {
        let answer = pair.send("/in?do=500&times=2", 1, TIMEOUT_SECONDS_MAX).await.unwrap();
        assert_eq!(answer.status, status);
    }
    assert_eq!(pair.heard.lock().unwrap().len(), 2);
}

const NOW: &str = "2027-03-02T10:00:00Z";
