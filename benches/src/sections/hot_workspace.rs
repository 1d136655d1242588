use std::sync::Arc;
use std::time::Duration;

use convio_core::ChangeSet;
use tokio::task::JoinSet;

use super::Section;
use crate::Result;
use crate::clock::now;
use crate::figure::{Figure, Limit, Target, Unit};
use crate::lab::Lab;
use crate::leads::Leads;
use crate::load::sum;
use crate::outcome::Measured;
use crate::subject::{Planner, Subject};
use crate::turns::{Cost, in_turns, measure, pairs};

pub(super) const SECTION: Section = Section {
    name: "hot-workspace",
    ids: &["P6"],
    title: "Postgres: what a hot workspace pays for its statistics",
    about: "32 callers of one workspace hand planned change sets to a `Coalesced<PgStore>`. Subject: as ingest plans them. Beside it: the same \
        without the rollups, so without statistics. The server syncs.",
    not_shown: &[
        "P6, the same without the counter row: in the product that row is the workspace's head, which is also the lock that makes a \
         commit see the newest truth. There is no correct product without it to compare with.",
    ],
    run,
};

fn run(lab: &Lab) -> Result<Measured> {
    let mut measured = Measured::default();
    for kind in lab.effort.kinds() {
        let leads = Arc::new(Leads::new(kind));
        let whole = Arc::new(lab.wait(Subject::on_postgres(&lab.synced, 1))?);
        let without = Arc::new(lab.wait(Subject::on_postgres(&lab.synced, 1))?);
        let of_whole = Arc::new(lab.wait(whole.planner(0))?);
        let of_without = Arc::new(lab.wait(without.planner(0))?);
        let window = lab.effort.window();
        let rounds = in_turns(
            lab.effort.rounds(),
            [
                Box::new(|| measure(None, || lab.wait(commit(&whole, &of_whole, &leads, window, |_| {})))),
                Box::new(|| {
                    let leave_out = |changes: &mut ChangeSet| changes.rollups.clear();
                    measure(None, || lab.wait(commit(&without, &of_without, &leads, window, leave_out)))
                }),
            ],
        )?;
        for subject in [whole, without] {
            let subject = Arc::into_inner(subject).ok_or("a caller is still at work")?;
            lab.wait(subject.finish())?;
        }
        measured.figures.push(Figure {
            id: "P6".to_owned(),
            case: kind.name().to_owned(),
            subject: "32 callers, one workspace".to_owned(),
            other: "the same without rollups".to_owned(),
            unit: Unit::PerSecond,
            rounds: pairs(&rounds, (0, 1), Cost::rate),
            sync_millis: None,
            target: Some(Target::ratio(">= 0.85x", Limit::AtLeast(0.85))),
        });
    }
    Ok(measured)
}

async fn commit(
    subject: &Arc<Subject>,
    planner: &Arc<Planner>,
    leads: &Arc<Leads>,
    window: Duration,
    change: fn(&mut ChangeSet),
) -> Result<u64> {
    let end = now() + window;
    let mut set = JoinSet::new();
    for _ in 0..CALLERS {
        let (subject, planner, leads) = (subject.clone(), planner.clone(), leads.clone());
        set.spawn(async move {
            let mut taken = 0;
            while now() < end {
                let mut changes = planner.plan(&leads.raw())?;
                change(&mut changes);
                subject.commit(changes).await?;
                taken += 1;
            }
            Ok(taken)
        });
    }
    sum(set).await
}

const CALLERS: usize = 32;
