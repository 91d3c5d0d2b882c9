//! A hub: the function that registers the accounts of an organization.
//!
//! Whoever belongs to the organization can invoke it with any event, and Lambda
//! does not tell who did. So a member contributes its account, read from the
//! `StackId`, and nothing else: what is registered for it follows from the hub's
//! environment, and a property that says something else is refused.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::account_id::AccountId;
use crate::properties::{self, Desired, Farewell, PropertyError};
use crate::stack_id::StackId;

/// `ORGANIZATION_ID`: set in a hub, and in nothing else.
pub const ENV_ORGANIZATION_ID: &str = "ORGANIZATION_ID";
/// `MANAGEMENT_ACCOUNT_ID`: the one member with IAM Identity Center, if there is one.
pub const ENV_MANAGEMENT_ACCOUNT_ID: &str = "MANAGEMENT_ACCOUNT_ID";
/// `MEMBER_API_URL`: where members are registered.
pub const ENV_API_URL: &str = "MEMBER_API_URL";
/// `MEMBER_EXTERNAL_ID`: the external id of the members' trust roles.
pub const ENV_EXTERNAL_ID: &str = "MEMBER_EXTERNAL_ID";
/// `MEMBER_TRUST_ROLE`: path and name of the members' trust roles.
pub const ENV_TRUST_ROLE: &str = "MEMBER_TRUST_ROLE";
/// `MEMBER_REGIONS`: the regions to read in members, separated by commas.
pub const ENV_REGIONS: &str = "MEMBER_REGIONS";
/// `MEMBER_OWNER_EMAIL`: the owner of the members' integrations.
pub const ENV_OWNER_EMAIL: &str = "MEMBER_OWNER_EMAIL";
/// `AWS_LAMBDA_FUNCTION_NAME`: the function's name, set by Lambda.
pub const ENV_FUNCTION_NAME: &str = "AWS_LAMBDA_FUNCTION_NAME";

/// What a hub registers for every member.
#[derive(Clone, Debug)]
pub struct Hub {
    stack: StackId,
    function_name: String,
    management_account: Option<AccountId>,
    api_url: String,
    external_id: SecretString,
    trust_role: String,
    regions: String,
    owner_email: String,
}

impl Hub {
    /// Reads the environment of the function that `stack` made; none if it is no
    /// hub. What is missing becomes a reason when a member asks.
    pub fn read(stack: &StackId, text: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let or_empty = |name: &str| text(name).unwrap_or_default();
        // What is no organization's id opens nothing.
        let organization = text(ENV_ORGANIZATION_ID).filter(|id| id.starts_with("o-"));
        organization.map(|_| Self {
            stack: stack.clone(),
            function_name: or_empty(ENV_FUNCTION_NAME),
            management_account: text(ENV_MANAGEMENT_ACCOUNT_ID).and_then(|id| id.parse().ok()),
            api_url: or_empty(ENV_API_URL),
            external_id: or_empty(ENV_EXTERNAL_ID).into(),
            trust_role: or_empty(ENV_TRUST_ROLE),
            regions: or_empty(ENV_REGIONS),
            owner_email: or_empty(ENV_OWNER_EMAIL),
        })
    }

    /// The function's name.
    pub fn function_name(&self) -> &str {
        &self.function_name
    }

    /// The function's ARN without a qualifier: it stays the same when the hub is
    /// made anew under its name.
    pub fn function_arn(&self) -> String {
        let (partition, region) = (self.stack.partition(), self.stack.region());
        let (account, name) = (self.stack.account(), &self.function_name);
        format!("arn:{partition}:lambda:{region}:{account}:function:{name}")
    }

    /// Whether a stack is where this hub's members are: in its region and partition.
    pub fn is_near(&self, stack: &StackId) -> bool {
        self.stack.region() == stack.region() && self.stack.partition() == stack.partition()
    }

    /// What is registered for a member whose request has these properties.
    ///
    /// # Errors
    /// The first property that cannot be used, or that is not what the hub says.
    pub fn desired(&self, member: &StackId, given: &Value) -> Result<Desired, PropertyError> {
        let asked_for = properties::read(given, member, false)?;
        let due = properties::read(&self.due(member, given), member, false)?;
        match properties::difference(&asked_for, &due) {
            Some(parameter) => Err(self.refusal(parameter)),
            None => Ok(due),
        }
    }

    /// What a member's Delete needs to know: of its properties only what becomes of
    /// its record.
    pub fn farewell(&self, member: &StackId, given: &Value) -> Farewell {
        Farewell::read(&self.due(member, given), member, false)
    }

    /// The properties that the member has to have.
    fn due(&self, member: &StackId, given: &Value) -> Value {
        let (partition, account) = (member.partition(), member.account());
        let mut due = BTreeMap::from([
            ("ApiUrl", json!(self.api_url)),
            ("ExternalId", json!(self.external_id.expose_secret())),
            (
                "RoleArn",
                json!(format!(
                    "arn:{partition}:iam::{account}:role{}",
                    self.trust_role
                )),
            ),
            (
                "IncludeIdentityCenter",
                json!(self.management_account.as_ref() == Some(account)),
            ),
            ("Regions", json!(self.regions)),
            ("OwnerEmail", json!(self.owner_email)),
        ]);
        // The member's own affair: no more than when to look, and whether to let go.
        for name in ["OnDelete", "Refresh"] {
            due.insert(name, given[name].clone());
        }
        json!(due)
    }

