//! Faults of the account around the stack.

use super::{CREATED, DELETED, UPDATED, fault, not_created, not_deleted, not_updated};
use crate::faults::fault::{Cell, Fault, Group, Means};
use crate::sandbox::Waver;

/// The account around the stack.
pub(super) fn faults() -> Vec<Fault> {
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
