use super::*;
use crate::error::ErrorKind;
use crate::id::EndpointId;

const HOUR: i64 = 3_600;

fn ok() -> Outcome {
    Ok(Response::new(200))
}

fn status(status: u16) -> Outcome {
    Ok(Response::new(status))
}

/// The wait in seconds before the next attempt, without jitter.
fn wait(endpoint: &Endpoint, outcome: Outcome) -> i64 {
    let delivery = delivery_to(endpoint).begin(start(), endpoint, &Health::default()).unwrap();
    let answered = delivery.answered(start(), &outcome, endpoint, &Health::default()).unwrap();
    (answered.delivery.next_attempt_at.unwrap() - start()).num_seconds()
}

#[test]
fn a_delivery_that_comes_through_is_at_its_end() {
    let endpoint = endpoint_with(|_| {});
    let delivery = delivery_to(&endpoint);
    assert!(delivery.is_due(start()) && !delivery.is_lost(start()));
    let answered = sent(&delivery, start(), &status(204), &endpoint, &Health::default());
    let done = answered.delivery;
    assert_eq!((done.status, done.failure, done.ended_at), (DeliveryStatus::Success, None, Some(after(1))));
    assert_eq!((done.next_attempt_at, done.sending_since), (None, None));
    assert_eq!((answered.disable, answered.notices), (None, vec![]));
    assert_eq!(answered.health.succeeded_at, Some(after(1)));
    let [attempt] = done.attempts.as_slice() else { panic!("one attempt") };
    assert_eq!((attempt.number, attempt.at, attempt.duration_ms), (1, start(), 1_000));
    assert_eq!((attempt.result.status(), attempt.verdict), (Some(204), Verdict::Accepted));
}

#[test]
fn each_error_and_each_status_of_failure_is_tried_again() {
    let endpoint = endpoint_with(|settings| settings.retry.jitter_percent = 0);
    for error in SendError::ALL {
        assert_eq!(wait(&endpoint, Err(error)), 5, "{error}");
    }
    for code in [100, 199, 300, 301, 302, 307, 308, 400, 401, 404, 409, 422, 500, 501, 505, 599, 0, 999] {
        assert_eq!(wait(&endpoint, status(code)), 5, "{code}");
    }
}

#[test]
fn a_receiver_with_too_much_to_do_is_left_alone() {
    let endpoint = endpoint_with(|settings| settings.retry.jitter_percent = 0);
    for code in [429, 502, 503, 504] {
        assert_eq!(wait(&endpoint, status(code)), 60, "{code}");
        assert_eq!(wait(&endpoint, Ok(Response::new(code).retry_after("1"))), 60);
        assert_eq!(wait(&endpoint, Ok(Response::new(code).retry_after("600"))), 600);
        assert_eq!(
            wait(&endpoint, Ok(Response::new(code).retry_after("Tue, 02 Mar 2027 10:02:00 GMT"))),
            120
        );
        assert_eq!(wait(&endpoint, Ok(Response::new(code).retry_after("1000000"))), 86_400);
    }
    assert_eq!(wait(&endpoint, Ok(Response::new(500).retry_after("600"))), 600, "whoever asks is heard");
    assert_eq!(wait(&endpoint, Ok(Response::new(500).retry_after("1"))), 5, "no earlier than the schedule");

    let busy = sent(&delivery_to(&endpoint), start(), &status(429), &endpoint, &Health::default());
    assert_eq!(busy.health.throttled_until, Some(after(61)));
    let other = Delivery::new(Cause::Event(Position(8)), "lead.received", &endpoint, start(), start());
    let error = other.begin(after(2), &endpoint, &busy.health).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert!(other.begin(after(61), &endpoint, &busy.health).is_ok());
    let later = other.postpone(after(61)).unwrap();
    assert!(!later.is_due(after(60)) && later.is_due(after(61)) && later.attempts_made == 0);
    assert_eq!(later.postpone(after(9)).unwrap(), later, "never to an earlier time");
    let sending = later.begin(after(61), &endpoint, &busy.health).unwrap();
    assert_eq!(sending.postpone(after(99)).unwrap_err().kind(), ErrorKind::Conflict);
    assert!(later.cancel(after(9)).unwrap().postpone(after(99)).is_err());
    let slow = sent(&delivery_to(&endpoint), start(), &status(500), &endpoint, &Health::default());
    assert!(!slow.health.is_throttled(after(1)), "a failure alone holds nothing else up");
}

