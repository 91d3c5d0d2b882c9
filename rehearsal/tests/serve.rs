//! `cargo rehearse serve` as a process: what it prints is tried as it stands.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_cloudformation::types::{Capability, Parameter};
use tempfile::TempDir;

/// Stands for every program that is printed: tells its arguments.
const ARGUMENTS: &str = "aws() { printf '%s\\n' \"$@\"; }; curl() { aws \"$@\"; }\n";

/// A serving process, and what it printed, by heading.
struct Serving {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    printed: BTreeMap<String, String>,
    temporary: TempDir,
}

impl Serving {
    fn start() -> Self {
        let temporary = TempDir::new().unwrap();
        // Any file will do where no function runs.
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let mut child = Command::new(env!("CARGO_BIN_EXE_rehearse"))
            .args(["serve", "--binary", file])
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut printed, mut heading) = (BTreeMap::<String, String>::new(), String::new());
        for line in lines.by_ref().map(Result::unwrap) {
            if line.ends_with("Ctrl-C ends everything.") {
                break;
            }
            match line.strip_prefix("    ") {
                Some(text) => *printed.entry(heading.clone()).or_default() += &format!("{text}\n"),
                None => heading = line,
            }
        }
        Self {
            child,
            lines,
            printed,
            temporary,
        }
    }

    fn under(&self, heading: &str) -> &str {
        self.printed.get(heading).unwrap_or_else(|| {
            panic!("`{heading}` is not in {:?}", self.printed);
        })
    }

    /// What a shell makes of the commands under a heading: a line an argument.
    fn arguments(&self, heading: &str) -> Vec<String> {
        shell(&format!("{ARGUMENTS}{}", self.under(heading)))
    }

    /// What the shell's variables are once it was set up as printed.
    fn variable(&self, name: &str) -> String {
        let set_up = self.under("First, in the shell that you use");
        shell(&format!("{set_up}printenv {name}")).remove(0)
    }

    fn cloudformation(&self) -> Client {
        let key = self.variable("AWS_ACCESS_KEY_ID");
        let secret = self.variable("AWS_SECRET_ACCESS_KEY");
        let config = aws_sdk_cloudformation::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(self.variable("AWS_ENDPOINT_URL"))
            .region(Region::new(self.variable("AWS_REGION")))
            .credentials_provider(Credentials::from_keys(key, secret, None))
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        Client::from_conf(config.build())
    }

    /// What `cargo rehearse event` prints meanwhile.
    fn event(&self, name: &str) -> serde_json::Value {
        let output = Command::new(env!("CARGO_BIN_EXE_rehearse"))
            .args(["event", name])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Presses Ctrl-C and tells the exit status and what was still printed.
    fn interrupt(mut self) -> (Option<i32>, Vec<String>) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(sent.success());
        let rest = self.lines.map(Result::unwrap).collect();
        let code = self.child.wait().unwrap().code();
        let left: Vec<_> = self.temporary.path().read_dir().unwrap().collect();
        assert!(left.is_empty(), "{left:?} was left behind");
        (code, rest)
    }
}

fn shell(script: &str) -> Vec<String> {
    let output = Command::new("sh").args(["-ec", script]).output().unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn after<'a>(arguments: &'a [String], option: &str) -> &'a str {
    let place = arguments.iter().position(|argument| argument == option);
    &arguments[place.unwrap() + 1]
}

fn parameters(arguments: &[String]) -> Vec<Parameter> {
    let place = arguments
        .iter()
        .position(|argument| argument == "--parameters");
    let given = arguments[place.unwrap() + 1..].iter();
    given
        .map(|argument| {
            let argument = argument.strip_prefix("ParameterKey=").unwrap();
            let (name, value) = argument.split_once(",ParameterValue=").unwrap();
            let parameter = Parameter::builder().parameter_key(name);
            parameter.parameter_value(value).build()
        })
        .collect()
}

async fn get(arguments: &[String]) -> String {
    // Another test of this process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = arguments.last().unwrap().trim();
    let mut request = client.get(url);
    if let [option, header, _] = arguments {
        assert_eq!(option, "-H");
        let (name, value) = header.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    let response = request.send().await.unwrap().error_for_status().unwrap();
    response.text().await.unwrap()
}

#[tokio::test]
async fn prints_commands_that_work_and_ends_with_ctrl_c() {
    let serving = Serving::start();

    let asked = serving.arguments("Ask the sandbox as the function does");
    assert_eq!(get(&asked[..1]).await, r#"{"isAlive":true}"#);
    assert!(get(&asked[1..4]).await.contains(r#""tenant":"sandbox""#));
    assert!(get(&asked[4..]).await.contains(r#""data":[]"#));
    let page = serving.under("Look at what the vendor has");
    assert!(get(&[page.to_owned()]).await.contains("<h2 id=\"apps\">"));

    let create = serving.arguments("Create the stack");
    assert_eq!(create[..2], ["cloudformation", "create-stack"]);
    let template = after(&create, "--template-body").strip_prefix("file://");
    let stack = after(&create, "--stack-name");
    let cloudformation = serving.cloudformation();
    let created = cloudformation
        .create_stack()
        .stack_name(stack)
        .template_body(std::fs::read_to_string(template.unwrap()).unwrap())
        .capabilities(Capability::from(after(&create, "--capabilities")))
        .set_parameters(Some(parameters(&create)))
        .send()
        .await;
    assert!(created.is_ok(), "{created:?}");
    let update = serving.arguments("Have Identity Center read as well");
    let wanted = parameters(&update);
    let identity_center = wanted
        .iter()
        .find(|parameter| parameter.parameter_key() == Some("IncludeAWSIdentityCenter"));
    assert_eq!(identity_center.unwrap().parameter_value(), Some("true"));
    for (heading, operation) in [
        ("Watch it", "describe-stack-events"),
        ("See what came of it", "describe-stacks"),
        ("Have Identity Center read as well", "update-stack"),
        ("Delete it", "delete-stack"),
    ] {
        let arguments = serving.arguments(heading);
        assert_eq!(arguments[..2], ["cloudformation", operation]);
        assert_eq!(after(&arguments, "--stack-name"), stack);
    }

    for (heading, tool) in [
        (
            "Or run the function alone, with SAM in Docker",
            "sam local invoke RegistrarFunction",
        ),
        ("Or without Docker", "cargo lambda invoke bootstrap"),
    ] {
        let commands = serving.under(heading);
        assert!(commands.contains(tool), "{commands}");
        assert!(
            commands.contains("cargo rehearse event create > event.json"),
            "{commands}"
        );
    }
    let event = serving.event("create");
    let url = event["ResponseURL"].as_str().unwrap();
    assert!(url.contains("X-Amz-Signature="), "{url}");
    let api = event["ResourceProperties"]["ApiUrl"].as_str().unwrap();
    assert!(api.starts_with("http://"), "{api}");
    assert_ne!(event["RequestId"], serving.event("create")["RequestId"]);

    let (code, rest) = serving.interrupt();
    assert_eq!(code, Some(0), "{rest:?}");
    assert!(rest.last().unwrap().starts_with("stopped by Ctrl-C"));
}

#[test]
fn helps_with_examples_and_exit_statuses() {
    let output = Command::new(env!("CARGO_BIN_EXE_rehearse"))
        .args(["serve", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for part in [
        "Usage: cargo rehearse serve",
        "--binary <PATH>",
        "Examples:",
        "Exit status: 0 ended by Ctrl-C",
    ] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
}
