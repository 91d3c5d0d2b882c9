//! The trust role: who can assume it, and what each of its permissions is for.

use rehearsal::engine::vendor::Vendor;

use crate::document::template;
use crate::permission::without;
use crate::stage::{assert_created, assert_rolled_back, create_from, create_in, spec, world};

const VENDORS_ACCOUNT: &str = "291883359082";

#[tokio::test]
async fn lets_in_the_vendors_user_with_the_right_external_id_alone() {
    let world = world().await;
    let created = create_from(&world, &template(), &[]).await;
    assert_created(&created);
    let role = &created.outputs["TrustRoleArn"];
    let right = Some(world.external_id());
    world.vendor.assume(role, right).await.unwrap();
    for wrong in [Some("another-customers"), None] {
        let refused = world.vendor.assume(role, wrong).await.unwrap_err();
        assert!(refused.is_denied(), "{wrong:?}: {refused}");
    }

    let engine = &world.engine;
    let vendors = engine.account(VENDORS_ACCOUNT.parse().unwrap());
    let another = engine.fresh_account();
    let user = async |account, name| Vendor::user(engine, account, name).await.unwrap();
    for (who, principal) in [
        ("another user of the vendor", user(&vendors, "Intern").await),
        ("the vendor's root user", Vendor::root(engine, &vendors)),
        (
            "a namesake in another account",
            user(&another, "AuthomizeGlobalUser").await,
        ),
        (
            "another account's root user",
            Vendor::root(engine, &another),
        ),
        (
            "a user of this account",
            user(&world.account, "AuthomizeGlobalUser").await,
        ),
        (
            "this account's root user",
            Vendor::root(engine, &world.account),
        ),
    ] {
        let refused = principal.assume(role, right).await.unwrap_err();
        assert!(refused.is_denied(), "{who}: {refused}");
    }
}

/// Without the condition the vendor could be talked into reading this account
/// for another of its customers.
#[tokio::test]
async fn would_let_the_vendor_in_for_anybody_without_the_external_id() {
    let world = world().await;
    let template = without("TrustRole.Trust", "sts:ExternalId");
    let created = create_from(&world, &template, &[]).await;
    assert_created(&created);
    let role = &created.outputs["TrustRoleArn"];
    for wrong in [Some("another-customers"), None] {
        world.vendor.assume(role, wrong).await.unwrap();
    }
}

/// What is missing is missed as soon as the vendor validates the role.
#[tokio::test]
async fn needs_to_be_assumed_and_every_managed_policy() {
    let world = world().await;
    let fails_without = async |place: &str, name: &str, why: &str| {
        let template = without(place, name);
        let account = world.engine.fresh_account();
        let parameters = [("IncludeAWSIdentityCenter", "true")];
        let spec = spec(&world, template.to_string(), &parameters);
        let outcome = create_in(&account, &spec).await;
        let why = [
            "Authomize could not validate the role",
            why,
            "no policy of the organization stands in the way of Authomize",
        ];
        assert_rolled_back(&account, &outcome, &why).await;
    };
    let policies = "TrustRole.Policies";
    tokio::join!(
        fails_without("TrustRole.Trust", "sts:AssumeRole", "cannot be assumed"),
        fails_without(policies, "SecurityAudit", "cannot read its own policies"),
        fails_without(policies, "AWSSSOReadOnly", "has no policy AWSSSOReadOnly"),
        fails_without(
            policies,
            "AWSSSODirectoryReadOnly",
            "has no policy AWSSSODirectoryReadOnly"
        ),
    );
    assert!(world.sandbox.apps().is_empty());
}
