use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use convio_core::store::{Bell, Durability, Fault, StoreError};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::access::Threads;
use crate::checkpoint::Checkpoints;
use crate::error::read_failed;
use crate::migrate::{apply, missing};
use crate::readers::Readers;
use crate::watch::Watch;
use crate::writer::Writer;
use crate::{Sqlite, SqliteStore};

/// How a file is opened.
///
/// ```
/// use convio_core::store::{Durability, Store};
/// use convio_store_sqlite::{Migrate, Options, Synchronous};
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("leads.db");
/// assert!(Options::new().migrate(Migrate::Check).open(&path).is_err());
/// let store = Options::new().open(&path)?;
/// assert_eq!(store.durability(), Durability::Synced);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Options {
    synchronous: Synchronous,
    migrate: Migrate,
    busy_timeout: Duration,
    readers: usize,
    old_sqlite: bool,
    vfs: Option<String>,
    log_pages_max: u32,
}

/// When a commit is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Synchronous {
    /// Once it is synced to the disk: it survives the loss of power.
    Full,
    /// Once the operating system has it: it survives the end of the process.
    Normal,
}

/// What happens to the schema when a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Migrate {
    /// It is brought up to date.
    Apply,
    /// It is looked at: a file that is not there or not up to date is refused, and left as it is.
    Check,
}

impl SqliteStore {
    /// Opens the file, creates it where there is none, and brings its schema up to date. Commits are synced.
    ///
    /// # Errors
    /// The file can't be opened or is no database; its schema is newer than this version; SQLite is older than
    /// 3.51.3 (see [`Options::accept_old_sqlite`]).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Options::new().open(path)
    }
}

impl Options {
    /// Synced commits, a schema brought up to date, four readers, half a minute of patience with other processes.
    pub fn new() -> Self {
        Self {
            synchronous: Synchronous::Full,
            migrate: Migrate::Apply,
            busy_timeout: BUSY_TIMEOUT,
            readers: READERS,
            old_sqlite: false,
            vfs: None,
            log_pages_max: LOG_PAGES_MAX,
        }
    }

    /// When a commit is answered.
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// What happens to the schema.
    pub fn migrate(mut self, migrate: Migrate) -> Self {
        self.migrate = migrate;
        self
    }

    /// How long a write waits for another process to end its own before it is answered as unavailable.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How many threads read, at least one.
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// Accepts a SQLite before 3.51.3, whose write-ahead log can corrupt a file when two connections write and checkpoint
    /// at once. Only where you know that yours has the fix.
    pub fn accept_old_sqlite(mut self) -> Self {
        self.old_sqlite = true;
        self
    }

    /// The SQLite VFS to open the file with, registered by you.
    pub fn vfs(mut self, name: impl Into<String>) -> Self {
        self.vfs = Some(name.into());
        self
    }

    /// How many pages of 4 KiB the write-ahead log may grow to, before commits wait once until what is left of it is copied into
    /// the file. A long read keeps it from being copied: then it grows on.
    pub fn log_pages_max(mut self, pages: u32) -> Self {
        self.log_pages_max = pages.max(1);
        self
    }

    /// Opens the file.
    ///
    /// # Errors
    /// Those of [`SqliteStore::open`], and what the options ask for.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<SqliteStore, StoreError> {
        let version = rusqlite::version_number();
        if version < SQLITE_MIN && !self.old_sqlite {
            let message =
                format!("SQLite {} can corrupt its write-ahead log; 3.51.3 is needed", rusqlite::version());
            return Err(StoreError::Unavailable(Fault::new(message)));
        }
        self.open_file(path.as_ref()).map_err(|error| match error {
            StoreError::Unavailable(fault) => named(path.as_ref(), fault),
            // Nothing of it was ours yet: it is no file of this store, rather than one that broke.
            StoreError::Corrupt { table: "sqlite", fault, .. } => named(path.as_ref(), fault),
            error => error,
        })
    }

    fn open_file(&self, path: &Path) -> Result<SqliteStore, StoreError> {
        let mut writer = self.connect(path, self.write_access()).map_err(read_failed)?;
        // What is refused is refused before anything of the file is changed, its journal mode included.
        let missing = missing(&writer, self.migrate)?;
        self.use_log(&writer)?;
        if missing {
            apply(&mut writer)?;
        }
        let readers = (0..self.readers)
            .map(|_| self.connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY))
            .collect::<Result<Vec<_>, _>>();
        let durability = match self.synchronous {
            Synchronous::Full => Durability::Synced,
            Synchronous::Normal => Durability::Process,
        };
        let copier = self.connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(read_failed)?;
        let checkpoints = Checkpoints::start(copier, self.log_pages_max)?;
        let (bell, options, path) = (Arc::new(Bell::new()), self.clone(), path.to_owned());
        let access = Threads {
            writer: Writer::start(writer, checkpoints, bell.clone())?,
            readers: Readers::start(readers.map_err(read_failed)?)?,
            watch: Watch::new(bell, move || options.connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)),
            durability,
        };
        Ok(Sqlite { access })
    }

    fn write_access(&self) -> OpenFlags {
        match self.migrate {
            Migrate::Apply => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            Migrate::Check => OpenFlags::SQLITE_OPEN_READ_WRITE,
        }
    }

    /// Switches to the write-ahead log. Where two do so at once, SQLite gives one of them up as busy without waiting, so
    /// that the waiting is done here.
    fn use_log(&self, conn: &Connection) -> Result<(), StoreError> {
        let mut waited = Duration::ZERO;
        loop {
            let mode = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
            match mode {
                Ok(mode) if mode == "wal" => return Ok(()),
                Ok(mode) => {
                    let message = format!(
                        "the file can't be used with a write-ahead log, only `{mode}`: is it in memory?"
                    );
                    return Err(StoreError::Unavailable(Fault::new(message)));
                }
                Err(error) if is_busy(&error) && waited < self.busy_timeout => {
                    std::thread::sleep(BUSY_STEP);
                    waited += BUSY_STEP;
                }
                Err(error) => return Err(read_failed(error)),
            }
        }
    }

    fn connect(&self, path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = match &self.vfs {
            Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs.as_str())?,
            None => Connection::open_with_flags(path, flags)?,
        };
        conn.busy_timeout(self.busy_timeout)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        let synchronous = match self.synchronous {
            Synchronous::Full => "FULL",
            Synchronous::Normal => "NORMAL",
        };
        conn.pragma_update(None, "synchronous", synchronous)?;
        conn.pragma_update(None, "temp_store", "MEMORY")?;
        conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
        Ok(conn)
    }
}

fn named(path: &Path, fault: Fault) -> StoreError {
    StoreError::Unavailable(Fault::new(format!("can't open `{}`: {fault}", path.display())))
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// The first SQLite whose WAL reset is safe with two connections.
const SQLITE_MIN: i32 = 3_051_003;
/// Patience with another process: much longer than any commit, shorter than a caller's.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a switch to the log that met another one waits: about as long as one takes.
const BUSY_STEP: Duration = Duration::from_millis(5);
/// Readers of a store: reads are short, and more threads than cores gain nothing.
const READERS: usize = 4;
/// Statements kept prepared per connection: more than the store has.
const STATEMENTS: usize = 128;
/// Pages of the write-ahead log before commits wait for it: 16 MiB. A page that many commits change is then seldom copied; and a
/// log that is written over in place is cheaper to sync than one that grows.
const LOG_PAGES_MAX: u32 = 4 * 1024;
/// Page cache per connection: holds the key and contact indexes of some hundred thousand contacts.
const CACHE_KIB: i64 = 32 * 1024;
