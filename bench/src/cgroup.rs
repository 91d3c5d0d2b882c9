//! A share of one core, held by the kernel.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::BenchError;

/// Lambda's scheduler hands out CPU in short periods; so do we, so that no figure
/// is rounded to tenths of a second. In microseconds.
const PERIOD: u32 = 20_000;

/// A cgroup of its own. Dropping it removes it once it is empty.
#[derive(Debug)]
pub(crate) struct Cgroup(PathBuf);

impl Cgroup {
    /// A group that may use `percent` of one core, over all cores together.
    ///
    /// # Errors
    /// Neither version of cgroups lets us.
    pub(crate) fn with_share(percent: u32) -> Result<Self, BenchError> {
        let name = format!("authomize-bench-{}-{percent}", std::process::id());
        let quota = PERIOD * percent / 100;
        let one = || {
            let group = Path::new("/sys/fs/cgroup/cpu").join(&name);
            fs::create_dir(&group)?;
            let group = Self(group);
            group.write("cpu.cfs_period_us", &PERIOD.to_string())?;
            group.write("cpu.cfs_quota_us", &quota.to_string())?;
            Ok(group)
        };
        let two = || {
            let root = Path::new("/sys/fs/cgroup");
            fs::write(root.join("cgroup.subtree_control"), "+cpu")?;
            fs::create_dir(root.join(&name))?;
            let group = Self(root.join(&name));
            group.write("cpu.max", &format!("{quota} {PERIOD}"))?;
            Ok(group)
        };
        one().or_else(|first: io::Error| {
            two().map_err(|second: io::Error| {
                BenchError::NoCpuLimit(format!("version 1: {first}; version 2: {second}"))
            })
        })
    }

    /// Moves the process of this id, which has one thread yet, into the group.
    ///
    /// # Errors
    /// The kernel does not.
    pub(crate) fn take_in(&self, process: u32) -> io::Result<()> {
        self.write("cgroup.procs", &process.to_string())
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        fs::write(self.0.join(file), text)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // A process that is still ending keeps an empty folder, and nothing else.
        fs::remove_dir(&self.0).ok();
    }
}
