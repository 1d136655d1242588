//! Two clients to whom everything has happened that a relation shows: those of the mission document, and what does not happen
//! there. The same on every store, to the id.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use convio_conformance::mission::{Mission, world};
use convio_core::attribution::{NewTouch, TouchKind, TouchOf};
use convio_core::conversion::NewAdjustment;
use convio_core::provider::ProviderSettings;
use convio_core::service::SystemClock;
use convio_core::{
    Channel, Clock, ContactAttempt, ConversionType, Convio, LeadId, NewApiKey, NewAppointment, NewConversion,
    Party, Permission, RawLead, Rule, Schedule, SequentialIds, Source, Store, Target, WorkspaceHandle, Zone,
};

use super::delivered::deliver;

/// Makes them in a store that is empty, at a time that is now or was a moment ago.
pub(crate) async fn fill(store: impl Store + 'static, now: DateTime<Utc>) -> Mission<'static> {
    let clock = Hands(Arc::new(Mutex::new(now)));
    let convio = Convio::with(store, clock.clone(), SequentialIds::seeded(1));
    let mission = world(&convio, now).await;
    configure(&mission, &clock).await;
    leads(&mission).await;
    sales(&mission).await;
    visits(&mission).await;
    deliveries(&mission, &clock).await;
    mission
}

/// What the clock shows, to the microsecond: databases keep no more.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(SystemClock.now().timestamp_micros()).unwrap()
}

/// Keys that do not stand, or for some time only, a provider who may do anything, rules of all forms.
async fn configure(mission: &Mission<'static>, clock: &Hands) {
    let (acme, now) = (&mission.acme, mission.now);
    clock.set(now - TimeDelta::days(2));
    for (name, permission, days) in [("expired", Permission::Admin, 1), ("for a while", Permission::Read, 30)]
    {
        let key = NewApiKey::named(name).may([permission]).expires_at(now + TimeDelta::days(days - 2));
        acme.create_api_key(key).await.unwrap();
    }
    clock.set(now);
    let gone = acme.create_api_key(NewApiKey::named("gone").may(Permission::ALL)).await.unwrap();
    acme.revoke_api_key(gone.key.id).await.unwrap();
    let mut open = ProviderSettings::default();
    (open.leads_per_day_max, open.leads_per_month_max) = (Some(50), Some(500));
    acme.create_provider("Open", open).await.unwrap();
    let rules = [
        Rule::to(Target::team("solar-west")).named("solar").products(["Solar"]).any_zip().priority(3),
        Rule::to(Target::person("maria")).named("rest").any_product().zips(["90012"]).inactive(),
    ];
    acme.publish_rules(rules).await.unwrap();
}

