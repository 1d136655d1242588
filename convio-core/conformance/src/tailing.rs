//! Readers of all feeds beside many writers, some of which are killed: larger than a case, for a store's own tests, which add what only they can
//! do, such as transactions that stay open for a while.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use convio_core::event::Position;
use convio_core::service::{Atomicity, Feeds};
use convio_core::{Error, ErrorKind, Ingested, LeadId, WorkspaceHandle, WorkspaceId};
use pollster::block_on;

use crate::dice::Dice;
use crate::{Subject, World, lead};

/// Writers and readers at work.
#[derive(Debug)]
pub struct Tailing<'s> {
    world: World<'s>,
    /// The workspaces that are written to.
    pub workspaces: Vec<WorkspaceHandle<'static>>,
    wanted: usize,
    written: AtomicUsize,
    killed: AtomicUsize,
    /// Leads that were acknowledged.
    taken: Mutex<BTreeSet<LeadId>>,
    done: AtomicBool,
}

impl Tailing<'_> {
    /// How many leads were acknowledged until now.
    pub fn written(&self) -> usize {
        self.written.load(Ordering::SeqCst)
    }

    /// How many they shall be.
    pub fn wanted(&self) -> usize {
        self.wanted
    }

    /// Whether the writers have written all that they shall.
    pub fn is_written(&self) -> bool {
        self.written() >= self.wanted
    }

    /// Waits until the writers have written `part` of `of` parts.
    pub fn wait_for(&self, part: usize, of: usize) {
        while !self.is_written() && self.written() * of < self.wanted * part {
            std::thread::sleep(LOOK);
        }
    }

    /// Notes a lead that was committed by something else than the writers.
    pub fn note(&self, lead: LeadId) {
        self.taken.lock().unwrap().insert(lead);
    }
}

