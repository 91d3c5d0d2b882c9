//! The answer bucket behind the Internet, as a function meets it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Path;
use axum::routing::put;
use rehearsal::answer_bucket::{AnswerBucket, AnswerKey, BucketFault, Verdict};
use rehearsal::internet::{HostPattern, Internet};
use reqwest::{Certificate, Client, Proxy, Response, redirect};
use tempfile::TempDir;
use tokio::net::TcpListener;

const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/Name/guid";

/// The bodies that an engine's response address got, by token.
type HandedOn = Arc<Mutex<Vec<(String, String)>>>;

struct World {
    bucket: AnswerBucket,
    client: Client,
    handed_on: HandedOn,
    _internet: Internet,
    _dir: TempDir,
}

async fn engine(handed_on: HandedOn) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let keep = async move |Path(token): Path<String>, body: String| {
        handed_on.lock().unwrap().push((token, body));
    };
    let router = Router::new().route("/_ministack/cfn-response/{token}", put(keep));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let handed_on = HandedOn::default();
    let engine = engine(Arc::clone(&handed_on)).await;
    let bucket = AnswerBucket::start(AnswerKey::random(), "us-east-1", Some(engine))
        .await
        .unwrap();
    let internet = Internet::start(dir.path()).await.unwrap();
    internet.lead(HostPattern::Exact(bucket.host()), bucket.address());
    // Another test of this process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ca = std::fs::read(internet.ca_file()).unwrap();
    let client = Client::builder()
        .proxy(Proxy::https(format!("http://{}", internet.address())).unwrap())
        .tls_certs_only([Certificate::from_pem(&ca).unwrap()])
        .redirect(redirect::Policy::none())
        .build()
        .unwrap();
    World {
        bucket,
        client,
        handed_on,
        _internet: internet,
        _dir: dir,
    }
}

impl World {
    async fn answer(&self, request_id: &str) -> reqwest::Result<Response> {
        let url = self.bucket.presign(STACK, "Thing", request_id);
        let body = r#"{"Status":"SUCCESS"}"#;
        self.client.put(url).body(body).send().await
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let answers = self.bucket.answers();
        answers.into_iter().map(|answer| answer.verdict).collect()
    }

    fn handed_on(&self) -> Vec<String> {
        let handed_on = self.handed_on.lock().unwrap();
        handed_on.iter().map(|(token, _)| token.clone()).collect()
    }
}

#[tokio::test]
async fn keeps_a_signed_answer_and_hands_it_on() {
    let world = world().await;
    assert_eq!(world.answer("request-1").await.unwrap().status(), 200);
    let answer = world.bucket.next_answer("request-1").await;
    assert_eq!(answer.text("Status"), "SUCCESS");
    assert_eq!(answer.stack_id, STACK);
    assert_eq!(
        *world.handed_on.lock().unwrap(),
        [("request-1".to_owned(), r#"{"Status":"SUCCESS"}"#.to_owned())]
    );
}

#[tokio::test]
async fn refuses_an_altered_path_as_s3_does() {
    let world = world().await;
    let url = world.bucket.presign(STACK, "Thing", "request-1");
    let url = url.replace("request-1", "request-2");
    let answer = world.client.put(url).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 403);
    let text = answer.text().await.unwrap();
    assert!(
        text.contains("<Code>SignatureDoesNotMatch</Code>"),
        "{text}"
    );
    assert!(world.handed_on().is_empty());
}

#[tokio::test]
async fn refuses_a_content_type_that_was_not_signed() {
    let world = world().await;
    let url = world.bucket.presign(STACK, "Thing", "request-1");
    let request = world
        .client
        .put(url)
        .header("content-type", "application/json");
    let answer = request.body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(world.handed_on().is_empty());
}

#[tokio::test]
async fn takes_an_empty_content_type_for_none() {
    let world = world().await;
    let url = world.bucket.presign(STACK, "Thing", "request-1");
    let request = world.client.put(url).header("content-type", "");
    let answer = request.body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn refuses_once_when_scripted() {
    let world = world().await;
    world.bucket.script(BucketFault::Refuse);
    assert_eq!(world.answer("request-1").await.unwrap().status(), 403);
    assert_eq!(world.answer("request-1").await.unwrap().status(), 200);
    assert_eq!(world.verdicts(), [Verdict::Faulted, Verdict::Accepted]);
}

#[tokio::test]
async fn is_unavailable_as_often_as_scripted() {
    let world = world().await;
    world.bucket.script(BucketFault::Unavailable { times: 2 });
    for status in [503, 503, 200] {
        assert_eq!(world.answer("request-1").await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn redirects_elsewhere_when_scripted() {
    let world = world().await;
    let to = "https://elsewhere.example/".to_owned();
    world
        .bucket
        .script(BucketFault::Redirect { to: to.clone() });
    let answer = world.answer("request-1").await.unwrap();
    assert_eq!(answer.status(), 307);
    assert_eq!(answer.headers()["location"], to.as_str());
    assert!(world.handed_on().is_empty());
}

#[tokio::test]
async fn ends_the_connection_unheard_when_scripted() {
    let world = world().await;
    world.bucket.script(BucketFault::Reset);
    assert!(world.answer("request-1").await.is_err());
    assert!(world.handed_on().is_empty());
}

#[tokio::test]
async fn hears_the_answer_and_says_nothing_when_scripted() {
    let world = world().await;
    world.bucket.script(BucketFault::LoseAcknowledgement);
    assert!(world.answer("request-1").await.is_err());
    assert_eq!(world.handed_on(), ["request-1"]);
    assert_eq!(world.verdicts(), [Verdict::Accepted]);
}
