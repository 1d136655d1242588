//! The ZIP codes of the United States: which there are, in which state, and which lie within a radius.
//!
//! A radius becomes a list of ZIP codes when a rule is written. A decision then measures no distance, tables and the
//! [`analysis`](super::analysis) stay exact, and a stored rule says by itself what it asks for, whatever a later table holds.
//!
//! ```
//! use convio_core::PostalCode;
//! use convio_core::routing::us_zips::{self, Radius};
//! use convio_core::routing::{Rule, RuleSet, Target};
//! let around = us_zips::within("90210", Radius::miles(25.0))?;
//! assert!(around.holds(&PostalCode::parse("90401")?)); // Santa Monica
//! let rule = Rule::to(Target::team("beverly-hills")).any_product().zip_set(around);
//! assert!(RuleSet::publish(1, [rule]).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A code *exists* while it is active. The Postal Service has retired others: they are found by [`find`], may be the centre of a
//! radius, and are in no list. Codes of military mail and some of a single company have no point that is known: they exist, and are in no
//! radius.
//!
//! The table is part of the program (385 kB) and is searched as it is. `data/README.md` of the crate says where it comes from, and under
//! which licence.

mod point;
mod table;

use std::sync::LazyLock;

use super::ZipSet;
use crate::postal::PostalCode;
use crate::text::match_key;

pub use point::{EARTH_RADIUS_KM, KM_PER_MILE, Point, Radius};

/// What is known of a ZIP code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsZip {
    /// Its five digits.
    pub code: PostalCode,
    /// The state, district or territory that it is in, or of military mail the part of the world, as two letters: `CA`, `DC`, `PR`, `AE`.
    pub state: &'static str,
    /// Whether it is in use. A code that is not was retired.
    pub is_active: bool,
    /// Where it is: one point for all of it. `None` where that is not known.
    pub point: Option<Point>,
}

/// What is known of a ZIP code, or of that of a ZIP+4, retired ones too; `None` for any other postal code. A code of another country that
/// reads like one is taken for it.
///
/// ```
/// use convio_core::PostalCode;
/// use convio_core::routing::us_zips;
/// let holtsville = us_zips::find(&PostalCode::parse("00501-1234")?).unwrap();
/// assert_eq!((holtsville.code.as_str(), holtsville.state, holtsville.is_active), ("00501", "NY", true));
/// assert_eq!(us_zips::find(&PostalCode::parse("501")?), None);
/// # Ok::<(), convio_core::postal::PostalCodeError>(())
/// ```
pub fn find(code: &PostalCode) -> Option<UsZip> {
    table::find(code.zip5()?.parse().ok()?)
}

/// Whether a postal code is a ZIP code that is in use, or a ZIP+4 of one.
///
/// ```
/// use convio_core::PostalCode;
/// use convio_core::routing::us_zips::exists;
/// assert!(exists(&PostalCode::parse("90210")?));
/// assert!(!exists(&PostalCode::parse("10184")?)); // retired
/// assert!(!exists(&PostalCode::parse("99999")?));
/// # Ok::<(), convio_core::postal::PostalCodeError>(())
/// ```
pub fn exists(code: &PostalCode) -> bool {
    find(code).is_some_and(|zip| zip.is_active)
}

/// The state of a ZIP code, as two letters, of retired ones too; `None` for what is none.
///
/// ```
/// use convio_core::PostalCode;
/// use convio_core::routing::us_zips::state_of;
/// assert_eq!(state_of(&PostalCode::parse("00601")?), Some("PR"));
/// # Ok::<(), convio_core::postal::PostalCodeError>(())
/// ```
pub fn state_of(code: &PostalCode) -> Option<&'static str> {
    find(code).map(|zip| zip.state)
}

/// All ZIP codes in order, retired ones too.
///
/// ```
/// use convio_core::routing::us_zips;
/// assert_eq!(us_zips::all().count(), 42_789);
/// assert_eq!(us_zips::all().next().map(|zip| zip.state), Some("NY")); // 00501
/// ```
pub fn all() -> impl Iterator<Item = UsZip> {
    table::all()
}

/// The ZIP codes that exist, in order, as [`Universe::existing`](super::analysis::Universe::existing) takes them. They are listed once, at
/// the first call, in half a megabyte.
///
/// ```
/// use convio_core::routing::us_zips;
/// let codes = us_zips::existing();
/// assert_eq!((codes.len(), codes[0].as_str()), (41_749, "00501"));
/// ```
pub fn existing() -> &'static [PostalCode] {
    static EXISTING: LazyLock<Vec<PostalCode>> =
        LazyLock::new(|| all().filter(|zip| zip.is_active).map(|zip| zip.code).collect());
    &EXISTING
}

