use chrono::{TimeDelta, TimeZone, Utc};
use convio_core::event::EventBody;
use convio_core::lead::{Format, Utm};
use convio_core::{
    Actor, Clock, Cube, ErrorKind, KeyKind, KeyScope, NewAppointment, NewConversion, PageRequest, Position,
    RawLead, ReportQuery, Rule, Schedule, Stage, StreamRef, Target, Version,
};
use serde_json::json;

use crate::{Subject, World, codes, created, lead, lead_with, linked, phone, taken};

pub(crate) async fn a_first_lead_makes_its_contact(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    assert_eq!((accepted.duplicate_of, accepted.flags.as_slice()), (None, [].as_slice()));

    let lead = acme.lead(accepted.lead).await.unwrap().unwrap();
    assert_eq!((lead.id, lead.contact, lead.workspace), (accepted.lead, accepted.contact, acme.id()));
    assert!(lead.opened_contact);
    assert_eq!((lead.progress.status.stage, lead.progress.status.key.as_str()), (Stage::New, "new"));
    assert_eq!((lead.received_at, lead.created_at), (world.clock.now(), world.clock.now()));
    assert_eq!(
        (lead.version, lead.progress.conversion, lead.duplicate_of, lead.test),
        (Version(1), None, None, false)
    );

    let contact =
        acme.contact(convio_core::contact::ContactRef::Id(accepted.contact)).await.unwrap().unwrap();
    assert_eq!((contact.number, contact.leads, contact.version), (accepted.number, 1, Version(1)));
    assert_eq!(contact.person.first_name.as_deref(), Some("Given1"));
    assert_eq!(contact.person.phone.as_ref().unwrap().phone.e164(), phone(1));
    assert_eq!((contact.first_touch.lead, contact.first_touch.at), (accepted.lead, world.clock.now()));
    assert_eq!((contact.conversions, contact.customer_since), (0, None));
    let keys = acme.contact_keys(accepted.contact).await.unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(
        (keys[0].scope, keys[0].kind, &keys[0].value),
        (KeyScope::Workspace, KeyKind::Phone, &phone(1))
    );
}

pub(crate) async fn a_second_lead_is_linked_to_the_contact(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let first = created(acme.ingest(lead(1)).await);
    let second = linked(acme.ingest(lead_with(1, json!({"product": "Roof"}))).await);
    assert_ne!(first.lead, second.lead);
    assert_eq!((first.contact, first.number), (second.contact, second.number));
    let row = acme.lead(second.lead).await.unwrap().unwrap();
    assert_eq!((row.contact, row.opened_contact), (first.contact, false));
    let contact = acme.contact(convio_core::contact::ContactRef::Id(first.contact)).await.unwrap().unwrap();
    assert_eq!((contact.leads, contact.version), (2, Version(2)));
    let page = PageRequest::default();
    let history = acme.history(StreamRef::Contact(first.contact), &page).await.unwrap().items;
    assert_eq!(
        history.iter().map(|event| event.lead_id()).collect::<Vec<_>>(),
        [Some(first.lead), Some(second.lead)]
    );
    assert_eq!(
        history.iter().map(|event| event.contact_number).collect::<Vec<_>>(),
        [Some(first.number), None]
    );
}

