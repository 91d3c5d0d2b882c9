//! Every fault, and what comes of it in each kind of request.

use std::sync::LazyLock;

use super::fault::{Cell, Fault, Group, InFunction, Means, silent, told, well};
use crate::answer_bucket::BucketFault;
use crate::sandbox::{Fault as VendorFault, Waver};

/// More often than any run asks.
const ALWAYS: u32 = 1000;

const CREATED: Cell = well("CREATE_COMPLETE");
const UPDATED: Cell = well("UPDATE_COMPLETE");
const DELETED: Cell = well("DELETE_COMPLETE");

const fn not_created(reason: &'static str) -> Cell {
    told("ROLLBACK_COMPLETE", reason)
}

const fn not_updated(reason: &'static str) -> Cell {
    told("UPDATE_ROLLBACK_COMPLETE", reason)
}

const fn not_deleted(reason: &'static str) -> Cell {
    told("DELETE_FAILED", reason)
}

/// The catalogue, in the order of its groups.
pub static CATALOGUE: LazyLock<Vec<Fault>> = LazyLock::new(|| {
    [
        vendor(),
        validation(),
        answer(),
        function(),
        stack(),
        account(),
    ]
    .into_iter()
    .flatten()
    .collect()
});

/// The fault of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Fault> {
    CATALOGUE.iter().find(|fault| fault.name == name)
}

fn fault(
    group: Group,
    name: &'static str,
    what: &'static str,
    means: Means,
    [create, update, delete]: [Cell; 3],
) -> Fault {
    Fault {
        name,
        group,
        what,
        means,
        create,
        update,
        delete,
    }
}

