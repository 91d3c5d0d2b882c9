//! `cargo rehearse` as a process: what it says and how it exits.
//!
//! Whole rehearsals are run by `.ci/run`; they need the release binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn rehearse() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    command.stdin(Stdio::null());
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Any file will do where no function runs.
fn some_file() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")
}

#[test]
fn helps_with_options_examples_and_exit_statuses() {
    let output = rehearse().arg("--help").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let help = stdout(&output);
    for part in [
        "Usage: cargo rehearse",
        "--keep",
        "--json",
        "cargo rehearse --json | jq",
        "Exit status: 0 all checks held",
    ] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
}

#[test]
fn helps_with_organizations() {
    let output = rehearse().args(["org", "--help"]).output().unwrap();
    let help = stdout(&output);
    for part in ["--accounts", "--close", "foreign-account", "Exit status: 0"] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
    let output = rehearse()
        .args(["org", "--accounts", "0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn exits_with_2_and_one_sentence_when_the_binary_is_missing() {
    let output = rehearse()
        .args(["--binary", "/nowhere/bootstrap"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr(&output),
        "cannot rehearse: `/nowhere/bootstrap` is no file: build it first, or leave `--binary` out\n"
    );
}

#[test]
fn exits_with_2_and_names_python_when_there_is_none() {
    let empty = tempfile::tempdir().unwrap();
    let output = rehearse()
        .args(["--binary", some_file()])
        .env("PATH", empty.path())
        .env("CARGO_TARGET_DIR", empty.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    let said = stderr(&output);
    assert!(said.contains("install Python"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn keeps_stdout_for_the_machine_with_json() {
    let empty = tempfile::tempdir().unwrap();
    let output = rehearse()
        .args(["--json", "--binary", some_file()])
        .env("PATH", empty.path())
        .env("CARGO_TARGET_DIR", empty.path())
        .output()
        .unwrap();
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).contains("1/6 starting the cloud"));
}

#[test]
fn names_docker_and_the_way_without_it_when_there_is_none() {
    let empty = tempfile::tempdir().unwrap();
    let output = rehearse()
        .arg("sam")
        .env("PATH", empty.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert_eq!(
        stderr(&output),
        "cannot rehearse: there is no `docker` in PATH: install Docker, or go without it: --way cargo-lambda\n"
    );
}

/// What `cargo rehearse event` says of a file, when nothing is served.
fn said_of_event(file: &Path) -> String {
    let empty = tempfile::tempdir().unwrap();
    let output = rehearse()
        .arg("event")
        .arg(file)
        .env("CARGO_TARGET_DIR", empty.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert_eq!(stdout(&output), "");
    stderr(&output)
}

#[test]
fn says_what_is_wrong_with_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("event.json");
    std::fs::write(&file, "{\"RequestType\": \"Create\",}").unwrap();
    let said = said_of_event(&file);
    assert!(
        said.contains("is not JSON: trailing comma at line 1"),
        "{said}"
    );
    std::fs::write(&file, "[]").unwrap();
    assert!(said_of_event(&file).contains("is no event"));
    let said = said_of_event(Path::new("creat"));
    assert!(said.contains("such as `create`"), "{said}");
}

#[test]
fn says_who_fills_events_in_when_nobody_does() {
    let said = said_of_event(Path::new("create"));
    assert!(
        said.contains("start `cargo rehearse serve` in another terminal"),
        "{said}"
    );
}

#[test]
fn prints_plain_lines_into_a_pipe() {
    let empty = tempfile::tempdir().unwrap();
    let output = rehearse()
        .args(["--binary", some_file()])
        .env("PATH", empty.path())
        .env("CARGO_TARGET_DIR", empty.path())
        .output()
        .unwrap();
    let text = stdout(&output);
    assert!(text.contains("1/6 starting the cloud, about "), "{text}");
    assert!(!text.contains('\x1b') && !text.contains('\r'), "{text:?}");
}

#[test]
fn cleans_up_and_exits_with_130_on_ctrl_c() {
    let temporary = tempfile::tempdir().unwrap();
    let mut child = rehearse()
        .args(["--binary", some_file()])
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let begun = lines.find(|line| line.as_ref().unwrap().starts_with("    MiniStack on "));
    assert!(begun.is_some(), "the cloud did not start");
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    assert!(is_empty(temporary.path()), "a folder was left behind");
}

fn is_empty(folder: &Path) -> bool {
    folder.read_dir().unwrap().next().is_none()
}
