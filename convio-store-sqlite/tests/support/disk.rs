//! A disk that forgets: it knows what was synced, what was only written, and what would be left if the power went now.
//!
//! It holds no file itself. The files of the file system are what the operating system shows to those who read; this
//! keeps beside them what the disk holds. A sync of the real file is not needed for it, and not made.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use convio_conformance::dice::Dice;

/// The disk.
#[derive(Default)]
pub(crate) struct Disk {
    state: Mutex<State>,
    changed: Condvar,
}

/// Syncs, by what they were for, and pages of the log. Each sync is counted when it begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Syncs {
    /// Of a log to which transactions were written.
    pub(crate) commits: usize,
    /// Of a log to which nothing but a new header was written: it starts again from its beginning.
    pub(crate) restarts: usize,
    /// Of a log, by a thread that does not write it: a checkpoint makes sure that it is synced.
    pub(crate) rechecks: usize,
    /// Of the database: the end of a checkpoint that came to the end of the log.
    pub(crate) checkpoints: usize,
    /// Those of the database that were made by the thread which answers commits.
    pub(crate) checkpoints_of_writer: usize,
    /// Not a sync: pages that were written to the log.
    pub(crate) log_pages: usize,
}

/// Syncs that do not end.
pub(crate) struct HeldSyncs<'d>(&'d Disk);

/// What is left when the power goes, and what the world had been told by then.
pub(crate) struct Loss {
    files: Vec<File>,
    told: usize,
}

#[derive(Default)]
struct State {
    files: Vec<File>,
    syncs: Syncs,
    told: usize,
    losses: Vec<Loss>,
    loss_in: Option<(u64, Dice)>,
    hold: bool,
    held: usize,
    fails_in: Option<usize>,
}

#[derive(Clone)]
struct File {
    path: PathBuf,
    exists: bool,
    synced: Vec<u8>,
    /// Changes that are not synced, and how many there ever were.
    pending: Vec<Change>,
    changes: usize,
}

#[derive(Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { size: usize },
}

impl Disk {
    /// How many syncs there were.
    pub(crate) fn syncs(&self) -> Syncs {
        self.state().syncs
    }

    /// The world is told one thing more.
    pub(crate) fn tell(&self) {
        self.state().told += 1;
    }

    /// Power is lost from now on, again and again: after a random number of writes each time, and before every sync of
    /// the database. Whoever writes does not notice.
    pub(crate) fn lose_power_often(&self, mut dice: Dice) {
        self.state().loss_in = Some((dice.below(WRITES_BETWEEN_LOSSES), dice));
    }

    /// How often it was lost.
    pub(crate) fn losses(&self) -> usize {
        self.state().losses.len()
    }

    /// What each time left, and no more losses.
    pub(crate) fn take_losses(&self) -> Vec<Loss> {
        let mut state = self.state();
        state.loss_in = None;
        std::mem::take(&mut state.losses)
    }

    /// What is left if the power goes now.
    pub(crate) fn lose_power(&self) -> Loss {
        self.state().loss()
    }

    /// Syncs do not end from now on, until what this gives is dropped.
    pub(crate) fn hold_syncs(&self) -> HeldSyncs<'_> {
        self.state().hold = true;
        HeldSyncs(self)
    }

    /// Waits until there is one that is held.
    pub(crate) fn wait_for_held_sync(&self) {
        let waited = self.changed.wait_timeout_while(self.state(), HANG, |state| state.held == 0).unwrap();
        assert!(!waited.1.timed_out(), "nothing is synced");
    }

    /// After so many syncs more, one fails.
    pub(crate) fn fail_sync_after(&self, n: usize) {
        self.state().fails_in = Some(n);
    }

    /// A file is opened, and is called by the number from now on.
    pub(crate) fn open(&self, path: &Path) -> usize {
        let mut state = self.state();
        let known = state.files.iter().position(|file| file.path == path);
        let number = known.unwrap_or_else(|| {
            // What was there before us counts as synced.
            let synced = std::fs::read(path).unwrap();
            state.files.push(File { synced, exists: true, ..File::absent(path) });
            state.files.len() - 1
        });
        state.files[number].exists = true;
        number
    }

    /// A file is removed, and at once from the disk too.
    pub(crate) fn remove(&self, path: &Path) {
        if let Some(file) = self.state().files.iter_mut().find(|file| file.path == path) {
            *file = File::absent(path);
        }
    }

    pub(crate) fn write(&self, file: usize, at: usize, bytes: &[u8]) {
        self.change(file, Change::Write { at, bytes: bytes.to_owned() });
    }

    pub(crate) fn truncate(&self, file: usize, size: usize) {
        self.change(file, Change::Truncate { size });
    }

    /// Makes what was written to a file last. False: it failed, and nothing is promised.
    pub(crate) fn sync(&self, number: usize) -> bool {
        let thread = std::thread::current();
        let is_of = |name| thread.name() == Some(name);
        let mut state = self.state();
        let file = &state.files[number];
        let header =
            |change: &Change| matches!(change, Change::Write { at: 0, bytes } if bytes.len() == LOG_HEADER);
        let (log, pending, until) = (file.is_log(), file.pending.len(), file.changes);
        let restarts = pending == 1 && file.pending.iter().all(header);
        let syncs = &mut state.syncs;
        *(match log {
            false => &mut syncs.checkpoints,
            true if pending == 0 || is_of(CHECKPOINTER) => &mut syncs.rechecks,
            true if restarts => &mut syncs.restarts,
            true => &mut syncs.commits,
        }) += 1;
        if !log && is_of(WRITER) {
            syncs.checkpoints_of_writer += 1;
        }
        if !log && state.loss_in.is_some() {
            let loss = state.loss();
            state.losses.push(loss);
        }
        if state.hold {
            state.held += 1;
            self.changed.notify_all();
            let waited = self.changed.wait_timeout_while(state, HANG, |state| state.hold).unwrap();
            state = waited.0;
            state.held -= 1;
            // Who holds it has forgotten it.
            if waited.1.timed_out() {
                return false;
            }
        }
        state.fails_in = match state.fails_in {
            Some(0) => {
                state.fails_in = None;
                return false;
            }
            fails_in => fails_in.map(|syncs| syncs - 1),
        };
        // What was written while it was synced is not.
        let file = &mut state.files[number];
        let synced = until.saturating_sub(file.changes - file.pending.len());
        for change in file.pending.drain(..synced) {
            change.apply(&mut file.synced);
        }
        true
    }

    fn change(&self, file: usize, change: Change) {
        let mut state = self.state();
        let is_frame = matches!(&change, Change::Write { bytes, .. } if bytes.len() == FRAME_HEADER);
        let file = &mut state.files[file];
        let is_page = is_frame && file.is_log();
        file.pending.push(change);
        file.changes += 1;
        state.syncs.log_pages += usize::from(is_page);
        let Some((writes, dice)) = &mut state.loss_in else {
            return;
        };
        if *writes > 0 {
            *writes -= 1;
            return;
        }
        *writes = dice.below(WRITES_BETWEEN_LOSSES);
        let loss = state.loss();
        state.losses.push(loss);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for HeldSyncs<'_> {
    fn drop(&mut self) {
        self.0.state().hold = false;
        self.0.changed.notify_all();
    }
}

