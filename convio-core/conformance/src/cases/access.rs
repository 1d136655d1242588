use chrono::TimeDelta;
use convio_core::availability::Hours;
use convio_core::consumer::{ConsumerSettings, Retry};
use convio_core::contact::ContactRef;
use convio_core::conversion::NewCommission;
use convio_core::delivery::{EventFilter, Guard, NewEndpoint};
use convio_core::event::{EventBody, Position};
use convio_core::lead::LeadFilter;
use convio_core::provider::ProviderSettings;
use convio_core::{
    Actor, ApiKeyId, AppointmentId, CalendarSettings, Clock, CommissionId, ContactId, ConversionId, Convio,
    DeliveryId, Error, ErrorKind, LeadId, NewApiKey, NewAppointment, NewConversion, NewWebhook, Outcome,
    PageRequest, Permission, ProviderId, RawLead, Resource, Rule, Schedule, Target, WebhookId,
    WorkspaceHandle, Zone,
};
use uuid::Uuid;

use crate::calls::{CALLS, Call, Named, Told};
use crate::{Snapshot, Subject, World, created, lead, phone, rejected, taken};

pub(crate) async fn every_call_asks_for_its_permission_and_for_no_other(subject: &dyn Subject) {
    let world = World::of(subject);
    for given in Permission::ALL {
        let mut stand: Option<(Convio<'static>, String)> = None;
        for call in CALLS {
            // A deleted workspace takes nothing: calls that may end it get one of their own.
            let ends = matches!(call.name, "delete" | "configure" | "restore");
            if stand.is_none() || ends {
                let acme = world.acme().await;
                let key = acme.create_api_key(NewApiKey::named("one").may([given])).await.unwrap();
                stand = Some((world.convio(), key.token.expose().to_owned()));
            }
            let (convio, token) = stand.as_ref().unwrap();
            let handle = convio.authenticate(token).await.unwrap();
            let told = (call.call)(handle, nobody(&world)).await;
            let denied = told.as_ref().err().filter(|error| error.kind() == ErrorKind::Denied);
            let says = format!("the API key does not permit to `{}`", call.permission.code());
            if given == call.permission {
                assert!(denied.is_none(), "{given:?} does not permit {}: {told:?}", call.name);
            } else {
                assert_eq!(denied.map(ToString::to_string), Some(says), "{given:?} permits {}", call.name);
            }
            if ends {
                stand = None;
            }
        }
    }
}

pub(crate) async fn a_sale_asks_for_the_permission_to_convert(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = taken(acme.ingest(lead(1)).await);
    let visit = acme.book(accepted.lead, schedule()).await.unwrap();
    let with = |permission| {
        let (acme, world) = (acme.clone(), &world);
        async move {
            let key = acme.create_api_key(NewApiKey::named("one").may([permission])).await.unwrap();
            world.convio().authenticate(key.token.expose()).await.unwrap()
        }
    };
    let sold = || Outcome::Sold("10 USD".parse().unwrap());
    let denied = with(Permission::Update).await.complete(visit.id, sold()).await.unwrap_err();
    assert_eq!(denied.to_string(), "the API key does not permit to `convert`");
    let denied = with(Permission::Convert).await.complete(visit.id, Outcome::NotSold).await.unwrap_err();
    assert_eq!(denied.to_string(), "the API key does not permit to `update`");
    assert!(with(Permission::Convert).await.complete(visit.id, sold()).await.is_ok());
}

pub(crate) async fn no_call_shows_or_changes_anything_of_another_workspace(subject: &dyn Subject) {
    let world = World::of(subject);
    let (theirs, named) = full(&world).await;
    let before = Snapshot::of(&*world.store(), theirs.id(), 100).await.unwrap();
    for call in CALLS {
        let other = world.acme().await;
        let told = (call.call)(other.clone(), named.clone()).await;
        let unknown = (call.call)(world.acme().await, nobody(&world)).await;
        shows_nothing(call, &told, &named);
        let kinds = |told: &Told| told.as_ref().err().map(Error::kind);
        assert_eq!(kinds(&told), kinds(&unknown), "{} tells theirs from no one's: {told:?}", call.name);
        if let (Err(told), Err(unknown)) = (&told, &unknown) {
            assert_eq!(without_ids(told), without_ids(unknown), "{}", call.name);
        }
    }
    let after = Snapshot::of(&*world.store(), theirs.id(), 100).await.unwrap();
    assert_eq!(before.difference(&after), None);
}

pub(crate) async fn a_key_is_shown_once_and_kept_as_its_hash(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let made = acme.create_api_key(NewApiKey::named(" front  desk ").may([Permission::Read])).await.unwrap();
    let secret = &made.token.expose()[4 + 64..];
    assert_eq!(secret.len(), 64);
    let shown = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    let kept: Vec<String> = shown.feed.iter().map(|event| event.body.facts().unwrap()).collect();
    let shown_text = format!("{shown:?} {kept:?} {made:?}");
    assert!(!shown_text.contains(secret), "the secret is kept or shown");
    assert!(!format!("{shown:?} {made:?}").contains(&made.key.settings.hash.to_hex()), "its hash is shown");
    let keys = acme.api_keys().await.unwrap();
    assert_eq!(keys, std::slice::from_ref(&made.key));
    assert_eq!(keys[0].settings.name, "front desk");
    let id = made.key.id.uuid().simple().to_string();
    assert_eq!(keys[0].masked(), format!("cvk_***{}", &id[24..]));
    let created = shown.feed.last().unwrap();
    assert!(matches!(&created.body, EventBody::ApiKeyCreated(settings) if *settings == made.key.settings));
}

pub(crate) async fn what_is_no_valid_key_is_refused_with_one_message(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let end = world.clock.now() + TimeDelta::hours(1);
    let new = NewApiKey::named("one").may([Permission::Read]).expires_at(end);
    let made = acme.create_api_key(new).await.unwrap();
    let token = made.token.expose();
    let turned = |at: usize| {
        let mut text = token.to_owned();
        let digit = if &token[at..=at] == "0" { "1" } else { "0" };
        text.replace_range(at..=at, digit);
        text
    };
    // The prefix, the workspace, the key, the secret, the length.
    let mut wrong: Vec<String> = [20, 60, 80, 131].map(turned).to_vec();
    wrong.extend([
        String::new(),
        "cvk_".into(),
        token[..131].into(),
        format!("{token}0"),
        token.to_uppercase(),
    ]);
    let convio = world.convio();
    for text in wrong {
        let refused = convio.authenticate(&text).await.unwrap_err();
        assert_eq!(
            (refused.kind(), refused.to_string().as_str()),
            (ErrorKind::Denied, "the API key is not valid")
        );
    }
    let handle = convio.authenticate(token).await.unwrap();
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(convio.authenticate(token).await.unwrap_err().to_string(), "the API key is not valid");
    assert_eq!(handle.workspace().await.unwrap_err().kind(), ErrorKind::Denied);
}

pub(crate) async fn a_revoked_key_is_refused_at_once_in_every_process(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let all = NewApiKey::named("one").may(Permission::ALL);
    let made = acme.create_api_key(all).await.unwrap();
    let elsewhere = world.convio().authenticate(made.token.expose()).await.unwrap();
    let accepted = created(elsewhere.ingest(lead(1)).await);
    assert!(elsewhere.lead(accepted.lead).await.unwrap().is_some());

    acme.revoke_api_key(made.key.id).await.unwrap();
    for call in CALLS {
        let told = (call.call)(elsewhere.clone(), nobody(&world)).await;
        assert_eq!(told.unwrap_err().kind(), ErrorKind::Denied, "{}", call.name);
    }
    assert_eq!(acme.head().await.unwrap().unwrap().contacts, 1);
    let again = acme.revoke_api_key(made.key.id).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Conflict);
}

