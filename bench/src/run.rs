//! One process of one peer, from the moment on at which it is let go.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use rehearsal::function::{Function, Invoked};
use rehearsal::registrar;
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::cgroup::Cgroup;
use crate::error::BenchError;
use crate::network::Network;
use crate::peer::Peer;
use crate::procfs::Process;
use crate::world::{REGION, Request, World};

/// Far above what the slowest peer takes with a small share of a core, or under
/// an instrument.
const LIMIT: Duration = Duration::from_secs(240);

/// How much slower than itself a process is under callgrind, at most. It is told of a
/// deadline that is as much later: what it does because it is late is not counted.
const SLOWED: u32 = 10;

/// How long an instrument may write its figures.
const ENDING: Duration = Duration::from_secs(60);

/// Says that it is there, waits for a line, and becomes the command.
const GATE: &str = r#"echo at the gate; read -r go; exec "$@" </dev/null"#;

/// How often a process is asked whether it has reached its gate.
const GLANCE: Duration = Duration::from_millis(1);

/// What a process is looked at with.
#[derive(Clone, Debug)]
pub(crate) enum Instrument {
    /// Nothing.
    None,
    /// Valgrind's callgrind, which counts instructions into a file.
    Callgrind(PathBuf),
    /// strace, which writes system calls to a file.
    Strace(PathBuf),
}

impl Instrument {
    fn command(&self) -> Vec<OsString> {
        match self {
            Self::None => Vec::new(),
            Self::Callgrind(out) => {
                let mut file = OsString::from("--callgrind-out-file=");
                file.push(out);
                vec!["valgrind".into(), "--tool=callgrind".into(), file]
            }
            // Beside the process instead of above it, so that its id stays.
            Self::Strace(out) => {
                let flags = ["strace", "-D", "-f", "-qq", "-o"].map(OsString::from);
                [flags.to_vec(), vec![out.into()]].concat()
            }
        }
    }
}

/// A process that waits at its gate, or runs.
pub(crate) struct Run<'a> {
    peer: &'a Peer,
    function: Function,
    gate: Option<ChildStdin>,
    /// The time to the deadline of which it is told.
    told: Duration,
    pub(crate) process: Process,
}

impl<'a> Run<'a> {
    /// Brings a process to its gate.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) async fn prepare(
        peer: &'a Peer,
        network: &Network,
        instrument: &Instrument,
        share: Option<&Cgroup>,
    ) -> Result<Self, BenchError> {
        let io = || BenchError::io(format!("{} cannot be started", peer.name));
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", GATE, "sh"])
            .args(instrument.command())
            .args(peer.command())
            .current_dir(peer.folder())
            .stdin(Stdio::piped());
        let path = std::env::var("PATH").unwrap_or_default();
        let root = peer.folder().display().to_string();
        let environment = [
            ("PATH", path.as_str()),
            ("HOME", "/nonexistent"),
            ("LANG", "C.UTF-8"),
            ("LAMBDA_TASK_ROOT", &root),
            ("AWS_DEFAULT_REGION", REGION),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into_iter()
        .chain(registrar::environment())
        .chain(network.environment());
        let function = Function::launch(command, environment).await.map_err(io())?;
        let id = function.id().unwrap_or_default();
        // Before the gate opens: to move a process takes the kernel ten milliseconds.
        if let Some(share) = share {
            share.take_in(id).map_err(io())?;
        }
        let at_the_gate = async {
            while function.log().is_empty() {
                sleep(GLANCE).await;
            }
        };
        timeout(LIMIT, at_the_gate)
            .await
            .map_err(|late| io()(late.into()))?;
        let process = Process::new(id);
        Ok(Self {
            peer,
            gate: function.take_stdin(),
            told: match instrument {
                Instrument::Callgrind(_) => LIMIT * SLOWED,
                Instrument::None | Instrument::Strace(_) => LIMIT,
            },
            process,
            function,
        })
    }

    /// Opens the gate.
    ///
    /// # Errors
    /// The process is gone.
    pub(crate) async fn go(&mut self) -> Result<Instant, BenchError> {
        let io = || BenchError::io(format!("the gate of {}", self.peer.name));
        let mut gate = self.gate.take().ok_or_else(|| self.failed("has no gate"))?;
        let start = Instant::now();
        gate.write_all(b"go\n").await.map_err(io())?;
        Ok(start)
    }

    /// Waits until it asks for its first event.
    ///
    /// # Errors
    /// It does not.
    pub(crate) async fn first_poll(&self) -> Result<Instant, BenchError> {
        match timeout(LIMIT, self.function.has_polled(1)).await {
            Ok(moment) => Ok(moment.into()),
            Err(_) => Err(self.failed("did not poll")),
        }
    }

    /// Sends a request, and waits until CloudFormation's bucket has its answer:
    /// the moment and the physical id.
    ///
    /// # Errors
    /// It was not answered, or FAILED.
    pub(crate) async fn answer(
        &self,
        world: &World,
        request: &Request,
    ) -> Result<(Instant, String), BenchError> {
        let invocation = async {
            let event = request.event.clone();
            let deadline = SystemTime::now() + self.told;
            match self.function.invoke_told(event, LIMIT, deadline).await {
                Invoked::Returned(_) => Ok(()),
                failed => Err(failed),
            }
        };
        let answer = async {
            let answer = timeout(LIMIT, world.bucket.next_answer(&request.id)).await;
            let answer = answer.map_err(|_| Invoked::TimedOut)?;
            Ok((Instant::now(), answer))
        };
        let both = async { tokio::try_join!(answer, invocation) };
        let ((moment, answer), ()) = both
            .await
            .map_err(|invoked| self.failed(&format!("did not answer: {invoked:?}")))?;
        let id = answer.json["PhysicalResourceId"].as_str();
        match (answer.json["Status"].as_str(), id) {
            (Some("SUCCESS"), Some(id)) => Ok((moment, id.to_owned())),
            _ => Err(self.failed(&format!("answered {}", answer.json))),
        }
    }

    /// Asks the process to end, which an instrument needs to write its figures,
    /// and waits until it has.
    pub(crate) async fn end(self) {
        self.process.terminate();
        // Whoever does not listen is killed.
        timeout(ENDING, self.process.gone()).await.ok();
        self.function.into_log().await;
    }

    /// An error with what the process wrote.
    fn failed(&self, problem: &str) -> BenchError {
        let log = self.function.log();
        let tail = log.len().saturating_sub(20);
        BenchError::Peer {
            peer: self.peer.name,
            problem: format!("{problem}\n{}", log[tail..].join("\n")),
        }
    }
}
