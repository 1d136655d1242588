use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::TimeDelta;
use convio_core::delivery::{
    ATTEMPTS_KEPT_MAX, AttemptResult, DeliveryFailure, DeliveryFilter, DeliveryStatus, Destination,
    DisabledWhy, EventFilter, Guard, KeptResponse, LEASE_SECONDS, NewEndpoint, Notice, Noticed, Outcome,
    PayloadKind, Request, Response, ResponseMapping, ResponseRule, RetrySchedule, SecretSource, SendError,
    SignedHeaders, SigningSecret, ToldEndpoint, Transport, Verdict, Verifier,
};
use convio_core::delivery::{Delivery, Endpoint};
use convio_core::service::{Courier, DELIVERIES_CONSUMER, Step};
use convio_core::{
    ChangeSet, Clock, CommitError, Durability, ErrorKind, EventBody, Loaded, Needs, PageRequest, Receipt,
    SequentialIds, Store, StoreError, StreamRef, Subject as Aggregate, WorkspaceHandle,
};
use pollster::block_on;
use serde_json::Value;

use super::concurrency::at_once;
use super::lead_work::in_order;
use crate::dice::Dice;
use crate::{Shared, Subject, World, codes, lead, taken};

/// A receiver that answers as it is told, and keeps what it got.
#[derive(Clone)]
pub(super) struct Receiver(Arc<Inbox>);

/// What it answers to its `n`-th request.
type Answers = dyn Fn(usize, &Request) -> Outcome + Send + Sync;

struct Inbox {
    answers: Box<Answers>,
    got: Mutex<Vec<Request>>,
}

impl Receiver {
    /// One that answers its `n`-th request so, counted from 0.
    pub(super) fn that(answers: impl Fn(usize, &Request) -> Outcome + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inbox { answers: Box::new(answers), got: Mutex::default() }))
    }

    /// One that takes everything.
    pub(super) fn fine() -> Self {
        Self::that(|_, _| Ok(Response::new(200)))
    }

    pub(super) fn got(&self) -> Vec<Request> {
        self.0.got.lock().unwrap().clone()
    }

    /// The ids of what it got.
    pub(super) fn ids(&self) -> Vec<String> {
        self.got().iter().map(|request| request.header("webhook-id").unwrap().to_owned()).collect()
    }

    pub(super) fn bodies(&self) -> Vec<Value> {
        self.got().iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
    }
}

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, request: &Request) -> Outcome {
        let mut got = self.0.got.lock().unwrap();
        got.push(request.clone());
        (self.0.answers)(got.len() - 1, request)
    }
}

/// A URL that takes these events.
pub(super) fn to_url(name: &str, events: EventFilter) -> NewEndpoint {
    let new = NewEndpoint::to(format!("https://{name}.example.com/in")).named(name);
    new.with(|settings| settings.events = events)
}

pub(super) async fn create(acme: &WorkspaceHandle<'_>, new: NewEndpoint) -> Endpoint {
    acme.create_endpoint(new, &Guard::new()).await.unwrap()
}

/// Does what there is to be done, and answers what was tried.
pub(super) async fn run(courier: &mut Courier<'_>) -> Vec<(Delivery, Vec<Notice>)> {
    let mut all = Vec::new();
    loop {
        match courier.step().await.unwrap() {
            Step::Made(_) => {}
            Step::Sent(sent) => all.push((sent.delivery, sent.notices)),
            Step::Idle => return all,
        }
    }
}

pub(super) async fn deliveries(acme: &WorkspaceHandle<'_>) -> Vec<Delivery> {
    let (mut all, mut page) = (Vec::new(), PageRequest::default());
    loop {
        let found = acme.deliveries(&DeliveryFilter::default(), &page).await.unwrap();
        all.extend(found.items);
        let Some(next) = found.next else { return all };
        page.after = Some(next);
    }
}

fn kinds(bodies: &[Value]) -> Vec<&str> {
    bodies.iter().map(|body| body["type"].as_str().unwrap()).collect()
}

