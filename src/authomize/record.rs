//! What Authomize keeps of an integration, as it reads on the wire and as we
//! understand it.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::account_id::AccountId;
use crate::answer::NOT_REPORTED;
use crate::properties::Registration;
use crate::record_id::RecordId;
use crate::text::shown;

/// An integration at Authomize. Its `Debug` shows what may be shown: a vendor
/// can repeat a secret anywhere.
#[derive(Clone)]
pub struct Record {
    /// Its id.
    pub id: RecordId,
    /// Its name, unique in a tenant as far as we know.
    pub name: Option<String>,
    /// The same, fit to be shown.
    pub shown_name: Option<String>,
    /// When it was made, by the vendor's clock.
    pub created_at: Option<OffsetDateTime>,
    /// How far the vendor's validation is.
    pub status: Status,
    /// Why the validation failed, fit to be shown.
    pub last_error: Option<String>,
    /// The apps that the vendor connected.
    pub connected_apps: Option<Vec<String>>,
    /// Whose it is.
    pub marking: Marking,
    /// The stack that the marker names, fit to be shown.
    pub shown_owner: Option<String>,
    config: Option<Value>,
}

/// How far the vendor's validation of a record is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Status {
    /// The server reports no status: nothing to wait for.
    Absent,
    /// `initializing` or `validating`.
    Validating(String),
    /// `enabled`.
    Enabled,
    /// `failure`: the role could not be assumed or lacks a policy.
    Failure,
    /// `deleted`: the record is going and still holds its name.
    Deleted,
    /// A state that people brought about or that we do not know: not ours to
    /// wait for or to change.
    Settled(String),
}

/// What the server says about whose a record is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Marking {
    /// The server keeps no `config`, so it cannot say.
    NotKept,
    /// The server keeps `config`, or reports more than is published, and nobody
    /// left a marker.
    Absent,
    /// Some stack's marker.
    Marked(Marker),
}

/// The ownership marker on a record: which resource of which stack made it, and
/// whether it was let go since.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Marker {
    /// The stack's id, which never repeats.
    pub stack_id: String,
    /// The resource's name in the template.
    pub logical_resource_id: String,
    /// The function of the hub that registered for a member account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<String>,
    /// A stack with `OnDelete=Keep` let the record go.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
    /// The record was another stack's, which let it go, and this resource took it
    /// over when it was created. Until the creation has succeeded nobody may remove
    /// the record, only let it go again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub taken_over: bool,
    /// The record was made by hand, and had this name before a stack took it over by
    /// its id. No stack removes it, and the one that lets it go gives the name back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted_name: Option<String>,
}

impl Marker {
    /// Whether both name the same resource, released, taken over, or not.
    pub fn is_of_the_same_resource(&self, other: &Self) -> bool {
        self.stack_id == other.stack_id
            && self.logical_resource_id == other.logical_resource_id
            && self.hub == other.hub
    }

    /// Whether this names the same resource of a stack that had the other one's name and
    /// is gone: an account has no two stacks of one name in a region at once. What a hub
    /// registered is not for a stack to judge.
    pub fn is_of_a_predecessor_of(&self, other: &Self) -> bool {
        let [ours, theirs] = [self, other].map(|marker| marker.stack_id.rsplit_once('/'));
        self.hub.is_none()
            && other.hub.is_none()
            && self.logical_resource_id == other.logical_resource_id
            && matches!((ours, theirs), (Some((name, id)), Some((same, another)))
                if name == same && id != another)
    }
}

impl Status {
    fn read(text: Option<String>, secrets: &[&SecretString]) -> Self {
        match text.as_deref() {
            None => Self::Absent,
            Some("enabled") => Self::Enabled,
            Some("failure") => Self::Failure,
            Some("deleted") => Self::Deleted,
            Some("initializing" | "validating") => Self::Validating(text.unwrap_or_default()),
            Some(other) => Self::Settled(shown(other, secrets)),
        }
    }

    /// The vendor's word for it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Absent => NOT_REPORTED,
            Self::Enabled => "enabled",
            Self::Failure => "failure",
            Self::Deleted => "deleted",
            Self::Validating(text) | Self::Settled(text) => text,
        }
    }
}

/// The published members, and those that a server may add. What a server adds
/// in another shape than assumed is as good as not added.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct App {
    id: RecordId,
    #[serde(default, deserialize_with = "lenient")]
    created_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    integration_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    last_error: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    connected_apps: Option<Vec<String>>,
    #[serde(default, deserialize_with = "lenient")]
    config: Option<Value>,
}

fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

impl Record {
    /// Reads an `App` of the API; `secrets` are taken out of what is shown.
    ///
    /// # Errors
    /// The value has no well-formed id.
    pub(super) fn read(app: Value, secrets: &[&SecretString]) -> Result<Self, serde_json::Error> {
        let app: App = serde_json::from_value(app)?;
        let config = app.config.filter(Value::is_object);
        // A server that reports a status keeps what our records are made with, so
        // one without it is somebody else's.
        let marking = match config.as_ref().map(|config| config.get("source")) {
            None if app.status.is_some() => Marking::Absent,
            None => Marking::NotKept,
            Some(source) => source
                .and_then(|source| Marker::deserialize(source).ok())
                .map_or(Marking::Absent, Marking::Marked),
        };
        let shown_owner = match &marking {
            Marking::Marked(marker) => Some(shown(&marker.stack_id, secrets)),
            Marking::Absent | Marking::NotKept => None,
        };
        Ok(Self {
            id: app.id,
            shown_name: app
                .integration_name
                .as_ref()
                .map(|name| shown(name, secrets)),
            name: app.integration_name,
            created_at: app.created_at.and_then(|text| moment(&text)),
            status: Status::read(app.status, secrets),
            last_error: app.last_error.map(|text| shown(&text, secrets)),
            connected_apps: app
                .connected_apps
                .map(|apps| apps.iter().map(|app| shown(app, secrets)).collect()),
            marking,
            shown_owner,
            config,
        })
    }

