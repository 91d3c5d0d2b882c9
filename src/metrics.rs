//! Metrics of CloudWatch, embedded in log lines.
//!
//! CloudWatch Logs makes metrics of lines in this form, so that no right to write
//! metrics and no request is needed:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
//! A line goes out at any log level, and holds numbers and our own words alone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use tokio::time::Instant;

/// Where the metrics are in CloudWatch.
pub const NAMESPACE: &str = "AuthomizeTrustRole";

/// The target of the log's events that are such lines.
pub const TARGET: &str = concat!(env!("CARGO_CRATE_NAME"), "::metrics");

/// Writes a line.
pub fn write(line: &Value) {
    tracing::info!(target: TARGET, line = %line);
}

/// What is noted while a hub's request is carried out.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Noted>);

#[derive(Debug, Default)]
struct Noted {
    turned_away: Mutex<Option<Instant>>,
    waited: AtomicU64,
    failed: OnceLock<&'static str>,
}

impl Tally {
    /// The vendor asked for fewer requests, or was not working. From now on it is waited
    /// for until it is asked again.
    pub fn is_turned_away_at(&self, now: Instant) {
        *self.turned_away() = Some(now);
    }

    /// The vendor is asked.
    pub fn asks_at(&self, now: Instant) {
        if let Some(since) = self.turned_away().take() {
            let wait = now.saturating_duration_since(since).as_millis();
            let wait = u64::try_from(wait).unwrap_or(u64::MAX);
            self.0.waited.fetch_add(wait, Ordering::Relaxed);
        }
    }

    fn turned_away(&self) -> MutexGuard<'_, Option<Instant>> {
        let turned_away = self.0.turned_away.lock();
        turned_away.unwrap_or_else(PoisonError::into_inner)
    }

    /// The request fails for this reason; the first one counts.
    pub fn fails(&self, reason: &'static str) {
        self.0.failed.set(reason).ok();
    }
}

/// How a request of a hub ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// CloudFormation's bucket took the answer: SUCCESS or FAILED.
    Answered,
    /// The request was not believed: it had no usable address, or the bucket
    /// refused its answer.
    Refused,
    /// The answer did not arrive.
    Lost,
}

/// The line of one request to a hub.
pub fn request(now: SystemTime, function: &str, end: End, tally: &Tally) -> Value {
    let failed = tally.0.failed.get().copied();
    let waited = tally.0.waited.load(Ordering::Relaxed);
    let mut counts = Map::new();
    for (name, value) in [
        ("Answered", u64::from(end == End::Answered)),
        ("Refused", u64::from(end == End::Refused)),
        ("Lost", u64::from(end == End::Lost)),
        ("Failed", u64::from(failed.is_some())),
        ("WaitedForAuthomize", waited),
    ] {
        counts.insert(name.to_owned(), json!(value));
    }
    let mut line = embedded(now, function, &counts);
    if let Some(reason) = failed {
        line["Reason"] = json!(reason);
        let by_reason = json!({
            "Namespace": NAMESPACE,
            "Dimensions": [["FunctionName", "Reason"]],
            "Metrics": [{"Name": "Failed", "Unit": "Count"}],
        });
        if let Some(directives) = line["_aws"]["CloudWatchMetrics"].as_array_mut() {
            directives.push(by_reason);
        }
    }
    line
}

/// A line of plain counts.
pub fn counts(now: SystemTime, function: &str, counts: &[(&'static str, usize)]) -> Value {
    let counts = counts.iter();
    let counts = counts.map(|(name, count)| ((*name).to_owned(), json!(count)));
    embedded(now, function, &counts.collect())
}

fn embedded(now: SystemTime, function: &str, values: &Map<String, Value>) -> Value {
    let unit = |name: &str| match name {
        "WaitedForAuthomize" => "Milliseconds",
        _ => "Count",
    };
    let metrics: Vec<Value> = values
        .keys()
        .map(|name| json!({"Name": name, "Unit": unit(name)}))
        .collect();
    let millis = now
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    let mut line = json!({
        "_aws": {
            "Timestamp": u64::try_from(millis).unwrap_or_default(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["FunctionName"]],
                "Metrics": metrics,
            }],
        },
        "FunctionName": function,
    });
    if let Some(members) = line.as_object_mut() {
        members.extend(values.clone());
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(1_800_000_000_123)
    }

    #[test]
    fn are_counts_of_one_function() {
        assert_eq!(
            counts(now(), "hub-admin", &[("CheckErrors", 2)]),
            json!({
                "_aws": {
                    "Timestamp": 1_800_000_000_123_u64,
                    "CloudWatchMetrics": [{
                        "Namespace": "AuthomizeTrustRole",
                        "Dimensions": [["FunctionName"]],
                        "Metrics": [{"Name": "CheckErrors", "Unit": "Count"}],
                    }],
                },
                "FunctionName": "hub-admin",
                "CheckErrors": 2,
            })
        );
    }

    #[test]
    fn tell_of_a_failure_by_its_first_reason() {
        let tally = Tally::default();
        let begin = Instant::now();
        for (turned_away, asked) in [(0, 1_500), (2_000, 3_000)] {
            tally.is_turned_away_at(begin + Duration::from_millis(turned_away));
            tally.asks_at(begin + Duration::from_millis(asked));
        }
        tally.asks_at(begin + Duration::from_millis(9_000));
        tally.fails("RateLimited");
        tally.fails("Cut");
        let line = request(now(), "hub-registrar", End::Answered, &tally);
        assert_eq!(line["Reason"], "RateLimited");
        assert_eq!((&line["Failed"], &line["Answered"]), (&json!(1), &json!(1)));
        assert_eq!(line["WaitedForAuthomize"], 2_500);
        let by_reason = &line["_aws"]["CloudWatchMetrics"][1];
        assert_eq!(by_reason["Dimensions"], json!([["FunctionName", "Reason"]]));
    }

    #[test]
    fn have_no_reason_where_nothing_failed() {
        let line = request(now(), "hub-registrar", End::Refused, &Tally::default());
        assert_eq!((&line["Refused"], &line["Failed"]), (&json!(1), &json!(0)));
        assert!(line.get("Reason").is_none());
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        assert_eq!(directives.len(), 1);
    }
}
