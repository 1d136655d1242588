use chrono::TimeDelta;
use convio_core::attribution::{Change, History};
use convio_core::conversion::NewAdjustment;
use convio_core::event::EventBody;
use convio_core::{AdjustmentId, Clock, Cube, ErrorKind, Measure, Money, PageRequest, ReportQuery, Version};
use uuid::Uuid;

use super::lead_work::{contact, in_order, row};
use super::sales::{money, of, sale, totals};
use crate::dice::Dice;
use crate::{Subject, World, codes, created, lead};

pub(crate) async fn a_refund_changes_what_a_sale_is_worth_everywhere(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    let sold = acme.convert(sale(accepted.lead, "100 USD")).await.unwrap();
    assert_eq!((sold.value, sold.net, sold.adjustments.len()), (money("100 USD"), money("100 USD"), 0));
    world.clock.advance(TimeDelta::days(40));
    let lead = row(&acme, accepted.lead).await;
    let refund =
        NewAdjustment::refund(money("30.01 USD")).because("two panels \u{1F926}").external_id("re_1");
    let less = world.elsewhere(&acme).adjust(&sold, refund).await.unwrap();
    assert_eq!((less.value, less.net, less.version), (money("100 USD"), money("69.99 USD"), Version(2)));
    let [adjusted] = &less.adjustments[..] else { panic!("{less:?}") };
    assert_eq!(
        (adjusted.adjustment.change, adjusted.adjustment.recorded_at),
        (Change::Refund(money("30.01 USD")), world.clock.now())
    );
    assert_eq!(
        (adjusted.reason.as_deref(), adjusted.external_id.as_deref()),
        (Some("two panels \u{1F926}"), Some("re_1"))
    );
    assert_eq!(acme.conversion(sold.id).await.unwrap(), Some(less.clone()));
    assert_eq!(totals(&acme).await, (1, "69.99 USD".into(), vec![]));
    // It counts on the day of the sale, not on that of the refund.
    for cube in [Cube::Conversions, Cube::FirstTouch, Cube::LastTouch, Cube::Sales] {
        let rows = acme.report(&ReportQuery::all(cube)).await.unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.day, row.get(Measure::ValueMinor))).collect();
        assert_eq!(told, [(sold.day, 6_999)], "{cube:?}");
    }
    let person = contact(&acme, accepted.contact).await;
    let worth: Vec<Money> = person.lifetime.iter().collect();
    assert_eq!((worth, person.conversions, person.version), (vec![money("69.99 USD")], 1, Version(3)));
    assert_eq!(row(&acme, accepted.lead).await, lead, "the lead is as it was");
    let events = acme.history(of(sold.id), &PageRequest::default()).await.unwrap().items;
    let EventBody::ConversionAdjusted(told) = &events[1].body else { panic!("{events:?}") };
    assert_eq!((&told.adjusted, told.before, told.net), (adjusted, sold.net, less.net));
    in_order(&world, &acme).await;

    let nothing = acme.adjust(sold.id, NewAdjustment::full_refund()).await.unwrap();
    assert_eq!((nothing.net, nothing.stands()), (money("0 USD"), true));
    assert_eq!(totals(&acme).await, (1, "0.00 USD".into(), vec![]), "it counts, and is worth nothing");
    let again = acme.adjust(sold.id, NewAdjustment::restatement(money("120.50 USD"))).await.unwrap();
    assert_eq!(again.net, money("120.50 USD"));
    assert_eq!(totals(&acme).await, (1, "120.50 USD".into(), vec![]));
    in_order(&world, &acme).await;
    // What is voided then is what is left.
    acme.void(sold.id, "a mistake").await.unwrap();
    assert_eq!(totals(&acme).await, (0, "0.00 USD".into(), vec![]));
    assert_eq!(contact(&acme, accepted.contact).await.lifetime.iter().count(), 0);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_chargeback_is_given_back_once(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let sold = acme.convert(sale(id, "1000 JPY")).await.unwrap();
    let charged = acme.adjust(sold.id, NewAdjustment::chargeback(money("400 JPY"))).await.unwrap();
    assert_eq!(charged.net, money("600 JPY"));
    let of = charged.adjustments[0].adjustment.id;
    acme.adjust(sold.id, NewAdjustment::refund(money("100 JPY"))).await.unwrap();
    let back = acme.adjust(sold.id, NewAdjustment::chargeback_reversal(of)).await.unwrap();
    assert_eq!(back.net, money("900 JPY"));
    let refund = back.adjustments[1].adjustment.id;
    for (of, what) in
        [(of, "given back"), (refund, "a refund"), (AdjustmentId::from_uuid(Uuid::nil()), "unknown")]
    {
        let refused = acme.adjust(sold.id, NewAdjustment::chargeback_reversal(of)).await.unwrap_err();
        let wrong = (ErrorKind::Invalid, vec!["change/no_chargeback".to_owned()]);
        assert_eq!((refused.kind(), codes(refused.reasons())), wrong, "{what}");
    }
    assert_eq!(acme.conversion(sold.id).await.unwrap(), Some(back));
    in_order(&world, &acme).await;
}

