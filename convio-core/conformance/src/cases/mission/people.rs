//! Contacts: who they are, and what they are known by.

use convio_core::contact::ContactRef;
use convio_core::lead::LeadFilter;
use convio_core::{
    ContactNumber, DedupScope, KeyKind, KeyScope, NewWebhook, NumberSeries, RawLead, StreamRef, Validity,
};
use serde_json::json;

use super::{contact, contacts, kinds, lead, leads_by, play};
use crate::mission::NUMBER;
use crate::{Subject, codes, created, lead as new_lead, lead_with, linked};

pub(crate) async fn contacts_are_the_primary_customer_entities(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    // Four leads, two people: everything else hangs on them.
    assert_eq!(contacts(&mission.acme).await, [mission.john, mission.jane]);
    let john = contact(&mission.acme, mission.john).await;
    assert_eq!((john.leads, john.conversions), (3, 1));
    assert_eq!(john.lifetime.iter().map(|sum| sum.to_string()).collect::<Vec<_>>(), ["5000.00 USD"]);
    assert_eq!(john.first_touch.lead, mission.leads.solar);
    // Each of his leads and the sale are part of his history.
    let happened = ["lead.received", "lead.received", "lead.received", "conversion.recorded"];
    assert_eq!(kinds(&mission.acme, StreamRef::Contact(mission.john)).await, happened);
}

pub(crate) async fn john_has_the_id_of_the_document(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let number: ContactNumber = NUMBER.parse().unwrap();
    assert_eq!(number.to_string(), "123456");
    let found = mission.acme.contact(ContactRef::Number(number)).await.unwrap().unwrap();
    assert_eq!((found.id, found.number), (mission.john, number));
    // The same number means another row to the other client.
    let found = mission.other.contact(ContactRef::Number(number)).await.unwrap().unwrap();
    assert_eq!((found.id, found.number), (mission.johnny, number));
    assert_ne!(mission.john, mission.johnny);
}

pub(crate) async fn john_is_named_john_doe(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let person = contact(&mission.acme, mission.john).await.person;
    assert_eq!((person.first_name.as_deref(), person.last_name.as_deref()), (Some("John"), Some("Doe")));
}

/// The number is in a range that no one assigned: taken, and each lead with it says so.
pub(crate) async fn john_has_the_phone_of_the_document(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let phone = contact(&mission.acme, mission.john).await.person.phone.unwrap();
    assert_eq!((phone.phone.e164(), phone.phone.validity()), ("+15551234567", Validity::Possible));
    let mut keys = mission.acme.contact_keys(mission.john).await.unwrap();
    let key = keys.pop().unwrap();
    assert_eq!(keys, []);
    assert_eq!(
        (key.scope, key.kind, key.value.as_str()),
        (KeyScope::Workspace, KeyKind::Phone, "+15551234567")
    );
    let found = mission.acme.contact(ContactRef::Key(key)).await.unwrap().unwrap();
    assert_eq!(found.id, mission.john);
    for id in leads_by(&mission.acme, &LeadFilter::of_contact(mission.john)).await {
        assert_eq!(codes(&lead(&mission.acme, id).await.flags), ["phone/possible"]);
    }
}

pub(crate) async fn john_has_the_email_of_the_document(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let email = contact(&mission.acme, mission.john).await.person.email.unwrap();
    assert_eq!(email.as_str(), "john@email.com");
    // Only the first of his leads says it: the later ones took nothing away.
    let email = contact(&mission.other, mission.johnny).await.person.email.unwrap();
    assert_eq!(email.as_str(), "johnny@home.example");
}

