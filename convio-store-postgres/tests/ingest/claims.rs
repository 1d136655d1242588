//! Idempotency keys and external ids: what happens when one, the other or both are lost.

use crate::support::{Claim, Database, Outcome, assert_sound, at, ingest, pid, with_database};
use chrono::TimeDelta;

/// Hits of the claims in the order of kind and value.
async fn hits(db: &Database) -> Vec<i64> {
    db.column("SELECT hits FROM convio.claim ORDER BY kind, value").await
}

#[test]
fn a_replay_writes_its_claim_hit_and_nothing_else() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let first = db.offer("+15550100").keyed("k").windowed();
        ingest(&mut conn, &first).await.expect("runs").taken();
        let contact = "SELECT to_jsonb(c)::text FROM convio.contact c";
        let (census, row) = (db.census().await, db.column::<String>(contact).await);
        let replay = ingest(&mut conn, &first.again()).await.expect("runs");
        assert_eq!(replay, Outcome::lost(Claim::Key, first.lead, true));
        assert_eq!((db.census().await, db.column::<String>(contact).await), (census, row));
        assert_eq!(hits(db).await, [2]);
        assert_sound(db).await;
    });
}

#[test]
fn the_same_change_set_sent_twice_is_a_replay_of_itself() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let offer = db.offer("+15550100").keyed("k");
        ingest(&mut conn, &offer).await.expect("runs").taken();
        let replay = ingest(&mut conn, &offer).await.expect("runs");
        assert_eq!(replay, Outcome::lost(Claim::Key, offer.lead, true));
        assert_sound(db).await;
    });
}

#[test]
fn a_key_with_another_body_is_told_apart() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let first = db.offer("+15550100").keyed("k");
        ingest(&mut conn, &first).await.expect("runs").taken();
        let mut other = first.again();
        other.body.push(b' ');
        let lost = ingest(&mut conn, &other).await.expect("runs");
        assert_eq!(lost, Outcome::lost(Claim::Key, first.lead, false));
        let third = ingest(&mut conn, &first.again()).await.expect("runs");
        assert_eq!(third, Outcome::lost(Claim::Key, first.lead, true));
    });
}

#[test]
fn a_lost_external_id_stores_nothing() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let first = db.offer("+15550100").external("x");
        ingest(&mut conn, &first).await.expect("runs").taken();
        let census = db.census().await;
        let lost = ingest(&mut conn, &first.again()).await.expect("runs");
        assert_eq!(lost, Outcome::lost(Claim::ExternalId, first.lead, true));
        assert_eq!(db.census().await, census);
        let mut elsewhere = first.again();
        elsewhere.webhook = first.contact;
        ingest(&mut conn, &elsewhere).await.expect("runs").taken();
        assert_sound(db).await;
    });
}

/// The key is lost: the external id stays free for the lead that is really its own.
#[test]
fn a_lost_key_leaves_a_new_external_id_unclaimed() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let first = db.offer("+15550100").keyed("k");
        ingest(&mut conn, &first).await.expect("runs").taken();
        let census = db.census().await;
        let mut both = first.again().external("x");
        both.body = b"other".to_vec();
        let lost = ingest(&mut conn, &both).await.expect("runs");
        assert_eq!(lost, Outcome::lost(Claim::Key, first.lead, false));
        assert_eq!(db.census().await, census, "the external id was claimed");
        let owner = db.offer("+15550101").external("x");
        assert_eq!(ingest(&mut conn, &owner).await.expect("runs").taken().lead, owner.lead);
        assert_sound(db).await;
    });
}

#[test]
fn a_lost_key_leaves_an_external_id_that_is_not_its_own_unclaimed() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let first = db.offer("+15550100").keyed("k").external("x");
        ingest(&mut conn, &first).await.expect("runs").taken();
        let census = db.census().await;
        let lost = ingest(&mut conn, &first.again().external("y")).await.expect("runs");
        assert_eq!(lost, Outcome::lost(Claim::Key, first.lead, true));
        assert_eq!(db.census().await, census, "the external id was claimed");
        assert_eq!(hits(db).await, [2, 1]);
    });
}

/// The external id is lost: no lead, but the key now answers for good with the lead of that external id.
#[test]
fn a_lost_external_id_binds_a_new_key_to_its_lead() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let owner = db.offer("+15550100").external("x");
        ingest(&mut conn, &owner).await.expect("runs").taken();
        let mut both = db.offer("+15550100").external("x").keyed("k");
        both.body = b"sent once more, worded otherwise".to_vec();
        let lost = ingest(&mut conn, &both).await.expect("runs");
        assert_eq!(lost, Outcome::lost(Claim::ExternalId, owner.lead, false));
        let census = "claim 2 contact_key 1 contact 1 repeat_window 0 lead 1 payload 1 event 1 rollup 1 feed 1 contacts 1";
        assert_eq!(db.census().await, census);
        let replay = ingest(&mut conn, &both.again()).await.expect("runs");
        assert_eq!(replay, Outcome::lost(Claim::Key, owner.lead, true));
        let mut other = both.again();
        other.body = b"other".to_vec();
        let conflict = ingest(&mut conn, &other).await.expect("runs");
        assert_eq!(conflict, Outcome::lost(Claim::Key, owner.lead, false));
        assert_eq!(hits(db).await, [3, 4]);
        assert_sound(db).await;
    });
}

