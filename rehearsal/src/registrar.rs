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
        "AdoptIntegrationId": "",
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

/// The resource of a member in the template.
pub const MEMBER_LOGICAL_ID: &str = "AuthomizeIntegrationAtHub";

/// The account that a hub takes IAM Identity Center from.
pub const MANAGEMENT_ACCOUNT: &str = "444444444444";

/// The ARN of the function as its hub's marker has it.
pub const HUB_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:registrar";

/// What the template puts into a hub's environment beside [`environment`].
#[must_use]
pub fn hub_environment() -> Vec<(&'static str, String)> {
    [
        ("ORGANIZATION_ID", "o-a1b2c3d4e5"),
        ("MANAGEMENT_ACCOUNT_ID", MANAGEMENT_ACCOUNT),
        ("MEMBER_API_URL", "https://api.authomize.com"),
        ("MEMBER_EXTERNAL_ID", EXTERNAL_ID),
        ("MEMBER_TRUST_ROLE", "/AuthomizeCrossAccountTrustRole"),
        ("MEMBER_REGIONS", "us-east-1,eu-west-1"),
        ("MEMBER_OWNER_EMAIL", "owner@example.com"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

/// The StackSet that a hub's members come from.
pub const STACK_SET: &str = "Authomize";

/// What the template puts into the environment of a hub's admin function beside
/// [`environment`].
#[must_use]
pub fn admin_environment() -> Vec<(&'static str, String)> {
    [
        ("MODE", "admin"),
        ("API_URL", "https://api.authomize.com"),
        ("EXTERNAL_ID", EXTERNAL_ID),
        ("ORGANIZATION_ID", "o-a1b2c3d4e5"),
        ("MANAGEMENT_ACCOUNT_ID", MANAGEMENT_ACCOUNT),
        ("REGISTRAR_FUNCTION_ARN", HUB_ARN),
        ("STACK_SET_NAME", STACK_SET),
        ("STACK_SET_CALL_AS", "DELEGATED_ADMIN"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

/// The stack by which an account is a member.
#[must_use]
pub fn member_stack(account: &str) -> String {
    format!(
        "arn:aws:cloudformation:us-east-1:{account}:stack/StackSet-Authomize-1f2e3d4c/7c9e6679-7425-40de-944b-{account}"
    )
}

/// The properties that the template gives to a member of this account.
#[must_use]
pub fn member_properties(account: &str) -> Value {
    let is_management = account == MANAGEMENT_ACCOUNT;
    json!({
        "ServiceToken": HUB_ARN,
        "ServiceTimeout": "1200",
        "TemplateVersion": "0.1.0",
        "ApiUrl": format!("https://{VENDOR_HOST}"),
        "ExternalId": EXTERNAL_ID,
        "RoleArn": format!("arn:aws:iam::{account}:role/AuthomizeCrossAccountTrustRole"),
        "IncludeIdentityCenter": is_management.to_string(),
        "IntegrationName": "",
        "OwnerEmail": "owner@example.com",
        "Regions": ["us-east-1", "eu-west-1"],
        "AdditionalAccountIds": [""],
        "OnDelete": "Remove",
        "Refresh": "",
    })
}
