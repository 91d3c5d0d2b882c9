//! The desk of `cargo rehearse serve`: fills events in, and tells what arrived.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::{fs, io};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::answer_bucket::Verdict;
use crate::installation::rehearsal_dir;

use super::event::{Filling, fill, is_ours};
use super::world::Laptop;

/// Why no event could be filled in.
#[derive(Debug, Error)]
pub enum DeskError {
    /// Nobody serves.
    #[error(
        "nothing is served: start `cargo rehearse serve` in another terminal, and leave it there"
    )]
    NotServing,
    /// The desk's address cannot be kept for others.
    #[error("the desk of the rehearsal cannot be opened")]
    Unusable(#[from] io::Error),
}

/// What the desk is asked.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    event: Value,
    /// Whether the answer goes to the mailbox.
    mailbox: bool,
}

/// A desk on loopback. Dropping it closes it, and nobody finds it any more.
#[derive(Debug)]
pub struct Desk {
    /// Everything that it tells of.
    pub laptop: Arc<Laptop>,
    notice: PathBuf,
    server: AbortHandle,
}

impl Desk {
    /// Opens the desk, and leaves a note in the target directory where it is.
    ///
    /// # Errors
    /// There is no port or no place for the note.
    pub async fn open(laptop: Laptop) -> Result<Self, DeskError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let notice = notice().ok_or(DeskError::NotServing)?;
        fs::write(&notice, listener.local_addr()?.to_string())?;
        let laptop = Arc::new(laptop);
        let routes = Router::new()
            .route("/event", post(filled))
            .with_state(Arc::clone(&laptop));
        let server = tokio::spawn(async move {
            axum::serve(listener, routes).await.ok();
        });
        Ok(Self {
            laptop,
            notice,
            server: server.abort_handle(),
        })
    }

    /// Has the desk of whoever serves fill an event in.
    ///
    /// # Errors
    /// Nobody serves.
    pub async fn ask(event: Value, mailbox: bool) -> Result<Value, DeskError> {
        let noted = notice().and_then(|path| fs::read_to_string(path).ok());
        let address: SocketAddr = noted
            .and_then(|noted| noted.parse().ok())
            .ok_or(DeskError::NotServing)?;
        let client = reqwest::Client::builder().no_proxy().build();
        let client = client.map_err(|_| DeskError::NotServing)?;
        let order = serde_json::to_vec(&Order { event, mailbox }).unwrap_or_default();
        let asked = client
            .post(format!("http://{address}/event"))
            .header("Content-Type", "application/json")
            .body(order)
            .send()
            .await;
        let told = asked.map_err(|_| DeskError::NotServing)?.bytes().await;
        let told = told.map_err(|_| DeskError::NotServing)?;
        serde_json::from_slice(&told).map_err(|_| DeskError::NotServing)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.server.abort();
        fs::remove_file(&self.notice).ok();
    }
}

fn notice() -> Option<PathBuf> {
    Some(rehearsal_dir().ok()?.join("desk"))
}

async fn filled(State(laptop): State<Arc<Laptop>>, Json(order): Json<Order>) -> Json<Value> {
    Json(laptop.fill(order.event, order.mailbox, None))
}

impl Laptop {
    /// The event with an id of its own, the addresses of this machine and the
    /// physical id of its resource: the one that is `known`, or else the one that
    /// the last answer in the mailbox told.
    #[must_use]
    pub fn fill(&self, event: Value, mailbox: bool, known: Option<&str>) -> Value {
        let text = |member: &str| event[member].as_str().unwrap_or_default().to_owned();
        let request_id = format!("{:032x}", fastrand::u128(..));
        let response_url = if mailbox {
            let (stack, resource) = (text("StackId"), text("LogicalResourceId"));
            self.mailbox.presign(&stack, &resource, &request_id)
        } else {
            String::new()
        };
        let told = || self.physical_id(&text("StackId"), &text("LogicalResourceId"));
        let known = known.map(ToOwned::to_owned).or_else(told);
        fill(
            event,
            &Filling {
                api_url: self.api_url(),
                external_id: self.external_id(),
                request_id: &request_id,
                response_url: &response_url,
                physical_id: known.as_deref(),
            },
        )
    }

    /// The id that the last successful answer gave this resource. One that
    /// CloudFormation invented is repeated in an answer and leads nowhere.
    fn physical_id(&self, stack: &str, resource: &str) -> Option<String> {
        let answers = self.mailbox.answers();
        let last = answers.iter().rev().find(|answer| {
            answer.verdict == Verdict::Accepted
                && answer.text("Status") == "SUCCESS"
                && answer.text("StackId") == stack
                && answer.text("LogicalResourceId") == resource
                && is_ours(answer.text("PhysicalResourceId"))
        })?;
        Some(last.text("PhysicalResourceId").to_owned())
    }
}