    /// Whether the record holds this registration under this marker, and no owner
    /// of an earlier one, whatever the server added. A server that keeps no `config`
    /// cannot show it.
    pub fn holds(&self, registration: &Registration, marker: &Marker) -> bool {
        self.name.as_deref() == Some(registration.name.as_str())
            && self.config.as_ref().is_some_and(|kept| {
                let wanted = config(registration, marker);
                let has_the_owner = kept["ownerEmail"] == wanted["ownerEmail"];
                let wanted = wanted.as_object().into_iter().flatten();
                has_the_owner
                    && wanted
                        .into_iter()
                        .all(|(name, value)| kept.get(name) == Some(value))
            })
    }

    /// Whether its stack took it over when it was created.
    pub fn is_taken_over(&self) -> bool {
        matches!(&self.marking, Marking::Marked(marker) if marker.taken_over)
    }

    /// The name that it had before a stack took it over by its id; none if a stack made
    /// it, as far as anybody knows.
    pub fn adopted_name(&self) -> Option<&str> {
        match &self.marking {
            Marking::Marked(marker) => marker.adopted_name.as_deref(),
            Marking::Absent | Marking::NotKept => None,
        }
    }

    /// Whether a stack let the record go.
    pub fn is_released(&self) -> bool {
        matches!(&self.marking, Marking::Marked(marker) if marker.released)
    }

    /// Whether the record is for the same account and the same role.
    pub fn is_for(&self, registration: &Registration) -> bool {
        self.config.as_ref().is_some_and(|config| {
            config["roleArn"] == registration.role_arn
                && config["accountIds"].get(0) == Some(&json!(registration.accounts[0]))
        })
    }

    /// The accounts that the record is of, by its list and by its role; none where the
    /// server does not say, or says what cannot be read.
    pub fn accounts(&self) -> Option<Vec<AccountId>> {
        let config = self.config.as_ref()?;
        let listed = config["accountIds"].as_array().into_iter().flatten();
        let of_the_role = config["roleArn"].as_str().map(|arn| arn.split(':').nth(4));
        let accounts: Vec<AccountId> = listed
            .map(Value::as_str)
            .chain(of_the_role)
            .map(|account| account?.parse().ok())
            .collect::<Option<_>>()?;
        (!accounts.is_empty()).then_some(accounts)
    }

    /// What to write to let the record go; none where the server keeps no marker. One
    /// that no stack made gets its name back.
    pub(super) fn release(&self) -> Option<Value> {
        let mut change = json!({"config": self.released_config()?});
        if let Some(name) = self.adopted_name().filter(|name| !name.is_empty()) {
            change["name"] = json!(name);
        }
        Some(change)
    }

    /// What to write to have the record as it is here, and let go if a stack has it; none
    /// where the server keeps no `config`.
    pub(super) fn return_to_this(&self) -> Option<Value> {
        let released = || self.released_config().or_else(|| self.config.clone());
        let mut change = json!({"config": released()?});
        if let Some(name) = &self.name {
            change["name"] = json!(name);
        }
        Some(change)
    }

    /// The record's `config` with the marker's release written into it; none
    /// where the server keeps no `config`.
    fn released_config(&self) -> Option<Value> {
        let mut config = self.config.clone()?;
        config
            .get_mut("source")?
            .as_object_mut()?
            .insert("released".to_owned(), json!(true));
        Some(config)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("id", &self.id)
            .field("name", &self.shown_name)
            .field("status", &self.status)
            .field("owner", &self.shown_owner)
            .finish_non_exhaustive()
    }
}

/// Reads a time; one without a zone is taken for UTC.
fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339))
        .ok()
}

/// The `config` of a registration, as the contract has it.
pub(super) fn config(registration: &Registration, marker: &Marker) -> Value {
    let mut config = json!({
        "accountIds": registration.accounts,
        "regions": registration.regions,
        "roleArn": registration.role_arn,
        "externalId": registration.external_id.expose_secret(),
        "includeIdentityCenter": registration.include_identity_center,
        "source": marker,
    });
    if registration.include_identity_center {
        config["managementAccountId"] = json!(registration.accounts[0]);
    }
    if let Some(owner) = &registration.owner_email {
        config["ownerEmail"] = json!(owner);
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A vendor that repeats a secret has it neither shown nor printed.
    #[test]
    fn shows_no_secret_wherever_the_vendor_repeats_it() {
        let (token, external_id) = (SecretString::from("t0ken"), SecretString::from("3xternal"));
        let app = json!({
            "id": "app_1",
            "integrationName": "AWS 3xternal",
            "status": "t0ken",
            "lastError": "t0ken",
            "connectedApps": ["t0ken"],
            "config": {
                "externalId": "3xternal",
                "source": {"stackId": "t0ken", "logicalResourceId": "t0ken"},
            },
        });
        let record = Record::read(app, &[&token, &external_id]).unwrap();
        let shown = format!(
            "{record:?} {:?} {:?}",
            record.last_error, record.connected_apps
        );
        assert!(
            !shown.contains("t0ken") && !shown.contains("3xternal"),
            "{shown}"
        );
        assert_eq!(record.shown_name.as_deref(), Some("AWS [secret]"));
        assert_eq!(record.shown_owner.as_deref(), Some("[secret]"));
        assert_eq!(
            record.name.as_deref(),
            Some("AWS 3xternal"),
            "for comparing"
        );
    }
}
