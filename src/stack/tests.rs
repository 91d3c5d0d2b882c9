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
        ("CREATE_IN_PROGRESS", "DELETE_COMPLETE", Standing::Cancelled),
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
    let second = Duration::from_secs(1);
    for (began, takes_back) in [
        (wrote - minute, true),
        (wrote + second, true),
        (wrote + minute, false),
    ] {
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

/// What goes back tells whose Update is rolled back, and nothing else does.
#[test]
fn rolls_back_only_while_an_update_is_taken_back() {
    for (stack, rolls_back) in [
        ("UPDATE_ROLLBACK_IN_PROGRESS", true),
        ("UPDATE_IN_PROGRESS", false),
        ("ROLLBACK_IN_PROGRESS", false),
    ] {
        let view = seen(stack, "UPDATE_IN_PROGRESS", ID);
        assert_eq!(view.rolls_back(), rolls_back, "{stack}");
    }
    assert!(!View::Unknown.rolls_back());
}

/// A resource is deleted too when it alone goes, or when an update has replaced it.
#[test]
fn goes_only_with_the_whole_stack() {
    for (stack, goes) in [
        ("DELETE_IN_PROGRESS", true),
        ("ROLLBACK_IN_PROGRESS", true),
        ("UPDATE_IN_PROGRESS", false),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", false),
    ] {
        let view = seen(stack, "DELETE_IN_PROGRESS", ID);
        assert_eq!(view.goes(), goes, "{stack}");
    }
    assert!(!View::Denied.goes());
}

#[test]
fn tells_the_id_that_is_recorded() {
    let view = seen("CREATE_COMPLETE", "CREATE_COMPLETE", ID);
    assert_eq!(view.recorded(), Some(&PhysicalId::parse(ID)));
    assert_eq!(View::Denied.recorded(), None);
}

const SENT: SystemTime = SystemTime::UNIX_EPOCH;

/// What the stack of a request is asked with.
struct Cloud(Aws, StackId);

impl Cloud {
    fn new() -> Self {
        let aws = Aws {
            wire: std::sync::Arc::new(crate::https::Https::new(Default::default())),
            credentials: aws_credential_types::Credentials::new("", "", None, None, "test"),
            endpoint: None,
            clock: crate::clock::Clock::set(SENT),
            patience: Duration::from_secs(10),
        };
        let id = "arn:aws:cloudformation:us-east-1:123456789012:stack/a/b";
        Self(aws, id.parse().unwrap())
    }

    fn own(&self) -> OwnStack<'_> {
        OwnStack {
            foreign: false,
            aws: &self.0,
            id: &self.1,
            logical_id: "l",
            sent: Some(SENT),
            waits: Waits::new(tokio::time::Instant::now(), Duration::from_secs(240)),
            local: false,
        }
    }
}

fn view(stack: Result<&str, AwsError>, resource: Result<SeenResource, AwsError>) -> View {
    Cloud::new()
        .own()
        .view(stack.map(ToOwned::to_owned), resource)
}

/// A resource whose status changed so many seconds after the request was sent.
fn changed(status: &str, seconds: u64) -> Result<SeenResource, AwsError> {
    Ok(SeenResource {
        status: status.to_owned(),
        physical_id: None,
        changed: Some(SENT + Duration::from_secs(seconds)),
    })
}

fn down() -> AwsError {
    AwsError::Unavailable("down".to_owned())
}

fn denied() -> AwsError {
    let code = "AccessDenied".to_owned();
    AwsError::Denied { code }
}

fn not_found() -> AwsError {
    let code = "ValidationError".to_owned();
    AwsError::NotFound { code }
}

