//! The log: one JSON object a line, for CloudWatch Logs.
//!
//! Only this crate's own events are ever written, at any level: `lambda_runtime`
//! prints the raw event at TRACE, and HTTP clients print URLs and headers.

use std::fmt;
use std::panic;
use std::sync::{Arc, Once};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::metrics;

/// One JSON object a line, and metrics as they are: CloudWatch reads a line of them only if
/// it is theirs alone.
struct Lines(Format<Json>);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.metadata().target() != metrics::TARGET {
            return self.0.format_event(context, writer, event);
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        writeln!(writer, "{}", line.0)
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, _: &Field, line: &dyn fmt::Debug) {
        self.0 = format!("{line:?}");
    }
}

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
            let ours = Targets::new()
                .with_target(env!("CARGO_CRATE_NAME"), self.level)
                .with_target(metrics::TARGET, LevelFilter::INFO);
            let format = tracing_subscriber::fmt::format()
                .json()
                .flatten_event(true)
                .with_span_list(false)
                .with_target(false);
            let lines = tracing_subscriber::fmt::layer()
                .fmt_fields(JsonFields::new())
                .event_format(Lines(format))
                .with_filter(ours);
            // A second subscriber cannot be set, and the first goes on.
            tracing_subscriber::registry().with(lines).try_init().ok();
        });
    }
}
