use std::time::SystemTime;

use serde_json::{Value, json};

use super::*;
use crate::authomize::response;
use crate::properties;

const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/a/1";
const PREDECESSOR: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/a/0";
const ANOTHER: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/b/1";
const ROLE: &str = "arn:aws:iam::123456789012:role/r";
const ANOTHER_ROLE: &str = "arn:aws:iam::123456789012:role/s";

fn marker() -> Marker {
    Marker {
        stack_id: STACK.to_owned(),
        logical_resource_id: "l".to_owned(),
        hub: None,
        released: false,
        taken_over: false,
        adopted_name: None,
    }
}

fn registration() -> Registration {
    let properties = json!({
        "ApiUrl": "https://api.authomize.com",
        "ExternalId": "external-id-1",
        "RoleArn": ROLE,
        "AdditionalAccountIds": ["210987654321"],
    });
    let stack = STACK.parse().unwrap();
    let desired = properties::read(&properties, &stack, false).unwrap();
    desired.registration
}

fn record(app: Value) -> Record {
    response::record(app, &[]).unwrap()
}

/// A record of one account and one role, with a marker of this stack's resource and
/// with what `source` has instead.
fn marked(id: &str, role: &str, source: &Value) -> Record {
    let mut marker = serde_json::to_value(marker()).unwrap();
    for (name, value) in source.as_object().unwrap() {
        marker[name] = value.clone();
    }
    record(json!({
        "id": id,
        "status": "enabled",
        "config": {"accountIds": ["123456789012"], "roleArn": role, "source": marker},
    }))
}

/// A record that no stack made.
fn unmarked(id: &str, config: &Value) -> Record {
    record(json!({"id": id, "status": "enabled", "config": config}))
}

/// A record of a server that keeps no markers.
fn unknown(id: &str, created_at: &str) -> Record {
    record(json!({"id": id, "createdAt": created_at}))
}

#[test]
fn tells_whose_a_record_is() {
    let anothers = |stack| Ownership::Anothers(format!("stack {stack}"));
    for (record, whose) in [
        (marked("app_1", ROLE, &json!({})), Ownership::Ours),
        (
            marked("app_1", ROLE, &json!({"released": true})),
            Ownership::Ours,
        ),
        (
            marked("app_1", ROLE, &json!({"stackId": ANOTHER})),
            anothers(ANOTHER),
        ),
        (
            marked(
                "app_1",
                ROLE,
                &json!({"stackId": ANOTHER, "released": true}),
            ),
            Ownership::Released,
        ),
        (
            marked("app_1", ROLE, &json!({"stackId": PREDECESSOR})),
            anothers(PREDECESSOR),
        ),
        (unmarked("app_1", &json!({})), Ownership::Unmarked),
        (unknown("app_1", "2026-11-24T12:00:00Z"), Ownership::Unknown),
    ] {
        assert_eq!(ownership(&record, &marker()), whose);
    }
}

/// What a Create makes of a list, in short.
fn said(records: &[Record], since: Option<&str>) -> String {
    let since = since.map(|since| {
        let record = unknown("app_0", since);
        record.created_at.unwrap()
    });
    match found(records, &marker(), &registration(), since) {
        Found::Ours(record) => format!("ours, {}", record.id),
        Found::Released(record) => format!("released, {}", record.id),
        Found::Left(record) => format!("left, {}", record.id),
        Found::Anothers(text) => text,
        other => format!("{other:?}"),
    }
}

