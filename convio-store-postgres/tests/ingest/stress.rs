//! Everything at once: eight writers over few phones, replays in flight, conflicts, rollbacks, and a reader of the feed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::{Claim, Database, Dice, Offer, Outcome, assert_sound, ingest, with_database};

/// What one writer was told.
#[derive(Default)]
struct Told {
    stored: BTreeSet<Uuid>,
    /// (key, lead) of every answer that stored or replayed the body of that key.
    keys: Vec<(String, Uuid)>,
    replays: usize,
    conflicts: usize,
    external: usize,
    rolled_back: usize,
}

#[test]
fn everything_at_once_leaves_a_sound_database() {
    with_database(async |db| {
        let done = Arc::new(AtomicBool::new(false));
        let reader = tail(db, Arc::clone(&done)).await;
        let sent = Arc::new(Mutex::new(Vec::new()));
        let writers: Vec<_> = (0..WRITERS).map(|nth| write(db, nth, Arc::clone(&sent))).collect();
        let mut told = Told::default();
        for writer in writers {
            let own = writer.await.expect("joins");
            let stored = told.stored.len() + own.stored.len();
            told.stored.extend(own.stored);
            assert_eq!(told.stored.len(), stored, "one lead was stored by two writers");
            told.keys.extend(own.keys);
            told.replays += own.replays;
            told.conflicts += own.conflicts;
            told.external += own.external;
            told.rolled_back += own.rolled_back;
        }
        done.store(true, Ordering::SeqCst);
        let read = reader.await.expect("joins");

        let stored: BTreeSet<Uuid> = db.column("SELECT id FROM convio.lead").await.into_iter().collect();
        assert_eq!(stored, told.stored, "stored and acknowledged differ");
        let mut keys = BTreeMap::new();
        for (key, lead) in told.keys {
            assert_eq!(*keys.entry(key.clone()).or_insert(lead), lead, "key {key} answered with two leads");
            assert!(stored.contains(&lead), "key {key} answered with a lead that is not stored");
        }
        assert_eq!(
            read,
            db.count("SELECT feed FROM convio.head").await,
            "the reader missed the end of the feed"
        );
        assert_sound(db).await;
        let contacts = db.count("SELECT contacts FROM convio.head").await;
        let duplicates = db.count("SELECT count(*) FROM convio.lead WHERE duplicate_of IS NOT NULL").await;
        for (what, count) in [
            ("leads", stored.len()),
            ("replays", told.replays),
            ("key conflicts", told.conflicts),
            ("external ids", told.external),
            ("rollbacks", told.rolled_back),
            ("duplicates", usize::try_from(duplicates).expect("fits")),
        ] {
            assert!(count >= 20, "too few {what} to mean anything: {count}");
        }
        assert!(
            (PHONES / 2..=PHONES).contains(&u64::try_from(contacts).expect("fits")),
            "{contacts} contacts"
        );
    });
}

/// Follows the feed until `done` and its end; returns the last position, having seen n + 1 after n, always.
async fn tail(db: &Database, done: Arc<AtomicBool>) -> JoinHandle<i64> {
    let mut conn = db.connect().await;
    tokio::spawn(async move {
        let mut last = 0;
        loop {
            let ending = done.load(Ordering::SeqCst);
            let sql = "SELECT position FROM convio.event WHERE position > $1 ORDER BY workspace_id, position";
            let rows = sqlx::query(sql).bind(last).fetch_all(&mut conn).await.expect("reads");
            for row in &rows {
                let position: i64 = row.get(0);
                assert_eq!(position, last + 1, "the reader missed an event");
                last = position;
            }
            if ending && rows.is_empty() {
                return last;
            }
        }
    })
}

