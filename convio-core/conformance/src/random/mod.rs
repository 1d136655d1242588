//! Lists of operations drawn at random, done on a store, and on the model beside it.
//!
//! A failure prints its seed, and the shortest list that it could find. `CONVIO_SEED` runs a seed again, `CONVIO_LISTS`
//! says how many lists are drawn.

mod acts;
pub(crate) mod checks;
mod ops;
mod play;
mod words;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use pollster::block_on;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::model::{Model, Modelled};
use crate::{Snapshot, Subject, World, check_invariants};
use ops::Op;
use play::Play;

/// What was done to a store, and what it shows then.
pub(crate) struct Played {
    play: Play,
    snapshot: Snapshot,
    /// What the bystander saw before, and after.
    bystander: (Snapshot, Snapshot),
}

/// Draws lists, does them on the store and on the model, and compares every answer and all that is shown in the end.
pub(crate) fn match_the_model(subject: &dyn Subject) {
    draw(1, |start, list| block_on(compare(subject, start, list)));
}

/// Draws lists, does them on the store, and checks what came of it.
pub(crate) fn hold(subject: &dyn Subject, check: impl Fn(&Played) -> Result<(), String>) {
    draw(4, |start, list| {
        let world = World::starting(subject, start);
        check(&block_on(played(&world, list)))
    });
}

async fn compare(subject: &dyn Subject, start: i64, list: &[(bool, Op)]) -> Result<(), String> {
    let model = Modelled::new(Model::volatile());
    let worlds = [World::starting(subject, start), World::starting(&model, start)];
    let (mut store, mut model) = (Play::new(&worlds[0]).await, Play::new(&worlds[1]).await);
    for (n, op) in list.iter().enumerate() {
        let (answer, expected) = (store.act(op).await, model.act(op).await);
        if answer != expected {
            return Err(format!(
                "operation {n} was answered with {answer:?}\nand by the model with {expected:?}"
            ));
        }
    }
    let shown = store.snapshot(3).await;
    if let Some(difference) = shown.difference(&model.snapshot(100).await) {
        return Err(format!("store and model differ in the end: {difference}"));
    }
    check_invariants(&shown)
}

async fn played(world: &World<'_>, list: &[(bool, Op)]) -> Played {
    let mut play = Play::new(world).await;
    let (store, bystander) = (play.store.clone(), play.bystander.id());
    let before = Snapshot::of(&*store, bystander, 100).await.unwrap();
    for op in list {
        play.act(op).await;
    }
    let after = Snapshot::of(&*store, bystander, 100).await.unwrap();
    let snapshot = play.snapshot(7).await;
    Played { play, snapshot, bystander: (before, after) }
}

/// Draws lists until one fails, and then shorter ones.
fn draw(fewer: u32, test: impl Fn(i64, &[(bool, Op)]) -> Result<(), String>) {
    let seed = number("CONVIO_SEED").unwrap_or_else(|| RandomState::new().hash_one("seed"));
    let lists = lists();
    say_what_is_drawn(seed, (lists / fewer).max(1));
    let config = Config {
        cases: (lists / fewer).max(1),
        max_shrink_iters: SHRINKS_MAX,
        max_shrink_time: SHRINKING_MAX.as_millis() as u32,
        failure_persistence: None,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let runs = AtomicI64::new(0);
    let run = |list: &[(bool, Op)]| {
        // Each run is a time of its own, and so has workspaces of its own in the one store.
        let start = START + runs.fetch_add(1, Ordering::Relaxed) * RUN_DAYS * MICROS_OF_A_DAY;
        test(start, list)
    };
    match runner.run(&ops::lists(OPS_MAX), |list| run(&list).map_err(TestCaseError::fail)) {
        Ok(()) => {}
        Err(TestError::Abort(why)) => panic!("no lists could be drawn: {why}"),
        Err(TestError::Fail(why, list)) => {
            let (list, why) = shortened(list, why.message().to_owned(), run);
            let list: Vec<String> = list.iter().map(|op| format!("  {op:?}")).collect();
            panic!("{why}\nCONVIO_SEED={seed} draws it again; the shortest list:\n{}", list.join("\n"));
        }
    }
}

/// Leaves out one operation after the other, as long as the rest still fails. What draws the lists makes them simple, but
/// does not come back to what it could not leave out before.
#[expect(clippy::disallowed_methods, reason = "a deadline, past which what was found must do")]
fn shortened(
    mut list: Vec<(bool, Op)>,
    mut why: String,
    run: impl Fn(&[(bool, Op)]) -> Result<(), String>,
) -> (Vec<(bool, Op)>, String) {
    let (mut n, began) = (list.len(), Instant::now());
    while n > 0 && began.elapsed() < SHRINKING_MAX {
        n -= 1;
        let mut shorter = list.clone();
        shorter.remove(n);
        if let Err(still) = run(&shorter) {
            (list, why, n) = (shorter, still, list.len() - 1);
        }
    }
    (list, why)
}

/// So that a run can be told from another, and done again, also where it did not fail.
#[expect(clippy::print_stdout, reason = "shown by `cargo test -- --nocapture`, and of a case that fails")]
fn say_what_is_drawn(seed: u64, lists: u32) {
    println!("CONVIO_SEED={seed}: {lists} lists");
}

fn lists() -> u32 {
    number("CONVIO_LISTS").and_then(|n| n.try_into().ok()).unwrap_or(LISTS)
}

/// How many times as long as by default the cases of this topic take.
pub(crate) fn times_longer() -> u32 {
    lists().div_ceil(LISTS).max(1)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Lists of one case by default: enough that the mistakes in `broken` which one list in four shows are missed once in a
/// hundred times, few enough for a store that syncs each commit.
const LISTS: u32 = 16;
/// Longest list.
const OPS_MAX: usize = 80;
/// How often a failing list is made shorter.
const SHRINKS_MAX: u32 = 2_000;
/// How long in each of two ways: a list that could be shorter is better than none, where a list takes a second.
const SHRINKING_MAX: Duration = Duration::from_secs(90);
/// 2020-01-01 and some microseconds: every run starts later, by more than a list can take.
const START: i64 = 1_577_836_800_123_457;
const RUN_DAYS: i64 = 150;
const MICROS_OF_A_DAY: i64 = 86_400_000_000;
