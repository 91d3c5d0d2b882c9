//! What every test plays on: an engine with a bucket for the answers, and a
//! stack with a function and one custom resource.

use rehearsal::answer_bucket::{AnswerBucket, AnswerKey};
use rehearsal::engine::{
    Account, Artifact, Engine, EngineOptions, StackEvent, StackOutcome, StackSpec,
};
use rehearsal::internet::{HostPattern, Internet};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

pub(crate) const FUNCTION: &[u8] = include_bytes!("function.py");
const REGION: &str = "us-east-1";

/// The name of every test's stack; its account is its own.
pub(crate) const STACK: &str = "stage";

pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) account: Account,
    pub(crate) bucket: AnswerBucket,
    pub(crate) gate: Gate,
    _internet: Internet,
    folder: TempDir,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let internet = Internet::start(folder.path()).await.unwrap();
        let answer_key = AnswerKey::random();
        let engine = Engine::start(EngineOptions {
            state_dir: folder.path().to_owned(),
            answer_key: answer_key.clone(),
            function_environment: internet.environment(),
            region: REGION.to_owned(),
        })
        .await
        .unwrap();
        let bucket = AnswerBucket::start(answer_key, REGION, Some(engine.address()))
            .await
            .unwrap();
        internet.lead(HostPattern::Exact(bucket.host()), bucket.address());
        let account = engine.fresh_account();
        // The artifacts' bucket is another account's, as the real one is.
        let code = Artifact::from_bytes(FUNCTION).unwrap();
        let publisher = engine.fresh_account();
        code.put(&publisher, "published", "function.zip")
            .await
            .unwrap();
        Self {
            engine,
            account,
            bucket,
            gate: Gate::open().await,
            _internet: internet,
            folder,
        }
    }

    /// A stack whose custom resource has these properties, beside those that
    /// the function always needs.
    pub(crate) fn spec(&self, properties: &Value) -> StackSpec {
        let mut all = json!({
            "ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]},
            "ServiceTimeout": "20",
            "Folder": self.folder.path(),
            "Gate": self.gate.address(),
        });
        for (name, value) in properties.as_object().unwrap() {
            all[name] = value.clone();
        }
        let template = json!({"Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }],
            }}},
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/stage"}},
            "Function": {"Type": "AWS::Lambda::Function", "Properties": {
                "FunctionName": "stage-function",
                "Runtime": "provided.al2023",
                "Handler": "bootstrap",
                "Timeout": 30,
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"S3Bucket": "published", "S3Key": "function.zip"},
                "LoggingConfig": {"LogGroup": {"Ref": "Logs"}},
                "Environment": {"Variables": {"DECLARED": "yes", "AWS_ENDPOINT_URL": ""}},
            }},
            "Thing": {"Type": "Custom::Thing", "Properties": all},
        }});
        StackSpec {
            name: STACK.to_owned(),
            template: template.to_string(),
            ..StackSpec::default()
        }
    }

    pub(crate) async fn create(&self, properties: &Value) -> StackOutcome {
        let created = self.account.create_stack(&self.spec(properties)).await;
        created.unwrap().finish().await.unwrap()
    }

    pub(crate) async fn update(&self, properties: &Value) -> StackOutcome {
        let updated = self.account.update_stack(&self.spec(properties)).await;
        updated.unwrap().finish().await.unwrap()
    }

    pub(crate) async fn delete(&self) -> StackOutcome {
        let deleted = self.account.delete_stack(STACK).await;
        deleted.unwrap().finish().await.unwrap()
    }

    /// How CloudFormation shows the custom resource: status and physical id.
    pub(crate) async fn shown(&self) -> (String, String) {
        let describe = self.account.cloudformation().describe_stack_resource();
        let shown = describe.stack_name(STACK).logical_resource_id("Thing");
        let shown = shown.send().await.unwrap().stack_resource_detail.unwrap();
        let all = self.account.left_resources(STACK).await.unwrap();
        let listed = all.iter().find(|one| one.logical_id == "Thing").unwrap();
        let status = shown.resource_status.unwrap().to_string();
        assert_eq!(listed.status, status);
        (status, shown.physical_resource_id.unwrap_or_default())
    }

    /// Kind and physical id of each request that was answered, in order.
    pub(crate) fn answered(&self) -> Vec<(String, String)> {
        let answers = self.bucket.answers();
        let answer = |answer: &rehearsal::answer_bucket::ReceivedAnswer| {
            let kind = answer.json["Data"]["RequestType"].as_str().unwrap();
            (
                kind.to_owned(),
                answer.text("PhysicalResourceId").to_owned(),
            )
        };
        answers.iter().map(answer).collect()
    }
}

/// A door at which the function waits.
pub(crate) struct Gate(TcpListener);

impl Gate {
    async fn open() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// Waits for the function. It goes on when what this returns is dropped.
    pub(crate) async fn function(&self) -> Waiting {
        Waiting(self.0.accept().await.unwrap().0)
    }
}

pub(crate) struct Waiting(TcpStream);

impl Waiting {
    /// Waits until the function's process is gone.
    pub(crate) async fn gone(mut self) {
        // A process that was killed may leave a reset instead of an end.
        self.0.read_u8().await.unwrap_err();
    }
}

/// The statuses of the custom resource and of the stack itself, in order.
pub(crate) fn story(events: &[StackEvent]) -> Vec<String> {
    let told = ["Thing", STACK];
    events
        .iter()
        .filter(|event| told.contains(&event.logical_id.as_str()))
        .map(|event| format!("{} {}", event.logical_id, event.status))
        .collect()
}
