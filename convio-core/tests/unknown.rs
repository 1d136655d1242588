//! A commit whose answer was lost is looked up by the ids that it carries: the caller gets the answer that it would have had.

mod support;

use convio_core::change_set::RowRef;
use convio_core::{
    Convio, ErrorKind, FixedClock, Ingested, NewConversion, NewWorkspace, Outcome, RawLead, Schedule,
    SequentialIds, WorkspaceHandle,
};
use pollster::block_on;
use support::{Mood, Moody};

/// The same calls on a store that answers, and on one that does all of it and loses every answer.
#[test]
fn what_was_done_is_answered_as_if_nothing_had_happened() {
    let (told, lost) = (answers(&[Mood::Fine]), answers(&[Mood::Unknown]));
    assert_eq!(told, lost);
    assert_eq!(told.len(), 9);
}

#[test]
fn what_is_not_found_stays_unknown() {
    let (store, acme) = world();
    store.be(&[Mood::Nowhere]);
    let error = block_on(acme.ingest(lead(1))).unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unknown, false));
    store.be(&[Mood::Fine]);
    assert!(matches!(block_on(acme.ingest(lead(1))), Ok(Ingested::Created(_))));
}

fn answers(moods: &[Mood]) -> Vec<String> {
    let (store, acme) = world();
    store.be(moods);
    block_on(async {
        let mut answers = Vec::new();
        let first = acme.ingest(lead(1).idempotency_key("k")).await.unwrap();
        let visit = acme.book(first.accepted().unwrap().lead, schedule()).await.unwrap();
        answers.push(format!("{first:?}"));
        // Of a known contact, and a repeat of the first.
        answers.push(format!("{:?}", acme.ingest(lead(1)).await.unwrap()));
        answers.push(format!("{:?}", acme.ingest(lead(1).idempotency_key("k")).await.unwrap()));
        answers.push(format!("{:?}", acme.ingest(RawLead::json(r#"{"phone":"12"}"#)).await.unwrap()));
        answers.push(format!("{visit:?}"));
        let sold = Outcome::Sold("5 USD".parse().unwrap());
        answers.push(format!("{:?}", acme.complete(RowRef::from(&visit), sold).await.unwrap()));
        let sale = NewConversion::sale(first.accepted().unwrap().lead, "7 USD".parse().unwrap());
        let sale = acme.convert(sale.external_id("invoice-7")).await.unwrap();
        answers.push(format!("{sale:?}"));
        answers.push(format!("{:?}", acme.void(&sale, "mistake").await.unwrap()));
        answers.push(format!("{:?}", acme.totals().await.unwrap()));
        answers
    })
}

fn world() -> (&'static Moody, WorkspaceHandle<'static>) {
    let store: &'static Moody = Box::leak(Box::new(Moody::new()));
    let clock = FixedClock("2027-03-01T15:00:00Z".parse().unwrap());
    let convio = Convio::with(store, clock, SequentialIds::seeded(1));
    let acme = block_on(convio.create_workspace(NewWorkspace::named("Acme Solar").currency("USD"))).unwrap();
    (store, acme)
}

fn lead(n: u32) -> RawLead {
    RawLead::json(format!(r#"{{"name":"Pat {n}","phone":"+1310555{n:04}","product":"solar"}}"#))
}

fn schedule() -> Schedule {
    Schedule::local("2027-02-27T10:00", "America/Los_Angeles").unwrap()
}
