//! Checking and normalising: parsed once, here, and typed from then on. Every failing field is named.

use super::aliases::Known;
use super::read::Fields;
use super::state::state_code;
use crate::contact::{ContactKey, KeyKind, Person};
use crate::email::Email;
use crate::error::Reason;
use crate::lead::{Custom, Interest, Utm};
use crate::phone::{ParsedPhone, Region, Validity};
use crate::postal::PostalCode;
use crate::text::{Campaign, LeadType, Product, Source};
use crate::webhook::{PhonePolicy, Webhook};

/// A lead in its normal form.
#[derive(Debug)]
pub(crate) struct Normalised {
    pub(crate) key: ContactKey,
    pub(crate) person: Person,
    pub(crate) interest: Interest,
    pub(crate) custom: Custom,
    pub(crate) flags: Vec<Reason>,
}

/// The lead in its normal form; or, where no key can be made of it or the webhook is strict, every failing field.
pub(super) fn normalise(
    mut fields: Fields<'_>,
    webhook: &Webhook,
    external_id: Option<&str>,
) -> Result<Normalised, Vec<Reason>> {
    let mut problems = Vec::new();
    let phone = phone(&fields, webhook, &mut problems);
    let email = fields.get(Known::Email).and_then(|text| match Email::parse(text) {
        Ok(email) => Some(email),
        Err(error) => {
            problems.push(Reason::new("email", error.code(), error.to_string()));
            None
        }
    });
    let postal_code = fields.get(Known::PostalCode).and_then(|text| match PostalCode::parse(text) {
        Ok(code) => Some(code),
        Err(error) => {
            problems.push(Reason::new("postal_code", error.code(), error.to_string()));
            None
        }
    });
    let interest = interest(&mut fields, webhook, external_id, &mut problems);
    let key = webhook.settings.keys.iter().find_map(|kind| {
        let value = match kind {
            KeyKind::Phone => phone.as_ref().map(|parsed| parsed.phone.e164().to_owned()),
            KeyKind::Digits => phones(&fields).find_map(crate::phone::digits),
            KeyKind::Email => email.as_ref().map(Email::folded),
            KeyKind::External => fields.get(Known::Person).map(str::to_owned),
            KeyKind::Visitor | KeyKind::Contact => None,
        };
        Some(super::key(webhook, *kind, bounded(value?)?))
    });
    let Some(key) = key else {
        for kind in &webhook.settings.keys {
            let (known, field) = match kind {
                KeyKind::Phone | KeyKind::Digits => (Known::Phone, "phone"),
                KeyKind::Email => (Known::Email, "email"),
                KeyKind::External | KeyKind::Visitor | KeyKind::Contact => (Known::Person, "person_id"),
            };
            let said = problems.iter().any(|problem| problem.field == field);
            if fields.get(known).is_none() && !said {
                problems.push(Reason::missing(field));
            }
        }
        return Err(problems);
    };
    if webhook.settings.strict && !problems.is_empty() {
        return Err(problems);
    }
    if phone.as_ref().is_some_and(|parsed| parsed.phone.validity() == Validity::Possible) {
        problems.push(Reason::new("phone", "possible", "the number's range is not assigned"));
    }
    let (first_name, last_name) = names(&mut fields);
    let person = Person {
        first_name,
        last_name,
        email,
        phone,
        street: street(&mut fields),
        street2: fields.take(Known::Street2),
        city: fields.take(Known::City),
        state: fields.take(Known::State).map(state_code),
        postal_code,
        country: fields.take(Known::Country),
    };
    Ok(Normalised { key, person, interest, custom: fields.custom, flags: problems })
}

