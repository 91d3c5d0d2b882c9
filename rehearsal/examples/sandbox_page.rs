//! The sandbox's page with something on it, to look at: prints its address
//! and serves it until standard input ends.
//!
//! With a path, it has Chromium take the picture that the docs show instead:
//! `cargo run -p rehearsal --example sandbox_page docs/sandbox.png`. The name of
//! the browser is taken from `CHROMIUM`, or is `chromium`.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use rehearsal::sandbox::{
    AlwaysEnabled, AppConfig, Sandbox, SandboxOptions, Validating, Validation, Validator,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

const TOKEN: &str = "an-api-token";

/// The account whose role is not as it should be.
const BROKEN: &str = "310987654321";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // There is one provider per process, and nobody else installs one here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = Sandbox::start(SandboxOptions {
        token: TOKEN.to_owned(),
        validator: Arc::new(OneIsBroken),
        ..SandboxOptions::default()
    })
    .await?;
    fill(&sandbox).await?;
    let address = format!("http://{}/", sandbox.address());
    if let Some(picture) = std::env::args_os().nth(1) {
        return take(&address, Path::new(&picture)).await;
    }
    writeln!(io::stdout(), "{address}")?;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

/// Finds every role good but one.
struct OneIsBroken;

impl Validator for OneIsBroken {
    fn validate(&self, config: &AppConfig) -> Validating {
        if !config.role_arn.contains(BROKEN) {
            return AlwaysEnabled.validate(config);
        }
        let last_error = format!("the role {} has no policy SecurityAudit", config.role_arn);
        Box::pin(async move { Validation::Failed { last_error } })
    }
}

/// Makes one record of each kind, by the requests that make them.
async fn fill(sandbox: &Sandbox) -> reqwest::Result<()> {
    sandbox.insert_stranger("Production, connected last year");
    let first = app(
        "123456789012",
        &json!({"regions": ["eu-west-1", "us-east-1"]}),
    );
    let mut management = app(
        "210987654321",
        &json!({
            "accountIds": ["210987654321", "410987654321"],
            "managementAccountId": "210987654321",
            "includeIdentityCenter": true,
            "ownerEmail": "cloud@example.com",
        }),
    );
    management["integrationName"] = json!("Organization");
    let mut released = app("510987654321", &json!({}));
    released["config"]["source"]["released"] = json!(true);
    let id = send(sandbox, "POST", "/v2/apps", &first).await?;
    send(sandbox, "GET", &format!("/v2/apps/{id}"), &Value::Null).await?;
    for app in [management, app(BROKEN, &json!({})), released] {
        let id = send(sandbox, "POST", "/v2/apps", &app).await?;
        send(sandbox, "GET", &format!("/v2/apps/{id}"), &Value::Null).await?;
    }
    send(sandbox, "POST", "/v2/apps", &first).await?;
    let mut config = first["config"].clone();
    config["ownerEmail"] = json!("owner@example.com");
    let amend = json!({"name": "AWS 123456789012", "config": config});
    send(sandbox, "PATCH", &format!("/v2/apps/{id}"), &amend).await?;
    send(sandbox, "GET", "/v2/apps/app_000000000099", &Value::Null).await?;
    Ok(())
}

/// The app of an account's stack, with these members of `config` instead.
fn app(account: &str, members: &Value) -> Value {
    let stack = format!(
        "arn:aws:cloudformation:us-east-1:{account}:stack/Authomize-Trust-Role/51af3dc0-da77-11e4"
    );
    let mut config = json!({
        "accountIds": [account],
        "regions": [],
        "roleArn": format!("arn:aws:iam::{account}:role/AuthomizeCrossAccountTrustRole"),
        "externalId": "an-external-id",
        "includeIdentityCenter": false,
        "source": {"stackId": stack, "logicalResourceId": "AuthomizeIntegration"},
    });
    for (name, value) in members.as_object().into_iter().flatten() {
        config[name] = value.clone();
    }
    json!({
        "integrationName": format!("AWS {account}"),
        "serviceType": "aws",
        "config": config,
    })
}

/// Sends a request as the function does, and returns the record's id if there
/// is one in the answer.
async fn send(
    sandbox: &Sandbox,
    method: &str,
    path: &str,
    body: &Value,
) -> reqwest::Result<String> {
    let method = method.parse().expect("it is a method");
    let url = format!("http://{}{path}", sandbox.address());
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut request = client.request(method, url).header("authorization", TOKEN);
    if !body.is_null() {
        request = request.body(body.to_string());
    }
    let answer = request.send().await?.bytes().await?;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    Ok(answer["id"].as_str().unwrap_or_default().to_owned())
}

/// Has Chromium take a picture of the page.
async fn take(address: &str, picture: &Path) -> Result<(), Box<dyn Error>> {
    let profile = TempDir::new()?;
    let browser = std::env::var_os("CHROMIUM").unwrap_or_else(|| "chromium".into());
    let status = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
        ])
        .args(["--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync"])
        .args(["--hide-scrollbars", "--virtual-time-budget=500"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(std::env::args_os().skip(2))
        .arg("--window-size=1280,1200")
        .arg(format!("--screenshot={}", picture.display()))
        .arg(address)
        .stderr(Stdio::null())
        .status()
        .await?;
    if !status.success() {
        return Err(format!("the browser ended with {status}").into());
    }
    Ok(())
}
