//! Does what was typed, and tells how it ended.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use serde::Serialize;

use super::arguments::{Arguments, Command};
use super::organization::{self, OrganizationOptions};
use super::screen::{Detail, Screen, Sink};
use super::setup_error::SetupError;
use super::template::Template;
use super::{Options, Rehearsal, faulty, sam, serve};
use crate::installation::rehearsal_dir;
use crate::laptop::{Desk, Way, read};

/// Something did not hold.
const NOT_HELD: u8 = 1;
/// The rehearsal could not be set up.
const NOT_SET_UP: u8 = 2;
/// Ended by Ctrl-C, as shells count it: 128 and the signal's number.
const INTERRUPTED: u8 = 130;

/// The closing line after Ctrl-C.
const STOPPED: &str = "\nstopped by Ctrl-C; everything that was started here is gone";

/// Runs the command and tells its exit status.
pub async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if cfg!(windows) {
        eprintln!("cargo rehearse needs Linux or macOS: run it in WSL");
        return ExitCode::from(NOT_SET_UP);
    }
    // A second provider would only be refused: there is one per process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let json = arguments.telling().json;
    let screen = screen_for(&arguments);
    let held = match (arguments.command, &arguments.fault) {
        (Some(Command::Completions { shell }), _) => {
            completions::print(shell, "rehearse", Arguments::command());
            Ok(Some(true))
        }
        (Some(Command::Faults { json: true, .. }), _) => {
            print(&faulty::listed());
            Ok(Some(true))
        }
        (Some(Command::Faults { markdown, .. }), _) => {
            faulty::list(&screen, markdown);
            Ok(Some(true))
        }
        (Some(Command::Serve { binary, .. }), _) => serve_until_interrupted(binary, &screen).await,
        (
            Some(Command::Event {
                name,
                no_response_url,
            }),
            _,
        ) => event(&name, !no_response_url).await,
        (
            Some(Command::Sam {
                way,
                all,
                architecture,
                ..
            }),
            _,
        ) => {
            let options = sam::SamOptions {
                ways: if all { Way::ALL.to_vec() } else { way },
                architecture,
            };
            let run = sam::run(&options, &screen);
            conclude(run, |report| report.held, json).await
        }
        (
            Some(Command::Org {
                accounts,
                rate,
                close,
                fault,
                binary,
                page,
                ..
            }),
            _,
        ) => {
            let options = OrganizationOptions {
                accounts: accounts.into(),
                rate,
                close: close.into(),
                fault,
                binary,
                page,
            };
            let run = organization::rehearse(&options, &screen);
            conclude(run, |report| report.held, json).await
        }
        (Some(Command::Kills { kills, binary, .. }), _) => {
            with_kills(kills, binary, json, &screen).await
        }
        (None, Some(name)) => {
            let run = async { faulty::rehearse(faulty::named(name)?, &screen).await };
            conclude(run, |report| report.held, json).await
        }
        (None, None) => rehearse(arguments.keep, json, arguments.binary, &screen).await,
    };
    match held {
        Ok(Some(true)) => ExitCode::SUCCESS,
        Ok(Some(false)) => ExitCode::from(NOT_HELD),
        Ok(None) => {
            screen.clear();
            screen.line(STOPPED);
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            screen.clear();
            eprintln!("cannot rehearse: {}", with_causes(&error));
            ExitCode::from(NOT_SET_UP)
        }
    }
}

/// Where the lines for people go, and how many of them.
fn screen_for(arguments: &Arguments) -> Screen {
    let telling = arguments.telling();
    let sink = if telling.json {
        Sink::Stderr
    } else {
        Sink::Stdout
    };
    let detail = if telling.verbosity.verbose {
        Detail::Full
    } else {
        Detail::of(sink)
    };
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let mut screen = Screen::new(sink, detail, no_color);
    let is_one_stack = arguments.command.is_none() && arguments.fault.is_none();
    if is_one_stack && let Ok(folder) = rehearsal_dir() {
        screen.keep_transcript(folder.join("transcript.txt"));
    }
    screen
}

