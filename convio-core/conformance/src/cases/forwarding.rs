use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use chrono::TimeDelta;
use convio_core::delivery::{
    Delivery, DeliveryFilter, DeliveryStatus, EventFilter, Guard, LEASE_SECONDS, NewEndpoint, PayloadKind,
    Reported,
};
use convio_core::lead::LeadFilter;
use convio_core::store::async_trait;
use convio_core::webhook::Forwarding;
use convio_core::workspace::{Grant, Told};
use convio_core::{
    ChangeSet, CommitError, Convio, Durability, ErrorKind, Loaded, Needs, NewAppointment, NewConversion,
    NewWebhook, NewWorkspace, Outcome, PageRequest, Party, Receipt, Rule, Store, StoreError, Target,
    WorkspaceHandle,
};
use serde_json::json;

use super::deliveries::{Receiver, create, deliveries, run, to_url};
use super::lead_work::{in_order, schedule};
use crate::{Shared, Subject, World, codes, lead, lead_with, taken};

/// Another workspace, which takes what this one delivers.
async fn buyer(world: &World<'_>, seller: &WorkspaceHandle<'_>, told: Told) -> WorkspaceHandle<'static> {
    let new = NewWorkspace::named("Bright Roofs").zone("America/New_York").currency("USD");
    let buyer = world.convio().create_workspace(new).await.unwrap();
    buyer.create_webhook(NewWebhook::named("partners")).await.unwrap();
    grant(&buyer, seller, Some(told)).await;
    create(seller, NewEndpoint::to_workspace(buyer.id()).named("bright")).await;
    buyer
}

async fn grant(buyer: &WorkspaceHandle<'_>, seller: &WorkspaceHandle<'_>, told: Option<Told>) {
    let mut settings = buyer.workspace().await.unwrap().unwrap().settings;
    let grant = |told| Grant::to(seller.id()).through("partners").telling(told);
    settings.policy.grants = told.map(grant).into_iter().collect();
    buyer.configure(settings).await.unwrap();
}

async fn leads(acme: &WorkspaceHandle<'_>) -> Vec<convio_core::Lead> {
    acme.leads(&LeadFilter::default(), &PageRequest::default()).await.unwrap().items
}

async fn visits(acme: &WorkspaceHandle<'_>) -> Vec<convio_core::Appointment> {
    acme.appointments(&Default::default(), &PageRequest::default()).await.unwrap().items
}

async fn of_appointment(acme: &WorkspaceHandle<'_>, id: convio_core::AppointmentId) -> Vec<Delivery> {
    acme.deliveries(&DeliveryFilter::of_appointment(id), &PageRequest::default()).await.unwrap().items
}

fn told(delivery: &Delivery) -> Vec<&'static str> {
    delivery.reports.iter().map(|report| report.what.code()).collect()
}

