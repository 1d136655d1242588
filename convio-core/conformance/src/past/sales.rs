use chrono::TimeDelta;
use convio_core::conversion::{NewAdjustment, NewCommission, NewReturn};
use convio_core::{ConversionId, ConversionType, Custom, LeadId, NewConversion, WorkspaceHandle};
use serde_json::json;

use super::People;
use crate::World;

/// A sale for so much.
pub(super) fn sale(lead: LeadId, value: &str) -> NewConversion {
    NewConversion::sale(lead, value.parse().unwrap())
}

/// Conversions that stand, are adjusted, come back and are voided, and what others earn by them. Gives one that can be worked
/// out anew once more is known.
pub(super) async fn are_made(
    world: &World<'_>,
    acme: &WorkspaceHandle<'static>,
    people: &People,
) -> ConversionId {
    let roof = json!({"roof": "slate", "modules": 18}).as_object().cloned().unwrap_or_default();
    let big = sale(people.again.lead, "900 USD").of_type(ConversionType::new("Up-sell").unwrap());
    let big = big.sold_by("maria").external_id("sale-2").metadata(Custom::from(roof));
    let big = acme.convert(big).await.unwrap();
    let part = NewAdjustment::refund("100 USD".parse().unwrap()).because("late").external_id("refund-1");
    acme.adjust(big.id, part).await.unwrap();
    let back = acme.adjust(big.id, NewAdjustment::chargeback("50 USD".parse().unwrap())).await.unwrap();
    let undone = NewAdjustment::chargeback_reversal(back.adjustments[1].adjustment.id);
    acme.adjust(big.id, undone).await.unwrap();
    let mut owed = back;
    for (n, who) in ["partner", "agent", "finder"].into_iter().enumerate() {
        let new = NewCommission::to(who, format!("{}0 USD", n + 1).parse().unwrap());
        owed = acme.owe_commission(big.id, new.external_id(format!("commission-{n}"))).await.unwrap();
    }
    let of = |n: usize| owed.commissions[n].id;
    acme.pay_commission(big.id, of(0), None, None).await.unwrap();
    acme.cancel_commission(big.id, of(1), "not theirs").await.unwrap();
    acme.claw_back(big.id, of(0), Some("4 USD".parse().unwrap()), "refunded").await.unwrap();

    world.clock.advance(TimeDelta::days(2));
    let returned = acme.convert(sale(people.ann.lead, "45 USD")).await.unwrap();
    acme.owe_commission(returned.id, NewCommission::to("partner", "5 USD".parse().unwrap())).await.unwrap();
    acme.return_lead(returned.id, NewReturn::credit("bad_number")).await.unwrap();
    let replaced = acme.convert(sale(people.john.lead, "700 JPY")).await.unwrap();
    acme.return_lead(replaced.id, NewReturn::replacement("duplicate")).await.unwrap();
    let mistake = acme.convert(sale(people.jane.lead, "1 USD")).await.unwrap();
    acme.owe_commission(mistake.id, NewCommission::to("partner", "1 USD".parse().unwrap())).await.unwrap();
    acme.void(mistake.id, "entered by mistake").await.unwrap();
    acme.convert(sale(people.annie.lead, "10 USD")).await.unwrap().id
}
