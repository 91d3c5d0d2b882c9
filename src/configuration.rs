//! The function's environment, read once.
//!
//! Nothing in it can keep the function from starting: what is missing becomes a
//! reason in an answer.

use std::path::PathBuf;
use std::sync::Arc;

use aws_credential_types::Credentials;

use crate::admin::Settings;
use crate::hub::Hub;
use crate::stack_id::StackId;

/// `STACK_ID`: the stack that made this function, the only one it serves unless it
/// is a hub.
pub const ENV_STACK_ID: &str = "STACK_ID";
/// `URL_SUFFIX`: the partition's domain, for example `amazonaws.com`.
pub const ENV_URL_SUFFIX: &str = "URL_SUFFIX";
/// `API_TOKEN_SECRET_ARN`: the secret with the API token.
pub const ENV_SECRET_ARN: &str = "API_TOKEN_SECRET_ARN";
/// `AWS_SAM_LOCAL`: set by SAM on a laptop, never by AWS or by the template.
pub const ENV_LOCAL: &str = "AWS_SAM_LOCAL";
/// `AWS_ENDPOINT_URL`: another address of AWS, in local mode only.
pub const ENV_AWS_ENDPOINT: &str = "AWS_ENDPOINT_URL";
/// `LOCAL_CA_FILE`: certificates to trust beside the system's, in local mode only.
pub const ENV_LOCAL_CA_FILE: &str = "LOCAL_CA_FILE";

/// What the environment says.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The stack that made this function; none on a laptop, or if it cannot be
    /// read: then no request is served.
    pub stack_id: Option<StackId>,
    /// What members get, if the function is an organization's hub.
    pub hub: Option<Arc<Hub>>,
    /// What an admin's function works with; none in a registrar.
    pub admin: Option<Arc<Settings>>,
    /// The partition's domain.
    pub url_suffix: String,
    /// The secret with the API token; none on a laptop that names none.
    pub secret_arn: Option<String>,
    /// The role's credentials.
    pub credentials: Credentials,
    /// Local mode, an opt-in.
    pub local: Option<Local>,
}

/// What is different on a laptop: any response URL, any API host, and answers
/// as the function's result.
#[derive(Clone, Debug, Default)]
pub struct Local {
    /// Another address of AWS.
    pub aws_endpoint: Option<String>,
    /// Certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

impl Configuration {
    /// Reads an environment by its variables' names. Local mode opens with exactly
    /// `AWS_SAM_LOCAL=true` and with nothing else.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| variable(name).filter(|text| !text.is_empty());
        let local = (variable(ENV_LOCAL).as_deref() == Some("true")).then(|| Local {
            aws_endpoint: text(ENV_AWS_ENDPOINT),
            ca_file: text(ENV_LOCAL_CA_FILE).map(PathBuf::from),
        });
        let stack_id: Option<StackId> = text(ENV_STACK_ID).and_then(|text| text.parse().ok());
        let hub = stack_id.as_ref().and_then(|stack| Hub::read(stack, text));
        Self {
            admin: Settings::read(stack_id.as_ref(), text).map(Arc::new),
            stack_id,
            hub: hub.map(Arc::new),
            url_suffix: text(ENV_URL_SUFFIX).unwrap_or_else(|| "amazonaws.com".to_owned()),
            secret_arn: text(ENV_SECRET_ARN),
            credentials: Credentials::new(
                text("AWS_ACCESS_KEY_ID").unwrap_or_default(),
                text("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
                text("AWS_SESSION_TOKEN"),
                None,
                "the function's environment",
            ),
            local,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Configuration {
        Configuration::read(|wanted| {
            let (_, value) = pairs.iter().find(|(name, _)| *name == wanted)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn opens_local_mode_for_exactly_one_word() {
        assert!(read(&[(ENV_LOCAL, "true")]).local.is_some());
        for other in ["", "false", "1", "True", "yes"] {
            assert!(read(&[(ENV_LOCAL, other)]).local.is_none(), "{other}");
        }
    }

    #[test]
    fn reads_addresses_for_local_use_in_local_mode_only() {
        let pairs = [
            (ENV_AWS_ENDPOINT, "http://127.0.0.1:1"),
            (ENV_LOCAL_CA_FILE, "/ca.pem"),
        ];
        assert!(read(&pairs).local.is_none());
        let local = read(&[pairs[0], pairs[1], (ENV_LOCAL, "true")])
            .local
            .unwrap();
        assert_eq!(local.aws_endpoint.as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(local.ca_file, Some(PathBuf::from("/ca.pem")));
    }

    /// Case E43: nothing of the environment can keep the function from starting.
    #[test]
    fn starts_with_nothing_at_all() {
        let configuration = read(&[]);
        assert!(configuration.stack_id.is_none());
        assert_eq!(configuration.url_suffix, "amazonaws.com");
    }
}
