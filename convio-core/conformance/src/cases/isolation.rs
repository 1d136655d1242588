use convio_core::appointment::AppointmentFilter;
use convio_core::change_set::{ClaimKind, ClaimName, Write};
use convio_core::contact::{ContactFilter, ContactRef};
use convio_core::conversion::ConversionFilter;
use convio_core::event::{Position, StreamRef};
use convio_core::lead::LeadFilter;
use convio_core::record::{RULES_KEY, RULES_KIND, fetch_record};
use convio_core::rejection::RejectionFilter;
use convio_core::{Cube, Loaded, Need, Needs, PageRequest, ReportQuery, WorkspaceHandle, WorkspaceId};

use super::events::eventful;
use crate::plans::{Plans, commit};
use crate::{Snapshot, Subject, World, check_invariants, created, lead, streams};

macro_rules! isolated {
    ($($(#[$doc:meta])* $case:ident($store:ident, $other:ident, $theirs:ident, $page:ident) $body:block)+) => {$(
        $(#[$doc])*
        pub(crate) async fn $case(subject: &dyn Subject) {
            let world = World::of(subject);
            let (_, $theirs, $other) = neighbours(&world).await;
            let $store = &*world.store();
            let nobody = WorkspaceId::from_uuid(uuid::Uuid::from_u128(7));
            let $page = &PageRequest::default();
            // One that has nothing of this kind, and one that does not exist: neither sees anything.
            for $other in [$other.id(), nobody] {
                $body
            }
        }
    )+};
}

isolated! {
    webhooks_are_seen_by_their_workspace_only(store, other, theirs, page) {
        let ids: Vec<_> = theirs.webhooks.iter().map(|row| row.id).collect();
        assert_eq!(store.fetch_webhooks(other, &ids).await.unwrap(), vec![None; ids.len()]);
        let listed = store.list_webhooks(other, page).await.unwrap().items;
        assert!(listed.iter().all(|row| row.workspace == other));
        let loaded = store.load(&Needs::of(other, [Need::Config])).await.unwrap();
        assert_eq!(loaded.webhooks, listed);
    }
    contacts_are_seen_by_their_workspace_only(store, other, theirs, page) {
        let keys = theirs.keys.iter().flat_map(|(_, keys)| keys.clone()).map(ContactRef::Key);
        let ids = theirs.contacts.iter().flat_map(|row| [ContactRef::Id(row.id), ContactRef::Number(row.number)]);
        let refs: Vec<_> = keys.chain(ids).collect();
        assert_eq!(store.fetch_contacts(other, &refs).await.unwrap(), vec![None; refs.len()]);
        assert_eq!(store.list_contacts(other, &ContactFilter::default(), page).await.unwrap().items, []);
        for row in &theirs.contacts {
            assert_eq!(store.contact_keys(other, row.id).await.unwrap(), []);
        }
    }
    leads_are_seen_by_their_workspace_only(store, other, theirs, page) {
        let ids: Vec<_> = theirs.leads.iter().map(|row| row.id).collect();
        assert_eq!(store.fetch_leads(other, &ids).await.unwrap(), vec![None; ids.len()]);
        let of_contact = LeadFilter::of_contact(theirs.contacts[0].id);
        for filter in [LeadFilter::default(), of_contact] {
            assert_eq!(store.list_leads(other, &filter, page).await.unwrap().items, []);
        }
        let needs = ids.into_iter().map(Need::Lead);
        assert_eq!(store.load(&Needs::of(other, needs)).await.unwrap(), Loaded::default());
    }
    payloads_are_seen_by_their_workspace_only(store, other, theirs, _page) {
        let ids: Vec<_> = theirs.payloads.iter().flatten().map(|row| row.id).collect();
        assert_eq!(store.fetch_payloads(other, &ids).await.unwrap(), vec![None; ids.len()]);
    }
    holders_of_names_are_seen_by_their_workspace_only(store, other, theirs, _page) {
        let claims = theirs.leads.iter().filter_map(|lead| {
            let value = lead.interest.external_id.clone()?;
            Some(ClaimName { webhook: Some(lead.webhook), kind: ClaimKind::ExternalId, value })
        });
        let names: Vec<ClaimName> = claims.collect();
        assert!(!names.is_empty());
        assert_eq!(store.fetch_holders(other, &names).await.unwrap(), vec![None; names.len()]);
    }
    rejections_are_seen_by_their_workspace_only(store, other, theirs, page) {
        let ids: Vec<_> = theirs.rejections.iter().map(|row| row.id).collect();
        assert_eq!(store.fetch_rejections(other, &ids).await.unwrap(), vec![None; ids.len()]);
        for filter in [RejectionFilter::default(), RejectionFilter::held()] {
            assert_eq!(store.list_rejections(other, &filter, page).await.unwrap().items, []);
        }
        let needs = ids.into_iter().map(Need::Rejection);
        assert_eq!(store.load(&Needs::of(other, needs)).await.unwrap(), Loaded::default());
    }
    appointments_are_seen_by_their_workspace_only(store, other, theirs, page) {
        let ids: Vec<_> = theirs.appointments.iter().map(|row| row.id).collect();
        assert_eq!(store.fetch_appointments(other, &ids).await.unwrap(), vec![None; ids.len()]);
        let row = &theirs.appointments[0];
        let (of_lead, of_contact) = (AppointmentFilter::of_lead(row.lead), AppointmentFilter::of_contact(row.contact));
        for filter in [AppointmentFilter::default(), of_lead, of_contact] {
            assert_eq!(store.list_appointments(other, &filter, page).await.unwrap().items, []);
        }
        let needs = ids.into_iter().map(Need::Appointment);
        assert_eq!(store.load(&Needs::of(other, needs)).await.unwrap(), Loaded::default());
    }
    conversions_are_seen_by_their_workspace_only(store, other, theirs, page) {
        let ids: Vec<_> = theirs.conversions.iter().map(|row| row.id).collect();
        assert_eq!(store.fetch_conversions(other, &ids).await.unwrap(), vec![None; ids.len()]);
        let row = &theirs.conversions[0];
        let (of_lead, of_contact) = (ConversionFilter::of_lead(row.lead), ConversionFilter::of_contact(row.contact));
        for filter in [ConversionFilter::default(), of_lead, of_contact] {
            assert_eq!(store.list_conversions(other, &filter, page).await.unwrap().items, []);
        }
    }
    histories_are_seen_by_their_workspace_only(store, other, theirs, page) {
        for stream in streams(&theirs.feed) {
            assert_eq!(store.history(other, stream, page).await.unwrap().items, [], "{stream:?}");
        }
        let own = StreamRef::Subject(convio_core::Subject::Workspace(other));
        assert!(store.history(other, own, page).await.unwrap().items.len() <= 1);
    }
    the_feed_is_seen_by_its_workspace_only(store, other, theirs, _page) {
        let feed = store.feed(other, Position(0), 1_000).await.unwrap();
        assert!(feed.iter().all(|event| event.workspace == other));
        assert!(feed.len() < theirs.feed.len());
        let head = store.head(other).await.unwrap();
        assert_eq!(head.map_or(0, |head| head.feed.0), feed.len() as u64);
        assert_eq!(head.map_or(0, |head| head.contacts), 0);
    }
    rollups_are_seen_by_their_workspace_only(store, other, _theirs, _page) {
        for cube in Cube::ALL {
            assert_eq!(store.report(other, &ReportQuery::all(cube)).await.unwrap(), []);
        }
    }
    records_are_seen_by_their_workspace_only(store, other, theirs, _page) {
        assert!(theirs.records.iter().any(|row| (row.kind.as_str(), row.key.as_str()) == (RULES_KIND, RULES_KEY)));
        for row in &theirs.records {
            assert_eq!(fetch_record(store, other, &row.kind, &row.key).await.unwrap(), None);
        }
        assert_eq!(store.load(&Needs::of(other, [Need::Config])).await.unwrap().records, []);
    }
}

pub(crate) async fn a_change_set_touches_no_row_of_another_workspace(subject: &dyn Subject) {
    let world = World::of(subject);
    let (acme, theirs, other) = neighbours(&world).await;
    let plans = Plans::of(&world, other.id()).await;
    let mut attempts = Vec::new();
    macro_rules! steal {
        ($rows:ident, $aggregate:ident) => {
            // Their row under our name, at the version that it has there.
            let mut row = theirs.$rows[0].clone();
            let at = row.version;
            (row.workspace, row.version) = (other.id(), at.next());
            let about = convio_core::Subject::$aggregate(row.id);
            let mut changes = plans.empty();
            let body = convio_core::EventBody::WebhookRestored;
            changes.events.push(convio_core::change_set::NewEvent::about(about, body));
            changes.$rows.push(Write::Update { row, at });
            attempts.push(changes);
        };
    }
    steal!(webhooks, Webhook);
    steal!(rejections, Rejection);
    steal!(appointments, Appointment);
    steal!(conversions, Conversion);
    let wanted = attempts.len();
    let answers = world.store().commit(attempts).await;
    assert!(answers.len() == wanted && answers.iter().all(Result::is_err), "{answers:?}");
    unchanged(&world, &acme, &theirs).await;
    let ours = Snapshot::of(&*world.store(), other.id(), 100).await.unwrap();
    check_invariants(&ours).unwrap();
}

pub(crate) async fn names_counters_and_windows_of_two_workspaces_know_nothing_of_each_other(
    subject: &dyn Subject,
) {
    let world = World::of(subject);
    let (acme, other) = (world.acme().await, world.acme().await);
    // The very same webhook id, contact key, claim, counter and product in both.
    for handle in [&acme, &other] {
        let plans = Plans::of(&world, handle.id()).await;
        let mut changes = plans.ingest(lead(1).idempotency_key("a").external_id("x")).changes;
        for claim in &mut changes.claims {
            claim.webhook = Some(convio_core::WebhookId::from_uuid(uuid::Uuid::from_u128(1)));
        }
        changes.counters.push(plans.counter("c", 1, 1));
        changes.records.push(plans.write_record("r", 1, None));
        let receipt = commit(&*world.store(), changes).await.unwrap();
        assert!(receipt.contacts[0].created);
        assert_eq!(receipt.repeats[0].of, None);
    }
    let plans = Plans::of(&world, acme.id()).await;
    let mut changes = plans.empty();
    changes.counters.push(plans.counter("c", 2, 3));
    commit(&*world.store(), changes).await.unwrap();
    let now = plans.counter("c", 0, 0).window;
    let earlier = now - chrono::TimeDelta::hours(1);
    let counters = [("d".to_owned(), now), ("c".to_owned(), now), ("c".to_owned(), earlier)];
    for (handle, used) in [(&acme, [0, 3, 0]), (&other, [0, 1, 0])] {
        assert_eq!(world.store().fetch_used(handle.id(), &counters).await.unwrap(), used);
    }
}

/// A workspace with everything in it, what it looks like, and a second one that has nothing but its direct webhook.
async fn neighbours(world: &World<'_>) -> (WorkspaceHandle<'static>, Snapshot, WorkspaceHandle<'static>) {
    let acme = world.acme().await;
    eventful(&acme).await;
    let other = world.acme().await;
    let theirs = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    (acme, theirs, other)
}

async fn unchanged(world: &World<'_>, acme: &WorkspaceHandle<'_>, before: &Snapshot) {
    let after = Snapshot::of(&*world.store(), acme.id(), 100).await.unwrap();
    assert_eq!(before.difference(&after), None);
    created(acme.ingest(lead(99)).await);
}
