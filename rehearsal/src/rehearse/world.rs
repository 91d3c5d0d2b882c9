//! Everything that a rehearsal runs in, put up and taken down together.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use crate::answer_bucket::{AnswerBucket, AnswerKey};
use crate::engine::vendor::{StsValidator, Vendor};
use crate::engine::{Account, Artifact, Engine, EngineOptions};
use crate::internet::{HostPattern, Internet};
use crate::sandbox::{ContractLevel, Sandbox, SandboxOptions, Wavering};

use super::report::CloudReport;
use super::setup_error::SetupError;
use super::template::Template;

/// The region of every rehearsal; the vendor's own console link opens there.
pub const REGION: &str = "us-east-1";

/// The stack's name, the one that the vendor's console link proposes.
pub const STACK: &str = "Authomize-Trust-Role";

/// The vendor's host name.
pub const VENDOR_HOST: &str = "api.authomize.com";

/// What is different in a world from the one in which all is well.
#[derive(Debug, Clone)]
pub struct WorldOptions {
    /// How much of the contract the vendor's server knows.
    pub contract: ContractLevel,
    /// Whether the vendor's server knows a repeated `Idempotency-Key` again.
    pub knows_keys: bool,
    /// Requests that the vendor's server accepts within one second, if there is a limit.
    pub rate: Option<u32>,
    /// What the function finds in its environment beside what the
    /// [Internet](crate::internet) puts there.
    pub function_environment: Vec<(String, String)>,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            contract: ContractLevel::Full,
            knows_keys: true,
            rate: None,
            function_environment: Vec::new(),
        }
    }
}

impl WorldOptions {
    /// With a function that logs at the level at which what is too much is said.
    #[must_use]
    pub fn traced(mut self) -> Self {
        for (name, level) in [("AWS_LAMBDA_LOG_LEVEL", "TRACE"), ("RUST_LOG", "trace")] {
            let variable = (name.to_owned(), level.to_owned());
            self.function_environment.push(variable);
        }
        self
    }
}

/// The function's code as it was published.
#[derive(Debug)]
pub struct Published {
    /// Where it is.
    pub url: String,
    /// The zip's size.
    pub bytes: usize,
}

/// The cloud, the vendor and the Internet between them. Dropping it ends
/// every server and process and removes their files, the engine first: it
/// still writes into the folder that goes last.
pub struct World {
    /// The CloudFormation engine.
    pub engine: Engine,
    /// An account that was never used before.
    pub account: Account,
    /// The vendor's side of the trust.
    pub vendor: Vendor,
    /// The vendor's API.
    pub sandbox: Sandbox,
    /// CloudFormation's response bucket.
    pub bucket: AnswerBucket,
    /// The network between them.
    pub internet: Internet,
    /// How the vendor validates roles: it assumes them, unless told to err.
    pub validations: Arc<Wavering>,
    validator: Arc<StsValidator>,
    token: String,
    external_id: String,
    log_group: String,
    log: Vec<String>,
    _state: TempDir,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World(..)")
    }
}

impl World {
    /// Puts everything up, with an account that was never used.
    ///
    /// # Errors
    /// There is nothing to put it up with.
    pub async fn start() -> Result<Self, SetupError> {
        Self::start_with(WorldOptions::default()).await
    }

    /// The same, with something different.
    ///
    /// # Errors
    /// There is nothing to put it up with.
    pub async fn start_with(options: WorldOptions) -> Result<Self, SetupError> {
        let state = tempfile::Builder::new()
            .prefix("cargo-rehearse-")
            .tempdir()
            .map_err(|source| SetupError::loopback("a temporary folder", source))?;
        let internet = Internet::start(state.path())
            .await
            .map_err(|source| SetupError::loopback("the Internet on loopback", source))?;
        let answer_key = AnswerKey::random();
        let mut function_environment = internet.environment();
        function_environment.extend(options.function_environment);
        let engine = Engine::start(EngineOptions {
            state_dir: state.path().to_owned(),
            answer_key: answer_key.clone(),
            function_environment,
            region: REGION.to_owned(),
        })
        .await?;
        let bucket = AnswerBucket::start(answer_key, REGION, Some(engine.address()))
            .await
            .map_err(|source| SetupError::loopback("the answers' bucket", source))?;
        let vendor = Vendor::of(&engine)
            .await
            .map_err(|source| SetupError::loopback("the vendor's account", source))?;
        let validator = Arc::new(StsValidator::new(vendor.clone()));
        let validations = Arc::new(Wavering::before(validator.clone()));
        // With characters that base64 and URLs write in another way, so that
        // looking for those forms means something.
        let token = format!("rehearsal/{}+{}=", random_text(16), random_text(16));
        let sandbox = Sandbox::start(SandboxOptions {
            token: token.clone(),
            validator: validations.clone(),
            contract: options.contract,
            knows_keys: options.knows_keys,
            rate: options.rate,
            ..SandboxOptions::default()
        })
        .await
        .map_err(|source| SetupError::loopback("the sandbox", source))?;
        for (host, to) in [
            (
                HostPattern::Exact(VENDOR_HOST.to_owned()),
                sandbox.address(),
            ),
            (HostPattern::Exact(bucket.host()), bucket.address()),
            (
                HostPattern::Suffix(".amazonaws.com".to_owned()),
                engine.address(),
            ),
        ] {
            internet.lead(host, to);
        }
        Ok(Self {
            account: engine.fresh_account(),
            engine,
            vendor,
            sandbox,
            bucket,
            internet,
            validations,
            validator,
            token,
            external_id: format!("{}+{}", random_text(16), random_text(16)),
            log_group: String::new(),
            log: Vec::new(),
            _state: state,
        })
    }

