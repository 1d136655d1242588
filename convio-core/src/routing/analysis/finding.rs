use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::{RoutingRequest, Target, ZipPattern};
use super::universe::Territory;
use crate::text::Product;

/// Something about a set of rules that its authors should know, with a request that shows it.
///
/// As text it is a sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finding {
    /// No request can be what the rule asks for.
    NeverHolds {
        /// The rule.
        rule: String,
    },
    /// Requests can be what the rule asks for, but rules that are tried before it take every one of them.
    Unreachable {
        /// The rule.
        rule: String,
        /// Rules that take them all together, in the order in which they are tried: at most [`SHOWN`].
        taken_by: Vec<String>,
        /// How many more rules are needed for that.
        more: u64,
        /// A request that the rule would match, if it were tried.
        witness: Box<RoutingRequest>,
    },
    /// Two rules with the same priority and different targets match the same request, and none that is tried before them does: it
    /// goes where it goes because of the order in which the rules were given.
    Overlap {
        /// The rule that was given first.
        first: String,
        /// The other.
        second: String,
        /// Where the first routes to.
        first_to: Vec<Target>,
        /// Where the other would.
        second_to: Vec<Target>,
        /// A request that the first takes and the other matches.
        witness: Box<RoutingRequest>,
    },
    /// No rule takes some requests for a product, in territories that are in use.
    Gap {
        /// The product.
        product: Product,
        /// The territories in which some request is not taken: at most [`SHOWN`].
        territories: Vec<Territory>,
        /// In how many more that is so.
        more: u64,
        /// A request from the first of them that no rule takes.
        witness: Box<RoutingRequest>,
    },
    /// A cap that can't be reached, because something tighter is reached before.
    CapNeverBinds {
        /// The rule or target that it is a cap of, such as a rule's name.
        of: String,
        /// The cap, as it is written.
        cap: String,
        /// What is reached before.
        below: String,
    },
    /// Rules give to a target that is switched off.
    TargetInactive {
        /// The target.
        target: Target,
        /// The rules: at most [`SHOWN`].
        rules: Vec<String>,
        /// How many more.
        more: u64,
    },
    /// Rules give to a target that there is not, or a target has settings that there is not.
    TargetUnknown {
        /// The target.
        target: Target,
        /// The rules: at most [`SHOWN`].
        rules: Vec<String>,
        /// How many more.
        more: u64,
    },
    /// A rule asks for postal codes that do not exist.
    UnknownZip {
        /// The rule.
        rule: String,
        /// What it asks for, and what holds no code there is: at most [`SHOWN`].
        zips: Vec<ZipPattern>,
        /// How many more.
        more: u64,
    },
}

/// The kind of a [`Finding`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// [`Finding::NeverHolds`].
    NeverHolds,
    /// [`Finding::Unreachable`].
    Unreachable,
    /// [`Finding::Overlap`].
    Overlap,
    /// [`Finding::Gap`].
    Gap,
    /// [`Finding::CapNeverBinds`].
    CapNeverBinds,
    /// [`Finding::TargetInactive`].
    TargetInactive,
    /// [`Finding::TargetUnknown`].
    TargetUnknown,
    /// [`Finding::UnknownZip`].
    UnknownZip,
}

impl FindingKind {
    /// The kind's name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NeverHolds => "never_holds",
            Self::Unreachable => "unreachable",
            Self::Overlap => "overlap",
            Self::Gap => "gap",
            Self::CapNeverBinds => "cap_never_binds",
            Self::TargetInactive => "target_inactive",
            Self::TargetUnknown => "target_unknown",
            Self::UnknownZip => "unknown_zip",
        }
    }
}

impl Finding {
    /// Its kind.
    pub const fn kind(&self) -> FindingKind {
        match self {
            Self::NeverHolds { .. } => FindingKind::NeverHolds,
            Self::Unreachable { .. } => FindingKind::Unreachable,
            Self::Overlap { .. } => FindingKind::Overlap,
            Self::Gap { .. } => FindingKind::Gap,
            Self::CapNeverBinds { .. } => FindingKind::CapNeverBinds,
            Self::TargetInactive { .. } => FindingKind::TargetInactive,
            Self::TargetUnknown { .. } => FindingKind::TargetUnknown,
            Self::UnknownZip { .. } => FindingKind::UnknownZip,
        }
    }

