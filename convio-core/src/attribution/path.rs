use std::num::NonZeroU32;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::Touchpoint;
use crate::error::{Error, Reason};
use crate::id::TouchpointId;
use crate::text::MarketingChannel;

/// The touches that led to a conversion: those up to it and within the lookback, by time, then by id.
///
/// ```
/// use convio_core::attribution::{Lookback, Path, TouchKind, Touchpoint, Who};
/// use convio_core::text::{MarketingChannel, Source};
/// use convio_core::{SequentialIds, TouchpointId};
/// let ids = SequentialIds::seeded(1);
/// let touch = |day: u32| {
///     let at = format!("2026-03-{day:02}T00:00:00Z").parse().unwrap();
///     let who = Who::Other { id: TouchpointId::new(&ids, at), kind: TouchKind::Click };
///     Touchpoint::new(who, Source::unknown(), MarketingChannel::direct(), at)
/// };
/// let touches = [touch(31), touch(9), touch(1), touch(8)];
/// let path = Path::new(&touches, "2026-03-30T00:00:00Z".parse()?, Lookback::days(22))?;
/// let days: Vec<String> = path.steps().iter().map(|step| step.touch.at.format("%d").to_string()).collect();
/// assert_eq!(days, ["08", "09"]); // exactly 22 days before is in, later than the conversion is out
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<'t> {
    pub(super) steps: Vec<Step<'t>>,
    /// The places of the milestones among the steps.
    pub(super) milestones: [Option<usize>; MILESTONES],
}

/// One touch of a path, and what a transform made it stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'t> {
    /// The touch.
    pub touch: &'t Touchpoint,
    /// How many touches of its channel it stands for, where [`Transform::Frequency`](super::Transform::Frequency) counted
    /// them.
    pub frequency: Option<NonZeroU32>,
}

/// How long before a conversion a touch may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lookback(Option<u32>);

/// What a lead went through, as a touch of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Milestone {
    /// The touch that made the lead.
    Lead,
    /// The touch that made it an opportunity, such as the one that led to the appointment.
    Opportunity,
    /// The touch that closed the sale.
    Close,
}

impl<'t> Path<'t> {
    /// The path to a conversion at this time, from touches in any order. A touch that is given twice counts once.
    ///
    /// Fails for more than [`PATH_TOUCHES_MAX`] touches within the lookback.
    pub fn new(
        touches: impl IntoIterator<Item = &'t Touchpoint>,
        converted_at: DateTime<Utc>,
        lookback: Lookback,
    ) -> Result<Self, Error> {
        let since = lookback.since(converted_at);
        let is_within = |touch: &&Touchpoint| since <= touch.at && touch.at <= converted_at;
        let mut steps: Vec<Step<'t>> = Vec::new();
        steps.extend(touches.into_iter().filter(is_within).map(|touch| Step { touch, frequency: None }));
        if !steps.is_sorted_by(|a, b| a.touch.order() < b.touch.order()) {
            steps.sort_by_key(|step| step.touch.order());
            steps.dedup_by_key(|step| step.touch.order());
        }
        if steps.len() > PATH_TOUCHES_MAX {
            let message = format!("the path has {} touches, more than {PATH_TOUCHES_MAX}", steps.len());
            return Err(Error::invalid(vec![Reason::new("touches", "too_many", message)]));
        }
        Ok(Self { steps, milestones: [None; MILESTONES] })
    }

    /// With a milestone at this touch. One that is not in the path counts as missing.
    ///
    /// ```
    /// use convio_core::attribution::{Lookback, Milestone, Path, Touchpoint, Who};
    /// use convio_core::text::{MarketingChannel, Source};
    /// use convio_core::{LeadId, SequentialIds};
    /// let at = "2026-03-02T10:00:00Z".parse()?;
    /// let lead = LeadId::new(&SequentialIds::seeded(1), at);
    /// let touches = [Touchpoint::new(Who::Lead(lead), Source::unknown(), MarketingChannel::direct(), at)];
    /// let path = Path::new(&touches, at, Lookback::UNLIMITED)?.milestone(Milestone::Lead, lead.touchpoint());
    /// assert_eq!((path.place(Milestone::Lead), path.place(Milestone::Close)), (Some(0), None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn milestone(mut self, milestone: Milestone, touch: TouchpointId) -> Self {
        self.milestones[milestone as usize] = self.steps.iter().position(|step| step.touch.id() == touch);
        self
    }

    /// The touches in order.
    pub fn steps(&self) -> &[Step<'t>] {
        &self.steps
    }

    /// The place of a milestone among the steps.
    pub fn place(&self, milestone: Milestone) -> Option<usize> {
        self.milestones[milestone as usize]
    }

    /// The place of the last touch that is not direct; of the last one where all are.
    pub(super) fn last_non_direct(&self) -> usize {
        let place = self.steps.iter().rposition(|step| !step.touch.channel.is_direct());
        place.unwrap_or(self.steps.len().saturating_sub(1))
    }
}

impl Step<'_> {
    /// What the step is called where paths are compared: its channel, with the count of
    /// [`Transform::Frequency`](super::Transform::Frequency), as in `email(3)`.
    pub fn label(&self) -> String {
        match self.frequency {
            Some(times) => format!("{}({times})", self.touch.channel),
            None => self.touch.channel.to_string(),
        }
    }

    /// Its channel.
    pub fn channel(&self) -> &MarketingChannel {
        &self.touch.channel
    }
}

impl Lookback {
    /// However long.
    pub const UNLIMITED: Self = Self(None);

    /// So many days of 24 hours. A touch exactly that long before the conversion is in.
    ///
    /// ```
    /// use convio_core::attribution::Lookback;
    /// assert_eq!(Lookback::days(1), Lookback::seconds(86_400));
    /// ```
    pub const fn days(days: u16) -> Self {
        Self(Some(days as u32 * 86_400))
    }

    /// So many seconds.
    pub const fn seconds(seconds: u32) -> Self {
        Self(Some(seconds))
    }

    /// The first instant that is within it.
    ///
    /// ```
    /// use convio_core::attribution::Lookback;
    /// let at = "2026-03-31T12:00:00Z".parse()?;
    /// assert_eq!(Lookback::days(30).since(at).to_rfc3339(), "2026-03-01T12:00:00+00:00");
    /// assert_eq!(Lookback::UNLIMITED.since(at), chrono::DateTime::<chrono::Utc>::MIN_UTC);
    /// # Ok::<(), chrono::ParseError>(())
    /// ```
    pub fn since(self, converted_at: DateTime<Utc>) -> DateTime<Utc> {
        let since =
            self.0.and_then(|seconds| converted_at.checked_sub_signed(TimeDelta::seconds(seconds.into())));
        since.unwrap_or(DateTime::<Utc>::MIN_UTC)
    }
}

/// How many milestones there are.
pub(super) const MILESTONES: usize = 3;

/// The longest path: weights of so many touches have a sum that fits 64 bits, whatever the model.
pub const PATH_TOUCHES_MAX: usize = 10_000;
