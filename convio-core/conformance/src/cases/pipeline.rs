use std::collections::BTreeMap;

use convio_core::event::StreamRef;
use convio_core::lead::{LeadFilter, LeadStatus, Reached, Step};
use convio_core::{
    Channel, Clock, ErrorKind, LeadId, NewConversion, PageRequest, Party, Pipeline, Stage, Version,
    WorkspaceHandle, WorkspaceSettings,
};

use super::lead_work::{attempt, in_order, row, schedule};
use crate::{Subject, World, codes, created, lead};

pub(crate) async fn the_default_moves_are_these_and_no_others(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut legal = 0;
    for from in Stage::ALL {
        for to in Stage::ALL {
            let id = lead_at(&acme, 10 * from as u32 + to as u32, from).await;
            let (before, head) = (row(&acme, id).await, acme.head().await.unwrap());
            let answer = acme.move_lead(id, to.code(), Some("because".into())).await;
            let what = format!("from {from:?} to {to:?}");
            if !DEFAULT_MOVES.contains(&(from, to)) {
                let error = answer.expect_err(&what);
                let message = format!("a lead can't go from `{}` to `{}`", from.code(), to.code());
                assert_eq!((error.kind(), error.to_string()), (ErrorKind::Conflict, message));
                assert_eq!((row(&acme, id).await, acme.head().await.unwrap()), (before, head), "{what}");
                continue;
            }
            let moved = answer.expect(&what);
            assert_eq!(moved.progress.status, LeadStatus::of(to), "{what}");
            assert_eq!((moved.version, &moved), (before.version.next(), &row(&acme, id).await), "{what}");
            assert_eq!(moved.progress.open_appointments, before.progress.open_appointments);
            let history = acme.history(StreamRef::Lead(id), &PageRequest::default()).await.unwrap().items;
            assert_eq!(history.last().unwrap().body.kind(), "lead.moved");
            legal += 1;
        }
    }
    assert_eq!(legal, DEFAULT_MOVES.len());
    in_order(&world, &acme).await;
}

