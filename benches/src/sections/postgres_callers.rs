use std::sync::Arc;

use super::Section;
use crate::Result;
use crate::figure::{Figure, Limit, Target, Unit};
use crate::floors::pgbench::Pgbench;
use crate::lab::Lab;
use crate::leads::Leads;
use crate::load::closed;
use crate::outcome::Measured;
use crate::subject::Subject;
use crate::turns::{Cost, in_turns, measure, pairs};

pub(super) const SECTION: Section = Section {
    name: "postgres-callers",
    ids: &["P2"],
    title: "Postgres: 32 callers",
    about: "Subject: 32 callers of whom each sends a lead once its last is answered, all of them to one workspace, and to ten. \
        The store is a `Coalesced<PgStore>`, which holds 8 connections and uses two at a time. Floor: `pgbench -n -M prepared -c 32 -j 2` with a bare `INSERT` of one row of the same \
        bytes a transaction, on 32 connections. The server syncs.",
    not_shown: &[],
    run,
};

fn run(lab: &Lab) -> Result<Measured> {
    let mut measured = Measured::default();
    for kind in lab.effort.kinds() {
        let leads = Arc::new(Leads::new(kind));
        let hot = Arc::new(lab.wait(Subject::on_postgres(&lab.synced, 1))?);
        let ten = Arc::new(lab.wait(Subject::on_postgres(&lab.synced, 10))?);
        let mut floor = lab.wait(Pgbench::new(lab, &lab.synced))?;
        let window = lab.effort.window();
        let rounds = in_turns(
            lab.effort.rounds(),
            [
                Box::new(|| measure(None, || lab.wait(closed(&hot, &leads, CALLERS, window)))),
                Box::new(|| floor.run(&leads, CALLERS, window)),
                Box::new(|| measure(None, || lab.wait(closed(&ten, &leads, CALLERS, window)))),
            ],
        )?;
        lab.wait(floor.finish())?;
        for subject in [hot, ten] {
            let subject = Arc::into_inner(subject).ok_or("a caller is still at work")?;
            lab.wait(subject.finish())?;
        }
        let figure = |case: &str, places| Figure {
            id: "P2".to_owned(),
            case: format!("{}, {case}", kind.name()),
            subject: "32 callers".to_owned(),
            other: "pgbench, bare insert, 32 callers".to_owned(),
            unit: Unit::PerSecond,
            rounds: pairs(&rounds, places, Cost::rate),
            sync_millis: None,
            target: Some(Target::ratio(">= 0.9x (stretch 1.2x)", Limit::AtLeast(0.9))),
        };
        measured.figures.extend([figure("one workspace", (0, 1)), figure("ten workspaces", (2, 1))]);
    }
    Ok(measured)
}

const CALLERS: usize = 32;
