//! Every reason that there can be is in `docs/troubleshooting.md`, and nothing
//! else is.
//!
//! Each walk goes from variant to variant by a `match` without a wildcard, so a
//! new variant does not compile until it has an example here.

use std::iter::successors;

use http::StatusCode;

use super::*;
use crate::admin::{ActionError, AdminError};
use crate::api_url::ApiUrlError;
use crate::progress::{Cut, Progress};
use crate::wire::WireError;

const PAGE: &str = include_str!("../../../docs/troubleshooting.md");

fn walk<T>(first: T, next: impl Fn(&T) -> Option<T>) -> Vec<T> {
    successors(Some(first), next).collect()
}

fn envelope_errors() -> Vec<EnvelopeError> {
    use EnvelopeError as E;
    walk(E::RequestType("`Rename`".to_owned()), |error| match error {
        E::RequestType(_) => Some(E::UnknownResponseUrl),
        E::UnknownResponseUrl => Some(E::ForeignResponseUrl),
        E::ForeignResponseUrl => Some(E::Unreadable("missing field".to_owned())),
        E::Unreadable(_) => None,
    })
}

fn property_errors() -> Vec<PropertyError> {
    use PropertyError as E;
    let refused = E::Refused {
        parameter: "Regions",
        given: "nowhere".to_owned(),
        accepted: "accepted are regions",
    };
    walk(refused, |error| match error {
        E::Refused { .. } => Some(E::Unusable {
            parameter: "ExternalID",
            problem: "empty",
            accepted: "paste the ExternalID",
        }),
        E::Unusable { .. } => None,
    })
}

fn aws_errors() -> Vec<AwsError> {
    use AwsError as E;
    let code = || "Code".to_owned();
    walk(E::Denied { code: code() }, |error| match error {
        E::Denied { .. } => Some(E::NotFound { code: code() }),
        E::NotFound { .. } => Some(E::Refused { code: code() }),
        E::Refused { .. } => Some(E::Unavailable(code())),
        E::Unavailable(_) => None,
    })
}

fn unusable_tokens() -> Vec<UnusableToken> {
    use TokenError as E;
    use UnusableToken::{Binary, Text};
    walk(Binary, |problem| match problem {
        Binary => Some(Text(E::Empty)),
        Text(E::Empty) => Some(Text(E::NotJson)),
        Text(E::NotJson) => Some(Text(E::NoTokenMember)),
        Text(E::NoTokenMember) => Some(Text(E::Unprintable)),
        Text(E::Unprintable) => Some(Text(E::Url(ApiUrlError::NotHttps))),
        Text(E::Url(_)) => None,
    })
}

fn api_errors() -> Vec<ApiError> {
    use ApiError as E;
    walk(E::Unauthorized, |error| match error {
        E::Unauthorized => Some(E::Forbidden),
        E::Forbidden => Some(E::NotFound),
        E::NotFound => Some(E::Conflict),
        E::Conflict => Some(E::RateLimited { retry_after: None }),
        E::RateLimited { .. } => Some(E::Rejected {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            message: "roleArn: unknown account".to_owned(),
        }),
        E::Rejected { .. } => Some(E::Unavailable {
            status: StatusCode::SERVICE_UNAVAILABLE,
        }),
        E::Unavailable { .. } => Some(E::Redirected {
            status: StatusCode::TEMPORARY_REDIRECT,
        }),
        E::Redirected { .. } => Some(E::Unreadable("it is not JSON".to_owned())),
        E::Unreadable(_) => Some(E::Unreachable {
            api: crate::api_url::ApiUrl::default(),
            source: WireError::NotSent("dns error".to_owned()),
        }),
        E::Unreachable { .. } => None,
    })
}

