//! What people see of a rehearsal: plain lines; on a terminal fewer of them, with a
//! spinner and colours.
//!
//! Whatever a terminal does not show is in the transcript, a file.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
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

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What fits onto one screen.
    Brief,
    /// Everything.
    Full,
}

impl Detail {
    /// What a sink is shown where nobody says: a file or a machine everything, and
    /// people what they can read.
    #[must_use]
    pub fn of(sink: Sink) -> Self {
        if sink.is_terminal() {
            Self::Brief
        } else {
            Self::Full
        }
    }
}

/// The screen of one rehearsal.
#[derive(Debug)]
pub struct Screen {
    sink: Sink,
    detail: Detail,
    colour: bool,
    spinner: ProgressBar,
    transcript: Option<(PathBuf, File)>,
}

impl Sink {
    fn is_terminal(self) -> bool {
        match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
            Self::Silent => false,
        }
    }
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
    pub fn new(sink: Sink, detail: Detail, no_color: bool) -> Self {
        let is_terminal = sink.is_terminal();
        let spinner = ProgressBar::no_length();
        spinner.set_draw_target(match sink {
            Sink::Stdout if is_terminal => ProgressDrawTarget::stdout(),
            Sink::Stderr if is_terminal => ProgressDrawTarget::stderr(),
            _ => ProgressDrawTarget::hidden(),
        });
        spinner.finish_and_clear();
        Self {
            sink,
            detail,
            colour: is_terminal && !no_color,
            spinner,
            transcript: None,
        }
    }

    /// A screen that shows nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(Sink::Silent, Detail::Full, true)
    }

    /// From now on everything is written to a file as well, as far as it can be: nobody
    /// rehearses for its sake.
    pub(super) fn keep_transcript(&mut self, path: PathBuf) {
        let made = path.parent().map(std::fs::create_dir_all);
        if made.is_some_and(|made| made.is_ok()) {
            self.transcript = File::create(&path).ok().map(|file| (path, file));
        }
    }

    /// Where everything is that this screen does not show.
    pub(super) fn elsewhere(&self) -> Option<&Path> {
        let (path, _) = self.transcript.as_ref()?;
        self.is_brief().then_some(path)
    }

    fn is_brief(&self) -> bool {
        self.detail == Detail::Brief
    }

    /// Takes the spinner away, for a step that does not end as it should.
    pub fn clear(&self) {
        self.spinner.disable_steady_tick();
        self.spinner.finish_and_clear();
    }

    /// One line as it is.
    pub fn line(&self, text: &str) {
        self.show(text);
        self.write_down(text);
    }

    /// A line that a brief screen leaves out.
    pub(super) fn detail(&self, text: &str) {
        if !self.is_brief() {
            self.show(text);
        }
        self.write_down(text);
    }

    /// A line that only a brief screen has, in place of others.
    pub(super) fn brief(&self, text: &str) {
        if self.is_brief() {
            self.show(text);
        }
    }

    /// A line that is written down nowhere.
    pub(super) fn show(&self, text: &str) {
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

    fn write_down(&self, text: &str) {
        if let Some((_, file)) = &self.transcript {
            let mut file: &File = file;
            let _ = writeln!(file, "{}", without_colour(text));
        }
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

    /// The end of a step of which `summary` says on a brief screen what came of it.
    pub(super) fn step_ends_with(&self, summary: &str, seconds: f64) {
        self.clear();
        let done = self.painted(Tone::Aside, &format!("done in {seconds:.1} s"));
        self.detail(&format!("    {done}"));
        self.detail("");
        if !summary.is_empty() {
            self.brief(&format!("    {summary}, {seconds:.1} s"));
        }
    }

    /// An event. A brief screen shows how the stack itself ended, what went wrong, and
    /// everything else in passing.
    pub(super) fn event(&self, event: &EventReport, ended: Option<usize>) {
        let tone = if event.status.ends_with("_FAILED") || event.status.contains("ROLLBACK") {
            Tone::Bad
        } else if event.status.ends_with("_COMPLETE") {
            Tone::Good
        } else {
            Tone::Aside
        };
        let status = self.painted(tone, &format!("{:<27}", event.status));
        let mut line = format!(
            "    {:>5.1} s  {status} {}",
            event.seconds, event.logical_id
        );
        if !event.reason.is_empty() && matches!(tone, Tone::Bad) {
            line = format!("{line}: {}", event.reason);
        }
        match (tone, ended) {
            (Tone::Bad, _) => self.line(&line),
            (_, Some(resources)) => {
                self.detail(&line);
                self.brief(&format!("{line}, {resources} resources"));
            }
            (_, None) => {
                self.detail(&line);
                self.spinner
                    .set_message(format!("{} {}", event.status, event.logical_id));
            }
        }
    }

    pub(super) fn vendor(&self, calls: &[CallReport], records: &[RecordReport]) {
        if calls.is_empty() {
            self.note("the vendor was asked nothing");
        } else {
            self.brief(&format!("    the vendor saw  {}", shortened(calls)));
        }
        for call in calls {
            let CallReport {
                method,
                path,
                status,
            } = call;
            self.detail(&format!("    the vendor saw  {method} {path} -> {status}"));
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

    /// What was checked. A brief screen counts the checks of a step, and puts those
    /// together that tell what is not left.
    pub(super) fn checks(&self, checks: &[Check], steps: &[&str]) {
        self.detail("\nChecks");
        self.brief("");
        let (mut counted, mut gone) = (Vec::new(), Vec::new());
        for step in steps {
            let of_step = |check: &&Check| check.held && is_of(check, step);
            counted.push(format!("{step} {}", checks.iter().filter(of_step).count()));
        }
        self.brief(&self.held(&format!("each step's checks: {}", counted.join(", "))));
        for check in checks {
            if !check.held {
                self.check(check);
                continue;
            }
            let name = &check.name;
            self.detail(&self.held(name));
            if steps.iter().any(|step| is_of(check, step)) {
                continue;
            }
            match name
                .strip_prefix("no ")
                .and_then(|name| name.strip_suffix(" is left"))
            {
                Some(what) => gone.push(what),
                None => self.brief(&self.held(name)),
            }
        }
        if let Some((last, others)) = gone.split_last() {
            let others = others.join(", ");
            self.brief(&self.held(&format!("nothing is left: no {others} or {last}")));
        }
    }

    pub(super) fn check(&self, check: &Check) {
        let Check { name, held, detail } = check;
        if *held {
            self.line(&self.held(name));
        } else {
            let failed = self.painted(Tone::Bad, "FAILED");
            self.line(&format!("    {failed} {name}: {detail}"));
        }
    }

    fn held(&self, name: &str) -> String {
        format!("    {} {name}", self.painted(Tone::Good, "held  "))
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

/// Whether a check is one of a step, as its name says.
fn is_of(check: &Check, step: &str) -> bool {
    let rest = check.name.strip_prefix(step);
    rest.is_some_and(|rest| rest.starts_with(": "))
}

/// The requests in their order, with a path and a status once for all that have them one
/// after another, and a repeated one once.
fn shortened(calls: &[CallReport]) -> String {
    let alike = |one: &CallReport, other: &CallReport| {
        (&one.path, one.status) == (&other.path, other.status)
    };
    let groups = calls.chunk_by(alike).map(|group| {
        let mut methods: Vec<&str> = group.iter().map(|call| call.method.as_str()).collect();
        methods.dedup();
        let CallReport { path, status, .. } = &group[0];
        format!("{} {path} -> {status}", methods.join(" "))
    });
    groups.collect::<Vec<_>>().join(", ")
}

/// The text without what begins and ends a colour.
fn without_colour(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once('m').map_or(part, |(_, rest)| rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, path: &str, status: u16) -> CallReport {
        CallReport {
            method: method.to_owned(),
            path: path.to_owned(),
            status,
        }
    }

    #[test]
    fn tells_requests_to_one_path_in_one_go() {
        let calls = [
            call("POST", "/v2/apps", 200),
            call("GET", "/v2/apps/app_1", 200),
            call("GET", "/v2/apps/app_1", 200),
            call("PATCH", "/v2/apps/app_1", 200),
            call("GET", "/v2/apps/app_1", 503),
        ];
        assert_eq!(
            shortened(&calls),
            "POST /v2/apps -> 200, GET PATCH /v2/apps/app_1 -> 200, GET /v2/apps/app_1 -> 503"
        );
    }

    #[test]
    fn keeps_everything_without_colours_in_the_transcript() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/transcript.txt");
        let mut screen = Screen::new(Sink::Silent, Detail::Brief, false);
        screen.colour = true;
        screen.keep_transcript(path.clone());
        screen.heading("a step");
        screen.detail("what a brief screen leaves out");
        screen.brief("what stands there instead");
        screen.show("a secret");
        let held = Check::new("no role is left", true, "");
        screen.checks(&[held], &["create"]);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "a step\nwhat a brief screen leaves out\n\nChecks\n    held   no role is left\n"
        );
        assert_eq!(screen.elsewhere(), Some(path.as_path()));
    }
}
