use super::{Context, Plan, UseCase};
use crate::change_set::{NewEvent, Version, Write};
use crate::error::Error;
use crate::event::{EventBody, Subject};
use crate::id::WorkspaceId;
use crate::record::Record;
use crate::routing::{Rule, RuleSet};
use crate::store::{Loaded, Need, Needs};

/// Publishes routing rules: all of them at once, in place of those before. Reads the rules; one commit.
#[derive(Debug, Clone)]
pub struct PublishRules {
    /// Their workspace.
    pub workspace: WorkspaceId,
    /// The rules.
    pub rules: Vec<Rule>,
}

impl UseCase for PublishRules {
    type Answer = RuleSet;

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [Need::Rules])
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<RuleSet>, Error> {
        let at = loaded.rules.as_ref().map_or(Version::ZERO, |rules| rules.version);
        let rules = RuleSet::publish(at.next().0, self.rules.clone()).map_err(Error::invalid)?;
        let body = serde_json::to_value(&rules).map_err(|error| Error::bug(error.to_string()))?;
        let row = Record {
            workspace: self.workspace,
            kind: RULES_KIND.to_owned(),
            key: RULES_KEY.to_owned(),
            body,
            version: rules.version,
        };
        let mut changes = context.changes(self.workspace);
        let event = EventBody::RulesPublished(rules.clone());
        changes.events.push(NewEvent::about(Subject::Rules(self.workspace), event));
        changes.records.push(if at == Version::ZERO {
            Write::Insert(row)
        } else {
            Write::Update { row, at }
        });
        Ok(Plan { changes, answer: rules })
    }
}

/// The rules that a record keeps; version 0 without one.
pub fn rules_of(record: Option<Record>) -> serde_json::Result<RuleSet> {
    record.map_or_else(|| Ok(RuleSet::default()), |record| serde_json::from_value(record.body))
}

/// The kind of the record that keeps the routing rules of a workspace.
pub const RULES_KIND: &str = "routing.rules";
/// Its key: a workspace has one set of rules in force.
pub const RULES_KEY: &str = "current";
