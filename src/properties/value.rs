//! Property values as CloudFormation writes them.
//!
//! Scalars arrive as strings, whatever the template says, and a list parameter
//! that was left empty arrives as a list of one empty string. An empty string
//! is as good as absent.

use serde_json::{Map, Value};

use super::{PropertyError, refused, wrong_type};

/// The properties of one request.
pub(super) struct Fields<'a>(&'a Map<String, Value>);

/// What a value is, and what it should have been.
pub(super) struct WrongType(pub(super) &'static str, pub(super) &'static str);

impl<'a> Fields<'a> {
    pub(super) fn new(properties: &'a Value) -> Result<Self, PropertyError> {
        properties.as_object().map(Self).ok_or_else(|| {
            wrong_type(
                "ResourceProperties",
                WrongType(kind(properties), "accepted is an object"),
            )
        })
    }

    /// A text, trimmed; none if absent or empty.
    pub(super) fn text(
        &self,
        name: &str,
        parameter: &'static str,
    ) -> Result<Option<String>, PropertyError> {
        let text = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => scalar(value).ok_or_else(|| {
                wrong_type(parameter, WrongType(kind(value), "accepted is a text"))
            })?,
        };
        Ok((!text.is_empty()).then_some(text))
    }

    /// `true` or `false` in any spelling of the letters; false if absent.
    pub(super) fn boolean(
        &self,
        name: &str,
        parameter: &'static str,
    ) -> Result<bool, PropertyError> {
        match self.text(name, parameter)? {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(text) => Err(refused(parameter, &text, "accepted are true and false")),
        }
    }

    /// One of a few words; absent is fine.
    pub(super) fn choice(
        &self,
        name: &str,
        parameter: &'static str,
        words: &[&str],
        accepted: &'static str,
    ) -> Result<(), PropertyError> {
        match self.text(name, parameter)? {
            Some(text) if !words.contains(&text.as_str()) => {
                Err(refused(parameter, &text, accepted))
            }
            _ => Ok(()),
        }
    }

    /// A list of texts, trimmed, without empty ones. A single text is a list
    /// with commas.
    pub(super) fn list(
        &self,
        name: &str,
        parameter: &'static str,
    ) -> Result<Vec<String>, PropertyError> {
        let text = |value: &Value| {
            scalar(value).ok_or_else(|| {
                let accepted = "accepted is a list of texts";
                wrong_type(parameter, WrongType(kind(value), accepted))
            })
        };
        let items: Vec<String> = match self.0.get(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().map(text).collect::<Result<_, _>>()?,
            Some(one) => text(one)?.split(',').map(ToOwned::to_owned).collect(),
        };
        Ok(items
            .into_iter()
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect())
    }
}

/// The text of a value that is one text, number or boolean, trimmed.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(boolean) => Some(boolean.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
