//! Workspaces: each client has what is its own.

use convio_core::api_key::ApiToken;
use convio_core::appointment::AppointmentFilter;
use convio_core::contact::{ContactFilter, ContactRef};
use convio_core::conversion::ConversionFilter;
use convio_core::lead::LeadFilter;
use convio_core::{
    ContactNumber, Error, ErrorKind, NewConversion, NewWorkspace, Outcome, PageRequest, Permission, Phone,
    RawLead, Schedule, StreamRef, Validity, WorkspaceHandle,
};
use serde_json::json;

use super::{contact, history, lead, play, sound};
use crate::mission::NUMBER;
use crate::{Subject, World, created, lead as new_lead, lead_with, linked};

pub(crate) async fn each_client_has_a_workspace_of_its_own(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let acme = mission.acme.workspace().await.unwrap().unwrap();
    let other = mission.other.workspace().await.unwrap().unwrap();
    assert_ne!(acme.id, other.id);
    assert_eq!((acme.settings.name.as_str(), acme.settings.zone.name()), ("Acme Home", "UTC"));
    assert_eq!(
        (other.settings.name.as_str(), other.settings.zone.name()),
        ("Zenith Roofs", "America/Los_Angeles")
    );
    // A client of the same name is another client, with nothing in its workspace.
    let third = world.convio().create_workspace(NewWorkspace::named("Acme Home")).await.unwrap();
    assert!(third.id() != acme.id && third.id() != other.id);
    assert_eq!(sound(&world, &third).await.leads, []);
    assert_eq!(third.webhook("google-solar").await.unwrap(), None);
}

pub(crate) async fn workspaces_have_separate_keys_and_permissions(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let names = async |of: &WorkspaceHandle<'_>| {
        let keys = of.api_keys().await.unwrap();
        keys.into_iter().map(|key| key.settings.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&mission.acme).await, ["crm", "landing page", "leadco"]);
    assert_eq!(names(&mission.other).await, ["office"]);
    // Each key opens its own workspace, for what it permits and for nothing else.
    let crm = opened(&world, &mission.tokens.crm).await;
    let page = opened(&world, &mission.tokens.page).await;
    let office = opened(&world, &mission.tokens.other).await;
    assert_eq!(
        (crm.id(), page.id(), office.id()),
        (mission.acme.id(), mission.acme.id(), mission.other.id())
    );
    assert_eq!(lead(&crm, mission.leads.solar).await.contact, mission.john);
    assert_eq!(denied(crm.ingest(new_lead(7)).await), "the API key does not permit to `ingest`");
    created(page.ingest(new_lead(7)).await);
    assert_eq!(denied(page.lead(mission.leads.solar).await), "the API key does not permit to `read`");
    assert_eq!(denied(page.publish_rules([]).await), "the API key does not permit to `admin`");
    // All that the other client's key permits, it permits over there.
    assert_eq!(office.lead(mission.leads.solar).await.unwrap(), None);
    // A key that is revoked opens nothing, and leaves the others alone.
    let page_id = page.api_key_id().unwrap();
    mission.acme.revoke_api_key(page_id).await.unwrap();
    assert_eq!(
        denied(world.convio().authenticate(mission.tokens.page.expose()).await),
        "the API key is not valid"
    );
    assert_eq!(lead(&crm, mission.leads.solar).await.contact, mission.john);
}

pub(crate) async fn leads_contacts_and_conversions_belong_to_a_workspace(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    for of in [&mission.acme, &mission.other] {
        let all = sound(&world, of).await;
        assert!(!all.leads.is_empty() && !all.contacts.is_empty() && !all.conversions.is_empty());
        assert!(all.leads.iter().all(|row| row.workspace == of.id()));
        assert!(all.contacts.iter().all(|row| row.workspace == of.id()));
        assert!(all.appointments.iter().all(|row| row.workspace == of.id()));
        assert!(all.conversions.iter().all(|row| row.workspace == of.id()));
        assert!(all.feed.iter().all(|event| event.workspace == of.id()));
    }
    // Without a workspace nothing is taken.
    let nowhere = world.convio().workspace(convio_core::WorkspaceId::from_uuid(uuid::Uuid::from_u128(7)));
    assert_eq!(nowhere.ingest(new_lead(7)).await.unwrap_err().kind(), ErrorKind::NotFound);
}

pub(crate) async fn one_workspace_contains_many_contacts_leads_and_appointments(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    for n in 10..30 {
        let accepted = created(mission.acme.ingest(new_lead(n)).await);
        let schedule = Schedule::local("2027-03-09T10:00", "UTC").unwrap();
        mission.acme.book(accepted.lead, schedule).await.unwrap();
    }
    let all = sound(&world, &mission.acme).await;
    assert_eq!((all.contacts.len(), all.leads.len(), all.appointments.len()), (22, 24, 22));
    // They are listed page by page.
    let page = PageRequest::first(20);
    let first = mission.acme.leads(&LeadFilter::default(), &page).await.unwrap();
    let rest = PageRequest::after(first.next.unwrap(), 20);
    let rest = mission.acme.leads(&LeadFilter::default(), &rest).await.unwrap();
    assert_eq!((first.items.len(), rest.items.len(), rest.next), (20, 4, None));
    let contacts = mission.acme.contacts(&ContactFilter::default(), &page).await.unwrap();
    let appointments = mission.acme.appointments(&AppointmentFilter::default(), &page).await.unwrap();
    assert!(contacts.next.is_some() && appointments.next.is_some());
}

