//! Processor time and memory of this process. Linux only: 0 elsewhere.

use std::fs;

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
    fn this_process_uses_memory() {
        assert!(resident_bytes() > 100_000);
    }
}
