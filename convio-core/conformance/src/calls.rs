//! Every call of a workspace's handle, with the permission that it asks for: the table that access and isolation are checked
//! by. A public method that is not in it does not build.

use std::future::Future;
use std::pin::Pin;

use chrono::{DateTime, NaiveDate, Utc};
use convio_core::analytics::Spend;
use convio_core::appointment::AppointmentFilter;
use convio_core::attribution::{AttributionSettings, NewTouch, TouchKind, TouchOf};
use convio_core::availability::Hours;
use convio_core::calendar::SlotRequest;
use convio_core::consumer::ConsumerSettings;
use convio_core::contact::{ContactFilter, ContactRef};
use convio_core::conversion::{ConversionFilter, NewAdjustment, NewCommission, NewReturn};
use convio_core::delivery::{
    DeliveryFilter, Destination, EndpointSettings, EventFilter, Guard, NewEndpoint, SecretSource,
};
use convio_core::lead::LeadFilter;
use convio_core::money::{Currency, Rates};
use convio_core::provider::ProviderSettings;
use convio_core::rejection::RejectionFilter;
use convio_core::routing::RoutingRequest;
use convio_core::service::{Atomicity, Attribution, CreditQuery, Dimension, Rewind};
use convio_core::text::Source;
use convio_core::{
    ApiKeyId, AppointmentId, CalendarSettings, Channel, CommissionId, ContactAttempt, ContactId,
    ConversionId, Corrections, Cube, DeliveryId, Error, Hold, IntakeId, LeadId, NewApiKey, NewConversion,
    NewHold, NewWebhook, NewWorkspace, Outcome, PageRequest, Party, Permission, Phone, Position, Priority,
    ProviderId, RawLead, ReportQuery, Resource, Rule, Schedule, StreamRef, Target, Validity, Version,
    WebhookId, WebhookSettings, WorkspaceHandle, Zone,
};

/// What a call is about.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) contact: ContactId,
    pub(crate) other_contact: ContactId,
    pub(crate) merged_contact: ContactId,
    pub(crate) lead: LeadId,
    pub(crate) rejection: IntakeId,
    pub(crate) appointment: AppointmentId,
    pub(crate) conversion: ConversionId,
    pub(crate) delivery: DeliveryId,
    pub(crate) ended_delivery: DeliveryId,
    pub(crate) commission: CommissionId,
    pub(crate) paid_commission: CommissionId,
    pub(crate) webhook: WebhookId,
    pub(crate) webhook_name: String,
    pub(crate) provider: ProviderId,
    pub(crate) provider_name: String,
    pub(crate) api_key: ApiKeyId,
    pub(crate) phone: String,
    pub(crate) now: DateTime<Utc>,
}

/// What came of a call: its answer, told by its `Debug`, or its error.
pub(crate) type Told = Result<String, Error>;

/// A call on its way.
pub(crate) type Telling = Pin<Box<dyn Future<Output = Told>>>;

