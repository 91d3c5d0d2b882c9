use serde_json::json;

use super::*;

fn stack() -> StackId {
    "arn:aws:cloudformation:us-east-1:123456789012:stack/Authomize-Trust-Role/51af3dc0-da77-11e4-872e-1234567db123"
        .parse()
        .unwrap()
}

fn good() -> Value {
    json!({
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "ServiceTimeout": "1200",
        "TemplateVersion": "0.1.0",
        "ApiUrl": "https://api.authomize.com",
        "ExternalId": "external-id-1",
        "RoleArn": "arn:aws:iam::123456789012:role/AuthomizeCrossAccountTrustRole",
        "IncludeIdentityCenter": "false",
        "IntegrationName": "",
        "OwnerEmail": "",
        "Regions": [""],
        "AdditionalAccountIds": [""],
        "OnDelete": "Remove",
        "OnDeregistrationFailure": "Fail",
        "Refresh": "",
    })
}

fn with(name: &str, value: Value) -> Result<Desired, PropertyError> {
    let mut properties = good();
    properties[name] = value;
    read(&properties, &stack(), false)
}

/// Case E31: strings, booleans in any spelling, numbers, lists, and empty as
/// absent.
#[test]
fn reads_values_in_every_spelling_of_cloudformation() {
    let registration = read(&good(), &stack(), false).unwrap().registration;
    assert_eq!(registration.name, "AWS 123456789012");
    assert_eq!(registration.accounts, [stack().account().clone()]);
    assert!(registration.regions.is_empty());
    assert_eq!(registration.owner_email, None);
    for yes in [json!("true"), json!("True"), json!(true)] {
        let desired = with("IncludeIdentityCenter", yes).unwrap();
        assert!(desired.registration.include_identity_center);
    }
    for no in [json!("false"), json!("FALSE"), json!(false), json!("")] {
        let desired = with("IncludeIdentityCenter", no).unwrap();
        assert!(!desired.registration.include_identity_center);
    }
    for five in [json!("5"), json!(5)] {
        let mut properties = good();
        properties["IntegrationName"] = five;
        let desired = read(&properties, &stack(), false).unwrap();
        assert_eq!(desired.registration.name, "5");
        assert_eq!(Farewell::read(&properties, &stack(), false).name, "5");
    }
    for list in [
        json!("210987654321"),
        json!(210_987_654_321_u64),
        json!(["210987654321"]),
        json!([210_987_654_321_u64]),
    ] {
        let accounts = with("AdditionalAccountIds", list).unwrap();
        assert_eq!(accounts.registration.accounts[1].as_str(), "210987654321");
    }
    for list in [
        json!("us-east-1, eu-west-1"),
        json!(["eu-west-1", " us-east-1"]),
    ] {
        let regions = with("Regions", list).unwrap().registration.regions;
        let names: Vec<&str> = regions.iter().map(Region::as_str).collect();
        assert_eq!(names, ["eu-west-1", "us-east-1"]);
    }
}

/// Case E35: what the vendor is not told makes no difference.
#[test]
fn sees_no_change_in_what_the_vendor_is_not_told() {
    let before = read(&good(), &stack(), false).unwrap();
    for (name, value) in [
        ("ServiceTimeout", json!("900")),
        ("TemplateVersion", json!("9.9.9")),
        ("OnDelete", json!("Keep")),
        ("Regions", json!([])),
        ("Refresh", json!("now")),
    ] {
        let after = with(name, value).unwrap();
        assert!(before.registration == after.registration, "{name}");
    }
}

/// Whatever else is changed is a change, and of a member it is told which.
#[test]
fn sees_a_change_in_whatever_the_vendor_is_told() {
    let before = read(&good(), &stack(), false).unwrap();
    assert_eq!(difference(&before, &before), None);
    for (name, value, parameter) in [
        ("ExternalId", "external-id-2", "ExternalID"),
        (
            "RoleArn",
            "arn:aws:iam::123456789012:role/Another",
            "RoleArn",
        ),
        ("IncludeIdentityCenter", "true", "IncludeAWSIdentityCenter"),
        ("IntegrationName", "another", "IntegrationName"),
        ("OwnerEmail", "a@example.com", "OwnerEmail"),
        ("Regions", "us-east-1", "Regions"),
        (
            "AdditionalAccountIds",
            "210987654321",
            "AdditionalAccountIds",
        ),
    ] {
        let after = with(name, json!(value)).unwrap();
        assert!(before.registration != after.registration, "{name}");
        assert_eq!(difference(&after, &before), Some(parameter));
    }
    for (name, value, parameter) in [
        ("ApiUrl", "https://api.example.com", "AuthomizeApiUrl"),
        ("AdoptIntegrationId", "app_1", "AdoptIntegrationId"),
    ] {
        let after = with(name, json!(value)).unwrap();
        assert_eq!(difference(&after, &before), Some(parameter));
    }
}

