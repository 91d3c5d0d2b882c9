"""Runs MiniStack as the cloud of the rehearsal.

MiniStack is a real CloudFormation engine with Lambda, IAM, STS and more in one
process. It differs from AWS in places that matter to a custom resource. Each
function below that is marked with ``closes`` takes one such difference away by
replacing a function of the engine, and names it in one line.

What is read from the environment:

``REHEARSAL_ANSWER_KEY``            64 hex digits that sign the response URLs
``REHEARSAL_FUNCTION_ENVIRONMENT``  JSON object: more variables for functions
``STATE_DIR``, ``TMPDIR``           folders of this engine alone; ``requests.jsonl`` in the
                                    first gets every request to a custom resource, and
                                    while there is a file ``twice`` each is delivered twice;
                                    ``organization.json`` has ``Id`` and ``Accounts`` of the
                                    one organization, if there is one; ``stack_set.json`` the
                                    one StackSet: ``Name``, ``Account``, ``CallAs`` and
                                    ``Instances``
``AUTH`` and others                 settings of MiniStack itself

Standard output gets one JSON object a line, ``{"gap": text}`` for each closed
difference and then ``{"port": number}``, and is closed; everything else goes to
standard error. The engine ends, and its functions with it, when standard input
is closed, so it cannot outlive the one that started it.
"""

import asyncio
import collections
import contextvars
import datetime
import hashlib
import hmac
import json
import os
import secrets
import signal
import socket
import sys
import threading
import urllib.parse
import uuid

GAPS = []

# The request that the current thread has sent and waits for.
SENT = threading.local()


def closes(*gaps):
    """Marks a function that takes these differences to AWS away."""

    def mark(close):
        GAPS.append((gaps, close))
        return close

    return mark


def end(*_):
    """Ends this process and every function at once."""
    os.killpg(0, signal.SIGKILL)


@closes("it ends when the rehearsal does, and so do its functions")
def follow_the_parent():
    """Ends with standard input; the engine alone would live on."""

    def wait():
        while sys.stdin.buffer.read(4096):
            pass
        end()

    threading.Thread(target=wait, daemon=True).start()
    signal.signal(signal.SIGTERM, end)


@closes("it listens on loopback only")
def listen():
    """Takes a free port before the engine reads its number.

    The engine alone would listen on every interface.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(256)
    os.environ["BIND_HOST"] = "127.0.0.1"
    os.environ["GATEWAY_PORT"] = str(listener.getsockname()[1])
    return listener


def answer_url(event, key, now):
    """The presigned URL of CloudFormation's bucket that answers ``event``.

    It has AWS's shape; only the signature is made with the run's own key.
    """
    region = event["StackId"].split(":")[3]
    label = region.replace("-", "")
    host = f"cloudformation-custom-resource-response-{label}.s3.{region}.amazonaws.com"
    stack = urllib.parse.quote(event["StackId"], safe="/")
    path = f"/{stack}%7C{event['LogicalResourceId']}%7C{event['RequestId']}"
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential=REHEARSAL%2F{now:%Y%m%d}%2F{region}%2Fs3%2Faws4_request"
        f"&X-Amz-Date={now:%Y%m%dT%H%M%SZ}&X-Amz-Expires=7200&X-Amz-SignedHeaders=host"
    )
    signed = f"PUT\n{host}\n{path}\n{query}".encode()
    signature = hmac.new(key, signed, hashlib.sha256).hexdigest()
    return f"https://{host}{path}?{query}&X-Amz-Signature={signature}"


@closes(
    "a response URL has the shape of AWS's, signed with the run's own key",
    "a custom resource's request is delivered as Lambda's events are: one that was lost runs again",
)
def deliver_requests():
    """Replaces how a custom resource's request reaches its function."""
    from ministack.services import lambda_svc
    from ministack.services.cloudformation import custom_resource

    key = bytes.fromhex(os.environ["REHEARSAL_ANSWER_KEY"])
    folder = os.environ["STATE_DIR"]
    run_once = lambda_svc._execute_function_with_config_scope
    own_url = f"{custom_resource._gateway_url()}/_ministack/cfn-response/"

    def execute(function, event):
        url = event.get("ResponseURL") if isinstance(event, dict) else None
        if not isinstance(url, str) or not url.startswith(own_url):
            return run_once(function, event)
        with custom_resource._lock:
            # The answer comes back under the id of its request.
            entry = custom_resource._pending[url.removeprefix(own_url)]
            custom_resource._pending[event["RequestId"]] = entry
        now = datetime.datetime.now(datetime.timezone.utc)
        event = {**event, "ResponseURL": answer_url(event, key, now)}
        SENT.request_id, SENT.entry = event["RequestId"], entry
        with open(os.path.join(folder, "requests.jsonl"), "a", encoding="utf-8") as kept:
            kept.write(json.dumps(event) + "\n")
        if os.path.exists(os.path.join(folder, "twice")):
            lambda_svc.invoke_async_with_retry(function, event)
        return lambda_svc.invoke_async_with_retry(function, event)

    lambda_svc._execute_function_with_config_scope = execute


