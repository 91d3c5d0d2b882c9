//! Why a rehearsal could not even begin, each with its remedy.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::engine::{ArtifactError, EngineError};
use crate::installation::InstallationError;
use crate::laptop::{DeskError, DockerError, EventError, LaptopError, WayError};

/// Why there was nothing to rehearse with. The exit status is 2.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The engine could not be fetched or started.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The tools of a laptop could not be fetched.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// The function's code could not be put where the template names it.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// There is no template, or it cannot be read.
    #[error("`{}` cannot be read: run this from a complete clone", path.display())]
    Template {
        /// The template's file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The template does not tell where the function's code is.
    #[error("the template names no code for the function in `{region}`: {missing}")]
    NoCodeLocation {
        /// The region of the rehearsal.
        region: String,
        /// What was looked for and not found.
        missing: String,
    },
    /// Cargo could not be run.
    #[error("`{}` cannot be run: install Rust with rustup, or name cargo in CARGO", cargo.display())]
    NoCargo {
        /// What was tried.
        cargo: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The function did not build.
    #[error("the function did not build; mend what cargo says:\n{output}")]
    Build {
        /// The end of cargo's output.
        output: String,
    },
    /// The binary that was asked for is not there.
    #[error("`{}` is no file: build it first, or leave `--binary` out", .0.display())]
    NoBinary(PathBuf),
    /// Docker is not there.
    #[error(transparent)]
    Docker(#[from] DockerError),
    /// What a function on a laptop needs could not be put up.
    #[error(transparent)]
    Laptop(#[from] LaptopError),
    /// A tool did not run the function.
    #[error(transparent)]
    Way(#[from] WayError),
    /// There is no such event.
    #[error(transparent)]
    Event(#[from] EventError),
    /// Nobody fills events in.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// Rust does not have the target of the function's architecture.
    #[error("Rust cannot build for this architecture yet: run `rustup target add {0}`")]
    NoTarget(&'static str),
    /// An event without an expectation.
    #[error("`{}` is an event of which nobody says what must come of it: add it to LIFE in rehearsal/src/rehearse/sam.rs", .0.display())]
    UnknownEvent(PathBuf),
    /// The page of a report cannot be written.
    #[error("`{}` cannot be written: name a place with --page", path.display())]
    Page {
        /// The page's file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is no fault of this name.
    #[error("there is no fault `{0}`: `cargo rehearse faults` lists them, and `all` is every one")]
    NoSuchFault(String),
    /// This system cannot follow a process.
    #[error("kills at system calls need Linux on x86_64 or aarch64: run it in a container")]
    NoPtrace,
    /// The function's process could not be followed through its system calls.
    #[error(
        "the function cannot be followed: a container must allow ptrace, and the binary be a function"
    )]
    NotFollowed(#[source] io::Error),
    /// A server or a folder on this machine could not be had.
    #[error("{what} could not be set up: free some space and ports on this machine")]
    Loopback {
        /// What it is.
        what: &'static str,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl SetupError {
    /// A server or a folder on this machine that could not be had.
    pub(crate) fn loopback(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Loopback {
            what,
            source: source.into(),
        }
    }
}
