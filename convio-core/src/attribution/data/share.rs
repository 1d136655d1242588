use super::super::{Path, Step, Weights};
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
        self.find(channel).map_or(0.0, |it| it.share)
    }

    /// What channels are worth as weights of them, in order, to divide a total by: all revenue between all channels.
    ///
    /// The best channel weighs 2^50, the others in proportion, rounded; one that is worth less than nothing (as Shapley values by rate
    /// may be) weighs nothing. Where no channel is worth anything, there are no weights, and nothing is attributed.
    ///
    /// ```
    /// use convio_core::attribution::{Journeys, Worth, shapley};
    /// use convio_core::money::{Currency, Money};
    /// use convio_core::text::MarketingChannel;
    /// let channel = |name: &str| MarketingChannel::new(name).unwrap();
    /// let mut journeys = Journeys::default();
    /// journeys.add([channel("a"), channel("b")], 2, 0)?;
    /// journeys.add([channel("a")], 1, 3)?;
    /// let credits = shapley(&journeys, Worth::Conversions)?.weights().split(Money::from_minor(1_000, Currency::USD));
    /// assert_eq!(credits.each(), [667, 333]);
    /// # Ok::<(), convio_core::Error>(())
    /// ```
    pub fn weights(&self) -> Weights {
        let worths: Vec<f64> = self.each.iter().map(|it| it.worth).collect();
        scaled(&worths).unwrap_or_default()
    }

    /// What channels are worth as weights of the touches of one path, to divide one conversion by: each has that of its channel.
    /// Where none is worth anything, all have the same.
    ///
    /// ```
    /// use convio_core::attribution::{Journeys, Lookback, Path, TouchKind, Touchpoint, Who, Worth, shapley};
    /// use convio_core::money::{Currency, Money};
    /// use convio_core::text::{MarketingChannel, Source};
    /// use convio_core::{SequentialIds, TouchpointId};
    /// let (ids, at) = (SequentialIds::seeded(1), "2026-03-02T10:00:00Z".parse()?);
    /// let channel = |name: &str| MarketingChannel::new(name).unwrap();
    /// let touches = ["a", "b", "unheard of"].map(|name| {
    ///     let who = Who::Other { id: TouchpointId::new(&ids, at), kind: TouchKind::Visit };
    ///     Touchpoint::new(who, Source::unknown(), channel(name), at)
    /// });
    /// let mut journeys = Journeys::default();
    /// journeys.add([channel("a")], 3, 1)?;
    /// journeys.add([channel("b")], 1, 1)?;
    /// let path = Path::new(&touches, at, Lookback::UNLIMITED)?;
    /// let weights = shapley(&journeys, Worth::Conversions)?.weigh(&path);
    /// assert_eq!(weights.split(Money::from_minor(1_000, Currency::USD)).each(), [750, 250, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn weigh(&self, path: &Path<'_>) -> Weights {
        let worths: Vec<f64> = path.steps().iter().map(|step| self.worth_of(step)).collect();
        scaled(&worths).unwrap_or_else(|| {
            let mut linear = Weights::default();
            linear.put(worths.iter().map(|_| 1));
            linear
        })
    }

    fn worth_of(&self, step: &Step<'_>) -> f64 {
        let worth = |channel: &MarketingChannel| self.find(channel).map_or(0.0, |it| it.worth);
        match step.frequency {
            None => worth(step.channel()),
            Some(_) => MarketingChannel::new(&step.label()).map_or(0.0, |label| worth(&label)),
        }
    }

    fn find(&self, channel: &MarketingChannel) -> Option<&ChannelShare> {
        let place = self.each.binary_search_by(|it| it.channel.cmp(channel));
        place.ok().map(|place| &self.each[place])
    }
}

/// Weights in proportion to these, of which the greatest is [`ONE`]; nothing where none is above zero.
fn scaled(worths: &[f64]) -> Option<Weights> {
    let most = worths.iter().copied().fold(0.0, f64::max);
    // So many of them fit 64 bits.
    let one = ONE.min(u64::MAX / 2 / worths.len().max(1) as u64) as f64;
    // A float becomes a whole number by rounding towards zero, and one below zero becomes zero.
    let weights = worths.iter().map(|worth| (worth / most * one + 0.5) as u64);
    (most > 0.0).then(|| Weights::new(weights).ok()).flatten()
}

/// The greatest weight.
const ONE: u64 = 1 << 50;
