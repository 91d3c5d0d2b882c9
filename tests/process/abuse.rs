//! More than anybody sends: what the function keeps stays small, the deadline holds,
//! and whoever can be answered is answered.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use rehearsal::function::Invoked;
use rehearsal::internet::HostPattern;
use serde_json::Value;

use crate::raw_server::{RawServer, Sends};
use crate::world::{LOGICAL, STACK, TOKEN, World, properties};

/// What the process may have held at its fullest, in KiB: half of the function's
/// memory.
const MEMORY: u64 = 64 * 1024;

/// Short enough to see a deadline, long enough for the reserve of 5 s.
const SHORT: Duration = Duration::from_secs(12);

/// 1 GB.
const HUGE: u64 = 1_000_000_000;

/// Both ends of every connection are in this process.
fn allow_many_files() {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let wanted = soft.max(8192).min(hard);
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).unwrap();
    }
}

/// A Create whose properties are this text.
fn event_with(world: &World, properties_text: &str) -> Vec<u8> {
    let event = world.create_event(Value::from("HERE")).to_string();
    event.replace("\"HERE\"", properties_text).into_bytes()
}

/// What the vendor says in place of its API.
fn vendor_is(world: &World, server: &RawServer) {
    let vendor = HostPattern::Exact("api.authomize.com".to_owned());
    world.internet.lead(vendor, server.address);
    world.internet.cut();
}

/// The next Create of the same process goes well, and it never held too much.
async fn goes_on(world: World) {
    let vendor = HostPattern::Exact("api.authomize.com".to_owned());
    world.internet.lead(vendor, world.sandbox.address());
    world.internet.cut();
    let next = world.event("Create", "create-2", properties());
    let outcome = world.send(&next).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    holds_little(&world);
    world.end().await;
}

fn holds_little(world: &World) {
    if let Some(peak) = world.peak_memory() {
        assert!(peak < MEMORY, "the process held {peak} KiB");
    }
}

/// A Create at a vendor that sends this fails in time, and says why: one of these.
async fn fails_in_time(sends: Sends, why: &str) -> (World, RawServer) {
    let world = World::new().await;
    let server = RawServer::start(sends).await;
    vendor_is(&world, &server);
    let event = world.create_event(properties());
    let outcome = world.send_within(&event, SHORT).await;
    assert_eq!(outcome.invoked, Invoked::Returned(Value::Null));
    assert_eq!(outcome.status(), "FAILED");
    let reason = outcome.reason();
    assert!(reason.contains(why), "{reason}");
    (world, server)
}

/// Case E1: an event as long or as deep as can be sent is answered, nothing is
/// done for it, and the next one is served.
#[tokio::test]
async fn by_long_and_deep_events_is_answered() {
    let long = format!("[{}0]", "0,".repeat(3_000_000));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (text, why) in [(long, "longer than"), (deep, "recursion limit")] {
        let world = World::new().await;
        let invoked = world.send_raw(event_with(&world, &text)).await;
        assert_eq!(invoked, Invoked::Returned(Value::Null));
        let answer = world.accepted("create-1").unwrap();
        assert_eq!(answer["Status"], "FAILED");
        assert!(answer["Reason"].as_str().unwrap().contains(why), "{answer}");
        assert!(world.vendor_calls().is_empty());
        goes_on(world).await;
    }
}

/// A byte a second, of the answer's head or of its body, is no answer in time.
#[tokio::test]
async fn by_a_byte_a_second_ends_in_time() {
    let head = Sends::Slowly("", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    let body = Sends::Slowly(
        "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n",
        "{\"data\": [], \"pagination\": {\"hasMore\":0}}",
    );
    for sends in [head, body] {
        let (world, _server) = fails_in_time(sends, "no answer within").await;
        goes_on(world).await;
    }
}

#[tokio::test]
async fn by_a_gigabyte_is_not_read_to_its_end() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";
    let (world, _server) = fails_in_time(Sends::Much(head, b' ', HUGE), "larger than").await;
    goes_on(world).await;
}

/// The same without saying how long it will be.
#[tokio::test]
async fn by_a_gigabyte_of_unknown_length_is_not_read_to_its_end() {
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    let (world, _server) = fails_in_time(Sends::Much(head, b' ', HUGE), "larger than").await;
    goes_on(world).await;
}

