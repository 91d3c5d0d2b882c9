//! The servers that a function on a laptop speaks to.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use thiserror::Error;
use tokio::net::TcpListener;

use crate::answer_bucket::AnswerBucket;
use crate::rehearse::Template;
use crate::rehearse::world::{REGION, World};

use super::door::Door;
use super::{ContainerHost, account, environment};

/// Why there is nothing for a function on a laptop.
#[derive(Debug, Error)]
pub enum LaptopError {
    /// The engine did not make it.
    #[error("{0} for local use could not be made in the engine")]
    Account(&'static str),
    /// No port at an address that a container reaches.
    #[error(
        "no port can be opened at {at}, where containers reach this machine: run Docker on this machine, or go without it: --way cargo-lambda"
    )]
    Door {
        /// The address.
        at: IpAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The files with the addresses.
    #[error("the addresses cannot be written into `{}`", folder.display())]
    Files {
        /// The folder of the events.
        folder: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Engine, sandbox and mailbox at addresses that a function reaches, in a
/// container or not. Dropping it closes the doors.
#[derive(Debug)]
pub struct Laptop {
    /// Where the answers arrive.
    pub mailbox: AnswerBucket,
    engine: String,
    engine_here: String,
    sandbox: String,
    secret_arn: String,
    external_id: String,
    _doors: Vec<Door>,
}

impl Laptop {
    /// Puts token and trust role into the account that SAM plays, and opens the
    /// doors. Without a container's host everything is on loopback.
    ///
    /// # Errors
    /// The engine does not do its part, or there is no port.
    pub(crate) async fn open(
        world: &World,
        template: &Template,
        host: Option<&ContainerHost>,
    ) -> Result<Self, LaptopError> {
        let id = account::ACCOUNT
            .parse()
            .map_err(|_| LaptopError::Account("the account"))?;
        let account = world.engine.account(id);
        let secret_arn = account::keep_token(&account, world.token()).await?;
        account::make_trust_role(&account, template, world.external_id()).await?;

        let at = match host {
            Some(ContainerHost::Gateway(address)) => *address,
            _ => IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        let failed = |source| LaptopError::Door { at, source };
        let letters = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let letters = letters.map_err(failed)?;
        let mut doors = Vec::new();
        let mut front = Vec::new();
        for server in [
            world.engine.address(),
            world.sandbox.address(),
            letters.local_addr().map_err(failed)?,
        ] {
            if at.is_loopback() {
                front.push(server);
            } else {
                let door = Door::open(at, server).await.map_err(failed)?;
                front.push(door.address());
                doors.push(door);
            }
        }
        let seen = |address: SocketAddr| match host {
            Some(ContainerHost::Name(name)) => format!("{name}:{}", address.port()),
            _ => address.to_string(),
        };
        let mailbox_host = seen(front[2]);
        Ok(Self {
            mailbox: AnswerBucket::mailbox(letters, mailbox_host, REGION).map_err(failed)?,
            engine: format!("http://{}", seen(front[0])),
            engine_here: format!("http://{}", world.engine.address()),
            sandbox: format!("http://{}", seen(front[1])),
            secret_arn,
            external_id: world.external_id().to_owned(),
            _doors: doors,
        })
    }

    /// The sandbox's address for the property `ApiUrl`.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.sandbox
    }

    /// The external id of the trust role.
    #[must_use]
    pub fn external_id(&self) -> &str {
        &self.external_id
    }

    /// What the function's environment says of this machine.
    #[must_use]
    pub fn variables(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.engine.as_str()),
            ("API_TOKEN_SECRET_ARN", &self.secret_arn),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// The account that SAM plays, for SAM itself: keys, region, and the engine in
    /// AWS's place. SAM asks STS which account it is in; without an address it would
    /// ask AWS, and try for ten seconds where there is no way out.
    #[must_use]
    pub fn account(&self) -> [(&'static str, &str); 5] {
        [
            ("AWS_ACCESS_KEY_ID", account::ACCOUNT),
            ("AWS_SECRET_ACCESS_KEY", "any"),
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ENDPOINT_URL", &self.engine_here),
        ]
    }

    /// Writes the files with the function's variables beside the events.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write_environment(&self, events: &Path) -> Result<(), LaptopError> {
        environment::write(events, &self.variables()).map_err(|source| LaptopError::Files {
            folder: events.to_owned(),
            source,
        })
    }
}
