//! Paths to conversions, drawn or read, and their credits by channel.

use std::collections::HashMap;
use std::str::FromStr;

use chrono::{DateTime, Days, Utc};
use convio_core::attribution::{Journeys, Lookback, Model, Pass, Path, TouchKind, Touchpoint, Who};
use convio_core::money::{Currency, Money};
use convio_core::text::{MarketingChannel, Source};
use convio_core::{SequentialIds, TouchpointId};
use rustc_hash::FxBuildHasher;

use crate::Result;
use crate::leads::mixed;

/// A path as files have it: channels by name, and how often it was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Channels, ` > ` between them.
    pub path: String,
    /// How many converted.
    pub conversions: u64,
    /// What they are worth, all together.
    pub value: f64,
    /// How many did not convert.
    pub nulls: u64,
}

/// Paths as the library takes them: touches a day apart, the last one at the conversion.
#[derive(Debug)]
pub struct Paths {
    names: Vec<MarketingChannel>,
    touches: Vec<Touchpoint>,
    /// Of each touch: the place of its channel among the names.
    channels: Vec<u32>,
    counts: Vec<Counts>,
}

#[derive(Debug)]
struct Counts {
    /// Where its touches end.
    end: usize,
    conversions: u64,
    value: f64,
    /// The value in cents.
    money: Money,
    nulls: u64,
}

/// What channels have, by each model: a row of so many channels for each.
#[derive(Debug, Clone, PartialEq)]
pub struct Credits<T> {
    /// Conversions, or cents.
    pub first: Vec<Vec<T>>,
    /// Values; none where these are cents.
    pub second: Vec<Vec<T>>,
}

/// So many different rows, of paths of a length or of several, along so many channels.
pub fn drawn(count: usize, length: Option<usize>, channels: usize) -> Vec<Row> {
    (0..count as u64).map(|n| row(n, length, channels as u64)).collect()
}

fn row(n: u64, length: Option<usize>, channels: u64) -> Row {
    let draw = |of: u64, bound: u64| mixed((n << 12) + of) % bound;
    let length = length.unwrap_or_else(|| LENGTHS[draw(0, LENGTHS.len() as u64) as usize]);
    let mut path = String::new();
    let mut channel = 0;
    for touch in 0..length as u64 {
        // Three of ten touches are of the channel before; some channels are seen more often than others.
        if touch == 0 || draw(4 * touch + 8, 10) > 2 {
            channel = draw(4 * touch + 9, channels).min(draw(4 * touch + 10, channels));
            path.push_str(if touch == 0 { "" } else { " > " });
        } else {
            path.push_str(" > ");
        }
        path.push_str("channel ");
        path.push_str(&channel.to_string());
    }
    let conversions = 1 + draw(1, 3);
    Row { path, conversions, value: (draw(2, 50_000) * conversions) as f64 / 100.0, nulls: draw(3, 8) }
}

impl FromStr for Row {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    /// A line of a file: path, conversions, value, nulls, with semicolons between them.
    fn from_str(line: &str) -> Result<Self> {
        let cells: Vec<&str> = line.trim_end().split(';').collect();
        let [path, conversions, value, nulls] = cells[..] else {
            return Err(format!("four cells are wanted, with semicolons between them: `{line}`").into());
        };
        Ok(Self {
            path: path.to_owned(),
            conversions: conversions.parse()?,
            value: value.parse()?,
            nulls: nulls.parse()?,
        })
    }
}

