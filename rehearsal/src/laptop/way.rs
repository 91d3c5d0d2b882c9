//! The ways in which a function runs on a laptop.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use clap::ValueEnum;
use serde_json::Value;
use tempfile::TempDir;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::inheritance::disinherit;
use crate::installation::Installation;

use super::architecture::Architecture;
use super::environment::{FOR_CARGO_LAMBDA, FOR_SAM, FUNCTION, local};
use super::world::Laptop;

/// How often a server is looked for while it starts.
const LOOK: Duration = Duration::from_millis(100);

/// How long a server may take to start, and a function to be built by it.
const PATIENCE: Duration = Duration::from_secs(600);

/// How the function is run.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Way {
    /// `sam local invoke`, in a container
    Sam,
    /// `sam local start-lambda`, called through the AWS CLI and boto3
    StartLambda,
    /// `cargo lambda watch` and `cargo lambda invoke`, without Docker
    CargoLambda,
    /// The Lambda runtime emulator alone with the release binary, on Linux
    Emulator,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Sam,
        Self::StartLambda,
        Self::CargoLambda,
        Self::Emulator,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sam => "sam",
            Self::StartLambda => "start-lambda",
            Self::CargoLambda => "cargo-lambda",
            Self::Emulator => "emulator",
        }
    }

    /// Whether it needs what `sam build` makes, and Docker.
    #[must_use]
    pub fn is_sams(self) -> bool {
        matches!(self, Self::Sam | Self::StartLambda)
    }
}

/// Why the function could not be run in a way.
#[derive(Debug, Error)]
pub enum WayError {
    /// A program could not be started.
    #[error("`{program}` cannot be run")]
    NoProgram {
        /// What was tried.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A program ended badly.
    #[error("`{program}` failed:\n{output}")]
    Failed {
        /// Its command line.
        program: String,
        /// The end of what it wrote.
        output: String,
    },
    /// A server did not open its port.
    #[error("`{0}` did not open its port")]
    Silent(String),
    /// There is no JSON where the function's result should be.
    #[error("`{program}` printed no result:\n{output}")]
    NoResult {
        /// Its command line.
        program: String,
        /// The end of what it wrote.
        output: String,
    },
}

/// What all ways need.
#[derive(Debug)]
pub struct Ways<'a> {
    /// SAM and the others.
    pub tools: &'a Installation,
    /// The root of the repository.
    pub root: &'a Path,
    /// The release binary, for the emulator.
    pub binary: &'a Path,
    /// Has the environment's files.
    pub events: &'a Path,
    /// What the function speaks to.
    pub laptop: &'a Laptop,
}

/// A function that can be invoked. Dropping it ends its server and every process
/// of that.
#[derive(Debug)]
pub struct Running<'a> {
    way: Way,
    with: &'a Ways<'a>,
    address: SocketAddr,
    server: Option<Child>,
    scratch: TempDir,
}