/// One call.
pub(crate) struct Call {
    /// The method.
    pub(crate) name: &'static str,
    /// What it asks for.
    pub(crate) permission: Permission,
    /// Does it.
    pub(crate) call: fn(WorkspaceHandle<'static>, Named) -> Telling,
}

macro_rules! calls {
    ($($name:ident: $permission:ident = |$handle:ident, $named:ident| $call:expr;)+) => {
        /// Every call.
        pub(crate) const CALLS: &[Call] = &[$(Call {
            name: stringify!($name),
            permission: Permission::$permission,
            call: |$handle, $named| Box::pin(async move {
                let answer = $call.await?;
                Ok(format!("{answer:?}"))
            }),
        },)+];

        // The public methods are the names of the table, each once: a method without a name here does not build.
        const _: () = same(&[$(stringify!($name)),+]);
    };
}

calls! {
    configure: Admin = |acme, _named| async {
        acme.configure(NewWorkspace::named("Other").settings().unwrap()).await
    };
    delete: Admin = |acme, _named| acme.delete();
    restore: Admin = |acme, _named| acme.restore();
    create_webhook: Admin = |acme, _named| acme.create_webhook(NewWebhook::named("fresh"));
    configure_webhook: Admin = |acme, named| {
        acme.configure_webhook(&named.webhook_name, WebhookSettings::default())
    };
    delete_webhook: Admin = |acme, named| acme.delete_webhook(&named.webhook_name);
    restore_webhook: Admin = |acme, named| acme.restore_webhook(&named.webhook_name);
    create_provider: Admin = |acme, named| {
        let mut settings = ProviderSettings::default();
        settings.webhooks = Some([named.webhook].into());
        acme.create_provider("fresh", settings)
    };
    configure_provider: Admin = |acme, named| {
        acme.configure_provider(&named.provider_name, ProviderSettings::default())
    };
    create_api_key: Admin = |acme, named| async {
        let new = NewApiKey::named("fresh").may([Permission::Read]).of_provider(named.provider);
        acme.create_api_key(new).await
    };
    revoke_api_key: Admin = |acme, named| acme.revoke_api_key(named.api_key);
    api_keys: Admin = |acme, _named| acme.api_keys();
    api_key_last_used: Admin = |acme, named| acme.api_key_last_used(named.api_key);
    publish_rules: Admin = |acme, _named| {
        acme.publish_rules([Rule::to(Target::team("all")).any_product().any_zip()])
    };

    set_calendar: Admin = |acme, _named| acme.set_calendar(Resource::person("fresh"), CalendarSettings::open(Hours::always(Zone::UTC)));
    calendar: Read = |acme, _named| async { acme.calendar(&Resource::thing("theirs-van")).await };
    calendars: Read = |acme, _named| acme.calendars();
    hold: Update = |acme, _named| acme.hold(NewHold::at(schedule(), 5).of(Resource::thing("theirs-van"), 1));
    end_hold: Update = |acme, named| {
        let (id, until) = (named.lead.uuid(), named.now);
        acme.end_hold(Hold { id, time: schedule().time(), takes: Vec::new(), until })
    };
    seat_appointments: Update = |acme, _named| async {
        acme.seat_appointments(&PageRequest::default()).await
    };
    busy: Read = |acme, _named| async {
        acme.busy(&Resource::thing("theirs-van"), schedule().time()).await
    };
    next_slots: Read = |acme, _named| async {
        acme.next_slots(&SlotRequest::of([Resource::thing("theirs-van")], 60, Zone::UTC)).await
    };
    roll_back_rules: Admin = |acme, _named| acme.roll_back_rules(Version(1));
    save_draft: Admin = |acme, _named| acme.save_draft("fresh", [Rule::to(Target::team("all"))], None);
    draft: Admin = |acme, _named| acme.draft("theirs-draft");
    drafts: Admin = |acme, _named| acme.drafts();
    publish_draft: Admin = |acme, _named| acme.publish_draft("theirs-draft", Version(1));
    discard_draft: Admin = |acme, _named| acme.discard_draft("theirs-draft", Version(1));

    create_consumer: Admin = |acme, _named| acme.create_consumer("fresh", ConsumerSettings::new(), Position(0));
    configure_consumer: Admin = |acme, _named| acme.configure_consumer("theirs-crm", ConsumerSettings::new());
    consumers: Read = |acme, _named| acme.consumers();
    consumer_state: Read = |acme, _named| acme.consumer_state("theirs-crm");
    pause_consumer: Admin = |acme, _named| acme.pause_consumer("theirs-crm");
    resume_consumer: Admin = |acme, _named| acme.resume_consumer("theirs-crm");
    rewind_consumer: Admin = |acme, _named| acme.rewind_consumer("theirs-crm", Rewind::To(Position(0)));
    dead_letters: Admin = |acme, _named| acme.dead_letters("theirs-crm");
    retry_dead_letter: Admin = |acme, _named| acme.retry_dead_letter("theirs-crm", Position(1));
    discard_dead_letter: Admin = |acme, _named| acme.discard_dead_letter("theirs-crm", Position(2));
    remove_consumer: Admin = |acme, _named| acme.remove_consumer("theirs-crm");
    remove_consumer_with_dead_letters: Admin = |acme, _named| acme.remove_consumer_with_dead_letters("theirs-crm");

    create_endpoint: Admin = |acme, _named| async {
        let new = NewEndpoint::to("https://fresh.example.com/").named("fresh");
        acme.create_endpoint(new.with(|settings| settings.events = EventFilter::Any), &Guard::new()).await
    };
    endpoints: Admin = |acme, _named| acme.endpoints();
    configure_endpoint: Admin = |acme, _named| async {
        let mut settings = EndpointSettings::default();
        settings.to = Destination::Url("https://other.example.com/".into());
        settings.events = EventFilter::Any;
        acme.configure_endpoint("theirs-endpoint", settings, &Guard::new()).await
    };
    sign_endpoint: Admin = |acme, _named| acme.sign_endpoint("theirs-endpoint", SecretSource::reference("vault"), None);
    enable_endpoint: Admin = |acme, _named| acme.enable_endpoint("theirs-endpoint");
    delete_endpoint: Admin = |acme, _named| acme.delete_endpoint("theirs-endpoint");
    endpoint_health: Read = |acme, _named| acme.endpoint_health("theirs-endpoint");
    delivery: Read = |acme, named| acme.delivery(named.delivery);
    deliveries: Read = |acme, _named| async {
        acme.deliveries(&DeliveryFilter::default(), &PageRequest::default()).await
    };
    forward_lead: Update = |acme, named| acme.forward_lead(named.lead, "theirs-endpoint");
    replay_delivery: Update = |acme, named| acme.replay_delivery(named.ended_delivery);
    replay_deliveries: Update = |acme, _named| async {
        acme.replay_deliveries(&DeliveryFilter::default(), &PageRequest::default()).await
    };
    cancel_delivery: Update = |acme, named| acme.cancel_delivery(named.delivery);

    ingest: Ingest = |acme, named| {
        acme.ingest(RawLead::json(r#"{"phone":"+12125550199"}"#).webhook(named.webhook_name))
    };
    ingest_many: Ingest = |acme, named| async {
        let raw = RawLead::json(r#"{"phone":"+12125550199"}"#).webhook(named.webhook_name);
        let mut answers = Vec::new();
        acme.ingest_many([raw], |_, answer| answers.push(answer)).await;
        answers.into_iter().collect::<Result<Vec<_>, _>>()
    };
    ingest_batch: Ingest = |acme, named| async {
        let raw = RawLead::json(r#"{"phone":"+12125550199"}"#).provider(named.provider_name);
        let answer = acme.ingest_batch(vec![raw], Atomicity::PerRow).await?;
        answer.rows.into_iter().collect::<Result<Vec<_>, _>>()
    };
    receive: Ingest = |acme, named| async {
        let raw = RawLead::json(r#"{"phone":"+12125550199"}"#).webhook(named.webhook_name);
        acme.receive(raw, schedule()).await
    };

    correct: Update = |acme, named| acme.correct(named.rejection, Corrections::default().set("phone", "1"));
    release: Update = |acme, named| acme.release(named.rejection);
    release_with: Update = |acme, named| acme.release_with(named.rejection, None);
    move_lead: Update = |acme, named| acme.move_lead(named.lead, "contacted", None);
    assign_lead: Update = |acme, named| acme.assign_lead(named.lead, None);
    follow_up: Update = |acme, named| acme.follow_up(named.lead, None);
    prioritise: Update = |acme, named| acme.prioritise(named.lead, Priority::High);
    note: Update = |acme, named| acme.note(named.lead, "seen");
    record_attempt: Update = |acme, named| {
        let at = named.now;
        let attempt = ContactAttempt { channel: Channel::Call, reached: false, automated: false, at };
        acme.record_attempt(named.lead, attempt)
    };
    delete_lead: Update = |acme, named| acme.delete_lead(named.lead);
    restore_lead: Update = |acme, named| acme.restore_lead(named.lead);
    expire_leads: Update = |acme, _named| acme.expire_leads(10);
    book: Update = |acme, named| acme.book(named.lead, schedule());
    confirm: Update = |acme, named| acme.confirm(named.appointment);
    assign: Update = |acme, named| acme.assign(named.appointment, Target::team("east"), None);
    decline: Update = |acme, named| acme.decline(named.appointment, None);
    route: Update = |acme, named| acme.route(named.appointment);
    route_waiting: Update = |acme, _named| async { acme.route_waiting(&PageRequest::default()).await };
    cancel: Update = |acme, named| acme.cancel(named.appointment, Party::Staff, None);
    no_show: Update = |acme, named| acme.no_show(named.appointment, Party::Customer);
    reschedule: Update = |acme, named| acme.reschedule(named.appointment, schedule(), Party::Staff, None);
    complete: Update = |acme, named| acme.complete(named.appointment, Outcome::Undecided);

    convert: Convert = |acme, named| {
        let new = NewConversion::sale(named.lead, "1 USD".parse().unwrap());
        acme.convert(new.from_appointment(named.appointment))
    };
    void: Convert = |acme, named| acme.void(named.conversion, "a mistake");
    adjust: Convert = |acme, named| acme.adjust(named.conversion, NewAdjustment::full_refund());
    return_lead: Convert = |acme, named| acme.return_lead(named.conversion, NewReturn::credit("duplicate"));
    owe_commission: Convert = |acme, named| {
        acme.owe_commission(named.conversion, NewCommission::to("fresh", "5 USD".parse().unwrap()))
    };
    pay_commission: Convert = |acme, named| {
        acme.pay_commission(named.conversion, named.commission, None, None)
    };
    cancel_commission: Convert = |acme, named| {
        acme.cancel_commission(named.conversion, named.commission, "a mistake")
    };
    claw_back: Convert = |acme, named| {
        acme.claw_back(named.conversion, named.paid_commission, None, "a mistake")
    };

    set_attribution: Admin = |acme, _named| acme.set_attribution(AttributionSettings::default());
    attribution_settings: Read = |acme, _named| acme.attribution_settings();
    set_rates: Admin = |acme, _named| acme.set_rates(Rates::new(Currency::USD, 7, []).unwrap());
    rates: Read = |acme, _named| acme.rates();
    merge_contacts: Update = |acme, named| acme.merge_contacts(named.other_contact, named.contact);
    unmerge_contact: Update = |acme, named| acme.unmerge_contact(named.merged_contact);
    reattribute: Update = |acme, named| acme.reattribute(named.conversion);
    track: Ingest = |acme, named| {
        acme.track(NewTouch::new(TouchOf::Contact(named.contact), TouchKind::Call, Source::unknown()))
    };
    identify: Ingest = |acme, named| acme.identify(named.contact, "fresh visitor");
    journey: Read = |acme, named| acme.journey(named.contact);
    attribution: Read = |acme, named| acme.attribution(named.conversion);
    import_spend: Convert = |acme, named| acme.import_spend(vec![Spend {
        day: named.now.date_naive(),
        source: Source::unknown(),
        campaign: None,
        cost: "1 USD".parse().unwrap(),
        clicks: None,
        impressions: None,
    }]);
    spend: Read = |acme, named| acme.spend(named.now.date_naive(), named.now.date_naive());
    economics: Read = |acme, named| async move {
        let day = named.now.date_naive();
        acme.economics("linear", day, day).await
    };
    credits: Read = |acme, named| async move {
        let day = named.now.date_naive();
        acme.credits(&CreditQuery::new("linear", Dimension::Source, day, day)).await
    };

    workspace: Read = |acme, _named| acme.workspace();
    webhook: Read = |acme, named| acme.webhook(&named.webhook_name);
    webhooks: Read = |acme, _named| async { acme.webhooks(&PageRequest::default()).await };
    provider: Read = |acme, named| acme.provider(&named.provider_name);
    providers: Read = |acme, _named| acme.providers();
    contact: Read = |acme, named| acme.contact(ContactRef::Id(named.contact));
    contacts: Read = |acme, _named| async {
        acme.contacts(&ContactFilter::default(), &PageRequest::default()).await
    };
    contact_keys: Read = |acme, named| acme.contact_keys(named.contact);
    lead: Read = |acme, named| acme.lead(named.lead);
    leads: Read = |acme, named| async {
        acme.leads(&LeadFilter::of_contact(named.contact), &PageRequest::default()).await
    };
    leads_of_phone: Read = |acme, named| async {
        acme.leads_of_phone(&Phone::from_e164(&named.phone, Validity::Valid).unwrap()).await
    };
    lead_by_external_id: Read = |acme, named| async {
        acme.lead_by_external_id(&named.webhook_name, "theirs-lead").await
    };
    appointment_by_external_id: Read = |acme, _named| acme.appointment_by_external_id("theirs-visit");
    conversion_by_external_id: Read = |acme, _named| acme.conversion_by_external_id("theirs-sale");
    lead_statuses: Read = |acme, named| acme.lead_statuses(named.lead);
    lead_owners: Read = |acme, named| acme.lead_owners(named.lead);
    lead_notes: Read = |acme, named| acme.lead_notes(named.lead);
    payload: Read = |acme, named| acme.payload(named.lead.intake());
    rejection: Read = |acme, named| acme.rejection(named.rejection);
    rejections: Read = |acme, _named| async {
        acme.rejections(&RejectionFilter::default(), &PageRequest::default()).await
    };
    appointment: Read = |acme, named| acme.appointment(named.appointment);
    appointments: Read = |acme, named| async {
        acme.appointments(&AppointmentFilter::of_lead(named.lead), &PageRequest::default()).await
    };
    appointments_on: Read = |acme, _named| async {
        acme.appointments_on(day(2000), day(2100), &PageRequest::default()).await
    };
    appointment_chain: Read = |acme, named| acme.appointment_chain(named.appointment);
    appointment_chains: Read = |acme, named| async { acme.appointment_chains(&[named.appointment]).await };
    drifted_appointments: Read = |acme, _named| async {
        acme.drifted_appointments(&PageRequest::default()).await
    };
    contacts_created_on: Read = |acme, named| async {
        acme.contacts_created_on(named.now.date_naive(), &PageRequest::default()).await
    };
    conversion: Read = |acme, named| acme.conversion(named.conversion);
    conversions: Read = |acme, named| async {
        acme.conversions(&ConversionFilter::of_lead(named.lead), &PageRequest::default()).await
    };
    rules: Read = |acme, _named| acme.rules();
    rules_at: Read = |acme, _named| acme.rules_at(Version(1));
    explain: Read = |acme, _named| async { acme.explain(&RoutingRequest::default()).await };
    simulate: Read = |acme, named| async move {
        let rules = [Rule::to(Target::team("all")).any_product().any_zip()];
        acme.simulate(rules, &[named.lead], named.now).await
    };
    replay_rules: Read = |acme, _named| async {
        let rules = [Rule::to(Target::team("all")).any_product().any_zip()];
        acme.replay_rules(rules, chrono::DateTime::UNIX_EPOCH).await
    };
    history: Read = |acme, named| async {
        acme.history(StreamRef::Lead(named.lead), &PageRequest::default()).await
    };
    feed: Read = |acme, _named| acme.feed(Position(0), 1_000);
    head: Read = |acme, _named| acme.head();
    report: Read = |acme, _named| async { acme.report(&ReportQuery::all(Cube::Leads)).await };
    daily_leads: Read = |acme, _named| acme.daily_leads(day(1900), day(2100));
    daily_webhooks: Read = |acme, _named| acme.daily_webhooks(day(1900), day(2100));
    daily_conversions: Read = |acme, _named| {
        acme.daily_conversions(Attribution::FirstTouch, day(1900), day(2100))
    };
    funnel: Read = |acme, named| acme.funnel(Some(named.webhook), day(1900), day(2100));
    provider_usage: Read = |acme, _named| acme.provider_usage(day(1900), day(2100));
    provider_last_used: Read = |acme, named| acme.provider_last_used(named.provider);
    totals: Read = |acme, _named| acme.totals();
    webhook_activity: Read = |acme, named| acme.webhook_activity(named.webhook);
    conversion_rates: Read = |acme, _named| acme.conversion_rates(day(1900), day(2100));
}

fn schedule() -> Schedule {
    Schedule::local("2027-06-01T10:00", "Europe/London").unwrap()
}

fn day(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap()
}

/// Fails where the public methods of the handle are not these. Goes over the files once: it runs in the compiler.
const fn same<const N: usize>(names: &[&str; N]) {
    let mut found = [false; N];
    let mut file = 0;
    while file < FILES.len() {
        let text = FILES[file].as_bytes();
        let mut at = 0;
        while at + METHOD.len() < text.len() {
            if text[at] == b'\n' && starts(text, at + 1, METHOD) {
                let name = at + 1 + METHOD.len();
                // `authenticate` is a method of another type.
                if !starts(text, name, b"authenticate(") {
                    let mut n = 0;
                    while !is_name(text, name, names[n].as_bytes()) {
                        n += 1;
                        assert!(n < N, "a public method of the handle is missing in the table of calls");
                    }
                    assert!(!found[n], "a method of the handle is there twice");
                    found[n] = true;
                }
                at = name;
            }
            at += 1;
        }
        file += 1;
    }
    let mut n = 0;
    while n < N {
        assert!(found[n], "a name in the table of calls is no public method of the handle");
        n += 1;
    }
}

const fn is_name(text: &[u8], at: usize, name: &[u8]) -> bool {
    starts(text, at, name) && text[at + name.len()] == b'('
}

const fn starts(text: &[u8], at: usize, with: &[u8]) -> bool {
    let mut n = 0;
    while n < with.len() {
        if at + n >= text.len() || text[at + n] != with[n] {
            return false;
        }
        n += 1;
    }
    true
}

/// How a public method starts.
const METHOD: &[u8] = b"    pub async fn ";
/// The files that hold the handle's methods. `drive.rs` holds `run`, which asks each use case for its permission.
const FILES: [&str; 16] = [
    include_str!("../../src/service/attribution.rs"),
    include_str!("../../src/service/calendars.rs"),
    include_str!("../../src/service/contacts.rs"),
    include_str!("../../src/service/consumer/life.rs"),
    include_str!("../../src/service/consumer/manage.rs"),
    include_str!("../../src/service/drafts.rs"),
    include_str!("../../src/service/endpoints.rs"),
    include_str!("../../src/service/handle.rs"),
    include_str!("../../src/service/ingest.rs"),
    include_str!("../../src/service/keys.rs"),
    include_str!("../../src/service/leads.rs"),
    include_str!("../../src/service/reads.rs"),
    include_str!("../../src/service/reports.rs"),
    include_str!("../../src/service/routing.rs"),
    include_str!("../../src/service/settle.rs"),
    include_str!("../../src/service/spend.rs"),
];