/// One of the two answers is enough if it says that the stack goes, or that it is denied
/// nothing but the resource.
#[test]
fn believes_half_a_look_that_says_that_the_stack_goes() {
    let resource = |status| changed(status, 0);
    for (stack, resource, standing) in [
        (Err(down()), resource("CREATE_FAILED"), Standing::Cancelled),
        (
            Err(denied()),
            resource("CREATE_FAILED"),
            Standing::Cancelled,
        ),
        (
            Err(down()),
            resource("DELETE_IN_PROGRESS"),
            Standing::Cancelled,
        ),
        (
            Err(down()),
            resource("CREATE_IN_PROGRESS"),
            Standing::Wanted,
        ),
        (Ok("ROLLBACK_IN_PROGRESS"), Err(down()), Standing::Cancelled),
        (
            Ok("ROLLBACK_IN_PROGRESS"),
            Err(denied()),
            Standing::Cancelled,
        ),
        (Ok("ROLLBACK_COMPLETE"), Err(denied()), Standing::AtRest),
        (Ok("CREATE_IN_PROGRESS"), Err(denied()), Standing::Wanted),
        (
            Ok("ROLLBACK_IN_PROGRESS"),
            Err(not_found()),
            Standing::Cancelled,
        ),
        (
            Err(not_found()),
            resource("DELETE_COMPLETE"),
            Standing::AtRest,
        ),
    ] {
        let view = view(stack, resource);
        assert_eq!(view.for_create(), standing, "{view:?}");
    }
}

/// Half a look that says nothing of the kind is no look.
#[test]
fn believes_no_other_half_of_a_look() {
    for (stack, resource, unseen) in [
        (Err(down()), Err(down()), View::Unknown),
        (Err(denied()), Err(denied()), View::Denied),
        (Err(down()), changed("CREATE_IN_PROGRESS", 0), View::Unknown),
        (Ok("CREATE_IN_PROGRESS"), Err(down()), View::Unknown),
        (
            Err(denied()),
            changed("CREATE_IN_PROGRESS", 0),
            View::Unknown,
        ),
        (Ok("ROLLBACK_COMPLETE"), Err(down()), View::Unknown),
    ] {
        assert_eq!(view(stack, resource), unseen);
    }
}

/// The stack's status is the newer answer if it stands and the resource is being made.
#[test]
fn believes_a_stack_that_stands_before_its_resource() {
    let before = seen("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", ID);
    let is_lost = |now: View| now.lost_since(&before, View::for_create);
    let creating = || changed("CREATE_IN_PROGRESS", 0);
    assert!(!is_lost(view(Ok("CREATE_COMPLETE"), creating())));
    assert!(!is_lost(view(Ok("CREATE_COMPLETE"), Err(down()))));
    assert!(is_lost(view(Ok("ROLLBACK_IN_PROGRESS"), creating())));
}

/// A laptop's CloudFormation does not know the stack; in AWS it is gone.
#[test]
fn takes_a_stack_that_does_not_exist_for_gone_unless_the_function_is_local() {
    let cloud = Cloud::new();
    let look = |own: OwnStack<'_>| own.view(Err(not_found()), Err(not_found()));
    let local = OwnStack {
        local: true,
        ..cloud.own()
    };
    assert_eq!(look(local), View::Denied);
    assert_eq!(look(cloud.own()).for_create(), Standing::AtRest);
}

/// CloudFormation changes the status in the second in which it sends the request.
#[test]
fn is_overtaken_by_what_changed_in_a_later_second() {
    for (seconds, standing) in [(0, Standing::Wanted), (1, Standing::AtRest)] {
        let updating = || changed("UPDATE_IN_PROGRESS", seconds);
        let now = view(Ok("UPDATE_IN_PROGRESS"), updating());
        assert_eq!(now.for_update(), standing, "{seconds}");
        // That alone tells it, too.
        let half = view(Err(down()), updating());
        assert_eq!(half.for_update(), standing, "{seconds}");
    }
}

/// A stack at rest is looked at again, ever more rarely, and any other only once.
#[tokio::test(start_paused = true)]
async fn looks_again_only_while_nothing_seems_to_go_on() {
    let cloud = Cloud::new();
    for (standing, waits) in [(Standing::AtRest, 1 + 2 + 4), (Standing::Wanted, 0)] {
        let own = OwnStack {
            foreign: true,
            ..cloud.own()
        };
        let began = tokio::time::Instant::now();
        own.look_for(|_| standing).await;
        assert_eq!(began.elapsed(), waits * own.waits.backoff);
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
