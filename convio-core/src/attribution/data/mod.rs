mod journeys;
mod markov;
mod shapley;
mod share;
mod solve;
#[cfg(test)]
mod tests;

pub use journeys::{JOURNEYS_MAX, Journeys};
pub use markov::{MARKOV_ORDER_MAX, MARKOV_STATES_MAX, removal_effects};
pub use shapley::{SHAPLEY_CHANNELS_MAX, Worth, shapley};
pub use share::{ChannelShare, ChannelShares};
