//! `docs/protocol.md` and the tests are in step.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use crate::markdown::{Row, page, table};
use crate::sources::{Test, read, tests};

const PAGE: &str = "protocol.md";
const CASES: &str = "## The cases";
const REPORTS: &str = "## What users of other products met";

/// The protocol has so many cases.
const LAST: u32 = 45;

static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"`([a-z0-9_]+(?:::[a-z0-9_]+)+)`").expect("the pattern is right"));

#[test]
fn names_a_test_for_every_case_and_a_case_for_every_test() {
    let (tests, stray) = tests();
    let problems = [stray, problems_of_cases(&page(PAGE), &tests)].concat();
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn names_a_test_for_every_report() {
    let (tests, _) = tests();
    let problems = problems_of_reports(&page(PAGE), &tests);
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// Every way in which page and tests can come apart is told with its place.
#[test]
fn tells_what_is_out_of_step() {
    let source = "
        /// Cases E1 and
        /// E2: one.
        #[test]
        fn one() {}

        /// Case E3.
        #[tokio::test(start_paused = true)]
        async fn two() {}

        /// Case E4: of no test.
        fn three() {}
    ";
    let (tests, stray) = read(Path::new("src/answer.rs"), source);
    assert_eq!(stray.len(), 1);
    assert!(stray[0].starts_with("src/answer.rs, line 12"), "{stray:?}");
    let page = "\
## The cases
| case | what | proved by | others |
|---|---|---|---|
| E1 | a | `answer::tests::one` | b |
| E2 |  | `answer::tests::two` | b |
| E3 | a | `answer::tests::absent` |
| E1 | a | none | b |
";
    let problems = problems_of_cases(page, &tests);
    for expected in [
        "line 5: cell 2 is blank",
        "line 5: `answer::tests::two` does not name E2 in its comment",
        "line 5: `answer::tests::one` names E2 in its comment and is missing",
        "line 6: 3 cells instead of 4",
        "line 6: there is no test `answer::tests::absent`",
        "line 6: `answer::tests::two` names E3 in its comment and is missing",
        "line 7: E1 stands here again",
        "line 7: no test is named",
        "E4 is missing",
        "E45 is missing",
    ] {
        let expected = format!("docs/protocol.md, {expected}");
        assert!(problems.contains(&expected), "{expected}: {problems:#?}");
    }
}

fn problems_of_cases(page: &str, tests: &[Test]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for row in table(page, CASES) {
        let mut tell = |what: String| problems.push(told(&row, &what));
        blanks(&row, 4).into_iter().for_each(&mut tell);
        let number = row.cells[0].strip_prefix('E').map(str::parse::<u32>);
        let Some(Ok(number)) = number else {
            tell(format!("`{}` is no case", row.cells[0]));
            continue;
        };
        if !seen.insert(number) {
            tell(format!("E{number} stands here again"));
        }
        let named = named(&row, 2);
        unknown(&named, tests).into_iter().for_each(&mut tell);
        let of_the_case: BTreeSet<&str> = tests
            .iter()
            .filter(|test| test.cases.contains(&number))
            .map(|test| test.name.as_str())
            .collect();
        for name in of_the_case.iter().filter(|name| !named.contains(**name)) {
            tell(format!(
                "`{name}` names E{number} in its comment and is missing"
            ));
        }
        for test in tests.iter().filter(|test| named.contains(&test.name)) {
            if !test.cases.contains(&number) {
                let name = &test.name;
                tell(format!("`{name}` does not name E{number} in its comment"));
            }
        }
    }
    let known: BTreeSet<u32> = (1..=LAST).collect();
    for number in known.difference(&seen) {
        problems.push(format!("docs/{PAGE}, E{number} is missing"));
    }
    let by_case = tests
        .iter()
        .flat_map(|test| test.cases.iter().map(|number| (*number, &test.name)));
    for (number, name) in by_case.collect::<BTreeMap<_, _>>() {
        if !known.contains(&number) {
            problems.push(format!("`{name}` names E{number}, which is no case"));
        }
    }
    problems
}

fn problems_of_reports(page: &str, tests: &[Test]) -> Vec<String> {
    let rows = table(page, REPORTS);
    if rows.is_empty() {
        return vec![format!("docs/{PAGE}, `{REPORTS}` has no table")];
    }
    rows.iter()
        .flat_map(|row| {
            let problems = [blanks(row, 3), unknown(&named(row, 2), tests)].concat();
            problems.into_iter().map(|what| told(row, &what))
        })
        .collect()
}

fn told(row: &Row, what: &str) -> String {
    format!("docs/{PAGE}, line {}: {what}", row.line)
}

fn blanks(row: &Row, width: usize) -> Vec<String> {
    let mut problems = Vec::new();
    if row.cells.len() != width {
        problems.push(format!("{} cells instead of {width}", row.cells.len()));
    }
    for (index, cell) in row.cells.iter().enumerate() {
        if cell.is_empty() {
            problems.push(format!("cell {} is blank", index + 1));
        }
    }
    problems
}

/// The tests that a cell names.
fn named(row: &Row, cell: usize) -> BTreeSet<String> {
    let cell = row.cells.get(cell).map_or("", String::as_str);
    NAME.captures_iter(cell)
        .map(|found| found[1].to_owned())
        .collect()
}

fn unknown(named: &BTreeSet<String>, tests: &[Test]) -> Vec<String> {
    if named.is_empty() {
        return vec!["no test is named".to_owned()];
    }
    named
        .iter()
        .filter(|name| tests.iter().all(|test| test.name != **name))
        .map(|name| format!("there is no test `{name}`"))
        .collect()
}
