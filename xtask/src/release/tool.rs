//! The programs that a release calls.

use std::ffi::OsStr;
use std::io;
use std::process::{Command, Stdio};

use thiserror::Error;

/// How many of a failed program's last lines are told.
const LAST_LINES: usize = 20;

/// A program that could not be run or failed.
#[derive(Debug, Error)]
pub enum ToolError {
    /// It is not there.
    #[error("`{program}` cannot be run: is it installed and in PATH?")]
    NotRun {
        /// Its name.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It ended with another status than 0.
    #[error("`{command}` failed:\n{last_lines}")]
    Failed {
        /// As it could be typed.
        command: String,
        /// What it wrote last.
        last_lines: String,
    },
}

/// Runs a program to its end and returns its standard output.
///
/// What could publish does not get into it: the build scripts of all dependencies run
/// below cargo.
///
/// # Errors
/// It is not there or fails.
pub fn output(command: &mut Command) -> Result<String, ToolError> {
    for secret in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "MINISIGN_PASSWORD",
    ] {
        command.env_remove(secret);
    }
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| ToolError::NotRun {
            program: text(command.get_program()),
            source,
        })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().collect();
    let last_lines = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
    Err(ToolError::Failed {
        command: typed(command),
        last_lines,
    })
}

fn typed(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(text).collect::<Vec<_>>().join(" ")
}

fn text(word: &OsStr) -> String {
    word.to_string_lossy().into_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn tells_the_command_and_its_last_words() {
        let told = output(Command::new("sh").args(["-c", "echo no >&2; exit 3"])).unwrap_err();
        assert_eq!(told.to_string(), "`sh -c echo no >&2; exit 3` failed:\nno");
        let told = output(&mut Command::new("no-such-program")).unwrap_err();
        assert!(
            told.to_string()
                .starts_with("`no-such-program` cannot be run")
        );
    }

    #[test]
    fn gives_no_credentials_to_a_program() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo \"[$AWS_SECRET_ACCESS_KEY$MINISIGN_PASSWORD]\""]);
        command
            .env("AWS_SECRET_ACCESS_KEY", "key")
            .env("MINISIGN_PASSWORD", "word");
        assert_eq!(output(&mut command).unwrap(), "[]\n");
    }
}
