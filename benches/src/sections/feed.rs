use std::sync::Arc;

use convio_core::consumer::ConsumerSettings;
use convio_core::service::Rewind;
use convio_core::{Convio, Position};

use super::Section;
use crate::Result;
use crate::clock::now;
use crate::feeds::{Heed, delays, drain, read_feed, tail};
use crate::figure::{Figure, Unit};
use crate::lab::Lab;
use crate::leads::{Kind, Leads};
use crate::load::closed;
use crate::outcome::Measured;
use crate::server::Server;
use crate::stats::percentile;
use crate::subject::Subject;
use crate::turns::{Cost, in_turns, measure, pairs};

pub(super) const SECTION: Section = Section {
    name: "feed",
    ids: &["F1", "F2", "F3"],
    title: "The feed: reading it, waiting for it, and what it costs ingest",
    about: "Events of full leads, one each, of one workspace; both stores sync. F1: all of a feed of 20,000 (10,000 with `--quick`) by `feed`, \
        1,000 at a time; beside it the same rows and columns by one `SELECT` a page on a connection of rusqlite or sqlx, made into no events; and a \
        worker of a consumer with one shard, who acknowledges each batch of 100. Per event. F2: from the answer to a lead until a handler has \
        its event, of leads that come one by one up to 20 ms after the last was handled; where the handler had it before the answer came, that is 0. \
        The handler reads by `Feeds` and is woken by `wait`: on the store that commits, and on a second one over the same database, as another \
        process has it (on SQLite `PRAGMA data_version` is looked at every 20 ms, on Postgres `listen` is told by `NOTIFY`). Beside it: a handler on the \
        second one who looks every 20 ms. On Postgres the answer of a commit that tells others comes after it has told them. F3: 32 callers with and without a worker of a consumer who is woken, reads and acknowledges meanwhile; \
        and how many events that worker handles.",
    not_shown: &[
        "F1, the feed in memory: there is no driver to compare it with.",
        "F2, a second process: the second handle has connections of its own, but shares the process and its two threads.",
        "F3, a consumer whose handler does something.",
    ],
    run,
};

fn run(lab: &Lab) -> Result<Measured> {
    let mut measured = Measured::default();
    for place in
        [Place { name: "SQLite", server: None }, Place { name: "Postgres", server: Some(&lab.synced) }]
    {
        measured.figures.extend(place.reading(lab)?);
        measured.figures.extend(place.waiting(lab)?);
        measured.figures.extend(place.ingest(lab)?);
    }
    Ok(measured)
}

/// Where it is measured.
#[derive(Clone, Copy)]
struct Place<'l> {
    name: &'static str,
    server: Option<&'l Server>,
}

