//! The merge rule: per field the greatest stamp wins, whatever the order of arrival.

use chrono::TimeDelta;

use crate::support::{Database, FIELDS, Offer, assert_sound, at, ingest, next_id, with_database};

/// Every order of `0..len`.
fn orders(len: usize) -> Vec<Vec<usize>> {
    if len == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(len - 1);
    (0..len)
        .flat_map(|at| shorter.iter().map(move |order| [&order[..at], &[len - 1], &order[at..]].concat()))
        .collect()
}

/// The contact of `phone`, all of it but its ids.
async fn merged(db: &Database, phone: &str) -> String {
    let sql = "SELECT (to_jsonb(c) - 'workspace_id' - 'id')::text FROM convio.contact c
        JOIN convio.contact_key k ON k.workspace_id = c.workspace_id AND k.contact_id = c.id";
    db.column::<String>(&format!("{sql} WHERE k.value = '{phone}'")).await.remove(0)
}

/// Sends `leads` in every order, each order for a phone of its own, and returns the one contact that they all make.
async fn one_contact(db: &Database, leads: impl Fn(&str) -> Vec<Offer>) -> String {
    let mut conn = db.connect().await;
    let mut contacts = Vec::new();
    let ids: Vec<_> = leads("").iter().map(|offer| offer.lead).collect();
    for order in orders(ids.len()) {
        // A workspace for each order, so that the leads, and with them the stamps, are the same in all.
        let workspace = next_id();
        db.add_workspace(workspace).await;
        let phone = format!("+1555{:04}", contacts.len());
        let mut offers = leads(&phone);
        for (offer, id) in offers.iter_mut().zip(&ids) {
            (offer.workspace, offer.lead) = (workspace, *id);
        }
        for index in order {
            let mut offer = offers[index].clone();
            offer.offered[3] = None;
            ingest(&mut conn, &offer).await.expect("runs").taken();
        }
        contacts.push(merged(db, &phone).await);
    }
    let first = contacts[0].clone();
    for (contact, order) in contacts.iter().zip(orders(ids.len())) {
        assert_eq!(*contact, first, "order {order:?}");
    }
    first
}

#[track_caller]
fn assert_has(contact: &str, field: &str, value: Option<&str>) {
    let contact: serde_json::Value = serde_json::from_str(contact).expect("is JSON");
    assert_eq!(contact[field].as_str(), value, "{field}");
}

#[test]
fn an_equal_value_advances_its_stamp() {
    with_database(async |db| {
        let contact = one_contact(db, |phone| {
            vec![
                db.offer(phone).received(1).with("email", 1, "a@example.com"),
                db.offer(phone).received(3).with("email", 1, "a@example.com").with("postal_code", 1, "90210"),
                db.offer(phone).received(2).with("email", 1, "b@example.com"),
            ]
        });
        let contact = contact.await;
        assert_has(&contact, "email", Some("a@example.com"));
        assert_has(&contact, "postal_code", Some("90210"));
    });
}

#[test]
fn rank_beats_time_and_time_beats_the_lead_id() {
    with_database(async |db| {
        let contact = one_contact(db, |phone| {
            vec![
                db.offer(phone).received(9).with("first_name", 1, "late").with("city", 1, "early lead"),
                db.offer(phone).received(1).with("first_name", 2, "ranked").with("state", 1, "TX"),
                db.offer(phone).received(9).with("state", 1, "CA").with("city", 1, "late lead"),
            ]
        });
        let contact = contact.await;
        assert_has(&contact, "first_name", Some("ranked"));
        assert_has(&contact, "state", Some("CA"));
        assert_has(&contact, "city", Some("late lead"));
    });
}

#[test]
fn a_microsecond_and_a_carry_into_the_next_byte_are_seen() {
    with_database(async |db| {
        let edge = at(0) + TimeDelta::microseconds(256 - at(0).timestamp_micros().rem_euclid(256));
        let contact = one_contact(db, |phone| {
            [("before", edge - TimeDelta::microseconds(1)), ("at", edge)]
                .map(|(city, time)| {
                    let mut offer = db.offer(phone).with("city", 1, city);
                    offer.received_at = time;
                    offer
                })
                .to_vec()
        });
        assert_has(&contact.await, "city", Some("at"));
    });
}

#[test]
fn an_offered_blank_clears_a_field_and_an_absent_one_does_not() {
    with_database(async |db| {
        let contact = one_contact(db, |phone| {
            vec![
                db.offer(phone)
                    .received(1)
                    .with("street", 1, "1 Main St")
                    .with("street2", 1, "Apt 4")
                    .with("city", 1, "Austin"),
                db.offer(phone).received(2).with("street", 1, "2 Elm St").without("street2", 1),
            ]
        });
        let contact = contact.await;
        assert_has(&contact, "street", Some("2 Elm St"));
        assert_has(&contact, "street2", None);
        assert_has(&contact, "city", Some("Austin"));
    });
}

