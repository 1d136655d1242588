use serde::{Deserialize, Deserializer, Serialize};

use crate::text::match_key;

/// Names that are asked for, each once and in order, in the form in which they are compared
/// ([`match_key`]). Blank ones are left out.
///
/// ```
/// use convio_core::routing::TextSet;
/// let set = TextSet::of(["Solar", " SOLAR", "Roof", ""]);
/// assert_eq!(set.iter().collect::<Vec<_>>(), ["roof", "solar"]);
/// assert!(set.contains("solar") && !set.contains("Solar"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TextSet(Box<[Box<str>]>);

impl TextSet {
    /// The set of these names.
    pub fn of<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Self {
        let keys = names.into_iter().map(|name| match_key(name.as_ref()).into_boxed_str());
        let mut keys: Vec<Box<str>> = keys.filter(|key| !key.is_empty()).collect();
        keys.sort_unstable();
        keys.dedup();
        Self(keys.into_boxed_slice())
    }

    /// Whether a name is in it, given in the form in which names are compared.
    pub fn contains(&self, key: &str) -> bool {
        self.0.binary_search_by(|name| (**name).cmp(key)).is_ok()
    }

    /// The names, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|name| &**name)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for TextSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<String>::deserialize(deserializer).map(Self::of)
    }
}

/// A condition on one field: anything at all, said explicitly, or one of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnyOf {
    /// Whatever it is, also when it is missing.
    Any,
    /// One of these.
    Of(TextSet),
}

impl AnyOf {
    pub(super) fn holds(&self, key: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Of(set) => key.is_some_and(|key| set.contains(key)),
        }
    }

    pub(super) fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }
}
