//! The proxy itself: one CONNECT per connection, then bytes both ways.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::routes::{Passage, Routes};
use crate::accept::next_connection;

/// More than any CONNECT request of a client that we know.
const HEAD_LIMIT: usize = 16 * 1024;

/// Accepts connections for ever; they end when this future is dropped.
pub(super) async fn serve(listener: TcpListener, routes: Arc<Routes>, tls: ServerConfig) {
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let mut connections = JoinSet::new();
    loop {
        let stream = next_connection(&listener).await;
        let (routes, acceptor) = (Arc::clone(&routes), acceptor.clone());
        connections.spawn(async move {
            // A side that breaks off ends the tunnel; that is what it is for.
            let _ = tunnel(stream, &routes, &acceptor).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn tunnel(mut client: TcpStream, routes: &Routes, tls: &TlsAcceptor) -> io::Result<()> {
    let head = read_head(&mut client).await?;
    let mut words = head.split(' ');
    let authority = match (words.next(), words.next()) {
        (Some("CONNECT"), Some(authority)) => authority,
        _ => return say(&mut client, "405 Method Not Allowed\r\nAllow: CONNECT").await,
    };
    let upstream = match routes.find_or_note(authority) {
        Passage::To(upstream) => upstream,
        Passage::Forbidden => return say(&mut client, "403 Forbidden").await,
        Passage::Nowhere => return say(&mut client, "502 Bad Gateway").await,
    };
    let Ok(mut upstream) = TcpStream::connect(upstream).await else {
        return say(&mut client, "502 Bad Gateway").await;
    };
    client
        .write_all(b"HTTP/1.1 200 Connection Established\r\n\r\n")
        .await?;
    let copied = async {
        let mut client = tls.accept(client).await?;
        copy_bidirectional(&mut client, &mut upstream).await
    };
    tokio::select! {
        biased;
        () = routes.until_cut() => Ok(()),
        copied = copied => copied.map(drop),
    }
}

/// Reads up to the empty line that ends a request's head, and no further: a
/// client speaks TLS only after the answer.
async fn read_head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD_LIMIT {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(client.read_u8().await?);
    }
    String::from_utf8(head).map_err(|_| io::ErrorKind::InvalidData.into())
}

async fn say(client: &mut TcpStream, status: &str) -> io::Result<()> {
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    client.write_all(answer.as_bytes()).await
}
