//! The function's log lines of one history.

use std::cell::RefCell;
use std::io::{self, Write};

use tokio::time::Instant;
use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;

use crate::world::State;

thread_local! {
    static LINES: RefCell<Vec<(Instant, String)>> = const { RefCell::new(Vec::new()) };
}

/// One line.
#[derive(Clone, Debug)]
pub struct Line {
    /// When, in virtual milliseconds.
    pub at: u64,
    /// As it would stand in CloudWatch.
    pub text: String,
}

struct Sink;

impl Write for Sink {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line).trim_end().to_owned();
        LINES.with(|lines| lines.borrow_mut().push((Instant::now(), text)));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The function's log at a level, formed as the function forms it, but without
/// the time of day, which no story may hold.
pub fn collector(level: LevelFilter) -> Dispatch {
    // The spans name the request, whatever the level.
    let ours = filter_fn(move |event| {
        event.target().starts_with("authomize_trust_role")
            && (event.is_span() || *event.level() <= level)
    });
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false)
        .without_time()
        .with_writer(|| Sink)
        .with_filter(ours);
    Dispatch::new(tracing_subscriber::registry().with(lines))
}

/// Takes the lines that this thread has collected since `start`.
pub fn take(start: Instant) -> Vec<Line> {
    let lines = LINES.with(|lines| std::mem::take(&mut *lines.borrow_mut()));
    lines
        .into_iter()
        .map(|(at, text)| Line {
            at: u64::try_from((at - start).as_millis()).unwrap_or(u64::MAX),
            text,
        })
        .collect()
}

impl Line {
    /// Whether it is for the admin, and not only for who looks for the cause.
    pub fn warns(&self) -> bool {
        ["WARN", "ERROR"]
            .iter()
            .any(|level| self.text.contains(&format!(r#""level":"{level}""#)))
    }

    /// Whether a run of the stack that was alive then wrote the line: a process
    /// that was killed writes none.
    pub fn is_of(&self, state: &State, stack: usize) -> bool {
        state.stacks[stack].requests.iter().any(|request| {
            let mut runs = request.runs.iter();
            self.text.contains(&request.id)
                && runs.any(|run| {
                    run.from <= self.at && run.until.is_none_or(|until| self.at <= until)
                })
        })
    }
}
