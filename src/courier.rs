//! Brings the answer: exactly one, in time, whatever becomes of the work.
//!
//! The courier has an OS thread of its own, with its own runtime and its own
//! connections, so that work which blocks every other thread cannot hold it. It
//! waits for the work's answer until the work's deadline, and otherwise makes
//! one from the [`Progress`].

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Instrument, Span, error, info};

use crate::answer::{Answer, Outcome};
use crate::deadline::Waits;
use crate::envelope::Address;
use crate::progress::{Cut, Progress};
use crate::response_url::ResponseUrl;
use crate::wire::{self, Wire};

/// Where the courier runs.
#[derive(Clone)]
pub enum Lane {
    /// On an OS thread of its own, with the wire that this makes there.
    OwnThread(Arc<dyn Fn() -> Arc<dyn Wire> + Send + Sync>),
    /// On the work's runtime: a simulation has one thread and one clock.
    SameRuntime(Arc<dyn Wire>),
}

/// All that is needed to answer one request.
pub struct Errand {
    /// What the answer repeats.
    pub address: Address,
    /// Where it goes; nowhere for the function's own result.
    pub url: Option<ResponseUrl>,
    /// How long everything may take.
    pub waits: Waits,
    /// How far the work has come.
    pub progress: Progress,
    /// Where the log is, for the admin.
    pub log: String,
    /// For jitter.
    pub seed: u64,
}

/// What was answered, as far as the courier knows.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The answer's bytes.
    pub body: Bytes,
    /// Whether they say FAILED.
    pub failed: bool,
    /// Whether CloudFormation's bucket took them.
    pub delivered: Result<(), DeliveryError>,
}

/// Why an answer did not arrive. No variant carries the URL.
#[derive(Clone, Debug, Error)]
pub enum DeliveryError {
    /// The bucket refused for good: the URL expired, or is not CloudFormation's.
    #[error("the response bucket refused the answer ({0})")]
    Refused(StatusCode),
    /// The bucket could not be reached, or was not working, until the end.
    #[error("the response bucket could not be reached: {0}")]
    Unreached(String),
}

impl Lane {
    /// Sends the courier off. It waits for the answer of the work, at most until
    /// the work's deadline.
    pub fn dispatch(
        &self,
        errand: Errand,
        answer: oneshot::Receiver<Answer>,
    ) -> oneshot::Receiver<Answered> {
        let (report, reported) = oneshot::channel();
        let span = Span::current();
        match self {
            Self::SameRuntime(wire) => {
                let wire = Arc::clone(wire);
                tokio::spawn(
                    async move { report.send(errand.run(&wire, answer).await) }.instrument(span),
                );
            }
            Self::OwnThread(make_wire) => {
                let make_wire = Arc::clone(make_wire);
                let run = async move { report.send(errand.run(&make_wire(), answer).await) };
                let run = run.instrument(span);
                let own = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                match own {
                    // Without a thread nobody reports, and Lambda runs the event again.
                    Ok(own) => {
                        let thread = thread::Builder::new().spawn(move || own.block_on(run));
                        if let Err(error) = thread {
                            error!(error = %error, "the courier has no thread");
                        }
                    }
                    // Without file descriptors for a runtime of its own, the
                    // work's runtime is better than silence.
                    Err(error) => {
                        error!(error = %error, "the courier has no runtime of its own");
                        tokio::spawn(run);
                    }
                }
            }
        }
        reported
    }
}

impl Errand {
    async fn run(self, wire: &Arc<dyn Wire>, answer: oneshot::Receiver<Answer>) -> Answered {
        let answer = self.await_answer(answer).await;
        let body = answer.body(&self.address);
        let delivered = match &self.url {
            Some(url) => deliver(wire, url, &body, self.waits, self.seed).await,
            None => Ok(()),
        };
        match &delivered {
            Ok(()) => info!(
                answer.id = %answer.physical_id,
                answer.status = answer.outcome.status(),
                "answered"
            ),
            Err(error) => error!(error = %error, "the answer did not arrive"),
        }
        Answered {
            body,
            failed: matches!(answer.outcome, Outcome::Failed(_)),
            delivered,
        }
    }