pub(crate) async fn an_appointment_that_rules_route_to_an_endpoint_goes_there(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let partner = to_url("partner", EventFilter::None).with(|settings| settings.payload = PayloadKind::Full);
    create(&acme, partner).await;
    create(&acme, to_url("second", EventFilter::None)).await;
    acme.publish_rules([Rule::to(Target::endpoint("partner")).products(["solar"]).any_zip()]).await.unwrap();
    let solar = taken(acme.ingest(lead_with(1, json!({"product": "Solar", "roof": "flat"}))).await).lead;
    let new = NewAppointment::at(schedule()).location("12 Elm St");
    let routed = acme.book(solar, new).await.unwrap();
    assert_eq!(routed.routing.target, Some(Target::endpoint("partner")));
    let other = taken(acme.ingest(lead(2)).await).lead;
    let unrouted = acme.book(other, schedule()).await.unwrap();
    assert_eq!(unrouted.routing.target, None);

    let receiver = Receiver::fine();
    let mut courier = acme.courier(receiver.clone(), Guard::new());
    let (sent, _) = run(&mut courier).await.pop().unwrap();
    assert_eq!(
        (sent.status, sent.lead, sent.kind.as_str()),
        (DeliveryStatus::Success, Some(solar), "appointment.forwarded")
    );
    let body = &receiver.bodies()[0];
    assert_eq!(
        (&body["type"], &body["data"]["person"]["first_name"]),
        (&json!("appointment.forwarded"), &json!("Given1"))
    );
    assert_eq!(body["data"]["appointment"]["location"], json!("12 Elm St"));
    assert_eq!(body["data"]["lead"]["custom"]["roof"], json!("flat"));
    assert_eq!(of_appointment(&acme, unrouted.id).await, []);

    // Nothing goes where there is nobody.
    let nobody = Rule::to(Target::endpoint("partners")).any_product().any_zip();
    let errors = [
        acme.publish_rules([nobody.clone()]).await.err(),
        acme.assign(unrouted.id, Target::endpoint("partners"), None).await.err(),
        acme.book(other, NewAppointment::at(schedule()).direct(Target::endpoint("partners"))).await.err(),
        acme.create_webhook(NewWebhook::named("x").with(|it| it.forwarding = Forwarding::by([nobody])))
            .await
            .err(),
    ];
    for error in errors {
        assert_eq!(codes(error.unwrap().reasons()), ["target/unknown"]);
    }
    // By hand, and then to somebody else before it is sent: what nobody has any more is not sent.
    acme.assign(unrouted.id, Target::endpoint("partner"), None).await.unwrap();
    acme.assign(unrouted.id, Target::endpoint("second"), None).await.unwrap();
    run(&mut courier).await;
    let mut came = of_appointment(&acme, unrouted.id).await;
    came.sort_by_key(|delivery| delivery.status.code());
    let statuses: Vec<_> = came.iter().map(|delivery| delivery.status).collect();
    assert_eq!(statuses, [DeliveryStatus::Cancelled, DeliveryStatus::Success]);
    assert_eq!(receiver.got().len(), 2);
    // Thin: who wants to know more asks.
    assert!(receiver.bodies()[1]["data"]["person"].is_null());
    // To whom it went already it does not go again.
    acme.assign(routed.id, Target::team("east"), None).await.unwrap();
    acme.assign(routed.id, Target::endpoint("partner"), None).await.unwrap();
    assert_eq!(run(&mut courier).await, []);
    in_order(&world, &acme).await;
}

pub(crate) async fn leads_are_forwarded_by_every_rule_and_once_to_each(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    for name in ["west", "all"] {
        create(&acme, to_url(name, EventFilter::None)).await;
    }
    let to = |name: &str| Rule::to(Target::endpoint(name)).any_product();
    let rules = [
        to("west").zips(["9*"]),
        to("all").any_zip(),
        to("all").zips(["90210"]),
        to("west").any_zip().inactive(),
    ];
    let wrong = Forwarding::by([Rule::to(Target::team("east")).any_product().any_zip(), to("all")]);
    let error =
        acme.create_webhook(NewWebhook::named("solar").with(|it| it.forwarding = wrong)).await.unwrap_err();
    assert_eq!(codes(error.reasons()), ["forwarding[0]/invalid", "zips/empty"]);
    let new = NewWebhook::named("solar").with(|settings| settings.forwarding = Forwarding::by(rules));
    let solar = acme.create_webhook(new).await.unwrap();
    let mut ids = Vec::new();
    for (n, zip) in [(1, "90210"), (2, "10001")] {
        ids.push(taken(acme.ingest(lead_with(n, json!({"zip": zip})).webhook("solar")).await).lead);
    }
    let direct = taken(acme.ingest(lead(3)).await).lead;
    taken(acme.ingest(lead_with(4, json!({"zip": "90210"})).webhook("solar").test()).await);
    let receiver = Receiver::fine();
    let mut courier = acme.courier(receiver.clone(), Guard::new());
    run(&mut courier).await;
    let of = |lead| DeliveryFilter::of_lead(lead);
    let page = PageRequest::default();
    assert_eq!(acme.deliveries(&of(ids[0]), &page).await.unwrap().items.len(), 2);
    assert_eq!(acme.deliveries(&of(ids[1]), &page).await.unwrap().items.len(), 1);
    assert_eq!(receiver.got().len(), 3);
    let urls = receiver.got().iter().filter(|request| request.url.expose().contains("west")).count();
    assert_eq!(urls, 1);

    // All at once off, by the switch.
    let mut settings = solar.settings.clone();
    settings.forwarding.active = false;
    acme.configure_webhook("solar", settings).await.unwrap();
    let off = taken(acme.ingest(lead_with(5, json!({"zip": "90210"})).webhook("solar")).await).lead;
    assert_eq!(run(&mut courier).await, []);
    // By hand, whatever rules say, and once.
    for lead in [off, direct, ids[0]] {
        let made = acme.forward_lead(lead, "west").await.unwrap();
        assert_eq!(world.elsewhere(&acme).forward_lead(lead, "west").await.unwrap().id, made.id);
    }
    assert_eq!(run(&mut courier).await.len(), 2, "one of them went there before");
    assert_eq!(acme.forward_lead(direct, "east").await.unwrap_err().kind(), ErrorKind::NotFound);
    acme.delete_lead(off).await.unwrap();
    assert_eq!(acme.forward_lead(off, "all").await.unwrap_err().kind(), ErrorKind::Conflict);
    in_order(&world, &acme).await;
}

