use chrono::{TimeZone, Utc};
use convio_core::event::EventBody;
use convio_core::use_case::CreateWorkspace;
use convio_core::{
    Actor, DIRECT, ErrorKind, NewWorkspace, PageRequest, Position, Subject as Aggregate, Version,
    WebhookSettings, WorkspaceId,
};

use crate::{Subject, World, codes, lead, taken};

pub(crate) async fn a_new_workspace_reads_back(subject: &dyn Subject) {
    let world = World::of(subject);
    let new = NewWorkspace::named("  Acme   Solar ").zone("Australia/Sydney").currency("AUD");
    let acme = world.convio().create_workspace(new).await.unwrap();
    for handle in [&acme, &world.elsewhere(&acme)] {
        let row = handle.workspace().await.unwrap().unwrap();
        assert_eq!(row.id, acme.id());
        assert_eq!(row.settings.name, "Acme Solar");
        assert_eq!(row.settings.zone.name(), "Australia/Sydney");
        assert_eq!(row.settings.currency.code(), "AUD");
        assert!(row.settings.active);
        assert_eq!(row.created_at, Utc.with_ymd_and_hms(2027, 3, 1, 15, 0, 0).unwrap());
        assert_eq!(row.version, Version(1));
    }
    let feed = acme.feed(Position(0), 10).await.unwrap();
    assert!(matches!(&feed[0].body, EventBody::WorkspaceCreated(settings) if settings.name == "Acme Solar"));
    assert_eq!(feed[0].subject(), Some(Aggregate::Workspace(acme.id())));
    assert_eq!(feed[0].origin.actor, Actor::default());
}

pub(crate) async fn a_new_workspace_has_its_direct_webhook(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let webhooks = acme.webhooks(&PageRequest::default()).await.unwrap();
    assert_eq!(webhooks.items.len(), 1);
    assert_eq!(webhooks.next, None);
    let direct = &webhooks.items[0];
    assert_eq!((direct.name.as_str(), direct.version, direct.workspace), (DIRECT, Version(1), acme.id()));
    assert_eq!(direct.settings, WebhookSettings::default());
    assert_eq!(acme.webhook(DIRECT).await.unwrap().as_ref(), Some(direct));
}

pub(crate) async fn wrong_fields_are_all_named_and_nothing_is_stored(subject: &dyn Subject) {
    let world = World::of(subject);
    let new = NewWorkspace::named(" ").zone("Mars/Base").currency("XXX");
    let error = world.convio().create_workspace(new).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let fields: Vec<&str> = error.reasons().iter().map(|reason| reason.field.as_str()).collect();
    assert_eq!(fields, ["name", "zone", "currency"]);
}

pub(crate) async fn an_unknown_workspace_is_not_found(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let unknown = world.convio().workspace(WorkspaceId::from_uuid(uuid::Uuid::from_u128(7)));
    assert_eq!(unknown.workspace().await.unwrap(), None);
    assert_eq!(unknown.ingest(lead(1)).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(unknown.delete_webhook("x").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(unknown.publish_rules([]).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(world.store().head(unknown.id()).await.unwrap(), None);
    let both = world.store().fetch_workspaces(&[unknown.id(), acme.id()]).await.unwrap();
    assert_eq!(both.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
}

pub(crate) async fn the_same_id_is_not_created_twice(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    acme.ingest(lead(1)).await.unwrap().accepted().unwrap();
    let head = world.store().head(acme.id()).await.unwrap();
    let again = CreateWorkspace { id: acme.id(), new: NewWorkspace::named("Other") };
    assert_eq!(acme.run(&again).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(acme.workspace().await.unwrap().unwrap().settings.name, "Acme Solar");
    assert_eq!(world.store().head(acme.id()).await.unwrap(), head);
}

pub(crate) async fn workspaces_of_one_name_are_two(subject: &dyn Subject) {
    let world = World::of(subject);
    let (one, two) = (world.acme().await, world.acme().await);
    assert_ne!(one.id(), two.id());
    one.ingest(lead(1)).await.unwrap().accepted().unwrap();
    assert_eq!(world.store().head(one.id()).await.unwrap().unwrap().contacts, 1);
    assert_eq!(world.store().head(two.id()).await.unwrap().unwrap().contacts, 0);
}

pub(crate) async fn changed_settings_read_back_everywhere(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let before = acme.workspace().await.unwrap().unwrap();
    let mut settings = before.settings.clone();
    settings.name = " Acme  Roofs ".to_owned();
    settings.currency = "JPY".parse().unwrap();
    let after = acme.configure(settings.clone()).await.unwrap();
    assert_eq!((after.settings.name.as_str(), after.version), ("Acme Roofs", Version(2)));
    assert_eq!(world.elsewhere(&acme).workspace().await.unwrap(), Some(after.clone()));
    assert_eq!(after.created_at, before.created_at);
    settings.name = " ".to_owned();
    let error = acme.configure(settings).await.unwrap_err();
    assert_eq!((error.kind(), codes(error.reasons())), (ErrorKind::Invalid, vec!["name/missing".to_owned()]));
    assert_eq!(acme.workspace().await.unwrap(), Some(after));
}

pub(crate) async fn an_inactive_workspace_takes_no_leads(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    taken(acme.ingest(lead(1)).await);
    let there = world.elsewhere(&acme);
    let mut settings = acme.workspace().await.unwrap().unwrap().settings;
    settings.active = false;
    there.configure(settings.clone()).await.unwrap();
    let head = world.store().head(acme.id()).await.unwrap();
    for handle in [&acme, &there] {
        assert_eq!(handle.ingest(lead(2)).await.unwrap_err().kind(), ErrorKind::Denied);
    }
    assert_eq!(world.store().head(acme.id()).await.unwrap(), head);
    settings.active = true;
    there.configure(settings).await.unwrap();
    taken(acme.ingest(lead(2)).await);
}

pub(crate) async fn a_deleted_workspace_keeps_all_it_has_and_can_be_restored(subject: &dyn Subject) {
    let world = World::of(subject);
    let acme = world.acme().await;
    let accepted = taken(acme.ingest(lead(1)).await);
    assert_eq!(acme.restore().await.unwrap_err().kind(), ErrorKind::Conflict);
    let deleted = world.elsewhere(&acme).delete().await.unwrap();
    assert!(deleted.deleted_at.is_some());
    assert_eq!(acme.delete().await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(acme.ingest(lead(2)).await.unwrap_err().kind(), ErrorKind::Denied);
    assert!(acme.lead(accepted.lead).await.unwrap().is_some());
    assert_eq!(acme.workspace().await.unwrap(), Some(deleted));
    let restored = acme.restore().await.unwrap();
    assert_eq!((restored.deleted_at, restored.version), (None, Version(3)));
    taken(acme.ingest(lead(2)).await);
}
