//! Two writers at once. The second always starts its statement, and so takes its snapshot, before the first ends.

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use tokio::task::JoinHandle;

use crate::support::{
    Claim, Database, Offer, Outcome, assert_sound, code, ingest, next_id, pid, with_database,
};

/// Sends `offer` on a connection of its own and returns once it waits for a lock.
async fn blocked(db: &Database, offer: Offer) -> JoinHandle<(PgConnection, Result<Outcome, sqlx::Error>)> {
    let mut conn = db.connect().await;
    let waiting = pid(&mut conn).await;
    let task = tokio::spawn(async move {
        let outcome = ingest(&mut conn, &offer).await;
        (conn, outcome)
    });
    db.until_blocked(waiting).await;
    task
}

async fn outcome(task: JoinHandle<(PgConnection, Result<Outcome, sqlx::Error>)>) -> Outcome {
    task.await.expect("joins").1.expect("runs")
}

#[test]
fn r1_an_existing_contact_is_merged_on_its_newest_row() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        ingest(&mut conn, &db.offer("+15550100").with("first_name", 1, "Ann")).await.expect("runs").taken();
        let (first, second) =
            (db.offer("+15550100").windowed().received(1), db.offer("+15550100").windowed().received(2));
        let (first, second) = (first.with("last_name", 1, "Lee"), second.with("city", 1, "Austin"));
        let mut tx = conn.begin().await.expect("begins");
        assert_eq!(ingest(&mut tx, &first).await.expect("runs").taken().version, 2);
        let task = blocked(db, second).await;
        tx.commit().await.expect("commits");
        let taken = outcome(task).await.taken();
        assert_eq!((taken.version, taken.duplicate_of), (3, Some(first.lead)));
        let row = "SELECT format('%s %s %s', first_name, last_name, city) FROM convio.contact";
        assert_eq!(db.column::<String>(row).await, ["Ann Lee Austin"]);
        assert_sound(db).await;
    });
}

#[test]
fn r2_a_new_contact_of_two_writers_is_made_once() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let mut tx = conn.begin().await.expect("begins");
        let winner = ingest(&mut tx, &db.offer("+15550100")).await.expect("runs").taken();
        let task = blocked(db, db.offer("+15550100")).await;
        tx.commit().await.expect("commits");
        let linked = outcome(task).await.taken();
        assert_eq!((linked.contact, linked.number, linked.version), (winner.contact, winner.number, 2));
        assert!(!linked.created);
        assert_sound(db).await;
    });
}

#[test]
fn r3_the_second_makes_the_contact_when_the_first_rolls_back() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let mut tx = conn.begin().await.expect("begins");
        let lost = ingest(&mut tx, &db.offer("+15550100").keyed("k").windowed()).await.expect("runs").taken();
        let task = blocked(db, db.offer("+15550100").keyed("k").windowed()).await;
        tx.rollback().await.expect("rolls back");
        let taken = outcome(task).await.taken();
        assert_eq!((taken.created, taken.version, taken.position), (true, 1, 1));
        assert_eq!((taken.duplicate_of, taken.number), (None, lost.number));
        assert_sound(db).await;
    });
}

#[test]
fn r4_a_claim_in_flight_is_waited_for_and_replayed() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        for (claim, first) in [
            (Claim::Key, db.offer("+15550100").keyed("k")),
            (Claim::ExternalId, db.offer("+15550100").external("x")),
            (Claim::Key, db.offer("+15550100").keyed("both").external("both")),
        ] {
            let mut tx = conn.begin().await.expect("begins");
            ingest(&mut tx, &first).await.expect("runs").taken();
            let task = blocked(db, first.again()).await;
            tx.commit().await.expect("commits");
            assert_eq!(outcome(task).await, Outcome::lost(claim, first.lead, true));
        }
        assert_sound(db).await;
    });
}

