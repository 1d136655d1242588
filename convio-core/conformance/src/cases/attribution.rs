use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use convio_core::attribution::{
    AttributionSettings, EDITIONS_MAX, JourneyStep, KeptCredits, Lookback, MILLION, Model, ModelSettings,
    NewTouch, TouchDims, TouchKind, TouchOf, Touchpoint,
};
use convio_core::conversion::NewAdjustment;
use convio_core::money::{Currency, ExchangeRate, Rates};
use convio_core::service::{CreditQuery, Credits, Dimension};
use convio_core::store::JOURNEY_ROWS_MAX;
use convio_core::text::{Campaign, ConversionType, MarketingChannel, Medium, Source};
use convio_core::{
    AdjustmentId, Clock, Completion, ContactId, ContactOf, Conversion, ErrorKind, LeadId, Need, Needs,
    NewConversion, Outcome, TouchpointId, WorkspaceHandle,
};
use serde_json::json;
use uuid::Uuid;

use super::lead_work::{in_order, schedule};
use super::sales::{money, sale, totals};
use crate::dice::Dice;
use crate::{Subject, World, codes, created, lead_with, taken};

pub(crate) async fn every_lead_is_a_touch_and_each_model_shares_the_value(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let start = world.clock.now();
    world.clock.advance(TimeDelta::days(20));
    let google = arrive(&acme, "Google", start).await;
    arrive(&acme, "Bing", start + TimeDelta::days(10)).await;
    let yelp = arrive(&acme, "Yelp", start + TimeDelta::days(20)).await;
    let gone = arrive(&acme, "Gone", start + TimeDelta::days(11)).await;
    acme.delete_lead(gone).await.unwrap();
    taken(acme.ingest(lead_with(1, json!({"source": "Test"})).test()).await);
    taken(acme.ingest(lead_with(2, json!({"source": "Neighbour"}))).await);
    let sold = acme.convert(sale(google, "100 USD")).await.unwrap();
    let kept = credits_of(&acme, &sold).await;
    let sources: Vec<&str> = kept.touches.iter().map(|touch| touch.source.as_str()).collect();
    assert_eq!(sources, ["Google", "Bing", "Yelp"]);
    assert_eq!(kept.touches[2].lead(), Some(yelp));
    let row = acme.lead(yelp).await.unwrap().unwrap();
    assert_eq!((kept.touches[2].webhook, kept.touches[2].at), (Some(row.webhook), row.received_at));
    for (model, expected) in [
        ("first_touch", [10_000, 0, 0]),
        ("last_touch", [0, 0, 10_000]),
        ("last_non_direct", [0, 0, 10_000]),
        ("linear", [3_334, 3_333, 3_333]),
        ("time_decay", [914, 2_461, 6_625]),
        ("position_based", [4_000, 2_000, 4_000]),
    ] {
        assert_eq!(shares(&kept, model), expected, "{model}");
        let report = report(&acme, model, Dimension::Source).await;
        let value = |source: &str| report.rows.get(source).map_or(0, |row| usd(&row.value) as i64);
        assert_eq!([value("google"), value("bing"), value("yelp")], expected, "{model}, reported");
        assert_eq!((usd(&report.total.value), report.total.millionths), (10_000, MILLION), "{model}");
        assert_eq!(usd(&report.unattributed.value), 0, "{model}");
    }
    assert_eq!(kept.credits("markov"), None, "no such model is kept");
    let nowhere = convio_core::ConversionId::from_uuid(Uuid::nil());
    assert_eq!(acme.attribution(nowhere).await.unwrap(), None);
    in_order(&world, &acme).await;
}

