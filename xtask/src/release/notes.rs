//! What the changelog says of a version.

use semver::Version;
use thiserror::Error;

/// The changelog has nothing of the version.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("CHANGELOG.md has no section `## [{0}]` with something in it")]
pub struct NoNotes(String);

/// The section of a version, without its heading.
///
/// # Errors
/// There is none, or there is nothing in it.
pub fn of(changelog: &str, version: &Version) -> Result<String, NoNotes> {
    section(changelog, &version.to_string())
}

/// What is not released yet.
///
/// # Errors
/// There is nothing.
pub fn unreleased(changelog: &str) -> Result<String, NoNotes> {
    section(changelog, "Unreleased")
}

fn section(changelog: &str, name: &str) -> Result<String, NoNotes> {
    let heading = format!("## [{name}]");
    let mut lines = changelog.lines();
    lines.find(|line| line.starts_with(&heading));
    // The next section, or the addresses that headings link to.
    let ends = |line: &&str| line.starts_with("## ") || line.starts_with('[');
    let body: Vec<&str> = lines.take_while(|line| !ends(line)).collect();
    let body = body.join("\n").trim().to_owned();
    if body.is_empty() {
        Err(NoNotes(name.to_owned()))
    } else {
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGELOG: &str = "# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - 2026-12-01\n\n\
        ### Added\n- a [link](b)\n\n## [1.0.0] - 2026-11-01\n- all\n\n[1.0.0]: there\n";

    #[test]
    fn is_the_part_between_two_headings() {
        let of = |version: Version| of(CHANGELOG, &version);
        assert_eq!(
            of(Version::new(1, 1, 0)).unwrap(),
            "### Added\n- a [link](b)"
        );
        assert_eq!(of(Version::new(1, 0, 0)).unwrap(), "- all");
        let told = of(Version::new(1, 2, 0)).unwrap_err().to_string();
        assert_eq!(
            told,
            "CHANGELOG.md has no section `## [1.2.0]` with something in it"
        );
        assert!(unreleased(CHANGELOG).is_err());
    }

    #[test]
    fn finds_what_is_not_released_in_the_projects_own() {
        let notes = unreleased(include_str!("../../../CHANGELOG.md"));
        let version: Version = env!("CARGO_PKG_VERSION").parse().unwrap();
        assert!(
            notes
                .or(of(include_str!("../../../CHANGELOG.md"), &version))
                .is_ok()
        );
    }
}
