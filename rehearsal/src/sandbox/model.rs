//! What a tenant keeps, and how it reads on the wire.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An app of a tenant: everything that the sandbox knows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct App {
    /// The record's id, `app_` and twelve digits.
    pub id: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was changed last.
    pub modified_at: OffsetDateTime,
    /// Its name.
    pub integration_name: String,
    /// The kind of app, `aws` for those that we make.
    pub service_type: Option<String>,
    /// The configuration as it was sent.
    pub config: Option<Value>,
    /// For example `validating`.
    pub status: String,
    /// Why the last validation failed.
    pub last_error: Option<String>,
    /// The apps that the last validation connected.
    pub connected_apps: Vec<String>,
}

impl App {
    /// The app on the wire, with everything that is assumed of a server.
    pub fn full(&self) -> Value {
        let mut app = self.published();
        app["status"] = json!(self.status);
        for (name, value) in [
            ("serviceType", json!(self.service_type)),
            ("config", json!(self.config)),
            ("lastError", json!(self.last_error)),
        ] {
            if !value.is_null() {
                app[name] = value;
            }
        }
        if !self.connected_apps.is_empty() {
            app["connectedApps"] = json!(self.connected_apps);
        }
        app
    }

    /// The app on the wire, with what is published only.
    pub fn published(&self) -> Value {
        json!({
            "id": self.id,
            "createdAt": text(self.created_at),
            "modifiedAt": text(self.modified_at),
            "integrationName": self.integration_name,
        })
    }

    /// The app as a connector of version 1, as published.
    pub fn connector(&self) -> Value {
        json!({
            "id": self.id,
            "createdAt": text(self.created_at),
            "modifiedAt": text(self.modified_at),
            "serviceType": self.service_type.as_deref().unwrap_or("restApi"),
            "status": self.status,
        })
    }

    /// The ownership marker, if a stack left one.
    pub fn source(&self) -> Option<&Value> {
        self.config.as_ref()?.get("source")
    }

    /// The part of the configuration that a validation needs, if it is there.
    pub fn validated(&self) -> Option<AppConfig> {
        AppConfig::deserialize(self.config.as_ref()?).ok()
    }
}

/// What a validation needs of an app's `config`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppConfig {
    /// The role to assume.
    pub role_arn: String,
    /// What the role's trust policy asks for.
    pub external_id: String,
    /// Whether the role must be able to read IAM Identity Center.
    #[serde(default)]
    pub include_identity_center: bool,
}

/// What a validation came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Validation {
    /// The role can be used.
    Enabled {
        /// `AWS`, and `AWS SSO` beside it with Identity Center.
        connected_apps: Vec<String>,
    },
    /// The role cannot be used.
    Failed {
        /// Why, for the admin.
        last_error: String,
    },
}

pub(super) fn text(moment: OffsetDateTime) -> String {
    moment
        .format(&Rfc3339)
        .expect("a moment of this age has a date")
}
