//! Where the peers are: the host names of AWS and of the vendor lead to this
//! machine, for everybody alike and without a proxy.
//!
//! `bench/run` starts all of this in a network namespace without a way out, whose
//! resolver knows these names.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use rehearsal::internet::{Door, HostPattern, Internet};
use tempfile::TempDir;

use crate::error::BenchError;
use crate::world::{REGION, World};

/// Debian's bundle of certificates, as long as the one in Lambda's runtimes.
const SYSTEM_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// One network for a whole run; the worlds behind it change.
#[derive(Debug)]
pub(crate) struct Network {
    internet: Internet,
    door: Door,
    certificates: PathBuf,
    dir: TempDir,
}

impl Network {
    /// Opens the network on port 443 of loopback.
    ///
    /// # Errors
    /// The port or a file cannot be opened.
    pub(crate) async fn open() -> Result<Self, BenchError> {
        let dir = TempDir::new().map_err(BenchError::io("a folder for the run"))?;
        let internet = Internet::start(dir.path())
            .await
            .map_err(BenchError::io("the internet on loopback"))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 443));
        let door = internet.open_door(address).await.map_err(BenchError::io(
            "port 443 of loopback (`bench/run` opens it in a namespace of its own)",
        ))?;
        let certificates = dir.path().join("certificates.pem");
        let system = Path::new(SYSTEM_CERTIFICATES);
        let mut bundle = fs::read(system).map_err(BenchError::file(system))?;
        bundle.extend(fs::read(internet.ca_file()).map_err(BenchError::file(internet.ca_file()))?);
        fs::write(&certificates, bundle).map_err(BenchError::file(&certificates))?;
        Ok(Self {
            internet,
            door,
            certificates,
            dir,
        })
    }

    /// From now on the names lead to this world.
    pub(crate) fn lead_to(&self, world: &World) {
        let exact = |host: &str| HostPattern::Exact(host.to_owned());
        self.internet
            .lead(exact("api.authomize.com"), world.sandbox.address());
        self.internet
            .lead(exact(&world.bucket.host()), world.bucket.address());
        for service in ["secretsmanager", "cloudformation"] {
            let host = format!("{service}.{REGION}.amazonaws.com");
            self.internet.lead(exact(&host), world.desk.address());
        }
    }

    /// The TLS handshakes of each host since the last call.
    pub(crate) fn take_handshakes(&self) -> BTreeMap<String, usize> {
        self.door.take_handshakes()
    }

    /// A folder for the files of this run.
    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// The variables by which each runtime trusts this network. All read the
    /// system's certificates and one more; Node has the system's compiled in.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let all = self.certificates.display().to_string();
        let own = self.internet.ca_file().display().to_string();
        vec![
            ("SSL_CERT_FILE".to_owned(), all.clone()),
            ("AWS_CA_BUNDLE".to_owned(), all),
            ("NODE_EXTRA_CA_CERTS".to_owned(), own),
        ]
    }
}
