//! The vendor's side of the trust: its user in its own account, and what it
//! does with a role that it was told of.

use std::sync::{Arc, Mutex, PoisonError};

use aws_credential_types::Credentials;
use thiserror::Error;

use super::account::Gateway;
use super::api::{Answer, ApiError, Query};
use super::{Account, AccountId12, Engine};
use crate::sandbox::{AppConfig, Validating, Validation, Validator, connected_apps};

/// The account of the principal that the trust role trusts, as published.
const ACCOUNT: &str = "291883359082";

/// The user of that account.
const USER: &str = "AuthomizeGlobalUser";

/// What the user may do in its own account: the other half of the trust.
const MAY_ASSUME: &str = r#"{"Version": "2012-10-17", "Statement":
    [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}"#;

/// The policies that a role must have to be read.
const POLICIES: [&str; 1] = ["SecurityAudit"];

/// The policies that it needs as well for IAM Identity Center.
const IDENTITY_CENTER_POLICIES: [&str; 2] = ["AWSSSOReadOnly", "AWSSSODirectoryReadOnly"];

/// The vendor's user, who can assume roles.
#[derive(Clone, Debug)]
pub struct Vendor {
    gateway: Gateway,
    sts: Query,
}

/// Why the vendor has no user.
#[derive(Debug, Error)]
#[error("the vendor's user could not be made: {0}")]
pub struct VendorError(String);

/// Why a role could not be assumed.
#[derive(Debug, Error)]
pub enum AssumeError {
    /// The role's trust policy does not allow it, or there is no such role.
    #[error("STS denied it")]
    Denied,
    /// STS could not be asked, or refused for another reason.
    #[error("STS could not say: {0}")]
    Unclear(String),
}

impl AssumeError {
    /// Whether STS said no, and not something else.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Denied)
    }
}

impl Vendor {
    /// Makes the vendor's user in `engine`.
    ///
    /// # Errors
    /// IAM refuses, for example because there is one already.
    pub async fn of(engine: &Engine) -> Result<Self, VendorError> {
        let id: AccountId12 = ACCOUNT
            .parse()
            .expect("the published account has 12 digits");
        Self::user(engine, &engine.account(id), USER).await
    }

    /// Somebody who is not the vendor and has the same rights: this new user
    /// of this account.
    ///
    /// # Errors
    /// IAM refuses, for example because there is one already.
    pub async fn user(engine: &Engine, account: &Account, name: &str) -> Result<Self, VendorError> {
        let failed = |error: ApiError| VendorError(error.to_string());
        let iam = account.iam();
        let user = ("UserName", name);
        iam.ask("CreateUser", &[user]).await.map_err(failed)?;
        let policy = [
            user,
            ("PolicyName", "assume-roles"),
            ("PolicyDocument", MAY_ASSUME),
        ];
        iam.ask("PutUserPolicy", &policy).await.map_err(failed)?;
        let key = iam.ask("CreateAccessKey", &[user]).await.map_err(failed)?;
        let credentials =
            credentials(&key).ok_or_else(|| VendorError("IAM gave no key".to_owned()))?;
        let gateway = engine.gateway().clone();
        let sts = Query::sts(gateway.caller("sts", &credentials));
        Ok(Self { gateway, sts })
    }

    /// Somebody who is not the vendor: the root user of this account.
    #[must_use]
    pub fn root(engine: &Engine, account: &Account) -> Self {
        Self {
            gateway: engine.gateway().clone(),
            sts: account.sts().clone(),
        }
    }

    /// Tries to assume a role, with an external id or without one.
    ///
    /// # Errors
    /// STS denies it or cannot be asked.
    pub async fn assume(
        &self,
        role_arn: &str,
        external_id: Option<&str>,
    ) -> Result<(), AssumeError> {
        self.session(role_arn, external_id).await.map(drop)
    }

    async fn session(
        &self,
        role_arn: &str,
        external_id: Option<&str>,
    ) -> Result<Credentials, AssumeError> {
        let mut parameters = vec![("RoleArn", role_arn), ("RoleSessionName", "authomize")];
        parameters.extend(external_id.map(|id| ("ExternalId", id)));
        let assumed = self.sts.ask("AssumeRole", &parameters).await;
        let assumed = assumed.map_err(|error| match error.code() {
            Some("AccessDenied") => AssumeError::Denied,
            _ => AssumeError::Unclear(told(&error)),
        })?;
        credentials(&assumed)
            .ok_or_else(|| AssumeError::Unclear("it gave no credentials".to_owned()))
    }