pub(crate) async fn json_form_and_row_mean_the_same_lead(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let bodies = [
        RawLead::json(
            r#"{"lead":{"FirstName":"Ana","last_name":"Lima","Phone Number":"(212) 200-0001","email":" ana@x.com"},
               "address":{"zip":"02134","state":"california"},"product":"Solar","roof":"tile","utm_source":"g"}"#,
        ),
        RawLead::form(
            "first_name=Ana&lastName=Lima&phone=%28212%29+200-0001&Email=ana%40x.com&zipCode=02134&state=CA\
             &productId=Solar&roof=tile&utmSource=g",
        ),
        RawLead::row([
            ("First Name", "Ana"),
            ("Surname", "Lima"),
            ("Mobile", "+1 212 200 0001"),
            ("E-Mail", "ana@x.com"),
            ("Postal Code", "02134"),
            ("State", "Ca"),
            ("Service", "Solar"),
            ("roof", "tile"),
            ("UTM Source", "g"),
        ]),
    ];
    let mut settings = convio_core::WebhookSettings::default();
    settings.region = "US".parse().ok();
    acme.configure_webhook("direct", settings).await.unwrap();
    let formats = [Format::Json, Format::Form, Format::Row];
    let mut contacts = Vec::new();
    for (raw, format) in bodies.into_iter().zip(formats) {
        let accepted = taken(acme.ingest(raw).await);
        contacts.push(accepted.contact);
        let row = acme.lead(accepted.lead).await.unwrap().unwrap();
        assert_eq!(*row.custom.0, *json!({"roof": "tile"}).as_object().unwrap(), "{format:?}");
        assert_eq!(row.interest.product.as_ref().unwrap().as_str(), "Solar", "{format:?}");
        assert_eq!(row.interest.utm, Utm { source: Some("g".into()), ..Utm::default() }, "{format:?}");
        assert_eq!(row.postal_code.as_ref().unwrap().as_str(), "02134", "{format:?}");
        let feed = acme.history(StreamRef::Lead(row.id), &PageRequest::default()).await.unwrap().items;
        let EventBody::LeadReceived(received) = &feed[0].body else { panic!("{feed:?}") };
        let person = received.person().unwrap();
        assert_eq!(person.last_name.as_deref(), Some("Lima"), "{format:?}");
        assert_eq!(person.email.as_ref().unwrap().as_str(), "ana@x.com", "{format:?}");
        assert_eq!(person.state.as_deref(), Some("CA"), "{format:?}");
        assert_eq!(acme.payload(row.id.intake()).await.unwrap().unwrap().format, format);
    }
    contacts.dedup();
    assert_eq!(contacts.len(), 1);
}

pub(crate) async fn unknown_fields_and_nested_ones_are_kept_as_sent(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let odd = json!({
        "consent": {"tcpa": true, "text": "I agree", "at": "2027-03-01T14:59:59Z", "ids": [1, 2.5, null, {"deep": []}]},
        "monthly_bill": 180.75, "count": -3, "big": 9_007_199_254_740_993_i64, "bigger": u64::MAX, "tiny": 1e-9,
        "empty": {}, "list": [], "yes": true, "nothing_in_it": "", "": "nameless",
        "Ünïcödé 名 🏠": "r\u{301}\u{202e}tl \"quoted\" 'single' back\\slash %_ \t tab",
        "Order": "kept", "order": "also",
    });
    let accepted = created(acme.ingest(lead_with(1, odd.clone())).await);
    let custom = acme.lead(accepted.lead).await.unwrap().unwrap().custom;
    assert_eq!(&*custom.0, odd.as_object().unwrap());
    // The event says the same.
    let history = acme.history(StreamRef::Lead(accepted.lead), &PageRequest::default()).await.unwrap().items;
    let EventBody::LeadReceived(received) = &history[0].body else { panic!("{history:?}") };
    assert_eq!(received.personal.as_ref().unwrap().custom, custom);
}

pub(crate) async fn text_is_kept_whatever_it_holds(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let long = "ü".repeat(20_000);
    let texts =
        ["O'Brien; DROP TABLE leads;--", "名前🏠", "a\\\"b", "\u{301}e", "%_*?", "$1 :name @x ${y}", &long];
    for (n, text) in (1..).zip(texts) {
        let more = json!({"firstName": text, "city": text, "note": text});
        let accepted = created(acme.ingest(lead_with(n, more)).await);
        let contact =
            acme.contact(convio_core::contact::ContactRef::Id(accepted.contact)).await.unwrap().unwrap();
        assert_eq!(contact.person.first_name.as_deref(), Some(text));
        assert_eq!(contact.person.city.as_deref(), Some(text));
        assert_eq!(acme.lead(accepted.lead).await.unwrap().unwrap().custom.0["note"], text);
    }
}