#[test]
fn the_last_attempt_that_fails_ends_it_and_is_told() {
    let endpoint = endpoint_with(|settings| settings.retry.delays_seconds = vec![0, 1, 1]);
    let (mut delivery, mut health) = (delivery_to(&endpoint), Health::default());
    for n in 1..=3 {
        assert_eq!(delivery.status, DeliveryStatus::Pending);
        let answered = sent(&delivery, after(n * 10), &Err(SendError::Timeout), &endpoint, &health);
        assert_eq!(answered.notices.len(), usize::from(n == 3));
        (delivery, health) = (answered.delivery, answered.health);
        if n == 3 {
            let failed =
                Noticed::DeliveryFailed { delivery: delivery.id, failure: DeliveryFailure::Exhausted };
            let notice =
                Notice { workspace: endpoint.workspace, endpoint: endpoint.id, at: after(31), what: failed };
            assert_eq!(answered.notices, [notice]);
        }
    }
    assert_eq!(
        (delivery.status, delivery.failure),
        (DeliveryStatus::Failed, Some(DeliveryFailure::Exhausted))
    );
    assert_eq!((health.failures, health.failing_since), (3, Some(after(11))));
}

#[test]
fn gone_disables_the_endpoint_at_once() {
    let endpoint = endpoint_with(|_| {});
    let answered = sent(&delivery_to(&endpoint), start(), &status(410), &endpoint, &Health::default());
    assert_eq!(answered.delivery.failure, Some(DeliveryFailure::Gone));
    let disabled = Disabled { at: after(1), why: DisabledWhy::Gone };
    assert_eq!(answered.disable, Some(disabled.clone()));
    assert_eq!(answered.notices.len(), 2);
    let endpoint = endpoint.disable(disabled);
    let other = Delivery::new(Cause::Event(Position(8)), "lead.received", &endpoint, start(), start());
    assert_eq!(other.begin(after(2), &endpoint, &answered.health).unwrap_err().reasons()[0].code, "disabled");
    assert!(other.begin(after(2), &endpoint.enable(), &Health::default()).is_ok(), "what waited is due");

    // A mapping ends the delivery otherwise, and disables the endpoint no less.
    let mapped = endpoint_with(|settings| {
        settings.mapping = ResponseMapping::of([ResponseRule::then(Verdict::Rejected).status(400, 499)]);
    });
    let answered = sent(&delivery_to(&mapped), start(), &status(410), &mapped, &Health::default());
    assert_eq!((answered.delivery.status, answered.notices.len()), (DeliveryStatus::Rejected, 1));
    assert_eq!(answered.disable.map(|disabled| disabled.why), Some(DisabledWhy::Gone));
}

#[test]
fn an_endpoint_that_fails_for_five_days_is_disabled_and_one_success_begins_them_anew() {
    let endpoint = endpoint_with(|_| {});
    let fail = |health: &Health, seconds| {
        let delivery = Delivery::new(Cause::Event(Position(9)), "lead.received", &endpoint, start(), start());
        sent(&delivery, after(seconds), &status(500), &endpoint, health)
    };
    let first = fail(&Health::default(), 0);
    let still = fail(&first.health, 120 * HOUR - 1);
    assert_eq!((still.disable, still.health.failures), (None, 2));
    let over = fail(&first.health, 120 * HOUR);
    let why = DisabledWhy::Failing { since: after(1) };
    assert_eq!(over.disable, Some(Disabled { at: after(120 * HOUR + 1), why }));
    assert_eq!(over.notices.len(), 1);
    assert_eq!(over.delivery.status, DeliveryStatus::Pending, "it waits for the endpoint");

    let good = sent(&delivery_to(&endpoint), after(60 * HOUR), &ok(), &endpoint, &first.health);
    assert_eq!(fail(&good.health, 120 * HOUR).disable, None);
    let lost = delivery_to(&endpoint).begin(start(), &endpoint, &first.health).unwrap();
    let lost = lost.answered(after(500 * HOUR), &Err(SendError::Lost), &endpoint, &first.health).unwrap();
    assert_eq!(
        (lost.disable, &lost.health),
        (None, &first.health),
        "what the sender lost is not the receiver's fault"
    );

    let never = endpoint_with(|settings| settings.disable_after_hours = None);
    let answered = sent(&delivery_to(&never), after(9_999 * HOUR), &status(500), &never, &first.health);
    assert_eq!(answered.disable, None);
    let already = endpoint.disable(Disabled { at: after(0), why: DisabledWhy::Gone });
    let sending = delivery_to(&endpoint).begin(after(120 * HOUR), &endpoint, &first.health).unwrap();
    let answered = sending.answered(after(121 * HOUR), &status(500), &already, &first.health).unwrap();
    assert_eq!((answered.disable, answered.notices), (None, vec![]), "once is enough");
}

