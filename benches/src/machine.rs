//! What the machine is.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::lab::Lab;

/// What a reader must know of it.
pub fn describe(lab: &Lab) -> Result<Vec<(String, String)>> {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or("?", |(_, value)| value.trim()).to_owned()
    };
    let memory = field(&fs::read_to_string("/proc/meminfo").unwrap_or_default(), "MemTotal");
    let memory: f64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
    let (files, data) = (disk_of(&lab.scratch)?, disk_of(Path::new(&lab.synced.data))?);
    for disk in [&files, &data] {
        if ["tmpfs", "ramfs"].iter().any(|memory| disk.starts_with(memory)) {
            return Err(format!("`{disk}` is no disk: set TMPDIR to a folder of one").into());
        }
    }
    let rows = [
        (
            "processor",
            format!("{}, {} cores", field(&cpus, "model name"), std::thread::available_parallelism()?),
        ),
        ("memory", format!("{:.0} GiB", memory / 1_048_576.0)),
        ("kernel", fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()),
        ("file system of the SQLite files", files),
        ("file system of Postgres' data", data),
        ("SQLite", rusqlite::version().to_owned()),
        ("PostgreSQL", lab.synced.version.clone()),
        ("rustc", said("rustc", &["--version"])),
    ];
    Ok(rows.map(|(name, value)| (name.to_owned(), value)).into())
}

/// The commit that is measured, and whether anything was changed since.
pub fn commit() -> String {
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
    let changes = said("git", &["status", "--porcelain", "--", ".", ":!docs"]);
    if changes.is_empty() { commit } else { commit + " with changes" }
}

/// The file system that a folder is on, and the device.
fn disk_of(folder: &Path) -> Result<String> {
    // A folder of another user, as a server's data is, is entered by none but its parents.
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let longest = mounts.lines().filter_map(Mount::of).filter(|mount| folder.starts_with(mount.at));
    let mount = longest.max_by_key(|mount| mount.at.len()).ok_or("no mount holds the folder")?;
    Ok(format!("{} on {}", mount.kind, mount.device))
}

#[derive(Debug, PartialEq)]
struct Mount<'t> {
    at: &'t str,
    kind: &'t str,
    device: &'t str,
}

impl<'t> Mount<'t> {
    fn of(line: &'t str) -> Option<Self> {
        let (head, tail) = line.split_once(" - ")?;
        let mut tail = tail.split(' ');
        Some(Self { at: head.split(' ').nth(4)?, kind: tail.next()?, device: tail.next()? })
    }
}

/// What a program says, in one line.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success());
    output.map_or_else(|| "?".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read() {
        let line = "29 1 254:0 / /data rw,relatime shared:1 - ext4 /dev/vda rw";
        assert_eq!(Mount::of(line), Some(Mount { at: "/data", kind: "ext4", device: "/dev/vda" }));
    }
}
