//! The function killed at its system calls, and what comes of it.
//!
//! The binary as it is shipped runs under the [Runtime
//! API](crate::function). A `tracer` stops every thread at each system
//! call; where bytes go to or come from a socket is a [`Point`], and at one of
//! them the process gets SIGKILL. No timer chooses it: a life is followed once
//! without a kill to learn its points, and then there is a life for each. What
//! comes after a kill is one of the [`Fate`]s, and the `story` of the stack
//! is told to its deletion and judged from outside.

mod conversation;
mod fate;
mod judgement;
mod plan;
mod point;
mod report;
mod stage;
mod story;
mod syscall;
mod tracer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub use fate::Fate;
pub use plan::Kill;
pub use point::{Moment, Point};
pub use report::{KillReport, KillsReport};

use crate::faults::Request;
use crate::rehearse::SetupError;

/// How many stacks are killed at the same time: mostly they wait.
const AT_ONCE: usize = 4;

/// Kills the function in every life: so many times, spread evenly, or with every
/// fate at every point. `seen` learns of each as soon as it is over.
///
/// # Errors
/// There is nothing to kill with, for example because ptrace is forbidden.
pub async fn run(
    binary: &Path,
    kills: Option<usize>,
    mut seen: impl FnMut(&KillReport),
) -> Result<KillsReport, SetupError> {
    let mut lives = Vec::new();
    for life in Request::ALL {
        lives.push((life, story::undisturbed(binary, life).await?));
    }
    let mut report = KillsReport::of(&lives);
    let points = lives
        .iter()
        .flat_map(|(life, told)| told.points.iter().map(|point| (*life, point.clone())));
    let plan = plan::spread(&points.collect::<Vec<_>>(), kills);
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for (place, kill) in plan.into_iter().enumerate() {
        let (places, binary) = (Arc::clone(&places), binary.to_owned());
        running.spawn(async move {
            let _place = places.acquire_owned().await;
            let told = story::with_a_kill(&binary, kill.life, &kill.point, kill.fate).await;
            (place, kill, told)
        });
    }
    let mut done = BTreeMap::new();
    while let Some(ended) = running.join_next().await {
        let (place, kill, told) = ended.expect("a story reports what goes wrong");
        let kill = report.of_a_kill(&kill, &told?);
        seen(&kill);
        done.insert(place, kill);
    }
    report.conclude(done.into_values().collect());
    Ok(report)
}
