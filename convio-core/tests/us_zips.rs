//! The table of US ZIP codes against what `scripts/us-zips` worked out from the file that it was made of, by another formula.
#![cfg(feature = "us-zips")]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use convio_core::PostalCode;
use convio_core::routing::ZipSet;
use convio_core::routing::us_zips::{self, Point, Radius, UsZip, UsZipError};
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
struct Expected {
    rows: usize,
    active: usize,
    without_point: usize,
    states: usize,
    sha256: String,
    within: Vec<Circle>,
    distances: Vec<Distance>,
}

#[derive(Deserialize, Debug)]
struct Circle {
    zip: Option<String>,
    point: Option<(f64, f64)>,
    radius: f64,
    unit: String,
    count: usize,
    sha256: String,
}

#[derive(Deserialize)]
struct Distance {
    from: String,
    to: String,
    km: f64,
}

fn expected() -> Expected {
    serde_json::from_str(include_str!("data/us_zips.json")).unwrap()
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn code(text: &str) -> PostalCode {
    PostalCode::parse(text).unwrap()
}

fn point_of(zip: &str) -> Point {
    us_zips::find(&code(zip)).unwrap().point.unwrap()
}

fn codes(set: &ZipSet) -> Vec<String> {
    assert_eq!(set.refused(), []);
    set.patterns().iter().map(ToString::to_string).collect()
}

#[test]
fn the_table_says_what_its_file_says() {
    let expected = expected();
    let all: Vec<UsZip> = us_zips::all().collect();
    let units = |degrees: f64| (degrees * 10_000.0).round() as i32;
    let lines = all.iter().map(|zip| {
        let (lat, lon) = zip.point.map_or((0, 0), |it| (units(it.latitude()), units(it.longitude())));
        format!("{} {} {} {lat} {lon}\n", zip.code, zip.state, u8::from(zip.is_active))
    });
    assert_eq!(sha256(&lines.collect::<String>()), expected.sha256);
    let states: BTreeSet<&str> = all.iter().map(|zip| zip.state).collect();
    assert_eq!((all.len(), states.len()), (expected.rows, expected.states));
    assert_eq!(all.iter().filter(|zip| zip.is_active).count(), expected.active);
    assert_eq!(all.iter().filter(|zip| zip.point.is_none()).count(), expected.without_point);
    // Each is found, and nothing else is.
    let mut listed = all.iter().peekable();
    for number in 0..100_000 {
        let code = code(&format!("{number:05}"));
        let zip = listed.next_if(|zip| zip.code == code);
        assert_eq!(us_zips::find(&code).as_ref(), zip);
        assert_eq!(us_zips::exists(&code), zip.is_some_and(|zip| zip.is_active));
    }
    assert!(listed.next().is_none());
    let existing: Vec<PostalCode> = all.into_iter().filter(|zip| zip.is_active).map(|zip| zip.code).collect();
    assert_eq!(us_zips::existing(), existing);
}

#[test]
fn what_lies_within_a_radius() {
    for circle in expected().within {
        let radius = match circle.unit.as_str() {
            "miles" => Radius::miles(circle.radius),
            _ => Radius::kilometres(circle.radius),
        };
        let set = match (&circle.zip, circle.point) {
            (Some(zip), _) => us_zips::within(zip.as_str(), radius),
            (None, Some((latitude, longitude))) => {
                us_zips::within(Point::new(latitude, longitude).unwrap(), radius)
            }
            (None, None) => panic!("{circle:?} has no centre"),
        };
        let codes = codes(&set.unwrap());
        assert_eq!(codes.len(), circle.count, "{circle:?}");
        let lines: String = codes.iter().flat_map(|code| [code.as_str(), "\n"]).collect();
        assert_eq!(sha256(&lines), circle.sha256, "{circle:?}");
    }
}

#[test]
fn distances_between_codes() {
    for Distance { from, to, km } in expected().distances {
        let found = point_of(&from).km_to(point_of(&to));
        assert!((found - km).abs() < 2e-6, "{from} {to}: {found}, not {km}");
    }
}

#[test]
fn codes_at_the_edges() {
    let within = |zip: &str, km: f64| us_zips::within(zip, Radius::kilometres(km));
    // At the same point, with its leading zeros.
    assert_eq!(codes(&within("00501", 0.0).unwrap()), ["00501", "00544"]);
    assert_eq!(within("00501-1234", 0.0), within("00501", 0.0));
    // Adak and Amchitka lie 280 km apart, on the two sides of the 180th meridian.
    assert_eq!(codes(&within("99546", 279.0).unwrap()), ["96505", "99546", "99547"]);
    assert_eq!(codes(&within("99546", 280.0).unwrap()), ["96505", "96507", "99546", "99547"]);
    assert_eq!(codes(&within("96507", 280.0).unwrap()), ["96507", "99546"]);
    // A retired code may be a centre, and is not in the list.
    let around = within("10184", 1.0).unwrap();
    assert!(!around.holds(&code("10184")) && around.holds(&code("10007")));
    let puerto_rico = us_zips::of_state(" pr ").unwrap();
    assert_eq!((codes(&puerto_rico).len(), puerto_rico.holds(&code("00601"))), (176, true));
    let states: BTreeSet<&str> = us_zips::all().map(|zip| zip.state).collect();
    let of_states = states.iter().map(|state| us_zips::of_state(state).unwrap().patterns().len());
    assert_eq!(of_states.sum::<usize>(), expected().active);
}

#[test]
fn nothing_is_silently_nothing() {
    let within = |zip: &str, km: f64| us_zips::within(zip, Radius::kilometres(km));
    for text in ["99999", "", "SW1A 1AA", "501", "9021O", "90210, CA"] {
        assert_eq!(within(text, 10.0), Err(UsZipError::UnknownZip(text.to_owned())));
    }
    assert_eq!(within("09001", 10.0), Err(UsZipError::NoPoint("09001".to_owned())));
    assert_eq!(within("90210", -1.0), Err(UsZipError::NoRadius));
    assert_eq!(within("90210", f64::NAN), Err(UsZipError::NoRadius));
    let at_sea = Point::new(30.0, -40.0).unwrap();
    assert_eq!(us_zips::within(at_sea, Radius::miles(100.0)), Err(UsZipError::Nothing));
    let long = "x".repeat(100);
    assert_eq!(us_zips::of_state(&long), Err(UsZipError::UnknownState("x".repeat(40))));
    let told = UsZipError::NoPoint("09001".to_owned()).to_string();
    assert_eq!(told, "where the ZIP code `09001` lies is not known");
}
