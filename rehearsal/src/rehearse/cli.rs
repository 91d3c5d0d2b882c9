//! The command line of `cargo rehearse`.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use completions::Shell;
use serde::Serialize;

use super::organization::{self, OrganizationFault, OrganizationOptions};
use super::screen::{Detail, Screen, Sink};
use super::setup_error::SetupError;
use super::template::Template;
use super::{Options, Rehearsal, faulty, sam, serve};
use crate::installation::rehearsal_dir;
use crate::laptop::{Architecture, Desk, Way, read};

/// Something did not hold.
const NOT_HELD: u8 = 1;
/// The rehearsal could not be set up.
const NOT_SET_UP: u8 = 2;
/// Ended by Ctrl-C, as shells count it: 128 and the signal's number.
const INTERRUPTED: u8 = 130;

/// The closing line after Ctrl-C.
const STOPPED: &str = "\nstopped by Ctrl-C; everything that was started here is gone";

/// What `--help` ends with.
const EXAMPLES: &str = "\
Examples:
  cargo rehearse                          watch a stack be created, updated and deleted
  cargo rehearse --keep                   the same, with a pause to look around before the deletion
  cargo rehearse --json | jq .checks      the same for a machine
  cargo rehearse faults                   what can go wrong, and what must come of it
  cargo rehearse --fault vendor-down      the same stack while Authomize is down
  cargo rehearse --fault all              every fault in every kind of request
  cargo rehearse kills                    the function killed at each of its system calls
  cargo rehearse org                      a hub and 50 accounts of an organization at once
  cargo rehearse serve                    leave everything up, and get commands to try
  cargo rehearse event create             an event with the addresses of what is served
  cargo rehearse sam                      every event with sam local invoke, in Docker

Everything happens on this machine: no AWS account is needed and none can be reached.
The first run builds everything and fetches the local cloud, 6 minutes on two cores; after
that it takes seconds and works offline. Python 3.10 or newer must be in PATH.

A terminal shows what fits onto one screen; a file gets everything, and so does
target/rehearsal/transcript.txt.

Environment: CARGO_TARGET_DIR, where everything is kept; HTTPS_PROXY and pip's own
configuration, for the first run; NO_COLOR, for no colours.

Exit status: 0 all checks held, 1 something did not hold, 2 it could not be set up,
130 ended by Ctrl-C.";

/// What `serve --help` ends with.
const SERVE_EXAMPLES: &str = "\
Examples:
  cargo rehearse serve                                    with the function as it is
  cargo rehearse serve --binary target/debug/bootstrap    with a binary that you built

It prints commands of the AWS CLI and of curl, ready to be copied into another
terminal, and the address of a page that shows what the vendor has.

Exit status: 0 ended by Ctrl-C, 2 it could not be set up, 130 ended by Ctrl-C before
it was up.";

/// What `event --help` ends with.
const EVENT_EXAMPLES: &str = "\
Examples:
  cargo rehearse event create > event.json
  cargo rehearse event create --no-response-url | sam local invoke RegistrarFunction --event - --env-vars events/env.json

Each event gets an id of its own, so that it is a new request, and the physical id
that the last answer gave to the resource.

Exit status: 0 printed, 2 nothing is served or there is no such event.";

/// What `sam --help` ends with.
const SAM_EXAMPLES: &str = "\
Examples:
  cargo rehearse sam                        in containers, with sam local invoke
  cargo rehearse sam --way cargo-lambda     without Docker
  cargo rehearse sam --all                  in all four ways, as .ci/run does

Each event is run with a response URL, whose answer arrives in a mailbox, and without
one, when the answer is the function's result.

Exit status: 0 all held, 1 something did not hold, 2 it could not be set up,
130 ended by Ctrl-C.";

/// What `faults --help` ends with.
const FAULTS_EXAMPLES: &str = "\
Examples:
  cargo rehearse faults | less                          what can go wrong
  cargo rehearse faults --markdown > docs/faults.md     the page
  cargo rehearse --fault vendor-down                    one of them

Exit status: 0 printed.";

/// What `org --help` ends with.
const ORG_EXAMPLES: &str = "\
Examples:
  cargo rehearse org                              a hub and 50 members, in about 2 minutes
  cargo rehearse org --accounts 100 --rate 20     100 of them, and a faster Authomize
  cargo rehearse org --close 5                    five accounts leave and say nothing
  cargo rehearse org --fault vendor-down          Authomize is down while members are created

The report is a page that needs no network; --page says where it goes.

Exit status: 0 all checks held, 1 something did not hold, 2 it could not be set up,
130 ended by Ctrl-C.";

/// What `kills --help` ends with.
const KILLS_EXAMPLES: &str = "\
Examples:
  cargo rehearse kills                five kills at every point, in about 10 minutes
  cargo rehearse kills --kills 20     20 of them, spread evenly

A point is a write to a socket, before and after, or a read from one, in the life of a
Create, an Update or a Delete. No local cloud is needed.

Exit status: 0 nothing was lost and nothing double, 1 something was, 2 it could not be
set up, 130 ended by Ctrl-C.";