pub(crate) async fn the_same_adjustment_told_again_is_one(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let sold = acme.convert(sale(id, "100 USD")).await.unwrap();
    let refund = |minor: &str| NewAdjustment::refund(money(minor)).external_id("re_1");
    let first = acme.adjust(&sold, refund("10 USD")).await.unwrap();
    world.clock.advance(TimeDelta::days(1));
    // Whoever tells it, and whatever they have seen.
    for handle in [acme.clone(), world.elsewhere(&acme)] {
        assert_eq!(handle.adjust(&sold, refund("10 USD")).await.unwrap(), first);
    }
    let other = acme.adjust(sold.id, refund("11 USD")).await.unwrap_err();
    assert_eq!(
        (other.kind(), codes(other.reasons())),
        (ErrorKind::Conflict, vec!["external_id/reused".to_owned()])
    );
    // An id means an adjustment of its own sale.
    let next = acme.convert(sale(id, "100 USD")).await.unwrap();
    assert_eq!(acme.adjust(next.id, refund("11 USD")).await.unwrap().net, money("89 USD"));
    let snapshot = in_order(&world, &acme).await;
    let n = snapshot.feed.iter().filter(|event| event.body.kind() == "conversion.adjusted").count();
    assert_eq!(n, 2);
    // Without an id each is one of its own.
    for _ in 0..2 {
        acme.adjust(sold.id, NewAdjustment::refund(money("1 USD"))).await.unwrap();
    }
    assert_eq!(acme.conversion(sold.id).await.unwrap().unwrap().net, money("88 USD"));
}

pub(crate) async fn what_can_not_be_is_refused_and_changes_nothing(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let sold = acme.convert(sale(id, "100 USD")).await.unwrap();
    acme.adjust(sold.id, NewAdjustment::refund(money("40 USD"))).await.unwrap();
    let before = in_order(&world, &acme).await;
    let stale = acme.adjust(&sold, NewAdjustment::full_refund()).await.unwrap_err();
    assert_eq!(stale.kind(), ErrorKind::Conflict, "it is not as it was seen");
    for (new, wrong) in [
        (NewAdjustment::refund(money("60.01 USD")), vec!["change/below_zero"]),
        (NewAdjustment::chargeback(money("60.01 USD")), vec!["change/below_zero"]),
        (NewAdjustment::refund(money("0 USD")), vec!["change/not_above_zero"]),
        (NewAdjustment::refund(money("-1 USD")), vec!["change/not_above_zero"]),
        (NewAdjustment::refund(money("1 EUR")), vec!["change/currency_mismatch"]),
        (NewAdjustment::restatement(money("1 EUR")), vec!["change/currency_mismatch"]),
        (NewAdjustment::restatement(money("-1 USD")), vec!["change/below_zero"]),
        (
            NewAdjustment::full_refund().because(" ").external_id(""),
            vec!["reason/invalid", "external_id/invalid"],
        ),
    ] {
        let said = format!("{new:?}");
        let refused = acme.adjust(sold.id, new).await.unwrap_err();
        assert_eq!((refused.kind(), codes(refused.reasons())), (ErrorKind::Invalid, owned(&wrong)), "{said}");
    }
    let other = world.acme().await;
    assert_eq!(
        other.adjust(sold.id, NewAdjustment::full_refund()).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(in_order(&world, &acme).await, before);
}

pub(crate) async fn a_voided_sale_is_adjusted_no_more(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let sold = acme.convert(sale(id, "100 USD")).await.unwrap();
    let refund = || NewAdjustment::refund(money("1 USD")).external_id("re_1");
    let refunded = acme.adjust(sold.id, refund()).await.unwrap();
    let voided = acme.void(sold.id, "a mistake").await.unwrap();
    assert_eq!((voided.net, &voided.adjustments), (refunded.net, &refunded.adjustments));
    let refused = acme.adjust(sold.id, NewAdjustment::full_refund()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(acme.adjust(sold.id, refund()).await.unwrap(), voided, "what was told before is answered so");
    in_order(&world, &acme).await;
}

pub(crate) async fn random_histories_leave_what_they_say(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut dice = Dice::of_this_run();
    for n in 0..4 {
        let id = created(acme.ingest(lead(n)).await).lead;
        let currency = ["USD", "JPY", "KWD"][dice.index(3)];
        let value = Money::from_minor(dice.below(100_000) as i64, currency.parse().unwrap());
        let sold = acme.convert(convio_core::NewConversion::sale(id, value)).await.unwrap();
        let mut recorded = Vec::new();
        for _ in 0..dice.below(8) {
            world.clock.advance(TimeDelta::hours(dice.below(40) as i64));
            let amount = Money::from_minor(dice.below(60_000) as i64 - 100, value.currency());
            let before = acme.conversion(sold.id).await.unwrap().unwrap();
            let new = random_adjustment(&mut dice, amount, &recorded);
            match acme.adjust(sold.id, new.clone()).await {
                Ok(row) => recorded.push(row.adjustments.last().unwrap().adjustment),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Invalid, "{new:?}: {error}");
                    assert_eq!(acme.conversion(sold.id).await.unwrap(), Some(before));
                }
            }
        }
        let history = History::new(value, sold.created_at, recorded).unwrap();
        assert_eq!(acme.conversion(sold.id).await.unwrap().unwrap().net, history.net());
    }
    in_order(&world, &acme).await;
}

fn random_adjustment(
    dice: &mut Dice,
    amount: Money,
    recorded: &[convio_core::attribution::Adjustment],
) -> NewAdjustment {
    match dice.below(5) {
        0 => NewAdjustment::chargeback(amount),
        1 => NewAdjustment::restatement(amount),
        2 if !recorded.is_empty() => {
            NewAdjustment::chargeback_reversal(recorded[dice.index(recorded.len())].id)
        }
        3 => NewAdjustment::full_refund(),
        _ => NewAdjustment::refund(amount),
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