pub(crate) async fn another_workspace_takes_an_appointment_as_its_own(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let bright = buyer(&world, &acme, Told::Values).await;
    acme.publish_rules([Rule::to(Target::endpoint("bright")).any_product().any_zip()]).await.unwrap();
    // A person whom the buyer knows already.
    let known = taken(bright.ingest(lead(1)).await).contact;
    let id =
        taken(acme.ingest(lead_with(1, json!({"product": "Roof", "email": "jo@poe.example"}))).await).lead;
    let visit = acme.book(id, NewAppointment::at(schedule()).location("12 Elm St")).await.unwrap();
    let mut courier = acme.courier(Receiver::fine(), Guard::new());
    let (sent, _) = run(&mut courier).await.pop().unwrap();
    assert_eq!((sent.status, sent.response_status()), (DeliveryStatus::Success, Some(201)));
    let there = sent.delivered.unwrap();
    let visits = visits(&bright).await;
    assert_eq!(
        visits.iter().map(|row| (Some(row.id), row.lead)).collect::<Vec<_>>(),
        [(there.appointment, there.lead)]
    );
    assert_eq!(
        (visits[0].schedule.clone(), visits[0].location.as_deref()),
        (visit.schedule, Some("12 Elm St"))
    );
    let taken_over = leads(&bright).await.into_iter().find(|row| row.id == there.lead).unwrap();
    assert_eq!(taken_over.contact, known, "its contact is found as for any lead");
    assert_eq!(taken_over.interest.product.as_ref().map(|it| it.as_str()), Some("Roof"));
    assert_eq!(taken_over.interest.source.as_str(), "partners", "its source there");
    assert_eq!(taken_over.custom.0["delivered_by"], json!("Acme Solar"));

    // What the buyer does comes back, each step once, whoever's courier brings it and however often.
    let mut theirs = bright.courier(Receiver::fine(), Guard::new());
    let done = there.appointment.unwrap();
    bright.confirm(done).await.unwrap();
    run(&mut theirs).await;
    bright.complete(done, Outcome::Sold("900.00 USD".parse().unwrap())).await.unwrap();
    run(&mut theirs).await;
    bright
        .rewind_consumer(
            convio_core::service::DELIVERIES_CONSUMER,
            convio_core::service::Rewind::To(convio_core::Position(0)),
        )
        .await
        .unwrap();
    run(&mut theirs).await;
    let ours = acme.delivery(sent.id).await.unwrap().unwrap();
    assert_eq!(told(&ours), ["booked", "confirmed", "held", "sold"]);
    let sold = ours.reports.last().unwrap();
    assert_eq!(sold.what, Reported::Sold { value: Some("900.00 USD".parse().unwrap()) });
    // Nothing of the buyer's is in the seller's totals.
    assert_eq!(
        (acme.totals().await.unwrap().conversions, bright.totals().await.unwrap().conversions),
        (0, 1)
    );
    for handle in [&acme, &bright] {
        in_order(&world, handle).await;
    }
}

