//! A first draft in Rust: everything with default features, every client built
//! before the first poll.

use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use reqwest::Method;
use serde_json::{Value, json};

/// What outlives an invocation.
struct Clients {
    http: reqwest::Client,
    secrets: aws_sdk_secretsmanager::Client,
    stacks: aws_sdk_cloudformation::Client,
    secret_arn: String,
}

impl Clients {
    async fn new() -> Result<Self, Error> {
        let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
        Ok(Self {
            http: reqwest::Client::new(),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            stacks: aws_sdk_cloudformation::Client::new(&config),
            secret_arn: std::env::var("API_TOKEN_SECRET_ARN")?,
        })
    }

    /// Does what the event asks, and returns the record's id.
    async fn carry_out(&self, event: &Value) -> Result<String, Error> {
        let secret = self.secrets.get_secret_value();
        let secret = secret.secret_id(&self.secret_arn).send().await?;
        let token = secret.secret_string().unwrap_or_default();
        let stack = self.stacks.describe_stacks();
        stack.stack_name(text(event, "StackId")).send().await?;
        let given = text(event, "PhysicalResourceId");
        let app = format!("/v2/apps/{given}");
        let record = record(event);
        let change = json!({"name": record["integrationName"], "config": record["config"]});
        let id = match text(event, "RequestType") {
            "Create" => {
                let made = self.vendor(token, Method::POST, "/v2/apps", Some(record));
                text(&made.await?, "id").to_owned()
            }
            "Update" => {
                self.vendor(token, Method::PATCH, &app, Some(change))
                    .await?;
                given.to_owned()
            }
            _ => {
                self.vendor(token, Method::DELETE, &app, None).await?;
                return Ok(given.to_owned());
            }
        };
        let app = format!("/v2/apps/{id}");
        while self.vendor(token, Method::GET, &app, None).await?["status"] != "enabled" {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        Ok(id)
    }

    async fn vendor(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, Error> {
        let url = format!("https://api.authomize.com{path}");
        let mut request = self
            .http
            .request(method, url)
            .header("authorization", token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    async fn handle(&self, event: Value) -> Result<(), Error> {
        let outcome = self.carry_out(&event).await;
        let given = event["PhysicalResourceId"].as_str().unwrap_or("none");
        let answer = json!({
            "Status": if outcome.is_ok() { "SUCCESS" } else { "FAILED" },
            "Reason": outcome.as_ref().err().map(ToString::to_string).unwrap_or_default(),
            "PhysicalResourceId": outcome.unwrap_or_else(|_| given.to_owned()),
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
        });
        let put = self.http.put(text(&event, "ResponseURL"));
        put.body(answer.to_string())
            .send()
            .await?
            .error_for_status()?;
        Ok(())
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// The record that the vendor is asked for.
fn record(event: &Value) -> Value {
    let wanted = &event["ResourceProperties"];
    let account = text(event, "StackId").split(':').nth(4).unwrap_or_default();
    json!({"integrationName": wanted["IntegrationName"], "serviceType": "aws", "config": {
        "accountIds": [account], "regions": [], "roleArn": wanted["RoleArn"],
        "externalId": wanted["ExternalId"], "includeIdentityCenter": false,
        "source": {"stackId": event["StackId"], "logicalResourceId": event["LogicalResourceId"]},
    }})
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let clients = Clients::new().await?;
    let handler = |event: LambdaEvent<Value>| clients.handle(event.payload);
    lambda_runtime::run(service_fn(handler)).await
}
