use chrono::{NaiveDate, TimeDelta};
use convio_core::service::Funnel;
use convio_core::{
    Channel, Clock, Completion, NewAppointment, NewWebhook, Outcome, Party, WebhookId, WorkspaceHandle,
};
use serde_json::json;
use uuid::Uuid;

use super::lead_work::{attempt, in_order, schedule};
use super::reports::date;
use super::sales::{money, sale};
use crate::{Subject, World, created, lead, lead_with, linked, taken};

pub(crate) async fn a_lead_is_in_the_funnel_once_per_step(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let lost = || Some("no budget".to_owned());
    let next_day = || world.clock.advance(TimeDelta::days(1));
    let id = created(acme.ingest(lead(1)).await).lead; // 1st
    next_day();
    acme.record_attempt(id, attempt(Channel::Call, true, world.clock.now())).await.unwrap(); // 2nd
    next_day();
    acme.move_lead(id, "lost", lost()).await.unwrap(); // 3rd
    next_day();
    acme.move_lead(id, "contacted", None).await.unwrap(); // 4th: opened again
    next_day();
    acme.move_lead(id, "lost", lost()).await.unwrap(); // 5th
    next_day();
    let visit = acme.book(id, schedule()).await.unwrap(); // 6th
    next_day();
    let visit = acme.reschedule(visit.id, schedule(), Party::Customer, None).await.unwrap(); // 7th
    next_day();
    acme.complete(visit.id, Outcome::Undecided).await.unwrap(); // 8th
    next_day();
    let visit = acme.book(id, schedule()).await.unwrap(); // 9th
    next_day();
    acme.complete(visit.id, Outcome::NotSold).await.unwrap(); // 10th: lost once more
    next_day();
    let sold = acme.convert(sale(id, "5 USD")).await.unwrap(); // 11th
    next_day();
    let again = acme.convert(sale(id, "6 USD")).await.unwrap(); // 12th
    let days = async || {
        let mut days = Vec::new();
        for n in 1..=14 {
            let day = NaiveDate::from_ymd_opt(2027, 3, n).unwrap();
            let steps = acme.funnel(None, day, day).await.unwrap();
            let names = ["received", "contacted", "scheduled", "met", "won", "lost"];
            for (name, count) in names.into_iter().zip(steps_of(&steps)) {
                days.extend((0..count).map(|_| (n, name)));
            }
        }
        days
    };
    let mut expected =
        vec![(1, "received"), (2, "contacted"), (3, "lost"), (6, "scheduled"), (8, "met"), (11, "won")];
    assert_eq!(days().await, expected);
    assert_eq!(steps_of(&funnel(&acme).await), [1; 6]);
    // The next sale that stands is the one that wins it then, on its own day; without any, nothing does.
    next_day();
    acme.void(sold.id, "not paid").await.unwrap();
    expected[5] = (12, "won");
    assert_eq!(days().await, expected);
    acme.void(again.id, "not paid either").await.unwrap();
    expected.pop();
    assert_eq!(days().await, expected);
    // What was lost before stays so, and is not lost again.
    next_day();
    acme.move_lead(id, "lost", lost()).await.unwrap();
    assert_eq!(days().await, expected);
    acme.convert(sale(id, "7 USD")).await.unwrap();
    expected.push((14, "won"));
    assert_eq!(days().await, expected);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_lead_whose_sale_was_voided_can_be_lost(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let sold = acme.convert(sale(id, "5 USD")).await.unwrap();
    assert_eq!(steps_of(&funnel(&acme).await), [1, 0, 0, 0, 1, 0]);
    acme.void(sold.id, "not paid").await.unwrap();
    acme.move_lead(id, "lost", Some("not paid".into())).await.unwrap();
    assert_eq!(steps_of(&funnel(&acme).await), [1, 0, 0, 0, 0, 1]);
    acme.convert(sale(id, "6 USD")).await.unwrap();
    assert_eq!(steps_of(&funnel(&acme).await), [1, 0, 0, 0, 1, 1]);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_funnel_is_one_of_a_webhook_or_of_all(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let direct = acme.webhook("direct").await.unwrap().unwrap().id;
    let solar = acme.create_webhook(NewWebhook::named("solar")).await.unwrap().id;
    let now = world.clock.now();
    world.clock.advance(TimeDelta::days(3));
    let day = |n: i64| now + TimeDelta::days(n);
    // What is told later counts on the day that it happened.
    let raw = lead_with(1, json!({"source": "Google"})).webhook("solar").received_at(day(0));
    let received = acme.receive(raw, NewAppointment::at(schedule()).booked_at(day(1))).await.unwrap();
    let visit = received.appointment.unwrap();
    let done = Completion::from(Outcome::Sold(money("5 USD"))).completed_at(day(2));
    acme.complete(visit.id, done).await.unwrap();
    // Of another source, and of another webhook.
    let other = created(acme.ingest(lead_with(2, json!({"source": "Bing"})).webhook("solar")).await).lead;
    acme.move_lead(other, "lost", Some("no".into())).await.unwrap();
    let ours = linked(acme.ingest(lead(1).received_at(day(1))).await).lead;
    acme.move_lead(ours, "contacted", None).await.unwrap();
    // Tests come to no step.
    let test = taken(acme.ingest(lead(3).webhook("solar").test()).await).lead;
    acme.move_lead(test, "contacted", None).await.unwrap();
    let visit = acme.book(test, schedule()).await.unwrap();
    acme.complete(visit.id, Outcome::NotSold).await.unwrap();
    let told = async |webhook: Option<WebhookId>, from: &str, to: &str| {
        steps_of(&world.elsewhere(&acme).funnel(webhook, date(from), date(to)).await.unwrap())
    };
    let nowhere = WebhookId::from_uuid(Uuid::from_u128(7));
    for (from, to, of_solar, of_direct) in [
        ("2027-03-01", "2027-03-01", [1, 0, 0, 0, 0, 0], [0; 6]),
        ("2027-03-02", "2027-03-02", [0, 0, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]),
        ("2027-03-03", "2027-03-03", [0, 0, 0, 1, 1, 0], [0; 6]),
        ("2027-03-04", "2027-03-04", [1, 0, 0, 0, 0, 1], [0, 1, 0, 0, 0, 0]),
        ("2027-03-02", "2027-03-03", [0, 0, 1, 1, 1, 0], [1, 0, 0, 0, 0, 0]),
        ("2027-03-01", "2027-03-04", [2, 0, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0]),
        ("2027-03-05", "2027-04-01", [0; 6], [0; 6]),
    ] {
        assert_eq!(told(Some(solar), from, to).await, of_solar, "{from} {to}");
        assert_eq!(told(Some(direct), from, to).await, of_direct, "{from} {to}");
        let sum: Vec<_> = of_solar.iter().zip(of_direct).map(|(one, two)| one + two).collect();
        assert_eq!(told(None, from, to).await[..], sum, "{from} {to}");
        assert_eq!(told(Some(nowhere), from, to).await, [0; 6]);
    }
    in_order(&world, &acme).await;
}

async fn funnel(acme: &WorkspaceHandle<'_>) -> Funnel {
    acme.funnel(None, NaiveDate::MIN, NaiveDate::MAX).await.unwrap()
}

fn steps_of(funnel: &Funnel) -> [i64; 6] {
    let Funnel { received, contacted, scheduled, met, won, lost } = *funnel;
    [received, contacted, scheduled, met, won, lost]
}
