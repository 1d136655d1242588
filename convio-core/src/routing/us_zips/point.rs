use std::f64::consts::PI;

use super::UsZipError;

/// A place on Earth, to the millionth of a degree (11 cm).
///
/// Distances are those on a sphere of the Earth's [mean radius](EARTH_RADIUS_KM), by the
/// [haversine formula](https://en.wikipedia.org/wiki/Haversine_formula): with latitudes φ and longitudes λ,
/// `h = sin²((φ2 - φ1) / 2) + cos φ1 · cos φ2 · sin²((λ2 - λ1) / 2)`, and the distance is `2 · radius · asin √h`. The Earth is no sphere:
/// they are up to half a per cent off.
///
/// Whether a point lies within a radius is the same everywhere. The sines that platforms bring differ in their last digits; so the
/// sine is a sum of this module's own, of nothing but IEEE 754's products, quotients and differences, whose results are defined to
/// the bit (processors from before SSE2 compute otherwise); angles are whole numbers; and `h` is compared as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// In millionths of a degree.
    latitude: i32,
    longitude: i32,
}

impl Point {
    /// The place at a latitude and a longitude in degrees, north and east of zero.
    ///
    /// ```
    /// use convio_core::routing::us_zips::Point;
    /// let beverly_hills = Point::new(34.0901, -118.4065)?;
    /// assert_eq!((beverly_hills.latitude(), beverly_hills.longitude()), (34.0901, -118.4065));
    /// assert!(Point::new(118.4, 34.1).is_err());
    /// # Ok::<(), convio_core::routing::us_zips::UsZipError>(())
    /// ```
    ///
    /// # Errors
    /// [`UsZipError::NoPlace`] outside of -90 to 90 and -180 to 180.
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, UsZipError> {
        if !(-90.0..=90.0).contains(&latitude) || !(-180.0..=180.0).contains(&longitude) {
            return Err(UsZipError::NoPlace);
        }
        let millionths = |degrees: f64| (degrees * f64::from(PER_DEGREE)).round() as i32;
        Ok(Self { latitude: millionths(latitude), longitude: millionths(longitude) })
    }

    pub(super) const fn of_millionths(latitude: i32, longitude: i32) -> Self {
        Self { latitude, longitude }
    }

    /// Degrees north of the equator.
    pub fn latitude(self) -> f64 {
        f64::from(self.latitude) / f64::from(PER_DEGREE)
    }

    /// Degrees east of Greenwich.
    pub fn longitude(self) -> f64 {
        f64::from(self.longitude) / f64::from(PER_DEGREE)
    }

    /// The distance in kilometres. Its last digits may differ from platform to platform.
    ///
    /// ```
    /// use convio_core::routing::us_zips::Point;
    /// let (los_angeles, new_york) = (Point::new(34.0522, -118.2437)?, Point::new(40.7128, -74.006)?);
    /// assert_eq!(los_angeles.km_to(new_york).round(), 3_936.0);
    /// # Ok::<(), convio_core::routing::us_zips::UsZipError>(())
    /// ```
    pub fn km_to(self, other: Self) -> f64 {
        2.0 * EARTH_RADIUS_KM * self.haversine(other).sqrt().min(1.0).asin()
    }

    /// The `h` of the formula: 0 for the same place, about 1 for the opposite one.
    pub(super) fn haversine(self, other: Self) -> f64 {
        let latitude = (self.latitude - other.latitude).unsigned_abs();
        let longitude = self.longitude.abs_diff(other.longitude);
        // The way around the other side has the same sine, but its half is more than the quarter turn that ours is for.
        let longitude = longitude.min(360 * PER_DEGREE - longitude);
        let cosine = |latitude: i32| sine(radians(90 * PER_DEGREE - latitude.unsigned_abs()));
        let (up, along) = (sine(radians(latitude) / 2.0), sine(radians(longitude) / 2.0));
        up * up + cosine(self.latitude) * cosine(other.latitude) * along * along
    }
}

/// How far something may be.
///
/// ```
/// use convio_core::routing::us_zips::Radius;
/// assert_eq!(Radius::miles(10.0), Radius::kilometres(16.09344));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Radius {
    km: f64,
}

impl Radius {
    /// So many international miles.
    pub fn miles(miles: f64) -> Self {
        Self { km: miles * KM_PER_MILE }
    }

    /// So many kilometres.
    pub fn kilometres(km: f64) -> Self {
        Self { km }
    }

    /// The greatest `h` within it.
    pub(super) fn reach(self) -> Result<f64, UsZipError> {
        if !self.km.is_finite() || self.km < 0.0 {
            return Err(UsZipError::NoRadius);
        }
        let half = self.km / (2.0 * EARTH_RADIUS_KM);
        Ok(if half < PI / 2.0 { sine(half) * sine(half) } else { f64::INFINITY })
    }
}

