use proptest::prelude::*;

use super::*;
use crate::id::DeliveryId;

#[test]
fn retry_after_is_read_in_every_form_of_http() {
    let now: DateTime<Utc> = "1994-11-06T08:49:07Z".parse().unwrap();
    for (header, seconds) in [
        ("0", Some(0)),
        (" 7 ", Some(7)),
        ("86400", Some(86_400)),
        ("86401", Some(86_400)),
        ("4294967296", Some(86_400)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", Some(30)),
        ("Sun Nov  6 08:49:37 1994", Some(30)),
        ("Sun, 06 Nov 1994 08:49:06 GMT", Some(0)),
        ("Sun, 06 Nov 2094 08:49:37 GMT", None),
        ("Sat, 06 Nov 2094 08:49:37 GMT", Some(86_400)),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("Sun, 06 Nov 1994 08:49:37 +0100", None),
        ("٣", None),
    ] {
        assert_eq!(retry_after_seconds(header, now), seconds, "{header}");
    }
    let begun = now + TimeDelta::milliseconds(1);
    assert_eq!(retry_after_seconds("Sun, 06 Nov 1994 08:49:37 GMT", begun), Some(30));
}

#[test]
fn the_default_schedule_ends_after_a_little_more_than_three_days() {
    let schedule = RetrySchedule { jitter_percent: 0, ..RetrySchedule::default() };
    let id = delivery_to(&endpoint_with(|_| {})).id;
    let mut now = start();
    for n in 0..schedule.attempts() {
        now = schedule.at(n, now, 0, id, 0).unwrap();
    }
    // Standard Webhooks 1.0.0: "75:35:05" since the start.
    assert_eq!((now - start()).num_seconds(), 75 * 3_600 + 35 * 60 + 5);
}

#[test]
fn a_schedule_with_anything_wrong_says_so() {
    let of = |delays: Vec<u32>| RetrySchedule { delays_seconds: delays, jitter_percent: 0 }.check().len();
    assert_eq!(of(vec![0]), 0);
    assert_eq!(of(vec![DELAY_SECONDS_MAX; ATTEMPTS_MAX]), 0);
    assert_eq!(of(vec![0; ATTEMPTS_MAX + 1]), 1);
    assert_eq!(of(vec![DELAY_SECONDS_MAX + 1]), 1);
    assert_eq!(RetrySchedule::once().attempts(), 1);
}

proptest! {
    #[test]
    fn an_attempt_is_in_its_bounds_and_the_same_when_asked_again(
        delay in 0..=DELAY_SECONDS_MAX,
        jitter_percent in 0..=JITTER_PERCENT_MAX,
        seconds_min in 0..=RETRY_AFTER_SECONDS_MAX,
        id in any::<u128>(),
        count in any::<u32>(),
    ) {
        let id = DeliveryId::from_uuid(uuid::Uuid::from_u128(id));
        let schedule = RetrySchedule { delays_seconds: vec![delay], jitter_percent };
        let at = schedule.at(0, start(), seconds_min, id, count).unwrap();
        let wait = (at - start()).num_milliseconds();
        let least = i64::from(delay.max(seconds_min)) * 1_000;
        prop_assert!((least..=least + least * i64::from(jitter_percent) / 100).contains(&wait));
        prop_assert_eq!(schedule.at(0, start(), seconds_min, id, count), Some(at));
        prop_assert_eq!(schedule.at(1, start(), seconds_min, id, count), None);
    }

    #[test]
    fn no_time_and_no_setting_is_a_reason_to_panic(
        delays_seconds in prop::collection::vec(any::<u32>(), 0..3),
        jitter_percent in any::<u8>(),
        seconds_min in any::<u32>(),
        header in "\\PC{0,40}",
    ) {
        let schedule = RetrySchedule { delays_seconds, jitter_percent };
        let id = DeliveryId::from_uuid(uuid::Uuid::nil());
        for now in [DateTime::<Utc>::MIN_UTC, start(), DateTime::<Utc>::MAX_UTC] {
            prop_assert!(schedule.at(0, now, seconds_min, id, 0).is_none_or(|at| at >= now));
            let _ = retry_after_seconds(&header, now);
            let _ = retry_after_seconds("Sun, 06 Nov 1994 08:49:37 GMT", now);
        }
    }
}

/// Deliveries that failed together do not come back together.
#[test]
fn jitter_spreads() {
    let schedule = RetrySchedule { delays_seconds: vec![1_000], jitter_percent: 10 };
    let ids = SequentialIds::seeded(1);
    let mut seconds = [0; 101];
    for _ in 0..10_100 {
        let at = schedule.at(0, start(), 0, DeliveryId::new(&ids, start()), 1).unwrap();
        seconds[usize::try_from((at - start()).num_seconds() - 1_000).unwrap()] += 1;
    }
    assert!(seconds[..100].iter().all(|count| (50..=160).contains(count)), "{seconds:?}");
}
