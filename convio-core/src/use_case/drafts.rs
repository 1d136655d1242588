//! Saves, publishes and discards drafts of routing rules.
//!
//! A draft is a record of its name; another one lists all drafts. Both are written together. What was published or discarded leaves its
//! record without the draft, so that versions under a name go on.
//!
//! | call | reads first | commits | round trips on Postgres |
//! |---|---|---|---|
//! | `save_draft` | the draft; the list of drafts | 1 | 4 |
//! | `publish_draft` | the draft; the list of drafts | 1 | 4 |
//! | `discard_draft` | the draft; the list of drafts | 1 | 4 |

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Context, Plan, PublishRules, UseCase};
use crate::api_key::Permission;
use crate::change_set::{ChangeSet, Version, Write};
use crate::error::{Error, Reason};
use crate::event::Actor;
use crate::id::WorkspaceId;
use crate::record::{DRAFT_KIND, DRAFTS_KEY, DRAFTS_KIND, Record};
use crate::routing::{
    DRAFTS_MAX, Draft, DraftRef, DraftSummary, RULES_MAX, RuleSet, SavedDraft, TARGETS_MAX,
};
#[cfg(feature = "service")]
use crate::store::StoreError;
use crate::store::{Loaded, Needs};
use crate::text::fold_blanks;

/// Saves a draft under a name, in place of the one that was seen there. It need not be fit to be published. One commit.
#[derive(Debug, Clone)]
pub struct SaveDraft {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// What is kept.
    pub draft: Draft,
    /// The version that was seen; `None`: there must be no draft of this name.
    pub seen: Option<Version>,
}

/// Publishes a saved draft as it was seen, and keeps it as a draft no longer. One commit.
#[derive(Debug, Clone)]
pub struct PublishDraft {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// The version that was seen.
    pub seen: Version,
}

/// Discards a saved draft that was seen. One commit.
#[derive(Debug, Clone)]
pub struct DiscardDraft {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// The version that was seen.
    pub seen: Version,
}

impl UseCase for SaveDraft {
    type Answer = SavedDraft;

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn records(&self) -> Vec<(&'static str, String)> {
        records_of(&self.name)
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<SavedDraft>, Error> {
        context.config()?;
        let drafts = Drafts::of(loaded, &self.name)?;
        self.check(&drafts)?;
        let mut changes = context.changes(self.workspace);
        let version = drafts.keep(Some(&self.draft), &mut changes, context)?;
        let (saved_at, saved_by) = (context.at, context.origin.actor.clone());
        let answer = SavedDraft { name: drafts.name, draft: self.draft.clone(), version, saved_at, saved_by };
        Ok(Plan { changes, answer })
    }
}

impl SaveDraft {
    fn check(&self, drafts: &Drafts) -> Result<(), Error> {
        let name = &drafts.name;
        let mut reasons = Vec::new();
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains('\0') {
            let message = format!("a draft's name has 1 to {NAME_BYTES_MAX} bytes, none of them NUL");
            reasons.push(Reason::new("name", "invalid", message));
        }
        let counted = [
            ("rules", self.draft.rules.len(), RULES_MAX),
            ("targets", self.draft.targets.len(), TARGETS_MAX),
        ];
        for (field, n, most) in counted.into_iter().filter(|(_, n, most)| n > most) {
            reasons.push(Reason::new(field, "too_many", format!("at most {most} {field}, not {n}")));
        }
        if !reasons.is_empty() {
            return Err(Error::invalid(reasons));
        }
        match (self.seen, &drafts.kept) {
            (Some(seen), _) => drafts.seen(seen).map(drop),
            (None, Some(_)) => {
                let message = format!("there is a draft `{name}` already");
                Err(Error::taken(Reason::new("name", "taken", message)))
            }
            (None, None) if drafts.list.len() >= DRAFTS_MAX => {
                Err(Error::conflict(format!("a workspace keeps at most {DRAFTS_MAX} drafts")))
            }
            (None, None) => Ok(()),
        }
    }
}

impl UseCase for PublishDraft {
    type Answer = RuleSet;

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn records(&self) -> Vec<(&'static str, String)> {
        records_of(&self.name)
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<RuleSet>, Error> {
        let drafts = Drafts::of(loaded, &self.name)?;
        let draft = drafts.seen(self.seen)?.clone();
        let drafted = Some(DraftRef { name: drafts.name.clone(), version: self.seen });
        let publish = PublishRules { workspace: self.workspace, draft, copy_of: None, drafted };
        let Plan { mut changes, answer } = publish.plan(&Loaded::default(), context)?;
        drafts.keep(None, &mut changes, context)?;
        Ok(Plan { changes, answer })
    }
}

impl UseCase for DiscardDraft {
    type Answer = ();

