//! The pages in `docs/` name tests as proofs: each of them has to exist.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;

use regex::Regex;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The file that has the tests with these modules before their names.
fn file_of(modules: &[&str]) -> String {
    match modules {
        ["process", module] => format!("tests/process/{module}.rs"),
        ["template"] => "tests/template/main.rs".to_owned(),
        ["template", module] => format!("tests/template/{module}.rs"),
        [module, "tests"] => format!("src/{module}.rs"),
        other => panic!("{other:?} leads to no file"),
    }
}

#[test]
fn name_no_test_that_does_not_exist() {
    let name = Regex::new(r"`((?:[a-z_]+::)+)([a-z_]+)`").unwrap();
    let mut named = 0;
    for page in ["docs/architecture.md", "docs/security.md"] {
        let text = read(page);
        for found in name.captures_iter(&text) {
            let (modules, test) = (&found[1], &found[2]);
            let modules: Vec<&str> = modules.split_terminator("::").collect();
            // A whole module, or a room that is no test.
            if test == "tests" || modules == ["lifecycle"] {
                continue;
            }
            let is_there = read(&file_of(&modules)).contains(&format!("fn {test}("));
            assert!(is_there, "{page} names {}, which is no test", &found[0]);
            named += 1;
        }
    }
    assert!(named > 20, "only {named} tests are named");
}
