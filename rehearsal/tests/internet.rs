//! The Internet on loopback, seen by the same client that the Lambda uses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::routing::get;
use rehearsal::internet::{HostPattern, Internet};
use reqwest::{Certificate, Client, Proxy};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

struct World {
    internet: Internet,
    _dir: TempDir,
}

async fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let internet = Internet::start(dir.path()).await.unwrap();
    World {
        internet,
        _dir: dir,
    }
}

impl World {
    fn client(&self) -> Client {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let ca = std::fs::read(self.internet.ca_file()).unwrap();
        Client::builder()
            .proxy(Proxy::https(format!("http://{}", self.internet.address())).unwrap())
            .tls_certs_only([Certificate::from_pem(&ca).unwrap()])
            .build()
            .unwrap()
    }

    async fn connect(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.internet.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.lines().next().unwrap().to_owned()
    }
}

async fn server_that_says(text: &'static str) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", get(move || async move { text }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn exact(host: &str) -> HostPattern {
    HostPattern::Exact(host.to_owned())
}

#[tokio::test]
async fn leads_each_name_to_its_server() {
    let world = world().await;
    let suffix = HostPattern::Suffix(".example.com".to_owned());
    world.internet.lead(suffix, server_that_says("any").await);
    world
        .internet
        .lead(exact("api.example.com"), server_that_says("api").await);
    let client = world.client();
    for (host, text) in [("api.example.com", "api"), ("b.example.com", "any")] {
        let answer = client.get(format!("https://{host}/")).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), text);
    }
    assert!(world.internet.refused().is_empty());
}

#[tokio::test]
async fn refuses_and_notes_a_name_that_leads_nowhere() {
    let world = world().await;
    let asked = world.client().get("https://elsewhere.example/").send();
    assert!(asked.await.is_err());
    assert_eq!(world.internet.refused(), ["elsewhere.example:443"]);
}

#[tokio::test]
async fn refuses_another_port_of_a_known_name() {
    let world = world().await;
    let to = server_that_says("any").await;
    world.internet.lead(exact("api.example.com"), to);
    let answer = world
        .connect("CONNECT api.example.com:8443 HTTP/1.1\r\n\r\n")
        .await;
    assert_eq!(answer, "HTTP/1.1 502 Bad Gateway");
    assert_eq!(world.internet.refused(), ["api.example.com:8443"]);
}

#[tokio::test]
async fn is_no_proxy_for_plain_http() {
    let answer = world()
        .await
        .connect("GET http://api.example.com/ HTTP/1.1\r\n\r\n")
        .await;
    assert_eq!(answer, "HTTP/1.1 405 Method Not Allowed");
}

#[tokio::test]
async fn is_believed_only_by_those_who_hold_its_authority() {
    let (world, other) = (world().await, world().await);
    let to = server_that_says("any").await;
    world.internet.lead(exact("api.example.com"), to);
    let ca = std::fs::read(other.internet.ca_file()).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .proxy(Proxy::https(format!("http://{}", world.internet.address())).unwrap())
        .tls_certs_only([Certificate::from_pem(&ca).unwrap()])
        .build()
        .unwrap();
    let asked = client.get("https://api.example.com/").send().await;
    assert!(asked.is_err());
}

#[tokio::test]
async fn presents_the_certificate_of_another_name_when_told_so() {
    let world = world().await;
    let to = server_that_says("any").await;
    world.internet.lead(exact("api.example.com"), to);
    let client = world.client();
    let ask = || client.get("https://api.example.com/").send();
    world
        .internet
        .present_certificate_of("api.example.com", "evil.example.com");
    assert!(ask().await.is_err());
    world
        .internet
        .present_certificate_of("api.example.com", "api.example.com");
    assert!(ask().await.is_ok());
}

#[tokio::test]
async fn hands_a_process_two_variables_and_no_more() {
    let world = world().await;
    let ca_file = world.internet.ca_file().to_str().unwrap().to_owned();
    let proxy = format!("http://{}", world.internet.address());
    assert_eq!(
        world.internet.environment(),
        [
            ("HTTPS_PROXY".to_owned(), proxy),
            ("SSL_CERT_FILE".to_owned(), ca_file)
        ]
    );
}

#[tokio::test]
async fn lets_those_in_at_its_door_who_know_no_proxy_and_counts_handshakes() {
    let world = world().await;
    world
        .internet
        .lead(exact("api.example.com"), server_that_says("api").await);
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let door = world.internet.open_door(any_port).await.unwrap();
    let ca = std::fs::read(world.internet.ca_file()).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .no_proxy()
        .resolve("api.example.com", door.address())
        .resolve("nobody.example.com", door.address())
        .tls_certs_only([Certificate::from_pem(&ca).unwrap()])
        .build()
        .unwrap();
    for _ in 0..2 {
        let url = format!("https://api.example.com:{}/", door.address().port());
        let answer = client.get(url).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "api");
    }
    let url = format!("https://nobody.example.com:{}/", door.address().port());
    client.get(url).send().await.unwrap_err();
    assert_eq!(world.internet.refused(), ["nobody.example.com:443"]);
    let handshakes: Vec<_> = door.take_handshakes().into_iter().collect();
    assert_eq!(handshakes, [("api.example.com".to_owned(), 1)]);
    assert!(door.take_handshakes().is_empty());
}
