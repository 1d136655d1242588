//! The texts that the store sends, kept as files: a change of one is seen where it is reviewed, and `plans.rs` looks at the plan of
//! each.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use convio_conformance::{ManualClock, lead, lead_with, rejected, taken};
use convio_core::analytics::ReportQuery;
use convio_core::appointment::AppointmentFilter;
use convio_core::availability::Hours;
use convio_core::change_set::{ClaimKind, ClaimName};
use convio_core::chrono::TimeDelta;
use convio_core::contact::{ContactFilter, ContactRef};
use convio_core::conversion::ConversionFilter;
use convio_core::delivery::{
    DeliveryFilter, EventFilter, Guard, NewEndpoint, Outcome as Answer, Request, Response, Transport,
};
use convio_core::lead::LeadFilter;
use convio_core::rejection::RejectionFilter;
use convio_core::service::{Atomicity, Step};
use convio_core::{
    AppointmentId, CalendarSettings, Clock, ContactOf, Convio, Corrections, Cube, DeliveryId, EndpointId,
    LeadId, Need, Needs, NewAppointment, NewConversion, NewWebhook, NewWorkspace, Outcome, PageRequest,
    Party, Position, Resource, Rule, Schedule, SequentialIds, Store, StreamRef, Subject, Target,
    WorkspaceHandle, Zone,
};
use convio_store_postgres::PgStore;
use serde_json::json;
use sqlx::Row;
use sqlx::postgres::{PgPool, PgPoolOptions};
use support::{Place, run, server};

#[test]
fn the_texts_that_are_sent_are_those_of_the_snapshots() {
    let place = Place::new();
    let sent = run(async {
        let mut sent = Sent::through(&place).await;
        drive(&place, &mut sent).await;
        sent.pool.close().await;
        sent.texts
    });
    let dir = snapshots();
    let kept: BTreeSet<String> = std::fs::read_dir(&dir)
        .map(|files| {
            files.map(|file| file.expect("a file").file_name().into_string().expect("UTF-8")).collect()
        })
        .unwrap_or_default();
    let gone: Vec<_> = kept.iter().filter(|name| !sent.contains_key(*name)).collect();
    let differs = |(name, text): &(&String, &String)| {
        std::fs::read_to_string(dir.join(name)).map_or(true, |kept| kept != **text)
    };
    let new: Vec<_> = sent.iter().filter(differs).collect();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::create_dir_all(&dir).expect("makes the folder");
        gone.iter().for_each(|name| {
            std::fs::remove_file(dir.join(name)).expect("removes what is not sent any more")
        });
        new.iter().for_each(|(name, text)| std::fs::write(dir.join(name), text).expect("writes a snapshot"));
        return;
    }
    let first =
        new.first().map_or_else(String::new, |(name, text)| format!("\nFirst of them, `{name}`:\n{text}"));
    assert!(
        new.is_empty() && gone.is_empty(),
        "other texts are sent than `tests/snapshots` has. If that is meant, run\n    {UPDATE}=1 cargo test -p convio-store-postgres \
         --test sql_texts\nthen `cargo test -p convio-store-postgres --test plans`, and look at the difference before it is committed.\n\
         New or different: {:?}\nNot sent any more: {gone:?}{first}",
        new.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    );
}

/// Every text by its file's name, read from the server after each call.
struct Sent {
    /// One connection, so that the server's list of prepared statements is the store's.
    pool: PgPool,
    schema: String,
    seen: BTreeSet<String>,
    texts: BTreeMap<String, String>,
}

impl Sent {
    async fn through(place: &Place) -> Self {
        // More texts than sqlx keeps prepared by itself.
        let options = server().statement_cache_capacity(1_000);
        let pool =
            PgPoolOptions::new().max_connections(1).test_before_acquire(false).connect_with(options).await;
        let (seen, texts) = (BTreeSet::new(), BTreeMap::new());
        Self { pool: pool.expect("connects"), schema: place.schema.clone(), seen, texts }
    }

    /// Takes down what was sent since, as the texts of `call`: a text belongs to the first call that sends it.
    async fn by(&mut self, call: &str) {
        let rows = sqlx::raw_sql(PREPARED).fetch_all(&self.pool).await.expect("lists what is prepared");
        for row in rows {
            let (text, types): (String, String) = (row.get(0), row.get(1));
            if !self.seen.insert(text.clone()) {
                continue;
            }
            let part = part(&text);
            let name = format!("{call}{}{part}.sql", if part.is_empty() { "" } else { "." });
            let text = text.replace(&format!("\"{}\"", self.schema), "convio");
            let lines: Vec<_> = text.lines().map(str::trim_end).collect();
            let file = format!("-- {types}\n{}\n", lines.join("\n").trim_end());
            assert!(
                self.texts.insert(name.clone(), file).is_none(),
                "two texts are named `{name}`: name them apart"
            );
        }
    }
}

