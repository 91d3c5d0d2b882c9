//! The sandbox over HTTP, as the function and the vendor's own client meet it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::{Arc, Mutex};

use rehearsal::sandbox::{
    AppConfig, ContractLevel, Failing, Fault, NeverEnding, Sandbox, SandboxOptions, Validating,
    Validation, Validator,
};
use reqwest::{Client, Method, Response, redirect};
use serde_json::{Value, json};
use tokio::sync::oneshot;

struct World {
    sandbox: Sandbox,
    client: Client,
}

impl World {
    async fn of(options: SandboxOptions) -> Self {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            sandbox: Sandbox::start(options).await.unwrap(),
            client,
        }
    }

    async fn new() -> Self {
        Self::of(SandboxOptions::default()).await
    }

    async fn try_to_send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<Response> {
        let url = format!("http://{}{path}", self.sandbox.address());
        let request = self
            .client
            .request(method, url)
            .header("authorization", "sandbox-token")
            .header("idempotency-key", "key");
        let request = match body {
            Some(body) => request.body(body.to_string()),
            None => request,
        };
        request.send().await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let response = self.try_to_send(method, path, body).await.unwrap();
        let status = response.status().as_u16();
        let body = response.bytes().await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn create(&self) -> Value {
        let (status, made) = self.send(Method::POST, "/v2/apps", Some(&app())).await;
        assert_eq!(status, 200, "{made}");
        made
    }

    async fn read(&self, app: &Value) -> Value {
        let path = format!("/v2/apps/{}", app["id"].as_str().unwrap());
        self.send(Method::GET, &path, None).await.1
    }

    fn assert_kept_to_the_contract(&self) {
        assert_eq!(self.sandbox.contract_violations(), Vec::<String>::new());
    }
}

fn app() -> Value {
    json!({
        "integrationName": "AWS 123456789012",
        "serviceType": "aws",
        "config": config(),
    })
}

fn config() -> Value {
    json!({
        "accountIds": ["123456789012"],
        "regions": [],
        "roleArn": "arn:aws:iam::123456789012:role/AuthomizeCrossAccountTrustRole",
        "externalId": "external-id",
        "includeIdentityCenter": true,
        "source": {"stackId": "a stack", "logicalResourceId": "AuthomizeIntegration"},
    })
}

fn validated_by(validator: impl Validator + 'static) -> SandboxOptions {
    SandboxOptions {
        validator: Arc::new(validator),
        ..SandboxOptions::default()
    }
}

#[tokio::test]
async fn enables_a_good_role_by_the_first_look() {
    let world = World::new().await;
    let made = world.create().await;
    assert_eq!(made["status"], "validating");
    let read = world.read(&made).await;
    assert_eq!(read["status"], "enabled");
    assert_eq!(read["connectedApps"], json!(["AWS", "AWS SSO"]));
    world.assert_kept_to_the_contract();
}

#[tokio::test]
async fn goes_through_the_life_of_an_app_by_the_contract() {
    let world = World::new().await;
    let made = world.create().await;
    let path = format!("/v2/apps/{}", made["id"].as_str().unwrap());
    let list = "/v2/apps?limit=1&skip=0&integrationName=AWS%20123456789012";
    for (method, path, body, status) in [
        (Method::GET, "/is_alive", None, 200),
        (Method::GET, "/me", None, 200),
        (Method::POST, "/v2/apps", Some(app()), 200),
        (Method::GET, list, None, 200),
        (Method::GET, "/v1/connectors?limit=1", None, 200),
        (Method::PATCH, &path, Some(json!({"name": "b"})), 200),
        (Method::PATCH, &path, Some(json!({"config": config()})), 200),
        (
            Method::DELETE,
            &format!("{path}/data?modifiedBefore=2026-01-01T00:00:00Z"),
            None,
            200,
        ),
        (Method::DELETE, &path, None, 200),
        (Method::GET, &path, None, 404),
        (Method::DELETE, &path, None, 404),
    ] {
        let (answered, said) = world.send(method.clone(), path, body.as_ref()).await;
        assert_eq!(answered, status, "{method} {path}: {said}");
    }
    assert!(world.sandbox.apps().is_empty());
    world.assert_kept_to_the_contract();
}