pub(crate) async fn keys_of_an_inactive_workspace_are_refused_at_once(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let made = acme.create_api_key(NewApiKey::named("one").may(Permission::ALL)).await.unwrap();
    let elsewhere = world.convio().authenticate(made.token.expose()).await.unwrap();
    acme.delete().await.unwrap();
    for refused in [
        elsewhere.workspace().await.map(drop),
        elsewhere.ingest(lead(1)).await.map(drop),
        elsewhere.restore().await.map(drop),
        world.convio().authenticate(made.token.expose()).await.map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(
            (refused.kind(), refused.to_string().as_str()),
            (ErrorKind::Denied, "the workspace is deleted")
        );
    }
    acme.restore().await.unwrap();
    created(elsewhere.ingest(lead(1)).await);
}

pub(crate) async fn an_inactive_workspace_takes_nothing_but_its_configuration(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, named) = full(&world).await;
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.active = false;
    acme.configure(settings.clone()).await.unwrap();
    let elsewhere = world.elsewhere(&acme);
    for call in CALLS.iter().filter(|call| !matches!(call.permission, Permission::Read | Permission::Admin)) {
        if matches!(call.name, "correct" | "release" | "release_with" | "expire_leads") {
            continue; // what is rejected may be looked after; nothing is expired without an age
        }
        let told = (call.call)(elsewhere.clone(), named.clone()).await;
        let error = told.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{}: {error}", call.name);
    }
    settings.active = true;
    elsewhere.configure(settings).await.unwrap();
    assert!(acme.note(named.lead, "again").await.is_ok());
}

