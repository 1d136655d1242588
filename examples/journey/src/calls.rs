//! Many calls at once: those that wait at the same time share a sync to the disk.

use std::future::Future;

use tokio::task::JoinSet;

use crate::Failure;
use crate::progress::Progress;

/// Makes each call, so many at once, and hands every answer to `done`. One at once makes them in their order.
pub(crate) async fn all<T: Send + 'static, F: Future<Output = Result<T, Failure>> + Send + 'static>(
    what: &'static str,
    calls: Vec<F>,
    at_once: usize,
    mut done: impl FnMut(T),
) -> Result<(), Failure> {
    let mut progress = Progress::of(what, calls.len() as u64);
    let mut waiting = calls.into_iter();
    let mut running = JoinSet::new();
    loop {
        while running.len() < at_once
            && let Some(call) = waiting.next()
        {
            running.spawn(call);
        }
        match running.join_next().await {
            Some(answer) => done(answer??),
            None => break,
        }
        progress.step();
    }
    progress.finish();
    Ok(())
}

/// Enough to keep the disk busy; each is a commit of its own.
pub(crate) const AT_ONCE: usize = 64;
