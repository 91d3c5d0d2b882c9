//! Whether Docker is there, and how a container reaches this machine.

use std::io;
use std::net::IpAddr;
use std::process::Output;

use serde_json::Value;
use thiserror::Error;
use tokio::process::Command;

/// What SAM runs functions in is not there. Each sentence says what to do, and
/// that there is a way without.
#[derive(Debug, Error)]
pub enum DockerError {
    /// There is no such program.
    #[error("there is no `docker` in PATH: install Docker, or go without it: --way cargo-lambda")]
    NotInstalled,
    /// The daemon does not answer.
    #[error(
        "Docker's daemon is not running: start Docker (on Linux `sudo systemctl start docker`), or go without it: --way cargo-lambda"
    )]
    NotRunning,
    /// The user may not use the socket.
    #[error(
        "Docker's socket is not open to you: join the group `docker` and log in again, or go without Docker: --way cargo-lambda"
    )]
    Denied,
    /// Something else.
    #[error("Docker does not work: {0}")]
    Failed(String),
}

/// How a container reaches the servers of this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ContainerHost {
    /// At this address of the machine, the gateway of Docker's own network; what
    /// listens on loopback needs a door there.
    Gateway(IpAddr),
    /// At this name, which Docker Desktop leads to loopback.
    Name(&'static str),
}

impl ContainerHost {
    /// Asks Docker.
    ///
    /// # Errors
    /// There is no Docker that can be used.
    pub async fn find() -> Result<Self, DockerError> {
        let networks = ask(&["network", "inspect", "bridge"]).await?;
        if cfg!(target_os = "linux") {
            gateway(&networks).map(Self::Gateway).ok_or_else(|| {
                DockerError::Failed("its network `bridge` has no gateway".to_owned())
            })
        } else {
            Ok(Self::Name("host.docker.internal"))
        }
    }
}

async fn ask(arguments: &[&str]) -> Result<String, DockerError> {
    let output = Command::new("docker").args(arguments).output().await;
    let output: Output = output.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => DockerError::NotInstalled,
        _ => DockerError::Failed(error.to_string()),
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(why(&String::from_utf8_lossy(&output.stderr)))
}

fn why(said: &str) -> DockerError {
    let lower = said.to_lowercase();
    if lower.contains("permission denied") {
        DockerError::Denied
    } else if lower.contains("cannot connect") || lower.contains("is the docker daemon running") {
        DockerError::NotRunning
    } else {
        DockerError::Failed(said.trim().lines().last().unwrap_or("(nothing)").to_owned())
    }
}

/// The gateway of a network, or the first address of it, which old daemons leave
/// to the reader.
fn gateway(networks: &str) -> Option<IpAddr> {
    let networks: Value = serde_json::from_str(networks).ok()?;
    let config = &networks[0]["IPAM"]["Config"][0];
    if let Some(gateway) = config["Gateway"].as_str() {
        return gateway.parse().ok();
    }
    let (network, _) = config["Subnet"].as_str()?.split_once('/')?;
    match network.parse().ok()? {
        IpAddr::V4(network) => Some(IpAddr::V4((u32::from(network) + 1).into())),
        IpAddr::V6(network) => Some(IpAddr::V6((u128::from(network) + 1).into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_gateway_of_new_and_old_daemons() {
        for config in [
            r#"{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}"#,
            r#"{"Subnet": "172.17.0.0/16"}"#,
        ] {
            let networks = format!(r#"[{{"IPAM": {{"Config": [{config}]}}}}]"#);
            assert_eq!(gateway(&networks), "172.17.0.1".parse().ok(), "{config}");
        }
        assert_eq!(gateway("[]"), None);
    }

    #[test]
    fn says_what_is_wrong_with_docker() {
        for (said, says) in [
            (
                "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
                "daemon is not running",
            ),
            (
                "permission denied while trying to connect to the Docker daemon socket",
                "join the group `docker`",
            ),
            ("something new\n", "something new"),
        ] {
            let error = why(said).to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
