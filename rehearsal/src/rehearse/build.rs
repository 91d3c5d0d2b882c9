//! Builds the function as a release does.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::inheritance::disinherit;

use super::setup_error::SetupError;

/// How much of cargo's output a failure shows.
const LINES_SHOWN: usize = 40;

/// What is built.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Product {
    /// The function as it is shipped.
    Function,
    /// The same with faults inside, `examples/faulty.rs`.
    FaultyFunction,
}

impl Product {
    fn package(self) -> &'static str {
        match self {
            Self::Function => "authomize-trust-role",
            Self::FaultyFunction => "faulty",
        }
    }

    fn binary(self) -> &'static str {
        match self {
            Self::Function => "bootstrap",
            Self::FaultyFunction => "faulty",
        }
    }
}

/// Builds a product of the workspace at `root` as a release does, and tells
/// where it is. Cargo's output is shown only when it fails.
///
/// A proxy of the user's is left to cargo, which may have to fetch the
/// dependencies the first time; what belongs to an AWS account is not.
pub(super) async fn release(root: &Path, product: Product) -> Result<PathBuf, SetupError> {
    let cargo = PathBuf::from(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let mut command = Command::new(&cargo);
    command
        .args(["build", "--release", "--locked"])
        .args(["--package", product.package(), "--bin", product.binary()])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(root)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    disinherit(command.as_std_mut());
    let output = command
        .output()
        .await
        .map_err(|source| SetupError::NoCargo { cargo, source })?;
    let built = String::from_utf8_lossy(&output.stdout);
    match built.lines().rev().find_map(executable) {
        Some(binary) if output.status.success() => Ok(binary),
        _ => Err(SetupError::Build {
            output: last_lines(&String::from_utf8_lossy(&output.stderr)),
        }),
    }
}

/// The binary that a line of cargo's messages announces, if it does.
fn executable(line: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    Some(PathBuf::from(message["executable"].as_str()?))
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_binary_in_cargos_messages() {
        let line = r#"{"reason":"compiler-artifact","executable":"/t/release/bootstrap"}"#;
        assert_eq!(executable(line).unwrap(), Path::new("/t/release/bootstrap"));
        let library = r#"{"reason":"compiler-artifact","executable":null}"#;
        assert_eq!(executable(library), None);
        assert_eq!(executable("not JSON"), None);
    }

    #[test]
    fn shows_the_end_of_a_long_output() {
        let long: Vec<String> = (0..100).map(|line| line.to_string()).collect();
        let shown = last_lines(&long.join("\n"));
        assert_eq!(shown.lines().count(), LINES_SHOWN);
        assert!(shown.ends_with("99"));
        assert_eq!(last_lines("one"), "one");
    }
}
