//! The import of files, over a store in memory that fails on demand.
#![cfg(all(feature = "intake", feature = "service", feature = "phone"))]

mod support;

use std::io::Cursor;

use convio_core::contact::ContactFilter;
use convio_core::intake::*;
use convio_core::lead::LeadFilter;
use convio_core::rejection::RejectionFilter;
use convio_core::*;
use pollster::block_on;
use support::{Mood, Moody};

type Handle = WorkspaceHandle<'static>;

#[test]
fn every_row_has_an_answer_by_its_line() {
    let (_, acme) = workspace(|_| {});
    let text = "name,phone\r\nAnn,+15551234561\r\n\"Ann\r\nLee\",+1 (555) 123-4561\r\n\r\nBob,+1 555\r\nCy\r\n,\r\nDee,+15551234562";
    let (report, told) = import(&acme, text, &Import::through("web"));
    assert_eq!(told, [[(2, "created"), (3, "linked"), (6, "rejected"), (7, "bad"), (9, "created")]]);
    assert_eq!((report.rows, report.blank, report.last_line), (5, 1, 9));
    assert_eq!((report.created, report.linked, report.rejected, report.bad), (2, 1, 1, 1));
    assert_eq!(report.problems.rows, 2);
    assert_eq!(report.problems.reasons.get("phone", "too_short"), 1);
    assert_eq!(report.problems.reasons.get("row", "too_few_cells"), 1);
    assert_eq!(
        report.problems.first.iter().map(|p| (p.line, p.outcome)).collect::<Vec<_>>(),
        [(6, "rejected"), (7, "bad")]
    );
    assert_eq!(report.doubts.iter().collect::<Vec<_>>(), [("phone", "possible", 3)]);
    assert_eq!(report.leads(), 3);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["problems"]["reasons"]["phone"]["too_short"], 1);
    assert_eq!(leads(&acme)[2].interest.external_id, Some(file(text).row_id(9)));
}

#[test]
fn a_second_import_replays_every_row_and_adds_nothing() {
    let (_, acme) = workspace(|_| {});
    let text = "name,phone\nAnn,+15551234561\nBob,12\nCy,+15551234562\nonly\n";
    import(&acme, text, &Import::through("web"));
    let feed = feed(&acme);
    let (again, told) = import(&acme, text, &Import::through("web"));
    assert_eq!(told, [[(2, "replayed"), (3, "replayed"), (4, "replayed"), (5, "bad")]]);
    assert_eq!((again.replayed, again.replayed_refused, again.bad, again.rows), (3, 1, 1, 4));
    assert_eq!(again.leads(), 2);
    assert_eq!(self::feed(&acme), feed);
    // What became a lead since is told as one.
    let rejection =
        block_on(acme.rejections(&RejectionFilter::held(), &PageRequest::default())).unwrap().items.remove(0);
    block_on(acme.correct(rejection.id, Corrections::default().set("phone", "+15551234563"))).unwrap();
    assert!(block_on(acme.release(rejection.id)).unwrap().accepted().is_ok());
    let (released, _) = import(&acme, text, &Import::through("web"));
    assert_eq!((released.replayed, released.replayed_refused), (3, 0));
    assert_eq!(leads(&acme).len(), 3);
}

#[test]
fn columns_mean_what_the_webhook_says_also_when_a_row_is_released() {
    let (_, acme) = workspace(|settings| {
        for (column, field) in
            [("Ref", "external_id"), ("Who", "full_name"), ("Kontakt", "phone"), ("phone", "")]
        {
            settings.fields.insert(column.to_owned(), field.to_owned());
        }
    });
    let text = "Ref;Who;Kontakt;phone\nA-1;Ann Lee;+15551234561;no\n;Bob;+15551234562;no\nA-3;Cy;;no\n";
    let (report, _) = import(&acme, text, &Import::through("web"));
    assert_eq!((report.created, report.rejected), (2, 1));
    let kept = leads(&acme);
    assert_eq!(kept[0].interest.external_id.as_deref(), Some("A-1"));
    assert_eq!(kept[1].interest.external_id, Some(file(text).row_id(3)), "a row without an id has its place");
    assert_eq!(kept[0].custom.0["phone"], "no");
    let rejection =
        block_on(acme.rejections(&RejectionFilter::held(), &PageRequest::default())).unwrap().items.remove(0);
    assert_eq!(rejection.external_id.as_deref(), Some("A-3"));
    block_on(acme.correct(rejection.id, Corrections::default().set("phone", "+15551234563"))).unwrap();
    assert!(block_on(acme.release(rejection.id)).unwrap().accepted().is_ok());
    let released = block_on(acme.lead_by_external_id("web", "A-3")).unwrap().unwrap();
    assert_eq!(
        block_on(acme.contact(contact::ContactRef::Id(released.contact)))
            .unwrap()
            .unwrap()
            .person
            .first_name
            .as_deref(),
        Some("Cy")
    );
}

