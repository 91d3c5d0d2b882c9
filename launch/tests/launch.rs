//! The launcher as a process, with another cargo and another Python in their places.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Held while a program is written and while one is started: what is begun in between has
/// the open file for a moment, and nothing that somebody may write to can be run.
static WRITTEN_OR_STARTED: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    let alone = WRITTEN_OR_STARTED.lock();
    alone.unwrap_or_else(PoisonError::into_inner)
}

/// A machine of its own: programs in `bin`, and the launcher among its target folder.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        for name in ["bin", "target/debug"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let launcher = folder.path().join("target/debug/launch");
        let _alone = alone();
        fs::copy(env!("CARGO_BIN_EXE_launch"), launcher).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a shell script there.
    fn with(self, name: &str, script: &str) -> Self {
        let path = self.path(name);
        let alone = alone();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        drop(alone);
        self
    }

    fn run(&self, words: &[&str]) -> Output {
        let alone = alone();
        let started = Command::new(self.path("target/debug/launch"))
            .args(words)
            .env("PATH", self.path("bin"))
            .env("CARGO", self.path("bin/cargo"))
            .env("CARGO_TARGET_DIR", self.path("target"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        drop(alone);
        started.unwrap().wait_with_output().unwrap()
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn becomes_the_program_with_its_words_and_its_exit_status() {
    let machine = Machine::new()
        .with("bin/cargo", "exit 0")
        .with("target/debug/xtask", "printf '[%s]' \"$@\"; exit 7");
    let output = machine.run(&["xtask", "link", "--external-id", "a b"]);
    assert_eq!(text(&output.stdout), "[link][--external-id][a b]");
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(7));
}

#[test]
fn builds_the_program_and_the_function_at_the_same_time() {
    // Each of the two builds waits for the other one to have begun.
    let script = "case $* in *bootstrap*) own=a other=b ;; *) own=b other=a ;; esac\n\
                  cd \"$CARGO_TARGET_DIR\"; echo \"$*\" >\"$own\"\n\
                  until [ -e \"$other\" ]; do :; done";
    let machine = Machine::new()
        .with("bin/cargo", script)
        .with("target/debug/rehearse", "exit 0");
    let output = machine.run(&["rehearse", "kills"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let function = fs::read_to_string(machine.path("target/a")).unwrap();
    assert!(function.contains("--profile release"), "{function}");
}

#[test]
fn tells_a_newcomer_what_comes_before_it_begins() {
    let machine = Machine::new().with("bin/cargo", "echo 'error: no' >&2; exit 101");
    let output = machine.run(&["simulate"]);
    let told = text(&output.stderr);
    let first = told.lines().next().unwrap();
    assert!(
        first.starts_with("The first time all is built: some minutes"),
        "{told}"
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn tells_what_did_not_build_why_and_what_to_do() {
    let script = "printf '   Compiling a v1.0.0\\n    Building [> ] 1/2: a\\r' >&2\n\
                  echo 'error: linker `cc` not found' >&2; exit 101";
    let machine = Machine::new()
        .with("bin/cargo", script)
        .with("target/debug/xtask", "exit 0");
    let output = machine.run(&["xtask"]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(
        told.starts_with("cannot xtask: the xtask did not build\nerror: linker `cc` not found\n"),
        "{told}"
    );
    assert!(told.contains("apt install gcc"), "{told}");
}

#[test]
fn tells_of_a_missing_python_at_once_and_not_after_the_builds() {
    let machine = Machine::new()
        .with("bin/cargo", "exec /bin/sleep 300")
        .with("target/debug/rehearse", "exit 0");
    let began = Instant::now();
    let output = machine.run(&["rehearse"]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("install Python 3.10 or newer"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(began.elapsed() < Duration::from_secs(100));
}

#[test]
fn shows_what_a_compiler_warned_of() {
    let machine = Machine::new()
        .with("bin/cargo", "echo 'warning: unused' >&2")
        .with("target/debug/xtask", "exit 0");
    assert_eq!(text(&machine.run(&["xtask"]).stderr), "warning: unused\n");
}

#[test]
fn names_cargo_where_it_cannot_be_run() {
    let machine = Machine::new().with("target/debug/xtask", "exit 0");
    let output = machine.run(&["xtask"]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("install Rust with rustup"), "{told}");
}
