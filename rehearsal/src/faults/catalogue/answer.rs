//! Faults on the way of the answer.

use super::{CREATED, DELETED, UPDATED, fault};
use crate::answer_bucket::BucketFault;
use crate::faults::fault::{Fault, Group, Means};

/// The way of the answer.
pub(super) fn faults() -> Vec<Fault> {
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