impl Syncs {
    /// Those since then.
    pub(crate) fn since(self, then: Self) -> Self {
        Self {
            commits: self.commits - then.commits,
            restarts: self.restarts - then.restarts,
            rechecks: self.rechecks - then.rechecks,
            checkpoints: self.checkpoints - then.checkpoints,
            checkpoints_of_writer: self.checkpoints_of_writer - then.checkpoints_of_writer,
            log_pages: self.log_pages - then.log_pages,
        }
    }
}

impl State {
    fn loss(&self) -> Loss {
        Loss { files: self.files.iter().filter(|file| file.exists).cloned().collect(), told: self.told }
    }
}

impl Loss {
    /// How much the world had been told.
    pub(crate) fn told(&self) -> usize {
        self.told
    }

    /// Bytes written and not synced.
    pub(crate) fn unsynced(&self) -> usize {
        let bytes = |change: &Change| match change {
            Change::Write { bytes, .. } => bytes.len(),
            Change::Truncate { .. } => 0,
        };
        self.files.iter().flat_map(|file| &file.pending).map(bytes).sum()
    }

    /// Whether the database was being written, from the log.
    pub(crate) fn is_within_checkpoint(&self) -> bool {
        self.files.iter().any(|file| !file.is_log() && !file.pending.is_empty())
    }

    /// Puts the files that are left into a folder: nothing unsynced is in them.
    pub(crate) fn restore(&self, folder: &Path) {
        for file in &self.files {
            std::fs::write(folder.join(file.name()), &file.synced).unwrap();
        }
    }

    /// Puts files into a folder as they are left when the disk had begun to write: some of what was not synced is in
    /// them, some is not, some is cut off at the end of a sector.
    pub(crate) fn restore_torn(&self, folder: &Path, dice: &mut Dice) {
        for file in &self.files {
            let mut left = file.synced.clone();
            for mut change in file.pending.iter().cloned() {
                match (dice.below(4), &mut change) {
                    (0 | 1, _) => continue,
                    (2, Change::Write { bytes, .. }) => bytes.truncate(bytes.len() / 2 / SECTOR * SECTOR),
                    _ => {}
                }
                change.apply(&mut left);
            }
            std::fs::write(folder.join(file.name()), &left).unwrap();
        }
    }
}

impl File {
    fn absent(path: &Path) -> Self {
        Self { path: path.to_owned(), exists: false, synced: Vec::new(), pending: Vec::new(), changes: 0 }
    }

    fn name(&self) -> &Path {
        Path::new(self.path.file_name().unwrap())
    }

    fn is_log(&self) -> bool {
        self.path.to_str().is_some_and(|path| path.ends_with("-wal"))
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Truncate { size } => content.resize(*size, 0),
            Self::Write { at, bytes } => {
                if content.len() < at + bytes.len() {
                    content.resize(at + bytes.len(), 0);
                }
                content[*at..at + bytes.len()].copy_from_slice(bytes);
            }
        }
    }
}

/// On average there are half as many.
const WRITES_BETWEEN_LOSSES: u64 = 400;
/// The threads of a store.
const WRITER: &str = "convio-sqlite-write";
const CHECKPOINTER: &str = "convio-sqlite-checkpoint";
/// Bytes of the header of a page in a log.
const FRAME_HEADER: usize = 24;
/// Bytes of the header of a log.
const LOG_HEADER: usize = 32;
/// What a disk writes whole.
const SECTOR: usize = 512;
/// No test waits for the clock; this ends one that would wait for ever.
const HANG: Duration = Duration::from_secs(120);
