//! What text the columns take, so that a planner knows what it must refuse before it binds anything.

use sqlx::{Connection, Executor};

use crate::support::{Dice, assert_sound, code, ingest, with_database};

#[test]
fn json_is_kept_as_written() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let written = r#"{"b": 1,  "a": "\u0000 \ud800", "b": 9007199254740993.01}"#;
        let mut offer = db.offer("+15550100");
        offer.custom = Some(written.to_owned());
        ingest(&mut conn, &offer).await.expect("runs").taken();
        assert_eq!(db.column::<String>("SELECT custom::text FROM convio.lead").await, [written]);
    });
}

#[test]
fn a_body_is_any_bytes() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let mut offer = db.offer("+15550100");
        offer.body = (0..=255).cycle().take(100_000).collect();
        ingest(&mut conn, &offer).await.expect("runs").taken();
        assert_eq!(db.column::<Vec<u8>>("SELECT body FROM convio.payload").await, [offer.body]);
    });
}

/// The planner's duty: a NUL, and a key too long for an index, are database errors and kill a caller's transaction.
#[test]
fn a_nul_and_an_overlong_key_are_errors_that_store_nothing() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let census = db.census().await;
        // Random, because the server compresses before it measures.
        let mut dice = Dice(1);
        let noise: String = (0..4_000).map(|_| char::from(b'!' + dice.roll(90) as u8)).collect();
        for (offer, expected) in [
            (db.offer("+15550100").with("first_name", 1, "A\0B"), "22021"),
            (db.offer("+15550100").keyed(&noise), "54000"),
            (db.offer("+15550100").external(&noise), "54000"),
        ] {
            let mut tx = conn.begin().await.expect("begins");
            assert_eq!(code(&ingest(&mut tx, &offer).await.expect_err("is refused")), expected);
            assert_eq!(code(&tx.execute("SELECT 1").await.expect_err("is dead")), "25P02");
            tx.rollback().await.expect("rolls back");
        }
        assert_eq!(db.census().await, census);
        let longest = "k".repeat(500);
        ingest(&mut conn, &db.offer("+15550100").keyed(&longest).external(&longest))
            .await
            .expect("runs")
            .taken();
        assert_sound(db).await;
    });
}
