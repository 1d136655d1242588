use std::collections::BTreeMap;

use super::journeys::{Counts, Journeys};
use super::share::ChannelShares;
use super::solve::solve;
use crate::error::{Error, Reason};

/// What each channel is worth by its removal effect, in a Markov chain of an order: a step depends on so many channels before it.
///
/// The chain begins at a start state and ends in a conversion or in the null state. Its probabilities are those of all
/// journeys, also of those that did not convert. The removal effect of a channel is the part of conversions that is lost
/// when whoever comes to it goes to the null state instead: `1 - P(conversion without it) / P(conversion)`. It is solved as a
/// system of linear equations, without chance. Shares are the effects divided by their sum.
///
/// Costs, for `s` states (the channels, and the pairs, triples ... of them that occur), `s^3 / 3` products for each channel.
///
/// Fails for an order that is not from 1 to [`MARKOV_ORDER_MAX`], and beyond [`MARKOV_STATES_MAX`] states.
///
/// ```
/// use convio_core::attribution::{Journeys, removal_effects};
/// use convio_core::text::MarketingChannel;
/// let channel = |name: &str| MarketingChannel::new(name).unwrap();
/// let mut journeys = Journeys::default();
/// journeys.add([channel("a"), channel("b")], 1, 0)?;
/// journeys.add([channel("a")], 0, 1)?;
/// journeys.add([channel("b")], 1, 1)?;
/// let found = removal_effects(&journeys, 1)?;
/// // Half begin with a, and half of these go on to b; the others begin with b. Of b, 2 of 3 convert: 3/4 * 2/3 = 1/2.
/// assert!((found.total - 0.5).abs() < 1e-15);
/// assert!((found.each[0].worth - 1.0 / 3.0).abs() < 1e-15); // without a: 1/2 * 2/3 = 1/3
/// assert!((found.each[1].worth - 1.0).abs() < 1e-15); // without b nobody converts
/// assert!((found.each[0].share - 0.25).abs() < 1e-15);
/// # Ok::<(), convio_core::Error>(())
/// ```
pub fn removal_effects(journeys: &Journeys, order: usize) -> Result<ChannelShares, Error> {
    if !(1..=MARKOV_ORDER_MAX).contains(&order) {
        let message = format!("the order must be from 1 to {MARKOV_ORDER_MAX}");
        return Err(Error::invalid(vec![Reason::new("order", "out_of_range", message)]));
    }
    let chain = Chain::of(journeys, order)?;
    let channels = journeys.channels();
    let (whole, effects) = chain.effects(channels.len())?;
    Ok(ChannelShares::of(whole, channels.into_iter().cloned().zip(effects)))
}

/// What a journey is at: its last channels, as many as the order; fewer at its beginning, none at the start.
type State = Vec<u32>;

/// A chain of states, the start first.
#[derive(Default)]
struct Chain {
    states: Vec<State>,
    numbers: BTreeMap<State, usize>,
    /// Of each state: how often which state follows.
    next: Vec<BTreeMap<usize, u64>>,
    /// Of each state: how many convert there, and how many end.
    ends: Vec<Counts>,
}

impl Chain {
    fn of(journeys: &Journeys, order: usize) -> Result<Self, Error> {
        let mut chain = Self::default();
        chain.number(&[])?;
        for (path, counts) in journeys.in_order() {
            let mut at = 0;
            for end in 1..=path.len() {
                let next = chain.number(&path[end.saturating_sub(order)..end])?;
                *chain.next[at].entry(next).or_default() += counts.all();
                at = next;
            }
            let ends = &mut chain.ends[at];
            ends.conversions += counts.conversions;
            ends.nulls += counts.nulls;
        }
        Ok(chain)
    }

    fn number(&mut self, state: &[u32]) -> Result<usize, Error> {
        if let Some(number) = self.numbers.get(state) {
            return Ok(*number);
        }
        let number = self.states.len();
        if number == MARKOV_STATES_MAX {
            let message = format!("the chain has more than {MARKOV_STATES_MAX} states");
            return Err(Error::invalid(vec![Reason::new("states", "too_many", message)]));
        }
        self.states.push(state.to_vec());
        self.numbers.insert(state.to_vec(), number);
        self.next.push(BTreeMap::new());
        self.ends.push(Counts::default());
        Ok(number)
    }

