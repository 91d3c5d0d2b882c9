//! Functions: looked up, and invoked by hand.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::Value;
use thiserror::Error;

use super::exchange::{ExchangeError, Question};
use super::{Account, Engine};

/// Why a function could not be asked about or invoked.
#[derive(Debug, Error)]
pub enum InvokeError {
    /// The engine gave no answer.
    #[error(transparent)]
    NoAnswer(#[from] ExchangeError),
    /// The engine refused, for example because there is no such function.
    #[error("the engine answered {0}")]
    Refused(StatusCode),
}

impl Engine {
    /// Whether the function exists in `account`; a question that cannot be
    /// answered counts as yes.
    pub async fn has_function(&self, account: &Account, name: &str) -> bool {
        let path = format!("/2015-03-31/functions/{name}");
        let asked = ask_lambda(account, Method::GET, &path, "").await;
        !matches!(asked, Err(InvokeError::Refused(StatusCode::NOT_FOUND)))
    }

    /// Invokes a function as the root user of `account` and waits for its
    /// end, whatever it comes to.
    ///
    /// # Errors
    /// There is no such function, or the engine cannot be asked.
    pub async fn invoke(
        &self,
        account: &Account,
        function: &str,
        event: &Value,
    ) -> Result<(), InvokeError> {
        self.ask(account, function, event).await.map(drop)
    }

    /// The same, with what the function returns, or the error that it ends with.
    ///
    /// # Errors
    /// There is no such function, or the engine cannot be asked.
    pub async fn ask(
        &self,
        account: &Account,
        function: &str,
        event: &Value,
    ) -> Result<Value, InvokeError> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let answer = ask_lambda(account, Method::POST, &path, &event.to_string()).await?;
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }
}

async fn ask_lambda(
    account: &Account,
    method: Method,
    path: &str,
    body: &str,
) -> Result<Bytes, InvokeError> {
    let question = Question {
        method,
        path,
        headers: &[],
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    let (status, body) = account.lambda().ask(question).await?;
    if status.is_success() {
        Ok(body)
    } else {
        Err(InvokeError::Refused(status))
    }
}