pub(crate) async fn what_a_visitor_did_is_the_contacts_once_identified(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let visitor = |id: &str| TouchOf::Visitor(id.to_owned());
    let click = NewTouch::new(visitor("a81f"), TouchKind::Click, Source::new("Google").unwrap());
    let click = click.medium(Medium::new("cpc").unwrap()).campaign(Campaign::new("Spring").unwrap());
    acme.track(click.cost(money("2.50 USD"))).await.unwrap();
    track(&acme, visitor("other"), "Nobody's").await;
    world.clock.advance(TimeDelta::days(1));
    let accepted = created(acme.ingest(lead_with(1, json!({"source": "Form"}))).await);
    let first = acme.convert(sale(accepted.lead, "100 USD")).await.unwrap();
    assert_eq!(sources(&credits_of(&acme, &first).await.touches), ["Form"], "nobody knows who it was");
    in_order(&world, &acme).await;

    acme.identify(accepted.contact, "a81f").await.unwrap();
    world.clock.advance(TimeDelta::days(1));
    let visit = track(&world.elsewhere(&acme), visitor("a81f"), "Mail").await;
    world.clock.advance(TimeDelta::hours(1));
    let call = track(&acme, TouchOf::Contact(accepted.contact), "Phone book").await;
    world.clock.advance(TimeDelta::days(1));
    let journey = acme.journey(accepted.contact).await.unwrap();
    assert_eq!(sources(&journey.touches), ["Google", "Form", "Mail", "Phone book"]);
    assert_eq!([journey.touches[2].id(), journey.touches[3].id()], [visit, call]);
    let google = &journey.touches[0];
    assert_eq!(
        (google.channel.as_str(), google.cost, google.campaign.as_ref().map(Campaign::as_str)),
        ("paid search", Some(money("2.50 USD")), Some("Spring"))
    );
    let second = acme.convert(sale(accepted.lead, "100 USD")).await.unwrap();
    let kept = credits_of(&acme, &second).await;
    assert_eq!(shares(&kept, "linear"), [2_500; 4]);
    assert_eq!(shares(&kept, "first_touch"), [10_000, 0, 0, 0]);
    assert_eq!(sources(&credits_of(&acme, &first).await.touches), ["Form"], "what was attributed stays");
    in_order(&world, &acme).await;
}

pub(crate) async fn a_visitor_is_one_contact(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let first = created(acme.ingest(lead_with(1, json!({}))).await).contact;
    let second = created(acme.ingest(lead_with(2, json!({}))).await).contact;
    track(&acme, TouchOf::Visitor("a81f".into()), "Google").await;
    acme.identify(first, "a81f").await.unwrap();
    let before = in_order(&world, &acme).await;
    acme.identify(first, "a81f").await.unwrap();
    world.elsewhere(&acme).identify(first, "a81f").await.unwrap();
    let taken = acme.identify(second, "a81f").await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Conflict);
    assert!(!taken.to_string().contains("a81f"), "{taken}");
    let nobody = acme.identify(ContactId::from_uuid(Uuid::nil()), "b").await.unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::NotFound);
    for id in ["", " ", "a\0b", &*"x".repeat(201)] {
        let wrong = acme.identify(first, id).await.unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Invalid);
        assert_eq!(wrong.reasons()[0].field, "visitor");
    }
    assert_eq!(
        in_order(&world, &acme).await,
        before,
        "said again it changes nothing, and neither does what is wrong"
    );
    assert_eq!(sources(&acme.journey(second).await.unwrap().touches), ["direct"]);
    // Another workspace has visitors of its own, and a contact may have been several.
    let other = world.acme().await;
    let theirs = created(other.ingest(lead_with(1, json!({}))).await).contact;
    other.identify(theirs, "a81f").await.unwrap();
    assert_eq!(other.journey(theirs).await.unwrap().touches.len(), 1);
    track(&acme, TouchOf::Visitor("b72e".into()), "Bing").await;
    acme.identify(first, "b72e").await.unwrap();
    assert_eq!(acme.journey(first).await.unwrap().touches.len(), 3);
    // No lead is recognised by it.
    let settings =
        |settings: &mut convio_core::WebhookSettings| settings.keys = vec![convio_core::KeyKind::Visitor];
    let refused = acme.create_webhook(convio_core::NewWebhook::named("v").with(settings)).await.unwrap_err();
    assert_eq!(codes(refused.reasons()), ["keys/visitor"]);
    in_order(&world, &acme).await;
}

pub(crate) async fn the_same_touch_told_again_is_one(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let contact = created(acme.ingest(lead_with(1, json!({}))).await).contact;
    let call = |source: &str| {
        let source = Source::new(source).unwrap();
        NewTouch::new(TouchOf::Contact(contact), TouchKind::Call, source).external_id("call-1")
    };
    let first = acme.track(call("Phone book")).await.unwrap();
    world.clock.advance(TimeDelta::days(1));
    assert_eq!(acme.track(call("Phone book")).await.unwrap(), first);
    assert_eq!(world.elsewhere(&acme).track(call("Phone book")).await.unwrap(), first);
    let other = acme.track(call("Mail")).await.unwrap_err();
    assert_eq!(
        (other.kind(), codes(other.reasons())),
        (ErrorKind::Conflict, vec!["external_id/reused".to_owned()])
    );
    let visitor = TouchOf::Visitor("a81f".into());
    let visitor = NewTouch::new(visitor, TouchKind::Call, Source::new("Phone book").unwrap());
    let someone = acme.track(visitor.external_id("call-1")).await.unwrap_err();
    assert_eq!(someone.kind(), ErrorKind::Conflict, "it is another one's");
    assert_eq!(acme.journey(contact).await.unwrap().touches.len(), 2);
    in_order(&world, &acme).await;
}

