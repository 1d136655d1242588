//! How long the disk takes to keep something.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::Result;
use crate::clock::now;
use crate::stats::percentile;

/// The median time of a write of 4 KiB and its `fdatasync`, in microseconds, on the file system of this folder. The file is as
/// long as it gets before: a log is written over, too.
pub fn fsync_micros(folder: &Path) -> Result<f64> {
    let file = tempfile::Builder::new().prefix("convio-bench-fsync.").tempfile_in(folder)?;
    let file: &File = file.as_file();
    let page = [0x5a; PAGE];
    for n in 0..PAGES {
        file.write_all_at(&page, n * PAGE as u64)?;
    }
    file.sync_all()?;
    let mut micros = Vec::new();
    for n in 0..SYNCS {
        let before = now();
        file.write_all_at(&page, n % PAGES * PAGE as u64)?;
        file.sync_data()?;
        micros.push(before.elapsed().as_secs_f64() * 1e6);
    }
    Ok(percentile(&mut micros, 0.5))
}

const PAGE: usize = 4_096;
const PAGES: u64 = 1_024;
/// Well under a second on a quick disk, two on a slow one.
const SYNCS: u64 = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_takes_time() {
        assert!(fsync_micros(&std::env::temp_dir()).unwrap() > 0.0);
    }
}