/// The first phone that can be read; a problem when there are some and none can.
fn phone(fields: &Fields<'_>, webhook: &Webhook, problems: &mut Vec<Reason>) -> Option<ParsedPhone> {
    let region = webhook.settings.region.or_else(|| fields.get(Known::Country)?.parse::<Region>().ok());
    let mut first_problem = None;
    for raw in phones(fields) {
        match read_phone(raw, region) {
            Ok(parsed)
                if webhook.settings.phone == PhonePolicy::Valid
                    && parsed.phone.validity() != Validity::Valid =>
            {
                let message = format!("phone `{}` is in no assigned range", parsed.phone.masked());
                first_problem.get_or_insert(Reason::new("phone", "not_valid", message));
            }
            Ok(parsed) => return Some(parsed),
            Err(reason) => {
                first_problem.get_or_insert(reason);
            }
        }
    }
    problems.extend(first_problem);
    None
}

fn phones<'f>(fields: &'f Fields<'_>) -> impl Iterator<Item = &'f str> {
    fields.all(Known::Phone)
}

#[cfg(feature = "phone")]
fn read_phone(raw: &str, region: Option<Region>) -> Result<ParsedPhone, Reason> {
    let repaired = crate::phone::repair_spreadsheet(raw);
    crate::phone::Phone::parse(repaired.as_deref().unwrap_or(raw), region)
        .map_err(|error| Reason::new("phone", error.reason().as_str(), error.to_string()))
}

/// Without the metadata only numbers in E.164 can be told, and only as possible.
#[cfg(not(feature = "phone"))]
fn read_phone(raw: &str, _: Option<Region>) -> Result<ParsedPhone, Reason> {
    let phone = crate::phone::Phone::from_e164(raw, Validity::Possible)
        .map_err(|error| Reason::new("phone", error.reason().as_str(), error.to_string()))?;
    Ok(ParsedPhone { phone, extension: None })
}

fn interest(
    fields: &mut Fields<'_>,
    webhook: &Webhook,
    external_id: Option<&str>,
    problems: &mut Vec<Reason>,
) -> Interest {
    macro_rules! open {
        ($known:ident, $ty:ty) => {
            fields.get(Known::$known).and_then(|text| match <$ty>::new(text) {
                Ok(value) => Some(value),
                Err(error) => {
                    problems.push(Reason::new(Known::$known.name(), error.code(), error.to_string()));
                    None
                }
            })
        };
    }
    Interest {
        source: open!(Source, Source).unwrap_or_else(|| webhook.default_source()),
        lead_type: open!(LeadType, LeadType).unwrap_or_else(|| webhook.settings.lead_type.clone()),
        campaign: open!(Campaign, Campaign),
        product: open!(Product, Product),
        utm: Utm {
            source: fields.take(Known::UtmSource),
            medium: fields.take(Known::UtmMedium),
            campaign: fields.take(Known::UtmCampaign),
            term: fields.take(Known::UtmTerm),
            content: fields.take(Known::UtmContent),
        },
        external_id: external_id.map(str::to_owned).or_else(|| bounded(fields.take(Known::ExternalId)?)),
    }
}

/// Given and family name: as sent, or made of the full name (`John Doe`, `Doe, John`).
fn names(fields: &mut Fields<'_>) -> (Option<String>, Option<String>) {
    let (first, last) = (fields.take(Known::FirstName), fields.take(Known::LastName));
    let Some(full) = fields.get(Known::FullName).filter(|_| first.is_none() && last.is_none()) else {
        return (first, last);
    };
    let (first, last) = match full.split_once(',') {
        Some((last, first)) => (first.trim(), last.trim()),
        None => full.rsplit_once(' ').unwrap_or((full, "")),
    };
    let some = |part: &str| (!part.is_empty()).then(|| part.to_owned());
    (some(first), some(last))
}

/// Street and house number: a number that is sent apart goes before the street.
fn street(fields: &mut Fields<'_>) -> Option<String> {
    match (fields.take(Known::StreetNumber), fields.take(Known::Street)) {
        (Some(number), Some(street)) => Some(format!("{number} {street}")),
        (number, street) => street.or(number),
    }
}

/// A value that may be an index key.
fn bounded(value: String) -> Option<String> {
    (value.len() <= super::CLAIM_BYTES_MAX).then_some(value)
}