pub(crate) async fn wrong_fields_of_a_touch_are_all_named(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let before = in_order(&world, &acme).await;
    let new = NewTouch::new(TouchOf::Visitor(" ".into()), TouchKind::Click, Source::unknown());
    let wrong = acme.track(new.cost(money("-1 USD")).external_id("")).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Invalid);
    assert_eq!(codes(wrong.reasons()), ["visitor/blank", "external_id/invalid", "cost/negative"]);
    let nobody = TouchOf::Contact(ContactId::from_uuid(Uuid::nil()));
    let unknown = acme.track(NewTouch::new(nobody, TouchKind::Click, Source::unknown())).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    assert_eq!(in_order(&world, &acme).await, before);
}

pub(crate) async fn a_touch_out_of_the_window_counts_nothing(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let renewal = ConversionType::new("Renewal").unwrap();
    let model = ModelSettings::new("linear", Model::Linear).lookback(Lookback::days(10));
    let model = model.lookback_of(renewal.clone(), Lookback::UNLIMITED);
    set(&acme, vec![model, ModelSettings::new("first", Model::FirstTouch).lookback(Lookback::days(9))]).await;
    let start = world.clock.now();
    world.clock.advance(TimeDelta::days(400));
    let id = arrive(&acme, "Long ago", start).await;
    arrive(&acme, "Just in", start + TimeDelta::days(20)).await;
    arrive(&acme, "Then", start + TimeDelta::days(30)).await;
    arrive(&acme, "Later", start + TimeDelta::days(30) + TimeDelta::microseconds(1)).await;
    let at = start + TimeDelta::days(30);
    let sold = acme.convert(sale(id, "100 USD").occurred_at(at)).await.unwrap();
    let kept = credits_of(&acme, &sold).await;
    assert_eq!(credited(&kept, "linear"), [("Just in", 5_000), ("Then", 5_000)]);
    assert_eq!(credited(&kept, "first"), [("Then", 10_000)]);
    let sold = acme.convert(sale(id, "100 USD").of_type(renewal).occurred_at(at)).await.unwrap();
    let kept = credits_of(&acme, &sold).await;
    assert_eq!(credited(&kept, "linear"), [("Long ago", 3_334), ("Just in", 3_333), ("Then", 3_333)]);
    in_order(&world, &acme).await;
}