pub(crate) async fn a_key_acts_under_its_own_name_and_no_name_widens_it(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let made = acme.create_api_key(NewApiKey::named("one").may([Permission::Ingest])).await.unwrap();
    let key = world.convio().authenticate(made.token.expose()).await.unwrap();
    assert_eq!(key.api_key_id(), Some(made.key.id));
    let _ = taken(key.ingest(lead(1)).await);
    let _ = taken(key.clone().acting_as(Actor::user("jane")).ingest(lead(2)).await);
    let feed = acme.feed(Position(0), 100).await.unwrap();
    let actors: Vec<&str> = feed.iter().rev().take(2).map(|event| event.origin.actor.as_str()).collect();
    assert_eq!(actors, ["user:jane", &format!("key:{}", made.key.id)]);
    let jane = key.acting_as(Actor::user("jane")).in_request("r");
    assert_eq!(jane.head().await.unwrap_err().kind(), ErrorKind::Denied);
}

pub(crate) async fn the_last_use_of_a_key_is_known_to_the_hour(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let made = acme.create_api_key(NewApiKey::named("one").may([Permission::Read])).await.unwrap();
    let used = || acme.api_key_last_used(made.key.id);
    assert_eq!(used().await.unwrap(), None);
    let first = world.clock.now();
    let feed = acme.head().await.unwrap();
    for _ in 0..3 {
        world.convio().authenticate(made.token.expose()).await.unwrap();
        assert_eq!(used().await.unwrap(), Some(first));
        world.clock.advance(TimeDelta::minutes(29));
    }
    let convio = world.convio();
    convio.authenticate(made.token.expose()).await.unwrap();
    let second = first + TimeDelta::minutes(87);
    assert_eq!(used().await.unwrap(), Some(second));
    world.clock.advance(TimeDelta::minutes(60));
    convio.authenticate(made.token.expose()).await.unwrap();
    assert_eq!(used().await.unwrap(), Some(second + TimeDelta::minutes(60)));
    // Operational: nothing of it is in the feed.
    assert_eq!(acme.head().await.unwrap(), feed);
}

