//! What CloudFormation sends: whom to answer, and what is asked.
//!
//! The two are read apart. The [`Address`] is picked out of any JSON object, so
//! that even an event that makes no sense otherwise gets its answer; the
//! [`Request`] is read with the types of `aws_lambda_events`, and what they do
//! not accept becomes a reason.
//! Fields: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html>.

use std::fmt;

use aws_lambda_events::cloudformation::CloudFormationCustomResourceRequest as Event;
use serde_json::{Map, Value};
use thiserror::Error;

/// What an answer must repeat, verbatim, and where it goes.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Address {
    /// `StackId`.
    pub stack_id: String,
    /// `RequestId`.
    pub request_id: String,
    /// `LogicalResourceId`.
    pub logical_id: String,
    /// `PhysicalResourceId`, where there is one.
    pub physical_id: Option<String>,
    /// `ResponseURL`, a secret: whoever has it can answer in our place.
    pub response_url: Option<String>,
}

/// What CloudFormation asks for. Its `Debug` shows no property, for the external id is one.
#[derive(Clone, PartialEq)]
pub enum Request {
    /// The resource is to be made.
    Create {
        /// The template's properties.
        properties: Value,
    },
    /// The resource is to be changed.
    Update {
        /// The template's properties as they shall be.
        properties: Value,
        /// The same as they were; after a failed update, the failed ones.
        old_properties: Value,
    },
    /// The resource is to go.
    Delete {
        /// The properties that the resource had last.
        properties: Value,
    },
}

/// Why an event is no request that could be carried out.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum EnvelopeError {
    /// `RequestType` is missing or none of the three.
    #[error("`RequestType` is {0}: accepted are `Create`, `Update` and `Delete`")]
    RequestType(String),
    /// CloudFormation's bucket, in a form that is newer than this version.
    #[error("`ResponseURL` has a form that this version does not know")]
    UnknownResponseUrl,
    /// CloudFormation's bucket, and the path of another request.
    #[error("`ResponseURL` is not that of this request")]
    ForeignResponseUrl,
    /// Another field is missing or has another JSON type.
    #[error("the request cannot be read: {0}")]
    Unreadable(String),
}

impl Address {
    /// Picks the address out of an event, if it is a JSON object.
    pub fn pick(event: &Value) -> Option<Self> {
        let event = event.as_object()?;
        let text = |name: &str| {
            let value = event.get(name)?.as_str()?;
            (!value.is_empty()).then(|| value.to_owned())
        };
        Some(Self {
            stack_id: text("StackId").unwrap_or_default(),
            request_id: text("RequestId").unwrap_or_default(),
            logical_id: text("LogicalResourceId").unwrap_or_default(),
            physical_id: text("PhysicalResourceId"),
            response_url: text("ResponseURL"),
        })
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl Request {
    /// Reads the request out of an event.
    ///
    /// # Errors
    /// Names the field, what was given and what is accepted.
    pub fn read(event: &Value) -> Result<Self, EnvelopeError> {
        let mut event = event.clone();
        let fields = event
            .as_object_mut()
            .ok_or_else(|| EnvelopeError::Unreadable("it is no JSON object".to_owned()))?;
        match fields.get("RequestType") {
            Some(Value::String(kind)) if matches!(&**kind, "Create" | "Update" | "Delete") => {}
            Some(Value::String(other)) => {
                let other = crate::text::shown(other, &[]);
                return Err(EnvelopeError::RequestType(format!("`{other}`")));
            }
            Some(_) => return Err(EnvelopeError::RequestType("not a string".to_owned())),
            None => return Err(EnvelopeError::RequestType("missing".to_owned())),
        }
        // The type insists on members that a Delete or an Update may lack, or have
        // as null.
        for (name, absent) in [
            ("PhysicalResourceId", Value::String(String::new())),
            ("ResourceType", Value::String(String::new())),
            ("ResponseURL", Value::String(String::new())),
            ("ResourceProperties", Value::Object(Map::new())),
            ("OldResourceProperties", Value::Object(Map::new())),
        ] {
            if fields.get(name).is_none_or(Value::is_null) {
                fields.insert(name.to_owned(), absent);
            }
        }
        let event: Event<Value, Value> = serde_json::from_value(event).map_err(|error| {
            EnvelopeError::Unreadable(crate::text::shown(&error.to_string(), &[]))
        })?;
        match event {
            Event::Create(create) => Ok(Self::Create {
                properties: create.resource_properties,
            }),
            Event::Update(update) => Ok(Self::Update {
                properties: update.resource_properties,
                old_properties: update.old_resource_properties,
            }),
            Event::Delete(delete) => Ok(Self::Delete {
                properties: delete.resource_properties,
            }),
            _ => Err(EnvelopeError::RequestType("of a new kind".to_owned())),
        }
    }

    /// `Create`, `Update` or `Delete`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Create { .. } => "Create",
            Self::Update { .. } => "Update",
            Self::Delete { .. } => "Delete",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str) -> Value {
        json!({
            "RequestType": kind,
            "RequestId": "request",
            "StackId": "stack",
            "LogicalResourceId": "logical",
            "ResourceProperties": {"ServiceToken": "arn"},
        })
    }

    /// Case E36: a Delete without an id and an Update without old properties.
    #[test]
    fn reads_requests_that_lack_optional_members() {
        for kind in ["Create", "Update", "Delete"] {
            let mut event = event(kind);
            assert_eq!(Request::read(&event).unwrap().kind(), kind);
            for name in ["PhysicalResourceId", "ResourceType", "ResourceProperties"] {
                event[name] = Value::Null;
            }
            assert_eq!(Request::read(&event).unwrap().kind(), kind);
        }
    }

    /// Case E39: an unknown kind of request is refused by name.
    #[test]
    fn refuses_an_unknown_request_type() {
        let error = Request::read(&event("Rename")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`RequestType` is `Rename`: accepted are `Create`, `Update` and `Delete`"
        );
        let mut event = event("Create");
        event.as_object_mut().unwrap().remove("RequestType");
        assert!(
            Request::read(&event)
                .unwrap_err()
                .to_string()
                .contains("missing")
        );
    }

    #[test]
    fn picks_an_address_out_of_nonsense() {
        let address = Address::pick(&json!({"StackId": 7, "ResponseURL": "https://x"})).unwrap();
        assert_eq!(address.response_url.as_deref(), Some("https://x"));
        assert_eq!(address.stack_id, "");
        assert!(Address::pick(&json!([1, 2])).is_none());
    }
}