def invented_id(stack_name, logical_id):
    """The physical id of a resource that never told its own."""
    return f"{stack_name}_{logical_id}_{secrets.token_hex(7)[:13].upper()}"


class Request:
    """One request to a custom resource, shown in its stack while it runs."""

    def __init__(self, kind, logical_id, props, stack_name, stack_id, resource_type, physical_id):
        from ministack.services import cloudformation
        from ministack.services.cloudformation import stacks

        self.add_event = stacks._add_event
        self.now = stacks.now_iso
        self.kind = kind
        self.names = (stack_id, stack_name, logical_id, resource_type)
        self.physical_id = physical_id
        self.stack = cloudformation._stacks.get(stack_name) or {}
        self.resources = self.stack.setdefault("_resources", {})
        self.record = self.resources.get(logical_id)
        self.cleans_up = False
        if kind == "Create":
            self.record = self.resources[logical_id] = {
                "PhysicalResourceId": "",
                "ResourceType": resource_type,
                "LogicalResourceId": logical_id,
                "Properties": props,
                "Attributes": {},
            }

    def show(self, state, reason=""):
        """Shows the resource in this state, for example ``IN_PROGRESS``."""
        if self.kind == "Delete" and self.record.get("PhysicalResourceId") != self.physical_id:
            # The one before a replacement: the stack shows its successor.
            return
        self.record["ResourceStatus"] = f"{self.kind.upper()}_{state}"
        self.record["ResourceStatusReason"] = reason
        self.record["Timestamp"] = self.now()

    def begin(self):
        """Before the request is sent."""
        if self.record:
            self.show("IN_PROGRESS")
        if self.kind == "Delete" and self.stack.get("StackStatus") == "UPDATE_IN_PROGRESS":
            stack_id, stack_name, *_ = self.names
            self.stack["StackStatus"] = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
            self.add_event(
                stack_id, stack_name, stack_name, "AWS::CloudFormation::Stack",
                self.stack["StackStatus"], physical_id=stack_id,
            )
        if self.stack.get("StackStatus") == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
            self.cleans_up = True
            self.add_event(*self.names, "DELETE_IN_PROGRESS", physical_id=self.physical_id)

    def succeed(self):
        """After an answer with SUCCESS."""
        if self.cleans_up:
            self.add_event(*self.names, "DELETE_COMPLETE", physical_id=self.physical_id)

    def fail(self, reason):
        """After an answer with FAILED, or none in time."""
        if not self.record:
            return
        self.show("FAILED", reason)
        if self.kind == "Create" and SENT.entry is not None:
            answer = SENT.entry["result"] or {}
            self.record["PhysicalResourceId"] = answer.get("PhysicalResourceId") or invented_id(
                self.names[1], self.names[2]
            )


@closes(
    "a custom resource is listed while it is in progress and after it failed",
    "an update that removes a custom resource does so as a cleanup, with events",
)
def show_requests():
    """Keeps a stack's list of resources right while a request runs."""
    from ministack.services.cloudformation import custom_resource

    invoke = custom_resource.invoke_custom_resource

    def invoke_and_show(kind, logical_id, props, *stack, physical_id=None, old_props=None):
        SENT.request_id = SENT.entry = None
        request = Request(kind, logical_id, props, *stack, physical_id)
        request.begin()
        try:
            answer = invoke(kind, logical_id, props, *stack, physical_id, old_props)
        except Exception as failure:
            request.fail(str(failure))
            raise
        finally:
            custom_resource._pending.pop(SENT.request_id, None)
        request.succeed()
        return answer

    custom_resource.invoke_custom_resource = invoke_and_show


