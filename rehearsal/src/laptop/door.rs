//! A door through which a container reaches a server on loopback.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::accept::next_connection;

/// Leads an address of this machine to another. Dropping it closes it and every
/// connection.
#[derive(Debug)]
pub(super) struct Door {
    address: SocketAddr,
    server: AbortHandle,
}

impl Door {
    /// Opens a door at `at`, on a port that the system chooses.
    pub(super) async fn open(at: IpAddr, to: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((at, 0)).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(serve(listener, to)).abort_handle();
        Ok(Self { address, server })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, to: SocketAddr) {
    let mut connections = JoinSet::new();
    loop {
        let mut outside = next_connection(&listener).await;
        connections.spawn(async move {
            // A side that breaks off ends the connection, as it would without a door.
            if let Ok(mut inside) = TcpStream::connect(to).await {
                copy_bidirectional(&mut outside, &mut inside).await.ok();
            }
        });
        while connections.try_join_next().is_some() {}
    }
}
