//! The country that a number without a country code is taken to be from.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A country or territory by its ISO 3166-1 code of two letters.
///
/// The codes are the assigned ones, and `AC`, `TA` and `XK`, which have numbering plans of their own.
/// Reading takes any case; the upper-case form is kept, shown and serialised.
///
/// ```
/// use convio_core::phone::Region;
///
/// let region: Region = "us".parse()?;
/// assert_eq!(region.as_str(), "US");
/// assert!("ZZ".parse::<Region>().is_err());
/// assert!("USA".parse::<Region>().is_err());
/// # Ok::<(), convio_core::phone::UnknownRegion>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region([u8; 2]);

impl Region {
    /// The two upper-case letters.
    pub fn as_str(&self) -> &str {
        // Only ASCII letters are ever stored, so the default is never taken.
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let letters: [u8; 2] = text.as_bytes().try_into().map_err(|_| UnknownRegion)?;
        let letters = letters.map(|letter| letter.to_ascii_uppercase());
        let known = CODES.as_bytes().chunks(3).any(|code| code.starts_with(&letters));
        known.then_some(Self(letters)).ok_or(UnknownRegion)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({self})")
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The text is no region code. Does not hold the text, which may have come from a wrong column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a region code of two letters (ISO 3166-1)")]
pub struct UnknownRegion;

/// Every code, sorted, with one space between.
const CODES: &str = "AC AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM \
     BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY \
     CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI \
     GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE \
     JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD \
     ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO \
     NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC \
     SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TF TG TH TJ TK TL TM \
     TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_whole() {
        let codes: Vec<_> = CODES.split(' ').collect();
        assert_eq!(codes.len(), 252);
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]));
        for code in codes {
            assert_eq!(code.parse::<Region>().unwrap().as_str(), code);
        }
    }

    #[test]
    fn other_texts_are_no_region() {
        for text in ["", "U", "USA", "ZZ", "UK", "EU", "XX", "001", "u ", " u", "ü", "\u{0}\u{0}"] {
            assert_eq!(text.parse::<Region>(), Err(UnknownRegion), "{text}");
        }
    }

    #[test]
    fn json_form_is_the_code() {
        let region: Region = serde_json::from_str("\"gb\"").unwrap();
        assert_eq!(serde_json::to_string(&region).unwrap(), "\"GB\"");
        assert!(serde_json::from_str::<Region>("\"ZZ\"").is_err());
    }
}
