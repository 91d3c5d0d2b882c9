//! `cargo rehearse`: one stack from its creation to its deletion, on this
//! machine, watched from every side.
//!
//! [`run`] does it all; the [`cli`] is one way to start it. The real template
//! is deployed unchanged with the real release binary. The vendor is the
//! [sandbox](crate::sandbox), which assumes the trust role in the
//! [engine](crate::engine) before it enables an integration; the
//! [Internet](crate::internet) leads the function to both.

mod arguments;
mod build;
mod checks;
pub mod cli;
mod faulty;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod kills;
mod leaks;
mod lifecycle;
mod organization;
mod parameters;
mod rehearsal;
mod report;
mod sam;
mod screen;
mod serve;
mod setup_error;
mod template;
pub mod world;

use std::path::PathBuf;

pub use rehearsal::Rehearsal;
pub use report::{
    CallReport, Check, CloudReport, EventReport, RecordReport, Report, StepReport, TemplateReport,
};
pub use screen::{Detail, Screen, Sink};
pub use setup_error::SetupError;
pub(crate) use template::Template;

/// How to rehearse.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The function's binary; without one it is built.
    pub binary: Option<PathBuf>,
}

/// Rehearses the stack once, and takes everything down again.
///
/// # Errors
/// When there is nothing to rehearse with. What does not hold is no error: it
/// is in the report.
pub async fn run(options: &Options, screen: &Screen) -> Result<Report, SetupError> {
    let mut rehearsal = Rehearsal::set_up(options, screen).await?;
    rehearsal.deploy().await;
    Ok(rehearsal.delete_and_conclude().await)
}
