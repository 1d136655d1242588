//! The world of the mission document, and the table of which case proves which of its lines.
//!
//! John Doe, `+15551234567`: leads from three webhooks, two appointments, a sale of $5,000. Another client knows the same
//! person under the same phone and, by chance, the same number.

mod lines;

use chrono::{DateTime, TimeDelta, Utc};
use convio_core::api_key::ApiToken;
use convio_core::provider::ProviderSettings;
use convio_core::{
    AppointmentId, AppointmentType, Completion, ContactId, ConversionId, ConversionType, Convio, LeadId,
    LeadType, NewApiKey, NewAppointment, NewConversion, NewWebhook, NewWorkspace, Outcome, Permission,
    ProviderId, RawLead, Rule, Schedule, Source, Target, WorkspaceHandle, WorkspaceId, Zone,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{created, linked, phone};

pub use lines::{LINES, Line, is_decoration};

/// What [`world`] made.
#[derive(Debug, Clone)]
pub struct Mission<'s> {
    /// The client that the leads of John Doe come to.
    pub acme: WorkspaceHandle<'s>,
    /// Another client, who knows the same person by the same phone and the same number.
    pub other: WorkspaceHandle<'s>,
    /// What the clock showed when it was made.
    pub now: DateTime<Utc>,
    /// The company that sent the insurance lead.
    pub provider: ProviderId,
    /// The tokens of the API keys.
    pub tokens: Tokens,
    /// John Doe.
    pub john: ContactId,
    /// His leads.
    pub leads: Leads,
    /// A neighbour of his, with a single lead that is not sold.
    pub jane: ContactId,
    /// Where the solar panels were sold, yesterday.
    pub consultation: AppointmentId,
    /// Where the heating is looked at, in three days.
    pub estimate: AppointmentId,
    /// The sale of $5,000.
    pub sale: ConversionId,
    /// John Doe, as the other client knows him: with two leads, one of them sold for $1,200.
    pub johnny: ContactId,
}

/// What the clients' software shows.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Of the people of [`Mission::acme`]: reads, works on leads, records conversions.
    pub crm: ApiToken,
    /// Of its landing page: sends leads.
    pub page: ApiToken,
    /// Of its provider: sends leads.
    pub provider: ApiToken,
    /// Of [`Mission::other`]: does everything.
    pub other: ApiToken,
}

/// The leads of John Doe, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct Leads {
    /// Through the webhook `google-solar`, as JSON, ten days ago.
    pub solar: LeadId,
    /// Through `facebook-hvac`, as a form, six days ago.
    pub hvac: LeadId,
    /// Through `insurance-portal`, as a row of a table, two days ago.
    pub insurance: LeadId,
}

