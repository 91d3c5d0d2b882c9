//! Faults of the vendor's API, and on the way there.

use super::{ALWAYS, CREATED, DELETED, UPDATED, fault, not_created, not_deleted, not_updated};
use crate::faults::fault::{Cell, Fault, Group, Means};
use crate::sandbox::Fault as VendorFault;

/// The vendor's API, each request of the method that does the work.
pub(super) fn faults() -> Vec<Fault> {
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
                not_created("no answer within"),
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
