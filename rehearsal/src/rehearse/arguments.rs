//! What can be typed behind `cargo rehearse`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use completions::Shell;

use super::organization::OrganizationFault;
use crate::laptop::{Architecture, Way};

/// What `--help` ends with.
const EXAMPLES: &str = "\
Examples:
  cargo rehearse                          watch a stack be created, updated and deleted
  cargo rehearse --keep                   the same, with a pause to look around before the deletion
  cargo rehearse --json | jq .checks      the same for a machine
  cargo rehearse faults                   what can go wrong, and what must come of it
  cargo rehearse --fault vendor-down      the same stack while Authomize is down
  cargo rehearse --fault all              every fault in every kind of request
  cargo rehearse kills                    the function killed at each write and after each read
  cargo rehearse org                      a hub and 50 accounts of an organization at once
  cargo rehearse serve                    leave everything up, and get commands to try
  cargo rehearse event create             an event with the addresses of what is served
  cargo rehearse sam                      every event with sam local invoke, in Docker

Everything happens on this machine: no AWS account is needed and none can be reached.
The first run builds everything and fetches the local cloud, 4 minutes on two cores; after
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
  cargo rehearse faults --json | jq -r '.[].name'       their names
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
  cargo rehearse kills                five kills at every point, in about 3 minutes
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
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// Let this go wrong: a name that `cargo rehearse faults` lists, or `all`
    #[arg(long, value_name = "NAME", conflicts_with_all = ["keep", "binary"])]
    pub(super) fault: Option<String>,
    /// Before the deletion, leave everything up until Ctrl-C
    #[arg(long)]
    pub(super) keep: bool,
    #[command(flatten)]
    telling: Telling,
    /// Rehearse this binary instead of building one
    #[arg(long, value_name = "PATH")]
    pub(super) binary: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
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
        /// As one JSON list
        #[arg(long, conflicts_with = "markdown")]
        json: bool,
    },
    /// Kill the function at each write to a socket and after each read, run it again as
    /// Lambda does, and see that nothing is lost and nothing double; on Linux only
    #[command(after_help = KILLS_EXAMPLES)]
    Kills {
        /// So many kills, spread evenly [default: five at every point]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        kills: Option<u32>,
        /// Kill this binary instead of building one
        #[arg(long, value_name = "PATH")]
        binary: Option<PathBuf>,
        #[command(flatten)]
        telling: Telling,
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
        #[command(flatten)]
        telling: Telling,
    },
    /// Leave the cloud and the sandbox up until Ctrl-C, and print commands to try
    #[command(after_help = SERVE_EXAMPLES)]
    Serve {
        /// Publish this binary instead of building one
        #[arg(long, value_name = "PATH")]
        binary: Option<PathBuf>,
        #[command(flatten)]
        verbosity: Verbosity,
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
        #[command(flatten)]
        telling: Telling,
    },
}

/// How a run is told that ends in a report.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct Telling {
    /// Print one JSON object on stdout, and the lines for people on stderr
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) verbosity: Verbosity,
}

/// How much is told.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct Verbosity {
    /// Show on a terminal what otherwise only a file gets: every event, check and address
    #[arg(long, short)]
    pub(super) verbose: bool,
}

impl Arguments {
    /// How the chosen command tells what happens.
    pub(super) fn telling(&self) -> Telling {
        match &self.command {
            None => self.telling,
            Some(
                Command::Kills { telling, .. }
                | Command::Org { telling, .. }
                | Command::Sam { telling, .. },
            ) => *telling,
            Some(Command::Serve { verbosity, .. }) => Telling {
                json: false,
                verbosity: *verbosity,
            },
            Some(Command::Completions { .. } | Command::Event { .. } | Command::Faults { .. }) => {
                Telling::default()
            }
        }
    }
}