#[test]
fn every_field_is_merged_under_its_own_stamp() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        for field in FIELDS {
            let phone = format!("+1555-{field}");
            let (old, new) = (
                db.offer(&phone).received(1).with(field, 1, "old"),
                db.offer(&phone).received(2).with(field, 1, "new"),
            );
            ingest(&mut conn, &new).await.expect("runs").taken();
            ingest(&mut conn, &old).await.expect("runs").taken();
            let newer = db.offer(&phone).received(3).with(field, 1, "newer");
            ingest(&mut conn, &newer).await.expect("runs").taken();
        }
        assert_sound(db).await;
        let mut newest = db.offer("+1555-email").received(4);
        for field in FIELDS {
            newest = newest.with(field, 1, field);
        }
        ingest(&mut conn, &newest).await.expect("runs").taken();
        assert_sound(db).await;
    });
}

#[test]
fn a_time_before_1970_is_earlier() {
    with_database(async |db| {
        let contact = one_contact(db, |phone| {
            [("1969", -1_800_000_000), ("1968", -1_830_000_000), ("2026", 0)]
                .map(|(city, seconds)| db.offer(phone).received(seconds).with("city", 1, city))
                .to_vec()
        });
        assert_has(&contact.await, "city", Some("2026"));
    });
}

#[test]
fn a_phone_comes_with_its_validity_and_its_extension_or_without() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let row =
            "SELECT format('%s %s %s', phone, phone_validity, coalesce(phone_ext, '-')) FROM convio.contact";
        for (seconds, phone, merged) in [
            (2, "+15550101", "+15550101 possible -"),
            (1, "+15550100", "+15550101 possible -"),
            (3, "+15550106", "+15550106 valid 6"),
            (4, "+15550104", "+15550104 valid -"),
        ] {
            let offer = db.offer("+15550199").received(seconds).with("phone", 1, phone);
            ingest(&mut conn, &offer).await.expect("runs").taken();
            assert_eq!(db.column::<String>(row).await, [merged]);
        }
        assert_sound(db).await;
    });
}

#[test]
fn the_first_touch_is_the_earliest_lead_in_any_order() {
    with_database(async |db| {
        let contact = one_contact(db, |phone| {
            [(2, "bing"), (1, "google"), (1, "direct")]
                .map(|(seconds, source)| {
                    let mut offer = db.offer(phone).received(seconds);
                    offer.source = source.to_owned();
                    offer
                })
                .to_vec()
        });
        assert_has(&contact.await, "first_source", Some("google"));
    });
}

#[test]
fn a_window_flags_whichever_of_two_near_leads_comes_second() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        for (phone, first, second, near) in [
            ("+15550100", 0, 3_599, true),
            ("+15550101", 0, 3_600, false),
            ("+15550102", 3_599, 0, true),
            ("+15550103", 3_600, 0, false),
            ("+15550104", 0, 0, true),
        ] {
            let first = db.offer(phone).received(first).windowed();
            assert_eq!(ingest(&mut conn, &first).await.expect("runs").taken().duplicate_of, None);
            let second = db.offer(phone).received(second).windowed();
            let found = ingest(&mut conn, &second).await.expect("runs").taken().duplicate_of;
            assert_eq!(found, near.then_some(first.lead), "{phone}");
        }
        assert_sound(db).await;
    });
}

#[test]
fn the_window_keeps_its_latest_lead_when_an_older_one_arrives() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let (latest, older) =
            (db.offer("+15550100").received(5_000).windowed(), db.offer("+15550100").received(0).windowed());
        for offer in [&latest, &older] {
            assert_eq!(ingest(&mut conn, offer).await.expect("runs").taken().duplicate_of, None);
        }
        let third = db.offer("+15550100").received(5_001).windowed();
        assert_eq!(ingest(&mut conn, &third).await.expect("runs").taken().duplicate_of, Some(latest.lead));
        assert_sound(db).await;
    });
}

#[test]
fn a_duplicate_key_of_its_own_is_a_window_of_its_own() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let first = db.offer("+15550100").windowed();
        ingest(&mut conn, &first).await.expect("runs").taken();
        let mut other = db.offer("+15550100").windowed();
        other.window.as_mut().expect("has a window").key = b"another campaign".to_vec();
        assert_eq!(ingest(&mut conn, &other).await.expect("runs").taken().duplicate_of, None);
        let mut accepted = db.offer("+15550100").windowed();
        accepted.window.as_mut().expect("has a window").from = at(i64::from(i32::MAX));
        assert_eq!(
            ingest(&mut conn, &accepted).await.expect("runs").taken().duplicate_of,
            None,
            "accepted as new"
        );
    });
}

#[test]
fn a_test_lead_counts_nowhere() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let mut test = db.offer("+15550100");
        test.test = true;
        ingest(&mut conn, &test).await.expect("runs").taken();
        assert_eq!(db.count("SELECT count(*) FROM convio.rollup").await, 0);
        for (phone, test) in [("+15550100", false), ("+15550101", true), ("+15550102", false)] {
            let mut offer = db.offer(phone).received(i64::from(test));
            offer.test = test;
            ingest(&mut conn, &offer).await.expect("runs").taken();
        }
        let counts = "SELECT format('%s %s %s %s', n0, n1, n2, n3) FROM convio.rollup";
        assert_eq!(db.column::<String>(counts).await, ["2 1 0 0"]);
        assert_sound(db).await;
    });
}
