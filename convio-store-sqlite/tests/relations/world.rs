//! Two clients in one file, in which everything has happened that a relation shows.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use convio_core::api_key::ApiKey;
use convio_core::provider::ProviderSettings;
use convio_core::service::SystemClock;
use convio_core::use_case::Completed;
use convio_core::{
    Accepted, Appointment, AppointmentType, Channel, Clock, ContactAttempt, Conversion, ConversionType,
    Convio, Custom, LeadId, LeadType, NewApiKey, NewAppointment, NewConversion, NewWebhook, NewWorkspace,
    NumberSeries, Outcome, Party, Permission, Provider, RawLead, Rule, Schedule, SequentialIds, Source,
    Target, Webhook, WorkspaceHandle, WorkspaceId, Zone,
};
use convio_store_sqlite::SqliteStore;
use pollster::block_on;
use tempfile::TempDir;
use uuid::Uuid;

use super::program::Program;

/// The file, its clients, and what is asked for by name. Acme counts in US dollars and UTC, Bolt in yen and the days of Tokyo.
pub(crate) struct World {
    pub(crate) acme: WorkspaceHandle<'static>,
    pub(crate) bolt: WorkspaceHandle<'static>,
    pub(crate) now: DateTime<Utc>,
    pub(crate) clock: Hands,
    pub(crate) google: Webhook,
    pub(crate) facebook: Webhook,
    pub(crate) leadco: Provider,
    pub(crate) key: ApiKey,
    /// Of one contact of Acme's: solar two days ago, sold; then HVAC, sold for yen; then one that was deleted.
    pub(crate) solar: Accepted,
    pub(crate) hvac: Accepted,
    pub(crate) deleted: LeadId,
    /// Of another one: received before 1970, its sale was voided.
    pub(crate) old: Accepted,
    pub(crate) test: Accepted,
    pub(crate) sale: Completed,
    pub(crate) voided: Conversion,
    pub(crate) yen: Conversion,
    pub(crate) moved: Appointment,
    /// Of Bolt's contact with the same phone and the same number.
    pub(crate) same: Accepted,
    pub(crate) file: PathBuf,
    #[expect(dead_code, reason = "the folder lives as long as the world")]
    home: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        block_on(Self::build())
    }

    pub(crate) fn program(&self) -> Program {
        Program::on(&self.file)
    }

    /// The first instant of today, in UTC.
    pub(crate) fn midnight(&self) -> DateTime<Utc> {
        self.now.date_naive().and_time(NaiveTime::MIN).and_utc()
    }

    /// Whether it is still the day that it was made on.
    pub(crate) fn is_of_today(&self) -> bool {
        SystemClock.now().date_naive() == self.now.date_naive()
    }

    async fn build() -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("leads.db");
        let now = SystemClock.now();
        let clock = Hands(Arc::new(Mutex::new(now - TimeDelta::days(3))));
        let convio = Convio::with(SqliteStore::open(&file).unwrap(), clock.clone(), SequentialIds::seeded(1));
        let [first, second] = with_the_same_number();
        let new = NewWorkspace::named("Acme Solar").zone("UTC").currency("USD");
        let acme = convio.create_workspace_with_id(first, new).await.unwrap();
        let new = NewWorkspace::named("Bolt & Co's").zone("Asia/Tokyo").currency("JPY");
        let bolt = convio.create_workspace_with_id(second, new).await.unwrap();

        let webhook = |name: &str, source: &str, lead_type: &str| {
            let (source, lead_type) = (Source::new(source).unwrap(), LeadType::new(lead_type).unwrap());
            NewWebhook::named(name).with(|settings| {
                (settings.source, settings.lead_type) = (Some(source), lead_type);
                settings.region = "US".parse().ok();
            })
        };
        let google = acme.create_webhook(webhook("google-solar", "Google", "Solar")).await.unwrap();
        let facebook = acme.create_webhook(webhook("facebook-hvac", "facebook", "HVAC")).await.unwrap();
        let mut settings = ProviderSettings::default();
        (settings.webhooks, settings.leads_per_day_max) = (Some([google.id].into()), Some(50));
        let leadco = acme.create_provider("LeadCo", settings).await.unwrap();
        let rules = [
            Rule::to(Target::team("solar-west"))
                .named("west")
                .products(["Solar"])
                .zips(["90210", "90211"])
                .priority(1),
            Rule::to(Target::person("maria")).named("rest").any_product().any_zip().priority(9).inactive(),
        ];
        acme.publish_rules(rules).await.unwrap();
        let standing = NewApiKey::named("office").may([Permission::Convert, Permission::Read]);
        acme.create_api_key(standing.expires_at(now + TimeDelta::days(30))).await.unwrap();
        clock.set(now - TimeDelta::days(2));
        let key = acme.create_api_key(NewApiKey::named("page").may([Permission::Ingest])).await.unwrap().key;
        clock.set(now - TimeDelta::days(2) + TimeDelta::microseconds(1));
        let expired = NewApiKey::named("expired").may([Permission::Admin]);
        acme.create_api_key(expired.expires_at(now - TimeDelta::seconds(1))).await.unwrap();
        let revoked = acme.create_api_key(NewApiKey::named("gone").may([Permission::Update])).await.unwrap();
        acme.revoke_api_key(revoked.key.id).await.unwrap();

        let raw = RawLead::json(SOLAR).webhook("google-solar").provider("LeadCo").external_id("g-1");
        let solar = take(&acme, raw).await;
        let wall = (now - TimeDelta::days(1)).format("%Y-%m-%d 10:00").to_string();
        let visit = NewAppointment::at(Schedule::local(&wall, "America/Los_Angeles").unwrap().minutes(45))
            .of_type(AppointmentType::new("Solar Consultation").unwrap())
            .location("1 Main St, O'Fallon")
            .staff("sam")
            .external_id("cal-1");
        let visit = acme.book(solar.lead, visit).await.unwrap();
        clock.set(now);
        let metadata: Custom = serde_json::from_str(r#"{"panels":12}"#).unwrap();
        let completion = convio_core::Completion::from(Outcome::Sold("5000.00 USD".parse().unwrap()))
            .next_step("install", Some(now + TimeDelta::days(9)))
            .completed_at(now - TimeDelta::hours(1))
            .external_id("inv-1")
            .metadata(metadata);
        let sale = acme.complete(visit.id, completion).await.unwrap();

        let hvac = take(&acme, RawLead::json(HVAC).webhook("facebook-hvac")).await;
        let attempt = ContactAttempt { channel: Channel::Call, reached: true, automated: false, at: now };
        acme.record_attempt(hvac.lead, attempt).await.unwrap();
        acme.assign_lead(hvac.lead, Some("sam".into())).await.unwrap();
        acme.note(hvac.lead, "call back").await.unwrap();
        let deleted = take(&acme, RawLead::json(HVAC).webhook("facebook-hvac")).await.lead;
        acme.delete_lead(deleted).await.unwrap();
        let raw = RawLead::json(OLD).webhook("google-solar").provider("LeadCo");
        let old = take(&acme, raw.received_at(DateTime::from_timestamp_micros(-1).unwrap())).await;
        let test = take(&acme, RawLead::json(TEST).test()).await;
        let refused = RawLead::json(r#"{"phone":"12"}"#).webhook("google-solar").provider("LeadCo");
        assert!(acme.ingest(refused).await.unwrap().accepted().is_err());

        let yen = NewConversion::sale(hvac.lead, "90000 JPY".parse().unwrap());
        let yen = acme.convert(yen.of_type(ConversionType::new("Upsell").unwrap())).await.unwrap();
        let mistake = NewConversion::sale(old.lead, "100.00 USD".parse().unwrap());
        let mistake = acme.convert(mistake).await.unwrap();
        let voided = acme.void(mistake.id, "typo").await.unwrap();

        let today = now.date_naive().and_time(NaiveTime::MIN).and_utc();
        let day = |n: i64| Schedule::at(today + TimeDelta::days(n), &Zone::parse("UTC").unwrap());
        for n in [-1, 0, 1, 6, 7, 8] {
            acme.book(hvac.lead, day(n)).await.unwrap();
        }
        let moved =
            acme.book(old.lead, NewAppointment::at(day(2)).direct(Target::person("maria"))).await.unwrap();
        acme.reschedule(moved.id, day(3), Party::Customer, Some("ill".into())).await.unwrap();
        let moved = acme.appointment(moved.id).await.unwrap().unwrap();

        let same = take(&bolt, RawLead::json(r#"{"name":"Taro Ito","phone":"+15551234567"}"#)).await;
        take(&bolt, RawLead::json(r#"{"phone":"+15551234567","source":"Radio"}"#)).await;
        for value in ["90 JPY", "1.250 KWD"] {
            bolt.convert(NewConversion::sale(same.lead, value.parse().unwrap())).await.unwrap();
        }
        bolt.book(same.lead, day(1)).await.unwrap();
        Self {
            acme,
            bolt,
            now,
            clock,
            google,
            facebook,
            leadco,
            key,
            solar,
            hvac,
            deleted,
            old,
            test,
            sale,
            voided,
            yen,
            moved,
            same,
            file,
            home,
        }
    }
}

/// A clock that is set by hand.
#[derive(Clone)]
pub(crate) struct Hands(Arc<Mutex<DateTime<Utc>>>);

impl Hands {
    pub(crate) fn set(&self, at: DateTime<Utc>) {
        *self.0.lock().unwrap() = at;
    }
}

impl Clock for Hands {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

async fn take(of: &WorkspaceHandle<'_>, raw: RawLead) -> Accepted {
    of.ingest(raw).await.unwrap().accepted().unwrap().clone()
}

/// Two workspaces whose first contacts have the same number.
fn with_the_same_number() -> [WorkspaceId; 2] {
    let mut seen = std::collections::HashMap::new();
    (1u128..)
        .map(|n| WorkspaceId::from_uuid(Uuid::from_u128(n << 64)))
        .find_map(|id| seen.insert(NumberSeries::of(id).nth(0), id).map(|other| [other, id]))
        .unwrap()
}

const SOLAR: &str = r#"{"firstName":"John","lastName":"O'Neil","phone":"(555) 123-4567 ext. 12","email":"John@Example.com",
    "street":"1 Main St","unit":"Apt 2","city":"Los Angeles","state":"California","zip":"90210","country":"USA",
    "product":"Solar","campaign":"spring","utm_source":"google","utm_medium":"cpc","utm_campaign":"spring-sale",
    "utm_term":"panels","utm_content":"ad-1","roof":"tile","bill":180}"#;
const HVAC: &str = r#"{"phone":"+15551234567","product":"HVAC"}"#;
const OLD: &str = r#"{"name":"Pat Poe","phone":"+13105550123","source":"GOOGLE","zip":"10001"}"#;
const TEST: &str = r#"{"name":"Tess Test","phone":"+13105550124 ext. 7","source":"test page"}"#;
