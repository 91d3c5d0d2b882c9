//! `docs/permissions.md` and the template say the same, and every test that the
//! page names is there and takes the permission away that it stands beside.

use std::collections::BTreeSet;

use regex::Regex;
use rehearsal::rehearse::world::STACK;
use serde_json::{Value, json};

use crate::permission::{Permission, permissions};
use crate::stage::read;
use crate::unenforced::UNENFORCED;

const PAGE: &str = "docs/permissions.md";

/// The page with the policies of a secret in another account.
const DEPLOYMENT: &str = "docs/deploy.md";

/// The boundary that the page gives.
pub(crate) fn boundary() -> Value {
    let page = read(PAGE);
    let block = page.split("```json").nth(1).unwrap();
    let json = block.split("```").next().unwrap();
    serde_json::from_str(json).unwrap()
}

/// A row of the page's tables of permissions.
struct Row {
    permission: Permission,
    tests: Vec<String>,
}

fn rows() -> Vec<Row> {
    let quoted = Regex::new("`([^`]+)`").unwrap();
    let quoted = |cell: &str| -> Vec<String> {
        let found = quoted.captures_iter(cell);
        found.map(|found| found[1].to_owned()).collect()
    };
    let page = read(PAGE);
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        let place = quoted(cells.first()?).pop()?;
        let name = quoted(cells.get(1)?).pop()?;
        let is_a_role = place.contains("Role.");
        is_a_role.then(|| Row {
            permission: Permission { place, name },
            tests: quoted(cells[cells.len() - 1]),
        })
    });
    rows.collect()
}

/// The text of a test, named as `TARGET::MODULE::TEST` or `TARGET::TEST`.
fn text_of(test: &str) -> String {
    let parts: Vec<&str> = test.split("::").collect();
    let (file, name) = match parts.as_slice() {
        [target, module, name] => (format!("tests/{target}/{module}.rs"), name),
        [target, name] => (format!("tests/{target}/main.rs"), name),
        _ => panic!("`{test}` is no name of a test"),
    };
    let text = read(&file);
    let begin = text.find(&format!("fn {name}("));
    let begin = begin.unwrap_or_else(|| panic!("{PAGE} names `{test}`, which is not there"));
    let end = text[begin..].find("\n}\n").unwrap() + begin;
    text[begin..end].to_owned()
}

#[test]
fn has_every_permission_of_the_template_and_no_other() {
    let given: BTreeSet<Permission> = permissions().into_iter().collect();
    let told: BTreeSet<Permission> = rows().into_iter().map(|row| row.permission).collect();
    let untold: Vec<_> = given.difference(&told).collect();
    assert!(
        untold.is_empty(),
        "write down in {PAGE} what these are for, with a test that takes each away: {untold:#?}"
    );
    let unknown: Vec<_> = told.difference(&given).collect();
    assert!(
        unknown.is_empty(),
        "the template has none of these, which {PAGE} tells of: {unknown:#?}"
    );
}

#[test]
fn names_a_test_that_takes_each_permission_away() {
    for Row { permission, tests } in rows() {
        let Permission { place, name } = &permission;
        let taken_away = tests.iter().any(|test| {
            let text = text_of(test);
            let says = |what: &str| text.contains(&format!("\"{what}\""));
            text.contains("without") && says(place) && says(name)
        });
        assert!(
            taken_away,
            "no test beside `{name}` of {place} in {PAGE} takes it away"
        );
    }
}

#[test]
fn lists_what_the_engine_does_not_enforce() {
    let page = read(PAGE);
    let section = page.split("## What the engine does not enforce").nth(1);
    let section = section.unwrap().split("\n## ").next().unwrap();
    let mut listed: Vec<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.split('`').next())
        .collect();
    let unenforced: BTreeSet<&str> = UNENFORCED.iter().map(|(_, name)| *name).collect();
    let unenforced: Vec<&str> = unenforced.into_iter().collect();
    listed.sort_unstable();
    assert_eq!(listed, unenforced);
    for (place, name) in UNENFORCED {
        let beside = rows()
            .into_iter()
            .find(|row| row.permission.place == place && row.permission.name == name);
        let tests = beside.unwrap().tests;
        assert!(tests.iter().all(|test| test.contains("::unenforced::")));
    }
}

/// The policies of the page let both roles do what their own policies say, and nobody else.
#[test]
fn lets_the_roles_read_another_accounts_secret_and_no_more() {
    let page = read(DEPLOYMENT);
    let section = page
        .split("### A secret of another account")
        .nth(1)
        .unwrap();
    let policies: Vec<Value> = section
        .split("```json")
        .skip(1)
        .map(|block| serde_json::from_str(block.split("```").next().unwrap()).unwrap())
        .collect();
    let [secret, key] = &policies[..] else {
        panic!("{policies:?}");
    };
    let secret = &secret["Statement"][0];
    let actions = |place: &str| -> Vec<String> {
        let all = permissions().into_iter();
        let of = all.filter(|one| one.place == format!("RegistrarRole.{place}"));
        of.map(|one| one.name).collect()
    };
    assert_eq!(actions("ReadToken"), [secret["Action"].as_str().unwrap()]);
    let context = "kms:EncryptionContext:SecretARN";
    assert_eq!(
        actions("DecryptToken"),
        [key["Action"].as_str().unwrap(), context]
    );
    assert!(key["Condition"]["StringEquals"][context].is_string());
    for statement in [secret, key] {
        assert_eq!(statement["Effect"], "Allow");
        let roles = ["RegistrarRole", "AdminRole"]
            .map(|role| format!("arn:aws:iam::111111111111:role/{STACK}-{role}-*"));
        assert_eq!(
            statement["Condition"]["ArnLike"]["aws:PrincipalArn"],
            json!(roles)
        );
        assert_eq!(
            statement["Principal"],
            json!({"AWS": "arn:aws:iam::111111111111:root"})
        );
    }
}
