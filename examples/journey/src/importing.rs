//! The import: the library does it, this tells how far it is.

use std::io::{self, Write};

use convio_core::intake::{DryRunReport, ImportProgress, ImportReport};
use convio_core::{Convio, WorkspaceHandle};
use convio_store_memory::MemoryStore;

use crate::Failure;
use crate::job::Job;
use crate::progress::Progress;

/// Makes the workspace and the webhook as the job wants them, where they are not so already.
pub(crate) async fn prepare(
    convio: &Convio<'static>,
    job: &Job,
) -> Result<WorkspaceHandle<'static>, Failure> {
    let handle = convio.workspace(job.workspace);
    let wanted = job.new.settings().map_err(convio_core::Error::invalid)?;
    match handle.workspace().await? {
        None => {
            convio.create_workspace_with_id(job.workspace, job.new.clone()).await?;
        }
        Some(found) if found.settings.zone != wanted.zone || found.settings.currency != wanted.currency => {
            let settings = convio_core::WorkspaceSettings {
                zone: wanted.zone,
                currency: wanted.currency,
                ..found.settings
            };
            handle.configure(settings).await?;
        }
        Some(_) => {}
    }
    match handle.webhook(&job.webhook).await? {
        None => {
            handle.create_webhook(job.new_webhook()).await?;
        }
        Some(found) if found.settings != job.settings => {
            handle.configure_webhook(&job.webhook, job.settings.clone()).await?;
        }
        Some(_) => {}
    }
    Ok(handle)
}

/// Imports the file. With `acks`, each batch's line numbers and outcomes are printed once it is stored.
pub(crate) async fn run(
    workspace: &WorkspaceHandle<'_>,
    job: &mut Job,
    acks: bool,
) -> Result<ImportReport, Failure> {
    let mut progress = Progress::of("import", job.file.bytes());
    let mut failed = None;
    let told = |batch: &ImportProgress<'_>| {
        if acks && let Err(error) = acknowledge(batch) {
            failed.get_or_insert(error);
        }
        progress.set(batch.bytes_read, &format!("{} rows", batch.report.rows));
    };
    let report = workspace.import(&mut job.file, &job.import, told).await?;
    progress.finish();
    match failed {
        // One who stopped reading does not stop the import.
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(report),
    }
}

/// What would become of the rows. A workspace in memory has the settings of the job, and is gone afterwards.
pub(crate) async fn foretell(job: &mut Job) -> Result<DryRunReport, Failure> {
    let workspace = prepare(&Convio::new(MemoryStore::new()), job).await?;
    Ok(workspace.dry_run(&mut job.file, &job.import).await?)
}

fn acknowledge(batch: &ImportProgress<'_>) -> io::Result<()> {
    let mut lines = String::new();
    for row in batch.rows {
        lines.push_str(&format!("{} {}\n", row.line, row.outcome.code()));
    }
    let mut out = io::stdout().lock();
    out.write_all(lines.as_bytes())?;
    out.flush()
}
