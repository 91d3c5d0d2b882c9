//! What Lambda hands over, whatever it is.
//!
//! An event that is no JSON must reach the handler, too, or nobody would say a
//! word about it. One that is JSON and cannot be carried out (too long, too
//! deep, with a number that no number type holds) still says whom to answer.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::envelope::{Address, EnvelopeError, Request};

/// The longest event that is read as a whole, in bytes.
///
/// CloudFormation's have a few thousand as a rule, and some 120,000 at most: fifteen
/// properties of at most 4096 characters, twice in an Update. A parsed event can need
/// thirty times its length in memory.
pub const EVENT_LIMIT: usize = 256 * 1024;

/// One event. Nothing prints it: its response URL and its external id are secrets.
#[derive(Clone)]
pub struct Event(Result<Readable, String>);

#[derive(Clone)]
struct Readable {
    /// The event, or of one that cannot be carried out the address alone.
    value: Value,
    flaw: Option<EnvelopeError>,
}

/// The members that an answer needs, each as it stands in the text.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Outline<'a> {
    #[serde(borrow)]
    request_type: Option<&'a RawValue>,
    #[serde(borrow)]
    stack_id: Option<&'a RawValue>,
    #[serde(borrow)]
    request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    logical_resource_id: Option<&'a RawValue>,
    #[serde(borrow)]
    physical_resource_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "ResponseURL")]
    response_url: Option<&'a RawValue>,
}

impl Event {
    /// Reads a text that need not be JSON.
    pub fn read(text: &str) -> Self {
        if text.len() > EVENT_LIMIT {
            let flaw = format!("it is longer than {EVENT_LIMIT} bytes");
            return Self::outline(text, flaw);
        }
        match serde_json::from_str::<Value>(text) {
            Ok(value) => Self::from(value),
            Err(error) => Self::outline(text, error.to_string()),
        }
    }

    /// The address alone, for JSON that cannot be read as a whole.
    fn outline(text: &str, flaw: String) -> Self {
        let Ok(outline) = serde_json::from_str::<Outline<'_>>(text) else {
            return Self(Err(flaw));
        };
        let members: Map<String, Value> = [
            ("RequestType", outline.request_type),
            ("StackId", outline.stack_id),
            ("RequestId", outline.request_id),
            ("LogicalResourceId", outline.logical_resource_id),
            ("PhysicalResourceId", outline.physical_resource_id),
            ("ResponseURL", outline.response_url),
        ]
        .into_iter()
        .filter_map(|(name, text)| {
            let text: String = serde_json::from_str(text?.get()).ok()?;
            Some((name.to_owned(), Value::String(text)))
        })
        .collect();
        Self(Ok(Readable {
            value: Value::Object(members),
            flaw: Some(EnvelopeError::Unreadable(flaw)),
        }))
    }

    /// Whom to answer.
    ///
    /// # Errors
    /// Says why nobody can be told from the event.
    pub fn address(&self) -> Result<Address, String> {
        let readable = self
            .0
            .as_ref()
            .map_err(|error| format!("the event is not JSON: {error}"))?;
        Address::pick(&readable.value).ok_or_else(|| "the event is not a JSON object".to_owned())
    }

    /// What is asked.
    ///
    /// # Errors
    /// See [`EnvelopeError`].
    pub fn request(&self) -> Result<Request, EnvelopeError> {
        Request::read(self.value()?)
    }

    /// The event as a whole, whatever it is about.
    ///
    /// # Errors
    /// [`EnvelopeError::Unreadable`].
    pub fn value(&self) -> Result<&Value, EnvelopeError> {
        let readable = self
            .0
            .as_ref()
            .map_err(|error| EnvelopeError::Unreadable(error.clone()))?;
        match &readable.flaw {
            Some(flaw) => Err(flaw.clone()),
            None => Ok(&readable.value),
        }
    }

    /// Whether a Create is asked for, as far as that can be told.
    pub fn is_a_create(&self) -> bool {
        self.0
            .as_ref()
            .is_ok_and(|readable| readable.value["RequestType"] == "Create")
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Box::<RawValue>::deserialize(deserializer) {
            Ok(text) => Self::read(text.get()),
            Err(error) => Self(Err(error.to_string())),
        })
    }
}

impl From<Value> for Event {
    fn from(value: Value) -> Self {
        Self(Ok(Readable { value, flaw: None }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(properties: &str) -> String {
        format!(
            r#"{{"RequestType":"Create","ResourceProperties":{properties},"StackId":"stack","RequestId":"request","LogicalResourceId":"logical","ResponseURL":"https://x"}}"#
        )
    }

    fn deep(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    fn as_lambda_hands_it_over(text: &str) -> Event {
        let mut deserializer = serde_json::Deserializer::from_slice(text.as_bytes());
        Event::deserialize(&mut deserializer).unwrap()
    }

    /// Case E1: JSON with an address has somebody to answer, whatever is in it.
    #[test]
    fn says_whom_to_answer_though_it_cannot_be_carried_out() {
        let long = format!("\"{}\"", "x".repeat(EVENT_LIMIT));
        for (properties, why) in [
            (deep(100_000), "recursion limit exceeded"),
            (long, "longer than 262144 bytes"),
            ("1e999".to_owned(), "number out of range"),
            (r#""\ud800""#.to_owned(), "unexpected end of hex escape"),
        ] {
            let event = as_lambda_hands_it_over(&of(&properties));
            let address = event.address().unwrap();
            assert_eq!(address.request_id, "request");
            assert_eq!(address.response_url.as_deref(), Some("https://x"));
            assert!(event.is_a_create());
            let error = event.request().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        let event = as_lambda_hands_it_over(&of("{}"));
        assert_eq!(event.request().unwrap().kind(), "Create");
    }

    #[test]
    fn says_that_it_is_no_json() {
        for text in ["", "{", "\u{0}", "{\"StackId\":\"stack\"", "[[[[[["] {
            let event = as_lambda_hands_it_over(text);
            let why = event.address().err().unwrap();
            assert!(why.contains("not JSON"), "{text}: {why}");
            assert!(event.request().is_err());
        }
    }
}
