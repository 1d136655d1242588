use super::Section;
use crate::Result;
use crate::figure::{Figure, Limit, Target, Unit};
use crate::floors::sqlite::BareSqlite;
use crate::lab::Lab;
use crate::leads::Leads;
use crate::outcome::Measured;
use crate::subject::Subject;
use crate::turns::{Cost, in_turns, measure, pairs};

pub(super) const SECTION: Section = Section {
    name: "sqlite-batches",
    ids: &["S1"],
    title: "SQLite: batches of a thousand",
    about: "Subject: `ingest_batch` with 1,000 leads on `SqliteStore`, one call after the other, each synced. Floor: the same \
        bytes as one row each through a cached `INSERT` of rusqlite, in transactions of 1,000, with the same settings of WAL and \
        `synchronous = FULL`. The leads are made before the time is taken.",
    not_shown: &[],
    run,
};

fn run(lab: &Lab) -> Result<Measured> {
    let mut measured = Measured::default();
    for kind in lab.effort.kinds() {
        let leads = Leads::new(kind);
        let subject = lab.wait(Subject::on_sqlite(lab, 1))?;
        let mut floor = BareSqlite::new(lab)?;
        let (batches, rows) = (lab.effort.batches(), lab.effort.rows());
        let rounds = in_turns(
            lab.effort.rounds(),
            [
                Box::new(|| {
                    let batches: Vec<_> = (0..batches).map(|_| leads.raws(rows)).collect();
                    measure(None, || {
                        let mut taken = 0;
                        for batch in batches {
                            taken += lab.wait(subject.take_batch(0, batch))?;
                        }
                        Ok(taken)
                    })
                }),
                Box::new(|| {
                    let batches: Vec<_> = (0..batches).map(|_| leads.bares(rows)).collect();
                    measure(None, || batches.iter().map(|batch| floor.batch(batch)).sum())
                }),
            ],
        )?;
        floor.finish()?;
        lab.wait(subject.finish())?;
        let figure = |case: &str, unit, rounds, target| Figure {
            id: "S1".to_owned(),
            case: format!("{}{case}", kind.name()),
            subject: "batches of 1,000".to_owned(),
            other: "bare insert, transactions of 1,000".to_owned(),
            unit,
            rounds,
            sync_millis: None,
            target,
        };
        let target = Target::ratio("<= 9x (stretch 6x)", Limit::AtMost(9.0));
        measured.figures.extend([
            figure("", Unit::CpuMicros, pairs(&rounds, (0, 1), Cost::cpu_micros), Some(target)),
            figure(", wall clock", Unit::Micros, pairs(&rounds, (0, 1), Cost::wall_micros), None),
        ]);
    }
    Ok(measured)
}