pub(crate) async fn an_endpoint_is_made_changed_and_told_without_its_secret(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let made = create(&acme, to_url("crm", EventFilter::Any)).await;
    let SecretSource::Value(secret) = made.signing.secret.clone() else { panic!("it has no secret") };
    let mut settings = made.settings.clone();
    settings.to = Destination::Url("https://CRM.example.com:443/other".into());
    settings.timeout_seconds = 0;
    let wrong = acme.configure_endpoint("crm", settings.clone(), &Guard::new()).await.unwrap_err();
    assert_eq!(codes(wrong.reasons()), ["timeout_seconds/out_of_range"]);
    settings.timeout_seconds = 5;
    let moved = acme.configure_endpoint("crm", settings, &Guard::new()).await.unwrap();
    assert_eq!(
        moved.settings.to,
        Destination::Url("https://crm.example.com/other".into()),
        "as the guard reads it"
    );
    let other = SecretSource::Value(SigningSecret::new(&SequentialIds::seeded(77)));
    let signed = acme.sign_endpoint("crm", other.clone(), None).await.unwrap();
    assert_eq!((signed.signing.secret.clone(), signed.signing.retired.len()), (other, 1));
    assert_eq!(acme.enable_endpoint("crm").await.unwrap(), signed, "it is not disabled");

    let elsewhere = world.elsewhere(&acme);
    assert_eq!(elsewhere.endpoints().await.unwrap(), std::slice::from_ref(&signed));
    let taken = acme.create_endpoint(to_url("crm", EventFilter::Any), &Guard::new()).await.unwrap_err();
    assert_eq!((taken.kind(), codes(taken.reasons())), (ErrorKind::Conflict, vec!["name/taken".to_owned()]));
    let gone = acme.delete_endpoint("crm").await.unwrap();
    assert_eq!(acme.delete_endpoint("crm").await.unwrap(), gone, "told again");
    assert_eq!(acme.enable_endpoint("crm").await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(acme.delete_endpoint("cr").await.unwrap_err().kind(), ErrorKind::NotFound);

    let stream = StreamRef::Subject(Aggregate::Endpoint(made.id));
    let events = acme.history(stream, &PageRequest::default()).await.unwrap().items;
    let told: Vec<&str> = events.iter().map(|event| event.body.kind()).collect();
    assert_eq!(told, ["endpoint.created", "endpoint.configured", "endpoint.signed", "endpoint.deleted"]);
    assert_eq!(ToldEndpoint::fold(&events), Some(gone.told()));
    for event in &events {
        assert!(!event.body.facts().unwrap().contains(&secret.expose()), "{}", event.body.kind());
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn wrong_endpoints_name_every_setting(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let new =
        NewEndpoint::to("http://127.0.0.1:22/").named("a b").with(|settings| settings.timeout_seconds = 99);
    let error = acme.create_endpoint(new, &Guard::new()).await.unwrap_err();
    let expected = [
        "url/scheme",
        "url/port",
        "url/host",
        "events/empty",
        "timeout_seconds/out_of_range",
        "name/invalid",
    ];
    assert_eq!(codes(error.reasons()), expected);
    let itself = acme.create_endpoint(NewEndpoint::to_workspace(acme.id()), &Guard::new()).await.unwrap_err();
    assert_eq!(codes(itself.reasons()), ["to/itself"]);
    assert_eq!(acme.endpoints().await.unwrap(), []);
}

pub(crate) async fn events_go_out_once_to_each_endpoint_that_takes_them(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    taken(acme.ingest(lead(1)).await); // before anybody asked
    world.clock.advance(TimeDelta::seconds(1));
    let all = create(&acme, to_url("all", EventFilter::only(["lead."]))).await;
    let full = to_url("full", EventFilter::only(["lead.received"])).with(|it| it.payload = PayloadKind::Full);
    create(&acme, full).await;
    create(&acme, to_url("off", EventFilter::Any).with(|settings| settings.active = false)).await;
    let second = taken(acme.ingest(lead(2)).await).lead;
    acme.note(second, "call back").await.unwrap();

    let receiver = Receiver::fine();
    let mut courier = acme.courier(receiver.clone(), Guard::new());
    let sent = run(&mut courier).await;
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|(it, notices)| it.status == DeliveryStatus::Success && notices.is_empty()));
    let mut bodies = receiver.bodies();
    bodies.sort_by_key(|body| body["type"].to_string());
    assert_eq!(kinds(&bodies), ["lead.noted", "lead.received", "lead.received"]);
    // Thin unless more was asked for; signed for whoever has the secret.
    let personal = |body: &Value| !body["data"]["personal"].is_null();
    assert_eq!(bodies.iter().map(personal).filter(|full| *full).count(), 1);
    let SecretSource::Value(secret) = all.signing.secret else { panic!("it has no secret") };
    let (now, verifier) = (world.clock.now(), Verifier::of(secret));
    let got = receiver.got();
    let verified = got.iter().filter(|request| {
        let headers = SignedHeaders::read(|name| request.header(name)).unwrap();
        verifier.verify(&headers, &request.body, now).is_ok()
    });
    assert_eq!(verified.count(), 2);

    // Whoever reads the feed again makes nothing anew.
    acme.rewind_consumer(DELIVERIES_CONSUMER, convio_core::service::Rewind::To(convio_core::Position(0)))
        .await
        .unwrap();
    assert_eq!(run(&mut world.elsewhere(&acme).courier(receiver.clone(), Guard::new())).await, []);
    assert_eq!((receiver.got().len(), deliveries(&acme).await.len()), (3, 3));
    let of_lead = DeliveryFilter::of_lead(second);
    assert_eq!(acme.deliveries(&of_lead, &PageRequest::default()).await.unwrap().items.len(), 3);
    in_order(&world, &acme).await;
}

pub(crate) async fn what_fails_is_tried_by_the_schedule_until_it_has_failed(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let retry = RetrySchedule { delays_seconds: vec![0, 60, 600], jitter_percent: 0 };
    create(&acme, to_url("crm", EventFilter::only(["lead.received"])).with(|it| it.retry = retry)).await;
    let id = taken(acme.ingest(lead(1)).await).lead;
    let receiver = Receiver::that(|n, _| match n {
        0 => Err(SendError::Timeout),
        1 => Ok(Response::new(500).body(vec![b'x'; 100_000])),
        2 => Ok(Response::new(302)),
        _ => Ok(Response::new(204)),
    });
    let mut courier = acme.courier(receiver.clone(), Guard::new());
    let first = run(&mut courier).await;
    assert_eq!((first.len(), first[0].0.status), (1, DeliveryStatus::Pending));
    assert_eq!(courier.due(), Some(world.clock.now() + TimeDelta::seconds(60)));
    world.clock.advance(TimeDelta::seconds(59));
    assert_eq!(run(&mut courier).await, []);
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(run(&mut courier).await.len(), 1);
    world.clock.advance(TimeDelta::seconds(600));
    // By another process: what is to be done is in the store.
    let mut courier = world.elsewhere(&acme).courier(receiver.clone(), Guard::new());
    let (failed, notices) = run(&mut courier).await.pop().unwrap();
    assert_eq!((failed.status, failed.failure), (DeliveryStatus::Failed, Some(DeliveryFailure::Exhausted)));
    assert!(matches!(notices[..], [Notice { what: Noticed::DeliveryFailed { .. }, .. }]), "{notices:?}");
    let results: Vec<_> = failed.attempts.iter().map(|attempt| attempt.result.clone()).collect();
    assert_eq!(results[0], AttemptResult::Failed(SendError::Timeout));
    let AttemptResult::Answered(KeptResponse { status: 500, cut: true, body, .. }) = &results[1] else {
        panic!("{results:?}")
    };
    assert_eq!(body.len(), 2_048);
    world.clock.advance(TimeDelta::days(9));
    assert_eq!(run(&mut courier).await, []);

    // By hand, and then as a range: under the same id, which the receiver knows.
    let replayed = acme.replay_delivery(failed.id).await.unwrap();
    assert_eq!(acme.replay_delivery(failed.id).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!((replayed.status, replayed.replays), (DeliveryStatus::Pending, 1));
    let (done, _) = run(&mut courier).await.pop().unwrap();
    assert_eq!((done.status, done.attempts.len()), (DeliveryStatus::Success, 4));
    let now = world.clock.now();
    let made = DeliveryFilter::of_lead(id).made(failed.created_at, now).with_status(DeliveryStatus::Success);
    let page = acme.replay_deliveries(&made, &PageRequest::default()).await.unwrap();
    assert_eq!(page.items.len(), 1);
    let none = DeliveryFilter::of_lead(id).made(now, now + TimeDelta::days(1));
    assert_eq!(acme.replay_deliveries(&none, &PageRequest::default()).await.unwrap().items, []);
    assert_eq!(run(&mut courier).await.len(), 1);
    let ids = receiver.ids();
    assert!(ids.len() == 5 && ids.iter().all(|id| *id == failed.id.to_string()), "{ids:?}");
    // Called off, it is not tried.
    acme.replay_delivery(failed.id).await.unwrap();
    assert_eq!(acme.cancel_delivery(failed.id).await.unwrap().status, DeliveryStatus::Cancelled);
    assert_eq!(run(&mut courier).await, []);
    assert!(acme.delivery(failed.id).await.unwrap().unwrap().attempts.len() <= ATTEMPTS_KEPT_MAX);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_receiver_that_is_gone_is_disabled_and_what_waits_goes_out_later(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    create(&acme, to_url("crm", EventFilter::only(["lead.received"]))).await;
    create(&acme, to_url("ops", EventFilter::only(["endpoint.disabled"]))).await;
    for n in 1..=3 {
        taken(acme.ingest(lead(n)).await);
    }
    let receiver = Receiver::that(|n, request| {
        Ok(Response::new(if n == 0 && request.url.expose().contains("crm") { 410 } else { 200 }))
    });
    let mut courier = acme.courier(receiver.clone(), Guard::new());
    let sent = run(&mut courier).await;
    let (gone, notices) = &sent[0];
    assert_eq!((gone.status, gone.failure), (DeliveryStatus::Failed, Some(DeliveryFailure::Gone)));
    let disabled = Noticed::EndpointDisabled { why: DisabledWhy::Gone };
    assert!(notices.iter().any(|notice| notice.what == disabled), "{notices:?}");
    let crm = acme.endpoints().await.unwrap().into_iter().find(|it| it.name == "crm").unwrap();
    assert_eq!(crm.disabled.as_ref().map(|it| it.why), Some(DisabledWhy::Gone));
    // Another endpoint is told of it, and what comes in meanwhile waits with the rest.
    taken(acme.ingest(lead(4)).await);
    run(&mut courier).await;
    assert_eq!(kinds(&receiver.bodies()), ["lead.received", "endpoint.disabled"]);
    world.clock.advance(TimeDelta::days(30));
    assert_eq!(run(&mut courier).await, []);
    let waits = DeliveryFilter::to_endpoint(crm.id).with_status(DeliveryStatus::Pending);
    assert_eq!(acme.deliveries(&waits, &PageRequest::default()).await.unwrap().items.len(), 3);

    world.elsewhere(&acme).enable_endpoint("crm").await.unwrap();
    assert_eq!(acme.endpoint_health("crm").await.unwrap().failing_since, None);
    acme.replay_delivery(gone.id).await.unwrap();
    let sent = run(&mut courier).await;
    assert!(sent.iter().all(|(delivery, _)| delivery.status == DeliveryStatus::Success));
    let crm = receiver.got().into_iter().filter(|request| request.url.expose().contains("crm"));
    assert_eq!(crm.count(), 5, "three, the one that was refused twice, and the one of meanwhile");
    in_order(&world, &acme).await;
}

pub(crate) async fn a_receiver_that_fails_for_days_is_disabled(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    create(&acme, to_url("crm", EventFilter::only(["lead.received"]))).await;
    taken(acme.ingest(lead(1)).await);
    let mut courier = acme.courier(Receiver::that(|_, _| Err(SendError::Connect)), Guard::new());
    let since = world.clock.now();
    let mut told = Vec::new();
    for n in 0..400 {
        for (_, notices) in run(&mut courier).await {
            told.extend(notices.into_iter().map(|notice| notice.what));
        }
        if acme.endpoints().await.unwrap()[0].disabled.is_some() {
            break;
        }
        if n % 20 == 0 {
            taken(acme.ingest(lead(n + 2)).await);
        }
        world.clock.advance(TimeDelta::hours(1));
    }
    let days = world.clock.now() - since;
    assert!(days >= TimeDelta::days(5) && days < TimeDelta::days(7), "{days}");
    let disabled =
        |it: &Noticed| matches!(it, Noticed::EndpointDisabled { why: DisabledWhy::Failing { .. } });
    assert_eq!(told.iter().filter(|it| disabled(it)).count(), 1);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_receiver_that_asks_for_time_gets_it(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    create(&acme, to_url("crm", EventFilter::only(["lead.received"]))).await;
    for n in 1..=5 {
        taken(acme.ingest(lead(n)).await);
    }
    let receiver = Receiver::that(|n, _| {
        Ok(if n == 0 { Response::new(429).retry_after("120") } else { Response::new(200) })
    });
    let mut courier = acme.courier(receiver.clone(), Guard::new());
    assert_eq!(run(&mut courier).await.len(), 1, "nothing more is sent after it said so");
    assert_eq!(courier.due(), Some(world.clock.now() + TimeDelta::seconds(120)));
    world.clock.advance(TimeDelta::seconds(119));
    assert_eq!(run(&mut courier).await, []);
    world.clock.advance(TimeDelta::seconds(20));
    assert_eq!(run(&mut courier).await.len(), 5);
    assert!(!acme.endpoint_health("crm").await.unwrap().is_throttled(world.clock.now()));
    in_order(&world, &acme).await;
}

pub(crate) async fn what_a_buyer_answers_is_read_by_its_mapping(subject: &dyn Subject) {
    use DeliveryStatus::{Duplicate, Rejected, Success};
    let world = World::of(subject);
    let acme = world.acme().await;
    let mapping = ResponseMapping::of([
        ResponseRule::then(Verdict::Duplicate).body_contains("already exists"),
        ResponseRule::then(Verdict::Rejected).json("/status", "declined"),
    ]);
    create(&acme, to_url("buyer", EventFilter::only(["lead.received"])).with(|it| it.mapping = mapping))
        .await;
    for n in 0..3 {
        world.clock.advance(TimeDelta::seconds(1));
        taken(acme.ingest(lead(n)).await);
    }
    let answers = [r#"{"status":"declined"}"#, "Lead already exists", r#"{"status":"bought"}"#];
    let receiver = Receiver::that(move |n, _| Ok(Response::new(200).body(answers[n])));
    run(&mut acme.courier(receiver, Guard::new())).await;
    let statuses: Vec<_> =
        deliveries(&acme).await.into_iter().map(|it| (it.status, it.attempts_made)).collect();
    assert_eq!(statuses, [(Rejected, 1), (Duplicate, 1), (Success, 1)]);
    let health = acme.endpoint_health("buyer").await.unwrap();
    assert_eq!(health.failures, 0, "a buyer that refuses a lead works");
    in_order(&world, &acme).await;
}

pub(crate) async fn couriers_share_the_work_and_send_nothing_twice(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    for name in ["a", "b"] {
        create(&acme, to_url(name, EventFilter::only(["lead.received"]))).await;
    }
    for n in 0..30 {
        taken(acme.ingest(lead(n)).await);
    }
    let receiver = Receiver::fine();
    let tried = at_once(&world, &acme, 6, |handle, _| {
        let mut courier = handle.courier(receiver.clone(), Guard::new());
        block_on(run(&mut courier)).len()
    });
    assert_eq!(tried.iter().sum::<usize>(), 60, "{tried:?}");
    let mut ids = receiver.ids();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), receiver.got().len()), (60, 60));
    assert!(deliveries(&acme).await.iter().all(|it| it.status == DeliveryStatus::Success));
    in_order(&world, &acme).await;
}

pub(crate) async fn what_waits_for_a_deleted_endpoint_is_called_off(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    for name in ["crm", "ops"] {
        create(&acme, to_url(name, EventFilter::only(["lead.received"]))).await;
    }
    let receiver = Receiver::that(|_, _| Ok(Response::new(500)));
    let mut courier = acme.courier(receiver.clone(), Guard::new());
    taken(acme.ingest(lead(1)).await);
    assert_eq!(run(&mut courier).await.len(), 2);
    // One waits for its next attempt, another one was made and not tried yet.
    taken(acme.ingest(lead(2)).await);
    assert_eq!(courier.step().await.unwrap(), Step::Made(2));
    let gone = acme.delete_endpoint("crm").await.unwrap();
    let receiver = Receiver::fine();
    let mut courier = world.elsewhere(&acme).courier(receiver.clone(), Guard::new());
    let ended = run(&mut courier).await;
    let of = |status| ended.iter().filter(move |(it, _)| it.status == status).map(|(it, _)| it.endpoint);
    assert_eq!(of(DeliveryStatus::Cancelled).collect::<Vec<_>>(), [gone.id; 2]);
    assert_eq!((of(DeliveryStatus::Success).count(), receiver.got().len()), (1, 1));
    // What came in since goes to the other one alone, and nothing waits for the one that is gone.
    taken(acme.ingest(lead(3)).await);
    world.clock.advance(TimeDelta::days(1));
    assert_eq!(run(&mut courier).await.len(), 2);
    let waits = DeliveryFilter::default().with_status(DeliveryStatus::Pending);
    assert_eq!(acme.deliveries(&waits, &PageRequest::default()).await.unwrap().items, []);
    assert_eq!((courier.due(), receiver.got().len()), (None, 3));
    in_order(&world, &acme).await;
}

pub(crate) async fn what_a_courier_took_with_it_is_sent_by_another(subject: &dyn Subject) {
    struct Silent(Arc<AtomicBool>);
    #[async_trait]
    impl Transport for Silent {
        async fn send(&self, _: &Request) -> Outcome {
            self.0.store(true, Ordering::SeqCst);
            std::future::pending().await
        }
    }
    let world = World::of(subject);
    let acme = world.acme().await;
    create(&acme, to_url("crm", EventFilter::only(["lead.received"]))).await;
    taken(acme.ingest(lead(1)).await);
    let asked = Arc::new(AtomicBool::new(false));
    let mut dying = acme.courier(Silent(asked.clone()), Guard::new());
    assert_eq!(dying.step().await.unwrap(), Step::Made(1));
    {
        // It sends, and is heard of no more.
        let mut step = Box::pin(dying.step());
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        while !asked.load(Ordering::SeqCst) {
            assert!(step.as_mut().poll(&mut context).is_pending());
            std::thread::yield_now();
        }
        assert!(deliveries(&acme).await[0].sending_since.is_some());
    }
    drop(dying);
    let receiver = Receiver::fine();
    let mut courier = world.elsewhere(&acme).courier(receiver.clone(), Guard::new());
    let lease = TimeDelta::seconds(15 + LEASE_SECONDS);
    world.clock.advance(lease - TimeDelta::seconds(1));
    assert_eq!(run(&mut courier).await, []);
    assert_eq!(courier.due(), Some(world.clock.now() + TimeDelta::seconds(1)));
    world.clock.advance(TimeDelta::seconds(1));
    let lost = run(&mut courier).await;
    assert_eq!(lost[0].0.attempts[0].result, AttemptResult::Failed(SendError::Lost));
    world.clock.advance(TimeDelta::seconds(10));
    assert_eq!(run(&mut courier).await.last().unwrap().0.status, DeliveryStatus::Success);
    assert_eq!(acme.endpoint_health("crm").await.unwrap().failures, 0, "that is not the receiver's fault");
    in_order(&world, &acme).await;
}

pub(crate) async fn a_secret_that_is_kept_elsewhere_is_waited_for(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let crm = to_url("crm", EventFilter::only(["lead."])).signed_by(SecretSource::reference("vault/crm"));
    create(&acme, crm).await;
    taken(acme.ingest(lead(1)).await);
    let receiver = Receiver::fine();
    assert_eq!(run(&mut acme.courier(receiver.clone(), Guard::new())).await, []);
    let secret = SigningSecret::new(&SequentialIds::seeded(5));
    let vault = |name: &str| (name == "vault/crm").then(|| secret.clone());
    let mut courier = acme.courier(receiver.clone(), Guard::new()).secrets(vault);
    world.clock.advance(TimeDelta::minutes(2));
    let (done, _) = run(&mut courier).await.pop().unwrap();
    assert_eq!((done.status, done.attempts_made), (DeliveryStatus::Success, 1));
    let request = &receiver.got()[0];
    let headers = SignedHeaders::read(|name| request.header(name)).unwrap();
    assert!(Verifier::of(secret.clone()).verify(&headers, &request.body, world.clock.now()).is_ok());
    in_order(&world, &acme).await;
}

pub(crate) async fn what_is_next_is_told_for_each_endpoint_by_itself(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let later = RetrySchedule { delays_seconds: vec![3_600], jitter_percent: 100 };
    let slow = create(&acme, to_url("slow", EventFilter::only(["lead."])).with(|it| it.retry = later)).await;
    let quick = create(&acme, to_url("quick", EventFilter::only(["lead."]))).await;
    for n in 0..6 {
        taken(acme.ingest(lead(n)).await);
    }
    let mut courier = acme.courier(Receiver::that(|_, _| Err(SendError::Dns)), Guard::new());
    assert_eq!(courier.step().await.unwrap(), Step::Made(12));
    let store = world.store();
    let next = |limit| {
        let rows = block_on(store.next_deliveries(acme.id(), &[slow.id, quick.id], limit)).unwrap();
        let of = |id| rows.iter().filter(|row| row.endpoint == id).cloned().collect::<Vec<_>>();
        (of(slow.id), of(quick.id))
    };
    let (of_slow, of_quick) = next(4);
    assert_eq!((of_slow.len(), of_quick.len()), (4, 4), "one takes no place of the other");
    for rows in [&of_slow, &of_quick] {
        assert!(rows.is_sorted_by_key(|row| (row.next_attempt_at, row.id)), "{rows:?}");
    }
    let all = next(100);
    assert_eq!((all.0[..4].to_vec(), all.0.len()), (of_slow, 6), "those that are due first");
    acme.cancel_delivery(all.1[0].id).await.unwrap();
    assert_eq!(next(100).1.len(), 5, "what came to its end is looked at no more");
    // Nobody else sees any of it.
    let other = world.acme().await.id();
    let ids: Vec<_> = deliveries(&acme).await.iter().map(|row| row.id).collect();
    assert_eq!(store.fetch_deliveries(other, &ids).await.unwrap(), vec![None; ids.len()]);
    let filter = DeliveryFilter::default();
    assert_eq!(store.list_deliveries(other, &filter, &PageRequest::default()).await.unwrap().items, []);
    assert_eq!(store.next_deliveries(other, &[slow.id, quick.id], 9).await.unwrap(), []);
    in_order(&world, &acme).await;
}

pub(crate) async fn the_history_of_deliveries_is_listed_in_pages(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    create(&acme, to_url("crm", EventFilter::only(["lead."]))).await;
    for n in 0..7 {
        world.clock.advance(TimeDelta::seconds(1));
        taken(acme.ingest(lead(n)).await);
    }
    run(&mut acme.courier(Receiver::fine(), Guard::new())).await;
    let all = deliveries(&acme).await;
    assert!(all.len() == 7 && all.is_sorted_by_key(|row| row.id));
    let mut paged = Vec::new();
    let mut page = PageRequest { after: None, limit: 3 };
    loop {
        let got = acme.deliveries(&DeliveryFilter::default(), &page).await.unwrap();
        paged.extend(got.items);
        let Some(next) = got.next else { break };
        page.after = Some(next);
    }
    assert_eq!(paged, all);
    assert!(all.iter().all(|row| matches!(row.cause, convio_core::delivery::Cause::Event(_))));
    let events = acme.feed(convio_core::Position(0), 100).await.unwrap();
    let received = events.iter().filter(|event| matches!(event.body, EventBody::LeadReceived(_)));
    assert_eq!(received.count(), 7);
}

/// A store that loses a commit now and then, or the answer to one.
struct Flaky {
    store: Arc<dyn Store>,
    dice: Mutex<Dice>,
}

#[async_trait]
impl Store for Flaky {
    fn durability(&self) -> Durability {
        self.store.durability()
    }

    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        self.store.load(needs).await
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        let (before, after) = {
            let mut dice = self.dice.lock().unwrap();
            (dice.chance(15), dice.chance(15))
        };
        let (n, gone) = (batch.len(), convio_core::store::Fault::new("gone"));
        if before {
            return vec![Err(CommitError::Unavailable(gone)); n];
        }
        let answers = self.store.commit(batch).await;
        if after { vec![Err(CommitError::Unknown(gone)); n] } else { answers }
    }
}
convio_core::pass_on_reads!([] Flaky, |store| store.store);

pub(crate) async fn whatever_receivers_and_stores_do_nothing_is_lost(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut dice = Dice::of_this_run();
    let names = ["a", "b", "c"];
    for name in names {
        create(&acme, to_url(name, EventFilter::only(["lead.received"]))).await;
    }
    let answers = Mutex::new(dice.fork());
    let receiver = Receiver::that(move |_, _| {
        let mut dice = answers.lock().unwrap();
        match dice.below(9) {
            0 => Err(SendError::Timeout),
            1 => Err(SendError::Interrupted),
            2 => Ok(Response::new(500)),
            3 => Ok(Response::new(429).retry_after("30")),
            4 => Ok(Response::new(410)),
            5 => Ok(Response::new(302)),
            _ => Ok(Response::new(200)),
        }
    });
    let mut leads = 0;
    for _ in 0..60 {
        if dice.chance(50) {
            taken(acme.ingest(lead(leads)).await);
            leads += 1;
        }
        let flaky = Flaky { store: world.store(), dice: Mutex::new(dice.fork()) };
        let flaky = world.convio_on(Arc::new(Shared(Arc::new(flaky)))).workspace(acme.id());
        let mut courier = flaky.courier(receiver.clone(), Guard::new());
        for _ in 0..dice.below(12) {
            // What fails is left as it is: the next courier finds it.
            if matches!(courier.step().await, Ok(Step::Idle)) {
                break;
            }
        }
        world.clock.advance(TimeDelta::seconds(dice.below(7_200).try_into().unwrap()));
        if dice.chance(40) {
            acme.enable_endpoint(names[dice.index(names.len())]).await.unwrap();
        }
        for row in deliveries(&acme).await {
            let ends = (row.status.is_final(), row.ended_at.is_some(), row.next_attempt_at.is_none());
            assert!(matches!(ends, (true, true, true) | (false, false, false)), "{row:?}");
            assert!(row.attempts.len() <= ATTEMPTS_KEPT_MAX && row.tried <= row.attempts_made, "{row:?}");
        }
    }
    // Then all is well again, and whatever failed for good is sent by hand.
    let fine = Receiver::fine();
    let mut courier = acme.courier(fine.clone(), Guard::new());
    for _ in 0..30 {
        for name in names {
            acme.enable_endpoint(name).await.unwrap();
        }
        run(&mut courier).await;
        let failed = DeliveryFilter::default().with_status(DeliveryStatus::Failed);
        acme.replay_deliveries(&failed, &PageRequest::default()).await.unwrap();
        world.clock.advance(TimeDelta::days(1));
    }
    let all = deliveries(&acme).await;
    assert_eq!(all.len(), leads as usize * names.len(), "one for each lead and endpoint");
    assert!(all.iter().all(|row| row.status == DeliveryStatus::Success), "{all:?}");
    let mut arrived = receiver.ids();
    arrived.extend(fine.ids());
    assert!(all.iter().all(|row| arrived.contains(&row.id.to_string())));
    in_order(&world, &acme).await;
}
