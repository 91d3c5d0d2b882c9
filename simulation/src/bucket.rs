//! The bucket that takes the answers, and CloudFormation, which reads them.

use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use rehearsal::leak::Secret;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

use crate::violation::Promise;
use crate::world::{
    Answer, EXTERNAL_ID, LOGICAL_ID, REGION, Reason, SIGNATURE, State, TOKEN, World,
};

const SIGNED_AT: &[FormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// The largest answer that CloudFormation reads, in bytes.
const BODY_LIMIT: usize = 4096;

/// How long a response URL is good for, in milliseconds.
const EXPIRES: u64 = 7_200_000;

/// The attributes that every template may read.
const ATTRIBUTES: [&str; 4] = [
    "IntegrationId",
    "IntegrationName",
    "Status",
    "ConnectedApps",
];

/// A response URL in AWS's shape, signed at `signed`.
pub fn response_url(
    signed: SystemTime,
    stack_id: &str,
    logical_id: &str,
    request_id: &str,
) -> String {
    let signed = OffsetDateTime::from(signed)
        .format(SIGNED_AT)
        .unwrap_or_default();
    let bucket = REGION.replace('-', "");
    format!(
        "https://cloudformation-custom-resource-response-{bucket}.s3.{REGION}.amazonaws.com/{}%7C{logical_id}%7C{request_id}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={signed}&X-Amz-Expires=7200&X-Amz-SignedHeaders=host&X-Amz-Credential=AKIAEXAMPLE%2F{}%2F{REGION}%2Fs3%2Faws4_request&{SIGNATURE}",
        stack_id.replace(':', "%3A"),
        signed.get(..8).unwrap_or_default(),
    )
}

/// Takes an answer, as S3 does, and shows it to CloudFormation.
pub fn take(
    world: &World,
    stack: usize,
    asked: usize,
    run: usize,
    request: &Request<Bytes>,
) -> Response<Bytes> {
    let mut state = world.lock();
    let now = state.now();
    let request_of = &mut state.stacks[stack].requests[asked];
    let is_signed = request.uri() == request_of.url.as_str() && request.method() == "PUT";
    if !is_signed || now > request_of.sent + EXPIRES {
        return status(403);
    }
    let body = request.body().to_vec();
    let before = request_of.runs[run].body.replace(body.clone());
    if before.is_some_and(|before| before != body) {
        let how = format!("stack {stack} request {asked} run {run} put two different bodies");
        state.violated(Promise::OneRunSaysOneThing, how);
    }
    state.read_answer(stack, asked, &body);
    status(200)
}

fn status(status: u16) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response
}

impl State {
    /// Reads an answer as CloudFormation does, and believes the first.
    fn read_answer(&mut self, stack: usize, asked: usize, body: &[u8]) {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        let (outcome, id, reason) = (text("Status"), text("PhysicalResourceId"), text("Reason"));
        for problem in self.problems(stack, asked, body, &answer) {
            self.violated(Promise::AnswersAreWellFormed, problem);
        }
        let leaks = leaks("answer", &[&String::from_utf8_lossy(body)]);
        for leak in leaks {
            self.violated(Promise::NoSecretLeaves, leak);
        }
        self.note(format_args!(
            "bucket: stack {stack} request {asked}: {outcome} {id} {reason}"
        ));
        let is_success = outcome == "SUCCESS";
        let kind = self.stacks[stack].requests[asked].kind;
        if !reason.is_empty() {
            let text = reason.clone();
            self.stacks[stack].told.push(Reason { kind, text });
        }
        let request = &self.stacks[stack].requests[asked];
        let branch = if is_success {
            format!("{kind} SUCCESS, id {}", form_of(&id))
        } else {
            let reason = reason.split(" Log: ").next().unwrap_or_default();
            format!(
                "{kind} FAILED, id {}: {}",
                form_of(&id),
                without_values(reason)
            )
        };
        self.coverage.branch("answers", branch);
        if request.first.is_some() {
            return;
        }
        let incoming = request.incoming.clone();
        let now = self.now();
        self.ids_stay(stack, kind, incoming.as_deref(), is_success, &id);
        let is_waited_for = self.stacks[stack].requests[asked].given_up.is_none();
        if kind == "Create" && is_success && is_waited_for {
            self.no_success_for_a_broken_role(stack, &id);
        }
        let answer = Answer { is_success, id };
        let request = &mut self.stacks[stack].requests[asked];
        request.first = Some(answer.clone());
        request.answered = Some(now);
        if let Some(waiter) = request.waiter.take() {
            waiter.send(answer).ok();
        }
    }

