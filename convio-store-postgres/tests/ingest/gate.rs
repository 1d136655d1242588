//! What the gate lets through: a known workspace, with the configuration it has now.

use sqlx::Executor;

use crate::support::{Offer, Outcome, assert_sound, ingest, next_id, pid, with_database};

#[test]
fn r11_a_missing_workspace_stores_nothing() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let before = db.census().await;
        let mut offer = db.offer("+15550100").keyed("k").external("x").windowed();
        offer.workspace = next_id();
        assert_eq!(ingest(&mut conn, &offer).await.expect("runs"), Outcome::Missing);
        assert_eq!(db.census().await, before);
    });
}

#[test]
fn a_stale_configuration_stores_nothing_and_names_the_present_one() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        db.execute("UPDATE convio.head SET config = 7").await;
        let before = db.census().await;
        let plain = db.offer("+15550100").windowed();
        for offer in [
            plain.clone(),
            plain.clone().keyed("k"),
            plain.clone().external("x"),
            plain.keyed("k").external("x"),
        ] {
            for config in [6, 8] {
                let offer = Offer { config, ..offer.again() };
                assert_eq!(ingest(&mut conn, &offer).await.expect("runs"), Outcome::Stale { config: 7 });
            }
        }
        assert_eq!(db.census().await, before);
        let mut offer = db.offer("+15550100").keyed("k");
        offer.config = 7;
        ingest(&mut conn, &offer).await.expect("runs").taken();
    });
}

#[test]
fn a_configuration_that_changes_while_the_lead_waits_is_stale() {
    with_database(async |db| {
        let (mut publisher, mut second) = (db.connect().await, db.connect().await);
        let before = db.census().await;
        publisher.execute("BEGIN; UPDATE convio.head SET config = 2").await.expect("publishes");
        let (offer, waiting) = (db.offer("+15550100").keyed("k"), pid(&mut second).await);
        let task = tokio::spawn(async move { ingest(&mut second, &offer).await });
        db.until_blocked(waiting).await;
        publisher.execute("COMMIT").await.expect("commits");
        assert_eq!(task.await.expect("joins").expect("runs"), Outcome::Stale { config: 2 });
        assert_eq!(db.census().await, before);
    });
}

#[test]
fn a_workspace_is_invisible_to_another() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let other = next_id();
        db.add_workspace(other).await;
        let first = db.offer("+15550100").keyed("k").external("x").windowed();
        ingest(&mut conn, &first).await.expect("runs").taken();
        let mut offer = first.again();
        offer.workspace = other;
        let taken = ingest(&mut conn, &offer).await.expect("runs").taken();
        assert_eq!((taken.created, taken.position, taken.duplicate_of), (true, 1, None));
        assert_sound(db).await;
    });
}
