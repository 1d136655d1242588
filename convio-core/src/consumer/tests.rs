use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Again, DeadLetter, Fenced, NotFree, Refusal, Retry, Shard, Token, Verdict, Work, shard_of};
use crate::event::{Event, EventBody, Link, Origin, Position, Subject};
use crate::id::{ContactId, IntakeId, LeadId, WorkspaceId};

const JANE: Uuid = Uuid::from_u128(1);
const JOE: Uuid = Uuid::from_u128(2);
const RETRY: Retry = Retry { tries_max: 2, first_seconds: 10, longest_seconds: 60 };

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn minute() -> TimeDelta {
    TimeDelta::minutes(1)
}

fn letter(position: u64) -> DeadLetter {
    DeadLetter { position: Position(position), tries: 3, reason: "no".to_owned(), at: at(0) }
}

#[test]
fn tokens_ascend_and_own_leases_keep_theirs() {
    let mut shard = Shard::new(0, 1, Position(0));
    assert_eq!(shard.lease(JANE, at(0), minute()), Ok(Token(1)));
    assert_eq!(shard.lease(JANE, at(30), minute()), Ok(Token(1)));
    assert_eq!(shard.lease(JOE, at(89), minute()), Err(NotFree::Leased(at(90))));
    // Its own lease that ran out is another one too.
    assert_eq!(shard.lease(JANE, at(90), minute()), Ok(Token(2)));
    assert_eq!(shard.lease(JOE, at(150), minute()), Ok(Token(3)));
    assert_eq!(shard.release(Token(2)), Err(Fenced));
    assert_eq!(shard.release(Token(3)), Ok(()));
    assert_eq!(shard.release(Token(3)), Err(Fenced));
    assert_eq!(shard.lease(JANE, at(150), minute()), Ok(Token(4)));
}

#[test]
fn a_shard_that_is_paused_given_up_or_waiting_is_not_free() {
    let mut shard = Shard::new(2, 3, Position(0));
    let token = shard.lease(JANE, at(0), minute()).unwrap();
    let verdict = shard.nack(token, (Work::Through(Position(5)), Position(3)), "no", at(0), (&RETRY, true));
    assert_eq!(verdict, Ok(Verdict::Retry(at(10))));
    assert_eq!((shard.cursor, shard.lease), (Position(2), None));
    assert_eq!(shard.is_free(JANE, at(9)), Err(NotFree::Waiting(at(10))));
    // A dead letter does not wait for it.
    shard.try_again(&letter(1));
    assert_eq!(shard.is_free(JANE, at(9)), Ok(()));
    shard.again.clear();
    assert_eq!(shard.is_free(JANE, at(10)), Ok(()));
    shard.paused = true;
    assert_eq!(shard.is_free(JANE, at(10)), Err(NotFree::Paused));
    (shard.paused, shard.of) = (false, 2);
    assert_eq!(shard.is_free(JANE, at(10)), Err(NotFree::GivenUp));
}

#[test]
fn what_was_acknowledged_is_never_taken_back() {
    let mut shard = Shard::new(0, 1, Position(7));
    let token = shard.lease(JANE, at(0), minute()).unwrap();
    shard.ack(token, Work::Through(Position(5)), at(1), minute()).unwrap();
    assert_eq!((shard.cursor, shard.lease.unwrap().until), (Position(7), at(61)));
    // A shorter lease takes nothing off a longer one.
    shard.renew(token, at(2), TimeDelta::seconds(1)).unwrap();
    assert_eq!(shard.lease.unwrap().until, at(61));
}

#[test]
fn an_event_of_no_batch_is_refused() {
    let mut shard = Shard::new(0, 1, Position(7));
    let token = shard.lease(JANE, at(0), minute()).unwrap();
    for (work, failed) in [
        (Work::Through(Position(9)), Position(7)),
        (Work::Through(Position(9)), Position(10)),
        (Work::Again(Position(3)), Position(4)),
    ] {
        let refused = shard.nack(token, (work, failed), "no", at(0), (&RETRY, true));
        assert_eq!(refused, Err(Refusal::NoneOfIt(failed)));
    }
    let gone = (Work::Again(Position(3)), Position(3));
    assert_eq!(shard.nack(token, gone, "no", at(0), (&RETRY, true)), Err(Refusal::Fenced(Fenced)));
    assert_eq!(shard.lease.map(|lease| lease.token), Some(token));
}