#[test]
fn two_rows_of_one_id_are_one_lead_or_a_problem_of_the_second() {
    let (_, acme) = workspace(|_| {});
    let text = "lead_id,phone\n1,+15551234561\n1,+15551234561\n1,+15551234562\n2,+15551234563\n";
    let (report, told) = import(&acme, text, &Import::through("web"));
    assert_eq!(told, [[(2, "created"), (3, "replayed"), (4, "failed"), (5, "created")]]);
    assert_eq!((report.failed, report.rows), (1, 4));
    assert_eq!(report.problems.reasons.get("external_id", "reused"), 1);
    let long = format!("lead_id,phone\n{},+15551234561\n3,+15551234561\n", "x".repeat(300));
    let (report, told) = import(&acme, &long, &Import::through("web"));
    assert_eq!(told, [[(2, "failed"), (3, "linked")]]);
    assert_eq!(report.problems.reasons.get("external_id", "invalid"), 1);
}

#[test]
fn batches_travel_as_batches() {
    let (store, acme) = workspace(|_| {});
    store.commits();
    let rows: Vec<String> = (0..2_500).map(|n| format!("+1555{n:07}\n")).collect();
    let text = format!("phone\n{}", rows.concat());
    let mut bytes = Vec::new();
    let report = block_on(
        acme.import(&mut file(&text), &Import::through("web"), |p| bytes.push((p.bytes_read, p.bytes))),
    )
    .unwrap();
    assert_eq!(report.rows, 2_500);
    assert_eq!(store.commits(), [BATCH_ROWS, BATCH_ROWS, 500]);
    assert!(bytes.is_sorted() && bytes.iter().all(|(_, all)| *all == text.len() as u64));
    assert_eq!(bytes.last().unwrap().0, text.len() as u64);
    // Long rows make smaller batches.
    let wide = 200 * 1024;
    let rows: Vec<String> = (0..100).map(|n| format!("+1555{n:07},{}\n", "x".repeat(wide))).collect();
    block_on(acme.import(
        &mut file(&format!("phone,essay\n{}", rows.concat())),
        &Import::through("web"),
        |_| {},
    ))
    .unwrap();
    let most = BATCH_BYTES / wide + 1;
    assert!(store.commits().iter().all(|rows| *rows <= most));
    assert_eq!(leads(&acme).len(), 2_600);
}

#[test]
fn what_was_not_stored_is_sent_again_alone() {
    for (moods, commits) in [
        (&[Mood::Unavailable, Mood::Fine][..], &[5, 5][..]),
        (&[Mood::Half, Mood::Unavailable, Mood::Fine], &[5, 2, 2]),
    ] {
        let (store, acme) = workspace(|_| {});
        store.commits();
        store.be(moods);
        let (report, _) = import(&acme, FIVE, &Import::through("web"));
        assert_eq!((report.created, report.replayed), (5, 0), "{moods:?}");
        assert_eq!(store.commits(), commits, "{moods:?}");
    }
}

#[test]
fn what_may_have_been_stored_is_stored_once() {
    let (store, acme) = workspace(|_| {});
    // Stored, with the answer lost: it is looked up, and nothing is sent again.
    store.commits();
    store.be(&[Mood::Unknown, Mood::Fine]);
    let (report, told) = import(&acme, FIVE, &Import::through("web"));
    assert_eq!((report.created, report.replayed, report.rows), (5, 0, 5));
    assert_eq!(store.commits(), [5]);
    assert_eq!(told[0].len(), 5);
    assert_eq!(leads(&acme).len(), 5);
    // Not stored, with nobody to tell: what is sent again is taken once.
    let (store, acme) = workspace(|_| {});
    store.be(&[Mood::Nowhere, Mood::Fine]);
    let (report, _) = import(&acme, FIVE, &Import::through("web"));
    assert_eq!((report.created, report.rows, leads(&acme).len()), (5, 5, 5));
}

