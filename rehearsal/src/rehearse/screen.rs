//! What people see of a rehearsal: plain lines, and on a terminal a spinner
//! and colours beside them.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::report::{CallReport, Check, EventReport, RecordReport};

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(120);

/// Where the lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// Standard output.
    Stdout,
    /// Standard error, when standard output is for machines.
    Stderr,
    /// Nowhere.
    Silent,
}

/// The screen of one rehearsal.
#[derive(Debug)]
pub struct Screen {
    sink: Sink,
    colour: bool,
    spinner: ProgressBar,
}

/// What a colour stands for here.
#[derive(Debug, Clone, Copy)]
enum Tone {
    Heading,
    Good,
    Bad,
    Aside,
}

impl Tone {
    /// The ANSI sequence that begins it.
    fn begin(self) -> &'static str {
        match self {
            Self::Heading => "\x1b[1m",
            Self::Good => "\x1b[32m",
            Self::Bad => "\x1b[31m",
            Self::Aside => "\x1b[2m",
        }
    }
}

impl Screen {
    /// A screen on `sink`. The spinner and, unless `no_color`, the colours
    /// are for a terminal only.
    #[must_use]
    pub fn new(sink: Sink, no_color: bool) -> Self {
        let (is_terminal, target) = match sink {
            Sink::Stdout => (io::stdout().is_terminal(), ProgressDrawTarget::stdout()),
            Sink::Stderr => (io::stderr().is_terminal(), ProgressDrawTarget::stderr()),
            Sink::Silent => (false, ProgressDrawTarget::hidden()),
        };
        let spinner = ProgressBar::no_length();
        spinner.set_draw_target(if is_terminal {
            target
        } else {
            ProgressDrawTarget::hidden()
        });
        spinner.finish_and_clear();
        Self {
            sink,
            colour: is_terminal && !no_color,
            spinner,
        }
    }

    /// Takes the spinner away, for a step that does not end as it should.
    pub fn clear(&self) {
        self.spinner.disable_steady_tick();
        self.spinner.finish_and_clear();
    }

    /// A screen that shows nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(Sink::Silent, true)
    }

    /// One line as it is.
    pub fn line(&self, text: &str) {
        // Whoever closed the pipe does not want to read on; the exit status
        // still tells the result.
        self.spinner.suspend(|| {
            let _ = match self.sink {
                Sink::Stdout => writeln!(io::stdout(), "{text}"),
                Sink::Stderr => writeln!(io::stderr(), "{text}"),
                Sink::Silent => Ok(()),
            };
        });
    }

    /// A line above others.
    pub(super) fn heading(&self, text: &str) {
        self.line(&self.painted(Tone::Heading, text));
    }

    /// A line that belongs to the step under way.
    pub fn note(&self, text: &str) {
        self.line(&format!("    {text}"));
    }

    /// The beginning of a step; the spinner turns until [`Self::step_ends`].
    pub(super) fn step_begins(&self, number: usize, total: usize, title: &str, expect: &str) {
        let heading = self.painted(Tone::Heading, &format!("{number}/{total} {title}"));
        self.line(&format!("{heading}, {expect}"));
        self.spinner.unset_length();
        let style = ProgressStyle::with_template("    {spinner} {msg} {elapsed}");
        self.spinner
            .set_style(style.expect("the template is well formed"));
        self.spinner.set_message(title.to_owned());
        self.spinner.reset();
        self.spinner.enable_steady_tick(TICK);
    }

    /// In place of the spinner, a bar that counts to `total` until [`Self::clear`].
    pub(super) fn counts_to(&self, total: usize) {
        let style =
            ProgressStyle::with_template("    {bar:30} {pos}/{len}, {per_sec}, {eta} left  {msg}");
        self.spinner
            .set_style(style.expect("the template is well formed"));
        self.spinner.set_length(total as u64);
        self.spinner.set_position(0);
        self.spinner.reset_eta();
    }

    /// So many are done, and this is where all are.
    pub(super) fn counted(&self, done: usize, states: &str) {
        self.spinner.set_position(done as u64);
        self.spinner.set_message(states.to_owned());
    }

    pub(super) fn step_ends(&self, seconds: f64) {
        self.clear();
        self.note(&self.painted(Tone::Aside, &format!("done in {seconds:.1} s")));
        self.line("");
    }

    pub(super) fn event(&self, event: &EventReport) {
        let tone = if event.status.ends_with("_FAILED") || event.status.contains("ROLLBACK") {
            Tone::Bad
        } else if event.status.ends_with("_COMPLETE") {
            Tone::Good
        } else {
            Tone::Aside
        };
        let status = self.painted(tone, &format!("{:<27}", event.status));
        let mut line = format!("{:>5.1} s  {status} {}", event.seconds, event.logical_id);
        if !event.reason.is_empty() && matches!(tone, Tone::Bad) {
            line = format!("{line}: {}", event.reason);
        }
        self.note(&line);
    }

    pub(super) fn vendor(&self, calls: &[CallReport], records: &[RecordReport]) {
        if calls.is_empty() {
            self.note("the vendor was asked nothing");
        }
        for call in calls {
            let CallReport {
                method,
                path,
                status,
            } = call;
            self.note(&format!("the vendor saw  {method} {path} -> {status}"));
        }
        if records.is_empty() {
            self.note("the vendor has no record");
        }
        for record in records {
            let mut line = format!(
                "the vendor has  {} `{}`: {}, {}",
                record.id,
                record.name,
                record.status,
                record.connected_apps.join(" + ")
            );
            if !record.last_error.is_empty() {
                line = format!("{line}, {}", record.last_error);
            }
            self.note(&line);
        }
    }

    pub(super) fn check(&self, check: &Check) {
        let Check { name, held, detail } = check;
        if *held {
            self.line(&format!(
                "    {} {name}",
                self.painted(Tone::Good, "held  ")
            ));
        } else {
            let failed = self.painted(Tone::Bad, "FAILED");
            self.line(&format!("    {failed} {name}: {detail}"));
        }
    }

    /// A line that tells of something that is not as it must be.
    pub(super) fn bad(&self, text: &str) {
        self.note(&self.painted(Tone::Bad, text));
    }

    fn painted(&self, tone: Tone, text: &str) -> String {
        if self.colour {
            format!("{}{text}\x1b[0m", tone.begin())
        } else {
            text.to_owned()
        }
    }
}
