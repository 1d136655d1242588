use std::fmt;

use serde::{Deserialize, Serialize};

use crate::appointment::text_reason;
use crate::error::Reason;
use crate::routing::Target;
use crate::text::{short, without_nul};

/// Someone or something whose time appointments take, by a name of yours.
///
/// ```
/// use convio_core::{Resource, Target};
/// assert_eq!(Resource::of(&Target::person("ann")), Some(Resource::person("ann")));
/// assert_eq!(Resource::of(&Target::endpoint("partner")), None);
/// assert_eq!(Resource::thing("van 3").to_string(), "thing `van 3`");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// A person: whom rules route to, or who keeps appointments of a team.
    Person(String),
    /// A team that rules route to: it has as many crews as its calendar's capacity says.
    Team(String),
    /// A thing: a room, a vehicle, a set of seats.
    Thing(String),
}

impl Resource {
    /// A person.
    pub fn person(name: impl Into<String>) -> Self {
        Self::Person(without_nul(name))
    }

    /// A team.
    pub fn team(name: impl Into<String>) -> Self {
        Self::Team(without_nul(name))
    }

    /// A thing.
    pub fn thing(name: impl Into<String>) -> Self {
        Self::Thing(without_nul(name))
    }

    /// Who something is routed to, as someone whose time it takes. An endpoint has none here: whoever gets what goes there has calendars of
    /// their own.
    pub fn of(target: &Target) -> Option<Self> {
        match target {
            Target::Team(name) => Some(Self::Team(name.clone())),
            Target::Person(name) => Some(Self::Person(name.clone())),
            Target::Endpoint(_) => None,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        let (Self::Person(name) | Self::Team(name) | Self::Thing(name)) = self;
        name
    }

    /// What it is: `person`, `team`, `thing`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Person(_) => "person",
            Self::Team(_) => "team",
            Self::Thing(_) => "thing",
        }
    }

    /// It as part of a key of bounded length.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.kind(), short(self.name()))
    }

    /// What is wrong with its name.
    pub(crate) fn reason(&self) -> Option<Reason> {
        text_reason("resource", Some(self.name()))
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind(), self.name())
    }
}
