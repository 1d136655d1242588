use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{AppointmentId, LeadId};

/// The sums that are kept, a closed list: each row is one day and up to three dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cube {
    /// Per webhook (id) and source (folded): leads and what became of them, by the day of each happening.
    Leads,
    /// Per target: appointments, by the day of each happening.
    Appointments,
    /// Per source of the sold lead (folded), type (folded) and currency: conversions that stand.
    Conversions,
    /// The same per source of the contact's first touch.
    FirstTouch,
    /// The same per source of the contact's last touch.
    LastTouch,
    /// Per webhook (id) and currency: conversions that stand.
    Sales,
    /// Per webhook (id) and source (folded): leads by the step that they come to for the first time.
    Funnel,
    /// Per provider (id) and webhook (id): what was sent.
    Usage,
    /// Per currency: all conversions that stand. Not by day: its rows are all kept under [`Cube::NO_DAY`].
    Totals,
    /// Per model (its name), what a touch is grouped by ([`TouchDims::key`](crate::attribution::TouchDims::key); empty: what no touch
    /// has), and `EUR>USD 2026-11-28`: the currency, the one of reports (empty where no rate was known), and the day that it was
    /// booked on. By the day that the conversion counts on.
    Credits,
}

impl Cube {
    /// All cubes.
    pub const ALL: [Self; 10] = [
        Self::Leads,
        Self::Appointments,
        Self::Conversions,
        Self::FirstTouch,
        Self::LastTouch,
        Self::Sales,
        Self::Funnel,
        Self::Usage,
        Self::Totals,
        Self::Credits,
    ];

    /// The day of rows that are not by day: 1970-01-01.
    pub const NO_DAY: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("the first day of 1970");

    /// The cube as stores keep it.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The cube that stores keep as `code`.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|cube| cube.code() == code)
    }
}

/// What is counted. Each measure belongs to one cube and sits in one of the [`Measure::SLOTS`] columns of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Of [`Cube::Leads`]: leads taken.
    Leads,
    /// Of [`Cube::Leads`]: contacts made.
    Contacts,
    /// Of [`Cube::Leads`]: leads that repeat another one.
    Repeats,
    /// Of [`Cube::Leads`]: leads rejected when they came in.
    Rejected,
    /// Of [`Cube::Leads`]: appointments booked.
    Booked,
    /// Of [`Cube::Leads`]: leads sold for the first time.
    Converted,
    /// Of [`Cube::Appointments`]: appointments booked there; one that is moved is booked once.
    Routed,
    /// Of [`Cube::Appointments`]: appointments that took place.
    Completed,
    /// Of [`Cube::Appointments`]: appointments that ended in a sale.
    Sold,
    /// Of [`Cube::Appointments`]: appointments that were called off.
    Cancelled,
    /// Of [`Cube::Appointments`]: appointments that someone did not come to.
    NoShow,
    /// Of [`Cube::Appointments`]: appointments that were moved.
    Rescheduled,
    /// Of the cubes of conversions: conversions.
    Conversions,
    /// Of the cubes of conversions: their value, in minor units.
    ValueMinor,
    /// Of the cubes of conversions: the seconds from lead to conversion, of those that did not happen before their lead.
    Seconds,
    /// Of the cubes of conversions: those whose seconds are summed.
    Timed,
    /// Of [`Cube::Funnel`]: leads whose person was reached for the first time.
    Contacted,
    /// Of [`Cube::Funnel`]: leads with their first appointment booked.
    Scheduled,
    /// Of [`Cube::Funnel`]: leads whose first appointment took place.
    Met,
    /// Of [`Cube::Funnel`]: leads lost for the first time.
    Lost,
    /// Of [`Cube::Usage`]: leads taken.
    Taken,
    /// Of [`Cube::Usage`]: leads taken that repeat another one.
    TakenAgain,
    /// Of [`Cube::Usage`]: leads rejected.
    Refused,
    /// Of [`Cube::Credits`]: conversions, in millionths.
    Credited,
    /// Of [`Cube::Credits`]: net value, in minor units.
    CreditMinor,
    /// Of [`Cube::Credits`]: net value in the currency of reports, in minor units of that.
    ReportedMinor,
}

impl Measure {
    /// How many measures a row can hold.
    pub const SLOTS: usize = 6;

    /// The column that holds it.
    pub const fn slot(self) -> usize {
        match self {
            Self::Leads
            | Self::Routed
            | Self::Conversions
            | Self::Contacted
            | Self::Taken
            | Self::Credited => 0,
            Self::Contacts
            | Self::Completed
            | Self::ValueMinor
            | Self::Scheduled
            | Self::TakenAgain
            | Self::CreditMinor => 1,
            Self::Repeats | Self::Sold | Self::Seconds | Self::Met | Self::Refused | Self::ReportedMinor => 2,
            Self::Rejected | Self::Cancelled | Self::Timed | Self::Lost => 3,
            Self::Booked | Self::NoShow => 4,
            Self::Converted | Self::Rescheduled => 5,
        }
    }
}

/// One row of a cube.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollup {
    /// The cube.
    pub cube: Cube,
    /// The day, in the workspace's zone.
    pub day: NaiveDate,
    /// The dimensions; those that the cube does not have are empty.
    pub dims: [String; 3],
    /// The measures, by [`Measure::slot`].
    pub n: [i64; Measure::SLOTS],
    /// When the last of what the cube counts first (leads, appointments, conversions) happened.
    pub last_at: Option<DateTime<Utc>>,
}

impl Rollup {
    /// One measure of the row.
    pub fn get(&self, measure: Measure) -> i64 {
        self.n[measure.slot()]
    }
}

/// What a commit adds to one row of a cube.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupDelta {
    /// The cube.
    pub cube: Cube,
    /// The day, in the workspace's zone.
    pub day: NaiveDate,
    /// The dimensions.
    pub dims: [String; 3],
    /// What is added.
    pub add: Vec<(Measure, i64, When)>,
    /// When it happened, if it is what the cube counts first: the row keeps the latest.
    pub at: Option<DateTime<Utc>>,
    /// The received lead that it counts, where an addition depends on what became of it.
    pub lead: Option<LeadId>,
    /// The appointment that it counts, where its target, the first dimension, is decided by the commit.
    pub appointment: Option<AppointmentId>,
}

impl RollupDelta {
    /// The sums to add, once the commit knows whether the contact was made and whether the lead repeats another one.
    pub fn resolve(&self, contact_created: bool, repeat: bool) -> [i64; Measure::SLOTS] {
        let mut n = [0; Measure::SLOTS];
        for (measure, by, when) in &self.add {
            let counts = match when {
                When::Always => true,
                When::ContactCreated => contact_created,
                When::Repeat => repeat,
            };
            if counts {
                n[measure.slot()] += by;
            }
        }
        n
    }
}

/// On what an addition depends that only the commit knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// On nothing.
    Always,
    /// The lead's contact is made by it.
    ContactCreated,
    /// The lead repeats another one.
    Repeat,
}
