//! The whole command, from the commit to the last bucket, of a small function in a
//! repository of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;
use tokio::process::Command as Program;
use xtask::keep::keep;
use xtask::release::architecture::Architecture;
use xtask::release::compile::Optimization;
use xtask::release::screen::Screen;
use xtask::release::{Options, Publisher, ReleaseError, Tests, run};

use crate::stage::{REGIONS, Stage};

const MANIFEST: &str = "\
[package]
name = \"authomize-trust-role\"
version = \"VERSION\"
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
version = \"VERSION\"
";

const CHANGELOG: &str = "## [VERSION]\n- everything\n";

/// Stands for the linters, which have tests of their own.
const VENV: &str = "#!/bin/sh\necho \"$PWD/tools\"\n";
const LINTER: &str = "#!/bin/sh\nexit 0\n";

/// A commit that can be released as this version.
struct Repository {
    folder: TempDir,
    version: &'static str,
}

impl Repository {
    fn new(version: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Self { folder, version };
        let template = include_str!("../../../template.yaml");
        for (name, text) in [
            ("Cargo.toml", MANIFEST),
            ("Cargo.lock", LOCK),
            (
                "main.rs",
                "fn main() { assert!(std::env::args().len() > 1); }\n",
            ),
            ("template.yaml", template),
            ("CHANGELOG.md", CHANGELOG),
            (".gitignore", "/target\n"),
            ("ci/venv", VENV),
            ("tools/bin/cfn-lint", LINTER),
            ("tools/bin/python", LINTER),
        ] {
            let path = repository.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text.replace("VERSION", version)).unwrap();
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
        self.folder.path()
    }

    fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=A", "-c", "user.email=a@example.com"])
            .args(arguments)
            .current_dir(self.path());
        assert!(git.status().unwrap().success());
    }

    /// What a release wants beside the tag.
    fn keep_and_tag(&self) {
        keep(self.path(), &self.version.parse().unwrap()).unwrap();
        self.commit();
        let tag = format!("v{}", self.version);
        self.git(&["tag", "--force", &tag]);
    }

    /// Releases it into the buckets of the stage; what was printed and what came of it.
    async fn publish(&self, stage: &Stage) -> (String, Result<(), ReleaseError>) {
        let options = Options {
            root: self.path().to_owned(),
            version: self.version.parse().unwrap(),
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

/// What is published of a release that is not signed.
const FILES: [&str; 5] = [
    "SHA256SUMS",
    "licences.txt",
    "sbom.cdx.json",
    "template.yaml",
    "x86_64.zip",
];

async fn every_region_has(stage: &Stage, names: &[&str]) {
    for region in REGIONS {
        let stored = stage.stored(region).await;
        let mut found: Vec<_> = stored
            .keys()
            .filter_map(|key| key.rsplit('/').next())
            .collect();
        found.sort_unstable();
        assert_eq!(found, names, "{region}");
    }
}

#[tokio::test]
async fn a_release_goes_from_a_tagged_commit_into_every_bucket() {
    let stage = Stage::set().await;
    let repository = Repository::new("1.2.3");
    let (printed, ended) = repository.publish(&stage).await;
    let told = ended.unwrap_err().to_string();
    assert!(told.contains("`git tag v1.2.3` gives it one"), "{told}");
    assert!(printed.starts_with("1/9 the commit"), "{printed}");

    repository.git(&["tag", "v1.2.3"]);
    let (_, ended) = repository.publish(&stage).await;
    let told = ended.unwrap_err().to_string();
    assert!(told.contains("`cargo xtask keep` writes it"), "{told}");

    repository.keep_and_tag();
    let (printed, ended) = repository.publish(&stage).await;
    ended.unwrap();
    for part in [
        "9/9 the upload\n",
        "two builds in two folders gave the same bytes",
        "published: every region has everything",
    ] {
        assert!(printed.contains(part), "{part} is not in {printed}");
    }
    every_region_has(&stage, &FILES).await;

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

/// The program itself with these words, and what it takes from its environment.
async fn xtask(stage: &Stage, words: &[&str], variables: &[(&str, &str)]) -> Output {
    let internet = &stage.world.internet;
    let mut program = Program::new(env!("CARGO_BIN_EXE_xtask"));
    program
        .args(words)
        .env_remove("CARGO_TARGET_DIR")
        .env("HTTPS_PROXY", format!("http://{}", internet.address()))
        .env("SSL_CERT_FILE", internet.ca_file())
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env_remove("AWS_SESSION_TOKEN")
        .envs(variables.iter().copied());
    program.output().await.unwrap()
}

#[tokio::test]
async fn the_command_itself_publishes_what_its_words_say() {
    let stage = Stage::set().await;
    let repository = Repository::new(env!("CARGO_PKG_VERSION"));
    let outside = tempfile::tempdir().unwrap();
    let configuration = outside.path().join("release.toml");
    fs::write(&configuration, stage.configuration_text()).unwrap();
    let key = outside.path().join("release.key");
    let pair = minisign::KeyPair::generate_encrypted_keypair(Some("word".to_owned())).unwrap();
    fs::write(&key, pair.sk.to_box(None).unwrap().to_string()).unwrap();

    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (root, configuration, key) = (text(repository.path()), text(&configuration), text(&key));
    let words = [
        ["release", "--publish"].as_slice(),
        &["--root", &root, "--configuration", &configuration],
        &["--minisign-key", &key, "--tests", "skip"],
        &["--architecture", "x86_64"],
    ]
    .concat();
    let root_user = stage.root();
    let password = ("MINISIGN_PASSWORD", "word");
    let publisher = [
        ("AWS_ACCESS_KEY_ID", root_user.access_key_id()),
        ("AWS_SECRET_ACCESS_KEY", root_user.secret_access_key()),
        password,
    ];

    let nobody = xtask(&stage, &words, &[password]).await;
    assert_eq!(nobody.status.code(), Some(2));
    let told = String::from_utf8(nobody.stderr).unwrap();
    assert!(told.contains("AWS_ACCESS_KEY_ID"), "{told}");

    let untagged = xtask(&stage, &words, &publisher).await;
    assert_eq!(untagged.status.code(), Some(1));
    let told = String::from_utf8(untagged.stderr).unwrap();
    let tag = format!("`git tag v{}` gives it one", repository.version);
    assert!(told.contains(&tag), "{told}");
    every_region_has(&stage, &[]).await;

    repository.keep_and_tag();
    let published = xtask(&stage, &words, &publisher).await;
    let told = String::from_utf8_lossy(&published.stderr);
    let printed = String::from_utf8_lossy(&published.stdout);
    assert_eq!(published.status.code(), Some(0), "{told}");
    let end = "published: every region has everything";
    assert!(printed.contains(end), "{printed}");
    let signed = [&FILES[..1], &["SHA256SUMS.minisig"], &FILES[1..]].concat();
    every_region_has(&stage, &signed).await;
}
