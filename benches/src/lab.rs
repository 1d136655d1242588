//! What sections work with.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::Result;
use crate::effort::Effort;
use crate::server::Server;

/// Where things are measured, and how long.
pub struct Lab {
    /// How much is measured.
    pub effort: Effort,
    /// Where files are made: a folder of the file system that is reported.
    pub scratch: PathBuf,
    /// The server whose commits are on the disk.
    pub synced: Server,
    /// One that syncs nothing.
    pub unsynced: Server,
    /// Where the programs of the peers are, if they were built.
    pub peers: Option<PathBuf>,
    /// How long a store is filled at most: what it holds then is measured instead of what it should.
    pub fill_most: Option<Duration>,
    runtime: Runtime,
}

impl Lab {
    /// A lab with these servers.
    pub fn new(effort: Effort, synced: &str, unsynced: &str, peers: Option<PathBuf>) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
        let (synced, unsynced) =
            (runtime.block_on(Server::at(synced))?, runtime.block_on(Server::at(unsynced))?);
        if !synced.is_synced || unsynced.is_synced {
            return Err("one server with `fsync` on and one with `fsync` off are needed".into());
        }
        Ok(Self { effort, scratch: std::env::temp_dir(), synced, unsynced, peers, fill_most: None, runtime })
    }

    /// Waits for a future. What it spawns runs on the two threads of the runtime.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// A new folder, gone when dropped.
    pub fn folder(&self) -> Result<TempDir> {
        Ok(tempfile::Builder::new().prefix("convio-bench.").tempdir_in(&self.scratch)?)
    }

    /// Tells whoever waits what is being done.
    #[expect(clippy::print_stderr, reason = "a run takes minutes, and is watched")]
    pub fn say(&self, what: &str) {
        eprintln!("convio-bench: {what}");
    }
}

/// Threads of the runtime: as a small server has them, and as the targets were set for.
const WORKERS: usize = 2;