pub(crate) async fn contacts_contain_normalized_customer_information(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let john = contact(&mission.acme, mission.john).await.person;
    let name = [john.first_name, john.last_name].map(Option::unwrap);
    let phone = john.phone.unwrap().phone.e164().to_owned();
    let address = [john.street, john.city, john.state, john.country].map(Option::unwrap);
    assert_eq!(name, ["John", "Doe"]);
    assert_eq!((phone.as_str(), john.email.unwrap().as_str()), ("+15551234567", "john@email.com"));
    assert_eq!(address, ["123 Main St", "Los Angeles", "CA", "US"]);
    assert_eq!(john.postal_code.unwrap().as_str(), "90012");
    // Other spellings of all of it come to the same.
    let spelt = json!({"contact": {"FIRST NAME": "  John", "surname": "Doe ", "mobile": "+1 (212) 200-0007",
        "Email Address": " john@Email.Com ", "homeAddress": {"street": "123 Main  St", "town": "Los Angeles",
        "province": "ca", "postcode": "90012", "country": "US"}}});
    let other = created(mission.acme.ingest(RawLead::json(spelt.to_string())).await);
    let other = contact(&mission.acme, other.contact).await.person;
    assert_eq!([other.first_name, other.last_name].map(Option::unwrap), name);
    assert_eq!([other.street, other.city, other.state, other.country].map(Option::unwrap), address);
    assert_eq!(other.email.unwrap().as_str(), "john@email.com");
    assert_eq!(other.phone.unwrap().phone.e164(), "+12122000007");
}

pub(crate) async fn contacts_use_six_digit_ids(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let series = NumberSeries::of(mission.acme.id());
    let mut numbers = vec![
        contact(&mission.acme, mission.john).await.number,
        contact(&mission.acme, mission.jane).await.number,
    ];
    for n in 10..40 {
        numbers.push(created(mission.acme.ingest(new_lead(n)).await).number);
    }
    let expected: Vec<_> = (0..32).map(|n| series.nth(n)).collect();
    assert_eq!(numbers, expected);
    for number in &numbers {
        assert_eq!(number.to_string().len(), 6);
        let found = mission.acme.contact(ContactRef::Number(*number)).await.unwrap().unwrap();
        assert_eq!(found.number, *number);
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 32);
}

/// A webhook's contacts are the workspace's until it is told to keep its own: then one phone is one contact per webhook.
pub(crate) async fn one_contact_per_unique_phone_number_per_webhook(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let acme = &mission.acme;
    for name in ["own-a", "own-b"] {
        let own = NewWebhook::named(name).with(|settings| settings.scope = DedupScope::Webhook);
        acme.create_webhook(own).await.unwrap();
    }
    let john = || lead_with(7, json!({"phone": "+1 555 123 4567"}));
    let mut per_webhook = vec![mission.john];
    for name in ["own-a", "own-b"] {
        let first = created(acme.ingest(john().webhook(name)).await);
        let again = linked(acme.ingest(john().webhook(name)).await);
        assert_eq!(again.contact, first.contact);
        per_webhook.push(first.contact);
    }
    // The three of the document share their contacts.
    for name in ["google-solar", "facebook-hvac", "insurance-portal"] {
        assert_eq!(linked(acme.ingest(john().webhook(name)).await).contact, mission.john);
    }
    per_webhook.sort_unstable();
    per_webhook.dedup();
    assert_eq!(per_webhook.len(), 3);
    let mut shown: Vec<_> = contacts(acme).await.into_iter().filter(|id| *id != mission.jane).collect();
    shown.sort_unstable();
    assert_eq!(shown, per_webhook);
}

pub(crate) async fn a_contact_can_have_multiple_leads(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let mut of_john = LeadFilter::of_contact(mission.john);
    let mut told = Vec::new();
    for id in leads_by(&mission.acme, &of_john).await {
        let interest = lead(&mission.acme, id).await.interest;
        told.push((interest.campaign.unwrap().to_string(), interest.product.unwrap().to_string()));
    }
    let expected =
        ["Solar", "HVAC", "Insurance"].map(|product| (format!("{product} Campaign"), product.into()));
    assert_eq!(told, expected);
    // There is no most: one webhook after the other, one product after the other.
    for n in 0..20 {
        let body = json!({"phone": "+15551234567", "product": format!("Product {n}")});
        let taken = linked(mission.acme.ingest(lead_with(1, body)).await);
        assert_eq!((taken.contact, taken.duplicate_of), (mission.john, None));
    }
    assert_eq!(contact(&mission.acme, mission.john).await.leads, 23);
    of_john.webhook = Some(mission.acme.webhook("direct").await.unwrap().unwrap().id);
    assert_eq!(leads_by(&mission.acme, &of_john).await.len(), 20);
}
