use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ChannelRules, Lookback, Model, Transform};
use crate::change_set::Version;
use crate::error::Reason;
use crate::id::WorkspaceId;
use crate::money::Rates;
use crate::record::{ATTRIBUTION_KEY, ATTRIBUTION_KIND, Keeps, RATES_KIND};
use crate::text::ConversionType;

/// How a workspace attributes its conversions: by which models credits are kept, and how touches are grouped into channels.
///
/// ```
/// use convio_core::attribution::AttributionSettings;
/// let settings = AttributionSettings::default();
/// let names: Vec<&str> = settings.models.iter().map(|model| model.name.as_str()).collect();
/// let all = ["first_touch", "last_touch", "last_non_direct", "linear", "time_decay", "position_based"];
/// assert_eq!(names, all);
/// assert!(settings.check().is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributionSettings {
    /// The models by which credits are kept, for conversions recorded from now on. Of what was recorded before nothing is
    /// worked out again.
    pub models: Vec<ModelSettings>,
    /// Which channel a touch is of, for touches recorded and conversions attributed from now on.
    #[serde(default)]
    pub channels: ChannelRules,
}

/// A model as a workspace uses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelSettings {
    /// What its credits are found by: another name for each.
    pub name: String,
    /// The model.
    pub model: Model,
    /// How long before a conversion a touch may be.
    pub lookback: Lookback,
    /// The same for conversions of some types.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lookbacks: BTreeMap<ConversionType, Lookback>,
    /// What is made of a path first, one after another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transforms: Vec<Transform>,
}

impl ModelSettings {
    /// A model under this name, with a lookback of 90 days and paths as they are.
    pub fn new(name: impl Into<String>, model: Model) -> Self {
        Self {
            name: name.into(),
            model,
            lookback: Lookback::days(LOOKBACK_DAYS),
            lookbacks: BTreeMap::new(),
            transforms: Vec::new(),
        }
    }

    /// With another lookback.
    #[must_use]
    pub fn lookback(self, lookback: Lookback) -> Self {
        Self { lookback, ..self }
    }

    /// With another lookback for conversions of this type.
    ///
    /// ```
    /// use convio_core::attribution::{Lookback, Model, ModelSettings};
    /// use convio_core::text::ConversionType;
    /// let model = ModelSettings::new("linear", Model::Linear);
    /// let model = model.lookback_of(ConversionType::new("renewal")?, Lookback::days(365));
    /// assert_eq!(model.for_type(&ConversionType::new("Renewal")?), Lookback::days(365));
    /// assert_eq!(model.for_type(&ConversionType::sale()), Lookback::days(90));
    /// # Ok::<(), convio_core::text::NameError>(())
    /// ```
    #[must_use]
    pub fn lookback_of(mut self, of: ConversionType, lookback: Lookback) -> Self {
        self.lookbacks.insert(of, lookback);
        self
    }

    /// After this is made of the path.
    #[must_use]
    pub fn after(mut self, transform: Transform) -> Self {
        self.transforms.push(transform);
        self
    }

    /// How long before a conversion of this type a touch may be.
    pub fn for_type(&self, of: &ConversionType) -> Lookback {
        self.lookbacks.get(of).copied().unwrap_or(self.lookback)
    }
}

impl AttributionSettings {
    /// The settings of a workspace that has no other: six models that every tool of the field knows, each with a lookback of
    /// 90 days, and [`ChannelRules::standard`].
    pub fn standard() -> Self {
        let models = [
            ("first_touch", Model::FirstTouch),
            ("last_touch", Model::LastTouch),
            ("last_non_direct", Model::LastNonDirect),
            ("linear", Model::Linear),
            ("time_decay", Model::TIME_DECAY),
            ("position_based", Model::PositionBased),
        ];
        let models = models.map(|(name, model)| ModelSettings::new(name, model)).to_vec();
        Self { models, channels: ChannelRules::default() }
    }

    /// Every setting that is wrong.
    ///
    /// ```
    /// use convio_core::attribution::{AttributionSettings, Model, ModelSettings};
    /// let mut settings = AttributionSettings::standard();
    /// settings.models.push(ModelSettings::new("linear", Model::WShaped));
    /// settings.models.push(ModelSettings::new("", Model::Linear));
    /// let fields: Vec<String> = settings.check().into_iter().map(|reason| reason.field).collect();
    /// assert_eq!(fields, ["models[6].name", "models[7].name"]);
    /// ```
    pub fn check(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.models.len() > MODELS_MAX {
            let message = format!("credits are kept by at most {MODELS_MAX} models");
            reasons.push(Reason::new("models", "too_many", message));
        }
        let mut names = BTreeSet::new();
        for (place, model) in self.models.iter().enumerate() {
            let name = model.name.as_str();
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
            if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(plain) {
                let message = format!("a name has 1 to {NAME_BYTES_MAX} of a-z, 0-9, _ and -");
                reasons.push(Reason::new(format!("models[{place}].name"), "invalid", message));
            } else if !names.insert(name) {
                let message = "another model has this name";
                reasons.push(Reason::new(format!("models[{place}].name"), "repeated", message));
            }
            if model.lookbacks.len() > LOOKBACKS_MAX {
                let message = format!("a model has lookbacks for at most {LOOKBACKS_MAX} types");
                reasons.push(Reason::new(format!("models[{place}].lookbacks"), "too_many", message));
            }
            if model.transforms.len() > TRANSFORMS_MAX {
                let message = format!("a path goes through at most {TRANSFORMS_MAX} transforms");
                reasons.push(Reason::new(format!("models[{place}].transforms"), "too_many", message));
            }
        }
        reasons
    }
}

impl Default for AttributionSettings {
    fn default() -> Self {
        Self::standard()
    }
}

/// The settings of attribution, as a workspace keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributionRules {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The settings.
    pub settings: AttributionSettings,
    /// How often they were set.
    pub version: Version,
}

/// The exchange rates into a workspace's currency, as it keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportingRates {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The rates.
    pub rates: Rates,
    /// How often they were set.
    pub version: Version,
}

macro_rules! keeps {
    ($row:ty, $kind:expr, $key:expr) => {
        impl Keeps for $row {
            const KIND: &'static str = $kind;

            fn record_key(&self) -> String {
                $key.to_owned()
            }

            fn record_version(&self) -> Version {
                self.version
            }

            fn record_workspace(&self) -> WorkspaceId {
                self.workspace
            }
        }
    };
}

keeps!(AttributionRules, ATTRIBUTION_KIND, ATTRIBUTION_KEY);
keeps!(ReportingRates, RATES_KIND, ATTRIBUTION_KEY);

/// Most models by which credits are kept: every conversion is divided by each.
pub const MODELS_MAX: usize = 16;
/// The lookback of a model that names none, in days.
const LOOKBACK_DAYS: u16 = 90;
const NAME_BYTES_MAX: usize = 64;
const LOOKBACKS_MAX: usize = 100;
const TRANSFORMS_MAX: usize = 8;