pub(crate) async fn a_providers_key_sends_its_own_leads_only(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut settings = ProviderSettings::default();
    settings.webhooks = Some([acme.webhook("direct").await.unwrap().unwrap().id].into());
    let bright = acme.create_provider("Bright Leads", settings.clone()).await.unwrap();
    acme.create_provider("Other", ProviderSettings::default()).await.unwrap();
    acme.create_webhook(NewWebhook::named("solar")).await.unwrap();
    let new = NewApiKey::named("bright").may([Permission::Ingest, Permission::Read]).of_provider(bright.id);
    let made = acme.create_api_key(new).await.unwrap();
    let key = world.convio().authenticate(made.token.expose()).await.unwrap();

    let accepted = taken(key.ingest(lead(1)).await);
    assert_eq!(acme.lead(accepted.lead).await.unwrap().unwrap().provider, Some(bright.id));
    let refused = rejected(key.ingest(RawLead::json("{}")).await);
    assert_eq!(acme.rejection(refused.id).await.unwrap().unwrap().provider, Some(bright.id));
    let denied = |answer: Result<_, Error>| answer.map(drop).unwrap_err().to_string();
    assert_eq!(denied(key.ingest(lead(2).provider("Other")).await), "the API key is one of another provider");
    let solar = key.ingest(lead(2).webhook("solar")).await;
    assert_eq!(denied(solar), "provider `Bright Leads` may not use this webhook");

    settings.active = false;
    acme.configure_provider("Bright Leads", settings).await.unwrap();
    assert_eq!(denied(key.ingest(lead(2)).await), "provider `Bright Leads` is inactive");
    assert_eq!(acme.leads(&LeadFilter::default(), &PageRequest::default()).await.unwrap().items.len(), 1);
    let unknown =
        NewApiKey::named("x").may([Permission::Read]).of_provider(ProviderId::from_uuid(Uuid::nil()));
    let invalid = acme.create_api_key(unknown).await.unwrap_err();
    assert_eq!(crate::codes(invalid.reasons()), ["provider/unknown"]);
}