#[test]
fn what_the_mapping_refuses_is_at_its_end_and_no_failure_of_the_receiver() {
    let endpoint = endpoint_with(|settings| {
        settings.mapping = ResponseMapping::of([
            ResponseRule::then(Verdict::Duplicate).body_contains("duplicate"),
            ResponseRule::then(Verdict::Rejected).status(422, 422),
            ResponseRule::then(Verdict::Retry).status(202, 202),
        ]);
    });
    let failing = Health { failing_since: Some(start()), failures: 3, ..Health::default() };
    for (outcome, to) in [
        (Ok(Response::new(422)), DeliveryStatus::Rejected),
        (Ok(Response::new(200).body("Duplicate lead")), DeliveryStatus::Duplicate),
        (Ok(Response::new(202)), DeliveryStatus::Pending),
    ] {
        let answered = sent(&delivery_to(&endpoint), start(), &outcome, &endpoint, &failing);
        assert_eq!(answered.delivery.status, to);
        assert_eq!(answered.health.failing_since.is_none(), to.is_final());
        assert_eq!(answered.notices, []);
    }
}

#[test]
fn nobody_else_sends_what_is_being_sent() {
    let endpoint = endpoint_with(|settings| settings.timeout_seconds = 20);
    let health = Health::default();
    let sending = delivery_to(&endpoint).begin(start(), &endpoint, &health).unwrap();
    for seconds in [0, 20, 49] {
        assert!(!sending.is_due(after(seconds)) && !sending.is_lost(after(seconds)));
        assert_eq!(
            sending.begin(after(seconds), &endpoint, &health).unwrap_err().kind(),
            ErrorKind::Conflict
        );
    }
    assert!(sending.is_lost(after(50)) && !sending.is_due(after(50)));
    assert!(sending.begin(after(50), &endpoint, &health).is_err(), "it is answered as lost first");
    let lost = sending.answered(after(50), &Err(SendError::Lost), &endpoint, &health).unwrap().delivery;
    assert_eq!((lost.tried, lost.attempts[0].duration_ms), (1, 50_000));
    // Whoever was slow changes nothing any more.
    assert_eq!(lost.answered(after(51), &ok(), &endpoint, &health).unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn a_step_that_is_not_legal_is_refused_and_named() {
    let endpoint = endpoint_with(|_| {});
    let health = Health::default();
    let fresh = delivery_to(&endpoint);
    let keys = endpoint.signing.keys(start(), &|_| None).unwrap();
    let conflict = |error: crate::Error| {
        assert_eq!(error.kind(), ErrorKind::Conflict);
        error.to_string()
    };
    assert_eq!(
        conflict(fresh.answered(start(), &ok(), &endpoint, &health).unwrap_err()),
        "the delivery is not being sent"
    );
    assert!(fresh.request(start(), &endpoint, &keys, &Guard::new(), vec![]).is_err());
    let early = fresh.begin(after(-1), &endpoint, &health).unwrap_err();
    assert_eq!(conflict(early), "a delivery can't be sent before its time");
    assert_eq!(
        conflict(fresh.replay(start()).unwrap_err()),
        "a delivery can't go from `pending` to `pending`"
    );

    let done = sent(&fresh, start(), &ok(), &endpoint, &health).delivery;
    assert_eq!(
        conflict(done.begin(after(9), &endpoint, &health).unwrap_err()),
        "a delivery can't be sent after `success`"
    );
    assert_eq!(
        conflict(done.cancel(after(9)).unwrap_err()),
        "a delivery can't go from `success` to `cancelled`"
    );
    let cancelled = fresh.begin(start(), &endpoint, &health).unwrap().cancel(after(1)).unwrap();
    assert_eq!(
        conflict(cancelled.answered(after(2), &ok(), &endpoint, &health).unwrap_err()),
        "the delivery is not being sent"
    );

    let other = Endpoint { id: EndpointId::from_uuid(uuid::Uuid::nil()), ..endpoint.clone() };
    assert_eq!(fresh.begin(start(), &other, &health).unwrap_err().kind(), ErrorKind::Bug);
    let inactive =
        Endpoint { settings: EndpointSettings { active: false, ..endpoint.settings.clone() }, ..endpoint };
    assert_eq!(fresh.begin(start(), &inactive, &health).unwrap_err().reasons()[0].code, "inactive");
}

#[test]
fn a_replay_is_the_same_to_its_receiver() {
    let endpoint = endpoint_with(|_| {});
    let keys = endpoint.signing.keys(start(), &|_| None).unwrap();
    let request = |delivery: &Delivery, now| {
        let sending = delivery.begin(now, &endpoint, &Health::default()).unwrap();
        sending.request(now, &endpoint, &keys, &Guard::new(), b"{}".to_vec()).unwrap()
    };
    let first = delivery_to(&endpoint);
    let done = sent(&first, start(), &ok(), &endpoint, &Health::default()).delivery;
    let again = done.replay(after(100)).unwrap();
    assert_eq!(
        (again.status, again.replays, again.tried, again.attempts_made),
        (DeliveryStatus::Pending, 1, 0, 1)
    );
    assert!(again.is_due(after(100)) && again.ended_at.is_none());
    let (one, two) = (request(&first, start()), request(&again, after(100)));
    assert_eq!(one.header("webhook-id"), two.header("webhook-id"));
    assert_eq!(one.header("webhook-id"), Some(first.id.to_string().as_str()));
    assert_ne!(one.header("webhook-timestamp"), two.header("webhook-timestamp"));
    assert_ne!(one.header("webhook-signature"), two.header("webhook-signature"));
    let second = sent(&again, after(100), &ok(), &endpoint, &Health::default()).delivery;
    assert_eq!(second.attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_request_is_what_the_guard_and_the_settings_say() {
    let endpoint = endpoint_with(|settings| settings.to = url("https://HOOKS.example.com:443/s3cret"));
    let keys = endpoint.signing.keys(start(), &|_| None).unwrap();
    let sending = delivery_to(&endpoint).begin(start(), &endpoint, &Health::default()).unwrap();
    let send = |endpoint: &Endpoint, body| sending.request(start(), endpoint, &keys, &Guard::new(), body);
    let request = send(&endpoint, b"s3cret".to_vec()).unwrap();
    assert_eq!((request.method, request.url.expose()), ("POST", "https://hooks.example.com/s3cret"));
    assert_eq!(request.timeout.as_secs(), 15);
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("webhook-timestamp"), Some("1803981600"));
    assert!(!format!("{request:?} {endpoint:?} {sending:?}").contains("s3cret"));
    assert!(!format!("{endpoint:?}").contains("whsec_"));

    // What was allowed when it was saved is refused when it is sent, if it is allowed no more.
    let mut local = endpoint.clone();
    local.settings.to = url("https://localhost/");
    let error = send(&local, vec![0; BODY_BYTES_MAX + 1]).unwrap_err();
    let fields: Vec<&str> = error.reasons().iter().map(|reason| reason.field.as_str()).collect();
    assert_eq!((error.kind(), fields), (ErrorKind::Invalid, vec!["url", "body"]));
}

#[test]
fn what_receivers_sent_back_can_be_forgotten() {
    let endpoint = endpoint_with(|_| {});
    let echo = Ok(Response::new(500).body("Ana Lima"));
    let delivery = sent(&delivery_to(&endpoint), start(), &echo, &endpoint, &Health::default()).delivery;
    assert!(serde_json::to_string(&delivery).unwrap().contains("Ana Lima"));
    let forgot = delivery.without_bodies();
    assert!(!serde_json::to_string(&forgot).unwrap().contains("Ana Lima"));
    let AttemptResult::Answered(kept) = &forgot.attempts[0].result else { panic!("there was a response") };
    assert_eq!((kept.status, kept.cut), (500, true));
}