    fn refusal(&self, parameter: &'static str) -> PropertyError {
        PropertyError::Unusable {
            parameter,
            problem: "not what the hub says",
            accepted: match parameter {
                "IncludeAWSIdentityCenter" => {
                    "accepted is true for the account that the hub names in ManagementAccountId, and false for every other"
                }
                "IntegrationName" | "AdditionalAccountIds" | "AdoptIntegrationId" => {
                    "a member registers its own account alone, under its number"
                }
                _ => "accepted is the value that the hub's own stack has",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/hub/a-b";
    const MEMBER: &str = "arn:aws:cloudformation:eu-west-1:210987654321:stack/member/c-d";

    fn hub() -> Hub {
        let text = |name: &str| {
            let value = match name {
                ENV_ORGANIZATION_ID => "o-a1b2c3d4e5",
                ENV_MANAGEMENT_ACCOUNT_ID => "999999999999",
                ENV_API_URL => "https://api.authomize.com",
                ENV_EXTERNAL_ID => "external-id-1",
                ENV_TRUST_ROLE => "/vendors/Trust",
                ENV_REGIONS => "us-east-1,eu-west-1",
                ENV_OWNER_EMAIL => "owner@example.com",
                ENV_FUNCTION_NAME => "hub-registrar",
                _ => return None,
            };
            Some(value.to_owned())
        };
        Hub::read(&HUB.parse().unwrap(), text).unwrap()
    }

    fn given() -> Value {
        json!({
            "ApiUrl": "https://api.authomize.com",
            "ExternalId": "external-id-1",
            "RoleArn": "arn:aws:iam::210987654321:role/vendors/Trust",
            "IncludeIdentityCenter": "false",
            "OwnerEmail": "owner@example.com",
            "Regions": ["eu-west-1", "us-east-1"],
            "OnDelete": "Keep",
            "Refresh": "1",
        })
    }

    #[test]
    fn is_one_only_if_it_names_an_organization() {
        let hub_of = |organization: Option<&str>| {
            let text = |name: &str| {
                let organization = organization.map(ToOwned::to_owned);
                organization.filter(|_| name == ENV_ORGANIZATION_ID)
            };
            Hub::read(&HUB.parse().unwrap(), text)
        };
        assert!(hub_of(Some("o-a1b2c3d4e5")).is_some());
        for other in [
            None,
            Some("OrganizationId"),
            Some("*"),
            Some("ou-a1b2-c3d4e5f6"),
        ] {
            assert!(hub_of(other).is_none(), "{other:?}");
        }
        assert_eq!(
            hub().function_arn(),
            "arn:aws:lambda:eu-west-1:123456789012:function:hub-registrar"
        );
    }

    #[test]
    fn registers_what_it_says_itself() {
        let member = MEMBER.parse().unwrap();
        let desired = hub().desired(&member, &given()).unwrap();
        assert_eq!(desired.registration.name, "AWS 210987654321");
        assert_eq!(desired.registration.accounts, [member.account().clone()]);
        assert_eq!(desired.refresh, "1");
    }

    #[test]
    fn refuses_by_its_name_whatever_differs() {
        let member = MEMBER.parse().unwrap();
        for (property, value, parameter) in [
            ("ApiUrl", "https://eu.authomize.com", "AuthomizeApiUrl"),
            ("ExternalId", "external-id-2", "ExternalID"),
            ("RoleArn", "arn:aws:iam::210987654321:role/Trust", "RoleArn"),
            ("IncludeIdentityCenter", "true", "IncludeAWSIdentityCenter"),
            ("IntegrationName", "Production", "IntegrationName"),
            ("OwnerEmail", "me@example.com", "OwnerEmail"),
            ("OwnerEmail", "", "OwnerEmail"),
            ("Regions", "eu-west-1", "Regions"),
            (
                "AdditionalAccountIds",
                "123456789012",
                "AdditionalAccountIds",
            ),
            ("AdoptIntegrationId", "app_1", "AdoptIntegrationId"),
        ] {
            let mut given = given();
            given[property] = json!(value);
            let error = hub().desired(&member, &given).unwrap_err().to_string();
            let expected = format!("{parameter} is not what the hub says");
            assert!(error.starts_with(&expected), "{property}: {error}");
            assert!(!error.contains("external-id"), "{error}");
        }
    }

    #[test]
    fn takes_identity_center_from_the_management_account_alone() {
        let management = MEMBER.replace("210987654321", "999999999999");
        let mut given = given();
        given["RoleArn"] = json!("arn:aws:iam::999999999999:role/vendors/Trust");
        let management = management.parse().unwrap();
        assert!(hub().desired(&management, &given).is_err());
        given["IncludeIdentityCenter"] = json!("true");
        let desired = hub().desired(&management, &given).unwrap();
        assert!(desired.registration.include_identity_center);
    }

    #[test]
    fn lets_a_member_say_what_becomes_of_its_record_and_nothing_else() {
        let member = MEMBER.parse().unwrap();
        let forged = json!({
            "OnDelete": "Keep",
            "IntegrationName": "Production",
            "ApiUrl": "https://example.com",
        });
        let farewell = hub().farewell(&member, &forged);
        assert_eq!(farewell.on_delete, properties::OnDelete::Keep);
        assert_eq!(farewell.name, "AWS 210987654321");
        assert!(farewell.api.is_the_vendors());
    }
}
