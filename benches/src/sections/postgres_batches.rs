use super::Section;
use crate::Result;
use crate::figure::{Figure, Limit, Target, Unit};
use crate::floors::postgres::BarePostgres;
use crate::lab::Lab;
use crate::leads::{Kind, Leads};
use crate::outcome::Measured;
use crate::server::Server;
use crate::subject::Subject;
use crate::turns::{Cost, in_turns, measure, pairs};

pub(super) const SECTION: Section = Section {
    name: "postgres-batches",
    ids: &["P3", "P4"],
    title: "Postgres: batches of a thousand",
    about: "Subject: `ingest_batch` with 1,000 leads, one call after the other. Beside it, on one held connection each: the naive \
        ingest (`BEGIN`, contact by `INSERT ... ON CONFLICT DO UPDATE RETURNING`, lead with payload, event, rollup, `COMMIT`: six \
        round trips a lead); and the floor, a bare `INSERT ... SELECT FROM unnest(...)` of 1,000 rows in one statement. The leads of \
        batches are made before the time is taken.",
    not_shown: &[],
    run,
};

fn run(lab: &Lab) -> Result<Measured> {
    let mut measured = Measured::default();
    for kind in lab.effort.kinds() {
        for server in [&lab.synced, &lab.unsynced] {
            measured.figures.extend(on(lab, server, kind)?);
        }
    }
    Ok(measured)
}

fn on(lab: &Lab, server: &Server, kind: Kind) -> Result<Vec<Figure>> {
    let leads = Leads::new(kind);
    let subject = lab.wait(Subject::on_postgres(server, 1))?;
    let mut naive = lab.wait(BarePostgres::new(server))?;
    let mut floor = lab.wait(BarePostgres::beside(server))?;
    let (batches, rows, window) = (lab.effort.batches(), lab.effort.rows(), lab.effort.window());
    let mut by_naive = 0;
    let rounds = in_turns(
        lab.effort.rounds(),
        [
            Box::new(|| {
                let batches: Vec<_> = (0..batches).map(|_| leads.raws(rows)).collect();
                measure(Some(server), || {
                    let mut taken = 0;
                    for batch in batches {
                        taken += lab.wait(subject.take_batch(0, batch))?;
                    }
                    Ok(taken)
                })
            }),
            Box::new(|| {
                let cost = measure(Some(server), || lab.wait(naive.naive(&leads, window)))?;
                by_naive += cost.leads;
                Ok(cost)
            }),
            Box::new(|| {
                let batches: Vec<_> = (0..batches).map(|_| leads.bares(rows)).collect();
                measure(Some(server), || {
                    let mut taken = 0;
                    for batch in batches {
                        taken += lab.wait(floor.batch(batch))?;
                    }
                    Ok(taken)
                })
            }),
        ],
    )?;
    drop(naive);
    lab.wait(floor.finish(by_naive))?;
    lab.wait(subject.finish())?;
    let figure = |id: &str, case: &str, other: &str, unit, rounds, target| Figure {
        id: id.to_owned(),
        case: format!("{}{case}", kind.name()),
        subject: "batches of 1,000".to_owned(),
        other: other.to_owned(),
        unit,
        rounds,
        sync_millis: None,
        target: Some(target),
    };
    let against_naive = |case: &str, target| {
        let rounds = pairs(&rounds, (0, 1), Cost::rate);
        figure("P3", case, "naive ingest, one by one", Unit::PerSecond, rounds, target)
    };
    if !server.is_synced {
        return Ok(vec![against_naive(
            ", fsync off",
            Target::ratio(">= 8x without fsync", Limit::AtLeast(8.0)),
        )]);
    }
    let floor = "bare insert of 1,000 rows by unnest";
    let of_wall = Target::ratio("<= 9x wall clock (stretch 6x)", Limit::AtMost(9.0));
    let of_cpu = Target::ratio("<= 12x processor time", Limit::AtMost(12.0));
    Ok(vec![
        against_naive("", Target::ratio(">= 50x with fsync", Limit::AtLeast(50.0))),
        figure("P4", "", floor, Unit::Micros, pairs(&rounds, (0, 2), Cost::wall_micros), of_wall),
        figure("P4", "", floor, Unit::CpuMicros, pairs(&rounds, (0, 2), Cost::cpu_micros), of_cpu),
    ])
}
