//! The log: one JSON object a line, for CloudWatch Logs.
//!
//! Only this crate's own events are ever written, at any level: `lambda_runtime`
//! prints the raw event at TRACE, and HTTP clients print URLs and headers.

use std::collections::BTreeMap;
use std::panic;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts the log at the level that `AWS_LAMBDA_LOG_LEVEL` or `RUST_LOG` names,
/// or `info`, and has panics logged by their place alone: their text could hold
/// anything.
pub fn start(environment: &BTreeMap<String, String>) {
    let level = ["AWS_LAMBDA_LOG_LEVEL", "RUST_LOG"]
        .iter()
        .find_map(|name| environment.get(*name)?.parse().ok())
        .unwrap_or(LevelFilter::INFO);
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false)
        .with_filter(ours);
    // A second subscriber cannot be set, and the first goes on.
    tracing_subscriber::registry().with(lines).try_init().ok();
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a bug: the function panicked");
    }));
}
