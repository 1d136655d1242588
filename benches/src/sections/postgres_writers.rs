use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Section;
use crate::Result;
use crate::clock::now;
use crate::figure::{Figure, Limit, Target, Unit};
use crate::lab::Lab;
use crate::leads::Leads;
use crate::load::sum;
use crate::outcome::{Fact, Measured};
use crate::subject::Subject;
use crate::turns::{Cost, in_turns, measure, pairs};

pub(super) const SECTION: Section = Section {
    name: "postgres-writers",
    ids: &["P5"],
    title: "Postgres: writers of the same people",
    about: "Eight writers, each with batches of 100 leads, one after the other, of one workspace, on a `PgStore` as it is: as if each \
        were a process of its own, none knows of the others. Subject: all of the same 2,000 \
        phones. Beside it: each of 250 phones of its own. Phones come in no order. The server syncs, and counts deadlocks.",
    not_shown: &[],
    run,
};

fn run(lab: &Lab) -> Result<Measured> {
    let mut measured = Measured::default();
    for kind in lab.effort.kinds() {
        let same = Arc::new(Leads::of_people(kind, PHONES, 0));
        let shared: Vec<_> = (0..WRITERS).map(|_| same.clone()).collect();
        let own =
            (1..=WRITERS).map(|writer| Arc::new(Leads::of_people(kind, PHONES / WRITERS, writer * WRITERS)));
        let own: Vec<_> = own.collect();
        let on_shared = Arc::new(lab.wait(Subject::of_strangers_on_postgres(&lab.synced, 1))?);
        let on_own = Arc::new(lab.wait(Subject::of_strangers_on_postgres(&lab.synced, 1))?);
        let before = lab.wait(deadlocks(lab))?;
        let window = lab.effort.window();
        let rounds = in_turns(
            lab.effort.rounds(),
            [
                Box::new(|| measure(None, || lab.wait(write(&on_shared, &shared, window)))),
                Box::new(|| measure(None, || lab.wait(write(&on_own, &own, window)))),
            ],
        )?;
        let mut run_again = Vec::new();
        for subject in [on_shared, on_own] {
            run_again.push(subject.retries());
            let subject = Arc::into_inner(subject).ok_or("a writer is still at work")?;
            lab.wait(subject.finish())?;
        }
        let deadlocks = lab.wait(deadlocks(lab))? - before;
        measured.figures.push(Figure {
            id: "P5".to_owned(),
            case: kind.name().to_owned(),
            subject: "8 writers, the same phones".to_owned(),
            other: "8 writers, phones of their own".to_owned(),
            unit: Unit::PerSecond,
            rounds: pairs(&rounds, (0, 1), Cost::rate),
            sync_millis: None,
            target: Some(Target::ratio(">= 0.8x", Limit::AtLeast(0.8))),
        });
        measured.facts.push(Fact {
            id: "P5".to_owned(),
            case: kind.name().to_owned(),
            what: format!("deadlocks (commits run again: {} and {})", run_again[0], run_again[1]),
            value: deadlocks.to_string(),
            target: "0".to_owned(),
            is_met: deadlocks == 0,
        });
    }
    Ok(measured)
}

async fn write(subject: &Arc<Subject>, leads: &[Arc<Leads>], window: Duration) -> Result<u64> {
    let end = now() + window;
    let mut set = JoinSet::new();
    for leads in leads {
        let (subject, leads) = (subject.clone(), leads.clone());
        set.spawn(async move {
            let mut taken = 0;
            while now() < end {
                taken += subject.take_batch(0, leads.raws(ROWS)).await?;
            }
            Ok(taken)
        });
    }
    sum(set).await
}

/// What the server has counted so far. A backend reports what it counted at its end at the latest; ours have ended by then.
async fn deadlocks(lab: &Lab) -> Result<u64> {
    tokio::time::sleep(REPORTED).await;
    let sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    lab.synced.count(sql.to_owned()).await
}

const WRITERS: u64 = 8;
const PHONES: u64 = 2_000;
/// Of a batch: eight of them leave hardly a phone of the 2,000 to one alone.
const ROWS: usize = 100;
/// Counts of a backend are in a moment after its end.
const REPORTED: Duration = Duration::from_millis(500);
