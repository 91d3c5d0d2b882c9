//! The pages name tests as proofs: each of them is there.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use crate::markdown::page;
use crate::sources::tests;

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"`((?:[a-z0-9_]+::)+(?:[a-z0-9_]+|\*))`").expect("the pattern is right")
});

/// The targets of `tests/`; what begins otherwise is a test of `src/` if it has
/// a module `tests`, and a room if not.
const TARGETS: [&str; 3] = ["process", "stack", "template"];

#[test]
fn name_no_test_that_is_not_there() {
    let (tests, _) = tests();
    let mut named = 0;
    for page_name in pages() {
        let text = page(&page_name);
        for found in NAME.captures_iter(&text) {
            let name = &found[1];
            let is_a_test = TARGETS
                .iter()
                .any(|target| name.starts_with(&format!("{target}::")))
                || name.contains("::tests::");
            if !is_a_test {
                continue;
            }
            let is_there = match name.strip_suffix('*') {
                Some(module) => tests.iter().any(|test| test.name.starts_with(module)),
                None => tests.iter().any(|test| test.name == name),
            };
            assert!(
                is_there,
                "docs/{page_name} names `{name}`, which is no test"
            );
            named += 1;
        }
    }
    assert!(named > 100, "only {named} tests are named");
}

fn pages() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let files = fs::read_dir(folder).expect("the folder is there");
    let names = files.map(|file| file.expect("the folder can be read").file_name());
    let mut names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".md"))
        .collect();
    names.sort();
    names
}