/// Each value arrives as it was given.
#[test]
fn reads_what_is_well_formed() {
    let email = with("OwnerEmail", json!("owner@example.com")).unwrap();
    let email = email.registration.owner_email;
    assert_eq!(email.as_deref(), Some("owner@example.com"));
    let path = "arn:aws:iam::123456789012:role/path/name";
    let role = with("RoleArn", json!(path)).unwrap();
    assert_eq!(role.registration.role_arn, path);
    let adopt = with("AdoptIntegrationId", json!("app_1")).unwrap().adopt;
    assert_eq!(adopt, Some("app_1".parse().unwrap()));
    let mut properties = good();
    properties["AdoptIntegrationId"] = json!(" app_1 ");
    let farewell = Farewell::read(&properties, &stack(), false);
    assert_eq!(farewell.adopt, Some("app_1".parse().unwrap()));
}

/// Case E32: properties of other versions are ignored.
#[test]
fn ignores_unknown_properties() {
    assert!(with("FutureProperty", json!({"a": 1})).is_ok());
}

#[test]
fn names_the_parameter_and_what_is_accepted() {
    for (name, value, start) in [
        (
            "ExternalId",
            json!(""),
            "ExternalID is empty: paste the ExternalID",
        ),
        (
            "ExternalId",
            json!("has space"),
            "ExternalID is malformed: paste",
        ),
        (
            "ApiUrl",
            json!("http://api.authomize.com"),
            "AuthomizeApiUrl is \"http://api.authomize.com\"",
        ),
        (
            "ApiUrl",
            json!("https://u:p@h.com"),
            "AuthomizeApiUrl is an address with user info",
        ),
        (
            "ApiUrl",
            json!("https://h.com/path"),
            "AuthomizeApiUrl is \"https://h.com/path\"",
        ),
        ("RoleArn", json!(""), "RoleArn is empty: the template"),
        (
            "RoleArn",
            json!("arn:aws:iam::210987654321:role/AuthomizeCrossAccountTrustRole"),
            "RoleArn is \"arn:aws:iam::210987654321:role/",
        ),
        (
            "RoleArn",
            json!("arn:aws:iam::123456789012:role/"),
            "RoleArn is \"arn:aws:iam::123456789012:role/\"",
        ),
        (
            "RoleArn",
            json!("arn:aws:iam::123456789012:role/é"),
            "RoleArn is \"arn",
        ),
        (
            "AdditionalAccountIds",
            json!(["12345678901"]),
            "AdditionalAccountIds is \"12345678901\"",
        ),
        (
            "AdditionalAccountIds",
            json!(["12345678901a"]),
            "AdditionalAccountIds is",
        ),
        (
            "AdditionalAccountIds",
            json!(["210987654321", "210987654321"]),
            "AdditionalAccountIds is \"210987654321\"",
        ),
        (
            "Regions",
            json!(["nowhere"]),
            "Regions is \"nowhere\": accepted are regions",
        ),
        (
            "Regions",
            json!(["cn-north-1"]),
            "Regions is \"cn-north-1\"",
        ),
        (
            "OwnerEmail",
            json!("owner"),
            "OwnerEmail is \"owner\": accepted is one e-mail",
        ),
        (
            "OwnerEmail",
            json!("an owner@example.com"),
            "OwnerEmail is \"an owner@example.com\"",
        ),
        (
            "OwnerEmail",
            json!("@example.com"),
            "OwnerEmail is \"@example.com\"",
        ),
        (
            "OwnerEmail",
            json!(format!("{}@example.com", "x".repeat(300))),
            "OwnerEmail is \"xxx",
        ),
        (
            "AdoptIntegrationId",
            json!("app 1"),
            "AdoptIntegrationId is \"app 1\"",
        ),
        (
            "IntegrationName",
            json!("x".repeat(300)),
            "IntegrationName is \"xxx",
        ),
        (
            "IntegrationName",
            json!("a\nb"),
            "IntegrationName is \"a b\"",
        ),
        (
            "IntegrationName",
            json!("a 😀"),
            "IntegrationName is \"a 😀\"",
        ),
        (
            "IncludeIdentityCenter",
            json!("yes"),
            "IncludeAWSIdentityCenter is \"yes\": accepted are true and false",
        ),
        (
            "Regions",
            json!({"a": 1}),
            "Regions is an object: accepted is a list of texts",
        ),
        (
            "OwnerEmail",
            json!(["a"]),
            "OwnerEmail is a list: accepted is a text",
        ),
        (
            "OnDelete",
            json!("Burn"),
            "OnDelete is \"Burn\": accepted are Remove and Keep",
        ),
    ] {
        let error = with(name, value).unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    }
}

/// Case E33: a Delete reads whatever it gets.
#[test]
fn reads_a_farewell_from_anything() {
    for properties in [
        json!(null),
        json!([]),
        json!("x"),
        json!({"OnDelete": 7, "ApiUrl": []}),
    ] {
        let farewell = Farewell::read(&properties, &stack(), false);
        assert_eq!(farewell.on_delete, OnDelete::Remove);
        assert_eq!(farewell.on_failure, OnDeregistrationFailure::Fail);
        assert_eq!(farewell.api, ApiUrl::default());
        assert_eq!(farewell.name, "AWS 123456789012");
    }
    let mut properties = good();
    properties["OnDelete"] = json!("Keep");
    properties["OnDeregistrationFailure"] = json!("Ignore");
    let farewell = Farewell::read(&properties, &stack(), false);
    assert_eq!(farewell.on_delete, OnDelete::Keep);
    assert_eq!(farewell.on_failure, OnDeregistrationFailure::Ignore);
}
