//! The leads that are sent.

use std::sync::atomic::{AtomicU64, Ordering};

use convio_core::RawLead;
use uuid::Uuid;

/// What a lead looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As providers send them: a payload of 1 kB.
    Full,
    /// A payload of 140 bytes.
    Light,
}

impl Kind {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Full, Self::Light];

    /// As it is called in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Light => "light",
        }
    }

    /// The length of its payload.
    pub fn bytes(self) -> usize {
        match self {
            Self::Full => 1_000,
            Self::Light => 140,
        }
    }
}

/// A source of leads, each of a person of its own unless told otherwise. Its phones are in no order, as those of people are:
/// an index over them gets no neighbour after neighbour.
#[derive(Debug)]
pub struct Leads {
    kind: Kind,
    people: u64,
    group: u64,
    next: AtomicU64,
}

/// What a floor stores of a lead.
#[derive(Debug, Clone)]
pub struct Bare {
    /// Ascending, as ids of version 7 are.
    pub id: Uuid,
    /// The same for all.
    pub workspace: Uuid,
    /// E.164.
    pub phone: String,
    /// The payload.
    pub body: Vec<u8>,
}

impl Leads {
    /// Leads of this kind.
    pub fn new(kind: Kind) -> Self {
        Self::of_people(kind, PHONES, 0)
    }

    /// Leads of so many people only, who come back in no order; `group` sets them apart from those of another source.
    pub fn of_people(kind: Kind, people: u64, group: u64) -> Self {
        Self { kind, people, group, next: AtomicU64::new(0) }
    }

    /// A raw lead.
    pub fn raw(&self) -> RawLead {
        let (n, phone) = self.step();
        RawLead::json(body(self.kind, n, &phone)).webhook(WEBHOOK)
    }

    /// Many of them.
    pub fn raws(&self, count: usize) -> Vec<RawLead> {
        (0..count).map(|_| self.raw()).collect()
    }

    /// A lead as a floor stores it.
    pub fn bare(&self) -> Bare {
        let (n, phone) = self.step();
        let body = body(self.kind, n, &phone);
        Bare { id: Uuid::from_u128((0x7 << 76) | u128::from(n)), workspace: BARE_WORKSPACE, phone, body }
    }

    /// Many of them.
    pub fn bares(&self, count: usize) -> Vec<Bare> {
        (0..count).map(|_| self.bare()).collect()
    }

    fn step(&self) -> (u64, String) {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let person = if self.people == PHONES { n } else { mixed(n) % self.people };
        (n, phone(self.group * self.people + person))
    }
}

/// A payload of exactly the kind's length.
fn body(kind: Kind, n: u64, phone: &str) -> Vec<u8> {
    let head = match kind {
        Kind::Full => format!(
            r#"{{"firstName":"John","lastName":"Doe","phone":"{phone}","email":"john.doe{n}@example.com","street":"1 Main Street","city":"Springfield","state":"CA","zip":"90210","product":"Solar","campaign":"spring","utm_source":"google","roof":"tile","bill":180,"notes":""#
        ),
        Kind::Light => format!(
            r#"{{"firstName":"John","lastName":"Doe","phone":"{phone}","product":"Solar","zip":"90210","utm_source":"google","x":""#
        ),
    };
    let mut body = head.into_bytes();
    body.resize(kind.bytes() - END.len(), b'x');
    body.extend(END);
    body
}

/// The phone of a person: another one for each of the first [`PHONES`].
fn phone(person: u64) -> String {
    // A prime that does not divide PHONES: every number is met once.
    let n = person % PHONES * 2_654_435_761 % PHONES;
    let area = usize::try_from(n / 8_000_000).map_or(AREAS[0], |area| AREAS[area]);
    format!("+1{area}{:03}{:04}", 200 + n / 10_000 % 800, n % 10_000)
}

/// The output of SplitMix64 for this state.
pub(crate) fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// The webhook that leads come through.
pub const WEBHOOK: &str = "web";
/// What stands for a workspace's id in a floor's rows.
const BARE_WORKSPACE: Uuid = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001);
/// All of them valid: what is not costs the parse many times as much.
const PHONES: u64 = AREAS.len() as u64 * 8_000_000;
#[rustfmt::skip]
const AREAS: [u16; 200] = [
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224,
    225, 228, 229, 231, 234, 239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270,
    276, 281, 301, 302, 303, 304, 305, 307, 308, 309, 310, 312, 313, 314, 315, 316, 317, 318,
    319, 320, 321, 323, 325, 330, 331, 334, 336, 337, 339, 347, 351, 352, 360, 361, 386, 401,
    402, 404, 405, 406, 407, 408, 409, 410, 412, 413, 414, 415, 417, 419, 423, 424, 425, 430,
    432, 434, 435, 440, 443, 469, 478, 479, 480, 484, 501, 502, 503, 504, 505, 507, 508, 509,
    510, 512, 513, 515, 516, 517, 518, 520, 530, 540, 541, 551, 559, 561, 562, 563, 567, 570,
    571, 573, 574, 580, 585, 586, 601, 602, 603, 605, 606, 607, 608, 609, 610, 612, 614, 615,
    616, 617, 618, 619, 620, 623, 626, 630, 631, 636, 641, 646, 650, 651, 660, 661, 662, 678,
    682, 701, 702, 703, 704, 706, 707, 708, 712, 713, 714, 715, 716, 717, 718, 719, 720, 724,
    727, 731, 732, 734, 740, 754, 757, 760, 763, 765, 770, 772, 773, 774, 775, 781, 785, 786,
    801, 802,
];
const END: &[u8] = br#""}"#;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn payloads_are_json_of_their_length() {
        for kind in Kind::BOTH {
            for n in [0, 1, 12_345_678] {
                let body = body(kind, n, &phone(n));
                assert_eq!(body.len(), kind.bytes());
                serde_json::from_slice::<serde_json::Value>(&body).unwrap();
            }
        }
    }

    #[test]
    fn phones_are_distinct_and_well_formed() {
        let phones: HashSet<String> = (0..20_000).map(phone).collect();
        assert_eq!(phones.len(), 20_000);
        assert!(phones.iter().all(|phone| phone.len() == 12 && phone.starts_with("+1")));
        assert_eq!(phone(PHONES + 3), phone(3));
    }

    #[test]
    fn phones_are_valid() {
        let phones = (0..PHONES).step_by(7_900_001).map(phone);
        let invalid = phones.filter(|phone| {
            let parsed = convio_core::Phone::parse(phone, None).unwrap();
            parsed.phone.validity() != convio_core::Validity::Valid
        });
        assert_eq!(invalid.collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn few_people_come_again_and_groups_share_none() {
        let of = |group| {
            let leads = Leads::of_people(Kind::Light, 10, group);
            (0..400).map(|_| leads.step().1).collect::<HashSet<_>>()
        };
        assert_eq!((of(0).len(), of(1).len()), (10, 10));
        assert!(of(0).is_disjoint(&of(1)));
    }
}
