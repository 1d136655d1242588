use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::journeys::{Counts, Journeys};
use super::share::ChannelShares;
use crate::error::{Error, Reason};

/// What a set of channels is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worth {
    /// The conversions of journeys whose channels are all in the set.
    Conversions,
    /// The part of the journeys whose channels are all in the set that converted; nothing where there is none.
    Rate,
}

/// What each channel is worth by its Shapley value: what it adds to a set of channels, on average over all orders in which
/// channels may come to it. The order of touches, and how often a channel is in a journey, do not matter.
///
/// [`Worth::Conversions`] has a closed form for any number of channels: each journey divides its conversions equally between its
/// distinct channels. That is the Shapley value, since a journey counts for the sets that hold all of them and for no
/// other. [`Worth::Rate`] looks at all `2^m` sets of `m` channels, exactly.
///
/// Conversions without any touch are worth nothing to any channel.
///
/// Fails for [`Worth::Rate`] beyond [`SHAPLEY_CHANNELS_MAX`] channels.
///
/// ```
/// use convio_core::attribution::{Journeys, Worth, shapley};
/// use convio_core::text::MarketingChannel;
/// let channel = |name: &str| MarketingChannel::new(name).unwrap();
/// let mut journeys = Journeys::default();
/// journeys.add([channel("a"), channel("b"), channel("a")], 4, 0)?;
/// journeys.add([channel("a")], 1, 3)?;
/// let worths = |worth| shapley(&journeys, worth).map(|found| found.each.iter().map(|it| it.worth).collect());
/// let (conversions, rates): (Vec<f64>, Vec<f64>) = (worths(Worth::Conversions)?, worths(Worth::Rate)?);
/// assert_eq!(conversions, [3.0, 2.0]);
/// assert_eq!(rates, [0.4375, 0.1875]); // of 5/8: a alone 1/4, b alone 0
/// # Ok::<(), convio_core::Error>(())
/// ```
pub fn shapley(journeys: &Journeys, worth: Worth) -> Result<ChannelShares, Error> {
    let values = match worth {
        Worth::Conversions => by_conversions(journeys),
        Worth::Rate => by_rate(journeys)?,
    };
    let total = values.iter().sum();
    let channels = journeys.channels().into_iter().cloned();
    Ok(ChannelShares::of(total, channels.zip(values)))
}

fn by_conversions(journeys: &Journeys) -> Vec<f64> {
    let channels = journeys.channels().len();
    // Conversions of each channel by how many distinct channels their journeys have: counts have one sum in any order.
    let mut counts = vec![BTreeMap::<usize, u64>::new(); channels];
    for (path, of) in journeys.in_order() {
        let set: BTreeSet<u32> = path.into_iter().collect();
        for channel in &set {
            *counts[*channel as usize].entry(set.len()).or_default() += of.conversions;
        }
    }
    let value = |by_size: &BTreeMap<usize, u64>| {
        by_size.iter().map(|(size, count)| *count as f64 / *size as f64).sum()
    };
    counts.iter().map(value).collect()
}

fn by_rate(journeys: &Journeys) -> Result<Vec<f64>, Error> {
    let channels = journeys.channels().len();
    if channels > SHAPLEY_CHANNELS_MAX {
        let message = format!("there are {channels} channels, more than {SHAPLEY_CHANNELS_MAX}");
        return Err(Error::invalid(vec![Reason::new("channels", "too_many", message)]));
    }
    let worths: Vec<f64> = sums_of_subsets(journeys, channels).into_iter().map(rate).collect();
    let orders = orders(channels);
    let value = |channel: usize| {
        let bit = 1 << channel;
        let without = (0..worths.len()).filter(|set| set & bit == 0);
        without.map(|set| orders[set.count_ones() as usize] * (worths[set | bit] - worths[set])).sum()
    };
    Ok((0..channels).map(value).collect())
}

/// Of each set of channels, as bits: the journeys whose channels are all in it.
fn sums_of_subsets(journeys: &Journeys, channels: usize) -> Vec<Counts> {
    let mut sums = vec![Counts::default(); 1 << channels];
    for (path, counts) in journeys.in_order() {
        let set = path.iter().fold(0_usize, |set, channel| set | 1 << channel);
        sums[set] = added(sums[set], counts);
    }
    for channel in 0..channels {
        for set in (0..sums.len()).filter(|set| set & (1 << channel) != 0) {
            sums[set] = added(sums[set], sums[set & !(1 << channel)]);
        }
    }
    sums
}

/// By how many channels are there before one comes: the part of all orders in which it is exactly this set,
/// `n! (m - n - 1)! / m!`.
fn orders(channels: usize) -> Vec<f64> {
    let mut ways: u64 = 1; // of n among all others
    let mut orders = Vec::with_capacity(channels);
    for n in 0..channels {
        orders.push(1.0 / (channels as u64 * ways) as f64);
        ways = ways * (channels - 1 - n) as u64 / (n + 1) as u64;
    }
    orders
}

fn added(a: Counts, b: Counts) -> Counts {
    // Journeys are counted once in each set, and all of them fit.
    Counts { conversions: a.conversions + b.conversions, nulls: a.nulls + b.nulls }
}

fn rate(counts: Counts) -> f64 {
    if counts.all() == 0 { 0.0 } else { counts.conversions as f64 / counts.all() as f64 }
}

/// The most channels whose sets are all looked at: a million sets, 24 MB, and a fraction of a second.
pub const SHAPLEY_CHANNELS_MAX: usize = 20;
