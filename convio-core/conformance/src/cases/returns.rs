use chrono::TimeDelta;
use convio_core::attribution::MILLION;
use convio_core::conversion::{NewCommission, NewReturn, Remedy, ReturnPolicy};
use convio_core::event::EventBody;
use convio_core::routing::{Cap, Period};
use convio_core::{
    Appointment, Clock, CommissionId, Conversion, ErrorKind, Outcome, PageRequest, Party, Rule, Target,
    Version,
};
use uuid::Uuid;

use super::lead_work::{contact, in_order, row, schedule};
use super::sales::{money, of, sale, totals};
use crate::{Subject, World, codes, created, lead};

pub(crate) async fn a_returned_lead_is_credited_and_still_a_sale(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    let sold = acme.convert(sale(accepted.lead, "45 USD")).await.unwrap();
    assert_eq!((&sold.returned, sold.commissions.len()), (&None, 0));
    world.clock.advance(TimeDelta::days(3));
    let before = row(&acme, accepted.lead).await;
    let said = world.clock.now() - TimeDelta::hours(5);
    let new = || NewReturn::credit("bad_number").at(said);
    let back = world.elsewhere(&acme).return_lead(&sold, new()).await.unwrap();
    let returned = back.returned.as_ref().unwrap();
    assert_eq!(
        (returned.at, returned.reason.as_str(), returned.remedy, returned.caps_freed),
        (said, "bad_number", Remedy::Credit, false)
    );
    assert_eq!((back.value, back.net, back.version), (money("45 USD"), money("0 USD"), Version(2)));
    assert_eq!(back.adjustments[0].reason.as_deref(), Some("bad_number"));
    assert_eq!(acme.conversion(sold.id).await.unwrap(), Some(back.clone()));
    assert_eq!(totals(&acme).await, (1, "0.00 USD".into(), vec![]), "it counts, and is worth nothing");
    let person = contact(&acme, accepted.contact).await;
    assert_eq!((person.conversions, person.lifetime.iter().count(), person.version), (1, 0, Version(3)));
    assert_eq!(row(&acme, accepted.lead).await, before, "the lead is as it was");
    let kept = acme.attribution(sold.id).await.unwrap().unwrap();
    assert!(kept.models.iter().all(|model| model.booked().sum == 0 && model.bookings.len() == 2));
    assert!(
        kept.models.iter().all(|model| model.bookings.iter().map(|it| it.count.sum).sum::<i64>() == MILLION)
    );
    let events = acme.history(of(sold.id), &PageRequest::default()).await.unwrap().items;
    assert!(matches!(&events[1].body, EventBody::ConversionReturned(told) if told.returned == *returned));
    // Told again, by whoever, it is the same return; told otherwise it is refused.
    assert_eq!(acme.return_lead(&sold, new()).await.unwrap(), back);
    for other in [NewReturn::credit("duplicate"), NewReturn::replacement("bad_number")] {
        assert_eq!(acme.return_lead(sold.id, other).await.unwrap_err().kind(), ErrorKind::Conflict);
    }
    in_order(&world, &acme).await;
}

