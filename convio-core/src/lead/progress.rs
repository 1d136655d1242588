use serde::{Deserialize, Serialize};

use super::{LeadStatus, Pipeline, Stage};
use crate::id::ConversionId;

/// How far a lead has come, and why: all that its life moves. Every event that moves a lead carries the whole of it as it
/// was after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Its status.
    pub status: LeadStatus,
    /// Why it is lost or rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many of its appointments are still to take place.
    #[serde(default)]
    pub open_appointments: u32,
    /// What it has ever come to: each counts once in the funnel.
    #[serde(default)]
    pub reached: Reached,
    /// Its first standing conversion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<ConversionId>,
}

impl Default for Progress {
    /// That of a lead that just came in, in a workspace with statuses of no names of its own.
    fn default() -> Self {
        Self::in_status(LeadStatus::of(Stage::New))
    }
}

impl Progress {
    /// That of a lead that just came in.
    pub fn new(pipeline: &Pipeline) -> Self {
        Self::in_status(pipeline.entry(Stage::New))
    }

    fn in_status(status: LeadStatus) -> Self {
        Self { status, reason: None, open_appointments: 0, reached: Reached::default(), conversion: None }
    }

    /// Whether it is the default one: events leave that out.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// In this status, for this reason.
    pub(crate) fn enter(&mut self, status: LeadStatus, reason: Option<String>) {
        self.reason = reason;
        self.status = status;
        match self.status.stage {
            Stage::Contacted => self.reached.0 |= Step::Contacted.bit(),
            Stage::Lost => self.reached.0 |= Step::Lost.bit(),
            _ => {}
        }
    }

    /// An appointment was booked: whoever has one open is scheduled, unless it is sold already.
    pub(crate) fn booked(&mut self, pipeline: &Pipeline) {
        self.open_appointments += 1;
        self.reached.0 |= Step::Scheduled.bit();
        if !matches!(self.status.stage, Stage::Scheduled | Stage::Won) {
            self.enter(pipeline.entry(Stage::Scheduled), None);
        }
    }

    /// An appointment came to its end. With the last open one a scheduled lead is lost, if `lost` says why, or goes back
    /// to the qualified ones.
    pub(crate) fn ended(&mut self, met: bool, lost: Option<String>, pipeline: &Pipeline) {
        self.open_appointments = self.open_appointments.saturating_sub(1);
        if met {
            self.reached.0 |= Step::Met.bit();
        }
        if self.status.stage == Stage::Scheduled && self.open_appointments == 0 {
            let stage = if lost.is_some() { Stage::Lost } else { Stage::Qualified };
            self.enter(pipeline.entry(stage), lost);
        }
    }

    /// A conversion was recorded.
    pub(crate) fn sold(&mut self, conversion: ConversionId, pipeline: &Pipeline) {
        self.conversion = self.conversion.or(Some(conversion));
        if self.status.stage != Stage::Won {
            self.enter(pipeline.entry(Stage::Won), None);
        }
    }

    /// A conversion was voided, and this one is now the first that stands.
    pub(crate) fn voided(&mut self, first_standing: Option<ConversionId>, pipeline: &Pipeline) {
        self.conversion = first_standing;
        if first_standing.is_none() && self.status.stage == Stage::Won {
            let stage = if self.open_appointments > 0 { Stage::Scheduled } else { Stage::Qualified };
            self.enter(pipeline.entry(stage), None);
        }
    }
}

/// Which steps of the funnel a lead has ever come to, as a set of bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reached(pub u8);

impl Reached {
    /// Whether it has come to this step.
    ///
    /// ```
    /// use convio_core::lead::{Reached, Step};
    /// let reached = Reached(Step::Contacted.bit() | Step::Met.bit());
    /// assert!(reached.has(Step::Met) && !reached.has(Step::Lost));
    /// ```
    pub const fn has(self, step: Step) -> bool {
        self.0 & step.bit() != 0
    }

    /// The steps that it has come to and `before` had not.
    pub fn since(self, before: Self) -> impl Iterator<Item = Step> {
        Step::ALL.into_iter().filter(move |step| self.has(*step) && !before.has(*step))
    }
}

/// The steps of the funnel between coming in and being sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The person was reached.
    Contacted,
    /// An appointment was booked.
    Scheduled,
    /// An appointment took place.
    Met,
    /// It was lost.
    Lost,
}

impl Step {
    /// All steps, in order.
    pub const ALL: [Self; 4] = [Self::Contacted, Self::Scheduled, Self::Met, Self::Lost];

    /// Its bit in [`Reached`].
    pub const fn bit(self) -> u8 {
        1 << self as u8
    }
}