/// What a text does for its call, where a call sends several.
fn part(text: &str) -> &'static str {
    let set = text.strip_prefix("(SELECT ").and_then(|rest| rest.split("::").next()?.parse::<u32>().ok());
    match set {
        // The sets of `wanted.rs` go on after those of `load.rs`.
        Some(40..) => "picture",
        Some(_) => "load",
        None if text.starts_with("WITH gate") => "write",
        None if text.contains("FOR NO KEY UPDATE") && !text.starts_with("--") => "lock",
        None => "",
    }
}

/// Does everything that is done often, each with all that can come with it.
async fn drive(place: &Place, sent: &mut Sent) {
    let clock = ManualClock::at(START);
    let convio = |store: PgStore, ids| Convio::with(store, clock.clone(), SequentialIds::seeded(ids));
    // What sets a workspace up is seldom done, and is sent through another connection.
    let setup = convio(PgStore::with(place.pool.clone(), place.options()), 1);
    let acme =
        setup.create_workspace(NewWorkspace::named("Acme Solar").zone("America/Los_Angeles")).await.unwrap();
    acme.create_webhook(
        NewWebhook::named("limited").with(|settings| settings.leads_per_hour_max = Some(100)),
    )
    .await
    .unwrap();
    acme.publish_rules([Rule::to(Target::team("one")).any_product().any_zip()]).await.unwrap();

    let here = convio(PgStore::with(sent.pool.clone(), place.options()), 2);
    let acme = here.workspace(acme.id());
    here.store().load(&Needs::of(acme.id(), [Need::Config])).await.unwrap();
    sent.by("configuration").await;
    // `receive` reads so too.
    here.store().fetch_appointments(acme.id(), &[AppointmentId::from_uuid(acme.id().uuid())]).await.unwrap();
    sent.by("fetch_appointments").await;
    journey(&acme, &clock, sent).await;
    reads(&acme, here.store(), &clock, sent).await;
    reads_of_deliveries(&acme, here.store(), sent).await;
    let crm = NewEndpoint::to("https://crm.example.com/in").named("crm");
    let crm = crm.with(|settings| settings.events = EventFilter::only(["lead.received"]));
    setup.workspace(acme.id()).create_endpoint(crm, &Guard::new()).await.unwrap();
    deliveries(&acme, sent).await;
}

/// Leads and what becomes of them.
async fn journey(acme: &WorkspaceHandle<'_>, clock: &ManualClock, sent: &mut Sent) {
    let first = taken(acme.ingest(lead(1)).await);
    sent.by("ingest_one").await;
    let gated = lead(12).webhook("limited").idempotency_key("k12").external_id("x12");
    taken(acme.ingest(gated).await);
    sent.by("ingest_one_with_gates").await;
    acme.ingest_batch(vec![lead(2), lead(2), lead(3)], Atomicity::PerRow).await.unwrap();
    sent.by("ingest_batch").await;
    let named =
        |n: u32| lead(n).webhook("limited").idempotency_key(format!("k{n}")).external_id(format!("x{n}"));
    acme.ingest_batch((4..8).map(named).collect(), Atomicity::PerRow).await.unwrap();
    sent.by("ingest_batch_of_named_leads").await;
    acme.ingest_batch(vec![lead(8), lead_with(9, json!({"phone": "12"}))], Atomicity::PerRow).await.unwrap();
    sent.by("ingest_batch_with_a_rejection").await;
    let refused = rejected(acme.ingest(lead_with(10, json!({"phone": "12"}))).await);
    sent.by("reject").await;
    acme.correct(refused.id, Corrections::default().set("phone", "+12132000010")).await.unwrap();
    sent.by("correct").await;
    taken(acme.release(refused.id).await);
    sent.by("release").await;
    acme.receive(lead(11), tomorrow(clock)).await.unwrap();
    sent.by("receive").await;

    let visit = acme.book(first.lead, tomorrow(clock)).await.unwrap();
    sent.by("book").await;
    acme.confirm(visit.id).await.unwrap();
    sent.by("confirm").await;
    let visit = acme.reschedule(visit.id, tomorrow(clock).minutes(30), Party::Customer, None).await.unwrap();
    sent.by("reschedule").await;
    let cancelled = acme.book(first.lead, tomorrow(clock)).await.unwrap();
    acme.cancel(cancelled.id, Party::Customer, None).await.unwrap();
    sent.by("cancel").await;
    clock.advance(TimeDelta::days(2));
    acme.complete(visit.id, Outcome::Sold("5000 USD".parse().unwrap())).await.unwrap();
    sent.by("complete").await;
    let sale = NewConversion::sale(first.lead, "70 USD".parse().unwrap());
    let sale = acme.convert(sale).await.unwrap();
    sent.by("convert").await;
    let named = NewConversion::sale(first.lead, "70 USD".parse().unwrap()).external_id("sale-1");
    acme.convert(named).await.unwrap();
    sent.by("convert_under_a_name").await;
    acme.void(sale.id, "typed twice").await.unwrap();
    sent.by("void").await;
    let other = taken(acme.ingest(lead(12)).await);
    acme.assign_lead(other.lead, Some("Ann".to_owned())).await.unwrap();
    sent.by("change_lead").await;
    acme.delete_lead(other.lead).await.unwrap();
    sent.by("delete_lead").await;
    let hours = CalendarSettings::open(Hours::always(Zone::UTC));
    acme.set_calendar(Resource::person("ann"), hours).await.unwrap();
    sent.by("set_calendar").await;
    let with_ann = NewAppointment::at(tomorrow(clock)).direct(Target::person("ann"));
    acme.book(first.lead, with_ann).await.unwrap();
    sent.by("book_with_a_calendar").await;
}

