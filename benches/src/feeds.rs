//! Who reads what has happened: a reader of the feed, a named consumer, and handlers who wait for what is new.

use std::time::{Duration, Instant};

use convio_core::service::Consumer;
use convio_core::{Convio, Position, WorkspaceHandle};
use convio_store_postgres::PgStore;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::Result;
use crate::clock::now;
use crate::leads::{Leads, mixed};
use crate::subject::Subject;

/// Reads a feed from its start, so many events at a time. Answers how many there are.
pub async fn read_feed(workspace: &WorkspaceHandle<'_>, page: usize) -> Result<u64> {
    let (mut read, mut after) = (0, Position(0));
    loop {
        let events = workspace.feed(after, page).await?;
        read += events.len() as u64;
        let Some(last) = events.last().filter(|_| events.len() == page) else { return Ok(read) };
        after = last.position;
    }
}

/// Works for a consumer until there is nothing left. Answers how many events were acknowledged.
pub async fn drain(worker: &mut Consumer<'_>) -> Result<u64> {
    let mut handled = 0;
    while let Some(batch) = worker.poll().await? {
        let events = batch.events().len() as u64;
        batch.ack().await?;
        handled += events;
    }
    Ok(handled)
}

/// Works for a consumer until this time, woken by what is new. Answers how many events were acknowledged.
pub async fn tail(mut worker: Consumer<'static>, end: Instant) -> Result<u64> {
    let mut handled = 0;
    while let Some(left) = end.checked_duration_since(now()) {
        match worker.poll().await? {
            Some(batch) => {
                let events = batch.events().len() as u64;
                batch.ack().await?;
                handled += events;
            }
            None => {
                let _ = timeout(left.min(LATE), worker.wait()).await;
            }
        }
    }
    Ok(handled)
}

/// Another handle of a subject's store, as another process has one.
pub struct Elsewhere {
    /// Convio over it.
    pub convio: Convio<'static>,
    listening: Option<JoinHandle<()>>,
}

impl Elsewhere {
    /// One that hears of others by itself.
    pub fn of(convio: Convio<'static>) -> Self {
        Self { convio, listening: None }
    }

    /// One that is told by the server.
    pub fn listening(store: PgStore) -> Self {
        let listener = store.clone();
        // Where it ends, handlers are as late as they can be, and the figures show it.
        let listening = tokio::spawn(async move { drop(listener.listen().await) });
        Self { convio: Convio::new(store), listening: Some(listening) }
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.listening.iter().for_each(JoinHandle::abort);
    }
}

/// How a handler comes to know that there is something new.
#[derive(Debug, Clone, Copy)]
pub enum Heed {
    /// It is woken.
    Woken,
    /// It looks, and looks again after [`PAUSE`].
    Looking,
}

/// Leads are taken one by one at times that keep no step with whoever looks, and a handler reads the feeds through `convio`. The milliseconds
/// from the answer to the lead until the handler has its event, of each: 0 where it had it before.
pub async fn delays(
    subject: &Subject,
    convio: &Convio<'static>,
    heed: Heed,
    leads: &Leads,
    count: usize,
) -> Result<Vec<f64>> {
    let head = subject.workspace(0).head().await?.ok_or("there is no workspace")?;
    let mut feeds = convio.feeds([(subject.workspace(0).id(), head.feed)]);
    let (tell, mut told) = unbounded_channel();
    let handler: JoinHandle<Result<()>> = tokio::spawn(async move {
        loop {
            for _ in feeds.next(PAGE).await? {
                if tell.send(now()).is_err() {
                    return Ok(());
                }
            }
            match heed {
                Heed::Woken => drop(timeout(LATE, feeds.wait()).await),
                Heed::Looking => sleep(PAUSE).await,
            }
        }
    });
    let mut millis = Vec::with_capacity(count);
    for n in 0..count {
        sleep(Duration::from_micros(mixed(n as u64) % PAUSE.as_micros() as u64)).await;
        subject.take(0, leads.raw()).await?;
        let answered = now();
        let Some(had) = told.recv().await else { break };
        millis.push(had.saturating_duration_since(answered).as_secs_f64() * 1e3);
    }
    if millis.len() < count {
        handler.await??;
        return Err("the handler has ended".into());
    }
    handler.abort();
    let _ = handler.await;
    Ok(millis)
}

/// How often a handler looks who is not woken: as often as SQLite is looked at for those who wait.
pub const PAUSE: Duration = Duration::from_millis(20);
/// How late a handler is whose wake-up got lost.
const LATE: Duration = Duration::from_secs(1);
/// Events that a handler reads at once.
const PAGE: usize = 1_000;
