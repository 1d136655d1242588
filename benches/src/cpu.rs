//! Processor time and memory of this process. Linux only: 0 elsewhere.

use std::fs;
use std::time::Instant;

use crate::clock::now;

/// Processor seconds that the living threads of this process have used, all together.
pub fn cpu_seconds() -> f64 {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return 0.0 };
    threads.flatten().map(|thread| run_seconds(&thread.path().to_string_lossy())).sum()
}

/// Processor seconds of the thread, or of the main thread of the process, that has this folder in `/proc`; 0 once it is gone.
pub(crate) fn run_seconds(folder: &str) -> f64 {
    // The first number is nanoseconds: no clock tick is lost.
    let stat = fs::read_to_string(format!("{folder}/schedstat")).unwrap_or_default();
    stat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or_default() / 1e9
}

/// Processor seconds that this process has used, threads and children that have ended included. In steps of a clock tick.
fn whole_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    // User and system time of its own, and those of children: the 14th to the 17th field.
    fields.skip(11).take(4).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// Processor seconds that the machine has used for anything.
fn machine_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let ticks: Vec<f64> = fields.filter_map(|ticks| ticks.parse().ok()).collect();
    // user, nice, system, (idle, iowait,) irq, softirq, steal; what comes then is in them.
    ticks.iter().take(3).chain(ticks.iter().skip(5).take(3)).sum::<f64>() / TICKS_PER_SECOND
}

/// How busy other programs keep the machine meanwhile.
#[derive(Debug)]
pub struct Others {
    began: Instant,
    machine: f64,
    ours: f64,
}

impl Others {
    /// From now on; `servers`: processor seconds of servers that work for us.
    pub fn watch(servers: f64) -> Self {
        Self { began: now(), machine: machine_seconds(), ours: whole_seconds() + servers }
    }

    /// The share of all processors that others used, between 0 and 1.
    pub fn share(&self, servers: f64) -> f64 {
        let cores = std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
        let others = machine_seconds() - self.machine - (whole_seconds() + servers - self.ours);
        (others / self.began.elapsed().as_secs_f64() / cores).clamp(0.0, 1.0)
    }
}

/// Of `/proc`: what Linux says to programs on every architecture.
pub(crate) const TICKS_PER_SECOND: f64 = 100.0;

/// Memory of this process that is in use now, in bytes.
pub fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn work_of_another_thread_counts_while_it_lives() {
        let before = cpu_seconds();
        let (done, ready) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut n = 1u64;
                while cpu_seconds() - before < 0.01 {
                    n = n.wrapping_mul(3);
                }
                ready.wait();
                done.wait();
                n
            });
            ready.wait();
            assert!(cpu_seconds() - before >= 0.01);
            done.wait();
        });
    }

    #[test]
    fn what_we_use_ourselves_is_not_that_of_others() {
        let others = Others::watch(0.0);
        let before = whole_seconds();
        while whole_seconds() - before < 0.05 {
            std::hint::black_box(cpu_seconds());
        }
        assert!((0.0..=1.0).contains(&others.share(0.0)));
        assert!(machine_seconds() > whole_seconds());
        // As if a server had used all that there is.
        assert_eq!(others.share(1e9), 0.0);
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(resident_bytes() > 100_000);
    }
}