    /// How probably the start ends in a conversion, and what part of that is lost without each of so many channels.
    fn effects(&self, channels: usize) -> Result<(f64, Vec<f64>), Error> {
        let whole = self.conversion_without(None)?;
        let effect = |channel: u32| {
            let without = if whole > 0.0 { self.conversion_without(Some(channel))? / whole } else { 1.0 };
            Ok((1.0 - without).max(0.0)) // rounding must not make it negative
        };
        let effects: Result<Vec<f64>, Error> = (0..).take(channels).map(effect).collect();
        Ok((whole, effects?))
    }

    /// How probably the start ends in a conversion, where a channel leads to the null state. States that have it can't be come to.
    ///
    /// The probabilities `x` of all states solve `x = Q x + r`, with `Q` from state to state and `r` to the conversion.
    fn conversion_without(&self, channel: Option<u32>) -> Result<f64, Error> {
        let is_left = |state: &State| channel.is_none_or(|channel| !state.contains(&channel));
        let left: Vec<usize> = (0..self.states.len()).filter(|n| is_left(&self.states[*n])).collect();
        let mut places = vec![None; self.states.len()];
        for (place, state) in left.iter().enumerate() {
            places[*state] = Some(place);
        }
        let (mut rows, mut right) = (Vec::with_capacity(left.len()), Vec::with_capacity(left.len()));
        for (place, state) in left.iter().enumerate() {
            let mut row = vec![0.0; left.len()];
            let all = self.ends[*state].all() + self.next[*state].values().sum::<u64>();
            let part = |count: u64| if all == 0 { 0.0 } else { count as f64 / all as f64 };
            row[place] = 1.0;
            for (next, count) in &self.next[*state] {
                if let Some(next) = places[*next] {
                    row[next] -= part(*count);
                }
            }
            rows.push(row);
            right.push(part(self.ends[*state].conversions));
        }
        // Every state is on the way to an end, so there is one solution.
        let solved = solve(rows, right).ok_or_else(|| Error::bug("a chain of journeys has no solution"))?;
        Ok(solved[0])
    }
}

/// The highest order: beyond it there are more states than journeys to learn from.
pub const MARKOV_ORDER_MAX: usize = 4;

/// The most states of a chain: so many are a matrix of 18 MB, and some seconds for a dozen channels.
pub const MARKOV_STATES_MAX: usize = 1_500;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn data(name: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/attribution").join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A chain of order 1 by a table of counts: a row for each channel and for the start, a column for each channel, for the
    /// conversion and the null state.
    fn chain(table: &str) -> (Vec<&str>, Chain) {
        let names: Vec<&str> = table.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
        let names = names[..names.len() - 1].to_vec();
        let mut chain = Chain::default();
        chain.number(&[]).unwrap();
        for n in (0..).take(names.len()) {
            chain.number(&[n]).unwrap();
        }
        for (row, line) in table.lines().skip(1).enumerate() {
            let counts: Vec<u64> = line.split(',').skip(1).map(|cell| cell.parse().unwrap()).collect();
            let state = if row == names.len() { 0 } else { row + 1 };
            chain.next[state] = (1..).zip(counts[..names.len()].iter().copied()).collect();
            chain.ends[state] = Counts { conversions: counts[names.len()], nulls: counts[names.len() + 1] };
        }
        (names, chain)
    }

    #[test]
    fn removal_effects_of_the_path_data_are_those_of_its_oracle() {
        let (table, expected) = (data("pathdata_transitions.csv"), data("pathdata_expected.csv"));
        let (names, chain) = chain(&table);
        let (whole, effects) = chain.effects(names.len()).unwrap();
        let (conversions, nulls) =
            chain.ends.iter().fold((0, 0), |sum, of| (sum.0 + of.conversions, sum.1 + of.nulls));
        assert_eq!((conversions, nulls), (19_785, 68_602));
        assert!((whole - 19_785.0 / 88_387.0).abs() < 1e-15);
        let sum: f64 = effects.iter().sum();
        for (line, (name, effect)) in expected.lines().skip(1).zip(names.iter().zip(&effects)) {
            let cells: Vec<&str> = line.split(',').collect();
            let (removal, credit): (f64, f64) = (cells[1].parse().unwrap(), cells[2].parse().unwrap());
            assert_eq!(cells[0], *name);
            assert!((effect / removal - 1.0).abs() < 1e-9, "{name}: {effect} {removal}");
            assert!((effect / sum * 19_785.0 / credit - 1.0).abs() < 1e-9, "{name}: {effect} {credit}");
        }
    }
}