/// Posts [`POSTS`] leads, one by one or two in a transaction of the caller, some of which it rolls back.
fn write(db: &Database, nth: u64, sent: Arc<Mutex<Vec<Offer>>>) -> JoinHandle<Told> {
    let (options, blank) = (db.options.clone(), db.offer(""));
    tokio::spawn(async move {
        let mut conn = PgConnection::connect_with(&options).await.expect("connects");
        let mut dice = Dice(nth + 1);
        let mut told = Told::default();
        let mut posts = 0;
        while posts < POSTS {
            let group = if dice.roll(100) < 10 { 2 } else { 1 };
            let offers: Vec<_> = (0..group).map(|_| next(&mut dice, &blank, &sent)).collect();
            posts += offers.len();
            if group == 1 {
                let outcome = ingest(&mut conn, &offers[0]).await.expect("runs");
                hear(&mut told, &offers[0], outcome);
                continue;
            }
            let mut tx = conn.begin().await.expect("begins");
            let mut outcomes = Vec::new();
            for offer in &offers {
                outcomes.push(ingest(&mut tx, offer).await.expect("runs"));
            }
            if dice.roll(2) == 0 {
                tx.rollback().await.expect("rolls back");
                told.rolled_back += outcomes.len();
                continue;
            }
            tx.commit().await.expect("commits");
            for (offer, outcome) in offers.iter().zip(outcomes) {
                hear(&mut told, offer, outcome);
            }
        }
        told
    })
}

/// A new lead, or one that some writer has sent or is sending: as it was, or with another body.
fn next(dice: &mut Dice, blank: &Offer, sent: &Mutex<Vec<Offer>>) -> Offer {
    let mut sent = sent.lock().expect("nobody panics with it");
    let kind = dice.roll(100);
    if kind < 20 && !sent.is_empty() {
        // Mostly the newest, which may be in flight.
        let back = usize::try_from(dice.roll(if kind < 10 { 8 } else { 500 })).expect("fits");
        let mut again = sent[sent.len() - 1 - back.min(sent.len() - 1)].again();
        if kind.is_multiple_of(5) {
            again.body.push(b'!');
        }
        return again;
    }
    let mut offer = Offer { phone: format!("+1555{:04}", dice.roll(PHONES)), ..blank.again() };
    offer.received_at +=
        chrono::TimeDelta::microseconds(i64::try_from(dice.roll(20_000_000_000)).expect("fits"));
    offer.source =
        ["Google", "google", "bing", "direct"][usize::try_from(dice.roll(4)).expect("fits")].to_owned();
    offer.test = dice.roll(10) == 0;
    let phone = offer.phone.clone();
    offer = offer.with("phone", 1, &phone);
    for (field, chance) in [("first_name", 60), ("email", 50), ("city", 30), ("postal_code", 30)] {
        if dice.roll(100) < chance {
            let value = format!("{field} {}", dice.roll(3));
            let rank = u8::try_from(1 + dice.roll(2)).expect("fits");
            offer =
                if dice.roll(8) == 0 { offer.without(field, rank) } else { offer.with(field, rank, &value) };
        }
    }
    if !offer.test && dice.roll(100) < 80 {
        offer = offer.windowed();
    }
    if dice.roll(100) < 15 {
        offer = offer.external(&format!("external {}", dice.roll(60)));
    }
    if dice.roll(100) < 90 {
        let key = format!("key {}", sent.len());
        offer = offer.keyed(&key);
        sent.push(offer.clone());
    }
    offer
}

fn hear(told: &mut Told, offer: &Offer, outcome: Outcome) {
    match outcome {
        Outcome::Taken(taken) => {
            assert_eq!(taken.lead, offer.lead);
            told.stored.insert(taken.lead);
            told.keys.extend(offer.key.clone().map(|key| (key, taken.lead)));
        }
        Outcome::Lost { claim: Claim::Key, lead, same_body: true } => {
            told.replays += 1;
            told.keys.extend(offer.key.clone().map(|key| (key, lead)));
        }
        Outcome::Lost { claim: Claim::Key, .. } => told.conflicts += 1,
        Outcome::Lost { lead, .. } => {
            told.external += 1;
            told.keys.extend(offer.key.clone().map(|key| (key, lead)));
        }
        other => panic!("neither stale nor missing: {other:?}"),
    }
}

const WRITERS: u64 = 8;

/// Of each writer: 1,520 in all.
const POSTS: usize = 190;

const PHONES: u64 = 300;
