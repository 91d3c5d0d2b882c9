//! What the vendor answered: plain functions from a response to what it says.
//!
//! The vendor is trusted with the registration, not with our process: a response
//! may hold anything.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Response, StatusCode, header};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::error::ApiError;
use super::record::Record;
use crate::text::shown;

/// One page of a list of records.
#[derive(Debug)]
pub struct Page {
    /// Its records.
    pub records: Vec<Record>,
    /// Whether another page follows.
    pub has_more: bool,
}

/// The JSON of a success, and what any other response means. `secrets` are taken
/// out of what is shown.
///
/// # Errors
/// By status, and [`ApiError::Unreadable`] for a success that is no JSON.
pub fn read(response: &Response<Bytes>, secrets: &[&SecretString]) -> Result<Value, ApiError> {
    let status = response.status();
    match status {
        _ if status.is_success() => {
            serde_json::from_slice(response.body()).map_err(|error| unreadable(&error))
        }
        StatusCode::UNAUTHORIZED => Err(ApiError::Unauthorized),
        StatusCode::FORBIDDEN => Err(ApiError::Forbidden),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(ApiError::NotFound),
        StatusCode::CONFLICT => Err(ApiError::Conflict),
        StatusCode::TOO_MANY_REQUESTS => Err(ApiError::RateLimited {
            retry_after: retry_after(response),
        }),
        _ if status.is_redirection() => Err(ApiError::Redirected { status }),
        _ if status.is_client_error() => Err(ApiError::Rejected {
            status,
            message: detail(response.body(), secrets),
        }),
        _ => Err(ApiError::Unavailable { status }),
    }
}

/// One record.
///
/// # Errors
/// [`ApiError::Unreadable`]: it has no well-formed id.
pub fn record(app: Value, secrets: &[&SecretString]) -> Result<Record, ApiError> {
    Record::read(app, secrets).map_err(|error| unreadable(&error))
}

/// A page of a list.
///
/// # Errors
/// [`ApiError::Unreadable`]: it is none, or one of its records is none.
pub fn page(list: Value, secrets: &[&SecretString]) -> Result<Page, ApiError> {
    let list: List = serde_json::from_value(list).map_err(|error| unreadable(&error))?;
    let records = list.data.into_iter().map(|app| record(app, secrets));
    Ok(Page {
        records: records.collect::<Result<_, _>>()?,
        has_more: list.pagination.has_more,
    })
}

#[derive(Deserialize)]
struct List {
    pagination: Pagination,
    data: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pagination {
    #[serde(default)]
    has_more: bool,
}

/// What the vendor's clock showed. The `Date` header has whole seconds.
pub fn date(response: &Response<Bytes>) -> Option<OffsetDateTime> {
    let date = response.headers().get(header::DATE)?.to_str().ok()?;
    OffsetDateTime::parse(&date.replace("GMT", "+0000"), &Rfc2822).ok()
}

/// What the vendor's clock showed at our time `ours`, if it showed `theirs` at
/// our time `read_at`.
pub fn at(theirs: OffsetDateTime, read_at: SystemTime, ours: SystemTime) -> OffsetDateTime {
    let by = |span: Duration| span.try_into().unwrap_or(time::Duration::MAX);
    match read_at.duration_since(ours) {
        Ok(earlier) => theirs.saturating_sub(by(earlier)),
        Err(later) => theirs.saturating_add(by(later.duration())),
    }
}

/// The vendor's `detail`: a text, or a list of what is wrong where.
fn detail(body: &[u8], secrets: &[&SecretString]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = match &body["detail"] {
        Value::String(text) => text.clone(),
        Value::Array(items) => items
            .iter()
            .filter_map(|item| {
                let place = item["loc"].as_array()?.last()?.as_str().unwrap_or("body");
                Some(format!("{place}: {}", item["msg"].as_str()?))
            })
            .collect::<Vec<_>>()
            .join("; "),
        _ => "no detail was given".to_owned(),
    };
    shown(&text, secrets)
}

/// Says where a body stops making sense, never what it says: the message of
/// `serde_json` can quote a value.
fn unreadable(error: &serde_json::Error) -> ApiError {
    let kind = match error.classify() {
        serde_json::error::Category::Data => "a member is missing or has another type",
        _ => "it is not JSON",
    };
    ApiError::Unreadable(kind.to_owned())
}

/// `Retry-After` in seconds; its form with a date is not used by any API that
/// we know, and counts as absent.
fn retry_after(response: &Response<Bytes>) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds: u32 = seconds.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dated(date: &str) -> OffsetDateTime {
        let response = Response::builder().header(header::DATE, date);
        super::date(&response.body(Bytes::new()).unwrap()).unwrap()
    }

    /// A vendor's clock can show the last second that there is.
    #[test]
    fn reads_any_clock_at_any_time() {
        let read_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let hour = Duration::from_secs(3600);
        let usual = dated("Tue, 24 Nov 2026 12:00:00 GMT");
        assert_eq!(at(usual, read_at, read_at - hour), usual - hour);
        assert_eq!(at(usual, read_at, read_at + hour), usual + hour);
        let last = dated("Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(at(last, read_at, read_at - hour), last - hour);
        assert!(at(last, read_at, read_at + hour) >= last);
    }
}
