use super::*;

fn seen(stack: &str, resource: &str, recorded: &str) -> View {
    View::Seen {
        stack: StackPhase::of(stack),
        resource: ResourcePhase::of(resource),
        recorded: Some(PhysicalId::parse(recorded)),
        goes_back: stack.starts_with("UPDATE_ROLLBACK"),
        overtaken: false,
        changed: None,
    }
}

const ID: &str = "integration/app_1/01234567";

#[test]
fn creates_only_what_cloudformation_waits_for() {
    for (stack, resource, standing) in [
        ("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", Standing::Wanted),
        ("UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS", Standing::Wanted),
        ("CREATE_IN_PROGRESS", "", Standing::Wanted),
        (
            "ROLLBACK_IN_PROGRESS",
            "CREATE_IN_PROGRESS",
            Standing::Cancelled,
        ),
        ("ROLLBACK_IN_PROGRESS", "CREATE_FAILED", Standing::Cancelled),
        (
            "UPDATE_ROLLBACK_IN_PROGRESS",
            "CREATE_FAILED",
            Standing::Cancelled,
        ),
        (
            "DELETE_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
            Standing::Cancelled,
        ),
        ("CREATE_COMPLETE", "CREATE_COMPLETE", Standing::AtRest),
        ("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Standing::AtRest),
        ("ROLLBACK_IN_PROGRESS", "CREATE_COMPLETE", Standing::AtRest),
        ("ROLLBACK_COMPLETE", "DELETE_COMPLETE", Standing::AtRest),
    ] {
        let view = seen(stack, resource, ID);
        assert_eq!(view.for_create(), standing, "{stack} {resource}");
    }
}

#[test]
fn updates_forward_and_back_and_never_at_rest() {
    for (stack, resource, standing) in [
        ("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Standing::Wanted),
        (
            "UPDATE_ROLLBACK_IN_PROGRESS",
            "UPDATE_IN_PROGRESS",
            Standing::Wanted,
        ),
        ("UPDATE_COMPLETE", "UPDATE_COMPLETE", Standing::AtRest),
        ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", Standing::AtRest),
        ("DELETE_IN_PROGRESS", "UPDATE_COMPLETE", Standing::AtRest),
    ] {
        let view = seen(stack, resource, ID);
        assert_eq!(view.for_update(), standing, "{stack} {resource}");
    }
}

#[test]
fn deletes_only_while_the_stack_goes_or_cleans_up() {
    let other = "integration/app_2/01234567";
    for (stack, resource, recorded, standing) in [
        (
            "DELETE_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
            ID,
            Standing::Wanted,
        ),
        (
            "ROLLBACK_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
            ID,
            Standing::Wanted,
        ),
        (
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_COMPLETE",
            other,
            Standing::Wanted,
        ),
        (
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
            ID,
            Standing::Wanted,
        ),
        (
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_COMPLETE",
            ID,
            Standing::AtRest,
        ),
        ("UPDATE_COMPLETE", "UPDATE_COMPLETE", ID, Standing::AtRest),
        (
            "UPDATE_IN_PROGRESS",
            "UPDATE_COMPLETE",
            ID,
            Standing::AtRest,
        ),
        ("CREATE_COMPLETE", "CREATE_COMPLETE", ID, Standing::AtRest),
    ] {
        let view = seen(stack, resource, recorded);
        let id = PhysicalId::parse(ID);
        assert_eq!(
            view.for_delete(&id),
            standing,
            "{stack} {resource} {recorded}"
        );
    }
}

/// An Update that was sent before CloudFormation began to take it back is not
/// the one that takes it back.
#[test]
fn tells_an_update_from_the_one_that_takes_it_back() {
    let mut view = seen("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_IN_PROGRESS", ID);
    assert_eq!(view.for_update(), Standing::Wanted);
    if let View::Seen { overtaken, .. } = &mut view {
        *overtaken = true;
    }
    assert_eq!(view.for_update(), Standing::AtRest);
}

/// An Update that wrote before the stack began to go back is written over; one that
/// wrote later has to take its change back itself.
#[test]
fn tells_whether_what_goes_back_began_before_the_last_write() {
    let wrote = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let minute = Duration::from_secs(60);
    for (began, takes_back) in [(wrote - minute, true), (wrote + minute, false)] {
        let mut view = seen("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_IN_PROGRESS", ID);
        if let View::Seen {
            overtaken, changed, ..
        } = &mut view
        {
            (*overtaken, *changed) = (true, Some(began));
        }
        assert_eq!(view.takes_back(wrote), takes_back);
    }
}

/// One of the two answers is enough if it says that the stack goes.
#[test]
fn believes_half_a_look_that_says_that_the_stack_goes() {
    let waits = Waits::new(tokio::time::Instant::now(), Duration::from_secs(240));
    let aws = Aws {
        wire: std::sync::Arc::new(crate::https::Https::new(Default::default())),
        credentials: aws_credential_types::Credentials::new("", "", None, None, "test"),
        endpoint: None,
        clock: crate::clock::Clock::set(SystemTime::UNIX_EPOCH),
        patience: waits.aws_call,
    };
    let id = "arn:aws:cloudformation:us-east-1:123456789012:stack/a/b"
        .parse()
        .unwrap();
    let own = OwnStack {
        foreign: false,
        aws: &aws,
        id: &id,
        logical_id: "l",
        sent: None,
        waits,
        local: false,
    };
    let down = || AwsError::Unavailable("down".to_owned());
    let resource = |status: &str| SeenResource {
        status: status.to_owned(),
        physical_id: None,
        changed: None,
    };
    for (stack, resource, standing) in [
        (
            Err(down()),
            Ok(resource("CREATE_FAILED")),
            Standing::Cancelled,
        ),
        (
            Err(down()),
            Ok(resource("DELETE_IN_PROGRESS")),
            Standing::Cancelled,
        ),
        (
            Err(down()),
            Ok(resource("CREATE_IN_PROGRESS")),
            Standing::Wanted,
        ),
        (Ok("ROLLBACK_IN_PROGRESS"), Err(down()), Standing::Cancelled),
        (Ok("CREATE_IN_PROGRESS"), Err(down()), Standing::Wanted),
        (Err(down()), Err(down()), Standing::Wanted),
    ] {
        let view = own.view(stack.map(ToOwned::to_owned), resource);
        assert_eq!(view.for_create(), standing, "{view:?}");
    }
}

/// Case E30: when a Create has lost its stack.
#[test]
fn takes_a_permission_that_is_gone_for_a_role_that_is_torn_down() {
    let before = seen("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", ID);
    let lost = |now: View, before: &View| now.lost_since(before, View::for_create);
    assert!(lost(View::Denied, &before));
    assert!(!lost(View::Denied, &View::Denied));
    assert!(!lost(View::Unknown, &before));
    assert!(!lost(
        seen("CREATE_COMPLETE", "CREATE_COMPLETE", ID),
        &before
    ));
    assert!(lost(
        seen("ROLLBACK_IN_PROGRESS", "CREATE_FAILED", ID),
        &before
    ));
}

/// Cases E27 and E30: a stack that rolls back waits for its Updates.
#[test]
fn is_lost_for_a_create_and_not_for_an_update_while_it_rolls_back() {
    let now = |resource| seen("UPDATE_ROLLBACK_IN_PROGRESS", resource, ID);
    let before = now("CREATE_IN_PROGRESS");
    assert!(now("CREATE_FAILED").lost_since(&before, View::for_create));
    // What is updated was created: this Create is an old one, delivered late.
    assert!(!now("UPDATE_IN_PROGRESS").lost_since(&before, View::for_create));
    assert!(!now("UPDATE_IN_PROGRESS").lost_since(&before, View::for_update));
}