    /// Puts a binary, zipped, where the template looks for the function's code.
    ///
    /// # Errors
    /// The binary cannot be read, or the template names no place.
    pub async fn publish(&self, binary: &Path) -> Result<Published, SetupError> {
        self.publish_artifact(&Artifact::from_binary(binary)?).await
    }

    /// Puts a zip where the template looks for the function's code.
    ///
    /// # Errors
    /// The engine does not take it, or the template names no place.
    pub async fn publish_artifact(&self, artifact: &Artifact) -> Result<Published, SetupError> {
        let place = Template::read()?.code_location(REGION)?;
        artifact
            .put(&self.account, &place.bucket, &place.key)
            .await?;
        Ok(Published {
            url: format!("s3://{}/{}", place.bucket, place.key),
            bytes: artifact.zip().len(),
        })
    }

    pub(super) fn report(&self) -> CloudReport {
        let gaps = self.engine.closed_gaps().iter();
        CloudReport {
            engine: self.engine.address().to_string(),
            sandbox: self.sandbox.address().to_string(),
            account: self.account.id().to_string(),
            region: REGION.to_owned(),
            stack: STACK.to_owned(),
            closed_gaps: gaps.map(|closed| closed.gap.clone()).collect(),
        }
    }

    /// From now on the vendor's host leads nowhere, or to the sandbox again.
    pub fn take_the_vendor_down(&self, down: bool) {
        let host = HostPattern::Exact(VENDOR_HOST.to_owned());
        // Nothing listens on the port of discard, which needs root.
        let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        let to = if down { nobody } else { self.sandbox.address() };
        self.internet.lead(host, to);
        if down {
            self.internet.cut();
        }
    }

    /// The API token that the sandbox accepts.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The external id that the vendor assumes roles with.
    pub fn external_id(&self) -> &str {
        &self.external_id
    }

    /// How often the vendor enabled an integration by this role.
    pub(super) fn assumptions_of(&self, role_arn: &str) -> usize {
        let assumed = self.validator.assumed();
        assumed.iter().filter(|role| *role == role_arn).count()
    }

    /// From now on [`Self::read_log`] reads this log group.
    pub(super) fn log_to(&mut self, log_group: &str) {
        log_group.clone_into(&mut self.log_group);
    }

    /// Reads the function's log as far as it is there. What was read once
    /// stays when the log group goes.
    pub(super) async fn read_log(&mut self) {
        if self.log_group.is_empty() {
            return;
        }
        if let Ok(lines) = self.account.log_lines(&self.log_group).await
            && lines.len() > self.log.len()
        {
            self.log = lines;
        }
    }

    /// Reads the log once the function has written all its lines of as many
    /// invocations: they arrive after the answers.
    pub(super) async fn read_log_of(&mut self, invocations: usize) {
        let lines = self.account.log_lines_of(&self.log_group, invocations);
        if let Ok(lines) = lines.await {
            self.log = lines;
        }
    }

    /// The function's log lines that were read so far.
    pub(super) fn log(&self) -> &[String] {
        &self.log
    }
}

/// Letters and digits, as many as `length`. Chance is enough here: what it
/// guards lives as long as the run and on loopback only.
fn random_text(length: usize) -> String {
    std::iter::repeat_with(fastrand::alphanumeric)
        .take(length)
        .collect()
}