/// The vendor's API, each request of the method that does the work.
fn vendor() -> Vec<Fault> {
    let vendor = |name, what, means, cells| fault(Group::Vendor, name, what, means, cells);
    let scripted = |name, what, script, cells| vendor(name, what, Means::Vendor(script), cells);
    vec![
        vendor(
            "vendor-down",
            "nothing listens at Authomize's address",
            Means::VendorDown,
            [
                not_created("Authomize cannot be reached"),
                not_updated("Authomize cannot be reached"),
                not_deleted("Authomize cannot be reached"),
            ],
        ),
        scripted(
            "vendor-slow",
            "Authomize takes longer than the function has time",
            |method| vec![VendorFault::hang().times(ALWAYS).only(method)],
            [
                not_created("Time ran out while registering"),
                not_updated("no answer within"),
                not_deleted("no answer within"),
            ],
        ),
        scripted(
            "connection-lost-before",
            "the connection is lost before Authomize took the request",
            |method| vec![VendorFault::lose_before().only(method)],
            [CREATED, UPDATED, DELETED],
        ),
        scripted(
            "connection-lost-after",
            "the connection is lost after Authomize took the request",
            |method| vec![VendorFault::lose_after().only(method)],
            [CREATED, UPDATED, DELETED],
        ),
        scripted(
            "server-error-thrice",
            "Authomize answers 500 three times, then well",
            |method| vec![VendorFault::status(500).times(3).only(method)],
            [CREATED, UPDATED, DELETED],
        ),
        scripted(
            "rate-limited",
            "Authomize answers 429, to be asked again in a second",
            |method| {
                let limited = VendorFault::status(429).header("retry-after", "1");
                vec![limited.times(2).only(method)]
            },
            [CREATED, UPDATED, DELETED],
        ),
        scripted(
            "rate-limited-too-long",
            "Authomize answers 429, to be asked again after the deadline",
            |method| {
                let limited = VendorFault::status(429).header("retry-after", "600");
                vec![limited.times(ALWAYS).only(method)]
            },
            [
                not_created("asks for fewer requests (429)"),
                not_updated("asks for fewer requests (429)"),
                not_deleted("asks for fewer requests (429)"),
            ],
        ),
        scripted(
            "token-refused",
            "Authomize does not know the token any more: 401",
            |_| vec![VendorFault::status(401).times(ALWAYS)],
            [
                not_created("does not accept the API token (401)"),
                not_updated("does not accept the API token (401)"),
                not_deleted("does not accept the API token (401)"),
            ],
        ),
        scripted(
            "token-not-permitted",
            "the token may not do this: 403",
            |method| vec![VendorFault::status(403).times(ALWAYS).only(method)],
            [
                not_created("not permitted to do this (403)"),
                not_updated("not permitted to do this (403)"),
                not_deleted("not permitted to do this (403)"),
            ],
        ),
        vendor(
            "conflict-with-itself",
            "an earlier run of the same request has the name already: 409",
            Means::OwnConflict,
            [
                CREATED,
                Cell::Never("an Update writes to its own record, whose name it has"),
                Cell::Never("a Delete asks for no name"),
            ],
        ),
        vendor(
            "name-taken",
            "a stranger's integration has the name: 409",
            Means::NameTaken,
            [
                not_created("exists already at Authomize"),
                not_updated("has an integration of this name already"),
                Cell::Never("a Delete asks for no name"),
            ],
        ),
        scripted(
            "rejected",
            "Authomize finds fault with the request: 422",
            |method| {
                let detail = serde_json::json!({"detail": [{
                    "loc": ["body", "config", "regions"],
                    "msg": "unknown region",
                    "type": "value_error",
                }]});
                vec![
                    VendorFault::status(422)
                        .body(detail)
                        .times(ALWAYS)
                        .only(method),
                ]
            },
            [
                not_created("unknown region"),
                not_updated("unknown region"),
                not_deleted("unknown region"),
            ],
        ),
        scripted(
            "html-answer",
            "a page in HTML stands before Authomize",
            |method| {
                let page = "<html><body>We are busy</body></html>";
                vec![
                    VendorFault::status(200)
                        .bytes(page)
                        .times(ALWAYS)
                        .only(method),
                ]
            },
            [
                not_created("not what its API describes"),
                not_updated("not what its API describes"),
                not_deleted("not what its API describes"),
            ],
        ),
        scripted(
            "truncated-answer",
            "the connection ends in the middle of Authomize's answer",
            |method| vec![VendorFault::break_off().only(method)],
            [CREATED, UPDATED, DELETED],
        ),
        scripted(
            "huge-answer",
            "Authomize's answer is 10 MB long",
            |method| {
                let huge = VendorFault::status(200).bytes(vec![b' '; 10_000_000]);
                vec![huge.times(ALWAYS).only(method)]
            },
            [
                not_created("larger than"),
                not_updated("larger than"),
                not_deleted("larger than"),
            ],
        ),
        scripted(
            "endless-answer",
            "Authomize's answer never ends",
            |method| vec![VendorFault::endless().times(ALWAYS).only(method)],
            [
                not_created("larger than"),
                not_updated("larger than"),
                not_deleted("larger than"),
            ],
        ),
        scripted(
            "redirected",
            "Authomize sends the request to another host",
            |method| {
                let elsewhere = VendorFault::redirect("https://example.com/v2/apps");
                vec![elsewhere.times(ALWAYS).only(method)]
            },
            [
                not_created("redirects elsewhere"),
                not_updated("redirects elsewhere"),
                not_deleted("redirects elsewhere"),
            ],
        ),
        vendor(
            "certificate-of-another-host",
            "Authomize's address shows another host's certificate",
            Means::VendorImpersonated,
            [
                not_created("Authomize cannot be reached"),
                not_updated("Authomize cannot be reached"),
                not_deleted("Authomize cannot be reached"),
            ],
        ),
        vendor(
            "record-gone",
            "somebody deleted the record at Authomize",
            Means::RecordGone,
            [Cell::Never("there is no record yet"), UPDATED, DELETED],
        ),
        vendor(
            "record-of-another-stack",
            "another stack has taken the record over",
            Means::RecordOfAnotherStack,
            [
                Cell::Never("there is no record yet"),
                not_updated("belongs to stack"),
                DELETED,
            ],
        ),
        vendor(
            "published-only",
            "Authomize's server knows what is published, and nothing else",
            Means::PublishedOnly,
            [CREATED, UPDATED, DELETED],
        ),
    ]
}

