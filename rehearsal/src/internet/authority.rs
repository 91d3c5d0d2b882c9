//! The certificate authority of one run.
//!
//! Its key is never written anywhere, so nothing but this process can sign
//! with it, and it ends with the run.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Signs one certificate per name that is asked for, and keeps it.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    leafs: BTreeMap<String, Arc<CertifiedKey>>,
    impersonated: BTreeMap<String, String>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority(..)")
    }
}

impl Authority {
    pub(super) fn of_this_run() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name = named("Rehearsal, this run only");
        Ok(Self {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?,
            state: Mutex::default(),
        })
    }

    pub(super) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(super) fn impersonate(&self, host: &str, other: &str) {
        let (host, other) = (host.to_owned(), other.to_owned());
        self.state().impersonated.insert(host, other);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while it holds the certificates")
    }

    fn leaf(&self, asked: &str) -> Option<Arc<CertifiedKey>> {
        let mut state = self.state();
        let name = state.impersonated.get(asked).map_or(asked, String::as_str);
        let name = name.to_owned();
        if let Some(leaf) = state.leafs.get(&name) {
            return Some(Arc::clone(leaf));
        }
        let leaf = Arc::new(self.sign(&name)?);
        state.leafs.insert(name, Arc::clone(&leaf));
        Some(leaf)
    }

    /// A certificate good for `name` alone; `None` when it is no host name,
    /// which ends the handshake.
    fn sign(&self, name: &str) -> Option<CertifiedKey> {
        let mut params = CertificateParams::new([name.to_owned()]).ok()?;
        params.distinguished_name = named("Rehearsal");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().ok()?;
        let certificate = params.signed_by(&key, &self.issuer).ok()?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let key = rustls::crypto::ring::sign::any_supported_type(&key).ok()?;
        Some(CertifiedKey::new(vec![certificate.der().clone()], key))
    }
}

impl ResolvesServerCert for Authority {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.leaf(hello.server_name()?)
    }
}

/// A TLS server that shows `authority`'s certificates, over HTTP/1.1 only.
pub(super) fn server_config(authority: &Arc<Authority>) -> Result<ServerConfig, rustls::Error> {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(authority) as Arc<dyn ResolvesServerCert>);
    // A session that is taken up again shows no certificate, and every host
    // here is the same server.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}
