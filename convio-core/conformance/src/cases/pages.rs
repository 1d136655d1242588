use std::future::Future;

use convio_core::appointment::AppointmentFilter;
use convio_core::contact::ContactFilter;
use convio_core::conversion::ConversionFilter;
use convio_core::event::Position;
use convio_core::lead::LeadFilter;
use convio_core::page::PAGE_ITEMS_MAX;
use convio_core::rejection::RejectionFilter;
use convio_core::service::Atomicity;
use convio_core::{
    ContactId, Cursor, LeadId, NewConversion, NewWebhook, Page, PageRequest, RawLead, Schedule, StoreError,
    StreamRef, WorkspaceHandle,
};

use crate::plans::Plans;
use crate::{Subject, World, created, lead, linked, rejected};

pub(crate) async fn every_list_is_the_same_whatever_the_size_of_its_pages(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = furnished(&world).await;
    let (store, id) = (&*world.store(), acme.id());
    let (one, two) = (crowd(&acme, 0).await, crowd(&acme, 1).await);
    assert_eq!(
        paged(|page| async move { store.list_webhooks(id, &page).await }, |row| row.id.uuid()).await,
        8
    );
    for leads_min in [0, 2, 100] {
        let mut filter = ContactFilter::default();
        filter.leads_min = leads_min;
        let filter = &filter;
        let list = |page: PageRequest| async move { store.list_contacts(id, filter, &page).await };
        assert_eq!(paged(list, |row| row.id.uuid()).await, [7, 2, 0][leads_min.min(4) as usize / 2]);
    }
    for (filter, n) in [
        (LeadFilter::default(), 7 + 3 + 5),
        (LeadFilter::of_contact(one), 4),
        (LeadFilter::of_contact(two), 6),
        (LeadFilter::of_contact(ContactId::from_uuid(uuid::Uuid::nil())), 0),
    ] {
        let filter = &filter;
        let list = |page: PageRequest| async move { store.list_leads(id, filter, &page).await };
        assert_eq!(paged(list, |row| row.id.uuid()).await, n);
    }
    for filter in [&RejectionFilter::default(), &RejectionFilter::held()] {
        let list = |page: PageRequest| async move { store.list_rejections(id, filter, &page).await };
        assert_eq!(paged(list, |row| row.id.uuid()).await, 7);
    }
    let lead =
        store.list_leads(id, &LeadFilter::of_contact(one), &PageRequest::first(1)).await.unwrap().items[0].id;
    for (filter, n) in [
        (AppointmentFilter::default(), 7),
        (AppointmentFilter::of_contact(one), 4),
        (AppointmentFilter::of_lead(lead), 4),
    ] {
        let filter = &filter;
        let list = |page: PageRequest| async move { store.list_appointments(id, filter, &page).await };
        assert_eq!(paged(list, |row| row.id.uuid()).await, n);
    }
    for (filter, n) in [
        (ConversionFilter::default(), 7),
        (ConversionFilter::of_contact(two), 3),
        (ConversionFilter::of_lead(lead), 4),
    ] {
        let filter = &filter;
        let list = |page: PageRequest| async move { store.list_conversions(id, filter, &page).await };
        assert_eq!(paged(list, |row| row.id.uuid()).await, n);
    }
}

pub(crate) async fn histories_are_the_same_whatever_the_size_of_their_pages(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = furnished(&world).await;
    let (store, id) = (&*world.store(), acme.id());
    let one = crowd(&acme, 0).await;
    let stream = StreamRef::Contact(one);
    let list = |page: PageRequest| async move { store.history(id, stream, &page).await };
    let version = |event: &convio_core::Event| event.version_in(stream).unwrap();
    assert_eq!(paged(list, version).await, 8);
    let stream = StreamRef::Lead(LeadId::from_uuid(uuid::Uuid::from_u128(7)));
    let list = |page: PageRequest| async move { store.history(id, stream, &page).await };
    assert_eq!(paged(list, |event| event.position).await, 0);
}

pub(crate) async fn the_last_page_says_that_it_is_the_last(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    for n in 0..4 {
        created(acme.ingest(lead(n)).await);
    }
    let next = async |size: usize| {
        let page = acme.contacts(&ContactFilter::default(), &PageRequest::first(size)).await.unwrap();
        (page.items.len(), page.next.is_some())
    };
    assert_eq!(next(3).await, (3, true));
    assert_eq!(next(4).await, (4, false));
    assert_eq!(next(5).await, (4, false));
    // Nothing is asked for: a page has one item at least, so that there is a way on.
    assert_eq!(next(0).await, (1, true));
    let nobody = world.convio().workspace(convio_core::WorkspaceId::from_uuid(uuid::Uuid::from_u128(7)));
    let page = nobody.contacts(&ContactFilter::default(), &PageRequest::first(3)).await.unwrap();
    assert_eq!((page.items.len(), page.next), (0, None));
}

