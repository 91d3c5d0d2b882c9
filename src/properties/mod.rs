//! The resource's properties: strict where something is made, lenient where
//! something goes.
//!
//! A Create or an Update with a property that makes no sense is refused, with
//! the template's parameter by name, what was given, and what is accepted. A
//! Delete takes whatever it gets, for a stack that cannot be deleted is worse
//! than any bad value.

mod value;

use std::collections::BTreeSet;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use thiserror::Error;
use tracing::warn;

use crate::account_id::AccountId;
use crate::api_url::{ApiUrl, ApiUrlError};
use crate::record_id::RecordId;
use crate::region::Region;
use crate::stack_id::StackId;
use crate::text::{printable, shown};
use value::{Fields, WrongType, scalar};

/// All properties that the resource has, `ServiceToken` and `ServiceTimeout`
/// included, which CloudFormation passes on.
pub const PROPERTY_NAMES: &[&str] = &[
    "ServiceToken",
    "ServiceTimeout",
    "TemplateVersion",
    "ApiUrl",
    "ExternalId",
    "RoleArn",
    "IncludeIdentityCenter",
    "IntegrationName",
    "OwnerEmail",
    "Regions",
    "AdditionalAccountIds",
    "OnDelete",
    "OnDeregistrationFailure",
    "Refresh",
    "AdoptIntegrationId",
];

/// What the vendor is told: the part of the properties that matters to it.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The integration's name.
    pub name: String,
    /// This account, then the additional ones.
    pub accounts: Vec<AccountId>,
    /// The regions to read; none means all.
    pub regions: Vec<Region>,
    /// The trust role.
    pub role_arn: String,
    /// The trust role's external id.
    pub external_id: SecretString,
    /// Whether this account is the organization's management account, with IAM
    /// Identity Center.
    pub include_identity_center: bool,
    /// Whom the vendor may write to.
    pub owner_email: Option<String>,
}

impl PartialEq for Registration {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.accounts == other.accounts
            && self.regions == other.regions
            && self.role_arn == other.role_arn
            && self.external_id.expose_secret() == other.external_id.expose_secret()
            && self.include_identity_center == other.include_identity_center
            && self.owner_email == other.owner_email
    }
}

/// What a Create or an Update asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// What the vendor is told.
    pub registration: Registration,
    /// The API's address, as the parameter has it.
    pub api: ApiUrl,
    /// Changed by the admin to have the registration checked and mended.
    pub refresh: String,
    /// The record that a Create takes over instead of making one.
    pub adopt: Option<RecordId>,
}

impl Desired {
    /// Whether the vendor is told the same, at the same address.
    pub fn tells_the_same_as(&self, other: &Self) -> bool {
        self.registration == other.registration && self.api == other.api
    }
}

/// What happens to the record when the resource goes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnDelete {
    /// The vendor removes it with its data.
    #[default]
    Remove,
    /// It is released, and another stack may take it over.
    Keep,
}

/// What a Delete answers when the vendor refuses.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnDeregistrationFailure {
    /// FAILED, naming the record to remove by hand.
    #[default]
    Fail,
    /// SUCCESS, and a warning in the log.
    Ignore,
}

/// What a Delete needs to know; read from anything.
#[derive(Clone, Debug)]
pub struct Farewell {
    /// The wish for the record.
    pub on_delete: OnDelete,
    /// The wish for the worst case.
    pub on_failure: OnDeregistrationFailure,
    /// The API's address.
    pub api: ApiUrl,
    /// The name that a Create of these properties used.
    pub name: String,
    /// The record that such a Create took over.
    pub adopt: Option<RecordId>,
    /// To be taken out of texts of the vendor.
    pub external_id: SecretString,
}

/// A property that cannot be used. Displays as a sentence for the admin.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum PropertyError {
    /// The value is shown, for it is no secret.
    #[error("{parameter} is \"{given}\": {accepted}")]
    Refused {
        /// The template's parameter.
        parameter: &'static str,
        /// What was given.
        given: String,
        /// What is accepted.
        accepted: &'static str,
    },
    /// The value is missing, or a secret.
    #[error("{parameter} is {problem}: {accepted}")]
    Unusable {
        /// The template's parameter.
        parameter: &'static str,
        /// What is wrong.
        problem: &'static str,
        /// What is accepted.
        accepted: &'static str,
    },
}

impl PropertyError {
    /// A hub, which strangers can invoke, is to take over a record that an event names.
    pub fn not_for_a_hub(record: &RecordId) -> Self {
        let accepted = "a hub and its members take no record over, so leave it empty";
        refused(ADOPT, record.as_str(), accepted)
    }
}

