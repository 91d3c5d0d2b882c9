//! What the kernel says of a process.

use std::fs;
use std::process::Command;
use std::time::Duration;

/// A process by its id. What is asked of one that is gone is 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(u32);

impl Process {
    pub(crate) fn new(id: u32) -> Self {
        Self(id)
    }

    /// The CPU time of all its threads that still run.
    pub(crate) fn cpu(self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.0));
        let nanoseconds = threads
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok())
            .filter_map(|text| text.split(' ').next()?.parse::<u64>().ok())
            .sum();
        Duration::from_nanos(nanoseconds)
    }

    /// The most memory that it had at once, in KiB.
    pub(crate) fn peak_memory(self) -> u64 {
        self.number("status", "VmHWM:")
    }

    /// The memory that it has, in KiB.
    pub(crate) fn memory(self) -> u64 {
        self.number("status", "VmRSS:")
    }

    /// The bytes that it read by system calls, from files and sockets.
    pub(crate) fn bytes_read(self) -> u64 {
        self.number("io", "rchar:")
    }

    fn number(self, file: &str, name: &str) -> u64 {
        fs::read_to_string(format!("/proc/{}/{file}", self.0))
            .ok()
            .and_then(|text| {
                let line = text.lines().find_map(|line| line.strip_prefix(name))?;
                line.split_whitespace().next()?.parse().ok()
            })
            .unwrap_or_default()
    }

    /// Asks it to end.
    pub(crate) fn terminate(self) {
        // It may have ended by itself.
        Command::new("kill").arg(self.0.to_string()).status().ok();
    }

    /// Waits until nothing runs in it any more. Its first thread may end before
    /// another that still writes.
    pub(crate) async fn gone(self) {
        while self.runs() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn runs(self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.0));
        threads
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok())
            .any(|stat| !stat.contains(") Z ") && !stat.contains(") X "))
    }
}
