use std::sync::Arc;

use super::Section;
use crate::Result;
use crate::figure::{Figure, Limit, Target, Unit};
use crate::lab::Lab;
use crate::leads::{Kind, Leads};
use crate::load::closed;
use crate::outcome::Measured;
use crate::peers::Peer;
use crate::server::Server;
use crate::subject::Subject;
use crate::turns::{Cost, in_turns, measure, pairs};

pub(super) const SECTION: Section = Section {
    name: "peers",
    ids: &["V1"],
    title: "Postgres: beside other libraries",
    about: "32 callers of one workspace, each of whom sends a lead once its last is answered. `sea-orm` does the same ingest as one \
        writes it with an ORM, in one transaction: the contact is found by workspace and phone or inserted, lead with payload and \
        event are inserted, a daily rollup is added to. `cqrs-es` with `postgres-es` appends one event with the payload to a \
        stream of its own. Each is a process of its own (`benches/peers`), with 32 connections on the same server; their rows are \
        counted as well.",
    not_shown: &[
        "V1, an ingest of `cqrs-es` with contact and rollup: it appends one event, and so does far less than the subject.",
    ],
    run,
};

fn run(lab: &Lab) -> Result<Measured> {
    let mut measured = Measured::default();
    let Some(folder) = &lab.peers else {
        return Err("the peers were not built: they are needed for this section".into());
    };
    let (orm, events) = (Peer::in_folder(folder, "peer-sea-orm")?, Peer::in_folder(folder, "peer-cqrs-es")?);
    for kind in lab.effort.kinds() {
        for (server, fsync) in [(&lab.synced, ""), (&lab.unsynced, ", fsync off")] {
            let case = format!("{}{fsync}", kind.name());
            measured.figures.extend(on(lab, server, kind, &case, [&orm, &events])?);
        }
    }
    Ok(measured)
}

fn on(lab: &Lab, server: &Server, kind: Kind, case: &str, peers: [&Peer; 2]) -> Result<[Figure; 2]> {
    let leads = Arc::new(Leads::new(kind));
    let subject = Arc::new(lab.wait(Subject::on_postgres(server, 1))?);
    let window = lab.effort.window();
    let [orm, events] = peers;
    let rounds = in_turns(
        lab.effort.rounds(),
        [
            Box::new(|| measure(None, || lab.wait(closed(&subject, &leads, CALLERS, window)))),
            Box::new(|| orm.run(server, CALLERS, window, kind)),
            Box::new(|| events.run(server, CALLERS, window, kind)),
        ],
    )?;
    let subject = Arc::into_inner(subject).ok_or("a caller is still at work")?;
    lab.wait(subject.finish())?;
    let figure = |other: &str, place, text, least| Figure {
        id: "V1".to_owned(),
        case: case.to_owned(),
        subject: "32 callers".to_owned(),
        other: other.to_owned(),
        unit: Unit::PerSecond,
        rounds: pairs(&rounds, (0, place), Cost::rate),
        sync_millis: None,
        target: Some(Target::ratio(text, Limit::AtLeast(least))),
    };
    let [of_orm, of_events] = match server.is_synced {
        true => [(">= 4x with fsync", 4.0), (">= 2x with fsync", 2.0)],
        false => [(">= 8x without fsync", 8.0), (">= 3x without fsync", 3.0)],
    };
    Ok([
        figure("sea-orm, the same ingest, 32 callers", 1, of_orm.0, of_orm.1),
        figure("cqrs-es, one event, 32 callers", 2, of_events.0, of_events.1),
    ])
}

const CALLERS: usize = 32;