/// The vendor's validation of the role. A Delete waits for none.
fn validation() -> Vec<Fault> {
    const NONE: Cell = Cell::Never("a Delete waits for no validation");
    vec![
        fault(
            Group::Vendor,
            "validation-never-ends",
            "Authomize never comes to an end with validating the role",
            Means::Validation(Waver::NeverEnd),
            [CREATED, UPDATED, NONE],
        ),
        fault(
            Group::Vendor,
            "validation-fails",
            "Authomize cannot assume the role",
            Means::Validation(Waver::Fail(ALWAYS)),
            [
                not_created("could not validate the role"),
                not_updated("could not validate the role"),
                NONE,
            ],
        ),
        fault(
            Group::Vendor,
            "validation-fails-twice",
            "Authomize can assume the role at the third try",
            Means::Validation(Waver::Fail(2)),
            [CREATED, UPDATED, NONE],
        ),
    ]
}

/// The way of the answer.
fn answer() -> Vec<Fault> {
    let answer =
        |name, what, script, cells| fault(Group::Answer, name, what, Means::Bucket(script), cells);
    let all_well = [CREATED, UPDATED, DELETED];
    vec![
        answer(
            "answer-refused",
            "the response bucket refuses the answer: 403",
            || vec![BucketFault::Refuse],
            all_well,
        ),
        answer(
            "bucket-down",
            "the response bucket is down for three tries",
            || vec![BucketFault::Unavailable { times: 3 }],
            all_well,
        ),
        answer(
            "answer-redirected",
            "the response bucket sends the answer elsewhere",
            || {
                let to = "https://example.com/".to_owned();
                vec![BucketFault::Redirect { to }]
            },
            all_well,
        ),
        answer(
            "answer-reset",
            "the connection to the response bucket is reset",
            || vec![BucketFault::Reset],
            all_well,
        ),
        answer(
            "acknowledgement-lost",
            "the bucket took the answer, and the function does not learn of it",
            || vec![BucketFault::LoseAcknowledgement],
            all_well,
        ),
    ]
}

/// The function, and how Lambda runs it.
fn function() -> Vec<Fault> {
    let within = |name, what, deed, at_the_answer, once, cells| {
        let fault_within = InFunction {
            deed,
            at_the_answer,
            once,
        };
        fault(
            Group::Function,
            name,
            what,
            Means::Function(fault_within),
            cells,
        )
    };
    let all_well = [CREATED, UPDATED, DELETED];
    vec![
        within(
            "panic",
            "a bug in the function panics at the request to Authomize",
            "panic",
            false,
            false,
            [
                not_created("failed unexpectedly while"),
                not_updated("failed unexpectedly while"),
                not_deleted("failed unexpectedly while"),
            ],
        ),
        within(
            "blocked-threads",
            "every thread of the function is blocked",
            "block",
            false,
            false,
            [
                not_created("Time ran out while"),
                not_updated("Time ran out while"),
                not_deleted("Time ran out while"),
            ],
        ),
        within(
            "killed-at-the-vendor",
            "the function is killed before its request to Authomize leaves",
            "die",
            false,
            true,
            all_well,
        ),
        within(
            "killed-behind-the-vendor",
            "the function is killed when Authomize has done what it was asked",
            "die-after",
            false,
            true,
            all_well,
        ),
        within(
            "killed-at-the-answer",
            "the function is killed before its answer leaves",
            "die",
            true,
            true,
            all_well,
        ),
        within(
            "killed-after-the-answer",
            "the function is killed when CloudFormation has its answer",
            "die-after",
            true,
            true,
            all_well,
        ),
        within(
            "timed-out",
            "the function stands still until Lambda kills it",
            "stop",
            false,
            true,
            all_well,
        ),
        fault(
            Group::Function,
            "delivered-twice",
            "Lambda delivers the event twice at once",
            Means::DeliveredTwice,
            all_well,
        ),
        fault(
            Group::Function,
            "delivered-again",
            "Lambda delivers the event once more when all is over",
            Means::DeliveredAgain,
            [
                CREATED,
                UPDATED,
                Cell::Never("the function is gone with its stack, so nothing delivers to it"),
            ],
        ),
    ]
}

