//! The running engine: its process, its address and its accounts.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::account::Gateway;
use crate::installation::{self, Installation, Tools, rehearsal_dir};

use super::{Account, AccountId12, EngineError};
use crate::answer_bucket::AnswerKey;

const LAUNCHER: &str = include_str!("../../python/launcher.py");

/// The engine needs one or two seconds; a busy machine needs more.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long a lost event waits until it runs again; in AWS it is a minute.
const RETRY_SECONDS: &str = "0.5";

/// How to start an engine.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// An existing folder of this engine alone: its state, its functions'
    /// code and its log.
    pub state_dir: PathBuf,
    /// What the response URLs are signed with.
    pub answer_key: AnswerKey,
    /// What every function finds in its environment beside what Lambda and
    /// its own configuration put there.
    pub function_environment: Vec<(String, String)>,
    /// The region that the accounts' clients ask, for example `us-east-1`.
    pub region: String,
}

/// A difference between the engine and AWS that the launcher takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedGap {
    /// How it is now, in one line.
    pub gap: String,
}

/// One line of what the launcher reports.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Report {
    Gap(String),
    Port(u16),
}

/// A running engine. Dropping it ends the process and its functions.
#[derive(Debug)]
pub struct Engine {
    address: SocketAddr,
    gateway: Gateway,
    closed_gaps: Vec<ClosedGap>,
    log: PathBuf,
    process: Process,
}

impl Engine {
    /// Starts an engine on a free port of loopback, with IAM enforced, and
    /// waits until it serves. Fetches it first if it is not here.
    ///
    /// Nothing of this process's environment reaches it but `PATH`.
    ///
    /// # Errors
    /// It cannot be fetched or does not serve within a minute.
    pub async fn start(options: EngineOptions) -> Result<Self, EngineError> {
        let installation = installation::ensure(Tools::Engine).await?;
        let log = options.state_dir.join("engine.log");
        let mut process = Process::spawn(&installation, &options, &log).map_err(|source| {
            EngineError::Folder {
                path: options.state_dir.clone(),
                source,
            }
        })?;
        let reports = process.reports();
        let started = timeout(START_LIMIT, async {
            let (closed_gaps, port) = reports.await?;
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            is_healthy(address).await.then_some((closed_gaps, address))
        });
        let Ok(Some((closed_gaps, address))) = started.await else {
            process.kill();
            return Err(EngineError::DidNotStart {
                last_line: last_line(&log),
                log: kept(log),
            });
        };
        Ok(Self {
            address,
            gateway: Gateway::new(address, &options.region),
            closed_gaps,
            log,
            process,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the launcher changed, in the order in which it told.
    #[must_use]
    pub fn closed_gaps(&self) -> &[ClosedGap] {
        &self.closed_gaps
    }

    /// The file with the engine's log, in which every line that a function
    /// wrote is repeated, also after its log group is gone.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The number of the engine's process, which has the functions' as its children.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.0.id()
    }

    /// The folder of this engine alone.
    pub(super) fn folder(&self) -> &Path {
        self.log.parent().expect("the log was put into a folder")
    }

    /// What clients of the engine are made from.
    pub(super) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The account of this number.
    #[must_use]
    pub fn account(&self, id: AccountId12) -> Account {
        Account::new(&self.gateway, id)
    }

    /// The account of this number, seen from another region.
    #[must_use]
    pub fn account_in(&self, id: AccountId12, region: &str) -> Account {
        Account::new(&self.gateway.in_region(region), id)
    }

    /// An account that nobody used yet.
    #[must_use]
    pub fn fresh_account(&self) -> Account {
        self.account(AccountId12::random())
    }
}

/// The launcher's process.
#[derive(Debug)]
struct Process(Child);

impl Process {
    fn spawn(installation: &Installation, options: &EngineOptions, log: &Path) -> io::Result<Self> {
        let folder = &options.state_dir;
        let temporary = folder.join("tmp");
        fs::create_dir_all(&temporary)?;
        let launcher = folder.join("launcher.py");
        fs::write(&launcher, LAUNCHER)?;
        let injected: serde_json::Map<_, _> = options
            .function_environment
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect();
        let injected = serde_json::Value::from(injected).to_string();
        let path = std::env::var_os("PATH").unwrap_or_default();
        Command::new(installation.python())
            .arg("-I")
            .arg(launcher)
            .current_dir(folder)
            .env_clear()
            .env("PATH", path)
            .env("LANG", "C.UTF-8")
            .env("HOME", folder)
            .env("TMPDIR", temporary)
            .env("STATE_DIR", folder)
            .env("AUTH", "true")
            .env("LAMBDA_ASYNC_RETRY_BASE_SECONDS", RETRY_SECONDS)
            .env("REHEARSAL_ANSWER_KEY", options.answer_key.hex())
            .env("REHEARSAL_FUNCTION_ENVIRONMENT", injected)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log)?)
            .spawn()
            .map(Self)
    }

    /// Reads what the launcher reports until it closes its standard output:
    /// the closed gaps and the port, or nothing if it failed.
    fn reports(&mut self) -> impl Future<Output = Option<(Vec<ClosedGap>, u16)>> + use<> {
        let stdout = self.0.stdout.take();
        async {
            let text = tokio::task::spawn_blocking(|| {
                let mut text = String::new();
                stdout?.read_to_string(&mut text).ok()?;
                Some(text)
            });
            let text = text.await.ok()??;
            let (mut gaps, mut port) = (Vec::new(), None);
            for line in text.lines() {
                match serde_json::from_str(line).ok()? {
                    Report::Gap(gap) => gaps.push(ClosedGap { gap }),
                    Report::Port(number) => port = Some(number),
                }
            }
            Some((gaps, port?))
        }
    }

    /// For a process that has no functions yet and may not listen to us.
    fn kill(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The launcher ends itself and every function when its standard input
        // closes. Waiting for that keeps its folder from being written after.
        drop(self.0.stdin.take());
        self.0.wait().ok();
    }
}

/// Asks until the answer comes. The port is open before the engine serves, so
/// one question is enough: it waits in the queue.
async fn is_healthy(address: SocketAddr) -> bool {
    let question =
        b"GET /_ministack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(question).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, io::Error>(answer)
    };
    ask.await
        .is_ok_and(|answer| answer.starts_with(b"HTTP/1.1 200"))
}

/// Where the log can be read once the folder of its engine is gone.
fn kept(log: PathBuf) -> PathBuf {
    let Ok(folder) = rehearsal_dir() else {
        return log;
    };
    let kept = folder.join("engine.log");
    match fs::copy(&log, &kept) {
        Ok(_) => kept,
        Err(_) => log,
    }
}

fn last_line(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rfind(|line| !line.trim().is_empty());
    line.unwrap_or("(nothing)").to_owned()
}
