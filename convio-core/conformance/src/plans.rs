use convio_core::change_set::{CounterAdd, Receipt, Write};
use convio_core::record::Record;
use convio_core::use_case::ingest::{IngestPlan, plan};
use convio_core::use_case::{ConfigSnapshot, Context};
use convio_core::{
    ChangeSet, Clock, CommitError, Need, Needs, Origin, RawLead, SequentialIds, Store, Version, WorkspaceId,
};

use crate::{ManualClock, World};

/// Plans change sets by hand, for cases whose subject is the port itself.
pub(crate) struct Plans {
    config: ConfigSnapshot,
    ids: SequentialIds,
    clock: ManualClock,
    origin: Origin,
}

impl Plans {
    /// Plans under the configuration that the workspace has now.
    pub(crate) async fn of(world: &World<'_>, workspace: WorkspaceId) -> Self {
        let loaded = world.store().load(&Needs::of(workspace, [Need::Config])).await.unwrap();
        let config = ConfigSnapshot::of(loaded, workspace).unwrap();
        Self { config, ids: world.ids(), clock: world.clock.clone(), origin: Origin::default() }
    }

    /// The plan of a lead.
    pub(crate) fn ingest(&self, raw: RawLead) -> IngestPlan {
        plan(&raw, &self.config, &self.context()).unwrap()
    }

    /// The change set of a lead, where there is a plan for it.
    pub(crate) fn try_ingest(&self, raw: RawLead) -> Option<ChangeSet> {
        plan(&raw, &self.config, &self.context()).ok().map(|plan| plan.changes)
    }

    /// An empty change set.
    pub(crate) fn empty(&self) -> ChangeSet {
        ChangeSet::new(self.config.workspace.id, self.clock.now(), self.origin.clone())
    }

    /// A change set with one record, that needs no event.
    pub(crate) fn record(&self, key: &str, version: u64, at: Option<u64>) -> ChangeSet {
        let mut changes = self.empty();
        changes.records.push(self.write_record(key, version, at));
        changes
    }

    /// The write of a record: an insert, or an update at a version.
    pub(crate) fn write_record(&self, key: &str, version: u64, at: Option<u64>) -> Write<Record> {
        let row = Record {
            workspace: self.config.workspace.id,
            kind: "test".to_owned(),
            key: key.to_owned(),
            body: serde_json::json!({ "version": version }),
            version: Version(version),
        };
        match at {
            None => Write::Insert(row),
            Some(at) => Write::Update { row, at: Version(at) },
        }
    }

    /// An addition to a counter.
    pub(crate) fn counter(&self, key: &str, n: i64, at_most: i64) -> CounterAdd {
        CounterAdd { key: key.to_owned(), window: self.clock.now(), n, at_most }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            at: self.clock.now(),
            ids: &self.ids,
            origin: &self.origin,
            provider: None,
            config: Some(&self.config),
        }
    }
}

/// Commits one change set.
pub(crate) async fn commit(store: &dyn Store, changes: ChangeSet) -> Result<Receipt, CommitError> {
    let mut answers = store.commit(vec![changes]).await;
    assert_eq!(answers.len(), 1, "one change set has one answer");
    answers.pop().unwrap()
}

/// Whether it is a conflict.
pub(crate) fn conflicts<T>(answer: &Result<T, CommitError>) -> bool {
    matches!(answer, Err(CommitError::Conflict { .. }))
}
