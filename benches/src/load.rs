//! Who brings the leads: callers who wait for their answer before they come again, or leads that arrive when they do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Result;
use crate::clock::now;
use crate::leads::Leads;
use crate::stats::percentile;
use crate::subject::Subject;

/// Callers of whom each brings the next lead once the last is answered, until the window is over. Each workspace is served by
/// the same callers. Answers how many leads were taken.
pub async fn closed(
    subject: &Arc<Subject>,
    leads: &Arc<Leads>,
    callers: usize,
    window: Duration,
) -> Result<u64> {
    let end = now() + window;
    let mut set = JoinSet::new();
    for caller in 0..callers {
        let (subject, leads) = (subject.clone(), leads.clone());
        set.spawn(async move {
            let mut taken = 0;
            while now() < end {
                subject.take(caller, leads.raw()).await?;
                taken += 1;
            }
            Ok(taken)
        });
    }
    sum(set).await
}

/// One caller with batches of so many rows, one after the other, until the window is over.
pub async fn batches(subject: &Subject, leads: &Leads, rows: usize, window: Duration) -> Result<u64> {
    let end = now() + window;
    let mut taken = 0;
    while now() < end {
        taken += subject.take_batch(0, leads.raws(rows)).await?;
    }
    Ok(taken)
}

/// One caller, each of whose leads is timed: the median in milliseconds.
pub async fn median_latency(subject: &Subject, leads: &Leads, count: usize) -> Result<f64> {
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        let raw = leads.raw();
        let before = now();
        subject.take(0, raw).await?;
        took.push(before.elapsed().as_secs_f64() * 1e3);
    }
    Ok(percentile(&mut took, 0.5))
}

/// What became of leads that arrived at a fixed rate.
#[derive(Debug)]
pub struct Arrivals {
    /// How many arrived.
    pub arrived: u64,
    /// How many were not taken.
    pub errors: u64,
    /// What the first of those was told.
    pub first_error: Option<String>,
    /// Seconds until the last was answered.
    pub seconds: f64,
    /// Milliseconds from the arrival to the answer, of each that was taken.
    pub millis: Vec<f64>,
}

/// Leads arrive at a fixed rate, whether or not anybody is free to take them; each waits for one of so many callers. What a
/// lead took counts from the moment that it was due, so that a stall counts for every lead that it delayed.
pub async fn open(
    subject: &Arc<Subject>,
    leads: &Arc<Leads>,
    callers: usize,
    rate: f64,
    window: Duration,
) -> Result<Arrivals> {
    let due = Arc::new(Semaphore::new(0));
    let next = Arc::new(AtomicU64::new(0));
    let arrived = (rate * window.as_secs_f64()) as u64;
    let begin = now();
    let at = move |n: u64| begin + Duration::from_secs_f64(n as f64 / rate);
    let mut set = JoinSet::new();
    for caller in 0..callers {
        let (subject, leads, due, next) = (subject.clone(), leads.clone(), due.clone(), next.clone());
        set.spawn(async move {
            let (mut millis, mut errors, mut first_error) = (Vec::new(), 0u64, None);
            while let Ok(permit) = due.acquire().await {
                permit.forget();
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= arrived {
                    break;
                }
                match subject.take(caller, leads.raw()).await {
                    Ok(()) => millis.push(at(n).elapsed().as_secs_f64() * 1e3),
                    Err(error) => {
                        errors += 1;
                        first_error.get_or_insert_with(|| error.to_string());
                    }
                }
            }
            (millis, errors, first_error)
        });
    }
    // On a thread of its own: the runtime's timer knows milliseconds only, and its threads are busy.
    let clock = std::thread::spawn(move || {
        let mut let_in = 0;
        while let_in < arrived {
            let now = now();
            let mut count = 0;
            while let_in + count < arrived && at(let_in + count) <= now {
                count += 1;
            }
            due.add_permits(usize::try_from(count).unwrap_or_default());
            let_in += count;
            std::thread::sleep(TICK);
        }
        // Whoever still waits is told that nothing comes any more.
        due.add_permits(callers);
    });
    let mut all = Arrivals { arrived, errors: 0, first_error: None, seconds: 0.0, millis: Vec::new() };
    while let Some(done) = set.join_next().await {
        let (millis, errors, first_error) = done?;
        all.millis.extend(millis);
        all.errors += errors;
        all.first_error = all.first_error.or(first_error);
    }
    all.seconds = begin.elapsed().as_secs_f64();
    clock.join().map_err(|_| "the clock's thread panicked")?;
    Ok(all)
}

/// The sum of what tasks answer; the first error ends it.
pub async fn sum(mut set: JoinSet<Result<u64>>) -> Result<u64> {
    let mut taken = 0;
    while let Some(done) = set.join_next().await {
        taken += done??;
    }
    Ok(taken)
}

/// How exactly leads are let in: far below a lead's latency on a disk.
const TICK: Duration = Duration::from_micros(100);
