//! How long the disk takes to keep something.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::Result;
use crate::clock::now;
use crate::stats::{Spread, percentile};
use crate::turns::Cost;

/// Syncs as a part of a round: what the disk gave while the other parts were measured, which before and after a run may be
/// something else.
pub fn syncs(folder: &Path) -> Result<Cost> {
    let micros = sync_each(folder, SYNCS_OF_A_ROUND)?;
    Ok(Cost { leads: micros.len() as u64, wall: micros.iter().sum::<f64>() / 1e6, cpu: 0.0 })
}

/// Milliseconds of a sync: the median of the rounds, of each the mean, since a commit waits for the slow ones too.
pub fn sync_millis<const N: usize>(rounds: &[[Cost; N]], place: usize) -> f64 {
    Spread::of(rounds.iter().map(|round| round[place].wall_micros() / 1e3)).median
}

/// The median time of a write of 4 KiB and its `fdatasync`, in microseconds, on the file system of this folder. The file is as
/// long as it gets before: a log is written over, too.
pub fn fsync_micros(folder: &Path, syncs: u64) -> Result<f64> {
    Ok(percentile(&mut sync_each(folder, syncs)?, 0.5))
}

/// Microseconds of each of so many.
fn sync_each(folder: &Path, syncs: u64) -> Result<Vec<f64>> {
    let file = tempfile::Builder::new().prefix("convio-bench-fsync.").tempfile_in(folder)?;
    let file: &File = file.as_file();
    let page = [0x5a; PAGE];
    for n in 0..PAGES {
        file.write_all_at(&page, n * PAGE as u64)?;
    }
    file.sync_all()?;
    let mut micros = Vec::new();
    for n in 0..syncs {
        let before = now();
        file.write_all_at(&page, n % PAGES * PAGE as u64)?;
        file.sync_data()?;
        micros.push(before.elapsed().as_secs_f64() * 1e6);
    }
    Ok(micros)
}

const PAGE: usize = 4_096;
const PAGES: u64 = 1_024;
/// Short beside a window.
const SYNCS_OF_A_ROUND: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_takes_time() {
        assert!(fsync_micros(&std::env::temp_dir(), 10).unwrap() > 0.0);
    }
}
