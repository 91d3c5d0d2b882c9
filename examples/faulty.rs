//! The function with a fault inside, for the tests that nothing outside can
//! bring about: a bug that panics, and one that blocks every thread.
//!
//! It is the shipped binary but for its wire. `FAULT` says what happens at the
//! first request to the vendor: `panic` or `block`.

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
        if request.uri().path().starts_with("/v2/apps") {
            match std::env::var("FAULT").as_deref() {
                Ok("panic") => panic!("a bug that knows {:?}", request.headers()),
                Ok("block") => block(),
                _ => {}
            }
        }
        self.0.exchange(request)
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

fn main() -> Result<(), lambda_runtime::Error> {
    runtime::run(|trust: Arc<Trust>| Arc::new(Faulty(runtime::https(trust))))
}
