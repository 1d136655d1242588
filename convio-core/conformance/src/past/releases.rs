use std::path::PathBuf;

/// The databases that releases left, as SQL: a file for each, named by its version.
///
/// Until a version is released its file is what the code writes, and is written anew when that changes. From then on it is
/// [`RELEASED`], and stays as it is for ever.
#[derive(Debug)]
pub struct Releases {
    dir: PathBuf,
    command: String,
}

impl Releases {
    /// Those in this folder, which `test` of `package` looks at.
    pub fn of(dir: impl Into<PathBuf>, package: &str, test: &str) -> Self {
        Self { dir: dir.into(), command: format!("{UPDATE}=1 cargo test -p {package} --test {test}") }
    }

    /// Every version with its dump, the one that is worked on among them.
    ///
    /// # Panics
    /// Where the file of a released version, or of this one, is missing.
    pub fn all(&self) -> Vec<(String, String)> {
        let versions =
            RELEASED.iter().copied().chain([VERSION].into_iter().filter(|it| !RELEASED.contains(it)));
        versions.map(|version| (version.to_owned(), self.read(version))).collect()
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
        let path = self.dir.join(format!("{VERSION}.sql"));
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        if kept == dump {
            return;
        }
        assert!(
            !RELEASED.contains(&VERSION),
            "version {VERSION} is released, and what is stored differs from it: give the workspace the next version, run\n    {}\n\
             and see that the files of all versions are still opened",
            self.command
        );
        if std::env::var_os(UPDATE).is_some() {
            std::fs::create_dir_all(&self.dir).expect("makes the folder");
            std::fs::write(&path, dump).expect("writes the dump");
            return;
        }
        let n = (0..).find(|n| kept.lines().nth(*n) != dump.lines().nth(*n)).unwrap_or_default();
        let (kept, new) = (kept.lines().nth(n), dump.lines().nth(n));
        panic!(
            "what is stored is not what `{VERSION}.sql` has. If that is meant, and the version is not released, run\n    {}\nand look \
             at the difference before it is committed. Line {} was\n{kept:?}\nand is\n{new:?}",
            self.command,
            n + 1
        );
    }

    fn read(&self, version: &str) -> String {
        let path = self.dir.join(format!("{version}.sql"));
        std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("no database of {version} ({error}): run\n    {}", self.command))
    }
}

/// The versions that are out there, oldest first: what they stored is read for ever. Part of a release is to add it here.
pub const RELEASED: &[&str] = &[];

const UPDATE: &str = "CONVIO_UPDATE_SNAPSHOTS";
/// The one that is worked on: all packages have the same.
const VERSION: &str = env!("CARGO_PKG_VERSION");