impl Place<'_> {
    fn subject(self, lab: &Lab) -> Result<Subject> {
        match self.server {
            None => lab.wait(Subject::on_sqlite(lab, 1)),
            Some(server) => lab.wait(Subject::on_postgres(server, 1)),
        }
    }

    fn figure(self, id: &str, (subject, other): (&str, &str), unit: Unit, rounds: Vec<(f64, f64)>) -> Figure {
        Figure {
            id: id.to_owned(),
            case: self.name.to_owned(),
            subject: subject.to_owned(),
            other: other.to_owned(),
            unit,
            rounds,
            sync_millis: None,
            target: None,
        }
    }

    fn reading(self, lab: &Lab) -> Result<Vec<Figure>> {
        let (subject, leads) = (self.subject(lab)?, Leads::new(Kind::Full));
        for _ in 0..2 * lab.effort.batches() {
            lab.wait(subject.take_batch(0, leads.raws(lab.effort.rows())))?;
        }
        let workspace = subject.workspace(0);
        let events = lab.wait(workspace.head())?.ok_or("there is no workspace")?.feed.0;
        let mut floor = lab.wait(subject.bare_feed(0))?.ok_or("there is no driver")?;
        lab.wait(workspace.create_consumer(CONSUMER, ConsumerSettings::new().shards(1), Position(0)))?;
        let whole = |read: u64| match read {
            read if read == events => Ok(read),
            read => Err(format!("{read} of {events} events were read").into()),
        };
        let rounds = in_turns(
            lab.effort.rounds(),
            [
                Box::new(|| measure(self.server, || whole(lab.wait(read_feed(workspace, PAGE))?))),
                Box::new(|| measure(self.server, || whole(lab.wait(floor.read(PAGE as i64))?))),
                Box::new(|| {
                    lab.wait(workspace.rewind_consumer(CONSUMER, Rewind::To(Position(0))))?;
                    let mut worker = workspace.consumer(CONSUMER);
                    measure(self.server, || whole(lab.wait(drain(&mut worker))?))
                }),
            ],
        )?;
        drop(floor);
        lab.wait(subject.finish())?;
        let figure = |names, unit, places, value: fn(Cost) -> f64| {
            self.figure("F1", names, unit, pairs(&rounds, places, value))
        };
        let (feed, bare) = ("`feed`, 1,000 at a time", "the same rows, made into no events");
        let consumer = "a consumer, 100 at a time, acknowledged";
        Ok(vec![
            figure((feed, bare), Unit::PerSecond, (0, 1), Cost::rate),
            figure((feed, bare), Unit::CpuMicros, (0, 1), Cost::cpu_micros),
            figure((consumer, feed), Unit::PerSecond, (2, 0), Cost::rate),
        ])
    }

    fn waiting(self, lab: &Lab) -> Result<Vec<Figure>> {
        let subject = match self.server {
            None => self.subject(lab)?,
            Some(server) => lab.wait(Subject::telling_on_postgres(server))?,
        };
        let elsewhere = lab.wait(subject.elsewhere())?.ok_or("there is no second handle")?;
        let (leads, count) = (Leads::new(Kind::Full), lab.effort.singles() / 10);
        let turn = |convio: &Convio<'static>, heed| {
            let mut millis = lab.wait(delays(&subject, convio, heed, &leads, count))?;
            Ok((percentile(&mut millis, 0.5), percentile(&mut millis, 0.9)))
        };
        let rounds = in_turns(
            lab.effort.rounds(),
            [
                Box::new(|| turn(subject.convio(), Heed::Woken)),
                Box::new(|| turn(&elsewhere.convio, Heed::Woken)),
                Box::new(|| turn(&elsewhere.convio, Heed::Looking)),
            ],
        )?;
        drop(elsewhere);
        lab.wait(subject.finish())?;
        let mut figures = Vec::new();
        for (who, part) in [("woken, the store that commits", 0), ("woken, a second handle", 1)] {
            for (rank, value) in [("p50", (|it| it.0) as fn((f64, f64)) -> f64), ("p90", |it| it.1)] {
                let names = (format!("{who}, {rank}"), format!("looking every 20 ms, {rank}"));
                let rounds = pairs(&rounds, (part, 2), value);
                figures.push(self.figure("F2", (&names.0, &names.1), Unit::Millis, rounds));
            }
        }
        Ok(figures)
    }

    fn ingest(self, lab: &Lab) -> Result<Vec<Figure>> {
        let leads = Arc::new(Leads::new(Kind::Full));
        let (tailed, alone) = (Arc::new(self.subject(lab)?), Arc::new(self.subject(lab)?));
        let workspace = tailed.workspace(0).clone();
        lab.wait(workspace.create_consumer(CONSUMER, ConsumerSettings::new().shards(1), Position(0)))?;
        let window = lab.effort.window();
        let rounds = in_turns(
            lab.effort.rounds(),
            [
                Box::new(|| {
                    let head = lab.wait(workspace.head())?.ok_or("there is no workspace")?;
                    lab.wait(workspace.rewind_consumer(CONSUMER, Rewind::To(head.feed)))?;
                    let mut handled = 0;
                    let cost = measure(None, || {
                        lab.wait(async {
                            let tailing = tokio::spawn(tail(workspace.consumer(CONSUMER), now() + window));
                            let taken = closed(&tailed, &leads, CALLERS, window).await?;
                            handled = tailing.await??;
                            Ok(taken)
                        })
                    })?;
                    Ok((cost.rate(), handled as f64 / cost.wall))
                }),
                Box::new(|| {
                    let cost = measure(None, || lab.wait(closed(&alone, &leads, CALLERS, window)))?;
                    Ok((cost.rate(), 0.0))
                }),
            ],
        )?;
        drop(workspace);
        for subject in [tailed, alone] {
            let subject = Arc::into_inner(subject).ok_or("a caller is still at work")?;
            lab.wait(subject.finish())?;
        }
        let handled = rounds.iter().map(|[(taken, handled), _]| (*handled, *taken)).collect();
        let (with, without) = ("32 callers, and a consumer", "32 callers");
        Ok(vec![
            self.figure("F3", (with, without), Unit::PerSecond, pairs(&rounds, (0, 1), |it| it.0)),
            self.figure("F3", ("events of that consumer", "leads beside it"), Unit::PerSecond, handled),
        ])
    }
}

const CONSUMER: &str = "bench";
const CALLERS: usize = 32;
/// Events that are read at once.
const PAGE: usize = 1_000;