@closes("there is one organization, whose id every principal of its accounts has")
def model_one_organization():
    """Gives the key aws:PrincipalOrgID to the accounts of the organization."""
    from ministack.core import iam_evaluator

    path = os.path.join(os.environ["STATE_DIR"], "organization.json")

    def organization_of(account):
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as kept:
            organization = json.load(kept)
        return organization["Id"] if account in organization["Accounts"] else None

    iam_evaluator._principal_org_id = organization_of


@closes("there is one StackSet, whose instances are those that the rehearsal names")
def model_one_stack_set():
    """Lists a StackSet's instances to its account, in the role in which it may ask.

    What is asked for is one resource, as in AWS: the StackSet.
    """
    from ministack.core import iam_actions
    from ministack.core.responses import get_account_id
    from ministack.services.cloudformation import handlers
    from ministack.services.cloudformation.helpers import _error, _esc, _p, _xml

    path = os.path.join(os.environ["STATE_DIR"], "stack_set.json")
    resource_of = iam_actions.extract_resource_arn
    page = 100

    def kept():
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as file:
            return json.load(file)

    def member(instance):
        simple = ("Account", "Region", "StackId", "Status", "StatusReason")
        inside = "".join(f"<{name}>{_esc(instance[name])}</{name}>" for name in simple)
        detail = f"<DetailedStatus>{_esc(instance['DetailedStatus'])}</DetailedStatus>"
        return f"<member>{inside}<StackInstanceStatus>{detail}</StackInstanceStatus></member>"

    def list_instances(params):
        stack_set, call_as = kept(), _p(params, "CallAs", "SELF")
        name, account = _p(params, "StackSetName"), _p(params, "StackInstanceAccount")
        if stack_set is None or (get_account_id(), name) != (stack_set["Account"], stack_set["Name"]):
            return _error("StackSetNotFoundException", f"StackSet {name} not found", 404)
        if call_as != stack_set["CallAs"]:
            if call_as == "SELF":
                return _error("StackSetNotFoundException", f"StackSet {name} not found", 404)
            return _error("ValidationError", "Account used is not a delegated administrator")
        begin = int(_p(params, "NextToken", "0"))
        found = [i for i in stack_set["Instances"] if account in ("", i["Account"])][begin:]
        more = f"<NextToken>{begin + page}</NextToken>" if len(found) > page else ""
        members = "".join(map(member, found[:page]))
        result = f"<Summaries>{members}</Summaries>{more}"
        return _xml(
            200,
            "ListStackInstancesResponse",
            f"<ListStackInstancesResult>{result}</ListStackInstancesResult>",
        )

    def resource(service, method, url, headers, body, query, region, account):
        name = iam_actions._query_param(query, "StackSetName")
        if service == "cloudformation" and name:
            unique = uuid.uuid5(uuid.NAMESPACE_DNS, name)
            return f"arn:aws:cloudformation:{region}:{account}:stackset/{name}:{unique}"
        return resource_of(service, method, url, headers, body, query, region, account)

    handlers._ACTION_HANDLERS["ListStackInstances"] = list_instances
    iam_actions.extract_resource_arn = resource


