//! Whether what is built is what everybody can see: a clean tree at the release's tag.

use semver::Version;
use thiserror::Error;

/// What git says of the working tree.
#[derive(Debug)]
pub struct WorkingTree {
    /// Of `git rev-parse HEAD`.
    pub commit: String,
    /// Of `git status --porcelain`: empty, or a line for each file.
    pub status: String,
    /// Of `git tag --points-at HEAD`.
    pub tags: String,
}

/// Why nothing can be published from here.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotReleasable {
    /// The commit alone would not tell what was meant.
    #[error(
        "the working tree has {0} changed or unknown files, such as `{1}`: commit or remove them"
    )]
    Dirty(usize, String),
    /// Nobody could find the source of what was published.
    #[error("the commit has no tag `{wanted}`: `git tag {wanted}` gives it one")]
    NoTag {
        /// The tag of this version.
        wanted: String,
    },
}

impl WorkingTree {
    /// Whether it is clean and tagged `vVERSION`.
    ///
    /// # Errors
    /// It is not, and what to do about it.
    pub fn check(&self, version: &Version) -> Result<(), NotReleasable> {
        let mut changed = self.status.lines();
        if let Some(first) = changed.next() {
            // Two letters and a space stand before the name.
            let name = first.get(3..).unwrap_or(first);
            return Err(NotReleasable::Dirty(1 + changed.count(), name.to_owned()));
        }
        let wanted = format!("v{version}");
        if self.tags.lines().any(|tag| tag == wanted) {
            Ok(())
        } else {
            Err(NotReleasable::NoTag { wanted })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: &str, tags: &str) -> Result<(), NotReleasable> {
        let tree = WorkingTree {
            commit: String::new(),
            status: status.to_owned(),
            tags: tags.to_owned(),
        };
        tree.check(&Version::new(1, 2, 3))
    }

    #[test]
    fn only_a_clean_tree_with_the_versions_tag_is_released() {
        assert_eq!(check("", "v1.2.2\nv1.2.3\n"), Ok(()));
        let wanted = "v1.2.3".to_owned();
        assert_eq!(check("", "v1.2.30\n"), Err(NotReleasable::NoTag { wanted }));
        assert_eq!(
            check(" M src/main.rs\n?? new\n", "v1.2.3\n"),
            Err(NotReleasable::Dirty(2, "src/main.rs".to_owned()))
        );
    }
}
