//! What is measured: one file per run, each with the targets that it serves.

mod attribution;
mod calendars;
mod feed;
mod growth;
mod hot_workspace;
mod memory;
mod open_loop;
mod peers;
mod postgres_batches;
mod postgres_callers;
mod postgres_one;
mod postgres_writers;
mod routing;
mod sqlite_batches;
mod sqlite_callers;
mod sqlite_one;

use convio_core::clock::Clock;
use convio_core::service::SystemClock;

use crate::Result;
use crate::cpu::Others;
use crate::floors::disk::fsync_micros;
use crate::lab::Lab;
use crate::machine::{commit, describe};
use crate::outcome::{Measured, Outcome};

/// A run of a section.
pub struct Section {
    /// Its name: that of its file, and of what is kept of it.
    pub name: &'static str,
    /// The targets that it serves.
    pub ids: &'static [&'static str],
    /// What it is about.
    pub title: &'static str,
    /// What subject and floors do, in Markdown.
    pub about: &'static str,
    /// What it does not show, and why.
    pub not_shown: &'static [&'static str],
    run: fn(&Lab) -> Result<Measured>,
}

/// All, in the order of the document.
pub const ALL: [Section; 17] = [
    sqlite_batches::SECTION,
    sqlite_one::SECTION,
    sqlite_callers::SECTION,
    postgres_one::SECTION,
    postgres_callers::SECTION,
    postgres_batches::SECTION,
    postgres_writers::SECTION,
    hot_workspace::SECTION,
    peers::SECTION,
    memory::SECTION,
    routing::SECTION,
    calendars::SECTION,
    attribution::SECTION,
    feed::SECTION,
    open_loop::SECTION,
    growth::SQLITE,
    growth::POSTGRES,
];

impl Section {
    /// Measures it.
    pub fn measure(&self, lab: &Lab) -> Result<Outcome> {
        lab.say(self.title);
        let servers = || lab.synced.cpu_seconds() + lab.unsynced.cpu_seconds();
        let others = Others::watch(servers());
        let before = fsync_micros(&lab.scratch, lab.effort.syncs())?;
        let Measured { figures, facts, tables, curves } = (self.run)(lab)?;
        let after = fsync_micros(&lab.scratch, lab.effort.syncs())?;
        Ok(Outcome {
            section: self.name.to_owned(),
            title: self.title.to_owned(),
            about: self.about.to_owned(),
            date: SystemClock.now().date_naive().to_string(),
            effort: lab.effort,
            sync_micros: (before, after),
            others: others.share(servers()),
            commit: commit(),
            machine: describe(lab)?,
            figures,
            facts,
            tables,
            curves,
            not_shown: self.not_shown.iter().map(|what| (*what).to_owned()).collect(),
        })
    }

    /// Whether a run of these targets includes it.
    pub fn serves(&self, only: &[String]) -> bool {
        only.is_empty()
            || only.iter().any(|wanted| {
                wanted.eq_ignore_ascii_case(self.name)
                    || self.ids.iter().any(|id| wanted.eq_ignore_ascii_case(id))
            })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_distinct_and_targets_are_found_in_any_case() {
        let names: HashSet<&str> = ALL.iter().map(|section| section.name).collect();
        assert_eq!(names.len(), ALL.len());
        let serving = |id: &str| ALL.iter().filter(|section| section.serves(&[id.to_owned()])).count();
        for id in [
            "S1", "s2", "S3", "S4", "P1", "P2", "P3", "P4", "P5", "P6", "P7", "V1", "M1", "Z1", "R1", "r2",
            "C1", "c2", "T1", "F1", "f2", "F3", "open",
        ] {
            assert_eq!(serving(id), 1, "{id}");
        }
        assert_eq!(serving("S6"), 2);
        assert_eq!(serving("X1"), 0);
        assert!(ALL.iter().all(|section| section.serves(&[])));
    }
}
