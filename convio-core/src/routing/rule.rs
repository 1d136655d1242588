use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{FailedAt, RoutingRequest};
use crate::error::Reason;
use crate::text::match_key;

/// A rule: what it asks for, and who gets what matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name, unique among the rules published with it.
    pub name: String,
    /// Who gets what matches.
    pub target: Target,
    /// Products that match, without regard to case.
    pub products: AnyOf,
    /// Postal codes that match, as text: a leading zero counts.
    pub zips: AnyOf,
    /// Lower numbers are tried first.
    pub priority: i32,
    /// An inactive rule matches nothing.
    pub active: bool,
}

/// A condition on one field: anything at all, said explicitly, or one of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnyOf {
    /// Whatever it is, also when it is missing.
    Any,
    /// One of these.
    Of(BTreeSet<String>),
}

impl AnyOf {
    fn matches(&self, value: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Of(set) => value.is_some_and(|value| set.contains(value)),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Of(set) if set.is_empty())
    }
}

/// Who something is routed to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Target {
    /// A team of the workspace.
    Team(String),
    /// A person of the workspace.
    Person(String),
}

impl Target {
    /// A team.
    pub fn team(name: impl Into<String>) -> Self {
        Self::Team(crate::text::without_nul(name))
    }

    /// A person.
    pub fn person(name: impl Into<String>) -> Self {
        Self::Person(crate::text::without_nul(name))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Team(name) => write!(f, "team `{name}`"),
            Self::Person(name) => write!(f, "person `{name}`"),
        }
    }
}

impl Rule {
    /// A rule that routes to `target`. Say what it asks for: a rule without products or without postal codes is refused,
    /// unless it says [`Rule::any_product`] or [`Rule::any_zip`].
    pub fn to(target: Target) -> Self {
        Self {
            name: String::new(),
            target,
            products: AnyOf::Of(BTreeSet::new()),
            zips: AnyOf::Of(BTreeSet::new()),
            priority: 0,
            active: true,
        }
    }

    /// With this name; one that is given none is named by its place.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// That asks for one of these products.
    #[must_use]
    pub fn products<T: AsRef<str>>(mut self, products: impl IntoIterator<Item = T>) -> Self {
        self.products = AnyOf::Of(keys(products, match_key));
        self
    }

    /// That asks for no product.
    #[must_use]
    pub fn any_product(mut self) -> Self {
        self.products = AnyOf::Any;
        self
    }

    /// That asks for one of these postal codes.
    #[must_use]
    pub fn zips<T: AsRef<str>>(mut self, zips: impl IntoIterator<Item = T>) -> Self {
        self.zips = AnyOf::Of(keys(zips, |zip| match_key(zip).to_uppercase()));
        self
    }

    /// That asks for one of the postal codes of a list.
    #[must_use]
    pub fn zip_list(self, list: &super::ZipList) -> Self {
        self.zips(&list.zips)
    }

    /// That asks for no postal code.
    #[must_use]
    pub fn any_zip(mut self) -> Self {
        self.zips = AnyOf::Any;
        self
    }

    /// With this priority: lower numbers are tried first.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Switched off.
    #[must_use]
    pub fn inactive(mut self) -> Self {
        self.active = false;
        self
    }

    /// The first condition that `request` fails at; `None` when it matches. A ZIP+4 matches by its ZIP too.
    pub(super) fn first_failure(&self, request: &RoutingRequest) -> Option<FailedAt> {
        if !self.active {
            return Some(FailedAt::Active);
        }
        if !self.products.matches(request.product.as_ref().map(|product| product.key())) {
            return Some(FailedAt::Products);
        }
        let code = request.postal_code.as_ref();
        let exact = self.zips.matches(code.map(|code| code.as_str()));
        let zip5 = code.and_then(|code| code.zip5());
        if exact || self.zips.matches(zip5) { None } else { Some(FailedAt::Zips) }
    }

    pub(super) fn check(&self, n: usize) -> Vec<Reason> {
        let empty = |field: &str, any: &str| {
            let message =
                format!("rule {} `{}` asks for no {field}: say `{any}` if all match", n + 1, self.name);
            Reason::new(field, "empty", message)
        };
        let mut reasons = Vec::new();
        if self.products.is_empty() {
            reasons.push(empty("products", "any_product"));
        }
        if self.zips.is_empty() {
            reasons.push(empty("zips", "any_zip"));
        }
        reasons
    }
}

fn keys<T: AsRef<str>>(
    values: impl IntoIterator<Item = T>,
    key: impl Fn(&str) -> String,
) -> BTreeSet<String> {
    values.into_iter().map(|value| key(value.as_ref())).filter(|value| !value.is_empty()).collect()
}
