//! The command line of `cargo simulate`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::{CommandFactory, Parser, Subcommand};
use completions::Shell;
use serde_json::json;

use crate::bugs::{self, BugsError};
use crate::coverage::WANTED_IN_A_MILLION;
use crate::many::{Failure, Many, Summary};
use crate::rollout;
use crate::run::{Collectors, run};
use crate::schedule::History;
use crate::shrink::shrink;

/// Something did not hold.
pub(crate) const NOT_HELD: u8 = 1;
/// It could not be run.
const NOT_RUN: u8 = 2;

/// From so many lifecycles on a run must have met every possible pair, and stay
/// within the bound of histories in which nobody can know.
const MILLION: u64 = 1_000_000;
/// In one life of so many nobody can know at most.
const BOUND: u64 = 100_000;

/// What `--help` ends with.
const EXAMPLES: &str = "\
Examples:
  cargo simulate                                    20,000 lives of stacks with a fresh seed
  cargo simulate --lifecycles 1000000 --seed 1      a million, always the same
  cargo simulate --story 4711                       what happens with this seed, line by line
  cargo simulate --lifecycles 2000 --seed 1 --twice each history twice: the same hash
  cargo simulate --bugs                             whether every deliberate bug is caught
  cargo simulate rollout                            whole organizations: see rollout --help

What is checked stands in docs/reliability.md.

Exit status: 0 everything held, 1 something did not hold, 2 it could not be run.";

/// Lives of stacks in a simulated world, with the function as it is
#[derive(Debug, Parser)]
#[command(name = "simulate", bin_name = "cargo simulate", after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// How many lives of stacks
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    lifecycles: u64,
    /// The first seed; with --bugs it chooses them [default: a fresh one, which is printed]
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Threads; the result does not depend on them [default: one for each processor]
    #[arg(long, value_name = "T")]
    threads: Option<usize>,
    /// Give up after so many seeds in which something did not hold
    #[arg(long, value_name = "N", default_value_t = 10)]
    enough: usize,
    /// Print one JSON object on stdout instead of lines
    #[arg(long)]
    json: bool,
    /// Run it all twice, and compare the hashes of everything that happened
    #[arg(long)]
    twice: bool,
    /// Write what was covered to this file
    #[arg(long, value_name = "PATH")]
    coverage: Option<PathBuf>,
    /// Check that the deliberate bugs in simulation/bugs are caught: all of them, or
    /// so many, chosen by a seed, while the others must still apply
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1000", conflicts_with_all = ["twice", "coverage", "json", "story"])]
    bugs: Option<usize>,
    /// With --bugs, write down what caught them
    #[arg(long, requires = "bugs")]
    record: bool,
    /// Tell the story of one seed
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seed", "twice", "coverage", "json"])]
    story: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what a shell needs to complete this command
    #[command(after_help = completions::HELP)]
    Completions {
        /// Your shell
        shell: Shell,
    },
    Rollout(rollout::cli::Arguments),
}

/// Runs the command and tells its exit status.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match &arguments.command {
        Some(Command::Completions { shell }) => {
            completions::print(*shell, "simulate", Arguments::command());
            return ExitCode::SUCCESS;
        }
        Some(Command::Rollout(rollout)) => return rollout.main(),
        None => {}
    }
    if let Some(seed) = arguments.story {
        return story(seed);
    }
    if let Some(some) = arguments.bugs {
        let seed = arguments.seed.unwrap_or_else(fresh_seed);
        return check_bugs(some, seed, arguments.record).unwrap_or_else(|error| {
            eprintln!("cannot check the bugs: {error}");
            ExitCode::from(NOT_RUN)
        });
    }
    let many = Many {
        seed: arguments.seed.unwrap_or_else(fresh_seed),
        lifecycles: arguments.lifecycles,
        threads: arguments
            .threads
            .unwrap_or_else(|| available_parallelism().map_or(1, Into::into)),
        enough: arguments.enough.max(1),
    };
    let summary = many.run();
    let mut problems = problems(&summary);
    if arguments.twice {
        let again = many.run();
        if again.hash != summary.hash || again.coverage != summary.coverage {
            problems.push("the same seeds did not tell the same stories".to_owned());
        }
    }
    if let Some(path) = &arguments.coverage
        && let Err(error) = fs::write(path, covered(many, &summary))
    {
        eprintln!("{}: {error}", path.display());
        return ExitCode::from(NOT_RUN);
    }
    if arguments.json {
        println!("{}", as_json(many, &summary, &problems));
    } else {
        tell(many, &summary, &problems);
    }
    if let Some(failure) = summary.failures.first() {
        explain(failure);
    }
    if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_HELD)
    }
}

/// What did not hold, in words.
fn problems(summary: &Summary) -> Vec<String> {
    let mut problems: Vec<String> = summary
        .failures
        .iter()
        .map(|failure| format!("seed {}: {}", failure.seed, failure.violations[0]))
        .collect();
    if !problems.is_empty() {
        return problems;
    }
    if summary.lifecycles >= MILLION {
        let wanted = WANTED_IN_A_MILLION * (summary.lifecycles / MILLION);
        problems.extend(
            summary
                .coverage
                .missing(wanted)
                .into_iter()
                .map(|pair| format!("covered too rarely: {pair}")),
        );
    }
    let unknowable = summary.coverage.unknowable.values().sum::<u64>();
    if unknowable > (summary.lifecycles / BOUND).max(1) {
        problems.push(format!(
            "in {unknowable} histories nobody could know, more than 1 in {BOUND}"
        ));
    }
    problems
}

