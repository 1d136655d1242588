use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::share::{SHARES_MAX, WEIGHTS_MAX};
use super::{
    AnyOf, Away, Cap, Condition, FailedAt, Ledger, Period, RoutingRequest, Share, Strategy, TextSet, ZipSet,
    Zips,
};
use crate::appointment::text_reason;
use crate::clock::micros;
use crate::error::Reason;
use crate::money::Money;
use crate::zone::Zone;

/// A rule: what it asks for, and who gets what matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name, unique among the rules published with it.
    pub name: String,
    /// Who gets what matches: one, or several that [`Rule::strategy`] chooses among.
    pub to: Vec<Share>,
    /// How it chooses.
    #[serde(default, skip_serializing_if = "is_first")]
    pub strategy: Strategy,
    /// When [`Strategy::Fair`] begins anew.
    #[serde(default, skip_serializing_if = "Ledger::is_default")]
    pub ledger: Ledger,
    /// Whether the owner of the lead, or who was responsible for its contact before, goes before where it is one of these.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sticky: bool,
    /// How much it takes. Full, it gives way to the next rule that matches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caps: Vec<Cap>,
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
    /// An endpoint of the workspace, by its name: a URL, or another workspace. What it gets goes out as a
    /// [delivery](crate::delivery).
    Endpoint(String),
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

    /// An endpoint.
    pub fn endpoint(name: impl Into<String>) -> Self {
        Self::Endpoint(crate::text::without_nul(name))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        let (Self::Team(name) | Self::Person(name) | Self::Endpoint(name)) = self;
        name
    }

    /// What it is: `team`, `person`, `endpoint`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Team(_) => "team",
            Self::Person(_) => "person",
            Self::Endpoint(_) => "endpoint",
        }
    }

    /// What is wrong with its name.
    pub(crate) fn reason(&self) -> Option<Reason> {
        text_reason("target", Some(self.name()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Team(name) => write!(f, "team `{name}`"),
            Self::Person(name) => write!(f, "person `{name}`"),
            Self::Endpoint(name) => write!(f, "endpoint `{name}`"),
        }
    }
}

impl Rule {
    /// A rule that routes to `target`. Say what it asks for: a rule without products or without postal codes is refused,
    /// unless it says [`Rule::any_product`] or [`Rule::any_zip`].
    pub fn to(target: Target) -> Self {
        Self::among(Strategy::First, [(target, 1)])
    }

    /// A rule that chooses among targets by their parts. Say what it asks for, as in [`Rule::to`].
    ///
    /// ```
    /// use convio_core::routing::{Cap, Period, Rule, RuleSet, Strategy, Target};
    /// let parts = [(Target::person("ann"), 5), (Target::person("bob"), 3), (Target::person("eve"), 2)];
    /// let rule = Rule::among(Strategy::Rotate, parts).any_product().any_zip().cap(Cap::count(100, Period::Day));
    /// assert!(RuleSet::publish(1, [rule]).is_ok());
    /// ```
    pub fn among(strategy: Strategy, targets: impl IntoIterator<Item = (Target, u32)>) -> Self {
        Self {
            name: String::new(),
            to: targets.into_iter().map(|(target, weight)| Share { target, weight, price: None }).collect(),
            strategy,
            ledger: Ledger::default(),
            sticky: false,
            caps: Vec::new(),
            products: AnyOf::Of(TextSet::default()),
            zips: Zips::Of(ZipSet::default()),
            states: AnyOf::Any,
            sources: AnyOf::Any,
            when: Condition::Always,
            priority: 0,
            active: true,
        }
    }

