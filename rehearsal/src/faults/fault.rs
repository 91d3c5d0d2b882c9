//! What a fault is: a name, what happens, and what must come of it.

use serde::Serialize;

use crate::answer_bucket::BucketFault;
use crate::sandbox::{Fault as VendorFault, Waver};

/// A kind of request to the custom resource.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// The stack is created.
    Create,
    /// The integration's name is changed.
    Update,
    /// The stack is deleted.
    Delete,
}

impl Request {
    /// All three, in the order of a stack's life.
    pub const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    /// The vendor's method that does the work of the request.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Self::Create => "POST",
            Self::Update => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// CloudFormation's word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Delete => "Delete",
        }
    }
}

/// Where a fault happens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Group {
    /// At Authomize, or on the way there.
    Vendor,
    /// On the way of the answer to CloudFormation.
    Answer,
    /// In the function, or in how Lambda runs it.
    Function,
    /// In the stack.
    Stack,
    /// In the account.
    Account,
}

impl Group {
    /// The heading that it has in lists.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::Answer => "answer",
            Self::Function => "function",
            Self::Stack => "stack",
            Self::Account => "account",
        }
    }
}

/// One fault of the catalogue.
#[derive(Debug)]
pub struct Fault {
    /// In kebab-case.
    pub name: &'static str,
    /// Where it happens.
    pub group: Group,
    /// What happens, in one line.
    pub what: &'static str,
    /// How it is brought about.
    pub(super) means: Means,
    /// What comes of it when the stack is created.
    pub create: Cell,
    /// What comes of it when the integration is renamed.
    pub update: Cell,
    /// What comes of it when the stack is deleted.
    pub delete: Cell,
}

impl Fault {
    /// What comes of it in this request.
    #[must_use]
    pub fn cell(&self, request: Request) -> &Cell {
        match request {
            Request::Create => &self.create,
            Request::Update => &self.update,
            Request::Delete => &self.delete,
        }
    }
}

/// What comes of a fault in one kind of request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cell {
    /// The stack ends like this.
    Ends(Ending),
    /// It cannot occur there, for this reason.
    Never(&'static str),
}

/// How a stack ends that met a fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ending {
    /// The stack's status.
    pub status: &'static str,
    /// A part of the reason that the admin reads in the console; empty where
    /// nothing failed.
    pub reason: &'static str,
    /// Whether the function was able to answer.
    pub(super) answered: bool,
}

/// The stack ends in this status, and nothing failed.
pub(super) const fn well(status: &'static str) -> Cell {
    Cell::Ends(Ending {
        status,
        reason: "",
        answered: true,
    })
}

/// The stack ends in this status, and the admin reads this.
pub(super) const fn told(status: &'static str, reason: &'static str) -> Cell {
    Cell::Ends(Ending {
        status,
        reason,
        answered: true,
    })
}

/// The function is never able to answer, and CloudFormation says so.
pub(super) const fn silent(status: &'static str) -> Cell {
    Cell::Ends(Ending {
        status,
        reason: "timed out",
        answered: false,
    })
}

/// How a fault is brought about.
#[derive(Clone, Debug)]
pub(super) enum Means {
    /// The vendor misbehaves, given the method that does the request's work.
    Vendor(fn(&'static str) -> Vec<VendorFault>),
    /// Nothing listens at the vendor's address.
    VendorDown,
    /// The vendor's host shows another host's certificate.
    VendorImpersonated,
    /// The outbound proxy lets nobody through to the vendor.
    VendorForbidden,
    /// The vendor's validation of the role errs.
    Validation(Waver),
    /// The vendor's server knows what is published, and nothing else.
    PublishedOnly,
    /// The vendor forgets idempotency keys, and the function dies behind the
    /// request that does the work.
    OwnConflict,
    /// A stranger has the name that is asked for.
    NameTaken,
    /// Somebody deleted the record at the vendor.
    RecordGone,
    /// Another stack's marker is on the record.
    RecordOfAnotherStack,
    /// The response bucket misbehaves.
    Bucket(fn() -> Vec<BucketFault>),
    /// A fault inside the function.
    Function(InFunction),
    /// Lambda delivers the event twice at once.
    DeliveredTwice,
    /// Lambda delivers the event once more when all is over.
    DeliveredAgain,
    /// Somebody sends a Delete for the resource of a stack at rest.
    ReplayedDelete,
    /// Somebody sends a Delete of an earlier stack of the same name.
    PastStack,
    /// Another resource fails while the request runs, so CloudFormation gives it
    /// up; the vendor refuses so many times to undo it.
    GivenUp {
        /// How often the vendor refuses to delete.
        refusals: u32,
    },
    /// A resource behind ours fails, so all goes back.
    LaterSiblingFails,
    /// A second stack of the same account.
    SecondStack,
    /// The trust role's policy is changed by hand, and then `Refresh`.
    RoleChanged,
    /// The secret with the token is deleted.
    SecretDeleted,
    /// The function's role may not read the secret.
    SecretDenied,
    /// The secret holds another value.
    SecretWrong,
    /// The function's role may not ask CloudFormation.
    AskingDenied,
    /// The function's role loses that right while the request runs.
    AskingDeniedMeanwhile,
}

/// A fault that is built into the function.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFunction {
    /// What happens, a word of `examples/faulty.rs`.
    pub(super) deed: &'static str,
    /// At the answer, and not at the request that does the work.
    pub(super) at_the_answer: bool,
    /// In one run only, and not in every.
    pub(super) once: bool,
}