#[test]
fn r5b_one_contact_under_eight_writers_numbers_its_events_without_a_gap() {
    with_database(async |db| {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let options = db.options.clone();
                let offers: Vec<_> =
                    (0..20).map(|nth| db.offer("+15550100").windowed().received(writer + nth)).collect();
                tokio::spawn(async move {
                    let mut conn = PgConnection::connect_with(&options).await.expect("connects");
                    let mut versions = Vec::new();
                    for offer in offers {
                        versions.push(ingest(&mut conn, &offer).await.expect("runs").taken().version);
                    }
                    versions
                })
            })
            .collect();
        let mut versions = Vec::new();
        for writer in writers {
            let own = writer.await.expect("joins");
            assert!(own.is_sorted(), "{own:?}");
            versions.extend(own);
        }
        versions.sort_unstable();
        assert_eq!(versions, (1..=160).collect::<Vec<i64>>());
        assert_sound(db).await;
    });
}

#[test]
fn r6_a_repeatable_read_transaction_is_refused_and_stores_nothing() {
    with_database(async |db| {
        let (mut one, mut two) = (db.connect().await, db.connect().await);
        for level in ["BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN ISOLATION LEVEL SERIALIZABLE"] {
            let mut tx = one.begin_with(level).await.expect("begins");
            tx.execute("SELECT count(*) FROM convio.lead").await.expect("takes the snapshot");
            ingest(&mut two, &db.offer("+15550100")).await.expect("runs").taken();
            let census = db.census().await;
            let error =
                ingest(&mut tx, &db.offer("+15550101")).await.expect_err("another writer came between");
            assert_eq!(code(&error), "40001", "{level}");
            let error = tx.execute("SELECT 1").await.expect_err("the transaction is dead");
            assert_eq!(code(&error), "25P02", "{level}");
            tx.rollback().await.expect("rolls back");
            assert_eq!(db.census().await, census);
        }
        assert_sound(db).await;
    });
}

#[test]
fn r7_a_callers_transaction_lives_on_after_every_outcome() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let mut tx = conn.begin().await.expect("begins");
        tx.execute("CREATE TABLE public.orders (id int)").await.expect("creates");
        let first = db.offer("+15550100").keyed("k").external("x").windowed();
        let created = ingest(&mut tx, &first).await.expect("runs").taken();
        let linked = ingest(&mut tx, &db.offer("+15550100").windowed()).await.expect("runs").taken();
        assert_eq!((created.created, linked.created, linked.duplicate_of), (true, false, Some(first.lead)));
        let replay = ingest(&mut tx, &first.again()).await.expect("runs");
        assert_eq!(replay, Outcome::lost(Claim::Key, first.lead, true));
        let mut other = first.again();
        other.body = b"other".to_vec();
        let conflict = ingest(&mut tx, &other).await.expect("runs");
        assert_eq!(conflict, Outcome::lost(Claim::Key, first.lead, false));
        let external = ingest(&mut tx, &db.offer("+15550102").external("x")).await.expect("runs");
        assert_eq!(external, Outcome::lost(Claim::ExternalId, first.lead, true));
        let (mut stale, mut missing) = (db.offer("+15550103"), db.offer("+15550103"));
        (stale.config, missing.workspace) = (9, next_id());
        assert_eq!(ingest(&mut tx, &stale).await.expect("runs"), Outcome::Stale { config: 1 });
        assert_eq!(ingest(&mut tx, &missing).await.expect("runs"), Outcome::Missing);
        tx.execute("INSERT INTO public.orders VALUES (1)").await.expect("the transaction is alive");
        tx.commit().await.expect("commits");
        assert_eq!(db.count("SELECT count(*) FROM public.orders").await, 1);
        assert_eq!(db.count("SELECT count(*) FROM convio.lead").await, 2);
        assert_sound(db).await;
    });
}

#[test]
fn r9_two_leads_of_one_transaction_around_another_writer_do_not_deadlock() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        for phone in ["+15550100", "+15550101"] {
            ingest(&mut conn, &db.offer(phone)).await.expect("runs").taken();
        }
        let mut tx = conn.begin().await.expect("begins");
        ingest(&mut tx, &db.offer("+15550100")).await.expect("runs").taken();
        let task = blocked(db, db.offer("+15550101")).await;
        assert_eq!(ingest(&mut tx, &db.offer("+15550101")).await.expect("runs").taken().version, 2);
        tx.commit().await.expect("commits");
        assert_eq!(outcome(task).await.taken().version, 3);
        assert_sound(db).await;
    });
}
