//! `cargo rehearse kills`: the function killed at its system calls.

use std::path::PathBuf;
use std::time::Instant;

use super::build::{self, Product};
use super::screen::Screen;
use super::setup_error::SetupError;
use super::template::Template;
use crate::kills::{self, KillReport, KillsReport, Moment};

/// Kills the function, and says what came of it.
///
/// # Errors
/// There is nothing to kill, or ptrace is not allowed here.
pub(super) async fn rehearse(
    binary: Option<PathBuf>,
    kills: Option<usize>,
    screen: &Screen,
) -> Result<KillsReport, SetupError> {
    let began = Instant::now();
    let binary = match binary {
        Some(binary) if binary.is_file() => binary,
        Some(binary) => return Err(SetupError::NoBinary(binary)),
        None => {
            screen.note("building the function as a release does");
            build::release(Template::read()?.root(), Product::Function).await?
        }
    };
    screen.line("killing the function at its system calls; each kill is a stack of its own");
    let report = kills::run(&binary, kills, |kill| show(kill, screen)).await?;
    table(&report, screen);
    for problem in report.undisturbed() {
        screen.bad(problem);
    }
    let lives = report.points.iter();
    let lives: Vec<String> = lives
        .map(|(life, points)| format!("{} {points}", life.word()))
        .collect();
    screen.line(&format!("\npoints: {}", lives.join(", ")));
    if report.missed() > 0 {
        screen.line(&format!(
            "{} stories did not come to their point, and are not counted",
            report.missed()
        ));
    }
    screen.line(&format!(
        "{} kills, {} of them followed by a second one at the same point, {} violations, in {} s",
        report.kills,
        report.second_kills,
        report.violations,
        began.elapsed().as_secs()
    ));
    Ok(report)
}

fn show(kill: &KillReport, screen: &Screen) {
    let KillReport { place, outcome, .. } = kill;
    let fate = kill.fate.words();
    let life = kill.life.word();
    let moment = kill.moment.words();
    screen.note(&format!(
        "{life:<6}  {place}, {moment}; {fate}: {}",
        if kill.killed {
            outcome
        } else {
            "never came to it"
        }
    ));
    for problem in &kill.problems {
        screen.bad(&format!("        {problem}"));
    }
}

fn table(report: &KillsReport, screen: &Screen) {
    let [before, after, read] = Moment::ALL.map(Moment::words);
    screen.line(&format!(
        "\n    {:<62} {before:>16} {after:>15} {read:>12}  outcome",
        "killed at"
    ));
    for ((life, place), row) in report.rows() {
        let [before, after, read] = row.kills;
        let mut outcomes: Vec<String> = row
            .outcomes
            .iter()
            .map(|(outcome, times)| format!("{times} x {outcome}"))
            .collect();
        if row.violations > 0 {
            outcomes.push(format!("{} VIOLATIONS", row.violations));
        }
        let place = format!("{}, {place}", life.word());
        screen.note(&format!(
            "{place:<62} {before:>16} {after:>15} {read:>12}  {}",
            outcomes.join(", ")
        ));
    }
}
