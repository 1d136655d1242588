use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::email::Email;
use crate::id::LeadId;
use crate::phone::ParsedPhone;
use crate::postal::PostalCode;

macro_rules! person {
    ($($(#[$doc:meta])* $name:ident / $variant:ident : $ty:ty),+ $(,)?) => {
        /// What is known of a person, normalised. Every field may be missing.
        ///
        /// Its `Debug` names the fields that are set, never their values.
        #[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Person {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<$ty>,)+
        }

        /// The fields of a [`Person`], in the order that stores keep their stamps.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field {
            $($(#[$doc])* $variant,)+
        }

        /// All fields, in the order that stores keep their stamps.
        pub const FIELDS: [Field; [$(stringify!($name)),+].len()] = [$(Field::$variant),+];

        impl Field {
            /// The field's name, as columns and reasons name it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($name),)+ }
            }
        }

        impl Person {
            /// Whether this field is set.
            pub fn has(&self, field: Field) -> bool {
                match field { $(Field::$variant => self.$name.is_some(),)+ }
            }

            fn copy(&mut self, field: Field, from: &Self) {
                match field { $(Field::$variant => self.$name.clone_from(&from.$name),)+ }
            }
        }
    };
}

person! {
    /// Given name.
    first_name / FirstName: String,
    /// Family name.
    last_name / LastName: String,
    /// E-mail address.
    email / Email: Email,
    /// Phone number, with its extension: they come from the same lead.
    phone / Phone: ParsedPhone,
    /// Street and house number.
    street / Street: String,
    /// Flat, floor, building.
    street2 / Street2: String,
    /// City or town.
    city / City: String,
    /// State or province: its code where known.
    state / State: String,
    /// Postal code, as text.
    postal_code / PostalCode: PostalCode,
    /// Country.
    country / Country: String,
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set: Vec<&str> = FIELDS.into_iter().filter(|field| self.has(*field)).map(Field::name).collect();
        write!(f, "Person({})", set.join(", "))
    }
}

/// Where a value comes from, in the order of who wins: the higher rank, then the later lead, then the greater lead id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// How far the source is trusted.
    pub rank: u8,
    /// When the lead was received.
    pub at: DateTime<Utc>,
    /// The lead that said it.
    pub lead: LeadId,
}

impl Stamp {
    /// The stamp as 25 bytes that sort as stamps do: rank, microseconds since 1970 (bias 2^63), lead id.
    pub fn to_bytes(self) -> [u8; STAMP_BYTES] {
        let mut bytes = [0; STAMP_BYTES];
        bytes[0] = self.rank;
        bytes[1..9].copy_from_slice(&(self.at.timestamp_micros() ^ i64::MIN).to_be_bytes());
        bytes[9..].copy_from_slice(self.lead.uuid().as_bytes());
        bytes
    }

    /// The stamp that [`Stamp::to_bytes`] made; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; STAMP_BYTES] = bytes.try_into().ok()?;
        let micros = i64::from_be_bytes(bytes[1..9].try_into().ok()?) ^ i64::MIN;
        let lead = uuid::Uuid::from_slice(&bytes[9..]).ok()?;
        Some(Self {
            rank: bytes[0],
            at: DateTime::from_timestamp_micros(micros)?,
            lead: LeadId::from_uuid(lead),
        })
    }
}

/// What one lead says of a person: the fields that it has, under one stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The fields.
    pub person: Person,
    /// Where all of them come from.
    pub stamp: Stamp,
}

/// Per field of a [`Person`], where its value comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamps([Option<Stamp>; FIELDS.len()]);

impl Stamps {
    /// Where the value of this field comes from.
    pub fn of(&self, field: Field) -> Option<Stamp> {
        self.0[field as usize]
    }

    /// Those of a person of whom this is said first: what [`Stamps::merge`] makes of nobody.
    pub fn first(offer: &Offer) -> Self {
        let mut stamps = Self::default();
        for field in FIELDS {
            stamps.0[field as usize] = offer.person.has(field).then_some(offer.stamp);
        }
        stamps
    }

    /// Takes over every field of `offer` whose stamp is greater than the one here.
    ///
    /// Commutative, associative and idempotent, as long as a lead says one thing only: offers in any order, any number
    /// of times, make the same person.
    pub fn merge(&mut self, person: &mut Person, offer: &Offer) {
        for field in FIELDS {
            if offer.person.has(field) && self.of(field) < Some(offer.stamp) {
                person.copy(field, &offer.person);
                self.0[field as usize] = Some(offer.stamp);
            }
        }
    }

    /// Takes over what is known of another person, who turned out to be the same: per field the greater stamp wins. The same as if all
    /// that was ever said of both had been said of one.
    pub(crate) fn absorb(&mut self, person: &mut Person, other: &Person, stamps: &Self) {
        for field in FIELDS {
            if self.of(field) < stamps.of(field) {
                person.copy(field, other);
                self.0[field as usize] = stamps.of(field);
            }
        }
    }

