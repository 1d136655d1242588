//! The contact number is drawn in the commit that makes the contact: none is wasted, none is drawn twice.

use sqlx::{Connection, Executor};

use crate::support::{assert_sound, ingest, number, pid, with_database};

#[test]
fn only_a_new_contact_takes_a_number() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let first = db.offer("+15550100").keyed("k").external("x").windowed();
        assert_eq!(ingest(&mut conn, &first).await.expect("runs").taken().number, number(0));
        let mut stale = db.offer("+15550109");
        stale.config = 9;
        ingest(&mut conn, &stale).await.expect("runs");
        ingest(&mut conn, &first.again()).await.expect("runs");
        ingest(&mut conn, &db.offer("+15550108").external("x")).await.expect("runs");
        let linked = ingest(&mut conn, &db.offer("+15550100").windowed()).await.expect("runs").taken();
        assert_eq!((linked.number, linked.created), (number(0), false));
        let second = ingest(&mut conn, &db.offer("+15550101")).await.expect("runs").taken();
        assert_eq!(second.number, number(1));
        assert_sound(db).await;
    });
}

#[test]
fn r8_a_rollback_gives_the_number_back_and_the_next_contact_gets_it() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let mut tx = conn.begin().await.expect("begins");
        let mut drawn = Vec::new();
        for phone in ["+15550100", "+15550101", "+15550100"] {
            drawn.push(ingest(&mut tx, &db.offer(phone)).await.expect("runs").taken().number);
        }
        assert_eq!(drawn, [number(0), number(1), number(0)]);
        tx.rollback().await.expect("rolls back");
        let mut tx = conn.begin().await.expect("begins");
        ingest(&mut tx, &db.offer("+15550102")).await.expect("runs").taken();
        tx.execute("SAVEPOINT s").await.expect("saves");
        assert_eq!(ingest(&mut tx, &db.offer("+15550103")).await.expect("runs").taken().number, number(1));
        tx.execute("ROLLBACK TO s").await.expect("rolls back");
        assert_eq!(ingest(&mut tx, &db.offer("+15550104")).await.expect("runs").taken().number, number(1));
        tx.commit().await.expect("commits");
        assert_eq!(ingest(&mut conn, &db.offer("+15550105")).await.expect("runs").taken().number, number(2));
        assert_sound(db).await;
    });
}

#[test]
fn r8_the_writer_that_waited_for_a_rollback_gets_the_number() {
    with_database(async |db| {
        let (mut one, mut two) = (db.connect().await, db.connect().await);
        let mut tx = one.begin().await.expect("begins");
        ingest(&mut tx, &db.offer("+15550100")).await.expect("runs").taken();
        let (offer, waiting) = (db.offer("+15550101"), pid(&mut two).await);
        let task = tokio::spawn(async move { ingest(&mut two, &offer).await });
        db.until_blocked(waiting).await;
        tx.rollback().await.expect("rolls back");
        assert_eq!(task.await.expect("joins").expect("runs").taken().number, number(0));
        assert_sound(db).await;
    });
}

#[test]
fn the_number_grows_a_digit_when_a_block_is_used_up() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let edges = [900_000, 9_900_000, 99_900_000, 999_900_000, 5_000_000_000];
        for (index, n) in edges.into_iter().flat_map(|edge| [edge - 1, edge, edge + 1]).enumerate() {
            db.execute(&format!("UPDATE convio.head SET contacts = {n}")).await;
            let taken =
                ingest(&mut conn, &db.offer(&format!("+1555{index:04}"))).await.expect("runs").taken();
            assert_eq!(taken.number, number(n), "contact {n}");
            assert_eq!(taken.number.to_string().len(), (n + 100_000).to_string().len(), "contact {n}");
        }
    });
}

#[test]
fn every_number_of_six_digits_is_drawn_once() {
    let mut drawn = vec![false; 900_000];
    for n in 0..900_000 {
        let slot = usize::try_from(number(n) - 100_000).expect("six digits or more");
        assert!(!std::mem::replace(&mut drawn[slot], true), "contact {n}");
    }
    assert!(number(900_000) >= 1_000_000);
}
