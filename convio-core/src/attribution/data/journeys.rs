use std::collections::{BTreeMap, HashMap};

use super::super::{PATH_TOUCHES_MAX, Path};
use crate::error::{Error, Reason};
use crate::text::MarketingChannel;

/// The paths of many people by channel, with how many converted after them and how many did not.
///
/// In whatever order they are added, what is worked out of them is the same, bit for bit.
///
/// ```
/// use convio_core::attribution::Journeys;
/// use convio_core::text::MarketingChannel;
/// let channel = |name: &str| MarketingChannel::new(name).unwrap();
/// let mut journeys = Journeys::default();
/// journeys.add([channel("Email"), channel("Direct")], 3, 7)?;
/// journeys.add([channel("email"), channel("direct")], 1, 0)?;
/// assert_eq!((journeys.conversions(), journeys.nulls(), journeys.channels().len()), (4, 7, 2));
/// # Ok::<(), convio_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Journeys {
    channels: Vec<MarketingChannel>,
    numbers: HashMap<MarketingChannel, u32>,
    /// Conversions and nulls by path.
    paths: HashMap<Vec<u32>, Counts>,
    all: Counts,
}

/// How many converted, and how many did not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) conversions: u64,
    pub(super) nulls: u64,
}

impl Journeys {
    /// Adds journeys along these channels: so many that converted, so many that did not.
    ///
    /// Fails beyond [`JOURNEYS_MAX`] journeys in all, and for a path of more than [`PATH_TOUCHES_MAX`]; adds nothing then.
    pub fn add(
        &mut self,
        channels: impl IntoIterator<Item = MarketingChannel>,
        conversions: u64,
        nulls: u64,
    ) -> Result<(), Error> {
        let channels: Vec<MarketingChannel> = channels.into_iter().collect();
        let all = self.all.plus(Counts { conversions, nulls });
        let all = all.filter(|all| all.conversions.saturating_add(all.nulls) <= JOURNEYS_MAX);
        let (all, path) = match all {
            Some(all) if channels.len() <= PATH_TOUCHES_MAX => (all, channels),
            all => return Err(refused(all.is_none(), channels.len())),
        };
        self.all = all;
        let path: Vec<u32> = path.into_iter().map(|channel| self.number(channel)).collect();
        let counts = self.paths.entry(path).or_default();
        // No part of what fits is too large.
        *counts = Counts { conversions: counts.conversions + conversions, nulls: counts.nulls + nulls };
        Ok(())
    }

    /// Adds one person's path. Its steps are told apart by their [labels](super::super::Step::label), so those that
    /// [`Transform::Frequency`](super::super::Transform::Frequency) counted are channels of their own, such as `email(3)`.
    ///
    /// Fails beyond [`JOURNEYS_MAX`], and for a label that is too long to be a channel.
    ///
    /// ```
    /// use convio_core::attribution::{Journeys, Lookback, Path, TouchKind, Touchpoint, Transform, Who};
    /// use convio_core::text::{MarketingChannel, Source};
    /// use convio_core::{SequentialIds, TouchpointId};
    /// let (ids, at) = (SequentialIds::seeded(1), "2026-03-02T10:00:00Z".parse()?);
    /// let touches = [1, 2].map(|_| {
    ///     let who = Who::Other { id: TouchpointId::new(&ids, at), kind: TouchKind::Email };
    ///     Touchpoint::new(who, Source::unknown(), MarketingChannel::new("email").unwrap(), at)
    /// });
    /// let path = Path::new(&touches, at, Lookback::UNLIMITED)?.transformed(Transform::Frequency);
    /// let mut journeys = Journeys::default();
    /// journeys.add_path(&path, true)?;
    /// assert_eq!(journeys.channels(), [&MarketingChannel::new("email(2)")?]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_path(&mut self, path: &Path<'_>, converted: bool) -> Result<(), Error> {
        let channel = |label: String| {
            MarketingChannel::new(&label).map_err(|error| {
                Error::invalid(vec![Reason::new("channel", error.code(), error.to_string())])
            })
        };
        let mut channels = Vec::with_capacity(path.steps().len());
        for step in path.steps() {
            channels.push(match step.frequency {
                Some(_) => channel(step.label())?,
                None => step.channel().clone(),
            });
        }
        self.add(channels, converted.into(), (!converted).into())
    }

    /// How many converted.
    pub fn conversions(&self) -> u64 {
        self.all.conversions
    }

    /// How many did not.
    pub fn nulls(&self) -> u64 {
        self.all.nulls
    }

    /// The channels, in order.
    pub fn channels(&self) -> Vec<&MarketingChannel> {
        let mut channels: Vec<_> = self.channels.iter().collect();
        channels.sort_unstable();
        channels
    }

    /// The paths that anybody took, by the places of their channels in [`Journeys::channels`], in order.
    pub(super) fn in_order(&self) -> BTreeMap<Vec<u32>, Counts> {
        let places: HashMap<&MarketingChannel, u32> = self.channels().into_iter().zip(0_u32..).collect();
        let place = |number: &u32| places[&self.channels[*number as usize]];
        let paths = self.paths.iter().filter(|(_, counts)| **counts != Counts::default());
        paths.map(|(path, counts)| (path.iter().map(place).collect(), *counts)).collect()
    }

    fn number(&mut self, channel: MarketingChannel) -> u32 {
        if let Some(number) = self.numbers.get(&channel) {
            return *number;
        }
        // Fewer than there is memory for names.
        let number = self.channels.len() as u32;
        self.channels.push(channel.clone());
        self.numbers.insert(channel, number);
        number
    }
}

impl Counts {
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            conversions: self.conversions.checked_add(other.conversions)?,
            nulls: self.nulls.checked_add(other.nulls)?,
        })
    }

    pub(super) fn all(self) -> u64 {
        self.conversions + self.nulls
    }
}

fn refused(too_many: bool, touches: usize) -> Error {
    let mut reasons = Vec::new();
    if too_many {
        let message = format!("there are more than {JOURNEYS_MAX} journeys");
        reasons.push(Reason::new("journeys", "too_many", message));
    }
    if touches > PATH_TOUCHES_MAX {
        let message = format!("the path has {touches} touches, more than {PATH_TOUCHES_MAX}");
        reasons.push(Reason::new("touches", "too_many", message));
    }
    Error::invalid(reasons)
}

/// How many journeys there may be: counts of steps, at ten thousand a journey, are then floats without loss.
pub const JOURNEYS_MAX: u64 = 1 << 39;
