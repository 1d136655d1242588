use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc, Weekday};
use proptest::prelude::*;

use super::{Territory, Universe, apart, check, nested, product};
use crate::routing::{Condition, Moment, RoutingRequest, Rule, Target, Window};

static FROM: LazyLock<DateTime<Utc>> = LazyLock::new(|| "2026-02-10T07:00:00Z".parse().unwrap());

/// Their bounds are on the hour, so that one instant per hour is enough.
static WINDOWS: LazyLock<Vec<Window>> = LazyLock::new(|| {
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let week = [Mon, Tue, Wed, Thu, Fri, Sat, Sun];
    let on = |days: &[Weekday], zone: &str, from: u16, to: u16| {
        Window::on(Moment::Now, days.iter().copied(), zone.parse().unwrap()).minutes(from * 60, to * 60)
    };
    vec![
        on(&week, "America/New_York", 9, 17),
        // Skipped where clocks go forward, twice where they go back.
        on(&[Sun], "America/New_York", 2, 3),
        on(&[Sun], "America/New_York", 1, 2),
        on(&[Sat, Mon], "Europe/London", 22, 6),
        on(&[Mon, Fri], "UTC", 0, 24),
        on(&week, "UTC", 14, 21),
        on(&week, "America/Phoenix", 12, 12),
        on(&[], "UTC", 0, 24),
    ]
});

static REQUESTS: LazyLock<Vec<RoutingRequest>> = LazyLock::new(|| {
    let hours = (0..366 * 24).map(|hour| *FROM + TimeDelta::hours(hour));
    let hours = apart(hours, |at| WINDOWS.iter().map(|window| window.holds(*at)).collect());
    let mut requests = Vec::new();
    for at in &hours {
        for starts_at in [None].into_iter().chain(hours.iter().copied().map(Some)) {
            requests.push(RoutingRequest {
                product: Some(product("solar")),
                at: *at,
                starts_at,
                ..Default::default()
            });
        }
    }
    requests
});

fn condition() -> impl Strategy<Value = Condition> {
    let window = (0..WINDOWS.len(), any::<bool>()).prop_map(|(n, start)| {
        let moment = if start { Moment::Start } else { Moment::Now };
        Condition::during(Window { moment, ..WINDOWS[n].clone() })
    });
    nested(window, 6, 1..4)
}

fn rule() -> impl Strategy<Value = Rule> {
    (condition(), 0..2_i32, prop::sample::select(&["x", "y"][..])).prop_map(|(when, priority, target)| {
        Rule::to(Target::team(target)).any_product().any_zip().priority(priority).when(when)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn windows_of_several_zones(rules in prop::collection::vec(rule(), 1..5)) {
        let universe = Universe {
            products: vec![product("solar")],
            territories: vec![Territory::Anywhere],
            from: *FROM,
            existing: None,
            targets: None,
        };
        check(rules, &universe, &REQUESTS);
    }
}
