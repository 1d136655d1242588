//! What is new in every workspace.
//!
//! | call | reads | round trips on Postgres |
//! |---|---|---|
//! | `next`, while workspaces are known to have moved | the feed of one of them | 1 |
//! | `next`, else | where all feeds end: 10,000 of them at a time; then the same | 1 for 10,000 workspaces, and 1 |
//! | `next`, where the last page of a workspace was full, and its end | that there is no more of it; then as before | 1 more |
//! | `wait` | nothing | 0 |

use std::collections::{HashMap, VecDeque};

use super::Convio;
use crate::error::Error;
use crate::event::{Event, Position};
use crate::id::WorkspaceId;
use crate::page::PageRequest;
use crate::store::Tick;

/// Reads the feeds of all workspaces: every event, at least once, in each workspace in the order of the commits, whatever commits at the same
/// time. For what belongs to the embedding service as a whole; it asks for no permission.
///
/// Nothing is kept but by you: note with what you do about an event its workspace and position, and begin there the next time
/// ([`Convio::feeds`]). A [`Consumer`](super::Consumer) is kept by the store.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
/// use convio_core::{Convio, NewWorkspace};
/// use convio_store_memory::MemoryStore;
///
/// let convio = Convio::new(MemoryStore::new());
/// convio.create_workspace(NewWorkspace::named("Acme Solar")).await?;
/// convio.create_workspace(NewWorkspace::named("Best Roofs")).await?;
/// let mut feeds = convio.feeds([]);
/// let mut seen = 0;
/// loop {
///     let events = feeds.next(100).await?;
///     seen += events.len();
///     if events.is_empty() {
///         break; // a service would `feeds.wait()` here, for a second at most, and go on
///     }
/// }
/// assert_eq!(seen, 4); // each with its `direct` webhook
/// # Ok(()) }) }
/// ```
#[derive(Debug)]
pub struct Feeds<'s> {
    convio: Convio<'s>,
    read: HashMap<WorkspaceId, Position>,
    /// Those that are known to have moved, in turn.
    moved: VecDeque<WorkspaceId>,
    tick: Tick,
}

impl<'s> Convio<'s> {
    /// A reader of the feeds of all workspaces, from after these positions on: in all others from the start.
    pub fn feeds(&self, after: impl IntoIterator<Item = (WorkspaceId, Position)>) -> Feeds<'s> {
        let read = after.into_iter().collect();
        Feeds { convio: self.clone(), read, moved: VecDeque::new(), tick: Tick::default() }
    }
}

impl Feeds<'_> {
    /// The next events of one workspace, up to `limit` or [`PAGE_ITEMS_MAX`](crate::page::PAGE_ITEMS_MAX). Workspaces have their turns, so that
    /// a busy one keeps no other waiting. None: there is nothing that was committed before the call and not read.
    ///
    /// A call that is dropped has read nothing.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<Event>, Error> {
        let limit = PageRequest::first(limit).size();
        let mut has_looked = false;
        loop {
            while let Some(workspace) = self.moved.front().copied() {
                let events = self.convio.store().feed(workspace, self.position(workspace), limit).await?;
                self.moved.pop_front();
                if let Some(last) = events.last() {
                    self.read.insert(workspace, last.position);
                    // Whether a full page was the last one is not known.
                    if events.len() == limit {
                        self.moved.push_back(workspace);
                    }
                    return Ok(events);
                }
            }
            if has_looked {
                return Ok(Vec::new());
            }
            self.look().await?;
            has_looked = true;
        }
    }

    /// Waits until there may be more than the last [`next`](Self::next) that answered none could find. It hears of what is committed through
    /// the same store, and of what other processes commit as far as the store says so: wait no longer than you can be late, and look again.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn wait(&mut self) -> Result<(), Error> {
        if self.moved.is_empty() {
            self.tick = self.convio.store().wait(self.tick).await?;
        }
        Ok(())
    }

    /// How far a workspace has been read.
    pub fn position(&self, workspace: WorkspaceId) -> Position {
        self.read.get(&workspace).copied().unwrap_or_default()
    }

    /// How far each workspace has been read, in any order.
    pub fn positions(&self) -> impl Iterator<Item = (WorkspaceId, Position)> + '_ {
        self.read.iter().map(|(workspace, position)| (*workspace, *position))
    }

    /// Finds the workspaces that have moved.
    async fn look(&mut self) -> Result<(), Error> {
        // Asked before the look: whatever happens after it is waited for no longer.
        let tick = self.convio.store().wait(Tick::default()).await?;
        let (mut moved, mut after) = (VecDeque::new(), None);
        loop {
            let heads = self.convio.store().heads(after, HEADS_MAX).await?;
            moved.extend(
                heads
                    .iter()
                    .filter(|head| head.feed > self.position(head.workspace))
                    .map(|head| head.workspace),
            );
            after = heads.last().map(|head| head.workspace);
            if heads.len() < HEADS_MAX {
                break;
            }
        }
        (self.tick, self.moved) = (tick, moved);
        Ok(())
    }
}

/// Ends of feeds that are read at a time: 24 bytes each.
pub const HEADS_MAX: usize = 10_000;
