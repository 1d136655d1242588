use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::RoutingRequest;
use crate::error::Reason;

/// A time in which a target gets nothing, such as a vacation: from one instant on, and before another.
///
/// It is the appointment's start that must not lie in it: who is on vacation next week can be given something today for the week after,
/// and nothing today for next week, wherever they are now. Where no start is known, as in [`RoutingRequest::of`], it is the moment of the
/// decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Away {
    /// Its first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub to: DateTime<Utc>,
}

impl Away {
    /// Until when someone with these times away is away, where a request falls into one: those that meet are one.
    pub(super) fn until(times: &[Self], request: &RoutingRequest) -> Option<DateTime<Utc>> {
        let at = request.starts_at.unwrap_or(request.at);
        let mut until = None;
        let end = |at| times.iter().filter(|it| it.from <= at && at < it.to).map(|it| it.to).max();
        while let Some(end) = end(until.unwrap_or(at)) {
            until = Some(end);
        }
        until
    }

    /// What is wrong with the times away of one target.
    pub(super) fn check(of: &str, times: &[Self]) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let mut wrong = |code: &str, message: String| reasons.push(Reason::new("away", code, message));
        if times.len() > AWAY_MAX {
            wrong("too_many", format!("{of} is away more than {AWAY_MAX} times"));
        }
        for Self { from, to } in times {
            let time = format!("from {} to {}", shown(*from), shown(*to));
            match from.cmp(to) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => wrong("empty", format!("{of} is away for no time, {time}")),
                std::cmp::Ordering::Greater => wrong("reversed", format!("{of} is away backwards, {time}")),
            }
        }
        reasons
    }
}

/// A time in a sentence.
pub(super) fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// Most times away of one target: two a week for a year.
pub const AWAY_MAX: usize = 104;

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> DateTime<Utc> {
        format!("2026-03-{day:02}T00:00:00Z").parse().unwrap()
    }

    #[test]
    fn times_are_half_open_and_those_that_meet_are_one() {
        let times = [(5, 6), (2, 4), (3, 5), (9, 10)].map(|(from, to)| Away { from: day(from), to: day(to) });
        let until = |at, starts_at| {
            Away::until(&times, &RoutingRequest { at, starts_at, ..RoutingRequest::default() })
        };
        assert_eq!((until(day(1), None), until(day(2), None)), (None, Some(day(6))));
        assert_eq!((until(day(5), None), until(day(6), None)), (Some(day(6)), None));
        // When it starts goes before when it is decided.
        assert_eq!((until(day(2), Some(day(7))), until(day(7), Some(day(9)))), (None, Some(day(10))));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let check = |from, to| {
            let reasons = Away::check("person `ann`", &[Away { from: day(from), to: day(to) }]);
            reasons.into_iter().map(|it| (it.code, it.message)).collect::<Vec<_>>()
        };
        let refused = |code: &str, message: &str| vec![(code.to_owned(), message.to_owned())];
        let empty = "person `ann` is away for no time, from 2026-03-02T00:00:00Z to 2026-03-02T00:00:00Z";
        let reversed = "person `ann` is away backwards, from 2026-03-03T00:00:00Z to 2026-03-02T00:00:00Z";
        assert_eq!(check(2, 3), []);
        assert_eq!((check(2, 2), check(3, 2)), (refused("empty", empty), refused("reversed", reversed)));
        let many = vec![Away { from: day(1), to: day(2) }; AWAY_MAX + 1];
        assert_eq!(Away::check("team `a`", &many)[0].code, "too_many");
    }
}