    /// A rule that gives it to whoever pays most. Say what it asks for, as in [`Rule::to`].
    ///
    /// ```
    /// use convio_core::routing::{RoutingRequest, Rule, RuleSet, Target};
    /// let bids = [(Target::team("east"), "40 USD".parse()?), (Target::team("west"), "45 USD".parse()?)];
    /// let rules = RuleSet::publish(1, [Rule::bids(bids).any_product().any_zip()]).unwrap();
    /// let decision = rules.decide(&RoutingRequest::default());
    /// assert_eq!((decision.target, decision.price), (Some(Target::team("west")), Some("45 USD".parse()?)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bids(targets: impl IntoIterator<Item = (Target, Money)>) -> Self {
        let share = |(target, price)| Share { target, weight: 1, price: Some(price) };
        Self { to: targets.into_iter().map(share).collect(), ..Self::among(Strategy::Price, []) }
    }

    /// Of which [`Strategy::Fair`] begins anew after each such period, by the clocks of this zone; else after each month of UTC.
    #[must_use]
    pub fn ledger(mut self, per: Period, zone: Zone) -> Self {
        self.ledger = Ledger { per, zone };
        self
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

    /// That asks for one of the postal codes of a set, such as those within a radius of the module `us_zips` (feature `us-zips`).
    ///
    /// ```
    /// use convio_core::routing::{Rule, Target, ZipSet, Zips};
    /// let set = ZipSet::of(["902*", "90401"]);
    /// let rule = Rule::to(Target::team("west")).any_product().zip_set(set.clone());
    /// assert_eq!(rule.zips, Zips::Of(set));
    /// ```
    #[must_use]
    pub fn zip_set(mut self, zips: ZipSet) -> Self {
        self.zips = Zips::Of(zips);
        self
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

    /// That takes so much and no more; then the next rule that matches is asked.
    #[must_use]
    pub fn cap(mut self, cap: Cap) -> Self {
        self.caps.push(cap);
        self
    }

    /// That gives what is booked to whoever is responsible, where that is one of its targets and takes any: the lead's owner; else
    /// the owner of the contact's newest other lead that has one; else who keeps the contact's newest other appointment, even one that
    /// was cancelled or missed, but none that was moved ([`Need::Owner`](crate::store::Need::Owner)). Whoever declined an appointment, is
    /// inactive or has reached a cap is passed over, and the rule chooses as it would.
    ///
    /// An appointment that comes in with its lead is routed before it is known whose it is: nobody is responsible for it.
    ///
    /// ```
    /// use convio_core::routing::{RoutingRequest, Rule, RuleSet, Strategy, Target};
    /// let parts = [(Target::person("ann"), 1), (Target::person("bob"), 1)];
    /// let rules = [Rule::among(Strategy::Rotate, parts).any_product().any_zip().sticky()];
    /// let rules = RuleSet::publish(1, rules).unwrap();
    /// let known = RoutingRequest { owner: Some("bob".to_owned()), ..Default::default() };
    /// assert_eq!(rules.decide(&known).target, Some(Target::person("bob")));
    /// assert_eq!(rules.decide(&RoutingRequest::default()).target, Some(Target::person("ann")));
    /// ```
    #[must_use]
    pub fn sticky(mut self) -> Self {
        self.sticky = true;
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

    /// Whether it is active and all that it asks for holds.
    pub fn matches(&self, request: &RoutingRequest) -> bool {
        self.first_failure(request).is_none()
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

    pub(crate) fn check(&self, n: usize) -> Vec<Reason> {
        let empty = |field: &str, any: &str| {
            let message =
                format!("rule {} `{}` asks for no {field}: say `{any}` if all match", n + 1, self.name);
            Reason::new(field, "empty", message)
        };
        let is_empty = |set: &AnyOf| matches!(set, AnyOf::Of(set) if set.is_empty());
        let mut reasons = Vec::new();
        reasons.extend(text_reason("name", Some(&self.name)));
        reasons.extend(self.to.iter().filter_map(|share| share.target.reason()));
        reasons.extend(self.check_shares(n));
        reasons.extend(Cap::check(&format!("rule `{}`", self.name), &self.caps));
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
        self.when.check(&format!("rule `{}`", self.name), 0, &mut reasons);
        reasons
    }
}

impl Rule {
    fn check_shares(&self, n: usize) -> Option<Reason> {
        let weights: u64 = self.to.iter().map(|share| u64::from(share.weight)).sum();
        let again = |(n, share): (usize, &Share)| self.to[..n].iter().any(|it| it.target == share.target);
        let message = match self.to.len() {
            0 => "has no target".to_owned(),
            1..=SHARES_MAX if self.to.iter().any(|share| share.weight == 0) => {
                "has a target whose part is 0".to_owned()
            }
            1..=SHARES_MAX if weights > WEIGHTS_MAX.into() => {
                format!("has parts that sum up to more than {WEIGHTS_MAX}")
            }
            1..=SHARES_MAX if self.to.iter().enumerate().any(again) => "has a target twice".to_owned(),
            1..=SHARES_MAX if self.to.iter().any(|share| share.price.is_some_and(|it| it.minor() < 0)) => {
                "has a price below nothing".to_owned()
            }
            1..=SHARES_MAX if self.strategy == Strategy::Price && !self.prices_compare() => {
                "has prices that are missing or have different currencies".to_owned()
            }
            1..=SHARES_MAX => return None,
            _ => format!("has more than {SHARES_MAX} targets"),
        };
        Some(Reason::new("to", "invalid", format!("rule {} `{}` {message}", n + 1, self.name)))
    }
}

impl Rule {
    fn prices_compare(&self) -> bool {
        let currency = self.to[0].price.map(|price| price.currency());
        currency.is_some() && self.to.iter().all(|it| it.price.map(|price| price.currency()) == currency)
    }
}

/// What holds for a target in all rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetSettings {
    /// The target.
    pub target: Target,
    /// Whether it gets anything.
    pub active: bool,
    /// How much it takes, from all rules together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caps: Vec<Cap>,
    /// When it gets nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub away: Vec<Away>,
}

impl TargetSettings {
    /// A target that takes all that rules give it.
    pub fn of(target: Target) -> Self {
        Self { target, active: true, caps: Vec::new(), away: Vec::new() }
    }

    /// That takes so much and no more.
    #[must_use]
    pub fn cap(mut self, cap: Cap) -> Self {
        self.caps.push(cap);
        self
    }

    /// That gets nothing that starts in this time, from its first instant on and before the other: on vacation, or out for an hour.
    /// Others of its rules get it, or the next rule does. What it has already it keeps, and what is moved into this time too.
    ///
    /// ```
    /// use convio_core::routing::{Draft, RoutingRequest, Rule, RuleSet, Strategy, Target, TargetSettings};
    /// let pair = [(Target::person("ann"), 1), (Target::person("bob"), 1)];
    /// let away = TargetSettings::of(Target::person("ann")).away("2026-07-01T00:00:00Z".parse()?, "2026-07-15T00:00:00Z".parse()?);
    /// let draft = Draft::of([Rule::among(Strategy::First, pair).any_product().any_zip()]).target(away);
    /// let rules = RuleSet::publish(1, draft).unwrap();
    /// let at = |day: &str| RoutingRequest { starts_at: day.parse().ok(), ..Default::default() };
    /// let decision = rules.decide(&at("2026-07-14T23:59:59Z"));
    /// assert_eq!(decision.target, Some(Target::person("bob")));
    /// assert!(decision.explain().ends_with("not person `ann` of `rule 1`: away until 2026-07-15T00:00:00Z"));
    /// assert_eq!(rules.decide(&at("2026-07-15T00:00:00Z")).target, Some(Target::person("ann")));
    /// # Ok::<(), chrono::ParseError>(())
    /// ```
    #[must_use]
    pub fn away(mut self, from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        self.away.push(Away { from: micros(from), to: micros(to) });
        self
    }

    /// Switched off, until rules are published that say otherwise.
    #[must_use]
    pub fn inactive(mut self) -> Self {
        self.active = false;
        self
    }

    pub(super) fn check(&self) -> Vec<Reason> {
        let mut reasons = Cap::check(&self.target.to_string(), &self.caps);
        reasons.extend(Away::check(&self.target.to_string(), &self.away));
        reasons.extend(self.target.reason());
        reasons
    }
}

fn is_first(strategy: &Strategy) -> bool {
    *strategy == Strategy::First
}

fn any() -> AnyOf {
    AnyOf::Any
}

pub(super) fn asks_nothing(condition: &Condition) -> bool {
    *condition == Condition::Always
}
