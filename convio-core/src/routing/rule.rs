use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AnyOf, Condition, FailedAt, RoutingRequest, TextSet, ZipSet, Zips};
use crate::appointment::text_reason;
use crate::error::Reason;

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
    pub zips: Zips,
    /// States or provinces that match, without regard to case.
    #[serde(default = "any", skip_serializing_if = "AnyOf::is_any")]
    pub states: AnyOf,
    /// Sources that match, without regard to case.
    #[serde(default = "any", skip_serializing_if = "AnyOf::is_any")]
    pub sources: AnyOf,
    /// What else must hold.
    #[serde(default, skip_serializing_if = "asks_nothing")]
    pub when: Condition,
    /// Lower numbers are tried first.
    pub priority: i32,
    /// An inactive rule matches nothing.
    pub active: bool,
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

    /// What is wrong with its name.
    pub(crate) fn reason(&self) -> Option<Reason> {
        let (Self::Team(name) | Self::Person(name)) = self;
        text_reason("target", Some(name))
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
            products: AnyOf::Of(TextSet::default()),
            zips: Zips::Of(ZipSet::default()),
            states: AnyOf::Any,
            sources: AnyOf::Any,
            when: Condition::Always,
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
        self.products = AnyOf::Of(TextSet::of(products));
        self
    }

    /// That asks for no product.
    #[must_use]
    pub fn any_product(mut self) -> Self {
        self.products = AnyOf::Any;
        self
    }

    /// That asks for one of these postal codes, prefixes or ranges, as [`ZipPattern`](super::ZipPattern) has them: `90210`,
    /// `902*`, `00501..00544`.
    #[must_use]
    pub fn zips<T: AsRef<str>>(mut self, zips: impl IntoIterator<Item = T>) -> Self {
        self.zips = Zips::Of(ZipSet::of(zips));
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
        self.zips = Zips::Any;
        self
    }

    /// That asks for one of these states or provinces. With it a rule need not speak of postal codes.
    #[must_use]
    pub fn states<T: AsRef<str>>(mut self, states: impl IntoIterator<Item = T>) -> Self {
        self.states = AnyOf::Of(TextSet::of(states));
        if matches!(&self.zips, Zips::Of(set) if set.is_empty()) {
            self.zips = Zips::Any;
        }
        self
    }

    /// That asks for one of these sources.
    #[must_use]
    pub fn sources<T: AsRef<str>>(mut self, sources: impl IntoIterator<Item = T>) -> Self {
        self.sources = AnyOf::Of(TextSet::of(sources));
        self
    }

    /// That asks for this, too.
    ///
    /// ```
    /// use convio_core::routing::{Condition, Rule, Target};
    /// let rule = Rule::to(Target::team("night")).any_product().any_zip().when(Condition::Consent & !Condition::sources(["Fax"]));
    /// assert!(matches!(rule.when, Condition::All(_)));
    /// ```
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        self.when = self.when & condition;
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

    /// The first condition that `request` fails at; `None` when it matches.
    pub(super) fn first_failure(&self, request: &RoutingRequest) -> Option<FailedAt> {
        let fails = |holds: bool, at| (!holds).then_some(at);
        let product = || request.product.as_ref().map(|it| it.key());
        let state = || request.state.as_ref().map(|it| it.key());
        let source = || request.source.as_ref().map(|it| it.key());
        fails(self.active, FailedAt::Active)
            .or_else(|| fails(self.products.holds(product()), FailedAt::Products))
            .or_else(|| fails(self.zips.holds(request.postal_code.as_ref()), FailedAt::Zips))
            .or_else(|| fails(self.states.holds(state()), FailedAt::States))
            .or_else(|| fails(self.sources.holds(source()), FailedAt::Sources))
            .or_else(|| fails(self.when.holds(request), FailedAt::When))
    }

    pub(super) fn check(&self, n: usize) -> Vec<Reason> {
        let empty = |field: &str, any: &str| {
            let message =
                format!("rule {} `{}` asks for no {field}: say `{any}` if all match", n + 1, self.name);
            Reason::new(field, "empty", message)
        };
        let is_empty = |set: &AnyOf| matches!(set, AnyOf::Of(set) if set.is_empty());
        let mut reasons = Vec::new();
        reasons.extend(text_reason("name", Some(&self.name)));
        reasons.extend(self.target.reason());
        for (set, field, any) in [
            (&self.products, "products", "any_product"),
            (&self.states, "states", "no states"),
            (&self.sources, "sources", "no sources"),
        ] {
            reasons.extend(is_empty(set).then(|| empty(field, any)));
        }
        if let Zips::Of(set) = &self.zips {
            for (text, error) in set.refused() {
                let message = format!("rule {} `{}`: `{text}` {error}", n + 1, self.name);
                reasons.push(Reason::new("zips", "malformed", message));
            }
            if set.is_empty() {
                reasons.push(empty("zips", "any_zip"));
            }
        }
        self.when.check(&self.name, 0, &mut reasons);
        reasons
    }
}

fn any() -> AnyOf {
    AnyOf::Any
}

fn asks_nothing(condition: &Condition) -> bool {
    *condition == Condition::Always
}
