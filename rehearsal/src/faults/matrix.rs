//! The catalogue as a page, `docs/faults.md`.

use std::fmt::Write as _;

use super::catalogue::CATALOGUE;
use super::fault::{Cell, Request};

const INTRODUCTION: &str = "\
# Faults

What comes of each thing that can go wrong, for each kind of request. Every cell is
brought about on the local cloud by `cargo rehearse --fault all`, or says why it
cannot occur. This page is written by `cargo rehearse faults --markdown`; a test
compares the two.

A fault lasts until it has made the resource fail, so that what has to be rolled back
can be; a deletion that failed has nothing behind it, and is done once more when the
fault is over. After each run the same is checked by code that is not the function's:
one answer for each request, of at most 4096 bytes; never two records of one stack,
and none when the stack is gone; strangers' records as they were; one physical id for
one record; no secret in a log line at the level `TRACE`, an answer, an event, an
output or a request line, as it is or encoded.
";

/// The page.
#[must_use]
pub fn markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut group = None;
    for fault in CATALOGUE.iter() {
        if group != Some(fault.group) {
            let word = fault.group.word();
            write!(page, "\n## {word}\n\n| fault | what happens | Create | Update | Delete |\n|---|---|---|---|---|\n")
                .expect("writing to a string does not fail");
            group = Some(fault.group);
        }
        let cells = Request::ALL
            .map(|request| cell(fault.cell(request)))
            .join(" | ");
        writeln!(page, "| `{}` | {} | {cells} |", fault.name, fault.what)
            .expect("writing to a string does not fail");
    }
    page
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Ends(ending) if ending.reason.is_empty() => format!("`{}`", ending.status),
        Cell::Ends(ending) => format!("`{}`: “… {} …”", ending.status, ending.reason),
        Cell::Never(why) => format!("cannot occur: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn is_what_the_page_says() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let page = std::fs::read_to_string(root.join("docs/faults.md")).unwrap();
        assert!(
            page == markdown(),
            "docs/faults.md is old: cargo rehearse faults --markdown >docs/faults.md"
        );
    }

    #[test]
    fn names_each_fault_once_in_kebab_case() {
        let names: BTreeSet<&str> = CATALOGUE.iter().map(|fault| fault.name).collect();
        assert_eq!(names.len(), CATALOGUE.len());
        assert!(names.len() >= 30);
        for name in names {
            let plain = name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            assert!(plain, "{name}");
        }
    }

    #[test]
    fn says_of_each_cell_how_it_ends_or_why_it_cannot_be() {
        for fault in CATALOGUE.iter() {
            let mut runs = 0;
            for request in Request::ALL {
                match fault.cell(request) {
                    Cell::Ends(_) => runs += 1,
                    Cell::Never(why) => assert!(why.contains(' '), "{}: {why}", fault.name),
                }
            }
            assert!(runs > 0, "{} never happens", fault.name);
        }
    }
}