/// The stack around the resource.
fn stack() -> Vec<Fault> {
    let stack = |name, what, means, cells| fault(Group::Stack, name, what, means, cells);
    vec![
        stack(
            "sibling-fails",
            "another resource fails while ours is under way, so CloudFormation gives it up",
            Means::GivenUp { refusals: 0 },
            [
                not_created("cancelled"),
                not_updated("cancelled"),
                Cell::Never("CloudFormation gives no Delete up"),
            ],
        ),
        stack(
            "sibling-fails-undo-refused",
            "the same, and Authomize refuses once to undo what was done",
            Means::GivenUp { refusals: 1 },
            [
                not_created("cancelled"),
                Cell::Never("an Update that is given up is not undone, but updated back"),
                Cell::Never("CloudFormation gives no Delete up"),
            ],
        ),
        stack(
            "later-sibling-fails",
            "a resource behind ours fails after ours succeeded",
            Means::LaterSiblingFails,
            [
                well("ROLLBACK_COMPLETE"),
                well("UPDATE_ROLLBACK_COMPLETE"),
                Cell::Never("what is behind ours is deleted before ours"),
            ],
        ),
        fault(
            Group::Stack,
            "silent-create",
            "the function never answers, whatever it did",
            Means::Function(InFunction {
                deed: "die",
                at_the_answer: true,
                once: false,
            }),
            [
                silent("ROLLBACK_COMPLETE"),
                silent("UPDATE_ROLLBACK_COMPLETE"),
                silent("DELETE_FAILED"),
            ],
        ),
        stack(
            "replayed-delete",
            "somebody fires a Delete at the resource of a stack that is not going",
            Means::ReplayedDelete,
            [
                CREATED,
                UPDATED,
                Cell::Never("the function is gone with its stack, so nobody can ask it"),
            ],
        ),
        stack(
            "second-stack",
            "the account has a stack that registered it already",
            Means::SecondStack,
            [
                not_created("belongs to stack"),
                Cell::Never("the second stack was never created"),
                Cell::Never("the second stack was never created"),
            ],
        ),
        stack(
            "role-changed-by-hand",
            "somebody changed the trust role's policy, and the stack is refreshed",
            Means::RoleChanged,
            [
                Cell::Never("the role is made with the stack"),
                not_updated("could not validate the role"),
                DELETED,
            ],
        ),
    ]
}

/// The account around the stack.
fn account() -> Vec<Fault> {
    let account = |name, what, means, cells| fault(Group::Account, name, what, means, cells);
    vec![
        account(
            "secret-deleted",
            "the secret with the token is gone",
            Means::SecretDeleted,
            [
                not_created("it does not exist"),
                not_updated("cannot be read"),
                not_deleted("cannot be read"),
            ],
        ),
        account(
            "secret-denied",
            "the function's role may not read the secret",
            Means::SecretDenied,
            [
                not_created("access is denied"),
                not_updated("access is denied"),
                not_deleted("access is denied"),
            ],
        ),
        account(
            "secret-wrong",
            "the secret holds a token that Authomize does not know",
            Means::SecretWrong,
            [
                not_created("does not accept the API token (401)"),
                not_updated("does not accept the API token (401)"),
                not_deleted("does not accept the API token (401)"),
            ],
        ),
        account(
            "asking-denied",
            "the function's role may not ask CloudFormation about its stack",
            Means::AskingDenied,
            [CREATED, UPDATED, DELETED],
        ),
        account(
            "asking-denied-meanwhile",
            "the function's role loses that right while the request runs",
            Means::AskingDeniedMeanwhile,
            [
                not_created("cancelled meanwhile"),
                UPDATED,
                Cell::Never("a Delete asks CloudFormation before Authomize, and never again"),
            ],
        ),
        account(
            "role-not-visible-yet",
            "the trust role is not known everywhere yet",
            Means::Validation(Waver::Fail(1)),
            [
                CREATED,
                UPDATED,
                Cell::Never("a Delete waits for no validation"),
            ],
        ),
        account(
            "proxy-refuses",
            "the outbound proxy lets nobody through to Authomize",
            Means::VendorForbidden,
            [
                not_created("Authomize cannot be reached"),
                not_updated("Authomize cannot be reached"),
                not_deleted("Authomize cannot be reached"),
            ],
        ),
    ]
}