    /// The names of the policies that are attached to a role, read as the
    /// role itself.
    async fn attached_policies(
        &self,
        session: &Credentials,
        role_arn: &str,
    ) -> Result<Vec<String>, String> {
        let iam = Query::iam(self.gateway.caller("iam", session));
        let name = role_arn.rsplit('/').next().unwrap_or_default();
        let role = [("RoleName", name)];
        let listed = iam.ask("ListAttachedRolePolicies", &role).await;
        let listed = listed.map_err(|error| told(&error))?;
        Ok(listed.texts("PolicyName").map(str::to_owned).collect())
    }

    /// Validates an app as the vendor does: assumes its role, and reads with
    /// it which policies it has.
    async fn validate(&self, config: &AppConfig) -> Result<(), String> {
        let role = &config.role_arn;
        let session = self.session(role, Some(&config.external_id)).await;
        let session = session.map_err(|error| match error {
            AssumeError::Denied => format!(
                "the role {role} cannot be assumed: its trust policy must allow \
                 {USER} of account {ACCOUNT} with the external id of this tenant"
            ),
            AssumeError::Unclear(why) => format!("the role {role} cannot be assumed: {why}"),
        })?;
        let attached = self.attached_policies(&session, role).await;
        let attached = attached.map_err(|why| {
            format!("the role {role} was assumed, but cannot read its own policies: {why}")
        })?;
        let missing = missing_policies(&attached, config.include_identity_center);
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(" and ");
        Err(format!("the role {role} has no policy {missing}"))
    }
}

/// The key of a user or of a session.
fn credentials(answer: &Answer) -> Option<Credentials> {
    Some(Credentials::from_keys(
        answer.text("AccessKeyId")?,
        answer.text("SecretAccessKey")?,
        answer.text("SessionToken").map(str::to_owned),
    ))
}

/// The code of a refusal, or why there was no answer.
fn told(error: &ApiError) -> String {
    error
        .code()
        .map_or_else(|| error.to_string(), str::to_owned)
}

fn missing_policies(attached: &[String], identity_center: bool) -> Vec<&'static str> {
    let more: &[&str] = if identity_center {
        &IDENTITY_CENTER_POLICIES
    } else {
        &[]
    };
    let needed = POLICIES.iter().chain(more).copied();
    needed
        .filter(|needed| !attached.iter().any(|name| name == needed))
        .collect()
}

/// Validates apps by really assuming their roles through STS.
#[derive(Clone, Debug)]
pub struct StsValidator {
    vendor: Vendor,
    assumed: Arc<Mutex<Vec<String>>>,
}

impl StsValidator {
    /// A validator that acts as `vendor`.
    #[must_use]
    pub fn new(vendor: Vendor) -> Self {
        Self {
            vendor,
            assumed: Arc::default(),
        }
    }

    /// The ARN of the role of each validation that held, in order.
    #[must_use]
    pub fn assumed(&self) -> Vec<String> {
        let assumed = self.assumed.lock();
        assumed.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Validator for StsValidator {
    fn validate(&self, config: &AppConfig) -> Validating {
        let (validator, config) = (self.clone(), config.clone());
        Box::pin(async move {
            if let Err(last_error) = validator.vendor.validate(&config).await {
                return Validation::Failed { last_error };
            }
            let assumed = validator.assumed.lock();
            let mut assumed = assumed.unwrap_or_else(PoisonError::into_inner);
            assumed.push(config.role_arn.clone());
            Validation::Enabled {
                connected_apps: connected_apps(&config),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::missing_policies;

    #[test]
    fn asks_for_more_policies_with_identity_center() {
        let audit = ["SecurityAudit".to_owned()];
        assert!(missing_policies(&audit, false).is_empty());
        assert_eq!(missing_policies(&[], false), ["SecurityAudit"]);
        assert_eq!(
            missing_policies(&audit, true),
            ["AWSSSOReadOnly", "AWSSSODirectoryReadOnly"]
        );
    }
}