pub(crate) async fn without_a_touch_all_is_unattributed(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead_with(1, json!({}))).await).lead;
    let earlier = world.clock.now() - TimeDelta::days(3);
    let sold = acme.convert(sale(id, "100 USD").occurred_at(earlier)).await.unwrap();
    let kept = credits_of(&acme, &sold).await;
    assert_eq!((kept.touches.len(), kept.credits("linear")), (0, Some(vec![])));
    acme.adjust(sold.id, NewAdjustment::refund(money("0.01 USD"))).await.unwrap();
    for model in ["linear", "first_touch"] {
        let report = report(&acme, model, Dimension::Channel).await;
        assert_eq!((report.rows.len(), usd(&report.unattributed.value)), (0, 9_999), "{model}");
        assert_eq!(report.unattributed, report.total);
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn a_refund_is_shared_as_the_sale_was(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = arrive(&acme, "Google", world.clock.now()).await;
    world.clock.advance(TimeDelta::days(1));
    arrive(&acme, "Bing", world.clock.now()).await;
    world.clock.advance(TimeDelta::days(1));
    arrive(&acme, "Yelp", world.clock.now()).await;
    let sold = acme.convert(sale(id, "1.00 USD")).await.unwrap();
    world.clock.advance(TimeDelta::days(1));
    arrive(&acme, "Late", sold.occurred_at).await;
    set(&acme, vec![ModelSettings::new("linear", Model::LastTouch)]).await;
    let refund = NewAdjustment::refund(money("0.50 USD"));
    let refunded = acme.adjust(sold.id, refund).await.unwrap();
    let kept = credits_of(&acme, &sold).await;
    assert_eq!(credited(&kept, "linear"), [("Google", 17), ("Bing", 17), ("Yelp", 16)]);
    let adjustment: Option<AdjustmentId> = kept.model("linear").unwrap().bookings[1].adjustment;
    assert_eq!(adjustment, Some(refunded.adjustments[0].adjustment.id));
    let then = kept.believed("linear", sold.created_at).unwrap();
    assert_eq!(then.iter().map(|(_, credit)| credit.minor()).collect::<Vec<_>>(), [34, 33, 33]);
    in_order(&world, &acme).await;
    acme.void(sold.id, "a mistake").await.unwrap();
    let kept = credits_of(&acme, &sold).await;
    assert_eq!(shares(&kept, "linear"), [0, 0, 0]);
    assert_eq!(report(&acme, "linear", Dimension::Source).await.total.millionths, 0);
    in_order(&world, &acme).await;
}

pub(crate) async fn reports_add_up_by_whatever_they_are_grouped(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut dice = Dice::of_this_run();
    let mut sold = Vec::new();
    for n in 0..6 {
        for _ in 0..1 + dice.below(3) {
            let (source, campaign) = (["Google", "Bing", "Yelp"][dice.index(3)], ["a", "b"][dice.index(2)]);
            let medium = ["cpc", "email"][dice.index(2)];
            let more = json!({"source": source, "campaign": campaign, "utm_medium": medium});
            taken(acme.ingest(lead_with(n, more)).await);
            world.clock.advance(TimeDelta::hours(dice.below(90) as i64));
        }
        let contact =
            acme.contacts(&Default::default(), &Default::default()).await.unwrap().items.pop().unwrap();
        let touches = acme.journey(contact.id).await.unwrap().touches;
        let lead = touches[dice.index(touches.len())].lead().unwrap();
        let value = convio_core::Money::from_minor(dice.below(10_000) as i64, Currency::USD);
        sold.push(acme.convert(NewConversion::sale(lead, value)).await.unwrap());
        if dice.chance(50) {
            let row = sold.last().unwrap();
            let _ = acme.adjust(row.id, NewAdjustment::refund(money("10 USD"))).await;
        }
    }
    acme.void(sold[0].id, "a mistake").await.unwrap();
    let mut kept: Vec<KeptCredits> = Vec::new();
    for row in &sold {
        kept.push(credits_of(&acme, row).await);
    }
    let names = |dims: TouchDims, by: Dimension| match by {
        Dimension::Source => dims.source,
        Dimension::Medium => dims.medium,
        Dimension::Campaign => dims.campaign,
        Dimension::Channel => dims.channel,
        Dimension::Provider => dims.provider,
        Dimension::Webhook => dims.webhook,
    };
    let revenue = convio_core::Money::zero(Currency::USD).checked_add(money(&totals(&acme).await.1)).unwrap();
    for model in AttributionSettings::standard().models {
        for by in [
            Dimension::Source,
            Dimension::Medium,
            Dimension::Campaign,
            Dimension::Channel,
            Dimension::Provider,
            Dimension::Webhook,
        ] {
            let report = report(&acme, &model.name, by).await;
            let mut naive: BTreeMap<String, i128> = BTreeMap::new();
            for credits in &kept {
                for (touch, credit) in credits.credits(&model.name).unwrap() {
                    *naive.entry(names(TouchDims::of(touch), by)).or_default() += i128::from(credit.minor());
                }
            }
            naive.retain(|_, minor| *minor != 0);
            let mut told: BTreeMap<String, i128> =
                report.rows.iter().map(|(name, row)| (name.clone(), usd(&row.value))).collect();
            told.retain(|_, minor| *minor != 0);
            assert_eq!(told, naive, "{} {by:?}", model.name);
            let sum: i128 = report.rows.values().map(|row| usd(&row.value)).sum();
            assert_eq!(sum + usd(&report.unattributed.value), usd(&report.total.value));
            assert_eq!(usd(&report.total.value), i128::from(revenue.minor()), "{} {by:?}", model.name);
            assert_eq!(report.total.millionths, 5 * MILLION);
        }
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn what_was_believed_is_what_was_known_then(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = arrive(&acme, "Google", world.clock.now()).await;
    world.clock.advance(TimeDelta::days(1));
    let sold = acme.convert(sale(id, "100 USD")).await.unwrap();
    world.clock.advance(TimeDelta::days(4));
    acme.adjust(sold.id, NewAdjustment::refund(money("40 USD"))).await.unwrap();
    let late = acme.convert(sale(id, "7 USD").occurred_at(sold.occurred_at)).await.unwrap();
    assert_eq!(late.day, sold.day);
    let day = |n: u64| sold.day + chrono::Days::new(n);
    let before = sold.day - chrono::Days::new(1);
    for (as_of, value, millionths) in [
        (Some(before), 0, 0),
        (Some(day(0)), 10_000, MILLION),
        (Some(day(3)), 10_000, MILLION),
        (Some(day(4)), 6_700, 2 * MILLION),
        (None, 6_700, 2 * MILLION),
    ] {
        let query =
            CreditQuery { as_of, ..CreditQuery::new("linear", Dimension::Source, sold.day, sold.day) };
        let report = acme.credits(&query).await.unwrap();
        assert_eq!((usd(&report.total.value), report.total.millionths), (value, millionths), "{as_of:?}");
        assert_eq!(report.rows.get("google").map_or(0, |row| usd(&row.value)), value);
    }
    // Days are those of the sale: none of it is on the day after.
    let query = CreditQuery::new("linear", Dimension::Source, day(1), day(9)).as_of(day(9));
    assert_eq!(acme.credits(&query).await.unwrap(), Credits::default());
    in_order(&world, &acme).await;
}

pub(crate) async fn another_currency_is_reported_by_the_rate_of_its_day(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = arrive(&acme, "Google", world.clock.now()).await;
    let today = acme.convert(sale(id, "1 USD")).await.unwrap().day;
    let eur = |rate: &str, day: NaiveDate| ExchangeRate {
        from: "EUR".parse().unwrap(),
        to: Currency::USD,
        rate: rate.parse().unwrap(),
        day,
        source: "ECB".into(),
    };
    let rates = |rate: &str| Rates::new(Currency::USD, 7, [eur(rate, today)]).unwrap();
    assert_eq!(acme.rates().await.unwrap(), None);
    acme.set_rates(rates("1.0837")).await.unwrap();
    assert_eq!(world.elsewhere(&acme).rates().await.unwrap(), Some(rates("1.0837")));
    let first = acme.convert(sale(id, "100 EUR")).await.unwrap();
    assert_eq!(
        (first.rate.clone(), first.reported().unwrap()),
        (Some(eur("1.0837", today)), Some(money("108.37 USD")))
    );
    acme.set_rates(rates("2")).await.unwrap();
    let second = world.elsewhere(&acme).convert(sale(id, "100 EUR")).await.unwrap();
    assert_eq!(second.reported().unwrap(), Some(money("200 USD")));
    let pounds = acme.convert(sale(id, "100 GBP")).await.unwrap();
    assert_eq!((pounds.rate.clone(), pounds.reported().unwrap()), (None, None));
    // It is refunded by the rate that it was sold by.
    let less = acme.adjust(first.id, NewAdjustment::refund(money("50 EUR"))).await.unwrap();
    assert_eq!(less.reported().unwrap(), Some(money("54.18 USD"))); // 54.185, half to even
    let total = report(&acme, "linear", Dimension::Source).await.total;
    assert_eq!(total.reported_in(Currency::USD).unwrap(), money("255.18 USD"));
    assert_eq!(total.in_currency("EUR".parse().unwrap()).unwrap(), money("150 EUR"));
    assert_eq!(total.in_currency("GBP".parse().unwrap()).unwrap(), money("100 GBP"));
    let yen = Rates::new("JPY".parse().unwrap(), 7, []).unwrap();
    let refused = acme.set_rates(yen).await.unwrap_err();
    assert_eq!(codes(refused.reasons()), ["to/other_currency"]);
    in_order(&world, &acme).await;
}

pub(crate) async fn settings_hold_from_the_next_sale_on_everywhere(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = arrive(&acme, "Google", world.clock.now()).await;
    let first = acme.convert(sale(id, "1 USD")).await.unwrap();
    assert_eq!(acme.attribution_settings().await.unwrap(), AttributionSettings::standard());
    let other = world.elsewhere(&acme);
    set(&other, vec![ModelSettings::new("mine", Model::JShaped)]).await;
    let second = acme.convert(sale(id, "1 USD")).await.unwrap();
    let names = |kept: KeptCredits| kept.models.into_iter().map(|model| model.name).collect::<Vec<_>>();
    assert_eq!(names(credits_of(&acme, &second).await), ["mine"]);
    assert_eq!(names(credits_of(&acme, &first).await).len(), 6);
    set(&other, vec![]).await;
    let third = acme.convert(sale(id, "1 USD")).await.unwrap();
    assert_eq!(acme.attribution(third.id).await.unwrap(), None, "no model, no credits");
    acme.adjust(third.id, NewAdjustment::full_refund()).await.unwrap();
    acme.void(third.id, "a mistake").await.unwrap();
    in_order(&world, &acme).await;
}

pub(crate) async fn wrong_settings_are_all_named(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let before = in_order(&world, &acme).await;
    let mut settings = AttributionSettings::standard();
    settings.models.push(ModelSettings::new("linear", Model::Linear));
    settings.models.push(ModelSettings::new("Ours!", Model::Linear));
    settings.models.extend((0..9).map(|n| ModelSettings::new(format!("m{n}"), Model::Linear)));
    let wrong = acme.set_attribution(settings).await.unwrap_err();
    assert_eq!(
        codes(wrong.reasons()),
        ["models/too_many", "models[6].name/repeated", "models[7].name/invalid"]
    );
    assert_eq!(in_order(&world, &acme).await, before);
}

pub(crate) async fn milestones_are_where_the_lead_and_the_visit_came_from(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    set(&acme, vec![ModelSettings::new("w", Model::WShaped), ModelSettings::new("u", Model::UShaped)]).await;
    arrive(&acme, "First", world.clock.now()).await;
    world.clock.advance(TimeDelta::days(1));
    let lead = arrive(&acme, "Lead", world.clock.now()).await;
    world.clock.advance(TimeDelta::days(1));
    arrive(&acme, "Opportunity", world.clock.now()).await;
    world.clock.advance(TimeDelta::hours(1));
    let visit = acme.book(lead, schedule()).await.unwrap();
    world.clock.advance(TimeDelta::days(1));
    arrive(&acme, "Other", world.clock.now()).await;
    world.clock.advance(TimeDelta::days(20));
    let sold = acme.complete(visit.id, Completion::from(Outcome::Sold(money("100 USD")))).await.unwrap();
    let kept = credits_of(&acme, &sold.conversion.unwrap()).await;
    let w = [("First", 3_000), ("Lead", 3_000), ("Opportunity", 3_000), ("Other", 1_000)];
    assert_eq!(credited(&kept, "w"), w);
    assert_eq!(
        credited(&kept, "u"),
        [("First", 4_000), ("Lead", 4_000), ("Opportunity", 1_000), ("Other", 1_000)]
    );
    in_order(&world, &acme).await;
}

pub(crate) async fn a_journey_is_told_in_order(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let contact = created(acme.ingest(lead_with(1, json!({"source": "Google"}))).await);
    world.clock.advance(TimeDelta::days(1));
    let sold = acme.convert(sale(contact.lead, "5 USD")).await.unwrap();
    track(&acme, TouchOf::Contact(contact.contact), "Phone book").await;
    world.clock.advance(TimeDelta::days(1));
    let earlier = sold.occurred_at - TimeDelta::hours(1);
    let touch =
        NewTouch::new(TouchOf::Contact(contact.contact), TouchKind::Form, Source::new("Fair").unwrap());
    acme.track(touch.at(earlier).channel(MarketingChannel::new("events").unwrap())).await.unwrap();
    let late = acme.convert(sale(contact.lead, "6 USD")).await.unwrap();
    acme.void(late.id, "a mistake").await.unwrap();
    let journey = acme.journey(contact.contact).await.unwrap();
    let told: Vec<String> = journey.steps().into_iter().map(tell).collect();
    assert_eq!(told, ["Google", "Fair", "Phone book", "5.00 USD", "6.00 USD"]);
    assert_eq!(journey.touches[1].channel.as_str(), "events");
    let nobody = acme.journey(ContactId::from_uuid(Uuid::nil())).await.unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::NotFound);
    in_order(&world, &acme).await;
}

pub(crate) async fn only_the_newest_touches_are_looked_at(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let contact = created(acme.ingest(lead_with(1, json!({"source": "Google"}))).await);
    acme.identify(contact.contact, "a81f").await.unwrap();
    for n in 0..=JOURNEY_ROWS_MAX {
        world.clock.advance(TimeDelta::seconds(1));
        let of = match n % 2 {
            0 => TouchOf::Visitor("a81f".into()),
            _ => TouchOf::Contact(contact.contact),
        };
        track(&acme, of, &format!("{n}")).await;
    }
    let touches = acme.journey(contact.contact).await.unwrap().touches;
    assert_eq!(touches.len(), JOURNEY_ROWS_MAX + 1, "those and the lead");
    assert_eq!(sources(&touches[..3]), ["Google", "1", "2"]);
    let sold = acme.convert(sale(contact.lead, "100 USD")).await.unwrap();
    let kept = credits_of(&acme, &sold).await;
    assert_eq!(shares(&kept, "linear").iter().sum::<i64>(), 10_000);
    assert_eq!(kept.touches, touches);
    // What came later than a sale keeps nothing from it, also when it is worked out anew.
    let early = sale(contact.lead, "100 USD").occurred_at(touches[2].at);
    let early = acme.convert(early).await.unwrap();
    let kept = credits_of(&acme, &early).await;
    assert_eq!(sources(&kept.touches), ["Google", "0", "1", "2"]);
    assert_eq!(acme.reattribute(early.id).await.unwrap(), Some(kept));
}

pub(crate) async fn touches_are_read_up_to_a_time(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead_with(1, json!({"source": "Google"}))).await);
    let visit = acme.book(accepted.lead, schedule()).await.unwrap();
    track(&acme, TouchOf::Contact(accepted.contact), "Phone book").await;
    let at = world.clock.now();
    world.clock.advance(TimeDelta::microseconds(1));
    arrive(&acme, "Later", world.clock.now()).await;
    track(&acme, TouchOf::Contact(accepted.contact), "Later").await;
    for of in [
        ContactOf::Lead(accepted.lead),
        ContactOf::Appointment(visit.id),
        ContactOf::Itself(accepted.contact),
    ] {
        for (until, n) in [(at, 1), (world.clock.now(), 2), (at - TimeDelta::microseconds(1), 0)] {
            let loaded = world.store().load(&Needs::of(acme.id(), [Need::Touches(of, until)])).await.unwrap();
            assert_eq!((loaded.lead_touches.len(), loaded.touches.len()), (n, n), "{of:?} until {until}");
        }
    }
    let nobody = ContactOf::Itself(ContactId::from_uuid(Uuid::nil()));
    let loaded = world.store().load(&Needs::of(acme.id(), [Need::Touches(nobody, at)])).await.unwrap();
    assert_eq!(loaded, Default::default());
}

