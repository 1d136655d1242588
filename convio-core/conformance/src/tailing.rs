//! Readers of all feeds beside many writers, some of which are killed: larger than a case, for a store's own tests, which add what only they can
//! do, such as transactions that stay open for a while, and processes that are killed.
//!
//! Beside them is a reader of what a sequence numbers, the usual way to follow a table: the check that readers of feeds pass fails for it in
//! every run.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use convio_core::event::Position;
use convio_core::service::RandomIds;
use convio_core::service::{Atomicity, Feeds};
use convio_core::{Clock, Convio, Error, ErrorKind, Ingested, LeadId, Store, WorkspaceHandle, WorkspaceId};
use pollster::block_on;

use crate::dice::Dice;
use crate::process::{self, Process};
use crate::{ManualClock, Shared, Subject, World, lead, taken};

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
    sequence: Sequence,
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

    /// Starts the running binary's `second_process`, which shall [`write_until_killed`], and kills it at a random moment; one after the other,
    /// until all is written. Answers how many. What each of them says was acknowledged must be seen by the readers.
    ///
    /// # Panics
    /// When one ends before it is killed.
    pub fn kill_processes(&self, order: &[&str]) -> usize {
        let mut dice = Dice::of_this_run();
        let now = self.world.clock.now().timestamp_micros().to_string();
        let workspaces: Vec<_> = self.workspaces.iter().map(|acme| acme.id().to_string()).collect();
        let (mut words, mut kills) = ([order, &[&now]].concat(), 0);
        words.extend(workspaces.iter().map(String::as_str));
        while !self.is_written() {
            let mut process = Process::start(&words);
            let mut acknowledged: Vec<_> =
                (0..1 + dice.index(LEADS_OF_A_LIFE)).map(|_| process.line()).collect();
            std::thread::sleep(Duration::from_micros(dice.below(PAUSE_MICROS)));
            process.kill();
            acknowledged.extend(process.rest());
            acknowledged.iter().for_each(|lead| self.note(lead.parse().unwrap()));
            kills += 1;
        }
        kills
    }
}

/// What a process does that [`Tailing::kill_processes`] has started: it writes leads on this store and says which ones were acknowledged, until it
/// is killed. `order` is all that the order holds behind the words of its test.
pub fn write_until_killed(store: impl Store + 'static, order: &[String]) -> ! {
    let (now, workspaces) = order.split_first().unwrap();
    let convio = Convio::with(
        Shared(std::sync::Arc::new(store)),
        ManualClock::at(now.parse().unwrap()),
        RandomIds::default(),
    );
    let mut dice = Dice::of_this_run();
    loop {
        let acme = convio.workspace(workspaces[dice.index(workspaces.len())].parse().unwrap());
        if let Some(lead) = lead_of(block_on(acme.ingest(lead(dice.below(300) as u32)))) {
            process::say(&lead.to_string());
        }
    }
}

/// Rows that get their number ahead of the commit, as by `nextval` or a serial column, and can be read after it.
#[derive(Debug, Default)]
struct Sequence {
    numbers: AtomicU64,
    rows: Mutex<BTreeMap<u64, LeadId>>,
    cursor: AtomicU64,
}

impl Sequence {
    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn committed(&self, number: u64, lead: LeadId) {
        self.rows.lock().unwrap().insert(number, lead);
    }

    /// Reads on behind the last number that it has seen, until all writers are done and nothing is left.
    fn read(&self, done: &AtomicBool) -> BTreeSet<LeadId> {
        let (mut seen, mut cursor) = (BTreeSet::new(), 0);
        loop {
            let last = done.load(Ordering::SeqCst);
            let rows: Vec<_> =
                self.rows.lock().unwrap().range(cursor + 1..).map(|(n, id)| (*n, *id)).collect();
            match rows.last() {
                Some((number, _)) => cursor = *number,
                None if last => return seen,
                None => std::thread::yield_now(),
            }
            seen.extend(rows.into_iter().map(|(_, lead)| lead));
            self.cursor.store(cursor, Ordering::SeqCst);
        }
    }

    /// Someone takes a number, someone else the next one, commits, and is read; then the first one commits.
    fn skip_one(&self, run: &Tailing<'_>) {
        let row = |number| {
            let lead = taken(block_on(run.workspaces[0].ingest(lead(0)))).lead;
            run.note(lead);
            self.committed(number, lead);
        };
        let (late, soon) = (self.number(), self.number());
        row(soon);
        while self.cursor.load(Ordering::SeqCst) < soon {
            std::thread::yield_now();
        }
        row(late);
    }
}

/// So many leads by eight writers in four workspaces, one by one and in batches, with writers that are killed at any point, and whatever else
/// `meanwhile` does; beside them two readers of all feeds. `CONVIO_FEED_LEADS` says how many, in place of `leads`.
///
/// Each reader's figures are printed.
///
/// # Panics
/// When a reader misses a position, sees one out of order or twice, or does not see a lead that was acknowledged; and when the reader of a sequence
/// has missed nothing, since the test would then show nothing.
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
    let (taken, sequence) = (Mutex::default(), Sequence::default());
    let run = Tailing { world, workspaces, wanted, written, killed, taken, sequence, done };
    let mut dice = Dice::of_this_run();
    let (seen, by_number): (Vec<_>, _) = std::thread::scope(|threads| {
        let by_number = threads.spawn(|| run.sequence.read(&run.done));
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
            run.sequence.skip_one(run);
        }));
        at_work.push(threads.spawn(move || {
            let _held = subject.enter();
            meanwhile(run);
        }));
        let ended: Vec<_> = at_work.into_iter().map(|thread| thread.join()).collect();
        // Readers end in any case: a writer that failed shall not hang the test.
        run.done.store(true, Ordering::SeqCst);
        let seen = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        ended.into_iter().for_each(|ended| ended.unwrap());
        (seen, by_number.join().unwrap())
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
    let numbered = run.sequence.rows.lock().unwrap();
    let missed = numbered.len() - by_number.len();
    println!("{missed} of {} leads missed by a reader of a sequence", numbered.len());
    assert!(missed > 0, "a reader of a sequence missed nothing");
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
            _ => {
                let number = run.sequence.number();
                let answer = block_on(acme.ingest(lead(dice.below(300) as u32)));
                if let Ok(accepted) = answer.as_ref().map(Ingested::accepted) {
                    run.sequence.committed(number, accepted.unwrap().lead);
                }
                vec![answer]
            }
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
/// Leads that a process writes at most before it is to be killed.
const LEADS_OF_A_LIFE: usize = 30;
/// What a lead takes, or a few.
const PAUSE_MICROS: u64 = 4_000;
