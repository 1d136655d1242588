use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{LeadStatus, Stage};
use crate::error::{Error, Reason};

/// The statuses of a workspace's leads and the moves that people may make between them: data, not code.
///
/// What happens to a lead moves it too, whatever the list of moves says: an open appointment makes it
/// [`Stage::Scheduled`], a standing conversion [`Stage::Won`]. It then gets the first status of that stage.
///
/// ```
/// use convio_core::lead::{Pipeline, Stage};
/// let pipeline = Pipeline::default()
///     .status("callback", Stage::Contacted)
///     .allow("new", ["callback"])
///     .allow("callback", ["qualified", "lost"]);
/// assert!(pipeline.check().is_empty());
/// let new = pipeline.entry(Stage::New);
/// assert_eq!(pipeline.step(&new, "callback").unwrap().stage, Stage::Contacted);
/// assert_eq!(pipeline.step(&new, "won").unwrap_err().to_string(), "a lead can't go from `new` to `won`");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pipeline {
    /// The statuses; the first of a stage is the one that leads enter it by.
    pub statuses: Vec<LeadStatus>,
    /// Per status, the ones that people may move a lead to.
    pub moves: BTreeMap<String, BTreeSet<String>>,
}

impl Default for Pipeline {
    /// One status per stage. Leads are worked forward, given up with a reason, and opened again.
    fn default() -> Self {
        let empty = Self { statuses: Stage::ALL.map(LeadStatus::of).to_vec(), moves: BTreeMap::new() };
        empty
            .allow("new", ["contacted", "qualified", "lost", "rejected"])
            .allow("contacted", ["qualified", "lost", "rejected"])
            .allow("qualified", ["contacted", "lost", "rejected"])
            .allow("scheduled", ["contacted", "qualified", "lost", "rejected"])
            .allow("lost", ["new", "contacted", "qualified"])
            .allow("rejected", ["new", "contacted", "qualified"])
    }
}

impl Pipeline {
    /// With one more status, after those of its stage that are there.
    #[must_use]
    pub fn status(mut self, key: impl Into<String>, stage: Stage) -> Self {
        self.statuses.push(LeadStatus { key: key.into(), stage });
        self
    }

    /// With moves from `from` to each of `to`, beside those that are there.
    #[must_use]
    pub fn allow<T: Into<String>>(
        mut self,
        from: impl Into<String>,
        to: impl IntoIterator<Item = T>,
    ) -> Self {
        self.moves.entry(from.into()).or_default().extend(to.into_iter().map(Into::into));
        self
    }

    /// The status that a lead enters this stage by.
    pub fn entry(&self, stage: Stage) -> LeadStatus {
        let first = self.statuses.iter().find(|status| status.stage == stage);
        first.cloned().unwrap_or_else(|| LeadStatus::of(stage))
    }

    /// The status that a person moves a lead to, if the moves allow it. A lead whose status is no longer one of the
    /// workspace's moves like one that just entered its stage.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) for a status that the workspace does not have;
    /// [`Conflict`](crate::ErrorKind::Conflict) for an illegal transition.
    pub fn step(&self, from: &LeadStatus, to: &str) -> Result<LeadStatus, Error> {
        let target = self.statuses.iter().find(|status| status.key == to);
        let target = target.ok_or_else(|| Error::not_found("status", to))?;
        let known = self.statuses.iter().any(|status| status == from);
        let from_key = if known { from.key.clone() } else { self.entry(from.stage).key };
        if self.moves.get(&from_key).is_some_and(|moves| moves.contains(to)) {
            return Ok(target.clone());
        }
        Err(Error::conflict(format!("a lead can't go from `{from}` to `{to}`")))
    }

    /// Every part of it that can't be.
    pub fn check(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let mut stages: BTreeMap<&str, Stage> = BTreeMap::new();
        for LeadStatus { key, stage } in &self.statuses {
            if key.trim().is_empty() || key.contains('\0') || key.len() > KEY_BYTES_MAX {
                let message = format!(
                    "a status is 1 to {KEY_BYTES_MAX} bytes that are not all blank, none of them NUL"
                );
                reasons.push(Reason::new("pipeline.statuses", "invalid", message));
            }
            if stages.insert(key, *stage).is_some() {
                let message = format!("two statuses are named `{key}`");
                reasons.push(Reason::new("pipeline.statuses", "duplicate", message));
            }
        }
        for stage in Stage::ALL.into_iter().filter(|stage| !stages.values().any(|other| other == stage)) {
            let message = format!("no status has the stage `{}`", stage.code());
            reasons.push(Reason::new("pipeline.statuses", "missing", message));
        }
        for (from, to) in self.moves.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to))) {
            let (Some(left), Some(entered)) = (stages.get(from.as_str()), stages.get(to.as_str())) else {
                let message = format!("the move from `{from}` to `{to}` names a status that is not there");
                reasons.push(Reason::new("pipeline.moves", "unknown", message));
                continue;
            };
            // Only facts make a lead scheduled or sold, and only facts take the sale back.
            if left != entered && (entered.is_fact() || *left == Stage::Won) {
                let message = format!("no one moves a lead from `{from}` to `{to}` by hand");
                reasons.push(Reason::new("pipeline.moves", "illegal", message));
            }
        }
        if self.statuses.len() > STATUSES_MAX {
            let message = format!("at most {STATUSES_MAX} statuses, not {}", self.statuses.len());
            reasons.push(Reason::new("pipeline.statuses", "too_many", message));
        }
        reasons
    }
}

/// Longest name of a status: it stands in an index of leads.
const KEY_BYTES_MAX: usize = 64;
/// Most statuses of a workspace: they travel with its configuration.
const STATUSES_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_is_named() {
        assert_eq!(Pipeline::default().check(), []);
        let codes =
            |pipeline: Pipeline| pipeline.check().into_iter().map(|reason| reason.code).collect::<Vec<_>>();
        assert_eq!(codes(Pipeline::default().status("new", Stage::New)), ["duplicate"]);
        assert_eq!(codes(Pipeline::default().allow("new", ["gone"])), ["unknown"]);
        assert_eq!(codes(Pipeline::default().allow("new", ["scheduled"])), ["illegal"]);
        assert_eq!(codes(Pipeline::default().allow("won", ["lost"])), ["illegal"]);
        assert_eq!(codes(Pipeline::default().status(" ", Stage::New)), ["invalid"]);
        let signed = Pipeline::default().status("installed", Stage::Won).allow("won", ["installed"]);
        assert_eq!(signed.check(), []);
        assert_eq!(codes(Pipeline { statuses: Vec::new(), moves: BTreeMap::new() }), vec!["missing"; 7]);
    }

    #[test]
    fn a_status_that_is_gone_moves_like_the_entry_of_its_stage() {
        let old = LeadStatus { key: "callback".into(), stage: Stage::New };
        assert_eq!(Pipeline::default().step(&old, "contacted").unwrap(), LeadStatus::of(Stage::Contacted));
        assert!(Pipeline::default().step(&old, "won").is_err());
    }
}
