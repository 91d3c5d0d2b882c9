//! The function with a fault inside, for what nothing outside can bring about: a
//! bug that panics, threads that never return, a process that dies at a certain
//! moment. It is the shipped binary but for its wire.
//!
//! `FAULT` is a deed and where it happens: `panic POST`, for example, panics at
//! the first POST to the vendor. Deeds are
//! - `panic`, and `block`, which blocks every thread;
//! - `die`, before the request is sent, and `die-after`, when it was answered;
//! - `leak`, which writes the token to the log;
//! - `stop`, which lets the process stand still, as a machine without time does.
//!
//! Places are a method, for a request to the vendor's apps, `AWS`, for one to AWS, or
//! `ANSWER`, for the answer to CloudFormation. With `FAULT_WHILE`, the name of a file, it happens
//! only while that file is there; with `FAULT_ONCE` of any value the first process
//! to which it happens takes the file away.

use std::fs;
use std::path::Path;
use std::process::{self, Command};
use std::sync::Arc;
use std::thread;

use authomize_trust_role::https::Trust;
use authomize_trust_role::runtime;
use authomize_trust_role::wire::{Exchange, Wire};
use bytes::Bytes;
use http::Request;

/// More tasks than the runtime has threads.
const BLOCKERS: usize = 16;

#[derive(Debug)]
struct Faulty(Arc<dyn Wire>);

impl Wire for Faulty {
    fn exchange(&self, request: Request<Bytes>) -> Exchange {
        let fault = std::env::var("FAULT").unwrap_or_default();
        let (deed, place) = fault.split_once(' ').unwrap_or_default();
        if place_of(&request) != place || !is_due() {
            return self.0.exchange(request);
        }
        match deed {
            "panic" => panic!("a bug that knows {:?}", request.headers()),
            "block" => block(),
            "die" => process::abort(),
            "leak" => println!("{:?}", token_of(&request)),
            "stop" => stop(),
            "die-after" => {
                let exchange = self.0.exchange(request);
                return Box::pin(async move {
                    let _ = exchange.await;
                    process::abort()
                });
            }
            _ => {}
        }
        self.0.exchange(request)
    }
}

fn token_of(request: &Request<Bytes>) -> Option<&str> {
    request.headers().get("authorization")?.to_str().ok()
}

fn place_of(request: &Request<Bytes>) -> &str {
    let host = request.uri().host().unwrap_or_default();
    if request.uri().path().starts_with("/v2/apps") {
        request.method().as_str()
    } else if host.starts_with("cloudformation-custom-resource-response-") {
        "ANSWER"
    } else if host.ends_with(".amazonaws.com") {
        "AWS"
    } else {
        ""
    }
}

fn is_due() -> bool {
    match (
        std::env::var_os("FAULT_WHILE"),
        std::env::var_os("FAULT_ONCE"),
    ) {
        (None, _) => true,
        (Some(file), None) => Path::new(&file).exists(),
        (Some(file), Some(_)) => fs::remove_file(file).is_ok(),
    }
}

fn block() {
    for _ in 0..BLOCKERS {
        tokio::spawn(async { park() });
    }
    park();
}

fn park() {
    loop {
        thread::park();
    }
}

fn stop() {
    let this = process::id().to_string();
    // Without `kill` nothing stops, and the test that waits for it fails.
    let _ = Command::new("kill").args(["-STOP", &this]).status();
}

fn main() -> Result<(), lambda_runtime::Error> {
    runtime::run(|trust: Arc<Trust>| Arc::new(Faulty(runtime::https(trust))))
}
