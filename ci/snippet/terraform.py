"""Terraform: parsed, and its resources held against the arguments that they have. All
blocks of a page are one configuration."""

import collections
import itertools
import re

import hcl2

# By the pages of the AWS provider: arguments with what they take, or inner blocks.
OPERATION = {
    "failure_tolerance_count": int,
    "failure_tolerance_percentage": int,
    "max_concurrent_count": int,
    "max_concurrent_percentage": int,
    "region_concurrency_type": ("SEQUENTIAL", "PARALLEL"),
    "region_order": list,
}
CALL_AS = ("SELF", "DELEGATED_ADMIN")
CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
LIFECYCLE = {
    "ignore_changes": list,
    "prevent_destroy": bool,
    "create_before_destroy": bool,
    "replace_triggered_by": list,
}
OF_ALL = {
    "provider": str,
    "region": str,
    "depends_on": list,
    "count": int,
    "for_each": object,
    "lifecycle": LIFECYCLE,
}
ARGUMENTS = {
    "aws_cloudformation_stack": {
        "name": str,
        "template_body": str,
        "template_url": str,
        "capabilities": CAPABILITIES,
        "disable_rollback": bool,
        "notification_arns": list,
        "on_failure": ("DO_NOTHING", "ROLLBACK", "DELETE"),
        "parameters": dict,
        "policy_body": str,
        "policy_url": str,
        "tags": dict,
        "iam_role_arn": str,
        "timeout_in_minutes": int,
        "timeouts": {"create": str, "update": str, "delete": str},
    },
    "aws_cloudformation_stack_set": {
        "name": str,
        "administration_role_arn": str,
        "auto_deployment": {"enabled": bool, "retain_stacks_on_account_removal": bool},
        "capabilities": CAPABILITIES,
        "operation_preferences": OPERATION,
        "description": str,
        "execution_role_name": str,
        "managed_execution": {"active": bool},
        "parameters": dict,
        "permission_model": ("SELF_MANAGED", "SERVICE_MANAGED"),
        "call_as": CALL_AS,
        "tags": dict,
        "template_body": str,
        "template_url": str,
        "timeouts": {"update": str},
    },
    "aws_cloudformation_stack_instances": {
        "stack_set_name": str,
        "accounts": list,
        "call_as": CALL_AS,
        "deployment_targets": {
            "account_filter_type": ("INTERSECTION", "DIFFERENCE", "UNION", "NONE"),
            "accounts": list,
            "accounts_url": str,
            "organizational_unit_ids": list,
        },
        "operation_preferences": OPERATION
        | {"concurrency_mode": ("STRICT_FAILURE_TOLERANCE", "SOFT_FAILURE_TOLERANCE")},
        "parameter_overrides": dict,
        "regions": list,
        "retain_stacks": bool,
        "timeouts": {"create": str, "update": str, "delete": str},
    },
    "aws_secretsmanager_secret": {
        "name": str,
        "name_prefix": str,
        "description": str,
        "kms_key_id": str,
        "policy": str,
        "recovery_window_in_days": int,
        "tags": dict,
    },
    "aws_secretsmanager_secret_version": {
        "secret_id": str,
        "secret_string": str,
        "secret_string_wo": str,
        "secret_string_wo_version": int,
    },
}
NEEDED = {
    "aws_cloudformation_stack": {"name"},
    "aws_cloudformation_stack_set": {"name"},
    "aws_cloudformation_stack_instances": {"stack_set_name"},
    "aws_secretsmanager_secret_version": {"secret_id"},
}
BLOCKS = {"terraform", "provider", "variable", "locals", "data", "resource", "output"}

REFERENCE = re.compile(r"(?<![\w.\"])((?:var|local|data|aws)[\w]*\.[\w.]+)")
KEY = re.compile(r"[({,]\s*\"?(\w+)\"? ?[=:](?!=)")
OUTPUT = re.compile(r"\.outputs(?:\.|\[\\?\")(\w+)")


