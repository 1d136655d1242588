use std::collections::HashMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::{Path, Step};
use crate::text::MarketingChannel;

/// What is made of a path before a model looks at it. Channels are what is compared.
///
/// | of D A B B C D C C | becomes |
/// |---|---|
/// | `Unique` | D A B B C D C C: every touch for itself |
/// | `Exposure` | D A B C D C: touches of one channel in a row are the first of them |
/// | `First` | D A B C: the first touch of each channel |
/// | `Frequency` | D(2) A(1) B(2) C(3): the same, with how many there are |
/// | `RemoveDirect` | the others, where D is direct: A B B C C C; a path of direct touches alone stays |
///
/// A milestone at a touch that another one stands for is at that one; at a touch that is removed it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// Every touch for itself.
    Unique,
    /// Touches of one channel in a row are the first of them.
    Exposure,
    /// The first touch of each channel.
    First,
    /// The first touch of each channel, with how many there are.
    Frequency,
    /// Without direct touches, unless all are.
    RemoveDirect,
}

impl<'t> Path<'t> {
    /// The path as a transform has it. Several are applied one after another.
    ///
    /// ```
    /// use convio_core::attribution::{Lookback, Path, TouchKind, Touchpoint, Transform, Who};
    /// use convio_core::text::{MarketingChannel, Source};
    /// use convio_core::{SequentialIds, TouchpointId};
    /// let (ids, at) = (SequentialIds::seeded(1), "2026-03-02T10:00:00Z".parse()?);
    /// let touch = |channel: &str| {
    ///     let who = Who::Other { id: TouchpointId::new(&ids, at), kind: TouchKind::Visit };
    ///     Touchpoint::new(who, Source::unknown(), MarketingChannel::new(channel).unwrap(), at)
    /// };
    /// let touches = ["direct", "a", "b", "b", "c", "direct", "c", "c"].map(touch);
    /// let path = Path::new(&touches, at, Lookback::UNLIMITED)?;
    /// let labels = |path: Path<'_>| path.steps().iter().map(|step| step.label()).collect::<Vec<_>>().join(" ");
    /// assert_eq!(labels(path.transformed(Transform::Exposure)), "direct a b c direct c");
    /// assert_eq!(labels(path.transformed(Transform::Frequency)), "direct(2) a(1) b(2) c(3)");
    /// assert_eq!(labels(path.transformed(Transform::RemoveDirect).transformed(Transform::Exposure)), "a b c");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn transformed(&self, transform: Transform) -> Self {
        match transform {
            Transform::Unique => self.clone(),
            Transform::Exposure => self.exposure(),
            Transform::First => self.first_of_each(false),
            Transform::Frequency => self.first_of_each(true),
            Transform::RemoveDirect => self.without_direct(),
        }
    }

    fn exposure(&self) -> Self {
        let mut kept: Vec<Step<'t>> = Vec::new();
        let mut places = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            if kept.last().is_none_or(|last| last.channel() != step.channel()) {
                kept.push(*step);
            }
            places.push(Some(kept.len() - 1));
        }
        self.moved(kept, &places)
    }

    fn first_of_each(&self, counted: bool) -> Self {
        let mut firsts: HashMap<&MarketingChannel, usize> = HashMap::new();
        let mut kept: Vec<Step<'t>> = Vec::new();
        let mut places = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let place = *firsts.entry(step.channel()).or_insert(kept.len());
            if place == kept.len() {
                kept.push(Step { frequency: None, ..*step });
            }
            if counted {
                let times = step.frequency.unwrap_or(NonZeroU32::MIN);
                let sum = kept[place].frequency.map_or(times, |sum| sum.saturating_add(times.get()));
                kept[place].frequency = Some(sum);
            }
            places.push(Some(place));
        }
        self.moved(kept, &places)
    }

    fn without_direct(&self) -> Self {
        if self.steps.iter().all(|step| step.channel().is_direct()) {
            return self.clone();
        }
        let mut kept: Vec<Step<'t>> = Vec::new();
        let mut places = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let is_kept = !step.channel().is_direct();
            places.push(is_kept.then_some(kept.len()));
            kept.extend(Some(*step).filter(|_| is_kept));
        }
        self.moved(kept, &places)
    }

    /// Other steps, with the milestones where these places say that the touches went.
    fn moved(&self, steps: Vec<Step<'t>>, places: &[Option<usize>]) -> Self {
        let milestones = self.milestones.map(|place| place.and_then(|place| places[place]));
        Self { steps, milestones }
    }
}
