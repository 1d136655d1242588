//! The names that senders use for what Convio knows.

use std::sync::LazyLock;

/// The fields that Convio knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Known {
    FirstName,
    LastName,
    FullName,
    Phone,
    Email,
    Street,
    StreetNumber,
    Street2,
    City,
    State,
    PostalCode,
    Country,
    Person,
    Source,
    LeadType,
    Campaign,
    Product,
    ExternalId,
    UtmSource,
    UtmMedium,
    UtmCampaign,
    UtmTerm,
    UtmContent,
}

impl Known {
    /// The name that Convio knows it by: corrections and reasons use it.
    pub(super) fn name(self) -> &'static str {
        TABLE.iter().find(|(known, ..)| *known == self).map_or("", |(_, name, _)| name)
    }

    /// The field that Convio knows by this very name.
    pub(super) fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// The field that a sender means by a name, and how good a name it is: 0 is the best.
    pub(super) fn meant_by(name: PlainName) -> Option<(Self, usize)> {
        let aliases = &INDEX.aliases;
        let at = aliases.binary_search_by_key(&name.0?, |(alias, ..)| *alias).ok()?;
        Some((aliases[at].1, aliases[at].2))
    }
}

/// A sender's name of a field without case, blanks and punctuation: its bytes as one number. None for a name that is longer
/// than all that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlainName(Option<u128>);

impl PlainName {
    pub(super) fn of(name: &str) -> Self {
        let mut bytes = Some(0u128);
        let mut push = |byte: u8| {
            let room = bytes.filter(|bytes| bytes.leading_zeros() >= u8::BITS);
            bytes = room.map(|bytes| bytes << u8::BITS | u128::from(byte));
        };
        for c in name.chars() {
            if c.is_ascii_alphanumeric() {
                push(c.to_ascii_lowercase() as u8);
            } else if !c.is_ascii() && c.is_alphanumeric() {
                let mut utf8 = [0; 4];
                c.to_lowercase().for_each(|c| c.encode_utf8(&mut utf8).bytes().for_each(&mut push));
            }
        }
        Self(bytes)
    }

    /// Whether an object of this name holds fields of the lead itself, rather than something of its own such as a consent.
    pub(super) fn is_container(self) -> bool {
        self.0.is_some_and(|name| INDEX.containers.contains(&name))
    }
}

/// What is known, by plain name.
struct Index {
    /// The aliases of [`TABLE`], sorted, each with its field and its place there.
    aliases: Vec<(u128, Known, usize)>,
    /// Those of [`CONTAINERS`].
    containers: Vec<u128>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let plain = |name: &&str| PlainName::of(name).0;
    let of_row = |(known, _, aliases): &'static (Known, &str, &[&str])| {
        let ranked = aliases.iter().enumerate();
        ranked.filter_map(move |(rank, alias)| Some((plain(alias)?, *known, rank)))
    };
    let mut aliases: Vec<_> = TABLE.iter().flat_map(of_row).collect();
    aliases.sort_unstable();
    Index { aliases, containers: CONTAINERS.iter().filter_map(plain).collect() }
});

