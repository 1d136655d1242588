use proptest::prelude::*;

use super::*;

/// What may happen to a delivery.
#[derive(Debug, Clone)]
enum Op {
    Wait(i64),
    Begin,
    Answer(Outcome),
    Cancel,
    Replay,
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let status = prop::sample::select(vec![200, 204, 301, 404, 409, 410, 422, 429, 500, 503]);
    let retry_after = prop::option::of("[0-9]{1,7}|soon|Tue, 02 Mar 2027 1[0-9]:00:00 GMT");
    let response = (status, retry_after, "[a-z]{0,9}").prop_map(|(status, retry_after, body)| {
        Ok(Response { retry_after, ..Response::new(status).body(body) })
    });
    prop_oneof![3 => response, 1 => prop::sample::select(SendError::ALL.to_vec()).prop_map(Err)]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0_i64..100_000).prop_map(Op::Wait),
        6 => Just(Op::Begin),
        6 => outcome().prop_map(Op::Answer),
        1 => Just(Op::Cancel),
        1 => Just(Op::Replay),
    ]
}

fn some_endpoint() -> impl Strategy<Value = Endpoint> {
    let delays = prop::collection::vec(0_u32..2_000, 1..=ATTEMPTS_MAX);
    (delays, 0..=JITTER_PERCENT_MAX, any::<bool>()).prop_map(|(delays_seconds, jitter_percent, mapped)| {
        endpoint_with(|settings| {
            settings.retry = RetrySchedule { delays_seconds, jitter_percent };
            if mapped {
                settings.mapping = ResponseMapping::of([
                    ResponseRule::then(Verdict::Duplicate).status(409, 409),
                    ResponseRule::then(Verdict::Rejected).status(422, 422),
                ]);
            }
        })
    })
}

/// What holds of every delivery at any time.
fn holds(delivery: &Delivery, endpoint: &Endpoint) {
    let is_final = delivery.status.is_final();
    assert_eq!(delivery.ended_at.is_some(), is_final);
    assert_eq!(delivery.next_attempt_at.is_none(), is_final);
    assert!(!is_final || delivery.sending_since.is_none());
    assert_eq!(delivery.failure.is_some(), delivery.status == DeliveryStatus::Failed);
    let allowed = endpoint.settings.retry.attempts();
    assert!(delivery.tried as usize <= allowed, "{} of {allowed}", delivery.tried);
    assert!(is_final || (delivery.tried as usize) < allowed);
    assert!(delivery.attempts.len() <= ATTEMPTS_KEPT_MAX && delivery.attempts_made >= delivery.tried);
    let numbers: Vec<u32> = delivery.attempts.iter().map(|attempt| attempt.number).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    assert_eq!(numbers.last().copied().unwrap_or(0), delivery.attempts_made);
    let text = serde_json::to_string(delivery).unwrap();
    assert_eq!(&serde_json::from_str::<Delivery>(&text).unwrap(), delivery);
}

proptest! {
    #[test]
    fn whatever_happens_an_end_comes_once_and_attempts_are_bounded(
        endpoint in some_endpoint(),
        ops in prop::collection::vec(op(), 0..150),
    ) {
        let (first, mut now, mut health) = (delivery_to(&endpoint), start(), Health::default());
        let mut delivery = first.clone();
        let (mut ends, mut sent) = (0_u32, 0_u32);
        for op in ops {
            let before = delivery.clone();
            match op {
                Op::Wait(seconds) => now += TimeDelta::seconds(seconds),
                Op::Begin => match delivery.begin(now, &endpoint, &health) {
                    Ok(next) => {
                        prop_assert!(before.is_due(now) && !next.is_due(now) && !health.is_throttled(now));
                        delivery = next;
                    }
                    Err(_) => prop_assert!(!before.is_due(now) || health.is_throttled(now)),
                },
                Op::Answer(outcome) => match delivery.answered(now, &outcome, &endpoint, &health) {
                    Ok(answered) => {
                        prop_assert!(before.sending_since.is_some());
                        sent += 1;
                        prop_assert!(answered.delivery.next_attempt_at.is_none_or(|at| at >= now));
                        let gone = outcome.as_ref().is_ok_and(Response::is_gone);
                        prop_assert!(!gone || (answered.disable.is_some() && answered.delivery.status.is_final()));
                        let told = usize::from(answered.disable.is_some()) + usize::from(answered.delivery.failure.is_some());
                        prop_assert_eq!(answered.notices.len(), told);
                        (delivery, health) = (answered.delivery, answered.health);
                    }
                    Err(_) => prop_assert!(before.sending_since.is_none()),
                },
                Op::Cancel => match delivery.cancel(now) {
                    Ok(next) => delivery = next,
                    Err(_) => prop_assert!(before.status.is_final()),
                },
                Op::Replay => match delivery.replay(now) {
                    Ok(next) => delivery = next,
                    Err(_) => prop_assert!(!before.status.is_final()),
                },
            }
            ends += u32::from(!before.status.is_final() && delivery.status.is_final());
            // From one end to another there is no way but a replay.
            prop_assert!(before.status == delivery.status || before.status.may_become(delivery.status));
            holds(&delivery, &endpoint);
            prop_assert_eq!((delivery.id, delivery.cause, delivery.created_at), (first.id, first.cause, first.created_at));
            prop_assert_eq!(ends, delivery.replays + u32::from(delivery.status.is_final()));
            prop_assert_eq!(sent, delivery.attempts_made);
        }
    }

    /// Whoever does nothing but send what is due comes to an end, after no more attempts than the schedule has.
    #[test]
    fn a_delivery_that_is_driven_ends(endpoint in some_endpoint(), outcomes in prop::collection::vec(outcome(), ATTEMPTS_MAX)) {
        let (mut delivery, mut health, mut now) = (delivery_to(&endpoint), Health::default(), start());
        for outcome in outcomes {
            let Some(next) = delivery.next_attempt_at else { break };
            now = now.max(next).max(health.throttled_until.unwrap_or(now));
            let answered = sent(&delivery, now, &outcome, &endpoint, &health);
            (delivery, health, now) = (answered.delivery, answered.health, now + TimeDelta::seconds(1));
        }
        prop_assert!(delivery.status.is_final());
        prop_assert!(delivery.attempts_made as usize <= endpoint.settings.retry.attempts());
    }

    #[test]
    fn no_time_is_a_reason_to_panic(
        outcome in outcome(),
        now in prop::sample::select(vec![DateTime::<Utc>::MIN_UTC, start(), DateTime::<Utc>::MAX_UTC]),
        later in prop::sample::select(vec![DateTime::<Utc>::MIN_UTC, start(), DateTime::<Utc>::MAX_UTC]),
    ) {
        let endpoint = endpoint_with(|_| {});
        let delivery = Delivery::new(Cause::Event(Position(7)), "lead.received", &endpoint, now, now);
        let health = Health { failing_since: Some(start()), ..Health::default() };
        let sending = delivery.begin(now, &endpoint, &health).unwrap();
        let answered = sending.answered(later, &outcome, &endpoint, &health).unwrap();
        prop_assert!(answered.delivery.next_attempt_at.is_none_or(|at| at >= later));
    }
}

/// Which transitions there are, one by one.
#[test]
fn transitions() {
    for from in DeliveryStatus::ALL {
        assert_eq!(DeliveryStatus::from_code(from.code()), Some(from));
        for to in DeliveryStatus::ALL {
            let legal = (from == DeliveryStatus::Pending) != (to == DeliveryStatus::Pending);
            assert_eq!(from.transition(to).is_ok(), legal, "{from:?} {to:?}");
        }
    }
}
