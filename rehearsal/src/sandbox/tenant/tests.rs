use super::*;

fn tenant() -> Tenant {
    with(|_| {})
}

fn with(change: impl FnOnce(&mut TenantOptions)) -> Tenant {
    let mut options = TenantOptions {
        token: "good".to_owned(),
        powerless_tokens: BTreeSet::from(["weak".to_owned()]),
        platform_token: Some("platform".to_owned()),
        deletion_takes: Duration::seconds(5),
        ..TenantOptions::default()
    };
    change(&mut options);
    Tenant::new(options)
}

fn at(second: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::seconds(second)
}

fn request(method: &str, path: &str, body: Value) -> ApiRequest {
    ApiRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        authorization: Some("good".to_owned()),
        body: Some(body),
        ..ApiRequest::default()
    }
}

fn app(name: &str) -> Value {
    json!({
        "integrationName": name,
        "serviceType": "aws",
        "config": {
            "accountIds": ["123456789012"],
            "roleArn": "arn:aws:iam::123456789012:role/r",
            "externalId": "external",
        },
    })
}

fn create(tenant: &mut Tenant, name: &str) -> ApiResponse {
    tenant.handle(at(0), &request("POST", "/v2/apps", app(name)))
}

#[test]
fn lets_nobody_in_without_the_bare_token() {
    for (token, status) in [
        (None, 401),
        (Some("bad"), 401),
        (Some("Bearer good"), 401),
        (Some("weak"), 403),
        (Some("platform"), 401),
        (Some("Bearer platform"), 200),
        (Some("good"), 200),
    ] {
        let mut request = request("GET", "/me", Value::Null);
        request.authorization = token.map(ToOwned::to_owned);
        assert_eq!(tenant().handle(at(0), &request).status, status, "{token:?}");
    }
}

#[test]
fn shows_no_app_to_the_other_kind_of_token() {
    let mut list = request("GET", "/v2/apps", Value::Null);
    list.authorization = Some("Bearer platform".to_owned());
    assert_eq!(tenant().handle(at(0), &list).status, 403);
}

#[test]
fn says_that_it_is_up_without_a_token() {
    let mut alive = request("GET", "/is_alive", Value::Null);
    alive.authorization = None;
    let response = tenant().handle(at(0), &alive);
    assert_eq!(response.body, json!({"isAlive": true}));
}

#[test]
fn replaces_the_whole_configuration() {
    let mut tenant = tenant();
    create(&mut tenant, "a");
    let config = json!({
        "accountIds": ["210987654321"],
        "roleArn": "arn:aws:iam::210987654321:role/r",
        "externalId": "external",
    });
    let amend = request(
        "PATCH",
        "/v2/apps/app_000000000001",
        json!({"name": "b", "config": config}),
    );
    let amended = tenant.handle(at(3), &amend).body;
    assert_eq!(amended["integrationName"], "b");
    assert_eq!(amended["config"], config);
    assert_eq!(amended["createdAt"], "1970-01-01T00:00:00Z");
    assert_eq!(amended["modifiedAt"], "1970-01-01T00:00:03Z");
}

#[test]
fn refuses_to_rename_to_a_name_in_use_but_not_to_the_own_one() {
    let mut tenant = tenant();
    create(&mut tenant, "a");
    create(&mut tenant, "b");
    for (name, status) in [("b", 409), ("a", 200)] {
        let rename = request("PATCH", "/v2/apps/app_000000000001", json!({"name": name}));
        assert_eq!(tenant.handle(at(1), &rename).status, status, "{name}");
    }
}

#[test]
fn has_no_app_of_an_unknown_id() {
    for (method, path) in [
        ("GET", "/v2/apps/app_1"),
        ("PATCH", "/v2/apps/app_1"),
        ("DELETE", "/v2/apps/app_1"),
        ("DELETE", "/v2/apps/app_1/data"),
        ("PUT", "/v2/apps"),
    ] {
        let response = tenant().handle(at(0), &request(method, path, json!({"name": "a"})));
        assert_eq!(response.status, 404, "{method} {path}");
    }
}