async fn credits_of(acme: &WorkspaceHandle<'_>, sold: &Conversion) -> KeptCredits {
    acme.attribution(sold.id).await.unwrap().unwrap()
}

/// All of a model by a dimension, whenever it was.
async fn report(acme: &WorkspaceHandle<'_>, model: &str, by: Dimension) -> Credits {
    acme.credits(&CreditQuery::new(model, by, NaiveDate::MIN, NaiveDate::MAX)).await.unwrap()
}

async fn set(acme: &WorkspaceHandle<'_>, models: Vec<ModelSettings>) {
    acme.set_attribution(AttributionSettings { models, ..AttributionSettings::standard() }).await.unwrap();
}

/// A visit from this source, now.
async fn track(acme: &WorkspaceHandle<'_>, of: TouchOf, source: &str) -> TouchpointId {
    acme.track(NewTouch::new(of, TouchKind::Visit, Source::new(source).unwrap())).await.unwrap()
}

/// A lead of the one contact, from this source, received then.
async fn arrive(acme: &WorkspaceHandle<'_>, source: &str, at: DateTime<Utc>) -> LeadId {
    taken(acme.ingest(lead_with(1, json!({ "source": source })).received_at(at)).await).lead
}

fn shares(kept: &KeptCredits, model: &str) -> Vec<i64> {
    kept.credits(model).unwrap().iter().map(|(_, credit)| credit.minor()).collect()
}

