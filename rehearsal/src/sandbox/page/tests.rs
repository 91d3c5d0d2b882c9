use serde_json::json;
use time::macros::datetime;

use super::*;

const TOKEN: &str = "the-token";
const EXTERNAL_ID: &str = "the-external-id";

fn app() -> App {
    App {
        id: "app_000000000001".to_owned(),
        created_at: datetime!(2026-11-24 15:00:00 UTC),
        modified_at: datetime!(2026-11-25 16:30:00 UTC),
        integration_name: "AWS 123456789012".to_owned(),
        service_type: Some("aws".to_owned()),
        config: Some(json!({
            "accountIds": ["123456789012", "210987654321"],
            "managementAccountId": "123456789012",
            "regions": [],
            "roleArn": "arn:aws:iam::123456789012:role/R",
            "externalId": EXTERNAL_ID,
            "includeIdentityCenter": true,
            "ownerEmail": "owner@example.com",
            "source": {
                "stackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/Authomize-Trust-Role/51af",
                "logicalResourceId": "AuthomizeIntegration",
            },
        })),
        status: "enabled".to_owned(),
        last_error: None,
        connected_apps: vec!["AWS".to_owned(), "AWS SSO".to_owned()],
    }
}

fn with(change: impl FnOnce(&mut App)) -> App {
    let mut app = app();
    change(&mut app);
    app
}

fn configured(member: &str, value: Value) -> App {
    with(|app| app.config.as_mut().unwrap()[member] = value)
}

fn request(number: usize) -> RecordedRequest {
    RecordedRequest {
        at: datetime!(2026-11-25 16:30:00.25 UTC),
        method: "GET".to_owned(),
        path: format!("/v2/apps/app_{number}"),
        query: None,
        body: None,
        idempotency_key: None,
        status: Some(200),
    }
}

fn page(apps: &[App], requests: &[RecordedRequest]) -> String {
    render(&TenantState {
        apps,
        requests,
        token: TOKEN,
    })
}

fn page_of(app: App) -> String {
    page(&[app], &[])
}

#[test]
fn shows_what_the_vendor_keeps_of_an_integration() {
    let page = page_of(app());
    for part in [
        "<strong>AWS 123456789012</strong><code>app_000000000001</code>",
        "<span class=\"app\">AWS</span><span class=\"app\">AWS SSO</span>",
        "<span class=\"pill good\">enabled</span>",
        "<code>123456789012</code><span class=\"aside\">management account</span>",
        "<code>210987654321</code></div>",
        "data-label=\"Regions\"><div>All</div>",
        "owner@example.com",
        "<strong>Authomize-Trust-Role</strong>",
        "123456789012 in eu-west-1",
        "<code>AuthomizeIntegration</code></div>",
        "<time datetime=\"2026-11-24T15:00:00Z\">2026-11-24 15:00:00</time>",
        "2026-11-25 16:30:00</time>",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert!(!page.contains("Last error") && !page.contains("released"));
}

#[test]
fn shows_who_made_a_record_and_whether_it_was_let_go() {
    let by_hand = with(|app| app.config = Some(json!({})));
    assert!(page_of(by_hand).contains(">by hand<"));
    let unmarked = with(|app| app.config = None);
    assert!(page_of(unmarked).contains("not kept by this server"));
    let released = configured(
        "source",
        json!({"stackId": "no ARN", "logicalResourceId": "L", "hub": "a-hub", "released": true}),
    );
    let page = page_of(released);
    assert!(page.contains("<strong>no ARN</strong><code>L</code><code>through a-hub</code>"));
    assert!(page.contains("<span class=\"pill settled\">released</span>"));
}

#[test]
fn shows_why_a_validation_failed() {
    let failed = with(|app| {
        app.status = "failure".to_owned();
        app.last_error = Some("the role cannot be assumed".to_owned());
        app.connected_apps.clear();
    });
    let page = page_of(failed);
    assert!(page.contains("<span class=\"pill bad\">failure</span>"));
    assert!(page.contains("<strong>Last error</strong> the role cannot be assumed"));
    assert!(page.contains("no app connected"));
}

#[test]
fn shows_the_regions_that_were_chosen() {
    let page = page_of(configured("regions", json!(["eu-west-1", "us-east-1"])));
    assert!(page.contains("<code>eu-west-1</code><code>us-east-1</code>"));
}

#[test]
fn lets_no_text_become_markup() {
    let wild = "<script>alert('\"&')</script>";
    let written = "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;";
    let everywhere = App {
        id: wild.to_owned(),
        integration_name: wild.to_owned(),
        status: wild.to_owned(),
        last_error: Some(wild.to_owned()),
        connected_apps: vec![wild.to_owned()],
        config: Some(json!({
            "accountIds": [wild],
            "regions": [wild],
            "ownerEmail": wild,
            "source": {"stackId": wild, "logicalResourceId": wild, "hub": wild},
        })),
        ..app()
    };
    let asked = RecordedRequest {
        method: wild.to_owned(),
        path: wild.to_owned(),
        ..request(1)
    };
    let page = page(&[everywhere], &[asked]);
    assert!(!page.contains(wild));
    assert_eq!(page.matches(written).count(), 13, "{page}");
    assert_eq!(page.matches("<script>").count(), 1);
}

#[test]
fn shows_neither_token_nor_external_id_wherever_they_stand() {
    let text = format!("{TOKEN} and {EXTERNAL_ID}");
    let told = with(|app| {
        app.integration_name.clone_from(&text);
        app.last_error = Some(text.clone());
    });
    let asked = RecordedRequest {
        path: format!("/v2/apps/{text}"),
        ..request(1)
    };
    let page = page(&[told], &[asked]);
    assert!(!page.contains(TOKEN) && !page.contains(EXTERNAL_ID));
    assert_eq!(page.matches("[secret] and [secret]").count(), 3);
}

#[test]
fn shows_the_newest_requests_first_and_not_all() {
    let requests: Vec<_> = (1..=60).map(request).collect();
    let page = page(&[], &requests);
    let place = |path: &str| page.find(&format!("<code>{path}</code>"));
    assert!(place("/v2/apps/app_60") < place("/v2/apps/app_11"));
    assert!(place("/v2/apps/app_60").is_some());
    assert_eq!(place("/v2/apps/app_10"), None);
    assert!(page.contains("The newest 50 of 60 are shown."));
    assert!(page.contains(">16:30:00.250</time>"));
}

#[test]
fn tells_a_request_without_an_answer() {
    let unanswered = RecordedRequest {
        status: None,
        ..request(1)
    };
    assert!(page(&[], &[unanswered]).contains("<span class=\"pill bad\">none</span>"));
}

#[test]
fn says_what_to_do_with_an_empty_tenant() {
    let page = page(&[], &[]);
    assert!(page.contains("Nothing is registered. Create the stack"));
    assert!(page.contains("Nobody has asked anything yet."));
}

#[test]
fn lets_no_style_or_script_in_but_its_own() {
    let policy = policy();
    assert!(policy.starts_with("default-src 'none';"));
    assert!(!policy.contains("unsafe"));
    assert_eq!(policy.matches("'sha256-").count(), 2);
}