pub(crate) async fn two_that_forward_to_each_other_come_to_an_end(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let old = taken(acme.ingest(lead(7)).await).lead;
    world.clock.advance(TimeDelta::seconds(1));
    let bright = buyer(&world, &acme, Told::Steps).await;
    create(&bright, NewEndpoint::to_workspace(acme.id()).named("back")).await;
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.policy.grants = vec![Grant::to(bright.id())];
    acme.configure(settings).await.unwrap();
    for (handle, webhook, to) in [(&acme, "direct", "bright"), (&bright, "partners", "back")] {
        let mut settings = handle.webhook(webhook).await.unwrap().unwrap().settings;
        settings.forwarding = Forwarding::by([Rule::to(Target::endpoint(to)).any_product().any_zip()]);
        handle.configure_webhook(webhook, settings).await.unwrap();
    }
    taken(acme.ingest(lead(1)).await);
    // Read from the start, what came in before there was an endpoint is not forwarded either.
    let rewind = convio_core::service::Rewind::To(convio_core::Position(0));
    acme.rewind_consumer(convio_core::service::DELIVERIES_CONSUMER, rewind).await.unwrap();
    for _ in 0..3 {
        for handle in [&acme, &bright] {
            run(&mut handle.courier(Receiver::fine(), Guard::new())).await;
        }
    }
    assert_eq!((leads(&acme).await.len(), leads(&bright).await.len()), (2, 1));
    let [back] = &deliveries(&bright).await[..] else { panic!("one goes back") };
    assert_eq!((back.status, back.response_status()), (DeliveryStatus::Rejected, Some(422)));
    let of_old = acme.deliveries(&DeliveryFilter::of_lead(old), &PageRequest::default()).await.unwrap();
    assert_eq!(of_old.items, []);
}

pub(crate) async fn what_is_told_back_is_what_was_granted(subject: &dyn Subject) {
    let world = World::of(subject);
    for told_back in [Told::Nothing, Told::Steps] {
        let acme = world.acme().await;
        let bright = buyer(&world, &acme, told_back).await;
        let id = taken(acme.ingest(lead(1)).await).lead;
        let made = acme.forward_lead(id, "bright").await.unwrap();
        let mut courier = acme.courier(Receiver::fine(), Guard::new());
        let (sent, _) = run(&mut courier).await.pop().unwrap();
        let there = sent.delivered.unwrap();
        assert_eq!((sent.id, there.appointment), (made.id, None));
        let visit = bright.book(there.lead, schedule()).await.unwrap().id;
        world.clock.advance(TimeDelta::days(200));
        bright.no_show(visit, Party::Customer).await.unwrap();
        bright.convert(NewConversion::sale(there.lead, "50.00 USD".parse().unwrap())).await.unwrap();
        run(&mut bright.courier(Receiver::fine(), Guard::new())).await;
        let ours = acme.delivery(made.id).await.unwrap().unwrap();
        match told_back {
            Told::Nothing => assert_eq!(ours.reports, []),
            _ => {
                assert_eq!(told(&ours), ["booked", "no_show", "sold"]);
                assert_eq!(ours.reports[2].what, Reported::Sold { value: None });
            }
        }
    }
}

pub(crate) async fn nobody_delivers_where_it_is_not_granted_nor_reports_on_what_went_elsewhere(
    subject: &dyn Subject,
) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let bright = buyer(&world, &acme, Told::Values).await;
    grant(&bright, &acme, None).await;
    let id = taken(acme.ingest(lead(1)).await).lead;
    let made = acme.forward_lead(id, "bright").await.unwrap();
    let mut courier = acme.courier(Receiver::fine(), Guard::new());
    let (sent, _) = run(&mut courier).await.pop().unwrap();
    assert_eq!((sent.status, sent.response_status()), (DeliveryStatus::Rejected, Some(403)));
    assert_eq!((leads(&bright).await.len(), sent.delivered), (0, None));
    // Granted, it goes there when it is replayed.
    grant(&bright, &acme, Some(Told::Values)).await;
    acme.replay_delivery(made.id).await.unwrap();
    let (sent, _) = run(&mut courier).await.pop().unwrap();
    assert_eq!(sent.status, DeliveryStatus::Success);
    // A lead that the buyer can't take is rejected there, with its reasons but not what they were about.
    let no_phone = lead_with(2, json!({"phone": null, "email": "ann@poe.example"})).webhook("mail");
    acme.create_webhook(NewWebhook::named("mail").with(|it| it.keys = vec![convio_core::KeyKind::Email]))
        .await
        .unwrap();
    let second = taken(acme.ingest(no_phone).await).lead;
    acme.forward_lead(second, "bright").await.unwrap();
    let (refused, _) = run(&mut courier).await.pop().unwrap();
    assert_eq!((refused.status, refused.response_status()), (DeliveryStatus::Rejected, Some(422)));
    // A third workspace that has a lead under the external id of a delivery tells nothing of it.
    let liar = world.convio().create_workspace(NewWorkspace::named("Liar")).await.unwrap();
    grant_all(&liar, &acme).await;
    let forged = lead(9).external_id(format!("convio/{}/{}", acme.id(), made.id));
    let forged = taken(liar.ingest(forged).await).lead;
    liar.convert(NewConversion::sale(forged, "1.00 USD".parse().unwrap())).await.unwrap();
    run(&mut liar.courier(Receiver::fine(), Guard::new())).await;
    assert_eq!(acme.delivery(made.id).await.unwrap().unwrap().reports, []);
    for handle in [&acme, &bright, &liar] {
        in_order(&world, handle).await;
    }
}

