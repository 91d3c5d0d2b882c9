//! The licences of everything that is linked, with their texts, which most of them want
//! to go along with the binary.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::asset::Asset;
use super::dependencies::{Dependencies, Package};

/// The name of the file.
pub const NAME: &str = "licences.txt";

/// How the names of files with a licence's text begin.
const FILES: [&str; 6] = [
    "LICENSE",
    "LICENCE",
    "COPYING",
    "COPYRIGHT",
    "NOTICE",
    "UNLICENSE",
];

/// A line between two texts.
const RULE: &str =
    "--------------------------------------------------------------------------------";

/// Why there is no such file.
#[derive(Debug, Error)]
pub enum LicencesError {
    /// The source of a package is not where cargo says.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Nobody may pass it on.
    #[error("{name} {version} names no licence")]
    None {
        /// The package.
        name: String,
        /// Its version.
        version: String,
    },
}

/// Each package with its licence, then each text once with the packages that have it.
///
/// # Errors
/// A package names no licence, or its source cannot be read.
pub fn of(dependencies: &Dependencies) -> Result<Asset, LicencesError> {
    let root = &dependencies.root.id;
    let mut list = format!(
        "What is linked into {} {}, each with its licence.\n\n",
        root.name, root.version
    );
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in &dependencies.others {
        let Package { id, licence, .. } = package;
        let Some(licence) = licence else {
            return Err(LicencesError::None {
                name: id.name.clone(),
                version: id.version.clone(),
            });
        };
        let name = format!("{} {}", id.name, id.version);
        let found = texts_of(package)?;
        let lacks = if found.is_empty() {
            ", without a text"
        } else {
            ""
        };
        writeln!(list, "{name}: {licence}{lacks}").expect("a text takes everything");
        for text in found {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    for (text, packages) in &texts {
        let packages = packages.join(", ");
        write!(list, "\n{RULE}\nOf {packages}:\n\n{text}\n").expect("a text takes everything");
    }
    Ok(Asset::new(NAME, "text/plain; charset=utf-8", list))
}

/// The texts in a package's folder, in the order of the files' names.
fn texts_of(package: &Package) -> Result<Vec<String>, LicencesError> {
    let unreadable = |path: PathBuf| move |source| LicencesError::Read { path, source };
    let folder = &package.folder;
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable(folder.clone()))? {
        let path = entry.map_err(unreadable(folder.clone()))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_uppercase();
        if FILES.iter().any(|begin| name.starts_with(begin)) && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        let text = fs::read(&path).map_err(unreadable(path.clone()))?;
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        texts.push(lines.join("\n").trim_matches('\n').to_owned());
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::super::dependencies::tests::three;
    use super::*;

    #[test]
    fn lists_each_package_and_each_text_once() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("bytes", "MIT\n"),
            ("serde", "MIT  \r\n"),
            ("only-there", ""),
        ] {
            fs::create_dir(folder.path().join(name)).unwrap();
            if !text.is_empty() {
                fs::write(folder.path().join(name).join("LICENSE-MIT"), text).unwrap();
            }
        }
        let mut dependencies = three(folder.path());
        let told = of(&dependencies).unwrap_err().to_string();
        assert_eq!(told, "only-there 2.0.0 names no licence");

        dependencies.others[1].licence = Some("ISC".to_owned());
        let text = of(&dependencies).unwrap().bytes;
        let text = std::str::from_utf8(&text).unwrap();
        assert_eq!(
            text,
            format!(
                "What is linked into ours 0.1.0, each with its licence.\n\n\
                 bytes 1.2.3: MIT OR Apache-2.0\n\
                 only-there 2.0.0: ISC, without a text\n\
                 serde 1.0.0+data: MIT OR Apache-2.0\n\n\
                 {RULE}\nOf bytes 1.2.3, serde 1.0.0+data:\n\nMIT\n"
            )
        );
    }

    #[test]
    fn tells_the_folder_that_is_not_there() {
        let told = of(&three("/nowhere".as_ref())).unwrap_err().to_string();
        assert_eq!(told, "`/nowhere/bytes` cannot be read");
    }
}
