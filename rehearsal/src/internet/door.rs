//! A TLS server that tells names apart by what the client says in its hello.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use rustls::ServerConfig;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::routes::{Passage, Routes};

/// An open door. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    handshakes: Arc<Handshakes>,
    server: AbortHandle,
}

/// How often each name was shaken hands with.
#[derive(Debug, Default)]
struct Handshakes(Mutex<BTreeMap<String, usize>>);

impl Handshakes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.0
            .lock()
            .expect("nothing panics while it holds the handshakes")
    }
}

impl Door {
    pub(super) async fn open(
        address: SocketAddr,
        routes: Arc<Routes>,
        tls: ServerConfig,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let handshakes = Arc::new(Handshakes::default());
        let serving = serve(listener, routes, tls, Arc::clone(&handshakes));
        Ok(Self {
            address,
            handshakes,
            server: tokio::spawn(serving).abort_handle(),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The finished TLS handshakes of each name since the last call.
    #[must_use]
    pub fn take_handshakes(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut *self.handshakes.lock())
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Accepts connections for ever; they end when this future is dropped.
async fn serve(
    listener: TcpListener,
    routes: Arc<Routes>,
    tls: ServerConfig,
    handshakes: Arc<Handshakes>,
) {
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (routes, acceptor) = (Arc::clone(&routes), acceptor.clone());
        let handshakes = Arc::clone(&handshakes);
        connections.spawn(async move {
            // A side that breaks off ends the connection.
            let _ = connect(stream, &routes, &acceptor, &handshakes).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn connect(
    client: TcpStream,
    routes: &Routes,
    tls: &TlsAcceptor,
    handshakes: &Handshakes,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = tls.accept(client).await?;
    let host = client.get_ref().1.server_name().unwrap_or_default();
    let host = host.to_owned();
    let Passage::To(upstream) = routes.find_or_note(&format!("{host}:443")) else {
        return Ok(());
    };
    *handshakes.lock().entry(host).or_default() += 1;
    let mut upstream = TcpStream::connect(upstream).await?;
    upstream.set_nodelay(true)?;
    tokio::select! {
        biased;
        () = routes.until_cut() => Ok(()),
        copied = copy_bidirectional(&mut client, &mut upstream) => copied.map(drop),
    }
}
