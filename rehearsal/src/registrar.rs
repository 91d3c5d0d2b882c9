//! What a function that runs alone is told: its environment, and the properties that
//! the template gives to its resource.

use serde_json::{Value, json};

use crate::leak::Secret;
use crate::rehearse::world::{REGION, VENDOR_HOST};

/// The stack that the function serves.
pub const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/Authomize-Trust-Role/51af3dc0-da77-11e4-872e-1234567db123";

/// The resource that is ours in the template.
pub const LOGICAL_ID: &str = "AuthomizeIntegration";

/// The secret with the token.
pub const SECRET_ARN: &str =
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:ApiTokenSecret-AbCdEf";

/// With characters that URLs, JSON and base64 write in another way, so that
/// looking for those forms means something.
pub const TOKEN: &str = "atmz/7f3a9c51+d2e84b60=token";

/// The same for the external id.
pub const EXTERNAL_ID: &str = "ext/5b1c7e90+a4d24f3e=id";

/// What the template and Lambda put into the function's environment.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    [
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "example"),
        ("AWS_SESSION_TOKEN", "example"),
        ("STACK_ID", STACK),
        ("URL_SUFFIX", "amazonaws.com"),
        ("API_TOKEN_SECRET_ARN", SECRET_ARN),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// The properties that the template gives with its defaults.
#[must_use]
pub fn properties() -> Value {
    json!({
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:Authomize-Trust-Role-registrar",
        "ServiceTimeout": "1200",
        "TemplateVersion": "0.1.0",
        "ApiUrl": format!("https://{VENDOR_HOST}"),
        "ExternalId": EXTERNAL_ID,
        "RoleArn": "arn:aws:iam::123456789012:role/AuthomizeCrossAccountTrustRole",
        "IncludeIdentityCenter": "false",
        "IntegrationName": "",
        "OwnerEmail": "",
        "Regions": [""],
        "AdditionalAccountIds": [""],
        "OnDelete": "Remove",
        "OnDeregistrationFailure": "Fail",
        "Refresh": "",
    })
}

/// The default properties with one changed.
#[must_use]
pub fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut properties = properties();
    properties[name] = value.into();
    properties
}

/// What may be in no log, answer or id.
#[must_use]
pub fn secrets() -> [Secret; 3] {
    [
        Secret::new("token", TOKEN),
        Secret::new("external id", EXTERNAL_ID),
        Secret::new("response URL", "X-Amz-Signature"),
    ]
}
