//! The properties of a request: strict for a Create, lenient for a Delete.

#![no_main]

use authomize_trust_role::api_url::ApiUrl;
use authomize_trust_role::lifecycle::Cause;
use authomize_trust_role::properties::{self, Desired, Farewell};
use authomize_trust_role_fuzz::{
    EXTERNAL_ID, address, assert_no_secret, assert_well_formed, failed, stack,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Some((local, text)) = bytes.split_first() else {
        return;
    };
    let local = local & 1 == 1;
    let Ok(mut given) = serde_json::from_slice::<Value>(text) else {
        return;
    };
    let stack = stack();
    Farewell::read(&given, &stack, local);
    check(&given, local);
    // With an external id that is written nowhere else: it must not be shown.
    if let Some(members) = given.as_object_mut() {
        members.insert("ExternalId".to_owned(), EXTERNAL_ID.into());
        let others = members.iter().filter(|(name, _)| *name != "ExternalId");
        let mut others = others.map(|(name, value)| format!("{name}{value}"));
        if !others.any(|text| text.contains(EXTERNAL_ID)) {
            assert_no_secret(&check(&given, local));
            assert_no_secret(&format!("{:?}", Farewell::read(&given, &stack, local)));
        }
    }
});

/// Everything that is shown of the properties.
fn check(given: &Value, local: bool) -> String {
    match properties::read(given, &stack(), local) {
        Ok(desired) => {
            assert_usable(&desired, local);
            format!("{desired:?}")
        }
        Err(error) => {
            let answer = failed(Cause::from(error).reason());
            assert_well_formed(&answer, &address()).to_string()
        }
    }
}

fn assert_usable(desired: &Desired, local: bool) {
    let stack = stack();
    let registration = &desired.registration;
    assert!((1..=128).contains(&registration.name.chars().count()));
    assert_eq!(&registration.accounts[0], stack.account());
    for (i, account) in registration.accounts.iter().enumerate() {
        assert!(!registration.accounts[..i].contains(account));
    }
    assert!(registration.regions.is_sorted_by(|a, b| a < b));
    let of_the_partition =
        |region: &authomize_trust_role::region::Region| region.partition() == stack.partition();
    assert!(registration.regions.iter().all(of_the_partition));
    assert!(
        registration
            .role_arn
            .starts_with("arn:aws:iam::123456789012:role/")
    );
    let origin = desired.api.origin();
    if local {
        assert_eq!(ApiUrl::parse_local(origin).as_ref(), Ok(&desired.api));
    } else {
        assert_eq!(ApiUrl::parse(origin).as_ref(), Ok(&desired.api));
        assert_eq!(origin, format!("https://{}", desired.api.host()));
    }
    let uri: http::Uri = format!("{origin}/v2/apps")
        .parse()
        .expect("it can be asked");
    assert_eq!(uri.host(), Some(desired.api.host()));
}