pub(crate) async fn a_returned_lead_is_replaced_at_no_price(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let [came_back, given, sold_too] = [lead(1), lead(2), lead(3)].map(|raw| acme.ingest(raw));
    let [came_back, given, sold_too] =
        [created(came_back.await).lead, created(given.await).lead, created(sold_too.await).lead];
    let sold = acme.convert(sale(came_back, "45 USD")).await.unwrap();
    acme.convert(sale(sold_too, "45 USD")).await.unwrap();
    let owed = acme.return_lead(&sold, NewReturn::replacement("out_of_area")).await.unwrap();
    let remedy = |row: &Conversion| row.returned.as_ref().map(|returned| returned.remedy);
    assert_eq!((remedy(&owed), owed.net), (Some(Remedy::Replacement(None)), money("45 USD")));
    // What is owed is given later, also when nothing more may come back.
    world.clock.advance(TimeDelta::days(60));
    let by = |lead| NewReturn::replacement("out_of_area").replaced_by(lead);
    for (lead, wrong) in [(came_back, "replacement/same"), (sold_too, "replacement/sold")] {
        let refused = acme.return_lead(sold.id, by(lead)).await.unwrap_err();
        assert_eq!(codes(refused.reasons()), [wrong]);
    }
    let unknown = convio_core::LeadId::from_uuid(Uuid::nil());
    assert_eq!(acme.return_lead(sold.id, by(unknown)).await.unwrap_err().kind(), ErrorKind::NotFound);
    let replaced = acme.return_lead(&owed, by(given)).await.unwrap();
    assert_eq!((remedy(&replaced), replaced.net), (Some(Remedy::Replacement(Some(given))), money("45 USD")));
    assert_eq!(replaced.returned.as_ref().map(|it| it.at), owed.returned.as_ref().map(|it| it.at));
    assert_eq!(acme.return_lead(sold.id, by(given)).await.unwrap(), replaced, "told again");
    let other = NewReturn::replacement("bad_number").replaced_by(given);
    assert_eq!(
        acme.return_lead(sold.id, other).await.unwrap_err().kind(),
        ErrorKind::Conflict,
        "another reason"
    );
    assert_eq!(acme.return_lead(sold.id, by(sold_too)).await.unwrap_err().kind(), ErrorKind::Invalid);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_lead_comes_back_for_a_reason_and_in_time(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.policy.returns = ReturnPolicy { reasons: vec!["wrong person".to_owned()], hours: 48 };
    acme.configure(settings.clone()).await.unwrap();
    let sold = acme.convert(sale(id, "45 USD")).await.unwrap();
    let before = in_order(&world, &acme).await;
    for (reason, wrong) in [("bad_number", "reason/unknown"), (" ", "reason/invalid")] {
        let refused = acme.return_lead(sold.id, NewReturn::credit(reason)).await.unwrap_err();
        assert_eq!((refused.kind(), codes(refused.reasons())), (ErrorKind::Invalid, vec![wrong.to_owned()]));
    }
    let early = NewReturn::credit("wrong person").at(sold.occurred_at - TimeDelta::seconds(1));
    assert_eq!(codes(acme.return_lead(sold.id, early).await.unwrap_err().reasons()), ["at/too_early"]);
    let last = sold.occurred_at + TimeDelta::hours(48);
    world.clock.advance(TimeDelta::hours(48) + TimeDelta::microseconds(1));
    let late = acme.return_lead(sold.id, NewReturn::credit("wrong person")).await.unwrap_err();
    assert_eq!((late.kind(), codes(late.reasons())), (ErrorKind::Invalid, vec!["at/too_late".to_owned()]));
    assert_eq!(in_order(&world, &acme).await, before);
    // Said in time, it may be recorded later.
    acme.return_lead(sold.id, NewReturn::credit("wrong person").at(last)).await.unwrap();
    let voided = acme.convert(sale(id, "45 USD")).await.unwrap();
    acme.void(voided.id, "a mistake").await.unwrap();
    let refused = acme.return_lead(voided.id, NewReturn::credit("wrong person")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let other = world.acme().await;
    let unknown = other.return_lead(voided.id, NewReturn::credit("bad_number")).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    // A workspace without a window takes nothing back, and one without sense is refused.
    settings.policy.returns = ReturnPolicy { hours: 0, ..ReturnPolicy::default() };
    acme.configure(settings.clone()).await.unwrap();
    let sold = acme.convert(sale(id, "45 USD")).await.unwrap();
    let at_once = NewReturn::credit("bad_number").at(sold.occurred_at);
    let refused = acme.return_lead(sold.id, at_once).await.unwrap_err();
    assert_eq!(codes(refused.reasons()), ["at/too_late"]);
    settings.policy.returns = ReturnPolicy { reasons: vec!["x".into(), "x".into(), " ".into()], hours: 0 };
    let refused = acme.configure(settings).await.unwrap_err();
    assert_eq!(codes(refused.reasons()), ["returns.reasons/duplicate", "returns.reasons/invalid"]);
    in_order(&world, &acme).await;
}

pub(crate) async fn caps_have_room_again_where_they_say_so(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    let to = |name: &str| Rule::to(Target::person(name)).named(name).any_product().any_zip();
    let one = Cap::count(1, Period::Total);
    let publish = async |cap: Cap| {
        acme.publish_rules([to("a").cap(cap), to("rest").priority(1)]).await.unwrap();
    };
    let name = |visit: &Appointment| visit.routing.target.as_ref().map(|it| it.name().to_owned());
    let sell = async |visit: &Appointment| {
        let done = acme.complete(visit, Outcome::Sold(money("45 USD"))).await.unwrap();
        done.conversion.unwrap()
    };
    publish(one.clone().free_returned()).await;
    for _ in 0..2 {
        let visit = acme.book(id, schedule()).await.unwrap();
        assert_eq!(name(&visit).as_deref(), Some("a"));
        let rest = acme.book(id, schedule()).await.unwrap();
        assert_eq!(name(&rest).as_deref(), Some("rest"), "the cap is reached");
        let sold = sell(&visit).await;
        let back = acme.return_lead(sold.id, NewReturn::credit("duplicate")).await.unwrap();
        assert!(back.returned.unwrap().caps_freed);
        // It is given back once, whatever is sold from it again.
        let again = acme.convert(sale(id, "5 USD").from_appointment(visit.id)).await.unwrap();
        let back = acme.return_lead(again.id, NewReturn::replacement("duplicate")).await.unwrap();
        assert!(!back.returned.unwrap().caps_freed);
        // What was routed without a cap gives nothing back.
        let sold = sell(&rest).await;
        let back = acme.return_lead(sold.id, NewReturn::credit("duplicate")).await.unwrap();
        assert!(!back.returned.unwrap().caps_freed);
    }
    // An appointment that is still open keeps its place until it ends; called off, it gave it back once.
    let visit = acme.book(id, schedule()).await.unwrap();
    let new = || sale(id, "45 USD").from_appointment(visit.id);
    let (open, off) = (acme.convert(new()).await.unwrap(), acme.convert(new()).await.unwrap());
    let back = acme.return_lead(open.id, NewReturn::credit("duplicate")).await.unwrap();
    assert!(!back.returned.unwrap().caps_freed);
    acme.cancel(visit.id, Party::Customer, None).await.unwrap();
    let back = acme.return_lead(off.id, NewReturn::credit("duplicate")).await.unwrap();
    assert!(!back.returned.unwrap().caps_freed);
    let (next, rest) = (acme.book(id, schedule()).await.unwrap(), acme.book(id, schedule()).await.unwrap());
    assert_eq!((name(&next).as_deref(), name(&rest).as_deref()), (Some("a"), Some("rest")));
    // Others count what came back.
    publish(Cap::count(2, Period::Total)).await;
    let visit = acme.book(id, schedule()).await.unwrap();
    let sold = sell(&visit).await;
    let back = acme.return_lead(sold.id, NewReturn::credit("duplicate")).await.unwrap();
    assert!(!back.returned.unwrap().caps_freed);
    in_order(&world, &acme).await;
}

pub(crate) async fn a_commission_is_cancelled_or_paid_and_clawed_back(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = created(acme.ingest(lead(1)).await);
    let sold = acme.convert(sale(accepted.lead, "100 USD")).await.unwrap();
    let new = |id: &str, amount: &str| NewCommission::to("partner \u{1F926}", money(amount)).external_id(id);
    let owed = acme.owe_commission(&sold, new("com_1", "15 EUR")).await.unwrap();
    let two = world.elsewhere(&acme).owe_commission(&owed, new("com_2", "9 USD")).await.unwrap();
    assert_eq!(acme.owe_commission(&sold, new("com_2", "9 USD")).await.unwrap(), two, "told again");
    let reused = acme.owe_commission(sold.id, new("com_2", "8 USD")).await.unwrap_err();
    assert_eq!(
        (reused.kind(), codes(reused.reasons())),
        (ErrorKind::Conflict, vec!["external_id/reused".into()])
    );
    let [first, second] = &two.commissions[..] else { panic!("{two:?}") };
    assert_eq!(
        (first.to.as_str(), first.amount, first.due_at),
        ("partner \u{1F926}", money("15 EUR"), world.clock.now())
    );
    let states = |row: &Conversion| row.commissions.iter().map(|it| it.state().code()).collect::<Vec<_>>();
    assert_eq!(states(&two), ["due", "due"]);

    world.clock.advance(TimeDelta::days(30));
    let refused = acme.claw_back(sold.id, first.id, None, "fraud").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "nothing was paid yet");
    let paid = acme.pay_commission(&two, first.id, None, Some("tr_1".to_owned())).await.unwrap();
    assert_eq!(acme.pay_commission(&two, first.id, None, Some("tr_1".to_owned())).await.unwrap(), paid);
    assert_eq!(paid.commissions[0].paid.as_ref().map(|it| it.at), Some(world.clock.now()));
    for refused in [
        acme.cancel_commission(sold.id, first.id, "refund").await,
        acme.pay_commission(sold.id, first.id, None, Some("tr_2".to_owned())).await,
        acme.pay_commission(&two, second.id, None, None).await,
    ] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict, "paid is paid, and stale is stale");
    }
    for (amount, wrong) in
        [("15.01 EUR", "too_much"), ("0 EUR", "not_above_zero"), ("1 USD", "currency_mismatch")]
    {
        let refused = acme.claw_back(sold.id, first.id, Some(money(amount)), "fraud").await.unwrap_err();
        assert_eq!(codes(refused.reasons()), [format!("amount/{wrong}")]);
    }
    let part = acme.claw_back(sold.id, first.id, Some(money("5 EUR")), "part of it refunded").await.unwrap();
    assert_eq!((states(&part)[0], part.commissions[0].kept()), ("paid", money("10 EUR")));
    let none = acme.cancel_commission(&part, second.id, "no sale of theirs").await.unwrap();
    assert_eq!(states(&none), ["paid", "cancelled"]);
    let all = acme.claw_back(&none, first.id, None, "all of it refunded").await.unwrap();
    assert_eq!((states(&all)[0], all.commissions[0].clawed_back.len()), ("clawed_back", 2));
    assert_eq!(all.commissions[0].paid, paid.commissions[0].paid, "the payment stays");
    assert_eq!((all.net, all.version), (sold.net, Version(7)), "the sale is worth what it was");
    assert_eq!(acme.conversion(sold.id).await.unwrap(), Some(all));
    let unknown = CommissionId::from_uuid(Uuid::nil());
    assert_eq!(acme.claw_back(sold.id, unknown, None, "x").await.unwrap_err().kind(), ErrorKind::NotFound);
    let wrong = acme
        .owe_commission(sold.id, NewCommission::to("", money("-1 USD")).external_id(""))
        .await
        .unwrap_err();
    assert_eq!(codes(wrong.reasons()), ["to/invalid", "amount/not_above_zero", "external_id/invalid"]);
    in_order(&world, &acme).await;
}

