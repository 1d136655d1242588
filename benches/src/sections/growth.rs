use std::process::Command;

use super::Section;
use crate::Result;
use crate::clock::now;
use crate::figure::{Figure, Limit, Target, Unit, digits};
use crate::lab::Lab;
use crate::leads::{Kind, Leads};
use crate::outcome::{Curve, Measured, Table};
use crate::server::Server;
use crate::stats::Spread;
use crate::subject::Subject;
use crate::turns::{Cost, measure};

pub(super) const SQLITE: Section = Section {
    name: "growth-sqlite",
    ids: &["S6"],
    title: "SQLite: what a lead costs beside those that are stored",
    about: ABOUT,
    not_shown: &[
        "S6: without `--long` it stops at 100,000 leads, where the target speaks of 1,000,000 and 5,000,000.",
    ],
    run: |lab| run(lab, "SQLite", None),
};

/// The target is SQLite's; Postgres is shown beside it.
pub(super) const POSTGRES: Section = Section {
    name: "growth-postgres",
    ids: &["S6"],
    title: "Postgres: what a lead costs beside those that are stored",
    about: ABOUT,
    not_shown: &[],
    run: |lab| run(lab, "Postgres", Some(&lab.synced)),
};

fn run(lab: &Lab, name: &str, server: Option<&Server>) -> Result<Measured> {
    let sizes = lab.effort.stored();
    let bytes = sizes.last().copied().unwrap_or_default() * BYTES_PER_LEAD;
    let free = free_bytes(lab)?;
    lab.say(&format!("needs up to {} MB of disk, {} MB are free", bytes / 1_000_000, free / 1_000_000));
    if free < bytes + SPARE_BYTES {
        return Err("that is too little".into());
    }
    let windows = on(lab, name, server)?;
    let mut measured = Measured::default();
    let mut rows = Vec::new();
    let mut points = Vec::new();
    for (size, costs) in &windows {
        let median = |value: fn(Cost) -> f64| Spread::of(costs.iter().copied().map(value)).median;
        let (cpu, wall) = (median(Cost::cpu_micros), median(Cost::wall_micros));
        rows.push(vec![digits(*size as f64), Unit::CpuMicros.show(cpu), Unit::Micros.show(wall)]);
        points.push((*size as f64, cpu));
    }
    measured.tables.push(Table {
        title: "Median of ten batches of 1,000, per lead.".to_owned(),
        columns: ["leads stored", "processor", "wall clock"].map(str::to_owned).into(),
        rows,
    });
    measured.curves.push(Curve { name: name.to_owned(), points });
    for pair in windows.windows(2) {
        let [(before, less), (after, more)] = pair else { continue };
        let rounds = more.iter().zip(less).map(|(more, less)| (more.cpu_micros(), less.cpu_micros()));
        let most = match after {
            1_000_000 => Some(("<= 2.5x", 2.5)),
            5_000_000 => Some(("<= 1.2x", 1.2)),
            _ => None,
        };
        measured.figures.push(Figure {
            id: "S6".to_owned(),
            case: "full".to_owned(),
            subject: format!("with {} leads stored", digits(*after as f64)),
            other: format!("with {} leads stored", digits(*before as f64)),
            unit: Unit::CpuMicros,
            rounds: rounds.collect(),
            sync_millis: None,
            target: most
                .filter(|_| server.is_none())
                .map(|(text, most)| Target::ratio(text, Limit::AtMost(most))),
        });
    }
    Ok(measured)
}

fn on(lab: &Lab, name: &str, server: Option<&Server>) -> Result<Vec<(u64, Vec<Cost>)>> {
    let leads = Leads::new(Kind::Full);
    let subject = match server {
        None => lab.wait(Subject::on_sqlite(lab, 1))?,
        Some(server) => lab.wait(Subject::on_postgres(server, 1))?,
    };
    let rows = lab.effort.rows();
    let mut windows = Vec::new();
    let started = now();
    let is_late = || lab.fill_most.is_some_and(|most| started.elapsed() > most);
    for size in lab.effort.stored() {
        while subject.taken() < *size && !is_late() {
            lab.wait(subject.take_batch(0, leads.raws(rows)))?;
            if subject.taken().is_multiple_of(SAID_EVERY) {
                lab.say(&format!("{name}: {} leads stored", digits(subject.taken() as f64)));
            }
        }
        let reached = subject.taken();
        let mut costs = Vec::new();
        for _ in 0..BATCHES {
            let batch = leads.raws(rows);
            costs.push(measure(server, || lab.wait(subject.take_batch(0, batch)))?);
        }
        windows.push((reached, costs));
        if is_late() {
            break;
        }
    }
    lab.wait(subject.finish())?;
    Ok(windows)
}

/// Of the file system that the files are on, asked from `df`: the standard library does not tell.
fn free_bytes(lab: &Lab) -> Result<u64> {
    let output = Command::new("df").args(["-Pk", "--"]).arg(&lab.scratch).output()?;
    let said = String::from_utf8(output.stdout)?;
    let free = said.lines().nth(1).and_then(|line| line.split_whitespace().nth(3));
    Ok(free.ok_or("df says something else")?.parse::<u64>()? * 1_024)
}

const ABOUT: &str = "A store is filled with full leads by batches of 1,000 through the public face, phones in no order; at each size the \
    next 10,000 are measured, batch by batch. The ratio is that of one size to the size before it. Processor time with Postgres \
    is the server's as well, autovacuum included.";
/// Batches that are measured at each size: 10,000 leads.
const BATCHES: usize = 10;
/// A full lead with its indexes and the log that it is written to first: about twice what is left in the end.
const BYTES_PER_LEAD: u64 = 8_000;
/// Left to others.
const SPARE_BYTES: u64 = 5_000_000_000;
const SAID_EVERY: u64 = 250_000;