    /// The work's answer, or one made from how far it came.
    async fn await_answer(&self, answer: oneshot::Receiver<Answer>) -> Answer {
        let mut answer = match timeout_at(self.waits.work_until, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) if Instant::now() < self.waits.work_until => self.cut(Cut::Failed),
            Ok(Err(_)) | Err(_) => self.cut(Cut::OutOfTime),
        };
        if let Outcome::Failed(reason) = &mut answer.outcome {
            reason.push_str(" Log: ");
            reason.push_str(&self.log);
        }
        answer
    }

    fn cut(&self, because: Cut) -> Answer {
        let (answer, reason) = self.progress.cut(because);
        error!(reason, "the work was cut");
        answer
    }
}

/// Puts the same bytes until the bucket takes them, refuses for good, or the
/// end comes.
///
/// Without a Content-Type, for it is part of some signatures; with the URL as
/// it was signed; never to where a redirect leads.
async fn deliver(
    wire: &Arc<dyn Wire>,
    url: &ResponseUrl,
    body: &Bytes,
    waits: Waits,
    seed: u64,
) -> Result<(), DeliveryError> {
    let mut backoff = ExponentialBuilder::default()
        .with_min_delay(waits.backoff)
        .with_max_delay(waits.answer_call)
        .without_max_times()
        .with_jitter()
        .with_jitter_seed(seed)
        .build();
    loop {
        let request = Request::builder()
            .method(Method::PUT)
            .uri(url.expose())
            .body(body.clone())
            .map_err(|_| DeliveryError::Unreached("the URL cannot be sent".to_owned()))?;
        let left = waits.end.saturating_duration_since(Instant::now());
        let problem = match wire::send(wire, request, waits.answer_call.min(left)).await {
            Ok(response) if response.status().is_success() => return Ok(()),
            Ok(response) if is_passing(response.status()) => response.status().to_string(),
            Ok(response) => return Err(DeliveryError::Refused(response.status())),
            Err(error) => error.to_string(),
        };
        let wait: Duration = backoff.next().unwrap_or(waits.answer_call);
        if Instant::now() + wait >= waits.end {
            return Err(DeliveryError::Unreached(problem));
        }
        sleep(wait).await;
    }
}

/// Whether the bucket may take the same bytes in a moment.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
        )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http::Response;

    use super::*;
    use crate::physical_id::PhysicalId;
    use crate::wire::{Exchange, WireError};

    /// A bucket that is never well, and notes when it is asked.
    #[derive(Debug, Default)]
    struct Unwell(Mutex<Vec<Instant>>);

    impl Wire for Unwell {
        fn exchange(&self, _: Request<Bytes>) -> Exchange {
            let mut asked = self.0.lock().unwrap();
            asked.push(Instant::now());
            let answer = match asked.len() % 3 {
                0 => return Box::pin(std::future::pending()),
                1 => Err(WireError::NotSent("no connection".to_owned())),
                _ => Ok(Response::builder().status(503).body(Bytes::new()).unwrap()),
            };
            Box::pin(std::future::ready(answer))
        }
    }

    /// The moments of all tries, from the start on.
    async fn tries(timeout: Duration, seed: u64) -> Vec<Duration> {
        let unwell = Arc::new(Unwell::default());
        let wire: Arc<dyn Wire> = unwell.clone();
        let start = Instant::now();
        let errand = Errand {
            address: Address::default(),
            url: ResponseUrl::parse_local("https://bucket.example/answer").ok(),
            waits: Waits::new(start, timeout),
            progress: Progress::new(PhysicalId::parse("none/0123456789abcdef")),
            log: String::new(),
            seed,
        };
        let (answer, answered) = oneshot::channel();
        drop(answer);
        let run = errand.run(&wire, answered);
        let answered = timeout_at(start + timeout, run).await.unwrap();
        assert!(answered.delivered.is_err());
        assert!(Instant::now() < start + timeout);
        let asked = unwell.0.lock().unwrap();
        asked.iter().map(|moment| *moment - start).collect()
    }

    /// Case E4: the waits between tries grow and have jitter, a try that hangs has
    /// an end of its own, and all of it ends before Lambda's deadline.
    #[tokio::test(start_paused = true)]
    async fn tries_ever_more_rarely_until_the_end() {
        for timeout in [Duration::from_secs(240), Duration::from_secs(12)] {
            let one = tries(timeout, 1).await;
            let two = tries(timeout, 2).await;
            assert!((10..100).contains(&one.len()), "{}", one.len());
            assert!(one[1] < timeout / 100);
            assert!(one[one.len() - 1] > timeout / 2);
            assert_ne!(one, two, "no jitter");
        }
    }
}