/// Everything that is read.
async fn reads(acme: &WorkspaceHandle<'_>, store: &dyn Store, clock: &ManualClock, sent: &mut Sent) {
    let (id, page, now) = (acme.id(), PageRequest::first(2), clock.now());
    let ahead = now + TimeDelta::days(1);
    let leads = store.list_leads(id, &LeadFilter::default(), &page).await.unwrap();
    sent.by("list_leads").await;
    let (lead, contact) = (leads.items[0].id, leads.items[0].contact);
    store.list_leads(id, &LeadFilter::of_contact(contact), &page).await.unwrap();
    sent.by("list_leads_of_contact").await;
    store.fetch_leads(id, &[lead]).await.unwrap();
    sent.by("fetch_leads").await;
    store.fetch_payloads(id, &[lead.intake()]).await.unwrap();
    sent.by("fetch_payloads").await;
    let name = ClaimName { webhook: None, kind: ClaimKind::ExternalId, value: "x".to_owned() };
    store.fetch_holders(id, &[name]).await.unwrap();
    sent.by("fetch_holders").await;

    let several = ContactFilter::with_several_leads();
    store.list_contacts(id, &several, &page).await.unwrap();
    sent.by("list_contacts").await;
    let of_phone = |phone: &str| {
        let mut filter = ContactFilter::default();
        filter.phone = Some(phone.to_owned());
        filter
    };
    store.list_contacts(id, &of_phone("+12122000001"), &page).await.unwrap();
    sent.by("list_contacts_of_phone").await;
    store.list_contacts(id, &ContactFilter::created_between(now, ahead), &page).await.unwrap();
    sent.by("list_contacts_of_days").await;
    let keys = store.contact_keys(id, contact).await.unwrap();
    sent.by("contact_keys").await;
    let found = store.fetch_contacts(id, &[ContactRef::Id(contact)]).await.unwrap();
    sent.by("fetch_contacts_by_id").await;
    let number = found[0].as_ref().expect("is there").number;
    store.fetch_contacts(id, &[ContactRef::Number(number)]).await.unwrap();
    sent.by("fetch_contacts_by_number").await;
    store.fetch_contacts(id, &[ContactRef::Key(keys[0].clone())]).await.unwrap();
    sent.by("fetch_contacts_by_key").await;

    let visits = store.list_appointments(id, &AppointmentFilter::default(), &page).await.unwrap();
    sent.by("list_appointments").await;
    let visit = visits.items[0].id;
    for (name, filter) in [
        ("list_appointments_of_lead", AppointmentFilter::of_lead(lead)),
        ("list_appointments_of_contact", AppointmentFilter::of_contact(contact)),
        ("list_appointments_of_days", AppointmentFilter::between(now, ahead)),
    ] {
        store.list_appointments(id, &filter, &page).await.unwrap();
        sent.by(name).await;
    }
    let sales = store.list_conversions(id, &ConversionFilter::default(), &page).await.unwrap();
    sent.by("list_conversions").await;
    store.list_conversions(id, &ConversionFilter::of_lead(lead), &page).await.unwrap();
    sent.by("list_conversions_of_lead").await;
    store.list_conversions(id, &ConversionFilter::of_contact(contact), &page).await.unwrap();
    sent.by("list_conversions_of_contact").await;
    store.fetch_conversions(id, &[sales.items[0].id]).await.unwrap();
    sent.by("fetch_conversions").await;

    store.list_rejections(id, &RejectionFilter::held(), &page).await.unwrap();
    sent.by("list_rejections").await;
    store.fetch_rejections(id, &[lead.intake()]).await.unwrap();
    sent.by("fetch_rejections").await;
    let webhooks = store.list_webhooks(id, &page).await.unwrap();
    sent.by("list_webhooks").await;
    store.fetch_webhooks(id, &[webhooks.items[0].id]).await.unwrap();
    sent.by("fetch_webhooks").await;
    store.fetch_workspaces(&[id]).await.unwrap();
    sent.by("fetch_workspaces").await;
    store.fetch_records(id, "routing.rules", &["current".to_owned()]).await.unwrap();
    sent.by("fetch_records").await;
    store.fetch_used(id, &[("a".to_owned(), chrono::DateTime::UNIX_EPOCH)]).await.unwrap();
    sent.by("fetch_used").await;

    for (name, stream) in [
        ("history_of_contact", StreamRef::Contact(contact)),
        ("history_of_lead", StreamRef::Lead(lead)),
        ("history_of_subject", StreamRef::Subject(Subject::Appointment(visit))),
    ] {
        store.history(id, stream, &page).await.unwrap();
        sent.by(name).await;
    }
    store.feed(id, Position(3), 2).await.unwrap();
    sent.by("feed").await;
    store.head(id).await.unwrap();
    sent.by("head").await;
    store.report(id, &ReportQuery::all(Cube::Leads)).await.unwrap();
    sent.by("report").await;
    store.load(&Needs::of(id, [Need::Touches(ContactOf::Itself(contact), now)])).await.unwrap();
    sent.by("touches_of_contact").await;
    store.load(&Needs::of(id, [Need::Contact(contact)])).await.unwrap();
    sent.by("load_of_contact").await;
    for (name, of) in [("lead", ContactOf::Lead(lead)), ("appointment", ContactOf::Appointment(visit))] {
        store.load(&Needs::of(id, [Need::Touches(of, now)])).await.unwrap();
        sent.by(&format!("touches_of_{name}")).await;
        store.load(&Needs::of(id, [Need::Owner(of)])).await.unwrap();
        sent.by(&format!("owner_of_{name}")).await;
    }
}