#[tokio::test]
async fn plays_a_server_that_knows_the_published_part_only() {
    let world = World::of(SandboxOptions {
        contract: ContractLevel::PublishedOnly,
        ..SandboxOptions::default()
    })
    .await;
    let first = world.create().await;
    let second = world.create().await;
    assert_ne!(first["id"], second["id"]);
    assert!(world.read(&first).await.get("status").is_none());
    world.assert_kept_to_the_contract();
}

#[tokio::test]
async fn holds_the_name_while_a_deletion_goes_on() {
    let world = World::new().await;
    let made = world.create().await;
    world.sandbox.set_finish_deletes(false);
    let path = format!("/v2/apps/{}", made["id"].as_str().unwrap());
    world.send(Method::DELETE, &path, None).await;
    assert_eq!(world.read(&made).await["status"], "deleted");
    let mut other = app();
    other["config"]["ownerEmail"] = json!("owner@example.com");
    let url = format!("http://{}/v2/apps", world.sandbox.address());
    let refused = world
        .client
        .post(url)
        .header("authorization", "sandbox-token")
        .body(other.to_string());
    assert_eq!(refused.send().await.unwrap().status().as_u16(), 409);
    world.sandbox.set_finish_deletes(true);
    world.create().await;
    world.assert_kept_to_the_contract();
}

#[tokio::test]
async fn validates_again_when_the_configuration_is_sent_again() {
    let world = World::of(validated_by(Failing::times(1, "not yet"))).await;
    let made = world.create().await;
    let failed = world.read(&made).await;
    assert_eq!(failed["status"], "failure");
    assert_eq!(failed["lastError"], "not yet");
    let path = format!("/v2/apps/{}", made["id"].as_str().unwrap());
    let again = json!({"config": config()});
    let (_, sent) = world.send(Method::PATCH, &path, Some(&again)).await;
    assert_eq!(sent["status"], "validating");
    let read = world.read(&made).await;
    assert_eq!(read["status"], "enabled");
    assert!(read.get("lastError").is_none());
    world.assert_kept_to_the_contract();
}

#[tokio::test]
async fn answers_while_a_validation_goes_on() {
    let world = World::of(validated_by(NeverEnding)).await;
    let made = world.create().await;
    assert_eq!(world.read(&made).await["status"], "validating");
    assert_eq!(world.read(&made).await["status"], "validating");
}

/// Ends when the test says so.
struct Waiting(Mutex<Option<oneshot::Receiver<Validation>>>);

impl Validator for Waiting {
    fn validate(&self, _: &AppConfig) -> Validating {
        let outcome = self.0.lock().unwrap().take().unwrap();
        Box::pin(async move { outcome.await.unwrap() })
    }
}

#[tokio::test]
async fn shows_the_outcome_of_a_validation_that_took_its_time() {
    let (decide, outcome) = oneshot::channel();
    let world = World::of(validated_by(Waiting(Mutex::new(Some(outcome))))).await;
    let made = world.create().await;
    assert_eq!(world.read(&made).await["status"], "validating");
    decide
        .send(Validation::Failed {
            last_error: "the role cannot be assumed".to_owned(),
        })
        .unwrap();
    while world.sandbox.apps()[0].status == "validating" {
        tokio::task::yield_now().await;
    }
    let read = world.read(&made).await;
    assert_eq!(read["lastError"], "the role cannot be assumed");
}

#[tokio::test]
async fn keeps_every_request_and_no_token() {
    let world = World::new().await;
    world.create().await;
    world
        .send(Method::GET, "/v2/apps?limit=1&skip=0", None)
        .await;
    let requests = world.sandbox.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].method, "POST");
    assert_eq!(requests[0].body, Some(app()));
    assert_eq!(requests[0].idempotency_key.as_deref(), Some("key"));
    assert_eq!(requests[1].path, "/v2/apps");
    assert_eq!(requests[1].query.as_deref(), Some("limit=1&skip=0"));
    assert_eq!(requests[1].status, Some(200));
    assert!(!format!("{requests:?}").contains("sandbox-token"));
    world.sandbox.clear_requests();
    assert!(world.sandbox.requests().is_empty());
}

