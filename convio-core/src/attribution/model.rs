use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::{Path, Shares, Weights, decay};

/// Who earned a conversion: how its value is divided between the touches of its path.
///
/// The weights of all models are whole numbers, the same on every platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// All to the first touch.
    FirstTouch,
    /// All to the last touch.
    LastTouch,
    /// All to the last touch that is not direct; to the last one where all are.
    LastNonDirect,
    /// The same to each.
    Linear,
    /// By age: `2^(-age / half-life)` each.
    TimeDecay {
        /// After how many seconds a touch has half the weight.
        half_life_seconds: NonZeroU32,
    },
    /// By place: the first touch weighs 1, the second 2, the last as many as there are.
    PositionDecay,
    /// [`Shares::POSITION`]: 40 to the first touch, 40 to the last, 20 to those between. Of two touches each has half.
    PositionBased,
    /// [`Shares::U`]: 40 to the first touch, 40 to the lead's, 20 to the others.
    UShaped,
    /// [`Shares::W`]: 30 to the first touch, 30 to the lead's, 30 to the opportunity's, 10 to the others.
    WShaped,
    /// [`Shares::FULL_PATH`]: 22.5 to each of first touch, lead, opportunity, close, 10 to the others.
    FullPath,
    /// [`Shares::J`]: 20 to the first touch, 60 to the last, 20 to those between.
    JShaped,
    /// [`Shares::INVERSE_J`]: 60 to the first touch, 20 to the last, 20 to those between.
    InverseJ,
    /// Shares of your own.
    Custom(Shares),
}

impl Model {
    /// Time decay with the half-life of 7 days that most tools have.
    pub const TIME_DECAY: Self = Self::TimeDecay { half_life_seconds: HALF_LIFE_SECONDS };

    /// Every model that needs no setting, and time decay by 7 days.
    pub const ALL: [Self; 12] = [
        Self::FirstTouch,
        Self::LastTouch,
        Self::LastNonDirect,
        Self::Linear,
        Self::TIME_DECAY,
        Self::PositionDecay,
        Self::PositionBased,
        Self::UShaped,
        Self::WShaped,
        Self::FullPath,
        Self::JShaped,
        Self::InverseJ,
    ];

    /// The weights of a path's touches. To weigh many paths by many models, see [`Pass`](super::Pass).
    ///
    /// ```
    /// use convio_core::attribution::{Lookback, Milestone, Model, Path, TouchKind, Touchpoint, Who};
    /// use convio_core::text::{MarketingChannel, Source};
    /// use convio_core::{SequentialIds, TouchpointId};
    /// let ids = SequentialIds::seeded(1);
    /// let touches = [1, 15, 22, 29].map(|day| {
    ///     let at = format!("2026-03-{day:02}T00:00:00Z").parse().unwrap();
    ///     let who = Who::Other { id: TouchpointId::new(&ids, at), kind: TouchKind::Call };
    ///     Touchpoint::new(who, Source::unknown(), MarketingChannel::direct(), at)
    /// });
    /// let path = Path::new(&touches, "2026-03-29T00:00:00Z".parse()?, Lookback::UNLIMITED)?;
    /// let percent = |model: Model| -> Vec<f64> {
    ///     let weights = model.weights(&path);
    ///     (0..4).map(|n| (weights.share(n) * 10_000.0).round() / 100.0).collect()
    /// };
    /// assert_eq!(percent(Model::Linear), [25.0; 4]);
    /// assert_eq!(percent(Model::TIME_DECAY), [3.45, 13.79, 27.59, 55.17]);
    /// assert_eq!(percent(Model::PositionBased), [40.0, 10.0, 10.0, 40.0]);
    ///
    /// let path = path.clone().milestone(Milestone::Lead, touches[2].id());
    /// assert_eq!(Model::UShaped.weights(&path).each(), [1600 * 4, 20 * 80, 1600 * 4, 20 * 80]); // 40, 10, 40, 10
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn weights(&self, path: &Path<'_>) -> Weights {
        let mut weights = Weights::default();
        self.weigh(path, &mut weights);
        weights
    }

    /// Puts the weights of a path's touches in place of these.
    pub(super) fn weigh(&self, path: &Path<'_>, weights: &mut Weights) {
        let touches = path.steps().len();
        match *self {
            Self::FirstTouch => weights.one_of(touches, 0),
            Self::LastTouch => weights.one_of(touches, touches.saturating_sub(1)),
            Self::LastNonDirect => weights.one_of(touches, path.last_non_direct()),
            Self::Linear => weights.put(std::iter::repeat_n(1, touches)),
            Self::TimeDecay { half_life_seconds } => by_age(path, half_life_seconds, weights),
            Self::PositionDecay => weights.put((1_u64..).take(touches)),
            Self::PositionBased => weights.fill(|each| Shares::POSITION.weigh(path, each)),
            Self::UShaped => weights.fill(|each| Shares::U.weigh(path, each)),
            Self::WShaped => weights.fill(|each| Shares::W.weigh(path, each)),
            Self::FullPath => weights.fill(|each| Shares::FULL_PATH.weigh(path, each)),
            Self::JShaped => weights.fill(|each| Shares::J.weigh(path, each)),
            Self::InverseJ => weights.fill(|each| Shares::INVERSE_J.weigh(path, each)),
            Self::Custom(shares) => weights.fill(|each| shares.weigh(path, each)),
        }
    }
}

/// Ages count from the newest touch, not from the conversion: that changes no proportion, and the newest one never weighs
/// nothing, however long before the conversion it is.
fn by_age(path: &Path<'_>, half_life: NonZeroU32, weights: &mut Weights) {
    let Some(newest) = path.steps().last().map(|step| step.touch.at) else {
        return weights.put(std::iter::empty());
    };
    weights.put(path.steps().iter().map(|step| decay::weight(step.touch.at, newest, half_life)));
}

/// Seven days: the half-life of Google Analytics, Adobe and Mixpanel.
pub const HALF_LIFE_SECONDS: NonZeroU32 = NonZeroU32::new(7 * 86_400).unwrap();
