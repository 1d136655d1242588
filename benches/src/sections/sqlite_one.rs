use std::sync::Arc;

use super::Section;
use crate::Result;
use crate::figure::{Figure, Limit, Target, Unit, When};
use crate::floors::disk::{sync_millis, syncs};
use crate::floors::sqlite::BareSqlite;
use crate::lab::Lab;
use crate::leads::Leads;
use crate::load::closed;
use crate::outcome::Measured;
use crate::subject::Subject;
use crate::turns::{Cost, in_turns, measure, pairs};

pub(super) const SECTION: Section = Section {
    name: "sqlite-one",
    ids: &["S2"],
    title: "SQLite: one caller",
    about: "Subject: one caller who sends a lead once the last is answered, each commit synced. Floor: the same bytes as one row \
        each through a cached `INSERT`, each a commit of its own, synced as well.",
    not_shown: &[],
    run,
};

fn run(lab: &Lab) -> Result<Measured> {
    let mut measured = Measured::default();
    for kind in lab.effort.kinds() {
        let leads = Arc::new(Leads::new(kind));
        let subject = Arc::new(lab.wait(Subject::on_sqlite(lab, 1))?);
        let mut floor = BareSqlite::new(lab)?;
        let window = lab.effort.window();
        let rounds = in_turns(
            lab.effort.rounds(),
            [
                Box::new(|| measure(None, || lab.wait(closed(&subject, &leads, 1, window)))),
                Box::new(|| measure(None, || floor.singles(&leads, window))),
                Box::new(|| syncs(&lab.scratch)),
            ],
        )?;
        floor.finish()?;
        lab.wait(subject.check())?;
        measured.figures.push(Figure {
            id: "S2".to_owned(),
            case: kind.name().to_owned(),
            subject: "one caller".to_owned(),
            other: "bare insert, one row a commit".to_owned(),
            unit: Unit::PerSecond,
            rounds: pairs(&rounds, (0, 1), Cost::rate),
            sync_millis: Some(sync_millis(&rounds, 2)),
            target: Some(Target::by_sync(
                ">= 0.85x where a sync takes 2 ms or more, >= 0.6x where it takes 0.25 ms or less",
                [
                    (When::SyncAtLeast(2.0), Limit::AtLeast(0.85)),
                    (When::SyncAtMost(0.25), Limit::AtLeast(0.6)),
                ],
            )),
        });
    }
    Ok(measured)
}
