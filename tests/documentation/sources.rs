//! The tests of this package, as they stand in its sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

static FUNCTION: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:async )?fn (\w+)\("));
static CASES: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bCases? (E\d+(?:(?:, | and )E\d+)*)"));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"E(\d+)"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is right")
}

/// One test.
#[derive(Debug)]
pub(crate) struct Test {
    /// For example `process::answer::survives_lost_connections` for one of
    /// `tests/`, and `answer::tests::has_no_null_members` for one of `src/`.
    pub(crate) name: String,
    /// The cases of the protocol that its comment names.
    pub(crate) cases: BTreeSet<u32>,
}

/// Every test under `src/` and `tests/`, and a problem for each comment that
/// names a case and belongs to no test. The tests of the documentation speak of
/// cases and prove none.
pub(crate) fn tests() -> (Vec<Test>, Vec<String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = (Vec::new(), Vec::new());
    for folder in ["src", "tests"] {
        for path in rust_files(&root.join(folder)) {
            let inside = path.strip_prefix(root).expect("a file lies in the package");
            if inside.starts_with("tests/documentation") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source is text");
            let (tests, stray) = read(inside, &text);
            found.0.extend(tests);
            found.1.extend(stray);
        }
    }
    found
}

/// The tests of one file.
pub(crate) fn read(path: &Path, text: &str) -> (Vec<Test>, Vec<String>) {
    let (mut tests, mut stray) = (Vec::new(), Vec::new());
    let (mut comment, mut is_test) = (String::new(), false);
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if let Some(words) = line.strip_prefix("///") {
            comment.push_str(words);
            continue;
        }
        if line.starts_with("#[") {
            is_test |= line == "#[test]" || line.starts_with("#[tokio::test");
            continue;
        }
        let cases = cases(&comment);
        match FUNCTION.captures(line) {
            Some(named) if is_test => tests.push(Test {
                name: format!("{}::{}", module(path), &named[1]),
                cases,
            }),
            _ if !cases.is_empty() => stray.push(format!(
                "{}, line {}: the comment above names a case and belongs to no test",
                path.display(),
                index + 1
            )),
            _ => {}
        }
        comment.clear();
        is_test = false;
    }
    (tests, stray)
}

/// The cases that a comment names: `Case E12`, or `Cases E7, E9 and E10`.
fn cases(comment: &str) -> BTreeSet<u32> {
    let mut cases = BTreeSet::new();
    for named in CASES.captures_iter(comment) {
        let numbers = NUMBER.captures_iter(&named[1]);
        cases.extend(numbers.filter_map(|number| number[1].parse::<u32>().ok()));
    }
    cases
}

/// The path by which a test of a file is named: a file of `src/` has its tests in
/// a module of that name, a file of `tests/` is one.
fn module(path: &Path) -> String {
    let path = path.with_extension("");
    let mut names: Vec<_> = path
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let folder = names.remove(0);
    if matches!(
        names.last().map(String::as_str),
        Some("main" | "mod" | "lib")
    ) {
        names.pop();
    }
    if folder == "src" && names.last().is_none_or(|last| last != "tests") {
        names.push("tests".to_owned());
    }
    names.join("::")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