fn radians(millionths: u32) -> f64 {
    f64::from(millionths) * (PI / 180.0 / PER_DEGREE as f64)
}

/// The sine of an angle from 0 to a quarter turn, by its Taylor series `x · (1 - x²/2·3 · (1 - x²/4·5 · (...)))`. What is left out is
/// less than 1e-17.
fn sine(x: f64) -> f64 {
    let square = x * x;
    let mut sum = 1.0;
    for n in (1..=TERMS).rev() {
        let n = f64::from(2 * n);
        sum = 1.0 - square / (n * (n + 1.0)) * sum;
    }
    x * sum
}

/// The mean radius of the Earth, R1 of the International Union of Geodesy and Geophysics, in kilometres.
pub const EARTH_RADIUS_KM: f64 = 6_371.008_8;
/// Kilometres of an international mile.
pub const KM_PER_MILE: f64 = 1.609_344;

/// Millionths of a degree.
const PER_DEGREE: u32 = 1_000_000;
/// Of the series; the next one is x²³/23!.
const TERMS: u32 = 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_sine_is_the_sine_and_its_bits_are_the_same_everywhere() {
        for n in 0..=100_000 {
            let x = f64::from(n) / 100_000.0 * (PI / 2.0);
            assert!((sine(x) - x.sin()).abs() < 4e-16, "{x}");
        }
        let bits = [0.0, 0.001, 0.5, 1.0, PI / 2.0].map(|x| sine(x).to_bits());
        assert_eq!(bits, BITS);
    }

    #[test]
    fn places_and_radii_that_are_none() {
        let bad = [
            (90.000_1, 0.0),
            (-91.0, 0.0),
            (0.0, 180.1),
            (0.0, -181.0),
            (f64::NAN, 0.0),
            (0.0, f64::INFINITY),
        ];
        for (latitude, longitude) in bad {
            assert_eq!(Point::new(latitude, longitude), Err(UsZipError::NoPlace));
        }
        for km in [-0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Radius::kilometres(km).reach(), Err(UsZipError::NoRadius));
        }
        assert_eq!(Radius::kilometres(0.0).reach(), Ok(0.0));
    }

    #[test]
    fn a_quarter_and_half_of_the_earth() {
        let at = |latitude, longitude| Point::new(latitude, longitude).unwrap();
        let quarter = PI / 2.0 * EARTH_RADIUS_KM;
        for (one, other, quarters) in [
            (at(0.0, 0.0), at(90.0, 77.0), 1.0),
            (at(0.0, 170.0), at(0.0, -100.0), 1.0),
            (at(-90.0, 0.0), at(90.0, 0.0), 2.0),
            (at(10.0, 20.0), at(-10.0, -160.0), 2.0),
            (at(0.0, 180.0), at(0.0, -180.0), 0.0),
        ] {
            assert!((one.km_to(other) - quarters * quarter).abs() < 1e-3, "{one:?} {other:?}");
        }
    }

    fn point() -> impl Strategy<Value = Point> {
        (-90_000_000..=90_000_000, -180_000_000..=180_000_000)
            .prop_map(|(latitude, longitude)| Point { latitude, longitude })
    }

    proptest! {
        /// By the angle between two vectors, which is another formula.
        #[test]
        fn distances_are_those_of_vectors(one in point(), other in point()) {
            let vector = |point: Point| {
                let (lat, lon) = (point.latitude().to_radians(), point.longitude().to_radians());
                [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
            };
            let ([a, b, c], [x, y, z]) = (vector(one), vector(other));
            let cross = [b * z - c * y, c * x - a * z, a * y - b * x];
            let cross = cross.iter().map(|it| it * it).sum::<f64>().sqrt();
            let expected = EARTH_RADIUS_KM * cross.atan2(a * x + b * y + c * z);
            let km = one.km_to(other);
            prop_assert!((km - expected).abs() < 1e-3, "{} {}", km, expected);
            prop_assert_eq!(km.to_bits(), other.km_to(one).to_bits());
            let is_within = |km: f64| one.haversine(other) <= Radius::kilometres(km).reach().unwrap();
            prop_assert!(is_within(km + 1e-3) && (km < 1e-3 || !is_within(km - 1e-3)));
        }

        #[test]
        fn points_are_read_as_they_are_told(point in point()) {
            prop_assert_eq!(Point::new(point.latitude(), point.longitude()), Ok(point));
        }
    }

    /// As another program worked them out, in exact arithmetic rounded once per step.
    const BITS: [u64; 5] = [
        0x0000_0000_0000_0000,
        0x3f50_624d_a521_8a62,
        0x3fde_aee8_744b_05f0,
        0x3fea_ed54_8f09_0cee,
        0x3fef_ffff_ffff_ffff,
    ];
}
