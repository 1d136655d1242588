use std::sync::Arc;

use super::Section;
use crate::Result;
use crate::figure::{Figure, Limit, Target, Unit, When};
use crate::floors::disk::{sync_millis, syncs};
use crate::lab::Lab;
use crate::leads::Leads;
use crate::load::{batches, closed};
use crate::outcome::Measured;
use crate::subject::Subject;
use crate::turns::{Cost, in_turns, measure, pairs};

pub(super) const SECTION: Section = Section {
    name: "sqlite-callers",
    ids: &["S3", "S4"],
    title: "SQLite: many callers",
    about: "All four are Convio on one `SqliteStore`, each commit synced before it is answered: 64 and 256 callers of whom each \
        sends a lead once its last is answered; one such caller; one with batches of 1,000. The callers make their leads.",
    not_shown: &[],
    run,
};

fn run(lab: &Lab) -> Result<Measured> {
    let mut measured = Measured::default();
    for kind in lab.effort.kinds() {
        let leads = Arc::new(Leads::new(kind));
        let subject = Arc::new(lab.wait(Subject::on_sqlite(lab, 1))?);
        let window = lab.effort.window();
        let callers = |count| measure(None, || lab.wait(closed(&subject, &leads, count, window)));
        let rounds = in_turns(
            lab.effort.rounds(),
            [
                Box::new(|| callers(1)),
                Box::new(|| callers(64)),
                Box::new(|| callers(256)),
                Box::new(|| measure(None, || lab.wait(batches(&subject, &leads, lab.effort.rows(), window)))),
                Box::new(|| syncs(&lab.scratch)),
            ],
        )?;
        lab.wait(subject.check())?;
        let figure = |id: &str, subject: &str, other: &str, places, target| Figure {
            id: id.to_owned(),
            case: kind.name().to_owned(),
            subject: subject.to_owned(),
            other: other.to_owned(),
            unit: Unit::PerSecond,
            rounds: pairs(&rounds, places, Cost::rate),
            sync_millis: Some(sync_millis(&rounds, 4)),
            target: Some(target),
        };
        let of_64 = Target::by_sync(
            ">= 30x where a sync takes 2 ms or more",
            [(When::SyncAtLeast(2.0), Limit::AtLeast(30.0))],
        );
        let of_256 = Target::by_sync(
            ">= 50x where a sync takes 2 ms or more, >= 6x where it takes 0.25 ms or less",
            [(When::SyncAtLeast(2.0), Limit::AtLeast(50.0)), (When::SyncAtMost(0.25), Limit::AtLeast(6.0))],
        );
        let of_batches = Target::ratio(">= 0.6x", Limit::AtLeast(0.6));
        measured.figures.extend([
            figure("S3", "64 callers", "one caller", (1, 0), of_64),
            figure("S3", "256 callers", "one caller", (2, 0), of_256),
            figure("S4", "256 callers", "batches of 1,000", (2, 3), of_batches),
        ]);
    }
    Ok(measured)
}
