//! Whatever Lambda hands over: whom to answer, and what is asked.

#![no_main]

use authomize_trust_role::event::Event;
use authomize_trust_role::lifecycle::Cause;
use authomize_trust_role_fuzz::{assert_well_formed, failed};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;

fuzz_target!(|bytes: &[u8]| {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let event = Event::deserialize(&mut deserializer).expect("every text is an event");
    let Ok(address) = event.address() else {
        assert!(event.request().is_err(), "nobody could be answered");
        return;
    };
    let reason = match event.request() {
        Ok(request) => {
            assert_eq!(event.is_a_create(), request.kind() == "Create");
            request.kind().to_owned()
        }
        Err(error) => Cause::from(error).reason(),
    };
    assert_well_formed(&failed(reason), &address);
});