/// A workspace with one of everything, and their names.
async fn full(world: &World<'_>) -> (WorkspaceHandle<'static>, Named) {
    let acme = world.acme().await;
    let webhook = acme.create_webhook(NewWebhook::named("theirs-solar")).await.unwrap();
    let provider = acme.create_provider("Theirs", ProviderSettings::default()).await.unwrap();
    let api_key = acme.create_api_key(NewApiKey::named("theirs").may(Permission::ALL)).await.unwrap().key.id;
    let rule = Rule::to(Target::team("theirs-west")).any_product().any_zip();
    acme.publish_rules([rule.clone()]).await.unwrap();
    acme.save_draft("theirs-draft", [rule], None).await.unwrap();
    let van = CalendarSettings::open(Hours::always(Zone::UTC));
    acme.set_calendar(Resource::thing("theirs-van"), van).await.unwrap();
    let accepted = taken(
        acme.ingest(lead(7).webhook("theirs-solar").provider("Theirs").external_id("theirs-lead")).await,
    );
    let rejection = rejected(acme.ingest(RawLead::json(r#"{"phone":"no"}"#)).await).id;
    let appointment = acme.book(accepted.lead, NewAppointment::at(schedule()).external_id("theirs-visit"));
    let appointment = appointment.await.unwrap().id;
    let sale = NewConversion::sale(accepted.lead, "5000 USD".parse().unwrap()).external_id("theirs-sale");
    let conversion = acme.convert(sale).await.unwrap().id;
    let mut commissions = Vec::new();
    for (n, amount) in ["5 USD", "7 USD"].into_iter().enumerate() {
        let new = NewCommission::to("theirs-partner", amount.parse().unwrap());
        commissions.push(acme.owe_commission(conversion, new).await.unwrap().commissions[n].id);
    }
    acme.pay_commission(conversion, commissions[1], None, None).await.unwrap();
    acme.note(accepted.lead, "theirs-note").await.unwrap();
    let [other_contact, merged_contact] = [lead(71), lead(72)].map(|raw| acme.ingest(raw));
    let other = taken(other_contact.await);
    let (other_contact, other_lead) = (other.contact, other.lead);
    let merged_contact = taken(merged_contact.await).contact;
    acme.merge_contacts(merged_contact, accepted.contact).await.unwrap();
    let once = ConsumerSettings::new().retry(Retry::times(1));
    acme.create_consumer("theirs-crm", once, Position(0)).await.unwrap();
    for _ in 0..2 {
        let mut worker = acme.consumer("theirs-crm");
        let batch = worker.poll().await.unwrap().unwrap();
        let first = batch.events()[0].position;
        batch.nack(first, "theirs-reason").await.unwrap();
    }
    let theirs = NewEndpoint::to("https://theirs.example.com/in").named("theirs-endpoint");
    let theirs = theirs.with(|settings| settings.events = EventFilter::only(["lead."]));
    acme.create_endpoint(theirs, &Guard::new()).await.unwrap();
    let delivery = acme.forward_lead(accepted.lead, "theirs-endpoint").await.unwrap().id;
    let ended = acme.forward_lead(other_lead, "theirs-endpoint").await.unwrap().id;
    acme.cancel_delivery(ended).await.unwrap();
    let named = Named {
        delivery,
        ended_delivery: ended,
        contact: accepted.contact,
        other_contact,
        merged_contact,
        lead: accepted.lead,
        rejection,
        appointment,
        conversion,
        commission: commissions[0],
        paid_commission: commissions[1],
        webhook: webhook.id,
        webhook_name: webhook.name,
        provider: provider.id,
        provider_name: provider.name,
        api_key,
        phone: phone(7),
        now: world.clock.now(),
    };
    assert!(acme.contact(ContactRef::Id(named.contact)).await.unwrap().is_some());
    (acme, named)
}

/// Names of nothing.
fn nobody(world: &World<'_>) -> Named {
    let uuid = Uuid::from_u128(0xdead);
    Named {
        delivery: DeliveryId::from_uuid(uuid),
        ended_delivery: DeliveryId::from_uuid(uuid),
        contact: ContactId::from_uuid(uuid),
        other_contact: ContactId::from_uuid(Uuid::from_u128(0xbeef)),
        merged_contact: ContactId::from_uuid(uuid),
        lead: LeadId::from_uuid(uuid),
        rejection: LeadId::from_uuid(uuid).intake(),
        appointment: AppointmentId::from_uuid(uuid),
        conversion: ConversionId::from_uuid(uuid),
        commission: CommissionId::from_uuid(uuid),
        paid_commission: CommissionId::from_uuid(uuid),
        webhook: WebhookId::from_uuid(uuid),
        webhook_name: "nobodys-hook".to_owned(),
        provider: ProviderId::from_uuid(uuid),
        provider_name: "Nobody".to_owned(),
        api_key: ApiKeyId::from_uuid(uuid),
        phone: phone(999),
        now: world.clock.now(),
    }
}

/// An answer holds nothing of theirs; an error at most the name that it was asked for.
fn shows_nothing(call: &Call, told: &Told, named: &Named) {
    let Ok(answer) = told else { return };
    let ids = [
        named.contact.to_string(),
        named.lead.to_string(),
        named.rejection.to_string(),
        named.appointment.to_string(),
        named.conversion.to_string(),
        named.commission.to_string(),
        named.webhook.to_string(),
        named.provider.to_string(),
        named.api_key.to_string(),
        named.phone.clone(),
    ];
    let words = ["theirs", "Theirs", "Given7"].map(str::to_owned);
    for theirs in ids.iter().chain(&words) {
        assert!(!answer.contains(theirs.as_str()), "{} shows {theirs}: {answer}", call.name);
    }
}

/// The message of an error, with every name between backticks left out.
fn without_ids(error: &Error) -> String {
    let message = error.to_string();
    message.split('`').step_by(2).collect()
}

fn schedule() -> Schedule {
    Schedule::local("2027-06-01T10:00", "Europe/London").unwrap()
}
