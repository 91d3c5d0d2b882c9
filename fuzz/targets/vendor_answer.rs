//! What the vendor answers: a line each for the status, `Date` and
//! `Retry-After`, then the body.

#![no_main]

use std::time::{Duration, SystemTime};

use authomize_trust_role::answer::{Answer, Outcome};
use authomize_trust_role::authomize::{ApiError, Marker, Record, response};
use authomize_trust_role::lifecycle::ownership::{found, ownership};
use authomize_trust_role::lifecycle::{Cause, attributes};
use authomize_trust_role::physical_id::PhysicalId;
use authomize_trust_role::properties::{self, Registration};
use authomize_trust_role_fuzz::{
    EXTERNAL_ID, STACK, address, assert_no_secret, assert_well_formed, failed, secrets, stack,
};
use bytes::Bytes;
use http::{Response, header};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use time::OffsetDateTime;

fuzz_target!(|bytes: &[u8]| {
    let Some(response) = made_of(bytes) else {
        return;
    };
    let (token, external_id) = secrets();
    let secrets = [&token, &external_id];
    let since = response::date(&response).map(|theirs| {
        let read_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        response::at(theirs, read_at, read_at + Duration::from_secs(900));
        response::at(theirs, read_at, read_at - Duration::from_secs(900))
    });
    match response::read(&response, &secrets) {
        Ok(json) => {
            match response::record(json.clone(), &secrets) {
                Ok(record) => check(&[record], since),
                Err(error) => check_error(error),
            }
            match response::page(json, &secrets) {
                Ok(page) => check(&page.records, since),
                Err(error) => check_error(error),
            }
        }
        Err(error) => check_error(error),
    }
});

fn made_of(bytes: &[u8]) -> Option<Response<Bytes>> {
    let mut parts = bytes.splitn(4, |byte| *byte == b'\n');
    let status: u16 = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    Response::builder()
        .status(status)
        .header(header::DATE, parts.next()?)
        .header(header::RETRY_AFTER, parts.next()?)
        .body(Bytes::copy_from_slice(parts.next()?))
        .ok()
}

fn check_error(error: ApiError) {
    assert_no_secret(&format!("{error:?}"));
    let cause = Cause::Api {
        doing: "it was fuzzed",
        source: error,
    };
    let answer = assert_well_formed(&failed(cause.reason()), &address());
    assert_no_secret(&answer.to_string());
}

fn check(records: &[Record], since: Option<OffsetDateTime>) {
    let (marker, registration) = (marker(), registration());
    let decided = found(records, &marker, &registration, since);
    assert_no_secret(&format!("{decided:?}"));
    for record in records {
        record.holds(&registration, &marker);
        record.is_for(&registration);
        assert_no_secret(&format!("{record:?}"));
        assert_no_secret(&format!("{:?}", ownership(record, &marker)));
        let answer = Answer {
            physical_id: PhysicalId::issued(record.id.clone(), &Default::default()),
            outcome: Outcome::Success(attributes(record)),
        };
        let answer: Value = assert_well_formed(&answer, &address());
        assert_no_secret(&answer.to_string());
    }
}

fn marker() -> Marker {
    Marker {
        stack_id: STACK.to_owned(),
        logical_resource_id: "AuthomizeIntegration".to_owned(),
        hub: None,
        released: false,
        taken_over: false,
        adopted_name: None,
    }
}

fn registration() -> Registration {
    let properties = json!({
        "ApiUrl": "https://api.authomize.com",
        "ExternalId": EXTERNAL_ID,
        "RoleArn": "arn:aws:iam::123456789012:role/R",
    });
    let desired = properties::read(&properties, &stack(), false);
    desired.expect("they are usable").registration
}
