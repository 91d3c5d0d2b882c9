//! Why there is no engine, and what to do about it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the engine could not be set up or started. Each variant asks for
/// another remedy, and its sentence names it.
#[derive(Debug, Error)]
pub enum EngineError {
    /// No Python was found in `PATH`.
    #[error("there is no `python3` in PATH: install Python 3.10 or newer")]
    NoPython,
    /// The Python that was found is too old for the engine.
    #[error("`python3` is Python {found}: install Python 3.10 or newer and put it first in PATH")]
    PythonTooOld {
        /// Its version, for example `3.9`.
        found: String,
    },
    /// Python came without what makes virtual environments.
    #[error(
        "Python has no working venv module: install it (on Debian and Ubuntu `apt install python3-venv`)"
    )]
    NoVenv {
        /// What Python said.
        output: String,
    },
    /// The engine could not be downloaded or did not match its hashes.
    #[error(
        "pip could not install the engine, which needs the network the first time only: connect, or set pip's own configuration to a mirror that can be reached; pip's last line was: {last_line}"
    )]
    PipFailed {
        /// The last line that pip wrote.
        last_line: String,
    },
    /// The engine ended or stayed silent instead of serving.
    #[error("the engine did not start: read its log in `{}`; its last line was: {last_line}", log.display())]
    DidNotStart {
        /// Where its whole log is.
        log: PathBuf,
        /// The last line of it.
        last_line: String,
    },
    /// A folder or file could not be written.
    #[error("`{}` cannot be used: make it writable or free some space", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}
