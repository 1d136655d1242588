use convio_core::Phone;

use super::Section;
use crate::Result;
use crate::figure::{Figure, Limit, Target, Unit};
use crate::lab::Lab;
use crate::leads::{Kind, Leads};
use crate::outcome::Measured;
use crate::subject::Subject;
use crate::turns::{Cost, in_turns, measure, pairs};

pub(super) const SECTION: Section = Section {
    name: "memory",
    ids: &["M1", "Z1"],
    title: "Memory, and the library by itself",
    about: "M1: batches of 1,000 on `MemoryStore`: as the store alone takes them, planned before; and through the public face, reading \
        and planning included, beside the same on `SqliteStore`. Z1: a lead read, checked, normalised and planned, without any \
        store; beside it the parse of its phone alone.",
    not_shown: &[],
    run,
};

fn run(lab: &Lab) -> Result<Measured> {
    let mut measured = Measured::default();
    for kind in lab.effort.kinds() {
        measured.figures.extend(of(lab, kind)?);
    }
    Ok(measured)
}

fn of(lab: &Lab, kind: Kind) -> Result<Vec<Figure>> {
    let leads = Leads::new(kind);
    let memory = lab.wait(Subject::on_memory(1))?;
    let alone = lab.wait(Subject::on_memory(1))?;
    let sqlite = lab.wait(Subject::on_sqlite(lab, 1))?;
    let planner = lab.wait(alone.planner(0))?;
    let (batches, rows) = (lab.effort.batches(), lab.effort.rows());
    let count = batches * rows;
    let through_face = |subject: &Subject| {
        let batches: Vec<_> = (0..batches).map(|_| leads.raws(rows)).collect();
        measure(None, || {
            let mut taken = 0;
            for batch in batches {
                taken += lab.wait(subject.take_batch(0, batch))?;
            }
            Ok(taken)
        })
    };
    let rounds = in_turns(
        lab.effort.rounds(),
        [
            Box::new(|| through_face(&memory)),
            Box::new(|| through_face(&sqlite)),
            Box::new(|| {
                let planned = |_| leads.raws(rows).iter().map(|raw| planner.plan(raw)).collect();
                let batches: Vec<Vec<_>> = (0..batches).map(planned).collect::<Result<_>>()?;
                measure(None, || {
                    let mut taken = 0;
                    for batch in batches {
                        taken += lab.wait(alone.commit_all(batch))?;
                    }
                    Ok(taken)
                })
            }),
            Box::new(|| {
                let raws = leads.raws(count);
                measure(None, || {
                    for raw in &raws {
                        std::hint::black_box(planner.plan(raw)?);
                    }
                    Ok(raws.len() as u64)
                })
            }),
            Box::new(|| {
                let phones: Vec<String> = leads.bares(count).into_iter().map(|lead| lead.phone).collect();
                let region = Some("US".parse()?);
                measure(None, || {
                    for phone in &phones {
                        std::hint::black_box(Phone::parse(phone, region)?);
                    }
                    Ok(phones.len() as u64)
                })
            }),
        ],
    )?;
    for subject in [memory, alone, sqlite] {
        lab.wait(subject.finish())?;
    }
    let figure = |id: &str, subject: &str, other: &str, unit, rounds, target| Figure {
        id: id.to_owned(),
        case: kind.name().to_owned(),
        subject: subject.to_owned(),
        other: other.to_owned(),
        unit,
        rounds,
        sync_millis: None,
        target,
    };
    let micros = |places| pairs(&rounds, places, Cost::cpu_micros);
    Ok(vec![
        figure(
            "M1",
            "memory, the store alone",
            "memory, through the public face",
            Unit::CpuMicros,
            micros((2, 0)),
            Some(Target::subject("<= 1.5 us of CPU", Limit::AtMost(1.5))),
        ),
        figure(
            "M1",
            "memory, batches",
            "SQLite, batches",
            Unit::PerCpuSecond,
            pairs(&rounds, (0, 1), Cost::rate_of_cpu),
            Some(Target::ratio(">= 5x SQLite", Limit::AtLeast(5.0))),
        ),
        figure(
            "Z1",
            "reading and planning",
            "the parse of the phone",
            Unit::CpuMicros,
            micros((3, 4)),
            Some(Target::subject("<= 5 us", Limit::AtMost(5.0))),
        ),
    ])
}
