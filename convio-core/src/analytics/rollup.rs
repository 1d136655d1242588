use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::id::LeadId;

/// The sums that are kept, a closed list: each row is one day and up to three dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cube {
    /// Per webhook (id) and source (folded): leads and what became of them, by the day of each happening.
    Leads,
    /// Per target: appointments.
    Appointments,
    /// Per source (folded), type (folded) and currency: conversions.
    Conversions,
}

impl Cube {
    /// All cubes.
    pub const ALL: [Self; 3] = [Self::Leads, Self::Appointments, Self::Conversions];

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
    /// Of [`Cube::Appointments`]: appointments routed there, by the day of booking.
    Routed,
    /// Of [`Cube::Appointments`]: appointments that took place.
    Completed,
    /// Of [`Cube::Appointments`]: appointments that ended in a sale.
    Sold,
    /// Of [`Cube::Conversions`]: conversions.
    Conversions,
    /// Of [`Cube::Conversions`]: their value, in minor units.
    ValueMinor,
}

impl Measure {
    /// How many measures a row can hold.
    pub const SLOTS: usize = 6;

    /// The column that holds it.
    pub const fn slot(self) -> usize {
        match self {
            Self::Leads | Self::Routed | Self::Conversions => 0,
            Self::Contacts | Self::Completed | Self::ValueMinor => 1,
            Self::Repeats | Self::Sold => 2,
            Self::Rejected => 3,
            Self::Booked => 4,
            Self::Converted => 5,
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