def check(blocks, product, scratch):
    """What the parser says of each block, and what its page lacks."""
    del scratch
    found = collections.OrderedDict()
    of_terraform = (block for block in blocks if block.kind == "Terraform")
    for _, page in itertools.groupby(of_terraform, key=lambda block: (block.page, block.expected)):
        page = list(page)
        parsed = {}
        for block in page:
            found[block] = []
            try:
                parsed[block] = hcl2.loads(block.text)
            except Exception as error:  # noqa: BLE001, every parser has its own
                found[block].append(" ".join(str(error).split())[:200])
        declared = set().union(*map(declares, parsed.values()))
        for block, content in parsed.items():
            found[block].extend(refuses(content, declared, product))
            found[block].extend(lacks(block, content, product))
    return found


def entries(content, kind):
    """The blocks of a kind with two labels: type, name and arguments."""
    for entry in content.get(kind, []):
        for type_, named in labels(entry):
            for name, arguments in labels(named):
                yield type_, name, arguments


def labels(entry):
    for key, value in entry.items():
        if key != "__is_block__":
            yield key.strip('"'), value


def declares(content):
    """What a block declares, as it is referred to."""
    for entry in content.get("variable", []):
        yield from (f"var.{name}" for name, _ in labels(entry))
    for entry in content.get("locals", []):
        yield from (f"local.{name}" for name, _ in labels(entry))
    yield from (f"data.{type_}.{name}" for type_, name, _ in entries(content, "data"))
    yield from (f"{type_}.{name}" for type_, name, _ in entries(content, "resource"))


def refuses(content, declared, product):
    for kind in content:
        if kind not in BLOCKS and kind != "__is_block__":
            yield f"{kind} is no block of Terraform"
    for type_, name, arguments in entries(content, "resource"):
        known = ARGUMENTS.get(type_)
        if known is None:
            yield f"the arguments of {type_} are not in ci/snippet/terraform.py"
            continue
        place = f"{type_}.{name}"
        yield from refuses_arguments(place, arguments, known | OF_ALL)
        for needed in NEEDED.get(type_, set()) - set(arguments):
            yield f"{place} has no {needed}"
        parameters = arguments.get("parameters")
        if isinstance(parameters, dict):
            given = {key.strip('"'): literal(value) for key, value in labels(parameters)}
            capabilities = [literal(one) for one in arguments.get("capabilities", [])]
            yield from product.refuses(given, capabilities)
        elif isinstance(parameters, str):
            given = dict.fromkeys(KEY.findall(parameters))
            yield from product.refuses(given, is_new=False)
    for entry in content.get("locals", []):
        for name, value in labels(entry):
            if isinstance(value, dict) and set(product.parameters) & set(value):
                given = {key.strip('"'): literal(one) for key, one in labels(value)}
                yield from product.refuses(given, is_new=False)
    for text in texts(content):
        for reference in REFERENCE.findall(text):
            parts = reference.split(".")
            length = 3 if parts[0] == "data" else 2
            if ".".join(parts[:length]) not in declared:
                yield f"nothing declares {reference}"
        for output in OUTPUT.findall(text):
            if output not in product.outputs:
                yield f"the template has no output {output}"


def refuses_arguments(place, arguments, known):
    for name, value in labels(arguments):
        accepted = known.get(name)
        if accepted is None:
            yield f"{place} has no argument {name}"
        elif isinstance(accepted, dict):
            for inner in value if isinstance(value, list) else [value]:
                yield from refuses_arguments(f"{place}, {name}", inner, accepted)
        elif isinstance(accepted, tuple):
            for one in value if isinstance(value, list) else [value]:
                word = literal(one)
                if word is not None and word not in accepted:
                    yield f"{place}, {name} is {word}, and accepted are {', '.join(accepted)}"
        elif not is_a(value, accepted):
            yield f"{place}, {name} is {value}"


def is_a(value, kind):
    """Whether a value is of a kind, as far as that is written there."""
    if isinstance(value, str) and value.startswith("${"):
        return True
    if kind is bool:
        return isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def literal(value):
    """A string without its quotation marks, or nothing where it is computed."""
    if isinstance(value, str) and value.startswith('"') and "${" not in value:
        return value.strip('"')
    return None


def texts(value):
    if isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str) and "${" in value:
        yield value


def lacks(block, content, product):
    """The provider compares all parameters of a StackSet, also those with a default: each
    has to be named, or ignored."""
    if any(type_ == "aws_cloudformation_stack_set" for type_, *_ in entries(content, "resource")):
        missing = [name for name in product.parameters if not re.search(rf"\b{name}\b", block.text)]
        if missing:
            yield f"the StackSet names no {', '.join(missing)}"