/// One of before 1970 with a source that only its case tells apart, a repeat, a test, a deleted one, one that is lost, and
/// rejections. One is worked on in all ways.
async fn leads(mission: &Mission<'static>) {
    let (acme, now) = (&mission.acme, mission.now);
    let old = r#"{"name": "Pat Poe", "phone": "+13105550123 ext. 7", "source": "GOOGLE Ädś", "zip": "10001", "n\u0000te": "a\u0000b"}"#;
    let old = RawLead::json(old).webhook("google-solar").provider("Open");
    take(acme, old.received_at(DateTime::from_timestamp_micros(-1).unwrap())).await;
    take(acme, again().provider("Open")).await;
    take(acme, again().provider("Open")).await;
    take(
        acme,
        RawLead::json(r#"{"name": "Tess Test", "email": "tess@test.example", "phone": "+13105550124"}"#)
            .test(),
    )
    .await;
    let deleted = take(acme, again()).await;
    acme.delete_lead(deleted).await.unwrap();
    let lost = take(acme, again()).await;
    acme.move_lead(lost, "lost", Some("too dear".to_owned())).await.unwrap();
    for (webhook, provider) in [("google-solar", "Open"), ("insurance-portal", "LeadCo")] {
        let refused = RawLead::json(r#"{"phone": "12"}"#).webhook(webhook).provider(provider);
        assert!(acme.ingest(refused).await.unwrap().accepted().is_err());
    }
    let hvac = mission.leads.hvac;
    let attempt = ContactAttempt { channel: Channel::Call, reached: true, automated: false, at: now };
    acme.record_attempt(hvac, attempt).await.unwrap();
    acme.assign_lead(hvac, Some("sam".into())).await.unwrap();
    acme.note(hvac, "call back").await.unwrap();
    acme.follow_up(hvac, Some(now + TimeDelta::days(1))).await.unwrap();
}

/// In other currencies, for nothing, one that was paid back in part, and one that was a mistake. The touches before them are a
/// contact's, a visitor's who was found to be one, and nobody's.
async fn sales(mission: &Mission<'static>) {
    let (acme, other, hvac) = (&mission.acme, &mission.other, mission.leads.hvac);
    let touch = |of, source: &str| NewTouch::new(of, TouchKind::Click, Source::new(source).unwrap());
    let visitor = |id: &str| TouchOf::Visitor(id.to_owned());
    let click = touch(visitor("a81f"), "GOOGLE Ädś").medium("CPC".parse().unwrap());
    acme.track(click.cost("2.50 USD".parse().unwrap())).await.unwrap();
    acme.track(touch(visitor("b72e"), "Bing")).await.unwrap();
    acme.track(touch(TouchOf::Contact(mission.john), "Fair")).await.unwrap();
    acme.identify(mission.john, "a81f").await.unwrap();
    let upsell = ConversionType::new("Up-Sell").unwrap();
    for value in ["90000 JPY", "1.250 KWD", "0.00 USD", "10.01 USD"] {
        let sale = NewConversion::sale(hvac, value.parse().unwrap());
        let sold = acme.convert(sale.of_type(upsell.clone())).await.unwrap();
        if value == "90000 JPY" {
            let refund = NewAdjustment::refund("1 JPY".parse().unwrap());
            acme.adjust(sold.id, refund.because("a scratch")).await.unwrap();
        }
    }
    let mistake = NewConversion::sale(mission.leads.insurance, "100 USD".parse().unwrap());
    let mistake = acme.convert(mistake).await.unwrap();
    acme.void(mistake.id, "typo").await.unwrap();
    let roof = other.contact(convio_core::contact::ContactRef::Id(mission.johnny)).await.unwrap().unwrap();
    let sale = NewConversion::sale(roof.first_touch.lead, "0.0001 CLF".parse().unwrap());
    other.convert(sale.occurred_at(mission.now - TimeDelta::days(9))).await.unwrap();
}

/// Moved, called off, missed, without a rule, on the hour that an autumn has twice.
async fn visits(mission: &Mission<'static>) {
    let (acme, lead) = (&mission.acme, mission.leads.insurance);
    let day = |n: i64| Schedule::at(mission.now + TimeDelta::days(n), &Zone::UTC);
    let moved = acme.book(lead, NewAppointment::at(day(2)).direct(Target::person("maria"))).await.unwrap();
    acme.reschedule(moved.id, day(3), Party::Customer, Some("ill".into())).await.unwrap();
    let off = acme.book(lead, day(4)).await.unwrap();
    acme.cancel(off.id, Party::Staff, Some("no car".into())).await.unwrap();
    let missed = acme.book(lead, day(-1)).await.unwrap();
    acme.no_show(missed.id, Party::Customer).await.unwrap();
    let twice = Schedule::local("2026-11-01 01:30", "America/Los_Angeles").unwrap();
    acme.book(lead, twice).await.unwrap();
}

/// Of leads and appointments, to URLs and to the other client.
async fn deliveries(mission: &Mission<'static>, clock: &Hands) {
    let leads = [mission.leads.hvac, mission.leads.insurance, mission.leads.solar];
    let at = Schedule::at(mission.now + TimeDelta::days(20), &Zone::UTC);
    deliver(&mission.acme, &mission.other, leads, at, |by| clock.set(mission.now + by)).await;
}

async fn take(of: &WorkspaceHandle<'_>, raw: RawLead) -> LeadId {
    of.ingest(raw).await.unwrap().accepted().unwrap().lead
}

/// One and the same person, time after time.
fn again() -> RawLead {
    RawLead::json(r#"{"name": "Ann Again", "phone": "+13105550125", "product": "Solar", "source": "radio"}"#)
        .webhook("facebook-hvac")
}

/// A clock that is set by hand.
#[derive(Clone)]
struct Hands(Arc<Mutex<DateTime<Utc>>>);

impl Hands {
    fn set(&self, at: DateTime<Utc>) {
        *self.0.lock().unwrap() = at;
    }
}

impl Clock for Hands {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}
