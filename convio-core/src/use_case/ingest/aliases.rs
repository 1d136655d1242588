//! The names that senders use for what Convio knows.

use std::collections::HashMap;
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

    /// The field that a sender means by `name`, and how good a name it is: 0 is the best.
    pub(super) fn meant_by(name: &PlainName) -> Option<(Self, usize)> {
        ALIASES.get(name.0.as_str()).copied()
    }
}

/// A sender's name of a field without case, blanks and punctuation. Its memory is used again for the next name.
#[derive(Debug, Default)]
pub(super) struct PlainName(String);

impl PlainName {
    #[cfg(any(test, all(feature = "intake", feature = "service")))]
    pub(super) fn of(name: &str) -> Self {
        let mut plain = Self::default();
        plain.set(name);
        plain
    }

    pub(super) fn set(&mut self, name: &str) {
        self.0.clear();
        for c in name.chars() {
            if c.is_ascii_alphanumeric() {
                self.0.push(c.to_ascii_lowercase());
            } else if !c.is_ascii() && c.is_alphanumeric() {
                self.0.extend(c.to_lowercase());
            }
        }
    }

    /// Whether an object of this name holds fields of the lead itself, rather than something of its own such as a consent.
    pub(super) fn is_container(&self) -> bool {
        CONTAINERS.contains(&self.0.as_str())
    }
}

/// Every alias of [`TABLE`], with its field and its place there.
static ALIASES: LazyLock<HashMap<&str, (Known, usize)>> = LazyLock::new(|| {
    let of = |(known, _, aliases): &(Known, _, &'static [&'static str])| {
        let known = *known;
        aliases.iter().enumerate().map(move |(rank, alias)| (*alias, (known, rank)))
    };
    TABLE.iter().flat_map(of).collect()
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
        Known::meant_by(&PlainName::of(name))
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
