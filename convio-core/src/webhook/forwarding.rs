use serde::{Deserialize, Serialize};

use crate::error::Reason;
use crate::routing::{RoutingRequest, Rule, Strategy, Target};

/// Which leads of a webhook go on to endpoints: by every rule that matches, and once to each endpoint, whichever rules name it.
///
/// A rule is one of [`routing`](crate::routing), with an endpoint as its only target. Each can be switched off, and all at once.
///
/// ```
/// use convio_core::routing::{RoutingRequest, Rule, Target};
/// use convio_core::webhook::Forwarding;
/// let to = |name: &str| Rule::to(Target::endpoint(name)).any_product();
/// let forwarding = Forwarding::by([to("west").zips(["9*"]), to("all").any_zip(), to("all").zips(["902*"])]);
/// let lead = RoutingRequest { postal_code: "90210".parse().ok(), ..Default::default() };
/// assert_eq!(forwarding.endpoints(&lead), ["west", "all"]);
/// assert!(Forwarding { active: false, ..forwarding }.endpoints(&lead).is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Forwarding {
    /// Whether any of it holds.
    pub active: bool,
    /// The rules. Their priorities change nothing, since all that match are followed.
    pub rules: Vec<Rule>,
}

impl Default for Forwarding {
    fn default() -> Self {
        Self { active: true, rules: Vec::new() }
    }
}

impl Forwarding {
    /// By these rules. One without a name is named by its place.
    pub fn by(rules: impl IntoIterator<Item = Rule>) -> Self {
        let named = |(n, rule): (usize, Rule)| match rule.name.is_empty() {
            true => rule.named(format!("rule {}", n + 1)),
            false => rule,
        };
        Self { rules: rules.into_iter().enumerate().map(named).collect(), ..Self::default() }
    }

    /// The endpoints that a lead goes on to, each once, in the order of the rules.
    pub fn endpoints(&self, lead: &RoutingRequest) -> Vec<&str> {
        let mut names = Vec::new();
        for rule in self.rules.iter().filter(|rule| self.active && rule.matches(lead)) {
            for share in &rule.to {
                let name = share.target.name();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// Everything that is wrong with it in itself.
    pub fn check(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.rules.len() > FORWARD_RULES_MAX {
            let message = format!("a webhook forwards by at most {FORWARD_RULES_MAX} rules");
            reasons.push(Reason::new("forwarding", "too_many", message));
        }
        for (n, rule) in self.rules.iter().enumerate() {
            reasons.extend(rule.check(n));
            let to_endpoint =
                matches!(rule.to.as_slice(), [share] if matches!(share.target, Target::Endpoint(_)));
            let plain = rule.strategy == Strategy::First && rule.caps.is_empty() && !rule.sticky;
            if !to_endpoint || !plain {
                let message = "a rule that forwards has one endpoint as its target, no caps, and nobody who goes before";
                reasons.push(Reason::new(format!("forwarding[{n}]"), "invalid", message));
            }
        }
        reasons
    }

    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The most rules by which a webhook forwards: they travel with the configuration, and all are tried for each lead.
pub const FORWARD_RULES_MAX: usize = 100;
