//! The bucket that takes the answers, as CloudFormation's own in S3 does.
//!
//! A function answers a custom-resource request by PUT to a presigned URL of
//! S3. This server stands behind that URL's host name: it verifies the
//! signature, keeps what it got, and hands accepted answers on to the
//! [engine](crate::engine). It speaks plain HTTP; the
//! [internet](crate::internet) puts TLS in front of it.

mod fault;
pub(crate) mod forward;
mod presigned;
mod received;
mod server;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use time::{Duration, OffsetDateTime};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

pub use fault::BucketFault;
pub use presigned::{AnswerKey, MalformedAnswerKey};
pub use received::{ReceivedAnswer, Verdict};

use presigned::Presigner;
pub use server::HeldAnswer;

use server::Bucket;

/// A running bucket on a loopback port that the system chose. Dropping it
/// closes the port and every connection.
#[derive(Debug)]
pub struct AnswerBucket {
    address: SocketAddr,
    bucket: Arc<Bucket>,
    server: AbortHandle,
}

impl AnswerBucket {
    /// Starts a bucket for `region` that believes signatures made with `key`.
    ///
    /// Accepted answers are handed on to the engine at `forward`; without
    /// one they are only kept.
    ///
    /// # Errors
    /// When no loopback port can be opened.
    pub async fn start(
        key: AnswerKey,
        region: &str,
        forward: Option<SocketAddr>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Self::serve(listener, Bucket::new(Presigner::new(key, region), forward))
    }

    fn serve(listener: TcpListener, bucket: Bucket) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let bucket = Arc::new(bucket);
        let server = tokio::spawn(server::serve(listener, Arc::clone(&bucket))).abort_handle();
        Ok(Self {
            address,
            bucket,
            server,
        })
    }

    /// Starts a mailbox for a function on a laptop: the same bucket behind
    /// `listener`, with URLs that lead to `host`, where a container reaches it.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn mailbox(listener: TcpListener, host: String, region: &str) -> io::Result<Self> {
        let presigner = Presigner::at(AnswerKey::random(), region, host);
        Self::serve(listener, Bucket::new(presigner, None))
    }

    /// The bucket's host name in AWS, to be led to [`Self::address`].
    #[must_use]
    pub fn host(&self) -> String {
        self.bucket.presigner.host()
    }

    /// Where the bucket listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The response URL that CloudFormation would put into a request now,
    /// good for two hours.
    #[must_use]
    pub fn presign(&self, stack_id: &str, logical_id: &str, request_id: &str) -> String {
        self.presign_before(Duration::ZERO, stack_id, logical_id, request_id)
    }

    /// The response URL of a request that CloudFormation sent so long ago.
    #[must_use]
    pub fn presign_before(
        &self,
        ago: Duration,
        stack_id: &str,
        logical_id: &str,
        request_id: &str,
    ) -> String {
        let then = OffsetDateTime::now_utc() - ago;
        self.bucket
            .presigner
            .presign(stack_id, logical_id, request_id, then)
    }

    /// Everything that was sent here so far, refused or not, oldest first.
    #[must_use]
    pub fn answers(&self) -> Vec<ReceivedAnswer> {
        self.bucket.answers()
    }

    /// Waits until more than `count` answers are here, and tells all.
    pub async fn more_than(&self, count: usize) -> Vec<ReceivedAnswer> {
        self.bucket.more_than(count).await
    }

    /// Waits for the first accepted answer to `request_id`, at once if it is
    /// here already. It waits as long as the caller lets it.
    pub async fn next_answer(&self, request_id: &str) -> ReceivedAnswer {
        self.bucket.next_answer(request_id).await
    }

    /// Lets the next requests meet `fault`. Faults queue up.
    pub fn script(&self, fault: BucketFault) {
        self.bucket.script(fault);
    }

    /// From now on every answer that says FAILED waits here before it reaches
    /// CloudFormation, until it is dropped.
    #[must_use]
    pub fn hold_failures(&self) -> mpsc::UnboundedReceiver<HeldAnswer> {
        self.bucket.hold_failures()
    }

    /// Ends the faults that were scripted and did not happen yet.
    pub fn clear_faults(&self) {
        self.bucket.clear_faults();
    }
}

impl Drop for AnswerBucket {
    fn drop(&mut self) {
        self.server.abort();
    }
}
