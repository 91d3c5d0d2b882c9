//! `cargo rehearse` as a process: what it says and how it exits.
//!
//! Whole rehearsals are run by `.ci/run`; they need the release binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt as _;
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
        "--verbose",
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

/// What is said where `python3` is this shell script, and nothing else is in `PATH` but
/// what a script needs. The folder is the target folder, too.
fn said_with_python(script: &str, folder: &Path) -> String {
    let python = folder.join("python3");
    std::fs::write(&python, format!("#!/bin/sh\n{script}\n")).unwrap();
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&python, executable).unwrap();
    let output = rehearse()
        .args(["--binary", some_file()])
        .env("PATH", folder)
        .env("CARGO_TARGET_DIR", folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    let said = stderr(&output);
    assert!(said.starts_with("cannot rehearse: "), "{said}");
    said
}

/// A Python that is new enough; `made` is what its virtual environment's own does.
fn python_that_makes(made: &str) -> String {
    format!(
        "case \"$*\" in *print*) echo 3.12; exit ;; esac\n\
         for folder; do :; done\n\
         /bin/mkdir -p \"$folder/bin\"\n\
         printf '#!/bin/sh\\n%s\\n' '{made}' >\"$folder/bin/python\"\n\
         /bin/chmod +x \"$folder/bin/python\""
    )
}

#[test]
fn names_a_remedy_for_each_python_that_does_not_do() {
    for (script, remedy) in [
        ("echo 3.9", "`python3` is Python 3.9: install Python 3.10"),
        (
            "case \"$*\" in *print*) echo 3.12; exit ;; esac; echo No module named venv; exit 1",
            "apt install python3-venv",
        ),
        (
            python_that_makes("echo ERROR: No matching distribution found; exit 1").as_str(),
            "needs the network the first time only: connect, name a proxy",
        ),
        (
            python_that_makes("echo OSError: [Errno 28] No space left on device; exit 1").as_str(),
            "the disk is full: free some space",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let said = said_with_python(script, folder.path());
        assert!(said.contains(remedy), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn leaves_the_log_of_an_engine_that_does_not_start_where_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let script =
        python_that_makes("case \"$*\" in *\"-m pip\"*) exit ;; esac; echo it broke >&2; exit 1");
    let said = said_with_python(&script, folder.path());
    assert!(said.contains("its last line was: it broke"), "{said}");
    let log = said.split('`').nth(1).unwrap();
    assert_eq!(std::fs::read_to_string(log).unwrap(), "it broke\n");
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

/// What a command does with an option that it does not have.
fn refused(arguments: &[&str]) -> String {
    let empty = tempfile::tempdir().unwrap();
    let output = rehearse()
        .args(arguments)
        .env("PATH", empty.path())
        .env("CARGO_TARGET_DIR", empty.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert_eq!(stdout(&output), "", "{arguments:?}");
    stderr(&output)
}

#[test]
fn refuses_json_where_there_is_no_report() {
    for command in ["serve", "event create", "completions bash"] {
        let words: Vec<&str> = command.split(' ').collect();
        let said = refused(&[&words[..], &["--json"]].concat());
        assert!(said.contains("unexpected argument '--json'"), "{said}");
        let help = rehearse().args([words[0], "--help"]).output().unwrap();
        assert!(!stdout(&help).contains("--json"), "{command}");
        let said = refused(&[&["--json"], &words[..]].concat());
        assert!(said.contains("cannot be used with"), "{said}");
    }
    for command in ["faults", "org", "sam", "kills"] {
        let help = rehearse().args([command, "--help"]).output().unwrap();
        assert!(stdout(&help).contains("--json"), "{command}");
    }
    let said = refused(&["faults", "--json", "--markdown"]);
    assert!(said.contains("cannot be used with"), "{said}");
}

#[test]
fn completes_json_only_where_it_is_taken() {
    let output = rehearse().args(["completions", "bash"]).output().unwrap();
    let script = stdout(&output);
    let options = |command: &str| {
        let case = format!("        cargo_rehearse__subcmd__{command})\n            opts=");
        let (_, rest) = script.split_once(&case).unwrap();
        rest.lines().next().unwrap().to_owned()
    };
    assert!(options("org").contains("--json"));
    assert!(options("faults").contains("--json"));
    assert!(!options("serve").contains("--json"));
}

#[test]
fn lists_the_faults_for_a_machine() {
    let output = rehearse().args(["faults", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let listed = listed.as_array().unwrap();
    let named = |fault: &&serde_json::Value| fault["name"] == "vendor-down";
    let down = listed.iter().find(named).unwrap();
    for request in ["Create", "Update", "Delete"] {
        assert!(down["expected"][request].is_string(), "{down}");
    }
    let people = rehearse().arg("faults").output().unwrap();
    assert!(stdout(&people).contains(&format!("\n{} faults;", listed.len())));
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