@closes(
    "a ServiceToken may be another account's function, if its policy lets the account in",
    "a function may be invoked from another account by its ARN, if its policy lets that in",
)
def carry_requests_across_accounts():
    """Looks a function up where its ARN says, and asks its resource policy.

    A stack is worked on by the root user of its account, who also invokes by hand.
    """
    from ministack.core import iam_evaluator
    from ministack.core.responses import error_response_json, get_account_id, get_region
    from ministack.services import lambda_svc
    from ministack.services.cloudformation import custom_resource

    look_up, invoke = lambda_svc._get_func_record_for_ref, custom_resource.invoke_custom_resource
    carrying, handle = threading.local(), lambda_svc.handle_request

    def look_up_as(owner, token):
        def run():
            lambda_svc._request_account_id.set(owner)
            return look_up(token)

        return contextvars.copy_context().run(run)

    def owner_of(token):
        parts = token.split(":")
        return parts[4] if len(parts) == 7 else get_account_id()

    def look_up_if_let_in(token):
        caller = get_account_id()
        record, config, name = look_up_as(owner_of(token), token)
        principal = f"arn:aws:iam::{caller}:root"
        context = iam_evaluator.EvalContext(
            principal_arn=principal,
            principal_type="Root",
            principal_account=caller,
            action="lambda:InvokeFunction",
            resource_arn=token,
            region=get_region(),
        )
        policy = (record or {}).get("policy")
        if not iam_evaluator.resource_policy_allows(policy, context, same_account=False):
            raise ValueError(
                f"User: {principal} is not authorized to perform: lambda:InvokeFunction on "
                f"resource: {token} because no resource-based policy allows the "
                "lambda:InvokeFunction action"
            )
        return record, config, name

    def look_up_for_a_stack(token):
        if not getattr(carrying, "a_request", False) or owner_of(token) == get_account_id():
            return look_up(token)
        return look_up_if_let_in(token)

    async def handle_across_accounts(method, path, *request):
        parts = urllib.parse.unquote(path).split("/")
        token = parts[3] if parts[-1] == "invocations" else ""
        if owner_of(token) == get_account_id():
            return await handle(method, path, *request)
        try:
            look_up_if_let_in(token)
        except ValueError as refusal:
            return error_response_json("AccessDeniedException", str(refusal), 403)
        scope = lambda_svc._request_account_id.set(owner_of(token))
        try:
            return await handle(method, path, *request)
        finally:
            lambda_svc._request_account_id.reset(scope)

    def carry(*request, **more):
        carrying.a_request = True
        try:
            return invoke(*request, **more)
        finally:
            carrying.a_request = False

    lambda_svc._get_func_record_for_ref = look_up_for_a_stack
    lambda_svc.handle_request = handle_across_accounts
    custom_resource.invoke_custom_resource = carry


@closes("a Create that failed or stayed silent gets its Delete when the stack rolls back")
def roll_back_failed_creates():
    """Adds what failed to the resources that a rollback deletes."""
    from ministack.services.cloudformation import handlers, stacks

    roll_back = stacks._roll_back_operation

    async def roll_back_all(stack_name, stack_id, stack, operation, *more):
        created = operation.setdefault("created", [])
        for logical_id, record in stack.get("_resources", {}).items():
            failed = record.get("ResourceStatus") == "CREATE_FAILED"
            if failed and logical_id not in created:
                created.append(logical_id)
        await roll_back(stack_name, stack_id, stack, operation, *more)

    stacks._roll_back_operation = handlers._roll_back_operation = roll_back_all


@closes("a function finds what Lambda gives it, nothing of this machine, and what is injected")
def give_functions_their_own_environment():
    """Takes the engine's environment away from the functions' processes.

    What a function declares itself is left to it, if it is not empty.
    """
    from ministack.core.lambda_runtime import HOST_PREFIX_ENV
    from ministack.services import lambda_svc

    injected = json.loads(os.environ.get("REHEARSAL_FUNCTION_ENVIRONMENT", "{}"))
    foreign = (set(os.environ) - {"PATH", "LANG"}) | {HOST_PREFIX_ENV, "AWS_ENDPOINT_URL"}
    build = lambda_svc._provided_worker_env

    def environment(config, code_dir, port):
        declared = (config.get("Environment") or {}).get("Variables") or {}
        wanted = {name: injected[name] for name in injected if not declared.get(name)}
        found = build(config, code_dir, port)
        group = (config.get("LoggingConfig") or {}).get("LogGroup")
        return {
            "TZ": ":UTC",
            "AWS_LAMBDA_LOG_GROUP_NAME": group or f"/aws/lambda/{config['FunctionName']}",
            **{name: found[name] for name in found if name in declared or name not in foreign},
            **wanted,
        }

    lambda_svc._provided_worker_env = environment


@closes("a function's code may be in another account's bucket, and must be there")
def read_published_code():
    """Reads code as the account that owns the bucket; without it all fails."""
    from ministack.services import lambda_svc, s3

    fetch = lambda_svc._fetch_code_from_s3

    def fetch_as_owner(bucket, key, version_id=None):
        def run():
            owner = s3._bucket_owner_account(bucket)
            if owner:
                lambda_svc._request_account_id.set(owner)
            return fetch(bucket, key, version_id)

        if (code := contextvars.copy_context().run(run)) is None:
            raise ValueError(f"Error occurred while GetObject: no {key} in bucket {bucket}")
        return code

    lambda_svc._fetch_code_from_s3 = fetch_as_owner