/// Reads the properties of a Create or an Update. In local mode the API may be
/// a server of this machine.
///
/// # Errors
/// The first property that cannot be used.
pub fn read(properties: &Value, stack: &StackId, local: bool) -> Result<Desired, PropertyError> {
    let fields = Fields::new(properties)?;
    let desired = Desired {
        registration: registration(&fields, stack)?,
        api: api(&fields, local)?,
        refresh: fields.text("Refresh", "Refresh")?.unwrap_or_default(),
        adopt: adopt(&fields)?,
    };
    for (name, accepted, are) in [
        (
            "OnDelete",
            ["Remove", "Keep"],
            "accepted are Remove and Keep",
        ),
        (
            "OnDeregistrationFailure",
            ["Fail", "Ignore"],
            "accepted are Fail and Ignore",
        ),
    ] {
        fields.choice(name, name, &accepted, are)?;
    }
    Ok(desired)
}

/// The parameter of the first property in which what is asked for is not what is
/// due.
pub fn difference(asked_for: &Desired, due: &Desired) -> Option<&'static str> {
    let (given, wanted) = (&asked_for.registration, &due.registration);
    let external_ids = [&given.external_id, &wanted.external_id].map(ExposeSecret::expose_secret);
    [
        ("AuthomizeApiUrl", asked_for.api == due.api),
        ("ExternalID", external_ids[0] == external_ids[1]),
        ("RoleArn", given.role_arn == wanted.role_arn),
        (
            "IncludeAWSIdentityCenter",
            given.include_identity_center == wanted.include_identity_center,
        ),
        ("IntegrationName", given.name == wanted.name),
        ("OwnerEmail", given.owner_email == wanted.owner_email),
        ("Regions", given.regions == wanted.regions),
        ("AdditionalAccountIds", given.accounts == wanted.accounts),
        ("AdoptIntegrationId", asked_for.adopt == due.adopt),
    ]
    .into_iter()
    .find_map(|(parameter, is_the_same)| (!is_the_same).then_some(parameter))
}

/// Warns, once, of properties that this version does not know. A rollback may
/// bring a newer template's.
pub fn warn_of_unknown(properties: &Value) {
    let unknown: Vec<String> = properties
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.keys())
        .filter(|name| !PROPERTY_NAMES.contains(&name.as_str()))
        .map(|name| shown(name, &[]))
        .collect();
    if !unknown.is_empty() {
        warn!(
            properties = unknown.join(", "),
            "ignored unknown properties"
        );
    }
}

impl Farewell {
    /// Reads the properties of a Delete: what makes no sense is as if the
    /// parameter had been left at its default.
    pub fn read(properties: &Value, stack: &StackId, local: bool) -> Self {
        let text = |name: &str| scalar(&properties[name]).unwrap_or_default();
        let parse = if local {
            ApiUrl::parse_local
        } else {
            ApiUrl::parse
        };
        Self {
            on_delete: if text("OnDelete") == "Keep" {
                OnDelete::Keep
            } else {
                OnDelete::Remove
            },
            on_failure: if text("OnDeregistrationFailure") == "Ignore" {
                OnDeregistrationFailure::Ignore
            } else {
                OnDeregistrationFailure::Fail
            },
            api: parse(&text("ApiUrl")).unwrap_or_default(),
            name: Some(text("IntegrationName"))
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| default_name(stack)),
            adopt: adopted(properties),
            external_id: text("ExternalId").into(),
        }
    }
}

/// The record that properties of any shape name, to be taken over.
pub fn adopted(properties: &Value) -> Option<RecordId> {
    scalar(&properties[ADOPT])?.parse().ok()
}

const ADOPT: &str = "AdoptIntegrationId";

fn adopt(fields: &Fields<'_>) -> Result<Option<RecordId>, PropertyError> {
    const ACCEPTED: &str =
        "accepted is the id of an integration at Authomize, 1 to 64 letters, digits, _ and -";
    let text = fields.text(ADOPT, ADOPT)?;
    text.map(|text| text.parse().map_err(|_| refused(ADOPT, &text, ACCEPTED)))
        .transpose()
}

fn default_name(stack: &StackId) -> String {
    format!("AWS {}", stack.account())
}

fn registration(fields: &Fields<'_>, stack: &StackId) -> Result<Registration, PropertyError> {
    Ok(Registration {
        name: name(fields, stack)?,
        accounts: accounts(fields, stack)?,
        regions: regions(fields, stack)?,
        role_arn: role_arn(fields, stack)?,
        external_id: external_id(fields)?,
        include_identity_center: fields
            .boolean("IncludeIdentityCenter", "IncludeAWSIdentityCenter")?,
        owner_email: owner_email(fields)?,
    })
}

