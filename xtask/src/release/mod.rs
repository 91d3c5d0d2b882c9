//! `cargo xtask release`: everything that customers get, built from one commit.
//!
//! Without `--publish` nothing leaves this machine.

pub mod architecture;
pub mod asset;
pub mod bill_of_materials;
pub mod binary;
pub mod bundle;
pub mod compile;
pub mod configuration;
pub mod credentials;
pub mod dependencies;
pub mod digest;
pub mod licences;
pub mod notes;
pub mod publish;
pub mod s3;
pub mod screen;
pub mod signature;
pub mod sums;
pub mod template;
pub mod tool;
pub mod working_tree;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;
use semver::Version;
use serde::Deserialize;
use thiserror::Error;

use crate::keep;
use crate::policies;
use crate::quick_create::{QuickCreate, link};
use crate::region::Region;
use architecture::Architecture;
use asset::{Asset, ObjectKey, TEMPLATE};
use compile::{Optimization, Toolchain};
use configuration::Configuration;
use publish::{Destination, Object, Objects};
use screen::Screen;
use working_tree::WorkingTree;

/// The file that stays here, for the page of the release.
const NOTES: &str = "release-notes.md";

/// Whether `cargo test` is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tests {
    /// They are run, and must pass
    Run,
    /// They have passed elsewhere, or it is a dry run
    Skip,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Options {
    /// The workspace.
    pub root: PathBuf,
    /// The version of everything.
    pub version: Version,
    /// Where the release goes.
    pub configuration: Configuration,
    /// For these, or for all that can be compiled here.
    pub architectures: Option<Vec<Architecture>>,
    /// How the function is compiled.
    pub optimization: Optimization,
    /// Whether the tests are run.
    pub tests: Tests,
    /// What the sums are signed with.
    pub key: Option<signature::SigningKey>,
    /// With what it is uploaded, or a dry run.
    pub publisher: Option<Publisher>,
}

/// Who uploads, and how.
#[derive(Clone, Debug)]
pub struct Publisher {
    /// Of the account that may write to the buckets.
    pub credentials: aws_credential_types::Credentials,
    /// The way to S3.
    pub network: s3::Network,
}

