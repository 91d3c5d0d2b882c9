//! What is in the function's binary beside our own code.
//!
//! `cargo tree` tells which packages are linked for each target, with the features that
//! the function alone asks for; `cargo metadata` would mix in those of the whole
//! workspace. It tells the rest: licence, origin and folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

/// A package by name and version, for example `bytes 1.12.2`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PackageId {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A package that is linked into the function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Name and version.
    pub id: PackageId,
    /// As an SPDX expression, if the package names one.
    pub licence: Option<String>,
    /// Where its source is kept.
    pub repository: Option<String>,
    /// The folder of its source on this machine.
    pub folder: PathBuf,
    /// The SHA-256 of the package's file in the registry, in hexadecimal digits.
    pub checksum: Option<String>,
    /// What it links.
    pub links: BTreeSet<PackageId>,
}

/// The function's own package and everything that it links, in order.
#[derive(Debug)]
pub struct Dependencies {
    /// The function's.
    pub root: Package,
    /// All others, by name and version.
    pub others: Vec<Package>,
}

/// What cargo said cannot be understood.
#[derive(Debug, Error)]
pub enum DependenciesError {
    /// A line of `cargo tree`.
    #[error("`cargo tree` said `{0}`, which is no package at a depth")]
    Tree(String),
    /// `cargo metadata`.
    #[error("what `cargo metadata` said cannot be read")]
    Metadata(#[source] serde_json::Error),
    /// `Cargo.lock`.
    #[error("Cargo.lock cannot be read")]
    Lock(#[source] Box<toml::de::Error>),
    /// The two do not agree.
    #[error("`cargo metadata` does not tell of {} {}", .0.name, .0.version)]
    Untold(PackageId),
}

/// Who links whom, the root first.
#[derive(Debug, Default)]
struct Tree {
    root: Option<PackageId>,
    links: BTreeMap<PackageId, BTreeSet<PackageId>>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Told>,
}

#[derive(Deserialize)]
struct Told {
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// Reads what `cargo tree --prefix depth` said of each target, `cargo metadata` and
/// `Cargo.lock`.
///
/// # Errors
/// One of them cannot be understood.
pub fn read(
    trees: &[String],
    metadata: &str,
    lock: &str,
) -> Result<Dependencies, DependenciesError> {
    let mut tree = Tree::default();
    for text in trees {
        tree.add(text)?;
    }
    let metadata: Metadata = serde_json::from_str(metadata).map_err(DependenciesError::Metadata)?;
    let lock: Lock =
        toml::from_str(lock).map_err(|error| DependenciesError::Lock(Box::new(error)))?;
    let checksums: BTreeMap<PackageId, Option<String>> = lock
        .package
        .into_iter()
        .map(|locked| (PackageId::new(locked.name, locked.version), locked.checksum))
        .collect();
    let mut told: BTreeMap<PackageId, Told> = metadata
        .packages
        .into_iter()
        .map(|told| {
            (
                PackageId::new(told.name.clone(), told.version.clone()),
                told,
            )
        })
        .collect();
    let mut package = |id: PackageId, links: BTreeSet<PackageId>| {
        let Some(told) = told.remove(&id) else {
            return Err(DependenciesError::Untold(id));
        };
        Ok(Package {
            licence: told.license.as_deref().map(spdx),
            repository: told.repository,
            folder: told
                .manifest_path
                .parent()
                .unwrap_or(Path::new(""))
                .to_owned(),
            checksum: checksums.get(&id).cloned().flatten(),
            links,
            id,
        })
    };
    let root = tree
        .root
        .ok_or_else(|| DependenciesError::Tree(String::new()))?;
    let links = tree.links.remove(&root).unwrap_or_default();
    Ok(Dependencies {
        root: package(root, links)?,
        others: tree
            .links
            .into_iter()
            .map(|(id, links)| package(id, links))
            .collect::<Result<_, _>>()?,
    })
}

impl Tree {
    /// Adds the lines of one target: `2bytes v1.12.2`, below the one that links it.
    fn add(&mut self, text: &str) -> Result<(), DependenciesError> {
        let mut above: Vec<PackageId> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (depth, id) =
                package_at(line).ok_or_else(|| DependenciesError::Tree(line.to_owned()))?;
            if depth > above.len() {
                return Err(DependenciesError::Tree(line.to_owned()));
            }
            above.truncate(depth);
            match above.last() {
                Some(user) => {
                    let links = self.links.entry(user.clone()).or_default();
                    links.insert(id.clone());
                }
                None => self.root = Some(id.clone()),
            }
            self.links.entry(id.clone()).or_default();
            above.push(id);
        }
        Ok(())
    }
}

/// The depth and the package of a line of `cargo tree --prefix depth`.
fn package_at(line: &str) -> Option<(usize, PackageId)> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let (depth, rest) = line.split_at(digits);
    let mut words = rest.split(' ');
    let name = words.next().filter(|name| !name.is_empty())?;
    let version = words.next()?.strip_prefix('v')?;
    let id = PackageId::new(name.to_owned(), version.to_owned());
    Some((depth.parse().ok()?, id))
}

/// An expression as SPDX has it: older packages put a slash between two licences.
fn spdx(licence: &str) -> String {
    licence
        .replace('/', " OR ")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

impl PackageId {
    fn new(name: String, version: String) -> Self {
        Self { name, version }
    }

    /// The package's address in the form of <https://github.com/package-url/purl-spec>.
    #[must_use]
    pub fn purl(&self) -> String {
        // A version may have build data behind a plus, which stands for a space there.
        let version = self.version.replace('+', "%2B");
        format!("pkg:cargo/{}@{version}", self.name)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const TREE: &str =
        "0ours v0.1.0 (/clone)\n1bytes v1.2.3\n2serde v1.0.0+data\n1serde v1.0.0+data (*)\n";
    const ON_ARM: &str = "0ours v0.1.0 (/clone)\n1only-there v2.0.0\n";
    const LOCK: &str = "version = 4\n[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n\
        [[package]]\nname = \"bytes\"\nversion = \"1.2.3\"\nchecksum = \"ab12\"\n";

    fn metadata(folder: &Path) -> String {
        let package = |name: &str, version: &str, licence: serde_json::Value| {
            let manifest = folder.join(name).join("Cargo.toml");
            serde_json::json!({
                "name": name, "version": version, "license": licence, "features": {},
                "repository": null, "manifest_path": manifest,
            })
        };
        serde_json::json!({"packages": [
            package("ours", "0.1.0", "Apache-2.0".into()),
            package("bytes", "1.2.3", "MIT/Apache-2.0".into()),
            package("serde", "1.0.0+data", "MIT OR Apache-2.0".into()),
            package("only-there", "2.0.0", serde_json::Value::Null),
            package("of-the-harness", "3.0.0", "MIT".into()),
        ]})
        .to_string()
    }

    /// A function with three packages, whose sources would be in `folder`.
    pub(crate) fn three(folder: &Path) -> Dependencies {
        let trees = [TREE.to_owned(), ON_ARM.to_owned()];
        read(&trees, &metadata(folder), LOCK).unwrap()
    }

    #[test]
    fn are_what_is_linked_for_any_target_and_nothing_else() {
        let Dependencies { root, others } = three(Path::new("/registry"));
        assert_eq!(root.id.name, "ours");
        let names: Vec<&str> = others.iter().map(|one| one.id.name.as_str()).collect();
        assert_eq!(names, ["bytes", "only-there", "serde"]);
        let [bytes, only_there, serde] = &others[..] else {
            panic!("{others:?}");
        };
        assert_eq!(bytes.licence.as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!(bytes.checksum.as_deref(), Some("ab12"));
        assert_eq!(bytes.folder, Path::new("/registry/bytes"));
        assert_eq!(bytes.links, BTreeSet::from([serde.id.clone()]));
        assert_eq!(only_there.licence, None);
        assert_eq!(serde.id.purl(), "pkg:cargo/serde@1.0.0%2Bdata");
        assert_eq!(root.links.len(), 3);
    }

    #[test]
    fn tells_the_line_that_it_does_not_understand() {
        for wrong in ["bytes v1.2.3", "0bytes", "2bytes v1.2.3", "0bytes 1.2.3"] {
            let error = read(&[wrong.to_owned()], "{\"packages\": []}", LOCK).unwrap_err();
            assert!(error.to_string().contains(wrong), "{error}");
        }
        let untold = read(&[TREE.to_owned()], "{\"packages\": []}", LOCK).unwrap_err();
        assert!(
            untold
                .to_string()
                .starts_with("`cargo metadata` does not tell of")
        );
    }
}