fn credited<'k>(kept: &'k KeptCredits, model: &str) -> Vec<(&'k str, i64)> {
    let credits = kept.credits(model).unwrap();
    credits.into_iter().map(|(touch, credit)| (touch.source.as_str(), credit.minor())).collect()
}

fn sources(touches: &[Touchpoint]) -> Vec<&str> {
    touches.iter().map(|touch| touch.source.as_str()).collect()
}

fn usd(sums: &BTreeMap<Currency, i128>) -> i128 {
    sums.get(&Currency::USD).copied().unwrap_or(0)
}

fn tell(step: JourneyStep<'_>) -> String {
    match step {
        JourneyStep::Touch(touch) => touch.source.to_string(),
        JourneyStep::Conversion(sold) => sold.net.to_string(),
    }
}

pub(crate) async fn a_touch_told_late_counts_once_it_is_worked_out_anew(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let start = world.clock.now();
    world.clock.advance(TimeDelta::days(3));
    let lead = arrive(&acme, "Yelp", world.clock.now()).await;
    let sold = acme.convert(sale(lead, "100 USD")).await.unwrap();
    world.clock.advance(TimeDelta::days(1));
    let row = acme.lead(lead).await.unwrap().unwrap();
    let call = NewTouch::new(TouchOf::Contact(row.contact), TouchKind::Call, Source::new("Radio").unwrap());
    acme.track(call.at(start)).await.unwrap();
    assert_eq!(shares(&credits_of(&acme, &sold).await, "first_touch"), [10_000]);
    let kept = world.elsewhere(&acme).reattribute(&sold).await.unwrap().unwrap();
    assert_eq!(shares(&kept, "first_touch"), [10_000, 0]);
    assert_eq!(shares(&kept, "linear"), [5_000, 5_000]);
    assert_eq!(credits_of(&acme, &sold).await, kept);
    let stale = acme.reattribute(&sold).await.unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::Conflict, "it is not as it was seen");
    in_order(&world, &acme).await;
    // Other models from now on: a model that is no longer set says what it said last.
    let mut settings = AttributionSettings::default();
    settings.models.retain(|model| model.name == "linear");
    settings.models.push(ModelSettings::new("mine", Model::LastTouch));
    acme.set_attribution(settings).await.unwrap();
    let kept = acme.reattribute(sold.id).await.unwrap().unwrap();
    assert_eq!(shares(&kept, "mine"), [0, 10_000]);
    assert_eq!(shares(&kept, "first_touch"), [10_000, 0]);
    assert!(kept.model("linear").unwrap().before.len() == 1 && kept.model("mine").unwrap().before.is_empty());
    in_order(&world, &acme).await;
    // Of what was voided nobody earns anything, and nothing is worked out.
    acme.void(sold.id, "a mistake").await.unwrap();
    assert_eq!(acme.reattribute(sold.id).await.unwrap_err().kind(), ErrorKind::Conflict);
    let nothing = acme.reattribute(convio_core::ConversionId::from_uuid(Uuid::nil())).await.unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::NotFound);
    in_order(&world, &acme).await;
}