    /// The rules that it is about.
    pub fn rules(&self) -> Vec<&str> {
        match self {
            Self::NeverHolds { rule } | Self::Unreachable { rule, .. } | Self::UnknownZip { rule, .. } => {
                vec![rule]
            }
            Self::Overlap { first, second, .. } => vec![first, second],
            Self::TargetInactive { rules, .. } | Self::TargetUnknown { rules, .. } => {
                rules.iter().map(String::as_str).collect()
            }
            Self::Gap { .. } | Self::CapNeverBinds { .. } => Vec::new(),
        }
    }

    /// A request that shows it.
    pub fn witness(&self) -> Option<&RoutingRequest> {
        match self {
            Self::Unreachable { witness, .. } | Self::Overlap { witness, .. } | Self::Gap { witness, .. } => {
                Some(witness)
            }
            Self::NeverHolds { .. }
            | Self::CapNeverBinds { .. }
            | Self::TargetInactive { .. }
            | Self::TargetUnknown { .. }
            | Self::UnknownZip { .. } => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverHolds { rule } => write!(f, "rule `{rule}` asks for what no request can be"),
            Self::Unreachable { rule, taken_by, more, .. } => {
                let by = listed(taken_by.iter().map(|name| format!("`{name}`")), *more);
                let take = if taken_by.len() as u64 + more == 1 { "takes" } else { "take" };
                write!(f, "rule `{rule}` is never reached: {by} {take} all that it asks for")
            }
            Self::Overlap { first, second, first_to, second_to, witness } => write!(
                f,
                "rules `{first}` and `{second}` have the same priority and both match {}: it goes to {} and not to {} only because \
                 `{first}` was given first",
                Shown(witness),
                listed(first_to.iter().map(ToString::to_string), 0),
                listed(second_to.iter().map(ToString::to_string), 0)
            ),
            Self::CapNeverBinds { of, cap, below } => {
                write!(f, "the cap of {of}, {cap}, is never reached: {below} is reached before")
            }
            Self::TargetInactive { target, rules, more } => {
                let rules = listed(rules.iter().map(|name| format!("`{name}`")), *more);
                write!(f, "{target} is inactive, and gets nothing of {rules}")
            }
            Self::TargetUnknown { target, rules, more } => {
                let rules = listed(rules.iter().map(|name| format!("`{name}`")), *more);
                write!(f, "{target} of {rules} is not known")
            }
            Self::Gap { product, territories, more, witness } => {
                let places = listed(territories.iter().map(ToString::to_string), *more);
                write!(
                    f,
                    "no rule takes all of product `{product}` in {places}: for one, {} is unrouted",
                    Shown(witness)
                )
            }
            Self::UnknownZip { rule, zips, more } => {
                let zips = listed(zips.iter().map(ToString::to_string), *more);
                write!(f, "rule `{rule}` asks for postal codes that do not exist: {zips}")
            }
        }
    }
}

/// `a`, `a and b`, `a, b and 3 more`.
fn listed(shown: impl Iterator<Item = String>, more: u64) -> String {
    let mut all: Vec<String> = shown.chain((more > 0).then(|| format!("{more} more"))).collect();
    match (all.pop(), all.is_empty()) {
        (Some(last), false) => format!("{} and {last}", all.join(", ")),
        (last, _) => last.unwrap_or_default(),
    }
}

/// A request in a sentence.
struct Shown<'r>(&'r RoutingRequest);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = self.0;
        f.write_str("a request")?;
        let mut with = " with";
        let mut say = |f: &mut fmt::Formatter<'_>, name: &str, value: Option<String>| match value {
            Some(value) => write!(f, "{} {name} `{value}`", std::mem::replace(&mut with, ",")),
            None => Ok(()),
        };
        say(f, "product", request.product.as_ref().map(ToString::to_string))?;
        say(f, "postal code", request.postal_code.as_ref().map(ToString::to_string))?;
        say(f, "state", request.state.as_ref().map(ToString::to_string))?;
        say(f, "source", request.source.as_ref().map(ToString::to_string))?;
        say(f, "campaign", request.campaign.as_ref().map(ToString::to_string))?;
        say(f, "lead type", request.lead_type.as_ref().map(ToString::to_string))?;
        say(f, "area code", request.area_code.map(|code| code.to_string()))?;
        say(f, "value", request.value.map(|value| value.to_string()))?;
        for (name, value) in request.custom.0.iter() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            say(f, &format!("field `{name}`"), Some(text))?;
        }
        say(f, "start", request.starts_at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)))?;
        write!(f, " at {}", request.at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }
}

/// How many rules, territories or postal codes a finding names; the rest is counted.
pub const SHOWN: usize = 20;
