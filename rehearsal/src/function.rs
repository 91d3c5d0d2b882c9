//! A Lambda function as a process under a small Runtime API on loopback.
//!
//! It does what Lambda does around one function: hands events out with a
//! deadline, takes results and errors, and kills a process that is late. It
//! runs any `bootstrap`, the release binary as well as the debug one.
//! API: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as Segment, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// What became of one invocation.
#[derive(Clone, Debug, PartialEq)]
pub enum Invoked {
    /// The function returned this.
    Returned(Value),
    /// The function reported this error: Lambda would run the event again.
    Failed(Value),
    /// The function was late and was killed.
    TimedOut,
}

/// One event on its way to the function.
struct Pending {
    event: Bytes,
    deadline: SystemTime,
    done: oneshot::Sender<Invoked>,
}

struct Api {
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Pending>>,
    under_way: Mutex<BTreeMap<String, oneshot::Sender<Invoked>>>,
    count: Mutex<u64>,
    polls: Arc<watch::Sender<Vec<Instant>>>,
}

/// A running function. Dropping it kills the process.
pub struct Function {
    events: mpsc::UnboundedSender<Pending>,
    child: Mutex<Child>,
    log: Arc<Mutex<Vec<String>>>,
    readers: Mutex<Vec<JoinHandle<()>>>,
    server: JoinHandle<()>,
    polls: Arc<watch::Sender<Vec<Instant>>>,
}

impl Function {
    /// Starts `binary` with nothing in its environment but what Lambda sets and
    /// what is given.
    ///
    /// # Errors
    /// The server cannot listen or the binary cannot be started.
    pub async fn start(
        binary: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> io::Result<Self> {
        let mut command = Command::new(binary);
        command.stdin(Stdio::null());
        Self::launch(command, environment).await
    }

    /// Starts a command that becomes the function's process, as [`Self::start`]
    /// does with a binary. Its standard input is as the command has it.
    ///
    /// # Errors
    /// The server cannot listen or the command cannot be started.
    pub async fn launch(
        mut command: Command,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (events, receiver) = mpsc::unbounded_channel();
        let polls = Arc::new(watch::Sender::new(Vec::new()));
        let api = Arc::new(Api {
            polls: Arc::clone(&polls),
            events: tokio::sync::Mutex::new(receiver),
            under_way: Mutex::default(),
            count: Mutex::new(0),
        });
        let server = tokio::spawn(async move {
            axum::serve(listener, routes(api)).await.ok();
        });
        surround(&mut command, address, environment);
        let mut child = command.spawn()?;
        let log = Arc::new(Mutex::new(Vec::new()));
        let readers = vec![
            collect(child.stdout.take(), Arc::clone(&log)),
            collect(child.stderr.take(), Arc::clone(&log)),
        ];
        Ok(Self {
            events,
            child: Mutex::new(child),
            log,
            readers: Mutex::new(readers),
            server,
            polls,
        })
    }

    /// The process's standard input, once, if its command has one.
    pub fn take_stdin(&self) -> Option<ChildStdin> {
        lock(&self.child).stdin.take()
    }

    /// Sends an event with a deadline `timeout` away and waits for the outcome.
    /// The body may be anything: Lambda does not read it either.
    pub async fn invoke(&self, event: impl Into<Bytes>, timeout: Duration) -> Invoked {
        let deadline = SystemTime::now() + timeout;
        self.invoke_told(event, timeout, deadline).await
    }

    /// The same with another deadline told, as a wrong clock or a careless
    /// emulator makes it.
    pub async fn invoke_told(
        &self,
        event: impl Into<Bytes>,
        timeout: Duration,
        deadline: SystemTime,
    ) -> Invoked {
        let (done, outcome) = oneshot::channel();
        let pending = Pending {
            event: event.into(),
            deadline,
            done,
        };
        // A function that is gone takes no event, and the outcome tells.
        self.events.send(pending).ok();
        match tokio::time::timeout(timeout, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => {
                self.kill();
                Invoked::TimedOut
            }
        }
    }

    /// Waits until the function has asked for its `count`th event, for it is idle
    /// then, and tells when that was. It waits as long as the caller lets it.
    pub async fn has_polled(&self, count: usize) -> Instant {
        let mut polls = self.polls.subscribe();
        let polls = polls.wait_for(|polls| polls.len() >= count);
        let polls = polls
            .await
            .expect("the sender lives as long as the function");
        polls[count - 1]
    }

    /// Kills the process, as Lambda does with one that is late.
    pub fn kill(&self) {
        lock(&self.child).start_kill().ok();
    }

    /// The process's id.
    pub fn id(&self) -> Option<u32> {
        lock(&self.child).id()
    }

    /// Ends the process and returns every line that it wrote.
    pub async fn into_log(self) -> Vec<String> {
        self.kill();
        let readers: Vec<_> = lock(&self.readers).drain(..).collect();
        for reader in readers {
            reader.await.ok();
        }
        lock(&self.log).clone()
    }

    /// The lines that the process has written so far.
    pub fn log(&self) -> Vec<String> {
        lock(&self.log).clone()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.kill();
        self.server.abort();
    }
}

/// Gives a command nothing of this process's environment but what Lambda sets
/// and what is given.
fn surround(
    command: &mut Command,
    api: SocketAddr,
    environment: impl IntoIterator<Item = (String, String)>,
) {
    command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "registrar")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/registrar")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/24/[$LATEST]0")
        .envs(environment)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
}

fn collect(
    stream: Option<impl AsyncRead + Send + Unpin + 'static>,
    log: Arc<Mutex<Vec<String>>>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let Some(stream) = stream else { return };
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            lock(&log).push(line);
        }
    })
}

fn routes(api: Arc<Api>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{id}/response",
            post(returned),
        )
        .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(api)
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    api.polls.send_modify(|polls| polls.push(Instant::now()));
    let Some(pending) = api.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let id = {
        let mut count = lock(&api.count);
        *count += 1;
        format!("invocation-{count}")
    };
    let deadline = pending
        .deadline
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    lock(&api.under_way).insert(id.clone(), pending.done);
    (
        [
            ("Content-Type", "application/json".to_owned()),
            ("Lambda-Runtime-Aws-Request-Id", id),
            ("Lambda-Runtime-Deadline-Ms", deadline.to_string()),
            (
                "Lambda-Runtime-Invoked-Function-Arn",
                "arn:aws:lambda:us-east-1:123456789012:function:registrar".to_owned(),
            ),
        ],
        pending.event,
    )
        .into_response()
}

async fn returned(
    State(api): State<Arc<Api>>,
    Segment(id): Segment<String>,
    body: Bytes,
) -> StatusCode {
    api.finish(&id, Invoked::Returned(json(&body)))
}

async fn failed(
    State(api): State<Arc<Api>>,
    Segment(id): Segment<String>,
    body: Bytes,
) -> StatusCode {
    api.finish(&id, Invoked::Failed(json(&body)))
}

impl Api {
    fn finish(&self, id: &str, outcome: Invoked) -> StatusCode {
        match lock(&self.under_way).remove(id) {
            Some(done) => {
                // Nobody waits for an invocation that was late.
                done.send(outcome).ok();
                StatusCode::ACCEPTED
            }
            None => StatusCode::BAD_REQUEST,
        }
    }
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
