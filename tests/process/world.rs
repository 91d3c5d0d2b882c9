//! Everything around the function, as servers on loopback, and the function as
//! a process.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rehearsal::answer_bucket::{AnswerBucket, AnswerKey, Verdict};
use rehearsal::aws_desk::{self, AwsDesk, Stack};
use rehearsal::function::{Function, Invoked};
use rehearsal::internet::{HostPattern, Internet};
use rehearsal::leak::search;
pub(crate) use rehearsal::registrar::{
    EXTERNAL_ID, LOGICAL_ID as LOGICAL, STACK, TOKEN, properties, with,
};
use rehearsal::registrar::{environment, secrets};
use rehearsal::sandbox::{
    AlwaysEnabled, AppConfig, ContractLevel, RecordedRequest, Sandbox, SandboxOptions, Validating,
    Validation, Validator, Wavering,
};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const REGION: &str = "us-east-1";
pub(crate) const ANOTHER_STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/another/61af3dc0-da77-11e4-872e-1234567db123";
pub(crate) const NAME: &str = "AWS 123456789012";

/// Long enough that no deadline is met on a slow machine, short enough that the
/// waits in fractions of it are short.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(40);

/// A world with one function in it.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) desk: AwsDesk,
    pub(crate) bucket: AnswerBucket,
    pub(crate) internet: Internet,
    function: Function,
    binary: PathBuf,
    environment: Vec<(String, String)>,
    _dir: TempDir,
}

/// Finds every role good and connects these apps.
#[derive(Debug)]
pub(crate) struct Connecting(pub(crate) Vec<String>);

impl Validator for Connecting {
    fn validate(&self, _: &AppConfig) -> Validating {
        let connected_apps = self.0.clone();
        Box::pin(async move { Validation::Enabled { connected_apps } })
    }
}

/// How a world is to be.
pub(crate) struct Setting {
    pub(crate) contract: ContractLevel,
    pub(crate) validator: Arc<dyn Validator>,
    pub(crate) secret: aws_desk::Secret,
    pub(crate) stack: Stack,
    pub(crate) binary: PathBuf,
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Requests that the vendor takes in a second.
    pub(crate) rate: Option<u32>,
    /// Records on a page of the vendor's.
    pub(crate) page_limit: usize,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            contract: ContractLevel::Full,
            validator: Arc::new(AlwaysEnabled),
            secret: aws_desk::Secret::Text(TOKEN.to_owned()),
            stack: Stack::creating(),
            binary: bootstrap(),
            environment: Vec::new(),
            rate: None,
            page_limit: 100,
        }
    }
}

/// What one request came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) invoked: Invoked,
    /// The first answer that the bucket took.
    pub(crate) answer: Option<Value>,
}

impl Outcome {
    pub(crate) fn answer(&self) -> &Value {
        self.answer.as_ref().expect("the request was answered")
    }

    pub(crate) fn status(&self) -> &str {
        self.answer()["Status"]
            .as_str()
            .expect("an answer has a status")
    }

    pub(crate) fn id(&self) -> &str {
        self.answer()["PhysicalResourceId"]
            .as_str()
            .expect("an answer has an id")
    }

    pub(crate) fn reason(&self) -> &str {
        self.answer()["Reason"].as_str().unwrap_or_default()
    }

    /// What happened and what to do, without the place of the log.
    pub(crate) fn reason_without_log(&self) -> &str {
        self.reason().split(" Log: ").next().unwrap_or_default()
    }
}

/// What a request comes to while something happens meanwhile, which it has to wait for:
/// what never happens fails the test instead of keeping it waiting.
pub(crate) async fn with_meanwhile<T>(
    request: impl Future<Output = T>,
    meanwhile: impl Future<Output = ()>,
) -> T {
    let mut request = pin!(request);
    tokio::select! {
        biased;
        () = meanwhile => request.await,
        _ = &mut request => panic!("it ended before what was to happen meanwhile"),
    }
}