pub(crate) async fn a_nul_does_not_stop_a_lead(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    // Whether it is kept or dropped is the library's to say, and the same for every store; that it comes in is not.
    let more = json!({"firstName": "A\0na", "city": "\0", "note": "a\0b", "n\0te": ["\0"], "leadId": "x\0y"});
    let raw = || lead_with(1, more.clone()).idempotency_key("k\0y").external_id("e\0x");
    let accepted = created(acme.ingest(raw()).await);
    let lead = acme.lead(accepted.lead).await.unwrap().unwrap();
    assert_eq!((lead.contact, lead.interest.external_id.as_deref()), (accepted.contact, Some("ex")));
    let payload = acme.payload(accepted.lead.intake()).await.unwrap().unwrap();
    assert_eq!(*payload.body, crate::body_of(1, more.clone()).as_bytes());
    crate::replayed(acme.ingest(raw()).await).accepted().unwrap();
}

pub(crate) async fn a_nul_in_a_callers_own_text_is_refused_by_its_field(subject: &dyn Subject) {
    let world = World::of(subject);
    // Who acts and why is never a reason to refuse: there the NUL goes.
    let acme = world.acme().await.acting_as(Actor::user("ja\0ne")).in_request("r\0").caused_by("\0c");
    let lead = created(acme.ingest(lead(1)).await).lead;
    let schedule = Schedule::local("2027-03-02T10:00", "America/Los_Angeles").unwrap();
    let refused = [
        acme.note(lead, "a\0b").await.map(drop),
        acme.book(lead, NewAppointment::at(schedule.clone()).location("\0").external_id("x\0"))
            .await
            .map(drop),
        acme.convert(NewConversion::sale(lead, "5 USD".parse().unwrap()).external_id("i\0")).await.map(drop),
    ];
    let (rule, target) = (Rule::to(Target::team("west")).named("a\0"), Target::Team("a\0".to_owned()));
    let refused = refused.into_iter().chain([
        acme.publish_rules([rule.any_product().any_zip()]).await.map(drop),
        acme.publish_rules([Rule::to(target.clone()).any_product().any_zip()]).await.map(drop),
        acme.book(lead, NewAppointment::at(schedule).direct(target)).await.map(drop),
    ]);
    let fields: Vec<_> = refused
        .map(|refused| {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            codes(error.reasons()).join(" ")
        })
        .collect();
    let expected = ["note/invalid", "location/invalid external_id/invalid", "external_id/invalid"];
    assert_eq!(fields[..3], expected);
    assert_eq!(fields[3..], ["name/invalid", "target/invalid", "target/invalid"]);
    let feed = world.store().feed(acme.id(), Position(0), 100).await.unwrap();
    let origin = &feed.last().unwrap().origin;
    let origin = (origin.actor.as_str(), origin.request.as_deref(), origin.causation.as_deref());
    assert_eq!(origin, ("user:jane", Some("r"), Some("c")));
}

pub(crate) async fn custom_fields_read_as_a_type(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let solar =
        json!({"roof": "tile", "monthlyBill": 180, "panels": [4, 8], "shade": null, "more": {"x": 1}});
    let accepted = created(acme.ingest(lead_with(1, solar)).await);
    let lead = acme.lead(accepted.lead).await.unwrap().unwrap();
    let (roof, bill): (String, u32) = (
        serde_json::from_value(lead.custom.0["roof"].clone()).unwrap(),
        serde_json::from_value(lead.custom.0["monthlyBill"].clone()).unwrap(),
    );
    assert_eq!((roof.as_str(), bill), ("tile", 180));
    let typed: std::collections::BTreeMap<String, serde_json::Value> = lead.custom().unwrap();
    assert_eq!(typed["panels"], json!([4, 8]));
    assert!(lead.custom::<Vec<u8>>().is_err());
}

