//! What Secrets Manager and CloudFormation answer.

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use serde_json::json;

use crate::fault::{Spot, What};
use crate::world::{Seen, State, TOKEN, World};

/// How old a stale answer is, in milliseconds: less than what the function waits
/// in all before it believes that a stack is at rest.
const STALE: u64 = 3_000;

/// The secret with the token, to a role that is known already.
pub fn secret(world: &World, stack: usize) -> Response<Bytes> {
    let state = world.lock();
    let plan = &state.history.stacks[stack];
    let trusted = state.stacks[stack].began.unwrap_or_default() + u64::from(plan.trusted_in) * 1000;
    if state.stacks[stack].function_gone || state.now() < trusted {
        return refusal(Spot::Secret, What::Denied);
    }
    let text = if plan.trusted_in.is_multiple_of(2) {
        TOKEN.to_owned()
    } else {
        json!({"token": TOKEN}).to_string()
    };
    secret_value(&text)
}

/// What Secrets Manager answers to a role that may read a secret.
pub fn secret_value(text: &str) -> Response<Bytes> {
    answer(
        200,
        "application/x-amz-json-1.1",
        json!({"SecretString": text}).to_string(),
    )
}

/// `DescribeStacks`.
pub fn stack(
    world: &World,
    stack: usize,
    request: &Request<Bytes>,
    what: Option<What>,
) -> Response<Bytes> {
    let mut state = world.lock();
    let seen = match seen(&state, stack, request, what) {
        Ok(seen) => seen.clone(),
        Err(refused) => return *refused,
    };
    state.coverage.branch(
        "statuses of stack and resource that were seen",
        format!("{} {}", seen.stack, seen.resource),
    );
    xml(format!(
        "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>\
         <StackName>s</StackName><CreationTime>2026-11-24T00:00:00Z</CreationTime>\
         <StackStatus>{}</StackStatus>\
         </member></Stacks></DescribeStacksResult></DescribeStacksResponse>",
        seen.stack
    ))
}

/// `DescribeStackResource`.
pub fn resource(
    world: &World,
    stack: usize,
    request: &Request<Bytes>,
    what: Option<What>,
) -> Response<Bytes> {
    let state = world.lock();
    match seen(&state, stack, request, what) {
        Err(refused) => *refused,
        Ok(seen) if !seen.resource.is_empty() => xml(format!(
            "<DescribeStackResourceResponse><DescribeStackResourceResult><StackResourceDetail>\
             <LogicalResourceId>l</LogicalResourceId><ResourceType>t</ResourceType>\
             <LastUpdatedTimestamp>{}</LastUpdatedTimestamp>\
             <PhysicalResourceId>{}</PhysicalResourceId>\
             <ResourceStatus>{}</ResourceStatus>\
             </StackResourceDetail></DescribeStackResourceResult></DescribeStackResourceResponse>",
            state.written(seen.changed),
            seen.recorded,
            seen.resource
        )),
        Ok(_) => error(400, "ValidationError", "Resource does not exist"),
    }
}

/// What CloudFormation shows the function of a stack about the stack that it asks
/// about, or why it shows nothing.
fn seen<'a>(
    state: &'a State,
    stack: usize,
    request: &Request<Bytes>,
    what: Option<What>,
) -> Result<&'a Seen, Box<Response<Bytes>>> {
    if state.stacks[stack].function_gone {
        return Err(Box::new(refusal(Spot::Stack, What::Denied)));
    }
    let at = state.now().saturating_sub(age(what));
    asked_about(&state.stacks, request)
        .and_then(|asked| state.seen_at(asked, at))
        .ok_or_else(|| {
            let message = "Stack with id s does not exist";
            Box::new(error(400, "ValidationError", message))
        })
}

fn age(what: Option<What>) -> u64 {
    if what == Some(What::Stale) { STALE } else { 0 }
}

fn asked_about(stacks: &[crate::world::Stack], request: &Request<Bytes>) -> Option<usize> {
    let (_, id) =
        url::form_urlencoded::parse(request.body()).find(|(name, _)| name == "StackName")?;
    stacks.iter().position(|stack| stack.id == id)
}

/// What a service answers when it refuses.
pub fn refusal(spot: Spot, what: What) -> Response<Bytes> {
    let is_denied = what == What::Denied;
    if spot == Spot::Secret {
        let code = if is_denied {
            "AccessDeniedException"
        } else {
            "ThrottlingException"
        };
        let body = json!({"__type": code, "message": "as the simulation wants it"});
        return answer(400, "application/x-amz-json-1.1", body.to_string());
    }
    if is_denied {
        error(403, "AccessDenied", "not authorized")
    } else {
        error(400, "Throttling", "Rate exceeded")
    }
}

fn error(status: u16, code: &str, message: &str) -> Response<Bytes> {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    );
    answer(status, "text/xml", body)
}

fn xml(body: String) -> Response<Bytes> {
    answer(200, "text/xml", body)
}

fn answer(status: u16, kind: &'static str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    let kind = http::HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
