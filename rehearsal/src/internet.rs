//! An Internet on loopback: host names lead to servers of the rehearsal.
//!
//! A process that is given [`Internet::environment`] sends every https
//! request through this CONNECT proxy. The proxy terminates TLS with a
//! certificate made for the very name that was asked for, signed by an
//! authority of this run alone, and copies the bytes to the plain-HTTP server
//! that the name leads to. Nothing leaves the machine: a name that leads
//! nowhere is refused and noted.

mod authority;
mod door;
mod routes;
mod tunnel;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::AbortHandle;

pub use routes::HostPattern;

pub use door::Door;

use authority::Authority;
use routes::Routes;

/// A running Internet on a loopback port that the system chose. Dropping it
/// closes the port and every connection.
#[derive(Debug)]
pub struct Internet {
    address: SocketAddr,
    ca_file: PathBuf,
    routes: Arc<Routes>,
    authority: Arc<Authority>,
    proxy: AbortHandle,
}

impl Internet {
    /// Starts an Internet in which no name leads anywhere yet, and writes
    /// its authority's certificate to `ca.pem` in `dir`.
    ///
    /// # Errors
    /// When no loopback port can be opened or the file cannot be written.
    pub async fn start(dir: &Path) -> io::Result<Self> {
        let authority = Arc::new(Authority::of_this_run().map_err(io::Error::other)?);
        let ca_file = dir.join("ca.pem");
        tokio::fs::write(&ca_file, authority.pem()).await?;
        let tls = authority::server_config(&authority).map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let routes = Arc::new(Routes::default());
        let proxy = tokio::spawn(tunnel::serve(listener, Arc::clone(&routes), tls)).abort_handle();
        Ok(Self {
            address,
            ca_file,
            routes,
            authority,
            proxy,
        })
    }

    /// Opens a door of this Internet at `address`: a TLS server for every name
    /// that leads somewhere, for processes that resolve the names to it and use
    /// no proxy.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn open_door(&self, address: SocketAddr) -> io::Result<Door> {
        let tls = authority::server_config(&self.authority).map_err(io::Error::other)?;
        Door::open(address, Arc::clone(&self.routes), tls).await
    }

    /// From now on `host`, on port 443, leads to the plain-HTTP server at
    /// `to`. An exact name wins over a suffix, a longer suffix over a
    /// shorter one, and a later call over an earlier one with the same host.
    pub fn lead(&self, host: HostPattern, to: SocketAddr) {
        self.routes.lead(host, to);
    }

    /// Ends every connection that there is: from now on each name leads where
    /// it was led last.
    pub fn cut(&self) {
        self.routes.cut();
    }

    /// From now on `host` presents the certificate of `other`, as when a
    /// name is taken over: a careful client ends the connection.
    pub fn present_certificate_of(&self, host: &str, other: &str) {
        self.authority.impersonate(host, other);
        self.routes.cut();
    }

    /// From now on `host` presents its own certificate again.
    pub fn present_own_certificate(&self, host: &str) {
        self.authority.impersonate(host, host);
    }

    /// From now on the proxy lets nobody through to `host`, as a company's may.
    pub fn forbid(&self, host: &str) {
        self.routes.forbid(host);
        self.routes.cut();
    }

    /// From now on the proxy lets everybody through to `host` again.
    pub fn allow(&self, host: &str) {
        self.routes.allow(host);
    }

    /// Where the proxy listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The file with the authority's certificate, in PEM.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// The two variables that put a process on this Internet.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let ca_file = self.ca_file.to_string_lossy().into_owned();
        vec![
            ("HTTPS_PROXY".to_owned(), format!("http://{}", self.address)),
            ("SSL_CERT_FILE".to_owned(), ca_file),
        ]
    }

    /// Every `host:port` that was asked for and leads somewhere, once for each
    /// connection, in order.
    #[must_use]
    pub fn passed(&self) -> Vec<String> {
        self.routes.passed()
    }

    /// Every `host:port` that was asked for and leads nowhere, in order.
    #[must_use]
    pub fn refused(&self) -> Vec<String> {
        self.routes.refused()
    }
}

impl Drop for Internet {
    fn drop(&mut self) {
        self.proxy.abort();
    }
}
