//! The whole command, from the commit to the last bucket, of a small function in a
//! repository of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use xtask::keep::keep;
use xtask::release::architecture::Architecture;
use xtask::release::compile::Optimization;
use xtask::release::screen::Screen;
use xtask::release::{Options, Publisher, ReleaseError, Tests, run};

use crate::stage::{REGIONS, Stage};

const MANIFEST: &str = "\
[package]
name = \"authomize-trust-role\"
version = \"1.2.3\"
edition = \"2024\"
license = \"Apache-2.0\"

[[bin]]
name = \"bootstrap\"
path = \"main.rs\"

[workspace]
";

const LOCK: &str = "\
version = 4

[[package]]
name = \"authomize-trust-role\"
version = \"1.2.3\"
";

/// Stands for the linters, which have tests of their own.
const VENV: &str = "#!/bin/sh\necho \"$PWD/tools\"\n";
const LINTER: &str = "#!/bin/sh\nexit 0\n";

/// A commit that can be released as 1.2.3.
struct Repository(TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        let template = include_str!("../../../template.yaml");
        for (name, text) in [
            ("Cargo.toml", MANIFEST),
            ("Cargo.lock", LOCK),
            (
                "main.rs",
                "fn main() { assert!(std::env::args().len() > 1); }\n",
            ),
            ("template.yaml", template),
            ("CHANGELOG.md", "## [1.2.3]\n- everything\n"),
            (".gitignore", "/target\n"),
            ("ci/venv", VENV),
            ("tools/bin/cfn-lint", LINTER),
            ("tools/bin/python", LINTER),
        ] {
            let path = repository.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            if text.starts_with("#!") {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        repository.git(&["init", "--quiet"]);
        repository.commit();
        repository
    }

    fn commit(&self) {
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--no-gpg-sign", "-m", "all"]);
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=A", "-c", "user.email=a@example.com"])
            .args(arguments)
            .current_dir(self.path());
        assert!(git.status().unwrap().success());
    }

    /// Releases it into the buckets of the stage; what was printed and what came of it.
    async fn publish(&self, stage: &Stage) -> (String, Result<(), ReleaseError>) {
        let options = Options {
            root: self.path().to_owned(),
            version: "1.2.3".parse().unwrap(),
            configuration: stage.configuration.clone(),
            architectures: Some(vec![Architecture::X86_64]),
            optimization: Optimization::Full,
            tests: Tests::Skip,
            key: None,
            publisher: Some(Publisher {
                credentials: stage.root(),
                network: stage.network(),
            }),
        };
        let mut printed = Vec::new();
        let ended = run(&options, &mut Screen::new(&mut printed)).await;
        (String::from_utf8(printed).unwrap(), ended)
    }
}

#[tokio::test]
async fn a_release_goes_from_a_tagged_commit_into_every_bucket() {
    let stage = Stage::set().await;
    let repository = Repository::new();
    let (printed, ended) = repository.publish(&stage).await;
    let told = ended.unwrap_err().to_string();
    assert!(told.contains("`git tag v1.2.3` gives it one"), "{told}");
    assert!(printed.starts_with("1/9 the commit"), "{printed}");

    repository.git(&["tag", "v1.2.3"]);
    let (_, ended) = repository.publish(&stage).await;
    let told = ended.unwrap_err().to_string();
    assert!(told.contains("`cargo xtask keep` writes it"), "{told}");

    keep(repository.path(), &"1.2.3".parse().unwrap()).unwrap();
    repository.commit();
    repository.git(&["tag", "--force", "v1.2.3"]);
    let (printed, ended) = repository.publish(&stage).await;
    ended.unwrap();
    for part in [
        "9/9 the upload\n",
        "two builds in two folders gave the same bytes",
        "published: every region has everything",
    ] {
        assert!(printed.contains(part), "{part} is not in {printed}");
    }
    for region in REGIONS {
        let stored = stage.stored(region).await;
        let names: Vec<_> = stored
            .keys()
            .filter_map(|key| key.rsplit('/').next())
            .collect();
        for name in [
            "SHA256SUMS",
            "licences.txt",
            "sbom.cdx.json",
            "template.yaml",
            "x86_64.zip",
        ] {
            assert!(names.contains(&name), "{name} is not in {names:?}");
        }
        assert_eq!(names.len(), 5);
    }

    // Interrupted or not, the same command again finds everything in its place.
    let (printed, ended) = repository.publish(&stage).await;
    ended.unwrap();
    let there = printed.matches("was there, with the same bytes").count();
    assert_eq!(there, 15, "{printed}");

    fs::write(repository.path().join("new"), "").unwrap();
    let (_, ended) = repository.publish(&stage).await;
    let told = ended.unwrap_err().to_string();
    assert!(told.contains("such as `new`"), "{told}");
}
