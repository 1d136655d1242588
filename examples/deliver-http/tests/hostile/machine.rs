//! What days of failure make of an endpoint and of what waits for it, over real connections and with a clock that jumps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use convio_core::chrono::TimeDelta;
use convio_core::delivery::{
    ATTEMPTS_KEPT_MAX, AttemptResult, Delivery, DeliveryStatus, DisabledWhy, Health, Noticed,
    RESPONSE_KEPT_BYTES_MAX, RetrySchedule,
};

use crate::support::{Case, Server, response};

/// A receiver that answers with this status until it is another.
async fn answering_by(status: &Arc<AtomicU16>) -> Server {
    let status = status.clone();
    Server::choosing(move |_| response(status.load(Ordering::SeqCst), "", b"")).await
}

#[tokio::test]
async fn five_days_of_failures_disable_and_nothing_that_waits_is_lost() {
    let status = Arc::new(AtomicU16::new(500));
    let server = answering_by(&status).await;
    let mut case = Case::on(server.port);
    let first_failure = case.now + TimeDelta::seconds(1);

    // A new event every six hours, each tried when it is due, until the endpoint is disabled.
    let (mut waiting, mut failed, mut position) = (Vec::<Delivery>::new(), Vec::new(), 0);
    let mut next_event = case.now;
    let disabled = loop {
        if waiting
            .iter()
            .filter_map(|delivery| delivery.next_attempt_at)
            .min()
            .is_none_or(|at| at > next_event)
        {
            case.now = case.now.max(next_event);
            position += 1;
            waiting.push(case.delivery(position));
            next_event += TimeDelta::hours(6);
        }
        waiting.sort_by_key(|delivery| delivery.next_attempt_at);
        let delivery = waiting.remove(0);
        case.now = case.now.max(delivery.next_attempt_at.unwrap());
        let (_, answered) = case.attempt(&delivery).await;
        match answered.delivery.status {
            DeliveryStatus::Pending => waiting.push(answered.delivery.clone()),
            status => {
                assert_eq!(status, DeliveryStatus::Failed);
                failed.push(answered.delivery.clone());
            }
        }
        if let Some(disabled) = answered.disable {
            let told = answered.notices.last().map(|notice| notice.what);
            assert_eq!(told, Some(Noticed::EndpointDisabled { why: disabled.why }));
            break disabled;
        }
        assert!(case.now - first_failure < TimeDelta::hours(120), "it was to be disabled");
    };
    assert_eq!(disabled.why, DisabledWhy::Failing { since: first_failure });
    assert!(disabled.at - first_failure >= TimeDelta::hours(120));
    assert!(!failed.is_empty() && waiting.len() > 5, "{} failed, {} wait", failed.len(), waiting.len());

    // While it is disabled nothing is sent, whatever is due, and no attempt is counted.
    case.endpoint = case.endpoint.disable(disabled);
    let (sent, later) = (server.connections(), case.now + TimeDelta::days(30));
    for delivery in &waiting {
        let refused = delivery.begin(later, &case.endpoint, &case.health).unwrap_err();
        assert_eq!(refused.reasons()[0].code, "disabled");
    }
    assert_eq!(server.connections(), sent);

    // Enabled, what waited goes on, and what failed does by a replay: each event arrives once, under its own id.
    (case.endpoint, case.health, case.now) = (case.endpoint.enable(), Health::default(), later);
    status.store(200, Ordering::SeqCst);
    let replayed: Vec<Delivery> = failed.iter().map(|delivery| delivery.replay(later).unwrap()).collect();
    let all: Vec<&Delivery> = waiting.iter().chain(&replayed).collect();
    assert_eq!(all.len(), usize::try_from(position).unwrap(), "every event is one delivery");
    for delivery in &all {
        let (_, answered) = case.attempt(delivery).await;
        assert_eq!((answered.delivery.status, answered.delivery.id), (DeliveryStatus::Success, delivery.id));
    }
    let arrived = server.requests().split_off(sent);
    assert!(
        all.iter()
            .zip(&arrived)
            .all(|(delivery, request)| request.contains(&format!("webhook-id: {}\r\n", delivery.id)))
    );
    assert_eq!((arrived.len(), case.health.failing_since), (all.len(), None));
}

#[tokio::test]
async fn what_is_kept_of_attempts_has_a_bound() {
    let server = Server::answering(response(500, "", &vec![b'x'; 100_000])).await;
    let mut case = Case::on(server.port).with(|settings| {
        settings.retry = RetrySchedule::once();
        settings.disable_after_hours = None;
    });
    let mut delivery = case.delivery(1);
    for n in 1..=ATTEMPTS_KEPT_MAX + 5 {
        let (outcome, answered) = case.attempt(&delivery).await;
        assert!(outcome.unwrap().cut);
        assert_eq!(answered.delivery.attempts.len(), n.min(ATTEMPTS_KEPT_MAX));
        delivery = answered.delivery.replay(case.now).unwrap();
    }
    assert_eq!((delivery.attempts_made, delivery.attempts[0].number), (25, 6));
    for attempt in &delivery.attempts {
        let AttemptResult::Answered(kept) = &attempt.result else { panic!("there was a response") };
        assert_eq!((kept.body.len(), kept.cut), (RESPONSE_KEPT_BYTES_MAX, true));
    }
    let kept = serde_json::to_string(&delivery).unwrap().len();
    assert!(kept < ATTEMPTS_KEPT_MAX * (RESPONSE_KEPT_BYTES_MAX + 300), "{kept} bytes");
}
