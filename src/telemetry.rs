//! The log: one JSON object a line, for CloudWatch Logs.
//!
//! Only this crate's own events are ever written, at any level: `lambda_runtime`
//! prints the raw event at TRACE, and HTTP clients print URLs and headers.

use std::panic;
use std::sync::{Arc, Once};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The log, which the first event or panic starts: nothing is written before, and
/// it is a fifteenth of all that the process does until its first poll.
#[derive(Debug)]
pub struct Log {
    level: LevelFilter,
    started: Once,
}

impl Log {
    /// A log at the level that `AWS_LAMBDA_LOG_LEVEL` or `RUST_LOG` names, or
    /// `info`. From now on panics are logged by their place alone: their text
    /// could hold anything.
    pub fn new(variable: impl Fn(&str) -> Option<String>) -> Arc<Self> {
        let level = ["AWS_LAMBDA_LOG_LEVEL", "RUST_LOG"]
            .iter()
            .find_map(|name| variable(name)?.parse().ok())
            .unwrap_or(LevelFilter::INFO);
        let log = Arc::new(Self {
            level,
            started: Once::new(),
        });
        let of_panics = Arc::clone(&log);
        panic::set_hook(Box::new(move |panic| {
            of_panics.start();
            let place = panic.location().map(ToString::to_string);
            tracing::error!(place, "a bug: the function panicked");
        }));
        log
    }

    /// Starts the log, once.
    pub fn start(&self) {
        self.started.call_once(|| {
            let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), self.level);
            let lines = tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_span_list(false)
                .with_target(false)
                .with_filter(ours);
            // A second subscriber cannot be set, and the first goes on.
            tracing_subscriber::registry().with(lines).try_init().ok();
        });
    }
}