    /// The stamps as bytes: per field a length byte (0 or 25) and the stamp.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FIELDS.len() * (STAMP_BYTES + 1));
        for stamp in self.0 {
            match stamp {
                None => bytes.push(0),
                Some(stamp) => {
                    bytes.push(STAMP_BYTES as u8);
                    bytes.extend(stamp.to_bytes());
                }
            }
        }
        bytes
    }

    /// The stamps that [`Stamps::to_bytes`] made, also by a version with fewer fields; `None` for anything else.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut stamps = Self::default();
        let mut slots = stamps.0.iter_mut();
        while let Some((&length, rest)) = bytes.split_first() {
            let slot = slots.next()?;
            let (stamp, rest) = rest.split_at_checked(length.into())?;
            if length > 0 {
                *slot = Some(Stamp::from_bytes(stamp)?);
            }
            bytes = rest;
        }
        Some(stamps)
    }
}

const STAMP_BYTES: usize = 25;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stamp() -> impl Strategy<Value = Stamp> {
        // Few ranks, times on both sides of 1970, few leads: ties are common.
        (0..3u8, -2_000_000..2_000_000i64, 0..4u128).prop_map(|(rank, micros, lead)| Stamp {
            rank,
            at: DateTime::from_timestamp_micros(micros).unwrap_or_default(),
            lead: LeadId::from_uuid(uuid::Uuid::from_u128(lead)),
        })
    }

    /// Offers as leads make them: one lead says one thing, so the content follows from the stamp.
    fn offer() -> impl Strategy<Value = Offer> {
        stamp().prop_map(|stamp| {
            let text = format!("{} {} {}", stamp.rank, stamp.at.timestamp_micros(), stamp.lead);
            let has = |bit: i64| (stamp.at.timestamp_micros() >> bit) & 1 == 1;
            let person = Person {
                first_name: has(0).then(|| text.clone()),
                last_name: has(1).then(|| text.clone()),
                city: has(2).then(|| text.clone()),
                country: has(3).then(|| text.clone()),
                ..Person::default()
            };
            Offer { person, stamp }
        })
    }

    fn merged<'o>(offers: impl IntoIterator<Item = &'o Offer>) -> (Person, Stamps) {
        let (mut person, mut stamps) = (Person::default(), Stamps::default());
        offers.into_iter().for_each(|offer| stamps.merge(&mut person, offer));
        (person, stamps)
    }

    proptest! {
        #[test]
        fn the_first_offer_is_merged_into_nobody(offer in offer()) {
            prop_assert_eq!(merged([&offer]), (offer.person.clone(), Stamps::first(&offer)));
        }

        #[test]
        fn offers_make_the_same_person_in_any_order_and_any_number_of_times(
            offers in proptest::collection::vec(offer(), 0..8),
            again in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        ) {
            let once = merged(&offers);
            prop_assert_eq!(&merged(offers.iter().rev()), &once);
            let repeated = again.iter().filter(|_| !offers.is_empty()).map(|nth| nth.get(&offers));
            prop_assert_eq!(&merged(offers.iter().chain(repeated)), &once);
        }

        #[test]
        fn two_who_are_one_are_known_as_if_all_had_been_said_of_one(
            some in proptest::collection::vec(offer(), 0..6),
            others in proptest::collection::vec(offer(), 0..6),
        ) {
            let (mut one, (other, of_other)) = (merged(&some), merged(&others));
            one.1.absorb(&mut one.0, &other, &of_other);
            prop_assert_eq!(one, merged(some.iter().chain(&others)));
        }

        #[test]
        fn stamps_sort_as_their_bytes_and_read_back(a in stamp(), b in stamp()) {
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
            prop_assert_eq!(Stamp::from_bytes(&a.to_bytes()), Some(a));
        }

        #[test]
        fn all_stamps_of_a_person_read_back(offers in proptest::collection::vec(offer(), 0..4)) {
            let (_, stamps) = merged(&offers);
            prop_assert_eq!(Stamps::from_bytes(&stamps.to_bytes()), Some(stamps));
        }
    }

    #[test]
    fn debug_names_what_is_set_and_shows_no_value() {
        let person =
            Person { first_name: Some("Jane".into()), city: Some("Perth".into()), ..Person::default() };
        assert_eq!(format!("{person:?}"), "Person(first_name, city)");
    }

    #[test]
    fn stamps_that_are_cut_short_are_refused() {
        assert_eq!(Stamps::from_bytes(&[25, 1, 2]), None);
        assert_eq!(Stamp::from_bytes(&[0; 24]), None);
    }
}