#[test]
fn keeps_a_deletion_going_while_it_is_told_to() {
    let mut tenant = tenant();
    create(&mut tenant, "a");
    tenant.set_finish_deletes(false);
    let path = "/v2/apps/app_000000000001";
    tenant.handle(at(1), &request("DELETE", path, Value::Null));
    let read = request("GET", path, Value::Null);
    assert_eq!(tenant.handle(at(1000), &read).body["status"], "deleted");
    tenant.set_finish_deletes(true);
    assert_eq!(tenant.handle(at(1000), &read).status, 404);
}

#[test]
fn forgets_the_validation_of_what_was_deleted() {
    let mut tenant = tenant();
    create(&mut tenant, "a");
    let pending = tenant.take_validations().remove(0);
    let path = "/v2/apps/app_000000000001";
    tenant.handle(at(1), &request("DELETE", path, Value::Null));
    let enabled = Validation::Enabled {
        connected_apps: vec!["AWS".to_owned()],
    };
    tenant.finish_validation(&pending.record, pending.generation, enabled);
    let read = tenant.handle(at(2), &request("GET", path, Value::Null));
    assert_eq!(read.body["status"], "deleted");
}

#[test]
fn lists_apps_as_connectors_of_version_1() {
    let mut tenant = tenant();
    create(&mut tenant, "a");
    let list = tenant.handle(at(0), &request("GET", "/v1/connectors", Value::Null));
    assert_eq!(list.body["data"][0]["serviceType"], "aws");
    assert_eq!(list.body["pagination"]["total"], 1);
}

#[test]
fn validates_what_is_made_and_what_is_sent_again() {
    let mut tenant = tenant();
    let made = create(&mut tenant, "a");
    assert_eq!(made.body["status"], "validating");
    let first = tenant.take_validations().remove(0);
    let again = request(
        "PATCH",
        "/v2/apps/app_000000000001",
        json!({"config": app("a")["config"]}),
    );
    assert_eq!(tenant.handle(at(1), &again).body["status"], "validating");
    let failed = Validation::Failed {
        last_error: "old".to_owned(),
    };
    tenant.finish_validation(&first.record, first.generation, failed);
    assert_eq!(tenant.apps()[0].status, "validating");
    let second = tenant.take_validations().remove(0);
    let enabled = Validation::Enabled {
        connected_apps: vec!["AWS".to_owned()],
    };
    tenant.finish_validation(&second.record, second.generation, enabled);
    assert_eq!(tenant.apps()[0].status, "enabled");
}

#[test]
fn holds_a_name_until_the_deletion_is_done() {
    let mut tenant = tenant();
    create(&mut tenant, "a");
    assert_eq!(create(&mut tenant, "a").status, 409);
    let delete = request("DELETE", "/v2/apps/app_000000000001", Value::Null);
    assert_eq!(tenant.handle(at(1), &delete).status, 200);
    assert!(tenant.apps().is_empty());
    let read = request("GET", "/v2/apps/app_000000000001", Value::Null);
    assert_eq!(tenant.handle(at(2), &read).body["status"], "deleted");
    let again = request("POST", "/v2/apps", app("a"));
    assert_eq!(tenant.handle(at(2), &again).status, 409);
    assert_eq!(tenant.handle(at(7), &read).status, 404);
    assert_eq!(tenant.handle(at(7), &again).status, 200);
}

#[test]
fn makes_no_second_record_for_a_key_that_was_used() {
    let mut tenant = tenant();
    let mut first = request("POST", "/v2/apps", app("a"));
    first.idempotency_key = Some("key".to_owned());
    let made = tenant.handle(at(0), &first);
    assert_eq!(tenant.handle(at(1), &first).body["id"], made.body["id"]);
    let mut other = request("POST", "/v2/apps", app("b"));
    other.idempotency_key = Some("key".to_owned());
    assert_eq!(tenant.handle(at(1), &other).status, 422);
    assert_eq!(tenant.apps().len(), 1);
}