/// Another stack that has, had or will have the name of [`STACK`].
pub(crate) fn of_the_same_name() -> String {
    let (stack, _) = STACK
        .rsplit_once('/')
        .expect("a stack's ARN ends in its id");
    format!("{stack}/00000000-da77-11e4-872e-1234567db123")
}

/// The function under test: a release binary named by `BOOTSTRAP`, or the debug
/// binary of this build.
pub(crate) fn bootstrap() -> PathBuf {
    std::env::var_os("BOOTSTRAP").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_bootstrap")),
        PathBuf::from,
    )
}

/// The same function with a fault inside, from `examples/faulty.rs`.
pub(crate) fn faulty() -> PathBuf {
    std::env::var_os("FAULTY").map_or_else(
        || {
            let folder = Path::new(env!("CARGO_BIN_EXE_bootstrap"))
                .parent()
                .expect("a binary lies in a folder");
            let faulty = folder.join("examples").join("faulty");
            assert!(faulty.exists(), "`cargo test` builds examples/faulty.rs");
            faulty
        },
        PathBuf::from,
    )
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Setting::default()).await
    }

    /// A world whose vendor validates roles as the test says at each moment.
    pub(crate) async fn wavering() -> (Arc<Wavering>, Self) {
        let role = Arc::new(Wavering::default());
        let setting = Setting {
            validator: role.clone(),
            ..Setting::default()
        };
        (role, Self::with(setting).await)
    }

    pub(crate) async fn with(setting: Setting) -> Self {
        let dir = TempDir::new().unwrap();
        let sandbox = Sandbox::start(SandboxOptions {
            token: TOKEN.to_owned(),
            contract: setting.contract,
            validator: setting.validator,
            rate: setting.rate,
            page_limit: setting.page_limit,
            ..SandboxOptions::default()
        })
        .await
        .unwrap();
        let desk = AwsDesk::start(setting.secret, setting.stack).await.unwrap();
        let bucket = AnswerBucket::start(AnswerKey::random(), REGION, None)
            .await
            .unwrap();
        let internet = Internet::start(dir.path()).await.unwrap();
        internet.lead(
            HostPattern::Exact("api.authomize.com".to_owned()),
            sandbox.address(),
        );
        internet.lead(HostPattern::Exact(bucket.host()), bucket.address());
        internet.lead(
            HostPattern::Suffix(".amazonaws.com".to_owned()),
            desk.address(),
        );
        let environment: Vec<_> = function_environment()
            .into_iter()
            .chain(internet.environment())
            .chain(
                setting
                    .environment
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value)),
            )
            .collect();
        let function = Function::start(&setting.binary, environment.clone())
            .await
            .unwrap();
        Self {
            sandbox,
            desk,
            bucket,
            internet,
            function,
            binary: setting.binary,
            environment,
            _dir: dir,
        }
    }

    /// A second process of the same function, as Lambda starts one for an event
    /// that comes while the first is busy.
    pub(crate) async fn twin(&self) -> Function {
        let environment = self.environment.clone();
        Function::start(&self.binary, environment).await.unwrap()
    }

    /// A function of another stack beside the world's own: this is different in its
    /// environment.
    pub(crate) async fn beside(&self, different: &[(&str, String)]) -> Function {
        let mut environment = self.environment.clone();
        for (name, value) in different {
            environment.retain(|(known, _)| known != name);
            environment.push(((*name).to_owned(), value.clone()));
        }
        Function::start(&self.binary, environment).await.unwrap()
    }

    /// A request as CloudFormation sends it.
    pub(crate) fn event(&self, kind: &str, request_id: &str, properties: Value) -> Value {
        let mut event = json!({
            "RequestType": kind,
            "RequestId": request_id,
            "StackId": STACK,
            "ResponseURL": self.bucket.presign(STACK, LOGICAL, request_id),
            "ResourceType": "Custom::AuthomizeIntegration",
            "LogicalResourceId": LOGICAL,
        });
        event["ResourceProperties"] = properties;
        event
    }

    pub(crate) fn create_event(&self, properties: Value) -> Value {
        self.event("Create", "create-1", properties)
    }

    pub(crate) fn update_event(&self, id: &str, properties: Value, old: Value) -> Value {
        let mut event = self.event("Update", "update-1", properties);
        event["PhysicalResourceId"] = json!(id);
        event["OldResourceProperties"] = old;
        event
    }

    pub(crate) fn delete_event(&self, id: &str, properties: Value) -> Value {
        let mut event = self.event("Delete", "delete-1", properties);
        event["PhysicalResourceId"] = json!(id);
        event
    }

    /// Sends an event and returns what came of it.
    pub(crate) async fn send(&self, event: &Value) -> Outcome {
        self.send_within(event, TIMEOUT).await
    }

    pub(crate) async fn send_within(&self, event: &Value, timeout: Duration) -> Outcome {
        let deadline = SystemTime::now() + timeout;
        self.send_told(event, timeout, deadline).await
    }

    /// The same, with a deadline that Lambda would not tell.
    pub(crate) async fn send_told(
        &self,
        event: &Value,
        timeout: Duration,
        deadline: SystemTime,
    ) -> Outcome {
        let event_text = event.to_string();
        let invoked = self
            .function
            .invoke_told(event_text, timeout, deadline)
            .await;
        let request_id = event["RequestId"].as_str().unwrap_or_default();
        Outcome {
            invoked,
            answer: self.accepted(request_id),
        }
    }

    /// The most memory that the function's process has held so far, in KiB; none
    /// where the system does not tell.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = format!("/proc/{}/status", self.function.id()?);
        let status = std::fs::read_to_string(status).ok()?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let peak = peak.trim().trim_end_matches(" kB").parse();
        Some(peak.expect("the system tells a number"))
    }

    /// Sends bytes that need not be an event.
    pub(crate) async fn send_raw(&self, bytes: Vec<u8>) -> Invoked {
        self.function.invoke(bytes, TIMEOUT).await
    }

    /// Another stack has every record once this request has come.
    pub(crate) async fn becomes_anothers_after(&self, is_it: impl Fn(&RecordedRequest) -> bool) {
        self.sandbox.wait_for(is_it).await;
        self.sandbox.give_all_to(ANOTHER_STACK);
    }

    /// The first answer to a request that the bucket took.
    pub(crate) fn accepted(&self, request_id: &str) -> Option<Value> {
        self.bucket
            .answers()
            .into_iter()
            .find(|answer| answer.request_id == request_id && answer.verdict == Verdict::Accepted)
            .map(|answer| answer.json)
    }

    /// A created integration, its physical id, and no requests counted.
    pub(crate) async fn created(&self, properties: Value) -> String {
        self.desk.stacks([Stack::creating()]);
        let outcome = self.send(&self.create_event(properties)).await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
        self.sandbox.clear_requests();
        outcome.id().to_owned()
    }

    /// What the vendor was asked, for example `POST /v2/apps`.
    pub(crate) fn vendor_calls(&self) -> Vec<String> {
        self.sandbox
            .requests()
            .iter()
            .map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }

    /// Ends the function and makes sure that nothing leaked and that both sides
    /// kept the contract. Returns the log.
    pub(crate) async fn end(self) -> Vec<String> {
        let (log, leaks) = self.log_and_leaks().await;
        assert_eq!(leaks, Vec::<String>::new());
        log
    }

    /// The same without a word on what leaked: it returns that as well.
    pub(crate) async fn log_and_leaks(self) -> (Vec<String>, Vec<String>) {
        let log = self.function.into_log().await;
        let (answers, requests) = (self.bucket.answers(), self.sandbox.requests());
        let leaks = search(&secrets(), &log, &answers, &requests);
        assert_eq!(self.sandbox.contract_violations(), Vec::<String>::new());
        assert_eq!(self.internet.refused(), Vec::<String>::new());
        (log, leaks)
    }
}

fn function_environment() -> Vec<(String, String)> {
    // What is said too much is said at this level.
    let levels = [("AWS_LAMBDA_LOG_LEVEL", "TRACE"), ("RUST_LOG", "trace")];
    let levels = levels.map(|(name, value)| (name.to_owned(), value.to_owned()));
    environment().into_iter().chain(levels).collect()
}
