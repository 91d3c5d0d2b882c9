//! What the function needs in the account that SAM plays: the token's secret,
//! and the trust role of the template.

use serde_yaml_ng::{Mapping, Value};

use crate::engine::{Account, StackSpec};
use crate::rehearse::Template;

use super::world::LaptopError;

/// The account in the events, the one that SAM gives to `AWS::AccountId`.
pub(super) const ACCOUNT: &str = "123456789012";

/// The one resource that SAM does not stand in for.
const TRUST_ROLE: &str = "TrustRole";

/// The stack that makes it; not the one in the events, of which no engine knows.
const STACK: &str = "trust-role-for-local-use";

/// Puts the token into a secret and returns the secret's ARN.
pub(super) async fn keep_token(account: &Account, token: &str) -> Result<String, LaptopError> {
    let secret = account.secretsmanager().create_secret();
    let secret = secret.name("authomize-api-token").secret_string(token);
    let made = secret.send().await;
    let arn = made.ok().and_then(|made| made.arn);
    arn.ok_or(LaptopError::Account("the secret"))
}

/// Makes the trust role as the template has it, with Identity Center.
pub(super) async fn make_trust_role(
    account: &Account,
    template: &Template,
    external_id: &str,
) -> Result<(), LaptopError> {
    let failed = || LaptopError::Account("the trust role");
    let parameters = [
        ("ExternalID", external_id),
        ("IncludeAWSIdentityCenter", "true"),
    ];
    let spec = StackSpec {
        name: STACK.to_owned(),
        template: trust_role_alone(&template.text).ok_or_else(failed)?,
        parameters: parameters
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        disable_rollback: false,
    };
    let made = account.create_stack(&spec).await.map_err(|_| failed())?;
    let made = made.finish().await.map_err(|_| failed())?;
    (made.status == "CREATE_COMPLETE")
        .then_some(())
        .ok_or_else(failed)
}

/// The template with one resource, and what that refers to.
fn trust_role_alone(template: &str) -> Option<String> {
    let Value::Mapping(mut template) = serde_yaml_ng::from_str(template).ok()? else {
        return None;
    };
    let role = template.get("Resources")?.get(TRUST_ROLE)?.clone();
    let resources = Mapping::from_iter([(TRUST_ROLE.into(), role)]);
    template.insert("Resources".into(), resources.into());
    for section in ["Metadata", "Rules", "Outputs"] {
        template.shift_remove(section);
    }
    serde_yaml_ng::to_string(&template).ok()
}