#[test]
fn a_store_that_stays_away_stops_the_import_and_the_next_one_goes_on() {
    let (store, acme) = workspace(|_| {});
    let rows: Vec<String> = (0..3_000).map(|n| format!("+1555{n:07}\n")).collect();
    let text = format!("phone\n{}", rows.concat());
    // The first batch is stored, of the second the even rows, and then nothing.
    store.be(&[Mood::Fine, Mood::Half, Mood::Unavailable]);
    store.commits();
    let mut told = Vec::new();
    let import = Import::through("web");
    let stopped =
        block_on(acme.import(&mut file(&text), &import, |p| told.extend(p.rows.iter().map(|row| row.line))))
            .unwrap_err();
    assert_eq!(store.commits(), [1_000, 1_000, 500, 500], "the second batch is tried {TRIES_MAX} times");
    assert_eq!(stopped.error.kind(), ErrorKind::Unavailable);
    assert_eq!((stopped.report.created, stopped.report.rows, told.len()), (1_500, 1_500, 1_500));
    assert!(stopped.to_string().starts_with("the import stopped after 1500 rows: the store is unavailable"));
    assert_eq!(leads(&acme).len(), 1_500, "what was told is stored, and nothing else");
    assert_eq!(stopped.last_line(), 2_000);
    assert_eq!(Error::from(stopped).kind(), ErrorKind::Unavailable);
    store.be(&[Mood::Fine]);
    let report = block_on(acme.import(&mut file(&text), &import, |_| {})).unwrap();
    assert_eq!((report.created, report.replayed, report.rows), (1_500, 1_500, 3_000));
    assert_eq!(leads(&acme).len(), 3_000);
}

#[test]
fn a_limit_stops_the_import() {
    let (_, acme) = workspace(|settings| settings.leads_per_hour_max = Some(3));
    let mut lines = Vec::new();
    let import = Import::through("web");
    let stopped =
        block_on(acme.import(&mut file(FIVE), &import, |p| lines.extend(p.rows.iter().map(|row| row.line))))
            .unwrap_err();
    assert_eq!(stopped.error.kind(), ErrorKind::Overloaded);
    assert_eq!(lines, [2, 3, 4]);
    assert_eq!(stopped.report.created, 3);
}

#[test]
fn an_import_that_does_not_fit_stores_nothing() {
    let (_, acme) = workspace(|_| {});
    let feed = feed(&acme);
    let fails = |import: &Import| {
        block_on(acme.import(&mut file(FIVE), import, |_| panic!("told"))).unwrap_err().error
    };
    assert_eq!(fails(&Import::through("nowhere")).kind(), ErrorKind::NotFound);
    assert_eq!(fails(&Import::through("web").provider("nobody")).kind(), ErrorKind::NotFound);
    let error = fails(
        &Import::through("web")
            .received_in("When", TimeFormat::iso(Zone::UTC))
            .without("What")
            .person_per_row(),
    );
    let fields: Vec<&str> = error.reasons().iter().map(|reason| reason.field.as_str()).collect();
    assert_eq!(fields, ["received_at", "without", "person_per_row"]);
    assert_eq!(self::feed(&acme), feed);
}

#[test]
fn the_secret_of_a_webhook_is_asked_for() {
    let (_, acme) = workspace(|settings| settings.secret = Some(webhook::WebhookSecret::of("open sesame")));
    let refused = block_on(acme.import(&mut file(FIVE), &Import::through("web"), |_| {})).unwrap_err();
    assert_eq!((refused.error.kind(), refused.report.rows), (ErrorKind::Denied, 0));
    let with = Import::through("web").secret("open sesame");
    assert!(!format!("{with:?}").contains("sesame"));
    assert_eq!(import(&acme, FIVE, &with).0.created, 5);
}

#[test]
fn rows_that_say_nobody_are_each_a_person() {
    let text = "age;job\n56;housemaid\n56;housemaid\n41;\n";
    let (_, acme) = workspace(|settings| settings.keys = vec![KeyKind::Phone, KeyKind::External]);
    let each = Import::through("web").person_per_row();
    assert_eq!(import(&acme, text, &each).0.created, 3);
    assert_eq!(import(&acme, text, &each).0.replayed, 3);
    assert_eq!(contacts(&acme).len(), 3);
    assert_eq!(leads(&acme)[0].custom.0["job"], "housemaid");
    let (without, _) = import(&acme, "age;job\n1;2\n", &Import::through("web"));
    assert_eq!((without.rejected, without.problems.reasons.get("person_id", "missing")), (1, 1));
    // A phone comes first, where the webhook says so.
    assert_eq!(import(&acme, "phone,x\n+15551234561,1\n+15551234561,2\n", &each).0.linked, 1);
    // A file that says who people are, or a webhook that would not hear it.
    let code = |acme: &Handle, text: &str| {
        let error = block_on(acme.import(&mut file(text), &each, |_| {})).unwrap_err().error;
        error.reasons()[0].code.clone()
    };
    assert_eq!(code(&acme, "Prospect ID,x\n1,2\n"), "has_person");
    let (_, by_phone) = workspace(|_| {});
    assert_eq!(code(&by_phone, text), "no_key");
}

