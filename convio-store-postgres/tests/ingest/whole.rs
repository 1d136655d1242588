//! One lead, and every column that it fills.

use serde_json::{Value, json};

use crate::support::{Database, Offer, at, ingest, next_id, number, stamp_time, with_database};

/// The only row of `table`.
async fn row(db: &Database, table: &str) -> Value {
    let mut rows = rows(db, table).await;
    assert_eq!(rows.len(), 1, "{table}");
    rows.remove(0)
}

/// The rows of `table`; claims in the order of their kinds.
async fn rows(db: &Database, table: &str) -> Vec<Value> {
    let rows = db
        .column::<String>(&format!("SELECT to_jsonb(t)::text FROM convio.{table} t ORDER BY to_jsonb(t)"))
        .await;
    rows.iter().map(|row| serde_json::from_str(row).expect("is JSON")).collect()
}

fn offer(db: &Database) -> Offer {
    let mut offer = db.offer("+15550100").received(5).keyed("k").windowed().with("first_name", 1, "Ann");
    offer = offer.with("last_name", 1, "Lee").with("email", 1, "ann@example.com");
    offer = offer.with("street", 1, "1 Main St").with("street2", 1, "Apt 4").with("city", 1, "Austin");
    offer = offer.with("state", 1, "TX").with("postal_code", 1, "78701").with("country", 1, "US");
    (offer.now, offer.source, offer.custom) =
        (at(6), "Google".to_owned(), Some(r#"{"roof":"new"}"#.to_owned()));
    offer.flags = r#"["email"]"#.to_owned();
    offer.keyed("k").external("x")
}

fn instant(seconds: i64) -> String {
    at(seconds).to_rfc3339()
}

fn bytes(bytes: &[u8]) -> String {
    bytes.iter().fold("\\x".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[test]
fn a_first_lead_fills_every_table() {
    with_database(async |db| {
        let offer = offer(db);
        let taken = ingest(&mut db.connect().await, &offer).await.expect("runs").taken();
        assert_eq!((taken.lead, taken.contact, taken.number), (offer.lead, offer.contact, number(0)));
        assert_eq!((taken.version, taken.position, taken.created, taken.duplicate_of), (1, 1, true, None));

        let (workspace, webhook, lead, contact) = (offer.workspace, offer.webhook, offer.lead, offer.contact);
        let head = json!({"workspace_id": workspace, "feed": 1, "contacts": 1, "config": 1});
        assert_eq!(row(db, "head").await, head);
        let key = json!({
            "workspace_id": workspace, "webhook_id": webhook, "kind": 0, "value": "k", "intake_id": lead, "hits": 1,
            "fingerprint": bytes(&offer.fingerprint()), "external_id": "x", "expires_at": instant(6 + 72 * 3_600),
        });
        let external = json!({
            "workspace_id": workspace, "webhook_id": webhook, "kind": 1, "value": "x", "intake_id": lead, "hits": 1,
            "fingerprint": bytes(&offer.fingerprint()), "external_id": null, "expires_at": null,
        });
        assert_eq!(rows(db, "claim").await, [key, external]);
        let key = json!({
            "workspace_id": workspace, "scope": uuid::Uuid::nil(), "kind": 0, "value": "+15550100", "contact_id": contact,
            "hits": 1,
        });
        assert_eq!(row(db, "contact_key").await, key);
        let window = json!({
            "workspace_id": workspace, "contact_id": contact, "key": bytes(b"campaign"), "last_at": instant(5),
            "last_lead": lead, "prev_at": null, "prev_lead": null,
        });
        assert_eq!(row(db, "repeat_window").await, window);
        let mut stamp = vec![1];
        stamp.extend(stamp_time(at(5)));
        stamp.extend(lead.as_bytes());
        let person = json!({
            "workspace_id": workspace, "id": contact, "number": number(0), "first_name": "Ann", "last_name": "Lee",
            "email": "ann@example.com", "phone": "+15550100", "phone_validity": "valid", "phone_ext": "0",
            "street": "1 Main St", "street2": "Apt 4", "city": "Austin", "state": "TX", "postal_code": "78701",
            "country": "US", "stamps": vec![bytes(&stamp); 10], "first_source": "Google", "first_lead": lead,
            "first_at": instant(5), "leads": 1, "customer_since": null, "conversions": 0, "lifetime": {}, "created_at": instant(6),
            "version": 1, "base_version": 0,
        });
        assert_eq!(row(db, "contact").await, person);
        let stored = json!({
            "workspace_id": workspace, "id": lead, "contact_id": contact, "webhook_id": webhook, "source": "Google",
            "lead_type": "web", "campaign": "spring", "product": "solar", "utm": {"medium": "cpc"},
            "custom": {"roof": "new"}, "external_id": "x", "postal_code": "78701", "flags": ["email"], "stage": "open", "status": "new", "duplicate_of": null,
            "opened_contact": true, "test": false, "conversion_id": null, "received_at": instant(5),
            "created_at": instant(6), "version": 1,
        });
        assert_eq!(row(db, "lead").await, stored);
        let payload = json!({
            "workspace_id": workspace, "id": lead, "webhook_id": webhook, "format": "json", "body": bytes(&offer.body),
            "headers": {"user-agent": "test"}, "fingerprint": bytes(&offer.fingerprint()), "received_at": instant(5),
        });
        assert_eq!(row(db, "payload").await, payload);
        let mut event = row(db, "event").await;
        assert_eq!(event["personal"]["email"]["value"].take(), "ann@example.com");
        assert_eq!(event["facts"]["received_at"].take(), at(5).timestamp_micros());
        for part in ["personal", "facts"] {
            event.as_object_mut().expect("is a row").remove(part);
        }
        let history = json!({
            "workspace_id": workspace, "position": 1, "at": instant(6), "kind": "lead.received", "contact_id": contact,
            "contact_seq": 1, "lead_id": lead, "lead_seq": 1, "subject_kind": null, "subject_id": null,
            "subject_seq": null, "contact_number": number(0), "duplicate_of": null, "actor": "webhook:google-solar",
            "request": "request-1", "causation": "cause-1",
        });
        assert_eq!(event, history);
        let rollup = json!({
            "workspace_id": workspace, "cube": 0, "day": "2026-11-02", "d1": webhook, "d2": "google", "d3": "",
            "n0": 1, "n1": 1, "n2": 0, "n3": 0, "n4": 0, "n5": 0, "last_at": instant(5),
        });
        assert_eq!(row(db, "rollup").await, rollup);
    });
}

#[test]
fn a_second_lead_moves_what_it_shares_with_the_first() {
    with_database(async |db| {
        let mut conn = db.connect().await;
        let first = offer(db);
        ingest(&mut conn, &first).await.expect("runs").taken();
        let mut second = db.offer("+15550100").received(4).windowed();
        (second.source, second.contact) = ("google".to_owned(), next_id());
        let taken = ingest(&mut conn, &second).await.expect("runs").taken();
        assert_eq!((taken.contact, taken.version, taken.position), (first.contact, 2, 2));
        let window = row(db, "repeat_window").await;
        let (last, prev) = (json!([instant(5), first.lead]), json!([instant(5), first.lead]));
        assert_eq!(json!([window["last_at"], window["last_lead"]]), last);
        assert_eq!(json!([window["prev_at"], window["prev_lead"]]), prev);
        let rollup = row(db, "rollup").await;
        let counts = json!([rollup["n0"], rollup["n1"], rollup["n2"], rollup["last_at"]]);
        assert_eq!(counts, json!([2, 1, 1, instant(5)]));
        let contact = row(db, "contact").await;
        assert_eq!(json!([contact["created_at"], contact["number"]]), json!([instant(6), number(0)]));
        assert_eq!(json!([contact["version"], contact["base_version"], contact["leads"]]), json!([2, 1, 2]));
        let second_event = "SELECT format('%s %s', coalesce(contact_number::text, '-'), duplicate_of)
            FROM convio.event WHERE position = 2";
        assert_eq!(db.column::<String>(second_event).await, [format!("- {}", first.lead)]);
    });
}
