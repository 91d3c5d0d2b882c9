//! The publisher's credentials: three variables of the environment and nothing else.
//!
//! No file, no metadata service: who publishes is what somebody has put there on
//! purpose, as `aws configure export-credentials --format env` and GitHub's
//! configure-aws-credentials do.

use aws_credential_types::Credentials;
use thiserror::Error;

/// A variable is missing or empty.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "{0} is not set: `eval \"$(aws configure export-credentials --format env)\"` sets what is needed"
)]
pub struct NoCredentials(&'static str);

/// The credentials in an environment.
///
/// # Errors
/// Key or secret is missing.
pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Credentials, NoCredentials> {
    let given = |name: &'static str| variable(name).filter(|value| !value.is_empty());
    let needed = |name| given(name).ok_or(NoCredentials(name));
    Ok(Credentials::new(
        needed("AWS_ACCESS_KEY_ID")?,
        needed("AWS_SECRET_ACCESS_KEY")?,
        given("AWS_SESSION_TOKEN"),
        None,
        "the environment",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_in_the_environment_or_the_variable_that_is_missing_is_named() {
        let all = |name: &str| Some(format!("the {name}"));
        let read_all = read(all).unwrap();
        assert_eq!(read_all.access_key_id(), "the AWS_ACCESS_KEY_ID");
        assert_eq!(read_all.session_token(), Some("the AWS_SESSION_TOKEN"));
        let without =
            |missing: &'static str| read(move |name| (name != missing).then(|| "x".to_owned()));
        assert!(
            without("AWS_SESSION_TOKEN")
                .unwrap()
                .session_token()
                .is_none()
        );
        let told = without("AWS_SECRET_ACCESS_KEY").unwrap_err();
        assert!(
            told.to_string()
                .starts_with("AWS_SECRET_ACCESS_KEY is not set")
        );
        assert!(read(|_| Some(String::new())).is_err());
    }
}
