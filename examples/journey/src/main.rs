//! The lead journey in one embedded SQLite file, or on Postgres: import, contacts, appointments, routing, conversions, figures.
//! On a public lead file that it brings along, or on your own.
//!
//! ```text
//! cargo run --release -p journey
//! cargo run --release -p journey -- --input leads.csv --map "Mobile=phone" --region US --db leads.db
//! cargo run --release -p journey -- --db postgres://user:password@localhost/leads
//! cargo run --release -p journey -- olist --mql olist_mql.csv --deals olist_closed_deals.csv --db olist.db
//! ```
//!
//! | file | what it shows |
//! |---|---|
//! | `arguments` | what can be asked for |
//! | `database` | the store: a SQLite file, or a schema on Postgres |
//! | `job` | a file, a webhook that says what its columns mean, an import |
//! | `importing` | the library's import, its progress and its dry run |
//! | `journey`, `rules` | the example's leads booked, routed, moved, cancelled, completed, by rules that follow from `rec_id` |
//! | `sales` | the user's own conversions |
//! | `olist` | a public funnel of leads and deals, by origin |
//! | `figures`, `report` | everything read back from the store, sums checked against rows, then printed |
//! | `repeatable` | a clock and ids that make a run repeat byte for byte |
//!
//! Progress goes to standard error; figures go to standard output.

#![expect(clippy::print_stderr, reason = "a program that talks to its user")]

mod arguments;
mod calls;
mod database;
mod figures;
mod importing;
mod job;
mod journey;
mod olist;
mod pages;
mod progress;
mod repeatable;
mod report;
mod rules;
mod sales;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use convio_core::store::Store;
use convio_core::{Convio, WorkspaceHandle};

use arguments::{Arguments, Command};
use database::Database;
use figures::Figures;
use job::Job;
use repeatable::{IdSource, Time};
use report::Run;

/// Why the job ended early, as it is told to the user.
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    match start(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("journey: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Result<(), Failure> {
    let database = Database::of(arguments)?;
    let runtime = database.runtime()?;
    match &arguments.command {
        None => runtime.block_on(run(arguments, database)),
        Some(Command::Olist(files)) => runtime.block_on(olist::run(files, arguments, database)),
    }
}

async fn run(arguments: &Arguments, database: Database) -> Result<(), Failure> {
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
    let (convio, before) = open(&database, &job, arguments).await?;
    let at_once = at_once(arguments);
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
        database,
    };
    print(&if arguments.json { run.json()? } else { run.tables() })
}

/// Convio over the store: this alone decides where everything is kept. And the number of the last event before.
async fn open(
    database: &Database,
    job: &Job,
    arguments: &Arguments,
) -> Result<(Convio<'static>, u64), Failure> {
    match database {
        Database::Sqlite(file) => over(file.open(arguments.fresh)?, job, arguments).await,
        Database::Postgres(server) => over(server.open(arguments.fresh).await?, job, arguments).await,
    }
}

/// Calls in their order draw their ids in that order.
fn at_once(arguments: &Arguments) -> usize {
    if arguments.seed.is_some() { 1 } else { calls::AT_ONCE }
}

/// Prints for the user. One who stopped reading does not stop the job.
fn print(text: &str) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Convio over a store, and the number of the last event that was there before.
async fn over(
    store: impl Store + 'static,
    job: &Job,
    arguments: &Arguments,
) -> Result<(Convio<'static>, u64), Failure> {
    let before = store.head(job.workspace).await?.map_or(0, |head| head.feed.0);
    Ok((Convio::with(store, Time::at(arguments.now), IdSource::of(arguments.seed, before)), before))
}

/// The number of the last event, 0 before the first: it stays the same exactly when nothing was stored.
async fn last_event(workspace: &WorkspaceHandle<'_>) -> Result<u64, Failure> {
    Ok(workspace.head().await?.map_or(0, |head| head.feed.0))
}

#[expect(clippy::disallowed_methods, reason = "times a stage for the user; nothing is decided by it")]
fn started() -> Instant {
    Instant::now()
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