#[test]
fn without_room_an_event_is_tried_on() {
    let mut shard = Shard::new(0, 1, Position(0));
    for (tries, room) in [(1, false), (2, false), (3, false), (4, true)] {
        let now = at(i64::from(tries) * 1_000);
        let token = shard.lease(JANE, now, minute()).unwrap();
        let failed = (Work::Through(Position(1)), Position(1));
        let verdict = shard.nack(token, failed, "no", now, (&RETRY, room)).unwrap();
        match verdict {
            Verdict::Retry(_) => assert!(!room),
            Verdict::Dead(letter) => assert_eq!((room, letter.tries), (true, 4)),
        }
    }
    assert_eq!((shard.cursor, shard.failing), (Position(1), None));
}

#[test]
fn a_dead_letter_that_is_tried_again_keeps_its_count() {
    let mut shard = Shard::new(0, 1, Position(9));
    shard.try_again(&letter(4));
    shard.try_again(&letter(4));
    assert_eq!(shard.again, [Again { position: Position(4), tries: 3 }]);
    let token = shard.lease(JANE, at(0), minute()).unwrap();
    let failed = (Work::Again(Position(4)), Position(4));
    let Ok(Verdict::Dead(dead)) = shard.nack(token, failed, "no", at(0), (&RETRY, false)) else {
        panic!("it has kept its place")
    };
    assert_eq!((dead.tries, shard.cursor, shard.again.len()), (4, Position(9), 0));
}

#[test]
fn waits_are_bounded_whatever_the_tries() {
    assert_eq!(RETRY.wait(0), TimeDelta::seconds(10));
    assert_eq!(RETRY.wait(u32::MAX), TimeDelta::seconds(60));
}

#[test]
fn an_event_goes_to_the_shard_of_its_contact_or_else_of_what_it_has() {
    let (contact, lead, intake) = (Uuid::from_u128(5), Uuid::from_u128(6), Uuid::from_u128(7));
    let event = |contact: Option<Uuid>, lead: Option<Uuid>, about: Option<Uuid>| Event {
        workspace: WorkspaceId::from_uuid(Uuid::from_u128(8)),
        position: Position(1),
        at: at(0),
        origin: Origin::default(),
        body: EventBody::WorkspaceDeleted,
        contact: contact.map(|id| Link { id: ContactId::from_uuid(id), version: None }),
        lead: lead.map(|id| Link { id: LeadId::from_uuid(id), version: None }),
        about: about.map(|id| (Subject::Rejection(IntakeId::from_uuid(id)), crate::Version(1))),
        contact_number: None,
        duplicate_of: None,
    };
    let of = |event: &Event| shard_of(event, 64);
    assert_eq!(of(&event(Some(contact), Some(lead), Some(intake))), of(&event(Some(contact), None, None)));
    assert_eq!(of(&event(None, Some(lead), Some(intake))), of(&event(Some(lead), None, None)));
    assert_eq!(of(&event(None, None, Some(intake))), of(&event(Some(intake), None, None)));
    // Kept for ever: another version of the library must say the same. Worked out by a Python script.
    assert_eq!([5, 6, 7, 8].map(|n| of(&event(Some(Uuid::from_u128(n)), None, None))), [21, 60, 36, 58]);
    // Ids that differ in little are spread all the same.
    let mut sizes = [0; 4];
    for n in 0..4_000_u128 {
        sizes[usize::from(shard_of(&event(Some(Uuid::from_u128(n << 20)), None, None), 4))] += 1;
    }
    assert!(sizes.iter().all(|size| (800..1_200).contains(size)), "{sizes:?}");
    assert_eq!(shard_of(&event(None, None, None), 0), 0);
}
