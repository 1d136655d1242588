//! The service as its callers see it, over a file of its own.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use convio_core::{
    Convio, NewApiKey, NewWebhook, NewWorkspace, Permission, RepeatAction, Rule, Target, WorkspaceHandle,
};
use convio_store_sqlite::SqliteStore;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

struct Service {
    router: Router,
    acme: WorkspaceHandle<'static>,
    key: String,
    _folder: tempfile::TempDir,
}

impl Service {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let convio = Convio::new(SqliteStore::open(folder.path().join("leads.db")).unwrap());
        let acme = convio.create_workspace(NewWorkspace::named("Acme Solar")).await.unwrap();
        let region = "US".parse().unwrap();
        let solar = NewWebhook::named("solar").with(|settings| settings.region = Some(region));
        acme.create_webhook(solar).await.unwrap();
        let strict = NewWebhook::named("strict").with(|settings| {
            settings.repeat.action = RepeatAction::Reject;
            settings.leads_per_hour_max = Some(3);
        });
        acme.create_webhook(strict).await.unwrap();
        acme.publish_rules([Rule::to(Target::team("west")).any_product().any_zip()]).await.unwrap();
        let key = acme.create_api_key(NewApiKey::named("all").may(Permission::ALL)).await.unwrap();
        let router = webhook::service(convio);
        Self { router, acme, key: key.token.expose().to_owned(), _folder: folder }
    }

    async fn call(
        &self,
        key: &str,
        request: axum::http::request::Builder,
        body: &str,
    ) -> (StatusCode, Value) {
        let request = request
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json");
        let answer =
            self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let (status, kind) = (answer.status(), answer.headers()["content-type"].clone());
        let expected = if status.is_success() { "application/json" } else { "application/problem+json" };
        assert_eq!(kind, expected, "{status}");
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.call(&self.key, Request::post(path), &body.to_string()).await
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.call(&self.key, Request::get(path), "").await
    }
}

#[tokio::test]
async fn a_lead_goes_the_whole_way() {
    let service = Service::start().await;
    let john = json!({"name": "John Doe", "phone": "(310) 555-0123", "zip": "90210"});
    let (status, lead) = service.post("/hooks/solar", john.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{lead}");
    let (status, linked) = service.post("/hooks/solar", john).await;
    assert_eq!((status, &linked["contact"]), (StatusCode::OK, &lead["contact"]));

    let path = format!("/leads/{}/appointments", lead["lead"].as_str().unwrap());
    let (status, visit) =
        service.post(&path, json!({"at": "2027-03-02T10:00", "zone": "America/Los_Angeles"})).await;
    assert_eq!((status, &visit["routing"]["target"]), (StatusCode::CREATED, &json!({"team": "west"})));
    let path = format!("/appointments/{}/outcome", visit["id"].as_str().unwrap());
    let (status, done) = service.post(&path, json!({"sold": "5000.00 USD"})).await;
    assert_eq!((status, &done["appointment"]["status"]), (StatusCode::OK, &json!("completed")), "{done}");
    let (status, again) = service.post(&path, json!({})).await;
    assert_eq!(
        (status, &again["detail"]),
        (StatusCode::CONFLICT, &json!("an appointment can't go from `completed` to `completed`"))
    );

    let (status, journey) = service.get(&format!("/contacts/{}", lead["number"])).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(journey["contact"]["person"]["first_name"], "John");
    let counts = ["leads", "appointments", "conversions"].map(|name| journey[name].as_array().unwrap().len());
    assert_eq!(counts, [2, 1, 1]);
    assert_eq!(journey["leads"][0]["progress"]["status"]["stage"], "won");
    assert_eq!(journey["conversions"][0]["value"], json!({"minor": 500_000, "currency": "USD"}));
}

#[tokio::test]
async fn the_same_call_is_answered_as_the_first_time_and_another_body_is_a_conflict() {
    let service = Service::start().await;
    let call = |body: &'static str| {
        let request = Request::post("/hooks/solar").header("idempotency-key", "call-1");
        service.call(&service.key, request, body)
    };
    let (status, first) = call(r#"{"phone":"+13105550123"}"#).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(call(r#"{"phone":"+13105550123"}"#).await, (StatusCode::OK, first));
    let (status, problem) = call(r#"{"phone":"+13105550124"}"#).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (StatusCode::CONFLICT, &json!("idempotency_key")));
}

#[tokio::test]
async fn what_is_wrong_is_a_problem_with_every_failing_field() {
    let service = Service::start().await;
    let (status, problem) = service.post("/hooks/solar", json!({"phone": "12", "email": "nobody"})).await;
    let fields: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!((status, fields), (StatusCode::UNPROCESSABLE_ENTITY, vec!["phone", "email"]));
    assert!(problem["instance"].is_string(), "the rejection is kept under an id: {problem}");

    let bob = json!({"phone": "+12125550123"});
    assert_eq!(service.post("/hooks/strict", bob.clone()).await.0, StatusCode::CREATED);
    assert_eq!(service.post("/hooks/strict", bob.clone()).await.0, StatusCode::CONFLICT);
    assert_eq!(service.post("/hooks/strict", bob.clone()).await.0, StatusCode::CONFLICT);
    let (status, problem) = service.post("/hooks/strict", bob).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{problem}");
    assert_eq!(service.post("/hooks/nothing", json!({})).await.0, StatusCode::NOT_FOUND);
    for path in ["/contacts/999999", "/contacts/nobody"] {
        assert_eq!(service.get(path).await.0, StatusCode::NOT_FOUND);
    }
    let visit = |body| service.post("/leads/018f5e3a-0000-7000-8000-000000000001/appointments", body);
    let (status, problem) = visit(json!({"at": 10})).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("body")));
    let (status, problem) = visit(json!({"at": "soon", "zone": "Mars"})).await;
    let fields = [&problem["errors"][0]["field"], &problem["errors"][1]["field"]];
    assert_eq!((status, fields), (StatusCode::UNPROCESSABLE_ENTITY, [&json!("wall"), &json!("zone")]));
    assert_eq!(visit(json!({"at": "2027-03-02T10:00", "zone": "UTC"})).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn keys_open_what_they_permit_and_nothing_else() {
    let service = Service::start().await;
    let key = service.acme.create_api_key(NewApiKey::named("page").may([Permission::Ingest])).await.unwrap();
    let page = key.token.expose();
    let (status, lead) =
        service.call(page, Request::post("/hooks/solar"), r#"{"phone":"+13105550123"}"#).await;
    assert_eq!(status, StatusCode::CREATED);
    let contact = || Request::get(format!("/contacts/{}", lead["number"]));
    assert_eq!(service.call(page, contact(), "").await.0, StatusCode::FORBIDDEN);
    assert_eq!(service.call("cvk_wrong", contact(), "").await.0, StatusCode::UNAUTHORIZED);
    service.acme.revoke_api_key(key.key.id).await.unwrap();
    assert_eq!(service.call(page, Request::post("/hooks/solar"), "{}").await.0, StatusCode::UNAUTHORIZED);
}