fn name(fields: &Fields<'_>, stack: &StackId) -> Result<String, PropertyError> {
    const PARAMETER: &str = "IntegrationName";
    let Some(name) = fields.text(PARAMETER, PARAMETER)? else {
        return Ok(default_name(stack));
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || " ._:/=+@()&,'-".contains(c);
    if name.chars().count() <= 128 && name.chars().all(plain) {
        Ok(name)
    } else {
        Err(refused(
            PARAMETER,
            &name,
            "accepted are up to 128 letters, digits, spaces and . _ : / = + @ ( ) & , ' -",
        ))
    }
}

fn accounts(fields: &Fields<'_>, stack: &StackId) -> Result<Vec<AccountId>, PropertyError> {
    const PARAMETER: &str = "AdditionalAccountIds";
    const ACCEPTED: &str = "accepted are 12-digit account numbers separated by commas, each once, without this stack's own";
    let mut accounts = vec![stack.account().clone()];
    for text in fields.list(PARAMETER, PARAMETER)? {
        let account: AccountId = text
            .parse()
            .map_err(|_| refused(PARAMETER, &text, ACCEPTED))?;
        if accounts.contains(&account) {
            return Err(refused(PARAMETER, &text, ACCEPTED));
        }
        accounts.push(account);
    }
    Ok(accounts)
}

fn regions(fields: &Fields<'_>, stack: &StackId) -> Result<Vec<Region>, PropertyError> {
    const PARAMETER: &str = "Regions";
    const ACCEPTED: &str = "accepted are regions of this account's partition separated by commas, such as us-east-1,eu-west-1";
    let mut regions = BTreeSet::new();
    for text in fields.list(PARAMETER, PARAMETER)? {
        let region: Region = text
            .parse()
            .map_err(|_| refused(PARAMETER, &text, ACCEPTED))?;
        if region.partition() != stack.partition() {
            return Err(refused(PARAMETER, &text, ACCEPTED));
        }
        if !region.is_known() {
            warn!(
                region = region.as_str(),
                "a region that this version does not know"
            );
        }
        regions.insert(region);
    }
    Ok(regions.into_iter().collect())
}

fn role_arn(fields: &Fields<'_>, stack: &StackId) -> Result<String, PropertyError> {
    const PARAMETER: &str = "RoleArn";
    const ACCEPTED: &str = "the template gives it the ARN of this stack's trust role";
    let arn = fields
        .text(PARAMETER, PARAMETER)?
        .ok_or_else(|| missing(PARAMETER, ACCEPTED))?;
    let expected = format!("arn:{}:iam::{}:role/", stack.partition(), stack.account());
    if arn.starts_with(&expected) && arn.len() > expected.len() && arn.is_ascii() {
        Ok(arn)
    } else {
        Err(refused(PARAMETER, &arn, ACCEPTED))
    }
}

/// The characters that IAM takes for `sts:ExternalId`:
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
fn external_id(fields: &Fields<'_>) -> Result<SecretString, PropertyError> {
    const PARAMETER: &str = "ExternalID";
    const ACCEPTED: &str = "paste the ExternalID that Authomize shows, 2 to 1224 letters, digits and + = , . @ : / _ - without spaces";
    let text = fields
        .text("ExternalId", PARAMETER)?
        .ok_or_else(|| missing(PARAMETER, ACCEPTED))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "+=,.@:/_-".contains(c);
    if (2..=1224).contains(&text.len()) && text.chars().all(plain) {
        Ok(text.into())
    } else {
        Err(PropertyError::Unusable {
            parameter: PARAMETER,
            problem: "malformed",
            accepted: ACCEPTED,
        })
    }
}

fn owner_email(fields: &Fields<'_>) -> Result<Option<String>, PropertyError> {
    const PARAMETER: &str = "OwnerEmail";
    let Some(email) = fields.text(PARAMETER, PARAMETER)? else {
        return Ok(None);
    };
    let well_formed = email.len() <= 254
        && email.chars().all(|c| c.is_ascii_graphic())
        && matches!(email.split_once('@'), Some((name, domain))
            if !name.is_empty() && domain.contains('.') && !domain.contains('@'));
    well_formed.then(|| Some(email.clone())).ok_or_else(|| {
        refused(
            PARAMETER,
            &email,
            "accepted is one e-mail address, such as owner@example.com",
        )
    })
}

fn api(fields: &Fields<'_>, local: bool) -> Result<ApiUrl, PropertyError> {
    const PARAMETER: &str = "AuthomizeApiUrl";
    const ACCEPTED: &str = "accepted is https:// and a host without port, path or user, such as https://api.authomize.com";
    let text = fields
        .text("ApiUrl", PARAMETER)?
        .ok_or_else(|| missing(PARAMETER, ACCEPTED))?;
    let parse = if local {
        ApiUrl::parse_local
    } else {
        ApiUrl::parse
    };
    parse(&text).map_err(|error| match error {
        // User info may hold a password, so it is not shown.
        ApiUrlError::MoreThanAHost if text.contains('@') => PropertyError::Unusable {
            parameter: PARAMETER,
            problem: "an address with user info",
            accepted: ACCEPTED,
        },
        _ => refused(PARAMETER, &text, ACCEPTED),
    })
}

fn refused(parameter: &'static str, given: &str, accepted: &'static str) -> PropertyError {
    PropertyError::Refused {
        parameter,
        given: printable(given),
        accepted,
    }
}

fn missing(parameter: &'static str, accepted: &'static str) -> PropertyError {
    PropertyError::Unusable {
        parameter,
        problem: "empty",
        accepted,
    }
}

fn wrong_type(parameter: &'static str, WrongType(given, accepted): WrongType) -> PropertyError {
    PropertyError::Unusable {
        parameter,
        problem: given,
        accepted,
    }
}

#[cfg(test)]
mod tests;
