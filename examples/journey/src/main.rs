//! The lead journey in one embedded SQLite file: import, contacts, appointments, routing, conversions, figures. On a public
//! lead file that it brings along, or on your own.
//!
//! ```text
//! cargo run --release -p journey
//! cargo run --release -p journey -- --input leads.csv --map "Mobile=phone" --region US --db leads.db
//! ```
//!
//! | file | what it shows |
//! |---|---|
//! | `arguments` | what can be asked for |
//! | `job` | a file, a webhook that says what its columns mean, an import |
//! | `importing` | the library's import, its progress and its dry run |
//! | `journey`, `rules` | the example's leads booked, routed, moved, cancelled, completed, by rules that follow from `rec_id` |
//! | `sales` | the user's own conversions |
//! | `figures`, `report` | everything read back from the store, sums checked against rows, then printed |
//! | `repeatable` | a clock and ids that make a run repeat byte for byte |
//!
//! Progress goes to standard error; figures go to standard output.

#![expect(clippy::print_stderr, reason = "a program that talks to its user")]

mod arguments;
mod calls;
mod figures;
mod importing;
mod job;
mod journey;
mod pages;
mod progress;
mod repeatable;
mod report;
mod rules;
mod sales;

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use convio_core::event::EventLog;
use convio_core::{Convio, WorkspaceHandle};
use convio_store_sqlite::SqliteStore;

use arguments::Arguments;
use figures::Figures;
use job::Job;
use repeatable::{IdSource, Time};
use report::Run;

/// Why the job ended early, as it is told to the user.
type Failure = Box<dyn Error + Send + Sync>;

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
    let mut job = Job::of(arguments)?;
    let is_example = arguments.own.input.is_none();
    if arguments.dry_run {
        let report = importing::foretell(&mut job).await?;
        return print(&report::foretold(&report, arguments.json)?);
    }
    if is_example && arguments.now.is_some_and(|now| now < rules::ALL_IS_OVER) {
        return Err(format!(
            "the example's appointments are over by {}: --now is before",
            rules::ALL_IS_OVER
        )
        .into());
    }
    if arguments.fresh {
        delete(&arguments.db)?;
    }
    let store = open(&arguments.db)?;
    let before = store.head(job.workspace).await?.map_or(0, |head| head.feed.0);
    let convio = Convio::with(store, Time::at(arguments.now), IdSource::of(arguments.seed, before));
    // Calls in their order draw their ids in that order.
    let at_once = if arguments.seed.is_some() { 1 } else { calls::AT_ONCE };
    if is_example && !arguments.json && !arguments.acks {
        print(rules::STATED)?;
    }

    let watch = started();
    let workspace = importing::prepare(&convio, &job).await?;
    let import = importing::run(&workspace, &mut job, arguments.acks).await?;
    let imported = watch.elapsed();
    let mut sales = None;
    if is_example {
        journey::run(&workspace, at_once).await?;
    } else if let Some(path) = &arguments.sales.sales {
        sales = Some(sales::run(&workspace, &job.webhook, path, arguments, at_once).await?);
    }
    let journeyed = watch.elapsed();
    let figures = Figures::read(&workspace).await?;
    let read = watch.elapsed();

    let times = format!(
        "import {}, appointments and sales {}, figures {}",
        seconds(imported),
        seconds(journeyed - imported),
        seconds(read - journeyed),
    );
    eprintln!("{times}");
    let run = Run {
        import,
        sales,
        new_events: last_event(&workspace).await? - before,
        events: last_event(&workspace).await?,
        figures,
        database: fs::canonicalize(&arguments.db).unwrap_or_else(|_| arguments.db.clone()),
    };
    print(&if arguments.json { run.json()? } else { run.tables() })
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

/// The number of the last event, 0 before the first: it stays the same exactly when nothing was stored.
async fn last_event(workspace: &WorkspaceHandle<'_>) -> Result<u64, Failure> {
    Ok(workspace.head().await?.map_or(0, |head| head.feed.0))
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
