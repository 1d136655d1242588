//! What one lead costs before any store: from the raw lead to its change set. Beside it the reading of its phone number, which
//! the library leaves to another, and what the store in memory adds.
//!
//!     cargo bench -p convio-core --bench plan
//!     cargo bench -p convio-core --bench plan -- plan full 2000     one part alone, for a profiler
//!
//! The work that counts is done in `measured`, so that
//! `valgrind --tool=callgrind --toggle-collect='*measured*' PROGRAM plan full 2000` sees nothing else. Times are those of the
//! processor, the parts take turns, and the median round is shown.
#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "../tests/support/allocator.rs"]
mod allocator;
#[path = "../tests/support/leads.rs"]
mod leads;

use std::hint::black_box;

use allocator::{Asked, Counting, asked};
use convio_core::change_set::ChangeSet;
use convio_core::{Phone, RawLead, Region};
use leads::{Desk, Size};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let [part, size, leads] = &words[..] {
        let (part, size) = (Part::named(part), if size == "light" { Size::Light } else { Size::Full });
        let mut bench = Bench { desk: Desk::new(), size, next: 0 };
        black_box(Phone::parse("+1 201 200 0000", None).is_ok()); // compiles its patterns
        let cost = bench.run(part, leads.parse().expect("a number of leads"));
        println!("{part:?}, {size:?}: {cost}");
    } else {
        println!("one lead of an unknown person, the median of {ROUNDS} rounds of {LEADS} leads each");
        table(Size::Full, "full: 1 kB of JSON");
        table(Size::Light, "light: 140 bytes of JSON");
    }
}

fn table(size: Size, name: &str) {
    let mut bench = Bench { desk: Desk::new(), size, next: 0 };
    let parts = [Part::Plan, Part::Phone, Part::Json, Part::Ingest];
    let mut rounds = parts.map(|_| Vec::new());
    for round in 0..=ROUNDS {
        for (part, costs) in parts.into_iter().zip(&mut rounds) {
            let cost = bench.run(part, LEADS);
            // The first round compiles the patterns of phone numbers.
            costs.extend((round > 0).then_some(cost));
        }
    }
    let [plan, phone, json, ingest] = rounds.map(|mut costs| {
        costs.sort_by(|a, b| a.nanos.total_cmp(&b.nanos));
        let spread = format!("({:.0} to {:.0} ns)", costs[0].nanos, costs[costs.len() - 1].nanos);
        (costs.swap_remove(costs.len() / 2), spread)
    });
    println!("{name}");
    println!("  plan                     {}  {}", plan.0, plan.1);
    println!("    its phone number       {}  {}", phone.0, phone.1);
    println!("    all the rest           {}", plan.0.without(&phone.0));
    println!("  its JSON by serde_json   {}  {}", json.0, json.1);
    println!("  plan, commit to memory   {}  {}", ingest.0, ingest.1);
    println!("    the commit             {}", ingest.0.without(&plan.0));
}

/// A part of the way that is measured alone.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// The whole plan.
    Plan,
    /// The reading of the phone number alone.
    Phone,
    /// The reading of the JSON alone, into serde_json's own values: a floor.
    Json,
    /// Plans and their commits by the store in memory, in batches.
    Ingest,
    /// The commits alone, for a profiler: of plans that are made beforehand, and so are in no cache any more.
    Commit,
}

impl Part {
    const ALL: [Self; 5] = [Self::Plan, Self::Phone, Self::Json, Self::Ingest, Self::Commit];

    fn named(name: &str) -> Self {
        let named = |part: &Self| format!("{part:?}").eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(named).expect("plan, phone, json, ingest or commit")
    }
}

/// What a lead costs.
struct Cost {
    nanos: f64,
    allocations: f64,
    bytes: f64,
}

impl Cost {
    fn without(&self, part: &Self) -> Self {
        Self {
            nanos: self.nanos - part.nanos,
            allocations: self.allocations - part.allocations,
            bytes: self.bytes - part.bytes,
        }
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { nanos, allocations, bytes } = self;
        write!(f, "{nanos:>6.0} ns  {allocations:>5.1} allocations of {bytes:>5.0} bytes in all")
    }
}

struct Bench {
    desk: Desk,
    size: Size,
    next: u64,
}

impl Bench {
    /// What a part costs, for so many leads of people who come for the first time.
    fn run(&mut self, part: Part, leads: usize) -> Cost {
        let new = self.next..self.next + leads as u64;
        self.next = new.end;
        let raws: Vec<RawLead> = new.clone().map(|n| self.size.raw(n)).collect();
        let (nanos, asked) = match part {
            // Each plan is given back before the next, as where leads come one by one.
            Part::Plan => measured(|| raws.iter().for_each(|raw| drop(self.desk.plan(raw)))),
            Part::Phone => {
                let region: Option<Region> = "US".parse().ok();
                let texts: Vec<String> = new.map(leads::phone).collect();
                measured(|| {
                    for text in &texts {
                        black_box(Phone::parse(black_box(text), region).is_ok());
                    }
                })
            }
            Part::Json => {
                let bodies: Vec<Vec<u8>> = new.map(|n| self.size.body(n)).collect();
                measured(|| {
                    for body in &bodies {
                        drop(serde_json::from_slice::<serde_json::Value>(black_box(body)));
                    }
                })
            }
            Part::Ingest => measured(|| {
                for raws in raws.chunks(BATCH) {
                    self.desk.commit(raws.iter().map(|raw| self.desk.plan(raw).changes).collect());
                }
            }),
            Part::Commit => {
                let changes = |raws: &[RawLead]| raws.iter().map(|raw| self.desk.plan(raw).changes).collect();
                let plans: Vec<Vec<ChangeSet>> = raws.chunks(BATCH).map(changes).collect();
                measured(|| plans.into_iter().for_each(|batch| self.desk.commit(batch)))
            }
        };
        let per_lead = |sum: usize| sum as f64 / leads as f64;
        let (allocations, bytes) = (per_lead(asked.times), per_lead(asked.bytes));
        Cost { nanos: nanos as f64 / leads as f64, allocations, bytes }
    }
}

/// The nanoseconds of processor time of some work, and what it asks of the allocator.
#[inline(never)]
fn measured(work: impl FnOnce()) -> (u64, Asked) {
    let before = thread_nanos();
    let ((), asked) = asked(work);
    (thread_nanos() - before, asked)
}

/// The nanoseconds that this thread has had a processor, as of the last tick of its clock: some milliseconds old. Linux only: 0
/// elsewhere.
fn thread_nanos() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default()
}

/// Leads of one commit: so few that they stay in a processor's cache from their plan on.
const BATCH: usize = 100;
/// Leads of a round: a hundred ticks long.
const LEADS: usize = 20_000;
const ROUNDS: usize = 7;