#[test]
fn a_webhook_that_asks_for_idempotency_keys_gets_the_rows_ids() {
    let (_, acme) = workspace(|settings| settings.idempotency_required = true);
    assert_eq!(import(&acme, FIVE, &Import::through("web")).0.created, 5);
    assert_eq!(import(&acme, FIVE, &Import::through("web")).0.replayed, 5);
}

#[test]
fn rows_were_received_when_the_file_says() {
    let (_, acme) = workspace(|_| {});
    let text = "phone,on\n+15551234561,2018-02-01\n+15551234562,\n+15551234563,soon\n+15551234564,2018-02-01T12:00Z\n";
    let lima = Zone::parse("America/Lima").unwrap();
    let (report, told) =
        import(&acme, text, &Import::through("web").received_in("on", TimeFormat::iso(lima)));
    assert_eq!(told, [[(2, "created"), (3, "created"), (4, "bad"), (5, "bad")]]);
    assert_eq!(report.problems.reasons.get("received_at", "unreadable"), 2);
    assert_eq!(leads(&acme)[0].received_at.to_rfc3339(), "2018-02-01T05:00:00+00:00");
    assert_eq!(leads(&acme)[1].received_at, now(), "a row that says nothing is received now");
    assert_eq!(leads(&acme)[0].custom.0["on"], "2018-02-01");
    let (_, other) = workspace(|_| {});
    let at = now() - chrono::TimeDelta::days(9);
    import(&other, FIVE, &Import::through("web").received_at(at));
    assert!(leads(&other).iter().all(|lead| lead.received_at == at));
}

#[test]
fn rows_are_prepared_before_they_are_sent() {
    let (_, acme) = workspace(|_| {});
    let text = "n,phone,secret,source\n1,+15551234561,x,Select\n2,+15551234562,y,Google\n3,+15551234563,z, Select \n";
    let prepared = Import::through("web").without("secret").blank("Select").prepare(|draft| {
        assert!(draft.get("secret").is_some(), "what is not sent can be read");
        assert_eq!(
            draft.line().to_string(),
            (draft.get("n").unwrap().parse::<u64>().unwrap() + 1).to_string()
        );
        match draft.remove("n").as_deref() {
            Some("2") => return Err(Reason::new("n", "even", "n is even")),
            Some("3") => draft.received_at(now() - chrono::TimeDelta::days(1)),
            Some(n) => draft.external_id(format!("row-{n}")),
            None => {}
        }
        draft.set("campaign", "spring");
        draft.set("source", draft.get("source").unwrap().to_owned());
        Ok(())
    });
    let (report, told) = import(&acme, text, &prepared);
    assert_eq!(told, [[(2, "created"), (3, "bad"), (4, "created")]]);
    assert_eq!(report.problems.first[0].to_string(), "line 3: n: n is even");
    let kept = leads(&acme);
    assert_eq!(kept[0].interest.external_id.as_deref(), Some("row-1"));
    assert_eq!(kept[0].interest.campaign.as_ref().map(|c| c.as_str()), Some("spring"));
    assert_eq!(kept[0].interest.source.as_str(), "web", "a blank source is the webhook's name");
    assert!(kept[0].custom.0.is_empty(), "{:?}", kept[0].custom);
    assert!(kept[1].received_at < kept[0].received_at);
}

#[test]
fn a_dry_run_foretells_and_writes_nothing() {
    let (_, acme) = workspace(|_| {});
    let text = "Name,phone,Note\nAnn,+15551234561,\nBob,12,\nCy\n,,\nDee,,x\nEve,+15551234562,y\n";
    let (import, feed) = (Import::through("web"), feed(&acme));
    let foretold = block_on(acme.dry_run(&mut file(text), &import)).unwrap();
    assert_eq!(self::feed(&acme), feed);
    let (report, _) = self::import(&acme, text, &import);
    assert_eq!((foretold.taken, foretold.rejected, foretold.bad), (2, 2, 1));
    assert_eq!(
        (foretold.taken, foretold.rejected, foretold.bad),
        (report.leads(), report.rejected, report.bad)
    );
    assert_eq!((foretold.rows, foretold.blank), (report.rows, report.blank));
    assert_eq!((&foretold.problems, &foretold.doubts), (&report.problems, &report.doubts));
    let columns: Vec<_> = foretold.columns.iter().map(|c| (c.column.as_str(), c.field)).collect();
    assert_eq!(columns, [("Name", Some("full_name")), ("phone", Some("phone")), ("Note", None)]);
    let long = format!("lead_id,phone\n{},+15551234561\n", "x".repeat(300));
    assert_eq!(block_on(acme.dry_run(&mut file(&long), &import)).unwrap().failed, 1);
    assert!(block_on(acme.dry_run(&mut file(text), &Import::through("nowhere"))).is_err());
}