pub(crate) async fn who_is_lost_or_rejected_is_so_for_a_reason(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    for (n, stage) in (1..).zip([Stage::Lost, Stage::Rejected]) {
        let id = created(acme.ingest(lead(n)).await).lead;
        let before = in_order(&world, &acme).await;
        let long = "x".repeat(8 * 1024 + 1);
        for (reason, code) in [(None, "missing"), (Some(" \t"), "invalid"), (Some(&*long), "invalid")] {
            let error = acme.move_lead(id, stage.code(), reason.map(str::to_owned)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert_eq!(codes(error.reasons()), [format!("reason/{code}")]);
        }
        assert_eq!(before.difference(&in_order(&world, &acme).await), None);
        let moved = acme.move_lead(id, stage.code(), Some("Kein Interesse \u{1F937}".into())).await.unwrap();
        assert_eq!(moved.progress.reason.as_deref(), Some("Kein Interesse \u{1F937}"));
        let again = acme.move_lead(id, "contacted", None).await.unwrap();
        assert_eq!(again.progress.reason, None, "the reason went with the status");
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn who_was_given_up_is_opened_again_and_counts_once(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    for (to, reason) in [("lost", true), ("new", false), ("lost", true), ("contacted", false), ("lost", true)]
    {
        acme.move_lead(id, to, reason.then(|| "too dear".to_owned())).await.unwrap();
    }
    let lost = row(&acme, id).await;
    assert_eq!(lost.progress.reached, Reached(Step::Contacted.bit() | Step::Lost.bit()));
    // A visit opens it too, and a sale.
    let visit = acme.book(id, schedule()).await.unwrap();
    let booked = row(&acme, id).await;
    assert_eq!((booked.progress.status.stage, booked.progress.reason), (Stage::Scheduled, None));
    acme.cancel(visit.id, Party::Customer, None).await.unwrap();
    acme.move_lead(id, "rejected", Some("a joke".into())).await.unwrap();
    acme.convert(NewConversion::sale(id, "5 USD".parse().unwrap())).await.unwrap();
    let sold = row(&acme, id).await;
    assert_eq!((sold.progress.status.stage, sold.progress.reason), (Stage::Won, None));
    let today = "2027-03-01".parse().unwrap();
    let funnel = acme.funnel(None, today, today).await.unwrap();
    assert_eq!((funnel.received, funnel.contacted, funnel.lost, funnel.scheduled), (1, 1, 1, 1));
    in_order(&world, &acme).await;
}

pub(crate) async fn a_workspace_has_statuses_of_its_own(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let pipeline = Pipeline::default()
        .status("Rückruf 2", Stage::Contacted)
        .status("installed", Stage::Won)
        .allow("new", ["Rückruf 2"])
        .allow("Rückruf 2", ["contacted", "lost"])
        .allow("contacted", ["Rückruf 2"])
        .allow("won", ["installed"]);
    let settings = configure(&acme, pipeline.clone()).await.unwrap();
    assert_eq!(settings.policy.pipeline, pipeline);
    let id = created(acme.ingest(lead(1)).await).lead;
    let called = acme.move_lead(id, "Rückruf 2", None).await.unwrap();
    let status = LeadStatus { key: "Rückruf 2".into(), stage: Stage::Contacted };
    assert_eq!((&called.progress.status, called.progress.reached), (&status, Reached(Step::Contacted.bit())));
    assert_eq!(row(&acme, id).await, called);
    let mut filter = LeadFilter::default();
    filter.stage = Some(Stage::Contacted);
    assert_eq!(acme.leads(&filter, &PageRequest::default()).await.unwrap().items, [called]);
    // Status words are names, to the letter; unknown ones are not found.
    for name in ["rückruf 2", "Rückruf", "", "won "] {
        let error = acme.move_lead(id, name, None).await.unwrap_err();
        let told = (error.kind(), error.to_string());
        assert_eq!(told, (ErrorKind::NotFound, format!("no status `{name}` in this workspace")));
    }
    let error = acme.move_lead(id, "qualified", None).await.unwrap_err();
    assert_eq!(error.to_string(), "a lead can't go from `Rückruf 2` to `qualified`");
    let error = acme.move_lead(id, "installed", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "only a sale makes it a sold one");
    // Within the stage that a fact made, people move it on, and the next fact of the same kind leaves it there.
    let sale = || NewConversion::sale(id, "5 USD".parse().unwrap());
    acme.convert(sale()).await.unwrap();
    acme.move_lead(id, "installed", None).await.unwrap();
    acme.convert(sale()).await.unwrap();
    assert_eq!(row(&acme, id).await.progress.status.key, "installed");
    // Another workspace has its own.
    let other = world.acme().await;
    let theirs = created(other.ingest(lead(1)).await).lead;
    let error = other.move_lead(theirs, "Rückruf 2", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    in_order(&world, &acme).await;
}

pub(crate) async fn whatever_happens_a_lead_enters_a_stage_by_its_first_status(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.policy.lead_days_max = Some(1);
    settings.policy.pipeline = Pipeline { statuses: Vec::new(), moves: BTreeMap::new() };
    for stage in Stage::ALL {
        for (key, stage) in [(format!("first {}", stage.code()), stage), (stage.code().to_owned(), stage)] {
            settings.policy.pipeline.statuses.push(LeadStatus { key, stage });
        }
    }
    acme.configure(settings).await.unwrap();
    let id = created(acme.ingest(lead(1)).await).lead;
    let key = async || row(&acme, id).await.progress.status.key;
    assert_eq!(key().await, "first new");
    acme.record_attempt(id, attempt(Channel::Call, true, world.clock.now())).await.unwrap();
    assert_eq!(key().await, "first contacted");
    let visit = acme.book(id, schedule()).await.unwrap();
    assert_eq!(key().await, "first scheduled");
    acme.cancel(visit.id, Party::Staff, None).await.unwrap();
    assert_eq!(key().await, "first qualified");
    let sold = acme.convert(NewConversion::sale(id, "5 USD".parse().unwrap())).await.unwrap();
    assert_eq!(key().await, "first won");
    acme.void(sold.id, "a mistake").await.unwrap();
    assert_eq!(key().await, "first qualified");
    world.clock.advance(chrono::TimeDelta::days(2));
    assert_eq!(acme.expire_leads(1).await.unwrap().leads, [id]);
    assert_eq!(key().await, "first lost");
    let error = acme.move_lead(id, "new", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "this pipeline allows no move at all");
    in_order(&world, &acme).await;
}

pub(crate) async fn a_pipeline_that_is_not_sound_is_refused_with_every_reason(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let before = in_order(&world, &acme).await;
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.name = " ".into();
    settings.policy.lead_days_max = Some(0);
    let mut pipeline = Pipeline::default()
        .status("new", Stage::Lost)
        .status(" ", Stage::New)
        .status("x".repeat(65), Stage::New)
        .allow("new", ["gone", "scheduled", "won"])
        .allow("gone", ["new"])
        .allow("won", ["lost"]);
    pipeline.statuses.retain(|status| status.stage != Stage::Rejected);
    pipeline.moves.remove("rejected");
    pipeline.moves.values_mut().for_each(|to| {
        to.remove("rejected");
    });
    settings.policy.pipeline = pipeline;
    let error = acme.configure(settings.clone()).await.unwrap_err();
    let mut named = codes(error.reasons());
    named.sort();
    let expected = [
        "lead_days_max/out_of_range",
        "name/missing",
        "pipeline.moves/illegal",
        "pipeline.moves/illegal",
        "pipeline.moves/illegal",
        "pipeline.moves/unknown",
        "pipeline.moves/unknown",
        "pipeline.statuses/duplicate",
        "pipeline.statuses/invalid",
        "pipeline.statuses/invalid",
        "pipeline.statuses/missing",
    ];
    assert_eq!((error.kind(), named), (ErrorKind::Invalid, expected.map(str::to_owned).to_vec()));
    // Each alone is enough; too many is wrong too.
    let many = (0..94).fold(Pipeline::default(), |pipeline, n| pipeline.status(format!("{n}"), Stage::New));
    for (pipeline, code) in [
        (Pipeline::default().allow("new", ["scheduled"]), "pipeline.moves/illegal"),
        (Pipeline::default().allow("contacted", ["won"]), "pipeline.moves/illegal"),
        (Pipeline::default().allow("won", ["qualified"]), "pipeline.moves/illegal"),
        (Pipeline::default().allow("new", ["nowhere"]), "pipeline.moves/unknown"),
        (Pipeline::default().status("won", Stage::Won), "pipeline.statuses/duplicate"),
        (many, "pipeline.statuses/too_many"),
    ] {
        assert_eq!(codes(configure(&acme, pipeline).await.unwrap_err().reasons()), [code]);
    }
    assert_eq!(before.difference(&in_order(&world, &acme).await), None);
}

pub(crate) async fn another_process_goes_by_a_new_pipeline_at_once(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let elsewhere = world.elsewhere(&acme);
    let id = created(elsewhere.ingest(lead(1)).await).lead; // both know the configuration now
    elsewhere.move_lead(id, "contacted", None).await.unwrap();
    // More than it knows of ...
    configure(&acme, Pipeline::default().status("hot", Stage::Qualified).allow("contacted", ["hot"]))
        .await
        .unwrap();
    assert_eq!(elsewhere.move_lead(id, "hot", None).await.unwrap().progress.status.key, "hot");
    // ... and less.
    let mut fewer = Pipeline::default();
    fewer.moves.clear();
    configure(&acme, fewer.status("hot", Stage::Qualified)).await.unwrap();
    let error = elsewhere.move_lead(id, "contacted", None).await.unwrap_err();
    assert_eq!(error.to_string(), "a lead can't go from `hot` to `contacted`");
    // What came in before keeps its status, what comes in now goes by the new ones.
    let mut other = Pipeline::default();
    other.statuses.insert(0, LeadStatus { key: "inbox".into(), stage: Stage::New });
    configure(&acme, other).await.unwrap();
    let new = created(elsewhere.ingest(lead(2)).await).lead;
    assert_eq!(row(&elsewhere, new).await.progress.status.key, "inbox");
    in_order(&world, &acme).await;
}

pub(crate) async fn a_status_that_is_gone_moves_like_the_first_of_its_stage(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let wide = Pipeline::default().status("callback", Stage::Contacted).allow("new", ["callback"]);
    configure(&acme, wide).await.unwrap();
    let id = created(acme.ingest(lead(1)).await).lead;
    acme.move_lead(id, "callback", None).await.unwrap();
    configure(&acme, Pipeline::default()).await.unwrap();
    let kept = row(&acme, id).await;
    assert_eq!((kept.progress.status.key.as_str(), kept.version), ("callback", Version(2)));
    for (to, kind) in
        [("new", ErrorKind::Conflict), ("won", ErrorKind::Conflict), ("callback", ErrorKind::NotFound)]
    {
        assert_eq!(acme.move_lead(id, to, None).await.unwrap_err().kind(), kind, "{to}");
    }
    assert_eq!(acme.move_lead(id, "qualified", None).await.unwrap().progress.status.stage, Stage::Qualified);
    // The same word with another meaning is another status.
    configure(&acme, Pipeline::default().status("callback", Stage::Lost).allow("qualified", ["callback"]))
        .await
        .unwrap();
    let error = acme.move_lead(id, "callback", None).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["reason/missing"]);
    in_order(&world, &acme).await;
}

/// A new lead that was brought to this stage.
pub(super) async fn lead_at(acme: &WorkspaceHandle<'_>, n: u32, stage: Stage) -> LeadId {
    let id = created(acme.ingest(lead(n)).await).lead;
    match stage {
        Stage::New => {}
        Stage::Scheduled => drop(acme.book(id, schedule()).await.unwrap()),
        Stage::Won => drop(acme.convert(NewConversion::sale(id, "5 USD".parse().unwrap())).await.unwrap()),
        Stage::Contacted | Stage::Qualified | Stage::Lost | Stage::Rejected => {
            let reason = matches!(stage, Stage::Lost | Stage::Rejected).then(|| "no".to_owned());
            acme.move_lead(id, stage.code(), reason).await.unwrap();
        }
    }
    id
}

async fn configure(
    acme: &WorkspaceHandle<'_>,
    pipeline: Pipeline,
) -> Result<WorkspaceSettings, convio_core::Error> {
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.policy.pipeline = pipeline;
    Ok(acme.configure(settings).await?.settings)
}

/// Every move that people make in a workspace that sets none of its own.
const DEFAULT_MOVES: [(Stage, Stage); 20] = [
    (Stage::New, Stage::Contacted),
    (Stage::New, Stage::Qualified),
    (Stage::New, Stage::Lost),
    (Stage::New, Stage::Rejected),
    (Stage::Contacted, Stage::Qualified),
    (Stage::Contacted, Stage::Lost),
    (Stage::Contacted, Stage::Rejected),
    (Stage::Qualified, Stage::Contacted),
    (Stage::Qualified, Stage::Lost),
    (Stage::Qualified, Stage::Rejected),
    (Stage::Scheduled, Stage::Contacted),
    (Stage::Scheduled, Stage::Qualified),
    (Stage::Scheduled, Stage::Lost),
    (Stage::Scheduled, Stage::Rejected),
    (Stage::Lost, Stage::New),
    (Stage::Lost, Stage::Contacted),
    (Stage::Lost, Stage::Qualified),
    (Stage::Rejected, Stage::New),
    (Stage::Rejected, Stage::Contacted),
    (Stage::Rejected, Stage::Qualified),
];