const TABLE: &[(Known, &str, &[&str])] = &[
    (Known::FirstName, "first_name", &["firstname", "fname", "givenname", "forename", "first"]),
    (Known::LastName, "last_name", &["lastname", "lname", "surname", "familyname", "last"]),
    (
        Known::FullName,
        "full_name",
        &["fullname", "name", "contactname", "customername", "yourname", "leadname"],
    ),
    (
        Known::Phone,
        "phone",
        &[
            "phone",
            "phonenumber",
            "telephone",
            "tel",
            "mobile",
            "mobilephone",
            "mobilenumber",
            "cell",
            "cellphone",
            "primaryphone",
            "phone1",
            "contactnumber",
            "contactphone",
            "customerphone",
            "homephone",
            "workphone",
            "phone2",
            "whatsapp",
        ],
    ),
    (
        Known::Email,
        "email",
        &[
            "email",
            "emailaddress",
            "mail",
            "contactemail",
            "customeremail",
            "workemail",
            "email1",
            "personalemail",
        ],
    ),
    (
        Known::Street,
        "street",
        &["street", "streetaddress", "address", "address1", "addressline1", "street1", "addr", "addr1"],
    ),
    (Known::StreetNumber, "street_number", &["streetnumber", "housenumber", "streetno"]),
    (Known::Street2, "street2", &["street2", "address2", "addressline2", "addr2", "unit", "apt", "suite"]),
    (Known::City, "city", &["city", "town", "suburb", "locality"]),
    (Known::State, "state", &["state", "stateprovince", "province", "statecode", "region", "county"]),
    (
        Known::PostalCode,
        "postal_code",
        &["postalcode", "zip", "zipcode", "postcode", "zippostalcode", "postal", "zip5"],
    ),
    (Known::Country, "country", &["country", "countrycode", "countryname"]),
    (Known::Person, "person_id", &["personid", "customerid", "contactid", "prospectid", "subscriberid"]),
    (Known::Source, "source", &["source", "leadsource", "leadorigin", "origin", "channel"]),
    (Known::LeadType, "lead_type", &["leadtype", "vertical", "industry"]),
    (Known::Campaign, "campaign", &["campaign", "campaignid", "campaignname"]),
    (
        Known::Product,
        "product",
        &[
            "product",
            "productid",
            "productname",
            "producttype",
            "servicetype",
            "service",
            "interest",
            "productinterest",
        ],
    ),
    (Known::ExternalId, "external_id", &["externalid", "leadid", "leadgenid", "eventid"]),
    (Known::UtmSource, "utm_source", &["utmsource"]),
    (Known::UtmMedium, "utm_medium", &["utmmedium"]),
    (Known::UtmCampaign, "utm_campaign", &["utmcampaign"]),
    (Known::UtmTerm, "utm_term", &["utmterm"]),
    (Known::UtmContent, "utm_content", &["utmcontent"]),
];

const CONTAINERS: &[&str] = &[
    "lead",
    "contact",
    "customer",
    "person",
    "prospect",
    "applicant",
    "homeowner",
    "data",
    "fields",
    "formdata",
    "formfields",
    "payload",
    "address",
    "homeaddress",
    "contactinfo",
    "location",
    "utm",
    "attribution",
    "tracking",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn meant_by(name: &str) -> Option<(Known, usize)> {
        Known::meant_by(PlainName::of(name))
    }

    #[test]
    fn the_spellings_of_one_name_mean_one_field() {
        for name in ["firstName", "firstname", "first_name", "First Name", "FIRST-NAME"] {
            assert_eq!(meant_by(name), Some((Known::FirstName, 0)), "{name}");
        }
        for name in ["zip", "zipCode", "postcode", "postal_code"] {
            assert_eq!(meant_by(name).unwrap().0, Known::PostalCode, "{name}");
        }
        for name in ["productid", "product", "service_type"] {
            assert_eq!(meant_by(name).unwrap().0, Known::Product, "{name}");
        }
        assert_eq!(meant_by("roof_age"), None);
        assert_eq!(meant_by("E-Mail").unwrap().0, Known::Email);
        assert_eq!(meant_by("emaıl"), None);
        assert_eq!(meant_by("\u{212a}ey"), meant_by("key"));
    }

    #[test]
    fn a_name_is_as_long_as_it_can_be_told_apart() {
        for name in TABLE.iter().flat_map(|row| row.2).chain(CONTAINERS) {
            assert!(PlainName::of(name).0.is_some(), "{name} is longer than 16 bytes");
        }
        assert!(PlainName::of("HomeAddress").is_container() && !PlainName::of("consent").is_container());
        assert_eq!(PlainName::of("a-name of 16 byte"), PlainName::of("anameof16byte"));
        assert_eq!(PlainName::of("sixteen bytes long"), PlainName::of("SIXTEENBYTESLONG"));
        assert_eq!(PlainName::of("seventeen byteslong!"), PlainName(None));
    }

    #[test]
    fn no_alias_means_two_fields_and_every_field_means_itself() {
        let mut aliases: Vec<&str> = TABLE.iter().flat_map(|row| row.2).copied().collect();
        let count = aliases.len();
        aliases.sort_unstable();
        aliases.dedup();
        assert_eq!(aliases.len(), count);
        for (known, name, _) in TABLE {
            assert_eq!(meant_by(name).unwrap().0, *known);
        }
    }
}