@closes("S3 refuses a request that expects a bucket to be another account's")
def refuse_strangers_buckets():
    """Heeds the header x-amz-expected-bucket-owner, whatever the bucket's policy says."""
    from ministack.services import s3

    dispatch = s3._dispatch

    def dispatch_if_owned(method, bucket, key, headers, *rest, **more):
        expected = headers.get("x-amz-expected-bucket-owner")
        owner = s3._bucket_owner_account(bucket) if expected and bucket else None
        if owner not in (None, expected):
            return s3._error("AccessDenied", "Access Denied", 403)
        return dispatch(method, bucket, key, headers, *rest, **more)

    s3._dispatch = dispatch_if_owned


@closes("a stack's version of a function is made of the code that it names, or fails")
def pin_versions_to_their_code():
    """Compares CodeSha256 with what the function has, as Lambda does."""
    from ministack.services.cloudformation import provisioners

    versions = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Version"]
    create = versions["create"]

    def create_of_that_code(logical_id, props, stack_name):
        function, *_ = provisioners._lambda_function_for_cfn_ref(props["FunctionName"])
        wanted, found = props.get("CodeSha256"), function["config"]["CodeSha256"]
        if wanted not in (None, found):
            raise ValueError(
                f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST "
                f"({found}). Please try again with the CodeSHA256 in $LATEST."
            )
        return create(logical_id, props, stack_name)

    versions["create"] = provisioners._lambda_version_create = create_of_that_code


@closes("a template's conditions can ask for the partition, the region and the account")
def read_pseudo_parameters():
    """Gives conditions the values that AWS gives them in place of parameters."""
    from ministack.core.responses import get_account_id, get_region
    from ministack.services.cloudformation import changesets, engine, handlers, stacks

    evaluate = engine._evaluate_conditions

    def evaluate_with_pseudo_parameters(template, params):
        values = {
            "AWS::Partition": "aws",
            "AWS::Region": get_region(),
            "AWS::AccountId": get_account_id(),
        }
        pseudo = {name: {"Value": value} for name, value in values.items()}
        return evaluate(template, {**pseudo, **params})

    for module in (changesets, engine, handlers, stacks):
        if hasattr(module, "_evaluate_conditions"):
            module._evaluate_conditions = evaluate_with_pseudo_parameters


@closes("the two AWS managed policies for IAM Identity Center exist")
def add_managed_policies():
    """Adds policies of AWS that the engine does not bring."""
    from ministack.services import iam

    for name, services in [
        ("AWSSSOReadOnly", ["sso", "identitystore"]),
        ("AWSSSODirectoryReadOnly", ["sso-directory", "identitystore"]),
    ]:
        actions = [f"{service}:{verb}*" for service in services
                   for verb in ("Describe", "Get", "List", "Search")]
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        policy = iam._make_aws_managed_record(name, document)
        iam._aws_managed_policies[policy["Arn"]] = policy


def listed(value):
    """What a policy may give alone or as a list, as a list."""
    return value if isinstance(value, list) else [value]


@closes(
    "a stack's role carries its permissions boundary, and a name that is taken fails it",
    "a stack's function needs a role that Lambda can assume",
)
def make_roles_as_iam_does():
    """Makes roles and functions of a stack with the checks that IAM has."""
    from ministack.services import iam
    from ministack.services.cloudformation import provisioners

    roles = provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"]
    functions = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create, update, create_function = roles["create"], roles["update"], functions["create"]

    def boundary(props):
        arn = props.get("PermissionsBoundary")
        if arn and not iam._policy_exists(arn):
            raise ValueError(f"Scope ARN: {arn} does not exist or is not attachable.")
        return arn

    def create_role(logical_id, props, stack_name):
        name = props.get("RoleName")
        if name in iam._roles:
            raise ValueError(f"Role with name {name} already exists.")
        arn = boundary(props)
        name, attributes = create(logical_id, props, stack_name)
        iam._roles[name]["PermissionsBoundary"] = arn
        return name, attributes

    def update_role(physical_id, old_props, props, *more, **named):
        arn = boundary(props)
        name, attributes = update(physical_id, old_props, props, *more, **named)
        iam._roles[name]["PermissionsBoundary"] = arn
        return name, attributes

    def create_function_with_role(logical_id, props, stack_name):
        role = iam._roles.get(props["Role"].rsplit("/", 1)[-1]) or {}
        trust = json.loads(role.get("AssumeRolePolicyDocument") or "{}")
        if not any(
            "sts:AssumeRole" in listed(statement.get("Action"))
            and "lambda.amazonaws.com" in listed(statement.get("Principal", {}).get("Service"))
            for statement in listed(trust.get("Statement"))
        ):
            raise ValueError("The role defined for the function cannot be assumed by Lambda.")
        return create_function(logical_id, props, stack_name)

    roles["create"] = provisioners._iam_role_create = create_role
    roles["update"] = update_role
    functions["create"] = provisioners._lambda_create = create_function_with_role


