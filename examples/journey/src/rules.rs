//! The example's own rules. The file tells who people are; what they want, when they asked and what became of it is made
//! up here, from `rec_id` alone, so that every run on every machine comes to the same figures.
//!
//! The divisors are primes that do not divide 10, since `rec_id` is ten times something plus 0 or 1: so each rule is
//! spread evenly, and none depends on another one.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use convio_core::{Channel, ContactAttempt, Money, Outcome, Rule, Schedule, Target, Zone};

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

    /// When it is moved to, if it is: a week later.
    pub(crate) fn moved_schedule(self) -> Result<Schedule, Failure> {
        let wall = self.schedule()?.wall + Days::new(7);
        Ok(Schedule::local(&wall.format("%Y-%m-%dT%H:%M").to_string(), ZONE)?)
    }

    /// When it is booked: half an hour after the lead came in.
    pub(crate) fn booked_at(self) -> Result<DateTime<Utc>, Failure> {
        Ok(self.received_at()? + TimeDelta::minutes(30))
    }

    /// The call before it is booked, a quarter of an hour after the lead came in: some are not reached, and book by themselves.
    pub(crate) fn call(self) -> Result<ContactAttempt, Failure> {
        let at = self.received_at()? + TimeDelta::minutes(15);
        Ok(ContactAttempt { channel: Channel::Call, reached: self.0 % 19 < 12, automated: false, at })
    }

    /// What becomes of the appointment before it takes place.
    pub(crate) fn fate(self) -> Fate {
        match self.0 % 17 {
            0 => Fate::Cancelled,
            1 => Fate::NoShow,
            2..=3 => Fate::Moved,
            4..=8 => Fate::Confirmed,
            _ => Fate::Plain,
        }
    }

    /// How it ends once it takes place; `None` while it is still to.
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
        match self.0 % 9 {
            0..=3 => ("Solar", "8900.00 AUD"),
            4..=6 => ("HVAC", "4200.00 AUD"),
            _ => ("Insurance", "640.00 AUD"),
        }
    }

    /// The civil time of its receipt. One that the clocks skip (the night to 5 October) moves forward.
    fn received(self) -> NaiveDateTime {
        let day = FIRST_DAY + Days::new(u64::from(self.0 % 31));
        day.and_time(chrono::NaiveTime::MIN) + TimeDelta::minutes(i64::from(self.0 % 1439))
    }
}

/// What becomes of an appointment before it takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The customer calls it off.
    Cancelled,
    /// The customer does not come.
    NoShow,
    /// The customer moves it; the other one takes place.
    Moved,
    /// The customer confirms it, and it takes place.
    Confirmed,
    /// It takes place.
    Plain,
}

impl fmt::Display for RecId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
        rule("solar-sydney", "Solar").zips(codes(SYDNEY)).priority(1),
        rule("solar-melbourne", "Solar").zips(codes(MELBOURNE)).priority(1),
        rule("solar-brisbane", "Solar").zips(codes(BRISBANE)).priority(1),
        rule("solar-rest", "Solar").any_zip().priority(9),
        rule("hvac-east", "HVAC").zips([SYDNEY, MELBOURNE, BRISBANE].into_iter().flat_map(codes)).priority(1),
        rule("hvac-rest", "HVAC").any_zip().priority(9),
        rule("insurance-sydney", "Insurance").zips(codes(SYDNEY)).priority(1),
        rule("insurance-melbourne", "Insurance").zips(codes(MELBOURNE)).priority(1),
    ]
}

/// Postal codes are text: each code of a range is listed.
fn codes(range: RangeInclusive<u32>) -> impl Iterator<Item = String> {
    range.map(|code| format!("{code:04}"))
}

/// Where the leads come in, and whose days are counted.
pub(crate) const ZONE: &str = "Australia/Sydney";
/// All of it, for the reader.
pub(crate) const STATED: &str = "\
The people are those of the file, their phones too. What they want, when they asked and what became of it the file does
not say; the example does, by the record's number n = rec_id:
  product      n mod 9   0-3 Solar, 4-6 HVAC, 7-8 Insurance
  source       n mod 7   0-2 google, 3-4 facebook, 5 referral, 6 none is sent (the webhook's name counts)
  received     n mod 31  the day of October 2025, n mod 1439 the minute of that day, in Australia/Sydney
  appointment  n mod 11  0-2 called after a quarter of an hour (n mod 19: 0-11 are reached), booked after half an hour, for
                         two days later at 9 + n mod 8 hours
  routed by product and postal code (Sydney 2000-2249, Melbourne 3000-3207, Brisbane 4000-4207)
               Solar      each city to a team of its own, the rest to a fourth
               HVAC       the three cities to one team, the rest to another
               Insurance  Sydney and Melbourne to a team each, the rest to nobody: unrouted
  then         n mod 17  0 the customer cancels, 1 does not come, 2-3 moves it by a week, 4-8 confirms it
  outcome      n mod 13  at its end, if it takes place: sold below 4 (google), 3 (facebook), 6 (referral), 2 (none);
                         up to 10 not sold; then still open
  price        Solar 8,900, HVAC 4,200, Insurance 640 AUD
A contact is known by its phone number in E.164, or else by the digits of what was sent. Not sent to Convio: entity_id
(who is who), soc_sec_id, blocking_number. rec_id is sent as the sender's id of the lead, which is no key of a contact.
";
/// By now every appointment of the example lies behind.
pub(crate) const ALL_IS_OVER: DateTime<Utc> = DateTime::from_timestamp(1_763_600_000, 0).unwrap(); // 20 November 2025
/// The file has no dates: its leads are spread over a month that has 31 days and a change of the clocks.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2025, 10, 1).unwrap();
const SYDNEY: RangeInclusive<u32> = 2000..=2249;
const MELBOURNE: RangeInclusive<u32> = 3000..=3207;
const BRISBANE: RangeInclusive<u32> = 4000..=4207;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipped_time_moves_forward_and_stays_on_its_day() {
        let zone = Zone::parse(ZONE).unwrap();
        let skipped = (0..1_000_000).map(RecId).filter(|n| {
            let wall = n.received();
            wall.date() == FIRST_DAY + Days::new(4)
                && wall.time() >= "02:00:00".parse().unwrap()
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
            rules
                .decide(&RoutingRequest {
                    product: Product::new(product).ok(),
                    postal_code,
                    ..Default::default()
                })
                .target
        };
        assert_eq!(target("Solar", Some("2249")), Some(Target::team("solar-sydney")));
        assert_eq!(target("Solar", Some("2250")), Some(Target::team("solar-rest")));
        assert_eq!(target("Solar", None), Some(Target::team("solar-rest")));
        assert_eq!(target("HVAC", Some("0800")), Some(Target::team("hvac-rest")));
        assert_eq!(target("Insurance", Some("6000")), None);
        assert_eq!(target("Insurance", None), None);
    }
}
