//! IAM, STS, S3 and CloudWatch Logs: a question by the name of its action, as
//! AWS's API reference has it.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use thiserror::Error;
use url::form_urlencoded;

use super::exchange::{Caller, ExchangeError, Question};

/// Why a service did not do what it was asked.
#[derive(Debug, Error)]
pub enum ApiError {
    /// It gave no answer.
    #[error(transparent)]
    NoAnswer(#[from] ExchangeError),
    /// It refused.
    #[error("{code}: {message}")]
    Refused {
        /// The kind of the refusal, for example `NoSuchEntity`.
        code: String,
        /// The sentence with it.
        message: String,
    },
    /// It answered what nobody can read.
    #[error("the answer {0} cannot be read: {1}")]
    Unreadable(StatusCode, String),
}

impl ApiError {
    /// The kind of the refusal, if it is one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::NoAnswer(_) | Self::Unreadable(..) => None,
        }
    }
}

/// A service of AWS's query protocol, which takes a form and answers XML.
#[derive(Clone, Debug)]
pub struct Query {
    caller: Caller,
    version: &'static str,
}

impl Query {
    pub(super) fn iam(caller: Caller) -> Self {
        Self {
            caller,
            version: "2010-05-08",
        }
    }

    pub(super) fn sts(caller: Caller) -> Self {
        Self {
            caller,
            version: "2011-06-15",
        }
    }

    /// Asks for `action` with these parameters.
    ///
    /// # Errors
    /// The service refuses or cannot be asked.
    pub async fn ask(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Answer, ApiError> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .append_pair("Version", self.version)
            .extend_pairs(parameters)
            .finish();
        let question = Question {
            method: Method::POST,
            path: "/",
            headers: &[("content-type", "application/x-www-form-urlencoded")],
            body: form.into(),
        };
        let (status, body) = self.caller.ask(question).await?;
        xml_answer(status, &body)
    }
}

/// CloudWatch Logs, which takes and answers JSON.
#[derive(Clone, Debug)]
pub struct Logs(pub(super) Caller);

impl Logs {
    /// Asks for `action` with these parameters.
    ///
    /// # Errors
    /// The service refuses or cannot be asked.
    pub async fn ask(&self, action: &str, parameters: &Value) -> Result<Value, ApiError> {
        let target = format!("Logs_20140328.{action}");
        let question = Question {
            method: Method::POST,
            path: "/",
            headers: &[
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", &target),
            ],
            body: parameters.to_string().into(),
        };
        let (status, body) = self.0.ask(question).await?;
        json_answer(status, &body)
    }

    /// The log groups whose names begin so.
    ///
    /// # Errors
    /// The service refuses or cannot be asked.
    pub async fn groups(&self, prefix: &str) -> Result<Vec<LogGroup>, ApiError> {
        let mut groups = Vec::new();
        let mut question = json!({});
        if !prefix.is_empty() {
            question["logGroupNamePrefix"] = json!(prefix);
        }
        loop {
            let page = self.ask("DescribeLogGroups", &question).await?;
            let listed = page["logGroups"].as_array().into_iter().flatten();
            groups.extend(listed.map(LogGroup::read));
            if page["nextToken"].is_null() {
                return Ok(groups);
            }
            question["nextToken"] = page["nextToken"].clone();
        }
    }
}

/// A log group, as CloudWatch Logs describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroup {
    /// Its name.
    pub name: String,
    /// What it is encrypted with, if not with a key of AWS's.
    pub kms_key_id: Option<String>,
    /// For how many days it keeps what is written, if not for ever.
    pub retention_days: Option<u64>,
}

impl LogGroup {
    fn read(described: &Value) -> Self {
        let text = |name: &str| described[name].as_str().map(str::to_owned);
        Self {
            name: text("logGroupName").unwrap_or_default(),
            kms_key_id: text("kmsKeyId"),
            retention_days: described["retentionInDays"].as_u64(),
        }
    }
}

/// S3, as far as code is published.
#[derive(Clone, Debug)]
pub(super) struct Storage(pub(super) Caller);

