//! The command line of `cargo xtask`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use completions::Shell;
use semver::Version;
use thiserror::Error;
use tokio::runtime::Runtime;
use url::Url;

use crate::keep::{NotKept, keep};
use crate::mirror::{self, Mirror, MirrorError};
use crate::policies::{self, NotYaml};
use crate::quick_create::{QuickCreate, QuickCreateError, link};
use crate::region::Region;
use crate::release::architecture::Architecture;
use crate::release::compile::Optimization;
use crate::release::configuration::{AccountId, BucketName, Configuration, ConfigurationError};
use crate::release::credentials::NoCredentials;
use crate::release::s3::Network;
use crate::release::screen::Screen;
use crate::release::signature::{SignatureError, SigningKey};
use crate::release::{
    self, Options, Publisher, ReleaseError, Tests, built_template, credentials, run,
};

/// What `keep --help` ends with.
const KEEP_EXAMPLES: &str = "\
Before a release:
  cargo xtask keep      writes tests/upgrade/VERSION/template.yaml, to be committed

A release without it is refused, and so is one that changes what an earlier one has kept.

Exit status: 0 written, 1 the version is released with another template.";

/// What `link --help` ends with.
const LINK_EXAMPLES: &str = "\
Examples:
  cargo xtask link --external-id 0a1b2c --region eu-west-1
  cargo xtask link --external-id 0a1b2c --region us-east-1 --identity-center
  cargo xtask link --external-id 0a1b2c --region eu-west-1 --template-url https://BUCKET.s3.eu-west-1.amazonaws.com/KEY

Nothing is asked and nothing is sent: the link is put together here.

Exit status: 0 printed, 2 what would be filled in is refused.";

/// What `mirror --help` ends with.
const MIRROR_EXAMPLES: &str = "\
Examples:
  cargo xtask mirror --template template.yaml --region eu-west-1 --bucket company-artifacts --expected-bucket-owner 123456789012

The code is read from the bucket that the template names and compared with the hash that
the template pins, before anything is written. The keys stay, nothing is overwritten, and
what was written is read back.

Environment:
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN   who reads and writes
  HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE                          the way to S3

Exit status: 0 done, 1 something does not hold, 2 it could not begin.";

/// What `policies --help` ends with.
const POLICIES_EXAMPLES: &str = "\
Examples:
  cargo xtask policies                              every policy of template.yaml
  cargo xtask policies new.yaml --since old.yaml    what went, after -, and what came, after +

The release notes have the difference from the release before.

Exit status: 0 printed, 1 a template is no YAML, 2 a file cannot be read.";

/// What `release --help` ends with.
const RELEASE_EXAMPLES: &str = "\
Examples:
  cargo xtask release                                       everything but the upload
  cargo xtask release --unoptimized                         the same steps in less time
  cargo xtask release --publish --minisign-key release.key  the release

Environment, read only with --publish and --minisign-key, and given to no program:
  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN   who uploads
  MINISIGN_PASSWORD                                             of the key, if it has one
  HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE                          the way to S3

Exit status: 0 done, 1 something does not hold, 2 it could not begin.";

/// What `--help` ends with.
const EXAMPLES: &str = "\
Examples:
  cargo xtask release                                           what customers would get
  cargo xtask link --external-id 0a1b2c --region eu-west-1      what one of them clicks
  cargo xtask policies --since old.yaml                         what has changed in the rights

Each command has a --help with examples of its own; docs/release.md tells the whole way.";

/// What a publisher of the template does
#[derive(Debug, Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keep the template of this version, from which later ones are tested
    #[command(after_help = KEEP_EXAMPLES)]
    Keep,
    /// Print what a shell needs to complete this command
    #[command(after_help = completions::HELP)]
    Completions {
        /// Your shell
        shell: Shell,
    },
    /// Print the link that opens the console with the stack filled in
    #[command(after_help = LINK_EXAMPLES)]
    Link(LinkArguments),
    /// Copy the code of a release into a bucket of your own, for `ArtifactBucket`
    #[command(after_help = MIRROR_EXAMPLES)]
    Mirror(MirrorArguments),
    /// Print what a template lets whom do, or how that differs from an earlier one
    #[command(after_help = POLICIES_EXAMPLES)]
    Policies(PoliciesArguments),
    /// Build everything that a release is made of and, with --publish, upload it
    #[command(after_help = RELEASE_EXAMPLES)]
    Release(ReleaseArguments),
}

#[derive(Debug, Args)]
struct LinkArguments {
    /// Issued by Authomize, one for each customer
    #[arg(long, value_name = "ID")]
    external_id: String,
    /// Where the stack is to be made, for example eu-west-1
    #[arg(long)]
    region: Region,
    /// Of the published template in S3 [default: of the release that was built here last]
    #[arg(long, value_name = "URL")]
    template_url: Option<Url>,
    /// For the management account: IAM Identity Center is read as well
    #[arg(long)]
    identity_center: bool,
    /// The principal of Authomize; only outside the partition aws, and required there
    #[arg(long, value_name = "ARN")]
    principal_arn: Option<String>,
}

