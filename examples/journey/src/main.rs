//! The whole lead journey on a public lead file: import, contacts, appointments, routing, conversions, figures, in one
//! embedded SQLite file.
//!
//! ```text
//! cargo run --release -p journey [-- --db PATH] [--fresh] [--json]
//! ```
//!
//! | file | what it shows |
//! |---|---|
//! | `import` | batches of raw rows; what was taken before comes back as a replay |
//! | `journey` | rules published, appointments booked, routed and completed, many calls at once |
//! | `rules` | the example's own rules: what the file does not say follows from `rec_id` |
//! | `figures`, `report` | everything read back from the store, the sums checked against the rows, then printed |
//!
//! Progress goes to standard error; figures go to standard output.

#![expect(clippy::print_stderr, reason = "a program that talks to its user")]

mod figures;
mod import;
mod journey;
mod progress;
mod report;
mod rules;

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use convio_core::{Convio, NewWorkspace, WorkspaceHandle, WorkspaceId};
use convio_store_sqlite::SqliteStore;

use figures::Figures;

/// Why the job ended early, as it is told to the user.
type Failure = Box<dyn Error + Send + Sync>;

/// Imports 10,000 leads into an embedded database, takes them through appointment, routing and conversion, and shows the
/// figures. A second run on the same file adds nothing.
#[derive(Parser)]
#[command(name = "journey")]
struct Arguments {
    /// The database file; it is made where there is none
    #[arg(long, value_name = "PATH", default_value = "journey.db")]
    db: PathBuf,
    /// Print the figures as one JSON object instead of tables
    #[arg(long)]
    json: bool,
    /// Delete the database file first
    #[arg(long)]
    fresh: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    match runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(run(&arguments))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("journey: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.fresh {
        delete(&arguments.db)?;
    }
    let convio = Convio::new(open(&arguments.db)?);
    let before = last_event(&convio).await?;
    if !arguments.json {
        print(rules::STATED)?;
    }
    let watch = started();
    let workspace = workspace(&convio).await?;
    import::run(&workspace).await?;
    let imported = watch.elapsed();
    journey::run(&workspace).await?;
    let journeyed = watch.elapsed();
    let after = last_event(&convio).await?;
    let figures = Figures::read(&workspace).await?;
    let read = watch.elapsed();

    let said = match after - before {
        0 => format!("nothing new: all was in the database before, the last event is still number {after}"),
        events => format!("new: {events} events, {after} in all"),
    };
    let times = format!(
        "import {}, appointments and sales {}, figures {}\n",
        seconds(imported),
        seconds(journeyed - imported),
        seconds(read - journeyed),
    );
    let database = fs::canonicalize(&arguments.db).unwrap_or_else(|_| arguments.db.clone());
    if arguments.json {
        // Standard output is for the object alone.
        eprintln!("{said}\n{times}");
        print(&report::json(&figures, &database)?)
    } else {
        print(&format!("{said}\n{times}\n{}", report::tables(&figures, &database)))
    }
}

/// Prints for the user. One who stopped reading does not stop the job.
fn print(text: &str) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The store: this one line decides where everything is kept.
fn open(path: &Path) -> Result<SqliteStore, Failure> {
    Ok(SqliteStore::open(path)?)
}

/// The example's workspace, made by the first run. Its id is fixed, so that the next run finds it.
async fn workspace(convio: &Convio<'static>) -> Result<WorkspaceHandle<'static>, Failure> {
    let id: WorkspaceId = WORKSPACE.parse()?;
    let handle = convio.workspace(id);
    if handle.workspace().await?.is_some() {
        return Ok(handle);
    }
    let new = NewWorkspace::named("Journey Pty Ltd").zone(rules::ZONE).currency("AUD");
    Ok(convio.create_workspace_with_id(id, new).await?)
}

/// The number of the last event, 0 before the first: it stays the same exactly when nothing was stored.
async fn last_event(convio: &Convio<'_>) -> Result<u64, Failure> {
    let head = convio.workspace(WORKSPACE.parse()?).head().await?;
    Ok(head.map_or(0, |head| head.feed.0))
}

/// Deletes the database with the files that SQLite keeps beside it.
fn delete(db: &Path) -> Result<(), Failure> {
    for suffix in ["", "-wal", "-shm"] {
        let mut file = db.as_os_str().to_owned();
        file.push(suffix);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(format!("can't delete `{}`: {error}", file.display()).into());
            }
            _ => {}
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "times a stage for the user; nothing is decided by it")]
fn started() -> Instant {
    Instant::now()
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// A UUID that was drawn once.
const WORKSPACE: &str = "0199a1c5-5c00-7e2d-9b64-3f0c8d51a7e6";