async fn grant_all(liar: &WorkspaceHandle<'_>, seller: &WorkspaceHandle<'_>) {
    let mut settings = liar.workspace().await.unwrap().unwrap().settings;
    settings.policy.grants = vec![Grant::to(seller.id()).telling(Told::Values)];
    liar.configure(settings).await.unwrap();
}

/// A store that can't keep the answers of one workspace's deliveries while it is told so: what a crash between there and here leaves.
struct Cut {
    store: Arc<dyn Store>,
    of: convio_core::WorkspaceId,
    is_cut: Arc<AtomicBool>,
    cuts: Arc<AtomicUsize>,
}

#[async_trait]
impl Store for Cut {
    fn durability(&self) -> Durability {
        self.store.durability()
    }

    async fn load(&self, needs: &Needs) -> Result<Loaded, StoreError> {
        self.store.load(needs).await
    }

    async fn commit(&self, batch: Vec<ChangeSet>) -> Vec<Result<Receipt, CommitError>> {
        let answers = |changes: &ChangeSet| {
            changes.workspace == self.of
                && changes.deliveries.iter().any(|write| write.row().status.is_final())
        };
        if self.is_cut.load(Ordering::SeqCst) && batch.iter().any(answers) {
            self.cuts.fetch_add(1, Ordering::SeqCst);
            let gone = convio_core::store::Fault::new("the process is gone");
            return batch.iter().map(|_| Err(CommitError::Unavailable(gone.clone()))).collect();
        }
        self.store.commit(batch).await
    }
}
convio_core::pass_on_reads!([] Cut, |store| store.store);

pub(crate) async fn a_crash_between_there_and_here_leaves_one_appointment_there(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let bright = buyer(&world, &acme, Told::Steps).await;
    acme.publish_rules([Rule::to(Target::endpoint("bright")).any_product().any_zip()]).await.unwrap();
    let (is_cut, cuts) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    for n in 0..50 {
        let id = taken(acme.ingest(lead(n)).await).lead;
        let visit = acme.book(id, NewAppointment::at(schedule())).await.unwrap();
        is_cut.store(true, Ordering::SeqCst);
        {
            let cut = Cut { store: world.store(), of: acme.id(), is_cut: is_cut.clone(), cuts: cuts.clone() };
            let dying: Convio<'static> = world.convio_on(Arc::new(Shared(Arc::new(cut))));
            let mut courier = dying.workspace(acme.id()).courier(Receiver::fine(), Guard::new());
            while courier.step().await.is_ok() {}
        }
        is_cut.store(false, Ordering::SeqCst);
        let sending = of_appointment(&acme, visit.id).await.pop().unwrap();
        assert!(sending.sending_since.is_some() && sending.attempts.is_empty(), "{sending:?}");
        assert_eq!(visits(&bright).await.len(), n as usize + 1, "it is there");
        world.clock.advance(TimeDelta::seconds(60 + LEASE_SECONDS));
        let mut courier = world.elsewhere(&acme).courier(Receiver::fine(), Guard::new());
        run(&mut courier).await;
        world.clock.advance(TimeDelta::seconds(10));
        run(&mut courier).await;
        let done = of_appointment(&acme, visit.id).await;
        let [done] = &done[..] else { panic!("{done:?}") };
        let there = visits(&bright).await;
        assert_eq!((done.status, there.len()), (DeliveryStatus::Success, n as usize + 1), "and there once");
        assert!(there.iter().any(|row| Some(row.id) == done.delivered.unwrap().appointment));
    }
    assert_eq!(cuts.load(Ordering::SeqCst), 50);
    assert_eq!((leads(&bright).await.len(), deliveries(&acme).await.len()), (50, 50));
    for handle in [&acme, &bright] {
        in_order(&world, handle).await;
    }
}