/// Create, update and delete the stack on this machine, with a real
/// CloudFormation engine and a sandbox of Authomize
#[derive(Debug, Parser)]
#[command(name = "rehearse", bin_name = "cargo rehearse", after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Let this go wrong: a name that `cargo rehearse faults` lists, or `all`
    #[arg(long, value_name = "NAME", conflicts_with_all = ["keep", "binary"])]
    fault: Option<String>,
    /// Before the deletion, leave everything up until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// Print one JSON object on stdout, and the lines for people on stderr
    #[arg(long, global = true)]
    json: bool,
    /// Show on a terminal what otherwise only a file gets: every event, check and address
    #[arg(long, short, global = true)]
    verbose: bool,
    /// Rehearse this binary instead of building one
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what a shell needs to complete this command
    #[command(after_help = completions::HELP)]
    Completions {
        /// Your shell
        shell: Shell,
    },
    /// List the faults, and what must come of each
    #[command(after_help = FAULTS_EXAMPLES)]
    Faults {
        /// As the page docs/faults.md
        #[arg(long)]
        markdown: bool,
    },
    /// Kill the function at its system calls, run it again as Lambda does, and see
    /// that nothing is lost and nothing double; on Linux only
    #[command(after_help = KILLS_EXAMPLES)]
    Kills {
        /// So many kills, spread evenly [default: five at every point]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        kills: Option<u32>,
        /// Kill this binary instead of building one
        #[arg(long, value_name = "PATH")]
        binary: Option<PathBuf>,
    },
    /// Create, update and delete a hub and many members at once, and write a report
    #[command(after_help = ORG_EXAMPLES)]
    Org {
        /// Members, each in an account of its own, 1 to 1000
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        accounts: u16,
        /// Requests that Authomize's sandbox accepts in a second, 1 to 1000
        #[arg(long, value_name = "R", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
        rate: u32,
        /// Accounts that leave the organization without a word before the deletion
        #[arg(long, value_name = "K", default_value_t = 0)]
        close: u16,
        /// Let this go wrong while members are created
        #[arg(long, value_enum, value_name = "NAME")]
        fault: Option<OrganizationFault>,
        /// Publish this binary instead of building one
        #[arg(long, value_name = "PATH")]
        binary: Option<PathBuf>,
        /// Where the report goes [default: target/rehearsal/organization.html]
        #[arg(long, value_name = "PATH")]
        page: Option<PathBuf>,
    },
    /// Leave the cloud and the sandbox up until Ctrl-C, and print commands to try
    #[command(after_help = SERVE_EXAMPLES)]
    Serve {
        /// Publish this binary instead of building one
        #[arg(long, value_name = "PATH")]
        binary: Option<PathBuf>,
    },
    /// Print an event with the addresses of what `cargo rehearse serve` serves
    #[command(after_help = EVENT_EXAMPLES)]
    Event {
        /// A file with an event, or the name of one in events/, such as `create`
        name: PathBuf,
        /// Have the answer as the function's result instead of in the mailbox
        #[arg(long)]
        no_response_url: bool,
    },
    /// Run every event on this machine with SAM, and check what comes of it
    #[command(after_help = SAM_EXAMPLES)]
    Sam {
        /// How to run the function; may be given several times
        #[arg(long, value_enum, default_values_t = [Way::Sam], value_name = "WAY")]
        way: Vec<Way>,
        /// In all four ways, one after another
        #[arg(long, conflicts_with = "way")]
        all: bool,
        /// What `sam build` builds for
        #[arg(long, value_enum, default_value_t = Architecture::X86_64)]
        architecture: Architecture,
    },
}

/// Runs the command and tells its exit status.
pub async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if cfg!(windows) {
        eprintln!("cargo rehearse needs Linux or macOS: run it in WSL");
        return ExitCode::from(NOT_SET_UP);
    }
    // A second provider would only be refused: there is one per process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let screen = screen_for(&arguments);
    let held = match (arguments.command, &arguments.fault) {
        (Some(Command::Completions { shell }), _) => {
            completions::print(shell, "rehearse", Arguments::command());
            Ok(Some(true))
        }
        (Some(Command::Faults { markdown }), _) => {
            faulty::list(&screen, markdown);
            Ok(Some(true))
        }
        (Some(Command::Serve { binary }), _) => serve_until_interrupted(binary, &screen).await,
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
            }),
            _,
        ) => {
            let options = sam::SamOptions {
                ways: if all { Way::ALL.to_vec() } else { way },
                architecture,
            };
            let run = sam::run(&options, &screen);
            conclude(run, |report| report.held, arguments.json).await
        }
        (
            Some(Command::Org {
                accounts,
                rate,
                close,
                fault,
                binary,
                page,
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
            conclude(run, |report| report.held, arguments.json).await
        }
        (Some(Command::Kills { kills, binary }), _) => {
            with_kills(kills, binary, arguments.json, &screen).await
        }
        (None, Some(name)) => {
            let run = async { faulty::rehearse(faulty::named(name)?, &screen).await };
            conclude(run, |report| report.held, arguments.json).await
        }
        (None, None) => rehearse(arguments.keep, arguments.json, arguments.binary, &screen).await,
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
    let sink = if arguments.json {
        Sink::Stderr
    } else {
        Sink::Stdout
    };
    let detail = if arguments.verbose {
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