/// Makes the world, at `now` as the clock of `convio` shows it. What happened earlier is given its time; all rows are stored
/// now.
///
/// # Panics
/// Where the store does not take all of it.
pub async fn world<'s>(convio: &Convio<'s>, now: DateTime<Utc>) -> Mission<'s> {
    let acme = NewWorkspace::named("Acme Home").zone("UTC").currency("USD");
    let acme = convio.create_workspace_with_id(ACME, acme).await.unwrap();
    let provider = configure(&acme).await;
    let crm = [Permission::Read, Permission::Update, Permission::Convert];
    let crm = token(&acme, NewApiKey::named("crm").may(crm)).await;
    let page = token(&acme, NewApiKey::named("landing page").may([Permission::Ingest])).await;
    let leadco = NewApiKey::named("leadco").may([Permission::Ingest]).of_provider(provider);
    let leadco = token(&acme, leadco).await;

    let days = |days| now - TimeDelta::days(days);
    let sender = convio.authenticate(page.expose()).await.unwrap();
    let solar = created(sender.ingest(solar_lead().received_at(days(10))).await);
    let hvac = linked(sender.ingest(hvac_lead().received_at(days(6))).await);
    let company = convio.authenticate(leadco.expose()).await.unwrap();
    let insurance = linked(company.ingest(insurance_lead().received_at(days(2))).await);
    let jane = created(sender.ingest(jane_lead().received_at(days(1))).await);

    let people = convio.authenticate(crm.expose()).await.unwrap();
    let consultation = people.book(solar.lead, solar_consultation(now)).await.unwrap();
    let estimate = people.book(hvac.lead, hvac_estimate(now)).await.unwrap();
    let done = people.complete(consultation.id, solar_sale(now)).await.unwrap();

    let other = NewWorkspace::named("Zenith Roofs").zone("America/Los_Angeles").currency("USD");
    let other = convio.create_workspace_with_id(OTHER, other).await.unwrap();
    let office = token(&other, NewApiKey::named("office").may(Permission::ALL)).await;
    let johnny = other_client(&other, now).await;

    Mission {
        acme,
        other,
        now,
        provider,
        tokens: Tokens { crm, page, provider: leadco, other: office },
        john: solar.contact,
        leads: Leads { solar: solar.lead, hvac: hvac.lead, insurance: insurance.lead },
        jane: jane.contact,
        consultation: consultation.id,
        estimate: estimate.id,
        sale: done.conversion.unwrap().id,
        johnny,
    }
}

/// Webhooks, routing rules and the provider.
async fn configure(acme: &WorkspaceHandle<'_>) -> ProviderId {
    for (name, lead_type, source) in WEBHOOKS {
        let new = NewWebhook::named(name).with(|settings| {
            settings.lead_type = LeadType::new(lead_type).unwrap();
            settings.source = Some(Source::new(source).unwrap());
            settings.region = Some("US".parse().unwrap());
        });
        acme.create_webhook(new).await.unwrap();
    }
    let rules = [
        Rule::to(Target::team("solar-west")).named("solar").products(["Solar"]).zips(["90012", "90210"]),
        Rule::to(Target::team("hvac-crew")).named("hvac").products(["HVAC"]).zips(["90012"]).priority(1),
    ];
    acme.publish_rules(rules).await.unwrap();
    let portal = acme.webhook("insurance-portal").await.unwrap().unwrap();
    let mut settings = ProviderSettings::default();
    settings.webhooks = Some([portal.id].into());
    settings.leads_per_hour_max = 100;
    acme.create_provider("LeadCo", settings).await.unwrap().id
}

async fn token(workspace: &WorkspaceHandle<'_>, new: NewApiKey) -> ApiToken {
    workspace.create_api_key(new).await.unwrap().token
}

/// What the other client has of John Doe.
async fn other_client(other: &WorkspaceHandle<'_>, now: DateTime<Utc>) -> ContactId {
    let lead = |source: &str, product: &str, days| {
        let body = json!({"firstName": "Johnny", "lastName": "Doe", "phone": "+1 (555) 123-4567",
            "email": "johnny@home.example", "source": source, "product": product, "lead_type": "Roofing"});
        RawLead::json(body.to_string()).received_at(now - TimeDelta::days(days))
    };
    let roof = created(other.ingest(lead("Google Ads", "Roof", 5)).await);
    let gutter = linked(other.ingest(lead("Referral", "Gutter", 3)).await);
    let sold = NewConversion::sale(roof.lead, "1200 USD".parse().unwrap());
    other.convert(sold.occurred_at(now - TimeDelta::hours(1))).await.unwrap();
    // On the last of the next seven days.
    let schedule = Schedule::at(now + TimeDelta::days(7), &Zone::parse("America/Los_Angeles").unwrap());
    let visit = NewAppointment::at(schedule)
        .of_type(AppointmentType::new("Gutter Visit").unwrap())
        .direct(Target::person("zoe"));
    other.book(gutter.lead, visit).await.unwrap();
    roof.contact
}

fn solar_lead() -> RawLead {
    RawLead::json(SOLAR_BODY).webhook("google-solar").header("user-agent", "landing/2")
}