impl Ways<'_> {
    /// `sam build`.
    ///
    /// # Errors
    /// It does not build.
    pub async fn build(&self, architecture: Architecture) -> Result<(), WayError> {
        let mut sam = self.tool("sam");
        sam.args(["build", "--parameter-overrides"]);
        sam.arg(format!("Architecture={}", architecture.name()));
        run(sam).await.map(drop)
    }

    /// Gets the function ready in a way.
    ///
    /// # Errors
    /// A server does not start.
    pub async fn start(&self, way: Way) -> Result<Running<'_>, WayError> {
        let unusable = |source| WayError::NoProgram {
            program: "a port and a folder of this machine".to_owned(),
            source,
        };
        let scratch = TempDir::new().map_err(unusable)?;
        let address = free_port().map_err(unusable)?;
        let mut running = Running {
            way,
            with: self,
            address,
            server: None,
            scratch,
        };
        let Some(mut server) = running.server_command().map_err(unusable)? else {
            return Ok(running);
        };
        let log = fs::File::create(running.log()).map_err(unusable)?;
        let errors = log.try_clone().map_err(unusable)?;
        server.stdout(log).stderr(errors).process_group(0);
        let program = shown(&server);
        let child = server.spawn().map_err(|source| WayError::NoProgram {
            program: program.clone(),
            source,
        })?;
        running.server = Some(child);
        match tokio::time::timeout(PATIENCE, running.is_up()).await {
            Ok(true) => Ok(running),
            Ok(false) => Err(WayError::Failed {
                program,
                output: running.last_lines(),
            }),
            Err(_) => Err(WayError::Silent(program)),
        }
    }

    /// A tool that finds the others of its kind, and no account of the user's.
    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.tools.program(name));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders = vec![self.tools.programs()];
        folders.extend(std::env::split_paths(&path));
        if let Ok(path) = std::env::join_paths(folders) {
            command.env("PATH", path);
        }
        disinherit(command.as_std_mut());
        command
            .envs(self.laptop.account())
            .env("SAM_CLI_TELEMETRY", "0")
            .env("NO_PROXY", "127.0.0.1")
            .current_dir(self.root)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    fn emulator(&self) -> PathBuf {
        let name = format!("aws-lambda-rie-{}", Architecture::HERE.name());
        let libraries = self.tools.programs().join("../lib");
        let versions = fs::read_dir(libraries).into_iter().flatten().flatten();
        versions
            .map(|version| {
                version
                    .path()
                    .join("site-packages/samcli/local/rapid")
                    .join(&name)
            })
            .find(|path| path.is_file())
            .unwrap_or_else(|| PathBuf::from(name))
    }
}

