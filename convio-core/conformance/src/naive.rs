//! The merge rule, said once more in the plainest way: for each field, of all that leads ever said of it, what the
//! greatest stamp said.

use convio_core::Person;
use convio_core::contact::{FIELDS, Field, Stamp, Stamps};

/// The person that these offers make, in whatever order they are given, and where each field comes from.
pub(crate) fn person_of(offers: &[(Stamp, Person)]) -> (Person, Stamps) {
    let mut person = Person::default();
    let mut bytes = Vec::new();
    for field in FIELDS {
        let said = offers.iter().filter(|(_, person)| person.has(field));
        let Some((stamp, best)) = said.max_by_key(|(stamp, _)| (stamp.rank, stamp.at, stamp.lead)) else {
            bytes.push(0);
            continue;
        };
        copy(field, best, &mut person);
        let stamp = stamp.to_bytes();
        bytes.push(stamp.len() as u8);
        bytes.extend(stamp);
    }
    let stamps = Stamps::from_bytes(&bytes).expect("lengths and stamps were written one after the other");
    (person, stamps)
}

fn copy(field: Field, from: &Person, to: &mut Person) {
    match field {
        Field::FirstName => to.first_name = from.first_name.clone(),
        Field::LastName => to.last_name = from.last_name.clone(),
        Field::Email => to.email = from.email.clone(),
        Field::Phone => to.phone = from.phone.clone(),
        Field::Street => to.street = from.street.clone(),
        Field::Street2 => to.street2 = from.street2.clone(),
        Field::City => to.city = from.city.clone(),
        Field::State => to.state = from.state.clone(),
        Field::PostalCode => to.postal_code = from.postal_code.clone(),
        Field::Country => to.country = from.country.clone(),
    }
}
