use convio_core::ChangeSet;
use convio_core::analytics::RollupDelta;
use sqlx::postgres::PgPool;

use super::Section;
use crate::Result;
use crate::clock::now;
use crate::figure::{Figure, Limit, Target, Unit};
use crate::floors::postgres::BarePostgres;
use crate::lab::Lab;
use crate::leads::{Kind, Leads};
use crate::load::median_latency;
use crate::outcome::{Fact, Measured};
use crate::stats::percentile;
use crate::subject::{Planner, Subject};
use crate::turns::{in_turns, pairs};

pub(super) const SECTION: Section = Section {
    name: "postgres-one",
    ids: &["P1", "P7"],
    title: "Postgres: one caller",
    about: "P1: one caller who sends a lead once the last is answered, against a bare `INSERT` of one row of the same bytes on a held \
        connection; the median latency of each. The server syncs. P7: the statement for one lead against the two statements for \
        batches with one lead in them, on the server that does not sync. A lead takes those when its change set holds anything \
        more than a lead; here an empty addition to a rollup. Both are handed to the store as planned change sets.",
    not_shown: &[
        "P7, round trips: they do not drift, and a test of the Postgres store counts them on the socket (`tests/trips.rs`).",
    ],
    run,
};

fn run(lab: &Lab) -> Result<Measured> {
    let mut measured = Measured::default();
    for kind in lab.effort.kinds() {
        measured.figures.push(against_insert(lab, kind)?);
        measured.figures.push(against_batch_text(lab, kind)?);
        measured.facts.push(plans(lab, kind)?);
    }
    Ok(measured)
}

fn against_insert(lab: &Lab, kind: Kind) -> Result<Figure> {
    let leads = Leads::new(kind);
    let subject = lab.wait(Subject::on_postgres(&lab.synced, 1))?;
    let mut floor = lab.wait(BarePostgres::new(&lab.synced))?;
    let singles = lab.effort.singles();
    let rounds = in_turns(
        lab.effort.rounds(),
        [
            Box::new(|| lab.wait(median_latency(&subject, &leads, singles))),
            Box::new(|| lab.wait(floor.median_latency(&leads, singles))),
        ],
    )?;
    lab.wait(floor.finish(0))?;
    lab.wait(subject.finish())?;
    Ok(Figure {
        id: "P1".to_owned(),
        case: kind.name().to_owned(),
        subject: "one caller, p50".to_owned(),
        other: "bare insert, p50".to_owned(),
        unit: Unit::Millis,
        rounds: pairs(&rounds, (0, 1), |millis| millis),
        sync_millis: None,
        target: Some(Target::ratio("<= 1.6x (stretch 1.4x)", Limit::AtMost(1.6))),
    })
}

fn against_batch_text(lab: &Lab, kind: Kind) -> Result<Figure> {
    let leads = Leads::new(kind);
    let subject = lab.wait(Subject::on_postgres(&lab.unsynced, 1))?;
    let planner = lab.wait(subject.planner(0))?;
    let singles = lab.effort.singles();
    let rounds = in_turns(
        lab.effort.rounds(),
        [
            Box::new(|| lab.wait(commits(&subject, &planner, &leads, singles, |_| {}))),
            Box::new(|| lab.wait(commits(&subject, &planner, &leads, singles, add_nothing))),
        ],
    )?;
    lab.wait(subject.finish())?;
    Ok(Figure {
        id: "P7".to_owned(),
        case: format!("{}, fsync off", kind.name()),
        subject: "the statement for one lead, p50".to_owned(),
        other: "the statements for batches, one lead, p50".to_owned(),
        unit: Unit::Millis,
        rounds: pairs(&rounds, (0, 1), |millis| millis),
        sync_millis: None,
        target: Some(Target::ratio("<= 0.6x", Limit::AtMost(0.6))),
    })
}

/// Hands change sets to the store one by one: the median in milliseconds.
async fn commits(
    subject: &Subject,
    planner: &Planner,
    leads: &Leads,
    count: usize,
    change: fn(&mut ChangeSet),
) -> Result<f64> {
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        let mut changes = planner.plan(&leads.raw())?;
        change(&mut changes);
        let before = now();
        subject.commit(changes).await?;
        took.push(before.elapsed().as_secs_f64() * 1e3);
    }
    Ok(percentile(&mut took, 0.5))
}

/// The first addition to a rollup once more, with nothing to add.
fn add_nothing(changes: &mut ChangeSet) {
    let nothing: Option<RollupDelta> = changes.rollups.first().cloned();
    changes.rollups.extend(nothing.map(|delta| RollupDelta { add: Vec::new(), ..delta }));
}

/// How often the server planned a statement of the store anew, on a connection that is warm.
fn plans(lab: &Lab, kind: Kind) -> Result<Fact> {
    let leads = Leads::new(kind);
    let (generic, custom) = lab.wait(plans_once_warm(lab, &leads))?;
    Ok(Fact {
        id: "P7".to_owned(),
        case: kind.name().to_owned(),
        what: format!("plans of {ONCE_WARM} leads on a connection that had {WARM} before"),
        value: format!("{generic} generic, {custom} custom"),
        target: "none custom".to_owned(),
        is_met: custom == 0 && generic >= i64::from(ONCE_WARM),
    })
}

async fn plans_once_warm(lab: &Lab, leads: &Leads) -> Result<(i64, i64)> {
    let (subject, pool) = Subject::on_one_connection(&lab.synced).await?;
    for _ in 0..WARM {
        subject.take(0, leads.raw()).await?;
    }
    let before = counted_plans(&pool).await?;
    for _ in 0..ONCE_WARM {
        subject.take(0, leads.raw()).await?;
    }
    let after = counted_plans(&pool).await?;
    subject.finish().await?;
    Ok((after.0 - before.0, after.1 - before.1))
}

/// How often a statement of the store ran by a generic plan, and how often by one of its own.
async fn counted_plans(pool: &PgPool) -> Result<(i64, i64)> {
    let sql = "SELECT coalesce(sum(generic_plans), 0)::int8, coalesce(sum(custom_plans), 0)::int8
        FROM pg_prepared_statements WHERE statement ~ 'repeat_window'";
    Ok(sqlx::query_as(sql).fetch_one(pool).await?)
}

/// The server tries custom plans five times before it compares.
const WARM: i32 = 6;
const ONCE_WARM: i32 = 50;
