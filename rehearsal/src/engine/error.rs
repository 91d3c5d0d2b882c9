//! Why there is no engine, and what to do about it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::installation::InstallationError;

/// Why the engine could not be set up or started. Each variant asks for
/// another remedy, and its sentence names it.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The engine is not on this machine and could not be fetched.
    #[error(transparent)]
    Installation(#[from] InstallationError),
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
