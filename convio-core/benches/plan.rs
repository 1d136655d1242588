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
    let mut rounds: [Vec<Cost>; 3] = Default::default();
    for round in 0..=ROUNDS {
        for (part, costs) in Part::ALL.into_iter().zip(&mut rounds) {
            let cost = bench.run(part, LEADS);
            // The first round compiles the patterns of phone numbers.
            costs.extend((round > 0).then_some(cost));
        }
    }
    let [plan, phone, commit] = rounds.map(|mut costs| {
        costs.sort_by(|a, b| a.nanos.total_cmp(&b.nanos));
        costs.swap_remove(costs.len() / 2)
    });
    println!("{name}");
    println!("  plan                   {plan}");
    println!("    its phone number     {phone}");
    println!("    all the rest         {}", plan.without(&phone));
    println!("  commit to memory       {commit}");
}

/// A part of the way that is measured alone.
#[derive(Debug, Clone, Copy)]
enum Part {
    Plan,
    Phone,
    Commit,
}

impl Part {
    const ALL: [Self; 3] = [Self::Plan, Self::Phone, Self::Commit];

    fn named(name: &str) -> Self {
        let named = |part: &Self| format!("{part:?}").eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(named).expect("plan, phone or commit")
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
    fn run(&mut self, part: Part, leads: usize) -> Cost {
        let mut nanos = 0;
        let mut sum = Asked::default();
        let mut add = |(spent, asked): (u64, Asked)| {
            nanos += spent;
            sum.times += asked.times;
            sum.bytes += asked.bytes;
        };
        for _ in 0..leads / BATCH {
            let raws: Vec<RawLead> = (0..BATCH as u64).map(|n| self.size.raw(self.next + n)).collect();
            match part {
                Part::Plan => {
                    let mut plans = Vec::with_capacity(BATCH);
                    add(measured(|| plans.extend(raws.iter().map(|raw| self.desk.plan(raw)))));
                }
                Part::Phone => {
                    let region: Option<Region> = "US".parse().ok();
                    let texts: Vec<String> = (0..BATCH as u64).map(|n| leads::phone(self.next + n)).collect();
                    add(measured(|| {
                        for text in &texts {
                            black_box(Phone::parse(black_box(text), region).is_ok());
                        }
                    }));
                }
                Part::Commit => {
                    let plans: Vec<ChangeSet> = raws.iter().map(|raw| self.desk.plan(raw).changes).collect();
                    drop(raws);
                    add(measured(|| self.desk.commit(plans)));
                }
            }
            self.next += BATCH as u64;
        }
        let per_lead = |sum: f64| sum / (leads / BATCH * BATCH) as f64;
        Cost {
            nanos: per_lead(nanos as f64),
            allocations: per_lead(sum.times as f64),
            bytes: per_lead(sum.bytes as f64),
        }
    }
}

/// The nanoseconds of processor time of some work, and what it asks of the allocator.
#[inline(never)]
fn measured(work: impl FnOnce()) -> (u64, Asked) {
    let before = thread_nanos();
    let ((), asked) = asked(work);
    (thread_nanos() - before, asked)
}

/// The nanoseconds that this thread has had a processor. Linux only: 0 elsewhere.
fn thread_nanos() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default()
}

/// Leads of one commit: those of a batch.
const BATCH: usize = 1_000;
const LEADS: usize = 10_000;
const ROUNDS: usize = 7;