#[tokio::test]
async fn answers_as_scripted_so_many_times_and_then_by_itself() {
    let world = World::new().await;
    world.sandbox.script(
        Fault::status(503)
            .body(json!({"detail": "busy"}))
            .times(2)
            .only("POST"),
    );
    let alive = world.send(Method::GET, "/is_alive", None).await;
    assert_eq!(alive.0, 200);
    for _ in 0..2 {
        let answer = world.send(Method::POST, "/v2/apps", Some(&app())).await;
        assert_eq!(answer, (503, json!({"detail": "busy"})));
    }
    assert!(world.sandbox.apps().is_empty());
    world.create().await;
    world.assert_kept_to_the_contract();
}

#[tokio::test]
async fn slows_down_or_leads_elsewhere_as_scripted() {
    let world = World::new().await;
    let fault = Fault::status(429).header("retry-after", "7");
    world.sandbox.script(fault);
    world
        .sandbox
        .script(Fault::redirect("http://127.0.0.1:9/elsewhere"));
    for (status, header, value) in [
        (429, "retry-after", "7"),
        (307, "location", "http://127.0.0.1:9/elsewhere"),
    ] {
        let answer = world.try_to_send(Method::GET, "/me", None).await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.headers()[header], value);
    }
}

#[tokio::test]
async fn loses_a_connection_before_or_after_the_effect() {
    for (fault, made) in [(Fault::lose_before(), 0), (Fault::lose_after(), 1)] {
        let world = World::new().await;
        world.sandbox.script(fault);
        let body = app();
        let lost = world.try_to_send(Method::POST, "/v2/apps", Some(&body));
        assert!(lost.await.is_err());
        assert_eq!(world.sandbox.apps().len(), made);
        assert_eq!(world.sandbox.requests()[0].status, None);
        world.create().await;
        assert_eq!(world.sandbox.apps().len(), 1);
    }
}

#[tokio::test]
async fn hangs_until_it_is_dropped() {
    let World { sandbox, client } = World::new().await;
    sandbox.script(Fault::hang());
    let url = format!("http://{}/me", sandbox.address());
    let hanging = tokio::spawn(client.get(url).send());
    while sandbox.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(!hanging.is_finished());
    drop(sandbox);
    assert!(hanging.await.unwrap().is_err());
}

#[tokio::test]
async fn tells_when_a_request_leaves_the_contract() {
    let world = World::new().await;
    let mut unmarked = app();
    unmarked["config"].as_object_mut().unwrap().remove("source");
    world.send(Method::POST, "/v2/apps", Some(&unmarked)).await;
    let violations = world.sandbox.contract_violations();
    assert_eq!(violations.len(), 1);
    assert!(violations[0].contains("source"), "{violations:?}");
}

#[tokio::test]
async fn has_a_page_that_is_no_part_of_the_api() {
    let world = World::new().await;
    world.sandbox.script(Fault::status(500));
    let visit = async |path: &str| {
        let url = format!("http://{}{path}", world.sandbox.address());
        world.client.get(url).send().await.unwrap()
    };
    let page = visit("/").await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers()["cache-control"], "no-store");
    assert!(page.headers().contains_key("content-security-policy"));
    assert!(page.text().await.unwrap().contains("Nothing is registered"));
    let icon = visit("/favicon.ico").await;
    assert_eq!(icon.headers()["content-type"], "image/svg+xml");
    assert!(world.sandbox.requests().is_empty());
    world.assert_kept_to_the_contract();

    // The fault is still there for the first request of the API.
    assert_eq!(world.send(Method::GET, "/v2/apps", None).await.0, 500);
    world.create().await;
    let page = visit("/").await.text().await.unwrap();
    assert!(page.contains("AWS 123456789012") && page.contains(">enabled<"));
    assert!(!page.contains("external-id") && !page.contains("sandbox-token"));
}

#[tokio::test]
async fn has_no_page_for_those_who_bring_a_token() {
    let world = World::new().await;
    assert_eq!(world.send(Method::GET, "/", None).await.0, 404);
    assert_eq!(world.sandbox.requests().len(), 1);
    assert_eq!(world.sandbox.contract_violations().len(), 1);
}
