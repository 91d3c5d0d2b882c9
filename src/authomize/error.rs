//! What can go wrong between us and the vendor, by what can be done about it.

use std::time::Duration;

use http::StatusCode;
use thiserror::Error;

use crate::api_url::ApiUrl;
use crate::wire::WireError;

/// A request to the vendor that did not bring what was asked for.
///
/// Texts of the vendor inside have passed [`crate::text::shown`].
#[derive(Clone, Debug, Error)]
pub enum ApiError {
    /// 401: the token is not known.
    #[error("Authomize does not accept the API token (401)")]
    Unauthorized,
    /// 403: the token may not do this.
    #[error("the API token is not permitted to do this (403)")]
    Forbidden,
    /// 404 or 410.
    #[error("Authomize does not have what was asked for (404)")]
    NotFound,
    /// 409: the name is taken.
    #[error("Authomize has an integration of this name already (409)")]
    Conflict,
    /// 429.
    #[error("Authomize asks for fewer requests (429)")]
    RateLimited {
        /// What the vendor asked to wait.
        retry_after: Option<Duration>,
    },
    /// Any other 4xx: documented or not, trying again would not help.
    #[error("Authomize refused the request ({status}): \"{message}\"")]
    Rejected {
        /// The status.
        status: StatusCode,
        /// What the vendor says about it.
        message: String,
    },
    /// 5xx: the request may have been carried out.
    #[error("Authomize is not working at the moment ({status})")]
    Unavailable {
        /// The status.
        status: StatusCode,
    },
    /// 3xx: redirects are not followed, for the token would go along.
    #[error("the API's address redirects elsewhere ({status})")]
    Redirected {
        /// The status.
        status: StatusCode,
    },
    /// Success, but not in the API's words: the request was carried out.
    #[error("the answer of Authomize is not what its API describes: {0}")]
    Unreadable(String),
    /// No response at all.
    #[error("Authomize cannot be reached at {api}: {source}")]
    Unreachable {
        /// The address that was asked.
        api: ApiUrl,
        /// What happened instead.
        source: WireError,
    },
}

impl ApiError {
    /// Whether the same request may work in a moment. Only for requests that
    /// may be sent twice. Where nobody listens on a laptop nobody will in a
    /// moment, and somebody waits at a terminal.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::Unavailable { .. } | Self::Unreadable(_) => true,
            Self::Unreachable { api, source } => {
                !(api.is_plain() && matches!(source, WireError::NotSent(_)))
            }
            Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::Conflict
            | Self::Rejected { .. }
            | Self::Redirected { .. } => false,
        }
    }

    /// Whether the vendor may have done what was asked for all the same.
    pub fn leaves_the_outcome_open(&self) -> bool {
        match self {
            Self::Unreachable {
                source: WireError::NotSent(_),
                ..
            }
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::Conflict
            | Self::RateLimited { .. }
            | Self::Rejected { .. }
            | Self::Redirected { .. } => false,
            Self::Unreachable { .. } | Self::Unavailable { .. } | Self::Unreadable(_) => true,
        }
    }

    /// Its name in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "NotFound",
            Self::Conflict => "Conflict",
            Self::RateLimited { .. } => "RateLimited",
            Self::Rejected { .. } => "Rejected",
            Self::Unavailable { .. } => "Unavailable",
            Self::Redirected { .. } => "Redirected",
            Self::Unreadable(_) => "Unreadable",
            Self::Unreachable { .. } => "Unreachable",
        }
    }

    /// What the admin can do about it, as a sentence.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Unauthorized => {
                "Put a valid token of the Authomize API into AuthomizeApiToken or into the secret, then try again."
            }
            Self::Forbidden => {
                "Use a token of Authomize that may manage integrations, then try again."
            }
            Self::NotFound => {
                "Check AuthomizeApiUrl, then try again. If the record was deleted at Authomize, change Refresh to have it registered again."
            }
            Self::Conflict => "Choose another IntegrationName, then try again.",
            Self::RateLimited { .. } => "Try again in a few minutes, with fewer stacks at a time.",
            Self::Rejected { .. } => {
                "Correct what Authomize names, then try again. If it names nothing that you gave, tell Authomize."
            }
            Self::Redirected { .. } => {
                "Set AuthomizeApiUrl to the address that Authomize gave you."
            }
            Self::Unavailable { .. } => "Try again when Authomize is well again.",
            Self::Unreadable(_) => {
                "Check that AuthomizeApiUrl is the address of the API, then try again. If it is, tell Authomize."
            }
            Self::Unreachable { .. } => {
                "Check AuthomizeApiUrl, and that the function can reach it, then try again."
            }
        }
    }
}
