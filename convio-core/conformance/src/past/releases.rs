use std::path::PathBuf;

/// The databases that releases left, as SQL: a file for each, named by its version.
///
/// Until a version is released its file is what the code writes, and is written anew when that changes. From then on it is
/// [`RELEASED`], and stays as it is for ever.
#[derive(Debug)]
pub struct Releases {
    dir: PathBuf,
    command: String,
    released: &'static [&'static str],
}

impl Releases {
    /// Those in this folder, which `test` of `package` looks at.
    pub fn of(dir: impl Into<PathBuf>, package: &str, test: &str) -> Self {
        let command = format!("{UPDATE}=1 cargo test -p {package} --test {test}");
        Self { dir: dir.into(), command, released: RELEASED }
    }

    /// Every version with its dump, the one that is worked on among them.
    ///
    /// # Panics
    /// Where the file of a released version, or of this one, is missing.
    pub fn all(&self) -> Vec<(&'static str, String)> {
        let mut versions = self.released.to_vec();
        versions.extend(Some(VERSION).filter(|version| !self.released.contains(version)));
        versions.into_iter().map(|version| (version, self.read(version))).collect()
    }

    /// The dump of the version that is worked on.
    ///
    /// # Panics
    /// Where there is none.
    pub fn current(&self) -> String {
        self.read(VERSION)
    }

    /// Whether a version is the one that is worked on, whose schema is today's.
    pub fn is_current(version: &str) -> bool {
        version == VERSION
    }

    /// What the code writes today is what the file of its version has. Writes the file instead if it was asked to.
    ///
    /// # Panics
    /// Where it differs: says where, and how the file is written. Where the version is released already.
    pub fn settle(&self, dump: &str) {
        self.settled(dump, std::env::var_os(UPDATE).is_some()).unwrap_or_else(|wrong| panic!("{wrong}"));
    }

    fn settled(&self, dump: &str, update: bool) -> Result<(), String> {
        let path = self.path(VERSION);
        let (kept, command) = (std::fs::read_to_string(&path).unwrap_or_default(), &self.command);
        if kept == dump {
            return Ok(());
        }
        if self.released.contains(&VERSION) {
            return Err(format!(
                "version {VERSION} is released, and what is stored differs from it: give the workspace the next version, run\n    \
                 {command}\nand see that the files of all versions are still opened"
            ));
        }
        if update {
            std::fs::create_dir_all(&self.dir).expect("makes the folder");
            std::fs::write(&path, dump).expect("writes the dump");
            return Ok(());
        }
        let line = |n| (kept.lines().nth(n), dump.lines().nth(n));
        // Equal lines may differ in how the last one ends.
        let last = kept.lines().count().max(dump.lines().count());
        let n = (0..last).find(|n| line(*n).0 != line(*n).1).unwrap_or(last);
        let (kept, new) = line(n);
        Err(format!(
            "what is stored is not what `{VERSION}.sql` has. If that is meant, run\n    {command}\nand look at the difference before it \
             is committed. Line {} was\n{kept:?}\nand is\n{new:?}",
            n + 1
        ))
    }

    fn read(&self, version: &str) -> String {
        let command = &self.command;
        std::fs::read_to_string(self.path(version))
            .unwrap_or_else(|error| panic!("no database of {version} ({error}): run\n    {command}"))
    }

    fn path(&self, version: &str) -> PathBuf {
        self.dir.join(format!("{version}.sql"))
    }
}

/// The versions that are out there, oldest first: what they stored is read for ever. Part of a release is to add it here.
pub const RELEASED: &[&str] = &[];

const UPDATE: &str = "CONVIO_UPDATE_SNAPSHOTS";
/// The one that is worked on: all packages have the same.
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_version_is_written_until_it_is_released() {
        let folder = tempfile::tempdir().unwrap();
        let mut releases = Releases::of(folder.path().join("databases"), "store", "releases");
        let wrong = releases.settled("a\nb\n", false).unwrap_err();
        assert!(wrong.contains("CONVIO_UPDATE_SNAPSHOTS=1 cargo test -p store --test releases"), "{wrong}");
        releases.settled("a\nb\n", true).unwrap();
        releases.settled("a\nb\n", false).unwrap();
        let wrong = releases.settled("a\nc\n", false).unwrap_err();
        assert!(wrong.ends_with("Line 2 was\nSome(\"b\")\nand is\nSome(\"c\")"), "{wrong}");
        assert!(releases.settled("a\nb", false).unwrap_err().contains("Line 3 was"));
        releases.settled("a\nc\n", true).unwrap();
        assert_eq!(releases.all(), [(VERSION, "a\nc\n".to_owned())]);

        releases.released = &[VERSION];
        releases.settled("a\nc\n", false).unwrap();
        let refused = releases.settled("a\nd\n", true).unwrap_err();
        assert!(refused.contains("is released"), "{refused}");
        assert_eq!(releases.current(), "a\nc\n");
        assert_eq!(releases.all().len(), 1);
    }

    #[test]
    #[should_panic(expected = "no database of 0.0.1")]
    fn a_released_version_without_a_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let mut releases = Releases::of(folder.path(), "store", "releases");
        releases.settled("", true).unwrap();
        releases.released = &["0.0.1"];
        releases.all();
    }
}