/// Serves until Ctrl-C, its normal end. `None` when that came before
/// everything was up.
async fn serve_until_interrupted(
    binary: Option<PathBuf>,
    screen: &Screen,
) -> Result<Option<bool>, SetupError> {
    let options = Options { binary };
    let set_up = Rehearsal::set_up_as_part_of(serve::STEPS, &options, screen);
    let Some(rehearsal) = unless_interrupted(set_up).await else {
        return Ok(None);
    };
    let rehearsal = rehearsal?;
    let desk = serve::open_desk(&rehearsal, screen).await?;
    serve::show_what_to_try(&rehearsal, &desk.laptop, screen);
    unless_interrupted(serve::show_answers(&desk.laptop.mailbox, screen)).await;
    drop((desk, rehearsal));
    screen.line(STOPPED);
    Ok(Some(true))
}

/// Whether all held, or `None` when Ctrl-C ended the run. Whatever ends it,
/// what it started is dropped here and so ends too.
async fn conclude<R: Serialize>(
    run: impl Future<Output = Result<R, SetupError>>,
    held: impl Fn(&R) -> bool,
    json: bool,
) -> Result<Option<bool>, SetupError> {
    let Some(report) = unless_interrupted(run).await else {
        return Ok(None);
    };
    let report = report?;
    if json {
        print(&report);
    }
    Ok(Some(held(&report)))
}

/// Kills the function where processes can be followed.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
async fn with_kills(
    kills: Option<u32>,
    binary: Option<PathBuf>,
    json: bool,
    screen: &Screen,
) -> Result<Option<bool>, SetupError> {
    let kills = kills.and_then(|kills| usize::try_from(kills).ok());
    let killing = super::kills::rehearse(binary, kills, screen);
    conclude(killing, |report| report.held, json).await
}

/// The same where there is no ptrace that we know.
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
async fn with_kills(
    _kills: Option<u32>,
    _binary: Option<PathBuf>,
    _json: bool,
    _screen: &Screen,
) -> Result<Option<bool>, SetupError> {
    Err(SetupError::NoPtrace)
}

/// Prints one event, filled in by whoever serves.
async fn event(name: &Path, mailbox: bool) -> Result<Option<bool>, SetupError> {
    let events = Template::read()?.root().join("events");
    let event = read(&events, name)?;
    print(&Desk::ask(event, mailbox).await?);
    Ok(Some(true))
}

/// A rehearsal in which all is well.
async fn rehearse(
    keep: bool,
    json: bool,
    binary: Option<PathBuf>,
    screen: &Screen,
) -> Result<Option<bool>, SetupError> {
    let options = Options { binary };
    let first = async {
        let mut rehearsal = Rehearsal::set_up(&options, screen).await?;
        rehearsal.deploy().await;
        Ok::<_, SetupError>(rehearsal)
    };
    let Some(rehearsal) = unless_interrupted(first).await else {
        return Ok(None);
    };
    let rehearsal = rehearsal?;
    if keep {
        rehearsal.show_the_way_around();
        interrupted().await;
        screen.line("");
    }
    let last = async { Ok(rehearsal.delete_and_conclude().await) };
    conclude(last, |report| report.held, json).await
}

/// Prints a report for machines.
fn print(report: &impl Serialize) {
    let text = serde_json::to_string_pretty(report).expect("a report has only text keys");
    // Whoever closed the pipe does not want to read on; the exit status still
    // tells the result.
    let _ = writeln!(io::stdout(), "{text}");
}

/// What `work` comes to, unless Ctrl-C comes first.
async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = interrupted() => None,
        done = work => Some(done),
    }
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler Ctrl-C ends the process by itself.
        std::future::pending::<()>().await;
    }
}

/// The sentence of an error with the causes that it does not tell itself.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