pub(crate) async fn a_possible_phone_is_taken_and_flagged(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(RawLead::json(r#"{"phone":"+15551234567","zip":"!!"}"#)).await);
    assert_eq!(accepted.flags.len(), 2);
    let flagged = codes(&accepted.flags);
    assert!(flagged.contains(&"phone/possible".to_owned()), "{flagged:?}");
    assert_eq!(acme.lead(accepted.lead).await.unwrap().unwrap().flags, accepted.flags);
}

pub(crate) async fn headers_are_kept_with_the_payload(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let raw = lead(1).header("X-Request", "7").header("x-request", "é").header("Empty", "");
    let accepted = created(acme.ingest(raw).await);
    let payload = acme.payload(accepted.lead.intake()).await.unwrap().unwrap();
    let expected = [("X-Request", "7"), ("x-request", "é"), ("Empty", "")];
    assert_eq!(payload.headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

pub(crate) async fn a_lead_keeps_the_time_that_it_was_received(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    // The last microsecond of a day in Los Angeles that lies before all others, and one that no store can cut off.
    let old = Utc.with_ymd_and_hms(1970, 1, 1, 7, 59, 59).unwrap() + TimeDelta::microseconds(999_999);
    let accepted = created(acme.ingest(lead(1).received_at(old + TimeDelta::nanoseconds(999))).await);
    let row = acme.lead(accepted.lead).await.unwrap().unwrap();
    assert_eq!((row.received_at, row.created_at), (old, world.clock.now()));
    assert_eq!(acme.payload(row.id.intake()).await.unwrap().unwrap().received_at, old);
    let rollup = acme.report(&ReportQuery::all(Cube::Leads)).await.unwrap();
    assert_eq!(rollup[0].day.to_string(), "1969-12-31");
    // A time to come counts as now.
    let accepted = created(acme.ingest(lead(2).received_at(world.clock.now() + TimeDelta::days(1))).await);
    assert_eq!(acme.lead(accepted.lead).await.unwrap().unwrap().received_at, world.clock.now());
}

pub(crate) async fn events_name_who_did_it_and_in_which_request(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    taken(acme.ingest(lead(1)).await);
    let jane = acme.clone().acting_as(Actor::user("jané")).in_request("req-1").caused_by("mail-2");
    taken(jane.ingest(lead(2)).await);
    let feed = acme.feed(Position(2), 10).await.unwrap();
    let said: Vec<_> = feed
        .iter()
        .map(|event| {
            (event.origin.actor.as_str(), event.origin.request.as_deref(), event.origin.causation.as_deref())
        })
        .collect();
    assert_eq!(said, [("system", None, None), ("user:jané", Some("req-1"), Some("mail-2"))]);
    assert!(feed.iter().all(|event| event.at == world.clock.now() && event.workspace == acme.id()));
}

pub(crate) async fn a_test_lead_is_stored_and_counted_nowhere(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let test = created(acme.ingest(lead(1).test()).await);
    assert!(acme.lead(test.lead).await.unwrap().unwrap().test);
    assert!(acme.payload(test.lead.intake()).await.unwrap().is_some());
    crate::rejected(acme.ingest(RawLead::json("{}").test()).await);
    assert_eq!(acme.report(&ReportQuery::all(Cube::Leads)).await.unwrap(), []);
    // It is compared with none: what comes after it repeats nothing, and it repeats nothing.
    let real = linked(acme.ingest(lead(1)).await);
    assert_eq!(real.duplicate_of, None);
    let test = linked(acme.ingest(lead(1).test()).await);
    assert_eq!(test.duplicate_of, None);
    let visit = convio_core::Schedule::local("2027-03-02T10:00", "America/Los_Angeles").unwrap();
    acme.book(test.lead, visit).await.unwrap();
    assert_eq!(acme.report(&ReportQuery::all(Cube::Appointments)).await.unwrap(), []);
    let sale = convio_core::NewConversion::sale(test.lead, "5 USD".parse().unwrap());
    assert_eq!(acme.convert(sale).await.unwrap_err().kind(), convio_core::ErrorKind::Conflict);
    let rows = acme.report(&ReportQuery::all(Cube::Leads)).await.unwrap();
    let counted: Vec<i64> = rows.iter().map(|row| row.get(convio_core::Measure::Leads)).collect();
    assert_eq!(counted, [1]);
}
