//! The id that CloudFormation hands back with every request.

#![no_main]

use authomize_trust_role::answer::{Answer, Outcome};
use authomize_trust_role::physical_id::PhysicalId;
use authomize_trust_role_fuzz::{address, assert_well_formed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let id = PhysicalId::parse(text);
    assert_eq!(id.to_string(), text, "an id is echoed for ever");
    if let Some(registered) = id.registered() {
        let record = registered.record.as_str();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        assert!((1..=64).contains(&record.len()) && record.bytes().all(plain));
        assert_eq!(registered.host_hash.len(), 8);
    }
    let issued = text.starts_with("integration/") || text.starts_with("adopted/");
    assert!(
        issued || id.registered().is_none(),
        "only these remove a record"
    );
    let answer = Answer {
        physical_id: id,
        outcome: Outcome::Failed("why".to_owned()),
    };
    assert_well_formed(&answer, &address());
});