/// Why there is no release.
#[derive(Debug, Error)]
pub enum ReleaseError {
    /// The commit is not what everybody can see.
    #[error(transparent)]
    NotReleasable(#[from] working_tree::NotReleasable),
    /// Later releases could not be tested with stacks of this one, or of an earlier one.
    #[error(transparent)]
    NotKept(#[from] keep::NotKept),
    /// A program failed.
    #[error(transparent)]
    Tool(#[from] tool::ToolError),
    /// An architecture that is to be published cannot be compiled here.
    #[error("{0}. A release has both architectures; `--architecture x86_64` leaves arm64 out")]
    Missing(#[source] compile::Missing),
    /// Every region has `x86_64`, and it is the template's default.
    #[error(
        "a release without x86_64 is none: every region has it, and it is the template's default"
    )]
    WithoutX8664,
    /// The function does not compile to the same bytes.
    #[error(transparent)]
    Compile(#[from] compile::CompileError),
    /// Lambda could not run it.
    #[error(transparent)]
    Binary(#[from] binary::BinaryError),
    /// It cannot be zipped.
    #[error("the function cannot be zipped")]
    Zip(#[from] zip::result::ZipError),
    /// What is linked cannot be told.
    #[error(transparent)]
    Dependencies(#[from] dependencies::DependenciesError),
    /// The licences cannot be told.
    #[error(transparent)]
    Licences(#[from] licences::LicencesError),
    /// The template cannot be written.
    #[error(transparent)]
    Template(#[from] template::TemplateError),
    /// The template of the release before cannot be compared with.
    #[error(transparent)]
    Policies(#[from] policies::NotYaml),
    /// Nothing is signed.
    #[error(transparent)]
    Signature(#[from] signature::SignatureError),
    /// The changelog does not tell of the version.
    #[error(transparent)]
    Notes(#[from] notes::NoNotes),
    /// A file or folder of the workspace.
    #[error("`{}` cannot be used", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// `cargo metadata` names no target folder.
    #[error("what `cargo metadata` said cannot be read")]
    Metadata(#[source] serde_json::Error),
    /// Not everything is in its place.
    #[error(
        "the release is not published: what is in place stays, and the same command goes on from there. Buckets and owner stand in the configuration, release.toml\n{0}"
    )]
    Publish(#[from] publish::PublishError),
}

/// Builds a release and, with a publisher, puts it into the buckets.
///
/// # Errors
/// The first thing that does not hold, and what to do about it.
pub async fn run<W: io::Write>(
    options: &Options,
    screen: &mut Screen<W>,
) -> Result<(), ReleaseError> {
    let root = &options.root;
    let is_dry = options.publisher.is_none();

    screen.step("the commit");
    let commit = check_commit(options, screen)?;

    screen.step("the tests");
    if options.tests == Tests::Run {
        tool::output(cargo(root).args(["test", "--locked"]))?;
        screen.line("`cargo test --locked` passed");
    } else {
        screen.line("not run; `--tests run` runs them");
    }

    screen.step("the function, compiled twice, some minutes");
    let toolchain = Toolchain::find(root)?;
    let architectures = architectures(options, &toolchain, screen)?;
    let metadata =
        tool::output(cargo(root).args(["metadata", "--locked", "--format-version", "1"]))?;
    let target = target_folder(&metadata)?;
    let work = target.join("xtask");
    let zips = zips(options, &toolchain, &commit, &work, &architectures, screen)?;

    screen.step("the bill of materials and the licences");
    let dependencies = linked(root, &metadata, &architectures)?;
    let bill = bill_of_materials::of(&dependencies);
    let licences = licences::of(&dependencies)?;
    let count = dependencies.others.len();
    screen.line(&format!("{}: {count} packages are linked", bill.name));
    screen.line(&format!("{}: each has a licence", licences.name));

    screen.step("the template");
    let template = written_template(options, &zips)?;
    let buckets = &options.configuration.buckets;
    screen.line(&format!(
        "version {}, {} regions, {} architectures",
        options.version,
        buckets.len(),
        zips.len()
    ));

    let folder = folder_of(&target, &options.version);
    let mut assets: Vec<Asset> = zips.into_values().chain([bill, licences]).collect();
    write_all(&folder, assets.iter().chain([&template]))?;

    screen.step("the linters");
    lint(root, &folder.join(TEMPLATE))?;
    screen.line("cfn-lint finds nothing in the template as it is published");
    check_bill(root, &folder.join(bill_of_materials::NAME))?;
    screen.line(&format!(
        "{} is what the schema of CycloneDX 1.5 allows, and nothing else is in it",
        bill_of_materials::NAME
    ));

    screen.step("the sums");
    let sums = sums::of(assets.iter().chain([&template]));
    for line in String::from_utf8_lossy(&sums.bytes).lines() {
        screen.line(line);
    }
    let signature = match &options.key {
        Some(key) => {
            let comment = format!("{} {}", compile::PACKAGE, options.version);
            Some(key.sign(&sums, &comment)?)
        }
        None => None,
    };
    screen.line(match &signature {
        Some(_) => "signed with the key of --minisign-key",
        None => "not signed; `--minisign-key FILE` signs them",
    });
    assets.extend(std::iter::once(sums).chain(signature));

    screen.step("the release notes");
    let objects = objects(options, assets, template);
    let notes = release_notes(options, &objects, screen)?;
    let notes = Asset::new(NOTES, "text/markdown", notes);
    let assets = objects.first.iter().map(|object| &object.asset);
    write_all(&folder, assets.chain([&objects.last.asset, &notes]))?;
    screen.line(&format!("everything is in {}", folder.display()));

    screen.step(if is_dry {
        "the upload, which a dry run leaves out"
    } else {
        "the upload"
    });
    match &options.publisher {
        Some(publisher) => upload(options, publisher, &objects, screen).await?,
        None => {
            for object in objects.first.iter().chain([&objects.last]) {
                screen.line(&object.key.to_string());
            }
            screen.line(&format!(
                "`--publish` would put these into {} buckets",
                buckets.len()
            ));
        }
    }
    Ok(())
}

/// The commit, which a real release wants clean and tagged.
fn check_commit<W: io::Write>(
    options: &Options,
    screen: &mut Screen<W>,
) -> Result<String, ReleaseError> {
    let git = |arguments: &[&str]| {
        tool::output(
            Command::new("git")
                .args(arguments)
                .current_dir(&options.root),
        )
    };
    let tree = WorkingTree {
        commit: git(&["rev-parse", "HEAD"])?.trim_end().to_owned(),
        status: git(&["status", "--porcelain"])?,
        tags: git(&["tag", "--points-at", "HEAD"])?,
    };
    screen.line(&format!("{}, version {}", tree.commit, options.version));
    match tree.check(&options.version) {
        Ok(()) => screen.line("clean and tagged"),
        Err(error) if options.publisher.is_some() => return Err(error.into()),
        Err(error) => screen.line(&format!("`--publish` would refuse it: {error}")),
    }
    match keep::check(&options.root, &options.version) {
        Ok(()) => screen.line("its template is kept for the tests of upgrades, like all before"),
        Err(error) if options.publisher.is_some() => return Err(error.into()),
        Err(error) => screen.line(&format!("`--publish` would refuse it: {error}")),
    }
    Ok(tree.commit)
}

/// What is compiled. A dry run without a wish takes what is there.
fn architectures<W: io::Write>(
    options: &Options,
    toolchain: &Toolchain,
    screen: &mut Screen<W>,
) -> Result<Vec<Architecture>, ReleaseError> {
    let wanted = options
        .architectures
        .as_deref()
        .unwrap_or(&Architecture::ALL);
    let must = options.publisher.is_some() || options.architectures.is_some();
    let mut chosen = Vec::new();
    for &architecture in &Architecture::ALL {
        if !wanted.contains(&architecture) {
            continue;
        }
        match toolchain.has(architecture) {
            Ok(()) => chosen.push(architecture),
            Err(missing) if must => return Err(ReleaseError::Missing(missing)),
            Err(missing) => {
                let name = architecture.name();
                screen.line(&format!("{name} is left out: {missing}"));
            }
        }
    }
    if chosen.contains(&Architecture::X86_64) {
        Ok(chosen)
    } else {
        Err(ReleaseError::WithoutX8664)
    }
}

/// The zip of each architecture.
fn zips<W: io::Write>(
    options: &Options,
    toolchain: &Toolchain,
    commit: &str,
    work: &Path,
    architectures: &[Architecture],
    screen: &mut Screen<W>,
) -> Result<BTreeMap<Architecture, Asset>, ReleaseError> {
    fs::create_dir_all(work).map_err(|source| unusable(work, source))?;
    let sources = work.join("sources.tar");
    let mut archive = Command::new("git");
    archive
        .args(["archive", "--format", "tar", "--output"])
        .arg(&sources)
        .arg(commit);
    tool::output(archive.current_dir(&options.root))?;
    let work = match options.optimization {
        Optimization::Full => work.to_owned(),
        // Or each kind of build would throw the other one's away.
        Optimization::None => {
            screen.line("not optimised, as --unoptimized asks: no release has these bytes");
            work.join("unoptimized")
        }
    };
    let binaries = compile::twice(
        toolchain,
        &sources,
        &work,
        architectures,
        options.optimization,
    )?;
    let mut zips = BTreeMap::new();
    for (&architecture, binary) in architectures.iter().zip(&binaries) {
        let library = binary::check(binary, architecture)?;
        let bytes = bundle::zip(binary)?;
        let zip = Asset::new(architecture.zip_name(), "application/zip", bytes);
        screen.line(&format!(
            "{}: two builds in two folders gave the same bytes; needs GLIBC_{library}, Lambda has 2.34",
            architecture.name()
        ));
        screen.line(&format!(
            "{}: {} bytes, SHA-256 {}",
            zip.name,
            zip.bytes.len(),
            zip.sha256
        ));
        zips.insert(architecture, zip);
    }
    Ok(zips)
}

/// What the function links for any of these architectures.
fn linked(
    root: &Path,
    metadata: &str,
    architectures: &[Architecture],
) -> Result<dependencies::Dependencies, ReleaseError> {
    let mut trees = Vec::new();
    for architecture in architectures {
        let mut tree = cargo(root);
        tree.args(["tree", "--locked", "--package", compile::PACKAGE])
            .args(["--edges", "normal,no-proc-macro", "--prefix", "depth"])
            .args(["--target", architecture.target()]);
        trees.push(tool::output(&mut tree)?);
    }
    let lock = root.join("Cargo.lock");
    let lock = fs::read_to_string(&lock).map_err(|source| unusable(&lock, source))?;
    Ok(dependencies::read(&trees, metadata, &lock)?)
}

fn written_template(
    options: &Options,
    zips: &BTreeMap<Architecture, Asset>,
) -> Result<Asset, ReleaseError> {
    let path = options.root.join(TEMPLATE);
    let source = fs::read_to_string(&path).map_err(|source| unusable(&path, source))?;
    let code = |architecture| {
        zips.get(&architecture).map(|zip| template::Code {
            key: zip.key(&options.configuration.prefix, &options.version),
            sha256: zip.sha256,
        })
    };
    let literals = template::Literals {
        version: &options.version,
        configuration: &options.configuration,
        x86_64: code(Architecture::X86_64).ok_or(ReleaseError::WithoutX8664)?,
        arm64: code(Architecture::Arm64),
    };
    let text = template::write(&source, &literals)?;
    Ok(Asset::template(text))
}

/// Runs cfn-lint in the version that the project pins.
fn lint(root: &Path, template: &Path) -> Result<(), ReleaseError> {
    let mut linter = in_venv(root, "linters", "cfn-lint")?;
    tool::output(linter.arg(template))?;
    Ok(())
}

/// Has `CycloneDX`'s own library compare the bill with the schema, strictly.
fn check_bill(root: &Path, bill: &Path) -> Result<(), ReleaseError> {
    let mut python = in_venv(root, "sbom", "python")?;
    tool::output(python.arg("ci/check_sbom.py").arg(bill))?;
    Ok(())
}

/// A program of the virtual environment that `ci/NAME-requirements.txt` lists.
fn in_venv(root: &Path, name: &str, program: &str) -> Result<Command, ReleaseError> {
    let mut venv = Command::new(root.join("ci/venv"));
    venv.arg(name)
        .arg(format!("ci/{name}-requirements.txt"))
        .current_dir(root);
    let folder = tool::output(&mut venv)?;
    let program = Path::new(folder.trim_end()).join("bin").join(program);
    let mut command = Command::new(program);
    command.current_dir(root);
    Ok(command)
}

/// Everything with its key: the template last.
fn objects(options: &Options, assets: Vec<Asset>, template: Asset) -> Objects {
    let object = |asset: Asset| Object {
        key: asset.key(&options.configuration.prefix, &options.version),
        asset,
    };
    Objects {
        first: assets.into_iter().map(object).collect(),
        last: object(template),
    }
}

/// What the page of the release says: what is new, where to install it, what it is made of.
fn release_notes<W: io::Write>(
    options: &Options,
    objects: &Objects,
    screen: &mut Screen<W>,
) -> Result<String, ReleaseError> {
    let path = options.root.join("CHANGELOG.md");
    let changelog = fs::read_to_string(&path).map_err(|source| unusable(&path, source))?;
    let news = match notes::of(&changelog, &options.version) {
        Err(error) if options.publisher.is_none() => {
            screen.line(&format!("`--publish` would refuse it: {error}"));
            notes::unreleased(&changelog).unwrap_or_default()
        }
        news => news?,
    };
    let mut text = format!(
        "# {} {}\n\n{news}\n\n## Install\n\n",
        compile::PACKAGE,
        options.version
    );
    for region in options.configuration.buckets.keys() {
        let url = address(&options.configuration, &objects.last.key, region);
        let line = match quick_create(region, &url) {
            Some(link) => format!("[{region}]({link}), from {url}"),
            None => format!("{region}, from {url}"),
        };
        screen.line(&line);
        writeln!(text, "- {line}").expect("a text takes everything");
    }
    text += "\n## What may be done\n\n";
    text += &policies_since(options, &objects.last.asset)?;
    text += "\n## Files\n\n| SHA-256 | key in every bucket |\n|---|---|\n";
    for Object { key, asset } in objects.first.iter().chain([&objects.last]) {
        writeln!(text, "| `{}` | `{key}` |", asset.sha256).expect("a text takes everything");
    }
    Ok(text)
}

/// The address of an object for somebody in `region`: in the bucket of that region or, where
/// none is served, in the first one. CloudFormation reads templates from every region.
///
/// # Panics
/// Never: a configuration has a bucket.
#[must_use]
pub fn address(configuration: &Configuration, key: &ObjectKey, region: &Region) -> String {
    let buckets = &configuration.buckets;
    let (served, bucket) = buckets
        .get_key_value(region)
        .or_else(|| buckets.first_key_value())
        .expect("a configuration has at least one bucket");
    format!("https://{}/{key}", served.bucket_host(bucket.as_str()))
}

/// Where everything of a release is written, below the target folder.
fn folder_of(target: &Path, version: &Version) -> PathBuf {
    target.join("xtask/release").join(version.to_string())
}

/// The template of a release that was built before, below the target folder.
///
/// # Errors
/// It is not there, or cannot be read.
pub fn built_template(target: &Path, version: &Version) -> Result<Asset, ReleaseError> {
    let path = folder_of(target, version).join(TEMPLATE);
    let text = fs::read(&path).map_err(|source| unusable(&path, source))?;
    Ok(Asset::template(text))
}

/// How trust and permission policies differ from those of the release before.
fn policies_since(options: &Options, template: &Asset) -> Result<String, ReleaseError> {
    let git = |arguments: &[&str]| {
        tool::output(
            Command::new("git")
                .args(arguments)
                .current_dir(&options.root),
        )
    };
    let tags = git(&[
        "tag",
        "--list",
        "v*",
        "--merged",
        "HEAD",
        "--sort=-v:refname",
    ])?;
    let own = format!("v{}", options.version);
    let Some(before) = tags.lines().find(|tag| *tag != own) else {
        return Ok(
            "No release is before this one: `cargo xtask policies` prints all.\n".to_owned(),
        );
    };
    let earlier = git(&["show", &format!("{before}:{TEMPLATE}")])?;
    let template = String::from_utf8_lossy(&template.bytes);
    let told = policies::told(Some(&earlier), &template)?;
    Ok(format!("Since {before}:\n\n```diff\n{told}```\n"))
}

/// The link without an external id, which the form asks for. Where the template needs a
/// principal as well, `cargo xtask link` makes it for each customer.
fn quick_create(region: &Region, template_url: &str) -> Option<String> {
    let form = QuickCreate {
        region,
        template_url: &template_url.parse().ok()?,
        external_id: None,
        identity_center: false,
        principal_arn: None,
    };
    link(&form).ok()
}

async fn upload<W: io::Write>(
    options: &Options,
    publisher: &Publisher,
    objects: &Objects,
    screen: &mut Screen<W>,
) -> Result<(), ReleaseError> {
    let Publisher {
        credentials,
        network,
    } = publisher;
    let Configuration { owner, buckets, .. } = &options.configuration;
    let destination = |(region, bucket): (&Region, &configuration::BucketName)| Destination {
        region: region.clone(),
        bucket: bucket.clone(),
        owner: owner.clone(),
        s3: s3::client(region, credentials, network),
    };
    let destinations: Vec<_> = buckets.iter().map(destination).collect();
    let tell = |placed: publish::Placed| screen.line(&placed.to_string());
    publish::publish(&destinations, objects, tell).await?;
    screen.line("published: every region has everything");
    Ok(())
}

fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root);
    cargo
}

fn target_folder(metadata: &str) -> Result<PathBuf, ReleaseError> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let metadata: Metadata = serde_json::from_str(metadata).map_err(ReleaseError::Metadata)?;
    Ok(metadata.target_directory)
}

fn write_all<'a>(
    folder: &Path,
    assets: impl Iterator<Item = &'a Asset>,
) -> Result<(), ReleaseError> {
    fs::create_dir_all(folder).map_err(|source| unusable(folder, source))?;
    for asset in assets {
        let path = folder.join(&asset.name);
        fs::write(&path, &asset.bytes).map_err(|source| unusable(&path, source))?;
    }
    Ok(())
}

fn unusable(path: &Path, source: io::Error) -> ReleaseError {
    ReleaseError::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIGURATION: &str = "
        prefix = \"product\"
        expected_bucket_owner = \"123456789012\"
        [buckets]
        eu-west-1 = \"in-europe\"
        us-east-1 = \"in-america\"
    ";

    fn git(root: &Path, arguments: &[&str]) {
        let author = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
        let mut git = Command::new("git");
        tool::output(git.args(author).args(arguments).current_dir(root)).unwrap();
    }

    #[test]
    fn compares_the_policies_with_those_of_the_release_before() {
        let root = tempfile::tempdir().unwrap();
        let template = |action: &str| {
            format!(
                "Resources: {{R: {{Type: AWS::IAM::Role, Properties: {{Policies: [{{PolicyDocument: \
                 {{Statement: [{{Sid: One, Action: {action}}}]}}}}]}}}}}}\n"
            )
        };
        let now = Asset::template(template("s3:PutObject"));
        let options = Options {
            root: root.path().to_owned(),
            version: Version::new(1, 3, 0),
            configuration: CONFIGURATION.parse().unwrap(),
            architectures: None,
            optimization: Optimization::Full,
            tests: Tests::Skip,
            key: None,
            publisher: None,
        };
        git(root.path(), &["init", "--quiet"]);
        let commit = |action: &str, tag: &str| {
            fs::write(root.path().join(TEMPLATE), template(action)).unwrap();
            git(root.path(), &["add", "."]);
            git(
                root.path(),
                &["commit", "--quiet", "--no-gpg-sign", "-m", tag],
            );
            git(root.path(), &["tag", tag]);
        };
        commit("s3:PutObject", "v1.3.0");
        let first = policies_since(&options, &now).unwrap();
        assert!(
            first.starts_with("No release is before this one"),
            "{first}"
        );

        commit("s3:ListBucket", "v1.2.9");
        commit("s3:GetObject", "v1.2.10");
        let told = policies_since(&options, &now).unwrap();
        assert!(
            told.starts_with("Since v1.2.10:\n\n```diff\n- R, statement One\n"),
            "{told}"
        );
        assert!(told.contains("-     Action: s3:GetObject\n"), "{told}");
        assert!(told.contains("+     Action: s3:PutObject\n"), "{told}");
    }

    #[test]
    fn finds_the_template_of_a_release_that_was_built_here() {
        let target = tempfile::tempdir().unwrap();
        let version = Version::new(1, 2, 3);
        let missing = built_template(target.path(), &version).unwrap_err();
        assert!(missing.to_string().contains("1.2.3"), "{missing}");
        let folder = target.path().join("xtask/release/1.2.3");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(TEMPLATE), "text").unwrap();
        let template = built_template(target.path(), &version).unwrap();

        let configuration: Configuration = CONFIGURATION.parse().unwrap();
        let key = template.key(&configuration.prefix, &version);
        let hash = digest::Sha256::of(b"text");
        for (region, bucket) in [
            ("us-east-1", "in-america.s3.us-east-1"),
            ("ap-south-1", "in-europe.s3.eu-west-1"),
        ] {
            let address = address(&configuration, &key, &region.parse().unwrap());
            assert_eq!(
                address,
                format!("https://{bucket}.amazonaws.com/product/1.2.3/{hash}/template.yaml")
            );
        }
    }
}
