//! The templates of the releases, kept in `tests/upgrade/`.
//!
//! Customers have stacks of every release for years. So the template of each is kept as
//! it stands in the repository, the tests go from it to the template of today and back,
//! and nobody changes it again: a release is refused otherwise.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use semver::Version;
use thiserror::Error;

use crate::release::asset::TEMPLATE;
use crate::release::tool::{self, ToolError};

/// Where they are, below the workspace.
const FOLDER: &str = "tests/upgrade";

/// Why a template is not kept.
#[derive(Debug, Error)]
pub enum NotKept {
    /// No later release would be tested with stacks of this one.
    #[error(
        "`{0}` is not there, from which later releases are tested: `cargo xtask keep` writes it, then commit it"
    )]
    Missing(String),
    /// It is of an earlier commit.
    #[error("`{0}` is not `template.yaml`: `cargo xtask keep` writes it anew, then commit it")]
    Outdated(String),
    /// Customers have another one.
    #[error(
        "`{path}` is not what the release {tag} has: `git show {tag}:template.yaml >{path}` writes it"
    )]
    NotTheReleased {
        /// Of the file.
        path: String,
        /// Of the release.
        tag: String,
    },
    /// What was released never changes.
    #[error("{0} is released, and its template stays as it is: raise the version first")]
    Released(String),
    /// Git cannot be asked.
    #[error(transparent)]
    Git(#[from] ToolError),
    /// A file or folder of the workspace.
    #[error("`{path}` cannot be used")]
    File {
        /// Of the file or folder.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Keeps the template as that of this version, and tells where.
///
/// # Errors
/// The version is released and has another one, or nothing can be written.
pub fn keep(root: &Path, version: &Version) -> Result<String, NotKept> {
    let path = path_of(version);
    let template = read(root, TEMPLATE)?;
    let tag = format!("v{version}");
    let tags = git(root, &["tag", "--list", &tag])?;
    if !tags.trim().is_empty() && git(root, &["show", &format!("{tag}:{TEMPLATE}")])? != template {
        return Err(NotKept::Released(tag));
    }
    let file = root.join(&path);
    let folder = file.parent().unwrap_or(root);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&file, template))
        .map_err(|source| unusable(&path, source))?;
    Ok(path)
}

/// Whether the template of this version is kept, and that of every release before it.
///
/// # Errors
/// One is not, and what to do about it.
pub fn check(root: &Path, version: &Version) -> Result<(), NotKept> {
    let path = path_of(version);
    match kept(root, &path)? {
        None => return Err(NotKept::Missing(path)),
        Some(kept) if kept != read(root, TEMPLATE)? => return Err(NotKept::Outdated(path)),
        Some(_) => {}
    }
    let tags = git(root, &["tag", "--list", "v*", "--merged", "HEAD"])?;
    for tag in tags.lines() {
        let released = tag.strip_prefix('v').and_then(|text| text.parse().ok());
        let Some(released) = released.filter(|released| released != version) else {
            continue;
        };
        let path = path_of(&released);
        let template = git(root, &["show", &format!("{tag}:{TEMPLATE}")])?;
        if kept(root, &path)?.as_ref() != Some(&template) {
            let tag = tag.to_owned();
            return Err(NotKept::NotTheReleased { path, tag });
        }
    }
    Ok(())
}

fn path_of(version: &Version) -> String {
    format!("{FOLDER}/{version}/{TEMPLATE}")
}

fn kept(root: &Path, path: &str) -> Result<Option<String>, NotKept> {
    let file: PathBuf = root.join(path);
    file.exists().then(|| read(root, path)).transpose()
}

fn read(root: &Path, path: &str) -> Result<String, NotKept> {
    fs::read_to_string(root.join(path)).map_err(|source| unusable(path, source))
}

fn git(root: &Path, arguments: &[&str]) -> Result<String, NotKept> {
    Ok(tool::output(
        Command::new("git").args(arguments).current_dir(root),
    )?)
}

fn unusable(path: &str, source: io::Error) -> NotKept {
    NotKept::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git_as_somebody(root: &Path, arguments: &[&str]) {
        let author = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
        let mut git = Command::new("git");
        tool::output(git.args(author).args(arguments).current_dir(root)).unwrap();
    }

    fn commit(root: &Path, template: &str, tag: &str) {
        fs::write(root.join(TEMPLATE), template).unwrap();
        git_as_somebody(root, &["add", "."]);
        git_as_somebody(
            root,
            &[
                "commit",
                "--quiet",
                "--no-gpg-sign",
                "--allow-empty",
                "-m",
                tag,
            ],
        );
        git_as_somebody(root, &["tag", tag]);
    }

    fn told(checked: Result<(), NotKept>) -> String {
        checked.unwrap_err().to_string()
    }

    #[test]
    fn a_release_is_kept_before_it_is_made_and_never_changes_after() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        git_as_somebody(root, &["init", "--quiet"]);
        let (one, two) = (Version::new(1, 2, 3), Version::new(1, 3, 0));
        commit(root, "one\n", "begun");
        let missing = told(check(root, &one));
        assert!(
            missing.starts_with("`tests/upgrade/1.2.3/template.yaml` is not there"),
            "{missing}"
        );
        let path = keep(root, &one).unwrap();
        assert_eq!(path, "tests/upgrade/1.2.3/template.yaml");
        check(root, &one).unwrap();

        fs::write(root.join(TEMPLATE), "one, mended\n").unwrap();
        let outdated = told(check(root, &one));
        assert!(outdated.contains("is not `template.yaml`"), "{outdated}");
        keep(root, &one).unwrap();
        check(root, &one).unwrap();
        commit(root, "one, mended\n", "v1.2.3");
        check(root, &one).unwrap();
        keep(root, &one).unwrap();

        fs::write(root.join(TEMPLATE), "two\n").unwrap();
        let released = keep(root, &one).unwrap_err().to_string();
        assert!(released.starts_with("v1.2.3 is released"), "{released}");
        keep(root, &two).unwrap();
        check(root, &two).unwrap();
        fs::write(root.join(&path), "changed\n").unwrap();
        let changed = told(check(root, &two));
        assert!(
            changed.contains("is not what the release v1.2.3 has"),
            "{changed}"
        );
        fs::remove_file(root.join(&path)).unwrap();
        assert_eq!(told(check(root, &two)), changed);
    }

    /// A tag that is no version is no release.
    #[test]
    fn asks_for_releases_only() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        git_as_somebody(root, &["init", "--quiet"]);
        commit(root, "early\n", "very-early");
        commit(root, "early\n", "v-next");
        let version = Version::new(1, 0, 0);
        keep(root, &version).unwrap();
        check(root, &version).unwrap();
    }
}
