use chrono::{Days, TimeDelta};
use proptest::prelude::*;

use super::*;

const ZONES: [&str; 12] = [
    "UTC",
    "America/New_York",
    "America/Los_Angeles",
    "America/Phoenix",
    "America/St_Johns",
    "America/Havana",
    "Europe/Dublin",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Pacific/Chatham",
];

fn zone(name: &str) -> Zone {
    Zone::parse(name).unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn wall(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

#[test]
fn names_are_found_in_any_case_and_only_names() {
    assert_eq!(zone(" america/LOS_angeles ").name(), "America/Los_Angeles");
    assert_eq!(zone("utc"), Zone::UTC);
    assert_eq!(Zone::utc().name(), "UTC");
    assert_ne!(zone("America/Chicago"), zone("US/Central"));
    for name in [
        "",
        "PST",
        "+02:00",
        "UTC+2",
        "Factory",
        "Etc/Unknown",
        "America",
        "/etc/localtime",
        "PST8PDT,M3.2.0",
    ] {
        assert!(Zone::parse(name).is_err(), "{name}");
    }
    let long = Zone::parse(&"x".repeat(1_000)).unwrap_err();
    assert_eq!(long.to_string().len(), "time zone `` is not known".len() + NAME_CHARS_SHOWN);
}

#[test]
fn a_skipped_time_moves_forward() {
    // 2026-03-08, 02:00 PST -> 03:00 PDT.
    let la = zone("America/Los_Angeles");
    for (text, at, shifted) in [
        ("2026-03-08T01:59:59", "2026-03-08T09:59:59Z", None),
        ("2026-03-08T02:00:00", "2026-03-08T10:00:00Z", Some(Shift::Gap)),
        ("2026-03-08T02:59:59.5", "2026-03-08T10:59:59.5Z", Some(Shift::Gap)),
        ("2026-03-08T03:00:00", "2026-03-08T10:00:00Z", None),
    ] {
        assert_eq!(la.local(wall(text)), LocalInstant { at: utc(at), shifted }, "{text}");
    }
}

#[test]
fn of_a_repeated_time_the_first_is_meant() {
    // 2026-11-01, 02:00 PDT -> 01:00 PST.
    let la = zone("America/Los_Angeles");
    for (text, at, shifted) in [
        ("2026-11-01T00:59:59", "2026-11-01T07:59:59Z", None),
        ("2026-11-01T01:00:00", "2026-11-01T08:00:00Z", Some(Shift::Fold)),
        ("2026-11-01T01:59:59", "2026-11-01T08:59:59Z", Some(Shift::Fold)),
        ("2026-11-01T02:00:00", "2026-11-01T10:00:00Z", None),
    ] {
        assert_eq!(la.local(wall(text)), LocalInstant { at: utc(at), shifted }, "{text}");
    }
    assert_eq!(la.wall(utc("2026-11-01T09:30:00Z")), wall("2026-11-01T01:30:00"));
}

#[test]
fn days_have_23_24_and_25_hours() {
    let new_york = zone("America/New_York");
    for (day, hours) in [("2026-03-07", 24), ("2026-03-08", 23), ("2026-11-01", 25), ("2026-11-02", 24)] {
        let day: NaiveDate = day.parse().unwrap();
        let start = new_york.local(day.into()).at;
        let end = new_york.local((day + Days::new(1)).into()).at;
        assert_eq!(end - start, TimeDelta::hours(hours), "{day}");
        for at in [start, end - TimeDelta::nanoseconds(1)] {
            assert_eq!(new_york.day_of(at), day);
        }
        assert_eq!(new_york.day_of(end), day + Days::new(1));
    }
}

#[test]
fn a_day_may_begin_late_where_midnight_is_skipped() {
    let havana = zone("America/Havana");
    let start = havana.local(wall("2026-03-08T00:00:00"));
    assert_eq!(start, LocalInstant { at: utc("2026-03-08T05:00:00Z"), shifted: Some(Shift::Gap) });
    assert_eq!(havana.wall(start.at), wall("2026-03-08T01:00:00"));
}

#[test]
fn zones_far_from_utc_have_their_own_day() {
    let at = utc("2026-06-30T10:30:00Z");
    for (name, text) in [
        ("Pacific/Kiritimati", "2026-07-01T00:30:00"),
        ("Pacific/Pago_Pago", "2026-06-29T23:30:00"),
        ("Asia/Kathmandu", "2026-06-30T16:15:00"),
        ("America/St_Johns", "2026-06-30T08:00:00"),
        ("America/Phoenix", "2026-06-30T03:30:00"),
        ("Australia/Lord_Howe", "2026-06-30T21:00:00"),
    ] {
        assert_eq!(zone(name).wall(at), wall(text), "{name}");
        assert_eq!(zone(name).day_of(at), wall(text).date(), "{name}");
    }
}

#[test]
fn the_ends_of_time_do_not_panic() {
    for name in ZONES {
        let zone = zone(name);
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            let _ = (zone.wall(at), zone.day_of(at), zone.local(at.naive_utc()));
        }
        for year in [-20_000, -9_999, 9_999, 20_000] {
            let noon = NaiveDate::from_ymd_opt(year, 7, 1).unwrap().and_hms_opt(12, 0, 0).unwrap();
            assert_eq!(zone.wall(zone.local(noon).at), noon, "{name} {year}");
        }
    }
}

#[test]
fn a_leap_second_keeps_its_place() {
    let leap = wall("2016-12-31T18:59:60.5");
    let local = zone("America/New_York").local(leap);
    assert_eq!(local.at.naive_utc(), wall("2016-12-31T23:59:60.5"));
    assert_eq!(zone("America/New_York").wall(local.at), leap);
}

#[test]
fn serialised_as_its_name() {
    let json = serde_json::to_string(&zone("Europe/Dublin")).unwrap();
    assert_eq!(json, r#""Europe/Dublin""#);
    assert_eq!(serde_json::from_str::<Zone>(&json).unwrap(), zone("Europe/Dublin"));
    assert!(serde_json::from_str::<Zone>(r#""Nowhere""#).is_err());
}

proptest! {
    #[test]
    fn wall_and_local_undo_each_other(name in prop::sample::select(&ZONES[..]), second in 0_i64..4_102_444_800, nano in 0_u32..1_000_000_000) {
        let (zone, at) = (zone(name), DateTime::from_timestamp(second, nano).unwrap());
        let local = zone.local(zone.wall(at));
        match local.shifted {
            None => prop_assert_eq!(local.at, at),
            // A wall time that was shown is in no gap; of a fold the first is meant.
            Some(Shift::Fold) => prop_assert!(local.at <= at && at - local.at <= TimeDelta::hours(2)),
            Some(Shift::Gap) => prop_assert!(false, "{} {}", name, at),
        }
        prop_assert_eq!(zone.wall(local.at), zone.wall(at));
    }

    #[test]
    fn local_agrees_with_the_compatible_rule(name in prop::sample::select(&ZONES[..]), hour in 0_i64..=24 * 366, quarter in 0_i64..4) {
        let wall = wall("2026-01-01T00:00:00") + TimeDelta::minutes(60 * hour + 15 * quarter);
        let zone = zone(name);
        let local = zone.local(wall);
        let theirs = zone.0.to_ambiguous_timestamp(civil_time(wall).unwrap()).compatible().unwrap();
        prop_assert_eq!(local.at.timestamp(), theirs.as_second());
        prop_assert_eq!(local.shifted == Some(Shift::Gap), zone.wall(local.at) != wall);
    }

    #[test]
    fn no_name_panics(name: String) {
        let _ = Zone::parse(&name);
    }
}
