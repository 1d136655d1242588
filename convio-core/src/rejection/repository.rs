#![cfg(feature = "service")]

use async_trait::async_trait;

use super::{Rejection, RejectionState};
use crate::id::{IntakeId, WorkspaceId};
use crate::page::{Page, PageRequest};
use crate::store::StoreError;

/// Which rejections are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RejectionFilter {
    /// Only those that stand there.
    pub state: Option<RejectionState>,
}

impl RejectionFilter {
    /// Those that wait to be corrected and released.
    pub fn held() -> Self {
        Self { state: Some(RejectionState::Held) }
    }

    /// Whether the rejection is one of those listed.
    pub fn matches(&self, rejection: &Rejection) -> bool {
        self.state.is_none_or(|state| state == rejection.state)
    }
}

/// Reads rejections.
#[async_trait]
pub trait RejectionRepository: Send + Sync {
    /// The rejections of these intakes, in the same order and number; `None` where there is none.
    async fn fetch_rejections(
        &self,
        workspace: WorkspaceId,
        ids: &[IntakeId],
    ) -> Result<Vec<Option<Rejection>>, StoreError>;

    /// The rejections that the filter matches, by id ascending.
    async fn list_rejections(
        &self,
        workspace: WorkspaceId,
        filter: &RejectionFilter,
        page: &PageRequest,
    ) -> Result<Page<Rejection>, StoreError>;
}