async fn reads_of_deliveries(acme: &WorkspaceHandle<'_>, store: &dyn Store, sent: &mut Sent) {
    let (id, page) = (acme.id(), PageRequest::first(2));
    let (lead, visit) = (LeadId::from_uuid(id.uuid()), AppointmentId::from_uuid(id.uuid()));
    let endpoint = EndpointId::from_uuid(id.uuid());
    store.fetch_deliveries(id, &[DeliveryId::from_uuid(id.uuid())]).await.unwrap();
    sent.by("fetch_deliveries").await;
    for (name, filter) in [
        ("list_deliveries", DeliveryFilter::default()),
        ("list_deliveries_of_endpoint", DeliveryFilter::to_endpoint(endpoint)),
        ("list_deliveries_of_lead", DeliveryFilter::of_lead(lead)),
        ("list_deliveries_of_appointment", DeliveryFilter::of_appointment(visit)),
    ] {
        store.list_deliveries(id, &filter, &page).await.unwrap();
        sent.by(name).await;
    }
    store.next_deliveries(id, &[endpoint], 2).await.unwrap();
    sent.by("next_deliveries").await;
}

/// A courier at work.
async fn deliveries(acme: &WorkspaceHandle<'_>, sent: &mut Sent) {
    let mut courier = acme.courier(Receiver, Guard::new());
    let lead = taken(acme.ingest(lead(13)).await).lead;
    acme.forward_lead(lead, "crm").await.unwrap();
    sent.by("forward_lead").await;
    let mut made = 0;
    loop {
        let step = courier.step().await.unwrap();
        match step {
            Step::Idle => break,
            Step::Made(n) => made += n,
            Step::Sent(_) => {}
        }
        sent.by(if matches!(step, Step::Sent(_)) { "send_a_delivery" } else { "make_deliveries" }).await;
    }
    assert_eq!(made, 1);
}

/// A receiver that takes everything.
struct Receiver;

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, _: &Request) -> Answer {
        Ok(Response::new(200))
    }
}

fn tomorrow(clock: &ManualClock) -> Schedule {
    Schedule::at(clock.now() + TimeDelta::days(1), &"America/Los_Angeles".parse().expect("a zone"))
}

fn snapshots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots")
}

/// Set it to write the snapshots anew.
const UPDATE: &str = "CONVIO_UPDATE_SNAPSHOTS";
/// 2027-03-01T15:00:00Z.
const START: i64 = 1_803_913_200_000_000;
const PREPARED: &str = "SELECT statement, array_to_string(parameter_types::text[], ', ')
    FROM pg_prepared_statements WHERE statement !~ '^(SHOW|SET|BEGIN)' ORDER BY prepare_time, name";