#[test]
fn reads_a_list_of_a_server_that_keeps_markers() {
    let ours = |id| marked(id, ROLE, &json!({}));
    let anothers = |id| marked(id, ROLE, &json!({"stackId": ANOTHER}));
    let released = |id, role| marked(id, role, &json!({"stackId": ANOTHER, "released": true}));
    let going = record(json!({"id": "app_1", "status": "deleted"}));
    let of_another = format!("and belongs to stack {ANOTHER}");
    for (records, meaning) in [
        (vec![], "Nothing"),
        (vec![going.clone()], "Going"),
        (vec![going, ours("app_2")], "ours, app_2"),
        (vec![anothers("app_1"), ours("app_2")], "ours, app_2"),
        (
            vec![anothers("app_1"), released("app_2", ROLE)],
            "released, app_2",
        ),
        (
            vec![released("app_1", ANOTHER_ROLE)],
            "released by a stack of another account or role",
        ),
        (
            vec![marked(
                "app_1",
                ANOTHER_ROLE,
                &json!({"stackId": PREDECESSOR}),
            )],
            "left, app_1",
        ),
        (vec![anothers("app_1")], &of_another),
        (
            vec![marked("app_1", ROLE, &json!({"hub": "h"}))],
            "Switched",
        ),
        (
            vec![marked(
                "app_1",
                ROLE,
                &json!({"stackId": ANOTHER, "hub": "h"}),
            )],
            &of_another,
        ),
        (
            vec![marked("app_1", ROLE, &json!({"logicalResourceId": "m"}))],
            &format!("and belongs to stack {STACK}"),
        ),
        (
            vec![unmarked("app_1", &json!({}))],
            "record app_1, and no stack made it",
        ),
    ] {
        assert_eq!(said(&records, None), meaning);
    }
}

/// What was made since this request began is its own; the server's clock shows whole
/// seconds.
#[test]
fn reads_a_list_of_a_server_that_keeps_none() {
    let since = Some("2026-11-24T12:00:00Z");
    let old = |id| unknown(id, "2026-11-24T11:59:57Z");
    let new = |id| unknown(id, "2026-11-24T11:59:58Z");
    for (records, since, meaning) in [
        (vec![old("app_1")], since, "Nothing"),
        (vec![new("app_1")], None, "Nothing"),
        (vec![old("app_1"), new("app_2")], since, "ours, app_2"),
        (vec![new("app_1"), new("app_2")], since, "Ambiguous"),
        (
            vec![unmarked("app_1", &json!({})), old("app_2")],
            since,
            "record app_1, and no stack made it",
        ),
    ] {
        assert_eq!(said(&records, since), meaning);
    }
}

#[test]
fn lets_nothing_be_adopted_but_what_is_this_integrations_to_register() {
    let of = |accounts: &[&str]| unmarked("app_1", &json!({"accountIds": accounts}));
    let anothers = || Unadoptable::AnothersAccount("345678901234".parse().unwrap());
    for (record, verdict) in [
        (marked("app_1", ROLE, &json!({})), Ok(())),
        (
            marked(
                "app_1",
                ROLE,
                &json!({"stackId": ANOTHER, "released": true}),
            ),
            Ok(()),
        ),
        (
            marked("app_1", ROLE, &json!({"stackId": PREDECESSOR})),
            Ok(()),
        ),
        (of(&["123456789012"]), Ok(())),
        (of(&["210987654321", "123456789012"]), Ok(())),
        (of(&["210987654321"]), Err(Unadoptable::NotThisAccount)),
        (of(&["123456789012", "345678901234"]), Err(anothers())),
        (of(&[]), Err(Unadoptable::Untold)),
        (
            unknown("app_1", "2026-11-24T12:00:00Z"),
            Err(Unadoptable::Untold),
        ),
        (
            marked("app_1", ROLE, &json!({"stackId": ANOTHER})),
            Err(Unadoptable::AnothersRecord(format!("stack {ANOTHER}"))),
        ),
    ] {
        let may = is_adoptable(&record, &marker(), &registration());
        assert_eq!(may, verdict);
    }
}

/// A server without markers can say that it made a record in the last second
/// that there is.
#[test]
fn reads_any_time_of_creation() {
    let record = unknown("app_1", "9999-12-31T23:59:59Z");
    assert!(is_since(&record, Some(SystemTime::now().into())));
}
