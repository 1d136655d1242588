use std::sync::Arc;
use std::time::Duration;

use super::Section;
use crate::Result;
use crate::cpu::resident_bytes;
use crate::figure::{Figure, Unit, digits};
use crate::lab::Lab;
use crate::leads::{Kind, Leads};
use crate::load::{Arrivals, batches, closed, open};
use crate::outcome::{Fact, Measured, Table};
use crate::stats::{Spread, percentile};
use crate::subject::Subject;
use crate::turns::{Cost, in_turns, measure, pairs};

pub(super) const SECTION: Section = Section {
    name: "open-loop",
    ids: &["open"],
    title: "256 callers, and leads that arrive when they do",
    about: "First 256 callers take turns with one caller and with batches of 1,000, as fast as they are answered. Then leads arrive \
        at 70 % of the rate that the 256 had, whether or not anybody is free; each waits for one of the 256. What it took counts \
        from the moment that it was due, so a stall counts for every lead that it delayed. Memory is that of this process, leads in \
        memory and the samples of the latencies included.",
    not_shown: &[
        "Open loop, memory: the run ends after 1,000,000 leads, however short that is, since the store keeps them all.",
    ],
    run,
};

fn run(lab: &Lab) -> Result<Measured> {
    let mut measured = Measured::default();
    let mut table = Table {
        title: "Leads at a fixed rate, 256 callers; milliseconds from arrival to answer.".to_owned(),
        columns: COLUMNS.map(str::to_owned).into(),
        rows: Vec::new(),
    };
    for kind in lab.effort.kinds() {
        for store in [Store::Memory, Store::Sqlite, Store::Postgres] {
            on(lab, store, kind, &mut measured, &mut table)?;
        }
    }
    measured.tables.push(table);
    Ok(measured)
}

#[derive(Clone, Copy, PartialEq)]
enum Store {
    Memory,
    Sqlite,
    Postgres,
}

impl Store {
    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "SQLite",
            Self::Postgres => "Postgres",
        }
    }

    async fn subject(self, lab: &Lab) -> Result<Arc<Subject>> {
        Ok(Arc::new(match self {
            Self::Memory => Subject::on_memory(1).await?,
            Self::Sqlite => Subject::on_sqlite(lab, 1).await?,
            Self::Postgres => Subject::on_postgres(&lab.synced, 1).await?,
        }))
    }
}

fn on(lab: &Lab, store: Store, kind: Kind, measured: &mut Measured, table: &mut Table) -> Result<()> {
    let leads = Arc::new(Leads::new(kind));
    let rate = {
        let subject = lab.wait(store.subject(lab))?;
        // In memory a window's leads stay, and are many.
        let window = lab.effort.window() / if store == Store::Memory { 10 } else { 1 };
        let callers = |count| measure(None, || lab.wait(closed(&subject, &leads, count, window)));
        let rounds = in_turns(
            lab.effort.rounds(),
            [
                Box::new(|| callers(CALLERS)),
                Box::new(|| callers(1)),
                Box::new(|| measure(None, || lab.wait(batches(&subject, &leads, lab.effort.rows(), window)))),
            ],
        )?;
        finish(lab, subject)?;
        for (place, other) in [(1, "one caller"), (2, "batches of 1,000")] {
            measured.figures.push(Figure {
                id: "open".to_owned(),
                case: format!("{}, {}", kind.name(), store.name()),
                subject: "256 callers".to_owned(),
                other: other.to_owned(),
                unit: Unit::PerSecond,
                rounds: pairs(&rounds, (0, place), Cost::rate),
                sync_millis: None,
                target: None,
            });
        }
        SHARE * Spread::of(rounds.iter().map(|round| round[0].rate())).median
    };
    let subject = lab.wait(store.subject(lab))?;
    let window = match store {
        Store::Memory => lab.effort.arrivals().min(Duration::from_secs_f64(IN_MEMORY_MAX / rate)),
        Store::Sqlite | Store::Postgres => lab.effort.arrivals(),
    };
    let before = resident_bytes();
    let arrivals = lab.wait(open(&subject, &leads, CALLERS, rate, window))?;
    let after = resident_bytes();
    finish(lab, subject)?;
    let Arrivals { arrived, errors, first_error, seconds, mut millis } = arrivals;
    let mut at = |share| format!("{:.3}", percentile(&mut millis, share));
    table.rows.push(vec![
        format!("{}, {}", store.name(), kind.name()),
        format!("{}/s", digits(rate)),
        format!("{:.0} s", window.as_secs_f64()),
        digits(arrived as f64),
        format!("{}/s", digits((arrived - errors) as f64 / seconds)),
        errors.to_string(),
        at(0.5),
        at(0.99),
        at(1.0),
        format!("{:.0} to {:.0} MB", before as f64 / 1e6, after as f64 / 1e6),
    ]);
    measured.facts.push(Fact {
        id: "open".to_owned(),
        case: format!("{}, {}", kind.name(), store.name()),
        what: first_error.map_or("errors".to_owned(), |error| format!("errors (the first: {error})")),
        value: errors.to_string(),
        target: "0".to_owned(),
        is_met: errors == 0,
    });
    Ok(())
}

fn finish(lab: &Lab, subject: Arc<Subject>) -> Result<()> {
    let subject = Arc::into_inner(subject).ok_or("a caller is still at work")?;
    lab.wait(subject.finish())
}

const CALLERS: usize = 256;
/// Of the rate that callers have who wait for each other: near it any queue grows without end.
const SHARE: f64 = 0.7;
/// Leads: two to four gigabytes of them.
const IN_MEMORY_MAX: f64 = 1_000_000.0;
const COLUMNS: [&str; 10] = [
    "store, lead",
    "arriving",
    "for",
    "leads",
    "taken",
    "errors",
    "p50",
    "p99",
    "max",
    "memory before, after",
];