/// Causes without another error inside, in a walk through all variants: one
/// with an error inside stands for all of its kind, which [`causes`] adds.
fn kinds() -> Vec<Cause> {
    use Cause as C;
    let text = || "text".to_owned();
    let first = C::Envelope(EnvelopeError::UnknownResponseUrl);
    walk(first, |cause| match cause {
        C::Envelope(_) => property_errors().pop().map(C::Property),
        C::Property(_) => Some(C::AnotherStack),
        C::AnotherStack => Some(C::FarFromTheHub),
        C::FarFromTheHub => Some(C::TooOld),
        C::TooOld => Some(C::Switched),
        C::Switched => Some(C::AtRest),
        C::AtRest => Some(C::Cancelled { undone: true }),
        C::Cancelled { undone: true } => Some(C::Cancelled { undone: false }),
        C::Cancelled { undone: false } => Some(C::NoSecret),
        C::NoSecret => aws_errors().pop().map(secret),
        C::Secret { .. } => Some(token(UnusableToken::Binary)),
        C::Token { .. } => Some(C::ForeignHost { given: text() }),
        C::ForeignHost { .. } => Some(C::AnotherHost {
            record: text(),
            host: text(),
        }),
        C::AnotherHost { .. } => Some(api(ApiError::Unauthorized)),
        C::Api { .. } => Some(not_up_to_date(ApiError::Conflict)),
        C::NotUpToDate { .. } => Some(C::NameTaken {
            name: text(),
            owner: text(),
        }),
        C::NameTaken { .. } => Some(C::Ambiguous { name: text() }),
        C::Ambiguous { .. } => Some(C::AnothersRecord {
            record: text(),
            owner: text(),
        }),
        C::AnothersRecord { .. } => unadoptable().pop().map(not_adopted),
        C::NotAdopted { .. } => Some(C::HasARecord {
            has: None,
            named: record(),
        }),
        C::HasARecord { has: None, .. } => Some(C::HasARecord {
            has: Some(record()),
            named: record(),
        }),
        C::HasARecord { has: Some(_), .. } => Some(C::Validation { last_error: text() }),
        C::Validation { .. } => Some(C::NotDeregistered {
            what: text(),
            source: Box::new(C::AtRest),
        }),
        C::NotDeregistered { .. } => None,
    })
}

fn record() -> RecordId {
    "app_1".parse().unwrap()
}

fn unadoptable() -> Vec<Unadoptable> {
    use Unadoptable as U;
    walk(U::Missing, |why| match why {
        U::Missing => Some(U::Untold),
        U::Untold => "210987654321".parse().ok().map(U::AnothersAccount),
        U::AnothersAccount(_) => Some(U::NotThisAccount),
        U::NotThisAccount => Some(U::AnothersRecord("stack arn".to_owned())),
        U::AnothersRecord(_) => None,
    })
}

fn not_adopted(why: Unadoptable) -> Cause {
    Cause::NotAdopted {
        record: record(),
        why,
    }
}

fn secret(source: AwsError) -> Cause {
    Cause::Secret {
        arn: "arn".to_owned(),
        source,
    }
}

fn token(problem: UnusableToken) -> Cause {
    Cause::Token {
        arn: "arn".to_owned(),
        problem,
    }
}

fn api(source: ApiError) -> Cause {
    Cause::Api {
        doing: "the account could not be registered",
        source,
    }
}

fn not_up_to_date(source: ApiError) -> Cause {
    Cause::NotUpToDate {
        record: record(),
        source,
    }
}

/// One example of everything that a request can fail with.
fn causes() -> Vec<Cause> {
    let mut causes = kinds();
    causes.extend(envelope_errors().into_iter().map(Cause::Envelope));
    causes.extend(property_errors().into_iter().map(Cause::Property));
    causes.extend(aws_errors().into_iter().map(secret));
    causes.extend(unusable_tokens().into_iter().map(token));
    causes.extend(api_errors().into_iter().map(api));
    causes.extend(api_errors().into_iter().map(not_up_to_date));
    causes.extend(unadoptable().into_iter().map(not_adopted));
    causes
}

/// The same as the admin reads it, with what is said of work that was cut.
fn reasons() -> Vec<String> {
    let cut = walk(Cut::OutOfTime, |cut| match cut {
        Cut::OutOfTime => Some(Cut::Failed),
        Cut::Failed => None,
    });
    let progress = Progress::new(PhysicalId::parse("none/0123456789abcdef"));
    progress.has(&record());
    let cut = cut.into_iter().map(|cut| progress.cut(cut).1);
    let causes = causes();
    let admin = admin_errors();
    let admin = admin.iter().map(AdminError::reason);
    causes
        .iter()
        .map(Cause::reason)
        .chain(cut)
        .chain(admin)
        .collect()
}