/// The ZIP codes of a state that exist, without regard to case.
///
/// ```
/// use convio_core::routing::us_zips::{UsZipError, of_state};
/// assert_eq!(of_state("ri")?.patterns().len(), 90);
/// assert_eq!(of_state("Utopia"), Err(UsZipError::UnknownState("Utopia".to_owned())));
/// # Ok::<(), UsZipError>(())
/// ```
///
/// # Errors
/// [`UsZipError::UnknownState`] for anything but the two letters of one.
pub fn of_state(state: &str) -> Result<ZipSet, UsZipError> {
    let key = match_key(state).to_uppercase();
    let codes: Vec<PostalCode> =
        all().filter(|zip| zip.is_active && zip.state == key).map(|zip| zip.code).collect();
    match codes.is_empty() {
        true => Err(UsZipError::UnknownState(shown(state))),
        false => Ok(listed(&codes)),
    }
}

/// The ZIP codes that exist and whose points lie within a radius, the centre's own included where it exists.
///
/// It is the [distance](Point::km_to) between two points, by air: of a wide ZIP code most people may live beyond the radius.
/// The answer is the same on every platform; see [`Point`].
///
/// ```
/// use convio_core::PostalCode;
/// use convio_core::routing::us_zips::{Point, Radius, UsZipError, within};
/// let adak = within("99546", Radius::kilometres(300.0))?;
/// assert!(adak.holds(&"96507".parse().unwrap())); // beyond the 180th meridian
/// let kansas = within(Point::new(39.8283, -98.5795)?, Radius::miles(10.0))?;
/// assert!(kansas.holds(&"66952".parse().unwrap()));
/// assert_eq!(within("99999", Radius::miles(10.0)), Err(UsZipError::UnknownZip("99999".to_owned())));
/// # Ok::<(), UsZipError>(())
/// ```
///
/// # Errors
/// [`UsZipError`]; an empty list is an error too, [`UsZipError::Nothing`].
pub fn within<'c>(centre: impl Into<Centre<'c>>, radius: Radius) -> Result<ZipSet, UsZipError> {
    let centre = centre.into().point()?;
    let reach = radius.reach()?;
    let is_near =
        |zip: &UsZip| zip.is_active && zip.point.is_some_and(|point| centre.haversine(point) <= reach);
    let codes: Vec<PostalCode> = all().filter(is_near).map(|zip| zip.code).collect();
    match codes.is_empty() {
        true => Err(UsZipError::Nothing),
        false => Ok(listed(&codes)),
    }
}

/// What a radius is around.
///
/// ```
/// use convio_core::routing::us_zips::{Centre, Point};
/// assert_eq!(Centre::from("90210"), Centre::Zip("90210"));
/// let point = Point::new(34.1, -118.4)?;
/// assert_eq!(Centre::from(point), Centre::Point(point));
/// # Ok::<(), convio_core::routing::us_zips::UsZipError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Centre<'c> {
    /// The point of a ZIP code.
    Zip(&'c str),
    /// This point.
    Point(Point),
}

impl Centre<'_> {
    fn point(self) -> Result<Point, UsZipError> {
        match self {
            Self::Point(point) => Ok(point),
            Self::Zip(text) => {
                let zip = PostalCode::parse(text).ok().and_then(|code| find(&code));
                let zip = zip.ok_or_else(|| UsZipError::UnknownZip(shown(text)))?;
                zip.point.ok_or_else(|| UsZipError::NoPoint(shown(text)))
            }
        }
    }
}

impl<'c> From<&'c str> for Centre<'c> {
    fn from(zip: &'c str) -> Self {
        Self::Zip(zip)
    }
}

impl<'c> From<&'c PostalCode> for Centre<'c> {
    fn from(zip: &'c PostalCode) -> Self {
        Self::Zip(zip.as_str())
    }
}

impl From<Point> for Centre<'_> {
    fn from(point: Point) -> Self {
        Self::Point(point)
    }
}

/// Why there is no list of ZIP codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UsZipError {
    /// The centre is none.
    #[error("`{0}` is no ZIP code of the United States")]
    UnknownZip(String),
    /// The centre is one, and nobody knows where.
    #[error("where the ZIP code `{0}` lies is not known")]
    NoPoint(String),
    /// No state has these two letters.
    #[error("`{0}` is no state, district or territory of the United States, as in `CA`")]
    UnknownState(String),
    /// It is no place on Earth.
    #[error("a point has a latitude from -90 to 90 and a longitude from -180 to 180 degrees")]
    NoPlace,
    /// It is no radius.
    #[error("a radius is a number of miles or kilometres, not less than 0")]
    NoRadius,
    /// No ZIP code lies within the radius.
    #[error("no ZIP code lies within the radius")]
    Nothing,
}

fn listed(codes: &[PostalCode]) -> ZipSet {
    ZipSet::of(codes.iter().map(PostalCode::as_str))
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// How much of a text that is no ZIP code an error repeats.
const SHOWN: usize = 40;
