//! Who earned a conversion: touches, the path that they make, models that weigh it, and credits that are exact to the cent.
//!
//! ```text
//! touches -> Path (window, order) -> Transform -> Model -> Weights (whole numbers) -> Credits (minor units)
//!                                                             |
//!                                  History (refunds ...) -----+--> Bookings, append-only -> believed at a time
//! ```
//!
//! Nothing is read or kept here: all of it is a function of what it is given, and gives the same on every platform. What all
//! touches have, and what none has, are together the value, for every value, model, path and history.
//!
//! The feature `attribution-data` adds models that learn from all paths: `removal_effects` (Markov chains) and `shapley`.
//!
//! ```
//! use convio_core::attribution::{Lookback, Model, Path, TouchKind, Touchpoint, Who};
//! use convio_core::money::{Currency, Money};
//! use convio_core::text::{MarketingChannel, Source};
//! use convio_core::{SequentialIds, TouchpointId};
//! let ids = SequentialIds::seeded(1);
//! let touch = |channel: &str, day: u32| {
//!     let at = format!("2026-03-{day:02}T09:00:00Z").parse().unwrap();
//!     let who = Who::Other { id: TouchpointId::new(&ids, at), kind: TouchKind::Visit };
//!     Touchpoint::new(who, Source::unknown(), MarketingChannel::new(channel).unwrap(), at)
//! };
//! let touches = [touch("paid search", 1), touch("email", 9), touch("direct", 16)];
//! let path = Path::new(&touches, "2026-03-16T12:00:00Z".parse()?, Lookback::days(30))?;
//! let value = Money::from_minor(9_999, Currency::USD);
//! assert_eq!(Model::LastNonDirect.weights(&path).split(value).each(), [0, 9_999, 0]);
//! assert_eq!(Model::PositionBased.weights(&path).split(value).each(), [4_000, 2_000, 3_999]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adjustment;
mod booking;
mod channel;
#[cfg(feature = "attribution-data")]
mod data;
mod decay;
mod kept;
mod model;
mod pass;
mod path;
mod settings;
mod shares;
#[cfg(test)]
mod tests;
mod touchpoint;
mod tracked;
mod transform;
mod weights;

pub use adjustment::{Adjustment, Change, History, Standing};
pub use booking::{Booking, believed, bookings};
pub use channel::{
    AnyTouchKind, CHANNEL_ENTRIES_MAX, CHANNEL_ENTRY_BYTES_MAX, CHANNEL_RULES_BYTES_MAX, CHANNEL_RULES_MAX,
    ChannelRule, ChannelRules, ChannelWhen, ClickIdsWhen, TouchFacts,
};
#[cfg(feature = "attribution-data")]
pub use data::{
    ChannelShare, ChannelShares, JOURNEYS_MAX, Journeys, MARKOV_ORDER_MAX, MARKOV_STATES_MAX,
    SHAPLEY_CHANNELS_MAX, Worth, removal_effects, shapley,
};
pub use kept::{
    DIM_BYTES_MAX, EDITIONS_MAX, Journey, JourneyStep, KeptBooking, KeptCredits, KeptEdition, KeptModel,
    MILLION, Portion, TouchDims,
};
pub use model::{HALF_LIFE_SECONDS, Model};
pub use pass::Pass;
pub use path::{Lookback, Milestone, PATH_TOUCHES_MAX, Path, Step};
pub use settings::{AttributionRules, AttributionSettings, MODELS_MAX, ModelSettings, ReportingRates};
pub use shares::Shares;
pub use touchpoint::{CLICK_ID_BYTES_MAX, ClickIdKind, ClickIds, LeadTouch, TouchKind, Touchpoint, Who};
pub(crate) use tracked::visitor_reason;
pub use tracked::{NewTouch, TouchOf, Tracked, VISITOR_BYTES_MAX};
pub use transform::Transform;
pub use weights::{Credits, Weights};