impl Storage {
    /// Puts something there: a bucket, or an object of one.
    pub(super) async fn put(&self, path: &str, body: Bytes) -> Result<(), ApiError> {
        let question = Question {
            method: Method::PUT,
            path,
            headers: &[],
            body,
        };
        let (status, body) = self.0.ask(question).await?;
        if status.is_success() {
            return Ok(());
        }
        xml_answer(status, &body).map(drop)
    }
}

/// What a service of the query protocol answered.
#[derive(Clone, Debug, Default)]
pub struct Answer(Vec<(String, String)>);

impl Answer {
    /// The text of the first element of this name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let named = self.0.iter().find(|(element, _)| element == name);
        named.map(|(_, text)| text.as_str())
    }

    /// The texts of all elements of this name, in order.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(element, _)| element == name);
        named.map(|(_, text)| text.as_str())
    }
}

/// The elements that hold text and no other element.
fn elements(text: &str) -> Result<Answer, roxmltree::Error> {
    let document = roxmltree::Document::parse(text)?;
    let leaves = document
        .descendants()
        .filter(|node| node.is_element() && !node.children().any(|child| child.is_element()));
    let pair = |node: roxmltree::Node<'_, '_>| {
        let text = node.text().unwrap_or_default();
        (node.tag_name().name().to_owned(), text.to_owned())
    };
    Ok(Answer(leaves.map(pair).collect()))
}

fn xml_answer(status: StatusCode, body: &[u8]) -> Result<Answer, ApiError> {
    let text = String::from_utf8_lossy(body);
    let answer = elements(&text);
    let answer = answer.map_err(|error| ApiError::Unreadable(status, error.to_string()))?;
    if status.is_success() {
        return Ok(answer);
    }
    let told = |name| answer.text(name).unwrap_or_default().to_owned();
    Err(ApiError::Refused {
        code: told("Code"),
        message: told("Message"),
    })
}

fn json_answer(status: StatusCode, body: &[u8]) -> Result<Value, ApiError> {
    // Actions that tell nothing answer nothing.
    let answer = match body {
        [] => Ok(Value::Null),
        body => serde_json::from_slice(body),
    };
    let answer: Value = answer.map_err(|error| ApiError::Unreadable(status, error.to_string()))?;
    if status.is_success() {
        return Ok(answer);
    }
    let told = |name: &str| answer[name].as_str().unwrap_or_default();
    // Some services put a namespace before it.
    let code = told("__type").rsplit('#').next().unwrap_or_default();
    Err(ApiError::Refused {
        code: code.to_owned(),
        message: told("message").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_services_answer_in_xml() {
        let body = b"<?xml version=\"1.0\"?>
            <ListRoleTagsResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Result>
            <Tags><member><Key>a</Key><Value>1 &amp; 2</Value></member>
            <member><Key>b</Key><Value></Value></member></Tags></Result></ListRoleTagsResponse>";
        let answer = xml_answer(StatusCode::OK, body).unwrap();
        assert_eq!(answer.text("Key"), Some("a"));
        assert_eq!(answer.texts("Value").collect::<Vec<_>>(), ["1 & 2", ""]);
        assert_eq!(answer.text("Tags"), None);
    }

    #[test]
    fn names_why_it_is_refused() {
        let body = b"<ErrorResponse><Error><Code>NoSuchEntity</Code>\
            <Message>none</Message></Error></ErrorResponse>";
        let refused = xml_answer(StatusCode::NOT_FOUND, body).unwrap_err();
        assert_eq!(refused.code(), Some("NoSuchEntity"));
        assert_eq!(refused.to_string(), "NoSuchEntity: none");
        let body = br#"{"__type": "a.b#ResourceNotFoundException", "message": "none"}"#;
        let refused = json_answer(StatusCode::BAD_REQUEST, body).unwrap_err();
        assert_eq!(refused.code(), Some("ResourceNotFoundException"));
    }

    #[test]
    fn says_what_cannot_be_read() {
        for unreadable in [
            xml_answer(StatusCode::BAD_GATEWAY, b"no XML")
                .map(drop)
                .unwrap_err(),
            json_answer(StatusCode::OK, b"{").map(drop).unwrap_err(),
        ] {
            assert_eq!(unreadable.code(), None);
            assert!(unreadable.to_string().contains("cannot be read"));
        }
        assert_eq!(json_answer(StatusCode::OK, b"").unwrap(), Value::Null);
    }
}
