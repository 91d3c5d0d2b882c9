//! S3 of one region, as the publisher's credentials reach it.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, ResponseChecksumValidation, SharedCredentialsProvider};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};

use crate::region::Region;

/// How long a connection may take, TLS included.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How long one request may take: a zip has some megabytes.
const REQUEST_LIMIT: Duration = Duration::from_secs(120);

/// How long it waits, at most, before it asks a second time.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);

/// The way to the network.
#[derive(Clone, Debug)]
pub struct Network {
    /// Through which proxy, if any.
    pub proxy: ProxyConfig,
    /// Whose certificates are believed.
    pub trust: TrustStore,
}

impl Network {
    /// As the variables `HTTPS_PROXY` and `NO_PROXY` say, with the system's certificates.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self {
            proxy: ProxyConfig::from_env(),
            trust: TrustStore::default(),
        }
    }
}

/// A client for S3 in `region`.
#[must_use]
pub fn client(region: &Region, credentials: &Credentials, network: &Network) -> Client {
    let network = network.clone();
    let http = Builder::new().build_with_connector_fn(move |settings, components| {
        let context = TlsContext::builder()
            .with_trust_store(network.trust.clone())
            .build()
            .expect("a trust store alone makes a context");
        let mut connector = Connector::builder().proxy_config(network.proxy.clone());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.set_connector_settings(settings.cloned());
        connector
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(context)
            .build()
    });
    let limits = TimeoutConfig::builder()
        .connect_timeout(CONNECT_LIMIT)
        .operation_attempt_timeout(REQUEST_LIMIT)
        .build();
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(aws_sdk_s3::config::Region::new(region.as_str().to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
        .timeout_config(limits)
        // What is read back is compared with what was written, byte for byte.
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .retry_config(RetryConfig::standard().with_initial_backoff(FIRST_BACKOFF))
        .http_client(http)
        .build();
    Client::from_conf(config)
}
