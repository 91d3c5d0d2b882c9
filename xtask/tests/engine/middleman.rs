//! A server between the publisher and a region's S3, which can do harm on the way.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// What goes wrong on the way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Harm {
    /// A bit of everything that is read is another one.
    ChangesReads,
    /// The write with this number is done, and its answer never comes.
    HoldsBackWrite(usize),
}

pub(crate) struct Middleman {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: AbortHandle,
}

struct Shared {
    engine: SocketAddr,
    harm: Harm,
    writes: AtomicUsize,
    held_back: Notify,
    client: reqwest::Client,
}

impl Middleman {
    pub(crate) async fn stand_before(engine: SocketAddr, harm: Harm) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let shared = Arc::new(Shared {
            engine,
            harm,
            writes: AtomicUsize::new(0),
            held_back: Notify::new(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        });
        let routes = Router::new()
            .fallback(pass_on)
            .with_state(Arc::clone(&shared));
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            address,
            shared,
            server: server.abort_handle(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until an answer is held back.
    pub(crate) async fn has_held_back(&self) {
        self.shared.held_back.notified().await;
    }
}

impl Drop for Middleman {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass_on(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = head.uri.path_and_query().unwrap();
    let mut headers = head.headers;
    // The whole body is here already.
    headers.remove(header::EXPECT);
    let answer = shared
        .client
        .request(
            head.method.clone(),
            format!("http://{}{path}", shared.engine),
        )
        .headers(headers)
        .body(body)
        .send()
        .await
        .unwrap();
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove(header::TRANSFER_ENCODING);
    let mut body = answer.bytes().await.unwrap();
    match shared.harm {
        Harm::ChangesReads if head.method == Method::GET && status.is_success() => {
            let mut changed = body.to_vec();
            changed[0] ^= 1;
            body = Bytes::from(changed);
        }
        Harm::HoldsBackWrite(number) if head.method == Method::PUT => {
            if shared.writes.fetch_add(1, Ordering::SeqCst) + 1 == number {
                shared.held_back.notify_one();
                std::future::pending::<()>().await;
            }
        }
        Harm::ChangesReads | Harm::HoldsBackWrite(_) => {}
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