pub(crate) async fn commissions_end_with_their_sale_unless_they_are_kept(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let id = created(acme.ingest(lead(1)).await).lead;
    type End = (&'static str, Option<NewReturn>, [&'static str; 3]);
    let undone = ["cancelled", "clawed_back", "cancelled"];
    let ends: [End; 4] = [
        ("credit", Some(NewReturn::credit("duplicate")), undone),
        ("replacement", Some(NewReturn::replacement("duplicate")), undone),
        ("kept", Some(NewReturn::credit("duplicate").keep_commissions()), ["due", "paid", "cancelled"]),
        ("void", None, undone),
    ];
    for (what, end, expected) in ends {
        let sold = acme.convert(sale(id, "100 USD")).await.unwrap();
        let mut row = sold.clone();
        for minor in ["5 USD", "7 USD", "9 USD"] {
            row = acme.owe_commission(sold.id, NewCommission::to("partner", money(minor))).await.unwrap();
        }
        acme.pay_commission(sold.id, row.commissions[1].id, None, None).await.unwrap();
        acme.claw_back(sold.id, row.commissions[1].id, Some(money("2 USD")), "a part").await.unwrap();
        acme.cancel_commission(sold.id, row.commissions[2].id, "not theirs").await.unwrap();
        let row = match end {
            Some(end) => acme.return_lead(sold.id, end).await.unwrap(),
            None => acme.void(sold.id, "a mistake").await.unwrap(),
        };
        let states: Vec<_> = row.commissions.iter().map(|it| it.state().code()).collect();
        assert_eq!(states, expected, "{what}");
        assert_eq!(acme.conversion(sold.id).await.unwrap(), Some(row.clone()), "{what}");
        if what == "void" {
            let late =
                acme.owe_commission(sold.id, NewCommission::to("x", money("1 USD"))).await.unwrap_err();
            assert_eq!(late.kind(), ErrorKind::Conflict);
        }
    }
    in_order(&world, &acme).await;
}
