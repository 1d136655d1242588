//! Answers that are heard and not obeyed further than they may: redirects, 410, 429.

use convio_core::ErrorKind;
use convio_core::chrono::TimeDelta;
use convio_core::delivery::{DeliveryFailure, DeliveryStatus, DisabledWhy, Noticed};

use crate::support::{Case, Server, assert_after, response};

#[tokio::test]
async fn a_failing_receiver_is_tried_again_by_the_schedule() {
    let server = Server::answering(response(500, "", b"out of order")).await;
    let mut case = Case::on(server.port);
    let mut delivery = case.delivery(1);
    for (n, delay) in
        [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].into_iter().enumerate()
    {
        assert_after(&delivery, case.now, delay);
        case.now = delivery.next_attempt_at.unwrap();
        let (outcome, answered) = case.attempt(&delivery).await;
        assert_eq!(outcome.unwrap().body, b"out of order");
        delivery = answered.delivery;
        assert_eq!(delivery.attempts.len(), n + 1);
        assert_eq!(answered.notices.len(), usize::from(n == 9), "the end is told");
    }
    assert_eq!(
        (delivery.status, delivery.failure),
        (DeliveryStatus::Failed, Some(DeliveryFailure::Exhausted))
    );
    let requests = server.requests();
    let ids: Vec<&str> = requests.iter().filter_map(|request| header(request, "webhook-id")).collect();
    assert_eq!(ids, vec![delivery.id.to_string(); 10], "each attempt has the same id");
    let mut times: Vec<&str> =
        requests.iter().filter_map(|request| header(request, "webhook-timestamp")).collect();
    times.dedup();
    assert_eq!(times.len(), 10, "and a signature of its own");
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let private = Server::answering(response(200, "", b"secrets of a private network")).await;
    for status in [300, 301, 302, 303, 307, 308, 399] {
        for to in [format!("http://127.0.0.1:{}/", private.port), "/elsewhere".to_owned()] {
            let server = Server::answering(response(status, &format!("location: {to}\r\n"), b"")).await;
            let mut case = Case::on(server.port);
            // Where it leads could be sent to, so that nothing but the transport keeps from it.
            case.guard = case.guard.allow_port(private.port);
            case.transport =
                deliver_http::HttpTransport::new(case.guard.clone(), deliver_http::RootCertStore::empty());
            let (_, answered) = case.answered(status).await;
            assert_eq!(answered.delivery.status, DeliveryStatus::Pending);
            assert_after(&answered.delivery, case.now, 5);
            assert_eq!(server.connections(), 1);
        }
    }
    assert_eq!(private.connections(), 0);
}

#[tokio::test]
async fn gone_disables_at_once_and_is_told() {
    let server = Server::answering(response(410, "", b"")).await;
    let mut case = Case::on(server.port);
    let (_, answered) = case.answered(410).await;
    assert_eq!(
        (answered.delivery.status, answered.delivery.failure),
        (DeliveryStatus::Failed, Some(DeliveryFailure::Gone))
    );
    let disabled = answered.disable.unwrap();
    assert_eq!((disabled.at, disabled.why), (case.now, DisabledWhy::Gone));
    let told: Vec<Noticed> = answered.notices.into_iter().map(|notice| notice.what).collect();
    let failed = Noticed::DeliveryFailed { delivery: answered.delivery.id, failure: DeliveryFailure::Gone };
    assert_eq!(told, [failed, Noticed::EndpointDisabled { why: DisabledWhy::Gone }]);
    let other = case.delivery(2).begin(case.now, &case.endpoint.disable(disabled), &case.health);
    assert_eq!(other.unwrap_err().reasons()[0].code, "disabled");
}

#[tokio::test]
async fn a_receiver_with_too_much_to_do_says_when_to_come_back() {
    let now = "Tue, 02 Mar 2027 10:10:01 GMT"; // ten minutes after the answer
    for (status, after, seconds) in [
        (429, "", 60),
        (429, "retry-after: 600\r\n", 600),
        (503, "retry-after: 999999999\r\n", 86_400),
        (429, "retry-after: soon\r\n", 60),
    ]
    .into_iter()
    .chain([(503, &*format!("retry-after: {now}\r\n"), 600)])
    {
        let server = Server::answering(response(status, after, b"")).await;
        let mut case = Case::on(server.port);
        let (_, answered) = case.answered(status).await;
        assert_after(&answered.delivery, case.now, seconds);
        assert_eq!(
            case.health.throttled_until,
            Some(case.now + TimeDelta::seconds(seconds)),
            "{status} {after}"
        );

        // Others for the same receiver wait too, and no attempt of theirs is counted.
        let other = case.delivery(2);
        assert_eq!(
            other.begin(case.now, &case.endpoint, &case.health).unwrap_err().kind(),
            ErrorKind::Overloaded
        );
        let other = other.postpone(case.health.throttled_until.unwrap()).unwrap();
        case.now += TimeDelta::seconds(seconds);
        assert_eq!((other.is_due(case.now), other.attempts_made), (true, 0));
        let (_, answered) = case.attempt(&other).await;
        assert_eq!((answered.delivery.attempts_made, server.connections()), (1, 2));
    }
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}