/// The same person, the same phone, the same number: two rows that know nothing of each other.
pub(crate) async fn clients_use_the_same_system_safely(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let number: ContactNumber = NUMBER.parse().unwrap();
    let office = opened(&world, &mission.tokens.other).await;
    let found = office.contact(ContactRef::Number(number)).await.unwrap().unwrap();
    assert_eq!((found.id, found.person.first_name.as_deref()), (mission.johnny, Some("Johnny")));
    let phone = Phone::from_e164("+15551234567", Validity::Possible).unwrap();
    let seen: Vec<_> =
        office.leads_of_phone(&phone).await.unwrap().into_iter().map(|lead| lead.contact).collect();
    assert_eq!(seen, [mission.johnny, mission.johnny]);
    assert_eq!(found.lifetime.iter().map(|sum| sum.to_string()).collect::<Vec<_>>(), ["1200.00 USD"]);

    // Whatever is done with the ids of one client as the other, is done with ids of nothing.
    let before = sound(&world, &mission.acme).await;
    assert_eq!(office.contact(ContactRef::Id(mission.john)).await.unwrap(), None);
    assert_eq!(office.appointment(mission.estimate).await.unwrap(), None);
    assert_eq!(office.payload(mission.leads.solar.intake()).await.unwrap(), None);
    assert_eq!(office.contact_keys(mission.john).await.unwrap(), []);
    assert_eq!(history(&office, StreamRef::Contact(mission.john)).await, []);
    let leads = office.leads(&LeadFilter::of_contact(mission.john), &PageRequest::default()).await.unwrap();
    let conversions = ConversionFilter::of_contact(mission.john);
    let conversions = office.conversions(&conversions, &PageRequest::default()).await.unwrap();
    assert_eq!((leads.items, conversions.items), (vec![], vec![]));
    let sale = NewConversion::sale(mission.leads.hvac, "1 USD".parse().unwrap());
    let tried = [
        office.convert(sale).await.unwrap_err(),
        office.complete(mission.estimate, Outcome::NotSold).await.unwrap_err(),
        office.delete_lead(mission.leads.hvac).await.unwrap_err(),
        office.void(mission.sale, "not ours").await.unwrap_err(),
    ];
    assert!(tried.iter().all(|error| error.kind() == ErrorKind::NotFound), "{tried:?}");
    // What the person tells one client, the other does not hear.
    let news =
        lead_with(1, json!({"phone": "+15551234567", "firstName": "Jonathan", "email": "new@home.example"}));
    linked(office.ingest(news).await);
    let after = sound(&world, &mission.acme).await;
    assert_eq!(before.difference(&after), None);
    assert_eq!(contact(&mission.acme, mission.john).await.person.first_name.as_deref(), Some("John"));
    sound(&world, &mission.other).await;
}

pub(crate) async fn workspaces_separate_clients_by_name_key_and_permissions(subject: &dyn Subject) {
    let (_world, mission) = play(subject).await;
    let workspace = mission.acme.workspace().await.unwrap().unwrap();
    assert_eq!(workspace.settings.name, "Acme Home");
    let keys = mission.acme.api_keys().await.unwrap();
    let permissions: Vec<Vec<Permission>> =
        keys.iter().map(|key| key.settings.permissions.iter().copied().collect()).collect();
    let crm = vec![Permission::Read, Permission::Update, Permission::Convert];
    assert_eq!(permissions, [crm, vec![Permission::Ingest], vec![Permission::Ingest]]);
    // A key is shown masked: its secret was in the answer that made it, and is nowhere else.
    for (key, token) in keys.iter().zip([&mission.tokens.crm, &mission.tokens.page, &mission.tokens.provider])
    {
        let masked = key.masked();
        assert!(masked.starts_with("cvk_***") && masked.len() == 15, "{masked}");
        let secret = &token.expose()[4 + 64..];
        assert_eq!(secret.len(), 64);
        assert!(!format!("{key:?} {token:?}").contains(secret));
    }
}

pub(crate) async fn an_inactive_client_is_refused_while_others_go_on(subject: &dyn Subject) {
    let (world, mission) = play(subject).await;
    let crm = opened(&world, &mission.tokens.crm).await;
    let mut settings = mission.acme.workspace().await.unwrap().unwrap().settings;
    settings.active = false;
    mission.acme.configure(settings).await.unwrap();
    assert_eq!(
        denied(mission.acme.ingest(RawLead::json(r#"{"phone":"+12122000007"}"#)).await),
        "the workspace is inactive"
    );
    assert_eq!(denied(crm.lead(mission.leads.solar).await), "the workspace is inactive");
    created(mission.other.ingest(new_lead(7)).await);
}

async fn opened(world: &World<'_>, token: &ApiToken) -> WorkspaceHandle<'static> {
    world.convio().authenticate(token.expose()).await.unwrap()
}

/// What a denial says.
#[track_caller]
fn denied<T>(answer: Result<T, Error>) -> String {
    let error = answer.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Denied);
    error.to_string()
}