/// The body that counts is the one which came with the claim that was lost.
#[test]
fn a_lost_external_id_with_another_body_is_told_apart() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let owner = db.offer("+15550100").external("x").keyed("k");
        ingest(&mut conn, &owner).await.expect("runs").taken();
        for mut other in [owner.again().keyed("fresh"), db.offer("+15550100").external("x")] {
            other.body = b"other".to_vec();
            let lost = ingest(&mut conn, &other).await.expect("runs");
            assert_eq!(lost, Outcome::lost(Claim::ExternalId, owner.lead, false));
        }
        assert_sound(db).await;
    });
}

/// An external id that was purged comes back for the lead of the key, never for the candidate that was not stored.
#[test]
fn a_replay_restores_a_purged_external_id_for_the_lead_of_its_key() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let first = db.offer("+15550100").keyed("k").external("x");
        ingest(&mut conn, &first).await.expect("runs").taken();
        db.execute("DELETE FROM convio.claim WHERE kind = 1").await;
        for _ in 0..2 {
            let replay = ingest(&mut conn, &first.again()).await.expect("runs");
            assert_eq!(replay, Outcome::lost(Claim::Key, first.lead, true));
        }
        assert_sound(db).await;
    });
}

#[test]
fn both_claims_lost_to_two_leads_answer_with_the_lead_of_the_key() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let (by_key, by_id) = (db.offer("+15550100").keyed("k"), db.offer("+15550101").external("x"));
        for offer in [&by_key, &by_id] {
            ingest(&mut conn, offer).await.expect("runs").taken();
        }
        let census = db.census().await;
        let both = ingest(&mut conn, &by_key.again().external("x")).await.expect("runs");
        assert_eq!(both, Outcome::lost(Claim::Key, by_key.lead, true));
        assert_eq!(db.census().await, census);
        assert_eq!(hits(db).await, [2, 1]);
    });
}

#[test]
fn an_expired_key_is_taken_over_at_its_last_moment_and_not_before() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let first = db.offer("+15550100").keyed("k").external("x");
        ingest(&mut conn, &first).await.expect("runs").taken();
        let end = first.expires_at.expect("expires");
        let mut early = db.offer("+15550100").keyed("k");
        early.now = end - TimeDelta::microseconds(1);
        let lost = ingest(&mut conn, &early).await.expect("runs");
        assert_eq!(lost, Outcome::lost(Claim::Key, first.lead, true));
        let mut due = db.offer("+15550100");
        due.now = end;
        due.body = b"another day".to_vec();
        let due = due.keyed("k").external("y");
        assert_eq!(ingest(&mut conn, &due).await.expect("runs").taken().lead, due.lead);
        let lost = ingest(&mut conn, &due.again()).await.expect("runs");
        assert_eq!(lost, Outcome::lost(Claim::Key, due.lead, true));
        let row = "SELECT format('%s %s %s', external_id, intake_id, expires_at = $1::timestamptz) FROM convio.claim WHERE kind = 0";
        let sql = row.replace("$1", &format!("'{}'", due.expires_at.expect("expires").to_rfc3339()));
        assert_eq!(db.column::<String>(&sql).await, [format!("y {} t", due.lead)]);
        assert_sound(db).await;
    });
}

#[test]
fn an_external_id_never_expires() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let first = db.offer("+15550100").keyed("k").external("x");
        ingest(&mut conn, &first).await.expect("runs").taken();
        let mut late = db.offer("+15550100").external("x");
        late.now = at(100 * 365 * 86_400);
        let lost = ingest(&mut conn, &late).await.expect("runs");
        assert_eq!(lost, Outcome::lost(Claim::ExternalId, first.lead, true));
    });
}

#[test]
fn an_expired_key_is_taken_over_once_by_two_at_a_time() {
    with_database(async |db| {
        let (mut one, mut two) = (db.connect().await, db.connect().await);
        let first = db.offer("+15550100").keyed("k");
        ingest(&mut one, &first).await.expect("runs").taken();
        let mut late = first.again();
        late.now = first.expires_at.expect("expires");
        let late = late.keyed("k");
        let (winner, loser) = (late.again(), late.again());
        sqlx::raw_sql("BEGIN").execute(&mut one).await.expect("begins");
        ingest(&mut one, &winner).await.expect("runs").taken();
        let waiting = pid(&mut two).await;
        let task = tokio::spawn(async move { ingest(&mut two, &loser).await });
        db.until_blocked(waiting).await;
        sqlx::raw_sql("COMMIT").execute(&mut one).await.expect("commits");
        let lost = task.await.expect("joins").expect("runs");
        assert_eq!(lost, Outcome::lost(Claim::Key, winner.lead, true));
        assert_sound(db).await;
    });
}
