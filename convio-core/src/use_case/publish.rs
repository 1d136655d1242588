//! Publishes routing rules.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `publish_rules` | nothing | 1 | 2 |

use super::{Context, Plan, UseCase};
use crate::api_key::Permission;
use crate::change_set::{NewEvent, Version};
use crate::error::Error;
use crate::event::{EventBody, Subject};
use crate::id::WorkspaceId;
use crate::record::Keeps;
use crate::routing::{Draft, DraftRef, RuleSet};
use crate::store::{Loaded, Needs};

/// Publishes routing rules: all of them at once, in place of those before, now or from a time on. What was published before and is not in
/// force by then never is. Earlier publications stay in the history. One commit.
#[derive(Debug, Clone)]
pub struct PublishRules {
    /// Their workspace.
    pub workspace: WorkspaceId,
    /// The rules.
    pub draft: Draft,
    /// The publication that they are once more.
    pub copy_of: Option<Version>,
    /// The saved draft that they are.
    pub drafted: Option<DraftRef>,
}

impl UseCase for PublishRules {
    type Answer = RuleSet;

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn plan(&self, _: &Loaded, context: &Context<'_>) -> Result<Plan<RuleSet>, Error> {
        let config = context.config()?;
        let next = config.rules.rules().version.next();
        let mut rules = RuleSet::publish(next.0, self.draft.clone()).map_err(Error::invalid)?;
        let targets = rules.rules.iter().flat_map(|rule| &rule.to).map(|share| &share.target);
        let unknown: Vec<_> = targets.filter_map(|target| config.target_reason(target)).collect();
        if !unknown.is_empty() {
            return Err(Error::invalid(unknown));
        }
        let findings = self.draft.findings(context.at);
        if !findings.is_empty() {
            return Err(Error::invalid(findings));
        }
        rules.copy_of = self.copy_of;
        rules.drafted.clone_from(&self.drafted);
        match rules.effective_from {
            Some(from) if from > context.at => {
                rules.until_then = Some(Box::new(RuleSet::clone(config.rules_at(context.at).rules())));
            }
            _ => rules.effective_from = None,
        }
        let mut changes = context.changes(self.workspace);
        let event = EventBody::RulesPublished(rules.clone());
        changes.events.push(NewEvent::about(Subject::Rules(self.workspace), event));
        changes.records.push(Published { rules: &rules, workspace: self.workspace }.keep()?);
        Ok(Plan { changes, answer: rules })
    }
}

/// Rules as the record that keeps them: a workspace has one set in force.
#[derive(serde::Serialize)]
struct Published<'r> {
    #[serde(flatten)]
    rules: &'r RuleSet,
    #[serde(skip)]
    workspace: WorkspaceId,
}

impl Keeps for Published<'_> {
    const KIND: &'static str = crate::record::RULES_KIND;

    fn record_key(&self) -> String {
        crate::record::RULES_KEY.to_owned()
    }

    fn record_version(&self) -> crate::change_set::Version {
        self.rules.version
    }

    fn record_workspace(&self) -> WorkspaceId {
        self.workspace
    }
}