/// What the admin function ends with, but for what it has in common with the others.
fn admin_errors() -> Vec<AdminError> {
    use AdminError as A;
    let actions = walk(ActionError::CustomResource, |error| match error {
        ActionError::CustomResource => Some(ActionError::Unreadable("text".to_owned())),
        ActionError::Unreadable(_) => Some(ActionError::Unknown("missing".to_owned())),
        ActionError::Unknown(_) => Some(ActionError::Member {
            action: "remove",
            member: "id".to_owned(),
            accepted: "`action` and `ids`",
        }),
        ActionError::Member { .. } => Some(ActionError::Value {
            member: "ids",
            given: "missing".to_owned(),
            accepted: "a list",
        }),
        ActionError::Value { .. } => None,
    });
    let stack_set = |source| A::StackSet {
        name: "Members".to_owned(),
        call_as: "SELF",
        source,
    };
    let others = walk(A::NotAHub, |error| match error {
        A::NotAHub => Some(A::NoStackSet),
        A::NoStackSet => Some(A::NoMarks),
        A::NoMarks => Some(A::Records(ApiError::Unauthorized)),
        A::Records(_) => Some(A::from(Cause::NoSecret)),
        A::Cause(_) | A::Action(_) | A::StackSet { .. } => None,
    });
    let actions = actions.into_iter().map(A::Action);
    let stack_sets = aws_errors().into_iter().map(stack_set);
    actions.chain(stack_sets).chain(others).collect()
}

/// What the page quotes: code at the beginning of a heading or of an item.
fn quotes() -> Vec<&'static str> {
    let lines = PAGE.lines();
    lines
        .filter_map(|line| {
            let rest = line
                .strip_prefix("### `")
                .or_else(|| line.strip_prefix("- `"))?;
            rest.split('`').next()
        })
        .collect()
}

/// Whether a reason has the parts of a quote, which are separated by `…`, in
/// their order. What a sentence begins with one time is in its middle another.
fn is_quoted(reason: &str, quote: &str) -> bool {
    let (reason, quote) = (reason.to_lowercase(), quote.to_lowercase());
    let mut rest = Some(reason.as_str());
    for part in quote.split('…').map(str::trim) {
        rest = rest.and_then(|rest| Some(rest.split_once(part)?.1));
    }
    rest.is_some()
}

#[test]
fn is_explained_on_the_page_whatever_it_is() {
    let quotes = quotes();
    for reason in reasons() {
        let is_there = quotes.iter().any(|quote| is_quoted(&reason, quote));
        assert!(is_there, "docs/troubleshooting.md does not quote: {reason}");
    }
}

#[test]
fn is_all_that_the_page_explains() {
    let reasons = reasons();
    for quote in quotes() {
        let is_given = reasons.iter().any(|reason| is_quoted(reason, quote));
        assert!(is_given, "no reason reads like: {quote}");
    }
}

#[test]
fn says_what_happened_and_what_to_do_in_whole_sentences() {
    for reason in reasons() {
        let without_gaps = reason.replace("...", "");
        assert!(without_gaps.ends_with('.'), "{reason}");
        assert!(!without_gaps.contains(".."), "{reason}");
        let first = reason.chars().next().unwrap();
        assert!(first.is_uppercase() || first == '`', "{reason}");
        assert!(reason.matches(". ").count() >= 1, "{reason}");
    }
}

#[test]
fn tells_why_once_where_a_delete_fails() {
    let cause = Cause::NotDeregistered {
        what: "record app_1".to_owned(),
        source: Box::new(api(ApiError::Unauthorized)),
    };
    let reason = cause.reason();
    let expected =
        "Record app_1 could not be deregistered: Authomize does not accept the API token (401). ";
    assert!(reason.starts_with(expected), "{reason}");
}