#[test]
fn lists_in_pages_and_by_name() {
    let mut tenant = tenant();
    for name in ["a", "b", "c"] {
        create(&mut tenant, name);
    }
    let mut list = request("GET", "/v2/apps", Value::Null);
    list.query = BTreeMap::from([("limit".to_owned(), "2".to_owned())]);
    let page = tenant.handle(at(0), &list).body;
    assert_eq!(
        page["pagination"],
        json!({"limit": 2, "skip": 0, "total": 3, "hasMore": true})
    );
    list.query = BTreeMap::from([("integrationName".to_owned(), "b".to_owned())]);
    let page = tenant.handle(at(0), &list).body;
    assert_eq!(page["data"].as_array().unwrap().len(), 1);
    for number in ["many", "-1", ""] {
        list.query = BTreeMap::from([("limit".to_owned(), number.to_owned())]);
        assert_eq!(tenant.handle(at(0), &list).status, 422, "{number}");
    }
}

#[test]
fn gives_no_more_than_a_page_holds() {
    let mut tenant = with(|options| options.page_limit = 2);
    for name in ["a", "b", "c"] {
        create(&mut tenant, name);
    }
    let list = request("GET", "/v2/apps", Value::Null);
    let page = tenant.handle(at(0), &list).body;
    assert_eq!(
        page["pagination"],
        json!({"limit": 2, "skip": 0, "total": 3, "hasMore": true})
    );
    assert_eq!(page["data"].as_array().unwrap().len(), 2);
}

#[test]
fn refuses_bad_bodies_in_the_published_shape() {
    let config = |member: &str, value: Value| {
        let mut body = app("a");
        body["config"][member] = value;
        body
    };
    for (body, location) in [
        (Value::Null, json!(["body", "integrationName"])),
        (json!({}), json!(["body", "integrationName"])),
        (
            json!({"integrationName": ""}),
            json!(["body", "integrationName"]),
        ),
        (
            json!({"integrationName": 1}),
            json!(["body", "integrationName"]),
        ),
        (
            json!({"integrationName": "n".repeat(256)}),
            json!(["body", "integrationName"]),
        ),
        (
            config("accountIds", json!(["12345678901"])),
            json!(["body", "config", "accountIds"]),
        ),
        (
            config("accountIds", json!([])),
            json!(["body", "config", "accountIds"]),
        ),
        (
            config("managementAccountId", json!("12345678901a")),
            json!(["body", "config", "managementAccountId"]),
        ),
        (
            config("regions", json!("us-east-1")),
            json!(["body", "config", "regions"]),
        ),
        (
            config("roleArn", json!("arn:aws:iam::123456789012:user/u")),
            json!(["body", "config", "roleArn"]),
        ),
        (
            config("externalId", json!("e")),
            json!(["body", "config", "externalId"]),
        ),
        (
            config("includeIdentityCenter", json!("true")),
            json!(["body", "config", "includeIdentityCenter"]),
        ),
    ] {
        let mut tenant = tenant();
        let response = tenant.handle(at(0), &request("POST", "/v2/apps", body.clone()));
        assert_eq!(response.status, 422, "{body}");
        assert_eq!(response.body["detail"][0]["loc"], location, "{body}");
        assert!(tenant.apps().is_empty(), "{body}");
    }
}

#[test]
fn slows_down_who_asks_too_much() {
    let mut tenant = with(|options| options.rate = Some(2));
    let me = request("GET", "/me", Value::Null);
    assert_eq!(tenant.handle(at(0), &me).status, 200);
    assert_eq!(tenant.handle(at(0), &me).status, 200);
    let refused = tenant.handle(at(0), &me);
    assert_eq!((refused.status, refused.retry_after), (429, Some(1)));
    assert_eq!(tenant.handle(at(1), &me).status, 200);
}

#[test]
fn knows_the_published_part_alone_if_told_so() {
    let mut tenant = with(|options| options.contract = ContractLevel::PublishedOnly);
    let first = create(&mut tenant, "a");
    let second = create(&mut tenant, "a");
    assert_eq!(second.status, 200);
    assert_ne!(first.body["id"], second.body["id"]);
    let members: Vec<&str> = first
        .body
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        members,
        ["createdAt", "id", "integrationName", "modifiedAt"]
    );
    assert!(tenant.take_validations().is_empty());
}