@closes("what a stack names by itself has another name in another region")
def name_by_region():
    """Keeps two stacks of one name from taking each other's roles."""
    from ministack.core.responses import get_region
    from ministack.services.cloudformation import provisioners

    name, seed = provisioners._physical_name, provisioners._NAME_SEED

    def name_in_region(*of, **more):
        token = seed.set(f"{seed.get()}{get_region()}")
        try:
            return name(*of, **more)
        finally:
            seed.reset(token)

    provisioners._physical_name = name_in_region


@closes("the key aws:PrincipalArn of a session is the ARN of its role")
def name_sessions_after_their_roles():
    """Gives conditions the role where the engine has the session."""
    from ministack.core import iam_evaluator
    from ministack.services import iam

    resolve = iam_evaluator._resolve_condition_key

    def resolve_role(key, context):
        value = resolve(key, context)
        if key.lower() == "aws:principalarn" and ":assumed-role/" in value:
            name = iam_evaluator._role_name_from_assumed_arn(value)
            role = iam._roles.get_scoped(context.principal_account, None, name)
            return role["Arn"] if role else value
        return value

    iam_evaluator._resolve_condition_key = resolve_role


@closes(
    "a deleted function runs no more, and makes no log group anew",
    "a run that is under way ends by itself when its function is deleted",
)
def let_deleted_functions_rest():
    """Drops events and log lines of functions that are gone.

    A process that still runs is ended only when its last run has ended.
    """
    from ministack.services import lambda_svc

    running, ended = collections.Counter(), threading.Condition()
    kill = lambda_svc.invalidate_worker

    execute, write_log = lambda_svc._execute_function, lambda_svc._emit_lambda_logs

    def is_gone(function):
        config = function.get("config") or function
        account, region = lambda_svc._account_region_from_function_config(config)
        name = config.get("FunctionName")
        return lambda_svc._functions.get_scoped(account, region, name) is None

    def execute_if_there(function, event):
        if is_gone(function):
            return {"body": None}
        config = function.get("config") or function
        key = (
            *lambda_svc._account_region_from_function_config(config),
            config.get("FunctionName"),
        )
        with ended:
            running[key] += 1
        try:
            return execute(function, event)
        finally:
            with ended:
                running[key] -= 1
                ended.notify_all()

    def kill_when_idle(name, qualifier=None, account=None, region=None):
        def wait_and_kill():
            with ended:
                ended.wait_for(lambda: not running[account, region, name])
            kill(name, qualifier=qualifier, account=account, region=region)

        if running[account, region, name]:
            threading.Thread(target=wait_and_kill, daemon=True).start()
        else:
            kill(name, qualifier=qualifier, account=account, region=region)

    def write_log_if_there(function, *details, **more):
        if not is_gone(function):
            write_log(function, *details, **more)

    lambda_svc._execute_function = execute_if_there
    lambda_svc.invalidate_worker = kill_when_idle
    lambda_svc._emit_lambda_logs = write_log_if_there


def main():
    """Closes every gap, tells so, and serves until standard input closes."""
    os.setsid()
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    listener = None
    for gaps, close in GAPS:
        listener = close() or listener
        for gap in gaps:
            print(json.dumps({"gap": gap}), file=report)
    print(json.dumps({"port": int(os.environ["GATEWAY_PORT"])}), file=report)
    report.close()

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.keep_alive_timeout = 75
    asyncio.run(serve(app, config))


if __name__ == "__main__":
    main()
