use super::super::{Path, Weights};
use crate::text::MarketingChannel;

/// What channels earned, as a model that learns from all journeys has it; in the order of their names.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelShares {
    /// What all have together: the part of journeys that convert, for [`removal_effects`](super::removal_effects); what all
    /// channels are worth, for [`shapley`](super::shapley).
    pub total: f64,
    /// Each channel.
    pub each: Vec<ChannelShare>,
}

/// What one channel earned.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelShare {
    /// The channel.
    pub channel: MarketingChannel,
    /// What the model found: the removal effect, from 0 to 1, or the Shapley value.
    pub worth: f64,
    /// Its part of what all channels are worth: shares have the sum 1, or are all 0 where nothing is worth anything.
    pub share: f64,
}

impl ChannelShares {
    pub(super) fn of(total: f64, worths: impl Iterator<Item = (MarketingChannel, f64)>) -> Self {
        let mut each: Vec<ChannelShare> =
            worths.map(|(channel, worth)| ChannelShare { channel, worth, share: 0.0 }).collect();
        let sum: f64 = each.iter().map(|it| it.worth).sum();
        if sum > 0.0 {
            each.iter_mut().for_each(|it| it.share = it.worth / sum);
        }
        Self { total, each }
    }

    /// The share of a channel; nothing for one that was in no journey.
    pub fn share(&self, channel: &MarketingChannel) -> f64 {
        let place = self.each.binary_search_by(|it| it.channel.cmp(channel));
        place.map_or(0.0, |place| self.each[place].share)
    }

    /// The shares as weights of the channels, in order, to divide a total by: all revenue between all channels.
    ///
    /// A share is a whole number of parts of 2^50, and one below zero (Shapley values by rate may be) counts as zero. Where no
    /// channel has a share, there are no weights, and nothing is attributed.
    pub fn weights(&self) -> Weights {
        let weights = self.each.iter().map(|it| parts(it.share));
        Weights::new(weights).unwrap_or_default()
    }

    /// The shares as weights of the touches of one path, to divide one conversion by: each has that of its channel. Where none
    /// has any, all have the same.
    pub fn weigh(&self, path: &Path<'_>) -> Weights {
        let shares = path.steps().iter().map(|step| parts(self.label_share(step)));
        let linear = || Weights::new(path.steps().iter().map(|_| 1)).unwrap_or_default();
        Weights::new(shares).unwrap_or_else(|_| linear())
    }

    fn label_share(&self, step: &super::super::Step<'_>) -> f64 {
        match step.frequency {
            None => self.share(step.channel()),
            Some(_) => MarketingChannel::new(&step.label()).map_or(0.0, |label| self.share(&label)),
        }
    }
}

fn parts(share: f64) -> u64 {
    // A float becomes a whole number by rounding towards zero, and by no less than zero.
    (share * ONE + 0.5) as u64
}

/// The weight of a share of 1: ten thousand of them fit 64 bits.
const ONE: f64 = (1_u64 << 50) as f64;
