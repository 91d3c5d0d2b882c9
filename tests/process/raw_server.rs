//! A server that need not speak HTTP as anybody should.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Duration, interval};

/// What it sends to whoever has sent the head of a request.
#[derive(Clone)]
pub(crate) enum Sends {
    /// These bytes.
    Bytes(Arc<[u8]>),
    /// These, then the following ones, one a second.
    Slowly(&'static str, &'static str),
    /// These, then one byte so many times.
    Much(&'static str, u8, u64),
    /// Nothing, and it does not even read.
    Nothing,
}

/// The running server. Dropping it closes the port.
pub(crate) struct RawServer {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

impl RawServer {
    pub(crate) async fn start(sends: Sends) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever goes away has had enough.
                tokio::spawn(serve(stream, sends.clone(), Arc::clone(&kept)));
            }
        });
        Self {
            address,
            heads,
            server,
        }
    }

    /// The heads of the requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    sends: Sends,
    heads: Arc<Mutex<Vec<String>>>,
) -> std::io::Result<()> {
    if matches!(sends, Sends::Nothing) {
        return std::future::pending().await;
    }
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    heads.lock().unwrap().push(head);
    match sends {
        Sends::Bytes(bytes) => stream.write_all(&bytes).await?,
        Sends::Slowly(first, slow) => {
            stream.write_all(first.as_bytes()).await?;
            let mut second = interval(Duration::from_secs(1));
            for byte in slow.bytes() {
                second.tick().await;
                stream.write_all(&[byte]).await?;
            }
        }
        Sends::Much(first, byte, count) => {
            stream.write_all(first.as_bytes()).await?;
            tokio::io::copy(&mut tokio::io::repeat(byte).take(count), &mut stream).await?;
        }
        Sends::Nothing => {}
    }
    // What was sent is read before the connection ends.
    stream.read_to_end(&mut Vec::new()).await.map(drop)
}
