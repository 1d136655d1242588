//! The example's own rules. The file tells who people are; what they want, when they asked and what became of it is made
//! up here, from `rec_id` alone, so that every run on every machine comes to the same figures.
//!
//! The divisors are primes that do not divide 10, since `rec_id` is ten times something plus 0 or 1: so each rule is
//! spread evenly, and none depends on another one.

use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use convio_core::{Money, Outcome, Rule, Schedule, Target, Zone};

use crate::Failure;

/// The number of a record of the file; everything that is made up follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecId(u32);

impl RecId {
    /// What the lead asks for.
    pub(crate) fn product(self) -> &'static str {
        self.offer().0
    }

    /// Where it came from; a seventh of the leads do not say.
    pub(crate) fn source(self) -> Option<&'static str> {
        match self.0 % 7 {
            0..=2 => Some("google"),
            3..=4 => Some("facebook"),
            5 => Some("referral"),
            _ => None,
        }
    }

    /// When it came in.
    pub(crate) fn received_at(self) -> Result<DateTime<Utc>, Failure> {
        Ok(Zone::parse(ZONE)?.local(self.received()).at)
    }

    /// Whether an appointment is booked from it.
    pub(crate) fn is_booked(self) -> bool {
        self.0 % 11 < 3
    }

    /// When that takes place: two days later, at a full hour from nine to four.
    pub(crate) fn schedule(self) -> Result<Schedule, Failure> {
        let day = self.received().date() + Days::new(2);
        let wall = format!("{day}T{:02}:00", 9 + self.0 % 8);
        Ok(Schedule::local(&wall, ZONE)?)
    }

    /// How it ends; `None` while it is still to take place.
    pub(crate) fn outcome(self) -> Result<Option<Outcome>, Failure> {
        let sold = match self.source() {
            Some("referral") => 6,
            Some("google") => 4,
            Some(_) => 3,
            None => 2,
        };
        let n = self.0 % 13;
        Ok(match n {
            _ if n < sold => Some(Outcome::Sold(self.offer().1.parse::<Money>()?)),
            0..=10 => Some(Outcome::NotSold),
            _ => None,
        })
    }

    fn offer(self) -> (&'static str, &'static str) {
        match self.0 % 3 {
            0 => ("Solar", "8900.00 AUD"),
            1 => ("HVAC", "4200.00 AUD"),
            _ => ("Insurance", "640.00 AUD"),
        }
    }

    /// The civil time of its receipt. One that the clocks skip (the night to 5 October) moves forward.
    fn received(self) -> NaiveDateTime {
        let day = FIRST_DAY + Days::new(u64::from(self.0 % 31));
        day.and_time(chrono::NaiveTime::MIN) + TimeDelta::minutes(i64::from(self.0 % 1439))
    }
}

impl FromStr for RecId {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        text.parse().map(Self).map_err(|_| format!("`{text}` is no rec_id").into())
    }
}

/// Who gets which appointments. Insurance has no rule for the rest of the country: there, appointments stay unrouted.
pub(crate) fn routing() -> Vec<Rule> {
    let rule = |team: &str, product: &str| Rule::to(Target::team(team)).named(team).products([product]);
    vec![
        rule("solar-nsw", "Solar").zips(codes(2000..=2999)).priority(1),
        rule("solar-vic-tas", "Solar").zips(codes(3000..=3999).chain(codes(7000..=7999))).priority(1),
        rule("solar-qld", "Solar").zips(codes(4000..=4999)).priority(1),
        rule("solar-rest", "Solar").any_zip().priority(9),
        rule("hvac-east", "HVAC").zips(codes(2000..=4999)).priority(1),
        rule("hvac-rest", "HVAC").any_zip().priority(9),
        rule("insurance-nsw-vic", "Insurance").zips(codes(2000..=3999)).priority(1),
        rule("insurance-qld", "Insurance").zips(codes(4000..=4999)).priority(1),
    ]
}

/// The rules, for the reader.
pub(crate) fn stated() -> String {
    STATED.to_owned()
}

/// Postal codes are text: each code of a range is listed.
fn codes(range: std::ops::RangeInclusive<u32>) -> impl Iterator<Item = String> {
    range.map(|code| format!("{code:04}"))
}

/// Where the leads come in, and whose days are counted.
pub(crate) const ZONE: &str = "Australia/Sydney";
/// The file has no dates: its leads are spread over a month that has 31 days and a change of the clocks.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2025, 10, 1).unwrap();
const STATED: &str = "\
The people are those of the file, their phones too. The file says nothing of their interest, so the example does, by
the record's number n = rec_id:
  product      n mod 3   0 Solar, 1 HVAC, 2 Insurance
  source       n mod 7   0-2 google, 3-4 facebook, 5 referral, 6 none is sent
  received     n mod 31  the day of October 2025, n mod 1439 the minute of that day, in Australia/Sydney
  appointment  n mod 11  0-2 booked, two days later at 9 + n mod 8 hours
  routed by product and postal code
               Solar      2xxx, 3xxx + 7xxx, 4xxx to a team each, the rest to a fourth
               HVAC       2xxx-4xxx to one team, the rest to another
               Insurance  2xxx-3xxx, 4xxx to a team each, the rest to nobody: unrouted
  outcome      n mod 13  sold below 4 (google), 3 (facebook), 6 (referral), 2 (none); up to 10 not sold; then open
  price        Solar 8,900, HVAC 4,200, Insurance 640 AUD
A contact is known by its phone number in E.164, or else by the digits of what was sent. Not sent to Convio:
entity_id (who is who), soc_sec_id, blocking_number; rec_id is the sender's id of the lead and no key of a contact.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipped_time_moves_forward_and_stays_on_its_day() {
        let zone = Zone::parse(ZONE).unwrap();
        let skipped = (0..1_000_000).map(RecId).filter(|n| {
            let wall = n.received();
            wall.date() == FIRST_DAY + Days::new(4) && wall.time() >= "02:00:00".parse().unwrap()
                && wall.time() < "03:00:00".parse().unwrap()
        });
        let mut seen = 0;
        for n in skipped {
            let wall = zone.wall(n.received_at().unwrap());
            assert_eq!(wall, n.received() + TimeDelta::hours(1));
            seen += 1;
        }
        assert!(seen > 0);
    }

    #[test]
    fn the_rules_are_accepted_and_leave_insurance_a_gap() {
        use convio_core::routing::{RoutingRequest, RuleSet};
        use convio_core::{PostalCode, Product};
        let rules = RuleSet::publish(1, routing()).unwrap();
        let target = |product: &str, zip: Option<&str>| {
            let postal_code = zip.map(|zip| PostalCode::parse(zip).unwrap());
            rules.decide(&RoutingRequest { product: Product::new(product).ok(), postal_code }).target
        };
        assert_eq!(target("Solar", Some("2999")), Some(Target::team("solar-nsw")));
        assert_eq!(target("Solar", Some("7000")), Some(Target::team("solar-vic-tas")));
        assert_eq!(target("Solar", None), Some(Target::team("solar-rest")));
        assert_eq!(target("HVAC", Some("0800")), Some(Target::team("hvac-rest")));
        assert_eq!(target("Insurance", Some("6000")), None);
        assert_eq!(target("Insurance", None), None);
    }
}