impl Paths {
    /// The paths of these rows. A channel's name is looked at once.
    pub fn of(rows: &[Row]) -> Result<Self> {
        let mut paths =
            Self { names: Vec::new(), touches: Vec::new(), channels: Vec::new(), counts: Vec::new() };
        let mut numbers: HashMap<&str, u32, FxBuildHasher> = HashMap::default();
        let (ids, source) = (SequentialIds::seeded(1), Source::unknown());
        for row in rows {
            let first = paths.channels.len();
            for name in row.path.split(" > ") {
                let number = match numbers.get(name) {
                    Some(number) => *number,
                    None => {
                        paths.names.push(MarketingChannel::new(name)?);
                        let number = paths.names.len() as u32 - 1;
                        numbers.insert(name, number);
                        number
                    }
                };
                paths.channels.push(number);
            }
            let end = paths.channels.len();
            for (touch, number) in (first..).zip(&paths.channels[first..]) {
                let at = CONVERTED_AT - Days::new((end - 1 - touch) as u64);
                let who = Who::Other { id: TouchpointId::new(&ids, at), kind: TouchKind::Visit };
                let channel = paths.names[*number as usize].clone();
                paths.touches.push(Touchpoint::new(who, source.clone(), channel, at));
            }
            paths.counts.push(Counts {
                end,
                conversions: row.conversions,
                value: row.value,
                money: Money::from_minor((row.value * 100.0).round() as i64, Currency::USD),
                nulls: row.nulls,
            });
        }
        Ok(paths)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.counts.len()
    }

    /// How many touches all have together.
    pub fn touches(&self) -> usize {
        self.touches.len()
    }

    /// The channels, in the order of credits.
    pub fn names(&self) -> &[MarketingChannel] {
        &self.names
    }

    /// Conversions and values by channel, as floats: each path made of its touches, and weighed by all models in one pass.
    pub fn credits(&self, models: &[Model]) -> Result<Credits<f64>> {
        let (channels_of_all, mut pass) = (self.names.len().max(1), Pass::default());
        let mut sums = vec![[0.0; 2]; models.len() * channels_of_all];
        self.each(|path, channels, counts| {
            let mut of_models = sums.chunks_exact_mut(channels_of_all);
            pass.weigh(path, models, |_, weights| {
                let sums = of_models.next().unwrap_or_default();
                let total = weights.total() as f64;
                let each = [counts.conversions as f64 / total, counts.value / total];
                // Most weights of first and last touch are nothing.
                for (channel, weight) in channels.iter().zip(weights.each()).filter(|of| *of.1 > 0) {
                    let sum = &mut sums[*channel as usize];
                    *sum = [sum[0] + *weight as f64 * each[0], sum[1] + *weight as f64 * each[1]];
                }
            });
        })?;
        let of = |place: usize| {
            let of_model = |sums: &[[f64; 2]]| sums.iter().map(|sum| sum[place]).collect();
            sums.chunks_exact(channels_of_all).map(of_model).collect()
        };
        let credits = Credits { first: of(0), second: of(1) };
        Ok(credits)
    }

    /// Values by channel in cents, each path's divided exactly; and how many divisions were not the value altogether.
    pub fn cents(&self, models: &[Model]) -> Result<(Credits<i64>, usize)> {
        let mut credits =
            Credits { first: vec![vec![0; self.names.len()]; models.len()], second: Vec::new() };
        let (mut pass, mut wrong) = (Pass::default(), 0);
        self.each(|path, channels, counts| {
            let mut model = 0;
            pass.split(path, models, counts.money, |_, split| {
                let (of_model, mut sum) = (&mut credits.first[model], 0);
                for (channel, cents) in channels.iter().zip(split.each()) {
                    of_model[*channel as usize] += cents;
                    sum += cents;
                }
                wrong += usize::from(sum != counts.money.minor());
                model += 1;
            });
        })?;
        Ok((credits, wrong))
    }

    /// The weights of all models, and nothing done with them: their sum, lest they be left out.
    pub fn weights(&self, models: &[Model]) -> Result<u64> {
        let (mut pass, mut sum) = (Pass::default(), 0_u64);
        self.each(|path, _, _| {
            pass.weigh(path, models, |_, weights| sum = sum.wrapping_add(weights.total()));
        })?;
        Ok(sum)
    }

    /// Linear credits without the library: a part in floats for each touch.
    pub fn linear_by_hand(&self) -> Credits<f64> {
        let zeros = vec![vec![0.0; self.names.len()]];
        let mut credits = Credits { first: zeros.clone(), second: zeros };
        let mut from = 0;
        for counts in &self.counts {
            let touches = (counts.end - from) as f64;
            let (conversions, value) = (counts.conversions as f64 / touches, counts.value / touches);
            for channel in &self.channels[from..counts.end] {
                credits.first[0][*channel as usize] += conversions;
                credits.second[0][*channel as usize] += value;
            }
            from = counts.end;
        }
        credits
    }