impl Running<'_> {
    fn server_command(&self) -> io::Result<Option<Command>> {
        let port = self.address.port().to_string();
        let environment = |file: &str| self.with.events.join(file);
        Ok(match self.way {
            Way::Sam => None,
            Way::StartLambda => {
                let mut sam = self.with.tool("sam");
                sam.args([
                    "local",
                    "start-lambda",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    &port,
                ]);
                sam.arg("--env-vars").arg(environment(FOR_SAM));
                Some(sam)
            }
            Way::CargoLambda => {
                let mut cargo = self.with.tool("cargo-lambda");
                cargo.args(["lambda", "watch", "--bin", "bootstrap", "--ignore-changes"]);
                cargo.args(["--invoke-address", "127.0.0.1"]);
                cargo.args(["--invoke-port", &port]);
                cargo.arg("--env-file").arg(environment(FOR_CARGO_LAMBDA));
                Some(cargo)
            }
            Way::Emulator => {
                let mut emulator = Command::new(self.with.emulator());
                emulator.arg("--runtime-interface-emulator-address");
                emulator.arg(self.address.to_string());
                emulator.arg("--runtime-api-address");
                emulator.arg(free_port()?.to_string());
                emulator.arg(self.with.binary).env_clear();
                emulator.envs(self.with.laptop.account());
                emulator.envs(local(&self.with.laptop.variables()));
                emulator.env("AWS_LAMBDA_FUNCTION_TIMEOUT", "240");
                emulator.stdin(Stdio::null());
                Some(emulator)
            }
        })
    }

    /// Whether the server opens its port before it ends.
    async fn is_up(&mut self) -> bool {
        loop {
            if TcpStream::connect(self.address).await.is_ok() {
                return true;
            }
            let ended = self.server.as_mut().map(Child::try_wait);
            if !matches!(ended, Some(Ok(None))) {
                return false;
            }
            sleep(LOOK).await;
        }
    }

    /// Invokes the function and returns its result; `second` takes the other
    /// client where there are two.
    ///
    /// # Errors
    /// There is no result: the exit status alone says nothing, for SAM's is 0
    /// when the function fails.
    pub async fn invoke(&self, event: &Value, second: bool) -> Result<Value, WayError> {
        let file = self.scratch.path().join("event.json");
        let unusable = |source| WayError::NoProgram {
            program: "a file of this machine".to_owned(),
            source,
        };
        fs::write(&file, event.to_string()).map_err(unusable)?;
        let port = self.address.port().to_string();
        let endpoint = format!("http://{}", self.address);
        let mut result = None;
        let command = match self.way {
            Way::Sam => {
                let mut sam = self.with.tool("sam");
                sam.args(["local", "invoke", FUNCTION, "--event"])
                    .arg(&file);
                sam.arg("--env-vars").arg(self.with.events.join(FOR_SAM));
                sam
            }
            Way::StartLambda if second => {
                let mut python = self.with.tool("python");
                let script = self.with.root.join("rehearsal/python/invoke.py");
                python.arg(script).args([&endpoint, FUNCTION]).arg(&file);
                python
            }
            Way::StartLambda => {
                let path = self.scratch.path().join("result.json");
                let mut aws = self.with.tool("aws");
                aws.args(["lambda", "invoke", "--endpoint-url", &endpoint]);
                aws.args(["--cli-read-timeout", "600", "--function-name", FUNCTION]);
                aws.arg("--payload")
                    .arg(format!("fileb://{}", file.display()));
                aws.arg(&path);
                result = Some(path);
                aws
            }
            Way::CargoLambda => {
                let mut cargo = self.with.tool("cargo-lambda");
                cargo.args([
                    "lambda",
                    "invoke",
                    "bootstrap",
                    "--invoke-address",
                    "127.0.0.1",
                ]);
                cargo
                    .args(["--invoke-port", &port, "--data-file"])
                    .arg(&file);
                cargo
            }
            Way::Emulator => {
                let mut python = self.with.tool("python");
                let script = self.with.root.join("rehearsal/python/invoke.py");
                python.arg(script).args([&endpoint, "function"]).arg(&file);
                python
            }
        };
        let program = shown(&command);
        let output = run(command).await?;
        let printed = match result {
            Some(path) => fs::read_to_string(path).map_err(unusable)?,
            None => String::from_utf8_lossy(&output.stdout).into_owned(),
        };
        result_in(&printed).ok_or_else(|| WayError::NoResult {
            program,
            output: end_of(&output),
        })
    }

    fn log(&self) -> PathBuf {
        self.scratch.path().join("server.log")
    }

    fn last_lines(&self) -> String {
        last_lines(&fs::read_to_string(self.log()).unwrap_or_default())
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let Some(id) = self.server.as_ref().and_then(Child::id) else {
            return;
        };
        // The whole group: the server's own processes would go on without it.
        let group = format!("-{id}");
        let kill = std::process::Command::new("kill")
            .args(["-KILL", "--", &group])
            .stderr(Stdio::null())
            .status();
        drop(kill);
    }
}

/// The JSON that a tool printed last, over one line or several.
fn result_in(printed: &str) -> Option<Value> {
    let printed = printed.trim();
    if let Ok(value) = serde_json::from_str(printed) {
        return Some(value);
    }
    printed
        .lines()
        .rev()
        .find_map(|line| serde_json::from_str(line.trim()).ok())
}

async fn run(mut command: Command) -> Result<Output, WayError> {
    let program = shown(&command);
    let output = command.output().await;
    let output = output.map_err(|source| WayError::NoProgram {
        program: program.clone(),
        source,
    })?;
    if output.status.success() {
        Ok(output)
    } else {
        Err(WayError::Failed {
            program,
            output: end_of(&output),
        })
    }
}

/// The command line as one would type it.
fn shown(command: &Command) -> String {
    let command = command.as_std();
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    let words = std::iter::once(name).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

fn end_of(output: &Output) -> String {
    let both = [output.stdout.as_slice(), &output.stderr].concat();
    last_lines(&String::from_utf8_lossy(&both))
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finds_the_result_among_what_a_tool_prints() {
        assert_eq!(result_in("{\n \"a\": 1\n}\n"), Some(json!({"a": 1})));
        assert_eq!(result_in("noise\n{\"a\": 1}\n"), Some(json!({"a": 1})));
        assert_eq!(result_in("null"), Some(Value::Null));
        assert_eq!(result_in("noise"), None);
        assert_eq!(result_in(""), None);
    }
}
