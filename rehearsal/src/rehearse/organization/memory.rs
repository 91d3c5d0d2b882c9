//! How much memory it took, where the system tells: on Linux.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::task::AbortHandle;
use tokio::time::interval;

/// How often the engine's processes are looked at.
const LOOKS: Duration = Duration::from_millis(200);

/// What was held at most, in bytes; nothing where the system does not tell.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Memory {
    /// By this process, the sandbox and the network with it.
    pub(super) rehearsal: Option<u64>,
    /// By the engine.
    pub(super) engine: Option<u64>,
    /// By the largest process of the hub's function.
    pub(super) function: Option<u64>,
    /// Processes of the hub's function at a time.
    pub(super) functions_at_a_time: usize,
}

impl Memory {
    /// In words.
    pub(super) fn lines(&self) -> Vec<String> {
        let said = |who: &str, bytes: Option<u64>| {
            bytes.map(|bytes| format!("{who} held {} MB at most", bytes / 1_000_000))
        };
        let functions = format!(
            "the largest of up to {} processes of the hub's function at a time",
            self.functions_at_a_time
        );
        [
            said(&functions, self.function),
            said("the engine", self.engine),
            said(
                "this process, with the sandbox and the network,",
                self.rehearsal,
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Looks at the engine's processes as long as it lives.
#[derive(Debug)]
pub(super) struct Watcher {
    engine: u32,
    seen: Arc<Mutex<Memory>>,
    looking: AbortHandle,
}

impl Watcher {
    pub(super) fn of(engine: u32) -> Self {
        let seen = Arc::new(Mutex::new(Memory::default()));
        let noted = Arc::clone(&seen);
        let looking = tokio::spawn(async move {
            let mut looks = interval(LOOKS);
            loop {
                looks.tick().await;
                let functions = children(engine);
                let largest = functions.iter().filter_map(|process| peak(*process)).max();
                let mut seen = noted.lock().unwrap_or_else(PoisonError::into_inner);
                seen.function = seen.function.max(largest);
                seen.functions_at_a_time = seen.functions_at_a_time.max(functions.len());
            }
        });
        Self {
            engine,
            seen,
            looking: looking.abort_handle(),
        }
    }

    /// What was held at most until now.
    pub(super) fn peak(&self) -> Memory {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Memory {
            rehearsal: peak(std::process::id()),
            engine: peak(self.engine),
            ..seen
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

/// The processes that a process has started and that still run.
fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task"));
    let threads = threads.into_iter().flatten().flatten();
    let listed = threads.map(|thread| thread.path().join("children"));
    let listed = listed.filter_map(|file: PathBuf| fs::read_to_string(file).ok());
    let numbers = listed.flat_map(|text| {
        text.split_whitespace()
            .filter_map(|number| number.parse().ok())
            .collect::<Vec<_>>()
    });
    numbers.collect()
}

/// The most that a process ever held, in bytes.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
