use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::pick::State;
use super::{Decision, Declined, End, RoutingRequest, RuleTable, Seat, Seated, Target};

/// Decisions one after the other, counted in memory: what rules would do, without writing anything.
///
/// ```
/// use convio_core::routing::{Cap, Period, RoutingRequest, Rule, RuleSet, Simulation, Target};
/// let rules = [Rule::to(Target::team("west")).any_product().any_zip().cap(Cap::count(1, Period::Day))];
/// let mut simulation = Simulation::of(RuleSet::publish(1, rules).unwrap());
/// let request = RoutingRequest::default();
/// let first = simulation.decide(&request, &[]);
/// assert_eq!(first.target, Some(Target::team("west")));
/// assert_eq!(simulation.decide(&request, &[]).target, None); // its cap is reached
/// simulation.give_back(&first, convio_core::routing::End::Cancelled);
/// assert_eq!(simulation.decide(&request, &[]).target, first.target);
/// ```
#[derive(Debug, Clone)]
pub struct Simulation {
    table: Arc<RuleTable>,
    counters: HashMap<(String, DateTime<Utc>), i64>,
}

impl Simulation {
    /// Rules under which nothing was counted yet.
    pub fn of(rules: impl Into<RuleTable>) -> Self {
        Self { table: Arc::new(rules.into()), counters: HashMap::new() }
    }

    /// That begins where these counters have come to.
    #[must_use]
    pub fn counted(mut self, counters: impl IntoIterator<Item = ((String, DateTime<Utc>), i64)>) -> Self {
        self.counters.extend(counters);
        self
    }

    /// The rules.
    pub fn table(&self) -> &Arc<RuleTable> {
        &self.table
    }

    /// Where a request goes, past those who declined it, and why; counted.
    pub fn decide(&mut self, request: &RoutingRequest, declined: &[Declined]) -> Decision {
        self.decide_with(request, declined, &[])
    }

    /// The same, where calendars say this of targets, such as those that a decision noted; whoever is not among these has time.
    pub fn decide_with(
        &mut self,
        request: &RoutingRequest,
        declined: &[Declined],
        seats: &[Seated],
    ) -> Decision {
        let state = Simulated { counters: &self.counters, seats };
        let Ok(decision) = self.table.decide_with(request, declined, state);
        for it in decision.counted.iter().filter(|it| it.n != 0) {
            *self.counters.entry((it.key.clone(), it.window)).or_default() += it.n;
        }
        decision
    }

    /// What was decided comes to an end.
    pub fn give_back(&mut self, decision: &Decision, end: End) {
        for back in decision.freed(end) {
            *self.counters.entry((back.key, back.window)).or_default() += back.n;
        }
    }
}

/// Counters of a simulation, and what calendars say.
struct Simulated<'s> {
    counters: &'s HashMap<(String, DateTime<Utc>), i64>,
    seats: &'s [Seated],
}

impl State for Simulated<'_> {
    type Error = Infallible;

    fn used(&mut self, key: &str, window: DateTime<Utc>) -> Result<i64, Infallible> {
        Ok(self.counters.get(&(key.to_owned(), window)).copied().unwrap_or(0))
    }

    fn seat(&mut self, target: &Target) -> Result<Option<Seat>, Infallible> {
        Ok(self.seats.iter().find(|it| it.target == *target).map(|it| it.seat))
    }
}
