//! APT-4: civil times around changes of clocks against Python's `zoneinfo`; `scripts/dst-vectors` made the answers.

use std::collections::BTreeMap;

use convio_core::Schedule;
use convio_core::chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use convio_core::zone::{LocalInstant, Shift, Zone};

#[test]
fn civil_times_are_the_instants_that_zoneinfo_says() {
    let mut seen: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for [name, wall, fold0, fold1, comes, instant, shown] in rows(include_str!("data/dst_walls.csv")) {
        let case = format!("{name} {wall}");
        let zone = Zone::parse(name).unwrap();
        let (early, late, at, shown) = (utc(fold0), utc(fold1), utc(instant), civil(shown));
        let shifted = match comes {
            "once" => None,
            "skipped" => Some(Shift::Gap),
            "twice" => Some(Shift::Fold),
            _ => panic!("{case}: {comes}"),
        };
        *seen.entry((name, comes)).or_default() += 1;

        assert_eq!(zone.local(civil(wall)), LocalInstant { at, shifted }, "{case}");
        assert_eq!(zone.wall(at), shown, "{case}");
        let wanted = Schedule { starts_at: at, zone: zone.clone(), wall: shown, minutes: 60, shifted };
        let schedule = Schedule::local(wall, name).unwrap();
        assert_eq!(schedule, wanted, "{case}");
        assert_eq!(schedule.ends_at(), at + TimeDelta::hours(1), "{case}");
        assert_eq!(schedule.drift(), None, "{case}");

        // The earlier of two, and of a skipped time the later: the one that is read with the offset before the change.
        assert_eq!(at, early, "{case}");
        match shifted {
            None => assert_eq!((early, shown), (late, civil(wall)), "{case}"),
            Some(Shift::Gap) => assert!(late < early && shown > civil(wall), "{case}"),
            Some(Shift::Fold) => {
                assert!(late > early && shown == civil(wall), "{case}");
                // The second one can be asked for by its instant, and shows the same time.
                let second = Schedule::at(late, &zone);
                assert_eq!(
                    (second.starts_at, second.wall, second.shifted),
                    (late, civil(wall), None),
                    "{case}"
                );
                assert_eq!(second.drift(), None, "{case}");
            }
        }
    }
    // Four changes each, two of them forward: an hour of quarters, on Lord Howe half an hour.
    let of = |name, comes| seen.get(&(name, comes)).copied().unwrap_or_default();
    for (name, shifted) in
        [("America/New_York", 8), ("Europe/Berlin", 8), ("Australia/Lord_Howe", 4), ("America/Phoenix", 0)]
    {
        let counts = ["once", "skipped", "twice"].map(|comes| of(name, comes));
        assert_eq!(counts, [4 * 49 - 2 * shifted, shifted, shifted], "{name}");
    }
}

#[test]
fn instants_show_the_civil_times_that_zoneinfo_says() {
    let mut count = 0;
    for [name, instant, wall] in rows(include_str!("data/dst_instants.csv")) {
        let (zone, at, wall) = (Zone::parse(name).unwrap(), utc(instant), civil(wall));
        assert_eq!(zone.wall(at), wall, "{name} {instant}");
        assert_eq!(zone.day_of(at), wall.date(), "{name} {instant}");
        let wanted = Schedule { starts_at: at, zone: zone.clone(), wall, minutes: 60, shifted: None };
        let schedule = Schedule::at(at, &zone);
        assert_eq!(schedule, wanted, "{name} {instant}");
        assert_eq!(schedule.drift(), None, "{name} {instant}");
        count += 1;
    }
    assert_eq!(count, 4 * 4 * 49);
}

/// The rows of a file, each with all its columns.
fn rows<const N: usize>(csv: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    csv.lines().skip(1).map(|line| {
        let fields: Vec<_> = line.split(',').collect();
        fields.try_into().unwrap_or_else(|fields| panic!("{fields:?}"))
    })
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn civil(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}
