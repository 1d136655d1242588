use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Draft;
use crate::change_set::Version;
use crate::event::Actor;

/// A draft that a workspace keeps under a name. It need not be fit to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedDraft {
    /// Its name.
    pub name: String,
    /// What is kept.
    pub draft: Draft,
    /// How often something was kept, published or discarded under the name: what a change of it must name.
    pub version: Version,
    /// When it was saved.
    pub saved_at: DateTime<Utc>,
    /// Who saved it.
    pub saved_by: Actor,
}

/// A draft in the list of a workspace's drafts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftSummary {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// How many rules it has.
    pub rules: usize,
    /// When it was saved.
    pub saved_at: DateTime<Utc>,
    /// Who saved it.
    pub saved_by: Actor,
}

/// The saved draft that a publication was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftRef {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
}

/// Most drafts that a workspace keeps: they stand in one list.
pub const DRAFTS_MAX: usize = 100;