pub(crate) async fn rows_that_come_while_pages_are_turned_are_not_in_the_way(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let mut before = Vec::new();
    for n in 0..6 {
        before.push(created(acme.ingest(lead(n)).await).lead);
    }
    let mut seen = Vec::new();
    let mut request = PageRequest::first(2);
    for n in 6.. {
        let page = acme.leads(&LeadFilter::default(), &request).await.unwrap();
        seen.extend(page.items.into_iter().map(|lead| lead.id));
        let Some(next) = page.next else { break };
        // Ids ascend with time, so what comes now stands behind.
        if n < 9 {
            before.push(created(acme.ingest(lead(n)).await).lead);
        }
        request = PageRequest::after(next, 2);
    }
    assert_eq!(seen, before);
}

pub(crate) async fn rows_of_any_order_of_arrival_are_sorted(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let plans = Plans::of(&world, acme.id()).await;
    // Planned one after the other, committed the other way round.
    let mut batch: Vec<_> = (0..6).map(|n| plans.ingest(lead(n)).changes).collect();
    batch.extend((0..6).map(|_| plans.ingest(RawLead::json("{}")).changes));
    batch.reverse();
    assert!(world.store().commit(batch).await.iter().all(Result::is_ok));
    let (store, id) = (&*world.store(), acme.id());
    let contacts = ContactFilter::default();
    let contacts = &contacts;
    let list = |page: PageRequest| async move { store.list_contacts(id, contacts, &page).await };
    assert_eq!(paged(list, |row| row.id.uuid()).await, 6);
    let leads = LeadFilter::default();
    let leads = &leads;
    let list = |page: PageRequest| async move { store.list_leads(id, leads, &page).await };
    assert_eq!(paged(list, |row| row.id.uuid()).await, 6);
    let held = RejectionFilter::held();
    let held = &held;
    let list = |page: PageRequest| async move { store.list_rejections(id, held, &page).await };
    assert_eq!(paged(list, |row| row.id.uuid()).await, 6);
}

pub(crate) async fn a_page_has_a_bound(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let rows = (0..PAGE_ITEMS_MAX as u32 + 5).map(lead).collect();
    assert!(acme.ingest_batch(rows, Atomicity::AllOrNothing).await.unwrap().applied);
    let page = acme.leads(&LeadFilter::default(), &PageRequest::first(usize::MAX)).await.unwrap();
    assert_eq!(page.items.len(), PAGE_ITEMS_MAX);
    let rest = PageRequest::after(page.next.unwrap(), usize::MAX);
    let rest = acme.leads(&LeadFilter::default(), &rest).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (5, None));
    assert_eq!(acme.feed(Position(0), usize::MAX).await.unwrap().len(), PAGE_ITEMS_MAX);
    assert_eq!(world.store().head(acme.id()).await.unwrap().unwrap().contacts, PAGE_ITEMS_MAX as u64 + 5);
}

/// Reads a list by pages of several sizes, and finds it sorted, whole and the same each time. Says how long it is.
async fn paged<T, F, K>(list: impl Fn(PageRequest) -> F, key: impl Fn(&T) -> K) -> usize
where
    T: PartialEq + std::fmt::Debug,
    F: Future<Output = Result<Page<T>, StoreError>>,
    K: Ord + std::fmt::Debug,
{
    let whole = list(PageRequest::first(100)).await.unwrap();
    assert_eq!(whole.next, None);
    let whole = whole.items;
    assert!(whole.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])), "not sorted: {whole:?}");
    for size in 1..=4 {
        let mut rows: Vec<T> = Vec::new();
        let mut request = PageRequest::first(size);
        loop {
            let page = list(request).await.unwrap();
            let full = page.items.len() == size;
            assert!(page.items.len() <= size, "a page of {size} has {} items", page.items.len());
            rows.extend(page.items);
            let Some(next) = page.next else { break };
            assert!(full && rows.len() < whole.len(), "page after page of {size}, and no end");
            request = PageRequest::after(through_text(next), size);
        }
        assert_eq!(rows, whole, "by pages of {size}");
    }
    whole.len()
}

/// A cursor as services pass it on.
fn through_text(cursor: Cursor) -> Cursor {
    serde_json::from_str(&serde_json::to_string(&cursor).unwrap()).unwrap()
}

/// Seven webhooks besides `direct`, seven contacts, and seven rejections.
async fn furnished(world: &World<'_>) -> WorkspaceHandle<'static> {
    let acme = world.acme().await;
    for n in 0..7 {
        acme.create_webhook(NewWebhook::named(format!("hook-{n}"))).await.unwrap();
        created(acme.ingest(lead(n)).await);
        rejected(acme.ingest(RawLead::json("{}")).await);
    }
    acme
}

/// Gives the `n`-th contact more leads, and appointments and conversions of its first one.
async fn crowd(acme: &WorkspaceHandle<'_>, n: u32) -> ContactId {
    let (leads, sales) = ([3, 5][n as usize], [4, 3][n as usize]);
    let mut contact = None;
    for _ in 0..leads {
        contact = Some(linked(acme.ingest(lead(n)).await).contact);
    }
    let contact = contact.unwrap();
    let first =
        acme.leads(&LeadFilter::of_contact(contact), &PageRequest::first(1)).await.unwrap().items[0].id;
    for day in 1..=sales {
        let schedule = Schedule::local(&format!("2027-04-0{day}T10:00"), "UTC").unwrap();
        acme.book(first, schedule).await.unwrap();
        acme.convert(NewConversion::sale(first, "5 USD".parse().unwrap())).await.unwrap();
    }
    contact
}
