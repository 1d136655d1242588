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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamps([Option<Stamp>; FIELDS.len()]);

impl Stamps {
    /// Where the value of this field comes from.
    pub fn of(&self, field: Field) -> Option<Stamp> {
        self.0[field as usize]
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