fn headline(many: Many, summary: &Summary) -> String {
    format!(
        "{} lives of stacks in {} histories, seeds from {}, hash {:016x}",
        summary.lifecycles, summary.histories, many.seed, summary.hash
    )
}

fn covered(many: Many, summary: &Summary) -> String {
    format!(
        "What `cargo simulate --lifecycles {} --seed {} --coverage simulation/coverage.txt` covered.\n\n{}\n{} violations\n\n{}",
        many.lifecycles,
        many.seed,
        headline(many, summary),
        summary.failures.len(),
        summary.coverage
    )
}

fn tell(many: Many, summary: &Summary, problems: &[String]) {
    println!("{}", headline(many, summary));
    println!(
        "{:.1} s, {:.0} lives of stacks in a second on {} threads",
        summary.took.as_secs_f64(),
        summary.speed(),
        many.threads
    );
    println!(
        "{} faults met a request; {} histories in which nobody can know",
        summary.coverage.faults.values().sum::<u64>(),
        summary.coverage.unknowable.values().sum::<u64>()
    );
    for (seed, what) in &summary.unknowable {
        println!("nobody can know  seed {seed}: {what}");
    }
    for problem in problems {
        println!("NOT HELD  {problem}");
    }
    if problems.is_empty() {
        println!("everything held");
    }
}

fn as_json(many: Many, summary: &Summary, problems: &[String]) -> serde_json::Value {
    json!({
        "seed": many.seed,
        "lifecycles": summary.lifecycles,
        "histories": summary.histories,
        "hash": format!("{:016x}", summary.hash),
        "seconds": summary.took.as_secs_f64(),
        "lifecyclesPerSecond": summary.speed(),
        "unknowable": summary.coverage.unknowable.values().sum::<u64>(),
        "problems": problems,
        "failures": summary.failures.iter().map(|failure| json!({
            "seed": failure.seed,
            "lifecycle": failure.lifecycle,
            "promise": failure.promise(),
            "how": failure.violations[0].how,
        })).collect::<Vec<_>>(),
    })
}

/// Prints the shortest history that fails like this one, and its story.
fn explain(failure: &Failure) {
    let collectors = Collectors::default();
    let promise = failure.promise();
    let shortest = shrink(&History::of(failure.seed), |history| {
        let outcome = run(history, false, &collectors);
        outcome
            .violations
            .iter()
            .any(|violation| violation.promise == promise)
    });
    let outcome = run(&shortest, true, &collectors);
    eprintln!(
        "\nthe shortest schedule like seed {}:\n{shortest:#?}",
        failure.seed
    );
    eprintln!("\nits story:");
    for line in &outcome.story {
        eprintln!("{line}");
    }
    eprintln!("\nthe whole story: cargo simulate --story {}", failure.seed);
}

fn story(seed: u64) -> ExitCode {
    let history = History::of(seed);
    let outcome = run(&history, true, &Collectors::default());
    println!("{history:#?}\n");
    for line in &outcome.story {
        println!("{line}");
    }
    println!("\nhash {}", outcome.hash);
    for (why, what) in &outcome.unknowable {
        println!("nobody can know, {why:?}: {what}");
    }
    for violation in &outcome.violations {
        println!("NOT HELD  {violation}");
    }
    if outcome.violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_HELD)
    }
}

/// Short enough to be read out.
fn fresh_seed() -> u64 {
    fastrand::u64(..1 << 48)
}

/// Catches `some` of the bugs, chosen by `seed`, and compares with the record.
fn check_bugs(some: usize, seed: u64, record: bool) -> Result<ExitCode, BugsError> {
    let mut bugs = bugs::all()?;
    for bug in &bugs {
        bug.fits()?;
    }
    let recorded = bugs::recorded()?;
    let mut found = recorded.clone();
    let mut held = true;
    if record {
        found.retain(|name, _| bugs.iter().any(|bug| bug.name == *name));
    } else {
        for bug in bugs.iter().filter(|bug| !recorded.contains_key(&bug.name)) {
            println!("NOT RECORDED: {}", bug.name);
            held = false;
        }
    }
    println!("{} patches apply", bugs.len());
    if some < bugs.len() {
        fastrand::Rng::with_seed(seed).shuffle(&mut bugs);
        bugs.truncate(some);
        println!("{some} of them, chosen by seed {seed}");
    }
    for bug in bugs {
        println!("\n{}: {}", bug.name, bug.harm);
        let Some(caught) = bug.catch()? else {
            println!("NOT CAUGHT");
            held = false;
            found.remove(&bug.name);
            continue;
        };
        println!(
            "caught by {} with seed {}, after {} lives of stacks",
            caught.promise, caught.seed, caught.lifecycles
        );
        if !record && recorded.get(&bug.name) != Some(&caught) {
            println!("NOT AS RECORDED: {:?}", recorded.get(&bug.name));
            held = false;
        }
        found.insert(bug.name, caught);
        if record {
            bugs::record(&found)?;
        }
    }
    Ok(if held {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_HELD)
    })
}
