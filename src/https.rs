//! The real wire: HTTPS by `reqwest` on `rustls` with `ring`.
//!
//! The system's certificates are parsed once for all clients of the process,
//! the AWS SDK's included, for its requests take this wire too.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use crate::wire::{BODY_LIMIT, Exchange, Wire, WireError};

/// How long a connection may take, TLS included. AWS and the vendor answer
/// within a few hundred milliseconds, a lost packet costs one or two seconds more.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The process's TLS settings, made at first use.
#[derive(Debug, Default)]
pub struct Trust {
    extra_ca: Option<PathBuf>,
    settings: OnceLock<Result<ClientConfig, String>>,
}

impl Trust {
    /// Trust in the system's certificates and, in local mode, in those of a file.
    pub fn new(extra_ca: Option<PathBuf>) -> Self {
        Self {
            extra_ca,
            settings: OnceLock::new(),
        }
    }

    fn settings(&self) -> Result<ClientConfig, String> {
        self.settings.get_or_init(|| self.load()).clone()
    }

    fn load(&self) -> Result<ClientConfig, String> {
        let extra = match &self.extra_ca {
            Some(path) => CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| format!("the CA file cannot be read: {error}"))?,
            None => Vec::new(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider))
            .map_err(|error| format!("no certificates to trust: {error}"))?;
        let settings = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(settings)
    }
}

/// One client with its own connections, made at first use.
#[derive(Debug)]
pub struct Https {
    trust: Arc<Trust>,
    client: OnceLock<Result<reqwest::Client, String>>,
}

impl Https {
    /// A client that has opened and read nothing yet.
    pub fn new(trust: Arc<Trust>) -> Self {
        Self {
            trust,
            client: OnceLock::new(),
        }
    }

    fn client(&self) -> Result<reqwest::Client, WireError> {
        self.client
            .get_or_init(|| {
                reqwest::Client::builder()
                    .tls_backend_preconfigured(self.trust.settings()?)
                    .connect_timeout(CONNECT_TIMEOUT)
                    .redirect(reqwest::redirect::Policy::none())
                    .retry(reqwest::retry::never())
                    .referer(false)
                    .user_agent(concat!(
                        env!("CARGO_PKG_NAME"),
                        "/",
                        env!("CARGO_PKG_VERSION")
                    ))
                    .build()
                    .map_err(|error| error.without_url().to_string())
            })
            .clone()
            .map_err(WireError::NotSent)
    }
}

impl Wire for Https {
    fn exchange(&self, request: Request<Bytes>) -> Exchange {
        let client = self.client();
        Box::pin(async move {
            let request = reqwest::Request::try_from(request)
                .map_err(|error| WireError::NotSent(innermost(&error.without_url())))?;
            let mut response = client?.execute(request).await.map_err(failed)?;
            let mut parts = Response::builder().status(response.status());
            for (name, value) in response.headers() {
                parts = parts.header(name, value);
            }
            let mut body = BytesMut::new();
            while let Some(chunk) = response.chunk().await.map_err(failed)? {
                if body.len() + chunk.len() > BODY_LIMIT {
                    return Err(WireError::TooLarge);
                }
                body.extend_from_slice(&chunk);
            }
            Ok(parts
                .body(body.freeze())
                .expect("a status and headers that were just received can be written again"))
        })
    }
}

fn failed(error: reqwest::Error) -> WireError {
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        WireError::NotSent(innermost(&error))
    } else {
        WireError::Lost(innermost(&error))
    }
}

/// The last cause in the chain: the one that says what happened, not where.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