#[derive(Debug, Args)]
struct MirrorArguments {
    /// The published template, downloaded and checked
    #[arg(long, value_name = "FILE")]
    template: PathBuf,
    /// Of your bucket, and of the stacks that take the code from it
    #[arg(long)]
    region: Region,
    /// Your bucket
    #[arg(long, value_name = "NAME")]
    bucket: String,
    /// The account that owns your bucket, 12 digits
    #[arg(long, value_name = "ACCOUNT")]
    expected_bucket_owner: String,
    /// Copy from the published bucket of this region [default: the same region, or the first of the template]
    #[arg(long, value_name = "REGION")]
    from: Option<Region>,
}

#[derive(Debug, Args)]
struct PoliciesArguments {
    /// The template
    #[arg(default_value = "template.yaml", value_name = "FILE")]
    template: PathBuf,
    /// The template of an earlier release
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ReleaseArguments {
    /// Upload it to every region; without it nothing leaves this machine
    #[arg(long)]
    publish: bool,
    /// Release another clone of this repository [default: this one]
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Where the release goes [default: release.toml]
    #[arg(long, value_name = "FILE")]
    configuration: Option<PathBuf>,
    /// Only for this one, may be given twice [default: both; without --publish, those that can be compiled here]
    #[arg(long, value_name = "ARCHITECTURE")]
    architecture: Vec<Architecture>,
    /// Compile without optimising: minutes less, for a dry run that only tries the steps
    #[arg(long, conflicts_with = "publish")]
    unoptimized: bool,
    /// Whether `cargo test` is run first [default: run with --publish, skip without]
    #[arg(long)]
    tests: Option<Tests>,
    /// Sign the sums with this secret key of minisign's
    #[arg(long, value_name = "FILE")]
    minisign_key: Option<PathBuf>,
}

/// Why there is no link.
#[derive(Debug, Error)]
enum LinkError {
    #[error(transparent)]
    Form(#[from] QuickCreateError),
    #[error(
        "no release {0} was built here: run `cargo xtask release`, or give --template-url, which the release notes have"
    )]
    NotBuilt(Version),
    #[error(transparent)]
    Setup(#[from] SetupError),
}

/// Why a command could not begin.
#[derive(Debug, Error)]
enum SetupError {
    #[error("`{}` cannot be read: {source}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}`: {source}", path.display())]
    Configuration {
        path: PathBuf,
        #[source]
        source: ConfigurationError,
    },
    #[error(transparent)]
    Argument(#[from] ConfigurationError),
    #[error(transparent)]
    Credentials(#[from] NoCredentials),
    #[error("`{}`: {source}", path.display())]
    Key {
        path: PathBuf,
        #[source]
        source: SignatureError,
    },
    #[error("the runtime does not start: {0}")]
    Runtime(#[source] io::Error),
}

/// Runs the command and tells its exit status.
#[must_use]
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Keep => status("not kept", Ok(keep_template())),
        Command::Completions { shell } => {
            completions::print(shell, "xtask", Arguments::command());
            ExitCode::SUCCESS
        }
        Command::Link(arguments) => match link_of(&arguments) {
            Ok(link) => {
                // Whoever closed the pipe does not want to read on.
                let _ = writeln!(io::stdout(), "{link}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("no link: {error}");
                ExitCode::from(2)
            }
        },
        Command::Mirror(arguments) => status("no mirror", mirror(&arguments)),
        Command::Policies(arguments) => status("no policies", policies(&arguments)),
        Command::Release(arguments) => status("no release", release(&arguments)),
    }
}

/// The exit status, after what has to be told.
fn status<E: std::error::Error>(
    missing: &str,
    done: Result<Result<(), E>, SetupError>,
) -> ExitCode {
    match done {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("{missing}: {}", told(&error));
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("{missing}: {error}");
            ExitCode::from(2)
        }
    }
}

fn keep_template() -> Result<(), NotKept> {
    let path = keep(&workspace_root(), &version())?;
    // Whoever closed the pipe does not want to read on.
    let _ = writeln!(io::stdout(), "{path}: commit it with the release");
    Ok(())
}

fn link_of(arguments: &LinkArguments) -> Result<String, LinkError> {
    let template_url = match &arguments.template_url {
        Some(url) => url.clone(),
        None => built_template_url(&arguments.region)?,
    };
    let link = link(&QuickCreate {
        region: &arguments.region,
        template_url: &template_url,
        external_id: Some(&arguments.external_id),
        identity_center: arguments.identity_center,
        principal_arn: arguments.principal_arn.as_deref(),
    });
    Ok(link?)
}

/// Where the release that was built here is published.
fn built_template_url(region: &Region) -> Result<Url, LinkError> {
    let path = workspace_root().join("release.toml");
    let configuration: Configuration = read(&path)?
        .parse()
        .map_err(|source| SetupError::Configuration { path, source })?;
    let version = version();
    // Below the target folder this very program lies in `debug`.
    let program = std::env::current_exe().unwrap_or_default();
    let target = program.ancestors().nth(2).unwrap_or(&program);
    let template =
        built_template(target, &version).map_err(|_| LinkError::NotBuilt(version.clone()))?;
    let key = template.key(&configuration.prefix, &version);
    let address = release::address(&configuration, &key, region);
    Ok(address
        .parse()
        .expect("a bucket's host and a key make a URL"))
}

/// The version of everything.
fn version() -> Version {
    env!("CARGO_PKG_VERSION")
        .parse()
        .expect("cargo accepts versions only")
}

fn mirror(arguments: &MirrorArguments) -> Result<Result<(), MirrorError>, SetupError> {
    let region = &arguments.region;
    let mirror = Mirror {
        template: read(&arguments.template)?,
        region: region.clone(),
        bucket: BucketName::parse(region, arguments.bucket.clone())?,
        owner: AccountId::parse(arguments.expected_bucket_owner.clone())?,
        from: arguments.from.clone(),
        publisher: Publisher {
            credentials: credentials::read(|name| std::env::var(name).ok())?,
            network: Network::of_this_machine(),
        },
    };
    let mut address = String::new();
    let copied = runtime()?.block_on(mirror::run(&mirror, |placed| {
        // Whoever closed the pipe does not want to read on.
        let _ = writeln!(io::stdout(), "{placed}");
        let host = region.bucket_host(placed.place.bucket.as_str());
        address = format!("https://{host}/{}", placed.place.key);
    }));
    if copied.is_ok() {
        // The template is the last.
        let _ = writeln!(
            io::stdout(),
            "The template is {address}. Give its stacks ArtifactBucket={}",
            mirror.bucket
        );
    }
    Ok(copied)
}

fn policies(arguments: &PoliciesArguments) -> Result<Result<(), NotYaml>, SetupError> {
    let before = arguments.since.as_deref().map(read).transpose()?;
    let told = policies::told(before.as_deref(), &read(&arguments.template)?);
    Ok(told.map(|text| {
        // Whoever closed the pipe does not want to read on.
        let _ = write!(io::stdout(), "{text}");
    }))
}

/// Reads everything that is given before anything is done.
fn release(arguments: &ReleaseArguments) -> Result<Result<(), ReleaseError>, SetupError> {
    let variable = |name: &str| std::env::var(name).ok();
    let root = arguments.root.clone().unwrap_or_else(workspace_root);
    let configuration = match &arguments.configuration {
        Some(path) => path.clone(),
        None => root.join("release.toml"),
    };
    let configuration =
        read(&configuration)?
            .parse()
            .map_err(|source| SetupError::Configuration {
                path: configuration,
                source,
            })?;
    let key = match &arguments.minisign_key {
        Some(path) => {
            let key = SigningKey::read(&read(path)?, variable("MINISIGN_PASSWORD"));
            Some(key.map_err(|source| SetupError::Key {
                path: path.clone(),
                source,
            })?)
        }
        None => None,
    };
    let publisher = if arguments.publish {
        Some(Publisher {
            credentials: credentials::read(variable)?,
            network: Network::of_this_machine(),
        })
    } else {
        None
    };
    let by_default = if arguments.publish {
        Tests::Run
    } else {
        Tests::Skip
    };
    let architectures = &arguments.architecture;
    let options = Options {
        root,
        version: version(),
        configuration,
        architectures: (!architectures.is_empty()).then(|| architectures.clone()),
        optimization: if arguments.unoptimized {
            Optimization::None
        } else {
            Optimization::Full
        },
        tests: arguments.tests.unwrap_or(by_default),
        key,
        publisher,
    };
    Ok(runtime()?.block_on(run(&options, &mut Screen::new(io::stdout()))))
}

fn runtime() -> Result<Runtime, SetupError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map_err(SetupError::Runtime)
}

fn read(path: &Path) -> Result<String, SetupError> {
    std::fs::read_to_string(path).map_err(|source| SetupError::File {
        path: path.to_owned(),
        source,
    })
}

fn workspace_root() -> PathBuf {
    let member = Path::new(env!("CARGO_MANIFEST_DIR"));
    member.parent().unwrap_or(member).to_owned()
}

/// An error with what it comes from.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        // Some sentences hold their cause already.
        if !text.contains(&cause) {
            text += &format!(": {cause}");
        }
        source = error.source();
    }
    text
}