/// It says no postal code, which the contact has from the solar lead.
fn hvac_lead() -> RawLead {
    RawLead::form(HVAC_BODY).webhook("facebook-hvac")
}

fn insurance_lead() -> RawLead {
    RawLead::row([
        ("Full Name", "Doe, John"),
        ("Phone", "1-555-123-4567"),
        ("Product", "Insurance"),
        ("Campaign", "Insurance Campaign"),
        ("UTM Source", "portal"),
        ("Coverage", "home"),
    ])
    .webhook("insurance-portal")
    .external_id("LC-1")
}

fn jane_lead() -> RawLead {
    let body = json!({"firstName": "Jane", "lastName": "Roe", "phone": phone(1), "product": "Solar",
        "campaign": "Solar Campaign"});
    RawLead::json(body.to_string()).webhook("google-solar")
}

fn solar_consultation(now: DateTime<Utc>) -> NewAppointment {
    let schedule = Schedule::at(now - TimeDelta::days(1), &Zone::UTC).minutes(90);
    let meeting = NewAppointment::at(schedule).of_type(AppointmentType::new("Solar Consultation").unwrap());
    meeting.location("123 Main St, Los Angeles").staff("maria").booked_at(now - TimeDelta::days(9))
}

fn hvac_estimate(now: DateTime<Utc>) -> NewAppointment {
    let schedule = Schedule::at(now + TimeDelta::days(3), &Zone::UTC).minutes(45);
    let meeting = NewAppointment::at(schedule).of_type(AppointmentType::new("HVAC Estimate").unwrap());
    meeting.location("123 Main St, basement").staff("bob").booked_at(now - TimeDelta::days(4))
}

fn solar_sale(now: DateTime<Utc>) -> Completion {
    let Value::Object(metadata) = json!({"panels": 18, "financing": "loan"}) else { unreachable!() };
    Completion::from(Outcome::Sold("5000 USD".parse().unwrap()))
        .of_type(ConversionType::new("Solar Sale").unwrap())
        .external_id("INV-1001")
        .metadata(metadata.into())
        .next_step("install the panels", Some(now + TimeDelta::days(14)))
        .completed_at(now - TimeDelta::hours(22))
}

/// The body of the solar lead, as it is sent.
pub const SOLAR_BODY: &str = r#"{"firstName": " John ", "lastName": "Doe", "phone": "+15551234567",
    "email": "john@EMAIL.com", "address": "123  Main St", "city": "Los Angeles", "state": "California",
    "zip": "90012", "country": "US", "product": "Solar", "campaign_id": "Solar Campaign",
    "utm_source": "google", "utm_medium": "cpc", "utm_campaign": "spring", "utm_term": "solar panels",
    "utm_content": "ad-7", "roof_type": "tile", "monthly_bill": 180, "homeowner": true}"#;
/// The body of the HVAC lead, as it is sent.
pub const HVAC_BODY: &str = "name=John+Doe&tel=%28555%29+123-4567&service=HVAC&campaign=HVAC+Campaign\
                             &utm_source=facebook&utm_medium=paid&system_age=12&fuel=gas";
/// The webhooks of [`Mission::acme`], each with the type and the source of its leads.
pub const WEBHOOKS: [(&str, &str, &str); 3] = [
    ("google-solar", "Solar", "Google Ads"),
    ("facebook-hvac", "HVAC", "Facebook"),
    ("insurance-portal", "Insurance", "LeadCo Portal"),
];
/// The number of John Doe for both clients: the document's.
pub const NUMBER: &str = "123456";
/// Of all small ids, the first two whose workspaces give the number 123456 to their first contact.
const ACME: WorkspaceId = WorkspaceId::from_uuid(Uuid::from_u128(848_181));
const OTHER: WorkspaceId = WorkspaceId::from_uuid(Uuid::from_u128(1_031_490));
