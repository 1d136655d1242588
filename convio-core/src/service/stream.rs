//! What is new as a [`Stream`]: the loop over `next` and `wait`, with a page at a time in memory.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::{Feeds, WorkspaceHandle};
use crate::api_key::Permission;
use crate::error::Error;
use crate::event::{Event, Position};
use crate::store::Tick;

/// Events as they come to be, without an end: those of one workspace ([`WorkspaceHandle::stream`]) or of all ([`Feeds::stream`]), every one of
/// them, in each workspace in the order of the commits. However slow its reader is, it has at most [`STREAM_EVENTS_MAX`] events in memory and
/// leaves out none.
///
/// An error is an item: the stream pauses once and goes on where it was. It ends by being dropped, and then has taken nothing with it: go on from
/// the position of the last event that you are done with.
#[must_use = "a stream does nothing unless it is polled"]
pub struct EventStream<'s> {
    page: std::vec::IntoIter<Event>,
    /// The read of the page after it. Nothing is read before the page is used up.
    next: Turn<'s>,
}

/// A read, with whoever reads and will read on.
type Turn<'s> = Pin<Box<dyn Future<Output = (Reader<'s>, Result<Vec<Event>, Error>)> + Send + 's>>;

/// What a pause of the caller's makes.
type Pause<'s> = Box<dyn FnMut() -> Pin<Box<dyn Future<Output = ()> + Send + 's>> + Send + 's>;

struct Reader<'s> {
    source: Source<'s>,
    pause: Pause<'s>,
}

enum Source<'s> {
    All(Feeds<'s>),
    One { acme: WorkspaceHandle<'s>, after: Position, tick: Tick },
}

impl<'s> WorkspaceHandle<'s> {
    /// The events of the workspace after a position, as a stream. It asks for the permission to read, at each page.
    ///
    /// `pause` makes a future that ends after the time that you can be late: `|| tokio::time::sleep(SECOND)`, or with smol
    /// `|| smol::Timer::after(SECOND)`. The stream sleeps by it where nothing is new, until the store tells of something or the pause is over, and
    /// then looks again: so what other processes commit is never missed, whether the store hears of them or not. It also pauses after an error.
    /// With [`std::future::pending`] it would sleep on after an error, and where the store hears of nothing.
    ///
    /// A store tells of news in any workspace, and each costs a look at this one. Whoever reads many takes [`Feeds::stream`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::{Convio, NewWorkspace, Position, RawLead};
    /// use convio_store_memory::MemoryStore;
    /// use futures_util::StreamExt;
    ///
    /// let acme = Convio::new(MemoryStore::new()).create_workspace(NewWorkspace::named("Acme Solar")).await?;
    /// let mut events = acme.stream(Position(0), std::future::pending::<()>);
    /// acme.ingest(RawLead::json(r#"{"phone":"+12125550123"}"#)).await?;
    /// for position in 1..=3 {
    ///     let event = events.next().await.unwrap()?; // the workspace, its webhook, and the lead
    ///     assert_eq!(event.position, Position(position));
    /// }
    /// # Ok(()) }) }
    /// ```
    pub fn stream<P>(&self, after: Position, pause: impl FnMut() -> P + Send + 's) -> EventStream<'s>
    where
        P: Future<Output: Send> + Send + 's,
    {
        EventStream::of(Source::One { acme: self.clone(), after, tick: Tick::default() }, pause)
    }
}

impl<'s> Feeds<'s> {
    /// The events of all workspaces from here on, as a stream. [`WorkspaceHandle::stream`] tells what `pause` is. Workspaces have their turns.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
    /// use convio_core::{Convio, NewWorkspace, Position};
    /// use convio_store_memory::MemoryStore;
    /// use futures_util::StreamExt;
    ///
    /// let convio = Convio::new(MemoryStore::new());
    /// let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await?;
    /// let mut events = convio.feeds([(acme.id(), Position(1))]).stream(std::future::pending::<()>);
    /// let event = events.next().await.unwrap()?;
    /// assert_eq!((event.workspace, event.position), (acme.id(), Position(2)));
    /// # Ok(()) }) }
    /// ```
    pub fn stream<P>(self, pause: impl FnMut() -> P + Send + 's) -> EventStream<'s>
    where
        P: Future<Output: Send> + Send + 's,
    {
        EventStream::of(Source::All(self), pause)
    }
}

impl<'s> EventStream<'s> {
    fn of<P>(source: Source<'s>, mut pause: impl FnMut() -> P + Send + 's) -> Self
    where
        P: Future<Output: Send> + Send + 's,
    {
        let pause: Pause<'s> = Box::new(move || {
            let pause = pause();
            Box::pin(async {
                pause.await;
            })
        });
        Self { page: Vec::new().into_iter(), next: Box::pin(Reader { source, pause }.turn(false)) }
    }
}

impl Stream for EventStream<'_> {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = self.page.next() {
                return Poll::Ready(Some(Ok(event)));
            }
            let (reader, page) = ready!(self.next.as_mut().poll(context));
            self.next = Box::pin(reader.turn(page.is_err()));
            match page {
                Ok(page) => self.page = page.into_iter(),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

impl<'s> Reader<'s> {
    /// Reads until there is something to tell.
    async fn turn(mut self, has_failed: bool) -> (Self, Result<Vec<Event>, Error>) {
        if has_failed {
            (self.pause)().await;
        }
        loop {
            match self.source.next().await {
                Ok(page) if page.is_empty() => {}
                told => return (self, told),
            }
            if let Err(error) = first_of(self.source.wait(), (self.pause)()).await {
                return (self, Err(error));
            }
        }
    }
}

impl Source<'_> {
    async fn next(&mut self) -> Result<Vec<Event>, Error> {
        match self {
            Self::All(feeds) => feeds.next(STREAM_EVENTS_MAX).await,
            Self::One { acme, after, tick } => {
                let permit = acme.permit(Permission::Read).await?;
                // Asked before the look: whatever happens after it is waited for no longer.
                *tick = acme.store(permit).wait(Tick::default()).await?;
                let page = acme.store(permit).feed(acme.id(), *after, STREAM_EVENTS_MAX).await?;
                *after = page.last().map_or(*after, |event| event.position);
                Ok(page)
            }
        }
    }

    async fn wait(&mut self) -> Result<(), Error> {
        match self {
            Self::All(feeds) => feeds.wait().await,
            Self::One { acme, tick, .. } => {
                let permit = acme.permit(Permission::Read).await?;
                *tick = acme.store(permit).wait(*tick).await?;
                Ok(())
            }
        }
    }
}

/// Whichever ends first: news, or the pause.
async fn first_of(
    news: impl Future<Output = Result<(), Error>>,
    pause: impl Future<Output = ()>,
) -> Result<(), Error> {
    let (mut news, mut pause) = (pin!(news), pin!(pause));
    poll_fn(|context| match news.as_mut().poll(context) {
        Poll::Pending => pause.as_mut().poll(context).map(Ok),
        told => told,
    })
    .await
}

impl fmt::Debug for EventStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("at_hand", &self.page.len()).finish_non_exhaustive()
    }
}

/// Events that a stream has in memory at most: a page that makes the cost of a read small, and a few hundred kilobytes.
pub const STREAM_EVENTS_MAX: usize = 100;