/// So many leads by eight writers in four workspaces, one by one and in batches, with writers that are killed at any point, and whatever else
/// `meanwhile` does; beside them two readers of all feeds. `CONVIO_FEED_LEADS` says how many, in place of `leads`.
///
/// Each reader's figures are printed.
///
/// # Panics
/// When a reader misses a position, sees one out of order or twice, or does not see a lead that was acknowledged.
#[expect(clippy::print_stdout, reason = "what was written and read is worth reading")]
pub fn readers_miss_nothing(
    subject: &dyn Subject,
    leads: usize,
    meanwhile: impl FnOnce(&Tailing<'_>) + Send,
) {
    let _held = subject.enter();
    let wanted = std::env::var("CONVIO_FEED_LEADS").ok();
    let wanted = wanted.map_or(leads, |told| told.parse().expect("CONVIO_FEED_LEADS is a whole number"));
    let world = World::of(subject);
    let workspaces = (0..WORKSPACES).map(|_| block_on(world.acme())).collect();
    let (written, killed, done) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let run = Tailing { world, workspaces, wanted, written, killed, taken: Mutex::default(), done };
    let mut dice = Dice::of_this_run();
    let seen: Vec<_> = std::thread::scope(|threads| {
        let readers: Vec<_> = [7, 500]
            .map(|step| {
                threads.spawn({
                    let run = &run;
                    move || {
                        let _held = subject.enter();
                        block_on(read(run, step))
                    }
                })
            })
            .into_iter()
            .collect();
        let mut at_work: Vec<_> = (0..WRITERS)
            .map(|_| {
                threads.spawn({
                    let (run, dice) = (&run, dice.fork());
                    move || {
                        let _held = subject.enter();
                        write(run, dice);
                    }
                })
            })
            .collect();
        let run = &run;
        at_work.push(threads.spawn(move || {
            let _held = subject.enter();
            meanwhile(run);
        }));
        let ended: Vec<_> = at_work.into_iter().map(|thread| thread.join()).collect();
        // Readers end in any case: a writer that failed shall not hang the test.
        run.done.store(true, Ordering::SeqCst);
        let seen = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        ended.into_iter().for_each(|ended| ended.unwrap());
        seen
    });
    let taken = run.taken.lock().unwrap();
    let killed = run.killed.load(Ordering::SeqCst);
    println!("{} leads acknowledged, {killed} writers killed", taken.len());
    assert!(killed > 0 || wanted < 400, "nobody was killed");
    for seen in seen {
        for acme in &run.workspaces {
            let head = block_on(acme.head()).unwrap().unwrap().feed;
            assert_eq!(seen.positions.get(&acme.id()), Some(&head), "it was not read to its end");
        }
        let missed = taken.difference(&seen.leads).count();
        let events: u64 = seen.positions.values().map(|position| position.0).sum();
        println!("{events} events read, {missed} leads missed");
        assert_eq!(missed, 0, "leads that were acknowledged and not seen");
    }
}

/// What a reader saw.
struct Seen {
    positions: BTreeMap<WorkspaceId, Position>,
    leads: BTreeSet<LeadId>,
}

/// Reads all feeds until all writers are done and nothing is left.
async fn read(run: &Tailing<'_>, step: usize) -> Seen {
    let mut feeds: Feeds<'_> = run.world.convio().feeds([]);
    let mut seen = Seen { positions: BTreeMap::new(), leads: BTreeSet::new() };
    loop {
        // Asked before the read: what is committed by then must be found.
        let last = run.done.load(Ordering::SeqCst);
        let events = feeds.next(step).await.unwrap();
        if events.is_empty() {
            if last {
                return seen;
            }
            std::thread::yield_now();
        }
        for event in events {
            let position = seen.positions.entry(event.workspace).or_default();
            assert_eq!(event.position, Position(position.0 + 1), "of workspace {}", event.workspace);
            *position = event.position;
            seen.leads.extend(event.lead_id());
        }
    }
}

fn write(run: &Tailing<'_>, mut dice: Dice) {
    let mut process = run.world.convio();
    while !run.is_written() {
        let acme = process.workspace(run.workspaces[dice.index(WORKSPACES)].id());
        let answers = match dice.index(20) {
            0 => {
                // Whoever is at it may be gone at any moment; another process goes on.
                let polls = dice.index(4);
                let raw = lead(dice.below(300) as u32);
                let answer = polled(acme.ingest(raw), polls);
                if answer.is_none() {
                    run.killed.fetch_add(1, Ordering::SeqCst);
                    process = run.world.convio();
                }
                answer.into_iter().collect()
            }
            1 => {
                let rows = (0..10).map(|_| lead(dice.below(300) as u32)).collect();
                match block_on(acme.ingest_batch(rows, Atomicity::PerRow)) {
                    Ok(answer) => answer.rows,
                    Err(error) => vec![Err(error)],
                }
            }
            _ => vec![block_on(acme.ingest(lead(dice.below(300) as u32)))],
        };
        let taken: Vec<LeadId> = answers.into_iter().filter_map(lead_of).collect();
        run.written.fetch_add(taken.len(), Ordering::SeqCst);
        run.taken.lock().unwrap().extend(taken);
    }
}

fn lead_of(answer: Result<Ingested, Error>) -> Option<LeadId> {
    match answer {
        Ok(Ingested::Created(accepted) | Ingested::Linked(accepted)) => Some(accepted.lead),
        Ok(other) => panic!("the lead was not taken: {other:?}"),
        // What comes of a connection that someone else's end has closed.
        Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Unknown) => None,
        Err(error) => panic!("{error}"),
    }
}

/// What came of a future after so many polls; then it is dropped.
fn polled<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let std::task::Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return Some(answer);
        }
        std::thread::yield_now();
    }
    None
}

const WORKSPACES: usize = 4;
/// Between two looks at how far the writers are.
const LOOK: Duration = Duration::from_millis(1);
const WRITERS: usize = 8;