#[test]
fn a_key_that_may_send_leads_may_import_them() {
    let store: &'static Moody = Box::leak(Box::new(Moody::new()));
    let convio = Convio::new(store);
    let acme = block_on(convio.create_workspace(NewWorkspace::named("Acme Solar"))).unwrap();
    let key_for = |permission| {
        let created = block_on(acme.create_api_key(NewApiKey::named("importer").may([permission]))).unwrap();
        block_on(convio.authenticate(created.token.expose())).unwrap()
    };
    let (sender, reader) = (key_for(Permission::Ingest), key_for(Permission::Read));
    let through = Import::through("direct");
    let denied = block_on(reader.import(&mut file(FIVE), &through, |_| {})).unwrap_err();
    assert_eq!(denied.error.kind(), ErrorKind::Denied);
    assert_eq!(block_on(reader.dry_run(&mut file(FIVE), &through)).unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!(block_on(sender.dry_run(&mut file(FIVE), &through)).unwrap().taken, 5);
    assert_eq!(import(&sender, FIVE, &through).0.created, 5);
}

#[test]
fn problems_are_counted_all_and_shown_first() {
    let (_, acme) = workspace(|_| {});
    let text = format!("name,phone\n{}", "only\n".repeat(PROBLEMS_SHOWN + 50));
    let (report, _) = import(&acme, &text, &Import::through("web"));
    assert_eq!(report.problems.first.len(), PROBLEMS_SHOWN);
    assert_eq!((report.bad, report.problems.rows), (150, 150));
}

#[test]
fn an_import_can_run_on_any_thread() {
    fn send<T: Send>(_: &T) {}
    let (_, acme) = workspace(|_| {});
    let (mut file, import) = (file(FIVE), Import::through("web"));
    send(&acme.import(&mut file, &import, |_| {}));
}

fn workspace(set: impl FnOnce(&mut WebhookSettings)) -> (&'static Moody, Handle) {
    let store: &'static Moody = Box::leak(Box::new(Moody::new()));
    let convio = Convio::with(store, FixedClock(now()), SequentialIds::seeded(1));
    let acme = block_on(convio.create_workspace(NewWorkspace::named("Acme Solar"))).unwrap();
    block_on(acme.create_webhook(NewWebhook::named("web").with(set))).unwrap();
    (store, acme)
}

fn now() -> chrono::DateTime<chrono::Utc> {
    "2027-03-02T18:00:00Z".parse().unwrap()
}

fn file(text: &str) -> CsvFile<Cursor<String>> {
    CsvFile::read(Cursor::new(text.to_owned())).unwrap()
}

/// The report, and per batch line and outcome of each row.
fn import(acme: &Handle, text: &str, import: &Import) -> (ImportReport, Vec<Vec<(u64, &'static str)>>) {
    let mut told = Vec::new();
    let batch = |progress: &ImportProgress<'_>| {
        told.push(progress.rows.iter().map(|row| (row.line, row.outcome.code())).collect());
    };
    let report = block_on(acme.import(&mut file(text), import, batch)).unwrap();
    (report, told)
}

fn leads(acme: &Handle) -> Vec<Lead> {
    let mut page = PageRequest::first(500);
    let mut all = Vec::new();
    loop {
        let found = block_on(acme.leads(&LeadFilter::default(), &page)).unwrap();
        all.extend(found.items);
        match found.next {
            Some(next) => page = PageRequest::after(next, 500),
            None => return all,
        }
    }
}

fn contacts(acme: &Handle) -> Vec<Contact> {
    block_on(acme.contacts(&ContactFilter::default(), &PageRequest::default())).unwrap().items
}

fn feed(acme: &Handle) -> u64 {
    block_on(acme.head()).unwrap().unwrap().feed.0
}

const FIVE: &str = "phone\n+15551234561\n+15551234562\n+15551234563\n+15551234564\n+15551234565\n";