    /// The same paths for the models that learn.
    pub fn journeys(&self) -> Result<Journeys> {
        let (mut journeys, mut from) = (Journeys::default(), 0);
        for counts in &self.counts {
            let names = self.channels[from..counts.end].iter().map(|n| self.names[*n as usize].clone());
            journeys.add(names, counts.conversions, counts.nulls)?;
            from = counts.end;
        }
        Ok(journeys)
    }

    /// How many states a chain of this order has: the start, and every run of so many channels, or fewer at the beginning.
    pub fn states(&self, order: usize) -> usize {
        let (mut states, mut from) = (std::collections::HashSet::new(), 0);
        for counts in &self.counts {
            let path = &self.channels[from..counts.end];
            states.extend((1..=path.len()).map(|end| &path[end.saturating_sub(order)..end]));
            from = counts.end;
        }
        states.len() + 1
    }

    fn each(&self, mut take: impl FnMut(&Path<'_>, &[u32], &Counts)) -> Result<()> {
        let mut from = 0;
        for counts in &self.counts {
            let path = Path::new(&self.touches[from..counts.end], CONVERTED_AT, Lookback::UNLIMITED)?;
            take(&path, &self.channels[from..counts.end], counts);
            from = counts.end;
        }
        Ok(())
    }
}

/// Lengths of paths, each as often as the others: half have four touches or fewer, one of twenty has 28.
const LENGTHS: [usize; 20] = [1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7, 7, 8, 10, 12, 16, 28];
/// When all conversions are.
const CONVERTED_AT: DateTime<Utc> = DateTime::from_timestamp(1_700_000_000, 0).unwrap();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_and_others_are_refused() {
        let row: Row = "a > b;2;3.5;1\r\n".parse().unwrap();
        assert_eq!(row, Row { path: "a > b".to_owned(), conversions: 2, value: 3.5, nulls: 1 });
        assert!("a > b;2;3.5".parse::<Row>().is_err() && "a;b;1;1".parse::<Row>().is_err());
    }

    #[test]
    fn credits_are_those_of_the_models_and_by_hand() {
        let paths = Paths::of(&["a > b > a > c;3;30;1", "b;1;2;0"].map(|row| row.parse().unwrap())).unwrap();
        let credits = paths.credits(&[Model::FirstTouch, Model::Linear]).unwrap();
        assert_eq!(credits.first, [[3.0, 1.0, 0.0], [1.5, 1.75, 0.75]]);
        assert_eq!(credits.second, [[30.0, 2.0, 0.0], [15.0, 9.5, 7.5]]);
        let by_hand = paths.linear_by_hand();
        assert_eq!((&by_hand.first[0], &by_hand.second[0]), (&credits.first[1], &credits.second[1]));
        let (cents, wrong) = paths.cents(&[Model::Linear]).unwrap();
        assert_eq!((cents.first, wrong), (vec![vec![1_500, 950, 750]], 0));
        assert_eq!((paths.count(), paths.touches(), paths.names().len()), (2, 5, 3));
    }

    #[test]
    fn states_are_runs_of_channels() {
        let paths = Paths::of(&["a > b > a > b;1;1;1", "b;1;1;0"].map(|row| row.parse().unwrap())).unwrap();
        assert_eq!([1, 2, 3].map(|order| paths.states(order)), [3, 5, 6]);
        assert_eq!(paths.journeys().unwrap().conversions(), 2);
    }

    #[test]
    fn drawn_rows_are_the_same_each_time_and_have_the_length_that_was_asked_for() {
        assert_eq!(drawn(50, None, 12), drawn(60, None, 12)[..50]);
        let paths = Paths::of(&drawn(40, Some(5), 3)).unwrap();
        assert_eq!((paths.touches(), paths.names().len()), (200, 3));
    }
}
