//! Tools from Python's package registry, for whoever must not wait on its thread.

pub use launch::installation::{Installation, InstallationError, Tools, rehearsal_dir};

/// Finds the tools, or fetches them, which takes some seconds and the network.
///
/// # Errors
/// There is no usable Python, no network or no space.
///
/// # Panics
/// Never: an installation reports what goes wrong.
pub async fn ensure(tools: Tools) -> Result<Installation, InstallationError> {
    tokio::task::spawn_blocking(move || Installation::ensure(tools))
        .await
        .expect("the installation does not panic")
}
