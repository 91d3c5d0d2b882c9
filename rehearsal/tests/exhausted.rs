//! Servers that run out of file descriptors serve again when there are some. The
//! limit is the whole process's, so this test is alone in its file.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs::File;
use std::net::SocketAddr;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rehearsal::answer_bucket::{AnswerBucket, AnswerKey};
use rehearsal::internet::Internet;
use rehearsal::sandbox::{Sandbox, SandboxOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Few enough to be used up quickly.
const DESCRIPTORS: u64 = 64;

/// Opens files until no descriptor is left.
fn all_that_are_left() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

/// How an answer begins, of a server that could not take the connection at first.
async fn first_line_of(server: SocketAddr) -> String {
    let mut taken = all_that_are_left();
    taken.pop();
    let mut connection = TcpStream::connect(server).await.unwrap();
    connection
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    // The one thread sees that there is a connection.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    drop(taken);
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn serve_again_when_there_are_descriptors() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start(SandboxOptions::default()).await.unwrap();
    let bucket = AnswerBucket::start(AnswerKey::random(), "us-east-1", None)
        .await
        .unwrap();
    let internet = Internet::start(dir.path()).await.unwrap();
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, DESCRIPTORS, hard).unwrap();
    for (server, line) in [
        (sandbox.address(), "HTTP/1.1 200 OK"),
        (bucket.address(), "HTTP/1.1 403 Forbidden"),
        (internet.address(), "HTTP/1.1 405 Method Not Allowed"),
    ] {
        assert_eq!(first_line_of(server).await, line);
    }
}
