//! Events for local use: read from a file, and given the addresses of this
//! machine.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::{Value, json};
use thiserror::Error;

/// Why there is no event.
#[derive(Debug, Error)]
pub enum EventError {
    /// There is no such file.
    #[error("`{}` cannot be read: give a file, or the name of one in events/, such as `create`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not JSON.
    #[error("`{}` is not JSON: {problem}", path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// Where and what.
        problem: String,
    },
    /// JSON, but no event.
    #[error("`{}` is no event: a custom-resource request is a JSON object with a RequestType", path.display())]
    NotAnEvent {
        /// The file.
        path: PathBuf,
    },
}

/// Reads an event: a file, or the name of one in `events`.
///
/// # Errors
/// There is none, and what to do.
pub fn read(events: &Path, name: &Path) -> Result<Value, EventError> {
    let named = events.join(name).with_extension("json");
    let path = if named.is_file() {
        named
    } else {
        name.to_owned()
    };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(EventError::Unreadable { path, source }),
    };
    match serde_json::from_str::<Value>(&text) {
        Ok(event) if event["RequestType"].is_string() => Ok(event),
        Ok(_) => Err(EventError::NotAnEvent { path }),
        Err(error) => Err(EventError::NotJson {
            path,
            problem: error.to_string(),
        }),
    }
}

/// What an event is filled with.
#[derive(Debug)]
pub struct Filling<'a> {
    /// The sandbox's address.
    pub api_url: &'a str,
    /// The external id of the trust role.
    pub external_id: &'a str,
    /// An id that no event had before.
    pub request_id: &'a str,
    /// Where the answer goes; empty for the function's result.
    pub response_url: &'a str,
    /// The physical id that the resource has.
    pub physical_id: Option<&'a str>,
}

/// The event with the addresses of this machine. An id that CloudFormation
/// invented, and whatever else there is, stays.
#[must_use]
pub fn fill(mut event: Value, with: &Filling<'_>) -> Value {
    event["RequestId"] = json!(with.request_id);
    event["ResponseURL"] = json!(with.response_url);
    for properties in ["ResourceProperties", "OldResourceProperties"] {
        if let Some(properties) = event[properties].as_object_mut() {
            properties.insert("ApiUrl".to_owned(), json!(with.api_url));
            properties.insert("ExternalId".to_owned(), json!(with.external_id));
        }
    }
    let id = event["PhysicalResourceId"].as_str().unwrap_or_default();
    if let Some(known) = with.physical_id
        && is_ours(id)
    {
        event["PhysicalResourceId"] = json!(known);
    }
    // Indexing made absent members null.
    if let Some(members) = event.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    event
}

/// Whether a physical id leads to a record at the vendor.
pub(super) fn is_ours(physical_id: &str) -> bool {
    physical_id.starts_with("integration/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITH: Filling<'_> = Filling {
        api_url: "http://127.0.0.1:1",
        external_id: "external",
        request_id: "request",
        response_url: "http://127.0.0.1:2/answer",
        physical_id: Some("integration/app_7/01234567"),
    };

    #[test]
    fn fills_in_addresses_and_the_known_id_and_nothing_else() {
        let event = json!({"RequestType": "Update", "RequestId": "old", "StackId": "stack",
            "PhysicalResourceId": "integration/app_1/89abcdef",
            "ResourceProperties": {"ApiUrl": "https://x", "OwnerEmail": "a@b.c"},
            "OldResourceProperties": {"ApiUrl": "https://x"}});
        let expected = json!({"RequestType": "Update", "RequestId": "request", "StackId": "stack",
            "ResponseURL": "http://127.0.0.1:2/answer",
            "PhysicalResourceId": "integration/app_7/01234567",
            "ResourceProperties": {"ApiUrl": "http://127.0.0.1:1", "ExternalId": "external",
                "OwnerEmail": "a@b.c"},
            "OldResourceProperties": {"ApiUrl": "http://127.0.0.1:1", "ExternalId": "external"}});
        assert_eq!(fill(event, &WITH), expected);
    }

    #[test]
    fn leaves_an_invented_id_and_adds_none() {
        let invented = json!({"RequestType": "Delete", "PhysicalResourceId": "stack-x-1ABC"});
        assert_eq!(fill(invented, &WITH)["PhysicalResourceId"], "stack-x-1ABC");
        let create = fill(json!({"RequestType": "Create"}), &WITH);
        assert!(create.get("PhysicalResourceId").is_none());
        assert!(create.get("OldResourceProperties").is_none());
    }

    #[test]
    fn says_what_is_wrong_with_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let told = |text: &str| {
            let path = dir.path().join("event.json");
            fs::write(&path, text).unwrap();
            read(Path::new("/nowhere"), &path).unwrap_err().to_string()
        };
        assert!(told("{").contains("is not JSON: EOF"));
        assert!(told("[]").contains("is no event"));
        let missing = read(Path::new("/nowhere"), Path::new("creat")).unwrap_err();
        assert!(missing.to_string().contains("such as `create`"));
    }
}