    /// [`Promise::AnswersAreWellFormed`].
    fn problems(&self, stack: usize, asked: usize, body: &[u8], answer: &Value) -> Vec<String> {
        let request = &self.stacks[stack].requests[asked];
        let text = |name: &str| answer[name].as_str().unwrap_or_default();
        let is_success = text("Status") == "SUCCESS";
        let has_attributes = request.kind == "Delete"
            || ATTRIBUTES.iter().all(|name| {
                answer["Data"][*name]
                    .as_str()
                    .is_some_and(|text| !text.is_empty())
            });
        let has_null = answer
            .as_object()
            .is_none_or(|members| members.values().any(Value::is_null));
        [
            (body.len() > BODY_LIMIT, "is too long"),
            (
                text("StackId") != self.stacks[stack].id,
                "has another stack's id",
            ),
            (text("RequestId") != request.id, "has another request's id"),
            (
                text("LogicalResourceId") != LOGICAL_ID,
                "has another logical id",
            ),
            (
                !(1..=1024).contains(&text("PhysicalResourceId").len()),
                "has no usable id",
            ),
            (!is_success && text("Status") != "FAILED", "has no status"),
            (
                !is_success && text("Reason").is_empty(),
                "fails without a reason",
            ),
            (is_success && !has_attributes, "lacks an attribute"),
            (has_null, "has a null"),
        ]
        .into_iter()
        .filter(|(is_so, _)| *is_so)
        .map(|(_, problem)| format!("the answer to stack {stack} request {asked} {problem}"))
        .collect()
    }

    /// [`Promise::NoSuccessForABrokenRole`]. Where a fault kept the function from
    /// seeing the failure it may say that all is well so far.
    fn no_success_for_a_broken_role(&mut self, stack: usize, id: &str) {
        let of = &self.stacks[stack];
        if of.had_fault || of.was_meddled || self.history.vendor.published_only {
            return;
        }
        let record = id.split('/').nth(1).unwrap_or_default();
        let failed = |app: &rehearsal::sandbox::App| app.id == record && app.status == "failure";
        let role = self.history.stacks[stack].role;
        let is_broken = role.broken && !role.endless;
        if is_broken || self.apps().iter().any(failed) {
            let how = format!("stack {stack}: the validation of {record} has failed");
            self.violated(Promise::NoSuccessForABrokenRole, how);
        }
    }

    /// [`Promise::IdsStay`].
    fn ids_stay(
        &mut self,
        stack: usize,
        kind: &str,
        incoming: Option<&str>,
        is_success: bool,
        id: &str,
    ) {
        let Some(incoming) = incoming.filter(|incoming| *incoming != id) else {
            return;
        };
        let was_replaced = || {
            let record = incoming.split('/').nth(1).unwrap_or_default();
            let named = incoming.starts_with("integration/") || incoming.starts_with("adopted/");
            !named
                || self
                    .ledger
                    .get(record)
                    .is_none_or(|entry| !entry.live || entry.meddled)
        };
        if kind != "Update" || !is_success || !was_replaced() {
            let how = format!("stack {stack}: {kind} came with {incoming}, answered {id}");
            self.violated(Promise::IdsStay, how);
        }
    }
}

/// The first part of an id.
fn form_of(id: &str) -> &str {
    match id.split_once('/') {
        Some((form @ ("integration" | "adopted" | "pending" | "none"), _)) => form,
        _ => "invented",
    }
}

/// A reason without what differs from case to case.
fn without_values(reason: &str) -> String {
    let mut text = String::new();
    let mut quoted = false;
    for word in reason.split_inclusive(' ') {
        let starts = word.starts_with('"');
        if starts && !quoted {
            text.push_str("… ");
        }
        quoted |= starts;
        if !quoted && !word.contains("app_") && !word.contains("arn:") {
            text.push_str(word);
        }
        if quoted && word.trim_end_matches([' ', '.', ',', ':']).ends_with('"') {
            quoted = false;
        }
    }
    let end = text
        .char_indices()
        .nth(100)
        .map_or(text.len(), |(end, _)| end);
    text[..end].trim_end().to_owned()
}

thread_local! {
    static SECRETS: [Secret; 3] = [
        Secret::new("token", TOKEN),
        Secret::new("external id", EXTERNAL_ID),
        Secret::new("response URL", SIGNATURE),
    ];
}

/// [`Promise::NoSecretLeaves`]: where one of the secrets is.
pub fn leaks(place: &str, texts: &[&str]) -> Vec<String> {
    SECRETS.with(|secrets| {
        secrets
            .iter()
            .flat_map(|secret| secret.found_in(place, texts.iter().copied()))
            .collect()
    })
}