/// Ten thousand headers, and one that never ends.
#[tokio::test]
async fn by_endless_headers_is_not_read_to_its_end() {
    let mut many = "HTTP/1.1 200 OK\r\n".to_owned();
    for number in 0..10_000 {
        write!(many, "X-Header-{number}: {number}\r\n").unwrap();
    }
    many.push_str("Content-Length: 2\r\n\r\n{}");
    let long = Sends::Much("HTTP/1.1 200 OK\r\nX-Header: ", b'a', HUGE);
    for sends in [Sends::Bytes(many.into_bytes().into()), long] {
        let (world, _server) = fails_in_time(sends, "message head is too large").await;
        goes_on(world).await;
    }
}

/// Nobody is told that a compressed answer would be understood, and none is: a
/// quarter of a gigabyte in as many kilobytes stays what it is.
#[tokio::test]
async fn by_a_compressed_bomb_is_not_unpacked() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    let piece = vec![b' '; 1024 * 1024];
    for _ in 0..240 {
        bomb.write_all(&piece).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 250 * 1024, "it is {} bytes", bomb.len());
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        bomb.len()
    )
    .into_bytes();
    answer.extend(bomb);
    let sends = Sends::Bytes(answer.into());
    let (world, server) = fails_in_time(sends, "not what its API describes").await;
    let heads = server.heads();
    assert!(!heads.is_empty());
    for head in heads {
        assert!(
            !head.to_ascii_lowercase().contains("accept-encoding"),
            "{head}"
        );
    }
    goes_on(world).await;
}

/// A response bucket that takes the connection and reads nothing: the function
/// ends by itself, before Lambda ends it, and the next run answers.
#[tokio::test]
async fn by_a_bucket_that_never_reads_ends_in_time() {
    let world = World::new().await;
    let deaf = RawServer::start(Sends::Nothing).await;
    let bucket = HostPattern::Exact(world.bucket.host());
    world.internet.lead(bucket.clone(), deaf.address);
    let event = world.create_event(properties());
    let lost = world.send_within(&event, SHORT).await;
    assert!(matches!(lost.invoked, Invoked::Failed(_)), "{lost:?}");
    assert!(lost.answer.is_none());
    world.internet.lead(bucket, world.bucket.address());
    world.internet.cut();
    let again = world.send(&event).await;
    assert_eq!(again.status(), "SUCCESS", "{}", again.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    holds_little(&world);
    world.end().await;
}

/// A thousand requests at once, at the sandbox and at the answer bucket: each gets
/// its own answer, and none is lost.
#[tokio::test]
async fn of_the_harness_by_a_thousand_requests_at_once_loses_none() {
    const REQUESTS: usize = 1000;
    allow_many_files();
    let world = World::new().await;
    // Another test of this process may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let vendor = format!("http://{}/v2/apps", world.sandbox.address());
    let bucket = format!("http://{}", world.bucket.address());
    let host = world.bucket.host();
    let all = (0..REQUESTS).flat_map(|number| {
        let name = format!("integration {number}");
        let body = serde_json::json!({"integrationName": name, "serviceType": "aws"});
        let create = client
            .post(&vendor)
            .header("Authorization", TOKEN)
            .header("Content-Type", "application/json")
            .body(body.to_string());
        let url = world
            .bucket
            .presign(STACK, LOGICAL, &name.replace(' ', "-"));
        let url = url.replace(&format!("https://{host}"), &bucket);
        let answer = client.put(url).header("Host", &host).body("{}");
        [create, answer]
    });
    let sent: Vec<_> = all.map(|request| tokio::spawn(request.send())).collect();
    for response in sent {
        let response = response.await.unwrap().unwrap();
        assert!(response.status().is_success(), "{}", response.status());
    }
    let apps = world.sandbox.apps();
    let ids: BTreeSet<_> = apps.iter().map(|app| &app.id).collect();
    assert_eq!((apps.len(), ids.len()), (REQUESTS, REQUESTS));
    let kept = (0..REQUESTS).filter_map(|number| world.accepted(&format!("integration-{number}")));
    assert_eq!(kept.count(), REQUESTS);
}