    fn permission(&self) -> Permission {
        Permission::Admin
    }

    fn needs(&self) -> Needs {
        Needs::of(self.workspace, [])
    }

    fn records(&self) -> Vec<(&'static str, String)> {
        records_of(&self.name)
    }

    fn plan(&self, loaded: &Loaded, context: &Context<'_>) -> Result<Plan<()>, Error> {
        context.config()?;
        let drafts = Drafts::of(loaded, &self.name)?;
        drafts.seen(self.seen)?;
        let mut changes = context.changes(self.workspace);
        drafts.keep(None, &mut changes, context)?;
        Ok(Plan { changes, answer: () })
    }
}

/// The draft that a record keeps, if it still keeps one.
#[cfg(feature = "service")]
pub(crate) fn saved_of(record: &Record) -> Result<Option<SavedDraft>, StoreError> {
    let Kept { draft, at, by } = record.read()?;
    let (name, version) = (record.key.clone(), record.version);
    Ok(draft.map(|draft| SavedDraft { name, draft, version, saved_at: at, saved_by: by }))
}

/// All drafts, by name, as their record lists them.
#[cfg(feature = "service")]
pub(crate) fn list_of(record: Option<Record>) -> Result<Vec<DraftSummary>, StoreError> {
    record.map_or(Ok(Vec::new()), |record| record.read())
}

/// The records that a change of the draft of a name goes by.
fn records_of(name: &str) -> Vec<(&'static str, String)> {
    vec![(DRAFT_KIND, fold_blanks(name)), (DRAFTS_KIND, DRAFTS_KEY.to_owned())]
}

/// The body of a draft's record. Without a draft it was published or discarded.
#[derive(Serialize, Deserialize)]
struct Kept<D> {
    draft: Option<D>,
    at: DateTime<Utc>,
    by: Actor,
}

/// What was read: a draft and the list of all.
struct Drafts {
    name: String,
    kept: Option<Draft>,
    version: Version,
    list: Vec<DraftSummary>,
    list_version: Version,
}

impl Drafts {
    fn of(loaded: &Loaded, name: &str) -> Result<Self, Error> {
        let name = fold_blanks(name);
        let find = |kind, key: &str| loaded.records.iter().find(|row| row.kind == kind && row.key == key);
        let (kept, list) = (find(DRAFT_KIND, &name), find(DRAFTS_KIND, DRAFTS_KEY));
        let version = |row: Option<&Record>| row.map_or(Version::ZERO, |row| row.version);
        let (version, list_version) = (version(kept), version(list));
        let kept = kept.map(Record::read::<Kept<Draft>>).transpose()?.and_then(|kept| kept.draft);
        let list = list.map(Record::read).transpose()?.unwrap_or_default();
        Ok(Self { name, kept, version, list, list_version })
    }

    /// The draft, if it is as it was seen.
    fn seen(&self, seen: Version) -> Result<&Draft, Error> {
        let draft = self.kept.as_ref().ok_or_else(|| Error::not_found("draft of rules", &self.name))?;
        match seen == self.version {
            true => Ok(draft),
            false => Err(Error::conflict(format!("draft `{}` was changed by someone else", self.name))),
        }
    }

    /// Writes the draft, or that there is none any more, and the list. The answer is its version.
    fn keep(
        &self,
        draft: Option<&Draft>,
        changes: &mut ChangeSet,
        context: &Context<'_>,
    ) -> Result<Version, Error> {
        let version = self.version.next();
        let (at, by) = (context.at, &context.origin.actor);
        let mut list: Vec<DraftSummary> =
            self.list.iter().filter(|it| it.name != self.name).cloned().collect();
        list.extend(draft.map(|draft| DraftSummary {
            name: self.name.clone(),
            version,
            rules: draft.rules.len(),
            saved_at: at,
            saved_by: by.clone(),
        }));
        list.sort_by(|a, b| a.name.cmp(&b.name));
        write(changes, DRAFT_KIND, &self.name, &Kept { draft, at, by: by.clone() }, version)?;
        write(changes, DRAFTS_KIND, DRAFTS_KEY, &list, self.list_version.next())?;
        Ok(version)
    }
}

fn write<T: Serialize>(
    changes: &mut ChangeSet,
    kind: &str,
    key: &str,
    body: &T,
    version: Version,
) -> Result<(), Error> {
    let body = serde_json::to_value(body).map_err(|error| Error::bug(error.to_string()))?;
    let row =
        Record { workspace: changes.workspace, kind: kind.to_owned(), key: key.to_owned(), body, version };
    changes.records.push(match version.0 {
        0 | 1 => Write::Insert(row),
        n => Write::Update { row, at: Version(n - 1) },
    });
    Ok(())
}

/// Longest name of a draft: a line.
const NAME_BYTES_MAX: usize = 200;