pub(crate) async fn the_last_editions_are_kept_and_what_was_before_them_is_not_told(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let start = world.clock.now();
    world.clock.advance(TimeDelta::days(3));
    let lead = arrive(&acme, "Yelp", world.clock.now()).await;
    let sold = acme.convert(sale(lead, "100 USD")).await.unwrap();
    let at_first = world.clock.now();
    let contact = acme.lead(lead).await.unwrap().unwrap().contact;
    let mut kept = credits_of(&acme, &sold).await;
    for n in 0..=EDITIONS_MAX {
        world.clock.advance(TimeDelta::minutes(1));
        assert!(kept.believed("linear", at_first).is_some(), "after {n}");
        let call = NewTouch::new(TouchOf::Contact(contact), TouchKind::Call, Source::new("Radio").unwrap());
        acme.track(call.at(start + TimeDelta::minutes(n as i64))).await.unwrap();
        kept = acme.reattribute(sold.id).await.unwrap().unwrap();
    }
    let model = kept.model("linear").unwrap();
    assert_eq!((model.before.len(), model.steps.len()), (EDITIONS_MAX, EDITIONS_MAX + 2));
    assert_eq!(shares(&kept, "linear").iter().sum::<i64>(), 10_000);
    assert_eq!(kept.believed("linear", at_first), None, "that was too long ago");
    let report = report(&acme, "linear", Dimension::Source).await;
    assert_eq!((usd(&report.total.value), report.total.millionths), (10_000, MILLION));
}
