//! Why there are no figures.

use std::io;
use std::path::Path;

use thiserror::Error;

/// Why there are no figures.
#[derive(Debug, Error)]
pub(crate) enum BenchError {
    /// A file, a port or a process.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The machine lets nobody limit the CPU of a process.
    #[error(
        "no CPU limit can be set ({0}): run as root, with the `cpu` controller of cgroups \
         version 1 or 2"
    )]
    NoCpuLimit(String),
    /// Figures that cannot be read.
    #[error("{what} cannot be read: {source}")]
    Json {
        /// Which.
        what: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A peer did not do its work.
    #[error("{peer} {problem}")]
    Peer {
        /// Its name.
        peer: &'static str,
        /// What it did instead, with what it wrote.
        problem: String,
    },
    /// What counts instructions or system calls did not.
    #[error("{tool} gave no figures: {problem}")]
    Tool {
        /// Which.
        tool: &'static str,
        /// What was missing.
        problem: String,
    },
    /// The guard's word.
    #[error("{0}")]
    Over(String),
}

impl BenchError {
    /// For `map_err`.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// The same for a file.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        Self::io(path.display().to_string())
    }
}
