use chrono::TimeDelta;
use convio_core::attribution::{NewTouch, TouchKind, TouchOf};
use convio_core::{
    Accepted, Campaign, Channel, Clock, ContactAttempt, ConversionId, Corrections, Medium, NewAppointment,
    Priority, RawLead, Source, WorkspaceHandle,
};
use serde_json::json;

use super::{People, setup::hours_later};
use crate::{World, created, duplicate, lead_with, linked, phone, rejected, replayed, taken};

/// Leads come in and are worked on; some are rejected.
pub(super) async fn come(world: &World<'_>, acme: &WorkspaceHandle<'static>) -> People {
    let click = NewTouch::new(TouchOf::Visitor("a81f".to_owned()), TouchKind::Click, source("Google"));
    let click = click.medium(Medium::new("cpc").unwrap()).campaign(Campaign::new("Spring").unwrap());
    acme.track(click.cost("2.50 USD".parse().unwrap())).await.unwrap();
    world.clock.advance(TimeDelta::hours(1));
    let solar = || {
        let more = json!({"email": "john@home.example", "zip": "90012", "city": "Los Angeles", "product": "Solar",
            "campaign": "Spring", "roof": "slate"});
        lead_with(1, more)
            .webhook("google-solar")
            .provider("LeadCo")
            .idempotency_key("once")
            .external_id("ext-1")
    };
    let john = created(acme.ingest(solar()).await);
    let _ = replayed(acme.ingest(solar()).await);
    duplicate(
        acme.ingest(lead_with(1, json!({"product": "Solar", "campaign": "Spring"})).webhook("google-solar"))
            .await,
    );
    world.clock.advance(TimeDelta::hours(30));
    let again = linked(acme.ingest(lead_with(1, json!({"source": "Bing", "product": "Heating"}))).await);
    let jane =
        created(acme.ingest(RawLead::form(format!("name=Jane+Roe&phone=%2B{}", &phone(2)[1..]))).await);
    let ann = created(acme.ingest(lead_with(3, json!({"lastName": "Poe", "source": "Yelp"}))).await);
    world.clock.advance(TimeDelta::minutes(10));
    let annie = created(acme.ingest(lead_with(4, json!({"email": "ann@work.example"}))).await);
    created(acme.ingest(lead_with(7, json!({"zip": "90210"})).test()).await);
    acme.identify(john.contact, "a81f").await.unwrap();
    let call = NewTouch::new(TouchOf::Contact(john.contact), TouchKind::Call, source("Phone book"));
    acme.track(call.external_id("call-1")).await.unwrap();
    rejections(world, acme).await;
    work(world, acme, &jane).await;
    People { john, again, jane, ann, annie }
}

/// One that stays rejected, with the appointment that it came with; one that is set right and released.
async fn rejections(world: &World<'_>, acme: &WorkspaceHandle<'static>) {
    let visit = NewAppointment::at(hours_later(world, 50)).location("2 Side St");
    rejected(acme.ingest(RawLead::json(r#"{"phone":"12"}"#).external_id("ext-2").appointment(visit)).await);
    rejected(acme.ingest(RawLead::json(r#"{"phone":"#)).await);
    let held = rejected(acme.ingest(RawLead::json(r#"{"phone":"13","first_name":"Max"}"#)).await);
    acme.correct(held.id, Corrections::default().set("phone", phone(5))).await.unwrap();
    taken(acme.release(held.id).await);
}

/// All that is done with a lead by hand.
async fn work(world: &World<'_>, acme: &WorkspaceHandle<'static>, of: &Accepted) {
    let (lead, at) = (of.lead, world.clock.now());
    acme.assign_lead(lead, Some("maria".to_owned())).await.unwrap();
    acme.follow_up(lead, Some(at + TimeDelta::hours(5))).await.unwrap();
    acme.prioritise(lead, Priority::Urgent).await.unwrap();
    acme.note(lead, "call after six").await.unwrap();
    let attempt = ContactAttempt { channel: Channel::Call, reached: true, automated: false, at };
    acme.record_attempt(lead, attempt).await.unwrap();
    acme.move_lead(lead, "lost", Some("no budget".to_owned())).await.unwrap();
    acme.delete_lead(lead).await.unwrap();
    acme.restore_lead(lead).await.unwrap();
    acme.assign_lead(lead, None).await.unwrap();
    acme.follow_up(lead, None).await.unwrap();
}

/// Two contacts are merged, so that a sale has more touches than it had; another two are merged, and that is undone.
pub(super) async fn turn_out_to_be_one(
    world: &World<'_>,
    acme: &WorkspaceHandle<'static>,
    people: &People,
    sold: ConversionId,
) {
    world.clock.advance(TimeDelta::days(1));
    acme.merge_contacts(people.annie.contact, people.ann.contact).await.unwrap();
    acme.reattribute(sold).await.unwrap();
    acme.merge_contacts(people.jane.contact, people.john.contact).await.unwrap();
    acme.unmerge_contact(people.jane.contact).await.unwrap();
}

fn source(name: &str) -> Source {
    Source::new(name).unwrap()
}
